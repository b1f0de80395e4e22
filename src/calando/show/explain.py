"""What an optimizer does, said on one page: its rule, sources, slots, hyperparameters, kernel and bytes.

An optimizer is asked for by its class (``AdamW``, ``mindspore.Lamb``) or by its rule (``rule.nadam``), with
any arguments that choose another rule (``momentum=0.9``). It is built on a small array, and what is said is
read off the built one.
"""

from __future__ import annotations

import sys
from ast import literal_eval
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from inspect import Parameter, isclass, signature
from math import inf
from textwrap import fill
from typing import Any

import numpy as np

from ..average import averaged
from ..clipping import bounded
from ..decay import DOMAIN as FRONT
from ..decay import INSIDE, L2, Decay
from ..engine import Engine
from ..groups import Group
from ..hyper import Hyper, interval, is_number
from ..kernels import measure
from ..kernels.ahead import nothing
from ..kernels.pool import threads
from ..kernels.source import HALF, source
from ..rule import Rule
from ..rules import RULES
from ..stored import slots_as
from .floor import Measured, measured
from .traffic import Traffic

ROOMS = {"torch": "calando.torch", "mindspore": "calando.mindspore.nn", "rule": "calando.rules"}
SPELLED = {"calando.torch.": "torch.", "torch.optim.": "torch.", "calando.mindspore.nn.": "mindspore.",
           "mindspore.nn.": "mindspore.", "nn.": "mindspore."}  # fmt: skip
USUAL = {"learning_rate": 1e-3, "momentum": 0.9}  # for arguments that have no default
# For a rule alone.
MIDDLE = {"lr": 1e-3, "momentum": 0.9, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "lr_power": -0.5, "beta2_decay": -0.8}


@dataclass(frozen=True)
class Subject:
    """What is explained.

    Args:
        title: its full name.
        engine: one built over a small array.
        values: hyperparameter as the user spells it → what stands there when nothing is said.
        domain: our name → [low, high).
        spelling: the user's name → ours, or a tuple of ours.
        stored: slot → its name in the framework's state.
        kin: other things of the same name.
        usual: whether the values are what stands there when nothing is said; else they are only fit to be measured.
    """

    title: str
    engine: Engine
    values: Mapping[str, Any]
    domain: Mapping[str, tuple[float, float]]
    spelling: Mapping[str, str | tuple[str, ...]]
    stored: Mapping[str, str]
    kin: tuple[str, ...]
    usual: bool = True

    @property
    def group(self) -> Group:
        """The one group of the engine."""
        return self.engine.groups[0]

    @property
    def rule(self) -> Rule:
        """The rule of a matrix; vectors may have another one (``rule.flat``)."""
        return self.group.rule

    @property
    def decay(self) -> Decay:
        """The manner of decay in front of it."""
        return bounded(self.group.decay) if self.group.bounded else self.group.decay

    def slot_dtype(self, dtype: str) -> str:
        """The dtype of the slots of parameters of this dtype."""
        return slots_as(self.group.slot_dtype, dtype)

    def way(self, dtype: str) -> str | None:
        """How parameters of this dtype are rounded."""
        return self.group.rounding if dtype in HALF else None

    @property
    def fused(self) -> bool:
        """Whether it has a kernel."""
        return self.rule.kernel and not self.rule.whole

    @property
    def apart(self) -> str:
        """What is compiled for a rule without a kernel of its own."""
        return "" if self.rule.factored is None else ", matrices in the loops of calando.kernels.factored"


