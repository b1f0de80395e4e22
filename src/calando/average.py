r"""What happens to p behind every rule: a running average of the weights, fused into the same pass.

    e ← e + (1 - ema) (p - e)

p is the parameter after the update, and e begins as the parameter before the first one.

Source: Polyak & Juditsky 1992; as used in Tarvainen & Valpola 2017, arXiv:1703.01780, equation 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from inspect import Parameter, Signature
from typing import Any, NamedTuple

from .rule import Domain, Rule, fields_of

SLOT = "ema"
DOMAIN: Domain = {SLOT: (0.0, 1.0)}


@cache
def averaged(rule: Rule) -> Rule:
    """The rule, with a slot ``"ema"`` that follows the parameter; its last scalar is ``follow``, 1 - ema."""
    flat = averaged(rule.flat) if rule.flat is not None else None
    return replace(
        rule,
        name=f"{rule.name}_averaged",
        slots=(*rule.slots, SLOT),
        domain={**rule.domain, **DOMAIN},
        scalars=followed(rule),
        element=element(rule),
        measure=measured(rule),
        inner=rule,
        flat=flat,
    )


def followed(rule: Rule) -> Callable[..., tuple[float, ...]]:
    """The rule's scalars, and how much of the distance to p the average goes."""
    names = [*fields_of(rule.scalars), "follow"]
    record = NamedTuple("Averaged", [(name, float) for name in names])  # type: ignore[misc]

    def scalars(hyper: Mapping[str, float], age: int, *memory: float) -> Any:
        return record(*rule.scalars(hyper, age, *memory), 1 - hyper[SLOT])  # type: ignore[call-arg]

    scalars.__annotations__["return"] = record
    return scalars


def element(rule: Rule, played: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """The rule's body, or what is played instead of it, and after it the average."""
    inner = played or rule.element
    own, count = len(rule.slots), len(rule.scalar_names)

    def body(p: Any, g: Any, *rest: Any) -> tuple[Any, ...]:
        slots, e = rest[:own], rest[own]
        scalars, follow = rest[own + 1 : own + 1 + count], rest[own + 1 + count]
        found = inner(p, g, *slots, *scalars, *rest[own + 2 + count :])
        new = found if isinstance(found, tuple) else (found,)
        return (*new, e + (new[0] - e) * follow)

    return signed(body, ("p", "g", *rule.slots, SLOT, *rule.scalar_names, "follow"), rule.measure is not None)


def measured(rule: Rule) -> Callable[..., Any] | None:
    """What the rule measures, which the average does not enter."""
    inner, own, count = rule.measure, len(rule.slots), len(rule.scalar_names)
    if inner is None:
        return None

    def body(p: Any, g: Any, *rest: Any) -> Any:
        return inner(p, g, *rest[:own], *rest[own + 1 : own + 1 + count])

    return signed(body, ("p", "g", *rule.slots, SLOT, *rule.scalar_names, "follow"), False)


def signed(body: Callable[..., Any], names: tuple[str, ...], trust: bool) -> Callable[..., Any]:
    """A body that says by name what it takes."""
    names = (*names, "trust") if trust else names
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    body.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return body
