"""``Model.train`` as the loop that it runs, its callbacks written into it."""

from __future__ import annotations

import ast

from ..finding import CHECK, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import stored
from ..reading.flow import OBJECT, File, Scope
from ..work import Left, Work
from .back import Back, alone, one_scale, put
from .callbacks import Loop, callbacks
from .cells import HALF, READY, calls_with
from .chosen_scale import chosen
from .one_name import ORDER, agree, arguments, means, numbered, uses_of
from .scale import Scaling, scaling
from .watched import lines as watched_lines

GONE = ("optimizer", "loss_scale_manager", "amp_level", "keep_batchnorm_fp32", "boost_level")
TRAIN = ("epoch", "train_dataset", "callbacks", "dataset_sink_mode", "sink_size", "initial_epoch")
FIT = (
    "epoch", "train_dataset", "valid_dataset", "valid_frequency", "callbacks", "dataset_sink_mode",
    "valid_dataset_sink_mode", "sink_size", "initial_epoch",
)  # fmt: skip


def models(back: Back, steps: dict[str, str]) -> bool:
    """Every ``Model`` that trains with this optimizer, or with a training step of it.

    Raises:
        Left: it is used in a way that was not recognised.
    """
    found = calls_with(back.work, back.thing, "Model")
    for file in back.work.flow.files:
        for scope, call in file.tails.get("Model", ()):
            first = call.args[0] if call.args else None
            theirs = file.names.dotted(call.func).startswith("mindspore.")
            if theirs and isinstance(first, ast.Name) and first.id in steps:
                found.append((scope, call))
            elif theirs and id(call) not in back.work.told and own_step(back, scope, first):
                raise Left(f"the training step that the Model in line {call.lineno} drives has no name of its own")
    for scope, call in found:
        one_scale(back, scope, arguments(call).get("optimizer"))
        if id(call) in back.work.told:  # with another optimizer of the same name
            back.stepped += 1
        else:
            model(back, scope, call, steps)
    return bool(found)


def own_step(back: Back, scope: Scope, node: ast.expr | None) -> bool:
    """Whether an expression is a training step of the script's own that has this optimizer."""
    owners = [owner for owner, _ in back.work.flow.keepers(back.thing)]
    things = back.work.flow.things(scope, node)
    return any(t.kind == OBJECT and t.scope is not None and t.scope.node in owners for t in things)


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


def model(back: Back, scope: Scope, call: ast.Call, steps: dict[str, str]) -> None:
    """One ``Model``: its trainings are loops, and what is left of it evaluates."""
    work, file = back.work, scope.file
    given = arguments(call)
    if "network" not in given or "None" in given:
        raise Left(f"the arguments of the Model in line {call.lineno} are not written out")
    how, manager = Scaling(), given.get("loss_scale_manager")
    if manager is not None:
        how = chosen(back, scope, manager) or scaling(work, scope, manager)
    parent = file.parents[call]
    if isinstance(parent, ast.Attribute):
        uses: list[ast.Attribute] = [parent]
    elif isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        uses = uses_of(work.flow, scope, parent.targets[0])
    else:
        raise Left(f"the Model in line {call.lineno} has no name")
    trains = [node for node in uses if node.attr in ("train", "fit")]
    if not trains and "optimizer" not in given:
        return  # of another network, which only has the step's name
    if not trains:
        raise Left(f"where the Model in line {call.lineno} trains was not found")
    step, line = ast.unparse(given["network"]) if ast.unparse(given["network"]) in steps else "", ""
    if not agree(back, scope, call, [node.value for node in trains]) and not step:
        how, line = numbered(back, scope, call, how, parent.targets[0])  # type: ignore[union-attr]
    network = in_front(work, file, given["network"])
    at = "" if step else back.named(file, given["optimizer"])
    for node in trains:
        outer = file.parents[node]
        if not isinstance(outer, ast.Call) or not isinstance(file.parents[outer], ast.Expr):
            raise Left(f"the training in line {node.lineno} is not a statement of its own")
        if id(outer) in work.told:  # of another Model of the same name
            work.say(file, call, REWRITTEN, "the loop is that of every Model under this name", "loop")
            back.stepped += 1
            continue
        train(back, file.where[node], outer, given, how, step, (network, at, steps.get(step, "") or network))
    amp(work, file, given)
    if isinstance(parent, ast.Assign):
        fits = any(validates(file.parents[n]) for n in trains)
        called = steps.get(step, "") or file.source.code(given["network"])
        remainder(work, scope, call, given, [n for n in uses if n not in trains or fits], (called, line))


