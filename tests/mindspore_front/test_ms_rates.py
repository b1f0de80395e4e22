"""Whatever is a learning rate: the user's schedules with MindSpore's operations, MindSpore's own, lists and tensors."""

import numpy as np
import pytest

from calando.mindspore import nn
from mindspore_front.beside import SHAPES, Run, number


def schedule_classes(kind, request):
    """The base class, ops, P and dtypes of real MindSpore, or of ours."""
    if kind.name == "mindspore":
        mindspore = request.getfixturevalue("mindspore")
        import mindspore.common.dtype as mstype
        from mindspore.ops import operations as P

        return mindspore.nn.learning_rate_schedule.LearningRateSchedule, mindspore.ops, P, mstype
    request.getfixturevalue("torch")
    from calando.mindspore import dtype as mstype
    from calando.mindspore import ops
    from calando.mindspore.ops import operations as P

    return nn.LearningRateSchedule, ops, P, mstype


def test_the_guides_own_schedule(kind, request):
    """DynamicDecayLR with P.Cast(), its slips mended."""
    base, _, P, mstype = schedule_classes(kind, request)

    class DynamicDecayLR(base):
        def __init__(self, lr, step_per_epoch):
            super(DynamicDecayLR, self).__init__()  # noqa: UP008 - as in the guide
            self.lr = lr
            self.step_per_epoch = step_per_epoch
            self.cast = P.Cast()

        def construct(self, global_step):
            current_epoch = self.cast(global_step, mstype.float32) // self.step_per_epoch
            return self.lr * (current_epoch // 2)

    run = Run(kind, lr=DynamicDecayLR(lr=0.25, step_per_epoch=2))
    for step in range(9):
        run.lr = dict.fromkeys(SHAPES, 0.25 * (step // 4))
        assert number(run.optimizer.get_lr()) == 0.25 * (step // 4)
        run.step()
    assert run.optimizer.at(0)["lr"] == 0.0


def test_schedules_with_ops(kind, request):
    base, ops, _, mstype = schedule_classes(kind, request)

    class Decay(base):
        def construct(self, global_step):
            step = ops.cast(global_step, mstype.float32)
            return 0.1 * ops.pow(0.5, step / 4)

    cell = Decay()
    run = Run(kind, "Momentum", lr=cell)
    for step in range(5):
        run.lr = dict.fromkeys(SHAPES, 0.1 * 0.5 ** (step / 4))
        run.step()
    assert run.optimizer.learning_rate is cell
    assert run.optimizer.get_lr_parameter(run.optimizer.parameters[0]) is cell


def test_schedules_that_treat_the_step_as_mindspore_hands_it(kind, request):
    """MindSpore hands global_step in shape (1,) and reshapes what comes back to ()."""
    base, ops, _, mstype = schedule_classes(kind, request)

    class Table(base):
        def __init__(self):
            super().__init__()
            self.rates = [0.1, 0.2, 0.3]

        def construct(self, global_step):
            return (ops.cast(global_step, mstype.float32) + 1.0).reshape((1,)) * 0.1

    run = Run(kind, lr=Table())
    for rate in (0.1, 0.2, 0.3):
        run.lr = dict.fromkeys(SHAPES, rate)
        run.step()


def test_a_changed_attribute_of_a_schedule_takes_effect(kind, request):
    """In MindSpore it is shown and not applied."""
    base, _, _, _ = schedule_classes(kind, request)

    class Fixed(base):
        def __init__(self):
            super().__init__()
            self.rate = 0.1

        def construct(self, global_step):
            return self.rate

    cell = Fixed()
    run = Run(kind, lr=cell)
    run.lr = dict.fromkeys(SHAPES, 0.1)
    run.step(2)
    cell.rate = 0.25
    run.lr = dict.fromkeys(SHAPES, 0.25)
    run.step(2)


REAL = [
    ("CosineDecayLR", (0.01, 0.1, 4), lambda t: 0.01 + 0.045 * (1 + np.cos(np.pi * min(t, 4) / 4))),
    ("PolynomialDecayLR", (0.1, 0.01, 4, 0.5), lambda t: 0.09 * (1 - min(t, 4) / 4) ** 0.5 + 0.01),
    ("ExponentialDecayLR", (0.1, 0.9, 4), lambda t: 0.1 * 0.9 ** (t / 4)),
    ("InverseDecayLR", (0.1, 0.5, 4), lambda t: 0.1 / (1 + 0.5 * t / 4)),
    ("WarmUpLR", (0.1, 3), lambda t: 0.1 * min(t, 3) / 3),
]


@pytest.mark.parametrize("name, arguments, formula", REAL, ids=[row[0] for row in REAL])
def test_real_schedules_drive_ours(mindspore, kind, name, arguments, formula):
    run = Run(kind, lr=getattr(mindspore.nn, name)(*arguments))
    for step in range(6):
        run.lr = dict.fromkeys(SHAPES, formula(step))
        assert number(run.optimizer.get_lr()) == pytest.approx(formula(step), rel=2e-5, abs=1e-9)
        run.step()


RATES = {
    "float": lambda: 0.2,
    "NumPy number": lambda: np.float32(0.2),
    "0-d array": lambda: np.array(0.2),
    "1-d array": lambda: np.array([0.2, 0.2]),
    "tuple": lambda: (0.2, 0.2),
    "generator": lambda: (0.2 for _ in range(2)),
}


@pytest.mark.parametrize("lr", RATES)
def test_whatever_is_a_rate(kind, lr):
    run = Run(kind, lr=RATES[lr]())
    run.lr = dict.fromkeys(SHAPES, 0.2)
    run.step()


def test_a_tensor_is_a_rate(kind):
    run = Run(kind, lr=kind.tensor(np.array(0.25, "f4")))
    assert number(run.optimizer.learning_rate) == 0.25
    run = Run(kind, lr=kind.tensor(np.array([0.25, 0.5], "f4")))
    for run.lr in (dict.fromkeys(SHAPES, 0.25), dict.fromkeys(SHAPES, 0.5)):
        run.step()
