"""What migrated scripts use for gradients that are values: against PyTorch's own, and MindSpore's."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from calando.migrate import gradients, whole  # noqa: E402

SHAPES = [(3, 4), (5,), ()]


def grads(scale=1.0):
    rng = np.random.default_rng(5)
    return [torch.from_numpy(np.asarray(rng.standard_normal(s), np.float32)) * scale for s in SHAPES]


def optimizer(cls=torch.optim.SGD, **more):
    return cls([torch.nn.Parameter(g.clone()) for g in grads()], lr=0.1, **more)


def test_an_update_is_the_optimizers_own():
    ours, theirs = optimizer(momentum=0.9), optimizer(momentum=0.9)
    for k in range(3):
        given = [g * (k + 1) for g in grads()]
        gradients.update(ours, given)
        for p, g in zip(theirs.param_groups[0]["params"], given, strict=True):
            p.grad = g.clone()
        theirs.step()
    for p, q in zip(gradients.parameters(ours), gradients.parameters(theirs), strict=True):
        assert torch.equal(p, q) and p.grad is None


def test_other_numbers_of_gradients_are_refused_and_nothing_changes():
    ours = optimizer()
    before = [p.clone() for p in gradients.parameters(ours)]
    with pytest.raises(ValueError, match="has 3 parameters, but got 1 gradients"):
        gradients.update(ours, grads()[:1])
    assert all(torch.equal(p, q) for p, q in zip(before, gradients.parameters(ours), strict=True))


def test_what_a_loss_does_not_depend_on_has_zeros():
    ours = optimizer()
    first, *rest = gradients.gradients((gradients.parameters(ours)[0] ** 2).sum(), ours)
    assert torch.equal(first, 2 * gradients.parameters(ours)[0])
    assert all(torch.equal(g, torch.zeros_like(g)) for g in rest)


def test_sums_are_made_in_place():
    held = gradients.zeros(optimizer())
    gradients.add(held, grads())
    gradients.add(held, grads())
    assert all(torch.equal(h, g + g) for h, g in zip(held, grads(), strict=True))
    gradients.assign(held, gradients.zeros(optimizer()))
    assert all(not h.any() for h in held)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_clipping_by_norm_is_pytorchs(scale):
    params = [torch.nn.Parameter(g) for g in grads()]
    for p, g in zip(params, grads(scale), strict=True):
        p.grad = g.clone()
    torch.nn.utils.clip_grad_norm_(params, 1.0)
    for p, g in zip(params, gradients.clip_by_norm(grads(scale), 1.0), strict=True):
        torch.testing.assert_close(p.grad, g, rtol=1e-6, atol=0)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_clips_are_mindspores(scale, mindspore):
    ops = mindspore.ops
    theirs = tuple(mindspore.Tensor(g.numpy()) for g in grads(scale))
    pairs = (
        (ops.clip_by_global_norm(theirs, 1.5), gradients.clip_by_global_norm(grads(scale), 1.5)),
        (ops.clip_by_value(theirs, -0.3, 0.4), gradients.clip_by_value(grads(scale), -0.3, 0.4)),
    )
    for wanted, found in pairs:
        for a, b in zip(wanted, found, strict=True):
            np.testing.assert_allclose(b.numpy(), a.asnumpy(), rtol=1e-6)


def test_a_dynamic_scale_moves_as_mindspores(mindspore):
    """Finite and infinite updates in turn; the scale of both after each."""
    theirs = mindspore.amp.DynamicLossScaler(scale_value=8, scale_factor=2, scale_window=3)
    ours = gradients.DynamicLossScaler(scale_value=8, scale_factor=2, scale_window=3)
    for finite in [True] * 7 + [False] + [True] * 3 + [False] * 6 + [True] * 4:
        theirs.adjust(mindspore.Tensor(finite))
        ours.adjust(finite)
        assert ours.scale_value == float(theirs.scale_value.asnumpy())
    loss = torch.tensor(3.0)
    assert ours.scale(loss) == 3.0 * ours.scale_value and ours.unscale(ours.scale(loss)) == loss


def test_infinity_is_seen():
    assert gradients.all_finite(grads())
    assert not gradients.all_finite([*grads(), torch.tensor([1.0, float("inf")])])
    assert not gradients.all_finite([torch.tensor(float("nan")), *grads()])


def test_a_static_scale_stays():
    scaler, held = gradients.StaticLossScaler(4.0), optimizer()
    for p, g in zip(gradients.parameters(held), grads(), strict=True):
        p.grad = g * 4
    scaler.unscale_(held)
    scaler.adjust(False)
    assert scaler.scale_value == 4.0
    assert all(torch.equal(p.grad, g) for p, g in zip(gradients.parameters(held), grads(), strict=True))


def test_normalization_layers_have_no_decay():
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.LayerNorm(3))
    decayed, exempt = whole.groups(net)
    assert [p.shape for p in decayed["params"]] == [(3, 2), (3,)] and exempt["weight_decay"] == 0.0
    assert {id(p) for p in exempt["params"]} == {id(p) for p in net[1].parameters()}
    assert len(whole.groups(torch.nn.Linear(2, 3))) == 1
