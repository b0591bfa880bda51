"""Linear models of blocks are those of all rows."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from skmtl import (
    MultiTaskBayesianLinear,
    MultiTaskElasticNet,
    MultiTaskKernelRidge,
    MultiTaskLasso,
    MultiTaskLinear,
    MultiTaskLinearRegressor,
    ReducedRankRegressor,
)
from skmtl.linear import TaskStatistics
from skmtl.sources import ArraySource, Source

ESTIMATORS = [
    MultiTaskLinear("l21", alpha=0.1, tol=1e-12),
    MultiTaskLinear("l2", alpha="auto", tol=1e-12),
    MultiTaskLinearRegressor("trace_norm", alpha=0.1, tol=1e-12),
    MultiTaskLasso(0.1, tol=1e-12),
    MultiTaskElasticNet(0.1, tol=1e-12, fit_intercept=False),
    ReducedRankRegressor(2, alpha=0.1),
    MultiTaskBayesianLinear("diag"),
]


class Nothing(Source):
    """A source of no block."""

    def __iter__(self):
        return iter(())


class Rows(Source):
    """A source that knows nothing but its blocks."""

    def __init__(self, X, Y):
        self.given = X, Y

    def __iter__(self):
        for start in range(0, 240, 100):
            yield tuple(part[start : start + 100] for part in self.given)


def data(n_rows=240, n_tasks=3):
    """Labels of which the first block has none, and those of a task come late."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 6)) + 3.0
    Y = X @ rng.normal(size=(6, n_tasks)) + rng.normal(size=(n_rows, n_tasks))
    Y[:120, 0] = Y[:30] = Y[50:200:3, 2] = np.nan
    return X, Y


def blocks_of(*parts, size=50, order=None):
    starts = np.arange(0, len(parts[0]), size)
    return [
        tuple(part[i : i + size] for part in parts)
        for i in (starts if order is None else starts[order])
    ]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(("size", "order"), [(1, None), (37, [3, 0, 6, 2, 5, 1, 4]), (240, None)])
def test_blocks_of_any_size_and_order_are_one_fit(estimator, size, order):
    X, Y = data()
    whole = clone(estimator).fit(X, Y)
    found = clone(estimator).fit(blocks_of(X, Y, size=size, order=order))
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-11)
    np.testing.assert_allclose(found.predict(X), whole.predict(X), atol=1e-10)


def test_an_array_source_is_a_list_of_blocks():
    X, Y = data()
    weights = np.random.default_rng(1).uniform(size=Y.shape)
    model = MultiTaskLinear("l2", alpha=0.1)
    found = clone(model).fit(ArraySource(X, Y, weights, block_rows=50))
    assert (found.coef_ == clone(model).fit(blocks_of(X, Y, weights)).coef_).all()
    np.testing.assert_allclose(found.coef_, model.fit(X, Y, weights).coef_, atol=1e-12)
    assert found.statistics_.n_labels_.tolist() == (~np.isnan(Y)).sum(axis=0).tolist()


def test_long_form_with_tasks_that_come_later():
    X, Y = data()
    rng = np.random.default_rng(2)
    task = np.sort(rng.integers(0, 4, size=len(X)))
    X, y = np.column_stack([task, X]), Y[:, 1]
    model = MultiTaskLinear("mean_deviation", alpha=0.1, task_feature=0, tol=1e-12)
    whole = clone(model).fit(X, y)
    found = clone(model).fit(blocks_of(X, y, order=[4, 1, 0, 3, 2]))
    assert found.task_names_in_.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-12)


def test_frames_and_sparse_rows():
    X, Y = data()
    model = MultiTaskLinear("l2", alpha=0.1)
    expected = clone(model).fit(X, Y).coef_
    frame, labels = pd.DataFrame(X).add_prefix("x"), pd.DataFrame(Y, columns=list("abc"))
    found = clone(model).fit(ArraySource(frame, labels, block_rows=70))
    assert found.feature_names_in_.tolist() == frame.columns.tolist()
    assert found.task_names_in_.tolist() == list("abc")
    np.testing.assert_allclose(found.coef_, expected, atol=1e-12)
    found = clone(model).fit(ArraySource(sparse.csr_array(X), Y, block_rows=70))
    np.testing.assert_allclose(found.coef_, expected, atol=1e-10)


