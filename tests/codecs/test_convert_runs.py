"""Runs that change frameworks twice: k steps in torch.optim, l in real mindspore.nn, m in calando; the path of either.

A row for every optimizer that both have, with hyperparameters under which their mathematics is the same. What has no
row has no equal on the other side; ``ALONE`` says how that is known, and a test that nobody was forgotten.

How the rows come to the same mathematics where the defaults do not:

- Adam, SparseAdam: MindSpore adds eps before the bias correction; 1e-8 does not matter here.
- AdamW: mindspore.nn.AdamWeightDecay corrects no bias. Either the correction stands in its learning rates, a list
  (without decay, which the rate would scale too); or torch's has vanished before the change (with decay).
- RMSprop: MindSpore starts its mean square at 1, torch at 0; the run in one place starts from torch's.
- Adagrad: MindSpore adds 1e-8 under the root; sums start at 0.1 in both.
- Adafactor: without decay, momentum and relative step; lr is below 1/√t.
- SparseAdam: gradients have all rows, so that LazyAdam, which takes them dense, has the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Row:
    """One optimizer in both frameworks.

    Args:
        name, options: of torch.optim.
        other, more: of mindspore.nn.
        before: how many steps are made in torch.
        rates: the rate of each step in mindspore.nn, where it is not torch's lr.
        alone: whether one run of mindspore.nn is equal too.
        start: whether that starts from torch's slots.
    """

    name: str
    options: dict
    other: str
    more: dict = field(default_factory=dict)
    before: int = K
    rates: Callable | None = None
    alone: bool = True
    start: bool = False

    def __str__(self):
        return "-".join([self.name, self.other, *self.options, *("rates" for _ in [self.rates] if self.rates)])


def corrected(step):
    """AdamW's bias corrections for betas 0.8 and 0.95, times lr = 0.01."""
    age = step + 1
    return 0.01 * (1 - 0.95**age) ** 0.5 / (1 - 0.8**age)


