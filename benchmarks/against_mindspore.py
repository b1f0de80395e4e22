"""Adam on parameters of real MindSpore, against ``mindspore.nn.Adam`` (PyNative mode, MindSpore's default).

MindSpore queues work, so each side reads its last parameter after the step, which waits for the queue.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from .shapes import MODELS
from .timing import Row, agree, compared, interleaved, say


def adam(models: list[str], rounds: int) -> Iterator[Row]:
    """Adam on ResNet-50, both optimizers on MindSpore's own parameters."""
    work = "Adam, MindSpore parameters, ResNet-50"
    if find_spec("mindspore") is None:
        say(f"{work}: MindSpore is not installed, nothing measured")
        return
    say(work)
    import mindspore

    from calando.mindspore import nn

    shapes = MODELS["ResNet-50"]()

    def parameters() -> list[Any]:
        random = np.random.default_rng(0)
        return [
            mindspore.Parameter(mindspore.Tensor(random.standard_normal(s, np.float32) * 0.05), name=f"p{i}")
            for i, s in enumerate(shapes)
        ]

    random = np.random.default_rng(1)
    given = tuple(mindspore.Tensor(random.standard_normal(s, np.float32) * 0.01) for s in shapes)
    ours, peer = parameters(), parameters()
    start = [ours[0].asnumpy().copy(), ours[-2].asnumpy().copy()]
    sides = {
        "ours": waiting(nn.Adam(ours, learning_rate=1e-3), given, ours[-1]),
        "peer": waiting(mindspore.nn.Adam(peer, learning_rate=1e-3), given, peer[-1]),
    }
    times = interleaved(sides, rounds)
    agree(work, start, *([side[0].asnumpy(), side[-2].asnumpy()] for side in (ours, peer)))
    yield compared(work, "mindspore.nn.Adam", times["ours"], times["peer"], 0.4)


def waiting(optimizer: Callable[..., Any], gradients: tuple[Any, ...], last: Any) -> Callable[[], None]:
    """A step that has ended when the call returns."""

    def step() -> None:
        optimizer(gradients)
        last.asnumpy()

    return step
