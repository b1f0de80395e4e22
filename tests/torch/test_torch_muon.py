"""Muon: torch's path to the last bits, both manners, and its state both ways."""

import pytest
import torch

import calando.torch as ct
from calando.schedules import Linear

SHAPES = [(4, 3), (8, 20), (64, 64), (1, 5)]
OPTIONS = [
    {},
    {"nesterov": False, "weight_decay": 0.0},
    {"adjust_lr_fn": "match_rms_adamw", "momentum": 0.3, "ns_steps": 3},
    {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"},
    {"ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 8, "eps": 1e-3},
]
options = pytest.mark.parametrize("options", OPTIONS, ids=str)


def matrices(dtype):
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in SHAPES]


def path(optimizer, params, steps):
    for step in steps:
        torch.manual_seed(step)
        for p in params:
            p.grad = torch.randn_like(p)
        optimizer.step()


@options
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_torchs_path_and_state_both_ways(options, dtype):
    ours, theirs = matrices(dtype), matrices(dtype)
    a, b = ct.Muon(ours, lr=0.02, **options), torch.optim.Muon(theirs, lr=0.02, **options)
    path(a, ours, range(8)), path(b, theirs, range(8))
    crossed = torch.optim.Muon(ours, lr=0.02, **options)
    crossed.load_state_dict(a.state_dict())
    path(crossed, ours, range(8, 12))
    back = ct.Muon(ours, lr=0.02, **options)
    back.load_state_dict(crossed.state_dict())
    path(back, ours, range(12, 16)), path(b, theirs, range(8, 16))
    for p, q in zip(ours, theirs, strict=True):
        # the matrices are multiplied by the same calls; only p - lr o is rounded once more
        torch.testing.assert_close(p, q, rtol=0, atol=2e-7 if dtype == torch.float32 else 1e-15)


def test_values_in_force_are_those_that_torch_shows():
    own = matrices(torch.float32)
    optimizer = ct.Muon(own, lr=Linear(0.1, 0.0, 10))
    assert optimizer.param_groups[0]["ns_steps"] == 5 and isinstance(optimizer.param_groups[0]["ns_steps"], int)
    shown = torch.optim.Muon(own).param_groups[0]
    assert shown.keys() <= optimizer.param_groups[0].keys()
    path(optimizer, own, range(3))
    assert optimizer.param_groups[0]["lr"] == Linear(0.1, 0.0, 10)(3)


@pytest.mark.parametrize(
    "given, told",
    [
        ({"adjust_lr_fn": "arbitrary"}, "'adjust_lr_fn' must be 'original' or 'match_rms_adamw', not 'arbitrary'"),
        ({"ns_steps": 100}, r"'ns_steps' must lie in \[0, 100\), but got 100"),
        ({"lr": -1.0}, "'lr' must lie in"),
    ],
    ids=str,
)
def test_refusals(given, told):
    with pytest.raises(ValueError, match=told):
        ct.Muon(matrices(torch.float32), **given)


def test_only_matrices():
    with pytest.raises(ValueError, match=r"Muon only takes matrices, but a parameter has shape \(3,\)"):
        ct.Muon([torch.nn.Parameter(torch.zeros(3))])
