"""The 25 programs, before and after: what changes, what is said, and that both sides train the same."""

import ast

import numpy as np
import pytest

import programs
from calando.migrate import CHECK, HUMAN, REWRITTEN, Wish, migrate
from calando.migrate.prove.compare import loop, rates, weights

CASES = [(name, to) for to in ("calando", "mindspore", "torch") for name in programs.rewritten(to)]
STYLES = [(name, to, style) for name, to in CASES for style in ("exact", "guide")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Both sides of every program for a target, run when the first test asks."""
    held = {}

    def run(to):
        if to != "calando":
            pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
        if to not in held:
            held[to] = programs.play(tmp_path_factory.mktemp(to), to)
        return held[to]

    return run


@pytest.mark.parametrize("name, to", CASES)
def test_every_program_is_rewritten_into_python(name, to):
    done = programs.migrated(name, to)
    ast.parse(done.results[0].after)
    assert done.results[0].changed
    assert any(finding.certainty in (REWRITTEN, CHECK) for finding in done.findings)


@pytest.mark.parametrize("to", programs.LEFT)
def test_what_needs_a_human_is_left_and_listed(to):
    for name in programs.LEFT[to]:
        done = programs.migrated(name, to)
        assert done.results[0].after == programs.source(name)
        assert [finding for finding in done.findings if finding.certainty == HUMAN]


@pytest.mark.parametrize("name, to, style", STYLES)
def test_a_second_run_changes_nothing(name, to, style):
    after = programs.migrated(name, to, style).results[0].after
    again = migrate({f"{name}.py": after}, Wish(to=to, style=style)).results[0].after
    assert again == after


@pytest.mark.parametrize("name, to, style", STYLES)
def test_only_reported_lines_change(name, to, style):
    """A line that goes or changes lies in a statement that a finding speaks of, or moved with one."""
    done = programs.migrated(name, to, style)
    assert programs.strangers(done, done.results[0]) == []


@pytest.mark.parametrize("name, to", CASES)
def test_every_call_of_an_optimizer_or_schedule_is_reported(name, to):
    done = programs.migrated(name, to)
    told = {finding.line for finding in done.findings}
    words = (".zero_grad(", ".backward()", "optimizer.step()", "scheduler.step(", "get_last_lr", ".param_groups",
             "clip_grad", "value_and_grad(", "optimizer(grads)", ".global_step", ".get_lr()")  # fmt: skip
    for number, line in enumerate(programs.source(name).decode().splitlines(), 1):
        if any(word in line for word in words):
            assert number in told, line


@pytest.mark.parametrize("name, to", CASES)
def test_the_source_runs_as_it_was_recorded(name, to, runs):
    """The learning rates of the source are those of the traces, which were recorded by other means."""
    source, _, _ = runs(to)[name]
    assert source.problem == ""
    found, wanted = sorted(source.calls, key=len), sorted(programs.trace(name), key=len)
    for calls, recorded in zip(found, wanted, strict=True):
        assert len(calls) == len(recorded)
        for call, row in zip(calls, recorded, strict=True):
            np.testing.assert_allclose(sorted(set(call.lr)), sorted(set(row)), rtol=1e-6)


@pytest.mark.parametrize("name, to", CASES)
def test_level_1_rates_are_equal(name, to, runs):
    source, result, _ = runs(to)[name]
    level = rates(source, result)
    assert level.holds, level.text


@pytest.mark.parametrize("name, to", CASES)
def test_level_2_weights_are_equal_on_the_same_gradients(name, to, runs):
    source, result, _ = runs(to)[name]
    level = weights(source, result, 2, "", 1e-6)
    assert level.holds, level.text


@pytest.mark.parametrize("name, to", CASES)
def test_level_3_both_go_the_same_way_on_their_own(name, to, runs):
    source, _, free = runs(to)[name]
    level = loop(source, free)
    assert level.holds, level.text


def test_a_wrong_rate_is_found(runs):
    """The proof can fail: a result whose rate is off by a thousandth, and one with a weight moved."""
    source, result, *_ = runs("calando")["t01_sgd_steplr_epoch"]
    call = result.calls[0][7]
    rate, weight = list(call.lr), call.weights[0].copy()
    call.lr[2] *= 1.001
    call.weights[0][0] += 2e-6
    try:
        assert "they part at optimizer 0, update 7, parameter 2: lr" in rates(source, result).text
        assert "they part at optimizer 0, update 7, parameter 0" in weights(source, result, 2, "", 1e-6).text
    finally:
        call.lr, call.weights[0] = rate, weight
