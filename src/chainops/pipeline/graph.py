"""The graph of stages: checked once, then only read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from chainops.core.errors import InputError
from chainops.pipeline.model import StageNode


class GraphError(InputError):
    """The stages do not form a graph that can be run."""

    code = "PIP101"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Stages in an order in which every stage comes after what it needs."""

    nodes: tuple[StageNode, ...]
    _downstream: dict[str, frozenset[str]] = field(repr=False, compare=False)

    def downstream(self, name: str) -> frozenset[str]:
        """Return the names of all stages that stand on `name`, directly or not."""
        return self._downstream[name]

    def node(self, name: str) -> StageNode:
        """Return a stage by name; raises KeyError."""
        return next(n for n in self.nodes if n.name == name)


def build_graph(nodes: Iterable[StageNode]) -> Graph:
    """Order the stages topologically, keeping the given order where the graph leaves a choice.

    Raises `GraphError` for a name given twice, a need that does not exist, or a cycle (which is spelled out).
    """
    given = tuple(nodes)
    by_name = {node.name: node for node in given}
    if len(by_name) != len(given):
        twice = next(n.name for i, n in enumerate(given) if n.name in {m.name for m in given[:i]})
        raise GraphError(f"stage `{twice}` is declared twice")
    for node in given:
        for need in node.needs:
            if need not in by_name:
                near = difflib.get_close_matches(need, by_name, 1)
                raise GraphError(
                    f"stage `{node.name}` needs `{need}`, which does not exist",
                    hint=f"did you mean `{near[0]}`?" if near else f"known: {', '.join(by_name)}",
                )
    ordered = _order(given, by_name)
    return Graph(nodes=ordered, _downstream=_reach(ordered))


def _order(given: tuple[StageNode, ...], by_name: dict[str, StageNode]) -> tuple[StageNode, ...]:
    placed: dict[str, StageNode] = {}
    waiting = list(given)
    while waiting:
        free = next((n for n in waiting if all(need in placed for need in n.needs)), None)
        if free is None:
            cycle = _cycle(waiting[0], by_name, placed)
            raise GraphError(
                "stages need each other in a circle: " + " → ".join(cycle),
                hint="remove one of these `needs`",
            )
        placed[free.name] = free
        waiting.remove(free)
    return tuple(placed.values())


def _cycle(start: StageNode, by_name: dict[str, StageNode], placed: dict[str, StageNode]) -> list[str]:
    path = [start.name]
    while True:
        node = by_name[path[-1]]
        following = next(need for need in node.needs if need not in placed)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


def _reach(ordered: tuple[StageNode, ...]) -> dict[str, frozenset[str]]:
    reach: dict[str, set[str]] = {n.name: set() for n in ordered}
    for node in reversed(ordered):
        for need in node.needs:
            reach[need] |= {node.name} | reach[node.name]
    return {name: frozenset(names) for name, names in reach.items()}
