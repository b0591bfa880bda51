"""What is constant but for rounding."""

import numpy as np
import pytest

from skmtl._rounding import varies


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("magnitude", [1e-30, 0.1, 1e8])
def test_a_constant_has_the_spread_of_rounding(magnitude, dtype):
    numbers = np.full(1000, magnitude, dtype).astype(np.float64)
    assert not varies(numbers.std(), numbers.max(), dtype)
    numbers[0] *= 1.001
    assert varies(numbers.std(), numbers.max(), dtype)


def test_columns():
    assert varies(np.array([0.0, 1e-17, 1e-3]), np.array([0.0, 1.0, 1.0])).tolist() == [0, 0, 1]
