"""LBFGS: what cannot be is refused or undone, and nothing has changed."""

import pytest
import torch
from lbfgs_problems import SEARCHES, closure_of, everything, network, quadratic, rosenbrock, through_file, walk

import calando.torch as ct
from calando.engine import NonFiniteGradient
from calando.hyper import UnknownName
from calando.snapshot import SnapshotMismatch


@SEARCHES
@pytest.mark.parametrize("fails_at", [1, 2, 4])
def test_a_closure_that_fails_changes_nothing(search, fails_at):
    params, loss = rosenbrock(torch.float64)
    optimizer = ct.LBFGS(params, max_iter=5, line_search_fn=search)
    optimizer.step(closure_of(optimizer, loss))
    before, calls = everything(optimizer), []

    def closure():
        calls.append(1)
        if len(calls) == fails_at:
            raise KeyboardInterrupt
        return closure_of(optimizer, loss)()

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(closure)
    assert everything(optimizer) == before


@SEARCHES
@pytest.mark.parametrize("when", [1, 2])
def test_gradients_that_are_not_finite(search, when):
    def run(policy):
        params, loss = quadratic(torch.float64)
        optimizer = ct.LBFGS(params, max_iter=3, line_search_fn=search, on_nonfinite=policy)
        optimizer.step(closure_of(optimizer, loss))
        before, calls = everything(optimizer), []

        def closure():
            found = closure_of(optimizer, loss)()
            calls.append(1)
            if len(calls) >= when:
                params[1].grad[0] = torch.nan
            return found

        return optimizer, closure, before

    optimizer, closure, before = run("skip")
    optimizer.step(closure)
    assert everything(optimizer) == before
    optimizer, closure, before = run("raise")
    with pytest.raises(NonFiniteGradient, match="the gradient of parameter '1' of group 0 is not finite"):
        optimizer.step(closure)
    assert everything(optimizer) == before
    optimizer, closure, before = run("train")
    optimizer.step(closure)
    assert optimizer.param_groups[0]["step"] == 2


def w(*shape):
    return torch.nn.Parameter(torch.ones(shape or (3,)))


BUILT = [
    ({"lr": -1}, ValueError, r"For 'LBFGS': 'lr' must lie in \[0, inf\), but got -1.0"),
    ({"lr": "1"}, TypeError, "For 'LBFGS': 'lr' must be a number"),
    ({"lr": torch.ones(2, 2)}, ValueError, "For 'LBFGS': 'lr' as a tensor must have one element"),
    ({"tolerance_grad": -1e-9}, ValueError, r"For 'LBFGS': 'tolerance_grad' must lie in \[0, inf\), but got -1e-09"),
    ({"tolerance_change": [0.1, -1]}, ValueError, r"'tolerance_change' must lie in \[0, inf\), but got -1.0 \(entry 1"),
    ({"max_iter": 0}, ValueError, "For 'LBFGS', group 0: 'max_iter' must be at least 1, but got 0"),
    ({"max_iter": 2.5}, TypeError, "For 'LBFGS': 'max_iter' is a whole number from 0 on, not 2.5"),
    ({"max_eval": 0}, ValueError, "For 'LBFGS', group 0: 'max_eval' must be at least 1, but got 0"),
    ({"history_size": 0}, ValueError, "For 'LBFGS', group 0: 'history_size' must be at least 1, but got 0"),
    ({"history_size": -1}, ValueError, "For 'LBFGS', group 0: 'history_size' is a whole number from 0 on, not -1"),
    ({"line_search_fn": "armijo"}, ValueError, "'line_search_fn' must be 'strong_wolfe' or None, but got 'armijo'"),
    ({"max_norm": 1.0}, ValueError, "For 'LBFGS': 'max_norm' must be None for L-BFGS: clipped gradients are not"),
    ({"on_nonfinite": "stop"}, ValueError, "'on_nonfinite' must be one of train, skip, raise, but got 'stop'"),
]


@pytest.mark.parametrize("options, error, sentence", BUILT, ids=lambda x: str(x) if isinstance(x, dict) else "")
def test_refused_when_built(options, error, sentence):
    with pytest.raises(error, match=sentence):
        ct.LBFGS([w()], **options)


def test_one_group_as_torch():
    for library in (ct, torch.optim):
        with pytest.raises(ValueError, match="doesn't support per-parameter options"):
            library.LBFGS([{"params": [w()]}, {"params": [w()]}])
    optimizer = ct.LBFGS([{"params": [w()], "lr": 0.5, "max_iter": 7}])
    assert optimizer.param_groups[0]["lr"] == 0.5 and optimizer.param_groups[0]["max_iter"] == 7
    with pytest.raises(ValueError, match="there is one direction for all parameters; give them in one group"):
        optimizer.add_param_group({"params": [w()]})
    assert len(optimizer.param_groups) == 1
    for wrong in ([], [torch.nn.Parameter(torch.ones(2).long(), requires_grad=False)]):
        with pytest.raises((ValueError, TypeError)):
            ct.LBFGS(wrong)
    with pytest.raises(UnknownName, match=r"unknown key 'momentum'.*lr"):
        ct.LBFGS([{"params": [w()], "momentum": 0.9}])


