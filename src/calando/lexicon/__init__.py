"""What PyTorch and MindSpore call the same thing, as data.

    TORCH["Adam"].defaults["lr"]        0.001
    MINDSPORE["Adam"].order             ("params", "learning_rate", "beta1", …)
    PAIRS["AdamW"].exact                "calando.mindspore.torch_optim.AdamW"
    SCHEDULERS["StepLR"]                its arguments in order, with defaults

A test compares every table with the signatures of the installed frameworks. Nothing is imported here but
the standard library: the migration tool, the documentation and the tests read the same tables.
"""

from .libraries import CHOSEN as CHOSEN
from .libraries import HUGGING_FACE as HUGGING_FACE
from .optimizers import CALANDO as CALANDO
from .optimizers import GROUPED as GROUPED
from .optimizers import MINDSPORE as MINDSPORE
from .optimizers import TORCH as TORCH
from .optimizers import Spoken as Spoken
from .pairs import COPIES as COPIES
from .pairs import PAIRS as PAIRS
from .pairs import RETURNS as RETURNS
from .pairs import Pair as Pair
from .pairs import Return as Return
from .rates import DYNAMIC as DYNAMIC
from .schedulers import SCHEDULERS as SCHEDULERS

__all__ = [
    "CALANDO", "CHOSEN", "COPIES", "DYNAMIC", "GROUPED", "HUGGING_FACE", "MINDSPORE", "PAIRS", "RETURNS", "SCHEDULERS",
    "TORCH", "Pair", "Return", "Spoken",
]  # fmt: skip
