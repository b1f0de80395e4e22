"""The job: train in one or both dialects, step by step together, and keep what happened.

The loop reads the state of a run and nothing else, so a run that was stopped goes on where it was kept.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from . import digits
from .checkpoint import Checkpoint, Folder, Kept
from .history import Difference, History, Table
from .options import Options, Plan, plan


class Trainer(Protocol):
    """What each dialect offers; see ``torch_dialect`` and ``mindspore_dialect``."""

    optimizer: Any

    def step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int]: ...

    def test(self, images: np.ndarray, labels: np.ndarray) -> int: ...

    def values(self) -> dict[str, np.ndarray]: ...

    def load(self, values: Mapping[str, np.ndarray]) -> None: ...


class Diverged(ArithmeticError):
    """A loss or a parameter is no finite number any more, so there is nothing left to train."""


class Watcher(Protocol):
    """Who looks on, such as the progress bar."""

    def step(self, step: int, rows: Mapping[str, list[float]]) -> None: ...

    def epoch(self, epoch: int, histories: Mapping[str, History]) -> None: ...


@dataclass
class Run:
    """A run: where it stands, and what it needs to go on."""

    options: Options
    folder: Folder
    data: digits.Digits
    plan: Plan
    trainers: dict[str, Trainer]
    histories: dict[str, History]
    difference: Difference
    epoch: int = 0  # that are done
    seconds: float = 0.0
    began: int = 0  # epochs that were done when this process took over

    @property
    def steps(self) -> tuple[int, int]:
        """Steps of one epoch, and of the whole run."""
        return self.options.steps(len(self.data.labels))

    def keep(self) -> Path:
        """Write a checkpoint; its place."""
        dialects = {
            name: Kept(trainer.values(), trainer.optimizer.snapshot(), self.histories[name].array())
            for name, trainer in self.trainers.items()
        }
        place = self.folder.place(self.epoch)
        with self.folder.written():
            Checkpoint(self.options, self.epoch, self.seconds, self.difference, dialects).write(place)
        return place


def start(options: Options, folder: Folder) -> Run:
    """A run before its first step; its folder holds the first checkpoint.

    Raises:
        ValueError: a schedule that cannot be used, before anything is written.
        OSError: the folder cannot be written to.
    """
    data = digits.load()
    planned = plan(options, len(data.labels))
    trainers = build(options, planned)
    for trainer in trainers.values():
        trainer.load(first_values(trainer.values(), options.seed))
    folder.make()
    run = Run(options, folder, data, planned, trainers, {name: History() for name in trainers}, Difference())
    run.keep()
    return run


def resume(kept: Checkpoint, folder: Folder) -> Run:
    """A run as it stood at a checkpoint."""
    data = digits.load()
    planned = plan(kept.options, len(data.labels))
    trainers = build(kept.options, planned)
    for name, trainer in trainers.items():
        trainer.load(kept.dialects[name].values)
        trainer.optimizer.restore(kept.dialects[name].optimizer)
    histories = {name: History(kept.dialects[name].history) for name in trainers}
    parts = (kept.options, folder, data, planned, trainers, histories, kept.difference)
    return Run(*parts, epoch=kept.epoch, seconds=kept.seconds, began=kept.epoch)


def build(options: Options, planned: Plan) -> dict[str, Trainer]:
    """Network and optimizer in each dialect."""
    made = {}
    for name in options.dialects:
        dialect = import_module(f"{__package__}.{name}_dialect")
        made[name] = dialect.Trainer(options.optimizer, planned, options.max_norm)
    return made


def first_values(like: Mapping[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Both dialects' first parameters: uniform in ±1/√fan_in, as both frameworks draw them.

    BatchNorm (whose weights have one axis) keeps its ones and zeros.
    """
    random = np.random.default_rng(seed)
    drawn = {}
    for name in sorted(like):
        weight = like.get(f"{name.rpartition('.')[0]}.weight")
        if weight is not None and weight.ndim > 1:
            bound = 1 / np.sqrt(weight[0].size)
            drawn[name] = random.uniform(-bound, bound, like[name].shape).astype(np.float32)
    return drawn


def train(run: Run, watcher: Watcher) -> None:
    """Go on to the end; after each epoch test, and keep a checkpoint.

    An exception (Ctrl-C among them) leaves the last checkpoint as it was.

    Raises:
        Diverged: a loss, or after an epoch a parameter, is not finite.
    """
    size = run.options.batch_size
    with Table(run.folder.history, run.histories) as table:
        step = run.epoch * run.steps[0]
        while run.epoch < run.options.epochs:
            began = time.perf_counter()
            images, labels = run.data.epoch(run.options.seed, run.epoch)
            for start in range(0, len(labels), size):
                take(run, step, images[start : start + size], labels[start : start + size])
                step += 1
                if start + size < len(labels):
                    table.write(step - 1)
                watcher.step(step, {name: history.rows[-1] for name, history in run.histories.items()})
            test(run, step - 1)
            table.write(step - 1)
            run.epoch += 1
            run.seconds += time.perf_counter() - began
            run.keep()
            watcher.epoch(run.epoch, run.histories)


def take(run: Run, step: int, images: np.ndarray, labels: np.ndarray) -> None:
    """One step in each dialect, on the same images."""
    in_force = []
    for name, trainer in run.trainers.items():
        in_force.append(trainer.optimizer.current())
        loss, right = trainer.step(images, labels)
        finite(run, f"the loss is {loss}", np.isfinite(loss), step)
        run.histories[name].add(step, run.epoch + 1, loss, right / len(labels), in_force[-1])
    if len(run.trainers) == 2:
        run.difference.add([trainer.values() for trainer in run.trainers.values()], in_force)


def finite(run: Run, told: str, yes: Any, step: int) -> None:
    """Raise Diverged, with what is told, unless yes."""
    if not yes:
        raise Diverged(
            f"{told} in step {step} of {run.steps[1]} (epoch {run.epoch + 1}): the training has diverged; "
            f"lower --lr, or bound the gradients with --max-norm. What was kept lies in {run.folder.path}"
        )


def test(run: Run, step: int) -> None:
    """The accuracy of each dialect on images that it was not trained on.

    Raises:
        Diverged: a parameter is not finite, so that no image can be recognised.
    """
    count = len(run.data.test_labels)
    for name, trainer in run.trainers.items():
        wrong = [key for key, array in trainer.values().items() if not np.isfinite(array).all()]
        finite(run, f"{', '.join(wrong)} is not finite", not wrong, step)
        right = trainer.test(run.data.test_images, run.data.test_labels)
        run.histories[name].tested(right / count)


@contextmanager
def repeatable(threads: int) -> Iterator[None]:
    """A fixed number of threads and deterministic algorithms, so that a run can be repeated bit for bit."""
    import torch

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    told = os.environ.get("CALANDO_NUM_THREADS")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    os.environ["CALANDO_NUM_THREADS"] = str(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        if told is None:
            del os.environ["CALANDO_NUM_THREADS"]
        else:
            os.environ["CALANDO_NUM_THREADS"] = told