def subject(name: str, arguments: Mapping[str, Any] | None = None) -> Subject:
    """The optimizer or the rule of this name, built.

    Args:
        name: ``"adamw"``, ``"torch.AdamW"``, ``"mindspore.Lamb"``, ``"rule.adam"``; without a room the first
            of the three that knows it. Upper and lower case are one.
        arguments: what the constructor gets besides the parameters.

    Raises:
        KeyError: nothing is called so; with the nearest names.
        ValueError, TypeError: an argument that the constructor refuses.
    """
    room, found, kin = find(name)
    arguments = dict(arguments or {})
    if room == "rule":
        if arguments:
            raise ValueError(f"rule {found!r} takes no arguments, but got {', '.join(arguments)}; name an optimizer")
        return alone(RULES[found], kin)
    kind = getattr(import_module(ROOMS[room]), found)
    array = np.zeros((2, 2), np.float32)
    with nothing():
        built = kind(*needed(room, kind, array, arguments), **arguments)
    hyper = built.engine.hypers[0]
    stored = getattr(built, "SLOTS", None) or getattr(getattr(built, "STORED", None), "slots", None) or {}
    return Subject(
        f"{ROOMS[room]}.{found}" + (f"({written(arguments)})" if arguments else ""),
        built.engine,
        built.current()[0],
        hyper.domain,
        built.spelling,
        stored,
        kin,
    )


def find(name: str) -> tuple[str, str, tuple[str, ...]]:
    """Where a thing of this name is, how it is written there, and what else has that name."""
    told = next((new + name[len(old) :] for old, new in SPELLED.items() if name.startswith(old)), name)
    room, dot, wanted = told.rpartition(".")
    known = {place: names(place) for place in ROOMS}
    if dot and room not in ROOMS:
        raise KeyError(f"before the point of {name!r} stands {' or '.join(ROOMS)}, as in mindspore.Lamb")
    hits = [(place, n) for place in ROOMS for n in known[place] if n.lower() == wanted.lower()]
    here = [(place, n) for place, n in hits if not dot or place == room]
    if not here:
        rooms = [room] if dot else list(ROOMS)
        all_names = {n.lower(): f"{place}.{n}" for place in reversed(rooms) for n in known[place]}
        near = [all_names[n] for n in get_close_matches(wanted.lower(), all_names, 3, 0.0)]
        told = f"nothing is called {name!r}; did you mean {', '.join(near)}? " if near else f"no {name!r} is here: "
        raise KeyError(told + (missing() or "'calando explain' lists all names"))
    place, found = here[0]
    return place, found, tuple(f"{p}.{n}" for p, n in hits if (p, n) != here[0])


def index() -> str:
    """All names, room by room."""
    known = {room: sorted(found, key=str.lower) for room in ROOMS if (found := names(room))}
    told = [fill(f"{room:<12}{', '.join(found)}", 100, subsequent_indent=" " * 12) for room, found in known.items()]
    told += [text] if (text := missing()) else []
    return "\n\n".join([*told, "calando explain AdamW, or with its library: calando explain mindspore.Adam"])


def missing() -> str:
    """What is said where the optimizers of ``calando.torch`` cannot be, because PyTorch is not installed."""
    return "" if names("torch") else "those of calando.torch need torch: pip install 'calando[torch]'"


def names(room: str) -> list[str]:
    """The optimizers or rules of a room; none where its framework is not installed."""
    if room == "rule":
        return list(RULES)
    try:
        module = import_module(ROOMS[room])
    except ModuleNotFoundError:
        return []
    base = module.Optimizer
    kinds = {name: getattr(module, name, None) for name in vars(module)}
    return [n for n, kind in kinds.items() if isclass(kind) and issubclass(kind, base) and kind is not base]


def needed(room: str, kind: Any, array: np.ndarray, arguments: dict[str, Any]) -> list[Any]:
    """The first argument; those without a default that were not given get a usual value."""
    if room == "torch":
        torch = import_module("torch")
        array = torch.nn.Parameter(torch.from_numpy(array))
    wanted = [p for p in signature(kind).parameters.values() if p.default is Parameter.empty]
    for parameter in wanted[1:]:
        if parameter.name in USUAL:
            arguments.setdefault(parameter.name, USUAL[parameter.name])
    if wanted and wanted[0].name == "optimizer":
        inner = import_module(ROOMS[room]).Momentum
        return [inner([array], **USUAL)]
    return [[array]]


