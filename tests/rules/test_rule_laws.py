"""The mathematics: what the formulas promise for every input, seen through the engine in float64."""

from itertools import pairwise
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calando import rules
from calando.decay import DECAYS, DECOUPLED, INSIDE, L2
from calando.rules.adam import (
    ADAM,
    ADAM_EPSILON_HAT,
    ADAM_EPSILON_HAT_AHEAD,
    ADAM_UNCORRECTED,
    AMSGRAD,
    AMSGRAD_EPSILON_HAT,
)
from calando.rules.adan import ADAN, ADAN_DECOUPLED
from calando.rules.lamb import LAMB
from calando.rules.lion import LION
from calando.rules.sgd import MOMENTUM, MOMENTUM_NESTEROV, SGD, SGD_MOMENTUM, SGD_NESTEROV
from twins import Case, make, usual

SIZE = 5
away = st.floats(0.5, 2, width=32) | st.floats(-2, -0.5, width=32)  # numbers well away from zero
vectors = arrays("f8", SIZE, elements=away)
paths = st.lists(vectors, min_size=1, max_size=6)
rates = st.floats(1e-4, 0.5)
keeps = st.floats(0, 0.99)
RULES = {name: rule for name, rule in rules.RULES.items() if not rule.whole}
EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
EVERY_DECAY = pytest.mark.parametrize("decay", DECAYS.values(), ids=DECAYS)


def walk(rule, start, grads, decay=L2, dtype="f8", maximize=False, centralize=False, **hyper):
    """The parameter after each step, and its slots at the end."""
    params = [np.array(start, dtype)]
    case = Case(params, rule, decay, usual(rule, **({"weight_decay": 0.0} | hyper)), maximize, centralize)
    engine = make([case])
    (m,) = engine.members[0]
    path = []
    for g in grads:
        engine.step([[np.array(g, dtype)]])
        path.append(m.param.copy())
    return np.array(path), m.slots


# Adam


@pytest.mark.parametrize("rule", [ADAM, AMSGRAD, ADAM_EPSILON_HAT, AMSGRAD_EPSILON_HAT], ids=lambda r: r.name)
@given(g=vectors, lr=rates, beta1=keeps, beta2=keeps)
def test_the_first_step_has_length_lr(rule, g, lr, beta1, beta2):
    path, _ = walk(rule, np.zeros(SIZE), [g], lr=lr, beta1=beta1, beta2=beta2, eps=0.0)
    np.testing.assert_allclose(path[0], -lr * np.sign(g), rtol=1e-12)


@given(g=vectors, lr=rates, beta1=keeps, beta2=keeps)
def test_the_first_step_that_looks_ahead_is_longer_by_beta1(g, lr, beta1, beta2):
    # m = (1 - β₁) g, so β₁ m + (1 - β₁) g = (1 + β₁)(1 - β₁) g
    path, _ = walk(ADAM_EPSILON_HAT_AHEAD, np.zeros(SIZE), [g], lr=lr, beta1=beta1, beta2=beta2, eps=0.0)
    np.testing.assert_allclose(path[0], -lr * (1 + beta1) * np.sign(g), rtol=1e-12)


@given(g=vectors, lr=rates, beta1=keeps, beta2=keeps)
def test_the_first_uncorrected_step_is_off_by_both_corrections(g, lr, beta1, beta2):
    path, _ = walk(ADAM_UNCORRECTED, np.zeros(SIZE), [g], lr=lr, beta1=beta1, beta2=beta2, eps=0.0)
    np.testing.assert_allclose(path[0], -lr * (1 - beta1) / sqrt(1 - beta2) * np.sign(g), rtol=1e-12)


@pytest.mark.parametrize("rule", [ADAM, ADAM_EPSILON_HAT], ids=lambda r: r.name)
@given(g=vectors, steps=st.integers(1, 30), beta1=keeps, beta2=keeps)
def test_under_a_constant_gradient_every_step_has_length_lr(rule, g, steps, beta1, beta2):
    # m = (1 - β₁ᵗ) g and v = (1 - β₂ᵗ) g²: the corrections undo exactly that
    path, slots = walk(rule, np.zeros(SIZE), [g] * steps, lr=0.01, beta1=beta1, beta2=beta2, eps=0.0)
    np.testing.assert_allclose(path[-1], -0.01 * steps * np.sign(g), rtol=1e-10)
    np.testing.assert_allclose(slots["m"], (1 - beta1**steps) * g, rtol=1e-10)
    np.testing.assert_allclose(slots["v"], (1 - beta2**steps) * g**2, rtol=1e-10)


