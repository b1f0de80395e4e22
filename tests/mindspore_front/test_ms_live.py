"""Step by step beside the original: live mindspore.nn, same first values, same gradients, three kinds of parameters.

Bounds: 1e-5 of the largest number for parameters, 5e-5 for slots (float32 reaches 3e-7 and 1e-6).
"""

import numpy as np
import pytest

from calando.mindspore import nn
from mindspore_front import kinds
from mindspore_front.kinds import NEEDED, PARAMS, SLOTS, Formula, distance, noises, rounded, started

STEPS = 6
ADAM = {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3}
OPTIONS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "loss_scale": 16.0}),
    ("SGD", {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("SGD", {"learning_rate": 0.05, "dampening": 0.5, "weight_decay": 0.2}),
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1, "loss_scale": 128.0}),
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.0, "weight_decay": 0.5}),
    ("Adam", {}),
    ("Adam", ADAM | {"weight_decay": 0.1, "loss_scale": 8.0}),
    ("Adam", ADAM | {"use_nesterov": True}),
    ("Adam", ADAM | {"use_amsgrad": True, "beta2": 0.5}),
    ("Adam", ADAM | {"use_amsgrad": True, "use_nesterov": True}),
    ("Adam", ADAM | {"use_lazy": True, "weight_decay": 0.1}),
    ("Adam", ADAM | {"use_offload": True}),
    ("AdamWeightDecay", {}),
    ("AdamWeightDecay", {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 1e-4, "weight_decay": 0.1}),
]
LISTED = [0.05, 0.04, 0.03, 0.02, 0.015, 0.01]


def whole(params, library):
    return [{"params": list(params.values())}]


def numbers(params, library):
    bare = [p for name, p in params.items() if name.startswith("b")]
    rest = [p for name, p in params.items() if not name.startswith("b")]
    return [{"params": bare, "lr": 0.03, "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.2}]


def lists(params, library):
    first, *rest = params.values()
    return [{"params": [first], "lr": LISTED}, {"params": rest, "lr": LISTED[::-1], "weight_decay": 0.1}]


def cells(params, library):
    first, second, *rest = params.values()
    cosine = library.nn.CosineDecayLR(0.01, 0.1, 4)
    return [
        {"params": [first], "lr": cosine},
        {"params": [second], "lr": library.nn.PolynomialDecayLR(0.1, 0.01, 4, 0.5), "weight_decay": 0.1},
        {"params": rest, "lr": cosine},
    ]


def ordered(params, library):
    found = list(params.values())
    return [
        {"params": found[3:][::-1], "lr": 0.02, "weight_decay": 0.1},
        {"order_params": found[::-1]},
        {"params": found[:3]},
    ]


GROUPINGS = [whole, numbers, lists, cells, ordered]
GROUPED = [
    ("SGD", {"momentum": 0.9, "dampening": 0.2, "weight_decay": 0.05, "loss_scale": 4.0}),
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.05, "loss_scale": 4.0}),
    ("Adam", ADAM | {"weight_decay": 0.05, "loss_scale": 4.0}),
    ("AdamWeightDecay", {"learning_rate": 0.02, "weight_decay": 0.05}),
]
SLOT_NAMES = {  # ours → theirs
    "SGD": {"m": "accum"},
    "Momentum": {"m": "moments"},
    "Adam": {"m": "moment1", "v": "moment2", "v_max": "vhat"},
    "AdamWeightDecay": {"m": "adam_m", "v": "adam_v"},
}


def all_kinds(mindspore):
    found = [kinds.numpy_kind(), kinds.mindspore_kind(mindspore)]
    try:
        import torch  # noqa: F401
    except ImportError:
        return found
    return [*found, kinds.calando_kind()]


def names_of(optimizer, params):
    """The names in the order in which gradients are given."""
    known = {id(p): name for name, p in params.items()}
    return [known[id(p)] for p in optimizer.parameters]


def path(optimizer, params, kind, scale):
    """Parameters after each update, the slots after the last, and in which order gradients are given."""
    order, found = names_of(optimizer, params), []
    for grads in noises(STEPS):
        optimizer(kind.grads(grads[name] * np.float32(scale) for name in order))
        found.append({name: kind.read(p) for name, p in params.items()})
    return order, found


