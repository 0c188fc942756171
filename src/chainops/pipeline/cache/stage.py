"""A stage that looks first whether an earlier run did the same, and keeps what it did itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from chainops.artifacts.errors import ArtifactChangedError, ArtifactMissingError
from chainops.artifacts.model import Artifact
from chainops.artifacts.ports import read
from chainops.artifacts.store import LocalArtifactStore
from chainops.core.clock import Clock
from chainops.core.errors import ChainopsError
from chainops.core.hashing import digest_bytes
from chainops.core.secrets import Masker, MaskingStream
from chainops.core.text import one_line, plural
from chainops.core.units import format_bytes
from chainops.pipeline.cache.digests import FileDigests
from chainops.pipeline.cache.explain import Change, differences, told
from chainops.pipeline.cache.folders import is_in_place, keep_folder, restore_folder
from chainops.pipeline.cache.model import ABSENT, CacheEntry, StageInputs, inputs_digest
from chainops.pipeline.cache.ports import CachePolicy, StageReads
from chainops.pipeline.cache.prune import Limits, exceeds, prune
from chainops.pipeline.cache.store import LIST, CacheStore, StoredEntry
from chainops.pipeline.cache.tree import SourceTree, changes
from chainops.pipeline.model import Outcome, StageContext, StageStatus
from chainops.pipeline.ports import Stage

#: a log of more is given back without its middle
_LOG_LIMIT_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCache:
    """What all cached stages of a run share."""

    store: CacheStore
    digests: FileDigests
    artifacts: LocalArtifactStore
    #: lists an artifact that is stored already among those of the run
    adopt: Callable[[StageContext, Artifact], object]
    policy: CachePolicy
    masker: Masker
    clock: Clock
    limits: Limits = field(default_factory=Limits)


class AlwaysRuns:
    """A stage that is never taken from the cache, and says why."""

    def __init__(self, stage: Stage, why: str) -> None:
        self._stage = stage
        self._why = why

    @property
    def name(self) -> str:
        """See `Stage.name`."""
        return self._stage.name

    async def run(self, context: StageContext) -> Outcome:
        """See `Stage.run`."""
        outcome = await self._stage.run(context)
        return replace(outcome, cache_note=f"ran: {self._why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What a stage is about to stand on."""

    inputs: StageInputs
    flat: Mapping[str, str]
    tree: SourceTree
    #: digests of files that it must leave as they are
    untouched: Mapping[str, str]
    at_ns: int


