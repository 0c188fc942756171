"""The whole configuration is checked at once, and secrets stay out of what is recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainops.app.config import Config, LoadedConfig, json_schema, load_config
from chainops.app.config_checks import find_circles
from chainops.app.stage_graph import DEFAULTS, stage_nodes
from chainops.core.errors import InputError, InputErrors
from chainops.pipeline.conditions import Facts
from chainops.pipeline.graph import build_graph
from chainops.stages.common import STAGE_NAMES

KEY = "0x" + "1f" * 32


def load(tmp_path: Path, text: str, **env: str) -> LoadedConfig:
    (tmp_path / "chainops.yaml").write_text(text)
    return load_config(tmp_path, env=env)


def mistakes(tmp_path: Path, text: str, **env: str) -> list[tuple[int, str]]:
    with pytest.raises(InputErrors) as caught:
        load(tmp_path, text, **env)
    return [(e.place.line if e.place else 0, e.code) for e in caught.value.errors]


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    folder = tmp_path / "Mein Tresor"
    folder.mkdir()
    loaded = load_config(folder, env={})
    assert loaded.path is None
    assert (loaded.config.project_name, loaded.config.pipeline_id) == ("Mein Tresor", "Mein-Tresor")


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = f"""project_nam: x
stages:
  unit-test: {{}}
  unit-tests:
    needs: [compile]
    timeout_s: 0
    when: brnch
    options: {{x: 1}}
  source-checkout:
    enabled: false
  dependency-install:
    options: {{allow_script: []}}
environment_vars:
  A: ${{NOPE}}
  PATH: /x
  K: "{KEY}"
  bad-name: 1
repository_url: ext::sh
ref: -x
max_parallel: 0
"""
    assert mistakes(tmp_path, text) == [
        (1, "CFG120"),
        (3, "CFG120"),
        (5, "CFG131"),
        (6, "CFG122"),
        (7, "CFG134"),
        (8, "CFG120"),
        (10, "CFG133"),
        (12, "CFG120"),
        (14, "CFG150"),
        (15, "CFG135"),
        (16, "CFG155"),
        (17, "CFG122"),
        (18, "CFG140"),
        (19, "CFG141"),
        (20, "CFG122"),
    ]


def test_a_circle_is_spelled_out_where_it_was_written(tmp_path: Path) -> None:
    with pytest.raises(InputErrors) as caught:
        load(tmp_path, "stages:\n  compilation:\n    needs: [smoke-tests]\n")
    error = caught.value.errors[0]
    assert error.code == "CFG132"
    assert error.place is not None
    assert (error.place.line, error.place.column) == (3, 5)
    assert "compilation → smoke-tests → contract-deploy" in error.message


def test_circles_are_found_once_each() -> None:
    assert find_circles({"a": ["b"], "b": ["a"], "c": ["a"], "d": ["d"]}) == [["a", "b"], ["d"]]
    assert find_circles({name: d.needs for name, d in DEFAULTS.items()}) == []


def test_a_stage_that_needs_itself_is_an_error(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "stages: {unit-tests: {needs: [unit-tests]}}") == [(1, "CFG132")]


def test_the_default_graph_can_be_run_and_names_all_ten_stages() -> None:
    graph = build_graph(stage_nodes({}, Facts()))
    assert [n.name for n in graph.nodes][:2] == ["source-checkout", "dependency-install"]
    assert {n.name for n in graph.nodes} == set(STAGE_NAMES)
    assert [n.name for n in graph.nodes if n.touches_chain] == ["contract-deploy", "production-deploy"]


def test_settings_reach_the_graph(tmp_path: Path) -> None:
    text = """
stages:
  static-analysis: {enabled: false, retries: 2}
  unit-tests: {needs: [compilation, static-analysis, compilation], timeout_s: 5, allow_failure: true}
  production-deploy: {when: 'branch == "main"'}
"""
    config = load(tmp_path, text).config
    nodes = {
        n.name: n
        for n in stage_nodes(config.stage_settings(), Facts(branch="dev"), skip={"smoke-tests": "--skip"})
    }
    assert nodes["static-analysis"].skip_reason == "disabled in the configuration"
    assert nodes["unit-tests"].needs == ("compilation", "static-analysis")
    assert (nodes["unit-tests"].timeout_s, nodes["unit-tests"].allow_failure) == (5, True)
    assert nodes["production-deploy"].skip_reason == 'its condition is not met: branch == "main"'
    assert nodes["smoke-tests"].skip_reason == "--skip"
    assert nodes["compilation"].skip_reason == ""


def test_networks_that_are_named_must_be_declared(tmp_path: Path) -> None:
    text = """
target_network: sepola
networks:
  sepolia: {kind: testnet, chain_id: 11155111, url: "https://rpc.example", production: true}
  other: {kind: embedded, production: true}
deploy:
  contracts: [{contract: Vault}]
  networks: {sepoli: {}}
