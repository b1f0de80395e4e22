"""The average of the weights behind every rule: the engine against the twin, and its mathematics."""

import numpy as np
import pytest

from calando import rules
from calando.average import averaged
from calando.decay import DECOUPLED, INSIDE, L2
from twins import Case, Twin, assert_same, make, noise, usual

ALONE = [name for name in rules.RULES if not name.endswith("_vector")]


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_engine_plays_what_the_twin_plays(name, dtype):
    plain = rules.RULES[name]
    rule, rng = averaged(plain), np.random.default_rng(0)
    front = INSIDE if "weight_decay" in rule.domain else DECOUPLED if plain.whole else L2
    shapes = [(3, 4), (5, 2)] if name.startswith("muon") else [(), (130,), (3, 5), (0,), (70_001,)]
    hyper = usual(rule, ema=0.9, **({"ns_steps": 3.0} if "ns_steps" in rule.domain else {}))
    cases = [Case([noise(rng, s, dtype) for s in shapes], rule, front, hyper)]
    engine, twin = make(cases), Twin(cases)
    for _ in range(3):
        grads = [[noise(rng, s, dtype) for s in shapes]]
        engine.step(grads), twin.step(grads)
        assert_same(engine, twin)


@pytest.mark.parametrize("name", ["adam", "sgd", "lamb", "adafactor"])
def test_parameters_go_where_they_go_without_and_the_average_follows(name):
    rule, rng = rules.RULES[name], np.random.default_rng(1)
    front = INSIDE if "weight_decay" in rule.domain else L2
    start = rng.standard_normal((4, 3))
    with_it = make([Case([start], averaged(rule), front, usual(rule, ema=lambda step: 0.5 + 0.1 * step))])
    without = make([Case([start], rule, front, usual(rule))])
    mean = start.copy()
    for step in range(4):
        g = rng.standard_normal((4, 3))
        with_it.step([[g]]), without.step([[g]])
        np.testing.assert_array_equal(with_it.members[0][0].param, without.members[0][0].param)
        keep = 0.5 + 0.1 * step
        mean = keep * mean + (1 - keep) * without.members[0][0].param
        np.testing.assert_allclose(with_it.members[0][0].slots["ema"], mean, rtol=1e-13)
