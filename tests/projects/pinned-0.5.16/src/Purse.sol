// SPDX-License-Identifier: MIT
pragma solidity 0.5.16;

/// @title Purse
/// @notice Keeps balances with checked arithmetic written out, as contracts of its time had to.
contract Purse {
    /// @notice The balance of each account.
    mapping(address => uint256) public balanceOf;

    /// @notice Puts something on the sender's balance.
    /// @param amount How much; the balance must stay below 2^256.
    function put(uint256 amount) external {
        uint256 sum = balanceOf[msg.sender] + amount;
        require(sum >= amount, "Purse: too full");
        balanceOf[msg.sender] = sum;
    }

    /// @notice Takes something from the sender's balance.
    /// @param amount How much, at most the balance.
    function take(uint256 amount) external {
        require(amount <= balanceOf[msg.sender], "Purse: too empty");
        balanceOf[msg.sender] -= amount;
    }
}
