"""Kernel ridge of many tasks equals the models it contains, and is certified where it learns."""

import warnings

import numpy as np
import pytest
from scipy import linalg, optimize, sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_param_validation,
)

from skmtl import MultiTaskLinearRegressor, stack_tasks
from skmtl.kernel import MultiTaskKernelRidge, _choose_alpha, _kernel_ridge_model, _labels
from skmtl.kernel._task_kernels import SIMILARITIES
from skmtl.linear.penalties import L2, Graph, MeanDeviation, SquaredTraceNorm
from skmtl.tasks import Regression

ADJACENCY = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 0.5], [0.0, 0.5, 0.0]])
COVARIANCE = np.array([[2.0, 1.0, -0.5], [1.0, 1.5, 0.0], [-0.5, 0.0, 0.7]])
TASK_KERNELS = {
    "mean": {"similarity": 0.7},
    "identity": {"task_kernel": "identity"},
    "graph": {"task_kernel": "graph", "adjacency": ADJACENCY},
    "learned": {"task_kernel": "learned", "tol": 1e-10, "max_iter": 5000},
    "array": {"task_kernel": COVARIANCE},
}
every_task_kernel = pytest.mark.parametrize("name", sorted(TASK_KERNELS))
every_form = pytest.mark.parametrize("form", ["complete", "gaps"])
# The certificate bounds the objective, which is flat at its minimum.
ATOL = {"learned": 2e-4}


@pytest.fixture
def data(regression_data):
    X, Y = regression_data
    return X, Y + 2 * np.sin(X[:, :3])


@pytest.fixture
def gaps(data):
    X, Y = data
    Y = Y.copy()
    Y[np.random.default_rng(1).random(Y.shape) < 0.4] = np.nan
    return X, Y


@pytest.fixture
def problem(form, request):
    return request.getfixturevalue("data" if form == "complete" else "gaps")


def make(name="mean", **options):
    return MultiTaskKernelRidge(**{"alpha": 0.02, "gamma": None, **TASK_KERNELS[name], **options})


def same_predictions(a, b, X, atol=1e-8):
    np.testing.assert_allclose(a.predict(X), b.predict(X), atol=atol)


def linear_model(X, Y, weight, Q, alpha, fit_intercept=True):
    """Minimum of the objective with alpha/2 tr(W Q W'), from its normal equations, in full."""
    p, T = X.shape[1], Y.shape[1]
    H, q = np.kron(Q, alpha * np.eye(p)), np.zeros(T * p)
    means = np.zeros((T, p)), np.zeros(T)
    for t in range(T):
        used = ~np.isnan(Y[:, t])
        c = weight[used, t] / weight[used, t].sum()
        X_t, y_t = X[used], Y[used, t]
        if fit_intercept:
            means[0][t], means[1][t] = c @ X_t, c @ y_t
        X_t, y_t = X_t - means[0][t], y_t - means[1][t]
        block = slice(t * p, (t + 1) * p)
        H[block, block] += X_t.T @ (c[:, None] * X_t)
        q[block] = X_t.T @ (c * y_t)
    W = np.linalg.solve(H, q).reshape(T, p)
    return W, means[1] - (means[0] * W).sum(axis=1)


# -- the models it contains -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ("rbf", {"gamma": 0.3}),
        ("rbf", {"gamma": None}),
        ("poly", {"degree": 2, "coef0": 0.5, "gamma": 0.1}),
        ("laplacian", {"gamma": None}),
        ("linear", {}),
        (lambda x, z, power: (1 + x @ z) ** power, {"kernel_params": {"power": 2}}),
    ],
)
def test_one_task_is_kernel_ridge(kernel, options, data):
    X, Y = data
    ours = MultiTaskKernelRidge(kernel, alpha=0.1, fit_intercept=False, **options).fit(X, Y[:, 0])
    theirs = KernelRidge(kernel=kernel, alpha=0.1 * len(X), **options).fit(X, Y[:, 0])
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.dual_coef_, theirs.dual_coef_)


def test_chi2_has_its_own_gamma(data):
    X, Y = np.abs(data[0]), data[1][:, 0]
    ours = MultiTaskKernelRidge("chi2", alpha=0.1, fit_intercept=False).fit(X, Y)
    theirs = KernelRidge(kernel="chi2", gamma=1.0, alpha=0.1 * len(X)).fit(X, Y)
    same_predictions(ours, theirs, X)


