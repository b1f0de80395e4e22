"""Ctrl-C before any line of what changes an optimizer outside of a step: it is changed whole, or not at all."""

import os
from functools import partial

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import calando.torch as ct  # noqa: E402
from calando import engine  # noqa: E402
from calando.schedules import Cosine, Linear  # noqa: E402
from interruption import Interruption  # noqa: E402

SPOTS = int(os.environ.get("CALANDO_SPOTS", 25))  # where each is interrupted, spread over all its lines

KINDS = {
    "AdamW": {"weight_decay": 0.1},
    "AdamW in 8 bits": {"slot_dtype": "int8"},
    "AdamW in 16 bits": {"slot_dtype": "bfloat16"},
    "ASGD": {"t0": 2.0},
    "SGD": {"momentum": 0.9, "ema": 0.9},
    "Lamb": {},
}


RATE = Linear(0.1, 0.01, 20)


def built(kind, lr=RATE, steps=3, library=ct):
    """Two groups and their parameters after some steps."""
    torch.manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(n)) for n in (3, 2, 4)]
    named = [(f"p{i}", p) for i, p in enumerate(params)]
    groups = [{"params": named[:2]}, {"params": named[2:], "lr": 0.05}]
    optimizer = getattr(library, kind.split()[0])(groups, lr=lr, **KINDS[kind])
    go(params, optimizer, range(steps))
    return params, optimizer


def go(params, optimizer, steps):
    for step in steps:
        for i, p in enumerate(params):
            p.grad = torch.full_like(p, 0.5 - (step * 7 + i) % 11 / 10)
        optimizer.step()


def seen(params, optimizer):
    """All that a user can see who asks first."""
    optimizer.current()
    known = [p for group in optimizer.param_groups for p in group["params"]]
    groups = [{**group, "params": len(group["params"])} for group in optimizer.param_groups]
    shown = [{key: plain(x) for key, x in optimizer.state.get(p, {}).items()} for p in known]
    future = [optimizer.at(step) for step in (0, 4, 30)]
    return plain(groups), plain(known), shown, str(optimizer), future, optimizer.state_dict()["calando"]


def plain(x):
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    return [plain(y) for y in x] if isinstance(x, list) else x.tolist() if isinstance(x, torch.Tensor) else x


def other(kind):
    """The checkpoint of a run that went otherwise and further."""
    _, optimizer = built(kind, lr=Cosine(0.2, 0.0, 9), steps=5)
    return optimizer


def add(kind, params, optimizer):
    params.append(torch.nn.Parameter(torch.ones(5)))
    return lambda: optimizer.add_param_group({"params": [("new", params[-1])], "lr": Cosine(0.1, 0.0, 9), "step": 2})


def write(kind, params, optimizer):
    first, second = optimizer.param_groups

    def change():
        first["lr"], first["step"], second["maximize"], second["lr"] = 0.3, 1, True, Linear(0.1, 0.0, 9)
        optimizer.current()

    return change


def exchange(kind, params, optimizer):
    params.append(torch.nn.Parameter(torch.ones(5)))

    def change():
        optimizer.param_groups[0]["params"] = [params[1], params[-1], params[0]]
        optimizer.param_groups[0]["param_names"] = ["p1", "new", "p0"]
        optimizer.param_groups[0]["lr"] = 0.01
        optimizer.current()

    return change


def reduced(kind, params, optimizer):
    plateau = ct.Plateau(optimizer, factor=0.5, patience=0, cooldown=2)
    plateau.step(1.0)
    return lambda: plateau.step(2.0)


def loaded(kind, params, optimizer):
    state = other(kind).state_dict()
    return lambda: optimizer.load_state_dict(state)


def torchs(kind, params, optimizer):
    _, twin = built(kind, lr=0.2, steps=5, library=torch.optim)
    return lambda: optimizer.load_state_dict(twin.state_dict())


def by_name(kind, params, optimizer):
    state = other(kind).state_dict()
    state["param_groups"][0]["param_names"] = ["p1", "p9"]
    state["state"][0], state["state"][1] = state["state"][1], state["state"][0]
    return lambda: optimizer.resume(state, keep="lr", clock=0, by_name=True)


def restored(kind, params, optimizer):
    snapshot = other(kind).snapshot()
    return lambda: optimizer.restore(snapshot)


CHANGES = {
    "set": lambda kind, params, optimizer: lambda: optimizer.set("lr", Cosine(0.3, 0.0, 9)),
    "scale": lambda kind, params, optimizer: lambda: optimizer.scale("lr", 0.5),
    "add": add,
    "write": write,
    "exchange": exchange,
    "Plateau": reduced,
    "load": loaded,
    "load torch's": torchs,
    "resume by name": by_name,
    "restore": restored,
}
CASES = [("AdamW", change) for change in CHANGES]
CASES += [(kind, change) for kind in KINDS if kind != "AdamW" for change in ("load", "restore", "write")]


