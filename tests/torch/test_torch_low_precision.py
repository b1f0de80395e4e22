"""rounding= and slot_dtype=: training that would stand still goes on, is resumed exactly, or is refused."""

import copy
import inspect
import io
import pickle

import pytest
import torch

import calando.torch as ct
from calando import eight, rounding
from calando.kernels import memory
from calando.schedules import Linear
from low_precision import keys, rounded

NAMES = sorted(
    name for name in ct.__all__ if isinstance(getattr(ct, name), type) and issubclass(getattr(ct, name), ct.Optimizer)
)
ROUNDED = [name for name in NAMES if name not in ("Optimizer", "LBFGS", "SparseAdam")]
EIGHT = {
    "Adam": {},
    "AdamW": {},
    "Adamax": {},
    "Lion": {},
    "NAdam": {},
    "RAdam": {},
    "RMSprop": {},
    "SGD": {"momentum": 0.9},
}
HALF = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)


def stored(optimizer):
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# Convergence.


def weights(name, dtype, steps, lr, **options):
    """512 weights that begin at 1 and are drawn to 1.5."""
    p = torch.nn.Parameter(torch.ones(512, dtype=dtype))
    optimizer = getattr(ct, name)([p], lr=lr, weight_decay=0.0, **options)
    for _ in range(steps):
        p.grad = p.detach() - 1.5
        optimizer.step()
    return p.detach().double()


@HALF
@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_where_rounding_to_the_nearest_stands_still_both_ways_arrive(name, dtype):
    """An update is a fifth of the last digit. Rounded to the nearest, no weight moves; Kahan's weights stay within that
    digit of float32's, those rounded at random in the mean, and each as far as a coin thrown 300 times lets it."""
    digit = 2.0**-7 if dtype == torch.bfloat16 else 2.0**-10
    lr = digit / (2.5 if name == "SGD" else 5)
    given = {"steps": round((1.0 if name == "SGD" else 0.3) / lr), "lr": lr}
    exact = weights(name, torch.float32, **given)
    assert (exact > 1.25).all()
    assert (weights(name, dtype, **given) == 1).all()
    assert (weights(name, dtype, rounding="kahan", **given) - exact).abs().max() < digit
    drawn = weights(name, dtype, rounding="stochastic", **given) - exact
    assert drawn.mean().abs() < 0.01 and drawn.abs().max() < 0.2


