"""A Gaussian process of many tasks is the formula, the models it contains, and another package."""

import pickle

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from scipy.stats import t as student
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, Matern, WhiteKernel
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskGaussianProcessRegressor, MultiTaskKernelRidge, stack_tasks
from skmtl.kernel.gaussian import _iterative, _part, _reading
from skmtl.kernel.gaussian._complete import Complete
from skmtl.kernel.gaussian._incomplete import Incomplete
from skmtl.kernel.gaussian._standard_errors import Around, standard_errors

B = np.array([[2.0, 1.0, -0.5], [1.0, 1.5, 0.0], [-0.5, 0.0, 0.7]])
NOISE = np.array([0.1, 0.2, 0.05])
MEANS = np.array([1.0, -2.0, 30.0])
NEW = np.array([[0.5, -0.5], [1.0, 1.0], [-3.0, 2.0]])
FIXED = {
    "kernel": RBF(1.3),
    "task_covariance": B,
    "noise": NOISE,
    "optimizer": None,
    "feature_scaling": None,
}
every_form = pytest.mark.parametrize("form", ["complete", "gaps"])
every_mean = pytest.mark.parametrize("fit_intercept", [True, False])


def data(form="complete", n=12):
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(n, 2))
    Y = np.column_stack([np.sin(X[:, 0]), np.cos(X[:, 1]), X[:, 0] * X[:, 1]])
    if form == "gaps":
        Y[::3, 1] = np.nan
        Y[5:, 2] = np.nan
    return X, Y


def fixed(form="complete", X=None, Y=None, **options):
    if X is None:
        X, Y = data(form)
    return MultiTaskGaussianProcessRegressor(**{**FIXED, **options}).fit(X, Y)


def likelihood_of_y(model):
    """The likelihood of labels in their own units."""
    tasks = model.tasks_
    n_free = [task.n_labels_ - model.fit_intercept for task in tasks]
    return model.log_marginal_likelihood_value_ - n_free @ np.log([task.scale_ for task in tasks])


def dense(X, Y, new, kernel, B, noise, fit_intercept, weight=None):
    """Means, covariances and likelihood from their formulas, cells of a row one after the other."""
    rows, tasks = np.nonzero(~np.isnan(Y))
    y, n = Y[rows, tasks], len(rows)
    counts = np.ones(n) if weight is None else weight[rows, tasks]
    S = B[np.ix_(tasks, tasks)] * kernel(X)[np.ix_(rows, rows)] + np.diag(noise[tasks] / counts)
    m, T = len(new), len(B)
    k = (kernel(new, X)[:, rows][:, None] * B[:, tasks]).reshape(m * T, n)
    prior = np.kron(kernel(new), B)
    solve = np.linalg.inv(S)
    mean, cov = k @ solve @ y, prior - k @ solve @ k.T
    value = multivariate_normal(np.zeros(n), S, allow_singular=False).logpdf(y)
    if fit_intercept:
        H, h = np.eye(T)[tasks], np.tile(np.eye(T), (m, 1))
        A = np.linalg.inv(H.T @ solve @ H)
        left = h - k @ solve @ H
        mean = mean + left @ A @ H.T @ solve @ y
        cov = cov + left @ A @ left.T
        # Orthonormal contrasts: all that the means have no part in.
        C = np.linalg.svd(np.eye(n) - H @ np.linalg.pinv(H))[0][:, : n - T]
        value = multivariate_normal(np.zeros(n - T), C.T @ S @ C).logpdf(C.T @ y)
    shape = (m, T)
    cov = cov.reshape(shape * 2)
    np.einsum("itit->it", cov)[:] += noise
    return mean.reshape(shape), cov, value


# -- what it has to be equal to ---------------------------------------------------------------


