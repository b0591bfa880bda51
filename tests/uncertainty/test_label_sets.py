"""Scores of classes, beside loops that are written as the papers have them."""

import numpy as np
import pytest

from skmtl.tasks import Multiclass, Ordinal
from skmtl.tasks._columns import read_column
from skmtl.uncertainty._label_sets import class_scores, neighbours

P = np.random.default_rng(0).dirichlet(np.ones(4), size=50)


@pytest.fixture
def nominal():
    return fitted(Multiclass(), ["a", "b", "c", "d"])


@pytest.fixture
def ordinal():
    # Sorted the classes are a, b, c, d; in order c, a, d, b.
    return fitted(Ordinal(classes=["c", "a", "d", "b"]), ["a", "b", "c", "d"])


def fitted(task, labels):
    return task.fit(read_column(np.array(labels, dtype=object), "y"), np.ones(4), "y")


def test_sums_of_likelier_classes(nominal):
    lac = class_scores(nominal, P, "lac", None)
    aps = class_scores(nominal, P, "aps", None)
    random = class_scores(nominal, P, "aps_random", np.random.RandomState(3))
    u = np.random.RandomState(3).uniform(size=50)
    for i, p in enumerate(P):
        for c in range(4):
            assert lac[i, c] == 1.0 - p[c]
            assert aps[i, c] == pytest.approx(p[p > p[c]].sum(), abs=1e-12)
            assert random[i, c] == pytest.approx(p[p > p[c]].sum() + u[i] * p[c])


def test_neighbours_from_the_likeliest_on(ordinal):
    scores = class_scores(ordinal, P, "lac", None)
    order = [2, 0, 3, 1]
    for i, p in enumerate(P[:, order]):
        inside = {int(p.argmax())}
        reached = {min(inside): 0.0}
        while len(inside) < 4:
            edge = [k for k in (min(inside) - 1, max(inside) + 1) if 0 <= k < 4]
            inside.add(max(edge, key=lambda k: p[k]))
            (new,) = inside - set(reached)
            reached[new] = sum(p[k] for k in inside if k != new)
        np.testing.assert_allclose(scores[i, order], [reached[k] for k in range(4)], atol=1e-12)


def test_classes_between_belong_to_the_set(ordinal, nominal):
    is_in = np.array([[True, False, True, False], [True, True, False, False], [False] * 4])
    assert neighbours(ordinal, is_in).tolist() == [
        [True, False, True, False],
        [True, True, False, True],
        [False] * 4,
    ]
    assert neighbours(nominal, is_in) is is_in
