"""Runs that change frameworks twice: k steps in torch.optim, l in real mindspore.nn, m in calando; the path of either.

Not among them, because the mathematics differs (``calando convert`` says so, see ``test_convert_told``):

- AdamW: mindspore.nn.AdamWeightDecay corrects no bias.
- RMSprop, as one run of mindspore.nn: it starts its mean square at 1, torch at 0. Beside torch's it is here.
- Adagrad with small sums: MindSpore adds 1e-8 under the root. From 0.1 on, as MindSpore starts, it is here.
- NAdam, RAdam, Adafactor, LBFGS: mindspore.nn has none, or another formula; Lamb, LARS, FTRL and ProximalAdagrad:
  torch.optim has none.
"""

import numpy as np
import pytest
import torch

import calando.torch
from calando.codecs.convert import convert

K, L, M = 3, 4, 5
CLOSE = 1e-5  # of the largest; float32
NAMES = {  # torch's name → (MindSpore's, shape)
    "conv.weight": ("conv.weight", (4, 3, 3, 3)),
    "bn.weight": ("bn.gamma", (4,)),
    "bn.bias": ("bn.beta", (4,)),
    "embed.weight": ("embed.embedding_table", (7, 5)),
    "fc.weight": ("fc.weight", (6, 20)),
    "fc.bias": ("fc.bias", (6,)),
}
STATISTICS = {"bn.running_mean": (4,), "bn.running_var": (4,)}
BETAS = {"betas": (0.8, 0.95)}, {"beta1": 0.8, "beta2": 0.95}
ROWS = [  # torch's class, its options; MindSpore's class, its options; whether one run of mindspore.nn is equal too
    ("SGD", {"lr": 0.05}, "SGD", {}, True),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}, "SGD", {"momentum": 0.9, "dampening": 0.3}, True),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}, "SGD", {"momentum": 0.9, "nesterov": True}, True),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}, "Momentum", {"momentum": 0.9}, True),
    ("Adam", {"lr": 0.01}, "Adam", {}, True),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, **BETAS[0]}, "Adam", BETAS[1], True),
    ("Adam", {"lr": 0.01, "amsgrad": True}, "Adam", {"use_amsgrad": True}, True),
    ("Adam", {"lr": 0.01}, "LazyAdam", {}, True),
    ("Adamax", {"lr": 0.01, **BETAS[0]}, "AdaMax", BETAS[1], True),
    ("Adadelta", {"lr": 1.0, "rho": 0.8}, "Adadelta", {"rho": 0.8}, True),
    ("Adagrad", {"lr": 0.05, "initial_accumulator_value": 0.1}, "Adagrad", {"accum": 0.1}, True),
    (
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "momentum": 0.5, "eps": 1e-10},
        "RMSProp",
        {"decay": 0.9, "momentum": 0.5},
        False,
    ),
    (
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-10, "centered": True},
        "RMSProp",
        {"decay": 0.9, "centered": True},
        False,
    ),
    ("Rprop", {"lr": 0.02, "etas": (0.6, 1.1)}, "Rprop", {"etas": (0.6, 1.1)}, True),
    ("ASGD", {"lr": 0.05, "t0": 2.0, "lambd": 0.01}, "ASGD", {"t0": 2.0, "lambd": 0.01}, True),
]


def drawn(seed, count=None):
    rng = np.random.default_rng(seed)
    make = lambda: {n: rng.standard_normal(shape).astype(np.float32) for n, (_, shape) in NAMES.items()}  # noqa: E731
    return make() if count is None else [make() for _ in range(count)]


START, PUSHES = drawn(0), drawn(1, K + L + M)


def torch_steps(params, optimizer, pushes):
    for push in pushes:
        for name, p in params.items():
            p.grad = torch.from_numpy(push[name].copy())
        optimizer.step()


def mindspore_steps(mindspore, optimizer, pushes):
    for push in pushes:
        optimizer(tuple(mindspore.Tensor(push[name]) for name in NAMES))


