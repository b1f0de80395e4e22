"""Trainings by ``Model`` as the model zoo writes them: several under one name, steps that are saved, evaluation."""

import re

import pytest

from calando.migrate import HUMAN, KEPT, Wish, migrate
from programs import SCRIPT
from returns import HEAD

TWO = """
from mindspore import DynamicLossScaleManager, FixedLossScaleManager
from mindspore.train import Model, LossMonitor
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
if os.environ.get("PLATFORM") == "GPU":
    model = Model({}, {}, opt, loss_scale_manager={})
else:
    model = Model({}, {}, opt, loss_scale_manager={})
model.train(2, create_dataset(), callbacks=[LossMonitor()], dataset_sink_mode=False)
"""
PLAIN = ("net", "loss_fn", "None")
APART = {  # the two Models: what is said where they stay
    ("net.body", "loss_fn", "None"): "one name and another network: give each a loop of its own",
    ("net", "nn.L1Loss()", "None"): "one name and another loss_fn",
    ("net", "loss_fn", "DynamicLossScaleManager()"): "one leaves updates out on overflow",
    ("net", "loss_fn", "FixedLossScaleManager(8.0)"): "one leaves updates out on overflow",
}


@pytest.mark.parametrize("other", APART)
def test_models_under_one_name_that_train_differently_are_left(other):
    data = (HEAD + TWO.format(*PLAIN, *other)).encode()
    done = migrate({"train.py": data}, Wish(to="torch"))
    assert done.results[0].after == data
    assert any(APART[other] in f.reason for f in done.findings)


STEP = (
    HEAD
    + """
from mindspore.train import Model, ModelCheckpoint, CheckpointConfig, Callback
class Measure(Callback):
    def __init__(self, model):
        super().__init__()
        self.model = model
    def epoch_end(self, run_context):
        print(self.model.eval(create_dataset(), dataset_sink_mode=False))
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
both = nn.WithLossCell(net, loss_fn)
step = nn.TrainOneStepCell(both, opt)
model = Model(step, eval_network=nn.WithEvalCell(net, loss_fn), metrics={"loss"})
cb = [Measure(model)]
keep = int(os.environ.get("KEEP", "0"))
if keep:
    folder = os.environ["FOLDER"]
    cb.append(ModelCheckpoint("m", folder, CheckpointConfig(4)))
model.train(2, create_dataset(), callbacks=cb, dataset_sink_mode=False)
"""
)


def test_what_a_step_trains_is_saved_and_evaluated():
    """The step is a function there: it has no state, and no Model takes it."""
    after = migrate({"train.py": STEP.encode()}, Wish(to="torch")).results[0].after.decode()
    assert "def step(" in after and "torch.save(net.state_dict()" in after
    assert "model = Model(net, metrics=" in after
    assert re.search(r"\nif keep:\n    os\.makedirs\(folder", after)  # where nothing is kept, folder has no value


def test_a_model_that_takes_its_networks_name_and_stays_is_left():
    text = STEP.replace("both", "model").replace("model, opt", "model, opt").replace("Model(step", "Model(model")
    text = text.replace("step = nn.TrainOneStepCell(model, opt)\n", "").replace('{"loss"}', '{"loss"}, optimizer=opt')
    done = migrate({"train.py": text.encode()}, Wish(to="torch"))
    assert not done.results[0].changed
    assert any("takes the name of its network" in f.reason for f in done.findings)


FAR = """
from mindspore.train import Model
def run(model, epochs=1):
    model.train(epochs, create_dataset(), dataset_sink_mode=False)
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
{}
"""
NOT_FAR = {  # what hands the Model on: why it stays
    "run(Model(step_of(net)))\nrun(Model(net, loss_fn, opt))": "in the same place, has a step that was not followed",
    "run(Model(net, loss_fn, nn.thor(net, 0.1)))\nrun(Model(net, loss_fn, opt))": "has an optimizer that was not",
    "g = [{'params': net.trainable_params(), 'grad_centralization': True}]\n"
    "run(Model(net, loss_fn, nn.Momentum(g, 0.1, 0.9)))\nrun(Model(net, loss_fn, opt))": "that of line 32, which",
    "for m in [Model(net, f, opt) for f in (loss_fn,)]:\n    run(m)": "is made inside an expression",
    "Model(net, loss_fn, opt).eval(create_dataset())": "only evaluates here: nothing trains with it",
    "def make():\n    return Model(net, loss_fn, opt)\nmake().train(1, create_dataset())": "has no name",
}


