"""A task type outside the package, in one file, goes through everything."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import GammaRegressor
from sklearn.metrics import d2_tweedie_score, mean_gamma_deviance
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmtl import (
    IndependentTasks,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskReport,
    PooledTasks,
    TargetScaler,
    TaskChain,
    make_multitask_scorer,
    task_scores,
)
from skmtl.metrics import d2_score, multitask_score
from skmtl.testing import check_task
from tests.strangers.gamma import Gamma

TASKS = [Gamma(), Gamma(), "regression", "binary"]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 4))
    score = X @ rng.normal(scale=0.4, size=(4, 4))
    y = np.column_stack(
        [
            rng.gamma(3.0, np.exp(1.0 + score[:, 0]) / 3.0),
            rng.gamma(3.0, np.exp(2.0 + score[:, 1]) / 3.0),
            score[:, 2] + 0.3 * rng.normal(size=240),
            score[:, 3] > 0,
        ]
    )
    y[rng.random(y.shape) < 0.2] = np.nan
    return X, y


@pytest.fixture(scope="module")
def linear(data):
    return MultiTaskLinear("l21", alpha=0.01, tasks=TASKS).fit(*data)


def observed(y, t):
    return ~np.isnan(y[:, t])


def test_properties():
    check_task(Gamma())
    check_task(Gamma(), np.random.default_rng(1).gamma(1.0, 1e3, 60))


def test_linear_is_certified(data, linear):
    # At most tol times the loss of constants, which is above 1 here.
    assert 0 <= linear.dual_gap_ <= 1e-3
    alone = MultiTaskLinear("l2", alpha=1e-8, tasks=Gamma(), tol=1e-10, max_iter=10_000)
    X, y = data[0], data[1][:, :2]
    rows = observed(y, 0) & observed(y, 1)
    found = alone.fit(X[rows], y[rows])
    for t in range(2):
        peer = GammaRegressor(alpha=0.0, tol=1e-10, max_iter=10_000).fit(X[rows], y[rows, t])
        np.testing.assert_allclose(found.coef_[t], peer.coef_, atol=1e-4)


def test_it_is_not_standardised_beside_other_types(linear, data):
    gamma = linear.tasks_[0]
    assert (gamma.location_, gamma.scale_) == (0.0, 1.0)
    assert (linear.predict(data[0])[:, :2] > 0).all()


def test_scores_agree(data, linear):
    X, y = data
    scores = task_scores(linear, X, y)
    predicted = linear.predict(X)
    rows = observed(y, 0)
    expected = d2_tweedie_score(y[rows, 0], predicted[rows, 0], power=2)
    assert scores["0"] == pytest.approx(expected, rel=1e-9)
    found = d2_score(
        y,
        [*predicted[:, :3].T, linear.predict_proba(X)[3]],
        tasks=linear.tasks_,
        average=None,
    )
    assert found == pytest.approx({key: scores[key] for key in "0123"}, rel=1e-9)
    assert linear.score(X, y) == pytest.approx(scores["mean"])


@pytest.mark.parametrize("key", ["gamma", Gamma])
def test_metrics_by_type(data, linear, key):
    X, y = data
    metric = {key: mean_gamma_deviance, "regression": "r2"}
    scores = make_multitask_scorer(metric, average=None, greater_is_better=False)(linear, X, y)
    rows = observed(y, 0)
    expected = -mean_gamma_deviance(y[rows, 0], linear.predict(X)[rows, 0])
    assert scores["0"] == pytest.approx(expected)
    assert set(scores) == {"mean", "worst", "0", "1", "2"}
    found = multitask_score(
        y[:, :2], linear.predict(X)[:, :2], {key: mean_gamma_deviance}, tasks=Gamma(), average=None
    )
    assert found["0"] == pytest.approx(-expected)


def test_regression_stands_for_it_where_it_is_not_named(data, linear):
    scores = make_multitask_scorer({"regression": "r2"}, average=None)(linear, *data)
    assert {"0", "1", "2"} < set(scores)


def test_an_alias_that_no_type_has_is_refused(data, linear):
    with pytest.raises(ValueError, match=r"metric names 'gama', .*no task.*Did you mean 'gamma'"):
        make_multitask_scorer({"gama": "r2"})(linear, *data)


def test_search_and_pickle(data, linear):
    X, y = data
    search = GridSearchCV(clone(linear), {"alpha": [0.01, 0.1]}, scoring=task_scores, refit="mean")
    assert np.isfinite(search.fit(X, y).best_score_)
    again = pickle.loads(pickle.dumps(search))
    assert (again.predict(X) == search.predict(X)).all()
    path = MultiTaskLinearCV(alphas=4, eps=0.01, cv=3, tasks=TASKS).fit(X, y)
    assert np.isfinite(path.score(X, y))


def test_wrong_labels_are_named(data):
    X, y = data
    with pytest.raises(ValueError, match="Task 0 is gamma, but has the label -1"):
        MultiTaskLinear(tasks=Gamma()).fit(X, np.where(np.isnan(y), 1.0, -1.0))


def test_network(data):
    pytest.importorskip("torch")
    from skmtl import MultiTaskMLP

    X, y = data
    model = MultiTaskMLP((16,), tasks=TASKS, learning_rate_init=0.01, random_state=0).fit(X, y)
    assert task_scores(model, X, y)["0"] > 0.2
    twin = clone(model).fit(X, y)
    assert (twin.predict(X) == model.predict(X)).all()
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(X) == model.predict(X)).all()


def test_default_estimator_and_pools(data):
    X, y = data
    alone = IndependentTasks(tasks=TASKS).fit(X, y)
    assert [type(e).__name__ for e in alone.estimators_] == [
        "GammaRegressor",
        "GammaRegressor",
        "Ridge",
        "LogisticRegression",
    ]
    assert np.isfinite(cross_val_score(alone, X, y, cv=3)).all()
    pooled = PooledTasks(tasks=TASKS).fit(X, y)
    assert [pool.tolist() for pool in pooled.pools_] == [[2], [0, 1], [3]]
    assert type(pooled.estimators_[1]).__name__ == "GammaRegressor"
    assert np.isfinite(TaskChain(order="affinity", cv=3, tasks=TASKS).fit(X, y).score(X, y))


def test_target_scaler_leaves_it_alone(data):
    X, y = data
    model = TargetScaler(MultiTaskLinear("l2", alpha=0.01), tasks=TASKS).fit(X, y)
    assert [transformer is None for transformer in model.transformers_] == [
        True,
        True,
        False,
        True,
    ]


def test_report(data, linear):
    report = MultiTaskReport(clone(linear), *data, cv=2)
    table = report.to_frame() if hasattr(report, "to_frame") else None
    html = report._repr_html_()
    assert "gamma" in html
    assert table is None or "gamma" in table["type"].tolist()
