"""The shelf of update rules, one file per family; ``RULES`` finds each by its name."""

from ..rule import Rule
from . import adadelta, adagrad, adam, adamax, adan, asgd, ftrl, lamb, lion, nadam, proximal, radam, rmsprop, rprop, sgd
from .whole import adafactor, muon

FAMILIES = (
    adadelta, adagrad, adam, adamax, adan, asgd, ftrl, lamb, lion, nadam, proximal, radam, rmsprop, rprop, sgd,
    adafactor, muon,
)  # fmt: skip

RULES: dict[str, Rule] = {
    rule.name: rule
    for family in FAMILIES
    for named in vars(family).values()
    for rule in (named.values() if isinstance(named, dict) else [named])
    if isinstance(rule, Rule)
}
