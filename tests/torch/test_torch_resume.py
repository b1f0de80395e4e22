"""Resuming differently on purpose: other schedules, other clocks, parameters found by name."""

import copy

import pytest
import torch
from torch_pairs import everything, give, identical, params, saved, train

import calando.torch as ct
from calando.schedules import Cosine, Linear, ScheduleEnd

SHAPES = [(3, 2), (4,)]


def trained(library=ct, steps=5, name="AdamW", **options):
    own = params(SHAPES)
    optimizer = getattr(library, name)(own, **{"lr": 0.1, **options})
    return train(optimizer, own, range(steps)), optimizer


def continued(own, optimizer, steps=range(5, 9)):
    return train(optimizer, own, steps)


@pytest.mark.parametrize("library", [ct, torch.optim], ids=["ours", "torch's"])
def test_a_longer_schedule_goes_on_where_the_checkpoint_stood(library):
    own, first = trained(library)
    longer = Cosine(0.1, 0.0, 100)
    other = copy.deepcopy(own)
    second = ct.AdamW(other, lr=longer, weight_decay=0.3)
    report = second.resume(saved(first.state_dict()), keep="lr")
    assert report.complete and second.param_groups[0]["step"] == 5
    assert second.current()[0]["lr"] == longer(5)
    assert second.current()[0]["weight_decay"] == 0.01  # not kept: the checkpoint's
    reference = torch.optim.AdamW(own, lr=0.1)
    reference.load_state_dict({k: v for k, v in first.state_dict().items() if k != "calando"})
    for step in range(5, 9):
        reference.param_groups[0]["lr"] = longer(step)
        give(own, step), give(other, step)
        reference.step(), second.step()
    for p, q in zip(own, other, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-14)


def test_the_clock_is_the_age_of_torchs_oldest_moments():
    own, first = trained(torch.optim, steps=3)
    own[0].grad = None
    for step in (3, 4):
        own[1].grad = torch.full_like(own[1], step)
        first.step()
    longer = Cosine(0.1, 0.0, 100)
    second = ct.AdamW(own, lr=longer)
    second.resume(saved(first.state_dict()), keep="lr")
    assert [second.state[p]["step"].item() for p in own] == [3, 5]
    assert second.param_groups[0]["step"] == 5 and second.current()[0]["lr"] == longer(5)


def test_without_keep_the_checkpoints_schedule_goes_on_exactly():
    whole, _ = trained(steps=9, lr=Cosine(0.1, 0.0, 20))
    own, first = trained(lr=Cosine(0.1, 0.0, 20))
    second = ct.AdamW(own, lr=7.0)
    second.resume(saved(first.state_dict()))
    identical(whole, continued(own, second))


def test_schedules_begin_anew_and_moments_keep_their_age():
    own, first = trained(lr=Cosine(0.1, 0.0, 5), weight_decay=Linear(0.0, 0.4, 4))
    second = ct.AdamW(own, lr=Linear(0.5, 0.1, 4))
    second.resume(saved(first.state_dict()), keep=["lr"], clock=0)
    assert second.trace("lr", range(5), group=0).tolist() == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1], 1e-15)
    assert second.trace("weight_decay", range(5), group=0).tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4], 1e-15)
    assert [second.state[p]["step"].item() for p in own] == [5, 5]
    give(own, 1)
    second.step()
    assert second.param_groups[0]["step"] == 1 and second.state[own[0]]["step"] == 6


def test_a_change_midway_holds_from_the_new_clock():
    own, first = trained()
    first.set("lr", 0.02)
    second = ct.AdamW(own, lr=1.0)
    second.resume(saved(first.state_dict()), clock=2)
    assert second.trace("lr", range(4), group=0).tolist() == [0.1, 0.1, 0.02, 0.02]


def test_one_number_of_a_pair():
    own, first = trained(betas=(0.8, 0.9))
    second = ct.AdamW(own, betas=(Linear(0.5, 0.6, 10), 0.99))
    second.resume(first.state_dict(), keep="beta1")
    assert second.current()[0]["betas"] == (0.55, 0.9)


def test_a_function_in_the_checkpoint_is_no_obstacle_to_what_is_kept():
    own, first = trained(lr=lambda step: 0.1 / (1 + step))
    second = ct.AdamW(own, lr=0.3)
    with pytest.raises(ValueError, match="'lr' was Function"):
        second.load_state_dict(first.state_dict())
    second.resume(first.state_dict(), keep="lr")
    assert second.current()[0]["lr"] == 0.3


