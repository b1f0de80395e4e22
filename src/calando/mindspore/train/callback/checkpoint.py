"""Files with the network and its optimizer, written while a Model trains."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from ...network.cell import Cell
from ...serialization import save_checkpoint
from .callback import Callback, RunContext

FORMATS = ("ckpt", "safetensors")
APPENDED = ("epoch_num", "step_num")


class CheckpointConfig:
    """When ModelCheckpoint saves, and how many files it keeps.

    Args:
        save_checkpoint_steps: steps between two files; 0 or None: by time.
        save_checkpoint_seconds: seconds between two files, where there is no number of steps.
        keep_checkpoint_max: files kept, the oldest go first; 0 or None: by time, or one where no time is given.
        keep_checkpoint_per_n_minutes: of each so many minutes one file is kept, where no number is given.
        integrated_save: accepted; nothing is distributed here.
        async_save: whether files are written by a thread while training goes on.
        saved_network: what is saved; None: the training network with its optimizer.
        append_info: more entries: "epoch_num", "step_num", or one dictionary of names and numbers, texts or Tensors.
        enc_key, enc_mode: refused: files are not encrypted.
        exception_save: whether to save once more, as ``…_breakpoint``, when training raises.
        crc_check: whether a checksum is written, which ``load_checkpoint`` can compare.
        format: 'ckpt' or 'safetensors'.

    Raises:
        TypeError, ValueError: an argument that cannot be used, or nothing that says when to save.
    """

    def __init__(
        self,
        save_checkpoint_steps: int | None = 1,
        save_checkpoint_seconds: int | None = 0,
        keep_checkpoint_max: int | None = 5,
        keep_checkpoint_per_n_minutes: int | None = 0,
        integrated_save: bool = True,
        async_save: Any = False,
        saved_network: Any = None,
        append_info: list[Any] | None = None,
        enc_key: bytes | None = None,
        enc_mode: str = "AES-GCM",
        exception_save: bool = False,
        crc_check: bool = False,
        remove_redundancy: bool = False,
        format: str = "ckpt",
    ) -> None:
        place = "For 'CheckpointConfig'"
        if enc_key is not None:
            raise ValueError(f"{place}: 'enc_key' must be None: checkpoints are not encrypted here")
        if remove_redundancy:
            raise ValueError(f"{place}: 'remove_redundancy' must be False: nothing is distributed here")
        if format not in FORMATS:
            raise ValueError(f"{place}: 'format' must be one of {', '.join(FORMATS)}, but got {format!r}")
        if saved_network is not None and not isinstance(saved_network, Cell):
            raise TypeError(f"{place}: 'saved_network' must be None or a Cell, but got {type(saved_network).__name__}")
        self.save_checkpoint_steps = whole("save_checkpoint_steps", save_checkpoint_steps)
        self.save_checkpoint_seconds = whole("save_checkpoint_seconds", save_checkpoint_seconds)
        self.keep_checkpoint_max = whole("keep_checkpoint_max", keep_checkpoint_max)
        self.keep_checkpoint_per_n_minutes = whole("keep_checkpoint_per_n_minutes", keep_checkpoint_per_n_minutes)
        if not (self.save_checkpoint_steps or self.save_checkpoint_seconds):
            raise ValueError(
                f"{place}: 'save_checkpoint_steps' or 'save_checkpoint_seconds' must be above 0, else nothing is saved"
            )
        if self.save_checkpoint_steps:
            self.save_checkpoint_seconds = 0
        if self.keep_checkpoint_max:
            self.keep_checkpoint_per_n_minutes = 0
        elif not self.keep_checkpoint_per_n_minutes:
            self.keep_checkpoint_max = 1
        self.integrated_save, self.async_save = integrated_save, async_save
        self.saved_network, self.append_dict = saved_network, appended(append_info)
        self.exception_save, self.crc_check, self.format = bool(exception_save), bool(crc_check), format

    def get_checkpoint_policy(self) -> dict[str, Any]:
        """When it saves and what it keeps, by name."""
        names = (
            "save_checkpoint_steps",
            "save_checkpoint_seconds",
            "keep_checkpoint_max",
            "keep_checkpoint_per_n_minutes",
            "saved_network",
        )
        return {name: getattr(self, name) for name in names}


class ModelCheckpoint(Callback):
    """Saves network and optimizer while a Model trains, and once more at the end.

    Args:
        prefix: files are called ``prefix-epoch_step.ckpt``, with a number behind the prefix where files of that
            prefix lie there already; or a function of what callbacks are told that gives the whole name.
        directory: where to, made where it is missing; None: the working directory. Also a function.
        config: a CheckpointConfig; None: every step, the last five files.

    A file holds the parameters of the training network (moving statistics, loss scale and all) and everything of the
    optimizer: load it with ``ms.load_checkpoint``, then ``ms.load_param_into_net`` of the network and of the optimizer.
    ``latest_ckpt_file_name`` is the path of the newest.

    Raises:
        TypeError, ValueError: an argument that cannot be used.

    Differs from MindSpore: no ``-graph.meta`` is written: there is no graph.
    """

    def __init__(
        self,
        prefix: str | Callable[[Any], str] = "CKP",
        directory: str | os.PathLike[str] | Callable[[Any], str] | None = None,
        config: CheckpointConfig | None = None,
    ) -> None:
        if config is not None and not isinstance(config, CheckpointConfig):
            raise TypeError(
                f"For 'ModelCheckpoint': 'config' must be a CheckpointConfig, but got {type(config).__name__}"
            )
        self._config = config or CheckpointConfig()
        self._prefix = prefix if callable(prefix) else file_name(prefix)
        self._directory: Any = directory if callable(directory) else Path(directory or Path.cwd())
        self._free = ""  # the prefix with its number
        self._appended = dict(self._config.append_dict)
        self._last_step, self._last_time = 0, time.monotonic()
        self._files: list[tuple[float, Path]] = []  # when each was written, the oldest first
        self._told: Any = None
        self._saved: Any = None  # what was written last, perhaps still being written
        self.latest_ckpt_file_name = ""

    def on_train_begin(self, run_context: RunContext) -> None:
        """Find a name that is free."""
        self._last_step, self._last_time, self._files = 0, time.monotonic(), []
        if not callable(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            if not callable(self._prefix):
                self._free = free(self._directory, self._prefix, self._config.format)

    def on_train_step_end(self, run_context: RunContext) -> None:
        self._told = told = run_context.original_args()
        if self._config.save_checkpoint_steps:
            due = told.cur_step_num >= self._last_step + self._config.save_checkpoint_steps
        else:
            due = time.monotonic() - self._last_time > self._config.save_checkpoint_seconds
        if due:
            self._save(told)

    def on_train_end(self, run_context: RunContext) -> None:
        told = run_context.original_args()
        if told.cur_step_num != self._last_step:
            self._save(told)
        if self._saved is not None:
            self._saved.wait()

    def begin(self, run_context: RunContext) -> None:
        """Nothing in an evaluation."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self._config.exception_save and self._told is not None:
            self._write(self._told, self._path(self._told, "_breakpoint"))
            self._saved.wait()

    def _path(self, told: Any, suffix: str = "") -> Path:
        """The file for the present step."""
        directory = Path(self._directory(told)) if callable(self._directory) else self._directory
        directory.mkdir(parents=True, exist_ok=True)
        if callable(self._prefix):
            name = file_name(self._prefix(told))
        else:
            step = (told.cur_step_num - 1) % told.batch_num + 1
            name = f"{self._free or self._prefix}-{told.cur_epoch_num}_{step}"
        return directory / f"{name}{suffix}.{self._config.format}"

    def _save(self, told: Any) -> None:
        """Write a file, then let go of those that are too many."""
        path = self._path(told)
        self._write(told, path)
        self._last_step, self._last_time = told.cur_step_num, time.monotonic()
        self._files = [(when, other) for when, other in self._files if other != path]
        self._files.append((self._last_time, path))
        self.latest_ckpt_file_name = str(path)
        told.latest_ckpt_file, told.last_save_ckpt_step = str(path), told.cur_step_num
        self._thin()

    def _write(self, told: Any, path: Path) -> None:
        counts = {"epoch_num": told.cur_epoch_num, "step_num": told.cur_step_num}
        appended = {name: value + counts[name] if name in counts else value for name, value in self._appended.items()}
        config = self._config
        network = config.saved_network if config.saved_network is not None else told.train_network
        self._saved = save_checkpoint(
            network,
            str(path),
            async_save=config.async_save,
            append_dict=appended or None,
            crc_check=config.crc_check,
            format=config.format,
        )

    def _thin(self) -> None:
        """Remove the oldest files, or all but the oldest of the last minutes."""
        config = self._config
        gone: list[tuple[float, Path]] = []
        if config.keep_checkpoint_max:
            gone = self._files[: -config.keep_checkpoint_max]
        elif config.keep_checkpoint_per_n_minutes:
            since = time.monotonic() - 60 * config.keep_checkpoint_per_n_minutes
            recent = [entry for entry in self._files if entry[0] > since]
            gone = recent[1:-1]  # the first stays for good, the last as the newest
        for entry in gone:
            entry[1].unlink(missing_ok=True)
            self._files.remove(entry)


