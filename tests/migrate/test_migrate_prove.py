"""The proof as a command: what it says of runs that differ, fail or do not end; and the page in a browser."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


ASKS = SCRIPT.replace(b"import torch\n", b"import argparse\nimport torch\nword = argparse.ArgumentParser()\n"
    b"word.add_argument('--data', required=True)\nassert word.parse_args().data == 'a folder'\n", 1)  # fmt: skip


def test_what_a_script_is_run_with(tmp_path, torch):
    (tmp_path / "asks.py").write_bytes(ASKS)
    done = command("asks.py", "-o", "out.py", "--prove", "--args", "--data 'a folder'", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for more, told in (
        (["--prove", "--args", "--data 'a"], "--args must be words as in a shell"),
        (["--args", "--data a"], "nothing is run without it"),
    ):
        done = command("asks.py", *more, cwd=tmp_path)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr


FROZEN = """import torch
import torch.nn as nn

torch.manual_seed(3)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
for p in net[0].parameters():
    p.requires_grad = False
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.5)
x, y = torch.randn(16, 4), torch.randint(0, 2, (16,))
criterion = nn.CrossEntropyLoss()
for step in range(8):
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    optimizer.step()
    scheduler.step()
"""


def test_what_an_optimizer_holds_frozen_is_not_counted(tmp_path, torch):
    """MindSpore's ``trainable_params()`` leaves out what PyTorch's optimizer is given and never moves."""
    (tmp_path / "frozen.py").write_text(FROZEN)
    done = command("frozen.py", "--to", "mindspore", "-o", "out.py", "--prove", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "level 1 (learning rate and weight decay): equal at all 32 places" in done.stderr
    assert "level 2 (weights, on the source's gradients): equal within" in done.stderr


HOSTILE = """import torch  # </script><script>alert(1)</script> "quotes" 'single' & <b>\N{RIGHT-TO-LEFT OVERRIDE}\u5b66
from torch import optim
NAME = "</td></table><script>document.title = 'taken'</script>"

model = torch.nn.Linear(2, 1)
optimizer = optim.Adagrad(model.parameters(), lr=0.1)  # <img src=x onerror="document.title='taken'">
scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
for epoch in range(3):
    for i in range(2):
        optimizer.zero_grad()
        loss = model(torch.ones(1, 2)).sum() ** 2
        loss.backward()
        optimizer.step()
    scheduler.step()
"""
HOSTILE_NAME = "\"><img src=x onerror=alert(1)>'\u5b66.py"


@pytest.fixture(scope="module")
def browser():
    """A real headless Chromium that says what a page became, and makes a picture of it."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed: nothing to look with")

    def look(page, *more):
        quiet = ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", *quiet)
        place = f"--user-data-dir={page.parent / 'profile'}"
        return subprocess.run(
            [path, *flags, place, *more, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
        ).stdout

    return look


def test_the_page_in_a_browser(tmp_path, torch, browser):
    """The browser lays the page out: nothing from outside, no script, both curves drawn, whatever the script holds."""
    (tmp_path / HOSTILE_NAME).write_text(HOSTILE, encoding="utf-8")
    done = command(HOSTILE_NAME, "-o", "out.py", "--report", "page.html", "--prove", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "level 2 (weights, on the source's gradients): equal within" in done.stderr
    page = browser(tmp_path / "page.html", "--dump-dom")
    assert page.count("<polyline") == 2 and 'class="gone"' in page and 'class="come"' in page
    assert page.count(">holds</b>") == 3
    assert "<script" not in page and "<img" not in page and "<title>Migration to calando</title>" in page
    assert "\\u202e" in page and "\N{RIGHT-TO-LEFT OVERRIDE}" not in page
    browser(tmp_path / "page.html", "--window-size=1200,1500", f"--screenshot={tmp_path / 'page.png'}")
    assert (tmp_path / "page.png").stat().st_size > 20_000


def test_the_defaults_said_aloud_are_a_table(tmp_path, torch, browser):
    pytest.importorskip("libcst", reason="libcst is not installed: nothing is rewritten to MindSpore")
    from calando.migrate import Wish, migrate
    from calando.migrate.page import page

    hostile = HOSTILE.replace("optim.Adagrad(model.parameters(), lr=0.1)", "optim.SGD(model.parameters())")
    done = migrate({HOSTILE_NAME: hostile.encode()}, Wish(to="mindspore"))
    assert done.spoken
    (tmp_path / "page.html").write_text(page(done), encoding="utf-8")
    shown = browser(tmp_path / "page.html", "--dump-dom")
    assert 'id="defaults"' in shown and "MindSpore's default is" in shown
    assert "<script" not in shown and "<img" not in shown
    anchors = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    for topic in {finding.topic for finding in done.findings if finding.topic}:
        assert f'<a id="{topic}"></a>' in anchors
        assert f"docs/guide.md#{topic}" in shown
    links = set(re.findall(r'href="#([^"]+)"', shown))
    assert {"guide-optimizer", "guide-step"} <= links
    assert all(f'id="{link}"' in shown for link in links), "every link leads somewhere in the page itself"


def test_the_sections_of_a_report_are_those_of_the_guide():
    from calando.migrate.sections import ALSO, SECTIONS

    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    for name, (title, _) in SECTIONS.items():
        assert re.search(rf'<a id="{name}"></a>.*\n\n#+ {re.escape(title)}\n', guide)
    for other, name in ALSO.items():
        assert re.search(rf'<a id="({name}|{other})"></a><a id="({name}|{other})"></a>', guide)


def test_a_form_feed_ends_no_line_of_the_page(torch):
    """Some editors put form feeds between sections; they are no line ends for Python, and so not for the page."""
    from calando.migrate import Wish, migrate
    from calando.migrate.page import page

    text = page(migrate({"train.py": SCRIPT.replace(b"\nmodel", b"\x0c\nname = 'a\x1cb\xe2\x80\xa8c'\nmodel")}, Wish()))
    for number, line in ((5, "model = torch.nn.Linear(2, 1)"), (6, "optimizer = optim.SGD")):
        assert re.search(
            rf'id="s0-{number}">(<a [^>]*>)?{number}(</a>)?</td><td class="[a-z]*">{re.escape(line)}', text
        )
