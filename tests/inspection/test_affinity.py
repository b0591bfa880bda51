"""Affinities are what their formulas say, and find groups that were planted."""

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    IndependentTasks,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    MultiTaskMLP,
    MultiTaskMLPRegressor,
)
from skmtl.datasets import make_multitask_mixed, make_multitask_regression
from skmtl.inspection import TaskAffinity, task_affinity, transfer_gain
from skmtl.inspection._affinity_coefficients import cosine
from skmtl.inspection._affinity_folds import residual
from skmtl.tasks import Binary, Count, Multiclass, Regression

from .gradients import cosines, look_ahead, record

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
LINEAR = MultiTaskLinearRegressor("l2", alpha=0.1)
NETWORK = MultiTaskMLP(
    (6, 5), batch_size=20, max_iter=4, tol=1.0, learning_rate="constant", random_state=0
)
TYPES = ["regression", "binary", "multiclass", "count"]


@pytest.fixture
def gappy():
    return make_multitask_regression(
        90, 6, n_tasks=4, n_groups=2, n_informative=6, noise=0.5, missing=0.3, random_state=0
    )


@pytest.fixture
def mixed():
    return make_multitask_mixed(
        120, n_regression=1, n_binary=1, n_multiclass=1, n_count=1, missing=0.2, random_state=0
    )


def folds(n_rows, k=3):
    return list(KFold(k, shuffle=True, random_state=0).split(np.zeros((n_rows, 1))))


def mean_known(steps):
    known = ~np.isnan(steps)
    return np.where(known.any(axis=0), np.nansum(steps, axis=0) / known.sum(axis=0), np.nan)


# coef_cosine


def test_cosines_of_coefficients(gappy):
    X, y = gappy
    found = task_affinity(LINEAR, X, y, method="coef_cosine")
    coef = np.array([clone(LINEAR).fit(X, y[:, [t]]).coef_[0] for t in range(4)]) * X.std(axis=0)
    coef /= np.linalg.norm(coef, axis=1, keepdims=True)
    np.testing.assert_allclose(found.affinity, coef @ coef.T, rtol=1e-9)
    assert found.method == "coef_cosine"
    assert found.task_names == [0, 1, 2, 3]


def test_cosines_do_not_depend_on_units(gappy):
    X, y = gappy
    model = MultiTaskLinearRegressor("l2", alpha=0.0)
    one = task_affinity(model, X, y, method="coef_cosine").affinity
    scale = np.array([1e-3, 1.0, 10.0, 1e3, 0.1, 1.0])
    two = task_affinity(model, X * scale, y * [1.0, 1e4, 1.0, 1e-4], method="coef_cosine").affinity
    np.testing.assert_allclose(one, two, rtol=1e-6)


def test_cosines_of_a_fitted_estimator(gappy):
    X, y = gappy
    y = pd.DataFrame(y, columns=list("abcd"))
    model = MultiTaskLinear("trace_norm", alpha=0.1)
    coef = clone(model).fit(X, y).coef_
    coef /= np.linalg.norm(coef, axis=1, keepdims=True)
    search = GridSearchCV(make_pipeline(StandardScaler(with_std=False), model), {}, cv=KFold(2))
    for estimator in (clone(model), search):
        found = task_affinity(estimator.fit(X, y), method="coef_cosine")
        assert found.task_names == list("abcd")
        np.testing.assert_allclose(found.affinity, coef @ coef.T, rtol=1e-6)


def test_cosines_in_long_form(gappy):
    X, y = gappy
    row, task = np.nonzero(~np.isnan(y))
    long = clone(LINEAR).set_params(task_feature=-1)
    features = np.column_stack([X[row], task])
    found = task_affinity(long, features, y[row, task], method="coef_cosine").affinity
    coef = np.array(
        [
            clone(LINEAR).fit(X[row][task == t], y[row, task][task == t]).coef_[0]
            * X[row][task == t].std(axis=0)
            for t in range(4)
        ]
    )
    coef /= np.linalg.norm(coef, axis=1, keepdims=True)
    np.testing.assert_allclose(found, coef @ coef.T, rtol=1e-6)
    fitted = clone(long).fit(features, y[row, task])
    given = task_affinity(fitted, method="coef_cosine")
    assert given.task_names == [0, 1, 2, 3]
    coef = fitted.coef_ / np.linalg.norm(fitted.coef_, axis=1, keepdims=True)
    np.testing.assert_allclose(given.affinity, coef @ coef.T, rtol=1e-9)


