"""Fresh random hyperparameters, groups and learning rates against live ``mindspore.nn``, every optimizer its CPU runs.

16 cases are drawn for each of 14 optimizers (fewer where MindSpore compiles for seconds), the same ones every time.
More, and others each time:

    CALANDO_DRAWN=500 HYPOTHESIS_PROFILE=long pytest tests/mindspore_front/test_ms_live_drawn.py

Drawn around what MindSpore's CPU kernels do against its documentation (docs/mindspore_quirks.md): Momentum without
``use_nesterov``, FTRL without l1, Adagrad with ``update_slots``, RMSProp not centered with a small epsilon, static
rates beside dynamic ones as multiples of 2⁻¹², centralization where the second axis is a multiple of 16 and its
operator, which only Ascend has, is x - mean(x). The bound is 1e-5 of the largest number. Parameters get fresh names,
because MindSpore keeps what it compiled for a name.
"""

import os
from itertools import count

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from calando.mindspore import nn
from mindspore_front import kinds
from mindspore_front.golden_cases import Reader
from mindspore_front.hyperparameters import OWN, RATE, between
from mindspore_front.kinds import PARAMS, distance

DRAWN = int(os.environ.get("CALANDO_DRAWN", "16"))
SLOW = {"ASGD": 0.5, "Rprop": 0.625}  # the share of cases that is drawn
SHAPES = {"conv.weight": (3, 16, 2, 1), "bn.gamma": (3,), "bn.beta": (9,), "fc.weight": (4, 16), "fc.bias": (4,)}
STEPS = 5
FRESH = count()


NOT_HERE_YET: set[str] = set()
CLASSES = sorted(set(OWN) - NOT_HERE_YET)
NO_GROUPS = ("AdaFactor",)  # it refuses their rates and does not see their decay
NEEDED = ("momentum",)  # what Momentum has no default for
STATIC_RATE = ("FTRL",)
STATIC_DECAY = ("AdaFactor", "LazyAdam", "SGD")
NO_CENTRE = ("AdamOffload", "AdamWeightDecay")  # there
NO_SCALE = ("ASGD", "AdaFactor", "AdamWeightDecay", "Rprop")


@st.composite
def own_options(draw, name):
    """The optimizer's own hyperparameters, each given or left out."""
    options = {key: draw(way) for key, way in OWN[name].items() if key in NEEDED or draw(st.booleans())}
    if name == "RMSProp":
        options["centered"] = draw(st.booleans())
        options["epsilon"] = draw(st.sampled_from([1e-10, 1e-4, 1e-2] if options["centered"] else [1e-10, 1e-9]))
    if name == "AdaFactor":
        options["relative_step"] = draw(st.booleans())
        options["warmup_init"] = options["relative_step"] and draw(st.booleans())
    if name == "SGD" and draw(st.booleans()):
        options["momentum"] = draw(between(0.1, 0.98))
        if draw(st.booleans()):
            options["nesterov"] = True
        else:
            options["dampening"] = draw(between(0.0, 1.0))
    return options


@st.composite
def cells(draw):
    """A schedule of mindspore.nn."""
    name, steps, stair = draw(st.sampled_from(sorted(CELLS))), draw(st.integers(1, 7)), draw(st.booleans())
    return {"$schedule": name, "kwargs": CELLS[name](draw(RATE), draw(between(0.1, 1.5)), steps, stair)}


CELLS = {
    "CosineDecayLR": lambda lr, rate, n, stair: {"min_lr": lr / 4, "max_lr": lr, "decay_steps": n},
    "ExponentialDecayLR": lambda lr, rate, n, stair: {
        "learning_rate": lr, "decay_rate": rate, "decay_steps": n, "is_stair": stair
    },
    "InverseDecayLR": lambda lr, rate, n, stair: {
        "learning_rate": lr, "decay_rate": rate, "decay_steps": n, "is_stair": stair
    },
    "NaturalExpDecayLR": lambda lr, rate, n, stair: {
        "learning_rate": lr, "decay_rate": rate, "decay_steps": n, "is_stair": stair
    },
    "PolynomialDecayLR": lambda lr, rate, n, stair: {
        "learning_rate": lr, "end_learning_rate": lr / 8, "decay_steps": n, "power": rate, "update_decay_steps": stair
    },
    "WarmUpLR": lambda lr, rate, n, stair: {"learning_rate": lr, "warmup_steps": n},
}  # fmt: skip


def rates(name, mixed):
    """A learning rate as MindSpore takes it; ``mixed``: a static one may stand beside a dynamic one."""
    static = st.integers(4, 256).map(lambda n: n / 4096) if mixed else RATE
    if name in STATIC_RATE:
        return static
    listed = st.lists(RATE, min_size=STEPS, max_size=STEPS)
    tensors = st.one_of(static, listed).map(lambda v: {"$tensor": v})
    return st.one_of(static, listed.map(lambda v: {"$list": v}), tensors, cells())


def decays(name):
    fading = st.tuples(between(0.0, 0.3), between(0.1, 1.0)).map(lambda v: {"$fading": v})
    static = st.one_of(st.just(0.0), between(0.0, 0.3))
    return static if name in STATIC_DECAY else st.one_of(static, fading)


