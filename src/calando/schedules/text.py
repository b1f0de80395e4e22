"""Schedules as text, as one types them on a command line.

    cosine(0.1, 0, total)
    linear(0, 0.1, 5 * epoch).then(cosine(0.1, 0, total - 5 * epoch))
    [0.1, 0.05, 0.01].per_epoch(epoch).hold()
    0.5 * Exponential(start=0.1, rate=0.99)

It is the language of ``repr``: numbers and named numbers with + - * / // % **, calls of the classes in
capitals or not (``natural_exponential`` is ``NaturalExponential``), the warm-ups of warmup.py, lists in
brackets, the methods ``then hold repeat per_epoch skip``, and + - * between schedules. The text is taken
apart by Python's own parser and every piece is looked at here; nothing is evaluated, and what is not in
this list is refused with its place.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from inspect import signature
from math import isfinite
from numbers import Integral, Real
from typing import Any

from ..called import told
from .base import Schedule
from .constant import Constant
from .cosine import Cosine
from .cosine_wave import CosineWave
from .cumulative_product import CumulativeProduct
from .cyclic import Cyclic
from .exponential import Exponential, NaturalExponential
from .inverse_square_root import InverseSquareRoot
from .inverse_time import InverseTime
from .linear import Linear
from .listed import Listed
from .one_cycle import OneCycle
from .piecewise import Piecewise
from .polynomial import Polynomial
from .warm_restarts import WarmRestarts
from .warmup import noam, warmup_cosine, warmup_inverse_square_root, warmup_linear, warmup_stable_decay

MOST_BITS = 1023  # of an int; float64 reaches no further
MOST_NESTED = 150  # brackets and signs within each other
MOST_LINKS = 10_000  # signs, dots and brackets in all: 100_000 in a chain kill Python 3.10's parser
LINK = re.compile(r"[-+*/%@&|^<>.(\[]")
LISTED_NUMBER = re.compile(r"(?<=[,(\[])\s*[-+]?\d[\w.]*(?:(?<=[eE])[-+]\d+)?")
WIDTH = 90  # of the piece of text shown in an error

CALLS: dict[str, Callable[..., Schedule]] = {
    "constant": Constant,
    "cosine": Cosine,
    "cosine_wave": CosineWave,
    "cumulative_product": CumulativeProduct,
    "cyclic": Cyclic,
    "exponential": Exponential,
    "inverse_square_root": InverseSquareRoot,
    "inverse_time": InverseTime,
    "linear": Linear,
    "listed": Listed,
    "natural_exponential": NaturalExponential,
    "noam": noam,
    "one_cycle": OneCycle,
    "piecewise": Piecewise,
    "polynomial": Polynomial,
    "warm_restarts": WarmRestarts,
    "warmup_cosine": warmup_cosine,
    "warmup_inverse_square_root": warmup_inverse_square_root,
    "warmup_linear": warmup_linear,
    "warmup_stable_decay": warmup_stable_decay,
}
PLAIN = {word.replace("_", ""): kind for word, kind in CALLS.items()}
METHODS = ("hold", "per_epoch", "repeat", "skip", "then")

SIGNS: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}


@told
def parse(text: str, names: Mapping[str, float] | None = None) -> Schedule:
    """The schedule that ``text`` describes; a number alone is a Constant, a list alone is Listed.

    Args:
        text: see the top of this module.
        names: numbers that the text may call by name, such as ``{"epoch": 782, "total": 78_200}``.

    Raises:
        ValueError: with the place in the text and, for an unknown word, the nearest known ones.

    Example:
        >>> parse("linear(0, 0.1, epoch).then(cosine(0.1, 0, total - epoch))", {"epoch": 10, "total": 90})
        Linear(start=0.0, end=0.1, steps=10).then(Cosine(start=0.1, end=0.0, steps=80))
    """
    if not isinstance(text, str):
        raise TypeError(f"parse: a schedule is written as a str, not {text!r}")
    text = text.strip()
    if not text:
        raise ValueError("there is no schedule in an empty text; write one, such as 0.1 or cosine(0.1, 0, 1000)")
    try:
        if len(LINK.findall(LISTED_NUMBER.sub("", text))) > MOST_LINKS:
            raise RecursionError
        tree = ast.parse(text, mode="eval").body
        return _as_schedule(_Reader(names or {}).read(tree, 0), tree)
    except _Refusal as refusal:
        raise ValueError(refusal.shown(text)) from None
    except SyntaxError as error:
        raise ValueError(_syntax(error, text)) from None
    except (RecursionError, MemoryError):
        raise ValueError(f"this schedule is nested too deeply to be read: {text[:WIDTH]!r}...") from None
    except ValueError as error:  # from Python's parser: a NUL byte, or 4300 digits
        raise ValueError(f"this is no schedule ({error}): {text[:WIDTH]!r}") from None


class _Refusal(Exception):
    """A sentence and the place it is about."""

    def __init__(self, node: ast.AST, sentence: str) -> None:
        super().__init__(sentence)
        self.node = node
        self.sentence = sentence

    def shown(self, text: str) -> str:
        line = text.splitlines()[getattr(self.node, "lineno", 1) - 1]
        coded = line.encode()  # ast counts in bytes of UTF-8
        start = len(coded[: getattr(self.node, "col_offset", 0)].decode())
        same_line = getattr(self.node, "end_lineno", 1) == getattr(self.node, "lineno", 1)
        end = len(coded[: getattr(self.node, "end_col_offset", 0)].decode()) if same_line else len(line)
        return f"{self.sentence}\n{_pointed(line, start, end)}"


def _pointed(line: str, start: int, end: int) -> str:
    """The line, cut to a readable width, with carets under [start, end)."""
    left = max(0, min(start - WIDTH // 3, len(line) - WIDTH))
    piece = line[left : left + WIDTH]
    carets = "^" * max(1, min(end, left + WIDTH) - start)
    return f"    {piece}\n    {' ' * (start - left)}{carets}"


def _syntax(error: SyntaxError, text: str) -> str:
    lines = text.splitlines() or [""]
    number = min(max((error.lineno or 1) - 1, 0), len(lines) - 1)
    start = min(max((error.offset or 1) - 1, 0), len(lines[number]))
    return f"this is no schedule ({error.msg})\n{_pointed(lines[number], start, start + 1)}"


class _Reader:
    """Reads one tree. A reading is a number, a flag, None, a tuple of numbers, or a Schedule."""

    def __init__(self, names: Mapping[str, float]) -> None:
        for name, value in names.items():
            if not isinstance(value, Real) or isinstance(value, bool):
                raise TypeError(f"parse: the name {name!r} must stand for a number, not {value!r}")
        self.names = {name: int(v) if isinstance(v, Integral) else float(v) for name, v in names.items()}

    def read(self, node: ast.expr, depth: int) -> Any:
        if depth > MOST_NESTED:
            raise _Refusal(node, f"more than {MOST_NESTED} brackets or signs within each other")
        if isinstance(node, ast.Constant):
            return _literal(node)
        if isinstance(node, ast.Name):
            return self.name(node)
        if isinstance(node, ast.List | ast.Tuple):
            return tuple(self.item(each, depth) for each in node.elts)
        if isinstance(node, ast.UnaryOp):
            return self.signed(node, depth)
        if isinstance(node, ast.BinOp):
            return self.combined(node, depth)
        if isinstance(node, ast.Call):
            return self.called(node, depth)
        raise _Refusal(node, "a schedule is made of numbers, names, lists, calls and + - * / // % ** only")

    def name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id]
        kind = _class_of(node.id)
        if kind:
            raise _Refusal(node, f"{node.id} needs its arguments: {node.id}({_parameters(kind)})")
        raise _unknown(node, node.id, [*self.names, *CALLS])

    def item(self, node: ast.expr, depth: int) -> Any:
        value = self.read(node, depth + 1)
        if not _is_number(value):
            raise _Refusal(node, "a list holds numbers only")
        return value

    def signed(self, node: ast.UnaryOp, depth: int) -> Any:
        value = self.read(node.operand, depth + 1)
        if isinstance(node.op, ast.USub | ast.UAdd) and (_is_number(value) or isinstance(value, Schedule)):
            return -value if isinstance(node.op, ast.USub) else value
        raise _Refusal(node, "only a number or a schedule can have a sign, + or -")

    def combined(self, node: ast.BinOp, depth: int) -> Any:
        if type(node.op) not in SIGNS:
            raise _Refusal(node, f"the signs between numbers are {' '.join(sign for sign, _ in SIGNS.values())}")
        sign, combine = SIGNS[type(node.op)]
        left, right = self.read(node.left, depth + 1), self.read(node.right, depth + 1)
        if _is_number(left) and _is_number(right):
            return _computed(node, sign, combine, left, right)
        for value, side in (left, node.left), (right, node.right):
            if isinstance(value, tuple):
                raise _Refusal(
                    side,
                    f"{sign} neither repeats nor joins lists here; write listed([...]) to compute with "
                    "its values, or piecewise(values, boundaries) for a staircase",
                )
            if not _is_number(value) and not isinstance(value, Schedule):
                raise _Refusal(side, f"{sign} needs a number or a schedule on both sides")
        try:
            return combine(left, right)
        except TypeError:
            raise _Refusal(node, f"{sign} is not defined here; schedules know + - * between them") from None
        except (ValueError, ZeroDivisionError) as error:
            raise _Refusal(node, str(error)) from None

    def called(self, node: ast.Call, depth: int) -> Any:
        """A class with its arguments, then its methods one after the other (a chain is not a depth)."""
        chain = []
        first: ast.expr = node
        while isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute):
            chain.append((first, first.func))
            first = first.func.value
        if isinstance(first, ast.Call):
            value = self.made(first, depth)
        else:
            value = self.read(first, depth + 1)
        for call, method in reversed(chain):
            value = self.continued(_as_schedule(value, method.value), call, method, depth)
        return value

    def made(self, node: ast.Call, depth: int) -> Schedule:
        if not isinstance(node.func, ast.Name):
            raise _Refusal(node.func, "this cannot be called")
        word = node.func.id
        kind = _class_of(word)
        if word.lower() == "function":
            raise _Refusal(node.func, "Function holds code, which a text cannot; write it in Python")
        if kind is None:
            raise _unknown(node.func, word, [*CALLS])
        return self.applied(kind, node, word, depth)

    def continued(self, value: Schedule, node: ast.Call, method: ast.Attribute, depth: int) -> Schedule:
        if method.attr not in METHODS:
            raise _unknown(_last_word(method), method.attr, [*METHODS], "method")
        return self.applied(getattr(value, method.attr), node, method.attr, depth)

    def applied(self, make: Callable[..., Any], node: ast.Call, word: str, depth: int) -> Any:
        """``make`` called with the arguments of the node; what it refuses is refused at this place."""
        if any(isinstance(each, ast.Starred) for each in node.args) or any(not k.arg for k in node.keywords):
            raise _Refusal(node, f"{word}: write the arguments one by one, without *")
        said: set[str | None] = set()
        for each in node.keywords:
            if each.arg in said:
                raise _Refusal(each, f"{word}: {each.arg} is given twice")
            said.add(each.arg)
        given = [self.argument(each, word, depth) for each in node.args]
        named = {each.arg or "": self.argument(each.value, word, depth) for each in node.keywords}
        try:
            signature(make).bind_partial(*given, **named)  # first what is too much,
            signature(make).bind(*given, **named)  # then what is missing
        except TypeError as error:
            raise _Refusal(node, f"{word}: {error}; it is {word}({_parameters(make)})") from None
        try:
            return make(*given, **named)
        except (TypeError, ValueError) as error:
            hint = "; divide with // to stay among whole numbers" if "must be an int" in str(error) else ""
            raise _Refusal(node, f"{error}{hint}") from None

    def argument(self, node: ast.expr, word: str, depth: int) -> Any:
        value = self.read(node, depth + 1)
        return _as_schedule(value, node) if word == "then" and isinstance(value, tuple) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _literal(node: ast.Constant) -> Any:
    value = node.value
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, int | float):
        raise _Refusal(node, "a schedule is made of numbers, and this is none")
    return _bounded(node, value)


def _bounded(node: ast.expr, value: Any) -> Any:
    """A number that is neither complex nor too large to be anyone's hyperparameter."""
    if isinstance(value, complex):
        raise _Refusal(node, "this is not a real number")
    if (isinstance(value, int) and value.bit_length() > MOST_BITS) or not isfinite(value):
        raise _Refusal(node, "this number is too large")
    return value


