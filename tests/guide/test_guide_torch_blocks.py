"""The guide's eight PyTorch blocks, in torch and with ``optim`` read as ``calando.torch``: the same training.

``optim.lr_scheduler`` stays torch's own package in both readings: its schedulers drive calando's optimizers unchanged.
``from torch.nn import optim`` is a slip of the guide's; it should say ``from torch import optim``.
"""

from importlib import import_module

import pytest

from guide.blocks import BLOCKS, batch

THEIRS, OURS = "torch.optim", "calando.torch"
SLIP, MEANT = "from torch.nn import optim", "from torch import optim"

pytestmark = pytest.mark.usefixtures("torch")


def torch_names(library):
    """What a reader of the guide has on the table: a model of two parts, three batches, ``train`` and ``validate``."""
    import torch
    from torch.optim.lr_scheduler import ExponentialLR

    torch.manual_seed(3)
    model = torch.nn.Sequential()
    model.base = torch.nn.Linear(4, 5)
    model.classifier = torch.nn.Linear(5, 3)
    room = {
        "torch": torch,
        "optim": import_module(library),
        "ExponentialLR": ExponentialLR,
        "model": model,
        "dataset": [(torch.from_numpy(x[:, 0, 0]), torch.from_numpy(y).long()) for x, y in map(batch, range(3))],
        "loss_fn": torch.nn.CrossEntropyLoss(),
        "param_groups": list(model.parameters()),
        "save_path": "opt.pt",
        "rates": [],
        "validate": lambda *given: None,
    }

    def train(*given):
        optimizer = room["optimizer"]
        room["rates"].append(optimizer.param_groups[0]["lr"])
        for data, label in room["dataset"]:
            optimizer.zero_grad()
            room["loss_fn"](model(data), label).backward()
            optimizer.step()

    room["train"] = train
    return room


def run(number, library, mended=True):
    """Everything that is defined after a block has run."""
    code = BLOCKS["torch", number]
    if mended:
        code = code.replace(SLIP, MEANT)
    code = code.replace(MEANT, f"import {library} as optim").replace("optim.lr_scheduler", "torch.optim.lr_scheduler")
    room = torch_names(library)
    exec(code, room)
    return room


def values(room):
    return [p.detach().clone() for p in room["model"].parameters()]


def assert_equal(ours, theirs):
    for mine, told in zip(values(ours), values(theirs), strict=True):
        assert (mine - told).abs().max() <= 1e-6 * told.abs().max()


def test_there_are_eight():
    assert [number for side, number in BLOCKS if side == "torch"] == [*range(1, 9)]


@pytest.mark.parametrize("library", [THEIRS, OURS])
@pytest.mark.parametrize("number", [1, 2, 3, 5, 7, 8])
def test_runs_as_printed(number, library):
    run(number, library, mended=False)


@pytest.mark.parametrize("library", [THEIRS, OURS])
def test_the_slip_of_block_4(library):
    with pytest.raises(ImportError, match=r"cannot import name 'optim' from 'torch\.nn'"):
        run(4, library, mended=False)


@pytest.mark.parametrize("number", [1, 7])
def test_the_loop_with_exponential_lr(number):
    ours, theirs = run(number, OURS), run(number, THEIRS)
    assert_equal(ours, theirs)
    assert ours["optimizer"].param_groups[0]["lr"] == pytest.approx(0.01 * 0.9**20, rel=1e-12)


def test_defaults_and_groups_of_blocks_2_and_3():
    for number in (2, 3):
        ours, theirs = run(number, OURS), run(number, THEIRS)
        found = [
            room.get("optimizer") or made_in_block_3(room, library)
            for room, library in ((ours, OURS), (theirs, THEIRS))
        ]
        shown = [
            [(group["lr"], group["momentum"], len(group["params"])) for group in each.param_groups] for each in found
        ]
        assert shown[0] == shown[1]


def made_in_block_3(room, library):
    """The block makes an optimizer and does not keep it."""
    return eval(BLOCKS["torch", 3], room)


def test_weight_decay_of_block_4():
    """0.1 at first, and a tenth of the one before after each step."""
    found = []
    for library in (OURS, THEIRS):
        room = run(4, library)
        for data, label in room["dataset"]:
            room["train_step"](data, label)
        assert room["optimizer"].param_groups[0]["weight_decay"] == pytest.approx(1e-4, rel=1e-12)
        found.append(room)
    assert_equal(*found)
    decays = found[0]["optimizer"].trace("weight_decay", range(4), group=0)
    assert decays == pytest.approx([0.1, 0.01, 0.001, 0.0001], rel=1e-12)


@pytest.mark.parametrize("writer, reader", [(OURS, OURS), (THEIRS, OURS), (OURS, THEIRS)])
def test_blocks_5_and_6(writer, reader):
    run(5, writer)
    optimizer = run(6, reader)["optimizer"]
    assert optimizer.state_dict()["param_groups"][0]["lr"] == 0.01


def test_the_lambda_of_block_8():
    ours, theirs = run(8, OURS), run(8, THEIRS)
    assert_equal(ours, theirs)
    assert ours["rates"] == pytest.approx([0.01 * (epoch // 5) for epoch in range(20)], rel=1e-12)
