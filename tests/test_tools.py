"""Each row of the table of scikit-learn's tools, run: what it takes, and the way out."""

import re

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
    r2_score,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    IndependentTasks,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    make_multitask_scorer,
)
from skmtl.compose import TargetScaler, TaskStacking
from skmtl.inspection import SingleTask
from tests.conftest import ROOT
from tests.registry import ANY_TYPES

matplotlib.use("agg")
N_ROWS = 120
RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(N_ROWS, 3)), columns=list("abc"))
NUMBERS = pd.DataFrame({"u": X["a"] + 0.3 * RNG.normal(size=N_ROWS), "v": X["b"] - X["c"]})
ILL = pd.Series(np.where(X["a"] + RNG.normal(size=N_ROWS) > 0, "yes", "no"), name="ill")
CLASSES = pd.DataFrame({"ill": ILL, "old": np.where(X["b"] > 0, "yes", "no")})
MIXED = pd.DataFrame({"u": NUMBERS["u"], "ill": ILL})
GAPS = np.random.default_rng(1).random((N_ROWS, 2)) < 0.2
EVERY_Y = {
    "numbers": NUMBERS,
    "classes": CLASSES,
    "mixed": MIXED,
    "numbers with gaps": NUMBERS.mask(GAPS),
    "classes with gaps": CLASSES.mask(GAPS),
    "mixed with gaps": MIXED.mask(GAPS),
}
ANY, NUMERIC = MultiTaskLinear(alpha=0.01), MultiTaskLinearRegressor(alpha=0.01)
CLASSIFIER = MultiTaskLinearClassifier(alpha=0.01)


def view(task, y=MIXED):
    """One task of a fit to gaps, and the rows that have its label."""
    gappy = y.mask(GAPS)
    seen = gappy[task].notna()
    return SingleTask(clone(ANY).fit(X, gappy), task), X[seen], gappy[task][seen]


def refuses(call, *errors):
    with pytest.raises(errors or ValueError):
        call()


def cross_val_score_():
    for y in EVERY_Y.values():
        assert np.isfinite(cross_val_score(ANY, X, y, cv=3)).all()
        assert np.isfinite(learning_curve(ANY, X, y, cv=3)[2]).all()
    gappy = EVERY_Y["classes with gaps"]
    refuses(lambda: cross_val_score(CLASSIFIER, X, gappy, cv=3, error_score="raise"), Exception)
    assert np.isfinite(cross_val_score(CLASSIFIER, X, gappy, cv=KFold(3))).all()


def grid_search():
    for y in EVERY_Y.values():
        search = GridSearchCV(ANY, {"alpha": [0.01, 10.0]}, cv=3).fit(X, y)
        assert search.best_params_ == {"alpha": 0.01}


def names_of_scorers():
    scores = cross_val_score(NUMERIC, X, NUMBERS, scoring="r2", cv=3)
    ours = cross_val_score(NUMERIC, X, NUMBERS, scoring=make_multitask_scorer("r2"), cv=3)
    np.testing.assert_allclose(scores, ours)
    auc = {"scoring": "roc_auc", "cv": 3, "error_score": "raise"}
    refuses(lambda: cross_val_score(ANY, X, NUMBERS.mask(GAPS), **auc | {"scoring": "r2"}))
    refuses(lambda: cross_val_score(ANY, X, MIXED, **auc), TypeError, ValueError)
    assert np.isfinite(
        cross_val_score(ANY, X, MIXED.mask(GAPS), scoring=make_multitask_scorer("roc_auc"))
    ).all()


def cross_val_predict_():
    for y in EVERY_Y.values():
        assert cross_val_predict(ANY, X, y, cv=3).shape == (N_ROWS, 2)
    proba = cross_val_predict(ANY, X, CLASSES, cv=3, method="predict_proba")
    assert [p.shape for p in proba] == [(N_ROWS, 2)] * 2
    for name in ("mixed", "mixed with gaps", "classes with gaps", "numbers"):
        with pytest.raises((ValueError, AttributeError)) as raised:
            cross_val_predict(ANY, X, EVERY_Y[name], cv=3, method="predict_proba")
        told = f"{raised.value} {raised.value.__cause__} {getattr(raised.value, '__notes__', '')}"
        assert "Loop over the folds" in told


def permutation_importance_():
    for y in EVERY_Y.values():
        found = permutation_importance(clone(ANY).fit(X, y), X, y, n_repeats=2, random_state=0)
        assert found.importances_mean[0] > 0


