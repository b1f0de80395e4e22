"""slot_dtype=, rounding= and averages of half precision: calando.torch's bits on every kind of parameters; in files."""

from itertools import product

import numpy as np
import pytest

import calando
from calando.mindspore import nn
from mindspore_front import kinds
from mindspore_front.test_ms_resume import travelled

torch = pytest.importorskip("torch")

SHAPES = {"fc.weight": (9, 70), "fc.bias": (9,), "scale": ()}
STEPS = 4
CHOICES = {
    "int8": {"slot_dtype": "int8"},
    "wide": {"slot_dtype": "float32"},
    "narrow": {"slot_dtype": "bfloat16"},
    "stochastic": {"rounding": "stochastic", "rounding_seed": 20},
    "kahan": {"rounding": "kahan", "slot_dtype": "float32"},
    "average": {"ema": lambda step: 0.5 + step / 10},
    "all": {"ema": 0.9, "slot_dtype": "int8", "rounding": "stochastic", "rounding_seed": 2**40 + 1, "clip_value": 0.8},
}
SINGLE = {
    "narrow": {"slot_dtype": "bfloat16", "ema": 0.9},
    "half": {"slot_dtype": "float16", "rounding_seed": 3},
}
KINDS = [
    *product(["float16"], ["numpy", "mindspore", "calando", "torch"]),
    *product(["bfloat16"], ["mindspore", "calando"]),
    *product(["float32"], ["numpy", "mindspore", "calando"]),
]
CASES = [(*kind, choice) for kind in KINDS for choice in (SINGLE if kind[0] == "float32" else CHOICES)]


class Kind:
    """Parameters of one framework."""

    def __init__(self, name, dtype):
        self.name, self.dtype = name, dtype
        if name == "mindspore":
            self.words = pytest.importorskip("mindspore")
        elif name == "calando":
            import calando.mindspore

            self.words = calando.mindspore

    def tensor(self, x):
        """A tensor of torch, x, as one of this framework; another memory."""
        if self.name == "numpy":
            return x.numpy().copy()
        if self.name == "torch":
            return x.clone()
        if self.name == "calando":
            return self.words.Tensor(x.clone())
        return self.words.Tensor(x.float().numpy().copy()).astype(getattr(self.words, self.dtype))

    def params(self, seed=0):
        made = [self.tensor(x) for x in drawn(seed, self.dtype)]
        if self.name in ("numpy", "torch"):
            return made
        return [self.words.Parameter(x, name=name) for x, name in zip(made, SHAPES, strict=True)]

    def read(self, x):
        """Its numbers in float32."""
        if isinstance(x, torch.Tensor):
            return x.detach().float().numpy().copy()
        return np.array(x.asnumpy() if hasattr(x, "asnumpy") else x).astype(np.float32)

    def go(self, optimizer, steps=range(STEPS)):
        for step in steps:
            optimizer(tuple(self.tensor(x) for x in drawn(1 + step, self.dtype)))


def drawn(seed, dtype):
    rng = np.random.default_rng(seed)
    return [
        torch.tensor(rng.standard_normal(s), dtype=torch.float32).to(getattr(torch, dtype)) for s in SHAPES.values()
    ]


def possible(choice, dtype, name):
    """Options that this kind can have: NumPy has no bfloat16."""
    options = (SINGLE if dtype == "float32" else CHOICES)[choice]
    if options.get("slot_dtype") == "bfloat16" and name == "numpy":
        pytest.skip("refused, as another test shows")
    return options


@pytest.mark.parametrize("dtype, name, choice", CASES)
def test_bit_for_bit_as_in_calando_torch(dtype, name, choice):
    from calando.torch import mindspore_nn

    kind, options = Kind(name, dtype), possible(choice, dtype, name)
    params = kind.params()
    optimizer = nn.Adam(params, learning_rate=0.01, weight_decay=0.1, **options)
    kind.go(optimizer)
    same = [torch.nn.Parameter(x) for x in drawn(0, dtype)]
    twin = mindspore_nn.Adam(same, lr=0.01, weight_decay=0.1, **{"slot_dtype": "param", **options})
    for step in range(STEPS):
        for p, g in zip(same, drawn(1 + step, dtype), strict=True):
            p.grad = g
        twin.step()
    for p, q in zip(params, same, strict=True):
        np.testing.assert_array_equal(kind.read(p), q.detach().float().numpy())
    for p, q in zip(optimizer.ema_parameters(), twin.ema_parameters(), strict=True) if "ema" in options else ():
        np.testing.assert_array_equal(kind.read(p), q.numpy())
        assert "float32" in str(p.dtype).lower() and q.dtype == torch.float32


