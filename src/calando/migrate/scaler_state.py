"""The state of MindSpore's loss scaler in the words of PyTorch's ``GradScaler``, for scripts that store it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mindspore


def state(scaler: Any) -> dict[str, Any]:
    """What ``GradScaler.state_dict`` holds: the scale, how it moves, and the updates since it last did.

    Of a scale that stays, as that of a disabled ``GradScaler``, nothing is held.
    """
    if not hasattr(scaler, "counter"):
        return {}
    return {
        "scale": float(scaler.scale_value.asnumpy()),
        "growth_factor": float(scaler.scale_factor),
        "backoff_factor": 1.0 / scaler.scale_factor,
        "growth_interval": scaler.scale_window,
        "_growth_tracker": int(scaler.counter.asnumpy()),
    }


def restore(scaler: Any, held: Mapping[str, Any]) -> None:
    """Go on where ``state``, or a ``GradScaler``, was; where one of both is disabled nothing changes.

    Raises:
        KeyError: it is another state; nothing has changed.
    """
    if not held or not hasattr(scaler, "counter"):
        return
    scale, counter = float(held["scale"]), int(held["_growth_tracker"])
    mindspore.ops.assign(scaler.scale_value, mindspore.Tensor(scale, mindspore.float32))
    mindspore.ops.assign(scaler.counter, mindspore.Tensor(counter, mindspore.int32))
