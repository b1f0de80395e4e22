"""The tables against the signatures and paths of the frameworks that are installed."""

import importlib
import inspect

import numpy as np
import pytest

from calando.lexicon import CALANDO, COPIES, DYNAMIC, GROUPED, MINDSPORE, PAIRS, RETURNS, SCHEDULERS, TORCH
from calando.lexicon.optimizers import NEEDED

POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


def bare(call):
    """The function under MindSpore's decorators."""
    for cell in getattr(call, "__closure__", None) or ():
        if inspect.isfunction(cell.cell_contents):
            return bare(cell.cell_contents)
    return call


def signature(call):
    call = bare(call)
    found = [p for p in inspect.signature(call).parameters.values() if p.name != "self"]
    order = [p.name for p in found if p.kind is POSITIONAL]
    defaults = {p.name: NEEDED if p.default is p.empty else p.default for p in found if p.kind is not p.VAR_KEYWORD}
    return order, defaults


@pytest.mark.parametrize("name", TORCH)
def test_torch_optimizers(name, torch):
    spoken = TORCH[name]
    order, defaults = signature(getattr(torch.optim, name))
    assert list(spoken.order) == order
    assert {**spoken.defaults, **spoken.keywords} == defaults


@pytest.mark.parametrize("name", CALANDO)
def test_calando_has_the_same_arguments(name, torch):
    import calando.torch

    order, defaults = signature(getattr(calando.torch, name).__init__)
    theirs = {**TORCH[name].defaults, **TORCH[name].keywords}
    assert order[: len(TORCH[name].order)] == list(TORCH[name].order)
    assert {n: defaults[n] for n in theirs} == theirs


@pytest.mark.parametrize("name", MINDSPORE)
def test_mindspore_optimizers(name, mindspore):
    spoken = MINDSPORE[name]
    order, defaults = signature(getattr(mindspore.nn, name).__init__)
    assert list(spoken.order) == order
    assert {**spoken.defaults, **spoken.keywords} == defaults


@pytest.mark.parametrize("name", GROUPED)
def test_mindspores_copies_of_torch_optim(name, mindspore, torch):
    """The signatures; and the same path, but for Adam, which has another formula."""
    import mindspore.experimental.optim as copies

    spoken = GROUPED[name]
    order, defaults = signature(getattr(copies, name).__init__)
    assert list(spoken.order) == order
    assert {**spoken.defaults, **spoken.keywords} == defaults
    rng = np.random.default_rng(3)
    start = rng.standard_normal((5, 3)).astype(np.float32)
    ours = torch.nn.Parameter(torch.from_numpy(start.copy()))
    theirs = mindspore.Parameter(mindspore.Tensor(start), name="w")
    cls = found(COPIES[name].ours if COPIES[name].why else f"torch.optim.{COPIES[name].torch}")
    words = {"lr": 0.02} | ({"weight_decay": 0.01} if "weight_decay" in spoken.order else {})
    words |= {"eps": 1e-4} if "eps" in spoken.order else {}
    mine, its = cls([ours], **words), getattr(copies, name)([theirs], **words)
    for step in range(6):
        grad = (rng.standard_normal((5, 3)) * 10.0**-step).astype(np.float32)
        ours.grad = torch.from_numpy(grad.copy())
        mine.step()
        its((mindspore.Tensor(grad),))
        np.testing.assert_allclose(ours.detach().numpy(), theirs.asnumpy(), atol=2e-6)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_torch_schedulers(name, torch):
    order, defaults = signature(getattr(torch.optim.lr_scheduler, name))
    assert order[0] == "optimizer"
    wanted = {n: defaults[n] for n in order[1:] if n not in ("last_epoch", "verbose")}
    assert (
        SCHEDULERS[name] == pytest.approx(wanted) if name in ("LinearLR", "ConstantLR") else SCHEDULERS[name] == wanted
    )
    assert list(SCHEDULERS[name]) == list(wanted)


@pytest.mark.parametrize("name", DYNAMIC)
def test_mindspore_lists_of_rates(name, mindspore):
    order, defaults = signature(getattr(mindspore.nn, name))
    assert list(DYNAMIC[name]) == order and DYNAMIC[name] == defaults