def partial_dependence():
    for y in (NUMBERS, NUMBERS.mask(GAPS)):
        model = clone(ANY).fit(X, y)
        for t, slope in enumerate(model.coef_[:, 0]):
            drawn = PartialDependenceDisplay.from_estimator(model, X, ["a"], target=t)
            curve = drawn.pd_results[0]
            rise = np.diff(curve["average"][t]) / np.diff(curve["grid_values"][0])
            np.testing.assert_allclose(rise, slope, atol=1e-9)
    mixed = clone(ANY).fit(X, MIXED.mask(GAPS))
    refuses(lambda: PartialDependenceDisplay.from_estimator(mixed, X, ["a"], target=0))
    for task in MIXED:
        PartialDependenceDisplay.from_estimator(view(task)[0], X, ["a"])


def roc_curves():
    ill, rows, labels = view("ill")
    drawn = RocCurveDisplay.from_estimator(ill, rows, labels)
    assert drawn.roc_auc == roc_auc_score(labels == "yes", ill.predict_proba(rows)[:, 1])
    refuses(lambda: RocCurveDisplay.from_estimator(ill.estimator, X, MIXED))
    RocCurveDisplay.from_estimator(clone(ANY).fit(X, ILL), X, ILL)
    for display in (PrecisionRecallDisplay, DetCurveDisplay, ConfusionMatrixDisplay):
        display.from_estimator(ill, rows, labels)


def calibration_curves():
    ill, rows, labels = view("ill")
    drawn = CalibrationDisplay.from_estimator(ill, rows, labels, n_bins=5)
    np.testing.assert_array_equal(drawn.y_prob, ill.predict_proba(rows)[:, 1])
    refuses(lambda: CalibrationDisplay.from_estimator(ill.estimator, X, MIXED))


def prediction_errors():
    u, rows, labels = view("u")
    drawn = PredictionErrorDisplay.from_estimator(u, rows, labels, subsample=None)
    np.testing.assert_array_equal(drawn.y_pred, u.estimator.predict(rows)[:, 0].astype(float))
    refuses(lambda: PredictionErrorDisplay.from_estimator(u.estimator, X, MIXED), TypeError)


def calibrated_classifiers():
    assert CalibratedClassifierCV(CLASSIFIER, cv=3).fit(X, ILL).predict(X).shape == (N_ROWS,)
    refuses(lambda: CalibratedClassifierCV(CLASSIFIER, cv=3).fit(X, CLASSES))
    ill, rows, labels = view("ill")
    calibrated = CalibratedClassifierCV(FrozenEstimator(ill)).fit(rows, labels)
    order = np.argsort(ill.predict_proba(X)[:, 1])
    # Calibration keeps the order of the probabilities.
    assert (np.diff(calibrated.predict_proba(X)[order, 1]) >= -1e-12).all()


def stacking():
    members = [("ours", NUMERIC), ("theirs", LinearRegression())]
    assert StackingRegressor(members, cv=3).fit(X, NUMBERS["u"]).score(X, NUMBERS["u"]) > 0.5
    refuses(lambda: StackingRegressor(members, cv=3).fit(X, NUMBERS))
    refuses(lambda: StackingRegressor([("ours", ANY)], cv=3).fit(X, NUMBERS["u"]))
    both = [("ours", ANY), ("theirs", LinearRegression())]
    assert TaskStacking(both, cv=3).fit(X, NUMBERS.mask(GAPS)).score(X, NUMBERS) > 0.5


def select_from_model():
    for y in EVERY_Y.values():
        assert 0 < SelectFromModel(ANY).fit(X, y).get_support().sum() <= 3


def rfe():
    for y in (NUMBERS, CLASSES, MIXED):
        assert RFE(ANY, n_features_to_select=2).fit(X, y).support_[0]
    refuses(lambda: RFE(ANY).fit(X, NUMBERS.mask(GAPS)))


def sequential():
    for y in EVERY_Y.values():
        assert SequentialFeatureSelector(ANY, n_features_to_select=1, cv=3).fit(X, y).support_.sum()


def transformed_targets():
    both = TransformedTargetRegressor(NUMERIC, transformer=StandardScaler()).fit(X, NUMBERS)
    assert both.predict(X).shape == (N_ROWS, 2)
    refuses(lambda: TransformedTargetRegressor(NUMERIC).fit(X, NUMBERS.mask(GAPS)))
    assert TargetScaler(ANY).fit(X, MIXED.mask(GAPS)).predict(X).shape == (N_ROWS, 2)


