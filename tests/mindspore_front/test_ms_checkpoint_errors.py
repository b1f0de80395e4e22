"""What cannot be loaded: one sentence each, and network and optimizer as before. What is only told."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calando.mindspore as ms
from calando.mindspore import CheckpointWarning, load_checkpoint, load_param_into_net, nn, save_checkpoint
from calando.store import CheckpointError
from mindspore_front.saved import Net, adam, all_of, params, same, stepped, values

pytestmark = pytest.mark.usefixtures("torch")


def stored(make, steps=2):
    return dict(stepped(make(params()), steps).parameters_dict())


def momentum(ps):
    return nn.Momentum(ps, 0.02, 0.9)


def listed(ps):
    return nn.Adam(ps, [0.02] * 5)


def put(**entries):
    """The file of an Adam with other entries."""
    return lambda: stored(adam) | {name.replace("__", "."): value for name, value in entries.items()}


def without(*beginnings, make=adam):
    return lambda: {name: x for name, x in stored(make).items() if not name.startswith(beginnings)}


REFUSED = [
    (momentum, lambda: stored(adam), r"'Momentum': the checkpoint has 'beta\d_power'|'moment1.*of .*Adam"),
    (adam, lambda: stored(momentum), "'Adam': the checkpoint has 'mom.*, which is of .*Momentum.*or only the weights"),
    (nn.AdaMax, lambda: stored(adam), "'AdaMax': the checkpoint has 'beta2_power', which is of .*Adam"),
    (adam, lambda: stored(nn.AdaMax), "'Adam': the checkpoint has 'moment1.a.weight' but no 'beta2_power'; was it"),
    (nn.Adadelta, lambda: stored(nn.Adagrad), "'accum.a.weight' but no 'accum_update.…'; was it written by another"),
    (nn.SGD, lambda: stored(nn.Adagrad), "has 'accum.a.weight' but no 'stat.…'; was it written by another optimizer"),
    (nn.FTRL, lambda: stored(momentum), "'FTRL': the checkpoint has 'momentum', which is of .*SGD"),
    (lambda ps: nn.Adam(ps, use_amsgrad=True), lambda: stored(adam), "no 'vhat.…'; was it .*or with other options"),
    (adam, lambda: stored(lambda ps: nn.Adam(ps, use_amsgrad=True)), "has 'vhat.a.weight', which is of .*Adam"),
    (nn.RMSProp, lambda: stored(lambda ps: nn.RMSProp(ps, centered=True)), "which is of RMSProp; this RMSProp"),
    (adam, without("moment2."), "has 'moment1.a.weight' but no 'moment2.…'; was it written by another optimizer"),
    (adam, put(a__weight=np.ones((4, 3), "f4")), r"'a.weight' is \(3, 4\) in the model and \(4, 3\) in the checkpoint"),
    (adam, put(moment1__b__bias=np.ones(4, "f4")), r"'moment1.b.bias' is \(3,\) in the model and \(4,\) in the check"),
    (adam, put(b__bias=np.ones(3, "i4")), "'b.bias' holds Float32 in the model and Int32 in the checkpoint$"),
    (adam, put(b__bias=np.full(3, 1e300)), r"'b.bias' has 1e\+300 in the checkpoint, too large for Float32"),
    (adam, put(global_step=np.array([-1])), "'global_step' counts updates, but the checkpoint has -1.0"),
    (adam, put(global_step=np.array([1.5])), "'global_step' counts updates, but the checkpoint has 1.5"),
    (adam, put(global_step=np.array([np.nan])), "'global_step' counts updates, but the checkpoint has nan"),
    (adam, put(global_step=np.array([np.inf])), "'global_step' counts updates, but the checkpoint has inf"),
    (adam, put(global_step=np.zeros((2, 2))), r"'global_step' must be one number, but .* an array of float64 \(2, 2\)"),
    (adam, put(beta1_power=np.float32(1.5)), r"'beta1_power' must lie in \[0, 1\], but the checkpoint has 1.5"),
    (adam, put(beta2_power=np.float32(np.nan)), r"'beta2_power' must lie in \[0, 1\], but the checkpoint has nan"),
    (adam, put(moment2__a__weight=np.full((3, 4), -0.5, "f4")), "'moment2.a.weight' must not be negative, but .* -0.5"),
    (nn.ASGD, lambda: stored(nn.ASGD) | {"eta_b.bias": np.float32(-1)}, r"'eta_b.bias' must lie in .* -1.0"),
    (adam, put(learning_rate=np.float32(-1)), r"'learning_rate' must lie in \[0, inf\), but got -1.0 \(in the"),
    (adam, put(learning_rate=np.float32(np.nan)), r"must lie in \[0, inf\), but got nan \(in the checkpoint"),
    (adam, put(learning_rate=np.ones(5)), "'learning_rate' is a list of 5 .* in the checkpoint and 0.02 in the opti.*; "
     "to keep the latter, leave it out: load_checkpoint.*choice_func"),
    (adam, put(learning_rate=np.ones((2, 2))), "'learning_rate' must be a number or a list, but"),
    (adam, put(learning_rate=np.array([True])), "'learning_rate' must be a number or a list, but"),
    (listed, lambda: stored(adam), "'learning_rate' is 0.02 in the checkpoint and a list of 5"),
    (listed, put(learning_rate=np.full(7, 0.02, "f4")), "is a list of 7 .* in the checkpoint and a list of 5"),
    (listed, put(learning_rate=np.array([0.02, -1, 0, 0, 0])), r"must lie in \[0, inf\), but got -1.0 \(entry 1"),
    (momentum, lambda: stored(momentum) | {"momentum": np.float32(-0.5)}, r"'momentum' must lie in .*but got -0.5"),
    (lambda ps: nn.SGD(ps, momentum=0.9, nesterov=True), lambda: stored(nn.SGD), "nesterov needs a momentum above 0"),
    (lambda ps: nn.SGD(ps, momentum=0.9),
     lambda: stored(lambda ps: nn.SGD(ps, momentum=0.9)) | {"stat.b.bias": np.array([1, 0, 1], "f4")},
     "'stat.b.bias' must be 1 or 0 everywhere, but the checkpoint has both"),
    (adam, lambda: {"a.weight": object()}, "'a.weight' must be a Parameter, a Tensor or an array, but is a object"),
    (adam, lambda: {"a.weight": np.ones((3, 4), complex)}, "'a.weight' is of type complex128; a checkpoint holds"),
]  # fmt: skip


@pytest.mark.parametrize("make, file, sentence", REFUSED, ids=range(len(REFUSED)))
def test_refused_and_nothing_has_changed(make, file, sentence):
    optimizer, found = stepped(make(params(1)), 3), file()
    before = all_of(optimizer)
    with pytest.raises((CheckpointError, ValueError, TypeError), match=sentence):
        load_param_into_net(optimizer, found)
    assert all_of(optimizer) == before


SIZES = {"moment2": [nn.Adam, nn.LazyAdam, nn.AdamOffload, nn.AdaMax], "adam_v": [nn.AdamWeightDecay],
         "accum": [nn.Adagrad, nn.ProximalAdagrad, nn.Adadelta], "accum_update": [nn.Adadelta], "moments": [nn.FTRL],
         "exp_avg_sq": [nn.NAdam, nn.RAdam], "mean_square": [nn.RMSProp], "step_size": [nn.Rprop],
         "lamb_v": [lambda ps: nn.Lamb(ps, 0.1)], "vhat": [lambda ps: nn.Adam(ps, use_amsgrad=True)]}  # fmt: skip


@pytest.mark.parametrize("slot, make", [(slot, make) for slot, makers in SIZES.items() for make in makers])
def test_squares_and_sizes_that_are_negative_are_refused(slot, make):
    optimizer, found, name = stepped(make(params(1))), stored(make), f"{slot}.a.weight"
    found[name] = found[name].asnumpy().copy()
    found[name][1, 2] = -1e-3
    before = all_of(optimizer)
    with pytest.raises(CheckpointError, match=rf"'{name}' must not be negative, but the checkpoint has -0.001$"):
        load_param_into_net(optimizer, found)
    assert all_of(optimizer) == before


def test_what_training_left_as_nan_is_loaded_and_told_in_one_sentence():
    spoiled = adam(params())
    spoiled((ms.Tensor(np.full((3, 4), np.nan, "f4")), ms.Tensor(np.ones(3, "f4"))))
    optimizer = adam(params(1))
    with pytest.warns(CheckpointWarning) as told:
        assert load_param_into_net(optimizer, spoiled.parameters_dict()) == ([], [])
    sentence = "the checkpoint has NaN in 'a.weight', 'moment1.a.weight', 'moment2.a.weight'; loaded as it is"
    assert [str(w.message) for w in told] == [f"For 'load_param_into_net': {sentence}"]
    assert all_of(optimizer)[3:] == all_of(spoiled)[3:]


@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
@settings(max_examples=100)
@given(data=st.data())
def test_mutated_files_leave_an_optimizer_as_it_was_or_whole(tmp_path_factory, format, data):
    """Bytes changed, cut out, put in: a CheckpointError and nothing has changed, or all was taken."""
    path = tmp_path_factory.mktemp("mutated") / f"a.{format}"
    save_checkpoint(stepped(adam(params()), 1), path, format=format)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        first = data.draw(st.integers(0, len(content)))
        content[first : first + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path.write_bytes(content)
    optimizer = stepped(adam(params(1)), 3)
    before = all_of(optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        try:
            load_checkpoint(path, optimizer, format=format)
        except CheckpointError:
            assert all_of(optimizer) == before
    stepped(optimizer, 1)


def test_warnings_point_to_the_line_that_called():
    with pytest.warns(CheckpointWarning) as told:
        load_param_into_net(adam(params()), {})
    assert [Path(w.filename).name for w in told] == [Path(__file__).name]


def test_strict_refuses_other_types_and_axes():
    optimizer = adam(params())
    with pytest.raises(
        CheckpointError, match=r"'b.bias' holds Float32 .* Float64 in the checkpoint; strict_load=False"
    ):
        load_param_into_net(optimizer, {"b.bias": np.ones(3)}, strict_load=True)
    with pytest.raises(CheckpointError, match=r"'b.bias' is \(3,\) in the model and \(3, 1\) in the checkpoint"):
        load_param_into_net(optimizer, {"b.bias": np.ones((3, 1), "f4")}, strict_load=True)
    with pytest.raises(TypeError, match="'strict_load' must be True or False, but got 'no'"):
        load_param_into_net(optimizer, {}, strict_load="no")


# Networks.


@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
def test_a_network_with_its_statistics(tmp_path, format):
    net, other = Net(), Net()
    path = str(tmp_path / "net")
    kept = save_checkpoint(net, path, format=format)
    assert kept.path == f"{path}.{format}" and list(kept) == list(values(net)) and kept.left_out == ()
    assert not same(values(net), values(other))
    memory = [p.data_ptr() for p in other.get_parameters()]
    found = load_checkpoint(kept.path, format=format)
    assert {type(p) for p in found.values()} == {ms.Parameter} and found["fc.weight"].name == "fc.weight"
    assert load_param_into_net(other, found, strict_load=True) == ([], [])
    assert same(values(net), values(other)) and memory == [p.data_ptr() for p in other.get_parameters()]


def test_what_is_missing_and_what_is_too_much():
    net, found = Net(), values(Net())
    found["more"] = found.pop("fc.bias")
    before = values(net)["fc.bias"]
    with pytest.warns(CheckpointWarning, match="'fc.bias' of Net stayed as before: the checkpoint lacks them"):
        assert load_param_into_net(net, found) == (["fc.bias"], ["more"])
    assert np.array_equal(values(net)["fc.bias"], before) and np.array_equal(
        values(net)["fc.weight"], found["fc.weight"]
    )


def test_nothing_is_changed_when_one_of_many_does_not_fit():
    net, found = Net(), values(Net())
    found["bn.beta"] = np.ones(5, "f4")
    before = values(net)
    with pytest.raises(CheckpointError, match=r"'bn.beta' is \(3,\) in the model and \(5,\) in the checkpoint"):
        load_param_into_net(net, found)
    assert same(values(net), before)


def test_prefixes_are_taken_off_and_told():
    net, theirs = Net(), values(Net())
    found = {f"network._backbone.{name}": x for name, x in theirs.items()}
    with pytest.warns(CheckpointWarning, match=r"'fc.weight', 'fc.bias', .* from behind the prefix 'network._backb"):
        missing, left = load_param_into_net(net, found)
    assert (missing, left) == ([], []) and same(values(net), theirs)
    net = Net()
    before = values(net)
    with pytest.warns(CheckpointWarning, match="stayed as before"):
        missing, left = load_param_into_net(net, found, strict_load=True)
    assert missing == list(theirs) and left == list(found) and same(values(net), before)


@pytest.mark.parametrize("slot", ["moments", "moment1", "accum", "adam_m", "mean_square", "ax_", "exp_avg"])
def test_slots_never_become_weights(slot):
    """MindSpore fills a missing weight from whatever ends in its name: net.weight became -9."""
    net = Net()
    before = values(net)
    found = {f"{slot}.{name}": np.full_like(x, -9) for name, x in before.items()}
    with pytest.warns(CheckpointWarning) as told:
        assert load_param_into_net(net, found) == (list(before), list(found))
    sentence = f"'fc.weight' is not filled from '{slot}.fc.weight', which is a slot of "
    assert any(sentence in str(w.message) for w in told) and same(values(net), before)


def test_names_are_compared_at_their_dots():
    """MindSpore takes 'layer11.weight' for '1.weight'."""
    cell = nn.SequentialCell([nn.Dense(2, 2)])
    cell[0].weight.name = "1.weight"
    before = cell[0].weight.asnumpy().copy()
    with pytest.warns(CheckpointWarning, match="stayed as before"):
        missing, _ = load_param_into_net(cell, {"layer11.weight": np.ones((2, 2), "f4")})
    assert "1.weight" in missing and np.array_equal(cell[0].weight.asnumpy(), before)


def test_axes_of_length_1_at_the_end_do_not_change_the_parameters_shape():
    net = Net()
    with pytest.warns(CheckpointWarning):
        load_param_into_net(net, {"fc.bias": np.arange(3, dtype="f4").reshape(3, 1)})
    assert net.fc.bias.shape == (3,) and net.fc.bias.tolist() == [0, 1, 2]


def test_rounding_is_told():
    net = Net()
    with pytest.warns(CheckpointWarning, match="'fc.bias' was rounded to Float32, its type in the model"):
        load_param_into_net(net, {**values(net), "fc.bias": np.array([0.1, 0.2, 0.3])})
    load_param_into_net(net, {**values(net), "fc.bias": np.array([0.5, 0.25, np.inf])})  # exact: nothing to tell


class TrainingCell(nn.Cell):
    def __init__(self, network, optimizer):
        super().__init__(auto_prefix=False)
        self.network, self.optimizer = network, optimizer


def test_a_cell_with_its_optimizer(tmp_path):
    """As Model.train saves it: network, statistics and optimizer in one file."""
    net = Net()
    optimizer = nn.Momentum(net.trainable_params(), 0.1, 0.9)
    optimizer(tuple(ms.Tensor(np.ones(p.shape, "f4")) for p in optimizer.parameters))
    kept = save_checkpoint(TrainingCell(net, optimizer), tmp_path / "a.ckpt", append_dict={"epoch_num": 3})
    assert {"bn.moving_mean", "fc.weight", "global_step", "moments.fc.weight", "epoch_num"} <= kept.keys()
    other = Net()
    second = nn.Momentum(other.trainable_params(), 0.1, 0.9)
    found = load_checkpoint(tmp_path / "a.ckpt")
    assert load_param_into_net(TrainingCell(other, second), found) == ([], ["epoch_num"])
    assert same(values(other), values(net)) and second.engine.clocks == [1]
    assert np.array_equal(second.parameters_dict()["moments.fc.bias"].asnumpy(), np.ones(3))
    with pytest.warns(CheckpointWarning):  # into a network alone, slots are left
        _, left = load_param_into_net(Net(), {name: x for name, x in found.items() if name != "fc.bias"})
    assert "moments.fc.weight" in left
