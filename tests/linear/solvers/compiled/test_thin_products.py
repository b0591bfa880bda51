"""Products of matrices with few, long rows."""

import numpy as np
import pytest

from skmtl.linear.solvers.compiled._thin_products import LENGTH, add_product


@pytest.mark.parametrize("n_rows", [1, 3, 4, 9])
@pytest.mark.parametrize("n_columns", [1, 2, 5])
@pytest.mark.parametrize("length", [1, LENGTH, 2 * LENGTH + 3])
def test_whatever_the_tiles_leave_over(n_rows, n_columns, length):
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(n_rows, length)), rng.normal(size=(n_columns, length))
    start = rng.normal(size=(n_rows, n_columns))
    out = start.copy()
    add_product(A, B, out)
    np.testing.assert_allclose(out, start + A @ B.T, rtol=1e-12, atol=1e-12 * length)
