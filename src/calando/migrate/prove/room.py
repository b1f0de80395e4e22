"""calando's network room in MindSpore's place: ``import mindspore`` means ``calando.mindspore``."""

from __future__ import annotations

import re
import sys

ABSENT = "MindSpore is not installed"
# What MindSpore says of what only other devices do.
ELSEWHERE = re.compile(r"device[^.]{0,20}CPU|on (the )?`?CPU|CPU (kernel|operator)|kernel for the CPU", re.IGNORECASE)


def enter(why: str) -> str:
    """Let calando stand in for MindSpore where it is not installed, or where there is a reason; the reason."""
    if not why:
        try:
            import mindspore  # noqa: F401
        except ImportError:
            why = ABSENT
        else:
            return ""
    import calando.mindspore

    sys.modules["mindspore"] = calando.mindspore
    return why


def wanted(problem: str) -> str:
    """Why the room should be tried after a run of MindSpore itself failed; empty where it would not help."""
    return "MindSpore itself does not run it on the CPU" if ELSEWHERE.search(problem) else ""
