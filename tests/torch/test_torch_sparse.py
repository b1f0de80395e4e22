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


def test_a_gradient_may_be_sparse_in_single_elements():
    p, q = weights(torch.float32), weights(torch.float32)
    ours, theirs = ct.SGD([p], lr=0.1), torch.optim.SGD([q], lr=0.1)
    for x in (p, q):
        x.grad = torch.sparse_coo_tensor(torch.tensor([[1, 2], [0, 2]]), torch.ones(2), (12, 3))
    ours.step(), theirs.step()
    torch.testing.assert_close(p, q)


def laid(values, way):
    """A parameter with these values: in the plain order, its last two axes exchanged in memory, or with gaps."""
    if way == "turned":
        return torch.nn.Parameter(values.transpose(-1, -2).contiguous().transpose(-1, -2))
    if way == "with gaps":
        wide = torch.zeros(*values.shape[:-1], 2 * values.shape[-1], dtype=values.dtype)
        wide[..., ::2] = values
        return torch.nn.Parameter(wide[..., ::2])
    return torch.nn.Parameter(values.clone())


LAYOUTS = pytest.mark.parametrize("way", ["plain", "turned", "with gaps"])


def scattered(step, shape, axes, dtype):
    """A gradient that is sparse along so many axes; nothing at all in one step."""
    torch.manual_seed(step)
    kept = torch.rand(shape) < (0.0 if step == 2 else 0.4)
    return (torch.randn(shape, dtype=dtype) * kept).to_sparse(axes)


@LAYOUTS
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(
    "name, dtype", [("SparseAdam", torch.float64), ("Adagrad", torch.float32), ("SGD", torch.complex128)]
)
def test_single_elements_and_any_layout_as_in_torch(name, dtype, axes, way):
    """What a gradient leaves out stands still, its moments too, along whichever axes it is sparse."""
    torch.manual_seed(1)
    values = torch.randn(4, 3, 2, dtype=dtype)
    p, q = laid(values, way), laid(values, way)
    ours, theirs = getattr(ct, name)([p], lr=0.1), getattr(torch.optim, name)([q], lr=0.1)
    for step in range(6):
        for x, optimizer in ((p, ours), (q, theirs)):
            x.grad = scattered(step, values.shape, axes, dtype)
            optimizer.step()
        tolerance = 4e-6 if dtype is torch.float32 else 1e-12
        torch.testing.assert_close(p, q, rtol=tolerance, atol=tolerance)
    for key in ("exp_avg", "exp_avg_sq", "sum"):
        if key in ours.state[p]:
            torch.testing.assert_close(ours.state[p][key], theirs.state[q][key], rtol=tolerance, atol=tolerance)


@LAYOUTS
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_averages_and_norms_know_of_single_elements(axes, way):
    """The average goes on everywhere; a norm is that of what there is: both as the dense twin, element by element."""
    torch.manual_seed(1)
    values = torch.randn(4, 3, 2, dtype=torch.float64)
    p, mean = laid(values, way), values.clone()
    optimizer = ct.SGD([p], lr=0.1, ema=0.7, max_norm=0.5)
    q = values.clone()
    for step in range(6):
        p.grad = scattered(step, values.shape, axes, torch.float64)
        g = p.grad.to_dense()
        optimizer.step()
        q -= 0.1 * g * min(1.0, 0.5 / (g.norm().item() or 1.0))
        mean = mean * 0.7 + q * (1 - 0.7)
        torch.testing.assert_close(p.detach(), q, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(optimizer.ema_parameters()[0], mean, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_rows_are_centred_whole(axes):
    torch.manual_seed(1)
    p = torch.nn.Parameter(torch.zeros(4, 3, 2, dtype=torch.float64))
    p.grad = scattered(1, p.shape, axes, torch.float64)
    g = p.grad.to_dense()
    ct.SGD([p], lr=1.0, grad_centralization=True).step()
    torch.testing.assert_close(p.detach(), g.mean((1, 2), keepdim=True) - g)


@LAYOUTS
def test_layouts_agree_to_the_last_bit(way):
    """Where memory has gaps there is no kernel: the array expressions are its twin."""
    torch.manual_seed(1)
    values = torch.randn(4, 3, 2, dtype=torch.float64)
    p, q = laid(values, way), laid(values, "plain")
    for x in (p, q):
        optimizer = ct.SparseAdam([x], lr=0.1)
        for step in range(4):
            x.grad = scattered(step, values.shape, 2, torch.float64)
            optimizer.step()
    assert torch.equal(p, q)


@pytest.mark.parametrize("name", ["SparseAdam", "Adagrad"])
def test_a_number_whose_sparse_gradient_is_empty_stands_still(name):
    made = []
    for room in (ct, torch.optim):
        p = torch.nn.Parameter(torch.tensor(1.0))
        optimizer = getattr(room, name)([p], lr=0.1)
        for g in (torch.tensor(0.5).to_sparse(), torch.tensor(0.0).to_sparse()):
            p.grad = g
            optimizer.step()
        made.append(p.item())
    assert made[0] == pytest.approx(made[1], rel=1e-6) and made[0] < 1