def test_two_classes_are_one_direction(gappy):
    # Softmax over two classes is a logistic regression whose coefficients are opposite.
    X, y = gappy
    y = np.where(np.isnan(y), np.nan, y > 0)
    binary = MultiTaskLinearClassifier("l2", alpha=0.1, tasks="binary", tol=1e-10)
    softmax = MultiTaskLinearClassifier("l2", alpha=0.2, tasks="multiclass", tol=1e-10)
    one, two = (task_affinity(m, X, y, method="coef_cosine").affinity for m in (binary, softmax))
    np.testing.assert_allclose(np.abs(one), two, rtol=1e-3)


def test_cosine_of_matrices():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    Q = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    R = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert cosine(A, A) == pytest.approx(1.0)
    assert cosine(A, 3 * A @ R) == pytest.approx(1.0)
    assert 0 <= cosine(A, B) <= 1
    assert cosine(A, B) == pytest.approx(cosine(Q @ A @ R, -2 * Q @ B))
    assert cosine(Q[:, :2], Q[:, 2:5]) == pytest.approx(0.0)
    assert cosine(A[:, :1], -A[:, :1]) == pytest.approx(-1.0)
    assert np.isnan(cosine(A, 0 * B))
    assert np.isnan(cosine(A, B[:, :0]))


# residual_correlation


def test_correlations_of_residuals(gappy):
    X, y = gappy
    y = y.copy()
    y[2:, 3] = np.nan
    y[:2, 3] = [1.0, 2.0]
    splits, model = folds(len(X)), IndependentTasks(LinearRegression())
    found = task_affinity(model, X, y, method="residual_correlation", cv=splits).affinity
    residuals = np.full(y.shape, np.nan)
    for t in range(3):
        for train, test in splits:
            rows = train[~np.isnan(y[train, t])]
            guess = LinearRegression().fit(X[rows], y[rows, t]).predict(X[test])
            residuals[test, t] = y[test, t] - guess
    expected = pd.DataFrame(residuals).corr().to_numpy()
    np.testing.assert_allclose(found[:3, :3], expected[:3, :3], rtol=1e-9)
    # Two labels of task 3: too few rows in common with any.
    assert np.isnan(found[3]).all()


def test_residuals_are_averaged_over_folds(gappy):
    X, y = gappy
    model = IndependentTasks(LinearRegression())
    complete = np.where(np.isnan(y), 0.0, y)
    orders = [KFold(3, shuffle=True, random_state=k) for k in range(2)]
    splits = [split for order in orders for split in order.split(X)]
    found = task_affinity(model, X, complete, method="residual_correlation", cv=splits).affinity
    guesses = [cross_val_predict(LinearRegression(), X, complete, cv=order) for order in orders]
    expected = np.corrcoef(complete - np.mean(guesses, axis=0), rowvar=False)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_shared_noise_is_found():
    X, y = make_multitask_regression(400, n_tasks=4, noise=0.0, relatedness=0.0, random_state=0)
    noise = np.random.default_rng(0).normal(size=(400, 2))
    y += np.column_stack([noise[:, 0], noise[:, 1], noise[:, 0], -noise[:, 1]])
    found = task_affinity(LINEAR, X, y, method="residual_correlation").affinity
    expected = [[1, 0, 1, 0], [0, 1, 0, -1], [1, 0, 1, 0], [0, -1, 0, 1]]
    np.testing.assert_allclose(found, expected, atol=0.15)


