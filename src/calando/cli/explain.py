"""``calando explain``: what an optimizer does."""

import click

from .flags import debug


@click.command()
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT=VALUE]...")
@click.option("--kernel", is_flag=True, help="Print the generated kernel instead, and nothing else.")
@click.option(
    "--dtype",
    type=click.Choice(["bfloat16", "float16", "float32", "float64"]),
    default="float32",
    show_default=True,
    help="Of the parameters; --measure is in float32.",
)
@click.option("--measure", is_flag=True, help="Measure a step against the speed of this machine's memory.")
@click.option(
    "--elements",
    type=click.IntRange(100_000, 2_000_000_000),
    default=25_000_000,
    show_default=True,
    help="How many parameters to measure with.",
)
@debug
def explain(name: str, arguments: tuple[str, ...], kernel: bool, dtype: str, measure: bool, elements: int) -> None:
    """Say what an optimizer does: formula, sources, slots, domains, memory moved.

    NAME is an optimizer of either front end or a rule, such as adamw, mindspore.Lamb or rule.adam_epsilon_hat.
    Arguments choose among its rules: calando explain sgd momentum=0.9 nesterov=true
    """
    from ..show import explain as room

    about = room.subject(name, room.read(arguments))
    if kernel:
        return click.echo(room.kernel(about, dtype))
    click.echo(room.page(about, dtype))
    if measure:
        click.echo("\n" + room.speed(about, elements)[0])
