import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from skmtl import MultiTaskLinear
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks import LabelWarning, Survival
from tests.model_selection.conftest import rare_labels

pytestmark = pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")


def folds(splitter, y, X=None, groups=None):
    """Fold of each row; asserts that the splits are a partition."""
    X = np.zeros((len(y), 1)) if X is None else X
    fold = np.full(len(y), -1)
    for f, (train, test) in enumerate(splitter.split(X, y, groups)):
        assert (fold[test] == -1).all()
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))
        fold[test] = f
    assert (fold >= 0).all()
    return fold


def deviations(y, fold, k):
    """How far each class and task is from its even share, and whether it is absent needlessly."""
    masks = [~np.isnan(column) for column in y.T]
    masks += [column == c for column in y.T for c in (0, 1)]
    counts = np.array([np.bincount(fold[mask], minlength=k) for mask in masks])
    share = counts.sum(axis=1, keepdims=True) / k
    return np.abs(counts - share), (counts == 0) & (share >= 1)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("n_rows", "n_tasks"), [(50, 3), (50, 6), (303, 10), (1001, 15), (5000, 20)]
)
@pytest.mark.parametrize("seed", range(2))
def test_every_task_and_class_is_within_one_label_of_even(n_rows, n_tasks, seed, shuffle):
    y = rare_labels(n_rows, n_tasks, seed)
    splitter = MultiTaskKFold(shuffle=shuffle, random_state=seed if shuffle else None)
    fold = folds(splitter, y)
    deviation, absent = deviations(y, fold, 5)
    assert deviation.max() <= 1 + 1e-9
    assert not absent.any()
    assert np.ptp(np.bincount(fold)) <= 1


@pytest.mark.parametrize("n_rows", [50, 100, 200, 500, 20_000])
def test_many_tasks_too(n_rows):
    y = rare_labels(n_rows, 20, seed=0)
    fold = folds(MultiTaskKFold(), y)
    deviation, absent = deviations(y, fold, 5)
    assert deviation.max() <= 1 + 1e-9
    assert not absent.any()
    assert np.ptp(np.bincount(fold)) <= 1


def test_more_tasks_than_a_search_can_even_out():
    y = rare_labels(2000, 60, seed=0)
    fold = folds(MultiTaskKFold(), y)
    deviation, absent = deviations(y, fold, 5)
    assert deviation.max() < 3.5
    assert (deviation > 1 + 1e-9).mean() < 0.25
    assert not absent.any()
    assert deviation.max() < deviations(y, folds(KFold(), y), 5)[0].max() / 5


def test_classes_without_number():
    y = np.random.default_rng(0).integers(0, 2000, size=(10_000, 2))
    fold = folds(MultiTaskKFold(tasks="multiclass"), y)
    for column in y.T:
        counts = np.zeros((2000, 5))
        np.add.at(counts, (column, fold), 1)
        assert np.abs(counts - counts.mean(axis=1, keepdims=True)).max() <= 1


def test_one_task_is_exact():
    rng = np.random.default_rng(0)
    y = rng.choice(["a", "b", "c", None], size=203, p=[0.1, 0.2, 0.5, 0.2]).astype(object)
    for splitter in (MultiTaskKFold(), MultiTaskKFold(shuffle=True, random_state=1)):
        fold = folds(splitter, y)
        for label in ("a", "b", "c", None):
            mask = np.array([value == label for value in y])
            assert np.ptp(np.bincount(fold[mask], minlength=5)) <= 1


def test_rows_without_labels_are_spread_too():
    y = rare_labels(400, 4, seed=0)
    y[::4] = np.nan
    fold = folds(MultiTaskKFold(4), y)
    empty = np.isnan(y).all(axis=1)
    assert np.ptp(np.bincount(fold[empty])) <= 1
    assert np.ptp(np.bincount(fold)) <= 1
    assert deviations(y, fold, 4)[0].max() <= 1 + 1e-9


def test_a_task_without_labels_changes_nothing():
    y = rare_labels(120, 3, seed=0)
    with np.errstate(all="raise"):
        fold = folds(MultiTaskKFold(4), np.column_stack([y, np.full(120, np.nan)]))
    assert np.array_equal(fold, folds(MultiTaskKFold(4), y))


def test_labels_of_an_exact_share_stay_within_one_of_it():
    # 5 of each class of each task: one in each fold; 10: two, or one or three.
    rng = np.random.default_rng(0)
    y = np.column_stack([rng.permutation(np.repeat([0.0, 1.0, np.nan], [10, 5, 5])) for _ in "abc"])
    counts = [
        np.bincount(folds(MultiTaskKFold(), y)[column == c], minlength=5)
        for column in y.T
        for c in (0, 1)
    ]
    for low, high in zip(counts[::2], counts[1::2], strict=True):
        assert np.abs(low - 2).max() <= 1
        assert (high == 1).all()


