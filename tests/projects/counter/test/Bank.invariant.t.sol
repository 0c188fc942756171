// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bank} from "../src/Bank.sol";
import {WithVm} from "./Vm.sol";

/// @notice Puts ether in and takes it out in any order, never more than there is.
contract BankHandler is WithVm {
    Bank private immutable BANK;

    constructor(Bank bank) {
        BANK = bank;
    }

    receive() external payable {}

    function deposit(uint256 amount) external {
        amount = _between(amount, 1, 1 ether);
        VM.deal(address(this), amount);
        BANK.deposit{value: amount}();
    }

    function withdraw(uint256 amount) external {
        BANK.withdraw(_between(amount, 0, BANK.balanceOf(address(this))));
    }
}

contract BankInvariantTest is WithVm {
    Bank private bank;
    BankHandler private handler;

    function setUp() public {
        bank = new Bank();
        handler = new BankHandler(bank);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_HoldsWhatItOwes() public view {
        VM.assertEq(address(bank).balance, bank.total());
        VM.assertEq(bank.balanceOf(address(handler)), bank.total());
    }
}
