"""aRRMSE of single splits, pooled and per fold."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_squared_error

from skmtl.metrics import average_relative_rmse


def reference(y, predicted, means):
    return np.sqrt(((y - predicted) ** 2).sum() / ((y - means) ** 2).sum())


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(100, 3)) * [1.0, 10.0, 100.0] + 5
    predicted = y + rng.normal(size=y.shape) * [0.5, 2.0, 80.0]
    y[rng.random(y.shape) < 0.3] = np.nan
    return y, predicted, rng.integers(0, 4, 100)


def test_single_split(case):
    y, predicted, _ = case
    train, test = y[:60], y[60:]
    expected = {}
    for t in range(3):
        seen = ~np.isnan(test[:, t])
        expected[str(t)] = reference(
            test[seen, t], predicted[60:][seen, t], np.nanmean(train[:, t])
        )
    found = average_relative_rmse(test, predicted[60:], y_train=train, average=None)
    assert found == pytest.approx(expected, rel=1e-12)
    mean = average_relative_rmse(test, predicted[60:], y_train=train)
    assert mean == pytest.approx(np.mean(list(expected.values())), rel=1e-12)
    worst = average_relative_rmse(test, predicted[60:], y_train=train, average="worst")
    assert worst == max(found.values())


def test_is_the_ratio_of_two_rmse(case):
    y, predicted, _ = case
    seen = ~np.isnan(y[:, 0])
    means = np.full(seen.sum(), y[seen, 0].mean())
    expected = np.sqrt(
        mean_squared_error(y[seen, 0], predicted[seen, 0]) / mean_squared_error(y[seen, 0], means)
    )
    found = average_relative_rmse(y[:, [0]], predicted[:, [0]], y_train=y[:, [0]])
    assert found == pytest.approx(expected, rel=1e-12)
    constant = np.broadcast_to(np.nanmean(y, axis=0), y.shape)
    assert average_relative_rmse(y, constant, y_train=y) == pytest.approx(1.0, rel=1e-12)


def test_folds(case):
    y, predicted, folds = case
    pooled, per_fold = {}, {}
    for t in range(3):
        errors, baselines = [], []
        for f in range(4):
            test = (folds == f) & ~np.isnan(y[:, t])
            mean = np.nanmean(y[folds != f, t])
            errors.append(((y[test, t] - predicted[test, t]) ** 2).sum())
            baselines.append(((y[test, t] - mean) ** 2).sum())
        pooled[str(t)] = np.sqrt(sum(errors) / sum(baselines))
        per_fold[str(t)] = np.mean(np.sqrt(np.divide(errors, baselines)))
    options = {"folds": folds, "average": None}
    assert average_relative_rmse(y, predicted, **options) == pytest.approx(pooled, rel=1e-12)
    found = average_relative_rmse(y, predicted, pooled=False, **options)
    assert found == pytest.approx(per_fold, rel=1e-12)
    assert found != pytest.approx(pooled, rel=1e-3)
    renamed = average_relative_rmse(y, predicted, folds=np.array(list("wxyz"))[folds], average=None)
    assert renamed == average_relative_rmse(y, predicted, **options)


def test_per_fold_is_the_mean_of_single_splits(case):
    y, predicted, folds = case
    single = [
        average_relative_rmse(y[folds == f], predicted[folds == f], y_train=y[folds != f])
        for f in range(4)
    ]
    found = average_relative_rmse(y, predicted, folds=folds, pooled=False)
    assert found == pytest.approx(np.mean(single), rel=1e-12)


@pytest.mark.parametrize("pooled", [True, False])
def test_weights(case, pooled):
    y, predicted, folds = case
    weight = np.random.default_rng(1).integers(0, 3, 100)
    rows = np.repeat(np.arange(100), weight)
    repeated = average_relative_rmse(y[rows], predicted[rows], folds=folds[rows], pooled=pooled)
    found = average_relative_rmse(y, predicted, folds=folds, pooled=pooled, sample_weight=weight)
    assert found == pytest.approx(repeated, rel=1e-12)


@pytest.mark.parametrize("pooled", [True, False])
def test_long_form_equals_wide(case, pooled):
    y, predicted, folds = case
    task = np.tile(np.arange(3), 100)
    wide = average_relative_rmse(y, predicted, folds=folds, pooled=pooled, average=None)
    long = average_relative_rmse(
        y.ravel(), predicted.ravel(), folds=np.repeat(folds, 3), pooled=pooled, average=None,
        task_ids=task,
    )  # fmt: skip
    assert long == pytest.approx(wide, rel=1e-12)
    split = average_relative_rmse(
        y[60:].ravel(), predicted[60:].ravel(), y_train=y[:60].ravel(), average=None,
        task_ids=task[180:], train_task_ids=task[:180],
    )  # fmt: skip
    expected = average_relative_rmse(y[60:], predicted[60:], y_train=y[:60], average=None)
    assert split == pytest.approx(expected, rel=1e-12)


def test_columns_by_name(case):
    y, predicted, _ = case
    frame = pd.DataFrame(y, columns=list("abc"))
    found = average_relative_rmse(frame[60:], predicted[60:], y_train=frame[["c", "b", "a"]][:60])
    assert found == average_relative_rmse(y[60:], predicted[60:], y_train=y[:60])
    assert found == average_relative_rmse(frame[60:], predicted[60:], y_train=y[:60])


def test_where_there_is_no_training_mean(case):
    y, predicted, folds = case
    y = y.copy()
    y[:60, 1] = np.nan
    scores = average_relative_rmse(y[60:], predicted[60:], y_train=y[:60], average=None)
    assert np.isnan(scores["1"])
    assert np.isfinite(scores["0"])
    only = np.where(folds == 2, y[:, 2], np.nan)
    scores = average_relative_rmse(only, predicted[:, 2], folds=folds, average=None)
    assert np.isnan(scores["0"])
    assert np.isnan(average_relative_rmse([1.0, 1.0], [1.0, 2.0], y_train=[1.0]))


def test_errors(case):
    y, predicted, folds = case
    for options in ({}, {"y_train": y, "folds": folds}):
        with pytest.raises(ValueError, match="give either y_train or folds"):
            average_relative_rmse(y, predicted, **options)
    message = "folds has 50 values; expected one for each of the 100 rows of y_true"
    with pytest.raises(ValueError, match=message):
        average_relative_rmse(y, predicted, folds=folds[:50])
    with pytest.raises(ValueError, match=r"y_train has 2 tasks, but y_true has 3\."):
        average_relative_rmse(y, predicted, y_train=y[:, :2])
    with pytest.raises(ValueError, match="Task 0 is regression, but has the label 'a'"):
        average_relative_rmse(["a"], [1.0], y_train=[1.0])
