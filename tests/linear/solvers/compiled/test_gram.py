"""Paths of sweeps on a Gram matrix: where they look for the next solution, and certificates."""

import numpy as np
import pytest

from skmtl.linear.solvers._spaces import GramSpace
from skmtl.linear.solvers._working_sets import RowNorms, block_descent, block_descent_path
from skmtl.linear.solvers.compiled._gram import FINE, NEAR, curve_on, go_on, sweep

N, P, T = 300, 40, 3


@pytest.fixture(scope="module")
def space():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P))
    X[:, 1:] += 0.6 * X[:, :-1]
    Y = X[:, ::7] @ rng.normal(size=(6, T)) + rng.normal(size=(N, T))
    return GramSpace(X.T @ X, X.T @ Y, float(np.vdot(Y, Y)))


def test_a_parabola_is_followed():
    rng = np.random.default_rng(0)
    c = rng.normal(size=(3, P, T))
    first, second, third, ahead = 4.0, 3.0, 2.5, 1.7
    at = {a: c[0] + c[1] * a + c[2] * a**2 for a in (first, second, third, ahead)}
    step = (third - ahead) / (second - third)
    bend = step * (second - ahead) / (first - third)
    ratio = (second - third) / (first - second)
    W = at[third].copy()
    curve_on(step, bend, ratio, at[second], at[first], W)
    np.testing.assert_allclose(W, at[ahead], rtol=1e-10)


def test_what_has_just_come_in_goes_on_along_a_line():
    rng = np.random.default_rng(0)
    before, W = rng.normal(size=(2, P, T))
    W[3] = 0.0
    expected = W.copy()
    go_on(0.9, before, expected)
    curve_on(0.9, 0.5, 0.8, before, np.zeros((P, T)), W)
    np.testing.assert_allclose(W, expected, rtol=1e-14)
    assert not W[3].any()


@pytest.mark.parametrize("max_gap", [1e-4, 10 * NEAR, 0.1 * NEAR, 10 * FINE, 0.1 * FINE])
def test_certificates_along_a_path(space, max_gap):
    alphas = np.linalg.norm(space.targets, axis=1).max() * np.geomspace(1.0, 1e-3, 40)
    options = {"max_gap": max_gap * space.squares, "max_iter": 10_000}
    path = block_descent_path(space, RowNorms(l21=1.0), alphas, **options)
    for alpha, found in zip(alphas, path, strict=True):
        H = space.targets - space.gram @ found.W
        fit = space.squares - np.vdot(found.W, space.targets)
        error = fit - np.vdot(found.W, H)
        scale = min(1.0, alpha / np.linalg.norm(H, axis=1).max(), fit / error)
        primal = 0.5 * error + alpha * np.linalg.norm(found.W, axis=1).sum()
        gap = primal - (scale * fit - 0.5 * scale**2 * error)
        np.testing.assert_allclose(found.gap, gap, rtol=1e-3, atol=1e-13 * space.squares)
        assert gap <= max_gap * space.squares * (1 + 1e-6)


def test_a_tight_path_has_the_solutions_from_scratch(space):
    alphas = np.linalg.norm(space.targets, axis=1).max() * np.geomspace(1.0, 1e-2, 30)
    options = {"max_gap": 1e-13 * space.squares, "max_iter": 10_000}
    norms = RowNorms(l21=0.7, l2=0.3)
    for alpha, found in zip(
        alphas, block_descent_path(space, norms, alphas, **options), strict=True
    ):
        alone = block_descent(space, norms, alpha=alpha, **options)
        np.testing.assert_allclose(found.W, alone.W, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_few_rows_that_move_tell_the_others_all(space, share):
    """Whichever rows of a block move, H stays Q - G W."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(P, T))
    H = space.targets - space.gram @ W
    # Rows with an infinite radius go to zero once, and stay.
    l21 = np.where(rng.random(P) < share, 1.0, np.inf)
    W[np.isinf(l21)] = 0.0
    H = space.targets - space.gram @ W
    low = high = np.zeros(P)
    moved = sweep(space.gram, H, W, 0.0, -low, high, l21, np.empty((P, T)))
    assert moved == bool(share)
    np.testing.assert_allclose(H, space.targets - space.gram @ W, atol=1e-9)
