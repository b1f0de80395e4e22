"""Rules that multiply matrices (Muon), on PyTorch's CPU tensors: what stands between the products is compiled.

As array expressions each sum and each product with a number would be an array as large as the parameter. Here a rule is
given matrices that record what is done with them; one loop computes it where it is needed: when numbers of half
precision are multiplied, and when the new parameter and slots are written. The numbers are PyTorch's to the last bit,
whose vector code multiplies and adds in one (``fma``); where it does not, which is asked once, arrays are played.
"""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np

from ..plan import CHUNK, SMALLEST, Part
from .compile import load
from .entry import IMPORTS, Entry, loop
from .pool import ranges, share, threads
from .source import inset

KINDS = {"torch.float32": "float32", "torch.float64": "float64", "torch.bfloat16": "uint16"}
SHARES = 16  # into so many chunks is a matrix cut, at least, if it is not small

HEADER = '''\
"""{title}: written by calando {version} from what a rule does with matrices."""

{numba}
from calando.kernels.half import narrow_bfloat16, widen_bfloat16
from calando.kernels.pointer import fma
'''


class Recorded:
    """A matrix, or what is computed from some element by element; rules use it as they use a tensor.

    Args:
        text: of the element, where ``{0}``, ``{1}``, … stand for those of the parts and ``{a}`` for the number.
        parts: tensors or ``Recorded``, of one shape.
        number: in the dtype of the parameter.
    """

    def __init__(self, text: str, *parts: Any, number: float | None = None):
        self.text, self.number = text, number
        self.parts = [x if isinstance(x, Recorded) else given(x) for x in parts] if text else parts

    @property
    def shape(self) -> Sequence[int]:
        return self.parts[0].shape

    def lerp(self, other: Any, share: float) -> "Recorded":
        share = self.kind(share)
        if abs(share) < 0.5:
            return Recorded("fma({a}, {1} - {0}, {0})", self, other, number=share)
        return Recorded("fma({a}, {1} - {0}, {1})", self, other, number=share - self.kind(1))

    def add(self, other: Any, alpha: float = 1) -> "Recorded":
        return Recorded("fma({1}, {a}, {0})", self, other, number=alpha)

    def bfloat16(self) -> Any:
        """A tensor in bfloat16."""
        new = self.like.new_empty(0).bfloat16().new_empty(self.shape)
        Writing([new], [self]).go_on()
        return new

    def __add__(self, other: Any) -> "Recorded":
        return self.add(other)

    def __sub__(self, other: Any) -> "Recorded":
        if isinstance(other, float):
            return Recorded("{0} - {a}", self, number=other)
        return Recorded("{0} - {1}", self, other)

    def __mul__(self, number: float) -> "Recorded":
        return Recorded("{0} * {a}", self, number=number)

    @property
    def like(self) -> Any:
        """A tensor of the parameter's dtype: the first that it is computed from."""
        return self.parts[0].like if self.text else self.parts[0]

    @property
    def kind(self) -> Any:
        """What makes a number one of the parameter's dtype."""
        return np.dtype(KINDS[str(self.like.dtype)]).type


def given(x: Any) -> Recorded:
    """A matrix as it is, in one piece of memory."""
    return Recorded("", x.resolve_neg().contiguous())


def serves(part: Part) -> bool:
    """Whether a part is played so: tensors of torch, all here, in float32 or float64, computed with as they are."""
    key = part.key
    return (
        key.rule.matrices
        and key.arrays.name == "torch"
        and key.device == "cpu"
        and key.dtype in ("float32", "float64")
        and key.slot_dtype == key.dtype
        and key.decay.inner is None
        and part.plain
        and all(x.is_contiguous() for m in part.members for x in m.slots.values())
        and not part.sharded
        and not part.centers
        and agrees(key.dtype)
    )


@cache
def agrees(dtype: str) -> bool:
    """Whether PyTorch rounds as the loops do, on this machine."""
    from .half import has_instructions

    if not has_instructions("fma"):  # else LLVM would call a function, which Numba's code may not find
        return False
    torch = import_module("torch")
    kind = getattr(torch, dtype)
    x, y, z = (torch.from_numpy(np.random.default_rng(i).standard_normal((17, 61))).to(kind) for i in range(3))
    small = z.bfloat16()

    def played(x: Any, y: Any, z: Any) -> list[Any]:
        step = (x * 0.9 - 0.1).add(small, alpha=-0.03)
        return [x.lerp(y, 0.05), x.lerp(y, 0.95), step, z + (step - z) * 0.3, x.lerp(y, 0.7).lerp(z, 0.2).bfloat16()]

    made = played(*map(given, (x, y, z)))
    found = [torch.empty_like(x) for _ in made[:-1]]
    Writing(found, made[:-1]).go_on()
    return all(map(torch.equal, [*found, made[-1]], played(x, y, z)))


