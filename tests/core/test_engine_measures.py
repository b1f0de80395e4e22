"""measure = True: what a step did, in the same pass, and the same path."""

from types import SimpleNamespace

import numpy as np
import pytest

from calando import rules
from calando.average import averaged
from calando.decay import INSIDE, L2
from calando.kernels.run import whole_sums
from twins import Case, Twin, assert_same, make, noise, usual

NAMES = ["adam", "sgd", "lamb", "adan", "ftrl_power", "adafactor", "rmsprop_centered"]
SHAPES = [(), (130,), (3, 5), (0,), (70_001,)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("ema", [False, True])
def test_the_path_is_the_same_and_the_norms_are_those_of_numpy(name, dtype, ema):
    rng, plain = np.random.default_rng(0), rules.RULES[name]
    rule = averaged(plain) if ema else plain
    front = INSIDE if "weight_decay" in rule.domain else L2
    hyper = usual(rule, loss_scale=4.0, max_norm=5.0, **({"ema": 0.9} if ema else {}))
    cases = [
        Case([noise(rng, s, dtype) for s in SHAPES], rule, front, hyper, centralize=True),
        Case([noise(rng, (4, 2), dtype)], rule, front, hyper, maximize=True),
    ]
    engine, twin = make(cases), Twin(cases)
    engine.measure = True
    for step in range(3):
        grads = [[noise(rng, p.shape, dtype) for p in case.params] for case in cases]
        if step == 1:
            grads[0][1] = None
        before = [[m.param.astype("f8") for m in members] for members in engine.members]
        engine.step(grads), twin.step(grads)
        assert_same(engine, twin)
        row = engine.history[-1]
        assert [(m.group, m.step) for m in row] == [(0, step), (1, step)]
        for found, members, old, given in zip(row, engine.members, before, grads, strict=True):
            here = [i for i, g in enumerate(given) if g is not None]
            after = [members[i].param.astype("f8") for i in here]
            weights = np.sqrt(sum((x * x).sum() for x in after))
            update = np.sqrt(sum(((x - old[i]) ** 2).sum() for x, i in zip(after, here, strict=True)))
            rounding = 2e-3 if dtype == "float16" else 1e-6
            assert found.weights == pytest.approx(weights, rel=rounding, nan_ok=True)
            assert found.update == pytest.approx(update, rel=rounding, abs=rounding * weights, nan_ok=True)
            assert np.isnan(found.ratio) or found.ratio == found.update / found.weights
            assert found.nonfinite == 0


def test_the_gradient_is_the_one_that_the_rule_sees():
    rule = rules.RULES["sgd"]
    cases = [Case([np.full(3, 2.0)], rule, L2, usual(rule, lr=0.5, weight_decay=0.5, loss_scale=2.0), maximize=True)]
    engine = make(cases)
    engine.measure = True
    engine.step([[np.array([2.0, 4.0, np.inf])]])
    (found,) = engine.history[0]
    assert found.nonfinite == 1 and not np.isfinite(found.gradient)
    engine = make(cases)
    engine.measure = True
    engine.step([[np.array([2.0, 4.0, 6.0])]])
    (found,) = engine.history[0]
    seen = -np.array([1.0, 2.0, 3.0]) + 0.5 * 2.0  # minus to climb, over the loss scale, plus decay
    assert found.gradient == pytest.approx(np.linalg.norm(seen), rel=1e-14)
    assert found.update == pytest.approx(0.5 * np.linalg.norm(seen), rel=1e-14)


def test_off_again_there_is_no_more_history():
    rule = rules.RULES["adam"]
    engine = make([Case([np.ones(3)], rule, L2, usual(rule))])
    engine.step([[np.ones(3)]])
    assert engine.history == []
    engine.measure = True
    engine.step([[np.ones(3)]])
    engine.measure = False
    engine.step([[np.ones(3)]])
    assert len(engine.history) == 1


def test_what_is_counted_on_several_processes_stays_whole():
    """Norms are joined as roots, and the root of 3 squared is less than 3."""
    arrays = SimpleNamespace(joined=lambda params, roots: roots)
    part = SimpleNamespace(sharded=True, params=[], key=SimpleNamespace(arrays=arrays))
    found = whole_sums(part, np.array([[4.0, 9.0, 16.0, 3.0], [1.0, 0.0, 0.25, 7.0]]))
    assert found[:, 3].tolist() == [3.0, 7.0]
    assert found[:, :3].tolist() == [[4.0, 9.0, 16.0], [1.0, 0.0, 0.25]]
