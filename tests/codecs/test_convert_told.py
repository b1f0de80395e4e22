"""What ``calando convert`` and ``inspect`` say, write and refuse."""

import os
from inspect import signature

import numpy as np
import pytest
import torch

import calando
import calando.mindspore.nn as nn
import calando.torch as room
from calando.cli import main
from calando.codecs import mindspore_ckpt, mindspore_safetensors
from calando.codecs.convert import convert
from calando.codecs.entry import Entry
from calando.codecs.families import FAMILIES
from calando.codecs.inspect import inspected
from calando.codecs.names import BUFFERS
from calando.lexicon import MINDSPORE
from calando.lexicon.optimizers import NEEDED
from calando.mindspore import Parameter
from calando.mindspore.nn.adafactor import relative_step
from calando.schedules import Cosine
from calando.store import CheckpointError


@pytest.mark.parametrize("key", FAMILIES)
def test_families_are_those_of_the_classes_that_write_the_files(key):
    family = FAMILIES[key]
    theirs, words = getattr(room, family.torch.name), family.torch
    assert (words.slots, words.numbers, words.memory, words.aged) == (
        theirs.SLOTS,
        theirs.SPELLING,
        theirs.MEMORY,
        theirs.AGED,
    )
    for name in (family.mindspore.name, *family.mindspore.kin):
        stored, words = getattr(nn, name).STORED, family.mindspore
        ours = (words.slots, words.memory, words.powers, words.numbers, words.fresh, words.idle, words.age)
        theirs = (stored.slots, stored.memory, stored.powers, stored.numbers, stored.fresh, stored.idle, stored.age)
        if key == "sparse_adam":  # one of LazyAdam's choices
            theirs = ({slot: pattern for slot, pattern in stored.slots.items() if slot in words.slots}, *theirs[1:])
        assert ours == theirs
        assert stored.axes == (words.axes if name == words.name else (1,))
    assert family.torch.own != hasattr(torch.optim, family.torch.name)


@pytest.mark.parametrize("key", [key for key in FAMILIES if not FAMILIES[key].torch.own])
def test_defaults_are_torchs_own(key):
    words = FAMILIES[key].torch
    theirs = getattr(torch.optim, words.name)([torch.nn.Parameter(torch.zeros(2))])
    assert words.defaults == theirs.defaults


@pytest.mark.parametrize("key", [key for key in FAMILIES if not FAMILIES[key].mindspore.own])
def test_arguments_and_defaults_are_mindspores(key):
    """The lexicon and the classes are compared with mindspore.nn itself, in their own tests."""
    words = FAMILIES[key].mindspore
    known = MINDSPORE.get(words.name)
    signed = signature(getattr(nn, words.name)).parameters.items()
    theirs = known.defaults if known else {name: parameter.default for name, parameter in signed}
    assert words.arguments.keys() <= theirs.keys()
    for argument, ours in words.arguments.items():
        default = theirs[argument] if isinstance(theirs[argument], tuple) else (theirs[argument],)
        for name, value in zip(ours.split(), default, strict=True):
            if (key, argument) == ("adafactor", "learning_rate"):  # None, which means the relative step
                value = relative_step(0)
            assert value == NEEDED or words.defaults[name] == value, argument


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(12, 2)
    )


def stepped(model, optimizer, count=3):
    for _ in range(count):
        optimizer.zero_grad()
        model(torch.randn(5, 1, 4, 4)).square().sum().backward()
        optimizer.step()


@pytest.fixture
def stored(tmp_path):
    """A file of torch.save with network, optimizer and an epoch."""
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.1)
    stepped(model, optimizer)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 7}, tmp_path / "a.pt")
    return tmp_path / "a.pt", model, optimizer


def test_there_and_back_is_the_same_to_the_bit(stored, tmp_path):
    path, model, optimizer = stored
    convert(path, tmp_path / "a.ckpt")
    convert(tmp_path / "a.ckpt", tmp_path / "b.pt", values={"weight_decay": 0.1})
    found = torch.load(tmp_path / "b.pt", weights_only=True)
    assert found["epoch"] == 7
    for name, x in model.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(found["model"][name], x)
    same = torch.optim.Adam(model.parameters())
    same.load_state_dict(found["optimizer"])
    assert {k: v for k, v in same.param_groups[0].items() if k not in ("params", "param_names")} == {
        k: v for k, v in optimizer.param_groups[0].items() if k != "params"
    }
    for p, face in optimizer.state.items():
        assert all(torch.equal(x, same.state[p][key]) for key, x in face.items())


