"""timm: groups of ``param_groups_layer_decay``; its schedulers from outside, and a schedule inside with ``lr_scale``.

timm's packages import torchvision, of which there is none beside this torch; its optimizers and schedulers do not need
it, so they are loaded without the packages around them.
"""

import importlib
import importlib.util
import sys
import types
from pathlib import Path

import pytest
import torch

import calando.torch as ct
from calando.schedules import Cosine

SCALES = [0.25, 0.5, 1.0]  # decay 0.5 per layer


class Net(torch.nn.Module):
    """Two blocks and a head, as timm wants to see them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.blocks = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4))
        self.head = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.blocks(x))

    def group_matcher(self, coarse=False):
        return {"stem": r"^stem", "blocks": r"^blocks\.(\d+)"}


def by_hand(model):
    """What ``param_groups_layer_decay(model, weight_decay=0.1, layer_decay=0.5)`` gives, biases without decay."""
    layers = [model.blocks[0], model.blocks[1], model.head]
    return [
        {"lr_scale": scale, "weight_decay": decay, "params": [p]}
        for layer, scale in zip(layers, SCALES, strict=True)
        for p, decay in ((layer.bias, 0.0), (layer.weight, 0.1))
    ]


def train(model, optimizer, steps, before=lambda step: None):
    for step in steps:
        before(step)
        optimizer.zero_grad()
        drawn = torch.Generator().manual_seed(step)
        model(torch.randn(8, 4, generator=drawn)).square().mean().backward()
        optimizer.step()


@pytest.fixture
def timm(monkeypatch):
    """timm's own ``optim`` and ``scheduler``, in packages that import nothing."""
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        pytest.skip("timm is not installed")
    for name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("timm", "timm.layers", "timm.models"):
        package = types.ModuleType(name)
        package.__path__ = [str(Path(spec.origin).parent.joinpath(*name.split(".")[1:]))]
        monkeypatch.setitem(sys.modules, name, package)
    layers, models = sys.modules["timm.layers"], sys.modules["timm.models"]
    layers.use_reentrant_ckpt = importlib.import_module("timm.layers.config").use_reentrant_ckpt
    models.group_parameters = importlib.import_module("timm.models._manipulate").group_parameters
    importlib.import_module("timm.optim"), importlib.import_module("timm.scheduler")
    yield sys.modules["timm"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
        del sys.modules[name]


def same(mine, theirs):
    for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-7)


def test_a_schedule_inside_honours_lr_scale():
    rate = Cosine(0.05, 0.0, 10)
    mine, theirs = Net(), Net()
    optimizer, reference = ct.AdamW(by_hand(mine), lr=rate), torch.optim.AdamW(by_hand(theirs), lr=1.0)
    assert [group["lr"] for group in optimizer.param_groups[::2]] == [0.05 * scale for scale in SCALES]

    def write(step):
        for group in reference.param_groups:
            group["lr"] = rate(step) * group["lr_scale"]

    train(mine, optimizer, range(6))
    train(theirs, reference, range(6), write)
    for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-7)


def test_groups_of_timm_itself(timm):
    groups = timm.optim.param_groups_layer_decay(Net(), weight_decay=0.1, layer_decay=0.5, min_scale=0.0)
    optimizer = ct.AdamW(groups, lr=Cosine(0.05, 0.0, 10))
    scales = [group["lr_scale"] for group in optimizer.param_groups]
    assert len(set(scales)) > 1
    assert [group["lr"] for group in optimizer.param_groups] == [0.05 * scale for scale in scales]


SCHEDULERS = {  # timm's name → its arguments
    "CosineLRScheduler": {"t_initial": 6, "warmup_t": 2, "warmup_lr_init": 1e-3},
    "MultiStepLRScheduler": {"decay_t": [2, 4], "decay_rate": 0.5},
    "PolyLRScheduler": {"t_initial": 6, "power": 2.0, "warmup_t": 1, "warmup_lr_init": 1e-3},
    "StepLRScheduler": {"decay_t": 2, "decay_rate": 0.5, "noise_range_t": 3},
    "TanhLRScheduler": {"t_initial": 6},
}


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("kind, options", [("AdamW", {}), ("SGD", {"momentum": 0.9, "nesterov": True})], ids=str)
def test_timms_schedulers_drive_from_outside(timm, name, kind, options):
    mine, theirs = Net(), Net()
    pair = (
        getattr(ct, kind)(by_hand(mine), lr=0.05, **options),
        getattr(torch.optim, kind)(by_hand(theirs), lr=0.05, **options),
    )
    rates = []
    for model, optimizer in zip((mine, theirs), pair, strict=True):
        scheduler = getattr(timm.scheduler, name)(optimizer, **SCHEDULERS[name])
        rates.append([])

        def drive(step, scheduler=scheduler, optimizer=optimizer):
            scheduler.step(step)
            rates[-1].append([group["lr"] for group in optimizer.param_groups])

        train(model, optimizer, range(6), drive)
    same(mine, theirs)
    assert rates[0] == rates[1] and len(set(map(str, rates[0]))) > 1


def falling(timm):
    class Falling(sys.modules["timm.scheduler.scheduler"].Scheduler):
        def _get_lr(self, t):
            return [value / (1 + t) for value in self.base_values]

    return Falling


def test_timms_scheduler_of_another_hyperparameter(timm):
    """``param_group_field``: any number in the groups, here the weight decay."""
    mine, theirs = Net(), Net()
    for model, library in ((mine, ct), (theirs, torch.optim)):
        optimizer = library.AdamW(model.parameters(), lr=0.05, weight_decay=0.2)
        scheduler = falling(timm)(optimizer, "weight_decay")
        train(model, optimizer, range(6), lambda step, scheduler=scheduler: scheduler.step(step))
    same(mine, theirs)
    assert optimizer.param_groups[0]["weight_decay"] < 0.2


def test_timms_factory_builds_ours(timm):
    factory = importlib.import_module("timm.optim._optim_factory")
    registry = factory.OptimizerRegistry()
    registry.register(factory.OptimInfo(name="ours", opt_class=ct.AdamW, has_betas=True, has_eps=True))
    optimizer = registry.create_optimizer(Net(), "ours", lr=Cosine(0.05, 0.0, 10), weight_decay=0.1, layer_decay=0.5)
    assert type(optimizer) is ct.AdamW
    assert {group["lr"] / 0.05 for group in optimizer.param_groups} == {g["lr_scale"] for g in optimizer.param_groups}
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, 0.1}


def test_lookahead_around_ours(timm):
    mine, theirs = Net(), Net()
    for model, library in ((mine, ct), (theirs, torch.optim)):
        inner = library.AdamW(model.parameters(), lr=0.05)
        outer = timm.optim.Lookahead(inner, alpha=0.5, k=2)
        train(model, outer, range(4))
        outer.load_state_dict(outer.state_dict())
        train(model, outer, range(4, 7))
    same(mine, theirs)