def validates(call: ast.AST) -> bool:
    """Whether a ``fit`` also evaluates, for which the Model stays."""
    assert isinstance(call, ast.Call)
    return call.func.attr == "fit" and (len(call.args) > 2 or any(w.arg == "valid_dataset" for w in call.keywords))  # type: ignore[attr-defined]


def amp(work: Work, file: File, given: dict[str, ast.expr]) -> None:
    """``amp_level`` other than O0 chooses other numbers; the loop trains in those of the network."""
    level = given.get("amp_level")
    if level is not None and not (isinstance(level, ast.Constant) and level.value == "O0"):
        work.say(file, level, CHECK, HALF, "step")


def remainder(
    work: Work, scope: Scope, call: ast.Call, given: dict[str, ast.expr], rest: list[ast.Attribute],
    instead: tuple[str, str],
) -> None:  # fmt: skip
    """A Model that also evaluates stays for that, without what trains; another one goes.

    Args:
        rest: what else is asked of it.
        instead: the network that it has where it stays, and a line that is put here.

    Raises:
        Left: it stays, and took its network's name.
    """
    file, (network, line) = scope.file, instead
    statement = file.parents[call]
    assert isinstance(statement, ast.Assign)
    target = statement.targets[0]
    text = ast.unparse(target)
    passed = [
        n for n in file.where
        if ast.unparse(n) == text and isinstance(getattr(n, "ctx", None), ast.Load)
        and not isinstance(file.parents[n], ast.Attribute) and means(work.flow, scope, target, n)  # type: ignore[arg-type]
    ] if isinstance(target, (ast.Name, ast.Attribute)) else []  # fmt: skip
    if not rest and not passed:
        put(work, file, statement, [line]) if line else work.remove(file, statement)
        work.say(file, statement, REWRITTEN, "its training is a loop now", "loop")
        return
    if text == network:
        raise Left(f"the Model in line {call.lineno} takes the name of its network, which the loop would call")
    if line:
        work.before(file, statement, line)
    kept = {name: file.source.code(value) for name, value in given.items() if name not in GONE}
    order = [name for name in ORDER if name in kept] + [name for name in kept if name not in ORDER]
    words = ", ".join(network if n == "network" else f"{n}={kept[n]}" for n in order)
    work.replace(file, call, f"{file.source.code(call.func)}({words})")
    told = "its training is a loop now; it evaluates as before, as long as the network is MindSpore's"
    work.say(file, statement, CHECK, told, "loop")


def in_front(work: Work, file: File, node: ast.expr) -> str:
    """How a network is called; one that is made in place gets a name first."""
    if not isinstance(node, ast.Call):
        return file.source.code(node)
    name = file.names.free("network")
    work.before(file, statement_of(file, node), f"{name} = {file.source.code(node)}")
    return name


