"""Random walks: the same calls, in any order, on our optimizer and torch's, compared after each of them.

What a walk may do: steps with and without a closure, gradients missing or of other strides, both ways of zeroing them,
numbers and choices written into groups, newcomers, state dictionaries into new optimizers and across, copies,
schedulers, ages and slots written into state, parameters exchanged or in other memory, groups stepped one at a time,
a GradScaler.
"""

import copy
import random

import pytest
import torch
from torch_pairs import copies, ours, saved, theirs

schedulers = torch.optim.lr_scheduler
pytestmark = pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")

BETAS = {"betas": [(0.9, 0.999), (0.5, 0.9)], "eps": [1e-8, 1e-3]}
DECAY, CLIMB = {"weight_decay": [0, 0.1]}, {"maximize": [False, True]}
CHOICES = {  # what the constructor is given and what is written into groups later
    "Adadelta": {"lr": [1.0, 0.1], "rho": [0.9, 0.5], "eps": [1e-6, 1e-2], **DECAY, **CLIMB},
    "Adafactor": {"lr": [0.05, 0.01], "beta2_decay": [-0.8, -0.5], "d": [1.0, 2.0], **DECAY, **CLIMB},
    "Adagrad": {"lr": [0.1, 0.01], "lr_decay": [0, 0.1], "eps": [1e-10, 1e-3], **DECAY, **CLIMB},
    "Adam": {"lr": [0.1, 0.01], **BETAS, **DECAY, **CLIMB, "decoupled_weight_decay": [False, True]},
    "AdamW": {"lr": [0.1, 0.01], **BETAS, **DECAY, **CLIMB},
    "Adamax": {"lr": [0.1, 0.01], **BETAS, **DECAY, **CLIMB},
    "ASGD": {"lr": [0.1, 0.01], "lambd": [1e-4, 0.1], "alpha": [0.75, 0.5], "t0": [1e6, 3], **DECAY, **CLIMB},
    "Muon": {"lr": [0.1, 0.01], "momentum": [0.95, 0.5], "nesterov": [True, False], "ns_steps": [5, 3], **DECAY},
    "NAdam": {"lr": [0.1, 0.01], **BETAS, "momentum_decay": [4e-3, 0.1], **DECAY, **CLIMB},
    "RAdam": {"lr": [0.1, 0.01], **BETAS, **DECAY, **CLIMB, "decoupled_weight_decay": [False, True]},
    "RMSprop": {"lr": [0.1, 0.01], "alpha": [0.99, 0.5], "eps": [1e-8, 1e-3], **DECAY, **CLIMB},
    "Rprop": {"lr": [0.1, 0.01], "etas": [(0.5, 1.2), (0.3, 1.5)], "step_sizes": [(1e-6, 50), (1e-3, 0.1)], **CLIMB},
    "SGD": {"lr": [0.1, 0.01], "momentum": [0.9, 0.5], "dampening": [0, 0.3], **DECAY, **CLIMB},
}
NEAR = {"Muon": 1e-9, "NAdam": 1e-6}  # torch keeps its mu_product in float64 once it was loaded
SCHEDULERS = [
    lambda o: schedulers.StepLR(o, 2, 0.7),
    lambda o: schedulers.CosineAnnealingLR(o, 7, 1e-4),
    lambda o: schedulers.OneCycleLR(o, 0.1, total_steps=60, cycle_momentum="betas" in o.defaults),
    lambda o: schedulers.SequentialLR(o, [schedulers.LinearLR(o, 0.2), schedulers.ExponentialLR(o, 0.9)], [3]),
]


def layouts(matrices):
    """One parameter of each kind; matrices alone for Muon."""
    turned, gaps, first = torch.randn(4, 6).t(), torch.randn(8, 9)[::2, ::3], torch.randn(3, 4)
    if matrices:
        return [turned, gaps, first]
    last = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    return [turned, gaps, first, last, torch.randn(()), torch.randn(1), torch.randn(700)]


