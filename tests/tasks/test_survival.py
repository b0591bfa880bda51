"""Times until an event: the most likely model, censored labels, the order of predictions."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.stats import gumbel_l, logistic, norm

from skmtl import MultiTaskKernelRidgeCV, MultiTaskLinear, MultiTaskLinearCV, MultiTaskMLP
from skmtl.tasks import DiscreteHazards, Survival, censored
from skmtl.tasks._columns import read_column
from skmtl.tasks._concordance import pairs_in_order

FAMILIES = {"log_normal": norm, "log_logistic": logistic, "weibull": gumbel_l}
families = pytest.mark.parametrize("name", FAMILIES)


def draw(name="log_normal", n=300, seed=0):
    """Features and signed times, about a third of them censored."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    log_time = 1.0 + X @ [1.0, -0.5, 0.3, 0.0] + 0.7 * FAMILIES[name].rvs(size=n, random_state=rng)
    end = np.log(rng.exponential(8.0, size=n))
    return X, np.where(log_time < end, 1.0, -1.0) * np.exp(np.minimum(log_time, end))


def most_likely(name, X, y, weight):
    """log sigma, intercept and coefficients that maximise the likelihood, written out plainly."""
    family = FAMILIES[name]

    def unlikeliness(p):
        z = (np.log(np.abs(y)) - p[1] - X @ p[2:]) / np.exp(p[0])
        likelihood = np.where(y > 0, family.logpdf(z) - p[0], family.logsf(z))
        return -np.average(likelihood, weights=weight)

    return minimize(unlikeliness, np.zeros(6), method="BFGS", options={"gtol": 1e-9}).x


@families
@pytest.mark.parametrize("penalty", ["l2", "l21", "trace_norm"])
def test_is_the_most_likely_model(name, penalty):
    X, y = draw(name)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    known = most_likely(name, X, y, weight)
    model = MultiTaskLinear(penalty, alpha=0, tasks=Survival(name), tol=1e-9)
    model.fit(X, y, sample_weight=weight)
    found = [np.log(model.tasks_[0].sigma_), *model.intercept_, *model.coef_[0]]
    assert_allclose(found, known, atol=1e-4)


@families
def test_certified_with_penalties(name):
    X, y = draw(name)
    Y = np.column_stack([y, y[::-1], X[:, 0]])
    Y[::3, 1] = np.nan
    model = MultiTaskLinear(
        "l21", alpha=0.05, tasks=[Survival(name)] * 2 + ["regression"], tol=1e-6
    )
    assert model.fit(X, Y).dual_gap_ <= 1e-4


@families
def test_the_truth_has_the_least_expected_loss(name):
    """Score and scale of times that are drawn from the model, censored by others."""
    rng, n = np.random.default_rng(3), 40_000
    y = np.exp(rng.normal(size=200))
    task = Survival(name).fit(read_column(y, "t"), np.ones(200), "t")
    log_time = 0.4 + task.sigma_ * FAMILIES[name].rvs(size=n, random_state=rng)
    end = np.log(rng.exponential(3.0, size=n))
    labels = np.where(log_time < end, 1.0, -1.0) * np.exp(np.minimum(log_time, end))
    raw, shape = np.full((n, 1), 0.4), task.shape_
    loss, slope = task.loss_and_grad(raw, labels)
    slopes = np.column_stack([slope, task.shape_slope(raw, labels)])
    error = slopes.std(axis=0) / np.sqrt(n)
    assert (np.abs(slopes.mean(axis=0)) < 4.0 * error).all()
    for step in (-0.2, 0.2):
        assert task.loss_and_grad(raw + step, labels)[0].mean() > loss.mean()
        task.shape_ = shape + step
        assert task.loss_and_grad(raw, labels)[0].mean() > loss.mean()
        task.shape_ = shape


