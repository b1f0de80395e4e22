"""MindSpore's scripts as people write them, on the road to PyTorch: nothing is lost, and both sides train the same."""

import ast
import difflib

import pytest

import programs
from asking import ASKING
from calando.migrate import HUMAN, Wish, migrate
from calando.migrate.prove.compare import loop, rates, weights
from cells import CELLS
from returns import SHAPES

SHAPES = {**SHAPES, **CELLS, **ASKING}
# What stays whole, and what its finding says.
LEFT = {
    "rates assigned in the loop": "taken one by one",
    "a step that data_sink feeds": "data_sink compiles train_step",
    "an optimizer of another library": "mindcv makes or drives the optimizer",
}
# What is rewritten and cannot run on a CPU, or makes no update.
STILL = {
    "cosine with warm-up cells and dynamic loss scale": "MindSpore's overflow check has no kernel for the CPU",
    "a dynamic loss scale in Model.train": "MindSpore refuses it on the CPU",
    "Lamb, which no PyTorch has": "MindSpore's Lamb has no kernel for the CPU",
}
REWRITTEN = [name for name in SHAPES if name not in LEFT]
RUN = [name for name in REWRITTEN if name not in STILL]
WORDS = (
    "value_and_grad(", "GradOperation(", "TrainOneStep", "Model(", ".train(", "LossScale", "optimizer(", "opt(grads",
    ".learning_rate", ".get_lr(", "clip_by", "DecayLR(", "WarmUpLR(", "_decay_lr(", "constant_lr(", "ModelCheckpoint(",
    "LossMonitor(", "load_param_into_net(", "save_checkpoint(", "all_finite(", "trainable_params(),", ".adjust(",
)  # fmt: skip


def rewritten(name, style="exact"):
    return migrate({"train.py": SHAPES[name].encode()}, Wish(to="torch", style=style))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, torch):
    """Both sides of every script, in one process."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    pairs = {name: (SHAPES[name].encode(), rewritten(name).results[0].after) for name in RUN}
    return programs.played(tmp_path_factory.mktemp("returns"), pairs, "mindspore", "loan")


@pytest.mark.parametrize("style", ["exact", "guide"])
@pytest.mark.parametrize("name", SHAPES)
def test_a_script_becomes_python_and_a_second_run_changes_nothing(name, style):
    after = rewritten(name, style).results[0].after
    ast.parse(after)
    assert migrate({"train.py": after}, Wish(to="torch", style=style)).results[0].after == after


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_script_is_rewritten(name):
    done = rewritten(name)
    assert done.results[0].changed
    assert not [f for f in done.findings if f.certainty == HUMAN and "left whole" in f.reason]
    for word in (b"value_and_grad", b"TrainOneStepCell(", b"nn.Momentum(", b"nn.SGD(", b"model.train("):
        assert word not in done.results[0].after


@pytest.mark.parametrize("name", LEFT)
def test_what_cannot_be_rewritten_is_left_whole_and_listed(name):
    done = rewritten(name)
    assert not done.results[0].changed
    assert any(LEFT[name] in finding.reason for finding in done.findings)


@pytest.mark.parametrize("style", ["exact", "guide"])
@pytest.mark.parametrize("name", SHAPES)
def test_nothing_is_dropped_without_a_word(name, style):
    """Every line that has to do with an optimizer or a schedule is in the report, and every line that changed."""
    done = rewritten(name, style)
    before, after = SHAPES[name].splitlines(), done.results[0].after.decode().splitlines()
    tree = ast.parse(SHAPES[name])
    plain = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and not hasattr(n, "body")]
    spans = [range(n.lineno, n.end_lineno + 1) for n in plain]
    told = {finding.line for finding in done.findings}
    told |= {line for span in spans for line in span if any(t in span for t in told)}
    whole = {f.line for f in done.findings if f.reason.startswith("a class of the script's own")}
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.lineno in whole]
    told |= {line for node in classes for line in range(node.lineno, node.end_lineno + 1)}
    head = SHAPES[name].count("\n", 0, SHAPES[name].index("def create_dataset")) + 2
    for number, line in enumerate(before, 1):
        if number > head and any(word in line for word in WORDS) and not line.lstrip().startswith(("from", "class")):
            assert number in told, line
    for tag, a, b, _, _ in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for number in range(a + 1, b + 1) if tag in ("replace", "delete") else ():
            assert number in told or not before[number - 1].strip() or before[number - 1] in after, before[number - 1]


@pytest.mark.parametrize("name", RUN)
def test_both_sides_train_the_same(name, runs):
    source, replayed, free = runs[name]
    for level in (rates(source, replayed), weights(source, replayed, 2, "", 1e-6), loop(source, free)):
        assert level.holds, level.text


PLAIN = ("a jitted step in a function", "a trainer class", "AdaMax and a list of rates from numpy")


@pytest.fixture(scope="module")
def other_ways(tmp_path_factory, torch):
    """The guide's style, whose rates are a LambdaLR; and MindSpore's optimizers as calando's, in place."""
    pytest.importorskip("mindspore", reason="MindSpore is not installed: nothing to run")
    plain = {name: (SHAPES[name].encode(), rewritten(name, "guide").results[0].after) for name in PLAIN}
    found = programs.played(tmp_path_factory.mktemp("guide"), plain, "mindspore", "loan")
    inside = {name: (programs.source(name), programs.migrated(name, "calando").results[0].after) for name in INSIDE}
    for name in DRIVEN:
        after = migrate({"train.py": SHAPES[name].encode()}, Wish()).results[0].after
        assert b"calando.mindspore.nn" in after
        inside[name] = SHAPES[name].encode(), after
    return found | programs.played(tmp_path_factory.mktemp("inside"), inside, "mindspore", "")


