"""How many entries a list of learning rates has."""

from __future__ import annotations

import ast

from ...lexicon import DYNAMIC
from ..reading.flow import Flow
from ..reading.remembered import remembered
from ..reading.scopes import Scope
from .amounts import DEEPEST, Amount, Unsure, amount, meant, plus, product, size_of, whole

SAME = ("Tensor", "array", "asarray", "list", "tuple")  # of another's entries
SHAPED = ("astype", "tolist", "copy")  # methods, likewise
CHANGING = ("append", "extend", "insert", "pop", "clear", "remove")
MADE = {"linspace": 2, "full": 0, "ones": 0, "zeros": 0, "arange": 0, "range": 0}  # which argument says how many


def entries(flow: Flow, scope: Scope, node: ast.expr, deep: int = 0) -> Amount:
    """How many entries a list has.

    Raises:
        Unsure: it is none, or that cannot be counted.
    """
    if deep > DEEPEST:
        raise Unsure
    if isinstance(node, (ast.List, ast.Tuple)) and not any(isinstance(x, ast.Starred) for x in node.elts):
        return whole(len(node.elts))
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)) and not any(g.ifs for g in node.generators):
        found = whole(1)
        for each in node.generators:
            found = product(found, turns(flow, scope, each.iter, deep))
        return found
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return plus(entries(flow, scope, node.left, deep + 1), entries(flow, scope, node.right, deep + 1))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        listed = [side for side in (node.left, node.right) if isinstance(side, (ast.List, ast.ListComp))]
        if len(listed) != 1:
            raise Unsure
        other = node.right if listed[0] is node.left else node.left
        return product(entries(flow, scope, listed[0], deep + 1), amount(flow, scope, other))
    if isinstance(node, ast.Call):
        return of_call(flow, scope, node, deep)
    if isinstance(node, ast.Name):
        home, value = meant(flow, scope, node)
        if value is None or isinstance(value, ast.Constant) or node.id in touched(flow, flow.home(scope, node.id)):
            raise Unsure
        return entries(flow, home, value, deep + 1)
    raise Unsure


@remembered
def touched(flow: Flow, home: Scope) -> set[str]:
    """The names of lists that are changed after they were made: by one of their methods, or through their entries."""
    found: set[str] = set()
    for node in ast.walk(home.node):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in CHANGING:
            found.add(node.value.id)
        elif isinstance(node, (ast.AugAssign, ast.Delete)):
            targets = node.targets if isinstance(node, ast.Delete) else [node.target]
            found |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return found


def of_call(flow: Flow, scope: Scope, call: ast.Call, deep: int) -> Amount:
    """A list that something makes: MindSpore's functions, NumPy's, a function of the project.

    Raises:
        Unsure: something else.
    """
    dotted = scope.file.names.dotted(call.func)
    name = dotted.rpartition(".")[2]
    words = {str(w.arg): w.value for w in call.keywords}
    if dotted.startswith(("mindspore.", "calando.")) and name in DYNAMIC:
        given: dict[str, ast.expr] = {**dict(zip(DYNAMIC[name], call.args, strict=False)), **words}
        if name != "piecewise_constant_lr":
            return amount(flow, scope, given["total_step"]) if "total_step" in given else fail()
        ends = given.get("milestone")
        return amount(flow, scope, ends.elts[-1]) if isinstance(ends, (ast.List, ast.Tuple)) and ends.elts else fail()
    if isinstance(call.func, ast.Attribute) and call.func.attr in SHAPED:
        return entries(flow, scope, call.func.value, deep + 1)
    if name in SAME and call.args:
        return entries(flow, scope, call.args[0], deep + 1)
    if name in MADE and len(call.args) > MADE[name] and (name != "arange" or len(call.args) == 1):
        return turns(flow, scope, call, deep) if name == "range" else amount(flow, scope, call.args[MADE[name]])
    if name in ("concatenate", "hstack") and call.args and isinstance(call.args[0], (ast.List, ast.Tuple)):
        found = whole(0)
        for each in call.args[0].elts:
            found = plus(found, entries(flow, scope, each, deep + 1))
        return found
    target = flow.callee(scope, call)
    if target is None or not isinstance(target.node, ast.FunctionDef) or len(target.calls) != 1:
        raise Unsure
    returned = [n.value for n in ast.walk(target.node) if isinstance(n, ast.Return)]
    if len(returned) != 1 or returned[0] is None:
        raise Unsure
    return built(flow, target, returned[0], deep)