def test_residuals_of_all_types():
    values, p = np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.9, 0.4])
    predicted = np.column_stack([1 - p, p])
    regression, binary, count = Regression(), Binary(), Count()
    regression.location_, regression.scale_ = 1.0, 2.0
    np.testing.assert_allclose(residual(regression, p, values)[:, 0], 2 * values + 1 - p)
    count.location_, count.scale_ = 0.0, 1.0
    found = residual(count, p, values)[:, 0]
    np.testing.assert_allclose(found**2, count.deviance(p, values))
    assert (np.sign(found) == np.sign(values - p)).all()
    binary.classes_ = np.array(["no", "yes"], dtype=object)
    found = residual(binary, predicted, values)[:, 0]
    np.testing.assert_allclose(found**2, [-np.log(0.8), -np.log(0.9), -np.log(0.4)])
    assert np.sign(found).tolist() == [-1, 1, 1]
    three = Multiclass()
    three.classes_ = np.arange(3)
    chances = np.column_stack([predicted, np.zeros(3)])
    np.testing.assert_allclose(residual(three, chances, values), np.eye(3)[[0, 1, 1]] - chances)


# pairwise


def test_pairs_are_transfer_gains_of_two_tasks(gappy):
    X, y = gappy
    model, splits = MultiTaskLinearRegressor("mean_deviation", alpha=1.0), folds(len(X))
    found = task_affinity(model, X, y, method="pairwise", cv=splits).affinity
    for i, j in ((0, 1), (1, 3), (2, 0)):
        gain = transfer_gain(model, X, y[:, [i, j]], cv=splits).gain
        np.testing.assert_allclose([found[j, i], found[i, j]], gain, rtol=1e-6)
    np.testing.assert_array_equal(np.diag(found), 0.0)
    two = task_affinity(model, X, y, method="pairwise", cv=splits, n_jobs=2).affinity
    np.testing.assert_array_equal(found, two)


@pytest.mark.parametrize("weight", [[3.0, 1.0, 2.0, 0.5], {0: 3.0, 2: 2.0, 3: 0.5}])
def test_pairs_have_the_weights_of_their_tasks(weight, gappy):
    X, y = gappy
    model, splits = MultiTaskLinearRegressor("mean_deviation", alpha=1.0), folds(len(X))
    whole = clone(model).set_params(task_weight=weight)
    found = task_affinity(whole, X, y, method="pairwise", cv=splits).affinity
    pair = clone(model).set_params(task_weight=[3.0, 2.0])
    gain = transfer_gain(pair, X, y[:, [0, 2]], cv=splits).gain
    np.testing.assert_allclose([found[2, 0], found[0, 2]], gain, rtol=1e-6)


# tag and grad_cosine


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"architecture": "mmoe"},
        {"head_hidden_layer_sizes": (3,), "dropout": 0.3},
        {"solver": "sgd", "learning_rate_init": 0.05, "activation": "tanh"},
    ],
    ids=str,
)
def test_gradients_of_every_step(change, every):
    X, y = make_multitask_mixed(
        50, n_regression=1, n_binary=1, n_multiclass=1, n_count=1, missing=0.3, random_state=0
    )
    network = clone(NETWORK).set_params(**change)
    steps = record(network, X, y)[::every]
    for method, by_hand in (("tag", look_ahead), ("grad_cosine", cosines)):
        found = task_affinity(network, X, y, method=method, every=every).affinity
        expected = mean_known(np.array([by_hand(step) for step in steps]))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-11, err_msg=method)


def test_look_ahead_goes_at_the_rate_of_the_moment(gappy):
    X, y = gappy
    plain = clone(NETWORK).set_params(max_iter=1, learning_rate_init=0.01)
    clipped = clone(plain).set_params(max_grad_norm=1e9)
    one, two = (task_affinity(n, X, y, every=1).affinity for n in (plain, clipped))
    np.testing.assert_allclose(one, two, rtol=1e-9)
    fast = clone(plain).set_params(learning_rate_init=0.1)
    one, two = (task_affinity(n, X, y, every=100).affinity for n in (plain, fast))
    assert np.all(np.diag(two) > 5 * np.diag(one))


def test_tasks_that_never_meet_in_a_batch():
    X, y = make_multitask_regression(60, n_tasks=3, random_state=0)
    y[:30, 0] = np.nan
    y[30:, 1] = np.nan
    y[:, 2] = np.nan
    network = clone(NETWORK).set_params(batch_size=1, max_iter=1)
    for method in ("tag", "grad_cosine"):
        with pytest.warns(UserWarning, match="Task 2: no observed label"):
            found = task_affinity(network, X, y, method=method, every=1).affinity
        assert np.isnan(found).tolist() == [
            [False, True, True],
            [True, False, True],
            [True, True, True],
        ]