def test_by_way_of_safetensors(stored, tmp_path):
    path, model, _ = stored
    convert(path, tmp_path / "a.safetensors")
    convert(tmp_path / "a.safetensors", tmp_path / "b.ckpt", strict=True)
    convert(path, tmp_path / "c.ckpt", only=None)
    left, right = mindspore_ckpt.read(tmp_path / "b.ckpt"), mindspore_ckpt.read(tmp_path / "c.ckpt")
    assert {n: e.data.tolist() for n, e in left.items()} == {n: e.data.tolist() for n, e in right.items()}
    from safetensors.torch import load_file

    assert torch.equal(load_file(tmp_path / "a.safetensors")["3.weight"], model[3].weight)


def test_mindspores_two_formats_bit_for_bit(stored, tmp_path):
    path, _, _ = stored
    convert(path, tmp_path / "a.ckpt")
    told = convert(tmp_path / "a.ckpt", tmp_path / "a.safetensors", to="mindspore", strict=True)
    assert "bit for bit" in told.travelled[0]
    left, right = mindspore_ckpt.read(tmp_path / "a.ckpt"), mindspore_safetensors.read(tmp_path / "a.safetensors")
    assert {n: e.raw.tobytes() for n, e in left.items()} == {n: e.raw.tobytes() for n, e in right.items()}
    back = convert(tmp_path / "a.safetensors", tmp_path / "b.pt")
    assert any(text.startswith("the order of the parameters") for text in back.lost)
    told = convert(tmp_path / "a.safetensors", tmp_path / "b.pt", like=path, values={"weight_decay": 0.1})
    assert told.lost == []
    first, second = (torch.load(p, weights_only=True)["optimizer"]["state"] for p in (path, tmp_path / "b.pt"))
    assert all(torch.equal(face[key], second[number][key]) for number, face in first.items() for key in face)


def test_a_run_of_ours_in_both_frameworks(tmp_path):
    model = net()
    optimizer = room.SGD(model.parameters(), lr=Cosine(0.1, 0.0, 9), momentum=0.9)
    stepped(model, optimizer)
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer)
    told = convert(tmp_path / "a.calando", tmp_path / "a.ckpt")
    assert [text for text in told.lost if "lr is Cosine(0.1, 0, 9)" in text]
    found = mindspore_ckpt.read(tmp_path / "a.ckpt")
    assert found["accum.1.gamma"].data.tolist() == optimizer.state[model[1].weight]["momentum_buffer"].tolist()
    assert found["global_step"].data.tolist() == [3] and "learning_rate" not in found
    convert(tmp_path / "a.calando", tmp_path / "b.pt")
    fresh = net()
    state = torch.load(tmp_path / "b.pt", weights_only=True)
    fresh.load_state_dict(state["model"])
    theirs = torch.optim.SGD(fresh.parameters(), lr=1.0)
    theirs.load_state_dict(state["optimizer"])
    assert theirs.param_groups[0]["lr"] == Cosine(0.1, 0.0, 9)(3)
    assert torch.equal(
        theirs.state[fresh[0].weight]["momentum_buffer"], optimizer.state[model[0].weight]["momentum_buffer"]
    )


def test_embeddings_and_norms_by_their_names_or_by_a_file_to_be_like(tmp_path):
    names = {
        "embed_tokens.weight": (9, 4), "norm.weight": (4,), "norm.bias": (4,), "head.weight": (9, 4),
        "conv.weight": (2, 3, 5),
    }  # fmt: skip
    torch.save({name: torch.randn(shape) for name, shape in names.items()}, tmp_path / "a.pt")
    told = convert(tmp_path / "a.pt", tmp_path / "a.ckpt")
    assert any("taken for embeddings" in text and "embed_tokens.weight" in text for text in told.given)
    found = {name: entry.shape for name, entry in mindspore_ckpt.read(tmp_path / "a.ckpt").items()}
    assert found == {
        "embed_tokens.embedding_table": (9, 4), "norm.gamma": (4,), "norm.beta": (4,), "head.weight": (9, 4),
        "conv.weight": (2, 3, 1, 5),
    }  # fmt: skip
    like = {**found, "head.embedding_table": found.pop("head.weight")}
    like.pop("head.weight", None)
    entries = {name: np.zeros(shape, np.float32) for name, shape in like.items()}
    calando.mindspore.save_checkpoint(entries, str(tmp_path / "like.ckpt"))
    convert(tmp_path / "a.pt", tmp_path / "b.ckpt", like=tmp_path / "like.ckpt")
    assert {n: e.shape for n, e in mindspore_ckpt.read(tmp_path / "b.ckpt").items()} == like
    convert(tmp_path / "b.ckpt", tmp_path / "b.pt", like=tmp_path / "a.pt")
    first, second = (torch.load(tmp_path / name, weights_only=True) for name in ("a.pt", "b.pt"))
    assert first.keys() == second.keys() and all(torch.equal(x, second[name]) for name, x in first.items())


