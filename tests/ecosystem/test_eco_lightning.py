"""PyTorch Lightning: accumulation, LearningRateMonitor without a scheduler, resume."""

import csv
import warnings
from pathlib import Path

import pytest
import torch

from calando.schedules import Cosine, Linear

lightning = pytest.importorskip("pytorch_lightning", reason="PyTorch Lightning is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # Lightning warns about its own and torch's parts

import calando.torch as ct  # noqa: E402

RATE = Linear(0.0, 0.05, 3).then(Cosine(0.05, 0.0, 9))


class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 24

    def __getitem__(self, i):
        drawn = torch.Generator().manual_seed(i)
        return torch.randn(4, generator=drawn)


class Module(lightning.LightningModule):
    def __init__(self, library=ct, **options):
        super().__init__()
        torch.manual_seed(0)
        self.net = torch.nn.Linear(4, 2)
        self.options = options
        self.rates = []

    def training_step(self, batch, index):
        return self.net(batch).square().mean()

    def configure_optimizers(self):
        return ct.AdamW(self.parameters(), **{"lr": RATE, "max_norm": 1.0, **self.options})

    def on_before_optimizer_step(self, optimizer):
        self.rates.append(optimizer.param_groups[0]["lr"])


def fit(place, module, epochs=3, checkpoint=None, callbacks=(), **options):
    loader = torch.utils.data.DataLoader(Data(), batch_size=2)
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=options.pop("logger", False),
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=place,
        callbacks=list(callbacks),
        log_every_n_steps=1,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, loader, ckpt_path=checkpoint)
    return trainer


def plain(epochs, every):
    """The same run in a loop of one's own."""
    module = Module()
    optimizer = module.configure_optimizers()
    for _ in range(epochs):
        for first in range(0, 24, 2 * every):
            optimizer.zero_grad()
            for part in range(first, first + 2 * every, 2):
                batch = torch.stack([Data()[part], Data()[part + 1]])
                (module.training_step(batch, 0) / every).backward()
            optimizer.step()
    return module


@pytest.mark.parametrize("every", [1, 4])
def test_the_clock_counts_updates_not_batches(tmp_path, every):
    module = Module()
    trainer = fit(tmp_path, module, 2, accumulate_grad_batches=every, enable_checkpointing=False)
    steps = 2 * 12 // every
    assert module.rates == [RATE(step) for step in range(steps)]
    assert trainer.optimizers[0].param_groups[0]["step"] == steps
    for p, q in zip(module.parameters(), plain(2, every).parameters(), strict=True):
        assert torch.equal(p, q)


def test_the_monitor_logs_the_true_rate_without_a_scheduler(tmp_path):
    from pytorch_lightning.callbacks import LearningRateMonitor
    from pytorch_lightning.loggers import CSVLogger

    monitor = LearningRateMonitor(logging_interval="step", log_momentum=True, log_weight_decay=True)
    logger = CSVLogger(tmp_path)
    fit(tmp_path, Module(), 1, callbacks=[monitor], logger=logger, enable_checkpointing=False)
    with open(Path(logger.log_dir) / "metrics.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["lr-AdamW"]) for row in rows if row["lr-AdamW"]] == [RATE(step) for step in range(12)]
    assert {float(row["lr-AdamW-weight_decay"]) for row in rows if row["lr-AdamW-weight_decay"]} == {0.01}


def test_a_resumed_run_goes_on_exactly(tmp_path):
    whole = Module()
    fit(tmp_path / "whole", whole, 4, enable_checkpointing=False)
    first = fit(tmp_path / "first", Module(), 2)
    first.save_checkpoint(tmp_path / "run.ckpt")
    second = Module()
    fit(tmp_path / "second", second, 4, checkpoint=tmp_path / "run.ckpt", enable_checkpointing=False)
    assert second.rates == whole.rates[24:]
    for p, q in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(p, q)
