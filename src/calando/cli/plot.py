"""``calando plot``: schedules as text or as a picture."""

from pathlib import Path
from shutil import get_terminal_size

import click

from ..needs import need
from .flags import debug

CHART_MARGIN = 13  # columns for the numbers beside a chart


@click.command()
@click.argument("schedules", nargs=-1, required=True, metavar="SCHEDULE...")
@click.option(
    "--steps",
    type=click.IntRange(1, 10_000_000),
    show_default="to the end of the longest schedule; 1000 if one never ends, or uses epoch, epochs or total",
    help="Number of steps.",
)
@click.option(
    "--epochs", type=click.IntRange(1), default=10, show_default=True, help="Number of epochs in these steps."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write a picture instead, such as rate.png.")
@debug
def plot(schedules: tuple[str, ...], steps: int | None, epochs: int, out: Path | None) -> None:
    """Draw schedules in the terminal or as a picture.

    A SCHEDULE is written as for calando train --lr, for example:
    calando plot "linear(0, 0.1, epoch).then(cosine(0.1, 0, total - epoch))"
    """
    from ..show.lines import lines

    drawn, ends = lines(schedules, steps, epochs)
    if out is None:
        from ..show.chart import chart

        room = get_terminal_size().columns - CHART_MARGIN
        click.echo(chart(drawn, ends, width=min(64, max(16, room))))
        return
    need("matplotlib", what="a picture", extra="train")
    from ..show.curves import draw_schedules

    draw_schedules(out, drawn)
    click.echo(out)
