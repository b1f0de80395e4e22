"""Gradients that are taken before an optimizer has used those that were taken for it before.

In PyTorch they lie in the parameters, where the later ones would replace the earlier; as values, as in MindSpore, they
do not meet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ..reading.blocks import above, spot, statement_of
from ..reading.roads import LOOPS, conditions
from ..reading.scopes import Scope
from ..reading.thing import Thing
from ..work import Left
from .back import Back

CROSSED = "are taken before an update uses those"


def crossed(back: Back) -> None:
    """Raise Left where the gradients of one update may be replaced by those of another."""
    if (lines := replaced(back, back)) is not None:
        raise Left(f"the gradients in line {lines[1]} {CROSSED} of line {lines[0]}")


def met(backs: Iterable[Back]) -> dict[Thing, str]:
    """The optimizers whose gradients lie in the same parameters and may replace each other there, and where."""
    alike: dict[object, list[Back]] = {}
    for back in backs:
        if not back.free and back.filled and "params" in back.given:
            for key in dict.fromkeys([*back.asked, (back.thing.scope, ast.unparse(back.given["params"]))]):
                alike.setdefault(key, []).append(back)
    pairs = [(one, two) for group in alike.values() for one in group for two in group if one is not two]
    found: dict[Thing, str] = {}
    for one, two in pairs:
        if (lines := replaced(one, two)) is not None:
            told = (
                f"the gradients in line {lines[1]} {CROSSED} of line {lines[0]}, by another optimizer of these weights"
            )
            found[one.thing] = found[two.thing] = told
    return found


def replaced(one: Back, two: Back) -> tuple[int, int] | None:
    """The lines where one optimizer's gradients are taken, and where another's are before it has used them."""
    for scope, update, made in one.filled:
        for there, _, others in two.filled:
            for other in others if there is scope else ():
                first = next((m for m in made if other not in made and between(scope, m, other, update)), None)
                if first is not None:
                    return first.lineno, other.lineno
    return None


def between(scope: Scope, first: ast.stmt, other: ast.stmt, update: ast.Call) -> bool:
    """Whether a statement may run after another one and before an update."""
    file, last = scope.file, statement_of(scope.file, update)
    if first is last:
        return False  # ``opt(fn(x))``
    if spot(first) < spot(last):
        inside = spot(first) < spot(other) < spot(last)
        return inside and not any(apart(scope, other, each) for each in (first, last))
    loops = [node for node in above(file, first) if isinstance(node, LOOPS) and node in above(file, last)]
    turned = spot(other) > spot(first) or spot(other) < spot(last)
    return turned and any(loop in above(file, other) for loop in loops)


def apart(scope: Scope, one: ast.stmt, two: ast.stmt) -> bool:
    """Whether two statements stand in different branches of one condition."""
    sides = {id(test): otherwise for test, otherwise in conditions(scope.file, one, scope.node)}
    return any(
        sides.get(id(test), otherwise) != otherwise for test, otherwise in conditions(scope.file, two, scope.node)
    )
