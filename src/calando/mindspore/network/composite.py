"""Functions of functions: gradients in MindSpore's older manner, and mapping over tuples of Tensors.

grads = ops.GradOperation(get_by_list=True)(net, weights)(x)
grads = ops.HyperMap()(ops.partial(clip, 1.0), grads)
"""

from collections.abc import Callable
from functools import partial as partial  # ops.partial is functools' own
from typing import Any

import torch

from .cell import Cell
from .grad import value_and_grad
from .parameter import Parameter

_NUMBERS = (int, float, bool)


class GradOperation:
    """Makes functions that give gradients; the older form of ``ms.grad``.

    Args:
        get_all: by all inputs, as a tuple; else by the first one.
        get_by_list: by the Parameters given beside the function, as a tuple.
        sens_param: the last input of what is made is no input but the gradient of the output: a number or a
            Tensor of the output's shape.

    ``GradOperation(...)(fn, weights)(*inputs)`` gives gradients by the inputs, or by the weights with
    ``get_by_list``, or ``(by all inputs, by weights)`` with both.

    Raises:
        TypeError: for an argument that is not True or False.
        ValueError: with ``get_by_list`` and no weights; without it and with weights.
    """

    def __init__(self, get_all: bool = False, get_by_list: bool = False, sens_param: bool = False) -> None:
        for name, value in (("get_all", get_all), ("get_by_list", get_by_list), ("sens_param", sens_param)):
            if not isinstance(value, bool):
                raise TypeError(f"For 'GradOperation': {name!r} must be True or False, but got {value!r}")
        self.get_all, self.get_by_list, self.sens_param = get_all, get_by_list, sens_param

    def __call__(self, fn: Callable[..., Any], weights: Any = None) -> Callable[..., Any]:
        if isinstance(fn, Cell) and weights is None and self.get_by_list:
            weights = fn.trainable_params()
        if self.get_by_list == (weights is None):
            said = "needs weights, as in grad(net, net.trainable_params())" if self.get_by_list else "takes no weights"
            raise ValueError(f"For 'GradOperation': get_by_list={self.get_by_list} {said}")

        def gradients(*inputs: Any) -> Any:
            return self.value_and_gradients(fn, weights, inputs)[1]

        return gradients

    def value_and_gradients(self, fn: Callable[..., Any], weights: Any, inputs: tuple[Any, ...]) -> tuple[Any, Any]:
        """What ``fn`` gives, and the gradients."""
        count = len(inputs) - self.sens_param
        positions = tuple(range(count)) if self.get_all else None if self.get_by_list else 0
        weights = list(weights) if self.get_by_list and not isinstance(weights, torch.Tensor) else weights
        weights = weights if self.get_by_list else None
        value, grads = value_and_grad(fn, positions, weights, sens_param=self.sens_param)(*inputs)
        if self.get_all and count == 1:  # MindSpore: a tuple, also of one
            grads = ((grads[0],), grads[1]) if self.get_by_list else (grads,)
        return value, grads


def constexpr(fn: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
    """A function as it is, with or without options: nothing is compiled here that would want to know it beforehand."""
    return fn if fn is not None else lambda wrapped: wrapped


class HyperMap:
    """Calls a function with the members of tuples or lists that lie at the same places, however deep.

    Args:
        ops: the function; None: it is the first argument of the call.
        reverse: accepted; the order of working does not show in the result.

    ``HyperMap()(f, (a, (b, c)), (x, (y, z)))`` is ``(f(a, x), (f(b, y), f(c, z)))``: tuples, also from lists.

    Raises:
        TypeError: for what cannot be called, or nothing to map over.
        ValueError: for tuples of different lengths.
    """

    deep = True

    def __init__(self, ops: Callable[..., Any] | None = None, reverse: bool = False) -> None:
        self.ops, self.reverse = ops, reverse

    def __call__(self, *args: Any) -> Any:
        fn, args = (self.ops, args) if self.ops is not None else (args[0] if args else None, args[1:])
        if not callable(fn):
            raise TypeError(f"For '{type(self).__name__}': the function must be callable, but got {fn!r}")
        if not args:
            raise TypeError(f"For '{type(self).__name__}': there is nothing to map over")
        return self._map(fn, args, top=True)

    def _map(self, fn: Callable[..., Any], args: tuple[Any, ...], top: bool) -> Any:
        rows = [isinstance(arg, (tuple, list)) for arg in args]
        if not any(rows) or not (top or self.deep):
            return fn(*args)
        if not all(rows) or len({len(arg) for arg in args}) > 1:
            shapes = ", ".join(str(len(arg)) if row else "no tuple" for arg, row in zip(args, rows, strict=True))
            raise ValueError(f"For '{type(self).__name__}': tuples of one length are needed, but got {shapes}")
        return tuple(self._map(fn, members, top=False) for members in zip(*args, strict=True))


class Map(HyperMap):
    """As :class:`HyperMap`, but only over the outermost tuples or lists."""

    deep = False


class MultitypeFuncGraph:
    """A function with a body for each combination of types.

    Args:
        name: how errors call it.
        read_value: accepted, as in MindSpore; values are always read.

    ``@graph.register("Number", "Tensor")`` over a body, then ``graph(2, x)``. Words: ``"Number"``,
    ``"Bool"``, ``"Int"``, ``"Float"``, ``"String"``, ``"Tuple"``, ``"List"``, ``"None"``, ``"Function"``, ``"Tensor"``;
    the body registered first wins where several fit. True and False are numbers, and no ints. Where no body fits, a
    Parameter of one fraction is also a Number: an optimizer's ``weight_decay`` is one here, and a float in MindSpore.

    Raises:
        TypeError: for an unknown word, or arguments that fit no body.
    """

    WORDS: dict[str, Any] = {
        "Number": _NUMBERS,
        "Bool": bool,
        "Int": int,
        "Float": float,
        "String": str,
        "Tuple": tuple,
        "List": list,
        "None": type(None),
        "NoneType": type(None),
        "Tensor": torch.Tensor,
    }

    def __init__(self, name: str, read_value: bool = False, doc_url: str = "") -> None:
        self.name = name
        self.entries: list[tuple[tuple[str, ...], Callable[..., Any]]] = []

    def register(self, *type_names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """The decorator for the body that takes these types."""
        for word in type_names:
            if word not in self.WORDS and word != "Function":
                known = ", ".join([*self.WORDS, "Function"])
                raise TypeError(f"For 'MultitypeFuncGraph {self.name}': no type is called {word!r}; known are {known}")

        def decorated(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.entries.append((type_names, fn))
            return fn

        return decorated

    def __call__(self, *args: Any) -> Any:
        for told in (lambda word, value: value, as_number):
            for words, fn in self.entries:
                if len(words) == len(args):
                    found = [told(w, a) for w, a in zip(words, args, strict=True)]
                    if all(self._fits(w, a) for w, a in zip(words, found, strict=True)):
                        return fn(*found)
        given = ", ".join(type(arg).__name__ for arg in args)
        raise TypeError(f"For 'MultitypeFuncGraph {self.name}': nothing is registered for ({given})")

    def _fits(self, word: str, value: Any) -> bool:
        if word == "Function" or (word == "Int" and isinstance(value, bool)):
            return word == "Function" and callable(value)
        return isinstance(value, self.WORDS[word])


def as_number(word: str, value: Any) -> Any:
    """A Parameter of one fraction as its number, where a number is wanted."""
    one = word in ("Number", "Float") and isinstance(value, Parameter) and value.shape == ()
    return value.item() if one and value.is_floating_point() else value
