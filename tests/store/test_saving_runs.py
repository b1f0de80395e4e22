"""``calando.save`` and ``calando.resume``: what travels, which files stay, and what is refused without a change."""

import os
import random
import threading
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch

import calando
import calando.mindspore as mindspore_room
from calando import resuming, rotation, store
from calando.mindspore import nn
from calando.schedules import Cosine, Linear
from calando.store import CheckpointError
from calando.torch import LBFGS, SGD, AdamW, Plateau


def net(width=5):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(4, width), torch.nn.BatchNorm1d(width), torch.nn.Dropout(0.4), torch.nn.Linear(width, 2)
    )


def go(model, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(8, 4)).square().sum().backward()
        optimizer.step()


def bits(model, optimizer):
    """All that a run is, so that two can be compared."""
    meta, slots = optimizer.snapshot().to_plain()
    tensors = {name: x.numpy().tobytes() for name, x in model.state_dict().items()}
    return meta, {name: array.tobytes() for name, array in slots.items()}, tensors, repr(optimizer)


@pytest.fixture
def run():
    model = net()
    optimizer = AdamW(model.parameters(), lr=Cosine(0.1, 0.0, 20))
    go(model, optimizer, 3)
    return model, optimizer


def fresh(**options):
    model = net()
    return model, AdamW(model.parameters(), **{"lr": Cosine(0.1, 0.0, 20), **options})


def test_buffers_random_numbers_and_controllers_travel(tmp_path, run):
    model, optimizer = run
    plateau = Plateau(optimizer, patience=1, factor=0.5)
    plateau.step(1.0)
    random.seed(4), np.random.seed(4), np.random.standard_normal()  # noqa: NPY002
    calando.save(tmp_path / "a", model=model, optimizer=optimizer)
    drawn = random.random(), np.random.standard_normal(3).tolist()  # noqa: NPY002
    go(model, optimizer, 4)
    for metric in (1.0, 1.0, 1.0):
        plateau.step(metric)

    other, second = fresh()
    watcher = Plateau(second, patience=1, factor=0.5)
    assert calando.resume(tmp_path / "a", model=other, optimizer=second).step == 3
    assert (random.random(), np.random.standard_normal(3).tolist()) == drawn  # noqa: NPY002
    go(other, second, 4)
    for metric in (1.0, 1.0, 1.0):
        watcher.step(metric)
    assert bits(other, second) == bits(model, optimizer) and watcher.state_dict() == plateau.state_dict()
    assert int(other[1].num_batches_tracked) == 7


def test_a_controller_made_after_resuming_finds_its_memory(tmp_path, run):
    _, optimizer = run
    Plateau(optimizer, patience=3).step(0.25)
    calando.save(tmp_path / "a", optimizer=optimizer)
    _, second = fresh()
    calando.resume(tmp_path / "a", optimizer=second)
    assert Plateau(second, patience=3).best == 0.25


def test_what_torchs_schedulers_keep_in_groups_travels(tmp_path):
    model = net()
    optimizer = SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
    for _ in range(3):
        go(model, optimizer, 1)
        scheduler.step()
    calando.save(tmp_path / "a", model=model, optimizer=optimizer, extra={"scheduler": scheduler.state_dict()})
    other = net()
    second = SGD(other.parameters(), lr=0.1)
    extra = calando.resume(tmp_path / "a", model=other, optimizer=second).extra
    follower = torch.optim.lr_scheduler.MultiStepLR(second, [2, 4], last_epoch=3)
    follower.load_state_dict(extra["scheduler"])
    assert follower.milestones == Counter({2: 1, 4: 1}) and second.param_groups[0]["initial_lr"] == 0.1