def test_refused_on_the_way():
    p = w()
    optimizer = ct.LBFGS([p], max_iter=2)
    before = everything(optimizer)
    for name, value in [("max_norm", 1.0), ("lr", -1), ("tolerance_grad", "x")]:
        with pytest.raises((ValueError, TypeError), match=f"For 'LBFGS', group 0: '{name}' must"):
            optimizer.set(name, value)
    with pytest.raises(TypeError, match="For 'LBFGS': step needs a closure that computes the loss anew"):
        optimizer.step()
    assert everything(optimizer) == before
    optimizer.param_groups[0]["max_norm"] = 1.0
    with pytest.raises(ValueError, match="'max_norm' must be None"):
        optimizer.step(lambda: (p**2).sum())
    optimizer.param_groups[0]["max_norm"] = None
    optimizer.param_groups[0]["max_eval"] = -3
    with pytest.raises(ValueError, match="'max_eval' is a whole number from 0 on, not -3"):
        optimizer.step(lambda: (p**2).sum())
    assert torch.equal(p, torch.ones(3))


def test_parameters_of_another_size_are_refused():
    params, loss = rosenbrock(torch.float64)
    optimizer = ct.LBFGS(params, max_iter=2)
    optimizer.step(closure_of(optimizer, loss))
    optimizer.param_groups[0]["params"].append(w(2))
    with pytest.raises(ValueError, match="what is remembered has 4 elements, the parameters have 6 now"):
        optimizer.step(closure_of(optimizer, loss))


SPOILT = [
    (lambda s: s["state"][0].pop("d"), "lacks 'd'"),
    (lambda s: s["state"][0].update(d=torch.ones(3)), r"'d' is \(3,\); the parameters together have 57 elements"),
    (lambda s: s["state"][0].update(old_stps=[1.0] * len(s["state"][0]["ro"])), "'old_stps' is 1.0"),
    (lambda s: s["state"][0]["ro"].pop(), "remembers pairs of different number"),
    (lambda s: s["state"][0].update(n_iter=-1), "'n_iter' must be a whole number from 0 on, but it has -1"),
    (lambda s: s["state"][0].update(t="x"), "'t' must be a number, but it has 'x'"),
    (lambda s: s["state"][0].update(exp_avg=torch.ones(3)), "has a state 'exp_avg'; was it written by another"),
    (lambda s: s["state"].update({1: {"d": 1}}), "has a state of parameters besides the first"),
    (lambda s: s["param_groups"][0].pop("tolerance_grad"), "has no 'tolerance_grad'; was it written by another"),
    (lambda s: s["param_groups"][0].pop("history_size"), "has no 'history_size'; was it written by another"),
    (lambda s: s["param_groups"][0].update(max_iter=0), "'max_iter' must be at least 1, but got 0"),
    (lambda s: s["param_groups"][0]["params"].pop(), "has 3 parameters, the optimizer 4"),
    (lambda s: s.pop("state"), "'state' is missing"),
]


@pytest.mark.parametrize("spoil, sentence", SPOILT, ids=[row[1] for row in SPOILT])
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(spoil, sentence):
    stored = through_file(walk(torch.optim, network, calls=2, max_iter=3)[1].state_dict())
    spoil(stored)
    params, loss = network(torch.float64)
    optimizer = ct.LBFGS(params, max_iter=3)
    optimizer.step(closure_of(optimizer, loss))
    before = everything(optimizer)
    with pytest.raises(ValueError, match=sentence):
        optimizer.load_state_dict(stored)
    assert everything(optimizer) == before


def test_a_snapshot_that_does_not_fit_is_refused_and_nothing_changes():
    stored = walk(ct, network, calls=2, max_iter=3)[1].snapshot()
    params, loss = network(torch.float64)
    optimizer = ct.LBFGS(params, max_iter=3)
    optimizer.step(closure_of(optimizer, loss))
    before = everything(optimizer)
    stored.groups[0].params[0].slots.pop("moves")
    with pytest.raises(SnapshotMismatch, match="For 'LBFGS': what L-BFGS remembers has shapes"):
        optimizer.restore(stored)
    with pytest.raises(SnapshotMismatch, match="LBFGS, group 0 follows lbfgs, the snapshot adam"):
        optimizer.restore(ct.Adam(params).snapshot())
    with pytest.raises(SnapshotMismatch, match="Adam"):
        ct.Adam(params).restore(optimizer.snapshot())
    assert everything(optimizer) == before


@pytest.mark.parametrize("returned", [None, "low", torch.ones(2)], ids=["nothing", "a word", "two numbers"])
def test_a_closure_that_returns_no_loss(returned):
    w = torch.nn.Parameter(torch.ones(2))
    optimizer = ct.LBFGS([w])
    with pytest.raises(TypeError, match="For 'LBFGS': the closure must return the loss, one number, but it returned"):
        optimizer.step(lambda: returned)
    assert optimizer.param_groups[0]["step"] == 0 and w.tolist() == [1.0, 1.0]
