"""``save_checkpoint``, ``load_checkpoint`` and ``load_param_into_net`` with MindSpore's arguments.

For networks and optimizers of this front end, and for Cells of real MindSpore as well: what is loaded is written into
the memory that is there, so that it takes effect at any time (MindSpore exchanges the memory, which detaches a
parameter from everything that was compiled: training silently stops).
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import adapter
from ..codecs import mindspore_ckpt, mindspore_safetensors
from ..codecs.behind import WRITER
from ..codecs.entry import Entry
from ..hyper import shown
from ..store import CheckpointError
from .fit import fitted
from .resumed import Resumed
from .state import OWNERS, left_out, losses
from .things import LOADING, SAVING, appended, entry_of, inside, parameter_of, saved_things

FORMATS: dict[str, Any] = {"ckpt": mindspore_ckpt, "safetensors": mindspore_safetensors}
FILLING = "For 'load_param_into_net'"
FEW = 5  # names in a sentence

__all__ = ["CheckpointError", "CheckpointWarning", "load_checkpoint", "load_param_into_net", "save_checkpoint"]


class CheckpointWarning(UserWarning):
    """Something of a checkpoint was changed, left out or not found; the sentence says what."""


class Saved(dict[str, Any]):
    """What ``save_checkpoint`` wrote, by name, in the order of the file: the live parameters and slots, not copies.

    ``load_param_into_net`` takes it as it takes what ``load_checkpoint`` gives.

    Attributes:
        path: the file.
        left_out: what MindSpore's format cannot hold and has to be given to the constructor again, such as
            schedules; one sentence each.
    """

    path: str
    left_out: tuple[str, ...] = ()

    def wait(self) -> None:
        """Wait until the file is written, where ``async_save`` was asked for.

        Raises:
            OSError: it could not be written.
        """
        WRITER.wait()


def save_checkpoint(
    save_obj: Any,
    ckpt_file_name: str | os.PathLike[str],
    integrated_save: bool = True,
    async_save: bool | str = False,
    append_dict: Mapping[str, Any] | None = None,
    enc_key: bytes | None = None,
    enc_mode: str = "AES-GCM",
    choice_func: Callable[[str], bool] | None = None,
    crc_check: bool = False,
    format: str = "ckpt",
    **kwargs: Any,
) -> Saved:
    """Write a network or an optimizer to a file that real MindSpore reads.

    Args:
        save_obj: a Cell (with the optimizers that its cells hold), an optimizer (its parameters are part of it, as in
            MindSpore), a list of Parameters or of ``{"name": …, "data": …}``, or a dictionary by name.
        ckpt_file_name: the file; the format is appended as its ending if it has another. It is written whole or
            not at all.
        integrated_save: accepted; there are no sharded parameters.
        async_save: True, "thread" or "process": the values are copied, and the file is written by a thread while
            the training goes on; ``wait()`` of the result, the next saving and the next loading wait for it.
        append_dict: more entries: int (int64), float (float64, so that it comes back as it was; MindSpore rounds to
            float32), bool, str, Parameter, Tensor or array.
        choice_func: name → whether it is written.
        crc_check: end the file with a CRC-32. ``load_checkpoint`` compares it always.
        format: "ckpt" or "safetensors"; the latter holds no texts.
        enc_key, enc_mode: refused: nothing is encrypted here.
        **kwargs: ``remove_redundancy``, ``incremental`` and ``global_step_num``, where they ask for nothing.

    Returns:
        What was written, by name (see ``Saved``). MindSpore returns None, though its guide assigns the result.

    Raises:
        TypeError, ValueError: an argument or an entry that cannot be used; no file was touched.
        OSError: no permission, no space; a file that was there before is untouched.

    Warns:
        CheckpointWarning: MindSpore's format cannot hold part of an optimizer's state, such as ages that differ.
    """
    codec = of_format(SAVING, format)
    refuse_encryption(SAVING, "enc_key", enc_key)
    refuse_asked(SAVING, kwargs, ("remove_redundancy", "incremental", "global_step_num"))
    if async_save not in (False, True, "thread", "process"):
        raise ValueError(
            f"{SAVING}: 'async_save' must be True, False, 'thread' or 'process', but got {shown(async_save)}"
        )
    path = path_of(SAVING, ckpt_file_name)
    path = path if path.endswith(format) else f"{path}.{format}"
    things = saved_things(save_obj)
    if choice_func is not None:
        things = {name: thing for name, thing in things.items() if choice_func(name)}
    for name, value in appended(append_dict).items():
        if name in things:
            raise ValueError(f"{SAVING}: 'append_dict' has {name!r}, which is an entry of what is saved; rename it")
        things[name] = value
    if not things:
        raise ValueError(f"{SAVING}: there is nothing to save" + ("; choice_func chose no name" if choice_func else ""))
    entries = {name: thing if isinstance(thing, str) else entry_of(name, thing) for name, thing in things.items()}
    if format == "safetensors" and (texts := [name for name, entry in entries.items() if isinstance(entry, str)]):
        raise TypeError(f"{SAVING}: {texts[0]!r} is a text, which safetensors cannot hold; use format='ckpt'")
    WRITER.wait()
    if async_save:
        copies = {name: e if isinstance(e, str) else Entry(e.dtype, e.data.copy()) for name, e in entries.items()}
        WRITER.start(lambda: codec.write(path, copies, crc_check))
    else:
        codec.write(path, entries, crc_check)
    made = Saved(things)
    made.path = path
    _, optimizers = inside(save_obj)
    made.left_out = tuple(sentence for optimizer in optimizers for sentence in left_out(optimizer))
    tell(sentence for optimizer in optimizers for sentence in losses(optimizer))
    return made


def load_checkpoint(
    ckpt_file_name: str | os.PathLike[str],
    net: Any = None,
    strict_load: bool = False,
    filter_prefix: str | Iterable[str] | None = None,
    dec_key: bytes | None = None,
    dec_mode: str = "AES-GCM",
    specify_prefix: str | Iterable[str] | None = None,
    choice_func: Callable[[str], bool] | None = None,
    crc_check: bool = False,
    remove_redundancy: bool = False,
    format: str = "ckpt",
) -> dict[str, Any]:
    """Read a file of MindSpore or of ``save_checkpoint``.

    Args:
        ckpt_file_name: the file; its ending must be the format's.
        net: a Cell or optimizer to load it into at once, as ``load_param_into_net`` does.
        strict_load: as in ``load_param_into_net``.
        filter_prefix: names that begin like this, or like one of these, are left out.
        specify_prefix: only names that begin like this, or like one of these.
        choice_func: name → whether it is read; instead of the two prefixes.
        crc_check: warn where the file has no CRC-32; one that is there is always compared.
        format: "ckpt" or "safetensors".
        dec_key, dec_mode, remove_redundancy: refused: no encrypted files, no sharded training.

    Returns:
        By name, in the order of the file: Parameters; Tensors of truth values; texts as str. Without PyTorch: NumPy
        arrays in the place of Parameters and Tensors.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: another kind of file, torn or altered; or nothing in it was chosen.
        TypeError, ValueError: an argument that cannot be used.
    """
    codec = of_format(LOADING, format)
    refuse_encryption(LOADING, "dec_key", dec_key)
    refuse_asked(LOADING, {"remove_redundancy": remove_redundancy}, ("remove_redundancy",))
    path = path_of(LOADING, ckpt_file_name)
    if not path.endswith(format):
        other = next((word for word in FORMATS if path.endswith(word)), None)
        hint = f"; give format={other!r}" if other else ""
        raise ValueError(f"{LOADING}: {path!r} does not end in {format!r}, the format{hint}")
    choose = chosen(filter_prefix, specify_prefix, choice_func)
    WRITER.wait()
    if not Path(path).exists():
        raise FileNotFoundError(f"{LOADING}: there is no file {path!r}")
    entries = codec.read(path, choose)
    if not entries:
        raise CheckpointError(f"{LOADING}: nothing in {path!r} was chosen; look at the prefixes or choice_func")
    if crc_check and not codec.checksummed(path):
        tell([f"{LOADING}: {path!r} has no CRC-32 to compare; save it with crc_check=True"])
    found = {}
    for name in list(entries):
        entry = entries.pop(name)  # so that only one entry is there twice
        found[name] = entry if isinstance(entry, str) else parameter_of(name, entry)
    if net is not None:
        load_param_into_net(net, found, strict_load)
    return found


def load_param_into_net(
    net: Any, parameter_dict: Mapping[str, Any], strict_load: bool = False, remove_redundancy: bool = False
) -> tuple[list[str], list[str]]:
    """Write what ``load_checkpoint`` gave into a network or an optimizer; it takes effect at once, at any time.

    Args:
        net: a Cell (with the optimizers that its cells hold) or an optimizer; of this front end or of real MindSpore.
        parameter_dict: name → Parameter, Tensor or array; texts are passed over.
        strict_load: refuse to convert types (float32 ↔ float16, int32 ↔ int64) and to fill parameters whose names
            the checkpoint only has behind a prefix.
        remove_redundancy: refused: there is no sharded training.

    Returns:
        (names in ``net`` that were not loaded, names in ``parameter_dict`` that were not used).

    An optimizer takes over its parameters, slots, clock, momentum and learning rates. A rate or list of rates that is
    not the one it was built with is told by a warning; a schedule that it was built with stays.

    Raises:
        CheckpointError: another optimizer's slots, another shape or type, a number that cannot be; nothing has changed.
        TypeError: ``net`` is neither Cell nor optimizer, or ``parameter_dict`` no dictionary of parameters.

    Warns:
        CheckpointWarning: what was not loaded; what the checkpoint changes beside parameters and slots; NaN in it.
    """
    refuse_asked(FILLING, {"remove_redundancy": remove_redundancy}, ("remove_redundancy",))
    if not isinstance(strict_load, bool):
        raise TypeError(f"{FILLING}: 'strict_load' must be True or False, but got {shown(strict_load)}")
    if not hasattr(net, "parameters_and_names"):
        raise TypeError(f"{FILLING}: 'net' must be a Cell or an optimizer, but got {type(net).__name__}")
    if not isinstance(parameter_dict, Mapping):
        raise TypeError(f"{FILLING}: 'parameter_dict' must be a dictionary, but got {type(parameter_dict).__name__}")
    if strange := [name for name in parameter_dict if not isinstance(name, str)]:
        raise TypeError(f"{FILLING}: the keys of 'parameter_dict' must be names, but one is {shown(strange[0])}")
    WRITER.wait()
    found = {name: entry_of(name, value) for name, value in parameter_dict.items() if not isinstance(value, str)}
    params, optimizers = inside(net)
    resumed = [Resumed(optimizer, found, strict_load) for optimizer in optimizers]
    held = {id(param) for one in resumed for param, _ in one.writes}
    taken = set().union(*(one.taken for one in resumed))
    notes = [sentence for one in resumed for sentence in one.notes]
    writes: list[tuple[Any, np.ndarray]] = []
    own = {name: param for name, param in params.items() if id(param) not in held}
    lacking = [] if strict_load else [name for name in own if name not in found]
    behind, said = behind_prefixes(lacking, found)
    for name, param in own.items():
        word = behind.get(name, name)
        if word in found:
            values, note = fitted(FILLING, word, param, found[word], strict_load)
            writes.append((param, values))
            taken.add(word)
            notes += [f"{FILLING}: {note}"] if note else []
    for param, values in writes:
        adapter(param).write(param, values)
    for one in resumed:
        one.apply()
    missing = [name for one in resumed for name in one.missing]
    missing = [*(name for name in own if name not in found and name not in behind), *missing]
    missing = list(dict.fromkeys(missing))
    if missing:
        notes.append(f"{FILLING}: {few(missing)} of {type(net).__name__} stayed as before: the checkpoint lacks them")
    if undefined := [name for name, entry in found.items() if name in taken and np.isnan(entry.values()).any()]:
        notes.append(f"{FILLING}: the checkpoint has NaN in {few(undefined)}; loaded as it is")
    tell([*said, *notes])
    return missing, [name for name in parameter_dict if name not in taken]


def behind_prefixes(missing: list[str], found: Mapping[str, Entry]) -> tuple[dict[str, str], list[str]]:
    """For parameters that a checkpoint lacks: under which name it has them behind a prefix, ``network.fc.weight``.

    Returns:
        (the parameter's name → the checkpoint's, sentences about what was and what was not taken).

    A slot, ``moments.fc.weight``, is never taken for a weight.
    """
    slots = {pattern.removesuffix("{}") for pattern in OWNERS if pattern.endswith(".{}")}
    wanted, behind = set(missing), dict[str, str]()
    by_prefix: dict[str, list[str]] = {}
    refused: dict[str, str] = {}
    for word in found:
        parts = word.split(".")
        for cut in range(1, len(parts)):
            prefix, name = ".".join(parts[:cut]) + ".", ".".join(parts[cut:])
            if name not in wanted:
                continue
            if prefix in slots:
                told = f"{name!r} is not filled from {word!r}, which is a slot of {' or '.join(OWNERS[prefix + '{}'])}"
                refused.setdefault(name, f"{FILLING}: {told}")
            elif name not in behind:
                behind[name] = word
                by_prefix.setdefault(prefix, []).append(name)
    said = [
        f"{FILLING}: {few(names)} taken from behind the prefix {prefix!r} of the checkpoint"
        for prefix, names in by_prefix.items()
    ]
    return behind, [*said, *(sentence for name, sentence in refused.items() if name not in behind)]


# Arguments.


def chosen(
    filter_prefix: str | Iterable[str] | None,
    specify_prefix: str | Iterable[str] | None,
    choice_func: Callable[[str], bool] | None,
) -> Callable[[str], bool] | None:
    """Which names are wanted."""
    without, only = prefixes("filter_prefix", filter_prefix), prefixes("specify_prefix", specify_prefix)
    if without is None and only is None:
        return choice_func
    if choice_func is not None:
        raise ValueError(f"{LOADING}: give either choice_func or prefixes; MindSpore would ignore choice_func")
    return lambda name: (only is None or name.startswith(only)) and not (without and name.startswith(without))


def prefixes(word: str, given: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """One or several beginnings of names."""
    if given is None:
        return None
    found = (given,) if isinstance(given, str) else tuple(given)
    if not found or not all(isinstance(prefix, str) and prefix for prefix in found):
        raise ValueError(f"{LOADING}: {word!r} must be a text or several, none of them empty, but got {shown(given)}")
    return found


def path_of(place: str, given: Any) -> str:
    """The name of a file."""
    if not isinstance(given, (str, os.PathLike)):
        raise TypeError(f"{place}: 'ckpt_file_name' must be a path, but got {shown(given)}")
    if not os.path.basename(os.fspath(given)):
        raise ValueError(f"{place}: 'ckpt_file_name' names no file: {os.fspath(given)!r}")
    return os.fspath(given)


def of_format(place: str, format: str) -> Any:
    """The codec of a format."""
    if format not in FORMATS:
        raise ValueError(f"{place}: 'format' must be 'ckpt' or 'safetensors', but got {shown(format)}")
    return FORMATS[format]


def refuse_encryption(place: str, word: str, key: Any) -> None:
    """Raise ValueError where a file should be encrypted."""
    if key is not None:
        raise ValueError(f"{place}: {word!r} is not supported: calando neither writes nor reads encrypted files")


def refuse_asked(place: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise for arguments that belong to sharded training, unless they ask for nothing."""
    for name, value in given.items():
        if name not in known:
            raise TypeError(f"{place}: there is no argument {name!r}")
        if value:
            raise ValueError(f"{place}: {name}={value!r} is not supported; it belongs to MindSpore's sharded training")


def few(names: list[str]) -> str:
    """Names in a sentence."""
    shown = ", ".join(map(repr, names[:FEW]))
    return shown if len(names) <= FEW else f"{shown} and {len(names) - FEW} more"


def tell(sentences: Iterable[str]) -> None:
    """Warn, each sentence once, at the line that called this module."""
    level, frame = 2, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    for sentence in dict.fromkeys(sentences):
        warnings.warn(sentence, CheckpointWarning, stacklevel=level)
