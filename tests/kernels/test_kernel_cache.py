"""Kernels on disk: compiled once, found again, and never the reason that a step fails."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calando.decay import L2
from calando.kernels import compile
from calando.kernels.entry import Entry, Order
from calando.rules.sgd import SGD
from twins import Case, Twin, assert_same, make, usual

STEP = """
import numpy as np
from twins import Case, make, usual
from calando.decay import L2
from calando.kernels import compile
from calando.rules.sgd import SGD

engine = make([Case([np.full(3, 4.0, "f4")], SGD, L2, usual(SGD, lr=0.5, weight_decay=0.25))])
engine.step([[np.full(3, 2.0, "f4")]])
print(engine.members[0][0].param.tolist())  # 4 - 0.5 (2 + 0.25 * 4)
print(compile.kernel(SGD, L2, "float32").made.cache_hits)
"""
MOVED = "[2.5, 2.5, 2.5]"


def text(cache):
    return compile.source(SGD, L2, "float32", cache)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder, and the modules that are made in it forgotten afterwards."""
    monkeypatch.setenv("CALANDO_CACHE_DIR", str(tmp_path / "kernels"))
    before = set(sys.modules)
    yield tmp_path / "kernels"
    for title in set(sys.modules) - before:
        if title.startswith("calando_kernel_"):
            del sys.modules[title]


def works(kernel):
    """Whether this is plain descent."""
    p, g = np.full(3, 4.0, "f4"), np.full(3, 2.0, "f4")
    where = np.array([[x.__array_interface__["data"][0] for x in (p, g)]], np.uint64)
    one = np.zeros(1, np.int64)
    tables = where, one + 3, one, np.zeros(1, "f4"), np.array([[1.0, 0.25, 0.0, 0.5]], "f4")
    Entry(kernel)(Order(tables, [(0, 1)]))
    return p.tolist() == [2.5, 2.5, 2.5]


def test_a_folder_at_home_may_be_named_as_in_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("CALANDO_CACHE_DIR", "~/kernels")
    assert compile.writable_folder() == tmp_path / "kernels"


def test_the_second_process_compiles_nothing(run, tmp_path):
    def files():
        return {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}

    assert run(STEP, CALANDO_CACHE_DIR=str(tmp_path)).splitlines() == [MOVED, "0"]
    compiled = files()
    assert {Path(name).suffix for name in compiled} == {".nbi", ".nbc"}
    assert run(STEP, CALANDO_CACHE_DIR=str(tmp_path)).splitlines() == [MOVED, "1"]
    assert files() == compiled
    assert [path.suffix for path in tmp_path.iterdir() if path.is_file()] == [".py"], "no temporary file stays"


def test_two_processes_may_compile_at_once(tmp_path):
    environment = {
        **os.environ,
        "CALANDO_CACHE_DIR": str(tmp_path / "new" / "folder"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    both = [
        subprocess.Popen([sys.executable, "-c", STEP], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    for process in both:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert out.splitlines()[0] == MOVED


def test_a_kernel_lies_in_the_folder_that_was_named(folder):
    assert works(compile.load("named", text))
    (path,) = folder.glob("*.py")
    assert path.read_text(encoding="utf-8") == text(True)
    assert path.name.startswith("calando_kernel_named_")


def test_a_truncated_text_is_written_again(folder):
    compile.load("cut", text)
    (path,) = folder.glob("*.py")
    whole = path.read_text(encoding="utf-8")
    for torn in (whole[: len(whole) // 2].encode(), b"\xff" * len(whole)):
        path.write_bytes(torn)
        del sys.modules[path.stem]
        assert works(compile.load("cut", text))
        assert path.read_text(encoding="utf-8") == whole


def test_a_full_disk_means_memory_and_nothing_is_left_behind(folder, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert works(compile.load("full", text))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_truncated_compilation_is_made_again(run, tmp_path, suffix):
    """A machine that loses power can leave an empty file behind."""
    run(STEP, CALANDO_CACHE_DIR=str(tmp_path))
    for path in tmp_path.rglob(f"*.{suffix}"):
        path.write_bytes(b"")
    assert run(STEP, CALANDO_CACHE_DIR=str(tmp_path)).splitlines()[0] == MOVED


def test_another_text_has_another_name(folder):
    compile.load("twice", text)
    compile.load("twice", lambda cache: text(cache) + "\n# changed\n")
    assert len(list(folder.glob("calando_kernel_twice_*.py"))) == 2


def test_what_is_loaded_is_not_loaded_again(folder):
    assert compile.load("once", text) is compile.load("once", text)


def test_below_a_file_there_is_no_folder_so_kernels_live_in_memory(tmp_path, folder, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CALANDO_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    assert compile.writable_folder() is None
    assert works(compile.load("memory", text))
    assert not folder.exists()


def test_a_folder_that_may_only_be_read_means_memory(folder, monkeypatch):
    monkeypatch.setattr(compile.os, "access", lambda path, mode: not mode & os.W_OK)
    assert compile.writable_folder() is None
    assert works(compile.load("readonly", text))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_folder_that_refuses_the_file_means_memory(folder, monkeypatch, code):
    """Not every refusal is known beforehand: a full disk, a quota, a share that was remounted."""

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(compile.tempfile, "mkstemp", refuse)
    assert works(compile.load(f"refused_{code}", text))


def test_a_step_in_memory_is_the_same_step(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    found = run(STEP, CALANDO_CACHE_DIR=str(tmp_path / "file" / "x")).splitlines()
    assert found[0] == MOVED


def test_a_text_that_does_not_run_leaves_no_module_behind(folder):
    with pytest.raises(ZeroDivisionError):
        compile.load("broken", lambda cache: "1 / 0")
    assert not [title for title in sys.modules if title.startswith("calando_kernel_broken")]


def test_one_kernel_serves_all_groups_of_a_kind():
    cases = [Case([np.ones(3, "f4")], SGD, L2, usual(SGD, lr=rate)) for rate in (0.1, 0.2)]
    engine, twin = make(cases), Twin(cases)
    engine.step([[np.ones(3, "f4")]] * 2), twin.step([[np.ones(3, "f4")]] * 2)
    assert len(engine.parts) == 1
    assert_same(engine, twin)


FIRST_TOGETHER = """
import threading
import numpy as np
from twins import Case, make, usual
from calando.decay import L2
from calando.rules.sgd import SGD

hyper = usual(SGD, lr=0.5, weight_decay=0.25)
engines = [make([Case([np.full(3, 4.0, "f4")], SGD, L2, hyper)]) for _ in range(8)]
start, failed = threading.Barrier(8), []

def first(engine):
    start.wait()
    try:
        engine.step([[np.full(3, 2.0, "f4")]])
    except BaseException as problem:
        failed.append(repr(problem))

threads = [threading.Thread(target=first, args=[engine]) for engine in engines]
[t.start() for t in threads], [t.join() for t in threads]
assert not failed, failed
print(*{str(engine.members[0][0].param.tolist()) for engine in engines})
"""


def test_eight_threads_may_meet_a_kernel_for_the_first_time_at_once(run, tmp_path):
    assert run(FIRST_TOGETHER, CALANDO_CACHE_DIR=str(tmp_path)).strip() == MOVED