def test_cells_travel(tmp_path):
    def built():
        mindspore_room.set_seed(3)
        cell = nn.SequentialCell(nn.Dense(4, 5), nn.BatchNorm1d(5), nn.Dense(5, 2))
        cell.set_train()
        return cell, nn.Adam(cell.trainable_params(), learning_rate=Linear(0.0, 0.1, 9))

    def gone(cell, optimizer, steps):
        grad = mindspore_room.value_and_grad(lambda x: (cell(x) ** 2).sum(), None, optimizer.parameters)
        for _ in range(steps):
            optimizer(grad(mindspore_room.Tensor(torch.randn(6, 4).numpy()))[1])

    def told(cell):
        return {p.name: p.asnumpy().tobytes() for p in cell.get_parameters()}

    cell, optimizer = built()
    gone(cell, optimizer, 3)
    calando.save(tmp_path / "a", model=cell, optimizer=optimizer)
    gone(cell, optimizer, 3)
    other, second = built()
    calando.resume(tmp_path / "a", model=other, optimizer=second)
    gone(other, second, 3)
    assert told(other) == told(cell) and "1.moving_mean" in told(cell)


def test_cells_of_real_mindspore_travel(mindspore, tmp_path):
    cell = mindspore.nn.Dense(3, 2)
    optimizer = nn.Momentum(cell.trainable_params(), learning_rate=0.1, momentum=0.9)
    grads = (mindspore.Tensor(np.ones((2, 3), np.float32)), mindspore.Tensor(np.ones(2, np.float32)))
    optimizer(grads)
    calando.save(tmp_path / "a", model=cell, optimizer=optimizer)
    optimizer(grads)
    other = mindspore.nn.Dense(3, 2)
    second = nn.Momentum(other.trainable_params(), learning_rate=0.1, momentum=0.9)
    calando.resume(tmp_path / "a", model=other, optimizer=second)
    second(grads)
    assert np.array_equal(other.weight.asnumpy(), cell.weight.asnumpy())


def test_several_models_and_optimizers(tmp_path):
    def built():
        models = {"g": net(), "d": net(7)}
        return models, {key: SGD(model.parameters(), lr=0.1, momentum=0.9) for key, model in models.items()}

    models, optimizers = built()
    for key in models:
        go(models[key], optimizers[key], 2)
    calando.save(tmp_path / "a", model=models, optimizer=optimizers)
    others, seconds = built()
    calando.resume(tmp_path / "a", model=others, optimizer=seconds)
    assert all(bits(others[key], seconds[key]) == bits(models[key], optimizers[key]) for key in models)
    with pytest.raises(CheckpointError, match="has no model; it has 'd', 'g'"):
        calando.resume(tmp_path / "a", model=net())
    others, seconds = built()
    wrong = {**seconds, "d": AdamW(others["d"].parameters())}
    before = bits(others["g"], seconds["g"])
    with pytest.raises(CheckpointError, match="AdamW, group 0"):
        calando.resume(tmp_path / "a", optimizer={"g": seconds["g"], "d": wrong["d"]})
    assert bits(others["g"], seconds["g"]) == before


def test_all_types_of_tensors_travel(tmp_path):
    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.narrow = torch.nn.Parameter(torch.randn(3, dtype=torch.bfloat16))
            self.tied = self.narrow
            self.register_buffer("complex", torch.randn(2, 2, dtype=torch.complex64))
            self.register_buffer("eighth", torch.randn(4).to(torch.float8_e4m3fn))
            self.register_buffer("number", torch.tensor(5))
            self.register_buffer("truth", torch.tensor([True, False]))
            self.register_buffer("empty", torch.zeros(0, 3))
            self.turned = torch.nn.Parameter(torch.randn(4, 3).t())

        def get_extra_state(self):
            return {"seen": 7}

        def set_extra_state(self, state):
            self.seen = state["seen"]

    first, second = Odd(), Odd()
    saved = calando.save(tmp_path / "a", model=first)
    calando.resume(saved, model=second)
    assert second.seen == 7 and "model/tied" not in store.peek(tmp_path / "a")[1]
    for (name, x), y in zip(first.named_buffers(), second.buffers(), strict=True):
        assert torch.equal(x.view(torch.uint8) if x.dim() else x, y.view(torch.uint8) if y.dim() else y), name
    assert torch.equal(first.narrow, second.narrow) and torch.equal(first.turned, second.turned)
    assert second.turned.stride() == (1, 3)


