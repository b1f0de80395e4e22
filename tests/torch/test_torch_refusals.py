"""What bad input gets: one sentence with the thing, its value, its place and the way out; nothing changes."""

import math

import numpy as np
import pytest
import torch
from torch_pairs import everything, give, params, train

import calando.torch as ct
from calando.schedules import Cosine, Linear, ScheduleEnd

KINDS = "must be a number, a list with one number per step, a schedule or a function of the step, but got "


def w(*shape, **more):
    return torch.nn.Parameter(torch.ones(*(shape or (3,)), **more))


BUILT = [  # class, options, exception, sentence
    ("SGD", {"lr": -0.1}, ValueError, r"For 'SGD': 'lr' must lie in \[0, inf\), but got -0.1"),
    ("SGD", {"lr": math.nan}, ValueError, r"For 'SGD': 'lr' must lie in \[0, inf\), but got nan"),
    ("SGD", {"lr": math.inf}, ValueError, r"For 'SGD': 'lr' must lie in \[0, inf\), but got inf"),
    ("SGD", {"lr": 10**400}, (ValueError, OverflowError), r"For 'SGD': 'lr'"),
    ("SGD", {"lr": "0.1"}, TypeError, f"For 'SGD': 'lr' {KINDS}'0.1'"),
    ("SGD", {"lr": None}, TypeError, f"For 'SGD': 'lr' {KINDS}None"),
    ("SGD", {"lr": {0: 0.1}}, TypeError, f"For 'SGD': 'lr' {KINDS}"),
    ("SGD", {"lr": {0.1, 0.2}}, TypeError, "For 'SGD': 'lr'.*must be a .*sequence|number"),
    ("SGD", {"lr": 1j}, TypeError, f"For 'SGD': 'lr' {KINDS}1j"),
    (
        "SGD",
        {"lr": torch.ones(2, 2)},
        ValueError,
        r"For 'SGD': 'lr' as a tensor must have one element, but got a tensor of shape \(2, 2\); for one value",
    ),
    (
        "Adam",
        {"betas": (0.9, torch.tensor(0.99))},
        ValueError,
        "For 'Adam': 'betas' must be either both tensors or none",
    ),
    ("Adam", {"lr": torch.tensor(0.1), "foreach": True}, ValueError, "For 'Adam': 'lr' as a tensor does not go with"),
    ("Adam", {"lr": torch.tensor(1j)}, TypeError, f"For 'Adam': 'lr' {KINDS}1j"),
    ("SGD", {"lr": []}, ValueError, "For 'SGD': 'lr' must have one number for every step, but got an empty list"),
    (
        "SGD",
        {"lr": [0.1, -1]},
        ValueError,
        r"For 'SGD': 'lr' must lie in \[0, inf\), but got -1.0 \(entry 1 of Listed\(\(0.1, -1\)\)\)",
    ),
    ("SGD", {"lr": [0.1, math.nan]}, ValueError, r"For 'SGD': 'lr' must have a finite number .* got nan \(entry 1\)"),
    (
        "SGD",
        {"lr": [0.1, "x"]},
        TypeError,
        r"For 'SGD': 'lr' must have a number for every step, but got 'x' \(entry 1\)",
    ),
    (
        "SGD",
        {"lr": Linear(-1.0, 1.0, 4)},
        ValueError,
        r"For 'SGD': 'lr' must lie in \[0, inf\), but got -1.0 \(step 0: Linear\(-1, 1, 4\)\)",
    ),
    (
        "SGD",
        {"lr": lambda step: -1.0},
        ValueError,
        r"For 'SGD': 'lr' must lie in \[0, inf\), but got -1.0 \(step 0: Function\(<lambda at",
    ),
    (
        "SGD",
        {"lr": lambda step: "x"},
        TypeError,
        r"For 'SGD': 'lr'.*<lambda at .* must return a number, but for step 0 it returned 'x', a str",
    ),
    ("SGD", {"lr": lambda: 0.1}, TypeError, "For 'SGD': 'lr'.*takes 0 positional arguments"),
    ("SGD", {"momentum": -0.5}, ValueError, r"For 'SGD': 'momentum' must lie in \[0, inf\), but got -0.5"),
    (
        "SGD",
        {"dampening": math.nan},
        ValueError,
        "For 'SGD': 'dampening' must be a finite number, but got nan",
    ),
    (
        "SGD",
        {"weight_decay": -1},
        ValueError,
        r"For 'SGD': 'weight_decay' must lie in \[0, inf\), but got -1.0",
    ),
    (
        "SGD",
        {"nesterov": True},
        ValueError,
        "For 'SGD', group 0: Nesterov momentum requires .* but got momentum=0.0, dampening=0.0",
    ),
    (
        "SGD",
        {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
        ValueError,
        "requires a momentum and zero dampening",
    ),
    (
        "SGD",
        {"differentiable": True},
        ValueError,
        "For 'SGD': differentiable=True needs autograd through the step",
    ),
    ("SGD", {"max_norm": 0}, ValueError, r"For 'SGD': 'max_norm' must lie in \(0, inf\), but got 0.0"),
    ("SGD", {"max_norm": -1}, ValueError, r"For 'SGD': 'max_norm' must lie in \(0, inf\), but got -1.0"),
    (
        "SGD",
        {"on_nonfinite": "ignore"},
        ValueError,
        "For '.*': 'on_nonfinite' must be one of train, skip, raise, but got 'ignore'",
    ),
    ("Adam", {"betas": 0.9}, TypeError, "For 'Adam': 'betas' must be 2 values, but got 0.9"),
    ("Adam", {"betas": 10**400}, TypeError, "For 'Adam': 'betas' must be 2 values, but got an int of 1329 bits"),
    ("Adam", {"lr": 10**5000}, ValueError, "For 'Adam': 'lr' is too large: an int of 16610 bits"),
    ("Adam", {"betas": np.array("x")}, TypeError, "For 'Adam': 'betas' must be 2 values, but got array"),
    ("Adam", {"betas": {0.9, 0.99}}, TypeError, "For 'Adam': 'betas' must be 2 values, but got {"),
    ("Adam", {"betas": b"ab"}, TypeError, "For 'Adam': 'betas' must be 2 values, but got b'ab'"),
    (
        "Adafactor",
        {"beta2_decay": -float("inf")},
        ValueError,
        "'beta2_decay' must be a number from 0 down, but got -inf",
    ),
    ("Adam", {"betas": (0.9,)}, TypeError, r"For 'Adam': 'betas' must be 2 values, but got \(0.9,\)"),
    ("Adam", {"betas": (1.0, 0.9)}, ValueError, r"For 'Adam': 'beta1' must lie in \[0, 1\), but got 1.0"),
    (
        "Adam",
        {"betas": (0.9, [0.9, 1.5])},
        ValueError,
        r"For 'Adam': 'beta2' must lie in \[0, 1\), but got 1.5 \(entry 1 of",
    ),
    (
        "Adam",
        {"betas": Cosine(0.9, 0.8, 4)},
        TypeError,
        "For 'Adam': 'betas' must be 2 values, but got Cosine",
    ),
    ("Adam", {"eps": -1e-8}, ValueError, r"For 'Adam': 'eps' must lie in \[0, inf\), but got -1e-08"),
    (
        "Adam",
        {"capturable": True},
        ValueError,
        "For 'Adam': capturable=True captures CUDA graphs; calando runs no CUDA kernels",
    ),
    ("AdamW", {"momentum": 0.9}, TypeError, "For 'AdamW': unknown argument 'momentum'; it takes params, lr, betas"),
    ("SGD", {"weight_decay": True}, TypeError, "For 'SGD': 'weight_decay' must be a number, .* but got True"),
    ("AdamW", {"learning_rate": 0.1}, TypeError, r"unknown argument 'learning_rate' \(did you mean 'lr'\?\)"),
    ("AdamW", {"beta1": 0.9}, TypeError, r"unknown argument 'beta1' \(did you mean 'betas'\?\)"),
    ("AdamW", {"epsilon": 0.1}, TypeError, r"unknown argument 'epsilon' \(did you mean 'eps'\?\)"),
    ("AdamW", {"max_grad_norm": 1.0}, TypeError, r"unknown argument 'max_grad_norm' \(did you mean 'max_norm'\?\)"),
    ("AdamW", {"slot_dtyp": "float32"}, TypeError, r"unknown argument 'slot_dtyp' \(did you mean 'slot_dtype'\?\)"),
    (
        "Adam",
        {"amsgrad": Linear(0, 1, 3)},
        TypeError,
        "For 'Adam': 'amsgrad' chooses a rule, which does not change with time; give True or False, not Linear",
    ),
    ("SGD", {"momentum": 0.9, "nesterov": lambda step: True}, TypeError, "For 'SGD': 'nesterov' chooses a rule, which"),
    ("SGD", {"maximize": [True, False]}, TypeError, "For 'SGD': 'maximize' chooses a rule, which does not change"),
    ("RMSprop", {"centered": "yes"}, TypeError, "For 'RMSprop': 'centered' .* give True or False, not 'yes'"),
]


@pytest.mark.parametrize(
    "name, options, kind, sentence",
    BUILT,
    ids=[f"{i} {row[0]} {', '.join(row[1])}" for i, row in enumerate(BUILT)],
)
def test_refused_at_construction(name, options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        getattr(ct, name)([w()], **options)


p, q = w(), w(2)
GROUPS = [
    ([], ValueError, "empty parameter list"),
    (iter([]), ValueError, "empty parameter list"),
    (p, TypeError, "should be an iterable of Tensors or dicts, but got torch.FloatTensor"),
    (["x"], TypeError, "can only optimize Tensors, but one of the params is str"),
    ([p * 2], ValueError, "can't optimize a non-leaf Tensor"),
    ({p, q}, TypeError, "order.*set"),
    (None, TypeError, "For 'AdamW': params must be parameters in order; give a list of them"),
    ({"params": [p]}, TypeError, "For 'AdamW': params must be .*; give a list of groups"),
    ([p, q, p], ValueError, r"For 'AdamW': parameter '0' stands twice in group 0; give each parameter once"),
    ([("a", p), ("b", p)], ValueError, "For 'AdamW': parameter 'a' stands twice in group 0"),
    (
        [{"params": [p]}, {"params": [q, p]}],
        ValueError,
        "For 'AdamW': parameter '0' stands in group 0 and in group 1; give each",
    ),
    ([{"params": {p, q}}], TypeError, "parameters must come in an order that stays: give a list, not a set"),
    ([{"lr": 1}], KeyError, "For 'AdamW', group 0: 'params' is missing; it has 'lr'"),
    (
        [{"params": [p], "lrr": 1}],
        KeyError,
        r"For 'AdamW', group 0: unknown key 'lrr' \(did you mean 'lr'\?\)",
    ),
    ([{"params": [p], "learning_rate": 1}], KeyError, r"unknown key 'learning_rate' \(did you mean 'lr'\?\)"),
    (
        [{"params": [p], "weight_dacay": Linear(0, 1, 2)}],
        KeyError,
        r"unknown key 'weight_dacay' \(did you mean 'weight_decay'\?\)",
    ),
    (
        [{"params": [p], "momentum": 0.9}],
        KeyError,
        "For 'AdamW', group 0: unknown key 'momentum'; a group may have params, lr, betas",
    ),
    (
        [{"params": [p]}, {"params": [q], "lr": -1}],
        ValueError,
        r"For 'AdamW', group 1: 'lr' must lie in \[0, inf\), but got -1.0",
    ),
    (
        [{"params": [p], "betas": (0.9, 1.0)}],
        ValueError,
        r"For 'AdamW', group 0: 'beta2' must lie in \[0, 1\)",
    ),
    (
        [{"params": [p], "betas": 0.9}],
        TypeError,
        "For 'AdamW', group 0: 'betas' must be 2 values, but got 0.9",
    ),
    (
        [{"params": [p], "amsgrad": [True, False]}],
        TypeError,
        "For 'AdamW', group 0: 'amsgrad' chooses a rule, which does not change with time",
    ),
    ([{"params": [p], "step": -3}], ValueError, "For 'AdamW', group 0: 'step'.*-3"),
    ([{"params": [p], "step": "x"}], (ValueError, TypeError), "For 'AdamW', group 0: 'step'.*'x'"),
    ([{"params": [p], "capturable": True}], ValueError, "capturable=True captures CUDA graphs"),
    ([{"params": [p]}, q], TypeError, "For 'AdamW', group 1: param_group must be a dict, but got Parameter"),
    (
        [torch.zeros(3, dtype=torch.int64)],
        TypeError,
        "For 'AdamW': parameter '0' of group 0 is of dtype int64; only float16, bfloat16",
    ),
    ([("a", p), q], ValueError, "with/without names. Some param names are missing"),
    (
        torch.nn.LazyLinear(2).named_parameters(),
        ValueError,
        "For 'AdamW', group 0: parameter 'weight' has no shape yet, as in a lazy module; run one batch",
    ),
    (
        [torch.eye(3).to_sparse().requires_grad_()],
        ValueError,
        "For 'AdamW', group 0: parameter '0' must be dense, but its layout is sparse_coo; gradients may be sparse",
    ),
    *(
        (
            [{"params": [p], name: Linear(0, 1, 3)}],
            KeyError,
            f"For 'AdamW', group 0: '{name}' is no hyperparameter, so a schedule has no place there; it has lr, betas",
        )
        for name in ("initial_lr", "name", "foreach", "max_lr")
    ),
    ([torch.ones(3, 3).to_mkldnn()], ValueError, "parameter '0' must be dense, but its layout is _mkldnn"),
]


def test_a_list_of_parameters_that_is_a_module_is_a_list():
    params = torch.nn.ParameterList([w(), w(2)])
    assert ct.AdamW(params).param_groups[0]["params"] == torch.optim.AdamW(params).param_groups[0]["params"]


@pytest.mark.parametrize("given, kind, sentence", GROUPS, ids=[row[-1] for row in GROUPS])
def test_refused_parameters_and_groups(given, kind, sentence):
    with pytest.raises(kind, match=sentence):
        ct.AdamW(given)


def living():
    tensors = params([(3,), (2,)])
    optimizer = ct.AdamW(
        [{"params": [tensors[0]], "name": "body"}, {"params": [tensors[1]], "lr": Linear(0.5, 0.0, 9)}],
        lr=0.1,
    )
    return tensors, train(optimizer, tensors, range(3)) and optimizer


CALLS = {
    "add what is there": (
        lambda o: o.add_param_group({"params": o.param_groups[0]["params"]}),
        ValueError,
        "parameter '0' stands in group 0 and in group 2",
    ),
    "add twice": (lambda o: o.add_param_group({"params": [p, p]}), ValueError, "stands twice in group 2"),
    "add no dictionary": (
        lambda o: o.add_param_group([p]),
        TypeError,
        "For 'AdamW', group 2: param_group must be a dict, but got list",
    ),
    "add a wrong rate": (
        lambda o: o.add_param_group({"params": [p], "lr": -1}),
        ValueError,
        r"For 'AdamW', group 2: 'lr' must lie",
    ),
    "add an ended list": (
        lambda o: o.add_param_group({"params": [p], "lr": [1.0, 1.0]}),
        ScheduleEnd,
        "For 'AdamW', group 2: 'lr': the list ends after 2 values, so there is no value for step 3",
    ),
    "add an integer": (
        lambda o: o.add_param_group({"params": [p, torch.zeros(1, dtype=torch.int32)]}),
        TypeError,
        "parameter '1' of group 2 is of dtype int32",
    ),
    "add unknown": (
        lambda o: o.add_param_group({"params": [p], "wd": 1}),
        KeyError,
        r"For 'AdamW', group 2: unknown key 'wd' \(did you mean 'weight_decay'\?\)",
    ),
    "add without params": (
        lambda o: o.add_param_group({"lr": 1}),
        KeyError,
        "group 2: 'params' is missing; it has 'lr'",
    ),
    "set unknown": (
        lambda o: o.set("lrr", 1),
        KeyError,
        r"AdamW has no hyperparameter 'lrr' \(did you mean 'lr'\?\); it has lr, betas",
    ),
    "set wrong": (
        lambda o: o.set("lr", -1),
        ValueError,
        r"For 'AdamW', group 0: 'lr' must lie in \[0, inf\), but got -1.0",
    ),
    "set a string": (
        lambda o: o.set("lr", "fast", group="body"),
        TypeError,
        f"For 'AdamW', group 0: 'lr' {KINDS}'fast'",
    ),
    "set half wrong": (
        lambda o: o.set("betas", (0.5, 1.0)),
        ValueError,
        r"For 'AdamW', group 0: 'beta2' must lie in \[0, 1\), but got 1.0",
    ),
    "set one of two": (lambda o: o.set("betas", 0.5), TypeError, "'betas' must be 2 values, but got 0.5"),
    "set a bad function": (
        lambda o: o.set("lr", lambda step: math.nan),
        ValueError,
        r"'lr' must lie .* but got nan \(step 3: Function",
    ),
    "set an ended list": (
        lambda o: o.set("lr", [1.0, 1.0]),
        ScheduleEnd,
        "For 'AdamW', group 0: 'lr'.*no value for step 3",
    ),
    "set in no group": (lambda o: o.set("lr", 1, group=5), (KeyError, IndexError), "no group 5"),
    "set in no name": (
        lambda o: o.set("lr", 1, group="head"),
        KeyError,
        "no group 'head'; there are 'body', '1'",
    ),
    "trace unknown": (lambda o: o.trace("momentum", [0]), KeyError, "AdamW has no hyperparameter 'momentum'"),
    "trace a pair": (
        lambda o: o.trace("betas", [0]),
        KeyError,
        "'betas' is 2 numbers; ask for one of 'beta1', 'beta2'",
    ),
    "trace no step": (
        lambda o: o.trace("lr", [-1]),
        ValueError,
        "a step is a whole number from 0 on, not -1",
    ),
    "at no step": (lambda o: o.at(-1), ValueError, "a step is a whole number from 0 on, not -1"),
    "at half a step": (lambda o: o.at(1.5), (TypeError, ValueError), "a step is a whole number from 0 on, not 1.5"),
    "current of all": (lambda o: o.current()["lr"], KeyError, r"the groups differ in 'lr'"),
    "current unknown": (lambda o: o.current()["momentum"], KeyError, "momentum"),
    "load nothing": (lambda o: o.load_state_dict({}), (KeyError, ValueError), "AdamW.*param_groups|state"),
}


@pytest.mark.parametrize("call", CALLS)
def test_refused_calls_change_nothing(call):
    act, kind, sentence = CALLS[call]
    tensors, optimizer = living()
    twins, twin = living()
    before = everything(optimizer)
    with pytest.raises(kind, match=sentence):
        act(optimizer)
    assert everything(optimizer) == before
    train(optimizer, tensors, range(3)), train(twin, twins, range(3))
    assert everything(optimizer) == everything(twin)


WRITES = {
    "negative": (
        {"lr": -1.0},
        ValueError,
        r"For 'AdamW', group 1: 'lr' must lie in \[0, inf\), but got -1.0",
    ),
    "nan": (
        {"weight_decay": math.nan},
        ValueError,
        r"For 'AdamW', group 1: 'weight_decay' must lie in \[0, inf\), but got nan",
    ),
    "text": ({"lr": "x"}, TypeError, f"For 'AdamW', group 1: 'lr' {KINDS}'x'"),
    "one beta": (
        {"betas": (0.5,)},
        TypeError,
        r"(For 'AdamW', group 1: )?'betas' must be 2 values, but got \(0.5,\)",
    ),
    "wrong beta": ({"betas": (0.5, 1.0)}, ValueError, r"For 'AdamW', group 1: 'beta2' must lie in \[0, 1\)"),
    "a schedule outside": (
        {"lr": Linear(-1.0, -2.0, 5)},
        ValueError,
        r"group 1: 'lr' must lie .* \(step 3: Linear\(-1, -2, 5\)\)",
    ),
    "one right, one wrong": ({"lr": 0.25, "eps": -1.0}, ValueError, r"For 'AdamW', group 1: 'eps' must lie"),
    "two, one wrong": ({"eps": 0.5, "lr": -1.0}, ValueError, r"group 1: 'lr' must lie"),
    "a schedule of structure": (
        {"amsgrad": Linear(0.0, 1.0, 5)},
        TypeError,
        "For 'AdamW', group 1: 'amsgrad' chooses a rule, which does not change with time; give True or False",
    ),
    "two numbers of structure": (
        {"maximize": torch.tensor([1.0, 0.0])},
        TypeError,
        r"For 'AdamW', group 1: 'maximize' chooses a rule.*not tensor\(\[1., 0.\]\)",
    ),
    "true": ({"lr": True}, TypeError, f"For 'AdamW', group 1: 'lr' {KINDS}True"),
    "a clock of text": ({"step": "x"}, (TypeError, ValueError), "For 'AdamW', group 1: 'step'.*'x'"),
    "a clock below zero": ({"step": -1}, ValueError, "For 'AdamW', group 1: 'step'.*-1"),
}


@pytest.mark.parametrize("write", WRITES)
def test_refused_writes_into_a_group_change_nothing_and_can_be_mended(write):
    told, kind, sentence = WRITES[write]
    tensors, optimizer = living()
    twins, twin = living()
    group = optimizer.param_groups[1]
    held = {key: group[key] for key in told}
    before = [p.detach().clone() for p in tensors]
    group.update(told)
    give(tensors, 9)
    with pytest.raises(kind, match=sentence):
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True))
    assert optimizer.engine.clocks == [3, 3]
    group.update(held)
    train(optimizer, tensors, range(3)), train(twin, twins, range(3))
    assert everything(optimizer)[2] == everything(twin)[2]
    assert optimizer.trace("lr", range(9)).tolist() == twin.trace("lr", range(9)).tolist()