def train(
    back: Back, scope: Scope, call: ast.Call, given: dict[str, ast.expr], how: Scaling, step: str,
    called: tuple[str, str, str],
) -> None:  # fmt: skip
    """One ``model.train`` or ``model.fit`` as a loop.

    Args:
        called: how what is run, its optimizer, and the network that files hold are called.
    """
    work, file = back.work, scope.file
    network, at, saved = called
    statement = statement_of(file, call)
    fits = isinstance(call.func, ast.Attribute) and call.func.attr == "fit"
    said = {
        **dict(zip(FIT if fits else TRAIN, call.args, strict=False)),
        **{str(w.arg): w.value for w in call.keywords},
    }
    if not {"epoch", "train_dataset"} <= set(said):
        raise Left(f"the epochs and data of the training in line {call.lineno} are not written out")
    alone(file, statement)
    whole(file, said, call)
    code = {name: file.source.code(value) for name, value in said.items()}
    names = {n: file.names.free(n) for n in ("step", "inputs", "loss_value", "group", "epoch", "batch", "began", "now")}
    names["given"] = names["loss_value"]
    if step and several(back, scope, given["network"]):
        names["given"] = file.names.free("outputs")
    loop = Loop(saved if not step or visible(work, scope, step, saved) else "", names, scope, call.lineno)
    code["train_dataset"] = kept(file, loop, said["train_dataset"], "dataset")
    if (made := given.get("loss_fn")) is not None and not step:
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
    names["network"] = network
    update = forward(back, scope, call, given, how, step, names, at)
    epochs = code["epoch"] if "initial_epoch" not in said else f"{code['initial_epoch']}, {code['epoch']}"
    data = f"{code['train_dataset']}.create_tuple_iterator()"
    inner = f"for {names['inputs']} in {data}:"
    if loop.batch:
        inner = f"for {names['batch']}, {names['inputs']} in enumerate({data}, 1):"
    lines = [] if step else [f"{network}.set_train()"]
    counted = any(names["step"] in line for line in loop.after)
    lines += [f"{names['step']} = 0"] if counted else []
    lines += [*loop.before, f"for {names['epoch']} in range({epochs}):"]
    if "valid_dataset" in said:
        loop.begin.insert(0, lines.pop(0)) if not step else None
    lines += [f"    {line}" for line in [*loop.begin, inner]]
    after = [f"{names['step']} += 1", *loop.after] if counted else loop.after
    lines += [f"        {line}" for line in [*loop.ahead, *update, *after]]
    lines += [f"    {line}" for line in loop.end]
    lines += loop.last
    put(work, file, statement, lines)
    work.say(file, statement, REWRITTEN, "the loop that Model.train runs", "loop")
    back.stepped += 1


def visible(work: Work, scope: Scope, step: str, network: str) -> bool:
    """Whether the network of a training step has its name also where the step trains."""
    root = network.partition(".")[0]
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


def whole(file: File, said: dict[str, ast.expr], call: ast.Call) -> None:
    """Raise Left where an epoch is not one pass over the data."""
    size = said.get("sink_size")
    if size is None or ast.unparse(size) == "-1" or ast.unparse(size).endswith(".get_dataset_size()"):
        return
    sink = said.get("dataset_sink_mode")
    if sink is None or (isinstance(sink, ast.Constant) and not sink.value):
        return
    if isinstance(size, ast.Name):
        for found in file.scopes.values():
            for _, statement in stored(found).get(size.id, []):
                if "get_dataset_size()" in ast.unparse(statement):
                    return
    raise Left(f"an epoch in line {call.lineno} is {ast.unparse(size)} steps, and not one pass over the data")


def forward(
    back: Back, scope: Scope, call: ast.Call, given: dict[str, ast.expr], how: Scaling, step: str,
    names: dict[str, str], at: str,
) -> list[str]:  # fmt: skip
    """One batch: from the data to the update."""
    loss, inputs = names["loss_value"], names["inputs"]
    if step and names["given"] != loss:
        return [f"{names['given']} = {step}(*{inputs})", f"{loss} = {names['given']}[0]"]
    if step:
        return [f"{loss} = {step}(*{inputs})"]
    network = names["network"]
    made = given.get("loss_fn")
    if made is None or (isinstance(made, ast.Constant) and made.value is None):
        line = f"{loss} = {network}(*{inputs})"
    else:
        line = f"{loss} = {names['loss_fn']}({network}({inputs}[0]), {inputs}[1])"
    return [line, *how.lines(back, scope, call.lineno, loss, at)]
