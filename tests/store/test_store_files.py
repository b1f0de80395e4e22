"""calando's own file: what it holds, older versions, every altered byte, no space, no permission, killed processes."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from calando import store
from calando.codecs.entry import Entry
from calando.codecs.placed import owner, placed
from calando.store import CheckpointError

HERE = Path(__file__).parent
ARRAYS = {
    "b": np.arange(3.0),
    "a/x": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "z": np.array(True),
    "e": np.zeros((0, 3), np.int64),
    "big-endian": np.arange(4, dtype=">i4"),
}
META = {"x": [1, 2.5, None, "é"], "nan": float("inf")}


def test_round_trip(tmp_path):
    store.write(tmp_path / "a", META, ARRAYS)
    meta, arrays = store.read(tmp_path / "a")
    assert meta == META and sorted(arrays) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].shape == array.shape and np.array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype.newbyteorder("=")


def test_the_safetensors_library_reads_it(tmp_path):
    store.write(tmp_path / "a", META, ARRAYS)
    found = load_file(tmp_path / "a")
    assert all(np.array_equal(found[name], array) for name, array in ARRAYS.items())


def test_bfloat16_keeps_its_bits(tmp_path):
    bits = np.array([0x3F80, 0xC000, 0x7FC1], np.uint16)
    store.write(tmp_path / "a", {}, {"w": Entry("BFloat16", bits)})
    assert store.read_entries(tmp_path / "a")[1]["w"].data.tolist() == bits.tolist()
    assert store.read(tmp_path / "a")[1]["w"][:2].tolist() == [1.0, -2.0]


def test_only_what_is_chosen_is_read_and_compared(tmp_path):
    store.write(tmp_path / "a", META, ARRAYS)
    assert list(store.read(tmp_path / "a", lambda name: name == "b")[1]) == ["b"]
    meta, told = store.peek(tmp_path / "a")
    assert meta == META and told["a/x"] == ("Float32", (2, 3))


def test_every_altered_bit_is_noticed_and_the_array_named(tmp_path):
    path = tmp_path / "a"
    store.write(path, {"x": 1}, ARRAYS)
    whole = path.read_bytes()
    for at in range(len(whole)):
        altered = bytearray(whole)
        altered[at] ^= 1 << at % 8
        path.write_bytes(altered)
        with pytest.raises(CheckpointError, match=str(path)):
            store.read(path)
    assert b"sha256" in whole
    altered = bytearray(whole)
    altered[-1] ^= 1
    path.write_bytes(altered)
    with pytest.raises(
        CheckpointError, match=r"the checksum of 'z', bytes \d+ to \d+, is wrong; use an older checkpoint"
    ):
        store.read(path)


def test_every_torn_end_is_noticed(tmp_path):
    path = tmp_path / "a"
    store.write(path, {}, {"w": np.arange(5.0)})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=str(path)):
            store.read(path)


def first_version(meta, arrays):
    """A file as calando wrote it before each array had a checksum: one SHA-256, laid out by the safetensors library."""
    text = json.dumps(meta, sort_keys=True)
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        found.update(f"\n{name} {arrays[name].dtype.str} {arrays[name].shape}\n".encode() + arrays[name].tobytes())
    told = {"format": "calando", "version": "1", "meta": text, "sha256": found.hexdigest()}
    return save(arrays, metadata=told)


def test_the_first_version_is_read(tmp_path):
    path, arrays = tmp_path / "a", {"w": np.arange(5.0), "v": np.ones((2, 2), np.float32)}
    path.write_bytes(first_version({"x": 1}, arrays))
    meta, found = store.read(path, lambda name: name == "w")
    assert meta == {"x": 1} and found["w"].tolist() == arrays["w"].tolist() and list(found) == ["w"]
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(CheckpointError, match="its checksum is wrong"):
        store.read(path)


@pytest.mark.parametrize("version", ["3", "99", "0", "-1", "two", "9" * 5000])
def test_other_versions_are_refused(tmp_path, version):
    (tmp_path / "a").write_bytes(save({}, metadata={"format": "calando", "version": version, "meta": "{}"}))
    with pytest.raises(CheckpointError, match=r"has format version .*, this calando reads 1 to 2; use a newer calando"):
        store.read(tmp_path / "a")


@pytest.mark.parametrize(
    "meta, told",
    [
        (None, r"is damaged: what it tells in 'meta' cannot be read \('meta'\)"),
        ("{", "is damaged: what it tells in 'meta' cannot be read"),
        ("[" * 100_000, "is damaged: what it tells in 'meta' cannot be read"),
        ("[1]", "is no checkpoint: what it tells of itself is no table"),
    ],
    ids=range(4),
)
def test_a_header_that_tells_no_table_is_refused(tmp_path, meta, told):
    text = {} if meta is None else {"meta": meta}
    (tmp_path / "a").write_bytes(save({}, metadata={"format": "calando", "version": "1", **text}))
    for look in (store.read, store.peek):
        with pytest.raises(CheckpointError, match=told) as problem:
            look(tmp_path / "a")
        assert str(tmp_path / "a") in str(problem.value)


@pytest.mark.parametrize(
    "data, told",
    [
        (b"", "it has only 0 bytes"),
        (b"PK\x03\x04" + bytes(40), r"but a file of torch.save; read it with torch.load\(…, weights_only=True\)"),
        (b"\x80\x02\x8a" + bytes(40), "a file of pickle or of torch.save, which calando does not open"),
        (b"\x0a\x20\x0a\x01w" + bytes(40), "perhaps a .ckpt of MindSpore"),
        (save({"w": np.zeros(2)}), "is a safetensors file, but calando did not write it"),
        (b"\xff" * 8 + b"{}", "its header of 18446744073709551615 bytes is not in it"),
        ((9).to_bytes(8, "little") + b'{"a": 1}x', "its header cannot be read"),
        ((100_000).to_bytes(8, "little") + b"[" * 100_000, "its header cannot be read"),
    ],
)
def test_other_files_are_refused(tmp_path, data, told):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CheckpointError, match=told) as problem:
        store.read(tmp_path / "a")
    assert str(tmp_path / "a") in str(problem.value)


def test_what_cannot_be_stored_touches_nothing(tmp_path):
    store.write(tmp_path / "a", {"x": 1}, {})
    for meta, arrays in (({"x": object()}, {}), ({}, {"w": np.array(["text"])}), ({}, {"w": np.zeros(2, complex)})):
        with pytest.raises(TypeError):
            store.write(tmp_path / "a", meta, arrays)
    assert store.read(tmp_path / "a")[0] == {"x": 1} and os.listdir(tmp_path) == ["a"]


# No space, no permission, no process.

FULL = """
import resource, signal, sys
import numpy as np
from calando import store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # the system refuses to write further, as on a full disk
try:
    store.write(sys.argv[1], {}, {"w": np.ones(1_000_000)})
