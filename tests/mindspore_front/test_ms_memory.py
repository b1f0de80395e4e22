"""Writing into MindSpore's memory: what was measured on it, line by line (§8), with our optimizers as writers.

The lines are quoted as they stand there. ``data_ptr()`` takes the place of a fresh ``asnumpy()`` in each step; the
slow way, ``asnumpy()``, is its twin here, and the path is the same to the last bit.
"""

from itertools import count

import numpy as np
import pytest

from calando.arrays import mindspore as memory
from calando.mindspore import nn

FRESH = count()


@pytest.fixture
def ms(mindspore):
    return mindspore


@pytest.fixture
def way(request, monkeypatch):
    """How our optimizers find memory."""
    if request.param == "asnumpy":
        monkeypatch.setattr(memory, "tells", lambda x: False)
    return request.param


both = pytest.mark.parametrize("way", ["data_ptr", "asnumpy"], indirect=True)


@pytest.fixture(params=["PYNATIVE_MODE", "GRAPH_MODE"])
def mode(request, mindspore):
    mindspore.set_context(mode=getattr(mindspore, request.param))
    yield request.param
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)


def made(ms, array, **options):
    return ms.Parameter(ms.Tensor(np.asarray(array)), name=f"memory{next(FRESH)}", **options)


def ones(ms, *params):
    return tuple(ms.Tensor(np.ones(p.shape, "f4")).astype(p.dtype) for p in params)


ORIGINS = {
    "Tensor(np)": lambda ms, a: ms.Tensor(a),
    "initializer": lambda ms, a: ms.common.initializer.initializer("ones", a.shape, ms.Tensor(a).dtype).init_data(),
    "op result": lambda ms, a: ms.ops.add(ms.Tensor(a), ms.Tensor(a)) / 2,
    "from_numpy": lambda ms, a: ms.Tensor.from_numpy(a),
}


@both
@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "bfloat16"])
@pytest.mark.parametrize("origin", ORIGINS)
def test_parameters_of_every_origin_are_written_where_they_lie(ms, origin, dtype, way):
    """p.asnumpy() returns a writable view of the live buffer … for Parameters from Tensor(np), initializer, op result,
    from_numpy. Pointer never moves under ops.assign or jitted optimizers."""
    array = np.ones((3, 4), "float32" if dtype == "bfloat16" else dtype)
    value = ORIGINS[origin](ms, array)
    p = ms.Parameter(value.astype(ms.bfloat16) if dtype == "bfloat16" else value, name=f"memory{next(FRESH)}")
    where = p.data_ptr()
    assert where == p.asnumpy().ctypes.data
    optimizer = nn.SGD([p], 0.25)
    optimizer(ones(ms, p))
    if dtype == "bfloat16":  # which ops.assign does not take on the CPU
        optimizer(ones(ms, p))
    else:
        ms.ops.assign(p, p - 0.25)
    optimizer(ones(ms, p))
    assert p.data_ptr() == where and p.shape == (3, 4)
    np.testing.assert_array_equal(p.astype(ms.float32).asnumpy(), np.float32(0.25))


def test_no_array_is_made_in_a_step(ms, monkeypatch):
    """asnumpy of 161 params 1.3 ms (1k elements) …: a step asks for addresses only."""
    params = [made(ms, np.ones((4, 3), "f4")) for _ in range(5)]
    optimizer, grads = nn.Momentum(params, 0.5, 0.0), ones(ms, *params)
    optimizer(grads)
    asked, original = [], ms.Tensor.asnumpy
    monkeypatch.setattr(ms.Tensor, "asnumpy", lambda self: asked.append(tuple(self.shape)) or original(self))
    optimizer(grads)
    monkeypatch.undo()
    assert (4, 3) not in asked
    assert [p.asnumpy()[0, 0] for p in params] == [0.0] * 5