def test_weights_are_those_of_kernel_ridge(data):
    X, Y = data
    s = np.random.default_rng(0).uniform(0.1, 3, len(X))
    ours = make(alpha=0.1, fit_intercept=False).fit(X, Y[:, 0], sample_weight=s)
    theirs = KernelRidge(kernel="rbf", alpha=0.1 * s.sum()).fit(X, Y[:, 0], sample_weight=s)
    same_predictions(ours, theirs, X)


@every_form
def test_identity_is_kernel_ridge_of_each_task(form, problem):
    X, Y = problem
    ours = make("identity", fit_intercept=False).fit(X, Y)
    for t, y in enumerate(Y.T):
        used = ~np.isnan(y)
        theirs = KernelRidge(kernel="rbf", alpha=0.02 * used.sum()).fit(X[used], y[used])
        np.testing.assert_allclose(ours.predict(X)[:, t], theirs.predict(X))


def test_similarity_of_zero_and_one(gaps):
    X, Y = gaps
    same_predictions(make(similarity=0.0).fit(X, Y), make("identity").fit(X, Y), X)
    # One function: kernel ridge on the rows of all tasks, weighted as the objective says.
    rows, tasks = np.nonzero(~np.isnan(Y))
    weight = 1.0 / np.bincount(tasks)[tasks]
    ours = make(similarity=1.0, fit_intercept=False).fit(X, Y)
    theirs = KernelRidge(kernel="rbf", alpha=0.02).fit(X[rows], Y[rows, tasks], weight)
    for column in ours.predict(X).T:
        np.testing.assert_allclose(column, theirs.predict(X))


@every_form
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", ["mean", "graph", "array"])
def test_a_linear_kernel_is_a_linear_model(form, fit_intercept, name, problem):
    X, Y = problem
    weight = np.random.default_rng(2).uniform(0.5, 2, Y.shape)
    if form == "complete":
        weight = np.tile(weight[:, :1], 3)
    mean, deviation = np.full((3, 3), 1 / 3), np.eye(3) - np.full((3, 3), 1 / 3)
    Q = {
        "mean": deviation / (1 - 0.7) + mean / (1 - 0.7 + 0.7 * 3),
        "graph": np.eye(3) + np.diag(ADJACENCY.sum(axis=0)) - ADJACENCY,
        "array": np.linalg.inv(COVARIANCE),
    }[name]
    ours = make(name, kernel="linear", fit_intercept=fit_intercept)
    ours.fit(X, Y, sample_weight=weight)
    W, b = linear_model(X, Y, weight, Q, 0.02, fit_intercept)
    np.testing.assert_allclose(ours.predict(X), X @ W.T + b)
    np.testing.assert_allclose(ours.intercept_, b)
    np.testing.assert_allclose(ours.task_kernel_, np.linalg.inv(Q), atol=1e-12)


@every_form
def test_mean_regularisation_of_multi_task_linear(form, problem):
    # rho sum |w_t - mean|^2 + lambda sum |w_t|^2, as the docstring says.
    X, Y = problem
    rho, small = 1.0, 1e-7
    B = np.eye(3) / (small + rho) + (1 / small - 1 / (small + rho)) / 3
    ours = MultiTaskKernelRidge("linear", alpha=0.1, task_kernel=B).fit(X, Y)
    free = {"shared_alpha": 0.0, "intercept_alpha": 0.0}
    theirs = MultiTaskLinearRegressor("mean_deviation", alpha=0.1, **free)
    same_predictions(ours, theirs.fit(X, Y), X, 1e-5)


@every_form
def test_penalties_of_multi_task_linear(form, problem):
    X, Y = problem
    rho, options = 0.7, {"alpha": 0.1, "tol": 1e-12, "max_iter": 20_000}
    # 1 / (1 - rho) sum |w_t - mean|^2 + T / (1 - rho + rho T) |mean|^2
    ridge = 1 / (1 - rho + 3 * rho)
    mean = ridge * L2() + (1 / (1 - rho) - ridge) * MeanDeviation()
    for name, penalty in (("mean", mean), ("graph", L2() + Graph(ADJACENCY))):
        ours = make(name, kernel="linear", alpha=0.1).fit(X, Y)
        same_predictions(ours, MultiTaskLinearRegressor(penalty, **options).fit(X, Y), X, 1e-6)
    ours = make("learned", kernel="linear", alpha=0.1).fit(X, Y)
    theirs = MultiTaskLinearRegressor(SquaredTraceNorm(1 / 3), **options).fit(X, Y)
    same_predictions(ours, theirs, X, 1e-3)


