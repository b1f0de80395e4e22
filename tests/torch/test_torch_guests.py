"""Keys of others in groups are kept, shown and stored; what must be a mistake has one sentence, whenever it is said."""

import copy
import pickle

import pytest
import torch
from torch_pairs import Pair, everything, give, params, saved

import calando.torch as ct
from calando.hyper import UnknownName
from calando.schedules import Linear

GUESTS = {  # library → what it keeps in groups
    "timm": {"lr_scale": 1.0, "initial_lr": 0.1, "initial_weight_decay": 0.05},
    "mmengine": {"group_name": "layer_3_decay", "param_names": ["0"], "initial_momentum": 0.9},
    "caffe's heirs": {"lr_mult": 0.1, "decay_mult": 0.0, "lr_factor": 2.0},
    "Megatron": {"wd_mult": 1.0, "max_lr": 0.1, "min_lr": 0.01, "is_expert_parallel": False},
    "YOLOv5": {"param_group": "bias", "warmup_lr": 0.1},
    "BEiT": {"layer_id": 3, "layer_ids": [1, 2]},
    "GaLore": {"rank": 4, "update_proj_gap": 200, "scale": 0.25, "proj_type": "std"},
    "schedule-free": {"k": 0, "r": 0.0, "lr_max": -1.0, "weight_lr_power": 2.0, "train_mode": True},
    "own": {"tags": {"depth": 7}, "mask": torch.ones(2)},
}


def same(left, right):
    return torch.equal(left, right) if isinstance(left, torch.Tensor) else left == right


@pytest.mark.parametrize("name, rate", [("AdamW", 0.05), ("SGD", 0.05), ("Adagrad", 0.05), ("Muon", 0.02)])
@pytest.mark.parametrize("guests", GUESTS.values(), ids=GUESTS)
def test_guests_stay_travel_and_change_nothing(name, rate, guests):
    names = {key: value for key, value in guests.items() if key == "param_names"}
    rest = {key: value for key, value in guests.items() if key not in names}
    pair = Pair(name, {"lr": rate}, [{"params": [0], **rest}], shapes=[(3, 4)])
    pair.ours.param_groups[0].update(names)
    pair.step(), pair.step()
    pair.same(1e-6 if name == "Muon" else 1e-12)
    stored = saved(pair.ours.state_dict())
    fresh = getattr(ct, name)(params([(3, 4)]), lr=rate)
    fresh.load_state_dict(stored)
    theirs = getattr(torch.optim, name)(params([(3, 4)]), lr=rate)
    theirs.load_state_dict(stored)
    copies = copy.deepcopy(pair.ours), pickle.loads(pickle.dumps(pair.ours)), fresh, theirs
    for group in (pair.ours.param_groups[0], stored["param_groups"][0], *(o.param_groups[0] for o in copies)):
        assert all(same(group[key], value) for key, value in guests.items())


def test_guests_are_seen():
    optimizer = ct.AdamW([{"params": params(), "layer_id": 3, "lr_mult": 0.1, "lr_scale": 1.0}])
    assert "kept for others: layer_id = 3, lr_mult = 0.1\n" in repr(optimizer) + "\n"


def test_a_checkpoint_of_torchs_class_is_known_beside_guests():
    """RAdam's names are not Adam's, whatever else stands in the group."""
    pair = Pair("RAdam", {}, [{"params": [0], "layer_id": 3}], shapes=[(2,)])
    pair.step()
    with pytest.raises(ValueError, match="group 0 of the checkpoint was written by RAdam"):
        ct.Adam(params([(2,)])).load_state_dict(pair.theirs.state_dict())


MISTAKES = {
    "weigth_decay": r"unknown key 'weigth_decay' \(did you mean 'weight_decay'\?\); a group may have params, lr, betas",
    "learn_rate": "unknown key 'learn_rate'",
    "LR": "unknown key 'LR'",
    "wd": r"unknown key 'wd' \(did you mean 'weight_decay'\?\)",
    "decay": r"unknown key 'decay' \(did you mean 'weight_decay'\?\)",
    "beta": r"unknown key 'beta' \(did you mean 'betas'\?\)",
    "momentum": "unknown key 'momentum'; a group may have",
    "momentun": "unknown key 'momentun'; a group may have",
    "clip_value": "'clip_value' must be named when the optimizer is built, there or in one of its groups",
    "slot_dtype": "'slot_dtype' holds for all groups; give it when the optimizer is built",
    "on_nonfinite": "'on_nonfinite' holds for all groups",
}


