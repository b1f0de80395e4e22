"""The architecture is a test: what may import what, what stays light, and what a rule may say."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest

import calando
from calando.decay import DECAYS
from calando.rules import RULES

ROOT = Path(calando.__file__).parent

# From top to bottom. A module may import from its own line and from the lines below, never from above.
# A folder stands for all that is in it, unless a part of it is named itself.
LAYERS = [
    ["__main__", "cli"],
    ["train", "migrate", "show"],
    ["torch", "mindspore"],
    ["resuming"],
    ["fitting"],
    ["saving"],
    ["rotation", "random_state"],
    ["codecs", "store"],
    ["control"],
    ["matching", "screen"],
    ["engine"],
    ["ending", "rows", "measured", "evaluation", "zeroing"],
    ["kernels", "snapshot"],
    ["plan"],
    ["member"],
    ["groups", "arrays"],
    ["dialects"],
    ["choices"],
    ["hyper"],
    ["events"],
    ["stored", "spelling"],
    ["rules", "decay", "clipping", "average", "schedules", "lexicon", "eight"],
    ["rounding"],
    ["rule", "ops", "nearest", "needs", "further", "called", "distinct", "turn"],
    [""],  # calando itself: the version
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# Describing is light: none of these loads what is heavy.
LIGHT = [
    "rules",
    "schedules",
    "hyper",
    "events",
    "decay",
    "average",
    "clipping",
    "rounding",
    "eight",
    "stored",
    "dialects",
    "groups",
    "plan",
    "member",
    "snapshot",
    "store",
    "rotation",
    "random_state",
    "saving",
    "resuming",
    "fitting",
    "lexicon",
    "migrate",
]
HEAVY = {"torch", "mindspore", "numba", "click", "libcst", "sklearn", "matplotlib", "rich", "scipy", "pandas"}

SOURCES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def name_of(path):
    """``calando.torch.adam`` for its file."""
    parts = list(path.relative_to(ROOT.parent).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path):
    """(line, full name) of every import in a file, wherever it stands; ``if TYPE_CHECKING`` left out."""
    package = name_of(path) if path.stem == "__init__" else name_of(path).rpartition(".")[0]
    idle = {
        child
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(TREES[path]):
        if node in idle:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield node.lineno, base
            yield from (
                (node.lineno, f"{base}.{alias.name}") for alias in node.names if is_module(f"{base}.{alias.name}")
            )


def is_module(name):
    path = ROOT.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def stage(name):
    """The line of the architecture that a module stands on, by its first name inside calando."""
    return name.partition(".")[2].partition(".")[0]


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def test_every_stage_has_its_line():
    """A new file or folder must be given a place before anything can import it."""
    stages = {
        path.stem if path.suffix == ".py" else path.name
        for path in ROOT.iterdir()
        if path.name != "py.typed" and not path.name.startswith(("_", "."))
    }
    assert sorted(stages - LEVEL.keys()) == []


@pytest.mark.parametrize("path", SOURCES, ids=names(SOURCES))
def test_imports_go_down(path):
    own = LEVEL.get(stage(name_of(path)), 0) if name_of(path) != "calando" else 0
    upward = [
        f"line {line} imports {name}"
        for line, name in imported(path)
        if name.split(".")[0] == "calando" and name != "calando" and LEVEL.get(stage(name), 0) < own
    ]
    assert upward == []


def test_roads_of_migrate_do_not_know_each_other():
    """What is read is below what is known of schedulers, and both are below the two roads."""
    above = {
        "reading": ("schedulers", "from_torch", "from_mindspore"),
        "schedulers": ("from_torch", "from_mindspore"),
        "from_torch": ("from_mindspore",),
        "from_mindspore": ("from_torch", "schedulers"),
    }
    for shelf, others in above.items():
        paths = [path for path in SOURCES if path.is_relative_to(ROOT / "migrate" / shelf)]
        assert paths, shelf
        for path in paths:
            wrong = [
                (line, name) for line, name in imported(path) if name.split(".")[2:3] and name.split(".")[2] in others
            ]
            assert wrong == [], path


def test_front_ends_do_not_know_each_other():
    for ours, other in (("torch", "mindspore"), ("mindspore", "torch")):
        for path in SOURCES:
            if name_of(path).startswith(f"calando.{ours}"):
                assert not [name for _, name in imported(path) if name.startswith(f"calando.{other}")], path


@pytest.mark.parametrize("path", SOURCES, ids=names(SOURCES))
def test_the_two_frameworks_never_meet(path):
    roots = {name.split(".")[0] for _, name in imported(path)}
    assert not {"torch", "mindspore"} <= roots


@pytest.mark.parametrize("name", [name for name in LIGHT if is_module(f"calando.{name}")])
def test_describing_costs_no_framework(name):
    code = f"import sys, calando.{name}; print(*(set(sys.modules) & {HEAVY}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_package_itself_loads_nothing():
    code = "import sys; import calando; calando.__version__; print(*(set(sys.modules) & {*HEAVY, 'numpy'}))"
    done = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {HEAVY}; {code}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_rooms_are_found_on_first_use():
    code = (
        "import sys, calando; assert 'calando.schedules' not in sys.modules; "
        "calando.schedules.Linear(0.0, 1.0, steps=2); assert 'schedules' in dir(calando); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
    with pytest.raises(AttributeError, match="module 'calando' has no attribute 'tensorflow'; it has"):
        calando.tensorflow  # noqa: B018


def test_no_file_attracts_everything():
    banned = {"utils", "util", "common", "helpers", "helper", "misc", "core", "base_utils"}
    assert [str(path) for path in ROOT.rglob("*") if path.stem in banned] == []


# What a rule may say

ELEMENTS = {
    f"{thing.name} ({type(thing).__name__.lower()})": thing.element
    for thing in (*RULES.values(), *DECAYS.values())
    if not getattr(thing, "whole", False)
} | {f"{rule.name} (measure)": rule.measure for rule in RULES.values() if rule.measure}
BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.While,
    ast.Try,
    ast.With,
    ast.Match,
    ast.comprehension,
    ast.BoolOp,
    ast.Lambda,
)
SPOKEN = (
    *(
        ast.FunctionDef,
        ast.arguments,
        ast.arg,
        ast.Assign,
        ast.Return,
        ast.Expr,
        ast.Tuple,
        ast.Name,
        ast.Call,
    ),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.UnaryOp, ast.USub, ast.Load, ast.Store),
    *(ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)


def tree_of(element):
    (function,) = ast.parse(dedent(inspect.getsource(element))).body
    return function


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS)
def test_an_element_has_no_literal(element):
    """A literal would promote float32 to float64 inside a kernel."""
    assert [node.value for node in ast.walk(tree_of(element)) if isinstance(node, ast.Constant)] == []


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS)
def test_an_element_has_no_branch(element):
    """A branch is another rule."""
    assert [ast.unparse(node) for node in ast.walk(tree_of(element)) if isinstance(node, BRANCHES)] == []


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS)
def test_an_element_speaks_only_arithmetic_and_the_words(element):
    """What it calls must exist in the kernel's module, which imports the words and nothing else."""
    from calando.ops import WORDS

    tree = tree_of(element)
    assert [type(node).__name__ for node in ast.walk(tree) if not isinstance(node, SPOKEN)] == []
    local = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    local |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - local
    assert used <= {*WORDS, "power"}  # power is a word of rules without a kernel
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called == used


# What is told of a public name


def public():
    """The schedules and optimizers that users make, by their full names."""
    for room in map(import_module, ("calando.schedules", "calando.torch", "calando.mindspore.nn")):
        base = getattr(room, "Schedule", None) or room.Optimizer
        for name, thing in vars(room).items():
            kind = inspect.isclass(thing) and issubclass(thing, base) and thing is not base
            if not name.startswith("_") and (kind or inspect.isfunction(thing)):
                yield f"{room.__name__}.{name}", thing


def test_public_names_say_what_they_raise():
    found = dict(public())
    assert len(found) > 70
    assert [name for name, thing in found.items() if "Raises:" not in (thing.__doc__ or "")] == []
