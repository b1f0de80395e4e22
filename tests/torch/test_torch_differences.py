"""docs/pytorch.md, "Where it differs from torch": each row is run here, in torch and in calando."""

import re
import warnings
from pathlib import Path

import pytest
import torch
from torch_pairs import saved, w

import calando.torch as ct

PAGE = (Path(__file__).parents[2] / "docs" / "pytorch.md").read_text(encoding="utf-8")
BODY = PAGE.partition("## Where it differs from torch\n")[2].partition("\n## ")[0]
ROWS = [row.strip("| ").partition(" | ")[0] for row in BODY.splitlines() if row.startswith("| ")][1:]


def stepped(optimizer, count=1):
    """Steps with gradients of ones; the first parameter of the last group."""
    for _ in range(count):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = torch.ones_like(p)
        optimizer.step()
    return optimizer.param_groups[-1]["params"][0].detach()


def conjugate(room):
    p = w(2, dtype=torch.complex64)
    p.grad = torch.full((2,), 1 + 1j).conj()
    room.Adam([p]).step()


def loaded(room, change):
    optimizer = room.Adam([w()])
    stepped(optimizer)
    state = optimizer.state_dict()
    change(state["state"][0])
    optimizer.load_state_dict(state)
    stepped(optimizer)


def written(room, key, value):
    optimizer = room.SGD([w()], lr=0.1)
    optimizer.param_groups[0][key] = value
    stepped(optimizer)


def rebuilt(room, *names):
    optimizer = room.Adam([w()])
    group = optimizer.param_groups[0]
    optimizer.param_groups[0] = {key: value for key, value in group.items() if key not in names}
    stepped(optimizer)


def kin(room):
    optimizer = room.RAdam([w()])
    stepped(optimizer)
    room.Adam([w()]).load_state_dict(optimizer.state_dict())


def square(room, sparse):
    p = w(2, dtype=torch.complex128)
    optimizer = room.Adagrad([p], lr=0.1)
    g = torch.full((2,), 1 + 2j, dtype=torch.complex128)
    p.grad = g.to_sparse() if sparse else g
    optimizer.step()
    return optimizer.state[p]["sum"][0].item()


def resumed(room, name, after):
    """How far a run that is loaded after five steps is from the one that is not."""
    ends = []
    for again in (False, True):
        p = w(dtype=torch.float64)
        optimizer = getattr(room, name)([p], lr=0.05)
        stepped(optimizer, 5)
        if again:
            state, optimizer = optimizer.state_dict(), getattr(room, name)([p], lr=0.05)
            optimizer.load_state_dict(saved(state))
        ends.append(stepped(optimizer, after))
    return bool((ends[0] - ends[1]).abs().max() == 0)


def default(room, dtype, name, key):
    torch.set_default_dtype(dtype)
    try:
        optimizer = getattr(room, name)([w(dtype=torch.float64)], lr=0.05)
        stepped(optimizer, 2)
    finally:
        torch.set_default_dtype(torch.float32)
    return next(iter(optimizer.state.values()))[key].dtype


def halved(room):
    """Whether ASGD's eta is a number of half precision."""
    torch.set_default_dtype(torch.float16)
    try:
        optimizer = room.ASGD([w(dtype=torch.float64)], lr=0.05, lambd=0.1)
        stepped(optimizer, 3)
    finally:
        torch.set_default_dtype(torch.float32)
    eta = next(iter(optimizer.state.values()))["eta"].double()
    return bool(eta == eta.half().double())


def expanded(room):
    stepped(room.SGD([torch.ones(1).expand(3).requires_grad_()], lr=0.1))


def appended(room):
    """How many parameters and names the checkpoint of a group has, one of whose parameters came later."""
    optimizer = room.SGD([("w", w())], lr=0.1)
    optimizer.param_groups[0]["params"].append(w())
    stepped(optimizer)
    group = optimizer.state_dict()["param_groups"][0]
    return len(group["params"]), len(group["param_names"])


def sparse_adam(room):
    p = w(3, 2)
    optimizer = room.SparseAdam([p], lr=0.1)
    p.grad = torch.ones(3, 2).to_sparse()
    optimizer.step()
    return type(optimizer.state[p]["step"]), type(optimizer.state_dict()["state"][0]["step"])


