"""Checkpoints of MindSpore: names beside live mindspore.nn, runs that change sides, loading in mid-training."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calando.mindspore import load_checkpoint, load_param_into_net, nn, save_checkpoint
from mindspore_front.checkpointed import (
    AWAY,
    HERE,
    IDS,
    LISTED,
    ROWS,
    SHAPES,
    build,
    compare,
    contents,
    fresh,
    go,
    groups_of,
)
from mindspore_front.kinds import PARAMS, distance, mindspore_kind, noises, numpy_kind, started

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