def test_task_weight(gaps):
    X, Y = gaps
    # With omega on the losses and alpha: the functions of tasks scaled by its root.
    omega = np.array([3.0, 1.0, 0.5])
    root = np.sqrt(omega)
    ours = make("array", task_weight=omega).fit(X, Y)
    scaled = make("array", task_kernel=root[:, None] * COVARIANCE * root).fit(X, Y * root)
    np.testing.assert_allclose(ours.predict(X) * root, scaled.predict(X), atol=1e-8)
    n_labels = (~np.isnan(Y)).sum(axis=0)
    labels = make("array", task_weight="labels").fit(X, Y)
    same_predictions(labels, make("array", task_weight=n_labels / n_labels.mean()).fit(X, Y), X)
    # A task of weight 0 leaves the others alone, and is predicted from them.
    alone = make("array", task_kernel=COVARIANCE[:2, :2]).fit(X, Y[:, :2])
    zero = make("array", task_weight=[1, 1, 0]).fit(X, Y)
    np.testing.assert_allclose(zero.predict(X)[:, :2], alone.predict(X), atol=1e-6)
    assert zero.predict(X)[:, 2].std() > 0.01


def test_complete_labels_with_task_weights_solve_the_same_system(data):
    # The Kronecker form and the system of all labels, which an uneven weight asks for.
    X, Y = data
    even = np.random.default_rng(3).uniform(0.5, 2, (len(X), 1)) * np.ones((1, 3))
    uneven = even.copy()
    uneven[0, 0] *= 1 + 1e-13
    options = {"task_weight": [3.0, 1.0, 0.5]}
    for name in TASK_KERNELS:
        kronecker = make(name, **options).fit(X, Y, sample_weight=even)
        label_weights = make(name, **options).fit(X, Y, sample_weight=uneven)
        same_predictions(kronecker, label_weights, X, ATOL.get(name, 1e-8))
        np.testing.assert_allclose(kronecker.intercept_, label_weights.intercept_, atol=1e-4)


def test_intercepts_are_free(gaps):
    X, Y = gaps
    shift = np.array([1e6, 0.0, -50.0])
    model, moved = make("array").fit(X, Y), make("array").fit(X, Y + shift)
    np.testing.assert_allclose(moved.predict(X), model.predict(X) + shift, atol=1e-7)
    residual = Y - model.predict(X)
    np.testing.assert_allclose(np.nanmean(residual, axis=0), 0.0, atol=1e-10)
    flat = make("array", alpha=1e9).fit(X, Y)
    np.testing.assert_allclose(flat.predict(X), np.tile(np.nanmean(Y, axis=0), (40, 1)), rtol=1e-6)


# -- what is chosen by default ----------------------------------------------------------------


def criterion(model, X, Y, alpha):
    """The generalised cross-validation of a fit, from its hat matrix column by column."""
    seen = ~np.isnan(Y)
    weight = seen / seen.sum(axis=0)
    given = {"similarity": model.similarity_, "gamma": model.gamma_, "alpha": alpha}

    def predict(labels):
        return MultiTaskKernelRidge(**given).fit(X, np.where(seen, labels, np.nan)).predict(X)

    trace = 0.0
    for place in zip(*np.nonzero(seen), strict=True):
        unit = np.zeros(Y.shape)
        unit[place] = 1.0
        trace += predict(unit)[place]
    squares = (weight * np.where(seen, Y - predict(Y), 0.0) ** 2).sum()
    return squares / (1 - 1.4 * trace / seen.sum()) ** 2 if 1.4 * trace < seen.sum() else np.inf


@every_form
def test_alpha_has_the_least_generalised_cross_validation(form, problem):
    X, Y = problem[0][:12], problem[1][:12, :2]
    model = MultiTaskKernelRidge().fit(X, Y)
    least = criterion(model, X, Y, model.alpha_)
    for factor in (0.1, 0.5, 2.0, 10.0):
        assert criterion(model, X, Y, factor * model.alpha_) > least


@every_form
@pytest.mark.parametrize("alpha", ["auto", 0.1])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_similarity_has_the_least_generalised_cross_validation(share, alpha, form, problem):
    X, Y = problem[0][:15], problem[1][:15, :2]
    Y = np.where(np.isnan(Y), np.nan, share * np.sin(X[:, :1]) + (1 - share) * X[:, :2])
    Y = Y + 0.1 * np.random.default_rng(0).normal(size=Y.shape)
    found = {}
    for similarity in SIMILARITIES[False]:
        model = MultiTaskKernelRidge(similarity=similarity, alpha=alpha).fit(X, Y)
        assert model.similarity_ == similarity
        found[similarity] = criterion(model, X, Y, model.alpha_)
    assert MultiTaskKernelRidge(alpha=alpha).fit(X, Y).similarity_ == min(found, key=found.get)


