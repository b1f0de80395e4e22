"""The rest of torch.optim's family: the same path, the same state, both ways, and exact resume."""

import copy
import io

import pytest
import torch

import calando.torch as ct
from calando.schedules import Cosine, Linear

STEPS = 12
ROWS = [
    ("Adafactor", {"d": 1.5, "eps": (1e-3, 0.1)}),
    ("Adafactor", {"weight_decay": 0.1, "beta2_decay": -0.5, "maximize": True}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adadelta", {"rho": 0.5, "eps": 1e-3, "maximize": True}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1}),
    ("Adagrad", {"weight_decay": 0.1}),
    ("Adamax", {"betas": (0.8, 0.9), "weight_decay": 0.1}),
    ("Adamax", {"maximize": True}),
    ("ASGD", {"lambd": 0.01, "t0": 5, "alpha": 0.5}),
    ("ASGD", {"weight_decay": 0.1}),
    ("NAdam", {"momentum_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"betas": (0.9, 0.95)}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"centered": True, "weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "alpha": 0.9}),
    ("Rprop", {"etas": (0.4, 1.3)}),
    ("Rprop", {"step_sizes": (1e-3, 0.1), "maximize": True}),
]
rows = pytest.mark.parametrize("name, options", ROWS, ids=lambda row: str(row))


def made(library, name, params, **options):
    first, second = params
    return getattr(library, name)([{"params": [first]}, {"params": [second], "lr": 0.05}], **{"lr": 0.02, **options})


def params():
    torch.manual_seed(1)
    return [torch.nn.Parameter(torch.randn(7, 5, dtype=torch.float64)), torch.nn.Parameter(torch.randn(3).double())]


def grads(step, own):
    torch.manual_seed(100 + step)
    for p in own:
        p.grad = torch.randn_like(p)
    if step == 3:
        own[1].grad = None  # sits one step out, and does not age


def path(library, name, options, other=None, moved=lambda old, new: new.load_state_dict(stored(old))):
    """Twelve steps; at the eighth, the run may go on in another optimizer."""
    own = params()
    optimizer = made(library, name, own, **options)
    for step in range(STEPS):
        grads(step, own)
        if step == 6 and "lr" not in options:
            optimizer.param_groups[0]["lr"] = 0.03
        if step == 8 and other is not None:
            new = made(other, name, own, **options)
            moved(optimizer, new)
            optimizer = new
        optimizer.step()
    return own, optimizer


def stored(optimizer):
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def same(ours, theirs, rtol=1e-12):
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p.detach(), q.detach(), rtol=rtol, atol=1e-14)


@rows
def test_same_path_and_same_state(name, options):
    ours, mine = path(ct, name, options)
    theirs, torchs = path(torch.optim, name, options)
    same(ours, theirs)
    for p, q in zip(ours, theirs, strict=True):
        assert mine.state[p].keys() == torchs.state[q].keys()
        for key, value in torchs.state[q].items():
            torch.testing.assert_close(mine.state[p][key], value, rtol=1e-12, atol=1e-14)
    assert mine.param_groups[0].keys() - torchs.param_groups[0].keys() == {"step", "max_norm"}
    assert torchs.param_groups[0].keys() <= mine.param_groups[0].keys()


@rows
@pytest.mark.parametrize("there", [(ct, ct), (ct, torch.optim), (torch.optim, ct)], ids=["ours", "to torch", "back"])
def test_a_run_may_change_sides(name, options, there):
    left, right = there
    # torch casts what NAdam remembers to the parameter's float64 when it loads, and goes on in that
    same(path(left, name, options, right)[0], path(torch.optim, name, options)[0], 1e-10 if name == "NAdam" else 1e-12)


@rows
@pytest.mark.parametrize("way", ["state_dict", "snapshot", "deepcopy"])
def test_resume_is_exact_with_schedules(name, options, way):
    options = {**options, "lr": Linear(0.01, 0.05, steps=4).then(Cosine(0.05, 0.0, steps=20))}

    def moved(old, new):
        if way == "state_dict":
            new.load_state_dict(stored(old))
        else:
            new.restore((copy.deepcopy(old) if way == "deepcopy" else old).snapshot())

    whole, _ = path(ct, name, options)
    parts, _ = path(ct, name, options, ct, moved)
    for p, q in zip(whole, parts, strict=True):
        assert torch.equal(p, q)


@rows
def test_refuses_what_has_no_meaning(name, options):
    optimizer = made(ct, name, params(), **options)
    words = {"lr", "eps", "weight_decay", "rho", "alpha", "lambd", "momentum_decay", "t0"} & optimizer.spelling.keys()
    assert words >= {"lr"}
    for word in sorted(words):
        wrong = (None, float("nan")) if isinstance(optimizer.spelling[word], tuple) else float("nan")
        with pytest.raises(ValueError, match=f"For '{name}', group 0: '(rho|{word}2?)' must "):
            optimizer.set(word, wrong)


def test_negative_accumulator():
    with pytest.raises(ValueError, match="For 'Adagrad': 'initial_accumulator_value' must lie in"):
        ct.Adagrad(params(), initial_accumulator_value=-1)


@pytest.mark.parametrize("name", ["Adagrad", "FTRL", "ProximalAdagrad"])
def test_a_group_may_begin_with_a_sum_of_its_own(name):
    """torch reads the constructor's, whatever a group says."""
    params = [torch.nn.Parameter(torch.zeros(2)) for _ in range(3)]
    groups = [{"params": [params[0]]}, {"params": [params[1]], "initial_accumulator_value": 4.0}]
    optimizer = getattr(ct, name)(groups, lr=0.1, initial_accumulator_value=1.0)
    optimizer.add_param_group({"params": [params[2]], "initial_accumulator_value": 9.0})
    for p in params:
        p.grad = torch.full((2,), 3.0)
    optimizer.step()
    assert [optimizer.state[p]["sum"].tolist() for p in params] == [[start + 9.0] * 2 for start in (1.0, 4.0, 9.0)]
