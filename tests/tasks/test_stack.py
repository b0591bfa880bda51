"""Per-task data sets to long form and back."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skmtl.tasks import stack_tasks, unstack_tasks
from skmtl.tasks._rows import rows_by_task


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 3), st.randoms())
def test_round_trip(sizes, n_features, random):
    rng = np.random.default_rng(random.randrange(10**6))
    X_list = [rng.normal(size=(n, n_features + 1)) for n in sizes]
    y_list = [rng.normal(size=n) for n in sizes]
    names = sorted(rng.choice(100, size=len(sizes), replace=False).tolist())
    X, y = stack_tasks(X_list, y_list, names)
    assert X.shape == (sum(sizes), n_features + 2)
    X_back, y_back, names_back = unstack_tasks(X, y)
    assert names_back.tolist() == names
    for given_parts, parts in ((X_list, X_back), (y_list, y_back)):
        assert all((a == b).all() for a, b in zip(given_parts, parts, strict=True))


def test_round_trip_of_shuffled_rows():
    X, y = stack_tasks([np.ones((2, 1)), np.zeros((3, 1))], [[1, 2], [3, 4, 5]])
    order = [3, 0, 4, 1, 2]
    X_list, y_list, _ = unstack_tasks(X[order], y[order])
    assert [part.tolist() for part in y_list] == [[1, 2], [4, 5, 3]]
    assert [part.tolist() for part in X_list] == [[[1.0]] * 2, [[0.0]] * 3]


@pytest.mark.parametrize("names", [["north", "south"], [3, 8], ["", "<script>"]])
def test_data_frames(names):
    frames = [
        pd.DataFrame({"a": [1.0, 2.0], "kind": ["x", "y"]}),
        pd.DataFrame({"a": [3.0], "kind": ["x"]}),
    ]
    before = [frame.copy() for frame in frames]
    X, y = stack_tasks(frames, [[1, 2], [3]], names=names)
    assert list(X.columns) == ["task", "a", "kind"]
    assert X["task"].tolist() == [names[0], names[0], names[1]]
    X_list, y_list, names_back = unstack_tasks(X, y)
    assert names_back.tolist() == names
    assert [part.tolist() for part in y_list] == [[1, 2], [3]]
    for frame, kept, part in zip(frames, before, X_list, strict=True):
        pd.testing.assert_frame_equal(frame, kept)
        pd.testing.assert_frame_equal(part, frame)


def test_task_feature_anywhere():
    X = pd.DataFrame({"a": [1.0, 2.0], "school": ["s", "r"]})
    X_list, _, names = unstack_tasks(X, [1, 2], task_feature="school")
    assert names.tolist() == ["r", "s"]
    assert X_list[0]["a"].tolist() == [2.0]
    X_list, _, names = unstack_tasks([[1.0, 9], [2.0, 8]], [1, 2], task_feature=-1)
    assert names.tolist() == [8, 9]
    assert X_list[0].tolist() == [[2.0]]


def test_missing_labels_survive():
    masked = np.ma.masked_array([1.0, 2.0], mask=[0, 1])
    counts = np.ma.masked_array([1, 2], mask=[1, 0])
    X_list = [np.ones((2, 1))] * 2
    _, y = stack_tasks(X_list, [masked, [np.nan, 4.0]])
    np.testing.assert_array_equal(y, [1.0, np.nan, np.nan, 4.0])
    _, y = stack_tasks(X_list, [counts, np.array([3, None], dtype=object)])
    assert y.tolist() == [None, 2, 3, None]


def test_X_with_nan_is_left_to_the_estimator():
    X, _ = stack_tasks([[[np.nan]], [[1.0]]], [[1], [2]])
    np.testing.assert_array_equal(X, [[0, np.nan], [1, 1]])


@pytest.mark.parametrize(
    "X_list, y_list, names, error",
    [
        ([[[1.0]]], [[1], [2]], None, "stack_tasks got 1 X, 2 y and 1 names; expected one of each"),
        ([], [], None, "and at least one task"),
        ([[[1.0]], [[1.0]]], [[1], [2]], [4, 4], r"names repeats a value: \[4, 4\]"),
        ([[[1.0]], [[1.0, 2.0]]], [[1], [2]], None, r"different features: shapes \[\(1, 1\), \(1"),
        ([[[1.0]], [[1.0]]], [[1], [2, 3]], None, r"Task 1: X has 1 rows, y has shape \(2,\)"),
        ([[[1.0]], [[1.0]]], [[1], [2]], ["a", "b"], "names must be numbers when X are arrays"),
        ([[[1.0]], [[1.0]]], [["a"], [2.0]], None, "Some tasks have strings as labels and some"),
        (
            [pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]})],
            [[1], [2]],
            None,
            r"different features: \['a'\], and \['b'\] in task 1",
        ),
        ([pd.DataFrame({"task": [1.0]})], [[1]], None, "X has a column 'task' already; rename it"),
    ],
)
def test_errors_of_stack(X_list, y_list, names, error):
    with pytest.raises(ValueError, match=error):
        stack_tasks(X_list, y_list, names)


@pytest.mark.parametrize(
    "X, y, task_feature, error",
    [
        ([[0, 1.0]], [1, 2], None, r"X has 1 rows, y has shape \(2,\)"),
        ([[0, 1.0], [np.nan, 2.0]], [1, 2], None, "The task feature is missing in 1 rows of X"),
        ([[0, 1.0]], [1], 2, r"task_feature=2 is not a column of X with shape \(1, 2\)"),
        ([[0, 1.0]], [1], "task", "task_feature='task' is a name, but X has no column names"),
        (pd.DataFrame({"a": [1]}), [1], "b", r"task_feature='b' is not a column of X: \['a'\]"),
    ],
)
def test_errors_of_unstack(X, y, task_feature, error):
    with pytest.raises(ValueError, match=error):
        unstack_tasks(X, y, task_feature)


@given(st.lists(st.integers(-1, 4)))
def test_rows_by_task(index):
    rows = rows_by_task(np.array(index, dtype=int), 5)
    assert [part.tolist() for part in rows] == [
        [i for i, t in enumerate(index) if t == task] for task in range(5)
    ]
