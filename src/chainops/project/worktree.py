"""What Git says of a local tree: commit, author, changes, submodules, and which files belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chainops.core.process import ToolMissingError
from chainops.core.secrets import mask_git_url
from chainops.project.git import Git, explain

_NO_REPOSITORY = "not a git repository"
#: status letters of `git status --porcelain` → words
_WORDS = {"?": "untracked", "A": "added", "D": "deleted", "R": "renamed", "C": "copied", "U": "unmerged"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submodule:
    """A submodule and its state: `missing`, `present`, or `moved` when another commit is checked out."""

    path: str
    commit: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkTree:
    """A local tree. Paths are relative to the folder that was asked about, with `/`."""

    commit: str = ""
    author: str = ""
    date: str = ""
    subject: str = ""
    branch: str = ""
    url: str = ""
    #: `modified src/A.sol`, `untracked b.txt` …
    changes: tuple[tuple[str, str], ...] = ()
    submodules: tuple[Submodule, ...] = ()
    files: tuple[str, ...] = ()
    #: why Git knows nothing of it; empty when it does
    without_git: str = ""


async def read_worktree(git: Git) -> WorkTree:
    """Describe the tree at `git.folder`. Raises `SourceError` or `GitError`; no repository is no error."""
    try:
        found = await git.run("rev-parse", "--show-prefix", "--is-inside-work-tree")
    except ToolMissingError:
        return WorkTree(without_git="git is not installed")
    if found.returncode != 0:
        if _NO_REPOSITORY in found.error_text:
            return WorkTree(without_git="not a Git repository")
        raise explain(found, "rev-parse")
    prefix = found.stdout.decode("utf-8", "surrogateescape").split("\n")[0]
    safe = await git.without_commands()
    files = await _files(safe)
    changes = await _changes(safe, prefix)
    submodules = await _submodules(safe)
    head = await safe.run("rev-parse", "--verify", "--quiet", "HEAD")
    if head.returncode != 0:
        return WorkTree(files=files, changes=changes, submodules=submodules, branch=await _branch(safe))
    shown = await safe.output(
        "log", "-1", "--no-show-signature", "--no-color", "--format=%H%x00%an <%ae>%x00%cI%x00%s", "HEAD"
    )
    commit, author, date, subject = shown.rstrip("\n").split("\0", 3)
    return WorkTree(
        commit=commit,
        author=author,
        date=date,
        subject=subject,
        branch=await _branch(safe),
        url=await _url(safe),
        changes=changes,
        submodules=submodules,
        files=files,
    )


async def _branch(git: Git) -> str:
    done = await git.run("symbolic-ref", "--quiet", "--short", "HEAD")
    return done.text.strip() if done.returncode == 0 else ""


async def _url(git: Git) -> str:
    done = await git.run("config", "--get", "remote.origin.url")
    return mask_git_url(done.text.strip()) if done.returncode == 0 else ""


async def _files(git: Git) -> tuple[str, ...]:
    listed = await git.output("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    return tuple(sorted(p for p in listed.split("\0") if p and not p.startswith(".chainops/")))


async def _changes(git: Git, prefix: str) -> tuple[tuple[str, str], ...]:
    listed = await git.output(
        "status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=dirty", "--", "."
    )
    return parse_status(listed, prefix)


def parse_status(text: str, prefix: str) -> tuple[tuple[str, str], ...]:
    """Read `git status --porcelain=v1 -z`: what happened to which path, paths relative to `prefix`."""
    entries = iter(text.split("\0"))
    found: list[tuple[str, str]] = []
    for entry in entries:
        if len(entry) < 4:
            continue
        letters, path = entry[:2], entry[3:].removeprefix(prefix)
        if letters[0] in "RC":
            next(entries, "")  # the name that it had
        word = next((_WORDS[c] for c in letters if c in _WORDS), "modified")
        if not path.startswith(".chainops/"):
            found.append((word, path))
    return tuple(sorted(found, key=lambda change: change[1]))


async def _submodules(git: Git) -> tuple[Submodule, ...]:
    listed = await git.output("ls-files", "-z", "--stage")
    found: list[Submodule] = []
    for entry in listed.split("\0"):
        if not entry.startswith("160000 "):
            continue
        meta, _, path = entry.partition("\t")
        commit = meta.split()[1]
        state = "present" if (git.folder / path / ".git").exists() else "missing"
        if state == "present":
            head = await Git(
                runner=git.runner, folder=git.folder / path, environ=git.environ, marker=git.marker
            ).run("rev-parse", "--verify", "HEAD")
            state = "present" if head.text.strip() == commit else "moved"
        elif _holds_files(git.folder / path):
            state = "present"  # copied in without Git's own folder
        found.append(Submodule(path=path, commit=commit, state=state))
    return tuple(found)


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
