"""MindSpore's .ckpt files: as MindSpore writes them, byte by byte, and as protobuf reads them, entry by entry."""

import numpy as np
import pytest
from drawn_entries import ENTRIES, RECORDED, plains
from hypothesis import given

from calando.codecs import mindspore_ckpt, mindspore_safetensors
from calando.codecs.entry import Entry
from calando.codecs.mindspore_message import Checkpoint

FILES = sorted(RECORDED.glob("*.ckpt"))


def twin(path):
    """The whole file as the one message that it is: nothing walked by hand."""
    data = path.read_bytes()
    if data[-17:-10] == b"crc_num":
        data = data[:-17]
    parts = {}
    for value in Checkpoint.FromString(data).value:
        tensor = value.tensor
        former = parts.get(value.tag, (None, None, b""))[2]
        parts[value.tag] = tensor.tensor_type, tuple(tensor.dims), former + tensor.tensor_content
    return {
        name: content.decode("utf-32-le").rstrip("\0") if word == "str" else (word, dims, content)
        for name, (word, dims, content) in parts.items()
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_mindspore_wrote_is_read_and_written_back_to_the_byte(path, tmp_path):
    found = mindspore_ckpt.read(path)
    assert list(found) and plains(found) == twin(path)
    mindspore_ckpt.write(tmp_path / "again.ckpt", found, mindspore_ckpt.checksummed(path))
    assert (tmp_path / "again.ckpt").read_bytes() == path.read_bytes()


@given(ENTRIES)
def test_round_trip(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("ckpt") / "a.ckpt"
    mindspore_ckpt.write(path, entries)
    assert plains(mindspore_ckpt.read(path)) == plains(entries) == twin(path)
    mindspore_ckpt.write(path, entries, crc=True)
    assert plains(mindspore_ckpt.read(path)) == plains(entries) == twin(path)


def test_large_tensors_are_cut_into_frames(tmp_path, monkeypatch, mindspore):
    """Frames of 64 bytes in the place of 512 MiB; MindSpore joins them, and its own are joined here."""
    entries = {
        "before": Entry.of(np.arange(3, dtype=np.int8)),
        "large": Entry.of(np.arange(100, dtype=np.float64).reshape(20, 5)),
        "exact": Entry.of(np.arange(32, dtype=np.float32)),
        "after": Entry.of(np.float16(0.5)),
    }
    monkeypatch.setattr(mindspore_ckpt, "SLICE", 64)
    path = tmp_path / "cut.ckpt"
    mindspore_ckpt.write(path, entries, crc=True)
    assert [value.tag for value in Checkpoint.FromString(path.read_bytes()[:-17]).value].count("large") == 13
    assert plains(mindspore_ckpt.read(path)) == plains(entries)
    theirs = mindspore.load_checkpoint(str(path), crc_check=True)
    for name, entry in entries.items():
        np.testing.assert_array_equal(theirs[name].asnumpy(), entry.data)

    from mindspore.train import serialization

    monkeypatch.setattr(serialization, "SLICE_SIZE", 1)  # KiB
    large = np.random.default_rng(0).standard_normal((30, 40))
    mindspore.save_checkpoint({"a": mindspore.Parameter(mindspore.Tensor(large), name="a")}, str(tmp_path / "b.ckpt"))
    assert len(Checkpoint.FromString((tmp_path / "b.ckpt").read_bytes()).value) == 10
    np.testing.assert_array_equal(mindspore_ckpt.read(tmp_path / "b.ckpt")["a"].data, large)
    chosen = mindspore_ckpt.read(path, lambda name: name != "large")
    assert list(chosen) == ["before", "exact", "after"]


def every_type(mindspore):
    rng = np.random.default_rng(0)
    made = {}
    for word in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        info = np.iinfo(word)
        made[word] = rng.integers(info.min, info.max, (2, 3), word)
    for word in ("float16", "float32", "float64"):
        made[word] = np.array([[0.1, -0.0, np.inf], [np.nan, 3e-8, -2.5]], word)
    made["bool"] = np.array([True, False])
    made["scalar"], made["one"], made["axes"] = np.array(2.5), np.array([2.5]), np.zeros((1, 2, 1, 0))
    return made


def test_every_type_in_both_directions_live(tmp_path, mindspore):
    made = every_type(mindspore)
    mindspore_ckpt.write(tmp_path / "ours.ckpt", {name: Entry.of(array) for name, array in made.items()})
    theirs = mindspore.load_checkpoint(str(tmp_path / "ours.ckpt"))
    assert list(theirs) == list(made)
    for name, array in made.items():
        found = theirs[name].asnumpy()
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes()), name
    del theirs["axes"]  # MindSpore writes nothing for a tensor without elements
    mindspore.save_checkpoint(theirs, str(tmp_path / "theirs.ckpt"), crc_check=True)
    back = mindspore_ckpt.read(tmp_path / "theirs.ckpt")
    assert plains(back) == plains({name: Entry.of(made[name]) for name in theirs})


def test_bfloat16_both_ways_live(tmp_path, mindspore):
    tensor = mindspore.Tensor([[1.0, -2.5], [3e-39, 65280.0]], mindspore.bfloat16)
    mindspore.save_checkpoint({"w": mindspore.Parameter(tensor, name="w")}, str(tmp_path / "w.ckpt"))
    entry = mindspore_ckpt.read(tmp_path / "w.ckpt")["w"]
    assert (entry.dtype, entry.values().dtype) == ("BFloat16", np.float32)
    np.testing.assert_array_equal(entry.values(), tensor.float().asnumpy())
    assert plains({"w": Entry.of(tensor.asnumpy())}) == plains({"w": entry})
    mindspore_ckpt.write(tmp_path / "back.ckpt", {"w": entry})
    again = mindspore.load_checkpoint(str(tmp_path / "back.ckpt"))["w"]
    assert again.dtype == mindspore.bfloat16
    np.testing.assert_array_equal(again.float().asnumpy(), tensor.float().asnumpy())


def test_texts_both_ways_live(tmp_path, mindspore):
    texts = {"a": "häß 中文 🙂", "b": "", "c": "x"}
    mindspore_ckpt.write(tmp_path / "a.ckpt", {**texts, "w": Entry.of(np.float32(1))})
    theirs = mindspore.load_checkpoint(str(tmp_path / "a.ckpt"))
    assert {name: theirs[name] for name in texts} == texts
    mindspore.save_checkpoint(theirs, str(tmp_path / "b.ckpt"))
    assert {name: mindspore_ckpt.read(tmp_path / "b.ckpt")[name] for name in texts} == texts


def test_no_framework_is_needed_and_mindspores_own_messages_are_not_disturbed(run):
    code = (
        "import sys, numpy; from calando.codecs import mindspore_ckpt as c; from calando.codecs.entry import Entry; "
        "c.write('a.ckpt', {'a': Entry.of(numpy.ones(2))}); c.read('a.ckpt'); "
        "print(*(set(sys.modules) & {'torch', 'mindspore', 'numba'}))"
    )
    assert run(code).split() == []


@pytest.mark.parametrize("first", ["calando", "mindspore"])
def test_both_messages_live_in_one_process(run, mindspore, first):
    ours = "from calando.codecs.mindspore_message import Checkpoint as ours"
    theirs = "from mindspore.train.checkpoint_pb2 import Checkpoint as theirs"
    lines = [ours, theirs] if first == "calando" else [theirs, ours]
    code = "import warnings; warnings.simplefilter('ignore'); " + "; ".join(lines)
    code += "; print(ours.DESCRIPTOR is not theirs.DESCRIPTOR, ours.DESCRIPTOR.full_name, theirs.DESCRIPTOR.full_name)"
    assert run(code).split()[-3:] == ["True", "Checkpoint", "Checkpoint"]


def test_the_message_is_mindspores(mindspore):
    from google.protobuf import descriptor_pb2
    from mindspore.train.checkpoint_pb2 import Checkpoint as theirs

    files = []
    for message in (Checkpoint, theirs):
        file = descriptor_pb2.FileDescriptorProto()
        message.DESCRIPTOR.file.CopyToProto(file)
        files.append(file)
    assert [m.SerializeToString() for m in files[0].message_type] == [
        m.SerializeToString() for m in files[1].message_type
    ]


def test_a_type_that_checkpoints_do_not_have():
    with pytest.raises(TypeError, match=r"'w' is of type complex128; a checkpoint holds Bool, Int8, .*Int4"):
        Entry.of(np.ones(2, complex), "w")


def test_foreign_byte_order_and_gaps_in_memory(tmp_path):
    array = np.arange(12, dtype=">f4").reshape(3, 4)[:, ::2]
    mindspore_ckpt.write(tmp_path / "a.ckpt", {"w": Entry.of(array)})
    np.testing.assert_array_equal(mindspore_ckpt.read(tmp_path / "a.ckpt")["w"].data, array)


@pytest.mark.parametrize("codec", [mindspore_ckpt, mindspore_safetensors])
def test_the_former_file_stays_when_the_disk_is_full(tmp_path, monkeypatch, codec):
    path = tmp_path / "a"
    codec.write(path, {"w": Entry.of(np.ones(3))})
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        codec.write(path, {"w": Entry.of(np.zeros(3))})
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_in_the_place_of_the_file(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file"):
        mindspore_ckpt.write(tmp_path, {"w": Entry.of(np.ones(3))})
