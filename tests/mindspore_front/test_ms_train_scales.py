"""Model with loss scales: what is left out, what is told."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: networks are built on it")

import calando.mindspore as ms  # noqa: E402
from calando.mindspore import amp, nn  # noqa: E402
from calando.mindspore.train import (  # noqa: E402
    LambdaCallback,
)
from mindspore_front.small_model import BATCHES, X, built, ended  # noqa: E402


def test_a_dynamic_scale_leaves_steps_out():
    """Overflow at step 2 by data: nothing moves then, the clock neither; the schedule goes on where it was."""
    rates = [0.05, 0.04, 0.03]
    manager = amp.DynamicLossScaleManager(2.0**10, 2, 2)
    model, net, optimizer = built(lr=rates, loss_scale_manager=manager)
    rows = []
    seen = LambdaCallback(
        on_train_step_end=lambda run: rows.append([float(x) for x in run.original_args().net_outputs])
    )
    model.train(1, [BATCHES[0], (X[:8], np.full((8, 1), np.inf, "f4")), BATCHES[1]], callbacks=seen)
    assert len(rows) == 3
    assert [row[1] for row in rows] == [0.0, 1.0, 0.0]
    assert [row[2] for row in rows] == [1024.0, 512.0, 512.0]
    assert manager.get_loss_scale() == 512.0
    assert int(optimizer.global_step.asnumpy()[0]) == 2
    other, twin, _ = built(lr=rates)
    other.train(1, [BATCHES[0], BATCHES[1]])
    for p, q in zip(net.get_parameters(), twin.get_parameters(), strict=True):
        np.testing.assert_allclose(p.asnumpy(), q.asnumpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("drops", [True, False])
def test_a_fixed_scale_changes_nothing(drops):
    scaled = ended(
        BATCHES, loss_scale_manager=amp.FixedLossScaleManager(2.0**8, drops), loss_scale=1.0 if drops else 256.0
    )
    for a, b in zip(scaled, ended(BATCHES), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_a_scale_that_nobody_divides_by():
    with pytest.warns(UserWarning, match="multiplied by 256, and the optimizer divides gradients by its loss_scale 1"):
        built(loss_scale_manager=amp.FixedLossScaleManager(256.0, False))


def test_a_scale_does_not_leave_float32():
    """MindSpore's becomes inf there, and every later step overflows."""
    update = nn.DynamicLossScaleUpdateCell(2.0**127, 4, 1)
    scale = ms.Parameter(2.0**127, name="scale", requires_grad=False)
    update(scale, ms.Tensor(False))
    assert float(scale) == 2.0**127
    update(scale, ms.Tensor(True))
    assert float(scale) == 2.0**125


def test_a_thousand_overflows_in_a_row():
    manager = amp.DynamicLossScaleManager()
    for _ in range(1000):
        manager.update_loss_scale(True)
    assert manager.get_loss_scale() == 1
    with pytest.raises(RuntimeError, match="not finite in 1001 steps in a row"):
        manager.update_loss_scale(True)


def test_a_loop_of_ones_own_with_a_scaler():
    _, net, optimizer = built()
    loss, scaler = nn.MSELoss(), amp.DynamicLossScaler(2.0**10, 2, 100)

    def forward(x, y):
        value = loss(net(x), y)
        return scaler.scale(value), value

    gradient = ms.value_and_grad(forward, None, optimizer.parameters, has_aux=True)
    net.set_train()
    for _ in range(3):
        for x, y in BATCHES:
            _, grads = gradient(ms.Tensor(x), ms.Tensor(y))
            grads = scaler.unscale(grads)
            finite = amp.all_finite(grads)
            if finite:
                optimizer(grads)
            scaler.adjust(finite)
    for p, b in zip(net.get_parameters(), ended(BATCHES), strict=True):
        np.testing.assert_allclose(p.asnumpy(), b, rtol=1e-5, atol=1e-7)
