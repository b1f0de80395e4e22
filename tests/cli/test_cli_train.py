"""``calando train`` from end to end, on the real data."""

from math import cos, pi

import numpy as np
import pytest
from cli_runs import done, rows

from calando.train.checkpoint import Checkpoint, Folder

EPOCHS, STEPS = 2, 90  # of one epoch: ⌈1437 / 16⌉
GROUPS = ("conv", "bn", "dense", "other")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, extra):
    """A run of two epochs in each dialect and in both; what they printed."""
    out = tmp_path_factory.mktemp("runs")
    said = {}
    for dialect in ("torch", "mindspore", "both"):
        args = ("--dialect", dialect, "--epochs", EPOCHS, "--out", out, "--name", dialect, "--max-norm", 5)
        said[dialect] = done("train", *args).output
    return out, said


def convolutions(step: int) -> float:
    """Warm-up for a sixth of the steps, then a cosine: written by hand, without calando."""
    total = EPOCHS * STEPS
    warm = total // 6
    return 0.05 * step / warm if step < warm else 0.05 * (1 + cos(pi * (step - warm) / (total - warm))) / 2


@pytest.mark.parametrize("dialect", ["torch", "mindspore"])
def test_a_run_leaves_its_files(runs, dialect):
    out, said = runs
    folder = Folder(out / dialect)
    assert [path.name for path in folder.kept()] == [f"epoch-{n:03d}.calando" for n in range(EPOCHS + 1)]
    assert folder.curves.read_bytes().startswith(b"\x89PNG") and folder.curves.stat().st_size > 50_000
    text = said[dialect]
    for word in ("epoch 2/2", "test accuracy", "training time", str(folder.curves), str(folder.history)):
        assert word in text
    assert len(text.splitlines()) < 24


@pytest.mark.parametrize("dialect", ["torch", "mindspore"])
def test_history_has_a_row_per_step_with_the_rates_in_force(runs, dialect):
    table = rows(runs[0] / dialect)
    assert [int(row["step"]) for row in table] == list(range(EPOCHS * STEPS))
    assert [int(row["epoch"]) for row in table] == [1] * STEPS + [2] * STEPS
    assert {row["dialect"] for row in table} == {dialect}
    assert [i for i, row in enumerate(table) if row["test_accuracy"]] == [STEPS - 1, 2 * STEPS - 1]
    for step, row in enumerate(table):
        expected = [convolutions(step), 0.005, 0.01 * (1 + cos(pi * step / (EPOCHS * STEPS))), 0.01]
        assert [float(row[f"lr_{g}"]) for g in GROUPS] == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert [float(row[f"weight_decay_{g}"]) for g in GROUPS] == [1e-4, 0.0, 1e-5, 0.0]
        assert 0 <= float(row["train_accuracy"]) <= 1 and float(row["loss"]) > 0


@pytest.mark.parametrize("dialect", ["torch", "mindspore"])
def test_the_stored_optimizer_knows_the_same_rates(runs, dialect):
    from calando.train import job

    kept, _ = Folder(runs[0] / dialect).newest()
    optimizer = job.resume(kept, Folder(runs[0] / dialect)).trainers[dialect].optimizer
    table = rows(runs[0] / dialect)
    for name in ("lr", "weight_decay"):
        traced = optimizer.trace(name, range(EPOCHS * STEPS))
        stored = [[float(row[f"{name}_{group}"]) for group in GROUPS] for row in table]
        np.testing.assert_array_equal(traced, stored)


def test_two_epochs_teach_something(runs):
    for dialect in ("torch", "mindspore"):
        assert float(rows(runs[0] / dialect)[-1]["test_accuracy"]) > 0.8


def test_the_dialects_agree(runs):
    """Within 1e-5 of each tensor's largest value over the whole run; bit for bit where it was measured."""
    out, said = runs
    kept, _ = Folder(out / "both").newest()
    assert kept.difference.relative < 1e-5
    assert kept.difference.lr == kept.difference.weight_decay == 0
    assert "largest difference" in said["both"] and "of a parameter" in said["both"]
    table = rows(out / "both")
    assert [row["dialect"] for row in table] == ["torch", "mindspore"] * EPOCHS * STEPS
    for dialect in ("torch", "mindspore"):
        alone = Folder(out / dialect).newest()[0].dialects[dialect].values
        beside = kept.dialects[dialect].values
        assert all(np.array_equal(alone[name], beside[name]) for name in alone)


