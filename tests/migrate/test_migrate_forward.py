"""What belongs to the forward function that is made for MindSpore, read in the result."""

import ast

import pytest

from calando.migrate import HUMAN, Wish, migrate

HEAD = """import torch
from torch import nn
net, head = nn.Linear(3, 3), nn.Linear(3, 1)
opt = torch.optim.SGD([*net.parameters(), *head.parameters()], lr=0.1)
"""


def forward(body, name="forward_fn"):
    """The forward function made of the lines of a training function, and all that was said."""
    text = HEAD + "def step(x, y, nets):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    text += "for x in [torch.ones(2, 3)]:\n    step(x, x, {'a': net})\n"
    done = migrate({"s.py": text.encode()}, Wish(to="mindspore"))
    tree = ast.parse(done.results[0].after)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
    return (ast.unparse(found[0]).splitlines() if found else None), done


END = "\nopt.zero_grad()\nloss.backward()\nopt.step()"


@pytest.mark.parametrize(
    "body, wanted",
    [
        pytest.param(
            "outs = []\nfor p in x:\n    outs.insert(0, head(net(p)))\nloss = torch.stack(outs).sum()",
            ["def forward_fn():", "    for p in x:", "        outs.insert(0, head(net(p)))",
             "    loss = torch.stack(outs).sum()", "    return loss"],
            id="a list that is put into",
        ),
        pytest.param(
            "h = torch.zeros(1)\nloss = 0.0\nfor p in x:\n    h = head(net(p)) + h\n    loss = loss + h.sum()",
            ["def forward_fn(h, loss):", "    for p in x:", "        h = head(net(p)) + h",
             "        loss = loss + h.sum()", "    return loss"],
            id="names that are given a value again",
        ),
        pytest.param(
            "for k in range(2):\n    net = net.train()\n    feat = net(x)\n    loss = head(feat).sum()\n"
            "    opt.zero_grad()\n    loss.backward()\n    opt.step()",
            ["def forward_fn(net):", "    feat = net(x)", "    loss = head(feat).sum()", "    return loss"],
            id="what only puts the network into its mode",
        ),
        pytest.param(
            "feat = nets['a'](x)\nloss = head(feat).sum()",
            ["def forward_fn():", "    feat = nets['a'](x)", "    loss = head(feat).sum()", "    return loss"],
            id="an entry of a dictionary is called",
        ),
        pytest.param(
            "for _ in range(2):\n    with torch.no_grad():\n        a = net(x)\n    y = y + a\n"
            "loss = (head(net(x)) - y).sum()",
            ["def forward_fn():", "    loss = (head(net(x)) - y).sum()", "    return loss"],
            id="a loop that runs the network without gradients stays outside",
        ),
    ],
)  # fmt: skip
def test_the_forward_function(body, wanted):
    lines, done = forward(body if "opt.step" in body else body + END)
    assert lines == wanted, done.results[0].after.decode()


@pytest.mark.parametrize(
    "body",
    [
        "loss = nn.MSELoss()(x, y)" + END,
        "opt.zero_grad()\nloss = head(net(x)).sum()\nloss.backward()\n"
        "nn.utils.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True)\nopt.step()",
    ],
    ids=["the forward pass is elsewhere", "clipping that raises"],
)
def test_what_cannot_be_seen_is_left_whole(body):
    lines, done = forward(body)
    assert lines is None and not done.results[0].changed
    assert any(f.certainty == HUMAN and f.reason.startswith("left whole") for f in done.findings)


SELF = """import torch
from torch import nn
class Run:
    def __init__(self, net, epochs):
        self.opt = torch.optim.SGD(net.parameters(), lr=0.1)
        self.plan = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, epochs)
        self.net = net
        self.epochs = epochs
    def fit(self, data):
        for epoch in range(self.epochs):
            for x in data:
                self.opt.zero_grad()
                loss = self.net(x).sum()
                loss.backward()
                self.opt.step()
            self.plan.step()
Run(nn.Linear(2, 1), 3).fit([torch.randn(4, 2) for _ in range(5)])
"""


@pytest.mark.parametrize("to", ["calando", "mindspore"])
def test_a_constructor_asks_for_nothing_that_is_not_there_yet(to):
    """``self.epochs`` comes after the optimizer, and the data are not made a second time for their length."""
    after = migrate({"s.py": SELF.encode()}, Wish(to=to)).results[0].after.decode()
    made = after[: after.index("self.net = net")]
    assert "self.epochs" not in made and after.count("torch.randn") == 1
    assert 'self.opt.set("lr", self.plan.per_epoch(len(data)))' in after


def test_a_weight_by_itself_gets_a_list():
    text = HEAD.replace("[*net.parameters(), *head.parameters()]", '[{"params": net.weight}, {"params": head.bias}]')
    body = "loss = head(net(torch.ones(1, 3))).sum()\nopt.zero_grad()\nloss.backward()\nopt.step()\n"
    after = migrate({"s.py": (text + body).encode()}, Wish(to="mindspore")).results[0].after.decode()
    assert '[{"params": [net.weight]}, {"params": [head.bias]}]' in after


BLANK = (
    HEAD
    + """for x in [torch.ones(2, 3)]:
    if x.sum() > 0:
        h = net(x)

        h = h + 1
    loss = head(h).sum()
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
)


def test_an_empty_line_in_a_block_stays_in_a_file_from_windows():
    lines = migrate({"s.py": BLANK.encode()}, Wish(to="mindspore")).results[0].after
    others = migrate({"s.py": BLANK.replace("\n", "\r\n").encode()}, Wish(to="mindspore")).results[0].after
    assert b"def forward_fn" in lines and others == lines.replace(b"\n", b"\r\n")