def _computed(node: ast.BinOp, sign: str, combine: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and sign == "**" and right * (left.bit_length() - 1) > MOST_BITS:  # before it takes all memory
        raise _Refusal(node, "this number is too large")
    try:
        return _bounded(node, combine(left, right))
    except ZeroDivisionError:
        raise _Refusal(node, "division by zero") from None
    except OverflowError:
        raise _Refusal(node, "this number is too large") from None


def _as_schedule(value: Any, node: ast.expr) -> Schedule:
    if isinstance(value, Schedule):
        return value
    try:
        if isinstance(value, tuple):
            return Listed(value)
        if _is_number(value):
            return Constant(value)
    except ValueError as error:
        raise _Refusal(node, str(error)) from None
    raise _Refusal(node, f"this is {value!r} and no schedule")


def _class_of(word: str) -> Callable[..., Schedule] | None:
    return PLAIN.get(word.lower().replace("_", ""))


def _parameters(make: Callable[..., Any]) -> str:
    return ", ".join(signature(make).parameters)


def _last_word(node: ast.Attribute) -> ast.expr:
    """The place of the word after the dot alone."""
    line, end = node.end_lineno or 1, node.end_col_offset or 0
    start = end - len(node.attr.encode())
    return ast.Name(node.attr, lineno=line, col_offset=start, end_lineno=line, end_col_offset=end)


def _unknown(node: ast.expr, word: str, known: list[str], what: str = "word") -> _Refusal:
    """Names the word and lists the known ones, the nearest first."""
    near = get_close_matches(word.lower(), known, n=3, cutoff=0.5)
    rest = sorted(set(known) - set(near))
    return _Refusal(node, f"unknown {what} {word!r}; known: {', '.join([*near, *rest])}")
