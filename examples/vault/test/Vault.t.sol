// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

import {Vault} from "../src/Vault.sol";
import {VaultTest} from "./utils/VaultTest.sol";

contract VaultUnitTest is VaultTest {
    function test_StartsEmptyAndConfigured() public view {
        assertEq(vault.asset(), address(asset));
        assertEq(vault.decimals(), 9);
        assertEq(vault.totalAssets(), 0);
        assertEq(vault.totalSupply(), 0);
        assertEq(vault.depositCap(), CAP);
        assertEq(vault.exitFeeBps(), FEE_BPS);
        assertEq(vault.treasury(), treasury);
    }

    function test_AdminHoldsEveryRole() public view {
        assertTrue(vault.hasRole(vault.DEFAULT_ADMIN_ROLE(), admin));
        assertTrue(vault.hasRole(vault.MANAGER_ROLE(), admin));
        assertTrue(vault.hasRole(vault.GUARDIAN_ROLE(), admin));
    }

    function test_RevertWhen_AdminIsZero() public {
        vm.expectRevert(Vault.ZeroAddress.selector);
        _deployVault(address(0), treasury, FEE_BPS);
    }

    function test_RevertWhen_TreasuryIsZero() public {
        vm.expectRevert(Vault.ZeroAddress.selector);
        _deployVault(admin, address(0), FEE_BPS);
    }

    function test_RevertWhen_FeeIsTooHigh() public {
        vm.expectRevert(abi.encodeWithSelector(Vault.ExitFeeTooHigh.selector, 201, 200));
        _deployVault(admin, treasury, 201);
    }

    function test_FirstDepositGetsAThousandSharesAUnit() public {
        uint256 shares = _deposit(alice, 100 * UNIT);
        assertEq(shares, 100 * UNIT * 1000);
        assertEq(vault.balanceOf(alice), shares);
        assertEq(vault.totalAssets(), 100 * UNIT);
    }

    function test_MintTakesTheQuotedAssets() public {
        uint256 quoted = vault.previewMint(5e9);
        vm.prank(alice);
        assertEq(vault.mint(5e9, alice), quoted);
        assertEq(quoted, 5 * UNIT);
    }

    function test_RedeemPaysTheFeeToTheTreasury() public {
        uint256 shares = _deposit(alice, 100 * UNIT);
        vm.expectEmit(address(vault));
        emit IERC4626.Withdraw(alice, bob, alice, 99 * UNIT, shares);
        vm.expectEmit(address(vault));
        emit Vault.ExitFeePaid(alice, treasury, UNIT);
        vm.prank(alice);
        assertEq(vault.redeem(shares, bob, alice), 99 * UNIT);
        assertEq(asset.balanceOf(bob), CAP + 99 * UNIT);
        assertEq(asset.balanceOf(treasury), UNIT);
        assertEq(vault.totalAssets(), 0);
    }

    function test_WithdrawGivesTheExactAmount() public {
        _deposit(alice, 100 * UNIT);
        vm.prank(alice);
        uint256 burned = vault.withdraw(49.5e6, alice, alice);
        assertEq(burned, 50e9);
        assertEq(asset.balanceOf(alice), CAP - 100 * UNIT + 49.5e6);
        assertEq(asset.balanceOf(treasury), 0.5e6);
    }

    function test_WithdrawIsFreeWhenTheFeeIsZero() public {
        _setExitFee(0);
        _deposit(alice, 100 * UNIT);
        vm.prank(alice);
        vault.withdraw(100 * UNIT, alice, alice);
        assertEq(asset.balanceOf(alice), CAP);
        assertEq(asset.balanceOf(treasury), 0);
    }

    function test_SomebodyElseMayRedeemWithAllowance() public {
        uint256 shares = _deposit(alice, 100 * UNIT);
        vm.prank(alice);
        vault.approve(bob, shares);
        vm.prank(bob);
        vault.redeem(shares, bob, alice);
        assertEq(vault.allowance(alice, bob), 0);
        assertEq(vault.balanceOf(alice), 0);
    }

    function test_RevertWhen_RedeemedWithoutAllowance() public {
        uint256 shares = _deposit(alice, 100 * UNIT);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, bob, 0, shares)
        );
        vm.prank(bob);
        vault.redeem(shares, bob, alice);
    }

    function test_GainsBelongToTheDepositors() public {
        uint256 shares = _deposit(alice, 100 * UNIT);
        vm.prank(admin);
        asset.mint(address(vault), 10 * UNIT);
        assertApproxEqAbs(vault.convertToAssets(shares), 110 * UNIT, 1);
        assertApproxEqAbs(vault.maxWithdraw(alice), 108.9e6, 2);
    }

    function test_InflatedFirstDepositTakesAlmostNothing() public {
        _deposit(bob, 1);
        vm.prank(admin);
        asset.mint(address(vault), 1000 * UNIT);
        uint256 shares = _deposit(alice, 100 * UNIT);
        assertGt(shares, 0);
        assertGt(vault.convertToAssets(shares), 99 * UNIT);
    }

    function test_CapLimitsDepositsAndMints() public {
        assertEq(vault.maxDeposit(alice), CAP);
        assertEq(vault.maxMint(alice), uint256(CAP) * 1000);
        _deposit(alice, CAP - UNIT);
        assertEq(vault.maxDeposit(bob), UNIT);
        vm.expectRevert(
            abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxDeposit.selector, bob, UNIT + 1, UNIT)
        );
        vm.prank(bob);
        vault.deposit(UNIT + 1, bob);
    }

    function test_CapBelowTheHoldingsLeavesNoRoom() public {
        _deposit(alice, 100 * UNIT);
        vm.expectEmit(address(vault));
        emit Vault.DepositCapChanged(50e6);
        vm.prank(admin);
        vault.setDepositCap(50e6);
        assertEq(vault.maxDeposit(alice), 0);
        assertEq(vault.maxMint(alice), 0);
    }

    function test_PauseStopsDepositsButNotWithdrawals() public {
        uint256 shares = _deposit(alice, 100 * UNIT);
        vm.prank(admin);
        vault.pause();
        assertEq(vault.maxMint(alice), 0);
        vm.expectRevert(
            abi.encodeWithSelector(ERC4626.ERC4626ExceededMaxDeposit.selector, alice, 1, 0)
        );
        vm.prank(alice);
        vault.deposit(1, alice);
        vm.prank(alice);
        assertEq(vault.redeem(shares, alice, alice), 99 * UNIT);
    }

    function test_UnpauseAcceptsDepositsAgain() public {
        vm.startPrank(admin);
        vault.pause();
        vault.unpause();
        vm.stopPrank();
        assertGt(_deposit(alice, UNIT), 0);
    }

    function test_ManagerMovesTheTreasury() public {
        vm.expectEmit(address(vault));
        emit Vault.TreasuryChanged(bob);
        vm.prank(admin);
        vault.setTreasury(bob);
        assertEq(vault.treasury(), bob);
    }

    function test_ManagerChangesTheFee() public {
        vm.expectEmit(address(vault));
        emit Vault.ExitFeeChanged(200);
        _setExitFee(200);
        assertEq(vault.exitFeeBps(), 200);
    }

    function test_RevertWhen_StrangerManages() public {
        _expectMissingRole(vault.MANAGER_ROLE());
        vault.setDepositCap(0);
        _expectMissingRole(vault.MANAGER_ROLE());
        vault.setExitFee(0);
        _expectMissingRole(vault.MANAGER_ROLE());
        vault.setTreasury(alice);
    }

    function test_RevertWhen_StrangerPauses() public {
        _expectMissingRole(vault.GUARDIAN_ROLE());
        vault.pause();
        _expectMissingRole(vault.GUARDIAN_ROLE());
        vault.unpause();
    }

    function _expectMissingRole(bytes32 role) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, alice, role
            )
        );
        vm.prank(alice);
    }
}
