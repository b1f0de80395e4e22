"""Take the cases of optimizers and schedules out of the recordings of MindSpore 2.10, thinned, for the tests.

    python tests/references/golden/select_golden.py FOLDER

FOLDER holds index.json and the .npz files of the recordings: 10 updates of each optimizer on MindSpore 2.10.0, CPU,
with parameters and slots after updates 1, 2, 5 and 10; learning rates as Cells and as lists; ``documented.npz``,
parameters by the documented formula in float64 where the CPU kernel deviates from it. The same format is written
beside this script, so ``tests/mindspore_front/golden_cases.py`` reads either. Of arrays with more than 100 elements
every 33rd element is kept.
"""

import json
import sys
from pathlib import Path

import numpy as np

LEAST, STRIDE = 100, 33
DROPPED = ("error", "full_steps", "hidden_states", "note", "record", "state_names", "steps")
KINDS = ("optimizer", "group", "schedule", "dynamic_lr", "exp_scheduler")


def thinned(vector: np.ndarray, sizes: list[tuple[int, int]]) -> np.ndarray:
    """A record with fewer elements. ``sizes``: of each array, (size, stride at which it was recorded)."""
    parts, start = [], 0
    for size, stride in sizes:
        count = -(-size // stride)
        part = vector[start : start + count]
        parts.append(part[:: STRIDE // stride] if size > LEAST else part)
        start += count
    assert start == vector.size
    return np.concatenate(parts)


def main(folder: Path, target: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    was, files = index["subsample"], {path.name: np.load(path) for path in folder.glob("*.npz")}
    assert STRIDE % was["stride"] == 0
    written: dict[str, dict[str, np.ndarray]] = {"documented.npz": {}}
    cases = [case for case in index["cases"] if case["kind"] in KINDS]
    for case in cases:
        case["api"] = None if case["api"] == "mindspore.nn" else case["api"]
        case["raises"] = case["error"].partition(":")[0] if "error" in case else None
        if "file" not in case:
            continue
        records, found = files[case["file"]], written.setdefault(case["file"], {})
        if "layout" not in case:
            found[case["id"]] = records[case["id"]]
            continue
        own = {name: int(np.prod(shape)) for name, shape in index["sets"][case["set"]]}
        for update in index["record_steps"]:
            key = f"{case['id']}@{update}"
            whole = own if update in case["full_steps"] else ()
            strides = [
                (size, 1 if size <= was["min_size"] or name in whole else was["stride"])
                for name, _, _, size in index["layouts"][case["layout"]]
            ]
            found[key] = thinned(records[key], strides)
            if key in files["documented.npz"].files:
                strides = [(size, was["stride"] if size > was["min_size"] else 1) for size in own.values()]
                written["documented.npz"][key] = thinned(files["documented.npz"][key], strides)
    for name, arrays in written.items():
        np.savez_compressed(target / name, **arrays)
    for name in {case["inputs"] for case in cases if "inputs" in case}:
        np.savez_compressed(target / name, **files[name])
    kept = [{k: v for k, v in case.items() if v is not None and k not in DROPPED} for case in cases]
    layouts = {case["layout"]: index["layouts"][case["layout"]] for case in cases if "layout" in case}
    head = {key: index[key] for key in ("mindspore", "sets", "steps", "record_steps", "quirks")}
    head["subsample"] = {"stride": STRIDE, "min_size": LEAST}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for key, entries in (("layouts", [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in layouts.items()]),):
        lines.append(f' "{key}": {{\n  ' + ",\n  ".join(entries) + "\n }")
    lines.append(' "cases": [\n  ' + ",\n  ".join(json.dumps(case) for case in kept) + "\n ]")
    (target / "index.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent)
