"""Functions of functions, beside MindSpore's: GradOperation, HyperMap, MultitypeFuncGraph; settings and jit."""

from types import SimpleNamespace

import numpy as np
import pytest

import calando.mindspore as ms
from calando.mindspore import nn, ops
from calando.mindspore.ops import composite as C
from calando.mindspore.ops import functional as F

X, Y = np.array([2.0, 3.0], "f4"), np.array([5.0, 7.0], "f4")


def nested(value):
    """A nest of Tensors as a nest of lists, tuples marked."""
    return ("tuple", *map(nested, value)) if isinstance(value, tuple) else value.asnumpy().tolist()


def gradients(words, get_all, get_by_list, sens_param):
    w, v = (words.Parameter(words.Tensor(array), name=name) for array, name in ((X * 10, "w"), (Y * 10, "v")))

    class Net(words.nn.Cell):
        def __init__(self):
            super().__init__()
            self.w, self.v = w, v

        def construct(self, x, y):
            return x * y * self.w + self.v

    net = Net()
    weights = [words.ParameterTuple([net.w, net.v])] if get_by_list else []
    sens = [words.Tensor(np.array([1.0, 100.0], "f4"))] if sens_param else []
    found = words.ops.GradOperation(get_all, get_by_list, sens_param)(net, *weights)
    return nested(found(words.Tensor(X), words.Tensor(Y), *sens))


@pytest.mark.parametrize("sens_param", [False, True])
@pytest.mark.parametrize("get_by_list", [False, True])
@pytest.mark.parametrize("get_all", [False, True])
def test_gradients_in_the_older_manner(mindspore, get_all, get_by_list, sens_param):
    ours, theirs = (gradients(words, get_all, get_by_list, sens_param) for words in (ms, mindspore))
    assert ours == theirs


@pytest.mark.parametrize("get_by_list", [False, True])
def test_one_input_gives_a_tuple_of_one(mindspore, get_by_list):
    def run(words):
        net = words.nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        weights = [words.ParameterTuple(net.trainable_params())] if get_by_list else []
        return nested(
            words.ops.GradOperation(get_all=True, get_by_list=get_by_list)(net, *weights)(words.Tensor(X[None]))
        )

    assert run(ms) == run(mindspore)


def test_value_and_gradients_at_once():
    net = nn.Dense(2, 1, weight_init="ones")
    both = nn.ForwardValueAndGrad(net, net.trainable_params(), get_by_list=True)
    value, (by_weight, by_bias) = both(ms.Tensor(X[None]))
    np.testing.assert_array_equal(value.asnumpy(), net(ms.Tensor(X[None])).asnumpy())
    np.testing.assert_array_equal(by_weight.asnumpy(), X[None])
    np.testing.assert_array_equal(by_bias.asnumpy(), [1.0])


MAPS = {
    "plain": lambda o, T: o.HyperMap()(o.square, (T(X), T(Y))),
    "two rows": lambda o, T: o.HyperMap()(o.add, (T(X), T(Y)), (T(Y), T(X))),
    "lists": lambda o, T: o.HyperMap()(o.add, [T(X)], [T(Y)]),
    "deep": lambda o, T: o.HyperMap()(o.add, ((T(X), T(Y)), T(X)), ((T(Y), T(Y)), T(X))),
    "partial": lambda o, T: o.HyperMap()(o.partial(o.mul, T(X)), (T(X), T(Y))),
    "map": lambda o, T: o.Map()(o.add, (T(X), T(Y)), (T(Y), T(X))),
    "reverse": lambda o, T: o.HyperMap(reverse=True)(o.add, (T(X), T(Y)), (T(Y), T(X))),
}


@pytest.mark.parametrize("case", MAPS)
def test_mapping(mindspore, case):
    assert nested(MAPS[case](ops, ms.Tensor)) == nested(MAPS[case](mindspore.ops, mindspore.Tensor))


def test_a_map_keeps_inner_rows_whole():
    assert ops.Map()(len, ((1, 2, 3), [4])) == (3, 1)
    assert ops.HyperMap()(abs, ((-1, 2), [-3])) == ops.HyperMap(abs)(((-1, 2), [-3])) == ((1, 2), (3,))


def test_bodies_by_type():
    graph = ops.MultitypeFuncGraph("graph")

    @graph.register("Number", "Tensor")
    def scaled(factor, x):
        return factor * x

    @graph.register("Tensor", "Tensor")
    def product(x, y):
        return x * y + 1

    @graph.register("None", "Tensor")
    def kept(_, x):
        return x

    x = ms.Tensor(X)
    assert nested(graph(2, x)) == [4.0, 6.0] and nested(graph(x, x)) == [5.0, 10.0] and graph(None, x) is x
    with pytest.raises(TypeError, match=r"For 'MultitypeFuncGraph graph': nothing is registered for \(str, Tensor\)"):
        graph("2", x)
    with pytest.raises(TypeError, match="no type is called 'Tensors'; known are Number, "):
        graph.register("Tensors")


@pytest.mark.parametrize("words", ["Bool Number", "Number Bool", "Int Number", "Number Int Float", "Float Int Number"])
def test_the_first_body_that_fits_is_taken(mindspore, words):
    def chosen(framework, value):
        graph = framework.MultitypeFuncGraph("graph")
        for word in words.split():
            graph.register(word)(lambda _, word=word: word)
        return graph(value)

    for value in (True, 2, 2.5)[: 3 if "Number" in words else 2]:
        assert chosen(ops, value) == chosen(mindspore.ops, value), value


