"""The graph of stages: checked once, then only read."""

from __future__ import annotations

import difflib
import heapq
from collections import Counter
from collections.abc import Iterable

from chainops.core.errors import InputError
from chainops.pipeline.model import StageNode


class GraphError(InputError):
    """The stages do not form a graph that can be run."""

    code = "PIP101"


class Graph:
    """Stages in an order in which every stage comes after what it needs."""

    def __init__(self, nodes: tuple[StageNode, ...]) -> None:
        """Take nodes that are ordered already; `build_graph` orders and checks them."""
        self.nodes = nodes
        self._positions = {node.name: position for position, node in enumerate(nodes)}
        dependents: dict[str, list[str]] = {node.name: [] for node in nodes}
        for node in nodes:
            for need in dict.fromkeys(node.needs):
                dependents[need].append(node.name)
        self._dependents = {name: tuple(names) for name, names in dependents.items()}

    def node(self, name: str) -> StageNode:
        """Return a stage by name; raises KeyError."""
        return self.nodes[self._positions[name]]

    def position(self, name: str) -> int:
        """Return a stage's place in `nodes`; raises KeyError."""
        return self._positions[name]

    def dependents(self, name: str) -> tuple[str, ...]:
        """Return the stages that need `name` themselves, in order; raises KeyError."""
        return self._dependents[name]

    def downstream(self, name: str) -> frozenset[str]:
        """Return the names of all stages that stand on `name`, directly or not; raises KeyError."""
        found: set[str] = set()
        waiting = [*self._dependents[name]]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._dependents[one]
        return frozenset(found)


def build_graph(nodes: Iterable[StageNode]) -> Graph:
    """Order the stages topologically, keeping the given order where the graph leaves a choice.

    Raises `GraphError` for a name given twice, a need that does not exist, or a cycle (which is spelled out).
    """
    given = tuple(nodes)
    by_name = {node.name: node for node in given}
    if len(by_name) != len(given):
        twice = next(name for name, count in Counter(n.name for n in given).items() if count > 1)
        raise GraphError(f"stage `{twice}` is declared twice")
    for node in given:
        for need in node.needs:
            if need not in by_name:
                near = difflib.get_close_matches(need, by_name, 1)
                raise GraphError(
                    f"stage `{node.name}` needs `{need}`, which does not exist",
                    hint=f"did you mean `{near[0]}`?" if near else f"known: {', '.join(by_name)}",
                )
    return Graph(_order(given, by_name))


def _order(given: tuple[StageNode, ...], by_name: dict[str, StageNode]) -> tuple[StageNode, ...]:
    """Place a stage once all it needs is placed, the first of the given ones first (Kahn 1962)."""
    places = {node.name: place for place, node in enumerate(given)}
    dependents: dict[str, list[int]] = {node.name: [] for node in given}
    open_needs = []
    for place, node in enumerate(given):
        needs = dict.fromkeys(node.needs)
        open_needs.append(len(needs))
        for need in needs:
            dependents[need].append(place)
    free = [places[node.name] for node in given if not node.needs]
    placed: dict[str, StageNode] = {}
    while free:
        node = given[heapq.heappop(free)]
        placed[node.name] = node
        for place in dependents[node.name]:
            open_needs[place] -= 1
            if not open_needs[place]:
                heapq.heappush(free, place)
    if len(placed) < len(given):
        cycle = _cycle(next(n for n in given if n.name not in placed), by_name, placed)
        raise GraphError(
            "stages need each other in a circle: " + " → ".join(cycle), hint="remove one of these `needs`"
        )
    return tuple(placed.values())


def _cycle(start: StageNode, by_name: dict[str, StageNode], placed: dict[str, StageNode]) -> list[str]:
    path = [start.name]
    while True:
        node = by_name[path[-1]]
        following = next(need for need in node.needs if need not in placed)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)
