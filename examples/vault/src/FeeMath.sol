// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title FeeMath
/// @notice Fees in basis points, always rounded up: the vault never gives away a fraction.
library FeeMath {
    using Math for uint256;

    /// @notice One hundred percent, in basis points.
    uint256 internal constant WHOLE_BPS = 10_000;

    /// @notice The fee contained in an amount that includes it.
    /// @param gross The amount with the fee in it.
    /// @param feeBps The fee in basis points, below 10,000.
    /// @return The fee, in the unit of the amount.
    function feeOnGross(uint256 gross, uint256 feeBps) internal pure returns (uint256) {
        return gross.mulDiv(feeBps, WHOLE_BPS, Math.Rounding.Ceil);
    }

    /// @notice The fee to add to an amount that shall remain after it is taken.
    /// @dev With `gross = net + fee` and `fee = gross * feeBps / 10,000`.
    /// @param net The amount that shall remain.
    /// @param feeBps The fee in basis points, below 10,000.
    /// @return The fee, in the unit of the amount.
    function feeOnNet(uint256 net, uint256 feeBps) internal pure returns (uint256) {
        return net.mulDiv(feeBps, WHOLE_BPS - feeBps, Math.Rounding.Ceil);
    }
}
