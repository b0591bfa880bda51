"""Probabilities beside shares: the bins of every task, and which are off by more than chance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binomtest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskLinear, MultiTaskLinearClassifier
from skmtl.inspection import TaskCalibrationDisplay
from skmtl.metrics import CalibrationCurve, task_calibration_curve


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    raw = X @ rng.normal(size=(3, 2)) + rng.logistic(size=(300, 2))
    Y = np.column_stack([np.where(raw[:, 0] > 0, "yes", "no"), np.digitize(raw[:, 1], [-1, 1])])
    Y = np.where(rng.random(Y.shape) < 0.3, None, Y.astype(object))
    return X, np.column_stack([Y, X[:, 0]])


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_bins_are_those_of_the_metric(data, strategy):
    X, Y = data
    model = make_pipeline(StandardScaler(), MultiTaskLinear(alpha=0.01)).fit(X[:150], Y[:150])
    weight = np.random.default_rng(1).integers(0, 3, size=(150, 3))
    display = TaskCalibrationDisplay.from_estimator(
        model, X[150:], Y[150:], n_bins=4, strategy=strategy, sample_weight=weight
    )
    assert display.task_names == [0, 1]
    proba = model.predict_proba(X[150:])
    curves = task_calibration_curve(
        Y[150:, :2],
        proba[:2],
        n_bins=4,
        strategy=strategy,
        tasks=model[-1].tasks_[:2],
        sample_weight=weight[:, :2],
    )
    for drawn, expected in zip(display.curves, curves.values(), strict=True):
        assert_allclose(drawn.predicted, expected.predicted)
        assert_allclose(drawn.observed, expected.observed)
        assert_allclose(drawn.count, expected.count)


def test_intervals_are_those_of_shares():
    curve = CalibrationCurve(
        np.array([0.05, 0.3, 0.9]), np.array([0.0, 0.5, 0.8]), np.array([20.0, 100.0, 30.0])
    )
    display = TaskCalibrationDisplay([curve], task_names=["rain"]).plot()
    ends = [segment[:, 1] for segment in display.intervals_[0].get_segments()]
    for share, n, drawn in zip(curve.observed, curve.count, ends, strict=True):
        found = binomtest(round(share * n), int(n)).proportion_ci(0.95, method="wilson")
        assert_allclose(drawn, found, atol=1e-12)
    assert display.points_[0]["off"].get_xdata().tolist() == [0.3]
    assert display.points_[0]["as predicted"].get_xdata().tolist() == [0.05, 0.9]
    assert display.ax_.get_title().startswith("rain\npredicted 38.7 %\ntrue 49.3 % (")


def test_of_many_tasks_each_is_a_point():
    curve = CalibrationCurve(np.array([0.2, 0.6]), np.array([0.3, 0.5]), np.array([30.0, 10.0]))
    empty = CalibrationCurve(*np.zeros((3, 0)))
    display = TaskCalibrationDisplay([*[curve] * 13, empty]).plot()
    assert len(display.axes_) == 1
    assert_allclose(display.points_[0]["as predicted"].get_xdata(), np.full(13, 0.3))
    assert_allclose(display.points_[0]["as predicted"].get_ydata(), np.full(13, 0.35))


def test_a_task_without_labels_says_so():
    display = TaskCalibrationDisplay([CalibrationCurve(*np.zeros((3, 0)))]).plot()
    assert [text.get_text() for text in display.ax_.texts] == ["no label"]


def test_says_what_has_probabilities(data):
    X, Y = data
    numbers = MultiTaskLinear().fit(X, X[:, :2])
    with pytest.raises(ValueError, match="MultiTaskLinear does not predict prob"):
        TaskCalibrationDisplay.from_estimator(numbers, X, X[:, :2])
    model = MultiTaskLinearClassifier().fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="n_bins=0"):
        TaskCalibrationDisplay.from_estimator(model, X, Y[:, 0], n_bins=0)
    with pytest.raises(ValueError, match="StandardScaler does not predict probabilities"):
        TaskCalibrationDisplay.from_estimator(StandardScaler().fit(X), X, Y)
