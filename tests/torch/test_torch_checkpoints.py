"""Checkpoints that do not belong here, lack something or are damaged: one sentence each, and nothing half loaded."""

import copy

import pytest
import torch
from torch_pairs import everything, saved

import calando.torch as ct
from calando.schedules import Cosine

RATE = Cosine(0.1, 0.0, 10)
CLASSES = [
    name for name in ct.__all__ if isinstance(getattr(ct, name), type) and issubclass(getattr(ct, name), ct.Optimizer)
]
STEPPING = sorted(name for name in CLASSES if name not in ("Optimizer", "LBFGS"))  # LBFGS: its own file
CHOICES = [("SGD", {"momentum": 0.9}), ("LARS", {"momentum": 0.9}), ("RMSprop", {"centered": True, "momentum": 0.9})]
SLOTLESS = ("SGD", "LARS")  # without momentum


def weights():
    return [torch.nn.Parameter(torch.ones(3, 4)), torch.nn.Parameter(torch.ones(2, 3))]


def go(name, optimizer, params, steps=2):
    for step in range(steps):
        for p in params:
            g = torch.full_like(p, 0.5 + step)
            p.grad = g.to_sparse(1) if name == "SparseAdam" else g
        optimizer.step()
    return optimizer


def trained(name, library=ct, steps=2, **options):
    params = weights()
    return go(name, getattr(library, name)(params, **{"lr": 0.1, **options}), params, steps)


@pytest.mark.parametrize("steps", [0, 2], ids=["young", "trained"])
@pytest.mark.parametrize("library", [ct, torch.optim], ids=["ours", "torch's"])
def test_the_checkpoint_of_another_optimizer(library, steps):
    """Some pairs have the same names throughout (Adam and RAdam): the author is known all the same."""
    authors = [name for name in STEPPING if hasattr(library, name)]
    states = {name: saved(trained(name, library, steps).state_dict()) for name in authors}
    for name in STEPPING:
        optimizer = trained(name)
        before = everything(optimizer)
        for author in authors:
            if {name, author} <= {"Adam", "AdamW"} or name == author:
                continue
            told = (
                "has no 'trust"
                if (name, author) == ("LARS", "SGD") and library is ct
                else f"was written by ({author}|Adam)"
            )
            with pytest.raises(ValueError, match=f"{name}: group 0 of the checkpoint {told}"):
                optimizer.load_state_dict(states[author])
            assert everything(optimizer) == before, author


def test_kin_is_welcome():
    """AdamW is an Adam, and so is a class of one's own."""

    class Mine(ct.AdamW):
        pass

    class Other(ct.AdamW):
        def _rule(self, group, hyper):
            return super()._rule(group, hyper)

    mine = Mine(weights())
    for kind in (ct.Adam, ct.AdamW, Mine, Other):
        kind(weights()).load_state_dict(saved(go("AdamW", mine, mine.param_groups[0]["params"]).state_dict()))
    with pytest.raises(ValueError, match="AdamW: group 0 of the checkpoint was written by Other"):
        ct.AdamW(weights()).load_state_dict(Other(weights()).state_dict())


@pytest.mark.parametrize("written", ["ours", "torch's"])
@pytest.mark.parametrize(
    "name, options", [*((name, {}) for name in STEPPING if name not in SLOTLESS), *CHOICES], ids=str
)
def test_a_checkpoint_that_lacks_a_state(name, options, written):
    source, optimizer = trained(name, **options), trained(name, **options)
    late = {source.SLOTS[slot] for slot in source.LATE}
    keys = [key for key in source.state[source.param_groups[0]["params"][1]] if key not in late]
    before = everything(optimizer)
    for key in keys:
        state = copy.deepcopy(source.state_dict())
        del state["state"][1][key]
        if written == "torch's":
            del state["calando"]
        if all(x is None for x in state["state"][1].values()):
            continue  # a parameter that has had no update
        with pytest.raises(ValueError, match=f"{name}: parameter 1 of group 0: the checkpoint lacks '{key}'"):
            optimizer.load_state_dict(state)
        assert everything(optimizer) == before
    assert keys or name in SLOTLESS


