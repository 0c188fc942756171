// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ratio} from "./Ratio.sol";

/// @title Bank
/// @notice Keeps ether for its depositors and gives it back.
contract Bank {
    /// @notice A deposit of no ether.
    error NothingSent();

    /// @notice The withdrawal is larger than the balance.
    /// @param asked The amount asked for, in wei.
    /// @param balance The amount there is, in wei.
    error BalanceTooLow(uint256 asked, uint256 balance);

    /// @notice The receiver refused the ether.
    /// @param receiver Who refused it.
    error Refused(address receiver);

    /// @notice Ether came in.
    /// @param account Whose balance grew.
    /// @param amount By how much, in wei.
    event Deposited(address indexed account, uint256 amount);

    /// @notice Ether went out.
    /// @param account Whose balance shrank.
    /// @param amount By how much, in wei.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice The balance of each depositor, in wei.
    mapping(address account => uint256 amount) public balanceOf;

    /// @notice The sum of all balances, in wei.
    uint256 public total;

    /// @notice Puts the ether sent along on the sender's balance.
    function deposit() external payable {
        if (msg.value == 0) revert NothingSent();
        balanceOf[msg.sender] += msg.value;
        total += msg.value;
        emit Deposited(msg.sender, msg.value);
    }

    /// @notice Takes ether from the sender's balance and sends it to them.
    /// @param amount How much, in wei.
    function withdraw(uint256 amount) external {
        uint256 balance = balanceOf[msg.sender];
        if (amount > balance) revert BalanceTooLow(amount, balance);
        (bool accepted,) = msg.sender.call{value: amount}("");
        if (!accepted) revert Refused(msg.sender);
        balanceOf[msg.sender] = balance - amount;
        total -= amount;
        emit Withdrawn(msg.sender, amount);
    }

    /// @notice The part of the bank's ether that belongs to an account.
    /// @param account The depositor.
    /// @return The part in basis points.
    function shareOf(address account) external view returns (uint256) {
        return Ratio.basisPoints(balanceOf[account], total);
    }
}