@st.composite
def cases(draw, name):
    """One optimizer, its groups, and what it is given."""
    grouped = name not in NO_GROUPS and draw(st.booleans())
    options = draw(own_options(name))
    needed = name == "Momentum" or not options.get("relative_step", True)
    if needed or ("relative_step" not in options and draw(st.booleans())):
        options["learning_rate"] = draw(rates(name, grouped))
    if draw(st.booleans()):
        options["weight_decay"] = draw(decays(name))
    if name not in NO_SCALE and draw(st.booleans()):
        options["loss_scale"] = draw(st.sampled_from([0.5, 8.0, 128.0, 1024.0]))
    case = {"options": options, "groups": None, "order": None, "seed": draw(st.integers(0, 9999))}
    if grouped:
        names = draw(st.permutations(sorted(SHAPES)))
        cuts = sorted(draw(st.sets(st.integers(1, len(names) - 1), max_size=2)))
        parts = [names[a:b] for a, b in zip([0, *cuts], [*cuts, len(names)], strict=True)]
        case["groups"] = [draw(groups(name, members)) for members in parts]
        case["order"] = draw(st.one_of(st.none(), st.permutations(sorted(SHAPES))))
    case["pushes"] = draw(st.sampled_from(["new", "new", "the same", "none at times"]))
    case["kind"] = draw(st.sampled_from(["calando", "mindspore", "numpy"]))
    case["cells"] = draw(st.sampled_from(["ours", "theirs"]))
    return case


@st.composite
def groups(draw, name, members):
    group = {"params": list(members)}
    if name not in STATIC_RATE and draw(st.booleans()):
        group["lr"] = draw(rates(name, True))
    if draw(st.booleans()):
        group["weight_decay"] = draw(decays(name))
    if name not in NO_CENTRE and draw(st.booleans()):
        group["grad_centralization"] = draw(st.booleans())
    return group


class Side(Reader):
    """One side's words: MindSpore's, or ours."""

    def __init__(self, library, kind):
        super().__init__(library.nn, kind.tensor)
        self.library = library

    def value(self, x):
        if isinstance(x, dict) and "$fading" in x:
            return self.fading(*x["$fading"])
        return super().value(x)

    def fading(self, first, rate):
        ops = self.library.ops

        class Fading(self.library.nn.Cell):
            def __init__(self):
                super().__init__()
                self.first, self.rate = first, rate

            def construct(self, global_step):
                return self.first * ops.pow(self.rate, global_step / 3)

        return Fading()


def made(cls, case, side, params):
    """An optimizer of one side."""
    given = list(params.values())
    if case["groups"] is not None:
        given = [{**side.values(group), "params": [params[n] for n in group["params"]]} for group in case["groups"]]
        if case["order"]:
            given.append({"order_params": [params[n] for n in case["order"]]})
    return cls(given, **side.values(case["options"]))


def order_of(case):
    if case["groups"] is None:
        return list(SHAPES)
    return case["order"] or [name for group in case["groups"] for name in group["params"]]


def named(kind):
    """Parameters whose names no other case has used; NumPy arrays get a name too."""
    if kind.name != "numpy":
        return kind.param
    cls = type("Named", (np.ndarray,), {"name": ""})

    def param(array, name):
        found = array.copy().view(cls)
        found.name = name
        return found

    return param


def compare(mindspore, name, case):
    """Play one case on both sides."""
    import calando.mindspore as ours

    rng, prefix = np.random.default_rng(case["seed"]), f"drawn{next(FRESH)}"
    start = {key: rng.standard_normal(shape).astype("f4") for key, shape in SHAPES.items()}
    scale = np.float32(case["options"].get("loss_scale", 1.0))
    pushes = [
        {key: rng.standard_normal(shape).astype("f4") * scale for key, shape in SHAPES.items()} for _ in range(STEPS)
    ]
    for step, push in enumerate(pushes):
        for key, g in push.items():
            g[...] = {"new": g, "the same": pushes[0][key], "none at times": g * np.float32(step % 3 != 1)}[
                case["pushes"]
            ]
    real = kinds.mindspore_kind(mindspore)
    mine = {"mindspore": real, "numpy": kinds.numpy_kind(), "calando": kinds.calando_kind()}[case["kind"]]
    told = {key: real.param(p, f"{prefix}.{key}") for key, p in start.items()}
    held = {key: named(mine)(p, f"{prefix}.{key}") for key, p in start.items()}
    theirs = made(getattr(mindspore.nn, name), case, Side(mindspore, real), told)
    words = Side(mindspore, real) if case["cells"] == "theirs" else Side(ours, mine)
    words.tensor = mine.tensor
    optimizer = made(getattr(nn, name), case, words, held)
    for push in pushes:
        theirs(real.grads(push[key] for key in order_of(case)))
        optimizer(mine.grads(push[key] for key in order_of(case)))
    for key, p in held.items():
        error = distance(mine.read(p), real.read(told[key]))
        assert error <= PARAMS, f"{key}: {error:.2g}"


def number_of(name):
    return int(DRAWN * SLOW.get(name, 1))


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.usefixtures("centralization")
def test_drawn_cases_follow_the_original(mindspore, torch, name):
    drawn = []

    @settings(max_examples=number_of(name))
    @given(cases(name))
    def follow(case):
        note(repr(case))
        drawn.append(case)
        compare(mindspore, name, case)

    follow()
    assert len(drawn) >= number_of(name)


def test_enough_is_drawn():
    assert sum(map(number_of, CLASSES)) >= 200 or "CALANDO_DRAWN" in os.environ


NOT_ON_CPU = {"LARS", "Lamb", "SpeedAdamW"}  # no kernel there; LARS and Lamb have recordings
NO_RULE = {"AdaSumByDeltaWeightWrapCell", "AdaSumByGradWrapCell", "OptTFTWrapper", "Optimizer", "thor"}


def test_every_optimizer_of_the_original_is_drawn(mindspore):
    words = {name: getattr(mindspore.nn, name) for name in dir(mindspore.nn)}
    theirs = {n for n, cls in words.items() if isinstance(cls, type) and issubclass(cls, mindspore.nn.Optimizer)}
    assert theirs - NOT_ON_CPU - NO_RULE == set(OWN)
    assert not [name for name in NOT_HERE_YET if hasattr(nn, name)]
