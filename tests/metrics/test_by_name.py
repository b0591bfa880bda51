"""Metrics by the names of tasks are scikit-learn's numbers of just these tasks."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import (
    f1_score,
    make_scorer,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskLinearCV, make_multitask_scorer
from skmtl.inspection import task_importance
from skmtl.metrics import multitask_score
from skmtl.tasks import LabelWarning

METRICS = {"has_pet": "roc_auc", "income": "neg_mean_absolute_error"}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    y = pd.DataFrame(
        {
            "income": 100 * X[:, 0] + 10 * rng.normal(size=90),
            "has_pet": np.where(X[:, 1] + rng.normal(size=90) > 0, "yes", "no"),
            "region": np.digitize(X[:, 2], [-0.5, 0.5]).astype(str),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.3)


def expected(model, X, y):
    pet, money = y["has_pet"].notna(), y["income"].notna()
    return {
        "has_pet": roc_auc_score(y["has_pet"][pet], model.predict_proba(X[pet])[1][:, 1]),
        "income": -mean_absolute_error(y["income"][money], model.predict(X[money])[:, 0]),
    }


def test_each_task_has_its_metric(data):
    X, y = data
    model = IndependentTasks().fit(X, y)
    scores = make_multitask_scorer(METRICS, average=None)(model, X, y)
    found = expected(model, X, y)
    assert scores == pytest.approx(
        {**found, "mean": np.mean(list(found.values())), "worst": found["income"]}
    )
    assert make_multitask_scorer(METRICS)(model, X, y) == pytest.approx(scores["mean"])
    assert make_multitask_scorer(METRICS, task="income")(model, X, y) == scores["income"]
    weighted = make_multitask_scorer(METRICS, average="weighted", task_weight={"income": 0.0})
    assert weighted(model, X, y) == scores["has_pet"]
    with pytest.raises(ValueError, match="Task 'region' is multiclass, which metric="):
        make_multitask_scorer(METRICS, task="region")(model, X, y)


def test_a_list_goes_by_position(data):
    X, y = data
    model = IndependentTasks().fit(X, y)
    by_name = make_multitask_scorer(METRICS, average=None)(model, X, y)
    listed = make_multitask_scorer(["neg_mean_absolute_error", "roc_auc", None], average=None)
    assert listed(model, X, y) == by_name
    with pytest.raises(ValueError, match=r"metric has 2 entries, but there are 3 tasks"):
        make_multitask_scorer(["r2", "roc_auc"])(model, X, y)


def test_several_metrics_of_a_task(data):
    X, y = data
    model = IndependentTasks().fit(X, y)
    root = make_scorer(mean_squared_error, greater_is_better=False)
    metrics = {"income": ["r2", root], "has_pet": "roc_auc"}
    scores = make_multitask_scorer(metrics, average=None)(model, X, y)
    seen = y["income"].notna()
    pair = y["income"][seen].astype(float), model.predict(X[seen])[:, 0].astype(float)
    assert scores["income r2"] == r2_score(*pair)
    assert scores["income mean_squared_error"] == -mean_squared_error(*pair)
    assert list(scores) == ["mean", "worst", "income r2", "income mean_squared_error", "has_pet"]
    with pytest.raises(ValueError, match=r"several metrics of one task.*use average=None"):
        make_multitask_scorer(metrics)
    with pytest.raises(ValueError, match="several metrics of a task; expected one"):
        task_importance(model, X, y, scoring=make_multitask_scorer(metrics, average=None))


def test_names_go_before_types(data):
    X, y = data
    model = IndependentTasks().fit(X, y)
    metrics = {"classification": "accuracy", "has_pet": "roc_auc"}
    scores = make_multitask_scorer(metrics, average=None)(model, X, y)
    assert list(scores) == ["mean", "worst", "has_pet", "region"]
    assert scores["has_pet"] == expected(model, X, y)["has_pet"]
    seen = y["region"].notna()
    assert scores["region"] == np.mean(model.predict(X[seen])[:, 2] == y["region"][seen])


WRONG = [
    ({"has_pets": "roc_auc"}, r"metric names 'has_pets'.*\['income', 'has_pet'.*mean 'has_pet'"),
    ({"regresion": "r2"}, "metric names 'regresion'.*Did you mean 'regression'"),
    ({"income": "roc_auc"}, "Task 'income' is regression, but its metric 'roc_auc_score' is for"),
    ({"region": "f1"}, "Task 'region' has 3 classes.*'f1_score' is for two.*'f1_macro'"),
]


@pytest.mark.parametrize(("metrics", "message"), WRONG)
def test_errors_say_which_name(data, metrics, message):
    X, y = data
    model = IndependentTasks().fit(X, y)
    with pytest.raises(ValueError, match=message):
        make_multitask_scorer(metrics)(model, X, y)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("mae", "neg_mean_absolute_error"),
        ("RMSE", "neg_root_mean_squared_error"),
        ("neg_rmse", "neg_root_mean_squared_error"),
        ("AUC", "roc_auc"),
        ("mean_squared_error", "neg_mean_squared_error"),
        ("auc", "roc_auc"),
        ("acc", "accuracy"),
        ("logloss", "neg_log_loss"),
        ("f1_score", "f1"),
        ("roc_auc_score", "roc_auc"),
    ],
)
def test_short_names_of_metrics_are_understood_well_enough_to_be_told(asked, meant):
    message = f"metric='{asked}' is no metric of scikit-learn. Did you mean '{meant}'"
    with pytest.raises(ValueError, match=message):
        make_multitask_scorer({"income": asked})


@pytest.mark.parametrize("task", ["yes", "word", "size"])
@pytest.mark.parametrize("seen_in", [slice(0, 40), slice(80, 120)])
def test_a_task_that_a_fold_has_no_label_of(task, seen_in):
    """Its type is known in some folds alone; keys are those of the metric in each of them."""
    X = np.random.default_rng(0).normal(size=(120, 3))
    word = np.where(X[:, 2] > 0, "a", "b")
    y = pd.DataFrame({"yes": X[:, 1] > 0, "word": word, "size": X[:, 2], "full": X[:, 0] > 0})
    y = y.astype({"yes": object, "word": object})
    y.loc[np.delete(np.arange(120), seen_in), task] = np.nan
    metric = "r2" if task == "size" else "roc_auc"
    expected = {"size"} if task == "size" else {"yes", "word", "full"}
    for metrics in (metric, dict.fromkeys(expected, metric), {task: metric}):
        scoring = make_multitask_scorer(metrics, average=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabelWarning)
            found = cross_validate(
                IndependentTasks(), X, y, cv=KFold(3), scoring=scoring, error_score="raise"
            )
        keys = {key[5:] for key in found if key.startswith("test_")} - {"mean", "worst"}
        assert keys == (set(metrics) if isinstance(metrics, dict) else expected)
        assert np.isnan(found[f"test_{task}"]).all()


def test_a_guess_from_few_labels_refuses_no_metric_of_a_named_task():
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = pd.DataFrame({"visits": np.arange(40) % 5.0, "size": X[:, 0]})
    y.loc[:19, "visits"] = np.nan
    y.loc[20:, "visits"] %= 2
    with pytest.warns(LabelWarning, match="visits"):
        model = MultiTaskLinear().fit(X[:20], y[:20])
    scoring = make_multitask_scorer({"visits": "r2", "size": "r2"}, average=None)
    scores = scoring(model, X[20:], y[20:])
    assert np.isnan(scores["visits"]) and np.isfinite(scores["size"])


def test_searches(data):
    X, y = data
    folds = KFold(3, shuffle=True, random_state=0)
    grid = {"alpha": [0.001, 100.0]}
    one = GridSearchCV(MultiTaskLinear(), grid, scoring=make_multitask_scorer(METRICS), cv=folds)
    assert one.fit(X, y).best_params_ == {"alpha": 0.001}
    several = GridSearchCV(
        MultiTaskLinear(),
        grid,
        scoring=make_multitask_scorer(METRICS, average=None),
        refit="income",
        cv=folds,
    ).fit(X, y)
    for train_test, fold in zip(folds.split(X), range(3), strict=True):
        train, test = train_test
        model = MultiTaskLinear(alpha=0.001).fit(X[train], y.iloc[train])
        for name, score in expected(model, X[test], y.iloc[test]).items():
            assert several.cv_results_[f"split{fold}_test_{name}"][0] == pytest.approx(score)
    np.testing.assert_allclose(
        several.cv_results_["mean_test_mean"], one.cv_results_["mean_test_score"]
    )
    named = {"pet": make_multitask_scorer("roc_auc", task="has_pet"), "all": one.scoring}
    assert {"test_pet", "test_all"} < set(
        cross_validate(MultiTaskLinear(), X, y, scoring=named, cv=folds)
    )
    own = MultiTaskLinearCV(alphas=[0.001, 100.0], cv=3, scoring=make_multitask_scorer(METRICS))
    assert own.fit(X, y).alpha_ == 0.001


def test_pickled_and_cloned(data):
    X, y = data
    model = IndependentTasks().fit(X, y)
    scorer = make_multitask_scorer(METRICS, average=None)
    for same in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
        assert same(model, X, y) == scorer(model, X, y)


def test_arrays(data):
    X, y = data
    model = IndependentTasks().fit(X, y)
    predicted = [model.predict(X)[:, 0].astype(float), *model.predict_proba(X)[1:]]
    found = multitask_score(y, predicted, METRICS, tasks=model.tasks_, average=None)
    assert found == pytest.approx(expected(model, X, y))
    with pytest.raises(ValueError, match=r"metric names 'incone'.*Did you mean 'income'"):
        multitask_score(y, predicted, {"incone": "r2"})


def test_tasks_of_long_form(data):
    X, y = data
    seen = y["income"].notna()
    X = pd.DataFrame(X[seen], columns=list("abc"))
    X["site"] = np.where(np.arange(len(X)) % 2, "s", "n")
    y = y["income"][seen].to_numpy(dtype=float)
    model = IndependentTasks(task_feature="site").fit(X, y)
    scores = make_multitask_scorer({"s": "r2"}, average=None)(model, X, y)
    south = X["site"] == "s"
    assert scores["s"] == r2_score(y[south], model.predict(X[south]))
    assert list(scores) == ["mean", "worst", "s"]


def test_a_function_of_its_own(data):
    X, y = data
    model = IndependentTasks().fit(X, y)
    scorer = make_multitask_scorer({"region": make_scorer(f1_score, average="macro")})
    seen = y["region"].notna()
    truth, predicted = y["region"][seen].tolist(), model.predict(X[seen])[:, 2].tolist()
    assert scorer(model, X, y) == f1_score(truth, predicted, average="macro")
