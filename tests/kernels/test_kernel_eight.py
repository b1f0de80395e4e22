"""slot_dtype="int8": kernels and array expressions equal the twin bit for bit, and are vector code."""

import platform
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from calando import eight  # noqa: E402
from calando.average import averaged  # noqa: E402
from calando.decay import DECOUPLED  # noqa: E402
from calando.kernels import compile, pool, source  # noqa: E402
from calando.rules import RULES  # noqa: E402
from calando.rules.adam import ADAM, AMSGRAD  # noqa: E402
from entries import listing  # noqa: E402
from low_precision import (  # noqa: E402
    SIGNED_TABLE,
    UNSIGNED_TABLE,
    Twin,
    assert_same,
    decoded,
    drawn,
    encoded,
    engine,
    hyper_of,
)

SHAPES = [(), (3,), (256,), (300, 7), (0,), (1025,)]
CODED = {name: rule for name, rule in RULES.items() if rule.kernel and eight.coded(rule)}


def gapped(tensors):
    """The same values in memory with gaps, which no kernel walks."""
    wide = [torch.zeros(*t.shape, 2, dtype=t.dtype) for t in tensors]
    for w, t in zip(wide, tensors, strict=True):
        w[..., 0].copy_(t)
    return [w[..., 0] for w in wide]


@pytest.mark.parametrize("rule", [AMSGRAD, averaged(ADAM)], ids=lambda rule: rule.name)
@pytest.mark.parametrize("dtype, way", [("float32", None), ("bfloat16", "stochastic")])
def test_a_step_equals_its_twin(rule, dtype, way):
    start, hyper = drawn(SHAPES, 0, dtype), hyper_of(rule)
    fused = engine([p.clone() for p in start], rule, hyper, way, True, DECOUPLED)
    loose = engine(gapped(start), rule, hyper, way, True, DECOUPLED)
    assert fused.parts[0].key.fused and not all(part.key.fused for part in loose.parts)
    twin = Twin(start, rule, dtype, hyper, way, True, DECOUPLED)
    for step in range(3):
        grads = drawn(SHAPES, 1 + step, dtype)
        fused.step([grads]), loose.step([gapped(grads)]), twin.step(grads)
        assert_same(fused, twin)
        assert_same(loose, twin)


@settings(max_examples=25, deadline=None)
@given(
    shapes=st.lists(st.integers(0, 700).map(lambda n: (n,)), min_size=1, max_size=4),
    chunk=st.sampled_from([1, 256, 257, 65_536]),
    threads=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_neither_shapes_nor_chunks_nor_threads_matter(shapes, chunk, threads, seed):
    start, hyper = drawn(shapes, seed, "float32"), hyper_of(ADAM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALANDO_NUM_THREADS", str(threads))
        patch.setattr(pool, "SMALL", 1)
        made, twin = (
            engine([p.clone() for p in start], ADAM, hyper, eight=True, decay=DECOUPLED),
            Twin(start, ADAM, "float32", hyper, eight=True, decay=DECOUPLED),
        )
        made.parts[0].cut(chunk)
        for step in range(2):
            grads = drawn(shapes, seed + 100 + step, "float32")
            made.step([grads]), twin.step(grads)
            assert_same(made, twin)


def test_measuring_changes_nothing_and_sums_the_same():
    start, hyper = drawn(SHAPES, 0, "float32"), hyper_of(ADAM)
    plain = engine([p.clone() for p in start], ADAM, hyper, eight=True)
    watched = engine([p.clone() for p in start], ADAM, hyper, eight=True)
    watched.measure = True
    before = [p.double().numpy() for p in start]
    for step in range(2):
        grads = drawn(SHAPES, 1 + step, "float32")
        plain.step([grads]), watched.step([grads])
        after = [m.param.double().numpy() for m in plain.members[0]]
        for one, two in zip(plain.members[0], watched.members[0], strict=True):
            assert torch.equal(one.param, two.param)
            assert all(torch.equal(one.slots[name], two.slots[name]) for name in one.slots)
        (row,) = watched.history[-1]
        moved = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(after, before, strict=True)))
        assert row.update == pytest.approx(moved, rel=1e-12) and row.nonfinite == 0
        before = after


@pytest.mark.parametrize("name, table", [("m", SIGNED_TABLE), ("v", UNSIGNED_TABLE)])
def test_every_code_means_what_the_table_says(name, table):
    codes = np.arange(256, dtype=np.uint8)
    found = eight.widened(name, codes, np.array([3.0], np.float32))
    np.testing.assert_array_equal(found, decoded(name, codes, np.array([3.0], np.float32)))
    assert (np.diff(table) > 0).all()


