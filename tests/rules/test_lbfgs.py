"""L-BFGS against its mathematics: the dense BFGS matrix, the Wolfe conditions, cubics, quadratics."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calando.rules.whole.lbfgs import Limits, Memory, NotFinite, from_arrays, learn, minimize, recursion, to_arrays
from calando.rules.whole.strong_wolfe import CURVATURE, DECREASE, Point, lowest, strong_wolfe

HYPER = {"lr": 1.0, "tolerance_grad": 1e-9, "tolerance_change": 1e-14}


class Plain:
    """Parameters that are one NumPy vector, and a function of it with its gradient."""

    def __init__(self, x, f):
        self.x, self.f, self.met = np.array(x, np.float64), f, 0

    def evaluate(self):
        self.met += 1
        loss, gradient = self.f(self.x)
        return float(loss), np.array(gradient)

    def copy(self):
        return self.x.copy()

    def move(self, origin, direction, length):
        self.x = (self.x if origin is None else origin) + float(length) * direction

    def dot(self, a, b):
        return np.float64(a @ b)

    def largest(self, a):
        return np.float64(abs(a).max())

    def total(self, a):
        return np.float64(abs(a).sum())

    def add(self, a, b, factor):
        a += factor * b

    def rounded(self, x):
        return x


def limits(max_iter=50, history=10, search=True, finite=False, max_eval=None):
    return Limits(max_iter, max_eval or 2 * max_iter, history, search, finite)


def quadratic(seed, n):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, n))
    a, b = a @ a.T / n + np.eye(n), rng.standard_normal(n)
    return a, b, lambda x: (x @ a @ x / 2 - b @ x, a @ x - b)


def rosenbrock(x):
    a, b = 1 - x[0], x[1] - x[0] ** 2
    return a**2 + 100 * b**2, [-2 * a - 400 * x[0] * b, 200 * b]


@given(seed=st.integers(0, 10**6), n=st.integers(1, 9), pairs=st.integers(0, 6), history=st.integers(1, 6))
def test_the_two_loops_are_the_dense_matrix(seed, n, pairs, history):
    """H ← (I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ from γ I: Nocedal & Wright, equations 6.17 and 7.20."""
    rng = np.random.default_rng(seed)
    a = quadratic(seed, n)[0]
    moves = [rng.standard_normal(n) for _ in range(pairs)]
    ground, memory = Plain(np.zeros(n), None), Memory()
    for s in moves:
        learn(ground, memory, s, a @ s, history)
    gradient = rng.standard_normal(n)
    found, alphas = recursion(ground, memory, gradient)
    kept = moves[-history:]
    h = np.eye(n) * (kept[-1] @ a @ kept[-1] / (a @ kept[-1] @ a @ kept[-1]) if kept else 1.0)
    for s in kept:
        y = a @ s
        part = np.eye(n) - np.outer(s, y) / (y @ s)
        h = part @ h @ part.T + np.outer(s, s) / (y @ s)
    np.testing.assert_allclose(found, -h @ gradient, rtol=1e-7, atol=1e-9)
    assert len(alphas) == len(memory.moves) == len(memory.changes) == len(memory.inverses) == min(pairs, history)


def test_downward_curvature_is_not_remembered():
    ground, memory = Plain([0.0], None), Memory()
    learn(ground, memory, np.array([1.0]), np.array([-1.0]), 5)
    learn(ground, memory, np.array([9e-6]), np.array([9e-6]), 5)  # y·s = 8.1e-11, not above 1e-10
    assert memory.moves == [] and memory.scale == 1
    learn(ground, memory, np.array([2.0]), np.array([4.0]), 5)
    assert memory.scale == 0.5 and memory.inverses == [0.125]  # 8/16, 1/8


@given(
    c=st.tuples(*[st.floats(-3, 3) for _ in range(3)]),
    ends=st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
    up=st.booleans(),
)
def test_the_cubic_is_met_where_it_is_lowest(c, ends, up):
    """From a cubic's own values and slopes, its own minimum: (-b + √(b² - 3ac)) / 3a."""
    a, b, d = c
    assume(abs(a) > 0.1 and b * b - 3 * a * d > 1e-2 and abs(ends[0] - ends[1]) > 0.1)
    points = [Point(x, a * x**3 + b * x**2 + d * x, None, np.float64(3 * a * x * x + 2 * b * x + d)) for x in ends]
    expected = (-b + np.sqrt(b * b - 3 * a * d)) / (3 * a)
    assert lowest(*points, (-1e9, 1e9)) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    inside = min(max(expected, min(ends)), max(ends))
    assert lowest(*(points if up else points[::-1])) == pytest.approx(inside, rel=1e-6, abs=1e-6)


def test_a_cubic_without_minimum_gives_the_middle():
    points = [Point(x, x**3 + x, None, np.float64(3 * x * x + 1)) for x in (-1.0, 3.0)]
    assert lowest(*points) == 1.0
    assert lowest(points[0], points[0], (0.0, 5.0)) == 2.5


@given(c=st.tuples(st.floats(0.05, 5), st.floats(-3, 3), st.floats(0.1, 3)), first=st.floats(1e-3, 50))
def test_what_is_found_has_the_strong_wolfe_conditions(c, first):
    """On smooth lines that go down first and are bounded below."""
    a, b, w = c

    def look(t):
        t = float(t)
        loss = a * (t - 2) ** 2 + np.sin(w * t + b)
        return Point(t, float(loss), None, np.float64(2 * a * (t - 2) + w * np.cos(w * t + b)))

    start = look(0)
    assume(start.slope < -1e-3)
    end = strong_wolfe(look, start, first, np.float64(1.0), 60)
    assert end.loss <= start.loss + DECREASE * end.length * start.slope + 1e-12
    assert abs(end.slope) <= -CURVATURE * start.slope
    assert end.length > 0


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_a_search_that_may_not_go_on_gives_the_best_it_saw(most):
    lengths = []

    def look(t):
        lengths.append(t)
        return Point(t, float((t - 1) ** 2), None, np.float64(2 * (t - 1)))

    start = Point(0, 1.0, None, np.float64(-2.0))
    end = strong_wolfe(look, start, 1e-4, np.float64(1.0), most)
    assert len(lengths) == most + 1
    assert end.loss == min((t - 1) ** 2 for t in lengths)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 12))
