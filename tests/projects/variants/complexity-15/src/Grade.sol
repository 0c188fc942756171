// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Grade
/// @notice Turns points into the letter grades of a school.
library Grade {
    /// @notice The grade for a number of points.
    /// @param points The points reached, 100 or more for the best grade.
    /// @return The grade, "A+" to "F".
    function letter(uint256 points) internal pure returns (string memory) {
        if (points >= 97) return "A+";
        if (points >= 93) return "A";
        if (points >= 90) return "A-";
        if (points >= 87) return "B+";
        if (points >= 83) return "B";
        if (points >= 80) return "B-";
        if (points >= 77) return "C+";
        if (points >= 73) return "C";
        if (points >= 70) return "C-";
        if (points >= 67) return "D+";
        if (points >= 63) return "D";
        if (points >= 60) return "D-";
        if (points >= 55) return "E+";
        if (points >= 50) return "E";
        return "F";
    }
}
