"""Two hundred random edits, each against a clean rebuild: the cache may be slow, never wrong."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from chainops.core.hashing import digest_bytes
from chainops.pipeline.model import Outcome
from chainops.stages.common import COMPILATION
from unit.pipeline.cache.scripted import Bench, make_project, write

EDITS = 200


class Editor:
    """Changes a project as people and tools do, at random but repeatably."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.earlier: list[dict[str, str]] = [self.content()]
        self.kinds: list[Callable[[], str]] = [
            self.comment, self.comment, self.code, self.readme, self.remapping, self.toml, self.library,
            self.shadow, self.new, self.delete, self.swap, self.touch, self.revert, self.revert, self.nothing,
        ]  # fmt: skip

    def content(self) -> dict[str, str]:
        files = (p for p in self.root.rglob("*") if p.is_file())
        return {p.relative_to(self.root).as_posix(): p.read_text() for p in files}

    def edit(self) -> str:
        what = self.random.choice(self.kinds)()
        self.earlier.append(self.content())
        return what

    def _some(self, *beginnings: str) -> Path:
        names = sorted(n for n in self.content() if n.startswith(beginnings) and n.endswith(".sol"))
        return self.root / self.random.choice(names)

    def _append(self, path: Path, text: str) -> str:
        path.write_text(path.read_text() + text)
        return f"{path.name} += {text.strip()}"

    def comment(self) -> str:
        return self._append(self._some("src/", "test/", "script/"), f"// {self.random.random()}\n")

    def code(self) -> str:
        return self._append(self._some("src/", "test/"), f"contract C{self.random.randrange(10**9)} {{}}\n")

    def readme(self) -> str:
        return self._append(self.root / "README.md", f"{self.random.random()}\n")

    def remapping(self) -> str:
        target = self.random.choice(["lib/oz/", "lib/other/", "deps/oz/"])
        for name in ("Token.sol", "Base.sol"):
            if not (self.root / target / name).exists():
                write(self.root / target / name, f"contract {name[:-4]} {{}} // {target}\n")
        write(self.root / "remappings.txt", f"oz/={target}\n")
        return f"oz/ leads to {target}"

    def toml(self) -> str:
        return self._append(self.root / "foundry.toml", f"# {self.random.random()}\n")

    def library(self) -> str:
        return self._append(self._some("lib/", "deps/"), f"// {self.random.random()}\n")

    def shadow(self) -> str:
        """Put a file where an import is looked for first, or take it away."""
        path = self.root / "lib/util/Bits.sol"
        if path.exists():
            path.unlink()
            return "no shadow"
        write(path, f"library Bits {{}} // shadow {self.random.random()}\n")
        return "shadow"

    def new(self) -> str:
        name = f"{self.random.choice(['src', 'test'])}/New{self.random.randrange(1000)}.sol"
        write(self.root / name, 'import "util/Bits.sol";\n')
        return f"new {name}"

    def delete(self) -> str:
        new = sorted(self.root.glob("*/New*.sol"))
        if new:
            new[0].unlink()
        return "deleted" if new else "nothing to delete"

    def swap(self) -> str:
        """Rewrite a file with the same size, and set its time back."""
        path = self._some("src/", "test/", "lib/")
        status, text = path.stat(), path.read_text()
        letters = text.rstrip("\n")
        path.write_text(letters[:-1] + ("}" if letters[-1] == "{" else "{") + text[len(letters) :])
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return f"swapped {path.name}"

    def touch(self) -> str:
        path = self._some("src/", "lib/")
        path.touch()
        return f"touched {path.name}"

    def revert(self) -> str:
        then = self.random.choice(self.earlier)
        for name in self.content().keys() - then.keys():
            (self.root / name).unlink()
        for name, text in then.items():
            if not (self.root / name).exists() or (self.root / name).read_text() != text:
                write(self.root / name, text)
        return "reverted"

    def nothing(self) -> str:
        return "nothing"


def clean_rebuild(bench: Bench) -> dict[str, Outcome]:
    build = bench.workspace / ".chainops" / "build"
    aside = build.with_name("aside")
    build.rename(aside)
    try:
        return bench.run(cached=False)
    finally:
        shutil.rmtree(build)
        aside.rename(build)


def test_two_hundred_edits_give_what_a_clean_rebuild_gives(tmp_path: Path) -> None:
    cached, clean = make_project(tmp_path), Bench(tmp_path)
    editor = Editor(cached.root, seed=20260713)
    known: set[str] = set()
    hits = 0
    for number in range(EDITS):
        what = editor.edit()
        found = cached.run(name=f"run-{number}")
        # what is in the build folder must be what belongs to this state, too
        built = (tmp_path / ".chainops/build/out/all.json").read_bytes()
        expected = clean_rebuild(clean)
        assert digest_bytes(built) == expected[COMPILATION].reason, (number, what)
        assert {n: o.outputs for n, o in found.items()} == {n: o.outputs for n, o in expected.items()}, (
            number,
            what,
        )
        for name, outcome in found.items():
            if outcome.cached_from:
                hits += 1
            elif outcome.inputs_digest in known:
                raise AssertionError(f"edit {number} ({what}): {name} ran although its result is known")
            known.add(outcome.inputs_digest)
    assert hits > EDITS  # of five times as many stages: reverts, READMEs, touched files, comments in tests
