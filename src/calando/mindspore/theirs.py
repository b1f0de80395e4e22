"""What MindSpore's own functions of checkpoints say of an optimizer from here, which is no Cell of MindSpore's.

They look at what they are given in checks of their own, which all of them call however they were imported. Those
checks answer for an optimizer from here with the way out.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

WAYS = {  # MindSpore's checks → what stands in the place of their function
    "_check_save_obj_and_ckpt_file_name": (
        "mindspore.save_checkpoint takes MindSpore's Cells, dictionaries and lists; give it "
        "optimizer.parameters_dict(), or call calando.mindspore.save_checkpoint(optimizer, …): both make the same file"
    ),
    "_check_load_param_into_net": (
        "mindspore.load_param_into_net fills MindSpore's Cells; call "
        "calando.mindspore.load_param_into_net(optimizer, …), which takes what mindspore.load_checkpoint gives"
    ),
}
TAUGHT = "_taught_by_calando"


def teach(optimizers: type) -> None:
    """Let MindSpore's checks know optimizers of this class."""
    from mindspore.train import serialization

    for name, way in WAYS.items():
        check = getattr(serialization, name, None)
        if check is not None and not hasattr(check, TAUGHT):
            setattr(serialization, name, taught(check, optimizers, way))


def taught(check: Callable[..., Any], optimizers: type, way: str) -> Callable[..., Any]:
    """A check that raises TypeError, with the way out, for an optimizer of this class."""

    @wraps(check)
    def checking(given: Any, *more: Any, **options: Any) -> Any:
        if isinstance(given, optimizers):
            raise TypeError(f"For '{type(given).__name__}': {way}")
        return check(given, *more, **options)

    setattr(checking, TAUGHT, True)
    return checking
