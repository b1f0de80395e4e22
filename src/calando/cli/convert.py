"""``calando convert``: checkpoints from one framework to the other."""

from pathlib import Path
from typing import Any

import click

from .flags import debug


@click.command()
@click.argument("source", metavar="A", type=click.Path(path_type=Path))
@click.argument("target", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--to", type=click.Choice(["torch", "mindspore"]), help="Whose names a .safetensors has.  [default: torch]"
)
@click.option(
    "--like", type=click.Path(path_type=Path), help="A checkpoint of the other network: its names and shapes."
)
@click.option("--only", type=click.Choice(["network", "optimizer"]), help="Leave the other one out.")
@click.option("--optimizer", metavar="NAME", help="Which optimizer it is to be, as in Momentum (for SGD) or LazyAdam.")
@click.option("--set", "values", multiple=True, metavar="NAME=NUMBER", help="A hyperparameter, or step. Repeatable.")
@click.option("--strict", is_flag=True, help="What does not travel is an error; nothing is written.")
@click.option("--dry-run", is_flag=True, help="Say what would travel; write nothing.")
@debug
def convert(source: Path, target: Path, values: tuple[str, ...], **options: Any) -> None:
    """Convert a checkpoint between PyTorch and MindSpore.

    Network and optimizer, between .ckpt (MindSpore), .pt (PyTorch), .safetensors and, as A, calando's own files. Says
    what travelled, and for each thing that did not, why.
    """
    from ..codecs.convert import convert as carried

    told = carried(source, target, values=dict(map(number, values)), **options)
    click.echo(f"{source} → {target}" + ("  (nothing was written)" if options["dry_run"] else ""))
    for sign, sentences in (("+", told.travelled), ("·", told.given), ("-", told.lost)):
        for told_once in dict.fromkeys(sentences):
            click.echo(f"  {sign} {told_once}")
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
