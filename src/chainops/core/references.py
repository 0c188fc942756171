"""Values that a configuration names instead of holding: `${VAR}` and secrets, resolved late and masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chainops.core.errors import ChainopsError, InputError, InputErrors, Place
from chainops.core.secret_shapes import looks_secret
from chainops.core.secrets import Masker, url_secrets

SECRET_SCHEME = "secret://"  # noqa: S105 - the scheme of a reference, not a secret
_MAX_SECRET_BYTES = 64 << 10
#: `$${` stands for a literal `${`
_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{")
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|MNEMONIC|CREDENTIAL|AUTH(?!OR)", re.IGNORECASE)


class UnresolvedError(InputError):
    """A reference names something that is not there, or is written wrongly."""

    code = "CFG150"


class LiteralSecretError(InputError):
    """A configuration holds a secret where a reference belongs."""

    code = "CFG155"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Turns references into values and makes the masker hide the secret ones."""

    #: chainops' own environment
    env: Mapping[str, str]
    #: the folder that `secret://file/<path>` starts from
    base: Path
    masker: Masker = field(default_factory=Masker)

    def resolve(
        self,
        text: str,
        place: Place | None = None,
        *,
        url_secrets: Callable[[str], tuple[str, ...]] = url_secrets,
    ) -> str:
        """Return `text` with its references replaced. Raises `UnresolvedError`.

        `${NAME}` and `${NAME:-default}` come from the environment, anywhere in the text; `$${` is a literal
        `${`. `secret://env/NAME` and `secret://file/path` must be the whole text and are always masked.
        `url_secrets` names the parts to mask of a URL that a variable has a part in.
        """
        if text.startswith(SECRET_SCHEME):
            secret = self._secret(text, place)
            self.masker.add(secret)
            return secret
        value = _VARIABLE.sub(lambda match: self._variable(match, place), text)
        if value != text and "://" in value:
            for secret in url_secrets(value):
                self.masker.add(secret)
        return value

    def resolve_all(
        self, values: Mapping[str, str], place: Callable[[str], Place | None] = lambda _name: None
    ) -> dict[str, str]:
        """Return all values resolved. Raises `InputErrors` with every one that cannot be.

        A literal that looks like a secret is refused: it would be in the repository and in every result.
        """
        resolved: dict[str, str] = {}
        mistakes: list[ChainopsError] = []
        for name, text in values.items():
            try:
                refuse_literal(name, text, place(name))
                resolved[name] = self.resolve(text, place(name))
            except InputError as mistake:
                mistakes.append(mistake)
        if mistakes:
            raise InputErrors(tuple(mistakes), what="references")
        return resolved

    def _variable(self, match: re.Match[str], place: Place | None) -> str:
        name = match["name"]
        if match[0] == "$${":
            return "${"
        if name is None:
            raise UnresolvedError(
                "`${` without a name and a closing brace", place=place, hint="`$${` stands for a literal `${`"
            )
        value = self.env.get(name)
        if value is None:
            if match["default"] is None:
                raise UnresolvedError(
                    f"the environment variable {name} is not set",
                    place=place,
                    hint=f"set it, or give a default: ${{{name}:-value}}",
                )
            return match["default"]
        if _SECRET_NAME.search(name) or looks_secret(name, value):
            self.masker.add(value)
        return value

    def _secret(self, text: str, place: Place | None) -> str:
        kind, name = _secret_parts(text, place)
        if kind == "env":
            secret = self.env.get(name, "")
            if not secret:
                raise UnresolvedError(
                    f"the secret's environment variable {name} is not set or empty",
                    place=place,
                    code="CFG151",
                )
            return secret
        return self._from_file(self.base / name, place)

    @staticmethod
    def _from_file(path: Path, place: Place | None) -> str:
        try:
            with path.open("rb") as file:
                raw = file.read(_MAX_SECRET_BYTES + 1)
            secret = raw.decode("utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise UnresolvedError(
                f"cannot read the secret's file {path}: {reason}", place=place, code="CFG153"
            ) from error
        if not secret or len(raw) > _MAX_SECRET_BYTES:
            size = "is empty" if not secret else f"holds more than {_MAX_SECRET_BYTES:,} bytes"
            raise UnresolvedError(f"the secret's file {path} {size}", place=place, code="CFG153")
        return secret


def refuse_unknown_reference(text: str, place: Place | None = None) -> None:
    """Raise `UnresolvedError` when `text` is written as a secret's reference and is none."""
    if text.startswith(SECRET_SCHEME):
        _secret_parts(text, place)


def _secret_parts(text: str, place: Place | None) -> tuple[str, str]:
    """Return what holds a secret (`env` or `file`), and its name there."""
    kind, _, name = text.removeprefix(SECRET_SCHEME).partition("/")
    if kind in ("env", "file") and name:
        return kind, name
    raise UnresolvedError(
        f"`{SECRET_SCHEME}{kind}/…` is not a secret reference",
        place=place,
        hint="secret://env/NAME or secret://file/path",
        code="CFG152",
    )


def refuse_literal(name: str, text: str, place: Place | None = None) -> None:
    """Raise `LiteralSecretError` when `text` holds a secret itself instead of naming one."""
    if text.startswith(SECRET_SCHEME):
        return
    if what := looks_secret(name, _VARIABLE.sub("", text)):
        raise LiteralSecretError(
            f"`{name}` holds {what}; a configuration is read by others",
            place=place,
            hint=f"put it in the environment and write `secret://env/{name}`, or `secret://file/path`",
        )