def test_similarity_where_there_is_nothing_to_choose(data):
    X, Y = data
    assert MultiTaskKernelRidge(alpha=0).fit(X, Y).similarity_ == 0.5
    assert MultiTaskKernelRidge().fit(X, Y[:, 0]).similarity_ == 0.5
    model = MultiTaskKernelRidge().fit(X, Y)
    assert not hasattr(model.set_params(task_kernel="identity").fit(X, Y), "similarity_")


def test_similarity_of_many_labels_is_chosen_on_a_part(monkeypatch):
    rng = np.random.default_rng(0)
    task = rng.permutation(np.repeat(np.arange(5), 40))
    X = np.column_stack([task, rng.normal(size=(200, 2))])
    y = np.sin(X[:, 1]) * np.where(task % 2, 1.0, -1.0)
    whole = MultiTaskKernelRidge(task_feature=0).fit(X, y)
    monkeypatch.setattr(_choose_alpha, "MOST_TO_COMPARE", 120)
    part = MultiTaskKernelRidge(task_feature=0).fit(X, y)
    assert part.similarity_ == whole.similarity_ == 0.0
    # alpha is that of all labels.
    assert part.alpha_ == whole.alpha_
    # A task may be without a label in the part.
    monkeypatch.setattr(_choose_alpha, "MOST_TO_COMPARE", 3)
    assert MultiTaskKernelRidge(task_feature=0).fit(X, y).similarity_ in SIMILARITIES[True]


def test_gamma_goes_by_the_variances(data):
    X, Y = data
    Z = X * [1.0, 2.0, 3.0, 4.0, 5.0]
    assert MultiTaskKernelRidge().fit(Z, Y).gamma_ == pytest.approx(0.125 / Z.var(axis=0).sum())
    laplacian = MultiTaskKernelRidge("laplacian").fit(sparse.csr_array(Z), Y)
    assert laplacian.gamma_ == pytest.approx(np.sqrt(np.pi) / 4 / Z.std(axis=0).sum())
    assert MultiTaskKernelRidge("poly").fit(X, Y).gamma_ is None
    assert MultiTaskKernelRidge(gamma=0.3, alpha=2).fit(X, Y).gamma_ == 0.3


@pytest.mark.parametrize("name", sorted(TASK_KERNELS))
def test_defaults_follow_the_units(name, gaps):
    X, Y = gaps
    options = {"alpha": "auto", "gamma": "auto", "fit_intercept": True}
    model = make(name, **options).fit(X, Y)
    scaled = make(name, **options).fit(1e4 * X + 7.0, 1e-3 * Y - 1.0)
    expected = 1e-3 * model.predict(X) - 1.0
    np.testing.assert_allclose(scaled.predict(1e4 * X + 7.0), expected, atol=1e-6)
    times = np.random.default_rng(5).integers(1, 4, len(X))
    rows = np.repeat(np.arange(len(X)), times)
    repeated = make(name, **options).fit(X[rows], Y[rows])
    weighted = make(name, **options).fit(X, Y, sample_weight=times)
    assert repeated.alpha_ == pytest.approx(weighted.alpha_)
    same_predictions(weighted, repeated, X, ATOL.get(name, 1e-7))


def test_defaults_learn_what_there_is():
    rng = np.random.default_rng(0)
    X = 100 * rng.normal(size=(200, 3))
    Y = np.column_stack([np.sin(X[:, 0] / 100), X[:, 1] * X[:, 2] / 1e4])
    Y += 0.1 * rng.normal(size=Y.shape)
    assert MultiTaskKernelRidge().fit(X[:150], Y[:150]).score(X[150:], Y[150:]) > 0.75
    noise = MultiTaskKernelRidge().fit(X, rng.normal(size=(200, 2)))
    assert noise.predict(X).std(axis=0).max() < 0.5


def test_alpha_of_many_labels_is_chosen_on_a_part(gaps, monkeypatch):
    X, Y = gaps
    whole = MultiTaskKernelRidge().fit(X, Y)
    monkeypatch.setattr(_choose_alpha, "MOST_LABELS", 40)
    part = MultiTaskKernelRidge().fit(X, Y)
    assert 0.01 < part.alpha_ / whole.alpha_ < 100
    same = MultiTaskKernelRidge().fit(X, Y)
    assert same.alpha_ == part.alpha_


