"""One road after the other: PyTorch to calando to MindSpore, and MindSpore to calando to PyTorch."""

import re

import pytest

import programs
from calando.migrate import HUMAN, Wish, migrate
from calando.migrate.prove.compare import loop, rates, weights

OUT = [name for name in programs.TORCH if name not in programs.LEFT["mindspore"]]
BACK = ("m18_value_and_grad_cosine_list", "m20_group_params_order", "m24_assign_lr_every_epochs")
RUN = ("t04_groups_nodecay_nesterov_multistep", "t08_onecycle_momentum", "t15_trainer_class_rmsprop_by_name", *BACK[2:])


def chained(name):
    """What a program becomes on both roads, and what the second one found."""
    half = programs.migrated(name, "calando").results[0].after
    done = migrate({f"{name}.py": half}, Wish(to="mindspore" if name in OUT else "torch"))
    return done.results[0].after, done.findings


@pytest.mark.parametrize("name", [*OUT, *BACK])
def test_nothing_is_left_that_one_road_takes(name):
    after, found = chained(name)
    assert not [f for f in found if f.certainty == HUMAN and "left whole" in f.reason]
    half = rb"calando\.torch\.[A-Z]" if name in OUT else rb"calando\.mindspore\.nn\.[A-Z]"
    assert not re.search(half, after)
    for module in re.findall(rb"^import (calando\.[\w.]+)$", after, re.M):
        assert module + b"." in after, module  # no import that the first road brought and nothing uses


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    found = {}
    for own, bridge, names in (("torch", "lend", RUN[:3]), ("mindspore", "loan", RUN[3:])):
        pairs = {name: (programs.source(name), chained(name)[0]) for name in names}
        found |= programs.played(tmp_path_factory.mktemp(own), pairs, own, bridge)
    return found


@pytest.mark.parametrize("name", RUN)
def test_both_ends_train_the_same(name, runs):
    source, replayed, free = runs[name]
    for level in (rates(source, replayed), weights(source, replayed, 2, "", 1e-6), loop(source, free)):
        assert level.holds, level.text


def test_what_calando_alone_has_is_not_dropped():
    text = programs.SCRIPT.replace(
        b"optim.SGD(model.parameters(), lr=0.1)", b"CT.SGD(model.parameters(), lr=0.1, max_norm=1.0)"
    )
    text = text.replace(b"import torch\n", b"import torch\nimport calando.torch as CT\n", 1)
    done = migrate({"a.py": text}, Wish(to="mindspore"))
    assert done.results[0].after == text
    assert any("max_norm is calando's own" in finding.reason for finding in done.findings)
