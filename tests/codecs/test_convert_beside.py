"""What a checkpoint holds beside network and optimizer travels, or is told."""

import json

import numpy as np
import pytest
import torch

import calando
import calando.torch as room
from calando.codecs import mindspore_ckpt, safetensors
from calando.codecs.convert import convert
from calando.codecs.inspect import inspected
from calando.schedules import Linear
from calando.store import CheckpointError


def trained(kind=torch.optim.SGD):
    model = torch.nn.Linear(3, 2)
    optimizer = kind(model.named_parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def stored(path, **beside):
    model, optimizer = trained()
    torch.save({"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), **beside}, path)
    return model


def loaded(path):
    return torch.load(path, weights_only=True)


def same(model, found):
    for name, x in model.state_dict().items():
        assert torch.equal(x, found[name])


def test_plain_things_reach_every_format_and_come_back(tmp_path):
    told = {"epoch": 3, "loss": 0.25, "arch": "resnet", "done": True}
    stored(tmp_path / "a.pt", **told)
    for name in ("b.pt", "b.safetensors", "b.ckpt"):
        assert convert(tmp_path / "a.pt", tmp_path / name).lost == ["torch.optim.SGD does not count its steps, so "
            "'global_step' is 0; --set step=NUMBER says how many there were"] * name.endswith("ckpt")  # fmt: skip
        convert(tmp_path / name, tmp_path / "back.pt")
        found = loaded(tmp_path / "back.pt")
        assert {key: found[key] for key in told} == told
        assert any("epoch = 3" in line for line in inspected(tmp_path / name))


def test_a_safetensors_holds_what_json_holds(tmp_path):
    told = {"scheduler": {"last": [0.1, (0.2, None)], "deep": {"x": True}}, "count": 10**30}
    stored(tmp_path / "a.pt", **told, average=torch.ones(2), keys={1: 2})
    lost = convert(tmp_path / "a.pt", tmp_path / "a.safetensors").lost
    assert lost == [
        "'average' of the file is a Tensor, which a safetensors file cannot hold",
        "'keys' of the file is a dict, which a safetensors file cannot hold",
    ]
    convert(tmp_path / "a.safetensors", tmp_path / "b.pt")
    assert loaded(tmp_path / "b.pt")["scheduler"] == {"last": [0.1, [0.2, None]], "deep": {"x": True}}
    assert loaded(tmp_path / "b.pt")["count"] == 10**30


def test_texts_in_the_header_of_others_travel(tmp_path):
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2)}, tmp_path / "a.safetensors", {"format": "pt", "author": "Ada"})
    convert(tmp_path / "a.safetensors", tmp_path / "b.pt")
    assert loaded(tmp_path / "b.pt")["author"] == "Ada"


@pytest.mark.parametrize("text", ["{", "[1]", "3", "[" * 100_000])
def test_a_header_that_cannot_be_read_is_told(tmp_path, text):
    (tmp_path / "a.safetensors").write_bytes(safetensors.header_of({}, [], {"calando.beside": text}))
    with pytest.raises(CheckpointError, match=r"what it tells under 'calando\.beside' cannot be read"):
        convert(tmp_path / "a.safetensors", tmp_path / "b.pt")


def test_nothing_takes_the_place_of_the_network(tmp_path):
    """``model`` is often the name of an architecture, beside a ``state_dict``."""
    model = stored(tmp_path / "a.pt", model="resnet50")
    lost = convert(tmp_path / "a.pt", tmp_path / "b.pt").lost
    assert lost == ["'model' of the file: the new one has the state_dict of the model under this key"]
    same(model, loaded(tmp_path / "b.pt")["model"])
    convert(tmp_path / "a.pt", tmp_path / "c.pt", only="network")
    same(model, loaded(tmp_path / "c.pt"))
    assert not convert(tmp_path / "a.pt", tmp_path / "d.safetensors").lost


def test_nothing_takes_the_place_of_the_optimizers_entries(tmp_path):
    stored(tmp_path / "a.pt", global_step=1000, learning_rate=0.5, epoch=3)
    told = convert(tmp_path / "a.pt", tmp_path / "a.ckpt", values={"step": 7})
    place = "of the file: the new one has an entry of the optimizer under this name"
    assert told.lost == [f"'global_step' {place}", f"'learning_rate' {place}"]
    found = mindspore_ckpt.read(tmp_path / "a.ckpt")
    assert found["global_step"].values() == 7 and found["learning_rate"].values() == np.float32(0.1)
    assert found["epoch"].values() == 3


def test_safetensors_of_mindspore_has_no_texts(tmp_path):
    stored(tmp_path / "a.pt", note="hello", epoch=3)
    told = convert(tmp_path / "a.pt", tmp_path / "a.safetensors", to="mindspore", values={"step": 1})
    assert told.lost == ["'note' of the file is a str, which MindSpore's safetensors cannot hold"]
    assert any("epoch = 3" in line for line in inspected(tmp_path / "a.safetensors"))


