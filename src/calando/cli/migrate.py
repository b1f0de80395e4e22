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
    help="Whose optimizers the result uses.",
)
@click.option(
    "--style",
    type=click.Choice(["exact", "guide"]),
    default="exact",
    show_default=True,
    help="exact: what is provably equal; guide: the classes that MindSpore's migration guide names.",
)
@click.option("--steps-per-epoch", metavar="N", help="Where the script does not say it: a number, or len(loader).")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where the result goes: a file, or a folder.")
@click.option("--in-place", is_flag=True, help="Write the result over the script.")
@click.option("--diff", is_flag=True, help="Print the changes.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if something would change.")
@click.option("--lint", is_flag=True, help="Look for known mistakes instead, in either framework; exit code 1 if any.")
@click.option("--report", type=click.Path(path_type=Path), help="Write a page with both sides and every finding.")
@click.option("--prove", is_flag=True, help="Run script and result, in processes of their own, and compare them.")
@click.option("--seconds", type=click.FloatRange(1), default=120.0, show_default=True, help="How long a run may take.")
@click.option("--quiet", is_flag=True, help="Say nothing but the result.")
@debug
def migrate(
    paths: tuple[str, ...], to: str, style: str, steps_per_epoch: str | None, out: Path | None, **options: Any
) -> int:
    """Rewrite training scripts between PyTorch and MindSpore.

    SCRIPT is a file, a folder (one project), or - for standard input. Optimizer, learning rate and training step
    are rewritten, every other line keeps its bytes. What could not be rewritten is left whole and listed with its line.
    """
    if to != "calando" and not options["lint"]:
        need("libcst", what=f"calando migrate --to {to}", extra="migrate")
    from ..migrate import Wish, command

    wish = Wish(to, style, steps_per_epoch)
    return command.run(command.Asked(paths, wish, out, **options))
