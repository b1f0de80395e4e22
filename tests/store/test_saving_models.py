"""What a run may be resumed into: wrapped, tied, half, lazy and foreign models, and how much memory that takes."""

import os
import threading
import tracemalloc

import numpy as np
import pytest
import torch

import calando
import calando.mindspore as room
from calando import fitting, resuming, rotation, store
from calando.schedules import Cosine
from calando.store import CheckpointError
from calando.torch import SGD, Adam, AdamW, Plateau


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.Linear(5, 2))


def stepped(model, optimizer, steps=2):
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(8, 4, dtype=next(model.parameters()).dtype)).square().sum().backward()
        optimizer.step()
    return model, optimizer


def same(left, right):
    pairs = zip(left.state_dict().items(), right.state_dict().items(), strict=True)
    return all(torch.equal(x, y) for (_, x), (_, y) in pairs)


# Wrappers.


def parallel(model):
    return torch.nn.DataParallel(model)


def compiled(model):
    return torch.compile(model, backend="eager")


def compiled_within(model):
    model[0] = torch.compile(model[0], backend="eager")
    return model


WRAPPERS = {"plain": lambda model: model, "parallel": parallel, "compiled": compiled, "within": compiled_within}


@pytest.mark.parametrize("there", WRAPPERS)
@pytest.mark.parametrize("here", WRAPPERS)
def test_a_run_goes_from_any_wrapper_into_any_other(tmp_path, here, there):
    model, optimizer = stepped(model := net(), AdamW(model.parameters()))
    calando.save(tmp_path / "a", model=WRAPPERS[here](model), optimizer=optimizer)
    assert "model/0.weight" in store.peek(tmp_path / "a")[1]
    other = WRAPPERS[there](net())
    calando.resume(tmp_path / "a", model=other, optimizer=AdamW(other.parameters()))
    assert same(other, model)


def test_distributed_data_parallel_is_looked_through(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASTER_ADDR", "127.0.0.1"), patch.setenv("MASTER_PORT", "0")
        torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
        try:
            wrapped = torch.nn.parallel.DistributedDataParallel(net())
            stepped(wrapped, AdamW(wrapped.parameters()))
            calando.save(tmp_path / "a", model=wrapped)
        finally:
            torch.distributed.destroy_process_group()
    other = net()
    calando.resume(tmp_path / "a", model=other)
    assert same(other, wrapped.module)


# Where nothing can be written.


def expanded():
    model = net()
    model.register_buffer("mask", torch.zeros(1).expand(5))
    return model


def tied():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    return model


def on_meta():
    with torch.device("meta"):
        return net()


def read_only():
    array = np.zeros(3)
    array.flags.writeable = False
    return {"a": array}


REFUSED = [
    (expanded, expanded, r"'mask' of the model is one number shown many times \(expand\); register a .clone\(\)"),
    (net, on_meta, "'0.weight' of the model is on the device 'meta'; give it memory first"),
    (lambda: torch.nn.Linear(4, 3), lambda: torch.nn.LazyLinear(3), "has no shape yet .a lazy module.; call the model"),
    (lambda: {"a": np.ones(3)}, read_only, "'a' of the model is read-only"),
    (
        lambda: torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)),
        tied,
        "'0.weight' and '1.weight' are one tensor in the model and two in the checkpoint",
    ),
]


@pytest.mark.parametrize("stored, built, told", REFUSED, ids=[told[:30] for _, _, told in REFUSED])
def test_what_cannot_be_written_into_is_told_before(tmp_path, stored, built, told):
    calando.save(tmp_path / "a", model=stored())
    with pytest.raises(CheckpointError, match=told):
        calando.resume(tmp_path / "a", model=built())


def test_what_has_no_memory_cannot_be_saved(tmp_path):
    for model, told in ((torch.nn.LazyLinear(3), "has no shape yet"), (on_meta(), "on the device 'meta'")):
        with pytest.raises(TypeError, match=told):
            calando.save(tmp_path / "a", model=model)
    assert os.listdir(tmp_path) == []


def test_tied_weights_go_into_tied_ones_and_into_two(tmp_path):
    calando.save(tmp_path / "a", model=tied())
    calando.resume(tmp_path / "a", model=tied())
    two = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    calando.resume(tmp_path / "a", model=two)
    assert torch.equal(two[0].weight, two[1].weight)


def test_parameters_in_another_order_are_noticed_by_their_names(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False))
    optimizer = AdamW(model.named_parameters())
    calando.save(tmp_path / "a", model=model, optimizer=optimizer)
    turned = AdamW(list(model.named_parameters())[::-1])
    with pytest.raises(CheckpointError, match=r"parameter 0 is '1.weight' here and '0.weight' in the snapshot; give"):
        calando.resume(tmp_path / "a", model=model, optimizer=turned)


