"""``mindspore.experimental.optim`` and ``mindspore.mint.optim``: their recorded paths are those of ``calando.torch``.

Both are torch.optim in MindSpore's words. The Adam of ``experimental`` adds epsilon as ``mindspore.nn.Adam`` does, so
``calando.mindspore.nn.Adam`` follows it; what it and ``mint`` do with ``amsgrad`` (nothing) is followed without it.
Schedulers are torch's own, driving ``calando.torch``.
"""

import numpy as np
import pytest

from calando.mindspore import nn
from mindspore_front.golden_cases import GOLDEN
from mindspore_front.kinds import PARAMS, distance

OTHERS = {case["id"]: case for case in GOLDEN.index["cases"] if "api" in case}
EPSILON_HAT = "mindspore.experimental.optim", "Adam"
UNMOVED = "mint-inplace-noop"  # MindSpore's CPU leaves the parameters alone there
DEAF = {"exp-adam-amsgrad-ignored", "mint-adam-amsgrad-noop"}


def recorded(kind):
    return [key for key, case in OTHERS.items() if case["kind"] == kind and "file" in case]


OPTIMIZERS = [key for key in recorded("optimizer") if UNMOVED not in OTHERS[key].get("quirks", ())]


def told(value):
    """A tagged value of the recordings."""
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    return {"$tuple": tuple, "$list": list, "$lambda": eval}[kind](inside)


def options_of(case):
    options = {name: told(value) for name, value in case["kwargs"].items()}
    return {**options, "amsgrad": False} if DEAF & set(case.get("quirks", ())) else options


def built(case, params):
    """calando's optimizer of a case."""
    import calando.torch

    options = options_of(case)
    if (case["api"], case["class"]) == EPSILON_HAT:
        beta1, beta2 = options.pop("betas", (0.9, 0.999))
        assert not options.pop("amsgrad", False)
        return nn.Adam(list(params.values()), beta1=beta1, beta2=beta2, **options)
    groups = [{**group, "params": [params[name] for name in group["params"]]} for group in case.get("groups") or ()]
    return getattr(calando.torch, case["class"])(groups or list(params.values()), **options)


def schedulers_of(torch, optimizer, case):
    """torch's scheduler over it, if MindSpore's was over the original."""
    if "scheduler" not in case:
        return []
    return [getattr(torch.optim.lr_scheduler, case["scheduler"]["class"])(optimizer, **case["scheduler"]["kwargs"])]


def stepped(torch, optimizer, gradients, params):
    if callable(optimizer):
        optimizer(tuple(torch.from_numpy(g) for g in gradients))
        return
    for p, g in zip(params, gradients, strict=True):
        p.grad = torch.from_numpy(g)
    optimizer.step()


@pytest.mark.parametrize("whose", ["torch", "calando"])
@pytest.mark.parametrize("case_id", OPTIMIZERS)
def test_parameters(torch, case_id, whose):
    """On parameters of torch, and on those of a calando Cell."""
    import calando.mindspore as ms

    case = OTHERS[case_id]
    start, pushes = GOLDEN.inputs(case)
    made = {"torch": lambda a: torch.nn.Parameter(torch.from_numpy(a.copy())), "calando": ms.Parameter}[whose]
    params = {name: made(array) for name, array in start.items()}
    optimizer = built(case, params)
    schedulers = schedulers_of(torch, optimizer, case)
    for update, push in enumerate(pushes, 1):
        stepped(torch, optimizer, [np.ascontiguousarray(push[name]) for name in params], params.values())
        for scheduler in schedulers:
            scheduler.step()
        if update in GOLDEN.update_numbers:
            expected = GOLDEN.record(case, update)
            for name, p in params.items():
                error = distance(GOLDEN.kept(p.detach().numpy(), expected[name]), expected[name])
                assert error <= PARAMS, f"{name} after update {update}: {error:.2g}"


def test_where_adam_adds_epsilon_tells_them_apart(torch):
    """So it is not by chance that one of the two follows: torch's is 3e-4 away after ten updates."""
    import calando.torch

    case = OTHERS["exp.Adam/02"]
    start, pushes = GOLDEN.inputs(case)
    params = {name: torch.nn.Parameter(torch.from_numpy(array.copy())) for name, array in start.items()}
    optimizer = calando.torch.Adam(params.values(), **options_of(case))
    for push in pushes:
        stepped(torch, optimizer, list(push.values()), params.values())
    expected = GOLDEN.record(case, len(pushes))
    assert (
        max(distance(GOLDEN.kept(p.detach().numpy(), expected[n]), expected[n]) for n, p in params.items())
        > 10 * PARAMS
    )


def scheduled(torch, optimizer, case):
    """The scheduler of a case, from torch."""
    words, options = torch.optim.lr_scheduler, options_of(case)
    if case["class"] == "SequentialLR":
        inner = [getattr(words, name)(optimizer, **given) for name, given in case["schedulers"]]
        return words.SequentialLR(optimizer, inner, **options)
    if case["class"] == "CyclicLR":
        options["cycle_momentum"] = False  # MindSpore's has none
    return getattr(words, case["class"])(optimizer, **options)


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("case_id", recorded("exp_scheduler"))
def test_schedulers(torch, case_id):
    """Right after construction and after each of 30 ``step()``: the rate of every group."""
    import calando.torch

    case, expected = OTHERS[case_id], GOLDEN.files(OTHERS[case_id]["file"])[case_id]
    params = [torch.nn.Parameter(torch.ones(2)) for _ in case["lrs"]]
    optimizer = calando.torch.SGD([{"params": [p], "lr": lr} for p, lr in zip(params, case["lrs"], strict=True)])
    scheduler = scheduled(torch, optimizer, case)
    shown = [[group["lr"] for group in optimizer.param_groups]]
    for number in range(len(expected) - 1):
        stepped(torch, optimizer, [np.zeros(2, "f4")] * len(params), params)
        scheduler.step(*([case["metrics"][number]] if case.get("metrics") else []))
        shown.append([group["lr"] for group in optimizer.param_groups])
    assert distance(np.array(shown), expected) <= 2e-5


@pytest.mark.parametrize("name", ["experimental", "mint"])
@pytest.mark.parametrize("way", ["import calando.mindspore.{0}", "from calando.mindspore import {0}"])
def test_the_names_say_where_it_is(torch, name, way):
    with pytest.raises(
        ImportError, match=f"there is no calando.mindspore.{name}: .* calando.torch has the same classes"
    ):
        exec(way.format(name))
    import calando.mindspore

    with pytest.raises(AttributeError, match=f"has no '{name}': .* torch.optim.lr_scheduler drives them"):
        getattr(calando.mindspore, name)
