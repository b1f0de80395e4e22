"""An optimizer's state as one value: what migrated scripts keep beside other things."""

import subprocess
import sys

import numpy as np
import pytest

from calando.store import CheckpointError

exact = pytest.importorskip("calando.migrate.exact", reason="it needs the front end of MindSpore's words")


def steps(optimizer, first, last):
    for step in range(first, last):
        optimizer(tuple(np.full((3,), np.sin(step + i), np.float32) for i in range(2)))
    return [np.array(p) for p in optimizer.parameters]


def fresh():
    from calando import schedules

    params = [np.linspace(-1, 1, 3, dtype=np.float32), np.ones(3, np.float32)]
    return exact.AdamW(params, learning_rate=schedules.Exponential(0.1, 0.5, steps=2, staircase=True))


def test_training_goes_on_where_the_value_was_taken():
    whole = fresh()
    steps(whole, 0, 3)
    data = exact.state(whole)
    assert isinstance(data, bytes)
    weights = [np.array(p) for p in whole.parameters]
    wanted = steps(whole, 3, 6)
    again = fresh()
    for p, weight in zip(again.parameters, weights, strict=True):
        p[...] = weight
    exact.restore(again, data)
    for mine, its in zip(steps(again, 3, 6), wanted, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_other_bytes_are_refused_and_nothing_changes():
    optimizer = fresh()
    steps(optimizer, 0, 2)
    before = exact.state(optimizer)
    with pytest.raises(CheckpointError):
        exact.restore(optimizer, before[: len(before) // 2])
    assert exact.state(optimizer) == before


@pytest.mark.parametrize("module", ["calando.migrate.exact", "calando.mindspore.torch_optim"])
def test_it_can_be_the_first_import_of_a_script(module):
    done = subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
