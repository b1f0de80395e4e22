"""DETR's manner: a loop over metric_logger.log_every(...), StepLR per epoch, two learning rates, clipping."""
import time
from collections import defaultdict

import torch
from torch import nn


class MetricLogger(object):
    def __init__(self):
        self.meters = defaultdict(list)

    def update(self, **kwargs):
        for k, v in kwargs.items():
            self.meters[k].append(float(v))

    def log_every(self, iterable, print_freq, header=None):
        i = 0
        start = time.time()
        for obj in iterable:
            yield obj
            i += 1
            if i % print_freq == 0:
                print(header, i, {k: v[-1] for k, v in self.meters.items()}, time.time() - start > 0)


class DETR(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(4, 8)
        self.transformer = nn.Linear(8, 8)
        self.class_embed = nn.Linear(8, 3)

    def forward(self, x):
        return {"pred_logits": self.class_embed(torch.relu(self.transformer(torch.relu(self.backbone(x)))))}


def train_one_epoch(model, criterion, data_loader, optimizer, device, epoch, max_norm=0):
    model.train()
    criterion.train()
    metric_logger = MetricLogger()
    for samples, targets in metric_logger.log_every(data_loader, 2, "Epoch: [{}]".format(epoch)):
        samples = samples.to(device)
        outputs = model(samples)
        loss_dict = {"loss_ce": criterion(outputs["pred_logits"], targets)}
        weight_dict = {"loss_ce": 2.0}
        losses = sum(loss_dict[k] * weight_dict[k] for k in loss_dict.keys() if k in weight_dict)
        loss_value = losses.item()

        optimizer.zero_grad()
        losses.backward()
        if max_norm > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()

        metric_logger.update(loss=loss_value)
        metric_logger.update(lr=optimizer.param_groups[0]["lr"])
    return {k: sum(v) / len(v) for k, v in metric_logger.meters.items()}


def main():
    torch.manual_seed(0)
    model_without_ddp = DETR()
    param_dicts = [
        {"params": [p for n, p in model_without_ddp.named_parameters() if "backbone" not in n and p.requires_grad]},
        {
            "params": [p for n, p in model_without_ddp.named_parameters() if "backbone" in n and p.requires_grad],
            "lr": 1e-3,
        },
    ]
    optimizer = torch.optim.AdamW(param_dicts, lr=1e-2, weight_decay=1e-4)
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    criterion = nn.CrossEntropyLoss()
    data_loader_train = [(torch.randn(6, 4), torch.randint(0, 3, (6,))) for _ in range(4)]
    for epoch in range(5):
        train_stats = train_one_epoch(model_without_ddp, criterion, data_loader_train, optimizer, "cpu", epoch, 0.1)
        lr_scheduler.step()
        print(epoch, train_stats)


if __name__ == "__main__":
    main()
