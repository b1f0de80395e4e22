"""A checkpoint of another formula under the same name is refused, by every way it may come."""

import pytest
import torch

import calando
import calando.torch as ct
from calando.snapshot import SnapshotMismatch
from calando.torch import mindspore_nn

PAIRS = [  # who stored it, who is to load it
    (ct.Adam, mindspore_nn.Adam),
    (mindspore_nn.Adam, ct.Adam),
    (ct.Lamb, mindspore_nn.Lamb),
    (mindspore_nn.Lamb, ct.Lamb),
    (mindspore_nn.AdamWeightDecay, mindspore_nn.Lamb),
    (torch.optim.Adam, mindspore_nn.Adam),
]


def trained(kind):
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = kind(model.parameters(), lr=0.1)
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return model, optimizer


def called(kind):
    return kind.__name__ if not kind.__module__.startswith(mindspore_nn.__name__) else f"mindspore_nn.{kind.__name__}"


@pytest.mark.parametrize("kinds", PAIRS, ids=lambda kinds: " into ".join(map(called, kinds)))
def test_refused_and_nothing_has_changed(kinds, tmp_path):
    (model, stored), (other, optimizer) = map(trained, kinds)
    before = repr(optimizer.state_dict())
    author = called(kinds[0]).replace(".", r"\.")
    wrong = rf"^{called(kinds[1])}: group 0 of the checkpoint was written by {author}\b"
    with pytest.raises(ValueError, match=wrong):
        optimizer.load_state_dict(stored.state_dict())
    with pytest.raises(ValueError, match=wrong):
        optimizer.resume(stored.state_dict(), keep="lr")
    if isinstance(stored, ct.Optimizer):
        with pytest.raises(SnapshotMismatch, match=f"build the same optimizer, {author}$"):
            optimizer.restore(stored.snapshot())
        calando.save(tmp_path, model=model, optimizer=stored)
        with pytest.raises(calando.CheckpointError, match=f"build the same optimizer, {author}$"):
            calando.resume(tmp_path, model=other, optimizer=optimizer)
    assert repr(optimizer.state_dict()) == before


def test_what_is_its_own_is_taken():
    for kind in (ct.Adam, mindspore_nn.Adam):
        (_, stored), (_, optimizer) = trained(kind), trained(kind)
        optimizer.load_state_dict(stored.state_dict())
        optimizer.restore(stored.snapshot())


def test_the_other_front_ends_formula_is_told_apart_too():
    nn = pytest.importorskip("calando.mindspore.nn")
    from calando.mindspore import torch_optim

    p = [torch.nn.Parameter(torch.ones(3))]
    optimizers = ct.Adam(p), torch_optim.Adam(p), nn.Adam(p)
    with pytest.raises(SnapshotMismatch, match=r"follows adam, the snapshot adam_epsilon_hat; .*, nn\.Adam$"):
        optimizers[0].restore(optimizers[2].snapshot())
    with pytest.raises(SnapshotMismatch, match=r"follows adam_epsilon_hat, the snapshot adam; .*, torch_optim\.Adam$"):
        optimizers[2].restore(optimizers[1].snapshot())
