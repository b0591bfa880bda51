"""Weighted Gram matrices where all weights of a column are one number, as at constant scores."""

import numpy as np
import pytest
from scipy import sparse

from skmtl.linear.objective._weighted_grams import weighted_grams


@pytest.mark.parametrize("container", [np.array, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("mean", [0.0, 3.0, 1e6])
def test_of_equal_rows(container, mean):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5)) * [1.0, 2.0, 0.1, 5.0, 1.0] + mean * np.array([1, 0, -1, 1, 1])
    h = np.tile([0.5, 2.0, -1.0], (300, 1))
    for offset in (np.zeros(5), X.mean(axis=0), X[0]):
        found = weighted_grams(container(X), h, offset)
        moved = X - offset
        expected = np.multiply.outer([0.5, 2.0, -1.0], moved.T @ moved)
        sizes = np.sqrt(np.einsum("mjj->mj", np.abs(expected)))
        errors = np.abs(found - expected) / sizes[:, :, None] / sizes[:, None]
        assert errors.max() < 1e-12
        np.testing.assert_array_equal(found, found.swapaxes(1, 2))
