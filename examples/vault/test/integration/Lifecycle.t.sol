// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {Deploy} from "../../script/Deploy.s.sol";
import {DemoAsset} from "../../src/DemoAsset.sol";
import {Vault} from "../../src/Vault.sol";

/// @notice The deployment as a whole, against a live chain:
/// `forge test --match-path 'test/integration/**' --fork-url URL`.
contract LifecycleTest is Test {
    // The first account of the development mnemonic, funded on every fresh development chain.
    address private constant FUNDED = 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266;

    DemoAsset private asset;
    Vault private vault;

    function setUp() public {
        vm.activeFork();
        // The script reads its admin there; nothing else of the environment is touched.
        // forge-lint: disable-next-line(unsafe-cheatcode)
        vm.setEnv("VAULT_ADMIN", vm.toString(FUNDED));
        (asset, vault) = new Deploy().run();
    }

    function test_ScriptDeploysWhatTheManifestSays() public view {
        address admin = FUNDED;
        assertEq(vault.asset(), address(asset));
        assertEq(vault.exitFeeBps(), 50);
        assertEq(vault.depositCap(), 250_000e6);
        assertTrue(vault.hasRole(vault.MANAGER_ROLE(), admin));
    }

    function test_NodeAnswersForTheChainUnderTest() public {
        bytes memory answer = vm.rpc("eth_chainId", "[]");
        uint256 chainId;
        for (uint256 i = 0; i < answer.length; ++i) {
            chainId = (chainId << 8) | uint8(answer[i]);
        }
        assertEq(chainId, block.chainid);
    }

    function test_DepositGainAndExit() public {
        address saver = makeAddr("saver");
        vm.prank(FUNDED);
        require(asset.transfer(saver, 1_000e6));

        vm.startPrank(saver);
        asset.approve(address(vault), 1_000e6);
        uint256 shares = vault.deposit(1_000e6, saver);
        vm.stopPrank();

        vm.prank(FUNDED);
        asset.mint(address(vault), 100e6);

        vm.prank(saver);
        uint256 returned = vault.redeem(shares, saver, saver);
        // 1,100 less half a percent.
        assertApproxEqAbs(returned, 1_094.5e6, 2);
    }

    function test_TimePassesAndThePauseHolds() public {
        vm.prank(FUNDED);
        vault.pause();
        vm.warp(block.timestamp + 365 days);
        assertEq(vault.maxDeposit(FUNDED), 0);
        vm.prank(FUNDED);
        vault.unpause();
        assertEq(vault.maxDeposit(FUNDED), 250_000e6);
    }
}
