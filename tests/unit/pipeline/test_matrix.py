"""A matrix becomes cells and a join, and every cell stands on the cells that agree with it."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from chainops.pipeline.graph import build_graph
from chainops.pipeline.matrix import Matrix, cell_name, cell_of, expand, is_join, upstream_of
from chainops.pipeline.model import Outcome, StageNode, StageStatus

SOLC = {"solc": ("0.8.26", "0.8.30")}
BOTH = {"solc": ("0.8.26", "0.8.30"), "evm_version": ("paris", "cancun")}


def chain(*names: str) -> list[StageNode]:
    return [StageNode(name=n, needs=names[max(0, i - 1) : i]) for i, n in enumerate(names)]


def by_name(nodes: tuple[StageNode, ...]) -> dict[str, StageNode]:
    return {node.name: node for node in nodes}


def done(reason: str) -> Outcome:
    return Outcome(status=StageStatus.SUCCESS, reason=reason)


def test_a_cell_for_every_combination_axes_by_name_and_values_as_given() -> None:
    names = [cell_name("t", cell) for cell in Matrix(axes=BOTH).cells()]
    assert names == [
        "t[evm_version=paris,solc=0.8.26]",
        "t[evm_version=paris,solc=0.8.30]",
        "t[evm_version=cancun,solc=0.8.26]",
        "t[evm_version=cancun,solc=0.8.30]",
    ]


def test_an_excluded_combination_has_no_cell() -> None:
    matrix = Matrix(axes=BOTH, exclude=({"evm_version": "cancun", "solc": "0.8.26"}, {"solc": "0.8.30"}))
    assert [cell_name("t", cell) for cell in matrix.cells()] == ["t[evm_version=paris,solc=0.8.26]"]


def test_the_name_tells_the_cell() -> None:
    assert cell_of("t[evm_version=paris,solc=0.8.26]") == {"evm_version": "paris", "solc": "0.8.26"}
    assert cell_of("t") == {}


def test_the_join_bears_the_stages_name_and_needs_its_cells_alone() -> None:
    node = StageNode(name="t", retries=3, touches_chain=True, approval=True, allow_failure=True)
    *cells, join = expand([node], {"t": Matrix(axes=SOLC)})
    assert join.name == "t"
    assert join.needs == ("t[solc=0.8.26]", "t[solc=0.8.30]") == tuple(c.name for c in cells)
    assert is_join(join)
    assert not any(is_join(c) for c in cells)
    # what is done to a cell is not done once more to the join
    assert (join.retries, join.touches_chain, join.approval, join.allow_failure) == (0, False, False, True)
    assert all((c.retries, c.touches_chain, c.approval) == (3, True, True) for c in cells)
    assert [c.stage for c in cells] == ["t", "t"]
    assert [c.cell for c in cells] == [{"solc": "0.8.26"}, {"solc": "0.8.30"}]


def test_a_cell_needs_the_cell_that_agrees() -> None:
    nodes = by_name(expand(chain("c", "t"), {"c": Matrix(axes=SOLC), "t": Matrix(axes=SOLC)}))
    assert nodes["t[solc=0.8.26]"].needs == ("c[solc=0.8.26]",)
    assert nodes["t[solc=0.8.30]"].needs == ("c[solc=0.8.30]",)


def test_a_cell_with_fewer_axes_needs_every_cell_that_agrees() -> None:
    nodes = by_name(expand(chain("c", "t"), {"c": Matrix(axes=BOTH), "t": Matrix(axes=SOLC)}))
    assert nodes["t[solc=0.8.26]"].needs == (
        "c[evm_version=paris,solc=0.8.26]",
        "c[evm_version=cancun,solc=0.8.26]",
    )


def test_without_a_shared_axis_the_whole_stage_is_needed() -> None:
    matrices = {"c": Matrix(axes=SOLC), "d": Matrix(axes={"network": ("a", "b")})}
    nodes = by_name(expand(chain("c", "d"), matrices))
    assert nodes["d[network=a]"].needs == ("c[solc=0.8.26]", "c[solc=0.8.30]", "c")


def test_a_cell_without_a_counterpart_needs_the_whole_stage() -> None:
    matrices = {"c": Matrix(axes=SOLC), "t": Matrix(axes={"solc": ("0.8.20",)})}
    nodes = by_name(expand(chain("c", "t"), matrices))
    assert nodes["t[solc=0.8.20]"].needs == ("c[solc=0.8.26]", "c[solc=0.8.30]", "c")


def test_a_whole_stage_needs_the_cells_and_their_join() -> None:
    nodes = by_name(expand(chain("c", "t"), {"c": Matrix(axes=SOLC)}))
    assert nodes["t"].needs == ("c[solc=0.8.26]", "c[solc=0.8.30]", "c")
    assert not is_join(nodes["t"])


def test_nodes_without_a_matrix_stay_as_they_are() -> None:
    nodes = chain("a", "b")
    assert expand(nodes, {}) == tuple(nodes)


def test_a_cell_works_with_the_outcome_of_the_cell_that_agrees() -> None:
    node = StageNode(name="t[solc=0.8.26]", cell={"solc": "0.8.26"}, needs=("c[solc=0.8.26]",))
    outcomes = {
        "s": done("checkout"),
        "c[solc=0.8.30]": done("other"),
        "c[solc=0.8.26]": done("mine"),
        "c": done("join"),
    }
    upstream = upstream_of(node, outcomes)
    assert upstream["c"].reason == "mine"
    assert upstream["s"].reason == "checkout"
    assert list(upstream) == ["s", "c"]
    assert len(upstream) == 2
    assert upstream.get("missing") is None


def test_of_several_that_agree_it_is_the_first_that_is_needed() -> None:
    names = ("c[evm_version=paris,solc=1]", "c[evm_version=cancun,solc=1]")
    node = StageNode(name="t[solc=1]", cell={"solc": "1"}, needs=names)
    outcomes = {name: done(name) for name in reversed(names)}
    assert upstream_of(node, outcomes)["c"].reason == names[0]


def test_a_stage_further_up_is_found_by_its_cell_too() -> None:
    node = StageNode(name="s[network=b]", cell={"network": "b"}, needs=("d[network=b]",))
    outcomes = {"c[solc=1]": done("c1"), "c": done("join"), "d[network=b]": done("d")}
    upstream = upstream_of(node, outcomes)
    assert upstream["c"].reason == "join"
    assert upstream["d"].reason == "d"
    assert "d" in upstream


def test_a_whole_stage_works_with_the_join() -> None:
    outcomes = {"c[solc=1]": done("cell"), "c": done("join")}
    upstream = upstream_of(StageNode(name="t", needs=("c[solc=1]", "c")), outcomes)
    assert upstream["c"].reason == "join"
    assert list(upstream) == ["c"]


def test_a_join_reads_its_cells_by_their_names() -> None:
    outcomes = {"c[solc=1]": done("cell")}
    upstream = upstream_of(StageNode(name="c", needs=("c[solc=1]",)), outcomes)
    assert upstream["c[solc=1]"].reason == "cell"
    assert "c" not in upstream


VALUES = st.lists(st.sampled_from(["a", "b", "c", "1.2"]), min_size=1, max_size=3, unique=True)
AXES = st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES.map(tuple), min_size=1, max_size=3)
EDGES = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)))


@given(edges=EDGES, axes=st.dictionaries(st.integers(0, 5), AXES, max_size=4))
def test_what_was_a_graph_stays_one_with_every_cell_once(
    edges: set[tuple[int, int]], axes: dict[int, dict[str, tuple[str, ...]]]
) -> None:
    nodes = [
        StageNode(name=f"s{i}", needs=tuple(f"s{a}" for a, b in sorted(edges) if b == i and a < i))
        for i in range(6)
    ]
    matrices = {f"s{i}": Matrix(axes=of) for i, of in axes.items()}
    expanded = expand(nodes, matrices)
    graph = build_graph(expanded)  # raises for a circle, a name given twice, a need that does not exist
    expected = len(nodes) + sum(math.prod(map(len, of.values())) for of in axes.values())
    assert len(graph.nodes) == expected
    joins = [n for n in graph.nodes if is_join(n)]
    assert {n.name for n in joins} == set(matrices)
    for node in graph.nodes:
        assert cell_of(node.name) == node.cell
        for need in node.needs:
            assert all(
                node.cell.get(axis, v) == v or is_whole(node, need) for axis, v in cell_of(need).items()
            )
        before = by_name(tuple(nodes))[node.stage].needs
        if not is_join(node):
            assert set(before) == {need.partition("[")[0] for need in node.needs}


def is_whole(node: StageNode, need: str) -> bool:
    """Whether `node` stands on the whole stage of `need`, and so on every cell of it."""
    return need.partition("[")[0] in node.needs or is_join(node)