def places(found, way=()):
    """Every place in a nested dictionary."""
    items = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in items:
        yield (*way, key)
        yield from places(value, (*way, key))


def refusal(optimizer, state):
    """What is said about a checkpoint; nothing where it is taken."""
    try:
        optimizer.load_state_dict(state)
    except (ValueError, TypeError) as problem:
        return str(problem)
    return ""


BAD = [None, "x", -1, [], {}, float("nan"), torch.tensor([1.0, 2.0]), object()]
GONE = object()


@pytest.mark.parametrize("bad", [*BAD, GONE], ids=[*map(repr, BAD[:-1]), "thing", "gone"])
def test_a_damaged_checkpoint(bad):
    """Whatever stands wherever: it can be used, or a sentence begins with the class, and nothing has changed."""
    source = trained("AdamW", lr=RATE)
    for way in places(source.state_dict()):
        state = copy.deepcopy(source.state_dict())
        holder = state
        for key in way[:-1]:
            holder = holder[key]
        if way[-1] in ("capturable", "fused", "foreach", "differentiable") and isinstance(bad, torch.Tensor):
            continue  # torch itself asks whether it is true
        if bad is GONE:
            del holder[way[-1]]
        else:
            holder[way[-1]] = bad
        optimizer = trained("AdamW", lr=0.3)
        before = everything(optimizer)
        said = refusal(optimizer, state)
        if said:
            assert said.startswith(("AdamW", "For 'AdamW'")), (way, said)
            assert everything(optimizer) == before, way
        else:
            go("AdamW", optimizer, optimizer.param_groups[0]["params"])
            assert all(p.isfinite().all() for p in optimizer.param_groups[0]["params"]), way


def test_a_pair_is_no_triple():
    state = {key: value for key, value in trained("Adan").state_dict().items() if key != "calando"}
    state["param_groups"][0]["betas"] = (0.9, 0.999)
    with pytest.raises(
        ValueError, match=r"Adan: group 0 of the checkpoint: 'betas' must be 3 values, but it has \(0.9"
    ):
        ct.Adan(weights()).load_state_dict(state)


def test_what_belongs_to_no_parameter_is_kept_as_torch_keeps_it():
    state = copy.deepcopy(trained("AdamW").state_dict())
    state["state"]["mine"] = 5
    optimizer = ct.AdamW(weights())
    optimizer.load_state_dict(state)
    go("AdamW", optimizer, optimizer.param_groups[0]["params"])
    assert optimizer.state["mine"] == 5 == optimizer.state_dict()["state"]["mine"]


@pytest.mark.parametrize("library", [ct, torch.optim], ids=["ours", "torch's"])
def test_what_wrappers_keep_beside_the_moments_comes_along(library):
    """Lookahead and SAM keep tensors of theirs in the state of each parameter; also before the first step."""
    source = trained("AdamW", library)
    first, second = source.param_groups[0]["params"]
    source.state[first]["slow"] = torch.full((3, 4), 2.0)
    source.state[second] = {"slow": torch.zeros(2, 3)}
    optimizer = ct.AdamW(weights())
    optimizer.load_state_dict(saved(source.state_dict()))
    p, q = optimizer.param_groups[0]["params"]
    assert optimizer.state[p]["slow"].tolist() == [[2.0] * 4] * 3
    go("AdamW", optimizer, [p, q])
    assert optimizer.state[p]["step"] == 4 and optimizer.state[q]["step"] == 2 and "slow" in optimizer.state[q]


def test_a_checkpoint_of_captured_graphs():
    """torch's class stores capturable=True on other devices; there is no such thing here, and it does not come back."""
    params = weights()
    theirs = torch.optim.AdamW(params, capturable=True, foreach=True)
    optimizer = ct.AdamW(weights())
    optimizer.load_state_dict(theirs.state_dict())
    go("AdamW", optimizer, optimizer.param_groups[0]["params"])
    assert optimizer.param_groups[0]["capturable"] is False
    back = torch.optim.AdamW(weights())
    back.load_state_dict(optimizer.state_dict())
    go("AdamW", back, back.param_groups[0]["params"])


# Hooks of torch's.


