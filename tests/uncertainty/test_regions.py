"""Regions for all tasks of a row: formulas in numpy, coverage, and rows with missing labels."""

import numpy as np
import pytest
from sklearn.base import clone

from skmtl import ConformalTasks, MultiTaskBayesianLinear, MultiTaskLinear
from skmtl.uncertainty._covariance import covariance_of

LINEAR = MultiTaskLinear("l2", alpha=1e-3)


def correlated(n, n_tasks=4, rho=0.8, seed=0):
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(rho * np.ones((n_tasks, n_tasks)) + (1 - rho) * np.eye(n_tasks))
    X = rng.normal(size=(n, 3))
    noise = rng.normal(size=(n, n_tasks)) @ root.T * np.linspace(0.5, 3, n_tasks)
    return X, X @ rng.normal(size=(3, n_tasks)) + noise


def in_box(ends, Y):
    return ((ends[..., 0] <= Y) & (ends[..., 1] >= Y)).all(axis=1)


def in_ellipsoid(centre, matrix, Y):
    r = Y - centre
    return np.einsum("ni,nij,nj->n", r, np.linalg.inv(matrix), r) <= 1


@pytest.fixture
def split():
    X, Y = correlated(300)
    train, test = np.arange(100), np.arange(100, 300)
    model = ConformalTasks(LINEAR, "split", cv=[(train, test)]).fit(X, Y)
    rest = Y[test] - clone(LINEAR).fit(X[train], Y[train]).predict(X[test])
    return X, Y, model, rest


def test_box_in_plain_numpy(split):
    X, _, model, rest = split
    size = np.sqrt((rest**2).mean(axis=0))
    q = np.sort((np.abs(rest) / size).max(axis=1))[int(np.ceil(0.9 * 201)) - 1]
    expected = model.predict(X)[:, :, None] + q * size[:, None] * [-1.0, 1.0]
    np.testing.assert_allclose(model.predict_region(X), expected, rtol=1e-9)


def test_ellipsoid_in_plain_numpy(split):
    X, _, model, rest = split
    size = np.sqrt((rest**2).mean(axis=0))
    z = rest / size
    product = z.T @ z + np.eye(4)
    square = [row @ np.linalg.solve((product - np.outer(row, row)) / 199, row) for row in z]
    centre, matrix = model.predict_region(X, shape="ellipsoid")
    np.testing.assert_allclose(centre, model.predict(X))
    covariance = size[:, None] * product / 201 * size
    radius = matrix[0] / covariance
    np.testing.assert_allclose(radius, radius[0, 0], rtol=1e-9)
    # The distance of a row is by all other rows, up to 1 in 200 of its square.
    q = np.sort(square)[int(np.ceil(0.9 * 201)) - 1]
    assert radius[0, 0] == pytest.approx(q, rel=0.02)


@pytest.mark.parametrize("method", ["split", "cv+"])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_labels_of_new_rows_are_inside_together(method, missing):
    found = []
    for seed in range(8):
        X, Y = correlated(900, seed=seed)
        labels = Y[:400].copy()
        labels[np.random.default_rng(seed).random(labels.shape) < missing] = np.nan
        model = ConformalTasks(LINEAR, method).fit(X[:400], labels)
        box, ellipsoid = (model.predict_region(X[400:], shape=s) for s in ("box", "ellipsoid"))
        found.append([in_box(box, Y[400:]).mean(), in_ellipsoid(*ellipsoid, Y[400:]).mean()])
        bonferroni = model.predict_interval(X[400:], 1 - 0.1 / 4)
        if not missing and method == "cv+":
            # By the volume, as a length per task.
            lengths = [np.exp(np.log(np.diff(e)[..., 0]).mean()) for e in (box, bonferroni)]
            assert lengths[0] < lengths[1]
    error = 3 * np.std(found, axis=0) / np.sqrt(8) + 0.02
    assert (np.mean(found, axis=0) > 0.9 - error).all()
    assert (np.mean(found, axis=0) < 0.9 + error + 0.05 * (missing > 0)).all()


