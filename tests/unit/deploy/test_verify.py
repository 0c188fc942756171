"""Code on a chain beside code from the compiler."""

from __future__ import annotations

import pytest

from chainops.deploy.verify import compare_code, metadata_size

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
OTHER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
RATIO = "src/Ratio.sol:Ratio"


def test_immutables_may_hold_anything(builds):
    counter = builds.find("Counter")
    code = bytearray(counter.runtime.template)
    assert len(counter.runtime.immutables) == 3
    for hole in counter.runtime.immutables:
        code[hole.start : hole.start + hole.length] = (1000).to_bytes(32, "big")
    assert compare_code(counter, {}, ADDRESS, bytes(code)) == ""
    code[counter.runtime.immutables[0].start - 1] ^= 1
    assert "the code differs from byte 143 on" in compare_code(counter, {}, ADDRESS, bytes(code))


def test_a_library_begins_with_its_own_address(builds):
    ratio = builds.find("Ratio")
    code = bytearray(ratio.runtime.template)
    code[1:21] = bytes.fromhex(ADDRESS[2:])
    assert compare_code(ratio, {}, ADDRESS, bytes(code)) == ""
    assert "differs from byte" in compare_code(ratio, {}, OTHER, bytes(code))


def test_linked_libraries_must_be_the_ones_that_were_deployed(builds):
    bank = builds.find("Bank")
    code = bank.runtime.linked({RATIO: ADDRESS})
    assert compare_code(bank, {RATIO: ADDRESS}, OTHER, code) == ""
    assert "the code differs" in compare_code(bank, {RATIO: OTHER}, OTHER, code)
    assert "not known" in compare_code(bank, {}, OTHER, code)


def test_metadata_counts(builds):
    counter = builds.find("Counter")
    code = bytearray(counter.runtime.template)
    assert metadata_size(bytes(code)) == 53
    code[-20] ^= 1
    assert "the compiler's metadata" in compare_code(counter, {}, ADDRESS, bytes(code))


@pytest.mark.parametrize(
    ("code", "said"), [(b"", "there is no code at 0x5FbD"), (b"\0", "1 bytes on the chain, ")]
)
def test_missing_or_cut_code_is_told(builds, code, said):
    assert said in compare_code(builds.find("Counter"), {}, ADDRESS, code)


def test_code_without_metadata_has_none():
    assert metadata_size(b"") == 0
    assert metadata_size(b"\0\1") == 0
    assert metadata_size(bytes.fromhex("5f5f5f0002")) == 0
