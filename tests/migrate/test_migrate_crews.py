"""Optimizers of one function, class or network: all of them are rewritten for MindSpore, or none is."""

import pytest

import real
from calando.migrate import HUMAN, Wish, migrate

LEFT = ["adam_then_lbfgs", "own_optimizer_beside", "sac_temperature", "by_name"]


@pytest.mark.parametrize("style", ["exact", "guide"])
@pytest.mark.parametrize("name", LEFT)
def test_a_script_is_not_rewritten_by_halves(name, style):
    """One of its optimizers has no counterpart, is the script's own, or is chosen when it runs."""
    (result,) = real.migrated(name, "mindspore", style).results
    assert result.after == result.before


def test_the_others_say_which_one_keeps_them():
    told = {f.line: f.reason for f in real.migrated("adam_then_lbfgs", "mindspore").findings if f.topic == "optimizer"}
    assert "MindSpore has no LBFGS" in told[11]
    assert told[10].startswith(
        "left whole: it goes with the optimizer of line 11, which is left: MindSpore has no LBFGS"
    )


TWO = """import torch
from torch import nn
first, second = nn.Linear(2, 1), nn.Linear(2, 1)
def fit(net, opt):
    x = torch.ones(1, 2)
    opt.zero_grad()
    loss = net(x).sum()
    loss.backward()
    opt.step()
def quick():
    fit(first, torch.optim.SGD(first.parameters(), lr=0.1))
def slow():
    opt = torch.optim.LBFGS({net}.parameters())
    def closure():
        opt.zero_grad()
        loss = {net}(torch.ones(1, 2)).sum()
        loss.backward()
        return loss
    opt.step(closure)
quick()
slow()
"""


@pytest.mark.parametrize("net, changed", [("second", True), ("first", False)])
def test_optimizers_of_one_network_go_together(net, changed):
    done = migrate({"two.py": TWO.replace("{net}", net).encode()}, Wish(to="mindspore"))
    assert done.results[0].changed is changed
    left = {f.line for f in done.findings if f.certainty == HUMAN and f.reason.startswith("left whole")}
    assert left == ({13} if changed else {11, 13})
