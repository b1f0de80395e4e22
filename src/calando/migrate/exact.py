"""What scripts migrated to MindSpore use: PyTorch's formulas, and their state in one checked file.

The classes are ``calando.mindspore.torch_optim``'s; earlier migrations wrote this address.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..mindspore.optimizer import Optimizer
from ..mindspore.torch_optim import Adam as Adam
from ..mindspore.torch_optim import AdamW as AdamW
from ..mindspore.torch_optim import ReduceLROnPlateau as ReduceLROnPlateau
from ..mindspore.torch_optim import RMSprop as RMSprop
from ..snapshot import Snapshot
from ..store import read, write


def save(optimizer: Optimizer, path: Any) -> None:
    """Store an optimizer: moments, clocks and schedules, in one checked file.

    Raises:
        OSError: the file cannot be written; one that was there is untouched.
    """
    write(path, *optimizer.snapshot().to_plain())


def state(optimizer: Optimizer) -> bytes:
    """What ``save`` would write, for scripts that keep an optimizer's state beside other things."""
    with TemporaryDirectory() as room:
        save(optimizer, place := Path(room, "state"))
        return place.read_bytes()


def restore(optimizer: Optimizer, data: bytes) -> None:
    """Go on where ``state`` was asked for.

    Raises:
        CheckpointError: the bytes are not those of ``state``; nothing has changed.
        SnapshotMismatch: they belong to another optimizer; nothing has changed.
    """
    with TemporaryDirectory() as room:
        (place := Path(room, "state")).write_bytes(data)
        load(optimizer, place)


def load(optimizer: Optimizer, path: Any) -> None:
    """Go on where ``save`` left off.

    Raises:
        CheckpointError: the file is damaged or not one of these; nothing has changed.
        SnapshotMismatch: it belongs to another optimizer; nothing has changed.
    """
    optimizer.restore(Snapshot.from_plain(*read(path)))
