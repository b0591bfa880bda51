"""Numbers of labels from the sums of chunks are those of all weights."""

import numpy as np
import pytest

from skmtl.linear.objective._label_counts import LabelCounts
from skmtl.linear.objective._working_labels import numbers_of_labels
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

WEIGHTS = {
    "ones": lambda rng, size: np.ones(size),
    "missing": lambda rng, size: (rng.random(size) < 0.5).astype(float),
    "whole": lambda rng, size: rng.integers(0, 8, size).astype(float),
    "no-ones": lambda rng, size: 0.1 * rng.integers(2, 4, size),
    "any": lambda rng, size: rng.uniform(0.1, 3.0, size),
    "two": lambda rng, size: rng.choice([0.3, 0.5], size),
}


def numbers(weights, index=None):
    n_tasks = weights.shape[1] if index is None else 3
    names = np.arange(n_tasks)
    tasks = TaskSet((None,) * n_tasks, names, names, index is not None, False)
    targets = Targets(tasks, np.zeros_like(weights), weights, index)
    found = numbers_of_labels(targets)
    return targets.sum_by_task(found[:, 0]) if index is not None else found.sum(axis=0)


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_chunks_in_any_order_are_one_pass(seed, is_long, kind):
    rng = np.random.default_rng(seed)
    weights = WEIGHTS[kind](rng, 40 if is_long else (40, 3))
    index = rng.integers(0, 3, 40) if is_long else None
    parts = [
        LabelCounts.of(weights[c], None if index is None else index[c], 3)
        for c in np.array_split(rng.permutation(40), 9)
    ]
    while len(parts) > 1:
        one, other = (parts.pop(rng.integers(len(parts))) for _ in range(2))
        parts.append(one.plus(other))
    np.testing.assert_allclose(parts[0].n_labels, numbers(weights, index), rtol=1e-10)


def test_forgotten_rows_are_not_repeated_rows():
    ones = LabelCounts.of(np.ones((4, 1)), None, 1)
    assert ones.plus(ones).n_labels == 8
    # (4 + 2)^2 / (4 + 1), not 4 + 2 * 4.
    np.testing.assert_allclose(ones.plus(ones.times(np.array([0.5]))).n_labels, 36 / 5)