LOSSES = [
    ({"lr": Cosine(0.1, 0.0, 9)}, "lr is Cosine(0.1, 0, 9); the file holds no schedules"),
    ({"max_norm": 1.0}, "max_norm = 1 has no place in the file"),
]


@pytest.mark.parametrize("options, told", LOSSES)
def test_every_loss_is_a_sentence_and_with_strict_an_error(tmp_path, options, told):
    model = net()
    optimizer = room.Adam(model.parameters(), **options)
    stepped(model, optimizer)
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer)
    assert any(text.startswith(told) for text in convert(tmp_path / "a.calando", tmp_path / "a.ckpt").lost)
    os.remove(tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="with --strict nothing may be lost"):
        convert(tmp_path / "a.calando", tmp_path / "a.ckpt", strict=True)
    assert os.listdir(tmp_path) == ["a.calando"]


def test_ages_that_differ_are_a_loss(tmp_path):
    model = net()
    optimizer = torch.optim.Adam(model.parameters())
    stepped(model, optimizer)
    model[3].bias.grad = None
    for p in list(model.parameters())[:-1]:
        p.grad = torch.ones_like(p)
    optimizer.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "a.pt")
    told = convert(tmp_path / "a.pt", tmp_path / "a.ckpt")
    assert told.lost == ["parameters have had 3 to 4 updates each, and MindSpore keeps one number: 4 for all"]


def test_what_means_something_else_is_said(tmp_path):
    for name, word in (("AdamW", "corrects no bias"), ("Adagrad", "1e-8 under the root"), ("Adam", "before the bias")):
        model = net()
        optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.1)
        stepped(model, optimizer)
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "a.pt")
        told = convert(tmp_path / "a.pt", tmp_path / "a.ckpt", dry_run=True)
        assert any(word in text for text in told.given), name
        assert any(text.startswith(f"build it as nn.{FAMILIES[name.lower()].mindspore.name}(") for text in told.given)
    assert os.listdir(tmp_path) == ["a.pt"]


def test_optimizers_without_an_equal(tmp_path):
    model = torch.nn.Linear(4, 3)
    optimizer = torch.optim.LBFGS(model.parameters())
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "a.pt")
    told = convert(tmp_path / "a.pt", tmp_path / "a.ckpt")
    assert told.lost == ["the optimizer's state: LBFGS has no equal in MindSpore's files; build it anew"]
    assert list(mindspore_ckpt.read(tmp_path / "a.ckpt")) == ["weight", "bias"]


def test_learning_rates_that_torch_cannot_hold(tmp_path):
    w = Parameter(np.ones(3, np.float32), name="w")
    v = Parameter(np.ones(3, np.float32), name="v")
    for params, rate, word in (
        ([w, v], [0.1, 0.2, 0.3], "is a list of 3, one rate per step; a number was written, that of step 1: 0.2"),
        ([w, v], Cosine(0.1, 0.0, 5), "no learning rate"),
        ([{"params": [w], "lr": 0.1}, {"params": [v], "lr": 0.2}], 0.1, "does not say whose they are"),
    ):
        optimizer = nn.Momentum(params, learning_rate=rate, momentum=0.9)
        optimizer([torch.ones(3)] * 2)
        calando.mindspore.save_checkpoint(optimizer, str(tmp_path / "a.ckpt"))
        assert any(word in text for text in convert(tmp_path / "a.ckpt", tmp_path / "a.pt").lost), word


