// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Test} from "forge-std/Test.sol";

import {DemoAsset} from "../src/DemoAsset.sol";

contract DemoAssetTest is Test {
    address private owner = makeAddr("owner");
    DemoAsset private asset;

    function setUp() public {
        asset = new DemoAsset("Demo Dollar", "DUSD", 6, owner, 500e6);
    }

    function test_StartsWithItsSupplyAtTheOwner() public view {
        assertEq(asset.name(), "Demo Dollar");
        assertEq(asset.symbol(), "DUSD");
        assertEq(asset.decimals(), 6);
        assertEq(asset.balanceOf(owner), 500e6);
    }

    function test_OwnerMints() public {
        vm.prank(owner);
        asset.mint(address(this), 1);
        assertEq(asset.totalSupply(), 500e6 + 1);
    }

    function testFuzz_RevertWhen_StrangerMints(address stranger) public {
        vm.assume(stranger != owner);
        vm.expectRevert(
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger)
        );
        vm.prank(stranger);
        asset.mint(stranger, 1);
    }
}
