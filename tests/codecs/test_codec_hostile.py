"""Torn, altered and hostile files: one sentence that names file and place, and no memory for what is not there."""

import tracemalloc
from itertools import accumulate

import numpy as np
import pytest
from drawn_entries import RECORDED, plains
from hypothesis import given, settings
from hypothesis import strategies as st

from calando.codecs import mindspore_ckpt, mindspore_safetensors, tree
from calando.codecs.entry import Entry
from calando.codecs.mindspore_ckpt import framed, key, varint
from calando.codecs.mindspore_message import Checkpoint
from calando.store import CheckpointError

READERS = {".ckpt": mindspore_ckpt.read, ".safetensors": mindspore_safetensors.read}
VICTIMS = [RECORDED / name for name in ("net_append.ckpt", "dtypes.ckpt", "net_crc.ckpt", "net.safetensors")]


def attacked(path, read):
    """What reading gives: entries, or a CheckpointError that names the file; within 20 MB."""
    tracemalloc.start()
    found, told = None, str(path)
    try:
        found = read(path)
    except CheckpointError as problem:
        told = str(problem)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    assert str(path) in told and "\n" not in told and len(told) < 700
    return found


@pytest.mark.parametrize("victim", VICTIMS, ids=lambda path: path.name)
@settings(max_examples=150)
@given(data=st.data())
def test_mutations(tmp_path_factory, victim, data):
    """Bytes changed, cut out, put in and exchanged."""
    found = bytearray(victim.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(found)))
        last = min(len(found), first + data.draw(st.sampled_from([0, 1, 1, 2, 8, 100])))
        near = st.binary(max_size=9) | st.sampled_from(
            [b"\xff" * 9 + b"\x01", b"\x08\xff\xff\xff\xff\x0f", b"{", b"9" * 30]
        )
        found[first:last] = data.draw(near)
    path = tmp_path_factory.mktemp("mutated") / f"a{victim.suffix}"
    path.write_bytes(found)
    attacked(path, READERS[victim.suffix])


@pytest.mark.parametrize("victim", VICTIMS, ids=lambda path: path.name)
@settings(max_examples=100)
@given(data=st.binary(max_size=200))
def test_any_bytes(tmp_path_factory, victim, data):
    path = tmp_path_factory.mktemp("bytes") / f"a{victim.suffix}"
    path.write_bytes(data)
    attacked(path, READERS[victim.suffix])


@pytest.mark.parametrize("victim", VICTIMS, ids=lambda path: path.name)
def test_every_torn_end_is_noticed(tmp_path, victim):
    """A .ckpt without CRC-32 that ends with a whole entry cannot be told from a shorter one; all else is refused."""
    whole, read = victim.read_bytes(), READERS[victim.suffix]
    entries = plains(read(victim))
    ends = set()
    if victim.suffix == ".ckpt":
        body = whole[:-17] if mindspore_ckpt.checksummed(victim) else whole
        sizes = [len(framed(1, value.SerializeToString())) for value in Checkpoint.FromString(body).value]
        ends = set(accumulate(sizes))
    path = tmp_path / victim.name
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length in ends:
            found = plains(read(path))
            assert found.items() <= entries.items()
        else:
            with pytest.raises(CheckpointError):
                read(path)


@pytest.mark.parametrize("name, codec", [("a.ckpt", mindspore_ckpt), ("a.safetensors", mindspore_safetensors)])
def test_with_a_checksum_every_altered_byte_is_noticed(tmp_path, name, codec):
    entries = {"w": Entry.of(np.arange(4, dtype=np.float32)), "step": Entry.of(np.int64(7))}
    codec.write(tmp_path / name, entries, crc=True)
    whole = (tmp_path / name).read_bytes()
    for at in range(len(whole)):
        altered = bytearray(whole)
        altered[at] ^= 0x20 if name == "a.ckpt" else 0x01
        (tmp_path / name).write_bytes(altered)
        try:
            found = codec.read(tmp_path / name)
        except CheckpointError:
            continue
        told = at >= len(whole) - 17 if name == "a.ckpt" else b'"crc_num"' in whole and at < whole.index(b'"step"')
        assert told and plains(found) == plains(entries), at  # only what says that there is a checksum


def frame(tag=b"w", dims=(2,), word=b"Float32", content=bytes(8), more=b""):
    tensor = b"".join(varint(1 << 3) + varint(dim) for dim in dims) + framed(2, word) + framed(3, content) + more
    return framed(1, framed(1, tag) + framed(2, tensor))