EXTRA = {
    "none": None, "text": "é", "numbers": [1, -2.5, 10**30, True], "tuple": (1, (2, [3])), "set": {1, 2},
    "bytes": b"\0x",
    "keys": {1: "a", (2, 3): "b"}, "#odd": {"#tuple": []}, "schedule": Linear(0.0, 1.0, 5), "ordered": OrderedDict(a=1),
}  # fmt: skip


def test_extra_comes_back_as_it_was(tmp_path):
    arrays = {"a": np.arange(6).reshape(2, 3), "n": np.float32(0.1), "c": np.array([1j]), "t": torch.ones(2, 2).half()}
    calando.save(tmp_path / "a", extra={**EXTRA, **arrays, "nan": float("nan")})
    found = calando.resume(tmp_path / "a").extra
    assert {key: found[key] for key in EXTRA} == EXTRA and found["nan"] != found["nan"]
    assert found["a"].tolist() == arrays["a"].tolist() and found["c"].tolist() == [1j]
    assert type(found["n"]) is np.float32 and found["n"] == np.float32(0.1)
    assert found["t"].dtype == torch.float16 and found["t"].tolist() == [[1.0, 1.0]] * 2


def test_what_is_no_plain_data_is_named(tmp_path, run):
    model, optimizer = run
    loop = []
    loop.append(loop)
    for extra, told in (
        ({"a": [0, {"b": threading.Lock()}]}, r"extra\['a'\]\[1\]\['b'\] is a lock; a checkpoint holds None, bool"),
        ({"a": np.array(["x"])}, "is an array of <U1"),
        (loop, "nested more than 100 deep; does it contain itself"),
        ({"a": torch.ones(2).to_sparse()}, "is sparse"),
    ):
        with pytest.raises(TypeError, match=told):
            calando.save(tmp_path / "a", model=model, optimizer=optimizer, extra=extra)
    assert os.listdir(tmp_path) == []


# Folders.


def test_the_last_and_the_best_stay(tmp_path, run):
    model, optimizer = run
    for metric in (5.0, 1.0, 4.0, float("nan"), 3.0):
        go(model, optimizer, 1)
        calando.save(tmp_path / "r", model=model, optimizer=optimizer, metric=metric, keep_last=2, keep_best="min")
    assert sorted(os.listdir(tmp_path / "r")) == [f"step-{step:09d}.calando" for step in (5, 7, 8)]
    assert calando.resume(tmp_path / "r").step == 8
    best = calando.resume(tmp_path / "r", best="min")
    assert (best.step, best.metric) == (5, 1.0)
    assert calando.resume(tmp_path / "r", best="max").step == 8


def test_of_metrics_that_are_no_numbers_none_is_the_best(tmp_path):
    calando.save(f"{tmp_path}/r/", extra=1, step=1, metric=float("nan"), keep_last=2, keep_best="min")
    with pytest.raises(FileNotFoundError):
        calando.resume(tmp_path / "r", best="min")


def test_the_newest_is_the_one_written_last(tmp_path):
    """After going back to an older checkpoint a run writes smaller steps again."""
    folder = f"{tmp_path}/r/"
    for step in (10, 20, 30, 15):
        path = calando.save(folder, extra=step, step=step).path
        os.utime(path, ns=(0, [10, 20, 30, 15].index(step) * 10**9))
    assert calando.resume(folder).extra == 15


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9999])
def test_a_torn_file_is_passed_over_with_a_warning(tmp_path, run, share):
    model, optimizer = run
    first = calando.save(tmp_path, model=model, optimizer=optimizer, extra=1).path
    go(model, optimizer, 1)
    second = calando.save(tmp_path, model=model, optimizer=optimizer, extra=2).path
    os.utime(first, ns=(0, 0))
    data = second.read_bytes()
    second.write_bytes(data[: int(len(data) * share)])
    with pytest.warns(resuming.CheckpointWarning, match=f"{second.name}.*trying the one before it"):
        assert calando.resume(tmp_path).extra == 1
    first.write_bytes(b"")
    with pytest.warns(resuming.CheckpointWarning), pytest.raises(FileNotFoundError, match="no checkpoint that could"):
        calando.resume(tmp_path)


