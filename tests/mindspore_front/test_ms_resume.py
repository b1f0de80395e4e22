"""snapshot and restore: the run goes on as if it had not stopped, bit for bit."""

import json

import numpy as np
import pytest

from calando import schedules
from calando.mindspore import nn
from calando.snapshot import Snapshot, SnapshotMismatch
from mindspore_front.kinds import NEEDED, noises, started

SHAPES = {"a": (3, 2), "b": (4,), "c": (2, 3, 2)}
ROWS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Momentum", {"weight_decay": 0.1, "loss_scale": 4.0}),
    ("Momentum", {"use_nesterov": True}),
    ("Adam", {"weight_decay": 0.1}),
    ("Adam", {"use_nesterov": True}),
    ("Adam", {"use_amsgrad": True}),
    ("AdamWeightDecay", {"weight_decay": 0.1}),
]
BEFORE, AFTER = 4, 4


def build(kind, name, options, values=None, moving=True):
    params = kind.params(values or started(shapes=SHAPES))
    a, b, c = params.values()
    lr = schedules.Cosine(0.1, 0.01, 6) if moving else 0.1
    groups = [{"params": [c, a], "weight_decay": 0.05, "grad_centralization": True}, {"params": [b], "lr": lr}]
    optimizer = getattr(nn, name)([*groups, {"order_params": [a, b, c]}], **NEEDED.get(name, {}) | options)
    return params, optimizer


def go(kind, optimizer, pushes, changes):
    for step, grads in pushes:
        if changes and step == 2:
            optimizer.set("lr", 0.02, group=0)
        optimizer(kind.grads(grads.values()))


def travelled(snapshot):
    """Through text and plain arrays, as a file would carry it."""
    meta, arrays = snapshot.to_plain()
    return Snapshot.from_plain(json.loads(json.dumps(meta)), {name: array.copy() for name, array in arrays.items()})


@pytest.mark.parametrize("changes", [False, True], ids=["as built", "changed on the way"])
@pytest.mark.parametrize("name, options", ROWS, ids=lambda x: x if isinstance(x, str) else "-".join(x) or "default")
def test_exact_resume(any_kind, name, options, changes):
    kind, pushes = any_kind, list(enumerate(noises(BEFORE + AFTER, shapes=SHAPES)))
    whole, optimizer = build(kind, name, options)
    go(kind, optimizer, pushes, changes)

    params, stopped = build(kind, name, options)
    go(kind, stopped, pushes[:BEFORE], changes)
    kept = travelled(stopped.snapshot())
    values = {key: kind.read(p) for key, p in params.items()}

    params, fresh = build(kind, name, options, values)
    fresh.global_step, fresh.learning_rate, fresh.get_lr()  # boxes made before must show what is restored
    fresh.restore(kept)
    assert int(kind.read(fresh.global_step).item()) == BEFORE
    shown = [float(kind.read(x)) for x in fresh.get_lr()]
    assert shown == [float(kind.read(x)) for x in stopped.get_lr()]
    go(kind, fresh, pushes[BEFORE:], False)
    for key in SHAPES:
        assert kind.read(params[key]).tobytes() == kind.read(whole[key]).tobytes(), key
    assert int(kind.read(fresh.global_step).item()) == BEFORE + AFTER
    assert [fresh.at(step) for step in range(8)] == [optimizer.at(step) for step in range(8)]


def test_assigned_numbers_travel(kind):
    """What ops.assign or a write changed is in the snapshot, before any step has seen it."""
    _, optimizer = build(kind, "Momentum", {}, moving=False)
    go(kind, optimizer, enumerate(noises(2, shapes=SHAPES)), False)
    box = optimizer.momentum
    (box if isinstance(box, np.ndarray) else box.asnumpy())[...] = 0.5
    _, fresh = build(kind, "Momentum", {}, moving=False)
    held = fresh.momentum
    fresh.restore(travelled(optimizer.snapshot()))
    assert float(kind.read(held)) == 0.5 == fresh.current()["momentum"]


def test_a_snapshot_stays_as_it_was_taken(kind):
    _params, optimizer = build(kind, "Adam", {})
    go(kind, optimizer, enumerate(noises(2, shapes=SHAPES)), False)
    kept = optimizer.snapshot()
    before = {name: array.copy() for name, array in kept.to_plain()[1].items()}
    go(kind, optimizer, enumerate(noises(2, shapes=SHAPES)), False)
    for name, array in kept.to_plain()[1].items():
        np.testing.assert_array_equal(array, before[name])


MISMATCHES = [
    (
        lambda kind: nn.Momentum(kind.params(started(shapes=SHAPES)).values(), 0.1, 0.9),
        "1 groups? in the snapshot|groups",
    ),
    (lambda kind: build(kind, "Momentum", {})[1], "follows momentum, the snapshot adam"),
    (
        lambda kind: nn.Adam(
            [{"params": kind.params(started(shapes=SHAPES)).values()}, {"params": [kind.param(np.ones(2), "z")]}]
        ),
        "has 3 parameters, the snapshot 2",
    ),
]


@pytest.mark.parametrize("other, sentence", MISMATCHES, ids=[row[1] for row in MISMATCHES])
def test_what_does_not_fit_is_refused_and_nothing_changes(kind, other, sentence):
    _, optimizer = build(kind, "Adam", {})
    go(kind, optimizer, enumerate(noises(2, shapes=SHAPES)), False)
    target = other(kind)
    before = repr(target), [kind.read(p).tobytes() for p in target.parameters]
    with pytest.raises(SnapshotMismatch, match=sentence):
        target.restore(optimizer.snapshot())
    assert (repr(target), [kind.read(p).tobytes() for p in target.parameters]) == before


@pytest.mark.parametrize("slot", ["m", "v"])
def test_a_snapshot_that_lacks_a_slot_is_refused(kind, slot):
    _, optimizer = build(kind, "Adam", {})
    go(kind, optimizer, enumerate(noises(2, shapes=SHAPES)), False)
    snapshot = optimizer.snapshot()
    name = snapshot.groups[0].params[1].name
    del snapshot.groups[0].params[1].slots[slot]
    before = repr(optimizer), [kind.read(p).tobytes() for p in optimizer.parameters]
    with pytest.raises(SnapshotMismatch, match=f"the snapshot lacks the slot '{slot}' of '{name}'"):
        optimizer.restore(snapshot)
    assert (repr(optimizer), [kind.read(p).tobytes() for p in optimizer.parameters]) == before


def test_another_framework_goes_on(kind):
    """From NumPy arrays to each kind and back: the same path, bit for bit."""
    from mindspore_front.kinds import numpy_kind

    plain, pushes = numpy_kind(), list(enumerate(noises(BEFORE + AFTER, shapes=SHAPES)))
    whole, optimizer = build(plain, "Adam", {})
    go(plain, optimizer, pushes, False)
    params, first = build(plain, "Adam", {})
    go(plain, first, pushes[:BEFORE], False)
    params, second = build(kind, "Adam", {}, params)
    second.restore(travelled(first.snapshot()))
    go(kind, second, pushes[BEFORE:], False)
    for key in SHAPES:
        assert kind.read(params[key]).tobytes() == whole[key].tobytes()