def write(optimizer, q, key):
    optimizer.param_groups[0][key] = 0.5
    optimizer.step()


WAYS = {"added": lambda optimizer, q, key: optimizer.add_param_group({"params": [q], key: 0.5}), "written": write}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", MISTAKES)
def test_mistakes_are_told_before_anything_changes(key, way):
    p, q = params([(3,), (2,)])
    optimizer = ct.AdamW([p], lr=Linear(0.1, 0.0, 10))
    give([p], 1), optimizer.step()
    before = everything(optimizer)
    with pytest.raises(UnknownName, match=f"For 'AdamW', group {int(way == 'added')}: {MISTAKES[key]}"):
        WAYS[way](optimizer, q, key)
    optimizer.param_groups[0].pop(key, None)
    assert everything(optimizer) == before
    give([p], 2), optimizer.step()
    assert optimizer.param_groups[0]["step"] == 2


@pytest.mark.parametrize("value", [Linear(0, 1, 2), lambda step: step], ids=["schedule", "function"])
def test_nobody_follows_a_schedule_of_a_guest(value):
    with pytest.raises(UnknownName, match="'lr_mult' is no hyperparameter, so a schedule has no place there"):
        ct.AdamW([{"params": params(), "lr_mult": value}])


SET = [  # name, what set says of it, what an assignment says
    ("clip_value", "'clip_value' must be named when the optimizer is built", None),
    ("ema", "'ema' holds for all groups", None),
    ("amsgrad", r"'amsgrad' chooses a rule; assign it in a group: param_groups\[0\]\['amsgrad'\]", None),
    ("grad_centralization", "'grad_centralization' chooses a rule", None),
    ("momentum", "no hyperparameter 'momentum'", None),
    ("lr", None, r"'lr' is no attribute; call set\('lr', …\), or assign it in a group"),
    ("learning_rate", None, r"'learning_rate' is no attribute; call set\('lr', …\)"),
]


@pytest.mark.parametrize("name, said, assigned", SET, ids=[row[0] for row in SET])
def test_set_and_assignment_work_or_say_why_not(name, said, assigned):
    optimizer = ct.AdamW(params())
    before = everything(optimizer)
    with pytest.raises(AttributeError, match=f"For 'AdamW': {assigned or said}"):
        setattr(optimizer, name, 0.5)
    if said:
        with pytest.raises(UnknownName, match=said):
            optimizer.set(name, 0.5)
        assert everything(optimizer) == before
    else:
        optimizer.set(name, 0.5)
        assert optimizer.current()["lr"] == 0.5


def test_a_class_of_the_users_may_have_attributes_of_its_own():
    class Mine(ct.AdamW):
        def __init__(self, params, lr):
            super().__init__(params, lr)
            self.lr = self.ema = lr

    assert Mine(params(), 0.25).lr == 0.25


def test_options_of_the_constructor_are_a_groups_to_change():
    optimizer = ct.AdamW([{"params": params([(3,)]), "clip_value": 1.0}])
    optimizer.add_param_group({"params": params([(2,)]), "clip_value": 0.5})
    optimizer.set("clip_value", 0.25, group=0)
    optimizer.param_groups[0]["grad_centralization"] = True
    assert [group["clip_value"] for group in optimizer.current()] == [0.25, 0.5]
    assert optimizer.engine.groups[0].centralize


def test_a_choice_that_cannot_be_is_refused_each_time_and_can_be_taken_back():
    p = params([(30, 20)], dtype=torch.float32)
    optimizer = ct.AdamW(p, lr=0.1, slot_dtype="int8")
    give(p, 1), optimizer.step()
    before, group = everything(optimizer), dict(optimizer.param_groups[0])
    optimizer.param_groups[0].update(grad_centralization=True, lr=0.5)
    for _ in range(2):
        give(p, 2)
        with pytest.raises(ValueError, match=r"^For 'AdamW': parameter '0' of group 0 cannot have .* are centred"):
            optimizer.step()
    optimizer.param_groups[0].clear(), optimizer.param_groups[0].update(group)
    assert everything(optimizer) == before
    give(p, 2), optimizer.step()
    assert optimizer.param_groups[0]["step"] == 2
