"""Classes of PyTorch's optimizers and schedulers that are chosen when a script runs, and the calls that make them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .flow import OPTIMIZER, SCHEDULER, Flow, arguments, made_kind
from .scopes import File, Scope

HOMES = ("torch.optim", "mindspore.nn.optim", "mindspore.experimental.optim", "mindspore.mint.optim")
ROUNDS = 4  # how often a class is followed from name to name


def chosen(flow: Flow, scope: Scope, func: ast.expr) -> bool:
    """Whether what is called is a class of torch.optim whose name is not written here."""
    if looked_up(scope.file, func) or from_module(flow, scope, func):
        return True
    if isinstance(func, ast.Attribute):
        return func.attr in carriers(flow) and isinstance(func.value, ast.Name) and func.value.id == "self"
    while isinstance(func, (ast.Subscript, ast.Call)):
        func = func.value if isinstance(func, ast.Subscript) else held_by(func)
    name = func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")
    return name in carriers(flow)


def from_module(flow: Flow, scope: Scope, func: ast.expr) -> bool:
    """Whether a function looks up a class in a module that a caller hands it: ``build(torch.optim, name)``."""
    named = isinstance(func, ast.Call) and isinstance(func.func, ast.Name) and func.func.id == "getattr" and func.args
    if not named or not isinstance(func.args[0], ast.Name):  # type: ignore[attr-defined]
        return False
    home, name = flow.home(scope, func.args[0].id), func.args[0].id  # type: ignore[attr-defined]
    given = [
        (caller, arguments(home, call, 1 if home.owner is not None else 0).get(name)) for caller, call in home.calls
    ]
    return any(each is not None and caller.file.names.dotted(each).startswith(HOMES) for caller, each in given)


def chosen_call(flow: Flow, scope: Scope, call: ast.Call) -> bool:
    """Whether a call makes an optimizer or scheduler whose class is chosen when the script runs."""
    func = call.func
    named = isinstance(func, ast.Call) and isinstance(func.func, ast.Name) and func.func.id == "getattr" and func.args
    if named and scope.file.names.dotted(func.args[0]) == "mindspore.nn":  # type: ignore[attr-defined]
        return any(word.arg == "learning_rate" for word in call.keywords)
    return chosen(flow, scope, func)


def made_so(flow: Flow) -> set[str]:
    """The names and attributes that such a call is assigned to."""
    if "made so" not in flow.memory:
        flow.memory["made so"] = {
            ast.unparse(target)
            for file in flow.files
            for scope, call in file.calls
            if isinstance(statement := file.parents[call], ast.Assign) and chosen_call(flow, scope, call)
            for target in statement.targets
        }
    found: set[str] = flow.memory["made so"]
    return found


def held_by(call: ast.Call) -> ast.expr:
    """The table that ``table.get(name)`` looks into."""
    return call.func.value if isinstance(call.func, ast.Attribute) else ast.Name("")


def looked_up(file: File, func: ast.AST) -> bool:
    """``getattr(torch.optim, name)`` or ``torch.optim.__dict__[name]``, or the same of MindSpore's."""
    held: ast.expr | None = None
    if isinstance(func, ast.Call) and isinstance(func.func, ast.Name) and func.func.id == "getattr" and func.args:
        held = func.args[0]
    if isinstance(func, ast.Subscript):
        inner = func.value
        held = inner.value if isinstance(inner, ast.Attribute) and inner.attr == "__dict__" else inner
    return held is not None and file.names.dotted(held).startswith(HOMES)


def carriers(flow: Flow) -> set[str]:
    """The names and attributes that may hold such a class, or several."""
    if "carriers" not in flow.memory:
        found: set[str] = set()
        for _ in range(ROUNDS):
            before = len(found)
            found |= {name for file in flow.files for name, value in given(flow, file) if carries(file, value, found)}
            if len(found) == before:
                break
        flow.memory["carriers"] = found
    held: set[str] = flow.memory["carriers"]
    return held


def given(flow: Flow, file: File) -> Iterator[tuple[str, ast.AST]]:
    """Every name or attribute of a file, with what it is given."""
    for node in file.where:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, (ast.Name, ast.Attribute)):
                    yield target.id if isinstance(target, ast.Name) else target.attr, node.value
    for scope in file.scopes.values():
        args = getattr(scope.node, "args", None)
        if args is not None:
            positional = [*args.posonlyargs, *args.args]
            yield from zip((a.arg for a in reversed(positional)), reversed(args.defaults), strict=False)
            yield from ((a.arg, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None)
        for caller, call in scope.calls:
            if caller.file is file:
                yield from arguments(scope, call, 1 if scope.owner is not None else 0).items()


def carries(file: File, value: ast.AST, known: set[str]) -> bool:
    """Whether an expression's value is, or holds, a class of torch.optim that is not called."""
    if looked_up(file, value):
        return True
    if isinstance(value, ast.Dict):
        return any(carries(file, each, known) for each in value.values)
    if isinstance(value, (ast.List, ast.Tuple)):
        return any(carries(file, each, known) for each in value.elts)
    if isinstance(value, (ast.IfExp, ast.BoolOp)):
        parts = [value.body, value.orelse] if isinstance(value, ast.IfExp) else value.values
        return any(carries(file, each, known) for each in parts)
    if isinstance(value, ast.Subscript):
        return carries(file, value.value, known)
    if isinstance(value, ast.Call):
        func, partial = value.func, file.names.dotted(value.func).endswith("partial")
        held = func.value if isinstance(func, ast.Attribute) and func.attr == "get" else None
        return (partial and any(carries(file, a, known) for a in value.args)) or (
            held is not None and carries(file, held, known)
        )
    if isinstance(value, ast.Name) and value.id in known:
        return True
    kind, _ = made_kind(file.names.dotted(value))
    return kind in (OPTIMIZER, SCHEDULER)
