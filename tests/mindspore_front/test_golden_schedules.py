"""Every recorded learning rate of ``mindspore.nn``: Cells within 2e-5 of the largest value, lists exactly."""

import numpy as np
import pytest

from calando.mindspore import nn
from mindspore_front import kinds
from mindspore_front.golden_cases import GOLDEN, Reader
from mindspore_front.kinds import distance

CELLS, LISTS = GOLDEN.ids("schedule"), GOLDEN.ids("dynamic_lr")


def recorded(case):
    values = GOLDEN.files(case["file"])[case["id"]]
    first = case.get("steps", [0])[0]
    return range(first, first + len(values)), values


@pytest.mark.parametrize("case_id", CELLS)
@pytest.mark.parametrize("by_position", [False, True])
def test_cells(torch, case_id, by_position):
    """Asked with a Tensor and with an int; positional arguments in MindSpore's order."""
    case = GOLDEN.cases[case_id]
    cls = getattr(nn, case["class"])
    cell = cls(*case["kwargs"].values()) if by_position else cls(**case["kwargs"])
    kind = kinds.calando_kind()
    steps, expected = recorded(case)
    found = [cell(kind.tensor(np.array(step, "i4"))) for step in steps]
    assert {value.asnumpy().shape for value in found} == {()}
    assert distance([value.asnumpy().item() for value in found], expected) <= 2e-5
    assert [cell(step).asnumpy().item() for step in steps] == [value.asnumpy().item() for value in found]


@pytest.mark.parametrize("case_id", CELLS)
def test_cells_inside_an_optimizer(torch, case_id):
    """What ``get_lr`` shows and ``trace`` tells, before a step is made and as they are made."""
    case = GOLDEN.cases[case_id]
    optimizer = nn.SGD([np.zeros(1, "f4")], learning_rate=getattr(nn, case["class"])(**case["kwargs"]))
    steps, expected = recorded(case)
    assert distance(optimizer.trace("learning_rate", steps, group=0), expected) <= 2e-5
    optimizer.global_step, shown = steps[0], []
    for _ in list(steps)[:20]:
        shown.append(float(optimizer.get_lr()))
        optimizer((np.ones(1, "f4"),))
    assert distance(shown, expected[: len(shown)]) <= 2e-5


@pytest.mark.parametrize("case_id", CELLS)
def test_real_cells_inside_an_optimizer(mindspore, case_id):
    """The same schedules of real MindSpore, handed to our optimizer."""
    case = GOLDEN.cases[case_id]
    cell = Reader(mindspore.nn, None).values({"lr": {"$schedule": case["class"], "kwargs": case["kwargs"]}})["lr"]
    optimizer = nn.SGD([np.zeros(1, "f4")], learning_rate=cell)
    steps, expected = recorded(case)
    steps = list(steps)[:12]
    assert distance(optimizer.trace("lr", steps, group=0), expected[: len(steps)]) <= 2e-5


@pytest.mark.parametrize("case_id", LISTS)
def test_lists(case_id):
    case = GOLDEN.cases[case_id]
    function = getattr(nn, case["class"])
    _, expected = recorded(case)
    assert function(**case["kwargs"]) == expected.tolist()
    assert function(*case["kwargs"].values()) == expected.tolist()
    assert {type(value) for value in function(**case["kwargs"])} == {float}
