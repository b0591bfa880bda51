"""Scores of other tasks: what is lent, beside loops, and whether few labels are covered with it."""

import numpy as np
import pytest
from scipy.stats import norm

from skmtl.tasks._task_set import TaskSet
from skmtl.uncertainty._bands import Band
from skmtl.uncertainty._borrowed import POINTS, Lenders, few
from skmtl.uncertainty._ranks import Ranked

ONE = Band(np.zeros(1), np.zeros(1), np.ones(1))


def ranked(scores):
    return Ranked(scores, np.ones(len(scores)), np.zeros(len(scores), dtype=int))


def lenders_of(scores, *, is_long=True):
    names, counts = np.arange(len(scores)), np.array([len(s) for s in scores])
    flat = np.concatenate(scores)
    tasks = TaskSet((), names, counts, is_long, is_long)
    return Lenders.of([np.repeat(names, counts), flat, flat**2], tasks)


def end(lenders, task, scores, coverage=0.9):
    filled = lenders.fill(task, ranked(scores), np.zeros(1, dtype=int), coverage)
    return filled.ranked.ends([ONE], coverage, filled.new_label)[0, 1]


@pytest.mark.parametrize(
    ("n_labels", "is_long"),
    # A single label of a column of its own units says next to nothing of its size.
    [(0, True), (1, True), (3, True), (12, True), (29, True), (3, False), (12, False)],
)
@pytest.mark.parametrize("spread", [0.0, 0.7])
def test_new_labels_of_tasks_with_few_are_covered(n_labels, is_long, spread):
    rng, found = np.random.default_rng(n_labels), []
    for _ in range(60):
        size = np.exp(spread * rng.normal(size=40))
        counts = [n_labels, *rng.integers(40, 80, size=39)]
        scores = [np.abs(rng.normal(size=n)) * s for n, s in zip(counts, size, strict=True)]
        lenders = lenders_of(scores, is_long=is_long)
        found.append(2 * norm.cdf(end(lenders, 0, scores[0]) / size[0]) - 1)
    error = 3 * np.std(found) / np.sqrt(60)
    assert 0.9 - error < np.mean(found) < 0.9 + error + 0.03


@pytest.mark.parametrize("n_labels", [0, 2])
def test_lent_scores_are_those_of_other_labels_by_the_size_of_so_many(n_labels):
    rng = np.random.default_rng(0)
    lenders = lenders_of(
        [np.abs(rng.normal(size=n)) * s for n, s in ((4, 1.0), (5, 3.0), (9, 9.0))]
    )
    points, n_lenders = lenders.lent(n_labels, -1)
    assert n_lenders == 3
    expected, weights = [], []
    for scores in lenders.scores:
        n = len(scores)
        for j in range(n):
            others = scores[(j + 1 + np.arange(n_labels)) % n]
            expected.append(scores[j] / lenders.size((others**2).sum(), n_labels))
            weights.append(1 / n)
    order = np.argsort(expected)
    share = np.array(weights)[order].cumsum() / 3
    ranks = np.searchsorted(share, np.arange(1, POINTS + 1) / POINTS - 1e-12)
    np.testing.assert_allclose(points, np.array(expected)[order][ranks])


@pytest.mark.parametrize("is_long", [True, False])
def test_tasks_that_all_have_few_lend_to_each_other(is_long):
    rng, found = np.random.default_rng(0), []
    for _ in range(30):
        size = np.exp(0.5 * rng.normal(size=200))
        scores = [np.abs(rng.normal(size=5)) * s for s in size]
        lenders = lenders_of(scores, is_long=is_long)
        found += [2 * norm.cdf(end(lenders, t, scores[t]) / size[t]) - 1 for t in range(10)]
    assert 0.9 < np.mean(found) < 0.94


def test_nothing_is_borrowed_by_a_task_with_enough():
    rng = np.random.default_rng(0)
    scores = [np.abs(rng.normal(size=30)), np.abs(rng.normal(size=29)), np.ones(50)]
    lenders = lenders_of(scores)
    assert few(0.9) == pytest.approx(30)
    for task, share in ((0, 0.0), (1, 1 / 30)):
        filled = lenders.fill(task, ranked(scores[task]), np.zeros(1, dtype=int), 0.9)
        assert filled.share == pytest.approx(share, abs=1e-12)
        assert filled.ranked.weights.sum() == pytest.approx(30)


def test_nobody_to_borrow_from():
    own = np.abs(np.random.default_rng(0).normal(size=5))
    assert end(lenders_of([own]), 0, own) == np.inf
    # Columns have units of their own: one without labels has none to go by.
    assert end(lenders_of([np.zeros(0), own], is_long=False), 0, np.zeros(0)) == np.inf


def test_units_of_a_task_are_its_own():
    rng = np.random.default_rng(0)
    scores = [np.abs(rng.normal(size=n)) for n in (5, 40, 40, 40)]
    once = end(lenders_of(scores, is_long=False), 0, scores[0])
    units = [1e4, 1.0, 1e-5, 1e3]
    scaled = [s * u for s, u in zip(scores, units, strict=True)]
    again = end(lenders_of(scaled, is_long=False), 0, scaled[0])
    assert again / units[0] == pytest.approx(once, rel=1e-9)
