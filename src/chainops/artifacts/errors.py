"""What can go wrong with stored files, each with the digest or name that it concerns."""

from __future__ import annotations

from chainops.core.errors import InputError, MachineError


class ArtifactMissingError(MachineError):
    """A blob that a manifest names is not in the store."""

    code = "ART301"

    def __init__(self, digest: str) -> None:
        super().__init__(
            f"artifact {digest} is not in the store",
            hint="run the stage that makes it again; `chainops artifacts verify` names all that are missing",
        )


class ArtifactChangedError(MachineError):
    """A blob's bytes no longer give its digest."""

    code = "ART302"

    def __init__(self, digest: str, found: str) -> None:
        super().__init__(
            f"artifact {digest} was changed after it was stored: its bytes now give {found}",
            hint="do not use it; run the stage that makes it again, which replaces the damaged copy",
        )


class ArtifactSourceError(MachineError):
    """A file that a stage wants to keep cannot be taken."""

    code = "ART303"


class ManifestError(MachineError):
    """A run's list of artifacts was damaged."""

    code = "ART304"


class ArtifactNameError(InputError):
    """A name that would leave its folder, or that no artifact has."""

    code = "ART101"


class UnknownRunError(InputError):
    """No run, or more than one, is meant by what was given."""

    code = "ART102"