def test_quadratics_are_solved(seed, n):
    a, b, f = quadratic(seed, n)
    ground, memory = Plain(np.zeros(n), f), Memory()
    minimize(ground, memory, HYPER, limits(200, 20), ground.copy())
    np.testing.assert_allclose(ground.x, np.linalg.solve(a, b), atol=1e-6)
    assert memory.evaluations == ground.met and memory.iterations <= 200


def test_rosenbrock_is_solved():
    ground, memory = Plain([-1.2, 1.0], rosenbrock), Memory()
    minimize(ground, memory, HYPER, limits(100), ground.copy())
    np.testing.assert_allclose(ground.x, [1, 1], atol=1e-8)
    assert memory.iterations < 60


def test_the_first_iteration_is_bounded_by_the_gradient():
    """lr min(1, 1/‖g‖₁) against the gradient: with g = (3, -1), a quarter of it."""
    ground = Plain([0.0, 0.0], lambda x: (3 * x[0] - x[1], [3.0, -1.0]))
    minimize(ground, memory := Memory(), {**HYPER, "lr": 0.5}, limits(1, search=False), ground.copy())
    assert ground.x.tolist() == [-0.375, 0.125] and ground.met == 1
    assert memory.iterations == 1 and memory.alphas is None


@pytest.mark.parametrize("search", [False, True])
def test_bounds_hold(search):
    ground, memory = Plain([-1.2, 1.0], rosenbrock), Memory()
    minimize(ground, memory, {**HYPER, "lr": 1e-3}, limits(5, search=search, max_eval=50), ground.copy())
    assert memory.iterations == 5
    ground, memory = Plain([-1.2, 1.0], rosenbrock), Memory()
    minimize(ground, memory, {**HYPER, "lr": 1e-3}, limits(50, search=search, max_eval=4), ground.copy())
    assert 4 <= ground.met == memory.evaluations <= 5
    ground = Plain([1.0, 1.0], rosenbrock)
    minimize(ground, memory := Memory(), HYPER, limits(), ground.copy())
    assert memory == Memory(evaluations=1)  # the gradient is 0: nothing is done


def test_a_rate_of_zero_moves_nothing():
    for search in (False, True):
        ground, memory = Plain([-1.2, 1.0], rosenbrock), Memory()
        minimize(ground, memory, {**HYPER, "lr": 0.0}, limits(search=search), ground.copy())
        assert ground.x.tolist() == [-1.2, 1.0] and ground.met <= 2


def test_what_is_not_finite_is_told_if_asked():
    f = lambda x: (np.nan, [np.nan, 1.0])  # noqa: E731
    ground = Plain([0.0, 0.0], f)
    with pytest.raises(NotFinite):
        minimize(ground, Memory(), HYPER, limits(finite=True), ground.copy())
    minimize(ground, Memory(), HYPER, limits(2, search=False), ground.copy())
    assert np.isnan(ground.x).any()


@pytest.mark.parametrize("iterations", [0, 1, 4])
def test_memory_travels_as_arrays(iterations):
    ground, memory = Plain([-1.2, 1.0], rosenbrock), Memory(evaluations=3)
    if iterations:
        minimize(ground, memory, HYPER, limits(iterations), ground.copy())
    again = from_arrays(to_arrays(memory, np.asarray), 2, np.array)
    for name, value in vars(memory).items():
        if name != "alphas" and (iterations or name not in ("length", "loss")):
            np.testing.assert_array_equal(np.array(getattr(again, name), float), np.array(value, float), name)
    assert type(again.iterations) is int and len(again.moves) == len(memory.moves)


def test_arrays_of_something_else_are_refused():
    ground, memory = Plain([-1.2, 1.0], rosenbrock), Memory()
    minimize(ground, memory, HYPER, limits(4), ground.copy())
    arrays = to_arrays(memory, np.asarray)
    for name in arrays:
        with pytest.raises(ValueError, match="what L-BFGS remembers has shapes"):
            from_arrays({key: value for key, value in arrays.items() if key != name}, 2, np.array)
    with pytest.raises(ValueError, match="what L-BFGS remembers has shapes"):
        from_arrays(arrays, 3, np.array)
    assert from_arrays({}, 3, np.array) == Memory()
