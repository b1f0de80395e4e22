"""A training that is killed again and again: ``python killed_run.py FOLDER KILLS [SEED]``.

A small training stores itself after every step, so that most of its time goes into saving. Processes of their own take
it from the newest checkpoint and are ended by SIGKILL at random instants. After each kill every file in the folder that
is called like a checkpoint must be whole, and there must be one unless none had been finished; when the run comes to
its end, its parameters must be those of the run that nobody disturbed, bit for bit. Prints what happened, as JSON.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import torch

import calando
from calando import rotation, store
from calando.codecs.placed import placed
from calando.schedules import Cosine
from calando.torch import AdamW

STEPS = 25
KEEP = 2


def built():
    torch.manual_seed(1)
    net = torch.nn.Sequential(
        torch.nn.Linear(300, 900), torch.nn.BatchNorm1d(900), torch.nn.Dropout(0.3), torch.nn.Linear(900, 9)
    )
    return net, AdamW(net.parameters(), lr=Cosine(0.01, 0.0, STEPS), weight_decay=0.1)


def digest(net):
    found = hashlib.sha256()
    for x in net.state_dict().values():
        found.update(x.numpy().tobytes())
    return found.hexdigest()


def train(folder, background):
    """From the newest checkpoint to the end."""
    net, optimizer = built()
    first = calando.resume(folder, model=net, optimizer=optimizer).step if rotation.kept(folder) else 0
    for _ in range(first, STEPS):
        optimizer.zero_grad()
        net(torch.randn(32, 300)).square().mean().backward()
        optimizer.step()
        if folder.name != "undisturbed":
            calando.save(folder, model=net, optimizer=optimizer, keep_last=KEEP, async_save=background)
    with placed(folder / "end") as file:  # whole or not at all, as it is looked for while we may be killed
        file.write(digest(net).encode())


def started(folder, background):
    """The training in a process of its own."""
    child = os.fork()
    if child:
        return child
    try:
        warnings.simplefilter("error")  # a damaged checkpoint must never be met
        train(folder, background)
        from calando.codecs.behind import WRITER

        WRITER.wait()
        os._exit(0)
    except BaseException as problem:
        print(repr(problem), file=sys.stderr, flush=True)
        os._exit(1)


def ended(child, seconds):
    """Wait so long, then kill; whether it had to be killed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, "the training failed"
            return False
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(folder, kills, seed=0):
    torch.set_num_threads(1)
    rng = random.Random(seed)
    (folder / "undisturbed").mkdir(parents=True)
    train(folder / "undisturbed", False)
    expected = (folder / "undisturbed" / "end").read_text()
    told = {"kills": 0, "while saving": 0, "runs": 0, "unequal": 0, "leftover": 0}
    while told["kills"] < kills:
        run = folder / f"run-{told['runs']}"
        run.mkdir()
        told["runs"] += 1
        had = False
        while not (run / "end").exists():
            patience = 60 if told["kills"] >= kills else rng.uniform(0.005, 0.35)
            if ended(started(run, told["runs"] % 2 == 0), patience):
                told["kills"] += 1
                told["while saving"] += any(run.glob(".*.tmp"))
                kept = rotation.kept(run)
                for path in kept:
                    store.read(path)  # raises for one that is not whole
                assert kept or not had, "all checkpoints are gone"
                had = bool(kept)
        told["unequal"] += (run / "end").read_text() != expected
        # The next save sweeps what a process left that was killed in its last one; after it, nothing may be left.
        net, optimizer = built()
        calando.resume(run, model=net, optimizer=optimizer)
        calando.save(run, model=net, optimizer=optimizer, keep_last=KEEP)
        told["leftover"] += len(list(run.glob(".*.tmp"))) + max(0, len(rotation.kept(run)) - KEEP)
        told["leftover"] += len(set(run.iterdir()) - {*rotation.kept(run), run / "end"})
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *map(int, sys.argv[3:4]))
