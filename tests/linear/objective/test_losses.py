"""The two forms of the loss agree, and their derivatives are derivatives."""

import numpy as np
import pytest
from scipy import sparse

from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.tasks import Binary, Regression
from skmtl.tasks._read_targets import read_targets

MIXED = ["regression", "binary", "multiclass", "count"]


def wide(rng, n=30, p=4, T=3):
    X, Y = rng.normal(size=(n, p)) + 2, rng.normal(size=(n, T)) + 3
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, read_targets(Y, sample_weight=rng.uniform(0.5, 2, size=Y.shape))


def long(rng, n=60, p=4, T=5):
    X, task = rng.normal(size=(n, p)) + 2, rng.integers(T, size=n)
    y = rng.normal(size=n)
    y[::7] = np.nan
    return X, read_targets(y, task_column=task, sample_weight=rng.uniform(0.5, 2, size=n))


@pytest.mark.parametrize("form", [wide, long])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_statistics_equal_rows(form, centred, container):
    rng = np.random.default_rng(0)
    X, targets = form(rng)
    label_weights, n_tasks = targets.label_weights(), targets.tasks.n_tasks
    W, dW = rng.normal(size=(2, X.shape[1], n_tasks))
    b, db = rng.normal(size=(2, n_tasks)) if centred else np.zeros((2, n_tasks))
    rows = DataLoss(make_design(container(X), targets), targets, label_weights).at(W, b)
    stats = Statistics(container(X), targets, label_weights, centred=centred)
    grams = StatisticsLoss(stats, profiled=not centred).at(W, b)
    assert grams.value == pytest.approx(rows.value)
    n_checked = 2 if centred else 1  # without an intercept, b has no gradient
    for ours, theirs in (
        (grams.gradient, rows.gradient),
        (grams.hessian(dW, db), rows.hessian(dW, db)),
        (grams.dual(dW, db).gradient, rows.dual(dW, db).gradient),
    ):
        for k in range(n_checked):
            np.testing.assert_allclose(ours[k], theirs[k], atol=1e-10)
    for scale in (1.0, 0.3):
        assert grams.dual(dW, db).conjugate(scale) == pytest.approx(
            rows.dual(dW, db).conjugate(scale)
        )


def test_profiled_intercept_is_the_best_one():
    rng = np.random.default_rng(0)
    X, targets = wide(rng)
    stats = Statistics(X, targets, targets.label_weights(), centred=True)
    W = rng.normal(size=(4, 3))
    best = stats.y_mean - stats.mean_product(W)
    free = StatisticsLoss(stats, profiled=False)
    profiled = StatisticsLoss(stats, profiled=True).at(W, np.zeros(3)).value
    assert free.at(W, best).value == pytest.approx(profiled)
    assert np.abs(free.at(W, best).gradient[1]).max() < 1e-12
    assert free.at(W, best + 0.1).value > profiled


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("form", ["wide", "long"])
def test_gradient_and_hessian_by_finite_differences(form, as_sparse, mixed_data):
    X, Y = mixed_data
    rng = np.random.default_rng(3)
    if form == "wide":
        targets = read_targets(Y, declared=MIXED)
        n_outputs = targets.tasks.n_outputs
    else:
        targets = read_targets(Y[:, 2], declared="multiclass", task_column=np.arange(len(X)) % 4)
        n_outputs = 4 * targets.tasks.n_outputs
    X_in = sparse.csr_array(X) if as_sparse else X
    loss = DataLoss(make_design(X_in, targets, X.mean(axis=0)), targets, targets.label_weights())
    W, dW = 0.3 * rng.normal(size=(2, X.shape[1], n_outputs))
    b, db = 0.3 * rng.normal(size=(2, n_outputs))
    h = 1e-5
    up, down = loss.at(W + h * dW, b + h * db), loss.at(W - h * dW, b - h * db)
    gW, gb = loss.at(W, b).gradient
    slope = (up.value - down.value) / (2 * h)
    assert (gW * dW).sum() + gb @ db == pytest.approx(slope, rel=1e-6)
    for k, bend in enumerate(loss.at(W, b).hessian(dW, db)):
        change = (up.gradient[k] - down.gradient[k]) / (2 * h)
        np.testing.assert_allclose(bend, change, atol=1e-7)


@pytest.mark.parametrize("small", [0, 2**20])
@pytest.mark.parametrize("form", ["wide", "long"])
def test_curvature_is_one_matrix_per_label(form, small, mixed_data, monkeypatch):
    monkeypatch.setattr("skmtl.linear.objective._curvature.SMALL", small)
    X, Y = mixed_data
    rng = np.random.default_rng(4)
    if form == "wide":
        targets = read_targets(Y, declared=MIXED)
        n_outputs = n_columns = targets.tasks.n_outputs
    else:
        targets = read_targets(Y[:, 2], declared="multiclass", task_column=np.arange(len(X)) % 4)
        n_columns, n_outputs = targets.tasks.n_outputs, 4 * targets.tasks.n_outputs
    loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
    point = loss.at(0.3 * rng.normal(size=(X.shape[1], n_outputs)), rng.normal(size=n_outputs))
    direction = rng.normal(size=(len(X), n_columns))
    bent, diagonal = point.curvature.times(direction), point.curvature.diagonal
    seen = 0
    for outputs, H in point.curvature.blocks():
        along = direction[:, outputs].reshape(H.shape[:3])
        expected = np.einsum("ntkl,ntl->ntk", H, along).reshape(len(X), -1)
        np.testing.assert_allclose(bent[:, outputs], expected, atol=1e-14)
        on_diagonal = np.einsum("ntkk->ntk", H).reshape(len(X), -1)
        np.testing.assert_allclose(diagonal[:, outputs], on_diagonal, atol=1e-14)
        seen += on_diagonal.shape[1]
    assert seen == n_columns and not point.curvature.is_diagonal
    db = rng.normal(size=n_outputs)
    full = point.hessian(np.zeros((X.shape[1], n_outputs)), db)[1]
    np.testing.assert_allclose(point.intercept_hessian(db), full, atol=1e-12)
    np.testing.assert_allclose(point.intercept_gradient, point.gradient[1], atol=1e-12)
    # Once matrices were asked for, products may come from them.
    np.testing.assert_allclose(point.curvature.times(direction), bent, atol=1e-14)
    g = point.intercept_gradient
    z, size, left = point.curvature.solve_intercepts(g)
    np.testing.assert_allclose(point.intercept_hessian(z), g, atol=1e-12)
    assert size == pytest.approx(float(g @ z), rel=1.0) and left <= 1e-24 * size


