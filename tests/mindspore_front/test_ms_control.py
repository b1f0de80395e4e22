"""Seeing and changing hyperparameters: what is changed takes effect, always (MindSpore's trap of compiled steps)."""

import numpy as np
import pytest

from calando import schedules
from calando.mindspore import nn
from mindspore_front.beside import NEAR, SHAPES, Run, make, number
from mindspore_front.kinds import CLASSES, distance, noises, started


@pytest.fixture
def assign(kind, request):
    """``ops.assign`` as users of each kind have it; into a NumPy array one writes."""
    if kind.name == "numpy":
        return lambda box, value: box.__setitem__(..., value)
    if kind.name == "mindspore":
        mindspore = request.getfixturevalue("mindspore")
        return lambda box, value: mindspore.ops.assign(box, mindspore.Tensor(value, box.dtype))
    from calando.mindspore import Tensor, ops

    return lambda box, value: ops.assign(box, Tensor(value, box.dtype))


# Seeing.


def test_global_step(kind, assign, request):
    run = Run(kind)
    step = run.optimizer.global_step
    for count in range(4):
        assert run.optimizer.global_step is step
        shown = step.asnumpy() if hasattr(step, "asnumpy") else step
        assert shown.tolist() == [count] and str(shown.dtype) == "int32"
        run.step()
    if kind.name == "mindspore":
        assert isinstance(step, request.getfixturevalue("mindspore").Parameter) and step.name == "global_step"


@pytest.mark.parametrize("way", ["assign", "attribute"])
def test_a_new_global_step_moves_schedules(kind, assign, way):
    run = Run(kind, lr=[0.1, 0.2, 0.3, 0.4, 0.5])
    run.lr = dict.fromkeys(SHAPES, 0.1)
    run.step()
    if way == "assign":
        assign(run.optimizer.global_step, [3])
    else:
        run.optimizer.global_step = 3
    assert number(run.optimizer.get_lr()) == np.float32(0.4)
    run.lr = dict.fromkeys(SHAPES, 0.4)
    run.step()
    assert number(run.optimizer.global_step) == 4


@pytest.mark.parametrize("name", CLASSES)
def test_get_lr_is_that_of_the_coming_step(kind, name):
    rates = [0.1, 0.05, 0.2]
    run = Run(kind, name, lr=rates)
    for rate in rates:
        shown = run.optimizer.get_lr()
        assert number(shown) == np.float32(rate) and tuple(shown.shape) == ()
        run.lr = dict.fromkeys(SHAPES, rate)
        run.step()
    assert number(run.optimizer.get_lr()) == np.float32(0.2), "after the end of the list, the last"


def test_weight_decay_is_shown_times_the_loss_scale(kind):
    run = Run(kind, weight_decay=0.1, loss_scale=128.0)
    assert number(run.optimizer.get_weight_decay()) == pytest.approx(12.8)
    assert run.optimizer.loss_scale == 128.0


def test_one_per_parameter_in_groups(kind):
    params = kind.params(started(shapes=SHAPES))
    a, b = params.values()
    optimizer = nn.SGD(
        [{"params": [b], "lr": 0.5, "weight_decay": 0.1}, {"params": [a]}, {"order_params": [a, b]}], 0.25
    )
    assert [number(x) for x in optimizer.get_lr()] == [0.25, 0.5]
    assert [number(x) for x in optimizer.get_weight_decay()] == pytest.approx([0.0, 0.1])
    assert number(optimizer.get_lr_parameter(a)) == 0.25 and number(optimizer.get_lr_parameter(b)) == 0.5
    assert [number(x) for x in optimizer.get_lr_parameter([b, a])] == [0.5, 0.25]
    stranger = kind.param(np.ones(2, "f4"), "stranger")
    with pytest.raises(ValueError, match=r"For 'SGD': '.*' is not one of its parameters"):
        optimizer.get_lr_parameter(stranger)


def test_parameters_are_the_users_own(any_kind):
    params = any_kind.params(started(shapes=SHAPES))
    found = make("Adam", iter(params.values())).parameters
    assert isinstance(found, tuple) and [id(p) for p in found] == [id(p) for p in params.values()]