@pytest.mark.parametrize("name", ["numpy", "mindspore", "calando"])
def test_an_average_of_half_precision_is_float32(name):
    """With slots in float16, too; written out step by step."""
    kind = Kind(name, "float16")
    params = kind.params()
    optimizer = nn.Momentum(params, 0.05, 0.9, ema=0.999)
    means = [kind.read(p) for p in params]
    for step in range(6):
        kind.go(optimizer, [step])
        follow = np.float32(1 - float(np.float32(0.999)))
        means = [e + (kind.read(p) - e) * follow for e, p in zip(means, params, strict=True)]
    for mean, wanted in zip(optimizer.ema_parameters(), means, strict=True):
        np.testing.assert_allclose(kind.read(mean), wanted, rtol=0, atol=1e-3 * np.float32(0.001) * 4)
        half = wanted.astype(np.float16).astype(np.float32)
        assert wanted.size == 1 or (kind.read(mean) != half).any()
    slots = [member.slots for members in optimizer.engine.members for member in members]
    assert all("float16" in str(s["m"].dtype) and "float32" in str(s["ema"].dtype) for s in slots)


@pytest.mark.parametrize("way", ["snapshot", "save", "checkpoint"])
@pytest.mark.parametrize(
    "dtype, name, choice",
    [case for case in CASES if case[:2] not in product(["float16"], ["mindspore", "calando", "torch"])],
)
def test_the_run_goes_on_exactly(dtype, name, way, choice, tmp_path):
    kind, options = Kind(name, dtype), possible(choice, dtype, name)
    whole = kind.params()
    straight = nn.Adam(whole, learning_rate=0.01, **options)
    kind.go(straight)
    params = kind.params()
    first = nn.Adam(params, learning_rate=0.01, **options)
    kind.go(first, range(2))
    fresh = kind.params(seed=9)
    second = nn.Adam(fresh, learning_rate=0.01, **options)
    if way == "checkpoint":
        through_a_file(kind, first, second, tmp_path)
    else:
        for p, q in zip(params, fresh, strict=True):
            write(q, p)
        if way == "snapshot":
            second.restore(travelled(first.snapshot()))
        else:
            calando.save(tmp_path / "run.calando", optimizer=first)
            calando.resume(tmp_path / "run.calando", optimizer=second)
    kind.go(second, range(2, STEPS))
    for p, q in zip(whole, fresh, strict=True):
        np.testing.assert_array_equal(kind.read(p), kind.read(q))
    for p, q in zip(straight.ema_parameters(), second.ema_parameters(), strict=True) if "ema" in options else ():
        np.testing.assert_array_equal(kind.read(p), kind.read(q))


def write(target, source):
    if isinstance(target, torch.Tensor):
        target.data.copy_(source.data)
    else:
        view = target if isinstance(target, np.ndarray) else target.asnumpy()
        view[...] = source if isinstance(source, np.ndarray) else source.asnumpy()


def through_a_file(kind, first, second, folder):
    if kind.name == "numpy":
        pytest.skip("MindSpore's files hold Parameters")
    import calando.mindspore as ms

    ms.save_checkpoint(first, str(folder / "one.ckpt"))
    found = ms.load_checkpoint(str(folder / "one.ckpt"))
    assert ms.load_param_into_net(second, found, strict_load=True) == ([], [])


