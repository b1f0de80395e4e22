"""torch.distributed.checkpoint: the step that it pretends, and what it stores and loads, in all its forms."""

from inspect import signature

import pytest
import torch
import torch.distributed.checkpoint as dcp
from test_torch_contracts import RATE, STEPPING, go, made, weights
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch_pairs import identical, saved

import calando.torch as ct
from calando.schedules import Linear


def network(bias=True):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4, bias=bias), torch.nn.Linear(4, 2, bias=bias)).double()


@pytest.mark.parametrize("flat", [False, True], ids=["nested", "flat"])
@pytest.mark.parametrize("name", ["AdamW", "NAdam", "Adagrad", "Lamb"])
def test_distributed_checkpoints_in_both_forms(name, flat):
    options = StateDictOptions(flatten_optimizer_state_dict=flat)
    first, second = network(), network()
    optimizer, other = made(name, first.parameters()), made(name, second.parameters())
    get_optimizer_state_dict(first, optimizer, options=options)  # asked for before training: nothing happens
    identical(first.parameters(), second.parameters())
    assert optimizer.param_groups[0]["step"] == 0
    go(name, optimizer, list(first.parameters()), range(3))
    state = saved(get_optimizer_state_dict(first, optimizer, options=options))
    second.load_state_dict(first.state_dict())
    set_optimizer_state_dict(second, other, state, options=options)
    assert other.param_groups[0]["step"] == 3 and other.current()[0]["lr"] == RATE(3)
    go(name, optimizer, list(first.parameters()), range(3, 6)), go(name, other, list(second.parameters()), range(3, 6))
    identical(first.parameters(), second.parameters())


def test_asking_for_the_state_again_and_again_changes_nothing_where_there_is_none():
    """Plain SGD has no state, so torch pretends a step at every call while there are no gradients."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2).double()
    optimizer = ct.SGD(model.parameters(), lr=RATE, weight_decay=0.5)
    for step in range(3):
        go("SGD", optimizer, list(model.parameters()), [step])
        optimizer.zero_grad()
        before = [p.detach().clone() for p in model.parameters()]
        for _ in range(3):
            get_optimizer_state_dict(model, optimizer)
        identical(model.parameters(), before)
        assert optimizer.param_groups[0]["step"] == step + 1
        assert optimizer.trace("lr", range(6), group=0).tolist() == [RATE(i) for i in range(6)]
    assert "outside" not in repr(optimizer)


@pytest.mark.parametrize("name", [name for name in STEPPING if name != "SparseAdam"])  # whose gradients are sparse
def test_a_run_that_was_asked_before_it_began_is_the_run_that_was_not(name):
    """Weight decay added to a gradient of zeros must not reach the moments; a rate that must be above 0 stays there."""
    first, second = (network(bias=name != "Muon") for _ in range(2))
    options = {"weight_decay": 0.1} if "weight_decay" in signature(getattr(ct, name)).parameters else {}
    asked, other = (made(name, net.parameters(), **options) for net in (first, second))
    frozen = next(first.parameters()).requires_grad_(False)
    for _ in range(2):
        get_optimizer_state_dict(first, asked)
    assert frozen not in asked.state or name == "Adagrad"  # which has its state from the beginning
    frozen.requires_grad_()
    assert asked.param_groups[0]["step"] == 0 and "outside" not in repr(asked)
    identical(go(name, asked, list(first.parameters()), range(3)), go(name, other, list(second.parameters()), range(3)))


@pytest.mark.parametrize("rate", [0.0, Linear(0.0, 0.1, 4)], ids=["a number", "a schedule"])
@pytest.mark.parametrize("name", [name for name in STEPPING if name not in ("SparseAdam", "FTRL")])  # whose rate is > 0
def test_a_step_of_ones_own_with_a_rate_and_gradients_of_zero_counts(name, rate):
    """Nobody wrote that rate from outside, so nobody pretends."""
    params = weights()
    optimizer = made(name, params, lr=rate)
    for p in params:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    assert optimizer.param_groups[0]["step"] == 1
    assert {int(optimizer.state[p].get("step", 1)) for p in params} == {1}


def test_a_step_that_is_not_torchs_counts_though_zero_was_written_as_the_rate():
    """A warm-up of torch's that begins at 0 writes it too: gradients tell the two apart, sparse or missing ones too."""
    sparse = weights()
    optimizer = made("SparseAdam", sparse, lr=0.1)
    optimizer.param_groups[0]["lr"] = 0.0
    for p in sparse:
        p.grad = torch.zeros_like(p).to_sparse()
    optimizer.step()
    assert optimizer.param_groups[0]["step"] == 1
    params = weights()
    optimizer = made("AdamW", params, lr=0.1)
    optimizer.param_groups[0]["lr"] = 0.0
    params[0].grad = torch.zeros_like(params[0])
    optimizer.step()
    assert optimizer.param_groups[0]["step"] == 1 and int(optimizer.state[params[0]]["step"]) == 1


# What set() and Plateau have changed.


def changed(net):
    """Five steps, with another schedule from the third on."""
    optimizer = made("AdamW", net.parameters())
    go("AdamW", optimizer, list(net.parameters()), range(3))
    optimizer.set("lr", Linear(0.04, 0.0, 10))
    go("AdamW", optimizer, list(net.parameters()), range(3, 5))
    return optimizer


@pytest.mark.filterwarnings("ignore::UserWarning:torch")  # of one process alone
def test_a_state_dict_of_ours_handed_to_it_comes_back_whole(tmp_path):
    """It takes lists to pieces and loads those alone that the new dictionary has; what is ours is none of these."""
    net, other = network(), network()
    optimizer, twin = changed(net), made("AdamW", other.parameters())
    dcp.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, checkpoint_id=tmp_path)
    go("AdamW", twin, list(other.parameters()), range(1))  # so that there is a state to be loaded into
    found = {"net": other.state_dict(), "optimizer": twin.state_dict()}
    dcp.load(found, checkpoint_id=tmp_path)
    other.load_state_dict(found["net"]), twin.load_state_dict(found["optimizer"])
    assert twin.trace("lr", range(12)).tolist() == optimizer.trace("lr", range(12)).tolist()
    identical(
        go("AdamW", optimizer, list(net.parameters()), range(5, 8)),
        go("AdamW", twin, list(other.parameters()), range(5, 8)),
    )


@pytest.mark.parametrize("flat", [False, True], ids=["nested", "flat"])
def test_a_schedule_that_was_lost_on_the_way_is_told(flat):
    """Its own functions store numbers and no schedules: where another one goes on, a warning says so."""
    options = StateDictOptions(flatten_optimizer_state_dict=flat)
    net, other = network(), network()
    state = get_optimizer_state_dict(net, changed(net), options=options)
    twin = made("AdamW", other.parameters())
    told = (
        r"For 'AdamW', group 0: the checkpoint has lr = 0.02 in step 5 and no schedules; Cosine\(0.05, 0, 20\), which"
    )
    with pytest.warns(UserWarning, match=told):
        set_optimizer_state_dict(other, twin, state, options=options)
    assert twin.param_groups[0]["step"] == 5 and twin.current()["lr"] == RATE(5)
