"""Amounts and counts with a log link, beside scikit-learn and beside each other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import gammaln
from sklearn.linear_model import GammaRegressor, PoissonRegressor, TweedieRegressor

from skmtl import MultiTaskLinear, MultiTaskMLP
from skmtl.tasks import Count, Gamma, NegativeBinomial, Tweedie


def draw(n=200, zeros=0.4, seed=0):
    """Features, and amounts of which a share is zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    mean = np.exp(X @ [0.5, -0.3, 0.2, 0.0] + 1.0)
    return X, np.where(rng.random(n) < zeros, 0.0, rng.gamma(2.0, mean / 2))


@pytest.mark.parametrize("penalty", ["l2", "l21", "trace_norm"])
@pytest.mark.parametrize(
    "task, reference",
    [
        (Count(), PoissonRegressor),
        (Gamma(), GammaRegressor),
        (Tweedie(), lambda **given: TweedieRegressor(power=1.5, link="log", **given)),
        (Tweedie(power=1.1), lambda **given: TweedieRegressor(power=1.1, link="log", **given)),
        (Tweedie(power=1.9), lambda **given: TweedieRegressor(power=1.9, link="log", **given)),
    ],
    ids=["count", "gamma", "tweedie 1.5", "tweedie 1.1", "tweedie 1.9"],
)
def test_is_the_model_of_scikit_learn(task, reference, penalty):
    X, y = draw(zeros=0.0 if task.alias == "gamma" else 0.4)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    known = reference(alpha=0, tol=1e-9, max_iter=10_000).fit(X, y, sample_weight=weight)
    model = MultiTaskLinear(penalty, alpha=0, tasks=task, tol=1e-10)
    model.fit(X, y, sample_weight=weight)
    assert_allclose(model.coef_.ravel(), known.coef_, atol=1e-5)
    assert_allclose(model.predict(X), known.predict(X), rtol=1e-4)
    assert_allclose(model.score(X, y, weight), known.score(X, y, weight), atol=1e-8)


@pytest.mark.parametrize("alpha", [0.01, 0.3])
def test_penalised_is_the_model_of_scikit_learn(alpha):
    X, y = draw()
    known = TweedieRegressor(power=1.5, alpha=alpha, link="log", tol=1e-9, max_iter=1000)
    # The loss is divided by the square root of the mean label.
    alpha = alpha / np.sqrt(y.mean())
    model = MultiTaskLinear("l2", alpha=alpha, tasks="tweedie", tol=1e-10)
    assert_allclose(model.fit(X, y).coef_.ravel(), known.fit(X, y).coef_, atol=1e-5)


def test_negative_binomial_has_the_most_likely_coefficients():
    """Of the probability of a count, written out, for a known dispersion."""
    X, y = draw()
    y, theta = np.round(y), 1 / 0.7

    def unlikeliness(parameters):
        mean = np.exp(X @ parameters[1:] + parameters[0])
        share = np.log(mean / (mean + theta))
        chance = gammaln(y + theta) - gammaln(y + 1) - gammaln(theta)
        return -(chance + theta * np.log(theta / (mean + theta)) + y * share).mean()

    known = minimize(unlikeliness, np.zeros(5), method="BFGS", options={"gtol": 1e-9}).x
    task = NegativeBinomial(dispersion=0.7)
    model = MultiTaskLinear("l2", alpha=0, tasks=task, tol=1e-10).fit(X, y)
    assert_allclose(np.r_[model.intercept_, model.coef_.ravel()], known, atol=1e-5)


def test_dispersion_is_that_of_the_labels():
    rng = np.random.default_rng(0)
    y = rng.negative_binomial(2, 2 / (2 + 5.0), size=20_000)
    model = MultiTaskLinear(tasks="negative_binomial").fit(np.zeros((len(y), 1)), y)
    assert_allclose(model.tasks_[0].dispersion_, 0.5, rtol=0.05)
    weight = rng.uniform(size=len(y)) < 0.5
    half = MultiTaskLinear(tasks="negative_binomial").fit(np.zeros((len(y), 1)), y, weight)
    rest = MultiTaskLinear(tasks="negative_binomial").fit(np.zeros((weight.sum(), 1)), y[weight])
    assert half.tasks_[0].dispersion_ == rest.tasks_[0].dispersion_


@pytest.mark.parametrize(
    "task, limit",
    [
        (NegativeBinomial(dispersion=1e-7), Count()),
        (Tweedie(power=1 + 1e-6), Count()),
        (Tweedie(power=2 - 1e-6), Gamma()),
    ],
    ids=repr,
)
def test_limits(task, limit):
    X, y = draw(zeros=0.0 if limit.alias == "gamma" else 0.4)
    # The loss of Tweedie is divided by that power of the mean label.
    unit = y.mean() ** (2 - task.power) if task.alias == "tweedie" else 1.0
    one, other = (
        MultiTaskLinear("l2", alpha=alpha, tasks=tasks, tol=1e-9).fit(X, y)
        for tasks, alpha in ((task, 0.1 / unit), (limit, 0.1))
    )
    assert_allclose(one.coef_, other.coef_, atol=1e-4)


@pytest.mark.parametrize("tasks", ["gamma", "tweedie"])
@pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskMLP])
def test_beside_other_types_the_unit_is_none_of_the_model(Estimator, tasks):
    """An amount in another currency: the predictions of all tasks are the same."""
    X, y = draw(zeros=0.0)
    given = {"alpha": 1e-3, "tol": 1e-9} if Estimator is MultiTaskLinear else {"random_state": 0}
    found = [
        Estimator(tasks=[tasks, "regression"], **given)
        .fit(X, np.column_stack([y * unit, X[:, 0]]))
        .predict(X)
        / [unit, 1.0]
        for unit in (1.0, 1024.0)
    ]
    assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "tasks, label, told",
    [
        ("gamma", 0.0, r"Task 'paid' is a positive amount, but has the label 0; expected > 0"),
        ("gamma", -1.0, r"Task 'paid' is a positive amount, but has the label -1; expected > 0"),
        ("tweedie", -1.0, r"Task 'paid' is an amount, but has the label -1; expected >= 0"),
        ("negative_binomial", -2, r"Task 'paid' is a count, but has the label -2; expected >= 0"),
        (Tweedie(power=2), 1.0, r"Task 'paid': Tweedie\(power=2\).*'gamma'"),
        (NegativeBinomial(dispersion=0), 1.0, r"Task 'paid': NegativeBinomial\(dispersion=0\)"),
        (NegativeBinomial(dispersion="mean"), 1.0, r"NegativeBinomial\(dispersion='mean'\)"),
    ],
)
@pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskMLP])
def test_says_what_it_does_not_take(Estimator, tasks, label, told):
    y = {"paid": [1.0, 2.0, label], "other": [1.0, 2.0, 0.5]}
    with pytest.raises(ValueError, match=told):
        Estimator(tasks={"paid": tasks}).fit([[0.0], [1.0], [2.0]], y)


def test_zeros_alone_are_predicted():
    model = MultiTaskLinear(tasks="tweedie").fit([[0.0], [1.0], [2.0]], [0.0, 0.0, 0.0])
    assert_allclose(model.predict([[5.0]]), 0.0, atol=1e-6)
