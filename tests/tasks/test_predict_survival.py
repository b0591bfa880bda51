"""Probabilities of later events, by everything that predicts times."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    IndependentTasks,
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLP,
    MultiTaskMLPCV,
)
from skmtl.compose import PooledTasks, TaskChain, TaskStacking
from skmtl.tasks import Cox, Survival, censored
from skmtl.tasks._censoring import weights_of_seen

TIMES = [0.3, 1.0, 3.0]
FOREST = {
    "regressor": ExtraTreesRegressor(10, random_state=0),
    "classifier": ExtraTreesClassifier(10, random_state=0),
}
ESTIMATORS = {
    "linear": lambda: MultiTaskLinear(),
    "linear, searched": lambda: MultiTaskLinearCV(alphas=5),
    "network": lambda: MultiTaskMLP(random_state=0),
    "networks, blended": lambda: MultiTaskMLPCV({"max_iter": [20]}, cv=3, random_state=0),
    "kernels": lambda: MultiTaskKernelRidgeCV("rbf", widths=[1.4], alphas=[0.1, 1e-2, 1e-3]),
    "alone": lambda: IndependentTasks(**FOREST),
    "alone, given": lambda: IndependentTasks(make_pipeline(StandardScaler(), MultiTaskLinear())),
    "stacked": lambda: TaskStacking(
        [("linear", make_pipeline(StandardScaler(), MultiTaskLinear())), *FOREST.items()], cv=3
    ),
}


@pytest.mark.parametrize("task", [Survival("weibull"), Survival(), Survival("log_logistic"), Cox()])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_rows_far_from_all_that_were_fitted_have_times(task):
    """Of scores beyond the exponents of float64 the medians are still positive, and in order."""
    X = np.linspace(-1.0, 1.0, 30)[:, None]
    model = MultiTaskLinear("l2", alpha=1e-3, tasks=task).fit(X, np.exp(X[:, 0] + 0.1 * X[::-1, 0]))
    far = 1e6 * np.array([[-1.0], [0.0], [1.0]])
    found = model.predict(far)
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert (np.diff(found) >= 0).all()
    assert_allclose(model.predict_survival(far, [1.0])[[0, 2], 0], [0.0, 1.0], atol=1e-9)


@pytest.mark.parametrize("task", ["survival", "discrete_hazards"])
@pytest.mark.parametrize("first", [np.nan, -1.0])
def test_the_first_event_is_not_one_of_a_later_chunk(task, first):
    """It would never be learned, and predictions would stay NaN."""
    X = np.arange(8.0)[:, None]
    y = pd.DataFrame({"size": X[:, 0], "died": [first] * 4 + [2.0, -3.0, 4.0, 5.0]})
    model = MultiTaskMLP(tasks=["regression", task], random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit(X[:4], y[:4])
    before = model.predict(X)
    with pytest.raises(ValueError, match=r"'died' is .* had no event in the calls before"):
        model.partial_fit(X[4:], y[4:])
    assert_array_equal(model.predict(X), before)
    # Times without an event still may come.
    model.partial_fit(X[4:], y[4:].assign(died=-1.0))
    assert np.isnan(model.predict(X)[:, 1]).all()


@pytest.mark.parametrize("task", ["survival", "discrete_hazards"])
@pytest.mark.parametrize("task_feature", [None, 0])
def test_linear_models_refuse_chunks_of_times_also_where_none_has_an_event(task, task_feature):
    X = np.column_stack([[0, 1, 0, 1], np.arange(4.0)])
    model = MultiTaskLinear(tasks=task, task_feature=task_feature)
    with pytest.raises(ValueError, match="keeps too little for that"):
        model.partial_fit(X, [-1.0, -2.0, -3.0, -1.0])


def draw(n=240):
    """Features, signed times of which a third are censored, and what the probabilities are."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    log_time = X[:, 0] + 0.5 * rng.normal(size=n)
    end = np.log(rng.exponential(3.0, size=n))
    y = censored(np.exp(np.minimum(log_time, end)), log_time <= end)
    return X, y, norm.sf((np.log(TIMES) - X[:, :1]) / 0.5)


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_probabilities_are_those_of_the_data(name, is_long):
    X, y, truth = draw()
    model = ESTIMATORS[name]()
    if is_long:
        if name in ("stacked", "alone, given"):
            pytest.skip("its steps would scale the task feature")
        X = np.column_stack([np.arange(len(X)) % 2, X])
        found = model.set_params(tasks="survival", task_feature=0).fit(X, y)
        found = found.predict_survival(X, TIMES)
    else:
        Y = np.column_stack([y, X[:, 1], X[:, 2] > 0])
        model.set_params(tasks=["survival", "regression", "binary"]).fit(X, Y)
        found, *others = model.predict_survival(X, TIMES)
        assert others == [None, None]
    assert found.shape == truth.shape
    assert np.abs(found - truth).mean() < 0.05
    assert (np.diff(found, axis=1) <= 0).all()


