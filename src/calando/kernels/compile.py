"""Compile a rule, with the decay fused in front, into one kernel over chunks of memory.

The kernel is written out as a module of its own: the words, the two bodies as they stand in their
rooms, and one loop. It lies in the user's cache folder under a name that holds a hash of its text and
of Numba's version, because Numba's disk cache needs a real file and does not see edits elsewhere.
Where the folder cannot be written, the module is compiled in memory.

Half precision (bfloat16, which Numba does not know) is read into float32 and rounded once, when it is written.

A kernel knows these tables and no more:

    address  uint64 (chunks, 2 + slots)   where p, g and the rule's slots begin, in bytes
    length   int64  (chunks,)             elements; 0 once the chunk is done
    row      int64  (chunks,)             which row of scalars
    center   dtype  (chunks,)             subtracted from the gradient
    scalars  dtype  (rows, n)             the decay's scalars, then the rule's, then its trust if it measures

and a range of chunks, so that several threads can share the tables. No fastmath: the result equals
NumPy's bit for bit. (Measured: strict code is no slower, the work is bound by memory.)
"""

import hashlib
import inspect
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

import platformdirs

from ..clipping import within
from ..decay import Decay
from ..rule import Rule

HEADER = '''\
"""{title}: written by calando {version} from {where}."""

from math import sqrt

from numba import carray, float32, float64, int64, njit, uint64, void

from calando.kernels.pointer import pointer
{half}
compiled = njit(inline="always", error_model="numpy")
zero, one = {dtype}(0), {dtype}(1)
{words}

@compiled
{front}

@compiled
{body}
'''

SPOKEN = {  # the words of rules for one number, as NumPy means them, written so that they become vector code
    "absolute": "def absolute(x):\n    return abs(x)\n",
    "maximum": "def maximum(x, y):\n    return x if (x >= y) | (x != x) else y\n",
    "minimum": "def minimum(x, y):\n    return x if (x <= y) | (x != x) else y\n",
    "sign": "def sign(x):\n    return one if x > zero else (-one if x < zero else (x if x != x else zero))\n",
    "where": "def where(condition, x, y):\n    return x if condition else y\n",
}  # and sqrt, which is math's

KERNEL = """
@njit(
    void(uint64[:, ::1], int64[::1], int64[::1], {dtype}[::1], {dtype}[:, ::1], int64, int64),
    error_model="numpy", nogil=True, cache={cache},
)
def kernel(address, length, row, center, scalars, start, stop):
    for c in range(start, stop):
        size, line, mean = length[c], row[c], center[c]
{views}
{numbers}
        for i in range(size):
{steps}
        length[c] = 0  # done: who calls again after an interruption finds nothing left to do here
"""

STORED = {"float32": "float32", "float64": "float64", "bfloat16": "uint16"}  # what lies in memory


def number(dtype: str) -> str:
    """What is computed with."""
    return "float64" if dtype == "float64" else "float32"


def read(x: str, dtype: str) -> str:
    """The expression that reads one number from memory."""
    return f"widen({x})" if dtype == "bfloat16" else x


def written(x: str, value: str, dtype: str) -> str:
    """The line that puts one number into memory."""
    return f"{x} = narrow({value})" if dtype == "bfloat16" else f"{x} = {value}"


def source(
    rule: Rule, decay: Decay, dtype: str, cache: bool = True, slot_dtype: str | None = None, zeroing: bool = False
) -> str:
    """The text of the kernel's module for one rule, one decay, the dtype of p and g and that of the slots.

    Args:
        zeroing: whether it leaves zeros where the gradients were.
    """
    kept = slot_dtype or dtype
    words = pieces(rule, decay, dtype, kept)
    lines = steps(rule, dtype, kept, words, named=rule.inner is not None or "bfloat16" in (dtype, kept))
    lines += [f"g_[i] = {STORED[dtype]}(0)"] * zeroing
    return header((rule.inner or rule).element, rule, decay, dtype, kept) + KERNEL.format(
        dtype=words["dtype"],
        views=words["views"],
        cache=cache,
        numbers=indent("\n".join(words["loads"]), " " * 8),
        steps=indent("\n".join(lines), " " * 12),
    )


def steps(rule: Rule, dtype: str, kept: str, words: dict[str, Any], named: bool) -> list[str]:
    """The lines that update element ``i``; ``named``: what is new is called new0, new1, … before it is stored."""
    targets = ["p_[i]", *[f"{x}_[i]" for x in rule.slots]]
    made = [f"new{i}" for i in range(len(targets))] if named else targets
    slots, own, body = list(words["slots"]), list(words["own"]), (rule.inner or rule).element
    last: list[str] = []
    if rule.inner is not None:  # the average comes last among slots, its scalar last but for the trust
        mean, follow = slots.pop(), own.pop(len(rule.scalar_names) - 1)
        last = [f"{made[-1]} = {mean} + ({made[0]} - {mean}) * {follow}"]
    if named:
        kinds = [dtype, *[kept] * len(rule.slots)]
        last += [written(*row) for row in zip(targets, made, kinds, strict=True)]
    results = made[:-1] if rule.inner is not None else made
    return [
        f"now, slope = {words['front']}",
        f"{', '.join(results)} = {body.__name__}({', '.join(['now', 'slope', *slots, *own])})",
        *last,
    ]


