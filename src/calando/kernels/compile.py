"""Compile a rule, with the decay fused in front, into one kernel over chunks of memory.

The kernel is written out as a module of its own (``source``): the words, the two bodies as they stand in their
rooms, and one loop. It lies in the user's cache folder under a name that holds a hash of its text and
of Numba's version, because Numba's disk cache needs a real file and does not see edits elsewhere.
Where the folder cannot be written, the module is compiled in memory.

A kernel knows these tables and no more:

    address  uint64 (chunks, 2 + slots)   where p, g and what is kept beside them (``stored``) begin, in bytes
    length   int64  (chunks,)             elements; 0 once the chunk is done
    row      int64  (chunks,)             which row of scalars
    center   dtype  (chunks,)             subtracted from the gradient
    noise    uint32 (chunks, 3)           two keys and the place of the first element, where rounding is at random
    scalars  dtype  (rows, n)             the decay's scalars, then the rule's, then its trust if it measures

and takes ranges of chunks until none is left, so that several threads share the work (``entry``). No fastmath:
the result equals NumPy's bit for bit. (Measured: strict code is no slower, the work is bound by memory.)
"""

import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs

from ..decay import Decay
from ..rule import Rule
from . import light
from .entry import Entry
from .source import source


@cache
def kernel(
    rule: Rule,
    decay: Decay,
    dtype: str,
    slot_dtype: str | None = None,
    way: str | None = None,
    zeroing: bool = False,
) -> Entry:
    """The compiled kernel; from the cache folder when it has been compiled before.

    See the module's docstring for the tables of its order; ``noise`` is there where rounding is at random. It writes 0
    into ``length`` where a chunk is done.
    """
    text = partial(source, rule, decay, dtype, slot_dtype=slot_dtype, way=way, zeroing=zeroing)
    return Entry(load(f"{rule.name}_{decay.element.__name__}_{kinds(dtype, slot_dtype, way, zeroing)}", text))


def kinds(dtype: str, slot_dtype: str | None, way: str | None, zeroing: bool = False) -> str:
    """What the name of a kernel says of dtypes, rounding and gradients."""
    return "_".join(dict.fromkeys(filter(None, (dtype, slot_dtype, way, "zeroing" * zeroing))))


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


def load(name: str, text: Callable[[bool], str]) -> Any:
    """Import the module with this text from the cache folder, or in memory, and give its ``kernel``."""
    guard_forks()
    with loading, light.uncollected():
        numba = light.numba()
        folder = writable_folder()
        written = text(True)
        mark = hashlib.sha256(f"{numba.__version__} {sys.version} {pointers()} {written}".encode()).hexdigest()[:16]
        title = f"calando_kernel_{name}_{mark}"
        if title in sys.modules:
            return sys.modules[title].kernel
        found = kept(folder, title, written) if folder is not None else None
        return (found or run_module(title, f"<{title}>", text(False))).kernel


@cache
def pointers() -> str:
    """The text of the words that kernels import, as it is compiled into them."""
    rooms = (Path(__file__).with_name(f"{name}.py") for name in ("pointer", "half", "apart"))
    return "".join(room.read_text(encoding="utf-8") for room in rooms)


def kept(folder: Path, title: str, text: str) -> ModuleType | None:
    """The module from the cache folder, written there if it is not; None where the folder does not serve.

    What lies there may be torn (a crash, a full disk): then Numba's files are removed and made once more.
    """
    path = folder / f"{title}.py"
    try:
        if not path.exists() or path.read_bytes() != text.encode():
            write_whole(path, text)
    except OSError:
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
    folder = Path(os.path.expanduser(named)) if named else Path(platformdirs.user_cache_dir("calando")) / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that another process sees all of it or nothing."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        os.replace(temporary, path)
    except OSError:  # a full disk
        os.unlink(temporary)
        raise


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
