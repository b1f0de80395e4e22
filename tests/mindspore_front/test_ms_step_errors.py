"""Every sentence of a step and of a change, once; and after each refused call all is, byte for byte, as it was."""

from math import inf, nan

import numpy as np
import pytest

import calando.mindspore as ms
from calando.hyper import UnknownName
from calando.mindspore import nn
from calando.schedules import ScheduleEnd
from mindspore_front.kinds import CLASSES
from mindspore_front.refusals import SHAPES, grads_of, make, params_of, state

# Refused at a step.

STEPS = [
    (
        lambda g: g[:1],
        ValueError,
        r"For 'Adam': 1 gradients for 2 parameters; give one for each, in the order of optimizer.parameters",
    ),
    (lambda g: [*g, g[0]], ValueError, r"For 'Adam': 3 gradients for 2 parameters"),
    (lambda g: [], ValueError, r"For 'Adam': 0 gradients for 2 parameters"),
    (lambda g: iter(g), TypeError, r"For 'Adam': gradients must be a tuple or list, but got list_iterator"),
    (lambda g: g[0], TypeError, r"For 'Adam': gradients must be a tuple or list"),
    (lambda g: None, TypeError, r"For 'Adam': gradients must be a tuple or list, but got NoneType"),
    (
        lambda g: [g[0], None],
        TypeError,
        r"the gradient of parameter '\w+' of group 0 is None; leave parameters without gradient out",
    ),
    (lambda g: [None, None], TypeError, r"the gradient of parameter '\w+' of group 0 is None"),
    (lambda g: g[::-1], ValueError, r"the gradient of parameter '\w+' of group 0 has shape \(2,\), not \(3, 2\)"),
    (
        lambda g: [g[0], g[0][:1, :1].reshape(1)],
        ValueError,
        r"the gradient of parameter '\w+' of group 0 has shape \(1,\), not \(2,\)",
    ),
    (lambda g: [g[0].reshape(2, 3), g[1]], ValueError, r"has shape \(2, 3\), not \(3, 2\)"),
    (lambda g: [g[0], 1.0], TypeError, r"the gradient of parameter '\w+' of group 0 must be a .*, but got float"),
    (lambda g: [g[0], [1.0, 1.0]], TypeError, r"must be a .*, but got list"),
    (
        "half",
        TypeError,
        r"the gradient of parameter '\w+' of group 0 is .*([fF]loat16|f2).*; the parameter is .*float32",
    ),
    (
        "double",
        TypeError,
        r"the gradient of parameter '\w+' of group 0 is .*([fF]loat64|f8).*; the parameter is .*float32",
    ),
    (
        "integer",
        TypeError,
        r"the gradient of parameter '\w+' of group 0 is .*([iI]nt32|i4).*; the parameter is .*float32",
    ),
]
DTYPES = {"half": "f2", "double": "f8", "integer": "i4"}


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("row", STEPS, ids=lambda row: row[0] if isinstance(row[0], str) else row[2][:60])
def test_refused_gradients(kind, row, steps):
    spoil, error, sentence = row
    optimizer = nn.Adam(params_of(kind), 0.1)
    for _ in range(steps):
        optimizer(tuple(grads_of(kind)))
    before = state(kind, optimizer)
    good = grads_of(kind)
    given = [good[0], kind.tensor(np.ones(2, DTYPES[spoil]))] if isinstance(spoil, str) else spoil(good)
    with pytest.raises(error, match=sentence):
        optimizer(tuple(given) if type(given) is list else given)
    assert state(kind, optimizer) == before
    optimizer(tuple(good))


def test_a_schedule_that_leaves_its_domain(kind):
    """The sentence names group, step and schedule; the step is not made, and not half of it."""
    first, second = params_of(kind)
    optimizer = nn.Adam([{"params": [first]}, {"params": [second], "lr": lambda step: 0.2 - 0.1 * step}], 0.1)
    for _ in range(3):
        optimizer(tuple(grads_of(kind)))
    before = [kind.read(p).tobytes() for p in (first, second)]
    with pytest.raises(
        ValueError, match=r"For 'Adam', group 1: 'lr' must lie in \[0, inf\), but got -0.1.* \(step 3: Function\("
    ):
        optimizer(tuple(grads_of(kind)))
    assert [kind.read(p).tobytes() for p in (first, second)] == before
    assert optimizer.engine.clocks == [3, 3]
    optimizer.set("lr", 0.1, group=1)
    optimizer(tuple(grads_of(kind)))


