// SPDX-License-Identifier: MIT
pragma solidity 0.5.16;

import {Purse} from "../src/Purse.sol";

interface IVm {
    function expectRevert(bytes calldata data) external;
}

contract PurseTest {
    IVm private constant VM = IVm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    Purse private purse;

    function setUp() public {
        purse = new Purse();
    }

    function test_PutAndTake() public {
        purse.put(10);
        purse.take(4);
        require(purse.balanceOf(address(this)) == 6, "balance is not 6");
    }

    function test_RevertWhen_TooEmpty() public {
        VM.expectRevert("Purse: too empty");
        purse.take(1);
    }

    function test_RevertWhen_TooFull() public {
        purse.put(uint256(-1));
        VM.expectRevert("Purse: too full");
        purse.put(1);
    }

    function testFuzz_TakesBackWhatWasPut(uint256 amount) public {
        purse.put(amount);
        purse.take(amount);
        require(purse.balanceOf(address(this)) == 0, "something was left");
    }
}
