"""What scripts migrated to MindSpore use: PyTorch's formulas, and their state in one checked file.

The classes are ``calando.mindspore.torch_optim``'s; earlier migrations wrote this address.
"""

from __future__ import annotations

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


def load(optimizer: Optimizer, path: Any) -> None:
    """Go on where ``save`` left off.

    Raises:
        CheckpointError: the file is damaged or not one of these; nothing has changed.
        SnapshotMismatch: it belongs to another optimizer; nothing has changed.
    """
    optimizer.restore(Snapshot.from_plain(*read(path)))
