"""The guide's training step in real MindSpore, with what the guide says MindSpore cannot do.

NAdam, RAdam, LBFGS, lambda schedules, a learning rate that can be seen, hyperparameters that change at any time.
Beside it runs torch.optim on the same network with the same first values; losses are computed by MindSpore from the
memory that is written, so they agree only if it sees every step. In PyNative, with a compiled forward function, and
with a compiled gradient function.
"""

import numpy as np
import pytest

from calando.mindspore import nn
from calando.schedules import Linear

STEPS = 8
MODES = ["PyNative", "jit forward", "jit gradients"]


def data(step):
    rng = np.random.default_rng(step % 3)
    return rng.standard_normal((8, 6)).astype("f4"), rng.integers(0, 3, 8).astype("i4")


def weights():
    rng = np.random.default_rng(11)
    return rng.normal(0, 0.5, (3, 6)).astype("f4"), rng.normal(0, 0.1, 3).astype("f4")


def in_mindspore(mindspore, mode, make, between=None, steps=STEPS):
    """Losses and last parameters of the guide's first block."""
    net, loss_fn = mindspore.nn.Dense(6, 3), mindspore.nn.CrossEntropyLoss()
    for parameter, value in zip(net.trainable_params(), weights(), strict=True):
        parameter.set_data(mindspore.Tensor(value))

    def forward_fn(x, label):
        logits = net(x)
        return loss_fn(logits, label), logits

    if mode == "jit forward":
        forward_fn = mindspore.jit(forward_fn)
    optimizer = make(net.trainable_params())
    grad_fn = mindspore.value_and_grad(forward_fn, None, optimizer.parameters, has_aux=True)
    if mode == "jit gradients":
        grad_fn = mindspore.jit(grad_fn)

    def train_step(x, label):
        (loss, _), grads = grad_fn(x, label)
        optimizer(grads)
        return loss

    losses = []
    for step in range(steps):
        if between:
            between(step, optimizer)
        losses.append(float(train_step(*map(mindspore.Tensor, data(step))).asnumpy()))
    return losses, [p.asnumpy().copy() for p in net.trainable_params()]


def in_torch(torch, make, between=None, steps=STEPS):
    """The same in torch."""
    net, loss_fn = torch.nn.Linear(6, 3), torch.nn.CrossEntropyLoss()
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), weights(), strict=True):
            parameter.copy_(torch.from_numpy(value))
    optimizer, losses = make(net.parameters()), []
    for step in range(steps):
        if between:
            between(step, optimizer)
        x, label = map(torch.from_numpy, data(step))
        optimizer.zero_grad()
        loss = loss_fn(net(x), label.long())
        loss.backward()
        optimizer.step(lambda loss=loss: loss) if type(optimizer).__name__ == "LBFGS" else optimizer.step()
        losses.append(loss.item())
    return losses, [p.detach().numpy().copy() for p in net.parameters()]


def assert_same(ours, theirs):
    assert ours[0] == pytest.approx(theirs[0], rel=2e-5)
    for mine, told in zip(ours[1], theirs[1], strict=True):
        assert np.abs(mine - told).max() <= 2e-5 * np.abs(told).max()


MISSING = {
    "NAdam": ({"learning_rate": 0.05, "weight_decay": 0.01}, {"lr": 0.05, "weight_decay": 0.01}),
    "RAdam": ({"learning_rate": 0.05, "weight_decay": 0.01}, {"lr": 0.05, "weight_decay": 0.01}),
    "LBFGS": ({"learning_rate": 0.5}, {"lr": 0.5, "max_iter": 1}),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MISSING)
def test_the_three_that_are_missing(mindspore, torch, name, mode):
    """The path of torch.optim."""
    ours, theirs = MISSING[name]
    assert_same(
        in_mindspore(mindspore, mode, lambda params: getattr(nn, name)(params, **ours)),
        in_torch(torch, lambda params: getattr(torch.optim, name)(params, **theirs)),
    )


def test_lbfgs_with_a_closure(mindspore, torch):
    """MindSpore's value_and_grad is the closure; up to 20 iterations in one call, with a line search."""
    net, loss_fn = mindspore.nn.Dense(6, 3), mindspore.nn.CrossEntropyLoss()
    for parameter, value in zip(net.trainable_params(), weights(), strict=True):
        parameter.set_data(mindspore.Tensor(value))
    x, label = map(mindspore.Tensor, data(0))
    optimizer = nn.LBFGS(net.trainable_params(), line_search_fn="strong_wolfe")
    grad_fn = mindspore.value_and_grad(lambda: loss_fn(net(x), label), None, optimizer.parameters)
    optimizer(grad_fn)

    twin = torch.nn.Linear(6, 3)
    with torch.no_grad():
        for parameter, value in zip(twin.parameters(), weights(), strict=True):
            parameter.copy_(torch.from_numpy(value))
    other = torch.optim.LBFGS(twin.parameters(), line_search_fn="strong_wolfe")

    def closure():
        other.zero_grad()
        given, wanted = map(torch.from_numpy, data(0))
        loss = torch.nn.functional.cross_entropy(twin(given), wanted.long())
        loss.backward()
        return loss

    before = closure().item()
    other.step(closure)
    reached, told = float(grad_fn()[0].asnumpy()), closure().item()
    assert told < before / 10 and reached == pytest.approx(told, abs=1e-2 * before)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["SGD", "NAdam"])