def test_sgd_of_torch_has_no_clock_but_its_moments_are_taken():
    own, first = trained(torch.optim, name="SGD", momentum=0.9)
    second = ct.SGD(copy.deepcopy(own), lr=0.5, momentum=0.1)
    second.resume(saved(first.state_dict()), keep="lr", clock=5)
    values = second.current()[0]
    assert (values["lr"], values["momentum"], second.param_groups[0]["step"]) == (0.5, 0.9, 5)
    for p, q in zip(own, second.param_groups[0]["params"], strict=True):
        assert torch.equal(first.state[p]["momentum_buffer"], second.state[q]["momentum_buffer"])


def test_lbfgs_too():
    w = torch.nn.Parameter(torch.tensor([3.0, -2.0], dtype=torch.float64))

    def closure():
        w.grad = None
        loss = (w**4).sum()
        loss.backward()
        return loss

    first = ct.LBFGS([w], lr=0.5, max_iter=2)
    first.step(closure), first.step(closure)
    second = ct.LBFGS([w], lr=Linear(1.0, 0.0, 10), max_iter=2)
    second.resume(saved(first.state_dict()), keep="lr")
    assert second.current()[0]["lr"] == 0.8
    assert second.state[w]["n_iter"] == first.state[w]["n_iter"] > 0
    with pytest.raises(ValueError, match="LBFGS: it keeps one memory for all parameters"):
        second.resume(first.state_dict(), by_name=True)


class Net(torch.nn.Module):
    def __init__(self, classes=3, extra=False):
        super().__init__()
        self.body = torch.nn.Linear(4, 4, dtype=torch.float64)
        self.head = torch.nn.Linear(4, classes, dtype=torch.float64)
        if extra:
            self.more = torch.nn.Linear(4, 2, dtype=torch.float64)


@pytest.mark.parametrize("library", [ct, torch.optim], ids=["ours", "torch's"])
def test_by_name_in_another_order_and_other_groups(library):
    torch.manual_seed(0)
    net = Net()
    first = library.Adam(net.named_parameters(), lr=0.1)
    train(first, list(net.parameters()), range(3))
    other = copy.deepcopy(net)
    second = ct.Adam(
        [
            {"params": [("head.bias", other.head.bias), ("head.weight", other.head.weight)]},
            {"params": [("body.weight", other.body.weight), ("body.bias", other.body.bias)]},
        ],
        lr=0.7,
    )
    assert second.resume(saved(first.state_dict()), by_name=True).complete
    assert [group["step"] for group in second.param_groups] == [3, 3]
    for step in range(3, 6):
        give(list(net.parameters()), step)
        for (_, p), (_, q) in zip(net.named_parameters(), other.named_parameters(), strict=True):
            q.grad = p.grad.clone()
        first.step(), second.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-14)


def test_by_name_with_what_does_not_match():
    old, new = Net(classes=3), Net(classes=5, extra=True)
    first = ct.Adam(dict(old.named_parameters()).items(), lr=Cosine(0.1, 0.0, 10))
    train(first, list(old.parameters()), range(4))
    named = [(name, p) for name, p in new.named_parameters() if name != "body.bias"]
    second = ct.Adam(
        [
            {"params": [pair for pair in named if not pair[0].startswith("more")]},
            {"params": [pair for pair in named if pair[0].startswith("more")], "lr": 0.5},
        ],
        lr=1.0,
    )
    report = second.resume(saved(first.state_dict()), by_name=True)
    assert report.missing == ("more.weight", "more.bias")
    assert report.unexpected == ("body.bias",)
    assert report.shapes == (("head.weight", (5, 4), (3, 4)), ("head.bias", (5,), (3,)))
    assert not report.complete and "head.bias is (5,) here and (3,) in the checkpoint" in str(report)
    assert torch.equal(second.state[new.body.weight]["exp_avg"], first.state[old.body.weight]["exp_avg"])
    assert new.head.weight not in second.state or not second.state[new.head.weight]
    assert [group["step"] for group in second.param_groups] == [4, 0]
    assert [group["lr"] for group in second.param_groups] == [Cosine(0.1, 0.0, 10)(4), 0.5]
    train(second, [p for _, p in named], range(1))
    assert second.state[new.body.weight]["step"] == 5 and second.state[new.head.weight]["step"] == 1


