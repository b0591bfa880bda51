"""Features of landmarks."""

import numpy as np

from skmtl.kernel._landmarks import nystroem_map


def test_landmarks_that_are_all_rows_give_the_kernel_itself():
    X = np.random.default_rng(0).normal(size=(18, 3))
    K = np.exp(-0.2 * ((X[:, None] - X) ** 2).sum(axis=2))
    features = K @ nystroem_map(K)
    np.testing.assert_allclose(features @ features.T, K, atol=1e-10)
