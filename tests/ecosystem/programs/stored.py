"""torch.distributed.checkpoint over FSDP2: ``save`` stores after three steps, ``load`` goes on to six."""

import sys

import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from small import distance, network, share, tell, train
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.fsdp import fully_shard

import calando.torch as ct
from calando.schedules import Cosine


def made():
    model = network()
    fully_shard(model[0])
    fully_shard(model)
    return model, ct.AdamW(model.parameters(), lr=Cosine(0.05, 0.0, 10), max_norm=0.3)


def save(place):
    model, optimizer = made()
    train(model, optimizer, range(3), share)
    weights, state = get_state_dict(model, optimizer)
    dcp.save({"model": weights, "optimizer": state}, checkpoint_id=place)
    tell(stored=True)


def load(place):
    model, optimizer = made()
    weights, state = get_state_dict(model, optimizer)  # takes torch's pretended step
    dcp.load(found := {"model": weights, "optimizer": state}, checkpoint_id=place)
    set_state_dict(model, optimizer, model_state_dict=found["model"], optim_state_dict=found["optimizer"])
    clock = optimizer.param_groups[0]["step"]
    train(model, optimizer, range(3, 6), share)
    single = network()
    other = ct.AdamW(single.parameters(), lr=Cosine(0.05, 0.0, 10), max_norm=0.3)
    train(single, other, range(6))
    rates = [optimizer.param_groups[0]["lr"], other.param_groups[0]["lr"]]
    tell(clock=clock, rates=rates, distance=distance(model.parameters(), single.parameters()))


if __name__ == "__main__":
    dist.init_process_group("gloo")
    {"save": save, "load": load}[sys.argv[2]](sys.argv[1])
    dist.destroy_process_group()
