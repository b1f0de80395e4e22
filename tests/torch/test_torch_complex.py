"""Complex parameters: pairs of real numbers to a rule, complex in state, as torch has them."""

import copy

import pytest
import torch
from torch_pairs import ours, saved, theirs

ROWS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "dampening": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"maximize": True}),
    ("Adadelta", {}),
    ("Adagrad", {"initial_accumulator_value": 0.1, "lr_decay": 0.1}),
    ("Adamax", {"weight_decay": 0.1}),
    ("ASGD", {"t0": 2, "lambd": 0.1}),
    ("NAdam", {"decoupled_weight_decay": True}),
    ("RAdam", {"betas": (0.9, 0.95)}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Rprop", {}),
]
SHAPES = [(), (5,), (3, 4)]
REMEMBERED = ("mu", "eta", "mu_product")


def drawn(seed, dtype, real=False):
    torch.manual_seed(seed)
    found = [torch.randn(shape, dtype=dtype) for shape in SHAPES]
    return [*found, torch.randn(6, dtype=found[0].real.dtype)] if real else found


def given(tensors, seed, dtype, resolved=False):
    """Gradients as autograd leaves them: plain, conjugated lazily (not for torch), turned, and real ones."""
    scalar, vector, matrix, real = drawn(seed, dtype, real=True)
    odd = matrix.T.contiguous().T if seed % 2 else matrix
    for p, g in zip(tensors, [scalar, vector.conj(), odd, real], strict=True):
        p.grad = g.resolve_conj() if resolved else g


@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64], ids=str)
@pytest.mark.parametrize("name, options", ROWS, ids=str)
def test_torchs_path_and_state_with_a_change_of_sides(name, options, dtype):
    left = [torch.nn.Parameter(x) for x in drawn(0, dtype, real=True)]
    right = copy.deepcopy(left)
    mine, original = ours(name)(left, **options), theirs(name)(right, **options)
    wide = dtype is torch.complex128
    # torch casts what NAdam and ASGD remember to a real parameter's float64 when it loads, and goes on in that
    near = {"rtol": 1e-10 if name == "NAdam" else 1e-12, "atol": 1e-14} if wide else {"rtol": 2e-5, "atol": 2e-6}
    for step in range(8):
        given(left, step + 1, dtype), given(right, step + 1, dtype, resolved=True)
        mine.step(), original.step()
        for p, q in zip(left, right, strict=True):
            torch.testing.assert_close(p, q, **near)
            assert mine.state[p].keys() == original.state[q].keys()
            for key, value in original.state[q].items():
                kept = {"check_dtype": False, "rtol": 1e-6, "atol": 1e-9} if key in REMEMBERED else near
                torch.testing.assert_close(mine.state[p][key], value, **kept)
        if step == 4:  # torch's own state goes on in ours, and ours in torch's
            mine.load_state_dict(saved(original.state_dict()))
            original.load_state_dict(saved(mine.state_dict()))


def test_the_norm_is_that_of_the_complex_gradients():
    left = [torch.nn.Parameter(x) for x in drawn(0, torch.complex128, real=True)]
    right = copy.deepcopy(left)
    mine, original = ours("SGD")(left, lr=1.0, max_norm=0.5), theirs("SGD")(right, lr=1.0)
    given(left, 3, torch.complex128), given(right, 3, torch.complex128)
    mine.step()
    whole = torch.cat([torch.view_as_real(q.grad.resolve_conj()).flatten() for q in right[:3]] + [right[3].grad])
    for q in right:
        q.grad = q.grad * (0.5 / (whole.norm() + 1e-6))
    original.step()
    for p, q in zip(left, right, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-14)


def test_a_snapshot_of_complex_moments_goes_on_exactly():
    left = [torch.nn.Parameter(x) for x in drawn(0, torch.complex64, real=True)]
    mine = ours("Adam")(left)
    for step in range(3):
        given(left, step, torch.complex64)
        mine.step()
    right = copy.deepcopy(left)
    other = ours("Adam")(right)
    other.restore(mine.snapshot())
    given(left, 9, torch.complex64), given(right, 9, torch.complex64)
    mine.step(), other.step()
    for p, q in zip(left, right, strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize(
    "name, kind", [("Adafactor", RuntimeError), ("Muon", RuntimeError), ("SparseAdam", ValueError)]
)
def test_rules_without_a_complex_meaning_refuse(name, kind):
    p = torch.nn.Parameter(torch.ones(2, 2, dtype=torch.complex64))
    with pytest.raises(kind, match=f"{name} does not support complex parameters, but parameter 0 is one"):
        ours(name)([p])
