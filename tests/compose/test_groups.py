"""The search for groups: against all partitions, and against the score written out."""

from itertools import product

import numpy as np
import pytest

from skmtl.compose import _groups
from skmtl.compose._groups import find_groups, partition_score

SEARCHES = ["auto", "exhaustive", "greedy", "spectral"]


def score_by_hand(groups, affinity, alone):
    """The docstring's formula, task by task."""
    worth = []
    for group in groups:
        for j in group:
            mates = [i for i in group if i != j]
            worth.append(np.mean([affinity[i, j] for i in mates]) if mates else alone[j])
    return np.mean(worth)


def all_partitions(n_tasks, n_groups):
    for labels in product(range(n_groups), repeat=n_tasks):
        if len(set(labels)) == n_groups:
            yield [np.flatnonzero(np.equal(labels, g)) for g in range(n_groups)]


def planted(groups, rng=None, noise=0.0):
    """Affinity 1 within groups, 0 between."""
    affinity = np.equal.outer(groups, groups) * 1.0
    if rng is not None:
        affinity += noise * rng.normal(size=affinity.shape)
    return affinity


def as_lists(groups):
    return [group.tolist() for group in groups]


@pytest.mark.parametrize("seed", range(12))
def test_exhaustive_finds_the_best_partition(seed):
    rng = np.random.default_rng(seed)
    n_tasks = int(rng.integers(3, 8))
    n_groups = int(rng.integers(2, n_tasks + 1))
    affinity, alone = rng.normal(size=(n_tasks, n_tasks)), rng.normal(size=n_tasks)
    best = max(score_by_hand(p, affinity, alone) for p in all_partitions(n_tasks, n_groups))
    found = find_groups(affinity, n_groups, alone=alone)
    assert len(found) == n_groups
    assert score_by_hand(found, affinity, alone) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("n_groups", [2, 3])
def test_planted_groups_are_found(search, n_groups):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        groups = rng.permutation(np.arange(10) % n_groups)
        found = find_groups(planted(groups, rng, 0.3), n_groups, search=search)
        expected = sorted([np.flatnonzero(groups == g).tolist() for g in range(n_groups)])
        assert as_lists(found) == expected


@pytest.mark.parametrize("search", ["greedy", "spectral"])
def test_local_searches_are_near_the_best(search):
    lost = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        affinity, nobody = rng.normal(size=(8, 8)), np.zeros(8)
        best, found = (find_groups(affinity, 3, search=s) for s in ("exhaustive", search))
        lost.append(score_by_hand(best, affinity, nobody) - score_by_hand(found, affinity, nobody))
    assert min(lost) > -1e-12
    assert np.mean(np.array(lost) < 1e-12) >= 0.5


@pytest.mark.parametrize("with_alone", [False, True])
def test_no_move_and_no_swap_improves_what_is_found(with_alone):
    rng = np.random.default_rng(0)
    affinity = rng.normal(size=(14, 14))
    alone = rng.normal(size=14) if with_alone else np.full(14, -1e3)
    found = find_groups(affinity, 4, alone=alone)
    labels = np.empty(14, dtype=int)
    for g, group in enumerate(found):
        labels[group] = g
    reached = partition_score(labels, affinity, alone)
    assert reached == pytest.approx(score_by_hand(found, affinity, alone), rel=1e-12)
    for t in range(14):
        for g in range(4):
            moved = labels.copy()
            moved[t] = g
            if len(set(moved)) == 4:
                assert partition_score(moved, affinity, alone) <= reached + 1e-9
        for u in range(t):
            swapped = labels.copy()
            swapped[[t, u]] = labels[[u, t]]
            assert partition_score(swapped, affinity, alone) <= reached + 1e-9


def test_gains_are_differences_of_the_score():
    rng = np.random.default_rng(0)
    affinity = rng.normal(size=(9, 9)) * ~np.eye(9, dtype=bool)
    alone, labels = rng.normal(size=9), np.array([0, 1, 2, 0, 1, 2, 0, 1, 1])
    before = partition_score(labels, affinity, alone)
    for step in (_groups._best_move, _groups._best_swap):
        gain, tasks, groups = step(labels, affinity + affinity.T, alone)
        after = labels.copy()
        after[list(tasks)] = groups
        assert gain / 9 == pytest.approx(partition_score(after, affinity, alone) - before)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("shift", [-5.0, 0.0, 5.0])
def test_groups_of_one_are_no_way_out(search, shift):
    """Affinities are relative: where all are negative, a group of one "worth 0" would win."""
    rng = np.random.default_rng(0)
    affinity = planted(np.arange(8) % 2, rng, 0.3) + shift
    assert as_lists(find_groups(affinity, 2, search=search)) == [[0, 2, 4, 6], [1, 3, 5, 7]]
    for n_groups in (3, 4):
        found = find_groups(rng.normal(size=(8, 8)) + shift, n_groups, search=search)
        assert min(len(group) for group in found) >= 2


def test_groups_of_one_where_there_must_be_some():
    affinity = planted([0, 1, 1, 1, 2])
    assert as_lists(find_groups(affinity, 3)) == [[0], [1, 2, 3], [4]]
    assert as_lists(find_groups(affinity, 5)) == [[0], [1], [2], [3], [4]]
    assert as_lists(find_groups(affinity - 10, 3)) == [[0], [1, 2, 3], [4]]


def test_groups_of_one_where_learning_alone_is_worth_it():
    gains = planted([0, 0, 0, 1, 1, 1]) - 0.5
    gains[:, 2] = gains[2] = -1.0
    assert [2] not in as_lists(find_groups(gains, 2))
    assert as_lists(find_groups(gains, 3, alone=np.zeros(6))) == [[0, 1], [2], [3, 4, 5]]


def test_what_is_not_known_neither_attracts_nor_repels():
    rng = np.random.default_rng(0)
    for shift in (-3.0, 3.0):
        affinity = planted(np.arange(6) % 2, rng, 0.1) + shift
        affinity[0, [1, 2]] = affinity[3, 4] = np.nan
        np.fill_diagonal(affinity, np.nan)
        assert as_lists(find_groups(affinity, 2)) == [[0, 2, 4], [1, 3, 5]]
    nothing = find_groups(np.full((4, 4), np.nan), 2)
    assert sorted(np.concatenate(nothing).tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_ties_are_broken_in_one_way(search, fill):
    found = [as_lists(find_groups(np.full((10, 10), fill), 3, search=search)) for _ in range(2)]
    assert found[0] == found[1]
    assert len(found[0]) == 3
    assert min(map(len, found[0])) >= 2


def test_one_group_and_one_task():
    assert as_lists(find_groups(np.zeros((3, 3)), 1)) == [[0, 1, 2]]
    assert as_lists(find_groups(np.zeros((1, 1)), 1)) == [[0]]


def test_too_many_tasks_for_all_partitions():
    with pytest.raises(ValueError, match="all partitions of at most 12 tasks, got 13"):
        find_groups(np.zeros((13, 13)), 2, search="exhaustive")
