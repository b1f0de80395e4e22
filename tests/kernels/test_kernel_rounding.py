"""rounding=: kernels and array expressions equal the twin bit for bit, whatever the chunks and threads; means stay."""

import platform
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calando import rounding  # noqa: E402
from calando.average import averaged  # noqa: E402
from calando.decay import DECOUPLED, L2  # noqa: E402
from calando.kernels import compile, pool, source  # noqa: E402
from calando.rules.adam import ADAM, AMSGRAD  # noqa: E402
from calando.rules.lamb import LAMB  # noqa: E402
from calando.rules.sgd import SGD_MOMENTUM  # noqa: E402
from entries import listing  # noqa: E402
from low_precision import Twin, assert_same, drawn, engine, hyper_of, keys, noise, stochastic  # noqa: E402

SHAPES = [(), (3,), (131,), (7, 5), (0,), (1000,)]
HALF = pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
WAYS = pytest.mark.parametrize("way", ["stochastic", "kahan"])


def gapped(tensors):
    """The same values in memory with gaps, which no kernel walks."""
    wide = [torch.zeros(*t.shape, 2, dtype=t.dtype) for t in tensors]
    for w, t in zip(wide, tensors, strict=True):
        w[..., 0].copy_(t)
    return [w[..., 0] for w in wide]


@HALF
@WAYS
@pytest.mark.parametrize("rule", [SGD_MOMENTUM, averaged(ADAM)], ids=lambda rule: rule.name)
def test_a_step_equals_its_twin(rule, way, dtype):
    start, hyper = drawn(SHAPES, 0, dtype), hyper_of(rule)
    fused, loose = engine([p.clone() for p in start], rule, hyper, way), engine(gapped(start), rule, hyper, way)
    assert fused.parts[0].key.fused and not all(part.key.fused for part in loose.parts)
    twin = Twin(start, rule, dtype, hyper, way)
    for step in range(3):
        grads = drawn(SHAPES, 1 + step, dtype)
        fused.step([grads]), loose.step([gapped(grads)]), twin.step(grads)
        assert_same(fused, twin)
        assert_same(loose, twin)


@pytest.mark.parametrize("rule, dtype", [(averaged(AMSGRAD), "bfloat16"), (LAMB, "float16")], ids=["amsgrad", "lamb"])
def test_slots_in_half_precision_of_float32_equal_their_twin(rule, dtype):
    decay = L2 if rule.measure is None else DECOUPLED
    start, hyper, given = drawn(SHAPES, 0, "float32"), hyper_of(rule), {"decay": decay, "narrow": dtype}
    fused, loose = engine([p.clone() for p in start], rule, hyper, **given), engine(gapped(start), rule, hyper, **given)
    watched, twin = (
        engine([p.clone() for p in start], rule, hyper, **given),
        Twin(start, rule, "float32", hyper, **given),
    )
    watched.measure = True
    fused.parts[0].cut(64)
    assert fused.parts[0].key.fused and not all(part.key.fused for part in loose.parts)
    for step in range(3):
        grads = drawn(SHAPES, 1 + step, "float32")
        fused.step([grads]), watched.step([grads]), twin.step(grads), loose.step([gapped(grads)])
        for made in (fused, watched, *([loose] if rule.measure is None else [])):  # which sums in another order
            assert_same(made, twin)
    assert {str(x.dtype) for m in fused.members[0] for n, x in m.slots.items() if n != "ema"} == {f"torch.{dtype}"}


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="instructions of x86-64")
@HALF
def test_the_loop_over_slots_in_half_precision_is_vector_code(dtype):
    text = source.source(ADAM, DECOUPLED, "float32", False, dtype)
    code = listing(compile.run_module(f"listing_adam_{dtype}", "<listing>", text).kernel)
    assert re.search(r"\bv?sqrtps\b", code), "many elements are updated at once"
    assert not re.search(r"\bv?cvt(ss2sd|ps2pd|sd2ss|pd2ps)\b", code)


@pytest.mark.parametrize("chunk, threads", [(1, 1), (7, 3), (64, 5), (65_536, 2)])
def test_neither_chunks_nor_threads_matter(chunk, threads, monkeypatch):
    monkeypatch.setenv("CALANDO_NUM_THREADS", str(threads))
    monkeypatch.setattr(pool, "SMALL", 1)
    start, hyper = drawn(SHAPES, 0, "bfloat16"), hyper_of(SGD_MOMENTUM)
    made = engine([p.clone() for p in start], SGD_MOMENTUM, hyper, "stochastic")
    twin = Twin(start, SGD_MOMENTUM, "bfloat16", hyper, "stochastic")
    made.parts[0].cut(chunk)
    for step in range(2):
        grads = drawn(SHAPES, 1 + step, "bfloat16")
        made.step([grads]), twin.step(grads)
        assert_same(made, twin)


def test_the_noise_is_what_it_is_said_to_be():
    seeds, ages, numbers = [0, 5, 2**52 + 1], [1, 7, 2**33], [0, 3, 9]
    found = rounding.keys(seeds, ages, numbers)
    assert found.tolist() == [list(keys(*row)) for row in zip(seeds, ages, numbers, strict=True)]
    places = [0, 1, 2, 255, 70_000, 2**32 - 1]
    ours = rounding.drawn(found[1], np.array(places))
    assert ours.tolist() == [noise(place, keys(5, 7, 3)) for place in places]


