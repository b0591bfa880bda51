"""Classes with an order: the most likely thresholds, in every estimator."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit

from skmtl import (
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLP,
    MultiTaskMLPCV,
)
from skmtl.tasks import Ordinal
from skmtl.tasks._columns import read_column

CUTS = [-2.0, 0.0, 0.5, 3.0]


def draw(n=300, seed=0):
    """Features, and grades 0 to 4 with logistic noise on what they say."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, np.digitize(X @ [1.5, -1.0, 0.5, 0.0] + rng.logistic(size=n), CUTS)


def most_likely(X, y, weight=None, alpha=0.0):
    """Thresholds and coefficients that maximise the likelihood, written out plainly."""
    n_classes, n_features = y.max() + 1, X.shape[1]
    weight = np.ones(len(y)) if weight is None else weight

    def thresholds(p):
        return np.cumsum(np.r_[p[0], np.exp(p[1 : n_classes - 1])])

    def objective(p):
        ends, w = np.r_[-np.inf, thresholds(p), np.inf], p[-n_features:]
        share = expit(ends[y + 1] - X @ w) - expit(ends[y] - X @ w)
        return -np.average(np.log(share), weights=weight) + 0.5 * alpha * w @ w

    start = np.r_[-1.0, np.zeros(n_classes - 2 + n_features)]
    found = minimize(objective, start, method="BFGS", options={"gtol": 1e-9}).x
    return thresholds(found), found[-n_features:]


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("penalty", ["l2", "l1", "trace_norm"])
def test_thresholds_and_coefficients_are_the_most_likely_ones(penalty, alpha):
    if alpha and penalty != "l2":
        pytest.skip("written out for a ridge alone")
    X, y = draw()
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    thresholds, coef = most_likely(X, y, weight, alpha)
    model = MultiTaskLinear(penalty, alpha=alpha, tasks="ordinal", tol=1e-10)
    model.fit(X, y, sample_weight=weight)
    assert_allclose(model.coef_.ravel(), coef, atol=1e-5)
    assert_allclose(model.tasks_[0].thresholds_ - model.intercept_, thresholds, atol=1e-5)
    assert model.dual_gap_ <= 1e-9


def test_tasks_share_and_have_thresholds_of_their_own():
    """Each has those that it has alone where nothing is shared."""
    X, y = draw()
    Y = np.column_stack([y, np.minimum(y, 2), y > 2]).astype(float)
    Y[::3, 0] = np.nan
    types = ["ordinal", "ordinal", "binary"]
    together = MultiTaskLinear("l2", alpha=0.05, tasks=types, tol=1e-9).fit(X, Y)
    for t, of_task in enumerate(Y.T):
        alone = MultiTaskLinear("l2", alpha=0.05, tasks=types[t], tol=1e-9)
        alone.fit(X[np.isfinite(of_task)], of_task[np.isfinite(of_task)])
        assert_allclose(together.coef_[t], alone.coef_[0], atol=1e-4)
        assert_allclose(together.tasks_[t].shape_, alone.tasks_[0].shape_, atol=1e-3)
    joint = MultiTaskLinear("l21", alpha=0.05, tasks=types, tol=1e-7).fit(X, Y)
    assert joint.dual_gap_ <= 1e-6
    assert not np.allclose(joint.coef_, together.coef_, atol=1e-2)


def test_long_form_has_thresholds_that_all_tasks_share():
    X, y = draw()
    task = np.arange(len(y)) % 3
    model = MultiTaskLinear("mean", alpha=1.0, tasks="ordinal", task_feature=0, tol=1e-8)
    model.fit(np.column_stack([task, X]), y)
    assert model.tasks_[0].thresholds_.shape == (4,)
    alone = MultiTaskLinear("l2", alpha=0.0, tasks="ordinal").fit(X, y)
    assert_allclose(model.tasks_[0].thresholds_, alone.tasks_[0].thresholds_, rtol=0.2)


@pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskKernelRidgeCV])
def test_two_classes_are_a_binary_task(Estimator):
    X, y = draw()
    y = y > 2
    one, other = (Estimator(tasks=tasks).fit(X, y) for tasks in ("ordinal", "binary"))
    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-8)


def test_two_classes_are_a_binary_task_of_networks():
    X, y = draw(100)
    one, other = (
        MultiTaskMLP(tasks=tasks, random_state=0).fit(X, y > 2) for tasks in ("ordinal", "binary")
    )
    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-5)


