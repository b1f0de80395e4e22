"""MindSpore's safetensors files: as MindSpore writes them, byte by byte, and as the safetensors library reads them."""

import json

import numpy as np
import pytest
from drawn_entries import RECORDED, TENSORS, plains
from hypothesis import given

from calando.codecs import mindspore_safetensors, safetensors
from calando.codecs.entry import Entry

FILES = sorted(RECORDED.glob("*.safetensors"))


def twin(path):
    """As the library reads it."""
    from safetensors import deserialize

    return {
        name: (row["dtype"], tuple(row["shape"]), bytes(row["data"])) for name, row in deserialize(path.read_bytes())
    }


def as_the_library_says(entries):
    short = safetensors.SHORT | {"Int4": "I8"}
    return {name: (short[e.dtype], e.shape, e.data.tobytes()) for name, e in entries.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_mindspore_wrote_is_read_and_written_back_to_the_byte(path, tmp_path):
    found = mindspore_safetensors.read(path)
    assert list(found) == sorted(found) and as_the_library_says(found) == twin(path)
    mindspore_safetensors.write(tmp_path / "again", found)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@given(TENSORS)
def test_round_trip(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("safetensors") / "a.safetensors"
    for crc in (False, True):
        mindspore_safetensors.write(path, entries, crc)
        found = mindspore_safetensors.read(path)
        assert plains(found) == plains(entries) and as_the_library_says(found) == twin(path)
        assert mindspore_safetensors.checksummed(path) is crc


def made():
    rng = np.random.default_rng(0)
    return {
        "w": rng.standard_normal((3, 2)).astype(np.float32),
        "half": np.array([0.1, np.inf], np.float16),
        "step": np.array([7], np.int32),
        "epoch": np.array(7),  # MindSpore sums seven zeros for it
        "flags": np.array([True, False]),
        "none": np.zeros((0, 2)),
    }


def told(data):
    """The header; its metadata stand in any order."""
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def test_both_ways_with_checksums_live(tmp_path, mindspore):
    entries = {name: Entry.of(array) for name, array in made().items()}
    mindspore_safetensors.write(tmp_path / "a.safetensors", entries, crc=True)
    theirs = mindspore.load_checkpoint(str(tmp_path / "a.safetensors"), crc_check=True, format="safetensors")
    for name, array in made().items():
        found = theirs[name].asnumpy()
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes()), name
    mindspore.save_checkpoint(theirs, str(tmp_path / "b.safetensors"), crc_check=True, format="safetensors")
    ours, theirs = ((tmp_path / name).read_bytes() for name in ("a.safetensors", "b.safetensors"))
    assert told(ours) == told(theirs) and "crc_num" in told(ours)["__metadata__"]
    assert len(ours) == len(theirs)
    assert plains(mindspore_safetensors.read(tmp_path / "b.safetensors")) == plains(entries)


def test_bfloat16_and_int4_live(tmp_path, mindspore):
    four = mindspore.Tensor(np.array([[1, 2, 33]], np.int8), dtype=mindspore.common.dtype.qint4x2)
    brain = mindspore.Tensor([1.0, -2.5], mindspore.bfloat16)
    params = {name: mindspore.Parameter(x, name=name) for name, x in {"four": four, "brain": brain}.items()}
    mindspore.save_checkpoint(params, str(tmp_path / "a.safetensors"), format="safetensors")
    found = mindspore_safetensors.read(tmp_path / "a.safetensors")
    assert found["four"].dtype == "Int4" and found["brain"].dtype == "BFloat16"
    np.testing.assert_array_equal(found["brain"].values(), brain.float().asnumpy())
    mindspore_safetensors.write(tmp_path / "b.safetensors", found)
    ours, theirs = ((tmp_path / name).read_bytes() for name in ("b.safetensors", "a.safetensors"))
    first = 8 + int.from_bytes(ours[:8], "little")
    assert told(ours) == told(theirs)  # MindSpore writes the words of __metadata__ in a random order
    assert ours[:8] == theirs[:8] and ours[first:] == theirs[first:]


def test_only_the_chosen_are_read(tmp_path):
    entries = {name: Entry.of(array) for name, array in made().items()}
    mindspore_safetensors.write(tmp_path / "a.safetensors", entries)
    assert list(mindspore_safetensors.read(tmp_path / "a.safetensors", lambda name: "e" in name)) == [
        "epoch",
        "none",
        "step",
    ]


def test_a_text_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(TypeError, match="'note' is a text, and safetensors holds only tensors; leave it out or"):
        mindspore_safetensors.write(tmp_path / "a.safetensors", {"w": Entry.of(np.ones(2)), "note": "x"})
    assert list(tmp_path.iterdir()) == []
