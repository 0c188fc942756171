"""Reads the declared smoke checks against the contracts' ABIs: every mistake at once, each at its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainops.chains.abi import (
    Placeholder,
    ValueMistake,
    convert_all,
    encode,
    is_payable,
    selector,
    show,
    to_integer,
)
from chainops.core.config_mistakes import unknown_name
from chainops.core.errors import ChainopsError, InputErrors, Place
from chainops.deploy.builds import Builds, find_entry
from chainops.deploy.errors import ManifestError
from chainops.deploy.model import Arguments, Where
from chainops.deploy.references import referenced, resolved, with_placeholders
from chainops.deploy.settings import EventSettings, RevertSettings, SmokeSettings
from chainops.deploy.smoke import ExpectedEvent, ExpectedRevert, SmokeCheck, Target, with_args


def prepare_checks(
    section: Sequence[SmokeSettings],
    where: Where,
    *,
    targets: Mapping[str, Target],
    builds: Builds,
    account: str,
    may_send: bool,
) -> tuple[SmokeCheck, ...]:
    """Return the checks of `smoke_tests:`; raises `InputErrors` with every mistake at its line."""
    preparer = _Preparer(targets=targets, builds=builds, account=account, may_send=may_send)
    checks = [preparer.check(one, where.at(index), index) for index, one in enumerate(section)]
    if preparer.mistakes:
        raise InputErrors(tuple(preparer.mistakes), what="the smoke tests")
    return tuple(c for c in checks if c)


@dataclass(slots=True, kw_only=True)
class _Preparer:
    targets: Mapping[str, Target]
    builds: Builds
    account: str
    may_send: bool
    mistakes: list[ChainopsError] = field(default_factory=list)

    def check(self, one: SmokeSettings, where: Where, index: int) -> SmokeCheck | None:
        try:
            return self._check(one, where, index)
        except ManifestError as mistake:
            self.mistakes.append(mistake)
            return None

    def _check(self, one: SmokeSettings, where: Where, index: int) -> SmokeCheck:
        target = self._target(one.contract, where.at("contract"))
        function = find_entry(target.build, "function", one.function, place=where.place("function"))
        what = f"{target.build.name}.{function['name']}"
        args = self._all(function.get("inputs", ()), one.args, where.at("args"), what)
        sends = (bool(one.emits) if one.view is None else not one.view) and not one.reverts
        if sends and function.get("stateMutability") in ("view", "pure"):
            sends = False
        if sends and not self.may_send:
            raise ManifestError(
                f"{what} would be sent to a production network", place=where.place(), code="DPL115"
            )
        return SmokeCheck(
            name=one.name or f"{index + 1}: {one.contract}.{one.function}",
            place=where.place(),
            target=target,
            function=function,
            data=selector(function) + encode(function.get("inputs", ()), args),
            value_wei=self._value(one, where, target, function, what),
            sender=self._sender(one, where, sends=sends),
            sends=sends,
            results=self._results(one, where, function, what),
            reverts=self._reverts(one, where, target),
            events=self._events(one, where, target),
        )

    def _target(self, name: str, where: Where) -> Target:
        if name in self.targets:
            return self.targets[name]
        mistake = unknown_name("contract", name, self.targets, place=where.place(), code="DPL104")
        raise ManifestError(
            f"no contract `{name}` was deployed", place=where.place(), hint=mistake.hint, code="DPL104"
        )

    def _address_of(self, placeholder: Placeholder) -> str:
        name = referenced(placeholder)
        if not name:
            return self.account
        if name not in self.targets:
            raise ValueMistake(f"`{placeholder.text}`: no contract `{name}` was deployed")
        return self.targets[name].address

    def _addressed(self, value: Any) -> Any:
        return resolved(with_placeholders(value), self._address_of)

    def _all(
        self, inputs: Sequence[Mapping[str, Any]], given: Arguments, where: Where, what: str
    ) -> list[Any]:
        try:
            values, wrong = convert_all(inputs, self._addressed(given), what=what)
        except ValueMistake as mistake:
            values, wrong = [], [mistake]
        # all but the last go to the list; the last one stops this check
        self.mistakes += [_at(m, where) for m in wrong[:-1]]
        if wrong:
            raise _at(wrong[-1], where)
        return values

    def _some(
        self, inputs: Sequence[Mapping[str, Any]], given: Arguments | None, where: Where, what: str
    ) -> dict[int, Any]:
        """Return expected values by position: all of a list, or those named in a mapping."""
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            return dict(enumerate(map(comparable, self._all(inputs, given, where, what))))
        names = [str(p.get("name", "")) for p in inputs]
        bare = [n.strip("_") for n in names]
        found: dict[int, Any] = {}
        for key, value in given.items():
            position = names.index(key) if key in names else bare.index(key) if key in bare else -1
            if position < 0:
                raise unknown(what, key, names, where.place(key))
            values = self._all([inputs[position]], [value], where.at(key), what)
            found[position] = comparable(values[0])
        return found

    def _value(
        self, one: SmokeSettings, where: Where, target: Target, function: Mapping[str, Any], what: str
    ) -> int:
        try:
            value_wei = to_integer(one.value)
        except ValueMistake as mistake:
            raise _at(mistake, where.at("value")) from None
        if value_wei and not is_payable(target.build.abi, function):
            raise ManifestError(f"{what} accepts no ether", place=where.place("value"), code="DPL108")
        return value_wei

    def _sender(self, one: SmokeSettings, where: Where, *, sends: bool) -> str:
        if one.sender is None:
            return ""
        if sends:
            raise ManifestError(
                "`sender` is for calls that send nothing: only the deployer's transactions can be signed",
                place=where.place("sender"),
                code="DPL108",
            )
        return str(self._all([{"type": "address", "name": "sender"}], [one.sender], where, "sender")[0])

    def _results(
        self, one: SmokeSettings, where: Where, function: Mapping[str, Any], what: str
    ) -> dict[int, Any] | None:
        if "expect" not in one.model_fields_set:
            return None
        outputs = function.get("outputs", ())
        at = where.at("expect")
        if len(outputs) == 1 and not (isinstance(one.expect, Mapping) and outputs[0]["type"] != "tuple"):
            try:
                values, wrong = convert_all(outputs, [self._addressed(one.expect)], what="the result")
            except ValueMistake as mistake:
                raise _at(mistake, at) from None
            if wrong:
                raise ManifestError(str(wrong[0]), place=at.place(*wrong[0].path[1:]), code="DPL108")
            return {0: comparable(values[0])}
        given = one.expect if isinstance(one.expect, list | Mapping) else [one.expect]
        return self._some(outputs, given, at, f"the result of {what}")

    def _reverts(self, one: SmokeSettings, where: Where, target: Target) -> ExpectedRevert | None:
        wanted, at = one.reverts, where.at("reverts")
        if wanted is None:
            return None
        if isinstance(wanted, str):
            return ExpectedRevert(name="Error", args={0: wanted}, shown=show(wanted))
        if not isinstance(wanted, RevertSettings):
            return ExpectedRevert()
        if wanted.error is None:
            try:
                code = to_integer(wanted.panic)
            except ValueMistake as mistake:
                raise _at(mistake, at.at("panic")) from None
            return ExpectedRevert(name="Panic", args={0: code}, shown=f"Panic(0x{code:02x})")
        entry = find_entry(target.build, "error", wanted.error, place=at.place("error"))
        args = self._some(entry.get("inputs", ()), wanted.args, at.at("args"), wanted.error)
        name = str(entry["name"])
        return ExpectedRevert(name=name, args=args, shown=with_args(name, args))

    def _events(self, one: SmokeSettings, where: Where, target: Target) -> tuple[ExpectedEvent, ...]:
        if one.emits is None:
            return ()
        if isinstance(one.emits, EventSettings):
            return (self._event(one.emits, where.at("emits"), target),)
        return tuple(self._event(e, where.at("emits", i), target) for i, e in enumerate(one.emits))

    def _event(self, one: EventSettings, where: Where, called: Target) -> ExpectedEvent:
        emitter = self._target(one.contract, where.at("contract")) if one.contract else called
        entry = find_entry(emitter.build, "event", one.event, place=where.place("event"))
        args = self._some(entry.get("inputs", ()), one.args, where.at("args"), one.event)
        return ExpectedEvent(address=emitter.address, abi=entry, args=args)


def _at(mistake: ValueMistake, where: Where) -> ManifestError:
    return ManifestError(str(mistake), place=where.place(*mistake.path), code="DPL108")


def unknown(what: str, name: str, known: Sequence[str], place: Place) -> ManifestError:
    """Return the error for a value that a result, event or error does not have."""
    hint = unknown_name("value", name, [k for k in known if k], place=place, code="DPL109").hint
    return ManifestError(f"{what} has no `{name}`", place=place, hint=hint, code="DPL109")


def comparable(value: Any) -> Any:
    """Return a converted value in the form that decoding gives: bytes as 0x-hex, lists for tuples."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [comparable(item) for item in value]
    return value
