import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from skmtl import MultiTaskLinear
from skmtl.model_selection import MultiTaskShuffleSplit, multitask_train_test_split
from skmtl.tasks import LabelWarning
from tests.model_selection.conftest import rare_labels

pytestmark = pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")


@pytest.mark.parametrize(
    ("sizes", "n_test", "n_train"),
    [
        ({}, 50, 450),
        ({"test_size": 0.3}, 150, 350),
        ({"test_size": 100, "train_size": 150}, 100, 150),
    ],
)
def test_labels_are_divided_like_the_rows(sizes, n_test, n_train):
    y = rare_labels(500, 8, seed=0)
    splitter = MultiTaskShuffleSplit(3, random_state=0, **sizes)
    tests = []
    for train, test in splitter.split(None, y):
        assert (len(test), len(train)) == (n_test, n_train)
        assert not set(train) & set(test)
        for rows in (train, test):
            for mask in (~np.isnan(y), y == 0, y == 1):
                wanted = mask.sum(axis=0) * len(rows) / len(y)
                assert np.abs(mask[rows].sum(axis=0) - wanted).max() <= 1 + 1e-9
        tests.append(tuple(sorted(test)))
    assert len(set(tests)) == 3
    again = [tuple(sorted(test)) for _, test in splitter.split(None, y)]
    assert again == tests


@pytest.mark.parametrize("sizes", [{"test_size": 0.25}, {"test_size": 20, "train_size": 60}])
def test_long_form(long_form, sizes):
    X, y = long_form
    splitter = MultiTaskShuffleSplit(4, random_state=0, task_feature=1, **sizes)
    for train, test in splitter.split(X, y):
        assert not set(train) & set(test)
        for task in range(12):
            for label in (0, 1):
                mask = (X[:, 1] == task) & (y == label)
                for rows in (train, test):
                    assert abs(mask[rows].sum() - mask.sum() * len(rows) / len(y)) < 2


def test_tasks_held_out(long_form):
    X, _ = long_form
    splitter = MultiTaskShuffleSplit(
        4, test_size=3, random_state=0, task_feature=1, hold_out="tasks"
    )
    for train, test in splitter.split(X):
        assert len(set(X[test, 1])) == 3
        assert len(set(X[train, 1])) == 9
        assert not set(X[train, 1]) & set(X[test, 1])


def test_groups_stay_together():
    y = rare_labels(500, 3, seed=0)
    groups = np.arange(500) // 7
    for train, test in MultiTaskShuffleSplit(3, test_size=0.2, random_state=0).split(
        None, y, groups
    ):
        assert not set(groups[train]) & set(groups[test])
        assert 0.1 < len(test) / 500 < 0.3


@pytest.mark.filterwarnings("default::skmtl.tasks.LabelWarning")
def test_warns_of_a_label_that_one_side_goes_without():
    y = pd.DataFrame({"a": [1.5] + [None] * 9, "b": ["x"] * 9 + ["y"], "c": ["u"] * 8 + ["v"] * 2})
    message = "^Task 'a' has 1 label; Task 'b' has 1 label of class 'y': fewer than the 2 parts"
    with pytest.warns(LabelWarning, match=message):
        next(MultiTaskShuffleSplit(1, random_state=0).split(np.zeros((10, 1)), y))


def test_is_a_splitter_of_scikit_learn():
    y = rare_labels(90, 3, seed=0, positive=0.4)
    X = np.random.default_rng(0).normal(size=(90, 3))
    splitter = MultiTaskShuffleSplit(3, test_size=0.3, random_state=0)
    assert splitter.get_n_splits() == 3
    assert repr(clone(splitter)) == repr(splitter)
    assert len(cross_val_score(MultiTaskLinear(), X, y, cv=splitter)) == 3


def test_train_test_split_keeps_types():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 2)), columns=["u", "v"])
    y = pd.DataFrame(rare_labels(80, 3, seed=0, positive=0.3))
    weight = list(range(80))
    parts = multitask_train_test_split(X, y, weight, random_state=0)
    X_train, X_test, y_train, y_test, w_train, w_test = parts
    assert isinstance(X_train, pd.DataFrame) and isinstance(y_test, pd.DataFrame)
    assert (len(X_train), len(X_test)) == (60, 20)
    assert list(X_train.index) == list(y_train.index) == w_train
    assert list(X_test.index) == list(y_test.index) == w_test
    assert sorted(w_train + w_test) == weight


def test_train_test_split_keeps_groups():
    rng = np.random.default_rng(0)
    X, groups = np.arange(120.0)[:, None], rng.integers(0, 15, size=120)
    y = rare_labels(120, 3, seed=0, positive=0.3)
    train, test, *_ = multitask_train_test_split(X, y, groups=groups, random_state=0)
    of_train, of_test = (set(groups[rows[:, 0].astype(int)]) for rows in (train, test))
    assert not of_train & of_test and of_train | of_test == set(groups)
    expected = next(MultiTaskShuffleSplit(1, test_size=0.25, random_state=0).split(X, y, groups))
    np.testing.assert_array_equal(X[expected[1]], test)


def test_errors():
    with pytest.raises(ValueError, match="y is None"):
        next(MultiTaskShuffleSplit().split(np.zeros((5, 1))))
    with pytest.raises(ValueError, match="test_size"):
        multitask_train_test_split(np.zeros((5, 1)), np.zeros(5), test_size=7)
    with pytest.raises(ValueError, match="inconsistent"):
        multitask_train_test_split(np.zeros((5, 1)), np.zeros(5), np.zeros(4))
