// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title DemoAsset
/// @notice The token that the demo vault holds. Its owner may mint at will, so it is worth nothing.
contract DemoAsset is ERC20, Ownable {
    /// @dev Fixed at deployment, since tokens differ in it and the vault has to cope.
    uint8 private immutable DECIMALS;

    /// @notice Creates the token and its first supply.
    /// @param name_ The token's name.
    /// @param symbol_ The token's ticker.
    /// @param decimals_ How many decimals amounts are shown with.
    /// @param owner_ Who may mint, and who gets the first supply.
    /// @param supply How much is minted at once, in the smallest unit.
    constructor(
        string memory name_,
        string memory symbol_,
        uint8 decimals_,
        address owner_,
        uint256 supply
    ) ERC20(name_, symbol_) Ownable(owner_) {
        DECIMALS = decimals_;
        _mint(owner_, supply);
    }

    /// @notice Creates new tokens; for the owner alone.
    /// @param to Who gets them.
    /// @param amount How many, in the smallest unit.
    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    /// @notice How many decimals amounts are shown with.
    /// @return The number given at deployment.
    function decimals() public view override returns (uint8) {
        return DECIMALS;
    }
}
