"""The scorer as an object, and in the tools of scikit-learn."""

import pickle

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import IndependentTasks, make_multitask_scorer


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
