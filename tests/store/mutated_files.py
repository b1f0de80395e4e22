"""Files that were altered: ``python mutated_files.py FOLDER COUNT [SEED]``.

Victims are calando's own runs, torch's ``.pt`` and safetensors with an optimizer inside, and MindSpore's files. There
are two ways of altering: bytes exchanged, cut out, put in and repeated anywhere; and, for calando's own, plain data
exchanged with the checksums made right again, as an attacker would. Each file is resumed from, converted and
inspected, and MindSpore's are loaded into an optimizer of ``calando.mindspore``. Either that works, or there is a
CheckpointError whose sentence names the file; within a second, within 100 MB; and after an error models, optimizers and
random generators are as before. Prints what happened, as JSON.
"""

import hashlib
import json
import random
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import torch

import calando
import calando.mindspore as room
from calando import CheckpointError, store
from calando.codecs.convert import convert
from calando.codecs.inspect import inspected
from calando.schedules import Cosine
from calando.torch import Adam, Plateau

SECOND, ROOM = 1.0, 100e6
ENDS = {".calando": ".ckpt", ".pt": ".ckpt", ".safetensors": ".ckpt", ".ckpt": ".pt"}
MINDSPORES = (".ckpt",)
JUNK = [
    None, True, -1, 2**70, 1e308, float("nan"), "", "x" * 300, [], {}, [[]], {"#array": ["nothing", ""]}, {"#dict": 3},
    {"code": "f"}, {"kind": "Cosine"}, {"#tensor": [0]}, {"": {}}, [[0, 0.1, "built"]],
    [[0, {"kind": "Linear"}, "set"]],
]  # fmt: skip


def built():
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )
    optimizer = Adam(net.named_parameters(), lr=Cosine(0.1, 0.0, 9), amsgrad=True)
    Plateau(optimizer, patience=1).step(1.0)
    return net, optimizer


def built_there(net):
    """An optimizer of the other front end for the same parameters."""
    names = {"1.weight": "1.gamma", "1.bias": "1.beta"}
    params = [room.Parameter(p.detach().clone(), name=names.get(n, n)) for n, p in net.named_parameters()]
    return room.nn.Adam(params, learning_rate=0.1, use_amsgrad=True)


def stepped(net, optimizer):
    for _ in range(2):
        optimizer.zero_grad()
        net(torch.randn(4, 1, 4, 4)).square().mean().backward()
        optimizer.step()


def victims(folder):
    """One file of each kind."""
    net, optimizer = built()
    stepped(net, optimizer)
    calando.save(folder / "a.calando", model=net, optimizer=optimizer, extra={"at": (1, torch.ones(3)), "names": {"x"}})
    torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 2}, folder / "a.pt")
    convert(folder / "a.pt", folder / "a.safetensors")
    convert(folder / "a.pt", folder / "a.ckpt")
    return [folder / f"a{end}" for end in ENDS]


def altered(rng, data):
    """The bytes, changed somewhere; near the front more often."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        limit = len(data) if rng.random() < 0.5 else min(len(data), 600)
        first = rng.randint(0, limit)
        last = min(len(data), first + rng.choice([0, 1, 1, 2, 8, 100]))
        near = [rng.randbytes(rng.randint(0, 9)), b"\xff" * 9, b"9" * 30, b"{" * 200, bytes(data[first:last]) * 3, b""]
        data[first:last] = rng.choice(near)
    return bytes(data) if rng.random() < 0.9 else bytes(data[: rng.randint(0, len(data))])


def exchanged(rng, tree):
    """Plain data with one place exchanged for junk."""
    if rng.random() < 0.15 or not isinstance(tree, (dict, list)) or not tree:
        return rng.choice(JUNK)
    key = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
    made = dict(tree) if isinstance(tree, dict) else list(tree)
    if rng.random() < 0.05:
        made.pop(key)
    else:
        made[key] = exchanged(rng, tree[key])
    return made


def signed(rng, path, victim):
    """A file of ours with right checksums and wrong data."""
    meta, arrays = store.read_entries(victim)
    if rng.random() < 0.2:
        name = rng.choice(sorted(arrays))
        arrays[name] = store.Entry.of(rng.choice([np.zeros((2, 3)), np.array(7), np.full((3,), np.nan, np.float32)]))
    if rng.random() < 0.05:
        arrays.pop(rng.choice(sorted(arrays)))
    part = rng.choice(["extra", "random", "models", "optimizers", "optimizers", "step", "run", "metric"])
    store.write(path, {**meta, part: exchanged(rng, meta[part])}, arrays)


def state(net, optimizer):
    """All that must not change, in one number."""
    found = hashlib.sha256(repr([g["lr"] for g in optimizer.param_groups]).encode())
    meta, arrays = optimizer.snapshot().to_plain()
    found.update(json.dumps(meta, sort_keys=True).encode() + repr(optimizer._controllers).encode())
    for x in [*net.state_dict().values(), torch.get_rng_state()]:
        found.update(x.numpy().tobytes())
    for array in arrays.values():
        found.update(array.tobytes())
    return found.hexdigest() + repr(optimizer) + repr(np.random.get_state()[1][:3])  # noqa: NPY002


def state_there(optimizer):
    """The same of an optimizer of the other front end."""
    meta, arrays = optimizer.snapshot().to_plain()
    found = [json.dumps(meta, sort_keys=True), *(array.tobytes() for array in arrays.values())]
    return [*found, *(p.asnumpy().tobytes() for p in optimizer.parameters)]


def attempt(path, net, optimizer, there, told):
    """Resume from one file, convert it, look at it, load it in the other front end."""
    works = [
        lambda: calando.resume(path, net, optimizer),
        lambda: convert(path, path.with_suffix(ENDS[path.suffix]), dry_run=True),
        lambda: inspected(path),
    ]
    if path.suffix in MINDSPORES:
        works.append(lambda: room.load_checkpoint(str(path), there))
    before = state(net, optimizer), state_there(there)
    for work in works:
        tracemalloc.start()
        began = time.process_time()
        try:
            work()
            told["read"] += 1
            good = True
        except CheckpointError as problem:
            told["refused"] += 1
            told["named"] += str(path) in str(problem) and "\n" not in str(problem) and len(str(problem)) < 1500
            good = False
        seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        told["slowest"] = max(told["slowest"], round(seconds, 3))
        told["largest"] = max(told["largest"], peak)
        assert seconds < SECOND and peak < ROOM, (path, seconds, peak)
        after = state(net, optimizer), state_there(there)
        assert good or after == before, f"{path} changed something"
        before = after


def main(folder, count, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rng, paths, told = (
        random.Random(seed),
        victims(folder),
        dict.fromkeys(("read", "refused", "named", "slowest", "largest"), 0),
    )
    wholes = {path: path.read_bytes() for path in paths}
    net, optimizer = built()
    stepped(net, optimizer)
    there = built_there(net)
    for number in range(count):
        victim = paths[number % len(paths)]
        path = folder / f"mutated{victim.suffix}"
        if victim.suffix == ".calando" and rng.random() < 0.7:
            signed(rng, path, victim)
        else:
            path.write_bytes(altered(rng, wholes[victim]))
        try:
            attempt(path, net, optimizer, there, told)
        except BaseException as problem:
            (folder / f"guilty-{number}{victim.suffix}").write_bytes(path.read_bytes())
            raise AssertionError(f"guilty-{number}{victim.suffix}: {problem!r}") from problem
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *map(int, sys.argv[3:4]))
