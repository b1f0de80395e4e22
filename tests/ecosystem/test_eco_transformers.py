"""Hugging Face: Trainer and accelerate, with calando.torch.Follow where a scheduler must be."""

import pytest
import torch

import calando.torch as ct
from calando.schedules import Cosine, Linear

pytestmark = pytest.mark.filterwarnings("default")  # they warn about their own and torch's parts
RATE = Linear(0.0, 0.05, 3).then(Cosine(0.05, 0.0, 9))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = torch.nn.Linear(4, 2)

    def forward(self, x=None, labels=None):
        out = self.net(x)
        return {"loss": (out - labels).square().mean(), "logits": out}


class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 24

    def __getitem__(self, i):
        drawn = torch.Generator().manual_seed(i)
        return {"x": torch.randn(4, generator=drawn), "labels": torch.randn(2, generator=drawn)}


def trainer(place, model, follow=True, **options):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    optimizer = ct.AdamW(model.parameters(), lr=RATE)
    told = {
        "per_device_train_batch_size": 2,
        "num_train_epochs": 1,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": 3,
        "report_to": [],
        "use_cpu": True,
        "disable_tqdm": True,
        "max_grad_norm": 0.0,
        "seed": 7,
        **options,
    }
    arguments = transformers.TrainingArguments(output_dir=str(place), **told)
    made = transformers.Trainer(
        model=model, args=arguments, train_dataset=Data(), optimizers=(optimizer, ct.Follow(optimizer))
    )
    return made, optimizer


def logged(made):
    return [row["learning_rate"] for row in made.state.log_history if "learning_rate" in row]


@pytest.mark.parametrize("every", [1, 2])
def test_the_logged_rate_is_the_true_one(tmp_path, every):
    made, optimizer = trainer(tmp_path, Net(), gradient_accumulation_steps=every, save_strategy="no")
    made.train()
    steps = 12 // every
    assert optimizer.param_groups[0]["step"] == steps
    assert logged(made) == [RATE(step) for step in range(steps)]
    twin = torch.optim.AdamW(made.model.parameters(), lr=1.0)
    theirs = pytest.importorskip("transformers").Trainer(
        model=made.model,
        args=made.args,
        train_dataset=Data(),
        optimizers=(twin, torch.optim.lr_scheduler.LambdaLR(twin, RATE)),
    )
    theirs.train()
    assert logged(theirs) == logged(made)


def test_a_resumed_run_goes_on_exactly(tmp_path):
    whole, part, rest = Net(), Net(), Net()
    complete, _ = trainer(tmp_path / "whole", whole)
    complete.train()
    first, _ = trainer(tmp_path / "run", part)
    first.args.max_steps = 6
    first.train()
    second, optimizer = trainer(tmp_path / "run", rest)
    second.train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-6"))
    assert optimizer.param_groups[0]["step"] == 12
    assert logged(second) == logged(complete)
    for p, q in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(p, q)


def run(accelerator, place=None, steps=range(12), load=False):
    model = Net()
    optimizer = ct.AdamW(model.parameters(), lr=RATE)
    loader = torch.utils.data.DataLoader(Data(), batch_size=2)
    model, optimizer, loader, follow = accelerator.prepare(model, optimizer, loader, ct.Follow(optimizer))
    if load:
        accelerator.load_state(str(place))
    rates = []
    for index, batch in enumerate(loader):
        if index not in steps:
            continue
        with accelerator.accumulate(model):
            rates.append(follow.get_last_lr()[0])
            accelerator.backward(model(**batch)["loss"])
            optimizer.step()
            follow.step()
            optimizer.zero_grad()
    if place is not None and not load:
        accelerator.save_state(str(place))
    return model, optimizer.optimizer, rates


def test_accelerate_accumulates_and_resumes_exactly(tmp_path):
    accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")

    def accelerator():
        accelerate.state.AcceleratorState._reset_state(True)
        accelerate.state.GradientState._reset_state()
        return accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)

    whole, optimizer, rates = run(accelerator())
    assert optimizer.param_groups[0]["step"] == 6
    assert rates == [RATE(step // 2) for step in range(12)]
    run(accelerator(), tmp_path / "state", range(6))
    rest, optimizer, rates = run(accelerator(), tmp_path / "state", range(6, 12), load=True)
    assert rates == [RATE(step // 2) for step in range(6, 12)]
    for p, q in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(p, q)
