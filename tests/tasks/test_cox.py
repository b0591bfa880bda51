"""The order in which events come: against other packages, by its gradients, in every door."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from skmtl import (
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLP,
    MultiTaskMLPCV,
)
from skmtl.tasks import Cox, Survival, censored
from skmtl.tasks._baseline import Baseline
from skmtl.tasks._columns import read_column
from tests.oracles.test_references import FOUND, GIVEN, X, Y
from tests.tasks.test_predict_survival import draw

torch = pytest.importorskip("torch")
times = pytest.mark.parametrize("name", ["time", "tied"])


def fitted(y, weight=None):
    return Cox().fit(read_column(y, "y"), np.ones(len(y)) if weight is None else weight, "y")


def partial_likelihood(f, y, weight):
    """Minus its logarithm over the sum of weights, by going through all events."""
    total = 0.0
    for i in np.flatnonzero(y > 0):
        at_risk = np.abs(y) >= y[i]
        mean = np.average(np.exp(-f[at_risk]), weights=weight[at_risk])
        total += weight[i] * (np.log(mean) + f[i])
    return total / weight.sum()


class TestLossOfRows:
    def rows(self, n_values=6, n=40, seed=0):
        rng = np.random.default_rng(seed)
        y = rng.integers(1, n_values + 1, n) * np.where(rng.random(n) < 0.6, 1.0, -1.0)
        f = rng.normal(size=n)
        weight = rng.uniform(0.5, 2.0, n)
        return y, f - np.average(f, weights=weight), weight

    @pytest.mark.parametrize("n_values", [4, 1000])
    def test_is_the_partial_likelihood(self, n_values):
        y, f, weight = self.rows(n_values)
        task = fitted(y)
        raw, values, weights = (torch.tensor(part)[None] for part in (f[:, None], y, weight))
        loss = task.torch_loss_of_rows(raw, values, weights)[0].numpy()
        shift = np.log(len(y)) * (weight @ (y > 0)) / weight.sum()
        found = weight @ loss / weight.sum() - shift
        assert_allclose(found, partial_likelihood(f, y, weight), rtol=1e-12)
        assert (loss >= 0).all()

    def test_gradient(self):
        y, f, weight = self.rows()
        task = fitted(y)

        def total(scores):
            parts = (torch.tensor(part)[None] for part in (scores[:, None], y, weight))
            raw, values, weights = parts
            raw.requires_grad_()
            loss = (task.torch_loss_of_rows(raw, values, weights) * weights).sum()
            return loss.item(), torch.autograd.grad(loss, raw)[0].numpy()[0, :, 0]

        slope, h = total(f)[1], 1e-6
        apart = [total(f + h * e)[0] - total(f - h * e)[0] for e in np.eye(len(f))]
        assert_allclose(np.array(apart) / (2 * h), slope, atol=1e-7)

    def test_rows_without_a_label_are_not_there(self):
        y, f, weight = self.rows()
        weight[::3] = 0.0
        here = weight > 0
        task = fitted(y)
        some, every = (
            task.torch_loss_of_rows(
                *(torch.tensor(part[rows])[None] for part in (f[:, None], y, weight))
            )[0].numpy()
            for rows in (here, np.ones(len(y), bool))
        )
        assert_allclose(every[here], some, rtol=1e-12)

    def test_networks_and_tasks_do_not_see_each_other(self):
        y, f, weight = self.rows()
        task = fitted(y)
        raw = torch.tensor(np.stack([f, 2 * f, f[::-1], 0 * f], -1)).view(2, 20, 4, 1)
        values = torch.tensor(np.repeat(y[:, None], 4, 1)).view(2, 20, 4)
        weights = torch.tensor(np.repeat(weight[:, None], 4, 1)).view(2, 20, 4)
        together = task.torch_loss_of_rows(raw, values, weights)
        for m in range(2):
            for k in range(4):
                alone = task.torch_loss_of_rows(
                    raw[m : m + 1, :, k], values[m : m + 1, :, k], weights[m : m + 1, :, k]
                )
                assert_allclose(together[m, :, k], alone[0], rtol=1e-12)


class TestReferences:
    """scikit-survival's CoxPHSurvivalAnalysis, whose hazard rises with the score."""

    @times
    def test_linear_models(self, name):
        model = MultiTaskLinear("l2", alpha=0, tasks=Cox(), tol=1e-10)
        model.fit(X, censored(Y[name], Y["seen"]))
        known = FOUND["proportional"][name]
        assert_allclose(-model.coef_[0], known["coef"], atol=1e-4)
        assert_allclose(model.predict_survival(X[:3], [1.0, 3.0]), known["survival"], atol=1e-4)

    @times
    def test_linear_networks(self, name):
        model = MultiTaskMLP(
            (), tasks=Cox(), alpha=0.0, feature_scaling=None, random_state=0, tol=0.0,
            solver="sgd", learning_rate="constant", learning_rate_init=0.5, batch_size=len(X),
            max_iter=500,
        )  # fmt: skip
        model.fit(X, censored(Y[name], Y["seen"]))
        known = FOUND["proportional"][name]
        design = np.column_stack([np.ones(len(X)), X])
        coef = np.linalg.lstsq(design, model._raw(X, None)[:, 0], rcond=None)[0][1:]
        assert_allclose(-coef, known["coef"], atol=1e-4)
        assert_allclose(model.predict_survival(X[:3], [1.0, 3.0]), known["survival"], atol=1e-4)

    def test_data_are_theirs(self):
        assert set(GIVEN["data"]) > {"time", "tied", "seen"}


