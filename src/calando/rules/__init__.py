"""The shelf of update rules, one file per family; ``RULES`` finds each by its name."""

from ..rule import Rule
from . import adam, sgd

RULES: dict[str, Rule] = {
    rule.name: rule for family in (adam, sgd) for rule in vars(family).values() if isinstance(rule, Rule)
}
