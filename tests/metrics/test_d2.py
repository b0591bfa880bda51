"""What `score` averages, on arrays."""

import numpy as np
import pytest
from sklearn.metrics import d2_log_loss_score, d2_tweedie_score, r2_score

from skmtl import IndependentTasks, stack_tasks, task_scores
from skmtl.metrics import d2_score

TYPES = {"length": "regression", "ill": "binary", "kind": "multiclass", "visits": "count"}


@pytest.fixture
def mixed(data):
    """X, y of four types, and predictions for each."""
    X, y = data
    visits = np.random.default_rng(1).poisson(np.exp(0.5 * X[:, 2]))
    y = y.drop(columns="width").assign(visits=visits)
    model = IndependentTasks(tasks=list(TYPES.values())).fit(X, y)
    values, proba = model.predict(X), model.predict_proba(X)
    return X, y, model, [values[:, 0], proba[1], proba[2], values[:, 3]]


@pytest.mark.parametrize("weighted", [False, True])
def test_complete_labels_have_scikit_learns_numbers(mixed, weighted):
    _, y, _, y_pred = mixed
    weight = np.random.default_rng(2).uniform(0.5, 2, 120) if weighted else None
    options = {"sample_weight": weight}
    expected = {
        "length": r2_score(y["length"], y_pred[0], **options),
        "ill": d2_log_loss_score(y["ill"], y_pred[1], **options),
        "kind": d2_log_loss_score(y["kind"], y_pred[2], **options),
        "visits": d2_tweedie_score(y["visits"], y_pred[3], power=1, **options),
    }
    assert d2_score(y, y_pred, average=None, tasks=TYPES, **options) == expected
    assert d2_score(y, y_pred, tasks=TYPES, **options) == np.mean(list(expected.values()))
    worst = d2_score(y, y_pred, tasks=TYPES, average="worst", **options)
    assert worst == min(expected.values())


def test_is_the_score_of_the_estimator(mixed):
    X, y, model, y_pred = mixed
    gaps = y.mask(np.random.default_rng(3).random(y.shape) < 0.3)
    weight = np.random.default_rng(4).uniform(0.5, 2, y.shape)
    found = d2_score(gaps, y_pred, tasks=model.tasks_, sample_weight=weight)
    assert found == pytest.approx(model.score(X, gaps, weight), rel=1e-12)
    expected = task_scores(model, X, gaps, weight)
    scores = d2_score(gaps, y_pred, average=None, tasks=model.tasks_, sample_weight=weight)
    assert scores == pytest.approx({name: expected[name] for name in y}, rel=1e-12)


def test_columns_of_positive_probabilities():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=(80, 3)).astype(float)
    y[rng.random(y.shape) < 0.3] = np.nan
    p = rng.random((80, 3))
    both = [np.column_stack([1 - column, column]) for column in p.T]
    scores = d2_score(y, p, average=None)
    assert scores == d2_score(y, both, average=None)
    seen = ~np.isnan(y[:, 1])
    assert scores["1"] == d2_log_loss_score(y[seen, 1], p[seen, 1])


def test_where_scikit_learn_has_no_value():
    assert np.isnan(d2_score([1.5], [1.0]))
    assert d2_score(["a", "b"], [[0.9, 0.1], [0.1, 0.9]]) < 1
    assert d2_score([1, 1, 1], [0.9, 0.9, 0.8]) == 0.0
    assert d2_score([1, 1, 1], [1.0, 1.0, 1.0]) == 1.0
    assert d2_score([0, 0, 0], [0.0, 0.0, 0.0], tasks="count") == 1.0
    assert d2_score([0, 0, 0], [0.5, 1.0, 2.0], tasks="count") == 0.0
    assert np.isfinite(d2_score([0, 2, 1], [0.0, 1.0, 1.0], tasks="count"))


def test_class_unknown_to_the_model_has_probability_zero():
    X = np.arange(12.0)[:, None]
    y = np.array(list("abcabcabcabc"))
    known = y != "b"
    model = IndependentTasks(tasks="multiclass").fit(X[known], y[known])
    found = d2_score(y, model.predict_proba(X), tasks=model.tasks_)
    assert found == pytest.approx(task_scores(model, X, y)["mean"], rel=1e-12)
    assert found < 0


def test_long_form():
    rng = np.random.default_rng(0)
    X_list = [rng.normal(size=(n, 2)) for n in (20, 30)]
    y_list = [np.where(X[:, 0] + rng.normal(size=len(X)) > 0, "yes", "no") for X in X_list]
    X, y = stack_tasks(X_list, y_list)
    model = IndependentTasks(task_feature=0).fit(X, y)
    scores = d2_score(y, model.predict_proba(X), average=None, tasks=model.tasks_, task_ids=X[:, 0])
    expected = task_scores(model, X, y)
    assert scores == pytest.approx({name: expected[name] for name in "01"}, rel=1e-12)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "tasks", "message"),
    [
        (["a", "b", "a"], ["a", "b", "b"], "auto", r"Task 0 has the classes \['a', 'b'\]; exp"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "multiclass", "expected their probabilities"),
        ([0, 1, 1], [0.1, 1.2, 0.3], "auto", "expected their probabilities"),
        ([0, 3, 2], [0.1, -1.0, 2.0], "count", "Task 0 is a count, but y_pred has -1"),
        ([0, 1, 2], np.full((3, 3), 1 / 3), "auto", "Task 0 is regression, but y_pred has 3"),
    ],
)
def test_errors(y_true, y_pred, tasks, message):
    with pytest.raises(ValueError, match=message):
        d2_score(y_true, y_pred, tasks=tasks)
