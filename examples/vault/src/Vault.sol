// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/interfaces/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {FeeMath} from "./FeeMath.sol";

/// @title Vault
/// @notice An ERC-4626 vault with a deposit cap, an exit fee for a treasury, and a pause that stops
/// deposits but never withdrawals.
contract Vault is ERC4626, AccessControl, Pausable {
    using FeeMath for uint256;

    /// @notice An address that must be set is zero.
    error ZeroAddress();

    /// @notice The exit fee asked for lies above the highest one allowed.
    /// @param feeBps The fee asked for, in basis points.
    /// @param maxFeeBps The highest fee allowed, in basis points.
    error ExitFeeTooHigh(uint256 feeBps, uint256 maxFeeBps);

    /// @notice The most the vault accepts has changed.
    /// @param cap The new cap, in the asset's smallest unit.
    event DepositCapChanged(uint256 cap);

    /// @notice The exit fee has changed.
    /// @param feeBps The new fee, in basis points.
    event ExitFeeChanged(uint256 feeBps);

    /// @notice The fees go to somebody else from now on.
    /// @param treasury The new receiver.
    event TreasuryChanged(address indexed treasury);

    /// @notice A withdrawal paid its fee.
    /// @param owner Whose shares were redeemed.
    /// @param treasury Who got the fee.
    /// @param fee How much, in the asset's smallest unit.
    event ExitFeePaid(address indexed owner, address indexed treasury, uint256 fee);

    /// @notice The role that sets the cap, the fee and the treasury.
    bytes32 public constant MANAGER_ROLE = keccak256("MANAGER_ROLE");

    /// @notice The role that pauses and resumes deposits.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");

    /// @notice The highest exit fee that can ever be set, in basis points: 2 %.
    uint256 public constant MAX_EXIT_FEE_BPS = 200;

    /// @notice Who gets the exit fees.
    address public treasury;

    /// @notice The fee on withdrawals, in basis points.
    uint16 public exitFeeBps;

    /// @notice The most assets the vault accepts, in the smallest unit.
    /// @dev 128 bits, so that converting the room left into shares cannot overflow.
    uint128 public depositCap;

    /// @notice Creates an empty vault whose admin holds every role.
    /// @param asset_ The token that is deposited.
    /// @param name_ The name of the shares.
    /// @param symbol_ The ticker of the shares.
    /// @param admin Who holds every role at first.
    /// @param treasury_ Who gets the exit fees.
    /// @param feeBps The exit fee, in basis points.
    /// @param cap The most assets accepted, in the smallest unit.
    constructor(
        IERC20 asset_,
        string memory name_,
        string memory symbol_,
        address admin,
        address treasury_,
        uint16 feeBps,
        uint128 cap
    ) ERC20(name_, symbol_) ERC4626(asset_) {
        if (admin == address(0)) revert ZeroAddress();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MANAGER_ROLE, admin);
        _grantRole(GUARDIAN_ROLE, admin);
        _setTreasury(treasury_);
        _setExitFee(feeBps);
        _setDepositCap(cap);
    }

    /// @notice Sets the most assets the vault accepts. What it holds above that stays in it.
    /// @param cap The new cap, in the asset's smallest unit.
    function setDepositCap(uint128 cap) external onlyRole(MANAGER_ROLE) {
        _setDepositCap(cap);
    }

    /// @notice Sets the fee on withdrawals.
    /// @param feeBps The new fee in basis points, at most `MAX_EXIT_FEE_BPS`.
    function setExitFee(uint16 feeBps) external onlyRole(MANAGER_ROLE) {
        _setExitFee(feeBps);
    }

    /// @notice Sets who gets the exit fees.
    /// @param treasury_ The new receiver, not zero.
    function setTreasury(address treasury_) external onlyRole(MANAGER_ROLE) {
        _setTreasury(treasury_);
    }

    /// @notice Stops deposits. Withdrawals go on.
    function pause() external onlyRole(GUARDIAN_ROLE) {
        _pause();
    }

    /// @notice Accepts deposits again.
    function unpause() external onlyRole(GUARDIAN_ROLE) {
        _unpause();
    }

    /// @notice How many assets can be deposited now: the room below the cap, nothing while paused.
    /// @return The amount, in the asset's smallest unit.
    function maxDeposit(address) public view override returns (uint256) {
        return _room();
    }

    /// @notice How many shares can be minted now: the room below the cap, nothing while paused.
    /// @return The number of shares, in their smallest unit.
    function maxMint(address) public view override returns (uint256) {
        return convertToShares(_room());
    }

    /// @notice How many shares a withdrawal burns, the exit fee included.
    /// @param assets What the receiver gets, in the asset's smallest unit.
    /// @return The number of shares, in their smallest unit.
    function previewWithdraw(uint256 assets) public view override returns (uint256) {
        return super.previewWithdraw(assets + assets.feeOnNet(exitFeeBps));
    }

    /// @notice What the receiver of a redemption gets, after the exit fee.
    /// @param shares How many shares are burned, in their smallest unit.
    /// @return The amount, in the asset's smallest unit.
    function previewRedeem(uint256 shares) public view override returns (uint256) {
        uint256 gross = super.previewRedeem(shares);
        return gross - gross.feeOnGross(exitFeeBps);
    }

    /// @dev The shares are burned and the treasury is paid before the receiver, so that a token with
    /// transfer hooks never shows the receiver a share price that still contains the fee.
    function _withdraw(
        address caller,
        address receiver,
        address owner,
        uint256 assets,
        uint256 shares
    ) internal override {
        if (caller != owner) _spendAllowance(owner, caller, shares);
        _burn(owner, shares);
        uint256 fee = assets.feeOnNet(exitFeeBps);
        emit Withdraw(caller, receiver, owner, assets, shares);
        if (fee != 0) {
            emit ExitFeePaid(owner, treasury, fee);
            _transferOut(treasury, fee);
        }
        _transferOut(receiver, assets);
    }

    /// @dev Three more decimals for shares make inflating the first deposit's price a thousand times
    /// dearer.
    function _decimalsOffset() internal pure override returns (uint8) {
        return 3;
    }

    function _setDepositCap(uint128 cap) private {
        depositCap = cap;
        emit DepositCapChanged(cap);
    }

    function _setExitFee(uint16 feeBps) private {
        if (feeBps > MAX_EXIT_FEE_BPS) revert ExitFeeTooHigh(feeBps, MAX_EXIT_FEE_BPS);
        exitFeeBps = feeBps;
        emit ExitFeeChanged(feeBps);
    }

    function _setTreasury(address treasury_) private {
        if (treasury_ == address(0)) revert ZeroAddress();
        treasury = treasury_;
        emit TreasuryChanged(treasury_);
    }

    function _room() private view returns (uint256) {
        if (paused()) return 0;
        uint256 held = totalAssets();
        return held < depositCap ? depositCap - held : 0;
    }
}
