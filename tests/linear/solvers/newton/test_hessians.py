"""Hessians of some of the rows, shrunk by as much as they are noise."""

import numpy as np

from skmtl.linear.solvers.newton._hessians import Hessians, shrink


def gram(X):
    return X.T @ X / len(X)


def shrunk(H, n_some, n_all):
    stack = Hessians(np.zeros((1, 1), dtype=int), H[None].copy())
    shrink([stack], n_some, n_all)
    return stack.matrices[0]


def test_features_that_have_nothing_to_do_with_each_other():
    X = np.random.default_rng(0).normal(size=(6000, 40))
    some, whole = gram(X[::6]), gram(X)
    found = shrunk(some, 1000, 6000)
    np.testing.assert_array_equal(np.diagonal(found), np.diagonal(some))
    # As little as the diagonal is off.
    assert np.linalg.norm(found - whole) < 0.6 * np.linalg.norm(some - whole)


def test_features_that_have_stay_as_they_are():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 40)) + 2.0 * rng.normal(size=(6000, 1))
    some = gram(X[::6])
    np.testing.assert_allclose(shrunk(some, 1000, 6000), some, rtol=0.01)


def test_the_share_in_numbers():
    H = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, 0.2], [0.0, 0.2, 0.25]])
    # Correlations .5, 0 and .4, each twice, of a variance of 1/20 - 1/100.
    share = 6 * (1 / 20 - 1 / 100) / (2 * (0.5**2 + 0.4**2))
    expected = np.where(np.eye(3) == 1.0, H, (1.0 - share) * H)
    np.testing.assert_allclose(shrunk(H, 20, 100), expected, rtol=1e-12)


def test_columns_without_curvature_and_all_rows():
    H = np.diag([0.0, 2.0, 3.0])
    np.testing.assert_array_equal(shrunk(H, 20, 100), H)
    H[1, 2] = H[2, 1] = 1.0
    np.testing.assert_array_equal(shrunk(H, 100, 100), H)
