"""From declarations and labels to task types."""

import numpy as np
import pandas as pd
import pytest

from skmtl.tasks import Binary, Count, Multiclass, Regression
from skmtl.tasks._read_targets import read_targets


def types(y, declared="auto", kind="any", **options):
    targets = read_targets(y, declared=declared, kind=kind, **options)
    return [type(task) for task in targets.tasks.tasks]


@pytest.mark.parametrize(
    "labels, expected",
    [
        ([0, 1, 1], Binary),
        ([0.0, 1.0, np.nan], Binary),
        ([True, False, True], Binary),
        (["a", "b", "a"], Binary),
        (["a", "b", "c"], Multiclass),
        (pd.Categorical([3, 4, 5]), Multiclass),
        (pd.Categorical([3, 4, 4]), Binary),
        ([0, 1, 2], Regression),
        ([1.0, 2.0, 3.0], Regression),
        ([-1, 1, 1], Regression),
        ([0.5, 1.0, 0.0], Regression),
        ([1e300, -1e300, 0.0], Regression),
    ],
)
def test_auto(labels, expected):
    assert types(pd.DataFrame({"a": labels})) == [expected]


@pytest.mark.parametrize(
    "labels, expected",
    [([0, 1, 2], Multiclass), ([1.0, 2.0, 1.0], Binary), (["a", "b", "c"], Multiclass)],
)
def test_auto_of_classifiers(labels, expected):
    assert types(labels, kind="classification") == [expected]


def test_auto_of_regressors():
    assert types([[0, True], [1, False]], kind="regression") == [Regression, Regression]


@pytest.mark.parametrize("dtype, expected", [("boolean", Binary), ("Int64", Regression)])
def test_auto_without_labels(dtype, expected):
    y = pd.DataFrame({"a": pd.array([True, False, True]), "b": pd.array([None] * 3, dtype=dtype)})
    with pytest.warns(UserWarning, match="Task 'b': no observed label"):
        found = types(y)
    # Without a single label the dtype decides.
    assert found == [Binary, expected]
    with pytest.warns(UserWarning):
        assert types(y, declared={"b": "count"})[1] is Count


def test_a_label_of_weight_zero_does_not_decide_the_type():
    assert types([0.0, 1.0, 0.5], sample_weight=[1, 1, 0]) == [Binary]


Y = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0, 1, 1], "c": [1, 2, 3]})


@pytest.mark.parametrize(
    "declared",
    [
        ["count", "auto", "multiclass"],
        ("count", "binary", Multiclass()),
        {"a": "count", "c": Multiclass()},
        {"c": "multiclass", "a": Count(), "b": "auto"},
    ],
)
def test_declared(declared):
    assert types(Y, declared) == [Count, Binary, Multiclass]


@pytest.mark.parametrize("declared", ["regression", Regression(loss="huber")])
def test_one_declaration_for_all(declared):
    targets = read_targets(Y, declared=declared)
    assert [type(task) for task in targets.tasks.tasks] == [Regression] * 3
    assert len({id(task) for task in targets.tasks.tasks}) == 3


def test_declared_objects_are_cloned():
    task = Regression(loss="huber", delta=2.0)
    targets = read_targets(Y, declared=task)
    assert targets.tasks.tasks[0].delta == 2.0
    assert not hasattr(task, "n_outputs_")


def test_numbers_name_the_columns_of_an_array():
    assert types(Y.to_numpy(), {2: "multiclass"}) == [Regression, Binary, Multiclass]


@pytest.mark.parametrize(
    "declared, kind, error",
    [
        (["binary"], "any", r"tasks declares 1 tasks, but y has 3: \['a', 'b', 'c'\]"),
        ({"z": "binary"}, "any", r"tasks names the task 'z', which y does not have"),
        ("text", "any", "Task 'a': unknown task type 'text'; expected one of .*'auto', 'reg"),
        ([1, 2, 3], "any", "Task 'a': unknown task type 1"),
        (5, "any", "tasks=5; expected 'auto', a task type, a list"),
        ({"b": "binary"}, "regression", "Task 'b' is declared binary, but this estimator reads"),
        ({"a": "count"}, "classification", "Task 'a' is declared count, but this estimator reads"),
        (Regression(loss="cubic"), "any", r"Task 'a': Regression\(loss='cubic'\); expected one"),
        (Regression(delta=0.0), "any", r"Task 'a': Regression\(delta=0.0\) must be positive"),
    ],
)
def test_errors(declared, kind, error):
    with pytest.raises(ValueError, match=error):
        types(Y, declared, kind)


def test_errors_show_a_few_of_many_names():
    y = pd.DataFrame(np.ones((2, 50)))
    with pytest.raises(ValueError, match=r"but y has 50: \[0, 1, 2, 3, 4, 5, 6, 7\] and 42 more"):
        types(y, ["regression"])


@pytest.mark.parametrize("standardize, scaled", [(True, 1), (False, 0), ("mixed", 1)])
def test_standardize(standardize, scaled):
    y = np.array([[10.0, 0], [30.0, 1], [20.0, 1]])
    targets = read_targets(y, standardize=standardize)
    task = targets.tasks.tasks[0]
    assert (task.location_, task.scale_) == (
        (20.0, pytest.approx(np.std(y[:, 0])))[:2] if scaled else (0.0, 1.0)
    )


def test_mixed_leaves_regression_alone():
    y = np.array([[10.0, 5.0], [30.0, 1.5], [20.0, 1.0]])
    targets = read_targets(y, standardize="mixed")
    assert (targets.values == y).all()


def test_standardisation_is_weighted():
    y = np.array([1.0, 2.0, 4.0, np.nan])
    weighted = read_targets(y, standardize=True, sample_weight=[1, 2, 3, 9]).tasks.tasks[0]
    repeated = read_targets([1.0, 2, 2, 4, 4, 4], standardize=True).tasks.tasks[0]
    assert weighted.location_ == pytest.approx(repeated.location_, rel=1e-15)
    assert weighted.scale_ == pytest.approx(repeated.scale_, rel=1e-15)
