"""Import remappings as the Solidity compiler and Foundry read them."""

from __future__ import annotations

from collections.abc import Iterable

from chainops.project.model import Remapping


def parse_remapping(text: str, origin: str = "") -> Remapping | None:
    """Return `[context:]prefix=target`, or None when the text is not one.

    https://docs.soliditylang.org/en/latest/path-resolution.html#import-remapping
    """
    left, equals, target = text.strip().partition("=")
    context, colon, prefix = left.partition(":")
    if not colon:
        context, prefix = "", left
    if not equals or not prefix:
        return None
    return Remapping(prefix=prefix, target=target, context=context, origin=origin)


def parse_remappings_txt(text: str, origin: str) -> tuple[Remapping, ...]:
    """Return the remappings of a `remappings.txt`, one a line; empty lines and comments are left out."""
    lines = (line.strip() for line in text.splitlines())
    parsed = (parse_remapping(line, origin) for line in lines if line and not line.startswith(("#", "//")))
    return tuple(r for r in parsed if r)


def first_of_each(remappings: Iterable[Remapping]) -> tuple[Remapping, ...]:
    """Keep the first remapping of each context and prefix."""
    kept: dict[tuple[str, str], Remapping] = {}
    for remapping in remappings:
        kept.setdefault((remapping.context, remapping.prefix), remapping)
    return tuple(kept.values())


def match_remapping(importer: str, target: str, remappings: Iterable[Remapping]) -> Remapping | None:
    """Return the remapping that the compiler applies to an import, or None.

    The longest context wins, then the longest prefix, then the later one.
    """
    best: tuple[int, int, int] = (-1, -1, -1)
    found: Remapping | None = None
    for order, remapping in enumerate(remappings):
        if not importer.startswith(remapping.context) or not target.startswith(remapping.prefix):
            continue
        rank = (len(remapping.context), len(remapping.prefix), order)
        if rank > best:
            best, found = rank, remapping
    return found