@every_form
@every_mean
def test_the_formula(form, fit_intercept):
    X, Y = data(form)
    model = fixed(form, fit_intercept=fit_intercept)
    mean, cov, value = dense(X, Y, NEW, RBF(1.3), B, NOISE, fit_intercept)
    np.testing.assert_allclose(model.predict(NEW), mean, atol=1e-10)
    np.testing.assert_allclose(model.predict(NEW, return_cov=True)[1], cov, atol=1e-10)
    std = model.predict(NEW, return_std=True)[1]
    np.testing.assert_allclose(std**2, np.einsum("itit->it", cov), atol=1e-10)
    np.testing.assert_allclose(likelihood_of_y(model), value)


# gpytorch 1.15.2, torch 2.13.0 in float64, Cholesky without jitter, on data(form)
# with RBFKernel, lengthscale 1.3, the task covariance B (IndexKernel), fixed noise, ZeroMean.
GPYTORCH = {
    "complete": (
        -46.461460214784,
        [0.43055897615337435, 0.8805625419771742, -0.271553224064832],
        [0.43363389472909514, 0.5625874389852604, 0.2974676652669343],
    ),
    # Of functions, to which the noise is added.
    "gaps": (
        -36.957428435483,
        [0.4923139125100664, 0.4827489019965733, -0.3320392655223695],
        np.sqrt(np.square([0.30034354141796105, 0.5103857390439985, 0.25055943121129487]) + NOISE),
    ),
}


@every_form
def test_gpytorch_finds_the_same(form):
    value, mean, std = GPYTORCH[form]
    model = fixed(form, fit_intercept=False)
    assert likelihood_of_y(model) == pytest.approx(value, rel=1e-10)
    found = model.predict(NEW[:1], return_std=True)
    np.testing.assert_allclose(found[0][0], mean, rtol=1e-8)
    np.testing.assert_allclose(found[1][0], std, rtol=1e-8)


