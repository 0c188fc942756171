"""A run that is taken up again must be judged by what it began with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chainops.app.config import load_config
from chainops.app.config_changes import ConfigChangedError, changed_settings
from chainops.app.library import Pipeline
from chainops.app.options import RunOptions
from chainops.pipeline.model import RunStatus

STRICT: dict[str, Any] = {"quality_gates": {"min_test_coverage": 0.9, "security_scan_required": True}}


def changed(tmp_path: Path, before: dict[str, Any], now: dict[str, Any]) -> tuple[str, ...]:
    journaled = load_config(tmp_path, data=before, resolve=False).recorded()
    return changed_settings(journaled, load_config(tmp_path, data=now, resolve=False))


async def test_gates_cannot_be_weakened_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "foundry.toml").touch()
    begun = Pipeline(STRICT, tmp_path)
    begun.cancel()
    assert (await begun.execute()).record.status is RunStatus.CANCELLED
    later = Pipeline({"quality_gates": {}}, tmp_path, options=RunOptions(resume="latest"))
    with pytest.raises(ConfigChangedError, match="`quality_gates`") as caught:
        await later.execute()
    assert "start a new run" in caught.value.hint
    again = Pipeline(STRICT, tmp_path, options=RunOptions(resume="latest"))
    again.cancel()
    assert (await again.execute()).record.run_id == begun.current_status().run_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("before", "now", "names"),
    [
        (STRICT, STRICT, ()),
        ({"quality_gates": {}}, {}, ()),
        (
            {"quality_gates": {"min_test_coverage": 0.9}},
            {"quality_gates": {"min_test_coverage": 0.8}},
            ("quality_gates",),
        ),
        ({}, {"quality_gates": {"max_contract_size": 24576}}, ()),
        ({"max_parallel": 1, "project_name": "a"}, {"fail_fast": True, "project_name": "b"}, ()),
        ({"stages": {"security-scan": {"enabled": False}}}, {}, ("stages",)),
        (
            {"environment_vars": {"A": "1"}},
            {"environment_vars": {"A": "secret://env/A"}},
            ("environment_vars",),
        ),
        (
            {"repository_url": "https://u:password1@git.example/r"},
            {"repository_url": "https://u:password2@git.example/r"},
            (),
        ),
        ({"ref": "main"}, {"ref": "dev"}, ("ref",)),
        ({"smoke_tests": [{"contract": "A", "function": "f", "expect": 1}]}, {}, ("smoke_tests",)),
    ],
)
def test_what_differs_is_named(
    tmp_path: Path, before: dict[str, Any], now: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert changed(tmp_path, before, now) == names


def test_what_another_version_recorded_is_compared_as_it_stands(tmp_path: Path) -> None:
    loaded = load_config(tmp_path, data={"ref": "main"})
    before = {**loaded.recorded(), "gone": 1}
    assert changed_settings(before, loaded) == ("gone",)


def test_a_manifest_in_its_own_file_counts(tmp_path: Path) -> None:
    manifest = tmp_path / "deploy.yaml"
    manifest.write_text("contracts: [{contract: A}]\n")
    before = load_config(tmp_path, data={"deploy": "deploy.yaml"}).recorded()
    assert changed_settings(before, load_config(tmp_path, data={"deploy": "deploy.yaml"})) == ()
    manifest.write_text("contracts: [{contract: A, args: [1]}]\n")
    assert changed_settings(before, load_config(tmp_path, data={"deploy": "deploy.yaml"})) == ("deploy",)
