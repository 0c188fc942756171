"""Foundry as a toolchain: calls forge and makes results of what it prints and leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from chainops.core.files import disk_errors
from chainops.core.process import ProcessRunner, Sink
from chainops.core.serial import to_json
from chainops.core.text import one_line
from chainops.core.tooluse import ToolUse
from chainops.toolchains.adapters.foundry_build import read_contracts, read_imports, read_index, read_warnings
from chainops.toolchains.adapters.foundry_command import (
    ForgeFolders,
    ffi_arguments,
    selection_arguments,
    selection_environment,
)
from chainops.toolchains.adapters.foundry_coverage import IR_ACCURACY, failing_accuracy, read_coverage
from chainops.toolchains.adapters.foundry_diagnosis import Diagnosis
from chainops.toolchains.adapters.foundry_docs import document_contracts
from chainops.toolchains.adapters.foundry_gas import parse_gas
from chainops.toolchains.adapters.foundry_session import (
    Call,
    ForgeSession,
    UnbuildableError,
    open_session,
    write_report,
)
from chainops.toolchains.adapters.foundry_tests import (
    add_silent,
    has_report,
    parse_cases,
    parse_list,
    parse_report,
    silent_suites,
    without_traces,
)
from chainops.toolchains.foundry_config import FoundryConfig, toml_place
from chainops.toolchains.model import (
    BuildResult,
    ContractBuild,
    Coverage,
    Diagnostic,
    Document,
    GasEntry,
    GasReport,
    SuiteResult,
    TestCase,
    TestStatus,
)
from chainops.toolchains.ports import TestSelection, ToolchainRequest
from chainops.toolchains.settings import FoundrySettings
from chainops.toolchains.source_places import SourcePlaces
from chainops.tools.ports import Toolbox


class FoundryToolchain:
    """Builds, tests and measures a Foundry project with forge.

    Calls for one request may run side by side: only `build` writes the shared build, coverage compiles into
    `scratch`, and tests and gas read the shared build as it is. Methods raise `ToolchainConfigError` when
    foundry.toml cannot be read, `ToolchainOutputError` when forge was ended or printed no whole report,
    `ToolchainTimeoutError`, and what the toolbox raises.
    """

    name = "foundry"

    def __init__(
        self, *, toolbox: Toolbox, runner: ProcessRunner, settings: FoundrySettings | None = None
    ) -> None:
        self._toolbox = toolbox
        self._runner = runner
        self._settings = settings or FoundrySettings()
        self._uses: set[ToolUse] = set()

    async def tools(self) -> tuple[ToolUse, ...]:
        """Return forge, and every compiler that a request has needed so far with what it runs on."""
        forge = await self._toolbox.tool("forge")
        return (forge.use, *sorted(self._uses))

    async def _open(self, request: ToolchainRequest, sink: Sink) -> ForgeSession:
        session = await open_session(self._toolbox, self._runner, self._settings, request, sink)
        self._uses.update(session.uses)
        return session

    async def build(self, request: ToolchainRequest, sink: Sink) -> BuildResult:
        """Compile everything, tests and scripts included, with build-info."""
        try:
            session = await self._open(request, sink)
        except UnbuildableError as error:
            return _failed_build(error.diagnosis)
        folders = ForgeFolders.shared(request)
        with disk_errors(request.build_dir):
            request.build_dir.mkdir(parents=True, exist_ok=True)
        call = await session.call(("build", "--build-info", *self._settings.build_args), folders)
        refused = _refusals(session)
        if files := session.restriction.told():
            sink(f"{files}\n".encode())
        if call.returncode != 0:
            return _failed_build(session.diagnose(call), refused)
        result = await asyncio.to_thread(_read_build, folders, session.config, request.project_root)
        return replace(result, diagnostics=(*refused, *result.diagnostics))

    async def documentation(self, build: BuildResult) -> tuple[Document, ...]:
        """Return a page of Markdown for each of the project's own sources."""
        own = tuple(contract for contract in build.contracts if contract.own)
        return await asyncio.to_thread(document_contracts, Path(build.output_dir), own)

    async def test(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> SuiteResult:
        """Run the selected tests on the shared build."""
        try:
            session = await self._open(request, sink)
        except UnbuildableError as error:
            return _unrunnable(error.diagnosis)
        arguments = ("test", "--json", *_selected(session, selection), *self._settings.test_args)
        call = await self._call_tests(session, arguments, selection, name="test")
        if call.returncode != 0 and not has_report(call.completed.stdout):
            return _unrunnable(session.diagnose(call))
        report = await asyncio.to_thread(parse_report, call.completed.whole_stdout())
        cases = parse_cases(report)
        if silent_suites(report):
            listing = ("test", "--list", "--json", *selection_arguments(selection))
            listed = await self._call_tests(session, listing, selection, name="list")
            cases = add_silent(cases, parse_list(listed.completed.whole_stdout()))
        path = request.scratch / "forge-test.json"
        await asyncio.to_thread(write_report, path, without_traces(report))
        return SuiteResult(
            cases=_placed(cases, request),
            failure=_unexplained(call, cases),
            report_file=str(path),
            seed=session.commands.seed,
        )

    @staticmethod
    async def _call_tests(
        session: ForgeSession, arguments: tuple[str, ...], selection: TestSelection, *, name: str
    ) -> Call:
        folders = ForgeFolders.shared(session.request, memory=name)
        return await session.call(arguments, folders, report=True, extra_env=selection_environment(selection))

    async def coverage(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> Coverage:
        """Measure coverage with the optimizer off; with `--ir-minimum` when that ends with stack too deep."""
        try:
            session = await self._open(request, sink)
        except UnbuildableError as error:
            return Coverage(failure=error.diagnosis.failure)
        plain = await self._cover(session, selection, minimum_ir=False)
        if isinstance(plain, Coverage):
            return plain
        if plain.limit != "stack-too-deep":
            return Coverage(failure=f"coverage could not be measured: {plain.failure}")
        sink(b"coverage: stack too deep without the optimizer; once more with --ir-minimum\n")
        reduced = await self._cover(session, selection, minimum_ir=True)
        if isinstance(reduced, Coverage):
            return reduced
        return Coverage(
            failure=(
                "coverage could not be measured: the plain build ends with stack too deep "
                f"({plain.failure}), and with --ir-minimum it ends with: {reduced.failure}"
            )
        )

    async def _cover(
        self, session: ForgeSession, selection: TestSelection, *, minimum_ir: bool
    ) -> Coverage | Diagnosis:
        request = session.request
        folders = ForgeFolders.own(request, "coverage-ir" if minimum_ir else "coverage")
        tracefile = folders.out.parent / "lcov.info"
        with disk_errors(request.scratch):
            tracefile.parent.mkdir(parents=True, exist_ok=True)
        arguments = (
            *("coverage", "--report", "lcov", "--report", "summary", "--report-file", str(tracefile)),
            *(("--ir-minimum",) if minimum_ir else ()),
            *_selected(session, selection),
            *self._settings.coverage_args,
        )
        call = await session.call(arguments, folders, extra_env=selection_environment(selection))
        # failing tests make the exit code 1 and the reports are written all the same
        if not tracefile.is_file():
            return session.diagnose(call)
        accuracy = " · ".join(
            text for text in (IR_ACCURACY if minimum_ir else "", failing_accuracy(call.returncode)) if text
        )
        return read_coverage(
            tracefile.read_bytes(),
            call.printed,
            session.config,
            self._settings.coverage_exclude,
            accuracy,
        )

    async def gas(self, request: ToolchainRequest, selection: TestSelection, sink: Sink) -> GasReport:
        """Measure gas by running the tests once more: the report isolates each call and omits outcomes."""
        try:
            session = await self._open(request, sink)
        except UnbuildableError as error:
            return GasReport(failure=error.diagnosis.failure)
        arguments = (
            "test",
            "--gas-report",
            "--json",
            *_selected(session, selection),
            *self._settings.test_args,
        )
        call = await self._call_tests(session, arguments, selection, name="gas")
        output = call.completed.whole_stdout()
        if call.returncode != 0 and not has_report(output):
            return GasReport(failure=f"gas could not be measured: {session.diagnose(call).failure}")
        entries = await asyncio.to_thread(_placed_gas, parse_gas(output, session.config.layout), request)
        path = request.scratch / "forge-gas.json"
        await asyncio.to_thread(write_report, path, to_json(entries))
        return GasReport(entries=entries, report_file=str(path))


def _selected(session: ForgeSession, selection: TestSelection) -> tuple[str, ...]:
    return (*selection_arguments(selection), *ffi_arguments(allowed=session.commands.allow_ffi))


def _failed_build(found: Diagnosis, refused: tuple[Diagnostic, ...] = ()) -> BuildResult:
    return BuildResult(
        ok=False,
        diagnostics=(*refused, *found.diagnostics),
        failure=found.failure,
        limit=found.limit,
        hint=found.hint,
    )


def _unrunnable(found: Diagnosis) -> SuiteResult:
    return SuiteResult(failure=found.failure, hint=found.hint, limit=found.limit)


def _refusals(session: ForgeSession) -> tuple[Diagnostic, ...]:
    """Say what the project asked for and does not get: FFI, files elsewhere."""
    files = session.restriction.told()
    place = toml_place(session.request.project_root, "fs_permissions")
    refused = (Diagnostic(severity="info", code="fs-refused", message=files, place=place),) if files else ()
    if not session.config.ffi or session.commands.allow_ffi:
        return refused
    return (
        *refused,
        Diagnostic(
            severity="info",
            code="ffi-refused",
            message=(
                "foundry.toml lets tests start programs on this machine (ffi = true); that is refused "
                "unless the config says `foundry: {allow_ffi: true}`"
            ),
            place=toml_place(session.request.project_root, "ffi"),
        ),
    )


def _read_build(folders: ForgeFolders, config: FoundryConfig, root: Path) -> BuildResult:
    index = read_index(folders.cache)
    builds = sorted({entry.build_id for entry in index})
    return BuildResult(
        ok=True,
        diagnostics=read_warnings(folders.out, index, config),
        contracts=_placed_contracts(read_contracts(folders.out, index, config), root),
        output_dir=str(folders.out),
        solc_versions=tuple(sorted({entry.solc_version for entry in index}, key=_version_key)),
        build_infos=tuple(
            f"build-info/{build}.json"
            for build in builds
            if (folders.out / "build-info" / f"{build}.json").is_file()
        ),
    )


def _placed_contracts(contracts: tuple[ContractBuild, ...], root: Path) -> tuple[ContractBuild, ...]:
    places = SourcePlaces(root)
    return tuple(
        replace(one, line=places.contract_line(one.path, one.name)) if one.own else one for one in contracts
    )


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+", maxsplit=1)[0].split(".") if part.isdigit())


def _placed(cases: tuple[TestCase, ...], request: ToolchainRequest) -> tuple[TestCase, ...]:
    places = _places(request)
    return tuple(replace(case, place=places.test(case.suite, case.name)) for case in cases)


def _placed_gas(entries: tuple[GasEntry, ...], request: ToolchainRequest) -> tuple[GasEntry, ...]:
    places = _places(request)
    return tuple(replace(entry, place=places.function(entry.contract, entry.function)) for entry in entries)


def _places(request: ToolchainRequest) -> SourcePlaces:
    return SourcePlaces(request.project_root, read_imports(ForgeFolders.shared(request).cache))


def _unexplained(call: Call, cases: tuple[TestCase, ...]) -> str:
    """Return a failure when forge's exit code says more than its report: that never counts as a pass."""
    failed = any(case.status is TestStatus.FAILED for case in cases)
    if call.returncode == 0 or failed:
        return ""
    words = one_line(call.completed.error_text) or "without a word"
    return f"forge ended with exit code {call.returncode} although no test in its report failed: {words}"
