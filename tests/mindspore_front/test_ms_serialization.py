"""Checkpoints of MindSpore: names beside live mindspore.nn, runs that change sides, loading in mid-training."""

import warnings
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calando.mindspore import CheckpointWarning, load_checkpoint, load_param_into_net, nn, save_checkpoint
from calando.mindspore.resumed import fits
from calando.mindspore.state import Stored
from mindspore_front.kinds import PARAMS, SLOTS, distance, mindspore_kind, noises, numpy_kind, started

SHAPES = {"fc.weight": (3, 4), "bn.gamma": (3,), "fc.bias": (3,)}
HERE, AWAY = 3, 3  # updates before the change and after it
ROWS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.8, "nesterov": True}),
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.1, "loss_scale": 4.0}),
    ("Adam", {"learning_rate": 0.02}),
    ("Adam", {"learning_rate": 0.02, "use_amsgrad": True, "beta2": 0.9}),
    ("Adam", {"learning_rate": 0.02, "use_nesterov": True}),
    ("Adam", {"learning_rate": 0.02, "use_lazy": True}),
    ("Adam", {"learning_rate": 0.02, "use_offload": True}),
    ("AdamWeightDecay", {"learning_rate": 0.02, "weight_decay": 0.1}),
    ("LazyAdam", {"learning_rate": 0.02}),
    ("AdamOffload", {"learning_rate": 0.02}),
    ("AdaMax", {"learning_rate": 0.02}),
    ("Adadelta", {"epsilon": 1e-2}),
    ("Adagrad", {"learning_rate": 0.05}),
    ("ProximalAdagrad", {"learning_rate": 0.05, "l1": 0.01, "l2": 0.1}),
    ("ASGD", {"learning_rate": 0.05, "t0": 2.0, "lambd": 0.1}),
    ("FTRL", {"learning_rate": 0.05}),
    ("RMSProp", {"learning_rate": 0.02, "momentum": 0.5}),
    ("RMSProp", {"learning_rate": 0.02, "centered": True}),
    ("Rprop", {"learning_rate": 0.02}),
]
IDS = [f"{name}-{'-'.join(options) or 'default'}" for name, options in ROWS]
LISTED = [0.05, 0.04, 0.03, 0.02, 0.015, 0.01]
fresh = count()  # MindSpore compiles by parameter names: no two tests may share them


@pytest.fixture
def shapes():
    prefix = f"net{next(fresh)}"
    return {f"{prefix}.{name}": shape for name, shape in SHAPES.items()}