def test_a_lambda_schedule(mindspore, torch, name, mode):
    """torch's LambdaLR writes 0.05 · factor(step); here the function gives the rate itself."""

    def factor(step):
        return 1 / (1 + step // 3)

    def scheduled(params):
        optimizer = getattr(torch.optim, name)(params, lr=0.05)
        scheduled.rate = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return optimizer

    ours = in_mindspore(mindspore, mode, lambda params: getattr(nn, name)(params, lambda step: 0.05 * factor(step)))
    theirs = in_torch(torch, scheduled, lambda step, optimizer: step and scheduled.rate.step())
    assert_same(ours, theirs)


@pytest.mark.parametrize("mode", MODES)
def test_the_rate_is_seen(mindspore, mode, capsys):
    seen = []

    def look(step, optimizer):
        seen.append(float(optimizer.get_lr().asnumpy()))
        assert optimizer.at(step)["lr"] == optimizer.current()["lr"]
        assert isinstance(optimizer.get_lr(), mindspore.Tensor)
        if step == 2:
            optimizer.print_lr()

    schedule = Linear(0.1, 0.02, steps=STEPS)
    in_mindspore(mindspore, mode, lambda params: nn.Momentum(params, schedule, 0.9), look)
    assert seen == pytest.approx([0.1 - 0.01 * step for step in range(STEPS)], rel=1e-6)
    assert capsys.readouterr().out == "Learning rate of group 0 is 8.0000e-02 (step 2).\n"


def assigned(mindspore):
    def between(step, optimizer):
        if step == 3:
            mindspore.ops.assign(optimizer.learning_rate, mindspore.Tensor(0.02, mindspore.float32))
            mindspore.ops.assign(optimizer.momentum, mindspore.Tensor(0.5, mindspore.float32))
        if step == 5:
            optimizer.weight_decay = 0.2

    return between


def by_set(mindspore):
    def between(step, optimizer):
        if step == 3:
            optimizer.set("learning_rate", 0.02)
            optimizer.set("momentum", 0.5)
        if step == 5:
            optimizer.set("weight_decay", 0.2)

    return between


@pytest.mark.parametrize("way", [assigned, by_set])
@pytest.mark.parametrize("mode", MODES)
def test_any_hyperparameter_changes_at_any_time(mindspore, torch, mode, way):
    def in_groups(step, optimizer):
        (group,) = optimizer.param_groups
        if step == 3:
            group["lr"], group["momentum"] = 0.02, 0.5
        if step == 5:
            group["weight_decay"] = 0.2

    ours = in_mindspore(
        mindspore, mode, lambda params: nn.SGD(params, 0.1, momentum=0.9, weight_decay=0.01), way(mindspore)
    )
    theirs = in_torch(torch, lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01), in_groups)
    assert_same(ours, theirs)


@pytest.mark.parametrize("mode", MODES)
def test_a_rate_is_changed_although_a_schedule_was_given(mindspore, torch, mode):
    """The guide: not possible in MindSpore."""

    def between(step, optimizer):
        if step == 4:
            optimizer.learning_rate = 0.03

    def in_groups(step, optimizer):
        optimizer.param_groups[0]["lr"] = 0.1 / (1 + step) if step < 4 else 0.03

    assert_same(
        in_mindspore(
            mindspore, mode, lambda params: nn.Adagrad(params, learning_rate=lambda step: 0.1 / (1 + step)), between
        ),
        in_torch(
            torch,
            lambda params: torch.optim.Adagrad(params, initial_accumulator_value=0.1, eps=0.0),
            in_groups,
        ),
    )


@pytest.mark.parametrize("mode", MODES)
def test_dynamic_weight_decay_of_the_guide(mindspore, torch, mode):
    """A Cell of real MindSpore's, in SGD, where MindSpore refuses it."""

    class ExponentialWeightDecay(mindspore.nn.Cell):
        def __init__(self, weight_decay, decay_rate, decay_steps):
            super().__init__()
            self.weight_decay, self.decay_rate, self.decay_steps = weight_decay, decay_rate, decay_steps

        def construct(self, global_step):
            p = global_step / self.decay_steps
            return self.weight_decay * mindspore.ops.pow(self.decay_rate, p)

    def in_groups(step, optimizer):
        optimizer.param_groups[0]["weight_decay"] = 0.5 * 0.1 ** (step / 4)

    decay = ExponentialWeightDecay(0.5, 0.1, 4)
    assert_same(
        in_mindspore(mindspore, mode, lambda params: nn.SGD(params, weight_decay=decay)),
        in_torch(torch, lambda params: torch.optim.SGD(params, lr=0.1), in_groups),
    )


