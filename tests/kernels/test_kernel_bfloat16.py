"""bfloat16: kernels read it exactly, round once as torch does, and equal the expressions bit for bit."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calando.decay import DECOUPLED, INSIDE, L2  # noqa: E402
from calando.engine import Engine  # noqa: E402
from calando.groups import Group  # noqa: E402
from calando.hyper import Hyper  # noqa: E402
from calando.kernels import sums  # noqa: E402
from calando.rules import RULES  # noqa: E402
from twins import FRONT, usual  # noqa: E402

SHAPES = [(), (3,), (130,), (7, 5), (70_001,), (0,)]
COMPILED = {name: rule for name, rule in RULES.items() if rule.kernel and not rule.whole}


def drawn(shapes, seed):
    torch.manual_seed(seed)
    return [torch.randn(s).mul_(10.0 ** torch.randint(-3, 3, s)).bfloat16() for s in shapes]


def engine_of(params, rule, front, slot_dtype, hyper):
    group = Group(
        tuple(params), tuple(map(str, range(len(params)))), rule, front, slot_dtype=slot_dtype, centralize=True
    )
    return Engine([group], [Hyper("For 'Test'", {**rule.domain, **front.domain, **FRONT}, hyper)])


def gapped(tensors):
    """The same values in memory with gaps, which no kernel walks."""
    wide = [torch.zeros(*t.shape, 2, dtype=t.dtype) for t in tensors]
    views = [w[..., 0] for w in wide]
    for view, t in zip(views, tensors, strict=True):
        view.copy_(t)
    return views


@pytest.mark.parametrize("rule", COMPILED.values(), ids=COMPILED)
@pytest.mark.parametrize("slot_dtype", [None, "float32"])
def test_kernel_and_expressions_agree_to_the_last_bit(rule, slot_dtype):
    front = INSIDE if "weight_decay" in rule.domain else (DECOUPLED if rule.name == "adam" else L2)
    hyper = usual(rule, loss_scale=4.0)
    start = drawn(SHAPES, 0)
    fused = engine_of([t.clone() for t in start], rule, front, slot_dtype, hyper)
    loose = engine_of(gapped(start), rule, front, slot_dtype, hyper)
    assert {part.key.fused for part in fused.parts} == {True}
    assert not any(part.key.fused for part in loose.parts for m in part.members if m.param.numel() > 1)
    for step in range(4):
        grads = drawn(SHAPES, 1 + step)
        fused.step([[g.clone() for g in grads]]), loose.step([gapped(grads)])
        for one, two in zip(fused.members[0], loose.members[0], strict=True):
            assert torch.equal(one.param, two.param) or not one.param.isfinite().all()
            for name in rule.slots:
                assert one.slots[name].dtype == (torch.float32 if slot_dtype else torch.bfloat16)
                np.testing.assert_array_equal(one.slots[name].float().numpy(), two.slots[name].float().numpy())


def test_every_bfloat16_is_read_and_every_float32_rounded_as_torch_does():
    from calando.kernels.half import narrow_bfloat16, widen_bfloat16

    bits = np.arange(65536, dtype=np.uint16)
    values = torch.from_numpy(bits.view(np.int16)).view(torch.bfloat16)
    found = np.array([widen_bfloat16(b) for b in bits], np.float32)
    number = ~np.isnan(found)  # on its way through Python a not-a-number may change its bits
    np.testing.assert_array_equal(found[number].view(np.uint32), values.float().numpy()[number].view(np.uint32))
    assert np.isnan(values.float().numpy()[~number]).all()
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 2**32, 20_000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    ties = ((rng.integers(0, 2**16, 2000, dtype=np.uint64) << 16) + 0x8000).astype(np.uint32).view(np.float32)
    for numbers in (wide, ties):
        ours = np.array([narrow_bfloat16(np.float32(x)) for x in numbers], np.uint16)
        theirs = torch.from_numpy(numbers).bfloat16()
        nan = np.isnan(numbers)
        np.testing.assert_array_equal(ours[~nan], theirs.view(torch.int16).numpy().view(np.uint16)[~nan])
        assert (ours[nan] == 0x7FC0).all()


def test_norms_are_taken_over_the_float32_values():
    (x,) = drawn([(70_001,)], 3)
    found = sums.sums("squares", np.array([x.data_ptr()], np.uint64), sums.Cut(np.array([x.numel()]), "bfloat16"))
    y = x.float()
    wide = sums.sums("squares", np.array([y.data_ptr()], np.uint64), sums.Cut(np.array([y.numel()]), "float32"))
    assert found[0] == wide[0]
