// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bank} from "../../src/Bank.sol";
import {Counter} from "../../src/Counter.sol";
import {WithVm} from "../Vm.sol";

/// @notice Runs against a live chain: `forge test --match-path 'test/integration/**' --fork-url URL`.
contract LiveTest is WithVm {
    // The first account of the development mnemonic, funded on every fresh development chain.
    address private constant FUNDED = 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266;

    function setUp() public view {
        VM.activeFork();
    }

    function test_NodeAnswersForTheChainUnderTest() public {
        bytes memory answer = VM.rpc("eth_chainId", "[]");
        uint256 chainId;
        for (uint256 i = 0; i < answer.length; ++i) {
            chainId = (chainId << 8) | uint8(answer[i]);
        }
        VM.assertEq(chainId, block.chainid);
    }

    function test_FundedAccountUsesTheBank() public {
        Bank bank = new Bank();
        uint256 before = FUNDED.balance;
        VM.assertTrue(before >= 1 ether);
        VM.prank(FUNDED);
        bank.deposit{value: 1 ether}();
        VM.assertEq(bank.shareOf(FUNDED), 10_000);
        VM.prank(FUNDED);
        bank.withdraw(1 ether);
        VM.assertEq(FUNDED.balance, before);
    }

    function test_CounterCounts() public {
        Counter counter = new Counter(500);
        counter.increment();
        VM.assertEq(counter.number(), 1);
    }
}