@pytest.fixture
def quiet():
    """MindSpore's own warnings while it saves and loads."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        yield


def build(library, kind, name, options, shapes, grouping=None, values=None):
    """Parameters, and the optimizer of that library; ``grouping`` takes (parameters, library)."""
    params = kind.params(values or started(shapes=shapes))
    if kind.name == "numpy":
        params = {key: named_array(array, key) for key, array in params.items()}
    groups = list(params.values()) if grouping is None else grouping(list(params.values()), library)
    return params, getattr(library, name)(groups, **options)


class Named(np.ndarray):
    """A NumPy array with a name, so that three kinds of parameters have the same checkpoints."""


def named_array(array, name):
    made = array.view(Named)
    made.name = name
    return made


def go(kind, params, optimizer, pushes):
    known = {id(p): name for name, p in params.items()}
    order = [known[id(p)] for p in optimizer.parameters]
    for grads in pushes:
        optimizer(kind.grads(grads[name] for name in order))


def contents(optimizer):
    return {name: np.array(p.asnumpy()) for name, p in optimizer.parameters_dict().items()}


def compare(ours, theirs, names=()):
    """Same names in the same order, same shapes and types, same numbers."""
    assert list(ours) == list(theirs)
    for name, there in theirs.items():
        here = ours[name]
        assert (here.shape, here.dtype) == (there.shape, there.dtype), name
        bound = PARAMS if name in names else SLOTS
        assert distance(here, there) <= bound, f"{name}: {distance(here, there):.2g}"


# Names.


@pytest.mark.parametrize("name, options", ROWS, ids=IDS)
def test_names_order_types_and_numbers_are_mindspores(mindspore, shapes, name, options):
    real = mindspore_kind(mindspore)
    params, theirs = build(mindspore.nn, real, name, options, shapes)
    mine, ours = build(nn, real, name, options, shapes)
    compare(contents(ours), contents(theirs), shapes)
    pushes = noises(HERE, shapes=shapes)
    go(real, params, theirs, pushes)
    go(real, mine, ours, pushes)
    compare(contents(ours), contents(theirs), shapes)


def own_rates(own):
    """Two groups, the first with a rate of its own, if any."""

    def grouping(params, library):
        rate = {} if own is None else {"lr": RATES[own](library)}
        return [{"params": params[:1], "weight_decay": 0.1, **rate}, {"params": params[1:]}]

    return grouping


def all_own(params, library):
    """The constructor's rate is nobody's; there it still says where the rates stand."""
    return [{"params": params[:1], "lr": 0.02}, {"params": params[1:], "lr": 0.03}]


def ordered(params, library):
    return [{"order_params": params[::-1]}, {"params": params[:1], "lr": 0.02}, {"params": params[1:]}]


RATES = {
    "number": lambda library: 0.05,
    "list": lambda library: LISTED,
    "schedule": lambda library: library.ExponentialDecayLR(0.05, 0.9, 4),
}
PLACINGS = [(None, default) for default in RATES]
PLACINGS += [(own_rates(own), default) for own in (None, *RATES) for default in RATES]
PLACINGS += [(all_own, default) for default in RATES]
PLACED = [*RATES, *(f"{own or 'no'}-own-{default}" for own in (None, *RATES) for default in RATES)]
PLACED += [f"all-own-{default}" for default in RATES]


@pytest.mark.parametrize("grouping, default", PLACINGS, ids=PLACED)
def test_rates_are_named_and_placed_as_mindspores(mindspore, shapes, grouping, default):
    """Both are given MindSpore's schedules, which are Cells: ours takes them too."""
    real, options = mindspore_kind(mindspore), {"learning_rate": RATES[default](mindspore.nn), "momentum": 0.9}
    _, theirs = build(mindspore.nn, real, "Momentum", options, shapes, grouping)
    _, ours = build(nn, real, "Momentum", options, shapes, grouping and (lambda ps, _: grouping(ps, mindspore.nn)))
    compare(contents(ours), contents(theirs), shapes)


def test_the_order_of_parameters_is_that_of_order_params(mindspore, shapes):
    real = mindspore_kind(mindspore)
    options = {"learning_rate": 0.05, "momentum": 0.9}
    _, theirs = build(mindspore.nn, real, "Momentum", options, shapes, ordered)
    _, ours = build(nn, real, "Momentum", options, shapes, ordered)
    assert "learning_rate_group_1" in contents(theirs)
    compare(contents(ours), contents(theirs), shapes)


# Runs that change sides.


def groups_of(params, library):
    return [{"params": params[:1], "lr": 0.03, "weight_decay": 0.1}, {"params": params[1:], "weight_decay": 0.2}]


def listed_groups(params, library):
    return [{"params": params[:1], "lr": LISTED}, {"params": params[1:], "lr": LISTED[::-1], "weight_decay": 0.2}]


CROSSINGS = [(name, options, None) for name, options in ROWS] + [
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.9}, groups_of),
    ("Momentum", {"learning_rate": 0.05, "momentum": 0.9}, listed_groups),
    ("Adam", {"learning_rate": 0.02}, ordered),
    ("Adam", {"learning_rate": LISTED}, None),
    ("SGD", {"learning_rate": LISTED, "momentum": 0.5}, groups_of),
]


