"""Whether a piece of code runs a network, or only fetches data and computes on it."""

from __future__ import annotations

import ast
import builtins
import re

from ..work import Work
from .carry import stored
from .flow import NETWORK, OBJECT, OPTIMIZER, SCALER, SCHEDULER
from .mentions import OTHERS as APART
from .parts import asked, parts_of
from .remembered import remembered
from .scopes import BLOCKS, File, Scope
from .still import flowing

DATA = {"to", "cuda", "cpu", "float", "long", "next", "iter", "get_batch", "unsqueeze", "view", "from_numpy", "tensor"}
NETWORKS = {"model", "net", "network", "student", "encoder", "decoder", "generator", "discriminator", "forward"}
# Callables without a definition here that are no network, by their names.
OTHERS = re.compile(
    r"loss|crit|metric|transform|process|collate|token|augment|norm|fetch|load|batch|sampl|iter|data|get|to_|log|print|"
    r"writer|meter|callback|hook|fn|func|timer|profil|noise|mask",
    re.IGNORECASE,
)

COPIED = re.compile(r"detach|clone|copy|\.data\b|numel|shape|optim|state_dict")  # no weights themselves
PARAMETERS = re.compile(r"parameters\(")


def touches(work: Work, scope: Scope, statement: ast.AST, depth: int = 0) -> bool:
    """Whether a network is used somewhere in a statement, or in a function of the project that it calls."""
    for node in flowing(work.flow, scope, statement):
        if isinstance(node, (ast.Attribute, ast.Subscript)) and holds(work, scope, node.value):
            return True
        if isinstance(node, ast.Attribute) and last_name(node.value) in trained(work) and not known(work, scope, node):
            return True
        if isinstance(node, (ast.Name, ast.Attribute)) and weights(work, scope, node):
            return True
        if not isinstance(node, ast.Call):
            continue
        if holds(work, scope, node.func) or unknown(work, scope, node.func) or last_name(node.func) in trained(work):
            return True
        if any(holds(work, scope, each) for each in node.args if isinstance(each, (ast.Name, ast.Attribute))):
            return True
        if depth and from_outside(work, scope, node.func):
            return True
        inner = work.flow.callee(scope, node) if depth < 3 else None
        seen = inner is not None and isinstance(inner.node, BLOCKS)
        if inner is not None and seen and (left_open(inner.node) or touches(work, inner, inner.node, depth + 1)):
            return True
        if ast.unparse(node.func).rpartition(".")[2].lower() in NETWORKS:
            return True
    return False


def weights(work: Work, scope: Scope, node: ast.Name | ast.Attribute) -> bool:
    """Whether a name stands for weights: ``params = list(net.parameters())``, ``first = net[0].weight``."""
    if not isinstance(node.ctx, ast.Load):
        return False
    names = weight_names(work, scope.file)
    if isinstance(node, ast.Attribute):
        held = names.get(scope.owner)
        return held is not None and ast.unparse(node) in held
    return node.id in names.get(work.flow.home(scope, node.id), ())


@remembered
def weight_names(work: Work, file: File) -> dict[Scope | None, set[str]]:
    """The names of a file that stand for weights, by where they are given that value; attributes by their class."""
    found: dict[Scope | None, set[str]] = {}
    for node, scope in file.where.items():
        if not isinstance(node, ast.Assign) or COPIED.search(ast.unparse(node.value)):
            continue
        part = isinstance(node.value, ast.Attribute) and holds(work, scope, node.value.value)
        if part or (asked(node.value) and PARAMETERS.search(ast.unparse(node.value))):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(work.flow.home(scope, target.id), set()).add(target.id)
                elif isinstance(target, ast.Attribute):
                    found.setdefault(scope.owner, set()).add(ast.unparse(target))
    return found