def trained(**options):
    """The loss of a small network that has learned from another one, with AdamW."""
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    with torch.no_grad():
        y = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 4))(x)
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.Tanh(), torch.nn.Linear(64, 4))
    optimizer = ct.AdamW(network.parameters(), lr=Linear(1e-2, 0.0, 300), **options)
    for step in range(300):
        here = slice(64 * (step % 4), 64 * (step % 4) + 64)
        loss = ((network(x[here]) - y[here]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return ((network(x) - y) ** 2).mean().item()


@pytest.fixture
def alone():
    """torch in one thread: on a busy machine its threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_eight_bits_learn_as_float32_does(alone):
    exact, coded = trained(), trained(slot_dtype="int8")
    assert coded < 1.5 * exact < 0.01


def test_half_precision_beside_float32_learns_as_float32_does(alone):
    exact, narrow = trained(), trained(slot_dtype="bfloat16")
    assert narrow < 1.1 * exact < 0.01


@pytest.mark.parametrize("name", ROUNDED)
def test_slots_in_half_precision_are_those_of_float32_rounded_in_every_step(name):
    """Computed in float32 from what is kept: an optimizer with float32 slots, which a twin rounds after each step."""
    own, same = ([torch.nn.Parameter(torch.ones(8, 12)[:, ::2]) for _ in range(2)] for _ in range(2))
    given = {"lr": 0.1} | ({"initial_accumulator_value": 0.5} if name in ("FTRL", "ProximalAdagrad") else {})
    narrow = getattr(ct, name)(own, **given, slot_dtype="bfloat16", rounding_seed=3)
    exact = getattr(ct, name)(same, **given)
    for step in range(3):
        push(own, step), push(same, step)
        narrow.step(), exact.step()
        for number, (member, twin) in enumerate(zip(narrow.engine.members[0], exact.engine.members[0], strict=True)):
            assert torch.equal(member.param, twin.param)
            assert member.slots.keys() == twin.slots.keys()
            for slot, key in enumerate(member.slots):
                found = rounded(twin.slots[key].numpy(), "bfloat16", keys(3, step + 1, number), slot)
                twin.slots[key].copy_(torch.from_numpy(found))
                assert member.slots[key].dtype == torch.bfloat16
                assert torch.equal(member.slots[key].float(), twin.slots[key])


@pytest.mark.parametrize("kind, room, middle", [("int8", eight, 0x80000), ("bfloat16", rounding, 0x8000)])
def test_a_second_moment_in_fewer_bits_follows_where_the_nearest_would_stay(kind, room, middle, monkeypatch):
    """A gradient that grows threefold in half of a block: v grows by a tenth of a code's distance in a step, and by
    less and less of a bfloat16's last digit. Rounded at random it follows; to the nearest it stays behind."""

    def last():
        p = torch.nn.Parameter(torch.zeros(512)[::2])  # with gaps: played as array expressions
        optimizer = ct.Adam([p], lr=0.0, betas=(0.9, 0.999), slot_dtype=kind)
        g = torch.ones(256)
        g[0] = 100.0
        for step in range(1500):
            if step == 500:
                g[128:] *= 3.0
            p.grad = g.clone()
            optimizer.step()
        ((_, v),) = memory.numbers(("v",), optimizer.engine.members[0][0].slots)
        return torch.as_tensor(v).float()[128:].mean().item()

    expected = (1 - 0.999**500) * 0.999**1000 + 9 * (1 - 0.999**1000)
    assert last() == pytest.approx(expected, rel=0.1 if kind == "int8" else 0.01)
    word = "noise" if kind == "int8" else "slot_drawn"
    noise = getattr(room, word)
    monkeypatch.setattr(room, word, lambda *given, **more: noise(*given, **more) * 0 + middle)
    assert last() < 0.5 * expected


# Everything around.


@pytest.mark.parametrize("way", ["stochastic", "kahan"])
@pytest.mark.parametrize("name", ROUNDED)
def test_every_optimizer_takes_it(name, way):
    """On memory with gaps, so that nothing is compiled; what the kernels do is held to a twin elsewhere."""
    wide = torch.ones(4, 12).bfloat16()
    p = torch.nn.Parameter(wide[:, ::2])
    optimizer = getattr(ct, name)([p], lr=1.0, rounding=way)
    for step in range(2):
        torch.manual_seed(step)
        p.grad = torch.randn(4, 6).bfloat16()
        optimizer.step()
    assert p.isfinite().all() and not torch.equal(p, torch.ones_like(p))
    assert ("compensation" in optimizer.state[p]) == (way == "kahan")
    assert ("rounding_seed" in optimizer.param_groups[0]) == (way == "stochastic")


CASES = {
    "stochastic": (torch.bfloat16, {"rounding": "stochastic", "rounding_seed": 7, "ema": 0.9}),
    "kahan": (torch.bfloat16, {"rounding": "kahan"}),
    "int8": (torch.float32, {"slot_dtype": "int8", "rounding_seed": 7}),
    "narrow": (torch.float32, {"slot_dtype": "bfloat16", "rounding_seed": 7, "ema": 0.9}),
    "other slots": (torch.bfloat16, {"slot_dtype": "float16"}),
    "int8 in float16": (torch.float16, {"slot_dtype": "int8", "rounding": "stochastic"}),
}


def params(dtype):
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(s).to(dtype)) for s in [(300, 3), (5,)]]


def push(own, step):
    torch.manual_seed(50 + step)
    for p in own:
        p.grad = torch.randn_like(p)


@pytest.mark.parametrize("way", ["file", "snapshot", "deepcopy", "pickle"])
@pytest.mark.parametrize("case", CASES)
def test_a_resumed_run_is_the_unbroken_one_bit_for_bit(case, way):
    dtype, options = CASES[case]

    def made(own):
        return ct.AdamW(own, lr=0.1, **options)

    straight = params(dtype)
    whole = made(straight)
    for step in range(7):
        push(straight, step), whole.step()
    own = params(dtype)
    first = made(own)
    for step in range(4):
        push(own, step), first.step()
    if way in ("deepcopy", "pickle"):
        second = copy.deepcopy(first) if way == "deepcopy" else pickle.loads(pickle.dumps(first))
        own = second.param_groups[0]["params"]
    else:
        second = ct.AdamW(own, lr=0.1, **options | ({"rounding_seed": 0} if "rounding_seed" in options else {}))
        second.load_state_dict(stored(first)) if way == "file" else second.restore(first.snapshot())
    for step in range(4, 7):
        push(own, step), second.step()
    for p, q in zip(own, straight, strict=True):
        assert torch.equal(p, q)
        assert second.state[p].keys() == whole.state[q].keys()
        for name, value in whole.state[q].items():
            assert value.dtype == second.state[p][name].dtype and torch.equal(value, second.state[p][name]), name


