// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Ratio
/// @notice Parts of a whole in basis points. Its function is external, so that users must be linked.
library Ratio {
    /// @notice The part lies above the whole.
    /// @param part The part asked for.
    /// @param whole What it should be a part of.
    error PartAboveWhole(uint256 part, uint256 whole);

    /// @notice Says how much of a whole a part is, rounded down.
    /// @param part The part, at most the whole.
    /// @param whole The whole; of nothing every part is zero.
    /// @return The ratio in basis points, 0 to 10,000.
    function basisPoints(uint256 part, uint256 whole) external pure returns (uint256) {
        if (part > whole) revert PartAboveWhole(part, whole);
        if (whole == 0) return 0;
        return (part * 10_000 + whole - 1) / whole;
    }
}