@pytest.mark.parametrize("penalty", ["l2", "l21"])
def test_penalised_and_weighted_it_is_the_best(penalty):
    X, y, _ = draw(120)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    model = MultiTaskLinear(penalty, alpha=0.1, tasks="cox", tol=1e-10).fit(X, y, weight)

    def objective(w):
        size = 0.5 * w @ w if penalty == "l2" else np.abs(w).sum()
        return partial_likelihood(X @ w, y, weight) + 0.1 * size

    best = objective(model.coef_[0])
    assert best <= minimize(objective, model.coef_[0], method="Nelder-Mead").fun + 1e-7
    assert best <= minimize(objective, np.zeros(3), method="Nelder-Mead").fun + 1e-7


def test_weights_are_repeated_rows():
    X, y, _ = draw(60)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    rows = np.repeat(np.arange(len(y)), weight)
    given = {"penalty": "l2", "alpha": 0.1, "tasks": "cox", "tol": 1e-10}
    weighed = MultiTaskLinear(**given).fit(X, y, weight)
    repeated = MultiTaskLinear(**given).fit(X[rows], y[rows])
    assert_allclose(weighed.coef_, repeated.coef_, atol=1e-5)
    found = weighed.predict_survival(X, [1.0, 2.0])
    assert_allclose(found, repeated.predict_survival(X, [1.0, 2.0]), atol=1e-5)


class TestBaseline:
    def test_without_scores_it_is_nelsons_and_aalens(self):
        y = np.array([1.0, -2.0, 3.0, 3.0, -3.0, 5.0])
        found = Baseline.of(y, np.ones(6))
        assert_array_equal(found.times, [1.0, 3.0, 5.0])
        assert_allclose(found.hazards, np.cumsum([1 / 6, 2 / 4, 1.0]))
        assert_allclose(
            found.at(np.array([0.5, 1.0, 2.9, 3.0, 5.0])), [0, *found.hazards[[0, 0, 1, 2]]]
        )
        assert_allclose(found.at(np.array([10.0])), 2.0 * found.hazards[-1])

    def test_as_many_events_are_expected_as_were_seen(self):
        rng = np.random.default_rng(0)
        y = rng.integers(1, 9, 50) * np.where(rng.random(50) < 0.5, 1.0, -1.0)
        f, weight = 3.0 * rng.normal(size=50), rng.uniform(0.5, 2.0, 50)
        found = Baseline.of(y, weight, f)
        # Behind the last event those of its time are at risk no longer.
        hazard = found.at(np.minimum(np.abs(y), found.times[-1]))
        assert_allclose(weight @ (hazard * np.exp(-f)), weight @ (y > 0), rtol=1e-12)
        moved = Baseline.of(y, weight, f + 500.0)
        assert_allclose(moved.hazards, np.exp(500.0) * found.hazards, rtol=1e-9)

    def test_scores_of_any_size_have_a_hazard(self):
        y = np.array([1.0, -2.0, 3.0, 4.0])
        for scores in ([0.0, 1e3, 0.0, 1e3], [1e5] * 4, [-1e5, 0.0, 1e5, 1e5]):
            found = Baseline.of(y, np.ones(4), np.array(scores))
            assert np.isfinite(found.hazards).all()
            assert (np.diff(found.hazards) >= 0).all()
            task = fitted(y).settled(np.array(scores)[:, None], y, np.ones(4))
            assert np.isfinite(task.shape_).all()

    def test_what_is_unknown_has_no_time(self):
        for y in ([1.0, -2.0], [1.0, 2.0]):
            found = Baseline.of(np.array(y), np.ones(2))
            assert_array_equal(found.time_of(np.array([np.nan, found.hazards[0]])), [np.nan, 1.0])

    def test_times_and_hazards_are_each_others_inverse(self):
        rng = np.random.default_rng(0)
        found = Baseline.of(rng.gamma(2.0, size=20), np.ones(20))
        times = found.times[0] + rng.gamma(2.0, 2.0, size=50)
        assert_allclose(found.time_of(found.between(times)), times, rtol=1e-12)