def test_memory_of_any_layout_is_written_in_place(tmp_path):
    arrays = {"turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "foreign": np.arange(3).astype(">f8")}
    conv = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    calando.save(tmp_path / "a", model={**arrays, "conv": conv.weight})
    rooms = {name: np.zeros_like(array) for name, array in arrays.items()}
    other = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    before = other.weight.data_ptr(), other.weight.stride(), other.weight._version
    calando.resume(tmp_path / "a", model={**rooms, "conv": other.weight})
    assert all(
        np.array_equal(rooms[name], array) and rooms[name].dtype == array.dtype for name, array in arrays.items()
    )
    assert torch.equal(other.weight, conv.weight)
    assert (other.weight.data_ptr(), other.weight.stride()) == before[:2] and other.weight._version > before[2]


def test_autograd_notices_weights_that_were_resumed_between_forward_and_backward(tmp_path):
    model = net()
    calando.save(tmp_path / "a", model=model)
    loss = model(torch.randn(8, 4)).sum()
    calando.resume(tmp_path / "a", model=model)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# Slots.


def test_slots_in_half_precision_keep_their_bits_and_their_size(tmp_path):
    def built(**options):
        model = net().bfloat16()
        return model, AdamW(model.parameters(), slot_dtype="bfloat16", **options)

    model, optimizer = stepped(*built())
    calando.save(tmp_path / "a", model=model, optimizer=optimizer)
    kinds = {name: kind for name, (kind, _) in store.peek(tmp_path / "a")[1].items() if name.startswith("optimizer/")}
    assert set(kinds.values()) == {"BFloat16"}
    other, second = built()
    calando.resume(tmp_path / "a", model=other, optimizer=second)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert all(torch.equal(x, second.state[q][key]) for key, x in optimizer.state[p].items())
    wide = AdamW(other.parameters())
    with pytest.warns(
        resuming.CheckpointWarning, match="slots of AdamW were stored as bfloat16 and are kept as float32"
    ):
        calando.resume(tmp_path / "a", model=other, optimizer=wide)


def test_an_average_that_is_not_asked_for_is_told(tmp_path):
    model, optimizer = stepped(model := net(), AdamW(model.parameters(), ema=0.9))
    calando.save(tmp_path / "a", model=model, optimizer=optimizer)
    with pytest.raises(CheckpointError, match="follows adam, the snapshot adam_averaged; build the optimizer with the"):
        calando.resume(tmp_path / "a", model=model, optimizer=AdamW(model.parameters()))


def test_resuming_needs_no_second_copy(tmp_path):
    """Beside model and slots, less than a tenth of the file: what NumPy and Python allocate is traced, torch is not."""
    model = {f"{i}": torch.nn.Parameter(torch.randn(500_000)) for i in range(6)}
    optimizer = AdamW(model.values())
    for p in model.values():
        p.grad = torch.ones_like(p)
    optimizer.step()
    calando.save(tmp_path / "a", model=model, optimizer=optimizer)
    others = {name: torch.nn.Parameter(torch.zeros(500_000)) for name in model}
    second = AdamW(others.values())
    tracemalloc.start()
    calando.resume(tmp_path / "a", model=others, optimizer=second)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = (tmp_path / "a").stat().st_size
    assert size > 36e6 and peak < 0.1 * size
    assert all(torch.equal(others[name], p) for name, p in model.items())
    first = second.state[others["0"]]["exp_avg"]
    where = first.data_ptr()
    calando.resume(tmp_path / "a", model=others, optimizer=second)  # into the slots that are there
    assert second.state[others["0"]]["exp_avg"].data_ptr() == where


def test_saving_needs_no_second_copy_in_whatever_order_memory_lies(tmp_path):
    model = {f"{i}": torch.randn(500, 500).t() for i in range(24)}
    tracemalloc.start()
    calando.save(tmp_path / "a", model=model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * (tmp_path / "a").stat().st_size
    others = {name: torch.zeros(500, 500) for name in model}
    calando.resume(tmp_path / "a", model=others)
    assert all(torch.equal(others[name], x) for name, x in model.items())


@pytest.mark.parametrize("when", ["compared", "read"])
def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch, when):
    model = net()
    path = calando.save(tmp_path / "a", model=model).path
    word = {"compared": "verify", "read": "refuse_changed"}[when]
    ours = getattr(store.Reader, word)

    def torn(reader):
        ours(reader)
        with open(path, "r+b") as file:
            file.truncate(path.stat().st_size - 4)

    monkeypatch.setattr(store.Reader, word, torn)
    other = net()
    before = [x.clone() for x in other.state_dict().values()]
    told = {"compared": "while it was read", "read": "partly changed: resume from another"}[when]
    with pytest.raises(CheckpointError, match=told):
        calando.resume(path, model=other)
    unchanged = all(torch.equal(x, y) for x, y in zip(before, other.state_dict().values(), strict=True))
    assert unchanged or when == "read"


def test_ctrl_c_while_it_is_read_says_what_to_do(tmp_path, monkeypatch):
    """What is read goes straight to where it belongs; a second copy, to go back to, is what there is no room for."""
    path = calando.save(tmp_path / "a", model=net()).path

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting.Plan, "read_one", interrupted)
    with pytest.raises(KeyboardInterrupt) as seen:
        calando.resume(path, model=net())
    assert seen.value.__notes__ == [
        f"{path} was not read to its end; model and optimizer are partly changed: resume again before you go on"
    ]
    monkeypatch.undo()
    calando.resume(path, model=net())


