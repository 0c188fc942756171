"""Two limits on the size of code: the smaller holds, and the verdict says which."""

from __future__ import annotations

import pytest

from chainops.quality.settings import QualityGatesSettings
from chainops.quality.sizes import size_limits


@pytest.mark.parametrize(
    ("asked", "accepted", "limit", "where"),
    [
        (None, 24_576, 24_576, " on live"),
        (None, 131_072, 131_072, " on live"),
        (24_576, 24_576, 24_576, " on live"),
        (20_000, 24_576, 20_000, " on live (max_contract_size, the network accepts 24,576)"),
        (
            {"live": 131_072},
            24_576,
            24_576,
            " on live (code_size_limit_bytes of the network, max_contract_size allows 131,072)",
        ),
        ({"other": 10}, 24_576, 24_576, " on live"),
        (
            {"other": 10, "default": 20},
            24_576,
            20,
            " on live (max_contract_size, the network accepts 24,576)",
        ),
    ],
)
def test_the_smaller_limit_holds(asked, accepted, limit, where):
    settings = QualityGatesSettings() if asked is None else QualityGatesSettings(max_contract_size=asked)
    (only,) = size_limits(settings, {"live": accepted})
    assert (only.limit_bytes, only.where) == (limit, where)


def test_networks_with_the_same_limit_are_judged_together():
    settings = QualityGatesSettings(max_contract_size={"live": 100})
    accepted = {"local": 24_576, "test": 24_576, "live": 24_576}
    found = size_limits(settings, accepted)
    assert [(one.limit_bytes, one.networks) for one in found] == [
        (24_576, ("local", "test")),
        (100, ("live",)),
    ]
