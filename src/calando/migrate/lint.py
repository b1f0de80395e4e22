"""Mistakes that ports and training scripts are known for, in either framework: the line and the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .finding import MISTAKE, Finding
from .mistakes import (
    clips,
    clocks,
    effect,
    gradients,
    keys,
    outside,
    shared,
    short,
    spelling,
    timing,
    unapplied,
    unused,
    zero,
)
from .mistakes.about import Found
from .patience import Patience
from .project import module_of, uncollected
from .reading.flow import Flow
from .reading.source import Unreadable, read

RULES: tuple[Callable[[Flow], Found], ...] = (
    spelling.wrong_names, spelling.wrong_attribute, spelling.swapped_names, zero.first_of_all, zero.in_the_loop,
    keys.wrong_keys, keys.written_keys, keys.foreign_attributes,
    timing.early_schedulers, timing.late_assignments, timing.fixed_epochs, timing.per_step, clocks.other_clock,
    gradients.foreign_gradients, gradients.other_order, gradients.summed_outputs, gradients.forward_again,
    gradients.never_cleared, gradients.cleared_early, outside.computed_outside,
    clips.clipped_late, clips.clipped_in_vain, clips.clipped_elsewhere,
    unused.unused_decays, unused.unused_rates, unused.idle_schedulers, unused.idle_optimizers, unused.rebuilt,
    unused.asked_in_vain, unapplied.lost_rates, unapplied.thrown_rates, unapplied.unwritten, unapplied.in_vain,
    effect.without_effect, effect.set_by_name, effect.written_in_vain, effect.mindspore_traps, effect.fixed_decay,
    shared.shared_memory, short.short_lists,
)  # fmt: skip


@uncollected()
def lint(scripts: Mapping[str, bytes], steps_per_epoch: int | None = None) -> tuple[list[Finding], list[str]]:
    """Look for mistakes.

    Args:
        scripts: name (a path) → bytes.
        steps_per_epoch: how many batches every data set has; None: only what the scripts say.

    Returns:
        What was found, by file and line; and why a script could not be read.

    Raises:
        TooLarge: a very large script takes too long.
    """
    sources, unread = [], []
    for name, data in scripts.items():
        try:
            sources.append(read(data, name))
        except Unreadable as problem:
            unread.append(str(problem))
    patience = Patience(sources)
    flow = Flow(sources, [module_of(source.name) for source in sources], patience.ask)
    flow.memory["steps per epoch"] = steps_per_epoch
    found = []
    for rule in RULES:
        patience.ask()
        for file, node, reason in rule(flow):
            text = " ".join(file.source.code(node).split())
            shown = text if len(text) <= 88 else f"{text[:87]}…"
            found.append(Finding(file.source.name, node.lineno, MISTAKE, shown, reason, "mistakes"))  # type: ignore[attr-defined]
    return sorted(set(found)), unread
