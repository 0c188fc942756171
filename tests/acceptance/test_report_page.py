"""The report in a real browser: what a repository wrote never runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chainops.report.document import result_document
from chainops.report.page import render_html

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "report"))
import samples

pytestmark = pytest.mark.acceptance
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=2000",
    "--dump-dom",
)


def title_after_loading(page: Path, profile: Path) -> str:
    assert BROWSER
    done = subprocess.run(
        [BROWSER, *OPTIONS, f"--user-data-dir={profile}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert found, done.stderr
    return found[1]


@pytest.mark.skipif(BROWSER is None, reason="no chromium here: the page was not opened in a browser")
def test_nothing_from_a_repository_runs_in_the_page(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    data = render_html(result_document(samples.hostile_run(), vector=samples.VECTOR))
    page.write_bytes(data)
    assert title_after_loading(page, tmp_path / "profile").startswith("FAILED")

    control = tmp_path / "control.html"
    control.write_bytes(b"<title>FAILED</title><script>document.title='owned'</script>")
    assert title_after_loading(control, tmp_path / "profile") == "owned", "scripts do run where we let them"

    unescaped = data.replace(b"</h1>", b"</h1><script>document.title='owned'</script>", 1)
    (tmp_path / "unescaped.html").write_bytes(unescaped)
    shown = title_after_loading(tmp_path / "unescaped.html", tmp_path / "profile")
    assert shown.startswith("FAILED"), "the policy holds even where escaping would not"
