"""Steps whose gradients are cleared, or changed, in other functions and scripts: nothing of that is lost unsaid."""

import pytest

from calando.migrate import HUMAN, Wish, migrate

MODEL = """
import torch
class GPT(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Linear(4, 1)
    def forward(self, x):
        return self.body(x)
    def configure_optimizers(self, rate):
        return torch.optim.AdamW(self.parameters(), lr=rate)
"""
BENCH = """
import torch
from model import GPT
model = GPT()
optimizer = model.configure_optimizers(1e-3)
for k in range(4):
    loss = model(torch.randn(2, 4)).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
"""
TRAIN = """
import torch
from model import GPT
model = GPT()
optimizer = model.configure_optimizers(1e-3)
for turn in range(4):
    for micro_step in range(2):
        loss = model(torch.randn(2, 4)).mean() / 2
        loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
"""


def test_each_script_clears_its_own_gradients():
    """Both step what one factory makes: gradients that one gathers are dropped where it dropped them."""
    files = {"model.py": MODEL, "bench.py": BENCH, "train.py": TRAIN}
    done = migrate({name: text.encode() for name, text in files.items()}, Wish(to="mindspore"))
    after = {result.name: result.after.decode() for result in done.results}
    assert after["train.py"].rstrip().endswith("optimizer(grads)\n    grads = None")
    assert "zero_grad" not in after["bench.py"] + after["train.py"]


STEP = """
import torch
from torch import nn
{head}
net = nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x in [torch.randn(5, 4)] * 3:
    optimizer.zero_grad()
    loss = net(x).mean()
    loss.backward()
    {call}
    optimizer.step()
"""
CLIP = """
def clip_gradient(model, most):
    for p in model.parameters():
        if p.requires_grad:
            p.grad.mul_(most)
"""
LIMIT = """
def limit(model):
    for part in (model,):
        torch.nn.utils.clip_grad_norm_(part.parameters(), 0.1)
def tame(model):
    limit(model)
"""
NAMED = """
def put(model, values, what):
    attr = "data" if what == "params" else "grad"
    for p, value in zip(model.parameters(), values):
        getattr(p, attr).copy_(value)
def average(model):
    put(model, [torch.zeros(1)] * 9, "grads")
"""


@pytest.mark.parametrize(
    "head, call, why",
    [
        (LIMIT, "tame(net)", "changes the gradients in step.py, line 7"),
        (NAMED, "average(net)", "changes the gradients in step.py, line 8"),
        (CLIP, "clip_gradient(net, 10.0)", "changes the gradients in step.py, line 8"),
        ("from tools import mpi_avg_grads", "mpi_avg_grads(net)", "changes the gradients in a function that is not"),
    ],
)
def test_gradients_that_another_function_changes_leave_a_step_alone(head, call, why):
    done = migrate({"step.py": STEP.format(head=head, call=call).encode()}, Wish(to="mindspore"))
    assert not done.results[0].changed
    assert [f for f in done.findings if f.certainty == HUMAN and why in f.reason], [str(f) for f in done.findings]


def test_a_network_that_is_given_to_unknown_code_between_backward_and_step_is_shown():
    text = STEP.format(head="from tools import debug, log", call="debug.show(net.named_parameters()); log(loss)")
    done = migrate({"step.py": text.encode()}, Wish(to="mindspore"))
    found = [f for f in done.findings if "hold no gradients here" in f.reason]
    assert [(f.line, f.certainty, f.text) for f in found] == [(11, HUMAN, "debug.show(net.named_parameters())")]


