"""The shelf of update rules, one file per family; ``RULES`` finds each by its name."""

from ..rule import Rule
from . import adadelta, adagrad, adam, adamax, asgd, ftrl, nadam, proximal, radam, rmsprop, rprop, sgd

RULES: dict[str, Rule] = {
    rule.name: rule
    for family in (adadelta, adagrad, adam, adamax, asgd, ftrl, nadam, proximal, radam, rmsprop, rprop, sgd)
    for rule in vars(family).values()
    if isinstance(rule, Rule)
}