def test_older_addresses_of_the_same_things():
    assert F.cast is ops.cast is C.cast and C.HyperMap is ops.HyperMap and ops.composite is C and ops.functional is F
    assert ops.value_and_grad is ms.value_and_grad and F.partial is ops.partial
    assert ops.Cast is ops.operations.Cast
    with pytest.raises(AttributeError, match=r"has no 'HyperMaps' \(did you mean 'HyperMap'\?\)"):
        C.HyperMaps  # noqa: B018


REFUSED = {
    "flag": (lambda: ops.GradOperation(1), TypeError, "'get_all' must be True or False, but got 1"),
    "no weights": (lambda: ops.GradOperation(get_by_list=True)(abs), ValueError, "get_by_list=True needs weights"),
    "weights": (lambda: ops.GradOperation()(abs, [1]), ValueError, "get_by_list=False takes no weights"),
    "no function": (lambda: ops.HyperMap()((1, 2)), TypeError, r"the function must be callable, but got \(1, 2\)"),
    "nothing": (lambda: ops.HyperMap(abs)(), TypeError, "there is nothing to map over"),
    "lengths": (lambda: ops.HyperMap()(max, (1, 2), (3,)), ValueError, "tuples of one length are needed, but got 2, 1"),
    "shapes": (lambda: ops.HyperMap()(max, (1, 2), 3), ValueError, "but got 2, no tuple"),
    "loss": (
        lambda: nn.WithLossCell(nn.Dense(1, 1), 3),
        TypeError,
        "'loss_fn' must be a Cell or a function, but got int",
    ),
    "net": (lambda: nn.WithEvalCell(abs, abs), TypeError, "'network' must be a Cell of calando.mindspore.nn, but got"),
    "step": (
        lambda: nn.TrainOneStepCell(nn.Dense(1, 1), None),
        TypeError,
        "'optimizer' must be an optimizer of .* None",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    call, kind, sentence = REFUSED[case]
    with pytest.raises(kind, match=sentence):
        call()


# ---- settings


def test_settings_are_taken_note_of(monkeypatch):
    from calando.mindspore.network import context

    monkeypatch.setattr(context, "_settings", dict(context._settings))
    ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU", save_graphs=True)
    assert ms.get_context("mode") == ms.GRAPH_MODE and ms.get_context("save_graphs") is True
    ms.set_device("CPU", 0)
    for call in (lambda: ms.set_context(device_target="Ascend"), lambda: ms.set_device("GPU")):
        with pytest.raises(ValueError, match=r"'device_target' must be 'CPU', but got '(Ascend|GPU)'; calando"):
            call()
    with pytest.raises(ValueError, match=r"'mode' must be GRAPH_MODE \(0\) or PYNATIVE_MODE \(1\), but got 2"):
        ms.set_context(mode=2)
    with pytest.raises(
        ValueError, match="'enable_ge' was not set; there are device_id, device_target, mode, save_graphs"
    ):
        ms.get_context("enable_ge")


def test_jit_changes_nothing():
    @ms.jit
    def double(x):
        return 2 * x

    @ms.jit(capture_mode="ast")
    def triple(x):
        return 3 * x

    assert double(2) == 4 and triple(2) == 6 and ms.jit_class(SimpleNamespace) is SimpleNamespace


# ---- Cells around networks


def test_with_loss_and_with_eval_cell(mindspore):
    def run(words):
        net = words.nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        around = words.nn.WithLossCell(net, words.nn.MSELoss())
        x, y = words.Tensor(X[None]), words.Tensor(np.ones((1, 1), "f4"))
        assert around.backbone_network is net
        return (
            [p.name for p in around.get_parameters()],
            nested(around(x, y)),
            nested(words.nn.WithEvalCell(net, words.nn.MSELoss())(x, y)),
        )

    assert run(ms) == run(mindspore)


def test_a_step_cell_names_its_parameters_as_the_network(mindspore):
    """Once each, by the network's names; MindSpore's has the optimizer's slots beside them."""

    def names(words):
        net = words.nn.SequentialCell(words.nn.Dense(2, 3), words.nn.Dense(3, 1))
        optimizer = words.nn.Momentum(net.trainable_params(), 0.1, 0.9)
        step = words.nn.TrainOneStepCell(words.nn.WithLossCell(net, words.nn.MSELoss()), optimizer)
        return [p.name for p in step.get_parameters()]

    ours = names(ms)
    assert ours == ["0.weight", "0.bias", "1.weight", "1.bias"] == names(mindspore)[:4]


def test_a_networks_own_names_do_not_reach_the_step():
    """A parameter called scale, and a step with a Tensor of that name: neither is written into the other."""

    class Scaled(nn.Cell):
        def __init__(self):
            super().__init__(auto_prefix=False)
            self.scale = ms.Parameter(ms.Tensor(3.0), name="scale")

        def construct(self, x):
            return (self.scale * x).sum()

    class Step(nn.TrainOneStepCell):
        def __init__(self, network, optimizer):
            super().__init__(network, optimizer)
            self.scale = ms.Tensor(128.0)

    net = Scaled()
    step = Step(net, nn.SGD(net.trainable_params(), 0.0))
    step(ms.Tensor(X))
    assert float(net.scale) == 3.0 and float(step.scale) == 128.0