def alone(rule: Rule, kin: tuple[str, ...] = ()) -> Subject:
    """A rule without an optimizer around it, with L2 decay unless it decays by itself."""
    decay = INSIDE if "weight_decay" in rule.domain else L2
    domain = {**rule.domain, **decay.domain, **FRONT}
    values = {name: MIDDLE.get(name, middle(*domain[name])) for name in (*rule.domain, *decay.domain)}
    values["weight_decay"] = 0.0
    hyper = Hyper(f"For rule {rule.name!r}", domain, values)
    group = Group((np.zeros((2, 2), np.float32),), ("p",), rule, decay)
    spelling = {name: name for name in values}
    return Subject(f"rule.{rule.name}", Engine([group], [hyper]), values, domain, spelling, {}, kin, usual=False)


def middle(low: float, high: float) -> float:
    """Some number of [low, high)."""
    if high == inf:
        return max(low, 0.0) + 0.5
    return (low + high) / 2


def written(arguments: Mapping[str, Any]) -> str:
    """Arguments as they stand in a call."""
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def read(words: Sequence[str]) -> dict[str, Any]:
    """Arguments from ``name=value``; a value that is no Python literal is a word.

    Raises:
        ValueError: there is no ``=`` in it.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"{word!r} is no argument; write it as in momentum=0.9")
        text = {"true": "True", "false": "False", "none": "None"}.get(text, text)
        try:
            found[name] = literal_eval(text)
        except (ValueError, SyntaxError):
            found[name] = text
    return found


# What is said.


def page(about: Subject, dtype: str = "float32") -> str:
    """The whole page."""
    parts = [head(about), formula(about), hyperparameters(about), traffic(about, dtype)]
    return "\n\n".join(parts)


def head(about: Subject) -> str:
    """Title, rule, sources, slots."""
    rule, decay = about.rule, about.decay
    slots = [f"{s} ({about.stored[s].replace('.{}', '')})" if s in about.stored else s for s in rule.slots]
    lines = [about.title, ""]
    flat = getattr(rule, "flat", None)
    lines += row("rule", rule.name + (f"; for vectors {flat.name}" if flat else ""))
    lines += row("source", rule.source)
    lines += row("first", "\n            ".join(front(decay, about.group.centralize)))
    lines += row("slots", ", ".join(slots) or "none")
    if rule.memory:
        lines += row("memory", f"{', '.join(rule.memory)}: one number for each parameter tensor")
    if about.kin:
        lines += row("see also", ", ".join(about.kin))
    return "\n".join(lines)


def front(decay: Decay, centralize: bool) -> list[str]:
    """What happens to p and g before the rule sees them, and what its words mean, as the module of decay says both."""
    lines = (line.split(None, 1) for line in (sys.modules[Decay.__module__].__doc__ or "").splitlines()[::-1])
    said = {line[0]: line[1] for line in lines if len(line) == 2}  # the first line that begins with a word
    text = said.get(decay.plain.name, f"{decay.plain.name}, see below")
    text = text if centralize else text.replace(" - center", "")
    clipped = "each number clipped by its value, then " if decay.inner is not None else ""
    words = [f"{word}: {said[word]}" for word in ("scale", "λ", "center") if word in text]
    return [f"{clipped}{text}    ({decay.source})", "p: the parameter, g: its gradient", *words]


def row(title: str, text: str) -> list[str]:
    """One line with a title in front."""
    return [f"  {title + ' ':<10}{text}"]


def formula(about: Subject) -> str:
    """The docstrings of the rule's module and, where they say more, of the average's and the decay's."""
    inner = getattr(about.rule, "inner", None) or about.rule
    homes = [getattr(inner, "element", inner).__module__]
    if inner is not about.rule:
        homes.append(averaged.__module__)
    if about.decay.inner is not None:
        homes.append(bounded.__module__)
    if about.decay.plain.scalars.__module__ != Decay.__module__:
        homes.append(about.decay.plain.scalars.__module__)
    return "\n\n".join((sys.modules[home].__doc__ or "").strip() for home in homes)


