"""Labels missing depending on X: weighted fits are nearer to those of all rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

from skmtl import (
    ConformalTasks,
    IndependentTasks,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    PropensityWeighted,
)
from skmtl.tasks import LabelWarning
from skmtl.uncertainty import propensity_weights

LINE = MultiTaskLinear("l2", alpha=1e-8, tol=1e-10)
LOGISTIC = MultiTaskLinearClassifier("l2", alpha=1e-3)


def draw(n=1000, n_tasks=2, seed=0, strength=1.5):
    """A parabola, of which labels are seen where x is large; all labels; the propensity."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    whole = X[:, [0]] ** 2 + X[:, [1]] + rng.normal(size=(n, n_tasks))
    propensity = 1 / (1 + np.exp(-strength * X[:, [0]])) * np.ones(n_tasks)
    return X, np.where(rng.random(whole.shape) < propensity, whole, np.nan), whole, propensity


def test_the_bias_is_smaller():
    bias = np.zeros((4, 2))
    for seed in range(4):
        X, Y, whole, _ = draw(seed=seed)
        best = clone(LINE).fit(X, whole).coef_
        for k, model in enumerate((LINE, PropensityWeighted(LINE))):
            fitted = clone(model).fit(X, Y)
            bias[seed, k] = abs(getattr(fitted, "estimator_", fitted).coef_ - best).mean()
    assert (bias[:, 1] < 0.6 * bias[:, 0]).all()


def test_means_are_those_of_all_rows():
    X, Y, whole, _ = draw(4000)
    weights = propensity_weights(X, Y)
    means = [
        np.average(Y[known, t], weights=weights[known, t]) for t, known in enumerate(~np.isnan(Y).T)
    ]
    truth = whole.mean(axis=0)
    features = (weights[:, :1] * X).sum(axis=0) / weights[:, 0].sum()
    assert abs(features[0] - X[:, 0].mean()) < 0.25 * abs(X[~np.isnan(Y[:, 0]), 0].mean())
    assert abs(means - truth).max() < 0.3


def test_weights_are_those_of_the_true_propensities():
    X, Y, _, propensity = draw(4000, strength=1.0)
    weights = propensity_weights(X, Y)
    observed = ~np.isnan(Y)
    for t in range(2):
        true = 1 / propensity[observed[:, t], t]
        found = weights[observed[:, t], t]
        assert np.corrcoef(np.log(found), np.log(true))[0, 1] > 0.98
        np.testing.assert_allclose(found.mean(), 1.0, rtol=0.02)
    assert (weights[~observed] == 0).all()


def test_no_label_counts_more_than_the_root_of_their_number():
    X, Y, _, _ = draw(1000, strength=8.0)
    model = PropensityWeighted(LINE).fit(X, Y)
    n_labels = (~np.isnan(Y)).sum(axis=0)
    assert (model.label_weights_.max(axis=0) <= np.sqrt(n_labels)).all()
    assert model.label_weights(X - 9).max(axis=0) == pytest.approx(np.sqrt(n_labels))


def test_complete_labels_have_no_weights():
    X, _, whole, _ = draw(100)
    model = PropensityWeighted(LINE).fit(X, whole)
    assert model.propensity_ is None
    assert (model.label_weights_ == 1.0).all()
    assert (model.predict(X) == clone(LINE).fit(X, whole).predict(X)).all()


def test_only_tasks_with_gaps_are_weighted():
    X, Y, whole, _ = draw(300)
    Y = np.column_stack([whole[:, 0], Y[:, 1]])
    model = PropensityWeighted(LINE).fit(X, Y)
    assert (model.label_weights_[:, 0] == 1.0).all()
    assert len(model.propensity_.task_names_in_) == 1
    assert model.label_weights_[:, 1].std() > 0.3


def test_weights_of_the_user_are_multiplied():
    X, Y, _, _ = draw(300)
    weight = np.random.default_rng(1).uniform(0.5, 2, Y.shape)
    model = PropensityWeighted(LINE).fit(X, Y, sample_weight=weight)
    expected = clone(LINE).fit(X, Y, sample_weight=weight * propensity_weights(X, Y))
    np.testing.assert_allclose(model.estimator_.coef_, expected.coef_, rtol=1e-6)


def test_weight_zero_is_no_label():
    X, Y, _, _ = draw(300)
    weight = np.random.default_rng(0).integers(0, 2, Y.shape).astype(float)
    one = PropensityWeighted(LINE).fit(X, np.where(weight > 0, Y, np.nan))
    given = np.where(np.isnan(Y), 0.0, weight)
    other = PropensityWeighted(LINE).fit(X, np.nan_to_num(Y, nan=9.0), sample_weight=given)
    np.testing.assert_array_equal(one.estimator_.coef_, other.estimator_.coef_)


