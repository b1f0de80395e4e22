"""What a user can put right gets one sentence, on stderr, and exit code 2."""

import errno
import re
import sys

import numpy as np
import pytest
from cli_runs import call, done, rows

from calando.train import checkpoint, job

NEW = [
    (["--optimizer", "lion"], "'lion' is not one of 'sgd', 'momentum', 'adam', 'adamw'"),
    (["--dialect", "jax"], "'jax' is not one of 'torch', 'mindspore', 'both'"),
    (["--epochs", "0"], "--epochs"),
    (["--batch-size", "257"], "--batch-size"),
    (["--max-norm", "0"], "--max-norm"),
    (["--seed", "-1"], "--seed"),
    (["--momentum", "0.9"], "No such option"),
    (["--lr", "linear(0, 0.1)"], "--lr, group 'conv': linear: missing a required argument: 'steps'"),
    (["--lr", "bn=cosin(1, 0, total)"], "--lr, group 'bn': unknown word 'cosin'; known: cosine"),
    (["--lr", "conv=-0.1"], "--lr, group 'conv': must lie in [0, inf), but got -0.1 (step 0: "),
    (["--lr", "dense=linear(0.1, -0.1, total)"], "--lr, group 'dense': must lie in [0, inf), but got -"),
    (["--weight-decay", "other=-1"], "--weight-decay, group 'other': must lie in [0, inf), but got -1"),
    (["--lr", "conv=[0.1, 0.2]"], "--lr, group 'conv': the list ends after 2 values"),
    (["--lr", "convs=0.1"], "--lr: no group 'convs'; the groups are conv, bn, dense, other"),
    (["--lr", "bn=0.1", "--lr", "bn=0.2"], "--lr: group 'bn' given twice"),
    (["--lr", "0.1", "--lr", "0.2"], "--lr: all groups given twice"),
    (["--lr", "exponential(1, 1e200)"], "--lr, group 'conv': must lie in [0, inf), but got inf (step 2: "),
    (["--name", "a/b"], "--name must be a plain folder name, but got 'a/b'"),
    (["--name", ""], "--name must be a plain folder name"),
    (["--resume", "nobody"], "there is no run 'nobody' in"),
    (["--resume"], "there is no run to resume in"),
    (["--name", "a", "--resume", "b"], "--name a conflicts with --resume b"),
]


@pytest.mark.parametrize("args, words", NEW, ids=[" ".join(args) for args, _ in NEW])
def test_before_anything_is_written(tmp_path, extra, args, words):
    result = call("train", "--out", tmp_path, *args)
    assert result.exit_code == 2
    assert words in result.stderr and result.stderr.startswith("calando: ")
    assert "Traceback" not in result.output and not result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "args, words",
    [
        (["nothing"], "No such command 'nothing'. calando --help shows what it takes\n"),
        (["convert", "a.pt"], "Missing argument 'TARGET'. calando convert --help shows what it takes\n"),
        (["train", "more"], "Got unexpected extra argument (more). calando train --help shows what it takes\n"),
        (["plot", "1", "--step", "3"], "'--steps'?) calando plot --help shows what it takes\n"),
        (["explain", "adamw", "--dtype", "int8"], "'float64'.\n"),
    ],
    ids=str,
)
def test_words_that_are_missing_or_too_many(args, words):
    result = call(*args)
    assert result.exit_code == 2 and words in result.stderr and "Usage" not in result.output


@pytest.fixture(scope="module")
def kept(tmp_path_factory, extra):
    out = tmp_path_factory.mktemp("kept")
    lr = "conv=linear(0, 0.1, total)"
    done("train", "--out", out, "--name", "kept", "--epochs", 1, "--batch-size", 256, "--lr", lr, "--quiet")
    return out


CONFLICTS = [
    (["--epochs", "9"], "--epochs 9 conflicts with the run 'kept', which was started with --epochs 1"),
    (["--dialect", "both"], "started with --dialect torch"),
    (["--max-norm", "2"], "--max-norm 2.0 conflicts with the run 'kept', which was started with its default"),
    (["--lr", "0.1"], 'was started with --lr "conv=linear(0, 0.1, total)"'),
    (["--weight-decay", "0"], "leave --weight-decay out to continue it, or start a new run without --resume"),
]


@pytest.mark.parametrize("args, words", CONFLICTS, ids=[" ".join(args) for args, _ in CONFLICTS])
def test_an_option_that_the_run_does_not_have(kept, args, words):
    result = call("train", "--out", kept, "--resume", "kept", *args)
    assert result.exit_code == 2 and words in result.stderr and "Traceback" not in result.output


def test_an_option_that_the_run_has_may_be_said_again(kept):
    lr = "conv=linear(0, 0.1, total)"
    done("train", "--out", kept, "--resume", "--name", "kept", "--epochs", 1, "--lr", lr, "--quiet")


def test_a_folder_for_inspect_and_convert(kept):
    for result in (call("inspect", kept), call("convert", kept, kept / "x.pt")):
        assert result.exit_code == 2 and "Traceback" not in result.output
        newest = kept / "kept" / "checkpoints" / "epoch-001.calando"
        assert f"{kept} is a folder; give one of its 2 checkpoints, a file; the newest is {newest}" in result.stderr


