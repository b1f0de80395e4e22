"""Which rules and manners of decay MindSpore computes in its own way, by dtype: what its formulas have here instead.

float64 and bfloat16 have none, nor has what MindSpore does not know: then numbers are computed as everywhere.
"""

from collections.abc import Mapping
from typing import Any

from .average import averaged
from .choices import NARROW, Options
from .rule import Rule
from .rules.halves import IN_HALVES
from .rules.singles import IN_SINGLE

DIALECTS: Mapping[str, Mapping[Any, Any]] = {"float32": IN_SINGLE, "float16": IN_HALVES}


def dialects(options: Options) -> Mapping[str, Mapping[Any, Any]]:
    """dtype → what is written → what is played, as ``groups.Group`` takes it."""
    if options.rounding is not None or options.slot_dtype in NARROW:
        return {}
    found = {dtype: DIALECTS[dtype] for dtype in DIALECTS if dtype == "float32" or options.slot_dtype is None}
    if options.ema is None:
        return found
    return {dtype: {behind(x): behind(y) for x, y in own.items()} for dtype, own in found.items()}


def behind(x: Any) -> Any:
    """A rule with the average behind it; a manner of decay as it is."""
    return averaged(x) if isinstance(x, Rule) else x
