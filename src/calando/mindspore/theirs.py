"""What MindSpore's own functions make of an optimizer from here, which is no Cell of MindSpore's.

They look at what they are given in checks of their own, which all of them call however they were imported. Those of
checkpoints answer for an optimizer from here with the way out; that of ``mindspore.train.Model`` lets it pass, as a
training step only calls it with the gradients.
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
    from mindspore.train import amp, serialization

    if not isinstance(amp.validator, Admitting):
        amp.validator = Admitting(amp.validator, optimizers)
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


class Admitting:
    """MindSpore's module of checks as ``build_train_network`` and ``Model`` see it: optimizers of this class pass."""

    def __init__(self, checks: Any, optimizers: type) -> None:
        self.checks, self.optimizers = checks, optimizers

    def __getattr__(self, name: str) -> Any:
        return getattr(self.checks, name)

    def check_value_type(self, name: str, value: Any, kinds: Any, *more: Any, **options: Any) -> Any:
        if name == "optimizer" and isinstance(value, self.optimizers):
            return value
        return self.checks.check_value_type(name, value, kinds, *more, **options)
