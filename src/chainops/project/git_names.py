"""URLs and refs that Git may be given: some are commands in disguise."""

from __future__ import annotations

import re

#: `helper::address` runs `git-remote-helper`; `ext::` runs any command
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCHEMES = ("https", "http", "ssh", "git", "file", "git+ssh", "ssh+git")
#: git-check-ref-format(1), as far as it matters for a name that a person writes; `~` and `^` are left out
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(?:/|\Z)|/\Z|\A/|\.\Z")


def why_refused_url(url: str) -> str:
    """Return why Git must not be given this URL, in words; empty when it may."""
    if url.startswith("-"):
        return "a URL must not begin with `-`: Git would take it for an option"
    if _HELPER.match(url):
        return "remote helpers such as `ext::` are refused: they run commands"
    if any(ord(c) < 32 or ord(c) == 127 for c in url):
        return "a URL must not hold control characters"
    scheme = _SCHEME.match(url)
    if scheme and scheme[1].lower() not in _SCHEMES:
        return f"the scheme {scheme[1]}:// is not one that Git is used with here ({', '.join(_SCHEMES[:5])})"
    # ssh://-oProxyCommand=… and git@-o…:path: the host would be an option to ssh (CVE-2017-1000117)
    rest = url[scheme.end() :] if scheme else url
    host = re.split(r"[/:]", rest, maxsplit=1)[0].rpartition("@")[2]
    if host.startswith("-"):
        return "a host must not begin with `-`: ssh would take it for an option"
    return ""


def why_refused_ref(ref: str) -> str:
    """Return why Git must not be given this ref, in words; empty when it may."""
    if ref.startswith("-"):
        return "a ref must not begin with `-`: Git would take it for an option"
    if _BAD_REF.search(ref):
        return "not a name that a branch, tag or commit can have"
    return ""
