"""Whole programs written for MindSpore run on calando: the same learning rates, printed lines and weights.

``references/migrate`` holds the texts, and the learning rate of every optimizer call as recorded in MindSpore 2.10.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mindspore_front.programs import FOLDER, NAMES, played

NOISE = {  # a bias in front of BatchNorm has no gradient but rounding, which Adam blows up to full steps
    "m24_assign_lr_every_epochs": {"0.bias", "1.moving_mean"}
}


@pytest.fixture(scope="module")
def real(mindspore, tmp_path_factory):
    """What the programs print and end with in MindSpore, all in one process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "mindspore_front.programs", *NAMES],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path_factory.mktemp("programs"),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout[done.stdout.index("{") :])


def ours(name):
    from calando.mindspore.nn import Cell

    return played(name, "calando.mindspore", Cell)


def numbers(text):
    return [float(word) for word in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", text)]


def test_there_are_programs():
    assert len(NAMES) == 8


@pytest.mark.parametrize("name", NAMES)
def test_learning_rates_of_every_call(name, torch, monkeypatch):
    """To 1e-6 of the largest; MindSpore holds rates of mixed groups to 2^-23 only."""
    from calando.mindspore.optimizer import Optimizer

    seen = {}
    call = Optimizer.__call__

    def recorded(self, gradients):
        rates = self.get_lr()
        row = [float(rate) for rate in (rates if isinstance(rates, tuple) else [rates])]
        seen.setdefault(id(self), (self, []))[1].append(row)
        return call(self, gradients)

    monkeypatch.setattr(Optimizer, "__call__", recorded)
    ours(name)
    recordings = json.loads((FOLDER / "traces" / f"{name}.json").read_text())
    assert len(seen) == len(recordings)
    for (_, rows), recording in zip(seen.values(), recordings.values(), strict=True):
        expected = np.array(recording["lr"])
        assert np.shape(rows) == expected.shape
        assert np.abs(np.array(rows) - expected).max() <= 1e-6 * expected.max()


@pytest.mark.parametrize("name", NAMES)
def test_same_output_and_weights_as_in_mindspore(name, real, torch):
    """From the same first weights: printed numbers to 1e-5, weights to 1e-5 of the network's largest."""
    there, here = real[name], ours(name)
    assert re.sub(r"[\d.e-]+", "#", here["printed"]) == re.sub(r"[\d.e-]+", "#", there["printed"])
    assert numbers(here["printed"]) == pytest.approx(numbers(there["printed"]), rel=1e-5, abs=2e-4)
    assert here["weights"].keys() == there["weights"].keys()
    names = sorted(here["weights"].keys() - NOISE.get(name, set()))
    pairs = [(np.array(here["weights"][each]), np.array(there["weights"][each])) for each in names]
    largest = max(np.abs(b).max() for _, b in pairs)
    assert max(np.abs(a - b).max() for a, b in pairs) <= 1e-5 * largest
