"""The words of rules mean the same on a number, on an array and on a tensor."""

import numpy as np
import pytest

from calando import ops

X = np.array([-2.0, -0.0, 0.0, 0.25, 9.0, np.inf, np.nan])
Y = np.array([-3.0, 1.0, np.nan, 0.25, 8.0, 0.0, 1.0])


def every(torch, call):
    """What a word gives on arrays, on tensors and on single numbers."""
    yield call(X, Y)
    yield call(torch.tensor(X), torch.tensor(Y)).numpy()
    yield np.array([call(x, y) for x, y in zip(X, Y, strict=True)])


@pytest.mark.parametrize(
    "word, expected",
    [
        ("absolute", [2, 0, 0, 0.25, 9, np.inf, np.nan]),
        ("maximum", [-2, 1, np.nan, 0.25, 9, np.inf, np.nan]),
        ("minimum", [-3, 0, np.nan, 0.25, 8, 0, np.nan]),
        ("sqrt", [np.nan, 0, 0, 0.5, 3, np.inf, np.nan]),
        ("where", [-2, 1, np.nan, 0.25, 9, np.inf, 1]),  # x > y,
    ],
)
def test_a_word(torch, word, expected):
    def call(x, y):
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_words_are_numpys(dtype):
    from numba import njit

    from calando.decay import L2
    from calando.kernels import compile
    from calando.rules.adam import ADAM

    words = compile.run_module(f"words_{dtype}", "<words>", compile.source(ADAM, L2, dtype, cache=False))
    absolute, maximum, minimum = words.absolute, words.maximum, words.minimum
    sign, sqrt, where = words.sign, words.sqrt, words.where

    @njit(error_model="numpy")
    def compiled(x, y, out):
        for k in range(x.size):
            out[0, k] = absolute(x[k])
            out[1, k] = maximum(x[k], y[k])
            out[2, k] = minimum(x[k], y[k])
            out[3, k] = sign(x[k])
            out[4, k] = sqrt(x[k])
            out[5, k] = where(x[k] > y[k], x[k], y[k])

    x, y = (np.array(z.ravel(), dtype) for z in np.meshgrid([*X, 1e-40, 3.7], [*Y, -0.0, 1e-40]))
    out = np.empty((6, x.size), dtype)
    compiled(x, y, out)
    with np.errstate(invalid="ignore"):
        arrays = [
            *(ops.absolute(x), ops.maximum(x, y), ops.minimum(x, y)),
            *(ops.sign(x), ops.sqrt(x), ops.where(x > y, x, y)),
        ]
    for ours, numpys, word in zip(out, arrays, ops.WORDS, strict=True):
        np.testing.assert_array_equal(ours, numpys, word)
        if word in ("maximum", "minimum"):
            continue  # which of two zeros is the larger differs between machines; no rule of ours is made to see it
        number = ~np.isnan(ours)
        np.testing.assert_array_equal(np.signbit(ours[number]), np.signbit(numpys[number]), f"{word}: sign of zero")


def test_all_words_are_told():
    own = {name for name, thing in vars(ops).items() if getattr(thing, "__module__", "") == ops.__name__}
    assert own == {*ops.WORDS, *ops.HALVES, *ops.BITS, "power"}  # power is not exact everywhere, so no kernel has it


def test_the_words_of_float16(torch):
    """On arrays and tensors; in kernels they are held to these by ``tests/rules/test_rule_twins.py``."""
    from fractions import Fraction

    rng = np.random.default_rng(0)
    x, y, z = (rng.standard_normal(50).astype("f4") for _ in range(3))
    z[:25] = -x[:25] * y[:25] * np.float32(1 + 2**-20)  # much of the product goes
    exact = [Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)) for a, b, c in zip(x, y, z, strict=True)]
    expected = np.array([float(number) for number in exact]).astype("f4")
    assert (expected != x * y + z).any()
    np.testing.assert_array_equal(ops.fma(x, y, z), expected)
    np.testing.assert_array_equal(ops.fma(*map(torch.tensor, (x, y, z))).numpy(), expected)
    numbers = np.array([1 / 3, 2049.0, 1e-8, 7e4, -0.0], "f4")
    half = np.array([0.333251953125, 2048, 0, np.inf, 0], "f4")
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(ops.through_half(numbers), half)
    np.testing.assert_array_equal(ops.through_half(torch.tensor(numbers)).numpy(), half)
