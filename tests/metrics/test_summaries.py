"""Mean, worst and weighted mean of the tasks, and searches that refit by them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_validate

from skmtl import IndependentTasks, make_multitask_scorer, stack_tasks, task_scores


@pytest.fixture
def easy_and_hard():
    """Two easy tasks that want alpha small, one with noise and few labels that wants it large."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 20))
    y = pd.DataFrame(X @ rng.normal(size=(20, 3)), columns=["a", "worst", "hard"])
    y["hard"] = y["hard"] + 3 * rng.normal(size=120)
    y.loc[y.index % 3 > 0, "hard"] = np.nan
    return X, y


@pytest.mark.parametrize("scorer", [task_scores, make_multitask_scorer("r2", average=None)])
def test_refit_by_the_worst_task(easy_and_hard, scorer):
    X, y = easy_and_hard
    grid = {"regressor__alpha": [0.01, 1e3]}
    model = IndependentTasks(regressor=Ridge(), tasks="regression")
    options = {"scoring": scorer, "cv": 4, "error_score": "raise"}
    search = GridSearchCV(model, grid, refit="worst", **options).fit(X, y)
    results = search.cv_results_
    names = ["a", "'worst'", "hard"]
    folds = [
        np.array([results[f"split{f}_test_{name}"] for name in names]).min(axis=0) for f in range(4)
    ]
    np.testing.assert_array_equal(results["mean_test_worst"], np.mean(folds, axis=0))
    assert {f"mean_test_{name}" for name in ["mean", "worst", *names]} <= set(results)
    assert search.best_params_["regressor__alpha"] == 1e3
    assert search.best_score_ == results["mean_test_worst"].max()
    other = GridSearchCV(model, grid, refit="mean", **options).fit(X, y)
    assert other.best_params_["regressor__alpha"] == 0.01


def test_worst_is_the_lowest_of_those_with_a_score(easy_and_hard):
    X, y = easy_and_hard
    model = IndependentTasks(tasks="regression").fit(X, y)
    scores = task_scores(model, X, y.assign(hard=np.nan))
    assert np.isnan(scores["hard"])
    assert scores["worst"] == min(scores["a"], scores["'worst'"])
    none = task_scores(model, X[:1], y[:1])
    assert np.isnan(none["worst"])
    assert np.isnan(none["mean"])


class TestWeighted:
    @pytest.fixture
    def case(self, easy_and_hard):
        X, y = easy_and_hard
        model = IndependentTasks(tasks="regression").fit(X, y)
        return model, X, y, list(task_scores(model, X, y).values())[2:]

    @pytest.mark.parametrize("metric", [None, "r2"])
    def test_by_labels_and_their_weights(self, case, metric):
        model, X, y, scores = case
        scorer = make_multitask_scorer(metric, average="weighted")
        expected = np.average(scores, weights=y.notna().sum())
        assert scorer(model, X, y) == pytest.approx(expected, rel=1e-12)
        weight = np.random.default_rng(0).uniform(0.5, 2, y.shape)
        values = task_scores(model, X, y, weight)
        expected = np.average(
            [values[key] for key in ("a", "'worst'", "hard")], weights=(weight * y.notna()).sum()
        )
        assert scorer(model, X, y, sample_weight=weight) == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize("task_weight", [[1, 1, 5], {"hard": 5}])
    def test_by_task_weight(self, case, task_weight):
        model, X, y, scores = case
        scorer = make_multitask_scorer(average="weighted", task_weight=task_weight)
        assert scorer(model, X, y) == pytest.approx(np.average(scores, weights=[1, 1, 5]))

    def test_list_has_an_entry_for_tasks_that_the_metric_is_not_for(self, data, types):
        X, y = data
        model = IndependentTasks(tasks=types).fit(X, y)
        each = make_multitask_scorer("r2", average=None)(model, X, y)
        scorer = make_multitask_scorer("r2", average="weighted", task_weight=[1, 3, 7, 7])
        expected = np.average([each["length"], each["width"]], weights=[1, 3])
        assert scorer(model, X, y) == pytest.approx(expected)

    def test_estimators_of_scikit_learn(self, easy_and_hard):
        X, y = easy_and_hard
        model = DummyRegressor().fit(X, y.fillna(0.0))
        each = make_multitask_scorer("r2", average=None)(model, X, y)
        scorer = make_multitask_scorer("r2", average="weighted", task_weight={"hard": 0.0})
        assert scorer(model, X, y) == pytest.approx((each["a"] + each["'worst'"]) / 2)

    def test_long_form(self):
        rng = np.random.default_rng(0)
        X_list = [rng.normal(size=(n, 2)) for n in (10, 40, 20)]
        X, y = stack_tasks(X_list, [X[:, 0] + rng.normal(size=len(X)) for X in X_list])
        model = IndependentTasks(tasks="regression", task_feature=0).fit(X, y)
        scores = list(task_scores(model, X, y).values())[2:]
        found = make_multitask_scorer(average="weighted")(model, X, y)
        assert found == pytest.approx(np.average(scores, weights=[10, 40, 20]))
        found = make_multitask_scorer(average="weighted", task_weight={1: 2.0})(model, X, y)
        assert found == pytest.approx(np.average(scores, weights=[1, 2, 1]))

    def test_in_a_search(self, easy_and_hard):
        X, y = easy_and_hard
        scorer = make_multitask_scorer("r2", average="weighted")
        result = cross_validate(IndependentTasks(tasks="regression"), X, y, scoring=scorer, cv=3)
        assert np.isfinite(result["test_score"]).all()

    def test_errors(self, case):
        model, X, y, _ = case
        with pytest.raises(ValueError, match="task_weight has no effect with average='worst'"):
            make_multitask_scorer("r2", average="worst", task_weight=[1, 2, 3])
        scorer = make_multitask_scorer("r2", average="weighted", task_weight={"x": 1.0})
        with pytest.raises(ValueError, match="names the task 'x'"):
            scorer(model, X, y)
