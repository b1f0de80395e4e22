"""Wrappers that reach into an optimizer, as written elsewhere: each on torch's path, around ours and around torch's."""

import copy
from collections import OrderedDict, defaultdict

import pytest
import torch
from torch_pairs import Pair, everything, give, identical, params, same, saved, train

import calando.torch as ct
from calando.hyper import UnknownName


class Lookahead(torch.optim.Optimizer):
    """As timm's: shares the groups, keeps its slow weights in the state of the optimizer that it wraps."""

    def __init__(self, base, alpha=0.5, k=2):
        self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks = OrderedDict(), OrderedDict()
        self._base, self.state = base, defaultdict(dict)
        own = {"lookahead_alpha": alpha, "lookahead_k": k, "lookahead_step": 0}
        self.defaults = {**base.defaults, **own}
        self.param_groups = base.param_groups
        for name, value in own.items():
            for group in base.param_groups:
                group.setdefault(name, value)

    @torch.no_grad()
    def step(self, closure=None):
        loss = self._base.step(closure)
        for group in self._base.param_groups:
            group["lookahead_step"] += 1
            for fast in group["params"] if group["lookahead_step"] % group["lookahead_k"] == 0 else ():
                kept = self._base.state[fast]
                slow = kept.setdefault("lookahead_slow_buff", fast.clone())
                slow.add_(fast - slow, alpha=group["lookahead_alpha"])
                fast.copy_(slow)
        return loss

    def state_dict(self):
        return self._base.state_dict()

    def load_state_dict(self, stored):
        self._base.load_state_dict(stored)
        self.param_groups = self._base.param_groups


class SAM(torch.optim.Optimizer):
    """Sharpness-aware minimization as most write it: its own groups are handed to the optimizer that it wraps."""

    def __init__(self, given, base, rho=0.05, adaptive=False, **options):
        super().__init__(given, dict(rho=rho, adaptive=adaptive, **options))
        self.base_optimizer = base(self.param_groups, **options)
        self.param_groups = self.base_optimizer.param_groups
        self.defaults.update(self.base_optimizer.defaults)

    @torch.no_grad()
    def step(self, closure):
        closure = torch.enable_grad()(closure)
        norm = torch.stack([p.grad.norm() for group in self.param_groups for p in group["params"]]).norm()
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["old_p"] = p.data.clone()
                p.add_(p.grad * (group["rho"] / (norm + 1e-12)))
        closure()
        for group in self.param_groups:
            for p in group["params"]:
                p.data = self.state[p]["old_p"]
        self.base_optimizer.step()

    def load_state_dict(self, stored):
        super().load_state_dict(stored)
        self.base_optimizer.param_groups = self.param_groups


def bowl(optimizer, tensors):
    def closure():
        optimizer.zero_grad()
        loss = sum(((p - 1) ** 2).sum() + 0.1 * (p**4).sum() for p in tensors)
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("name", ["AdamW", "SGD", "NAdam", "Adafactor"])
def test_lookahead(name):
    left, right = params(), params()
    for library, tensors in ((ct, left), (torch.optim, right)):
        optimizer = Lookahead(getattr(library, name)(tensors, lr=0.05))
        train(optimizer, tensors, range(5))
        fresh = Lookahead(getattr(library, name)(tensors, lr=0.5))
        fresh.load_state_dict(saved(optimizer.state_dict()))
        train(fresh, tensors, range(5, 10))
    same(left, right, 1e-7 if name == "NAdam" else 1e-12)  # torch widens NAdam's memory, float32, when it loads


@pytest.mark.parametrize("name, options", [("SGD", {"momentum": 0.9}), ("AdamW", {}), ("RMSprop", {"alpha": 0.9})])
def test_sharpness_aware_minimization(name, options):
    left, right = params(), params()
    for library, tensors in ((ct, left), (torch.optim, right)):
        optimizer = SAM(tensors, getattr(library, name), lr=0.05, **options)
        closure = bowl(optimizer, tensors)
        for number in range(6):
            if number == 3:
                optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            closure()
            optimizer.step(closure)
    same(left, right)


@pytest.mark.parametrize("first, then", [("AdamW", "SGD"), ("RMSprop", "Adam"), ("SGD", "NAdam")])
@pytest.mark.parametrize("library", [ct, torch.optim], ids=["ours", "torch's"])
def test_one_optimizer_goes_on_with_the_groups_of_another(library, first, then):
    """What the first one had in its groups stays there and means nothing to the second, as in torch."""
    left, right = params(), params()
    for tensors, before, after in ((left, library, ct), (right, torch.optim, torch.optim)):
        old = getattr(before, first)([{"params": tensors[:2], "lr": 0.02}, {"params": tensors[2:]}], lr=0.05)
        train(old, tensors, range(2))
        new = getattr(after, then)(old.param_groups, lr=0.5)
        train(new, tensors, range(2, 5))
        again = getattr(after, then)(old.param_groups, lr=0.5)
        again.load_state_dict(saved(new.state_dict()))
        train(again, tensors, range(5, 7))
    same(left, right, 1e-7 if then == "NAdam" else 1e-12)


def test_a_single_name_of_another_optimizer_is_a_mistake_still():
    with pytest.raises(UnknownName, match="For 'SGD', group 0: unknown key 'betas'; a group may have params, lr"):
        ct.SGD([{"params": params(), "lr": 0.1, "betas": (0.9, 0.99)}])