@pytest.mark.parametrize("kernel", [RBF(1.3), Matern(0.7, nu=2.5), RBF([1.0, 2.0])])
def test_one_task_is_scikit_learn(kernel):
    X, Y = data()
    y = Y[:, 2]
    theirs = GaussianProcessRegressor(
        ConstantKernel(0.7) * kernel + WhiteKernel(0.1), optimizer=None
    ).fit(X, y)
    ours = fixed(X=X, Y=y, kernel=kernel, task_covariance=[[0.7]], noise=0.1, fit_intercept=False)
    for a, b in zip(ours.predict(NEW, True), theirs.predict(NEW, True), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8)
    # Its covariances are of new labels, too.
    for a, b in zip(
        ours.predict(NEW, return_cov=True), theirs.predict(NEW, return_cov=True), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    assert likelihood_of_y(ours) == pytest.approx(theirs.log_marginal_likelihood_value_, rel=1e-8)


@every_form
@every_mean
def test_kernel_ridge_predicts_the_same(form, fit_intercept):
    X, Y = data(form)
    options = {"task_kernel": B, "fit_intercept": fit_intercept}
    ridge = MultiTaskKernelRidge("rbf", gamma=0.5 / 1.3**2, alpha=0.02, **options).fit(X, Y + MEANS)
    noise = 0.02 * (~np.isnan(Y)).sum(axis=0)
    process = fixed(X=X, Y=Y + MEANS, noise=noise, fit_intercept=fit_intercept)
    np.testing.assert_allclose(process.predict(NEW), ridge.predict(NEW), rtol=1e-8)


# -- the likelihood ---------------------------------------------------------------------------


@every_form
@every_mean
@pytest.mark.parametrize("task_covariance", ["full", "shared", 1, 2])
@pytest.mark.parametrize("noise", ["task", "shared"])
def test_slopes_are_those_of_the_likelihood(form, fit_intercept, task_covariance, noise):
    X, Y = data(form)
    X, Y = np.vstack([X, X[:3]]), np.vstack([Y, 0.9 * Y[:3]])
    model = MultiTaskGaussianProcessRegressor(
        RBF([1.0, 1.5]) + ConstantKernel(0.5) * DotProduct(1.0),
        task_covariance=task_covariance,
        noise=noise,
        fit_intercept=fit_intercept,
        max_iter=2,
    )
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model.fit(X, Y)
    theta = model._theta + 0.1 * np.random.default_rng(1).normal(size=len(model._theta))
    _, slopes = model.log_marginal_likelihood(theta, eval_gradient=True)
    step = 1e-5
    numeric = [
        (model.log_marginal_likelihood(theta + e) - model.log_marginal_likelihood(theta - e))
        / (2 * step)
        for e in step * np.eye(len(theta))
    ]
    np.testing.assert_allclose(slopes, numeric, rtol=1e-5, atol=1e-5 * np.abs(numeric).max())


@every_mean
def test_both_ways_of_computing_agree(fit_intercept):
    X, Y = data()
    model = fixed(X=X, Y=Y, fit_intercept=fit_intercept)
    complete = model._likelihood.system
    assert isinstance(complete, Complete)
    other = Incomplete(complete.cells, complete.design)
    K = model.kernel_(model.X_fit_)
    ours, theirs = (
        system.evidence(system.decompose(K), model._B, model._noise) for system in (complete, other)
    )
    assert ours.value == pytest.approx(theirs.value)
    np.testing.assert_allclose(ours.of_kernel(), theirs.of_kernel(), atol=1e-9)
    np.testing.assert_allclose(ours.of_tasks, theirs.of_tasks, atol=1e-9)
    np.testing.assert_allclose(ours.of_noise, theirs.of_noise, atol=1e-9)


@every_form
def test_the_search_ends_where_slopes_vanish(form):
    rng = np.random.default_rng(0)
    X, Y = data(form, n=60)
    Y = Y + 0.3 * rng.normal(size=Y.shape)
    model = MultiTaskGaussianProcessRegressor(task_covariance=2).fit(X, Y)
    value, slopes = model.log_marginal_likelihood(model._theta, eval_gradient=True)
    assert value == pytest.approx(model.log_marginal_likelihood_value_)
    bounds = model._likelihood.bounds
    free = (model._theta > bounds[:, 0] + 1e-6) & (model._theta < bounds[:, 1] - 1e-6)
    assert np.abs(slopes[free]).max() < 0.02


# -- invariances ------------------------------------------------------------------------------


@every_form
def test_rows_that_are_there_twice_have_weight_two(form):
    X, Y = data(form)
    weight = np.where(np.arange(len(X)) < 4, 2.0, 1.0)
    weighted = MultiTaskGaussianProcessRegressor(**FIXED).fit(X, Y, weight)
    twice = fixed(X=np.vstack([X, X[:4]]), Y=np.vstack([Y, Y[:4]]))
    np.testing.assert_allclose(weighted.predict(NEW), twice.predict(NEW))
    std = weighted.predict(NEW, return_std=True)[1]
    np.testing.assert_allclose(std, twice.predict(NEW, return_std=True)[1])
    value = weighted.log_marginal_likelihood_value_
    assert value == pytest.approx(twice.log_marginal_likelihood_value_)


def test_labels_of_one_cell_are_all_in_the_likelihood():
    X, Y = data("gaps")
    X, Y = np.vstack([X, X[:4]]), np.vstack([Y, Y[:4] + 0.3])
    model = fixed(X=X, Y=Y)
    assert len(model.X_fit_) == 12
    mean, cov, value = dense(X, Y, NEW, RBF(1.3), B, NOISE, True)
    np.testing.assert_allclose(model.predict(NEW), mean, atol=1e-10)
    np.testing.assert_allclose(model.predict(NEW, return_cov=True)[1], cov, atol=1e-10)
    np.testing.assert_allclose(likelihood_of_y(model), value)


def test_other_weights_divide_the_noise():
    X, Y = data("gaps")
    # As many labels as a mean with these weights is worth, see `numbers_of_labels`.
    weight = np.random.default_rng(2).uniform(0.5, 2.0, Y.shape)
    model = MultiTaskGaussianProcessRegressor(**FIXED).fit(X, Y, weight)
    seen = np.where(np.isnan(Y), 0.0, weight)
    counts = seen * seen.sum(axis=0) / np.square(seen).sum(axis=0)
    mean, cov, _ = dense(X, Y, NEW, RBF(1.3), B, NOISE, True, counts)
    np.testing.assert_allclose(model.predict(NEW), mean, atol=1e-10)
    np.testing.assert_allclose(model.predict(NEW, return_cov=True)[1], cov, atol=1e-10)


@every_form
def test_order_of_rows_and_tasks(form):
    X, Y = data(form, n=40)
    model = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(X, Y)
    rows, tasks = np.random.default_rng(0).permutation(len(X)), [2, 0, 1]
    other = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(X[rows], Y[rows])
    # A search ends a little elsewhere for other last digits.
    np.testing.assert_allclose(model.predict(NEW), other.predict(NEW), rtol=1e-3)
    other = fixed(form, task_covariance=B[np.ix_(tasks, tasks)], noise=NOISE[tasks])
    X, Y = data(form)
    other = other.fit(X, Y[:, tasks])
    np.testing.assert_allclose(fixed(form).predict(NEW)[:, tasks], other.predict(NEW))


@every_form
def test_covariances_are_positive_semidefinite(form):
    model = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(*data(form, n=30))
    assert np.linalg.eigvalsh(model.task_covariance_)[0] >= -1e-12
    X = np.vstack([NEW, NEW[:1], model.X_fit_[:2]])
    for cov in (model.predict(X, return_cov=True)[1], model._posterior_covariance(X)):
        cov = cov.reshape(3 * len(X), -1)
        np.testing.assert_allclose(cov, cov.T, atol=1e-10)
        assert np.linalg.eigvalsh(cov)[0] > -1e-8 * np.abs(cov).max()
    draws = model.sample_y(NEW, 20_000, random_state=0)
    mean, std = model.predict(NEW, return_std=True)
    np.testing.assert_allclose(draws.mean(axis=2), mean, atol=0.05 * std.max())
    np.testing.assert_allclose(draws.std(axis=2), std, rtol=0.03)


def test_long_form_is_the_same_table():
    X, Y = data("gaps")
    X_long, y_long = stack_tasks([X] * 3, list(Y.T))
    options = {**FIXED, "fit_intercept": False}
    wide = MultiTaskGaussianProcessRegressor(**options).fit(X, Y)
    long = MultiTaskGaussianProcessRegressor(**options, task_feature=0).fit(X_long, y_long)
    asked = np.column_stack([np.tile(np.arange(3.0), 3), np.repeat(NEW, 3, axis=0)])
    for a, b in zip(wide.predict(NEW, True), long.predict(asked, True), strict=True):
        np.testing.assert_allclose(a.ravel(), b, rtol=1e-8)
    cov = wide.predict(NEW, return_cov=True)[1]
    found = long.predict(asked, return_cov=True)[1]
    np.testing.assert_allclose(cov.reshape(9, 9), found, rtol=1e-8, atol=1e-12)
    interval = long.predict_interval(asked)
    assert interval.shape == (9, 2)


def test_a_task_nobody_has_seen():
    X, Y = data()
    X_long, y_long = stack_tasks([X] * 3, list(Y.T))
    with pytest.raises(ValueError, match="Unknown task 9"):
        model = MultiTaskGaussianProcessRegressor(**FIXED, task_feature=0).fit(X_long, y_long)
        model.predict([[9, 0.0, 0.0]])
    model = MultiTaskGaussianProcessRegressor(**FIXED, task_feature=0, unknown_task="shared").fit(
        X_long, y_long
    )
    asked = np.array([[t, 0.5, 0.5] for t in (0, 1, 2, 9)])
    mean, std = model.predict(asked, return_std=True)
    assert mean[3] == pytest.approx(mean[:3].mean())
    # It is one of the tasks, and nobody knows which.
    variance = np.trace(B) / 3 - B.mean()
    cov = model._posterior_covariance(asked[:3])
    assert std[3] ** 2 == pytest.approx(cov.mean() + variance + NOISE.mean())


# -- tasks without labels, or with labels that say nothing -----------------------------------


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tasks_without_labels_or_spread_are_left_out():
    X, Y = data("gaps")
    more = np.column_stack([Y, np.full(12, np.nan), np.full(12, 7.0), np.full(12, np.nan)])
    more[3, 5] = 4.0
    model = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(X, more)
    same = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(X, Y)
    for a, b in zip(model.predict(NEW, True), same.predict(NEW, True), strict=True):
        np.testing.assert_array_equal(a[:, :3], b)
    mean, std = model.predict(NEW, return_std=True)
    np.testing.assert_allclose(mean[0, 3:], [np.nan, 7.0, 4.0])
    np.testing.assert_array_equal(std[0, 3:], [np.nan, 0.0, np.inf])
    interval = model.predict_interval(NEW)
    np.testing.assert_array_equal(interval[0, 5], [-np.inf, np.inf])
    np.testing.assert_allclose(interval[0, 4], [7.0, 7.0])
    cov = model.predict(NEW, return_cov=True)[1]
    np.testing.assert_array_equal(np.sqrt(np.einsum("itit->it", cov))[:, 3:], std[:, 3:])
    assert np.isnan(model.sample_y(NEW)[:, [3, 5]]).all()
    np.testing.assert_allclose(model.sample_y(NEW)[:, 4], 7.0)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_one_row():
    model = MultiTaskGaussianProcessRegressor().fit([[1.0, 2.0]], [[3.0, np.nan]])
    mean, std = model.predict(NEW, return_std=True)
    np.testing.assert_array_equal(mean[:, 0], 3.0)
    np.testing.assert_array_equal(std[:, 0], np.inf)
    long = MultiTaskGaussianProcessRegressor(task_feature=0).fit([[1, 2.0]], [3.0])
    np.testing.assert_array_equal(long.predict([[1, 5.0]], True), [[3.0], [np.inf]])
    with pytest.raises(ValueError, match="no likelihood"):
        model.log_marginal_likelihood()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_task_of_long_form_without_labels():
    X = np.column_stack([np.linspace(0, 1, 9), np.repeat([0, 1, 2], 3)])
    y = np.sin(3 * X[:, 0])
    y[6:] = np.nan
    model = MultiTaskGaussianProcessRegressor(task_feature=1, unknown_task="shared").fit(X, y)
    asked = [[0.3, 0], [0.3, 2], [0.3, 7]]
    mean, std = model.predict(asked, return_std=True)
    np.testing.assert_array_equal(np.isnan(mean), [False, True, False])
    np.testing.assert_array_equal(np.isnan(std), [False, True, False])
    cov = model.predict(asked, return_cov=True)[1]
    np.testing.assert_allclose(np.diag(cov), std**2)


def test_unobserved_labels_have_no_influence():
    X, Y = data()
    weight = np.ones(Y.shape)
    weight[::3, 1] = 0.0
    weight[5:, 2] = 0.0
    other = np.where(weight > 0, Y, 1e6)
    ours = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(X, other, weight)
    theirs = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(*data("gaps"))
    np.testing.assert_array_equal(ours.predict(NEW), theirs.predict(NEW))
    np.testing.assert_array_equal(ours.predict(NEW, True)[1], theirs.predict(NEW, True)[1])


# -- many labels ------------------------------------------------------------------------------


@every_form
@pytest.mark.parametrize("forms_covariance", [True, False])
def test_conjugate_gradients_find_the_same(form, forms_covariance, monkeypatch):
    X, Y = data(form, n=40)
    exact = fixed(X=X, Y=Y)
    monkeypatch.setattr(_part, "MOST_SEARCHED", 30)
    monkeypatch.setattr(_iterative, "MOST_EXACT", 1_000)
    part = fixed(X=X, Y=Y)
    assert len(part._likelihood.X) < 40
    for a, b in zip(part.predict(NEW, True), exact.predict(NEW, True), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8)
    monkeypatch.setattr(_iterative, "MOST_EXACT", 30)
    if not forms_covariance:
        monkeypatch.setattr(_iterative, "MAX_KERNEL_BYTES", 0)
    large = fixed(X=X, Y=Y)
    assert isinstance(large._posterior, _iterative.LargePosterior)
    np.testing.assert_allclose(large.predict(NEW), exact.predict(NEW), atol=1e-6)
    std, of_all = (model.predict(NEW, return_std=True)[1] for model in (large, exact))
    assert (std >= of_all - 1e-10).all()
    cov = large.predict(NEW, return_cov=True)[1]
    np.testing.assert_allclose(np.einsum("itit->it", cov), std**2)


def test_a_part_has_labels_of_every_task(monkeypatch):
    monkeypatch.setattr(_part, "MOST_SEARCHED", 60)
    X, Y = data(n=300)
    Y[8:, 1] = np.nan
    model = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(X, Y)
    cells = model._likelihood.system.cells
    assert len(cells.rows) <= 62
    assert (np.bincount(cells.tasks) >= [8, 8, 8]).all()


def test_conjugate_gradients_say_when_they_do_not_come_to_an_end(monkeypatch):
    monkeypatch.setattr(_iterative, "MAX_ITER", 2)
    A = np.diag(np.arange(1.0, 9.0))
    with pytest.warns(ConvergenceWarning, match="2 steps of conjugate gradients leave"):
        _iterative.conjugate_gradients(lambda v: A @ v, np.ones((8, 1)))


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(_reading, "MAX_KERNEL_BYTES", 1_000)
    with pytest.raises(ValueError, match="The kernel of 12 rows takes"):
        fixed()


# -- intervals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "gaps", "kernel"), [(100, 0.0, RBF(1.0)), (100, 0.3, RBF(1.0)), (50, 0.3, None)]
)
def test_intervals_hold_nine_of_ten_labels(n, gaps, kernel):
    shares = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X = rng.uniform(-2, 2, size=(n + 20, 2))
        K = RBF(1.0)(X) + 1e-9 * np.eye(n + 20)
        F = np.linalg.cholesky(K) @ rng.normal(size=(n + 20, 3)) @ np.linalg.cholesky(B).T
        Y = F + np.sqrt(NOISE) * rng.normal(size=F.shape) + MEANS
        train, test, truth = slice(0, n), slice(n, None), Y[n:].copy()
        Y[rng.random(Y.shape) < gaps] = np.nan
        model = MultiTaskGaussianProcessRegressor(kernel).fit(X[train], Y[train])
        low, high = np.moveaxis(model.predict_interval(X[test]), -1, 0)
        shares.append(((low <= truth) & (truth <= high)).mean())
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert abs(np.mean(shares) - 0.9) <= 2 * error


