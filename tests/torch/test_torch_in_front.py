"""What is fused in front of every rule besides the global norm: each is torch's own call before a plain step."""

import math
from inspect import signature

import pytest
import torch
from torch_pairs import Pair, params

import calando.torch as ct
from calando.hyper import UnknownName
from calando.schedules import Linear

ROWS = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.1, "maximize": True}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adafactor", {"lr": 0.1}),
]
rows = pytest.mark.parametrize("name, options", ROWS, ids=[name for name, _ in ROWS])
GROUPS = [{"params": [0, 2]}, {"params": [1, 3], "lr": 0.01}]


@rows
def test_as_clip_grad_value_and_step(name, options):
    bound = Linear(0.5, 0.01, 5)
    pair = Pair(name, options, GROUPS, more={"clip_value": bound})
    for step in range(6):
        pair.grads(out={step % 4})
        torch.nn.utils.clip_grad_value_(pair.right, bound(step))
        pair.ours.step(), pair.theirs.step()
        pair.same()
    assert pair.ours.current()["clip_value"] == bound(6)


@rows
def test_as_clip_grad_norm_group_by_group_then_over_all(name, options):
    pair = Pair(name, options, GROUPS, more={"max_group_norm": 0.7, "max_norm": 0.8})
    for step in range(5):
        pair.grads(out={step % 4})
        for group in pair.theirs.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 0.7)
        torch.nn.utils.clip_grad_norm_(pair.right, 0.8)
        pair.ours.step(), pair.theirs.step()
        pair.same()


@rows
def test_a_loss_scale_is_divided_by(name, options):
    pair = Pair(name, options, more={"loss_scale": [4.0, 8.0, 16.0]})
    for scale in (4.0, 8.0, 16.0):
        pair.grads()
        for p in pair.left:
            p.grad.mul_(scale)
        pair.ours.step(), pair.theirs.step()
        pair.same()


def prepared(params, front):
    """torch's own call before a plain step."""
    if front == "max_norm":
        torch.nn.utils.clip_grad_norm_(params, 0.3)
    elif front == "max_group_norm":
        torch.nn.utils.clip_grad_norm_(params, 0.2)
    elif front == "clip_value":
        torch.nn.utils.clip_grad_value_(params, 0.05)
    elif front == "loss_scale":
        for p in params:
            p.grad.div_(8.0)
    elif front == "maximize":
        for p in params:
            p.grad.neg_()
    else:
        for p in params:
            p.grad.sub_(p.grad.mean(1, keepdim=True))


FRONTS = {
    "max_norm": 0.3,
    "max_group_norm": 0.2,
    "clip_value": 0.05,
    "loss_scale": 8.0,
    "maximize": True,
    "grad_centralization": True,
}
EVERY = [
    name for name in ct.__all__ if isinstance(getattr(ct, name), type) and issubclass(getattr(ct, name), ct.Optimizer)
]
MATRICES = [name for name in EVERY if name not in ("Optimizer", "LBFGS", "SparseAdam")]


@pytest.mark.parametrize(
    "name, front",
    [(name, front) for name in MATRICES for front in FRONTS if (name, front) != ("LARS", "grad_centralization")],
)  # LARS takes its norms before, as mindspore.nn.LARS around an optimizer that centres
def test_every_optimizer_has_every_front(name, front):
    """A step on gradients that torch's call has changed is that of the same optimizer without the front."""
    optimizers, models = [], []
    for ours in (True, False):
        torch.manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(6, 5, dtype=torch.float64)) for _ in range(3)]
        group = {"params": params, **({"maximize": True} if ours and front == "maximize" else {})}
        more = {front: FRONTS[front]} if ours and front != "maximize" else {}
        weight_decay = {"weight_decay": 0.0} if front == "grad_centralization" else {}
        options = weight_decay if "weight_decay" in signature(getattr(ct, name)).parameters else {}
        optimizers.append(getattr(ct, name)([group], lr=0.1, **options, **more))
        models.append(params)
    for _ in range(3):
        for p, q in zip(*models, strict=True):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        prepared(models[1], front)
        for optimizer in optimizers:
            optimizer.step()
        for p, q in zip(*models, strict=True):
            torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-11)


