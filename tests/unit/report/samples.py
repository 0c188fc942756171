"""A realistic run of the vault, whole and broken in the ways that a report has to show."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chainops.analysis.model import Confidence, Finding, FunctionComplexity, Severity
from chainops.artifacts.model import Artifact
from chainops.core.errors import Place
from chainops.core.hashing import digest_bytes
from chainops.core.serial import to_json
from chainops.core.tooluse import ToolUse
from chainops.pipeline.model import (
    AttemptRecord,
    FailureKind,
    Outcome,
    RunRecord,
    RunStatus,
    StageNode,
    StageRecord,
    StageStatus,
)
from chainops.quality.model import GateStatus, Measurement, Verdict
from chainops.toolchains.model import (
    ContractBuild,
    Diagnostic,
    FailureGroup,
    FileCoverage,
    GasEntry,
    Ratio,
    TestCase,
    TestStatus,
)

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ROOT = "/home/ada/vault"
NEEDS: dict[str, tuple[str, ...]] = {
    "source-checkout": (),
    "dependency-install": ("source-checkout",),
    "compilation": ("dependency-install",),
    "unit-tests": ("compilation",),
    "static-analysis": ("dependency-install",),
    "security-scan": ("compilation",),
    "integration-tests": ("compilation",),
    "contract-deploy": ("unit-tests", "static-analysis", "security-scan", "integration-tests"),
    "smoke-tests": ("contract-deploy",),
    "production-deploy": ("smoke-tests",),
}
#: stage → start and duration, seconds after the run's start
TIMES = {
    "source-checkout": (0.1, 0.4),
    "dependency-install": (0.5, 2.8),
    "compilation": (3.3, 21.7),
    "unit-tests": (25.0, 14.2),
    "static-analysis": (3.3, 3.1),
    "security-scan": (25.0, 19.5),
    "integration-tests": (25.0, 4.8),
    "contract-deploy": (44.6, 2.1),
    "smoke-tests": (46.7, 0.6),
    "production-deploy": (47.3, 1.9),
}
FORGE = ToolUse(name="forge", version="1.7.1", digest="sha512:" + "f0" * 64, origin="npm")
SOLC = ToolUse(name="solc", version="0.8.30", digest="sha256:" + "50" * 32, origin="npm")
SLITHER = ToolUse(name="slither", version="0.11.6", digest="sha256:" + "51" * 32, origin="pypi")
ANVIL = ToolUse(name="anvil", version="1.7.1", digest="sha512:" + "a0" * 64, origin="npm")
LCOV = (
    b"TN:\nSF:src/Vault.sol\nFN:96,Vault.setDepositCap\nFNDA:4,Vault.setDepositCap\n"
    b"DA:97,4\nDA:140,0\nLF:2\nLH:1\nend_of_record\n"
)
LOG = b"Compiling 42 files with Solc 0.8.30\nSolc 0.8.30 finished in 21.40s\nCompiler run successful!\n"


def finding(severity: Severity = Severity.LOW, **fields: Any) -> Finding:
    values: dict[str, Any] = {
        "tool": "slither",
        "rule": "timestamp",
        "severity": severity,
        "confidence": Confidence.MEDIUM,
        "message": "Vault._room() uses timestamp for comparisons",
        "places": (Place("src/Vault.sol", 142, 9), Place("src/FeeMath.sol", 12)),
        "excerpt": "        if (block.timestamp < unlockedAt) {\n            return 0;\n        }",
        "explanation": "Miners can move the timestamp by some seconds.",
        "url": "https://github.com/crytic/slither/wiki/Detector-Documentation#block-timestamp",
        "fingerprint": f"fp-{severity.label}",
    }
    return Finding(**{**values, **fields})


REENTRANCY = finding(
    Severity.HIGH,
    rule="reentrancy-eth",
    confidence=Confidence.HIGH,
    message="Reentrancy in Bank.withdraw(uint256) (src/Bank.sol#31-38)",
    places=(Place("src/Bank.sol", 33, 9),),
    excerpt='        (bool sent,) = msg.sender.call{value: 1}("");\n        balances[msg.sender] -= 1;',
    explanation="Change the state before the call, or guard the function.",
    fingerprint="9f2c11d0b7aa",
)


def case(name: str, status: TestStatus = TestStatus.PASSED, **fields: Any) -> TestCase:
    values = {"suite": "test/Vault.t.sol:VaultTest", "kind": "unit", "duration_s": 0.004, "gas": 51_234}
    return TestCase(name=name, status=status, **{**values, **fields})


PASSING = tuple(case(f"test_{what}()") for what in ("deposit", "withdraw", "pause", "cap", "roles"))
FAILING = (
    case(
        "testFuzz_withdrawPaysFee(uint256)",
        TestStatus.FAILED,
        kind="fuzz",
        reason="assertion failed: 99 != 100",
        counterexample=f"calldata=0x5c3f1b2e, args=[{2**256 - 1}]",
        runs=41,
        place=Place("test/Vault.fuzz.t.sol", 42),
        logs=("balance 99", "expected 100"),
    ),
    case(
        "test_redeemRounding()",
        TestStatus.FAILED,
        reason="assertion failed: 99 != 100",
        place=Place("test/Vault.t.sol", 88),
    ),
)
GROUPS = (
    FailureGroup(
        reason="assertion failed: 99 != 100",
        tests=tuple(f"{c.suite}.{c.name}" for c in FAILING),
        hint="both withdraw with a fee: look at FeeMath.feeOn",
    ),
)


def suite_output(cases: tuple[TestCase, ...], groups: tuple[FailureGroup, ...] = ()) -> dict[str, Any]:
    count = {s.value: sum(c.status is s for c in cases) for s in TestStatus}
    return {
        "tests": {"total": len(cases), **count},
        "cases": to_json(cases),
        "failure_groups": to_json(groups),
    }


def coverage_output() -> dict[str, Any]:
    files = (
        FileCoverage(
            path="src/Vault.sol",
            lines=Ratio(hit=88, total=96),
            branches=Ratio(hit=17, total=22),
            functions=Ratio(hit=23, total=24),
            statements=Ratio(hit=101, total=110),
            missed_lines=(140, 141, 142, 160, 171, 172, 173, 190),
        ),
        FileCoverage(
            path="src/FeeMath.sol",
            lines=Ratio(hit=9, total=9),
            branches=Ratio(hit=0, total=0),
            functions=Ratio(hit=2, total=2),
        ),
    )
    return {
        "lines": 0.9238,
        "statements": 0.9182,
        "branches": 0.7727,
        "functions": 0.9615,
        "files": to_json(files),
        "accuracy": "",
        "failure": "",
    }


def contract(name: str, size_bytes: int, **fields: Any) -> ContractBuild:
    return ContractBuild(
        path=f"src/{name}.sol",
        name=name,
        runtime_size_bytes=size_bytes,
        init_size_bytes=size_bytes + 1200,
        runtime_digest=digest_bytes(name.encode()),
        artifact=f"{name}.sol/{name}.json",
        solc_version="0.8.30",
        **fields,
    )


def deployment(network: str, chain_id: int) -> dict[str, Any]:
    deployed = {
        "name": "Vault",
        "fqn": "src/Vault.sol:Vault",
        "address": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
        "transaction": "0x" + "ab" * 32,
        "block": 3,
        "gas_used": 2_345_678,
        "cost_wei": "2345678000000000",
        "code_matches": True,
        "code_digest": "sha256:" + "cd" * 32,
    }
    transaction = {
        "label": "deploy Vault",
        "hash": "0x" + "ab" * 32,
        "nonce": 0,
        "block": 3,
        "gas_used": 2_345_678,
        "effective_gas_price_wei": "1000000000",
        "cost_wei": "2345678000000000",
        "status": "success",
    }
    return {
        "network": network,
        "chain_id": chain_id,
        "contracts": [deployed],
        "transactions": [transaction],
        "plan_digest": "sha256:" + "12" * 32,
        "journal": "deployments/vault.json",
    }


OUTPUTS: dict[str, dict[str, Any]] = {
    "source-checkout": {
        "project_root": ROOT,
        "workspace_kind": "local",
        "url": "https://example.org/ada/vault.git",
        "ref": "main",
        "commit": "3f2a91c0b5d84e7f9a6c1d2e3f405162738495a6",
        "author": "Ada <ada@example.org>",
        "date": "2026-03-04T04:00:00Z",
        "subject": "Charge the exit fee on redeem as well",
        "branch": "main",
        "dirty": True,
        "changed_files": ["src/Vault.sol"],
        "files": 31,
        "tree_digest": "sha256:" + "77" * 32,
        "toolchain": "foundry",
        "sources": ["src/Vault.sol", "src/FeeMath.sol"],
        "tests": ["test/Vault.t.sol"],
        "scripts": [],
    },
    "dependency-install": {
        "installed": [{"kind": "npm", "source": "package-lock.json", "packages": 2, "cached": False}],
        "libraries": [{"name": "@openzeppelin/contracts", "path": "node_modules", "version": "5.4.0"}],
        "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
    },
    "compilation": {
        "build_dir": "/home/ada/vault/.chainops/build",
        "output_dir": "/home/ada/vault/.chainops/build/out",
        "contracts": to_json(
            [contract("Vault", 11_204), contract("FeeMath", 86), contract("Mock", 900, deployable=False)]
        ),
        "diagnostics": to_json(
            [
                Diagnostic(
                    severity="warning",
                    code="2018",
                    message="Function state mutability can be restricted to view",
                    place=Place("src/Vault.sol", 150, 5),
                )
            ]
        ),
        "solc_versions": ["0.8.30"],
        "reproducible": True,
    },
    "unit-tests": {
        **suite_output(PASSING),
        "coverage": coverage_output(),
        "gas": to_json(
            [
                GasEntry(
                    contract="src/Vault.sol:Vault",
                    function=name,
                    calls=calls,
                    min_gas=mean - 900,
                    mean_gas=mean,
                    median_gas=mean - 10,
                    max_gas=mean + 4000,
                )
                for name, calls, mean in (
                    ("deployment", 1, 2_345_678),
                    ("deposit(uint256,address)", 312, 104_221),
                    ("withdraw(uint256,address,address)", 288, 88_112),
                    ("setExitFee(uint16)", 9, 31_004),
                )
            ]
        ),
    },
    "static-analysis": {
        "complexity": to_json(
            [
                FunctionComplexity(
                    name="Vault._withdraw", place=Place("src/Vault.sol", 171), complexity=6, lines=18
                ),
                FunctionComplexity(
                    name="FeeMath.feeOn", place=Place("src/FeeMath.sol", 12), complexity=2, lines=5
                ),
            ]
        ),
        "files": [],
        "unformatted": ["src/FeeMath.sol"],
        "linters": [{"name": "forge-lint", "findings": 1}],
    },
    "security-scan": {
        "analyzers": [{"name": "slither", "version": "0.11.6", "findings": 2}],
        "counts": {"info": 0, "low": 1, "medium": 0, "high": 0, "critical": 0},
        "suppressed": 1,
        "ran": True,
    },
    "integration-tests": {
        **suite_output((case("test_live()", suite="test/integration/Live.t.sol:LiveTest"),)),
        "chain": {"kind": "anvil", "chain_id": 31337, "block": 0},
    },
    "contract-deploy": deployment("local", 31337),
    "smoke-tests": {
        "checks": [
            {"name": "the vault's asset is the token", "status": "passed", "detail": "", "place": None},
            {"name": "deposits above the cap revert", "status": "passed", "detail": "", "place": None},
        ]
    },
    "production-deploy": deployment("production-local", 31338),
}
FINDINGS = {
    "static-analysis": (
        finding(
            Severity.INFO, tool="forge-lint", rule="mixed-case-variable", message="use mixedCase", url=""
        ),
    ),
    "security-scan": (
        finding(),
        finding(
            Severity.MEDIUM,
            rule="divide-before-multiply",
            fingerprint="known",
            suppressed_by="baseline: rounding is in the vault's favour (Ada, 2026-02-01)",
        ),
    ),
}
METRICS = {
    "compilation": (
        Measurement(name="size.runtime_max_bytes", value=11_204, unit="bytes", subject="src/Vault.sol:Vault"),
    ),
    "unit-tests": (
        Measurement(name="tests.total", value=5, unit="count"),
        Measurement(name="coverage.lines", value=0.9238, unit="ratio"),
    ),
    "static-analysis": (
        Measurement(name="complexity.max", value=6, unit="count", place=Place("src/Vault.sol", 171)),
    ),
}
TOOLS = {
    "compilation": (FORGE, SOLC),
    "unit-tests": (FORGE,),
    "security-scan": (SLITHER,),
    "contract-deploy": (ANVIL,),
}
ARTIFACTS = {
    "compilation": (
        Artifact(
            name="contracts/Vault.json",
            kind="contract",
            digest=digest_bytes(b"{}"),
            size_bytes=2,
            media_type="application/json",
            stage="compilation",
        ),
    ),
    "unit-tests": (
        Artifact(
            name="coverage/lcov.info",
            kind="coverage",
            digest=digest_bytes(LCOV),
            size_bytes=len(LCOV),
            media_type="text/plain",
            stage="unit-tests",
        ),
    ),
}
LOG_ARTIFACT = Artifact(
    name="logs/compilation.log",
    kind="log",
    digest=digest_bytes(LOG),
    size_bytes=len(LOG),
    media_type="text/plain",
    stage="compilation",
)
#: what the artifact store holds of the run
BLOBS = (b"{}", LCOV, LOG)
VERDICTS = (
    Verdict(
        gate="min_test_coverage",
        status=GateStatus.PASSED,
        stage="unit-tests",
        measured=0.9238,
        threshold=0.9,
        unit="ratio",
        margin=0.0238,
        direction="at_least",
        message="line coverage is 92.4 %, at least 90.0 % is asked for",
        tool="forge",
    ),
    Verdict(
        gate="max_contract_size",
        status=GateStatus.PASSED,
        stage="compilation",
        measured=11_204,
        threshold=24_576,
        unit="bytes",
        margin=13_372,
        direction="at_most",
        message="the largest contract is src/Vault.sol:Vault",
        tool="solc",
    ),
    Verdict(
        gate="security_scan_required",
        status=GateStatus.PASSED,
        stage="security-scan",
        measured=0,
        threshold=0,
        unit="count",
        margin=0,
        direction="at_most",
        message="no finding of severity high or above",
        tool="slither",
    ),
)
VECTOR: Mapping[str, Any] = {
    name: {"value": value, "formula": formula, "inputs": inputs}
    for name, value, formula, inputs in (
        ("complexity", 0.83, "1 - mean((c - 1) / 30)", {"functions": 24, "mean": 2.1, "max": 6}),
        ("maintainability", 0.71, "maintainability index / 100", {"volume": 2210.0, "lines": 190}),
        ("reliability", 0.92, "passed / total * coverage.lines", {"passed": 6, "total": 6, "lines": 0.9238}),
        ("security", 0.98, "exp(-sum(weight))", {"low": 1}),
        ("performance", 0.77, "1 / (1 + max(0, rise))", {"gas.total": 2_569_015}),
    )
}


def outcome(name: str, status: StageStatus = StageStatus.SUCCESS, **fields: Any) -> Outcome:
    values: dict[str, Any] = {
        "outputs": OUTPUTS[name],
        "findings": FINDINGS.get(name, ()),
        "metrics": METRICS.get(name, ()),
        "tools": TOOLS.get(name, ()),
        "artifacts": ARTIFACTS.get(name, ()),
    }
    return Outcome(status=status, **{**values, **fields})


def stage(name: str, result: Outcome | None = None, verdicts: tuple[Verdict, ...] = ()) -> StageRecord:
    result = result or outcome(name)
    offset_s, duration_s = TIMES[name]
    started_at = START + timedelta(seconds=offset_s)
    attempt = AttemptRecord(
        attempt=1,
        status=result.status,
        started_at=started_at,
        ended_at=started_at + timedelta(seconds=duration_s) if result.status.ended else None,
        duration_s=duration_s,
        outcome=result,
    )
    node = StageNode(name=name, needs=NEEDS[name], touches_chain=name.endswith("deploy"))
    return StageRecord(
        node=node, status=result.status, reason=result.reason, attempts=(attempt,), verdicts=verdicts
    )


def skipped(name: str, reason: str) -> StageRecord:
    return StageRecord(
        node=StageNode(name=name, needs=NEEDS[name]), status=StageStatus.SKIPPED, reason=reason
    )


def passed_run() -> RunRecord:
    stages = tuple(stage(name, verdicts=tuple(v for v in VERDICTS if v.stage == name)) for name in NEEDS)
    return RunRecord(
        run_id="20260304T050607-1f3a9c",
        pipeline_id="vault",
        project_name="vault",
        status=RunStatus.SUCCESS,
        started_at=START,
        ended_at=START + timedelta(seconds=49.3),
        workspace=Path(ROOT),
        stages=stages,
        config={"pipeline_id": "vault", "environment_vars": {"RPC_URL": "${secret:RPC_URL}"}},
    )


def _changed(run: RunRecord, changes: Mapping[str, StageRecord], **fields: Any) -> RunRecord:
    stages = tuple(changes.get(s.node.name, s) for s in run.stages)
    return replace(run, stages=stages, **fields)


def failed_run() -> RunRecord:
    """Two tests fail, the coverage gate is missed, the reentrancy was found; nothing was deployed."""
    tests = outcome(
        "unit-tests",
        StageStatus.FAILED,
        reason="2 of 7 tests fail for one reason: assertion failed: 99 != 100",
        failure=FailureKind.PROJECT,
        code="TST201",
        hint="both withdraw with a fee: look at FeeMath.feeOn",
        places=(Place("test/Vault.fuzz.t.sol", 42), Place("test/Vault.t.sol", 88)),
        outputs={**OUTPUTS["unit-tests"], **suite_output(PASSING + FAILING, GROUPS)},
    )
    missed = Verdict(
        gate="min_test_coverage",
        status=GateStatus.FAILED,
        stage="unit-tests",
        measured=0.72,
        threshold=0.9,
        unit="ratio",
        margin=-0.18,
        direction="at_least",
        message="line coverage is 72.0 %, at least 90.0 % is asked for",
        tool="forge",
        place=Place("src/Vault.sol", 140),
    )
    scan = outcome("security-scan", findings=(REENTRANCY, *FINDINGS["security-scan"]))
    not_run = Verdict(
        gate="gas_optimization_threshold",
        status=GateStatus.NOT_RUN,
        stage="unit-tests",
        measured=None,
        threshold=0.05,
        unit="ratio",
        margin=None,
        direction="at_most",
        message="no gas was measured",
    )
    after = ("contract-deploy", "smoke-tests", "production-deploy")
    return _changed(
        passed_run(),
        {
            "unit-tests": stage("unit-tests", tests, (missed,)),
            "security-scan": stage("security-scan", scan),
            **{name: skipped(name, "unit-tests failed") for name in after},
        },
        status=RunStatus.FAILED,
        exit_code=1,
        ended_at=START + timedelta(seconds=44.6),
        verdicts=(not_run,),
    )


def paused_run() -> RunRecord:
    outputs = {
        "network": "production-local",
        "chain_id": 31338,
        "plan_digest": "sha256:" + "12" * 32,
        "plan": [
            {
                "label": "deploy Vault",
                "contract": "src/Vault.sol:Vault",
                "args": ["0x01", 7],
                "value_wei": "0",
            }
        ],
    }
    waiting = Outcome(
        status=StageStatus.WAITING,
        reason="1 transaction to production-local waits for an approval",
        hint="chainops run --run 20260304T050607-1f3a9c --approve sha256:1212",
        outputs=outputs,
    )
    return _changed(
        passed_run(),
        {"production-deploy": stage("production-deploy", waiting)},
        status=RunStatus.PAUSED,
        exit_code=4,
        waiting_for="production-deploy: 1 transaction to production-local waits for an approval",
    )


def cancelled_run() -> RunRecord:
    """Stopped while it compiled; nothing after that ever started."""
    cancelled = Outcome(status=StageStatus.CANCELLED, reason="interrupted")
    late = [name for name in NEEDS if name not in ("source-checkout", "dependency-install", "compilation")]
    pending = {
        n: StageRecord(node=StageNode(name=n, needs=NEEDS[n]), status=StageStatus.PENDING) for n in late
    }
    return _changed(
        passed_run(),
        {"compilation": stage("compilation", cancelled), **pending},
        status=RunStatus.CANCELLED,
        exit_code=130,
    )


def empty_run() -> RunRecord:
    """The journal knows only that it began."""
    return RunRecord(
        run_id="20260304T050607-000000",
        pipeline_id="",
        project_name="",
        status=RunStatus.RUNNING,
        started_at=START,
        ended_at=None,
        workspace=Path(ROOT),
    )


def hostile_run() -> RunRecord:
    """Every name and message is an attack on whoever shows it."""
    script = "document.title='owned'"
    evil = f"</script></style><script>{script}</script><img src=x onerror={script}>\"'`{{{{7*7}}}}"
    hidden = "admin\u202etxt.exe\x1b]0;owned\x07\x1b[31m::error::@everyone #1 ]]>|*_[a](javascript:alert(2))"
    cases = (case(f"test_{evil}", TestStatus.FAILED, reason=hidden, counterexample=evil, suite=hidden),)
    groups = (FailureGroup(reason=evil, tests=(hidden,), hint=evil),)
    bad = finding(
        Severity.CRITICAL,
        rule=evil,
        message=hidden,
        excerpt=evil,
        explanation=evil,
        url="javascript:alert(document.domain)",
        places=(Place(f"src/{evil}\n::warning::x.sol", 3, 4),),
        also=(hidden,),
    )
    tests = outcome(
        "unit-tests",
        StageStatus.FAILED,
        reason=f"{hidden}\r\n::set-output name=x::{evil}##[command]rm",
        hint=evil,
        failure=FailureKind.PROJECT,
        places=(Place(f"test/{hidden},:%\r\n.sol", 1, 2),),
        outputs={
            **suite_output(cases, groups),
            "coverage": {"files": [{"path": evil, "lines": {"hit": 1, "total": 2}}]},
            "gas": [{"contract": evil, "function": hidden, "calls": 1, "mean_gas": 5, "max_gas": 6}],
        },
    )
    build = outcome(
        "compilation", outputs={"contracts": [{"path": evil, "name": hidden, "runtime_size_bytes": 9}]}
    )
    deploy = outcome(
        "contract-deploy",
        outputs={
            "network": evil,
            "contracts": [{"name": evil, "address": "javascript:alert(3)", "cost_wei": "x"}],
        },
    )
    checkout = outcome(
        "source-checkout", outputs={"commit": evil, "subject": hidden, "url": "javascript:alert(4)"}
    )
    run = passed_run()
    return _changed(
        run,
        {
            "source-checkout": stage("source-checkout", checkout),
            "compilation": stage("compilation", build),
            "unit-tests": stage("unit-tests", tests),
            "security-scan": stage("security-scan", outcome("security-scan", findings=(bad,))),
            "contract-deploy": stage("contract-deploy", deploy),
        },
        project_name=evil,
        pipeline_id=hidden,
        status=RunStatus.FAILED,
        exit_code=1,
        config={evil: hidden},
    )


RUNS = {
    "passed": passed_run,
    "failed": failed_run,
    "paused": paused_run,
    "cancelled": cancelled_run,
    "empty": empty_run,
    "hostile": hostile_run,
}