@pytest.mark.parametrize("line", NOT_FAR)
def test_a_model_that_is_handed_on_is_left_whole_or_not_at_all(line):
    """A loop over the steps of several Models would meet one that has none."""
    data = (HEAD + FAR.format(line)).encode()
    done = migrate({"train.py": data}, Wish(to="torch"))
    assert done.results[0].after == data
    assert any(NOT_FAR[line] in f.reason for f in done.findings), [f.reason for f in done.findings]


def test_a_model_that_trains_here_and_elsewhere_is_rewritten_in_both_places():
    text = HEAD + FAR.format("model = Model(net, loss_fn, opt)\nmodel.train(2, create_dataset())\nrun(model)")
    after = migrate({"train.py": text.encode()}, Wish(to="torch")).results[0].after.decode()
    assert after.count("model.step(*") == 2 and "model.train(" not in after


MANY = """
from mindspore.train import Model, LossMonitor, TimeMonitor
opt = nn.Momentum(net.trainable_params(), 0.1, 0.9)
model = Model(net, loss_fn, opt)
cb = [TimeMonitor()]
{}
model.train(1, create_dataset(), callbacks=cb)
"""


def test_callbacks_that_a_loop_makes_are_listed_and_too_many_leave_the_training():
    loop = "cb += [LossMonitor(n) for n in (2, 3)]\nfor n in (4, 5):\n    cb.append(LossMonitor(n))\n"
    loop += "cb += [LossMonitor(6)]"
    done = migrate({"train.py": (HEAD + MANY.format(loop)).encode()}, Wish(to="torch"))
    assert sum(f.reason == "a LossMonitor in each turn of a loop" for f in done.findings) == 2
    assert done.results[0].after.count(b"loss is") == 1 and b"if step % 6 == 0" in done.results[0].after
    data = (HEAD + MANY.format("".join(f"if os.sep == '{n}': cb += [LossMonitor({n})]\n" for n in range(410)))).encode()
    done = migrate({"train.py": data}, Wish(to="torch"))
    assert done.results[0].after == data
    assert any("are made in more than 400 places" in f.reason for f in done.findings)


PYTORCHS = b"""import torch
import calando.torch
from calando.schedules import Cosine
model = torch.nn.Linear(4, 1)
optimizer = calando.torch.AdamW(model.parameters(), lr=Cosine(1e-3, 0.0, steps=12))
other = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(other, 3)
for epoch in range(3):
    loss = model(torch.ones(2, 4)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    other.step()
    scheduler.step()
    print(optimizer.param_groups[0]["lr"])
"""


def test_a_script_of_pytorchs_needs_no_human():
    done = migrate({"train.py": PYTORCHS}, Wish(to="torch"))
    assert done.findings and {f.certainty for f in done.findings} == {KEPT}


@pytest.mark.parametrize("words", ["betas=(0, 0.9)", "betas=(0.5, 0.0)", "eps=0"])
@pytest.mark.parametrize("name", ["Adam", "AdamW", "Adamax"])
def test_the_guides_style_writes_no_number_that_mindspore_refuses(name, words):
    old = b"optim.SGD(model.parameters(), lr=0.1)"
    data = SCRIPT.replace(old, f"optim.{name}(model.parameters(), lr=0.1, {words})".encode())
    done = migrate({"train.py": data}, Wish(to="mindspore", style="guide", steps_per_epoch="5"))
    assert not done.results[0].changed
    assert any(f.certainty == HUMAN and "--style exact has it" in f.reason for f in done.findings)
    assert migrate({"train.py": data}, Wish(to="mindspore", steps_per_epoch="5")).results[0].changed
