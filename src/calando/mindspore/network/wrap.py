"""Cells around a network: the loss behind it, and one training step around both.

data, label ─► WithLossCell ─► loss          TrainOneStepCell: loss, gradients, optimizer(gradients)
data, label ─► WithEvalCell ─► loss, outputs, label
"""

from typing import Any

import torch

from ...hyper import is_number, shown
from .cell import Cell
from .composite import GradOperation
from .grad import value_and_grad


class WithLossCell(Cell):
    """A network and its loss as one Cell: ``(data, label)`` → loss.

    Args:
        backbone: the network, called with the data.
        loss_fn: called with what the network gives, and the label: a Cell or any function of two Tensors.

    Parameters keep the names they have in the network.

    Raises:
        TypeError: for a network that is no Cell, or a loss that cannot be called.
    """

    def __init__(self, backbone: Cell, loss_fn: Any) -> None:
        super().__init__(auto_prefix=False)
        self._backbone = cell(self, "backbone", backbone)
        self._loss_fn = called(self, "loss_fn", loss_fn)

    def construct(self, data: Any, label: Any) -> Any:
        return self._loss_fn(self._backbone(data), label)

    @property
    def backbone_network(self) -> Cell:
        """The network."""
        return self._backbone


class WithEvalCell(Cell):
    """A network and its loss, for metrics: ``(data, label)`` → ``(loss, outputs, label)``.

    Args:
        network: called with the data.
        loss_fn: called with the outputs and the label.
        add_cast_fp32: whether outputs and label are turned to float32 before the loss.

    Raises:
        TypeError: for a network that is no Cell, or a loss that cannot be called.
    """

    def __init__(self, network: Cell, loss_fn: Any, add_cast_fp32: bool = False) -> None:
        super().__init__(auto_prefix=False)
        self._network = cell(self, "network", network)
        self._loss_fn = called(self, "loss_fn", loss_fn)
        self.add_cast_fp32 = bool(add_cast_fp32)

    def construct(self, data: Any, label: Any) -> tuple[Any, Any, Any]:
        outputs = self._network(data)
        if self.add_cast_fp32:
            outputs = outputs.to(torch.float32)
            label = label.to(torch.float32) if label.is_floating_point() else label
        return self._loss_fn(outputs, label), outputs, label


class ForwardValueAndGrad(Cell):
    """``network(*inputs)`` and its gradients, in the shapes of :class:`GradOperation`.

    Args:
        network: a Cell or function.
        weights: Parameters; needed for ``get_by_list``.
        get_all: gradients by all inputs.
        get_by_list: gradients by ``weights``.
        sens_param: the last input is the gradient of the output.
    """

    weights: Any

    def __init__(
        self,
        network: Any,
        weights: Any = None,
        get_all: bool = False,
        get_by_list: bool = False,
        sens_param: bool = False,
    ) -> None:
        super().__init__(auto_prefix=False)
        self.network = called(self, "network", network)
        vars(self)["weights"] = weights  # not a second owner of the parameters
        self.grad = GradOperation(get_all=get_all, get_by_list=get_by_list, sens_param=sens_param)

    def construct(self, *inputs: Any) -> tuple[Any, Any]:
        return self.grad.value_and_gradients(self.network, self.weights, inputs)


