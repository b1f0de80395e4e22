"""Cell and its containers: who owns what, and what it is called."""

import copy
import pickle
from collections import OrderedDict

import pytest
import torch

from calando.mindspore.network import layers as nn
from calando.mindspore.network.cell import Cell
from calando.mindspore.network.parameter import Parameter, ParameterTuple
from calando.mindspore.network.schedule import LearningRateSchedule
from calando.mindspore.network.tensor import Tensor
from guide_network import guide


def right(self, x):
    return self.fc(x)


def slip(self, x):
    return nn.Dense(x)


def mixture(cell, nn, parameter, parameters, tensor):
    """A list, a shared cell, a frozen parameter, a tuple of parameters, a parameter of its own name."""

    class Inner(cell):
        def __init__(self):
            super().__init__()
            self.w = parameter(tensor([2.0, 3.0]))
            self.late = None
            self.b = parameter(tensor([2.0, 3.0]), name="spoken")
            self.late = parameter(tensor([1.0]))
            self.frozen = parameter(tensor([1.0]), requires_grad=False)
            self.pair = parameters([parameter(tensor([1.0]), name="k"), parameter(tensor([1.0]), name="l")])

    class Outer(cell):
        def __init__(self):
            super().__init__()
            self.first = Inner()
            self.second = self.first
            self.blocks = nn.CellList([nn.Dense(2, 3), nn.Dense(3, 2, has_bias=False)])
            self.top = parameter(tensor([1.0]))
            self.blocks.append(nn.Dense(2, 2))
            self.named = nn.SequentialCell(OrderedDict(down=nn.Dense(2, 2), up=nn.ReLU()))

    return Outer()


OURS = (Cell, nn, Parameter, ParameterTuple, Tensor)


# 1. The machine: the register.


def test_guide_network_runs():
    net = guide(Cell, nn, right)
    assert net(torch.ones(2, 3, 32, 32).as_subclass(Tensor)).shape == (2, 10)


def test_copies_are_independent_and_keep_names():
    net = guide(Cell, nn, right)
    twin = copy.deepcopy(net)
    assert [p.name for p in twin.get_parameters()] == [p.name for p in net.get_parameters()]
    twin.fc.bias = Tensor(torch.ones(10))
    assert twin.fc.bias.tolist() == [1.0] * 10 != net.fc.bias.tolist()
    x = torch.ones(1, 3, 32, 32).as_subclass(Tensor)
    assert torch.equal(twin.layer1(x), net.layer1(x)), "the row of cells was copied with the cells"


def test_pickle():
    net = nn.SequentialCell(nn.Dense(2, 3), nn.BatchNorm2d(4))
    back = pickle.loads(pickle.dumps(net))
    assert back.parameters_dict().keys() == net.parameters_dict().keys()
    x = Tensor([[1.0, 2.0]])
    assert torch.equal(back[0](x), net[0](x))


def test_assigning_writes_into_parameters():
    layer = nn.Dense(2, 2)
    kept, address = layer.weight, layer.weight.data_ptr()
    layer.weight = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert layer.weight is kept and kept.data_ptr() == address and kept.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    scale = Cell()
    scale.rate = Parameter(0.1)
    scale.rate = 0.5
    assert scale.rate.item() == 0.5 and scale.rate.name == "rate"


def test_a_property_of_a_subclass_decides_itself():
    class Optimizer(Cell):
        @property
        def rate(self):
            return self.kept

        @rate.setter
        def rate(self, value):
            self.kept = Parameter(value)

    optimizer = Optimizer()
    optimizer.rate = Parameter(0.5)
    assert optimizer.rate.item() == 0.5 and optimizer.rate.name == "kept"


def test_a_plain_attribute_may_become_a_cell_or_a_parameter():
    layer = nn.Dense(1, 1, activation=torch.relu)
    layer.activation = nn.Tanh()
    layer.in_channels = Parameter(1.0)
    assert list(layer.name_cells()) == ["activation"]
    assert [p.name for p in layer.get_parameters()][-1] == "in_channels"


def test_none_and_del_take_out():
    net = guide(Cell, nn, right)
    net.fc = None
    assert "fc.weight" not in net.parameters_dict()
    net.fc = nn.Dense(100, 10)
    assert "fc.weight" in net.parameters_dict()
    del net.layer1
    assert [name for name in net.parameters_dict() if name.startswith("layer1")] == []


def test_training_reaches_all_and_returns_the_cell():
    net = guide(Cell, nn, right)
    assert net.set_train() is net
    assert all(cell.training for _, cell in net.cells_and_names())
    net.set_train(False)
    assert not any(cell.training for _, cell in net.cells_and_names())
    assert net.set_grad() is net and net.layer1[0].requires_grad


