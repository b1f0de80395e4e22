"""What a framework takes without a word and does otherwise than meant."""

from __future__ import annotations

import ast

from ...lexicon import MINDSPORE
from ..reading.carry import stored
from ..reading.flow import OPTIMIZER, Flow, Thing
from ..reading.parts import spelled
from ..reading.scopes import Scope
from .about import Found, group_values, of_calando, of_mindspore

NUMBERS = {"momentum", "weight_decay", "beta1", "beta2", "eps", "loss_scale", "learning_rate"}
GROUPED = {"lr", "learning_rate", "momentum", "weight_decay", "betas", "eps", "alpha", "rho", "nesterov"}


def without_effect(flow: Flow) -> Found:
    """Numbers of an optimizer that are assigned to and not looked at again."""
    for file in flow.files:
        for node, scope in file.where.items():
            if not isinstance(node, (ast.Attribute, ast.Subscript)) or not isinstance(node.ctx, ast.Store):
                continue
            held = [t for t in flow.things(scope, node.value) if t.kind == OPTIMIZER and not of_calando(t)]
            if isinstance(node, ast.Subscript):
                inner = node.value if isinstance(node.value, ast.Attribute) and node.value.attr == "defaults" else None
                found = flow.things(scope, inner.value) if inner is not None else frozenset()
                if any(t.kind == OPTIMIZER and not of_mindspore(t) for t in found):
                    yield file, node, "defaults are for groups that are added later; write into param_groups"
            elif told := in_vain(held, node.attr):
                yield file, node, told


def set_by_name(flow: Flow) -> Found:
    """``setattr(optimizer, "momentum", …)``."""
    for file in flow.files:
        for scope, call in file.tails.get("setattr", ()):
            name = call.args[1] if isinstance(call.func, ast.Name) and len(call.args) == 3 else None
            if isinstance(name, ast.Constant):
                held = [t for t in flow.things(scope, call.args[0]) if t.kind == OPTIMIZER and not of_calando(t)]
                if told := in_vain(held, str(name.value)):
                    yield file, call, told


def in_vain(held: list[Thing], name: str) -> str:
    """Why an attribute of these optimizers is written without effect; empty where it is not."""
    if any(map(of_mindspore, held)) and name in NUMBERS:
        told = "assigning to an attribute of MindSpore's optimizer has no effect once it has made a step"
        return f"{told}; ops.assign has, for the learning rate and the momentum"
    if held and not any(map(of_mindspore, held)) and name in GROUPED:
        return "PyTorch reads the numbers in param_groups; this attribute is not looked at"
    return ""


def written_in_vain(flow: Flow) -> Found:
    """``optimizer.learning_rate.set_data``: the compiled update does not see it."""
    for file in flow.files:
        for scope, call in file.calls:
            func = call.func
            if (
                not isinstance(func, ast.Attribute)
                or func.attr not in ("set_data", "assign_value")
                or not isinstance(func.value, ast.Attribute)
            ):
                continue
            held = flow.things(scope, func.value.value) if func.value.attr in NUMBERS else frozenset()
            if any(t.kind == OPTIMIZER and of_mindspore(t) and not of_calando(t) for t in held):
                told = f"{func.attr} on an optimizer's number has no effect once it has made a step; ops.assign has"
                yield file, call, told


def mindspore_traps(flow: Flow) -> Found:
    """Flags that are ignored, iterators that are empty, formulas under the same name."""
    for thing in filter(of_mindspore, flow.all(OPTIMIZER)):
        call, name = thing.node, thing.name.partition(".")[2]
        assert isinstance(call, ast.Call) and thing.scope is not None
        file = thing.scope.file
        if of_calando(thing):
            continue
        words: dict[str | None, ast.AST] = dict(
            zip(MINDSPORE[name].order if name in MINDSPORE else (), call.args, strict=False)
        )
        words |= {w.arg: w for w in call.keywords}
        values = {n: w.value if isinstance(w, ast.keyword) else w for n, w in words.items()}
        said = {n: value.value for n, value in values.items() if isinstance(value, ast.Constant)}
        if name == "Momentum" and said.get("use_nesterov") is True:
            yield (
                file,
                words["use_nesterov"],
                "MindSpore ignores use_nesterov on the CPU; nn.SGD(nesterov=True) does it",
            )
        if name == "RMSProp" and said.get("decay") == 0.99 and said.get("epsilon") == 1e-8:
            told = (
                "these are PyTorch's defaults, but nn.RMSProp starts its mean square at 1 and has eps inside the root"
            )
            yield file, call, f"{told}: it does not follow torch.optim.RMSprop"
    for file in flow.files:
        if not any(name.startswith("mindspore") for name in file.names.aliases.values()):
            continue
        for node, scope in file.where.items():
            value = (spelled(node) or {}).get("params")
            made = once(flow, scope, value) if isinstance(value, ast.Name) else value
            if value is not None and lazy(made):
                told = "an iterator in a group is empty before it is read, so it trains nothing: wrap it in list()"
                yield file, value, told


def fixed_decay(flow: Flow) -> Found:
    """A weight decay that moves, for an optimizer of MindSpore's that refuses it."""
    for thing in filter(of_mindspore, flow.all(OPTIMIZER)):
        call, name, scope = thing.node, thing.name.partition(".")[2], thing.scope
        assert isinstance(call, ast.Call) and scope is not None
        if name not in ("SGD", "LazyAdam") or of_calando(thing):
            continue
        told = f"nn.{name} takes no weight decay that moves and raises TypeError; Momentum and Adam do"
        for word in call.keywords:
            if word.arg == "weight_decay" and is_cell(flow, scope, word.value):
                yield scope.file, word, told
        for home, value in group_values(flow, thing, "weight_decay"):
            if is_cell(flow, home, value):
                yield home.file, value, told


def is_cell(flow: Flow, scope: Scope, node: ast.expr) -> bool:
    """Whether an expression is a Cell that is asked step by step."""
    made = once(flow, scope, node) if isinstance(node, ast.Name) else node
    if not isinstance(made, ast.Call):
        return False
    if scope.file.names.dotted(made.func).startswith("mindspore.nn.") and ast.unparse(made.func).endswith("LR"):
        return True
    target = flow.callee(scope, made)
    return (
        target is not None and isinstance(target.node, ast.ClassDef) and (flow.is_network(target) or own(flow, target))
    )


def own(flow: Flow, cls: Scope) -> bool:
    """Whether a class of the script's is a schedule."""
    bases = [at.file.names.dotted(base) for at in flow.bases(cls) for base in at.node.bases]  # type: ignore[attr-defined]
    return any(base.endswith("LearningRateSchedule") for base in bases)


def once(flow: Flow, scope: Scope, node: ast.Name) -> ast.expr | None:
    """What a name is given, where that is one value."""
    held = [s.value for _, s in stored(flow.home(scope, node.id)).get(node.id, []) if isinstance(s, ast.Assign)]
    return held[0] if len(held) == 1 else None


def lazy(node: ast.expr | None) -> bool:
    """Whether an expression is an iterator."""
    made = isinstance(node, ast.Call) and ast.unparse(node.func) in ("filter", "map")
    return isinstance(node, ast.GeneratorExp) or made