ROWS = [
    Row("SGD", {"lr": 0.05}, "SGD"),
    Row("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}, "SGD", {"momentum": 0.9, "dampening": 0.3}),
    Row("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}, "SGD", {"momentum": 0.9, "nesterov": True}),
    Row("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}, "Momentum", {"momentum": 0.9}),
    Row("Adam", {"lr": 0.01}, "Adam"),
    Row("Adam", {"lr": 0.01, "weight_decay": 0.1, **BETAS[0]}, "Adam", BETAS[1]),
    Row("Adam", {"lr": 0.01, "amsgrad": True}, "Adam", {"use_amsgrad": True}),
    Row("Adam", {"lr": 0.01}, "LazyAdam"),
    Row("Adam", {"lr": 0.01, "weight_decay": 0.1}, "AdamOffload"),
    Row("SparseAdam", {"lr": 0.01, **BETAS[0]}, "LazyAdam", BETAS[1]),
    Row("AdamW", {"lr": 0.01, "weight_decay": 0.0, "eps": 1e-12, **BETAS[0]}, "AdamWeightDecay",
        {"eps": 1e-12, **BETAS[1]}, rates=corrected),
    Row("AdamW", {"lr": 0.01, "weight_decay": 0.1, "eps": 1e-7, "betas": (0.3, 0.4)}, "AdamWeightDecay",
        {"eps": 1e-7, "beta1": 0.3, "beta2": 0.4}, before=20, alone=False),
    Row("Adamax", {"lr": 0.01, **BETAS[0]}, "AdaMax", BETAS[1]),
    Row("Adadelta", {"lr": 1.0, "rho": 0.8}, "Adadelta", {"rho": 0.8}),
    Row("Adafactor", {"lr": 0.01}, "AdaFactor", {"relative_step": False, "beta1": 0.0}),
    Row("Adafactor", {"lr": 0.02, "beta2_decay": -0.6, "d": 1.5}, "AdaFactor",
        {"relative_step": False, "beta1": 0.0, "decay_rate": 0.6, "clip_threshold": 1.5}),
    Row("Adagrad", {"lr": 0.05, "initial_accumulator_value": 0.1}, "Adagrad", {"accum": 0.1}),
    Row("RMSprop", {"lr": 0.01, "alpha": 0.9, "momentum": 0.5, "eps": 1e-10}, "RMSProp",
        {"decay": 0.9, "momentum": 0.5}, start=True),
    Row("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-10, "centered": True}, "RMSProp",
        {"decay": 0.9, "centered": True}, start=True),
    Row("Rprop", {"lr": 0.02, "etas": (0.6, 1.1)}, "Rprop", {"etas": (0.6, 1.1)}),
    Row("ASGD", {"lr": 0.05, "t0": 2.0, "lambd": 0.01}, "ASGD", {"t0": 2.0, "lambd": 0.01}),
]  # fmt: skip
ALONE = {  # optimizers of one side that the other does not have
    "torch": {
        "NAdam": "nn.Adam(use_nesterov=True) is another formula: measured below",
        "RAdam": "mindspore.nn has no rectified Adam",
        "LBFGS": "mindspore.nn has no closures",
        "Muon": "mindspore.nn orthogonalizes nothing",
    },
    "mindspore": {
        "FTRL": "torch.optim has no follow-the-regularized-leader",
        "Lamb": "torch.optim has no trust ratio",
        "LARS": "torch.optim has no trust ratio",
        "ProximalAdagrad": "torch.optim has no proximal steps",
        "OptTFTWrapper": "a wrapper",
    },
}


def drawn(seed, count=None):
    rng = np.random.default_rng(seed)
    make = lambda: {n: rng.standard_normal(shape).astype(np.float32) for n, (_, shape) in NAMES.items()}  # noqa: E731
    return make() if count is None else [make() for _ in range(count)]


START, PUSHES = drawn(0), drawn(1, 20 + L + M)


def torch_steps(params, optimizer, pushes):
    sparse = type(optimizer).__name__ == "SparseAdam"
    for push in pushes:
        for name, p in params.items():
            grad = torch.from_numpy(push[name].copy())
            p.grad = grad.to_sparse(1) if sparse else grad
        optimizer.step()


def mindspore_steps(mindspore, optimizer, pushes):
    for push in pushes:
        optimizer(tuple(mindspore.Tensor(push[name]) for name in NAMES))


def mindspore_run(mindspore, row, values):
    params = [mindspore.Parameter(mindspore.Tensor(values[n].copy()), name=ms) for n, (ms, _) in NAMES.items()]
    decay = row.options.get("weight_decay", 0.0)
    rate = [row.rates(step) for step in range(row.before + L + M)] if row.rates else row.options["lr"]
    groups = [{"params": params, "weight_decay": decay}] if decay else params
    return params, getattr(mindspore.nn, row.other)(groups, learning_rate=rate, **row.more)


def torch_run(room, row, values):
    params = {n: torch.nn.Parameter(torch.from_numpy(values[n].copy())) for n in NAMES}
    return params, getattr(room, row.name)(list(params.values()), **row.options)


def converted(row, params, optimizer, path, step):
    """A run of torch.optim as a file of MindSpore."""
    statistics = {n: torch.full(shape, 2.0) for n, shape in STATISTICS.items()}
    network = {n: p.detach() for n, p in params.items()} | statistics
    torch.save({"model": network, "optimizer": optimizer.state_dict()}, path / "a.pt")
    convert(path / "a.pt", path / "a.ckpt", optimizer=row.other, values={"step": step} if row.name == "SGD" else None)
    return path / "a.ckpt"


def loaded(mindspore, row, optimizer, file):
    """A file of ours in real MindSpore."""
    choose = (lambda name: name != "learning_rate") if row.rates else None
    missing, unused = mindspore.load_param_into_net(optimizer, mindspore.load_checkpoint(str(file), choice_func=choose))
    assert set(missing) <= {"learning_rate"} if row.rates else set(missing) <= {"Parameter$1"}  # AdaFactor's void
    assert sorted(unused) == ["bn.moving_mean", "bn.moving_variance"]


def close(ours, theirs):
    for name in NAMES:
        a, b = np.asarray(ours[name]), np.asarray(theirs[name])
        assert np.abs(a - b).max() <= CLOSE * np.abs(b).max(), name


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_run_in_three_places_is_a_run_in_one(mindspore, tmp_path, row):
    pushes, k = PUSHES[: row.before + L + M], row.before
    params, optimizer = torch_run(torch.optim, row, START)
    torch_steps(params, optimizer, pushes[:k])
    file = converted(row, params, optimizer, tmp_path, k)

    zeros = {n: np.zeros_like(x) for n, x in START.items()}
    _, there = mindspore_run(mindspore, row, zeros)
    loaded(mindspore, row, there, file)
    mindspore_steps(mindspore, there, pushes[k : k + L])
    mindspore.save_checkpoint(there, str(tmp_path / "b.ckpt"))

    known = numbers(row.options)  # MindSpore's file has lr, momentum and the powers of the betas only
    told = convert(tmp_path / "b.ckpt", tmp_path / "b.pt", values=known, optimizer=asked(row))
    assert told.lost == []
    whole = torch.load(tmp_path / "b.pt", weights_only=True)
    params, optimizer = torch_run(calando.torch, row, {n: whole["model"][n].numpy() for n in NAMES})
    optimizer.load_state_dict(with_choices(whole["optimizer"], row.options))
    torch_steps(params, optimizer, pushes[k + L :])
    ended = {n: p.detach().numpy() for n, p in params.items()}

    params, optimizer = torch_run(torch.optim, row, START)
    torch_steps(params, optimizer, pushes)
    close(ended, {n: p.detach().numpy() for n, p in params.items()})
    if row.alone:
        theirs, there = mindspore_run(mindspore, row, START)
        if row.start:
            params, optimizer = torch_run(torch.optim, row, START)
            loaded(mindspore, row, there, converted(row, params, optimizer, tmp_path, 0))
        mindspore_steps(mindspore, there, pushes)
        close(ended, {n: p.asnumpy() for n, p in zip(NAMES, theirs, strict=True)})


def asked(row):
    """What the file of MindSpore does not say by itself."""
    return "SparseAdam" if row.name == "SparseAdam" else None


def classes(room, base):
    return {name for name, x in vars(room).items() if isinstance(x, type) and issubclass(x, base) and x is not base}


def test_every_optimizer_that_both_have_has_a_row(mindspore):
    theirs = classes(torch.optim, torch.optim.Optimizer), classes(mindspore.nn, mindspore.nn.Optimizer)
    assert theirs[0] == {row.name for row in ROWS} | ALONE["torch"].keys()
    assert theirs[1] == {row.other for row in ROWS} | ALONE["mindspore"].keys()


def test_nadam_is_not_adam_with_nesterov(mindspore):
    """The two formulas that come closest among those without a row are far apart."""
    row = Row("NAdam", {"lr": 0.01, "momentum_decay": 0.0}, "Adam", {"use_nesterov": True})
    params, optimizer = torch_run(torch.optim, row, START)
    torch_steps(params, optimizer, PUSHES[:3])
    theirs, there = mindspore_run(mindspore, row, START)
    mindspore_steps(mindspore, there, PUSHES[:3])
    moved = [np.abs(p.detach().numpy() - START[n]).max() for n, p in params.items()]
    apart = [np.abs(p.detach().numpy() - q.asnumpy()).max() for p, q in zip(params.values(), theirs, strict=True)]
    assert max(a / b for a, b in zip(apart, moved, strict=True)) > 0.01


def numbers(options):
    """torch's options that are hyperparameters, by our names."""
    words = {"betas": ("beta1", "beta2"), "etas": ("eta_minus", "eta_plus"), "alpha": "rho"}
    found = {}
    for key, value in options.items():
        if isinstance(value, bool) or key == "initial_accumulator_value":
            continue
        if key == "beta2_decay":  # MindSpore's decay_rate
            found["decay_rate"] = -value
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
