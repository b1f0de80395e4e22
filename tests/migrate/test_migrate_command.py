"""The command: where results go, exit codes, and that nothing is written half."""

import os
import stat

import pytest
from click.testing import CliRunner

from calando.cli import main
from programs import SCRIPT


def call(*args, **more):
    return CliRunner().invoke(main, ["migrate", *map(str, args)], **more)


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_bytes(SCRIPT)
    path.chmod(0o640)
    return path


def test_out(script, tmp_path):
    done = call(script, "-o", tmp_path / "new" / "out.py")
    assert done.exit_code == 0
    assert b"calando.torch.SGD" in (tmp_path / "new" / "out.py").read_bytes()
    assert script.read_bytes() == SCRIPT
    assert "1 of 1 script changed" in done.stderr


@pytest.mark.parametrize("more", [[], ["-o", "-"]])
def test_standard_input_and_output(more):
    done = call("-", *more, input=SCRIPT)
    assert done.exit_code == 0 and b"calando.torch.SGD" in done.stdout_bytes
    assert not os.path.exists("-")


def test_in_place_keeps_permissions_and_a_second_run_changes_nothing(script):
    assert call(script, "--in-place").exit_code == 0
    first = script.read_bytes()
    assert first != SCRIPT and stat.S_IMODE(script.stat().st_mode) == 0o640
    assert call(script, "--in-place").exit_code == 0
    assert script.read_bytes() == first
    assert call(script, "--check").exit_code == 0


def test_in_place_through_a_link(script, tmp_path):
    link = tmp_path / "link.py"
    link.symlink_to(script)
    call(link, "--in-place")
    assert link.is_symlink() and b"calando.torch" in script.read_bytes()


def test_check_and_diff_write_nothing(script):
    assert call(script, "--check").exit_code == 1
    done = call(script, "--diff")
    assert "-scheduler = optim.lr_scheduler.StepLR(optimizer, 3)" in done.stdout
    assert script.read_bytes() == SCRIPT and os.listdir(script.parent) == ["train.py"]


def test_a_folder_is_a_project(tmp_path):
    (tmp_path / "src").mkdir()
    model = (
        b"import torch\nfrom torch import optim\n\ndef make(net):\n    return optim.Adam(net.parameters(), lr=1e-3)\n"
    )
    use = (
        b"import torch\nfrom factory import make\n\nnet = torch.nn.Linear(2, 1)\noptimizer = make(net)\n"
        b"for x in [torch.ones(1, 2)] * 3:\n    optimizer.zero_grad()\n    loss = net(x).sum()\n"
        b"    loss.backward()\n    optimizer.step()\n"
    )
    (tmp_path / "src" / "factory.py").write_bytes(model)
    (tmp_path / "src" / "train.py").write_bytes(use)
    done = call(tmp_path / "src", "--to", "mindspore", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert (
        b"calando.mindspore.torch_optim.Adam(net.trainable_params()" in (tmp_path / "out" / "factory.py").read_bytes()
    )
    assert b"optimizer(grads)" in (tmp_path / "out" / "train.py").read_bytes()


@pytest.mark.parametrize(
    "args, told",
    [
        (["nothing.py"], "nothing.py"),
        (["broken.py"], "broken.py, line 1: not Python"),
        (["train.py", "--in-place", "--check"], "do not go together"),
        (["-", "--in-place"], "standard input has no place"),
        (["train.py", "--steps-per-epoch", "-3"], "--steps-per-epoch must be"),
        (["empty"], "holds no Python scripts"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(script, tmp_path, monkeypatch, args, told):
    (tmp_path / "broken.py").write_bytes(b"def f(:\n")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = call(*args, input=b"x = 1\n")
    assert done.exit_code == 2
    assert told in done.stderr and done.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before and script.read_bytes() == SCRIPT


def test_nothing_is_half_written_where_the_disk_refuses(script, monkeypatch):
    def refuse(*args):
        raise OSError(28, "No space left on device", str(script))

    monkeypatch.setattr("calando.migrate.places.os.replace", refuse)
    done = call(script, "--in-place")
    assert done.exit_code == 2 and "No space left" in done.stderr
    assert script.read_bytes() == SCRIPT and os.listdir(script.parent) == ["train.py"]


def test_report(script, tmp_path):
    hostile = SCRIPT.replace(b"import torch\n", b'import torch\nNAME = "</td><script>alert(1)</script>&"\n', 1)
    hostile = hostile.replace(b"lr=0.1)", b'lr=0.1)  # "<img src=x onerror=alert(2)>"')
    script.write_bytes(hostile)
    place = tmp_path / "report.html"
    assert call(script, "--to", "mindspore", "-o", tmp_path / "o.py", "--report", place).exit_code == 0
    text = place.read_text(encoding="utf-8")
    assert "<script" not in text and "<img" not in text and "http" not in text.replace("http-equiv", "")
    assert "docs/guide.md#scheduler" in text and "needs a human" in text and "mindspore.nn.SGD" in text


def test_without_libcst_the_command_says_what_to_install(script, monkeypatch):
    monkeypatch.setattr("calando.needs.find_spec", lambda name: None)
    done = call(script, "--to", "mindspore")
    assert done.exit_code == 2
    assert "needs libcst; install it with: pip install 'calando[migrate]'" in done.stderr
    assert call(script, "--to", "calando").exit_code == 0


def test_lint_has_an_exit_code(script):
    assert call(script, "--lint").exit_code == 0
    script.write_bytes(SCRIPT.replace(b"        optimizer.zero_grad()\n", b""))
    done = call(script, "--lint")
    assert done.exit_code == 1
    assert "train.py:11: looks like a mistake: optimizer.step(): no gradient is ever set to zero" in done.stdout
