"""Turns a manifest's entries into steps: finds every mistake, resolves libraries, orders what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chainops.chains.abi import (
    Abi,
    Placeholder,
    ValueMistake,
    constructor_inputs,
    convert_all,
    is_payable,
    signature,
    to_integer,
)
from chainops.chains.model import Network
from chainops.core.config_mistakes import unknown_name
from chainops.core.errors import ChainopsError
from chainops.deploy.builds import Build, Builds, find_entry
from chainops.deploy.errors import ManifestError
from chainops.deploy.model import Arguments, CallEntry, ContractEntry, Manifest, Step, StepKind, Where
from chainops.deploy.references import placeholders, referenced, with_placeholders


@dataclass(slots=True, kw_only=True)
class Draft:
    """Steps and mistakes as they are found."""

    manifest: Manifest
    builds: Builds
    network: Network
    steps: dict[str, Step] = field(default_factory=dict)
    calls: list[Step] = field(default_factory=list)
    mistakes: list[ChainopsError] = field(default_factory=list)
    #: builds of what is deployed, by the step's name
    deployed: dict[str, Build] = field(default_factory=dict)

    def add_contract(self, entry: ContractEntry) -> None:
        """Add the step that deploys a contract, and those of libraries that it needs."""
        try:
            build = self.builds.find(entry.contract, entry.where.place("contract"))
        except ManifestError as mistake:
            self.mistakes.append(mistake)
            return
        self.deployed[entry.name] = build
        self._check_code(build, entry.where, entry.name)
        what = f"the constructor of {build.name}"
        inputs = constructor_inputs(build.abi)
        args = self._arguments(inputs, entry.args, entry.args_where, what)
        value = self._value(entry.value, entry.value_where, build.abi, None, what)
        libraries = self._libraries(build, entry)
        self.steps[entry.name] = Step(
            label=f"deploy {entry.name}",
            kind=StepKind.CONTRACT,
            place=entry.where.place(),
            name=entry.name,
            fqn=build.fqn,
            args=args,
            libraries=libraries,
            value_wei=value,
            code_digest=build.code_digest,
        )

    def _check_code(self, build: Build, where: Where, name: str) -> None:
        size, limit = len(build.runtime.template), self.network.code_size_limit_bytes
        place = where.place("contract")
        if not build.creation.template:
            self.mistakes.append(
                ManifestError(
                    f"{build.name} cannot be deployed: it is abstract or an interface",
                    place=place,
                    code="DPL106",
                )
            )
        elif size > limit:
            self.mistakes.append(
                ManifestError(
                    f"{name} has {size:,} bytes of code; {self.network.name} accepts {limit:,}",
                    place=place,
                    code="DPL107",
                    hint="move code into libraries, or lower optimizer_runs",
                )
            )
        elif len(build.creation.template) > 2 * limit:
            self.mistakes.append(
                ManifestError(
                    f"{name} has {len(build.creation.template):,} bytes of creation code; "
                    f"{self.network.name} accepts {2 * limit:,} (EIP-3860)",
                    place=place,
                    code="DPL107",
                )
            )

    def _arguments(
        self, inputs: Sequence[Mapping[str, Any]], given: Arguments, where: Where, what: str
    ) -> tuple[Any, ...]:
        try:
            values, wrong = convert_all(inputs, with_placeholders(given), what=what)
        except ValueMistake as mistake:
            values, wrong = [], [mistake]
        self.mistakes += [ManifestError(str(m), place=where.place(*m.path), code="DPL108") for m in wrong]
        known = [e.name for e in self.manifest.contracts]
        for one in placeholders(values):
            if (name := referenced(one)) and name not in known:
                self.mistakes.append(
                    unknown_name("reference", name, known, place=_find(given, one, where), code="DPL109")
                )
        return tuple(values)

    def _value(self, value: Any, where: Where, abi: Abi, entry: Mapping[str, Any] | None, what: str) -> int:
        try:
            value_wei = to_integer(value)
        except ValueMistake as mistake:
            self.mistakes.append(ManifestError(f"value: {mistake}", place=where.place(), code="DPL108"))
            return 0
        if value_wei < 0 or (value_wei and not is_payable(abi, entry)):
            why = "is negative" if value_wei < 0 else f"is not accepted: {what} is not payable"
            self.mistakes.append(ManifestError(f"value {why}", place=where.place(), code="DPL108"))
        return value_wei

    def _libraries(self, build: Build, entry: ContractEntry) -> dict[str, str]:
        given = dict(entry.libraries)
        linked: dict[str, str] = {}
        for fqn in build.library_names:
            short = fqn.rpartition(":")[2]
            key = fqn if fqn in given else short
            if key in given:
                linked[fqn] = self._library_address(given.pop(key), entry.where, key)
            else:
                linked[fqn] = self._library_step(fqn, short, entry)
        known = [n.rpartition(":")[2] for n in build.library_names]
        self.mistakes += [
            unknown_name("library", n, known, place=entry.where.place("libraries", n), code="DPL109")
            for n in given
        ]
        return linked

    def _library_address(self, text: str, where: Where, key: str) -> str:
        values, wrong = convert_all([{"type": "address", "name": key}], [text], what="libraries")
        self.mistakes += [
            ManifestError(str(m), place=where.place("libraries", key), code="DPL108") for m in wrong
        ]
        return str(values[0]) if values else ""

    def _library_step(self, fqn: str, short: str, entry: ContractEntry) -> str:
        """Return the name of the step that deploys a library, adding it the first time."""
        for name, step in self.steps.items():
            if step.fqn == fqn:
                return name
        for other in self.manifest.contracts:
            if other.contract in (fqn, short):
                return other.name
        name = short if short not in {e.name for e in self.manifest.contracts} else f"{short}-library"
        try:
            build = self.builds.find(fqn, entry.where.place("contract"))
        except ManifestError as mistake:
            self.mistakes.append(mistake)
            return name
        self.deployed[name] = build
        self._check_code(build, entry.where, name)
        bare = Step(
            label=f"deploy {name}",
            kind=StepKind.LIBRARY,
            place=entry.where.place(),
            name=name,
            fqn=build.fqn,
            code_digest=build.code_digest,
        )
        # known before its own libraries are looked at, so that two that use each other do not go round
        self.steps[name] = bare
        libraries = {f: self._library_step(f, f.rpartition(":")[2], entry) for f in build.library_names}
        self.steps[name] = replace(bare, libraries=libraries)
        return name

    def add_call(self, call: CallEntry) -> None:
        """Add the step of a call."""
        names = [e.name for e in self.manifest.contracts]
        if call.contract not in names:
            place = call.where.place("contract")
            self.mistakes.append(unknown_name("contract", call.contract, names, place=place, code="DPL104"))
            return
        build = self.deployed.get(call.contract)
        if build is None:
            return  # its own mistake is told already
        function = self._function(build, call)
        if function is None:
            return
        what = f"{build.name}.{function['name']}"
        args = self._arguments(function.get("inputs", ()), call.args, call.args_where, what)
        self.calls.append(
            Step(
                label=f"call {call.name}: {call.contract}.{function['name']}",
                kind=StepKind.CALL,
                place=call.where.place(),
                fqn=build.fqn,
                function=signature(function),
                args=args,
                target=call.contract,
                value_wei=self._value(call.value, call.value_where, build.abi, function, what),
            )
        )

    def _function(self, build: Build, call: CallEntry) -> Mapping[str, Any] | None:
        place = call.where.place("function")
        try:
            function = find_entry(build, "function", call.function, place=place)
        except ManifestError as mistake:
            self.mistakes.append(mistake)
            return None
        if function.get("stateMutability") in ("view", "pure"):
            self.mistakes.append(
                ManifestError(
                    f"{build.name}.{call.function} changes nothing",
                    place=place,
                    code="DPL108",
                    hint="check its result in `smoke_tests`",
                )
            )
        return function

    def ordered(self) -> list[Step]:
        """Return contracts after what they need, otherwise as listed, then the calls."""
        done: dict[str, Step] = {}
        for name in self.steps:
            self._visit(name, done, ())
        return [*done.values(), *self.calls]

    def _visit(self, name: str, done: dict[str, Step], above: tuple[str, ...]) -> None:
        step = self.steps.get(name)
        if step is None or name in done:
            return
        if name in above:
            circle = " → ".join([*above[above.index(name) :], name])
            self.mistakes.append(
                ManifestError(
                    f"contracts need each other's addresses: {circle}",
                    place=step.place,
                    code="DPL113",
                    hint="pass one of the addresses by a call after the deployment",
                )
            )
            return
        for needed in _needs(step):
            self._visit(needed, done, (*above, name))
        done.setdefault(name, step)


def _needs(step: Step) -> list[str]:
    names = [v for v in step.libraries.values() if not v.startswith("0x")]
    return names + [n for n in map(referenced, placeholders(step.args)) if n]


def _find(given: Any, wanted: Placeholder, where: Where) -> Any:
    """Return the place of a placeholder in what was written."""
    pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
    for key, value in pairs:
        if value == wanted.text:
            return where.place(key)
        if isinstance(value, list | tuple | Mapping) and wanted.text in str(value):
            return _find(value, wanted, where.at(key))
    return where.place()
