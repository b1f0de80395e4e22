"""A script's own training steps as modules of PyTorch's: their bases, ``construct``, and what MindSpore kept."""

from __future__ import annotations

import ast
import re

from ..finding import KEPT, REWRITTEN, Finding
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import Thing
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .back import Back, put
from .cells import READY, modes
from .mapped import is_map, mapped
from .step import plain_numbers
from .words import objects, said, tail, worded

UPDATES = ("DynamicLossScaleUpdateCell", "FixedLossScaleUpdateCell")
INHERITED = {"sense_flag", "_no_sens_impl", "return_grad", "weights_name", "grad_no_sens", "degree", "mean"}
WATCHES = "watches for overflow itself"
OVERFLOW = "calando.migrate.overflow"


def overflowing(work: Work, thing: Thing) -> None:
    """Raise Left where a class of the script's own watches for overflow by MindSpore's means."""
    for node, _ in work.flow.keepers(thing):
        if isinstance(node, ast.ClassDef):
            file = next(f for f in work.flow.files if node in f.scopes)
            if any(file.names.dotted(base).rpartition(".")[2] == READY[1] for base in node.bases):
                raise Left(f"{node.name} (line {node.lineno}) {WATCHES}; write it with torch.amp.GradScaler")


def own_cells(back: Back) -> dict[str, str]:
    """Classes of the script's own that make the training step, as modules of PyTorch's; instances and networks."""
    work = back.work
    found: dict[str, str] = {}
    for file, node in steps_of(back):
        cls = file.scopes[node]
        bases = [file.names.dotted(base) for base in node.bases]
        module(back, file, cls, node, bases)
        if back.way.loose:
            plain_words(work, file, node)
        for scope, call in instances(work, cls):
            if name := named(work, scope.file, call, network_of(cls, bases)):
                found[name] = f"{name}.{network_of(cls, bases)}"
                modes(work, scope, name, found[name], call)
    if found:
        plain_numbers(work)
    return found


def instances(work: Work, cls: Scope) -> list[tuple[Scope, ast.Call]]:
    """Where a class of the project is called."""
    memory = work.flow.memory
    if "instances" not in memory:
        found: dict[Scope, list[tuple[Scope, ast.Call]]] = {}
        memory["instances"] = found
        for file in work.flow.files:
            for scope, call in file.calls:
                if (target := work.flow.callee(scope, call)) is not None and isinstance(target.node, ast.ClassDef):
                    found.setdefault(target, []).append((scope, call))
    return list(memory["instances"].get(cls, ()))


def steps_of(back: Back) -> list[tuple[File, ast.ClassDef]]:
    """The Cells that hold the optimizer; where gradients are values, also those that apply something to them."""
    flow = back.work.flow
    found = []
    wanted = {owner for owner, _ in flow.keepers(back.thing)} | (mapping(back.work) if back.way.loose else set())
    for file in flow.files if wanted else ():
        for node in file.scopes:
            if not isinstance(node, ast.ClassDef) or id(node) in back.work.told or node not in wanted:
                continue
            if any(file.names.dotted(base).startswith("mindspore.nn.") for base in node.bases):
                found.append((file, node))
    return found


def mapping(work: Work) -> set[ast.AST]:
    """The classes that apply something to every gradient."""
    memory = work.flow.memory
    if "mapping" not in memory:
        memory["mapping"] = {
            node
            for file in work.flow.files
            for node, cls in file.scopes.items()
            if isinstance(node, ast.ClassDef)
            and any(isinstance(n, ast.Call) and is_map(work, file.where.get(n, cls), n) for n in ast.walk(node))
        }
    return set(memory["mapping"])


def named(work: Work, file: File, call: ast.Call, network: str) -> str:
    """The name of a step that is made, perhaps with ``.set_train()`` at once; empty where it has none."""
    made = file.parents[call]
    if isinstance(made, ast.Attribute) and made.attr == "set_train":
        whole = file.parents[made]
        made = file.parents[whole]
        if isinstance(made, ast.Assign) and id(whole) not in work.told:
            name = ast.unparse(made.targets[0])
            mode = file.source.code(whole)[len(file.source.code(call)) :]
            put(work, file, made, [f"{name} = {file.source.code(call)}", f"{name}.{network}{mode}"])
            work.say(file, made, REWRITTEN, "the network's own mode", "network")
    return ast.unparse(made.targets[0]) if isinstance(made, ast.Assign) else ""