def bagging():
    assert BaggingRegressor(NUMERIC, n_estimators=2).fit(X, NUMBERS).predict(X).shape == (N_ROWS, 2)
    refuses(lambda: BaggingRegressor(NUMERIC, n_estimators=2).fit(X, NUMBERS.mask(GAPS)))


ROWS = {
    "cross_val_score": cross_val_score_,
    "GridSearchCV": grid_search,
    'scoring="r2"': names_of_scorers,
    "cross_val_predict": cross_val_predict_,
    "permutation_importance": permutation_importance_,
    "PartialDependenceDisplay": partial_dependence,
    "RocCurveDisplay": roc_curves,
    "CalibrationDisplay": calibration_curves,
    "PredictionErrorDisplay": prediction_errors,
    "CalibratedClassifierCV": calibrated_classifiers,
    "StackingRegressor": stacking,
    "SelectFromModel": select_from_model,
    "RFE": rfe,
    "SequentialFeatureSelector": sequential,
    "TransformedTargetRegressor": transformed_targets,
    "BaggingRegressor": bagging,
}


def test_every_row_of_the_table_is_here():
    page = (ROOT / "docs/scikit_learn.rst").read_text(encoding="utf-8")
    assert re.findall(r"^   \* - ``(.*)``$", page, re.MULTILINE) == list(ROWS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tool", ROWS)
def test_tools(tool):
    ROWS[tool]()


KINDS = {
    "numbers": (False, True),
    "numbers with gaps": (False, True),
    "classes": (True, False),
    "classes with gaps": (False, False),
    "mixed": (False, False),
    "mixed with gaps": (False, False),
}


@pytest.mark.parametrize("labels", KINDS)
@pytest.mark.parametrize("name", ANY_TYPES)
def test_a_fitted_estimator_says_what_it_is(name, labels):
    model = ANY_TYPES[name]()
    assert (is_classifier(model), is_regressor(model)) == (False, False)
    model.fit(X, EVERY_Y[labels])
    assert (is_classifier(model), is_regressor(model)) == KINDS[labels]
    pipeline = make_pipeline(StandardScaler(), model)
    assert (is_classifier(pipeline), is_regressor(pipeline)) == KINDS[labels]
    # What it was fitted to is not what it learns next.
    again = IndependentTasks(model).fit(X, ILL) if name == "independent" else clone(model)
    assert not is_regressor(again)


def test_strings_beside_numbers_are_no_classes_of_scikit_learn():
    y = CLASSES.assign(old=CLASSES["old"] == "yes")
    model = clone(ANY).fit(X, y)
    assert not is_classifier(model)
    # A fitted estimator is cross-validated as one that is not.
    assert np.isfinite(cross_val_score(model, X, y, cv=3)).all()
    assert is_classifier(clone(ANY).fit(X, y[["old"]]))


def test_one_task():
    gappy = MIXED.mask(GAPS)
    model = make_pipeline(StandardScaler(), clone(ANY)).fit(X, gappy)
    u, ill = SingleTask(model, "u"), SingleTask(model, "ill")
    assert is_regressor(u)
    assert is_classifier(ill)
    assert u.predict(X).dtype == np.float64
    assert (ill.predict(X) == model.predict(X)[:, 1]).all()
    assert (ill.predict_proba(X) == model.predict_proba(X)[1]).all()
    assert ill.classes_.tolist() == ["no", "yes"]
    assert not hasattr(u, "predict_proba")
    assert not hasattr(u, "classes_")
    assert u.n_features_in_ == 3
    assert u.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"There is no task 'il'.*Did you mean 'ill'"):
        SingleTask(model, "il").predict(X)
    with pytest.raises(TypeError, match="needs a fitted estimator of skmtl, got MultiTaskLinear"):
        SingleTask(ANY, "u").predict(X)
    with pytest.raises(TypeError, match="of skmtl, got LinearRegression"):
        SingleTask(LinearRegression().fit(X, NUMBERS), "u").predict(X)
    long = MultiTaskLinear(task_feature="site")
    long.fit(X.assign(site=[0, 1] * (N_ROWS // 2)), NUMBERS["u"])
    with pytest.raises(ValueError, match="in long form the estimator itself has one target"):
        SingleTask(long, 0).predict(X)
    assert r2_score(NUMBERS["u"], u.predict(X)) > 0.5
