"""Saving and loading an optimizer's state in MindSpore's words."""

from __future__ import annotations

import ast
import re

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import giving
from ..reading.flow import Thing
from ..reading.scopes import File, Scope
from ..schedulers.taken import drop_item
from ..work import Left, Work, uses


def save_and_load(work: Work, thing: Thing, own: bool) -> None:
    """Rewrite ``state_dict`` and ``load_state_dict`` of an optimizer.

    Raises:
        Left: the state goes where it cannot be followed.
    """
    calls = state_calls(work, thing)
    beside = all(filed(work, scope, call) for scope, _, call in calls)
    for scope, node, call in calls:
        if id(call) in work.told:
            continue
        at, word = scope.file.source.code(node), call.func.attr  # type: ignore[attr-defined]
        if not beside and not picked_apart(scope, call):
            by_value(work, scope, call, at, "calando.migrate.assigned" if own else "calando.migrate.exact")
        elif word == "state_dict":
            saved(work, scope, call, at, own)
        else:
            loaded(work, scope, call, at, own)


def state_calls(work: Work, thing: Thing) -> list[tuple[Scope, ast.expr, ast.Call]]:
    """The calls of an optimizer's ``state_dict`` and ``load_state_dict``."""
    found = []
    for scope, node in uses(work.flow, thing):
        parent = scope.file.parents[node]
        call = scope.file.parents[parent]
        named = isinstance(parent, ast.Attribute) and parent.attr in ("state_dict", "load_state_dict")
        if named and isinstance(call, ast.Call) and call.func is parent:
            found.append((scope, node, call))
    return found


def picked_apart(scope: Scope, call: ast.Call) -> bool:
    """Whether one part of a state is taken: ``state_dict()["param_groups"]``."""
    return isinstance(scope.file.parents[call], ast.Subscript)


def filed(work: Work, scope: Scope, call: ast.Call) -> bool:
    """Whether a state goes straight into a file whose path is known, or comes from one."""
    file, holder = scope.file, scope.file.parents[call]
    if call.func.attr == "load_state_dict":  # type: ignore[attr-defined]
        given = call.args[0] if call.args else call.keywords[0].value
        return path_of(work, scope, given.value if isinstance(given, ast.Subscript) else given) is not None
    outer = holder if isinstance(holder, ast.Call) else file.parents.get(holder)
    straight = isinstance(outer, ast.Call) and file.names.dotted(outer.func) == "torch.save" and len(outer.args) > 1
    return picked_apart(scope, call) or (straight and isinstance(holder, (ast.Call, ast.Dict)))


def by_value(work: Work, scope: Scope, call: ast.Call, at: str, home: str) -> None:
    """An optimizer's state as one value, which may be kept beside others.

    Args:
        home: the module whose ``state`` and ``restore`` know the optimizer's class.
    """
    file = scope.file
    work.need(file, f"import {home}")
    if call.func.attr == "state_dict":  # type: ignore[attr-defined]
        work.replace(file, call, f"{home}.state({at})")
        work.say(file, call, REWRITTEN, "moments, clock and schedule as one value", "state")
        return
    given = call.args[0] if call.args else call.keywords[0].value
    work.replace(file, call, f"{home}.restore({at}, {file.source.code(given)})")
    work.say(file, call, REWRITTEN, "moments, clock and schedule go on where they were", "state")


