"""Programs written for MindSpore, run as they are in either framework, from the same first weights."""

import contextlib
import importlib.util
import io
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent.parent / "references" / "migrate"
NAMES = sorted(path.name.removesuffix(".py.txt") for path in FOLDER.glob("m*.py.txt"))


def text_of(name: str, package: str) -> str:
    """A program with ``mindspore`` read as another package."""
    text = (FOLDER / f"{name}.py.txt").read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        for word in ("import mindspore", "from mindspore"):
            if line.startswith(word):
                line = line.replace(word, word.replace("mindspore", package), 1)
        lines.append(line)
    return "\n".join(lines)


def first_value(parameter: Any, name: str) -> np.ndarray:
    """A weight that depends on nothing but its name and shape."""
    drawn = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(tuple(parameter.shape)).astype("f4")
    return drawn * np.float32(0.4) + np.float32("gamma" in name)


def played(name: str, package: str, cell: Any) -> dict[str, Any]:
    """What a program prints, and all parameters of its ``net`` at the end."""
    filled = []
    original = cell.trainable_params

    def trainable_params(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, *args, **kwargs)
        if not any(self is other for other in filled):
            filled.append(self)
            for parameter in found:
                parameter.asnumpy()[...] = first_value(parameter, parameter.name)
        return found

    printed = io.StringIO()
    cell.trainable_params = trainable_params
    try:
        with contextlib.redirect_stdout(printed):
            program = loaded(name, text_of(name, package))
    finally:
        cell.trainable_params = original
    weights = {p.name: p.asnumpy().astype("f8").tolist() for p in program.net.get_parameters()}
    return {"printed": printed.getvalue(), "weights": weights}


def loaded(name: str, text: str) -> Any:
    """A text as a module, from a file in the working directory: MindSpore compiles what lies in files."""
    file = Path(f"{name}.py")
    file.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


if __name__ == "__main__":  # in a process of its own: all programs in real MindSpore
    import warnings

    warnings.simplefilter("ignore")
    from mindspore.nn import Cell

    json.dump({name: played(name, "mindspore", Cell) for name in sys.argv[1:]}, sys.stdout)