except OSError as problem:
    print(problem.strerror)
"""


def test_no_space_leaves_the_former_file(tmp_path):
    store.write(tmp_path / "a", {"former": 1}, {})
    told = [sys.executable, "-c", FULL, tmp_path / "a"]
    done = subprocess.run(told, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == (
        f"{os.strerror(27)}; nothing was written, what was there before is untouched: choose a file system that holds "
        "larger files"
    )
    assert store.read(tmp_path / "a")[0] == {"former": 1} and os.listdir(tmp_path) == ["a"]


def test_what_the_system_refuses_is_told_with_the_way_out(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"nothing was written, .*: make the folder first: .*no/a"):
        store.write(tmp_path / "no" / "a", {}, {})
    for code, way in ((errno.ENOSPC, "free some space"), (errno.EACCES, "choose a folder that you may write into")):
        monkeypatch.setattr(os, "fsync", lambda *_, code=code: (_ for _ in ()).throw(OSError(code, os.strerror(code))))
        with pytest.raises(OSError, match=f"{os.strerror(code)}; nothing was written, .*{way}.*/a'") as problem:
            store.write(tmp_path / "a", {}, {})
        assert problem.value.errno == code and os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes")
def test_only_files_are_replaced_and_links_stay(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="is a device, pipe or socket, and not to be replaced"):
        store.write(tmp_path / "pipe", {}, {})
    assert not (tmp_path / "pipe").is_file()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for number in (1, 2):
        store.write(tmp_path / "link", {"x": number}, {})
        assert (tmp_path / "link").is_symlink() and store.read(tmp_path / "target")[0] == {"x": number}


def test_a_write_that_fails_anywhere_leaves_the_former_file(tmp_path, monkeypatch):
    store.write(tmp_path / "a", {"former": 1}, {})
    for word in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, word, lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(OSError, match="No space left"):
                store.write(tmp_path / "a", {}, {"w": np.ones(1000)})
        assert store.read(tmp_path / "a")[0] == {"former": 1} and os.listdir(tmp_path) == ["a"]


def test_what_a_killed_process_left_is_swept(tmp_path):
    """Half-written files of processes that are no more go; those of others stay."""
    code = (
        "import os, signal, sys\nfrom calando.codecs.placed import placed\n"
        "with placed(sys.argv[1]) as file:\n    file.write(b'half'); file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a"], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL and len(os.listdir(tmp_path)) == 1
    mine, elsewhere = f".b.{owner(os.getpid())}.x.tmp", ".b.other-machine-1.x.tmp"
    for name in (mine, elsewhere):
        (tmp_path / name).touch()
    with placed(tmp_path / "c") as file:
        file.write(b"whole")
    assert sorted(os.listdir(tmp_path)) == sorted([mine, elsewhere, "c"])


def ran(script, *arguments, timeout):
    done = subprocess.run(
        [sys.executable, "-W", "error", HERE / script, *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_a_training_that_is_killed_ends_as_one_that_is_not(tmp_path, torch):
    told = ran("killed_run.py", tmp_path, 20, timeout=300)
    assert told["kills"] >= 20 and told["unequal"] == 0 and told["leftover"] == 0


@pytest.mark.slow
def test_killed_a_hundred_times(tmp_path, torch):
    told = ran("killed_run.py", tmp_path, 100, 1, timeout=900)
    assert told["kills"] >= 100 and told["while saving"] > 10 and told["unequal"] == 0 and told["leftover"] == 0


def test_altered_files_of_every_kind(tmp_path, torch):
    told = ran("mutated_files.py", tmp_path, 400, timeout=300)
    assert told["refused"] > 400 and told["named"] == told["refused"] and told["read"] > 0


@pytest.mark.slow
def test_ten_thousand_altered_files(tmp_path, torch):
    """So many are wanted: without what ``codecs.errors`` catches, the 3077th is the first to show it."""
    told = ran("mutated_files.py", tmp_path, 10_000, 1, timeout=1800)
    assert told["named"] == told["refused"] > 10_000
