"""What a stage stands on, part by part, and what the cache keeps of a stage that succeeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chainops.core.hashing import canonical_json, digest_bytes, digest_json
from chainops.pipeline.model import Outcome

#: what a part holds that is not there
ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInputs:
    """Everything that is known before a stage runs of what it stands on.

    `parts` are digests by name: `file:src/A.sol`, `setting:foundry.profile`, `tool:forge`, `env:NAME`,
    `cell:solc`, `place:project`. `lists` are parts with many members, such as the names of all library files:
    a member's name and its digest, or an empty text where only its being there counts.
    """

    parts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: why nothing may be taken from the cache or kept in it; empty when it may
    never: str = ""

    def flat(self) -> dict[str, str]:
        """Return all parts, each list as one."""
        return {**self.parts, **{name: digest_bytes(encode_list(held)) for name, held in self.lists.items()}}


def encode_list(held: Mapping[str, str]) -> bytes:
    """Return the bytes of a list, whose digest stands for it among the parts."""
    return canonical_json(dict(held))


def inputs_digest(flat: Mapping[str, str], reads: Mapping[str, str]) -> str:
    """Return one digest over the parts and over the files that the tools reported they read."""
    return digest_json({"parts": dict(flat), "reads": dict(reads)})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of an output folder. `path` is relative to the folder, `mode` are its permission bits."""

    path: str
    digest: str
    size_bytes: int
    mtime_ns: int
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """A stage's success as it can be given back."""

    stage: str
    #: the run in which the stage ran
    run_id: str
    stored_at: datetime
    parts: Mapping[str, str]
    #: digests of the files that the tools reported they read, beside those among the parts
    reads: Mapping[str, str]
    outcome: Outcome
    #: declared output folders by name
    folders: Mapping[str, tuple[KeptFile, ...]] = field(default_factory=dict)
    #: digest of the log; empty when nothing was written
    log: str = ""

    @property
    def first_key(self) -> str:
        """The digest of what was known before the stage ran."""
        return self.first_key_of(self.parts)

    @staticmethod
    def first_key_of(parts: Mapping[str, str]) -> str:
        """Return the digest of the parts alone."""
        return digest_json(dict(parts))

    @property
    def key(self) -> str:
        """The digest of everything that the stage stood on."""
        return inputs_digest(self.parts, self.reads)

    @property
    def blobs(self) -> frozenset[str]:
        """Digests of everything that the entry needs to be given back."""
        files = {file.digest for kept in self.folders.values() for file in kept}
        return frozenset(files | {a.digest for a in self.outcome.artifacts} | ({self.log} - {""}))