def test_a_hook_before_loading_may_mend_the_checkpoint():
    """As in torch's own example: a parameter more than the checkpoint has."""
    source = trained("AdamW", lr=RATE)
    optimizer = ct.AdamW([*weights(), torch.nn.Parameter(torch.ones(5))], lr=0.5)

    def adapt(own, state):
        groups = [{**state["param_groups"][0], "params": [0, 1, 2]}]
        return {"state": state["state"], "param_groups": groups}

    handle = optimizer.register_load_state_dict_pre_hook(adapt)
    optimizer.load_state_dict(saved(source.state_dict()))
    params = optimizer.param_groups[0]["params"]
    assert optimizer.param_groups[0]["lr"] == RATE(2) and params[2] not in optimizer.state
    assert torch.equal(
        optimizer.state[params[1]]["exp_avg"], source.state[source.param_groups[0]["params"][1]]["exp_avg"]
    )
    handle.remove()
    with pytest.raises(ValueError, match="AdamW: group 0 of the checkpoint has 2 parameters, the optimizer 3"):
        optimizer.load_state_dict(source.state_dict())


def test_a_hook_after_loading_sees_everything_in_its_place():
    source, optimizer = trained("AdamW", lr=RATE), ct.AdamW(weights(), lr=0.5)
    seen = []

    def look(own):
        seen.append((own.current()[0]["lr"], own.param_groups[0]["step"]))
        own.set("weight_decay", 0.5)

    optimizer.register_load_state_dict_post_hook(look)
    optimizer.load_state_dict(source.state_dict())
    assert seen == [(RATE(2), 2)]
    assert optimizer.param_groups[0]["weight_decay"] == 0.5 and "outside" not in repr(optimizer)


def test_a_hook_after_storing_sees_the_schedules():
    optimizer = trained("SparseAdam", lr=RATE)
    seen = []
    optimizer.register_state_dict_post_hook(lambda own, state: seen.append("calando" in state))
    optimizer.register_state_dict_post_hook(lambda own, state: {k: v for k, v in state.items() if k != "calando"})
    assert optimizer.state_dict().keys() == {"state", "param_groups"} and seen == [True]


def test_hooks_stay_after_an_error():
    optimizer = trained("AdamW")
    calls = []
    optimizer.register_load_state_dict_pre_hook(lambda own, state: calls.append("before"))
    optimizer.register_load_state_dict_post_hook(lambda own: calls.append("after"))
    with pytest.raises(ValueError, match="is missing"):
        optimizer.load_state_dict({})
    optimizer.load_state_dict(optimizer.state_dict())
    assert calls == ["before", "before", "after"]


def test_hooks_may_come_and_go_while_they_run():
    optimizer, calls = ct.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0), []
    handles = {}

    def once(*given):
        calls.append("once")
        handles["own"].remove()
        optimizer.register_load_state_dict_post_hook(lambda own: calls.append("late"))

    handles["own"] = optimizer.register_load_state_dict_pre_hook(once)
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.load_state_dict(optimizer.state_dict())
    assert calls == ["once", "late", "late"]
    handles["own"] = optimizer.register_state_dict_post_hook(once)
    optimizer.state_dict()
    optimizer.state_dict()
    assert calls[3:] == ["once"]


def test_what_a_hook_writes_before_storing_is_stored():
    optimizer = ct.SGD([torch.nn.Parameter(torch.ones(1))], lr=Cosine(1.0, 0.0, steps=4))
    optimizer.register_state_dict_pre_hook(lambda own: own.param_groups[0].update(lr=0.25))
    other = ct.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == other.current()[0]["lr"] == 0.25


def test_a_hook_mends_names_before_parameters_are_found_by_them():
    first = ct.SGD([("module.w", torch.nn.Parameter(torch.ones(1)))], lr=1.0, momentum=0.5)
    other = ct.SGD([("w", torch.nn.Parameter(torch.ones(1)))], lr=1.0, momentum=0.5)

    def bare(own, state):
        names = [name.removeprefix("module.") for name in state["param_groups"][0]["param_names"]]
        return {**state, "param_groups": [{**state["param_groups"][0], "param_names": names}]}

    other.register_load_state_dict_pre_hook(bare)
    assert other.resume(first.state_dict(), by_name=True).complete
