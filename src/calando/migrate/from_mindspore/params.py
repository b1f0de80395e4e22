"""Parameters and parameter groups of MindSpore's in PyTorch's words: lists by hand, names looked up, no order."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from ..finding import REWRITTEN
from ..reading.blocks import above, block_of, statement_of
from ..reading.carry import stored, within
from ..reading.flow import NETWORK, OBJECT, File, Scope
from ..reading.parts import parts_of, spelled
from ..work import Left, Work
from .rates import grouped_schedule

TAKEN = {
    "trainable_params": "[p for p in {}.parameters() if p.requires_grad]",
    "get_parameters": "list({}.parameters())",
    "parameters_and_names": "[(name, p) for p, name in calando.migrate.whole.names({}).items()]",
}
LAYERS = ("cells", "cells_and_names", "name_cells")  # whose names are those of layers
EXEMPT = re.compile(r"Norm|gamma|beta|Transformer|BnAct")  # MindSpore's layers of these names have normalizations


def parameters(work: Work, scope: Scope, params: ast.expr, decay: ast.expr | None) -> str:
    """An optimizer's parameters in PyTorch's words.

    Raises:
        Left: groups that have no counterpart.
    """
    file = scope.file
    decays = decay is not None and not (isinstance(decay, ast.Constant) and not decay.value)
    whole, params = params, bare(params)
    method = params.func if isinstance(params, ast.Call) else None
    if not isinstance(method, ast.Attribute) or method.attr not in ("trainable_params", "get_parameters"):
        ungrouped = decays and (not grouped(work, scope, whole) or either(work, scope, whole))
        owners = groups(work, scope, whole, ungrouped)
        text = written(work, scope, whole)
        return exempted(work, scope, owners, text) if ungrouped else text
    owner = file.source.code(method.value)
    plain = TAKEN["trainable_params"].format(owner)
    if not decays or not may_be_exempt(work, scope, method.value):
        return plain
    work.need(file, "import calando.migrate.whole")
    return f"calando.migrate.whole.groups({owner})"


def bare(params: ast.expr) -> ast.expr:
    """What stands in ``ParameterTuple(…)`` or ``list(…)``."""
    if re.match(r"filter\(lambda (\w+): \1\.requires_grad, ", ast.unparse(params)):
        return bare(params.args[1])  # type: ignore[attr-defined]
    wrapped = isinstance(params, ast.Call) and len(params.args) == 1 and not params.keywords
    if wrapped and ast.unparse(params.func).rpartition(".")[2] in ("ParameterTuple", "list", "tuple"):  # type: ignore[attr-defined]
        return bare(params.args[0])  # type: ignore[attr-defined]
    return params


def may_be_exempt(work: Work, scope: Scope, owner: ast.expr) -> bool:
    """Whether a network may have parameters called beta or gamma: not, where all of it is seen and none is."""
    seen = work.flow.things(scope, owner)
    known = bool(seen) and all(t.kind in (NETWORK, OBJECT) for t in seen)
    return not known or any(EXEMPT.search(file.source.text) for file in work.flow.files)


def written(work: Work, scope: Scope, params: ast.expr) -> str:
    """An expression with what it takes from networks said in PyTorch's words, as it stands in the new call."""
    start, _ = scope.file.source.span(params)
    text = scope.file.source.code(params)
    inside = [e for f, e in work.edits if f is scope.file and start <= e.start and e.end <= start + len(text)]
    for edit in sorted(inside, key=lambda e: -e.start):
        text = text[: edit.start - start] + edit.text + text[edit.end - start :]
        work.edits.remove((scope.file, edit))
    return text


def grouped(work: Work, scope: Scope, params: ast.expr) -> bool:
    """Whether parameters come in groups."""
    parts = (inner for _, node in parts_of(work.flow, scope, params) for inner in ast.walk(node))
    return any("params" in (spelled(inner) or ()) for inner in parts)


def either(work: Work, scope: Scope, params: ast.expr) -> bool:
    """Whether parameters come in groups in some cases only: an argument that a condition puts into groups."""
    home = work.flow.home(scope, params.id) if isinstance(params, ast.Name) else None
    return home is not None and params.id in home.params and bool(stored(home).get(params.id))  # type: ignore[attr-defined]