class Net:
    """Built late, as MindSpore may be missing: a Conv2d, a BatchNorm2d and a Dense."""

    def __new__(cls, ms):
        class Network(ms.nn.Cell):
            def __init__(self):
                super().__init__()
                self.conv = ms.nn.Conv2d(1, 2, 3, weight_init="ones", pad_mode="same")
                self.norm = ms.nn.BatchNorm2d(2)
                self.fc = ms.nn.Dense(32, 1, weight_init=0.01)

            def construct(self, x):
                return self.fc(self.norm(self.conv(x)).reshape((x.shape[0], -1)))

        return Network()


def called(ms, net, compiled):
    """A function of its input, which MindSpore may have compiled."""

    def call(*inputs):
        return net(*inputs)

    return ms.jit(call) if compiled else call


X = np.random.default_rng(0).standard_normal((3, 1, 4, 4)).astype("f4")


@both
@pytest.mark.parametrize("forward", ["eager", "jit", "amp O2"])
def test_the_next_forward_sees_what_was_written(ms, mode, forward, way):
    """Writes are seen by the next eager forward, @jit forward, value_and_grad (jit or not), GRAPH_MODE, Conv/BN/Dense,
    amp O2, requires_grad=False."""
    net, x = Net(ms), ms.Tensor(X)
    net.conv.weight.requires_grad = False
    if forward == "amp O2":
        net = ms.amp.auto_mixed_precision(net, "O2")
    call = called(ms, net, forward == "jit")
    params = [p for p in net.get_parameters() if "moving" not in p.name]
    optimizer = nn.SGD(params, 1.0)
    before = call(x).asnumpy()
    optimizer(tuple(p * 0 for p in params))
    np.testing.assert_array_equal(call(x).asnumpy(), before)
    optimizer(tuple(p * 1 for p in params))  # every weight becomes 0
    assert np.abs(before).max() > 0 and (call(x).asnumpy() == 0).all()


@both
@pytest.mark.parametrize("compiled", [False, True])
def test_thirty_steps_are_those_of_mindspore_bit_for_bit(ms, mode, compiled, way):
    """30-step training with numpy SGD through views == MindSpore SGD bit for bit, both modes."""
    rng = np.random.default_rng(3)
    start, x, y = (rng.standard_normal(shape).astype("f4") for shape in ((1, 5), (16, 5), (16, 1)))
    x, y, paths = ms.Tensor(x), ms.Tensor(y), []
    for words in (ms.nn, nn):
        net = ms.nn.Dense(5, 1, weight_init=ms.Tensor(start), bias_init="zeros")
        optimizer = words.SGD(net.trainable_params(), 0.0625, momentum=0.5)
        loss = called(ms, ms.nn.WithLossCell(net, ms.nn.MSELoss()), compiled)
        gradient = ms.value_and_grad(loss, None, net.trainable_params())
        for _ in range(30):
            optimizer(gradient(x, y)[1])
        paths.append(net.weight.asnumpy().copy())
    np.testing.assert_array_equal(*paths)


def busy(ms, size=300, times=12):
    """A Tensor of ones whose work is still queued."""
    x = ms.Tensor(np.full((size, size), 1 / size, "f4"))
    found = ms.Tensor(np.ones((size, size), "f4"))
    for _ in range(times):
        found = ms.ops.matmul(found, x)
    return found


@both
def test_a_queued_assignment_is_not_lost(ms, way):
    """SAFE: call p.asnumpy() again each step (it waits for queued work: 0 lost in 220 trials), then write."""
    p = made(ms, np.zeros((300, 300), "f4"))
    optimizer, grads = nn.SGD([p], 0.5), ones(ms, p)
    for step in range(20):
        ms.ops.assign(p, ms.ops.round(busy(ms)) * step)
        optimizer(grads)
        assert set(p.asnumpy().ravel().tolist()) == {step - 0.5}


