"""What a script shows of its learning rates, before and after the move to calando: the same, or the report says so.

A line with ``# check`` is one that the report must ask to check, and no other; what it prints begins with ``?``.
"""

import contextlib
import io
import re

import pytest

from calando.migrate import CHECK, Wish, migrate

HEAD = """import torch
from torch import nn, optim
from torch.optim import lr_scheduler
torch.manual_seed(3)
X = torch.randn(40, 4); Y = torch.randn(40, 1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=8)
net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
def get_lr(optimizer):
    for group in optimizer.param_groups:
        return group["lr"]
def show(tag, optimizer):
    print(tag, [group["lr"] for group in optimizer.param_groups])
def back(x, y):
    nn.functional.mse_loss(net(x), y).backward()
opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
"""
PER_EPOCH = "sched = lr_scheduler.MultiStepLR(opt, [1, 3], gamma=0.5)\n"
PER_BATCH = "sched = lr_scheduler.ExponentialLR(opt, 0.9)\n"
SCRIPTS = {
    "one helper called on both sides of the update": PER_EPOCH
    + """
for epoch in range(5):
    show("?top", opt)  # the helper is asked in several moments
    for x, y in loader:
        opt.zero_grad()
        back(x, y)
        opt.step()
    show("?end", opt)
    sched.step()
""",
    "a helper called after the update only": PER_EPOCH
    + """
for epoch in range(5):
    for x, y in loader:
        print("top", opt.param_groups[0]["lr"])
        opt.zero_grad()
        back(x, y)
        opt.step()
        print("after", get_lr(opt))
    print("end", get_lr(opt))
    sched.step()
    print("next", sched.get_last_lr())
""",
    "an update every second turn": PER_EPOCH
    + """
for epoch in range(5):
    for i, (x, y) in enumerate(loader):
        back(x, y)
        if (i + 1) % 2 == 0:
            print("before", opt.param_groups[0]["lr"] if i < 2 else "")  # check
            opt.step()
            print("after", opt.param_groups[0]["lr"])
            opt.zero_grad()
        print("?turn", opt.param_groups[0]["lr"])  # check
    print("end", opt.param_groups[0]["lr"])
    sched.step()
""".replace("before", "?before"),
    "a scheduler stepped under the update's own condition": PER_BATCH
    + """
print("made", sched.get_last_lr())
for epoch in range(3):
    for i, (x, y) in enumerate(loader):
        back(x, y)
        if (i + 1) % 2 == 0:
            opt.step()
            print("after", opt.param_groups[0]["lr"])
            opt.zero_grad()
            sched.step()
        print("turn", opt.param_groups[0]["lr"])
    print("end", sched.get_last_lr()[0])
""",
    "a scheduler and an update in one function": PER_BATCH
    + """
def train(net, opt, sched):
    for x, y in loader:
        opt.zero_grad()
        back(x, y)
        opt.step()
        print("after", opt.param_groups[0]["lr"])
        sched.step()
for epoch in range(3):
    train(net, opt, sched)
    print("end", opt.param_groups[0]["lr"])
    print("last", sched.get_last_lr())
""",
    "a scheduler before the update": PER_BATCH
    + """
print("?made", sched.get_last_lr())  # check
for epoch in range(3):
    for x, y in loader:
        opt.zero_grad()
        back(x, y)
        sched.step()
        print("before", opt.param_groups[0]["lr"])
        opt.step()
        print("after", opt.param_groups[0]["lr"])
    print("end", sched.get_last_lr())
""",
    "a pass without an optimizer in between": PER_EPOCH
    + """
def run(opt=None):
    for x, y in loader:
        loss = nn.functional.mse_loss(net(x), y)
        if opt is not None:
            opt.zero_grad()
            loss.backward()
            opt.step()
for epoch in range(5):
    run(opt)
    sched.step()
    run()
    print("end", opt.param_groups[0]["lr"])
""",
    "phases": PER_EPOCH
    + """
for epoch in range(5):
    for phase in ["train", "val"]:
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            if phase == "train":
                loss.backward()
                opt.step()
                print("after", opt.param_groups[0]["lr"])
        if phase == "train":
            sched.step()
    print("end", opt.param_groups[0]["lr"])
""",
    "the optimizer read before it has its scheduler": """
print("bare", opt.param_groups[0]["lr"])
sched = lr_scheduler.LinearLR(opt, 0.25, total_iters=4)
print("made", opt.param_groups[0]["lr"])
for x, y in loader:
    opt.zero_grad()
    back(x, y)
    opt.step()
    sched.step()
""",
    "a scaler that skips the first update": PER_EPOCH
    + """
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
print("made", sched.get_last_lr())
for epoch in range(2):
    for x, y in loader:
        opt.zero_grad()
        scaler.scale(nn.functional.mse_loss(net(x), y)).backward()
        scaler.step(opt)
        scaler.update()
        print("after", opt.param_groups[0]["lr"] if epoch < 1 else "")
    sched.step()
""",
    "state of the optimizer alone": """
def run(start, kept):
    opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    sched = lr_scheduler.ExponentialLR(opt, 0.9)  # check
    if kept:
        opt.load_state_dict(kept)
    for epoch in range(start, start + 2):
        for x, y in loader:
            opt.zero_grad()
            back(x, y)
            opt.step()
        sched.step()
        print("?end", opt.param_groups[0]["lr"])
    return opt.state_dict()
run(2, run(0, None))
""",
    "state of the scheduler alone": """
def run(start, kept):
    opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    sched = lr_scheduler.ExponentialLR(opt, 0.9)
    if kept:
        sched.load_state_dict(kept)
    for epoch in range(start, start + 2):
        for x, y in loader:
            opt.zero_grad()
            back(x, y)
            opt.step()
        sched.step()
        print("end", opt.param_groups[0]["lr"])
    return sched.state_dict()
run(2, run(0, None))
""",
    "schedulers that follow others and take their rate": """
sched = lr_scheduler.SequentialLR(
    opt,
    [lr_scheduler.CosineAnnealingLR(opt, 4), lr_scheduler.MultiplicativeLR(opt, lambda step: 0.95)],
    milestones=[2],
)
other = optim.SGD(net.parameters(), lr=0.1)
one = lr_scheduler.SequentialLR(
    other, [lr_scheduler.LinearLR(other, 0.5), lr_scheduler.OneCycleLR(other, 0.2, total_steps=30)], milestones=[2]
)
third = optim.SGD(net.parameters(), lr=0.1)
two = lr_scheduler.SequentialLR(
    third, [lr_scheduler.OneCycleLR(third, 0.2, total_steps=30), lr_scheduler.PolynomialLR(third, 4)], milestones=[1]
)
for x, y in loader:
    opt.zero_grad()
    back(x, y)
    opt.step()
    sched.step()
    other.step()
    one.step()
    third.step()
    two.step()
    print("after", sched.get_last_lr(), one.get_last_lr(), two.get_last_lr())
""",
}
HELPER = {"one helper called on both sides of the update": 'group["lr"] for group in optimizer.param_groups'}


def printed(text):
    """What a script prints: a word and numbers in each line."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, "train.py", "exec"), {"__name__": "__main__"})
    return [
        (line.split(" ")[0], [float(n) for n in re.findall(r"\d[\d.e-]*", line)]) for line in out.getvalue().split("\n")
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_shown_is_the_same_or_said(name, torch):
    text = HEAD + SCRIPTS[name]
    done = migrate({"train.py": text.encode()}, Wish(to="calando"))
    wanted = {
        n for n, line in enumerate(text.split("\n"), 1) if "# check" in line or HELPER.get(name, "# check") in line
    }
    asked = {finding.line for finding in done.findings if finding.certainty == CHECK}
    scaled = {finding.line for finding in done.findings if "GradScaler skips" in finding.reason}
    assert asked - scaled == wanted, [str(finding) for finding in done.findings]
    before, after = printed(text), printed(done.results[0].after.decode())
    assert [word for word, _ in before] == [word for word, _ in after]
    for (word, theirs), (_, ours) in zip(before, after, strict=True):
        assert word[:1] == "?" or ours == pytest.approx(theirs, rel=1e-6), word
