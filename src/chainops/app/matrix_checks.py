"""What a model cannot say of a matrix: which stage can fan out over what, and whether the values exist."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chainops.app.stage_graph import DEFAULTS
from chainops.chains.model import NetworkKind
from chainops.chains.settings import EMBEDDED
from chainops.core.config_mistakes import unknown_name
from chainops.core.config_text import Document
from chainops.core.config_yaml import Loc
from chainops.core.errors import ChainopsError, InputError
from chainops.core.text import plural
from chainops.pipeline.matrix import Matrix
from chainops.pipeline.settings import AXES
from chainops.stages.common import COMPILATION, CONTRACT_DEPLOY, SECURITY_SCAN, SMOKE_TESTS
from chainops.toolchains.settings import EVM_VERSIONS

#: more cells than these are a mistake rather than a wish: each is a build, a test run or a deployment
MAX_CELLS = 64


def check_matrices(document: Document) -> Iterator[ChainopsError]:
    """Find axes that a stage does not have, values that do not exist, and matrices that come to nothing."""
    stages = document.data.get("stages")
    for name, settings in stages.items() if isinstance(stages, Mapping) else ():
        matrix = settings.get("matrix") if isinstance(settings, Mapping) else None
        if name in DEFAULTS and isinstance(matrix, Mapping):
            yield from _check_matrix(document, name, matrix)
    yield from _check_scanned(document)
    yield from _check_smoked(document)


def _check_matrix(document: Document, stage: str, matrix: Mapping[str, Any]) -> Iterator[ChainopsError]:
    loc = ("stages", stage, "matrix")
    allowed = DEFAULTS[stage].axes
    given = [axis for axis in AXES if matrix.get(axis) is not None]
    for axis in given:
        if axis not in allowed:
            hint = f"it can fan out over {', '.join(allowed)}" if allowed else "it runs once, for all cells"
            yield InputError(
                f"{stage} cannot fan out over `{axis}`",
                place=document.place_of_key((*loc, axis)),
                hint=hint,
                code="CFG170",
            )
        elif isinstance(matrix[axis], list):
            yield from _check_values(document, stage, axis, matrix[axis])
    if not given:
        yield InputError(
            f"the matrix of {stage} has no axis",
            place=document.place_of_key(loc),
            hint=f"give it values of {', '.join(allowed)}" if allowed else "leave it out",
            code="CFG171",
        )
    axes = {axis: tuple(matrix[axis]) for axis in given if _is_texts(matrix[axis])}
    if len(axes) == len(given) and all(axes.values()):
        yield from _check_exclude(document, loc, axes, matrix.get("exclude"))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _check_values(document: Document, stage: str, axis: str, values: list[Any]) -> Iterator[ChainopsError]:
    loc = ("stages", stage, "matrix", axis)
    if not values:
        yield InputError(
            f"`{axis}` of {stage}'s matrix is empty",
            place=document.place_of_key(loc),
            hint="give it at least one value, or leave it out",
            code="CFG171",
        )
    for index, value in enumerate(values):
        place = document.place((*loc, index))
        if not isinstance(value, str):
            continue  # the model says so
        if value in values[:index]:
            yield InputError(f"`{value}` stands twice in `{axis}`", place=place, code="CFG172")
            continue
        known = _known(document, axis)
        if value not in known:
            hint = _hint(axis, known)
            error = unknown_name(_WORDS[axis], value, known, place=place, code="CFG173")
            yield InputError(error.message, place=place, hint=hint or error.hint, code="CFG173")
        elif axis == "network" and stage in (CONTRACT_DEPLOY, SMOKE_TESTS):
            yield from _check_network(document, stage, value, (*loc, index))


_WORDS = {"network": "network", "solc": "solc release", "evm_version": "EVM version"}


def _known(document: Document, axis: str) -> Sequence[str]:
    if axis == "evm_version":
        return EVM_VERSIONS
    if axis == "network":
        return list(dict.fromkeys([*_networks(document), EMBEDDED]))
    from chainops.tools.lockfile import solc_table

    return tuple(solc_table())


def _hint(axis: str, known: Sequence[str]) -> str:
    return f"{known[0]} to {known[-1]} can be had" if axis == "solc" else ""


def _networks(document: Document) -> Mapping[str, Any]:
    networks = document.data.get("networks")
    return networks if isinstance(networks, Mapping) else {}


def _check_network(document: Document, stage: str, name: str, loc: Loc) -> Iterator[ChainopsError]:
    network = _networks(document).get(name)
    if not isinstance(network, Mapping):
        return
    production = network.get("production") is True
    if production or network.get("kind") == NetworkKind.MAINNET.value:
        what = "is marked production" if production else "is a mainnet"
        yield InputError(
            f"`{name}` {what}: {stage} asks for no approval",
            place=document.place(loc),
            hint="production-deploy goes there, after an approval; leave it out of the matrix",
            code="CFG138",
        )


def _check_exclude(
    document: Document, loc: Loc, axes: Mapping[str, tuple[str, ...]], exclude: Any
) -> Iterator[ChainopsError]:
    entries = exclude if isinstance(exclude, list) else []
    sound = []
    for index, entry in enumerate(entries):
        if isinstance(entry, Mapping):
            mistakes = list(_check_left_out(document, (*loc, "exclude", index), axes, entry))
            yield from mistakes
            sound += [] if mistakes else [dict(entry)]
    # a matrix of that many combinations is not made only to be counted
    every = math.prod(len(values) for values in axes.values())
    count = every if every > MAX_CELLS**2 else len(Matrix(axes=axes, exclude=tuple(sound)).cells())
    if count > MAX_CELLS:
        yield InputError(
            f"the matrix of {loc[1]} has {plural(count, 'cell')}, more than {MAX_CELLS}",
            place=document.place_of_key(loc),
            hint="leave values out, or combinations with `exclude`",
            code="CFG174",
        )
    elif not count:
        yield InputError(
            f"`exclude` leaves no cell of {loc[1]}'s matrix",
            place=document.place_of_key((*loc, "exclude")),
            code="CFG171",
        )


def _check_left_out(
    document: Document, loc: Loc, axes: Mapping[str, tuple[str, ...]], entry: Mapping[Any, Any]
) -> Iterator[ChainopsError]:
    if not entry:
        yield InputError(
            "an empty combination would leave out every cell", place=document.place(loc), code="CFG171"
        )
    for axis, value in entry.items():
        if axis not in axes:
            place = document.place_of_key((*loc, axis))
            yield unknown_name("axis", str(axis), axes, place=place, code="CFG173")
        elif isinstance(value, str) and value not in axes[axis]:
            place = document.place((*loc, axis))
            yield unknown_name(f"value of `{axis}`", value, axes[axis], place=place, code="CFG173")


def _axis(document: Document, stage: str, axis: str) -> list[str] | None:
    values = document.get(("stages", stage, "matrix", axis))
    return [v for v in values if isinstance(v, str)] if isinstance(values, list) else None


def _check_scanned(document: Document) -> Iterator[ChainopsError]:
    """Find scans of builds that nobody makes: security-scan reads what compilation built."""
    for axis in DEFAULTS[SECURITY_SCAN].axes:
        built = _axis(document, COMPILATION, axis) or []
        for index, value in enumerate(_axis(document, SECURITY_SCAN, axis) or ()):
            if value not in built:
                yield InputError(
                    f"compilation has no cell with {axis} {value} that {SECURITY_SCAN} could read",
                    place=document.place(("stages", SECURITY_SCAN, "matrix", axis, index)),
                    hint=f"add the value to `stages.{COMPILATION}.matrix.{axis}`",
                    code="CFG175",
                )


def _check_smoked(document: Document) -> Iterator[ChainopsError]:
    """Find smoke tests of networks to which nothing is deployed."""
    target = document.data.get("target_network", EMBEDDED)
    deployed = _axis(document, CONTRACT_DEPLOY, "network") or [target]
    for index, name in enumerate(_axis(document, SMOKE_TESTS, "network") or ()):
        if name not in deployed and name in (*_networks(document), EMBEDDED):
            yield InputError(
                f"nothing is deployed to `{name}` that {SMOKE_TESTS} could try",
                place=document.place(("stages", SMOKE_TESTS, "matrix", "network", index)),
                hint=f"add it to `stages.{CONTRACT_DEPLOY}.matrix.network`",
                code="CFG175",
            )
