"""What is saved, how it comes back, and what is refused before a file is touched."""

import subprocess
import sys

import numpy as np
import pytest

import calando.mindspore as ms
from calando.mindspore import CheckpointWarning, load_checkpoint, load_param_into_net, nn, save_checkpoint
from calando.store import CheckpointError
from mindspore_front.kinds import numpy_kind, started
from mindspore_front.saved import SHAPES, Net, adam, all_of, params, same, stepped, values

pytestmark = pytest.mark.usefixtures("torch")


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
    (
        lambda path: load_param_into_net(Net(), {1: 2}),
        TypeError,
        "keys of 'parameter_dict' must be names, but one is 1",
    ),
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
