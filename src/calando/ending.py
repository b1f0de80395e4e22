"""The half of a step or of a change that writes: interrupted anywhere, it goes on, and nothing is done twice.

A kernel marks each chunk as done, array expressions each parameter; ages and clocks are written as numbers, not counted
up; what is loaded, set or added is known whole before the first of it is written. So the whole ending may be called
again and again, until it has come to its end. Signals that raise (Ctrl-C, alarms) come between two such marks, never
inside a kernel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .plan import Part

TRIES = 3  # failures that may come from outside, as from a signal's handler


class TornStep(RuntimeError):
    """The machine failed while parameters were written, and failed again when the step was to go on."""


def to_the_end(write: Callable[[], None], torn: Callable[[BaseException], Exception] | None = None) -> None:
    """Call ``write``, which may be called again wherever it stopped, until it is done; then raise what interrupted it.

    Raises:
        Exception: it fails again and again, so the failure is its own; what ``torn`` makes of it.
    """
    interruption: BaseException | None = None
    failures = 0
    while True:
        try:
            write()
            break
        except BaseException as problem:
            interruption = problem
            failures += isinstance(problem, Exception)
            if failures == TRIES:
                if torn is None:
                    raise
                raise torn(problem) from problem
    if interruption is not None:
        raise interruption


@dataclass
class Ending:
    """What is left to be written of a step, or of a change that is none.

    Args:
        parts: those that have gradients; they hold them, and their parameters, until the step is over.
        updates: the update of each.
        rest: writes ages and clocks and tells others; called again it does no harm.
        sums: what updates have given, by their part: those that are done.
        done: whether nothing is left.
        overdue: whether it is finished by whoever comes next, after its step was left.
        problem: what failed once the step was made.
        busy: whether it is being written now.
    """

    parts: Sequence[Part]
    updates: Sequence[Callable[[], Any]]
    rest: Callable[[], None] = lambda: None
    sums: dict[Part, Any] = field(default_factory=dict)
    done: bool = False
    busy: bool = False
    overdue: bool = False
    problem: Exception | None = None

    def go_on(self) -> None:
        """Do what is left."""
        try:
            self.busy = True
            for part, update in zip(self.parts, self.updates, strict=True):
                if part not in self.sums:
                    self.sums[part] = update()
            self.rest()
            self.done = True
        finally:
            self.busy = False

    def to_the_end(self) -> None:
        """Do all that is left, then raise what has interrupted it.

        Raises:
            TornStep: it fails again and again, so the failure is its own.
        """
        to_the_end(self.go_on, lambda problem: TornStep(self.told(problem)))

    def late(self) -> None:
        """Do what is left of a step that was interrupted twice at once, before anything else is done.

        Raises:
            TornStep: parameters have moved in memory meanwhile.
        """
        if self.done:
            return
        self.overdue = True
        for part in self.parts:
            still = part.key.fused and part not in self.sums
            if still and not np.array_equal(part.key.arrays.addresses(part.held), part.where):
                raise TornStep(self.told("parameters have moved since it was interrupted"))
        self.to_the_end()

    def told(self, why: Any) -> str:
        """Which parameters have been updated and which may not."""
        kinds: list[list[str]] = [[], []]
        for part in self.parts:
            kinds[part in self.sums] += [m.place for m in part.chosen(part.members)]
        torn, whole = (", ".join(places) or "none" for places in kinds)
        reason = why if isinstance(why, str) else repr(why)
        return (
            f"a step stopped half-way ({reason}): updated are {whole}; not, or only in part, {torn}; load a checkpoint"
        )
