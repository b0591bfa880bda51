"""Conjugate gradients against the direct solution, and where there is none."""

import numpy as np
import pytest

from skmtl.linear.objective._conjugate_gradients import conjugate_gradients


@pytest.mark.parametrize("preconditioned", [False, True])
@pytest.mark.parametrize("in_energy", [False, True])
def test_it_solves(preconditioned, in_energy):
    rng = np.random.default_rng(0)
    A = rng.normal(size=(30, 8)) * np.logspace(0, 1, 8)
    H, g, start = A.T @ A, rng.normal(size=8), rng.normal(size=8)
    inverse = 1.0 / np.diag(H)
    options = {"precondition": lambda r: inverse * r} if preconditioned else {}
    z, size = conjugate_gradients(
        lambda d: H @ d, g - H @ start, start,
        target=1e-22 if in_energy else 1e-11, max_iter=200, in_energy=in_energy, **options,
    )  # fmt: skip
    np.testing.assert_allclose(z, np.linalg.solve(H, g), rtol=1e-7)
    r = g - H @ z
    if not in_energy:
        assert size == pytest.approx(np.linalg.norm(r), abs=1e-9)


def test_matrices_are_vectors_too():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(10, 4))
    H, G = A.T @ A, rng.normal(size=(4, 3))
    Z, _ = conjugate_gradients(lambda D: H @ D, G, np.zeros_like(G), target=1e-12, max_iter=100)
    np.testing.assert_allclose(Z, np.linalg.solve(H, G), atol=1e-9)


def test_without_curvature_along_the_residual_it_says_what_is_left():
    H, g = np.diag([1.0, 2.0, 0.0]), np.array([1.0, 2.0, 3.0])
    z, size = conjugate_gradients(lambda d: H @ d, g, np.zeros(3), target=1e-12, max_iter=100)
    assert size >= 3.0 * (1 - 1e-12)
    assert np.linalg.norm(g - H @ z) == pytest.approx(size)
    # No better z was met.
    assert size <= np.linalg.norm(g)


def test_few_steps_leave_the_best():
    rng = np.random.default_rng(0)
    H = np.diag(np.logspace(-6, 6, 50))
    g = rng.normal(size=50)
    sizes = [
        conjugate_gradients(lambda d: H @ d, g, np.zeros(50), target=0.0, max_iter=n)[1]
        for n in range(30)
    ]
    assert (np.diff(sizes) <= 0).all()