@pytest.mark.parametrize("name", ["m", "v"])
def test_what_is_kept_is_near(name):
    """Half a step between codes is a sixteenth of where their octave begins; signed ones are counted from the smallest
    on; and zeros alone stay zeros."""
    rng = np.random.default_rng(0)
    x = np.float32(rng.standard_normal(5000) * 10.0 ** rng.integers(-3, 1, 5000))
    x = x if name == "m" else x * x
    found = eight.widened(name, *eight.nearest(name, x))
    top = np.repeat([abs(x[i : i + 256]).max() for i in range(0, 5000, 256)], 256)[:5000]
    least = top * (2.0**-15 if name == "m" else 2.0**-27)
    assert (abs(found - x) <= (abs(x) + least) / 15.99).all()
    zeros = eight.widened(name, *eight.nearest(name, np.zeros(300, np.float32)))
    assert not zeros.any()
    codes, scales = eight.nearest(name, x)
    ours = encoded(name, x, [0x80000] * 5000)
    assert (codes == ours[0]).all() and (scales == ours[1]).all()


def test_in_the_mean_nothing_is_lost():
    """One number, kept 2¹⁶ times beside the block's largest: its mean is itself, within five deviations."""
    for name, value in (("m", -0.0123), ("v", 0.0123), ("m", 1e-6)):
        x = np.full(2**16, value, np.float32)
        x[::256] = 1.0
        drawn = eight.noise(name, np.array([1, 12345], np.uint32), x.size)
        found = np.delete(eight.widened(name, *eight.narrowed(name, x, drawn)), np.s_[::256])
        low, high = found.min(), found.max()
        assert len(np.unique(found)) == 2 and low < np.float32(value) < high
        assert abs(found.mean(dtype=np.float64) - value) < 5 * (high - low) / 2 / 2**8


@pytest.mark.parametrize("key", [0, 1, 12345, 2**32 - 100])
def test_neighbours_are_rounded_evenly_and_both_moments_apart(key):
    """Of 256 draws in a row the largest gap is less than three times what it is at best; drawn at random it is six."""
    draws = {name: eight.noise(name, np.array([0, key], np.uint32), 2**16) / 2**20 for name in "mv"}
    for found in draws.values():
        blocks = np.sort(found.reshape(-1, 256), 1)
        gaps = np.diff(np.column_stack([blocks, blocks[:, 0] + 1]))
        assert gaps.max() < 3 / 256
    assert abs(np.corrcoef(*draws.values())[0, 1]) < 0.01


def test_a_number_that_is_not_finite_stays_with_its_element():
    start, hyper = drawn([(600,)], 0, "float32"), hyper_of(ADAM)
    made, twin = (
        engine([start[0].clone()], ADAM, hyper, eight=True),
        engine([start[0].clone()], ADAM, hyper, eight=True),
    )
    odd = [3, 300, 599]
    for step in range(3):
        (g,) = drawn([(600,)], 1 + step, "float32")
        h = g.clone()
        h[odd] = torch.tensor([float("inf"), float("nan"), float("-inf")])
        g[odd] = 0.0
        made.step([[h]]), twin.step([[g]])
    p, q = (e.members[0][0].param for e in (made, twin))
    assert not p[odd].isfinite().any()
    rest = np.delete(np.arange(600), odd)
    assert torch.equal(p[rest], q[rest])


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="instructions of x86-64")
def test_both_loops_are_vector_code():
    text = source.source(ADAM, DECOUPLED, "float32", False, "int8")
    module = compile.run_module("listing_adam_eight", "<listing>", text)
    code = listing(module.kernel)
    assert re.search(r"\bv?sqrtps\b", code), "many elements are updated at once"
    assert re.search(r"\bv?psrld\s+\$12\b", code), "the noise of many elements is drawn at once"
    assert not re.search(r"\bv?cvt(ss2sd|ps2pd|sd2ss|pd2ps)\b", code)


def test_which_rules_have_it():
    assert {"adam", "amsgrad", "adam_epsilon_hat", "nadam", "radam", "adamax", "lion", "sgd_momentum"} <= CODED.keys()
    assert CODED.keys().isdisjoint({"sgd", "lamb", "adagrad", "adadelta", "ftrl", "adan", "rprop", "rmsprop_centered"})