def found(dotted):
    home, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(home), name)


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_name_arguments_that_are_there(name, mindspore):
    pair = PAIRS[name]
    for old in pair.names:
        assert old in TORCH[name].defaults
    new = {n for names in pair.names.values() for n in (names if isinstance(names, tuple) else (names,))}
    for dotted in {pair.exact, pair.ours}:
        assert new <= set(signature(found(dotted).__init__)[1])
    if pair.guide:
        missing = new - set(signature(found(pair.guide).__init__)[1])
        assert missing == {"AdamW": {"use_amsgrad"}, "Adagrad": {"eps", "lr_decay"}}.get(name, set())


@pytest.mark.parametrize("name", RETURNS)
def test_returns_name_arguments_that_are_there(name):
    back = RETURNS[name]
    if back.torch:
        names = {n.rstrip("01") if n.startswith("betas") else n for n in back.names.values()}
        assert names <= {*TORCH[back.torch].defaults, *TORCH[back.torch].keywords}
        assert set(back.names) <= set(MINDSPORE[name].defaults)


SHAPES = [(3, 4), (5,)]
ARGUMENTS = {
    "SGD": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "Adam": {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.01},
    "AdamW": {"lr": 0.01, "eps": 1e-3, "weight_decay": 0.05},
    "RMSprop": {"lr": 0.01, "alpha": 0.9, "eps": 1e-2, "momentum": 0.5, "centered": True, "weight_decay": 0.01},
    "Adadelta": {"lr": 0.5, "rho": 0.8, "eps": 1e-4},
    "Adagrad": {"lr": 0.05, "lr_decay": 0.1, "eps": 1e-3, "weight_decay": 0.01},
    "Adamax": {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3},
    "Rprop": {"lr": 0.01},
    "ASGD": {"lr": 0.05},
    "NAdam": {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True},
    "RAdam": {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True},
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("which", ["exact", "ours"])
def test_the_exact_class_follows_torch(name, which, torch, mindspore):
    """Twenty updates with the same gradients; among them very small ones, where the place of eps shows."""
    rng = np.random.default_rng(3)
    start = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    theirs = [torch.nn.Parameter(torch.from_numpy(x.copy())) for x in start]
    given = ARGUMENTS[name]
    original = getattr(torch.optim, name)(theirs, **given)
    ours = [mindspore.Parameter(mindspore.Tensor(x.copy()), name=f"p{i}") for i, x in enumerate(start)]
    words = {}
    for old, value in {**{n: TORCH[name].default(n) for n in PAIRS[name].names}, **given}.items():
        new = PAIRS[name].names[old]
        words.update(zip(new, value, strict=True) if isinstance(new, tuple) else {new: value}.items())
    words = {n: tuple(map(float, v)) if isinstance(v, tuple) else v for n, v in words.items()}
    words = {n: float(v) if isinstance(v, int) and not isinstance(v, bool) else v for n, v in words.items()}
    if not words.get("use_amsgrad", True):
        words.pop("use_amsgrad")
    optimizer = found(getattr(PAIRS[name], which))(ours, **words)
    for step in range(20):
        grads = [(rng.standard_normal(s) * (1e-4 if step % 3 == 0 else 1.0)).astype(np.float32) for s in SHAPES]
        for p, g in zip(theirs, grads, strict=True):
            p.grad = torch.from_numpy(g.copy())
        original.step()
        optimizer(tuple(mindspore.Tensor(g) for g in grads))
    for p, q in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(q.asnumpy(), p.detach().numpy(), atol=2e-6)


def test_plateau_is_torchs(torch):
    """Both lower the rate at the same steps, over noisy metrics, in every mode."""
    from calando.migrate import exact

    rng = np.random.default_rng(5)
    for mode in ("min", "max"):
        for threshold_mode in ("rel", "abs"):
            w = torch.nn.Parameter(torch.zeros(2))
            original = torch.optim.SGD([w], lr=1.0)
            theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
                original, mode, 0.5, 2, 0.05, threshold_mode, cooldown=1, min_lr=0.01
            )
            optimizer = exact.Adam([torch.nn.Parameter(torch.zeros(2))], learning_rate=1.0)
            ours = exact.ReduceLROnPlateau(optimizer, mode, 0.5, 2, 0.05, threshold_mode, cooldown=1, min_lr=0.01)
            rates = []
            for metric in rng.uniform(0.1, 2.0, 60):
                theirs.step(metric)
                ours.step(metric)
                rates.append((original.param_groups[0]["lr"], optimizer.current()[0]["lr"]))
            assert all(a == b for a, b in rates) and len(set(rates)) > 3
    with pytest.raises(ValueError, match="factor must lie below 1"):
        exact.ReduceLROnPlateau(optimizer, factor=1.0)