def header(body: Callable[..., object], rule: Rule, decay: Decay, dtype: str, slot_dtype: str) -> str:
    """The first half of a kernel's module: the words, and two bodies as they stand in their rooms."""
    from .. import __version__

    kinds = dtype if slot_dtype == dtype else f"{dtype} with slots in {slot_dtype}"
    bodies = [decay.plain.element] if decay.inner is None else [within, decay.plain.element]
    return HEADER.format(
        title=f"{rule.name}, {decay.element.__name__} decay, {kinds}",
        version=__version__,
        where=f"{body.__module__} and {decay.plain.element.__module__}",
        dtype=number(dtype),
        half=HALF if "bfloat16" in (dtype, slot_dtype) else "",
        words="".join(f"\n\n@compiled\n{text}" for text in SPOKEN.values()),
        front="\n\n@compiled\n".join(map(inspect.getsource, bodies)),
        body=inspect.getsource(body),
    )


HALF = """from numba import uint16
from calando.kernels.half import narrow, widen
"""


def pieces(rule: Rule, decay: Decay, dtype: str, slot_dtype: str) -> dict[str, Any]:
    """What the loops over p, g, the slots and the scalars are written with."""
    kinds = {"p": dtype, "g": dtype, **dict.fromkeys(rule.slots, slot_dtype)}
    numbers = [f"w{i}" for i in range(len(decay.scalar_names))]
    own = [f"s{i}" for i in range(len(rule.scalar_names))]
    views = [f"{x}_ = carray(pointer(address[c, {i}]), size, {STORED[k]})" for i, (x, k) in enumerate(kinds.items())]
    found = [read(f"{x}_[i]", kind) for x, kind in kinds.items()]
    loads = [f"{x} = scalars[line, {i}]" for i, x in enumerate(numbers + own)]
    if rule.measure is not None:
        loads.append(f"trust = scalars[line, {len(loads)}]")
        own = [*own, "trust"]
    return {
        "dtype": number(dtype),
        "views": indent("\n".join(views), " " * 8),
        "loads": loads,
        "p": found[0],
        "g": found[1],
        "slots": found[2:],
        "own": own,
        "front": front(decay, found[0], found[1], numbers),
    }


def front(decay: Decay, p: str, g: str, numbers: list[str]) -> str:
    """The call of the manner of decay, with the numbers that its scalars are in."""
    if decay.inner is not None:
        share, bound, *numbers = numbers
        g = f"{within.__name__}({g}, {share}, {bound})"
    return f"{decay.plain.element.__name__}({', '.join([p, g, *numbers, 'mean'])})"


@cache
def kernel(
    rule: Rule, decay: Decay, dtype: str, slot_dtype: str | None = None, zeroing: bool = False
) -> Callable[..., None]:
    """The compiled kernel; from the cache folder when it has been compiled before.

    Called as ``kernel(address, length, row, center, scalars, start, stop)``; see the module's
    docstring for the tables. It releases the GIL, and writes 0 into ``length`` where a chunk is done.
    """
    kinds = dtype if slot_dtype in (None, dtype) else f"{dtype}_{slot_dtype}"
    text = partial(source, rule, decay, dtype, slot_dtype=slot_dtype, zeroing=zeroing)
    return load(f"{rule.name}_{decay.element.__name__}_{kinds}{'_zeroing' * zeroing}", text)


loading = threading.RLock()  # Numba compiles one thing at a time; and a module must be whole before it is found


def hold() -> None:
    """Before a fork: wait until nobody compiles, as Numba's and Python's own locks would stay held in the child."""
    held.lock = loading if loading.acquire(timeout=60) else None


def let_go() -> None:
    """After a fork, in the parent."""
    lock, held.lock = getattr(held, "lock", None), None
    if lock is not None:
        lock.release()


def forget() -> None:
    """After a fork, in the child: a lock of its own."""
    global loading
    loading = threading.RLock()


held = threading.local()


@cache
def guard_forks() -> None:
    """Have forks wait for the compiler.

    What was registered last is called first, so this waits before it takes the locks of logging and of thread pools,
    which a compiler needs as well; therefore it is registered when the first kernel is wanted, after those.
    """
    import logging  # noqa: F401

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=forget)


def load(name: str, text: Callable[[bool], str]) -> Callable[..., None]:
    """Import the module with this text from the cache folder, or in memory, and give its ``kernel``."""
    guard_forks()
    with loading:
        import numba

        folder = writable_folder()
        written = text(True)
        mark = hashlib.sha256(f"{numba.__version__} {sys.version} {written}".encode()).hexdigest()[:16]
        title = f"calando_kernel_{name}_{mark}"
        if title in sys.modules:
            return sys.modules[title].kernel
        found = kept(folder, title, written) if folder is not None else None
        return (found or run_module(title, f"<{title}>", text(False))).kernel


def kept(folder: Path, title: str, text: str) -> ModuleType | None:
    """The module from the cache folder, written there if it is not; None where the folder does not serve.

    What lies there may be torn (a crash, a full disk): then Numba's files are removed and made once more.
    """
    path = folder / f"{title}.py"
    try:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
    except (OSError, UnicodeDecodeError):
        return None
    try:
        return run_module(title, str(path), text)
    except Exception:
        for torn in folder.glob(f"__pycache__/{title}*"):
            torn.unlink(missing_ok=True)
    try:
        return run_module(title, str(path), text)
    except OSError:
        return None


def writable_folder() -> Path | None:
    """Where kernels are kept: ``CALANDO_CACHE_DIR``, else the user's cache folder; None if read-only."""
    named = os.environ.get("CALANDO_CACHE_DIR")
    folder = Path(named) if named else Path(platformdirs.user_cache_dir("calando")) / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that another process sees all of it or nothing."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def run_module(title: str, file: str, text: str) -> ModuleType:
    """Run a module's text under a name that is registered, as Numba's disk cache needs it."""
    module = ModuleType(title)
    module.__file__ = file
    sys.modules[title] = module
    try:
        exec(compile(text, file, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[title]
        raise
    return module
