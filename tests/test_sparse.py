"""Sparse X that is stored in an unusual way, and X that changes after `fit`."""

import numpy as np
import pytest
from scipy import sparse

from skmtl import MultiTaskKernelRidge, MultiTaskLinearClassifier, MultiTaskLinearRegressor
from skmtl.inspection import task_affinity

from .registry import EVERY, kind_of

rng = np.random.default_rng(0)
X = np.round(4 * rng.normal(size=(40, 3))) * (rng.random((40, 3)) < 0.8)
TASK = np.arange(40.0) % 2 + 1


def labels(name):
    Y = X @ rng.normal(size=(3, 2)) + 0.1
    return (Y > 0).astype(int) if kind_of(name) == "classification" else Y


def stored_twice(dense, container=sparse.csr_matrix):
    """Every entry in two halves, columns from last to first."""
    n_rows, n_columns = dense.shape
    halves = np.repeat(dense[:, ::-1], 2, axis=1) / 2
    indices = np.tile(np.repeat(np.arange(n_columns)[::-1], 2), n_rows)
    indptr = np.arange(n_rows + 1) * 2 * n_columns
    return container((halves.ravel(), indices, indptr), shape=dense.shape)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("name", EVERY)
def test_entries_stored_twice_count_as_their_sum(name, container):
    y, twice = labels(name), stored_twice(X, container)
    before = twice.data.copy(), twice.indices.copy()
    np.testing.assert_array_equal(twice.toarray(), X)
    expected = EVERY[name]().fit(sparse.csr_array(X), y).predict(sparse.csr_array(X))
    found = EVERY[name]().fit(twice, y).predict(twice)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(twice.data, before[0])
    np.testing.assert_array_equal(twice.indices, before[1])


@pytest.mark.parametrize("name", ["linear", "mlp", "kernel-ridge", "reduced-rank"])
def test_in_long_form_too(name):
    y, long = labels(name)[:, 0], np.column_stack([X, TASK])
    model = EVERY[name](task_feature=3)
    expected = model.fit(sparse.csr_array(long), y).predict(sparse.csr_array(long))
    found = model.fit(stored_twice(long), y).predict(stored_twice(long))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "precomputed"])
def test_under_every_kernel(kernel):
    data = X @ X.T if kernel == "precomputed" else X
    model = MultiTaskKernelRidge(kernel)
    y = labels("lasso")
    expected = model.fit(data, y).predict(data)
    np.testing.assert_allclose(model.fit(stored_twice(data), y).predict(data), expected, rtol=1e-9)


def test_affinity_of_coefficients():
    y = labels("lasso")
    found = [
        task_affinity(MultiTaskLinearRegressor("l2"), data, y, method="coef_cosine").affinity
        for data in (X, stored_twice(X))
    ]
    np.testing.assert_allclose(*found, rtol=1e-9)


@pytest.mark.parametrize("convert", [np.array, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", EVERY)
def test_a_fitted_model_does_not_change_with_the_array_it_was_fitted_to(name, convert):
    data, y = convert(X), labels(name)
    model = EVERY[name]().fit(data, y)
    expected = model.predict(convert(X))
    (data.data if sparse.issparse(data) else data)[:] = -7.0
    np.testing.assert_array_equal(model.predict(convert(X)), expected)


def test_by_columns_or_by_rows():
    y = (labels("linear") > 0).astype(int)
    csr, csc = (
        MultiTaskLinearClassifier("l1", alpha=0.01).fit(container(X), y)
        for container in (sparse.csr_array, sparse.csc_array)
    )
    np.testing.assert_array_equal(csr.coef_, csc.coef_)
