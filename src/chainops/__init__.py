"""chainops takes smart contracts from a Git commit to a watched, reversible release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainops.core.version import __version__

if TYPE_CHECKING:
    from chainops.app.library import Pipeline as Pipeline

__all__ = ["Pipeline", "__version__"]


def __getattr__(name: str) -> Any:
    # The library pulls in every room; `import chainops` alone must not (the CLI starts through it).
    if name == "Pipeline":
        from chainops.app.library import Pipeline

        return Pipeline
    raise AttributeError(f"module 'chainops' has no attribute {name!r}")
