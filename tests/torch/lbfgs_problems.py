"""Problems for LBFGS, walks over them, and what is compared."""

import io

import pytest
import torch

CALLS = 4
SEARCHES = pytest.mark.parametrize("search", [None, "strong_wolfe"])


def rosenbrock(dtype):
    w = torch.nn.Parameter(torch.tensor([-1.2, 1.0, 0.3, 2.0], dtype=dtype))
    return [w], lambda: ((1 - w[:-1]) ** 2 + 100 * (w[1:] - w[:-1] ** 2) ** 2).sum()


def quadratic(dtype):
    torch.manual_seed(2)
    a = torch.randn(7, 7, dtype=dtype)
    a = a @ a.T + torch.eye(7, dtype=dtype)
    u, v = torch.nn.Parameter(torch.zeros(5, dtype=dtype)), torch.nn.Parameter(torch.ones(2, 1, dtype=dtype))

    def loss():
        x = torch.cat([u, v.reshape(-1)])
        return x @ a @ x / 2 - x.sum()

    return [u, v], loss


def network(dtype):
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(dtype)
    x, y = torch.randn(30, 5, dtype=dtype), torch.randn(30, 1, dtype=dtype)
    return list(net.parameters()), lambda: ((net(x) - y) ** 2).mean()


PROBLEMS = pytest.mark.parametrize("problem", [rosenbrock, quadratic, network])


def closure_of(optimizer, loss):
    def closure():
        optimizer.zero_grad()
        found = loss()
        found.backward()
        return found

    return closure


def walk(library, problem, dtype=torch.float64, calls=CALLS, other=None, at=2, moved=None, **options):
    """Several steps; at one of them the run may go on in another optimizer. Losses, parameters and the optimizer."""
    params, loss = problem(dtype)
    optimizer = library.LBFGS(params, **options)
    path = []
    for call in range(calls):
        if call == at and other is not None:
            new = other.LBFGS(params, **options)
            (moved or (lambda old, new: new.load_state_dict(through_file(old.state_dict()))))(optimizer, new)
            optimizer = new
        found = optimizer.step(closure_of(optimizer, loss))
        path.append((found.item(), [p.detach().clone() for p in params]))
    return path, optimizer


def through_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def same_path(left, right):
    for (loss, ours), (their_loss, theirs) in zip(left, right, strict=True):
        assert loss == their_loss
        assert all(map(torch.equal, ours, theirs))


def same_state(ours, theirs):
    """Keys, kinds and numbers."""
    mine, torchs = (o.state[o.param_groups[0]["params"][0]] for o in (ours, theirs))
    assert mine.keys() == torchs.keys()
    for key in torchs:
        equal(mine[key], torchs[key], key)


def equal(left, right, key):
    if isinstance(right, list):
        assert isinstance(left, list) and len(left) == len(right), key
        for pair in zip(left, right, strict=True):
            equal(*pair, key)
    elif isinstance(right, torch.Tensor):
        assert isinstance(left, torch.Tensor) and left.shape == right.shape and left.dtype == right.dtype, key
        assert torch.equal(left, right), key
    else:
        assert left == right, key


def everything(optimizer):
    state = optimizer.state_dict()
    params = optimizer.param_groups[0]["params"]
    groups = [{k: v for k, v in g.items() if k != "params"} for g in state["param_groups"]]
    return str(state["state"]), groups, state["calando"], [p.tolist() for p in params]