@pytest.mark.parametrize("centered", [True, False])
def test_a_mean_of_gradients_in_the_file_says_that_rmsprop_is_centered(tmp_path, centered):
    w = Parameter(np.ones(3, np.float32), name="w")
    optimizer = nn.RMSProp([w], learning_rate=0.1, centered=centered)
    optimizer([torch.ones(3)])
    calando.mindspore.save_checkpoint(optimizer, str(tmp_path / "a.ckpt"))
    convert(tmp_path / "a.ckpt", tmp_path / "a.pt")
    state = torch.load(tmp_path / "a.pt", weights_only=True)["optimizer"]
    assert state["param_groups"][0]["centered"] is centered and ("grad_avg" in state["state"][0]) is centered


def test_a_clock_that_runs_backwards_is_refused(tmp_path):
    w = Entry.of(np.ones(3, np.float32))
    entries = {"global_step": Entry.of(np.array([-1], np.int32)), "momentum": Entry.of(np.float32(0.9))}
    mindspore_ckpt.write(tmp_path / "a.ckpt", {**entries, "w": w, "moments.w": w})
    with pytest.raises(CheckpointError, match="'global_step' counts updates, but is -1"):
        convert(tmp_path / "a.ckpt", tmp_path / "a.pt")


class Foreign:
    """A class that pickle would have to import."""


def refusals(tmp_path):
    """name → (how the file is made, how it is converted, what is said)."""
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    stepped(model, optimizer)
    whole = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    few = {"model": model.state_dict(), "optimizer": torch.optim.SGD([model[0].weight], lr=0.1).state_dict()}
    code, state = {"model": model.state_dict(), "args": Foreign()}, optimizer.state_dict()
    return [
        (whole, {"to": "torch"}, "a .ckpt is a file of mindspore, and --to says torch"),
        (whole, {"optimizer": "Adma"}, "--optimizer must be one of"),
        (whole, {"optimizer": "Adam"}, "which has other state than Adam"),
        (whole, {"values": {"beta1": 0.9}}, "there is no 'beta1'; it has step, lr"),
        (whole, {"only": "weights"}, "--only must be network or optimizer"),
        (whole, {"like": tmp_path / "a.pt"}, "--like must be a checkpoint of a network of mindspore's, and "),
        (few, {}, "the optimizer has 1 parameters and the network 6; which are which is not in the file"),
        (code, {}, "holds objects that are code"),
        (whole | {"optimizer": state | {"param_groups": []}}, {}, "the optimizer's state_dict is not one of torch: "),
        (whole | {"optimizer": state | {"param_groups": [3]}}, {}, "the optimizer's state_dict is not one of torch: "),
        (whole | {"optimizer": state | {"state": {0: None}}}, {}, "the optimizer's state_dict is not one of torch: "),
        (
            whole | {"optimizer": state | {"state": {0: {"momentum_buffer": [1.0]}}}},
            {},
            "a.pt: 'momentum_buffer' is a list, where a tensor should be",
        ),
        ([1, 2], {}, "holds a list, and no state_dict"),
        ({"epoch": 3}, {}, "has no state_dict of a network or an optimizer; it has 'epoch'"),
        ({"G": model.state_dict(), "D": model.state_dict()}, {}, "it has 'G', 'D'; store the network's under 'model'"),
    ]


@pytest.mark.parametrize("number", range(15))
def test_refusals_write_nothing(tmp_path, number):
    found, options, told = refusals(tmp_path)[number]
    torch.save(found, tmp_path / "a.pt")
    with pytest.raises(ValueError) as problem:
        convert(tmp_path / "a.pt", tmp_path / "a.ckpt", **options)
    assert told in str(problem.value) and os.listdir(tmp_path) == ["a.pt"]


def test_the_only_state_dict_of_its_kind_may_have_any_key(tmp_path):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    stepped(model, optimizer)
    network, state = model.state_dict(), optimizer.state_dict()
    torch.save({"m": network, "o": state, "epoch": 3}, tmp_path / "odd.pt")
    torch.save({"model": network, "optimizer": state, "epoch": 3}, tmp_path / "usual.pt")
    for name in ("odd", "usual"):
        convert(tmp_path / f"{name}.pt", tmp_path / f"{name}.ckpt")
    assert (tmp_path / "odd.ckpt").read_bytes() == (tmp_path / "usual.ckpt").read_bytes()


