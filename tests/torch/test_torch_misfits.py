"""Checkpoints and snapshots that do not fit: one sentence each, and nothing is loaded."""

import copy
import json

import pytest
import torch
from torch_pairs import (
    everything,
    params,
    train,
)

import calando.torch as ct


def other_shape():
    return ct.Adam(params([(), (7,), (3, 4, 3), (300,)]), lr=0.1)


def hint(name, value):
    """Put something among a group's hints."""
    return lambda stored: stored["param_groups"][0].update({name: value})


MISFITS = [  # who loads, what is changed in a stored Adam of four parameters, the sentence
    (
        "fewer groups",
        lambda: ct.Adam([{"params": x} for x in params()]),
        None,
        "Adam: the checkpoint has 1 parameter groups?, the optimizer 4",
    ),
    (
        "fewer parameters",
        lambda: ct.Adam(params()[:3]),
        None,
        "Adam: group 0 of the checkpoint has 4 parameters, the optimizer 3",
    ),
    (
        "shape",
        other_shape,
        None,
        r"Adam: parameter 2 of group 0 is \(3, 4, 3\) in the model and \(3, 4, 2\) in the checkpoint \('exp_avg'\)",
    ),
    (
        "SGD",
        lambda: ct.SGD(params(), momentum=0.9),
        None,
        "SGD: group 0 of the checkpoint was written by Adam; build that optimizer, or start this one afresh",
    ),
    (
        "SGD, before a step",
        lambda: ct.SGD(params(), momentum=0.9),
        "young",
        "SGD: group 0 of the checkpoint was written by Adam;",
    ),
    (
        "torch's, into SGD, before a step",
        lambda: ct.SGD(params(), momentum=0.9),
        "young torch",
        "SGD: group 0 of the checkpoint was written by Adam or AdamW;",
    ),
    *(
        (
            f"{name} is {value!r}",
            lambda: ct.Adam(params()),
            hint(name, value),
            f"Adam: group 0 of the checkpoint: {name!r} names an implementation; give True, False or None, not ",
        )
        for name in ("foreach", "fused", "capturable", "differentiable")
        for value in (torch.ones(2), "yes", [True, False])
    ),
    (
        "a newer version",
        lambda: ct.Adam(params()),
        lambda s: s["calando"].update(version=2),
        "version 2.*newer",
    ),
    (
        "no groups",
        lambda: ct.Adam(params()),
        lambda s: s.pop("param_groups"),
        "param_groups.*missing|lacks 'param_groups'",
    ),
    ("no state", lambda: ct.Adam(params()), lambda s: s.pop("state"), "state.*missing|lacks 'state'"),
    (
        "timelines missing",
        lambda: ct.Adam(params()),
        lambda s: s["calando"].update(timelines=()),
        "Adam.*(timelines|schedules)",
    ),
    (
        "a negative rate",
        lambda: ct.Adam(params()),
        lambda s: (s.pop("calando"), s["param_groups"][0].update(lr=-1.0)),
        r"For 'Adam', group 0: 'lr' must lie in \[0, inf\), but got -1.0",
    ),
    (
        "a negative rate in our own",
        lambda: ct.Adam(params()),
        lambda s: s["calando"]["timelines"][0].update(lr=[[0, -1.0, "built"]]),
        r"For 'Adam', group 0: 'lr' must lie in \[0, inf\), but got -1.0",
    ),
    (
        "a slot that is no tensor",
        lambda: ct.Adam(params()),
        lambda s: s["state"][0].update(exp_avg="x"),
        "parameter 0 of group 0.*'exp_avg'",
    ),
    (
        "complex moments of a real parameter",
        lambda: ct.Adam(params()),
        lambda s: s["state"][1].update(exp_avg=s["state"][1]["exp_avg"].to(torch.complex64)),
        r"Adam: parameter 1 of group 0 is real in the model and complex in the checkpoint \('exp_avg'\)",
    ),
    (
        "a schedule of structure",
        lambda: ct.Adam(params()),
        lambda s: s["param_groups"][0].update(amsgrad=[True, False]),
        "Adam: group 0 of the checkpoint: 'amsgrad' chooses a rule",
    ),
    (
        "a wrong step",
        lambda: ct.Adam(params()),
        lambda s: s["state"][0].update(step="x"),
        "parameter 0 of group 0.*step",
    ),
]


@pytest.mark.parametrize("make, change, sentence", [pytest.param(*row[1:], id=row[0]) for row in MISFITS])
def test_misfits_are_refused_in_one_sentence_and_change_nothing(make, change, sentence):
    p = params()
    source = (torch.optim if change == "young torch" else ct).Adam(p, lr=0.1)
    if change not in ("young", "young torch"):
        train(source, p, range(2))
    state = copy.deepcopy(source.state_dict())
    if callable(change):
        change(state)
    target = make()
    mine = [x for group in target.param_groups for x in group["params"]]
    train(target, mine, range(2))
    before, told = everything(target), json.dumps(str(state))
    with pytest.raises((ValueError, KeyError, TypeError), match=sentence):
        target.load_state_dict(state)
    assert everything(target) == before
    assert json.dumps(str(state)) == told
    train(target, mine, range(2))


SNAPSHOT_MISFITS = [
    (
        "groups",
        lambda: ct.Adam([{"params": x} for x in params()]),
        "Adam: 1 groups? in the snapshot, 4 in the optimizer",
    ),
    ("parameters", lambda: ct.Adam(params()[:3]), "Adam, group 0 has 3 parameters, the snapshot 4"),
    ("shape", other_shape, r"Adam, group 0: '2' is \(3, 4, 3\) here and \(3, 4, 2\) in the snapshot"),
    (
        "rule",
        lambda: ct.SGD(params(), momentum=0.9),
        "SGD, group 0 follows sgd_momentum, the snapshot adam; build the same optimizer",
    ),
    ("plain rule", lambda: ct.SGD(params()), "SGD, group 0.*sgd.*adam|no hyperparameter here"),
    (
        "amsgrad",
        lambda: ct.Adam(params(), amsgrad=True),
        "Adam, group 0 follows amsgrad, the snapshot adam; build the same optimizer",
    ),
]


@pytest.mark.parametrize("make, sentence", [pytest.param(*row[1:], id=row[0]) for row in SNAPSHOT_MISFITS])
def test_snapshot_misfits(make, sentence):
    p = params()
    source = ct.Adam(p, lr=0.1)
    train(source, p, range(2))
    snapshot = source.snapshot()
    target = make()
    train(target, [x for group in target.param_groups for x in group["params"]], range(2))
    before = everything(target)
    with pytest.raises(ValueError, match=sentence):
        target.restore(snapshot)
    assert everything(target) == before