GIGANTIC = (1 << 40, 1 << 20)
SENTENCES = [
    (b"", "is empty"),
    (
        frame(dims=GIGANTIC),
        r"byte 2\d: 'w' of shape \(1099511627776, 1048576\) has 4611686018427387904 bytes, and the file only",
    ),
    (frame(dims=(1 << 60, 1 << 60)), "which none has"),
    (frame(dims=(0, 1 << 62)), "which none has"),
    (frame(dims=((1 << 64) - 1,)), r"'w' has the shape \(-1,\), which none has"),
    (frame(dims=(1,) * 33, content=bytes(4)), "which none has"),
    (frame(dims=(1,) * 40_000, content=bytes(4)), "is longer than any shape is"),
    (frame(dims=(3,)), r"'w' of shape \(3,\) has 12 bytes, and the file only 8 more; it is torn"),
    (frame(dims=(1,)), r"'w' of shape \(1,\) should have 4 bytes and has 8; the file is damaged"),
    (
        frame(dims=(4,)) + frame(dims=(5,)),
        r"\(4,\) should have 16 bytes and has 8; the file is torn or damaged",
    ),
    (frame() + frame(), "the entry 'w' stands there a second time"),
    (frame(word=b"Float31"), "'w' is of type 'Float31'; a checkpoint holds Bool, Int8"),
    (frame(tag=b"\xff"), "byte 4: the name of an entry is no text"),
    (frame(word=b"\xff"), "'w' (is of type b'.xff'|cannot be read)"),
    (frame(tag=b"x" * 70_000), "longer than any name is"),
    (frame(more=framed(3, b"")), "a TensorProto has no field 3 like this"),
    (frame(more=framed(9, b"")), "a TensorProto has no field 9 like this"),
    (frame(tag=b"s", dims=(0,), word=b"str", content=b"abc"), "the text 's' cannot be read"),
    (framed(1, framed(1, b"w")), "an entry lacks its tensor"),
    (framed(1, framed(2, b"")), "an entry lacks its name|lacks its content"),
    (framed(1, framed(1, b"w") + framed(2, framed(2, b"Int8"))), "'w' lacks its content"),
    (framed(1, framed(1, b"w") + framed(2, framed(3, b""))), "'w' lacks its type"),
    (framed(1, framed(1, b"w") + framed(3, b"")), "'w' is a MapParameter, which calando does not read"),
    (framed(7, b"abc"), "a Checkpoint has no field 7 like this; it is torn or damaged, or no checkpoint"),
    (key(1) + b"\xff" * 11, "byte 1: there should be a number; it is torn or damaged, or no checkpoint of MindSpore"),
    (
        frame() + key(1) + varint(1 << 62),
        "field 1 of a Checkpoint should have 4611686018427387904 bytes, and there are only 0",
    ),
    (b"PK\x03\x04" + bytes(60), "or no checkpoint of MindSpore"),
    (b"\xd8^:\x7f" + bytes(60), "is encrypted; calando reads no encrypted files"),
]


@pytest.mark.parametrize("content, sentence", SENTENCES, ids=range(len(SENTENCES)))
def test_one_sentence_for_each(tmp_path, content, sentence):
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence) as problem:
        mindspore_ckpt.read(path)
    assert str(path) in str(problem.value)
    assert attacked(path, mindspore_ckpt.read) is None


def tensors(header, contents=b"", length=None):
    text = header.encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + contents


ROW = '{"w": {"dtype": "F32", "shape": [%s], "data_offsets": [%s]}}'
TABLES = [
    (b"", "has only 0 bytes"),
    (tensors("{}", length=1 << 60), "its header of 1152921504606846976 bytes is not in it"),
    (tensors("[]"), "its header is not a table"),
    (tensors("{"), "its header cannot be read"),
    (tensors("[" * 100_000), "its header cannot be read"),
    (tensors('{"w": 3}'), "'w' has no dtype, shape and data_offsets in the header"),
    (tensors('{"__metadata__": 3}'), "no table of texts"),
    (tensors(ROW % ("2", "0, 8"), bytes(7)), "in 7 bytes of contents; the file is torn or damaged"),
    (tensors(ROW % ("2", "0, 8"), bytes(9)), "should have 7. bytes and has 7.; it is torn or damaged"),
    (tensors(ROW % ("2", "1, 9"), bytes(9)), "'w' begins at 1 of the contents, not at 0"),
    (tensors(ROW % ("1e3", "0, 8"), bytes(8)), r"'w' has the shape \[1000.0\], which none has"),
    (tensors(ROW % ("-1", "0, -4"), bytes(8)), r"'w' has the shape \[-1\], which none has"),
    (tensors(ROW % (f"{1 << 62}, 0", "0, 0")), "which none has"),
    (tensors(ROW % (f"{1 << 50}", f"0, {1 << 52}"), bytes(8)), "has 4503599627370496 bytes, but its data_offsets"),
    (tensors((ROW % ("2", "0, 8")).replace("F32", "C64"), bytes(8)), "'w' is of type 'C64'; known are"),
]


@pytest.mark.parametrize("content, sentence", TABLES, ids=range(len(TABLES)))
def test_one_sentence_for_each_safetensors(tmp_path, content, sentence):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence):
        mindspore_safetensors.read(path)
    assert attacked(path, mindspore_safetensors.read) is None


NO_DATA = [
    {"#other": 1},
    {"#tuple": 3},
    {"#set": [[1]]},
    {"#dict": [[1]]},
    {"#counter": [["a", "many"]]},
    {"#bytes": "?"},
    {"#schedule": {"kind": "Nothing"}},
    {"#schedule": None},
    {"#array": ["gone", ""]},
    {"#tensor": []},
    {"a": [{"#number": {}}]},
]


@pytest.mark.parametrize("stored", NO_DATA, ids=range(len(NO_DATA)))
def test_plain_data_that_are_none_are_refused(stored):
    """What stands in the text of one of our own files: its checksum is right, and nothing else needs to be."""
    with pytest.raises(CheckpointError, match=r"^plain data under '#\w+' cannot be read: "):
        tree.gathered(stored, {})
