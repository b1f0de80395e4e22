"""Runs scripts and notes which of their lines reach PyTorch's optimizers, schedulers, scalers and clipping.

Started in a process of its own: ``python calls.py OUT SCRIPT…``. OUT gets, for each script, the file and the place of
every call that got there: what a report must speak of, whatever the script calls it.
"""

import contextlib
import functools
import io
import json
import runpy
import sys
import warnings
from pathlib import Path

import torch
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer, lr_scheduler, swa_utils

HOME = str(Path(torch.__file__).parent)
ASKED = {
    Optimizer: ("__init__", "step", "zero_grad", "state_dict", "load_state_dict", "add_param_group"),
    lr_scheduler.LRScheduler: ("__init__", "step", "get_last_lr", "state_dict", "load_state_dict"),
    GradScaler: ("__init__", "scale", "step", "update", "unscale_"),
    swa_utils.AveragedModel: ("__init__", "update_parameters"),
    torch.Tensor: ("backward",),
}


def family(cls):
    """A class and all that derive from it; of Tensor, itself."""
    yield cls
    for sub in cls.__subclasses__() if cls is not torch.Tensor else ():
        yield from family(sub)


def note(folder, found):
    """Keep the place of the script's line that led here; what other libraries do themselves is theirs."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(str(folder)):
            line, _, start, _ = list(frame.f_code.co_positions())[frame.f_lasti // 2]
            found.add((name, line, start))
            return
        if not name.startswith(HOME) and name != __file__ and "contextlib" not in name:
            return
        frame = frame.f_back


def watched(raw, state):
    """A function that notes who called it."""

    @functools.wraps(raw)
    def new(*args, **options):
        note(state["folder"], state["found"])
        return raw(*args, **options)

    return new


def watch(state):
    for root, names in ASKED.items():
        for cls in family(root):
            for name in names:
                if callable(raw := cls.__dict__.get(name)):
                    setattr(cls, name, watched(raw, state))
    for name in ("clip_grad_norm_", "clip_grad_value_"):
        setattr(torch.nn.utils, name, watched(getattr(torch.nn.utils, name), state))


def main(out, scripts):
    state = {"folder": None, "found": set()}
    watch(state)
    result = {}
    for script in scripts:
        path = Path(script)
        state["folder"], state["found"] = path.parent, set()
        sys.argv, before = [script], set(sys.modules)
        sys.path.insert(0, str(path.parent))
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), contextlib.suppress(SystemExit):
            warnings.simplefilter("ignore")
            runpy.run_path(script, run_name="__main__")
        sys.path.remove(str(path.parent))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(path.parent)):
                del sys.modules[name]
        result[script] = sorted(state["found"])
        state["found"] = set()
    Path(out).write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
