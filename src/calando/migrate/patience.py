"""The last resort for very large scripts: a clear message in place of a long wait."""

from __future__ import annotations

import time
from collections.abc import Iterable

from .reading.source import Source, Unreadable

LONG = 10_000  # lines of one script from which on it may be too much
SECONDS = 7.0  # on the clock: who waits does not see that the machine has others to serve


class TooLarge(Unreadable):
    """A script that takes too long; the sentence says which, and what to do."""


class Patience:
    """How long a project may still take.

    Args:
        sources: its scripts; where none of them is long, it may take as long as it does.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self.lines, self.name = max(((len(s.starts) - 1, s.name) for s in sources), default=(0, ""))
        self.end = time.monotonic() + SECONDS if self.lines > LONG else float("inf")

    def ask(self) -> None:
        """Go on, if there is time.

        Raises:
            TooLarge: there is none.
        """
        if time.monotonic() > self.end:
            told = f"its {self.lines:,} lines take longer than {SECONDS:g} seconds: nothing was written"
            raise TooLarge(f"{self.name}: {told}; split it into several files and give them one by one")
