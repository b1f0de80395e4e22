"""The slow, obvious twin of an engine's step: loops over groups and parameters, plain NumPy.

It shares with the engine only what a rule and a decay say of themselves (``element`` and ``scalars``).
Everything else is written here a second time, in the simplest way, and on purpose without a look at
``plan.py`` and ``kernels/run.py``: who takes part, ages and clocks, sign, loss scale, norm and clipping,
centralization, and the order in which sums are added. Equality is exact, so a test compares bytes.

    cases = [Case([np.ones(3)], ADAM, L2, {"lr": 0.1, ...})]
    engine, twin = make(cases), Twin(cases)
    engine.step(grads), twin.step(grads)
    assert_same(engine, twin)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import hypot, inf
from typing import Any

import numpy as np

from calando.clipping import bounded
from calando.decay import DOMAIN as FRONT
from calando.decay import L2, Decay
from calando.engine import Engine
from calando.groups import Group
from calando.hyper import Hyper
from calando.rule import Rule
from calando.rules.halves import L2_IN_STEPS
from factored import played
from lanes import add_blocks, lanes_sum

USUAL = {
    "lr": 0.01,
    "beta1": 0.9,
    "beta2": 0.99,
    "eps": 1e-3,
    "momentum": 0.8,
    "dampening": 0.25,
    "weight_decay": 0.1,
    "lr_power": -0.25,
    "trust_coefficient": 0.02,
    "trust_eps": 1e-5,
}


def usual(rule: Rule, **other: Any) -> dict[str, Any]:
    """Hyperparameters that this rule accepts, weight decay included."""
    names = [*rule.domain, "weight_decay"]
    return {name: USUAL.get(name) or inside(*rule.domain[name]) for name in names} | other


def inside(low: float, high: float) -> float:
    """A number in [low, high), for a hyperparameter that has no usual value."""
    if high == inf:
        return max(low, 0.0) + 0.5
    return (low + high) / 2 if low > -inf else min(high, 0.0) - 0.5


@dataclass
class Case:
    """One group, as a test describes it. A hyperparameter is a number or a function of the step."""

    params: list[np.ndarray]
    rule: Rule
    decay: Decay
    hyper: dict[str, float | Callable[[int], float]]
    maximize: bool = False
    centralize: bool = False
    exempt: frozenset[int] = field(default_factory=frozenset)
    starts: dict[str, float] = field(default_factory=dict)
    slot_dtype: str | None = None  # the engine's; the twin has no other than the parameters'


def make(cases: Sequence[Case], on_nonfinite: str = "train", params: Any = None) -> Engine:
    """The engine that plays these cases, on copies of their parameters (or on ``params``)."""
    params = params or [[p.copy() for p in case.params] for case in cases]
    groups = [
        Group(
            tuple(own),
            tuple(f"p{i}" for i in range(len(own))),
            case.rule,
            case.decay,
            case.maximize,
            case.centralize,
            case.exempt,
            starts=case.starts,
            slot_dtype=case.slot_dtype,
            bounded="clip_value" in case.hyper,
        )
        for case, own in zip(cases, params, strict=True)
    ]
    hypers = [
        Hyper(f"For 'Test', group {n}", {**case.rule.domain, **case.decay.domain, **FRONT}, case.hyper)
        for n, case in enumerate(cases)
    ]
    return Engine(groups, hypers, on_nonfinite)


class Twin:
    """Plays the same cases, one parameter at a time."""

    def __init__(self, cases: Sequence[Case], on_nonfinite: str = "train"):
        self.cases = cases
        self.on_nonfinite = on_nonfinite
        self.clocks = [0 for _ in cases]
        self.params = [[p.copy() for p in case.params] for case in cases]
        self.ages = [[0 for _ in case.params] for case in cases]
        self.memory: list[list[tuple[float, ...]]] = [[() for _ in case.params] for case in cases]
        self.slots: list[list[dict[str, np.ndarray]]] = [[{} for _ in case.params] for case in cases]

    def step(self, grads: Sequence[Sequence[Any]], playing: Sequence[int] | None = None) -> bool:
        numbers = list(range(len(self.cases)) if playing is None else playing)
        given = [(n, i, g) for n, gs in zip(numbers, grads, strict=True) for i, g in enumerate(gs) if g is not None]
        if self.on_nonfinite == "skip" and not all(np.isfinite(g).all() for _, _, g in given):
            return False
        hyper = {
            n: {name: h(self.clocks[n]) if callable(h) else h for name, h in self.cases[n].hyper.items()}
            for n in numbers
        }
        scale = {
            n: (-1.0 if self.cases[n].maximize else 1.0) / values.get("loss_scale", 1.0) for n, values in hyper.items()
        }
        clipped, first = dict(scale), dict.fromkeys(numbers, 1.0)
        for n, values in hyper.items():
            if "max_group_norm" in values:
                norm = self.norm([x for x in given if x[0] == n], scale, first)
                first[n] = min(1.0, values["max_group_norm"] / (norm + 1e-6))
        for n, values in hyper.items():
            last = 1.0
            if "max_norm" in values:
                last = min(1.0, values["max_norm"] / (self.norm(given, scale, first) + 1e-6))
            clipped[n] = scale[n] * (first[n] * last)
        for n, i, g in given:
            self.update(n, i, g, hyper[n], clipped[n])
        for n in numbers:
            self.clocks[n] += 1
        return True

    def update(self, n: int, i: int, g: np.ndarray, hyper: dict[str, float], scale: float) -> None:
        """One parameter, as one array expression."""
        case, p = self.cases[n], self.params[n][i]
        rule = case.rule.flat if case.rule.flat is not None and p.ndim < 2 else case.rule
        self.ages[n][i] += 1
        if i in case.exempt:
            hyper = hyper | {"weight_decay": 0.0}
        loose_sum = loose(case.params[i], rule)
        kind = np.float32 if p.dtype == np.float16 else p.dtype.type
        decay, seen = case.decay, g
        if "clip_value" in hyper:  # the clipped gradient is what is measured and centred
            decay = bounded(decay)
            with np.errstate(all="ignore"):
                seen = np.clip(g.astype(kind) * kind(scale), -kind(hyper["clip_value"]), kind(hyper["clip_value"]))
        norms = [self.length(p, loose_sum), self.length(seen, loose_sum)] if decay.measured else []
        front = decay.scalars(hyper, scale, *norms)
        known = self.memory[n][i]
        if rule.first is not None and self.ages[n][i] == 1:
            known = single(rule.first(hyper))
        own = rule.scalars(hyper, self.ages[n][i], *known)
        if rule.remember is not None:
            self.memory[n][i] = single(rule.remember(hyper, self.ages[n][i], *known))
        if not self.slots[n][i]:
            shapes = dict.fromkeys(rule.slots, p.shape) | (rule.shapes(p.shape) if rule.shapes else {})
            self.slots[n][i] = {s: np.full(shapes[s], case.starts.get(s, 0), p.dtype) for s in rule.slots}
            if rule.inner is not None:
                self.slots[n][i]["ema"] = p.astype(kind)  # float32 for half precision
        slots = self.slots[n][i]
        center = np.zeros((), kind)
        if case.centralize and p.ndim >= 2:
            center = centers(seen, p, case.decay, front[2:] if decay is not case.decay else front, kind)
        with np.errstate(all="ignore"):
            wide = [x.astype(kind) for x in (p, g, *slots.values())]
            q, h = decay.element(wide[0], wide[1], *map(kind, front), center)
            own = list(map(kind, own))
            if rule.measure is not None:
                measured = rule.measure(q, h, *wide[2:], *own)
                found = [self.measured(x, case.centralize, loose_sum) for x in measured]
                own.append(kind(rule.trust(hyper, *found)))
            new = (rule.element if p.dtype == np.float16 else played(rule))(q, h, *wide[2:], *own)
            new = new if isinstance(new, tuple) else (new,)
            for target, result in zip([p, *slots.values()], new, strict=True):
                target[...] = result

    def measured(self, x: np.ndarray, centralize: bool, alone: bool) -> float:
        """The 2-norm of what a rule measures: squares in float64, row by row where rows are centred."""
        y = np.array(x, np.float64, order="C")
        if alone:
            return float(np.sqrt((y * y).sum()))
        rows = y if centralize and y.ndim >= 2 else [y]
        total = 0.0
        for row in rows:
            total = add_blocks(row * row, total)
        return float(np.sqrt(total))

    def length(self, x: np.ndarray, alone: bool) -> float:
        """The 2-norm of a parameter or gradient, with squares beyond float64 taken with care."""
        with np.errstate(all="ignore"):
            y = np.array(x, np.float64, order="C")
            found = float((y * y).sum()) if alone else lanes_sum(y * y)
            root, largest = float(np.sqrt(found)), np.abs(y).max(initial=0.0)
            if x.dtype == np.float64 and 0 < largest < np.inf and not 1e-280 < found < np.inf:
                root = float(largest * np.sqrt(((y / largest) ** 2).sum()))
        return root

    def norm(self, given: list[tuple[int, int, np.ndarray]], scale: dict[int, float], first: dict[int, float]) -> float:
        """The 2-norm of all gradients: summed by parts (dtype, rule, decay), these from first to last."""
        parts: dict[Any, list[float]] = {}
        for case in self.cases:
            for p in case.params:
                parts[(p.dtype, case.rule.name, case.decay.name, loose(p, case.rule))] = []
        for n, i, g in given:
            case, p = self.cases[n], self.cases[n].params[i]
            alone = loose(p, case.rule)
            parts[(p.dtype, case.rule.name, case.decay.name, alone)].append(
                self.length(g, alone) * abs(scale[n]) * first[n]
            )
        return hypot(*(length for found in parts.values() for length in found))


def single(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Numbers as a rule's memory keeps them: rounded to float32."""
    return tuple(float(np.float32(x)) for x in numbers)


