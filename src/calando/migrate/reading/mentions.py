"""Every place of a project that has to do with optimizers, learning rates or the training step."""

from __future__ import annotations

import ast
import re

from ...lexicon import DYNAMIC, SCHEDULERS
from .absent import CALLED_SCALER
from .bound import HOOK
from .chosen import chosen_call, made_so
from .flow import GRADIENT, GROUPS_SCHEDULER, MODEL, NETWORK, OBJECT, OPTIMIZER, SCALER, SCHEDULER, Flow, made_kind
from .prepared import gathers
from .scopes import File, Scope

ALWAYS = {
    "zero_grad", "backward", "add_param_group", "get_last_lr", "unscale_", "manual_backward", "step_update",
    "clip_grad_norm_", "clip_grad_value_", "clip_grad_norm", "clip_grad_value", "clip_gradients", "optimizer_step",
    "step_and_update_lr", "first_step", "second_step",
}  # fmt: skip
HELD = {"state_dict", "load_state_dict", "update", "scale", "get_lr", "get_scale", "load_param_into_net"}
OTHERS = re.compile(r"prof|env|bar|game|sim|world|task|progress|timer|dataset", re.IGNORECASE)
SETTINGS = re.compile(r"(opts|options|kwargs|args|dict|config|cfg)$", re.IGNORECASE)  # what more settings are put into
MEANT = re.compile(r"opt|sched|scaler|warmup|(^|_)lr", re.IGNORECASE)
LIBRARIES = (
    "timm.", "transformers.", "accelerate.", "apex.", "fairseq.", "pytorch_lightning.", "lightning.", "ignite.",
    "mmcv.", "mmengine.", "deepspeed.", "fvcore.", "warmup_scheduler.", "torch_optimizer.", "bitsandbytes.",
    "diffusers.", "monai.", "mindcv.", "mindyolo.", "mindnlp.", "mindformers.",
)  # fmt: skip
FACTORY = re.compile(
    r"optim|sched|adam|sgd|lamb(?!d)|(?<!ca)lars|(?<!l)lion|(?<![a-z])amp|dampen|scaler|warmup|create_trainer|(^|_)lr",
    re.IGNORECASE,
)
DOTTED = re.compile(
    r"torch\.nn\.utils\.clip_grad|torch\.(cuda\.)?amp\.|torch\.autocast|torch\.autograd\.(grad|backward)|torch\.optim\.|"
    r"calando\.torch\.|mindspore\.(ops|nn)\.((composite|functional|operations)\.)?(clip_by|Clip)|mindspore\.(amp|train\.amp|train\.loss_scale)|"
    r"mindspore\.(train\.)?Model$|mindspore\.nn\.(TrainOneStep|WithLoss|WithGrad|.*LossScale)|"
    r"mindspore\.nn\.(optim\.)?(LARS|AdaFactor|thor|Thor)$|"
    r"mindspore\.(train\.|)(callback\.|)LearningRateScheduler|mindspore\.(save_checkpoint|load_checkpoint|load_param_into_net)|"
    r"mindspore\.(train\.serialization\.)(save_checkpoint|load_checkpoint|load_param_into_net)|"
    r"mindspore\.nn\.(learning_rate_schedule\.)?.*(DecayLR|WarmUpLR)$|mindspore\.experimental\.optim|mindspore\.mint\.optim|"
    r"mindspore\..*(Fixed|Dynamic)LossScale"
)
CALLBACKS = re.compile(
    r"mindspore\.(train\.)?(callback\.)?(LossMonitor|TimeMonitor|ModelCheckpoint|CheckpointConfig|EarlyStopping)$"
)
AVERAGES = re.compile(
    r"swa_utils\.(?!SWALR)|(^|\.)(ModelEma(V\d)?|ExponentialMovingAverage|EMAModel|ema_pytorch\.EMA)$"
)
CALLED_OPTIMIZER = re.compile(r"^(opt|optim|optimizer)(_\w+)?$", re.IGNORECASE)
CHOICES = {"torch.optim", "torch.optim.lr_scheduler"}  # modules of which a class is chosen
MADE = re.compile(r"optim|sched|param_groups|(^|_)lr(_|$)|LR$", re.IGNORECASE)  # functions that make or move them
PLAIN = {
    "print", "isinstance", "type", "repr", "str", "id", "append", "extend", "list", "tuple", "zip", "enumerate", "len",
    "hasattr", "getattr", "setattr", "super",
}  # fmt: skip
LOGS = re.compile(r"(^|\.)_?(log|logger|logging)\.(debug|info|warning|error|critical|log)$")  # what only shows a thing
SUPER = re.compile(r"super\(.*\)\.__init__$")
OWN_CELLS = {"LearningRateSchedule", "TrainOneStepCell", "TrainOneStepWithLossScaleCell"}
BASES = {
    "torch.optim.Optimizer", "torch.optim.lr_scheduler._LRScheduler", "mindspore.nn.Optimizer",
    *(f"torch.optim.lr_scheduler.{name}" for name in SCHEDULERS),
}  # fmt: skip
SHOWN = {"learning_rate", "global_step", "get_lr", "dynamic_lr", "is_group_lr", "moments", "momentum", "weight_decay"}
WRITTEN = re.compile(
    r"adjust_?(the_)?(learning_?rate|lr)|(set|update|change|decay)_?(learning_?rate|lr)$|lr_?decay", re.I
)