def test_boxes_belong_to_the_framework_of_the_parameters(kind, request):
    box = Run(kind, lr=0.1).optimizer.learning_rate
    if kind.name == "numpy":
        assert type(box) is np.ndarray and box.shape == ()
    elif kind.name == "mindspore":
        assert isinstance(box, request.getfixturevalue("mindspore").Parameter)
        assert box.name == "learning_rate" and box.shape == ()
    else:
        import calando.mindspore as ms

        assert isinstance(box, ms.Parameter) and box.name == "learning_rate"
    assert number(box) == np.float32(0.1)


# Changing.


@pytest.mark.parametrize("steps", [0, 1, 4])
@pytest.mark.parametrize("name", CLASSES)
def test_assigned_learning_rates_take_effect(kind, assign, name, steps):
    run = Run(kind, name)
    run.step(steps)
    assign(run.optimizer.learning_rate, 0.01)
    assert number(run.optimizer.get_lr()) == np.float32(0.01)
    run.lr = dict.fromkeys(SHAPES, 0.01)
    run.step(3)
    assign(run.optimizer.learning_rate, 0.3)
    run.lr = dict.fromkeys(SHAPES, 0.3)
    run.step(2)


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("value", ["number", "tensor"])
def test_the_attribute_may_be_set(kind, value, steps):
    run = Run(kind, "Momentum")
    box = run.optimizer.learning_rate
    run.step(steps)
    run.optimizer.learning_rate = 0.01 if value == "number" else kind.tensor(np.float32(0.01).reshape(()))
    assert number(run.optimizer.learning_rate) == np.float32(0.01) == number(box)
    run.lr = dict.fromkeys(SHAPES, 0.01)
    run.step(2)
    run.optimizer.learning_rate = schedules.Linear(0.1, 0.2, 10)
    for step in range(steps + 2, steps + 4):
        run.lr = dict.fromkeys(SHAPES, 0.1 + 0.01 * min(step, 10))
        run.step()


def test_set_data_takes_effect_too(kind):
    """In MindSpore get_lr() shows it and the update ignores it."""
    if kind.name == "numpy":
        pytest.skip("NumPy arrays have no set_data")
    run = Run(kind)
    run.step(3)
    run.optimizer.learning_rate.set_data(kind.tensor(np.float32(0.01).reshape(())))
    run.lr = dict.fromkeys(SHAPES, 0.01)
    run.step(2)


def test_parameters_replaced_by_set_data_go_on(kind):
    """In MindSpore load_checkpoint and set_data stop training without a word once a step is compiled."""
    if kind.name == "numpy":
        pytest.skip("NumPy arrays have no set_data")
    run = Run(kind, "SGD")
    run.step(3)
    new = started(seed=5, shapes=SHAPES)
    for name, p in run.params.items():
        p.set_data(kind.tensor(new[name]))
        run.twins[name].p = new[name].astype("f8")
    run.step(3)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_assigned_momentum_takes_effect(kind, assign, steps):
    run = Run(kind, "Momentum")
    run.step(steps)
    assign(run.optimizer.momentum, 0.5)
    run.step(3, momentum=float(np.float32(0.5)))


def test_momentum_may_come_and_go(kind, assign):
    """SGD without momentum keeps no sum; with it from some step on, the sum begins there."""
    run = Run(kind, "SGD")
    run.step(2, momentum=0.0)
    assign(run.optimizer.momentum, 0.5)
    for twin in run.twins.values():
        twin.m, twin.age = np.zeros_like(twin.p), 0
    run.step(3, momentum=0.5)
    run.optimizer.momentum = 0.0
    run.step(2, momentum=0.0)