AT_STEP = [
    (
        lambda step: 0.1 if step < 2 else -0.1,
        ValueError,
        r"For 'SGD', group 0: 'lr' must lie in \[0, inf\), but got -0.1 \(step 2: Function\(<lambda at",
    ),
    (
        lambda step: 0.1 if step < 2 else math.nan,
        ValueError,
        r"group 0: 'lr' must lie in \[0, inf\), but got nan \(step 2: ",
    ),
    (
        lambda step: 0.1 if step < 2 else None,
        TypeError,
        r"For 'SGD', group 0: 'lr'.*must return a number, but for step 2 it returned None",
    ),
    (lambda step: [0.1, 0.1][step], (IndexError, ValueError), r"For 'SGD', group 0: 'lr'.*step 2"),
    (
        [0.1, 0.1],
        ScheduleEnd,
        r"For 'SGD', group 0: 'lr': the list ends after 2 values, so there is no value for step 2; give a longer list",
    ),
    (
        Linear(0.25, -0.75, 4) + 0.125,
        ValueError,
        r"For 'SGD', group 0: 'lr' must lie in \[0, inf\), but got -0.125 \(step 2: .*Linear\(0.25, -0.75, 4\)",
    ),
]


@pytest.mark.parametrize("rate, kind, sentence", AT_STEP, ids=[row[-1] for row in AT_STEP])
def test_refused_at_the_step_with_group_step_and_schedule(rate, kind, sentence):
    tensors = params()
    optimizer = ct.SGD(tensors, lr=rate, momentum=0.9)
    train(optimizer, tensors, range(2))
    before = everything(optimizer)
    with pytest.raises(kind, match=sentence):
        train(optimizer, tensors, [2])
    assert everything(optimizer) == before
    optimizer.set("lr", 0.1)
    train(optimizer, tensors, [2])
    assert optimizer.param_groups[0]["step"] == 3