class CachedStage:
    """A stage whose result is taken from an earlier run that stood on the same, else it runs and is kept."""

    def __init__(self, *, stage: Stage, reads: StageReads, cache: StageCache) -> None:
        self._stage = stage
        self._reads = reads
        self._cache = cache

    @property
    def name(self) -> str:
        """See `Stage.name`."""
        return self._stage.name

    async def run(self, context: StageContext) -> Outcome:
        """See `Stage.run`. The cache itself never fails a stage: what it cannot read or write it leaves."""
        try:
            before = await asyncio.to_thread(self._look, context)
        except (ChainopsError, OSError, KeyError) as error:
            return await self._uncached(context, f"what it reads cannot be told: {_words(error)}")
        if before.inputs.never:
            await asyncio.to_thread(self._reads.prepare, context, before.inputs)
            return await self._uncached(context, before.inputs.never, inputs_digest(before.flat, {}))
        why = self._cache.policy.why_not_read(context.stage)
        if not why:
            taken, why = await asyncio.to_thread(self._take, context, before)
            if taken:
                return taken
        context.say(f"cache: the stage runs: {why}")
        await asyncio.to_thread(self._reads.prepare, context, before.inputs)
        log = _LogCopy(context, self._cache.masker)
        outcome = await self._stage.run(replace(context, log=log))
        reads, refusal = await asyncio.to_thread(self._keep, context, before, outcome, log)
        if refusal:
            context.say(f"cache: the result is not kept: {refusal}")
        note = f"ran: {why}" + (f"; not kept: {refusal}" if refusal else "")
        return replace(outcome, inputs_digest=inputs_digest(before.flat, reads), cache_note=note)

    async def _uncached(self, context: StageContext, why: str, digest: str = "") -> Outcome:
        context.say(f"cache: the stage runs: {why}")
        outcome = await self._stage.run(context)
        return replace(outcome, inputs_digest=digest, cache_note=f"ran: {why}")

    def _look(self, context: StageContext) -> _Before:
        at_ns = time.time_ns()
        tree = self._see(context)
        untouched = self._untouched(context)
        inputs = self._inputs(context, tree)
        self._cache.digests.save()
        return _Before(inputs=inputs, flat=inputs.flat(), tree=tree, untouched=untouched, at_ns=at_ns)

    def _see(self, context: StageContext) -> SourceTree:
        """Look at the project without the cache itself, which may lie in it."""
        folder = self._cache.store.folder
        with contextlib.suppress(OSError):  # else its folder would come into being while a stage runs
            folder.mkdir(parents=True, exist_ok=True)
        root, *others = self._reads.roots(context)
        return SourceTree.see(root, others, self._cache.digests, without=(folder,))

    def _inputs(self, context: StageContext, tree: SourceTree) -> StageInputs:
        inputs = self._reads.inputs(context, tree)
        cell = {f"cell:{axis}": digest_bytes(value.encode()) for axis, value in context.cell.items()}
        return replace(inputs, parts={**inputs.parts, **cell})

    def _untouched(self, context: StageContext) -> Mapping[str, str]:
        """Return digests, as tools write the same again: forge does with the index of its build."""
        folders = self._reads.untouched(context)
        if not folders:
            return {}
        tree = SourceTree.see(folders[0], folders[1:], self._cache.digests)
        return {name: tree.digest(name) for name in tree.names()}

    # taking

    def _take(self, context: StageContext, before: _Before) -> tuple[Outcome | None, str]:
        """Return an earlier result that holds now, or None and why there is none."""
        cache = self._cache
        scopes = cache.policy.reads()
        first_key = CacheEntry.first_key_of(before.flat)
        for stored in cache.store.candidates(scopes, context.stage, first_key):
            if any(before.tree.digest(path) != digest for path, digest in stored.entry.reads.items()):
                continue
            try:
                return self._restore(context, stored, before.inputs), ""
            except (ArtifactMissingError, ArtifactChangedError) as error:
                cache.store.discard(stored)
                return None, f"its result of run {stored.entry.run_id} is damaged: {error.message}"
            except (ChainopsError, OSError) as error:
                return None, f"its result cannot be given back: {_words(error)}"
        return None, self._explain(context, before, scopes)

    def _restore(self, context: StageContext, stored: StoredEntry, inputs: StageInputs) -> Outcome:
        cache, entry = self._cache, stored.entry
        log = read(cache.store.blobs, entry.log) if entry.log else b""
        for artifact in entry.outcome.artifacts:
            self._restore_artifact(artifact.digest)
        folders = self._reads.folders(context)
        absent = [n for n, kept in entry.folders.items() if not is_in_place(folders[n], kept, cache.digests)]
        if absent:
            self._reads.prepare(context, inputs)
        for name in absent:
            restore_folder(folders[name], entry.folders[name], cache.store.blobs)
        cache.store.used(stored)
        cache.digests.save()
        note = f"taken from run {entry.run_id}"
        context.say(f"cache: nothing that it stands on has changed since: {note}; its log was:")
        context.log(log)
        for artifact in entry.outcome.artifacts:
            cache.adopt(context, artifact)
        return replace(entry.outcome, cached_from=entry.run_id, inputs_digest=entry.key, cache_note=note)

    def _restore_artifact(self, digest: str) -> None:
        store = self._cache.artifacts
        if self._cache.digests.of(store.path(digest)).digest != digest:
            store.put_chunks(self._cache.store.blobs.chunks(digest))

    def _explain(self, context: StageContext, before: _Before, scopes: tuple[str, ...]) -> str:
        store = self._cache.store
        newest = store.newest(scopes, context.stage)
        if newest is None:
            return "there is no earlier result"
        entry = newest.entry
        known = {f"file:{path}": digest for path, digest in entry.reads.items()}
        now = {f"file:{path}": before.tree.digest(path) for path in entry.reads}
        found: list[Change] = []
        for change in differences({**known, **entry.parts}, {**now, **before.flat}):
            found += self._members(change, entry, before) if change.part.startswith(LIST) else [change]
        unique = tuple(dict.fromkeys(found))
        return told(unique) or f"its result of run {entry.run_id} is not there any more"

    def _members(self, change: Change, entry: CacheEntry, before: _Before) -> list[Change]:
        """Return what differs within a list; the list itself where its earlier state is gone."""
        then = self._cache.store.list_of(entry.parts.get(change.part, ""))
        now = before.inputs.lists.get(change.part, {})
        if not then:
            return [Change(part=f"file:{change.part.removeprefix(LIST)}", what=change.what)]
        kind = "file:" if now or then else ""
        return list(
            differences({kind + k: v for k, v in then.items()}, {kind + k: v for k, v in now.items()})
        )

    # keeping

    def _keep(
        self, context: StageContext, before: _Before, outcome: Outcome, log: _LogCopy
    ) -> tuple[Mapping[str, str], str]:
        """Store a success that can be trusted; return what was read and why nothing was stored."""
        if outcome.status is not StageStatus.SUCCESS:
            return {}, ""
        try:
            reads = self._reported(context, before, outcome)
            refusal = self._refusal(context, before, outcome, reads)
            if not refusal:
                self._store(context, before, outcome, reads, log)
        except (ChainopsError, OSError, KeyError) as error:
            return {}, _words(error)
        return reads, refusal

    def _reported(self, context: StageContext, before: _Before, outcome: Outcome) -> dict[str, str]:
        known = {name.removeprefix("file:") for name in before.flat if name.startswith("file:")}
        paths = sorted(set(self._reads.reported(context, outcome)) - known)
        return {path: before.tree.digest(path) for path in paths}

    def _refusal(
        self, context: StageContext, before: _Before, outcome: Outcome, reads: Mapping[str, str]
    ) -> str:
        """Return why this success cannot be trusted to be one of these inputs alone; empty when it can."""
        if not self._cache.policy.writes():
            return "this run's ref is not known"
        if doubt := self._reads.doubt(outcome):
            return doubt
        tree = self._see(context)
        changed = changes(before.tree.seen, tree.seen)
        changed = changed or changes(before.untouched, self._untouched(context))
        if changed:
            more = f" and {plural(len(changed) - 1, 'more file')}" if len(changed) > 1 else ""
            return f"{one_line(changed[0], 120)}{more} changed while it ran"
        after = self._inputs(context, tree)
        if differing := differences(before.flat, after.flat()):
            return f"while it ran, {told(differing)}"
        for path, digest in reads.items():
            if digest == ABSENT:
                return f"{one_line(path, 120)}, which it read, is not there"
            inside = path in tree.seen
            if not inside and (tree.root / path).stat().st_ctime_ns >= before.at_ns:
                return f"{one_line(path, 120)} changed while it ran"
        return ""

    def _store(
        self,
        context: StageContext,
        before: _Before,
        outcome: Outcome,
        reads: Mapping[str, str],
        log: _LogCopy,
    ) -> None:
        cache = self._cache
        blobs = cache.store.blobs
        folders = {
            name: keep_folder(folder, blobs, cache.digests)
            for name, folder in self._reads.folders(context).items()
        }
        for artifact in outcome.artifacts:
            blobs.put_chunks(cache.artifacts.chunks(artifact.digest))
        written = log.taken()
        entry = CacheEntry(
            stage=context.stage,
            run_id=context.run_id,
            stored_at=cache.clock.now(),
            parts=before.flat,
            reads=reads,
            outcome=cache.masker.value(outcome),
            folders=folders,
            log=blobs.put_bytes(written)[0] if written else "",
        )
        cache.store.put(cache.policy.writes(), entry, before.inputs.lists)
        cache.digests.save()
        if exceeds(cache.store, cache.limits):
            prune(cache.store, cache.limits)


class _LogCopy:
    """Passes a stage's log on and keeps a masked copy of it."""

    def __init__(self, context: StageContext, masker: Masker) -> None:
        self._context = context
        self._stream = MaskingStream(masker)
        self._kept = bytearray()
        self._dropped = 0

    def __call__(self, data: bytes) -> None:
        self._context.log(data)
        self._add(self._stream.feed(data))

    def _add(self, data: bytes) -> None:
        room = max(0, _LOG_LIMIT_BYTES - len(self._kept))
        self._kept += data[:room]
        self._dropped += max(0, len(data) - room)

    def taken(self) -> bytes:
        """Return the copy; nothing is added afterwards."""
        self._add(self._stream.close())
        if self._dropped:
            self._kept += f"\n[{format_bytes(self._dropped)} more are in the log of that run]\n".encode()
        return bytes(self._kept)


def _words(error: Exception) -> str:
    return one_line(error.message if isinstance(error, ChainopsError) else f"{error}", 240)
