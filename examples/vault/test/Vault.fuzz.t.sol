// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {VaultTest} from "./utils/VaultTest.sol";

contract VaultFuzzTest is VaultTest {
    function testFuzz_RoundTripNeverGains(uint256 assets, uint16 feeBps, uint256 gain) public {
        assets = bound(assets, 1, CAP);
        _setExitFee(uint16(bound(feeBps, 0, vault.MAX_EXIT_FEE_BPS())));
        _deposit(bob, 1000);
        vm.prank(admin);
        asset.mint(address(vault), bound(gain, 0, UNIT));
        assets = bound(assets, 1, vault.maxDeposit(alice));

        uint256 shares = _deposit(alice, assets);
        vm.prank(alice);
        uint256 returned = vault.redeem(shares, alice, alice);
        assertLe(returned, assets);
    }

    function testFuzz_PreviewsAreExact(uint256 assets, uint256 part) public {
        assets = bound(assets, 2, CAP);
        assertEq(vault.previewDeposit(assets), _deposit(alice, assets));

        part = bound(part, 0, vault.maxWithdraw(alice));
        uint256 burned = vault.previewWithdraw(part);
        vm.startPrank(alice);
        assertEq(vault.withdraw(part, alice, alice), burned);
        uint256 rest = vault.balanceOf(alice);
        uint256 quoted = vault.previewRedeem(rest);
        assertEq(vault.redeem(rest, alice, alice), quoted);
        vm.stopPrank();
    }

    function testFuzz_WholeBalanceCanBeWithdrawn(uint256 assets, uint16 feeBps) public {
        _setExitFee(uint16(bound(feeBps, 0, vault.MAX_EXIT_FEE_BPS())));
        _deposit(alice, bound(assets, 1, CAP));
        uint256 most = vault.maxWithdraw(alice);
        vm.prank(alice);
        vault.withdraw(most, alice, alice);
        assertLe(vault.convertToAssets(vault.balanceOf(alice)), 1);
    }

    function testFuzz_FeeIsWhatTheTreasuryGets(uint256 assets) public {
        uint256 shares = _deposit(alice, bound(assets, 100, CAP));
        uint256 held = vault.totalAssets();
        vm.prank(alice);
        uint256 returned = vault.redeem(shares, alice, alice);
        uint256 paid = asset.balanceOf(treasury);
        assertEq(returned + paid + vault.totalAssets(), held);
        assertApproxEqAbs(paid, held / 100, 1);
    }
}
