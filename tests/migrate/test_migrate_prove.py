"""The proof as a command: what it says of runs that differ, fail or do not end; and the page in a browser."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from programs import SCRIPT


def command(*args, cwd):
    return subprocess.run(
        [sys.executable, "-m", "calando", "migrate", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
    )


def test_a_script_that_fails_and_one_that_does_not_end(tmp_path, torch):
    (tmp_path / "fails.py").write_bytes(SCRIPT.replace(b"for epoch", b"raise KeyError('data')\nfor epoch"))
    done = command("fails.py", "-o", "out.py", "--prove", cwd=tmp_path)
    assert done.returncode == 1
    assert "the source failed: line 7: KeyError: 'data'" in done.stderr
    (tmp_path / "hangs.py").write_bytes(SCRIPT.replace(b"for epoch", b"while True:\n    pass\nfor epoch"))
    done = command("hangs.py", "-o", "out.py", "--prove", "--seconds", 4, cwd=tmp_path)
    assert done.returncode == 1
    assert "the source failed: it was stopped after 4 seconds" in done.stderr


def test_the_page_in_a_browser(tmp_path, torch):
    """A real headless Chromium lays the page out: nothing from outside, no script, both curves drawn."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("Chromium is not installed: nothing to look with")
    (tmp_path / "train.py").write_bytes(SCRIPT)
    done = command("train.py", "-o", "out.py", "--report", "page.html", "--prove", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "level 2 (weights, on the source's gradients): equal within" in done.stderr
    seen = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", (tmp_path / "page.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    page = seen.stdout
    assert page.count("<polyline") == 2 and 'class="gone"' in page and 'class="come"' in page
    assert page.count(">holds</b>") == 3 and "<script" not in page
