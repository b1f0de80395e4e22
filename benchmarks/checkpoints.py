"""Saving and loading a run of 1 GB, beside writing and reading as many bytes with a checksum.

    python -m benchmarks.checkpoints [FOLDER] [MEGABYTES]

The floor writes the same bytes from one array, in pieces, with a CRC-32 of each piece, flushes them to the disk and
renames the file; and reads them into one array with the same sum. Each is done several times, in turn; the shortest
counts. ``async_save`` is measured by what it delays: the time until ``save`` comes back, beside one copy of the slots.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

import numpy as np
import torch

import calando
from calando import store
from calando.torch import AdamW

PIECE, TIMES = 4 << 20, 5


def built(megabytes):
    """A model and its AdamW; parameters and both slots together have so many megabytes."""
    elements = megabytes * 1_000_000 // 12
    sizes = [elements // 2, *[elements // 64] * 31, 1000, 10]
    params = {f"layer{i}.weight": torch.nn.Parameter(torch.randn(n)) for i, n in enumerate(sizes)}
    optimizer = AdamW(params.values(), lr=1e-3)
    for p in params.values():
        p.grad = torch.randn_like(p)
    optimizer.step()
    for p in params.values():
        p.grad = None
    return params, optimizer


def floor_write(path, data):
    total = 0
    with open(f"{path}.tmp", "wb") as file:
        for first in range(0, len(data), PIECE):
            piece = data[first : first + PIECE]
            total = crc32(piece, total)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.tmp", path)


def floor_read(path, size):
    room, total = memoryview(np.empty(size, np.uint8)), 0
    with open(path, "rb", buffering=0) as file:
        while len(room):
            count = file.readinto(room[:PIECE])
            total, room = crc32(room[:count], total), room[count:]


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def best(works):
    """The shortest time of each, all in turn."""
    found = {name: [] for name in works}
    for _ in range(TIMES):
        for name, work in works.items():
            found[name].append(seconds(work))
    return {name: min(times) for name, times in found.items()}


def memory(word):
    """VmHWM, the largest so far, or VmRSS, at present; in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(word))


def main(folder=None, megabytes=1000):
    with TemporaryDirectory(dir=folder) as place:
        params, optimizer = built(megabytes)
        run, plain = Path(place) / "run.calando", Path(place) / "floor"
        before = memory("VmHWM")
        calando.save(run, model=params, optimizer=optimizer)
        size, saving = run.stat().st_size, memory("VmHWM") - before
        loaded = [sys.executable, "-m", "benchmarks.checkpoints", "--resume", str(run)]
        loading = int(subprocess.run(loaded, capture_output=True, text=True, check=True).stdout)
        data = memoryview(np.ones(size, np.uint8))
        times = best(
            {
                "save": lambda: calando.save(run, model=params, optimizer=optimizer),
                "floor of save": lambda: floor_write(plain, data),
                "resume": lambda: calando.resume(run, model=params, optimizer=optimizer),
                "floor of resume": lambda: floor_read(plain, size),
            }
        )
        slots = [slot for members in optimizer.engine.members for m in members for slot in m.slots.values()]
        delays = {"async_save": [], "a copy of the slots": []}
        for _ in range(TIMES):
            began = time.perf_counter()
            saved = calando.save(run, model=params, optimizer=optimizer, async_save=True)
            delays["async_save"].append(time.perf_counter() - began)
            saved.wait()
            delays["a copy of the slots"].append(seconds(lambda: [slot.clone() for slot in slots]))
        print(f"a file of {size / 1e6:.0f} MB, the shortest of {TIMES} in turn")
        for work in ("save", "resume"):
            ours, floor = times[work], times[f"floor of {work}"]
            speeds = f"{size / ours / 1e9:.2f} GB/s, floor {size / floor / 1e9:.2f} GB/s"
            print(f"{work:8} {speeds}: {floor / ours:.2f} × (goal ≥ 0.8)")
        ours, copy = (min(delays[name]) for name in ("async_save", "a copy of the slots"))
        print(
            f"async_save comes back after {ours:.3f} s; one copy of the slots takes {copy:.3f} s: {ours / copy:.2f} ×"
        )
        print(f"memory beside the run's own: saving {saving / size:.2f} of the file, resuming {loading / size:.2f}")


def resumed(run):
    """How much more memory than in the end a fresh run needed while it was resumed, in bytes."""
    sizes = {name: shape for name, (_, shape) in store.peek(run)[1].items() if name.startswith("model/")}
    params = {name.removeprefix("model/"): torch.nn.Parameter(torch.zeros(shape)) for name, shape in sizes.items()}
    order = store.peek(run)[0]["models"][""]["names"]
    params = {name: params[name] for name in order}
    optimizer = AdamW(params.values(), lr=1e-3)
    calando.resume(run, model=params, optimizer=optimizer)
    print(memory("VmHWM") - memory("VmRSS"))


if __name__ == "__main__" and "--resume" in sys.argv:
    resumed(sys.argv[2])
elif __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None, int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
