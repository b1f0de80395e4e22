"""Scripts in the manner of real repositories: nothing is dropped, and both sides train the same."""

import ast

import pytest

import programs
import real
from calando.migrate import HUMAN, Wish, migrate
from calando.migrate.prove.compare import loop, rates, weights

TARGETS = [("calando", "exact"), ("mindspore", "exact"), ("mindspore", "guide")]
EVERY = [(name, to, style) for name in real.ALL for to, style in TARGETS]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Every sample and its migrations, in one process."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    return real.play(tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize("name, to, style", EVERY)
def test_results_are_python_and_a_second_run_changes_nothing(name, to, style):
    results = {result.name: result.after for result in real.migrated(name, to, style).results}
    for data in results.values():
        ast.parse(data)
    again = migrate(results, Wish(to=to, style=style)).results
    assert {result.name: result.after for result in again} == results


@pytest.mark.parametrize("name, to, style", EVERY)
def test_nothing_is_dropped(name, to, style):
    """Each call that has to do with an optimizer or schedule is spoken of, or lies in a class that is."""
    done = real.migrated(name, to, style)
    for result in done.results:
        told = {finding.line for finding in done.findings if finding.file == result.name}
        classes = [node for node in ast.parse(result.before).body if isinstance(node, ast.ClassDef)]
        whole = {line for c in classes if c.lineno in told for line in range(c.lineno, c.end_lineno + 1)}
        missing = real.spoken_of(result.before) - told - whole
        assert not missing, [(n, result.source.line(n)) for n in sorted(missing)]


@pytest.mark.parametrize("name, to, style", EVERY)
def test_only_reported_lines_change(name, to, style):
    done = real.migrated(name, to, style)
    assert [each for result in done.results for each in programs.strangers(done, result)] == []


@pytest.mark.parametrize("name", real.ALL)
def test_what_is_left_to_a_human_says_why(name):
    done = real.migrated(name, "mindspore")
    left = [finding.reason for finding in done.findings if finding.certainty == HUMAN and finding.topic != "network"]
    if name in real.LEFT:
        assert any(real.LEFT[name] in reason for reason in left), left
    else:
        assert any(result.changed for result in done.results), left
        assert not [reason for reason in left if "left whole" in reason]


@pytest.mark.parametrize("name", real.rewritten("calando"))
def test_calando_trains_the_same(name, runs):
    source, result = runs[f"{name}-source"], runs[f"{name}-calando"]
    for level in (rates(source, result), weights(source, result, 2, "", 1e-6)):
        assert level.holds, level.text


@pytest.mark.parametrize("name", real.rewritten("mindspore"))
def test_mindspore_trains_the_same(name, runs):
    source, result = runs[f"{name}-source"], runs[f"{name}-mindspore"]
    for level in (rates(source, result), weights(source, result, 2, "", 1e-6), loop(source, runs[f"{name}-free"])):
        assert level.holds, level.text
