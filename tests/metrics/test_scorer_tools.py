"""The scorer as an object, and in the tools of scikit-learn."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import IndependentTasks, make_multitask_scorer
from skmtl.model_selection import MultiTaskKFold


def test_clone_pickle_repr(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    scorer = make_multitask_scorer({"regression": "r2", "binary": "roc_auc"}, average="worst")
    for twin in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
        assert twin(model, X, y) == scorer(model, X, y)
    assert "roc_auc" in repr(scorer)
    assert "worst" in repr(scorer)


def test_search(data, types):
    X, y = data
    y = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
    model = make_pipeline(StandardScaler(), IndependentTasks(regressor=Ridge(), tasks=types))
    grid = {"independenttasks__regressor__alpha": [1.0, 1e5]}
    scorer = make_multitask_scorer("r2")
    search = GridSearchCV(model, grid, scoring=scorer, cv=3, n_jobs=2).fit(X, y)
    assert search.best_params_ == {"independenttasks__regressor__alpha": 1.0}
    each = make_multitask_scorer("r2", average=None)
    several = GridSearchCV(model, grid, scoring=each, refit="mean", cv=3).fit(X, y)
    assert (several.cv_results_["mean_test_mean"] == search.cv_results_["mean_test_score"]).all()
    assert {"mean_test_length", "mean_test_width"} <= set(several.cv_results_)
    assert scorer(search, X, y) == scorer(search.best_estimator_, X, y)
    named = {"r2": scorer, "auc": make_multitask_scorer("roc_auc")}
    result = cross_validate(model, X, y, scoring=named, cv=3)
    assert np.isfinite(result["test_r2"]).all()
    assert np.isfinite(result["test_auc"]).all()


@pytest.mark.parametrize("metric", ["r2", None])
@pytest.mark.parametrize("as_frame", [True, False])
def test_one_task_by_its_name(as_frame, metric, data, types):
    X, y = data
    y = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
    model = IndependentTasks(tasks=types if as_frame else list(types.values()))
    y = y if as_frame else y.to_numpy()
    model.fit(X, y)
    every = make_multitask_scorer(metric, average=None)(model, X, y)
    for name, key in (("width", "width"),) if as_frame else ((1, "1"), ("1", "1")):
        scorer = make_multitask_scorer(metric, task=name)
        for twin in (scorer, clone(scorer), pickle.loads(pickle.dumps(scorer))):
            assert twin(model, X, y) == every[key]


def test_one_task_in_long_form_and_in_a_search():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([3.0, 7.0], 30), rng.normal(size=(60, 2))])
    y = X[:, 1] * np.where(X[:, 0] == 3, 1.0, -1.0) + rng.normal(size=60)
    model = IndependentTasks(Ridge(), task_feature=0).fit(X, y)
    of_seven = X[:, 0] == 7
    for name in (7, 7.0, "7"):
        score = make_multitask_scorer("r2", task=name)(model, X, y)
        assert score == r2_score(y[of_seven], model.predict(X[of_seven]))
    search = GridSearchCV(
        model,
        {"estimator__alpha": [1.0, 1e3]},
        scoring={k: make_multitask_scorer("r2", task=k) for k in ("3", "7")},
        refit="7",
        cv=MultiTaskKFold(3, task_feature=0),
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_3"]).all()
    assert search.best_params_ == {"estimator__alpha": 1.0}


def test_a_task_that_is_not_there(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    message = (
        r"no task 'widht'; the tasks are \['length', 'width', 'ill', 'kind'\]. Did you mean 'wid"
    )
    with pytest.raises(ValueError, match=message):
        make_multitask_scorer("r2", task="widht")(model, X, y)
    with pytest.raises(ValueError, match="Task 'ill' is binary, which metric='r2' is not for"):
        make_multitask_scorer("r2", task="ill")(model, X, y)
    with pytest.raises(ValueError, match="average='worst' has no use with task='ill'"):
        make_multitask_scorer("accuracy", task="ill", average="worst")


def test_sample_weight_reaches_it(data, types):
    X, y = data
    weight = np.random.default_rng(1).uniform(0.5, 2, size=y.shape)
    seen = []

    def r2(y_true, y_pred, sample_weight=None):
        seen.append(sample_weight is not None)
        return r2_score(y_true, y_pred, sample_weight=sample_weight)

    scorer = make_multitask_scorer({"regression": r2})
    model = IndependentTasks(regressor=Ridge(), tasks=types)
    if hasattr(GridSearchCV, "_check_scorers_accept_sample_weight"):
        GridSearchCV(model, {"regressor__alpha": [1.0]}, scoring=scorer, cv=2).fit(
            X, y, sample_weight=weight
        )
        assert seen
        assert all(seen)
    seen.clear()
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            model.set_fit_request(sample_weight=True),
            {"regressor__alpha": [1.0]},
            scoring=scorer.set_score_request(sample_weight=True),
            cv=2,
        )
        search.fit(X, y, sample_weight=weight)
    assert seen
    assert all(seen)


def test_cross_val_score(data, types):
    X, y = data
    scores = cross_val_score(
        IndependentTasks(tasks=types), X, y, scoring=make_multitask_scorer("r2"), cv=4
    )
    assert (scores > 0.5).all()