def test_the_other_way_round_is_the_same_model():
    X, y = draw()
    up, down = (
        MultiTaskLinear("l2", alpha=0.1, tol=1e-10, tasks=Ordinal(classes=classes)).fit(X, y)
        for classes in (range(5), range(4, -1, -1))
    )
    assert_allclose(up.coef_, -down.coef_, atol=1e-6)
    assert_allclose(up.predict_proba(X), down.predict_proba(X), atol=1e-5)
    assert_array_equal(down.tasks_[0].ordered_classes_, [4, 3, 2, 1, 0])
    assert_array_equal(down.classes_, np.arange(5))


@pytest.mark.parametrize(
    "Estimator, given",
    [
        (MultiTaskLinear, {}),
        (MultiTaskLinearCV, {"alphas": 5}),
        (MultiTaskMLP, {"random_state": 0}),
        (MultiTaskMLPCV, {"random_state": 0}),
        (MultiTaskKernelRidgeCV, {}),
    ],
)
def test_probabilities_go_up_with_the_order(Estimator, given):
    """Of any threshold, a row with a higher score exceeds it with higher probability."""
    X, y = draw()
    words = np.array(["awful", "bad", "fair", "good", "great"], dtype=object)[y]
    order = ["awful", "bad", "fair", "good", "great"]
    Y = pd.DataFrame({"grade": pd.Categorical(words, order[::-1], ordered=True), "number": X[:, 0]})
    Y.loc[::4, "grade"] = None
    model = Estimator(**given).fit(X, Y)
    task = model.tasks_[0]
    assert task.alias == "ordinal"
    assert_array_equal(task.ordered_classes_, order[::-1])
    assert_array_equal(task.classes_, order)
    probability = model.predict_proba(X)[0]
    assert_allclose(probability.sum(axis=1), 1.0)
    exceeding = probability.cumsum(axis=1)[:, :-1]
    if Estimator not in (MultiTaskMLP, MultiTaskMLPCV, MultiTaskKernelRidgeCV):
        ranks = exceeding.argsort(axis=0).argsort(axis=0)
        assert_array_equal(ranks, np.repeat(ranks[:, :1], 4, axis=1))
    assert model.score(X, Y) > 0.2


def test_scores_of_folds_are_those_of_their_own_thresholds():
    """Refitting by hand on the rows of each fold gives the scores of the search."""
    X, y = draw(120)
    folds = [(np.arange(60), np.arange(60, 120)), (np.arange(60, 120), np.arange(60))]
    search = MultiTaskLinearCV("l2", alphas=[0.3, 0.01], cv=folds, tasks="ordinal", tol=1e-8)
    search.fit(X, y)
    paths = np.reshape(search.score_path_, (2, 2))
    for alpha, of_folds in zip(np.ravel(search.alphas_), paths, strict=True):
        for (train, test), found in zip(folds, of_folds, strict=True):
            model = MultiTaskLinear("l2", alpha=alpha, tasks="ordinal", tol=1e-8)
            score = model.fit(X[train], y[train]).score(X[test], y[test])
            assert_allclose(found, score, atol=1e-5)


class TestReading:
    def test_ordered_categories_are_ordinal(self):
        column = pd.Series(pd.Categorical(["b", "a", "c"], ["c", "b", "a"], ordered=True))
        task = Ordinal().fit(read_column(column, "y"), np.ones(3), "y")
        assert task.ordered_classes_.tolist() == ["c", "b", "a"]
        pl = pytest.importorskip("polars")
        column = pl.Series(["b", "a", "c"], dtype=pl.Enum(["c", "b", "a"]))
        task = Ordinal().fit(read_column(column, "y"), np.ones(3), "y")
        assert task.ordered_classes_.tolist() == ["c", "b", "a"]

    @pytest.mark.parametrize("categories, alias", [("cba", "ordinal"), ("ba", "binary")])
    def test_auto(self, categories, alias):
        y = pd.Series(pd.Categorical(list(categories) * 10, list(categories), ordered=True))
        model = MultiTaskLinear().fit(np.random.default_rng(0).normal(size=(len(y), 2)), y)
        assert model.tasks_[0].alias == alias

    def test_categories_without_an_order_are_classes(self):
        y = pd.Series(pd.Categorical(list("cba") * 10))
        model = MultiTaskLinear().fit(np.random.default_rng(0).normal(size=(30, 2)), y)
        assert model.tasks_[0].alias == "multiclass"

    def test_strings_have_no_order(self):
        told = r"Task 0 is ordinal, but its labels are strings without an order: \['a', 'b'\]"
        with pytest.raises(ValueError, match=told):
            MultiTaskLinear(tasks="ordinal").fit([[0.0], [1.0]], ["a", "b"])

    def test_thresholds_of_networks_depend_on_the_features(self):
        X, y = draw(50)
        model = MultiTaskMLP(tasks="ordinal", max_iter=3, random_state=0).fit(X, y)
        with pytest.raises(AttributeError, match="depend on the features"):
            _ = model.tasks_[0].thresholds_