def exempted(work: Work, scope: Scope, owners: list[tuple[Scope, ast.Call]], text: str) -> str:
    """Parameters by another way than ``trainable_params()``, of which MindSpore would decay some only.

    Raises:
        Left: whose they are is not known, so they have no names.
    """
    if not any(may_be_exempt(work, where, call.func.value) for where, call in owners) and owners:  # type: ignore[attr-defined]
        return text
    names = {where.file.source.code(call.func.value) for where, call in owners if within(scope, where)}  # type: ignore[attr-defined]
    if owners and not any(within(scope, where) for where, _ in owners):
        work.need(scope.file, "import calando.migrate.called")
        return f"calando.migrate.called.groups({text})"
    if len(names) != 1:
        raise Left("which of its parameters are called beta or gamma, and so not decayed, is not known here")
    work.need(scope.file, "import calando.migrate.whole")
    return f"calando.migrate.whole.groups({names.pop()}, {text})"


def groups(work: Work, scope: Scope, params: ast.expr, exempt: bool = False) -> list[tuple[Scope, ast.Call]]:
    """Parameter groups in PyTorch's words: ``order_params`` goes. Where the parameters are taken from networks.

    Args:
        exempt: whether those called beta or gamma are looked for where the optimizer is made.
    """
    pieces = list(parts_of(work.flow, scope, params))
    pieces += [found for where, node in pieces for found in filters(work, where, node)]
    owners: list[tuple[Scope, ast.Call]] = []
    called = travels(pieces, scope if exempt else None)
    for where, node in pieces:
        file = where.file
        for inner in ast.walk(node):
            func = inner.func if isinstance(inner, ast.Call) else None
            if isinstance(inner, ast.Call) and file.names.dotted(inner.func).endswith("ParameterTuple"):
                work.replace(file, inner.func, "tuple")
                work.say(file, inner.func, REWRITTEN, "PyTorch takes them as they are", "groups")
            if isinstance(inner, ast.Call) and isinstance(func, ast.Attribute) and func.attr in TAKEN:
                owner = file.source.code(func.value)
                owners.append((file.where[inner], inner))
                if id(inner) in work.told:
                    continue
                if inside_order(file.parents, inner):
                    continue  # it goes with its group
                if func.attr == "parameters_and_names":
                    work.need(file, "import calando.migrate.whole")
                text = TAKEN[func.attr].format(owner)
                if called and func.attr == "trainable_params":
                    work.need(file, "import calando.migrate.called")
                    text = f"calando.migrate.called.trained({owner})"
                if text.startswith("list(") and ast.unparse(file.parents[inner]) == f"list({ast.unparse(inner)})":
                    text = text[len("list(") : -1]  # it stands in one already
                work.replace(file, inner, text)
                work.say(file, inner, REWRITTEN, "the parameters that are trained", "groups")
            if isinstance(inner, (ast.List, ast.Tuple)):
                for number, item in enumerate(inner.elts):
                    if (said := spelled(item)) is not None:
                        group(work, where, inner, number, item, said)
            for key, value in (spelled(inner) or {}).items():
                if key in ("lr", "weight_decay"):
                    grouped_schedule(work, where, value)
    for where, node in pieces:
        named(work, where, node, owners)
        if not owners:
            seen_whole(work, where, node)
    return owners


def filters(work: Work, scope: Scope, node: ast.AST) -> Iterator[tuple[Scope, ast.AST]]:
    """The functions of a configuration that parameters are filtered by: ``filter(config.decay_filter, params)``.

    Raises:
        Left: what such a function asks of a parameter is not seen.
    """
    for call in ast.walk(node):
        function = call.args[0] if isinstance(call, ast.Call) and ast.unparse(call.func) == "filter" else None
        inside = (
            [n.func for n in ast.walk(function) if isinstance(n, ast.Call)] if isinstance(function, ast.Lambda) else []
        )
        own = {a.arg for a in function.args.args} if isinstance(function, ast.Lambda) else set()
        for each in [function, *inside]:
            if not isinstance(each, ast.Attribute):
                continue
            whose = scope.file.names.dotted(each.value).partition(".")[0]
            if whose in {*own, *sys.stdlib_module_names, "mindspore", "numpy"}:
                continue
            found = [pair for file in work.flow.files for pair in lambdas(file, each.attr)]
            if len(found) != 1 and each.attr not in dir(str):
                raise Left(f"what {ast.unparse(each)} in line {each.lineno} asks of a parameter is not seen")
            yield from found


