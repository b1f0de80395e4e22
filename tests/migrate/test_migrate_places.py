"""Bad input of the command: one sentence, and nothing written. How runs end, and what they leave behind: nothing."""

import sys
import time

import pytest

from calando.migrate import Wish
from calando.migrate.command import Asked, run
from calando.migrate.prove import play
from calando.migrate.prove.journal import Journal
from calando.migrate.prove.started import started

SCRIPT = "import torch\nopt = torch.optim.SGD([torch.zeros(1)], lr=0.1)\nopt.step()\n"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "link.py").symlink_to("train.py")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    return tmp_path


WRONG = {
    "the script as its own result": ({"out": "train.py"}, "this is the script itself; --in-place"),
    "the script by a link": ({"out": "link.py"}, "this is the script itself; --in-place"),
    "the script's own folder": ({"out": "."}, "the scripts are there; --in-place"),
    "a page over the script": ({"report": "train.py"}, "this is the script itself"),
    "a page that is a folder": ({"report": "."}, "a folder; name a file in it"),
    "a file as a folder": ({"out": "train.py/a.py"}, "nothing can be written in"),
}


@pytest.mark.parametrize("name", WRONG)
def test_where_nothing_can_go_is_said_before_anything_is_written(name, place):
    options, told = WRONG[name]
    options = {key: place / value for key, value in options.items()}
    before = sorted(place.iterdir())
    with pytest.raises(ValueError, match=told):
        run(Asked((str(place / "train.py"),), Wish(to="calando"), **options))
    assert sorted(place.iterdir()) == before and (place / "train.py").read_text() == SCRIPT


def test_a_file_for_several_results_is_refused(place):
    with pytest.raises(ValueError, match="several results need a folder"):
        run(Asked((str(place),), Wish(to="calando"), out=place / "train.py"))


def test_a_dangling_link_in_a_folder_is_left_out(place, capsys):
    assert run(Asked((str(place),), Wish(to="calando"), check=True)) == 1
    assert "gone.py: No such file or directory" in capsys.readouterr().err


ENDS = {
    "os._exit": ("import os\nos._exit(7)\n", "it ended with exit code 7: it said nothing"),
    "sys.exit with words": ("import sys\nsys.exit('no\\n data')\n", "it ended with sys.exit: no data"),
    "an argument that is wanted": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()\n",
        "it ended with exit code 2: train.py: error: the following arguments are required: data",
    ),
    "a signal": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
        "it was ended by SIGSEGV: it said nothing",
    ),
    "a thread that goes on": ("import threading, time\nthreading.Thread(target=time.sleep, args=(500,)).start()\n", ""),
    "100 MB of output": ("import os\nfor _ in range(100):\n    os.write(2, b'x' * 1_000_000)\n", ""),
}


def played(tmp_path, text, seconds=60.0):
    script = tmp_path / "train.py"
    script.write_text(text)
    job = {"script": str(script), "folder": str(tmp_path), "sides": [], "bridge": "", "replay": "",
           "out": str(tmp_path / "out.npz"), "room": ""}  # fmt: skip
    return started(job, tmp_path, seconds).problem


@pytest.mark.parametrize("name", ENDS)
def test_how_a_run_ended_is_said(name, tmp_path):
    text, told = ENDS[name]
    assert played(tmp_path, text) == told


def test_a_run_that_hangs_is_stopped_with_what_it_started(tmp_path):
    """The child would go on, and keep its parent's output open."""
    text = (
        "import subprocess, sys, time\n"
        'child = \'import time; [open({!r}, "a").write(".") or time.sleep(0.1) for _ in range(600)]\'\n'
        "subprocess.Popen([sys.executable, '-c', child])\ntime.sleep(60)\n"
    ).replace("{!r}", repr(str(tmp_path / "alive")).replace("'", "\\'"))
    began = time.monotonic()
    assert played(tmp_path, text, 6.0).startswith("it was stopped after 6 seconds")
    assert time.monotonic() - began < 30
    size = (tmp_path / "alive").stat().st_size
    time.sleep(0.5)
    assert (tmp_path / "alive").stat().st_size == size


def test_the_next_script_imports_its_own_files(tmp_path):
    """Of the same names, also where a folder is reached by a link; what is not theirs stays loaded."""
    (tmp_path / "link").symlink_to("b")
    for number, name in enumerate(("a", "b")):
        (tmp_path / name / "parts").mkdir(parents=True)
        (tmp_path / name / "parts" / "first.py").write_text(f"import xml.dom.pulldom\nNUMBER = {number}\n")
        text = "import os, sys\nsys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))\n"
        text += "import parts.first\nraise ValueError(parts.first.NUMBER)\n"
        (tmp_path / name / "train.py").write_text(text)
    for name, told in (("a", "ValueError: 0"), ("link", "ValueError: 1"), ("a", "ValueError: 0")):
        journal = Journal()
        play.run(tmp_path / name / "train.py", tmp_path / name, journal)
        assert told in journal.problem
        assert "parts.first" not in sys.modules and "xml.dom.pulldom" in sys.modules
