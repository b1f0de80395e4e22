"""MindSpore's projects of several files on the way to PyTorch: what is asked far from where it is known."""

import ast

import pytest

from calando.migrate import Wish, migrate
from calando.migrate.prove import prove
from calando.migrate.prove.touched import by_itself, touched
from projects import PROJECTS


def rewritten(name, to="torch"):
    return migrate({path: text.encode() for path, text in PROJECTS[name].items()}, Wish(to=to))


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_is_rewritten_whole_and_a_second_run_changes_nothing(name):
    done = rewritten(name)
    after = {result.name: result.after for result in done.results}
    for text in after.values():
        ast.parse(text)
    assert not [f for f in done.findings if "left whole" in f.reason or "was not rewritten" in f.reason]
    assert {r.name: r.after for r in migrate(after, Wish(to="torch")).results} == after


PROVED = ("a package whose factories are handed on by __init__", "Model.train with callbacks from another file")


@pytest.mark.parametrize("name", PROVED)
def test_what_a_project_trains_is_proved(name, torch):
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    proofs = prove(rewritten(name), 120.0)
    assert proofs and all(proof.holds and all(level.ran for level in proof.levels) for proof in proofs), [
        line for proof in proofs for line in proof.lines()
    ]


def test_only_scripts_that_import_what_changed_are_run():
    files = {path: text.encode() for path, text in PROJECTS["an engine in a library, two scripts that use it"].items()}
    files["plot.py"] = b"import lib.models\nif __name__ == '__main__':\n    print(lib.models.Encoder())\n"
    done = migrate(files, Wish(to="torch"))
    run = {r.name: touched(done, r) for r in done.results if "/" not in r.name}
    assert run == {"common.py": True, "train.py": True, "finetune.py": True, "plot.py": False}


def test_a_script_that_says_nothing_of_main_is_run_if_it_acts_and_no_other_imports_it():
    make = "import torch\ndef make(p):\n    return torch.optim.SGD(p, lr=0.1)\n"
    files = {
        "lib.py": make,
        "flat.py": "import lib\nopt = lib.make([])\nfor i in range(3):\n    opt.step()\n",
        "names.py": "import lib\nprint(lib)\n",
        "other.py": "import names\nmake = names.lib.make\n",
    }
    done = migrate({name: text.encode() for name, text in files.items()}, Wish(to="calando"))
    assert {r.name: by_itself(done, r) for r in done.results} == {
        "lib.py": False, "flat.py": True, "names.py": False, "other.py": False,
    }  # fmt: skip


def test_nothing_is_run_where_nothing_was_changed():
    assert prove(migrate({"a.py": b"raise SystemExit(3)\n"}, Wish(to="torch")), 60.0) == []


ALIKE = {
    "{0}/train.py": "from src.make import build\nopt = build([])\nopt.step()\n",
    "{0}/src/__init__.py": "",
    "{0}/src/make.py": "import torch\ndef build(params):\n    return torch.optim.{1}(params, lr=0.1)\n",
}


def test_of_files_alike_the_nearest_is_meant():
    """A repository of models, each with a folder called src."""
    files = {
        path.format(model): text.format(model, cls).encode()
        for model, cls in (("nlp", "Adam"), ("cv", "SGD"))
        for path, text in ALIKE.items()
    }
    flow = migrate(files, Wish(to="calando")).flow
    for file in flow.files:
        if file.source.name.endswith("train.py"):
            target = flow.definition(file.top, "build")
            assert target.file.source.name == file.source.name.replace("train.py", "src/make.py")


HANDED_ON = {
    "lib/__init__.py": "from .optim import *\n",
    "lib/optim/__init__.py": "from . import factory\nfrom .factory import build as make\n",
    "lib/optim/factory.py": "import torch\ndef build(p):\n    return torch.optim.SGD(p, lr=0.1)\n",
}


@pytest.mark.parametrize("line", ["from lib import make\no = make(p)", "import lib\no = lib.make(p)",
                                  "from lib.optim import factory\no = factory.build(p)",
                                  "from lib import factory\no = factory.build(p)"])  # fmt: skip
def test_packages_hand_names_on(line):
    files = {name: text.encode() for name, text in HANDED_ON.items()}
    flow = migrate({**files, "train.py": f"{line}\n".encode()}, Wish(to="calando")).flow
    file = next(file for file in flow.files if file.source.name == "train.py")
    assert {thing.name for thing in file.top.env["o"]} == {"torch.SGD"}