NESTEROV = {"lr": 0.1, "momentum": 0.5, "nesterov": True}
p = w()
CASES = [  # the row begins so; what is done; what comes of it in torch, and here: a value, or the end of an error
    ("`foreach`, `fused`", lambda room: stepped(room.SGD([w()], lr=0.5, foreach=True)).tolist(), [0.5] * 3, [0.5] * 3),
    ("`capturable=True`", lambda room: room.SGD([w()], lr=0.5, differentiable=True).defaults["lr"], 0.5, ValueError),
    ("a parameter given twice", lambda room: stepped(room.SGD([p, p], lr=0.25)).numel(), 3, ValueError),
    (
        "an unknown key",
        lambda room: room.SGD([{"params": [w()], "lr_mult": 2}], lr=0.1).param_groups[0]["lr_mult"],
        2,
        2,
    ),
    ("an unknown key", lambda room: room.SGD([{"params": [w()], "weigth_decay": 2}], lr=0.1) and 1, 1, KeyError),
    ("`optimizer.lr = 0.1`", lambda room: setattr(room.SGD([w()], lr=0.1), "lr", 1.0), None, AttributeError),
    ("a parameter appended", appended, (2, 1), ValueError),
    ("a group of another", lambda room: room.SGD(room.Adam([w()]).param_groups).param_groups[0]["eps"], 1e-8, 1e-8),
    ("a group of another", lambda room: room.SGD([{"params": [w()], "eps": 1}], lr=0.1) and 1, 1, KeyError),
    (
        "`SGD(…, nesterov=True)`",
        lambda room: stepped(room.SGD([{"params": [w()], "momentum": 0}], **NESTEROV), 2).tolist(),
        [pytest.approx(0.8)] * 3,
        [pytest.approx(0.8)] * 3,
    ),
    ("`SGD(…, nesterov=True)`", lambda room: room.SGD([w()], dampening=0.1, **NESTEROV), ValueError, ValueError),
    ("an option named too late", lambda room: written(room, "clip_value", 1.0), None, KeyError),
    (
        "a group has its",
        lambda room: {"step", "max_norm"} <= room.SGD([w()], lr=0.1).param_groups[0].keys(),
        False,
        True,
    ),
    ("gradients conjugated", conjugate, RuntimeError, None),
    ("a checkpoint of another", kin, None, ValueError),
    ("a state that is missing", lambda room: loaded(room, lambda face: face.pop("exp_avg")), KeyError, ValueError),
    ("`_init_group` of each", lambda room: hasattr(room.Adam, "_init_group"), True, False),
    ("parameters of lazy", lambda room: room.SGD(torch.nn.LazyLinear(2).parameters(), lr=0.1) and 1, 1, ValueError),
    (
        "Adagrad reads",
        lambda room: stepped(room.Adagrad([{"params": [w()], "initial_accumulator_value": 3.0}], lr=1.0))[0].item(),
        0.0,
        0.5,
    ),
    ("SparseAdam refuses", lambda room: room.SparseAdam([w()], lr=0.0) and 1, ValueError, 1),
    ("SparseAdam refuses", sparse_adam, (int, int), (torch.Tensor, int)),
    ("a group that was rebuilt", lambda room: rebuilt(room, "betas"), KeyError, KeyError),
    ("a group that was rebuilt", lambda room: rebuilt(room, "step", "max_norm"), None, None),
    ("Adagrad squares", lambda room: square(room, True), -3 + 4j, 1 + 4j),
    ("Adagrad squares", lambda room: square(room, False), 1 + 4j, 1 + 4j),
    ("a parameter made by `expand()`", expanded, RuntimeError, ValueError),
    (
        "`load_state_dict` leaves",
        lambda room: loaded(room, lambda face: face.update(exp_avg=torch.ones(4))),
        RuntimeError,
        ValueError,
    ),
    ("NAdam of float64", lambda room: resumed(room, "NAdam", 10), False, True),
    *(
        ("with `set_default_dtype(float64)`", lambda room, n=n, k=k: default(room, torch.float64, n, k), *kinds)
        for n, k in (("NAdam", "mu_product"), ("ASGD", "eta"), ("ASGD", "mu"))
        for kinds in [(torch.float64, torch.float32)]
    ),
    ("with a default of half precision", halved, True, False),
]
ELSEWHERE = ["a learning rate in a tensor"]  # in test_torch_boxes


def outcome(act, room):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return act(room)
        except Exception as problem:
            return problem


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"[^a-zA-Z ]", "", case[0]))
def test_a_row_says_what_happens(case):
    _, act, *expected = case
    for room, wanted in zip((torch.optim, ct), expected, strict=True):
        found = outcome(act, room)
        if isinstance(wanted, type) and issubclass(wanted, Exception):
            assert isinstance(found, wanted), (room, found)
        else:
            assert not isinstance(found, Exception) and found == wanted, (room, found)


def test_every_row_is_run():
    told = [*(case[0] for case in CASES), *ELSEWHERE]
    assert [row for row in ROWS if not any(row.startswith(start) for start in told)] == []
    assert [start for start in told if not any(row.startswith(start) for row in ROWS)] == []
