"""A small Model with the same weights each time, its data, and its weights after a training."""

import numpy as np

from calando.mindspore import nn
from calando.mindspore.train import Model
from mindspore_front.programs import first_value

RNG = np.random.default_rng(5)
X = RNG.standard_normal((32, 4)).astype("f4")
Y = (X[:, :1] - X[:, 1:2]).astype("f4")
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 32, 8)]


def built(lr=0.05, loss=True, **options):
    """A small Model with the same weights each time."""
    net = nn.SequentialCell(nn.Dense(4, 8), nn.Tanh(), nn.Dense(8, 1))
    for parameter in net.trainable_params():
        parameter.set_data(first_value(parameter, parameter.name))
    scale = options.pop("loss_scale", 1.0)
    optimizer = nn.Momentum(net.trainable_params(), lr, 0.9, loss_scale=scale)
    model = Model(net, nn.MSELoss() if loss else None, optimizer, **options)
    return model, net, optimizer


def ended(dataset, epochs=3, **options):
    """The weights after a training."""
    model, net, _ = built(**options)
    model.train(epochs, dataset)
    return [parameter.asnumpy().copy() for parameter in net.get_parameters()]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
