"""The running averages of the weights, and their place in evaluation: the same in both front ends."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .arrays import adapter
from .average import SLOT


class Evaluation:
    """What every optimizer can tell of its average. A front end gives ``engine`` and ``spelling``, and listens."""

    engine: Any
    spelling: Mapping[str, Any]

    def _listen(self) -> None:
        """Take over what was written from outside."""

    def _averages(self) -> list[tuple[Any, Any]]:
        """Every parameter with its average, group by group; before its first update that is the parameter itself.

        Raises:
            ValueError: the optimizer was built without ``ema``.
        """
        if SLOT not in self.spelling:
            raise ValueError(f"For '{type(self).__name__}': there is no average; build the optimizer with ema=0.999")
        self._listen()
        return [(m.param, m.slots.get(SLOT, m.param)) for members in self.engine.members for m in members]

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within this block the parameters hold their averages, for evaluation; afterwards what they held before.

        Raises:
            ValueError: the optimizer was built without ``ema``.
        """
        pairs = [(adapter(p), p, mean) for p, mean in self._averages()]
        held = [(arrays, p, arrays.copied(p)) for arrays, p, _ in pairs]
        try:
            try:
                for arrays, p, mean in pairs:
                    arrays.write(p, arrays.copied(mean))
                yield
            finally:
                put_back(held)
        finally:
            put_back(held)  # all of it, if the first was interrupted; else nothing is left to be put back


def put_back(held: list[tuple[Any, Any, Any]]) -> None:
    """Write into parameters what they held, and then forget it."""
    for arrays, p, before in held:
        arrays.write(p, before)
    held.clear()
