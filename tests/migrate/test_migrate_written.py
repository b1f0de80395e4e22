"""Weights that MindSpore's scripts write themselves become PyTorch's, and both sides train the same."""

import pytest

import programs
from calando.migrate import HUMAN, Wish, migrate
from calando.migrate.prove.compare import SHARE, WEIGHT, loop, rates, weights
from returns import HEAD
from rewritings import ADAM, STEP, WRITTEN


def rewritten(text):
    return migrate({"train.py": text.encode()}, Wish(to="torch"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Both sides of every script, in one process."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    pairs = {name: (text.encode(), rewritten(text).results[0].after) for name, text in WRITTEN.items()}
    return programs.played(tmp_path_factory.mktemp("written"), pairs, "mindspore", "loan")


@pytest.mark.parametrize("name", WRITTEN)
def test_a_script_is_rewritten_once(name):
    done = rewritten(WRITTEN[name])
    assert not [f for f in done.findings if f.certainty == HUMAN and f.topic != "network" and "class" not in f.text]
    after = done.results[0].after
    assert b"ops.assign(" not in after and b"F.assign(" not in after and b".clone(" not in after
    assert rewritten(after.decode()).results[0].after == after


@pytest.mark.parametrize("name", WRITTEN)
def test_both_sides_train_the_same(name, runs):
    source, replayed, free = runs[name]
    for level in (rates(source, replayed), weights(source, replayed, 2, "", WEIGHT, SHARE), loop(source, free)):
        assert level.holds, level.text


def test_a_weight_that_is_not_known_is_listed():
    line = "        ops.assign(frozen, 2 * frozen)\n"
    done = rewritten(HEAD + ADAM + "frozen = find(net)\n" + STEP + line)
    (told,) = [f.reason for f in done.findings if f.text.startswith("ops.assign")]
    assert "with torch.no_grad(): weight.copy_(value)" in told and line.encode() in done.results[0].after


def test_overflowed_updates_are_skipped_on_both_sides(runs):
    source, replayed, _ = runs["a finetuning cell that looks at the float status"]
    assert 0 < len(source.calls[0]) == len(replayed.calls[0]) < 12


def test_what_looks_at_gradients_as_mindspore_does(torch):
    from calando.migrate.gradients import all_reduce, float_status

    for number, told in ((1.0, 0.0), (float("inf"), 1.0), (float("nan"), 1.0)):
        assert torch.equal(float_status(torch.tensor([0.0, number])), torch.tensor([told]))
    alone = torch.ones(1)
    assert all_reduce(alone) is alone


LARS = "nn.LARS({}, epsilon=1e-8, coefficient=0.02)"


@pytest.mark.parametrize("inside", [True, False])
def test_lars_is_left_with_the_way_out(inside):
    base = "nn.Momentum(net.trainable_params(), 0.1, 0.9)"
    text = HEAD + (f"opt = {LARS.format(base)}\n" if inside else f"base = {base}\nopt = {LARS.format('base')}\n")
    text += "ms.Model(net, loss_fn, opt).train(3, create_dataset())\n"
    done = rewritten(text)
    assert done.results[0].after == text.encode()
    told = " ".join(f.reason for f in done.findings if "LARS" in f.text or "Momentum" in f.text)
    assert "nn.LARS stands in front of it in line" in told and "trust_coefficient is coefficient" in told


def test_options_that_a_call_gives_are_not_lost():
    text = WRITTEN["a factory with further options"].replace("weight_decay=1e-2)", "weight_decay=1e-2, dampening=0.1)")
    done = rewritten(text)
    assert done.results[0].after == text.encode()
    assert any("arguments are not written out" in f.reason for f in done.findings)


def test_averages_keep_no_graph(torch):
    from calando.migrate.gradients import copies, write

    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    (mean,) = copies([weight])
    for _ in range(3):
        assert write(mean, 0.5 * mean + 0.5 * weight) is mean
    assert not mean.requires_grad and torch.equal(mean, weight)
    assert torch.equal(write(weight, weight.clamp(max=1.5)), torch.tensor([1.0, 1.5])) and weight.requires_grad
    assert float(write(torch.zeros(()), 3)) == 3.0