def test_codes_from_numbers_and_back(tmp_path):
    """A file of float32 moments begins 8-bit ones at the nearest codes, and the reverse gives what the codes mean."""
    import calando.mindspore as ms
    from calando import eight

    kind = Kind("calando", "float32")
    plain = nn.Adam(kind.params(), learning_rate=0.01)
    kind.go(plain, range(2))
    ms.save_checkpoint(plain, str(tmp_path / "plain.ckpt"))
    coded = nn.Adam(kind.params(), learning_rate=0.01, slot_dtype="int8")
    assert ms.load_param_into_net(coded, ms.load_checkpoint(str(tmp_path / "plain.ckpt")))[1] == []
    for ours, theirs in zip(coded.engine.members[0], plain.engine.members[0], strict=True):
        for slot in ("m", "v"):
            codes, scales = eight.nearest(slot, theirs.slots[slot].numpy().reshape(-1))
            np.testing.assert_array_equal(ours.slots[f"{slot}_codes"].numpy().reshape(-1), codes)
            np.testing.assert_array_equal(ours.slots[f"{slot}_scale"].numpy(), scales)
    ms.save_checkpoint(coded, str(tmp_path / "coded.ckpt"))
    found = ms.load_checkpoint(str(tmp_path / "coded.ckpt"))
    assert {"moment1_codes.fc.weight", "moment1_scale.fc.weight", "moment2_codes.scale"} <= found.keys()
    back = nn.Adam(kind.params(), learning_rate=0.01)
    assert ms.load_param_into_net(back, found)[1] == []
    for ours, theirs in zip(back.engine.members[0], coded.engine.members[0], strict=True):
        for slot in ("m", "v"):
            kept = [theirs.slots[slot + end].numpy().reshape(-1) for end in ("_codes", "_scale")]
            np.testing.assert_array_equal(ours.slots[slot].numpy().reshape(-1), eight.widened(slot, *kept))
    assert back.global_step.asnumpy().tolist() == [2] and {m.age for m in back.engine.members[0]} == {2}
    with pytest.raises(ValueError, match=r"'moment1_codes\.fc\.weight', which is of Adam"):
        ms.load_param_into_net(nn.Momentum(kind.params(), 0.1, 0.9), found)


@pytest.mark.parametrize("name", ["numpy", "mindspore", "calando", "torch"])
def test_gradients_that_are_added_up_are_emptied_by_the_step(name):
    kind = Kind(name, "float32")
    kept, emptied = [nn.Adam(kind.params(), 0.01, grads_after_step=after) for after in ("keep", "zero")]
    for step in range(3):
        sums = [kind.tensor(x) for x in drawn(1 + step, "float32")]
        kept(tuple(kind.tensor(x) for x in drawn(1 + step, "float32")))
        emptied(tuple(sums))
        assert not any(kind.read(x).any() for x in sums)
    for p, q in zip(kept.parameters, emptied.parameters, strict=True):
        np.testing.assert_array_equal(kind.read(p), kind.read(q))


def test_gradients_are_emptied_where_there_is_no_kernel_and_when_a_step_is_skipped():
    p, g = np.ones((4, 6), "f4").T, np.full((4, 6), np.inf, "f4").T
    optimizer = nn.SGD([p], 0.5, grads_after_step="zero", on_nonfinite="skip")
    assert optimizer((g,)) is False and not g.any() and (p == 1).all()
    g[...] = 1
    assert optimizer((g,)) and not g.any() and (p == 0.5).all()


def test_centralization_of_all_groups_but_those_that_say_otherwise():
    a, b, g = np.zeros((2, 2)), np.zeros((2, 2)), np.array([[1.0, 3.0], [2.0, 8.0]])
    optimizer = nn.SGD([{"params": [a]}, {"params": [b], "grad_centralization": False}], 1.0, grad_centralization=True)
    optimizer((g.copy(), g.copy()))
    assert a.tolist() == [[1, -1], [3, -3]] and b.tolist() == (-g).tolist()
    alone = np.zeros((2, 2))
    nn.SGD([alone], 1.0, grad_centralization=True)((g.copy(),))
    assert alone.tolist() == a.tolist()


@pytest.mark.parametrize("name", ["ASGD", "Rprop", "AdamWeightDecay", "Lamb"])
def test_a_loss_scale_where_mindspore_has_none(name):
    given = {"learning_rate": 0.1}
    p, q = np.ones(5), np.ones(5)
    ours, plain = getattr(nn, name)([p], loss_scale=1024.0, **given), getattr(nn, name)([q], **given)
    for step in range(3):
        g = np.random.default_rng(step).standard_normal(5)
        ours((1024 * g,)), plain((g,))
    assert p.tolist() == q.tolist() and ours.loss_scale == 1024.0