REFUSALS = [
    ({"keep": "momentum"}, KeyError, "AdamW has no hyperparameter 'momentum'"),
    ({"clock": -1}, ValueError, "AdamW: the clock to resume at is a whole number from 0 on, not -1"),
    ({"by_name": True}, ValueError, r"AdamW: group 0 of the checkpoint has no parameter names; .*named_parameters\(\)"),
    ({"keep": "weight_decay"}, ScheduleEnd, "For 'AdamW', group 0: 'weight_decay': the list ends after 2 values"),
]


@pytest.mark.parametrize("how, kind, sentence", REFUSALS, ids=[str(row[0]) for row in REFUSALS])
def test_refusals_change_nothing(how, kind, sentence):
    _, first = trained()
    own = params(SHAPES, 3)
    second = ct.AdamW(own, weight_decay=[0.1, 0.2])
    train(second, own, range(1))
    before = everything(second)
    with pytest.raises(kind, match=sentence):
        second.resume(first.state_dict(), **how)
    assert everything(second) == before


def test_a_list_that_ended_before_torchs_moments_is_refused_and_nothing_is_half_loaded():
    own, first = trained(torch.optim)
    second = ct.AdamW(own, lr=[0.1, 0.2])
    before = everything(second)
    with pytest.raises(ScheduleEnd, match="For 'AdamW', group 0: 'lr': the list ends after 2 values"):
        second.load_state_dict(first.state_dict())
    assert everything(second) == before


def renamed(**changes):
    return lambda state: state["param_groups"][0].update(changes)


DAMAGED = [
    (renamed(param_names=["w"]), "AdamW: group 0 of the checkpoint must have a name for each of its parameters"),
    (renamed(param_names=["w", ["v"]]), "AdamW: group 0 of the checkpoint must have a name for each"),
    (
        renamed(param_names=["w", "w"]),
        "AdamW: two parameters of the checkpoint are called 'w'; they cannot be told apart",
    ),
    (renamed(params=[0]), "AdamW: .* belong to other groups"),
    (lambda state: state.update(state=[]), "AdamW: this is no state_dict: its 'state' is a list"),
    (lambda state: state["param_groups"].append(5), "AdamW: group 1 of the checkpoint must be a dictionary"),
    (lambda state: state["calando"].pop("ages"), "AdamW: the checkpoint's schedules were not stored by calando"),
    (lambda state: state["state"][0].pop("exp_avg"), "AdamW: parameter 1 of group 0: the checkpoint lacks 'exp_avg'"),
]


@pytest.mark.parametrize("damage, sentence", DAMAGED, ids=[row[1][-40:] for row in DAMAGED])
def test_by_name_from_a_damaged_checkpoint(damage, sentence):
    w, v = params(SHAPES)
    first = ct.AdamW([("w", w), ("v", v)], lr=Cosine(0.1, 0.0, 10))
    train(first, [w, v], range(2))
    state = copy.deepcopy(first.state_dict())
    damage(state)
    v, w = params(SHAPES[::-1])
    second = ct.AdamW([("v", v), ("w", w)], lr=0.5)
    before = everything(second)
    with pytest.raises(ValueError, match=sentence):
        second.resume(state, by_name=True)
    assert everything(second) == before


def put(*path):
    """Set what lies at the end of a path to what stands last in it."""
    *steps, key, value = path

    def damage(state):
        for step in steps:
            state = state[step]
        state[key] = value

    return damage


