"""Many tensors at one glance: the same steps as when each is asked, and whatever is not as it was is noticed."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import calando.torch as ct  # noqa: E402
from calando.kernels import asking, glance, libtorch, team  # noqa: E402
from calando.plan import Part  # noqa: E402

needs_libtorch = pytest.mark.skipif(libtorch.functions() is None, reason="another PyTorch than those that are asked")
pytestmark = needs_libtorch

SHAPES = [(3, 2), (), (0,), (4,), (2, 3, 1), (1, 5), (2, 3, 4, 4)]
DTYPES = [torch.float32, torch.float32, torch.bfloat16, torch.float64, torch.complex64]


@pytest.fixture(autouse=True, params=["alone", "shared"])
def all_are_many(request, monkeypatch):
    """Asked by the caller alone, and in many ranges by three of PyTorch's threads."""
    monkeypatch.setattr(glance, "MANY", 1)
    before = torch.get_num_threads()
    if request.param == "shared":
        if team.openmp() is None:
            pytest.skip("this PyTorch has another OpenMP library than GNU's")
        monkeypatch.delenv("CALANDO_NUM_THREADS", raising=False)
        monkeypatch.setattr(asking, "WORTH", 1)
        torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def glances(monkeypatch):
    """The parts that were taken over from a glance."""
    seen: list = []
    see = Part.see
    monkeypatch.setattr(Part, "see", lambda part: (seen.append(part), see(part))[1])
    return seen


def weights(seed, kinds=DTYPES, shapes=SHAPES):
    """Parameters of many kinds: dtypes, shapes and strides."""
    made = torch.Generator().manual_seed(seed)
    found = []
    for i, shape in enumerate(shapes * 3):
        x = torch.randn(shape, generator=made, dtype=torch.float32).to(kinds[i % len(kinds)])
        if len(shape) == 4:
            x = x.to(memory_format=torch.channels_last)
        found.append(torch.nn.Parameter(x.t() if len(shape) == 2 and i % 2 else x))
    return found


def push(params, seed):
    """Gradients, allocated anew, laid out as their parameters."""
    made = torch.Generator().manual_seed(seed)
    for p in params:
        noise = torch.randn(p.shape, generator=made).to(p.dtype)
        p.grad = torch.empty_like(p, requires_grad=False).copy_(noise)


def trained(monkeypatch, many, change, steps=4, kinds=DTYPES):
    """The parameters after some steps, between which ``change(params, step)`` does something."""
    monkeypatch.setattr(glance, "MANY", many)
    params = weights(0, kinds)
    optimizer = ct.AdamW(params, lr=lambda step: 0.1 / (1 + step), max_norm=2.0)
    for step in range(steps):
        push(params, step)
        change(params, step)
        optimizer.step()
    return params, optimizer


def nothing(params, step):
    pass


def leave_out(params, step):
    if step == 2:
        params[3].grad = None


def exchange_data(params, step):
    if step == 2:
        for p in params:
            p.data = p.data.clone()


def other_strides(params, step):
    if step == 2:
        wide = [p for p in params if p.dim() == 4]
        for p in wide:
            p.grad = p.grad.contiguous()


def negative(params, step):
    if step == 2:
        for p in [p for p in params if p.dim() == 1 and p.numel()]:  # whose strides stay
            p.grad = torch._neg_view(p.grad.neg())


def conjugate(params, step):
    if step == 2:
        for p in params:
            p.grad = p.grad.conj() if p.is_complex() else p.grad


def swap(params, step):
    if step == 2:
        with torch.no_grad():
            other = torch.nn.Parameter(params[0].detach() * 2)
            other.grad = params[0].grad
        torch.utils.swap_tensors(params[0], other)


def in_place(params, step):
    """The same gradient tensors with other memory inside."""
    if step == 2:
        for p in params:
            p.grad.data = p.grad.clone(memory_format=torch.preserve_format)


