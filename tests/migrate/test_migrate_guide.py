"""The guide's style: what it writes runs on MindSpore, has the source's rates, and is equal where it says so."""

import pytest

import programs
import real
from calando.migrate import CHECK, HUMAN, Wish, migrate
from calando.migrate.prove.compare import rates, weights

NAMES = programs.rewritten("mindspore")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Every program and what the guide's style makes of it, run in one process."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    pairs = {name: (programs.source(name), after(name)) for name in NAMES}
    return programs.played(tmp_path_factory.mktemp("guide"), pairs, "torch", "lend")


def after(name):
    return programs.migrated(name, "mindspore", "guide").results[0].after


def unequal(name):
    """What is said of optimizers whose formula is another."""
    found = programs.migrated(name, "mindspore", "guide").findings
    return [finding for finding in found if finding.certainty == CHECK and "is not equal" in finding.reason]


@pytest.mark.parametrize("name", NAMES)
def test_every_program_is_written_as_the_guide_does(name):
    done = programs.migrated(name, "mindspore", "guide")
    assert b"mindspore.nn." in done.results[0].after and b"torch_optim" not in done.results[0].after
    assert not [f for f in done.findings if f.certainty == HUMAN and "left whole" in f.reason]
    told = [f.reason for f in done.findings if f.topic == "optimizer"]
    assert all("is not equal" in reason or "follows the same path" in reason for reason in told) and told


@pytest.mark.parametrize("name", NAMES)
def test_the_rates_are_those_of_the_source(name, runs):
    source, replayed, free = runs[name]
    assert replayed.problem == free.problem == ""
    for result in (replayed, free):
        level = rates(source, result)
        assert level.holds, level.text


@pytest.mark.parametrize("name", [name for name in NAMES if not unequal(name)])
def test_weights_are_equal_where_nothing_else_is_said(name, runs):
    source, replayed, _ = runs[name]
    level = weights(source, replayed, 2, "", 1e-6)
    assert level.holds, level.text


SCALER = """import torch
from timm.utils import NativeScaler

def train_one_epoch(model, loader, optimizer, loss_scaler):
    for x, y in loader:
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss_scaler(loss, optimizer, clip_grad=1.0, parameters=model.parameters())

model = torch.nn.Linear(2, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
train_one_epoch(model, [(torch.ones(1, 2), torch.ones(1, 1))], optimizer, NativeScaler())
"""


@pytest.mark.parametrize("to", ["calando", "mindspore"])
@pytest.mark.parametrize("style", ["exact", "guide"])
def test_a_loss_scaler_that_is_called_is_spoken_of(to, style):
    done = migrate({"t.py": SCALER.encode()}, Wish(to=to, style=style))
    found = {finding.line: finding.reason for finding in done.findings if finding.certainty == HUMAN}
    assert "the update happen inside it" in found[8] and "timm makes or drives" in found[12]


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("trainer_class", "range((2 * self.epochs * len(self.train_loader)) + 1)"),  # train() is called twice
        ("params_handed_over", '[{"params": list(filter_fn), "weight_decay": weight_decay}]'),
        ("lambda_per_group", "calando.migrate.assigned.apart("),
    ],
)
def test_lists_are_long_enough_and_iterators_become_lists(name, wanted):
    assert wanted in real.migrated(name, "mindspore", "guide").results[0].after.decode()


@pytest.fixture
def network(torch):
    """Two layers of MindSpore's, and what their parameters are called in groups."""
    mindspore = pytest.importorskip("mindspore", reason="MindSpore is not installed")
    net = mindspore.nn.SequentialCell(mindspore.nn.Dense(3, 2), mindspore.nn.Dense(2, 1))
    params = net.trainable_params()
    return mindspore, [{"params": params[::2]}, {"params": params[1::2], "weight_decay": 0.0}]


def moved(mindspore, optimizer):
    """How far one update on gradients of one moves each parameter."""
    before = [p.asnumpy().copy() for p in optimizer.parameters]
    optimizer(tuple(mindspore.ops.ones_like(p) for p in optimizer.parameters))
    return [float(abs(p.asnumpy() - b).max()) for p, b in zip(optimizer.parameters, before, strict=True)]


def test_groups_apart_move_by_their_own_numbers_compiled(network):
    """MindSpore compiles its optimizers, and what is assigned afterwards takes effect."""
    from calando.migrate import assigned

    mindspore, groups = network
    for group in groups:
        for param in group["params"]:
            param.set_data(mindspore.ops.ones_like(param))
    optimizer = mindspore.nn.Momentum(assigned.decaying(assigned.apart(groups, 0.1), 0.0), 0.1, momentum=0.0)
    assert moved(mindspore, optimizer) == pytest.approx([0.1] * 4, rel=1e-5)
    assigned.put(optimizer, "lr", 0.25, group=1)
    assert moved(mindspore, optimizer) == pytest.approx([0.1, 0.1, 0.25, 0.25], rel=1e-5)
    assigned.put(optimizer, "weight_decay", 2.0, group=0)
    assert [g["weight_decay"] for g in assigned.groups(optimizer)] == [2.0, 0.0]
    decayed = 0.1 * (1.0 + 2.0 * 0.8)  # the weights are 0.8 after two updates
    assert moved(mindspore, optimizer) == pytest.approx([decayed, decayed, 0.25, 0.25], rel=1e-5)


def test_what_cannot_be_assigned_is_refused(network):
    from calando import schedules
    from calando.migrate import assigned

    mindspore, groups = network
    shared = mindspore.nn.Adam(groups, learning_rate=0.1)
    with pytest.raises(ValueError, match="Adam: its groups share one lr"):
        assigned.put(shared, "lr", 0.2, group=0)
    with pytest.raises(ValueError, match="Adam: its 'weight_decay' is no Parameter"):
        assigned.put(shared, "weight_decay", 0.2)
    with pytest.raises(ValueError, match="'momentum' is no Parameter"):
        assigned.Scheduler(shared, lambda lr: schedules.Exponential(lr, 0.5), momentum=schedules.Constant(0.9, steps=3))
    listed = mindspore.nn.Adam(groups[0]["params"], learning_rate=[0.1, 0.2])
    with pytest.raises(ValueError, match="'lr' is no Parameter"):
        assigned.Scheduler(listed, lambda lr: schedules.Exponential(lr, 0.5))


def test_a_scheduler_that_assigns_goes_on_where_its_state_was_taken(network):
    from calando import schedules
    from calando.migrate import assigned

    mindspore, groups = network
    optimizer = mindspore.nn.Adam(groups, learning_rate=0.5)
    scheduler = assigned.Scheduler(optimizer, lambda lr: schedules.Exponential(lr, 0.5))
    scheduler.step()
    state = scheduler.state_dict()
    scheduler.step()
    assert float(optimizer.get_lr().asnumpy()) == 0.125 == scheduler.get_last_lr()[0]
    scheduler.load_state_dict(state)
    assert float(optimizer.get_lr().asnumpy()) == 0.25
    scheduler.step(0)
    assert float(optimizer.get_lr().asnumpy()) == 0.5
