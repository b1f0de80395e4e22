"""What a rule's kernels cost before the first step: compiled from nothing, and read from the cache folder.

One new process compiles every rule into an empty folder, the next one reads them; Numba's own import comes
before and is told apart, and so is the first kernel of all, with which Numba gets ready. Times are of the processor, so
other work on the machine does not count. What a user waits for in all is the row ``first_step``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from tempfile import TemporaryDirectory

import numpy as np

from .timing import Row, Wish, say

COLD, WARM = 2.0, 0.3  # seconds, the goals
PROGRAM = """
import json
from time import process_time
start = process_time()
import numba
found = {"numba": process_time() - start}
from calando.decay import INSIDE, L2
from calando.kernels import compile, measure, sums
from calando.rules import RULES
start = process_time()
sums.kernel("squares", "float32")
found["first"] = process_time() - start
for rule in RULES.values():
    if rule.kernel and not rule.whole:
        decay = INSIDE if "weight_decay" in rule.domain else L2
        start = process_time()
        compile.kernel(rule, decay, "float32")
        if rule.measure is not None:
            measure.kernel(rule, decay, "float32", "float32")
        found[f"rule {rule.name}"] = process_time() - start
print(json.dumps(found))
"""


def compiling(wish: Wish) -> Iterator[Row]:
    """Cold and warm, the slowest rule of each."""
    say("compiling every rule, and reading it from the cache")
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "CALANDO_CACHE_DIR": folder}
        for which, goal in (("compiled from nothing", COLD), ("read from the cache", WARM)):
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
            )
            found = json.loads(done.stdout)
            times = {name.removeprefix("rule "): t for name, t in found.items() if name.startswith("rule ")}
            slowest = max(times, key=times.__getitem__)
            told = f"{len(times)} rules, median {np.median(list(times.values())):.2f} s, slowest {slowest}"
            told += f"; before them import numba {found['numba']:.2f} s, the first kernel {found['first']:.2f} s"
            figure = times[slowest]
            yield Row(f"a rule's kernel, {which}", told, f"{figure:.2f} s", "", figure, goal, "s", others=float("nan"))