def test_save_and_load_in_mid_training(mindspore, torch):
    """Parameters, moments and the clock go back to where they were saved."""
    import calando.mindspore as ms

    kept = []

    def between(step, optimizer):
        if step == 4:
            kept.append(ms.save_checkpoint(optimizer, "opt.ckpt") and ms.load_checkpoint("opt.ckpt"))
        if step == 6:
            assert ms.load_param_into_net(optimizer, kept[0])[0] == []
            assert optimizer.global_step.asnumpy().tolist() == [4]

    def make(params):
        return nn.Momentum(params, 0.1, 0.9)

    losses, _ = in_mindspore(mindspore, "jit forward", make, between, steps=10)
    straight, _ = in_mindspore(mindspore, "jit forward", make, steps=6)
    assert losses[:6] == pytest.approx(straight, rel=1e-6)
    again = []
    in_mindspore(mindspore, "PyNative", make, lambda step, optimizer: again.append(values_of(optimizer)), steps=5)
    assert kept[0]["weight"].asnumpy() == pytest.approx(again[4][0], rel=1e-4, abs=1e-6)


@pytest.fixture(params=[*MODES, "GRAPH_MODE"])
def any_mode(mindspore, request):
    """How the functions around the optimizer are compiled."""
    compiled = request.param == "GRAPH_MODE"
    mindspore.set_context(mode=mindspore.GRAPH_MODE if compiled else mindspore.PYNATIVE_MODE)
    yield "PyNative" if compiled else request.param
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)


def by_set_data(mindspore, parameters, found):
    for parameter in parameters:
        parameter.set_data(mindspore.Tensor(found[parameter.name]))


def by_assign(mindspore, parameters, found):
    for parameter in parameters:
        mindspore.ops.assign(parameter, mindspore.Tensor(found[parameter.name]))


def in_a_cell(mindspore, parameters):
    cell = mindspore.nn.Cell()
    for parameter in parameters:
        setattr(cell, parameter.name, parameter)
    return cell


def by_load_param_into_net(mindspore, parameters, found):
    stored = {name: mindspore.Parameter(mindspore.Tensor(value), name=name) for name, value in found.items()}
    assert mindspore.load_param_into_net(in_a_cell(mindspore, parameters), stored) == ([], [])


def by_load_checkpoint(mindspore, parameters, found):
    stored = [{"name": name, "data": mindspore.Tensor(value)} for name, value in found.items()]
    mindspore.save_checkpoint(stored, "weights.ckpt")
    mindspore.load_checkpoint("weights.ckpt", in_a_cell(mindspore, parameters))


def test_what_mindspore_loads_in_mid_training_takes_effect(mindspore, any_mode):
    """Its own functions exchange the memory of a parameter, from which compiled functions read on (MindSpore's
    optimizers stop training then, without a word). With an optimizer from here they do what ``ops.assign`` does."""
    ways = {2: by_set_data, 4: by_load_param_into_net, 6: by_load_checkpoint}

    def trained(ways):
        def between(step, optimizer):
            if step in ways:
                found = {p.name: 0.5 * p.asnumpy() + 0.125 * step for p in optimizer.parameters}
                ways[step](mindspore, optimizer.parameters, found)

        return in_mindspore(mindspore, any_mode, lambda params: nn.Momentum(params, 0.1, 0.9), between)

    losses, last = trained(ways)
    expected, values = trained(dict.fromkeys(ways, by_assign))
    assert losses == expected
    assert all(np.array_equal(mine, told) for mine, told in zip(last, values, strict=True))


def test_parameters_that_are_not_held_stay_mindspores_own(mindspore):
    """Another shape, another parameter: there set_data exchanges the memory as ever."""
    held = mindspore.Parameter(mindspore.Tensor(np.ones(3, "f4")), name="held")
    free = mindspore.Parameter(mindspore.Tensor(np.ones(3, "f4")), name="free")
    nn.SGD([held], 0.1)
    views = held.asnumpy(), free.asnumpy()
    for parameter in (held, free):
        parameter.set_data(mindspore.Tensor(np.full(3, 2, "f8")))
        assert parameter.asnumpy().tolist() == [2, 2, 2] and parameter.dtype == mindspore.float32
    assert [view.tolist() for view in views] == [[2, 2, 2], [1, 1, 1]]
    held.set_data(mindspore.Tensor(np.zeros(2, "f4")), slice_shape=True)
    assert held.shape == (2,)
    with pytest.raises(TypeError, match="Parameter data must be"):
        held.set_data("0")


def values_of(optimizer):
    return [p.asnumpy().copy() for p in optimizer.parameters]
