"""``mindspore.log``: messages of a script, through Python's ``logging``.

    from calando.mindspore import log as logger
    logger.info("lr %f", lr)

The logger is called ``"calando.mindspore"``. It has no handler of its own, so the program decides what is seen; Python
shows warnings and errors where nothing was decided.
"""

import logging
from typing import Any

from .missing import missing

__path__: list[str] = []  # so that an import of what is not here is told, too

_LOGGER = logging.getLogger(__package__)
debug, info, warning = _LOGGER.debug, _LOGGER.info, _LOGGER.warning
error, critical, exception = _LOGGER.error, _LOGGER.critical, _LOGGER.exception
__all__ = ["critical", "debug", "error", "exception", "get_level", "info", "warning"]


def get_level() -> str:
    """The level in force, as MindSpore numbers it: "0" debug, "1" info, "2" warning, "3" error, "4" critical."""
    return str(min(4, max(0, _LOGGER.getEffectiveLevel() // 10 - 1)))


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise missing(__name__, name, __all__)
