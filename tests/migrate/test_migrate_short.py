"""Lists of learning rates that end before the training: counted in numbers, in names, or with a given epoch."""

import pytest

from calando.migrate.lint import lint

MS = """import numpy as np
import mindspore as ms
from mindspore import nn, ops, Tensor
from mindspore.train import Model
net = nn.Dense(2, 1)
EPOCHS = 6
n = data.get_dataset_size()


def get_lr(total, base):
    rates = []
    for i in range(total):
        if i < 5:
            lr = base * i / 5
        else:
            lr = base
        rates.append(lr)
    return np.array(rates).astype(np.float32)


def by_branches(total, base):
    rates = []
    for i in range(total):
        if i < 5:
            rates.append(base * i / 5)
        else:
            rates.append(base)
    return rates


"""
LOOP = """
grad_fn = ms.value_and_grad(f, None, opt.parameters)
for epoch in range(EPOCHS):
    for x, y in data.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        opt(grads)
"""
STEPS = """
grad_fn = ms.value_and_grad(f, None, opt.parameters)
for i in range(12):
    loss, grads = grad_fn(x)
    {}
"""
CELL = """
step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), opt)
for epoch in range(3):
    for i in range(5):
        step(x, y)
"""


def sgd(rates, loop=LOOP):
    return f"{MS}opt = nn.SGD(net.trainable_params(), learning_rate={rates})\n{loop}"


def model(total):
    return f"""{MS}
def main(train_set, epochs):
    size = train_set.get_dataset_size()
    lr = nn.polynomial_decay_lr(0.1, 0.0, {total}, size, epochs, 1.0)
    opt = nn.Momentum(net.trainable_params(), lr, 0.9)
    model = Model(net, nn.MSELoss(), opt)
    model.train(epochs, train_set, callbacks=[])


main(data, 10)
"""


SHORT = {
    "one for each epoch": (sgd("[0.1 * 0.9**e for e in range(EPOCHS)]"), "6 learning", "6 × batches of data"),
    "one epoch": (sgd("nn.cosine_decay_lr(0.0, 0.1, n, n, 1)"), "batches of data learning", "6 × batches"),
    "an epoch less": (sgd("[0.1] * ((EPOCHS - 1) * n)"), "5 × batches", "6 × batches"),
    "milestones that end early": (sgd("nn.piecewise_constant_lr([2 * n, 4 * n], [0.1, 0.01])"), "4 × b", "6 × b"),
    "a function's list": (sgd("Tensor(get_lr(5 * n, 0.1))"), "5 × batches of data", "6 × batches of data"),
    "two lists": (sgd("[0.1] * n + [0.01 for _ in range(3 * n)]"), "4 × batches", "6 × batches"),
    "in a Model": (model("epochs"), "10 learning", "10 × batches of data"),
    "in a training step": (sgd("nn.warmup_lr(0.1, 10, 5, 1)", CELL), "10 learning", "15 updates"),
    "in numbers": (sgd("np.linspace(0.1, 0.0, 11)", STEPS.format("opt(grads)")), "11 learning", "12 updates"),
}
LONG = {
    "as long": sgd("[0.1 for e in range(EPOCHS) for _ in range(n)]"),
    "longer": sgd("nn.piecewise_constant_lr([2 * n, 7 * n], [0.1, 0.01])"),
    "in branches": sgd("by_branches(EPOCHS * n, 0.1)"),
    "another data set's": sgd("[0.1] * other.get_dataset_size()"),
    "every second": sgd("[0.1] * 6", STEPS.format("if (i + 1) % 2 == 0:\n        opt(grads)")),
    "a training that may end": sgd("[0.1] * 6", STEPS.format("opt(grads)\n    if i == 5:\n        break")),
    "a Model": model("epochs * size"),
    "a number": sgd("0.1"),
}


def found(text, steps_per_epoch=None):
    mistakes, _ = lint({"train.py": text.encode()}, steps_per_epoch)
    return [mistake.reason for mistake in mistakes if "learning rates, and the training" in mistake.reason]


@pytest.mark.parametrize("name", SHORT)
def test_a_short_list_is_found(name):
    text, have, want = SHORT[name]
    (told,) = found(text)
    first, _, second = told.partition(", and the training makes ")
    assert have in first and want in second


@pytest.mark.parametrize("name", LONG)
def test_others_are_not(name):
    assert found(LONG[name]) == []


def test_an_epoch_may_be_given():
    text = sgd("[0.1] * 600")
    assert found(text) == found(text, 100) == []
    (told,) = found(text, 101)
    assert "600 learning rates, and the training makes 606 updates" in told


def test_real_mindspore_stops_there():
    ms = pytest.importorskip("mindspore", reason="MindSpore is not installed")
    net = ms.nn.Dense(2, 1)
    opt = ms.nn.SGD(net.trainable_params(), [0.1] * 2)
    grads = tuple(ms.ops.ones_like(p) for p in opt.parameters)

    def step():
        opt(grads)
        return net.weight.asnumpy()  # which waits for the update

    step()
    step()
    with pytest.raises(RuntimeError, match="Gather"):
        step()
