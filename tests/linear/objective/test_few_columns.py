"""Products by blocks of rows are products."""

import numpy as np
import pytest
from scipy import sparse

from skmtl.linear.objective._few_columns import BLOCK, times, transposed_times


def in_every_second_row(X):
    whole = np.zeros((2 * len(X), X.shape[1]))
    whole[::2] = X
    return whole[::2]


@pytest.mark.parametrize(
    "container", [np.array, np.asfortranarray, in_every_second_row, sparse.csr_array]
)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("p", "n_columns"), [(7, 1), (7, 2), (3, 10), (1, 100), (2, 200), (500, 3)]
)
def test_products(container, order, p, n_columns):
    rng = np.random.default_rng(0)
    # So many rows that there are several blocks, and the last one is not full.
    X = rng.normal(size=(3 * BLOCK // (p * n_columns) + 11, p))
    W, U = rng.normal(size=(p, n_columns)), rng.normal(size=(len(X), n_columns))
    W, U = np.asarray(W, order=order), np.asarray(U, order=order)
    np.testing.assert_allclose(times(container(X), W), X @ W, atol=1e-10)
    found = transposed_times(container(X), U)
    np.testing.assert_allclose(found, X.T @ U, atol=1e-12 * len(X))
    assert found.shape == (p, n_columns)