@remembered
def trained(work: Work) -> set[str]:
    """The last names of what optimizers train: ``agent`` in ``Adam(self.agent.parameters())``."""
    found = set()
    for thing in work.flow.all(OPTIMIZER):
        call = thing.node
        given = [*call.args[:1], *(w.value for w in call.keywords if w.arg == "params")]  # type: ignore[attr-defined]
        for params in given:
            owners = [owner for _, node in parts_of(work.flow, thing.scope, params) for owner in asked(node)]  # type: ignore[arg-type]
            found |= {last_name(owner) for owner in owners}
    return found - {"", "self"}


def known(work: Work, scope: Scope, node: ast.Attribute) -> bool:
    """Whether it was seen what something is whose attribute is asked for."""
    return bool(work.flow.things(scope, node.value))


def last_name(node: ast.AST) -> str:
    """``model`` in ``self.model``."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def mentions(work: Work, scope: Scope, statement: ast.AST, depth: int = 0) -> bool:
    """Whether a network is spoken of in a statement, or in a function of the project that it calls."""
    for node in ast.walk(statement):
        if isinstance(node, (ast.Name, ast.Attribute)) and holds(work, scope.file.where.get(node, scope), node):
            return True
        inner = work.flow.callee(scope, node) if isinstance(node, ast.Call) and depth < 2 else None
        if inner is not None and isinstance(inner.node, BLOCKS) and mentions(work, inner, inner.node, depth + 1):
            return True
    return False


def left_open(node: ast.AST) -> bool:
    """Whether a method is one that subclasses write: what it runs is not seen here."""
    last = node.body[-1] if isinstance(node, ast.FunctionDef) else None
    return isinstance(last, ast.Raise) and "NotImplementedError" in ast.unparse(last)


def holds(work: Work, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression may be a network; a loss is none."""
    while isinstance(node, ast.Subscript):
        node = node.value
    things = work.flow.things(scope, node)
    if isinstance(node, ast.Name) and node.id == "self":
        return False  # inside a network's own class, where not all that self has is a part of it
    return any(
        (thing.kind == NETWORK and "Loss" not in thing.name)
        or (thing.kind == OBJECT and thing.scope is not None and work.flow.is_network(thing.scope))
        for thing in things
    )


def unknown(work: Work, scope: Scope, func: ast.expr) -> bool:
    """Whether a call may be that of a network whose making was not seen: of an argument, an attribute, an entry."""
    whole = func
    while isinstance(func, ast.Subscript):
        func = func.value
    name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
    own = isinstance(func, ast.Attribute) and ast.unparse(func.value) == "self"
    if not name or not (own or whole is not func or isinstance(func, ast.Name)) or OTHERS.search(name):
        return False
    if work.flow.kinds(scope, func) & {NETWORK, OPTIMIZER, SCHEDULER, SCALER}:
        return False  # it is known what it is
    if isinstance(func, ast.Name):
        home = work.flow.home(scope, name)
        made = [getattr(statement, "value", None) for _, statement in stored(home).get(name, [])]
        if any(isinstance(value, ast.Call) and ast.unparse(value.func).endswith("namedtuple") for value in made):
            return False
        if name not in home.local or name in home.file.names.aliases or hasattr(builtins, name):
            return False
    probe = ast.copy_location(ast.Call(func, [], []), func)
    return whole is not func or work.flow.callee(scope, probe) is None


def from_outside(work: Work, scope: Scope, func: ast.expr) -> bool:
    """Whether a method is called of something from outside of a function whose making was not seen: ``ac.pi(obs)``."""
    held = func.value if isinstance(func, ast.Attribute) else None
    if not isinstance(held, ast.Name) or OTHERS.search(held.id) or APART.search(held.id) or OTHERS.search(func.attr):  # type: ignore[attr-defined]
        return False
    home = work.flow.home(scope, held.id)
    made = [getattr(statement, "value", None) for _, statement in stored(home).get(held.id, [])]
    return home is not scope and any(isinstance(each, ast.Call) for each in made) and not work.flow.things(scope, held)


def works(statement: ast.stmt) -> bool:
    """Whether a statement computes, and does not only fetch data."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name not in DATA and not name.startswith(("get_", "load", "next")):
                return True
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, (ast.MatMult, ast.Pow)):
            return True
    return False