def free(directory: Path, prefix: str, ending: str) -> str:
    """``prefix``, or ``prefix_1``, ``prefix_2`` … if files of that name lie in the directory."""
    number, found = 0, prefix
    while any(directory.glob(f"{found}-*.{ending}")):
        number += 1
        found = f"{prefix}_{number}"
    return found


def file_name(prefix: Any) -> str:
    """A name without a folder.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(prefix, str) or not prefix or "/" in prefix:
        place = "For 'ModelCheckpoint': 'prefix'"
        raise ValueError(f"{place} must be a name without '/', or a function that gives one, but got {prefix!r}")
    return prefix


def whole(name: str, value: Any) -> int:
    """An int from 0 on; None is 0.

    Raises:
        ValueError: it is none.
    """
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"For 'CheckpointConfig': {name!r} must be an int from 0 on, but got {value!r}")
    return value


def appended(append_info: Any) -> dict[str, Any]:
    """The entries beside parameters, by name.

    Raises:
        TypeError, ValueError: no list, an unknown word, two dictionaries.
    """
    place = "For 'CheckpointConfig': 'append_info'"
    if append_info is not None and not isinstance(append_info, list):
        raise TypeError(f"{place} must be a list, but got {type(append_info).__name__}")
    found: dict[str, Any] = {}
    for entry in append_info or ():
        if isinstance(entry, dict):
            found.update(entry)
        elif entry in APPENDED:
            found[entry] = 0
        else:
            raise ValueError(f"{place} takes {', '.join(APPENDED)} and a dictionary, but got {entry!r}")
    return found