BACK = {
    "SGD": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "Momentum": {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.01},
    "Adam": {"learning_rate": 0.01, "beta1": 0.8, "eps": 1e-3, "weight_decay": 0.01, "use_nesterov": True},
    "AdaMax": {"learning_rate": 0.01, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3},
    "Adadelta": {"learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-4},
    "Adagrad": {"learning_rate": 0.05, "accum": 0.0},
    "AdamWeightDecay": {"learning_rate": 0.01, "beta2": 0.99, "weight_decay": 0.05},
    "RMSProp": {"learning_rate": 0.01, "momentum": 0.5, "weight_decay": 0.01},
    "FTRL": {"learning_rate": 0.05, "l2": 1e-2},  # MindSpore's CPU kernel has l1 wrong: docs/mindspore_quirks.md
    "ProximalAdagrad": {"learning_rate": 0.05, "l1": 1e-3, "l2": 1e-2, "accum": 0.2},
}


@pytest.mark.parametrize("name", BACK)
def test_the_class_on_the_way_back_follows_mindspore(name, torch, mindspore):
    """Twenty updates with the same gradients; among them very small ones, where the place of eps shows."""
    rng = np.random.default_rng(4)
    start = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    given, back = BACK[name], RETURNS[name]
    theirs = [mindspore.Parameter(mindspore.Tensor(x.copy()), name=f"p{i}") for i, x in enumerate(start)]
    original = getattr(mindspore.nn, name)([{"params": theirs}], **given)
    ours = [torch.nn.Parameter(torch.from_numpy(x.copy())) for x in start]
    words = {}
    for old, new in {**back.names, **back.only}.items():
        default = MINDSPORE[name].default(old)
        if old in given or default is not NEEDED:
            words[new] = given.get(old, default)
    if "betas0" in words:
        words["betas"] = words.pop("betas0"), words.pop("betas1")
    copy = found(back.ours)(ours, **words)
    for k in range(20):
        grads = [rng.standard_normal(shape).astype(np.float32) * 10.0 ** -(k % 7) for shape in SHAPES]
        original(tuple(mindspore.Tensor(g) for g in grads))
        for p, g in zip(ours, grads, strict=True):
            p.grad = torch.from_numpy(g.copy())
        copy.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), q.asnumpy(), rtol=0, atol=2e-6)


HARD = {  # what shows where eps stands, and what else may differ
    "SGD": {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
    "AdaMax": {"beta2": 0.9},
    "Adadelta": {"rho": 0.8, "epsilon": 1e-12, "weight_decay": 0.1},
    "Adagrad": {"accum": 0.0},
    "Rprop": {"etas": (0.3, 1.5), "step_sizes": (1e-4, 0.5)},
    "ASGD": {"lambd": 0.1, "alpha": 0.5, "t0": 3.0, "weight_decay": 0.1},
}


@pytest.mark.parametrize("name", [name for name, form in RETURNS.items() if form.torch])
def test_the_guides_class_is_equal_where_the_table_says_so(name, torch, mindspore):
    """And only there; twelve updates with gradients of every size down to 1e-9, from the same weights."""
    rng = np.random.default_rng(5)
    given = {"learning_rate": 0.01, **({"momentum": 0.9} if name == "Momentum" else HARD.get(name, {}))}
    start = rng.standard_normal(40).astype(np.float32)
    theirs, ours = (mindspore.Parameter(mindspore.Tensor(start), name="w"), torch.nn.Parameter(torch.tensor(start)))
    original = getattr(mindspore.nn, name)([theirs], **given)
    words = {new: given.get(old, MINDSPORE[name].default(old)) for old, new in RETURNS[name].names.items()}
    if "betas0" in words:
        words["betas"] = words.pop("betas0"), words.pop("betas1")
    copy, apart = getattr(torch.optim, RETURNS[name].torch)([ours], **words), 0.0
    for _ in range(12):
        grad = (rng.standard_normal(40) * 10.0 ** rng.uniform(-9, 0, 40)).astype(np.float32)
        original((mindspore.Tensor(grad),))
        ours.grad = torch.tensor(grad)
        copy.step()
        apart = max(apart, float(np.abs(theirs.asnumpy() - ours.detach().numpy()).max()))
    assert (apart > 2e-6) == bool(RETURNS[name].why), apart
