"""The rows held out leave something of every task and class to learn from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skmtl.neural.training._validation import validation_split
from skmtl.tasks._read_targets import read_targets


@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.5, 0.99]), st.booleans())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_split(seed, fraction, is_long):
    rng = np.random.default_rng(seed)
    n = 40
    if is_long:
        y = rng.integers(0, 3, n).astype(float)
        column = rng.integers(0, 5, n)
        targets = read_targets(y, declared="multiclass", task_column=column)
        groups = column * 3 + y
        labels = [np.where(targets.weights > 0, groups, -1)]
    else:
        Y = np.column_stack([rng.normal(size=n), rng.integers(0, 3, n), rng.integers(0, 2, n)])
        Y[rng.random(Y.shape) < 0.6] = np.nan
        Y[0] = [0, 0, 0]
        targets = read_targets(Y, declared=["regression", "multiclass", "binary"])
        targets = targets.take(np.flatnonzero(targets.row_is_observed))
        used, values = targets.weights > 0, targets.values
        labels = [np.where(used[:, 0], 0, -1), *np.where(used, values, -1)[:, 1:].T]
    training, held_out = validation_split(targets, fraction, rng)
    n_rows = len(targets.values)
    assert sorted([*training, *held_out]) == list(range(n_rows))
    assert 0 < len(held_out) <= np.ceil(fraction * n_rows)
    for column in labels:
        assert set(column) - {-1} == set(column[training]) - {-1}


@pytest.mark.parametrize(
    ("n", "fraction", "expected"), [(100, 0.1, 10), (95, 0.1, 10), (7, 0.1, 1)]
)
def test_the_share_is_kept_where_it_can_be_and_rounded_up(n, fraction, expected):
    targets = read_targets(np.random.default_rng(0).normal(size=(n, 2)))
    training, held_out = validation_split(targets, fraction, np.random.default_rng(0))
    assert len(held_out) == expected
    assert len(training) == n - expected