def mindspore_run(mindspore, name, options, decay, values):
    params = [mindspore.Parameter(mindspore.Tensor(values[n].copy()), name=ms) for n, (ms, _) in NAMES.items()]
    groups = [{"params": params, "weight_decay": decay}] if decay else params
    return params, getattr(mindspore.nn, name)(groups, **options)


def torch_run(room, name, options, values):
    params = {n: torch.nn.Parameter(torch.from_numpy(values[n].copy())) for n in NAMES}
    return params, getattr(room, name)(list(params.values()), **options)


def close(ours, theirs):
    for name in NAMES:
        a, b = np.asarray(ours[name]), np.asarray(theirs[name])
        assert np.abs(a - b).max() <= CLOSE * np.abs(b).max(), name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[2]}-{'-'.join(row[1])}")
def test_a_run_in_three_places_is_a_run_in_one(mindspore, tmp_path, row):
    name, options, other, more, both = row
    decay, more = options.get("weight_decay", 0.0), {"learning_rate": options["lr"], **more}

    params, optimizer = torch_run(torch.optim, name, options, START)
    torch_steps(params, optimizer, PUSHES[:K])
    statistics = {n: torch.full(shape, 2.0) for n, shape in STATISTICS.items()}
    network = {n: p.detach() for n, p in params.items()} | statistics
    torch.save({"model": network, "optimizer": optimizer.state_dict()}, tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "a.ckpt", optimizer=other, values={"step": K} if name == "SGD" else None)

    zeros = {n: np.zeros_like(x) for n, x in START.items()}
    theirs, there = mindspore_run(mindspore, other, more, decay, zeros)
    missing, unused = mindspore.load_param_into_net(there, mindspore.load_checkpoint(str(tmp_path / "a.ckpt")))
    assert missing == [] and sorted(unused) == ["bn.moving_mean", "bn.moving_variance"]
    mindspore_steps(mindspore, there, PUSHES[K : K + L])
    mindspore.save_checkpoint(there, str(tmp_path / "b.ckpt"))

    known = numbers(options)  # MindSpore's file has lr, momentum and the powers of the betas only
    told = convert(tmp_path / "b.ckpt", tmp_path / "b.pt", values=known)
    assert told.lost == []
    whole = torch.load(tmp_path / "b.pt", weights_only=True)
    params, optimizer = torch_run(calando.torch, name, options, {n: whole["model"][n].numpy() for n in NAMES})
    optimizer.load_state_dict(with_choices(whole["optimizer"], options))
    torch_steps(params, optimizer, PUSHES[K + L :])
    ended = {n: p.detach().numpy() for n, p in params.items()}

    params, optimizer = torch_run(torch.optim, name, options, START)
    torch_steps(params, optimizer, PUSHES)
    close(ended, {n: p.detach().numpy() for n, p in params.items()})
    if both:
        theirs, there = mindspore_run(mindspore, other, more, decay, START)
        mindspore_steps(mindspore, there, PUSHES)
        close(ended, {n: p.asnumpy() for n, p in zip(NAMES, theirs, strict=True)})


def numbers(options):
    """torch's options that are hyperparameters, by our names."""
    words = {"betas": ("beta1", "beta2"), "etas": ("eta_minus", "eta_plus"), "alpha": "rho"}
    found = {}
    for key, value in options.items():
        if isinstance(value, bool) or key == "initial_accumulator_value":
            continue
        ours = words.get(key, key) if not (key == "alpha" and "t0" in options) else key
        pairs = zip(ours, value, strict=True) if isinstance(ours, tuple) else [(ours, value)]
        found.update({our: float(x) for our, x in pairs})
    return found


def with_choices(state, options):
    """The choices that MindSpore's file does not hold."""
    for group in state["param_groups"]:
        group.update({key: value for key, value in options.items() if isinstance(value, bool)})
    return state
