"""How the tests of the command line call it."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner, Result

from calando.cli import main

HEARING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("calando", run_name="__main__", alter_sys=True)
"""


def call(*args: object) -> Result:
    """The command in this process."""
    return CliRunner().invoke(main, [str(arg) for arg in args])


def done(*args: object) -> Result:
    """The command in this process, which must succeed."""
    result = call(*args)
    assert result.exit_code == 0, result.output
    return result


@contextmanager
def started(*args: object, cwd: Path | None = None) -> Iterator[subprocess.Popen]:
    """The command in a process of its own, which does not outlive the block, and hears Ctrl-C.

    A shell without job control has what it starts in the background ignore it, and so would our children.
    """
    with subprocess.Popen(
        [sys.executable, "-c", HEARING, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def rows(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's history."""
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))