@both
def test_a_queued_reader_reads_what_was_there(ms, way):
    """NOT SAFE … 99/100 corrupted results when writing while a queued op still reads p."""
    for step in range(20):
        p = made(ms, np.ones((300, 300), "f4"))
        optimizer, grads = nn.SGD([p], 8.0), ones(ms, p)
        reader = ms.ops.matmul(ms.ops.round(busy(ms)), p)
        optimizer(grads)
        assert set(reader.asnumpy().ravel().tolist()) == {300.0}, step
        assert set(p.asnumpy().ravel().tolist()) == {-7.0}


@both
def test_our_optimizer_between_jitted_ones(ms, mode, way):
    """SAFE: … Interleaving views and jitted optimizers."""
    p = made(ms, np.zeros(7, "f4"))
    theirs, ours, grads = ms.nn.SGD([p], 0.5), nn.SGD([p], 0.25), ones(ms, p)
    for step in range(1, 9):
        theirs(grads)
        ours(grads)
        np.testing.assert_array_equal(p.asnumpy(), np.float32(-0.75 * step))


@both
@pytest.mark.parametrize("compiled", [False, True])
def test_no_view_is_kept_across_set_data(ms, compiled, way):
    """NOT SAFE: … any view kept across set_data/load (pointer changes; old view is orphaned but stays alive);
    set_data itself once anything is compiled."""
    net, x = ms.nn.Dense(4, 1, weight_init="zeros", bias_init="zeros"), ms.Tensor(np.ones((1, 4), "f4"))
    call = called(ms, net, compiled)
    optimizer = nn.SGD([net.weight], 1.0)
    assert call(x).asnumpy().item() == 0
    optimizer(ones(ms, net.weight))
    net.weight.set_data(ms.Tensor(np.full((1, 4), 5.0, "f4")))
    assert call(x).asnumpy().item() == 20
    optimizer(ones(ms, net.weight))
    assert call(x).asnumpy().item() == 16 and (net.weight.asnumpy() == 4).all()


@both
def test_memory_that_moves_is_found_again(ms, way):
    """As above, where another library exchanges the memory itself: each step asks anew."""
    p = made(ms, np.zeros(6, "f4"))
    optimizer, grads = nn.Momentum([p], 1.0, 0.0), ones(ms, p)
    optimizer(grads)
    kept = p.asnumpy()
    p.assign_value.__wrapped__(p, ms.Tensor(np.full(6, 3.0, "f4")))  # as MindSpore does it by itself
    optimizer(grads)
    np.testing.assert_array_equal(p.asnumpy(), 2.0)
    np.testing.assert_array_equal(kept, -1.0)


def test_memory_stays_while_a_step_holds_it(ms):
    """The old view is orphaned but stays alive: so does what we hold in its place."""
    p = made(ms, np.full(100_000, 7.0, "f4"))
    held = memory.hold([p])
    (where,) = memory.addresses(held)
    p.set_data(ms.Tensor(np.zeros(100_000, "f4")))
    others = [ms.Tensor(np.full(100_000, 5.0, "f4")) for _ in range(8)]
    assert p.data_ptr() != where
    view = np.ctypeslib.as_array((np.ctypeslib.ctypes.c_float * 100_000).from_address(int(where)))
    assert (view == 7).all() and len(others) == 8 and len(held) == 1


@both
def test_gradients_are_read_where_they_lie_and_left_alone(ms, way):
    """Gradients from value_and_grad: asnumpy() writable, shared, ops see writes; buffers are not reused by later
    backward passes; no alias with weights."""
    p = made(ms, np.arange(1, 5, dtype="f4"))
    gradient = ms.value_and_grad(lambda: (p * p).sum(), None, [p])
    optimizer = nn.SGD([p], 0.25, weight_decay=0.5, loss_scale=2.0)
    first = gradient()[1]
    optimizer(first)
    second = gradient()[1]
    np.testing.assert_array_equal(first[0].asnumpy(), 2 * np.arange(1, 5))
    np.testing.assert_array_equal(second[0].asnumpy(), 2 * p.asnumpy())
    second[0].asnumpy()[...] = 0
    optimizer.weight_decay, before = 0.0, p.asnumpy().copy()
    optimizer(second)
    np.testing.assert_array_equal(p.asnumpy(), before)