def noisy(form, n=60):
    """A fit to functions with noise."""
    X, Y = data(form, n=n)
    Y = Y + 0.3 * np.random.default_rng(0).normal(size=Y.shape)
    return MultiTaskGaussianProcessRegressor(feature_scaling=None).fit(X, Y)


@every_form
def test_hyper_parameters_a_standard_error_away(form):
    model = noisy(form)
    likelihood, theta = model._likelihood, model._theta
    low, high = likelihood.bounds.T
    points = standard_errors(Around(likelihood, theta))
    for point in points:
        assert ((low <= point.theta) & (point.theta <= high)).all()
        fall = model.log_marginal_likelihood_value_ - likelihood(point.theta)[0]
        is_at_an_end = (point.theta == np.where(point.theta > theta, high, low)).any()
        assert (fall <= 0.2 and is_at_an_end) or 0.2 <= fall <= 1.2
        # One side of two has half of the share.
        assert 2 * fall * point.share == pytest.approx(0.5, rel=1e-6) or (
            point.share in (0.5, 1.0) or 2 * fall * point.share == pytest.approx(1.0, rel=1e-6)
        )


def test_standard_errors_are_those_of_the_curvature_where_labels_are_many():
    rng = np.random.default_rng(0)
    X = rng.uniform(-6, 6, size=(400, 1))
    F = np.linalg.cholesky(RBF(1.0)(X) + 1e-9 * np.eye(400)) @ rng.normal(size=(400, 2))
    Y = F @ [[1.0, 0.5], [0.0, 1.0]] + 0.3 * rng.normal(size=(400, 2))
    kernel = RBF(1.0, (1e-2, 1e2))
    model = MultiTaskGaussianProcessRegressor(kernel, feature_scaling=None).fit(X, Y)
    likelihood, theta, step = model._likelihood, model._theta, 1e-4
    steps = step * np.eye(len(theta))
    bends = [likelihood(theta - e)[1] - likelihood(theta + e)[1] for e in steps]
    expected = np.linalg.inv(np.array(bends) / (2 * step))
    points = standard_errors(Around(likelihood, theta))
    moves = np.array([np.sqrt(p.share) * (p.theta - theta) for p in points])
    size = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        moves.T @ moves / np.outer(size, size), expected / np.outer(size, size), atol=0.1
    )


