"""Twins that the tests of the analysis stages share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainops.analysis.model import Confidence, Finding, Severity
from chainops.artifacts.model import Artifact
from chainops.core.errors import Place
from chainops.core.hashing import digest_bytes
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.stages.common import COMPILATION, SOURCE_CHECKOUT


class MemoryArtifacts:
    """Keeps what a stage stores."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}

    def put_bytes(self, name: str, data: bytes, *, kind: str, media_type: str = "") -> Artifact:
        self.kept[name] = (data, kind)
        return Artifact(name=name, kind=kind, digest=digest_bytes(data), size_bytes=len(data))

    def put_file(self, name: str, path: Path, *, kind: str, media_type: str = "") -> Artifact:
        return self.put_bytes(name, path.read_bytes(), kind=kind)


def finding(
    rule: str,
    *,
    tool: str = "slither",
    severity: Severity = Severity.HIGH,
    path: str = "src/A.sol",
    line: int = 3,
) -> Finding:
    return Finding(
        tool=tool,
        rule=rule,
        severity=severity,
        confidence=Confidence.HIGH,
        message=rule,
        places=(Place(path, line),),
        fingerprint=f"{tool}{rule}{line}",
    )


def context_for(root: Path, stage: str, **outputs: Any) -> StageContext:
    """A context whose checkout found `src/A.sol` under `root`."""
    checkout: Mapping[str, Any] = {
        "project_root": str(root),
        "sources": sorted(str(p.relative_to(root)) for p in (root / "src").rglob("*.sol")),
        "tests": ["test/A.t.sol"],
        "scripts": [],
        **outputs,
    }
    scratch = root / ".chainops" / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return StageContext(
        run_id="r1",
        stage=stage,
        attempt=1,
        workspace=root,
        scratch=scratch,
        marker="m",
        timeout_s=60,
        log=lambda _: None,
        upstream={
            SOURCE_CHECKOUT: Outcome(status=StageStatus.SUCCESS, outputs=checkout),
            COMPILATION: Outcome(status=StageStatus.SUCCESS, outputs={"output_dir": str(root / "out")}),
        },
        artifacts=MemoryArtifacts(),
    )
