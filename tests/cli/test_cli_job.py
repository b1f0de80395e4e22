"""The parts of the job by themselves."""

import os

import numpy as np
import pytest

from calando.train import checkpoint, digits, job, options
from calando.train.history import NUMBERS, Difference, History


@pytest.fixture(scope="module")
def data(extra):
    return digits.load()


def test_the_data(data):
    assert data.images.shape == (1437, 1, 24, 24) and data.test_images.shape == (360, 1, 24, 24)
    assert data.images.dtype == np.float32 and data.labels.dtype == np.int64
    assert abs(data.images.mean()) < 1e-5 and abs(data.images.std() - 1) < 1e-5
    shares = [np.bincount(labels, minlength=10) / len(labels) for labels in (data.labels, data.test_labels)]
    np.testing.assert_allclose(*shares, atol=0.003)  # stratified
    blocks = data.images.reshape(-1, 8, 3, 8, 3)
    assert (blocks == blocks[:, :, :1, :, :1]).all()  # each pixel became nine


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone(data):
    images, labels = data.epoch(3, 7)
    again, same = data.epoch(3, 7)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, same)
    np.testing.assert_array_equal(np.sort(labels), np.sort(data.labels))
    for seed, epoch in ((3, 8), (4, 7)):
        assert not np.array_equal(data.epoch(seed, epoch)[1], labels)


def test_images_are_moved_by_two_pixels_at_most(data):
    """Every moved image is one of the 25 shifts of its original: looked for by hand in one epoch."""
    order = np.random.default_rng((0, 0)).permutation(1437)
    images, _ = data.epoch(0, 0)
    low = data.images.min()
    seen = set()
    for moved, original in zip(images[:60, 0], data.images[order[:60], 0], strict=True):
        framed = np.full((28, 28), low)
        framed[2:26, 2:26] = original
        shifts = [(y, x) for y in range(5) for x in range(5) if (framed[y : y + 24, x : x + 24] == moved).all()]
        assert shifts
        seen.update(shifts[:1])
    assert len(seen) > 10


@pytest.mark.parametrize("dialect", options.DIALECTS)
def test_groups_hold_every_parameter_once(extra, dialect):
    from calando.train import job

    asked = options.Options(dialect, "momentum", 2, (), (), 16, None, 0, 1)
    (trainer,) = job.build(asked, options.plan(asked, 1437)).values()
    engine = trainer.optimizer.engine
    assert [len(members) for members in engine.members] == [2, 4, 1, 1]
    count = sum(m.param.numel() for members in engine.members for m in members)
    assert count == 12 * 9 + 24 + 4 * 12 * 9 + 8 + 1000 + 10
    names = [m.name for members in engine.members for m in members]
    assert names[0] == "layer1.0.weight" and names[-1] == "fc.bias"


def test_options_survive_as_plain_data():
    asked = options.Options("both", "adam", 2, ("0.1", "bn=0"), (), 16, 1.5, 9, 2)
    assert options.Options.from_plain(asked.plain()) == asked


@pytest.mark.parametrize("batch, images, steps", [(16, 1437, 90), (256, 1437, 6), (1, 3, 3)])
def test_the_last_batch_may_be_smaller(batch, images, steps):
    asked = options.Options("torch", "sgd", 4, (), (), batch, None, 0, 1)
    assert asked.steps(images) == (steps, 4 * steps)


def test_history_by_epochs():
    history = History()
    group = [{"lr": 0.1, "weight_decay": 0.0}] * 4
    for step, (epoch, loss) in enumerate([(1, 4.0), (1, 2.0), (2, 1.0)]):
        history.add(step, epoch, loss, 0.5, group)
    history.tested(0.75)
    first, second = history.epochs()
    assert (first["epoch"], first["loss"], first["last_step"]) == (1, 3.0, 1.0)
    assert (second["loss"], second["test_accuracy"]) == (1.0, 0.75)
    again = History(history.array())
    np.testing.assert_array_equal(again.array(), history.array())
    assert history.array().shape == (3, len(NUMBERS))


def test_difference_keeps_the_largest_of_the_run():
    rates = [{"lr": 0.5, "weight_decay": 0.0}], [{"lr": 0.25, "weight_decay": 0.0}]
    equal = [{"lr": 0.5, "weight_decay": 0.0}], [{"lr": 0.5, "weight_decay": 0.0}]
    found = Difference()
    found.add([{"w": np.array([4.0, 1.0])}, {"w": np.array([4.0, 3.0]), "other": np.ones(1)}], rates)
    found.add([{"w": np.array([4.0])}, {"w": np.array([4.0])}], equal)
    assert found == Difference(parameters=2.0, relative=0.5, lr=0.25, weight_decay=0.0)
    assert Difference.from_plain(found.plain()) == found


@pytest.mark.parametrize("dialect", options.DIALECTS)
def test_testing_uses_the_moving_statistics_and_changes_nothing(data, dialect):
    """So an image is recognised by itself as it is among others."""
    chosen = options.Options(dialect, "momentum", 1, (), (), 256, None, 0, 1)
    trainer = job.build(chosen, options.plan(chosen, len(data.labels)))[dialect]
    trainer.load(job.first_values(trainer.values(), 0))
    for start in range(0, 1024, 256):
        trainer.step(data.images[start : start + 256], data.labels[start : start + 256])
    before = trainer.values()
    images, labels = data.test_images[:60], data.test_labels[:60]
    alone = [trainer.test(images[i : i + 1], labels[i : i + 1]) for i in range(60)]
    assert trainer.test(images, labels) == sum(alone)
    for name, array in trainer.values().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_newest_run_is_found_and_torn_saves_are_swept(tmp_path, capsys):
    for name, seconds in (("b", 100), ("a", 300), ("c", 200)):
        kept = checkpoint.Folder(tmp_path / name)
        kept.make()
        kept.place(0).touch()
        os.utime(kept.place(0), (seconds, seconds))
    found = checkpoint.find(tmp_path, "")
    assert found.name == "a"
    torn = found.checkpoints / ".epoch-001.calando.tmp"
    torn.touch()
    with pytest.raises(FileNotFoundError, match="has no checkpoint to continue from"):
        found.newest()
    assert not torn.exists() and "trying the one before it" in capsys.readouterr().err
