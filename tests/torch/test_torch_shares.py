"""Under FSDP1 and in ZeroRedundancyOptimizer a process sees a share of the gradients: norms of all are refused there.

Two processes are pretended here; tests/ecosystem has real ones.
"""

import pytest
import torch
import torch.distributed as dist

import calando.torch as ct
from calando.schedules import Linear

pytestmark = pytest.mark.filterwarnings("default")  # torch warns about its own parts


@pytest.fixture(params=[2, 1], ids=["two", "one"])
def processes(request):
    fake = pytest.importorskip("torch.testing._internal.distributed.fake_pg", reason="no pretended processes here")
    dist.init_process_group("fake", rank=0, world_size=request.param, store=fake.FakeStore())
    yield request.param
    dist.destroy_process_group()


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))


def by_zero(name, **options):
    from torch.distributed.optim import ZeroRedundancyOptimizer

    return ZeroRedundancyOptimizer(network().parameters(), optimizer_class=getattr(ct, name), lr=0.1, **options)


def by_fsdp1(name, originals=False, **options):
    from torch.distributed.fsdp import FullyShardedDataParallel

    model = FullyShardedDataParallel(network(), device_id=torch.device("cpu"), use_orig_params=originals)
    return getattr(ct, name)(model.parameters(), lr=0.1, **options)


WRONG = [
    (by_zero, "AdamW", {"max_norm": 1.0}, "'max_norm' under ZeroRedundancyOptimizer would bound .*clip_grad_norm_"),
    (by_zero, "SGD", {"on_nonfinite": "skip"}, "on_nonfinite='skip' under ZeroRedundancyOptimizer would look at"),
    (by_fsdp1, "AdamW", {"max_norm": Linear(1.0, 2.0, 5)}, "'max_norm' under FullyShardedDataParallel .*fully_shard"),
    (by_fsdp1, "AdamW", {"max_norm": 1.0, "originals": True}, "'max_norm' under FullyShardedDataParallel would"),
    (by_fsdp1, "AdamW", {"on_nonfinite": "raise"}, "on_nonfinite='raise' under FullyShardedDataParallel would"),
    (by_fsdp1, "Lamb", {}, "Lamb needs whole tensors, and under FullyShardedDataParallel they are flattened and cut"),
    (by_fsdp1, "LARS", {}, "LARS needs whole tensors"),
    (by_fsdp1, "Adafactor", {"originals": True}, "Adafactor needs whole tensors"),
]


@pytest.mark.parametrize("build, name, options, sentence", WRONG, ids=[f"{row[1]} {row[2]}" for row in WRONG])
def test_refused_where_processes_would_differ(processes, build, name, options, sentence):
    if processes == 1:  # then all is here
        build(name, **options)
        return
    with pytest.raises(ValueError, match=sentence):
        build(name, **options)


@pytest.mark.parametrize("build", [by_zero, by_fsdp1])
def test_what_needs_no_norm_is_welcome_and_a_bound_set_later_is_refused(processes, build):
    optimizer = build("AdamW", weight_decay=0.1)
    optimizer = getattr(optimizer, "optim", optimizer)
    if processes == 1:
        optimizer.set("max_norm", 1.0)
        return
    before = repr(optimizer)
    with pytest.raises(ValueError, match="'max_norm' under"):
        optimizer.set("max_norm", 1.0)
    assert repr(optimizer) == before and optimizer.param_groups[0]["max_norm"] is None


def test_replicas_and_other_optimizers_may_have_a_bound(processes):
    model = network()
    ct.AdamW(model.parameters(), max_norm=1.0, on_nonfinite="skip")
    ct.Lamb(model.parameters())
