"""Arguments and attributes under the other framework's name."""

from __future__ import annotations

import ast
import re

from ...lexicon import GROUPED, MINDSPORE, TORCH
from ..reading.carry import stored
from ..reading.flow import OPTIMIZER, File, Flow, Scope
from ..reading.parts import spelled
from .about import Found, of_calando, of_mindspore

HINTS = {
    "lr": "learning_rate", "betas": "beta1 and beta2", "learning_rate": "lr", "beta1": "betas", "beta2": "betas",
    "epsilon": "eps", "eps": "epsilon", "alpha": "decay", "amsgrad": "use_amsgrad", "use_nesterov": "nesterov",
}  # fmt: skip
NAME, PARAM = re.compile(r"name|^n$|key", re.IGNORECASE), re.compile(r"param|^p$|weight|tensor", re.IGNORECASE)
TEXT = {"endswith", "startswith", "split", "replace", "lower"}
LISTS = {"parameters_and_names", "named_parameters", "named_params"}


def wrong_names(flow: Flow) -> Found:
    """An argument under the other framework's name."""
    for thing in flow.all(OPTIMIZER):
        framework, _, name = thing.name.rpartition(".")
        table = {"mindspore": MINDSPORE, "mindspore.experimental": GROUPED}.get(framework, TORCH)[name]
        call = thing.node
        assert isinstance(call, ast.Call) and thing.scope is not None
        known = {*table.order, *table.keywords, "use_lazy", "use_offload"}
        if framework == "mindspore" and not of_calando(thing):
            yield from (
                (thing.scope.file, value, f"{name}'s {at} is one number here; it has beta1 and beta2")
                for at, value in zip(table.order, call.args, strict=False)
                if at in ("beta1", "beta2") and isinstance(value, (ast.Tuple, ast.List))
            )
        for word in written_out(flow, thing.scope, call) if not of_calando(thing) else ():
            if word.arg is not None and word.arg not in known:
                hint = HINTS.get(word.arg, "")
                told = f"; it is called {hint} there" if set(hint.split(" and ")) <= known and hint else ""
                yield thing.scope.file, word, f"{name} has no argument {word.arg!r}{told}"


def written_out(flow: Flow, scope: Scope, call: ast.Call) -> list[ast.keyword]:
    """A call's arguments by name, those of a dictionary it is given among them."""
    found = [word for word in call.keywords if word.arg is not None]
    for word in call.keywords:
        value = word.value if word.arg is None else None
        if isinstance(value, ast.Name):
            held = [
                s.value for _, s in stored(flow.home(scope, value.id)).get(value.id, []) if isinstance(s, ast.Assign)
            ]
            value = held[0] if len(held) == 1 else None
        for name, inner in (spelled(value) or {}).items():
            found.append(ast.copy_location(ast.keyword(name, inner), inner))
    return found


def wrong_attribute(flow: Flow) -> Found:
    """``optimizer.parameter``."""
    for file in flow.files:
        for node, scope in file.where.items():
            held = flow.things(scope, node.value) if getattr(node, "attr", "") == "parameter" else frozenset()  # type: ignore[attr-defined]
            if any(t.kind == OPTIMIZER and of_mindspore(t) for t in held):
                yield file, node, "an optimizer has no attribute parameter; it is called parameters"


def swapped_names(flow: Flow) -> Found:
    """``for param, name in net.parameters_and_names()``: the name comes first, in both frameworks."""
    for file in flow.files:
        for node in file.where:
            if not isinstance(node, (ast.For, ast.comprehension)) or not isinstance(node.iter, ast.Call):
                continue
            of, target = node.iter.func, node.target
            if not isinstance(of, ast.Attribute) or of.attr not in LISTS:
                continue
            names = [n.id for n in target.elts if isinstance(n, ast.Name)] if isinstance(target, ast.Tuple) else []
            if len(names) != 2:
                continue
            spoken = PARAM.search(names[0]) and NAME.search(names[1]) and not NAME.search(names[0])
            if spoken or used_as_text(file, node, names[1]):
                yield file, target, f"{of.attr} gives the name first and then the parameter"


def used_as_text(file: File, node: ast.For | ast.comprehension, name: str) -> bool:
    """Whether the second of a pair is asked as a name is: ``k.endswith("bias")``, ``"norm" in k``."""
    for inner in ast.walk(node if isinstance(node, ast.For) else file.parents[node]):
        if isinstance(inner, ast.Attribute) and inner.attr in TEXT and ast.unparse(inner.value) == name:
            return True
        if isinstance(inner, ast.Compare) and isinstance(inner.ops[0], (ast.In, ast.NotIn)):
            written = isinstance(inner.left, ast.Constant) and isinstance(inner.left.value, str)
            if written and ast.unparse(inner.comparators[0]) == name:
                return True
    return False
