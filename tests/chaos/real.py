"""The pipeline with its real tools as a process that dies at one of its writes: `python -m chaos.real`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from chainops.app.library import Pipeline
from chainops.app.options import RunOptions
from chainops.app.state import RunState, open_state
from chainops.core.errors import ChainopsError
from chainops.core.process_tree import adopt_orphans
from chaos.killing import KillingClaims, KillingJournal, Switch


@dataclass(frozen=True, kw_only=True)
class RealOrder:
    """What to run, and at which of its writes the process dies (0: at none)."""

    workspace: str
    #: the run to take up; empty for a new one
    resume: str = ""
    kill_at: int = 0
    when: str = "before"
    no_cache: bool = True

    def text(self) -> str:
        """The order as the program's argument."""
        return json.dumps(asdict(self))


async def execute(order: RealOrder) -> dict[str, object]:
    """Run the order to its end; return how the run stands."""
    switch = Switch(kill_at=order.kill_at, when=order.when)

    @contextlib.contextmanager
    def state(workspace: Path) -> Iterator[RunState]:
        with open_state(workspace) as opened:
            journal = KillingJournal(opened.journal, switch, note=workspace / ".chainops" / "appends")
            yield RunState(journal=journal, claims=KillingClaims(opened.claims, switch))

    options = RunOptions(resume=order.resume, no_cache=order.no_cache)
    result = await Pipeline(None, order.workspace, options=options, state=state).execute()
    return {"run_id": result.record.run_id, "exit_code": result.exit_code, "writes": switch.count}


def main() -> int:
    """Execute the order in the argument; print the end on stdout, an error on stderr."""
    order = RealOrder(**json.loads(sys.argv[1]))
    adopt_orphans()
    try:
        ended = asyncio.run(execute(order))
    except ChainopsError as error:
        print(json.dumps({"code": error.code, "message": str(error)}), file=sys.stderr)  # noqa: T201
        return error.exit_code.value
    print(json.dumps(ended))  # noqa: T201
    return int(str(ended["exit_code"]))


if __name__ == "__main__":
    sys.exit(main())
