"""Every rule that has a kernel against its own memory floor, on the tensors of ResNet-50.

The rules are taken from the registry, so a new one is measured without being asked. They are played by the
engine on torch tensors, without a front end around it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from calando.decay import DECOUPLED, INSIDE, L2, Decay
from calando.decay import DOMAIN as FRONT
from calando.engine import Engine
from calando.groups import Group
from calando.hyper import Hyper
from calando.rule import Rule
from calando.rules import RULES
from calando.rules.adam import ADAM
from calando.rules.lars import LARS
from calando.rules.sgd import SGD_MOMENTUM
from calando.show.explain import alone
from calando.show.traffic import Traffic

from .shapes import MODELS, Shapes, elements
from .sides import slopes, start
from .timing import Floor, Row, Wish, compared, interleaved, say

ONE, TWO = 1.25, 1.35  # the goals: one pass, two passes
MAX_NORM = {"max_norm": 10.0}


@dataclass(frozen=True)
class Case:
    """One rule with what stands in front of it."""

    name: str
    rule: Rule
    decay: Decay
    more: Mapping[str, float] | None = None
    centered: bool = False

    @property
    def traffic(self) -> Traffic:
        """What a step must move."""
        return Traffic.of(self.rule, self.decay, clipped=bool(self.more), centered=self.centered)


def cases() -> Iterator[Case]:
    """All rules, then what needs sums of other kinds."""
    for rule in RULES.values():
        if rule.kernel and not rule.whole:
            yield Case(rule.name, rule, INSIDE if "weight_decay" in rule.domain else L2)
    yield Case("sgd_momentum, LARS", SGD_MOMENTUM, LARS)
    yield Case("adam, max_norm", ADAM, DECOUPLED, MAX_NORM)
    yield Case("sgd_momentum, max_norm", SGD_MOMENTUM, L2, MAX_NORM)
    yield Case("adam, centralized", ADAM, DECOUPLED, centered=True)
    yield Case("sgd_momentum, centralized", SGD_MOMENTUM, L2, centered=True)


class Played:
    """A rule on parameters of its own."""

    def __init__(self, case: Case, shapes: Shapes, gradients: list[torch.Tensor]):
        about = alone(case.rule)
        domain = {**case.rule.domain, **case.decay.domain, **FRONT}
        values: dict[str, Any] = {**dict.fromkeys(case.decay.domain, 0.01), **about.values, **(case.more or {})}
        params = tuple(map(torch.from_numpy, start(shapes)))
        names = tuple(map(str, range(len(params))))
        group = Group(params, names, case.rule, case.decay, centralize=case.centered)
        self.engine = Engine([group], [Hyper(case.name, domain, values)])
        self.given = [gradients]

    def step(self) -> None:
        """One update."""
        self.engine.step(self.given)


def rules(wish: Wish) -> Iterator[Row]:
    """Each rule against its floor."""
    shapes = MODELS["ResNet-50"]()
    size = elements(shapes)
    gradients = list(map(torch.from_numpy, slopes(shapes)))
    for case in cases():
        moved = case.traffic
        say(f"{case.name}: {moved.total} bytes per parameter")
        floor = Floor(moved.held // 4, size)
        times = interleaved({"ours": Played(case, shapes, gradients).step, "floor": floor.add}, wish.rounds)
        bound = floor.seconds(times["floor"], moved.total * size)
        speed = floor.moved / float(np.median(times["floor"])) / 1e9
        told = f"memory floor: {moved.total} bytes per parameter at {speed:.1f} GB/s"
        goal, section = (TWO, "floor, two passes") if moved.first_reads else (ONE, "floor, one pass")
        yield compared(f"{case.name}, ResNet-50", told, times["ours"], bound, goal, section, case.name)
