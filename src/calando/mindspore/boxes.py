"""A number that lives in a framework's parameter, so that MindSpore's ``ops.assign`` can change it.

``optimizer.learning_rate`` and its like are boxes of the same framework as the parameters: a
``Parameter`` of real MindSpore, of calando's network room, or a NumPy array.
"""

from typing import Any

import numpy as np

from ..hyper import shown


class Library:
    """Makes boxes and tensors of one framework.

    Args:
        name: ``"mindspore"``, ``"torch"`` or ``"numpy"``: whose memory the parameters are.
    """

    def __init__(self, name: str):
        self.name = name

    def box(self, value: float | list[int], dtype: str, name: str) -> Any:
        """A parameter named ``name`` with this value: shape () for a number, (n,) for a list."""
        with np.errstate(over="ignore"):  # no bound is shown as infinity
            array = np.array(value, dtype)
        if self.name == "numpy":
            return array
        return self.words().Parameter(self.tensor(array), name=name)

    def tensor(self, value: Any, dtype: str = "float32") -> Any:
        """A tensor with this value."""
        array = np.array(value, dtype) if not isinstance(value, np.ndarray) else value
        return array if self.name == "numpy" else self.words().Tensor(array)

    def copy(self, value: Any, name: str) -> Any:
        """A parameter named ``name`` with a copy of an array or tensor."""
        if self.name == "numpy":
            return np.array(value)
        return self.words().Parameter(self.words().Tensor(value), name=name)

    def zero(self, value: Any) -> None:
        """Fill an array or tensor with zeros, in place."""
        if self.name == "torch":
            value.detach().zero_()
        else:
            write(value, 0)

    def words(self) -> Any:
        """The module that has Parameter and Tensor."""
        if self.name == "mindspore":
            import mindspore as words
        else:
            import calando.mindspore as words
        return words


def read(box: Any) -> np.ndarray:
    """The value in a box, as a view of its memory."""
    return box if isinstance(box, np.ndarray) else box.asnumpy()


def write(box: Any, value: Any) -> None:
    """Put a value into a box, in place."""
    with np.errstate(over="ignore"):
        read(box)[...] = value


class CellRate:
    """A Cell of the step (a LearningRateSchedule, or MindSpore's dynamic weight decay) as a plain function.

    Args:
        cell: a Cell of calando's or of real MindSpore whose ``construct(global_step)`` gives one number.

    Example:
        >>> from calando.mindspore.network.schedule import LearningRateSchedule
        >>> class Halved(LearningRateSchedule):
        ...     def construct(self, global_step):
        ...         return 0.1 * 0.5 ** (global_step // 10)
        >>> round(CellRate(Halved())(20), 6)
        0.025
    """

    def __init__(self, cell: Any):
        self.cell = cell
        self.library = Library("mindspore" if is_real(cell) else "torch")
        self.__qualname__ = type(cell).__qualname__
        self.__name__ = type(cell).__name__
        self.__module__ = type(cell).__module__

    def __call__(self, step: int) -> float:
        try:
            value = self.cell(self.library.tensor([step], "int32"))
        except NotImplementedError:
            raise TypeError(f"{self.__name__} has no construct(self, global_step), so it gives no number") from None
        except RuntimeError as problem:  # a layer, given for a schedule
            raise TypeError(f"{self.__name__} must give one number, but for step {step} it failed: {problem}") from None
        try:
            if isinstance(value, str):
                raise TypeError
            return float(np.asarray(value.asnumpy() if hasattr(value, "asnumpy") else value).item())
        except (TypeError, ValueError):
            raise TypeError(
                f"{self.__name__} must give one number, but for step {step} it gave {shown(value)}"
            ) from None

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, CellRate) and self.cell is other.cell

    def __hash__(self) -> int:
        return id(self.cell)


def is_real(value: Any) -> bool:
    """Whether something belongs to real MindSpore."""
    return any(cls.__module__.partition(".")[0] == "mindspore" for cls in type(value).__mro__)


def is_cell(value: Any) -> bool:
    """Whether something is a Cell, of calando's or of real MindSpore, and neither its class nor an optimizer."""
    named = hasattr(value, "construct") and callable(value) and not isinstance(value, type)
    return named and not hasattr(value, "get_lr")