# -- the learned task kernel ------------------------------------------------------------------


def learned_objective(W, X, Y, alpha):
    """Loss + alpha / 2T (sum of singular values)^2, at the best intercepts."""
    residual = Y - X @ W
    residual = residual - np.nanmean(residual, axis=0)
    loss = 0.5 * np.nanmean(residual**2, axis=0).sum()
    return loss + alpha / (2 * Y.shape[1]) * np.linalg.svd(W, compute_uv=False).sum() ** 2


@every_form
@pytest.mark.parametrize("alpha", [0.01, 3.0])
def test_learned_is_the_squared_trace_norm(form, alpha, problem):
    X, Y = problem
    model = make("learned", kernel="linear", alpha=alpha, tol=1e-9).fit(X, Y)
    W = model.X_fit_.T @ model.dual_coef_ @ model.task_kernel_
    ours = learned_objective(W, X, Y, alpha)

    def value(x):
        # W = U V' and |W|_* = min (|U|^2 + |V|^2) / 2: smooth, and an upper bound.
        U, V = x[:15].reshape(5, 3), x[15:].reshape(3, 3)
        residual = Y - X @ U @ V.T
        residual = residual - np.nanmean(residual, axis=0)
        loss = 0.5 * np.nanmean(residual**2, axis=0).sum()
        return loss + alpha / 6 * (0.5 * x @ x) ** 2

    start = np.random.default_rng(0).normal(size=24)
    best = optimize.minimize(value, start, tol=1e-12, options={"maxiter": 5000})
    assert ours <= best.fun * (1 + 1e-6)
    assert ours == pytest.approx(best.fun, rel=1e-5)
    # B = T (W'W)^1/2 / trace.
    root = linalg.sqrtm(W.T @ W).real
    np.testing.assert_allclose(model.task_covariance_, root / np.trace(root), atol=2e-3)