def mentions(flow: Flow) -> dict[int, tuple[File, ast.AST, str]]:
    """id of a node → its file, the node, and why a person must look where nothing else is said about it."""
    found: dict[int, tuple[File, ast.AST, str]] = {}
    for file in flow.files:
        for node, scope in sorted(file.where.items(), key=lambda item: getattr(item[0], "lineno", 0)):
            flow.ask()
            reason = mentioned(flow, file, node, scope)
            if reason:
                found[id(node)] = file, node, reason
    return found


def mentioned(flow: Flow, file: File, node: ast.AST, scope: Scope) -> str:
    """Why a node is of concern; empty where it is not."""
    if isinstance(node, ast.Call):
        return call_mentioned(flow, file, node, scope) or handed_on(flow, node, scope)
    if isinstance(node, (ast.Attribute, ast.Name)) and handed_class(file, node):
        return "an optimizer of MindSpore's is chosen here when the script runs"
    if isinstance(node, ast.Attribute):
        if node.attr == "grad" and by_hand(file, node):
            return "gradients are used by hand here, which MindSpore's parameters do not hold"
        if node.attr == "grad" and read_of(file, node):
            return "gradients are read here, which MindSpore's parameters do not hold"
        if node.attr == "param_groups":
            return "parameter groups are read or written here in a way that was not recognised"
        if node.attr in SHOWN and any(t.name.startswith("mindspore.") for t in flow.things(scope, node.value)):
            return "the optimizer is looked into or changed here in a way that was not recognised"
    if isinstance(node, ast.ClassDef):
        bases = {file.names.dotted(base) for base in node.bases}
        if bases & BASES:
            return "an optimizer or scheduler of the script's own: its formula must be compared by hand"
        if any(name.rpartition(".")[2] in OWN_CELLS for name in bases):
            return "a class of the script's own for MindSpore's training step: read its construct and write it by hand"
    return ""


def handed_class(file: File, node: ast.Attribute | ast.Name) -> bool:
    """Whether a class of MindSpore's optimizers stands in a table, or goes to another name, instead of being called."""
    parent = file.parents.get(node)
    if not isinstance(parent, (ast.Dict, ast.List, ast.Tuple, ast.Assign, ast.IfExp, ast.Return)):
        return False
    dotted = file.names.dotted(node)
    return dotted.startswith("mindspore.") and made_kind(dotted)[0] == OPTIMIZER


def of_mindspore(flow: Flow, file: File, node: ast.AST) -> bool:
    """Whether a place is a use of MindSpore's optimizer, or of its Model."""
    scope = file.where[node]
    asked = [node.func] if isinstance(node, ast.Call) else []
    asked += [part.value for part in (*asked, node) if isinstance(part, ast.Attribute)]
    things = [thing for part in asked for thing in flow.things(scope, part)]
    return any(thing.kind == MODEL or thing.name.startswith("mindspore.") for thing in things)


def step_class(file: File, scope: Scope) -> bool:
    """Whether a method belongs to a training step of the script's own."""
    bases = scope.owner.node.bases if scope.owner is not None else []  # type: ignore[attr-defined]
    return any(file.names.dotted(base).rpartition(".")[2].startswith("TrainOneStep") for base in bases)


