"""Rewriting training scripts between PyTorch and MindSpore, and proving that the result trains the same.

    from calando.migrate import Wish, migrate
    done = migrate({"train.py": data}, Wish(to="mindspore"))
    done.results[0].after       # the new bytes
    done.findings               # every place: rewritten, rewritten but please check, needs a human, stays as it is

The script is read as a syntax tree and changed in place, so every line that nothing was wanted of keeps its bytes.
Nothing of the user's is run; ``calando.migrate.prove`` does that, when it is asked for.
"""

from .finding import CERTAINTIES as CERTAINTIES
from .finding import CHECK as CHECK
from .finding import HUMAN as HUMAN
from .finding import KEPT as KEPT
from .finding import REWRITTEN as REWRITTEN
from .finding import Finding as Finding
from .project import Migration as Migration
from .project import Result as Result
from .project import migrate as migrate
from .reading.source import Unreadable as Unreadable
from .work import Wish as Wish

__all__ = [
    "CERTAINTIES", "CHECK", "HUMAN", "KEPT", "REWRITTEN", "Finding", "Migration", "Result", "Unreadable", "Wish",
    "migrate",
]  # fmt: skip