def plain_words(work: Work, file: File, node: ast.ClassDef) -> None:
    """What is left of MindSpore's operators in a training step, and the objects that held them."""
    for head in (n for n in node.body if isinstance(n, ast.FunctionDef)):
        if head.name != "__init__":
            for inner in [n for n in ast.walk(head) if isinstance(n, ast.stmt) and not hasattr(n, "body")]:
                mapped(work, file.scopes[head], inner)
                worded(work, file.scopes[head], inner)
    for head in (n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"):
        objects(work, file, head.body, node)
    objects(work, file, file.source.tree.body, file.source.tree)


def network_of(cls: Scope, bases: list[str]) -> str:
    """The attribute under which a training step has its network: what its first argument is kept as."""
    first = next(
        (s for n, s in cls.file.scopes.items() if getattr(n, "name", "") == "__init__" and s.parent is cls), None
    )
    if first is not None and len(first.params) > 1:
        for node in ast.walk(first.node):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Attribute) and ast.unparse(node.value) == first.params[1]:  # type: ignore[attr-defined]
                return target.attr
    return "network"


def module(back: Back, file: File, cls: Scope, node: ast.ClassDef, bases: list[str]) -> None:
    """One class: its base, its ``construct``, and what MindSpore's base class would have kept.

    Raises:
        Left: it does more than that.
    """
    work = back.work
    ready = any(base.rpartition(".")[2] in READY for base in bases)
    if len(node.bases) != 1 or not (ready or bases[0] == "mindspore.nn.Cell"):
        raise Left(f"{node.name} (line {node.lineno}) is a training step with bases that were not recognised")
    watches = any(base.rpartition(".")[2] == READY[1] for base in bases)
    work.need(file, f"import {OVERFLOW}" if watches else "import torch")
    work.replace(file, node.bases[0], f"{OVERFLOW}.{READY[1]}" if watches else "torch.nn.Module")
    heads = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
    above = next((n for n in ast.walk(node) if re.fullmatch(r"super\(.*\)\.construct", ast.unparse(n))), None)
    if above is not None:
        raise Left(f"{node.name} leaves the step to MindSpore's class in line {above.lineno}: write it out there first")  # type: ignore[attr-defined]
    missed = sorted(used(node) & INHERITED) if ready else []
    if missed and not watches:
        raise Left(f"{node.name} (line {node.lineno}) asks for self.{missed[0]}, which MindSpore's class keeps")
    if "construct" not in heads:
        raise Left(f"{node.name} (line {node.lineno}) has no construct")
    rename(work, file, heads["construct"], "__call__" if "forward" in heads else "forward")
    if back.way.loose and not ready and "__init__" in heads:
        in_place(work, file, heads["__init__"])
        for made_in, call in instances(work, cls):
            if any(asks_scale(work, made_in, each) for each in [*call.args, *(w.value for w in call.keywords)]):
                updating(work, made_in.file)
    if watches:
        watching(back, file, node, heads)
    elif "__init__" in heads:
        first(back, file, heads["__init__"], ready, used(node))
    elif ready:
        start = file.source.starts[heads["construct"].lineno - 1]
        indent = file.source.indent(heads["construct"])
        lines = ["def __init__(self, network, optimizer, sens=1.0):", "    super().__init__()",
                 "    self.network, self.optimizer, self.sens = network, optimizer, sens", ""]  # fmt: skip
        work.between(file, start, start, "".join(f"{indent}{line}\n" if line else "\n" for line in lines))
    text = file.source.code(node).splitlines()[0]
    told = "the training step is a module of PyTorch's now; its own lines are listed one by one"
    work.findings.append(Finding(file.source.name, node.lineno, REWRITTEN, text, told, "step"))
    work.told.append(id(node))


def watching(back: Back, file: File, node: ast.ClassDef, heads: dict[str, ast.FunctionDef]) -> None:
    """A step that watches for overflow: calando's class keeps for it what MindSpore's kept."""
    work = back.work
    if "__init__" in heads:
        made = [n for n in ast.walk(heads["__init__"]) if isinstance(n, ast.Call)]
        for call in made:
            if re.fullmatch(r"super\(.*\).__init__", ast.unparse(call.func)):
                work.say(file, call, KEPT, "calando's class is given the same", "step")
        tidied(work, file, heads["__init__"])
        in_place(work, file, heads["__init__"])
    updating(work, file)


def in_place(work: Work, file: File, head: ast.FunctionDef) -> None:
    """``Parameter(Tensor(1.0, float32))`` that a training step counts with, or scales by."""
    for call in (n for n in ast.walk(head) if isinstance(n, ast.Call)):
        if file.names.dotted(call.func) == "mindspore.Parameter" and call.args and id(call) not in work.told:
            work.need(file, "import torch")
            work.replace(file, call, f"torch.tensor(float({said(work, file.where[call], call.args[0])}))")
            work.say(file, statement_of(file, call), REWRITTEN, "a tensor that is changed in place", "step")


def updating(work: Work, file: File) -> None:
    """The cells that change a loss scale, for a training step that asks them itself."""
    for call in calls_of(file, UPDATES):
        if id(call.func) not in work.told:
            work.need(file, f"import {OVERFLOW}")
            work.replace(file, call.func, f"{OVERFLOW}.{file.names.dotted(call.func).rpartition('.')[2]}")
            work.say(file, call, REWRITTEN, "the same scale, for PyTorch's gradients", "step")