F2 = [np.ones(2, "f2")]
F4 = [np.ones(2, "f4")]
REFUSED = [
    (lambda: nn.SGD(F4, rounding="kahan"), "For 'SGD': rounding='kahan' is for parameters in bfloat16 or float16, and"),
    (lambda: nn.SGD(F2, rounding="up"), "For 'SGD': 'rounding' must be None, 'stochastic' or 'kahan', but got 'up'"),
    (lambda: nn.Adam(F2, slot_dtype="float16", rounding_seed=3), "'rounding_seed' is 3, but slots in float16 beside"),
    (lambda: nn.SGD(F2, rounding_seed=3), "For 'SGD': 'rounding_seed' is 3, but nothing is rounded at random"),
    (lambda: nn.SGD(F2, slot_dtype="int4"), "For 'SGD': 'slot_dtype' must be one of float32, .*, but got 'int4'"),
    (lambda: nn.Adam(F2, slot_dtype="bfloat16"), "For 'Adam': .* have slot_dtype='bfloat16': its slots are NumPy"),
    (lambda: nn.Adam(F4, slot_dtype="bfloat16"), "For 'Adam': .* slot_dtype='bfloat16': .* NumPy has no bfloat16"),
    (lambda: nn.Adam([np.ones(2)], slot_dtype="float16"), "For 'Adam': .* it is float64, and that is for real numbers"),
    (lambda: nn.Adagrad(F4, slot_dtype="int8"), "For 'Adagrad': .* cannot have slot_dtype='int8': the rule adagrad"),
    (lambda: nn.Lamb(F4, 0.1, slot_dtype="int8"), "For 'Lamb': .* cannot have slot_dtype='int8': .* takes norms"),
    (lambda: nn.SGD(F4, grads_after_step="none"), "For 'SGD': 'grads_after_step' must be one of .* no .grad"),
    (lambda: nn.SGD(F4, grads_after_step="drop"), "For 'SGD': 'grads_after_step' must be one of keep, zero, but got"),
    (lambda: nn.LBFGS(F4, rounding="kahan"), "For 'LBFGS': 'rounding' must stay None: a line search"),
    (lambda: nn.LBFGS(F4, slot_dtype="int8"), "For 'LBFGS': 'slot_dtype' must stay 'param': a line search"),
    (lambda: nn.LARS(nn.SGD(F4), grads_after_step="zero"), "For 'LARS': 'grads_after_step' must stay 'keep': LARS"),
    (lambda: nn.Rprop(F4, loss_scale=0.0), r"For 'Rprop': 'loss_scale' must lie in \(0, inf\), but got 0.0"),
]  # fmt: skip


@pytest.mark.parametrize("make, told", REFUSED, ids=[told[:50] for _, told in REFUSED])
def test_refused_in_one_sentence(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_centralization_is_true_or_false():
    with pytest.raises(TypeError, match="For 'SGD': 'grad_centralization' must be True or False, but got 1"):
        nn.SGD(F4, grad_centralization=1)


def test_a_sparse_gradient_for_8_bits_or_to_be_emptied():
    import calando.mindspore as ms

    def sparse():
        p = ms.Parameter(np.ones((3, 2), "f4"), name="e")
        return [p], (ms.RowTensor(ms.Tensor([0]), ms.Tensor(np.ones((1, 2), "f4")), (3, 2)),)

    params, grads = sparse()
    with pytest.raises(RuntimeError, match="For 'Adam': the gradient of parameter 'e' of group 0 is sparse"):
        nn.Adam(params, slot_dtype="int8")(grads)
    with pytest.raises(TypeError, match="is sparse, and grads_after_step='zero' is for dense ones"):
        nn.Adam(params, grads_after_step="zero")(grads)
    assert params[0].asnumpy().tolist() == [[1, 1]] * 3


@pytest.mark.parametrize("kind", ["numpy", "calando"])
@pytest.mark.parametrize("name", ["Adagrad", "ProximalAdagrad", "FTRL"])
def test_a_slot_that_cannot_hold_its_first_number_is_told(name, kind):
    """65504 is the largest of float16; MindSpore begins at infinity then, and the weights never move."""
    word, made = ("initial_accum" if name == "FTRL" else "accum"), getattr(kinds, f"{kind}_kind")()
    param, gradient = made.param(np.ones(3, "f2"), "w"), made.tensor(np.ones(3, "f2"))
    optimizer = getattr(nn, name)([param], **{word: 1e6})
    told = "parameter .* of group 0: what is kept beside it is float16 and cannot begin at 1e[+]06, which is above"
    with pytest.raises(ValueError, match=f"For '{name}': {told}"):
        optimizer((gradient,))
    np.testing.assert_array_equal(made.read(param), 1)
    again = made.param(np.ones(3, "f2"), "v")
    getattr(nn, name)([again], **{word: 6e4}, learning_rate=0.1)((gradient,))
    assert np.isfinite(made.read(again)).all()
