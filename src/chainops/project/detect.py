"""Finds the project in a folder: its toolchain and, in a monorepo, where it lies."""

from __future__ import annotations

import os
from pathlib import Path

from chainops.core.errors import Place
from chainops.core.text import plural
from chainops.project.errors import NoProjectError
from chainops.project.foundry_config import CONFIG_NAME, read_foundry
from chainops.project.model import Project

#: configurations of toolchains that are recognised, so that the error can say more than "nothing found"
_OTHERS = {
    "Hardhat": ("hardhat.config.ts", "hardhat.config.js", "hardhat.config.cjs", "hardhat.config.mjs"),
    "Truffle": ("truffle-config.js", "truffle.js"),
    "Brownie": ("brownie-config.yaml", "brownie-config.yml"),
    "Ape": ("ape-config.yaml", "ape-config.yml"),
    "Moccasin": ("moccasin.toml",),
    "Anchor": ("Anchor.toml",),
    "Move": ("Move.toml",),
    "Scarb": ("Scarb.toml",),
}
#: never the project itself: dependencies, build output, hidden folders
_SKIPPED = {"node_modules", "lib", "libs", "out", "cache", "artifacts", "broadcast", "dist", "build", "venv"}
_MAX_DEPTH = 4
_MAX_FOLDERS = 5_000


def detect(folder: Path, *, path: str = "", profile: str = "") -> Project:
    """Return the project in `folder`, or in its subfolder `path`.

    Without `path`, and without a project in `folder` itself, the only project below it is taken. Raises
    `NoProjectError` that names what was looked for, `BadProjectError` when the project's file is broken.
    """
    base = folder.absolute()
    if not base.is_dir():
        raise NoProjectError(f"{folder} is not a folder", hint="give the folder that holds the project")
    root = (base / path).resolve() if path else base.resolve()
    if not root.is_relative_to(base.resolve()):
        raise NoProjectError(f"`path: {path}` leads out of {folder}", code="PRJ105")
    if not root.is_dir():
        raise NoProjectError(
            f"there is no folder {path} in {folder}",
            code="PRJ105",
            hint=_candidates_hint(nested_projects(base)),
        )
    if (root / CONFIG_NAME).is_file():
        return read_foundry(root, path=_relative(root, base.resolve()), profile=profile)
    _refuse_others(root)
    below = nested_projects(base)
    if not path and len(below) == 1:
        return read_foundry((base / below[0]).resolve(), path=below[0], profile=profile)
    raise _nothing(root, below)


def nested_projects(base: Path) -> tuple[str, ...]:
    """Return the folders below `base` that hold a foundry.toml, dependencies and build output left out."""
    found: list[str] = []
    waiting: list[tuple[Path, int]] = [(base, 0)]
    seen = 0
    while waiting and seen < _MAX_FOLDERS:
        folder, depth = waiting.pop(0)
        seen += 1
        if depth and (folder / CONFIG_NAME).is_file():
            found.append(_relative(folder, base))
            continue
        if depth < _MAX_DEPTH:
            waiting += [(child, depth + 1) for child in _subfolders(folder)]
    return tuple(sorted(found))


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
    except OSError:  # a folder that may not be read holds no project of ours
        return []
    return [folder / name for name in names if not name.startswith(".") and name not in _SKIPPED]


def _relative(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix()


def _refuse_others(root: Path) -> None:
    for toolchain, names in _OTHERS.items():
        for name in names:
            if (root / name).is_file():
                raise NoProjectError(
                    f"this is a {toolchain} project, which is not supported yet",
                    place=Place(str(root / name)),
                    hint="projects with a foundry.toml are; it may stand beside the other configuration",
                    code="PRJ103",
                )


def _nothing(root: Path, below: tuple[str, ...]) -> NoProjectError:
    if len(below) > 1:
        return NoProjectError(
            f"{root} holds {plural(len(below), 'project')} in subfolders: which one?",
            hint=_candidates_hint(below),
            code="PRJ102",
        )
    return NoProjectError(
        f"no contract project in {root}: looked for {CONFIG_NAME} here and {_MAX_DEPTH} folders deep",
        hint=_candidates_hint(below)
        or "run it in the folder that holds foundry.toml, or name that folder: chainops run PATH; contracts "
        "without one need a foundry.toml of one line: [profile.default]",
    )


def _candidates_hint(below: tuple[str, ...]) -> str:
    if not below:
        return ""
    return "set " + " or ".join(f"`path: {name}`" for name in below[:5])