"""
    assert mistakes(tmp_path, text) == [(2, "CFG136"), (4, "CFG143"), (5, "CFG137"), (8, "CFG136")]
    assert mistakes(tmp_path, text.replace("sepola", "sepolia"))[0] == (2, "CFG138")
    with pytest.raises(InputErrors) as caught:
        load(tmp_path, "deploy: {contracts: [{contrac: Vault}]}")
    assert [e.code for e in caught.value.errors] == ["CFG121", "CFG120"]


def test_options_of_a_stage_have_their_own_model(tmp_path: Path) -> None:
    config = load(tmp_path, "stages: {dependency-install: {options: {allow_scripts: [a]}}}").config
    assert config.stage_options("dependency-install").allow_scripts == ["a"]
    assert config.stage_options("source-checkout").submodules is True


def test_variables_are_resolved_for_the_project_and_masked(tmp_path: Path) -> None:
    text = "environment_vars: {A: 'x${B}', N: 3, T: true, K: 'secret://env/SECRET'}\n"
    loaded = load(tmp_path, text, B="b", SECRET="hunter2hunter2")
    assert loaded.environment == {"A": "xb", "N": "3", "T": "true", "K": "hunter2hunter2"}
    assert loaded.masker.text("hunter2hunter2") == "***"


def test_what_is_recorded_holds_references_and_no_secrets(tmp_path: Path) -> None:
    text = """
repository_url: https://user:${TOKEN}@example.org/a.git
environment_vars: {K: 'secret://env/SECRET', F: 'secret://file/key.txt'}
"""
    (tmp_path / "key.txt").write_text("from-a-file-secret")
    loaded = load(tmp_path, text, TOKEN="ghp_secretsecret", SECRET="hunter2hunter2")
    assert loaded.environment["F"] == "from-a-file-secret"
    assert loaded.repository_url == "https://user:ghp_secretsecret@example.org/a.git"
    for recorded in (json.dumps(loaded.config.public()), repr(loaded), str(loaded.config)):
        assert not any(s in recorded for s in ("ghp_secret", "hunter2", "from-a-file"))
    assert loaded.config.public()["environment_vars"]["K"] == "secret://env/SECRET"


def test_a_password_in_the_url_is_masked_in_what_is_recorded(tmp_path: Path) -> None:
    loaded = load(tmp_path, "repository_url: https://u:hunter2hunter2@example.org/a.git\n")
    assert loaded.config.public()["repository_url"] == "https://u:***@example.org/a.git"


def test_references_can_be_left_unchecked(tmp_path: Path) -> None:
    (tmp_path / "chainops.yaml").write_text("environment_vars: {A: '${NOPE}'}")
    assert load_config(tmp_path, env={}, resolve=False).config.environment_vars == {"A": "${NOPE}"}


def test_two_configurations_in_one_workspace_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "chainops.yaml").touch()
    (tmp_path / "chainops.yml").touch()
    with pytest.raises(InputError, match=r"both chainops\.yaml and chainops\.yml"):
        load_config(tmp_path)


def test_a_workspace_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        load_config(tmp_path / "x")


def test_values_of_a_program_are_checked_like_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputErrors) as caught:
        load_config(tmp_path, data={"stages": {"unit-tests": {"neds": []}}})
    assert caught.value.errors[0].hint == "did you mean `needs`?"


def test_the_schema_names_stages_and_options_and_accepts_a_valid_file(tmp_path: Path) -> None:
    import jsonschema

    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    text = "stages: {unit-tests: {needs: [compilation]}}\nenvironment_vars: {A: 1}\ntools: {forge: system}\n"
    assert load(tmp_path, text).config.environment_vars == {"A": "1"}
    assert not list(validator.iter_errors(yaml.safe_load(text)))
    assert list(validator.iter_errors({"stages": {"unit-test": {}}}))
    assert list(validator.iter_errors({"stages": {"unit-tests": {"options": {"a": 1}}}}))
    stages = schema["$defs"]["Stages"]["properties"]
    assert tuple(stages) == STAGE_NAMES


_KEYS = st.sampled_from([*Config.model_fields, *STAGE_NAMES, "needs", "when", "options", "retries", "x"])
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([*STAGE_NAMES, "${A}", "${", KEY, ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=15,
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


def _only_input_errors(workspace: Path, values: dict[str, object]) -> None:
    try:
        load_config(workspace, data=values, env={})
    except InputErrors as error:
        assert error.errors  # noqa: PT017 - the property under test is that nothing else is raised


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_no_values_raise_anything_else(workspace: Path, values: dict[str, object]) -> None:
    _only_input_errors(workspace, values)


@pytest.mark.chaos
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_ten_thousand_values_raise_nothing_else(workspace: Path, values: dict[str, object]) -> None:
    _only_input_errors(workspace, values)


def test_mistakes_of_a_manifest_in_its_own_file_are_shown_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "chainops.yaml").write_text("deploy: deploy.yaml\n")
    (tmp_path / "deploy.yaml").write_text("contracts:\n  - contract: Vault\n  - contract: Vault\n")
    with pytest.raises(InputErrors) as caught:
        load_config(tmp_path)
    assert "deploy.yaml:3:" in str(caught.value)
