"""Every sentence of a constructor, once; and after each refused call all is, byte for byte, as it was."""

import re
import warnings
from inspect import signature
from math import inf, nan

import numpy as np
import pytest

import calando.mindspore as ms
from calando.hyper import UnknownName
from calando.mindspore import nn
from mindspore_front.kinds import CLASSES
from mindspore_front.refusals import grads_of, make, params_of

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
        r"'order_params' holds '.*' twice",
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


def test_parameters_of_two_frameworks(torch):
    """Refused, or it works; not an error later, when .parameters is asked for."""
    mixed = [ms.Parameter(np.ones(3, "f4"), name="a"), np.ones(3, "f4")]
    try:
        optimizer = nn.SGD(mixed, 0.5)
    except (TypeError, ValueError):
        return
    assert [id(p) for p in optimizer.parameters] == [id(p) for p in mixed]


@pytest.mark.parametrize("dtype", ["i4", "?", "c8"])
def test_parameters_that_cannot_be_trained(dtype):
    with pytest.raises(TypeError, match=r"parameter '0' of group 0 is of dtype .*; only float16, .* can be updated"):
        nn.SGD([np.ones(3, dtype)])


def test_arrays_that_cannot_be_written():
    fixed = np.ones(3, "f4")
    fixed.flags.writeable = False
    with pytest.raises((TypeError, ValueError), match=r"read-only|writ"):
        nn.SGD([fixed])


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
        (lambda p: nn.SGD([{"params": [p]}, {"order_params": ["p"]}]), "must hold parameters, but got the text 'p'"),
        (
            lambda p: nn.SGD([p], nn.Dense(2, 2)),
            "'learning_rate': Dense must give one number, but for step 0 it failed: mat1 and mat2",
        ),
        (
            lambda p: nn.SGD([p], nn.WarmUpLR),
            "but got the class WarmUpLR; make one",
        ),
        (lambda p: nn.SGD([p], nn.SGD([p])), "'learning_rate' must be .* but got an optimizer, SGD; give what it was"),
        (lambda p: nn.SGD([{"params": [p], "lr": nn.Adam([p])}]), "group 0: 'lr' must be .* an optimizer, Adam"),
        (lambda p: nn.SGD([p], weight_decay=nn.Cell), r"'weight_decay' must be .* the class Cell; make one: Cell\(…\)"),
        (lambda p: setattr(nn.SGD([p]), "global_step", "x"), "'global_step' must be a whole number from 0 on, but got"),
        (lambda p: setattr(nn.SGD([p]), "global_step", float("nan")), "a whole number from 0 on, but got nan"),
        (lambda p: nn.SGD([p]).get_lr_parameter(None), "None is not one of its parameters"),
    ],
)
def test_what_is_no_list_no_schedule_and_no_count(torch, build, sentence):
    with pytest.raises((TypeError, ValueError), match=f"For 'SGD'.*{sentence}"):
        build(ms.Parameter(np.ones(3, "f4"), name="p"))


ODD = {
    "a table": np.full((1, 2), 0.1),
    "a row of NaN": np.full(3, nan),
    "a text": "x",
    "a complex number": 1j,
    "a class": nn.SGD,
}
OPTIMIZERS = [name for name, kind in vars(nn).items() if isinstance(kind, type) and issubclass(kind, nn.Optimizer)]
PAIRED = {"etas": "eta_plus|eta_minus", "step_sizes": "step_min|step_max"}


@pytest.mark.parametrize("name", sorted({*OPTIMIZERS} - {"LARS", "Optimizer"}))
def test_whatever_an_argument_is_given_one_line_names_class_and_argument(torch, name):
    """Every argument of every class, with what none of them can be."""
    options = {"AdaFactor": {"learning_rate": 0.1, "relative_step": False}, "Lamb": {"learning_rate": 0.1}}
    cls, tried = getattr(nn, name), 0
    for argument in [word for word in signature(cls).parameters if word != "params"]:
        for odd in (*ODD.values(), ms.Tensor(ODD["a table"])):
            with pytest.raises((TypeError, ValueError)) as refused:
                make(name, [np.ones(3, "f4")], **{**options.get(name, {}), argument: odd})
            words = f"({argument}|{PAIRED.get(argument, argument)})"
            assert re.fullmatch(rf"For '{name}': .*{words}.*", str(refused.value)), (argument, str(refused.value))
            tried += 1
    assert tried >= 60
