"""float16: kernels read it exactly and round to the nearest, of two the even one, with the processor and without."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from calando.kernels import sums  # noqa: E402

WAYS = pytest.mark.parametrize("way", ["by_processor", "by_pieces"])


@pytest.fixture(scope="module")
def played():
    """Both words over arrays, for both ways."""
    from numba import njit

    from calando.kernels import half

    def made(way):
        if way == "by_processor" and not half.has_instructions("f16c"):
            pytest.skip("this processor does not convert float16")
        widen, narrow = getattr(half, f"widen_{way}"), getattr(half, f"narrow_{way}")

        @njit
        def read(halves, out):
            for i in range(halves.size):
                out[i] = widen(halves[i])

        @njit
        def write(numbers, out):
            for i in range(numbers.size):
                out[i] = narrow(numbers[i])

        return read, write

    return made


@WAYS
def test_every_float16_is_read_exactly(played, way):
    halves = np.arange(65536, dtype=np.uint16)
    found = np.empty(65536, np.float32)
    played(way)[0](halves, found)
    expected = halves.view(np.float16).astype(np.float32)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(found[number].view(np.uint32), expected[number].view(np.uint32))
    assert np.isnan(found[~number]).all()


@WAYS
def test_float32_is_rounded_as_torch_does(played, way):
    rng = np.random.default_rng(0)
    anything = rng.integers(0, 2**32, 200_000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    halves = np.arange(0, 0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    ties = ((halves[:-1] + halves[1:]) / 2).astype(np.float32)  # subnormal ones too: exactly between two neighbours
    edges = np.array([65504, 65519.996, 65520, 65536, 2.0**-25, 2.0**-25 * 1.0001, 2.0**-26, 1e-45, np.inf], np.float32)
    around = [np.nextafter(ties, np.float32(x)) for x in (-np.inf, np.inf)]
    for numbers in (anything, ties, *around, edges, -ties, -edges):
        found = np.empty(numbers.size, np.uint16)
        played(way)[1](numbers, found)
        expected = torch.from_numpy(numbers).half().view(torch.int16).numpy().view(np.uint16)
        number = ~np.isnan(numbers)
        np.testing.assert_array_equal(found[number], expected[number])
        assert np.isnan(found[~number].view(np.float16)).all()


def test_norms_are_taken_over_the_float32_values():
    x = (torch.randn(70_001) * 10.0 ** torch.randint(-6, 3, (70_001,))).half()
    found = sums.sums("squares", np.array([x.data_ptr()], np.uint64), sums.Cut(np.array([x.numel()]), "float16"))
    y = x.float()
    wide = sums.sums("squares", np.array([y.data_ptr()], np.uint64), sums.Cut(np.array([y.numel()]), "float32"))
    assert found[0] == wide[0]
