"""Hazards by interval: logistic regressions of who has no event in one, in every estimator."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from skmtl import (
    IndependentTasks,
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLP,
    MultiTaskMLPCV,
)
from skmtl.tasks import DiscreteHazards
from skmtl.tasks._columns import read_column
from skmtl.tasks._intervals import Intervals
from tests.tasks.test_survival import draw


def fitted(y, n_intervals=10, weight=None):
    weight = np.ones(len(y)) if weight is None else weight
    return DiscreteHazards(n_intervals).fit(read_column(y, "t"), weight, "t")


class TestIntervals:
    def test_end_at_quantiles_of_events(self):
        y = np.array([1.0, -1.5, 2.0, 3.0, -3.5, 4.0])
        assert_array_equal(fitted(y, 2).ends_, [2.0, 4.0])
        assert_array_equal(fitted(y, 4).ends_, [1.0, 2.0, 3.0, 4.0])
        assert_array_equal(fitted(y, 99).ends_, [1.0, 2.0, 3.0, 4.0])
        # All events at one time do not spread over the time before it.
        assert_array_equal(fitted(np.array([2.0, 2.0, -1.0])).ends_, [1.998, 2.0])

    def test_weights_are_repeated_rows(self):
        rng = np.random.default_rng(0)
        y, counts = rng.exponential(size=50).round(1) + 0.1, rng.integers(1, 4, size=50)
        task, repeated = fitted(y, weight=counts.astype(float)), fitted(np.repeat(y, counts))
        assert_array_equal(task.ends_, repeated.ends_)
        assert_allclose(task.shape_, repeated.shape_, rtol=1e-9)

    def test_what_was_watched(self):
        intervals = Intervals(np.array([1.0, 3.0]))
        without, event = intervals.watched(np.array([2.0, -2.0, 1.0, -9.0, 9.0, 0.0]))
        assert_array_equal(without, [[1, 0], [1, 0.5], [0, 0], [1, 1], [1, 1], [0, 0]])
        assert_array_equal(event, [[0, 1], [0, 0], [1, 0], [0, 0], [0, 0], [0, 0]])

    @pytest.mark.parametrize("level", [0.1, 1.0, 5.0])
    def test_times_of_a_level(self, level):
        steps = np.array([[0.5, 2.0, 0.3], [0.1, 0.1, 0.1], [3.0, 0.0, 1.0]])
        intervals = Intervals(np.array([1.0, 3.0, 3.5]))
        times = intervals.time_of(steps, level)
        assert_allclose(intervals.hazard_at(steps, times)[0], level)

    def test_events_spread_evenly_over_an_interval(self):
        """Also where all that come to it have their event there: the hazard is infinite."""
        intervals = Intervals(np.array([1.0, 3.0]))
        times = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
        for hazard in (2.0, 800.0):
            total, _, _ = intervals.hazard_at(np.array([np.log(2.0), hazard]), times)
            second = 0.5 * np.exp(-hazard)
            alive = [1.0, 0.75, 0.5, 0.375 + second / 4, 0.25 + second / 2, second]
            assert_allclose(np.exp(-total), alive, atol=1e-15)

    def test_slope_of_the_hazard_at_a_time(self):
        intervals = Intervals(np.array([1.0, 3.0, 3.5]))
        hazards, times = np.array([0.5, 2.0, 0.3]), np.array([0.2, 1.7, 3.2, 9.0])
        _, place, slope = intervals.hazard_at(hazards, times)
        step = 1e-6 * np.eye(3)[place]
        up, down = (intervals.hazard_at(hazards + s * step, times)[0] for s in (1, -1))
        assert_allclose(slope, (up - down) / 2e-6, rtol=1e-6)


def test_is_the_logistic_regression_of_all_rows_and_intervals():
    """Each interval that a row was watched in is a row, with the interval among the features."""
    X, y = draw(n=200)
    task = fitted(y, 5)
    without, event = task._intervals.watched(y)
    rows, interval = (index.ravel() for index in np.indices(without.shape))
    design = np.hstack([X[rows], np.eye(5)[interval]])
    labels = np.repeat([1, 0], len(rows))
    weight = np.concatenate([without.ravel(), event.ravel()])
    plain = LogisticRegression(C=1e10, fit_intercept=False, tol=1e-10, max_iter=1000)
    plain.fit(np.vstack([design] * 2), labels, weight)
    model = MultiTaskLinear("l2", alpha=0, tasks=DiscreteHazards(5), tol=1e-9).fit(X, y)
    theta = np.concatenate([[0.0], model.tasks_[0].shape_])
    assert_allclose(model.coef_[0], plain.coef_[0, :4], atol=1e-4)
    assert_allclose(model.intercept_ - theta, plain.coef_[0, 4:], atol=1e-4)


def test_without_features_it_is_the_life_table():
    _, y = draw(n=300)
    # Who is not seen to the end leaves at the end of an interval, as the table has it.
    ends = fitted(np.abs(y), 5).ends_
    y = np.where(y < 0, -ends[np.minimum(np.searchsorted(ends, -y), 3)], y)
    model = MultiTaskLinear(tasks=DiscreteHazards(5), tol=1e-8).fit(np.zeros((300, 1)), y)
    ends, alive = model.tasks_[0].ends_, 1.0
    for start, end in zip(np.r_[0, ends[:-2]], ends[:-1], strict=True):
        event = (y > start) & (y <= end)
        through = model.tasks_[0]._intervals.watched(y)[0][:, ends == end].sum()
        alive *= through / (through + event.sum())
        assert_allclose(model.predict_survival([[0.0]], [end])[0, 0], alive, atol=1e-4)


def test_the_truth_has_the_least_loss():
    """Of data from the model, in expectation: all other scores and thresholds lose more."""
    rng = np.random.default_rng(0)
    ends, n = np.array([1.0, 2.0, 4.0, 5.0]), 100_000
    f, theta = rng.normal(size=n), np.array([0.0, 0.5, -0.5, 0.2])
    survives = rng.random((n, 4)) < expit(f[:, None] - theta)
    place = np.where(survives.all(axis=1), 4, survives.argmin(axis=1))
    y = np.append(ends - 0.1, 5.0)[place] * np.where(place < 4, 1.0, -1.0)
    task = fitted(y, 4)
    task._intervals = Intervals(ends)
    task.let_shape_vary()

    def loss(score, shape):
        raw = np.column_stack([score, np.tile(shape, (n, 1))])
        apart = raw[:, :1] - np.column_stack([np.zeros(n), raw[:, 1:]])
        without, event = task._intervals.watched(y)
        return (without * np.logaddexp(0, -apart) + event * np.logaddexp(0, apart)).sum(1).mean()

    best = loss(f, theta[1:])
    for moved in (f + 0.1, f - 0.1, 1.1 * f, 0.9 * f):
        assert loss(moved, theta[1:]) > best
    for k in range(3):
        for step in (0.1, -0.1):
            assert loss(f, theta[1:] + step * np.eye(3)[k]) > best


@pytest.mark.parametrize("penalty", ["l2", "l21", "trace_norm"])
def test_certified_with_penalties(penalty):
    X, y = draw()
    Y = np.column_stack([y, y[::-1], X[:, 0]])
    Y[::3, 1] = np.nan
    types = [DiscreteHazards(), DiscreteHazards(4), "regression"]
    model = MultiTaskLinear(penalty, alpha=0.05, tasks=types, tol=1e-6).fit(X, Y)
    assert model.dual_gap_ <= 1e-4


@pytest.mark.parametrize(
    "Estimator, given",
    [
        (MultiTaskLinear, {}),
        (MultiTaskLinearCV, {"alphas": 3, "cv": 3}),
        (MultiTaskMLP, {"random_state": 0, "max_iter": 10}),
        (MultiTaskMLPCV, {"random_state": 0, "grid": {"max_iter": [10]}, "cv": 3}),
        (MultiTaskKernelRidgeCV, {"kernels": "rbf", "widths": [1.4], "alphas": [0.1, 0.01]}),
        (IndependentTasks, {}),
    ],
)
def test_every_estimator_orders_the_times(Estimator, given):
    X, y = draw()
    Y = np.column_stack([y, np.where(np.arange(len(y)) % 2, 2 * y, np.nan), X[:, 1]])
    model = Estimator(tasks=["discrete_hazards", DiscreteHazards(4), "regression"], **given)
    model.fit(X[:200], Y[:200])
    assert model.score(X[200:], Y[200:]) > 0.4
    times = model.predict(X[:5])[:, 0]
    found = model.predict_survival(X[:5], np.sort(times))[0]
    assert (np.diff(found, axis=1) <= 0).all()
    if Estimator not in (MultiTaskMLPCV, MultiTaskKernelRidgeCV):
        assert_allclose(np.diag(model.predict_survival(X[:5], times)[0]), 0.5, atol=1e-6)


def test_hazards_of_networks_need_not_be_proportional():
    """One group dies early or late, the other in between: curves that cross."""
    rng = np.random.default_rng(0)
    group = np.arange(600) % 2
    early = rng.random(600) < 0.5
    times = np.where(group, np.where(early, 1.0, 9.0), 5.0) + rng.uniform(-0.5, 0.5, 600)
    X = group[:, None].astype(float)
    tails = {}
    for model in (MultiTaskMLP(alpha=1e-4, random_state=0), MultiTaskLinear()):
        model.set_params(tasks="discrete_hazards").fit(X, times)
        tails[type(model)] = model.predict_survival([[0.0], [1.0]], [3.0, 7.0])
    assert_allclose(tails[MultiTaskMLP], [[1.0, 0.0], [0.5, 0.5]], atol=0.1)
    first, second = tails[MultiTaskLinear]
    assert (first <= second).all() or (first >= second).all()


def test_says_what_is_wrong():
    X, y = draw(n=20)
    for n_intervals in (0, 2.5, "many"):
        told = rf"Task 0: DiscreteHazards\(n_intervals={n_intervals!r}\); expected a whole number"
        with pytest.raises(ValueError, match=told):
            MultiTaskLinear(tasks=DiscreteHazards(n_intervals)).fit(X, y)
    with pytest.raises(ValueError, match="Task 0 is discrete_hazards, but has the label 0;"):
        MultiTaskLinear(tasks="discrete_hazards").fit(X, 0 * y)


def test_without_an_event_there_is_nothing_to_learn():
    X, y = draw(n=60)
    for model in (MultiTaskLinear(), MultiTaskMLP(max_iter=2)):
        model.set_params(tasks=["discrete_hazards", "regression"])
        predicted = model.fit(X, np.column_stack([-np.abs(y), X[:, 0]])).predict(X)
        assert np.isnan(predicted[:, 0]).all()
        assert np.isfinite(predicted[:, 1]).all()
