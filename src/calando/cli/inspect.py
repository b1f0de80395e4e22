"""``calando inspect``: a checkpoint on one screen."""

from pathlib import Path

import click

from .flags import debug


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--all", "whole", is_flag=True, help="List every tensor.")
@debug
def inspect(path: Path, whole: bool) -> None:
    """Show a checkpoint on one screen.

    Names, types, shapes and norms, hyperparameters and clocks, and whatever is not finite; of PyTorch, MindSpore and
    calando.
    """
    from ..codecs.inspect import ROWS, inspected

    click.echo("\n".join(inspected(path, None if whole else ROWS)))
