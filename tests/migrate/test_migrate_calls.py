"""Nothing is dropped: every call that reaches an optimizer or schedule when a script runs is in its report."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import real

RUN = [name for name in real.ALL if name not in real.LIBRARIES]


@pytest.fixture(scope="module")
def reached(tmp_path_factory, torch):
    """The calls of every sample, seen from inside PyTorch: name → (file, line)."""
    room = tmp_path_factory.mktemp("calls")
    scripts = {}
    for name in RUN:
        place = room / name
        place.mkdir()
        for path, data in real.files(name).items():
            (place / Path(path).name).write_bytes(data)
        scripts[name] = str(place / ("main.py" if (place / "main.py").exists() else f"{name}.py"))
    command = [sys.executable, str(Path(__file__).parent / "calls.py"), str(room / "out.json"), *scripts.values()]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=room, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads((room / "out.json").read_text())
    return {name: [(Path(path).name, line) for path, line, _ in found[script]] for name, script in scripts.items()}


def lines_of(tree, line):
    """The lines of the statement that a line belongs to, without the statements in it."""
    held = [s for s in ast.walk(tree) if isinstance(s, ast.stmt) and s.lineno <= line <= s.end_lineno]
    inner = min(held, key=lambda s: s.end_lineno - s.lineno)
    body = getattr(inner, "body", None)
    return range(inner.lineno, body[0].lineno if isinstance(body, list) else inner.end_lineno + 1)


@pytest.mark.parametrize("to, style", [("calando", "exact"), ("mindspore", "exact"), ("mindspore", "guide")])
@pytest.mark.parametrize("name", RUN)
def test_every_call_is_in_the_report(name, to, style, reached):
    done = real.migrated(name, to, style)
    assert reached[name]
    for result in done.results:
        told = {finding.line for finding in done.findings if finding.file == result.name}
        tree = result.source.tree
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.lineno in told]
        told |= {line for node in classes for line in range(node.lineno, node.end_lineno + 1)}
        own = {line for file, line in reached[name] if file == Path(result.name).name}
        silent = {line for line in own if not told & {line, *lines_of(tree, line)}}
        assert not silent, [(line, result.source.line(line).strip()) for line in sorted(silent)]
