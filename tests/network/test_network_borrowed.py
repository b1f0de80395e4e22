"""Modules of torch as layers of a Cell: they train, are saved and are called as torch does it."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import calando.mindspore as ms  # noqa: E402
from calando.mindspore import nn  # noqa: E402
from calando.mindspore.network.layers.borrowed import Borrowed  # noqa: E402

X = np.random.default_rng(0).standard_normal((6, 5, 4)).astype("f4")
MODULES = {
    "GroupNorm": (lambda: torch.nn.GroupNorm(1, 5), ["weight", "bias"]),
    "BatchNorm1d": (
        lambda: torch.nn.BatchNorm1d(5),
        ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"],
    ),
    "LSTM": (
        lambda: torch.nn.LSTM(4, 3, batch_first=True),
        ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"],
    ),
    "Sequential": (
        lambda: torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Conv1d(5, 2, 2, bias=False)),
        ["0.weight", "0.bias", "2.weight"],
    ),
    "MultiheadAttention": (
        lambda: torch.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True),
        None,
    ),
}


class Net(nn.Cell):
    def __init__(self, module):
        super().__init__()
        self.inner = module

    def construct(self, x):
        found = self.inner(x)
        return found[0] if isinstance(found, tuple) else found


def made(kind):
    torch.manual_seed(3)
    return MODULES[kind][0]()


@pytest.mark.parametrize("kind", MODULES)
def test_training_is_torchs_step_by_step(kind):
    net, twin = Net(made(kind)), made(kind).train()
    if MODULES[kind][1] is not None:
        assert [p.name for p in net.get_parameters()] == [f"inner.{name}" for name in MODULES[kind][1]]
    assert [p.name for p in net.trainable_params()] == [f"inner.{name}" for name, _ in twin.named_parameters()]
    optimizer = nn.SGD(net.trainable_params(), 0.1, momentum=0.9)
    beside = torch.optim.SGD(twin.parameters(), 0.1, momentum=0.9)
    grad_fn = ms.value_and_grad(lambda x: net(x).square().mean(), None, optimizer.parameters)
    net.set_train()
    for _ in range(3):
        loss, grads = grad_fn(ms.Tensor(X))
        optimizer(grads)
        beside.zero_grad()
        found = twin(torch.from_numpy(X))
        told = (found[0] if isinstance(found, tuple) else found).square().mean()
        told.backward()
        beside.step()
        assert type(loss) is ms.Tensor and loss.item() == pytest.approx(told.item(), rel=1e-5)
    for name, value in twin.state_dict().items():
        held = dict(net.inner.parameters_and_names())[name]
        np.testing.assert_allclose(held.asnumpy(), value.numpy(), rtol=1e-5, atol=1e-6)
    net.set_train(False), twin.eval()
    found = twin(torch.from_numpy(X))
    told = (found[0] if isinstance(found, tuple) else found).detach().numpy()
    np.testing.assert_allclose(net(ms.Tensor(X)).asnumpy(), told, rtol=1e-4, atol=1e-5)


def test_it_starts_in_evaluation_and_follows_the_cell():
    net = Net(torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Dropout(0.5)))
    inner = net.inner
    assert not inner.training and not inner._module[1].training
    net.set_train()
    assert inner.training and inner._module.training and inner._module[1].training
    net.set_train(False)
    np.testing.assert_array_equal(net(ms.Tensor(X)).asnumpy(), X)


def test_checkpoints_have_weights_and_statistics(tmp_path):
    net, other = Net(torch.nn.BatchNorm1d(5)), Net(torch.nn.BatchNorm1d(5))
    net.set_train()(ms.Tensor(X + 3))
    ms.save_checkpoint(net, str(tmp_path / "net.ckpt"))
    missing, left = ms.load_param_into_net(other, ms.load_checkpoint(str(tmp_path / "net.ckpt")))
    assert (missing, left) == ([], [])
    net.set_train(False)
    np.testing.assert_array_equal(other(ms.Tensor(X)).asnumpy(), net(ms.Tensor(X)).asnumpy())
    assert float(other.inner.num_batches_tracked) == 1


def test_weights_in_two_places_are_one_parameter():
    tied = torch.nn.Sequential(torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False))
    tied[1].weight = tied[0].weight
    assert [p.name for p in Net(tied).trainable_params()] == ["inner.0.weight"]


def test_frozen_weights_stay_frozen_and_a_copy_is_on_its_own():
    module = torch.nn.Linear(4, 2)
    module.bias.requires_grad_(False)
    net = Net(module)
    assert [p.name for p in net.trainable_params()] == ["inner.weight"]
    other = copy.deepcopy(net)
    other.inner.weight.set_data(np.zeros((2, 4), "f4"))
    assert net.inner.weight.asnumpy().any()
    np.testing.assert_array_equal(other(ms.Tensor(X)).asnumpy(), np.broadcast_to(other.inner.bias.asnumpy(), (6, 5, 2)))


def test_in_rows_and_lists_and_its_own_attributes():
    row = nn.SequentialCell(torch.nn.Linear(4, 3), nn.ReLU(), torch.nn.Linear(3, 2))
    assert [p.name for p in row.get_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert row[0].out_features == 3 and isinstance(row[2], Borrowed)
    assert "torch.nn.Linear(in_features=4, out_features=3, bias=True)" in repr(row)
    blocks = nn.CellList([torch.nn.GELU()])
    blocks.append(torch.nn.Linear(4, 4))
    assert [p.name for p in blocks.get_parameters()] == ["1.weight", "1.bias"]
    assert nn.SequentialCell(torch.nn.Linear(4, 3))(ms.Tensor(X)).shape == (6, 5, 3)


def test_what_has_no_values_yet_is_refused():
    with pytest.raises(TypeError, match=r"'weight' of torch.nn.LazyLinear has no values yet; call it once"):
        Net(torch.nn.LazyLinear(3))
