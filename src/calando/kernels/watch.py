"""The same update, which also adds up what one looks at to choose a learning rate.

    gradient    Σ h²            h: the gradient as the rule sees it (scaled, clipped, decayed, centred)
    update      Σ (q - p)²      p before and q after the update
    weights     Σ q²
    odd         how many gradients are infinite or not a number

One row of float64 per chunk, summed in interleaved lanes as in ``sums``; the update itself is the same
to the last bit, and no other pass over memory is made.
"""

from functools import cache, partial

from ..decay import Decay
from ..rule import Rule
from ..stored import noisy
from .compile import kinds, load
from .entry import Entry, loop
from .source import header, inset, looped, number, pieces, steps, tables, zeros
from .sums import LANES, folding

SUMS = 4

CHUNK = """\
    size, line, mean = length[c], row[c], center[c]
{views}
{numbers}
    lane0[:] = 0
    lane1[:] = 0
    lane2[:] = 0
    lane3[:] = 0
{loop}
{fold}
    out[c, 0] += lane0[0]
    out[c, 1] += lane1[0]
    out[c, 2] += lane2[0]
    out[c, 3] += lane3[0]
    length[c] = 0
"""

EACH = """\
    whole_lanes = size // {lanes} * {lanes}
    for k in range(0, whole_lanes, {lanes}):
        for j in range({lanes}):
            i = k + j
{inner}
    for i in range(whole_lanes, size):
        j = i - whole_lanes
{rest}
"""

SUMMED = (
    "far = float64(new0) - float64(before)",
    "lane0[j] += float64(slope) * float64(slope)",
    "lane1[j] += far * far",
    "lane2[j] += float64(new0) * float64(new0)",
    "lane3[j] += float64(0) if raw - raw == zero else float64(1)",
)


def source(
    rule: Rule,
    decay: Decay,
    dtype: str,
    slot_dtype: str,
    cache: bool = True,
    way: str | None = None,
    zeroing: bool = False,
) -> str:
    """The text of the watching kernel's module for one rule, one decay and the dtypes and rounding of memory."""
    words = pieces(rule, decay, dtype, slot_dtype, way)
    lines = [f"before, raw = {words['p']}, {words['g']}", *steps(rule, dtype, words, way, named=True)]
    lines += [f"j = i % {LANES}"] if words["coded"] else []  # a block is so many rounds of lanes
    lines += [*SUMMED, *zeros(dtype, zeroing)]
    each = EACH.format(lanes=LANES, inner=inset(3, lines), rest=inset(2, lines))
    chunk = CHUNK.format(
        views=words["views"],
        numbers=inset(1, words["noise"] + words["loads"]),
        loop=looped(rule, words, lines) if words["coded"] else each,
        fold="\n".join(folding(f"lane{i}", 1) for i in range(SUMS)),
    )
    lanes = [f"lane{i} = np.empty({LANES}, np.float64)" for i in range(SUMS)]
    given = {**tables(number(dtype), noisy(dtype, slot_dtype, way)), "out": ("float64", 2)}
    head = header((rule.inner or rule).element, rule, decay, dtype, slot_dtype, way)
    return head + loop(given, chunk, [*lanes, *words["held"]], cache)


@cache
def kernel(
    rule: Rule, decay: Decay, dtype: str, slot_dtype: str, way: str | None = None, zeroing: bool = False
) -> Entry:
    """The compiled kernel: as in ``compile``, and a last table ``out``, float64 (chunks, 4)."""
    text = partial(source, rule, decay, dtype, slot_dtype, way=way, zeroing=zeroing)
    return Entry(load(f"watch_{rule.name}_{decay.element.__name__}_{kinds(dtype, slot_dtype, way, zeroing)}", text))
