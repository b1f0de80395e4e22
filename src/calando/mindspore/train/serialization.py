"""``mindspore.train.serialization``: an older address of ``save_checkpoint`` and its like."""

from ..serialization import load_checkpoint as load_checkpoint
from ..serialization import load_param_into_net as load_param_into_net
from ..serialization import save_checkpoint as save_checkpoint