def saved(work: Work, scope: Scope, call: ast.Call, at: str, own: bool) -> None:
    """``torch.save`` of an optimizer's state, alone or beside other things."""
    file = scope.file
    holder = file.parents[call]
    if isinstance(holder, ast.Subscript):
        if isinstance(holder.slice, ast.Constant) and holder.slice.value == "param_groups":
            return  # a read of numbers, which is another matter
        if isinstance(holder.slice, ast.Constant) and holder.slice.value == "state":
            work.replace(file, holder, f"{at}.parameters")
            work.say(file, call, CHECK, "one entry per parameter; look at what it is wanted for", "state")
            return
    outer = file.parents.get(holder)
    if isinstance(holder, ast.Call) and file.names.dotted(holder.func) == "torch.save" and call is holder.args[0]:
        work.replace(file, holder, save_text(work, file, at, file.source.code(holder.args[1]), own))
        work.say(file, call, REWRITTEN, "the optimizer is saved whole, its clock included", "state")
        return
    if isinstance(holder, ast.Dict) and isinstance(outer, ast.Call) and file.names.dotted(outer.func) == "torch.save":
        key = holder.keys[holder.values.index(call)]
        drop_item(work, file, holder, holder.values.index(call))
        statement = statement_of(file, outer)
        path = file.source.code(outer.args[1])
        start = file.source.lines(statement)
        if start is None:
            raise Left(f"line {statement.lineno} holds several statements")
        text = save_text(work, file, at, longer(path, end_of(key)), own)
        work.before(file, statement, text)
        return
    raise Left(f"its state is used in line {call.lineno} in a way that was not recognised")


def save_text(work: Work, file: File, at: str, path: str, own: bool) -> str:
    if own:
        work.need(file, "import mindspore")
        return f"mindspore.save_checkpoint({at}, {longer(path, '.ckpt')})"
    work.need(file, "import calando.migrate.exact")
    return f"calando.migrate.exact.save({at}, {path})"


def end_of(key: ast.expr | None) -> str:
    """What the name of an optimizer's file ends with: its key, as several may have been in one file."""
    named = isinstance(key, ast.Constant) and isinstance(key.value, str) and re.fullmatch(r"\w+", key.value)
    return f".{key.value}" if named else ".optimizer"  # type: ignore[union-attr]


def longer(path: str, end: str) -> str:
    """A path with an end of its own; one that is written out and has it stays."""
    tree = ast.parse(path, mode="eval").body
    last = tree.values[-1] if isinstance(tree, ast.JoinedStr) else tree
    if isinstance(last, ast.Constant) and isinstance(last.value, str) and not path.endswith(('"""', "'''")):
        return path if last.value.endswith(end) else f"{path[:-1]}{end}{path[-1]}"
    simple = isinstance(tree, (ast.Name, ast.Attribute))
    return f'f"{{{path}}}{end}"' if simple else f'str({path}) + "{end}"'


def loaded(work: Work, scope: Scope, call: ast.Call, at: str, own: bool) -> None:
    """``optimizer.load_state_dict`` of what ``torch.load`` brought."""
    file = scope.file
    given = call.args[0] if call.args else call.keywords[0].value
    source = given.value if isinstance(given, ast.Subscript) else given
    path = path_of(work, scope, source)
    if path is None:
        raise Left(f"where the state loaded in line {call.lineno} comes from was not found")
    path = longer(path, end_of(given.slice)) if isinstance(given, ast.Subscript) else path
    if own:
        text = f"mindspore.load_param_into_net({at}, mindspore.load_checkpoint({longer(path, '.ckpt')}))"
    else:
        work.need(file, "import calando.migrate.exact")
        text = f"calando.migrate.exact.load({at}, {path})"
    work.replace(file, call, text)
    work.say(file, call, REWRITTEN, "moments, clock and schedule go on where they were saved", "state")


def path_of(work: Work, scope: Scope, node: ast.expr) -> str | None:
    """The path that a value was loaded from with ``torch.load``; None where it is not the only one."""
    if isinstance(node, ast.Call) and scope.file.names.dotted(node.func) == "torch.load" and node.args:
        return scope.file.source.code(node.args[0])
    if isinstance(node, ast.Name):
        values = [getattr(statement, "value", None) for _, statement in giving(work.flow, scope, node)]
        paths = {path_of(work, scope, value) if value is not None else None for value in values}
        return paths.pop() if len(paths) == 1 else None
    return None
