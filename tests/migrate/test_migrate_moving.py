"""Rates that are asked for, or that move far from where the optimizer is made: both styles, on the same path."""

import ast

import pytest

import programs
from calando.migrate import HUMAN, Wish, migrate
from calando.migrate.prove import SHARE, WEIGHT
from calando.migrate.prove.compare import loop, rates, weights
from moving import MOVING

STYLES = ("exact", "guide")
SAID = {  # what stands in the guide's style of a script
    "a step in a function that is given the optimizer": "opt.scheduler.step()",
    "of two classes only one has rates that move": "lr_scheduler.ConstantLR(opt, 1.0, 0)",
    "a factory whose every class has rates that move": "optimizer.scheduler = torch.optim.lr_scheduler.LambdaLR(",
    "the rate as mindocr asks for it, and where it goes": 'print(f"lr: {rate:.6f}")',
    "epochs of sink_size batches": "itertools.islice(batches, 4)",
    "ready steps kept by objects, one optimizer made in place": "self.opt.scheduler.step()",
    "lists of callbacks that are made anew": "if not (big and not (small)) and not (big and small):",
    "a layer of MindSpore's that has normalizations": "calando.migrate.whole.groups(net)",
    "a ready step of the same weights between gradients and update": "calando.migrate.gradients.update(opt, grads)",
}


def rewritten(name, style):
    return migrate({"train.py": MOVING[name].encode()}, Wish(to="torch", style=style))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Both sides of every script in both styles, in one process."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    pairs = {(n, s): (MOVING[n].encode(), rewritten(n, s).results[0].after) for n in MOVING for s in STYLES}
    return programs.played(tmp_path_factory.mktemp("moving"), pairs, "mindspore", "loan")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", MOVING)
def test_it_is_rewritten_and_trains_the_same(name, style, runs):
    done = rewritten(name, style)
    after = done.results[0].after
    ast.parse(after)
    lost = [f.reason for f in done.findings if f.certainty == HUMAN and "the network" not in f.reason]
    assert not lost
    assert migrate({"train.py": after}, done.wish).results[0].after == after
    assert not programs.strangers(done, done.results[0])
    assert style == "exact" or SAID.get(name, "") in after.decode()
    source, replayed, free = runs[name, style]
    for level in (rates(source, replayed), weights(source, replayed, 2, "", WEIGHT, SHARE), loop(source, free)):
        assert level.holds, level.text


ASKED = {  # what cannot be asked of a number → why
    "print(opt.get_lr().mean())": "its .mean is asked of a number",
    "lr = opt.get_lr()\nprint(ops.round(lr))": "MindSpore's round works on a number",
    "for r in opt.get_lr():\n    print(r)": "taken one by one",
    "lr = opt.learning_rate\nif lr:\n    lr = opt.momentum_of\nprint(lr.asnumpy())": "may be what line",
}


TOGETHER = """import mindspore as ms
from mindspore import nn, ops
net = nn.Dense(4, 1)
{made}
"""
STEP = "fn = ms.value_and_grad(lambda x: net(x).sum(), None, opt.parameters)\nfor x in data:\n    loss, grads = fn(x)\n"
OPT = "opt = nn.Adagrad(net.trainable_params(), learning_rate=0.1)\n"
CELL = """class Step(nn.TrainOneStepCell):
    def __init__(self, network, optimizer):
        super().__init__(network, optimizer, sens=1.0)
        self.clip = Clip()
    def construct(self, *inputs):
        loss = self.network(*inputs)
        grads = self.grad(self.network, self.weights)(*inputs, ops.ones_like(loss))
        {more}
        return ops.depend(loss, self.optimizer(grads))
class Clip(nn.Cell):
    def __init__(self):
        super().__init__()
        self.by = nn.ClipByNorm()
    def construct(self, grads):
        return [self.by(each, 0.5) for each in grads]
step = Step(net, opt)
for x in data:
    step(x)
"""
LEFT = {  # a script of which nothing can be rewritten → why
    "another optimizer of the same network stays": (
        OPT + STEP + "    opt(grads)\nfar = nn.FTRL(net.trainable_params())\nnn.TrainOneStepCell(net, far)(x)\n",
        "trains the same network, and cannot be rewritten",
    ),
    "stepped as PyTorch's": (OPT + STEP + "    opt.step()\n", "as PyTorch's are: MindSpore's has no step"),
    "a Cell on gradients": (OPT + CELL.replace("{more}", "grads = self.clip(grads)"), "the gradients are changed in"),
    "the base class's own step": (
        OPT + CELL.replace("{more}", "return super().construct(*inputs)"),
        "leaves the step to MindSpore's class in line",
    ),
    "what the base class keeps": (
        OPT + CELL.replace("{more}", "if self.sense_flag: return self._no_sens_impl(*inputs)"),
        "asks for self._no_sens_impl, which MindSpore's class keeps",
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_cannot_go_leaves_all_that_trains_with_it(name):
    text, why = LEFT[name]
    done = migrate({"train.py": TOGETHER.replace("{made}", text).encode()}, Wish(to="torch", style="guide"))
    assert not done.results[0].changed
    assert any(why in finding.reason for finding in done.findings)


def test_scripts_that_make_their_networks_by_one_factory_do_not_hold_each_other_back():
    head = "import mindspore as ms\nfrom mindspore import nn\nfrom net import make\nnet = make()\n"
    scripts = {
        "net.py": "from mindspore import nn\ndef make():\n    return nn.Dense(4, 1)\n",
        "a.py": head + OPT + STEP + "    opt(grads)\n",
        "b.py": head + "nn.TrainOneStepCell(nn.WithLossCell(net, f), nn.FTRL(net.trainable_params()))(x)\n",
    }
    done = migrate({name: text.encode() for name, text in scripts.items()}, Wish(to="torch", style="guide"))
    assert [result.name for result in done.results if result.changed] == ["a.py"]


def test_an_update_that_is_left_out_on_overflow_does_not_move_the_guides_scheduler():
    """MindSpore's clock stands still then, and torch's GradScaler leaves the gradients as they are."""
    text = OPT.replace("0.1)", "nn.cosine_decay_lr(0.0, 0.1, 8, 4, 2))") + "from mindspore.train import Model\n"
    text += "scale = ms.DynamicLossScaleManager()\nModel(net, f, opt, loss_scale_manager=scale).train(2, data)\n"
    done = migrate({"train.py": TOGETHER.replace("{made}", text).encode()}, Wish(to="torch", style="guide"))
    after = done.results[0].after.decode()
    (line,) = (line for line in after.splitlines() if line.endswith("scheduler.step()"))
    assert line.strip().startswith("if all(p.grad.isfinite().all() for group in opt.param_groups")


def test_a_loss_that_was_computed_before_is_told():
    """MindSpore's gradients of it are 0; the proof's third level sees that too."""
    step = STEP.replace("lambda x: net(x).sum()", "f").replace("fn = ", "    loss = net(x).sum()\n    fn = ", 1)
    text = (
        OPT + "def f(x):\n    return loss\nfor x in data:\n" + step.replace("for x in data:\n", "") + "    opt(grads)\n"
    )
    done = migrate({"train.py": TOGETHER.replace("{made}", text).encode()}, Wish(to="torch"))
    assert any("it returns what was computed before it" in finding.reason for finding in done.findings)


@pytest.mark.parametrize("line", ASKED)
def test_what_no_number_answers_leaves_the_optimizer(line):
    text = MOVING["of two classes only one has rates that move"] + line + "\n"
    done = migrate({"train.py": text.encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    assert any(ASKED[line] in finding.reason for finding in done.findings)
