// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bank} from "../src/Bank.sol";
import {WithVm} from "./Vm.sol";

contract BankTest is WithVm {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    Bank private bank;

    function setUp() public {
        bank = new Bank();
        VM.deal(ALICE, 10 ether);
        VM.deal(BOB, 10 ether);
    }

    function test_DepositIsKept() public {
        VM.expectEmit();
        emit Bank.Deposited(ALICE, 3 ether);
        VM.prank(ALICE);
        bank.deposit{value: 3 ether}();
        VM.assertEq(bank.balanceOf(ALICE), 3 ether);
        VM.assertEq(bank.total(), 3 ether);
    }

    function test_SharesOfTwoDepositors() public {
        VM.assertEq(bank.shareOf(ALICE), 0);
        VM.prank(ALICE);
        bank.deposit{value: 3 ether}();
        VM.prank(BOB);
        bank.deposit{value: 1 ether}();
        VM.assertEq(bank.shareOf(ALICE), 7500);
        VM.assertEq(bank.shareOf(BOB), 2500);
    }

    function test_RevertWhen_NothingSent() public {
        VM.expectRevert(abi.encodeWithSelector(Bank.NothingSent.selector));
        bank.deposit();
    }

    function test_RevertWhen_BalanceTooLow() public {
        VM.expectRevert(abi.encodeWithSelector(Bank.BalanceTooLow.selector, 1, 0));
        bank.withdraw(1);
    }

    function test_RevertWhen_ReceiverRefuses() public {
        // This test contract has no receive function, so it cannot be paid.
        bank.deposit{value: 1 ether}();
        VM.expectRevert(abi.encodeWithSelector(Bank.Refused.selector, address(this)));
        bank.withdraw(1 ether);
    }

    function testFuzz_WithdrawReturnsTheEther(uint256 put, uint256 taken) public {
        put = _between(put, 1, 10 ether);
        taken = _between(taken, 0, put);
        VM.prank(ALICE);
        bank.deposit{value: put}();
        VM.expectEmit();
        emit Bank.Withdrawn(ALICE, taken);
        VM.prank(ALICE);
        bank.withdraw(taken);
        VM.assertEq(ALICE.balance, 10 ether - put + taken);
        VM.assertEq(bank.balanceOf(ALICE), put - taken);
    }
}
