"""Adafactor's compiled loops: any number of threads, any layout, and live PyTorch on matrices of many tiles.

(That they equal the slow twin bit for bit is in ``tests/rules/test_rule_whole.py``.)
"""

import numpy as np
import pytest

from calando.average import averaged
from calando.decay import INSIDE
from calando.kernels import factored
from calando.rules import RULES
from twins import Case, Twin, assert_same, make, noise, usual

SHAPES = [(700, 90), (40, 30, 3, 3), (3000, 4, 1, 1), (5, 9000), (9000, 5), (2, 300, 40)]


def walked(name, dtype, steps=3):
    rng = np.random.default_rng(3)
    rule = RULES[name]
    engine = make([Case([noise(rng, s, dtype) for s in SHAPES], rule, INSIDE, usual(rule))])
    for _ in range(steps):
        engine.step([[noise(rng, s, dtype) for s in SHAPES]])
    return b"".join(x.tobytes() for m in engine.members[0] for x in (m.param, *m.slots.values()))


@pytest.mark.parametrize("name", ["adafactor", "adafactor_epsilon_scaled_momentum"])
def test_the_number_of_threads_does_not_matter(monkeypatch, name):
    found = set()
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("CALANDO_NUM_THREADS", threads)
        factored.matrices.cache_clear()
        found.add(walked(name, "float32"))
    factored.matrices.cache_clear()
    assert len(found) == 1


def test_wide_matrices_are_the_twins_and_an_average_changes_nothing():
    rng, rule, shapes = np.random.default_rng(4), RULES["adafactor"], [(130, 8200), (90, 20)]
    start = [noise(rng, s, "float64") for s in shapes]
    cases = [Case([p.copy() for p in start], averaged(rule), INSIDE, usual(rule, ema=0.9))]
    engine, twin, plain = make(cases), Twin(cases), make([Case(start, rule, INSIDE, usual(rule))])
    for _ in range(2):
        grads = [[noise(rng, s, "float64") for s in shapes]]
        engine.step(grads), twin.step(grads), plain.step(grads)
        assert_same(engine, twin)
    for one, other in zip(engine.members[0], plain.members[0], strict=True):
        assert one.param.tobytes() == other.param.tobytes()


def test_every_matrix_is_cut_into_tiles_without_gap_or_overlap():
    for shape in [*SHAPES, (1, 1), (64, 1), (13, 5), (8, 8), (100_000, 2, 2)]:
        cut = factored.matrices(shape, "float32", 2)
        rows = np.zeros(cut.many * cut.height, np.int64)
        for tile in cut.tile.astype(np.int64):
            first, count = (tile * cut.height) if cut.small else (tile[0] * cut.height + tile[1], tile[2])
            rows[first : first + count] += 1
        assert (rows == 1).all()
        elements = np.zeros(np.prod(shape), np.int64)
        for first, count in cut.piece.astype(np.int64):
            elements[first : first + count] += 1
        assert (elements == 1).all()


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 2e-6), ("float64", 1e-12)])
def test_live_torch_on_many_tiles(dtype, bound):
    torch = pytest.importorskip("torch")
    calando = pytest.importorskip("calando.torch")
    kind, options = getattr(torch, dtype), {"lr": 0.05, "weight_decay": 0.1, "eps": (None, 1e-2), "d": 1.5}
    gen = torch.Generator().manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(s, dtype=kind, generator=gen)) for s in SHAPES]
    ours[1].data = ours[1].data.contiguous(memory_format=torch.channels_last)
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    one, other = calando.Adafactor(ours, **options), torch.optim.Adafactor(theirs, **options)
    for step in range(4):
        for p, q in zip(ours, theirs, strict=True):
            q.grad = torch.randn(p.shape, dtype=kind, generator=gen) * 10.0 ** (1 - step)
            p.grad = q.grad.clone()
        one.step(), other.step()
    for p, q in zip(ours, theirs, strict=True):
        assert float((p - q).detach().abs().max()) <= bound * float(q.detach().abs().max())
        for name, expected in other.state[q].items():
            if name != "step":
                found = one.state[p][name]
                assert found.shape == expected.shape
                assert float((found - expected).abs().max()) <= bound * float(expected.abs().max())
