"""``mindspore.nn``'s formulas in PyTorch's manners, where ``torch.optim`` has other formulas.

    from calando.torch import mindspore_nn
    optimizer = mindspore_nn.AdamWeightDecay(model.parameters(), lr=Cosine(1e-3, 0.0, steps=10_000))
    loss.backward(); optimizer.step(); optimizer.zero_grad()

A script that comes from MindSpore trains on the same path with these. Names of arguments and state are PyTorch's,
defaults are MindSpore's, and every number may also be a list, a schedule or a function of the step. SGD, Momentum,
Adadelta, ASGD, FTRL and ProximalAdagrad follow the same path in both frameworks: they are ``calando.torch``'s.
``calando.mindspore.torch_optim`` is the way back.
"""

from .adafactor import AdaFactor as AdaFactor
from .adam import Adam as Adam
from .adam import AdaMax as AdaMax
from .adam import AdamWeightDecay as AdamWeightDecay
from .adam import Lamb as Lamb
from .rprop import Rprop as Rprop
from .sums import Adagrad as Adagrad
from .sums import RMSProp as RMSProp

__all__ = ["AdaFactor", "AdaMax", "Adagrad", "Adam", "AdamWeightDecay", "Lamb", "RMSProp", "Rprop"]
