"""Groups: the five notes of MindSpore's guide, the order of gradients, and what we add to both."""

import numpy as np
import pytest

from calando import schedules
from calando.mindspore import nn
from mindspore_front.kinds import CLASSES, NEEDED, Formula, distance, noises, started

SHAPES = {"a": (3, 2), "b": (3, 2), "c": (2,)}
NEAR = 2e-6


def make(name, groups, **options):
    return getattr(nn, name)(groups, **NEEDED.get(name, {}) | options)


def follow(kind, build, plan, steps=5):
    """Compare with the formulas: ``build(params)`` makes the optimizer; plan[name] = (class, lr, options, centralize).

    lr and each option may be a function of the step. In float64, where nothing but the formula is computed: in float32
    the optimizers round as MindSpore does, which the recorded and live comparisons hold.
    """
    start = started(shapes=SHAPES, dtype="float64")
    params = kind.params(start)
    optimizer = build(params)
    known = {id(p): name for name, p in params.items()}
    order = [known[id(p)] for p in optimizer.parameters]
    twins = {name: Formula(plan[name][0], start[name], **static(plan[name][2])) for name in order}
    for step, grads in enumerate(noises(steps, shapes=SHAPES, dtype="float64")):
        optimizer(kind.grads(grads[name] for name in order))
        for name, twin in twins.items():
            _, lr, options, centralize = plan[name]
            moving = {key: value(step) for key, value in options.items() if callable(value)}
            twin.step(grads[name], lr(step) if callable(lr) else lr, centralize, **moving)
            assert distance(kind.read(params[name]), twin.p) <= NEAR, f"{name}, step {step}"
    return optimizer


def static(options):
    return {key: value for key, value in options.items() if not callable(value)}


# The five notes.


def test_note_1_no_group_is_empty(kind):
    params = kind.params(started(shapes=SHAPES))
    with pytest.raises(ValueError, match=r"For 'SGD', group 1: 'params' is empty; leave the group out"):
        nn.SGD([{"params": params.values()}, {"params": []}])


def test_note_2_what_a_group_does_not_say_the_optimizer_says(kind):
    def build(p):
        return nn.Momentum(
            [{"params": [p["a"]], "lr": 0.02}, {"params": [p["b"]], "weight_decay": 0.5}, {"params": [p["c"]]}],
            learning_rate=0.1, momentum=0.9, weight_decay=0.01,
        )  # fmt: skip

    plan = {
        "a": ("Momentum", 0.02, {"momentum": 0.9, "weight_decay": 0.01}, False),
        "b": ("Momentum", 0.1, {"momentum": 0.9, "weight_decay": 0.5}, False),
        "c": ("Momentum", 0.1, {"momentum": 0.9, "weight_decay": 0.01}, False),
    }
    follow(kind, build, plan)


@pytest.mark.parametrize("name", CLASSES)
def test_note_3_each_group_has_a_static_or_dynamic_lr(kind, name):
    rates = [0.1, 0.05, 0.03, 0.02, 0.01]
    cosine = schedules.Cosine(0.1, 0.01, 4)

    def build(p):
        return make(name, [{"params": [p["a"]], "lr": rates}, {"params": [p["b"]], "lr": cosine}, {"params": [p["c"]]}],
                    learning_rate=0.07)  # fmt: skip

    usual = {"momentum": 0.9} if name == "Momentum" else {}
    follow(
        kind,
        build,
        {
            "a": (name, lambda step: rates[step], usual, False),
            "b": (name, lambda t: 0.01 + 0.045 * (1 + np.cos(np.pi * t / 4)), usual, False),
            "c": (name, 0.07, usual, False),
        },
    )


def test_note_4_a_weight_decay_that_is_no_number_is_refused(kind):
    params = list(kind.params(started(shapes=SHAPES)).values())
    with pytest.raises(TypeError, match=r"For 'SGD', group 0: 'weight_decay' must be a number.*but got 'much'"):
        nn.SGD([{"params": params, "weight_decay": "much"}])


def test_note_5_parameters_in_no_group_stand_still(kind):
    params = kind.params(started(shapes=SHAPES))
    optimizer = nn.SGD([{"params": [params["c"]]}, {"params": [params["a"]]}])
    before = kind.read(params["b"])
    assert [id(p) for p in optimizer.parameters] == [id(params["c"]), id(params["a"])]
    optimizer(kind.grads(noises(1, shapes=SHAPES)[0][name] for name in "ca"))
    assert kind.read(params["b"]).tobytes() == before.tobytes()


# The order of gradients.


