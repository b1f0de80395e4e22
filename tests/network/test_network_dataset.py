"""Small data sets: the same rows, sizes and names as MindSpore's."""

import importlib

import numpy as np
import pytest

import calando.mindspore as ms
from calando.mindspore import dataset as ds

X, Y = np.arange(20, dtype="f4").reshape(10, 2), np.arange(10, dtype="i4")


def rows():
    yield from zip(X, Y, strict=True)


class Places:
    def __getitem__(self, place):
        return X[place], Y[place]

    def __len__(self):
        return len(X)


CASES = {
    "dictionary": lambda d: d.NumpySlicesDataset({"x": X, "y": Y}, shuffle=False),
    "tuple": lambda d: d.NumpySlicesDataset((X, Y), shuffle=False),
    "one column": lambda d: d.NumpySlicesDataset(X, shuffle=False),
    "a list": lambda d: d.NumpySlicesDataset([1, 2, 3], shuffle=False),
    "names": lambda d: d.NumpySlicesDataset((X, Y), ["a", "b"], shuffle=False),
    "samples": lambda d: d.NumpySlicesDataset((X, Y), num_samples=4, shuffle=False),
    "batches": lambda d: d.NumpySlicesDataset((X, Y), shuffle=False).batch(4),
    "whole batches": lambda d: d.NumpySlicesDataset((X, Y), shuffle=False).batch(4, drop_remainder=True),
    "repeated": lambda d: d.NumpySlicesDataset((X, Y), shuffle=False).repeat(2).batch(4),
    "batches repeated": lambda d: d.NumpySlicesDataset((X, Y), shuffle=False).batch(4).repeat(2),
    "some": lambda d: d.NumpySlicesDataset((X, Y), shuffle=False).take(3).batch(2),
    "mapped": lambda d: (
        d.NumpySlicesDataset((X, Y), ["x", "y"], shuffle=False).map([lambda x: x * np.float32(2)], ["x"]).batch(5)
    ),
    "generator": lambda d: d.GeneratorDataset(rows, ["x", "y"]).batch(3),
    "places": lambda d: d.GeneratorDataset(Places(), ["x", "y"], shuffle=False).batch(3),
    "pairs": lambda d: d.GeneratorDataset(list(zip(X, Y, strict=True)), ["x", "y"], shuffle=False),
}


@pytest.mark.parametrize("case", CASES)
def test_as_mindspore(mindspore, case):
    ours, theirs = CASES[case](ds), CASES[case](importlib.import_module("mindspore.dataset"))
    assert ours.get_dataset_size() == theirs.get_dataset_size()
    assert ours.get_col_names() == theirs.get_col_names() and ours.get_batch_size() == theirs.get_batch_size()
    for _ in range(2):  # again and again
        found, expected = (list(each.create_tuple_iterator(num_epochs=1, output_numpy=True)) for each in (ours, theirs))
        assert len(found) == len(expected)
        for row, other in zip(found, expected, strict=True):
            for a, b in zip(row, other, strict=True):
                assert a.dtype == b.dtype and np.array_equal(a, b)
    first, other = (next(each.create_dict_iterator(num_epochs=1)) for each in (ours, theirs))
    assert first.keys() == other.keys()
    for name in first:
        assert isinstance(first[name], ms.Tensor)
        np.testing.assert_array_equal(first[name].asnumpy(), other[name].asnumpy())


@pytest.mark.parametrize(
    "make",
    [
        lambda: ds.NumpySlicesDataset((X, Y)),
        lambda: ds.GeneratorDataset(Places(), ["x", "y"]),
        lambda: ds.NumpySlicesDataset((X, Y), shuffle=False).shuffle(10),
        lambda: ds.GeneratorDataset(rows, ["x", "y"]).shuffle(4),
    ],
    ids=["arrays by themselves", "places by themselves", "asked for", "from a small buffer"],
)
def test_every_row_once_in_another_order_each_time(make):
    ms.set_seed(1)
    dataset = make()
    passes = [[int(y) for _, y in dataset] for _ in range(3)]
    assert all(sorted(each) == list(range(10)) for each in passes)
    assert passes[0] != list(range(10)) and passes[0] != passes[1]
    for x, y in dataset:
        np.testing.assert_array_equal(x.asnumpy(), X[int(y)])
    ms.set_seed(1)
    assert [int(y) for _, y in make()] == passes[0]


def test_a_length_that_must_be_counted():
    assert ds.GeneratorDataset(rows, ["x", "y"]).batch(3).get_dataset_size() == 4


def test_what_is_no_number_stays_as_it_is():
    ((words, numbers),) = ds.NumpySlicesDataset((["a", "b"], [1, 2]), shuffle=False).batch(2)
    assert words.tolist() == ["a", "b"] and isinstance(numbers, ms.Tensor)


REFUSED = {
    "lengths": (lambda: ds.NumpySlicesDataset((X, Y[:3])), ValueError, r"'column_0' \(10, 2\), 'column_1' \(3,\)"),
    "no rows": (lambda: ds.NumpySlicesDataset(X[:0]), ValueError, "columns must have one length above 0"),
    "names": (lambda: ds.NumpySlicesDataset((X, Y), ["x"]), ValueError, "has 1 names for 2 columns"),
    "batch": (
        lambda: ds.NumpySlicesDataset(X).batch(0),
        ValueError,
        "'batch_size' must be an int from 1 on, but got 0",
    ),
    "column": (
        lambda: ds.NumpySlicesDataset(X).map(abs, "x"),
        ValueError,
        r"must be one of \['column_0'\], but got 'x'",
    ),
    "columns": (
        lambda: ds.NumpySlicesDataset(X).create_tuple_iterator(["x"]),
        ValueError,
        r"there is no column 'x', only \['column_0'\]",
    ),
    "iterator": (lambda: ds.GeneratorDataset(rows(), ["x", "y"]), TypeError, "would be empty after one pass"),
    "nothing": (lambda: ds.GeneratorDataset(3, ["x"]), TypeError, "'source' must give rows, but got int"),
    "nameless": (lambda: ds.GeneratorDataset(rows), ValueError, "'column_names' must name each column"),
    "order": (lambda: ds.GeneratorDataset(rows, ["x"], shuffle=True), ValueError, "needs a source with __getitem__"),
    "members": (lambda: list(ds.GeneratorDataset(rows, ["x"])), ValueError, r"row 0 has 2 members for columns \['x'\]"),
    "shapes": (
        lambda: list(ds.GeneratorDataset([np.ones(2), np.ones(3)], ["x"]).batch(2)),
        ValueError,
        r"column 'x' holds different shapes, \[\(2,\), \(3,\)\]; pad them first",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    call, kind, sentence = REFUSED[case]
    with pytest.raises(kind, match=sentence):
        call()