# Controllers and functions.


def test_a_snapshot_has_what_controllers_remember():
    optimizer = AdamW(net().parameters())
    Plateau(optimizer, patience=3).step(0.25)
    snapshot = optimizer.snapshot()
    there, later = AdamW(net().parameters()), AdamW(net().parameters())
    watcher = Plateau(there, patience=3)
    for one in (there, later):
        one.restore(snapshot)
    assert watcher.best == Plateau(later, patience=3).best == 0.25
    watcher.step(0.1)
    assert next(iter(snapshot.controllers.values()))["best"] == 0.25  # the snapshot is a copy


@pytest.mark.parametrize("lr", [lambda step: 0.1 / (1 + step), Cosine(0.1, 0.0, 9)])
def test_a_factor_travels_with_what_it_multiplies(tmp_path, lr):
    model = net()
    optimizer = SGD(model.parameters(), lr=lr)
    stepped(model, optimizer)
    optimizer.scale("lr", 0.5)
    optimizer.scale("lr", 0.5)
    calando.save(tmp_path / "a", model=model, optimizer=optimizer)
    second, third = SGD(net().parameters(), lr=lr), SGD(net().parameters(), lr=lr)
    calando.resume(tmp_path / "a", optimizer=second)
    third.load_state_dict(optimizer.state_dict())
    calando.resume(tmp_path / "a", optimizer=second)  # also where a scaled function is in force already
    for step in range(9):
        assert second.at(step) == third.at(step) == optimizer.at(step)


def test_mindspores_seed_and_counters_travel(mindspore, tmp_path):
    def drawn():
        one, nought = mindspore.Tensor(1.0, mindspore.float32), mindspore.Tensor(0.0, mindspore.float32)
        return [*mindspore.ops.uniform((3,), nought, one).asnumpy(), *mindspore.ops.randn(2).asnumpy()]

    mindspore.set_seed(7)
    drawn()
    calando.save(tmp_path / "a", extra=1)
    expected = drawn(), np.random.random()  # noqa: NPY002
    mindspore.set_seed(8)
    calando.resume(tmp_path / "a")
    assert (drawn(), np.random.random()) == expected and mindspore.get_seed() == 7  # noqa: NPY002


def test_another_front_ends_formula_is_refused(tmp_path):
    model, optimizer = stepped(model := net(), Adam(model.parameters()))
    calando.save(tmp_path / "a", optimizer=optimizer)
    params = [room.Parameter(p.detach().clone(), name=str(i)) for i, p in enumerate(model.parameters())]
    with pytest.raises(
        CheckpointError, match=r"is Adam of calando.torch, which follows adam, and this one of calando\.mi"
    ):
        calando.resume(tmp_path / "a", optimizer=room.nn.Adam(params, learning_rate=0.1))


# Several at once.


def test_threads_that_save_take_turns(tmp_path):
    """The copies of one are not overwritten by those of another while they are written."""
    models = [{"w": torch.full((200_000,), float(i))} for i in range(4)]
    told = []

    def saving(i):
        try:
            for _ in range(5):
                calando.save(tmp_path / str(i), model=models[i], async_save=True)
        except BaseException as problem:
            told.append(problem)

    threads = [threading.Thread(target=saving, args=(i,), daemon=True) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    for i in range(4):
        found = {"w": torch.zeros(200_000)}
        calando.resume(tmp_path / str(i), model=found)
        assert torch.equal(found["w"], models[i]["w"])
    assert told == []


def test_a_folder_that_others_write_into(tmp_path, monkeypatch):
    """A file that is removed while the folder is looked through, and what is no file, are passed over."""
    first, second, third = (calando.save(tmp_path, extra=i, step=i).path for i in range(3))
    (tmp_path / "step-000000009.calando").mkdir()
    for number, path in enumerate((first, second, third)):
        os.utime(path, ns=(0, number))
    listed = rotation.kept(tmp_path)
    assert listed == [first, second, third]
    monkeypatch.setattr(rotation, "kept", lambda folder: listed)
    third.unlink()
    assert calando.resume(tmp_path).extra == 1
    monkeypatch.undo()
    assert rotation.written(third) is None and rotation.kept(tmp_path) == [first, second]


@pytest.mark.parametrize("metric", [np.float32(0.5), torch.tensor(0.5), 0.5, np.array(0.5)])
def test_a_metric_may_be_any_number(tmp_path, metric):
    calando.save(tmp_path / "r", extra=1, step=1, keep_last=1, keep_best="min", metric=metric)
    assert calando.resume(tmp_path / "r").metric == 0.5


def test_an_empty_path_is_no_folder():
    with pytest.raises(ValueError, match="path is empty"):
        calando.save("", extra=1)