@pytest.mark.parametrize("form", ["wide", "long"])
def test_intercepts_where_nothing_bends_have_no_solution(form):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 2)), np.column_stack([np.full(20, 1e6), rng.normal(size=20)])
    task = np.arange(20) % 2
    if form == "wide":
        targets = read_targets(Y, declared=Regression("huber"))
    else:
        y = Y[np.arange(20), task]
        targets = read_targets(y, declared=Regression("huber"), task_column=task)
    loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
    point = loss.at(np.zeros((2, 2)), np.zeros(2))
    z, size, left = point.curvature.solve_intercepts(point.intercept_gradient)
    assert z[0] == 0.0 and z[1] != 0.0
    assert size >= left == pytest.approx(point.intercept_gradient[0] ** 2)


def test_intercepts_have_no_solution_where_a_loss_overflows(mixed_data):
    X, Y = mixed_data
    targets = read_targets(Y, declared=MIXED)
    loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
    n_outputs = targets.tasks.n_outputs
    with np.errstate(over="ignore"):
        point = loss.at(np.zeros((X.shape[1], n_outputs)), np.full(n_outputs, 1e3))
        assert point.curvature.solve_intercepts(np.ones(n_outputs))[2] == np.inf


def test_labels_of_one_class_are_known(mixed_data):
    X, _ = mixed_data
    task, y = np.arange(40) % 2, np.arange(40) % 2
    for labels, expected in ((y, True), (np.arange(40) % 3 == 0, False)):
        targets = read_targets(labels, declared="binary", task_column=task)
        loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
        assert loss.has_constant_labels == expected
    Y = np.column_stack([np.ones(40), y]).astype(float)
    Y[::2, 1] = np.nan
    targets = read_targets(Y, declared=Binary(classes=[0, 1]))
    loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
    assert loss.has_constant_labels
    Y[0, 1] = 0.0
    targets = read_targets(Y, declared=Binary(classes=[0, 1]))
    assert not DataLoss(loss.design, targets, targets.label_weights()).has_constant_labels


def test_chunks_of_rows_change_nothing(mixed_data, monkeypatch):
    X, Y = mixed_data
    targets = read_targets(Y, declared=MIXED)
    found = []
    for size in (None, 20):
        if size:
            monkeypatch.setattr("skmtl.linear.objective._label_block.CHUNK", size)
        loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
        rng = np.random.default_rng(5)
        n_outputs = targets.tasks.n_outputs
        point = loss.at(0.3 * rng.normal(size=(X.shape[1], n_outputs)), rng.normal(size=n_outputs))
        found.append((point.value, point.slope, point.curvature.diagonal, point.curvature.upper))
    for whole, pieces in zip(*found, strict=True):
        np.testing.assert_allclose(pieces, whole, rtol=1e-12, atol=1e-15)
    assert (found[0][3] >= found[0][2]).all()


@pytest.mark.parametrize("step", [1, 3])
def test_some_rows_stand_for_all(step, mixed_data):
    X, Y = mixed_data
    targets = read_targets(Y, declared=MIXED)
    loss = DataLoss(make_design(X, targets), targets, targets.label_weights())
    W, b = np.ones((X.shape[1], targets.tasks.n_outputs)), np.zeros(targets.tasks.n_outputs)
    point = loss.at(0.1 * W, b).of_rows(step)
    slope = step * loss.at(0.1 * W, b).slope[::step]
    np.testing.assert_allclose(point.slope, slope, atol=1e-15)
    np.testing.assert_allclose(point.gradient[0], X[::step].T @ slope, atol=1e-12)


def test_large_means_cost_no_digits():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(200, 3)), rng.normal(size=(200, 2))
    near = Statistics(X, *_with_cells(Y), centred=True)
    far = Statistics(X + 1e6, *_with_cells(Y + 1e6), centred=True)
    np.testing.assert_allclose(far.gram, near.gram, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(far.cross, near.cross, rtol=1e-6, atol=1e-9)


def _with_cells(Y):
    targets = read_targets(Y)
    return targets, targets.label_weights()


def test_one_gram_for_tasks_with_the_same_rows():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 4))
    Y[:5, 2:] = np.nan
    stats = Statistics(X, *_with_cells(Y), centred=True)
    assert len(stats.gram) == 2
    assert stats.group.tolist() == [0, 0, 1, 1]
    assert [m.tolist() for m in stats.members] == [[0, 1], [2, 3]]
