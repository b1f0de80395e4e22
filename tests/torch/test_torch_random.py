"""Drawn groups, shapes, options and schedules: equal to torch.optim with every value written by hand."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_pairs import copies, draw, ours, same, theirs

from calando.schedules import Cosine, Exponential, Linear, Listed, Piecewise

STEPS = 6
unit = st.floats(0.01, 0.5)


@st.composite
def values(draw, low=0.01, high=0.3):
    """A number, or anything of the step, between low and high."""
    number = st.floats(low, high)
    a, b = draw(number), draw(number)
    kind = draw(st.integers(0, 7))
    return [
        a,
        Linear(a, b, steps=draw(st.integers(1, 8))),
        Cosine(a, b, steps=draw(st.integers(1, 8))),
        Piecewise([a, b], [draw(st.integers(1, 5))]),
        Listed([a, b, a]).hold(),
        [a, b] * STEPS,
        Linear(a, b, steps=2).then(Exponential(b, 0.9, steps=3)),
        lambda step: a if step % 2 else b,
    ][kind]


def at(value, step):
    if isinstance(value, tuple):
        return tuple(at(part, step) for part in value)
    if isinstance(value, list):
        return value[step]
    return value(step) if callable(value) else value


@st.composite
def options(draw, name):
    found = {"lr": draw(values()), "weight_decay": draw(st.one_of(st.just(0.0), values()))}
    if name == "SGD":
        if draw(st.booleans()):
            found["momentum"] = draw(values(0.1, 0.95))
            if draw(st.booleans()):
                found["dampening"] = draw(values(0.0, 0.9))
            else:
                found["nesterov"] = draw(st.booleans())
    else:
        found["betas"] = (draw(values(0.1, 0.95)), draw(values(0.5, 0.999)))
        found["eps"] = draw(values(1e-8, 1e-2))
        found["amsgrad"] = draw(st.booleans())
    found["maximize"] = draw(st.booleans())
    return found


@st.composite
def cases(draw):
    name = draw(st.sampled_from(["SGD", "Adam", "AdamW"]))
    shape = st.lists(st.integers(0, 5), max_size=3).map(tuple)
    groups = draw(st.lists(st.tuples(st.lists(shape, min_size=1, max_size=3), options(name)), min_size=1, max_size=3))
    missing = draw(st.sets(st.tuples(st.integers(0, STEPS - 1), st.integers(0, 8)), max_size=8))
    bound = draw(st.one_of(st.none(), values(0.1, 2.0)))
    return name, groups, missing, bound, draw(st.integers(0, 1000))


@settings(max_examples=200)
@given(cases())
def test_any_case_is_torchs_with_the_values_written_by_hand(case):
    name, groups, missing, bound, seed = case
    shapes = [shape for found, _ in groups for shape in found]
    left = [torch.nn.Parameter(x) for x in draw(shapes, seed)]
    right, first = copies(left), 0
    mine, original = [], []
    for found, option in groups:
        stop = first + len(found)
        mine.append({"params": left[first:stop], **option})
        original.append({"params": right[first:stop], **{key: at(value, 0) for key, value in option.items()}})
        first = stop
    one, two = ours(name)(mine, max_norm=bound), theirs(name)(original)
    for step in range(STEPS):
        for (_, option), group in zip(groups, two.param_groups, strict=True):
            group.update({key: at(value, step) for key, value in option.items()})
        for i, (p, q, g) in enumerate(zip(left, right, draw(shapes, seed + step + 1), strict=True)):
            p.grad = None if (step, i) in missing else g.clone()
            q.grad = None if (step, i) in missing else g
        for (_, option), group in zip(groups, one.param_groups, strict=True):
            for key in ("lr", "weight_decay", "betas", "momentum", "eps"):
                if key in option:
                    assert group[key] == at(option[key], step)
        if bound is not None:
            torch.nn.utils.clip_grad_norm_([q for q in right if q.grad is not None], at(bound, step))
        one.step(), two.step()
        same(left, right, 1e-11, 1e-12)  # drawn eps and betas may divide by numbers near zero
