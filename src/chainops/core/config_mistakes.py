"""pydantic's findings in the words of someone who wrote a YAML file, with the nearest known name."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from chainops.core.config_yaml import Loc
from chainops.core.errors import ChainopsError, InputError, Place
from chainops.core.text import one_line

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails, PydanticCustomError

_MISTAKE = "chainops_mistake"
_WORDS = {
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "finite_number": "should be a finite number",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "string_type": "should be text",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "dict_type": "should be a mapping (`name: value`)",
    "mapping_type": "should be a mapping (`name: value`)",
    "model_type": "should be a mapping (`name: value`)",
    "model_attributes_type": "should be a mapping (`name: value`)",
}


class _Places(Protocol):
    """The part of a document that is needed here."""

    @property
    def path(self) -> str: ...
    def path_of(self, loc: Loc) -> Loc: ...
    def get(self, loc: Loc) -> Any: ...
    def place(self, loc: Loc = ()) -> Place: ...
    def place_of_key(self, loc: Loc) -> Place: ...


def mistake(message: str, *, hint: str = "", code: str = "CFG122") -> PydanticCustomError:
    """Return an error to raise in a model's validator; its hint and code reach the user."""
    from pydantic_core import PydanticCustomError

    return PydanticCustomError(_MISTAKE, "{text}", {"text": message, "hint": hint, "code": code})


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, or an empty string."""
    lowered = {k.lower().replace("-", "_"): k for k in known}
    close = difflib.get_close_matches(name.lower().replace("-", "_"), lowered, n=1, cutoff=0.6)
    return lowered[close[0]] if close else ""


def unknown_name(
    what: str, name: str, known: Iterable[str], *, place: Place, code: str, within: str = ""
) -> InputError:
    """Return the error for a name that is none of `known`; `within` is the dotted path above it."""
    names = list(known)
    close = nearest(name, names)
    hint = f"did you mean `{close}`?" if close else ""
    if not close and names:
        hint = "known: " + ", ".join(names[:30])
    shown = one_line(f"{within}.{name}" if within else name, 80)
    return InputError(f"unknown {what} `{shown}`", place=place, hint=hint, code=code)


def from_pydantic(model: type[BaseModel], document: _Places, error: ValidationError) -> list[ChainopsError]:
    """Return one error for each mistake. Values are never repeated, as they may be secrets."""
    found: dict[tuple[Place, Loc], list[InputError]] = {}
    details = error.errors(include_url=False, include_input=False)
    deeper = {document.path_of(d["loc"])[:n] for d in details for n in range(len(document.path_of(d["loc"])))}
    deeper |= {document.path_of(d["loc"]) for d in details if d["type"] == "missing"}
    # what a validator of ours refuses had the right type already
    deeper |= {document.path_of(d["loc"]) for d in details if d["type"] == _MISTAKE}
    for detail in details:
        path = document.path_of(detail["loc"])
        if detail["type"].endswith("_type") and len(path) < len(detail["loc"]) and path in deeper:
            continue  # a union's other member: the value is taken for the one whose parts are wrong
        one = _translate(model, document, detail)
        key = (one.place or Place(document.path), path if one.code == "CFG122" else tuple(detail["loc"]))
        found.setdefault(key, []).append(one)
    return [_joined(group) for group in found.values()]


def _joined(group: list[InputError]) -> InputError:
    """Join what a union's members say of one value."""
    first = group[0]
    if len(group) == 1:
        return first
    name = first.message.split("`: ")[0] + "`: "
    said = list(dict.fromkeys(one.message.removeprefix(name) for one in group))
    hint = next((one.hint for one in group if one.hint), "")
    return InputError(name + ", or ".join(said), hint=hint, place=first.place, code=first.code)


def _translate(model: type[BaseModel], document: _Places, detail: ErrorDetails) -> InputError:
    loc, kind = tuple(detail["loc"]), detail["type"]
    known = document.path_of(loc)
    name = ".".join(str(step) for step in known) or "configuration"
    if kind == "extra_forbidden":
        models = _models_at(model, loc[:-1])
        what = next((str(m.entry_name) for m in models if hasattr(m, "entry_name")), "setting")
        above, _, last = name.rpartition(".")
        place = document.place_of_key(loc)
        return unknown_name(what, last, _names(models), place=place, code="CFG120", within=above)
    if kind == "missing":
        full = ".".join(filter(None, (name if name != "configuration" else "", str(loc[-1]))))
        return InputError(f"`{full}` is missing", place=document.place(loc), code="CFG121")
    context: Mapping[str, Any] = detail.get("ctx") or {}
    if kind in ("literal_error", "enum"):
        return _choice(
            name, document.get(document.path_of(loc)), str(context["expected"]), document.place(loc)
        )
    ours = kind == _MISTAKE
    return InputError(
        f"`{name}`: {_said(detail)}",
        place=document.place_of_key(known) if loc and loc[-1] == "[key]" else document.place(known),
        hint=str(context.get("hint", "")) if ours else "",
        code=str(context.get("code", "CFG122")) if ours else "CFG122",
    )


def _choice(name: str, value: Any, expected: str, place: Place) -> InputError:
    choices = re.findall(r"'([^']*)'", expected)
    close = nearest(value, choices) if isinstance(value, str) else ""
    return InputError(
        f"`{name}`: should be " + (" or ".join(f"`{c}`" for c in choices) or expected),
        place=place,
        hint=f"did you mean `{close}`?" if close else "",
        code="CFG122",
    )


def _said(detail: ErrorDetails) -> str:
    if detail["type"] in _WORDS:
        return _WORDS[detail["type"]]
    text = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return one_line(re.sub(r"^Input should", "should", text), 400)


def _names(models: Iterable[type[BaseModel]]) -> list[str]:
    return [f.alias or name for m in models for name, f in m.model_fields.items()]


def _models_at(model: type[BaseModel], loc: Loc) -> list[type[BaseModel]]:
    """Return the models that may stand at `loc`, going down through lists, mappings and unions."""
    here: list[Any] = [model]
    for step in loc:
        here = [kind for parent in here for kind in _below(parent, step)] or here
    return [kind for kind in _leaves(here) if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _leaves(kinds: Iterable[Any]) -> list[Any]:
    """Take unions and annotations apart."""
    found: list[Any] = []
    for kind in kinds:
        origin = get_origin(kind)
        if origin is Annotated:
            found += _leaves([get_args(kind)[0]])
        elif origin in (Union, types.UnionType):
            found += _leaves(get_args(kind))
        else:
            found.append(kind)
    return found


def _below(parent: Any, step: str | int) -> list[Any]:
    found: list[Any] = []
    for kind in _leaves([parent]):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += [f.annotation for n, f in kind.model_fields.items() if step in (n, f.alias)]
        elif (arguments := get_args(kind)) and (isinstance(step, int) or len(arguments) > 1):
            found.append(arguments[0 if isinstance(step, int) else -1])
    return found
