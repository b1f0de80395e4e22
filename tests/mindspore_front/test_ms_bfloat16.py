"""bfloat16 parameters of real MindSpore: their memory is walked by the kernels that PyTorch's have."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ms = pytest.importorskip("mindspore")

from calando.engine import Engine  # noqa: E402
from calando.groups import Group  # noqa: E402
from calando.hyper import Hyper  # noqa: E402
from calando.mindspore import nn  # noqa: E402
from calando.rules.adam import ADAM  # noqa: E402
from twins import FRONT, usual  # noqa: E402

SHAPES = [(), (7, 5), (131,)]


def drawn(seed):
    torch.manual_seed(seed)
    return [torch.randn(shape).bfloat16() for shape in SHAPES]


def theirs(tensors, kind):
    return [kind(ms.Tensor(x.float().numpy(), ms.bfloat16)) for x in tensors]


def engine(params):
    hyper = Hyper("For 'Test'", {**ADAM.domain, **FRONT}, usual(ADAM))
    from calando.decay import L2

    return Engine([Group(tuple(params), tuple("abc"), ADAM, L2)], [hyper])


def test_a_step_is_that_of_torchs_tensors_bit_for_bit():
    start = drawn(0)
    ours, other = engine(theirs(start, ms.Parameter)), engine([p.clone() for p in start])
    assert ours.parts[0].key.fused and other.parts[0].key.fused
    for step in range(3):
        grads = drawn(1 + step)
        ours.step([theirs(grads, lambda x: x)]), other.step([grads])
        for a, b in zip(ours.members[0], other.members[0], strict=True):
            np.testing.assert_array_equal(a.param.asnumpy().astype(np.float32), b.param.float().numpy())
            for name in ADAM.slots:
                assert a.slots[name].dtype.name == "bfloat16"
                np.testing.assert_array_equal(a.slots[name].astype(np.float32), b.slots[name].float().numpy())


def test_an_optimizer_of_the_front_end_moves_them():
    (p,) = theirs([torch.ones(4)], ms.Parameter)
    optimizer = nn.Momentum([p], learning_rate=0.5, momentum=0.5)
    for _ in range(2):
        optimizer(tuple(theirs([torch.ones(4)], lambda x: x)))
    assert p.asnumpy().astype(np.float32).tolist() == [-0.25] * 4
