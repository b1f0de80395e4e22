"""What is said of lines beside the optimizer: averages of weights, optimizers of one's own, files of several."""

import pytest

from calando.migrate import HUMAN, Wish, migrate

HEAD = """import torch
from torch import nn
net, ema, head = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 1)
opt = torch.optim.Adam(net.parameters(), lr=0.1)
plan = torch.optim.Adam(head.parameters(), lr=0.1)
"""
STEP = """for x in [torch.ones(2, 3)] * 4:
    opt.zero_grad()
    plan.zero_grad()
    loss = head(net(x)).sum()
    loss.backward()
    opt.step()
    plan.step()
"""


def moved(text):
    """The result, and what is left to a human, by the line's text."""
    done = migrate({"s.py": (HEAD + STEP + text).encode()}, Wish(to="mindspore"))
    return done.results[0].after.decode(), {f.text: f.reason for f in done.findings if f.certainty == HUMAN}


MIXED = "weights are written by hand here"


@pytest.mark.parametrize(
    "line, told",
    [
        ("a.mul_(0.9).add_(b.data, alpha=0.1)", MIXED),
        ("a.data.copy_(0.9 * a.data + 0.1 * b.data)", MIXED),
        ("a.lerp_(b, 0.1)", MIXED),
        ("a.data.mul_(0.9)", MIXED),
        ("a.data = a.data * 0.9 + b.data * 0.1", MIXED),
        ("a.data.copy_(b.data)", ""),  # a copy is the network's
        ("averaged.update_parameters(net)", "MindSpore has no averages of weights"),
        ("executor.update_parameters(name='job', gpus=8)", ""),  # a cluster's
        ("default_opts.update(opts)", ""),  # settings
        ("lr_scheduler.update(3)", ".update of an optimizer or scheduler was not recognised"),
    ],
)
def test_a_line_is_named_if_it_has_to_do_with_the_training(line, told):
    _, left = moved(f"    for a, b in zip(ema.parameters(), net.parameters()):\n        {line}\n")
    assert left.get(line, "").startswith(told) and (line in left) == bool(told)


OWN = """
class Lookahead(torch.optim.Optimizer):
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.data.add_(p.grad, alpha=-group["lr"])
mine = Lookahead(ema.parameters(), {"lr": 0.1})
for x in [torch.ones(2, 3)] * 4:
    mine.zero_grad()
    ema(x).sum().backward()
    mine.step()
"""


def test_an_optimizer_of_ones_own_needs_a_human_wherever_it_is_used():
    _, left = moved(OWN)
    own = {text for text, reason in left.items() if reason.startswith("an optimizer or scheduler of the script's own")}
    assert {'Lookahead(ema.parameters(), {"lr": 0.1})', "mine.zero_grad()", "mine.step()"} <= own


FILES = """
stored = torch.load("first.pt")
net.load_state_dict(stored["net"])
if len(stored) > 1:
    stored = torch.load("second.pt")
    opt.load_state_dict(stored["opt"])
    plan.load_state_dict(stored["plan"])
torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "plan": plan.state_dict()}, "third.pt")
"""


def test_each_of_several_optimizers_in_a_file_gets_its_own_beside_it():
    after, _ = moved(FILES)
    for word, path in (("load", "second.pt"), ("save", "third.pt")):
        for name in ("opt", "plan"):
            assert f'calando.migrate.exact.{word}({name}, "{path}.{name}")' in after


MAIN = """import torch
from loop import train
net = torch.nn.Linear(3, 1)
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
scaler = torch.cuda.amp.GradScaler()
train(net, optimizer, scaler)
"""
LOOP = """import torch
def train(net, optimizer, scaler):
    for x in [torch.ones(2, 3)] * 4:
        optimizer.zero_grad()
        loss = net(x).sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
"""


def test_where_a_scaler_is_made_mindspore_is_imported():
    files = {"main.py": MAIN.encode(), "loop.py": LOOP.encode()}
    after = migrate(files, Wish(to="mindspore")).results[0].after.decode()
    assert "scaler = mindspore.amp.DynamicLossScaler" in after and "\nimport mindspore\n" in after


RATES = """import logging
import torch
logger = logging.getLogger("rates")
class Rates:
    def __call__(self, optimizer, step):
        self.put(optimizer, 0.1 / (step + 1))
    def put(self, optimizer, rate):
        for group in optimizer.param_groups:
            group["lr"] = rate
class HeadRates(Rates):
    def put(self, optimizer, rate):
        optimizer.param_groups[0]["lr"] = rate
        for i in range(1, len(optimizer.param_groups)):
            optimizer.param_groups[i]["lr"] = rate * 10
net = torch.nn.Linear(3, 1)
named = {}
params = net.named_parameters()
for name, p in params:
    named[name] = p
groups = [{"params": [p for n, p in named.items() if "bias" in n], "weight_decay": 0.0},
          {"params": [p for n, p in named.items() if "bias" not in n]}]
optimizer = torch.optim.SGD(groups, lr=0.1, weight_decay=0.1)
logger.info(optimizer)
rates = HeadRates()
for step in range(6):
    rates(optimizer, step)
    loss = net(torch.ones(2, 3)).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_a_method_that_a_subclass_writes_and_a_dictionary_filled_by_its_keys_are_followed():
    """The base calls ``self.put``, which is the subclass's."""
    done = migrate({"s.py": RATES.encode()}, Wish(to="mindspore"))
    after = done.results[0].after.decode()
    assert "param_groups" not in after and 'optimizer.set("lr", rate * 10, group=i)' in after
    assert [f.topic for f in done.findings if f.certainty == HUMAN] == ["network"]


TWICE = """
plan_rates = torch.optim.lr_scheduler.StepLR(opt, 2)
for epoch in range(4):
    if epoch < 2:
        plan_rates.step()
    else:
        plan_rates.step()
"""


@pytest.mark.parametrize(
    "style, reasons", [("exact", set()), ("guide", {"; --style exact keeps schedulers as objects"})]
)
def test_a_scheduler_that_is_stepped_in_two_places_is_named_with_the_way_out(style, reasons):
    done = migrate({"s.py": (HEAD + TWICE + STEP).encode()}, Wish(to="mindspore", style=style))
    told = "left whole: its scheduler, made in line 7, is stepped in 2 places (lines 10, 12)"
    found = {f.reason.removeprefix(told) for f in done.findings if told in f.reason and f.line == 4}
    assert found == reasons
