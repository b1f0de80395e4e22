"""The rows of scalars that the kernels of one step read: one for each group and age, or for each member with norms.

scalars(part, values, scales, gradients)    the decay's numbers, then the rule's, in float64
learned(part, values)                       what a rule that remembers numbers knows after the step
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from .kernels.run import lengths
from .plan import Part
from .rule import Rule

MACHINE_EPSILON = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}

Values = Mapping[int, Mapping[str, float]]


def scalars(
    part: Part, values: Values, scales: Mapping[int, float], gradients: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, list[Callable[..., float]]]:
    """What a part's kernel reads: the numbers, float64 (rows, n), which row each member reads, and trusts."""
    rule, decay = part.key.rule, part.key.decay
    kinds, index = part.kinds()
    norms: list[tuple[float, ...]] = [()] * len(kinds)
    if decay.measured:  # then every member has a row of its own
        kinds = [kinds[row] for row in index[part.present].tolist()]
        if decay.inner is not None:
            pairs = [(scales[group], values[group]["clip_value"]) for group, *_ in kinds]
            gradients = lengths(part, clips=np.array(pairs).T)
        norms = list(zip(lengths(part, weights=True).tolist(), gradients.tolist(), strict=True))  # type: ignore[union-attr]
        index = np.cumsum(part.present) - 1
    rows: list[list[float]] = []
    trusts: list[Callable[..., float]] = []
    for (group, exempt, age, memory), norm in zip(kinds, norms, strict=True):
        hyper = values[group] if not exempt else {**values[group], "weight_decay": 0.0}
        if rule.whole:
            hyper = {**hyper, "machine_epsilon": MACHINE_EPSILON[part.key.dtype]}
        known = recalled(rule, hyper, age, memory)
        rows.append([*decay.scalars(hyper, scales[group], *norm), *rule.scalars(hyper, age, *known)])
        if rule.trust is not None:
            trusts.append(partial(rule.trust, hyper))
    return np.array(rows), index, trusts


def recalled(rule: Rule, hyper: Mapping[str, float], age: int, memory: tuple[float, ...]) -> tuple[float, ...]:
    """What a rule remembers before this update, rounded as it is kept."""
    if age > 1 or rule.first is None:
        return memory
    return tuple(np.array(rule.first(hyper), np.float32).tolist())


def learned(part: Part, values: Values) -> list[tuple[float, ...]]:
    """What each row of a part remembers after this update."""
    rule = part.key.rule
    if rule.remember is None:
        return [()] * len(part.kinds()[0])
    found = []
    for group, _, age, memory in part.kinds()[0]:
        known = recalled(rule, values[group], age, memory)
        found.append(rule.remember(values[group], age, *known))
    return found


def reads_norms(part: Part) -> bool:
    """Whether the norms of a part's gradients, as they are given, enter its decay."""
    return part.key.decay.measured and part.key.decay.inner is None