def test_another_seed_is_another_path():
    paths = []
    for seed in (0, 0, 1):
        (p, _) = own = params(torch.bfloat16)
        optimizer = ct.SGD(own, lr=0.01, rounding="stochastic", rounding_seed=seed)
        push(own, 0), optimizer.step()
        paths.append(p.detach().clone())
    assert torch.equal(paths[0], paths[1]) and not torch.equal(paths[0], paths[2])


def test_float32_and_eight_bits_load_each_other_and_torch_says_no():
    own = params(torch.float32)
    exact = torch.optim.AdamW(own)
    push(own, 0), exact.step()
    coded = ct.AdamW(own, slot_dtype="int8")
    coded.load_state_dict(exact.state_dict())
    again = ct.AdamW(own)
    again.load_state_dict(stored(coded))
    for p in own:
        for name in ("exp_avg", "exp_avg_sq"):
            before, after = exact.state[p][name], again.state[p][name]
            bound = before.abs() / 15.99 + before.abs().max() * 2.0**-18
            assert ((before - after).abs() <= bound).all() and not torch.equal(before, after)
            assert coded.state[p][name + "_codes"].dtype == torch.uint8
    theirs = torch.optim.AdamW(own)
    theirs.load_state_dict(coded.state_dict())
    with pytest.raises(KeyError, match="exp_avg"):
        theirs.step()


def test_float32_and_half_precision_load_each_other_and_torch_both():
    """What is narrower is the nearest; what is wider is the same number."""
    own = params(torch.float32)
    exact = torch.optim.AdamW(own)
    push(own, 0), exact.step()
    narrow = ct.AdamW(own, slot_dtype="bfloat16")
    narrow.load_state_dict(stored(exact))
    wide, theirs, coded = ct.AdamW(own), torch.optim.AdamW(own), ct.AdamW(own, slot_dtype="int8")
    wide.load_state_dict(stored(narrow)), theirs.load_state_dict(stored(narrow)), coded.load_state_dict(stored(narrow))
    for p in own:
        for name in ("exp_avg", "exp_avg_sq"):
            found = narrow.state[p][name]
            assert found.dtype == torch.bfloat16 and torch.equal(found, exact.state[p][name].bfloat16())
            assert torch.equal(wide.state[p][name], found.float()) and torch.equal(theirs.state[p][name], found.float())
            assert coded.state[p][name + "_codes"].dtype == torch.uint8
    push(own, 1), theirs.step(), wide.step()
    narrow.load_state_dict(stored(coded)), wide.load_state_dict(stored(coded))
    assert {narrow.state[p]["exp_avg_sq"].dtype for p in own} == {torch.bfloat16}


def test_eight_bits_are_a_quarter():
    p = torch.nn.Parameter(torch.ones(1000, 512))
    optimizer = ct.AdamW([p], slot_dtype="int8")
    p.grad = torch.ones_like(p)
    optimizer.step()
    held = sum(x.numel() * x.element_size() for name, x in optimizer.state[p].items() if name != "step")
    assert held == 1000 * 512 * 2 + 2 * 2000 * 4


def test_measured_and_averaged_in_low_precision():
    own = params(torch.bfloat16)
    optimizer = ct.AdamW(own, lr=0.1, ema=0.5, rounding="kahan")
    optimizer.measure = True
    before = [p.detach().float() for p in own]
    push(own, 0), optimizer.step()
    after = [p.detach().float() + optimizer.state[p]["compensation"].float() for p in own]
    (row,) = optimizer.history[-1]
    moved = sum(((a - b) ** 2).sum() for a, b in zip(after, before, strict=True)).sqrt().item()
    assert row.update == pytest.approx(moved, rel=1e-4)
    for mean, a, b in zip(optimizer.ema_parameters(), after, before, strict=True):
        torch.testing.assert_close(mean, (a + b) / 2, rtol=1e-4, atol=1e-5)


# Refusals.


