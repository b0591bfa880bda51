"""The restricted likelihood against matrices of all rows, and its slopes against differences."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import block_diag

from skmtl.linear.bayesian import _units
from skmtl.linear.bayesian._choice import likely_variances
from skmtl.linear.bayesian._likelihood import Posterior
from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._predictor import RandomCoefficients
from skmtl.linear.bayesian._search import Found, search
from skmtl.linear.bayesian._structures import LowRank, structure_of
from skmtl.linear.bayesian._units import Variances
from skmtl.linear.bayesian._variances import Model

D = 4
COVARIANCES = ["scalar", "diag", "full", 2]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def rows(rng):
    """(w, y, weights) of six tasks."""
    found = []
    for _ in range(6):
        n = rng.integers(3, 9)
        W = np.column_stack([np.ones(n), rng.normal(size=(n, D - 1))])
        y = W @ rng.normal([1.0, 2.0, 0.0, -1.0], [1.0, 0.5, 0.2, 0.7])
        found.append((W, y + 0.3 * rng.normal(size=n), rng.uniform(0.5, 2.0, size=n)))
    return found


@pytest.fixture
def moments(rows):
    A = np.array([(W.T * s) @ W for W, _, s in rows])
    c = np.array([W.T @ (s * y) for W, y, s in rows])
    squares = np.array([s @ y**2 for _, y, s in rows])
    n = np.array([float(len(y)) for _, y, _ in rows])
    return Moments.of_sums(A, np.arange(len(rows)), c, squares, n)


def model_of(covariance, one_noise, n_flat):
    return Model(structure_of(covariance, D, has_intercept=True), one_noise, n_flat)


def free_numbers(model, rng, n_tasks=6):
    """Some, where nothing is special."""
    root = rng.normal(size=(D, D))
    L = np.linalg.cholesky(root @ root.T + np.eye(D))
    noise = np.full(n_tasks, 0.3) if model.one_noise else rng.uniform(0.2, 0.6, n_tasks)
    precision = np.where(np.arange(D) < model.n_flat, 0.0, 0.4)
    free = model.free(Variances(L, noise, precision))
    return free + 0.01 * rng.normal(size=len(free))


def dense(rows, variances):
    """Deviance, m and its covariance, and those of every task's coefficients: all rows at once."""
    Z = block_diag(*[W for W, _, _ in rows])
    X = np.vstack([W for W, _, _ in rows])
    y = np.concatenate([y for _, y, _ in rows])
    noise = np.concatenate([s2 / s for s2, (_, _, s) in zip(variances.noise, rows, strict=True)])
    G = np.kron(np.eye(len(rows)), variances.covariance)
    V = Z @ G @ Z.T + np.diag(noise)
    inverse = np.linalg.inv(V)
    K = X.T @ inverse @ X + np.diag(variances.precision)
    C = np.linalg.inv(K)
    m = C @ X.T @ inverse @ y
    prior = variances.precision[variances.precision > 0]
    deviance = (len(y) - D + len(prior)) * np.log(2 * np.pi) + y @ inverse @ y - m @ K @ m
    deviance += np.linalg.slogdet(V)[1] + np.linalg.slogdet(K)[1] - np.log(prior).sum()
    # Weights are numbers of rows: what they do to the noise is no part of the likelihood.
    deviance += sum(np.log(s).sum() for _, _, s in rows)
    u = G @ Z.T @ inverse @ (y - X @ m)
    ones = np.kron(np.ones((len(rows), 1)), np.eye(D))
    answer = ones - G @ Z.T @ inverse @ X
    covariance = G - G @ Z.T @ inverse @ Z @ G + answer @ C @ answer.T
    return deviance, m, C, ones @ m + u, covariance


@pytest.mark.parametrize("n_flat", [1, D])
@pytest.mark.parametrize("one_noise", [True, False])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_slopes_are_those_of_the_deviance(covariance, one_noise, n_flat, moments, rng):
    model = model_of(covariance, one_noise, n_flat)
    free = free_numbers(model, rng)

    def deviance(free):
        return Posterior(moments, model.variances(free, 6)).deviance

    found = model.slopes(Posterior(moments, model.variances(free, 6)))
    steps = 1e-5 * np.eye(len(free))
    expected = [(deviance(free + step) - deviance(free - step)) / 2e-5 for step in steps]
    assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("n_flat", [1, D])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_sums_over_rows_say_what_all_rows_say(covariance, n_flat, rows, moments, rng):
    model = model_of(covariance, False, n_flat)
    variances = model.variances(free_numbers(model, rng), 6)
    posterior = Posterior(moments, variances)
    deviance, m, C, coefficients, covariances = dense(rows, variances)
    assert_allclose(posterior.deviance, deviance)
    assert_allclose(posterior.m, m, rtol=1e-8)
    assert_allclose(posterior.C, C, rtol=1e-8, atol=1e-12)
    assert_allclose(posterior.coefficients.ravel(), coefficients, rtol=1e-7)
    fitted = RandomCoefficients.of(posterior, None, posterior.n_left)
    for t in range(6):
        block = slice(t * D, (t + 1) * D)
        assert_allclose(fitted.covariance(t), covariances[block, block], rtol=1e-6, atol=1e-10)


