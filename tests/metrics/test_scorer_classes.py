"""Folds and labels that scikit-learn's scorers alone would stumble over."""

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    f1_score,
    get_scorer,
    get_scorer_names,
    log_loss,
    make_scorer,
    roc_auc_score,
)

from skmtl import IndependentTasks, make_multitask_scorer
from skmtl.metrics import multitask_score


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


# What each metric says of labels of one class: NaN, or scikit-learn's number.
UNDEFINED_FOR_ONE_CLASS = [
    "roc_auc",
    "roc_auc_ovr",
    "roc_auc_ovo_weighted",
    "matthews_corrcoef",
    "d2_log_loss_score",
    "d2_brier_score",
    "positive_likelihood_ratio",
    "neg_negative_likelihood_ratio",
]
OF_THE_POSITIVE_CLASS = ["average_precision", "recall", "precision", "f1", "jaccard"]
DEFINED = [
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "f1_micro",
    "recall_weighted",
    "neg_log_loss",
    "neg_brier_score",
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.filterwarnings("ignore:y_pred contains classes:UserWarning")
@pytest.mark.parametrize("n_labels", [1, 6])
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("metric", UNDEFINED_FOR_ONE_CLASS + OF_THE_POSITIVE_CLASS + DEFINED)
def test_labels_of_one_class(metric, label, n_labels):
    if metric not in get_scorer_names():
        pytest.skip("newer scikit-learn has this scorer")
    has_both, proba = np.arange(6) % 2, np.array([0.2, 0.7, 0.9, 0.4, 0.1, 0.6])
    labels = np.where(np.arange(6) < n_labels, float(label), np.nan)
    is_of_labels = get_scorer(metric)._response_method == "predict"
    guess = np.round(proba) if is_of_labels else proba
    y_true, y_pred = np.column_stack([has_both, labels]), np.column_stack([guess, guess])
    scores = multitask_score(y_true, y_pred, metric, average=None)
    assert np.isfinite(scores["0"])
    is_undefined = metric in UNDEFINED_FOR_ONE_CLASS or (
        metric in OF_THE_POSITIVE_CLASS and label == 0
    )
    assert np.isnan(scores["1"]) == is_undefined
    mean = multitask_score(y_true, y_pred, metric)
    assert mean == pytest.approx(np.nanmean([scores["0"], scores["1"]]))
    if is_undefined:
        assert mean == scores["0"]


@pytest.mark.parametrize("metric", OF_THE_POSITIVE_CLASS)
def test_what_is_undefined_does_not_depend_on_predictions(metric):
    # A model that never predicts the class is no reason to leave the task out.
    y_true = np.array([[0, 0], [1, 0], [1, 0]])
    none = 0 if metric != "average_precision" else 0.0
    scores = multitask_score(y_true, np.full((3, 2), none), metric, average=None)
    assert np.isnan(scores["1"])
    assert np.isfinite(scores["0"])


def test_zero_division_is_the_users_word():
    y_true, y_pred = np.array([[0], [0]]), np.array([[0], [0]])
    assert np.isnan(multitask_score(y_true, y_pred, "f1"))
    assert multitask_score(y_true, y_pred, make_scorer(f1_score, zero_division=1.0)) == 1.0
    first = make_scorer(f1_score, pos_label=0)
    assert multitask_score(y_true, y_pred, first) == 1.0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("metric", ["r2", "explained_variance", "d2_absolute_error_score"])
def test_one_label_explains_nothing(metric):
    y_true, y_pred = np.array([[2.0, 1.0], [np.nan, 3.0]]), np.array([[1.0, 1.5], [5.0, 2.5]])
    scores = multitask_score(y_true, y_pred, metric, average=None)
    assert np.isnan(scores["0"])
    assert np.isfinite(scores["1"])


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


def test_a_metric_sees_labels_of_the_dtype_of_the_classes(data):
    """Where others are missing, too: a gap has made floats of whole numbers."""
    X, y = data
    whole = np.column_stack([y["ill"], y["kind"]]).astype(int)
    gaps = whole.astype(float)
    gaps[::3, 0], gaps[1::4, 1] = np.nan, np.nan
    model = IndependentTasks(tasks="multiclass").fit(X, whole)

    def dtype_is_that_of_predictions(y_true, y_pred):
        return float(y_true.dtype == y_pred.dtype)

    scorer = make_multitask_scorer(dtype_is_that_of_predictions, average=None)
    assert set(scorer(model, X, whole).values()) == set(scorer(model, X, gaps).values()) == {1.0}


def test_an_average_over_classes_of_any_name_needs_no_positive_one(data):
    """Before 1.7 scikit-learn asks for the class 1 all the same."""
    X, y = data
    kind = y["kind"].map({1: "a", 2: "b", 3: "c"})
    model = IndependentTasks(tasks="multiclass").fit(X, kind)
    score = make_multitask_scorer(make_scorer(f1_score, average="macro"))(model, X, kind)
    assert score == f1_score(kind, model.predict(X), average="macro")
