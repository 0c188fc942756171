"""Figures read right, also where one unit gives way to the next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainops.core.units import format_bytes, format_duration, format_wei


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"), (0.085, "85 ms"), (0.9994, "999 ms"), (0.9999, "1.0 s"),
        (3.21, "3.2 s"), (59.94, "59.9 s"),
        (59.96, "1m 00s"), (245, "4m 05s"), (3599.4, "59m 59s"), (3599.6, "1h 00m"), (7380, "2h 03m"),
    ],
)  # fmt: skip
def test_a_duration_is_given_in_the_unit_people_use(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (24_576, "24.6 kB"), (999_949, "999.9 kB"),
        (999_950, "1.0 MB"), (1_234_567, "1.2 MB"), (999_950_000, "1.0 GB"), (5 * 10**12, "5000.0 GB"),
    ],
)  # fmt: skip
def test_a_size_is_given_in_powers_of_a_thousand(size: int, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0 ETH"),
        (10**18, "1 ETH"),
        (1, "0.000000000000000001 ETH"),
        (-15 * 10**17, "-1.5 ETH"),
        (10**20, "100 ETH"),
    ],
)
def test_an_amount_is_given_in_ether(wei: int, text: str) -> None:
    assert format_wei(wei) == text


@given(st.integers(-(10**40), 10**40))
def test_no_wei_is_lost(wei: int) -> None:
    number = format_wei(wei).removesuffix(" ETH")
    whole, _, rest = number.lstrip("-").partition(".")
    value = int(whole) * 10**18 + int(rest.ljust(18, "0"))
    assert (-value if number.startswith("-") else value) == wei
