"""What hurts users of optimizers and schedules, one test for each pain, in the order of how much it hurts.

The numbers of issues are those of pytorch/pytorch where no other repository is named. Speed has its own benchmarks.
"""

import copy
import gc
import pickle
import warnings
import weakref

import pytest
import torch
from torch.optim import lr_scheduler as room
from torch_pairs import Pair, give, identical, params, same, saved, train

import calando.torch as ct
from calando.schedules import Cosine, Exponential, Linear, Listed, ScheduleEnd, warmup_cosine

RATE = Linear(0.0, 0.1, 3).then(Cosine(0.1, 0.0, 7))


def rates(optimizer, tensors, steps):
    """The lr in force in each of these updates."""
    seen = []
    for step in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        train(optimizer, tensors, [step])
    return seen


def test_resuming_gives_the_same_learning_rate_whatever_comes_first():
    """1 (#119168, #162591): one thing is saved and one is loaded, before or after anything else is built."""
    tensors = params()
    whole = ct.AdamW(tensors, lr=RATE)
    train(whole, tensors, range(4))
    stored, left, right = saved(whole.state_dict()), copy.deepcopy(tensors), copy.deepcopy(tensors)
    train(whole, tensors, range(4, 10))
    fresh = ct.AdamW(left, lr=0.5)
    fresh.load_state_dict(stored)
    follower = ct.Follow(fresh)
    train(fresh, left, range(4, 10))
    other = ct.AdamW(right, lr=RATE)
    ct.Follow(other).load_state_dict(follower.state_dict())
    other.load_state_dict(stored)
    train(other, right, range(4, 10))
    identical(tensors, left), identical(tensors, right)


@pytest.mark.parametrize("processes", [1, 2, 8])
def test_as_many_ticks_of_a_scheduler_as_processes_do_no_harm(processes):
    """2 (accelerate #2926): the clock counts updates; who steps the scheduler and how often does not matter."""
    tensors = params()
    optimizer = ct.AdamW(tensors, lr=RATE)
    follower, seen = ct.Follow(optimizer), []
    for step in range(10):
        train(optimizer, tensors, [step])
        seen += follower.get_last_lr()
        for _ in range(processes):
            follower.step()
    assert seen == [RATE(step) for step in range(10)]


def test_every_number_may_be_scheduled():
    """3 (#22343): with the same words as lr."""
    fall = Linear(0.9, 0.1, 8)
    numbers = {"lr": fall, "betas": (fall, fall), "eps": fall, "weight_decay": fall, "max_norm": fall}
    tensors = params()
    optimizer = ct.AdamW(tensors, **numbers)
    train(optimizer, tensors, range(4))
    assert optimizer.current()[0] == {**dict.fromkeys(numbers, fall(4)), "betas": (fall(4), fall(4))}
    sgd = ct.SGD(tensors, momentum=fall, dampening=fall, clip_value=fall, loss_scale=fall)
    assert {sgd.at(6)[name] for name in ("momentum", "dampening", "clip_value", "loss_scale")} == {fall(6)}


def test_a_step_is_an_update_and_epochs_are_said():
    """4 (Lightning #1476, timm #2125): gradients may be gathered over many batches; the first update has step 0."""
    tensors, seen = params(), []
    optimizer = ct.SGD(tensors, lr=Listed([3, 2, 1]).per_epoch(2))
    for batch in range(24):
        give(tensors, batch)
        if batch % 4 == 3:
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
    assert seen == [3, 3, 2, 2, 1, 1]