SQUARED = {  # ε stands beside g² here: it scales with the square
    "adagrad_epsilon_inside", "adagrad_standing", "rmsprop_inside", "rmsprop_inside_centered",
}  # fmt: skip
UNSCALED = {"radam", "adadelta", "lamb_clipped"}  # steps as long as gradients at first; ε beside both, squares too


@pytest.mark.parametrize("name", [name for name in RULES if "eps" in RULES[name].domain and name not in UNSCALED])
@given(p=vectors, grads=paths, power=st.integers(-6, 6))
def test_scaling_gradients_and_eps_together_changes_nothing(name, p, grads, power):
    c = 2.0**power  # a power of two is exact in floating point, so equality may be too
    plain, _ = walk(RULES[name], p, grads, dtype="f4", eps=2.0**-10)
    power = 2 if name in SQUARED else 1
    scaled, _ = walk(RULES[name], p, [c * g for g in grads], dtype="f4", eps=c**power * 2.0**-10)
    np.testing.assert_array_equal(scaled, plain)


@given(p=vectors, grads=paths, beta2=keeps, eps=st.floats(1e-8, 1))
def test_eps_hat_is_eps_before_the_correction(p, grads, beta2, eps):
    # Kingma & Ba, before section 2.1: ε̂ = ε √(1 - β₂ᵗ)
    plain, _ = walk(ADAM, p, grads, beta2=beta2, eps=eps)
    hat, _ = walk(ADAM_EPSILON_HAT, p, grads, beta2=beta2, eps=lambda step: eps * sqrt(1 - beta2 ** (step + 1)))
    np.testing.assert_allclose(hat, plain, rtol=1e-11, atol=1e-13)


