"""What is no optimizer and no update: lists of rates go too, networks and files stay, and each is told."""

from __future__ import annotations

import ast

from ...lexicon import DYNAMIC
from ..finding import HUMAN, KEPT, REWRITTEN, Finding
from ..reading.flow import OPTIMIZER, File
from ..work import Work, off
from .cells import networks_of
from .rates import SCHEDULES

FILES = "a file of the network's: torch.save and torch.load of its state_dict, where it is PyTorch's"
HALVED = "the network's precision: torch.autocast around the forward pass, whose operations in float16 are others"
SECOND = "PyTorch has no optimizer of second order: what it trains stays MindSpore's"
STRANGE = "no optimizer that it trains with was rewritten: it stays, with its training"
LARS = (
    "calando.torch.LARS is SGD with it (trust_coefficient is coefficient, eps is epsilon); what lars_filter leaves out "
    "goes into an SGD of its own without weight decay, and use_clip has no counterpart"
)
NETWORKS = {
    "LARS": LARS,
    "auto_mixed_precision": HALVED,
    "thor": SECOND,
    "Model": STRANGE,
    "WithLossCell": "network and loss in one: it goes with the network",
    **dict.fromkeys(("save_checkpoint", "load_checkpoint", "load_param_into_net"), FILES),
}
GRADS = ("mindspore.grad", "mindspore.ops.grad")
BY_INPUTS = (
    "it differentiates by inputs, as a part of the network: torch.autograd.grad where that is PyTorch's, with "
    "create_graph=True where its result is trained through"
)


def lists(work: Work) -> None:
    """MindSpore's functions that make lists of rates are calando's too, which need no MindSpore."""
    for file in work.flow.files:
        for node in file.where:
            if isinstance(node, ast.Call):
                dotted = file.names.dotted(node.func)
                if dotted.startswith("mindspore.") and dotted.rpartition(".")[2] in DYNAMIC:
                    name = dotted.rpartition(".")[2]
                    work.need(file, "import calando.mindspore.nn")
                    work.within(file, node.func, f"calando.mindspore.nn.{name}")
                    work.say(file, node, REWRITTEN, "the same list, without MindSpore", "schedule")


def networks(work: Work) -> None:
    """Say once per class that the network itself is not translated."""
    for file in work.flow.files:
        for node in networks_of(work, file):
            if id(node) in work.told:
                continue  # a schedule
            first = file.source.code(node).splitlines()[0]
            reason = "the network stays MindSpore's: write it as torch.nn.Module, or import one"
            work.findings.append(Finding(file.source.name, node.lineno, HUMAN, first, reason, "network"))  # type: ignore[attr-defined]


def rest(work: Work) -> None:
    """What stays as it is, and why."""
    told = set(work.told)
    for key, (file, node, _) in work.mentions.items():
        inside = isinstance(node, ast.Call) and file.names.dotted(node.func) in GRADS and by_inputs(file, node)
        if key in told and not inside:  # which no statement around it speaks of
            continue
        if torchs(file):
            work.say(file, node, KEPT, "it is PyTorch's already", "step")
            continue
        if isinstance(node, ast.ClassDef):
            if any(file.names.dotted(base).endswith("LearningRateSchedule") for base in node.bases):
                work.say(file, node, KEPT, "a schedule that is asked step by step", "schedule")
            continue
        if not isinstance(node, ast.Call):
            continue
        if in_schedule(file, node):
            work.say(file, node, KEPT, "a part of a schedule that is asked step by step", "schedule")
            continue
        dotted = file.names.dotted(node.func)
        if why := NETWORKS.get(dotted.rpartition(".")[2] if dotted.startswith("mindspore.") else ""):
            work.say(file, node, HUMAN, why, "network")
        elif by_inputs(file, node):
            work.say(file, node, HUMAN, BY_INPUTS, "network")
        elif dotted.startswith(("torch.", "calando.")) or (
            isinstance(node.func, ast.Attribute)
            and any(t.name.startswith("torch.") for t in work.flow.things(file.where[node], node.func.value))
        ):
            work.say(file, node, KEPT, "it is PyTorch's already", "step")
        elif isinstance((target := work.flow.callee(file.where[node], node)) and target.node, ast.FunctionDef):
            work.say(file, node, KEPT, "a function of the project, whose lines are listed themselves", "step")
        elif dotted.endswith(SCHEDULES):
            work.say(file, node, KEPT, "a part of a schedule that is asked step by step", "schedule")
    handed_round(work)


def torchs(file: File) -> bool:
    """Whether a script has PyTorch, and nothing of MindSpore."""
    roots = {full.partition(".")[0] for full in file.names.aliases.values()}
    return "torch" in roots and not {"mindspore", "mindcv", "mindnlp"} & roots


def by_inputs(file: File, call: ast.Call) -> bool:
    """Whether a gradient function is one by inputs: ``grad`` without weights, ``GradOperation`` without a list."""
    words = {word.arg: word.value for word in call.keywords}
    dotted = file.names.dotted(call.func)
    if dotted in GRADS:
        return len(call.args) < 3 and "weights" not in words
    by_list = call.args[1] if len(call.args) > 1 else words.get("get_by_list")
    return dotted.startswith("mindspore.") and dotted.endswith(".GradOperation") and off(by_list)


def handed_round(work: Work) -> None:
    """Say of calls that make an optimizer in the project, or hand one to it, that they stay."""
    told = set(work.told)
    for file in work.flow.files:
        for scope, call in file.calls:
            target = work.flow.callee(scope, call)
            parts = [call, *call.args, *(word.value for word in call.keywords)]
            if target is None or id(call) in told or not any(OPTIMIZER in work.flow.kinds(scope, x) for x in parts):
                continue
            what = "class" if isinstance(target.node, ast.ClassDef) else "function"
            work.say(file, call, KEPT, f"a {what} of the project, whose lines are listed themselves", "step")


def in_schedule(file: File, node: ast.AST) -> bool:
    """Whether a place is in a class of the script's that is a schedule of MindSpore's."""
    while node in file.parents:
        node = file.parents[node]
        if isinstance(node, ast.ClassDef):
            return any(file.names.dotted(base).endswith("LearningRateSchedule") for base in node.bases)
    return False
