"""Sparse gradients beside torch: SparseAdam, Adagrad, SGD; LazyAdam; refusals."""

import pytest
import torch

import calando.torch as ct

ROWS = [
    ("SparseAdam", {"lr": 0.1}),
    ("SparseAdam", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, "maximize": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
]
rows = pytest.mark.parametrize("name, options", ROWS, ids=str)
pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")


def pushed(p, step, dtype):
    torch.manual_seed(step)
    picks = torch.randint(0, 12, (7,))  # some come twice
    p.grad = torch.sparse_coo_tensor(picks[None], torch.randn(7, 3, dtype=dtype), (12, 3))


def weights(dtype):
    torch.manual_seed(5)
    return torch.nn.Parameter(torch.randn(12, 3, dtype=dtype))


@rows
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_torchs_path_and_state_both_ways(name, options, dtype):
    if dtype is torch.bfloat16 and (name, len(options)) != ("SGD", 1):
        pytest.skip("torch rounds every operation to bfloat16; calando once at the end")
    p, q = weights(dtype), weights(dtype)
    ours, theirs = getattr(ct, name)([p], **options), getattr(torch.optim, name)([q], **options)
    for step in range(12):
        pushed(p, step, dtype), pushed(q, step, dtype)
        if step == 6:
            crossed = getattr(ct, name)([p], **options)
            crossed.load_state_dict(theirs.state_dict())
            back = getattr(torch.optim, name)([q], **options)
            back.load_state_dict(ours.state_dict())
            # torch's momentum of sparse gradients is sparse itself, and with nesterov cannot be dense
            ours, theirs = crossed, theirs if options.get("nesterov") else back
        ours.step(), theirs.step()
        tolerance = {torch.float64: 1e-12, torch.float32: 4e-6, torch.bfloat16: 3e-2}[dtype]
        torch.testing.assert_close(p, q, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["SparseAdam", "LazyAdam", "Adagrad", "SGD"])
def test_rows_without_gradient_stay(name):
    p = weights(torch.float32)
    before = p.detach().clone()
    optimizer = getattr(ct, name)([p], lr=0.1)
    p.grad = torch.sparse_coo_tensor(torch.tensor([[2, 5]]), torch.ones(2, 3), (12, 3))
    optimizer.step()
    moved = (p != before).any(1).nonzero().ravel().tolist()
    assert moved == [2, 5]


def test_an_embedding_is_trained():
    torch.manual_seed(0)
    embedding, head = torch.nn.Embedding(50, 8, sparse=True), torch.nn.Linear(8, 2)
    optimizers = [ct.LazyAdam(embedding.parameters(), lr=0.1), ct.AdamW(head.parameters(), lr=0.05)]
    words, labels = torch.arange(50), torch.arange(50) % 2
    for _ in range(40):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(head(embedding(words)), labels)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    assert loss < 0.05


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "NAdam", "Lion"])
def test_others_refuse_as_torch_does(name):
    p = weights(torch.float32)
    optimizer = getattr(ct, name)([p])
    pushed(p, 0, torch.float32)
    with pytest.raises(RuntimeError, match="is sparse, which this optimizer does not support; make it dense, or give"):
        optimizer.step()


def test_refusals_of_torch():
    p = weights(torch.float32)
    p.grad = torch.ones_like(p)
    for library in (ct, torch.optim):
        with pytest.raises(RuntimeError, match="dense"):
            library.SparseAdam([p]).step()
    pushed(p, 0, torch.float32)
    for library in (ct, torch.optim):
        with pytest.raises(RuntimeError):
            library.Adagrad([p], weight_decay=0.1).step()
    sparse = torch.nn.Parameter(torch.zeros(3, 2).to_sparse())
    for library in (ct, torch.optim):
        with pytest.raises(ValueError, match="dense"):
            library.SparseAdam([sparse])


def test_a_gradient_sparse_in_single_elements_is_made_whole():
    p, q = weights(torch.float32), weights(torch.float32)
    ours, theirs = ct.SGD([p], lr=0.1), torch.optim.SGD([q], lr=0.1)
    for x in (p, q):
        x.grad = torch.sparse_coo_tensor(torch.tensor([[1, 2], [0, 2]]), torch.ones(2), (12, 3))
    ours.step(), theirs.step()
    torch.testing.assert_close(p, q)
