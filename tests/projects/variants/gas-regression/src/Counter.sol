// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Counter
/// @notice Counts up to a limit that is fixed at deployment.
contract Counter {
    /// @notice The limit given to the constructor is zero.
    error LimitIsZero();

    /// @notice The value asked for lies above the limit.
    /// @param value What the counter would have shown.
    /// @param limit The most it may show.
    error AboveLimit(uint256 value, uint256 limit);

    /// @notice The counter shows a new value.
    /// @param by Who changed it.
    /// @param value What it shows now.
    event NumberChanged(address indexed by, uint256 value);

    /// @notice The most the counter may show.
    uint256 public immutable LIMIT;

    /// @notice What the counter shows.
    uint256 public number;

    /// @notice Every value the counter has shown, oldest first.
    uint256[] public history;

    /// @notice Fixes the limit.
    /// @param limit The most the counter may show; not zero.
    constructor(uint256 limit) {
        if (limit == 0) revert LimitIsZero();
        LIMIT = limit;
    }

    /// @notice Adds one.
    function increment() external {
        _set(number + 1);
    }

    /// @notice Sets the counter.
    /// @param value What it shall show, at most the limit.
    function setNumber(uint256 value) external {
        _set(value);
    }

    /// @notice The version of this contract's interface.
    /// @return The version, counted from 1.
    function version() external pure returns (uint256) {
        return 1;
    }

    function _set(uint256 value) private {
        if (value > LIMIT) revert AboveLimit(value, LIMIT);
        number = value;
        history.push(value);
        emit NumberChanged(msg.sender, value);
    }
}
