"""PyTorch's schedulers in closed form: as a schedule of calando's, and as plain Python where that is short."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..reading.rhythm import grouped


@dataclass(frozen=True)
class Closed:
    """One scheduler's values, counted in its own steps.

    Args:
        rate: the learning rate as an expression of ``calando.schedules``; ``{S}`` stands for the module.
        plain: the learning rate as a Python expression of the count ``{k}``; empty where it would be long.
        momentum: the momentum, where the scheduler moves it too, like ``rate``.
        guide: a function of ``mindspore.nn`` that makes the same list; ``{total}`` and ``{epoch}`` are steps.
        each: the learning rate of each group by itself, where they differ in more than the rate they start from.
    """

    rate: str
    plain: str = ""
    momentum: str = ""
    guide: str = ""
    each: tuple[str, ...] = ()


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
    if name == "ChainedScheduler":
        return chained(base, parts)
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
    falls = f"{grouped(gamma)} ** sum(epoch >= m for m in {grouped(milestones)})"
    return Closed(f"{grouped(base)} * {{S}}.Function(lambda epoch: {falls})", plain)


def exponential(said: Mapping[str, str], base: str) -> Closed:
    gamma = said["gamma"]
    return Closed(
        f"{{S}}.Exponential({base}, {gamma})",
        f"{grouped(base)} * {grouped(gamma)} ** {{k}}",
        guide=f"exponential_decay_lr({base}, {gamma}, {{total}}, {{epoch}}, 1, is_stair=True)",
    )


def cosine(said: Mapping[str, str], base: str) -> Closed:
    return Closed(f"{{S}}.CosineWave({base}, {said['eta_min']}, steps={said['T_max']})")


def restarts(said: Mapping[str, str], base: str) -> Closed:
    growth = said["T_mult"]
    return Closed(f"{{S}}.WarmRestarts({base}, {said['eta_min']}, steps={said['T_0']}, growth={growth})")


def linear(said: Mapping[str, str], base: str) -> Closed:
    start, end = times(base, said["start_factor"]), times(base, said["end_factor"])
    return Closed(f"{{S}}.Linear({start}, {end}, steps={said['total_iters']})")


def steady(said: Mapping[str, str], base: str) -> Closed:
    start = times(base, said["factor"])
    return Closed(f"{{S}}.Constant({start}, steps={said['total_iters']}).then({base})")


def polynomial(said: Mapping[str, str], base: str) -> Closed:
    return Closed(f"{{S}}.Polynomial({base}, 0.0, steps={said['total_iters']}, power={said['power']})")


def function(said: Mapping[str, str], base: str) -> Closed:
    listed = ast.parse(said["lr_lambda"], mode="eval").body
    if isinstance(listed, (ast.List, ast.Tuple)):
        each = tuple(f"{grouped(base)} * {{S}}.Function({ast.unparse(call)})" for call in listed.elts)
        return Closed(each[0], each=each)
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


def alike(*texts: str) -> None:
    """Raise Open for numbers that are said for each group."""
    for text in texts:
        if isinstance(ast.parse(text, mode="eval").body, (ast.List, ast.Tuple, ast.ListComp)):
            raise Open("it has numbers for each group; give each group its own schedule")


def one_cycle(said: Mapping[str, str], base: str) -> Closed:
    steps = said["total_steps"]
    if steps == "None":
        steps = f"{grouped(said['epochs'])} * {grouped(said['steps_per_epoch'])}"
    peak, low, high = said["max_lr"], said["base_momentum"], said["max_momentum"]
    alike(peak)
    for flag in ("cycle_momentum", "three_phase"):
        if said[flag] not in ("True", "False"):
            raise Open(f"{flag} is chosen at run time")
    linear = "True" if ast.literal_eval(said["anneal_strategy"]) == "linear" else ""
    rest = f"steps={steps}, rise={said['pct_start']}" + (", linear=True" if linear else "")
    rest += ", three_phase=True" if said["three_phase"] == "True" else ""
    start = f"{grouped(peak)} / {grouped(said['div_factor'])}"
    end = f"{start} / {grouped(said['final_div_factor'])}"
    moved = f"{{S}}.OneCycle({high}, {low}, {high}, {rest})" if said["cycle_momentum"] == "True" else ""
    return Closed(f"{{S}}.OneCycle({start}, {peak}, {end}, {rest})", momentum=moved)


def cyclic(said: Mapping[str, str], base: str) -> Closed:
    mode = said["mode"].strip("'\"")
    if said["scale_fn"] != "None" or mode not in ("triangular", "triangular2", "exp_range"):
        raise Open("its scale_fn, or a mode that is chosen at run time, has no closed form here")
    if said["cycle_momentum"] not in ("True", "False"):
        raise Open("cycle_momentum is chosen at run time")
    down = "" if said["step_size_down"] == "None" else f", down={said['step_size_down']}"
    shape = f"up={said['step_size_up']}{down}"
    high, low = said["max_momentum"], said["base_momentum"]
    alike(said["base_lr"], said["max_lr"])
    up = said["step_size_up"]
    whole = f"{grouped(up)} + {grouped(up if not down else said['step_size_down'])}"
    damping = {
        "triangular": "",
        "triangular2": f"{{S}}.Exponential(1.0, 0.5, steps={whole}, staircase=True)",
        "exp_range": f"{{S}}.Exponential(1.0, {said['gamma']})",
    }[mode]

    def wave(start: str, peak: str) -> str:
        if not damping:
            return f"{{S}}.Cyclic({start}, {peak}, {shape})"
        return f"{start} + ({grouped(peak)} - {grouped(start)}) * {{S}}.Cyclic(0.0, 1.0, {shape}) * {damping}"

    moved = wave(high, low) if said["cycle_momentum"] == "True" else ""
    return Closed(wave(said["base_lr"], said["max_lr"]), momentum=moved)


def sequential(said: Mapping[str, str], parts: tuple[Closed, ...]) -> Closed:
    listed = ast.parse(said["milestones"], mode="eval").body
    if not isinstance(listed, (ast.List, ast.Tuple)) or len(listed.elts) + 1 != len(parts):
        raise Open("its milestones are not written as a list")
    rate = parts[0].rate
    for part, milestone in zip(parts[1:], listed.elts, strict=True):
        rate = f"{grouped(rate)}.then({part.rate}, after={ast.unparse(milestone)})"
    return Closed(rate)


RATIOS = ("StepLR", "MultiStepLR", "ExponentialLR", "LinearLR", "ConstantLR", "PolynomialLR", "MultiplicativeLR")


def chained(base: str, parts: tuple[Closed, ...]) -> Closed:
    """The product of what schedulers multiply the rate by; ``parts`` start from 1."""
    return Closed(" * ".join([grouped(base), *(f"({part.rate})" for part in parts)]))


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
    "ChainedScheduler": chained,
}
WHY = {
    "ReduceLROnPlateau": "ReduceLROnPlateau depends on what is measured in training, so no schedule can know it",
}