@every_form
@pytest.mark.parametrize("alpha", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_gap_bounds_what_a_longer_search_gains(form, alpha, kernel, problem):
    X, Y = problem

    def fit(tol):
        model = make("learned", kernel=kernel, alpha=alpha, tol=tol, max_iter=5000).fit(X, Y)
        centred = (Y - np.nanmean(Y, axis=0))[~np.isnan(Y).all(axis=1)]
        return model, 0.5 * alpha * np.nansum(model.dual_coef_ * centred)

    null_loss = 0.5 * np.nanvar(Y, axis=0).sum()
    (loose, above), (tight, optimum) = fit(1e-2), fit(1e-9)
    assert tight.dual_gap_ <= 1e-9 * null_loss
    assert -1e-9 * null_loss <= above - optimum <= loose.dual_gap_ + 1e-9 * null_loss
    values = np.linalg.eigvalsh(tight.task_kernel_)
    assert values.min() > -1e-12
    assert values.sum() == pytest.approx(3.0)
    np.testing.assert_allclose(tight.task_covariance_, tight.task_kernel_ / 3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("seed", range(6))
def test_one_feature_has_one_direction(seed):
    # Its eigenvalues and its gap are 0 but for rounding, which may have either sign.
    rng = np.random.default_rng(seed)
    X, slopes = rng.normal(size=(15, 1)), rng.normal(size=(1, 2 + seed % 4))
    Y = X @ slopes + 0.1 * rng.normal(size=(15, slopes.size))
    model = make("learned", kernel="linear", alpha=10.0 ** -(seed % 3), tol=0.0, max_iter=60)
    model.fit(X, Y)
    assert 0.0 <= model.dual_gap_ <= 1e-12
    w = model.task_kernel_ @ model.dual_coef_.T @ model.X_fit_
    np.testing.assert_allclose(model.task_covariance_, w @ w.T / (w.T @ w), atol=1e-10)


def test_learned_needs_more_iterations(gaps):
    with pytest.warns(ConvergenceWarning, match=r"max_iter=2. end with .*gap of .*tol=1e-09"):
        model = make("learned", max_iter=2, tol=1e-9).fit(*gaps)
    assert model.n_iter_ == 2
    with pytest.raises(ValueError, match="'learned' needs alpha > 0"):
        make("learned", alpha=0.0).fit(*gaps)
    # A refit leaves nothing of the covariance behind.
    assert not hasattr(model.set_params(task_kernel="mean").fit(*gaps), "task_covariance_")
    assert model.dual_gap_ == 0.0


# -- invariances ------------------------------------------------------------------------------


@every_task_kernel
def test_weights_are_repeated_rows(name, gaps):
    X, Y = gaps
    times = np.random.default_rng(5).integers(0, 4, len(X))
    rows = np.repeat(np.arange(len(X)), times)
    weighted = make(name).fit(X, Y, sample_weight=times)
    same_predictions(weighted, make(name).fit(X[rows], Y[rows]), X, ATOL.get(name, 1e-8))


@every_task_kernel
def test_weight_zero_is_unobserved(name, gaps):
    X, Y = gaps
    filled = np.where(np.isnan(Y), 1e3, Y)
    weighted = make(name).fit(X, filled, sample_weight=1.0 - np.isnan(Y))
    assert (weighted.predict(X) == make(name).fit(X, Y).predict(X)).all()


@every_task_kernel
@every_form
def test_permuted_tasks(name, form, problem):
    X, Y = problem
    order = [2, 0, 1]
    options = {"array": {"task_kernel": COVARIANCE[np.ix_(order, order)]}}
    options["graph"] = {"adjacency": ADJACENCY[np.ix_(order, order)]}
    permuted = make(name, **options.get(name, {})).fit(X, Y[:, order])
    expected = make(name).fit(X, Y).predict(X)[:, order]
    np.testing.assert_allclose(permuted.predict(X), expected, atol=ATOL.get(name, 1e-8))


@every_task_kernel
def test_long_is_wide(name, gaps):
    X, Y = gaps
    wide = make(name).fit(X, Y)
    used = [~np.isnan(y) for y in Y.T]
    X_long, y = stack_tasks([X[u] for u in used], [y[u] for y, u in zip(Y.T, used, strict=True)])
    long = make(name, task_feature=0, unknown_task="shared").fit(X_long, y)
    new = np.column_stack([np.arange(len(X)) % 3, X])
    expected = wide.predict(X)[np.arange(len(X)), np.arange(len(X)) % 3]
    np.testing.assert_allclose(long.predict(new), expected, atol=ATOL.get(name, 1e-8))
    new[:, 0] = 99
    atol = ATOL.get(name, 1e-8)
    np.testing.assert_allclose(long.predict(new), wide.predict(X).mean(axis=1), atol=atol)
    long.set_params(unknown_task="error")
    with pytest.raises(ValueError, match=r"Unknown task 99"):
        long.predict(new)


@every_task_kernel
@every_form
def test_a_task_without_labels_changes_no_other(name, form, problem):
    X, Y = problem
    covariance = np.pad(COVARIANCE, (0, 1), constant_values=0.1)
    larger = {
        "array": {"task_kernel": covariance},
        "graph": {"adjacency": np.pad(ADJACENCY, (0, 1))},
    }
    model = make(name).fit(X, Y)
    with pytest.warns(UserWarning, match="Task 3: no observed label"):
        more = make(name, **larger.get(name, {})).fit(X, np.column_stack([Y, np.full(40, np.nan)]))
    np.testing.assert_allclose(more.predict(X)[:, :3], model.predict(X), atol=1e-12)
    assert np.isnan(more.predict(X)[:, 3]).all()


def test_long_form_with_a_task_without_labels(gaps):
    X = gaps[0]
    long = np.column_stack([np.repeat([0, 1, 2, 3], 10), X])
    y = np.where(long[:, 0] == 1, np.nan, X[:, 0])
    with pytest.warns(UserWarning, match="no observed label"):
        model = make(task_feature=0, unknown_task="shared").fit(long, y)
    assert (np.isnan(model.predict(long)) == (long[:, 0] == 1)).all()
    new = np.column_stack([np.full(40, 7), X])
    tasks = [np.column_stack([np.full(40, t), X]) for t in (0, 2, 3)]
    expected = np.mean([model.predict(rows) for rows in tasks], axis=0)
    np.testing.assert_allclose(model.predict(new), expected)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_scale_of_targets(scale, gaps):
    X, Y = gaps
    for name in TASK_KERNELS:
        model, scaled = make(name).fit(X, Y), make(name).fit(X, Y * scale)
        np.testing.assert_allclose(
            scaled.predict(X), model.predict(X) * scale, rtol=1e-4, atol=1e-5 * scale
        )


# -- edges and contract -----------------------------------------------------------------------


@every_form
def test_no_ridge_interpolates(form, problem):
    X, Y = problem
    model = make("array", alpha=0.0, gamma=1.0).fit(X, Y)
    seen = ~np.isnan(Y)
    np.testing.assert_allclose(model.predict(X)[seen], Y[seen], atol=1e-6)
    # What no function can fit is least squares, of minimum norm, and said.
    with pytest.warns(linalg.LinAlgWarning, match="cannot all be fitted"):
        flat = make("identity", kernel="linear", alpha=0.0).fit(X, Y)
    for t, y in enumerate(Y.T):
        used = ~np.isnan(y)
        design = np.column_stack([np.ones(used.sum()), X[used]])
        coef = np.linalg.lstsq(design, y[used], rcond=None)[0]
        np.testing.assert_allclose(flat.predict(X)[:, t], coef[0] + X @ coef[1:], atol=1e-8)


# Row 1 is row 0 again; a label that is missing makes it one system of all labels.
TWICE = np.array([[0.0], [0.0], [1.0]])


def fit_twice(labels, alpha=0.0):
    Y = np.column_stack([[*labels, 2.0], [1.0, np.nan, 3.0]])
    model = make("identity", alpha=alpha, gamma=1.0, fit_intercept=False)
    return model.fit(TWICE, Y).predict(TWICE)[:, 0]


@pytest.mark.parametrize("alpha", [0.0, 1e-15])
@pytest.mark.parametrize("apart", [1.0, 1e-4])
def test_labels_that_no_function_fits_are_met_halfway(alpha, apart):
    # A factorisation of the nearly singular system exists, and says nothing.
    with pytest.warns(linalg.LinAlgWarning, match="cannot all be fitted"):
        predicted = fit_twice([1.0, 1.0 + apart], alpha)
    np.testing.assert_allclose(predicted, [1 + apart / 2, 1 + apart / 2, 2.0], rtol=1e-10)


def test_labels_that_a_function_fits_are_met_without_a_word(data, gaps):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (1.0, 0.1, 1 / 3):
            np.testing.assert_allclose(fit_twice([value] * 2), [value, value, 2.0], rtol=1e-10)
        for X, Y in (data, gaps):
            make("array", alpha=0.0, gamma=1.0).fit(X, Y)


@every_form
def test_nothing_is_learned_from_a_constant(form):
    # Means of these are rounded: what is left of the labels is not exactly 0.
    X = np.random.default_rng(0).normal(size=(30, 2))
    Y = np.tile([0.1, 1 / 3, 1e6 + 0.1], (30, 1))
    if form == "gaps":
        Y[::7, 0] = np.nan
    model = make("learned", tol=0.0).fit(X, Y)
    assert not model.dual_coef_.any()
    assert model.dual_gap_ == 0.0
    assert model.n_iter_ == 1


@every_task_kernel
def test_constant_targets(name, data):
    Y = np.column_stack([np.full((40, 2), 3.5), data[1][:, 0]])
    predicted = make(name).fit(data[0], Y).predict(data[0])
    assert np.isfinite(predicted).all()
    same = make(name).fit(data[0], np.full((40, 3), 3.5))
    np.testing.assert_allclose(same.predict(data[0]), 3.5)


@every_form
def test_precomputed(form, problem):
    X, Y = problem
    Y = Y.copy()
    Y[::7] = np.nan  # rows without labels: their columns of the kernel are left out
    K = rbf_kernel(X, gamma=0.2)
    model = make(kernel="precomputed").fit(K, Y)
    expected = make(gamma=0.2).fit(X, Y)
    np.testing.assert_allclose(model.predict(K), expected.predict(X))
    with pytest.raises(ValueError, match=r"square in fit; X has shape \(40, 30\)"):
        make(kernel="precomputed").fit(K[:, :30], Y)
    with pytest.raises(ValueError, match="one column of y per task, no task_feature"):
        make(kernel="precomputed", task_feature=0).fit(np.column_stack([Y[:, 0] > 0, K]), X[:, 0])
    # A search cuts rows and columns of the kernel.
    grid = {"alpha": [1e-3, 1e-1]}
    searches = [
        GridSearchCV(make(kernel="precomputed"), grid, error_score="raise").fit(K, Y),
        GridSearchCV(make(gamma=0.2), grid, error_score="raise").fit(X, Y),
    ]
    np.testing.assert_allclose(*[s.cv_results_["mean_test_score"] for s in searches])


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
def test_sparse_and_batches(kernel, gaps, monkeypatch):
    X, Y = gaps
    expected = make(kernel=kernel).fit(X, Y).predict(X)
    monkeypatch.setattr(_kernel_ridge_model, "ROWS_AT_ONCE", 7)
    model = make(kernel=kernel).fit(sparse.csr_array(X), Y)
    np.testing.assert_allclose(model.predict(sparse.csr_array(X)), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task_kernel": np.eye(2)}, r"task_kernel has shape \(2, 2\); expected \(3, 3\)"),
        ({"task_kernel": np.diag([1, 1, np.nan])}, "task_kernel contains NaN"),
        ({"task_kernel": np.triu(np.ones((3, 3)))}, "task_kernel is not symmetric"),
        ({"task_kernel": 2 * np.ones((3, 3)) - 3 * np.eye(3)}, r"smallest eigenvalue is -3"),
        ({"task_kernel": "graph"}, r"needs adjacency=, an array of shape \(3, 3\)"),
        ({"task_kernel": "graph", "adjacency": -ADJACENCY}, "adjacency must be symmetric with"),
        ({"task_kernel": "graph", "adjacency": np.eye(2)}, r"adjacency has shape \(2, 2\)"),
        ({"tasks": Regression(loss="huber")}, r"Task 0 is Regression\(loss='huber'\); MultiTask"),
        ({"task_weight": [1, -1, 1]}, "task_weight of task 1 is -1"),
    ],
)
def test_errors(options, message, data):
    with pytest.raises(ValueError, match=message):
        make(**options).fit(*data)


def test_memory_limit(data, gaps, monkeypatch):
    monkeypatch.setattr(_labels, "MAX_KERNEL_BYTES", 8 * 40**2)
    make().fit(*data)  # complete labels: the kernel of 40 rows, not of 120 labels
    with pytest.raises(ValueError, match=r"kernel of \d+ labels takes 0.0 GiB.*Nystroem"):
        make().fit(*gaps)
    with pytest.raises(InvalidParameterError, match="similarity"):
        make(similarity=1.5).fit(*data)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scikit_learn_checks():
    # Of the default estimator they are with those of all others.
    model = MultiTaskKernelRidge("linear", task_kernel="learned", alpha=0.01)
    check_estimator(model)
    check_param_validation("MultiTaskKernelRidge", model)
    check_dataframe_column_names_consistency("MultiTaskKernelRidge", model)


def few_labels_per_task(offsets, n_tasks=40, n_labels=4):
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(n_tasks), n_labels)
    X = np.column_stack([task, rng.normal(size=(len(task), 2))])
    y = X[:, 1] + offsets * rng.normal(size=n_tasks)[task] + rng.normal(size=len(task))
    return X, y