def by_hand(file: File, node: ast.Attribute) -> bool:
    """Whether a gradient that a parameter holds is changed, or changes something: an update or clipping by hand."""
    above: ast.AST = node
    while above in file.parents and not isinstance(above, (ast.stmt, ast.Call)):
        above = file.parents[above]
    inner = file.names.dotted(node)
    own = isinstance(node.value, ast.Name) and node.value.id == "self"  # a function of its own under that name
    changed = isinstance(above, (ast.Assign, ast.AugAssign)) or (isinstance(above, ast.Call) and changes(above))
    return changed and not own and inner not in ("torch.autograd.grad", "mindspore.grad", "mindspore.ops.grad")


def read_of(file: File, node: ast.Attribute) -> bool:
    """Whether the gradient that a parameter of PyTorch's holds is read."""
    called = getattr(file.parents.get(node), "func", None) is node
    own = isinstance(node.value, ast.Name) and node.value.id == "self"  # a function of its own under that name
    pytorch = any(full.partition(".")[0] == "torch" for full in file.names.aliases.values())
    return (
        pytorch
        and isinstance(node.ctx, ast.Load)
        and not called
        and not own
        and not file.names.dotted(node).startswith("torch.")
    )


def changes(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr.endswith("_") and not call.func.attr.endswith("__")


def own_kind(flow: Flow, node: ast.Call, scope: Scope) -> bool:
    """Whether a call makes, or is a method of, a class of the project that derives from an optimizer or scheduler."""
    return any(bases_of(at) & BASES for cls in own_classes(flow, node, scope) for at in flow.bases(cls))


def own_classes(flow: Flow, node: ast.Call, scope: Scope) -> list[Scope]:
    """The classes of the project that a call makes, or is a method of; none inside the class itself."""
    func = node.func
    inner = flow.callee(scope, node)
    classes = [inner] if inner is not None and isinstance(inner.node, ast.ClassDef) else []
    if isinstance(func, ast.Attribute):
        classes += [t.scope for t in flow.things(scope, func.value) if t.kind == OBJECT and t.scope is not None]
        if isinstance(func.value, ast.Name) and scope.params[:1] == [func.value.id]:
            return []  # inside the class, whose finding covers it
    return classes


def bases_of(cls: Scope) -> set[str]:
    return {cls.file.names.dotted(base) for base in getattr(cls.node, "bases", [])}


def handed_on(flow: Flow, node: ast.Call, scope: Scope) -> str:
    """Why a call may make updates itself: a loss scaler that is called, or an optimizer given to unknown code."""
    name = ast.unparse(node.func).rpartition(".")[2]
    if name in PLAIN or LOGS.search(ast.unparse(node.func)):
        return ""
    given = [*node.args, *(word.value for word in node.keywords)]
    if chooses(scope.file, node):
        return "which class of optimizer or scheduler this is, is only known when it runs: call each where it is chosen"
    called = CALLED_SCALER.search(name) and len(node.args) + len(node.keywords) > 1
    if called:
        return "a loss scaler that is called: the backward, the clipping and the update happen inside it"
    if flow.callee(scope, node) is not None:
        return f"{name} is not rewritten as a whole" if MADE.search(name) and not inside(scope, node) else ""
    if any(OPTIMIZER in flow.kinds(scope, each) for each in given if isinstance(each, (ast.Name, ast.Attribute))):
        return f"{name} is given the optimizer, and what it does with it is not in this project"
    return ""


def from_elsewhere(flow: Flow, file: File, node: ast.Call, scope: Scope) -> bool:
    """Whether a call is ``optimizer(grads)`` of MindSpore's manner, where no optimizer is known under that name."""
    if len(node.args) != 1 or node.keywords or not isinstance(node.func, (ast.Name, ast.Attribute)):
        return False
    called = CALLED_OPTIMIZER.search(ast.unparse(node.func).rpartition(".")[2])
    return bool(called and any(t.scope and t.scope.file is file for t in flow.all(GRADIENT))) and not any(
        t.kind == OPTIMIZER for t in flow.things(scope, node.func)
    )


def chooses(file: File, node: ast.Call) -> bool:
    """Whether a function is handed a module of which it chooses a class: ``build(torch.optim, name)``."""
    given = [*node.args, *(word.value for word in node.keywords)]
    return any(file.names.dotted(each) in CHOICES for each in given if isinstance(each, (ast.Name, ast.Attribute)))


def inside(scope: Scope, node: ast.Call) -> bool:
    """Whether a method of the same object is called, whose class is spoken of."""
    func = node.func
    return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and scope.params[:1] == [func.value.id]


def call_mentioned(flow: Flow, file: File, node: ast.Call, scope: Scope) -> str:
    """Why a call is of concern; empty where it is not."""
    dotted = file.names.dotted(node.func)
    if reason := maker_mentioned(flow, file, node, scope) or named_mentioned(file, node, scope):
        return reason
    if any(t.kind == OPTIMIZER and t.name.startswith("mindspore.") for t in flow.things(scope, node.func)):
        return "this update was not rewritten"
    if gathers(node):
        return "a wrapper decides here which batches make an update"
    if not isinstance(node.func, ast.Attribute):
        return "this changes the learning rate in a way that was not recognised" if WRITTEN.search(dotted) else ""
    return method_mentioned(flow, node.func, node, scope)


def maker_mentioned(flow: Flow, file: File, node: ast.Call, scope: Scope) -> str:
    """Why a call is of concern that makes an optimizer or a schedule, or belongs to one of the script's own."""
    kind, _ = made_kind(file.names.dotted(node.func))
    if kind in (OPTIMIZER, SCHEDULER, GROUPS_SCHEDULER, SCALER, GRADIENT):
        return f"this {kind} was not rewritten"
    if chosen_call(flow, scope, node):
        return "which class of optimizer or scheduler this is, is only known when it runs: call each where it is chosen"
    if len(node.args) == 1 and not node.keywords and made_so(flow) and ast.unparse(node.func) in made_so(flow):
        return "this update was not rewritten: which class of optimizer makes it, is only known when it runs"
    if from_elsewhere(flow, file, node, scope):
        return "an update by an optimizer that this project does not make, or of its own kind"
    if own_kind(flow, node, scope):
        return "an optimizer or scheduler of the script's own: its formula must be compared by hand"
    return ""


def named_mentioned(file: File, node: ast.Call, scope: Scope) -> str:
    """Why a call is of concern by the name of what is called."""
    dotted = file.names.dotted(node.func)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else dotted
    if dotted.startswith(LIBRARIES) and FACTORY.search(dotted.partition(".")[2]):
        told = f"{dotted.partition('.')[0]} makes or drives the optimizer here: what it does is not in this script"
        return f"{told}; call the class, with its numbers, in place of it"
    if AVERAGES.search(dotted) or (name == "update_parameters" and len(node.args) == 1 and not node.keywords):
        return "MindSpore has no averages of weights; calando's optimizers keep one (ema=)"
    if CALLBACKS.match(dotted):
        return "a callback of a training that was not rewritten"
    if SUPER.match(ast.unparse(node.func)) and scope.owner is not None and step_class(file, scope):
        return "MindSpore's training step is made here"
    if dotted.startswith("torch") and dotted.endswith("autocast"):
        return "autocast has no counterpart here: mindspore.amp.auto_mixed_precision, or float32 without it"
    if DOTTED.match(dotted) or dotted.rpartition(".")[2] in DYNAMIC:
        return "this call is not one that can be rewritten"
    return ""


def method_mentioned(flow: Flow, func: ast.Attribute, node: ast.Call, scope: Scope) -> str:
    """Why the call of a method is of concern."""
    name, held = func.attr, flow.kinds(scope, func.value)
    if name == HOOK:
        return "a hook changes gradients here: it takes and returns tensors of the library that it is registered in"
    if name in ALWAYS:
        return f".{name} was not recognised as part of a training step that can be rewritten"
    if name in ("train", "fit") and MODEL in held:
        return "this training was not rewritten"
    receiver = ast.unparse(func.value)[-60:]
    if name == "step":
        closure = any(word.arg == "closure" for word in node.keywords)
        if held & {OPTIMIZER, SCHEDULER, GROUPS_SCHEDULER, SCALER} or MEANT.search(receiver) or closure:
            return "what is stepped here was not recognised as part of what can be rewritten"
        unknown = not node.args and not node.keywords and not OTHERS.search(receiver)
        return "it is not known what is stepped here" if unknown else ""
    if name in HELD and (
        held & {OPTIMIZER, SCHEDULER, GROUPS_SCHEDULER, SCALER}
        or (not held & {NETWORK} and MEANT.search(receiver) and not SETTINGS.search(receiver))
    ):
        return f".{name} of an optimizer or scheduler was not recognised"
    return "this changes the learning rate in a way that was not recognised" if WRITTEN.search(name) else ""


def clips(file: File, call: ast.Call) -> bool:
    """Whether a call clips gradients in PyTorch's words."""
    name = file.names.dotted(call.func).rpartition(".")[2]
    return name in ("clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "clip_grad_value", "clip_gradients")
