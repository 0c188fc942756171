"""Reads YAML into plain values with a position for each, and never fails in any other way than with a place.

Scalars follow YAML 1.2's core schema, with one exception that contracts need: `0x…` stays text, so that an
address keeps its leading zeros. `yes`, `on` and dates stay text too. Keys are always text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from chainops.core.errors import ChainopsError, InputError, Place
from chainops.core.text import one_line

MAX_BYTES = 1 << 20
MAX_DEPTH = 40
#: values after aliases are expanded
MAX_VALUES = 50_000

#: the way to a value: keys and list indexes from the top
Loc = tuple[str | int, ...]

# libyaml is six times as fast; the pure reader gives the same events where it is missing
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]{1,400}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_TEXT_TAG = "tag:yaml.org,2002:str"


class SyntaxMistake(InputError):
    """The file is not YAML that can be read; nothing after this point is known."""

    code = "CFG105"


@dataclass(slots=True, kw_only=True)
class _Node:
    """A scalar, list or mapping as written, aliases not yet expanded."""

    place: Place
    scalar: Any = None
    #: a scalar's text as written, which is what it means as a key
    text: str = ""
    items: list[_Node] | None = None
    pairs: list[tuple[_Node, _Node]] | None = None
    #: an anchor's node while it is read: an alias to it would be endless
    open: bool = False


@dataclass(slots=True)
class Tree:
    """Values, where each begins, where each key stands, and mistakes that did not stop the reading."""

    data: Any = None
    values: dict[Loc, Place] = field(default_factory=dict)
    keys: dict[Loc, Place] = field(default_factory=dict)
    mistakes: list[ChainopsError] = field(default_factory=list)


def read_tree(raw: bytes, path: str) -> Tree:
    """Read one YAML document; raises `SyntaxMistake` when it cannot be read to the end."""
    text = _decode(raw, path)
    builder = _Builder(path)
    try:
        root = builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _from_yaml(error, path, text) from error
    except yaml.YAMLError as error:
        raise SyntaxMistake(f"not valid YAML: {one_line(str(error))}", place=Place(path)) from error
    tree = Tree(mistakes=builder.mistakes)
    if root is not None:
        tree.data = _Expander(tree).value(root, ())
    tree.values.setdefault((), Place(path, 1, 1))
    return tree


def _decode(raw: bytes, path: str) -> str:
    if len(raw) > MAX_BYTES:
        raise SyntaxMistake(
            f"{len(raw):,} bytes; a configuration may hold {MAX_BYTES:,}", place=Place(path), code="CFG104"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_at(raw[: error.start].decode("utf-8", "replace"), path)
        raise SyntaxMistake("not UTF-8", place=place, code="CFG102", hint="save the file as UTF-8") from error
    if control := _CONTROLS.search(text):
        raise SyntaxMistake(
            f"control character U+{ord(control[0]):04X}",
            place=_place_at(text[: control.start()], path),
            code="CFG103",
            hint="remove it, or write it as an escape inside double quotes",
        )
    return text


def _place_at(before: str, path: str) -> Place:
    return Place(path, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _from_yaml(error: yaml.MarkedYAMLError, path: str, text: str) -> SyntaxMistake:
    mark = error.problem_mark or error.context_mark
    place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
    problem = one_line(" ".join(filter(None, (error.context, error.problem))))
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
        return SyntaxMistake("a tab in the indentation", place=place, hint="YAML indents with spaces only")
    hint = ""
    if "mapping values are not allowed" in problem:
        hint = "put text that contains `: ` in quotes, or check the indentation of this line"
    return SyntaxMistake(f"not valid YAML: {problem}", place=place, hint=hint)


class _Builder:
    """Makes nodes from the parser's events."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._anchors: dict[str, _Node] = {}
        self.mistakes: list[ChainopsError] = []

    def document(self, events: Iterator[Any]) -> _Node | None:
        root: _Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise SyntaxMistake(
                        "a second document begins here; a configuration is one",
                        place=self._place(event),
                        code="CFG106",
                    )
            elif not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                root = self._node(event, events, 0)
        return root

    def _place(self, event: Any) -> Place:
        return Place(self._path, event.start_mark.line + 1, event.start_mark.column + 1)

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> _Node:
        place = self._place(event)
        if depth > MAX_DEPTH:
            raise SyntaxMistake(f"nested more than {MAX_DEPTH} levels deep", place=place, code="CFG104")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), place)
        node = _Node(place=place, open=True)
        if event.anchor:
            self._anchors[event.anchor] = node
        if event.tag and event.tag not in _CORE_TAGS and event.tag != "!":
            self.mistakes.append(
                InputError(
                    f"the tag {one_line(str(event.tag), 80)} is not supported", place=place, code="CFG111"
                )
            )
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(node, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node.items = []
            while not isinstance(event := next(events), yaml.SequenceEndEvent):
                node.items.append(self._node(event, events, depth + 1))
        else:
            node.pairs = []
            while not isinstance(event := next(events), yaml.MappingEndEvent):
                key = self._node(event, events, depth + 1)
                node.pairs.append((key, self._node(next(events), events, depth + 1)))
        node.open = False
        return node

    def _alias(self, anchor: str, place: Place) -> _Node:
        node = self._anchors.get(anchor)
        if node is None or node.open:
            why = "is not defined before this line" if node is None else "would contain itself"
            raise SyntaxMistake(f"the alias *{one_line(anchor, 40)} {why}", place=place)
        return node

    @staticmethod
    def _scalar(node: _Node, event: yaml.ScalarEvent) -> None:
        node.text = event.value
        plain = event.style is None or event.style == ""
        node.scalar = _plain(event.value) if plain and event.tag != _TEXT_TAG else event.value


def _plain(text: str) -> Any:
    """Return what an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text


class _Expander:
    """Makes values and places from nodes, within a budget that stops alias bombs."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._left = MAX_VALUES

    def value(self, node: _Node, loc: Loc) -> Any:
        self._left -= 1
        if self._left < 0 or len(loc) > 2 * MAX_DEPTH:
            raise SyntaxMistake(
                f"more than {MAX_VALUES:,} values once aliases are expanded, or nested too deep",
                place=node.place,
                code="CFG104",
            )
        self._tree.values[loc] = node.place
        if node.items is not None:
            return [self.value(item, (*loc, index)) for index, item in enumerate(node.items)]
        if node.pairs is not None:
            return self._mapping(node, loc)
        return node.scalar

    def _mapping(self, node: _Node, loc: Loc) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: list[_Node] = []
        for key, value in node.pairs or ():
            if key.items is not None or key.pairs is not None:
                self._mistake("a key must be a single word, not a list or a mapping", key.place, "CFG112")
            elif key.text == "<<":
                merged.append(value)
            elif key.text in result:
                first = self._tree.keys[(*loc, key.text)]
                self._mistake(
                    f"{one_line(key.text, 60)} is set twice; the first time in line {first.line}",
                    key.place,
                    "CFG110",
                )
            else:
                self._tree.keys[(*loc, key.text)] = key.place
                result[key.text] = self.value(value, (*loc, key.text))
        for value in merged:
            self._merge(value, result, loc)
        return result

    def _merge(self, node: _Node, result: dict[str, Any], loc: Loc) -> None:
        for source in node.items if node.items is not None else [node]:
            if source.pairs is None:
                self._mistake("<< takes a mapping or a list of mappings", source.place, "CFG112")
                continue
            for key, value in source.pairs:
                if key.text == "<<" or key.items is not None or key.pairs is not None:
                    self._mistake("<< inside a merged mapping is not supported", key.place, "CFG112")
                elif key.text not in result:
                    self._tree.keys[(*loc, key.text)] = key.place
                    result[key.text] = self.value(value, (*loc, key.text))

    def _mistake(self, message: str, place: Place, code: str) -> None:
        self._tree.mistakes.append(InputError(message, place=place, code=code))