def compare(mindspore, name, options, grouping=None):
    scale = options.get("loss_scale", 1.0)
    real = kinds.mindspore_kind(mindspore)
    params = real.params(started())
    groups = list(params.values()) if grouping is None else grouping(params, mindspore)
    theirs = getattr(mindspore.nn, name)(groups, **NEEDED.get(name, {}) | options)
    their_order, their_path = path(theirs, params, real, scale)
    slots = {key: value.asnumpy() for key, value in theirs.parameters_dict().items()}
    for kind in all_kinds(mindspore):
        params = kind.params(started())
        if grouping is not None:
            groups = grouping(params, mindspore)
        elif kind.name == "numpy":  # no names to filter by: the filter is written out
            bare = [p for key, p in params.items() if "beta" in key or "gamma" in key]
            rest = [p for key, p in params.items() if not ("beta" in key or "gamma" in key)]
            order = {"order_params": list(params.values())}
            groups = [{"params": bare, "weight_decay": 0.0}, {"params": rest}, order]
        else:
            groups = iter(params.values())
        ours = getattr(nn, name)(groups, **rounded(NEEDED.get(name, {}) | options))
        order, our_path = path(ours, params, kind, scale)
        assert order == their_order, kind.name
        for update, (here, there) in enumerate(zip(our_path, their_path, strict=True), 1):
            for key in there:
                error = distance(here[key], there[key])
                assert error <= PARAMS, f"{kind.name}: {key} after update {update}: {error:.2g}"
        known = {id(p): key for key, p in params.items()}
        for members in ours.engine.members:
            for member in members:
                for slot, array in member.slots.items():
                    key = f"{SLOT_NAMES[name][slot]}.{known[id(member.param)]}"
                    error = distance(kind.read(array), slots[key])
                    assert error <= SLOTS, f"{kind.name}: {key}: {error:.2g}"


@pytest.mark.parametrize("name, options", OPTIONS, ids=lambda x: x if isinstance(x, str) else "-".join(x) or "default")
def test_every_option(mindspore, name, options):
    compare(mindspore, name, options)


@pytest.mark.parametrize("grouping", GROUPINGS, ids=lambda g: g.__name__)
@pytest.mark.parametrize("name, options", GROUPED, ids=[name for name, _ in GROUPED])
def test_every_grouping(mindspore, name, options, grouping):
    compare(mindspore, name, options, grouping)


def test_momentum_with_nesterov_follows_the_documentation(any_kind):
    """p ← p - lr (g + μ m); MindSpore's CPU kernel ignores it, so the formula is the original here."""
    options = {"momentum": 0.9, "weight_decay": 0.1, "loss_scale": 4.0, "use_nesterov": True}
    params = any_kind.params(started())
    optimizer = nn.Momentum([{"params": params.values(), "weight_decay": 0.1}], 0.05, **options)
    twins = {name: Formula("Momentum", start, **options) for name, start in started().items()}
    for grads in noises(STEPS):
        optimizer(any_kind.grads(g * np.float32(4) for g in grads.values()))
        for name, twin in twins.items():
            twin.step(grads[name] * 4, 0.05)
            assert distance(any_kind.read(params[name]), twin.p) <= 1e-6


@pytest.mark.parametrize("name", kinds.CLASSES)
def test_double_precision_follows_the_formula(any_kind, name):
    """float64 parameters: 1e-12 from the formula."""
    options = {"momentum": 0.9} if name in ("SGD", "Momentum") else {}
    params = any_kind.params(started(dtype="float64"))
    optimizer = getattr(nn, name)([{"params": params.values(), "weight_decay": 0.1}], learning_rate=0.05, **options)
    twins = {key: Formula(name, start, weight_decay=0.1, **options) for key, start in started(dtype="float64").items()}
    for grads in noises(STEPS, dtype="float64"):
        optimizer(any_kind.grads(grads.values()))
        for key, twin in twins.items():
            twin.step(grads[key], 0.05)
            assert distance(any_kind.read(params[key]), twin.p) <= 1e-12


@pytest.mark.parametrize("tensor", [False, True])
def test_adafactor_scales_steps_of_a_plain_number_only(mindspore, any_kind, tensor):
    """A rate that is a Tensor switches ``scale_parameter`` off there, though it is constant."""
    real = kinds.mindspore_kind(mindspore)
    found = {}
    for whose, library, kind in (("theirs", mindspore.nn, real), ("ours", nn, any_kind)):
        params = kind.params(started())
        rate = (real if whose == "theirs" else kind).tensor(np.array(0.05, "f4")) if tensor else 0.05
        optimizer = library.AdaFactor(list(params.values()), learning_rate=rate, relative_step=False)
        found[whose] = path(optimizer, params, kind, 1.0)[1][-1]
    for name, value in found["theirs"].items():
        assert distance(found["ours"][name], value) <= PARAMS, name