def test_groups_built_anew_with_torchs_names_alone_keep_their_clock_and_bound():
    tensors = params()
    optimizer = ct.AdamW(tensors, lr=lambda step: 0.1 / (1 + step), max_norm=0.5)
    twin_tensors = params()
    twin = ct.AdamW(twin_tensors, lr=lambda step: 0.1 / (1 + step), max_norm=0.5)
    for number in range(4):
        if number == 2:
            names = torch.optim.AdamW(params()).param_groups[0].keys()
            optimizer.param_groups = [{name: optimizer.param_groups[0][name] for name in names}]
        train(optimizer, tensors, [number]), train(twin, twin_tensors, [number])
    identical(tensors, twin_tensors)
    assert (optimizer.param_groups[0]["step"], optimizer.param_groups[0]["max_norm"]) == (4, 0.5)


@pytest.mark.parametrize("group", [{"momentum": 0}, {"momentum": 0, "dampening": 0.3}], ids=str)
def test_a_group_may_do_without_the_momentum_of_the_others(group):
    pair = Pair(
        "SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}, [{"params": [0, 1]}, {"params": [2, 3], **group}]
    )
    for number in range(6):
        if number == 3:
            stored = saved(pair.theirs.state_dict())
            pair.theirs.load_state_dict(saved(pair.ours.state_dict()))
            pair.ours.load_state_dict(stored)
        if number == 4:  # and take it up again
            for optimizer in (pair.ours, pair.theirs):
                optimizer.param_groups[1].update(momentum=0.5, dampening=0)
        if number == 5:
            for optimizer in (pair.ours, pair.theirs):
                optimizer.param_groups[0]["momentum"] = 0
        pair.step()
        pair.same()


def took(name):
    def break_(optimizer, p):
        del optimizer.param_groups[0][name]

    return break_


def put(value, name="params"):
    def break_(optimizer, p):
        optimizer.param_groups[0][name] = value

    return break_


def stored(value, name="exp_avg"):
    def break_(optimizer, p):
        optimizer.state[p][name] = value

    return break_


BROKEN = {
    "no lr": (took("lr"), KeyError, "group 0: 'lr' was taken out of param_groups; put it back"),
    "no amsgrad": (took("amsgrad"), KeyError, "group 0: 'amsgrad' was taken out of param_groups; put it back"),
    "no params": (took("params"), KeyError, "group 0: 'params' was taken out of param_groups; put it back"),
    "one number": (put(3), TypeError, "group 0: 'params' must be a list of tensors, but it is 3"),
    "whole numbers": (put([torch.zeros(3, 2, dtype=torch.int64)]), TypeError, ".* is of dtype int64; only float16"),
    "a name": (put(["a"]), TypeError, "group 0: 'params' must be a list of tensors, but holds 'a'"),
    "no group": (
        lambda optimizer, p: optimizer.param_groups.__setitem__(0, None),
        TypeError,
        r"param_groups\[0\] must be a dictionary, but it is None",
    ),
    "no groups": (
        lambda optimizer, p: setattr(optimizer, "param_groups", None),
        TypeError,
        "param_groups must be a list of dictionaries, but it is None",
    ),
    "no state": (
        lambda optimizer, p: setattr(optimizer, "state", None),
        TypeError,
        "state must be a dictionary, but it is None",
    ),
    "no entry": (
        lambda optimizer, p: optimizer.state.__setitem__(p, None),
        TypeError,
        r"the state of a parameter of shape \(3, 2\) must be a dictionary, but it is None",
    ),
    "no slot": (
        lambda optimizer, p: optimizer.state[p].pop("exp_avg"),
        ValueError,
        "'exp_avg' was taken out of its state; put it back, or take all of it out for a fresh start",
    ),
    "a slot of words": (stored("x"), ValueError, r"must be a tensor of shape \(3, 2\), but it is 'x'"),
    "a slot nowhere": (stored(torch.empty(3, 2, device="meta")), ValueError, "but it is on the meta device"),
    "a complex slot": (
        stored(torch.zeros(3, 2, dtype=torch.complex128)),
        ValueError,
        "is torch.complex128, and the parameter is torch.float64",
    ),
    "a sparse slot": (stored(torch.zeros(3, 2).to_sparse()), ValueError, "it is torch.sparse_coo; make it dense"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_was_broken_from_outside_has_one_sentence_and_can_be_mended(case):
    break_, kind, sentence = BROKEN[case]
    (p,), (q,) = params([(3, 2)]), params([(3, 2)])
    optimizer, twin = ct.AdamW([p], lr=0.1), ct.AdamW([q], lr=0.1)
    train(optimizer, [p], range(2)), train(twin, [q], range(2))
    before, groups, group = everything(optimizer), optimizer.param_groups, dict(optimizer.param_groups[0])
    state, face = optimizer.state, dict(optimizer.state[p])
    break_(optimizer, p)
    for _ in range(2):
        give([p], 502)
        with pytest.raises(kind, match=f"For 'AdamW'.*{sentence}") as caught:
            optimizer.step()
        assert "\n" not in str(caught.value)
    optimizer.param_groups, optimizer.state = groups, state
    groups[0] = group
    state[p] = face
    assert everything(optimizer) == before
    train(optimizer, [p], [2]), train(twin, [q], [2])
    identical([p], [q])