def test_one_intercept_is_the_optimum():
    X, y = few_labels_per_task(0.3)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=len(y))
    model = MultiTaskKernelRidge(task_feature=0).fit(X, y, weight)
    assert np.ptp(model.intercept_) == 0
    task = X[:, 0].astype(int)
    B = model.task_kernel_[np.ix_(task, task)]
    K = rbf_kernel(X[:, 1:], gamma=model.gamma_) * B
    share = weight / np.bincount(task, weight)[task]
    # y - K a - b = alpha a / share, and a sums to 0.
    system = np.block(
        [[K + np.diag(model.alpha_ / share), np.ones((len(y), 1))], [np.ones(len(y)), 0]]
    )
    solution = np.linalg.solve(system, np.append(y, 0.0))
    np.testing.assert_allclose(model.dual_coef_, solution[:-1], rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(model.intercept_, solution[-1])


def test_intercepts_are_pooled_where_that_predicts_better():
    for offsets, n_labels, is_pooled in ((0.0, 4, True), (0.3, 3, True), (30.0, 12, False)):
        X, y = few_labels_per_task(offsets, n_labels=n_labels)
        model = MultiTaskKernelRidge(task_feature=0).fit(X, y)
        assert (np.ptp(model.intercept_) == 0) == is_pooled
        # A given alpha leaves them as they are.
        assert np.ptp(MultiTaskKernelRidge(task_feature=0, alpha=0.1).fit(X, y).intercept_) > 0


@pytest.mark.parametrize("task_kernel", ["identity", "learned"])
def test_one_intercept_with_other_task_kernels(task_kernel):
    X, y = few_labels_per_task(0.0, n_tasks=6)
    model = MultiTaskKernelRidge(task_feature=0, task_kernel=task_kernel, tol=1e-3).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    if task_kernel == "learned":
        assert model.dual_gap_ <= 1e-3 * np.mean((y - y.mean()) ** 2) * 6
