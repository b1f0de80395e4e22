"""Take out of the recordings of MindSpore 2.10 what the tests of our MindSpore front end compare with.

    python tests/references/select_mindspore_nn.py FOLDER

FOLDER holds index.json and the .npz files of the recordings (10 updates of each optimizer on MindSpore 2.10.0,
CPU). Written beside this script:

    mindspore_nn.json  the cases of SGD, Momentum, Adam and AdamWeightDecay: arguments, groups, and lr and weight
                       decay before each update
    mindspore_nn.npz   "inputs/<set>/p/<name>" first values, "inputs/<set>/g/<name>" gradients (updates, *shape);
                       "real/<case>@<update>": all parameters after that update, one behind the other in the
                       order of the set, every 11th element of those with more than 1000; "documented/…": the
                       same, computed by the documented formula, where MindSpore's CPU kernel deviates from it
"""

import json
import sys
from pathlib import Path

import numpy as np

CLASSES = ("SGD", "Momentum", "Adam", "AdamWeightDecay")
KEEP = (
    "id", "class", "kwargs", "groups", "set", "grad_mult", "param_dtype", "oracle", "quirks", "note", "error",
    "param_order", "lr_before_step", "wd_before_step",
)  # fmt: skip


def main(folder: Path, target: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    files = {path.name: np.load(path) for path in folder.glob("*.npz")}
    stride, least = index["subsample"]["stride"], index["subsample"]["min_size"]
    arrays, cases = {}, []
    for case in index["cases"]:
        if case.get("api") != "mindspore.nn" or case["class"] not in CLASSES:
            continue
        cases.append({key: case[key] for key in KEEP if case.get(key) is not None})
        names = [name for name, _ in index["sets"][case["set"]]]
        for update in index["record_steps"] if "file" in case else ():
            key = f"{case['id']}@{update}"
            vector, start, found = files[case["file"]][key], 0, {}
            for name, _, _, size in index["layouts"][case["layout"]]:
                complete = size <= least or (update in case["full_steps"] and name in names)
                count = size if complete else -(-size // stride)
                found[name] = vector[start : start + count][:: stride if complete and size > least else 1]
                start += count
            assert start == vector.size, key
            arrays[f"real/{key}"] = np.concatenate([found[name] for name in names])
            if key in files["documented.npz"].files:
                arrays[f"documented/{key}"] = files["documented.npz"][key]
    for letter, file in (("A", "inputs_A_101.npz"), ("B", "inputs_B_102.npz")):
        arrays |= {f"inputs/{letter}/{key}": files[file][key] for key in files[file].files}
    head = "".join(f" {json.dumps(key)}: {json.dumps(index[key])},\n" for key in ("mindspore", "sets", "quirks"))
    lines = ",\n".join(f"  {json.dumps(case)}" for case in cases)
    (target / "mindspore_nn.json").write_text(f'{{\n{head} "cases": [\n{lines}\n ]\n}}\n')
    np.savez_compressed(target / "mindspore_nn.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent)
