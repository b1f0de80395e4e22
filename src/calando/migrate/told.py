"""What a migration says in the terminal."""

from __future__ import annotations

from collections import Counter

from .finding import CERTAINTIES, CHECK, HUMAN, KEPT
from .project import Migration

SEVERAL = {HUMAN: "need a human", KEPT: "stay as they are"}


def lines(done: Migration) -> list[str]:
    """What a person must look at, and the defaults that were spoken aloud."""
    told = [str(finding) for finding in done.findings if finding.certainty in (CHECK, HUMAN)]
    for each in done.spoken:
        value = f"{each.argument}={each.value}"
        told.append(f"{each.file}:{each.line}: said aloud: {each.optimizer} {value}: {each.other}")
    return told


def summary(done: Migration) -> str:
    """One line with the counts."""
    counts = Counter(finding.certainty for finding in done.findings)
    changed = sum(result.changed for result in done.results)
    parts = [
        f"{counts[name]} {name if counts[name] == 1 else SEVERAL.get(name, name)}"
        for name in CERTAINTIES
        if counts[name]
    ]
    files = f"{changed} of {len(done.results)} script{'s' if len(done.results) != 1 else ''} changed"
    return "; ".join([files, *parts]) if parts else f"{files}; no optimizer and no schedule was found"
