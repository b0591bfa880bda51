"""Displays of predicted intervals: every label with its own, and the share inside by task."""

import re

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import ConformalTasks, MultiTaskBayesianLinear, MultiTaskLinear, MultiTaskReport
from skmtl.inspection import IntervalCoverageDisplay, TaskPredictionDisplay
from skmtl.inspection._intervals import covered
from skmtl.tasks import LabelWarning


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    Y = X @ rng.normal(size=(3, 3)) + rng.normal(size=(120, 3))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y


def shares(model, X, Y, coverage):
    """By hand."""
    low, high = np.moveaxis(model.predict_interval(X, coverage), -1, 0)
    inside = (low <= Y) & (high >= Y)
    return [inside[np.isfinite(y), t].mean() for t, y in enumerate(Y.T)]


def test_predictions_are_drawn_with_their_intervals(data):
    X, Y = data
    model = MultiTaskBayesianLinear().fit(X[:60], Y[:60])
    display = TaskPredictionDisplay.from_estimator(model, X[60:], Y[60:], coverage=0.5)
    expected = shares(model, X[60:], Y[60:], 0.5)
    assert_allclose([task.covered for task in display.predicted], expected)
    intervals = model.predict_interval(X[60:], 0.5)
    for t, panel in enumerate(display.axes_):
        assert f"{100 * expected[t]:.0f} % inside" in panel.get_title()
        (lines,) = (c for c in panel.collections if isinstance(c, LineCollection))
        drawn = np.array([segment[:, 1] for segment in lines.get_segments()])
        assert_allclose(drawn, intervals[np.isfinite(Y[60:, t]), t])


@pytest.mark.parametrize("coverage", [None, 0.9])
def test_without_intervals_there_are_no_lines(data, coverage):
    X, Y = data
    model = (MultiTaskBayesianLinear() if coverage is None else MultiTaskLinear()).fit(X, Y)
    display = TaskPredictionDisplay.from_estimator(model, X, Y, coverage=coverage)
    assert "inside" not in display.ax_.get_title()
    assert not any(isinstance(c, LineCollection) for c in display.ax_.collections)


def test_coverage_of_every_task(data):
    X, Y = data
    Y[:, 2] *= np.where(np.arange(120) < 60, 1.0, 8.0)
    model = make_pipeline(StandardScaler(), MultiTaskBayesianLinear()).fit(X[:60], Y[:60])
    display = IntervalCoverageDisplay.from_estimator(model, X[60:], Y[60:])
    Z = model[0].transform(X[60:])
    assert_allclose(display.covered, shares(model[-1], Z, Y[60:], 0.9))
    assert display.n_labels.tolist() == np.isfinite(Y[60:]).sum(axis=0).tolist()
    assert display.order_[0] == 2
    assert display.points_["too few"].get_xdata().tolist() == [display.covered[2]]


def test_long_form_and_tasks_of_few_labels():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(60, 2)), np.arange(60) % 3])
    y = X[:, 0] + rng.normal(size=60)
    y[X[:, 2] == 1] = np.nan
    model = MultiTaskBayesianLinear(task_feature=2).fit(X, np.where(X[:, 2] == 1, 0.0, y))
    display = IntervalCoverageDisplay.from_estimator(model, X, y)
    assert display.n_labels.tolist() == [20, 0, 20]
    assert np.isnan(display.covered).tolist() == [False, True, False]


def test_says_what_predicts_intervals(data):
    with pytest.raises(ValueError, match="MultiTaskLinear does not predict intervals"):
        IntervalCoverageDisplay.from_estimator(MultiTaskLinear().fit(*data), *data)


def test_covered_counts_labels_with_an_interval():
    interval = np.array([[0.0, 1.0], [0.0, 1.0], [np.nan, np.nan], [-np.inf, np.inf]])
    labels = np.array([0.5, 2.0, 0.5, 9.0])
    assert covered(labels, interval) == (pytest.approx(2 / 3), 3)
    assert covered(labels, interval, np.array([1.0, 3.0, 1.0, 0.0])) == (0.25, 3)
    assert np.isnan(covered(labels[:1], interval[2:3])[0])


def test_the_report_draws_intervals_that_miss_their_label_stronger():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = X[:, 0] + rng.standard_t(3, size=60)
    model = MultiTaskBayesianLinear()
    html = MultiTaskReport(model, X, y).to_html()
    low, high = model.fit(X, y).predict_interval(X).T
    found = re.findall(r'd="([^"]*)" class="(whisker[^"]*)"', html)
    drawn = {look: path.count("M") for path, look in found}
    n_missed = int(((y < low) | (y > high)).sum())
    assert drawn == {"whisker": n_missed, "whisker faint": 60 - n_missed}


@pytest.mark.parametrize("cv", [None, 3])
def test_the_report_has_them_where_the_estimator_does(data, cv):
    with_them = MultiTaskReport(MultiTaskBayesianLinear(), *data, cv=cv).to_html()
    assert with_them.count("Covered by intervals") == 3
    assert with_them.count("whisker faint") >= 3
    assert "Lines are intervals of 90" in with_them
    assert "Covered by intervals" not in MultiTaskReport(MultiTaskLinear(), *data, cv=cv).to_html()


def test_tasks_of_classes_have_no_intervals_though_they_have_labels(data):
    X, Y = data
    Y = np.column_stack([Y[:, 0], X[:, 0] > 0, np.full(len(X), np.nan)])
    model = ConformalTasks(MultiTaskLinear(), tasks=["regression", "binary", "regression"])
    with pytest.warns(LabelWarning, match="Task 2: no observed label"):
        model.fit(X, Y)
    display = IntervalCoverageDisplay.from_estimator(model, X, Y)
    assert display.n_labels.tolist() == [np.isfinite(Y[:, 0]).sum(), 120, 0]
    assert np.isnan(display.covered).tolist() == [False, True, True]
    assert [text.get_text() for text in display.ax_.texts] == [" no interval", " no label"]
    assert sum(len(points.get_xdata()) for points in display.points_.values()) == 1
