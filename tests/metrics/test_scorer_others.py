"""scikit-learn's multi-output estimators against labels with gaps."""

import warnings

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import (
    log_loss,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import make_multitask_scorer


@pytest.mark.parametrize(
    "regressor", [Ridge(), RandomForestRegressor(n_estimators=5, random_state=0)]
)
def test_regressor(regressor, data):
    X, y = data
    y = y[["length", "width"]]
    regressor.fit(X, y)
    gaps = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
    scores = make_multitask_scorer("r2", average=None)(regressor, X, gaps)
    for t, name in enumerate(y):
        rows = gaps[name].notna().to_numpy()
        expected = r2_score(gaps[name][rows], regressor.predict(X)[rows, t])
        assert scores[name] == expected
    complete = make_multitask_scorer("neg_mean_squared_error")(regressor, X, y)
    assert complete == pytest.approx(-mean_squared_error(y, regressor.predict(X)))


@pytest.mark.parametrize(
    "classifier",
    [
        RandomForestClassifier(n_estimators=5, random_state=0),
        MultiOutputClassifier(LogisticRegression()),
        make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())),
    ],
)
def test_classifier(classifier, data):
    X, y = data
    y = y[["ill", "kind"]]
    classifier.fit(X, y)
    gaps = y.mask(np.random.default_rng(2).random(y.shape) < 0.3)
    proba = classifier.predict_proba(X)
    rows = gaps["kind"].notna().to_numpy()
    expected = log_loss(y["kind"][rows], proba[1][rows])
    scores = make_multitask_scorer("neg_log_loss", average=None)(classifier, X, gaps)
    assert scores["kind"] == -expected
    rows = gaps["ill"].notna().to_numpy()
    expected = roc_auc_score(y["ill"][rows], proba[0][rows, 1])
    scores = make_multitask_scorer("roc_auc", average=None)(classifier, X, gaps)
    assert scores["ill"] == expected
    accuracy = make_multitask_scorer("accuracy")(classifier, X, y)
    assert accuracy == pytest.approx((classifier.predict(X) == y).to_numpy().mean())


@pytest.mark.parametrize(
    "classifier",
    [
        RidgeClassifier(),
        ClassifierChain(LogisticRegression()),
        MLPClassifier(hidden_layer_sizes=(4,), max_iter=30, random_state=0),
    ],
)
def test_indicator_classifier(classifier, data):
    X, y = data
    y = np.column_stack([y["ill"], y["kind"] > 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(X, y)
    gaps = np.where(np.random.default_rng(2).random(y.shape) < 0.3, np.nan, y)
    method = "decision_function" if hasattr(classifier, "decision_function") else "predict_proba"
    ranked = getattr(classifier, method)(X)
    scores = make_multitask_scorer("roc_auc", average=None)(classifier, X, gaps)
    for t in range(2):
        rows = ~np.isnan(gaps[:, t])
        assert scores[str(t)] == roc_auc_score(y[rows, t], ranked[rows, t])


def test_wrong_number_of_columns(data):
    X, y = data
    ridge = Ridge().fit(X, y["length"])
    with pytest.raises(ValueError, match=r"array of shape \(120,\), but y has 2 tasks"):
        make_multitask_scorer("r2")(ridge, X, y[["length", "width"]])
