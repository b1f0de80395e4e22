"""Checkpoints of MindSpore: ages and powers of β, and the numbers and rates that a file brings along."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.mindspore import CheckpointWarning, load_checkpoint, load_param_into_net, nn, save_checkpoint
from calando.mindspore.resumed import fits
from calando.mindspore.state import Stored
from mindspore_front.checkpointed import (
    AWAY,
    HERE,
    LISTED,
    build,
    compare,
    contents,
    go,
    groups_of,
)
from mindspore_front.kinds import mindspore_kind, noises, numpy_kind, started

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
