"""What ``cv`` means: a number, a splitter, ready folds; and on how much scores rest."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold

from skmtl.model_selection import MultiTaskKFold, MultiTaskShuffleSplit
from skmtl.model_selection._folds import read_folds
from skmtl.model_selection._held_out import count_scored, warn_of_little, way_out
from skmtl.model_selection._strata import read_strata, strata_of
from skmtl.tasks._read_targets import read_targets


def folds_of(cv, X, y, groups=None, **options):
    return read_folds(cv, X, y, groups, strata=lambda: read_strata(X, y, **options))


def counts(folds, codes):
    """Labels of each stratum (n_folds, n_strata) in every fold; -1 counts for nothing."""
    return np.array([np.bincount(codes[test] + 1, minlength=codes.max() + 2) for _, test in folds])[
        :, 1:
    ]


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("is_sorted", [True, False])
def test_every_fold_has_rows_of_every_task(cv, is_sorted):
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(12), rng.integers(5, 20, 12))
    task = task if is_sorted else rng.permutation(task)
    folds = folds_of(cv, task[:, None], rng.normal(size=len(task)), task_feature=0)
    found = counts(folds, task)
    assert found.shape == (5 if cv is None else 3, 12)
    assert found.min() >= 1
    assert (np.ptp(found, axis=0) <= 1).all()


def test_a_number_is_a_shuffled_multitask_k_fold_where_a_row_has_one_label():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"store": np.repeat(list("abcd"), 11), "x": np.arange(44.0)})
    y = rng.normal(size=44)
    splitter = MultiTaskKFold(4, shuffle=True, random_state=0, task_feature="store")
    ours = folds_of(4, frame, y, task_feature="store")
    for fold, expected in zip(ours, splitter.split(frame, y), strict=True):
        np.testing.assert_array_equal(fold[0], expected[0])
        np.testing.assert_array_equal(fold[1], expected[1])


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_wide_folds_spread_ordered_classes_and_rare_tasks(missing):
    rng = np.random.default_rng(1)
    # In the order of the rows, all positives of the first task are in the last fold.
    y = np.column_stack(
        [np.arange(200) >= 190, rng.random(200) < 0.3, rng.normal(size=200), np.full(200, np.nan)]
    ).astype(float)
    y[rng.random(y.shape) < missing] = np.nan
    y[:10, 0], y[190:, 0], y[:7, 3] = 0.0, 1.0, np.arange(7) + 0.5
    strata = read_strata(None, y)
    for column in strata.codes.T:
        found = counts(folds_of(5, np.zeros((200, 1)), y), column)[
            :, np.unique(column[column >= 0])
        ]
        assert (abs(found - found.mean(axis=0)) <= 4).all()
        # Rare ones are dealt first: as even as can be.
        rare = found.sum(axis=0) <= 10
        assert (np.ptp(found[:, rare], axis=0) <= 1).all()


def test_complete_numbers_are_shuffled():
    y = np.arange(100.0).reshape(50, 2)
    folds = folds_of(5, np.zeros((50, 1)), y)
    assert all(len(test) == 10 for _, test in folds)
    np.testing.assert_array_equal(np.sort(np.concatenate([t for _, t in folds])), np.arange(50))
    for train, test in folds:
        assert len(np.unique(test // 10)) > 2
        np.testing.assert_array_equal(np.setdiff1d(np.arange(50), test), train)
    for one, other in zip(folds, folds_of(5, np.zeros((50, 1)), y), strict=True):
        np.testing.assert_array_equal(one[1], other[1])


def test_groups_stay_together():
    rng = np.random.default_rng(0)
    y, groups = rng.normal(size=(60, 2)), rng.integers(0, 12, 60)
    for _, test in folds_of(3, np.zeros((60, 1)), y, groups):
        assert not set(groups[test]) & set(np.delete(groups, test))
    with pytest.raises(ValueError, match="inconsistent"):
        folds_of(3, np.zeros((60, 1)), y, groups[:-1])


def test_splitters_see_what_was_given():
    seen = []

    class Splitter(KFold):
        def split(self, X, y=None, groups=None):
            seen.append((X, y, groups))
            return super().split(X)

    X, y, groups = pd.DataFrame({"store": list("aabb")}), [1.0, None, 2.0, 3.0], [0, 0, 1, 1]
    assert len(read_folds(Splitter(2), X, y, groups, strata=None)) == 2
    assert seen[0][0] is X
    assert seen[0][1] is y
    assert seen[0][2] is groups
    masks = [(np.array([True, True, False, False]), np.array([False, False, True, True]))]
    ((train, test),) = read_folds(iter(masks), X, y, strata=None)
    assert train.tolist() == [0, 1]
    assert test.tolist() == [2, 3]
    by_group = read_folds(GroupKFold(2), X, y, groups, strata=None)
    assert sorted(test.tolist() for _, test in by_group) == [[0, 1], [2, 3]]


def test_errors_say_what_to_do():
    used = iter([])
    with pytest.raises(ValueError, match=r"makes no fold\. A generator.*give a list"):
        read_folds(used, np.zeros((4, 1)), np.zeros(4), strata=None)
    with pytest.raises(ValueError, match=r"folds are more than the rows, n_samples=4; use fewer\."):
        folds_of(5, np.zeros((4, 1)), np.zeros(4))


def test_labels_of_weight_0_are_none():
    y = np.array([[0.0, 1.0], [1.0, 2.0], [0.0, 3.0], [1.0, 4.0]])
    weight = np.array([[1.0, 0.0], [1.0, 2.0], [0.5, 0.0], [0.0, 1.0]])
    found = strata_of(read_targets(y, sample_weight=weight))
    expected = strata_of(read_targets(np.where(weight > 0, y, np.nan)))
    np.testing.assert_array_equal(found.codes, expected.codes)
    assert (found.codes < 0).sum() == 3


@pytest.mark.parametrize("n_groups", [1, 2])
def test_two_parts_take_two_groups(n_groups):
    groups = np.arange(6) % n_groups
    splitter = MultiTaskShuffleSplit(1, test_size=0.5, random_state=0)
    if n_groups == 1:
        with pytest.raises(ValueError, match=r"Cannot split 1 groups into 2 parts\."):
            next(splitter.split(np.zeros((6, 1)), np.arange(6.0), groups))
    else:
        train, test = next(splitter.split(np.zeros((6, 1)), np.arange(6.0), groups))
        assert len(set(groups[train])) == len(set(groups[test])) == 1


@pytest.mark.parametrize("is_long", [True, False])
def test_what_scores_rest_on(is_long):
    # Tasks 0 and 1 have four rows each, one of which has no label; held out are all of task 1
    # and half of task 0.
    index = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    observed = np.array([True] * 7 + [False])
    folds = [(np.array([0, 1]), np.arange(2, 8))]
    if is_long:
        assert count_scored(folds, observed, index) == (2, 5)
    else:
        cells = observed[:, None] & (index[:, None] == np.arange(2))
        assert count_scored(folds, cells) == (2, 5)


@pytest.mark.parametrize(("n_scored", "is_told"), [(0, False), (4, True), (5, False), (9, False)])
def test_little_is_told_with_its_share(n_scored, is_told):
    index = np.array([0, 0, 1, 1])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warn_of_little(n_scored, 10, index, "store")
    assert len(told) == is_told
    if is_told:
        text = str(told[0].message)
        assert "rest on 4 of 10 held-out labels (40.0%)" in text
        assert "sorted by task" in text
        assert "MultiTaskKFold(5, task_feature='store')" in text


def test_the_way_out_names_the_order_only_where_it_is_the_reason():
    assert "rows are sorted by task" in way_out(np.array([1, 1, 0, 0]), 0)
    assert "sorted" not in way_out(np.array([1, 0, 1, 0]), 0)
    assert way_out(None, None) == ""