def test_momentum_off_and_on_again_as_in_the_original(mindspore, kind, assign):
    """Sum and dampening go on where they were."""
    from mindspore_front.kinds import mindspore_kind

    real, start, pushes = mindspore_kind(mindspore), started(shapes=SHAPES), noises(7, shapes=SHAPES)
    found = []
    for each, library in ((real, mindspore.nn), (kind, nn)):
        params = each.params(start)
        optimizer = library.SGD(list(params.values()), 0.1, momentum=0.5, dampening=0.25)
        for step, grads in enumerate(pushes):
            if step in (2, 5):
                value = 0.0 if step == 2 else 0.5
                if library is nn:
                    assign(optimizer.momentum, value)
                else:
                    mindspore.ops.assign(optimizer.momentum, mindspore.Tensor(value, mindspore.float32))
            optimizer(each.grads(grads.values()))
        found.append({name: each.read(p) for name, p in params.items()})
    for name in SHAPES:
        assert distance(found[1][name], found[0][name]) <= NEAR


@pytest.mark.parametrize("steps", [0, 2])
def test_assigned_rates_of_groups(kind, assign, steps):
    """One per parameter, shared by the group, as in MindSpore."""
    run = Run(kind, groups=lambda p: [{"params": [p["a"]], "lr": 0.1}, {"params": [p["b"]], "lr": 0.2}])
    run.lr = {"a": 0.1, "b": 0.2}
    run.step(steps)
    rates = run.optimizer.learning_rate
    assert isinstance(rates, tuple) and [number(x) for x in rates] == [np.float32(0.1), np.float32(0.2)]
    assign(rates[1], 0.05)
    run.lr["b"] = 0.05
    run.step(2)
    assign(rates[0], 0.3)
    run.lr["a"] = 0.3
    run.step(2)
    assert [number(x) for x in run.optimizer.get_lr()] == [np.float32(0.3), np.float32(0.05)]


def test_two_assigned_at_once_both_take_effect(kind, assign):
    run = Run(kind, "Momentum", weight_decay=0.1)
    lr, momentum, decay = run.optimizer.learning_rate, run.optimizer.momentum, run.optimizer.weight_decay
    run.step(2)
    assign(lr, 0.01)
    assign(momentum, 0.5)
    assign(decay, 0.25)
    assert [number(box) for box in (lr, momentum, decay)] == [np.float32(0.01), 0.5, 0.25]
    run.lr = dict.fromkeys(SHAPES, 0.01)
    run.step(2, momentum=0.5, weight_decay=0.25)
    assert [number(box) for box in (lr, momentum, decay)] == [np.float32(0.01), 0.5, 0.25]


def test_assigned_and_set_before_the_same_step(kind, assign):
    """set() of one hyperparameter does not undo what was assigned to another."""
    run = Run(kind, "Momentum")
    lr, momentum = run.optimizer.learning_rate, run.optimizer.momentum
    run.step()
    assign(momentum, 0.5)
    run.optimizer.set("lr", 0.01)
    run.lr = dict.fromkeys(SHAPES, 0.01)
    run.step(2, momentum=0.5)
    assert number(lr) == np.float32(0.01) and number(momentum) == 0.5


def test_a_box_held_from_before_groups_differ(kind, assign):
    """set(..., group=) on one group leaves what the others show."""
    run = Run(kind, groups=lambda p: [{"params": [p["a"]]}, {"params": [p["b"]]}])
    box = run.optimizer.learning_rate
    run.optimizer.set("lr", 0.5, group=1)
    assert [number(x) for x in run.optimizer.learning_rate] == [np.float32(0.1), 0.5]
    run.lr = {"a": 0.1, "b": 0.5}
    run.step(2)
    assert number(box) == np.float32(0.1), "the shared box shows the first group, which has not changed"


def test_every_hyperparameter_is_an_attribute(kind, assign):
    run = Run(kind, "Adam", weight_decay=0.1, loss_scale=1.0)
    for name, value in {"beta1": 0.5, "beta2": 0.75, "eps": 0.125, "weight_decay": 0.25}.items():
        assign(getattr(run.optimizer, name), value)
        assert run.optimizer.current()[name] == value
    assert not hasattr(run.optimizer, "momentum")
    with pytest.raises(AttributeError, match="'Adam' has no attribute 'momentum'"):
        run.optimizer.momentum  # noqa: B018


