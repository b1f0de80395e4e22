"""What callbacks do, written into the loop that ``Model.train`` runs, or driven by it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from ..finding import CHECK, HUMAN, REWRITTEN
from ..reading.blocks import statement_of
from ..reading.carry import carry, moved, stored
from ..reading.flow import File, Scope
from ..reading.packs import COMPREHENSIONS
from ..reading.parts import MOST, parts_of
from ..reading.rhythm import grouped
from ..work import Left, Work
from .back import Back
from .crossed import apart
from .watched import WAITING, drivable, looked, stops, waits

CALLED = re.compile(r"call_?back|monitor", re.IGNORECASE)
CALLBACK = "a callback of the script's own: put what it does into the loop"
DRIVEN = "a callback of the script's own: the loop drives it as Model.train does, after what is written into it"


@dataclass
class Loop:
    """A loop in the making, at a place: what stands before it, around each epoch and around each update."""

    network: str
    names: dict[str, str]
    place: Scope
    line: int
    before: list[str] = field(default_factory=list)
    begin: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    end: list[str] = field(default_factory=list)
    batch: bool = False  # whether batches are counted
    watched: str = ""  # the name of the script's own callbacks
    halts: bool = False  # whether one of them may end the training
    ahead: list[str] = field(default_factory=list)  # before each update
    last: list[str] = field(default_factory=list)  # after the loop
    measured: str = ""  # the metrics that are measured after an epoch
    made: dict[str, str] = field(default_factory=dict)  # arguments that are made once, before the loop

    def watching(self, file: File) -> str:
        """The name of the script's own callbacks, which are driven from now on."""
        self.watched = self.watched or file.names.free("watched")
        return self.watched

    def driven(self) -> None:
        """Drive the script's own callbacks."""
        if not self.watched:
            return
        name, stop = self.watched, [f"if {self.watched}.stopped:", "    break"] if self.halts else []
        self.begin.insert(0, f"{name}.epoch_begin({self.names['epoch']})")
        self.ahead.append(f"{name}.step_begin()")
        self.after += [f"{name}.step_end({self.names['given']})", *stop]
        self.end += [f"{name}.epoch_end()", *stop]
        self.last.append(f"{name}.end()")


def callbacks(back: Back, scope: Scope, node: ast.expr | None, loop: Loop, at: str, data: str) -> None:
    """What callbacks do, written into the loop; those of the script's own are listed."""
    if node is None:
        return
    work = back.work
    found: list[tuple[Scope, ast.Call]] = []
    parts = list(parts_of(work.flow, scope, node))
    if len(parts) > MOST:
        raise Left(f"the callbacks of the training in line {loop.line} are made in more than {MOST} places")
    for where, part in parts:
        for inner in ast.walk(part):
            if isinstance(inner, ast.Call) and (kind(work, where, inner)) and all(inner is not c for _, c in found):
                found.append((where, inner))
    for where, call in sorted(found, key=lambda f: f[1].lineno):
        name = kind(work, where, call)
        file = where.file
        written = WRITERS.get(name)
        if name in WAITING and waits(back, where, call, name, at, loop.measured):
            loop.watching(scope.file)
            loop.halts = loop.halts or name == "EarlyStopping"
            continue
        if name == "own" and drivable(back, where, call):
            loop.watching(scope.file)
            loop.halts = loop.halts or stops(work, where, call)
            work.say(file, call, CHECK, DRIVEN, "loop")
            looked(work, where, call)
            continue
        if written is None or repeated(where, call, node):
            why = f"{name} has no counterpart in the loop" if written is None else f"a {name} in each turn of a loop"
            work.say(file, call, HUMAN, CALLBACK if name == "own" else why, "loop")
            continue
        guard = guarded(scope, where, call, node)
        early = bool(guard)  # whether it can be asked before the loop, too
        if guard is None:
            guard = f'{loop.watching(scope.file)}.has("{name}")'
        sizes = len(loop.after), len(loop.end), len(loop.before)
        told = written(back, where, call, loop, at, data)
        made = [line for line in loop.before[sizes[2] :] if line.partition(" = ")[0] in loop.made.values()]
        loop.before[sizes[2] :] = [*made, *(line for line in loop.before[sizes[2] :] if line not in made)]
        for lines, size in ((loop.after, sizes[0]), (loop.end, sizes[1]), (loop.before, sizes[2] + len(made))):
            if guard and len(lines) > size and (early or lines is not loop.before):
                lines[size:] = [f"if {guard}:", *(f"    {line}" for line in lines[size:])]
        work.say(file, call, CHECK if told[1] else REWRITTEN, told[0], "loop")


