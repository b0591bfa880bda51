"""No fold without a label of a task or class that could have one: integer programs say so."""

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from skmtl.model_selection import MultiTaskKFold

pytestmark = pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")


def labels(rng, n_rows, n_tasks, n_labels, missing):
    """Tasks of two classes, one of them with this many labels, or (all else missing) of numbers."""
    y = np.zeros((n_rows, n_tasks))
    for column in y.T:
        rows = rng.permutation(n_rows)
        column[rows[: int(missing * n_rows)]] = np.nan
        column[rows[n_rows - n_labels :]] = 1.0 if missing < 1 else rng.normal(size=n_labels)
    return y


def strata(y):
    """Rows with a label of each task, and of each class."""
    classes = [column == c for column in y.T for c in (0, 1)]
    return np.array([*(~np.isnan(column) for column in y.T), *classes])


def count_empty(has, fold, k):
    """Parts without a label of a stratum that has one for each."""
    counts = np.array([np.bincount(fold[rows], minlength=k) for rows in has])
    return int(((counts == 0) & (has.sum(axis=1, keepdims=True) >= k)).sum())


def fewest_empty(has, k):
    """The least number of empty cells that parts of even sizes can have."""
    has = has[has.sum(axis=1) >= k].astype(float)
    (n_strata, n_rows), parts = has.shape, np.eye(k)
    n, n_cells = n_rows * k, n_strata * k
    # Whether a row is in a part, and whether a cell is empty.
    in_one, sizes = np.kron(np.ones(k), np.eye(n_rows)), np.kron(parts, np.ones(n_rows))
    none = np.zeros((n_rows + k, n_cells))
    present = np.hstack([np.kron(parts, has), np.eye(n_cells)])
    least = np.concatenate([np.ones(n_rows), np.full(k, n_rows // k)])
    most = np.concatenate([np.ones(n_rows), np.full(k, -(-n_rows // k))])
    found = milp(
        np.repeat([0.0, 1.0], [n, n_cells]),
        constraints=[
            LinearConstraint(np.hstack([np.vstack([in_one, sizes]), none]), least, most),
            LinearConstraint(present, 1, np.inf),
        ],
        bounds=Bounds(0, 1),
        integrality=np.repeat([1, 0], [n, n_cells]),
    )
    assert found.status == 0
    return round(found.fun)


def folds_of(y, k, **options):
    fold = np.full(len(y), -1)
    for f, (_, test) in enumerate(MultiTaskKFold(k, **options).split(y, y)):
        fold[test] = f
    assert np.ptp(np.bincount(fold)) <= 1
    return fold


@pytest.mark.parametrize(
    ("n_rows", "n_tasks", "n_labels", "k", "missing"),
    [
        (30, 10, 3, 3, 0.3),
        (40, 10, 5, 5, 1.0),
        (41, 12, 5, 4, 0.5),
        (24, 6, 3, 3, 0.6),
        (20, 12, 4, 2, 0.7),
    ],
)
def test_no_part_is_empty_needlessly(n_rows, n_tasks, n_labels, k, missing):
    rng = np.random.default_rng(n_tasks)
    y = labels(rng, n_rows, n_tasks, n_labels, missing)
    has = strata(y)
    expected = fewest_empty(has, k)
    assert count_empty(has, folds_of(y, k), k) == expected
    assert count_empty(has, folds_of(y, k, shuffle=True, random_state=0), k) == expected


def test_counts_stay_as_even_as_that_leaves_them():
    rng = np.random.default_rng(20)
    y = labels(rng, 60, 20, 5, 0.5)
    has, fold = strata(y), folds_of(y, 5)
    assert count_empty(has, fold, 5) == fewest_empty(has, 5)
    counts = np.array([np.bincount(fold[rows], minlength=5) for rows in has])
    random = np.array([np.bincount(rng.permutation(fold)[rows], minlength=5) for rows in has])
    assert counts.var(axis=1).sum() < random.var(axis=1).sum() / 2
