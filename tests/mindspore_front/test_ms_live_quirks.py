"""Every row of docs/mindspore_quirks.md, in calando and in live MindSpore: the page has the numbers they compute."""

import re
from itertools import count
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "mindspore_quirks.md"
ROW = re.compile(r"^\| (?P<what>[^|]+) \| `(?P<code>[^|`]+)` \| (?P<theirs>[^|]+) \| (?P<ours>[^|]+) \|$", re.MULTILINE)
ROWS = [found.groupdict() for found in ROW.finditer(PAGE.read_text())]
FRESH = count()


def words(ms, nn):
    """What the rows are written with, in one library's words."""

    def held(values, dtype, name):
        return ms.Parameter(ms.Tensor(np.array(values, dtype)), name=f"quirk{next(FRESH)}.{name}")

    def path(cls, gradients, size=1, start=1.0, dtype="f4", name="weight", groups=False, **options):
        """The first weight after each of these gradients, which are the same for all weights."""
        p, found = held([start] * size, dtype, name), []
        optimizer = cls([{"params": [p]}] if groups else [p], **options)
        for gradient in gradients:
            optimizer((ms.Tensor(np.array([gradient] * size, dtype)),))
            found.append(float(p.asnumpy()[0]))
        return found

    def centered(cls, gradient, **options):
        """A row of two weights of 1 after one centralized gradient."""
        p = held([[1.0, 1.0]], "f4", "weight")
        optimizer = cls([{"params": [p], "grad_centralization": True}], **options)
        optimizer((ms.Tensor(np.array([gradient], "f4")),))
        return p.asnumpy().ravel().tolist()

    def decayed(cls, **options):
        """A weight of 1 in a group with a decay of 0.5, after a gradient of 0."""
        p = held([1.0], "f4", "weight")
        cls([{"params": [p], "weight_decay": 0.5}], **options)((ms.Tensor(np.zeros(1, "f4")),))
        return p.asnumpy().tolist()

    def mixed(rate):
        """The constant rate of a group, beside a group with a list."""
        listed = {"params": [held([1.0], "f4", "a")], "lr": [0.1, 0.1]}
        optimizer = nn.SGD([listed, {"params": [held([1.0], "f4", "b")], "lr": rate}], 0.1)
        return [float(optimizer.get_lr()[1].asnumpy())]

    def vanishing():
        """A column of a matrix of ones, after a step of AdaFactor with a row whose squares underflow in float16."""
        p = held(np.ones((2, 2)), "f2", "weight")
        options = {"learning_rate": 0.1, "relative_step": False, "scale_parameter": False}
        nn.AdaFactor([p], **options)((ms.Tensor(np.array([[1e-5, 1e-5], [1, 1]], "f2")),))
        return p.asnumpy()[:, 0].tolist()

    class Fading(nn.Cell):
        """A weight decay of 0.1 / (1 + t)."""

        def construct(self, global_step):
            return 0.1 / (1 + global_step)

    def rate(cell, step):
        return [float(cell(ms.Tensor(step, ms.int32)).asnumpy())]

    def shown(cls, **options):
        decay = cls([held([1.0], "f4", "weight")], **options).get_weight_decay()
        return [float(decay.asnumpy() if hasattr(decay, "asnumpy") else decay)]

    def followed(copy):
        """How far a network moves with another, whose weights it was given."""
        net, target = nn.Dense(2, 1), nn.Dense(2, 1)
        copy(net, target)
        before = target.weight.asnumpy().copy()
        optimizer = nn.SGD(net.trainable_params(), 0.5)
        optimizer(tuple(ms.ops.ones_like(p) for p in optimizer.parameters))
        return [float(abs(target.weight.asnumpy() - before).max())]

    return {
        "Fading": Fading,
        "centered": centered,
        "decayed": decayed,
        "followed": followed,
        "mixed": mixed,
        "ms": ms,
        "nn": nn,
        "path": path,
        "rate": rate,
        "shown": shown,
        "vanishing": vanishing,
    }


def numbers(cell):
    return [float(number) for number in cell.split(", ")]


def test_there_are_rows():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "`path(" in line]
    assert len(ROWS) >= len(lines) >= 18


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_mindspore(mindspore, row):
    found = eval(row["code"], words(mindspore, mindspore.nn))
    assert found == pytest.approx(numbers(row["theirs"]), rel=2e-4, abs=1e-12)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_calando(torch, row):
    import calando.mindspore as ms
    from calando.mindspore import nn

    assert eval(row["code"], words(ms, nn)) == pytest.approx(numbers(row["ours"]), rel=2e-4, abs=1e-12)
