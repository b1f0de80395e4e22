"""Schedules and the list functions of MindSpore: the same float64, bit for bit."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calando.schedules import (
    Cosine,
    Exponential,
    InverseTime,
    Linear,
    NaturalExponential,
    Piecewise,
    Polynomial,
)

rates = st.floats(1e-6, 10)
shares = st.floats(1e-3, 0.999)
epochs = st.integers(1, 30)
sizes = st.integers(1, 7)
often = settings(deadline=None, max_examples=200)


@pytest.fixture(scope="module")
def nn():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what MindSpore warns about on import is its own affair
        return pytest.importorskip("mindspore.nn", reason="needs MindSpore to compare with")


def walk(schedule, total):
    return [schedule(step) for step in range(total)]


def total_of(per_epoch, decay):
    return per_epoch * (2 * decay + 3)


@often
@given(low=st.floats(0, 1), rise=rates, per_epoch=sizes, decay=epochs)
def test_cosine(nn, low, rise, per_epoch, decay):
    high, total = low + rise, total_of(per_epoch, decay)
    theirs = nn.cosine_decay_lr(low, high, total, per_epoch, decay)
    assert walk(Cosine(high, low, decay).per_epoch(per_epoch), total) == theirs


@often
@given(lr=rates, rate=shares, per_epoch=sizes, decay=epochs, stairs=st.booleans())
def test_exponential(nn, lr, rate, per_epoch, decay, stairs):
    total = total_of(per_epoch, decay)
    theirs = nn.exponential_decay_lr(lr, rate, total, per_epoch, decay, stairs)
    assert walk(Exponential(lr, rate, decay, stairs).per_epoch(per_epoch), total) == theirs


@often
@given(lr=rates, rate=shares, per_epoch=sizes, decay=epochs)
def test_natural_exponential(nn, lr, rate, per_epoch, decay):
    # their function leaves decay_epoch out of the formula; so it is ours with steps=1
    total = total_of(per_epoch, decay)
    theirs = nn.natural_exp_decay_lr(lr, rate, total, per_epoch, decay)
    assert walk(NaturalExponential(lr, rate).per_epoch(per_epoch), total) == theirs


@often
@given(lr=rates, rate=shares, per_epoch=sizes, decay=epochs)
def test_natural_exponential_on_stairs(nn, lr, rate, per_epoch, decay):
    # theirs: rate * (floor(x / n) * n), ours: (rate * n) * floor(x / n); the exponent differs by an ulp
    total = total_of(per_epoch, decay)
    theirs = nn.natural_exp_decay_lr(lr, rate, total, per_epoch, decay, True)
    ours = walk(NaturalExponential(lr, rate * decay, decay, True).per_epoch(per_epoch), total)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


@often
@given(lr=rates, rate=shares, per_epoch=sizes, decay=epochs, stairs=st.booleans())
def test_inverse_time(nn, lr, rate, per_epoch, decay, stairs):
    total = total_of(per_epoch, decay)
    theirs = nn.inverse_decay_lr(lr, rate, total, per_epoch, decay, stairs)
    assert walk(InverseTime(lr, rate, decay, stairs).per_epoch(per_epoch), total) == theirs


@often
@given(lr=rates, end=st.floats(0, 1), power=st.floats(0.1, 5), per_epoch=sizes, decay=epochs, cycle=st.booleans())
def test_polynomial(nn, lr, end, power, per_epoch, decay, cycle):
    total = total_of(per_epoch, decay)
    theirs = nn.polynomial_decay_lr(lr, end, total, per_epoch, decay, power, cycle)
    assert walk(Polynomial(lr, end, decay, power, cycle).per_epoch(per_epoch), total) == theirs


@often
@given(milestones=st.sets(st.integers(1, 60), min_size=1, max_size=6), data=st.data())
def test_piecewise(nn, milestones, data):
    milestones = sorted(milestones)
    values = data.draw(st.lists(rates, min_size=len(milestones), max_size=len(milestones)))
    theirs = nn.piecewise_constant_lr(milestones, values)
    assert walk(Piecewise(values, milestones[:-1]), milestones[-1]) == theirs


@often
@given(lr=rates, per_epoch=sizes, warm=epochs)
def test_warm_up(nn, lr, per_epoch, warm):
    total = total_of(per_epoch, warm)
    theirs = nn.warmup_lr(lr, total, per_epoch, warm)
    ours = walk(Linear(0.0, lr, warm).per_epoch(per_epoch), total)
    before = per_epoch * warm
    assert ours[:before] == theirs[:before]
    # from the end on ours is lr itself; theirs is lr * warm / warm, which can miss lr by one ulp
    assert ours[before:] == [lr] * (total - before)
    assert all(abs(value - lr) <= math.ulp(lr) for value in theirs[before:])


def test_the_missing_ulp_is_real(nn):
    lr, warm = next((k / 1000, n) for k in range(1, 1000) for n in range(2, 100) if (k / 1000) * n / n != k / 1000)
    assert nn.warmup_lr(lr, warm + 1, 1, warm)[-1] != lr
    assert Linear(0.0, lr, warm)(warm) == lr
