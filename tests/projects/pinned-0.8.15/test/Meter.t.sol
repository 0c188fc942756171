// SPDX-License-Identifier: MIT
pragma solidity 0.8.15;

import {Meter} from "../src/Meter.sol";

interface IVm {
    function expectRevert(bytes calldata data) external;
}

contract MeterTest {
    IVm private constant VM = IVm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    Meter private meter;

    function setUp() public {
        meter = new Meter();
    }

    function test_SaysWhatWasUsed() public {
        assert(meter.read(40) == 40);
        assert(meter.read(100) == 60);
        assert(meter.last() == 100);
    }

    function test_RevertWhen_ReadingGoesBack() public {
        meter.read(40);
        VM.expectRevert(abi.encodeWithSelector(Meter.WentBack.selector, 39, 40));
        meter.read(39);
    }

    function testFuzz_UsesAddUp(uint128 first, uint128 more) public {
        uint256 used = meter.read(first);
        used += meter.read(uint256(first) + more);
        assert(used == meter.last());
    }
}
