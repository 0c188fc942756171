"""Runs the project's integration suite against a chain that exists for it alone.

Outputs: `tests` {total, passed, failed, skipped}, `cases` (TestCase), `failure_groups` (FailureGroup),
`seed`, `chain` {kind: "anvil"|"fork", chain_id, block}, `compiler` {solc, evm_version} (what a cell asks
for).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from chainops.artifacts.model import Artifact
from chainops.chains.model import DEV_CHAIN_ID, Network, NetworkKind
from chainops.chains.ports import ChainAccess, OpenChain
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.stages.cell_builds import compiler_output, own_build
from chainops.stages.common import INTEGRATION_TESTS, project_root
from chainops.stages.suites import (
    failed_suite,
    run_suite,
    suite_metrics,
    suite_outputs,
    suite_summary,
    toolchain_request,
)
from chainops.toolchains.failures import group_failures
from chainops.toolchains.model import SuiteResult
from chainops.toolchains.ports import TestSelection, Toolchain, ToolchainRequest
from chainops.toolchains.settings import FoundrySettings


class IntegrationTestsStage:
    """Stage 7."""

    name = INTEGRATION_TESTS

    def __init__(
        self,
        *,
        toolchain: Toolchain,
        chains: ChainAccess,
        settings: FoundrySettings | None = None,
        env: Mapping[str, str] | None = None,
        fork_url: str = "",
        fork_block: int | None = None,
        network: Network | None = None,
    ) -> None:
        """With `fork_url` (a URL, or the reference of one) the chain starts as a fork and keeps its id.

        With `network` it is a fork of that one, or, when that is embedded, a chain of its own like it.
        """
        self._toolchain = toolchain
        self._chains = chains
        self._settings = settings or FoundrySettings()
        self._env = env or {}
        self._network = _stand_in(network) if network else _fork(fork_url, fork_block)

    async def run(self, context: StageContext) -> Outcome:
        """Start a chain, run the suite, stop the chain; skipped when the project has no such suite."""
        path = self._settings.integration_path
        if not has_sources(project_root(context), path):
            return Outcome(status=StageStatus.SKIPPED, reason=f"the project has no tests in {path}")
        request = toolchain_request(context, self._settings, self._env)
        if unbuilt := await own_build(self._toolchain, request, context):
            return unbuilt
        async with self._chains.fresh(
            self._network, scratch=context.scratch / "chain", marker=context.marker, log=context.log
        ) as chain:
            return await self._test(context, request, chain)

    async def _test(self, context: StageContext, request: ToolchainRequest, chain: OpenChain) -> Outcome:
        kind = "fork" if self._network.fork_url else "anvil"
        chain_id, block = chain.network.chain_id, await chain.rpc.number("eth_blockNumber")
        context.say(f"{kind}: chain {chain_id} at block {block}")
        selection = TestSelection(
            match_path=self._settings.integration_path,
            rpc_url=chain.url,
            extra_env={"CHAINOPS_RPC_URL": chain.url, "CHAINOPS_CHAIN_ID": str(chain_id)},
        )
        suite = await run_suite(self._toolchain, request, selection, context)
        outcome = Outcome(
            status=StageStatus.SUCCESS,
            reason=suite_summary(suite),
            metrics=suite_metrics(suite),
            artifacts=_keep(context, suite),
            tools=(*chain.tools, *await self._toolchain.tools()),
            outputs={
                **suite_outputs(suite, group_failures(suite.cases)),
                "chain": {"kind": kind, "chain_id": chain_id, "block": block},
                "compiler": compiler_output(request),
            },
        )
        failed = failed_suite(suite, allow_no_tests=False)
        if not failed:
            return outcome
        return replace(
            failed,
            metrics=outcome.metrics,
            artifacts=outcome.artifacts,
            tools=outcome.tools,
            outputs=outcome.outputs,
        )


def _fork(url: str, block: int | None, chain_id: int = DEV_CHAIN_ID) -> Network:
    return Network(
        name="integration",
        kind=NetworkKind.EMBEDDED,
        chain_id=0 if url else chain_id,
        fork_url=url,
        fork_block=block,
    )


def _stand_in(network: Network) -> Network:
    """Return the chain on which tests can do what they like and which looks like `network`."""
    fork = _fork(network.url or network.fork_url, network.fork_block, network.chain_id)
    return replace(fork, code_size_limit_bytes=network.code_size_limit_bytes)


def _keep(context: StageContext, suite: SuiteResult) -> tuple[Artifact, ...]:
    if not suite.report_file:
        return ()
    name, path = f"{INTEGRATION_TESTS}/tests.json", Path(suite.report_file)
    return (context.artifacts.put_file(name, path, kind="test-report", media_type="application/json"),)


def has_sources(root: Path, pattern: str) -> bool:
    """Return whether a Solidity file lies where the glob `pattern` points."""
    # pathlib's `**` stands for folders only, forge's for files, too
    wider = pattern + "/*" if pattern.endswith("**") else pattern
    return any(path.suffix == ".sol" for path in root.glob(wider))
