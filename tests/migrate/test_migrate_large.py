"""Large files: twice the lines are twice the work, however names collide. Counted in function calls, not in seconds."""

import cProfile
import pstats

import pytest

from calando.migrate import HUMAN, REWRITTEN, Wish, migrate, patience
from calando.migrate.lint import lint

FLAT = """\
import torch
from torch import nn
torch.manual_seed({n})
encoder = nn.Linear(3, 4)
head = nn.Linear(4, 1)
def batch(k):
    return torch.randn(8, 3) * k, torch.randn(8, 1)
params = list(encoder.parameters())
params += list(head.parameters())
optimizer = torch.optim.Adam(params, lr=1e-{n})
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
for epoch in range(3):
    for turn in range(4):
        x, y = batch(turn)
        encoder.zero_grad()
        head.zero_grad()
        loss = ((head(encoder(x)) - y) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
    scheduler.step()
    group = optimizer.param_groups[0]
    print(group["lr"], loss.detach())
"""
FUNCTION = """\
def train_{n}(model, loader, epochs=3):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
    for epoch in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
"""
CLASS = """\
class Trainer{n}:
    def __init__(self, model):
        self.model = model
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = nn.functional.mse_loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
"""
THEIRS = """\
network = nn.Dense(3, {n})
steps = dataset.get_dataset_size()
lr = nn.cosine_decay_lr(0.0, 0.1, 3 * steps, steps, 3)
optimizer = nn.Momentum(network.trainable_params(), lr, 0.9, weight_decay=1e-4)
def forward_fn(x, y):
    return loss_fn(network(x), y)
grad_fn = ms.value_and_grad(forward_fn, None, optimizer.parameters)
for epoch in range(3):
    for x, y in dataset.create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        grads = ops.clip_by_global_norm(grads, 1.0)
        optimizer(grads)
    print(epoch, loss.asnumpy())
"""
THEIR_FUNCTION = """\
def train_{n}(network, dataset, loss_fn, epochs=3):
    optimizer = nn.Adam(network.trainable_params(), 1e-3)
    grad_fn = ms.value_and_grad(lambda x, y: loss_fn(network(x), y), None, optimizer.parameters)
    for epoch in range(epochs):
        for x, y in dataset.create_tuple_iterator():
            loss, grads = grad_fn(x, y)
            optimizer(grads)
"""
THEIR_CLASS = """\
class Trainer{n}(nn.Cell):
    def __init__(self, network, lr):
        super().__init__()
        self.network = network
        self.optimizer = nn.Adam(network.trainable_params(), lr)
        self.grad_fn = ms.value_and_grad(self.forward, None, self.optimizer.parameters)
    def forward(self, x, y):
        return nn.MSELoss()(self.network(x), y)
    def construct(self, x, y):
        loss, grads = self.grad_fn(x, y)
        self.optimizer(grads)
        return loss
trainer{n} = Trainer{n}(nn.Dense(3, {n}), 0.1)
"""
THEIR_HEAD = "import mindspore as ms\nfrom mindspore import nn, ops\n"
HEAD = "import torch\nfrom torch import nn\n"


def script(part, times):
    head = THEIR_HEAD if "ms." in part else HEAD
    return (head + "".join(part.format(n=n) for n in range(1, times + 1))).encode()


def work(data, to):
    """The calls of functions that a migration makes."""
    watched = cProfile.Profile()
    done = watched.runcall(migrate, {"train.py": data}, Wish(to=to))
    return pstats.Stats(watched).total_calls, done  # type: ignore[attr-defined]


@pytest.mark.parametrize("to", ["mindspore", "calando"])
@pytest.mark.parametrize("part", [FLAT, FUNCTION, CLASS], ids=["joined", "functions", "classes"])
def test_twice_the_lines_are_twice_the_work(part, to):
    work(script(part, 1), to)  # imports
    once, _ = work(script(part, 12), to)
    twice, done = work(script(part, 24), to)
    assert twice < 2.2 * once
    assert not [f for f in done.findings if f.certainty == HUMAN and "optim" in f.text and "left whole" in f.reason]


def test_each_of_joined_scripts_is_rewritten_by_itself():
    done = migrate({"train.py": script(FLAT, 3)}, Wish(to="mindspore"))
    made = [f for f in done.findings if f.certainty == REWRITTEN and "torch.optim.Adam(" in f.text]
    assert len(made) == 3
    assert done.results[0].after.count(b"calando.mindspore.torch_optim.Adam(") == 3


@pytest.mark.parametrize("part", [THEIRS, THEIR_FUNCTION, THEIR_CLASS], ids=["joined", "functions", "classes"])
def test_so_it_is_from_mindspore(part):
    work(script(part, 1), "torch")
    once, _ = work(script(part, 12), "torch")
    twice, done = work(script(part, 24), "torch")
    assert twice < 2.2 * once
    made = [f for f in done.findings if f.certainty == REWRITTEN and "follows the same path" in f.reason]
    assert len(made) == 24


@pytest.mark.parametrize("part", [FLAT, FUNCTION, CLASS, THEIRS, THEIR_FUNCTION, THEIR_CLASS])
def test_so_it_is_to_look_for_mistakes(part):
    def looked(times):
        watched = cProfile.Profile()
        watched.runcall(lint, {"train.py": script(part, times)})
        return pstats.Stats(watched).total_calls

    looked(1)
    assert looked(24) < 2.2 * looked(12)


@pytest.mark.parametrize("to", ["mindspore", "calando", "torch", "lint"])
def test_what_takes_too_long_is_refused_with_one_sentence(to, monkeypatch):
    monkeypatch.setattr(patience, "SECONDS", -1.0)
    monkeypatch.setattr(patience, "LONG", 30)
    data = script(THEIRS if to == "torch" else FUNCTION, 9)
    with pytest.raises(patience.TooLarge, match=r"train.py: its \d+ lines take longer than .* nothing was written"):
        lint({"train.py": data}) if to == "lint" else migrate({"train.py": data}, Wish(to=to))
    monkeypatch.setattr(patience, "LONG", 3000)
    assert migrate({"train.py": data}, Wish(to=to if to != "lint" else "calando")).results[0].changed


def test_optimizers_that_go_together_are_not_waited_for_all_at_once(monkeypatch):
    """Nine optimizers of one script are rewritten together, and the time is looked at before each."""
    asked = []
    monkeypatch.setattr(patience.Patience, "ask", lambda self: asked.append(self))
    assert migrate({"train.py": script(FLAT, 9)}, Wish(to="mindspore")).results[0].changed
    assert len(asked) > 9
