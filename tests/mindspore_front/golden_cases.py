"""Recordings of MindSpore 2.10 (tests/references/golden), and our optimizers and schedules built as they say.

``CALANDO_GOLDEN=FOLDER pytest tests/mindspore_front/test_golden_*`` runs the same tests on other recordings of
that format.
"""

import json
import os
from functools import cached_property, lru_cache
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np

from calando.mindspore import nn

FOLDER = Path(os.environ.get("CALANDO_GOLDEN") or Path(__file__).parents[1] / "references" / "golden")
OURS = Path(__file__).parents[1] / "references" / "golden" == FOLDER


class Golden:
    """One folder of recordings."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.index = json.loads((folder / "index.json").read_text())
        self.stride, self.least = (self.index["subsample"][key] for key in ("stride", "min_size"))
        self.update_numbers = self.index["record_steps"]
        found = [case for case in self.index["cases"] if case.get("api", "mindspore.nn") == "mindspore.nn"]
        self.cases = {case["id"]: case for case in found}
        self.files = lru_cache(None)(lambda name: dict(np.load(folder / name)))

    @cached_property
    def documented(self) -> dict[str, np.ndarray]:
        return self.files("documented.npz")

    def ids(self, *kinds: str) -> list[str]:
        return [case_id for case_id, case in self.cases.items() if case["kind"] in kinds]

    def shapes(self, case: dict) -> dict[str, tuple[int, ...]]:
        return {name: tuple(shape) for name, shape in self.index["sets"][case["set"]]}

    def inputs(self, case: dict) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
        """First values by name, and the gradients of each update, in the dtype of the parameters."""
        arrays, dtype = self.files(case["inputs"]), case["param_dtype"]
        scale = np.float32(case["grad_mult"])
        names = self.shapes(case)
        start = {name: arrays[f"p/{name}"].astype(dtype) for name in names}
        pushes = {name: (arrays[f"g/{name}"] * scale).astype(dtype) for name in names}
        return start, [{name: pushes[name][i] for name in names} for i in range(self.index["steps"])]

    def record(self, case: dict, update: int) -> dict[str, np.ndarray]:
        """All that was recorded after an update: name → the elements that were kept."""
        vector, found, start = self.files(case["file"])[f"{case['id']}@{update}"], {}, 0
        for name, _, _, size in self.index["layouts"][case["layout"]]:
            whole = update in case.get("full_steps", ()) and name in self.shapes(case)
            count = size if size <= self.least or whole else -(-size // self.stride)
            found[name] = vector[start : start + count]
            start += count
        assert start == vector.size
        return found

    def promised(self, case: dict, update: int) -> dict[str, np.ndarray] | None:
        """The parameters after an update by the documented formula, where that was recorded."""
        vector = self.documented.get(f"{case['id']}@{update}")
        if vector is None:
            return None
        found, start = {}, 0
        for name, shape in self.shapes(case).items():
            size = int(np.prod(shape))
            count = size if size <= self.least else -(-size // self.stride)
            found[name] = vector[start : start + count]
            start += count
        assert start == vector.size
        return found

    def kept(self, array: np.ndarray, like: np.ndarray) -> np.ndarray:
        """The elements of an array that a record keeps."""
        flat = np.asarray(array).ravel()
        return flat if flat.size == like.size else flat[:: self.stride]


GOLDEN = Golden(FOLDER)


def cell_of(name: str, construct: Any) -> Any:
    """A Cell, or a LearningRateSchedule, of calando whose construct is this function of the step."""
    base = nn.Cell if name.endswith("WD") else nn.LearningRateSchedule
    return type(name, (base,), {"construct": lambda self, global_step: construct(global_step)})()


def custom(name: str, **own: float) -> Any:
    """The user's classes of the recordings, written with calando's words."""
    import calando.mindspore as ms
    from calando.mindspore import ops

    lr, every, a, b = (own.get(key) for key in ("lr", "step_per_epoch", "a", "b"))
    formulas = {
        "DynamicDecayLR": lambda step: lr * (1 + (ops.cast(step, ms.float32) // every) // 5),
        "WarmCos": lambda step: (
            lr * ops.cast(step, ms.float32) / own["warm"]
            if step < own["warm"]
            else lr * 0.5 * (1 + cos(pi * float(step) / own["total"]))
        ),
        "ExpWD": lambda step: own["weight_decay"] * ops.pow(own["decay_rate"], step / own["decay_steps"]),
        "LinearWD": lambda step: a + b * step,
    }
    return cell_of(name, formulas[name])


class Reader:
    """Turns tagged values of a case into what a user would give.

    Args:
        words: where schedules are found: ``calando.mindspore.nn``, or real ``mindspore.nn``.
        tensor: an array → the user's tensor.
    """

    def __init__(self, words: Any, tensor: Any):
        self.words, self.tensor, self.shared = words, tensor, {}

    def value(self, x: Any) -> Any:
        if not isinstance(x, dict):
            return x
        if "$shared" in x:
            return self.shared[x["$shared"]]
        (kind,) = [key for key in x if key.startswith("$")]
        made = {
            "$list": lambda: [self.value(v) for v in x[kind]],
            "$tuple": lambda: tuple(self.value(v) for v in x[kind]),
            "$tensor": lambda: self.tensor(np.array(x[kind], x.get("dtype", "float32"))),
            "$schedule": lambda: getattr(self.words, x[kind])(**self.values(x["kwargs"])),
            "$custom": lambda: custom(x[kind], **self.values(x["kwargs"])),
        }[kind]()
        if "as" in x:
            self.shared[x["as"]] = made
        return made

    def values(self, options: dict) -> dict:
        return {name: self.value(x) for name, x in options.items()}


def build(case: dict, kind: Any) -> tuple[Any, dict[str, Any]]:
    """Our optimizer of a case, and its parameters by name."""
    start, _ = GOLDEN.inputs(case)
    reader = Reader(nn, kind.tensor)
    params = {name: kind.param(array, name) for name, array in start.items()}

    def group(entries: dict) -> dict:
        members = {key: [params[n] for n in entries[key]] for key in ("params", "order_params") if key in entries}
        return {**reader.values({k: v for k, v in entries.items() if k not in members}), **members}

    groups = list(params.values()) if case.get("groups") is None else [group(entries) for entries in case["groups"]]
    options = reader.values(case["kwargs"])
    if "inner" not in case:
        return getattr(nn, case["class"])(groups, **options), params
    inner = getattr(nn, case["inner"]["class"])(groups, **reader.values(case["inner"]["kwargs"]))
    return getattr(nn, case["class"])(inner, **options), params
