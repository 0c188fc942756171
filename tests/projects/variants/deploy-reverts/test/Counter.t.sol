// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Counter} from "../src/Counter.sol";
import {WithVm} from "./Vm.sol";

contract CounterTest is WithVm {
    uint256 private constant LIMIT = 100;

    Counter private counter;

    function setUp() public {
        counter = new Counter(LIMIT);
    }

    function test_StartsAtZero() public view {
        VM.assertEq(counter.number(), 0);
        VM.assertEq(counter.LIMIT(), LIMIT);
        VM.assertEq(counter.version(), 1);
    }

    function test_IncrementAddsOne() public {
        counter.increment();
        counter.increment();
        VM.assertEq(counter.number(), 2);
    }

    function test_SetNumberTellsWhoDidIt() public {
        VM.expectEmit();
        emit Counter.NumberChanged(address(0xA11CE), 7);
        VM.prank(address(0xA11CE));
        counter.setNumber(7);
        VM.assertEq(counter.number(), 7);
    }

    function test_RevertWhen_ZeroLimit() public {
        VM.expectRevert(abi.encodeWithSelector(Counter.LimitIsZero.selector));
        new Counter(0);
    }

    function test_RevertWhen_LimitTooHigh() public {
        VM.expectRevert(abi.encodeWithSelector(Counter.LimitTooHigh.selector, 501, 500));
        new Counter(501);
    }

    function test_RevertWhen_IncrementedAboveLimit() public {
        counter.setNumber(LIMIT);
        VM.expectRevert(abi.encodeWithSelector(Counter.AboveLimit.selector, LIMIT + 1, LIMIT));
        counter.increment();
    }

    function testFuzz_SetNumberWithinLimit(uint256 value) public {
        value = _between(value, 0, LIMIT);
        counter.setNumber(value);
        VM.assertEq(counter.number(), value);
    }

    function testFuzz_RevertWhen_SetAboveLimit(uint256 value) public {
        value = _between(value, LIMIT + 1, type(uint256).max - 1);
        VM.expectRevert(abi.encodeWithSelector(Counter.AboveLimit.selector, value, LIMIT));
        counter.setNumber(value);
    }
}
