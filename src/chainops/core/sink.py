"""What takes a program's output, apart from what runs programs: so ports stay free of I/O."""

from __future__ import annotations

from collections.abc import Callable

#: called with masked bytes as they arrive, from either pipe
Sink = Callable[[bytes], None]