def test_freezing_moves_a_parameter_from_one_list_to_the_other():
    net = guide(Cell, nn, right)
    net.fc.weight.requires_grad = False
    assert "fc.weight" in [p.name for p in net.untrainable_params()]
    assert "fc.weight" not in [p.name for p in net.trainable_params()]


def test_lists_without_recursion():
    net = mixture(*OURS)
    assert [p.name for p in net.trainable_params(recurse=False)] == ["top"]
    assert list(net.parameters_dict(recurse=False)) == ["top"]


def test_apply_reaches_the_inner_cells_first(mindspore):
    orders = []
    for room in (nn, mindspore.nn):
        net = room.SequentialCell([room.Dense(2, 2), room.SequentialCell([room.ReLU(), room.Dense(2, 2)])])
        orders.append(met := [])
        assert net.apply(lambda cell, met=met: met.append(type(cell).__name__)) is net
    assert orders[0] == orders[1] and orders[0][-1] == "SequentialCell"


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("register_forward_hook", "put a Cell around it"),
        ("state_dict", r"ms\.save_checkpoint\(cell, path\)"),
        ("register_buffer", r"assign a Parameter\(…, requires_grad=False\)"),
        ("to_float", "give layers dtype=ms.float16"),
        ("add_flags", "leave it out"),
    ],
)
def test_methods_of_mindspores_cell_that_are_not_here_name_the_way_out(name, way):
    with pytest.raises(AttributeError, match=f"'Dense' has no attribute {name!r}: .*{way}"):
        getattr(nn.Dense(2, 2), name)


def test_auto_prefix_off_keeps_names():
    class Bare(Cell):
        def __init__(self, net):
            super().__init__(auto_prefix=False)
            self.net = net

    net = nn.Dense(1, 1)
    Bare(net)
    assert net.weight.name == "weight"


def test_names_follow_every_change_of_a_row():
    net = Cell()
    net.row = nn.CellList([nn.Dense(1, 1), nn.Dense(1, 2)])
    net.row.insert(0, nn.Dense(1, 3))
    assert net.row[0].weight.shape == (3, 1)
    assert [p.name for p in net.row.trainable_params()][::2] == [f"row.{i}.weight" for i in range(3)]
    del net.row[0]
    net.row[1] = nn.Dense(1, 5)
    net.row.extend([nn.Dense(1, 6)])
    assert [(p.name, p.shape[0]) for p in net.trainable_params()][::2] == [
        ("row.0.weight", 1),
        ("row.1.weight", 5),
        ("row.2.weight", 6),
    ]
    assert len(net.row) == 3 and [cell.out_channels for cell in net.row] == [1, 5, 6]
    assert net.row[-1].out_channels == 6


def test_a_slice_is_a_row_of_the_same_cells_with_the_same_names():
    net = Cell()
    net.row = nn.SequentialCell(nn.Dense(1, 1), nn.Dense(1, 2), nn.Dense(2, 3))
    part = net.row[1:]
    assert type(part) is nn.SequentialCell and part[0] is net.row[1]
    assert part(Tensor([[1.0]])).shape == (1, 3)
    assert next(part.get_parameters()).name == "row.1.weight"


