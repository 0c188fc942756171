// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {DemoAsset} from "../../src/DemoAsset.sol";
import {Vault} from "../../src/Vault.sol";

/// @notice A fresh vault with a one percent exit fee, and two people who hold its asset.
abstract contract VaultTest is Test {
    uint256 internal constant UNIT = 1e6;
    uint128 internal constant CAP = 1_000_000e6;
    uint16 internal constant FEE_BPS = 100;

    address internal admin = makeAddr("admin");
    address internal treasury = makeAddr("treasury");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");

    DemoAsset internal asset;
    Vault internal vault;

    function setUp() public virtual {
        asset = new DemoAsset("Demo Dollar", "DUSD", 6, admin, 0);
        vault = _deployVault(admin, treasury, FEE_BPS);
        _fund(alice, CAP);
        _fund(bob, CAP);
    }

    function _deployVault(address admin_, address treasury_, uint16 feeBps)
        internal
        returns (Vault)
    {
        return new Vault(asset, "Demo Vault", "vDUSD", admin_, treasury_, feeBps, CAP);
    }

    function _fund(address account, uint256 amount) internal {
        vm.prank(admin);
        asset.mint(account, amount);
        vm.prank(account);
        asset.approve(address(vault), type(uint256).max);
    }

    function _deposit(address account, uint256 assets) internal returns (uint256 shares) {
        vm.prank(account);
        shares = vault.deposit(assets, account);
    }

    function _setExitFee(uint16 feeBps) internal {
        vm.prank(admin);
        vault.setExitFee(feeBps);
    }
}
