"""What bad input gets: one sentence with the thing, its value, its place and the way out; nothing changes."""

import math

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import ExponentialLR
from torch_pairs import KINDS, w

import calando.torch as ct
from calando.schedules import Cosine, Linear

BUILT = [  # class, options, exception, sentence
    ("SGD", {"lr": -0.1}, ValueError, r"For 'SGD': 'lr' must lie in \[0, inf\), but got -0.1"),
    ("SGD", {"lr": math.nan}, ValueError, r"For 'SGD': 'lr' must lie in \[0, inf\), but got nan"),
    ("SGD", {"lr": math.inf}, ValueError, r"For 'SGD': 'lr' must lie in \[0, inf\), but got inf"),
    ("SGD", {"lr": 10**400}, (ValueError, OverflowError), r"For 'SGD': 'lr'"),
    ("SGD", {"lr": "0.1"}, TypeError, f"For 'SGD': 'lr' {KINDS}'0.1'"),
    ("SGD", {"lr": None}, TypeError, f"For 'SGD': 'lr' {KINDS}None"),
    ("SGD", {"lr": {0: 0.1}}, TypeError, f"For 'SGD': 'lr' {KINDS}"),
    ("SGD", {"lr": ExponentialLR(torch.optim.SGD([w()]), 0.9)}, TypeError, "from_torch reads a scheduler"),
    ("SGD", {"lr": {0.1, 0.2}}, TypeError, "For 'SGD': 'lr'.*must be a .*sequence|number"),
    ("SGD", {"lr": 1j}, TypeError, f"For 'SGD': 'lr' {KINDS}1j"),
    (
        "SGD",
        {"lr": torch.ones(2, 2)},
        ValueError,
        r"For 'SGD': 'lr' as a tensor must have one element, but got a tensor of shape \(2, 2\); for one value",
    ),
    (
        "Adam",
        {"betas": (0.9, torch.tensor(0.99))},
        ValueError,
        "For 'Adam': 'betas' must be either both tensors or none",
    ),
    ("Adam", {"lr": torch.tensor(0.1), "foreach": True}, ValueError, "For 'Adam': 'lr' as a tensor does not go with"),
    ("Adam", {"lr": torch.tensor(1j)}, TypeError, f"For 'Adam': 'lr' {KINDS}1j"),
    ("SGD", {"lr": []}, ValueError, "For 'SGD': 'lr' must have one number for every step, but got an empty list"),
    (
        "SGD",
        {"lr": [0.1, -1]},
        ValueError,
        r"For 'SGD': 'lr' must lie in \[0, inf\), but got -1.0 \(entry 1 of Listed\(\(0.1, -1\)\)\)",
    ),
    ("SGD", {"lr": [0.1, math.nan]}, ValueError, r"For 'SGD': 'lr' must have a finite number .* got nan \(entry 1\)"),
    (
        "SGD",
        {"lr": [0.1, "x"]},
        TypeError,
        r"For 'SGD': 'lr' must have a number for every step, but got 'x' \(entry 1\)",
    ),
    (
        "SGD",
        {"lr": Linear(-1.0, 1.0, 4)},
        ValueError,
        r"For 'SGD': 'lr' must lie in \[0, inf\), but got -1.0 \(step 0: Linear\(-1, 1, 4\)\)",
    ),
    (
        "SGD",
        {"lr": lambda step: -1.0},
        ValueError,
        r"For 'SGD': 'lr' must lie in \[0, inf\), but got -1.0 \(step 0: Function\(<lambda at",
    ),
    (
        "SGD",
        {"lr": lambda step: "x"},
        TypeError,
        r"For 'SGD': 'lr'.*<lambda at .* must return a number, but for step 0 it returned 'x', a str",
    ),
    ("SGD", {"lr": lambda: 0.1}, TypeError, "For 'SGD': 'lr'.*takes 0 positional arguments"),
    ("SGD", {"momentum": -0.5}, ValueError, r"For 'SGD': 'momentum' must lie in \[0, inf\), but got -0.5"),
    (
        "SGD",
        {"dampening": math.nan},
        ValueError,
        "For 'SGD': 'dampening' must be a finite number, but got nan",
    ),
    (
        "SGD",
        {"weight_decay": -1},
        ValueError,
        r"For 'SGD': 'weight_decay' must lie in \[0, inf\), but got -1.0",
    ),
    (
        "SGD",
        {"nesterov": True},
        ValueError,
        "For 'SGD', group 0: Nesterov momentum requires .* but got momentum=0.0, dampening=0.0",
    ),
    (
        "SGD",
        {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
        ValueError,
        "requires a momentum and zero dampening",
    ),
    (
        "SGD",
        {"differentiable": True},
        ValueError,
        "For 'SGD': differentiable=True needs autograd through the step",
    ),
    ("SGD", {"max_norm": 0}, ValueError, r"For 'SGD': 'max_norm' must lie in \(0, inf\), but got 0.0"),
    ("SGD", {"max_norm": -1}, ValueError, r"For 'SGD': 'max_norm' must lie in \(0, inf\), but got -1.0"),
    (
        "SGD",
        {"on_nonfinite": "ignore"},
        ValueError,
        "For '.*': 'on_nonfinite' must be one of train, skip, raise, but got 'ignore'",
    ),
    ("Adam", {"betas": 0.9}, TypeError, "For 'Adam': 'betas' must be 2 values, but got 0.9"),
    ("Adam", {"betas": 10**400}, TypeError, "For 'Adam': 'betas' must be 2 values, but got an int of 1329 bits"),
    ("Adam", {"lr": 10**5000}, ValueError, "For 'Adam': 'lr' is too large: an int of 16610 bits"),
    ("Adam", {"betas": np.array("x")}, TypeError, "For 'Adam': 'betas' must be 2 values, but got array"),
    ("Adam", {"betas": {0.9, 0.99}}, TypeError, "For 'Adam': 'betas' must be 2 values, but got {"),
    ("Adam", {"betas": b"ab"}, TypeError, "For 'Adam': 'betas' must be 2 values, but got b'ab'"),
    (
        "Adafactor",
        {"beta2_decay": -float("inf")},
        ValueError,
        "'beta2_decay' must be a number from 0 down, but got -inf",
    ),
    ("Adam", {"betas": (0.9,)}, TypeError, r"For 'Adam': 'betas' must be 2 values, but got \(0.9,\)"),
    ("Adam", {"betas": (1.0, 0.9)}, ValueError, r"For 'Adam': 'beta1' must lie in \[0, 1\), but got 1.0"),
    (
        "Adam",
        {"betas": (0.9, [0.9, 1.5])},
        ValueError,
        r"For 'Adam': 'beta2' must lie in \[0, 1\), but got 1.5 \(entry 1 of",
    ),
    (
        "Adam",
        {"betas": Cosine(0.9, 0.8, 4)},
        TypeError,
        "For 'Adam': 'betas' must be 2 values, but got Cosine",
    ),
    ("Adam", {"eps": -1e-8}, ValueError, r"For 'Adam': 'eps' must lie in \[0, inf\), but got -1e-08"),
    (
        "Adam",
        {"capturable": True},
        ValueError,
        "For 'Adam': capturable=True captures CUDA graphs; calando runs no CUDA kernels",
    ),
    ("AdamW", {"momentum": 0.9}, TypeError, "For 'AdamW': unknown argument 'momentum'; it takes params, lr, betas"),
    ("SGD", {"weight_decay": True}, TypeError, "For 'SGD': 'weight_decay' must be a number, .* but got True"),
    ("AdamW", {"learning_rate": 0.1}, TypeError, r"unknown argument 'learning_rate' \(did you mean 'lr'\?\)"),
    ("AdamW", {"beta1": 0.9}, TypeError, r"unknown argument 'beta1' \(did you mean 'betas'\?\)"),
    ("AdamW", {"epsilon": 0.1}, TypeError, r"unknown argument 'epsilon' \(did you mean 'eps'\?\)"),
    ("AdamW", {"max_grad_norm": 1.0}, TypeError, r"unknown argument 'max_grad_norm' \(did you mean 'max_norm'\?\)"),
    ("AdamW", {"slot_dtyp": "float32"}, TypeError, r"unknown argument 'slot_dtyp' \(did you mean 'slot_dtype'\?\)"),
    (
        "Adam",
        {"amsgrad": Linear(0, 1, 3)},
        TypeError,
        "For 'Adam': 'amsgrad' chooses a rule, which does not change with time; give True or False, not Linear",
    ),
    ("SGD", {"momentum": 0.9, "nesterov": lambda step: True}, TypeError, "For 'SGD': 'nesterov' chooses a rule, which"),
    ("SGD", {"maximize": [True, False]}, TypeError, "For 'SGD': 'maximize' chooses a rule, which does not change"),
    ("Muon", {"ns_steps": 1.5}, TypeError, "For 'Muon': 'ns_steps' must be a whole number, but got 1.5"),
    ("RMSprop", {"centered": "yes"}, TypeError, "For 'RMSprop': 'centered' .* give True or False, not 'yes'"),
]


@pytest.mark.parametrize(
    "name, options, kind, sentence",
    BUILT,
    ids=[f"{i} {row[0]} {', '.join(row[1])}" for i, row in enumerate(BUILT)],
)
def test_refused_at_construction(name, options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        getattr(ct, name)([w()], **options)


p, q = w(), w(2)
GROUPS = [
    ([], ValueError, "empty parameter list"),
    (iter([]), ValueError, "empty parameter list"),
    (p, TypeError, "should be an iterable of Tensors or dicts, but got torch.FloatTensor"),
    (["x"], TypeError, "can only optimize Tensors, but one of the params is str"),
    ([p * 2], ValueError, "can't optimize a non-leaf Tensor"),
    ({p, q}, TypeError, "order.*set"),
    (None, TypeError, "For 'AdamW': params must be parameters in order; give a list of them"),
    ({"params": [p]}, TypeError, "For 'AdamW': params must be .*; give a list of groups"),
    (torch.nn.Linear(2, 2).parameters, TypeError, r"params must be .*; give what it returns: call it, as in model\.pa"),
    ([p, q, p], ValueError, r"For 'AdamW': parameter '0' stands twice in group 0; give each parameter once"),
    ([("a", p), ("b", p)], ValueError, "For 'AdamW': parameter 'a' stands twice in group 0"),
    (
        [{"params": [p]}, {"params": [q, p]}],
        ValueError,
        "For 'AdamW': parameter '0' stands in group 0 and in group 1; give each",
    ),
    ([{"params": {p, q}}], TypeError, "group 0: params must be parameters in order; give a list, not a set"),
    ([{"lr": 1}], KeyError, "For 'AdamW', group 0: 'params' is missing; it has 'lr'"),
    (
        [{"params": [p], "lrr": 1}],
        KeyError,
        r"For 'AdamW', group 0: unknown key 'lrr' \(did you mean 'lr'\?\)",
    ),
    ([{"params": [p], "learning_rate": 1}], KeyError, r"unknown key 'learning_rate' \(did you mean 'lr'\?\)"),
    (
        [{"params": [p], "weight_dacay": Linear(0, 1, 2)}],
        KeyError,
        r"unknown key 'weight_dacay' \(did you mean 'weight_decay'\?\)",
    ),
    (
        [{"params": [p], "momentum": 0.9}],
        KeyError,
        "For 'AdamW', group 0: unknown key 'momentum'; a group may have params, lr, betas",
    ),
    (
        [{"params": [p]}, {"params": [q], "lr": -1}],
        ValueError,
        r"For 'AdamW', group 1: 'lr' must lie in \[0, inf\), but got -1.0",
    ),
    (
        [{"params": [p], "betas": (0.9, 1.0)}],
        ValueError,
        r"For 'AdamW', group 0: 'beta2' must lie in \[0, 1\)",
    ),
    (
        [{"params": [p], "betas": 0.9}],
        TypeError,
        "For 'AdamW', group 0: 'betas' must be 2 values, but got 0.9",
    ),
    (
        [{"params": [p], "amsgrad": [True, False]}],
        TypeError,
        "For 'AdamW', group 0: 'amsgrad' chooses a rule, which does not change with time",
    ),
    ([{"params": [p], "step": -3}], ValueError, "For 'AdamW', group 0: 'step'.*-3"),
    ([{"params": [p], "step": "x"}], (ValueError, TypeError), "For 'AdamW', group 0: 'step'.*'x'"),
    ([{"params": [p], "capturable": True}], ValueError, "capturable=True captures CUDA graphs"),
    ([{"params": [p]}, q], TypeError, "For 'AdamW', group 1: param_group must be a dict, but got Parameter"),
    (
        [torch.zeros(3, dtype=torch.int64)],
        TypeError,
        "For 'AdamW': parameter '0' of group 0 is of dtype int64; only float16, bfloat16",
    ),
    ([("a", p), q], ValueError, "with/without names. Some param names are missing"),
    (
        torch.nn.LazyLinear(2).named_parameters(),
        ValueError,
        "For 'AdamW', group 0: parameter 'weight' has no shape yet, as in a lazy module; run one batch",
    ),
    (
        [torch.eye(3).to_sparse().requires_grad_()],
        ValueError,
        "For 'AdamW', group 0: parameter '0' must be dense, but its layout is sparse_coo; gradients may be sparse",
    ),
    *(
        (
            [{"params": [p], name: Linear(0, 1, 3)}],
            KeyError,
            f"For 'AdamW', group 0: '{name}' is no hyperparameter, so a schedule has no place there; it has lr, betas",
        )
        for name in ("initial_lr", "name", "foreach", "max_lr")
    ),
    (
        [torch.ones(3, 1).expand(3, 2).requires_grad_()],
        ValueError,
        r"^For 'AdamW': parameter '0' of group 0 has elements that share their memory, as expand\(\) makes them; clone",
    ),
    ([torch.ones(3, 3).to_mkldnn()], ValueError, "parameter '0' must be dense, but its layout is _mkldnn"),
]


def test_what_is_never_updated_may_share_its_memory():
    frozen = torch.ones(3, 1).expand(3, 2)
    optimizer = ct.AdamW([p, frozen])
    p.grad = torch.ones_like(p)
    optimizer.step()
    p.grad = None
    assert (frozen == 1).all()


def test_a_list_of_parameters_that_is_a_module_is_a_list():
    params = torch.nn.ParameterList([w(), w(2)])
    assert ct.AdamW(params).param_groups[0]["params"] == torch.optim.AdamW(params).param_groups[0]["params"]


@pytest.mark.parametrize("given, kind, sentence", GROUPS, ids=[row[-1] for row in GROUPS])
def test_refused_parameters_and_groups(given, kind, sentence):
    with pytest.raises(kind, match=sentence):
        ct.AdamW(given)
