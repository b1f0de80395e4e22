"""Controllers (``Plateau``) beside an optimizer: their memory travels in its checkpoint."""

from collections.abc import Mapping
from typing import Any

from ..hyper import shown


class Reminders:
    """The part of ``Optimizer`` that keeps what controllers remember."""

    _controllers: dict[str, dict[str, Any]]  # what each remembers
    _waiting: dict[str, dict[str, Any]]  # the same from a checkpoint, before there is a controller

    def remember(self, key: str, memory: dict[str, Any]) -> dict[str, Any]:
        """Let a controller's memory travel in ``state_dict``, under a name of its own.

        Args:
            key: what the controller is called.
            memory: plain data; what a checkpoint already loaded has under this name is put into it, and so
                is what will be loaded.

        Returns:
            ``memory`` itself.
        """
        memory.update(self._waiting.pop(key, {}))
        self._controllers[key] = memory
        return memory

    def _reminders(self) -> dict[str, dict[str, Any]]:
        """What every controller remembers, and what waits for one; copies."""
        return {key: dict(memory) for key, memory in {**self._waiting, **self._controllers}.items()}

    def _remind(self, controllers: Mapping[str, Mapping[str, Any]]) -> None:
        """Give controllers their memory back; that of those who are not there yet waits for them."""
        for key, memory in controllers.items():
            (self._controllers if key in self._controllers else self._waiting).setdefault(key, {}).update(memory)


def remembered(name: str, extra: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What controllers remembered, from our own part of a ``state_dict``.

    Raises:
        ValueError: it is no plain data under names.
    """
    found = (extra or {}).get("controllers", {})
    if not isinstance(found, Mapping) or not all(isinstance(memory, Mapping) for memory in found.values()):
        raise ValueError(f"{name}: what the checkpoint has of controllers was not stored by calando: {shown(found)}")
    return {str(key): dict(memory) for key, memory in found.items()}
