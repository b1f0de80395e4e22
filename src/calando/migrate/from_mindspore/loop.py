"""The loop that ``Model.train`` or ``Model.fit`` runs, written out."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import OBJECT
from ..reading.rhythm import grouped
from ..reading.scopes import File, Scope
from ..work import Left, Work
from .back import Back, alone, put
from .callbacks import Loop, callbacks
from .cells import READY
from .scale import Scaling
from .watched import lines as watched_lines

SUNK = "an epoch is sink_size batches, as on GPU and Ascend; on the CPU MindSpore makes whole passes"
TRAIN = ("epoch", "train_dataset", "callbacks", "dataset_sink_mode", "sink_size", "initial_epoch")
FIT = (
    "epoch", "train_dataset", "valid_dataset", "valid_frequency", "callbacks", "dataset_sink_mode",
    "valid_dataset_sink_mode", "sink_size", "initial_epoch",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What a loop runs.

    Args:
        how: how the loss is scaled.
        step: the function that makes a whole step; empty where the loop has the lines of one.
        network: what is set to train; empty where the step is a function of the script's own.
        at: how the optimizer is called, where the loop knows it.
        saved: how the network is called that files hold.
        several: whether the step returns more than the loss.
    """

    how: Scaling
    step: str
    network: str
    at: str
    saved: str
    several: bool = False


def train(back: Back, scope: Scope, call: ast.Call, given: dict[str, ast.expr], run: Run) -> None:
    """One ``model.train`` or ``model.fit`` as a loop."""
    work, file, at, saved = back.work, scope.file, run.at, run.saved
    statement = statement_of(file, call)
    fits = isinstance(call.func, ast.Attribute) and call.func.attr == "fit"
    said = {
        **dict(zip(FIT if fits else TRAIN, call.args, strict=False)),
        **{str(w.arg): w.value for w in call.keywords},
    }
    if not {"epoch", "train_dataset"} <= set(said):
        raise Left(f"the epochs and data of the training in line {call.lineno} are not written out")
    alone(file, statement)
    code = {name: file.source.code(value) for name, value in said.items()}
    names = {
        n: file.names.free(n)
        for n in ("step", "inputs", "loss_value", "group", "epoch", "batch", "began", "now", "batches")
    }
    names["given"] = names["loss_value"]
    if run.several:
        names["given"] = file.names.free("outputs")
    loop = Loop(saved if not run.step or visible(work, scope, run.step, saved) else "", names, scope, call.lineno)
    code["train_dataset"] = kept(file, loop, said["train_dataset"], "dataset")
    if (made := given.get("loss_fn")) is not None and not run.step:
        names["loss_fn"] = kept(file, loop, made, "criterion")
    if "valid_dataset" in said and "metrics" in given:
        loop.measured = file.source.code(given["metrics"])
    callbacks(back, scope, said.get("callbacks"), loop, at, code["train_dataset"])
    if "valid_dataset" in said:
        loop.end += evaluation(loop, file.source.code(call.func.value), code)  # type: ignore[attr-defined]
    if loop.watched:
        given_by, more = said["callbacks"], f", optimizer={at}" if at else ""
        more += f", valid={code['valid_dataset']}" if "valid_dataset" in said else ""
        loop.before += watched_lines(back, scope, loop.watched, given_by, code["epoch"], code["train_dataset"], more)
        loop.driven()
    update = forward(back, scope, call, given, run, names)
    epochs = code["epoch"] if "initial_epoch" not in said else f"{code['initial_epoch']}, {code['epoch']}"
    data, count = f"{code['train_dataset']}.create_tuple_iterator()", sunk(file, said, code["train_dataset"])
    if count:
        work.need(file, "import itertools")
        loop.before.append(f"{names['batches']} = itertools.chain.from_iterable({data} for _ in itertools.count())")
        data = f"itertools.islice({names['batches']}, {count})"
    inner = f"for {names['inputs']} in {data}:"
    if loop.batch:
        inner = f"for {names['batch']}, {names['inputs']} in enumerate({data}, 1):"
    lines = [f"{run.network}.set_train()"] if run.network else []
    counted = any(names["step"] in line for line in loop.after)
    lines += [f"{names['step']} = 0"] if counted else []
    lines += [*loop.before, f"for {names['epoch']} in range({epochs}):"]
    if "valid_dataset" in said:
        loop.begin.insert(0, lines.pop(0)) if run.network else None
    lines += [f"    {line}" for line in [*loop.begin, inner]]
    after = [f"{names['step']} += 1", *loop.after] if counted else loop.after
    lines += [f"        {line}" for line in [*loop.ahead, *update, *after]]
    lines += [f"    {line}" for line in loop.end]
    lines += loop.last
    put(work, file, statement, lines)
    work.say(file, statement, *((CHECK, SUNK) if count else (REWRITTEN, "the loop that Model.train runs")), "loop")
    back.stepped += 1


