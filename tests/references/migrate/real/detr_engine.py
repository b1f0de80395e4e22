import math, sys, argparse
import torch
from torch import nn
torch.manual_seed(0)
class SmoothedValue:
    def __init__(self): self.v = []
    def update(self, x): self.v.append(float(x))
class MetricLogger:
    def __init__(self, delimiter="  "):
        self.meters = {}
    def update(self, **kwargs):
        for k, v in kwargs.items():
            self.meters.setdefault(k, SmoothedValue()).update(v)
    def log_every(self, iterable, print_freq, header=None):
        for i, obj in enumerate(iterable):
            yield obj
            if i % print_freq == 0:
                print(header, {k: m.v[-1] for k, m in self.meters.items()})
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(4, 6)
        self.class_embed = nn.Linear(6, 3)
        self.bbox_embed = nn.Linear(6, 4)
    def forward(self, x):
        h = torch.tanh(self.backbone(x))
        return {"pred_logits": self.class_embed(h), "pred_boxes": self.bbox_embed(h).sigmoid()}
class SetCriterion(nn.Module):
    def __init__(self, weight_dict):
        super().__init__()
        self.weight_dict = weight_dict
    def forward(self, outputs, targets):
        return {"loss_ce": nn.functional.cross_entropy(outputs["pred_logits"], targets["labels"]),
                "loss_bbox": nn.functional.l1_loss(outputs["pred_boxes"], targets["boxes"])}
def reduce_dict(d):
    return d
def train_one_epoch(model: torch.nn.Module, criterion: torch.nn.Module, data_loader, optimizer: torch.optim.Optimizer, device, epoch: int, max_norm: float = 0):
    model.train()
    criterion.train()
    metric_logger = MetricLogger(delimiter="  ")
    header = 'Epoch: [{}]'.format(epoch)
    for samples, targets in metric_logger.log_every(data_loader, 2, header):
        samples = samples.to(device)
        targets = {k: v.to(device) for k, v in targets.items()}
        outputs = model(samples)
        loss_dict = criterion(outputs, targets)
        weight_dict = criterion.weight_dict
        losses = sum(loss_dict[k] * weight_dict[k] for k in loss_dict.keys() if k in weight_dict)
        loss_dict_reduced = reduce_dict(loss_dict)
        loss_dict_reduced_scaled = {k: v * weight_dict[k] for k, v in loss_dict_reduced.items() if k in weight_dict}
        losses_reduced_scaled = sum(loss_dict_reduced_scaled.values())
        loss_value = losses_reduced_scaled.item()
        if not math.isfinite(loss_value):
            print("Loss is {}, stopping training".format(loss_value))
            sys.exit(1)
        optimizer.zero_grad()
        losses.backward()
        if max_norm > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        metric_logger.update(loss=loss_value, **loss_dict_reduced_scaled)
        metric_logger.update(lr=optimizer.param_groups[0]["lr"])
    return {k: sum(m.v) / len(m.v) for k, m in metric_logger.meters.items()}
def main(args):
    device = torch.device("cpu")
    model = Model()
    criterion = SetCriterion({"loss_ce": 1, "loss_bbox": 5})
    model.to(device)
    model_without_ddp = model
    n_parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print('number of params:', n_parameters)
    param_dicts = [
        {"params": [p for n, p in model_without_ddp.named_parameters() if "backbone" not in n and p.requires_grad]},
        {
            "params": [p for n, p in model_without_ddp.named_parameters() if "backbone" in n and p.requires_grad],
            "lr": args.lr_backbone,
        },
    ]
    optimizer = torch.optim.AdamW(param_dicts, lr=args.lr, weight_decay=args.weight_decay)
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, args.lr_drop)
    g = torch.Generator().manual_seed(1)
    loader = [(torch.randn(5, 4, generator=g), {"labels": torch.randint(0, 3, (5,), generator=g), "boxes": torch.rand(5, 4, generator=g)}) for _ in range(4)]
    for epoch in range(args.start_epoch, args.epochs):
        train_stats = train_one_epoch(model, criterion, loader, optimizer, device, epoch, args.clip_max_norm)
        lr_scheduler.step()
        log_stats = {**{f'train_{k}': v for k, v in train_stats.items()}, 'epoch': epoch}
        print(log_stats)
if __name__ == '__main__':
    parser = argparse.ArgumentParser('DETR', add_help=False)
    parser.add_argument('--lr', default=1e-3, type=float)
    parser.add_argument('--lr_backbone', default=1e-4, type=float)
    parser.add_argument('--weight_decay', default=1e-4, type=float)
    parser.add_argument('--epochs', default=4, type=int)
    parser.add_argument('--lr_drop', default=2, type=int)
    parser.add_argument('--clip_max_norm', default=0.1, type=float)
    parser.add_argument('--start_epoch', default=0, type=int)
    main(parser.parse_args([]))