def test_the_dialects_start_from_the_same_parameters(runs):
    first = Checkpoint.read(Folder(runs[0] / "both").place(0)).dialects
    one, two = first["torch"].values, first["mindspore"].values
    assert set(one) - set(two) == {f"layer{n}.1.num_batches_tracked" for n in (1, 2)} and set(two) <= set(one)
    assert all(np.array_equal(one[name], two[name]) for name in two)


def test_a_short_real_run_recognises_digits(tmp_path, extra):
    done("train", "--epochs", 4, "--out", tmp_path, "--name", "real", "--quiet")
    assert float(rows(tmp_path / "real")[-1]["test_accuracy"]) >= 0.93


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_the_other_optimizers_learn_too(tmp_path, extra, optimizer):
    args = ("--optimizer", optimizer, "--epochs", 1, "--dialect", "both", "--out", tmp_path)
    text = done("train", *args).output
    last = rows(tmp_path / f"both-{optimizer}")[-2:]
    assert all(float(row["test_accuracy"]) > 0.6 for row in last)
    assert ("AdamWeightDecay is not AdamW" in text) == (optimizer == "adamw")
    assert ("eps before the bias correction" in text) == (optimizer == "adam")


def test_options_reach_the_groups_they_address(tmp_path, extra):
    rates = ("--lr", "0.01", "--lr", "dense = linear(0, total, total) * 0.001")
    decay = ("--weight-decay", "conv=listed([6, 5, 4, 3, 2, 1]) * 0.001")
    shape = ("--epochs", 1, "--batch-size", 256, "--out", tmp_path, "--name", "x", "--quiet")
    done("train", *shape, *rates, *decay)
    table = rows(tmp_path / "x")
    assert len(table) == 6
    for step, row in enumerate(table):
        assert [float(row[f"lr_{g}"]) for g in GROUPS] == pytest.approx([0.01, 0.01, 0.001 * step, 0.01])
        assert float(row["weight_decay_conv"]) == pytest.approx(0.001 * (6 - step))


def test_a_quiet_run_prints_its_folder_and_names_are_never_taken_twice(tmp_path, extra):
    args = ("train", "--epochs", 1, "--batch-size", 256, "--out", tmp_path, "--quiet")
    assert [done(*args).output for _ in range(3)] == [
        f"{tmp_path}/torch-momentum\n",
        f"{tmp_path}/torch-momentum-2\n",
        f"{tmp_path}/torch-momentum-3\n",
    ]
    first, *others = (Folder(tmp_path / f"torch-momentum{end}").newest()[0] for end in ("", "-2", "-3"))
    for other in others:
        for name, values in first.dialects["torch"].values.items():
            np.testing.assert_array_equal(values, other.dialects["torch"].values[name])


def test_the_line_below_the_bar_fits_eighty_columns(extra):
    from rich.console import Console

    from calando.show.progress import Bar
    from calando.train.history import NUMBERS
    from calando.train.options import GROUPS

    bar = Bar(Console(width=80), 10, 0, 1, NUMBERS, GROUPS)
    bar.step(1, {"torch": [0.0, 1.0, 2.0641, 1.0, float("nan"), *[0.05] * 8]})
    assert bar.text.plain == "loss 2.064  accuracy 100.0%  lr conv 0.0500 bn 0.0500 dense 0.0500 other 0.0500"
    assert len(bar.text.plain) < 80


def test_the_line_of_an_epoch_shows_both_dialects_side_by_side(extra):
    from io import StringIO

    from rich.console import Console

    from calando.show.progress import Bar
    from calando.train.history import NUMBERS, History
    from calando.train.options import GROUPS

    histories = {}
    for dialect, loss in (("torch", 0.5), ("mindspore", 0.25)):
        histories[dialect] = History()
        histories[dialect].add(0, 1, loss, 0.5, [{"lr": 0.1, "weight_decay": 0.0}] * 4)
        histories[dialect].tested(loss)
    told = StringIO()
    Bar(Console(file=told, width=40), 10, 0, 20, NUMBERS, GROUPS).epoch(1, histories)
    assert told.getvalue() == (
        "epoch  1/20  loss 0.500 | 0.250  accuracy  50.0% |  50.0%  test  50.00% |  25.00%   lr  "
        "conv 0.1000  bn 0.1000  dense 0.1000  other 0.1000\n"
    )


