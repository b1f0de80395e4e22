"""What is to be done in each file, in the order it was asked for, and found again by its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .reading.scopes import File

T = TypeVar("T")
WIDE = 512  # how many characters, or lines, are looked through at once


class Ledger(list[tuple[File, T]]):
    """A list of (file, entry) whose entries near a place are found without reading all of it.

    Args:
        place: where an entry begins: a character, or a line.
    """

    def __init__(self, place: Callable[[T], int]) -> None:
        super().__init__()
        self.place = place
        self.numbers: dict[tuple[File, int], list[int]] = {}  # by stretch of a file
        self.known = 0  # how many entries are in it
        self.exchanged: list[tuple[int, tuple[File, T]]] = []  # entries as they were, with their numbers

    def near(self, file: File, low: int, high: int) -> Iterator[tuple[int, T]]:
        """The entries of a file that begin between two places, the last one included, with their numbers."""
        for number in range(self.known, len(self)):
            owner, entry = self[number]
            self.numbers.setdefault((owner, self.place(entry) // WIDE), []).append(number)
        self.known = len(self)
        for stretch in range(low // WIDE, high // WIDE + 1):
            for number in self.numbers.get((file, stretch), ()):
                if low <= self.place(self[number][1]) <= high:
                    yield number, self[number][1]

    def exchange(self, number: int, entry: T) -> None:
        """Another entry that begins where one does."""
        self.exchanged.append((number, self[number]))
        self[number] = self[number][0], entry

    def mark(self) -> tuple[int, int]:
        """Where one may come back to."""
        return len(self), len(self.exchanged)

    def back(self, mark: tuple[int, int]) -> None:
        """Forget what was done since a mark."""
        size, exchanged = mark
        while len(self.exchanged) > exchanged:
            number, before = self.exchanged.pop()
            self[number] = before
        for owner, entry in self[size : self.known]:
            self.numbers[owner, self.place(entry) // WIDE].pop()
        self.known = min(self.known, size)
        del self[size:]

    def clear(self) -> None:
        super().clear()
        self._anew()

    def remove(self, entry: Any) -> None:
        super().remove(entry)
        self._anew()

    def _anew(self) -> None:
        self.numbers, self.known, self.exchanged = {}, 0, []


class Told(list[int]):
    """A list whose entries are found without reading it."""

    def __init__(self) -> None:
        super().__init__()
        self.times: Counter[int] = Counter()
        self.read = 0  # how many entries are counted

    def __contains__(self, entry: object) -> bool:
        if self.read < len(self):
            self.times.update(self[self.read :])
            self.read = len(self)
        return self.times[entry] > 0  # type: ignore[index]

    def mark(self) -> int:
        """Where one may come back to."""
        return len(self)

    def back(self, size: int) -> None:
        """Forget all but the first entries."""
        self.times.subtract(self[size : self.read])
        self.read = min(self.read, size)
        del self[size:]

    def clear(self) -> None:
        super().clear()
        self.times, self.read = Counter(), 0