@families
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_conjugate_of_times_that_were_not_seen(name, sign):
    """Fenchel-Young with equality at the gradient, for events and for censored times."""
    rng = np.random.default_rng(0)
    values = sign * rng.gamma(2.0, size=60)
    task = Survival(name).fit(read_column(np.abs(values), "t"), np.ones(60), "t")
    raw = rng.normal(scale=3.0, size=(60, 1))
    loss, slope = task.loss_and_grad(raw, values)
    inner = (raw * slope)[:, 0]
    assert_allclose(loss + task.conjugate(slope, values), inner, atol=1e-9)
    other = task.loss_and_grad(rng.normal(size=(60, 1)), values)[0]
    assert (loss >= 0).all()
    assert (other >= 0).all()
    h = 1e-6
    above, below = (task.loss_and_grad(raw + step, values) for step in (h, -h))
    assert_allclose((above[0] - below[0]) / (2 * h), slope[:, 0], atol=1e-6)
    bend = task.curvature(raw, values, np.ones_like(raw))
    assert_allclose((above[1] - below[1]) / (2 * h), bend, atol=1e-6)
    assert (bend >= 0).all()
    torch = pytest.importorskip("torch")
    twin = task.torch_loss(torch.tensor(raw), torch.tensor(values))
    assert_allclose(twin.numpy(), loss, atol=1e-9)


def test_a_censored_time_says_that_the_event_is_later():
    """Read as events, the times of a group that was hardly watched would be too short."""
    rng = np.random.default_rng(0)
    group = np.arange(400) % 2
    times = np.exp(rng.normal(size=400) + 2.0)
    end = np.where(group, 2.0, 50.0)
    y = censored(np.minimum(times, end), times < end)
    model = MultiTaskLinear(alpha=0, tasks="survival").fit(group[:, None], y)
    early, late = model.predict([[1.0], [0.0]])
    assert abs(np.log(early / late)) < 0.5
    naive = MultiTaskLinear(alpha=0, tasks="survival").fit(group[:, None], np.abs(y))
    assert np.log(naive.predict([[0.0]]) / naive.predict([[1.0]])) > 1.0


def concordance(times, seen, predicted, weight):
    """By going through all pairs."""
    known = right = 0.0
    for i in range(len(times)):
        for j in range(len(times)):
            later = times[j] > times[i] or (times[j] == times[i] and not seen[j])
            if i != j and seen[i] and later:
                pair = weight[i] * weight[j]
                known += pair
                right += pair * (0.5 * (np.sign(predicted[j] - predicted[i]) + 1.0))
    return known, right


@pytest.mark.parametrize("n", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("n_values", [3, 1000])
def test_pairs_are_counted(n, n_values):
    """Ties of times, of predictions and of both included."""
    rng = np.random.default_rng(n)
    times, predicted = rng.integers(1, n_values + 1, size=(2, n)).astype(float)
    seen, weight = rng.random(n) < 0.6, rng.uniform(0.5, 2.0, size=n)
    data = times, seen, predicted, weight
    assert_allclose(pairs_in_order(*data), concordance(*data), atol=1e-9)


@pytest.mark.parametrize(
    "Estimator, given",
    [
        (MultiTaskLinear, {}),
        (MultiTaskLinearCV, {"alphas": 5}),
        (MultiTaskMLP, {"random_state": 0}),
        (MultiTaskKernelRidgeCV, {}),
    ],
)
def test_every_estimator_orders_the_times(Estimator, given):
    X, y = draw()
    Y = np.column_stack([y, np.where(np.arange(len(y)) % 2, 2 * y, np.nan), X[:, 1]])
    model = Estimator(tasks=["survival", Survival("weibull"), "regression"], **given)
    model.fit(X[:200], Y[:200])
    predicted = model.predict(X[200:])
    assert (predicted[:, :2] > 0).all()
    assert model.score(X[200:], Y[200:]) > 0.4


class TestPredictSurvival:
    @pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskMLP])
    @families
    def test_is_a_half_at_the_prediction(self, name, Estimator):
        X, y = draw(name)
        given = {"random_state": 0, "max_iter": 5} if Estimator is MultiTaskMLP else {}
        model = Estimator(tasks=Survival(name), **given).fit(X, y)
        times = model.predict(X[:5])
        assert_allclose(np.diag(model.predict_survival(X[:5], times)), 0.5, atol=1e-6)
        p = model.predict_survival(X, [0.1, 1.0, 10.0, 100.0])
        assert p.shape == (len(X), 4)
        assert (np.diff(p, axis=1) <= 0).all()

    def test_is_calibrated(self):
        """Of the rows, as many live longer than any time as their probabilities say."""
        X, y = draw("weibull", n=2000)
        model = MultiTaskLinear(alpha=0, tasks=Survival("weibull")).fit(X, y)
        rng = np.random.default_rng(5)
        truth = np.exp(
            1.0 + X @ [1.0, -0.5, 0.3, 0.0] + 0.7 * gumbel_l.rvs(size=2000, random_state=rng)
        )
        for t in (1.0, 3.0, 10.0):
            assert abs(model.predict_survival(X, [t]).mean() - (truth > t).mean()) < 0.04

    def test_other_tasks_have_none(self):
        X, y = draw()
        model = MultiTaskLinear(tasks=["survival", "regression"])
        found = model.fit(X, np.column_stack([y, y])).predict_survival(X, [1.0])
        assert found[0].shape == (len(X), 1)
        assert found[1] is None
        assert not hasattr(MultiTaskLinear().fit(X, y), "predict_survival")
        assert not hasattr(MultiTaskLinear(), "predict_survival")

    def test_says_what_times_are(self):
        X, y = draw(n=50)
        model = MultiTaskLinear(tasks="survival").fit(X, y)
        with pytest.raises(ValueError, match="times must be 1-D and positive"):
            model.predict_survival(X, [0.0, 1.0])


