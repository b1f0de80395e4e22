"""Steps that watch for overflow: the scale moves as MindSpore's does, an update that overflowed is left out."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare")

from calando.migrate import gradients  # noqa: E402
from calando.migrate.overflow import (  # noqa: E402
    DynamicLossScaleUpdateCell,
    FixedLossScaleUpdateCell,
    TrainOneStepWithLossScaleCell,
)


@pytest.fixture(scope="module")
def ms():
    return pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to compare with")


@pytest.mark.parametrize("seed", range(4))
def test_the_scale_moves_as_mindspores(ms, seed):
    draw = random.Random(seed)
    given = draw.choice([2.0**14, 3.0, 1.0]), draw.choice([2, 4]), draw.randint(1, 4)
    ours, theirs = DynamicLossScaleUpdateCell(*given), ms.nn.DynamicLossScaleUpdateCell(*given)
    assert ours.get_loss_scale() == theirs.get_loss_scale()
    scale = torch.tensor(float(given[0]))
    held = ms.Parameter(ms.Tensor(given[0], ms.float32), name="scale")
    for _ in range(30):
        overflow = draw.random() < 0.3
        assert ours(scale, overflow) is overflow
        theirs(held, ms.Tensor(overflow))
        assert float(scale) == float(held.asnumpy())


class Step(TrainOneStepWithLossScaleCell):
    """A subclass as BERT's, in PyTorch's words."""

    def forward(self, x):
        loss = self.network(x).sum()
        status, sens = self.start_overflow_check(loss, self.scale_sense)
        grads = [grad / sens for grad in gradients.gradients(loss, self.optimizer, sens)]
        overflow = self.process_loss_scale(self.get_overflow_status(status, grads))
        if not overflow:
            gradients.update(self.optimizer, grads)
        return loss, overflow


def test_an_update_that_overflowed_is_left_out_and_halves_the_scale():
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(net.weight, 2.0)
    step = Step(net, torch.optim.SGD(net.parameters(), lr=0.5), DynamicLossScaleUpdateCell(8.0, 2, 100))
    assert step(torch.tensor([[1.0]]))[1] is False and float(net.weight.detach()) == 1.5  # 2 − ½ · 1
    assert step(torch.tensor([[float("inf")]]))[1] is True and float(net.weight.detach()) == 1.5
    assert float(step.scale_sense) == 4.0
    assert step(torch.tensor([[2.0]]))[1] is False and float(net.weight.detach()) == 0.5  # 1.5 − ½ · 2


def test_a_scale_that_stays_is_a_cell_or_a_number():
    net = torch.nn.Linear(1, 1)
    for sense in (FixedLossScaleUpdateCell(16.0), 16.0, torch.tensor(16.0)):
        step = Step(net, torch.optim.SGD(net.parameters(), lr=0.0), sense)
        step(torch.tensor([[float("nan")]]))
        assert float(step.scale_sense) == 16.0
        step.set_sense_scale(2.0)
        assert float(step.scale_sense) == 2.0


def test_no_scale_is_refused():
    net = torch.nn.Linear(1, 1)
    with pytest.raises(TypeError, match="an update cell or a number, not NoneType"):
        Step(net, torch.optim.SGD(net.parameters(), lr=0.1), None)


@pytest.mark.parametrize("size", [0.1, 1.0, 30.0])
def test_each_gradient_is_clipped_as_mindspores_layer_does(ms, size):
    grad = np.random.default_rng(5).standard_normal((3, 4)).astype(np.float32) * np.float32(size)
    theirs = ms.nn.ClipByNorm()(ms.Tensor(grad), ms.Tensor(1.5, ms.float32)).asnumpy()
    np.testing.assert_allclose(gradients.clip_each(torch.from_numpy(grad), 1.5).numpy(), theirs, rtol=3e-7)


def test_a_number_is_not_cast():
    assert gradients.cast(2.0, torch.float16) == 2.0
    assert gradients.cast(torch.tensor(2.0), torch.float16).dtype == torch.float16


def test_gradients_are_those_of_a_scaled_loss():
    w = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([w], lr=0.1)
    assert gradients.gradients((w * w).sum(), optimizer, 8.0)[0].tolist() == [48.0, 64.0]
    assert gradients.gradients((w * w).sum(), optimizer, torch.tensor(0.5))[0].tolist() == [3.0, 4.0]