def test_tasks_with_the_same_rows_share_their_matrices(rows, moments, rng):
    W, y, s = rows[0]
    model = model_of("full", True, 1)
    variances = model.variances(free_numbers(model, rng, 3), 3)
    A, Y = (W.T * s) @ W, rng.normal(size=(3, len(y)))
    c, squares, n = Y @ (s[:, None] * W), (Y**2) @ s, np.full(3, float(len(y)))
    shared = Posterior(Moments.of_sums(A[None], np.zeros(3, int), c, squares, n), variances)
    apart = Posterior(Moments.of_sums(np.stack([A] * 3), np.arange(3), c, squares, n), variances)
    assert len(shared.counts) == 1
    assert_allclose(shared.deviance, apart.deviance)
    assert_allclose(shared.coefficients, apart.coefficients)
    for found, expected in zip(
        shared.slopes(one_noise=False), apart.slopes(one_noise=False), strict=True
    ):
        assert_allclose(found, expected, atol=1e-10)


def with_ranks(beside, rank):
    return LowRank(structure_of(beside, D, has_intercept=True), rank)


@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize("one_noise", [True, False])
def test_one_variance_and_some_ranks_need_no_matrix_of_every_task(rank, one_noise, moments, rng):
    structure = (
        with_ranks("scalar", rank) if rank else structure_of("scalar", D, has_intercept=True)
    )
    model = Model(structure, one_noise, 1)
    variances = model.variances(free_numbers(model, rng), 6)
    assert variances.spectral is not None
    assert with_ranks("diag", 1).spectral(np.ones(2 * D)) is None
    some, other = (
        Posterior(moments, variances),
        Posterior(moments, replace(variances, spectral=None)),
    )
    assert_allclose(some.deviance, other.deviance)
    assert_allclose(model.slopes(some), model.slopes(other), rtol=1e-8, atol=1e-9)
    assert_allclose(some.n_left, other.n_left)


def test_what_is_not_kept_is_made_again(moments, rng, monkeypatch):
    model = model_of("full", False, 1)
    variances = model.variances(free_numbers(model, rng), 6)
    kept = Posterior(moments, variances)
    monkeypatch.setattr(_units, "MOST_KEPT", 0)
    monkeypatch.setattr(_units, "CHUNK", 2 * D * D)
    made = Posterior(moments, variances)
    assert kept.units._kept is not None
    assert made.units._kept is None
    assert_allclose(made.deviance, kept.deviance)
    assert_allclose(model.slopes(made), model.slopes(kept))
    assert_allclose(model.curvatures(made), model.curvatures(kept))


def test_a_rank_costs_no_rotations():
    # d (d + 1) / 2 numbers of rank d, all of a covariance, and those of what is beside it.
    assert with_ranks("scalar", D).n_free == D * (D + 1) // 2 + 2
    assert with_ranks("diag", 1).n_free == 2 * D


def test_a_variance_of_0_is_left_where_it_wants_to_be_more(moments):
    model = model_of("diag", True, 1)
    likely = likely_variances(moments, "diag", model_of("scalar", True, 1), max_iter=500, tol=1e-14)
    free = likely.free.copy()
    # Along standard deviations the likelihood is flat at 0.
    free[[0, 1]] = 0.0
    stuck = Found(moments, model, free)
    assert_allclose(stuck.slopes[:2], 0.0)
    found = search(stuck, max_iter=500, tol=1e-14)
    assert_allclose(found.deviance, likely.deviance, atol=1e-6)
    assert_allclose(found.free[:2] ** 2, likely.free[:2] ** 2, rtol=1e-3)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_no_variances_nearby_are_likelier(covariance, moments, rng):
    scalar = model_of("scalar", True, 1)
    found = likely_variances(moments, covariance, scalar, max_iter=500, tol=1e-14)
    free = found.model.free(found.posterior.variances)
    for _ in range(20):
        nearby = free + 0.05 * rng.normal(size=len(free))
        posterior = Posterior(moments, found.model.variances(nearby, 6))
        assert posterior.deviance > found.posterior.deviance - 1e-6
