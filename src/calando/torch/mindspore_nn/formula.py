"""What ``mindspore.nn``'s formulas have in common in PyTorch's manners."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...dialects import dialects
from ...groups import Group
from ...hyper import Hyper, Rounded
from ..optimizer import Optimizer

BETAS: Mapping[str, str | tuple[str, ...]] = {
    "lr": "lr",
    "betas": ("beta1", "beta2"),
    "eps": "eps",
    "weight_decay": "weight_decay",
}
MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}


class Formula(Optimizer):
    """What these have in common: a step sees hyperparameters as float32, and is computed as MindSpore's kernels do."""

    HYPER = Rounded
    ROOM = "mindspore_nn."

    def _group(self, group: Mapping[str, Any], hyper: Hyper) -> Group:
        return replace(super()._group(group, hyper), dialects=dialects(self._options))
