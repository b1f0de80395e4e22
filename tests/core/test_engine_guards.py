"""Guard bytes around every array stay untouched, whatever shapes, dtypes, strides and chunks are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calando.decay import DECOUPLED, L2
from calando.kernels import pool
from calando.rules.adam import ADAM
from calando.rules.lamb import LAMB
from calando.rules.sgd import SGD_MOMENTUM
from twins import Case, Twin, assert_same, make, noise, state, usual

GUARD, WIDTH = 0xA5, 72  # bytes on both sides
RULES = [(SGD_MOMENTUM, L2), (ADAM, DECOUPLED), (LAMB, L2)]


def guarded(values, stride, memories):
    """The values with every element ``stride`` elements from the next along the last axis, between guards."""
    *outer, last = values.shape or (1,)
    space = int(np.prod(outer, dtype=int)) * last * stride * values.itemsize
    memory = np.full(space + 2 * WIDTH, GUARD, np.uint8)
    inner = memory[WIDTH : WIDTH + space].view(values.dtype).reshape(*outer, last * stride)[..., ::stride]
    inner = inner.reshape(()) if values.shape == () else inner
    inner[...] = values
    untouched = np.ones(len(memory), bool)
    if values.size:
        start = inner.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
        where = np.arange(values.size) * stride * values.itemsize + start
        untouched[(where[:, None] + np.arange(values.itemsize)).ravel()] = False
    memories.append((memory, untouched))
    return inner


@settings(max_examples=60)
@given(
    shapes=st.lists(st.lists(st.integers(0, 9) | st.just(130), max_size=3).map(tuple), min_size=1, max_size=4),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
    strides=st.lists(st.sampled_from([1, 1, 2, 3]), min_size=4, max_size=4),
    chunk=st.sampled_from([1, 3, 64, 65_536]),
    kind=st.sampled_from(RULES),
    more=st.sampled_from([{}, {"max_norm": 0.5}]),
    narrow=st.booleans(),
    seed=st.integers(0, 99),
)
def test_nothing_around_an_array_is_written(shapes, dtype, strides, chunk, kind, more, narrow, seed):
    rng = np.random.default_rng(seed)
    rule, decay = kind
    memories: list = []
    values = [noise(rng, shape, dtype) for shape in shapes]
    params = [guarded(v, s, memories) for v, s in zip(values, strides, strict=False)]
    slots = "float16" if narrow and dtype == "float32" else dtype
    cases = [Case(params, rule, decay, usual(rule, **more), slot_dtype=slots if dtype != "float64" else None)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "SMALL", 10)
        patch.setenv("CALANDO_NUM_THREADS", "3")
        engine, twin = make(cases, params=[params]), Twin(cases) if slots == dtype else make(cases)
        for m in engine.members[0]:
            for name in rule.slots:
                m.slots[name] = guarded(np.zeros(m.param.shape, slots), 1, memories)
        engine.rearrange()
        for part in engine.parts:
            if part.key.fused:
                part.cut(chunk)
        for _ in range(2):
            given = [noise(rng, shape, dtype) for shape in shapes]
            grads = [guarded(g, s, memories) for g, s in zip(given, strides, strict=False)]
            engine.step([grads]), twin.step([given])
            assert all(g.tobytes() == v.tobytes() for g, v in zip(grads, given, strict=True))
    if slots == dtype:
        assert_same(engine, twin)
    else:
        assert state(engine) == state(twin)
    for memory, untouched in memories:
        assert (memory[untouched] == GUARD).all()
