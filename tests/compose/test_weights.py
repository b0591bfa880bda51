"""Weights of labels reach what learns, through pipelines, searches and metadata routing."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor, StackingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmtl import IndependentTasks, MultiTaskLinear
from skmtl.compose import PooledTasks, TargetScaler, TaskChain, TaskGrouping
from skmtl.compose._weights import fit_weighted
from skmtl.inspection import MultiTaskReport, transfer_gain
from skmtl.tasks import Binary


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(60, 3))


@pytest.fixture
def y(X):
    return X[:, 0] + np.abs(X[:, 1]) + 0.1 * np.random.default_rng(1).normal(size=60)


@pytest.fixture
def weights():
    return np.random.default_rng(2).uniform(0.2, 3.0, 60)


@pytest.fixture(params=[False, True], ids=["plain", "routing"])
def routing(request):
    with sklearn.config_context(enable_metadata_routing=request.param):
        yield request.param


RIDGE = make_pipeline(StandardScaler(), Ridge())
GRID = {"ridge__alpha": [0.1, 10.0]}

# An estimator, and what it is to be equal to: fitted by hand with weights.
LEARNERS = {
    "alone": (Ridge(), lambda X, y, w: Ridge().fit(X, y, sample_weight=w)),
    "forest": (
        RandomForestRegressor(3, random_state=0),
        lambda X, y, w: RandomForestRegressor(3, random_state=0).fit(X, y, sample_weight=w),
    ),
    "pipeline": (RIDGE, lambda X, y, w: _plain(RIDGE, X, y, ridge__sample_weight=w)),
    "search": (
        GridSearchCV(RIDGE, GRID, cv=3),
        lambda X, y, w: _plain(GridSearchCV(RIDGE, GRID, cv=3), X, y, ridge__sample_weight=w),
    ),
    "scored search": (
        make_pipeline(
            StandardScaler(), GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, scoring="r2")
        ),
        lambda X, y, w: _plain(
            make_pipeline(StandardScaler(), GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]})),
            X,
            y,
            gridsearchcv__sample_weight=w,
        ),
    ),
    "stacking": (
        StackingRegressor([("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))]),
        lambda X, y, w: _plain(
            StackingRegressor([("ridge", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))]),
            X,
            y,
            sample_weight=w,
        ),
    ),
    "voting": (
        VotingRegressor([("ridge", Ridge()), ("linear", LinearRegression())]),
        lambda X, y, w: _plain(
            VotingRegressor([("ridge", Ridge()), ("linear", LinearRegression())]),
            X,
            y,
            sample_weight=w,
        ),
    ),
    "transformed": (
        TransformedTargetRegressor(Ridge(), func=np.sinh, inverse_func=np.arcsinh),
        lambda X, y, w: _plain(
            TransformedTargetRegressor(Ridge(), func=np.sinh, inverse_func=np.arcsinh),
            X,
            y,
            sample_weight=w,
        ),
    ),
}


def _plain(estimator, X, y, **parameters):
    with sklearn.config_context(enable_metadata_routing=False):
        return sklearn.clone(estimator).fit(X, y, **parameters)


@pytest.mark.parametrize(("estimator", "by_hand"), LEARNERS.values(), ids=LEARNERS)
def test_equals_a_fit_by_hand(estimator, by_hand, routing, X, y, weights):
    model = IndependentTasks(estimator).fit(X, y, sample_weight=weights)
    expected = by_hand(X, y, weights).predict(X)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-10)
    assert not np.allclose(IndependentTasks(estimator).fit(X, y).predict(X), expected)


class TestRequests:
    """What the user asked of metadata routing holds; what is open is closed as without it."""

    def test_of_a_transformer(self, X, y, weights):
        with sklearn.config_context(enable_metadata_routing=True):
            asked = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), Ridge())
            found = IndependentTasks(asked).fit(X, y, sample_weight=weights).predict(X)
            plain = IndependentTasks(RIDGE).fit(X, y, sample_weight=weights).predict(X)
            asked[-1].set_fit_request(sample_weight=True)
            expected = asked.fit(X, y, sample_weight=weights).predict(X)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert not np.allclose(found, plain, rtol=1e-6)

    def test_of_a_scorer(self, X, y, weights):
        heavy = np.where(np.arange(60) < 20, 50.0, 0.02)
        with sklearn.config_context(enable_metadata_routing=True):
            scorer = make_scorer(r2_score).set_score_request(sample_weight=True)
            search = GridSearchCV(RIDGE, {"ridge__alpha": [0.1, 1e3]}, scoring=scorer, cv=3)
            found = IndependentTasks(search).fit(X, y, sample_weight=heavy).estimators_[0]
            ridge = Ridge().set_fit_request(sample_weight=True)
            scaler = StandardScaler().set_fit_request(sample_weight=False)
            by_hand = GridSearchCV(
                make_pipeline(scaler, ridge), {"ridge__alpha": [0.1, 1e3]}, scoring=scorer, cv=3
            ).fit(X, y, sample_weight=heavy)
        expected = by_hand.cv_results_["mean_test_score"]
        np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected)

    def test_that_refuse(self, X, y, weights):
        with sklearn.config_context(enable_metadata_routing=True):
            asked = make_pipeline(Ridge().set_fit_request(sample_weight=False))
            with pytest.raises(ValueError, match=r"different weight, but Ridge .*sample_weight"):
                IndependentTasks(asked).fit(X, y, sample_weight=weights)

    def test_of_these_estimators(self, X, y, weights):
        """They ask for weights as any estimator of scikit-learn."""
        with sklearn.config_context(enable_metadata_routing=True):
            inner = IndependentTasks(RIDGE).set_fit_request(sample_weight=True)
            scaler = StandardScaler().set_fit_request(sample_weight=False)
            found = make_pipeline(scaler, inner).fit(X, y, sample_weight=weights).predict(X)
        scaled = StandardScaler().fit_transform(X)
        expected = IndependentTasks(RIDGE).fit(scaled, y, sample_weight=weights).predict(scaled)
        np.testing.assert_allclose(found, expected, rtol=1e-10)

    def test_the_estimator_given_is_not_changed(self, routing, X, y, weights):
        template = make_pipeline(StandardScaler(), StackingRegressor([("ridge", Ridge())]))
        IndependentTasks(template).fit(X, y, sample_weight=weights)
        parts = [template, *template.get_params(deep=True).values()]
        assert not any("_metadata_request" in getattr(part, "__dict__", {}) for part in parts)


CLASSIFIERS = {
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "search": GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [0.1, 1.0]},
        cv=3,
    ),
    "fixed threshold": FixedThresholdClassifier(
        make_pipeline(StandardScaler(), LogisticRegression()), threshold=0.4
    ),
    "tuned threshold": TunedThresholdClassifierCV(LogisticRegression(), cv=3, thresholds=10),
    "calibrated": CalibratedClassifierCV(LogisticRegression(), cv=3),
}


@pytest.mark.parametrize("given", CLASSIFIERS.values(), ids=CLASSIFIERS)
@pytest.mark.parametrize(
    "hold",
    [
        IndependentTasks,
        PooledTasks,
        lambda e, **kw: TaskChain(e, cv=2, **kw),
        lambda e, **kw: TargetScaler(IndependentTasks(e), **kw),
        lambda e, **kw: TaskGrouping(IndependentTasks(e), 1, **kw),
    ],
    ids=["independent", "pooled", "chain", "scaled", "grouping"],
)
def test_class_weights_alone(hold, given, routing, X):
    labels = (X[:, 0] + X[:, 1] > 1.2).astype(int)
    model = hold(given, tasks=Binary(class_weight="balanced")).fit(X, labels)
    counts = np.bincount(labels)
    weights = (len(labels) / (2 * counts))[labels]
    expected = hold(given, tasks="binary").fit(X, labels, sample_weight=weights)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-9)
    plain = hold(given, tasks="binary").fit(X, labels)
    assert not np.allclose(model.predict_proba(X), plain.predict_proba(X), rtol=1e-3)


@pytest.mark.parametrize("given", [KNeighborsRegressor(), make_pipeline(KNeighborsRegressor())])
def test_what_takes_no_weights(given, routing, X, y, weights):
    message = r"Task 0 has labels of different weight, but KNeighborsRegressor takes no sample_w"
    with pytest.raises(ValueError, match=message):
        IndependentTasks(given).fit(X, y, sample_weight=weights)
    model = IndependentTasks(KNeighborsClassifier(), tasks=Binary(class_weight="balanced"))
    with pytest.raises(
        ValueError, match=r"KNeighborsClassifier takes no sample_weight.*class_weigh"
    ):
        model.fit(X, X[:, 0] > 0.5)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), MultiTaskLinear("mean_deviation", alpha=0.1)),
        GridSearchCV(
            make_pipeline(StandardScaler(), MultiTaskLinear("mean_deviation")),
            {"multitasklinear__alpha": [0.1]},
            cv=2,
        ),
        make_pipeline(StandardScaler(), IndependentTasks(RIDGE)),
    ],
    ids=["pipeline", "search", "inside"],
)
def test_inspection(model, routing, X, y, weights):
    Y = pd.DataFrame({"a": y, "b": -y + X[:, 2]})
    gains = transfer_gain(
        model, X, Y, cv=2, sample_weight=weights, baseline=IndependentTasks(RIDGE)
    )
    report = MultiTaskReport(model, X, Y, cv=2, sample_weight=weights, affinity=None)
    with sklearn.config_context(enable_metadata_routing=False):
        plain = transfer_gain(
            model, X, Y, cv=2, sample_weight=weights, baseline=IndependentTasks(RIDGE)
        )
        page = MultiTaskReport(model, X, Y, cv=2, sample_weight=weights, affinity=None)
    assert (gains.loss_together == plain.loss_together).all()
    assert (gains.loss_alone == plain.loss_alone).all()
    pd.testing.assert_frame_equal(report.to_frame(), page.to_frame())


def test_a_network_in_a_pipeline_with_routing(X, y, weights):
    scaled = StandardScaler().fit_transform(X)
    plain = MultiTaskLinear("l2", alpha=0.1).fit(scaled, y, sample_weight=weights)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), MultiTaskLinear("l2", alpha=0.1))
        found = fit_weighted(pipeline, X, y, weights, "y")
        grouped = TaskGrouping(pipeline, 1).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(found[-1].coef_, plain.coef_)
    np.testing.assert_allclose(grouped.estimators_[0][-1].coef_, plain.coef_)