def test_a_folder_without_checkpoints_for_inspect(tmp_path):
    result = call("inspect", tmp_path)
    assert (
        result.exit_code == 2 and f"{tmp_path} is a folder; give a checkpoint, a file; no file in it" in result.stderr
    )


def test_a_name_that_is_taken(kept):
    result = call("train", "--out", kept, "--name", "kept")
    assert result.exit_code == 2
    assert "continue it with --resume kept, or choose another --name" in result.stderr


def test_a_missing_run_names_those_that_are_there(kept):
    result = call("train", "--out", kept, "--resume", "kebt")
    assert result.exit_code == 2 and "the runs there: kept" in result.stderr


def test_a_run_whose_checkpoints_are_gone_or_not_ours(kept, tmp_path):
    place = tmp_path / "x" / "checkpoints" / "epoch-000.calando"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"no checkpoint at all")
    result = call("train", "--out", tmp_path, "--resume", "x")
    assert result.exit_code == 2 and "has no checkpoint to continue from" in result.stderr


def test_a_folder_that_cannot_be_written(tmp_path, extra):
    (tmp_path / "file").write_text("in the way")
    result = call("train", "--out", tmp_path / "file", "--name", "x", "--epochs", 1)
    assert result.exit_code == 2 and f"cannot write to {tmp_path / 'file' / 'x'}: " in result.stderr


def test_a_missing_package_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("calando.needs.find_spec", lambda name: None if name in ("rich", "sklearn") else sys)
    result = call("train", "--out", tmp_path)
    assert result.exit_code == 2
    assert result.stderr == (
        "calando: calando train needs scikit-learn, rich; install it with: pip install 'calando[train]'\n"
    )


@pytest.mark.parametrize(
    "line, what",
    [
        ("import calando.torch", "calando.torch"),
        ("import calando; calando.torch", "calando.torch"),
        ("from calando.mindspore import nn; nn.Dense", "a Tensor, Parameter or Cell of calando.mindspore"),
        ("import calando.mindspore as ms; ms.value_and_grad", "a Tensor, Parameter or Cell of calando.mindspore"),
    ],
)
def test_without_torch_the_rooms_that_need_it_say_what_to_install(run, line, what):
    code = f"""
import sys
sys.modules["torch"] = None  # what Python takes for not installed
try:
    {line}
except ModuleNotFoundError as problem:
    print(problem, problem.name, sep="|")
"""
    assert run(code) == f"{what} needs torch; install it with: pip install 'calando[torch]'|torch\n"


def test_a_full_disk_names_the_run(tmp_path, extra, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")  # of a write, which knows no file

    monkeypatch.setattr(checkpoint.store, "write", full)
    result = call("train", "--out", tmp_path, "--name", "a", "--epochs", 1)
    assert result.exit_code == 2 and result.stderr == f"calando: {tmp_path / 'a'}: No space left on device\n"


def test_debug_shows_the_traceback(tmp_path, extra):
    result = call("train", "--out", tmp_path, "--lr", "conv=-1", "--debug")
    assert isinstance(result.exception, ValueError)


def test_a_mistake_while_training_is_told_too(tmp_path, extra, monkeypatch):
    def take(*_):
        raise ValueError("For 'SGD', group 0: 'lr' must lie in [0, inf), but got nan (step 3: …)")

    monkeypatch.setattr(job, "take", take)
    result = call("train", "--out", tmp_path, "--epochs", 1)
    assert result.exit_code == 2 and result.stderr.startswith("calando: For 'SGD', group 0: 'lr' must lie")


@pytest.mark.parametrize("dialect", ["torch", "both"])
def test_a_training_that_diverges_says_so_and_stops(tmp_path, extra, dialect):
    args = ("--out", tmp_path, "--name", "wild", "--dialect", dialect, "--lr", "1e6", "--epochs", 2, "--batch-size", 64)
    result = call("train", *args)
    assert result.exit_code == 2 and "Traceback" not in result.output
    (step,) = re.findall(r"calando: the loss is nan in step (\d+) of 46 \(epoch 1\): the training has", result.stderr)
    assert "lower --lr" in result.stderr and str(tmp_path / "wild") in result.stderr
    assert [row["step"] for row in rows(tmp_path / "wild")][-1] == str(int(step) - 1)  # all that went before is there


def test_a_parameter_that_is_not_finite_after_the_last_step_is_found_too(tmp_path, extra, monkeypatch):
    """No loss follows the last step of an epoch; the test accuracy of such a network looks like any other."""
    original = job.take

    def take(run, number, images, labels):
        original(run, number, images, labels)
        if number == 5:  # the last one of the epoch
            values = run.trainers["torch"].values()
            run.trainers["torch"].load({"fc.bias": np.full_like(values["fc.bias"], np.inf)})

    monkeypatch.setattr(job, "take", take)
    result = call("train", "--out", tmp_path, "--epochs", 2, "--batch-size", 256)
    assert result.exit_code == 2 and "fc.bias is not finite in step 5 of 12 (epoch 1)" in result.stderr
