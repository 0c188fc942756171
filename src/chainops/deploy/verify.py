"""Is the code on the chain the code that was compiled?"""

from __future__ import annotations

from collections.abc import Mapping

from chainops.deploy.builds import Build, Code

#: PUSH20: a library begins with its own address, so that it notices being called directly
#: (https://docs.soliditylang.org/en/latest/contracts.html#call-protection-for-libraries)
_PUSH20 = 0x73


def compare_code(build: Build, libraries: Mapping[str, str], address: str, on_chain: bytes) -> str:
    """Return what differs between `build` at `address` and `on_chain`, empty when nothing does.

    Immutables are allowed for, since they exist only on the chain; the compiler's metadata is not.
    `libraries` gives the addresses that were linked, by `path:name`.
    """
    if not on_chain:
        return f"there is no code at {address}"
    missing = [n for n in build.runtime.library_names if n not in libraries]
    if missing:
        return f"the address of library {missing[0]} is not known"
    expected = bytearray(build.runtime.linked(libraries))
    if expected[:21] == bytes([_PUSH20]) + bytes(20):
        expected[1:21] = bytes.fromhex(address[2:])
    if len(expected) != len(on_chain):
        return f"{len(on_chain):,} bytes on the chain, {len(expected):,} compiled"
    found = masked(build.runtime, on_chain)
    wanted = masked(build.runtime, bytes(expected))
    if found == wanted:
        return ""
    offset = next(i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b)
    begin = len(wanted) - metadata_size(bytes(wanted))
    where = "the compiler's metadata (other sources or settings)" if offset >= begin else "the code"
    return f"{where} differs from byte {offset:,} on"


def masked(code: Code, data: bytes) -> bytes:
    """Return `data` with the immutables of `code` set to zero."""
    result = bytearray(data)
    for hole in code.immutables:
        result[hole.start : hole.start + hole.length] = bytes(hole.length)
    return bytes(result)


def metadata_size(runtime: bytes) -> int:
    """Return how many bytes at the end are metadata: CBOR and the two bytes of its length.

    0 when the end does not look like it
    (https://docs.soliditylang.org/en/latest/metadata.html#encoding-of-the-metadata-hash-in-the-bytecode).
    """
    if len(runtime) < 2:
        return 0
    size = int.from_bytes(runtime[-2:], "big") + 2
    # a CBOR map of one to four entries
    return size if size <= len(runtime) and 0xA1 <= runtime[-size] <= 0xA4 else 0
