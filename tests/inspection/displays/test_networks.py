"""Displays of the training of a network: losses and weights."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import IndependentTasks, MultiTaskMLP
from skmtl.datasets import make_multitask_regression
from skmtl.inspection.displays import TaskLearningCurveDisplay, TaskWeightDisplay
from tests.inspection.displays.conftest import make_losses
from tests.neural.conftest import PLAIN


def fit_network(**parameters):
    X, y = make_multitask_regression(120, 5, n_tasks=3, n_informative=5, noise=2.0, random_state=0)
    y[::4, 1] = np.nan
    network = MultiTaskMLP((16,), learning_rate_init=0.02, random_state=0).set_params(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(X, y)


def ydata(lines):
    return np.column_stack([line.get_ydata() for line in lines])


@pytest.mark.parametrize("kind", ["panels", "overlay"])
def test_curves_are_losses_over_the_first(kind):
    loss, validation = make_losses(5), 1.5 * make_losses(5, seed=1)
    display = TaskLearningCurveDisplay(loss, validation_loss=validation).plot(kind=kind)
    np.testing.assert_allclose(ydata(display.lines_), loss / loss[0])
    # By the same number, so that both can be compared.
    np.testing.assert_allclose(ydata(display.validation_lines_), validation / loss[0])
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), np.arange(1, 21))
    assert len(display.axes_) == (5 if kind == "panels" else 2)


def test_many_tasks_share_their_axes():
    display = TaskLearningCurveDisplay(make_losses(12)).plot()
    assert len(display.axes_) == 12
    assert [ax.get_title() for ax in display.axes_] == [str(t) for t in range(12)]
    display = TaskLearningCurveDisplay(make_losses(13)).plot()
    assert [ax.get_title() for ax in display.axes_] == ["training, 13 tasks"]
    assert display.validation_lines_ == []


def test_overlay_names_the_highest_and_draws_the_median():
    loss = make_losses(40)
    loss[:, 7] = np.nan
    display = TaskLearningCurveDisplay(loss, task_names=[f"t{t}" for t in range(40)]).plot()
    ratio = loss / loss[0]
    highest = np.argsort(-np.nan_to_num(ratio[-1]))[:3]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == [*(f"t{t}" for t in highest), "median of the tasks"]
    (median,) = [line for line in display.ax_.get_lines() if line not in display.lines_]
    np.testing.assert_allclose(median.get_ydata(), np.nanmedian(ratio, axis=1))


def test_a_task_that_begins_late_or_at_zero():
    loss = np.array([[np.nan, 0.0, 2.0, 0.0], [4.0, 2.0, 1.0, 0.0], [2.0, 1.0, 0.5, 0.0]])
    display = TaskLearningCurveDisplay(loss).plot()
    expected = [[np.nan, 0, 1, np.nan], [1, 1, 0.5, np.nan], [0.5, 0.5, 0.25, np.nan]]
    np.testing.assert_array_equal(ydata(display.lines_), expected)


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (0.001, "log")])
def test_the_scale_is_logarithmic_where_losses_span_much(last, scale):
    display = TaskLearningCurveDisplay(np.array([[3.0], [3.0 * last]])).plot()
    assert display.ax_.get_yscale() == scale


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"monitor": "worst"},
        {"monitor": 2},
        {"task_weight": [1.0, 5.0, 0.0]},
        {"task_weight": "labels"},
        {"balancing": "dwa", "task_weight": {1: 3.0}},
    ],
)
def test_the_marked_epoch_is_the_one_that_was_kept(parameters):
    # Steps of a schedule would depend on max_iter, with which the second fit is cut off.
    parameters = {**PLAIN, "activation": "relu", "early_stopping": True, **parameters}
    network = fit_network(max_iter=40, n_iter_no_change=5, **parameters)
    display = TaskLearningCurveDisplay.from_estimator(network)
    np.testing.assert_array_equal(
        ydata(display.validation_lines_),
        network.history_["validation_loss"] / network.history_["loss"][0],
    )
    # The same fit, cut off there, predicts the same.
    cut = fit_network(max_iter=display.best_epoch, n_iter_no_change=50, **parameters)
    X = np.random.default_rng(0).normal(size=(20, 5))
    np.testing.assert_array_equal(network.predict(X), cut.predict(X))
    assert display.best_epoch < network.n_iter_
    marks = [line.get_xdata() for ax in display.axes_ for line in ax.lines]
    marks = [ends for ends in marks if len(ends) == 2]
    assert marks == [[display.best_epoch] * 2] * 3


def test_without_early_stopping_no_epoch_is_marked():
    network = fit_network(max_iter=4)
    display = TaskLearningCurveDisplay.from_estimator(network)
    assert display.best_epoch is None
    loss = network.history_["loss"]
    np.testing.assert_array_equal(ydata(display.lines_), loss / loss[0])
    assert all(len(ax.lines) == 1 for ax in display.axes_)


@pytest.mark.parametrize("display", [TaskLearningCurveDisplay, TaskWeightDisplay])
def test_networks_in_pipelines_and_searches(display):
    X, y = make_multitask_regression(60, 5, n_tasks=2, n_informative=5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), MultiTaskMLP((4,), max_iter=20, tol=1.0))
    search = GridSearchCV(pipeline, {"multitaskmlp__alpha": [0.1]}, cv=2).fit(X, y)
    found = display.from_estimator(search)
    assert found.task_names == [0, 1]
    with pytest.raises(TypeError, match=r"needs a fitted network.*Tasks has no history_"):
        display.from_estimator(IndependentTasks().fit(X, y))
    with pytest.raises(TypeError, match="needs a fitted network"):
        display.from_estimator(MultiTaskMLP())


def test_weights_of_a_network():
    network = fit_network(max_iter=6, balancing="dwa")
    display = TaskWeightDisplay.from_estimator(network)
    np.testing.assert_array_equal(ydata(display.lines_), network.history_["task_weight"])
    assert display.image_ is None
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == [str(t) for t in np.argsort(-network.history_["task_weight"][-1])]


def test_weights_of_many_tasks_are_a_heat_map():
    weights = make_losses(30)
    display = TaskWeightDisplay(weights, task_names=[f"t{t}" for t in range(30)]).plot()
    assert display.lines_ is None
    np.testing.assert_array_equal(display.image_.get_array(), weights.T[display.order_])
    assert (np.diff(weights[-1, display.order_]) <= 0).all()
    # The middle of a cell is the number of its epoch.
    left, right, bottom, top = display.image_.get_extent()
    assert (left, right, bottom, top) == (0.5, 20.5, 29.5, -0.5)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == [f"t{t}" for t in display.order_]
