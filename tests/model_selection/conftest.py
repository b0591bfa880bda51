import numpy as np
import pytest


def rare_labels(n_rows, n_tasks, seed, missing=0.5, positive=0.03):
    """Binary tasks with few positives, half of the labels missing."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n_rows, n_tasks)) < positive).astype(float)
    y[rng.random((n_rows, n_tasks)) < missing] = np.nan
    return y


@pytest.fixture
def long_form():
    """X with tasks of 1 to 30 rows in column 1, y of two classes with gaps."""
    rng = np.random.default_rng(0)
    task = rng.permutation(np.repeat(np.arange(12), [1, 2, 2, 3, 5, 8, 8, 10, 13, 20, 30, 30]))
    X = np.column_stack([rng.normal(size=len(task)), task])
    y = (rng.random(len(task)) < 0.3).astype(float)
    y[rng.random(len(task)) < 0.1] = np.nan
    return X, y