def test_all_of_it_in_the_order_of_torchs_calls():
    """unscale_, clip_grad_norm_, clip_grad_value_, step."""
    more = {"loss_scale": 32.0, "max_norm": 3.0, "clip_value": 0.4}
    pair = Pair("AdamW", {"lr": 0.1}, more=more)
    for _ in range(5):
        pair.grads()
        for p in pair.left:
            p.grad.mul_(32.0)
        torch.nn.utils.clip_grad_norm_(pair.right, 3.0)
        torch.nn.utils.clip_grad_value_(pair.right, 0.4)
        pair.ours.step(), pair.theirs.step()
        pair.same()


def test_a_bound_comes_goes_and_is_written_from_outside():
    p = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimizer = ct.SGD([{"params": [p], "clip_value": None}], lr=1.0)
    p.grad = torch.tensor([3.0, -0.25], dtype=torch.float64)
    optimizer.step()
    assert p.tolist() == [-3.0, 0.25] and optimizer.param_groups[0]["clip_value"] is None
    optimizer.set("clip_value", 0.5)
    optimizer.step()
    assert p.tolist() == [-3.5, 0.5]
    optimizer.param_groups[0]["clip_value"] = 1.0
    optimizer.step()
    assert p.tolist() == [-4.5, 0.75] and optimizer.current()["clip_value"] == 1.0
    optimizer.set("clip_value", math.inf)
    optimizer.step()
    assert p.tolist() == [-7.5, 1.0] and optimizer.current()["clip_value"] is None


def test_bounds_of_one_group():
    a, b = (torch.nn.Parameter(torch.zeros(1, dtype=torch.float64)) for _ in range(2))
    optimizer = ct.SGD([{"params": [a], "max_group_norm": 2.0, "clip_value": 1.0}, {"params": [b]}], lr=1.0)
    a.grad, b.grad = torch.full_like(a, 3.0), torch.full_like(b, 4.0)
    optimizer.step()
    assert (a.item(), b.item()) == (-1.0, -4.0)


def test_no_value_is_clipped_out_of_what_is_no_number():
    for home in (ct, torch.optim):
        p = torch.nn.Parameter(torch.zeros(3))
        p.grad = torch.tensor([math.nan, math.inf, -math.inf])
        optimizer = home.SGD([p], lr=1.0, **({"clip_value": 0.5} if home is ct else {}))
        if home is torch.optim:
            torch.nn.utils.clip_grad_value_([p], 0.5)
        optimizer.step()
        assert p[0].isnan() and p[1:].tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("name", ["clip_value", "max_group_norm", "loss_scale"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_numbers_outside_their_domain(name, value):
    with pytest.raises(ValueError, match=rf"For 'AdamW': '{name}' must lie in \(0, inf\)"):
        ct.AdamW(params(), **{name: value})


def test_a_front_that_the_constructor_did_not_name():
    optimizer = ct.AdamW(params())
    with pytest.raises(UnknownName, match="clip_value"):
        optimizer.set("clip_value", 1.0)
    assert "clip_value" not in optimizer.param_groups[0]


@pytest.mark.parametrize("option", [{"clip_value": 1.0}, {"grads_after_step": "zero"}, {"grad_centralization": True}])
def test_lbfgs_has_none_of_it(option):
    with pytest.raises(ValueError, match=f"For 'LBFGS': '{next(iter(option))}' must stay"):
        ct.LBFGS(params(), **option)


def test_state_dict_pickle_and_a_checkpoint_of_torchs():
    import copy
    import pickle

    first = ct.AdamW(params(), clip_value=Linear(1.0, 0.1, 9), max_group_norm=2.0, grads_after_step="zero")
    for p in first.param_groups[0]["params"]:
        p.grad = torch.ones_like(p)
    first.step()
    for other in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert other.current()["clip_value"] == first.current()["clip_value"] == 0.9
        assert other._options == first._options
    second = ct.AdamW(params(), clip_value=5.0, max_group_norm=1.0)
    second.load_state_dict(first.state_dict())
    assert second.current()["clip_value"] == 0.9 and second.current()["max_group_norm"] == 2.0
    theirs = torch.optim.AdamW(params())
    third = ct.AdamW(params(), clip_value=5.0)
    third.load_state_dict(theirs.state_dict())
    assert third.current()["clip_value"] == 5.0
    theirs.load_state_dict(first.state_dict())


# Gradient centralization


@pytest.mark.parametrize("name, options", ROWS[:3], ids=[name for name, _ in ROWS[:3]])
def test_centralization_is_taken_of_what_the_rule_sees(name, options):
    """With torch: the gradient and its L2 decay, less their mean, given to the step without decay."""
    decoupled = name == "AdamW"
    pair = Pair(name, options, more={"grad_centralization": True})
    for group in pair.theirs.param_groups:
        group["weight_decay"] = group["weight_decay"] if decoupled else 0.0
    for _ in range(4):
        pair.grads()
        for p in pair.right:
            p.grad = p.grad + (0.0 if decoupled else options["weight_decay"]) * p.detach()
            if p.ndim >= 2:
                p.grad = p.grad - p.grad.mean(dim=tuple(range(1, p.ndim)), keepdim=True)
        pair.ours.step(), pair.theirs.step()
        pair.same()


def test_centralization_is_a_groups_choice():
    a, b = (torch.nn.Parameter(torch.zeros(1, 2)) for _ in range(2))
    optimizer = ct.SGD([{"params": [a], "grad_centralization": True}, {"params": [b]}], lr=1.0)
    a.grad = b.grad = torch.tensor([[1.0, 3.0]])
    optimizer.step()
    assert a.tolist() == [[1.0, -1.0]] and b.tolist() == [[-1.0, -3.0]]
    optimizer.param_groups[0]["grad_centralization"] = False
    optimizer.step()
    assert a.tolist() == [[0.0, -4.0]]
    with pytest.raises(TypeError, match="'grad_centralization' chooses a rule"):
        ct.SGD([{"params": [a], "grad_centralization": Linear(0, 1, 3)}], lr=1.0)
    with pytest.raises(TypeError, match="'grad_centralization' must be True or False"):
        ct.SGD([a], lr=1.0, grad_centralization=1)


def test_centralization_refuses_complex_parameters():
    p = torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))
    with pytest.raises(ValueError, match="parameter 0 is complex, and the mean of a row is taken of real numbers"):
        ct.SGD([p], lr=1.0, grad_centralization=True)


