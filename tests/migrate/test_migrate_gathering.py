"""accelerate decides which batches make an update: what it does unseen is written out."""

import pytest

import programs
from calando.migrate import CHECK, HUMAN, Wish, migrate
from calando.migrate.prove.compare import loop, rates, weights

HEAD = """import torch
from torch import nn, optim
from accelerate import Accelerator
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
criterion = nn.CrossEntropyLoss()
data = [(torch.randn(6, 4), torch.randint(0, 2, (6,))) for _ in range(5)]
"""
SCRIPTS = {
    "a schedule, a clip and an uneven end": HEAD
    + """accelerator = Accelerator(gradient_accumulation_steps=2, cpu=True)
opt = optim.AdamW(model.parameters(), lr=1e-2)
sched = optim.lr_scheduler.LambdaLR(opt, lambda s: 1 / (1 + s))
loader = torch.utils.data.DataLoader(data, batch_size=None)
model, opt, loader, sched = accelerator.prepare(model, opt, loader, sched)
for epoch in range(2):
    for x, y in loader:
        with accelerator.accumulate(model):
            loss = criterion(model(x), y)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            opt.zero_grad()
        print(loss.item(), sched.get_last_lr()[0])
""",
    "gradients cleared first, a schedule that is not prepared, in a function": HEAD
    + """def main(k):
    accelerator = Accelerator(gradient_accumulation_steps=k, cpu=True)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    lr_scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    loader = torch.utils.data.DataLoader(data, batch_size=None)
    net, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for epoch in range(3):
        for step, batch in enumerate(loader):
            with accelerator.accumulate(net):
                x, y = batch
                optimizer.zero_grad()
                loss = criterion(net(x), y)
                accelerator.backward(loss)
                optimizer.step()
        lr_scheduler.step()
main(3)
""",
    "a division only": HEAD
    + """accelerator = Accelerator(gradient_accumulation_steps=2, cpu=True)
opt = optim.SGD(model.parameters(), lr=0.1)
model, opt = accelerator.prepare(model, opt)
for i, (x, y) in enumerate(data):
    accelerator.backward(criterion(model(x), y))
    if (i + 1) % 2 == 0:
        opt.step()
        opt.zero_grad()
""",
}


def rewritten(name):
    return migrate({"train.py": SCRIPTS[name].encode()}, Wish(to="mindspore"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    pytest.importorskip("accelerate", reason="accelerate is not installed: nothing to run")
    pairs = {name: (text.encode(), rewritten(name).results[0].after) for name, text in SCRIPTS.items()}
    return programs.played(tmp_path_factory.mktemp("gathering"), pairs, "torch", "lend")


@pytest.mark.parametrize("name", SCRIPTS)
def test_both_sides_train_the_same(name, runs):
    source, replayed, free = runs[name]
    for level in (rates(source, replayed), weights(source, replayed, 2, "", 1e-6), loop(source, free)):
        assert level.holds, level.text


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_line_is_reported_and_others_stay(name):
    done = rewritten(name)
    assert not [f for f in done.findings if f.certainty == HUMAN and f.topic != "network"]
    assert any(f.certainty == CHECK and "goes on counting" in f.reason for f in done.findings)
    assert not programs.strangers(done, done.results[0])
    after = done.results[0].after
    assert migrate({"train.py": after}, done.wish).results[0].after == after


def test_where_the_optimizer_is_left_nothing_is_written_out():
    text = SCRIPTS["a division only"].replace(
        "optim.SGD(model.parameters(), lr=0.1)", "optim.LBFGS(model.parameters())"
    )
    done = migrate({"train.py": text.encode()}, Wish(to="mindspore"))
    assert done.results[0].after == text.encode()