def test_a_stack_of_one_says_what_it_says():
    X, y, _ = draw()
    alone = MultiTaskLinear(tasks="survival").fit(X, y)
    stack = TaskStacking([("linear", MultiTaskLinear())], tasks="survival", cv=3).fit(X, y)
    share = stack.weights_["linear"][0]
    constant = (stack.predict_survival(X, TIMES) - share * alone.predict_survival(X, TIMES)) / (
        1.0 - share or 1.0
    )
    assert_allclose(constant, np.broadcast_to(constant[:1], constant.shape), atol=1e-9)
    log_time = np.log([alone.predict(X), stack.predict(X)])
    assert_allclose(np.ptp(log_time[1] - share * log_time[0]), 0.0, atol=1e-9)


def test_estimators_that_take_no_censored_times_are_refused():
    X, y, _ = draw(40)
    told = r"task 0 is survival, and estimator=ExtraTreesRegressor.* of which some are censored"
    with pytest.raises(ValueError, match=told):
        IndependentTasks(FOREST["regressor"], tasks="survival").fit(X, y)
    model = IndependentTasks(tasks=["survival", "regression"], **FOREST)
    with pytest.warns(UserWarning, match="classifier=.* is for none of the tasks"):
        model.fit(X, np.column_stack([y, y]))
    assert [type(e) for e in model.estimators_] == [MultiTaskLinear, ExtraTreesRegressor]
    told = r"'trees', ExtraTrees.* learns regression, but the tasks are \['survival'\]"
    with pytest.raises(ValueError, match=told):
        TaskStacking([("trees", FOREST["regressor"])], tasks="survival").fit(X, y)


@pytest.mark.parametrize("Estimator", [PooledTasks, TaskChain])
def test_others_have_times_alone(Estimator):
    X, y, _ = draw(60)
    Y = np.column_stack([y, 2 * y])
    model = Estimator(tasks="survival").fit(X, Y)
    assert model.score(X, Y) > 0.5
    with pytest.raises(AttributeError) as told:
        model.predict_survival(X, TIMES)
    assert f"{Estimator.__name__} predicts times, but no prob" in str(told.value.__cause__)


def test_without_an_event_nothing_is_known():
    X, y, _ = draw(60)
    Y = np.column_stack([-np.abs(y), X[:, 1]])
    for name in ("linear", "network", "networks, blended", "kernels", "alone"):
        model = ESTIMATORS[name]().set_params(tasks=["survival", "regression"])
        if name == "alone":
            model.set_params(classifier=None)
        assert np.isnan(model.fit(X, Y).predict_survival(X, TIMES)[0]).all()


def test_censored_times_say_how_long_they_are_not_which_sign_they_have():
    """A label of either sign is a time: networks that would take it for a number find nothing."""
    X, y, _ = draw()
    X = np.column_stack([np.arange(len(X)) % 2, X])
    linear = MultiTaskLinear(tasks="survival", task_feature=0).fit(X, y).score(X, y)
    for Estimator, given in (
        (MultiTaskMLP, {}),
        (MultiTaskMLPCV, {"grid": {"max_iter": [20]}, "cv": 3}),
    ):
        model = Estimator(tasks="survival", task_feature=0, random_state=0, **given)
        assert model.fit(X, y).score(X, y) > linear - 0.03


class TestWeightsOfSeen:
    def test_events_stand_for_all(self):
        """Kaplan and Meier's estimate of what share of the times is longer, by weights alone."""
        rng = np.random.default_rng(0)
        times = rng.integers(1, 12, size=80).astype(float)
        seen, weight = rng.random(80) < 0.7, rng.uniform(0.5, 2.0, size=80)
        seen |= times == times.max()
        share, product = weight * weights_of_seen(times, seen, weight), 1.0
        for t in np.unique(times):
            at_risk = weight[times >= t].sum()
            product *= 1.0 - weight[(times == t) & seen].sum() / at_risk
            assert_allclose(share[times > t].sum() / weight.sum(), product, atol=1e-12)

    def test_weights_are_repeated_rows(self):
        times, seen = np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, False, True, True])
        twice = np.repeat(np.arange(4), [1, 2, 1, 3])
        found = weights_of_seen(times[twice], seen[twice], np.ones(7))
        expected = weights_of_seen(times, seen, np.array([1.0, 2.0, 1.0, 3.0]))
        assert_allclose(found, expected[twice])

    def test_all_seen_count_alike(self):
        assert_array_equal(weights_of_seen(np.arange(1.0, 5.0), np.ones(4, bool), np.ones(4)), 1.0)
