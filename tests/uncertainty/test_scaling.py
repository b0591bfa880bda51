"""Slopes and shifts are maximisers; those of few labels are drawn to the others."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from skmtl.uncertainty._scaling import Labels, Scaling, _loss, _slope_and_bend


def draw(n_tasks=3, n=200, n_classes=2, slope=0.6, shift=0.5, seed=0, most=1):
    """Labels whose log-odds are ``slope`` times those stated, and a shift."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), n)
    scores = log_softmax(2 * rng.normal(size=(len(task), n_classes)), axis=1)
    true = slope * scores
    true[:, 1:] += shift
    codes = (log_softmax(true, axis=1) + rng.gumbel(size=true.shape)).argmax(axis=1)
    return Labels(scores, codes, rng.integers(1, most + 1, len(task)).astype(float), task)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_gradient_and_curvature(n_classes):
    labels = draw(n_classes=n_classes, most=3)
    theta = np.random.default_rng(1).normal(size=(3, n_classes)) * 0.3
    slope, bend = _slope_and_bend(labels, theta)
    for j in range(n_classes):
        step = np.zeros((3, n_classes))
        step[:, j] = 1e-5
        difference = (_loss(labels, theta + step) - _loss(labels, theta - step)) / 2e-5
        np.testing.assert_allclose(slope[:, j], difference, rtol=1e-5, atol=1e-5)
    # The expected second derivative: that of the loss, weighed by the probabilities of the labels.
    expected = np.zeros_like(bend)
    for code in range(n_classes):
        one = labels._replace(codes=np.full(len(labels.codes), code))
        p = np.exp(Scaling(theta, theta[0], theta[0])(labels.scores, labels.task))[:, code]
        one = one._replace(weights=labels.weights * p)
        for j in range(n_classes):
            step = np.zeros((3, n_classes))
            step[:, j] = 1e-5
            ends = [_slope_and_bend(one, theta + s * step)[0] for s in (1, -1)]
            expected[:, j] += (ends[0] - ends[1]) / 2e-5
    np.testing.assert_allclose(bend, expected, rtol=1e-4, atol=1e-3)


def test_temperature_is_that_of_the_highest_likelihood():
    labels = draw(n_tasks=1, n_classes=4, most=3)

    def loss(log_slope):
        log_p = log_softmax(np.exp(log_slope) * labels.scores, axis=1)
        return -labels.weights @ log_p[np.arange(len(log_p)), labels.codes]

    best = minimize(loss, np.zeros(1), tol=1e-12).x
    found = Scaling.of_each(labels, 1, shifts=False, variance=np.inf)
    np.testing.assert_allclose(found.theta[0], best, atol=1e-6)
    assert abs(_slope_and_bend(labels, found.theta)[0]).max() < 1e-6


def test_slope_and_shift_are_a_logistic_regression():
    labels = draw(most=3)
    found = Scaling.of_each(labels, 3, shifts=True, variance=np.inf)
    odds = labels.scores[:, 1] - labels.scores[:, 0]
    for t in range(3):
        mine = labels.task == t
        expected = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky").fit(
            odds[mine, None], labels.codes[mine], labels.weights[mine]
        )
        np.testing.assert_allclose(found.slopes[t], expected.coef_[0, 0], rtol=1e-6)
        np.testing.assert_allclose(found.theta[t, 1], expected.intercept_[0], rtol=1e-6)


def test_modes_under_the_prior_have_no_slope():
    labels = draw(n_classes=3, most=3)
    found = Scaling.fit(labels, 3, shifts=True)
    of_prior = (found.theta - found.mean) / found.variance
    slope, _ = _slope_and_bend(labels, found.theta)
    np.testing.assert_allclose(slope + of_prior, 0.0, atol=1e-5)


def test_what_the_tasks_have_in_common_is_found():
    labels = draw(n_tasks=40, n=300, slope=0.5, shift=-1.0)
    found = Scaling.fit(labels, 40, shifts=True)
    assert np.exp(found.mean[0]) == pytest.approx(0.5, abs=0.03)
    assert found.mean[1] == pytest.approx(-1.0, abs=0.1)
    # All are alike: what is left is what was imagined, and the noise of 40 tasks.
    assert (np.sqrt(found.variance) < 0.15).all()


def test_tasks_that_differ_stay_apart():
    rng = np.random.default_rng(0)
    shifts = rng.normal(size=30)
    parts = [draw(1, 300, slope=1.0, shift=b, seed=k) for k, b in enumerate(shifts)]
    labels = Labels(*(np.concatenate(of_all) for of_all in zip(*parts, strict=True)))
    labels = labels._replace(task=np.repeat(np.arange(30), 300))
    found = Scaling.fit(labels, 30, shifts=True)
    assert np.sqrt(found.variance[1]) == pytest.approx(shifts.std(), rel=0.25)
    assert np.corrcoef(found.theta[:, 1], shifts)[0, 1] > 0.96


def test_few_labels_are_drawn_to_the_others():
    labels = draw(n_tasks=20, n=200)
    few = np.flatnonzero((labels.task > 0) | (np.arange(len(labels.task)) < 4))
    found = Scaling.fit(labels.take(few), 21, shifts=True)
    alone = Scaling.of_each(labels.take(few), 21, shifts=True, variance=np.inf)
    assert abs(found.theta[0] - found.mean).max() < 0.1 < abs(alone.theta[0] - found.mean).max()
    # A task without labels is what they have in common, as one unknown is.
    np.testing.assert_allclose(found.theta[20], found.mean, atol=1e-12)
    scores = labels.scores[:5]
    np.testing.assert_array_equal(found(scores, np.full(5, 20)), found(scores, np.full(5, -1)))


def test_labels_that_follow_their_probabilities_leave_them():
    labels = draw(n_tasks=10, n=500, slope=1.0, shift=0.0)
    found = Scaling.fit(labels, 10, shifts=True)
    alone = Scaling.of_each(labels, 10, shifts=True, variance=np.inf)
    np.testing.assert_allclose(found.mean, 0.0, atol=0.07)
    for j in range(2):
        assert (found.theta[:, j] ** 2).sum() < 0.7 * (alone.theta[:, j] ** 2).sum()


@pytest.mark.parametrize("codes", [[0, 0, 1], [1, 1, 1], [0, 1, 0]])
def test_three_labels_move_little(codes):
    scores = np.log([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    labels = Labels(scores, np.array(codes), np.ones(3), np.zeros(3, dtype=int))
    found = Scaling.fit(labels, 1, shifts=True)
    assert 0.5 < found.slopes[0] < 2.0
    assert abs(found.theta[0, 1]) < 2.5


def test_separable_labels_have_an_end():
    scores = np.repeat(np.log([[0.7, 0.3], [0.3, 0.7]]), 50, axis=0)
    labels = Labels(scores, np.repeat([0, 1], 50), np.ones(100), np.zeros(100, dtype=int))
    assert 1.0 < Scaling.fit(labels, 1, shifts=True).slopes[0] < 50.0


def test_order_of_tasks_does_not_matter():
    labels = draw(n_tasks=4)
    order = np.array([2, 0, 3, 1])
    found = Scaling.fit(labels, 4, shifts=True)
    other = Scaling.fit(labels._replace(task=order[labels.task]), 4, shifts=True)
    np.testing.assert_allclose(other.theta[order], found.theta, atol=1e-8)
