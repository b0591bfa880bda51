"""What labels say of choices that they had no say in."""

import numpy as np
import pytest
from sklearn.model_selection import ShuffleSplit

from skmtl import MultiTaskKernelRidgeCV, MultiTaskMLPCV
from skmtl._blending import blend_weights, mix
from skmtl._cross_fitting import N_PARTS, blend_left_out, parts_of
from skmtl.compose import TaskStacking
from skmtl.tasks._read_targets import read_targets

RARE = 4.0
"""Standard errors that a mean over seeds is off by once in 30,000 times."""


def test_folds_stay_together():
    rng = np.random.default_rng(0)
    order = rng.permutation(60)
    folds = [(np.setdiff1d(order, test), test) for test in np.split(order, 4)]
    part = parts_of(folds, 60)
    assert all(len(set(part[test].tolist())) == 1 for _, test in folds)
    assert set(part.tolist()) == set(range(4))


def test_there_are_not_too_many_parts_nor_one():
    rows = np.arange(45)
    part = parts_of([(rows, row) for row in rows[:, None]], 50)
    assert (part[45:] == -1).all()
    assert set(part[:45].tolist()) == set(range(N_PARTS))
    alone = parts_of([(rows[20:], rows[:20])], 45)
    assert set(alone.tolist()) == {-1, *range(N_PARTS)}


def test_a_row_in_several_folds_is_in_the_part_of_the_first():
    folds = list(ShuffleSplit(3, test_size=0.5, random_state=0).split(np.zeros(20)))
    part = parts_of(folds, 20)
    assert (part[folds[0][1]] == 0).all()


@pytest.mark.parametrize("form", ["wide", "long"])
def test_weights_are_those_of_the_other_parts(form):
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    members = [[y + size * rng.normal(size=60)] for size in (0.3, 0.5, 1.0)]
    task = np.repeat(["a", "b"], 30) if form == "long" else None
    targets = read_targets(y, task_column=task)
    part = np.arange(60) % 3
    found = blend_left_out(members, targets, part)[0]
    for k in range(3):
        rows, others = part == k, part != k
        weights = blend_weights([[m[0][others]] for m in members], targets.take(others))
        index = None if task is None else targets.task_index[rows]
        expected = mix([[m[0][rows]] for m in members], weights, index)[0]
        np.testing.assert_allclose(found[rows], expected)


def kernels(**options):
    return MultiTaskKernelRidgeCV(**options)


def networks(**options):
    grid = {"alpha": [0.1, 3.0], "max_iter": [15]}
    return MultiTaskMLPCV(grid, hidden_layer_sizes=(8,), random_state=0, **options)


def stack(**options):
    few = {"widths": [0.7, 2.8]}
    members = [("one", kernels(kernels="rbf", **few)), ("two", kernels(kernels="linear"))]
    return TaskStacking(members, **options)


@pytest.mark.parametrize("n_rows", [3, 4, 6, 10, 16, 40])
@pytest.mark.parametrize(("make", "n_seeds"), [(kernels, 15), (networks, 8), (stack, 10)])
def test_on_noise_nothing_seems_better_than_the_constant(make, n_seeds, n_rows):
    """No prediction of a label by independent ones has less error than their mean."""
    difference = np.empty(n_seeds)
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        X, Y = rng.normal(size=(n_rows, 3)), rng.normal(size=(n_rows, 2))
        found = np.column_stack(make().fit(X, Y).out_of_fold_)
        constant = (Y.sum(axis=0) - Y) / (n_rows - 1)
        difference[seed] = ((found - Y) ** 2 - (constant - Y) ** 2).mean()
    assert difference.mean() > -RARE * difference.std() / np.sqrt(n_seeds) - 1e-9
