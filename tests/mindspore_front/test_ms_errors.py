"""Every sentence, once; and after each refused call all is, byte for byte, as it was."""

import warnings
from math import inf, nan

import numpy as np
import pytest

import calando.mindspore as ms
from calando.hyper import UnknownName
from calando.mindspore import nn, ops
from calando.schedules import ScheduleEnd
from mindspore_front.kinds import CLASSES, NEEDED

SHAPES = [(3, 2), (2,)]


def make(name, groups, **options):
    return getattr(nn, name)(groups, **NEEDED.get(name, {}) | options)


def params_of(kind):
    return [
        kind.param(np.arange(1, 1 + np.prod(shape), dtype="f4").reshape(shape), f"p{i}")
        for i, shape in enumerate(SHAPES)
    ]


def grads_of(kind):
    return list(kind.grads(np.ones(shape, "f4") for shape in SHAPES))


def state(kind, optimizer):
    """All that a call may change, as bytes and texts."""
    snapshot = optimizer.snapshot()
    slots = [{n: a.tobytes() for n, a in kept.slots.items()} for group in snapshot.groups for kept in group.params]
    ages = [kept.age for group in snapshot.groups for kept in group.params]
    clocks = [group.clock for group in snapshot.groups]
    shown = [str(optimizer.get_lr()), str(optimizer.get_weight_decay()), str(optimizer.learning_rate)]
    return [kind.read(p).tobytes() for p in optimizer.parameters], slots, ages, clocks, repr(optimizer), shown


# Refused at construction: how, with what, and the sentence (regular expression).

