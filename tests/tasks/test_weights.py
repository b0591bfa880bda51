"""Weights of labels and tasks."""

import numpy as np
import pandas as pd
import pytest

from skmtl.tasks._read_targets import read_targets
from skmtl.tasks._weights import read_sample_weight, read_task_weight


@pytest.mark.parametrize(
    "weight, expected",
    [
        (2.0, [[2, 2], [2, 2], [2, 2]]),
        ([1, 0, 3], [[1, 1], [0, 0], [3, 3]]),
        ([[1, 2], [0, 4], [5, 6]], [[1, 2], [0, 4], [5, 6]]),
    ],
)
def test_shapes(weight, expected):
    read = read_sample_weight(weight, (3, 2))
    assert read.tolist() == expected
    assert read.dtype == np.float64


def test_a_copy():
    weight = np.ones((3, 2))
    read_sample_weight(weight, (3, 2))[:] = 7
    assert (weight == 1).all()


@pytest.mark.parametrize(
    "weight, shape, error",
    [
        ([1, 2], (3, 2), r"sample_weight has shape \(2,\); expected \(3,\) or \(3, 2\)"),
        ([[1], [2], [3]], (3, 2), r"sample_weight has shape \(3, 1\); expected"),
        ([[1, 2, 3]] * 3, (3,), r"sample_weight has shape \(3, 3\); expected \(3,\)\.$"),
        ([1, np.nan, 2], (3,), r"sample_weight contains NaN or infinity \(1 entries\)"),
        ([1, np.inf, np.inf], (3, 2), r"sample_weight contains NaN or infinity \(2 entries\)"),
        ([1, -0.5, 2], (3,), r"sample_weight contains negative values, -0.5 for example"),
        ([0, 0, 0], (3,), "sample_weight is zero for every label"),
    ],
)
def test_bad_sample_weight(weight, shape, error):
    with pytest.raises(ValueError, match=error):
        read_sample_weight(weight, shape)


def test_weight_zero_is_missing():
    y = np.array([[1.5, 0.0], [2.5, 1.0], [np.nan, 1.0], [4.0, 0.0]])
    weight = np.array([[1, 1], [0, 1], [9, 0], [1, 1.0]])
    gaps = np.where(weight == 0, np.nan, y)
    weighted, missing = read_targets(y, sample_weight=weight), read_targets(gaps)
    assert (weighted.values == missing.values).all()
    assert ((weighted.weights > 0) == (missing.weights > 0)).all()


@pytest.mark.parametrize("beside", [0.0, -7.0, 0.5, 1e300])
@pytest.mark.parametrize("declared", ["auto", "binary", "count", "multiclass"])
def test_any_value_beside_weight_zero(declared, beside):
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    weight = np.array([1.0, 1.0, 0.0, 1.0])
    expected = read_targets(y, declared=declared, sample_weight=weight)
    other = y.copy()
    other[2] = beside
    read = read_targets(other, declared=declared, sample_weight=weight)
    assert (read.values == expected.values).all()
    assert (read.weights == expected.weights).all()
    again = expected.tasks.read(other, sample_weight=weight)
    assert (again.values == expected.values).all()


def test_all_weights_of_a_task_zero_is_no_label():
    with pytest.warns(UserWarning, match="Task 1: no observed label"):
        targets = read_targets([[1.5, 2.5], [3.5, 4.5]], sample_weight=[[1, 0], [1, 0]])
    assert targets.tasks.n_labels.tolist() == [2, 0]


@pytest.mark.parametrize(
    "weight, expected",
    [(None, [1, 1, 1]), ([2, 0, 1], [2, 0, 1]), ({"b": 3}, [1, 3, 1]), ({}, [1, 1, 1])],
)
def test_task_weight(weight, expected):
    assert read_task_weight(weight, ["a", "b", "c"], np.ones(3)).tolist() == expected


@pytest.mark.parametrize(
    "weight, error",
    [
        ({"z": 1}, r"task_weight names the task 'z', which y does not have; its tasks are \['a'"),
        ([1, 2], r"task_weight has shape \(2,\); y has 3 tasks"),
        ([1, -2, 1], "task_weight of task 'b' is -2; expected >= 0"),
        ({"c": np.nan}, "task_weight of task 'c' is nan; expected >= 0"),
        ([1, np.inf, 1], "task_weight of task 'b' is inf"),
        ([0, 0, 0], "task_weight is 0 for every task"),
    ],
)
def test_bad_task_weight(weight, error):
    with pytest.raises(ValueError, match=error):
        read_task_weight(weight, ["a", "b", "c"], np.ones(3))


def test_label_weights_of_a_task_sum_to_its_weight():
    rng = np.random.default_rng(0)
    y = np.where(rng.random((20, 3)) < 0.4, np.nan, rng.normal(size=(20, 3)))
    weight = rng.uniform(0.5, 2.0, size=(20, 3))
    targets = read_targets(y, sample_weight=weight)
    label_weights = targets.label_weights(targets.task_weights([2.0, 0.0, 1.0]))
    np.testing.assert_allclose(label_weights.sum(axis=0), [2.0, 0.0, 1.0])
    assert (label_weights[np.isnan(y)] == 0).all()
    seen = ~np.isnan(y[:, 0])
    np.testing.assert_allclose(label_weights[seen, 0], 2 * weight[seen, 0] / weight[seen, 0].sum())


def test_label_weights_of_long_form():
    task = np.array([5, 7, 5, 5, 7])
    y = np.array([1.0, 2.0, np.nan, 3.5, 4.0])
    targets = read_targets(y, task_column=task)
    omega = targets.task_weights({7: 3.0})
    assert targets.label_weights(omega).tolist() == [0.5, 1.5, 0.0, 0.5, 1.5]


def test_label_weights_of_a_task_without_labels():
    with pytest.warns(UserWarning, match="no observed label"):
        targets = read_targets([[1.0, np.nan], [2.5, np.nan]])
    assert targets.label_weights().tolist() == [[0.5, 0.0], [0.5, 0.0]]


def test_labels_makes_every_label_count_the_same():
    y = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan], [0.5, np.nan, np.nan]])
    with pytest.warns(UserWarning):
        targets = read_targets(y)
    omega = targets.task_weights("labels")
    np.testing.assert_allclose(omega, [1.5, 0.5, 1.0])
    label_weights = targets.label_weights(omega)
    assert len(np.unique(label_weights[targets.weights > 0].round(12))) == 1
    with pytest.raises(ValueError, match="task_weight='rows'"):
        targets.task_weights("rows")


@pytest.mark.parametrize(
    "given, error",
    [
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), r"task_weight has shape \(1, 2\); y has 2 tasks"),
        ([[1.0], [2.0]], r"task_weight has shape \(2, 1\); y has 2 tasks"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "task_weight of task 'b' is nan"),
        (np.ma.array([1, 2], mask=[1, 0]), "task_weight of task 'a' is nan"),
        ({"a": None}, "task_weight of task 'a' is nan"),
        (pd.Series([1, 2], index=["a", "a"]), "The index of task_weight has 'a' more than once"),
        (pd.Series([1, 2], index=["a", "z"]), r"missing \['b'\], not known \['z'\]"),
    ],
)
def test_task_weight_in_a_container(given, error):
    with pytest.raises(ValueError, match=error):
        read_task_weight(given, ["a", "b"], np.ones(2))
