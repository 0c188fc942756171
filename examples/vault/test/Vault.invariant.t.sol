// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {VaultHandler} from "./utils/VaultHandler.sol";
import {VaultTest} from "./utils/VaultTest.sol";

contract VaultInvariantTest is VaultTest {
    VaultHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new VaultHandler(asset, vault, admin);
        targetContract(address(handler));
    }

    function invariant_HoldsExactlyWhatCameInLessWhatWentOut() public view {
        assertEq(vault.totalAssets(), handler.expectedHoldings());
    }

    function invariant_CanPayEveryDepositor() public view {
        uint256 owed;
        uint256 shares;
        for (uint256 i = 0; i < 3; ++i) {
            address depositor = handler.depositors(i);
            owed += vault.convertToAssets(vault.balanceOf(depositor));
            shares += vault.balanceOf(depositor);
        }
        assertLe(owed, vault.totalAssets());
        assertEq(shares, vault.totalSupply());
    }

    function invariant_ShareNeverLosesValue() public view {
        assertFalse(handler.sharePriceFell());
    }
}
