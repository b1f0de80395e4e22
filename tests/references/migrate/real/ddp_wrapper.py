import os

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel as DDP


def unwrap(m):
    return m.module if isinstance(m, DDP) else m


def main():
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29577")
    distributed = int(os.environ.get("WORLD_SIZE", 1)) > 1
    if distributed:
        dist.init_process_group("gloo")
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    if distributed:
        model = DDP(model)
    params = unwrap(model).parameters()
    opt = torch.optim.Adam(params, lr=1e-2, weight_decay=1e-3)
    ds = torch.utils.data.TensorDataset(torch.randn(32, 3), torch.randn(32, 1))
    sampler = torch.utils.data.distributed.DistributedSampler(ds) if distributed else None
    dl = torch.utils.data.DataLoader(ds, 8, sampler=sampler)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda e: 0.95 ** e)
    for ep in range(3):
        if sampler:
            sampler.set_epoch(ep)
        for x, y in dl:
            loss = (model(x) - y).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        sched.step()
    print(loss.item(), opt.param_groups[0]["lr"])
    torch.save(unwrap(model).state_dict(), os.devnull)


if __name__ == "__main__":
    main()