def fail() -> Amount:
    """Nothing says how many."""
    raise Unsure


def built(flow: Flow, scope: Scope, node: ast.expr, deep: int) -> Amount:
    """What a function returns: a list that its loops append to, perhaps as an array; or another one.

    Raises:
        Unsure: that cannot be counted.
    """
    inner = node
    while isinstance(inner, ast.Call) and not isinstance(inner.func, ast.Name):
        method = isinstance(inner.func, ast.Attribute) and inner.func.attr in SHAPED
        known = scope.file.names.dotted(inner.func).rpartition(".")[2] in SAME
        if not method and not (known and inner.args):
            break
        inner = inner.func.value if method else inner.args[0]  # type: ignore[attr-defined]
    if isinstance(inner, ast.Name) and inner.id in touched(flow, scope):
        assert isinstance(scope.node, ast.FunctionDef)
        return appended(flow, scope, scope.node.body, inner.id, deep)
    return entries(flow, scope, node, deep + 1)


def appended(flow: Flow, scope: Scope, body: list[ast.stmt], name: str, deep: int) -> Amount:
    """How many entries statements put into a list that is empty before them.

    Raises:
        Unsure: that depends on something, or the list is changed in another way.
    """
    found = whole(0)
    for each in body:
        if not any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(each)):
            continue
        if isinstance(each, ast.For) and not each.orelse and not jumps(each):
            inside = appended(flow, scope, each.body, name, deep)
            if inside:
                found = plus(found, product(turns(flow, scope, each.iter, deep), inside))
        elif isinstance(each, ast.If):
            ways = [appended(flow, scope, way, name, deep) for way in (each.body, each.orelse)]
            if ways[0] != ways[1]:
                raise Unsure
            found = plus(found, ways[0])
        elif isinstance(each, ast.Return) or reads(each, name) or empties(each):
            continue
        elif isinstance(each, ast.Expr) and ast.unparse(each.value).startswith(f"{name}.append("):
            found = plus(found, whole(1))
        else:
            raise Unsure
    return plus(found, whole(0))


def empties(statement: ast.stmt) -> bool:
    """Whether a statement makes a list that is empty."""
    return isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List) and not statement.value.elts


def reads(statement: ast.stmt, name: str) -> bool:
    """Whether a statement without a block only reads a list's entries."""
    uses = [n for n in ast.walk(statement) if isinstance(n, ast.Name) and n.id == name]
    plain = not hasattr(statement, "body") and all(isinstance(n.ctx, ast.Load) for n in uses)
    called = any(isinstance(n, ast.Attribute) and n.value in uses for n in ast.walk(statement))
    return plain and not called


def jumps(loop: ast.For) -> bool:
    """Whether a loop may end or skip."""
    return any(isinstance(n, (ast.Break, ast.Continue, ast.Return)) for n in ast.walk(loop))


def turns(flow: Flow, scope: Scope, over: ast.expr, deep: int) -> Amount:
    """How often a loop over something turns.

    Raises:
        Unsure: that cannot be counted.
    """
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range":
        if len(over.args) == 1:
            return amount(flow, scope, over.args[0])
        if len(over.args) == 2:
            return plus(amount(flow, scope, over.args[1]), amount(flow, scope, over.args[0]), -1)
        raise Unsure
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute):
        return size_of(flow, scope, over.func.value) if over.func.attr.startswith("create_") else fail()
    return entries(flow, scope, over, deep + 1)
