// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice The cheat codes of forge that these tests use.
interface Vm {
    function activeFork() external view returns (uint256);
    function assertEq(uint256 left, uint256 right) external pure;
    function assertLe(uint256 left, uint256 right) external pure;
    function assertTrue(bool condition) external pure;
    function deal(address account, uint256 balance) external;
    function expectEmit() external;
    function expectRevert(bytes calldata data) external;
    function prank(address sender) external;
    function rpc(string calldata method, string calldata params) external returns (bytes memory);
}

/// @notice Gives a test the cheat codes and a way to keep a fuzzed number in a range.
abstract contract WithVm {
    Vm internal constant VM = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function _between(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }
}
