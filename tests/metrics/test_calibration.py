"""Probabilities against shares, bin by bin."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from skmtl import IndependentTasks
from skmtl.metrics import expected_calibration_error, task_calibration_curve
from skmtl.tasks import Multiclass


@pytest.fixture
def binary():
    rng = np.random.default_rng(0)
    p = rng.random((400, 2))
    y = (rng.random((400, 2)) < p**2).astype(float)
    y[rng.random(y.shape) < 0.3] = np.nan
    return y, p


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("n_bins", [1, 5, 15, 500])
def test_complete_labels_have_scikit_learns_numbers(binary, strategy, n_bins):
    y, p = binary
    options = {"n_bins": n_bins, "strategy": strategy}
    curves = task_calibration_curve(y, p, **options)
    for t in range(2):
        seen = ~np.isnan(y[:, t])
        observed, predicted = calibration_curve(y[seen, t], p[seen, t], **options)
        curve = curves[str(t)]
        np.testing.assert_array_equal(curve.observed, observed)
        np.testing.assert_array_equal(curve.predicted, predicted)
        assert curve.count.sum() == seen.sum()
        assert (curve.count > 0).all()
        error = expected_calibration_error(y, p, average=None, **options)[str(t)]
        share = curve.count / seen.sum()
        assert error == pytest.approx((share * np.abs(observed - predicted)).sum(), rel=1e-12)


def test_edges_belong_to_the_bin_below():
    curve = task_calibration_curve([1, 0, 1, 0], [0.0, 0.5, 0.75, 1.0], n_bins=2)["0"]
    np.testing.assert_array_equal(curve.count, [2, 2])
    np.testing.assert_array_equal(curve.predicted, [0.25, 0.875])


def test_top_label_of_several_classes():
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet([1, 1, 1], 300), np.array(["a", "b", "c"])[rng.integers(0, 3, 300)]
    confidence, hit = p.max(axis=1), np.array(["a", "b", "c"])[p.argmax(axis=1)] == y
    expected = 0.0
    for low in np.arange(10) / 10:
        inside = (confidence > low) & (confidence <= low + 0.1)
        if inside.any():
            expected += inside.mean() * abs(hit[inside].mean() - confidence[inside].mean())
    found = expected_calibration_error(y, p, n_bins=10)
    assert found == pytest.approx(expected, rel=1e-12)


def test_calibrated_and_overconfident():
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    y = (rng.random(20_000) < p).astype(int)
    assert expected_calibration_error(y, p) < 0.02
    assert expected_calibration_error(y, (p > 0.5).astype(float)) == pytest.approx(0.25, abs=0.01)
    assert expected_calibration_error(y, y.astype(float)) == 0
    assert expected_calibration_error(y, 1.0 - y) == 1


def test_unobserved_labels_and_weights(binary):
    y, p = binary
    weight = np.random.default_rng(1).integers(0, 4, y.shape)
    found = expected_calibration_error(y, p, average=None, sample_weight=weight)
    for t in range(2):
        rows = np.repeat(np.arange(400), weight[:, t])
        repeated = expected_calibration_error(y[rows, t], p[rows, t])
        assert found[str(t)] == pytest.approx(repeated, rel=1e-12)
    hidden = np.where((weight == 0) | np.isnan(y), 0.123, p)
    again = expected_calibration_error(y, hidden, average=None, sample_weight=weight)
    assert again == found


def test_averages(binary):
    y, p = binary
    errors = expected_calibration_error(y, p, average=None)
    assert expected_calibration_error(y, p) == np.mean(list(errors.values()))
    assert expected_calibration_error(y, p, average="worst") == max(errors.values())
    weighted = expected_calibration_error(y, p, average="weighted", task_weight=[3, 1])
    assert weighted == np.average(list(errors.values()), weights=[3, 1])
    y = np.column_stack([y[:, 0], np.full(400, np.nan)])
    assert expected_calibration_error(y, p) == errors["0"]
    assert not len(task_calibration_curve(y, p)["1"].count)


def test_of_an_estimator_with_regressions(data, types):
    X, y = data
    model = IndependentTasks(tasks=types).fit(X, y)
    proba = model.predict_proba(X)
    curves = task_calibration_curve(y, proba, tasks=model.tasks_)
    assert list(curves) == ["ill", "kind"]
    # Without types: the columns that are left out need not be classes.
    assert expected_calibration_error(y, proba) == expected_calibration_error(
        y, proba, tasks=model.tasks_
    )
    values = model.predict(X)
    mixed = [values[:, 0], values[:, 1], proba[2], proba[3]]
    assert list(task_calibration_curve(y, mixed, tasks=types)) == ["ill", "kind"]
    positive = task_calibration_curve(y[["ill"]], proba[2][:, [1]])["ill"]
    np.testing.assert_array_equal(positive.observed, curves["ill"].observed)


def test_classes_that_the_rows_lack():
    p = np.array([[0.2, 0.7, 0.1], [0.6, 0.2, 0.2]])
    known = Multiclass(classes=["a", "b", "c"])
    curve = task_calibration_curve(["a", "a"], p, n_bins=1, tasks=known)["0"]
    np.testing.assert_array_equal(curve.observed, [0.5])
    np.testing.assert_allclose(curve.predicted, [0.65])


def test_long_form(binary):
    y, p = binary
    task = np.tile([0, 1], 400)
    long = expected_calibration_error(y.ravel(), p.ravel(), average=None, task_ids=task)
    assert long == pytest.approx(expected_calibration_error(y, p, average=None), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_bins": 0}, "n_bins=0; expected a whole number, at least 1"),
        ({"n_bins": 2.0}, "n_bins=2.0"),
        ({"strategy": "equal"}, "strategy='equal'; expected 'uniform' or 'quantile'"),
        ({"y_prob": [0.5, 1.5, 0.2]}, "Task 0 has the classes"),
        ({"y_true": ["a", "b", "c"]}, "expected their probabilities"),
        ({"y_true": [0.5, 1.0, 2.0]}, "Task 0 is multiclass, but has the label 0.5"),
        ({"tasks": "regression"}, "No task has classes"),
    ],
)
def test_errors(arguments, message):
    arguments = {"y_true": [0, 1, 1], "y_prob": [0.1, 0.8, 0.9], **arguments}
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(**arguments)
