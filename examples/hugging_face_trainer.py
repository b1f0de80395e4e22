"""Hugging Face's Trainer; the logged rate is the true one. Needs: calando[torch] transformers accelerate."""

import torch
from transformers import Trainer, TrainingArguments

from calando.schedules import Cosine, Linear
from calando.torch import AdamW, Follow


class Regression(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(8, 1)

    def forward(self, x, labels):
        out = self.net(x)
        return {"loss": torch.nn.functional.mse_loss(out, labels), "logits": out}


torch.manual_seed(0)
rows = torch.randn(96, 8)
data = [{"x": row, "labels": row.sum(0, keepdim=True)} for row in rows]
model = Regression()
optimizer = AdamW(model.parameters(), lr=Linear(0.0, 0.05, 3).then(Cosine(0.05, 0.0, 9)), max_norm=1.0)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir="runs/trainer",
        per_device_train_batch_size=8,
        num_train_epochs=1,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        max_grad_norm=0.0,  # the optimizer clips
    ),
    train_dataset=data,
    optimizers=(optimizer, Follow(optimizer)),
)
trainer.train()
print("lr logged:", [round(row["learning_rate"], 4) for row in trainer.state.log_history if "learning_rate" in row])
