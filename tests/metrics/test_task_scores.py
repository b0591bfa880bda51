"""One score per task, through pipelines and searches."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, d2_log_loss_score, d2_tweedie_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import IndependentTasks, stack_tasks, task_scores
from skmtl.metrics._keys import score_keys

TYPES = ["regression", "binary", "multiclass", "count"]


@pytest.fixture
def mixed():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))
    y = pd.DataFrame(
        {
            "length": 3 + X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * rng.normal(size=90),
            "ill": np.where(X[:, 0] + rng.normal(size=90) > 0, 1.0, 0.0),
            "kind": np.array(["a", "b", "c"])[np.digitize(X[:, 1], [-0.4, 0.4])],
            "visits": rng.poisson(np.exp(0.5 * X[:, 2])).astype(float),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.2)


def test_equals_scikit_learn_on_observed_labels(mixed):
    X, y = mixed
    model = IndependentTasks(tasks=TYPES).fit(X, y)
    scores = task_scores(model, X, y)
    seen = [y[name].notna().to_numpy() for name in y]
    prediction, proba = model.predict(X), model.predict_proba(X)
    labels = [y[name][rows].to_list() for name, rows in zip(y, seen, strict=True)]
    expected = {
        "length": r2_score(labels[0], prediction[seen[0], 0]),
        "ill": d2_log_loss_score(labels[1], proba[1][seen[1]]),
        "kind": d2_log_loss_score(labels[2], proba[2][seen[2]]),
        "visits": d2_tweedie_score(labels[3], prediction[seen[3], 3].astype(float), power=1),
    }
    assert list(scores) == ["mean", "worst", *expected]
    assert {name: scores[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    assert scores["mean"] == model.score(X, y)
    assert scores["worst"] == min(scores[name] for name in expected)


def test_another_metric(mixed):
    X, y = mixed
    model = make_pipeline(StandardScaler(), IndependentTasks(tasks=TYPES)).fit(X, y)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=y.shape)
    scores = task_scores(model, X, y, weight, metric={"kind": "accuracy", "regression": "r2"})
    assert list(scores) == ["mean", "worst", "length", "kind", "visits"]
    rows = y["kind"].notna().to_numpy()
    labels, predicted = y["kind"][rows], model.predict(X)[rows, 2]
    expected = accuracy_score(labels, predicted, sample_weight=weight[rows, 2])
    assert scores["kind"] == pytest.approx(expected, rel=1e-12)


def test_weights(mixed):
    X, y = mixed
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=y.shape)
    model = IndependentTasks(tasks=TYPES).fit(X, y)
    rows = y["length"].notna().to_numpy()
    expected = r2_score(y["length"][rows], model.predict(X)[rows, 0], sample_weight=weight[rows, 0])
    assert task_scores(model, X, y, weight)["length"] == pytest.approx(expected, rel=1e-12)


def test_a_task_without_labels_is_nan_and_does_not_count(mixed):
    X, y = mixed
    model = IndependentTasks(tasks=TYPES).fit(X, y)
    rest = y.assign(ill=np.nan)
    scores = task_scores(model, X, rest)
    assert np.isnan(scores["ill"])
    assert scores["mean"] == pytest.approx(np.nanmean([scores[name] for name in y]), rel=1e-12)


def test_columns_are_matched_by_name(mixed):
    X, y = mixed
    model = IndependentTasks(tasks=TYPES).fit(X, y)
    assert task_scores(model, X, y.iloc[:, ::-1]) == task_scores(model, X, y)


def test_a_class_unseen_in_fit_is_a_miss(mixed):
    X, y = mixed
    train = (y["kind"] != "c").to_numpy()
    model = IndependentTasks(tasks=TYPES).fit(X[train], y[train])
    with pytest.raises(ValueError, match="Task 'kind': label 'c' was not seen in fit"):
        model.score(X, y)
    scores = task_scores(model, X, y)
    known = task_scores(model, X[train], y[train])
    assert scores["kind"] < -5 < known["kind"]
    rows = y["kind"].notna().to_numpy()
    proba = np.column_stack([model.predict_proba(X)[2], np.zeros(len(X))])
    expected = d2_log_loss_score(y["kind"][rows].to_list(), proba[rows], labels=["a", "b", "c"])
    assert scores["kind"] == pytest.approx(expected, rel=1e-12)


def test_pipelines_and_searches(mixed):
    X, y = mixed
    scaled = StandardScaler().fit_transform(X)
    expected = task_scores(IndependentTasks(tasks=TYPES).fit(scaled, y), scaled, y)
    model = IndependentTasks(regressor=Ridge(), tasks=TYPES)
    grid = {"regressor__alpha": [1.0]}
    expected_grid = task_scores(model.fit(scaled, y), scaled, y)
    steps = [("scale", StandardScaler()), ("none", "passthrough")]
    pipeline = Pipeline([*steps, ("model", IndependentTasks(tasks=TYPES))]).fit(X, y)
    assert task_scores(pipeline, X, y) == expected
    inner = make_pipeline(StandardScaler(), GridSearchCV(model, grid, cv=2)).fit(X, y)
    assert task_scores(inner, X, y) == expected_grid
    outer = GridSearchCV(
        make_pipeline(StandardScaler(), make_pipeline("passthrough", model)),
        {"pipeline__independenttasks__regressor__alpha": [1.0]},
        cv=2,
    ).fit(X, y)
    assert task_scores(outer, X, y) == expected_grid


def test_as_scoring(mixed):
    X, y = mixed
    y = y.drop(columns="visits")
    search = GridSearchCV(
        IndependentTasks(regressor=Ridge()),
        {"regressor__alpha": [0.1, 1e5]},
        scoring=task_scores,
        refit="mean",
        cv=3,
    ).fit(X, y)
    assert search.best_params_ == {"regressor__alpha": 0.1}
    assert search.best_score_ == search.cv_results_["mean_test_mean"].max()
    for name in y:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()
    result = cross_validate(IndependentTasks(), X, y, scoring=task_scores, cv=3)
    assert set(result) >= {"test_mean", *(f"test_{name}" for name in y)}


def test_classifiers_use_accuracy(mixed):
    X, y = mixed

    class Classes(IndependentTasks):
        _kind = "classification"

    y = y[["ill", "kind"]]
    model = Classes().fit(X, y)
    rows = y["kind"].notna().to_numpy()
    expected = accuracy_score(y["kind"][rows], model.predict(X)[rows, 1])
    assert task_scores(model, X, y)["kind"] == expected


def test_needs_an_estimator_of_this_package():
    X = np.arange(8.0).reshape(-1, 1)
    with pytest.raises(TypeError, match="needs an estimator of skmtl, got Ridge"):
        task_scores(make_pipeline(StandardScaler(), Ridge()).fit(X, X), X, X)


@pytest.mark.parametrize(
    "names, keys",
    [
        (["a", "b"], ["a", "b"]),
        ([0, 1], ["0", "1"]),
        ([3.0, 2.5], ["3", "2.5"]),
        (["mean", "x"], ["'mean'", "x"]),
        (["worst", "mean", "w"], ["'worst'", "'mean'", "w"]),
        ([1, "1"], ["1", "'1'"]),
        (["mean", "'mean'"], ["'mean' [0]", "'mean' [1]"]),
        ([True, 1.5, "", "<script>"], ["True", "1.5", "", "<script>"]),
    ],
)
def test_keys(names, keys):
    assert score_keys(names) == keys


def test_keys_of_awkward_names():
    X = np.random.default_rng(0).normal(size=(20, 2))
    y = pd.DataFrame(np.c_[X, X], columns=pd.Index(["mean", 1, "1", ""], dtype=object))
    scores = task_scores(IndependentTasks().fit(X, y), X, y)
    assert list(scores) == ["mean", "worst", "'mean'", "1", "'1'", ""]
    assert scores["mean"] == pytest.approx(np.mean([scores[k] for k in list(scores)[2:]]))


class TestLongForm:
    @pytest.fixture
    def schools(self):
        rng = np.random.default_rng(0)
        coef = rng.normal(size=3)
        X_list = [rng.normal(size=(n, 3)) for n in (30, 12, 20)]
        y_list = [X @ coef + rng.normal(size=len(X)) for X in X_list]
        return X_list, y_list

    def test_rows_of_each_task(self, schools):
        X, y = stack_tasks(*schools, names=[7, 3, 5])
        shuffled = np.random.default_rng(1).permutation(len(X))
        model = IndependentTasks(task_feature=0).fit(X, y)
        scores = task_scores(model, X[shuffled], y[shuffled])
        assert list(scores) == ["mean", "worst", "3", "5", "7"]
        for name in (3, 5, 7):
            rows = X[:, 0] == name
            expected = r2_score(y[rows], model.predict(X[rows]))
            assert scores[str(name)] == pytest.approx(expected, rel=1e-12)

    def test_unknown_tasks_follow(self, schools):
        X, y = stack_tasks(*schools)
        known = X[:, 0] != 1
        model = IndependentTasks(task_feature=0, unknown_task="shared").fit(X[known], y[known])
        scores = task_scores(model, X, y)
        assert list(scores) == ["mean", "worst", "0", "2", "1"]
        expected = r2_score(y[~known], model.predict(X[~known]))
        assert scores["1"] == pytest.approx(expected, rel=1e-12)
        assert np.isnan(task_scores(model, X[~known], y[~known])["0"])

    def test_leaving_tasks_out(self, schools):
        X, y = stack_tasks(*schools)
        model = IndependentTasks(task_feature=0, unknown_task="shared")
        cv = KFold(2)  # rows of a task are together, so that folds know different tasks
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = cross_validate(model, X, y, scoring=task_scores, cv=cv, error_score="raise")
        assert np.isfinite(result["test_mean"]).all()
        assert set(result) >= {"test_0", "test_1", "test_2"}

    def test_by_name(self, schools):
        frames = [pd.DataFrame(X, columns=["a", "b", "c"]) for X in schools[0]]
        X, y = stack_tasks(frames, schools[1], names=["north", "mean", "east"])
        model = IndependentTasks(task_feature="task", unknown_task="shared")
        model.fit(X[X["task"] != "east"], y[X["task"] != "east"])
        assert list(task_scores(model, X, y)) == ["mean", "worst", "'mean'", "north", "east"]
