"""A few rows of a blend of networks are predicted as many are."""

import copy
import pickle

import numpy as np
import pytest

from skmtl import MultiTaskMLPCV
from skmtl.neural.networks._few_blended import FewBlended
from skmtl.neural.networks._few_rows import FEW
from skmtl.tasks import Count, Regression

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.column_stack([10.0 + X[:, 0] * X[:, 1], 1e3 * X[:, 2] + X[:, 0]])
GRID = [
    {"activation": ["relu"], "linear_skip": [True, False], "max_iter": [8]},
    {"activation": ["tanh"], "feature_scaling": [None], "alpha": [0.1, 1.0], "max_iter": [8]},
]


def fitted(grid=GRID, **options):
    options = {"cv": 2, "random_state": 0, "hidden_layer_sizes": (6, 5), **options}
    return MultiTaskMLPCV(grid, **{"tasks": "regression", **options}).fit(X, Y)


def sum_of(model):
    """What `predict` uses for a few rows."""
    model.predict(X[:1])
    return model._stacks[0].built["blended"][1]


def check_rows(model):
    expected = model.predict(X)
    for n in (1, FEW, FEW + 1):
        np.testing.assert_allclose(model.predict(X[:n]), expected[:n], rtol=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hidden_layer_sizes": ()},
        {"grid": {"numeric_embedding": ["piecewise_linear"], "max_iter": [8]}},
        {"tasks": [Regression(loss="huber"), "regression"]},
    ],
    ids=lambda options: "-".join(options) or "default",
)
def test_a_row_is_predicted_as_many_are(options):
    model = fitted(**options)
    assert isinstance(sum_of(model), FewBlended)
    check_rows(model)


class Halved(Regression):
    """A type of the user's, that predicts something else."""

    def mean(self, score):
        return 0.5 * score


@pytest.mark.parametrize(
    "options",
    [
        {"tasks": [Halved(), "regression"]},
        {"tasks": ["regression", Regression(loss="squared")], "normalization": "layer"},
    ],
    ids=["another link", "other layers"],
)
def test_what_is_no_such_sum(options):
    model = fitted(**options)
    assert sum_of(model) is None
    check_rows(model)


def test_other_types_of_task():
    model = MultiTaskMLPCV(GRID, cv=2, random_state=0, tasks=["regression", Count()])
    model.fit(X, np.column_stack([Y[:, 0], RNG.poisson(3.0, size=60)]))
    assert sum_of(model) is None
    check_rows(model)


def test_constants_count():
    noise = RNG.normal(size=(60, 2)) + 5.0
    model = MultiTaskMLPCV(GRID, cv=2, random_state=0, tasks="regression").fit(X, noise)
    assert (model.weights_.sum(axis=0) < 0.99).any()
    check_rows(model)


def test_never_stale():
    model = fitted()
    first = model.predict(X[:1])
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict(X[:1]), first)
    changed = copy.deepcopy(model)
    changed.weights_ = 0.5 * changed.weights_
    check_rows(changed)
    assert (changed.predict(X[:1]) != first).any()
    model.set_params(hidden_layer_sizes=(3,)).fit(X, Y)
    check_rows(model)


def test_numbers_that_have_no_room_are_left_to_others():
    model = fitted(grid={"activation": ["identity"], "feature_scaling": [None], "max_iter": [2]})
    assert sum_of(model).predict(np.full((1, 4), 1e300)) is not None
    assert sum_of(model).predict(np.full((1, 4), np.inf)) is None


def test_missing_values():
    rows = X.copy()
    rows[::5, 1] = np.nan
    model = MultiTaskMLPCV(GRID[0], cv=2, random_state=0, tasks="regression").fit(rows, Y)
    np.testing.assert_allclose(model.predict(rows[:1]), model.predict(rows)[:1], rtol=1e-9)