CONSTRUCTION = [
    ("SGD", lambda p: ([],), {}, ValueError, r"For 'SGD': 'params' is empty; there is nothing to train"),
    ("SGD", lambda p: (iter(()),), {}, ValueError, r"For 'SGD': 'params' is empty"),
    (
        "SGD",
        lambda p: (None,),
        {},
        TypeError,
        r"For 'SGD': 'params' must be a list of parameters or of dictionaries, but got None",
    ),
    ("SGD", lambda p: (p[0],), {}, TypeError, r"For 'SGD': 'params' must be a list"),
    ("SGD", lambda p: (["w"],), {}, TypeError, r"a parameter must be a .*, but got str"),
    (
        "SGD",
        lambda p: ([p[0], p[0]],),
        {},
        ValueError,
        r"For 'SGD': parameter '.*' stands twice in group 0; give each parameter once",
    ),
    (
        "Adam",
        lambda p: ([{"params": [p[0]]}, {"params": p}],),
        {},
        ValueError,
        r"For 'Adam': parameter '.*' stands in group 0 and in group 1; give each parameter once",
    ),
    (
        "SGD",
        lambda p: ([p[0], {"params": [p[1]]}],),
        {},
        TypeError,
        r"For 'SGD': 'params' mixes parameters and dictionaries",
    ),
    ("SGD", lambda p: ([{"lr": 0.1}],), {}, KeyError, r"For 'SGD', group 0: 'params' is missing"),
    (
        "SGD",
        lambda p: ([{"params": p[0]}],),
        {},
        TypeError,
        r"For 'SGD', group 0: 'params' must be a list of parameters",
    ),
    (
        "SGD",
        lambda p: ([{"params": p}, {"params": []}],),
        {},
        ValueError,
        r"group 1: 'params' is empty; leave the group out",
    ),
    (
        "SGD",
        lambda p: ([{"order_params": p}],),
        {},
        ValueError,
        r"there is no group with 'params'; there is nothing to train",
    ),
    (
        "SGD",
        lambda p: ([{"params": p, "learning_rat": 1}],),
        {},
        UnknownName,
        r"For 'SGD', group 0: unknown key 'learning_rat' \(did you mean 'learning_rate'\?\); a group may have params, ",
    ),
    ("SGD", lambda p: ([{"params": p, "weightdecay": 1}],), {}, UnknownName, r"did you mean 'weight_decay'\?"),
    ("SGD", lambda p: ([{"params": p, "beta1": 0.9}],), {}, UnknownName, r"unknown key 'beta1'"),
    (
        "SGD",
        lambda p: ([{"params": p, "grad_centralization": 1}],),
        {},
        TypeError,
        r"'grad_centralization' must be True or False, but got 1",
    ),
    (
        "SGD",
        lambda p: ([{"params": [p[0]]}, {"order_params": p}],),
        {},
        ValueError,
        r"For 'SGD': '.*' stands in 'order_params' but in no group \(.* has 2 parameters, the groups have 1\)",
    ),
    (
        "SGD",
        lambda p: ([{"params": p}, {"order_params": p[:1]}],),
        {},
        ValueError,
        r"For 'SGD': '.*' stands in a group but not in 'order_params' \(.* has 1 parameters, the groups have 2\)",
    ),
    (
        "SGD",
        lambda p: ([{"params": p}, {"order_params": []}],),
        {},
        ValueError,
        r"stands in a group but not in 'order_params'",
    ),
    (
        "SGD",
        lambda p: ([{"params": p}, {"order_params": [*p, p[0]]}],),
        {},
        ValueError,
        r"'order_params' holds a parameter twice",
    ),
    (
        "SGD",
        lambda p: ([{"params": p, "order_params": p}],),
        {},
        ValueError,
        r"For 'SGD', group 0: 'order_params' must stand alone, but it stands beside 'params'",
    ),
    (
        "SGD",
        lambda p: ([{"params": p}, {"order_params": p}, {"order_params": p}],),
        {},
        ValueError,
        r"group 2: there are two 'order_params'",
    ),
    (
        "SGD",
        lambda p: (p,),
        {"nesterov": True},
        ValueError,
        r"nesterov needs a momentum above 0 and no dampening, but got momentum=0.0",
    ),
    (
        "SGD",
        lambda p: (p,),
        {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
        ValueError,
        r"nesterov needs .*dampening=0.1",
    ),
    (
        "SGD",
        lambda p: ([{"params": p, "dampening": 0.5}],),
        {"nesterov": True, "momentum": 0.9},
        ValueError,
        r"nesterov needs",
    ),
    (
        "SGD",
        lambda p: (p,),
        {"nesterov": True, "momentum": 0.9, "dampening": np.array([0.5, 0.5])},
        ValueError,
        r"For 'SGD': nesterov needs",
    ),
    (
        "SGD",
        lambda p: (p,),
        {"on_nonfinite": "stop"},
        ValueError,
        r"'on_nonfinite' must be one of train, skip, raise, but got 'stop'",
    ),
    (
        "SGD",
        lambda p: ([{"params": p, "lr": -0.1}],),
        {},
        ValueError,
        r"For 'SGD'.*: 'lr' must lie in \[0, inf\), but got -0.1",
    ),
    (
        "SGD",
        lambda p: ([{"params": p[:1]}, {"params": p[1:], "lr": -0.1}],),
        {},
        ValueError,
        r"For 'SGD', group 1: 'lr' must lie in \[0, inf\), but got -0.1",
    ),
    (
        "Adam",
        lambda p: (p,),
        {"learning_rate": [0.1, 0.1, nan]},
        ValueError,
        r"For 'Adam': 'learning_rate' .*",
    ),
    (
        "Adam",
        lambda p: (p,),
        {"learning_rate": [0.1, 0.1, -0.5]},
        ValueError,
        r"For 'Adam': 'learning_rate' must lie in \[0, inf\), but got -0.5 \(entry 2 of ",
    ),
    (
        "Adam",
        lambda p: ([{"params": p[:1]}, {"params": p[1:], "beta1": [0.5, 1.5]}],),
        {},
        ValueError,
        r"For 'Adam', group 1: 'beta1' must lie in \(0, 1\), but got 1.5 \(entry 1 of ",
    ),
    ("SGD", lambda p: (p,), {"learning_rate": []}, ValueError, r"For 'SGD': 'learning_rate'"),
    (
        "SGD",
        lambda p: (p,),
        {"learning_rate": "0.1"},
        TypeError,
        r"For 'SGD': 'learning_rate' must be a number, a list .*but got '0.1'",
    ),
    ("SGD", lambda p: (p,), {"learning_rate": None}, TypeError, r"For 'SGD': 'learning_rate' must be a number"),
    ("SGD", lambda p: (p,), {"learning_rate": {0.1: 1}}, TypeError, r"For 'SGD': 'learning_rate' must be a number"),
    (
        "SGD",
        lambda p: (p,),
        {"learning_rate": np.ones((2, 2))},
        TypeError,
        r"For 'SGD': 'learning_rate' must be a number",
    ),
    (
        "SGD",
        lambda p: (p,),
        {"learning_rate": lambda step: -1.0},
        ValueError,
        r"For 'SGD': 'learning_rate' must lie in .*step 0: Function",
    ),
]


@pytest.mark.parametrize("row", CONSTRUCTION, ids=lambda row: f"{row[4][:60]}-{list(row[2])}")
def test_refused_at_construction(kind, row):
    name, groups, options, error, sentence = row
    params = params_of(kind)
    before = [kind.read(p).tobytes() for p in params]
    with pytest.raises(error, match=sentence):
        make(name, *groups(params), **options)
    assert [kind.read(p).tobytes() for p in params] == before


OPEN = [("learning_rate", "[0, inf)"), ("weight_decay", "[0, inf)")]
NUMBERS = {
    "SGD": [
        *OPEN,
        ("momentum", "[0, inf)"),
        ("dampening", "[0, inf)"),
        ("loss_scale", "(0, inf)"),
        ("max_norm", "(0, inf)"),
    ],
    "Momentum": [*OPEN, ("momentum", "[0, inf)"), ("loss_scale", "(0, inf)")],
    "Adam": [*OPEN, ("beta1", "(0, 1)"), ("beta2", "(0, 1)"), ("eps", "(0, inf)"), ("loss_scale", "(0, inf)")],
    "AdamWeightDecay": [*OPEN, ("beta1", "(0, 1)"), ("beta2", "(0, 1)"), ("eps", "(0, inf)")],
}


@pytest.mark.parametrize("value", [-0.5, nan, inf, -inf])
@pytest.mark.parametrize("name, number, domain", [(name, *row) for name in CLASSES for row in NUMBERS[name]])
def test_numbers_outside_their_domain(name, number, domain, value):
    params = [np.ones(3, "f4")]
    if number == "max_norm" and value == inf:  # no bound, as in torch's clip_grad_norm_
        make(name, params, max_norm=inf)
        return
    with pytest.raises(ValueError) as problem:
        make(name, params, **{number: value})
    assert str(problem.value) == f"For '{name}': '{number}' must lie in {domain}, but got {value!r}"
    assert (params[0] == 1).all()


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


def test_parameters_of_two_frameworks(torch):
    """Refused, or it works; not an error later, when .parameters is asked for."""
    mixed = [ms.Parameter(np.ones(3, "f4"), name="a"), np.ones(3, "f4")]
    try:
        optimizer = nn.SGD(mixed, 0.5)
    except (TypeError, ValueError):
        return
    assert [id(p) for p in optimizer.parameters] == [id(p) for p in mixed]


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


@pytest.mark.parametrize("dtype", ["i4", "?", "c8"])
def test_parameters_that_cannot_be_trained(dtype):
    with pytest.raises(TypeError, match=r"parameter '0' of group 0 is of dtype .*; only float16, .* can be updated"):
        nn.SGD([np.ones(3, dtype)])


def test_arrays_that_cannot_be_written():
    fixed = np.ones(3, "f4")
    fixed.flags.writeable = False
    with pytest.raises((TypeError, ValueError), match=r"read-only|writ"):
        nn.SGD([fixed])


# What this front end does not have.


@pytest.mark.parametrize(
    "module, name, hint",
    [
        (ms, "Modell", ""),
        (ms, "Tenso", "'Tensor'"),
        (nn, "Conv2dd", "'Conv2d'"),
        (nn, "FocalLoss", "'Loss'"),
        (ops, "asign", "'assign'"),
    ],
)
def test_unknown_names(request, module, name, hint):
    request.getfixturevalue("torch")  # calando.mindspore.ops needs it
    with pytest.raises(AttributeError) as problem:
        getattr(module, name)
    said = str(problem.value)
    assert said.startswith(f"module '{module.__name__}' has no '{name}'")
    assert "It covers" in said and "torch" in said and "real MindSpore" in said
    assert hint in said
    assert not hasattr(module, name) and getattr(module, name, 5) == 5


@pytest.mark.parametrize(
    "module, name, way",
    [
        (nn, "LSTM", r"torch.nn.LSTM\(…\) works in a Cell instead, with torch's arguments; its parameters become"),
        (nn, "Conv2dTranspose", r"torch.nn.ConvTranspose2d\(…\) works in a Cell instead"),
        (ops, "cumsum", r"torch.cumsum\(…\) works on these Tensors instead, with torch's arguments"),
        (ops, "interpolate", r"torch.nn.functional.interpolate\(…\) works on these Tensors instead"),
        (nn, "thor", "THOR reads the activations of layers of its own on Ascend and GPU .* nn.LBFGS uses curvature"),
        (nn, "SpeedAdamW", "it is AdamW in one kernel of Ascend; calando.torch.AdamW is that optimizer"),
    ],
)
def test_what_does_the_work_instead(torch, module, name, way):
    with pytest.raises(AttributeError, match=rf"^module '{module.__name__}' has no '{name}'.*: {way}"):
        getattr(module, name)


@pytest.mark.parametrize("module", [ms, nn, ops])
def test_dir_is_what_there_is(request, module):
    request.getfixturevalue("torch")
    names = [name for name in dir(module) if not name.startswith("_")]
    assert names and all(getattr(module, name) is not None for name in names)
    assert {"assign"} <= set(names) if module is ops else True
    assert {"SGD", "Momentum", "Adam", "AdamWeightDecay", "Cell", "Conv2d"} <= set(names) if module is nn else True


def test_from_import_of_what_is_not_there():
    with pytest.raises(ImportError):
        from calando.mindspore import Modell  # noqa: F401


# Light.


def test_numpy_needs_neither_torch_nor_mindspore(run):
    code = """
import sys, numpy as np
import calando.mindspore
from calando.mindspore import nn
p = [np.ones((3, 2), "f4"), np.ones(2, "f4")]
for optimizer in (nn.Adam(p), nn.SGD(p, 0.1), nn.Momentum(p, 0.1, 0.9), nn.AdamWeightDecay(p)):
    optimizer(tuple(np.ones_like(x) for x in p))
    optimizer.learning_rate = [0.1, 0.2]
    repr(optimizer), optimizer.get_lr(), optimizer.parameters, optimizer.global_step, optimizer.snapshot(), dir(nn)
print(sorted({"torch", "mindspore"} & set(sys.modules)))
"""
    assert run(code).strip() == "[]"


def test_calandos_own_parameters_do_not_load_mindspore(run, torch):
    code = """
import sys
import calando.mindspore as ms
from calando.mindspore import nn, ops
net = nn.Dense(2, 3)
optimizer = nn.Adam(net.trainable_params())
optimizer(tuple(ms.Tensor(p.asnumpy() * 0) for p in net.trainable_params()))
ops.assign(optimizer.learning_rate, 0.5)
print("mindspore" in sys.modules)
"""
    assert run(code).strip() == "False"


@pytest.mark.parametrize("count", [0, 2])
def test_gradients_come_in_one_tuple(kind, count):
    optimizer = nn.Adam(params_of(kind), 0.1)
    with pytest.raises(
        TypeError, match=f"For 'Adam': gradients come in one tuple or list: .*, but got {count} arguments"
    ):
        optimizer(*grads_of(kind)[:count])


def test_what_the_engine_refuses_is_told_with_the_optimizers_name():
    with pytest.raises(TypeError, match="For 'Adam': parameter '0' of group 0 is of dtype int32; only float16"):
        nn.Adam([np.ones(3, "i4")])
    with pytest.raises(ValueError, match="For 'Adam': 'on_nonfinite' must be one of train, skip, raise, but got 'no'"):
        nn.Adam([np.ones(3, "f4")], on_nonfinite="no")
    with pytest.raises(ArithmeticError, match="For 'Adam': the gradient of parameter '0' of group 0 is not finite"):
        nn.Adam([np.ones(3, "f4")], on_nonfinite="raise")([np.full(3, np.inf, "f4")])


def test_nothing_warns(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer = nn.Adam(params_of(kind), 0.1)
        optimizer(tuple(grads_of(kind)))


@pytest.mark.parametrize(
    "build, sentence",
    [
        (lambda p: nn.SGD({p}), "'params' must be a list, but got a set; gradients are given in the order of a list"),
        (lambda p: nn.SGD([{"params": {p}}]), ", group 0: 'params' must be a list of parameters, but got set"),
        (lambda p: nn.SGD([{"params": "p"}]), ", group 0: 'params' must be a list of parameters, but got str"),
        (
            lambda p: nn.SGD([{"params": [p]}, {"order_params": p}]),
            ", group 1: 'order_params' must be a list of parameters, but got Parameter",
        ),
        (lambda p: nn.SGD([{"params": [p]}, {"order_params": ["p"]}]), "'p' stands in 'order_params' but in no group"),
        (
            lambda p: nn.SGD([p], nn.Dense(2, 2)),
            "'learning_rate': Dense must give one number, but for step 0 it failed: mat1 and mat2",
        ),
        (lambda p: setattr(nn.SGD([p]), "global_step", "x"), "'global_step' must be a whole number from 0 on, but got"),
        (lambda p: setattr(nn.SGD([p]), "global_step", float("nan")), "a whole number from 0 on, but got nan"),
        (lambda p: nn.SGD([p]).get_lr_parameter(None), "None is not one of its parameters"),
    ],
)
def test_what_is_no_list_no_schedule_and_no_count(torch, build, sentence):
    with pytest.raises((TypeError, ValueError), match=f"For 'SGD'.*{sentence}"):
        build(ms.Parameter(np.ones(3, "f4"), name="p"))


@pytest.mark.parametrize("gradient", ["a text", np.ones(2, "f4"), np.ones(3, "f8")], ids=lambda g: type(g).__name__)
@pytest.mark.parametrize("way", [lambda o, g: o((g,)), lambda o, g: o.step(lambda: (0.0, (g,)))], ids=["call", "step"])
def test_lbfgs_signs_what_it_refuses(gradient, way):
    optimizer = nn.LBFGS([np.ones(3, "f4")], learning_rate=0.1)
    with pytest.raises((TypeError, ValueError), match="For 'LBFGS': the gradient of parameter '0' of group 0"):
        way(optimizer, gradient)
    assert optimizer.global_step.tolist() == [0]
