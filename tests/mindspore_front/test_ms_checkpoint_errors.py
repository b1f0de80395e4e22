"""What cannot be loaded or saved: one sentence each, and network, optimizer and file as before. What is only told."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calando.mindspore as ms
from calando.mindspore import CheckpointWarning, load_checkpoint, load_param_into_net, nn, save_checkpoint
from calando.store import CheckpointError
from mindspore_front.kinds import noises, numpy_kind, started

SHAPES = {"a.weight": (3, 4), "b.bias": (3,)}
pytestmark = pytest.mark.usefixtures("torch")


def params(seed=0):
    return [ms.Parameter(array, name=name) for name, array in started(seed, shapes=SHAPES).items()]


def stepped(optimizer, steps=2):
    for grads in noises(steps, shapes=SHAPES):
        optimizer(tuple(ms.Tensor(g) for g in grads.values()))
    return optimizer


def stored(make, steps=2):
    return dict(stepped(make(params()), steps).parameters_dict())


def adam(ps):
    return nn.Adam(ps, 0.02)


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


def all_of(optimizer):
    kept = optimizer.snapshot()
    groups = [(group.clock, repr(group.timelines)) for group in kept.groups]
    ages = [(param.name, param.age, param.memory) for group in kept.groups for param in group.params]
    arrays = {name: array.tobytes() for name, array in kept.to_plain()[1].items()}
    return repr(optimizer), groups, ages, arrays, [p.asnumpy().tobytes() for p in optimizer.parameters]


@pytest.mark.parametrize("make, file, sentence", REFUSED, ids=range(len(REFUSED)))
def test_refused_and_nothing_has_changed(make, file, sentence):
    optimizer, found = stepped(make(params(1)), 3), file()
    before = all_of(optimizer)
    with pytest.raises((CheckpointError, ValueError, TypeError), match=sentence):
        load_param_into_net(optimizer, found)
    assert all_of(optimizer) == before


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


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(4, 3)
        self.bn = nn.BatchNorm2d(3)

    def construct(self, x):
        return self.fc(x)


def values(net):
    return {p.name: p.asnumpy().copy() for p in net.get_parameters()}


def same(here, there):
    return here.keys() == there.keys() and all(np.array_equal(here[name], there[name]) for name in here)


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


# Saving.


def test_what_the_guide_assigns_goes_straight_into_another_optimizer(tmp_path):
    optimizer = stepped(adam(params()))
    state_dict = save_checkpoint(optimizer, str(tmp_path / "opt.ckpt"))
    assert list(state_dict) == list(load_checkpoint(str(tmp_path / "opt.ckpt")))
    assert state_dict["a.weight"] is optimizer.parameters[0]
    other = adam(params(1))
    assert load_param_into_net(other, state_dict) == ([], [])
    assert all_of(stepped(other)) == all_of(stepped(optimizer))


def test_schedules_are_named_as_left_out(tmp_path):
    optimizer = nn.Adam(params(), nn.ExponentialDecayLR(0.1, 0.9, 4), beta1=[0.9, 0.8, 0.7])
    with pytest.warns(CheckpointWarning, match="'beta1' is a schedule .*'beta1_power' holds only its present number"):
        kept = save_checkpoint(optimizer, tmp_path / "a.ckpt")
    assert ["'learning_rate' is" in s or "'beta1' is" in s for s in kept.left_out] == [True, True]
    assert all("build the optimizer with it again" in sentence for sentence in kept.left_out)


def test_lists_dictionaries_and_choices(tmp_path):
    net = Net()
    path = tmp_path / "a.ckpt"
    assert list(save_checkpoint(net.trainable_params(), path)) == ["fc.weight", "fc.bias", "bn.gamma", "bn.beta"]
    rows = [{"name": "x", "data": net.fc.weight}, {"name": "y", "data": ms.Tensor([1.0])}]
    assert list(save_checkpoint(rows, path)) == ["x", "y"] == list(load_checkpoint(path))
    mixed = {"a": net.fc.bias, "b": ms.Tensor([2]), "c": np.array([True]), "d": "text"}  # MindSpore drops 'b'
    save_checkpoint(mixed, path)
    found = load_checkpoint(path)
    assert (found["b"].tolist(), found["c"].tolist(), found["d"]) == ([2], [True], "text")
    save_checkpoint(net, path, choice_func=lambda name: name.startswith("bn"))
    assert [*load_checkpoint(path)] == [name for name in values(net) if name.startswith("bn")]
    save_checkpoint(net, path)
    assert [*load_checkpoint(path, filter_prefix=("bn", "fc.b"))] == ["fc.weight"]
    assert [*load_checkpoint(path, specify_prefix="fc", filter_prefix="fc.b")] == ["fc.weight"]
    assert [*load_checkpoint(path, choice_func=lambda name: "weight" in name)] == ["fc.weight"]


def test_appended_entries_come_back_as_they_were(tmp_path, mindspore):
    more = {"epoch": 7, "rate": 0.1, "done": True, "note": "häß", "tensor": ms.Tensor([1.5])}
    save_checkpoint(Net(), tmp_path / "a.ckpt", append_dict=more)
    found = load_checkpoint(tmp_path / "a.ckpt")
    assert [found[k].item() for k in ("epoch", "rate", "done", "tensor")] == [7, 0.1, True, 1.5] and found[
        "note"
    ] == "häß"
    theirs = mindspore.load_checkpoint(str(tmp_path / "a.ckpt"))
    assert [theirs[k].asnumpy().item() for k in ("epoch", "rate", "done", "tensor")] == [7, 0.1, True, 1.5]
    assert theirs["note"] == "häß"


@pytest.mark.parametrize("how", [True, "thread", "process"])
def test_saving_behind_the_back_keeps_the_values_of_its_moment(tmp_path, how):
    optimizer = stepped(adam(params()))
    before = {name: p.asnumpy().copy() for name, p in optimizer.parameters_dict().items()}
    kept = save_checkpoint(optimizer, tmp_path / "a.ckpt", async_save=how)
    stepped(optimizer, 5)
    kept.wait()
    assert same({name: p.asnumpy() for name, p in load_checkpoint(tmp_path / "a.ckpt").items()}, before)


def test_a_file_that_could_not_be_written_behind_the_back_is_told(tmp_path):
    kept = save_checkpoint(adam(params()), tmp_path / "nowhere" / "a.ckpt", async_save=True)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        kept.wait()
    save_checkpoint(adam(params()), tmp_path / "nowhere" / "a.ckpt", async_save=True)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_checkpoint(tmp_path / "b.ckpt")
    kept.wait()


def test_nothing_is_lost_in_silence_when_nobody_asks(tmp_path):
    """A file that could not be written behind the back is told when the program ends."""
    code = (
        "import numpy as np; from calando.mindspore import nn, save_checkpoint; "
        "save_checkpoint(nn.Adam([np.ones(2)]), 'nowhere/a.ckpt', async_save=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert "FileNotFoundError" in done.stderr and "nowhere" in done.stderr


OPTIONS = [
    (
        lambda path: save_checkpoint(3, path),
        TypeError,
        "'save_obj' must be a Cell, an optimizer, a list or a",
    ),
    (lambda path: save_checkpoint([], path), ValueError, "there is nothing to save$"),
    (lambda path: save_checkpoint(Net(), path, choice_func=lambda _: False), ValueError, "choice_func chose no name"),
    (
        lambda path: save_checkpoint([np.ones(2)], path),
        TypeError,
        "entry 0 of 'save_obj' must be a Parameter with a",
    ),
    (
        lambda path: save_checkpoint([{"name": "x"}], path),
        TypeError,
        "entry 0 of 'save_obj' needs 'name', a text",
    ),
    (lambda path: save_checkpoint([{"name": "x", "data": np.ones(1)}] * 2, path), ValueError, "two entries 'x'"),
    (lambda path: save_checkpoint({3: np.ones(2)}, path), TypeError, "the names in 'save_obj' must be texts"),
    (lambda path: save_checkpoint({"x": object()}, path), TypeError, "'x' must be a Parameter, a Tensor or an array"),
    (lambda path: save_checkpoint(Net(), path, append_dict=3), TypeError, "'append_dict' must be a dictionary"),
    (lambda path: save_checkpoint(Net(), path, append_dict={3: 3}), TypeError, "the names in 'append_dict' must be"),
    (lambda path: save_checkpoint(Net(), path, append_dict={"n": 2**70}), ValueError, "too large for int64"),
    (lambda path: save_checkpoint(Net(), path, append_dict={"fc.bias": 1}), ValueError, "'append_dict' has 'fc.bias'"),
    (
        lambda path: save_checkpoint(Net(), path, enc_key=b"x" * 16),
        ValueError,
        "'enc_key' is not supported: calando",
    ),
    (lambda path: save_checkpoint(Net(), path, format="pt"), ValueError, "'format' must be 'ckpt' or 'safetensors'"),
    (
        lambda path: save_checkpoint(Net(), path, async_save="later"),
        ValueError,
        "'async_save' must be True, False,",
    ),
    (lambda path: save_checkpoint(Net(), path, incremental=True), ValueError, "incremental=True is not supported"),
    (lambda path: save_checkpoint(Net(), path, colour=3), TypeError, "there is no argument 'colour'"),
    (
        lambda path: save_checkpoint(Net(), path, append_dict={"t": "x"}, format="safetensors"),
        TypeError,
        "'t' is a text",
    ),
    (lambda path: load_checkpoint(path), FileNotFoundError, "there is no file '.*a.ckpt'"),
    (lambda path: load_checkpoint(path, format="pt"), ValueError, "'format' must be 'ckpt' or 'safetensors'"),
    (
        lambda path: load_checkpoint("a.safetensors"),
        ValueError,
        "'a.safetensors' does not end in 'ckpt', the",
    ),
    (lambda path: load_checkpoint(path, dec_key=b"x"), ValueError, "'dec_key' is not supported"),
    (lambda path: load_checkpoint(path, remove_redundancy=True), ValueError, "remove_redundancy=True is not supported"),
    (lambda path: load_checkpoint(path, filter_prefix=""), ValueError, "'filter_prefix' must be a text or several"),
    (lambda path: load_checkpoint(path, specify_prefix=[]), ValueError, "'specify_prefix' must be a text or several"),
    (
        lambda path: load_checkpoint(path, filter_prefix="a", choice_func=len),
        ValueError,
        "either choice_func or",
    ),
    (lambda path: load_param_into_net(3, {}), TypeError, "'net' must be a Cell or an optimizer, but got int"),
    (lambda path: load_param_into_net(Net(), [1]), TypeError, "'parameter_dict' must be a dictionary, but got list"),
    (lambda path: load_param_into_net(Net(), {}, remove_redundancy=True), ValueError, "remove_redundancy=True is not"),
]


@pytest.mark.parametrize("call, kind, sentence", OPTIONS, ids=range(len(OPTIONS)))
def test_arguments_are_refused_before_a_file_is_touched(tmp_path, call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call(str(tmp_path / "a.ckpt"))
    assert list(tmp_path.iterdir()) == []


def test_files_are_refused(tmp_path):
    path = tmp_path / "a.ckpt"
    save_checkpoint(Net(), path)
    with pytest.raises(CheckpointError, match=r"nothing in '.*' was chosen; look at the prefixes or choice_func"):
        load_checkpoint(path, choice_func=lambda name: False)
    with pytest.warns(CheckpointWarning, match="has no CRC-32 to compare; save it with crc_check=True"):
        load_checkpoint(path, crc_check=True)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match="torn"):
        load_checkpoint(path)
    save_checkpoint(Net(), path, crc_check=True)
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged: its CRC-32 is wrong"):
        load_checkpoint(path)  # MindSpore compares only if asked


def test_two_parameters_of_one_name(tmp_path):
    net = Net()
    net.fc.bias.name = "fc.weight"
    with pytest.raises(ValueError, match=r"two parameters of Net are called 'fc.weight'; rename one of them"):
        save_checkpoint(net, tmp_path / "a.ckpt")
    plain = numpy_kind()
    arrays = list(plain.params(started(shapes=SHAPES)).values())
    assert list(save_checkpoint(nn.SGD(arrays), tmp_path / "a.ckpt"))[2:4] == ["0", "1"]
    clash = [ms.Parameter(np.ones(2, "f4"), name="momentum")]
    with pytest.raises(ValueError, match="a checkpoint would hold 'momentum' twice; rename the parameter"):
        save_checkpoint(nn.SGD(clash), tmp_path / "a.ckpt")


def test_without_torch_arrays_come_back(run, tmp_path):
    code = """
import sys
sys.modules["torch"] = None
import numpy as np
from calando.mindspore import nn, load_checkpoint, load_param_into_net, save_checkpoint
p = np.ones(3, "f4")
o = nn.Adam([p])
o((p.copy(),))
save_checkpoint(o, "a.ckpt")
q = p.copy()
o((p.copy(),))
d = load_checkpoint("a.ckpt")
print(type(d["0"]).__name__, load_param_into_net(o, d), (p == q).all(), o.global_step)
"""
    assert run(code).split() == ["ndarray", "([],", "[])", "True", "[1]"]
