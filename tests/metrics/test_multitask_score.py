"""Metrics of scikit-learn on arrays: its own numbers, task by task."""

import functools
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.metrics as sk

from skmtl import IndependentTasks, make_multitask_scorer, task_scores
from skmtl.metrics import multitask_score
from skmtl.tasks import Multiclass

REGRESSION = [
    sk.r2_score,
    sk.mean_squared_error,
    sk.root_mean_squared_error,
    sk.mean_absolute_error,
    sk.explained_variance_score,
    sk.d2_absolute_error_score,
    functools.partial(sk.mean_pinball_loss, alpha=0.9),
]
LABELS = [
    sk.accuracy_score,
    sk.balanced_accuracy_score,
    sk.cohen_kappa_score,
    sk.hamming_loss,
    sk.matthews_corrcoef,
    sk.zero_one_loss,
    functools.partial(sk.f1_score, average="macro"),
]
BINARY = [sk.f1_score, sk.precision_score, sk.recall_score, sk.jaccard_score]
RANKED = [sk.roc_auc_score, sk.average_precision_score, sk.brier_score_loss, sk.log_loss]
PROBABILITIES = [sk.log_loss, sk.d2_log_loss_score, sk.top_k_accuracy_score]

GAPS = np.random.default_rng(9).random((150, 3)) < 0.3


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def name(metric):
    # Without the address that a partial shows: workers must agree on the names of tests.
    return getattr(metric, "func", metric).__name__


class TestCompleteLabelsHaveScikitLearnsNumbers:
    """Compared with ==, no tolerance."""

    @pytest.mark.parametrize("metric", REGRESSION, ids=name)
    @pytest.mark.parametrize("weighted", [False, True])
    def test_regression(self, metric, weighted, rng):
        y, predicted = rng.normal(size=(2, 150, 3))
        weight = rng.uniform(0.5, 2, size=(150, 3)) if weighted else None
        expected = [
            metric(y[:, t], predicted[:, t], sample_weight=weight[:, t] if weighted else None)
            for t in range(3)
        ]
        scores = multitask_score(y, predicted, metric, average=None, sample_weight=weight)
        assert scores == dict(zip("012", expected, strict=True))
        assert multitask_score(y, predicted, metric, sample_weight=weight) == np.mean(expected)

    def test_average_of_scikit_learn(self, rng):
        y, predicted = rng.normal(size=(2, 150, 3))
        for columns in (y, y * [1.0, 10.0, 100.0]):
            expected = sk.mean_absolute_error(columns, predicted, multioutput=[1.0, 2.0, 3.0])
            found = multitask_score(
                columns, predicted, sk.mean_absolute_error, average="weighted",
                task_weight=[1.0, 2.0, 3.0],
            )  # fmt: skip
            assert found == pytest.approx(expected, rel=1e-14)

    @pytest.mark.parametrize("metric", LABELS, ids=name)
    @pytest.mark.parametrize("names", [[0, 1, 2], [3, 5, 9], ["a", "b", "c"]], ids=str)
    def test_labels(self, metric, names, rng):
        y, predicted = np.array(names)[rng.integers(0, 3, size=(2, 150, 2))]
        expected = [metric(y[:, t], predicted[:, t]) for t in range(2)]
        scores = multitask_score(y, predicted, metric, average=None)
        assert list(scores.values()) == expected

    @pytest.mark.parametrize("metric", BINARY, ids=name)
    @pytest.mark.parametrize("dtype", [int, float, bool])
    def test_binary_labels(self, metric, dtype, rng):
        y, predicted = rng.integers(0, 2, size=(2, 150, 2)).astype(dtype)
        expected = [metric(y[:, t], predicted[:, t]) for t in range(2)]
        assert list(multitask_score(y, predicted, metric, average=None).values()) == expected

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
    @pytest.mark.parametrize("label", [0, 1])
    def test_one_class_only(self, label, rng):
        y, predicted = np.full(40, label), rng.integers(0, 2, size=40)
        assert multitask_score(y, predicted, sk.accuracy_score) == sk.accuracy_score(y, predicted)
        for metric in BINARY:
            # Without a positive label the best there is, no positive prediction, has no value.
            expected = metric(y, predicted) if label else np.nan
            np.testing.assert_equal(multitask_score(y, predicted, metric), expected)

    @pytest.mark.parametrize("metric", RANKED, ids=name)
    @pytest.mark.parametrize("names", [[0, 1], ["no", "yes"]], ids=str)
    def test_of_the_positive_class(self, metric, names, rng):
        y, p = np.array(names)[rng.integers(0, 2, size=(150, 2))], rng.random((150, 2))
        known = {} if names == [0, 1] or metric is sk.log_loss else {"pos_label": "yes"}
        if metric is sk.roc_auc_score:
            known = {}
        expected = [metric(y[:, t], p[:, t], **known) for t in range(2)]
        both = [np.column_stack([1 - p[:, t], p[:, t]]) for t in range(2)]
        assert list(multitask_score(y, p, metric, average=None).values()) == expected
        assert list(multitask_score(y, both, metric, average=None).values()) == expected

    @pytest.mark.parametrize("metric", PROBABILITIES, ids=name)
    def test_probabilities(self, metric, rng):
        y, p = rng.integers(0, 3, size=150), rng.dirichlet([1, 1, 1], 150)
        assert multitask_score(y, p, metric) == metric(y, p)
        assert multitask_score(y[:, None], [p], metric) == metric(y, p)

    def test_several_classes_ranked(self, rng):
        y, p = rng.integers(0, 3, size=150), rng.dirichlet([1, 1, 1], 150)
        expected = sk.roc_auc_score(y, p, multi_class="ovr")
        assert multitask_score(y, p, "roc_auc") == expected
        assert multitask_score(y, p, sk.roc_auc_score) == expected

    def test_a_metric_of_labels_takes_the_most_probable_class(self, rng):
        y, p = np.array(["a", "b", "c"])[rng.integers(0, 3, size=150)], rng.random((150, 3))
        expected = sk.accuracy_score(y, np.array(["a", "b", "c"])[p.argmax(axis=1)])
        assert multitask_score(y, p, "accuracy") == expected


