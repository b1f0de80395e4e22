"""``calando convert``: checkpoints from one framework to the other."""

from pathlib import Path
from typing import Any

import click

from .flags import debug


@click.command()
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.argument("target", metavar="TARGET", type=click.Path(path_type=Path))
@click.option(
    "--to", type=click.Choice(["torch", "mindspore"]), help="Naming scheme of a .safetensors result.  [default: torch]"
)
@click.option(
    "--like", type=click.Path(path_type=Path), help="A checkpoint of the target network; its names and shapes are used."
)
@click.option("--only", type=click.Choice(["network", "optimizer"]), help="Convert only this part.")
@click.option(
    "--optimizer", metavar="NAME", help="Optimizer class of the result, such as Momentum (for SGD) or LazyAdam."
)
@click.option(
    "--set", "values", multiple=True, metavar="NAME=NUMBER", help="Set a hyperparameter, or the step count. Repeatable."
)
@click.option("--strict", is_flag=True, help="Fail, and write nothing, if anything cannot be converted.")
@click.option("--dry-run", is_flag=True, help="Show what would be converted; write nothing.")
@debug
def convert(source: Path, target: Path, values: tuple[str, ...], **options: Any) -> None:
    """Convert a checkpoint between PyTorch and MindSpore.

    Converts network and optimizer between .ckpt (MindSpore), .pt (PyTorch) and .safetensors, as the
    ending of TARGET says; SOURCE may also be a checkpoint of calando. Lists what was converted, and why anything was
    not.
    """
    from ..codecs.convert import convert as carried

    told = carried(source, target, values=dict(map(number, values)), **options)
    click.echo(f"{source} → {target}" + ("  (nothing was written)" if options["dry_run"] else ""))
    for sign, sentences in (("+", told.travelled), ("·", told.given), ("-", told.lost)):
        for text in sentences:
            click.echo(f"  {sign} {text}")
    click.echo("nothing was lost" if not told.lost else f"{len(told.lost)} did not travel (-)")


def number(text: str) -> tuple[str, float]:
    """NAME=NUMBER.

    Raises:
        ValueError: it is none.
    """
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise ValueError(f"--set takes NAME=NUMBER, as in eps=1e-6, but got {text!r}") from None
