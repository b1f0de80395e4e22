"""DDP and ZeroRedundancyOptimizer on all processes against the same run on one."""

import torch
import torch.distributed as dist
from small import distance, network, share, tell, train
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel

import calando.torch as ct
from calando.schedules import Cosine, Linear

RATE = {"lr": Linear(0.0, 0.05, 2).then(Cosine(0.05, 0.0, 10)), "weight_decay": Linear(0.0, 0.1, 6)}


def replicated(more):
    model, single = DistributedDataParallel(network()), network()
    train(model, ct.AdamW(model.parameters(), **RATE, **more), range(6), share)
    train(single, ct.AdamW(single.parameters(), **RATE, **more), range(6))
    return distance(model.parameters(), single.parameters())


def divided():
    """ZeroRedundancyOptimizer, stored after three steps and loaded into another one."""
    model, single = DistributedDataParallel(network()), network()
    first = ZeroRedundancyOptimizer(model.parameters(), optimizer_class=ct.AdamW, **RATE)
    train(model, first, range(3), share)
    first.consolidate_state_dict(to=0)
    box = [first.state_dict() if dist.get_rank() == 0 else None]
    dist.broadcast_object_list(box, src=0)
    second = ZeroRedundancyOptimizer(model.parameters(), optimizer_class=ct.AdamW, **RATE)
    second.load_state_dict(box[0])
    train(model, second, range(3, 6), share)
    other = ct.AdamW(single.parameters(), **RATE)
    train(single, other, range(6))
    rates = [second.param_groups[0]["lr"], other.param_groups[0]["lr"]]
    return distance(model.parameters(), single.parameters()), rates


if __name__ == "__main__":
    dist.init_process_group("gloo")
    apart, rates = divided()
    tell(ddp=replicated({}), clipped=replicated({"max_norm": 0.1}), zero=apart, rates=rates, torch=torch.__version__)
    dist.destroy_process_group()