def test_gaps_are_left_out(rng):
    y, predicted = rng.normal(size=(2, 150, 3))
    weight = rng.uniform(0.5, 2, size=(150, 3))
    expected = {
        str(t): sk.r2_score(y[seen, t], predicted[seen, t], sample_weight=weight[seen, t])
        for t, seen in enumerate(~GAPS.T)
    }
    gappy = np.where(GAPS, np.nan, y)
    scores = multitask_score(gappy, predicted, "r2", average=None, sample_weight=weight)
    assert scores == expected
    # Nothing under a gap matters: no prediction, no weight, no label under weight 0.
    noise = np.where(GAPS, np.nan, predicted), np.where(GAPS, 7.0, weight)
    assert multitask_score(gappy, noise[0], "r2", average=None, sample_weight=noise[1]) == expected
    weight[GAPS] = 0.0
    assert multitask_score(y, predicted, "r2", average=None, sample_weight=weight) == expected


def test_containers(rng):
    y, predicted = rng.normal(size=(2, 150, 3))
    y[GAPS] = np.nan
    names = ["a", "b", "c"]
    expected = list(multitask_score(y, predicted, "r2", average=None).values())
    frame, answers = pd.DataFrame(y, columns=names), pd.DataFrame(predicted, columns=names)
    masked = np.ma.array(np.where(GAPS, 5.0, y), mask=GAPS)
    for labels, values in [
        (masked, predicted),
        (np.where(GAPS, None, y), predicted.astype(object)),
        (y.tolist(), predicted.tolist()),
        (frame, predicted),
        (frame, answers[["c", "a", "b"]]),
        (pl.DataFrame(frame), pl.DataFrame(answers)),
        (y, list(predicted.T)),
        (y, answers),
    ]:
        scores = multitask_score(labels, values, "r2", average=None)
        assert list(scores.values()) == expected
        is_named = hasattr(labels, "columns")
        assert list(scores) == (names if is_named else ["0", "1", "2"])