def test_units_of_y(split):
    X, Y, model, _ = split
    units = np.array([1e-6, 1.0, 1e3, 1e6])
    scaled = clone(model).fit(X, Y * units)
    np.testing.assert_allclose(
        scaled.predict_region(X), model.predict_region(X) * units[:, None], rtol=1e-5
    )
    ours, theirs = (m.predict_region(X, shape="ellipsoid")[1][0] for m in (model, scaled))
    np.testing.assert_allclose(theirs, ours * np.outer(units, units), rtol=1e-5)


def test_weight_0_is_unobserved():
    X, Y = correlated(150)
    seen = np.random.default_rng(0).random(Y.shape) < 0.6
    by_weight = ConformalTasks(LINEAR).fit(X, np.where(seen, Y, 99.0), seen * 1.0)
    by_nan = ConformalTasks(LINEAR).fit(X, np.where(seen, Y, np.nan))
    assert (by_weight.predict_region(X) == by_nan.predict_region(X)).all()
    for one, two in zip(
        *(m.predict_region(X, shape="ellipsoid") for m in (by_weight, by_nan)), strict=True
    ):
        assert (one == two).all()


def test_standard_deviations_give_each_row_its_own_region():
    X, Y = correlated(200)
    model = ConformalTasks(MultiTaskBayesianLinear()).fit(X, Y)
    ends = model.predict_region(X)
    assert np.ptp(np.diff(ends)[:, 0]) > 0
    _, matrix = model.predict_region(X, shape="ellipsoid")
    assert np.ptp(matrix[:, 0, 0]) > 0


def test_what_has_no_region():
    X, Y = correlated(60)
    Y = np.column_stack([Y, np.where(np.arange(60) == 3, 1.5, np.nan), X[:, 0] > 0])
    Y = np.column_stack([Y, np.full(60, np.nan)])
    with pytest.warns(UserWarning, match="observed label"):
        model = ConformalTasks(LINEAR).fit(X, Y)
    ends = model.predict_region(X)
    assert np.isfinite(ends[:, :4]).all()
    assert np.isinf(ends[:, 4]).all()
    assert np.isnan(ends[:, 5:]).all()
    with pytest.raises(ValueError, match=r"2 tasks \(4, 6\): no label was held out"):
        model.predict_region(X, shape="ellipsoid")
    with pytest.raises(ValueError, match=r"shape='ball'"):
        model.predict_region(X, shape="ball")
    long = np.column_stack([X, np.arange(60) % 2])
    with pytest.raises(ValueError, match="in long form"):
        ConformalTasks(LINEAR, task_feature=3).fit(long, Y[:, 0]).predict_region(long)


def test_one_task_is_its_interval():
    X, Y = correlated(80)
    model = ConformalTasks(LINEAR).fit(X, Y[:, 0])
    np.testing.assert_allclose(model.predict_region(X), model.predict_interval(X), rtol=1e-10)


def test_covariance_of_complete_rows_and_with_gaps():
    rng = np.random.default_rng(0)
    truth = np.array([[1.0, 0.8, 0.3], [0.8, 1.0, 0.0], [0.3, 0.0, 1.0]])
    Z = rng.multivariate_normal(np.zeros(3), truth, size=4000)
    weights = rng.integers(1, 3, size=4000).astype(float)
    expected = ((Z * weights[:, None]).T @ Z + np.eye(3)) / (weights.sum() + 1)
    np.testing.assert_allclose(covariance_of(Z, weights), expected)
    Z[rng.random(Z.shape) < 0.4] = np.nan
    # What is missing depends on what is seen: pairs alone would be wrong.
    Z[np.nan_to_num(Z[:, 0]) > 1, 1] = np.nan
    rows = ~np.isnan(Z).all(axis=1)
    found = covariance_of(Z[rows], np.ones(rows.sum()))
    np.testing.assert_allclose(found, truth, atol=0.08)
    turned = covariance_of(Z[rows][:, ::-1], np.ones(rows.sum()))
    np.testing.assert_allclose(turned[::-1, ::-1], found, atol=1e-8)
