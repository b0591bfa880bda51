"""Penalties from outside the package go wherever ours do."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskLinear, MultiTaskLinearCV, MultiTaskLinearRegressor, stack_tasks
from skmtl.compose import TaskGrouping
from skmtl.inspection.report import MultiTaskReport
from skmtl.linear.penalties import L1, L2, L21, Fused, L1Inf, MeanDeviation, Split, TraceNorm
from skmtl.tasks import LabelWarning
from skmtl.testing import check_penalty
from tests.strangers.penalties import STRANGERS, DeviationNorm, GroupL2, HuberL1, TaskL1

every_stranger = pytest.mark.parametrize("name", sorted(STRANGERS))
EXACT = {"tol": 1e-10, "max_iter": 20_000}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(1.0, 1.0, size=(40, 4))
    W = rng.normal(size=(4, 1)) + 0.5 * rng.normal(size=(4, 3))
    return X, X @ W + rng.normal(size=(40, 3))


@every_stranger
def test_properties(name):
    check_penalty(STRANGERS[name])


@every_stranger
@pytest.mark.parametrize("form", ["complete", "gaps", "long", "classes"])
def test_fits_are_certified(name, form, data):
    X, Y = data
    model = MultiTaskLinear(STRANGERS[name], alpha=0.05, **EXACT)
    if form == "gaps":
        Y = np.where(np.random.default_rng(1).random(Y.shape) < 0.3, np.nan, Y)
    if form == "long":
        X, y = stack_tasks([X[:20], X[5:], X], [Y[:20, 0], Y[5:, 1], Y[:, 2]])
        model.set_params(task_feature=0).fit(X, y)
    elif form == "classes":
        model.set_params(tasks="multiclass").fit(X, np.digitize(Y, [0.0, 2.0]))
    else:
        model.fit(X, Y)
    assert model.dual_gap_ <= 1e-10 * 0.5 * 3 * max(np.nanvar(Y, axis=0).max(), 2.0)


@every_stranger
@pytest.mark.parametrize("solver", ["admm", "proximal_gradient"])
def test_solvers_agree(name, solver, data):
    found = MultiTaskLinear(STRANGERS[name], alpha=0.05, solver=solver, **EXACT).fit(*data)
    auto = MultiTaskLinear(STRANGERS[name], alpha=0.05, **EXACT).fit(*data)
    np.testing.assert_allclose(found.coef_, auto.coef_, atol=1e-4)


@every_stranger
def test_sums_and_splits_with_ours(name, data):
    stranger = STRANGERS[name]
    for penalty in (
        stranger + 0.3 * L1(),
        0.3 * L1Inf() + 2 * stranger,
        stranger + TraceNorm() + L2(),
        stranger + 0.5 * Fused(),
        stranger + MeanDeviation() + 0.1 * L21(),
        Split(stranger, L21(axis="tasks")),
        Split(L1(), 0.5 * stranger + 0.1 * L1()),
    ):
        model = MultiTaskLinear(penalty, alpha=0.05, tol=1e-6, max_iter=20_000).fit(*data)
        assert model.dual_gap_ <= 1e-6 * 0.5 * np.var(data[1], axis=0).sum()


@every_stranger
def test_searches(name, data):
    X, Y = data
    search = GridSearchCV(
        MultiTaskLinearRegressor(STRANGERS[name], alpha=0.01),
        {"penalty__weight": [0.1, 100.0]},
        error_score="raise",
        cv=3,
    ).fit(X, Y)
    assert search.best_params_["penalty__weight"] == 0.1
    assert search.best_estimator_.penalty.weight == 0.1
    grid = {"penalty__weight": [0.5, 1.0]}
    model = MultiTaskLinearCV(STRANGERS[name], alphas=5, grid=grid, cv=3).fit(X, Y)
    assert model.score(X, Y) > 0.3


@every_stranger
def test_pickles_and_reports(name, data):
    X, Y = data
    model = MultiTaskLinear(STRANGERS[name], alpha=0.05).fit(X, Y)
    loaded = pickle.loads(pickle.dumps(model))
    assert (loaded.predict(X) == model.predict(X)).all()
    assert repr(loaded.penalty) == repr(model.penalty)
    assert type(model.penalty).__name__ in repr(clone(model))
    report = MultiTaskReport(model, X, Y)
    unexplained = ((Y - model.predict(X)) ** 2).mean(axis=0) / Y.var(axis=0)
    np.testing.assert_allclose(report.to_frame()["score"], 1.0 - unexplained)


# -- against models that are known ----------------------------------------------------------------


def test_groups_of_one_feature_are_l21(data):
    ours, theirs = (
        MultiTaskLinear(penalty, alpha=0.2, **EXACT).fit(*data)
        for penalty in (L21(), GroupL2([3, 0, 2, 1]))
    )
    np.testing.assert_allclose(theirs.coef_, ours.coef_, atol=1e-5)
    with pytest.raises(ValueError, match="GroupL2: 2 groups for 4 features"):
        MultiTaskLinear(GroupL2([0, 1])).fit(*data)


def test_positive(data):
    X, Y = data
    for penalty in (GroupL2([0, 1, 0, 1]), HuberL1(0.5), TaskL1([1.0, 2.0, 0.5])):
        model = MultiTaskLinear(penalty, alpha=0.02, positive=True, **EXACT).fit(X, -Y)
        assert (model.coef_ >= 0).all()
        assert model.dual_gap_ <= 1e-10 * 0.5 * np.var(Y, axis=0).sum()
    with pytest.raises(ValueError, match="positive=True does not go with DeviationNorm"):
        MultiTaskLinear(DeviationNorm(), positive=True).fit(X, Y)


@pytest.mark.parametrize("given", ["array", "series"])
def test_a_factor_stays_with_its_task(given, data):
    X, Y = data
    Y = pd.DataFrame(Y, columns=["a", "b", "c"])
    Y["b"] = np.nan
    factors = [1.0, 7.0, 2.0]
    if given == "series":
        factors = pd.Series([2.0, 1.0, 7.0], index=["c", "a", "b"])
    with pytest.warns(LabelWarning):
        model = MultiTaskLinear(TaskL1(factors), alpha=0.1, **EXACT).fit(X, Y)
    for t, factor in ((0, 1.0), (2, 2.0)):
        alone = Lasso(alpha=0.1 * factor, tol=1e-12).fit(X, Y.iloc[:, t])
        np.testing.assert_allclose(model.coef_[t], alone.coef_, atol=1e-5)
    # Tasks of a group have the factors that they have among all.
    rest = Y.drop(columns="b")
    grouped = TaskGrouping(MultiTaskLinearRegressor(TaskL1([1.0, 2.0]), alpha=0.1, **EXACT), 2)
    together = MultiTaskLinearRegressor(TaskL1([1.0, 2.0]), alpha=0.1, **EXACT)
    expected = together.fit(X, rest).predict(X)
    np.testing.assert_allclose(grouped.fit(X, rest).predict(X), expected, atol=1e-5)


def test_what_tasks_share_is_free(data):
    X, Y = data
    model = MultiTaskLinear(DeviationNorm(), alpha=1e4, **EXACT).fit(X, Y)
    mean = MultiTaskLinear(MeanDeviation(), alpha=1e8, **EXACT).fit(X, Y)
    np.testing.assert_allclose(model.coef_, mean.coef_, atol=1e-4)


class Unpenalised(GroupL2):
    """A seminorm: features of group -1 are free, which no attribute says."""

    def _norms(self, W):
        norms, by_group = super()._norms(W)
        is_free = np.array(self.groups)[:, None] == -1
        return np.where(is_free, 0.0, norms), by_group[np.unique(self.groups) != -1]

    def prox(self, W, step):
        is_free = np.array(self.groups)[:, None] == -1
        return np.where(is_free, W, super().prox(W, step))

    def dual_norm(self, Z):
        return np.inf if Z[np.array(self.groups) == -1].any() else super().dual_norm(Z)


def test_what_is_not_said_is_slow_and_not_wrong(data):
    X, Y = data
    penalty = Unpenalised([0, 0, -1, 1])
    with pytest.warns(ConvergenceWarning, match="duality gap"):
        model = MultiTaskLinear(penalty, alpha=0.1, max_iter=300).fit(X, Y)
    assert model.dual_gap_ > 0.1
    with pytest.warns(ConvergenceWarning):
        search = MultiTaskLinearCV(penalty, alphas=3, cv=2, max_iter=50).fit(X, Y)
    assert np.isfinite(search.alphas_).all()