def loose(p: np.ndarray, rule: Rule) -> bool:
    """Whether no kernel plays it."""
    return rule.whole or not rule.kernel or not p.flags.c_contiguous


def centers(g: np.ndarray, p: np.ndarray, decay: Decay, front: Any, kind: Any) -> np.ndarray:
    """What centralization subtracts: the mean over each row of what the rule would else be given."""
    found = []
    for row_g, row_p in zip(g, p, strict=True):
        if row_g.size == 0:
            found.append(0.0)
            continue
        mean = lanes_sum(row_g.astype(np.float64)) / row_g.size * front[0]
        if decay.element in (L2.element, L2_IN_STEPS.element):
            mean = mean + lanes_sum(row_p.astype(np.float64)) / row_p.size * front[1]
        if decay.element is L2_IN_STEPS.element:
            mean = mean * front[2]
        found.append(mean)
    return np.array(found, kind).reshape(-1, *[1] * (g.ndim - 1))


def state(engine: Engine) -> list[Any]:
    """All that a step changes, as bytes: parameters, slots, ages and clocks."""
    engine.settle()
    found: list[Any] = [list(engine.clocks)]
    for members in engine.members:
        for m in members:
            found.append((m.param.tobytes(), m.age, {name: slot.tobytes() for name, slot in m.slots.items()}))
    return found


def assert_same(engine: Engine, twin: Twin) -> None:
    """Bit for bit: parameters, slots, ages, clocks."""
    engine.settle()
    assert engine.clocks == twin.clocks
    for n, members in enumerate(engine.members):
        for i, m in enumerate(members):
            assert m.age == twin.ages[n][i], m.place
            theirs = {"p": twin.params[n][i], **(twin.slots[n][i] or dict.fromkeys(m.slots, 0 * m.param))}
            for name, ours in {"p": m.param, **m.slots}.items():
                told = f"{name} of {m.place}"
                assert (ours.shape, ours.dtype) == (theirs[name].shape, theirs[name].dtype), told
                np.testing.assert_array_equal(ours, theirs[name], told)
                assert not np.isfinite(ours).all() or ours.tobytes() == theirs[name].tobytes(), f"{told}: sign of 0"


def noise(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Normal numbers with a wide range of sizes, zeros of both signs included."""
    x = rng.standard_normal(shape) * 10.0 ** rng.integers(-4, 3, shape)
    return np.array(np.where(rng.random(shape) < 0.05, np.copysign(0.0, x), x), dtype)
