"""The base class of learning rates that users write as a Cell."""

from typing import Any

from .cell import Cell


class LearningRateSchedule(Cell):
    """A learning rate as a function of the step: subclass it and write ``construct(self, global_step)``.

    ``global_step`` counts updates of the optimizer from 0, as an int32 Tensor of shape (1,), as in
    MindSpore; the result is one number or a Tensor with one number. An optimizer of calando calls it once per update.

    Example:
        >>> class Halved(LearningRateSchedule):
        ...     def construct(self, global_step):
        ...         return 0.1 * 0.5 ** (global_step // 10)
        >>> Halved()(20)
        0.025
    """

    def construct(self, global_step: Any) -> Any:
        """The learning rate at ``global_step``."""
        raise NotImplementedError(
            f"{type(self).__name__} is a LearningRateSchedule without construct(self, global_step)"
        )