class Writing:
    """Puts what was recorded where it belongs, which may be what it is computed from; once, however often it is begun.

    Args:
        targets: tensors without history, in one piece of memory each.
        results: what each becomes.
    """

    def __init__(self, targets: Sequence[Any], results: Sequence[Recorded]):
        seen = Seen(KINDS[str(results[0].like.dtype)])
        found = [seen.name(result) for result in results]
        for x, name in zip(targets, found, strict=True):
            seen.store(x, name)
        self.held, self.workers, size = seen.arrays, threads(), targets[0].numel()
        self.entry = kernel(seen.dtype, tuple(KINDS[str(x.dtype)] for x in self.held), *seen.told())
        first = np.arange(0, size, chunk := int(np.clip(size // SHARES, SMALLEST, CHUNK)))
        base, width = np.array([(x.data_ptr(), x.element_size()) for x in self.held]).T
        self.address = (base + first[:, None] * width).astype(np.uint64)
        self.length = np.minimum(chunk, size - first)
        self.numbers = np.array([*seen.numbers, 0.0], seen.dtype)
        self.split = ranges(self.length)

    def go_on(self) -> None:
        """Write what is left."""
        if self.split:
            share(self.entry, (self.address, self.length, self.numbers), self.split, self.workers)


class Seen:
    """The lines that compute an element of what was recorded, each thing once.

    Args:
        dtype: what is computed with.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.names: dict[int, str] = {}
        self.lines: list[str] = []
        self.arrays: list[Any] = []
        self.numbers: list[float] = []

    def name(self, x: Recorded) -> str:
        """What an element of ``x`` is called."""
        key = id(x if x.text else x.parts[0])
        if key not in self.names:
            parts = [self.name(part) for part in x.parts] if x.text else []
            told = x.text.format(*parts, a=f"a{len(self.numbers)}") if x.text else self.read(x.parts[0])
            if x.number is not None:
                self.numbers.append(float(x.number))
            self.names[key] = f"t{len(self.lines)}"
            self.lines.append(f"{self.names[key]} = {told}")
        return self.names[key]

    def read(self, x: Any) -> str:
        """How an element of a tensor is read."""
        self.arrays.append(x)
        at = f"x{len(self.arrays) - 1}_[i]"
        return f"{self.dtype}(widen_bfloat16({at}))" if KINDS[str(x.dtype)] == "uint16" else at

    def store(self, x: Any, name: str) -> None:
        """Write an element into a tensor, which may be one of those that are read."""
        known = [i for i, y in enumerate(self.arrays) if y.data_ptr() == x.data_ptr()]
        if not known:
            known = [len(self.arrays)]
            self.arrays.append(x)
        value = f"narrow_bfloat16({name})" if KINDS[str(x.dtype)] == "uint16" else name
        self.lines.append(f"x{known[0]}_[i] = {value}")

    def told(self) -> tuple[tuple[str, ...], int]:
        """The lines, and how many numbers stand in them."""
        return tuple(self.lines), len(self.numbers)


@cache
def kernel(dtype: str, arrays: tuple[str, ...], lines: tuple[str, ...], numbers: int) -> Entry:
    """The loop over chunks: these lines for each element of arrays of these dtypes."""
    view = "x{0}_ = carray(pointer(address[c, {0}]), size, {1})"
    chunk = ["size = length[c]", *(view.format(i, kind) for i, kind in enumerate(arrays))]
    chunk += ["for i in range(size):", inset(1, lines), "length[c] = 0"]
    tables = {"address": ("uint64", 2), "length": ("int64", 1), "numbers": (dtype, 1)}
    held = [f"a{i} = numbers[{i}]" for i in range(numbers)]
    return Entry(load(f"recorded_{dtype}", partial(source, dtype, tables, inset(1, chunk), held)))


def source(dtype: str, tables: Mapping[str, tuple[str, int]], chunk: str, held: Sequence[str], cache: bool) -> str:
    """The text of a loop's module."""
    from .. import __version__

    head = HEADER.format(title=f"matrices in {dtype}", version=__version__, numba=IMPORTS)
    return head + loop(tables, chunk, held, cache)
