"""A configuration with the place of everything in it, so that each mistake can be shown where it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chainops.core.config_mistakes import from_pydantic
from chainops.core.config_yaml import MAX_BYTES, Loc, read_tree
from chainops.core.errors import ChainopsError, InputError, InputErrors, Place

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a configuration says and where: mappings with text keys, lists, text, numbers, booleans."""

    #: the file as the user named it, or a name for values given by a program
    path: str
    data: Mapping[str, Any]
    #: the folder that relative paths in it start from
    base: Path
    values: Mapping[Loc, Place] = field(default_factory=dict)
    keys: Mapping[Loc, Place] = field(default_factory=dict)
    #: what is wrong in the text itself (a key set twice …); `validate` reports it with the rest
    mistakes: tuple[ChainopsError, ...] = ()

    def path_of(self, loc: Loc) -> Loc:
        """Return the part of `loc` that is in the document.

        Steps that are not (pydantic names a union's members there) are left out.
        """
        node: Any = self.data
        found: list[str | int] = []
        for step in loc:
            if isinstance(node, Mapping) and str(step) in node:
                node = node[str(step)]
                found.append(str(step))
            elif isinstance(node, list) and isinstance(step, int) and step < len(node):
                node = node[step]
                found.append(step)
        return tuple(found)

    def get(self, loc: Loc) -> Any:
        """Return the value at `loc`, or None when there is none."""
        if self.path_of(loc) != tuple(s if isinstance(s, int) else str(s) for s in loc):
            return None
        node: Any = self.data
        for step in loc:
            node = node[step]
        return node

    def place(self, loc: Loc = ()) -> Place:
        """Return where the value at `loc` begins; of what is missing, where its parent's key stands."""
        known = self.path_of(loc)
        if len(known) < len(loc):
            return self.place_of_key(known) if known else self._top(loc)
        return self.values.get(known) or Place(self.path)

    def place_of_key(self, loc: Loc) -> Place:
        """Return where the last key of `loc` stands; of a list's item, where the item begins."""
        known = self.path_of(loc)
        return self.keys.get(known) or self.values.get(known) or self._top(loc)

    def _top(self, loc: Loc) -> Place:
        # what is missing from the whole file has no line to point at
        return Place(self.path) if loc else self.values.get((), Place(self.path))


def load_document(path: Path, *, shown_as: str = "") -> Document:
    """Read a YAML configuration. Raises `InputErrors` when it cannot be read or is not a mapping.

    Mistakes that leave the rest readable, such as a key set twice, wait in `mistakes` for `validate`.
    """
    name = shown_as or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        mistake = InputError(f"cannot read the configuration: {reason}", place=Place(name), code="CFG101")
        raise InputErrors((mistake,), what=name) from error
    return parse_document(raw, name, base=path.absolute().parent)


def parse_document(raw: bytes | str, path: str, *, base: Path | None = None) -> Document:
    """Read a YAML configuration from memory; see `load_document`."""
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    try:
        tree = read_tree(data, path)
    except InputError as mistake:
        raise InputErrors((mistake,), what=path) from mistake
    if tree.data is not None and not isinstance(tree.data, dict):
        text = "a configuration is a mapping of settings (`name: value`)"
        raise InputErrors((InputError(text, place=tree.values[()], code="CFG107"),), what=path)
    return Document(
        path=path,
        data=tree.data or {},
        base=base or Path.cwd(),
        values=tree.values,
        keys=tree.keys,
        mistakes=tuple(tree.mistakes),
    )


def document_from(
    data: Mapping[str, Any], *, path: str = "configuration", base: Path | None = None
) -> Document:
    """Return a document of values given by a program or by detection; its places name no line."""
    return Document(path=path, data=data, base=base or Path.cwd())


#: looks at a document for what a model cannot say and returns the mistakes; must accept any values
Check = Callable[[Document], Iterable[ChainopsError]]


def validate(model: type[M], document: Document, *, checks: Iterable[Check] = ()) -> M:
    """Return `document` as `model`. Raises `InputErrors` with all mistakes at once, in the file's order."""
    mistakes = list(document.mistakes)
    result: M | None = None
    try:
        result = model.model_validate(document.data)
    except ValidationError as error:
        mistakes += from_pydantic(model, document, error)
    for check in checks:
        mistakes += check(document)
    if mistakes or result is None:
        raise InputErrors(_in_order(mistakes), what=document.path)
    return result


def _in_order(mistakes: Iterable[ChainopsError]) -> tuple[ChainopsError, ...]:
    unique = {(m.place, m.message): m for m in mistakes}
    return tuple(sorted(unique.values(), key=lambda m: m.place or Place("")))
