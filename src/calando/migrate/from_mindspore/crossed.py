"""Gradients of one optimizer that are taken before it has used those it took before.

In PyTorch they lie in the parameters, where the later ones would replace the earlier; as values, as in MindSpore, they
do not meet.
"""

from __future__ import annotations

import ast

from ..reading.blocks import above, spot, statement_of
from ..reading.roads import LOOPS, conditions
from ..reading.scopes import Scope
from ..work import Left
from .back import Back

CROSSED = "are taken before an update uses those"


def crossed(back: Back) -> None:
    """Raise Left where the gradients of one update may be replaced by those of another."""
    for scope, update, made in back.filled:
        for there, _, others in back.filled:
            for other in others if there is scope else ():
                first = next((m for m in made if other not in made and between(scope, m, other, update)), None)
                if first is not None:
                    raise Left(f"the gradients in line {other.lineno} {CROSSED} of line {first.lineno}")


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