LINES, GROUP, FACE = ("calando", "timelines", 0), ("param_groups", 0), ("state", 0)
BENT = {
    "names that are none": (
        put(*GROUP, "param_names", 1.5),
        "must have a name for each of its parameters",
    ),
    "a name too many": (
        put(*GROUP, "param_names", ["w", "v", "u"]),
        "must have a name for each of its parameters",
    ),
    "a history that is none": (put(*LINES, "lr", True), "what group 0 of the checkpoint has of 'lr' was not stored by"),
    "an empty history": (put(*LINES, "eps", []), "what group 0 of the checkpoint has of 'eps' was not stored by"),
    "a row that is none": (put(*LINES, "lr", [None]), "what group 0 of the checkpoint has of 'lr' was not stored by"),
    "a row too short": (put(*LINES, "lr", [[0, 0.1]]), "what group 0 of the checkpoint has of 'lr' was not stored by"),
    "a step that is none": (put(*LINES, "lr", 0, 0, ()), "what group 0 of the checkpoint has of 'lr' was not stored"),
    "an entry that is none": (put(*LINES, "lr", 0, 1, torch.zeros(4, 4)), "'lr' was stored as tensor"),
    "an age beyond all": (
        put(*FACE, "step", 10**30),
        "'step' must be a whole number up to 2⁵³, but the",
    ),
    "our age beyond all": (put("calando", "ages", 0, [10**30, 1]), "ages must be whole numbers from 0 to 2⁵³"),
    "our age below 0": (put("calando", "ages", 0, [-1, 1]), "ages must be whole numbers from 0 to 2⁵³"),
    "a clock that is a truth": (put(*GROUP, "step", True), "'step' must be a whole number from 0 on"),
    "moments without memory": (put(*FACE, "exp_avg", torch.zeros(3, 2, device="meta")), "it is on the meta device"),
    "an author that is none": (put("calando", "kind", torch.zeros(3, 3)), "was written by tensor"),
}


@pytest.mark.parametrize("bent", BENT)
@pytest.mark.parametrize(
    "load",
    [
        lambda o, state: o.load_state_dict(state),
        lambda o, state: o.load_state_dict(state, keep="weight_decay"),
        lambda o, state: o.resume(state, clock=0),
        lambda o, state: o.resume(state, by_name=True),
    ],
    ids=["load", "keep", "from 0", "by name"],
)
def test_a_bent_checkpoint_is_refused_on_every_way_in_one_line(load, bent):
    w, v = params(SHAPES)
    optimizer = ct.AdamW([("w", w), ("v", v)], lr=Cosine(0.1, 0.0, 10))
    train(optimizer, [w, v], range(2))
    damage, sentence = BENT[bent]
    state = copy.deepcopy(optimizer.state_dict())
    damage(state)
    before = everything(optimizer)
    with pytest.raises(ValueError, match=sentence) as caught:
        load(optimizer, state)
    assert "\n" not in str(caught.value) and everything(optimizer) == before


@pytest.mark.parametrize(
    "name, options, choice, sentence",
    [
        ("SGD", {"momentum": 0.9}, {"nesterov": True, "dampening": 0.3}, "Nesterov momentum requires a momentum"),
        ("Muon", {}, {"adjust_lr_fn": "x"}, "'adjust_lr_fn' must be 'original' or 'match_rms_adamw', not 'x'"),
    ],
)
def test_a_choice_that_does_not_go_with_the_numbers_is_refused_before_anything_is_loaded(
    name, options, choice, sentence
):
    w = params([(3, 2)])
    optimizer = getattr(ct, name)(w, lr=0.1, **options)
    train(optimizer, w, range(2))
    state = {key: value for key, value in copy.deepcopy(optimizer.state_dict()).items() if key != "calando"}
    state["param_groups"][0].update(choice)
    before = everything(optimizer)
    with pytest.raises(ValueError, match=sentence):
        optimizer.load_state_dict(state)
    assert everything(optimizer) == before


@pytest.mark.parametrize("given", [None, 5, [], "x"], ids=repr)
def test_what_is_no_checkpoint_or_no_name(given):
    optimizer = ct.AdamW(params(SHAPES))
    for by_name in (False, True):
        with pytest.raises(TypeError, match="AdamW: a state_dict is a dictionary, not"):
            optimizer.resume(given, by_name=by_name)
    with pytest.raises(TypeError, match=r"AdamW: keep names hyperparameters, as in .'lr'., not 5"):
        optimizer.resume(optimizer.state_dict(), keep=5)


def test_load_state_dict_keeps_too():
    p, q = params(), params()
    first = ct.AdamW(p, lr=Cosine(0.1, 0.0, 4), weight_decay=0.5)
    train(first, p, range(3))
    longer = ct.AdamW(q, lr=Cosine(0.1, 0.0, 40), weight_decay=0.1)
    longer.load_state_dict(first.state_dict(), keep=("lr",))
    assert longer.current()[0]["lr"] == Cosine(0.1, 0.0, 40)(3)
    assert longer.current()[0]["weight_decay"] == 0.5
    assert longer.param_groups[0]["step"] == 3
    with pytest.raises(KeyError, match="no hyperparameter 'rate'"):
        longer.load_state_dict(first.state_dict(), keep=["rate"])
