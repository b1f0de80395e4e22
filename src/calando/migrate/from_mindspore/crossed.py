"""Gradients that are taken before an optimizer has used those that were taken for it before.

In PyTorch they lie in the parameters, where the later ones would replace the earlier; as values, as in MindSpore, they
do not meet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from ..reading.blocks import above, spot, statement_of
from ..reading.carry import giving
from ..reading.flow import OBJECT, Flow
from ..reading.remembered import remembered
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
        if not back.way.loose and back.filled and "params" in back.given:
            for key in dict.fromkeys([*back.asked, weights(back)]):
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


def weights(back: Back) -> tuple[Scope | None, str]:
    """Whose gradients an optimizer takes: what is written where it is made, or what the name there was given."""
    scope, node = back.thing.scope, back.given["params"]
    assert scope is not None
    if isinstance(node, ast.Name):
        made = [s.value for _, s in giving(back.work.flow, scope, node) if isinstance(s, ast.Assign)]
        node = made[0] if len(made) == 1 else node
    return scope, ast.unparse(node)


def replaced(one: Back, two: Back) -> tuple[int, int] | None:
    """The lines where one optimizer's gradients are taken, and where another's are before it has used them."""
    for scope, update, made in one.filled:
        for there, _, others in two.filled:
            if there is not scope and (found := hidden(one.work.flow, scope, made, update, there)) is not None:
                return found
            for other in others if there is scope else ():
                first = next((m for m in made if other not in made and between(scope, m, other, update)), None)
                if first is not None:
                    return first.lineno, other.lineno
    return None


def hidden(
    flow: Flow, scope: Scope, made: Sequence[ast.stmt], update: ast.Call, there: Scope
) -> tuple[int, int] | None:
    """The lines where gradients are taken, and of a call before their update that comes to where others are."""
    for call in scope.file.asked[scope]:
        into = entered(flow, scope, call)
        if into is None or there not in reached(flow, into):
            continue
        for first in made:
            statement = statement_of(scope.file, call)
            if statement is not first and between(scope, first, statement, update):
                return first.lineno, call.lineno
    return None


@remembered
def reached(flow: Flow, scope: Scope) -> set[Scope]:
    """A function, and all those of the project that it comes to."""
    found, waiting = {scope}, [scope]
    while waiting:
        at = waiting.pop()
        into = {entered(flow, at, call) for call in at.file.asked[at]} - found - {None}
        found |= into  # type: ignore[arg-type]
        waiting += into  # type: ignore[arg-type]
    return found


def entered(flow: Flow, scope: Scope, call: ast.Call) -> Scope | None:
    """The function that a call runs; of a network, or a training step, its ``construct``."""
    made = [t for t in flow.things(scope, call.func) if t.kind == OBJECT and t.scope is not None]
    cells = (flow.method(t.scope, "construct") for t in made)
    return flow.callee(scope, call) or next((cell for cell in cells if cell is not None), None)


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