@pytest.mark.parametrize("value", [nan, inf, -1.0])
def test_a_cell_that_leaves_its_domain(kind, value, torch):
    class Bad(nn.LearningRateSchedule):
        def construct(self, global_step):
            return 0.1 if int(global_step) < 2 else value

    optimizer = nn.SGD(params_of(kind), Bad())
    for _ in range(2):
        optimizer(tuple(grads_of(kind)))
    before = [kind.read(p).tobytes() for p in optimizer.parameters]
    with pytest.raises(
        ValueError, match=r"For 'SGD': 'learning_rate' must lie in \[0, inf\), but got .*\(step 2: .*Bad"
    ):
        optimizer(tuple(grads_of(kind)))
    assert [kind.read(p).tobytes() for p in optimizer.parameters] == before and optimizer.engine.clocks == [2]


@pytest.mark.parametrize("name", [*CLASSES, "AdamOffload", "FTRL", "LazyAdam", "ProximalAdagrad"])
@pytest.mark.parametrize("given", ["x", [0.1, 0.2]], ids=["text", "two numbers"])
def test_a_decay_that_gives_no_number(kind, name, given, torch):
    class Odd(nn.Cell):
        def construct(self, global_step):
            return given if int(global_step) else 0.1

    optimizer = make(name, params_of(kind), weight_decay=Odd())
    optimizer(tuple(grads_of(kind)))
    before = [kind.read(p).tobytes() for p in optimizer.parameters]
    with pytest.raises(TypeError, match=rf"For '{name}': 'weight_decay': Odd must give one number, but for step 1 it "):
        optimizer(tuple(grads_of(kind)))
    assert [kind.read(p).tobytes() for p in optimizer.parameters] == before and optimizer.engine.clocks == [1]


@pytest.mark.parametrize("name", CLASSES)
def test_a_list_shorter_than_the_training(kind, name):
    """It names its length, the step, and .hold(); the optimizer goes on with a longer one."""
    optimizer = make(name, params_of(kind), learning_rate=[0.1, 0.2])
    for _ in range(2):
        optimizer(tuple(grads_of(kind)))
    before = state(kind, optimizer)
    for _ in range(2):
        with pytest.raises(
            ScheduleEnd,
            match=rf"For '{name}': 'learning_rate': the list ends after 2 values, so .* step 2; .*\.hold\(\)",
        ):
            optimizer(tuple(grads_of(kind)))
        assert state(kind, optimizer) == before
    optimizer.learning_rate = [0.1, 0.2, 0.3]
    optimizer(tuple(grads_of(kind)))
    assert optimizer.at(2)["lr"] == 0.3


SETS = [
    (lambda o: o.set("lr", -1.0), ValueError, r"'lr|learning_rate' must lie in \[0, inf\), but got -1.0"),
    (lambda o: o.set("lr", nan), ValueError, r"must lie in"),
    (lambda o: o.set("lr", -1.0, group=1), ValueError, r"group 1.*'lr' must lie in \[0, inf\), but got -1.0"),
    (lambda o: o.set("learning_rate", -1.0, group=1), ValueError, r"group 1.* must lie in \[0, inf\), but got -1.0"),
    (lambda o: o.set("lr", "fast", group=0), TypeError, r"must be a number"),
    (lambda o: o.set("lr", 0.1, group=2), UnknownName, r"no group 2; there are 2, numbered from 0"),
    (lambda o: o.set("lr", 0.1, group="bias"), UnknownName, r"no group 'bias'; there are '0', '1'"),
    (lambda o: o.set("beta3", 0.1), UnknownName, r"Adam has no hyperparameter 'beta3' \(did you mean 'beta\d'\?\)"),
    (lambda o: o.set("weightdecay", 0.1, group=0), UnknownName, r"did you mean 'weight_decay'\?"),
    (lambda o: o.trace("beta3", range(3)), UnknownName, r"Adam has no hyperparameter 'beta3'"),
    (lambda o: setattr(o, "learning_rate", -1.0), ValueError, r"must lie in \[0, inf\), but got -1.0"),
    (lambda o: setattr(o, "beta1", 1.0), ValueError, r"'beta1' must lie in \(0, 1\), but got 1.0"),
    (lambda o: setattr(o, "learning_rate", None), TypeError, r"must be a number"),
]


@pytest.mark.parametrize("row", SETS, ids=lambda row: row[2][:50])
def test_refused_changes(kind, row):
    change, error, sentence = row
    first, second = params_of(kind)
    optimizer = nn.Adam([{"params": [first]}, {"params": [second]}], 0.1)
    optimizer(tuple(grads_of(kind)))
    before = state(kind, optimizer)
    with pytest.raises(error, match=sentence):
        change(optimizer)
    assert state(kind, optimizer) == before