def asks_scale(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether a training step is given a cell that changes a loss scale."""
    home = work.flow.home(scope, node.id) if isinstance(node, ast.Name) else scope
    values = [s.value for _, s in stored(home).get(ast.unparse(node), []) if isinstance(s, ast.Assign)]
    made = [v for v in (node, *values) if isinstance(v, ast.Call)]
    return any(tail(home.file.names.dotted(v.func)) in UPDATES for v in made)


def calls_of(file: File, names: tuple[str, ...]) -> list[ast.Call]:
    """Calls of MindSpore's classes of these names."""
    return [call for _, call in file.calls if tail(file.names.dotted(call.func)) in names]


def rename(work: Work, file: File, head: ast.FunctionDef, name: str) -> None:
    """Another name for a method."""
    start = file.source.place(head.lineno, head.col_offset) + len("def ")
    if file.source.text[start : start + len(head.name)] != head.name:
        raise Left(f"line {head.lineno} is written in a way that was not recognised")
    work.between(file, start, start + len(head.name), name)
    text = file.source.code(head).splitlines()[0]
    told = f"PyTorch's modules call it {name}"
    work.findings.append(Finding(file.source.name, head.lineno, REWRITTEN, text, told, "step"))


def used(node: ast.ClassDef) -> set[str]:
    """The attributes of itself that a class reads."""
    return {
        n.attr for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "self"
    }  # fmt: skip


def first(back: Back, file: File, head: ast.FunctionDef, ready: bool, wanted: set[str]) -> None:
    """``super().__init__(network, optimizer, sens)``, and what else is kept."""
    work = back.work
    made = [n for n in ast.walk(head) if isinstance(n, ast.Call)]
    found = [n for n in made if re.fullmatch(r"super\(.*\).__init__", ast.unparse(n.func))]
    if len(found) != 1:
        raise Left(f"the class in line {head.lineno} does not call what it is made from once")
    call, statement = found[0], statement_of(file, found[0])
    given = dict(zip(("network", "optimizer", "sens"), call.args, strict=False)) if ready else {}
    given.update({str(w.arg): w.value for w in call.keywords if ready})
    lines = ["super().__init__()"]
    for name in ("network", "optimizer", "sens"):
        if ready and name in given and (name != "sens" or name in wanted):
            lines.append(f"self.{name} = {file.source.code(given[name])}")
        elif ready and name == "sens" and name in wanted:
            lines.append("self.sens = 1.0")
    if ready and weighs(back.work, file, head) and "optimizer" in given:
        at = file.source.code(given["optimizer"])
        lines.append(f'self.weights = [p for group in {at}.param_groups for p in group["params"]]')
    put(work, file, statement, lines)
    work.say(file, statement, REWRITTEN, "what MindSpore's class would have kept", "step")
    tidied(work, file, head)


def weighs(work: Work, file: File, head: ast.FunctionDef) -> bool:
    """Whether a training step does more with the weights that it keeps than to differentiate by them."""
    return any(
        isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load) and ast.unparse(n) == "self.weights"
        and id(n) not in work.told
        for n in ast.walk(file.parents[head])
    )  # fmt: skip


def tidied(work: Work, file: File, head: ast.FunctionDef) -> None:
    """Weights, gradient operations and flags that PyTorch has no use for."""
    weighed = weighs(work, file, head)
    for node in [n for n in ast.walk(head) if isinstance(n, (ast.Assign, ast.Expr))]:
        text = ast.unparse(node)
        if weighed and text.startswith("self.weights = "):
            continue
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign) and isinstance(value, ast.Call):
            tail = file.names.dotted(value.func).rpartition(".")[2]
            if tail == "GradOperation" or text.startswith("self.weights = "):
                work.remove(file, node)
                work.say(file, node, REWRITTEN, "PyTorch takes gradients from the loss", "step")
            elif tail == "Tensor" and value.args and (number := number_in(file, value.args[0])):
                work.replace(file, value, number)
                work.say(file, node, REWRITTEN, "a number in either framework", "step")
        elif isinstance(node, ast.Assign) and text.startswith("self.weights = "):
            work.remove(file, node)
            work.say(file, node, REWRITTEN, "PyTorch takes gradients from the loss", "step")
        elif isinstance(node, ast.Expr) and text.endswith((".set_grad()", ".add_flags(defer_inline=True)")):
            work.remove(file, node)
            work.say(file, node, REWRITTEN, "PyTorch follows what needs gradients by itself", "step")


def number_in(file: File, node: ast.expr) -> str:
    """The one number of which ``Tensor(…)`` is made in a training step, as text; empty where it may be more."""
    if isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) == 1:
        node = node.elts[0]
    if isinstance(node, (ast.Name, ast.Constant, ast.Attribute)):
        return file.source.code(node)
    array = any(file.names.dotted(n).startswith("numpy.") for n in ast.walk(node) if isinstance(n, ast.Attribute))
    return f"({file.source.code(node)}).item()" if array else ""
