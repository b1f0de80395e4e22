"""The machine: every rule with every decay, played by the engine, equals its twin bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calando import rules
from calando.decay import DECAYS, DECOUPLED, INSIDE, L2
from calando.kernels import pool
from calando.rules import halves
from calando.rules.adam import ADAM, AMSGRAD
from calando.rules.lamb import LAMB
from calando.rules.lars import LARS, LARS_CLIPPED, LARS_STARTING
from calando.rules.sgd import SGD, SGD_MOMENTUM
from calando.rules.singles import IN_SINGLE
from calando.schedules import Linear
from twins import Case, Twin, assert_same, inside, make, noise, state, usual

RULES = {name: rule for name, rule in rules.RULES.items() if not rule.whole}
EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
EVERY_DECAY = pytest.mark.parametrize("decay", DECAYS.values(), ids=DECAYS)
EVERY_DTYPE = pytest.mark.parametrize("dtype", ["float32", "float64"])
SHAPES = [(), (0,), (1,), (130,), (3, 5, 2), (2, 700), (70_001,)]
SMALL_SHAPES = st.lists(st.integers(0, 9), max_size=3).map(tuple)


def played(cases, grads, playing=None):
    """The engine and the twin after these steps, compared after each."""
    engine, twin = make(cases), Twin(cases)
    for step, now in enumerate(grads):
        kept = [[g if g is None else g.copy() for g in group] for group in now]
        assert engine.step(now, playing and playing[step])
        twin.step(kept, playing and playing[step])
        assert_same(engine, twin)
        for group, before in zip(now, kept, strict=True):
            for g, same in zip(group, before, strict=True):
                assert g is None or g.tobytes() == same.tobytes(), "a gradient was changed"
    return engine, twin


def gradients(rng, cases, missing=0.0):
    """One gradient for each parameter, some of them missing."""
    return [
        [None if rng.random() < missing else noise(rng, p.shape, p.dtype.name) for p in case.params] for case in cases
    ]


@EVERY_RULE
@EVERY_DECAY
@EVERY_DTYPE
def test_a_step_equals_its_twin(rule, decay, dtype):
    rng = np.random.default_rng(0)

    def params(shapes):
        return [noise(rng, shape, dtype) for shape in shapes]

    cases = [
        Case(params(SHAPES), rule, decay, usual(rule), exempt=frozenset({1, 4})),
        Case(
            params([(6,), (4, 33)]),
            rule,
            decay,
            usual(rule, lr=Linear(0.1, 0.02, steps=3), weight_decay=lambda step: 0.1 / (1 + step), loss_scale=8.0),
            maximize=True,
        ),
        Case(
            params([(4, 3, 5), (2, 140), (9,)]),
            rule,
            decay,
            usual(rule),
            centralize=True,
            exempt=frozenset({1}),
        ),
    ]
    steps = [gradients(rng, cases, missing) for missing in (0.0, 0.5, 0.0, 0.0, 0.3)]
    played(cases, steps)
    for case in cases:
        case.hyper["max_norm"] = 0.7
    played(cases, steps[:3])


@EVERY_RULE
def test_half_precision_is_computed_in_float32_and_rounded_once(rule):
    rng = np.random.default_rng(1)
    cases = [Case([np.array(rng.standard_normal(s), "f2") for s in [(), (7,), (3, 4)]], rule, L2, usual(rule))]
    steps = [[[np.array(rng.standard_normal(p.shape), "f2") for p in cases[0].params]] for _ in range(3)]
    played(cases, steps)


@pytest.mark.parametrize("rule", IN_SINGLE.values(), ids=lambda rule: rule.name)
@EVERY_DTYPE
def test_what_mindspore_computes_in_its_own_order(rule, dtype):
    rng = np.random.default_rng(6)
    cases = [Case([noise(rng, shape, dtype) for shape in SHAPES[:-1]], rule, L2, usual(rule))]
    played(cases, [gradients(rng, cases) for _ in range(3)])


@pytest.mark.parametrize("rule", halves.HALVES.values(), ids=lambda rule: rule.name)
@pytest.mark.parametrize("decay", [halves.L2_IN_STEPS, INSIDE], ids=lambda decay: decay.name)
def test_half_precision_as_mindspore_computes_it(rule, decay):
    rng = np.random.default_rng(5)

    def arrays(shapes):
        return [np.array(rng.standard_normal(s) * 10 ** rng.uniform(-5, 3, s), "f2") for s in shapes]

    cases = [
        Case(arrays(SHAPES[:-1]), rule, decay, usual(rule, loss_scale=8.0), exempt=frozenset({3})),
        Case(arrays([(4, 3, 5), (9,)]), rule, decay, usual(rule, max_norm=0.7), centralize=True),
    ]
    steps = [[arrays([p.shape for p in case.params]) for case in cases] for _ in range(3)]
    played(cases, steps)


@EVERY_RULE
@EVERY_DTYPE
def test_memory_with_gaps_is_played_alike(rule, dtype):
    rng = np.random.default_rng(2)
    wide = [noise(rng, (8, 10), dtype), noise(rng, (30,), dtype)]
    around = [x.copy() for x in wide]
    own = [wide[0].T[1:, ::2], wide[1][::-3]]
    cases = [Case(own, rule, L2, usual(rule))]
    engine, twin = make(cases, params=[own]), Twin(cases)
    for _ in range(3):
        given = gradients(rng, cases)
        engine.step(given), twin.step(given)
    assert_same(engine, twin)
    untouched = np.ones((8, 10), bool)
    untouched.T[1:, ::2] = False
    np.testing.assert_array_equal(wide[0][untouched], around[0][untouched])


def test_gradients_in_another_layout_are_read_by_their_indices():
    rng = np.random.default_rng(3)
    cases = [Case([noise(rng, (4, 6), "float32"), noise(rng, (5,), "float32")], ADAM, L2, usual(ADAM))]
    engine, twin = make(cases), Twin(cases)
    g, h = noise(rng, (6, 4), "float32"), noise(rng, (10,), "float32")
    given = [[g.T, h[::-2]]]
    engine.step(given), twin.step(given)
    assert_same(engine, twin)


def test_many_rules_and_dtypes_share_one_norm():
    rng = np.random.default_rng(4)
    cases = [
        Case(
            [noise(rng, (300,), "float32"), noise(rng, (5, 40), "float64"), np.ones(9, "f2")],
            rule,
            decay,
            usual(rule, max_norm=bound, loss_scale=scale),
        )
        for rule, decay, bound, scale in zip(
            [SGD, ADAM, SGD_MOMENTUM, AMSGRAD],
            [L2, DECOUPLED] * 2,
            [1.0, 20.0, 1e9, 0.1],
            [1.0, 4.0, 0.5, 3.0],
            strict=True,
        )
    ]
    played(cases, [gradients(rng, cases, missing) for missing in (0.0, 0.4, 0.0)])


@pytest.mark.parametrize("rule", [SGD_MOMENTUM, ADAM, LAMB], ids=lambda rule: rule.name)
@pytest.mark.parametrize("front", [LARS, LARS_CLIPPED, LARS_STARTING], ids=lambda front: front.name)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_lengths_of_whole_parameters_in_front_of_rules(rule, front, dtype):
    rng = np.random.default_rng(5)
    shapes = [(), (130,), (3, 5, 2), (70_001,), (4, 9)]
    trust = {"trust_coefficient": 0.02, "trust_eps": 1e-5}
    cases = [
        Case([noise(rng, s, dtype) for s in shapes], rule, front, usual(rule, **trust), exempt=frozenset({1})),
        Case([np.zeros((3, 4), dtype)], rule, front, usual(rule, **trust, max_norm=0.7), centralize=True),
        Case([noise(rng, (6,), dtype)], rule, front, usual(rule, **trust, loss_scale=8.0), maximize=True),
    ]
    played(cases, [gradients(rng, cases, missing) for missing in (0.0, 0.4, 0.0)])


@pytest.mark.parametrize("rule", [SGD_MOMENTUM, ADAM, LAMB], ids=lambda rule: rule.name)
@pytest.mark.parametrize("front", [L2, DECOUPLED, LARS], ids=lambda front: front.name)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_clipping_by_value_and_by_the_norms_of_groups(rule, front, dtype):
    """First the norm of the group, then that of all, then each number; then decay and centring."""
    rng = np.random.default_rng(9)
    shapes, trust = [(), (130,), (3, 5, 2), (70_001,)], dict.fromkeys(front.domain, 0.02)
    moving = {"clip_value": Linear(0.5, 0.01, steps=4), "max_group_norm": lambda step: 3.0 / (1 + step)}
    cases = [
        Case([noise(rng, s, dtype) for s in shapes], rule, front, usual(rule, **trust, clip_value=0.05, max_norm=2.0)),
        Case([noise(rng, s, dtype) for s in shapes[1:]], rule, front, usual(rule, **trust, **moving), centralize=True),
        Case([noise(rng, (40,), dtype)], rule, front, usual(rule, **trust, max_group_norm=0.5, max_norm=0.25)),
        Case(
            [noise(rng, (4, 9), dtype)], rule, front, usual(rule, **trust, clip_value=3.0, loss_scale=8.0), True, True
        ),
    ]
    played(cases, [gradients(rng, cases, missing) for missing in (0.0, 0.4, 0.0)])


def test_clipping_by_value_lets_not_a_number_through_and_stops_infinity():
    case = Case([np.zeros(5, "f4")], SGD, L2, usual(SGD, lr=1.0, weight_decay=0.0, clip_value=2.0))
    engine, _ = played([case], [[[np.array([np.inf, -np.inf, np.nan, -0.0, 1.5], "f4")]]])
    np.testing.assert_array_equal(engine.members[0][0].param, [-2, 2, np.nan, 0, -1.5])


@settings(max_examples=60)
@given(
    rule=st.sampled_from(list(RULES.values())),
    decay=st.sampled_from(list(DECAYS.values())),
    shapes=st.lists(st.lists(SMALL_SHAPES | st.just((517,)), min_size=1, max_size=4), min_size=1, max_size=3),
    chunk=st.sampled_from([1, 2, 3, 7, 64, 65_536]),
    threads=st.integers(1, 5),
    small=st.sampled_from([1, 20, 100_000]),
    centralize=st.booleans(),
    clip=st.booleans(),
    seed=st.integers(0, 999),
)
def test_neither_shapes_nor_chunks_nor_threads_matter(
    rule, decay, shapes, chunk, threads, small, centralize, clip, seed
):
    rng = np.random.default_rng(seed)
    cases = [
        Case(
            [noise(rng, shape, "float32") for shape in group],
            rule,
            decay,
            usual(rule, lr=0.1 / (n + 1), **({"max_norm": 0.5} if clip else {})),
            maximize=n == 1,
            # what centralization does to empty rows has a test of its own
            centralize=centralize and all(0 not in shape for shape in group),
            exempt=frozenset({0}) if n == 2 else frozenset(),
        )
        for n, group in enumerate(shapes)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALANDO_NUM_THREADS", str(threads))
        patch.setattr(pool, "SMALL", small)
        engine, twin = make(cases), Twin(cases)
        for part in engine.parts:
            part.cut(chunk)
        for missing in (0.0, 0.3, 0.0, 0.5):
            given = gradients(rng, cases, missing)
            engine.step(given), twin.step(given)
            assert_same(engine, twin)


@EVERY_DTYPE
def test_work_is_really_split_among_threads(dtype, monkeypatch):
    monkeypatch.setenv("CALANDO_NUM_THREADS", "4")
    rng = np.random.default_rng(5)
    cases = [Case([noise(rng, (3 * pool.SMALL,), dtype), noise(rng, (40, 50), dtype)], ADAM, L2, usual(ADAM))]
    cases[0].hyper["max_norm"] = 3.0
    engine, _ = played(cases, [gradients(rng, cases) for _ in range(3)])
    assert len(engine.parts[0].ranges) > 1


def test_the_memory_around_stays_untouched(monkeypatch):
    monkeypatch.setattr(pool, "SMALL", 10)
    monkeypatch.setenv("CALANDO_NUM_THREADS", "3")
    guard, sizes, dtype = 0xA5, [1, 3, 17, 130, 1000], np.dtype("f4")

    def guarded(values):
        """The values between guards, and the whole piece of memory."""
        memory = np.full(values.nbytes + 132, guard, np.uint8)
        inner = memory[68 : 68 + values.nbytes].view(values.dtype)  # aligned to 4 bytes, not to 8
        inner[:] = values
        return inner, memory

    rng = np.random.default_rng(6)
    cases = [Case([noise(rng, (size,), "float32") for size in sizes], ADAM, L2, usual(ADAM))]
    params, memories = zip(*[guarded(p) for p in cases[0].params], strict=True)
    engine, twin = make(cases, params=[list(params)]), Twin(cases)
    memories = list(memories)
    for m in engine.members[0]:
        for name in ADAM.slots:
            m.slots[name], memory = guarded(np.zeros(m.param.shape, dtype))
            memories.append(memory)
    engine.rearrange()
    for _ in range(3):
        grads, more = zip(*[guarded(g) for g in gradients(rng, cases)[0]], strict=True)
        engine.step([grads]), twin.step([[g.copy() for g in grads]])
        memories += more
    assert_same(engine, twin)
    for memory in memories:
        assert (memory[:68] == guard).all() and (memory[-64:] == guard).all()


@EVERY_RULE
def test_numbers_that_are_not_finite_stay_with_their_element(rule):
    """Training goes on as in the originals: what is poisoned is poisoned, its neighbours are not."""
    rng = np.random.default_rng(7)
    cases = [Case([noise(rng, (200,), "float32")], rule, L2, usual(rule))]
    engine, twin = make(cases), Twin(cases)
    g = noise(rng, (200,), "float32")
    g[[3, 77, 150]] = np.inf, np.nan, -np.inf
    for _ in range(2):
        engine.step([[g]]), twin.step([[g]])
    np.testing.assert_array_equal(engine.members[0][0].param, twin.params[0][0])
    others = np.delete(twin.params[0][0], [3, 77, 150])
    assert np.isfinite(others).all()


@EVERY_RULE
@EVERY_DECAY
def test_the_engine_has_the_same_history_for_split_groups(rule, decay):
    """Two groups with the same hyperparameters are one group: nothing leaks from row to row."""
    rng = np.random.default_rng(8)
    params = [noise(rng, (n,), "float32") for n in (5, 40, 300)]
    together = make([Case(params, rule, decay, usual(rule))])
    apart = make([Case([p], rule, decay, usual(rule)) for p in params])
    for _ in range(3):
        grads = [noise(rng, p.shape, "float32") for p in params]
        together.step([grads]), apart.step([[g] for g in grads])
    assert state(together)[1:] == state(apart)[1:]


@EVERY_RULE
def test_every_rule_can_be_asked_for_numbers_inside_its_domain(rule):
    """For the tests themselves: what ``usual`` gives lies in the domain, and the scalars are finite."""
    for name, (low, high) in rule.domain.items():
        assert low <= inside(low, high) < high
        assert low <= usual(rule)[name] < high
    for age in (1, 2, 1000):
        memory = rule.first(usual(rule)) if rule.first else ()
        assert np.isfinite(rule.scalars(usual(rule), age, *memory)).all()