@every_form
def test_what_hyper_parameters_add_is_how_predictions_move_with_them(form):
    model = noisy(form)
    likelihood = model._likelihood

    def mean(theta):
        kernel, covariance, noise = likelihood.prior(theta)
        K = kernel(likelihood.X)
        posterior = likelihood.system.posterior(likelihood.system.decompose(K), covariance, noise)
        return kernel(NEW, likelihood.X) @ posterior.weights @ covariance + posterior.means

    points = standard_errors(Around(likelihood, model._theta))
    moved = [point.share * (mean(point.theta) - mean(model._theta)) ** 2 for point in points]
    added = model.predict(NEW, return_cov=True)[1] - model._posterior_covariance(NEW)
    added = np.einsum("itit->it", added) - model.noise_
    expected = 2 * np.sum(moved, axis=0) * model._scale**2
    np.testing.assert_allclose(added, expected, rtol=1e-5, atol=1e-8 * expected.max())


def test_degrees_of_freedom_are_those_of_labels_that_are_left_out():
    X, Y = data(n=10)
    Y = (Y + 0.3 * np.random.default_rng(0).normal(size=Y.shape))[:, :2]
    kernel = RBF(1.0, (1e-1, 1e1))
    model = MultiTaskGaussianProcessRegressor(kernel, feature_scaling=None).fit(X, Y)
    scale = model._scale

    def variances(theta):
        kernel, covariance, noise = model._likelihood.prior(theta)
        found = np.empty(Y.shape)
        for cell in np.ndindex(Y.shape):
            others = Y.copy()
            others[cell] = np.nan
            given = MultiTaskGaussianProcessRegressor(
                kernel,
                task_covariance=covariance * np.outer(scale, scale),
                noise=noise * scale**2,
                optimizer=None,
                feature_scaling=None,
            )
            found[cell] = given.fit(X, others).predict(X, return_std=True)[1][cell] ** 2
        return found

    first, spread = variances(model._theta), 0.0
    for point in standard_errors(Around(model._likelihood, model._theta)):
        spread += point.share * np.square(np.log(variances(point.theta) / first)).mean(axis=0)
    mean, std = model.predict(NEW, return_std=True)
    low, high = np.moveaxis(model.predict_interval(NEW, coverage=0.8), -1, 0)
    expected = student.ppf(0.9, np.maximum(2 / spread, 1)) * std
    np.testing.assert_allclose(high - mean, expected, rtol=1e-4)
    np.testing.assert_allclose(mean - low, expected, rtol=1e-4)