def test_sparse_gradient():
    table = torch.nn.Embedding(5, 2, sparse=True)
    optimizer = ct.AdamW(table.named_parameters(), lr=0.1)
    table(torch.tensor([1])).sum().backward()
    before = table.weight.detach().clone()
    with pytest.raises(
        RuntimeError,
        match="the gradient of parameter 'weight' of group 0 is sparse, which this optimizer does not support",
    ):
        optimizer.step()
    assert torch.equal(before, table.weight)


def test_parameter_of_another_shape_midway():
    tensors, optimizer = living()
    tensors[0].grad = None
    tensors[0].data = torch.ones(4, dtype=torch.float64)
    tensors[0].grad = torch.ones(4, dtype=torch.float64)
    with pytest.raises(
        ValueError,
        match=r"parameter '0' of group 0 had shape \(3,\) when the optimizer was built and has \(4,\) now; build a new",
    ):
        optimizer.step()
    assert tensors[0].tolist() == [1.0] * 4


def test_a_group_that_add_param_group_has_not_seen():
    tensors, optimizer = living()
    optimizer.param_groups.append({"params": [p], "lr": 0.1})
    with pytest.raises(
        ValueError,
        match="AdamW: param_groups holds a group that add_param_group has not seen; add it with add_param_group",
    ):
        optimizer.step()
    optimizer.param_groups.pop()
    train(optimizer, tensors, [3])


