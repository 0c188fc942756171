"""A matrix that comes to nothing, or to something else than was meant, is refused where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainops.app.config import load_config
from chainops.app.stage_graph import stage_nodes
from chainops.core.errors import InputErrors
from chainops.pipeline.conditions import Facts
from chainops.pipeline.matrix import is_join
from chainops.pipeline.model import FailureKind

NETWORKS = """\
networks:
  live: {kind: mainnet, url: "https://rpc.example", chain_id: 1}
  shop: {url: "https://rpc.example", chain_id: 2, production: true, account: "secret://env/K"}
  one: {url: "http://127.0.0.1:1", chain_id: 5}
"""


def said(folder: Path, text: str) -> list[str]:
    (folder / "chainops.yaml").write_text(text)
    with pytest.raises(InputErrors) as caught:
        load_config(folder, env={}, resolve=False)
    return [f"{e.place.line if e.place else 0}: {e.message} [{e.code}]" for e in caught.value.errors]


def stage(name: str, matrix: str) -> str:
    return f"stages:\n  {name}:\n    matrix: {matrix}\n"


@pytest.mark.parametrize(
    ("name", "matrix", "words"),
    [
        ("source-checkout", "{solc: [0.8.30]}", "source-checkout cannot fan out over `solc` [CFG170]"),
        ("compilation", "{network: [embedded]}", "compilation cannot fan out over `network` [CFG170]"),
        ("contract-deploy", "{solc: [0.8.30]}", "contract-deploy cannot fan out over `solc` [CFG170]"),
        ("production-deploy", "{network: [embedded]}", "production-deploy cannot fan out over `network`"),
        ("unit-tests", "{solc: []}", "`solc` of unit-tests's matrix is empty [CFG171]"),
        ("unit-tests", "{}", "the matrix of unit-tests has no axis [CFG171]"),
        ("unit-tests", "{solc: [0.8.30, 0.8.30]}", "`0.8.30` stands twice in `solc` [CFG172]"),
        ("unit-tests", "{solc: [0.8.99]}", "unknown solc release `0.8.99` [CFG173]"),
        ("unit-tests", "{evm_version: [pariss]}", "unknown EVM version `pariss` [CFG173]"),
        ("unit-tests", "{solc: [8]}", "should be text [CFG122]"),
        ("unit-tests", "{solc: 0.8.30}", "should be a list [CFG122]"),
        ("unit-tests", "{chain: [a]}", "unknown axis `stages.unit-tests.matrix.chain` [CFG120]"),
        ("contract-deploy", "{network: [nowhere]}", "unknown network `nowhere` [CFG173]"),
        ("unit-tests", "{solc: [0.8.30], exclude: [{evm: x}]}", "unknown axis `evm` [CFG173]"),
        ("unit-tests", "{solc: [0.8.30], exclude: [{solc: 0.8.1}]}", "unknown value of `solc` `0.8.1`"),
        ("unit-tests", "{solc: [0.8.30], exclude: [{}]}", "an empty combination would leave out every cell"),
        (
            "unit-tests",
            "{solc: [0.8.30], exclude: [{solc: 0.8.30}]}",
            "leaves no cell of unit-tests's matrix",
        ),
        ("security-scan", "{evm_version: [paris]}", "compilation has no cell with evm_version paris"),
        ("smoke-tests", "{network: [one]}", "nothing is deployed to `one` that smoke-tests could try"),
        ("contract-deploy", "{network: [shop]}", "`shop` is marked production: contract-deploy asks for no"),
        ("contract-deploy", "{network: [live]}", "`live` is a mainnet: contract-deploy asks for no approval"),
    ],
)
def test_a_wrong_matrix_is_refused_where_it_stands(
    tmp_path: Path, name: str, matrix: str, words: str
) -> None:
    found = said(tmp_path, NETWORKS + stage(name, matrix))
    assert any(words in one for one in found), found
    assert found[0].startswith("7: ")


def test_a_network_of_a_deploying_cell_needs_an_account(tmp_path: Path) -> None:
    text = NETWORKS + stage("contract-deploy", "{network: [one]}") + "deploy: {contracts: [{contract: A}]}\n"
    assert said(tmp_path, text) == [
        "4: `networks.one.account` is missing: what is deployed there has to be signed [CFG143]"
    ]


def test_too_many_cells_are_counted(tmp_path: Path) -> None:
    versions = ", ".join(f"0.8.{n}" for n in range(13, 30))
    text = stage("unit-tests", f"{{solc: [{versions}], evm_version: [paris, london, berlin, istanbul]}}")
    assert said(tmp_path, text) == ["3: the matrix of unit-tests has 68 cells, more than 64 [CFG174]"]


def test_the_graph_holds_cells_and_joins_with_the_stages_settings(tmp_path: Path) -> None:
    (tmp_path / "chainops.yaml").write_text(
        "stages:\n"
        "  compilation: {matrix: {solc: [0.8.26, 0.8.30]}}\n"
        "  unit-tests:\n"
        "    retries: 2\n"
        "    retry_on: [machine, project]\n"
        "    matrix: {solc: [0.8.26, 0.8.30], evm_version: [paris, cancun], exclude: [{evm_version: paris,"
        " solc: 0.8.30}]}\n"
    )
    config = load_config(tmp_path, env={}).config
    nodes = {n.name: n for n in stage_nodes(config.stage_settings(), Facts())}
    tests = [name for name in nodes if name.startswith("unit-tests")]
    assert tests == [
        "unit-tests[evm_version=paris,solc=0.8.26]",
        "unit-tests[evm_version=cancun,solc=0.8.26]",
        "unit-tests[evm_version=cancun,solc=0.8.30]",
        "unit-tests",
    ]
    assert nodes[tests[0]].needs == ("compilation[solc=0.8.26]",)
    assert nodes[tests[0]].retries == 2
    assert nodes[tests[0]].retry_on == (FailureKind.MACHINE, FailureKind.PROJECT)
    assert is_join(nodes["unit-tests"])
    assert "unit-tests" in nodes["contract-deploy"].needs
