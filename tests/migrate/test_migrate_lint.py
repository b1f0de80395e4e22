"""What ports got wrong, each once in a script made for it; and that good scripts have none of it."""

import sys
from pathlib import Path

import pytest

from calando.migrate.lint import lint

sys.path.insert(0, str(Path(__file__).parent))
import programs

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
    "gradients that pile up": (
        PT + "opt = optim.SGD(net.parameters(), lr=0.1)\nfor i in range(3):\n    net(x).backward()\n    opt.step()\n",
        7,
        "pile up",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_at_its_line(name):
    text, line, told = MISTAKES[name]
    found, unread = lint({"port.py": text.encode()})
    assert not unread
    assert [(f.line, told in f.reason) for f in found] == [(line, True)], found


@pytest.mark.parametrize("name", programs.ALL)
def test_good_scripts_have_none(name):
    assert lint({name: programs.source(name)}) == ([], [])
