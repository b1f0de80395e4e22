"""Training scripts of every kind on the road to PyTorch: rewritten, reported line by line, and the same path."""

import ast

import pytest

import programs
from calando.migrate import HUMAN, Wish, migrate
from calando.migrate.prove import SHARE, WEIGHT
from calando.migrate.prove.compare import loop, rates, weights
from ways import WAYS
from zoo import SCRIPTS

SCRIPTS = SCRIPTS | WAYS


def rewritten(name, style="exact"):
    return migrate({"train.py": SCRIPTS[name].encode()}, Wish(to="torch", style=style))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Both sides of every script, in one process."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    pairs = {name: (SCRIPTS[name].encode(), rewritten(name).results[0].after) for name in SCRIPTS}
    return programs.played(tmp_path_factory.mktemp("zoo"), pairs, "mindspore", "loan")


@pytest.mark.parametrize("style", ["exact", "guide"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_becomes_python_and_a_second_run_changes_nothing(name, style):
    done = rewritten(name, style)
    ast.parse(done.results[0].after)
    assert migrate({"train.py": done.results[0].after}, done.wish).results[0].after == done.results[0].after
    assert not programs.strangers(done, done.results[0])


@pytest.mark.parametrize("name", SCRIPTS)
def test_both_sides_train_the_same(name, runs):
    done = rewritten(name)
    assert done.results[0].changed
    lost = [
        f
        for f in done.findings
        if f.certainty == HUMAN and f.reason.startswith("left whole") and "no call" not in f.reason
    ]
    assert not lost
    source, replayed, free = runs[name]
    for level in (rates(source, replayed), weights(source, replayed, 2, "", WEIGHT, SHARE), loop(source, free)):
        assert level.holds, level.text


HALF = """import mindspore as ms
from mindspore import nn
def build(params, kind):
    if kind == "own":
        return nn.thor(params, 0.1)
    elif kind == "centred":
        return nn.Momentum([{"params": params, "grad_centralization": True}], 0.1, 0.9)
    return nn.Adagrad(params, learning_rate=0.1)
net = nn.Dense(4, 1)
opt = build(net.trainable_params(), "adagrad")
grad_fn = ms.value_and_grad(lambda x: net(x).sum(), None, opt.parameters)
loss, grads = grad_fn(x)
opt(grads)
"""


def test_where_one_of_several_must_stay_all_stay():
    """A factory of which one branch is PyTorch's and another MindSpore's could train with neither."""
    done = migrate({"train.py": HALF.encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    told = {f.line: f.reason for f in done.findings}
    assert "centralizes gradients" in told[7]
    assert "the same update may be that of line 7, which cannot be rewritten" in told[8]


def test_a_class_that_is_chosen_from_a_table_is_reported():
    text = "from mindspore import nn\nnet = nn.Dense(2, 1)\nTABLE = {'adam': nn.Adam}\n"
    text += "opt = TABLE['adam'](net.trainable_params())\n"
    done = migrate({"train.py": text.encode()}, Wish(to="torch"))
    assert [f.line for f in done.findings if "is chosen here when the script runs" in f.reason] == [3]


LINKED = """import mindspore as ms
from mindspore import nn
net = nn.Dense(4, 1)
opt = nn.Momentum(net.trainable_params(), [0.1, 0.2, 0.3], 0.9)
front = nn.LARS(opt, epsilon=1e-8, coefficient=0.02)
step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), front)
"""


def test_lars_is_left_with_the_nearest_class():
    done = migrate({"train.py": LINKED.encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    assert any("nn.LARS stands in front of it in line 5; calando.torch.LARS" in f.reason for f in done.findings)


HANDED = """import mindspore as ms
def train(net, opt, data, loss_fn):
    grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
    for x, y in data:
        loss, grads = grad_fn(x, y)
        opt(grads)
"""


def test_an_update_by_an_optimizer_from_elsewhere_is_reported():
    done = migrate({"train.py": HANDED.encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    assert [f.line for f in done.findings if "that this project does not make" in f.reason] == [6]


TWICE = """from mindspore import nn
import mindspore as ms
net = Net()
decayed = list(filter(lambda x: 'gamma' not in x.name, net.trainable_params()))
other = list(filter(lambda x: 'gamma' in x.name, net.trainable_params()))
opt = nn.Momentum([{'params': decayed, 'weight_decay': 0.1}, {'params': other}], 0.1, 0.9)
grad_fn = ms.value_and_grad(lambda x: net(x).sum(), None, opt.parameters)
for x in data:
    loss, grads = grad_fn(x)
    opt(grads)
"""


def test_the_table_of_names_is_made_once():
    after = migrate({"train.py": TWICE.encode()}, Wish(to="torch")).results[0].after
    assert after.count(b"name_of = calando.migrate.whole.names(net)") == 1
    assert after.count(b"name_of[x]") == 2


GATHERED = """import mindspore as ms
from mindspore import nn, ops
net = nn.Dense(2, 1)
opt = nn.Adam(net.trainable_params())
grad_fn = ms.value_and_grad(lambda x: net(x).sum(), None, opt.parameters)
def train(x, y):
    held = ops.clip_by_global_norm(other(y), 1.0)
    loss, grads = grad_fn(x)
    opt(grads)
    return held
"""


def test_where_a_clip_stays_the_optimizer_stays():
    """What MindSpore's clip returned would be no gradient of PyTorch's."""
    done = migrate({"train.py": GATHERED.encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    assert any("what is clipped in line 7 was not recognised" in f.reason for f in done.findings)
