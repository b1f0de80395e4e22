"""LARS as mindspore.nn spells it: around another optimizer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...decay import INSIDE, L2
from ...events import BUILT
from ...hyper import Hyper, shown
from ...rule import Rule
from ...rules import lars
from .. import compiled
from ..groups import name_of
from ..optimizer import Optimizer


def usual(param: Any) -> bool:
    """Whether LARS applies: neither "LayerNorm" nor "bias" is in the name."""
    name = name_of(param, 0)
    return "LayerNorm" not in name and "bias" not in name


class LARS(Optimizer):
    """LARS (You, Gitman & Ginsburg 2017, arXiv:1708.03888, Algorithm 1): around any optimizer with L2 decay.

    Takes the place of ``mindspore.nn.LARS``, which runs on Ascend only: same arguments, same path. The gradient and
    its decay are scaled, for each parameter, by coefficient ‖p‖ / (‖g‖ + λ ‖p‖ + epsilon); parameters that the filter
    leaves out get neither scale nor decay. From then on the optimizer inside makes LARS's steps too: both are two
    names of one state. Beyond MindSpore: ``coefficient`` and ``lars_epsilon`` are hyperparameters like all others.
    The formula is in ``calando.rules.lars``.

    Args:
        optimizer: one of ``calando.mindspore.nn``, before its first step.
        epsilon: added to the denominator, in [0, inf); as a hyperparameter it is called ``lars_epsilon``.
        coefficient: the trust coefficient, in [0, inf).
        use_clip: bound the scale times 1 / lr at 1, so that no step is longer than without LARS.
        lars_filter: parameter → whether LARS applies to it.

    Raises:
        TypeError: ``optimizer`` is none of this front end, decays by itself (AdamWeightDecay, Lamb, AdaFactor), or
            makes its steps itself (LBFGS, one's own); ``lars_filter`` is no function.
        ValueError: it has made steps.
    """

    NAMES = ()
    DOMAIN = lars.DOMAIN
    PLAIN = "LARS makes the steps of the optimizer inside; give it to that one"

    def __init__(
        self,
        optimizer: Optimizer,
        epsilon: float = 1e-5,
        coefficient: float = 1e-3,
        use_clip: bool = False,
        lars_filter: Callable[[Any], bool] = usual,
    ) -> None:
        refuse_unfit(optimizer)
        if not callable(lars_filter):
            raise TypeError(
                f"For 'LARS': 'lars_filter' must be a function of a parameter, but got {shown(lars_filter)}"
            )
        front = lars.LARS_CLIPPED if use_clip else lars.LARS
        names = {"coefficient": "trust_coefficient", "lars_epsilon": "trust_eps"}
        words = {ours: name for name, ours in names.items()}
        given = {"trust_coefficient": coefficient, "trust_eps": epsilon}
        trial = Hyper("For 'LARS'", lars.DOMAIN, given, {**words, "trust_eps": "epsilon"})
        spared = [
            {i: INSIDE for i, member in enumerate(members) if not lars_filter(member.param)}
            for members in optimizer.engine.members
        ]
        inner = optimizer.__dict__
        inner["spelling"], inner["_shown"] = {**inner["spelling"], **names}, {**inner["_shown"], **words}
        for number, (group, hyper) in enumerate(
            zip(list(optimizer.engine.groups), optimizer.engine.hypers, strict=True)
        ):
            hyper.domain, hyper.spelling = {**hyper.domain, **lars.DOMAIN}, {**hyper.spelling, **words}
            for name in given:
                hyper.put(name, trial.timelines[name].latest, 0, BUILT)
            optimizer.engine.regroup(number, replace(group, decay=front, fronts=spared[number]))
        self.__dict__.update({key: inner[key] for key in SHARED})
        if "_compiling" in inner:
            self.__dict__["_compiling"] = compiled.asked("LARS")
        self.__dict__["opt"] = optimizer
        self.__dict__["STORED"] = optimizer.STORED  # in checkpoints too it is the optimizer inside

    def _rule(self, hyper: Hyper) -> Rule:
        return self.opt._rule(hyper)


SHARED = (
    "spelling", "engine", "_shown", "_own", "_numbers", "_given_rate", "_own_rates", "_grouped", "_titles", "_places",
    "_library", "_boxes", "_posted", "_options",
)  # fmt: skip


def refuse_unfit(optimizer: Any) -> None:
    """Raise unless LARS can stand in front of an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"For 'LARS': 'optimizer' must be an optimizer of calando.mindspore.nn, but got {type(optimizer).__name__}"
        )
    if optimizer.DECAY is not L2 or isinstance(optimizer, LARS):
        raise TypeError(f"For 'LARS': 'optimizer' must leave weight decay to LARS; {type(optimizer).__name__} does not")
    if not all(isinstance(group.rule, Rule) for group in optimizer.engine.groups):
        raise TypeError(
            f"For 'LARS': {type(optimizer).__name__} makes its steps itself, so there is no rule to stand in front of"
        )
    if any(optimizer.engine.clocks):
        raise ValueError(
            f"For 'LARS': 'optimizer' has made {max(optimizer.engine.clocks)} steps; wrap it before the first"
        )