def kind(work: Work, scope: Scope, call: ast.Call) -> str:
    """The name of a callback's class; ``own`` for one of the script's; empty for another call."""
    dotted = scope.file.names.dotted(call.func)
    name = dotted.rpartition(".")[2]
    if dotted.startswith("mindspore.") and name in {*WRITERS, *OTHERS}:
        return name
    target = work.flow.callee(scope, call)
    if target is None and CALLED.search(name) and not dotted.startswith("mindspore."):
        return "own"
    if target is None or not isinstance(target.node, ast.ClassDef):
        return ""
    bases = [at.file.names.dotted(b) for at in work.flow.bases(target) for b in at.node.bases]  # type: ignore[attr-defined]
    return "own" if any(base.startswith("mindspore.") and "allback" in base for base in bases) else ""


def repeated(where: Scope, call: ast.Call, site: ast.AST) -> bool:
    """Whether several of a callback may be made, by a loop that the training does not stand in."""
    file, above = where.file, where.file.parents[call]
    while above in file.parents and above is not where.node:
        around = isinstance(above, (ast.For, ast.While, *COMPREHENSIONS))
        if around and (isinstance(above, COMPREHENSIONS) or all(inner is not site for inner in ast.walk(above))):
            return True
        above = file.parents[above]
    return False


def guarded(scope: Scope, where: Scope, call: ast.Call, site: ast.expr) -> str | None:
    """The conditions under which a callback is made, where they can be asked again in the loop; None where not."""
    node = statement_of(where.file, call)
    tests = [*instead(where, node, site), *conditional(where, node, site)]
    if tests and where is not scope:
        return None
    return " and ".join(reversed(tests))


def instead(where: Scope, node: ast.stmt, site: ast.expr) -> list[str]:
    """That the conditions do not hold under which the list that a statement makes is made anew, before the training."""
    name = node.targets[0] if isinstance(node, ast.Assign) else None
    if not isinstance(name, ast.Name):
        return []
    found = []
    for target, other in stored(where).get(name.id, ()):
        if not isinstance(other, ast.Assign) or apart(where, node, other):
            continue
        anew = all(name.id != getattr(n, "id", "") for n in ast.walk(other.value))
        if anew and node.lineno < target.lineno < site.lineno:
            found.append(conditional(where, other, site))
    return [f"not ({' and '.join(reversed(tests))})" for tests in found if tests]


def conditional(where: Scope, node: ast.stmt, site: ast.expr) -> list[str]:
    """The conditions under which a statement runs, from the inside; not those around the training too."""
    file, tests = where.file, []
    above: ast.AST = node
    while above in file.parents and above is not where.node:
        parent = file.parents[above]
        if isinstance(parent, ast.If) and all(inner is not site for inner in ast.walk(parent)):
            text = file.source.code(parent.test)
            text = text if isinstance(parent.test, (ast.Name, ast.Attribute, ast.Compare)) else f"({text})"
            tests.append(text if above in parent.body else f"not ({text})")
        above = parent
    return tests


def carried(back: Back, where: Scope, node: ast.expr, loop: Loop) -> str:
    """An argument of a callback as it is written in the loop.

    Raises:
        Left: it is made elsewhere, of what is not known in the loop.
    """
    if where is loop.place:
        return where.file.source.code(node)
    place = back.work.flow, node, where, loop.place, loop.line
    there = carry(*place)
    if there is not None:
        return ast.unparse(there)
    once = moved(*place) if isinstance(node, ast.Name) else None
    if once is None:
        raise Left(f"{ast.unparse(node)} of the callback in line {node.lineno} is not known where it trains")
    assert isinstance(node, ast.Name)
    if node.id not in loop.made:
        loop.made[node.id] = loop.place.file.names.free(node.id)
        loop.before.append(f"{loop.made[node.id]} = {ast.unparse(once)}")
    return loop.made[node.id]


def said_of(call: ast.Call, order: tuple[str, ...]) -> dict[str, ast.expr]:
    return {**dict(zip(order, call.args, strict=False)), **{str(w.arg): w.value for w in call.keywords}}


def loss_monitor(back: Back, where: Scope, call: ast.Call, loop: Loop, at: str, data: str) -> tuple[str, bool]:
    """Print the loss every n steps."""
    n, loop.batch = loop.names, True
    every = said_of(call, ("per_print_times",)).get("per_print_times")
    code = carried(back, where, every, loop) if every is not None else "1"
    line = f'print(f"epoch: {{{n["epoch"]} + 1}} step: {{{n["batch"]}}}, loss is {{float({n["loss_value"]})}}")'
    loop.after += [line] if code == "1" else [f"if {n['step']} % {grouped(code)} == 0:", f"    {line}"]
    return "what it prints is printed in the loop", False


