"""Memory that a step takes beyond parameters, gradients and slots: AdamW on GPT-2 small, in a new process.

The larger of two measurements. *Resident*: the growth of the process's highest resident size, over later
steps, and over the first step after taking off the slots made there. *Traced*: what Python and NumPy had
at most at once during a later step, by ``tracemalloc``.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .shapes import elements, gpt2
from .timing import Row, Wish, say

GOAL = 1.0  # percent of the parameters' bytes
SLOTS = 2


def measured(max_norm: float | None) -> dict[str, float]:
    """Bytes, measured in this process."""
    import tracemalloc

    import torch

    from calando.torch import AdamW

    def parameters(shapes: list[tuple[int, ...]]) -> list[torch.nn.Parameter]:
        made = [torch.nn.Parameter(torch.ones(shape)) for shape in shapes]
        for p in made:
            p.grad = torch.ones_like(p)
        return made

    AdamW(parameters([(1000, 1000)]), max_norm=max_norm).step()  # loads Numba, the kernels and the threads
    params = parameters(gpt2())
    optimizer = AdamW(params, max_norm=max_norm)
    built = highest()
    optimizer.step()
    first = highest()
    for _ in range(3):
        optimizer.step()
    later = highest()
    tracemalloc.start()
    optimizer.step()
    _, traced = tracemalloc.get_traced_memory()
    slots = SLOTS * sum(p.nbytes for p in params)
    return {"first step": first - built - slots, "later steps": later - first, "traced": traced}


def highest() -> int:
    """The highest resident size of this process so far, in bytes.

    Linux hands ``ru_maxrss`` down from the parent, which may have been larger; VmHWM is this program's own.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def extra(wish: Wish) -> Iterator[Row]:
    """With and without clipping."""
    size = 4 * elements(gpt2())
    for title, max_norm in (("", None), (", max_norm", 1.0)):
        work = f"AdamW, GPT-2 small{title}: extra memory in a step"
        say(work)
        program = f"import json; from benchmarks.memory import measured; print(json.dumps(measured({max_norm})))"
        found = json.loads(
            subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        )
        parts = ", ".join(f"{name} {value / 1e6:.2f} MB" for name, value in found.items())
        most = max(found.values())
        told = f"the parameters' {size / 1e6:.0f} MB; {parts}"
        yield Row(work, told, f"{most / 1e6:.2f} MB", "", 100 * most / size, GOAL, "%", others=float("nan"))