def visible(work: Work, scope: Scope, step: str, network: str) -> bool:
    """Whether the network of a training step has its name also where the step trains."""
    root = network.partition(".")[0]
    if root and root == step.partition(".")[0]:
        return True  # the step brings it along
    if root in stored(work.flow.home(scope, root)):
        return True
    new = all(root != node.id for node in scope.file.where if isinstance(node, ast.Name))
    return new and step not in work.flow.home(scope, step).params


def evaluation(loop: Loop, model: str, code: dict[str, str]) -> list[str]:
    """What ``fit`` measures after an epoch: printed, and told to those that wait for it."""
    every, shown = code.get("valid_frequency", "1"), f"{model}.eval({code['valid_dataset']})"
    told = f"print({loop.watched}.evaluated({shown}))" if loop.watched else f"print({shown})"
    return [told] if every == "1" else [f"if ({loop.names['epoch']} + 1) % {every} == 0:", f"    {told}"]


def kept(file: File, loop: Loop, node: ast.expr, wanted: str) -> str:
    """What the loop uses again and again, made once, before it."""
    if not isinstance(node, ast.Call):
        return file.source.code(node)
    name = file.names.free(wanted)
    loop.before.append(f"{name} = {file.source.code(node)}")
    return name


def sunk(file: File, said: dict[str, ast.expr], data: str) -> str:
    """How many batches an epoch is where it is not one pass over the data; empty where it is.

    On GPU and Ascend, ``sink_size`` batches are one epoch, and the next goes on where it ended.
    """
    size, sink = said.get("sink_size"), said.get("dataset_sink_mode")
    if size is None or ast.unparse(size) == "-1" or ast.unparse(size).endswith(".get_dataset_size()"):
        return ""
    if sink is None or (isinstance(sink, ast.Constant) and not sink.value):
        return ""
    if isinstance(size, ast.Name):
        for found in file.scopes.values():
            for _, statement in stored(found).get(size.id, []):
                if "get_dataset_size()" in ast.unparse(statement):
                    return ""
    text = file.source.code(size)
    tests = [] if isinstance(sink, ast.Constant) else [grouped(file.source.code(sink))]
    tests += [] if isinstance(size, ast.Constant) else [f"{grouped(text)} > 0"]
    return f"{text} if {' and '.join(tests)} else {data}.get_dataset_size()" if tests else text


def forward(
    back: Back, scope: Scope, call: ast.Call, given: dict[str, ast.expr], run: Run, names: dict[str, str]
) -> list[str]:
    """One batch: from the data to the update."""
    loss, inputs = names["loss_value"], names["inputs"]
    if run.step and names["given"] != loss:
        return [f"{names['given']} = {run.step}(*{inputs})", f"{loss} = {names['given']}[0]"]
    if run.step:
        return [f"{loss} = {run.step}(*{inputs})"]
    if "loss_fn" not in given:
        line = f"{loss} = {run.network}(*{inputs})"
    else:
        line = f"{loss} = {names['loss_fn']}({run.network}({inputs}[0]), {inputs}[1])"
    return [line, *run.how.lines(back, scope, call.lineno, loss, run.at)]


def several(back: Back, scope: Scope, node: ast.expr) -> bool:
    """Whether a training step returns more than the loss, as those that watch for overflow do."""
    home = back.work.flow.home(scope, node.id) if isinstance(node, ast.Name) else scope
    made = [s.value for _, s in stored(home).get(ast.unparse(node), []) if isinstance(s, ast.Assign)]
    if any(isinstance(v, ast.Call) and home.file.names.dotted(v.func).endswith(f".nn.{READY[1]}") for v in made):
        return True
    for each in back.work.flow.things(scope, node):
        method = back.work.flow.method(each.scope, "construct") if each.kind == OBJECT else None
        if method is not None:
            returned = [n.value for n in ast.walk(method.node) if isinstance(n, ast.Return)]
            return any(isinstance(value, ast.Tuple) for value in returned)
    return False
