"""``calando explain``: what an optimizer does."""

import click

from .flags import debug


@click.command()
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT=VALUE]...")
@click.option("--kernel", is_flag=True, help="Print only the source of the compiled kernel.")
@click.option(
    "--dtype",
    type=click.Choice(["bfloat16", "float16", "float32", "float64"]),
    default="float32",
    show_default=True,
    help="Data type of the parameters; --measure always uses float32.",
)
@click.option("--measure", is_flag=True, help="Time a step and compare it with this machine's memory bandwidth.")
@click.option(
    "--elements",
    type=click.IntRange(100_000, 2_000_000_000),
    default=25_000_000,
    show_default=True,
    help="Number of parameters for --measure.",
)
@debug
def explain(
    name: str | None, arguments: tuple[str, ...], kernel: bool, dtype: str, measure: bool, elements: int
) -> None:
    """Show an optimizer's formula, sources, state and memory traffic.

    NAME is an optimizer (adamw, mindspore.Lamb) or an update rule (rule.adam_epsilon_hat). Arguments select a
    variant: calando explain sgd momentum=0.9 nesterov=true. Without NAME, all names are listed.
    """
    from ..show import explain as room

    if name is None:
        return click.echo(room.index())
    about = room.subject(name, room.read(arguments))
    if kernel:
        return click.echo(room.kernel(about, dtype))
    click.echo(room.page(about, dtype))
    if measure:
        click.echo("\n" + room.speed(about, elements)[0])
