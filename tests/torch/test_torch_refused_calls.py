"""What a call, a write or a step refuses: one sentence, nothing changes, and the run goes on."""

import math

import numpy as np
import pytest
import torch
from torch_pairs import KINDS, everything, give, params, train, w

import calando
import calando.torch as ct
from calando import schedules
from calando.schedules import Linear, ScheduleEnd

p = w()


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
    "at no step that a checkpoint could keep": (
        lambda o: o.at(2**70),
        ValueError,
        f"a step is at most {2**53}, not {2**70}",
    ),
    "at half a step": (lambda o: o.at(1.5), (TypeError, ValueError), "a step is a whole number from 0 on, not 1.5"),
    "current of all": (lambda o: o.current()["lr"], KeyError, r"the groups differ in 'lr'"),
    "current unknown": (lambda o: o.current()["momentum"], KeyError, "momentum"),
    "current misspelled": (
        lambda o: o.current()["lrs"],
        KeyError,
        r"no hyperparameter 'lrs' \(did you mean 'lr'\?\); there are lr, betas",
    ),
    "current as an attribute": (lambda o: o.at(3).lr, AttributeError, r"asked for by key: \['lr'\]"),
    "set by keyword": (
        lambda o: o.set(lr=0.1),
        TypeError,
        r"For 'AdamW': set: .* 'lr'; it is set\(name, value, group=None\)",
    ),
    "scale without a factor": (lambda o: o.scale("lr"), TypeError, r"it is scale\(name, factor, group=None\)"),
    "trace with another word": (lambda o: o.trace("lr", step=3), TypeError, r"it is trace\(name, steps=None, group="),
    "load with a word of modules": (
        lambda o: o.load_state_dict(o.state_dict(), strict=False),
        TypeError,
        r"'strict'; it is load_state_dict\(state_dict, keep=\(\)\)",
    ),
    "resume with another word": (lambda o: o.resume(o.state_dict(), step=0), TypeError, "it is resume.*clock=None"),
    "add by keyword": (lambda o: o.add_param_group(params=[p]), TypeError, r"it is add_param_group\(param_group\)"),
    "restore a state_dict": (
        lambda o: o.restore(o.state_dict()),
        TypeError,
        r"restore takes what snapshot\(\) gave, not dict; load_state_dict takes a state_dict",
    ),
    "add a module": (
        lambda o: o.add_param_group({"params": torch.nn.Linear(1, 1)}),
        TypeError,
        r"group 2: params must be parameters in order; give its .parameters\(\)",
    ),
    "add nothing": (lambda o: o.add_param_group({"params": None}), TypeError, "group 2: params must be parameters"),
    "step with a number": (
        lambda o: o.step(1),
        TypeError,
        "For 'AdamW': step takes a function that computes the loss anew, or nothing, not 1",
    ),
    "read an attribute": (lambda o: o.lr, AttributeError, r"'AdamW' has no attribute 'lr'; read current\(\)\['lr'\]"),
    "read as a scheduler": (lambda o: o.get_last_lr(), AttributeError, r"'get_last_lr'; read current\(\)\['lr'\]"),
    "set as elsewhere": (lambda o: o.set_lr(0.1), AttributeError, r"'set_lr'; call set\('lr', …\)"),
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
    "a captured graph": (
        {"capturable": True},
        ValueError,
        "For 'AdamW', group 1: capturable=True captures CUDA graphs",
    ),
    "a step with a history": (
        {"lr": 0.5, "differentiable": True},
        ValueError,
        "For 'AdamW', group 1: differentiable=True needs autograd through the step",
    ),
    "no hint": ({"fused": "yes"}, TypeError, "For 'AdamW', group 1: 'fused' names an implementation; give True, False"),
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


NAMED = {
    "a parameter more": (lambda ps: ps.append(torch.nn.Parameter(torch.ones(2))), "3 parameters and 2 'param_names'"),
    "a parameter less": (lambda ps: ps.pop(0), "1 parameters and 2 'param_names'"),
}


@pytest.mark.parametrize("change", NAMED)
def test_names_change_with_their_parameters(change):
    act, sentence = NAMED[change]
    net = torch.nn.Linear(2, 1)
    optimizer = ct.AdamW(net.named_parameters())
    train(optimizer, list(net.parameters()), range(2))
    act(optimizer.param_groups[0]["params"])
    for read in (optimizer.step, optimizer.state_dict):
        with pytest.raises(ValueError, match=f"For 'AdamW', group 0: it has {sentence}; change both lists alike"):
            read()


ELSEWHERE = {
    "another case": (lambda: ct.adamw, AttributeError, r"has no 'adamw' \(did you mean 'AdamW'\?\)"),
    "a scheduler of torch's": (lambda: ct.StepLR, AttributeError, "it is torch.optim.lr_scheduler.StepLR"),
    "its twin": (lambda: schedules.StepLR, AttributeError, "from_torch reads a scheduler of torch's"),
    "a schedule stepped": (lambda: Linear(1, 0, 9).step(), AttributeError, r"it is called, as in schedule\(step\)"),
    "a warm-up": (
        lambda: schedules.warmup_cosine(0.1, 10, warmup_steps=2),
        TypeError,
        r"'warmup_steps'; it is warmup_cosine\(peak, steps, warmup, end=",
    ),
    "a group of from_torch": (
        lambda: schedules.from_torch(torch.optim.lr_scheduler.StepLR(torch.optim.SGD([w()]), 1), group="0"),
        TypeError,
        "a group is meant by its number, not by '0'",
    ),
    "the base": (lambda: ct.Optimizer([p], {}), TypeError, "Optimizer is what optimizers are made of"),
    "a count that is none": (
        lambda: ct.Plateau(ct.SGD([w()]), patience="x"),
        TypeError,
        "patience must be a number, but got 'x'",
    ),
    "a state of nothing": (
        lambda: ct.Plateau(ct.SGD([w()])).load_state_dict(None),
        TypeError,
        "Plateau: the state of a scheduler is a dictionary, but this is None",
    ),
    "an argument of old": (lambda: ct.Plateau(ct.SGD([w()]), verbose=True), TypeError, r"'verbose'; it is Plateau\("),
    "an epoch that is none": (lambda: ct.Follow(ct.SGD([w()])).step("x"), TypeError, "Follow: an epoch is a whole"),
    "save, turned round": (
        lambda: calando.save(ct.SGD([w()]), "run"),
        TypeError,
        r"For 'save': path must be the name of a file or folder, but got SGD; it is save\(path, model, optimizer\)",
    ),
    "resume, turned round": (lambda: calando.resume(ct.SGD([w()]), "run"), TypeError, "For 'resume': path must be"),
    "an optimizer as a model": (lambda: calando.save("x", ct.SGD([w()])), TypeError, "SGD; give it as optimizer="),
}


@pytest.mark.parametrize("call", ELSEWHERE)
def test_what_is_called_otherwise_is_told(call):
    act, kind, sentence = ELSEWHERE[call]
    with pytest.raises(kind, match=sentence):
        act()


def test_attributes_that_may_be_there_are_asked_for_as_ever():
    optimizer = ct.SGD([w()])
    assert not hasattr(optimizer, "lr") and getattr(optimizer, "train", None) is None
    assert not hasattr(optimizer, "_opt_called") and not hasattr(Linear(1, 0, 9), "step")


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