GIVEN = {
    "transposed": lambda ms: ms.Tensor(np.arange(12, dtype="f4").reshape(4, 3)).T,
    "a slice": lambda ms: ms.Tensor(np.arange(24, dtype="f4").reshape(6, 4))[3:],
    "one row for all": lambda ms: ms.ops.broadcast_to(ms.Tensor(np.arange(4, dtype="f4").reshape(1, 4)), (3, 4)),
    "a column for all": lambda ms: ms.ops.broadcast_to(ms.Tensor(np.arange(3, dtype="f4").reshape(3, 1)), (3, 4)),
    "an array": lambda ms: np.arange(12, dtype="f4").reshape(3, 4),
    "an array in columns": lambda ms: np.asfortranarray(np.arange(12, dtype="f4").reshape(3, 4)),
}


@both
@pytest.mark.parametrize("given", GIVEN)
def test_gradients_that_are_views(ms, given, way):
    """asnumpy() of a view is a copy, its data_ptr() leads into the memory of another: both are read as they mean."""
    g, p = GIVEN[given](ms), made(ms, np.zeros((3, 4), "f4"))
    nn.SGD([p], 1.0)((g,))
    np.testing.assert_array_equal(p.asnumpy(), -(g if isinstance(g, np.ndarray) else g.asnumpy()))


@both
def test_what_shares_memory_with_a_parameter_sees_a_step_and_copies_do_not(ms, way):
    """Tensor(p) and p.data alias p; clone(), Parameter(p), value() do not; Tensor(np) and from_numpy copy."""
    array = np.zeros(3, "f4")
    p = made(ms, array)
    shared = [ms.Tensor(p), p.data]
    copies = [p.clone(), ms.Parameter(p, name=f"memory{next(FRESH)}"), p.value(), ms.Tensor.from_numpy(array)]
    nn.SGD([p], 1.0)(ones(ms, p))
    assert all((x.asnumpy() == -1).all() for x in shared)
    assert all((x.asnumpy() == 0).all() for x in copies) and (array == 0).all()


def test_a_parameter_that_is_no_piece_of_memory_is_refused(ms):
    """Its asnumpy() is a copy, so what is written there is lost without a word."""
    p = made(ms, np.zeros((4, 3), "f4"))
    p.set_data(ms.Tensor(np.zeros((3, 4), "f4")).T)
    with pytest.raises(ValueError, match=rf"For 'SGD': parameter '{p.name}' of group 0 is not in one piece of memory"):
        nn.SGD([p], 1.0)
    p.set_data(p.contiguous())
    nn.SGD([p], 1.0)(ones(ms, p))
    assert (p.asnumpy() == -1).all()


@pytest.mark.parametrize("name", ["Adam", "Lamb", "AdaFactor", "RMSProp", "LBFGS"])
def test_both_ways_lead_along_the_same_path(ms, monkeypatch, name):
    """The slow way is the twin of the quick one."""
    rng, paths = np.random.default_rng(5), []
    start, pushes = rng.standard_normal((6, 5)).astype("f4"), rng.standard_normal((4, 6, 5)).astype("f4")
    for quick in (True, False):
        with monkeypatch.context() as patch:
            if not quick:
                patch.setattr(memory, "tells", lambda x: False)
            p = made(ms, start.copy())
            optimizer = getattr(nn, name)([p], **({} if name == "AdaFactor" else {"learning_rate": 0.05}))
            for push in pushes:
                if name == "LBFGS":
                    gradient = ms.value_and_grad(lambda p=p, push=push: ((p - ms.Tensor(push)) ** 2).sum(), None, [p])
                    optimizer.step(gradient)
                else:
                    optimizer((ms.Tensor(push),))
            paths.append(p.asnumpy().copy())
    np.testing.assert_array_equal(*paths)
    assert np.abs(paths[0] - start).max() > 1e-3
