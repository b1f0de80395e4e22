"""What goes wrong leaves everything as it was: parameters, slots, ages, clocks, byte for byte."""

import re

import numpy as np
import pytest

from calando import engine as stage
from calando.decay import DECOUPLED, L2
from calando.engine import NonFiniteGradient
from calando.kernels import compile
from calando.rules.adam import ADAM, AMSGRAD
from calando.rules.sgd import SGD, SGD_MOMENTUM
from calando.schedules import Linear, ScheduleEnd
from twins import Case, Twin, assert_same, make, noise, state, usual


def cases(**hyper):
    """Two groups in four parts: two rules, two dtypes."""
    rng = np.random.default_rng(0)
    return [
        Case([noise(rng, (4,), "f4"), noise(rng, (2, 3), "f8")], ADAM, L2, usual(ADAM, **hyper)),
        Case([noise(rng, (), "f4"), noise(rng, (5,), "f8")], SGD_MOMENTUM, DECOUPLED, usual(SGD_MOMENTUM)),
    ]


def gradients(seed=1):
    rng = np.random.default_rng(seed)
    return [[noise(rng, p.shape, p.dtype.name) for p in case.params] for case in cases()]


def refused(engine, grads, kind, sentence, playing=None):
    """The step is refused in these words, twice, and nothing has changed."""
    before = state(engine)
    for _ in range(2):
        with pytest.raises(kind, match=sentence):
            engine.step(grads, playing)
        assert state(engine) == before


WRONG = [  # where the gradient stands, the gradient, error, sentence
    (
        0,
        1,
        np.zeros((3, 2)),
        ValueError,
        "the gradient of parameter 'p1' of group 0 has shape (3, 2), not (2, 3)",
    ),
    (
        0,
        0,
        np.zeros(5, "f4"),
        ValueError,
        "the gradient of parameter 'p0' of group 0 has shape (5,), not (4,)",
    ),
    (1, 0, np.zeros(1, "f4"), ValueError, "the gradient of parameter 'p0' of group 1 has shape (1,), not ()"),
    (
        0,
        0,
        np.zeros(4),
        TypeError,
        "the gradient of parameter 'p0' of group 0 is of dtype float64; the parameter is float32",
    ),
    (1, 1, np.zeros(5, "i8"), TypeError, "is of dtype int64; the parameter is float64"),
    (
        1,
        1,
        [0.0] * 5,
        TypeError,
        "the gradient of parameter 'p1' of group 1 must be a NumPy array, but got list",
    ),
    (1, 0, 0.0, TypeError, "must be a NumPy array, but got float"),
]


@pytest.mark.parametrize("started", [False, True], ids=["at the first step", "later"])
@pytest.mark.parametrize("group, place, bad, kind, sentence", WRONG)
def test_a_gradient_that_does_not_fit(group, place, bad, kind, sentence, started):
    engine, twin = make(cases()), Twin(cases())
    if started:
        engine.step(gradients()), twin.step(gradients())
    grads = gradients()
    grads[group][place] = bad
    refused(engine, grads, kind, re.escape(sentence))
    engine.step(gradients(2)), twin.step(gradients(2))
    assert_same(engine, twin)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_wrong_number_of_gradients(count):
    grads = gradients()
    grads[1] = [np.zeros((), "f4")] * count
    sentence = f"For 'Test', group 1: {count} gradients for 2 parameters; give one gradient for each parameter"
    refused(make(cases()), grads, ValueError, sentence)


def test_a_wrong_number_of_groups():
    refused(make(cases()), gradients()[:1], ValueError, None)
    refused(make(cases()), [*gradients(), []], ValueError, None)


def test_a_gradient_in_foreign_byte_order_is_not_read_as_if_it_were_ours():
    engine, twin = make(cases()), Twin(cases())
    grads = gradients()
    twin.step(grads)
    grads[0][1] = grads[0][1].astype(grads[0][1].dtype.newbyteorder())
    before = state(engine)
    try:
        engine.step(grads)
    except TypeError:  # to refuse it is as good as to read it right
        assert state(engine) == before
    else:
        assert_same(engine, twin)


