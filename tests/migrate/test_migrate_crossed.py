"""Gradients that are values in MindSpore and lie in the parameters in PyTorch: what must not meet there."""

import pytest

from calando.migrate import HUMAN, Wish, migrate

HEAD = """import mindspore as ms
from mindspore import nn, ops
net, head = nn.Dense(4, 4), nn.Dense(4, 1)
weights = list(net.trainable_params()) + list(head.trainable_params())
opt = nn.Adam(weights, 0.1)
def forward(x):
    return head(net(x)).sum()
fn = ms.value_and_grad(forward, None, opt.parameters)
for x in data:
"""
PLAIN, VALUES = "opt.step()", "calando.migrate.gradients.update(opt, "
BODIES = {  # what a turn does → how it updates
    "    loss, grads = fn(x)\n    opt(grads)\n": PLAIN,
    "    loss, grads = fn(x)\n    opt(grads)\n    loss, grads = fn(x)\n    opt(grads)\n": PLAIN,
    "    if x.any():\n        l, g = fn(x)\n        opt(g)\n    else:\n        l, h = fn(x)\n        opt(h)\n": PLAIN,
    "    opt(fn(x)[1])\n    opt(fn(x)[1])\n": PLAIN,
    "    loss, g = fn(x)\n    loss, h = fn(x)\n    opt(g)\n    opt(h)\n": VALUES,
    "    loss, g = fn(x)\n    loss, h = fn(x)\n    if loss > 1:\n        opt(g)\n    else:\n        opt(h)\n": VALUES,
    "    loss, g = fn(x)\n    _, seen = fn(x)\n    print(seen[0].sum())\n    opt(g)\n": VALUES,
}


@pytest.mark.parametrize("body", BODIES)
def test_gradients_that_wait_for_their_update_stay_values(body):
    """Each backward clears what lies in the parameters: an update must find its own gradients there."""
    done = migrate({"train.py": (HEAD + body).encode()}, Wish(to="torch"))
    after = done.results[0].after.decode()
    assert not [f for f in done.findings if f.certainty == HUMAN]
    assert after.count(BODIES[body]) == body.count("opt(") and "fn(x)" in after and "_, seen" not in after


def test_two_optimizers_of_the_same_weights_do_not_take_each_others_gradients():
    second = HEAD.replace("for x in data", "slow = nn.SGD(weights, 0.01)\nfor x in data")
    body = "    loss, g = fn(x)\n    loss, h = fn(2 * x)\n    opt(g)\n    slow(h)\n"
    in_turn = "    loss, g = fn(x)\n    opt(g)\n    loss, h = fn(2 * x)\n    slow(h)\n"
    left, plain = (migrate({"t.py": (second + each).encode()}, Wish(to="torch")) for each in (body, in_turn))
    assert not left.results[0].changed and plain.results[0].after.count(b".step()") == 2
    assert sum("by another optimizer of these weights" in f.reason for f in left.findings) == 2


TRAINER = """
class Trainer:
    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.grad_fn = ms.value_and_grad(forward, None, [*net.trainable_params(), *head.trainable_params()])
    def step(self, x):
        loss, grads = self.grad_fn(x)
        optimizer = self.optimizer
        optimizer(grads)
        return loss
other = nn.SGD(head.trainable_params(), 0.1)
trainer = Trainer(opt)
for x in data:
    trainer.step(x)
"""


def test_a_gradient_function_goes_with_the_update_that_it_feeds():
    """Whatever it differentiates by; and the optimizer has the name that it has where gradients are taken."""
    text = HEAD.partition("fn = ms")[0] + TRAINER
    after = migrate({"train.py": text.encode()}, Wish(to="torch")).results[0].after.decode()
    assert "self.grad_fn = forward\n" in after and "value_and_grad" not in after
    assert after.index("self.optimizer.zero_grad()") < after.index(
        "optimizer = self.optimizer\n        self.optimizer.step()"
    )


@pytest.mark.parametrize("attack", ["ms.grad(forward)(x)", "ops.GradOperation(get_all=True)(forward)(x)[0]"])
def test_an_attack_is_listed_with_its_way_out_beside_a_training_that_is_rewritten(attack):
    body = (
        f"    loss, grads = fn(x + {attack})\n"
        if "ms" in attack
        else f"    bad = x + {attack}\n    loss, grads = fn(bad)\n"
    )
    body += "    opt(grads)\n"
    done = migrate({"train.py": (HEAD + body).encode()}, Wish(to="torch"))
    assert b"opt.step()" in done.results[0].after
    assert [f.line for f in done.findings if "it differentiates by inputs" in f.reason] == [HEAD.count("\n") + 1]


WRITES = {  # what writes a weight, what it becomes; none: it is listed
    "    for p in net.trainable_params():\n        p.set_data(ops.clip_by_value(p, -1, 1))\n": "gradients.write(p, ",
    "    for p, q in zip(net.get_parameters(), net.get_parameters()):\n        p.set_data(q)\n": "",
    "    net.weight.set_data(net.weight * 0.9)\n": "",
}


@pytest.mark.parametrize("body", WRITES)
def test_weights_that_set_data_writes_are_rewritten_or_listed(body):
    done = migrate({"train.py": (HEAD + "    loss, grads = fn(x)\n    opt(grads)\n" + body).encode()}, Wish(to="torch"))
    assert (WRITES[body] or "set_data") in done.results[0].after.decode()
    listed = [f for f in done.findings if f.reason.startswith("a weight that the script writes")]
    assert len(listed) == (not WRITES[body])


def test_a_converter_of_files_beside_a_training_keeps_its_writes():
    convert = "from net import net\nfor p in net.trainable_params():\n    p.set_data(read(p.name))\n"
    scripts = {
        "train.py": (HEAD + "    loss, grads = fn(x)\n    opt(grads)\n").encode(),
        "convert.py": convert.encode(),
    }
    done = migrate(scripts, Wish(to="torch"))
    assert [result.name for result in done.results if result.changed] == ["train.py"]