def test_inputs_are_not_modified(rng):
    y, predicted, weight = rng.normal(size=(3, 150, 3))
    y[GAPS], weight = np.nan, np.abs(weight)
    for array in (y, predicted, weight):
        array.flags.writeable = False
    before = y.copy(), predicted.copy(), weight.copy()
    multitask_score(y, predicted, "r2", sample_weight=weight)
    for array, copy in zip((y, predicted, weight), before, strict=True):
        np.testing.assert_array_equal(array, copy)


class TestAverages:
    @pytest.fixture
    def case(self, rng):
        y, predicted = rng.normal(size=(2, 150, 3)) * [1.0, 2.0, 3.0]
        y[GAPS] = np.nan
        return y, predicted

    def test_worst_is_the_lowest_score_and_the_highest_error(self, case):
        errors = multitask_score(*case, sk.mean_squared_error, average=None).values()
        assert multitask_score(*case, sk.mean_squared_error, average="worst") == max(errors)
        assert multitask_score(*case, "neg_mean_squared_error", average="worst") == -max(errors)
        assert multitask_score(*case, sk.max_error, average="worst") == max(
            multitask_score(*case, sk.max_error, average=None).values()
        )
        scores = multitask_score(*case, sk.r2_score, average=None).values()
        assert multitask_score(*case, sk.r2_score, average="worst") == min(scores)

    def test_direction_of_a_function_of_the_user(self, case):
        def absolute(y_true, y_pred):
            return np.abs(y_true - y_pred).mean()

        values = multitask_score(*case, absolute, average=None).values()
        assert multitask_score(*case, absolute, average="worst") == min(values)
        low = multitask_score(*case, absolute, average="worst", greater_is_better=False)
        assert low == max(values)

    def test_weighted_by_labels(self, case):
        y, predicted = case
        scores = list(multitask_score(y, predicted, "r2", average=None).values())
        expected = np.average(scores, weights=(~GAPS).sum(axis=0))
        assert multitask_score(y, predicted, "r2", average="weighted") == expected
        # The weighted mean of squared errors is that of all labels together.
        pooled = sk.mean_squared_error(y[~GAPS], predicted[~GAPS])
        found = multitask_score(y, predicted, sk.mean_squared_error, average="weighted")
        assert found == pytest.approx(pooled, rel=1e-12)
        weight = np.random.default_rng(1).uniform(0.5, 2, y.shape)
        pooled = sk.mean_squared_error(y[~GAPS], predicted[~GAPS], sample_weight=weight[~GAPS])
        found = multitask_score(
            y, predicted, sk.mean_squared_error, average="weighted", sample_weight=weight
        )
        assert found == pytest.approx(pooled, rel=1e-12)

    def test_weighted_by_task_weight(self, case):
        scores = list(multitask_score(*case, "r2", average=None).values())
        by_name = multitask_score(*case, "r2", average="weighted", task_weight={1: 3.0})
        listed = multitask_score(*case, "r2", average="weighted", task_weight=[1, 3, 1])
        assert by_name == listed == np.average(scores, weights=[1, 3, 1])

    def test_tasks_without_score_do_not_count(self, case):
        y, predicted = case
        y = y.copy()
        y[:, 1] = np.nan
        scores = multitask_score(y, predicted, "r2", average=None)
        assert np.isnan(scores["1"])
        assert multitask_score(y, predicted, "r2") == (scores["0"] + scores["2"]) / 2
        assert multitask_score(y, predicted, "r2", average="worst") == min(scores["0"], scores["2"])
        assert np.isnan(multitask_score(y[:, [1]], predicted[:, [1]], "r2"))
        weight = {"average": "weighted", "task_weight": [0.0, 1.0, 0.0]}
        assert np.isnan(multitask_score(y, predicted, "r2", **weight))

    def test_a_model_that_never_saw_a_task(self, case):
        y, predicted = case
        predicted = predicted.copy()
        predicted[:, 1] = np.nan
        assert np.isnan(multitask_score(y, predicted, "r2", average=None)["1"])