# The gradients after the step


def shapes(dtype=torch.float32, layout=False):
    """Parameters of several kinds: in one piece, transposed, with gaps, without elements."""
    tensors = [torch.ones(3, 4), torch.ones(70_001), torch.ones(4, 3).t(), torch.ones(2, 6)[:, ::2], torch.ones(0)]
    return [torch.nn.Parameter(t.to(dtype) if t.is_contiguous() else t) for t in (tensors if layout else tensors[:2])]


@pytest.mark.parametrize("name", ["SGD", "AdamW", "Lamb", "Adafactor"])
@pytest.mark.parametrize("measure", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_zeros_are_left_and_the_path_is_the_same(name, measure, dtype):
    sides = [shapes(dtype), shapes(dtype)]
    made = [getattr(ct, name)(side, lr=0.1, max_norm=1.0, **more) for side, more in zip(
        sides, ({}, {"grads_after_step": "zero"}), strict=True)]  # fmt: skip
    for optimizer in made:
        optimizer.measure = measure
    for _ in range(3):
        for side in sides:
            for i, p in enumerate(side):
                p.grad = torch.linspace(-1, 1, p.numel(), dtype=p.dtype).reshape(p.shape) * (i + 1)
        versions = [p.grad._version for p in sides[1]]
        for optimizer in made:
            optimizer.step()
        assert all(torch.equal(p, q) for p, q in zip(*sides, strict=True))
        assert all(p.grad.any() for p in sides[0])
        assert not any(p.grad.any() for p in sides[1])
        assert all(p.grad._version > v for p, v in zip(sides[1], versions, strict=True))


def test_zeros_in_every_layout_and_in_one_memory_for_two():
    side = shapes(layout=True)
    optimizer = ct.SGD(side, lr=1.0, grads_after_step="zero")
    for p in side:
        p.grad = torch.ones_like(p, memory_format=torch.contiguous_format)
    optimizer.step()
    assert all((p == 0).all() and not p.grad.any() for p in side)
    a, b = (torch.nn.Parameter(torch.zeros(3)) for _ in range(2))
    a.grad = b.grad = torch.ones(3)
    twice = ct.SGD([a, b], lr=1.0, grads_after_step="zero")
    twice.step()
    assert a.tolist() == b.tolist() == [-1.0] * 3 and not a.grad.any()
    b.grad, a.grad = torch.ones(3), None
    a.grad = b.grad.view(3)
    twice.step()
    assert a.tolist() == b.tolist() == [-2.0] * 3 and not a.grad.any()


def test_one_gradient_for_a_kernel_and_for_memory_with_gaps():
    """It is zeroed when both have read it."""
    plain, gaps = torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(3, 2)[:, 0])
    plain.grad = gaps.grad = torch.ones(3)
    ct.SGD([plain, gaps], lr=1.0, grads_after_step="zero").step()
    assert plain.tolist() == gaps.tolist() == [-1.0] * 3 and not plain.grad.any()


