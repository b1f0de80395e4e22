"""What the tests of codecs share: recorded files, drawn entries, and how two of them are compared."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from calando.codecs.entry import BITS, Entry

RECORDED = Path(__file__).parent.parent / "references" / "ckpt"  # written by mindspore 2.10

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple).filter(lambda shape: shape != (0,))  # (0,) is read as ()


@st.composite
def an_entry(draw):
    word, shape = draw(st.sampled_from(sorted(BITS))), draw(SHAPES)
    bits = BITS[word]
    count = int(np.prod(shape)) * bits.itemsize
    raw = np.frombuffer(draw(st.binary(min_size=count, max_size=count)), np.uint8)
    data = raw % 2 == 1 if word == "Bool" else raw.view(bits)
    return Entry(word, data.reshape(shape))


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda name: name != "__metadata__")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TENSORS = st.dictionaries(NAMES, an_entry(), min_size=1, max_size=6)
ENTRIES = st.dictionaries(NAMES, st.one_of(an_entry(), an_entry(), TEXTS), min_size=1, max_size=6)


def plain(entry):
    """All there is to compare of an entry."""
    return entry if isinstance(entry, str) else (entry.dtype, entry.shape, entry.data.tobytes())


def plains(entries):
    return {name: plain(entry) for name, entry in entries.items()}
