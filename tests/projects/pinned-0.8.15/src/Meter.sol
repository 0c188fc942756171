// SPDX-License-Identifier: MIT
pragma solidity 0.8.15;

/// @title Meter
/// @notice Adds up readings and never goes back.
contract Meter {
    /// @notice A reading below the last one.
    /// @param reading The reading given.
    /// @param last The last one accepted.
    error WentBack(uint256 reading, uint256 last);

    /// @notice The last reading.
    uint256 public last;

    /// @notice Takes a reading.
    /// @param reading The reading, not below the last one.
    /// @return used What was used since the last one.
    function read(uint256 reading) external returns (uint256 used) {
        if (reading < last) revert WentBack(reading, last);
        used = reading - last;
        last = reading;
    }
}
