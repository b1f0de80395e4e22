"""A rule is checked when it is made, so that a slip cannot reach a kernel."""

from math import inf
from typing import NamedTuple

import pytest

from calando.decay import DECAYS
from calando.dialects import DIALECTS
from calando.rule import Rule, fields_of
from calando.rules import RULES

EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


class Scalars(NamedTuple):
    lr: float
    keep: float


def scalars(hyper, age) -> Scalars:
    return Scalars(hyper["lr"], 0.5)


def made(element, slots=("m",), scalars=scalars):
    return Rule("test", slots, {"lr": (0.0, inf)}, scalars, element, "none")


def test_a_rule_whose_arguments_agree():
    assert made(lambda p, g, m, lr, keep: (p, m)).scalar_names == ("lr", "keep")


@pytest.mark.parametrize(
    "element",
    [
        lambda p, g, m, keep, lr: (p, m),
        lambda p, g, lr, keep: p,
        lambda p, g, m, v, lr, keep: (p, m),
        lambda p, g, m, lr: (p, m),
        lambda g, p, m, lr, keep: (p, m),
    ],
    ids=["scalars turned round", "no slot", "a slot too many", "a scalar too few", "p and g turned round"],
)
def test_a_slip_is_told_at_once(element):
    with pytest.raises(
        TypeError,
        match=r"rule test: element takes .* but its slots and scalars are \('p', 'g', 'm', 'lr', 'keep'\)",
    ):
        made(element)


def test_scalars_must_say_what_they_return():
    def silent(hyper, age):
        return Scalars(0.1, 0.5)

    with pytest.raises(TypeError, match="silent must declare the NamedTuple that it returns"):
        made(lambda p, g, m, lr, keep: (p, m), scalars=silent)


@EVERY_RULE
def test_the_scalars_are_those_that_were_declared(rule):
    hyper = dict.fromkeys(rule.domain, 0.5)
    for age in (1, 2, 7):
        memory = rule.first(hyper) if rule.first else ()
        found = rule.scalars(hyper, age, *memory)
        assert found._fields == rule.scalar_names == fields_of(rule.scalars)
        assert all(type(number) is float for number in found)


@EVERY_RULE
def test_a_rule_says_where_it_comes_from(rule):
    assert rule.source
    assert all(low < high for low, high in rule.domain.values())


def test_names_are_those_in_the_registries():
    assert all(name == rule.name for name, rule in RULES.items())
    assert all(name == decay.name for name, decay in DECAYS.items())
    assert len(set(RULES.values())) == len(RULES)


def test_every_rule_of_the_shelf_is_in_the_registry():
    """One kernel and one checkpoint for each name: two rules of one name would hide each other.

    What MindSpore computes in its own way stands behind a rule that is in the registry, under a name of its own.
    """
    from importlib import import_module
    from pathlib import Path

    import calando.rules

    found = []
    root = Path(calando.rules.__file__).parent
    for path in root.rglob("*.py"):
        if path.stem != "__init__":
            module = import_module(".".join(("calando.rules", *path.relative_to(root).with_suffix("").parts)))
            things = [x for y in vars(module).values() for x in (y.values() if isinstance(y, dict) else [y])]
            found += [thing for thing in things if isinstance(thing, Rule)]
    instead = {x.name for own in DIALECTS.values() for x in own.values() if isinstance(x, Rule)}
    names = {rule.name: rule for rule in found}
    assert all(names[rule.name] == rule for rule in found), "two rules of one name"
    assert not instead & set(RULES)
    assert set(names) == set(RULES) | instead
