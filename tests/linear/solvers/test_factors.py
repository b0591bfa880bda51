"""Stacks of systems, regular and singular ones."""

import numpy as np
import pytest

from skmtl.linear.solvers._factors import FEW, Factors


@pytest.mark.parametrize("n_systems", [1, FEW, FEW + 1, 40])
@pytest.mark.parametrize("at_once", [1, 2**24])
def test_solutions_and_inverses(n_systems, at_once, monkeypatch):
    monkeypatch.setattr("skmtl.linear.solvers._factors.BYTES_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(n_systems, 8, 5)) * [1e-4, 1.0, 1e3, 1.0, 1.0]
    H, right = roots.swapaxes(1, 2) @ roots, rng.normal(size=(n_systems, 5))
    factors = Factors(H.copy())
    solved = factors.solve(right)
    np.testing.assert_allclose(np.einsum("kij,kj->ki", H, solved), right, atol=1e-8)
    np.testing.assert_allclose(np.matmul(factors.inverse, H), [np.eye(5)] * n_systems, atol=1e-5)


@pytest.mark.parametrize("n_systems", [2, 20])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_what_a_matrix_says_nothing_about_stays_small(n_systems, scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    # A column twice, and one without any curvature.
    X = scale * np.column_stack([X, X[:, 0], np.zeros(30)])
    H = np.repeat((X.T @ X)[None], n_systems, axis=0)
    H[0] = np.eye(5) * scale**2
    w = rng.normal(size=5)
    right = H @ w
    solved = Factors(H.copy()).solve(right)
    np.testing.assert_allclose(
        np.einsum("kij,kj->ki", H, solved), right, atol=1e-5 * np.abs(right).max()
    )
    np.testing.assert_allclose(solved[0], w)
    assert np.abs(solved[1:]).max() < 10.0 and (solved[1:, 4] == 0.0).all()