class TestTypes:
    def test_the_metric_says_what_labels_are(self, rng):
        y = np.column_stack([rng.integers(0, 2, 60), rng.integers(0, 4, 60)])
        predicted = y[rng.permutation(60)]
        for metric in (sk.r2_score, sk.accuracy_score):
            scores = multitask_score(y, predicted, metric, average=None)
            assert list(scores.values()) == [metric(y[:, t], predicted[:, t]) for t in range(2)]

    def test_mixed_types(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        gaps = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
        metric = {"regression": "r2", "binary": "roc_auc", "multiclass": "neg_log_loss"}
        values, proba = model.predict(X), model.predict_proba(X)
        y_pred = [values[:, 0], values[:, 1], proba[2], proba[3]]
        for average in ("mean", "worst", "weighted"):
            scorer = make_multitask_scorer(metric, average=average)
            found = multitask_score(gaps, y_pred, metric, average=average, tasks=types)
            assert found == scorer(model, X, gaps)
        named = multitask_score(gaps, y_pred, metric, average=None, tasks=model.tasks_)
        expected = make_multitask_scorer(metric, average=None)(model, X, gaps)
        assert named == {name: expected[name] for name in y}

    def test_declared_types_that_the_metric_is_not_for_are_left_out(self, data, types):
        X, y = data
        predicted = IndependentTasks(tasks=types).fit(X, y).predict(X)
        scores = multitask_score(y, predicted, "r2", average=None, tasks=types)
        assert list(scores) == ["length", "width"]

    def test_none_leaves_a_task_out(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        scores = multitask_score(
            y, model.predict_proba(X), "neg_log_loss", average=None, tasks=types
        )
        assert list(scores) == ["ill", "kind"]

    def test_classes_that_the_rows_lack(self, rng):
        y, p = np.array(["a", "c"])[rng.integers(0, 2, 80)], rng.dirichlet([1, 1, 1], 80)
        expected = sk.log_loss(y, p, labels=["a", "b", "c"])
        with pytest.raises(ValueError, match=r"classes \['a', 'c'\], but y_pred has 3 columns"):
            multitask_score(y, p, sk.log_loss)
        known = Multiclass(classes=["a", "b", "c"])
        assert multitask_score(y, p, sk.log_loss, tasks=known) == expected
        fitted = IndependentTasks(tasks="multiclass").fit(np.arange(3)[:, None], list("abc"))
        assert multitask_score(y, p, sk.log_loss, tasks=fitted.tasks_) == expected

    def test_keys_are_those_of_task_scores(self, rng):
        y = pd.DataFrame(rng.normal(size=(30, 4)), columns=["mean", "worst", 1, "1"])
        model = IndependentTasks(tasks="regression").fit(y.to_numpy(), y)
        keys = list(multitask_score(y, model.predict(y.to_numpy()), "r2", average=None))
        assert keys == list(task_scores(model, y.to_numpy(), y))[2:]
        assert keys == ["'mean'", "'worst'", "1", "'1'"]


class TestLongForm:
    @pytest.mark.parametrize("ids", [[3.0, 1.0, 2.0], ["c", "a", "b"]], ids=str)
    def test_equals_wide_with_gaps(self, ids, rng):
        task = rng.integers(0, 3, size=150)
        y, predicted = rng.normal(size=(2, 150))
        y[::7] = np.nan
        wide = np.where(task[:, None] == np.arange(3), y[:, None], np.nan)
        order = np.argsort(ids)
        expected = multitask_score(
            wide[:, order], np.tile(predicted[:, None], 3), "r2", average=None
        )
        names = np.array(ids)[task]
        scores = multitask_score(y, predicted, "r2", average=None, task_ids=names)
        assert list(scores) == (["1", "2", "3"] if 3.0 in ids else ["a", "b", "c"])
        assert list(scores.values()) == list(expected.values())
        assert multitask_score(y, predicted, "r2", task_ids=names.tolist()) == np.mean(
            list(expected.values())
        )

    def test_probabilities(self, rng):
        task, y = rng.integers(0, 2, 100), rng.integers(0, 3, 100)
        p = rng.dirichlet([1, 1, 1], 100)
        scores = multitask_score(y, p, sk.log_loss, average=None, task_ids=task)
        assert scores == {str(t): sk.log_loss(y[task == t], p[task == t]) for t in range(2)}

    def test_types_of_a_fitted_estimator(self, rng):
        X = np.column_stack([np.arange(90) % 3, rng.normal(size=90)])
        y = np.where(X[:, 1] > 0, "yes", "no")
        model = IndependentTasks(task_feature=0).fit(X, y)
        found = multitask_score(
            y, model.predict_proba(X), "roc_auc", tasks=model.tasks_, task_ids=X[:, 0]
        )
        assert found == make_multitask_scorer("roc_auc")(model, X, y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"average": "macro"}, "average='macro'; expected 'mean', 'worst', 'weighted' or None"),
        ({"task_weight": [1, 2]}, "task_weight has no effect with average='mean'"),
        ({"average": "weighted", "task_weight": [1]}, r"task_weight has shape \(1,\); y has 2"),
        ({"average": "weighted", "task_weight": {"x": 1}}, "names the task 'x'"),
        ({"y_pred": np.zeros((4, 3))}, "y_pred has 3 tasks, but y_true has 2"),
        ({"y_pred": np.zeros((3, 2))}, "y_pred has 3 rows, but y_true has 4"),
        ({"y_pred": [np.zeros(4), np.zeros(5)]}, "y_pred has 5 rows, but y_true has 4"),
        ({"y_pred": [[0, np.nan]] + [[0, 0]] * 3}, "Task 1: y_pred is missing in 1 of 4 rows"),
        ({"y_pred": [[0, np.inf]] + [[0, 0]] * 3}, "y_pred: Task 1: y contains infinity"),
        ({"y_pred": [["a", "b"]] * 4}, "Task 0 is regression, but y_pred has strings"),
        ({"y_pred": [None, None]}, "y_pred is None for every task"),
        ({"metric": "f2"}, "'f2' is not a valid scoring"),
        ({"metric": {"text": "r2"}}, "metric names 'text', which is no task, of "),
        ({"tasks": "binary"}, "Task 0 is binary, but has the label 0.5"),
        ({"tasks": "regression", "metric": "accuracy"}, "is for none of the task types"),
        ({"metric": "neg_mean_squared_log_error", "y_pred": -2 * np.ones((4, 2))}, "Task 0: Mean"),
        ({"task_ids": [0, 0, 1, 1]}, "With task_ids, y_true must be 1-D"),
        ({"sample_weight": np.ones(3)}, r"sample_weight has shape \(3,\)"),
        ({"sample_weight": [1, 1, 2, 1], "metric": sk.max_error}, "takes no sample_weight"),
        ({"metric": {"regression": sk.r2_score, "count": sk.max_error}}, "no average of them"),
    ],
)
def test_errors(arguments, message):
    y = np.array([[0.5, 1.0], [1.5, 2.0], [2.5, 3.0], [3.5, 5.0]])
    arguments = {"y_true": y, "y_pred": y + 1, "metric": "r2", **arguments}
    with pytest.raises(ValueError, match=message):
        multitask_score(**arguments)


def test_errors_of_names():
    y = pd.DataFrame({"a": [0.5, 1.5], "b": [1.0, 2.0]})
    message = re.escape("y_pred does not have the tasks ['a', 'b']: missing ['b'], not known ['c']")
    with pytest.raises(ValueError, match=message):
        multitask_score(y, y.set_axis(["a", "c"], axis=1), "r2")
    with pytest.raises(ValueError, match="task_ids has 1 values; expected one for each of the 2"):
        multitask_score([1.0, 2.0], [1.0, 2.0], "r2", task_ids=["a", None])
