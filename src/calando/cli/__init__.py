"""The command ``calando``; each of its commands is a file beside this one.

Nothing heavy is imported before a command needs it, so that ``calando --help`` answers at once. What a
user can put right (ValueError, KeyError, TypeError, OSError, a missing extra) becomes one sentence on
stderr and the exit code 2; ``--debug`` shows where it came from.
"""

import sys
from collections.abc import Sequence
from typing import Any

import click

from .. import __version__
from .convert import convert
from .explain import explain
from .flags import STOPPED, WRONG, debug
from .inspect import inspect
from .migrate import migrate
from .plot import plot
from .train import train

MISTAKES = (ValueError, KeyError, TypeError, IndexError, ArithmeticError, OSError, ImportError)


class Commands(click.Group):
    """A group of commands that ends with one sentence where something is wrong."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args) or ["--help"]
        extra["standalone_mode"] = False
        try:
            code = super().main(given, *rest, **extra)
        except (click.ClickException, *MISTAKES) as problem:
            if "--debug" in given:
                raise
            click.echo(f"calando: {sentence(problem)}", err=True)
            sys.exit(WRONG)
        except (click.Abort, KeyboardInterrupt):
            click.echo("calando: stopped", err=True)
            sys.exit(STOPPED)
        sys.exit(code if isinstance(code, int) else 0)


def sentence(problem: BaseException) -> str:
    """What an exception says, without Python's decorations."""
    if isinstance(problem, click.UsageError) and problem.ctx and type(problem) is not click.BadParameter:
        told = problem.format_message()
        told += "" if told.endswith((".", "?", "?)")) else "."
        return f"{told} {problem.ctx.command_path} --help shows what it takes"
    if isinstance(problem, click.ClickException):
        return problem.format_message()
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    if type(problem) is KeyError and len(problem.args) == 1:
        return str(problem.args[0])  # Python's own puts quotes around it
    return str(problem) or type(problem).__name__


@click.group(
    "calando", cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="calando", message="%(prog)s %(version)s")
@debug
def main() -> None:
    """Optimizers and learning-rate schedules for PyTorch and MindSpore."""


for command in (train, plot, explain, migrate, convert, inspect):
    main.add_command(command)