def test_no_fold_goes_without_a_class_that_has_a_label_for_each():
    rng = np.random.default_rng(5)
    labels = np.repeat([0.0, 1.0, np.nan], [15, 3, 12])
    y = np.column_stack([rng.permutation(labels) for _ in range(12)])
    fold = folds(MultiTaskKFold(3), y)
    for column in y.T:
        assert sorted(fold[column == 1]) == [0, 1, 2]


def test_rows_without_a_label_move_no_others():
    rng = np.random.default_rng(0)
    y = rng.choice([0.0, 1.0, 2.0, np.nan], size=70)
    fold, seen = folds(MultiTaskKFold(4), y), ~np.isnan(y)
    np.testing.assert_array_equal(fold[seen], folds(MultiTaskKFold(4), y[seen]))


def test_times_and_events_in_long_form():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=60), np.repeat([0, 1, 2], 20)])
    y = pd.DataFrame({"days": rng.uniform(1, 9, 60), "is_seen": rng.random(60) < 0.5})
    splitter = MultiTaskKFold(4, tasks=Survival(event="is_seen"), task_feature=1)
    fold = folds(splitter, y, X)
    for task in range(3):
        assert (np.bincount(fold[X[:, 1] == task]) == 5).all()


def test_how_missing_is_written_never_matters():
    y = rare_labels(120, 4, seed=1)
    expected = folds(MultiTaskKFold(3), y)
    gaps = np.isnan(y)
    noise = np.random.default_rng(0).integers(0, 2, y.shape)
    masked = np.ma.array(np.where(gaps, noise, y), mask=gaps)
    objects = np.where(gaps, None, y)
    frame = pd.DataFrame(y).astype("Float64")
    for other in (masked, objects, frame, y.tolist()):
        assert np.array_equal(folds(MultiTaskKFold(3), other), expected)


def test_mixed_types_by_name():
    rng = np.random.default_rng(0)
    y = pd.DataFrame(
        {
            "price": np.where(rng.random(200) < 0.5, np.nan, rng.normal(size=200)),
            "kind": rng.choice(["x", "y", None], 200),
            "grade": rng.integers(1, 5, 200),
        }
    )
    fold = folds(MultiTaskKFold(tasks={"grade": "multiclass"}), y)
    assert np.ptp(np.bincount(fold[y["price"].notna()])) <= 1
    for name in ("kind", "grade"):
        for label in y[name].dropna().unique():
            counts = np.bincount(fold[(y[name] == label).to_numpy()], minlength=5)
            assert np.abs(counts - counts.mean()).max() <= 1


def test_order_of_tasks_and_rows_keeps_the_bar():
    y = rare_labels(400, 6, seed=2)
    rng = np.random.default_rng(0)
    for other in (y[:, rng.permutation(6)], y[rng.permutation(400)]):
        deviation, absent = deviations(other, folds(MultiTaskKFold(), other), 5)
        assert deviation.max() <= 1 + 1e-9
        assert not absent.any()


def test_long_form_deals_every_task_and_class(long_form):
    X, y = long_form
    for splitter in (
        MultiTaskKFold(task_feature=1),
        MultiTaskKFold(task_feature=1, shuffle=True, random_state=0),
    ):
        fold = folds(splitter, y, X)
        assert np.ptp(np.bincount(fold)) <= 1
        for task in range(12):
            mine = X[:, 1] == task
            labelled = mine & ~np.isnan(y)
            assert np.ptp(np.bincount(fold[labelled], minlength=5)) <= 1
            for label in (0, 1):
                assert np.ptp(np.bincount(fold[mine & (y == label)], minlength=5)) <= 1
            if labelled.sum() > 1:
                assert all((labelled & (fold != f)).any() for f in range(5))


def test_classes_of_a_task_lie_side_by_side():
    # Elsewhere in the row of cards, each class would give the first part one more.
    X = np.array([[0]] * 8 + [[1]] * 2)
    y = np.array([0, 1, 0, 1, 0, 1, 0, 1, 1, 1])
    fold = folds(MultiTaskKFold(3, tasks="binary", task_feature=0), y, X)
    assert np.ptp(np.bincount(fold[:8], minlength=3)) <= 1


def test_whole_tasks_held_out(long_form):
    X, _ = long_form
    splitter = MultiTaskKFold(3, task_feature=1, hold_out="tasks")
    seen = []
    for train, test in splitter.split(X):
        assert not set(X[train, 1]) & set(X[test, 1])
        seen.append(len(test))
    assert sum(seen) == len(X)
    assert np.ptp(seen) <= 2
    shuffled = [
        folds(clone_with(splitter, seed), np.zeros(len(X)), X).tolist() for seed in range(3)
    ]
    assert shuffled[0] != shuffled[1] or shuffled[1] != shuffled[2]


def clone_with(splitter, seed):
    return MultiTaskKFold(
        splitter.n_splits,
        shuffle=True,
        random_state=seed,
        task_feature=splitter.task_feature,
        hold_out=splitter.hold_out,
    )


