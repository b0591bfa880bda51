"""Statistics that are put together are those of one pass over the rows."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, PredefinedSplit, ShuffleSplit, TimeSeriesSplit

from skmtl.linear.cross_validation._fold_statistics import fold_statistics
from skmtl.linear.cross_validation._ridge_path import RidgePath
from skmtl.linear.objective._merged_statistics import block_statistics, groups_of
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.objective._task_matrix import TaskMatrix
from skmtl.linear.solvers import closed_form
from skmtl.tasks._read_targets import read_targets

FIELDS = ("gram", "x_mean", "cross", "squares", "y_mean", "omega", "n_labels")


@pytest.fixture(params=["complete", "gaps", "far"])
def data(request):
    """X (60, 4), values and weights (60, 3); complete, with gaps, or far from 0."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 4)), rng.normal(size=(60, 3))
    weights = np.repeat(rng.uniform(0.5, 2, (60, 1)), 3, axis=1)
    if request.param != "complete":
        weights[rng.random(weights.shape) < 0.3] = 0.0
        weights[:, 2] = weights[:, 0]
    if request.param == "far":
        X, Y = X + 1e6, Y - 1e6
    return X, np.where(weights > 0, Y, 0.0), weights


def same(ours, theirs, X):
    for name in FIELDS:
        a, b = getattr(ours, name), getattr(theirs, name)
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * np.abs(X).max(), err_msg=name)


@pytest.mark.parametrize("n_chunks", [2, 7, 60])
@pytest.mark.parametrize("seed", range(3))
def test_any_chunks_in_any_order_are_one_pass(n_chunks, seed, data):
    X, values, weights = data
    group = groups_of(weights)
    rng = np.random.default_rng(seed)
    chunks = np.array_split(rng.permutation(len(X)), n_chunks)
    blocks = [block_statistics(X[c], values[c], weights[c], group) for c in chunks]
    while len(blocks) > 1:
        one = blocks.pop(rng.integers(len(blocks)))
        other = blocks.pop(rng.integers(len(blocks)))
        blocks.append(one.plus(other))
    same(blocks[0], block_statistics(X, values, weights, group), X)


@pytest.mark.parametrize(
    "cv",
    [
        KFold(5),
        KFold(2, shuffle=True, random_state=0),
        ShuffleSplit(3, random_state=0),
        TimeSeriesSplit(3),
        PredefinedSplit(np.arange(60) % 4 - 1),
    ],
    ids=lambda cv: type(cv).__name__,
)
def test_folds_are_those_of_their_rows(cv, data):
    X, values, weights = data
    group, folds = groups_of(weights), list(cv.split(X))
    for (train, test), (ours, held_out) in zip(
        folds, fold_statistics(X, values, weights, folds), strict=True
    ):
        for rows, found in ((train, ours), (test, held_out)):
            same(found, block_statistics(X[rows], values[rows], weights[rows], group), X)
            assert found.shape == X[rows].shape


def test_a_feature_that_varies_in_one_fold_only_is_constant_in_the_others(data):
    X, values, weights = data
    X[:, 0] = 0.1
    X[:12, 0] = 1e6 * np.arange(12)
    folds = list(KFold(5).split(X))
    train, _ = fold_statistics(X, values, weights, folds)[0]
    assert np.abs(train.gram[:, 0]).max() <= 1e-12 * np.abs(train.gram).max()


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
def test_weighted_selected_uncentred_is_what_a_fit_reads(centred, data):
    X, values, weights = data
    weights = weights.copy()
    weights[:, 1] = 0.0
    targets = read_targets(np.where(weights > 0, values, np.nan), sample_weight=weights)
    omega = np.array([1.0, 1.0, 3.0])
    label_weights = targets.label_weights(omega)
    kept = [0, 2]
    theirs = Statistics(X, targets.select(kept), label_weights[:, kept], centred=centred)
    ours = block_statistics(X, values, weights, groups_of(weights)).select(kept)
    ours = ours.weighted(omega[kept] / ours.omega)
    ours = ours if centred else ours.uncentred()
    W = np.random.default_rng(0).normal(size=(4, 2))
    scale = np.abs(X).max() ** 2
    for name in ("cross", "squares", "y_mean", "omega"):
        a, b = getattr(ours, name), getattr(theirs, name)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10 * scale)
    np.testing.assert_allclose(ours.gram_product(W), theirs.gram_product(W), atol=1e-10 * scale)
    np.testing.assert_allclose(ours.mean_product(W), theirs.mean_product(W), rtol=1e-9)


def test_squared_error_is_that_of_the_rows(data):
    X, values, weights = data
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(4, 3)), rng.normal(size=3)
    error = (weights * (values - X @ W - b) ** 2).sum(axis=0)
    stats = block_statistics(X, values, weights, groups_of(weights))
    both = stats.squared_errors(np.stack([0.0 * W, W]), np.stack([b, b]))
    np.testing.assert_allclose(both[1], error, rtol=1e-9)


@pytest.mark.parametrize("intercept_alpha", [0.0, 0.3, np.inf])
@pytest.mark.parametrize(
    "on_mean, on_deviation", [(1.0, 1.0), (0.0, 1.0), (0.2, 3.2)], ids=["l2", "mean", "both"]
)
def test_ridge_path_is_the_closed_form(on_mean, on_deviation, intercept_alpha, data):
    X, values, weights = data
    X = X - X.mean(axis=0) + 0.5
    stats = block_statistics(X, values, weights, groups_of(weights))
    path = RidgePath(stats, intercept_alpha)
    for alpha in (100.0, 1.0, 1e-3):
        W, b = path.solve(TaskMatrix(alpha * on_mean, alpha * on_deviation))
        exact = closed_form(
            stats,
            ridge=alpha * on_mean,
            deviation=alpha * (on_deviation - on_mean),
            intercept_alpha=intercept_alpha or None,
        )
        np.testing.assert_allclose(W, exact[0], atol=1e-8)
        np.testing.assert_allclose(b, exact[1], rtol=1e-8, atol=1e-8)