class TrainOneStepCell(Cell):
    """One training step: loss, gradients, update.

    Args:
        network: gives the loss (see :class:`WithLossCell`).
        optimizer: of calando.mindspore.nn, over parameters of the network.
        sens: what the loss is multiplied by before its gradient is taken, not 0; None is 1. The gradients
            arrive multiplied: give the optimizer the same number as ``loss_scale``.
        return_grad: also return ``{parameter's name: gradient}``, as the optimizer gets them.

    Returns the loss, without ``sens``, or ``(loss, gradients)``. For subclasses: ``self.weights`` are the
    optimizer's parameters, ``self.grad(network, weights)(*inputs, sens)`` and ``self.grad_no_sens(network,
    weights)(*inputs)`` give their gradients; ``self.reducer_flag`` is False and ``self.grad_reducer`` returns
    what it is given: nothing is distributed here.

    The network runs once in a step; ``self.network(…)`` and then ``self.grad(…)`` in a subclass run it twice
    (MindSpore finds the first run again), so that BatchNorm takes in the batch twice: ``ms.value_and_grad``
    gives both in one run.

    Raises:
        TypeError: for a network that is no Cell, what is no optimizer, or ``sens`` that is no number.
        ValueError: for ``sens`` 0.
    """

    weights: Any

    def __init__(self, network: Cell, optimizer: Any, sens: Any = None, return_grad: bool = False) -> None:
        super().__init__(auto_prefix=False)
        self.network = cell(self, "network", network)
        self.network.set_grad()
        self.optimizer = stepping(self, optimizer)
        vars(self)["weights"] = optimizer.parameters  # not a second owner of the parameters
        if not (sens is None or is_number(sens) or getattr(sens, "shape", None) in ((), (1,))):
            raise TypeError(f"For '{type(self).__name__}': 'sens' must be one number or None, but got {shown(sens)}")
        if sens is not None and sens == 0:
            raise ValueError(f"For '{type(self).__name__}': 'sens' multiplies the loss and must not be 0")
        self.sense_flag = sens is not None
        self.sens = 1.0 if sens is None else sens
        self.return_grad = bool(return_grad)
        self.grad = GradOperation(get_by_list=True, sens_param=True)
        self.grad_no_sens = GradOperation(get_by_list=True)
        self.reducer_flag = False
        self.grad_reducer = unreduced

    def construct(self, *inputs: Any) -> Any:
        loss, grads = self.loss_and_gradients(*inputs)
        self.optimizer(grads)
        if self.return_grad:
            names = [getattr(weight, "name", str(place)) for place, weight in enumerate(self.weights)]
            return loss, dict(zip(names, grads, strict=True))
        return loss

    def loss_and_gradients(self, *inputs: Any, sens: Any = None) -> tuple[Any, tuple[Any, ...]]:
        """The loss, and the gradients of ``sens`` · loss by ``self.weights``, from one run of the network."""
        sens = self.sens if sens is None else sens
        if isinstance(sens, (int, float)) and sens == 1:
            return value_and_grad(self.network, None, self.weights)(*inputs)

        def scaled(*args: Any) -> tuple[Any, Any]:
            loss = self.network(*args)
            return loss * sens, loss

        (_, loss), grads = value_and_grad(scaled, None, self.weights, has_aux=True)(*inputs)
        return loss, grads


def unreduced(grads: Any) -> Any:
    """The gradients as they are: there is one process."""
    return grads


def cell(owner: Any, name: str, value: Any) -> Any:
    """``value``, if it is a Cell of calando's.

    Raises:
        TypeError: it is none; what to do instead.
    """
    if isinstance(value, Cell):
        return value
    roots = {cls.__module__.partition(".")[0] for cls in type(value).__mro__}
    place = f"For '{called_by(owner)}': {name!r} must be a Cell of calando.mindspore.nn"
    if "mindspore" in roots:
        raise TypeError(
            f"{place}, but got {type(value).__name__} of real MindSpore; train it there, with "
            "mindspore.value_and_grad, and give its gradients to an optimizer from here"
        )
    if isinstance(value, torch.nn.Module):
        raise TypeError(f"{place}, but got {type(value).__name__}, a torch Module; calando.torch trains those")
    hint = f"; call the class: {value.__name__}(…)" if isinstance(value, type) and issubclass(value, Cell) else ""
    raise TypeError(f"{place}, but got {value if value is None else type(value).__name__}{hint}")


def called(owner: Any, name: str, value: Any) -> Any:
    """``value``, if it can be called; a class of Cells was meant to be made first.

    Raises:
        TypeError: it cannot.
    """
    if isinstance(value, type) and issubclass(value, Cell):
        raise TypeError(
            f"For '{called_by(owner)}': {name!r} is the class {value.__name__}; make one: {value.__name__}()"
        )
    if not callable(value):
        raise TypeError(
            f"For '{called_by(owner)}': {name!r} must be a Cell or a function, but got "
            f"{value if value is None else type(value).__name__}"
        )
    return value


def stepping(owner: Any, value: Any) -> Any:
    """``value``, if it is an optimizer that is called with gradients.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, type) or not callable(value) or not hasattr(value, "parameters"):
        said = value.__name__ if isinstance(value, type) else value if value is None else type(value).__name__
        raise TypeError(
            f"For '{called_by(owner)}': 'optimizer' must be an optimizer of calando.mindspore.nn, such as "
            f"nn.Momentum(net.trainable_params(), 0.1, 0.9), but got {said}"
        )
    return value


def called_by(owner: Any) -> str:
    """How an error calls who asks: its class, or the name it gives."""
    return owner if isinstance(owner, str) else type(owner).__name__