def test_a_schedule_that_leaves_its_domain_stops_the_step_before_it_begins():
    told = cases(beta1=Linear(0.9, 1.1, steps=4))
    engine, twin = make(told), Twin(told)
    for step in range(2):
        engine.step(gradients(step)), twin.step(gradients(step))
    refused(
        engine,
        gradients(),
        ValueError,
        r"For 'Test', group 0: 'beta1' must lie in \[0, 1\), but got 1\.0\d* "
        r"\(step 2: Linear\(0\.9, 1\.1, 4\)\)",
    )
    assert_same(engine, twin)
    engine.hypers[0].set("beta1", 0.5, engine.clocks[0], "set")
    assert engine.step(gradients(3))


@pytest.mark.parametrize("length", [1, 3])
def test_a_list_shorter_than_the_training_raises_after_its_last_value(length):
    engine = make(cases(lr=[0.1] * length))
    for step in range(length):
        assert engine.step(gradients(step))
    refused(engine, gradients(), ScheduleEnd, f"For 'Test', group 0: 'lr': the list ends after {length} value")


def test_a_group_that_sits_out_does_not_use_up_its_list():
    engine = make(cases(lr=[0.1, 0.2]))
    for step in range(5):
        assert engine.step(gradients(step)[1:], [1])
    assert engine.step(gradients()) and engine.step(gradients())
    refused(engine, gradients(), ScheduleEnd, "the list ends after 2 values")
    assert engine.step(gradients()[1:], [1])


def test_an_error_inside_a_function_of_the_step_passes_through():
    def rate(step):
        if step == 1:
            raise ConnectionError("no rate today")
        return 0.1

    engine = make(cases(lr=rate))
    engine.step(gradients())
    refused(engine, gradients(), ConnectionError, "no rate today")


