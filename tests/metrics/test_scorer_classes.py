"""Folds and labels that scikit-learn's scorers alone would stumble over."""

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    get_scorer,
    log_loss,
    roc_auc_score,
)

from skmtl import IndependentTasks, make_multitask_scorer


@pytest.mark.parametrize("labels", [["no", "yes"], [1, 2], [False, True], [-1, 1]])
def test_positive_class(labels, data):
    X, y = data
    named = np.array(labels, dtype=object)[y["ill"]]
    model = IndependentTasks(tasks="binary").fit(X, named)
    codes = LogisticRegression().fit(X, y["ill"])
    first_is_positive = labels == [1, 2]  # scikit-learn's default names the label 1
    for metric in ("f1", "roc_auc", "average_precision", "neg_brier_score", "precision"):
        score = make_multitask_scorer(metric)(model, X, named)
        if metric in ("f1", "precision", "average_precision") and first_is_positive:
            flipped = LogisticRegression().fit(X, 1 - y["ill"])
            expected = get_scorer(metric)(flipped, X, 1 - y["ill"])
        else:
            expected = get_scorer(metric)(codes, X, y["ill"])
        assert score == pytest.approx(expected, rel=1e-6), metric


def test_fold_without_one_of_the_classes(data):
    X, y = data
    model = IndependentTasks(tasks="multiclass").fit(X, y["kind"])
    rows = (y["kind"] != 2).to_numpy()
    score = make_multitask_scorer("neg_log_loss")(model, X[rows], y["kind"][rows])
    proba = model.predict_proba(X[rows])
    assert score == -log_loss(y["kind"][rows], proba, labels=[1, 2, 3])
    with pytest.warns(UndefinedMetricWarning):
        score = make_multitask_scorer("roc_auc")(model, X[rows], y["kind"][rows])
    assert np.isnan(score)
    assert np.isnan(make_multitask_scorer("average_precision")(model, X[rows], y["kind"][rows]))


def test_one_class_is_left_out_of_the_average(data):
    X, y = data
    y = y[["ill", "kind"]].assign(second=1 - y["ill"])
    model = IndependentTasks(tasks=["binary", "multiclass", "binary"]).fit(X, y)
    rows = (y["ill"] == 1).to_numpy()
    gaps = y.astype(float)
    gaps.loc[~rows, "ill"] = np.nan
    with pytest.warns(UndefinedMetricWarning):
        scores = make_multitask_scorer("roc_auc", average=None)(model, X, gaps)
    assert np.isnan(scores["ill"])
    assert scores["mean"] == (scores["kind"] + scores["second"]) / 2


@pytest.mark.filterwarnings("ignore:.*one observed class")
def test_constant_task(data):
    X, _ = data
    labels = np.ones(120, dtype=int)
    model = IndependentTasks(tasks="binary").fit(X, labels)
    assert make_multitask_scorer("accuracy")(model, X, labels) == 1
    assert make_multitask_scorer("f1_macro")(model, X, labels) == 1
    for metric in ("roc_auc", "neg_log_loss", "f1", "neg_brier_score"):
        assert np.isnan(make_multitask_scorer(metric)(model, X, labels)), metric


@pytest.mark.parametrize("names", [[1, 2, 3], ["a", "b", "c"]])
def test_class_unseen_in_fit_is_a_miss(names, data):
    X, y = data
    labels = np.array(names, dtype=object)[y["kind"] - 1]
    train = labels != names[1]
    model = IndependentTasks(tasks="multiclass").fit(X[train], labels[train])
    hits = model.predict(X[train]) == labels[train]
    assert make_multitask_scorer("accuracy")(model, X, labels) == hits.sum() / 120
    proba = np.zeros((120, 3))
    proba[:, [0, 2]] = model.predict_proba(X)
    expected = -log_loss(labels.tolist(), proba)
    assert make_multitask_scorer("neg_log_loss")(model, X, labels) == expected
    assert make_multitask_scorer("roc_auc")(model, X, labels) == roc_auc_score(
        labels.tolist(), proba, multi_class="ovr"
    )
    assert np.isnan(make_multitask_scorer("f1")(model, X, labels))


def test_strings_for_numbers(data):
    X, y = data
    model = IndependentTasks(tasks="binary").fit(X, y["ill"])
    with pytest.raises(ValueError, match="write both as strings or both as numbers"):
        make_multitask_scorer("accuracy")(model, X, y["ill"].astype(str))


def test_task_without_labels_in_the_fold(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    scores = make_multitask_scorer("r2", average=None)(model, X, y.assign(length=np.nan))
    assert np.isnan(scores["length"])
    assert scores["mean"] == scores["width"]
