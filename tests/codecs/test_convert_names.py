"""Files as wrappers, trainers and Cells write them, and slots that other formats do not have."""

import numpy as np
import pytest
import torch

import calando
import calando.torch as room
from calando import store
from calando.codecs import mindspore_ckpt
from calando.codecs.convert import convert
from calando.codecs.entry import Entry
from calando.codecs.errors import CheckpointError
from calando.codecs.inspect import inspected


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))


@pytest.fixture
def stepped():
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(5, 4)).square().sum().backward()
        optimizer.step()
    return model, optimizer


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_names_are_those_of_the_module_inside_a_wrapper(stepped, tmp_path, prefix):
    model, optimizer = stepped
    found = {"model": {prefix + name: x for name, x in model.state_dict().items()}, "optimizer": optimizer.state_dict()}
    torch.save(found, tmp_path / "a.pt")
    told = convert(tmp_path / "a.pt", tmp_path / "a.ckpt", strict=True)
    assert any(text.startswith("the names are those of the module inside the wrapper") for text in told.travelled)
    entries = mindspore_ckpt.read(tmp_path / "a.ckpt")
    assert {"0.weight", "1.gamma", "moment1.2.bias"} <= entries.keys()
    assert entries["moment1.1.gamma"].data.tolist() == optimizer.state[model[1].weight]["exp_avg"].tolist()


def test_lightnings_file_has_its_optimizer_in_a_list(stepped, tmp_path):
    model, optimizer = stepped
    torch.save({"state_dict": model.state_dict(), "optimizer_states": [optimizer.state_dict()]}, tmp_path / "a.ckpt.pt")
    convert(tmp_path / "a.ckpt.pt", tmp_path / "a.ckpt", strict=True)
    assert "moment2.0.weight" in mindspore_ckpt.read(tmp_path / "a.ckpt")


def test_a_cell_that_holds_the_optimizer_puts_its_name_in_front(mindspore, tmp_path):
    class Trained(mindspore.nn.Cell):
        def __init__(self):
            super().__init__()
            self.inner = mindspore.nn.Dense(3, 2)
            self.way = mindspore.nn.Momentum(self.inner.trainable_params(), 0.1, 0.9)

    cell = Trained()
    cell.way((mindspore.Tensor(np.ones((2, 3), "f4")), mindspore.Tensor(np.ones(2, "f4"))))
    mindspore.save_checkpoint(cell, str(tmp_path / "a.ckpt"))
    told = convert(tmp_path / "a.ckpt", tmp_path / "a.pt", strict=True)
    assert any("without 'way.'" in text for text in told.travelled)
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert len(found["optimizer"]["state"]) == 2 and not any("moments" in name for name in found["model"])
    assert found["optimizer"]["state"][1]["momentum_buffer"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("values, told", [
    ({"lr": float("nan")}, "--set: lr=nan: a hyperparameter is a finite number"),
    ({"lr": -1.0}, r"--set: lr=-1: lr must lie in \[0, inf\)"),
    ({"beta1": 1.0}, r"--set: beta1=1: beta1 must lie in \[0, 1\)"),
    ({"weight_decay": -0.1}, "--set: weight_decay=-0.1: weight_decay must lie in"),
    ({"step": -3.0}, "--set: step=-3: it counts updates"),
    ({"step": 2.5}, "--set: step=2.5: it counts updates"),
    ({"step": 2.0**31}, r"--set: step=2.14748e\+09: it counts updates, from 0 to 2147483647"),
])  # fmt: skip
def test_numbers_that_cannot_be_set(stepped, tmp_path, values, told):
    torch.save({"model": stepped[0].state_dict(), "optimizer": stepped[1].state_dict()}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=told):
        convert(tmp_path / "a.pt", tmp_path / "a.ckpt", values=values)


def run_of(tmp_path, **options):
    model = net()
    optimizer = room.AdamW(model.parameters(), **options)
    model(torch.randn(5, 4)).square().sum().backward()
    optimizer.step()
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer)
    return optimizer


def test_an_average_of_the_weights_is_a_loss_and_no_error(tmp_path):
    optimizer = run_of(tmp_path, ema=0.9)
    for target in ("a.ckpt", "a.pt"):
        told = convert(tmp_path / "a.calando", tmp_path / target)
        assert "the slots 'ema', which other formats do not have" in told.lost
    assert "adam_m.0.weight" in mindspore_ckpt.read(tmp_path / "a.ckpt")
    torch.save({"optimizer": optimizer.state_dict()}, tmp_path / "b.pt")
    assert "the slots 'ema', which other formats do not have" in convert(tmp_path / "b.pt", tmp_path / "c.pt").lost
    assert "ema" not in torch.load(tmp_path / "c.pt", weights_only=True)["state"][0]
    assert any(line.startswith("  slot ema: 6 tensors") for line in inspected(tmp_path / "a.calando"))


def test_an_average_in_a_file_of_mindspores_kind_is_no_weight(tmp_path):
    import calando.mindspore as ms

    weight = ms.Parameter(np.ones((2, 3), "f4"), name="fc.weight")
    optimizer = ms.nn.Adam([weight], ema=0.9)
    optimizer((ms.Tensor(np.ones((2, 3), "f4")),))
    ms.save_checkpoint(optimizer, str(tmp_path / "a.ckpt"))
    assert "ema.fc.weight" in mindspore_ckpt.read(tmp_path / "a.ckpt")
    told = convert(tmp_path / "a.ckpt", tmp_path / "a.pt")
    assert told.lost.count("the slots 'ema', which other formats do not have") == 1
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert list(found["model"]) == ["fc.weight"] and "ema" not in found["optimizer"]["state"][0]