ESTIMATORS = {
    "linear": lambda **given: MultiTaskLinear(**given),
    "linear, searched": lambda **given: MultiTaskLinearCV(alphas=5, **given),
    "network": lambda **given: MultiTaskMLP(random_state=0, **given),
    "networks": lambda **given: MultiTaskMLPCV({"max_iter": [20]}, cv=3, random_state=0, **given),
}


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_probabilities_are_those_of_the_data(name, is_long):
    """Times whose hazards are proportional; a fifth of the labels are missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    rate = np.exp(-1.5 * X[:, 0])
    times, end = rng.exponential(1.0 / rate) ** 0.7, rng.exponential(3.0, size=400)
    y = censored(np.minimum(times, end), times < end)
    y[::5] = np.nan
    at = np.array([0.3, 1.0, 3.0])
    truth = np.exp(-rate[:, None] * at ** (1.0 / 0.7))
    if is_long:
        X = np.column_stack([np.arange(len(X)) % 2, X])
        model = ESTIMATORS[name](tasks="cox", task_feature=0).fit(X, y)
        found, medians = model.predict_survival(X, at), model.predict(X)
    else:
        Y = np.column_stack([y, X[:, 1], X[:, 2] > 0])
        model = ESTIMATORS[name](tasks=["cox", "regression", "binary"]).fit(X, Y)
        found, *others = model.predict_survival(X, at)
        assert others == [None, None]
        medians = model.predict(X)[:, 0]
    assert np.abs(found - truth).mean() < 0.06
    assert (np.diff(found, axis=1) <= 0).all()
    assert np.abs(np.log(medians / (np.log(2.0) / rate) ** 0.7)).mean() < 0.6
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))


def test_of_a_blend_every_candidate_has_its_own_baseline():
    X, y, _ = draw()
    model = MultiTaskMLPCV(
        {"max_iter": [5, 20], "alpha": [0.0, 1.0]}, cv=2, tasks="cox", random_state=0
    ).fit(X, y)
    hazards = [
        tasks.tasks[0].baseline_.hazards[-1]
        for fitted in model._stacks
        for tasks in fitted.task_sets
    ]
    assert len(set(hazards)) == len(set(model.members_["candidate"]))


@pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskMLP])
def test_a_task_that_comes_later(Estimator):
    X, y, _ = draw()
    given = {"random_state": 0} if Estimator is MultiTaskMLP else {}
    model = Estimator(tasks=["cox", "regression"], **given)
    model.fit(X, np.column_stack([y, X[:, 1]]))
    before = model.predict_survival(X, [1.0])[0]
    model.add_task(X[:40], 2.0 * y[:40], name=2, task=Cox())
    found = model.predict_survival(X, [1.0, 2.0])
    assert_array_equal(found[0][:, :1], before)
    # The same times, twice as long.
    assert np.abs(found[2][:, 1:] - before).mean() < 0.08


class TestRefusals:
    def test_kernels(self):
        X, y, _ = draw(40)
        with pytest.raises(ValueError, match=r"Task 0 is Cox\(\), whose loss is no sum .* kernel"):
            MultiTaskKernelRidgeCV(tasks="cox").fit(X, y)

    @pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskMLP])
    def test_streams(self, Estimator):
        X, y, _ = draw(40)
        told = r"Task 0 is Cox\(\): who is at risk in the rows of other calls partial_fit does not"
        with pytest.raises(ValueError, match=told):
            Estimator(tasks="cox").partial_fit(X, y)

    def test_the_loss_of_a_batch_is_not_that_of_another_type(self):
        assert Cox().sees_rows and not Survival().sees_rows
