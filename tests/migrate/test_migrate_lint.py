"""What ports got wrong, each once in a script made for it; and that good scripts have none of it."""

import re

import pytest

import programs
import returns
from alike import RIGHT
from between import BETWEEN, CLEAR
from calando.migrate import Wish, migrate
from calando.migrate.lint import RULES, lint
from calando.migrate.reading.flow import Flow
from calando.migrate.reading.source import read
from cells import CELLS
from mistaken import MISTAKEN
from ported import CLEAN, PORTS
from shapes import SHAPES

MS = "import mindspore as ms\nfrom mindspore import nn, ops\nnet = nn.Dense(2, 1)\n"
PT = "import torch\nfrom torch import nn, optim\nnet = nn.Linear(2, 1)\n"
MISTAKES = {
    "betas under torch's name": (
        MS + "opt = nn.Adam(net.trainable_params(), betas=(0.9, 0.99))\n",
        4,
        "beta1 and beta2",
    ),
    "lr under torch's name": (MS + "opt = nn.SGD(net.trainable_params(), lr=0.1)\n", 4, "learning_rate"),
    "learning_rate under MindSpore's": (PT + "opt = optim.Adam(net.parameters(), learning_rate=0.1)\n", 4, "called lr"),
    "a scheduler before the update": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\nsched = optim.lr_scheduler.ExponentialLR(opt, 0.9)\n"
        "for i in range(3):\n    sched.step()\n    opt.zero_grad()\n    net(x).backward()\n    opt.step()\n",
        7,
        "before the optimizer",
    ),
    "a rate assigned too late": (
        MS + "opt = nn.SGD(net.trainable_params(), 0.1)\ngrad_fn = ms.value_and_grad(f, None, opt.parameters)\n"
        "for i in range(3):\n    loss, grads = grad_fn(x)\n    opt(grads)\n"
        "    ops.assign(opt.learning_rate, ms.Tensor(rate(i), ms.float32))\n",
        9,
        "after the update",
    ),
    "another optimizer's gradients": (
        MS + "enc, dec = nn.SGD(net.trainable_params(), 0.1), nn.SGD(net.trainable_params(), 0.1)\n"
        "grad_fn = ms.value_and_grad(f, None, dec.parameters)\nloss, grads = grad_fn(x)\ndec(grads)\nenc(grads)\n",
        8,
        "another optimizer",
    ),
    "several outputs without has_aux": (
        MS + "def forward(x):\n    y = net(x)\n    return y.sum(), y\n"
        "grad_fn = ms.value_and_grad(forward, None, net.trainable_params())\n",
        7,
        "2 outputs",
    ),
    "steps per epoch as a number": (
        MS + "lr = nn.cosine_decay_lr(0.0, 0.1, 100, step_per_epoch=1019, decay_epoch=3)\n",
        4,
        "number",
    ),
    "a decay that is never called": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\n\n\ndef adjust_learning_rate(o, k):\n    pass\n",
        7,
        "never called",
    ),
    "a decay that is never used": (
        PT + "lr_decay = 0.97\nopt = optim.SGD(net.parameters(), lr=0.1)\n",
        4,
        "never used",
    ),
    "a number assigned in vain": (
        MS + "opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)\nopt.momentum = ms.Tensor(0.5)\n",
        5,
        "no effect",
    ),
    "nesterov ignored": (MS + "opt = nn.Momentum(net.trainable_params(), 0.1, 0.9, use_nesterov=True)\n", 4, "ignores"),
    "an empty group": (
        MS + "opt = nn.SGD([{'params': filter(lambda p: True, net.trainable_params())}], 0.1)\n",
        4,
        "trains nothing",
    ),
    "a decay per step meant per epoch": (
        MS + "rate = nn.ExponentialDecayLR(0.1, 0.9, decay_steps=1)\n",
        4,
        "every step",
    ),
    "the same without a keyword": (MS + "rate = nn.ExponentialDecayLR(0.1, 0.9, 1)\n", 4, "every step"),
    "gradients that pile up": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\nfor i in range(3):\n    net(x).backward()\n    opt.step()\n",
        7,
        "pile up",
    ),
    "betas of MindSpore's": (PT + "opt = optim.Adam(net.parameters(), beta1=0.9)\n", 4, "called betas"),
    "a typing error": (
        MS + "opt = nn.SGD(net.trainable_params(), 0.1)\ngrad_fn = ms.value_and_grad(f, None, opt.parameter)\n",
        5,
        "called parameters",
    ),
    "a name and a parameter swapped": (
        MS + "decayed = [p for param, param_name in net.parameters_and_names()]\n",
        4,
        "the name first",
    ),
    "a name and a parameter swapped in PyTorch": (
        PT + "for p, name in net.named_parameters():\n    print(name)\n",
        4,
        "the name first",
    ),
    "a rate that is infinite at step 0": (
        MS + "import math\n\n\ndef rate(step):\n    return 0.1 * math.pow(step, -0.5)\n\n\n"
        "for k in range(10):\n    lr = rate(k)\n    print(lr)\n",
        12,
        "count from 1",
    ),
    "a factor that is infinite at step 0": (
        PT + "def noam(step):\n    return step ** -0.5\nopt = optim.SGD(net.parameters(), lr=0.1)\n"
        "sched = optim.lr_scheduler.LambdaLR(opt, noam)\n",
        7,
        "count from 1",
    ),
    "a rate written too late in PyTorch": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\nfor it in range(9):\n    opt.zero_grad()\n"
        "    net(x).backward()\n    opt.step()\n    lr = 0.1 / (it + 10)\n    for g in opt.param_groups:\n"
        "        g['lr'] = lr\n",
        11,
        "after the update",
    ),
    "gradients by weights that are another optimizer's": (
        MS + "other = nn.Dense(1, 1)\nenc, dec = nn.Adam(net.trainable_params()), nn.Adam(other.trainable_params())\n"
        "grad_fn = ms.value_and_grad(f, None, other.trainable_params())\nloss, grads = grad_fn(x)\ndec(grads)\n"
        "enc(grads)\n",
        9,
        "another optimizer",
    ),
    "several outputs of a method without has_aux": (
        MS + "class T:\n    def __init__(self):\n"
        "        self.grad_fn = ms.value_and_grad(self.forward, None, net.trainable_params())\n"
        "    def forward(self, x):\n        y = net(x)\n        return y.sum(), y\n",
        6,
        "2 outputs",
    ),
    "the forward pass once more": (
        MS + "def forward(x):\n    return net(x).sum()\n"
        "opt = nn.SGD(net.trainable_params(), 0.1)\ngrad_fn = ms.value_and_grad(forward, None, opt.parameters)\n"
        "loss, grads = grad_fn(x)\nopt(grads)\nloss = forward(x)\n",
        10,
        "once more",
    ),
    "gradients clipped too late": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\nfor i in range(3):\n    opt.zero_grad()\n"
        "    net(x).backward()\n    opt.step()\n    nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n",
        9,
        "clip them before",
    ),
    "gradients clipped too late in an epoch's loop": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\nfor epoch in range(2):\n    for x in batches:\n"
        "        opt.zero_grad()\n        net(x).backward()\n        opt.step()\n"
        "        nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n",
        10,
        "clip them before",
    ),
    "gradients clipped when MindSpore's update was made": (
        MS + "opt = nn.SGD(net.trainable_params(), 0.1)\n"
        "grad_fn = ms.value_and_grad(lambda x: net(x).sum(), None, opt.parameters)\nfor i in range(3):\n"
        "    loss, grads = grad_fn(x)\n    opt(grads)\n    grads = ops.clip_by_global_norm(grads, 1.0)\n",
        9,
        "clip them before",
    ),
    "clipped gradients that are thrown away": (
        MS + "opt = nn.SGD(net.trainable_params(), 0.1)\n"
        "grad_fn = ms.value_and_grad(lambda x: net(x).sum(), None, opt.parameters)\nfor i in range(3):\n"
        "    loss, grads = grad_fn(x)\n    ops.clip_by_global_norm(grads, 1.0)\n    opt(grads)\n",
        8,
        "thrown away",
    ),
    "steps per epoch as a number in place": (
        MS + "lr = nn.cosine_decay_lr(0.0, 0.1, 100, 1019, 3)\n",
        4,
        "number",
    ),
    "a list of rates that is not used": (
        MS + "steps = 9\nrates = nn.cosine_decay_lr(0.0, 0.1, 4 * steps, steps, 3)\n"
        "opt = nn.SGD(net.trainable_params(), 0.1)\n",
        5,
        "no optimizer is given them",
    ),
    "a scheduler that is not stepped": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\nsched = optim.lr_scheduler.StepLR(opt, 3)\n"
        "for i in range(3):\n    opt.zero_grad()\n    net(x).backward()\n    opt.step()\n",
        5,
        "never stepped",
    ),
    "an optimizer that makes no update": (
        PT + "other = nn.Linear(1, 1)\na = optim.Adam(net.parameters())\nb = optim.Adam(other.parameters())\n"
        "for i in range(3):\n    a.zero_grad()\n    b.zero_grad()\n    other(net(x)).backward()\n    a.step()\n",
        6,
        "never makes an update",
    ),
    "moments that are lost": (
        PT + "for epoch in range(3):\n    opt = optim.Adam(net.parameters(), lr=0.1 * 0.5 ** epoch)\n"
        "    for x in data:\n        opt.zero_grad()\n        net(x).backward()\n        opt.step()\n",
        5,
        "made anew",
    ),
    "get_lr to advance the clock": (
        MS + "opt = nn.SGD(net.trainable_params(), [0.1] * 9)\nopt.get_lr()\n",
        5,
        "does not advance",
    ),
    "an attribute of PyTorch's assigned in vain": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\nopt.lr = 0.01\n",
        5,
        "param_groups",
    ),
    "set_data on the rate": (
        MS + "opt = nn.SGD(net.trainable_params(), 0.1)\nopt.learning_rate.set_data(ms.Tensor(0.01))\n",
        5,
        "set_data",
    ),
    "a weight decay that moves in an optimizer that has none": (
        MS + "class Decay(nn.Cell):\n    def construct(self, step):\n        return 1e-4 / (step + 1)\n"
        "decay = Decay()\nopt = nn.SGD(net.trainable_params(), 0.1, weight_decay=decay)\n",
        8,
        "takes no weight decay that moves",
    ),
    "a target network that is set and shares memory": (
        MS + "target = nn.Dense(2, 1)\nopt = nn.Adam(net.trainable_params())\n"
        "for p, q in zip(net.trainable_params(), target.trainable_params()):\n    q.set_data(p)\n",
        7,
        "share one memory",
    ),
    "a target network that is loaded and shares memory": (
        MS + "target_net = nn.Dense(2, 1)\nopt = nn.Adam(net.trainable_params())\n"
        "ms.load_param_into_net(target_net, net.parameters_dict())\n",
        6,
        "share one memory",
    ),
    "a list that ends before the training": (
        MS + "opt = nn.SGD(net.trainable_params(), [0.1] * 10)\ngrad_fn = ms.value_and_grad(f, None, opt.parameters)\n"
        "for e in range(3):\n    for i in range(4):\n        loss, grads = grad_fn(x)\n        opt(grads)\n",
        4,
        "10 learning rates, and the training makes 12 updates",
    ),
    "RMSProp with PyTorch's defaults": (
        MS + "opt = nn.RMSProp(net.trainable_params(), 0.01, decay=0.99, epsilon=1e-8)\n",
        4,
        "starts its mean square at 1",
    ),
}


