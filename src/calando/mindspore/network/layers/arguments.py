"""What layers ask of their arguments, and the sentences when they do not get it."""

from typing import Any

import torch


def whole(layer: object, name: str, value: Any, least: int = 1) -> int:
    """``value`` as an int of at least ``least``.

    Raises:
        TypeError: for no int. A Tensor gets its own sentence: the layer was made where it should be called.
        ValueError: for too small a number.
    """
    kind = type(layer).__name__
    if isinstance(value, torch.Tensor):
        raise TypeError(
            f"{kind} was constructed with a Tensor of shape {tuple(value.shape)} as {name}; nn.{kind}(…) "
            f"makes a layer, it does not apply one. Did you mean to call the layer made in __init__, such as "
            f"self.{'fc' if kind == 'Dense' else 'layer'}(x)?"
        )
    if not isinstance(value, int) or isinstance(value, bool):
        missing = f"{kind} needs {name}, a whole number" if value is None else ""
        raise TypeError(missing or f"{name} of {kind} must be a whole number, not {value!r}")
    if value < least:
        raise ValueError(f"{name} of {kind} must be at least {least}, not {value}")
    return value


def pair(layer: object, name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """``value`` as (height, width): one number means both."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{name} of {type(layer).__name__} must be one number or (height, width), not {value!r}")
        return whole(layer, name, value[0], least), whole(layer, name, value[1], least)
    number = whole(layer, name, value, least)
    return number, number


def choice(layer: object, name: str, value: Any, known: tuple[str, ...]) -> str:
    """``value`` in lower case, one of ``known``."""
    if not isinstance(value, str) or value.lower() not in known:
        raise ValueError(f"{name} of {type(layer).__name__} must be one of {', '.join(known)}, not {value!r}")
    return value.lower()


def channels_first(layer: object, data_format: str) -> None:
    """Refuse every layout but NCHW."""
    if data_format != "NCHW":
        raise ValueError(f"{type(layer).__name__} knows data_format 'NCHW' only, not {data_format!r}")