def test_no_pickle_is_run(tmp_path):
    """A .pt whose pickle would make a file does not make it."""
    import pickle

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    torch.save({"model": {"w": torch.ones(2)}, "x": Bomb()}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Bomb()))
    for name in ("a.pt", "b.pt"):
        for work in (lambda path: convert(path, tmp_path / "c.ckpt"), inspected, calando.resume):
            with pytest.raises(CheckpointError):
                work(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["a.pt", "b.pt"]


def test_a_zip_that_unpacks_to_more_than_it_has_is_refused(tmp_path):
    import zipfile

    torch.save({"w": torch.zeros(1_000_000)}, tmp_path / "a.pt")
    with (
        zipfile.ZipFile(tmp_path / "a.pt") as whole,
        zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for member in whole.namelist():
            bomb.writestr(member, whole.read(member))
    with pytest.raises(CheckpointError, match="would unpack to more than"):
        convert(tmp_path / "b.pt", tmp_path / "b.ckpt")


def said(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    return end.value.code, capsys.readouterr()


def test_the_command_line(stored, tmp_path, capsys):
    path, _, _ = stored
    code, told = said(capsys, "convert", path, tmp_path / "a.ckpt", "--dry-run")
    assert code == 0 and "(nothing was written)" in told.out and told.out.endswith("nothing was lost\n")
    assert not (tmp_path / "a.ckpt").exists()
    assert said(capsys, "convert", path, tmp_path / "a.ckpt", "--optimizer", "LazyAdam", "--set", "lr=0.5")[0] == 0
    found = mindspore_ckpt.read(tmp_path / "a.ckpt")
    assert found["learning_rate"].data == np.float32(0.5) and found["beta1_power"].shape == (1,)
    code, told = said(capsys, "convert", path, tmp_path / "a.ckpt", "--set", "lr")
    assert code == 2 and "--set takes NAME=NUMBER" in told.err
    code, told = said(capsys, "inspect", tmp_path / "nothing.pt")
    assert code == 2 and "No such file" in told.err


def test_inspect_shows_names_norms_clocks_and_what_is_not_finite(tmp_path, capsys):
    model = net()
    optimizer = room.AdamW(model.parameters(), lr=Cosine(0.1, 0.0, 9))
    stepped(model, optimizer)
    with torch.no_grad():
        model[3].bias[1] = float("nan")
        model[3].weight.fill_(0.5)
    calando.save(tmp_path / "a.calando", model=model, optimizer=optimizer)
    code, told = said(capsys, "inspect", tmp_path / "a.calando")
    lines = told.out.splitlines()
    assert code == 0 and len(lines) < 25
    assert (
        "1 numbers are not finite" in lines[1] and lines[2].split()[0] == "3.bias" and lines[2].endswith("1 NOT FINITE")
    )
    norm = np.sqrt(24 * 0.25)
    assert any(
        line.split()[:5] == ["3.weight", "float32", "(2,", "12)", "norm"] and f"{norm:.6g}" in line for line in lines
    )
    assert any(line.startswith("optimizer: AdamW (MindSpore: AdamWeightDecay), step 3") for line in lines)
    assert any("lr = Cosine(0.1, 0, 9)" in line for line in lines)


def test_buffers_and_optional_slots_are_known():
    assert {"running_mean", "moving_variance"} <= set(BUFFERS)
    for family in FAMILIES.values():
        words = family.mindspore
        assert words.slots.keys() >= {*words.optional, *words.shapes}
        assert family.axes.keys() <= words.slots.keys() & family.torch.slots.keys()


def test_an_optimizer_without_its_network_does_not_come_back(tmp_path):
    w = torch.nn.Parameter(torch.ones(2, 3))
    optimizer = room.SGD([w], lr=0.1, momentum=0.9)
    w.grad = torch.ones(2, 3)
    optimizer.step()
    torch.save(optimizer.state_dict(), tmp_path / "alone.pt")
    told = convert(tmp_path / "alone.pt", tmp_path / "alone.ckpt")
    assert len(told.lost) == 1 and told.lost[0].startswith("the names of the parameters, which are not in the file")
    with pytest.raises(CheckpointError, match="with --strict nothing may be lost, but the names of the parameters"):
        convert(tmp_path / "alone.pt", tmp_path / "strict.ckpt", strict=True)
    with pytest.raises(
        CheckpointError, match="has the state of an optimizer and no parameters, whose names would tell"
    ):
        convert(tmp_path / "alone.ckpt", tmp_path / "back.pt")
    assert not (tmp_path / "back.pt").exists()
