"""timm: groups of ``param_groups_layer_decay``; its scheduler from outside, and a schedule inside with ``lr_scale``.

timm imports torchvision. Where that is missing, the same group dictionaries are made by hand.
"""

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


def timm():
    try:
        import timm.optim
        import timm.scheduler
    except (ImportError, RuntimeError) as problem:  # RuntimeError: a torchvision built for another torch
        pytest.skip(f"timm cannot be imported: {problem}")
    return timm


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


def test_groups_of_timm_itself():
    groups = timm().optim.param_groups_layer_decay(Net(), weight_decay=0.1, layer_decay=0.5, min_scale=0.0)
    optimizer = ct.AdamW(groups, lr=Cosine(0.05, 0.0, 10))
    scales = [group["lr_scale"] for group in optimizer.param_groups]
    assert len(set(scales)) > 1
    assert [group["lr"] for group in optimizer.param_groups] == [0.05 * scale for scale in scales]


def test_timms_scheduler_drives_from_outside():
    library = timm()
    mine, theirs = Net(), Net()
    pair = ct.AdamW(by_hand(mine), lr=0.05), torch.optim.AdamW(by_hand(theirs), lr=0.05)
    for model, optimizer in zip((mine, theirs), pair, strict=True):
        scheduler = library.scheduler.CosineLRScheduler(optimizer, t_initial=6, warmup_t=2, warmup_lr_init=1e-3)
        train(model, optimizer, range(6), lambda step, scheduler=scheduler: scheduler.step(step))
    for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-7)
    assert [g["lr"] for g in pair[0].param_groups] == [g["lr"] for g in pair[1].param_groups]