# In the background.


def test_async_save_stores_the_moment_of_the_call(tmp_path, run):
    model, optimizer = run
    before = bits(model, optimizer)
    for name in "ab":  # the second time in the memory of the first copies
        saved = calando.save(tmp_path / name, model=model, optimizer=optimizer, async_save=True)
        with torch.no_grad():
            model[0].weight.mul_(3.0)
            optimizer.state[model[0].weight]["exp_avg"].add_(1.0)
        saved.wait()
        other, second = fresh()
        calando.resume(tmp_path / name, model=other, optimizer=second)
        assert bits(other, second) == before
        calando.resume(tmp_path / name, model=model, optimizer=optimizer)


def test_async_save_tells_its_failure_later(tmp_path, run, monkeypatch):
    model, _ = run
    monkeypatch.setattr(os, "fsync", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    saved = calando.save(tmp_path / "a", model=model, async_save=True)
    with pytest.raises(OSError, match="No space left"):
        saved.wait()
    calando.save(tmp_path / "a", model=model, async_save=True)
    with pytest.raises(OSError, match="No space left"):
        calando.save(tmp_path / "b", model=model)
    assert os.listdir(tmp_path) == []


# What is refused, and changes nothing.


def other_model():
    return torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Linear(5, 2))


def wrapped(model):
    return torch.nn.ModuleDict({"module": model})


def refused():
    """(what is built for resuming: model and optimizer, what is said)."""
    half = net().half()
    return {
        "another optimizer": (
            net(),
            lambda p: SGD(p, momentum=0.9),
            "SGD, group 0 follows sgd_momentum, the snapshot adam",
        ),
        "another choice": (
            net(),
            lambda p: AdamW(p, maximize=True),
            "was stored with maximize=False, and is built with",
        ),
        "another rule": (net(), lambda p: AdamW(p, amsgrad=True), "amsgrad"),
        "other shapes": (net(6), AdamW, r"'0.weight' is \(6, 4\) in the model and \(5, 4\) in the checkpoint"),
        "other names": (
            other_model(),
            AdamW,
            "Sequential lacks '1.running_mean', '1.running_var', '1.num_batches_tracked' and 2 others of the",
        ),
        "wrapped": (wrapped(net()), AdamW, "every name in ModuleDict begins with 'module.'"),
        "another type": (half, AdamW, "is float16 in the model and float32 in the checkpoint; convert the model"),
        "fewer groups": (
            net(),
            lambda p: AdamW([{"params": [x]} for x in p]),
            "1 groups in the snapshot, 6 in the optimizer",
        ),
    }


@pytest.mark.parametrize("name", refused())
def test_refusals_change_nothing(tmp_path, run, name):
    model, optimizer = run
    calando.save(tmp_path / "a", model=model, optimizer=optimizer)
    other, made, told = refused()[name]
    second = made(list(other.parameters()))
    before, drawn = bits(other, second), torch.get_rng_state()
    with pytest.raises(CheckpointError, match=told) as problem:
        calando.resume(tmp_path / "a", model=other, optimizer=second)
    assert str(tmp_path / "a") in str(problem.value) and "\n" not in str(problem.value)
    assert bits(other, second) == before and torch.equal(torch.get_rng_state(), drawn)


def test_a_lambda_cannot_be_rebuilt(tmp_path):
    model = net()
    calando.save(tmp_path / "a", model=model, optimizer=AdamW(model.parameters(), lr=lambda step: 0.1 / (1 + step)))
    other, second = fresh(lr=0.1)
    before = bits(other, second)
    with pytest.raises(CheckpointError, match=r"that is code, which is not in the file\. Build the optimizer with it"):
        calando.resume(tmp_path / "a", model=other, optimizer=second)
    assert bits(other, second) == before
    again = AdamW(other.parameters(), lr=lambda step: 0.1 / (1 + step))
    assert calando.resume(tmp_path / "a", model=other, optimizer=again).step == 0


