"""What every score refuses alike, and what single tasks and types are told."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, make_scorer, r2_score, roc_auc_score
from sklearn.multioutput import MultiOutputClassifier

from skmtl import IndependentTasks, MultiTaskLinear, make_multitask_scorer, task_scores
from skmtl.metrics import average_relative_rmse, d2_score, multitask_score
from skmtl.metrics._one_task import position_of
from skmtl.metrics._scored_tasks import read_scored_targets, rescored

Y = np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 5.0]])
SCORES = {
    "average_relative_rmse": lambda **how: average_relative_rmse(Y, Y + 0.5, y_train=Y, **how),
    "d2_score": lambda **how: d2_score(Y, Y + 0.5, **how),
    "multitask_score": lambda **how: multitask_score(Y, Y + 0.5, "r2", **how),
}


@pytest.mark.parametrize("name", sorted(SCORES))
def test_averages_that_there_are(name):
    with pytest.raises(ValueError, match="average='median'; expected 'mean', 'worst', 'weighted'"):
        SCORES[name](average="median")
    with pytest.raises(ValueError, match="task_weight has no effect with average='mean'; use ave"):
        SCORES[name](task_weight=[1.0, 2.0])
    weighted = SCORES[name](average="weighted", task_weight=[1.0, 3.0])
    each = list(SCORES[name](average=None).values())
    assert weighted == pytest.approx((each[0] + 3 * each[1]) / 4)


def test_several_metrics_have_no_average():
    metric = {"regression": ["r2", "neg_mean_absolute_error"]}
    with pytest.raises(ValueError, match="has several metrics of one task, of which there is no"):
        multitask_score(Y, Y + 0.5, metric)


def test_predictions_of_numbers_may_be_columns():
    columns = [Y[:, [0]] + 0.5, Y[:, [1]] - 1]
    expected = (r2_score(Y[:, 0], columns[0]) + r2_score(Y[:, 1], columns[1])) / 2
    assert multitask_score(Y, columns, "r2") == pytest.approx(expected)
    with pytest.raises(ValueError, match="Task 1 is regression, but y_pred has 2 columns"):
        multitask_score(Y, [Y[:, [0]], Y], "r2")


def test_decision_values_of_two_classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)
    model = RidgeClassifier().fit(X, y)
    expected = roc_auc_score(y, model.decision_function(X))
    either = ("decision_function", "predict_proba")
    metric = make_scorer(roc_auc_score, response_method=either, multi_class="ovr")
    assert make_multitask_scorer(metric)(model, X, y) == pytest.approx(expected)


def test_types_of_a_classifier_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    Y = np.column_stack([X[:, 0] + rng.normal(size=90) > 0, np.digitize(X[:, 1], [-0.5, 0.5])])
    model = MultiOutputClassifier(LogisticRegression()).fit(X, Y)
    metric = {"binary": "roc_auc", "multiclass": "balanced_accuracy"}
    scores = make_multitask_scorer(metric, average=None)(model, X, Y)
    assert scores["0"] == roc_auc_score(Y[:, 0], model.predict_proba(X)[0][:, 1])
    assert scores["1"] == balanced_accuracy_score(Y[:, 1], model.predict(X)[:, 1])


def test_other_features_are_of_those_of_fit():
    X = np.random.default_rng(0).normal(size=(20, 3))
    model = MultiTaskLinear().fit(X, X[:, :2])
    targets, tasks = read_scored_targets(model, X, X[:, :2])
    with pytest.raises(ValueError, match="X has 2 features, but MultiTaskLinear is expecting 3"):
        rescored(model, X[:, :2], targets, tasks)
    assert model.n_features_in_ == 3


def test_metrics_of_scikit_learn_are_not_for_times_some_of_them_censored():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    times = np.exp(X[:, 0] + rng.normal(size=60)) * np.where(rng.random(60) < 0.3, -1, 1)
    Y = np.column_stack([times, X[:, 1] + rng.normal(size=60)])
    model = MultiTaskLinear(tasks=["survival", "regression"], alpha=0.1).fit(X, Y)
    scores = make_multitask_scorer("r2", average=None)(model, X, Y)
    expected = r2_score(Y[:, 1], model.predict(X)[:, 1])
    assert scores == {"mean": expected, "worst": expected, "1": expected}
    message = r"metric=\{'survival': 'r2'\} is for none of the task types \['regression', 'surviv"
    with pytest.raises(ValueError, match=message):
        make_multitask_scorer({"survival": "r2"})(model, X, Y)


def test_several_tasks_unknown_in_fit_have_a_score_each():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat(np.arange(5.0), 12), rng.normal(size=(60, 2))])
    y = X[:, 1] + X[:, 0] * X[:, 2] + 0.1 * rng.normal(size=60)
    known = X[:, 0] < 2
    model = IndependentTasks(task_feature=0, unknown_task="shared").fit(X[known], y[known])
    scores = task_scores(model, X, y)
    assert list(scores) == ["mean", "worst", "0", "1", "2", "3", "4"]
    for task in range(5):
        rows = X[:, 0] == task
        assert scores[str(task)] == pytest.approx(r2_score(y[rows], model.predict(X[rows])))


def test_strings_for_numbers_are_told_with_the_label():
    X = pd.DataFrame({"x": np.arange(6.0)})
    model = IndependentTasks(tasks="binary").fit(X, [0, 1, 0, 1, 0, 1])
    message = "Task 0: y has the label 'no', but the classes of fit are \\[0, 1\\]; write both"
    with pytest.raises(ValueError, match=message):
        make_multitask_scorer("accuracy")(model, X, ["no", "yes", "no", "yes", "no", "maybe"])


@pytest.mark.parametrize(("n_tasks", "end"), [(20, r"'t19'\]\."), (23, r"'t19'\] and 3 more\.")])
def test_tasks_that_there_are(n_tasks, end):
    names = [f"t{t}" for t in range(n_tasks)]
    with pytest.raises(ValueError, match=rf"no task 'zz'; the tasks are \['t0', .*{end}$"):
        position_of("zz", names, names)
    with pytest.raises(ValueError, match=r" Did you mean 't11'\?$"):
        position_of("t_11", names, names)
