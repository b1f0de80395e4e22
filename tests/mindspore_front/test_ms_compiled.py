"""``@mindspore.jit`` and GRAPH_MODE around a whole step: one sentence with the way out, and the way out."""

import copy
import pickle

import numpy as np
import pytest

ms = pytest.importorskip("mindspore")

from mindspore import nn as theirs  # noqa: E402

from calando.mindspore import nn  # noqa: E402

SENTENCE = (
    "For '{}': the step stands inside what @mindspore.jit or GRAPH_MODE compiles, and cannot be a part of it; compile "
    "the forward and gradient function instead"
)
MAKES = {
    "RAdam": lambda p: nn.RAdam(p, 0.1),
    "LBFGS": lambda p: nn.LBFGS(p),
    "LARS": lambda p: nn.LARS(nn.Momentum(p, 0.1, 0.9)),
    "Own": lambda p: Own(0.1, p),
}


class Own(nn.Optimizer):
    def construct(self, gradients):
        return True


def started():
    net = theirs.Dense(2, 1)
    net.weight.set_data(ms.Tensor(np.ones((1, 2), "f4")))
    return net, ms.Tensor(np.ones((3, 2), "f4"))


@pytest.fixture
def graph_mode():
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.mark.parametrize("name", MAKES)
def test_jit_around_a_step(name):
    net, x = started()
    optimizer = MAKES[name](net.trainable_params())

    def forward(x):
        return net(x).sum()

    grad_fn = ms.value_and_grad(forward, None, optimizer.parameters)

    @ms.jit
    def train_step(x):
        loss, grads = grad_fn(x)
        optimizer(grads)
        return loss

    before = net.weight.asnumpy().copy()
    with pytest.raises(RuntimeError) as problem:
        train_step(x)
    assert str(problem.value).startswith(SENTENCE.format(name))
    assert np.array_equal(net.weight.asnumpy(), before) and optimizer.global_step.asnumpy().tolist() == [0]


def test_a_cell_in_graph_mode(graph_mode):
    net, x = started()
    cell = theirs.TrainOneStepCell(theirs.WithLossCell(net, theirs.MSELoss()), nn.NAdam(net.trainable_params(), 0.1))
    with pytest.raises(RuntimeError, match="For 'NAdam': the step stands inside what"):
        cell(x, ms.Tensor(np.zeros((3, 1), "f4")))


def walked(wrapped):
    """Three steps with a wrapped gradient function."""
    net, x = started()
    optimizer = nn.SGD(net.trainable_params(), 0.01, 0.9)

    def forward(x):
        return net(x).sum()

    grad_fn = wrapped(ms.value_and_grad(forward, None, optimizer.parameters))
    for _ in range(3):
        _, grads = grad_fn(x)
        assert optimizer(grads) is True
    return net.weight.asnumpy().copy()


def test_the_way_out():
    """With the gradient function compiled the path is that of the plain one."""
    paths = [walked(lambda grad_fn: grad_fn), walked(ms.jit)]
    assert np.array_equal(*paths) and not np.array_equal(paths[0], np.ones((1, 2)))


def test_copies_know_it_too():
    net, _ = started()
    optimizer = nn.SGD(net.trainable_params(), 0.01)
    own = vars(optimizer)["_compiling"]
    for made in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        assert made() is False
        with pytest.raises(RuntimeError, match="For 'SGD': the step stands inside"):
            made.__infer__()
