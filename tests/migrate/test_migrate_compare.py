"""What a proof calls equal, and how it draws two runs; without running either."""

import numpy as np
import pytest

from calando.migrate.prove.compare import SHARE, WEIGHT, Proof, loop, rates, weights
from calando.migrate.prove.drawn import drawings
from calando.migrate.prove.journal import Call, Journal, Parted


def journal(*weights, powers=True):
    """A run whose only parameter has these values after its updates."""
    found = Journal()
    calls = [Call(["w"], [0.1], [0.0], [None], [np.full(3, value, np.float32)], powers) for value in weights]
    found.calls = [calls]
    return found


# How far the result is off after two updates of 0.5 each; what is off by a thousandth of the way is another formula.
@pytest.mark.parametrize("off, holds", [(0.0, True), (8e-6, True), (1e-4, False), (1e-3, False)])
def test_level_2_is_measured_by_the_way_gone(off, holds):
    level = weights(journal(1.0, 0.5, 0.0), journal(1.0, 0.5, off), 2, "", WEIGHT, SHARE)
    assert level.holds == holds
    if not holds:
        assert "they part at optimizer 0, update 2, w: by" in level.text
    else:
        assert ("more than 1e-06, but less than 2⁻¹⁶ of the way" in level.text) == (off > WEIGHT)


# Three updates of 512 end at 0, the first of which is not seen: 2⁻²⁰ of that way is 0.0015, 2⁻¹⁶ of it 0.023.
@pytest.mark.parametrize("off, holds", [(0.0009, True), (0.0019, False), (0.01, False)])
def test_without_powers_of_betas_a_sixteenth_is_enough(off, holds):
    plain = journal(1024.0, 512.0, 0.0, powers=False), journal(1024.0, 512.0, off, powers=False)
    assert weights(*plain, 2, "", WEIGHT, SHARE).holds == holds
    assert weights(journal(1024.0, 512.0, 0.0), journal(1024.0, 512.0, off), 2, "", WEIGHT, SHARE).holds


def test_a_parameter_that_stands_still_may_not_be_off():
    assert not weights(journal(1.0, 1.0), journal(1.0, 1.0 + 4e-6), 2, "", WEIGHT, SHARE).holds
    assert not weights(journal(1.0, 0.5), journal(1.0, 0.5 + 8e-6), 2, "", WEIGHT).holds  # nor without a share


def test_both_curves_are_drawn_over_each_other_and_each_alone_where_they_part():
    pairs = [(0.1, 0.1), (0.2, 0.2), (0.3, 0.1), (0.4, 0.1)]
    (drawn,) = drawings(Proof("train.py", curves=[pairs]))
    assert drawn.startswith("train.py: optimizer 0: learning rate of its first parameter")
    for told in ("* source and result: 0.1 … 0.2", "o source alone: 0.3 … 0.4", "+ result alone: 0.1 … 0.1"):
        assert told in drawn
    assert {"*", "o", "+"} <= set("".join(line.partition("|")[2] for line in drawn.splitlines()))


def test_a_rate_that_stays_is_not_drawn_and_many_are_not_all_drawn():
    assert drawings(Proof("a.py", curves=[[(0.1, 0.1)] * 5])) == []
    moving = [(0.1, 0.1), (0.2, 0.2)]
    assert drawings(Proof("a.py", curves=[moving] * 6))[-1] == "a.py: 2 more optimizers are in --report"


def test_of_a_class_that_follows_another_formula_the_proof_says_so():
    """Each optimizer for itself: what cannot be equal is measured, what can be is said to be."""
    source, result = journal(1.0, 0.5, 0.0), journal(1.0, 0.5, 0.25)
    for run, kinds in ((source, "torch.optim"), (result, "mindspore.nn")):
        run.calls.append(run.calls[0][:2])
        run.kinds = [f"{kinds}.Adam", f"{kinds}.SGD"]
    text = weights(source, result, 2, "", WEIGHT, SHARE).text
    assert "optimizer 0, update 2, w: by 0.25 (equality cannot be had with mindspore.nn.Adam: mindspore.nn.Adam" in text
    assert "in all by at most 0.25, 0.17 of the way gone; --style exact is equal); equal: optimizer 1" in text
    source.kinds = result.kinds = ["torch.optim.SGD", "torch.optim.SGD"]
    assert "equality" not in weights(source, result, 2, "", WEIGHT, SHARE).text


