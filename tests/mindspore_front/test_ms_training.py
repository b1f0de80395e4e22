"""Training loops: in real MindSpore with our optimizers, and in calando's own network room."""

import itertools

import numpy as np
import pytest

import guide_network
from calando.mindspore import nn
from mindspore_front.kinds import distance, rounded

ROWS = [
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.01}),
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.9}),
    ("Adam", {"learning_rate": 0.01, "weight_decay": 0.01}),
    ("AdamWeightDecay", {"learning_rate": 0.01, "weight_decay": 0.1}),
]


def batches(count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        x = rng.standard_normal((12, 1, 6, 6)).astype("f4")
        yield x, (x.mean((1, 2, 3)) > 0).astype("i4")


# Real MindSpore.


def real_network(mindspore, seed=3):
    """A small real network whose first values depend on the seed alone."""
    net = mindspore.nn.SequentialCell(
        mindspore.nn.Flatten(),
        mindspore.nn.Dense(36, 8),
        mindspore.nn.LayerNorm((8,)),
        mindspore.nn.ReLU(),
        mindspore.nn.Dense(8, 2),
    )
    rng = np.random.default_rng(seed)
    for p in net.trainable_params():
        p.set_data(
            mindspore.Tensor(rng.standard_normal(p.shape).astype("f4") * 0.2 + (0.8 if "gamma" in p.name else 0))
        )
    return net.set_train()


def real_training(mindspore, make, steps=20, jit=False, between=None):
    """Losses, the parameters' path and the network of a functional MindSpore loop."""
    net, loss_fn = real_network(mindspore), mindspore.nn.CrossEntropyLoss()

    def forward(x, y):
        logits = net(x)
        return loss_fn(logits, y), logits

    optimizer = make(net)
    step_fn = mindspore.jit(forward) if jit else forward
    grad_fn = mindspore.value_and_grad(step_fn, None, optimizer.parameters, has_aux=True)
    losses, found = [], []
    for x, y in batches(steps):
        (loss, _), grads = grad_fn(mindspore.Tensor(x), mindspore.Tensor(y))
        optimizer(grads)
        losses.append(float(loss.asnumpy()))
        found.append([p.asnumpy().copy() for p in net.trainable_params()])
        if between:
            between(len(losses), optimizer)
    return losses, found, net


@pytest.mark.parametrize("name, options", ROWS, ids=[row[0] for row in ROWS])
def test_twenty_steps_beside_the_original(mindspore, name, options):
    """Losses are computed by MindSpore from the very memory that we write: they agree only if it sees it."""
    theirs = real_training(mindspore, lambda net: getattr(mindspore.nn, name)(net.trainable_params(), **options))
    ours = real_training(mindspore, lambda net: getattr(nn, name)(net.trainable_params(), **rounded(options)))
    assert distance(ours[0], theirs[0]) <= 1e-4
    # Differences of one ulp grow with each forward; Adam's division magnifies them where gradients vanish.
    for step, (here, there) in enumerate(zip(ours[1], theirs[1], strict=True)):
        worst = max(distance(a, b) for a, b in zip(here, there, strict=True))
        assert worst <= (1e-5 if step == 0 else 2e-4), f"step {step}: {worst:.2g}"
    assert np.mean(ours[0][-5:]) < np.mean(ours[0][:5])


def test_under_jit_too(mindspore):
    plain = real_training(mindspore, lambda net: nn.Momentum(net.trainable_params(), 0.05, 0.9), 6)
    compiled = real_training(mindspore, lambda net: nn.Momentum(net.trainable_params(), 0.05, 0.9), 6, jit=True)
    assert distance(compiled[0], plain[0]) <= 1e-4


def test_in_place(mindspore):
    """The parameter's memory never moves, and the next forward sees it, eager and compiled."""
    net = real_network(mindspore).set_train(False)
    x = mindspore.Tensor(next(batches(1))[0])

    def look(x):
        return net(x)

    compiled = mindspore.jit(look)
    first, before = net(x).asnumpy().copy(), compiled(x).asnumpy().copy()
    params = net.trainable_params()
    where = [p.asnumpy().__array_interface__["data"][0] for p in params]
    optimizer = nn.SGD(params, 0.1)
    for _ in range(3):
        optimizer(tuple(mindspore.Tensor(np.ones(p.shape, "f4")) for p in params))
        assert [p.asnumpy().__array_interface__["data"][0] for p in params] == where
        eager = net(x).asnumpy()
        assert np.abs(eager - first).max() > 1e-3
        assert distance(compiled(x).asnumpy(), eager) <= 1e-5
    assert distance(before, first) <= 1e-5


def test_learning_rate_assigned_between_compiled_steps(mindspore):
    """The case in which the original goes on with the old one."""

    def between(step, optimizer):
        if step == 3:
            mindspore.ops.assign(optimizer.learning_rate, mindspore.Tensor(0.0, mindspore.float32))

    _, path, _ = real_training(mindspore, lambda net: nn.SGD(net.trainable_params(), 0.1), 6, jit=True, between=between)
    moved = [max(np.abs(a - b).max() for a, b in zip(*pair, strict=True)) for pair in itertools.pairwise(path)]
    assert min(moved[:2]) > 0 and max(moved[2:]) == 0


def test_loading_into_a_running_network(mindspore, tmp_path):
    """load_checkpoint between steps: training goes on (there it stops without a word)."""
    file = tmp_path / "net.ckpt"

    def train(reload):
        def between(step, optimizer):
            if reload and step == 3:
                mindspore.save_checkpoint([{"name": p.name, "data": p} for p in optimizer.parameters], str(file))
                mindspore.load_checkpoint(str(file), net=net_of[0])

        net_of = []

        def make(net):
            net_of.append(net)
            return nn.Momentum(net.trainable_params(), 0.05, 0.9)

        return real_training(mindspore, make, 8, between=between)[0]

    assert train(True) == pytest.approx(train(False), rel=1e-4)


@pytest.mark.parametrize("name, options", ROWS[:3], ids=[row[0] for row in ROWS[:3]])
def test_half_precision_networks(mindspore, name, options):
    """float16 parameters of real MindSpore, one step: nearest to the formula within an ulp of float16."""
    from mindspore_front.kinds import Formula

    start = np.random.default_rng(0).standard_normal((5, 7)).astype("f2")
    p = mindspore.Parameter(mindspore.Tensor(start.copy()), name="p")
    optimizer = getattr(nn, name)([p], **options)
    g = np.random.default_rng(1).standard_normal((5, 7)).astype("f2")
    optimizer((mindspore.Tensor(g),))
    options = dict(options)
    lr = options.pop("learning_rate")
    expected = Formula(name, start, **options).step(g, lr)
    assert p.dtype == mindspore.float16
    np.testing.assert_allclose(p.asnumpy().astype("f8"), expected, rtol=1e-3, atol=1e-6)


def test_bfloat16_of_real_mindspore(mindspore):
    """The original raises TypeError; whoever refuses does so before anything changes, whoever takes it is right."""
    p = mindspore.Parameter(mindspore.Tensor(np.ones(4, "f4"), mindspore.bfloat16), name="p")
    g = mindspore.Tensor(np.full(4, 0.5, "f4"), mindspore.bfloat16)
    try:
        optimizer = nn.SGD([p], 0.5)
    except (TypeError, ValueError) as refusal:
        assert "bfloat16" in str(refusal)  # noqa: PT017 - either is fine
        return
    optimizer((g,))
    np.testing.assert_array_equal(p.astype(mindspore.float32).asnumpy(), 0.75)


# Calando's network room.


@pytest.fixture
def guide(torch):
    """The guide's network (its slip mended), its groups, and a training step."""
    import calando.mindspore as ms

    ms.set_seed(1)
    return guide_network.guide(nn.Cell, nn, lambda self, x: self.fc(x)).set_train()


def grouped(net, rates):
    """The guide's own grouping."""

    def params_not_in(param, param_list):
        param_id = id(param)
        for p in param_list:  # noqa: SIM110 - as in the guide
            if id(p) == param_id:
                return False
        return True

    trainable_param = net.trainable_params()
    conv_weight, bn_weight, dense_weight = [], [], []
    for _, cell in net.cells_and_names():
        if isinstance(cell, nn.Conv2d):
            conv_weight.append(cell.weight)
        elif isinstance(cell, nn.BatchNorm2d):
            bn_weight.append(cell.gamma)
            bn_weight.append(cell.beta)
        elif isinstance(cell, nn.Dense):
            dense_weight.append(cell.weight)
    other_param = []
    for param in trainable_param:
        if params_not_in(param, conv_weight) and params_not_in(param, bn_weight) and params_not_in(param, dense_weight):
            other_param.append(param)
    return [
        {'order_params': trainable_param},
        {'params': conv_weight, 'weight_decay': 1e-4, 'lr': rates},
        {'params': bn_weight, 'weight_decay': 0., 'lr': 1e-2},
        {'params': dense_weight, 'weight_decay': 1e-5, 'lr': 1e-1},
        {'params': other_param},
    ]  # fmt: skip


def pictures(count, seed=0):
    """Ten classes, one bright band each."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        y = rng.integers(0, 10, 20)
        x = rng.standard_normal((20, 3, 20, 20)).astype("f4") * 0.3
        for image, label in zip(x, y, strict=True):
            image[:, 2 * label : 2 * label + 2] += 2
        yield x, y


def test_the_guide_from_its_network_to_falling_loss(guide):
    import calando.mindspore as ms

    net, loss_fn = guide, nn.CrossEntropyLoss()
    rates = [0.05 * (1 + np.cos(np.pi * t / 40)) for t in range(40)]
    optimizer = nn.Momentum(grouped(net, rates), learning_rate=1e-2, weight_decay=0.0, momentum=0.9)
    names = [p.name for p in optimizer.parameters]
    assert names == [p.name for p in net.trainable_params()] and names[0] == "layer1.0.weight"

    def forward_fn(data, label):
        logits = net(data)
        loss = loss_fn(logits, label)
        return loss, logits

    grad_fn = ms.value_and_grad(forward_fn, None, optimizer.parameters, has_aux=True)

    def train_step(data, label):
        (loss, _), grads = grad_fn(data, label)
        optimizer(grads)
        return loss

    losses = [float(train_step(ms.Tensor(x), ms.Tensor(y))) for x, y in pictures(40)]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    shown = dict(zip(names, optimizer.get_lr(), strict=True))
    assert float(shown["layer1.0.weight"]) == np.float32(rates[-1])
    assert float(shown["fc.weight"]) == np.float32(0.1) and float(shown["fc.bias"]) == np.float32(0.01)


def test_twenty_steps_beside_the_torch_dialect(guide, torch):
    """The same network and data through calando.torch.SGD: same losses, same parameters, to 1e-6."""
    import calando.mindspore as ms
    from calando.torch import SGD

    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            block = lambda i, o: torch.nn.Sequential(  # noqa: E731
                torch.nn.Conv2d(i, o, 3, padding=1, bias=False),
                torch.nn.BatchNorm2d(o),
                torch.nn.ReLU(),
                torch.nn.MaxPool2d(2),
            )
            self.layer1, self.layer2 = block(3, 12), block(12, 4)
            self.pool, self.fc = torch.nn.AdaptiveMaxPool2d(5), torch.nn.Linear(100, 10)

        def forward(self, x):
            return self.fc(self.pool(self.layer2(self.layer1(x))).reshape(-1, 100))

    net, twin = guide, Twin()
    pairs = list(zip(net.trainable_params(), twin.parameters(), strict=True))
    for p, q in pairs:
        assert p.shape == q.shape
        q.data.copy_(torch.from_numpy(p.asnumpy()))
    options = {"momentum": 0.9, "weight_decay": 1e-3}
    lr = [0.05 * (1 - t / 25) for t in range(20)]
    ours = nn.SGD([{"params": net.trainable_params(), "weight_decay": 1e-3}], learning_rate=lr, **options)
    theirs = SGD(twin.parameters(), lr=lr, **options)
    loss_fn, cross = nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss()
    grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, ours.parameters)
    for x, y in pictures(20):
        loss, grads = grad_fn(ms.Tensor(x), ms.Tensor(y))
        theirs.zero_grad()
        other = cross(twin(torch.from_numpy(x)), torch.from_numpy(y))
        other.backward()
        assert float(loss) == pytest.approx(other.item(), rel=1e-6)
        ours(grads)
        theirs.step()
    assert max(distance(p.asnumpy(), q.detach().numpy()) for p, q in pairs) <= 1e-6


def test_the_guides_assignment(torch, capsys):
    """The last snippet of the guide, line for line."""
    import calando.mindspore as ms
    from calando.mindspore import nn, ops

    net = nn.Dense(1, 2)
    optimizer = nn.Momentum(net.trainable_params(), learning_rate=0.1, momentum=0.9)
    print(optimizer.learning_rate.data.asnumpy())
    new_lr = 0.01
    ops.assign(optimizer.learning_rate, ms.Tensor(new_lr, ms.float32))
    print(optimizer.learning_rate.data.asnumpy())
    assert capsys.readouterr().out == "0.1\n0.01\n"


def test_the_guides_list_of_rates(torch):
    def dynamic_lr(lr, total_step, step_per_epoch):
        lrs = []
        for i in range(total_step):
            current_epoch = i // step_per_epoch
            factor = current_epoch // 5
            lrs.append(lr * factor)
        return lrs

    decay_lr = dynamic_lr(lr=0.01, total_step=200, step_per_epoch=10)
    net = nn.Dense(1, 2)
    optim = nn.SGD(net.trainable_params(), learning_rate=decay_lr)
    assert [optim.at(step)["lr"] for step in (0, 49, 50, 100, 199)] == [0.0, 0.0, 0.01, 0.02, 0.03]


def test_torch_parameters_and_gradients(torch):
    """A plain torch network, stepped in MindSpore's manner."""
    net = torch.nn.Linear(3, 2)
    optimizer = nn.Momentum(net.parameters(), learning_rate=0.1, momentum=0.9)
    before = [p.detach().clone() for p in net.parameters()]
    net(torch.ones(4, 3)).sum().backward()
    optimizer(tuple(p.grad for p in net.parameters()))
    for p, q in zip(net.parameters(), before, strict=True):
        torch.testing.assert_close(p.detach(), q - 0.1 * p.grad)
    assert float(optimizer.get_lr()) == np.float32(0.1)