NETS = """
import torch
from torch import nn
archs = {"g": lambda: nn.Linear(2, 3), "d": lambda: nn.Linear(3, 1)}
def resumed(model, optimizer):
    return model, optimizer
def define(g_model, d_model):
    g_optimizer = torch.optim.Adam(g_model.parameters(), 0.01)
    d_optimizer = torch.optim.Adam(d_model.parameters(), 0.01)
    return g_optimizer, d_optimizer
def train(g_model, d_model, g_optimizer, d_optimizer):
    for real in [torch.ones(4, 3)] * 5:
        g_model.zero_grad()
        fake = g_model(torch.randn(4, 2))
        g_loss = d_model(fake).mean()
        g_loss.backward()
        g_optimizer.step()
        d_model.zero_grad()
        d_real = -d_model(real).mean()
        d_real.backward()
        d_fake = torch.relu(d_model(fake.detach())).mean()
        d_fake.backward()
        d_optimizer.step()
g_model, d_model = archs["g"](), archs["d"]()
g_optimizer, d_optimizer = define(g_model, d_model)
g_model, g_optimizer = resumed(g_model, g_optimizer)
d_model, d_optimizer = resumed(d_model, d_optimizer)
train(g_model, d_model, g_optimizer, d_optimizer)
"""


def test_gathered_gradients_are_dropped_though_one_function_returns_both_networks():
    """``resumed`` gives either back, so only their names tell whose gradients are cleared."""
    after = migrate({"gan.py": NETS.encode()}, Wish(to="mindspore")).results[0].after.decode()
    lines = [line for line in after.splitlines() if line.strip() == "d_optimizer_grads = None"]
    assert (
        lines == ["    d_optimizer_grads = None", "        d_optimizer_grads = None"]
        and "g_optimizer_grads = None" not in after
    )
    assert after.index(lines[1]) > after.index("g_optimizer(g_optimizer_grads)")


WHOLE = """
import torch
from torch import nn
class Both(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
    def forward(self, x):
        return self.decoder(self.encoder(x)).mean()
def create(nets):
    encoder, decoder = nets
    return torch.optim.SGD(encoder.parameters(), lr=0.1), torch.optim.SGD(decoder.parameters(), lr=0.01)
def train(module, optimizers):
    for i in range(10):
        module.zero_grad()
        loss = module(torch.randn(3, 4))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
encoder, decoder = nn.Linear(4, 2), nn.Linear(2, 1)
train({module}(encoder, decoder), create((encoder, decoder)))
"""


def test_a_network_that_keeps_the_others_clears_their_gradients():
    done = migrate({"both.py": WHOLE.format(module="Both").encode()}, Wish(to="mindspore"))
    assert b"zero_grad" not in done.results[0].after and b"grads = iter(grads)" in done.results[0].after
    unknown = migrate({"both.py": WHOLE.format(module="__import__('far').Both").encode()}, Wish(to="mindspore"))
    assert not unknown.results[0].changed
    assert [f for f in unknown.findings if "whose gradients line 15 clears was not found" in f.reason]


CHOSEN = """
import torch
from functools import partial
from torch import optim
from torch.optim import Adam
net = torch.nn.Linear(3, 1)
if len("8bit") > 4:
    import bitsandbytes as bnb
    optimizer_class = bnb.optim.AdamW8bit
else:
    optimizer_class = torch.optim.AdamW
table = {"adam": Adam, "sgd": partial(optim.SGD, momentum=0.9)}
def build(params, cls=optim.Adamax):
    return cls(params, lr=0.1)
made = [optimizer_class(net.parameters(), lr=0.1), table["sgd"](net.parameters(), lr=0.1), build(net.parameters())]
made.append((optim.Adagrad if len(made) > 9 else optim.RMSprop)(net.parameters(), lr=0.01))
assert not any(isinstance(each, (torch.optim.LBFGS, optim.SGD)) for each in made[2:])
for each in made:
    each.zero_grad()
    net(torch.ones(2, 3)).sum().backward()
    each.step()
names = [type(each).__module__.partition(".")[0] for each in made]
"""


def test_classes_that_are_chosen_when_it_runs_are_calandos(torch):
    done = migrate({"chosen.py": CHOSEN.encode()}, Wish(to="calando"))
    after = done.results[0].after.decode()
    held: dict = {}
    exec(after, held)  # it is the script above
    assert held["names"] == ["calando"] * 4
    assert "isinstance(each, (torch.optim.LBFGS, optim.SGD))" in after
    assert migrate({"chosen.py": after.encode()}, Wish(to="calando")).results[0].after.decode() == after