def test_newer_runs_and_other_files_are_refused(tmp_path, run):
    model, optimizer = run
    calando.save(tmp_path / "a", model=model, optimizer=optimizer)
    meta, arrays = store.read_entries(tmp_path / "a")
    store.write(tmp_path / "b", {**meta, "run": 2}, arrays)
    store.write(tmp_path / "c", {**meta, "optimizers": {"": {**meta["optimizers"][""], "version": 9}}}, arrays)
    store.write(tmp_path / "d", {"job": 1}, {})
    torch.save(model.state_dict(), tmp_path / "e")
    for name, told in (
        ("b", "is a run of version 2, this calando reads 1 to 1; use a newer calando"),
        ("c", "the snapshot has format version 9, this calando reads 1 to 2"),
        ("d", "no run that calando.save stored"),
        ("e", "a file of torch.save"),
    ):
        with pytest.raises(CheckpointError, match=told):
            calando.resume(tmp_path / name, model=model, optimizer=optimizer)


def test_snapshots_of_the_first_version_are_read(run):
    from calando.snapshot import Snapshot

    meta, arrays = run[1].snapshot().to_plain()
    meta.pop("controllers", None)
    assert Snapshot.from_plain({**meta, "version": 1}, arrays).groups[0].clock == 3


ARGUMENTS = [
    ({}, ValueError, "there is nothing to store"),
    ({"model": 3}, TypeError, "For model: must be a torch module, a Cell or a dictionary of tensors, but got int"),
    ({"optimizer": torch.optim.SGD([torch.nn.Parameter(torch.ones(1))])}, TypeError, "put its state into extra"),
    ({"extra": 1, "keep_last": 0}, ValueError, "keep_last must be a whole number from 1 on"),
    ({"extra": 1, "keep_last": 1, "keep_best": "best"}, ValueError, "keep_best must be 'min' or 'max'"),
    ({"extra": 1, "keep_best": "min", "metric": 1.0}, ValueError, "and goes with keep_last"),
    ({"extra": 1, "keep_last": 2, "keep_best": "min"}, ValueError, "keep_best needs metric"),
    ({"extra": 1, "metric": "good"}, TypeError, "metric must be a number"),
    ({"extra": 1, "step": -1}, ValueError, "step must be a whole number from 0 on"),
]


@pytest.mark.parametrize("arguments, kind, told", ARGUMENTS, ids=[told for _, _, told in ARGUMENTS])
def test_arguments_that_do_not_go_together(tmp_path, arguments, kind, told):
    with pytest.raises(kind, match=told):
        calando.save(tmp_path / "a", **arguments)
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_used(tmp_path, run):
    model, _ = run
    with pytest.raises(FileNotFoundError):
        calando.save(tmp_path / "no" / "a", model=model)
    with pytest.raises(FileNotFoundError):
        calando.resume(tmp_path / "a", model=model)
    with pytest.raises(FileNotFoundError, match="has no checkpoint"):
        calando.resume(tmp_path, model=model)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="is a file; keep_last needs a folder"):
        calando.save(tmp_path / "file", model=model, keep_last=1)
    with pytest.raises(ValueError, match="best looks for a file in a folder"):
        calando.resume(tmp_path / "file", best="min")


def test_lbfgs_travels_though_its_memory_is_its_own(tmp_path):
    def built():
        w = torch.nn.Parameter(torch.tensor([-1.5, 2.0]))
        return w, LBFGS([w], lr=0.1)

    def closure(w):
        def made():
            w.grad = None
            loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
            loss.backward()
            return loss

        return made

    w, optimizer = built()
    optimizer.step(closure(w))
    calando.save(tmp_path / "a", model={"w": w}, optimizer=optimizer)
    optimizer.step(closure(w))
    v, second = built()
    calando.resume(tmp_path / "a", model={"w": v}, optimizer=second)
    second.step(closure(v))
    assert torch.equal(v, w)


def test_names_of_a_folder():
    assert rotation.place(rotation.Path("r"), 12).name == "step-000000012.calando"