def test_a_skipped_step_does_not_advance_and_nobody_nags():
    """5 (#44511, #55585): GradScaler leaves the step out where a gradient is not finite."""
    tensors = params([(3,)])
    optimizer, scaler = ct.AdamW(tensors, lr=RATE), torch.amp.GradScaler("cpu", init_scale=4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for factor in (1.0, float("inf"), 1.0):
            scaler.scale((tensors[0] * factor).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
    assert (optimizer.param_groups[0]["step"], optimizer.param_groups[0]["lr"]) == (2, RATE(2))


def test_no_initial_lr_is_missed():
    """6 (KeyError: 'initial_lr' is not specified): there is none; a scheduler of torch's finds one after loading."""
    tensors = params()
    optimizer = ct.SGD(tensors, lr=RATE)
    train(optimizer, tensors, range(4))
    fresh = ct.SGD(tensors, lr=RATE)
    fresh.load_state_dict(saved(optimizer.state_dict()))
    assert fresh.current()[0]["lr"] == RATE(4) and "initial_lr" not in fresh.param_groups[0]
    driven = ct.SGD(tensors, lr=0.5)
    room.StepLR(driven, 1)
    later = ct.SGD(tensors, lr=0.1)
    later.load_state_dict(saved(driven.state_dict()))
    assert room.StepLR(later, 1, last_epoch=3).base_lrs == [0.5]


def test_the_value_in_force_is_seen_now_then_and_all_along():
    """7 (minddiffusion #68, optax #206)."""
    optimizer = ct.AdamW(params(), lr=RATE)
    assert optimizer.param_groups[0]["lr"] == optimizer.current()[0]["lr"] == 0.0
    assert optimizer.at(5)["lr"] == optimizer.at(torch.tensor(5.0))["lr"] == RATE(5)  # as torch keeps ages
    assert optimizer.trace("lr", range(10), group=0).tolist() == [RATE(step) for step in range(10)]
    assert "lr = Linear(0, 0.1, 3).then(Cosine(0.1, 0, 7))" in repr(optimizer)


def test_asking_for_the_rate_does_not_move_it():
    """8 (mindone #205, #107): MindSpore's get_lr() did, then did not; here an update does."""
    from calando.mindspore import nn

    (w,) = params([(3,)])
    optimizer = nn.SGD([w], learning_rate=[0.3, 0.2, 0.1])
    assert [float(optimizer.get_lr()) for _ in range(3)] == pytest.approx([0.3] * 3)
    optimizer((torch.ones(3, dtype=torch.float64),))
    assert float(optimizer.get_lr()) == pytest.approx(0.2)


def test_a_warm_up_and_a_plateau_compose():
    """9 (#68978, #110761): a plateau is a factor over whatever schedule there is."""
    tensors = params()
    optimizer = ct.SGD(tensors, lr=RATE)
    plateau = ct.Plateau(optimizer, factor=0.5, patience=0)
    for step, metric in enumerate([1.0, 2.0, 3.0, 4.0]):
        train(optimizer, tensors, [step])
        plateau.step(metric)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(RATE(4) * 0.5**3, rel=1e-15)


def test_each_group_has_its_own_schedule_and_keeps_its_ratio():
    """10 (#67761, Lightning #4983)."""
    a, b = params([(2,), (3,)])
    optimizer = ct.AdamW([{"params": [a], "lr": RATE}, {"params": [b], "lr": RATE * 10}, {"params": params([(4,)])}])
    assert optimizer.trace("lr", [1, 5, 9]).tolist() == [[RATE(t), RATE(t) * 10, 1e-3] for t in (1, 5, 9)]


def test_one_formula_whoever_asks_and_in_any_order():
    """11 (#55135, #31871): step(epoch), get_lr() and get_last_lr() disagree in torch."""
    tensors = params()
    optimizer = ct.AdamW(tensors, lr=RATE)
    told = [optimizer.at(step)["lr"] for step in (9, 0, 4)]
    assert rates(optimizer, tensors, 10) == [RATE(step) for step in range(10)]
    assert told == [RATE(9), RATE(0), RATE(4)] == [optimizer.at(step)["lr"] for step in (9, 0, 4)]


def test_groups_may_come_later_with_a_clock_that_is_said():
    """12 (#79888, #53712)."""
    a, b, c = params([(2,), (3,), (4,)])
    optimizer = ct.AdamW([a], lr=RATE)
    train(optimizer, [a], range(4))
    optimizer.add_param_group({"params": [b], "lr": RATE})
    optimizer.add_param_group({"params": [c], "lr": RATE, "step": 0})
    assert [group["lr"] for group in optimizer.param_groups] == [RATE(4), RATE(4), RATE(0)]
    train(optimizer, [a, b, c], [4])
    assert [group["lr"] for group in optimizer.param_groups] == [RATE(5), RATE(5), RATE(1)]


def test_a_number_may_change_when_resuming():
    """13 (#156846): what is kept stays as the new optimizer was given it; the rest comes from the checkpoint."""
    tensors = params()
    optimizer = ct.AdamW(tensors, lr=RATE, weight_decay=0.2)
    train(optimizer, tensors, range(4))
    longer = RATE.then(0.0, after=10) + 0.01
    fresh = ct.AdamW(tensors, lr=longer, weight_decay=0.3)
    fresh.load_state_dict(saved(optimizer.state_dict()), keep="lr")
    assert (fresh.current()[0]["lr"], fresh.current()[0]["weight_decay"]) == (longer(4), 0.2)


def test_checkpoints_may_be_read_by_name():
    """14 (#1489): another order, one missing, one too many."""
    a, b, c = params([(2,), (3,), (4,)])
    optimizer = ct.AdamW([("a", a), ("b", b)])
    train(optimizer, [a, b], range(3))
    fresh = ct.AdamW([("c", c), ("b", b)])
    report = fresh.resume(saved(optimizer.state_dict()), by_name=True)
    assert (report.missing, report.unexpected) == (("c",), ("a",)) and fresh.state[b]["step"] == 3
    assert torch.equal(fresh.state[b]["exp_avg"], optimizer.state[b]["exp_avg"])


def test_a_schedule_is_stored_code_is_named_and_nothing_holds_the_optimizer():
    """15 (#94450, #25605)."""
    assert pickle.loads(pickle.dumps(RATE)) == RATE
    tensors = params()
    optimizer = ct.AdamW(tensors, lr=lambda step: 0.1 / (1 + step))
    train(optimizer, tensors, range(2))
    stored = saved(optimizer.state_dict())
    with pytest.raises(ValueError, match=r"AdamW.*'lr'.*<lambda at test_user_pains\.py"):
        ct.AdamW(tensors, lr=0.1).load_state_dict(stored)
    again = ct.AdamW(tensors, lr=lambda step: 0.1 / (1 + step))
    again.load_state_dict(stored)
    assert again.current()[0]["lr"] == 0.1 / 3
    gone = weakref.ref(again)
    gc.collect(), gc.disable()
    try:
        del again
        assert gone() is None
    finally:
        gc.enable()


def test_asking_for_the_state_changes_nothing():
    """16 (#164929, #133415): distributed checkpoints take a step to have a state; here it is none."""
    from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

    model = torch.nn.Linear(3, 2)
    optimizer = ct.AdamW(model.parameters(), lr=RATE + 0.1, weight_decay=0.5)
    before = copy.deepcopy(model.state_dict())
    for _ in range(3):
        get_optimizer_state_dict(model, optimizer)
    assert all(torch.equal(before[name], x) for name, x in model.state_dict().items())
    assert (optimizer.param_groups[0]["step"], optimizer.param_groups[0]["lr"]) == (0, 0.1)


def test_a_first_step_at_0_is_left_out_on_demand():
    """17 (transformers #34754): a warm-up that begins with its first share, and has its peak in its last step."""
    tensors = params()
    found = rates(ct.SGD(tensors, lr=warmup_cosine(0.4, 11, 4).skip(1)), tensors, 12)
    assert found[:4] == [0.1, 0.2, 0.4 * 0.75, 0.4] and found[9] > found[10] == found[11] == 0.0


def test_a_run_that_is_longer_stays_at_the_end_and_a_list_says_how_long_it_is():
    """18 (#38170: "Tried to step 60002 times")."""
    assert RATE(10) == RATE(60_002) == 0.0
    tensors = params()
    optimizer = ct.SGD(tensors, lr=[0.2, 0.1])
    assert rates(optimizer, tensors, 2) == [0.2, 0.1]
    with pytest.raises(ScheduleEnd, match=r"2 values, so there is no value for step 2; give a longer list, or \.hold"):
        train(optimizer, tensors, [2])


def test_a_cosine_ends_where_it_says_and_does_not_rise_again():
    """19 (#47560, #40971): ``steps`` later it is at its end; for the last of n updates say n - 1."""
    fall = Cosine(0.1, 0.01, steps=9)
    assert (fall(9), fall(10), fall(1000)) == (0.01, 0.01, 0.01) and fall(8) > 0.01
    tensors = params()
    assert rates(ct.SGD(tensors, lr=fall), tensors, 10)[-1] == 0.01
    saw = Listed(fall(torch.arange(10))).repeat()
    assert (saw(9), saw(10)) == (0.01, 0.1)


def test_a_compiled_loop_does_not_compile_again_when_numbers_change():
    """20 (#107076, #133898)."""
    torch.manual_seed(0)
    model, count = torch.nn.Linear(3, 2), []
    optimizer = ct.AdamW(model.parameters(), lr=RATE + 0.1, betas=(Linear(0.5, 0.9, 10), 0.999))

    def counting(graph, inputs):
        count.append(graph)
        return graph.forward

    @torch.compile(backend=counting)
    def loss(x):
        return model(x).square().mean()

    graphs = []
    for _ in range(5):
        loss(torch.ones(4, 3)).backward()
        optimizer.step()
        optimizer.zero_grad()
        graphs.append(len(count))
    assert graphs[-1] == graphs[0] and optimizer.param_groups[0]["step"] == 5


def test_decay_apart_from_the_learning_rate_is_one_line():
    """21 (apex #1849): p ← p - η λ p - α η m̂ / √v̂, with α beside η and not in front of λ."""
    pulse, peak, share = Exponential(1.0, 0.5), 1e-2, 0.3
    (p,) = params([(3,)])
    start = p.detach().clone()
    optimizer = ct.AdamW([p], lr=peak * pulse, weight_decay=share / peak)
    for step in range(4):
        p.grad = torch.zeros_like(p)
        optimizer.step()
        start *= 1 - pulse(step) * share
    same([p], [start])


def test_clipping_is_in_the_step():
    """22 (#31474): as clip_grad_norm_ would, gradients unharmed."""
    pair = Pair("AdamW", {"lr": 0.05}, more={"max_norm": 0.3})
    for _ in range(4):
        pair.grads()
        kept = [p.grad.clone() for p in pair.left]
        torch.nn.utils.clip_grad_norm_(pair.right, 0.3)
        pair.ours.step(), pair.theirs.step()
        assert all(torch.equal(p.grad, g) for p, g in zip(pair.left, kept, strict=True))
    pair.same(1e-5)  # clip_grad_norm_ adds 1e-6 to the norm


def test_whoever_holds_the_group_holds_the_one_that_is_read():
    """24 (apex #766, ignite #545): a wrapper's list, a group rebuilt, and a load leave one truth."""
    tensors = params()
    optimizer = ct.SGD(tensors, lr=RATE)
    wrapped = optimizer.param_groups
    optimizer.param_groups = [dict(group) for group in wrapped]
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.param_groups[0]["lr"] = 0.25
    before = [p.detach().clone() for p in tensors]
    for p in tensors:
        p.grad = torch.ones_like(p)
    optimizer.step()
    same(tensors, [p - 0.25 for p in before])


def test_a_schedule_inside_can_be_overruled_and_given_back():
    """25 (TensorFlow #36612: "not settable")."""
    tensors = params()
    optimizer = ct.SGD(tensors, lr=RATE)
    optimizer.param_groups[0]["lr"] = 0.5
    assert rates(optimizer, tensors, 2) == [0.5, 0.5] and optimizer.at(7)["lr"] == 0.5
    optimizer.set("lr", RATE)
    assert optimizer.current()[0]["lr"] == RATE(2)


def test_a_state_that_was_loaded_is_nobody_elses():
    """26 (#147288): neither the dictionary nor the optimizer that made it is written to."""
    left, right = params(), params()
    first = ct.AdamW(left, lr=0.1)
    train(first, left, range(2))
    stored = first.state_dict()
    kept = copy.deepcopy(stored["state"])
    second = ct.AdamW(right, lr=0.1)
    second.load_state_dict(stored)
    train(second, right, range(3))
    for number, face in kept.items():
        assert all(torch.equal(x, stored["state"][number][key]) for key, x in face.items())
