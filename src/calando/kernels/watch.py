"""The same update, which also adds up what one looks at to choose a learning rate.

    gradient    Σ h²            h: the gradient as the rule sees it (scaled, clipped, decayed, centred)
    update      Σ (q - p)²      p before and q after the update
    weights     Σ q²
    odd         how many gradients are infinite or not a number

One row of float64 per chunk, summed in interleaved lanes as in ``sums``; the update itself is the same
to the last bit, and no other pass over memory is made.
"""

from collections.abc import Callable
from functools import cache, partial
from textwrap import indent

from ..decay import Decay
from ..rule import Rule
from .compile import STORED, header, load, number, pieces, steps
from .sums import LANES, folding

SUMS = 4

LOOP = """
@njit(
    void(
        uint64[:, ::1], int64[::1], int64[::1], {dtype}[::1], {dtype}[:, ::1], int64, int64, float64[:, ::1]
    ),
    error_model="numpy", nogil=True, cache={cache},
)
def kernel(address, length, row, center, scalars, start, stop, out):
    lane0, lane1 = np.empty({lanes}, np.float64), np.empty({lanes}, np.float64)
    lane2, lane3 = np.empty({lanes}, np.float64), np.empty({lanes}, np.float64)
    for c in range(start, stop):
        size, line, mean = length[c], row[c], center[c]
{views}
{numbers}
        lane0[:] = 0
        lane1[:] = 0
        lane2[:] = 0
        lane3[:] = 0
        whole = size // {lanes} * {lanes}
        for k in range(0, whole, {lanes}):
            for j in range({lanes}):
                i = k + j
{inner}
        for i in range(whole, size):
            j = i - whole
{rest}
{fold}
        out[c, 0] += lane0[0]
        out[c, 1] += lane1[0]
        out[c, 2] += lane2[0]
        out[c, 3] += lane3[0]
        length[c] = 0
"""


def source(rule: Rule, decay: Decay, dtype: str, slot_dtype: str, cache: bool = True, zeroing: bool = False) -> str:
    """The text of the watching kernel's module for one rule, one decay and the dtypes of memory."""
    words = pieces(rule, decay, dtype, slot_dtype)
    lines = [
        f"before, raw = {words['p']}, {words['g']}",
        *steps(rule, dtype, slot_dtype, words, named=True),
        "far = float64(new0) - float64(before)",
        "lane0[j] += float64(slope) * float64(slope)",
        "lane1[j] += far * far",
        "lane2[j] += float64(new0) * float64(new0)",
        "lane3[j] += float64(0) if raw - raw == zero else float64(1)",
        *[f"g_[i] = {STORED[dtype]}(0)"] * zeroing,
    ]
    head = header((rule.inner or rule).element, rule, decay, dtype, slot_dtype)
    return head.replace("from math", "import numpy as np\nfrom math") + LOOP.format(
        dtype=number(dtype),
        cache=cache,
        lanes=LANES,
        views=words["views"],
        numbers=indent("\n".join(words["loads"]), " " * 8),
        inner=indent("\n".join(lines), " " * 16),
        rest=indent("\n".join(lines), " " * 12),
        fold="\n".join(folding(f"lane{i}", 2) for i in range(SUMS)),
    )


@cache
def kernel(rule: Rule, decay: Decay, dtype: str, slot_dtype: str, zeroing: bool = False) -> Callable[..., None]:
    """The compiled kernel ``(address, length, row, center, scalars, start, stop, out)``."""
    kinds = dtype if slot_dtype == dtype else f"{dtype}_{slot_dtype}"
    text = partial(source, rule, decay, dtype, slot_dtype, zeroing=zeroing)
    return load(f"watch_{rule.name}_{decay.element.__name__}_{kinds}{'_zeroing' * zeroing}", text)
