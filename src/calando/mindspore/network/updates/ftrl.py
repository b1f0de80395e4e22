"""Follow the regularized leader."""

from typing import Any

from ....rules import ftrl
from .update import Locking


class ApplyFtrl(Locking):
    """FTRL-Proximal; the formula is in ``calando.rules.ftrl``.

    ``(var, accum, linear, grad, lr=0.001, l1=0.0, l2=0.0, lr_power=-0.5)`` → var. MindSpore's CPU kernel takes l1 where
    the formula says sign(z) l1; here the formula is followed.
    """

    def __call__(
        self,
        var: Any,
        accum: Any,
        linear: Any,
        grad: Any,
        lr: Any = 0.001,
        l1: Any = 0.0,
        l2: Any = 0.0,
        lr_power: Any = -0.5,
    ) -> Any:
        given = self.numbers(var, ftrl.FTRL_POWER.domain, lr=lr, l1=l1, l2=l2, lr_power=lr_power)
        rule = ftrl.FTRL if given["lr_power"] == -0.5 else ftrl.FTRL_POWER
        self.play(rule, var, {"a": accum, "z": linear}, grad, rule.scalars(given, 1))
        return var