@pytest.mark.parametrize("where", [0, 1, 2])
def test_order_params_gives_the_order_of_gradients(kind, where):
    """Equal shapes: the wrong order would be silent."""
    params = kind.params(started(shapes=SHAPES))
    before = {name: kind.read(p) for name, p in params.items()}
    groups = [{"params": [params["b"], params["c"]]}, {"params": [params["a"]], "lr": 0.5}]
    groups.insert(where, {"order_params": [params["a"], params["b"], params["c"]]})
    optimizer = nn.SGD(groups, learning_rate=1.0)
    assert [id(p) for p in optimizer.parameters] == [id(params[name]) for name in "abc"]
    optimizer(kind.grads(np.full(SHAPES[name], i + 1, "f4") for i, name in enumerate("abc")))
    for name, moved in {"a": 0.5, "b": 2.0, "c": 3.0}.items():
        np.testing.assert_allclose(before[name] - kind.read(params[name]), moved, rtol=1e-5)


def test_without_it_gradients_follow_the_groups(kind):
    params = kind.params(started(shapes=SHAPES))
    before = {name: kind.read(p) for name, p in params.items()}
    optimizer = nn.SGD([{"params": [params["b"]]}, {"params": [params["c"], params["a"]]}], learning_rate=1.0)
    optimizer(kind.grads(np.full(SHAPES[name], i + 1, "f4") for i, name in enumerate("bca")))
    for i, name in enumerate("bca"):
        np.testing.assert_allclose(before[name] - kind.read(params[name]), i + 1, rtol=1e-5)


@pytest.mark.parametrize("wrap", [iter, tuple, lambda x: filter(lambda _: True, x), lambda x: (p for p in x)])
def test_iterators_in_groups(kind, wrap):
    """MindSpore empties them while it looks, and trains nothing."""
    params = list(kind.params(started(shapes=SHAPES)).values())
    groups = [{"params": wrap(params[:2])}, {"params": wrap(params[2:]), "lr": 0.2}, {"order_params": wrap(params)}]
    assert [id(p) for p in nn.SGD(iter(groups)).parameters] == list(map(id, params))
    assert [id(p) for p in nn.SGD(wrap(params)).parameters] == list(map(id, params))


def test_the_caller_keeps_his_dictionaries(kind):
    params = list(kind.params(started(shapes=SHAPES)).values())
    groups = [{"params": params[:2], "lr": 0.1}, {"params": params[2:]}]
    nn.SGD(groups)
    assert groups[0].keys() == {"params", "lr"} and groups[0]["params"] == params[:2] and len(groups) == 2


# The filter of names.


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("grouped", [False, True])
def test_beta_and_gamma_decay_in_groups_only(name, grouped, request):
    """Not grouped they are left out (by substring, as in MindSpore); in groups all decay, in a single one too."""
    request.getfixturevalue("torch")
    import calando.mindspore as ms

    names = ["bn.gamma", "bn.beta", "betatron.weight", "layer_norm.weight", "fc.bias"]
    params = [ms.Parameter(np.ones(2, "f4"), name=n) for n in names]
    optimizer = make(name, [{"params": params}] if grouped else params, weight_decay=0.5, learning_rate=0.1)
    optimizer(tuple(ms.Tensor(np.zeros(2, "f4")) for _ in params))
    still = [bool((p.asnumpy() == 1).all()) for p in params]
    assert still == ([False] * 5 if grouped else [True, True, True, False, False])


# Beyond MindSpore.


def test_any_hyperparameter_in_any_group(kind):
    def build(p):
        return nn.Adam(
            [
                {"params": [p["a"]], "beta1": 0.5, "eps": [1e-3, 1e-4, 1e-5, 1e-6, 1e-7]},
                {
                    "params": [p["b"]],
                    "beta2": schedules.Linear(0.9, 0.99, 3),
                    "learning_rate": lambda step: 0.1 / (1 + step),
                },
                {"params": [p["c"]]},
            ],
            learning_rate=0.05,
        )

    # Scheduled betas enter the powers with the value in force, so beta1 and eps are compared here
    def follow_beta2(step):
        return 0.9 + 0.09 * min(step, 3) / 3

    plan = {
        "a": ("Adam", 0.05, {"beta1": 0.5, "eps": lambda step: 10.0 ** -(3 + step)}, False),
        "b": ("Adam", lambda step: 0.1 / (1 + step), {"beta2": follow_beta2}, False),
        "c": ("Adam", 0.05, {}, False),
    }
    follow(kind, build, plan)


