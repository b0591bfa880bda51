"""Which classes a task has, and what they weigh."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight

from skmtl.tasks import Binary, Multiclass
from skmtl.tasks._columns import read_column
from skmtl.tasks._read_targets import read_targets


def fit(task, labels, weight=None):
    column = read_column(labels, "t")
    return task.fit(column, np.ones(len(labels)) if weight is None else weight, "t")


@pytest.mark.parametrize(
    "labels",
    [
        np.repeat(["a", "b"], [3, 9]).astype(object),
        np.repeat([2, 5, 7], [1, 4, 10]),
        np.repeat([False, True], [9, 1]),
    ],
)
def test_balanced_equals_scikit_learn(labels):
    task = fit(Multiclass(class_weight="balanced"), labels)
    expected = compute_class_weight("balanced", classes=task.classes_, y=labels)
    np.testing.assert_allclose(task.label_weight(np.arange(len(task.classes_))), expected)


def test_balanced_counts_weights_as_rows():
    labels = np.array(["a", "b", "b"], dtype=object)
    weighted = fit(Binary(class_weight="balanced"), labels, np.array([3.0, 1.0, 2.0]))
    repeated = fit(Binary(class_weight="balanced"), np.repeat(labels, [3, 1, 2]))
    assert (weighted.label_weight([0, 1] * np.ones(2)) == repeated.label_weight(np.arange(2))).all()
    assert (weighted.label_weight(np.arange(2.0)) == [1.0, 1.0]).all()


def test_balanced_leaves_classes_without_labels_alone():
    task = fit(Multiclass("balanced", classes=[0, 1, 2]), np.array([0, 1, 1]))
    assert task.label_weight(np.arange(3.0)).tolist() == [1.5, 0.75, 1.0]


def test_class_weight_multiplies_sample_weight():
    y = np.array(["a", "b", None, "b"], dtype=object)
    targets = read_targets(
        y, declared=Binary(class_weight={"b": 3.0}), sample_weight=[1.0, 2.0, 5.0, 0.0]
    )
    assert targets.weights.tolist() == [1.0, 6.0, 0.0, 0.0]


@pytest.mark.parametrize("classes", [[True, False], [1, 0]])
def test_class_weight_of_truths(classes):
    task = fit(Binary(class_weight=dict(zip(classes, [2.0, 1.0], strict=True))), np.array([0, 1]))
    assert task.label_weight(np.arange(2.0)).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "class_weight, error",
    [
        ("even", "class_weight='even'; expected 'balanced', a dict {class: weight} or None"),
        ({"a": 1.0, "x": 2.0}, r"class_weight names 'x'; known classes: \['a', 'b'\]"),
        ({"a": -1.0}, "class_weight=.*; expected finite numbers >= 0"),
        ({"a": np.nan}, "class_weight=.*; expected finite numbers >= 0"),
        ({"a": np.inf}, "class_weight=.*; expected finite numbers >= 0"),
        ({"a": "2"}, "class_weight=.*; expected finite numbers >= 0"),
        ({"a": None}, "class_weight=.*; expected finite numbers >= 0"),
        ({"a": 1.0, "c": np.inf}, "class_weight=.*; expected finite numbers >= 0"),
        ({"a": 0.0, "b": 0}, "class_weight=.*; expected a weight above 0 for one of"),
        ([1.0, 2.0], r"class_weight=\[1.0, 2.0\]; expected 'balanced', a dict"),
    ],
)
def test_bad_class_weight(class_weight, error):
    with pytest.raises(ValueError, match=f"^Task 't': {error}"):
        fit(Binary(class_weight=class_weight), np.array(["a", "b"]))


def test_class_weight_may_name_a_class_that_a_fold_lacks():
    task = fit(Multiclass(class_weight={"a": 1.0, "b": 2.0, "c": 3.0}), np.array(["a", "b"]))
    assert task.label_weight(np.arange(2.0)).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("labels", [["a", "b"], ["b"]])
def test_class_weight_of_zero_for_some(labels):
    """Also in a fold that has this class only: of the others nobody knows the weight."""
    task = fit(Multiclass(class_weight={"b": 0.0}), np.array(labels))
    assert task.label_weight(np.arange(1.0 * len(labels))).tolist() == [
        0.0 if label == "b" else 1.0 for label in labels
    ]


class TestDeclaredClasses:
    @pytest.mark.parametrize(
        "classes", [["b", "a", "c"], ("a", "b", "c"), np.array(["c", "b", "a"])]
    )
    def test_strings(self, classes):
        task = fit(Multiclass(classes=classes), np.array(["a", "b", "a"], dtype=object))
        assert task.classes_.tolist() == ["a", "b", "c"]
        assert task.n_outputs_ == 3
        column = read_column(np.array(["c", "a"], dtype=object), "t")
        assert task.encode(column, "t").tolist() == [2.0, 0.0]

    def test_numbers(self):
        task = fit(Multiclass(classes=[3, 1, 2]), np.array([1.0, np.nan, 3.0]), np.array([1, 0, 1]))
        assert task.classes_.tolist() == [1, 2, 3]

    def test_label_outside(self):
        with pytest.raises(ValueError, match=r"Task 't': label 'x' is not among the declared"):
            fit(Multiclass(classes=["a", "b"]), np.array(["a", "x"]))

    def test_categories_without_labels(self):
        y = pd.DataFrame({"a": pd.Categorical([None] * 3, categories=["z", "b", "m"]), "b": 1.5})
        with pytest.warns(UserWarning, match="Task 'a': no observed label"):
            targets = read_targets(y)
        task = targets.tasks.tasks[0]
        assert type(task) is Multiclass
        assert task.classes_.tolist() == ["b", "m", "z"]
        assert (task.inverse_link(np.zeros((3, 3))) == 1 / 3).all()
        new = pd.DataFrame({"a": pd.Categorical(["z", "b", "m"]), "b": 1.5})
        assert targets.tasks.read(new).values[:, 0].tolist() == [2.0, 0.0, 1.0]


class TestFewClasses:
    """faults.md, rows 4, 8, 11 and 21."""

    def test_one_class(self):
        with pytest.warns(UserWarning, match="^Task 1: one observed class; the prediction is con"):
            targets = read_targets([[1.5, "a"], [2.0, "a"], [0.0, None]])
        task = targets.tasks.tasks[1]
        assert task.n_outputs_ == 0
        predicted = task.inverse_link(np.zeros((4, 0)))
        assert predicted.tolist() == [[1.0]] * 4
        assert task.decode(predicted).tolist() == ["a"] * 4

    @pytest.mark.parametrize("column", [[None, None], [np.nan, np.nan]])
    def test_no_label_of_a_declared_task(self, column):
        y = np.column_stack([np.array([1.0, 2.5], dtype=object), np.array(column, dtype=object)])
        with pytest.warns(UserWarning, match="^Task 1: no observed label; the prediction is NaN"):
            targets = read_targets(y, declared=["regression", "binary"])
        assert (targets.tasks.tasks[1].inverse_link(np.zeros((3, 1))) == 0.5).all()

    def test_zero_one_with_gaps_is_int_again(self):
        targets = read_targets(np.array([0.0, np.nan, 1.0]))
        task = targets.tasks.tasks[0]
        assert type(task) is Binary
        assert task.classes_.dtype.kind == "i"
        assert task.decode(np.array([[0.2, 0.8]])).tolist() == [1]

    @pytest.mark.parametrize(
        "declared, labels, error",
        [
            ("binary", [0.5, 1.0], "Task 0 is binary, but has the label 0.5. Unknown label type"),
            ("multiclass", [1.25, 1.0], "Task 0 is multiclass, but has the label 1.25"),
            ("binary", ["a", "b", "c"], r"Task 0 is declared binary, but has 3 labels: \['a', 'b'"),
            ("regression", ["x", "y"], "Task 0 is regression, but has the label 'x'; expected num"),
            ("count", ["x", "y"], "Task 0 is count, but has the label 'x'; expected numbers"),
            ("count", [3, -1.5], "Task 0 is a count, but has the label -1.5; expected >= 0"),
        ],
    )
    def test_labels_of_another_type(self, declared, labels, error):
        with pytest.raises(ValueError, match=error):
            read_targets(labels, declared=declared)
