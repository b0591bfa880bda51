"""Newton's steps of tasks that come later, whatever the curvature of their losses."""

import numpy as np
import pytest

from skmtl._likely_strengths import solved_by_roots


def test_roots_are_the_factor():
    rng = np.random.default_rng(0)
    basis, A, b = rng.normal(size=(7, 3)), rng.normal(size=(7, 2, 2)), rng.normal(size=6)
    bent = A @ A.swapaxes(1, 2)
    H = np.einsum("ir,icd,is->rcsd", basis, bent, basis).reshape(6, 6) + np.eye(6)
    found, log_size = solved_by_roots(basis, bent, b)
    np.testing.assert_allclose(found, np.linalg.solve(H, b))
    assert log_size == pytest.approx(0.5 * np.linalg.slogdet(H)[1])


@pytest.mark.parametrize("size", [1e8, 1e20, 1e200])
def test_curvatures_beside_which_the_identity_is_rounding(size):
    v, b = np.random.default_rng(0).normal(size=6), np.linspace(-1.0, 2.0, 6)
    found, log_size = solved_by_roots(v[None], np.full((1, 1, 1), size), b)
    # Sherman and Morrison: nothing is left along v, all of it beside.
    across = b - v * (v @ b) / (v @ v)
    np.testing.assert_allclose(found, across, atol=1e-7)
    assert log_size == pytest.approx(0.5 * np.log1p(size * (v @ v)), rel=1e-9)
