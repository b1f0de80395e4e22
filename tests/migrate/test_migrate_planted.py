"""Mistakes planted in rewritten scripts: the proof finds each, and says where; the script as rewritten passes."""

import pytest

import programs
from calando.migrate import Wish, migrate
from calando.migrate.prove.compare import SHARE, WEIGHT, loop, rates, weights
from returns import HEAD

TRAIN = """
rates = [0.02 * 0.9 ** k for k in range(12)]
decay = [p for p in net.trainable_params() if "weight" in p.name]
other = [p for p in net.trainable_params() if "weight" not in p.name]
opt = nn.{}([{{"params": decay, "weight_decay": 1e-2}}, {{"params": other}}], rates{})
grad_fn = ms.value_and_grad(lambda x, y: loss_fn(net(x), y), None, opt.parameters)
for e in range(3):
    for x, y in create_dataset().create_tuple_iterator():
        loss, grads = grad_fn(x, y)
        grads = ops.clip_by_global_norm(grads, 0.2)
        opt(grads)
"""
SCRIPTS = {
    "Adam": HEAD + TRAIN.format("Adam", ", eps=1e-4"),
    "AdamWeightDecay": HEAD + TRAIN.format("AdamWeightDecay", ""),
    "Momentum": HEAD + TRAIN.format("Momentum", ", momentum=0.9"),
}
STEP = ("for k in range(12)", "for k in range(1, 13)")
DECAY = ("1e-2}", "1.01e-2}")
CLIP = ("calando.migrate.gradients.clip_global_norm_(opt, 0.2)", "pass")
GROUPS = ('"params": decay', '"params": other'), ('{"params": other}', '{"params": decay}')
# script, what is changed in its result, the level that finds it, what it says
PLANTED = [
    ("Adam", [STEP], 1, "optimizer 0, update 0, body.weight: lr"),
    ("Adam", [DECAY], 1, "optimizer 0, update 0, body.weight: weight_decay"),
    ("Adam", [("eps=1e-4", "eps=1e-5")], 2, "optimizer 0, update 0"),
    ("Adam", [("calando.torch.mindspore_nn.Adam", "calando.torch.Adam")], 2, "optimizer 0, update 0"),
    ("Adam", [CLIP], 3, "are they clipped or scaled on one side only?"),
    ("AdamWeightDecay", [DECAY], 1, "weight_decay"),
    ("AdamWeightDecay", [("calando.torch.mindspore_nn.AdamWeightDecay", "calando.torch.AdamW")], 2, "update 0"),
    ("Momentum", [STEP], 1, "lr"),
    ("Momentum", GROUPS, 1, "weight_decay"),
    ("Momentum", [("momentum=0.9", "momentum=0.9, nesterov=True")], 2, "optimizer 0, update 0"),
    ("Momentum", [("momentum=0.9", "momentum=0.9, dampening=0.001")], 2, "optimizer 0, update 1"),
    ("Momentum", [CLIP], 3, "are they clipped or scaled on one side only?"),
]


def rewritten(name):
    return migrate({"train.py": SCRIPTS[name].encode()}, Wish(to="torch")).results[0].after.decode()


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Every script beside its result, as it is (-1) and with each mistake, in one process."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    pairs = {(name, -1): (SCRIPTS[name].encode(), rewritten(name).encode()) for name in SCRIPTS}
    for number, (name, changes, _, _) in enumerate(PLANTED):
        after = rewritten(name)
        for old, new in changes:
            assert old in after
            after = after.replace(old, new)
        pairs[name, number] = SCRIPTS[name].encode(), after.encode()
    return programs.played(tmp_path_factory.mktemp("planted"), pairs, "mindspore", "loan")


def levels(run):
    source, replayed, free = run
    return rates(source, replayed), weights(source, replayed, 2, "", WEIGHT, SHARE), loop(source, free)


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_was_rewritten_passes(name, runs):
    for level in levels(runs[name, -1]):
        assert level.holds, level.text


@pytest.mark.parametrize("number", range(len(PLANTED)))
def test_each_mistake_is_found(number, runs):
    name, _, level, told = PLANTED[number]
    found = levels(runs[name, number])[level - 1]
    assert not found.holds and found.ran
    assert told in found.text, found.text


def test_what_goes_wrong_between_the_two_frameworks_is_seen(tmp_path, torch):
    """The network is PyTorch's while MindSpore updates it: what was written between would be lost with the update, and
    what was computed before a function has no gradients in it."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    after = migrate({"train.py": programs.SCRIPT}, Wish(to="mindspore")).results[0].after
    line = next(line for line in after.splitlines() if line.strip() == b"optimizer(grads)")
    wrong = after.replace(line, line.replace(b"optimizer(grads)", b"model.bias.data.add_(0.001); optimizer(grads)"))
    early = after.replace(b"loss = model(torch.ones(1, 2)).sum()", b"loss = (out + 0 * model(torch.ones(1, 2))).sum()")
    early = early.replace(b"loss, grads =", b"out = model(torch.ones(1, 2)); loss, grads =")
    pairs = {number: (programs.SCRIPT, text) for number, text in enumerate((after, wrong, early))}
    right, planted, lost = (levels(run) for run in programs.played(tmp_path, pairs, "torch", "lend").values())
    assert all(level.holds for level in right)
    assert not planted[1].holds and "update 0, bias: by 0.001" in planted[1].text
    assert lost[1].holds and not lost[2].holds and "update 0" in lost[2].text