def test_predictions_of_a_source_are_those_of_its_rows():
    X, Y = data()
    model = MultiTaskLinearRegressor("l2", alpha=0.1).fit(Rows(X, Y))
    expected = MultiTaskLinearRegressor("l2", alpha=0.1).fit(X, Y)
    np.testing.assert_allclose(model.predict(Rows(X, Y)), expected.predict(X), rtol=1e-9)


def test_what_is_wrong_with_a_block_is_said_with_its_number():
    X, Y = data()
    model = MultiTaskLinearRegressor()

    def check(message, *blocks, error=ValueError, fitted=model):
        with pytest.raises(error, match=message):
            fitted.fit(list(blocks))
        assert not hasattr(fitted, "coef_")

    check("Block 1: X has 5 features", (X, Y), (X[:, 1:], Y))
    check("Block 1: y has 2 tasks", (X, Y), (X, Y[:, 1:]))
    check("Block 2: X has no rows", (X, Y), (X, Y), (X[:0], Y[:0]))
    check("Block 1: a tuple of 1; expected a tuple", (X, Y), (X,), error=TypeError)
    check("Block 1: Input X contains NaN in 1 col", (X, Y), (np.where(X[0, 0] == X, np.nan, X), Y))
    check("Block 1: .*inconsistent numbers of samples", (X, Y), (X, Y[1:]))
    check("Block 0: Task 0: labels of type dict", (X, np.full(Y.shape, {})))
    check("y has no observed label", (X, Y * np.nan), (X, Y * np.nan))
    nothing = Nothing()
    with pytest.raises(ValueError, match=r"Nothing object at .* has no block"):
        model.fit(nothing)
    check("MultiTaskKernelRidge does not learn from blocks", (X, Y), fitted=MultiTaskKernelRidge())


def test_rows_are_no_blocks():
    with pytest.raises(ValueError, match="requires y to be passed"):
        MultiTaskLinear().fit([(1.0, 2.0), (3.0, 4.0)])
    with pytest.raises(ValueError, match="y beside a source"):
        MultiTaskLinear().fit(ArraySource(*data()), data()[1])
    with pytest.raises(ValueError, match="sample_weight beside a source"):
        MultiTaskLinear().fit(ArraySource(*data()), sample_weight=np.ones(240))


def test_an_iterator_is_good_for_one_pass():
    X, Y = data()
    whole = MultiTaskLinearRegressor("l2").fit(X, Y)
    found = MultiTaskLinearRegressor("l2").fit(iter(blocks_of(X, Y)))
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-12)
    with pytest.raises(ValueError, match="gives its blocks once, but this fit goes over them"):
        MultiTaskLinear("l2").fit(iter(blocks_of(X, Y)))


def test_statistics_of_a_source_add_up():
    X, Y = data()
    source = ArraySource(X, Y, block_rows=50)
    parts = [ArraySource(X[rows], Y[rows]).statistics() for rows in (slice(100), slice(100, 240))]
    whole, found = source.statistics(), parts[1] + parts[0]
    assert isinstance(whole, TaskStatistics)
    assert whole.n_labels_.tolist() == found.n_labels_.tolist()
    models = [MultiTaskLinear("l2", alpha=0.1).fit_statistics(some) for some in (whole, found)]
    np.testing.assert_allclose(models[0].coef_, models[1].coef_, atol=1e-12)


def test_sums_begin_with_rows_without_labels():
    X, Y = data()
    sums = TaskStatistics().update(X[:30], Y[:30])
    assert sums.n_labels_.tolist() == [0, 0, 0]
    model = MultiTaskLasso(0.1, tol=1e-12)
    with pytest.raises(ValueError, match="y has no observed label"):
        model.fit_statistics(sums)
    whole = clone(model).fit(X, Y)
    found = model.fit_statistics(sums + TaskStatistics().update(X[30:], Y[30:]))
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-11)
    Y[:, 1] = np.nan
    with pytest.warns(UserWarning, match="Task 1: no observed label"):
        model.fit_statistics(TaskStatistics().update(X, Y))
