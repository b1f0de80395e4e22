"""Sparse gradients with drawn hyperparameters, groups, rates and rows, beside live MindSpore.

MindSpore makes sparse gradients in GRAPH_MODE only, from an EmbeddingLookup; its CPU takes them in LazyAdam, Adam and
FTRL, and it cannot centre them (it asks a RowTensor for its Shape). Rows come once each: for those that come twice see
test_ms_sparse.py. More cases, and others each time:

    CALANDO_DRAWN=100 HYPOTHESIS_PROFILE=long pytest tests/mindspore_front/test_ms_live_rows.py
"""

import os
from itertools import count

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import calando.mindspore as ms
from calando.mindspore import nn
from mindspore_front.hyperparameters import ADAM, OWN, between
from mindspore_front.kinds import PARAMS, distance

DRAWN = int(os.environ.get("CALANDO_DRAWN", "16")) // 4
FRESH = count()
STEPS = 4
CLASSES = {"LazyAdam": ADAM, "Adam": {**ADAM, "use_lazy": st.booleans()}, "FTRL": OWN["FTRL"]}


@st.composite
def cases(draw, name):
    rows, width = draw(st.sampled_from([1, 5, 40])), draw(st.sampled_from([1, 3, 16]))
    options = {key: draw(way) for key, way in CLASSES[name].items() if draw(st.booleans())}
    rate = draw(between(0.001, 0.1))
    kind = "number" if name == "FTRL" else draw(st.sampled_from(["number", "list", "cell"]))
    if draw(st.booleans()):
        options["loss_scale"] = draw(st.sampled_from([0.5, 8.0, 1024.0]))
    group = {"weight_decay": draw(between(0.0, 0.3))} if draw(st.booleans()) else None
    touched = draw(st.integers(1, rows))
    return {"shape": (rows, width), "touched": touched, "options": options, "group": group} | {
        "rate": (kind, rate),
        "seed": draw(st.integers(0, 9999)),
    }


def made(cls, case, params, library):
    kind, rate = case["rate"]
    rates = {
        "number": rate,
        "list": [rate / (1 + step) for step in range(STEPS)],
        "cell": library.ExponentialDecayLR(rate, 0.5, 2),
    }
    given_ = params if case["group"] is None else [{"params": params, **case["group"]}]
    return cls(given_, learning_rate=rates[kind], **case["options"])


def theirs_after(mindspore, name, case, start, pushes):
    """MindSpore's table after each step."""

    class Net(mindspore.nn.Cell):
        def __init__(self):
            super().__init__()
            first = mindspore.Tensor(start.copy())
            self.rows = mindspore.nn.EmbeddingLookup(*start.shape, param_init=first, target="CPU", sparse=True)

        def construct(self, indices, weights):
            return (self.rows(indices) * weights).sum()

    net = Net()
    (table,) = net.trainable_params()
    table.name = f"rows{next(FRESH)}.table"
    optimizer = made(getattr(mindspore.nn, name), case, net.trainable_params(), mindspore.nn)
    step = mindspore.nn.TrainOneStepCell(net, optimizer)
    for places, values in pushes:
        step(mindspore.Tensor(places), mindspore.Tensor(values))
        yield table.asnumpy().copy()


@pytest.mark.parametrize("name", CLASSES)
def test_drawn_rows_move_as_in_mindspore(mindspore, torch, name):
    @settings(max_examples=DRAWN)
    @given(cases(name))
    def follow(case):
        note(repr(case))
        rng, shape = np.random.default_rng(case["seed"]), case["shape"]
        start = rng.standard_normal(shape).astype("f4")
        spread, scale = 10 ** rng.uniform(-1, 1), case["options"].get("loss_scale", 1.0)
        pushes = [
            (
                rng.choice(shape[0], case["touched"], replace=False).astype("i4"),
                (rng.standard_normal((case["touched"], shape[1])) * spread * scale).astype("f4"),
            )
            for _ in range(STEPS)
        ]
        ours = ms.Parameter(start.copy(), name="table"), start.copy()
        optimizers = [made(getattr(nn, name), case, [table], nn) for table in ours]
        for (places, values), expected in zip(pushes, theirs_after(mindspore, name, case, start, pushes), strict=True):
            for table, optimizer in zip(ours, optimizers, strict=True):
                optimizer((ms.RowTensor(places, values, shape),))
                assert distance(np.asarray(table.asnumpy() if hasattr(table, "asnumpy") else table), expected) <= PARAMS

    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    try:
        follow()
    finally:
        mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