def test_set_on_one_group(kind):
    run = Run(kind, groups=lambda p: [{"params": [p["a"]]}, {"params": [p["b"]]}])
    run.step()
    run.optimizer.set("lr", [9.0, 0.5, 0.4], group=1)
    run.lr["b"] = 0.5
    run.step()
    run.lr["b"] = 0.4
    run.step()
    assert isinstance(run.optimizer.get_lr(), tuple)


# Past and coming.


def test_at_knows_the_past(kind, assign):
    run = Run(kind, lr=schedules.Linear(0.0, 1.0, 10))
    for step in range(3):
        run.lr = dict.fromkeys(SHAPES, step / 10)
        run.step()
    run.optimizer.learning_rate = 0.5
    run.lr = dict.fromkeys(SHAPES, 0.5)
    run.step(2)
    assign(run.optimizer.learning_rate, 0.25)
    run.lr = dict.fromkeys(SHAPES, 0.25)
    run.step()
    past = [run.optimizer.at(step)["lr"] for step in range(8)]
    assert past == pytest.approx([0.0, 0.1, 0.2, 0.5, 0.5, 0.25, 0.25, 0.25])
    np.testing.assert_array_equal(run.optimizer.trace("lr", range(8), group=0), past)
    assert run.optimizer.current()["lr"] == 0.25


@pytest.mark.parametrize(
    "ask", [lambda o: o.at(2)["lr"], lambda o: o.trace("lr", [2], group=0)[0], lambda o: o.current()["lr"]]
)
def test_what_was_just_assigned_is_seen(kind, assign, ask):
    run = Run(kind)
    run.step(2)
    assign(run.optimizer.learning_rate, 0.25)
    assert ask(run.optimizer) == 0.25


def test_repr_shows_what_was_just_assigned(kind, assign):
    run = Run(kind)
    run.step(2)
    assign(run.optimizer.learning_rate, 0.25)
    assert "lr = 0.25" in repr(run.optimizer)


@pytest.mark.parametrize(
    "ask", [lambda o: o.trace("learning_rate", [0], group=0)[0], lambda o: o.at(0)["learning_rate"]]
)
def test_the_long_name_is_known_too(kind, ask):
    """The constructor says learning_rate, so whatever takes a name takes that one."""
    assert ask(Run(kind).optimizer) == 0.1


def test_going_back_in_time_keeps_what_is_in_force(kind, assign):
    """After global_step was set back: what is shown is what is applied."""
    run = Run(kind)
    run.step(3)
    assign(run.optimizer.learning_rate, 0.25)
    run.lr = dict.fromkeys(SHAPES, 0.25)
    run.step()
    run.optimizer.global_step = 0
    shown = number(run.optimizer.get_lr())
    assert shown == np.float32(run.optimizer.current()["lr"])
    run.lr = dict.fromkeys(SHAPES, shown)
    run.step()


def test_repr_is_one_screen(kind):
    run = Run(
        kind, "Adam", groups=lambda p: [{"params": [p["a"]], "lr": schedules.Cosine(0.1, 0.0, 9)}, {"params": [p["b"]]}]
    )
    text = repr(run.optimizer)
    assert text.startswith("Adam: 2 groups") and "Cosine" in text and len(text.splitlines()) < 24
    assert str(run.optimizer) == text


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("step", r"it is called with the gradients, optimizer\(grads\)"),
        ("zero_grad", "gradients are values here"),
        ("param_groups", r"optimizer.set\('lr', 0.1, group=0\)"),
        ("state_dict", r"save_checkpoint\(optimizer, path\)"),
        ("trainable_params", "optimizer.parameters"),
        ("get_lrs", r"did you mean 'get_lr'\?"),
        ("momentun", r"did you mean 'momentum'\?"),
    ],
)
def test_what_others_call_otherwise_is_told(name, way):
    with pytest.raises(AttributeError, match=rf"^'Momentum' has no attribute '{name}'.*{way}"):
        getattr(nn.Momentum([np.ones(2, "f4")], 0.1, 0.9), name)
    assert not hasattr(nn.Momentum([np.ones(2, "f4")], 0.1, 0.9), name)