def hyperparameters(about: Subject) -> str:
    """Every hyperparameter, its value when nothing is said, and where its values must lie."""
    rows = []
    for name, ours in about.spelling.items():
        first = ours if isinstance(ours, str) else ours[0]
        if first not in about.domain or name not in about.values:
            continue
        bounds = dict.fromkeys(interval(*about.domain[n]) for n in ([ours] if isinstance(ours, str) else ours))
        must = " and ".join(bounds).replace(" and lie in", " and in")
        must += ", each" if not isinstance(ours, str) and len(bounds) == 1 else ""
        rows.append((name, shown(about.values[name]) if about.usual else "", must))
    widths = [max((len(r[i]) for r in rows), default=0) for i in range(2)]
    lines = [
        "  ".join([f"  {name:<{widths[0]}}", *([f"{value:<{widths[1]}}"] if value else []), f"must {must}"])
        for name, value, must in rows
    ]
    return "\n".join(["Hyperparameters; each may be a number, a list, a schedule or a function of the step", *lines])


def shown(value: Any) -> str:
    """A value on the page."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    if value is None or (is_number(value) and value > 1e300):
        return "none"
    return f"{value:g}" if is_number(value) else str(value)


def traffic(about: Subject, dtype: str) -> str:
    """Bytes that a step moves for each parameter."""
    if not about.fused:
        return f"No kernel of one pass: {about.rule.name} works on whole arrays{about.apart}."
    kept = about.slot_dtype(dtype)
    moved = Traffic.of(about.rule, about.decay, dtype, kept, centered=about.group.centralize, way=about.way(dtype))
    lines = [f"Memory moved for each parameter, {dtype}" + (f", slots in {kept}" if kept != dtype else "")]
    lines += row(
        f"{moved.update:.4g} bytes", f"one pass: reads {', '.join(moved.reads)}; writes {', '.join(moved.writes)}"
    )
    if moved.before:
        lines += row(f"{moved.before:.4g} bytes", f"before it, for norms: reads {', '.join(moved.first_reads)}")
    lines += row(f"{moved.size} bytes", "more with max_norm, max_group_norm or on_nonfinite: reads g once")
    return "\n".join(lines)


def kernel(about: Subject, dtype: str = "float32") -> str:
    """The text of the kernel, and of the one that measures before it where the rule needs norms.

    Raises:
        ValueError: the rule has no kernel.
    """
    if not about.fused:
        raise ValueError(f"rule {about.rule.name!r} has no kernel of one pass; it works on whole arrays{about.apart}")
    kept = about.slot_dtype(dtype)
    texts = [source(about.rule, about.decay, dtype, slot_dtype=kept, way=about.way(dtype))]
    if about.rule.measure is not None:
        texts.insert(0, measure.source(about.rule, about.decay, dtype, kept, way=about.way(dtype)))
    return "\n\n".join(text.strip() for text in texts)


def speed(about: Subject, elements: int) -> tuple[str, Measured]:
    """The floor on this machine and how near a step comes.

    Raises:
        ValueError: the rule has no kernel.
    """
    if not about.fused:
        raise ValueError(
            f"rule {about.rule.name!r} has no kernel of one pass, so it has no floor to be measured against"
        )
    kept = about.slot_dtype("float32")
    moved = Traffic.of(about.rule, about.decay, slot_dtype=kept, centered=about.group.centralize)
    found = measured(about.group, about.engine.hypers[0], moved.total, elements, moved.held)
    low, middle, high = np.percentile(found.ratios, (25, 50, 75))
    kinds = "float32" + (f", slots in {kept}" if kept != "float32" else "")
    lines = [f"Measured on {found.elements:,} parameters, {kinds}, {threads()} threads, {len(found.step)} rounds"]
    lines += row("memory", f"{found.bandwidth / 1e9:.1f} GB/s in an in-place add over as much memory")
    lines += row("floor", f"{found.floor * 1e3:.2f} ms for {found.moved / 1e6:.0f} MB")
    told = f"{middle:.2f} × the floor (middle half {low:.2f}–{high:.2f})"
    lines += row("step", f"{np.median(found.step) * 1e3:.2f} ms, {told}")
    return "\n".join(lines), found
