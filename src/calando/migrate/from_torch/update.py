"""One place where gradients are given to an optimizer, or to several that share them."""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from ..reading.blocks import spot
from ..reading.scopes import Scope
from ..work import Work
from .handed import handed
from .passes import backwards


@dataclass
class Update:
    """One place where gradients are given to an optimizer.

    Args:
        scope: the function that has the gradients.
        call: the call there: the optimizer's step, or a function of the project's that steps it.
        at: how the optimizer's parameters are reached there.
        gradients: the name of the gradients.
        twins: the steps that other branches make with the same gradients.
        over: the loop from one optimizer to the next, where each is given its part of gradients made before it.
        sharers: the updates that take parts of these gradients, where several optimizers share one backward.
    """

    scope: Scope
    call: ast.Call
    at: str
    gradients: str
    sharers: list[Update] = field(default_factory=list)
    over: ast.For | None = None
    twins: list[ast.Call] = field(default_factory=list)

    @property
    def holder(self) -> ast.AST:
        """What stands where the gradients are wanted."""
        return self.over or self.call

    @property
    def last(self) -> ast.Call:
        """The last call that takes these gradients, or a part of them."""
        return max((call for each in self.sharers or [self] for call in (each.call, *each.twins)), key=spot)

    @property
    def names(self) -> set[str]:
        """The names by which the optimizers are reached."""
        tree = ast.parse(self.at) if self.over is None else self.over.iter
        return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def shared(work: Work, found: list[Update]) -> list[Update]:
    """The updates of a party, those that share one backward as one."""
    whole: list[Update] = []
    for update in found:
        before = whole[-1] if whole and whole[-1].scope is update.scope else None
        spots, _ = backwards(work, update.scope)
        last = spot(before.last) if before is not None else (0, 0)
        own = handed(work.flow, work.flow.callee(update.scope, update.call)) is not None
        if before is None or own or bisect_right(spots, last) < bisect_left(spots, spot(update.call)):
            whole.append(update)
            continue
        if not before.sharers:
            name = update.scope.file.names.free("grads")
            both = Update(update.scope, before.call, before.at, name, sharers=[before], twins=before.twins)
            whole[-1] = before = both
        before.sharers.append(update)
    return whole


def weights_of(update: Update) -> str:
    """The parameters whose gradients are taken."""
    if update.over is not None:
        source = update.scope.file.source
        turn = f"for {source.code(update.over.target)} in {source.code(update.over.iter)}"
        return f"[p {turn} for p in {update.at}.parameters]"
    if not update.sharers:
        return f"{update.at}.parameters"
    return f"[{', '.join(f'*{each.at}.parameters' for each in update.sharers)}]"


def split(work: Work, update: Update, first: ast.stmt) -> None:
    """Give each of the optimizers that share a backward its part of the gradients."""
    sizes = [f"len({each.at}.parameters)" for each in update.sharers]
    lines = []
    for number, each in enumerate(update.sharers):
        start, end = " + ".join(sizes[:number]), " + ".join(sizes[: number + 1])
        end = end if number + 1 < len(sizes) else ""
        lines.append(f"{each.gradients} = {update.gradients}[{start}:{end}]")
    work.before(update.scope.file, first, *lines)
