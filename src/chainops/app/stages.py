"""Binds the stages' ports to adapters, each when it is needed: a run starts before its tools are loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING

from chainops.app.approving import RunApprovals
from chainops.app.config import LoadedConfig
from chainops.core.process import LocalProcessRunner
from chainops.pipeline.matrix import Cell, is_join
from chainops.pipeline.model import RunRecord, StageNode
from chainops.pipeline.ports import Stage
from chainops.stages.common import (
    COMPILATION,
    CONTRACT_DEPLOY,
    DEPENDENCY_INSTALL,
    INTEGRATION_TESTS,
    PRODUCTION_DEPLOY,
    SECURITY_SCAN,
    SMOKE_TESTS,
    SOURCE_CHECKOUT,
    STATIC_ANALYSIS,
    UNIT_TESTS,
)

if TYPE_CHECKING:
    from chainops.analysis.ports import Analyzer
    from chainops.app.compilers import FoundryCompilers
    from chainops.chains.model import Network
    from chainops.stages.deploying import DeployPorts
    from chainops.toolchains.ports import Toolchain
    from chainops.tools.toolbox import ProvisionedToolbox


class LazyStages(Mapping[str, Stage]):
    """The ten stages by name; each is built when it is asked for."""

    def __init__(self, loaded: LoadedConfig, status: Callable[[], RunRecord | None]) -> None:
        """`status` gives the run as it stands: it says what was approved."""
        self._loaded = loaded
        self._config = loaded.config
        self._status = status
        self._runner = LocalProcessRunner(loaded.masker)
        self._makers: dict[str, Callable[[Cell], Stage]] = {
            SOURCE_CHECKOUT: self._source_checkout,
            DEPENDENCY_INSTALL: self._dependency_install,
            COMPILATION: self._compilation,
            UNIT_TESTS: self._unit_tests,
            STATIC_ANALYSIS: self._static_analysis,
            SECURITY_SCAN: self._security_scan,
            INTEGRATION_TESTS: self._integration_tests,
            CONTRACT_DEPLOY: self._contract_deploy,
            SMOKE_TESTS: self._smoke_tests,
            PRODUCTION_DEPLOY: self._production_deploy,
        }

    def of(self, node: StageNode) -> Stage:
        """Return a new stage for a node, bound to its cell; raises KeyError for an unknown stage."""
        if is_join(node):
            from chainops.stages.join import JoinStage

            return JoinStage(name=node.name, cells=node.needs)
        return self._makers[node.stage](node.cell)

    def __getitem__(self, name: str) -> Stage:
        """Return a new stage; raises KeyError for an unknown name."""
        return self._makers[name]({})

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._makers)

    def __len__(self) -> int:
        """Return how many stages there are."""
        return len(self._makers)

    @cached_property
    def _toolbox(self) -> ProvisionedToolbox:
        from chainops.tools.cache import default_cache_dir
        from chainops.tools.toolbox import ProvisionedToolbox

        return ProvisionedToolbox(
            cache_dir=default_cache_dir(), runner=self._runner, overrides=self._config.tools.overrides()
        )

    def _toolchain(self) -> Toolchain:
        """Return one for a stage alone: it names the compilers that its own requests needed."""
        from chainops.toolchains.adapters.foundry import FoundryToolchain

        return FoundryToolchain(toolbox=self._toolbox, runner=self._runner, settings=self._config.foundry)

    @cached_property
    def _compilers(self) -> FoundryCompilers:
        from chainops.app.compilers import FoundryCompilers

        return FoundryCompilers(toolbox=self._toolbox, runner=self._runner, settings=self._config.foundry)

    @cached_property
    def _deploy_ports(self) -> DeployPorts:
        from chainops.chains.embedded import LocalChainAccess
        from chainops.chains.journals import FileJournals
        from chainops.core.service import LocalServiceStarter
        from chainops.deploy.adapters.forge_script import ForgeScriptRunner
        from chainops.stages.deploying import DeployPorts
        from chainops.tools.cache import default_cache_dir

        return DeployPorts(
            chains=LocalChainAccess(
                toolbox=self._toolbox,
                services=LocalServiceStarter(self._loaded.masker),
                secrets=self._loaded.resolver,
            ),
            journals=FileJournals(self._loaded.workspace.absolute() / ".chainops" / "runs"),
            secrets=self._loaded.resolver,
            scripts=ForgeScriptRunner(
                toolbox=self._toolbox, runner=self._runner, allow_fs=self._config.foundry.allow_fs
            ),
            base=self._loaded.document.base,
            locks=default_cache_dir() / "locks",
            env=self._loaded.environment,
            profile=self._config.foundry.profile,
        )

    def _source_checkout(self, _cell: Cell) -> Stage:
        from chainops.stages.source_checkout import SourceCheckoutStage

        return SourceCheckoutStage(
            runner=self._runner,
            settings=self._config,
            options=self._config.stage_options(SOURCE_CHECKOUT),
            repository_url=self._loaded.repository_url,
            masker=self._loaded.masker,
            profile=self._config.foundry.profile,
        )

    def _dependency_install(self, _cell: Cell) -> Stage:
        from chainops.stages.dependency_install import DependencyInstallStage

        return DependencyInstallStage(
            runner=self._runner,
            toolbox=self._toolbox,
            options=self._config.stage_options(DEPENDENCY_INSTALL),
            profile=self._config.foundry.profile,
        )

    def _compilation(self, _cell: Cell) -> Stage:
        from chainops.stages.compilation import CompilationStage

        return CompilationStage(
            toolchain=self._toolchain(), settings=self._config.foundry, env=self._loaded.environment
        )

    def _unit_tests(self, _cell: Cell) -> Stage:
        from chainops.stages.unit_tests import UnitTestsStage

        return UnitTestsStage(
            toolchain=self._toolchain(), settings=self._config.foundry, env=self._loaded.environment
        )

    def _static_analysis(self, _cell: Cell) -> Stage:
        from chainops.stages.static_analysis import StaticAnalysisStage

        settings = self._config.analysis
        return StaticAnalysisStage(
            linters=[self._analyzer(name) for name in settings.linters],
            settings=settings,
            env=self._analysis_environment,
        )

    def _security_scan(self, _cell: Cell) -> Stage:
        from chainops.stages.security_scan import SecurityScanStage

        settings = self._config.analysis
        return SecurityScanStage(
            analyzers=[self._analyzer(name) for name in settings.analyzers],
            settings=settings,
            env=self._analysis_environment,
        )

    @property
    def _analysis_environment(self) -> dict[str, str]:
        """The declared environment, and the profile that the toolchain builds with."""
        profile = self._config.foundry.profile
        return self._loaded.environment | ({"FOUNDRY_PROFILE": profile} if profile else {})

    def _analyzer(self, name: str) -> Analyzer:
        from chainops.analysis.adapters.forge_fmt import ForgeFmtAnalyzer
        from chainops.analysis.adapters.forge_lint import ForgeLintAnalyzer
        from chainops.analysis.adapters.slither import SlitherAnalyzer
        from chainops.analysis.adapters.solhint import SolhintAnalyzer

        adapters: dict[str, Callable[..., Analyzer]] = {
            "forge-fmt": ForgeFmtAnalyzer,
            "forge-lint": partial(ForgeLintAnalyzer, compilers=self._compilers),
            "slither": partial(SlitherAnalyzer, builds=self._compilers),
            "solhint": SolhintAnalyzer,
        }
        return adapters[name](toolbox=self._toolbox, runner=self._runner)

    def _integration_tests(self, cell: Cell) -> Stage:
        from chainops.stages.integration_tests import IntegrationTestsStage

        options = self._config.stage_options(INTEGRATION_TESTS)
        network = self._loaded.networks[cell["network"]] if "network" in cell else None
        return IntegrationTestsStage(
            toolchain=self._toolchain(),
            chains=self._deploy_ports.chains,
            settings=self._config.foundry,
            env=self._loaded.environment,
            fork_url=options.fork_url,
            fork_block=options.fork_block,
            network=network,
        )

    def _network(self, cell: Cell) -> Network:
        """Return a cell's network; of a whole stage the one whose deployment stands for all of them."""
        matrix = self._config.stage_settings()[CONTRACT_DEPLOY].matrix
        name = (matrix.network or [""])[0] if matrix else ""
        return self._loaded.networks[cell.get("network") or name or self._config.target_network]

    def _contract_deploy(self, cell: Cell) -> Stage:
        from chainops.stages.contract_deploy import ContractDeployStage

        return ContractDeployStage(
            source=self._loaded.manifest,
            network=self._network(cell),
            ports=self._deploy_ports,
        )

    def _smoke_tests(self, cell: Cell) -> Stage:
        from chainops.deploy.model import Where
        from chainops.stages.smoke_tests import SmokeTestsStage

        return SmokeTestsStage(
            checks=self._config.smoke_tests,
            where=Where(self._loaded.document, ("smoke_tests",)),
            network=self._network(cell),
            ports=self._deploy_ports,
        )

    def _production_deploy(self, _cell: Cell) -> Stage:
        from chainops.stages.production_deploy import ProductionDeployStage

        production = [n for n in self._loaded.networks.values() if n.production]
        return ProductionDeployStage(
            source=self._loaded.manifest,
            network=production[0] if production else None,
            ports=self._deploy_ports,
            approvals=RunApprovals(self._status, PRODUCTION_DEPLOY),
        )
