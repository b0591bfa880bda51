"""Three definitions of explained variance."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from skmtl.metrics import explained_variance, multitask_score


@pytest.fixture
def school():
    """Complete labels in long form: y, predictions, task."""
    rng = np.random.default_rng(0)
    task = rng.integers(0, 5, 200)
    y = 20 * rng.random(5)[task] + rng.normal(size=200)
    return y, y + 2 * rng.normal(size=200), task


def test_pooled_is_r2_of_all_rows(school):
    y, predicted, task = school
    assert explained_variance(y, predicted, task_ids=task) == pytest.approx(
        r2_score(y, predicted), rel=1e-12
    )
    sse, sst = ((y - predicted) ** 2).sum(), ((y - y.mean()) ** 2).sum()
    assert explained_variance(y, predicted, task_ids=task) == pytest.approx(1 - sse / sst)
    order = np.argsort(task, kind="stable")
    assert explained_variance(y, predicted, task_ids=task) == r2_score(y[order], predicted[order])


def test_of_tasks(school):
    y, predicted, task = school
    expected = {str(t): r2_score(y[task == t], predicted[task == t]) for t in range(5)}
    assert explained_variance(y, predicted, average=None, task_ids=task) == expected
    for average in ("mean", "worst", "weighted"):
        found = explained_variance(y, predicted, average=average, task_ids=task)
        assert found == multitask_score(y, predicted, "r2", average=average, task_ids=task)


def test_variance_weighted_is_scikit_learns():
    rng = np.random.default_rng(0)
    y, predicted, weight = rng.normal(size=(3, 60, 4)) * [1.0, 2.0, 3.0, 4.0] + 5
    weight = np.abs(weight[:, 0])
    found = explained_variance(y, predicted, average="variance_weighted", sample_weight=weight)
    expected = r2_score(y, predicted, multioutput="variance_weighted", sample_weight=weight)
    assert found == pytest.approx(expected, rel=1e-12)
    constant = y.copy()
    constant[:, 0] = 1.0
    found = explained_variance(constant, predicted, average="variance_weighted")
    expected = r2_score(constant, predicted, multioutput="variance_weighted")
    assert found == pytest.approx(expected, rel=1e-12)


def test_gaps_and_weights():
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(size=(2, 60, 4)) + np.arange(4.0)
    weight = rng.integers(0, 4, size=y.shape).astype(float)
    seen = weight > 0
    found = explained_variance(np.where(seen, y, np.nan), predicted, sample_weight=weight)
    expected = r2_score(y[seen], predicted[seen], sample_weight=weight[seen])
    assert found == pytest.approx(expected, rel=1e-12)
    # Integer weights are repeated rows.
    repeats = weight.ravel().astype(int)
    rows = np.repeat(np.arange(y.size), repeats)
    long = y.ravel()[rows], predicted.ravel()[rows]
    for average in ("pooled", "variance_weighted", "mean", "weighted"):
        assert explained_variance(
            *long, average=average, task_ids=np.tile(np.arange(4), 60)[rows]
        ) == pytest.approx(
            explained_variance(y, predicted, average=average, sample_weight=weight), rel=1e-12
        )


def test_too_few_labels():
    assert np.isnan(explained_variance([[1.0, np.nan]], [[1.0, 1.0]]))
    scores = explained_variance([[1.0, 1.0], [np.nan, 2.0]], np.ones((2, 2)), average=None)
    assert np.isnan(scores["0"])
    assert scores["1"] == -1.0


def test_errors():
    with pytest.raises(ValueError, match="average='macro'; expected 'pooled', 'variance_weighted'"):
        explained_variance([1.0, 2.0], [1.0, 2.0], average="macro")
    with pytest.raises(ValueError, match="Task 0 is regression, but has the label 'a'"):
        explained_variance(["a", "b"], [1.0, 2.0])


def test_school_has_the_published_numbers(shared_data):
    """One ridge for all schools explains about 34 % pooled, far less on the mean of schools."""
    from sklearn.linear_model import Ridge

    with np.load(shared_data / "school" / "school.npz") as file:
        X, y, task = file["X"][:, :-1], file["y"], file["task"]
    train = np.random.default_rng(0).random(len(y)) < 0.75
    predicted = Ridge(10.0).fit(X[train], y[train]).predict(X[~train])
    pooled = explained_variance(y[~train], predicted, task_ids=task[~train])
    mean = explained_variance(y[~train], predicted, average="mean", task_ids=task[~train])
    assert 0.30 < pooled < 0.38
    assert mean < pooled - 0.1
