"""Curves as pictures: a run's history, or schedules alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..codecs.placed import placed

# Okabe & Ito's colours, which the colour-blind can tell apart too.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
LIGHT_BLUE, YELLOW = "#56B4E9", "#E69F00"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, LIGHT_BLUE, "#000000")
DASHES = ("-", (0, (4, 2)), "-.", (0, (1, 1.2)))
STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
}


def draw_run(path: Path, title: str, histories: Mapping[str, Any], groups: Sequence[str], steps_per_epoch: int) -> None:
    """Write a run as a picture: loss, accuracy, and every group's lr and weight decay over the steps.

    Args:
        path: where to; the ending says the format, as in ``.png``.
        title: what stands above.
        histories: dialect → ``calando.train.history.History``.
        groups: what the groups are called.
        steps_per_epoch: for the axis above.
    """
    from matplotlib import rc_context
    from matplotlib.ticker import MaxNLocator

    with rc_context(STYLE):
        figure = new_figure((11, 7.4))
        axes = figure.subplots(2, 2, sharex=True)
        figure.suptitle(title, fontsize=13, fontweight="bold", x=0.012, ha="left")
        loss, accuracy, lr, decay = axes.flat
        both = len(histories) > 1
        for number, (dialect, history) in enumerate(histories.items()):
            prefix, dash = (f"{dialect}: " if both else ""), DASHES[number]
            draw_learning(loss, accuracy, history, prefix, dash, number)
        shown = next(iter(histories.values()))
        accuracy.set_ylim(lowest(histories), 100.5)
        draw_groups(lr, shown, "lr", groups)
        draw_groups(decay, shown, "weight_decay", groups)
        loss.set(title="Loss", ylabel="cross entropy")
        accuracy.set(title="Accuracy", ylabel="correct, %")
        lr.set(title="Learning rate of each group", ylabel="lr", xlabel="step")
        decay.set(title="Weight decay of each group", ylabel="weight decay", xlabel="step")
        last = shown.column("step")[-1]
        for ax in (loss, accuracy):
            over = ax.secondary_xaxis("top", functions=epochs_axis(steps_per_epoch))
            over.set_xlabel("epoch", fontsize=9, color="#555555")
            over.xaxis.set_major_locator(MaxNLocator(10, integer=True, steps=[1, 2, 5, 10]))
            over.spines["top"].set_visible(False)
            over.tick_params(length=2, labelsize=9)
        loss.legend(loc="upper right")
        accuracy.legend(loc="lower right")
        for ax in axes.flat:
            ax.set_xlim(0, 1.01 * (last + 1))
        figure.savefig(path, dpi=130)


def lowest(histories: Mapping[str, Any]) -> float:
    """Where the axis of accuracies begins, in percent: the first epochs of a long run may fall below."""
    epochs = [epoch for history in histories.values() for epoch in history.epochs()]
    seen = [100 * epoch[name] for epoch in epochs for name in ("train_accuracy", "test_accuracy")]
    return max(0.0, min(float(np.quantile(seen, 0.06 if len(epochs) > 5 else 0)), 90.0) - 3)


def epochs_axis(steps_per_epoch: int) -> tuple[Any, Any]:
    """Steps to epochs, and back."""
    return (lambda step: step / steps_per_epoch), (lambda epoch: epoch * steps_per_epoch)


def draw_learning(loss: Any, accuracy: Any, history: Any, prefix: str, dash: Any, number: int) -> None:
    """Loss and accuracy of one dialect: a pale line per batch, a strong one per epoch."""
    step, batch = history.column("step"), history.column("loss")
    if not number:
        loss.plot(step, batch, color=BLUE, alpha=0.25, linewidth=0.7, label=f"{prefix}each batch")
        shown = batch[np.isfinite(batch) & (batch > 0)]
        low, high = (float(np.quantile(shown, 0.02)), float(shown.max())) if len(shown) else (0.0, 1.0)
        if high > 30 * low > 0:
            loss.set_yscale("log")
            loss.set_ylim(low, 1.3 * high)
            loss.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    epochs = history.epochs()
    ends = [epoch["last_step"] + 1 for epoch in epochs]
    means, trained, tested = ([e[key] for e in epochs] for key in ("loss", "train_accuracy", "test_accuracy"))
    mark: dict[str, Any] = {"linestyle": dash, "marker": "o", "markersize": 3.5}
    loss.plot(ends, means, color=(BLUE, LIGHT_BLUE)[number], label=f"{prefix}mean of the epoch", **mark)
    words = (f"{prefix}training (shifted images)", f"{prefix}test ({tested[-1]:.2%} at the end)")
    pairs = zip((trained, tested), ((BLUE, LIGHT_BLUE), (ORANGE, YELLOW)), words, strict=True)
    for values, colours, word in pairs:
        accuracy.plot(ends, [100 * v for v in values], color=colours[number], label=word, **mark)


def draw_groups(ax: Any, history: Any, name: str, groups: Sequence[str]) -> None:
    """One hyperparameter of every group over the steps."""
    step = history.column("step")
    lines = {group: history.column(f"{name}_{group}") for group in groups}
    for group, values, colour, dash in zip(groups, lines.values(), COLOURS, DASHES * 2, strict=False):
        text = f"{group}: {values[0]:g}" if np.ptp(values) == 0 else f"{group}: up to {values.max():g}"
        ax.plot(step, values, color=colour, linestyle=dash, label=text)
    top = max(float(values.max()) for values in lines.values())
    ax.set_ylim(-0.03 * top if top else -0.03, 1.3 * top if top else 1.0)  # room for the legend
    ax.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4), useMathText=True)
    ax.legend(loc="upper right", ncols=2)


def draw_schedules(path: Path, lines: Mapping[str, np.ndarray]) -> None:
    """Write schedules as a picture.

    Args:
        path: where to; the ending says the format.
        lines: what a line is called → float64 (steps,).

    Raises:
        ValueError: an ending that says no format.
        OSError: a folder, no permission, no space; a file that was there before is untouched.
    """
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure = new_figure((8, 4.2))
        ax = figure.subplots()
        for (name, values), colour in zip(lines.items(), COLOURS * len(lines), strict=False):
            ax.plot(np.arange(len(values)), values, color=colour, label=name)
        ax.set(xlabel="step", ylabel="value")
        ax.set_xlim(0, max(1, *(len(values) - 1 for values in lines.values())))
        figure.legend(loc="outside upper left", fontsize=9)
        if not path.suffix:
            raise ValueError(f"{path}: the ending says the format, such as .png, .svg or .pdf")
        with placed(path) as file:
            figure.savefig(file, dpi=130, format=path.suffix[1:])


def new_figure(size: tuple[float, float]) -> Any:
    """A figure that belongs to no window and no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.07))
    FigureCanvasAgg(figure)
    return figure
