"""Memory that is exchanged between steps: an address of before is never used again."""

import gc

import pytest
import torch
from torch_pairs import same

import calando.torch as ct


@pytest.fixture(autouse=True)
def what_other_tests_hold():
    """It is not searched for garbage in every step, nor what the first steps of all import."""
    gc.collect()
    gc.freeze()


def cloned(p):
    p.data = p.data.clone()


def transposed(p):
    p.data = p.data.t().contiguous().t()


def reset(p):
    with torch.no_grad():
        p.set_(p.detach().clone())


def regrown(p):
    """Another storage under the same tensor."""
    with torch.no_grad():
        kept = p.detach().clone()
        p.untyped_storage().resize_(0)
        p.untyped_storage().resize_(4 * p.nbytes)
        p.copy_(kept)


def inside_another(p):
    """A view of larger memory, not at its beginning."""
    wide = torch.full((3, *p.shape), 7.0, dtype=p.dtype)
    wide[1] = p.detach()
    p.data = wide[1]


def swapped(p):
    torch.utils.swap_tensors(p, torch.nn.Parameter(p.detach().clone()))


MOVES = [cloned, transposed, reset, regrown, inside_another, swapped]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["AdamW", "SGD", "Lamb"])
def test_the_path_is_that_of_memory_that_stays(name, seed):
    """Freed memory is poisoned by new tensors of the same size, which must stay as they are."""
    drawn = torch.Generator().manual_seed(seed)
    shapes = [(4, 5), (3, 3), (1, 7), (600, 2)]
    sides = [[torch.nn.Parameter(torch.linspace(-1, 1, a * b).reshape(a, b)) for a, b in shapes] for _ in range(2)]
    more = {"momentum": 0.9} if name == "SGD" else {}
    moving, still = (getattr(ct, name)(side, lr=0.1, **more) for side in sides)
    poison = []
    for _ in range(12):
        for p, q in zip(*sides, strict=True):
            q.grad = torch.randn(q.shape, generator=drawn)
            if torch.rand((), generator=drawn) < 0.5:
                p.grad = None
                MOVES[int(torch.randint(len(MOVES), (), generator=drawn))](p)
            p.grad = q.grad.clone()
        gc.collect()
        poison += [torch.full(shape, 9.0) for shape in shapes]
        moving.step(), still.step()
        same(sides[0], [q.detach() for q in sides[1]], 0, 0)
        assert all((x == 9.0).all() for x in poison)


def test_a_parameter_that_is_expanded_midway_is_named_and_nothing_is_lost():
    p = torch.nn.Parameter(torch.ones(3, 2))
    optimizer = ct.AdamW([p], lr=0.1)
    p.grad = torch.ones(3, 2)
    optimizer.step()
    whole, before = p.data, p.detach().clone()
    p.data = torch.ones(3, 1).expand(3, 2)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"parameter '0' of group 0 has elements that share their memory.*clone"):
            optimizer.step()
    p.data = whole
    assert torch.equal(p, before) and optimizer.param_groups[0]["step"] == 1
    twin = torch.nn.Parameter(torch.ones(3, 2))
    theirs = torch.optim.AdamW([twin], lr=0.1)
    twin.grad = torch.ones(3, 2)
    optimizer.step(), theirs.step(), theirs.step()
    assert torch.allclose(p, twin, rtol=1e-6) and optimizer.state[p]["step"] == 2