@pytest.mark.parametrize(
    "change, long",
    [(x, False) for x in (nothing, exchange_data, in_place)]
    + [(x, True) for x in (leave_out, other_strides, negative, conjugate, swap)],
)
def test_as_when_each_is_asked(change, long, glances, monkeypatch):
    """Equal to the last bit; in the step where something does not fit, they are asked one by one."""
    ours, optimizer = trained(monkeypatch, 1, change)
    parts = len(optimizer.engine.parts)
    assert parts > 2
    assert (len(glances) < 4 * parts) if long else (len(glances) == 4 * parts)
    assert len(glances) >= 2 * parts
    count = len(glances)
    theirs, other = trained(monkeypatch, 10_000, change)
    assert len(glances) == count, "nobody looks there"
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(
            torch.view_as_real(a) if a.is_complex() else a, torch.view_as_real(b) if b.is_complex() else b
        )
        mine, yours = optimizer.state[a], other.state[b]
        assert mine.keys() == yours.keys()
        assert all(torch.equal(torch.as_tensor(mine[k]), torch.as_tensor(yours[k])) for k in mine)


def moved_with_gaps(p):
    """Other memory, not laid out as before, behind the same parameter."""
    p.data = torch.stack([p.data, p.data], -1)[..., 0]


def with_gaps(p):
    """The same memory, in another order of axes."""
    with torch.no_grad():
        p.t_()


@pytest.mark.parametrize("change", [moved_with_gaps, with_gaps])
@pytest.mark.parametrize("number", [0, 511, 512, 599])
def test_among_very_many_one_that_has_changed(change, number, glances):
    """More than are asked at once: who has moved is asked, who has not is noticed by its gradient."""

    def run(kind, gradient_as_before):
        torch.manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(3, 3)) for _ in range(600)]
        optimizer = kind(params, lr=0.1)
        for step in range(6):
            if step == 3:
                change(params[number])
            for i, p in enumerate(params):
                g = torch.full((3, 3), 0.1 * i + step).cumsum(0)
                p.grad = g if gradient_as_before else torch.empty_like(p, requires_grad=False).copy_(g)
            optimizer.step()
        return params

    for gradient_as_before in (True, False) if change is moved_with_gaps else (False,):
        glances.clear()
        ours = run(ct.AdamW, gradient_as_before)
        assert 3 <= len(glances) < 6
        theirs = run(torch.optim.AdamW, gradient_as_before)
        assert all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(ours, theirs, strict=True))


def test_among_very_many_one_that_has_shrunk_is_named_in_every_step():
    """Its gradient is as before; nothing may be written behind its end, whoever tries again."""
    params = [torch.nn.Parameter(torch.ones(3, 3)) for _ in range(600)]
    optimizer = ct.SGD(params, lr=0.1)
    push(params, 0)
    optimizer.step()
    params[599].data = torch.zeros(2)
    before = params[0].detach().clone()
    for _ in range(3):
        with pytest.raises(ValueError, match=r"parameter '599' of group 0 had shape \(3, 3\).*has \(2,\) now"):
            optimizer.step()
    assert torch.equal(params[0], before) and params[599].tolist() == [0.0, 0.0]


def test_it_finds_the_addresses():
    params = weights(1, kinds=[torch.float32])
    optimizer = ct.SGD(params, lr=0.1)
    push(params, 1)
    (part,) = optimizer.engine.parts
    assert glance.seen(part) or part.look()
    part.take([p.grad for p in params])
    assert glance.seen(part)
    assert part.where.tolist() == [p.data_ptr() for p in params]
    assert part.grad_where.tolist() == [p.grad.data_ptr() for p in params]
    assert part.glance.looking.workers == (3 if asking.WORTH == 1 else 1)
    assert len(part.glance.looking.verdicts) == (12 if asking.WORTH == 1 else 1)
    part.release()


def test_gradients_are_held_until_the_step_is_over():
    """Another thread may let go of them while a kernel reads."""
    params = weights(1, kinds=[torch.float32])
    optimizer = ct.SGD(params, lr=0.1)
    push(params, 1)
    (part,) = optimizer.engine.parts
    grads = [p.grad for p in params]
    before = [g._use_count() for g in grads]
    optimizer.step()
    assert [g._use_count() for g in grads] == before, "none is held between steps"
    assert glance.seen(part)
    assert [g._use_count() for g in grads] == [count + 1 for count in before]
    for p in params:
        p.grad = None
    assert [g._use_count() for g in grads] == before, "ours in the place of theirs"
    part.release()
    assert [g._use_count() for g in grads] == [count - 1 for count in before]


