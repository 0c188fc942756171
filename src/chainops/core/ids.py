"""Run ids sort by time, read aloud, and never collide."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def new_run_id(moment: datetime) -> str:
    """Return an id such as `20260102T030405-1f3a9c`: UTC second, then 24 random bits."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S}-{os.urandom(3).hex()}"