def test_the_noise_looks_like_noise():
    """Every bit is set half of the time, and neighbours, steps, parameters and seeds have nothing to do with each
    other: in 2¹⁸ draws, a deviation of five standard deviations would be a two-hundredth."""
    count, bound = 2**18, 5 / np.sqrt(2**18) / 2
    rows = [rounding.drawn(rounding.keys([s], [a], [n])[0], np.arange(count)) for s, a, n in
            [(0, 1, 0), (1, 1, 0), (0, 2, 0), (0, 1, 1)]]  # fmt: skip
    bits = np.stack([(row[:, None] >> np.arange(32, dtype=np.uint32)) & 1 for row in rows]).astype(bool)
    assert (abs(bits.mean(1) - 0.5) < bound).all()
    for other in range(1, 4):
        assert (abs((bits[0] ^ bits[other]).mean(0) - 0.5) < bound).all()
    assert (abs((bits[0][1:] ^ bits[0][:-1]).mean(0) - 0.5) < bound).all()


@HALF
@pytest.mark.parametrize("value", [1.001, -3.3e-3, 3.1e-7, 5e-8])
def test_in_the_mean_nothing_is_lost(dtype, value):
    """Of 2¹⁶ roundings of one number, also of one that is subnormal in float16: the mean, within five deviations."""
    count = 2**16
    x = np.full(count, value, np.float32)
    found = rounding.DITHERED[dtype](x, rounding.drawn(rounding.keys([3], [1], [0])[0], np.arange(count)))
    low, high = found.min(), found.max()
    assert len(np.unique(found)) == 2 and low < x[0] < high
    assert torch.equal(torch.from_numpy(found).to(getattr(torch, dtype)).float(), torch.from_numpy(found))
    chance = (x[0] - low) / (high - low)
    assert abs((found == high).mean() - chance) < 5 * np.sqrt(chance * (1 - chance) / count)


def test_slots_are_rounded_up_as_often_as_is_right_and_each_by_itself():
    """Up by a quarter of a digit's chance: each element in the mean of 4096 steps, all of them in one step, and no two
    slots oftener at once than by chance; five standard deviations."""
    steps, bound = 4096, 5 * np.sqrt(3 / 16 / 4096)
    keys = rounding.keys([3] * steps, np.arange(1, steps + 1), [0] * steps)
    draws = [[rounding.slot_drawn(key, np.arange(300), slot) for key in keys] for slot in range(4)]
    ups = np.array(draws) & 0xFFFF >= 0xC000  # (slots, steps, elements)
    assert (abs(ups.mean(1) - 0.25) < bound).all() and (abs(ups.mean(2) - 0.25) < 0.03).all()
    for one in range(4):
        for other in range(one):
            assert (abs((ups[one] & ups[other]).mean(0) - 1 / 16) < bound).all()


@HALF
def test_what_is_no_question_is_not_rounded(dtype):
    draws = np.array([0, 0xFFFFFFFF], np.uint32)
    for value in (0.0, -0.0, 1.0, -1.5, 2.0**-24, np.inf, -np.inf, 65504.0 if dtype == "float16" else 3.3895314e38):
        with np.errstate(invalid="ignore"):
            found = rounding.DITHERED[dtype](np.full(2, value, np.float32), draws)
        assert found.tobytes() == np.full(2, value, np.float32).tobytes()
        if dtype == "bfloat16":
            assert (found.view(np.uint32) >> 16 == rounding.bits_bfloat16(np.full(2, value, np.float32), draws)).all()
    odd = np.array([np.nan, -np.nan], np.float32), np.array([0x7FFFFFFF, 0xFF800001], np.uint32).view(np.float32)
    with np.errstate(invalid="ignore"):
        for value in odd:
            assert np.isnan(rounding.DITHERED[dtype](value, draws)).all()
            assert rounding.bits_bfloat16(value, draws).tolist() == [0x7FC0, 0x7FC0]


@HALF
def test_the_twin_itself_carries_where_it_should(dtype):
    step = 2.0**-7 if dtype == "bfloat16" else 2.0**-10
    x, bits = np.float32(1 + step / 4), 16 if dtype == "bfloat16" else 13
    assert stochastic(x, dtype, 2**bits - 1) == 1 + step and stochastic(x, dtype, 3 * 2 ** (bits - 2) - 1) == 1


def test_infinity_stays_and_neighbours_go_on():
    p = torch.tensor([float("inf"), 1.0, 3.38e38, 2.0]).bfloat16()
    made = engine([p], SGD_MOMENTUM, hyper_of(SGD_MOMENTUM, lr=0.5, weight_decay=0.0), "kahan")
    for _ in range(3):
        made.step([[torch.tensor([1.0, 1.0, -1e36, 1.0]).bfloat16()]])
    assert p[0] == float("inf") and p[2] > 3.3e38 and p[1].isfinite() and p[3].isfinite()
