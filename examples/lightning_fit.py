"""PyTorch Lightning without a scheduler. Needs: calando[torch] pytorch-lightning."""

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import LearningRateMonitor
from pytorch_lightning.loggers import CSVLogger

from calando.schedules import Cosine, Linear
from calando.torch import AdamW


class Regression(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(8, 1)

    def training_step(self, batch, index):
        inputs, targets = batch
        return torch.nn.functional.mse_loss(self.net(inputs), targets)

    def configure_optimizers(self):
        return AdamW(self.parameters(), lr=Linear(0.0, 0.05, 5).then(Cosine(0.05, 0.0, 25)), max_norm=1.0)


torch.manual_seed(0)
inputs = torch.randn(120, 8)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=8)
monitor = LearningRateMonitor(logging_interval="step")
trainer = lightning.Trainer(
    max_epochs=4,
    accumulate_grad_batches=2,
    accelerator="cpu",
    callbacks=[monitor],
    logger=CSVLogger("runs"),
    enable_progress_bar=False,
    enable_checkpointing=False,
    log_every_n_steps=1,
)
trainer.fit(Regression(), loader)
print("updates:", trainer.optimizers[0].param_groups[0]["step"])
print("lr logged last:", float(trainer.callback_metrics["lr-AdamW"]))