@pytest.mark.parametrize("dialect", ["torch", "mindspore", "both"])
def test_inspect_shows_a_checkpoint(runs, dialect):
    path = runs[0] / dialect / "checkpoints" / f"epoch-{EPOCHS:03d}.calando"
    lines = done("inspect", path).output.splitlines()
    shown = "\n".join(lines)
    theirs = dialect == "mindspore"
    assert f"network: {12 if theirs else 14} tensors" in shown
    assert f"optimizer: SGD (MindSpore: {'SGD' if not theirs else 'Momentum'})" in shown or theirs
    assert f"step {EPOCHS * STEPS}" in shown and "lr = Linear(0, 0.05, 30).then(Cosine(0.05, 0, 150))" in shown
    assert ("layer1.1.gamma" in shown, "layer1.1.running_mean" in shown) == (theirs, not theirs)
    assert f"calando train wrote it after epoch {EPOCHS} of {EPOCHS}" in shown
    assert ("the file has the one in mindspore's too" in shown) == (dialect == "both")


@pytest.mark.parametrize("dialect", ["torch", "mindspore", "both"])
def test_a_checkpoint_becomes_one_of_torch(runs, dialect, tmp_path):
    """What torch loads is what calando train stored, and torch's own optimizer takes the state."""
    torch = pytest.importorskip("torch")
    path = runs[0] / dialect / "checkpoints" / f"epoch-{EPOCHS:03d}.calando"
    done("convert", path, tmp_path / "made.pt")
    made = torch.load(tmp_path / "made.pt", weights_only=True)
    kept = Checkpoint.read(path).dialects["mindspore" if dialect == "mindspore" else "torch"]
    weights, state = made["model"], made["optimizer"]
    trained = {name: x for name, x in kept.values.items() if not name.endswith("num_batches_tracked")}
    assert all(np.array_equal(weights[name].numpy(), x) for name, x in trained.items()) and len(trained) == 12
    called = ["layer1.0", "layer2.0", "layer1.1", "layer1.1", "layer2.1", "layer2.1", "fc", "fc"]
    ends = ["weight", "weight", "weight", "bias", "weight", "bias", "weight", "bias"]
    params = [torch.nn.Parameter(weights[f"{path}.{end}"]) for path, end in zip(called, ends, strict=True)]
    cut = [params[:2], params[2:6], params[6:7], params[7:]]
    theirs = torch.optim.SGD([{"params": group} for group in cut], momentum=0.9)
    theirs.load_state_dict(state)
    slots = [p.slots["m"] for group in kept.optimizer.groups for p in group.params]
    for param, slot in zip(params, slots, strict=True):
        assert np.array_equal(theirs.state[param]["momentum_buffer"].numpy(), slot)
    assert theirs.param_groups[1]["lr"] == 0.005


@pytest.mark.parametrize("dialect", ["torch", "mindspore", "both"])
def test_a_checkpoint_becomes_one_of_mindspore(runs, dialect, tmp_path):
    from calando.codecs.mindspore_ckpt import read

    path = runs[0] / dialect / "checkpoints" / f"epoch-{EPOCHS:03d}.calando"
    done("convert", path, tmp_path / "made.ckpt", "--optimizer", "Momentum")
    entries = read(tmp_path / "made.ckpt")
    kept = Checkpoint.read(path).dialects["torch" if dialect == "torch" else "mindspore"]
    assert np.array_equal(entries["layer1.1.gamma"].values(), kept.values["layer1.1.weight"])
    assert np.array_equal(entries["layer2.1.moving_mean"].values(), kept.values["layer2.1.running_mean"])
    slots = {p.name: p.slots["m"] for group in kept.optimizer.groups for p in group.params}
    assert np.array_equal(entries["moments.fc.weight"].values(), slots["fc.weight"])
    assert entries["global_step"].values().tolist() == [EPOCHS * STEPS]
