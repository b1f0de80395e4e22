"""Layers of MindSpore's networks in PyTorch's words, beside the same network of PyTorch's."""

import pytest

from calando.migrate import HUMAN, Wish, migrate


@pytest.fixture(scope="module")
def both(mindspore, torch):
    nn, tnn = mindspore.nn, torch.nn
    ours = nn.SequentialCell(
        nn.Conv2d(1, 2, 3, has_bias=True),
        nn.BatchNorm2d(2),
        nn.SequentialCell(nn.Dense(2, 3, has_bias=False), nn.LayerNorm((3,))),
    )
    theirs = tnn.Sequential(
        tnn.Conv2d(1, 2, 3), tnn.BatchNorm2d(2), tnn.Sequential(tnn.Linear(2, 3, bias=False), tnn.LayerNorm(3))
    )
    return ours, theirs


def test_names_and_places_are_pytorchs(both):
    from calando.migrate import layers

    ours, theirs = both
    assert [name for name, _ in layers.named_parameters(ours)] == [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in layers.named_modules(ours)] == [name for name, _ in theirs.named_modules()]
    assert [name for name, _ in layers.named_children(ours)] == [name for name, _ in theirs.named_children()]
    assert [tuple(p.shape) for p in layers.parameters(ours)] == [tuple(p.shape) for p in theirs.parameters()]
    assert [list(dict(layers.named_parameters(each, recurse=False))) for each in layers.modules(ours)] == [
        list(dict(each.named_parameters(recurse=False))) for each in theirs.modules()
    ]
    assert len(list(layers.children(ours))) == 3


def test_a_layer_is_of_its_cells_class_and_shows_its_parameters(both, mindspore):
    from calando.migrate import layers

    convolution, norm, tail = layers.children(both[0])
    assert isinstance(norm, mindspore.nn.BatchNorm2d) and not isinstance(norm, mindspore.nn.Dense)
    assert norm.weight is both[0][1].gamma and norm.bias is both[0][1].beta
    assert convolution.weight is both[0][0].weight and convolution.bias is both[0][0].bias
    assert not hasattr(tail, "weight") and norm.eps == both[0][1].eps
    assert [p.name for p in tail.trainable_params()] == [p.name for p in both[0][2].trainable_params()]
    with pytest.raises(TypeError, match="stays a BatchNorm2d"):
        norm.__class__ = int


TYPE = b"""import torch
from torch import nn, optim
net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
ones = []
for m in net.modules():
    if type(m) == nn.Linear:
        ones.append(m.weight)
opt = optim.SGD(ones, lr=0.1)
opt.zero_grad()
loss = net(torch.ones(1, 2)).sum()
loss.backward()
opt.step()
"""


KEPT = TYPE.replace(b"net.modules()", b"layers").replace(b"ones = []", b"ones, layers = [], [*net.modules()]")


@pytest.mark.parametrize("text", [TYPE, KEPT.replace(b"type(m) == nn.Linear", b"'linear' in str(m.__class__)")])
def test_the_class_of_a_layer_is_left_to_a_human(text):
    done = migrate({"a.py": text}, Wish(to="mindspore"))
    assert not done.results[0].changed
    assert any(f.certainty == HUMAN and "of a layer is asked for in line 6" in f.reason for f in done.findings)
