"""Losses that are not squared: Newton steps over blocks find what those over all rows find."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skmtl import MultiTaskLinear, MultiTaskLinearClassifier, ReducedRankRegressor
from skmtl.linear.objective._training_data import learnable
from skmtl.sources import ArraySource
from skmtl.sources._read_source import read_source
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks import NegativeBinomial, Quantile, Regression

pytestmark = pytest.mark.usefixtures("stays_stored")

N_ROWS = 2_000
MIXED = ["binary", "count", "multiclass", "regression"]


def data():
    rng = np.random.default_rng(0)
    # A large mean costs digits, if it is not taken off first.
    X = rng.normal(size=(N_ROWS, 5)) * [1, 2, 1, 1, 0.5] + [0, 0, 3, 500, 0]
    F = (X - X.mean(axis=0)) @ rng.normal(size=(5, 4)) * 0.5
    Y = np.column_stack(
        [
            F[:, 0] > rng.logistic(size=N_ROWS),
            rng.poisson(np.exp(np.clip(F[:, 1], -3, 2))),
            np.argmax(F[:, :3] + rng.gumbel(size=(N_ROWS, 3)), axis=1),
            F[:, 3] + rng.normal(size=N_ROWS),
        ]
    ).astype(float)
    Y[rng.random(Y.shape) < 0.2] = Y[:150] = Y[400:900, 0] = np.nan
    return X, Y


def same_fit(model, X, Y, sample_weight=None, atol=1e-6):
    """The model of blocks, compared with that of all rows."""
    whole = clone(model).fit(X, Y, sample_weight)
    found = clone(model).fit(ArraySource(X, Y, sample_weight, block_rows=350))
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=atol)
    np.testing.assert_allclose(found.predict(X), whole.predict(X), rtol=1e-4, atol=1e-4)
    assert found.dual_gap_ < 2 * whole.dual_gap_ + model.tol
    return found


@pytest.mark.parametrize("penalty", ["l2", "mean_deviation"])
@pytest.mark.parametrize("alpha", [0.05, "auto"])
def test_quadratic_penalties(penalty, alpha):
    X, Y = data()
    columns = slice(0, 4) if penalty == "l2" else slice(0, 2)
    tasks = MIXED[columns]
    weights = np.random.default_rng(1).integers(0, 3, size=N_ROWS).astype(float)
    model = MultiTaskLinear(penalty, alpha=alpha, tasks=tasks, tol=1e-11)
    same_fit(model, X, Y[:, columns], weights)


@pytest.mark.parametrize("penalty", ["l21", "trace_norm"])
def test_norms(penalty):
    X, Y = data()
    model = MultiTaskLinear(penalty, alpha=0.02, tasks=MIXED[:2], tol=1e-11)
    found = same_fit(model, X, Y[:, :2])
    assert found.dual_gap_ <= 1e-11


@pytest.mark.parametrize(
    ("task", "column"),
    [
        (Quantile([0.2, 0.8]), 3),
        (Regression(loss="huber"), 3),
        ("ordinal", 2),
        (NegativeBinomial(), 1),
    ],
    ids=["quantile", "huber", "ordinal", "negative_binomial"],
)
def test_other_losses(task, column):
    X, Y = data()
    same_fit(MultiTaskLinear("l2", alpha=0.05, tasks=task, tol=1e-7), X, Y[:, column])


def test_rows_without_labels_bring_no_rows_into_memory():
    X, Y = data()
    model = MultiTaskLinear(tasks=MIXED)
    stored, _, labels = read_source(model, ArraySource(X, Y, block_rows=350))
    targets = model._read_y(stored, labels, None, None)
    rows = targets.row_is_observed
    assert not rows.all()
    left, of_left, _ = learnable(stored, targets, None)
    assert isinstance(left, StoredRows)
    np.testing.assert_array_equal(left[:], X[rows])
    assert len(of_left.values) == rows.sum()


def test_long_form():
    X, Y = data()
    task = np.random.default_rng(0).choice(["a", "b", "c"], size=N_ROWS)
    task[:400] = "c"
    X = pd.DataFrame(X).add_prefix("x").assign(task=task)
    model = MultiTaskLinear(
        "mean_deviation", alpha=0.05, tasks="binary", task_feature="task", tol=1e-11
    )
    found = same_fit(model, X, Y[:, 0])
    assert found.task_names_in_.tolist() == ["a", "b", "c"]


def test_types_are_those_of_all_blocks():
    X, Y = data()
    # Whole numbers first, classes nowhere.
    Y = np.column_stack([np.r_[Y[:1000, 0], Y[1000:, 3]], Y[:, 0]])
    found = MultiTaskLinear("l2", alpha=0.1).fit(ArraySource(X, Y, block_rows=350))
    assert [task.alias for task in found.tasks_] == ["regression", "binary"]
    found = MultiTaskLinear("l2", alpha=0.1).fit(ArraySource(X, Y[:, [0]], block_rows=350))
    assert found.statistics_.n_labels_.tolist() == [(~np.isnan(Y[:, 0])).sum()]


def test_strings_and_classes_that_come_late():
    X, Y = data()
    names = np.array(["no", "yes", "perhaps"])[np.nan_to_num(Y[:, 2]).astype(int)].astype(object)
    names[:700] = None
    model = MultiTaskLinearClassifier("l2", alpha=0.1, class_weight="balanced", tol=1e-12)
    whole = clone(model).fit(X, names)
    found = clone(model).fit(ArraySource(X, names, block_rows=350))
    assert found.classes_.tolist() == whole.classes_.tolist() == ["no", "perhaps", "yes"]
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-5)


def test_labels_of_two_kinds_are_named():
    X, Y = data()
    blocks = [(X, Y[:, 2]), (X, np.array(["no", "yes"] * 1000, dtype=object))]
    with pytest.raises(ValueError, match="Task 0: labels are strings in some blocks, numbers in"):
        MultiTaskLinearClassifier().fit(blocks)
    with pytest.raises(ValueError, match="Block 1: y has 1 tasks, but that of block 0 has 2"):
        MultiTaskLinearClassifier().fit([(X, Y[:, [0, 2]]), (X, Y[:, [0]])])


def test_a_model_of_numbers_says_so():
    X, Y = data()
    with pytest.raises(ValueError, match=r"ReducedRankRegressor.*regression"):
        ReducedRankRegressor(tasks="count").fit([(X, Y[:, [1]])])


def test_stored_rows_are_a_matrix():
    X, Y = data()
    rng = np.random.default_rng(0)
    stored, _, labels = read_source(MultiTaskLinear(), ArraySource(X, Y, block_rows=350))
    assert isinstance(stored, StoredRows)
    assert labels.n_rows == N_ROWS
    wanted, rows = rng.random(N_ROWS) < 0.3, rng.integers(0, 500, size=40)
    for found, whole in ((stored, X), (stored[wanted], X[wanted])):
        W, U = rng.normal(size=(5, 2)), rng.normal(size=(len(whole), 3))
        assert found.shape == whole.shape
        np.testing.assert_allclose(found @ W, whole @ W)
        np.testing.assert_allclose(found.T @ U, whole.T @ U)
        np.testing.assert_array_equal(found[rows], whole[rows])
        np.testing.assert_array_equal(found[::7], whole[::7])
        np.testing.assert_array_equal(found[:, 3], whole[:, 3])
        parts = {part.start: block for part, block in found.shuffled(rng)}
        np.testing.assert_array_equal(np.vstack([parts[k] for k in sorted(parts)]), whole)
        moved = found.less(np.ones((5, 1)), np.zeros(len(whole), dtype=int))
        np.testing.assert_array_equal(moved[rows], whole[rows] - 1)
    # Kept rows are those of the source, by whatever way they are asked for.
    stored.keep(rows)
    np.testing.assert_array_equal(stored.kept, np.unique(rows))
    np.testing.assert_array_equal(stored[rows], X[rows])