def test_who_was_interrupted_twice_holds_none_for_long():
    """What an earlier look has left held is let go of before the next one, by the caller."""
    params = weights(1, kinds=[torch.float32])
    optimizer = ct.SGD(params, lr=0.1)
    push(params, 1)
    optimizer.step()
    (part,) = optimizer.engine.parts
    assert glance.seen(part)
    grads = [p.grad for p in params]
    held = [g._use_count() for g in grads]
    push(params, 2)
    before = [g._use_count() for g in grads]
    assert glance.seen(part)
    assert before == [count - 1 for count in held], "theirs is gone, ours is not"
    assert [g._use_count() for g in grads] == [count - 1 for count in before]
    part.release()


def test_versions_advance_once():
    """Autograd notices a step between forward and backward."""
    params = weights(2, kinds=[torch.float32, torch.complex64])
    optimizer = ct.Adam(params, lr=0.1)
    push(params, 0)
    optimizer.step()
    before = [p._version for p in params]
    push(params, 1)
    optimizer.step()
    assert [p._version - b for p, b in zip(params, before, strict=True)] == [1] * len(params)


def test_a_shape_that_has_changed_is_named():
    params = weights(3, kinds=[torch.float32])
    optimizer = ct.SGD(params, lr=0.1)
    push(params, 0)
    optimizer.step()
    params[3].data = torch.zeros(5)
    params[3].grad = torch.zeros(5)
    with pytest.raises(ValueError, match=r"parameter '3' of group 0 had shape \(4,\).*has \(5,\) now"):
        optimizer.step()


def test_a_gradient_of_another_dtype_is_read_as_it_is(glances):
    p = torch.nn.Parameter(torch.ones(4))
    optimizer = ct.SGD([p], lr=1.0)
    p.grad = torch.ones(4)
    optimizer.step()
    p.grad = None
    p.grad_dtype = torch.float64
    p.grad = torch.full((4,), 2.0, dtype=torch.float64)
    count = len(glances)
    optimizer.step()
    assert len(glances) == count and p.tolist() == [-2.0] * 4


def test_inference_tensors_are_asked_one_by_one(glances):
    with torch.inference_mode():
        p = torch.nn.Parameter(torch.ones(3), requires_grad=False)
        p.grad = torch.ones(3)
        ct.SGD([p], lr=1.0).step()
        assert p.tolist() == [0.0] * 3
    assert not glances


def test_copies_look_for_themselves(glances):
    params = weights(4, kinds=[torch.float32])
    optimizer = ct.SGD(params, lr=0.1, momentum=0.9)
    push(params, 0)
    optimizer.step()
    twin = copy.deepcopy(optimizer)
    push(twin.param_groups[0]["params"], 1), push(params, 1)
    count = len(glances)
    optimizer.step(), twin.step()
    assert len(glances) == count + 2
    for p, q in zip(params, twin.param_groups[0]["params"], strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("version", ["2.6.0", "2.14.0", "3.0"])
def test_in_another_version_of_pytorch_nobody_is_called(version, monkeypatch, glances):
    monkeypatch.setattr(torch, "__version__", version)
    libtorch.functions.cache_clear()
    try:
        assert libtorch.functions() is None
        params = weights(5, kinds=[torch.float32])
        push(params, 0)
        ct.SGD(params, lr=0.1).step()
        assert not glances
    finally:
        monkeypatch.undo()
        libtorch.functions.cache_clear()


def test_a_function_that_is_missing_ends_it(monkeypatch):
    monkeypatch.setitem(libtorch.NAMES, "data", "aoti_torch_no_such_word")
    libtorch.functions.cache_clear()
    try:
        assert libtorch.functions() is None
    finally:
        monkeypatch.undo()
        libtorch.functions.cache_clear()


def test_what_they_say_is_what_python_says():
    """Every word of libtorch against the same word in Python."""
    params = weights(6)
    cells = libtorch.handles(params)
    calls = dict(zip(libtorch.NAMES, libtorch.functions(), strict=True))
    tell_each = glance.words().tell_each

    def answers(name):
        found = np.zeros(len(params), np.uint64)
        tell_each(calls[name], cells, glance.places(found))
        return found.tolist()

    assert answers("data") == [p.data_ptr() for p in params]
    assert answers("rank") == [p.dim() for p in params]
    kinds = {p.dtype: kind for p, kind in zip(params, answers("dtype"), strict=True)}
    assert len(set(kinds.values())) == len(set(DTYPES))
    assert set(answers("layout")) == {0} and set(answers("device")) == {0}
