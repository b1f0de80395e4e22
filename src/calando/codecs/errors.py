"""What is said of a file that cannot be used."""


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint; the sentence says which, where in it, and why."""


def shown(thing: object) -> str:
    """A name or shape in an error: itself, if it is short."""
    text = repr(thing)
    return text if len(text) <= 100 else f"{text[:80]}…"