# all of them


@pytest.mark.parametrize("method", ["tag", "grad_cosine"])
@pytest.mark.parametrize("is_long", [True, False])
def test_networks_of_all_forms(method, is_long, gappy):
    X, y = gappy
    network = make_pipeline(StandardScaler(with_mean=False, with_std=False), clone(NETWORK))
    if is_long:
        row, task = np.nonzero(~np.isnan(y))
        X, y = np.column_stack([task, X[row]]), y[row, task]
        network.set_params(multitaskmlp__task_feature=0)
    found = task_affinity(network, X, y, method=method)
    assert found.task_names == [0, 1, 2, 3]
    assert np.isfinite(found.affinity).all()
    same = task_affinity(network[-1], X, y, method=method)
    np.testing.assert_array_equal(found.affinity, same.affinity)


@pytest.mark.parametrize("method", ["pairwise", "coef_cosine", "residual_correlation"])
def test_mixed_types_with_gaps(method, mixed):
    X, y = mixed
    model = MultiTaskLinear("l2", alpha=0.1, tasks=TYPES)
    names = ["a", "<b>", "", "mean"]
    frame = pd.DataFrame(y, columns=names)
    found = task_affinity(model, X, frame, method=method)
    assert found.task_names == names
    assert np.isfinite(found.affinity).all()
    assert found.to_frame().loc["a", "<b>"] == found.affinity[0, 1]
    if method != "pairwise":
        np.testing.assert_allclose(np.diag(found.affinity), 1.0)
        np.testing.assert_array_equal(found.affinity, found.affinity.T)
        assert (np.abs(found.affinity) <= 1 + 1e-9).all()


@pytest.mark.parametrize(
    "method", ["tag", "grad_cosine", "pairwise", "coef_cosine", "residual_correlation"]
)
def test_what_is_under_weight_zero_does_not_matter(method, gappy):
    X, y = gappy
    estimator = LINEAR
    if method in {"tag", "grad_cosine"}:
        estimator = NETWORK
    weight = np.where(np.isnan(y), 0.0, 1.0)
    weight[4] = 0.0
    one = task_affinity(
        estimator, X, np.where(weight > 0, y, np.nan), method=method, cv=folds(len(X))
    )
    full = np.where(weight > 0, y, 1e6)
    two = task_affinity(estimator, X, full, method=method, sample_weight=weight, cv=folds(len(X)))
    np.testing.assert_array_equal(one.affinity, two.affinity)


@pytest.mark.parametrize("method", ["pairwise", "coef_cosine", "residual_correlation"])
def test_a_task_without_labels_is_compared_with_none(method, gappy):
    X, y = gappy
    one = task_affinity(LINEAR, X, y[:, :3], method=method, cv=folds(len(X))).affinity
    y = y.copy()
    y[:, 3] = np.nan
    two = task_affinity(LINEAR, X, y, method=method, cv=folds(len(X))).affinity
    np.testing.assert_allclose(one, two[:3, :3])
    assert np.isnan(two[3]).all()
    assert np.isnan(two[:, 3]).all()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"method": "cosine"}, ValueError, "'method' parameter of task_affinity"),
        ({"every": 0}, ValueError, "'every' parameter of task_affinity"),
        ({"X": None}, ValueError, "method='tag' needs X and y"),
        ({"estimator": LINEAR}, TypeError, "MultiTaskLinearRegressor is none; expected a Multi"),
        ({"method": "coef_cosine"}, TypeError, "MultiTaskMLP has no coef_.*MultiTaskLinear"),
        ({"estimator": LinearRegression(), "method": "pairwise"}, TypeError, "none of skmtl"),
        (
            {"estimator": clone(NETWORK).set_params(architecture="independent")},
            ValueError,
            "share no parameters",
        ),
    ],
)
def test_errors(change, error, match, gappy):
    X, y = gappy
    arguments = {"estimator": NETWORK, "X": X, "y": y, **change}
    with pytest.raises(error, match=match):
        task_affinity(**arguments)