@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
@pytest.mark.parametrize("name, options, grouping", CROSSINGS, ids=[*IDS, *"abcde"])
def test_a_run_may_change_sides_both_ways(mindspore, quiet, shapes, tmp_path, name, options, grouping, format):
    """Three updates on one side, three on the other: MindSpore's own path of six."""
    real, pushes, path = mindspore_kind(mindspore), noises(HERE + AWAY, shapes=shapes), str(tmp_path / f"a.{format}")
    params, theirs = build(mindspore.nn, real, name, options, shapes, grouping)
    go(real, params, theirs, pushes[:HERE])
    mindspore.save_checkpoint(theirs, path, format=format)
    go(real, params, theirs, pushes[HERE:])
    whole = contents(theirs)

    zeros = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    for kind in (real, numpy_kind()):
        mine, ours = build(nn, kind, name, options, shapes, grouping, zeros)
        assert load_param_into_net(ours, mindspore.load_checkpoint(path, format=format)) == ([], [])
        go(kind, mine, ours, pushes[HERE:])
        for key, p in mine.items():
            assert distance(kind.read(p), whole[key]) <= PARAMS, key

    mine, ours = build(nn, real, name, options, shapes, grouping)
    go(real, mine, ours, pushes[:HERE])
    save_checkpoint(ours, path, format=format)
    params, theirs = build(mindspore.nn, real, name, options, shapes, grouping, zeros)
    found = mindspore.load_checkpoint(path, format=format)
    assert mindspore.load_param_into_net(theirs, found) == ([], [])
    go(real, params, theirs, pushes[HERE:])
    compare(contents(theirs), whole, shapes)


ANY = st.floats(0.1, 0.95)
DRAWN = {
    "SGD": {"momentum": ANY, "dampening": ANY},
    "Momentum": {"momentum": ANY, "loss_scale": st.sampled_from([1.0, 8.0])},
    "Adam": {"beta1": ANY, "beta2": ANY, "eps": st.floats(1e-4, 1e-2), "use_amsgrad": st.booleans()},
    "AdamWeightDecay": {"beta1": ANY, "beta2": ANY, "eps": st.floats(1e-4, 1e-2)},
    "AdaMax": {"beta1": ANY, "beta2": ANY, "eps": st.floats(1e-4, 1e-2)},
    "Adadelta": {"rho": ANY, "epsilon": st.floats(1e-4, 1e-2)},
    "ASGD": {"lambd": st.floats(1e-3, 0.1), "alpha": ANY, "t0": st.floats(1.0, 5.0)},
    "Adagrad": {"accum": st.floats(0.1, 1.0)},
}