# Gradients that are not finite


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("group, place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_raise(bad, group, place):
    engine = make(cases(), "raise")
    engine.step(gradients())
    grads = gradients(2)
    grads[group][place].reshape(-1)[-1] = bad
    sentence = f"the gradient of parameter 'p{place}' of group {group} is not finite; the step was not made"
    refused(engine, grads, NonFiniteGradient, sentence)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_skip(bad):
    engine, twin = (
        make(cases(lr=Linear(0.1, 0.0, steps=4)), "skip"),
        Twin(cases(lr=Linear(0.1, 0.0, steps=4)), "skip"),
    )
    for step in range(4):
        grads = gradients(step)
        if step in (0, 2):
            grads[1][1][3] = bad
        before = state(engine)
        assert engine.step(grads) == twin.step(grads) == (step not in (0, 2))
        if step in (0, 2):
            assert state(engine) == before
        else:
            assert_same(engine, twin)


@pytest.mark.parametrize("policy", ["skip", "raise"])
def test_large_is_not_infinite(policy):
    """1e200 is finite, though its square is not."""
    case = Case([np.zeros(3), np.zeros(2, "f4")], SGD, L2, usual(SGD, lr=1.0))
    engine = make([case], policy)
    assert engine.step([[np.array([1e200, -2e300, 0.0]), np.full(2, 3e38, "f4")]])
    assert engine.members[0][0].param.tolist() == [-1e200, 2e300, 0.0]


@pytest.mark.parametrize("policy", ["skip", "raise"])
def test_without_a_gradient_nothing_is_not_finite(policy):
    engine = make(cases(), policy)
    assert engine.step([[None, None], [None, None]])
    assert engine.clocks == [1, 1]


def test_half_precision_is_watched_too():
    engine = make([Case([np.ones(3, "f2")], SGD, L2, usual(SGD))], "raise")
    refused(engine, [[np.array([1, np.inf, 0], "f2")]], NonFiniteGradient, "'p0' of group 0 is not finite")


@pytest.mark.parametrize("policy", ["ignore", None, ""])
def test_an_unknown_policy(policy):
    with pytest.raises(ValueError, match="'on_nonfinite' must be one of train, skip, raise, but got"):
        make(cases(), policy)


# Training on with what is not finite, where no kernel plays: as in the originals, without a word


@pytest.mark.parametrize("kind", ["half precision", "memory with gaps"])
def test_what_is_not_finite_is_as_quiet_without_a_kernel_as_with_one(kind):
    p = np.ones(3, "f2") if kind == "half precision" else np.ones(6)[::2]
    told = [Case([p], ADAM, L2, usual(ADAM))]
    engine, twin = make(told, params=[[p]]), Twin(told)
    g = np.array([np.inf, np.nan, 1.0], p.dtype)
    engine.step([[g]]), twin.step([[g]])
    assert_same(engine, twin)


def test_an_overflow_without_a_kernel_is_as_quiet():
    p = np.ones(6)[::2]
    told = [Case([p], SGD, L2, usual(SGD, max_norm=1.0))]
    engine, twin = make(told, params=[[p]]), Twin(told)
    g = np.array([1e200, 0.0, 1.0])
    with np.errstate(all="ignore"):
        twin.step([[g]])
    engine.step([[g]])
    assert_same(engine, twin)


# What cannot be a parameter


@pytest.mark.parametrize(
    "param, kind, sentence",
    [
        (
            np.zeros(3, "i8"),
            TypeError,
            "parameter 'p0' of group 0 is of dtype int64; only float16, bfloat16, float32, float64",
        ),
        (np.zeros(3, "c8"), TypeError, "is of dtype complex64; only"),
        (np.zeros(3, ">f4"), TypeError, "in foreign byte order; only"),
        (
            [0.0],
            TypeError,
            "a parameter must be a torch tensor, a MindSpore Parameter or a NumPy array, but got list",
        ),
    ],
    ids=["integers", "complex", "byte order", "list"],
)
def test_what_cannot_be_updated_is_refused_when_it_is_given(param, kind, sentence):
    case = Case([], SGD, L2, usual(SGD))
    with pytest.raises(kind, match=re.escape(sentence)):
        make([case], params=[[param]])


def test_memory_that_may_only_be_read_is_never_written():
    memory = bytes(range(16))
    p = np.frombuffer(memory, np.float32)
    case = Case([], SGD, L2, usual(SGD))
    with pytest.raises((ValueError, TypeError)):
        make([case], params=[[p]]).step([[np.ones(4, "f4")]])
    assert memory == bytes(range(16))


def test_a_parameter_with_another_shape_is_named():
    a, b = np.ones(4), np.ones((2, 3))
    engine = make([Case([], ADAM, L2, usual(ADAM))], params=[[a, b]])
    b.shape = (6,)
    sentence = re.escape("parameter 'p1' of group 0 had shape (2, 3) when the optimizer was built and has (6,) now")
    refused(engine, [[np.ones(4), np.ones(6)]], ValueError, sentence)


def test_a_parameter_with_another_shape_is_found_after_the_first_step_too():
    a, b = np.ones(4), np.ones((2, 3))
    engine = make([Case([], ADAM, L2, usual(ADAM), centralize=True)], params=[[a, b]])
    engine.step([[np.ones(4), np.ones((2, 3))]])
    b.shape = (3, 2)
    refused(engine, [[np.ones(4), np.ones((3, 2))]], ValueError, "had shape .* when the optimizer was built")


def test_memory_in_another_order_at_the_same_address_is_noticed(torch):
    """``p.data = p.data.t()`` keeps the address: the gradient must still meet its own elements."""
    start, g = torch.arange(9.0).reshape(3, 3), torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    p = torch.nn.Parameter(start.clone())
    engine = make([Case([], SGD, L2, usual(SGD, lr=1.0, weight_decay=0.0))], params=[[p]])
    engine.step([[g]])
    p.data = p.data.t()
    expected = p.detach().clone() - g
    engine.step([[g]])
    assert torch.equal(p, expected)


def test_a_smaller_tensor_at_the_same_address_is_noticed(torch):
    p = torch.nn.Parameter(torch.ones(8))
    engine = make([Case([], SGD, L2, usual(SGD))], params=[[p]])
    engine.step([[torch.ones(8)]])
    whole = p.data
    p.data = whole[:2]
    before = whole.clone()
    with pytest.raises(ValueError, match=r"had shape \(8,\) when the optimizer was built and has \(2,\) now"):
        engine.step([[torch.ones(16)[:2]]])
    assert torch.equal(whole, before)


# When the machine fails


@pytest.mark.parametrize("missing", [False, True])
def test_a_compiler_that_is_interrupted_leaves_the_numbers_as_they_were(missing, monkeypatch):
    told = [Case([np.ones(3), np.ones(4)], ADAM, L2, usual(ADAM))]
    engine, twin = make(told), Twin(told)
    first = [[np.ones(3), np.full(4, 2.0)]]
    engine.step(first), twin.step(first)
    apart = [[None, np.ones(4)]]  # from here on the two have another age
    engine.step(apart), twin.step(apart)

    def interrupted(*_):
        raise KeyboardInterrupt

    engine.parts[0].kernels.clear()
    with monkeypatch.context() as patch:
        patch.setattr(compile, "kernel", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.step([[None if missing else np.ones(3), np.ones(4)]])
    assert_same(engine, twin)
    for grads in ([[np.ones(3), np.ones(4)]], [[np.ones(3), np.ones(4)]]):
        engine.step(grads), twin.step(grads)
        assert_same(engine, twin)


def test_centralization_does_not_fail_half_way_for_its_kernel(monkeypatch):
    """The sums that one part needs are made ready before another part has been played."""
    from calando.kernels import sums

    told = [
        Case([np.ones(3)], ADAM, L2, usual(ADAM)),
        Case([np.ones((2, 2))], SGD, L2, usual(SGD), centralize=True),
    ]
    engine = make(told)
    before = [m.param.tobytes() for group in engine.members for m in group]

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sums, "kernel", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.step([[np.ones(3)], [np.ones((2, 2))]])
    assert [m.param.tobytes() for group in engine.members for m in group] == before


@pytest.mark.parametrize("loss_scale", [1e-200, 1e200])
def test_a_norm_with_an_extreme_loss_scale(loss_scale):
    """The gradient after the loss scale is 1: half of it is left by a bound of 0.5."""
    case = Case([np.zeros(1)], SGD, L2, usual(SGD, lr=1.0, loss_scale=loss_scale, max_norm=0.5))
    engine = make([case])
    engine.step([[np.full(1, loss_scale)]])
    assert engine.members[0][0].param[0] == pytest.approx(-0.5, rel=1e-5)


def test_rows_without_elements_have_no_mean():
    case = Case([np.zeros((3, 0)), np.ones((2, 2)), np.zeros((0, 3))], SGD, L2, usual(SGD), centralize=True)
    engine, twin = make([case]), Twin([case])
    grads = [[np.zeros((3, 0)), np.ones((2, 2)), np.zeros((0, 3))]]
    engine.step(grads), twin.step(grads)
    assert_same(engine, twin)


def test_nobody_has_a_gradient():
    engine, twin = make(cases()), Twin(cases())
    nothing = [[None, None], [None, None]]
    assert engine.step(nothing) and twin.step(nothing)
    assert_same(engine, twin)
    assert engine.clocks == [1, 1]
    assert all(not m.slots for group in engine.members for m in group)


def test_an_engine_lets_go_of_gradients():
    import gc
    import weakref

    engine = make(cases())
    grads = gradients()
    watched = [weakref.ref(g) for group in grads for g in group]
    engine.step(grads)
    del grads
    gc.collect()
    assert [ref() for ref in watched] == [None] * 4


def test_unbounded_is_finite():
    """It lies in the domain of max_norm, so it can be given, stored and compared."""
    assert np.isfinite(stage.UNBOUNDED)
    assert make([Case([np.ones(2)], AMSGRAD, L2, usual(AMSGRAD, max_norm=stage.UNBOUNDED))]).step([[np.ones(2)]])
