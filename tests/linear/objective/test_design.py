"""X W + b, its transpose and weighted Gram matrices, against the same written out in full."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from skmtl.linear.objective._design import LongDesign, WideDesign

N_SAMPLES, N_TASKS = 90, 6
CONTAINERS = [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csr_matrix]


def features(rng, density, p=5):
    return rng.normal(size=(N_SAMPLES, p)) * (rng.random((N_SAMPLES, p)) < density)


def task_index(rng, form):
    """A task of each row: task 2 has none, task 0 most of them."""
    index = rng.choice([0, 0, 0, 0, 1, 3, 4, 5], size=N_SAMPLES)
    return np.sort(index) if form == "sorted" else index


def of_tasks(X, index, offset):
    """Rows centred, and in the columns of their tasks: (n_samples, n_tasks, n_features)."""
    full = np.zeros((N_SAMPLES, N_TASKS, X.shape[1]))
    full[np.arange(N_SAMPLES), index] = X - (offset if offset.ndim == 1 else offset[:, index].T)
    return full


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("offset", [0.0, 0.5])
@pytest.mark.parametrize("n_outputs", [1, 4])
def test_wide(container, offset, n_outputs):
    rng = np.random.default_rng(0)
    X = features(rng, 0.5)
    offset = offset * np.arange(5.0)
    design = WideDesign(container(X), offset)
    W, b, U = rng.normal(size=(5, n_outputs)), rng.normal(size=n_outputs), rng.normal(size=(90, 4))
    U = U[:, :n_outputs]
    np.testing.assert_allclose(design.forward(W, b), (X - offset) @ W + b, atol=1e-12)
    gW, gb = design.adjoint(U)
    np.testing.assert_allclose(gW, (X - offset).T @ U, atol=1e-12)
    np.testing.assert_allclose(gb, U.sum(axis=0), atol=1e-12)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("offset", [0.0, 0.5, "by task"])
@pytest.mark.parametrize("form", ["sorted", "unsorted"])
@pytest.mark.parametrize("n_classes", [1, 3])
def test_long(container, offset, form, n_classes):
    rng = np.random.default_rng(0)
    X, index = features(rng, 0.5), task_index(rng, form)
    offset = rng.normal(size=(5, N_TASKS)) if offset == "by task" else offset * np.arange(5.0)
    design = LongDesign(container(X), index, N_TASKS, offset)
    W, U = rng.normal(size=(5, N_TASKS * n_classes)), rng.normal(size=(N_SAMPLES, n_classes))
    b = rng.normal(size=N_TASKS * n_classes)
    full, by_task = of_tasks(X, index, offset), b.reshape(N_TASKS, n_classes)
    expected = np.einsum("itp,ptk->ik", full, W.reshape(5, N_TASKS, n_classes)) + by_task[index]
    np.testing.assert_allclose(design.forward(W, b), expected, atol=1e-12)
    gW, gb = design.adjoint(U)
    expected = np.einsum("itp,ik->ptk", full, U).reshape(5, -1)
    np.testing.assert_allclose(gW, expected, atol=1e-12)
    expected = np.array([U[index == t].sum(axis=0) for t in range(N_TASKS)]).ravel()
    np.testing.assert_allclose(gb, expected, atol=1e-12)
    W_2, b_2 = rng.normal(size=W.shape), rng.normal(size=b.shape)
    there, (gW, gb) = np.vdot(U, design.forward(W_2, b_2)), design.adjoint(U)
    assert np.vdot(gW, W_2) + gb @ b_2 == pytest.approx(there)


def signed_weights(rng, n_columns):
    """Some negative and some 0; in the first column none is negative."""
    h = rng.normal(size=(N_SAMPLES, n_columns)) * (rng.random((N_SAMPLES, n_columns)) < 0.7)
    h[:, 0] = np.abs(h[:, 0])
    return h


def assert_with_ones(design, h, grams):
    """All are symmetric, and a column of ones adds the products with the weights."""
    squares = np.einsum("kpp->pk", grams)
    np.testing.assert_allclose(design.squares(h), squares, atol=1e-10)
    np.testing.assert_array_equal(grams, grams.swapaxes(1, 2))
    found, (products, sums) = design.grams(h, with_ones=True), design.adjoint(h)
    np.testing.assert_array_equal(found, found.swapaxes(1, 2))
    np.testing.assert_allclose(found[:, :-1, :-1], grams, atol=1e-10)
    np.testing.assert_allclose(found[:, -1, :-1], products.T, atol=1e-10)
    np.testing.assert_allclose(found[:, -1, -1], sums, atol=1e-10)


# Few and many features and columns of weights go different ways, as do few and many zeros in X.
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("density", [1.0, 0.05])
@pytest.mark.parametrize("n_features", [1, 5, 120])
@pytest.mark.parametrize("n_columns", [1, 3, 15])
def test_grams_of_wide_form(container, density, n_features, n_columns):
    rng = np.random.default_rng(0)
    X, h = features(rng, density, n_features), signed_weights(rng, n_columns)
    offset = rng.normal(size=n_features)
    found = WideDesign(container(X), offset).grams(h)
    expected = np.einsum("ik,ip,iq->kpq", h, X - offset, X - offset, optimize=True)
    np.testing.assert_allclose(found, expected, atol=1e-11)
    design = WideDesign(container(X), offset)
    assert_with_ones(design, h, found)
    h = np.abs(h)
    np.testing.assert_allclose(design.grams(-h), -design.grams(h), atol=1e-11)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("form", ["sorted", "unsorted"])
@pytest.mark.parametrize("n_features", [1, 5, 500])
@pytest.mark.parametrize("n_classes", [1, 3])
def test_grams_of_long_form(container, form, n_features, n_classes):
    rng = np.random.default_rng(0)
    X, index = features(rng, 0.5, n_features), task_index(rng, form)
    h, offset = signed_weights(rng, n_classes), rng.normal(size=(n_features, N_TASKS))
    found = LongDesign(container(X), index, N_TASKS, offset).grams(h)
    full = of_tasks(X, index, offset)
    weighted = [[x.T @ (x * h[:, [k]]) for k in range(n_classes)] for x in full.swapaxes(0, 1)]
    expected = np.reshape(weighted, (-1, n_features, n_features))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert_with_ones(LongDesign(container(X), index, N_TASKS, offset), h, found)


@pytest.mark.parametrize("container", CONTAINERS)
def test_squares_are_the_diagonals_of_grams(container):
    rng = np.random.default_rng(0)
    X, index, offset = features(rng, 0.5), task_index(rng, "unsorted"), np.arange(5.0)
    h = rng.random((N_SAMPLES, 3))
    for design in (
        WideDesign(container(X), offset),
        LongDesign(container(X), index, N_TASKS, offset),
    ):
        diagonals = np.einsum("mjj->jm", design.grams(h))
        np.testing.assert_allclose(design.squares(h), diagonals, atol=1e-12)


def test_large_problems_are_cut_into_blocks():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 30))
    index = np.repeat([0, 1, 2], [100, 800, 600])
    h, offset = rng.normal(size=(1500, 12)), X.mean(axis=0)
    x = X - offset
    expected = np.einsum("ik,ip,iq->kpq", h, x, x, optimize=True)
    np.testing.assert_allclose(WideDesign(X, offset).grams(h), expected, atol=1e-9)
    np.testing.assert_allclose(WideDesign(X, offset).grams(h[:, :2]), expected[:2], atol=1e-9)
    np.testing.assert_allclose(
        LongDesign(X, index, 3, offset).grams(h[:, :1]),
        [x[index == t].T @ (x * h[:, :1])[index == t] for t in range(3)],
        atol=1e-9,
    )


@pytest.mark.parametrize("form", ["sorted", "unsorted"])
def test_long_form_takes_little_memory_beside_dense_X(form):
    rng = np.random.default_rng(0)
    index = np.repeat(np.arange(1000), 20)
    X, U = rng.normal(size=(20000, 20)), rng.normal(size=(20000, 1))
    if form == "unsorted":
        index = rng.permutation(index)
    W, b = rng.normal(size=(20, 1000)), np.zeros(1000)
    tracemalloc.start()
    try:
        design = LongDesign(X, index, 1000, X.mean(axis=0))
        design.forward(W, b)
        design.adjoint(U)
        assert tracemalloc.get_traced_memory()[1] < 0.7 * X.nbytes
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        grams = design.grams(U)
        assert tracemalloc.get_traced_memory()[1] - before < grams.nbytes + 0.7 * X.nbytes
    finally:
        tracemalloc.stop()
