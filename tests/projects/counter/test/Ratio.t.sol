// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ratio} from "../src/Ratio.sol";
import {WithVm} from "./Vm.sol";

contract RatioTest is WithVm {
    function test_KnownRatios() public pure {
        VM.assertEq(Ratio.basisPoints(0, 0), 0);
        VM.assertEq(Ratio.basisPoints(1, 3), 3333);
        VM.assertEq(Ratio.basisPoints(3, 3), 10_000);
    }

    function test_RevertWhen_PartAboveWhole() public {
        VM.expectRevert(abi.encodeWithSelector(Ratio.PartAboveWhole.selector, 2, 1));
        Ratio.basisPoints(2, 1);
    }

    function testFuzz_NeverAboveTheWhole(uint128 part, uint128 whole) public pure {
        if (part > whole) (part, whole) = (whole, part);
        VM.assertLe(Ratio.basisPoints(part, whole), 10_000);
    }
}