def test_extra_of_a_run_travels(tmp_path):
    model, optimizer = trained(room.SGD)
    extra = {"epoch": 3, "ema": torch.ones(2), "plan": Linear(0.0, 1.0, steps=3), "rows": np.ones(2)}
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer, extra=extra)
    told = convert(tmp_path / "a.calando", tmp_path / "b.pt")
    cannot = "which a file that torch.load opens without running code cannot hold"
    assert told.lost == [f"'plan' of the file is a Linear, {cannot}", f"'rows' of the file is a ndarray, {cannot}"]
    assert told.given == ["only calando.resume puts back the random state"]
    found = loaded(tmp_path / "b.pt")
    assert found["epoch"] == 3 and torch.equal(found["ema"], torch.ones(2))
    assert not any(line.startswith("note") for line in inspected(tmp_path / "a.calando"))


def test_extra_without_names_has_the_name_extra(tmp_path):
    model, optimizer = trained(room.SGD)
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer, extra=[1, 2])
    convert(tmp_path / "a.calando", tmp_path / "b.pt")
    assert loaded(tmp_path / "b.pt")["extra"] == [1, 2]


def test_what_only_a_run_holds_is_told(tmp_path):
    class Counting(torch.nn.Linear):
        def get_extra_state(self):
            return 3

        def set_extra_state(self, state):
            pass

    model = Counting(3, 2)
    optimizer = room.SGD(model.named_parameters(), lr=0.1)
    plateau = room.Plateau(optimizer)
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer)
    (given,) = convert(tmp_path / "a.calando", tmp_path / "b.pt").given
    assert plateau and given.startswith(
        "only calando.resume puts back the random state, the controllers 'Plateau of lr, "
    )
    assert given.endswith(", what modules store beside tensors ('_extra_state')")


@pytest.mark.parametrize("whole", [False, True])
def test_what_modules_store_beside_tensors_stays_theirs(tmp_path, whole):
    class Counting(torch.nn.Linear):
        def get_extra_state(self):
            return {"calls": 3}

        def set_extra_state(self, state):
            self.calls = state["calls"]

    model = torch.nn.Sequential(Counting(3, 2))
    torch.save({"model": model.state_dict(), "epoch": 3} if whole else model.state_dict(), tmp_path / "a.pt")
    assert convert(tmp_path / "a.pt", tmp_path / "a.ckpt").lost == [
        "'0._extra_state' of the file is a dict, which MindSpore's files cannot hold"
    ]
    for name in ("a.safetensors", "b.pt"):
        assert not convert(tmp_path / "a.pt", tmp_path / name).lost
        convert(tmp_path / name, tmp_path / "c.pt")
        found, other = loaded(tmp_path / "c.pt"), torch.nn.Sequential(Counting(3, 2))
        other.load_state_dict(found["model"] if whole else found)
        assert other[0].calls == 3 and found.get("epoch") == (3 if whole else None)


def test_moments_without_parameters_are_listed(tmp_path):
    """What convert refuses can be looked at."""
    optimizer = trained()[1]
    torch.save(optimizer.state_dict(), tmp_path / "a.pt")
    for name in ("a.ckpt", "a.safetensors"):
        convert(tmp_path / "a.pt", tmp_path / name, to="mindspore")
        lines = inspected(tmp_path / name)
        assert lines[1].startswith("entries: ") and any("accum.weight" in line for line in lines)
        assert lines[-1].startswith("note: has the state of an optimizer and no parameters")


@pytest.mark.parametrize("count, told", [(24, []), (25, ["  … and 1 more; --all shows them"])])
def test_a_screen_holds_twenty_four_tensors(tmp_path, count, told):
    torch.save({f"layer{i}.weight": torch.ones(2) for i in range(count)}, tmp_path / "a.pt")
    assert [line for line in inspected(tmp_path / "a.pt") if "more" in line] == told
    assert len(inspected(tmp_path / "a.pt", None)) == 2 + count


def test_what_is_torn_is_refused_all_the_same(tmp_path):
    torch.save(trained()[1].state_dict(), tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "a.ckpt")
    (tmp_path / "a.ckpt").write_bytes((tmp_path / "a.ckpt").read_bytes()[:-3])
    with pytest.raises(CheckpointError, match=r"torn|ends"):
        inspected(tmp_path / "a.ckpt")


def test_the_kind_of_code_is_named(tmp_path):
    torch.save({"model": torch.nn.Linear(2, 2)}, tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"objects that are code \(torch\.nn\.modules\.linear\.Linear\)"):
        convert(tmp_path / "a.pt", tmp_path / "b.ckpt")


def test_the_header_is_json(tmp_path):
    stored(tmp_path / "a.pt", epoch=3)
    convert(tmp_path / "a.pt", tmp_path / "a.safetensors")
    data = (tmp_path / "a.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["calando.beside"]) == {"epoch": 3}
