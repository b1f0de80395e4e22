"""FSDP2 on all processes against the same run on one: every kind of rule."""

import torch
import torch.distributed as dist
from small import distance, network, share, train
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

import calando.torch as ct
from calando.schedules import Cosine

CASES = [
    ("AdamW", {"lr": Cosine(0.05, 0.0, 10)}),
    ("AdamW", {"lr": 0.05, "max_norm": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "max_norm": Cosine(0.3, 0.01, 5)}),
    ("Lamb", {"lr": 0.05}),
    ("LARS", {"lr": 0.05, "momentum": 0.9}),
    ("Adafactor", {"lr": 0.05}),
    ("Muon", {"lr": 0.05}),
    ("NAdam", {"lr": 0.05, "on_nonfinite": "skip"}),
    ("Adagrad", {"lr": 0.05, "initial_accumulator_value": 0.1}),
    ("Rprop", {"lr": 0.05}),
]


NARROW = [  # the second is of another shape than its parameters, the others are computed from whole ones
    ("Muon", torch.float32, {"slot_dtype": "bfloat16"}, "momentum_buffer"),
    ("Adafactor", torch.float32, {"slot_dtype": "float16"}, "row_var"),
    ("Muon", torch.bfloat16, {"rounding": "stochastic"}, "momentum_buffer"),
    ("Muon", torch.bfloat16, {"rounding": "kahan"}, "compensation"),
    ("Lamb", torch.float32, {"slot_dtype": "bfloat16"}, "exp_avg"),
]


def narrow(name, dtype, options, slot):
    """In low precision: how far the two are apart, and in what a slot is kept."""
    distance, state = run(name, {"lr": 0.05, **options}, dtype)
    return distance, str(state[slot].dtype)


def run(name, options, dtype=torch.float64):
    sharded, single = network(dtype), network(dtype)
    if name == "Muon":
        for model in (sharded, single):
            model[0].bias.requires_grad_(False), model[2].bias.requires_grad_(False)
    fully_shard(sharded[0])
    fully_shard(sharded)
    pair = []
    for model in (sharded, single):
        params = [p for p in model.parameters() if p.requires_grad]
        pair.append(getattr(ct, name)(params, **options))
    train(sharded, pair[0], range(5), lambda x: share(x.to(dtype)))
    train(single, pair[1], range(5), lambda x: x.to(dtype))
    state = next(iter(pair[0].state.values()))
    return distance(sharded.parameters(), single.parameters()), state


def meshed(name, options, kind):
    """Other arrangements: copies of pieces (hybrid sharding), and a model cut by columns and rows."""
    left, right = network(hidden=4), network(hidden=4)
    if kind == "tensor parallel":
        mesh = init_device_mesh("cpu", (dist.get_world_size(),))
        parallelize_module(left, mesh, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    else:
        shape = (1, dist.get_world_size()) if kind == "shards" else (dist.get_world_size(), 1)
        fully_shard(left, mesh=init_device_mesh("cpu", shape, mesh_dim_names=("copies", "shards")))
    pair = [getattr(ct, name)(model.parameters(), lr=0.05, **options) for model in (left, right)]
    train(left, pair[0], range(4), (lambda x: x) if kind == "tensor parallel" else share)
    train(right, pair[1], range(4))
    return distance(left.parameters(), right.parameters())


def measured():
    """What optimizer.measure says of the whole, on one process and in pieces: the largest relative difference."""
    rows = []
    for pieces in (True, False):
        model = network()
        if pieces:
            fully_shard(model)
        optimizer = ct.AdamW(model.parameters(), lr=0.05)
        optimizer.measure = True
        train(model, optimizer, range(3), share if pieces else lambda x: x)
        rows.append([tuple(row) for step in optimizer.history for row in step])
    pairs = zip(*rows, strict=True)
    return max(abs(x - y) / max(abs(y), 1e-300) for left, right in pairs for x, y in zip(left, right, strict=True))


def skipped():
    """An infinity in the piece of one process: no process steps, no clock advances."""
    model = network()
    fully_shard(model)
    optimizer = ct.AdamW(model.parameters(), on_nonfinite="skip")
    train(model, optimizer, range(2), share)
    before = [p.full_tensor().clone() for p in model.parameters()]
    model(share(torch.ones(8, 6, dtype=torch.float64))).sum().backward()
    if dist.get_rank() == 0:
        next(model.parameters()).grad.to_local()[0, 0] = torch.inf
    optimizer.step()
    same = all(torch.equal(p.full_tensor(), q) for p, q in zip(model.parameters(), before, strict=True))
    return same and optimizer.param_groups[0]["step"] == 2


def refused(call, dtype=torch.float64):
    model = network(dtype)
    fully_shard(model)
    try:
        call(model.parameters())
    except ValueError as problem:
        return str(problem)


if __name__ == "__main__":
    from small import tell

    dist.init_process_group("gloo")
    found = {f"{name} {i}": run(name, options)[0] for i, (name, options) in enumerate(CASES)}
    for kind in ("copies", "shards", "tensor parallel"):
        for name, options in (("AdamW", {"max_norm": 0.1}), ("Lamb", {}), ("Adafactor", {})):
            found[f"{name}, {kind}"] = meshed(name, options, kind)
    snapshot = refused(lambda params: ct.AdamW(params).snapshot())
    coded = refused(lambda params: ct.AdamW(params, slot_dtype="int8"), torch.float32)
    rows = refused(lambda params: ct.AdamW([{"params": params, "grad_centralization": True}]))
    kept = [narrow(*case) for case in NARROW]
    tell(distances=found, measured=measured(), skipped=skipped(), snapshot=snapshot, coded=coded, rows=rows, kept=kept)
    dist.destroy_process_group()