@pytest.mark.parametrize("name", PLAIN)
def test_the_guides_style_is_plain_pytorch(name):
    after = rewritten(name, "guide").results[0].after.decode()
    assert "torch.optim.lr_scheduler.LambdaLR(" in after and "scheduler.step()" in after
    assert "calando.torch" not in after


INSIDE = (
    "m18_value_and_grad_cosine_list", "m20_group_params_order", "m22_custom_step_cell_clip_scale",
    "m23_lr_list_resume", "m24_assign_lr_every_epochs",
)  # fmt: skip
DRIVEN = ("momentum with groups by name and a fixed loss scale", "a subclass of TrainOneStepCell with a clip")


@pytest.mark.parametrize("name", programs.MINDSPORE)
def test_mindspores_optimizers_become_calandos_in_place(name):
    """Where MindSpore itself wants something of an optimizer, it stays, and the finding says what."""
    done = programs.migrated(name, "calando")
    changed = b"calando.mindspore.nn" in done.results[0].after
    assert changed == (name in INSIDE)
    if not changed:
        assert done.results[0].after == programs.source(name)
        assert any("it stays MindSpore's: " in finding.reason for finding in done.findings)


@pytest.mark.parametrize(
    "old, new", [("PYNATIVE", "GRAPH"), ("mode=ms.PYNATIVE_MODE", "mode=MODE"), (")\nrng", ")\nrng")]
)
def test_a_model_trains_with_calandos_where_nothing_is_compiled(old, new):
    text = SHAPES[DRIVEN[0]].replace(old, new)
    done = migrate({"train.py": text.encode()}, Wish())
    assert done.results[0].changed == (old == new)
    assert any("compiles the whole step in GRAPH_MODE" in finding.reason for finding in done.findings) != (old == new)


@pytest.mark.parametrize("name", [*PLAIN, *INSIDE, *DRIVEN])
def test_the_other_ways_train_the_same(name, other_ways):
    source, replayed, free = other_ways[name]
    for level in (rates(source, replayed), weights(source, replayed, 2, "", 1e-6), loop(source, free)):
        assert level.holds, level.text


def test_gradients_of_two_optimizers_do_not_mix():
    """One backward fills every parameter that the loss depends on; MindSpore fills one optimizer's."""
    after = rewritten("two optimizers that alternate").results[0].after.decode()
    assert after.count(".backward(inputs=[p for group in optimizer_") == 2
    assert after.index("optimizer_G.zero_grad()") < after.index("g_loss.backward(")


SMALL = SHAPES["a jitted step in a function"]
UNSEEN = {
    "parameters made in a file that is not there": (
        "optimizer = nn.SGD(net.trainable_params(),",
        "from src.util import group_params\noptimizer = nn.SGD(group_params(net),",
        "give the whole folder",
    ),
    "a file loaded in part": (
        "def forward_fn",
        "held = ms.load_checkpoint('a.ckpt', filter_prefix='lr')\nms.load_param_into_net(optimizer, held)\n"
        "def forward_fn",
        "is loaded in part",
    ),
    "something else in the file": (
        "def forward_fn",
        "held = ms.load_checkpoint('a.ckpt')\nms.load_param_into_net(optimizer, held)\nn = held['n']\ndef forward_fn",
        "something else of the optimizer's file",
    ),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_is_not_seen_is_not_guessed(name):
    old, new, told = UNSEEN[name]
    data = SMALL.replace(old, new, 1).encode()
    done = migrate({"train.py": data}, Wish(to="torch"))
    assert done.results[0].after == data
    assert any(told in finding.reason for finding in done.findings)


CRNN = CELLS["CRNN's clip of each gradient, trained by Model"]
STEP = "net_with_grads = StepWithGradClip(nn.WithLossCell(net, nn.MSELoss()), opt).set_train()\n"


def test_a_step_that_only_model_knows_is_left_with_its_training():
    """Half of it rewritten, a loop of MindSpore's would drive a module of PyTorch's."""
    text = CRNN.replace(STEP, "").replace("ms.Model(net_with_grads)", f"ms.Model({STEP[17:-13]})")
    done = migrate({"train.py": text.encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    assert any("has no name of its own" in finding.reason for finding in done.findings)


def test_of_a_step_that_returns_more_the_loss_is_printed():
    bert = CELLS["BERT's step, which clips each gradient and watches for overflow"]
    loop = bert[bert.index("    for epoch in range(5):") : bert.index("if __name__")]
    model = "    model = ms.Model(net_with_grads)\n    model.train(5, create_dataset(), ms.LossMonitor())\n"
    after = migrate({"train.py": bert.replace(loop, model).encode()}, Wish(to="torch")).results[0].after.decode()
    assert "outputs = net_with_grads(*inputs)\n            loss_value = outputs[0]\n" in after


def test_part_of_an_optimizers_file_is_not_loaded():
    line = "held = ms.load_checkpoint('a.ckpt')\nms.load_param_into_net(optimizer, {k: v for k, v in held.items()})\n"
    done = migrate({"train.py": SMALL.replace("def forward_fn", f"{line}def forward_fn", 1).encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    assert any("loaded in part" in finding.reason for finding in done.findings)