def test_a_row_may_hold_one_cell_twice():
    relu = nn.ReLU()
    row = nn.SequentialCell(nn.Dense(1, 1), relu, nn.Dense(1, 1), relu)
    row.append(nn.Tanh())
    assert row[1] is row[3] is relu and len(row) == 5
    assert [p.name for p in row.get_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [name for name, _ in row[1:].cells_and_names()] == ["", "1", "2", "4"]


def test_empty_row_passes_through():
    x = Tensor([1.0])
    assert nn.SequentialCell([])(x) is x
    assert not nn.CellList() and len(nn.CellList()) == 0


def test_schedule_is_called_with_a_step():
    class Stairs(LearningRateSchedule):
        def __init__(self, lr):
            super().__init__()
            self.lr = lr

        def construct(self, global_step):
            return self.lr * (global_step // 10)

    rate = Stairs(0.5)(Tensor(25, torch.int32))
    assert type(rate) is Tensor and rate.shape == () and rate.item() == 1.0


# 2. The frameworks: the same names in the same order.


@pytest.fixture(scope="module")
def pairs(mindspore):
    import mindspore.nn as theirs

    parts = (theirs.Cell, theirs, mindspore.Parameter, mindspore.ParameterTuple, mindspore.Tensor)
    return {
        "guide": (guide(Cell, nn, right), guide(theirs.Cell, theirs, right)),
        "mixture": (mixture(*OURS), mixture(*parts)),
        "alone": (nn.BatchNorm2d(2), theirs.BatchNorm2d(2)),
    }


SAID = {
    "get_parameters": lambda net: [(p.name, p.requires_grad, tuple(p.shape)) for p in net.get_parameters()],
    "flat": lambda net: [p.name for p in net.get_parameters(expand=False)],
    "trainable": lambda net: [p.name for p in net.trainable_params()],
    "untrainable": lambda net: [p.name for p in net.untrainable_params()],
    "parameters_and_names": lambda net: [(name, p.name) for name, p in net.parameters_and_names()],
    "parameters_dict": lambda net: list(net.parameters_dict()),
    "cells_and_names": lambda net: [(name, type(c).__name__) for name, c in net.cells_and_names()],
    "name_cells": lambda net: list(net.name_cells()),
    "cells": lambda net: [type(cell).__name__ for cell in net.cells()],
    "training": lambda net: [cell.training for _, cell in net.cells_and_names()],
}


@pytest.mark.parametrize("which", ["guide", "mixture", "alone"])
@pytest.mark.parametrize("said", SAID)
def test_names_and_order(pairs, which, said):
    ours, theirs = pairs[which]
    assert SAID[said](ours) == SAID[said](theirs)


def test_update_parameters_name(mindspore):
    import mindspore.nn as theirs

    names = []
    for shelf in (nn, theirs):
        net = shelf.SequentialCell(shelf.Dense(1, 1), shelf.BatchNorm2d(1))
        net.update_parameters_name("net.")
        names.append([p.name for p in net.get_parameters()])
    assert names[0] == names[1]


def test_printed_form_has_the_same_lines(pairs):
    ours, theirs = (str(net).splitlines() for net in pairs["guide"])
    assert [line.split("(")[0:2] for line in ours] == [line.split("(")[0:2] for line in theirs]
    dense = "Dense(\n  input_channels=2, output_channels=3, has_bias=True\n  (activation): ReLU()\n)"
    assert str(nn.Dense(2, 3, activation="relu")) == dense


# 3. One test per sentence.


class Forward(Cell):
    def forward(self, x):
        return x


class Two(Cell):
    def __init__(self):
        super().__init__()
        self.a = ParameterTuple([Parameter(1.0, name="w")])
        self.b = ParameterTuple([Parameter(1.0, name="w")])


def assigned(name, value, then):
    cell = Cell()
    setattr(cell, name, value)
    setattr(cell, name, then)


@pytest.mark.parametrize(
    ("slip", "error", "sentence"),
    [
        (lambda: Cell()(1), NotImplementedError, r"Cell has no construct\(\) and so cannot be called$"),
        (lambda: Forward()(1), NotImplementedError, r"it has a forward\(\), which is torch's word"),
        (lambda: LearningRateSchedule()(1), NotImplementedError, r"without construct\(self, global_step\)"),
        (
            lambda: nn.CellList([nn.ReLU()])(1),
            NotImplementedError,
            "a CellList is a list and cannot be called",
        ),
        (lambda: nn.SequentialCell([1]), TypeError, "SequentialCell holds Cells; member 0 is a int"),
        (lambda: nn.SequentialCell(3), TypeError, "not a int"),
        (lambda: Cell().insert_child_to_cell("a.b", Cell()), KeyError, "a text without dots, not 'a.b'"),
        (lambda: Cell().insert_child_to_cell("a", 1), TypeError, "child 'a' must be a Cell, not a int"),
        (lambda: Cell().insert_param_to_cell("a", 1), TypeError, "'a' must be a Parameter, not a int"),
        (lambda: Cell().insert_child_to_cell("cells", Cell()), KeyError, "Cell.cells is a"),
        (
            lambda: assigned("a", Cell(), Parameter(1.0)),
            KeyError,
            "Cell.a is a Cell already; a Parameter cannot",
        ),
        (
            lambda: assigned("a", Parameter(1.0), Cell()),
            KeyError,
            "Cell.a is a Parameter already; a Cell cannot",
        ),
        (lambda: assigned("a", Cell(), 1.0), TypeError, "Cell.a is a Cell and cannot become a float"),
        (
            lambda: assigned("a", Parameter(1.0), "b"),
            TypeError,
            "Cell.a is a Parameter and cannot become a str",
        ),
        (lambda: assigned("a", Parameter([1.0]), Tensor(1.0)), ValueError, r"'a' has shape \(1,\)"),
        (Two, KeyError, "Two has another 'w'; rename one of the two"),
    ],
)
def test_sentences(slip, error, sentence):
    with pytest.raises(error, match=sentence):
        slip()


def test_the_slip_of_the_guide_is_explained():
    net = guide(Cell, nn, slip)
    with pytest.raises(
        TypeError, match=r"Dense was constructed with a Tensor of shape \(1, 100\) as in_channels"
    ) as told:
        net(torch.ones(1, 3, 32, 32).as_subclass(Tensor))
    assert "self.fc(x)?" in str(told.value)
