"""Groups of parameters whose numbers stand under a name that nobody reads."""

from __future__ import annotations

import ast

from ...lexicon import TORCH
from ..reading.flow import OPTIMIZER, Flow, Thing
from .about import Found, groups_of, of_calando, of_mindspore
from .spelling import HINTS
from .timing import behind

KEYS = ("params", "lr", "weight_decay", "grad_centralization", "order_params")


def wrong_keys(flow: Flow) -> Found:
    """``{"params": …, "learning_rate": …}``: MindSpore raises, PyTorch looks at another name."""
    for thing in flow.all(OPTIMIZER):
        for home, group in groups_of(flow, thing) if not of_calando(thing) else ():
            for name, value in group.items():
                if told := wrong(flow, thing, name):
                    yield home.file, value, told


def wrong(flow: Flow, thing: Thing, name: str) -> str:
    """What is wrong with a key of a group; empty where nothing is."""
    if of_mindspore(thing) and thing.name.count(".") == 1:
        if name in KEYS:
            return ""
        hint = "; the rate is called lr here" if name == "learning_rate" else ""
        return f"a group of MindSpore's takes {', '.join(KEYS)}, and raises KeyError for {name!r}{hint}"
    if of_mindspore(thing):
        return ""
    return unread(flow, thing, name)


def unread(flow: Flow, thing: Thing, name: str) -> str:
    """Why PyTorch does not look at a key of a group, of which it has the number under another; empty where it does."""
    table = TORCH.get(thing.name.rpartition(".")[2])
    known = {*table.order, *table.keywords} if table is not None else {name}
    hint = HINTS.get(name, "")
    if name in known or hint not in known or looked_at(flow, name):
        return ""
    return f"PyTorch does not look at a group's {name!r}, and says nothing: it is called {hint}"


def looked_at(flow: Flow, name: str) -> bool:
    """Whether the script itself reads a key of its groups."""
    for file in flow.files:
        for node in file.where:
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                at: ast.AST | None = node.slice
            else:
                at = node.args[0] if isinstance(node, ast.Call) and node.args else None
                at = at if at is not None and ast.unparse(node.func).endswith((".get", ".pop", ".setdefault")) else None  # type: ignore[attr-defined]
            if isinstance(at, ast.Constant) and at.value == name:
                return True
    return False


def written_keys(flow: Flow) -> Found:
    """``group["learning_rate"] = …`` in a loop over PyTorch's groups."""
    for file in flow.files:
        for node, scope in file.where.items():
            if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Store):
                continue
            name = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if not isinstance(name, str) or name not in HINTS:
                continue
            for thing in behind(flow, scope, node, name):
                if not of_mindspore(thing) and not of_calando(thing) and (told := unread(flow, thing, name)):
                    yield file, node, told


FOREIGN = {
    True: {
        "param_groups": "assign to its learning_rate with ops.assign",
        "zero_grad": "gradients are values here, and nothing has to be cleared",
        "step": "it is called with the gradients: optimizer(grads)",
        "add_param_group": "give it all groups when it is made",
    },
    False: {
        "learning_rate": "the rate is in param_groups",
        "parameters": "the parameters are in param_groups",
        "get_lr": "the rate is in param_groups",
        "global_step": "PyTorch's optimizers count no steps",
    },
}  # fmt: skip


def foreign_attributes(flow: Flow) -> Found:
    """``optimizer.param_groups`` of MindSpore's, ``optimizer.learning_rate`` of PyTorch's: AttributeError."""
    for file in flow.files:
        for node, scope in file.where.items():
            name = node.attr if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) else ""
            if name not in FOREIGN[True] and name not in FOREIGN[False]:
                continue
            held = flow.things(scope, node.value)  # type: ignore[attr-defined]
            if not held or any(t.kind != OPTIMIZER or of_calando(t) or t.name.count(".") > 1 for t in held):
                continue
            sides = {of_mindspore(t) for t in held}
            if len(sides) == 1 and (way := FOREIGN[side := sides.pop()].get(name)):
                whose = "MindSpore's" if side else "PyTorch's"
                yield file, node, f"{whose} optimizers have no {name}: {way}"
