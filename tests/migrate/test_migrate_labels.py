"""Groups with keys of a script's own, and with PyTorch's words, on optimizers in MindSpore's manners."""

import pytest

from calando.migrate import HUMAN, Wish, migrate

HEAD = b"import torch\nfrom torch import nn, optim\nnet = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))\n"
STEP = b"""for i in range(4):
    opt.zero_grad()
    loss = net(torch.ones(1, 2)).sum()
    loss.backward()
    opt.step()
"""


@pytest.fixture(scope="module")
def library(mindspore):
    from calando.migrate import labelled
    from calando.mindspore import torch_optim

    return labelled, torch_optim


def parameters(mindspore):
    return [mindspore.Parameter(mindspore.Tensor([1.0, 2.0]), name=name) for name in "ab"]


def test_numbers_are_set_and_other_keys_are_kept(library, mindspore):
    labelled, torch_optim = library
    a, b = parameters(mindspore)
    groups = [{"params": iter([a]), "lr_scale": 0.5, "betas": (0.8, 0.9)}, {"params": [b], "name": "head"}]
    optimizer = labelled.of(torch_optim.AdamW)(groups, learning_rate=0.1)
    for group in labelled.groups(optimizer):
        group["lr"] = 0.4 * group.get("lr_scale", 1.0)
        group["seen"] = True
    shown = labelled.groups(optimizer)
    assert [group["lr"] for group in shown] == [0.2, 0.4] == [row["lr"] for row in optimizer.current()]
    assert [row["beta1"] for row in optimizer.current()] == [0.8, 0.9]
    assert [group.get("name") for group in shown] == [None, "head"] and all(group["seen"] for group in shown)
    assert [group["initial_lr"] for group in shown] == [0.1, 0.1]


def test_numbers_of_updates_made(library, mindspore):
    labelled, torch_optim = library
    a, b = parameters(mindspore)
    optimizer = labelled.of(torch_optim.RMSprop)(
        [{"params": [a], "alpha": 0.5}, {"params": [b]}], learning_rate=[3.0, 2.0, 1.0]
    )
    optimizer([mindspore.Tensor([1.0, 1.0])] * 2)
    assert [row["decay"] for row in optimizer.current()] == [0.5, 0.99]
    assert labelled.groups(optimizer)[0]["lr"] == 2.0 and labelled.groups(optimizer, ago=1)[0]["lr"] == 3.0


def test_what_the_class_refuses_is_refused(library, mindspore):
    labelled, torch_optim = library
    a, _ = parameters(mindspore)
    with pytest.raises(ValueError, match="beta1"):
        labelled.of(torch_optim.Adam)([{"params": [a], "betas": (1.5, 0.9)}])


@pytest.mark.parametrize(
    "group, style, reason",
    [
        ('"nesterov": True', "exact", "a parameter group has 'nesterov'"),
        ('"initial_lr": 0.1', "exact", "a parameter group has 'initial_lr'"),
        ('"lr_scale": 0.5', "guide", "--style exact keeps it"),
    ],
)
def test_a_key_that_has_no_counterpart_is_named(group, style, reason):
    line = f'opt = optim.SGD([{{"params": net[0].parameters(), {group}}}, {{"params": net[1].parameters()}}], lr=0.1)\n'
    done = migrate({"a.py": HEAD + line.encode() + STEP}, Wish(to="mindspore", style=style))
    assert not done.results[0].changed
    assert any(f.line == 4 and f.certainty == HUMAN and reason in f.reason for f in done.findings)


def test_a_list_over_groups_that_asks_for_parameters_is_no_mere_read():
    loop = b"opt = optim.SGD(net.parameters(), lr=0.1)\nprint([len(g['params']) for g in opt.param_groups])\n"
    done = migrate({"a.py": HEAD + loop + STEP}, Wish(to="mindspore"))
    assert not done.results[0].changed
    assert any(f.certainty == HUMAN and "line 5" in f.reason for f in done.findings)


@pytest.mark.parametrize("given", ["lr=0.1, lr_decay=0.5", "lr_decay=0.5"])
def test_a_rate_that_slows_is_a_list_in_the_guides_style(given):
    line = f"opt = optim.Adagrad(net.parameters(), {given})\n".encode()
    done = migrate({"a.py": HEAD + line + STEP}, Wish(to="mindspore", style="guide"))
    start = "0.1" if "lr=0.1" in given else "0.01"
    assert f"[{start} / (1 + step * 0.5) for step in range(4)]".encode() in done.results[0].after


CALLED = b"""class Slower:
    def __call__(self, optimizer, epoch):
        self.set(optimizer, 0.1 / (1 + epoch))
    def set(self, optimizer, rate):
        for i in range(len(optimizer.param_groups)):
            optimizer.param_groups[i]["lr"] = rate
opt = optim.SGD(net.parameters(), lr=0.1)
scheduler = Slower()
for epoch in range(3):
    scheduler(opt, epoch)
    opt.zero_grad()
    loss = net(torch.ones(1, 2)).sum()
    loss.backward()
    opt.step()
"""


def test_a_call_whose_function_calls_what_was_rewritten_needs_no_human():
    done = migrate({"a.py": HEAD + CALLED}, Wish(to="mindspore"))
    assert done.results[0].changed
    assert not [f for f in done.findings if f.certainty == HUMAN and f.topic != "network"]
