"""The command answers at once, by either name."""

import subprocess
import sys

import pytest
from cli_runs import done

from calando import __version__
from calando.cli import train
from calando.train import options

HEAVY = ("torch", "numba", "matplotlib", "rich", "sklearn", "mindspore", "numpy")


@pytest.mark.parametrize("args", [["--help"], [], ["train", "--help"], ["plot", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(run, args):
    code = f"""
import sys
from calando.cli import main
try:
    main({args!r}, prog_name="calando")
except SystemExit as end:
    assert not end.code
print("loaded:", *(set(sys.modules) & set({HEAVY!r})))
"""
    assert run(code).splitlines()[-1].split() == ["loaded:"]


def test_help_names_the_commands_and_what_they_take():
    text = done("--help").output
    assert done().output == text
    assert "train" in text and "plot" in text and "--version" in text
    text = done("train", "-h").output
    for flag in (
        "--dialect", "--optimizer", "--epochs", "--lr", "--weight-decay", "--batch-size", "--max-norm", "--seed",
        "--name", "--out", "--resume", "--quiet",
    ):  # fmt: skip
        assert flag in text


def test_python_m_calando_is_the_same_command():
    out = subprocess.run([sys.executable, "-m", "calando", "--version"], capture_output=True, text=True, timeout=60)
    assert (out.returncode, out.stdout) == (0, f"calando {__version__}\n")
    assert done("--version").output == out.stdout


def test_the_choices_on_the_command_line_are_those_of_the_job():
    """They are written twice, because the command line may not load the job before it is needed."""
    choices = {p.name: tuple(p.type.choices) for p in train.params if hasattr(p.type, "choices")}
    assert choices == {"dialect": (*options.DIALECTS, "both"), "optimizer": options.OPTIMIZERS}
    assert set(options.RATES) == set(options.OPTIMIZERS)
