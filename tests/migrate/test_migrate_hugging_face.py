"""transformers' schedules in closed form, compared with the schedulers that it makes."""

import ast
import inspect

import pytest

from calando import schedules
from calando.lexicon import HUGGING_FACE
from calando.migrate import Wish, migrate

pytest.importorskip("transformers", reason="transformers is not installed: nothing to compare with")
import transformers

CALLS = [
    "get_linear_schedule_with_warmup(opt, 3, TOTAL)",
    "get_linear_schedule_with_warmup(opt, num_warmup_steps=0, num_training_steps=TOTAL)",
    "get_cosine_schedule_with_warmup(opt, num_training_steps=TOTAL, num_warmup_steps=5)",
    "get_constant_schedule(opt)",
    "get_constant_schedule_with_warmup(opt, 4)",
    "get_constant_schedule_with_warmup(optimizer=opt, num_warmup_steps=0)",
    "get_polynomial_decay_schedule_with_warmup(opt, 2, TOTAL, lr_end=1e-3, power=2.0)",
    "get_scheduler('linear', opt, 3, TOTAL)",
    "get_scheduler(name='cosine', optimizer=opt, num_warmup_steps=3, num_training_steps=TOTAL)",
    "get_scheduler('constant_with_warmup', opt, num_warmup_steps=3)",
]
SCRIPT = """import torch
from transformers import *
net = torch.nn.Linear(2, 1)
TOTAL = 20
opt = torch.optim.SGD(net.parameters(), lr=0.1)
plan = CALL
for step in range(TOTAL):
    opt.zero_grad()
    loss = net(torch.ones(1, 2)).sum()
    loss.backward()
    opt.step()
    plan.step()
"""


def migrated(call, to):
    text = SCRIPT.replace("CALL", call).replace("import *", f"import {call.partition('(')[0]}")
    return migrate({"s.py": text.encode()}, Wish(to=to))


def theirs(call, torch):
    """The rates that transformers' own scheduler sets, at each of 20 updates."""
    opt = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    plan = eval(f"transformers.{call}", {"transformers": transformers, "opt": opt, "TOTAL": 20})
    found = []
    for _ in range(20):
        found.append(plan.get_last_lr()[0])
        opt.step()
        plan.step()
    return found


@pytest.mark.parametrize("call", CALLS)
def test_a_schedule_is_transformers_own(call, torch):
    """The rates of the result, run with calando's optimizer."""
    text = migrated(call, "calando").results[0].after.decode()
    assert "plan.step()" not in text
    names = {"schedules": schedules, "rates": []}
    exec(text.replace("    opt.step()\n", "    rates.append(opt.param_groups[0]['lr'])\n    opt.step()\n"), names)
    assert names["rates"] == pytest.approx(theirs(call, torch), rel=1e-12, abs=1e-15)


class Made:
    """An optimizer of MindSpore's manners that shows the rate it was made with."""

    def current(self):
        return [{"lr": 0.1}]


@pytest.mark.parametrize("call", CALLS)
def test_mindspore_gets_the_same_rates(call, torch):
    text = migrated(call, "mindspore").results[0].after.decode()
    assert "plan.step()" not in text
    rate = next(
        value
        for node in ast.walk(ast.parse(text))
        for value in (
            getattr(node, "value", None) if ast.unparse(getattr(node, "targets", [node])[0]) == "learning_rates" else
            node.args[1] if isinstance(node, ast.Call) and ast.unparse(node.func) == "opt.set" else
            node.value if isinstance(node, ast.keyword) and node.arg == "learning_rate" else None,
        )
        if value is not None and not isinstance(value, (ast.Name, ast.Constant))
    )  # fmt: skip
    held = eval(ast.unparse(rate), {"schedules": schedules, "TOTAL": 20, "opt": Made()})
    rates = held[:20] if isinstance(held, list) else [held(step) for step in range(20)]
    assert rates == pytest.approx(theirs(call, torch), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    "call, why",
    [
        ("get_scheduler(kind, opt, 3, TOTAL)", "only known when it runs"),
        ("get_scheduler('linear', opt)", "is not told how many steps there are"),
        ("get_cosine_schedule_with_warmup(opt, 3, TOTAL, num_cycles=1.5)", "num_cycles"),
    ],
)
def test_what_is_not_written_stays_and_says_why(call, why):
    told = [f.reason for f in migrated(call, "calando").findings if f.topic == "scheduler"]
    assert any("stays PyTorch's" in reason and why in reason for reason in told), told


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_the_table_of_arguments_is_transformers_own(name):
    found = inspect.signature(getattr(transformers, name)).parameters
    known = {key: each.default for key, each in found.items() if key not in ("optimizer", "last_epoch")}
    assert list(HUGGING_FACE[name]) == list(known)
    assert all(HUGGING_FACE[name][key] == value for key, value in known.items() if value is not inspect.Parameter.empty)
