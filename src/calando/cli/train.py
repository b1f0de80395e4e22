"""``calando train``: a small convolutional network on handwritten digits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..needs import need
from .flags import STOPPED, debug

if TYPE_CHECKING:
    from ..train.job import Run

BARE = "\0newest"  # what --resume means without a name


@click.command()
@click.option(
    "--dialect",
    type=click.Choice(["torch", "mindspore", "both"]),
    default="torch",
    show_default=True,
    help="The API that the training uses; both: train with both, step by step, and compare.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["sgd", "momentum", "adam", "adamw"]),
    default="momentum",
    show_default=True,
    help="With --dialect mindspore, adamw is AdamWeightDecay, which has no bias correction.",
)
@click.option("--epochs", type=click.IntRange(1, 999), default=20, show_default=True, help="Passes over the data.")
@click.option(
    "--lr",
    multiple=True,
    metavar="[GROUP=]SCHEDULE",
    help='Learning rate, as in "linear(0, 0.1, epoch).then(cosine(0.1, 0, total - epoch))", for all groups '
    "or for one of conv, bn, dense, other. epoch: steps per epoch, epochs: their number, total: all steps. Repeatable.",
)
@click.option(
    "--weight-decay",
    multiple=True,
    metavar="[GROUP=]SCHEDULE",
    help="Weight decay, written like --lr. Repeatable.",
)
@click.option("--batch-size", type=click.IntRange(1, 256), default=16, show_default=True, help="Images per step.")
@click.option(
    "--max-norm",
    type=click.FloatRange(0, min_open=True),
    help="Clip the global norm of the gradients to this.  [default: no clipping]",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of initial parameters, image order and augmentation.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Threads; more than one does not help so small a network.",
)
@click.option("--name", help="Name of the run.  [default: DIALECT-OPTIMIZER]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder for all runs.",
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value=BARE,
    metavar="[RUN]",
    help="Continue a stopped run (default: the newest) from its last checkpoint, bit for bit.",
)
@click.option("--quiet", is_flag=True, help="Print only the run's folder.")
@debug
@click.pass_context
def train(ctx: click.Context, name: str | None, out: Path, resume: str | None, quiet: bool, **options: Any) -> int:
    """Train a small convolutional network on handwritten digits.

    Each group of parameters has its own schedule: a warm-up and a cosine for convolutions, a constant learning rate
    without weight decay for BatchNorm, a cosine for the dense layer. Writes curves.png, history.csv and a checkpoint
    per epoch to OUT/NAME.
    """
    need("torch", "sklearn", "matplotlib", "rich", what="calando train", extra="train")
    from ..train import checkpoint, job
    from ..train.options import Options, refuse_conflicts

    source = click.core.ParameterSource.COMMANDLINE
    asked = {key: value for key, value in options.items() if ctx.get_parameter_source(key) is source}
    if resume is None:
        chosen = Options(**options)
        folder = checkpoint.fresh(out, name, f"{chosen.dialect}-{chosen.optimizer}")
        kept = None
    else:
        if name is not None and resume not in (BARE, name):
            raise ValueError(f"--name {name} conflicts with --resume {resume}; a run keeps its name")
        wanted = name or "" if resume == BARE else resume
        folder = checkpoint.find(out, wanted)
        kept, place = folder.newest()
        chosen = kept.options
        refuse_conflicts(chosen, asked, folder.name)
        if not quiet:
            told = "is complete" if kept.epoch == chosen.epochs else "continues"
            click.echo(f"{folder.path} {told} after epoch {kept.epoch} of {chosen.epochs} ({place.name})")
        for package, now in checkpoint.versions().items():
            was = kept.made_with.get(package)
            if was != now:
                told = f"calando: {package} was {was} and is {now} now; the last bits may differ"
                click.echo(told, err=True)
    with job.repeatable(chosen.threads):
        run = job.start(chosen, folder) if kept is None else job.resume(kept, folder)
        try:
            carry_out(run, quiet)
        except KeyboardInterrupt:
            step = len(next(iter(run.histories.values())).rows)
            last = folder.kept()[-1]
            click.echo(
                f"\ncalando: stopped in step {step} of {run.steps[1]}; the last checkpoint is {last}\n"
                f"continue with: calando train {again(out, folder.name)}",
                err=True,
            )
            return STOPPED
    return 0


def again(out: Path, name: str) -> str:
    """The options that continue a run."""
    return f"--resume {name}" + ("" if out == Path("runs") else f" --out {out}")


def carry_out(run: Run, quiet: bool) -> None:
    """Train to the end, draw the curves, say what came out."""
    from rich.console import Console

    from ..show import curves, progress
    from ..train import job
    from ..train.history import NUMBERS
    from ..train.options import GROUPS

    console = Console()
    done, total = run.epoch * run.steps[0], run.steps[1]
    options = run.options
    watcher = progress.Silence() if quiet else progress.Bar(console, total, done, options.epochs, NUMBERS, GROUPS)
    with watcher:
        job.train(run, watcher)
    accuracies = {name: history.epochs()[-1]["test_accuracy"] for name, history in run.histories.items()}
    curves.draw_run(
        run.folder.curves,
        f"{run.folder.name}: a small convolutional network on handwritten digits",
        run.histories,
        GROUPS,
        run.steps[0],
    )
    if quiet:
        click.echo(run.folder.path)
        return
    timing = f"{run.seconds:.1f} s for {options.epochs} epoch{'s' * (options.epochs != 1)}, {run.steps[1]} steps"
    if run.began:
        timing += f" (resumed after epoch {run.began})"
    results = [(f"test accuracy{label(name, accuracies)}", f"{a:.2%}") for name, a in accuracies.items()]
    results += [("training time", timing), *compared(run)]
    results += [
        ("curves", str(run.folder.curves)),
        ("history", str(run.folder.history)),
        ("checkpoints", f"{run.folder.checkpoints}/ ({len(run.folder.kept())} files)"),
    ]
    plans = {group: (run.plan.lr[group].describe(), run.plan.weight_decay[group].describe()) for group in GROUPS}
    dialect = "both dialects" if len(run.trainers) > 1 else f"{options.dialect} dialect"
    heading = f"{run.folder.name}: {options.optimizer}, {dialect}, seed {options.seed}"
    progress.summary(console, heading, plans, results, notes(run))


def label(name: str, all_names: Mapping[str, float]) -> str:
    """The dialect, where there are two."""
    return f", {name}" if len(all_names) > 1 else ""


def compared(run: Run) -> list[tuple[str, str]]:
    """How far the dialects lie apart, if there are two."""
    if len(run.trainers) < 2:
        return []
    d = run.difference
    return [
        ("largest difference", "between the dialects, over all steps"),
        ("  of a parameter", f"{d.parameters:.2g} ({d.relative:.2g} of the tensor's largest value)"),
        ("  of lr", f"{d.lr:.2g}"),
        ("  of weight decay", f"{d.weight_decay:.2g}"),
    ]


def notes(run: Run) -> list[str]:
    """What one should know when both dialects are compared."""
    if len(run.trainers) < 2:
        return []
    return {
        "adam": [
            "MindSpore's Adam adds eps before the bias correction, PyTorch's after it: the paths are close, not equal."
        ],
        "adamw": [
            "AdamWeightDecay is not AdamW: it corrects no bias and its eps is 1e-6, so the paths differ by design."
        ],
    }.get(run.options.optimizer, [])
