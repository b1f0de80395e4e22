"""A stopped run goes on to exactly the bits of one that was not stopped."""

import random
import signal
import time

import numpy as np
import pytest
from cli_runs import call, done, started

from calando.train import job
from calando.train.checkpoint import Folder

EPOCHS = 3
SHAPE = ("--epochs", EPOCHS, "--batch-size", 32, "--seed", 5)
SHORT = ("--epochs", EPOCHS, "--batch-size", 128, "--seed", 5)  # 12 steps in an epoch


def same(stopped: Folder, straight: Folder) -> None:
    """Everything that two runs leave is equal, except the time they took."""
    assert stopped.history.read_bytes() == straight.history.read_bytes()
    assert [path.name for path in stopped.kept()] == [path.name for path in straight.kept()]
    (a, _), (b, _) = stopped.newest(), straight.newest()
    assert (a.options, a.epoch, a.difference) == (b.options, b.epoch, b.difference)
    for name in b.dialects:
        one, two = a.dialects[name], b.dialects[name]
        arrays(one.values, two.values)
        (told, slots), (expected, wanted) = one.optimizer.to_plain(), two.optimizer.to_plain()
        assert told == expected
        arrays(slots, wanted)
    assert stopped.curves.exists()


def arrays(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert array.dtype == found[name].dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.fixture
def stop_at(monkeypatch):
    """Have Ctrl-C arrive in the middle of a step, before or after the update."""

    def stop_at(step: int | None) -> None:
        monkeypatch.undo()
        if step is None:
            return
        original = job.take

        def take(run, number, images, labels):
            if number == step and step % 2:
                raise KeyboardInterrupt
            original(run, number, images, labels)
            if number == step:
                raise KeyboardInterrupt

        monkeypatch.setattr(job, "take", take)

    return stop_at


@pytest.mark.parametrize("dialect, optimizer", [("torch", "momentum"), ("mindspore", "adam"), ("both", "adamw")])
def test_interrupted_twice_equals_uninterrupted(tmp_path, extra, stop_at, dialect, optimizer):
    args = ("--out", tmp_path, "--dialect", dialect, "--optimizer", optimizer, *SHORT, "--quiet", "--max-norm", 2)
    done("train", *args, "--name", "straight")
    stop_at(7)  # in the first epoch
    result = call("train", *args, "--name", "stopped")
    assert result.exit_code == 130
    assert "stopped in step 7 of 36" in result.stderr
    assert str(tmp_path / "stopped" / "checkpoints" / "epoch-000.calando") in result.stderr
    assert f"calando train --resume stopped --out {tmp_path}" in result.stderr
    stop_at(30)  # in the third
    assert call("train", "--resume", "stopped", "--out", tmp_path, "--quiet").exit_code == 130
    stop_at(None)
    done("train", "--out", tmp_path, "--resume", "--quiet")
    same(Folder(tmp_path / "stopped"), Folder(tmp_path / "straight"))


def wait_for(folder: Folder, epoch: int, process) -> None:
    """Until the checkpoint after an epoch is there."""
    for _ in range(6000):
        if folder.place(epoch).exists():
            return
        assert process.poll() is None, process.communicate(timeout=60)
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint in {folder.path}")


@pytest.mark.slow
@pytest.mark.parametrize("dialect, epoch", [("torch", 1), ("mindspore", 0)])
def test_killed_equals_uninterrupted(tmp_path, extra, dialect, epoch):
    """kill -9 at a moment that is another one in every run."""
    args = ("--dialect", dialect, "--out", tmp_path, *SHAPE)
    done("train", *args, "--name", "straight", "--quiet")
    folder = Folder(tmp_path / "killed")
    with started("train", *args, "--name", "killed") as process:
        wait_for(folder, epoch, process)
        time.sleep(random.SystemRandom().uniform(0, 0.3))
    done("train", "--resume", "killed", "--out", tmp_path)
    same(folder, Folder(tmp_path / "straight"))


def test_ctrl_c_says_how_to_continue(tmp_path, extra):
    with started("train", "--epochs", 500, "--name", "long", cwd=tmp_path) as process:
        wait_for(Folder(tmp_path / "runs" / "long"), 1, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "the last checkpoint is runs/long/checkpoints/epoch-" in said
    assert said.endswith("continue with: calando train --resume long\n")
    assert "Traceback" not in said


def test_a_damaged_checkpoint_is_passed_over(tmp_path, extra):
    args = ("--out", tmp_path, "--epochs", 2, "--batch-size", 256, "--quiet")
    for name in ("straight", "torn"):
        done("train", *args, "--name", name)
    torn = Folder(tmp_path / "torn")
    data = torn.place(2).read_bytes()
    torn.place(2).write_bytes(data[: len(data) // 2])
    result = done("train", "--resume", "torn", "--out", tmp_path)
    assert "trying the one before it" in result.stderr
    assert "torn continues after epoch 1 of 2 (epoch-001.calando)" in result.stdout
    same(torn, Folder(tmp_path / "straight"))


def test_a_finished_run_is_only_drawn_again(tmp_path, extra):
    done("train", "--out", tmp_path, "--epochs", 1, "--batch-size", 256, "--quiet", "--name", "x")
    folder = Folder(tmp_path / "x")
    before = folder.history.read_bytes(), folder.place(1).read_bytes()
    folder.curves.unlink()
    said = done("train", "--out", tmp_path, "--resume", tmp_path / "x").output
    assert "x is complete after epoch 1 of 1" in said and "test accuracy" in said
    assert (folder.history.read_bytes(), folder.place(1).read_bytes()) == before
    assert folder.curves.exists()


def test_another_version_is_told(tmp_path, extra, monkeypatch):
    from calando.train import checkpoint

    done("train", "--out", tmp_path, "--epochs", 1, "--batch-size", 256, "--quiet")
    monkeypatch.setattr(checkpoint, "versions", lambda: {"torch": "9.9"})
    result = done("train", "--out", tmp_path, "--resume", "--quiet")
    assert "and is 9.9 now; the last bits may differ" in result.stderr