@given(p=vectors, grads=paths, lr=rates)
def test_without_memory_adam_follows_the_sign(p, grads, lr):
    path, _ = walk(ADAM, p, grads, lr=lr, beta1=0.0, beta2=0.0, eps=0.0)
    np.testing.assert_allclose(path, p - lr * np.cumsum(np.sign(grads), 0), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rule", [AMSGRAD, AMSGRAD_EPSILON_HAT], ids=lambda r: r.name)
@given(grads=st.lists(vectors, min_size=1, max_size=12), beta2=keeps)
def test_amsgrad_divides_by_the_largest_v_so_far(rule, grads, beta2):
    seen, largest = np.zeros(SIZE), np.zeros(SIZE)
    for count in range(1, len(grads) + 1):
        _, slots = walk(rule, np.zeros(SIZE), grads[:count], beta2=beta2)
        assert (slots["v_max"] >= seen).all()
        seen, largest = slots["v_max"], np.maximum(largest, slots["v"])
        np.testing.assert_array_equal(seen, largest)


@given(p=vectors, g=vectors, factors=st.lists(st.floats(1, 2), min_size=1, max_size=6))
def test_amsgrad_is_adam_as_long_as_v_grows(p, g, factors):
    grads = g * np.cumprod(factors)[:, None]
    np.testing.assert_array_equal(walk(AMSGRAD, p, grads)[0], walk(ADAM, p, grads)[0])


# Gradient descent


@given(p=vectors, g=vectors, steps=st.integers(1, 30), mu=keeps, tau=st.floats(0, 0.9), lr=rates)
def test_momentum_under_a_constant_gradient(p, g, steps, mu, tau, lr):
    # m₁ = g, mₙ = μⁿ⁻¹ g + (1 - τ) g (1 + μ + … + μⁿ⁻²): the first update is not dampened
    path, slots = walk(SGD_MOMENTUM, p, [g] * steps, lr=lr, momentum=mu, dampening=tau)
    factor = [mu ** (n - 1) + (1 - tau) * (1 - mu ** (n - 1)) / (1 - mu) for n in range(1, steps + 1)]
    np.testing.assert_allclose(slots["m"], factor[-1] * g, rtol=1e-11)
    np.testing.assert_allclose(path[-1], p - lr * sum(factor) * g, rtol=1e-11, atol=1e-12)


@given(p=vectors, grads=paths, lr=rates)
def test_without_momentum_all_are_plain_descent(p, grads, lr):
    plain, _ = walk(SGD, p, grads, lr=lr)
    np.testing.assert_allclose(plain, p - lr * np.cumsum(grads, 0), rtol=1e-12, atol=1e-13)
    for rule in (SGD_MOMENTUM, SGD_NESTEROV, MOMENTUM, MOMENTUM_NESTEROV):
        other = {"dampening": 0.0} if "dampening" in rule.domain else {}
        np.testing.assert_array_equal(walk(rule, p, grads, lr=lr, momentum=0.0, **other)[0], plain)


@pytest.mark.parametrize("straight, ahead", [(SGD_MOMENTUM, SGD_NESTEROV), (MOMENTUM, MOMENTUM_NESTEROV)])
@given(p=vectors, grads=paths, mu=keeps, lr=rates)
def test_nesterov_stands_one_look_ahead_of_momentum(straight, ahead, p, grads, mu, lr):
    # θ = p + lr μ m obeys θ ← θ - lr m: Sutskever et al. 2013, with p the point looked at
    other = {"dampening": 0.0} if "dampening" in straight.domain else {}
    heavy, _ = walk(straight, p, grads, lr=lr, momentum=mu, **other)
    light, slots = walk(ahead, p, grads, lr=lr, momentum=mu, **other)
    np.testing.assert_allclose(light[-1] + lr * mu * slots["m"], heavy[-1], rtol=1e-11, atol=1e-12)


@given(p=vectors, grads=paths, mu=keeps)
def test_mindspores_momentum_is_torchs_without_dampening(p, grads, mu):
    np.testing.assert_array_equal(
        walk(MOMENTUM, p, grads, momentum=mu)[0], walk(SGD_MOMENTUM, p, grads, momentum=mu, dampening=0.0)[0]
    )


@given(
    p=vectors,
    g=vectors,
    pick=st.sampled_from([SGD, SGD_MOMENTUM, SGD_NESTEROV, MOMENTUM]),
    power=st.integers(-5, 5),
)
def test_descent_is_linear_in_lr_and_gradient(p, g, pick, power):
    c = 2.0**power
    plain, _ = walk(pick, p, [g, -g, g], lr=0.25)
    np.testing.assert_array_equal(walk(pick, p, [c * g, -c * g, c * g], lr=0.25 / c)[0], plain)


# What stands in front of every rule


PLAIN = [r for r in RULES.values() if "weight_decay" not in r.domain]  # the others decay by themselves
STILL = [r for r in PLAIN if r.name not in ("asgd", "ftrl", "ftrl_power", "proximal_adagrad")]


@pytest.mark.parametrize("rule", STILL, ids=lambda r: r.name)  # the others move p without a gradient
@given(p=vectors, steps=st.integers(1, 8), lr=rates, rate=st.floats(0, 1))
def test_decoupled_decay_alone_shrinks_by_the_product(rule, p, steps, lr, rate):
    def rates(step):
        return lr / (1 + step)

    def decays(step):
        return rate * 0.9**step

    path, _ = walk(rule, p, [np.zeros(SIZE)] * steps, DECOUPLED, lr=rates, weight_decay=decays)
    shrunk = prod(1 - rates(step) * decays(step) for step in range(steps))
    np.testing.assert_allclose(path[-1], p * shrunk, rtol=1e-13)


@pytest.mark.parametrize("rule", PLAIN, ids=lambda r: r.name)
@given(p=vectors, grads=paths)
def test_l2_decay_is_the_gradient_of_half_the_square(rule, p, grads):
    decayed, _ = walk(rule, p, grads, L2, weight_decay=0.25)
    points, told = [p, *decayed[:-1]], []
    for x, g in zip(points, grads, strict=True):
        told.append(g + 0.25 * x)
    np.testing.assert_allclose(walk(rule, p, told)[0], decayed, rtol=1e-10, atol=1e-12)


@given(p=vectors, steps=st.integers(1, 8), lr=rates, rate=st.floats(0, 1))
def test_both_decays_are_one_for_plain_descent(p, steps, lr, rate):
    rng = np.random.default_rng(steps)
    grads = rng.standard_normal((steps, SIZE))
    l2, _ = walk(SGD, p, grads, L2, lr=lr, weight_decay=rate)
    apart, _ = walk(SGD, p, grads, DECOUPLED, lr=lr, weight_decay=rate)
    np.testing.assert_allclose(l2, apart, rtol=1e-11, atol=1e-13)


@EVERY_RULE
@EVERY_DECAY
def test_to_climb_is_to_descend_the_negative(rule, decay):
    rng = np.random.default_rng(0)
    p, grads = rng.standard_normal(SIZE), rng.standard_normal((4, SIZE))
    climbing, _ = walk(rule, p, grads, decay, maximize=True, weight_decay=0.1)
    np.testing.assert_array_equal(climbing, walk(rule, p, -grads, decay, weight_decay=0.1)[0])


@EVERY_RULE
@EVERY_DECAY
def test_a_loss_scale_is_taken_out_again(rule, decay):
    rng = np.random.default_rng(1)
    p, grads = rng.standard_normal(SIZE), rng.standard_normal((4, SIZE))
    scaled, _ = walk(rule, p, 1024.0 * grads, decay, loss_scale=1024.0, weight_decay=0.1, max_norm=1.5)
    np.testing.assert_array_equal(scaled, walk(rule, p, grads, decay, weight_decay=0.1, max_norm=1.5)[0])


@given(g=vectors, bound=st.floats(1e-3, 10))
def test_a_clipped_gradient_keeps_its_direction_and_is_no_longer_than_the_bound(g, bound):
    path, _ = walk(SGD, np.zeros(SIZE), [g], lr=1.0, max_norm=bound)
    norm = np.linalg.norm(g)
    np.testing.assert_allclose(-path[0], g * min(1.0, bound / (norm + 1e-6)), rtol=1e-12)
    assert np.linalg.norm(path[0]) <= min(bound, norm) * (1 + 1e-12)


@EVERY_DECAY
@given(x=arrays("f8", (3, 2, 4), elements=away), g=arrays("f8", (3, 2, 4), elements=away), lr=rates)
def test_centralization_keeps_the_mean_of_every_row(decay, x, g, lr):
    path, _ = walk(SGD, x, [g], decay, centralize=True, lr=lr, weight_decay=0.0)
    np.testing.assert_allclose(path[0].mean((1, 2)), x.mean((1, 2)), rtol=1e-12, atol=1e-13)
    centred = g - g.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(path[0], x - lr * centred, rtol=1e-12, atol=1e-13)


def test_centralization_centres_the_decay_term_of_l2_too():
    # mindspore.nn 2.10 centres after it has added the decay term (a row: g + λ p - mean of that)
    x, g = np.array([[1.0, 3.0], [0.0, 8.0]]), np.array([[2.0, 0.0], [1.0, 1.0]])
    path, _ = walk(SGD, x, [g], L2, centralize=True, lr=1.0, weight_decay=0.5)
    # rows of g + 0.5 x: [2.5, 1.5] with mean 2, [1, 5] with mean 3
    np.testing.assert_array_equal(path[0], [[1.0 - 0.5, 3.0 + 0.5], [0.0 + 2.0, 8.0 - 2.0]])


@given(g=vectors)
def test_centralization_leaves_vectors_alone(g):
    assume(g.mean() != 0)
    path, _ = walk(SGD, np.zeros(SIZE), [g], centralize=True, lr=1.0)
    np.testing.assert_array_equal(path[0], -g)


@EVERY_RULE
@EVERY_DECAY
def test_who_is_exempt_never_decays(rule, decay):
    rng = np.random.default_rng(2)
    start, grads = rng.standard_normal((2, SIZE)), rng.standard_normal((3, 2, SIZE))
    case = Case(list(start), rule, decay, usual(rule, weight_decay=0.5), exempt=frozenset({1}))
    engine = make([case])
    for pair in grads:
        engine.step([list(pair)])
    decaying, free = [m.param for m in engine.members[0]]
    np.testing.assert_array_equal(decaying, walk(rule, start[0], grads[:, 0], decay, weight_decay=0.5)[0][-1])
    np.testing.assert_array_equal(free, walk(rule, start[1], grads[:, 1], decay, weight_decay=0.0)[0][-1])


@given(p=vectors, grads=paths, lr=rates, decay=st.floats(0, 1))
def test_every_step_of_lamb_is_lr_times_as_long_as_the_weights(p, grads, lr, decay):
    path, _ = walk(LAMB, p, grads, INSIDE, lr=lr, weight_decay=decay)
    for before, after in pairwise([p, *path]):
        length, step = np.linalg.norm(before), np.linalg.norm(after - before)
        assert step == pytest.approx(lr * length, rel=1e-9, abs=1e-12) or length == 0 or step == 0


@given(p=vectors, grads=paths)
def test_lamb_follows_its_paper(p, grads):
    # arXiv:1904.00962, Algorithm 2, with φ(x) = x
    lr, b1, b2, eps, decay = 0.02, 0.9, 0.99, 1e-3, 0.1
    path, _ = walk(LAMB, p, grads, INSIDE, lr=lr, beta1=b1, beta2=b2, eps=eps, weight_decay=decay)
    x, m, v = p.copy(), np.zeros(SIZE), np.zeros(SIZE)
    for t, g in enumerate(grads, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        r = m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps) + decay * x
        norms = np.linalg.norm(x), np.linalg.norm(r)
        x = x - lr * (norms[0] / norms[1] if min(norms) > 0 else 1) * r
        np.testing.assert_allclose(path[t - 1], x, rtol=1e-9, atol=1e-12)


@given(p=vectors, grads=paths, prox=st.booleans())
def test_adan_follows_its_paper(p, grads, prox):
    # arXiv:2208.06677, Algorithm 1, with the corrections of the authors' code; its betas are 1 - ours
    lr, b1, b2, b3, eps, decay = 0.02, 0.02, 0.08, 0.01, 1e-3, 0.1
    rule, front = (ADAN, INSIDE) if prox else (ADAN_DECOUPLED, DECOUPLED)
    given = {"beta1": 1 - b1, "beta2": 1 - b2, "beta3": 1 - b3}
    path, _ = walk(rule, p, grads, front, lr=lr, eps=eps, weight_decay=decay, **given)
    x, m, v, n = p.copy(), np.zeros(SIZE), np.zeros(SIZE), np.zeros(SIZE)
    before = grads[0]
    for t, g in enumerate(grads, 1):
        d, before = g - before, g
        m, v = (1 - b1) * m + b1 * g, (1 - b2) * v + b2 * d
        n = (1 - b3) * n + b3 * (g + (1 - b2) * d) ** 2
        fix = [1 - (1 - b) ** t for b in (b1, b2, b3)]
        u = (m / fix[0] + (1 - b2) * v / fix[1]) / (np.sqrt(n / fix[2]) + eps)
        x = (x - lr * u) / (1 + lr * decay) if prox else x * (1 - lr * decay) - lr * u
        np.testing.assert_allclose(path[t - 1], x, rtol=1e-9, atol=1e-12)


@given(p=vectors, grads=paths, lr=rates, beta1=keeps, beta2=keeps)
def test_lion_follows_its_paper(p, grads, lr, beta1, beta2):
    path, _ = walk(LION, p, grads, DECOUPLED, lr=lr, beta1=beta1, beta2=beta2, weight_decay=0.1)
    x, m = p.copy(), np.zeros(SIZE)
    for t, g in enumerate(grads):
        c = beta1 * m + (1 - beta1) * g
        x, m = x * (1 - lr * 0.1), beta2 * m + (1 - beta2) * g
        sure = np.abs(c) > 1e-12 * (np.abs(m) + np.abs(g))  # where rounding does not decide the sign
        x = np.where(sure, x - lr * np.sign(c), path[t])
        np.testing.assert_allclose(path[t], x, rtol=1e-9, atol=1e-12)
