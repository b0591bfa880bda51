"""Errors of left-out rows in closed form are those of fits without them."""

import numpy as np
import pytest

from skmtl._spectrum import Spectrum

ALPHAS = np.array([1.0, 1e-2, 1e-5])


def kernel_of(X, Z):
    return np.exp(-0.2 * ((X[:, None] - Z) ** 2).sum(axis=2))


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(18, 3))
    Y = np.column_stack([np.sin(X[:, 0]), X[:, 1] ** 2]) + 0.1 * rng.normal(size=(18, 2))
    share = rng.uniform(0.2, 3.0, size=18)
    return X, Y, share / share.sum()


def refit(K, y, share, alpha):
    """Minimum of sum s (y - K a - b)^2 / 2 + alpha / 2 a'Ka, from its normal equations."""
    n = len(K)
    system = np.zeros((n + 1, n + 1))
    system[:n, :n] = share[:, None] * K + alpha * np.eye(n)
    system[:n, n] = share
    system[n, :n], system[n, n] = share @ K, share.sum()
    solution = np.linalg.solve(system, np.append(share * y, share @ y))
    return solution[:n], solution[n]


def left_out_errors(K, Y, share, alpha, folds):
    """Errors of rows predicted by fits to the others, at the same alpha."""
    found = np.full(Y.shape, np.nan)
    for left_out, test in folds:
        kept = np.setdiff1d(np.arange(len(K)), left_out)
        for t, y in enumerate(Y.T):
            a, b = refit(K[np.ix_(kept, kept)], y[kept], share[kept], alpha)
            found[test, t] = y[test] - K[np.ix_(test, kept)] @ a - b
    return found


ROWS = [(np.array([i]), np.array([i])) for i in range(18)]
GROUPS = [(np.arange(k, 18, 4), np.arange(k, 18, 4)) for k in range(4)]
PART = [(np.arange(6), np.array([1, 3]))]


@pytest.mark.parametrize(
    "folds", [None, ROWS, GROUPS, PART], ids=["none", "rows", "groups", "part"]
)
def test_held_out_is_a_refit(folds, problem):
    X, Y, share = problem
    K = kernel_of(X, X)
    found = Spectrum.of_kernel(K.copy(), share).held_out(Y, ALPHAS, folds)
    for errors, alpha in zip(found, ALPHAS, strict=True):
        expected = left_out_errors(K, Y, share, alpha, ROWS if folds is None else folds)
        np.testing.assert_allclose(errors, expected, rtol=1e-6, atol=1e-8)


def test_the_mean_of_folds_that_share_a_row(problem):
    X, Y, share = problem
    K = kernel_of(X, X)
    folds = [(np.arange(4), np.arange(4)), (np.arange(3, 9), np.arange(3, 9))]
    found = Spectrum.of_kernel(K.copy(), share).held_out(Y, ALPHAS[:1], folds)[0]
    both = [left_out_errors(K, Y, share, 1.0, [fold]) for fold in folds]
    np.testing.assert_allclose(found[3], 0.5 * (both[0][3] + both[1][3]), rtol=1e-8)
    assert np.isnan(found[9:]).all()


def test_a_kernel_of_low_rank(problem):
    # What the kernel does not span has to be left out, too.
    X, Y, share = problem
    K = X @ X.T
    found = Spectrum.of_kernel(K.copy(), share).held_out(Y, ALPHAS, None)
    for errors, alpha in zip(found, ALPHAS, strict=True):
        expected = left_out_errors(K, Y, share, alpha, ROWS)
        np.testing.assert_allclose(errors, expected, rtol=1e-6, atol=1e-8)


def test_functions_are_those_of_the_normal_equations(problem):
    X, Y, share = problem
    K, new = kernel_of(X, X), kernel_of(X[:5] + 0.3, X)
    coef, intercept = Spectrum.of_kernel(K.copy(), share).coefficients(Y, ALPHAS[[1, 2]])
    for t, alpha in enumerate(ALPHAS[[1, 2]]):
        a, b = refit(K, Y[:, t], share, alpha)
        np.testing.assert_allclose(new @ coef[:, t] + intercept[t], new @ a + b, rtol=1e-7)


@pytest.mark.parametrize("folds", [None, GROUPS])
def test_features_are_their_kernel(folds, problem):
    X, Y, share = problem
    of_kernel = Spectrum.of_kernel(X @ X.T, share)
    of_features = Spectrum.of_features(X, share)
    args = Y, ALPHAS, folds
    np.testing.assert_allclose(of_features.held_out(*args), of_kernel.held_out(*args), atol=1e-8)
    coef, intercept = of_features.coefficients(Y, np.full(2, 0.01))
    expected, constant = of_kernel.coefficients(Y, np.full(2, 0.01))
    np.testing.assert_allclose(X @ coef + intercept, X @ X.T @ expected + constant)


def test_small_alphas_lose_no_digits():
    # Labels that the kernel interpolates: residuals and leverages are both nearly nothing.
    X = np.linspace(0, 1, 12).reshape(-1, 1)
    K, share = np.exp(-np.abs(X - X.T)), np.full(12, 1 / 12)
    Y = np.sin(5 * X)
    found = Spectrum.of_kernel(K.copy(), share).held_out(Y, np.array([1e-9]), None)[0]
    rows = [(np.array([i]), np.array([i])) for i in range(12)]
    expected = left_out_errors(K, Y, share, 1e-9, rows)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_intercept_is_free_where_the_kernel_is_nearly_singular():
    # Eigenvectors of tiny eigenvalues must have nothing of that of the intercept.
    X = np.linspace(0, 1, 40).reshape(-1, 1)
    K = np.exp(-0.5 * (X - X.T) ** 2)
    spectrum = Spectrum.of_kernel(K.copy(), np.full(40, 1 / 40))
    assert np.abs(spectrum.vectors.sum(axis=0)).max() < 1e-7
    coef, intercept = spectrum.coefficients(np.cos(3 * X), np.array([1e-9]))
    new = np.array([[0.511], [0.123]])
    K_new = np.exp(-0.5 * (new - X.T) ** 2)
    np.testing.assert_allclose(K_new @ coef + intercept, np.cos(3 * new), atol=1e-3)


@pytest.mark.parametrize("n", [1, 2])
def test_hardly_any_row(n):
    K, y = np.eye(n), np.arange(n, dtype=float).reshape(-1, 1)
    spectrum = Spectrum.of_kernel(K, np.full(n, 1 / n))
    # The other label, whatever alpha.
    found = spectrum.held_out(y, ALPHAS, None)
    np.testing.assert_allclose(found, np.tile(y - y[::-1], (3, 1, 1)), atol=1e-8)
