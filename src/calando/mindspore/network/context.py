"""MindSpore's settings of the process, so that scripts that make them run: there is one mode and one device.

Everything runs at once, as in PYNATIVE_MODE; a script that asks for GRAPH_MODE gets the same numbers.
"""

from collections.abc import Callable
from typing import Any

from ..missing import missing

__path__: list[str] = []  # so that an import of what is not here is told, too

GRAPH_MODE = 0
PYNATIVE_MODE = 1

_settings: dict[str, Any] = {"mode": PYNATIVE_MODE, "device_target": "CPU", "device_id": 0}
_MODES = {GRAPH_MODE: "GRAPH_MODE", PYNATIVE_MODE: "PYNATIVE_MODE"}


def __getattr__(name: str) -> Any:
    raise missing(__name__, name, [known for known in globals() if not known.startswith("_")])


def set_context(mode: int | None = None, device_target: str | None = None, **settings: Any) -> None:
    """Take note of MindSpore's settings; none of them changes what is computed.

    Args:
        mode: GRAPH_MODE or PYNATIVE_MODE.
        device_target: "CPU".
        settings: any other of MindSpore's; ``get_context`` gives them back.

    Raises:
        ValueError: for another mode or device.
    """
    if mode is not None and mode not in _MODES:
        raise ValueError(f"For 'set_context': 'mode' must be GRAPH_MODE (0) or PYNATIVE_MODE (1), but got {mode!r}")
    if device_target is not None:
        _check_device("set_context", device_target)
    given = {"mode": mode, "device_target": device_target, **settings}
    _settings.update({name: value for name, value in given.items() if value is not None})


def get_context(attr_key: str) -> Any:
    """A setting: mode, device_target, device_id, or one that was given to ``set_context``.

    Raises:
        ValueError: nothing of that name was set.
    """
    if attr_key not in _settings:
        raise ValueError(f"For 'get_context': {attr_key!r} was not set; there are {', '.join(sorted(_settings))}")
    return _settings[attr_key]


def set_device(device_target: str, device_id: int | None = None) -> None:
    """Choose the device: ``"CPU"``.

    Raises:
        ValueError: for another one.
    """
    _check_device("set_device", device_target)
    _settings["device_id"] = device_id or 0


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """A decorator that changes nothing: there is nothing to compile here, and the numbers are the same.

    Takes MindSpore's options (``capture_mode``, ``backend`` …); ``@ms.jit`` and ``@ms.jit(…)`` both work.
    """
    if function is None:
        return lambda decorated: decorated
    return function


def jit_class(cls: type) -> type:
    """A decorator that changes nothing, for classes."""
    return cls


def _check_device(place: str, device_target: str) -> None:
    if device_target != "CPU":
        raise ValueError(
            f"For {place!r}: 'device_target' must be 'CPU', but got {device_target!r}; calando's networks run on "
            "torch's CPU, and its optimizers take parameters of real MindSpore where those are"
        )
