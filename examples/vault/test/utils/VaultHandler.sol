// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {DemoAsset} from "../../src/DemoAsset.sol";
import {Vault} from "../../src/Vault.sol";

/// @notice What three depositors, a donor and the manager may do to a vault, in any order.
contract VaultHandler is Test {
    uint256 private constant MAX_GAIN = 1_000e6;

    DemoAsset private immutable ASSET;
    Vault private immutable VAULT;
    address private immutable ADMIN;

    address[3] public depositors = [makeAddr("d1"), makeAddr("d2"), makeAddr("d3")];
    /// @notice All that came in less all that went to depositors, in the asset's smallest unit.
    uint256 public expectedHoldings;
    /// @notice Whether a share ever became worth less.
    bool public sharePriceFell;

    /// @dev Compares the price of a share before and after an action by cross-multiplying.
    modifier watchesPrice() {
        uint256 assets = VAULT.totalAssets() + 1;
        uint256 supply = VAULT.totalSupply() + 1000;
        _;
        if ((VAULT.totalAssets() + 1) * supply < assets * (VAULT.totalSupply() + 1000)) {
            sharePriceFell = true;
        }
    }

    constructor(DemoAsset asset, Vault vault, address admin) {
        ASSET = asset;
        VAULT = vault;
        ADMIN = admin;
    }

    function deposit(uint256 who, uint256 assets) external watchesPrice {
        address depositor = _depositor(who);
        assets = bound(assets, 0, VAULT.maxDeposit(depositor));
        vm.prank(ADMIN);
        ASSET.mint(depositor, assets);
        vm.startPrank(depositor);
        ASSET.approve(address(VAULT), assets);
        VAULT.deposit(assets, depositor);
        vm.stopPrank();
        expectedHoldings += assets;
    }

    function withdraw(uint256 who, uint256 assets) external watchesPrice {
        address depositor = _depositor(who);
        address treasury = VAULT.treasury();
        uint256 fees = ASSET.balanceOf(treasury);
        assets = bound(assets, 0, VAULT.maxWithdraw(depositor));
        vm.prank(depositor);
        VAULT.withdraw(assets, depositor, depositor);
        expectedHoldings -= assets + ASSET.balanceOf(treasury) - fees;
    }

    function redeem(uint256 who, uint256 shares) external watchesPrice {
        address depositor = _depositor(who);
        address treasury = VAULT.treasury();
        uint256 fees = ASSET.balanceOf(treasury);
        shares = bound(shares, 0, VAULT.maxRedeem(depositor));
        vm.prank(depositor);
        uint256 returned = VAULT.redeem(shares, depositor, depositor);
        expectedHoldings -= returned + ASSET.balanceOf(treasury) - fees;
    }

    function gain(uint256 assets) external watchesPrice {
        assets = bound(assets, 0, MAX_GAIN);
        vm.prank(ADMIN);
        ASSET.mint(address(VAULT), assets);
        expectedHoldings += assets;
    }

    function setExitFee(uint256 feeBps) external watchesPrice {
        // The bound keeps the number far below 2^16.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint16 fee = uint16(bound(feeBps, 0, VAULT.MAX_EXIT_FEE_BPS()));
        vm.prank(ADMIN);
        VAULT.setExitFee(fee);
    }

    function togglePause() external watchesPrice {
        bool paused = VAULT.paused();
        vm.prank(ADMIN);
        paused ? VAULT.unpause() : VAULT.pause();
    }

    function _depositor(uint256 who) private view returns (address) {
        return depositors[who % depositors.length];
    }
}
