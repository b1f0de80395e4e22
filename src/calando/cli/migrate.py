"""``calando migrate``: training scripts from one framework to the other."""

from pathlib import Path
from typing import Any

import click

from ..needs import need
from .flags import debug


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="SCRIPT...")
@click.option(
    "--to",
    type=click.Choice(["calando", "mindspore", "torch"]),
    default="calando",
    show_default=True,
    help="The library whose optimizers the result uses.",
)
@click.option(
    "--style",
    type=click.Choice(["exact", "guide"]),
    default="exact",
    show_default=True,
    help="exact: computes the same numbers; guide: the classes that MindSpore's migration guide recommends.",
)
@click.option(
    "--steps-per-epoch", metavar="N", help="Steps per epoch, if the script does not tell: a number, or len(loader)."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File or folder for the result.")
@click.option("--in-place", is_flag=True, help="Overwrite the script.")
@click.option("--diff", is_flag=True, help="Print the changes.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if anything would change.")
@click.option("--lint", is_flag=True, help="Only look for known mistakes; exit code 1 if there are any.")
@click.option("--report", type=click.Path(path_type=Path), help="Write an HTML page: both versions and every finding.")
@click.option("--prove", is_flag=True, help="Run script and result in separate processes and compare the training.")
@click.option("--args", default="", metavar="WORDS", help='What --prove gives the script: "--data here --epochs 1".')
@click.option("--seconds", type=click.FloatRange(1), default=120.0, show_default=True, help="Time limit of each run.")
@click.option("--quiet", is_flag=True, help="Print only the result.")
@debug
def migrate(
    paths: tuple[str, ...], to: str, style: str, steps_per_epoch: str | None, out: Path | None, **options: Any
) -> int:
    """Rewrite training scripts between PyTorch and MindSpore.

    SCRIPT is a file, a folder (one project), or - for standard input. Optimizer, learning rate and training step
    are rewritten; every other line stays as it is, byte for byte. What cannot be rewritten is left alone and listed
    with its line.
    """
    if to != "calando" and not options["lint"]:
        need("libcst", what=f"calando migrate --to {to}", extra="migrate")
    from ..migrate import Wish, command

    wish = Wish(to, style, steps_per_epoch)
    return command.run(command.Asked(paths, wish, out, **options))
