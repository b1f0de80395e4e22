"""Every row of torch's own table of optimizer inputs, error inputs included, against live torch."""

import copy
import warnings

import pytest
import torch
from torch_pairs import copies, draw, saved

import calando.torch as ct

pytest.importorskip("expecttest", reason="torch.testing._internal needs expecttest, which is not installed")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

NAMES = [info.optim_cls.__name__ for info in optim_db]
INFO = dict(zip(NAMES, optim_db, strict=True))
SHAPES = [(2, 3), (5,), (), (4, 3, 2), (10, 10)]
STEPS = 12
# A step of float32 is rounded after each of its operations, and torch groups them otherwise: a few ulp of the update.
ULPS = 16 * 2**-23


def inputs():
    for name, info in INFO.items():
        for row in info.optim_inputs_func(device="cpu"):
            given = ", ".join(f"{key}={value}" for key, value in row.kwargs.items())
            yield pytest.param(name, row.kwargs, id=f"{name}-{row.desc}({given})")


def errors():
    for name, info in INFO.items():
        for i, row in enumerate(info.optim_error_inputs_func(device="cpu", dtype=torch.float64)):
            yield pytest.param(name, row, id=f"{name}-{i}-{row.optimizer_error_input.desc}")


def closure(tensors):
    def run():
        loss = 0
        for p in tensors:
            p.grad = None
            loss = loss + ((p - 1) ** 2).sum() + 0.1 * (p**4).sum()
        loss.backward()
        return loss

    return run


def step(name, optimizer, tensors, number):
    if name == "LBFGS":
        return optimizer.step(closure(tensors))
    for p, g in zip(tensors, draw([p.shape for p in tensors], 50 + number, tensors[0].dtype), strict=True):
        p.grad = g.to_sparse() if name == "SparseAdam" else g
    return optimizer.step()


def tolerance(name, kwargs, dtype):
    tensors = any(isinstance(x, torch.Tensor) for value in kwargs.values() for x in [value, *listed(value)])
    if name in ("Muon", "SparseAdam") and tensors and dtype is torch.float64:
        return 1e-6  # torch computes with a float32 tensor of lr in float32
    if dtype is torch.float64:
        return 1e-12
    if name == "Muon":
        return 2**-8  # its matrices are multiplied in bfloat16
    return 1e-4 if name == "LBFGS" or kwargs.get("centered") else ULPS  # sums over history; a difference of averages


def listed(value):
    return list(value) if isinstance(value, (tuple, list)) else []


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name, kwargs", list(inputs()))
def test_same_path(name, kwargs, dtype):
    if kwargs.get("capturable"):
        pytest.skip("captures CUDA graphs")
    shapes = [shape for shape in SHAPES if len(shape) == 2] if name == "Muon" else SHAPES
    left = [torch.nn.Parameter(x) for x in draw(shapes, dtype=dtype)]
    right = copies(left)
    ours = getattr(ct, name)(left, **copy.deepcopy(kwargs))
    theirs = getattr(torch.optim, name)(right, **copy.deepcopy(kwargs))
    near = tolerance(name, kwargs, dtype)
    for number in range(STEPS):
        for optimizer, tensors in ((ours, left), (theirs, right)):
            step(name, optimizer, tensors, number)
    for i, (p, q) in enumerate(zip(left, right, strict=True)):
        torch.testing.assert_close(
            p.detach(), q.detach(), rtol=near, atol=near, msg=lambda m, i=i: f"parameter {i}: {m}"
        )


@pytest.mark.parametrize("name, kwargs", [row for row in inputs() if row.values[0] != "LBFGS"])  # it has its own file
def test_a_run_changes_sides_with_these_options(name, kwargs):
    """Four steps here, four in torch's class, four here, through a file each time: torch's twelve."""
    if kwargs.get("capturable"):
        pytest.skip("captures CUDA graphs")
    shapes = [shape for shape in SHAPES if len(shape) == 2] if name == "Muon" else SHAPES

    def path(*libraries):
        tensors, optimizer = [torch.nn.Parameter(x) for x in draw(shapes)], None
        for number in range(STEPS):
            if number % 4 == 0 and (optimizer is None or len(libraries) > 1):
                new = getattr(libraries[number // 4], name)(tensors, **copy.deepcopy(kwargs))
                if optimizer is not None:
                    new.load_state_dict(saved(optimizer.state_dict()))
                optimizer = new
            step(name, optimizer, tensors, number)
        return tensors

    # torch casts what NAdam remembers in float32 to float64 when it loads
    near = max(tolerance(name, kwargs, torch.float64), 1e-10 if name == "NAdam" else 0.0)
    for p, q in zip(path(ct, torch.optim, ct), path(torch.optim), strict=True):
        torch.testing.assert_close(p.detach(), q.detach(), rtol=near, atol=near)


def refused(cls, row):
    given = row.optimizer_error_input
    optimizer = cls(given.params, **given.kwargs)
    assert row.error_on is OptimizerErrorEnum.STEP_ERROR
    optimizer.step()


@pytest.mark.parametrize("name, row", list(errors()))
def test_same_refusals(name, row):
    given = row.optimizer_error_input
    kind = row.error_type
    if kind is UserWarning:
        # "in future, this will cause an error", torch warns of a parameter given twice; here it is one.
        assert "duplicate parameters" in given.desc
        kind = ValueError
    with pytest.raises(kind):
        refused(getattr(ct, name), row)


def test_the_table_has_all_of_torchs_optimizers():
    public = {name for name in torch.optim.__all__ if name not in ("Optimizer", "lr_scheduler", "swa_utils")}
    classes = {name for name in public if isinstance(getattr(torch.optim, name), type)}
    assert classes == set(NAMES) <= set(ct.__all__)
