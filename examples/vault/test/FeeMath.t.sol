// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {FeeMath} from "../src/FeeMath.sol";

contract FeeMathTest is Test {
    function test_KnownFees() public pure {
        assertEq(FeeMath.feeOnGross(10_000, 100), 100);
        assertEq(FeeMath.feeOnNet(9_900, 100), 100);
        assertEq(FeeMath.feeOnGross(1, 1), 1);
        assertEq(FeeMath.feeOnNet(1, 0), 0);
    }

    function testFuzz_NetAndItsFeeNeverExceedTheGross(uint128 gross, uint16 feeBps) public pure {
        uint256 fee = bound(feeBps, 0, 9_999);
        uint256 net = gross - FeeMath.feeOnGross(gross, fee);
        assertLe(net + FeeMath.feeOnNet(net, fee), gross);
    }
}