def interrupt_everywhere(start, go_on):
    """What ``start`` gives (parameters, optimizer, the change) is changed whole or not at all, and goes on alike."""
    start()[-1]()  # what is looked up once in a process has been
    params, optimizer, act = start()
    before = seen(params, optimizer)
    with Interruption() as counting:
        act()
    after = seen(params, optimizer)
    go_on(params, optimizer)
    end = seen(params, optimizer)
    assert before != after
    made = []
    for at in range(1, counting.lines + 1, max(1, counting.lines // SPOTS)):
        params, optimizer, act = start()
        with pytest.raises(KeyboardInterrupt), Interruption(at):
            act()
        assert torch.is_grad_enabled() and torch._C._is_torch_function_enabled()
        found = seen(params, optimizer)
        made.append(found == after)
        assert found in (before, after), at
        if not made[-1]:
            act()
        go_on(params, optimizer)
        assert seen(params, optimizer) == end, at
    assert made == sorted(made)
    return after


@pytest.mark.parametrize("kind, change", CASES)
def test_changed_whole_or_not_at_all(kind, change):
    def start():
        params, optimizer = built(kind)
        return params, optimizer, CHANGES[change](kind, params, optimizer)

    after = interrupt_everywhere(start, lambda params, optimizer: go(params, optimizer, range(5, 8)))
    if change in ("load", "restore"):
        source = other(kind)
        assert after[2] == seen([p for group in source.param_groups for p in group["params"]], source)[2]


@pytest.mark.parametrize("change", ["set", "add", "load", "restore"])
def test_interrupted_twice_at_once_it_is_changed_by_whoever_comes_next(change, monkeypatch):
    params, optimizer = built("AdamW")
    CHANGES[change]("AdamW", params, optimizer)()
    after = seen(params, optimizer)
    params, optimizer = built("AdamW")
    act = CHANGES[change]("AdamW", params, optimizer)

    def twice(write):
        with Interruption(40):
            write()

    with monkeypatch.context() as patched:
        patched.setattr(engine, "to_the_end", twice)
        with pytest.raises(KeyboardInterrupt):
            act()
    assert optimizer.engine.ending is not None
    assert seen(params, optimizer) == after and optimizer.engine.ending is None


def valley():
    """L-BFGS after two steps."""
    p = torch.nn.Parameter(torch.tensor([-1.5, 2.0]))
    optimizer = ct.LBFGS([p], lr=Linear(1.0, 0.5, 9), max_iter=3, line_search_fn="strong_wolfe")
    for _ in range(2):
        optimizer.step(closure_of([p], optimizer))
    return [p], optimizer


def closure_of(params, optimizer):
    (p,) = params

    def closure():
        optimizer.zero_grad()
        loss = (1 - p[0]) ** 2 + 10 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss

    return closure


def further():
    params, optimizer = valley()
    optimizer.step(closure_of(params, optimizer))
    return optimizer


LBFGS = {
    "step": lambda params, optimizer: partial(optimizer.step, closure_of(params, optimizer)),
    "load": lambda params, optimizer: partial(optimizer.load_state_dict, further().state_dict()),
    "restore": lambda params, optimizer: partial(optimizer.restore, further().snapshot()),
}


@pytest.mark.parametrize("change", LBFGS)
def test_lbfgs(change):
    def start():
        params, optimizer = valley()
        return params, optimizer, LBFGS[change](params, optimizer)

    interrupt_everywhere(start, lambda params, optimizer: optimizer.step(closure_of(params, optimizer)))


def test_weights_are_themselves_again_after_their_average():
    params, optimizer = built("SGD")

    def evaluated():
        with optimizer.averaged():
            pass

    before = plain(params)
    with Interruption() as counting:
        evaluated()
    for at in range(1, counting.lines + 1):
        with pytest.raises(KeyboardInterrupt), Interruption(at):
            evaluated()
        assert plain(params) == before, at


def cleared(after):
    """A dense parameter, one with gaps and a sparse gradient, after one step and with the gradients of the next."""
    torch.manual_seed(0)
    own = [torch.nn.Parameter(x) for x in (torch.randn(6, 4), torch.randn(8, 4)[:, ::2], torch.randn(3))]
    optimizer = ct.SGD(own, lr=0.1, max_norm=1.0, grads_after_step=after)
    optimizer.measure = True
    for step in range(2):
        for p in own:
            p.grad = torch.ones_like(p)
        own[2].grad = own[2].grad.to_sparse()
        optimizer.step() if step == 0 else None
    return own, optimizer


@pytest.mark.parametrize("after", ["none", "zero"])
def test_a_step_that_is_made_has_cleared_its_gradients_and_is_in_the_history(after):
    """Or the loop that goes on adds the next gradients to those that were used."""
    _, optimizer = cleared(after)
    with Interruption() as counting:
        optimizer.step()
    found = set()
    for at in range(1, counting.lines + 1, 5):
        own, optimizer = cleared(after)
        with pytest.raises(KeyboardInterrupt), Interruption(at):
            optimizer.step()
        made = optimizer.param_groups[0]["step"] - 1
        clear = [p.grad is None if after == "none" else not p.grad.to_dense().any().item() for p in own]
        assert len(optimizer.history) == 1 + made and clear == [bool(made)] * 3, at
        found.add(made)
    assert found == {0, 1}


@pytest.mark.parametrize("after", ["none", "zero"])
def test_a_step_that_is_finished_late_does_not_clear_the_next_gradients(after, monkeypatch):
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = ct.SGD([p], lr=0.5, grads_after_step=after)
    p.grad = torch.ones(2)

    def twice(ending):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(engine.Ending, "to_the_end", twice)
        with pytest.raises(KeyboardInterrupt):
            optimizer.step()
    p.grad = torch.full((2,), 4.0)
    optimizer.current()
    assert p.tolist() == [0.5, 0.5] and p.grad.tolist() == [4.0, 4.0]


def test_gradients_that_cannot_be_cleared_are_told_when_the_step_is_made():
    p = torch.nn.Parameter(torch.ones(4, 2)[:, ::2])
    optimizer = ct.SGD([p], lr=0.5, grads_after_step="zero")
    for made in (1, 2):
        with torch.inference_mode():
            p.grad = torch.ones(4, 2)[:, ::2]
        with pytest.raises(RuntimeError, match="inference"):
            optimizer.step()
        assert optimizer.param_groups[0]["step"] == made and (p == 1 - made / 2).all()
