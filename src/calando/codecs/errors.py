"""What is said of a file that cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint; the sentence says which, where in it, and why."""


def shown(thing: object) -> str:
    """A name or shape in an error: itself, if it is short."""
    text = repr(thing)
    return text if len(text) <= 100 else f"{text[:80]}…"


@contextmanager
def naming(place: Path) -> Iterator[None]:
    """Let every error about what stands in a file name the file.

    Raises:
        CheckpointError: for data that are readable, and are not what they should be.
    """
    try:
        yield
    except CheckpointError as problem:
        if str(place) in str(problem):
            raise
        raise CheckpointError(f"{place}: {problem}") from None
    except (KeyError, IndexError, TypeError, AttributeError, ArithmeticError) as problem:
        told = f"{type(problem).__name__}: {shown(str(problem))}"
        raise CheckpointError(f"{place} holds data that no checkpoint has ({told})") from None
