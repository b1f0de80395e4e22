"""What the tool says about one place of a script."""

from __future__ import annotations

from dataclasses import dataclass

# How certain a finding is. The order is that of the summary.
REWRITTEN = "rewritten"
CHECK = "rewritten, please check"
HUMAN = "needs a human"
KEPT = "stays as it is"  # it works in the target without a change
MISTAKE = "looks like a mistake"  # what --lint says
CERTAINTIES = (REWRITTEN, CHECK, HUMAN, KEPT)


@dataclass(frozen=True, order=True)
class Finding:
    """One place, what was done there and why.

    Args:
        file: the script's name.
        line: counted from 1.
        certainty: one of ``CERTAINTIES``.
        text: what stands there, on one line.
        reason: what was done, or why nothing was.
        topic: the section of docs/guide.md that explains it; empty where none does.
    """

    file: str
    line: int
    certainty: str
    text: str
    reason: str
    topic: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.certainty}: {self.text}: {self.reason}"


@dataclass(frozen=True)
class Spoken:
    """A default value that the result says aloud, because the two frameworks differ in it."""

    file: str
    line: int
    optimizer: str
    argument: str
    value: str
    other: str
