// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Sine} from "../src/Sine.sol";
import {WithVm} from "./Vm.sol";

contract SineTest is WithVm {
    Sine private sine;

    function setUp() public {
        sine = new Sine();
    }

    function test_KnownAngles() public view {
        VM.assertEq(sine.sine(0), 0);
        // The sine of 30 degrees is a half.
        VM.assertEq(sine.sine(3300), 8_388_608);
    }

    function test_RevertWhen_PastTheTable() public {
        uint256 steps = sine.STEPS();
        VM.expectRevert(abi.encodeWithSelector(Sine.NoSuchStep.selector, steps));
        sine.sine(steps);
    }

    function testFuzz_Rises(uint256 step) public view {
        step = _between(step, 0, 9898);
        VM.assertLe(sine.sine(step), sine.sine(step + 1));
    }
}