def lambdas(file: File, name: str) -> Iterator[tuple[Scope, ast.AST]]:
    """The lambdas that a file gives a name: by an assignment, an argument or in a dictionary."""
    for node in file.where:
        value = node.value if isinstance(node, (ast.Assign, ast.keyword)) else None
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).rpartition(".")[2] != name:
            continue
        if isinstance(node, ast.keyword) and node.arg != name:
            continue
        for given in [value, (spelled(node) or {}).get(name) if isinstance(node, ast.Dict) else None]:
            if isinstance(given, ast.Lambda):
                yield file.where[given], given


def travels(pieces: list[tuple[Scope, ast.AST]], exempt: Scope | None) -> bool:
    """Whether names must go with parameters: they are asked for where their network is not known."""
    takers = [
        where.file.where[inner] for where, node in pieces for inner in ast.walk(node)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in TAKEN
    ]  # fmt: skip
    askers = {where.file.where[inner] for where, node in pieces for inner in ast.walk(node) if names_it(inner)}
    askers |= {exempt} if exempt is not None else set()
    return bool(takers) and any(not any(reaches(asker, taker) for taker in takers) for asker in askers)


def names_it(node: ast.AST) -> bool:
    """``p.name``."""
    return isinstance(node, ast.Attribute) and node.attr == "name" and isinstance(node.value, ast.Name)


def reaches(where: Scope, taker: Scope) -> bool:
    """Whether a place sees the network that parameters were taken from."""
    return within(where, taker) or (taker.file is where.file and taker.node is where.node)


def seen_whole(work: Work, scope: Scope, node: ast.AST) -> None:
    """Raise Left where parameters come from a function of another file that is not in the project."""
    roots = {full.partition(".")[0] for full in scope.file.names.aliases.values()}
    roots -= {"mindspore", "torch", "numpy", *sys.stdlib_module_names}
    for inner in ast.walk(node):
        dotted = scope.file.names.dotted(inner.func) if isinstance(inner, ast.Call) else ""
        if dotted.partition(".")[0] in roots and work.flow.callee(scope, inner) is None:  # type: ignore[arg-type]
            line = inner.lineno  # type: ignore[attr-defined]
            raise Left(f"{dotted} in line {line} makes its parameters and was not seen; give the whole folder")


def inside_order(parents: dict[ast.AST, ast.AST], node: ast.AST) -> bool:
    """Whether a node is the value of ``order_params``."""
    above = parents.get(node)
    above = parents.get(above) if isinstance(above, ast.keyword) else above
    return list(spelled(above) or ()) == ["order_params"]


def group(
    work: Work, scope: Scope, holder: ast.List | ast.Tuple, number: int, item: ast.expr, said: dict[str, ast.expr]
) -> None:
    """One dictionary of a list of groups."""
    file, keys = scope.file, list(said)
    if keys == ["order_params"] and id(item) not in work.told:
        end = file.source.span(item)[1]
        if number:
            start = file.source.span(holder.elts[number - 1])[1]
        elif len(holder.elts) > 1:
            start, end = file.source.span(item)[0], file.source.span(holder.elts[1])[0]
        else:
            raise Left(f"the order of its parameters in line {item.lineno} stands alone")
        work.between(file, start, end, "")
        told = "PyTorch gives each parameter its own gradient, so no order is needed"
        work.say(file, item, REWRITTEN, told, "groups")
    elif "grad_centralization" in keys:
        value = said["grad_centralization"]
        if not (isinstance(value, ast.Constant) and not value.value):
            raise Left(f"a group in line {item.lineno} centralizes gradients, which PyTorch's optimizers do not")


