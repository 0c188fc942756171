"""The engine's benchmark measures what it says: every node runs, two at a time, or it is not counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.engine import OURS, check_work, compare, long_journal, many_nodes, our_engine
from benchmarks.peers import NotMeasuredError, Peer, peers

pytestmark = pytest.mark.integration


def test_it_compares_us_with_the_peers_that_need_no_installing(capsys: pytest.CaptureFixture[str]) -> None:
    figures = compare([our_engine(), *peers(installed=False)], rounds=1, nodes=4)
    assert set(figures) == {OURS, "GNU make", "plain asyncio"}
    assert all(0 < ms < 10_000 for ms in figures.values())
    assert capsys.readouterr().out.startswith("4 no-op nodes, two at a time, median of 2 runs")


def test_it_measures_big_graphs_and_long_journals(capsys: pytest.CaptureFixture[str]) -> None:
    many_nodes(1, many=8, few=4)
    long_journal(1, entries=20)
    nodes, resume = capsys.readouterr().out.splitlines()
    assert nodes.startswith("8 nodes: ")
    assert "peak memory" in nodes
    assert resume.startswith("resume of a journal with 20 entries: ")


def test_a_peer_that_leaves_out_a_node_is_not_measured(capsys: pytest.CaptureFixture[str]) -> None:
    make = peers(installed=False)[0]

    def lazy(folder: Path, nodes: int, times: int, command: Sequence[str]) -> list[float]:
        return make.measure(folder, nodes - 1, times, command)

    with pytest.raises(NotMeasuredError, match="6 of 8 nodes ran"):
        check_work(Peer(name="lazy", measure=lazy), 4)
    assert compare([Peer(name="lazy", measure=lazy)], rounds=1, nodes=4) == {}
    assert capsys.readouterr().out.startswith("  lazy: not measured: 6 of 8 nodes ran")


def test_a_peer_whose_program_fails_is_not_measured(tmp_path: Path) -> None:
    asyncio_peer = peers(installed=False)[1]
    with pytest.raises(NotMeasuredError, match="a node failed"):
        asyncio_peer.measure(tmp_path, 2, 1, ("/bin/false",))