def test_a_clip_on_one_side_is_seen_in_the_first_gradients():
    source, result = journal(1.0, 0.5), journal(1.0, 0.5)
    for run, size in ((source, 3.0), (result, 4.0)):
        run.calls[0][0].grads = [np.full(1, size, np.float32)]
    assert "are 3 long, in the result 4; are they clipped" in loop(source, result).text
    result.calls[0][0].grads = [np.full(1, 3.0, np.float32)]
    assert loop(source, result).holds


@pytest.mark.parametrize("size, holds", [(1e-8, True), (1e-4, False)])
def test_where_a_gradient_is_rounding_and_nothing_else_two_runs_may_part(size, holds):
    """As a bias in front of a normalization does under Adam, which makes whole steps of it."""
    source, result = trained(), trained()
    for run, way in ((source, 0.01), (result, -0.01)):
        for at, call in enumerate(run.calls[0]):
            call.grads[1], call.weights[1] = np.full(5, size, np.float32), np.full(5, way * at, np.float32)
    assert loop(source, result).holds == holds


def test_a_run_that_failed_is_said_once():
    failed = Journal(problem="line 3: KeyError: 'data'")
    levels = [rates(failed, Journal()), weights(failed, Journal(), 2, "", WEIGHT, SHARE)]
    assert Proof("a.py", levels).lines() == ["a.py: proof: the source failed: line 3: KeyError: 'data'"]


def trained(change=lambda at, grads: grads, wander=0.0, updates=12):
    """A run of two parameters down a bowl, whose gradients are first changed; and wander off by rounding's kind."""
    rng, drift = np.random.default_rng(7), np.random.default_rng(8)
    weights, run = [rng.standard_normal(40), rng.standard_normal(5)], Journal()
    calls = []
    for at in range(updates):
        pull = 0.5 + 0.2 * at  # longer and longer gradients: a clip acts late
        grads = [pull * (w + 0.3 * rng.standard_normal(w.shape)) for w in weights]
        grads = change(at, [g + wander * drift.standard_normal(g.shape) for g in grads])
        weights = [w - 0.02 * g for w, g in zip(weights, grads, strict=True)]
        held = [[x.astype(np.float32) for x in each] for each in (grads, weights)]
        calls.append(Call(["a", "b"], [0.02] * 2, [0.0] * 2, *held))
    run.calls = [calls]
    return run


def clipped_to(limit):
    def change(at, grads):
        norm = float(np.sqrt(sum(float((g * g).sum()) for g in grads)))
        return [g * min(1.0, limit / norm) for g in grads]

    return change


def one_by_one(at, grads):
    return [g * min(1.0, 5.6 / float(np.linalg.norm(g))) for g in grads]


CHANGES = {
    "by norm, late": (clipped_to(7.0), "clipped by norm, or scaled, by 0."),
    "by value, late": (lambda at, grads: [np.clip(g, -2.5, 2.5) for g in grads], "clipped by value at 2.5"),
    "each, late": (one_by_one, "clipped one by one"),
    "scaled from the fifth on": (lambda at, grads: [g * (0.9 if at > 4 else 1.0) for g in grads], "scaled, by 0.9"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_clip_on_one_side_is_seen_at_the_update_at_which_it_acts(name, swapped):
    """It does not act at first, and moves weights by less than a closed loop may be apart."""
    change, told = CHANGES[name]
    pair = trained(wander=1e-6), trained(change)
    assert all(
        np.allclose(*grads, atol=1e-4)
        for grads in zip(pair[0].calls[0][0].grads, pair[1].calls[0][0].grads, strict=True)
    )
    level = loop(*(pair[::-1] if swapped else pair))
    side = "source" if swapped else "result"
    assert not level.holds and told in level.text and f"in the {side} only" in level.text, level.text
    assert level.largest < 0.05


@pytest.mark.parametrize("wander", [0.0, 1e-6, 1e-4])
def test_gradients_that_wander_are_no_clip(wander):
    assert loop(trained(), trained(wander=wander)).holds
    assert loop(trained(clipped_to(7.0)), trained(clipped_to(7.0), wander=wander)).holds


def test_runs_that_cannot_be_laid_side_by_side_say_why():
    level = rates(journal(1.0, 0.5), journal(1.0))
    assert level.text == "the source made 2 updates, the result 1"
    source = journal(1.0)
    source.calls[0][0].names, source.calls[0][0].grads = [], [np.zeros((3, 2), np.float32)]
    result = Journal(replay=source)
    result.calls = [[]]
    with pytest.raises(Parted, match=r"0 has shape \(3,\), in the source \(3, 2\): the parameters are others"):
        result.fed(0, [], [(3,)])
