"""Commands in disguise of URLs and refs are refused; ordinary ones are not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from chainops.project.git_names import why_refused_ref, why_refused_url
from chainops.project.settings import ProjectSettings


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "ext::",
        "fd::17",
        "--upload-pack=id",
        "-u",
        "ssh://-oProxyCommand=id/x",
        "ssh://git@-oProxyCommand=id/x",
        "git@-oProxyCommand=id:x",
        "-oProxyCommand=id:x",
        "gopher://x/y",
        "https://x/\ny",
    ],
)
def test_dangerous_urls_are_refused(url: str) -> None:
    assert why_refused_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://github.com/a/b.git", "git@github.com:a/b.git", "ssh://git@host:22/a", "/srv/a b", "../a", "file:///a",
     "https://user:token@host/a", "${URL}", "http://[::1]/x", "a-b"],
)  # fmt: skip
def test_ordinary_urls_are_taken(url: str) -> None:
    assert why_refused_url(url) == ""


@pytest.mark.parametrize(
    "ref", ["-x", "--help", "a b", "a..b", "a~1", "HEAD^", "a:b", "x.lock", "a//b", "/a", "a\n", "@{1}"]
)
def test_bad_refs_are_refused(ref: str) -> None:
    assert why_refused_ref(ref)


@pytest.mark.parametrize("ref", ["main", "v1.0.2", "feature/x-y", "a" * 40, "refs/pull/7/head", "Übung"])
def test_ordinary_refs_are_taken(ref: str) -> None:
    assert why_refused_ref(ref) == ""


@pytest.mark.parametrize(
    "values", [{"repository_url": "ext::x"}, {"ref": "-x"}, {"path": "../x"}, {"path": "/x"}, {"path": "~/x"}]
)
def test_settings_refuse_them_too(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ProjectSettings.model_validate(values)