@pytest.mark.slow
@settings(max_examples=15)
@given(data=st.data())
def test_there_and_back_with_any_hyperparameters(mindspore, tmp_path_factory, data):
    """k updates in MindSpore, l in calando, m in MindSpore again: MindSpore's own path of k + l + m."""
    shapes = {f"net{next(fresh)}.{name}": shape for name, shape in SHAPES.items()}
    name = data.draw(st.sampled_from(sorted(DRAWN)))
    options = data.draw(st.fixed_dictionaries(DRAWN[name])) | {"weight_decay": data.draw(st.floats(0.0, 0.2))}
    options["learning_rate"] = data.draw(st.floats(0.01, 0.1) | st.lists(st.floats(0.01, 0.1), min_size=9, max_size=9))
    k, length, m = (data.draw(st.integers(0, 3)) for _ in range(3))
    pushes = noises(k + length + m, shapes=shapes, seed=data.draw(st.integers(0, 99)))
    real, path = mindspore_kind(mindspore), str(tmp_path_factory.mktemp("drawn") / "a.ckpt")
    params, whole = build(mindspore.nn, real, name, options, shapes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        go(real, params, whole, pushes[:k])
        mindspore.save_checkpoint(whole, path)
        go(real, params, whole, pushes[k:])
        mine, ours = build(nn, numpy_kind(), name, options, shapes)
        assert load_param_into_net(ours, load_checkpoint(path)) == ([], [])
        go(numpy_kind(), mine, ours, pushes[k : k + length])
        save_checkpoint(ours, path)
        _, last = build(mindspore.nn, real, name, options, shapes)
        assert mindspore.load_param_into_net(last, mindspore.load_checkpoint(path)) == ([], [])
        known = {p.name: p for p in last.parameters}
        go(real, known, last, pushes[k + length :])
    compare(contents(last), contents(whole), shapes)


@pytest.mark.parametrize("name, options", [*ROWS, ("NAdam", {}), ("RAdam", {})], ids=[*IDS, "NAdam", "RAdam"])
def test_here_a_file_goes_on_to_the_last_bit_also_in_mid_training(kind, shapes, tmp_path, name, options):
    """Unlike in MindSpore: loading into an optimizer that has stepped takes effect, on slots, clock and rates."""
    pushes = noises(HERE + AWAY, shapes=shapes)
    params, optimizer = build(nn, kind, name, options, shapes)
    go(kind, params, optimizer, pushes[:HERE])
    save_checkpoint(optimizer, tmp_path / "a.ckpt")
    go(kind, params, optimizer, pushes[HERE:])
    whole = {key: kind.read(p).tobytes() for key, p in params.items()}
    assert int(kind.read(optimizer.global_step).item()) == HERE + AWAY
    for _ in range(2):
        assert load_param_into_net(optimizer, load_checkpoint(str(tmp_path / "a.ckpt"))) == ([], [])
        assert int(kind.read(optimizer.global_step).item()) == HERE
        go(kind, params, optimizer, pushes[HERE:])
        assert {key: kind.read(p).tobytes() for key, p in params.items()} == whole
    newborn, other = build(nn, kind, name, options, shapes, values=started(9, shapes=shapes))
    load_checkpoint(tmp_path / "a.ckpt", other)
    go(kind, newborn, other, pushes[HERE:])
    assert {key: kind.read(p).tobytes() for key, p in newborn.items()} == whole


@settings(max_examples=30)
@given(data=st.data())
def test_any_optimizer_any_rates_any_length(tmp_path_factory, data):
    name, options = data.draw(st.sampled_from(ROWS))
    lr = data.draw(st.floats(1e-3, 0.1) | st.lists(st.floats(1e-3, 0.1), min_size=9, max_size=9))
    steps = data.draw(st.integers(0, 4))
    options, plain = options | {"learning_rate": lr}, numpy_kind()
    pushes = noises(steps + 2, shapes=SHAPES, seed=data.draw(st.integers(0, 99)))
    params, optimizer = build(nn, plain, name, options, SHAPES)
    go(plain, params, optimizer, pushes[:steps])
    path = tmp_path_factory.mktemp("any") / "a.ckpt"
    save_checkpoint(optimizer, path, crc_check=data.draw(st.booleans()))
    go(plain, params, optimizer, pushes[steps:])
    again, other = build(nn, plain, name, options, SHAPES, values=started(5, shapes=SHAPES))
    load_checkpoint(path, other)
    go(plain, again, other, pushes[steps:])
    assert {k: p.tobytes() for k, p in again.items()} == {k: p.tobytes() for k, p in params.items()}


def test_real_networks_and_optimizers_too_are_loaded_in_mid_training(mindspore, quiet, tmp_path):
    """MindSpore's own loading detaches what was compiled: its training stops. Ours writes into the memory."""
    rng = np.random.default_rng(0)
    x, y = (mindspore.Tensor(rng.standard_normal(shape).astype(np.float32)) for shape in ((8, 4), (8, 2)))
    net = mindspore.nn.Dense(4, 2)
    for i, p in enumerate(net.trainable_params()):
        p.name = f"real{next(fresh)}.{i}"
    optimizer = mindspore.nn.Momentum(net.trainable_params(), 0.1, 0.9)
    step = mindspore.value_and_grad(lambda a, b: ((net(a) - b) ** 2).mean(), None, optimizer.parameters)

    def train(n):
        found = []
        for _ in range(n):
            loss, grads = step(x, y)
            optimizer(grads)
            found.append(float(loss.asnumpy()))
        return found

    train(3)
    save_checkpoint(optimizer, tmp_path / "a.ckpt")
    save_checkpoint(net, tmp_path / "net.ckpt")
    losses = train(4)
    assert load_param_into_net(optimizer, load_checkpoint(tmp_path / "a.ckpt")) == ([], [])
    assert train(4) == losses
    load_param_into_net(net, load_checkpoint(tmp_path / "net.ckpt"))
    assert train(1)[0] == losses[0]


# Ages and powers.


@given(st.floats(0.5, 0.9999), st.integers(0, 100_000))
def test_an_age_is_found_again_in_its_power(beta, age):
    base = float(np.float32(beta))
    power = float(np.float32(base**age))
    assert fits(power, base, age)
    if 1e-6 < power < 0.999:  # MindSpore multiplies age times in float32: that much may be off, not more
        rounding = 1e-6 + 2e-7 * age
        assert not fits(power, base, age + 2 + int(3 * rounding / (1 - base)))


def test_powers_multiplied_in_float32_fit(mindspore):
    """As MindSpore makes them: 20,000 multiplications of 0.999 and of 0.9999."""
    for beta in (0.9, 0.999, 0.9999):
        power = np.float32(1)
        for age in range(1, 20_001):
            power = np.float32(power * np.float32(beta))
            if age % 500 == 0:
                assert fits(float(power), float(np.float32(beta)), age), (beta, age)


def test_powers_are_stored_to_the_last_bit(mindspore):
    """Also where they are the last number above 0, which times β is itself again."""
    real, mine = mindspore_kind(mindspore), numpy_kind()
    options, shapes = {"beta1": 0.9, "beta2": 0.556}, {"powers.weight": (1,)}
    theirs = mindspore.nn.LazyAdam(list(real.params(started(0, shapes)).values()), **options)
    ours = nn.LazyAdam(list(mine.params(started(0, shapes)).values()), **options)
    for number, push in enumerate(noises(190, shapes=shapes), 1):
        theirs(real.grads(push.values())), ours(mine.grads(push.values()))
        if number % 38 == 0:
            told, held = theirs.parameters_dict(), ours.parameters_dict()
            for name in ("beta1_power", "beta2_power"):
                np.testing.assert_array_equal(held[name], told[name].asnumpy(), f"{name} after {number}")


def test_the_clock_may_differ_from_the_ages(shapes, tmp_path):
    plain = numpy_kind()
    params, optimizer = build(nn, plain, "Adam", {}, shapes)
    go(plain, params, optimizer, noises(5, shapes=shapes))
    optimizer.global_step = 1
    save_checkpoint(optimizer, tmp_path / "a.ckpt")
    _, other = build(nn, plain, "Adam", {}, shapes)
    load_checkpoint(tmp_path / "a.ckpt", other)
    assert other.engine.clocks == [1] and {m.age for m in other.engine.members[0]} == {5}


def aged(optimizer, ages):
    """The optimizer, its parameters as if they had had so many updates each."""
    kept = optimizer.snapshot()
    for stored, age in zip(kept.groups[0].params, ages, strict=True):
        stored.age = age
    optimizer.restore(kept)
    return optimizer


def test_ages_that_differ_are_told(shapes, tmp_path):
    plain = numpy_kind()
    params, optimizer = build(nn, plain, "Adam", {}, shapes)
    go(plain, params, optimizer, noises(3, shapes=shapes))
    sentence = (
        "For 'Adam': parameters have had 1 to 3 updates each; MindSpore keeps one number, so the checkpoint says 3"
    )
    with pytest.warns(CheckpointWarning, match=sentence):
        save_checkpoint(aged(optimizer, [1, 3, 2]), tmp_path / "a.ckpt")


def test_sgd_carries_who_has_had_no_update_yet(mindspore, shapes, tmp_path):
    plain = numpy_kind()
    params, optimizer = build(nn, plain, "SGD", {"momentum": 0.9, "dampening": 0.5}, shapes)
    go(plain, params, optimizer, noises(3, shapes=shapes))
    save_checkpoint(aged(optimizer, [3, 0, 3]), tmp_path / "a.ckpt")
    _, other = build(nn, plain, "SGD", {"momentum": 0.9, "dampening": 0.5}, shapes)
    load_checkpoint(tmp_path / "a.ckpt", other)
    assert [m.age for m in other.engine.members[0]] == [3, 0, 3]


def test_powers_of_other_betas_are_told(mindspore, quiet, shapes, tmp_path):
    real, plain = mindspore_kind(mindspore), numpy_kind()
    params, theirs = build(mindspore.nn, real, "Adam", {"beta1": 0.85}, shapes)
    go(real, params, theirs, noises(3, shapes=shapes))
    mindspore.save_checkpoint(theirs, str(tmp_path / "a.ckpt"))
    _, ours = build(nn, plain, "Adam", {}, shapes)
    with pytest.warns(CheckpointWarning, match="are not the powers of this optimizer's beta1 and beta2 .* as after 3"):
        load_checkpoint(tmp_path / "a.ckpt", ours)
    assert {m.age for m in ours.engine.members[0]} == {3}


# Numbers and rates of the checkpoint.


def loaded(optimizer, found, sentence):
    """Load, and see one warning."""
    with pytest.warns(CheckpointWarning) as told:
        result = load_param_into_net(optimizer, found)
    assert [sentence in str(w.message) for w in told] == [True], [str(w.message) for w in told]
    return result


def pair(name, ours, theirs, shapes, steps=2):
    """What the first has stored after two updates; the second, fresh; and its kind."""
    plain = numpy_kind()
    params, optimizer = build(nn, plain, name, ours, shapes)
    go(plain, params, optimizer, noises(steps, shapes=shapes))
    return optimizer.parameters_dict(), build(nn, plain, name, theirs, shapes)[1]


def test_another_rate_takes_effect_and_is_told(shapes):
    found, optimizer = pair("Adam", {"learning_rate": 0.02}, {"learning_rate": 0.5}, shapes)
    sentence = "'learning_rate' is 0.02 from now on, as the checkpoint says, and no longer 0.5; to keep the latter"
    assert loaded(optimizer, found, sentence) == ([], [])
    assert optimizer.current()["learning_rate"] == float(np.float32(0.02))
    assert optimizer.get_lr() == np.float32(0.02) == optimizer.learning_rate
    found.pop("learning_rate")
    _, optimizer = pair("Adam", {}, {"learning_rate": 0.5}, shapes)
    assert loaded(optimizer, found, "'learning_rate' of Adam stayed as before")[0] == ["learning_rate"]
    assert optimizer.current()["learning_rate"] == 0.5


def test_the_same_rate_stays_as_exact_as_it_was_given(shapes):
    found, optimizer = pair(
        "Momentum", {"learning_rate": 0.1, "momentum": 0.9}, {"learning_rate": 0.1, "momentum": 0.9}, shapes
    )
    assert load_param_into_net(optimizer, found) == ([], [])
    assert optimizer.current()["learning_rate"] == 0.1 and optimizer.current()["momentum"] == 0.9


def test_another_momentum_takes_effect_and_is_told(shapes):
    found, optimizer = pair("SGD", {"momentum": 0.5}, {"momentum": 0.0}, shapes)
    loaded(optimizer, found, "'momentum' is 0.5 from now on, as the checkpoint says, and no longer 0;")
    assert optimizer.current()["momentum"] == 0.5
    assert {m.age for m in optimizer.engine.members[0]} == {2}
    for member in optimizer.engine.members[0]:
        np.testing.assert_array_equal(member.slots["m"], found[f"accum.{member.name}"])


def test_another_list_of_the_same_length_takes_effect_and_is_told(shapes):
    found, optimizer = pair("Adam", {"learning_rate": LISTED}, {"learning_rate": LISTED[::-1]}, shapes)
    loaded(
        optimizer, found, "'learning_rate' is a list of 6 (0.05 to 0.01) from now on, as the checkpoint says, and no"
    )
    assert [optimizer.at(step)["learning_rate"] for step in range(2, 6)] == [float(np.float32(x)) for x in LISTED[2:]]


def test_a_schedule_stays_and_goes_on_at_the_clock_of_the_checkpoint(shapes):
    found, optimizer = pair("Adam", {"learning_rate": 0.02}, {"learning_rate": lambda step: 0.1 / (1 + step)}, shapes)
    sentence = "'learning_rate' of the checkpoint is not used: "
    assert loaded(optimizer, found, sentence) == ([], ["learning_rate"])
    assert optimizer.current()["learning_rate"] == pytest.approx(0.1 / 3)


def test_a_rate_that_was_set_for_one_group_travels(shapes, tmp_path):
    plain = numpy_kind()
    _, optimizer = build(nn, plain, "Adam", {}, shapes, groups_of)
    optimizer.set("lr", 0.25, group=1)
    save_checkpoint(optimizer, tmp_path / "a.ckpt")
    found = load_checkpoint(tmp_path / "a.ckpt")
    assert [name for name in found if name.startswith("learning_rate")] == [
        "learning_rate_group_0",
        "learning_rate_group_1",
    ]
    _, other = build(nn, plain, "Adam", {}, shapes, groups_of)
    loaded(other, found, "'learning_rate_group_1' is 0.25 from now on")
    assert [values["lr"] for values in other.current()] == [0.03, 0.25]
    again = dict(other.parameters_dict())
    assert float(again["learning_rate_group_1"]) == 0.25 and "learning_rate" not in again
    _, third = build(nn, plain, "Adam", {}, shapes, groups_of)
    loaded(third, again, "'learning_rate_group_1' is 0.25 from now on")


def test_boxes_that_somebody_holds_show_what_was_loaded(kind, shapes):
    _, optimizer = build(nn, kind, "Momentum", {"learning_rate": 0.1, "momentum": 0.9}, shapes)
    rate, clock, momentum = optimizer.learning_rate, optimizer.global_step, optimizer.momentum
    found = {"learning_rate": np.float32(0.25).reshape(()), "global_step": np.array([7]), "momentum": np.array(0.5)}
    with pytest.warns(CheckpointWarning):
        load_param_into_net(optimizer, found)
    assert [float(kind.read(box).item()) for box in (rate, clock, momentum)] == [0.25, 7, 0.5]
    assert repr(optimizer).count("step 7") == 1


def test_a_parameter_without_elements_and_half_precision(shapes, tmp_path):
    import torch

    import calando.mindspore as ms

    params = [
        ms.Parameter(np.zeros((0, 3), np.float32), name="none"),
        ms.Parameter(torch.tensor([1.0, -2.5]).bfloat16(), name="brain"),
        ms.Parameter(np.array([0.5, 1.5], np.float16), name="half"),
        ms.Parameter(np.array([0.1]), name="double"),
    ]
    optimizer = nn.Momentum(params, 0.1, 0.9)
    optimizer(tuple(torch.ones_like(p) for p in params))
    before = {name: p.detach().clone() for name, p in optimizer.parameters_dict().items()}
    save_checkpoint(optimizer, tmp_path / "a.ckpt", crc_check=True)
    optimizer(tuple(torch.ones_like(p) for p in params))
    assert load_param_into_net(optimizer, load_checkpoint(tmp_path / "a.ckpt", crc_check=True), True) == ([], [])
    for name, p in optimizer.parameters_dict().items():
        assert p.dtype == before[name].dtype and torch.equal(p, before[name]), name


class Renamed(nn.Momentum):
    """An optimizer of somebody's own, with names of its own."""

    STORED = Stored({"m": "velocity.{}"}, numbers={"momentum": "mass"}, lacks="the weather is not stored")


class Nameless(nn.Adam):
    STORED = Stored()


def test_an_optimizer_of_ones_own(shapes, tmp_path):
    plain = numpy_kind()
    for own, names in ((Renamed, ["mass", "velocity."]), (Nameless, ["m.", "v."])):
        options = {"learning_rate": 0.1, "momentum": 0.9} if own is Renamed else {}
        library = SimpleNamespace(**{own.__name__: own})
        pushes = noises(4, shapes=shapes)
        params, optimizer = build(library, plain, own.__name__, options, shapes)
        go(plain, params, optimizer, pushes[:2])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            kept = save_checkpoint(optimizer, tmp_path / "a.ckpt")
        sentence = "For 'Renamed': the weather is not stored"
        assert [str(w.message) for w in told] == ([sentence] if own is Renamed else [])
        assert all(any(key.startswith(name) for key in kept) for name in names)
        other, second = build(library, plain, own.__name__, options, shapes)
        load_checkpoint(tmp_path / "a.ckpt", second)
        go(plain, params, optimizer, pushes[2:])
        go(plain, other, second, pushes[2:])
        for key, p in params.items():
            assert other[key].tobytes() == p.tobytes()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_slots_of_other_shapes_change_sides_too(mindspore, shapes, tmp_path):
    real, pushes, path = mindspore_kind(mindspore), noises(HERE + AWAY, shapes=shapes), str(tmp_path / "a.ckpt")
    theirs_library, ours_library = mindspore.nn, nn
    options = {"learning_rate": 0.02, "relative_step": False}
    params, theirs = build(theirs_library, real, "AdaFactor", options, shapes)
    mine, ours = build(ours_library, real, "AdaFactor", options, shapes)
    compare(contents(ours), contents(theirs), shapes)
    go(real, params, theirs, pushes[:HERE])
    go(real, mine, ours, pushes[:HERE])
    compare(contents(ours), contents(theirs), shapes)
    mindspore.save_checkpoint(theirs, path)
    go(real, params, theirs, pushes[HERE:])
    go(real, mine, ours, pushes[:2])  # away from the path, and back
    assert load_param_into_net(ours, load_checkpoint(path)) == ([], [])
    assert {m.age for m in ours.engine.members[0]} == {HERE}
    save_checkpoint(ours, path)
    go(real, mine, ours, pushes[HERE:])
    compare(contents(ours), contents(theirs), shapes)
    again, third = build(theirs_library, real, "AdaFactor", options, shapes)
    assert mindspore.load_param_into_net(third, mindspore.load_checkpoint(path)) == ([], [])
    go(real, again, third, pushes[HERE:])
    compare(contents(third), contents(theirs), shapes)


def test_names_of_those_that_mindspore_cannot_run_here(mindspore, shapes):
    """Lamb and LARS have no CPU kernel there, but names."""
    real = mindspore_kind(mindspore)
    _, theirs = build(mindspore.nn, real, "Lamb", {"learning_rate": 0.1}, shapes)
    _, ours = build(nn, real, "Lamb", {"learning_rate": 0.1}, shapes)
    compare(contents(ours), contents(theirs), shapes)
    found = []
    for library in (mindspore.nn, nn):
        _, inside = build(library, real, "Momentum", {"learning_rate": 0.1, "momentum": 0.9}, shapes)
        found.append(contents(library.LARS(inside)))
    placeholders = {"fake_lr", "fake_param"}
    assert found[0].keys() - placeholders == found[1].keys() and placeholders <= found[0].keys()


def test_lars_goes_on_from_its_file(kind, shapes, tmp_path):
    pushes, found = noises(4, shapes=shapes), []
    for steps in (4, 2):
        params, inside = build(nn, kind, "Momentum", {"learning_rate": 0.1, "momentum": 0.9}, shapes)
        optimizer = nn.LARS(inside)
        go(kind, params, optimizer, pushes[:steps])
        found.append(params)
    save_checkpoint(optimizer, tmp_path / "a.ckpt")
    params, inside = build(nn, kind, "Momentum", {"learning_rate": 0.1, "momentum": 0.9}, shapes)
    other = nn.LARS(inside)
    assert load_param_into_net(other, load_checkpoint(tmp_path / "a.ckpt")) == ([], [])
    go(kind, params, other, pushes[2:])
    for key, p in params.items():
        assert kind.read(p).tobytes() == kind.read(found[0][key]).tobytes()