def test_sparse_gradients_are_emptied():
    p = torch.nn.Parameter(torch.zeros(4, 2))
    optimizer = ct.LazyAdam([p], lr=0.1, grads_after_step="zero")
    p.grad = torch.sparse_coo_tensor([[1, 3]], torch.ones(2, 2), (4, 2), check_invariants=True)
    optimizer.step()
    assert p[1].all() and not p[0].any() and not p.grad.to_dense().any()


@pytest.mark.parametrize("after", ["zero", "none"])
def test_a_skipped_step_clears_them_too_and_a_refused_one_does_not(after):
    p = torch.nn.Parameter(torch.zeros(2))
    for policy, kept in (("skip", False), ("raise", True)):
        optimizer = ct.SGD([p], lr=1.0, on_nonfinite=policy, grads_after_step=after)
        p.grad = torch.tensor([1.0, math.nan])
        if kept:
            with pytest.raises(ArithmeticError):
                optimizer.step()
        else:
            optimizer.step()
        assert (p.grad is not None and p.grad.isnan().any().item()) == kept and not p.any()


def test_dropped():
    side = shapes(layout=True)
    optimizer = ct.AdamW(side, grads_after_step="none")
    for p in side[:2]:
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert all(p.grad is None for p in side)
    with pytest.raises(ValueError, match="'grads_after_step' must be one of keep, zero, none, but got 'drop'"):
        ct.AdamW(side, grads_after_step="drop")


# GradScaler's protocol


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
@pytest.mark.parametrize("unscaled", [False, True])
def test_the_step_unscales_where_torchs_fused_would(name, unscaled):
    pair = Pair(name, {"lr": 0.1, "fused": True}, dtype=torch.float32)
    assert pair.ours._step_supports_amp_scaling and not ct.AdamW(params())._step_supports_amp_scaling
    for home in (ct, torch.optim):  # the constructor's word, whatever a group says
        groups = [{"params": [p], "fused": number > 0} for number, p in enumerate(params())]
        assert home.AdamW(groups, fused=True)._step_supports_amp_scaling
    scalers = [torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=100) for _ in range(2)]
    done = 0
    for step in range(6):
        pair.grads()
        for side, optimizer, scaler in zip((pair.left, pair.right), (pair.ours, pair.theirs), scalers, strict=True):
            scaler.scale(torch.ones(()))
            for p in side:
                p.grad *= scaler.get_scale()
            if step in (0, 3):
                side[2].grad.view(-1)[0] = math.inf
            if unscaled:
                scaler.unscale_(optimizer)
            given = [p.grad.clone() for p in side]
            scaler.step(optimizer)
            if optimizer is pair.ours:  # torch's fused steps write the unscaled gradients back
                assert all(torch.equal(p.grad, g) for p, g in zip(side, given, strict=True) if g.isfinite().all())
            scaler.update()
        done += step not in (0, 3)
        assert pair.ours.param_groups[0]["step"] == done
        pair.same(1e-6, 2e-6)
    assert scalers[0].get_scale() == scalers[1].get_scale() == 256.0


@pytest.mark.parametrize("after", ["zero", "none"])
def test_a_step_that_the_scaler_skips_clears_the_gradients_too(after):
    p = torch.nn.Parameter(torch.zeros(2))
    optimizer = ct.SGD([p], lr=1.0, fused=True, grads_after_step=after)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    scaler.scale((p * torch.tensor([1.0, math.inf])).sum()).backward()
    scaler.step(optimizer)
    assert not p.any() and (p.grad is None if after == "none" else p.grad.tolist() == [0.0, 0.0])
