"""``calando train``: the guide's network on handwritten digits."""

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
    help="Whose words the training is written in; both: train both side by side and compare.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["sgd", "momentum", "adam", "adamw"]),
    default="momentum",
    show_default=True,
    help="adamw is AdamWeightDecay in MindSpore's dialect, which is another rule.",
)
@click.option("--epochs", type=click.IntRange(1, 999), default=20, show_default=True, help="Passes over the data.")
@click.option(
    "--lr",
    multiple=True,
    metavar="[GROUP=]SCHEDULE",
    help='Learning rate, as in "linear(0, 0.1, epoch).then(cosine(0.1, 0, total - epoch))", for all groups '
    "or for one of conv, bn, dense, other. Names: epoch (steps in one), epochs, total (steps). Repeatable.",
)
@click.option(
    "--weight-decay",
    multiple=True,
    metavar="[GROUP=]SCHEDULE",
    help="Weight decay, written like --lr. Repeatable.",
)
@click.option("--batch-size", type=click.IntRange(1, 256), default=16, show_default=True, help="Images in one step.")
@click.option(
    "--max-norm",
    type=click.FloatRange(0, min_open=True),
    help="Bound for the norm of all gradients together.  [default: none]",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of first parameters and order of images.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="For torch and the kernels; more do not help so small a network.",
)
@click.option("--name", help="What the run is called.  [default: from dialect and optimizer]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="The folder that holds all runs.",
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value=BARE,
    metavar="[RUN]",
    help="Go on with a run (the newest, without a name) where it was stopped, bit for bit.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but where the run lies.")
@debug
@click.pass_context
def train(ctx: click.Context, name: str | None, out: Path, resume: str | None, quiet: bool, **options: Any) -> int:
    """Train a small convolutional network on handwritten digits.

    Convolutions warm up and then follow a cosine, BatchNorm has a constant rate and no decay, dense
    weights and the rest have their own. Writes curves.png, history.csv and a checkpoint per epoch to
    OUT/NAME.
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
            click.echo(f"continuing {folder.path} after epoch {kept.epoch} of {chosen.epochs} ({place.name})")
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
        f"{run.folder.name}: the guide's network on handwritten digits, {options.optimizer}",
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
