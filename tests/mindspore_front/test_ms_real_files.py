"""MindSpore's own ``save_checkpoint`` and ``load_checkpoint``, with an optimizer of ours on its Parameters."""

import numpy as np
import pytest

import calando.mindspore as ours
from calando.mindspore import nn


def trained(ms, steps, rate=0.1):
    """A Dense, and an Adam of ours after some steps."""
    net = ms.nn.Dense(3, 2, weight_init="ones", bias_init="zeros")
    optimizer = nn.Adam(net.trainable_params(), rate)
    for step in range(steps):
        optimizer(tuple(p * 0 + (step + 1) for p in net.trainable_params()))
    return net, optimizer


@pytest.mark.parametrize("given", ["a dictionary", "a list"])
def test_what_it_writes_of_the_optimizer_is_what_we_write(mindspore, tmp_path, given):
    _, optimizer = trained(mindspore, 2)
    held = optimizer.parameters_dict()
    listed = [{"name": name, "data": value} for name, value in held.items()]
    mindspore.save_checkpoint(held if given == "a dictionary" else listed, str(tmp_path / "theirs.ckpt"))
    ours.save_checkpoint(optimizer, str(tmp_path / "ours.ckpt"))
    theirs, mine = (mindspore.load_checkpoint(str(tmp_path / f"{name}.ckpt")) for name in ("theirs", "ours"))
    assert set(theirs) == set(held) and set(theirs) <= set(mine)
    for name, value in theirs.items():
        np.testing.assert_array_equal(mine[name].asnumpy(), value.asnumpy(), name)


@pytest.mark.parametrize("reader", ["theirs", "ours"])
def test_a_training_goes_on_from_its_file(mindspore, tmp_path, reader):
    """Two steps, its file, three steps: as five steps."""
    whole, _ = trained(mindspore, 5)
    _, first = trained(mindspore, 2)
    mindspore.save_checkpoint(first.parameters_dict(), str(tmp_path / "run.ckpt"))
    net, again = trained(mindspore, 0)
    read = (mindspore if reader == "theirs" else ours).load_checkpoint(str(tmp_path / "run.ckpt"))
    assert ours.load_param_into_net(again, read) == ([], [])
    for step in range(2, 5):
        again(tuple(p * 0 + (step + 1) for p in net.trainable_params()))
    for p, q in zip(net.trainable_params(), whole.trainable_params(), strict=True):
        np.testing.assert_array_equal(p.asnumpy(), q.asnumpy())