def test_parameters_that_are_given_are_known():
    model = fixed()
    mean, std = model.predict(NEW, return_std=True)
    low, high = np.moveaxis(model.predict_interval(NEW, coverage=0.8), -1, 0)
    np.testing.assert_allclose((high - mean) / std, norm.ppf(0.9))
    np.testing.assert_allclose((mean - low) / std, norm.ppf(0.9))


# -- parameters -------------------------------------------------------------------------------


def test_restarts_find_nothing_worse():
    X, Y = data("gaps", n=30)
    one = MultiTaskGaussianProcessRegressor(RBF(50.0, (1e-2, 1e2)), task_covariance="shared")
    value = one.fit(X, Y).log_marginal_likelihood_value_
    more = one.set_params(n_restarts_optimizer=3, random_state=0).fit(X, Y)
    assert more.log_marginal_likelihood_value_ >= value
    again = one.set_params(n_restarts_optimizer=3, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(again.predict(NEW), more.predict(NEW))


def test_what_a_fit_has_found_can_be_given_to_another():
    X, Y = data("gaps", n=30)
    model = MultiTaskGaussianProcessRegressor(RBF(1.0)).fit(X, 100 * Y + 5)
    other = MultiTaskGaussianProcessRegressor(
        model.kernel_,
        task_covariance=model.task_covariance_,
        noise=model.noise_,
        optimizer=None,
    ).fit(X, 100 * Y + 5)
    np.testing.assert_allclose(model.predict(NEW), other.predict(NEW), rtol=1e-8)
    ours, theirs = (m._posterior_covariance(NEW) for m in (model, other))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)
    # What was found is less sure than what is given, and a little less so.
    ratio = model.predict(NEW, True)[1] / other.predict(NEW, True)[1]
    assert ratio.min() >= 1.0
    assert ratio.max() < 1.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": [0.1, 0.2]}, "noise=.*each of 3 tasks"),
        ({"noise": [0.1, -0.2, 1.0]}, "noise=.*above 0"),
        ({"task_covariance": np.eye(2)}, r"task_covariance has shape \(2, 2\)"),
        ({"task_covariance": -np.eye(3)}, "task_covariance is not positive semidefinite"),
        ({"kernel": RBF(1.0, (1e-3, np.inf)), "n_restarts_optimizer": 1}, "finite bounds"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskGaussianProcessRegressor(**options).fit(*data())


def test_questions_that_are_refused():
    model = fixed()
    with pytest.raises(ValueError, match="At most one"):
        model.predict(NEW, return_std=True, return_cov=True)
    with pytest.raises(ValueError, match="coverage must be between 0 and 1"):
        model.predict_interval(NEW, coverage=90)
    with pytest.raises(ValueError, match="fewer rows"):
        model.predict(np.zeros((10_000, 2)), return_cov=True)


def test_it_works_with_scikit_learn():
    X, Y = data("gaps", n=30)
    model = MultiTaskGaussianProcessRegressor(task_covariance="shared")
    search = GridSearchCV(model, {"kernel": [RBF(1.0), Matern(1.0)]}, cv=3).fit(X, Y)
    copy = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(copy.predict(NEW), search.predict(NEW))
    single = MultiTaskGaussianProcessRegressor(**FIXED).fit(X.astype(np.float32), Y)
    double = MultiTaskGaussianProcessRegressor(**FIXED).fit(X, Y)
    np.testing.assert_allclose(single.predict(NEW), double.predict(NEW), atol=1e-5)


def test_labels_that_are_all_the_same_have_an_interval():
    X, Y = data()
    varied = MultiTaskGaussianProcessRegressor(max_iter=5).fit(X, Y)
    for model in (MultiTaskGaussianProcessRegressor(), varied):
        found = model.fit(X, np.full((len(X), 2), 3.0)).predict_interval(NEW)
        np.testing.assert_array_equal(found, 3.0)


def test_rows_that_are_all_the_same_are_a_sample_of_each_task():
    # Nothing but the means and the noise can be known: the intervals are those of Student.
    Y = np.random.default_rng(0).normal([3.0, -1.0], [1.0, 0.1], size=(40, 2))
    model = MultiTaskGaussianProcessRegressor(noise="task").fit(np.ones((40, 1)), Y)
    lower, upper = model.predict_interval([[1.0]])[0].T
    np.testing.assert_allclose((lower + upper) / 2, Y.mean(axis=0), atol=1e-6)
    half = student.ppf(0.95, 39) * Y.std(axis=0, ddof=1) * np.sqrt(1 + 1 / 40)
    np.testing.assert_allclose((upper - lower) / 2, half, rtol=0.02)