def test_groups_stay_together_and_are_even():
    y = rare_labels(600, 4, seed=0, positive=0.3)
    groups = np.random.default_rng(0).integers(0, 90, 600).astype(str)
    fold = folds(MultiTaskKFold(), y, groups=groups)
    assert all(len(set(fold[groups == g])) == 1 for g in set(groups))
    counts = np.array([np.bincount(fold[~np.isnan(column)]) for column in y.T])
    assert np.abs(counts / counts.mean(axis=1, keepdims=True) - 1).max() < 0.1


def test_groups_in_long_form(long_form):
    X, y = long_form
    groups = np.arange(len(y)) // 3
    fold = folds(MultiTaskKFold(task_feature=1), y, X, groups)
    assert all(len(set(fold[groups == g])) == 1 for g in set(groups))


def test_same_seed_same_folds_and_no_global_state():
    y = rare_labels(100, 3, seed=0)
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first = folds(MultiTaskKFold(), y)
    seeded = folds(MultiTaskKFold(shuffle=True, random_state=3), y)
    assert np.array_equal(before, np.random.get_state()[1])
    assert np.array_equal(first, folds(MultiTaskKFold(), y))
    assert np.array_equal(seeded, folds(MultiTaskKFold(shuffle=True, random_state=3), y))
    assert not np.array_equal(seeded, folds(MultiTaskKFold(shuffle=True, random_state=4), y))


def test_is_a_splitter_of_scikit_learn():
    y = rare_labels(90, 3, seed=0, positive=0.4)
    X = np.random.default_rng(0).normal(size=(90, 3))
    splitter = MultiTaskKFold(3, shuffle=True, random_state=0)
    assert repr(splitter).startswith("MultiTaskKFold(hold_out='rows', n_splits=3")
    assert splitter.get_n_splits() == 3
    for copy in (clone(splitter), pickle.loads(pickle.dumps(splitter))):
        assert np.array_equal(folds(copy, y), folds(splitter, y))
    assert splitter.get_metadata_routing().split.requests["groups"] is True
    search = GridSearchCV(MultiTaskLinear(), {"alpha": [0.01, 1.0]}, cv=splitter).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(cross_validate(clone(search), X, y, cv=splitter)["test_score"]) == 3


@pytest.mark.filterwarnings("default::skmtl.tasks.LabelWarning")
def test_warns_of_few_labels_by_name():
    y = pd.DataFrame({"a": [1.5, 2.5] + [None] * 8, "b": ["x"] * 7 + ["y"] * 3})
    with pytest.warns(
        LabelWarning, match="Task 'a' has 2 labels; Task 'b' has 3 labels of class 'y'"
    ):
        list(MultiTaskKFold().split(np.zeros((10, 1)), y))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_splits": 1}, "n_splits=1"),
        ({"n_splits": 2.0}, "n_splits=2.0"),
        ({"random_state": 0}, "no effect"),
        ({"hold_out": "columns"}, "hold_out='columns'"),
        ({"hold_out": "tasks"}, "task_feature"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskKFold(**parameters)


def test_bad_data():
    X = np.zeros((6, 2))
    split = lambda splitter, *args: next(splitter.split(*args))  # noqa: E731
    with pytest.raises(ValueError, match="y is None"):
        split(MultiTaskKFold(2), X)
    with pytest.raises(ValueError, match="n_splits=7 is greater than the number of rows, 6"):
        split(MultiTaskKFold(7), X, np.zeros((6, 2)))
    with pytest.raises(ValueError, match="no observed label"):
        split(MultiTaskKFold(2), X, np.full((6, 2), np.nan))
    with pytest.raises(ValueError, match="inconsistent"):
        split(MultiTaskKFold(2), X, np.zeros((5, 2)))
    with pytest.raises(ValueError, match="1 groups into 2"):
        split(MultiTaskKFold(2), X, np.zeros((6, 2)), np.zeros(6))
    with pytest.raises(ValueError, match="1 tasks into 2"):
        split(MultiTaskKFold(2, task_feature=0, hold_out="tasks"), X)
    with pytest.raises(ValueError, match="y must be 1-D"):
        split(MultiTaskKFold(2, task_feature=0), X, np.zeros((6, 2)))
    with pytest.raises(ValueError, match="do not pass groups"):
        split(MultiTaskKFold(2, task_feature=0, hold_out="tasks"), X, None, np.arange(6))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_columns_says_nothing(seed):
    """Of columns with names; those of an array are named by their place."""
    y = pd.DataFrame(rare_labels(130, 5, seed=seed), columns=list("dabec"))
    moved = y[list("abcde")]
    for splitter in (MultiTaskKFold(4), MultiTaskKFold(4, shuffle=True, random_state=seed)):
        assert (folds(splitter, y) == folds(splitter, moved)).all()
    assert (
        folds(MultiTaskKFold(4), y) == folds(MultiTaskKFold(4), y.to_numpy()[:, [1, 2, 4, 0, 3]])
    ).all()