ALL = MISTAKES | MISTAKEN | PORTS | BETWEEN


@pytest.mark.parametrize("name", ALL)
def test_a_mistake_is_found_at_its_line(name):
    text, line, told = ALL[name]
    found, unread = lint({"port.py": text.encode()})
    assert not unread
    assert [(f.line, told in f.reason) for f in found] == [(line, True)], found


SUMMED = [name for name, (_, _, told) in ALL.items() if "has_aux is not" in told]


@pytest.mark.parametrize("name", SUMMED)
def test_the_gradient_of_a_sum_is_not_made_the_gradient_of_a_loss(name):
    text = ALL[name][0]
    done = migrate({"port.py": text.encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    assert any("has_aux=True is missing" in finding.reason for finding in done.findings), done.findings


def test_every_rule_is_shown():
    """No rule without a script that it finds something in."""
    flows = [Flow([read(text.encode(), "a.py")], ["a"]) for text, _, _ in ALL.values()]
    assert [rule.__name__ for rule in RULES if not any(list(rule(flow)) for flow in flows)] == []


FINE = {
    "a factory's further options": MS + "def make(params, lr, **kwargs):\n    more = dict(**kwargs)\n"
    "    return nn.SGD(params, lr, **more)\n\n\nopt = make(net.trainable_params(), 0.1)\n",
    "a rate halved when the loss stands still": MS + "opt = nn.SGD(net.trainable_params(), 0.1)\n"
    "grad_fn = ms.value_and_grad(f, None, opt.parameters)\nlr, best, epoch = 0.1, 9.0, 0\nwhile epoch < 8:\n"
    "    for x in data:\n        loss, grads = grad_fn(x)\n        opt(grads)\n    if loss > best:\n"
    "        lr = lr * 0.5\n        ops.assign(opt.learning_rate, ms.Tensor(lr, ms.float32))\n    best = loss\n"
    "    epoch += 1\n",
    "a weight decay that moves where it may": MS + "decay = nn.ExponentialDecayLR(1e-4, 0.9, 10)\n"
    "opt = nn.Momentum(net.trainable_params(), 0.1, 0.9, weight_decay=decay)\n",
    "a target network that is assigned": MS + "target = nn.Dense(2, 1)\nopt = nn.Adam(net.trainable_params())\n"
    "for p, q in zip(net.trainable_params(), target.trainable_params()):\n    q.set_data(p.value())\n"
    "    ops.assign(q, p)\n",
    "a network that evaluates with the weights of the moment": MS
    + "shown = nn.Dense(2, 1)\nopt = nn.Adam(net.trainable_params())\n"
    "ms.load_param_into_net(shown, net.parameters_dict())\n",
    "an epoch of a game": "import torch\n\n\ndef play(env, net, steps_per_epoch=4000, epochs=9):\n"
    "    opt = torch.optim.Adam(net.parameters())\n    seen = env.reset()\n"
    "    for t in range(steps_per_epoch * epochs):\n        opt.zero_grad()\n"
    "        net(seen).sum().backward()\n        opt.step()\n",
    "steps per epoch that the loop counts": MS + "rates = nn.cosine_decay_lr(0.0, 0.1, 12, 4, 3)\n"
    "opt = nn.SGD(net.trainable_params(), rates)\ngrad_fn = ms.value_and_grad(f, None, opt.parameters)\n"
    "for epoch in range(3):\n    for k in range(4):\n        loss, grads = grad_fn(x)\n        opt(grads)\n",
}
FINE["two optimizers whose gradients have one name in turn"] = (
    MS + "other = nn.Dense(2, 1)\na, b = nn.SGD(net.trainable_params(), 0.1), nn.SGD(other.trainable_params(), 0.1)\n"
    "fa = ms.value_and_grad(f, None, a.parameters)\nfb = ms.value_and_grad(g, None, b.parameters)\n"
    "for x in data:\n    loss, grads = fa(x)\n    a(grads)\n    loss, grads = fb(x)\n    b(grads)\n"
)
GOOD = FINE | RIGHT | SHAPES | returns.SHAPES | CELLS | CLEAN | CLEAR


@pytest.mark.parametrize("name", GOOD)
def test_scripts_of_many_shapes_have_none(name):
    assert lint({"shape.py": GOOD[name].encode()}) == ([], [])


def test_the_guide_has_none():
    """Each block by itself, and all of one side together. What the guide's blocks get wrong is another test's."""
    text = (programs.HERE.parent / "guide" / "blocks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(blocks) == 19
    for number, block in enumerate(blocks):
        found, _ = lint({f"block{number}.py": block.encode()})
        assert not found, found


@pytest.mark.parametrize("name", programs.ALL)
def test_good_scripts_have_none(name):
    assert lint({name: programs.source(name)}) == ([], [])


def test_memory_is_shared_as_the_rule_says():
    """What real MindSpore does: set_data and load_param_into_net share, assign and value() copy."""
    ms = pytest.importorskip("mindspore", reason="MindSpore is not installed")
    from mindspore import nn, ops

    def moved(copy):
        net, other = nn.Dense(2, 1), nn.Dense(2, 1)
        copy(net, other)
        before = other.weight.asnumpy().copy()
        opt = nn.SGD(net.trainable_params(), 0.5)
        opt(tuple(ops.ones_like(p) for p in opt.parameters))
        return abs(other.weight.asnumpy() - before).max() > 0

    assert moved(lambda net, other: other.weight.set_data(net.weight))
    assert moved(lambda net, other: ms.load_param_into_net(other, net.parameters_dict()))
    assert not moved(lambda net, other: other.weight.set_data(net.weight.value()))
    assert not moved(lambda net, other: ops.assign(other.weight, net.weight))