def test_what_makes_no_sense_is_refused():
    half, exact = params(torch.bfloat16), params(torch.float32)
    with pytest.raises(ValueError, match="For 'SGD': 'rounding' must be None, 'stochastic' or 'kahan', but got 'up'"):
        ct.SGD(half, rounding="up")
    told = r"For 'SGD', group 0: rounding='kahan' is for parameters in bfloat16 or float16, and these are torch.float32"
    with pytest.raises(ValueError, match=told):
        ct.SGD(exact, rounding="kahan")
    with pytest.raises(ValueError, match="'rounding_seed' is 3, but nothing is rounded at random without"):
        ct.SGD(half, rounding="kahan", rounding_seed=3)
    with pytest.raises(ValueError, match="'rounding_seed' is 3, but slots in float16 beside these parameters"):
        ct.AdamW(half, slot_dtype="float16", rounding_seed=3)
    ct.AdamW([*half, *exact], slot_dtype="float16", rounding_seed=3)
    with pytest.raises(ValueError, match="'rounding_seed' is an int of 16610 bits, but nothing is rounded"):
        ct.SGD(exact, rounding_seed=10**5000)
    with pytest.raises(TypeError, match=r"'rounding_seed' must be a whole number from 0 on, but got 0\.5"):
        ct.SGD(half, rounding="stochastic", rounding_seed=0.5)
    with pytest.raises(ValueError, match=r"'rounding_seed' must lie in \[0, "):
        ct.SGD(half, rounding="stochastic", rounding_seed=-1)
    with pytest.raises(ValueError, match="For 'LBFGS': 'rounding' must stay"):
        ct.LBFGS(half, rounding="kahan")
    with pytest.raises(ValueError, match="For 'LBFGS': 'slot_dtype' must stay float32"):
        ct.LBFGS(half, slot_dtype="bfloat16")


@pytest.mark.parametrize(
    "name, why",
    [
        ("SGD", "the rule sgd has no slots"),
        ("Adagrad", "the rule adagrad has the slots 's'"),
        ("Lamb", "the rule lamb multiplies matrices or takes norms"),
        ("Muon", "the rule muon_nesterov multiplies matrices or takes norms"),
    ],
)
def test_eight_bits_are_refused_where_a_rule_has_none(name, why):
    with pytest.raises(ValueError, match=f"parameter '0' of group 0 cannot have slot_dtype='int8': {why}"):
        getattr(ct, name)(params(torch.float32)[:1], slot_dtype="int8")


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex64], ids=str)
def test_fewer_bits_are_refused_for_other_numbers(dtype):
    told = rf"parameter '0' of group 0 cannot have slot_dtype='float16': it is {dtype}, and that is for real numbers"
    with pytest.raises(ValueError, match=told):
        ct.SGD([torch.nn.Parameter(torch.ones(3, dtype=dtype))], slot_dtype="float16")
    with pytest.raises(ValueError, match=f"it is {dtype} on cpu, and 8 bits are for real numbers in float32 or less"):
        ct.Adam([torch.nn.Parameter(torch.ones(3, dtype=dtype))], slot_dtype="int8")


def test_mixed_models_are_rounded_where_there_is_something_to_round():
    half, exact = params(torch.bfloat16)[0], params(torch.float32)[0]
    optimizer = ct.AdamW([half, exact], rounding="kahan")
    push([half, exact], 0), optimizer.step()
    assert "compensation" in optimizer.state[half] and "compensation" not in optimizer.state[exact]


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_what_kahan_kept_ends_where_a_parameter_becomes_float32(name):
    """From then on the path is that of an optimizer without rounding, and nothing stale is shown or stored."""
    own = params(torch.bfloat16)
    optimizer = getattr(ct, name)(own, lr=0.01, rounding="kahan")
    push(own, 0), optimizer.step()
    assert all("compensation" in optimizer.state[p] for p in own)
    for p in own:
        p.grad, p.data = None, p.data.float()
    twins = [torch.nn.Parameter(p.detach().clone()) for p in own]
    plain = getattr(ct, name)(twins, lr=0.01)
    plain.load_state_dict(optimizer.state_dict())
    for _ in range(2):
        push(own, 1), push(twins, 1), optimizer.step(), plain.step()
    for p, twin in zip(own, twins, strict=True):
        assert torch.equal(p, twin) and optimizer.state[p].keys() == plain.state[twin].keys() - {"compensation"}


@pytest.mark.parametrize("name", ROUNDED)
def test_signatures_say_so(name):
    assert {"rounding", "rounding_seed", "slot_dtype"} <= inspect.signature(getattr(ct, name)).parameters.keys()


@pytest.mark.parametrize("name", EIGHT)
def test_the_family_of_adam_has_eight_bits(name):
    p = torch.nn.Parameter(torch.ones(4, 12)[:, ::2])
    optimizer = getattr(ct, name)([p], lr=0.01, slot_dtype="int8", **EIGHT[name])
    for p.grad in (torch.ones(4, 6), torch.ones(4, 6).to_sparse() if name == "SGD" else torch.ones(4, 6)):
        optimizer.step()
    assert any(key.endswith("_codes") and x.dtype == torch.uint8 for key, x in optimizer.state[p].items())
    assert (p < 1).all() and len(p.unique()) == 1
