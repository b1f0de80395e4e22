"""Large files: twice the lines are twice the work, however names collide. Counted in function calls, not in seconds."""

import cProfile
import pstats

import pytest

from calando.migrate import HUMAN, REWRITTEN, Wish, migrate

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
HEAD = "import torch\nfrom torch import nn\n"


def script(part, times):
    return (HEAD + "".join(part.format(n=n) for n in range(1, times + 1))).encode()


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
