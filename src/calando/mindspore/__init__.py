"""MindSpore's names and manners, on torch autograd: optimizers with time inside, and networks to train.

    import calando.mindspore as ms
    from calando.mindspore import nn, ops

The optimizers in ``nn`` also take parameters of real MindSpore and NumPy arrays; then torch is not loaded.
"""

from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import Any as _Any

from .addresses import open_addresses as _open_addresses
from .missing import missing as _missing

_open_addresses()

_DTYPES = (
    "bfloat16", "bool_", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8",
)  # fmt: skip
_HOMES = {
    "Parameter": "network.parameter",
    "RowTensor": "network.row_tensor",
    "ParameterTuple": "network.parameter",
    "Tensor": "network.tensor",
    **dict.fromkeys(
        ("GRAPH_MODE", "PYNATIVE_MODE", "get_context", "jit", "jit_class", "set_context", "set_device"),
        "network.context",
    ),
    **dict.fromkeys(
        (
            "Callback", "CheckpointConfig", "DynamicLossScaleManager", "EarlyStopping", "FixedLossScaleManager",
            "History", "LambdaCallback", "LearningRateScheduler", "LossMonitor", "LossScaleManager", "Model",
            "ModelCheckpoint", "ReduceLROnPlateau", "RunContext", "TimeMonitor",
        ),
        "train",
    ),
    "grad": "network.grad",
    **dict.fromkeys(
        ("CheckpointWarning", "load_checkpoint", "load_param_into_net", "save_checkpoint"), "serialization"
    ),
    **dict.fromkeys(("get_seed", "set_seed"), "network.seed"),
    "value_and_grad": "network.grad",
    **dict.fromkeys(_DTYPES, "network.dtype"),
}  # fmt: skip
_MODULES = {
    **{name: name for name in ("amp", "common", "dataset", "log", "nn", "ops", "train")},
    "context": "network.context",
    "dtype": "network.dtype",
}

__all__ = sorted([*_HOMES, *_MODULES])


def __getattr__(name: str) -> _Any:
    if name in _MODULES:
        return _import_module(f"{__name__}.{_MODULES[name]}")
    if name in _HOMES:
        return getattr(_import_module(f"{__name__}.{_HOMES[name]}"), name)
    if _Path(__file__).with_name(f"{name}.py").exists():
        raise AttributeError(name)  # a module that an import is about to load
    nn = _import_module(f"{__name__}.nn")
    if name in nn.__all__:
        raise AttributeError(f"module {__name__!r} has no {name!r}; it is {__name__}.nn.{name}")
    raise _missing(__name__, name, __all__)


def __dir__() -> list[str]:
    return __all__
