"""Fans a stage out into a cell for each combination of values, and joins the cells again.

A stage with a matrix becomes its cells, named `unit-tests[evm_version=paris,solc=0.8.26]` (axes by name),
and a join that bears the stage's own name and needs them all. A cell needs, of each stage it needs, the cells
that agree with it on all axes that both have; where they share none, or none agrees, the whole stage.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from chainops.pipeline.model import Outcome, StageNode

#: what an axis of a cell is set to, by axis
Cell = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The values of each axis, and combinations that are left out."""

    axes: Mapping[str, tuple[str, ...]]
    #: a cell is left out when it has all values of one of these
    exclude: tuple[Cell, ...] = ()

    def cells(self) -> tuple[Cell, ...]:
        """Return every combination that is not left out: axes by name, values in the order given.

        The first cell has the first value of every axis, unless just that is left out.
        """
        axes = sorted(self.axes)
        every = itertools.product(*(self.axes[axis] for axis in axes))
        cells = (dict(zip(axes, values, strict=True)) for values in every)
        return tuple(cell for cell in cells if not any(_fits(cell, left_out) for left_out in self.exclude))


def cell_name(stage: str, cell: Cell) -> str:
    """Return the name of a stage's cell in graph, journal and reports."""
    values = ",".join(f"{axis}={value}" for axis, value in sorted(cell.items()))
    return f"{stage}[{values}]"


def cell_of(name: str) -> Cell:
    """Return what a node's name says of its cell; empty for a whole stage."""
    _, bracket, values = name.partition("[")
    if not bracket:
        return {}
    return dict(_pair(part) for part in values.removesuffix("]").split(","))


def is_join(node: StageNode) -> bool:
    """Whether a node only gathers the cells of its stage."""
    return bool(node.needs) and node.needs[0].startswith(f"{node.name}[")


def expand(nodes: Iterable[StageNode], matrices: Mapping[str, Matrix]) -> tuple[StageNode, ...]:
    """Return the nodes with each that has a matrix replaced by its cells and their join.

    What needs a whole stage needs its cells as well as their join: a cell's failed gate blocks it, and says
    which cell that was.
    """
    cells = {stage: matrix.cells() for stage, matrix in matrices.items()}
    expanded: list[StageNode] = []
    for node in nodes:
        own = cells.get(node.name)
        if not own:
            expanded.append(replace(node, needs=_needs(node, {}, cells)))
            continue
        names = [cell_name(node.name, cell) for cell in own]
        expanded += [
            replace(node, name=name, cell=cell, needs=_needs(node, cell, cells))
            for name, cell in zip(names, own, strict=True)
        ]
        expanded.append(
            replace(node, needs=tuple(names), retries=0, touches_chain=False, approval=False),
        )
    return tuple(expanded)


def upstream_of(node: StageNode, outcomes: Mapping[str, Outcome]) -> Mapping[str, Outcome]:
    """Return the outcomes that a node works with, by the name of their stage.

    `outcomes` are those of the nodes that have ended, by node. Of a stage with cells it is that of the cell
    that agrees with this node on all shared axes (of several: the first it needs), otherwise the join's. By
    a cell's full name that cell's own can be had, too. Nothing is copied: a look-up costs nothing for a whole
    stage, and a pass over the names for a cell.
    """
    return _Upstream(node, outcomes)


class _Upstream(Mapping[str, Outcome]):
    def __init__(self, node: StageNode, outcomes: Mapping[str, Outcome]) -> None:
        self._node = node
        self._outcomes = outcomes

    def __getitem__(self, stage: str) -> Outcome:
        if self._node.cell and "[" not in stage:
            aligned = self._aligned(stage)
            if aligned:
                return self._outcomes[aligned]
        return self._outcomes[stage]

    def _aligned(self, stage: str) -> str:
        start = f"{stage}["
        needed = (n for n in self._node.needs if n.startswith(start) and n in self._outcomes)
        ended = (n for n in sorted(self._outcomes) if n.startswith(start))
        names = itertools.chain(needed, ended)
        return next((name for name in names if _agrees(self._node.cell, cell_of(name))), "")

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.partition("[")[0] for name in self._outcomes if self._has(name)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _has(self, name: str) -> bool:
        """Whether an outcome can be reached by its stage: a cell's can only from a cell that agrees."""
        return "[" not in name or _agrees(self._node.cell, cell_of(name))


def _needs(node: StageNode, cell: Cell, cells: Mapping[str, tuple[Cell, ...]]) -> tuple[str, ...]:
    needs: list[str] = []
    for need in node.needs:
        others = cells.get(need, ())
        agreeing = [cell_name(need, other) for other in others if _agrees(cell, other)]
        needs += agreeing or [*(cell_name(need, other) for other in others), need]
    return tuple(needs)


def _agrees(cell: Cell, other: Cell) -> bool:
    """Whether two cells share an axis and have the same value on each that they share."""
    shared = cell.keys() & other.keys()
    return bool(shared) and all(cell[axis] == other[axis] for axis in shared)


def _fits(cell: Cell, wanted: Cell) -> bool:
    return all(cell.get(axis) == value for axis, value in wanted.items())


def _pair(text: str) -> tuple[str, str]:
    axis, _, value = text.partition("=")
    return axis, value
