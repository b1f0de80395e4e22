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

    Lists names, types, shapes, norms, hyperparameters, step counts and non-finite values. FILE may come from PyTorch,
    MindSpore or calando.
    """
    from ..codecs.inspect import ROWS, inspected

    click.echo("\n".join(inspected(path, None if whole else ROWS)))