def bound(node: ast.AST) -> Iterator[str]:
    """The names that a loop, comprehension or lambda gives to what it runs over."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Lambda):
            yield from (a.arg for a in inner.args.args)
        elif isinstance(inner, (ast.For, ast.comprehension)):
            yield from (n.id for n in ast.walk(inner.target) if isinstance(n, ast.Name))


def named(work: Work, scope: Scope, node: ast.AST, owners: list[tuple[Scope, ast.Call]]) -> None:
    """PyTorch's parameters have no names: they are looked up in a table of MindSpore's names.

    Raises:
        Left: a name is asked for where the network is not known.
    """
    file = scope.file
    names, holder, places = set(bound(node)), node, [node, *conditions_of(scope, node)]
    while holder in file.parents:
        if isinstance(holder, ast.For):
            names |= set(bound(holder))
            if not any(n.attr in LAYERS for n in ast.walk(holder.iter) if isinstance(n, ast.Attribute)):
                places += holder.body  # what it is kept under in the loop, too
        holder = file.parents[holder]
    for inner in (inner for place in places for inner in ast.walk(place)):
        asked = isinstance(inner, ast.Attribute) and inner.attr == "name" and isinstance(inner.value, ast.Name)
        if asked and inner.value.id in names and id(inner) not in work.told:  # type: ignore[attr-defined]
            look_up(work, scope, inner, owners)  # type: ignore[arg-type]


def conditions_of(scope: Scope, node: ast.AST) -> Iterator[ast.expr]:
    """The conditions under which something is put into a list."""
    above = node
    while above in scope.file.parents and above is not scope.node:
        above = scope.file.parents[above]
        if isinstance(above, ast.If):
            yield above.test


def table(work: Work, known: list[tuple[Scope, ast.Call]], scope: Scope, call: ast.Call) -> tuple[Scope, ast.Call]:
    """Where the table of a network's names is made: the first place before a call that asks the same network's."""

    def network(each: ast.Call) -> tuple[str, object]:
        held = each.func.value if isinstance(each.func, ast.Attribute) else each.func
        return ast.unparse(held), work.flow.reaching(scope, held) if isinstance(held, ast.Name) else None

    blocks = [
        block_of(scope.file, s)
        for s in (statement_of(scope.file, call), *above(scope.file, call))
        if isinstance(s, ast.stmt)
    ]
    same = [
        c for s, c in known
        if s is scope and network(c) == network(call) and any(statement_of(scope.file, c) in block for block in blocks)
    ]  # fmt: skip
    return scope, min(same, key=lambda c: c.lineno)


def look_up(work: Work, scope: Scope, asked: ast.Attribute, owners: list[tuple[Scope, ast.Call]]) -> None:
    """``p.name`` as a look-up in the table of the network's names."""
    where = scope.file.where[asked]
    known = [(s, c) for s, c in owners if reaches(where, s)]
    if not known and owners:
        work.need(scope.file, "import calando.migrate.called")
        work.replace(scope.file, asked, f"calando.migrate.called.name({ast.unparse(asked.value)})")
        work.say(scope.file, asked, REWRITTEN, "the name that MindSpore gives it, which goes with it", "groups")
        return
    if not known:
        raise Left(f"a parameter's name is asked for in line {asked.lineno}, where its network is not known")
    before = [(s, c) for s, c in known if c.lineno <= asked.lineno] or known
    place, call = table(work, before, *max(before, key=lambda found: found[1].lineno))
    assert isinstance(call.func, ast.Attribute) and isinstance(asked.value, ast.Name)
    line = f"name_of = calando.migrate.whole.names({place.file.source.code(call.func.value)})"
    statement = statement_of(place.file, call)
    start = place.file.source.starts[statement.lineno - 1]
    if not any(owner is place.file and edit.start == start and line in edit.text for owner, edit in work.edits):
        work.need(place.file, "import calando.migrate.whole")
        work.before(place.file, statement, line)
    work.replace(scope.file, asked, f"name_of[{asked.value.id}]")
    work.say(scope.file, asked, REWRITTEN, "the name that MindSpore gives it", "groups")
