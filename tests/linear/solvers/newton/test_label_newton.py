"""Steps with little between them and those of all tasks find the same, and both certify it."""

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskLinear
from skmtl.linear.solvers.newton import _hessian_choice as hessian_choice
from skmtl.linear.solvers.newton import _label_newton as label_newton
from skmtl.tasks import Count


def labels(kind, F, rng):
    """Labels of raw scores (n, 5) and their task types."""
    binary, count = F + rng.logistic(size=F.shape) > 0, rng.poisson(np.exp(0.5 * F))
    mixed = np.column_stack([binary[:, :2], count[:, 2], binary[:, 3], F[:, 4] + count[:, 4]])
    return {
        "binary": (binary, "binary"),
        "count": (count, "count"),
        "mixed": (mixed, ["binary", "binary", "count", "binary", "regression"]),
    }[kind]


@pytest.fixture(params=["binary", "count", "mixed"])
def data(request):
    """X (200, 5) with means, Y (200, 5) with gaps, weights of which some are 0, task types."""
    rng = np.random.default_rng(0)
    X = rng.normal([0.0, 1.0, -1.0, 0.5, 3.0], size=(200, 5))
    Y, tasks = labels(request.param, (X - X.mean(axis=0)) @ rng.normal(size=(5, 5)), rng)
    Y = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    return X, Y, rng.uniform(0.5, 2.0, Y.shape) * (rng.random(Y.shape) < 0.9), tasks


@pytest.fixture
def ways(monkeypatch):
    """Which solutions these steps found."""
    found, solve = [], label_newton.label_newton

    def recorded(*problem):
        found.append(solve(*problem))
        return found[-1]

    monkeypatch.setattr("skmtl.linear.solvers._newton.label_newton", recorded)
    return found


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("form", ["rows", "columns", "read only", "float32", "sparse", "rough"])
def test_the_same_optimum_as_other_steps(intercept, form, data, ways, monkeypatch):
    X, Y, weights, tasks = data
    monkeypatch.setattr(label_newton, "FEW_NUMBERS", 0 if form in {"rough", "rows"} else 2**17)
    if form == "rough":
        monkeypatch.setattr(hessian_choice, "ENOUGH_ROWS", 40)
        monkeypatch.setattr(hessian_choice, "ROWS_PER_FEATURE", 1)
    kinds = {"columns": np.asfortranarray, "float32": np.float32, "sparse": sparse.csr_array}
    given = kinds.get(form, np.array)(X)
    if form == "read only":
        given.flags.writeable = False
    options = {"alpha": 0.05, "tasks": tasks, "fit_intercept": intercept, "tol": 1e-10}
    few = MultiTaskLinear("l2", **options).fit(given, Y, sample_weight=weights)
    assert ways[-1] is not None and few.dual_gap_ <= 1e-8
    monkeypatch.setattr(label_newton, "MAX_FEATURES", 0)
    other = MultiTaskLinear("l2", **options).fit(given, Y, sample_weight=weights)
    assert ways[-1] is None
    np.testing.assert_allclose(few.coef_, other.coef_, atol=2e-5)
    np.testing.assert_allclose(few.intercept_, other.intercept_, atol=2e-5)


def test_a_start_is_used(data, ways):
    X, Y, weights, tasks = data
    model = MultiTaskLinear("l2", alpha=0.05, tasks=tasks, tol=1e-8, warm_start=True)
    first = model.fit(X, Y, sample_weight=weights).n_iter_
    assert model.fit(X, Y, sample_weight=weights).n_iter_ == 1 < first
    assert all(way is not None for way in ways)


def test_one_label_and_no_columns(ways):
    X, y = np.ones((9, 1)), np.arange(9) % 2
    model = MultiTaskLinear("l2", alpha=1.0, tasks="binary", tol=1e-8).fit(X, y)
    assert ways[-1] is not None and model.coef_[0, 0] == 0.0
    assert model.intercept_[0] == pytest.approx(np.log(4.0 / 5.0), abs=1e-6)


class Twice(Count):
    """A stranger's task type: a loss that there is no compiled function of."""

    alias = "twice"

    def loss_and_grad(self, raw, values):
        loss, grad = super().loss_and_grad(raw, values)
        return 2.0 * loss, 2.0 * grad

    def curvature(self, raw, values, direction):
        return 2.0 * super().curvature(raw, values, direction)

    def conjugate(self, dual, values):
        return 2.0 * super().conjugate(dual / 2.0, values)


def test_other_losses_and_penalties_go_another_way(ways):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.poisson(2.0, size=60)
    plain = MultiTaskLinear("l2", alpha=0.05, tasks="count", tol=1e-9).fit(X, y)
    assert ways[-1] is not None
    model = MultiTaskLinear("l2", alpha=0.1, tasks=Twice(), tol=1e-9).fit(X, y)
    assert ways[-1] is None
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-4)
    for alpha, tasks in ((0.0, "count"), (0.05, "multiclass")):
        MultiTaskLinear("l2", alpha=alpha, tasks=tasks).fit(X, y)
        assert ways[-1] is None