class TestLabels:
    def test_censored(self):
        found = censored(pd.Series([5, 2, None, 1]), np.array([1, 0, 1, 1]))
        assert_array_equal(found, [5.0, -2.0, np.nan, 1.0])
        both = np.array([(True, 3.0), (False, 4.0)], dtype=[("event", bool), ("time", float)])
        assert_array_equal(censored(both["time"], both["event"]), [3.0, -4.0])

    @pytest.mark.parametrize(
        "times, seen, told",
        [
            ([1.0, 2.0], [True], "times has 2 entries, seen has 1"),
            ([1.0, 0.0], [True, True], r"times has .*0\.0.*; expected numbers > 0"),
            ([1.0, 2.0], [1, 2], "seen must be bool, or 1 and 0"),
            (["a", "b"], [1, 0], "times has 'a'; expected numbers > 0"),
        ],
    )
    def test_censored_says_what_is_wrong(self, times, seen, told):
        with pytest.raises(ValueError, match=told):
            censored(times, seen)

    @pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskMLP])
    def test_zero_is_no_time(self, Estimator):
        told = "Task 0 is survival, but has the label 0; expected the time of an event"
        with pytest.raises(ValueError, match=told):
            Estimator(tasks="survival").fit([[0.0], [1.0]], [0.0, 1.0])
        with pytest.raises(
            ValueError, match=r"Task 0: Survival\(distribution='gamma'\); expected one of"
        ):
            Estimator(tasks=Survival("gamma")).fit([[0.0], [1.0]], [1.0, 1.0])

    @pytest.mark.parametrize("task", [Survival(), DiscreteHazards()])
    def test_labels_without_an_event_have_no_best_constant(self, task):
        y = np.array([1.0, 2.0, -3.0, 4.0])
        task.fit(read_column(y, "t"), np.ones(4), "t")
        assert np.isnan(task.prior(-np.abs(y), np.ones(4)))
        assert np.isnan(task.prior(y, (y < 0) * 1.0))
        assert 1.0 < task.prior(y, np.ones(4)) < 5.0

    @pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskMLP, MultiTaskKernelRidgeCV])
    def test_without_an_event_there_is_nothing_to_learn(self, Estimator):
        X, y = draw(n=60)
        model = Estimator(tasks=["survival", "regression"])
        model.fit(X, np.column_stack([-np.abs(y), X[:, 0]]))
        predicted = model.predict(X)
        assert np.isnan(predicted[:, 0]).all()
        assert np.isfinite(predicted[:, 1]).all()