def time_monitor(back: Back, where: Scope, call: ast.Call, loop: Loop, at: str, data: str) -> tuple[str, bool]:
    """Print how long an epoch took."""
    n = loop.names
    back.work.need(loop.place.file, "import time")
    loop.begin.append(f"{n['began']} = time.perf_counter()")
    loop.batch = True
    loop.end.append(f"{n['now']} = (time.perf_counter() - {n['began']}) * 1000")
    loop.end.append(
        f'print(f"Train epoch time: {{{n["now"]}:5.3f}} ms, per step time: {{{n["now"]} / {n["batch"]}:5.3f}} ms")'
    )
    return "what it prints is printed in the loop", False


def rate_scheduler(back: Back, where: Scope, call: ast.Call, loop: Loop, at: str, data: str) -> tuple[str, bool]:
    """Ask a function for the next rate after each update."""
    if not at:
        raise Left(f"the optimizer of the callback in line {call.lineno} has no name there")
    n = loop.names
    given = said_of(call, ("learning_rate_function",))
    function = carried(back, where, given["learning_rate_function"], loop)
    loop.after.append(f"for {n['group']} in {at}.param_groups:")
    loop.after.append(f'    {n["group"]}["lr"] = {function}({n["group"]}["lr"], {n["step"]})')
    return "called after each update, as there: its rate is the next one's", False


def checkpoint(back: Back, where: Scope, call: ast.Call, loop: Loop, at: str, data: str) -> tuple[str, bool]:
    """Save network and optimizer every n steps."""
    n, file, loop.batch = loop.names, loop.place.file, True
    given = said_of(call, ("prefix", "directory", "config"))
    if not loop.network:
        raise Left(f"the network that is saved in line {call.lineno} has no name where it trains")
    config = configured(back, where, given.get("config"), loop)
    every = config.get("save_checkpoint_steps", "1")
    prefix = carried(back, where, given["prefix"], loop) if "prefix" in given else '"CKP"'
    folder = carried(back, where, given["directory"], loop) if "directory" in given else '"."'
    back.work.need(file, "import os")
    back.work.need(file, "import torch")
    kept = f'{{"network": {loop.network}.state_dict(), "optimizer": {at}.state_dict()}}'
    if not at:
        kept = f"{loop.network}.state_dict()"
    if not folder.isidentifier():
        name = file.names.free("folder")
        loop.before.append(f"{name} = {folder}")
        folder = name
    path = f'os.path.join({folder}, str({prefix}) + f"-{{{n["epoch"]} + 1}}_{{{n["batch"]}}}.pt")'
    loop.before.append(f"os.makedirs({folder}, exist_ok=True)")
    lines = [f"torch.save({kept}, {path})"]
    loop.after += lines if every == "1" else [f"if {n['step']} % {grouped(every)} == 0:", *(f"    {x}" for x in lines)]
    most = config.get("keep_checkpoint_max", "5")
    return f"saved in the loop after each {every} steps; every file is kept, MindSpore kept the last {most}", True


def configured(back: Back, where: Scope, node: ast.expr | None, loop: Loop) -> dict[str, str]:
    """The arguments of a ``CheckpointConfig``, through its name."""
    work = back.work
    for holder, part in parts_of(work.flow, where, node) if node is not None else ():
        for inner in ast.walk(part):
            if isinstance(inner, ast.Call) and holder.file.names.dotted(inner.func).endswith("CheckpointConfig"):
                order = ("save_checkpoint_steps", "save_checkpoint_seconds", "keep_checkpoint_max")
                work.say(holder.file, inner, REWRITTEN, "what it says stands in the loop", "loop")
                return {k: carried(back, holder, v, loop) for k, v in said_of(inner, order).items() if k in order}
    return {}


WRITERS = {
    "LossMonitor": loss_monitor,
    "TimeMonitor": time_monitor,
    "LearningRateScheduler": rate_scheduler,
    "ModelCheckpoint": checkpoint,
}
OTHERS = {
    "SummaryCollector", "EarlyStopping", "ReduceLROnPlateau", "LambdaCallback", "History", "LossAccumulator",
    "OnRequestExit", "ProfilerCallback", "FlopsUtilizationCollector", "BackupAndRestore",
}  # fmt: skip
