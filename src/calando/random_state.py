"""Where random numbers come from: the state of every generator that a training usually draws from, as plain data.

Python's ``random``, NumPy's own generator, torch's (on the CPU, and on CUDA devices in use) and real MindSpore's, with
its seed (operators of MindSpore that keep their numbers inside, as ``nn.Dropout``, cannot be asked for them). A
generator of your own goes into ``extra``: ``extra={"noise": generator.bit_generator.state}``.
"""

import random
import sys
from importlib import import_module
from typing import Any

import numpy as np

from .turn import Turn

TURN = Turn()  # MindSpore's generator, asked by two threads at once, waits for itself for ever (measured, 2.10)


def taken() -> dict[str, Any]:
    """The state of all of them; nothing is loaded that is not loaded already."""
    with TURN.lock:
        return asked()


def asked() -> dict[str, Any]:
    """As ``taken``, by one thread at a time."""
    version, words, following = random.getstate()
    found: dict[str, Any] = {
        "python": {"version": version, "words": np.array(words, np.uint32), "gauss": following},
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002
    }
    if "torch" in sys.modules:
        torch = import_module("torch")
        found["torch"] = torch.get_rng_state().numpy()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            found["cuda"] = [state.numpy() for state in torch.cuda.get_rng_state_all()]
    if hasattr(sys.modules.get("mindspore"), "get_rng_state"):
        found["mindspore"] = import_module("mindspore").get_rng_state().asnumpy()
        seeds = import_module("mindspore.common.seed")
        kernels = [[*key, value] for key, value in seeds._KERNEL_SEED.items()]
        found["mindspore_seeds"] = {"seed": seeds.get_seed(), "kernels": kernels}
    return found


def put(state: Any) -> None:
    """Let all go on from ``taken``'s result; those of a framework that is not installed here are passed over.

    Raises:
        ValueError: it is not ``taken``'s; nothing has changed.
    """
    with TURN.lock:
        before = asked()
        try:
            given(state)
        except Exception as problem:  # whatever the generators raise for a state that is not theirs
            given(before)
            raise ValueError(f"the state of the random generators cannot be used: {problem}") from None


def given(state: Any) -> None:
    """Let all go on from a state."""
    if hasattr(sys.modules.get("mindspore"), "set_rng_state"):  # the real one
        given_to_mindspore(state)
    python = state["python"]
    random.setstate((python["version"], tuple(python["words"].tolist()), python["gauss"]))
    np.random.set_state(state["numpy"])  # noqa: NPY002
    if "torch" in state and "torch" in sys.modules:
        torch = import_module("torch")
        torch.set_rng_state(torch.from_numpy(state["torch"].copy()))
        if "cuda" in state and torch.cuda.is_available():
            torch.cuda.set_rng_state_all([torch.from_numpy(words.copy()) for words in state["cuda"]])


def given_to_mindspore(state: Any) -> None:
    """Its generator, its seed, and how far each operator has counted on from it; sets NumPy's seed too, as it does."""
    mindspore: Any = import_module("mindspore")
    seeds: Any = import_module("mindspore.common.seed")
    if "mindspore_seeds" in state:
        told = state["mindspore_seeds"]
        if told["seed"] is None:
            seeds._GLOBAL_SEED = None
        else:
            mindspore.set_seed(told["seed"])
        seeds._KERNEL_SEED.clear()
        seeds._KERNEL_SEED.update({(str(kernel), int(seed)): int(value) for kernel, seed, value in told["kernels"]})
    if "mindspore" in state:
        mindspore.set_rng_state(mindspore.Tensor(state["mindspore"]))
