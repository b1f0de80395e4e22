"""PyTorch's schedulers in closed form: as a schedule of calando's, and as plain Python where that is short."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .rhythm import grouped


@dataclass(frozen=True)
class Closed:
    """One scheduler's values, counted in its own steps.

    Args:
        rate: the learning rate as an expression of ``calando.schedules``; ``{S}`` stands for the module.
        plain: the learning rate as a Python expression of the count ``{k}``; empty where it would be long.
        momentum: the momentum, where the scheduler moves it too, like ``rate``.
        scales: whether it multiplies each group's own rate.
        guide: a function of ``mindspore.nn`` that makes the same list; ``{total}`` and ``{epoch}`` are steps.
    """

    rate: str
    plain: str = ""
    momentum: str = ""
    scales: bool = True
    guide: str = ""


class Open(Exception):
    """A scheduler that has no closed form; the message says why."""


def closed(name: str, said: Mapping[str, str], base: str, parts: tuple[Closed, ...] = ()) -> Closed:
    """The closed form of one scheduler.

    Args:
        name: its class in ``torch.optim.lr_scheduler``.
        said: its arguments as they are written, defaults included.
        base: the learning rate it starts from, as it is written.
        parts: for SequentialLR, the closed forms of its schedulers.

    Raises:
        Open: it has none.
    """
    form = FORMS.get(name)
    if form is None:
        raise Open(WHY.get(name, f"{name} has no closed form here"))
    if name == "SequentialLR":
        return sequential(said, parts)
    return form(said, base)


def times(first: str, second: str) -> str:
    """A product as it is written; a factor of one is left out."""
    for one, other in ((first, second), (second, first)):
        if number(one) == 1:
            return other
    return f"{grouped(first)} * {grouped(second)}"


def number(text: str) -> float | None:
    """The number that a text is; None where it is none."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return float(value) if isinstance(value, (int, float)) else None


def step(said: Mapping[str, str], base: str) -> Closed:
    size, gamma = said["step_size"], said["gamma"]
    if number(size) == 1:
        return exponential(said, base)
    return Closed(
        f"{{S}}.Exponential({base}, {gamma}, steps={size}, staircase=True)",
        f"{grouped(base)} * {grouped(gamma)} ** ({{k}} // {grouped(size)})",
        guide=f"exponential_decay_lr({base}, {gamma}, {{total}}, {{epoch}}, {size}, is_stair=True)",
    )


def multi_step(said: Mapping[str, str], base: str) -> Closed:
    milestones, gamma = said["milestones"], said["gamma"]
    plain = f"{grouped(base)} * {grouped(gamma)} ** sum({{k}} >= m for m in {grouped(milestones)})"
    listed = ast.parse(milestones, mode="eval").body
    found = [number(ast.unparse(x)) for x in listed.elts] if isinstance(listed, (ast.List, ast.Tuple)) else [None]
    known = [x for x in found if x is not None]
    if known and len(known) == len(found) and known == sorted(set(known)) and known[0]:
        values = ", ".join(
            times(base, f"{grouped(gamma)} ** {n}" if n > 1 else gamma) for n in range(1, len(known) + 1)
        )
        return Closed(f"{{S}}.Piecewise([{base}, {values}], boundaries={milestones})", plain)
    return Closed(f"{{S}}.Function(lambda epoch: {plain.format(k='epoch')})", plain)


def exponential(said: Mapping[str, str], base: str) -> Closed:
    gamma = said["gamma"]
    return Closed(
        f"{{S}}.Exponential({base}, {gamma})",
        f"{grouped(base)} * {grouped(gamma)} ** {{k}}",
        guide=f"exponential_decay_lr({base}, {gamma}, {{total}}, {{epoch}}, 1, is_stair=True)",
    )


def cosine(said: Mapping[str, str], base: str) -> Closed:
    return Closed(f"{{S}}.CosineWave({base}, {said['eta_min']}, steps={said['T_max']})", scales=False)


def restarts(said: Mapping[str, str], base: str) -> Closed:
    growth = said["T_mult"]
    return Closed(f"{{S}}.WarmRestarts({base}, {said['eta_min']}, steps={said['T_0']}, growth={growth})", scales=False)


def linear(said: Mapping[str, str], base: str) -> Closed:
    start, end = times(base, said["start_factor"]), times(base, said["end_factor"])
    return Closed(f"{{S}}.Linear({start}, {end}, steps={said['total_iters']})")


