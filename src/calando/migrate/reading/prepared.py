"""Optimizers that accelerate or Lightning's Fabric wraps: the same ones, where every batch is an update."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ..finding import CHECK
from .remembered import remembered
from .thing import OPTIMIZER, PACK, SCHEDULER, Thing

if TYPE_CHECKING:
    from ..work import Work
    from .flow import File, Flow, Scope

WRAPPERS = {"prepare", "setup", "setup_optimizers", "prepare_optimizer", "prepare_scheduler"}
AROUND = {"DataParallel", "DistributedDataParallel", "FullyShardedDataParallel"}
HOLDERS = ("accelerator", "fabric")


def wraps(call: ast.Call) -> bool:
    """Whether a call is ``accelerator.prepare(…)`` or ``fabric.setup(…)``."""
    func = call.func
    named = isinstance(func, ast.Attribute) and func.attr in WRAPPERS
    return named and ast.unparse(func.value).rpartition(".")[2].lower() in HOLDERS  # type: ignore[attr-defined]


def around(dotted: str) -> bool:
    """Whether a call of this full name puts something around a network, as ``torch.compile``."""
    home, _, name = dotted.rpartition(".")
    return dotted == "torch.compile" or (name in AROUND and home.partition(".")[0] in ("torch", "apex"))


def wrapped(flow: Flow, scope: Scope, call: ast.Call) -> frozenset[Thing]:
    """What comes back: what was given, in the same order."""
    parts = tuple(flow.things(scope, each) for each in call.args)
    if len(parts) == 1:
        return parts[0]
    return frozenset({Thing(PACK, call, id(call), parts=parts)}) if any(parts) else frozenset()


def gathers(call: ast.Call) -> bool:
    """Whether a call opens a block in which accelerate decides whether gradients gather."""
    func = call.func
    named = isinstance(func, ast.Attribute) and func.attr == "accumulate"
    return named and ast.unparse(func.value).rpartition(".")[2].lower() in HOLDERS  # type: ignore[attr-defined]


def waits(file: File) -> ast.Call | None:
    """The call by which a script lets gradients gather through its wrapper."""
    for _, call in file.calls:
        gathering = any(w.arg == "gradient_accumulation_steps" and not one(w.value) for w in call.keywords)
        if gathers(call) or (gathering and file.names.dotted(call.func).endswith("Accelerator")):
            return call
    return None


def one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


@remembered
def wrappers(flow: Flow, file: File) -> list[tuple[Scope, ast.Call]]:
    """The calls in a file that wrap."""
    return [(scope, call) for scope, call in file.calls if wraps(call)]


def unwrap(work: Work, optimizers: list[Thing]) -> None:
    """Take optimizers, and what drives them, out of what is wrapped; the rest goes on being wrapped.

    Raises:
        Left: the wrapper decides which batches are updates, or what comes back was not recognised.
    """
    from ..work import Left
    from .blocks import statement_of

    for file in work.flow.files:
        for scope, call in wrappers(work.flow, file):
            if id(call) in work.told:
                continue
            if not any(set(optimizers) & work.flow.things(scope, each) for each in call.args):
                continue
            if (waiting := waits(file)) is not None:
                decided(work, file, call, waiting, optimizers)
            statement = statement_of(file, call)
            target = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is call else None
            targets = target.elts if isinstance(target, ast.Tuple) else [target]
            if target is None or len(targets) != len(call.args) or call.keywords:
                raise Left(f"what {ast.unparse(call.func)} in line {call.lineno} returns was not recognised")
            kinds = [work.flow.kinds(scope, each) for each in call.args]
            rest = [n for n, kind in enumerate(kinds) if not kind & {OPTIMIZER, SCHEDULER}]
            code = file.source.code
            moved = [n for n in range(len(targets)) if n not in rest and code(targets[n]) != code(call.args[n])]  # type: ignore[arg-type]
            lines = [f"{code(targets[n])} = {code(call.args[n])}" for n in moved]  # type: ignore[arg-type]
            if rest:
                left = ", ".join(code(targets[n]) for n in rest)  # type: ignore[arg-type]
                lines.append(f"{left} = {code(call.func)}({', '.join(code(call.args[n]) for n in rest)})")
            if lines:
                work.replace(file, statement, f"\n{file.source.indent(statement)}".join(lines))
            else:
                work.remove(file, statement)
            told = "MindSpore's optimizers are not wrapped; what else the wrapper does to network and data is PyTorch's"
            work.say(file, statement, CHECK, told, "step")


def decided(work: Work, file: File, call: ast.Call, waiting: ast.Call, optimizers: list[Thing]) -> None:
    """The wrapper goes on deciding which batches make an update.

    Raises:
        Left: an update does not ask it.
    """
    from ..work import Left
    from .rhythm import updates
    from .roads import conditions

    for thing in optimizers:
        for scope, step in updates(work.flow, thing):
            tests = [
                branch.test for branch, _ in conditions(scope.file, step, scope.node) if isinstance(branch, ast.If)
            ]
            if not any(getattr(test, "attr", "") == "sync_gradients" for test in tests):
                told = f"{ast.unparse(call.func)} wraps it, and line {waiting.lineno} lets the wrapper decide"
                raise Left(
                    f"{told} when it updates: divide the loss by the number of batches, and step every so many, in the "
                    "loop itself"
                )
    told = "accelerate goes on counting the batches of an update; where data are no longer PyTorch's, count them"
    work.say(file, waiting, CHECK, told, "step")
