"""What is said when this front end is asked for something it does not have."""

from collections.abc import Iterable

from ..nearest import hint

# MindSpore's names for several processes or devices: what does that work here (docs/distributed.md has the code).
SUM = "sum the gradients with torch.distributed.all_reduce before optimizer(grads)"
ADASUM = "combine the gradients of all processes by AdaSum's formula before optimizer(grads)"
SHARE = "torch.distributed.optim.ZeroRedundancyOptimizer with an optimizer of calando.torch divides moments and updates"
SETTING = "start the processes with torchrun and torch.distributed.init_process_group"
STAGES = "networks of several stages are the business of torch.distributed.pipelining"
DISTRIBUTED = {
    "AdaSumByDeltaWeightWrapCell": ADASUM,
    "AdaSumByGradWrapCell": ADASUM,
    "AllGather": "call torch.distributed.all_gather on these Tensors",
    "AllReduce": "call torch.distributed.all_reduce on these Tensors",
    "Broadcast": "call torch.distributed.broadcast on these Tensors",
    "DistributedGradReducer": SUM,
    "MicroBatchInterleaved": STAGES,
    "OptTFTWrapper": "write snapshots with calando.store, or checkpoints with ModelCheckpoint, and resume from them",
    "ParallelMode": SETTING,
    "PipelineCell": STAGES,
    "PipelineGradReducer": STAGES,
    "ReduceScatter": "call torch.distributed.reduce_scatter on these Tensors",
    "adasum": ADASUM,
    "boost": ADASUM,
    "broadcast_params": (
        f"every process makes the whole step, so there is nothing to send; for equal first values call "
        f"torch.distributed.broadcast(p.data, 0) for each of optimizer.parameters; {SHARE}"
    ),
    "communication": SETTING,
    "get_auto_parallel_context": SETTING,
    "grad_reducer": SUM,
    "parallel": SETTING,
    "reset_auto_parallel_context": SETTING,
    "set_auto_parallel_context": f"{SETTING}; {SHARE}",
}
TORCH_LIKE = dict.fromkeys(
    ("experimental", "mint"),
    "its optim is torch.optim in MindSpore's words. calando.torch has the same classes with the same arguments, on "
    "these Parameters too, and torch.optim.lr_scheduler drives them. See docs/guide.md",
)
THOR = (
    "THOR reads the activations of layers of its own on Ascend and GPU (MindSpore 2.10 has no CPU kernel for it), and "
    "nothing here does its work; nn.LBFGS uses curvature, nn.Lamb and nn.LARS are made for large batches"
)
TORCHS = {  # layers that have another name in torch
    **{f"Conv{n}dTranspose": f"ConvTranspose{n}d" for n in (1, 2, 3)},
    "HSigmoid": "Hardsigmoid",
    "HSwish": "Hardswish",
    "ResizeBilinear": "Upsample",
}
ALONE = {
    **dict.fromkeys(("ConvertModelUtils", "ConvertNetUtils", "THOR", "thor"), THOR),
    "AdamW": "nn.AdamWeightDecay is MindSpore's; calando.torch.AdamW is torch's, on these Parameters too",
    "SpeedAdamW": "it is AdamW in one kernel of Ascend; calando.torch.AdamW is that optimizer, on these Parameters too",
    "export": "nothing is compiled here; save_checkpoint writes the weights, which a network of real MindSpore loads",
    "EmbeddingLookup": "use nn.Embedding; a sparse gradient is handed to an optimizer as a RowTensor",
}
RENAMED = {"ms_class": "it is called jit_class now", "ms_function": "it is called jit now, and changes nothing here"}
GENERAL = (
    "It covers optimizers, schedules, Tensor, Parameter, Cell, value_and_grad, Model and the layers of MindSpore's "
    "migration guide, on torch autograd. For others, torch's functions work on these Tensors and torch's layers in a "
    "Cell, or build the network in real MindSpore: the optimizers here take its parameters and gradients."
)
LAYER = "torch.nn.{0}(…) works in a Cell instead, with torch's arguments; its parameters become the Cell's"
FUNCTION = "{0}(…) works on these Tensors instead, with torch's arguments"
WAYS = {  # the part of calando.mindspore that was asked → what it covers, and the way out
    "train": "Other callbacks and metrics are written as subclasses of Callback and Metric",
    "train.callback": "Other callbacks are written as subclasses of Callback",
    "train.metrics": "Other metrics are written as subclasses of Metric",
    "dataset": "Model takes any iterable of batches, a torch DataLoader over torchvision's data sets for one",
    "network.initializer": "Others are subclasses of Initializer, with _initialize(self, arr) for a NumPy array",
    "log": "Levels and handlers are those of Python's logging.getLogger('calando.mindspore')",
    "amp": "Networks here are computed in the types of their parameters; loss scales are in nn and amp",
}


def missing(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for ``module.name``, with the nearest known name and where to go instead."""
    if where := elsewhere(name):
        return AttributeError(f"module {module!r} has no {name!r}: {where}")
    known = [word for word in known if not word.startswith("_")]
    if instead := torchs(module.removeprefix(f"{__package__}."), name):
        return AttributeError(f"module {module!r} has no {name!r}{hint(name, known)}: {instead}")
    way = WAYS.get(module.removeprefix(f"{__package__}."))
    has = f". {GENERAL}" if way is None else f"; it has {', '.join(known)}. {way}."
    return AttributeError(f"module {module!r} has no {name!r}{hint(name, known)}{has}")


def elsewhere(name: str) -> str:
    """Where a part of MindSpore is that is not here, as the rest of a sentence; empty if nobody knows."""
    return distributed(name) if name in DISTRIBUTED else (TORCH_LIKE | RENAMED | ALONE).get(name, "")


def torchs(module: str, name: str) -> str:
    """What torch has in place of a layer or an operation that is not here; empty if nothing, or if it is not there."""
    try:
        import torch
    except ImportError:
        return ""
    known = TORCHS.get(name, name)
    if module == "nn" and isinstance(getattr(torch.nn, known, None), type):
        return LAYER.format(known)
    for place, words in (("torch", torch), ("torch.nn.functional", torch.nn.functional)):
        if module == "ops" and not known.startswith("_") and callable(getattr(words, known, None)):
            return FUNCTION.format(f"{place}.{known}")
    return ""


def distributed(name: str) -> str:
    """What does the work of one of MindSpore's distributed names, as the rest of a sentence."""
    return f"calando runs one process and leaves the others to torch; {DISTRIBUTED[name]}. See docs/distributed.md"