def steady(said: Mapping[str, str], base: str) -> Closed:
    start = times(base, said["factor"])
    return Closed(f"{{S}}.Constant({start}, steps={said['total_iters']}).then({base})")


def polynomial(said: Mapping[str, str], base: str) -> Closed:
    return Closed(f"{{S}}.Polynomial({base}, 0.0, steps={said['total_iters']}, power={said['power']})")


def function(said: Mapping[str, str], base: str) -> Closed:
    call = one_function(said)
    rate = f"{{S}}.Function({call})"
    return Closed(rate if number(base) == 1 else f"{grouped(base)} * {rate}", times(base, f"{grouped(call)}({{k}})"))


def multiplicative(said: Mapping[str, str], base: str) -> Closed:
    return Closed(f"{{S}}.CumulativeProduct({base}, {{S}}.Function({one_function(said)}))")


def one_function(said: Mapping[str, str]) -> str:
    call = said["lr_lambda"]
    if isinstance(ast.parse(call, mode="eval").body, (ast.List, ast.ListComp, ast.Tuple)):
        raise Open("it has a function for each group; give each group its own schedule")
    return call


def one_cycle(said: Mapping[str, str], base: str) -> Closed:
    steps = said["total_steps"]
    if steps == "None":
        steps = f"{grouped(said['epochs'])} * {grouped(said['steps_per_epoch'])}"
    peak, low, high = said["max_lr"], said["base_momentum"], said["max_momentum"]
    for flag in ("cycle_momentum", "three_phase"):
        if said[flag] not in ("True", "False"):
            raise Open(f"{flag} is chosen at run time")
    linear = "True" if ast.literal_eval(said["anneal_strategy"]) == "linear" else ""
    rest = f"steps={steps}, rise={said['pct_start']}" + (", linear=True" if linear else "")
    rest += ", three_phase=True" if said["three_phase"] == "True" else ""
    start = f"{grouped(peak)} / {grouped(said['div_factor'])}"
    end = f"{start} / {grouped(said['final_div_factor'])}"
    moved = f"{{S}}.OneCycle({high}, {low}, {high}, {rest})" if said["cycle_momentum"] == "True" else ""
    return Closed(f"{{S}}.OneCycle({start}, {peak}, {end}, {rest})", momentum=moved, scales=False)


def cyclic(said: Mapping[str, str], base: str) -> Closed:
    if said["scale_fn"] != "None" or said["mode"] not in ("'triangular'", '"triangular"'):
        raise Open("only its mode 'triangular' has a closed form here")
    if said["cycle_momentum"] not in ("True", "False"):
        raise Open("cycle_momentum is chosen at run time")
    down = "" if said["step_size_down"] == "None" else f", down={said['step_size_down']}"
    shape = f"up={said['step_size_up']}{down}"
    high, low = said["max_momentum"], said["base_momentum"]
    moved = f"{{S}}.Cyclic({high}, {low}, {shape})" if said["cycle_momentum"] == "True" else ""
    return Closed(f"{{S}}.Cyclic({said['base_lr']}, {said['max_lr']}, {shape})", momentum=moved, scales=False)


def sequential(said: Mapping[str, str], parts: tuple[Closed, ...]) -> Closed:
    listed = ast.parse(said["milestones"], mode="eval").body
    if not isinstance(listed, (ast.List, ast.Tuple)) or len(listed.elts) + 1 != len(parts):
        raise Open("its milestones are not written as a list")
    rate = parts[0].rate
    for part, milestone in zip(parts[1:], listed.elts, strict=True):
        rate = f"{rate}.then({part.rate}, after={ast.unparse(milestone)})"
    return Closed(rate, scales=all(part.scales for part in parts))


FORMS: dict[str, Any] = {
    "StepLR": step,
    "MultiStepLR": multi_step,
    "ExponentialLR": exponential,
    "CosineAnnealingLR": cosine,
    "CosineAnnealingWarmRestarts": restarts,
    "LinearLR": linear,
    "ConstantLR": steady,
    "PolynomialLR": polynomial,
    "LambdaLR": function,
    "MultiplicativeLR": multiplicative,
    "OneCycleLR": one_cycle,
    "CyclicLR": cyclic,
    "SequentialLR": sequential,
}
WHY = {
    "ReduceLROnPlateau": "ReduceLROnPlateau depends on what is measured in training, so no schedule can know it",
    "ChainedScheduler": "ChainedScheduler multiplies what other schedulers have done; write it as one schedule",
}
