// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Script} from "forge-std/Script.sol";

import {DemoAsset} from "../src/DemoAsset.sol";
import {Vault} from "../src/Vault.sol";

/// @title Deploy
/// @notice Deploys the demo asset and the vault on it, with the same arguments as the deploy
/// manifest unless VAULT_ADMIN, VAULT_TREASURY, VAULT_FEE_BPS or VAULT_CAP say otherwise.
contract Deploy is Script {
    uint256 private constant SUPPLY = 1_000_000e6;
    uint256 private constant FEE_BPS = 50;
    uint256 private constant CAP = 250_000e6;

    /// @notice A number from the environment does not fit where it is needed.
    /// @param name The variable's name.
    /// @param value What it says.
    error OutOfRange(string name, uint256 value);

    /// @notice Broadcasts both deployments from the sender that forge was given.
    /// @return asset The demo asset.
    /// @return vault The vault on it.
    function run() external returns (DemoAsset asset, Vault vault) {
        address admin = vm.envOr("VAULT_ADMIN", msg.sender);
        address treasury = vm.envOr("VAULT_TREASURY", admin);
        uint256 feeBps = _atMost("VAULT_FEE_BPS", FEE_BPS, type(uint16).max);
        uint256 cap = _atMost("VAULT_CAP", CAP, type(uint128).max);

        vm.startBroadcast();
        asset = new DemoAsset("Demo Dollar", "DUSD", 6, admin, SUPPLY);
        // Both casts are safe: the numbers were checked against the types above.
        // forge-lint: disable-start(unsafe-typecast)
        vault =
            new Vault(asset, "Demo Vault", "vDUSD", admin, treasury, uint16(feeBps), uint128(cap));
        // forge-lint: disable-end(unsafe-typecast)
        vm.stopBroadcast();
    }

    function _atMost(string memory name, uint256 fallback_, uint256 most)
        private
        view
        returns (uint256 value)
    {
        value = vm.envOr(name, fallback_);
        if (value > most) revert OutOfRange(name, value);
    }
}
