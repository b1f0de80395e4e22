"""Schedules drawn by hypothesis, alone and in one another; where they have values, and how large."""

import hypothesis
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from calando.schedules import (
    Constant,
    Cosine,
    CosineWave,
    CumulativeProduct,
    Cyclic,
    Exponential,
    InverseSquareRoot,
    InverseTime,
    Linear,
    Listed,
    NaturalExponential,
    OneCycle,
    Piecewise,
    Polynomial,
    Product,
    Sum,
    WarmRestarts,
)

EPS = np.finfo(float).eps
FAR = 300  # steps looked at


def given(*strategies):
    """hypothesis.given without a deadline: a busy machine is no failure."""
    return lambda test: settings(deadline=None)(hypothesis.given(*strategies)(test))


values = st.floats(-100, 100, allow_subnormal=False)
shares = st.floats(0, 1, allow_subnormal=False)
counts = st.integers(1, 40)
moments = st.integers(0, FAR)


@st.composite
def staircases(draw):
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    return Piecewise(draw(st.lists(values, min_size=len(bounds) + 1, max_size=len(bounds) + 1)), bounds)


leaves = st.one_of(
    st.builds(Constant, values, st.none() | counts),
    st.builds(Listed, st.lists(values, min_size=1, max_size=12)),
    st.builds(Linear, values, values, counts),
    st.builds(Cosine, values, values, counts),
    st.builds(Polynomial, values, values, counts, st.floats(0.25, 4), st.booleans()),
    st.builds(Exponential, values, shares, counts, st.booleans()),
    st.builds(NaturalExponential, values, shares, counts, st.booleans()),
    st.builds(InverseTime, values, shares, counts, st.booleans()),
    staircases(),
    st.builds(CosineWave, values, values, counts),
    st.builds(WarmRestarts, values, values, counts, st.integers(1, 4)),
    st.builds(Cyclic, values, values, st.floats(0.5, 40), st.none() | st.floats(0.5, 40), shares, st.booleans()),
    st.builds(OneCycle, values, values, values, counts, shares, st.booleans(), st.booleans()),
    st.builds(InverseSquareRoot, values, counts),
    st.builds(CumulativeProduct, values, shares),
)


@st.composite
def composed(draw, inner):
    how = draw(st.sampled_from(["then", "sum", "product", "scaled", "hold", "repeat", "per_epoch", "skip", "rolled"]))
    a = draw(inner)
    if how == "then":
        longest = a.length if a.ends else 40
        after = draw(st.integers(1, longest))
        return a.then(draw(inner), after=draw(st.sampled_from([after, a.length or after])))
    if how == "sum":
        return a + draw(inner | values)
    if how == "product":
        return a * draw(inner)
    if how == "scaled":
        return draw(values) * a
    if how == "hold":
        return a.hold()
    if how == "repeat" and a.length is not None:
        return a.repeat(draw(st.none() | st.integers(1, 4)))
    if how == "skip":
        return a.skip(draw(st.integers(0, a.length - 1 if a.ends else 40)))
    if how == "rolled":
        return CumulativeProduct(draw(values), Cosine(0.5, 1.0, draw(counts)) if size(a) > 1 else a)
    return a.per_epoch(draw(st.integers(1, 5)))


schedules = st.recursive(leaves, composed, max_leaves=6)
closed = st.one_of(
    st.builds(Linear, values, values, counts),
    st.builds(Cosine, values, values, counts),
    st.builds(Polynomial, values, values, counts, st.floats(0.25, 4)),
)


def defined(s):
    """The steps, out of the first FAR, at which the schedule has a value."""
    return np.arange(min(s.length, FAR) if s.ends else FAR)


def size(s):
    """A bound of the values, cancellation not counted: what rounding errors are measured by."""
    if isinstance(s, Sum):
        return size(s.left) + size(s.right)
    if isinstance(s, Product):
        return size(s.left) * size(s.right)
    if isinstance(s, CumulativeProduct):
        return abs(s.start) * FAR
    if s.parts:
        return max(map(size, s.parts))
    data = s.to_dict()
    told = [data.get(name, 0.0) for name in ("value", "start", "peak", "end")] + data.get("values", [])
    return 2 * max(map(abs, told))