def test_slots_in_whole_numbers_begin_anew(tmp_path):
    """However a slot is packed, it never reaches another format as if its integers were its numbers."""
    optimizer = run_of(tmp_path)
    meta, arrays = store.read_entries(tmp_path / "a.calando")
    arrays["optimizer/0/0/m"] = Entry("Int8", np.ones(arrays["optimizer/0/0/m"].shape, np.int8))
    store.write(tmp_path / "b.calando", meta, arrays)
    told = convert(tmp_path / "b.calando", tmp_path / "b.pt")
    assert told.lost == ["the state of '0.weight': its moments are in whole numbers; it begins anew"]
    state = torch.load(tmp_path / "b.pt", weights_only=True)["optimizer"]["state"]
    assert 0 not in state and "exp_avg" in state[1]
    state = optimizer.state_dict()
    state["state"][0]["exp_avg_codes"] = torch.zeros(3, dtype=torch.uint8)  # however long
    torch.save({"model": net().state_dict(), "optimizer": state}, tmp_path / "c.pt")
    assert convert(tmp_path / "c.pt", tmp_path / "d.pt").lost == [
        "the slots 'exp_avg_codes', which other formats do not have",
        "the state of '0.weight': its moments are in whole numbers; it begins anew",
    ]


def test_a_slot_that_only_begins_like_another_is_no_part_of_it(tmp_path):
    """RMSprop has a slot "c"; a compensation is none."""
    model = net()
    optimizer = room.RMSprop(model.parameters(), momentum=0.9, centered=True, ema=0.9)
    model(torch.randn(5, 4)).square().sum().backward()
    optimizer.step()
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer)
    meta, arrays = store.read_entries(tmp_path / "a.calando")
    meta["optimizers"][""]["groups"][0]["params"][0]["slots"].append("compensation")
    arrays["optimizer/0/0/compensation"] = arrays["optimizer/0/0/v"]
    store.write(tmp_path / "b.calando", meta, arrays)
    told = convert(tmp_path / "b.calando", tmp_path / "b.pt")
    assert told.lost[0] == "the slots 'compensation', 'ema', which other formats do not have"
    assert not any("whole numbers" in text for text in told.lost)


def test_a_function_that_a_number_has_replaced_is_no_loss(tmp_path):
    model = net()
    optimizer = room.SGD(model.parameters(), lr=lambda step: 0.1)
    optimizer.set("lr", 0.25)
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer)
    convert(tmp_path / "a.calando", tmp_path / "a.pt", strict=True)
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert found["optimizer"]["param_groups"][0]["lr"] == 0.25


def test_adafactor_with_a_relative_step_is_a_rate_of_a_hundredth(mindspore, tmp_path):
    params = [
        mindspore.Parameter(mindspore.Tensor(np.ones(shape, "f4")), name=n) for n, shape in (("w", (2, 3)), ("b", (3,)))
    ]
    optimizer = mindspore.nn.AdaFactor(params, beta1=0.0)
    optimizer(tuple(mindspore.Tensor(np.ones(p.shape, "f4")) for p in params))
    mindspore.save_checkpoint(optimizer, str(tmp_path / "a.ckpt"))
    told = convert(tmp_path / "a.ckpt", tmp_path / "a.pt")
    assert told.lost == [] and any("relative_step=True" in text for text in told.given)
    whole = torch.load(tmp_path / "a.pt", weights_only=True)
    ours = [torch.nn.Parameter(whole["model"][name]) for name in ("w", "b")]
    there = torch.optim.Adafactor(ours)
    there.load_state_dict(whole["optimizer"])
    assert there.param_groups[0]["lr"] == 0.01 and there.param_groups[0]["eps"] == (None, 1e-3)
    assert tuple(there.state[ours[0]]["row_var"].shape) == (2, 1)


def test_adafactors_running_mean_is_a_loss(mindspore, tmp_path):
    param = mindspore.Parameter(mindspore.Tensor(np.ones((2, 3), "f4")), name="w")
    optimizer = mindspore.nn.AdaFactor([param], learning_rate=0.01, relative_step=False)
    optimizer((mindspore.Tensor(np.ones((2, 3), "f4")),))
    mindspore.save_checkpoint(optimizer, str(tmp_path / "a.ckpt"))
    told = convert(tmp_path / "a.ckpt", tmp_path / "a.pt")
    assert told.lost == [
        "beta1 is not 0, and torch's Adafactor has nothing like it",
        "'exp_avg.…': torch's Adafactor has nothing like it",
    ]


def test_two_names_that_would_become_one_are_refused(tmp_path):
    w = Entry.of(np.ones(3, np.float32))
    mindspore_ckpt.write(tmp_path / "a.ckpt", {"bn.gamma": w, "bn.weight": w})
    with pytest.raises(CheckpointError, match=r"two parameters would both be called 'bn\.weight'; give --like a file"):
        convert(tmp_path / "a.ckpt", tmp_path / "b.pt")
    assert not (tmp_path / "b.pt").exists()
