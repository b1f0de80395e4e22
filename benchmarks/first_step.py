"""The first step in a new process, with and without the kernel in the cache folder.

Counted is ``optimizer.step()`` alone: it loads Numba, then compiles the kernel or reads it. The imports
of torch and of ``calando.torch`` come before and are told apart.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from tempfile import TemporaryDirectory

from .timing import Row, Wish, say

REPEATS = 5
GOALS = {"not cached": 3.0, "cached": 0.5}
PROGRAM = """
import json
from time import perf_counter
start = perf_counter()
import torch
framework = perf_counter()
from calando.torch import AdamW
imported = perf_counter()
params = [torch.nn.Parameter(torch.ones(1000)) for _ in range(10)]
for p in params:
    p.grad = torch.ones(1000)
optimizer = AdamW(params)
before = perf_counter()
optimizer.step()
after = perf_counter()
print(json.dumps({"torch": framework - start, "calando": imported - framework, "step": after - before}))
"""


def measured(folder: str) -> dict[str, float]:
    """One new process with this cache folder; seconds."""
    environment = {**os.environ, "CALANDO_CACHE_DIR": folder}
    found = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def first_step(wish: Wish) -> Iterator[Row]:
    """Cold and warm."""
    say("first step in a new process")
    found: dict[str, list[dict[str, float]]] = {"not cached": [], "cached": []}
    for _ in range(REPEATS):
        with TemporaryDirectory() as folder:
            for which in found:
                found[which].append(measured(folder))
    for which, goal in GOALS.items():
        step, imports, torch = (median(x[part] for x in found[which]) for part in ("step", "calando", "torch"))
        before = f"import calando.torch {imports:.2f} s (after torch, {torch:.1f} s)"
        yield Row(f"first step, kernel {which}", before, f"{step:.2f} s", "", step, goal, "s", others=float("nan"))