def test_long_form():
    X, Y, whole, _ = draw(600)
    n, n_tasks = Y.shape
    rows, tasks = np.divmod(np.arange(n * n_tasks), n_tasks)
    X_long = np.column_stack([X[rows], tasks])
    options = {"task_feature": 2, "unknown_task": "shared"}
    model = PropensityWeighted(LINE, LOGISTIC, **options).fit(X_long, Y.ravel())
    assert model.label_weights_.shape == (n * n_tasks,)
    assert (model.label_weights_[np.isnan(Y.ravel())] == 0).all()
    best, plain = (clone(LINE).fit(X, y).coef_[:, 0] for y in (whole, Y))
    found = model.estimator_.coef_[:, 0]
    assert (abs(found - best) < 0.6 * abs(plain - best)).all()
    new = np.column_stack([X, np.full(n, 7)])
    assert (model.label_weights(new) > 0).all()
    assert np.isfinite(model.predict(new)).all()


def test_other_models_of_missingness():
    """Labels are seen where x is far from 0, which no line tells."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 1))
    whole = X[:, 0] ** 2 + 0.1 * rng.normal(size=2000)
    y = np.where(rng.random(2000) < np.where(abs(X[:, 0]) > 1, 0.9, 0.1), whole, np.nan)
    forest = RandomForestClassifier(50, min_samples_leaf=20, random_state=0)
    bias = []
    for weights in (np.ones(2000), propensity_weights(X, y), propensity_weights(X, y, forest)):
        known = ~np.isnan(y)
        bias.append(abs(np.average(y[known], weights=weights[known]) - whole.mean()))
    assert bias[2] < 0.2 * bias[0]
    assert bias[1] > 0.7 * bias[0]


def test_mixed_types_and_probabilities():
    X, Y, _, _ = draw(300)
    y = pd.DataFrame({"number": Y[:, 0], "yes": np.where(Y[:, 1] > 1, "yes", "no")})
    y.loc[np.isnan(Y[:, 1]), "yes"] = None
    model = PropensityWeighted(MultiTaskLinear("l2", alpha=0.01)).fit(X, y)
    expected = MultiTaskLinear("l2", alpha=0.01).fit(X, y, sample_weight=model.label_weights_)
    assert (model.predict(X)[:, 1] == expected.predict(X)[:, 1]).all()
    np.testing.assert_allclose(model.predict_proba(X)[1], expected.predict_proba(X)[1], rtol=1e-6)


def test_scikit_learns_estimator_sparse_search_pickle():
    X, Y, _, _ = draw(200)
    model = PropensityWeighted(LinearRegression()).fit(X, Y)
    expected = IndependentTasks(LinearRegression()).fit(X, Y, sample_weight=model.label_weights_)
    np.testing.assert_allclose(model.predict(X), expected.predict(X))
    thin = PropensityWeighted(LINE).fit(sparse.csr_array(X), Y)
    np.testing.assert_allclose(thin.predict(X), PropensityWeighted(LINE).fit(X, Y).predict(X), 1e-5)
    model = PropensityWeighted(LINE, LOGISTIC)
    search = GridSearchCV(model, {"estimator__alpha": [1e-8, 1.0]}, cv=2)
    again = pickle.loads(pickle.dumps(search.fit(X, Y)))
    assert (again.predict(X) == search.predict(X)).all()
    np.testing.assert_array_equal(
        again.best_estimator_.label_weights(X), search.best_estimator_.label_weights(X)
    )


def test_a_task_without_labels_and_few_rows():
    X, Y, _, _ = draw(100)
    Y[:, 1] = np.nan
    with pytest.warns(LabelWarning, match="Task 1: no observed label"):
        model = PropensityWeighted(LINE).fit(X, Y)
    assert (model.label_weights_[:, 1] == 0).all()
    assert np.isnan(model.predict(X)[:, 1]).all()
    few = PropensityWeighted(LINE, LOGISTIC).fit(X[:3], [1.0, np.nan, 2.0])
    assert np.isfinite(few.predict(X)).all()


def test_intervals_cover_labels_that_are_not_seen():
    """Noise is large where labels are seldom seen."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 1))
    whole = X[:, 0] + rng.normal(size=3000) * np.exp(-0.7 * X[:, 0])
    y = np.where(rng.random(3000) < 1 / (1 + np.exp(-1.5 * X[:, 0])), whole, np.nan)
    weights, of_new = propensity_weights(X, y, X_new=X)
    missing = np.isnan(y)
    coverage = []
    for w, w_new in ((None, None), (weights, of_new)):
        model = ConformalTasks(LINE, "split", cv=2).fit(X, y, sample_weight=w)
        ends = model.predict_interval(X, coverage=0.9, sample_weight=w_new)
        inside = (ends[:, 0] <= whole) & (whole <= ends[:, 1])
        coverage.append(inside.mean())
        assert missing.sum() > 1000
    assert coverage[0] < 0.84
    assert coverage[1] == pytest.approx(0.9, abs=0.03)
