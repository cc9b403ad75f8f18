"""The generator of random numbers: a function of seed, step, stream and index alone."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

N = 50_000
KEY = (11, 3, 2)  # seed, step, stream
DTYPES = ("float32", "float64")
CDF = {"uniform": stats.uniform.cdf, "normal": stats.norm.cdf}


def rotated(x, turn):
    return (x << np.uint32(turn)) | (x >> np.uint32(32 - turn))


def threefry(key, x, y):
    """Threefry-2x32 with 13 rounds, as Salmon et al. (2011) describe it, of arrays of counters."""
    keys = *key, np.uint32(0x1BD11BDA) ^ key[0] ^ key[1]
    x, y = x + keys[0], y + keys[1]
    for i in range(13):
        x = x + y
        y = rotated(y, (13, 15, 26, 6, 17, 29, 16, 24)[i % 8]) ^ x
        if i % 4 == 3:
            n = i // 4 + 1
            x, y = x + keys[n % 3], y + keys[(n + 1) % 3] + np.uint32(n)
    return x, y


def words(key, n, first=0):
    """The two words of each index."""
    seed, step, stream = (np.array([number], np.uint32) for number in key)
    own = threefry((seed, stream), step, np.zeros(1, np.uint32))
    index = np.arange(first, first + n).astype(np.uint32)
    return threefry(own, index, np.zeros(n, np.uint32))


def test_the_reference_is_the_published_generator():
    """Against the known answers of Random123, the authors' library."""
    zero, ones = np.zeros(1, np.uint32), np.full(1, 0xFFFFFFFF, np.uint32)
    assert [int(w[0]) for w in threefry((zero, zero), zero, zero)] == [0x9D1C5EC6, 0x8BD50731]
    assert [int(w[0]) for w in threefry((ones, ones), ones, ones)] == [0xFD36D048, 0x2D17272C]


def test_numbers_come_from_the_bits_of_the_generator(libraries):
    first = 2**32 - 40  # the index goes round
    for key, start in ((KEY, 0), ((2**32 - 1, 0, 7), first)):
        x, y = (w.astype(np.uint64) for w in words(key, 100, start))
        radius = np.sqrt(-2 * np.log(((x >> 1) + 0.5) * 2.0**-31))
        normal = radius * np.cos(2 * np.pi * ((y >> 1) * 2.0**-31 - 0.5))
        for library in libraries:
            single = library.random("uniform", key, 100, np.float32, start)
            assert_array_equal(single, (x >> 8) * 2.0**-24)
            double = library.random("uniform", key, 100, np.float64, start)
            assert_array_equal(double, ((x << 20) | (y >> 12)) * 2.0**-52)
            for dtype, tolerance in zip(DTYPES, (2e-6, 1e-13), strict=True):
                found = library.random("normal", key, 100, dtype, start)
                assert_allclose(found, normal, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", CDF)
def test_distributions(libraries, kind, dtype):
    for library in libraries:
        x = library.random(kind, KEY, N, dtype).astype(float)
        assert stats.kstest(x, CDF[kind]).pvalue > 1e-3
        moments = [0.5, 1 / 3, 1 / 4] if kind == "uniform" else [0.0, 1.0, 0.0]
        found = [np.mean(x**power) for power in (1, 2, 3)]
        assert_allclose(found, moments, atol=4 * np.sqrt(15 / N))
        if kind == "uniform":
            assert 0 <= x.min() < 1e-4
            assert 1 - 1e-4 < x.max() < 1
        else:
            assert 3.5 < np.abs(x).max() < 6.7


def test_steps_streams_seeds_and_neighbours_are_independent(libraries):
    library = libraries[-1]
    keys = [KEY, (11, 4, 2), (11, 3, 3), (12, 3, 2), (11, 2, 3), (3, 11, 2)]
    numbers = np.array([library.random("uniform", key, N) for key in keys], float)
    shifted = np.roll(numbers[:1], 1, axis=1)
    correlation = np.corrcoef(np.concatenate([numbers, shifted]))
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(N)
    # Nor do the first numbers of many steps depend on each other.
    starts = np.array([library.random("uniform", (0, step, 0), 1)[0] for step in range(2000)])
    assert stats.kstest(starts.astype(float), stats.uniform.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(starts[1:], starts[:-1])[0, 1]) < 4 / np.sqrt(2000)
