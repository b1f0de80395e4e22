"""The words of rules mean the same on a number, on an array and on a tensor."""

import numpy as np
import pytest

from calando import ops

X = np.array([-2.0, -0.0, 0.0, 0.25, 9.0, np.inf, np.nan])
Y = np.array([-3.0, 1.0, np.nan, 0.25, 8.0, 0.0, 1.0])


def every(torch, call):
    """What a word gives on arrays, on tensors and on single numbers."""
    yield call(np.array, X, Y)
    yield call(torch.tensor, torch.tensor(X), torch.tensor(Y)).numpy()
    yield np.array([call(np.float64, x, y) for x, y in zip(X, Y, strict=True)])


@pytest.mark.parametrize(
    "word, expected",
    [
        ("absolute", [2, 0, 0, 0.25, 9, np.inf, np.nan]),
        ("maximum", [-2, 1, np.nan, 0.25, 9, np.inf, np.nan]),
        ("minimum", [-3, 0, np.nan, 0.25, 8, 0, np.nan]),
        ("sqrt", [np.nan, 0, 0, 0.5, 3, np.inf, np.nan]),
        ("where", [-3, 1, np.nan, 0.25, 9, np.inf, 1]),
    ],
)
def test_a_word(torch, word, expected):
    def call(kind, x, y):
        if word == "where":
            return ops.where(x > y, x, y)
        return getattr(ops, word)(x) if word in ("absolute", "sqrt") else getattr(ops, word)(x, y)

    with np.errstate(invalid="ignore"):
        for found in every(torch, call):
            np.testing.assert_array_equal(found, expected)


def test_the_sign(torch):
    finite = X[:-1]
    expected = [-1, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(ops.sign(finite), expected)
    np.testing.assert_array_equal(ops.sign(torch.tensor(finite)), expected)
    assert [ops.sign(x) for x in finite] == expected


def test_the_sign_of_not_a_number_stays_on_every_machine(torch):
    assert np.isnan(ops.sign(np.array([np.nan]))).all()
    assert np.isnan(ops.sign(torch.tensor([np.nan])).numpy()).all()


def test_all_words_are_told():
    own = {name for name, thing in vars(ops).items() if getattr(thing, "__module__", "") == ops.__name__}
    assert own == set(ops.WORDS)