def test_a_hyperparameter_taken_out_of_its_group():
    tensors, optimizer = living()
    rate = optimizer.param_groups[1].pop("lr")
    with pytest.raises(KeyError, match="For 'AdamW', group 1: 'lr' was taken out of param_groups; put it back"):
        optimizer.step()
    optimizer.param_groups[1]["lr"] = rate
    train(optimizer, tensors, [3])


def test_a_gradient_that_is_refused_is_told_with_the_optimizers_name():
    p = w()
    p.grad, p.data = torch.ones(3), torch.ones(3, dtype=torch.float64)
    with pytest.raises(TypeError, match=r"For 'Adam': the gradient of parameter '0' of group 0 is torch\.float32"):
        ct.Adam([p]).step()
    p.data, p.grad = torch.ones(3), torch.full((3,), math.inf)
    with pytest.raises(ArithmeticError, match="For 'Adam': the gradient of parameter '0' of group 0 is not finite"):
        ct.Adam([p], on_nonfinite="raise").step()


def test_a_state_dict_that_is_none():
    with pytest.raises(TypeError, match="SGD: a state_dict is a dictionary, not str"):
        ct.SGD([w()]).load_state_dict("run.pt")


def test_parameter_list_changed_to_what_stands_elsewhere():
    tensors, optimizer = living()
    before = [t.detach().clone() for t in tensors]
    optimizer.param_groups[1]["params"] = [tensors[0]]
    give(tensors, 3)
    with pytest.raises(ValueError, match="stands in group 0 and in group 1"):
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True))


def test_numbers_given_as_numpy_are_named_plainly():
    with pytest.raises(ValueError, match=r"'lr' must lie in \[0, inf\), but got -1.0$"):
        ct.SGD([w()], lr=np.float64(-1))
