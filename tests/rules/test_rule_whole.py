"""Rules on whole arrays: the engine against the twin, and their mathematics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calando.decay import DECOUPLED, INSIDE
from calando.rules import RULES
from calando.rules.whole.muon import orthogonal
from twins import Case, Twin, assert_same, make, noise, usual

WHOLE = {name: rule for name, rule in RULES.items() if rule.whole and not name.endswith("_vector")}
EVERY = pytest.mark.parametrize("rule", WHOLE.values(), ids=WHOLE)
SHAPES = [(3, 4), (7, 2), (5, 5)]
MORE = [(), (6,), (1,), (2, 3, 4), (900, 3, 3), (9000, 1, 1), (2, 90, 100), (1000, 11), (3, 20_000), (0, 4)]


def cases(rule, dtype, seed=0):
    rng = np.random.default_rng(seed)
    shapes = SHAPES if rule.name.startswith("muon") else SHAPES + MORE
    front = DECOUPLED if rule.name.startswith("muon") else INSIDE
    hyper = usual(rule, **({"ns_steps": 3.0} if "ns_steps" in rule.domain else {}))
    return [
        Case([noise(rng, s, dtype) for s in shapes], rule, front, hyper),
        Case([noise(rng, s, dtype) for s in shapes], rule, front, hyper | {"max_norm": 0.5, "loss_scale": 4.0}, True),
    ]


@EVERY
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_engine_plays_what_the_twin_plays(rule, dtype):
    described = cases(rule, dtype)
    engine, twin = make(described), Twin(described)
    rng = np.random.default_rng(1)
    for missing in (0.0, 0.3, 0.0, 0.0):
        grads = [
            [None if rng.random() < missing else noise(rng, p.shape, dtype) for p in case.params] for case in described
        ]
        engine.step(grads), twin.step(grads)
        assert_same(engine, twin)


@settings(max_examples=50)
@given(rows=st.integers(1, 6), columns=st.integers(1, 6), seed=st.integers(0, 99))
def test_singular_values_come_near_one(rows, columns, seed):
    # the coefficients of Jordan et al. keep them between about 0.7 and 1.2, and leave the directions alone
    x = np.random.default_rng(seed).standard_normal((rows, columns))
    u, s, v = np.linalg.svd(x, full_matrices=False)
    if s[-1] < 0.05 * s[0]:
        return
    found = orthogonal(x, 1e-7, 3.4445, -4.775, 2.0315, 8).astype(np.float64)
    values = np.diag(u.T @ found @ v.T)
    np.testing.assert_allclose(found, (u * values) @ v, atol=2e-3)
    assert (values > 0.6).all() and (values < 1.3).all()


@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_a_column_and_a_row_are_exact_for_squares_of_rank_one(scale, seed):
    # arXiv:1804.04235, section 3: r c / mean(r) is g² itself where g² = x yᵀ, so the update is the sign of g
    rng = np.random.default_rng(seed)
    g = scale * np.outer(rng.uniform(0.5, 2, 4), rng.uniform(0.5, 2, 3)) * np.sign(rng.standard_normal((4, 3)))
    rule = RULES["adafactor"]
    hyper = usual(rule, lr=0.5, eps1=0.0, eps2=0.25, d=1.0, weight_decay=0.0, beta2_decay=-0.8)
    engine = make([Case([np.zeros((4, 3))], rule, INSIDE, hyper)])
    engine.step([[g]])
    # a = max(eps2, rms(0)) min(lr, 1/√1) = 0.125, and rms(sign) = 1 is not clipped
    np.testing.assert_allclose(engine.members[0][0].param, -0.125 * np.sign(g), rtol=1e-12)
