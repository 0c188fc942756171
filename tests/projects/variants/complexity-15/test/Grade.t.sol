// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Grade} from "../src/Grade.sol";
import {WithVm} from "./Vm.sol";

contract GradeTest is WithVm {
    function test_EveryGrade() public pure {
        uint8[15] memory points = [97, 93, 90, 87, 83, 80, 77, 73, 70, 67, 63, 60, 55, 50, 0];
        string[15] memory grades =
            ["A+", "A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-", "E+", "E", "F"];
        for (uint256 i = 0; i < points.length; ++i) {
            VM.assertTrue(keccak256(bytes(Grade.letter(points[i]))) == keccak256(bytes(grades[i])));
        }
    }

    function testFuzz_GradeChangesAtItsLimitAlone(uint256 points) public pure {
        points = _between(points, 97, type(uint256).max - 1);
        VM.assertTrue(keccak256(bytes(Grade.letter(points))) == keccak256("A+"));
    }
}
