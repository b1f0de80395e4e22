"""The command ``calando``: train, plot, explain and migrate.

Nothing heavy is imported before a command needs it, so that ``calando --help`` answers at once. What a
user can put right (ValueError, KeyError, TypeError, OSError, a missing extra) becomes one sentence on
stderr and the exit code 2; ``--debug`` shows where it came from.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from . import __version__
from .needs import need

if TYPE_CHECKING:
    from .train.job import Run

MISTAKES = (ValueError, KeyError, TypeError, IndexError, ArithmeticError, OSError, ImportError)
WRONG, STOPPED = 2, 130  # exit codes
CHART_MARGIN = 13  # columns for the numbers beside a chart
BARE = "\0newest"  # what --resume means without a name


class Commands(click.Group):
    """A group of commands that ends with one sentence where something is wrong."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        try:
            code = super().main(given, *rest, **extra)
        except (click.ClickException, *MISTAKES) as problem:
            if "--debug" in given:
                raise
            click.echo(f"calando: {sentence(problem)}", err=True)
            sys.exit(WRONG)
        except (click.Abort, KeyboardInterrupt):
            click.echo("calando: stopped", err=True)
            sys.exit(STOPPED)
        sys.exit(code if isinstance(code, int) else 0)


def sentence(problem: BaseException) -> str:
    """What an exception says, without Python's decorations."""
    if isinstance(problem, click.ClickException):
        return problem.format_message()
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    if type(problem) is KeyError and len(problem.args) == 1:
        return str(problem.args[0])  # Python's own puts quotes around it
    return str(problem) or type(problem).__name__


debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="calando", message="%(prog)s %(version)s")
@debug
def main() -> None:
    """Optimizers whose every hyperparameter may change with time, for PyTorch and MindSpore."""


@main.command()
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
    from .train import checkpoint, job
    from .train.options import Options, refuse_conflicts

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

    from .show import curves, progress
    from .train import job
    from .train.history import NUMBERS
    from .train.options import GROUPS

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


@main.command()
@click.argument("schedules", nargs=-1, required=True, metavar="SCHEDULE...")
@click.option("--steps", type=click.IntRange(1, 10_000_000), default=1000, show_default=True, help="How many steps.")
@click.option(
    "--epochs", type=click.IntRange(1), default=10, show_default=True, help="How many epochs these steps are."
)
@click.option("--out", type=click.Path(path_type=Path), help="Draw a picture instead, such as rate.png.")
@debug
def plot(schedules: tuple[str, ...], steps: int, epochs: int, out: Path | None) -> None:
    """Draw one or several schedules, as text or as a picture.

    A SCHEDULE is written as for calando train; epoch, epochs and total may be used. For example:
    calando plot "linear(0, 0.1, epoch).then(cosine(0.1, 0, total - epoch))"
    """
    from .show.lines import lines

    drawn, ends = lines(schedules, steps, epochs)
    if out is None:
        from .show.chart import chart

        room = get_terminal_size().columns - CHART_MARGIN
        click.echo(chart(drawn, ends, width=min(64, max(16, room))))
        return
    need("matplotlib", what="a picture", extra="train")
    from .show.curves import draw_schedules

    draw_schedules(out, drawn)
    click.echo(out)


@main.command()
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
    from .show import explain as room

    about = room.subject(name, room.read(arguments))
    if kernel:
        return click.echo(room.kernel(about, dtype))
    click.echo(room.page(about, dtype))
    if measure:
        click.echo("\n" + room.speed(about, elements)[0])


@main.command()
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
    from .migrate import Wish, command

    wish = Wish(to, style, steps_per_epoch)
    return command.run(command.Asked(paths, wish, out, **options))


@main.command()
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
    from .codecs.convert import convert as carried

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


@main.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--all", "whole", is_flag=True, help="List every tensor.")
@debug
def inspect(path: Path, whole: bool) -> None:
    """Show a checkpoint on one screen.

    Names, types, shapes and norms, hyperparameters and clocks, and whatever is not finite; of PyTorch, MindSpore and
    calando.
    """
    from .codecs.inspect import ROWS, inspected

    click.echo("\n".join(inspected(path, None if whole else ROWS)))