def test_momentum_and_dampening_in_groups(kind):
    def build(p):
        return nn.SGD(
            [
                {"params": [p["a"]], "momentum": 0.5},
                {"params": [p["b"]], "dampening": 0.5},
                {"params": [p["c"]], "momentum": 0},
            ],
            momentum=0.9,
        )

    plan = {
        "a": ("SGD", 0.1, {"momentum": 0.5}, False),
        "b": ("SGD", 0.1, {"momentum": 0.9, "dampening": 0.5}, False),
        "c": ("SGD", 0.1, {}, False),
    }
    follow(kind, build, plan)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("grouped", [False, True])
def test_weight_decay_as_a_cell_of_the_step(kind, name, grouped, request):
    """The guide's ExponentialWeightDecay, in every class; MindSpore's SGD refuses it."""
    if kind.name == "mindspore":
        mindspore = request.getfixturevalue("mindspore")
        cell, ops = mindspore.nn.Cell, mindspore.ops
    else:
        request.getfixturevalue("torch")
        from calando.mindspore import ops

        cell = nn.Cell

    class ExponentialWeightDecay(cell):
        def __init__(self, weight_decay, decay_rate, decay_steps):
            super(ExponentialWeightDecay, self).__init__()  # noqa: UP008 - as in the guide
            self.weight_decay = weight_decay
            self.decay_rate = decay_rate
            self.decay_steps = decay_steps

        def construct(self, global_step):
            p = global_step / self.decay_steps
            return self.weight_decay * ops.pow(self.decay_rate, p)

    wd = ExponentialWeightDecay(0.1, 0.1, 4)
    usual = {"momentum": 0.9} if name == "Momentum" else {}

    def build(p):
        if grouped:
            return make(
                name, [{"params": [p["a"], p["b"]], "weight_decay": wd}, {"params": [p["c"]]}], learning_rate=0.1
            )
        return make(name, p.values(), weight_decay=wd, learning_rate=0.1)

    moving = (name, 0.1, usual | {"weight_decay": lambda step: 0.1 * 0.1 ** (step / 4)}, False)
    optimizer = follow(kind, build, {"a": moving, "b": moving, "c": (name, 0.1, usual, False) if grouped else moving})
    shown = optimizer.get_weight_decay()
    assert float(kind.read(shown[0] if grouped else shown)) == pytest.approx(0.1 * 0.1 ** (5 / 4), rel=1e-6)


@pytest.mark.parametrize("shape", [(3, 7), (5, 16, 3, 3), (2, 3, 5), (1, 9), (4, 1), (6,), ()], ids=str)
@pytest.mark.parametrize("name", CLASSES)
def test_gradient_centralization_by_mathematics(any_kind, name, shape):
    """Any shape of two or more axes loses the mean of each row; others are as they were. The decay term too."""
    start, options = started(shapes={"p": shape}, dtype="float64")["p"], {"weight_decay": 0.1}
    if name in ("SGD", "Momentum"):
        options["momentum"] = 0.9
    param = any_kind.param(start, "p")
    optimizer = make(name, [{"params": [param], "grad_centralization": True}], learning_rate=0.05, **options)
    twin = Formula(name, start, **options)
    for grads in noises(5, shapes={"p": shape}, dtype="float64"):
        optimizer(any_kind.grads(grads.values()))
        twin.step(grads["p"], 0.05, centralize=True)
    assert distance(any_kind.read(param), twin.p) <= 1e-12


def test_centralization_beside_groups_without_it(kind):
    def build(p):
        return nn.SGD([{"params": [p["a"]], "grad_centralization": True}, {"params": [p["b"], p["c"]]}], momentum=0.9)

    usual = {"momentum": 0.9}
    plan = {"a": ("SGD", 0.1, usual, True), "b": ("SGD", 0.1, usual, False), "c": ("SGD", 0.1, usual, False)}
    follow(kind, build, plan)


def test_clipping_all_groups_together(kind):
    """``max_norm``: the norm of all gradients after the loss scale; min(1, bound / (norm + 1e-6))."""
    start = started(shapes=SHAPES)
    params = kind.params(start)
    optimizer = nn.SGD(
        [{"params": [params["a"]], "lr": 0.5}, {"params": [params["b"], params["c"]]}],
        0.1,
        loss_scale=8.0,
        max_norm=1.0,
    )
    (grads,) = noises(1, shapes=SHAPES)
    optimizer(kind.grads(g * np.float32(8) for g in grads.values()))
    norm = np.sqrt(sum((g.astype("f8") ** 2).sum() for g in grads.values()))
    assert norm > 1
    for name, g in grads.items():
        lr = 0.5 if name == "a" else 0.1
        assert distance(kind.read(params[name]), start[name] - lr * g.astype("f8") / (norm + 1e-6)) <= NEAR