class Walk:
    """Two optimizers on equal parameters; each method that begins with ``do_`` is one thing to do."""

    def __init__(self, name, seed):
        self.name, self.draw = name, random.Random(f"{name} {seed}")
        torch.manual_seed(seed)
        kinds = layouts(name == "Muon")
        start = [x.double() for x in self.draw.sample(kinds, self.draw.randint(1, len(kinds)))]
        self.sides = [copies(start), copies(start)]
        count = self.draw.randint(1, len(start))
        self.groups = [(range(i, len(start), count), self.some(self.draw.randint(0, 2))) for i in range(count)]
        self.options = self.some(len(CHOICES[name]))
        self.both, self.schedulers, self.scalers, self.steps = self.made(), None, None, 0

    def some(self, count):
        found = self.draw.sample(sorted(CHOICES[self.name]), count)
        return {key: self.draw.choice(CHOICES[self.name][key]) for key in found}

    def made(self):
        rooms = zip((ours, theirs), self.sides, strict=True)
        return [
            room(self.name)([{"params": [side[i] for i in at], **own} for at, own in self.groups], **self.options)
            for room, side in rooms
        ]

    def one(self):
        return self.draw.randrange(len(self.sides[0]))

    def grads(self):
        for pair in zip(*self.sides, strict=True):
            g = torch.randn(pair[0].shape, dtype=torch.float64) * self.draw.choice([0.0, 1.0, 1.0, 10.0])
            g = g.mT.contiguous().mT if g.dim() >= 2 and self.draw.random() < 0.3 else g
            missing = self.draw.random() < 0.15
            for p in pair:
                p.grad = None if missing else g.clone()
        self.steps += 1

    def do_step(self):
        self.grads()
        for optimizer in self.both:
            optimizer.step()

    do_another_step = do_a_third_step = do_step

    def do_closure(self):
        for optimizer, side in zip(self.both, self.sides, strict=True):

            def closure(optimizer=optimizer, side=side):
                optimizer.zero_grad()
                loss = sum(((p - 1.0) ** 2).sum() for p in side)
                loss.backward()
                return loss

            optimizer.step(closure)

    def do_zero(self):
        none = self.draw.random() < 0.5
        for optimizer in self.both:
            optimizer.zero_grad(set_to_none=none)

    def do_write(self):
        at, new = self.draw.randrange(len(self.groups)), self.some(self.draw.randint(1, 2))
        for optimizer in self.both:
            optimizer.param_groups[at].update(new)

    def do_newcomer(self):
        if self.schedulers or len(self.sides[0]) > 9:
            return
        x, own = torch.randn(3, 2, dtype=torch.float64), self.some(1)
        self.groups.append(([len(self.sides[0])], own))
        for optimizer, side in zip(self.both, self.sides, strict=True):
            side.append(torch.nn.Parameter(x.clone()))
            optimizer.add_param_group({"params": side[-1], **own})

    def do_load(self):
        if self.schedulers:
            return
        stored = [saved(optimizer.state_dict()) for optimizer in self.both]
        if self.draw.random() < 0.5:
            self.both = self.made()
            stored = stored[::-1] if self.draw.random() < 0.5 else stored
        for optimizer, state in zip(self.both, stored, strict=True):
            optimizer.load_state_dict(state)

    def do_copy(self):
        if not self.schedulers:
            pairs = [copy.deepcopy(pair) for pair in zip(self.both, self.sides, strict=True)]
            self.both, self.sides = [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def do_schedule(self):
        if self.schedulers is None:
            make = self.draw.choice(SCHEDULERS)
            self.schedulers = [make(optimizer) for optimizer in self.both]
        else:
            for scheduler in self.schedulers:
                scheduler.step()

    def do_age(self):
        at, age, new = self.one(), self.draw.randint(1, 50), self.draw.random() < 0.5
        for optimizer, side in zip(self.both, self.sides, strict=True):
            face = optimizer.state.get(side[at], {})
            if "step" in face and new:
                face["step"] = torch.tensor(float(age))
            elif "step" in face:
                face["step"].fill_(float(age))

    def do_slots(self):
        at, how = self.one(), self.draw.randrange(3)
        for optimizer, side in zip(self.both, self.sides, strict=True):
            face = optimizer.state.get(side[at], {})
            for key in [key for key, x in face.items() if key != "step" and x.dim()]:
                if how == 0:
                    face[key].mul_(0.5)
                elif how == 1:
                    face[key] = face[key] * 0.5
                else:
                    face[key].data = face[key].data * 0.5

    def do_memory(self):
        at, same = self.one(), self.draw.random() < 0.5
        for side in self.sides:
            side[at].data = side[at].data.clone() if same else side[at].data * 0.5

    def do_exchange(self):
        at = self.draw.randrange(len(self.groups))
        for optimizer, side in zip(self.both, self.sides, strict=True):
            old = optimizer.param_groups[at]["params"][0]
            new = torch.nn.Parameter(old.detach().clone())
            optimizer.param_groups[at]["params"][0] = new
            if old in optimizer.state:
                optimizer.state[new] = optimizer.state.pop(old)
            side[next(i for i, p in enumerate(side) if p is old)] = new

    def do_one_at_a_time(self):
        if self.schedulers:
            return
        self.grads()
        for optimizer in self.both:
            groups = optimizer.param_groups
            for group in groups:
                optimizer.param_groups = [group]
                optimizer.step()
            optimizer.param_groups = groups

    def do_scale(self):
        self.scalers = self.scalers or [
            torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2) for _ in range(2)
        ]
        self.grads()
        wrong = self.draw.random() < 0.4
        for scaler, optimizer, side in zip(self.scalers, self.both, self.sides, strict=True):
            given = [p for p in side if p.grad is not None]
            scaler.scale(torch.ones(()))
            for p in given:
                p.grad = p.grad * (float("inf") if wrong else scaler.get_scale())
            if given:
                scaler.step(optimizer)
                scaler.update()

    def compare(self):
        near = NEAR.get(self.name, 1e-11)
        for p, q in zip(*self.sides, strict=True):
            torch.testing.assert_close(p.detach(), q.detach(), rtol=near, atol=near / 10, equal_nan=True)
            left, right = (o.state.get(x, {}) for o, x in zip(self.both, (p, q), strict=True))
            assert left.keys() == right.keys()
            for key, x in right.items():
                torch.testing.assert_close(
                    left[key], x, rtol=near * 10, atol=near * 10, equal_nan=True, check_dtype=False
                )
        for left, right in zip(*(optimizer.param_groups for optimizer in self.both), strict=True):
            known = right.keys() - {"params", "step", "foreach", "fused"}
            assert {key: left[key] for key in known} == {key: right[key] for key in known}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", CHOICES)
def test_any_sequence_of_calls_leads_where_torch_goes(name, seed):
    walk = Walk(name, seed)
    ways, trail = sorted(key for key in dir(Walk) if key.startswith("do_")), []
    walk.compare()
    while walk.steps < 30 and len(trail) < 60:
        trail.append(walk.draw.choice(ways))
        try:
            getattr(walk, trail[-1])()
            walk.compare()
        except Exception as problem:
            raise AssertionError(f"{name} {walk.options}: {', '.join(trail)}") from problem
