"""Fetches a repository at a ref into a folder named by its commit: whole, or not there at all."""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from chainops.core.config_mistakes import nearest
from chainops.core.files import disk_errors
from chainops.core.secrets import mask_git_url
from chainops.core.text import one_line
from chainops.project.git import Git, SourceError, explain
from chainops.project.git_names import why_refused_ref, why_refused_url

_HEX = re.compile(r"[0-9a-fA-F]{7,64}\Z")
#: an unfinished run may still be taken up in the tree of its commit
_TREES_KEPT = 5
_ABSENT_REF = re.compile(r"couldn't find remote ref|no such remote ref|not our ref|unadvertised object", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """A checked-out commit."""

    folder: Path
    commit: str


async def clone(git: Git, url: str, ref: str, store: Path, *, depth: int, submodules: bool) -> Clone:
    """Fetch `url` at `ref` (empty: its default branch) into a folder below `store`.

    `git` runs in a folder of the attempt's own. Raises `SourceError` for a URL or ref that is refused or not
    there, `GitError` when the network fails, `DiskError`.
    """
    for why in (why_refused_url(url), why_refused_ref(ref) if ref else ""):
        if why:
            raise SourceError(why, code="SRC105")
    incoming = git.folder / "incoming"
    await asyncio.to_thread(_empty, incoming)
    git = replace(git, folder=incoming, config={**git.config, **_access(url)})
    await git.output("init", "--quiet", "--template=")
    await git.output("config", "remote.origin.url", public_url(url))
    commit = await _fetch(git, ref, depth)
    await git.output("checkout", "--quiet", "--detach", commit)
    if submodules and (incoming / ".gitmodules").is_file():
        await update_submodules(git, depth=depth)
    final = store / f"{_slug(url)}-{commit[:12]}"
    await asyncio.to_thread(_put, incoming, final)
    return Clone(folder=final, commit=commit)


def _empty(folder: Path) -> None:
    with disk_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def _put(incoming: Path, final: Path) -> None:
    """Move a complete tree to its place, over what an earlier run left there.

    An earlier tree is never taken again: the project's code has run in it and may have changed anything.
    """
    with disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(final, ignore_errors=True)
        incoming.rename(final)
        trees = [f for f in final.parent.iterdir() if f.is_dir() and f != final]
        for old in sorted(trees, key=lambda f: f.stat().st_mtime, reverse=True)[_TREES_KEPT - 1 :]:
            shutil.rmtree(old, ignore_errors=True)


async def update_submodules(git: Git, *, depth: int, paths: tuple[str, ...] = ()) -> None:
    """Fetch submodules (all, or those at `paths`), nested ones included.

    A server that does not give single commits is asked for all of them. Raises as `Git.output` does.
    """
    update = ("submodule", "update", "--init", "--recursive", "--checkout")
    arguments = (*update, "--", *paths)
    if depth:
        done = await git.run(*update, "--depth", str(depth), "--", *paths, quiet=False)
        if done.returncode == 0 and not done.timed_out:
            return
    done = await git.run(*arguments, quiet=False)
    if done.returncode != 0 or done.timed_out:
        raise explain(done, "submodule update")


def public_url(url: str) -> str:
    """Return `url` without user and password, fit to be kept in a file; ssh's user is part of the address."""
    if not url.lower().startswith(("http://", "https://")):
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _access(url: str) -> dict[str, str]:
    """Return the settings that give Git a URL's credentials, for submodules of the same host as well."""
    shown = public_url(url)
    settings: dict[str, str] = {}
    if shown != url:
        with_user, without = urlsplit(url), urlsplit(shown)
        key = f"url.{with_user.scheme}://{with_user.netloc}/.insteadOf"
        settings[key] = f"{without.scheme}://{without.netloc}/"
    if is_local(url):
        # submodules of a repository on this disk lie on this disk; those of a remote one must not
        settings["protocol.file.allow"] = "always"
    return settings


def is_local(url: str) -> bool:
    """Whether `url` names a folder of this machine."""
    return url.startswith(("/", "./", "../", "file://")) or (":" not in url and "@" not in url)


async def _fetch(git: Git, ref: str, depth: int) -> str:
    shallow = (f"--depth={depth}",) if depth else ()
    wanted = ref or "HEAD"
    done = await git.run("fetch", "--no-tags", *shallow, "origin", wanted, quiet=False)
    if done.returncode == 0 and not done.timed_out:
        return (await git.output("rev-parse", "--verify", "FETCH_HEAD^{commit}")).strip()
    is_absent = bool(_ABSENT_REF.search(done.error_text))
    if not is_absent or done.timed_out:
        raise explain(done, "fetch")
    if _HEX.match(ref):
        # a server gives shortened or unadvertised commits only with everything else
        found = await _fetch_everything(git, ref)
        if found:
            return found
    raise await _no_such_ref(git, ref)


async def _fetch_everything(git: Git, ref: str) -> str:
    done = await git.run("fetch", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*", quiet=False)
    if done.returncode != 0 or done.timed_out:
        raise explain(done, "fetch")
    parsed = await git.run("rev-parse", "--verify", "--quiet", "--end-of-options", ref + "^{commit}")
    return parsed.text.strip().splitlines()[-1] if parsed.returncode == 0 else ""


async def _no_such_ref(git: Git, ref: str) -> SourceError:
    listed = await git.output("ls-remote", "--heads", "--tags", "--refs", "origin")
    names = [line.partition("\t")[2].split("/", 2)[-1] for line in listed.splitlines()]
    url = (await git.output("config", "remote.origin.url")).strip()
    close = nearest(ref, names)
    shown = ", ".join(one_line(n, 60) for n in names[:10]) + (", …" if len(names) > 10 else "")
    return SourceError(
        f"{mask_git_url(url)} has no branch, tag or commit `{one_line(ref, 80)}`",
        hint=f"did you mean `{one_line(close, 80)}`? there are: {shown}" if close else f"there are: {shown}",
        code="SRC103",
    )


def _slug(url: str) -> str:
    name = re.split(r"[/:]", public_url(url).rstrip("/"))[-1].removesuffix(".git")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:40] or "source"