def test_rows_in_common_are_needed_for_residuals(gappy):
    X, y = gappy
    model = clone(LINEAR).set_params(task_feature=0)
    X = np.column_stack([np.arange(len(X)) % 2, X])
    with pytest.raises(ValueError, match="long form has not"):
        task_affinity(model, X, y[:, 0], method="residual_correlation")


def test_fitted_means_fitted():
    with pytest.raises(ValueError, match="not fitted"):
        task_affinity(LINEAR, method="coef_cosine")


# groups


def two_groups(affinity):
    """Two clusters by average linkage, whichever task is in which."""
    near = (affinity + affinity.T) / 2
    distance = near.max() - near
    np.fill_diagonal(distance, 0.0)
    labels = fcluster(linkage(squareform(distance), "average"), 2, "maxclust")
    return (labels == labels[0]).tolist()


def nonlinear_groups(seed):
    """Six tasks: mixtures of three hidden features, others in each of the two groups."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(500, 10))
    hidden = np.tanh(2 * X @ np.linalg.qr(rng.normal(size=(10, 10)))[0])
    y = np.empty((500, 6))
    for t in range(6):
        score = hidden[:, 3 * (t % 2) : 3 * (t % 2) + 3] @ rng.normal(1.0, 0.5, size=3)
        y[:, t] = score / score.std() + 0.3 * rng.normal(size=500)
    y[rng.random(y.shape) < 0.3] = np.nan
    return X, y


def test_planted_groups_by_coefficients():
    found = []
    for seed in range(10):
        X, y = make_multitask_regression(
            500, n_tasks=6, n_groups=2, noise=0.5, missing=0.3, random_state=seed
        )
        found.append(two_groups(task_affinity(LINEAR, X, y, method="coef_cosine").affinity))
    assert sum(groups == [True, False] * 3 for groups in found) >= 9


def test_planted_groups_by_look_ahead():
    network = MultiTaskMLPRegressor(
        (32,), batch_size=32, learning_rate_init=0.01, max_iter=60, tol=0.0, random_state=0
    )
    found = [two_groups(task_affinity(network, *nonlinear_groups(s)).affinity) for s in range(10)]
    assert sum(groups == [True, False] * 3 for groups in found) >= 9


@pytest.mark.parametrize("n_rows", [150, 600])
def test_noise_is_how_far_affinities_of_other_rows_lie(n_rows):
    """Against affinities of fresh rows of the same distribution."""
    coef = np.random.default_rng(0).normal(size=(10, 8))

    def draw(seed):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n_rows, 10))
        return X, X @ coef + 6.0 * rng.normal(size=(n_rows, 8))

    model = MultiTaskLinearRegressor("l2", alpha=1e-3)
    found = [task_affinity(model, *draw(seed), method="coef_cosine") for seed in range(20)]
    others = ~np.eye(8, dtype=bool)
    spread = np.sqrt(np.array([one.affinity[others] for one in found]).var(axis=0).mean())
    noise = task_affinity(model, *draw(0), method="coef_cosine", noise=True).noise
    assert 0.7 * spread < noise < 1.5 * spread


def test_what_is_clear_is_beyond_the_noise():
    values = np.array([[1.0, 0.3, -0.1], [0.3, 1.0, 0.05], [-0.1, 0.05, 1.0]])
    assert TaskAffinity([0, 1, 2], values, "coef_cosine").is_clear.all()
    clear = TaskAffinity([0, 1, 2], values, "coef_cosine", 0.06).is_clear
    assert clear[0].tolist() == [True, True, False]


def test_noise_needs_rows():
    X, y = np.random.default_rng(0).normal(size=(2, 30, 3))
    fitted = MultiTaskLinearRegressor().fit(X, y)
    with pytest.raises(ValueError, match="noise=True needs X and y"):
        task_affinity(fitted, method="coef_cosine", noise=True)
    with pytest.raises(ValueError, match="noise=True takes halves"):
        task_affinity(fitted, X, y, method="pairwise", noise=True, groups=np.arange(30))