def test_an_assigned_rate_outside_its_domain(kind):
    """It is refused when it is met; nothing else has changed, and whoever sets a good one goes on."""
    optimizer = nn.Adam(params_of(kind), 0.1)
    optimizer(tuple(grads_of(kind)))
    before = [kind.read(p).tobytes() for p in optimizer.parameters]
    box = optimizer.learning_rate
    view = box if isinstance(box, np.ndarray) else box.asnumpy()
    view[...] = -1
    with pytest.raises(ValueError, match=r"For 'Adam': 'learning_rate' must lie in \[0, inf\), but got -1.0"):
        optimizer(tuple(grads_of(kind)))
    assert [kind.read(p).tobytes() for p in optimizer.parameters] == before and optimizer.engine.clocks == [1]
    optimizer.learning_rate = 0.2
    optimizer(tuple(grads_of(kind)))
    assert float(kind.read(optimizer.get_lr())) == np.float32(0.2)


@pytest.mark.parametrize("value", [None, (0.1, 0.2), "fast"], ids=str)
def test_a_cell_that_gives_no_number(kind, value, torch):
    """The sentence names optimizer, hyperparameter and Cell."""

    class Wrong(nn.LearningRateSchedule):
        def construct(self, global_step):
            return ms.Tensor(value) if isinstance(value, tuple) else value

    with pytest.raises((TypeError, ValueError)) as problem:
        nn.SGD(params_of(kind), Wrong())
    said = str(problem.value)
    assert "For 'SGD'" in said and "'learning_rate'" in said and "Wrong" in said


@pytest.mark.parametrize("policy", ["train", "skip", "raise"])
@pytest.mark.parametrize("bad", [nan, inf])
def test_gradients_that_are_not_finite(kind, policy, bad):
    from calando.engine import NonFiniteGradient

    optimizer = nn.Adam(params_of(kind), 0.1, on_nonfinite=policy)
    optimizer(tuple(grads_of(kind)))
    before = state(kind, optimizer)
    spoiled = [grads_of(kind)[0], kind.tensor(np.array([1, bad], "f4"))]
    if policy == "raise":
        with pytest.raises(
            NonFiniteGradient, match=r"the gradient of parameter '\w+' of group 0 is not finite; the step was not made"
        ):
            optimizer(tuple(spoiled))
    else:
        assert optimizer(tuple(spoiled)) is (policy == "train")
    assert (state(kind, optimizer) == before) == (policy != "train")


def test_a_parameter_that_changed_its_shape(mindspore):
    """Real MindSpore lets set_data change the shape; the sentence names the parameter, whichever it is."""
    params = [mindspore.Parameter(mindspore.Tensor(np.ones(n, "f4")), name=f"p{n}") for n in (2, 3, 4)]
    optimizer = nn.SGD(params)
    grads = tuple(mindspore.Tensor(np.ones(n, "f4")) for n in (2, 3, 4))
    optimizer(grads)
    params[2].set_data(mindspore.Tensor(np.ones(5, "f4")), slice_shape=True)
    with pytest.raises(
        ValueError, match=r"parameter 'p4' of group 0 had shape \(4,\) when the optimizer was built and has \(5,\) now"
    ):
        optimizer(grads)


def test_names_that_were_mixed_up_with_another_framework(kind, torch):
    """Parameters of one kind, gradients of another: refused, naming the parameter."""
    optimizer = nn.SGD(params_of(kind))
    before = [kind.read(p).tobytes() for p in optimizer.parameters]
    foreign = [np.ones(shape, "f4") for shape in SHAPES] if kind.name == "calando" else [torch.ones(s) for s in SHAPES]
    with pytest.raises(TypeError, match=r"the gradient of parameter '\w+' of group 0 must be a "):
        optimizer(tuple(foreign))
    assert [kind.read(p).tobytes() for p in optimizer.parameters] == before


@pytest.mark.parametrize("count", [0, 2])
def test_gradients_come_in_one_tuple(kind, count):
    optimizer = nn.Adam(params_of(kind), 0.1)
    with pytest.raises(
        TypeError, match=f"For 'Adam': gradients come in one tuple or list: .*, but got {count} arguments"
    ):
        optimizer(*grads_of(kind)[:count])


@pytest.mark.parametrize("gradient", ["a text", np.ones(2, "f4"), np.ones(3, "f8")], ids=lambda g: type(g).__name__)
@pytest.mark.parametrize("way", [lambda o, g: o((g,)), lambda o, g: o.step(lambda: (0.0, (g,)))], ids=["call", "step"])
def test_lbfgs_signs_what_it_refuses(gradient, way):
    optimizer = nn.LBFGS([np.ones(3, "f4")], learning_rate=0.1)
    with pytest.raises((TypeError, ValueError), match="For 'LBFGS': the gradient of parameter '0' of group 0"):
        way(optimizer, gradient)
    assert optimizer.global_step.tolist() == [0]
