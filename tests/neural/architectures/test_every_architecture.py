"""MultiTaskMLP with every architecture: what holds for the estimator holds for each."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.architectures import ARCHITECTURES, NetworkSpec
from skmtl.neural.architectures._units import Dropout
from skmtl.testing._architecture import PROPERTIES
from skmtl.testing._properties import check_one

every_architecture = pytest.mark.parametrize("alias", sorted(ARCHITECTURES))
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


SPECS = {
    heads: NetworkSpec(5, (1, 3, 2), (6, 6), heads, activation="tanh") for heads in ((), (4, 3))
}
SPECS["linear_skip"] = NetworkSpec(5, (1, 3, 2), (6,), activation="silu", linear_skip=True)


@pytest.mark.parametrize("heads", SPECS)
@pytest.mark.parametrize("name", PROPERTIES)
@every_architecture
def test_property(alias, name, heads):
    check_one(ARCHITECTURES[alias](), name, PROPERTIES[name], SPECS[heads])


def mixed(n=60):
    """A score, a yes/no, one of three classes and a count, a third missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y = pd.DataFrame(
        {
            "score": X[:, 0] + 0.1 * rng.normal(size=n),
            "yes": (X[:, 1] > 0).astype(float),
            "class": np.digitize(X[:, 2], [-0.5, 0.5]).astype(float),
            "count": rng.poisson(np.exp(0.5 * X[:, 3])).astype(float),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.3)


TYPES = {"score": "regression", "yes": "binary", "class": "multiclass", "count": "count"}


def estimator(alias, kind=MultiTaskMLP, **options):
    settings = {"max_iter": 4, "batch_size": 16, "random_state": 0, "learning_rate_init": 0.01}
    return kind((6, 6), architecture=ARCHITECTURES[alias](), **{**settings, **options})


@every_architecture
def test_losses_fall(alias):
    X, y = mixed()
    model = estimator(alias, tasks=TYPES, max_iter=30).fit(X, y)
    assert (model.loss_curve_[-1] < model.loss_curve_[0]).all()


@every_architecture
@pytest.mark.parametrize("unknown", ["error", "shared"])
def test_long_form(alias, unknown):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(60, 3)), rng.integers(4, size=60)])
    y = X[:, 0] * (1 + X[:, 3])
    y[::5] = np.nan
    options = {"task_feature": 3, "unknown_task": unknown, "head_hidden_layer_sizes": (3,)}
    model = estimator(alias, MultiTaskMLPRegressor, **options).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    if unknown == "shared":
        assert np.isfinite(model.predict(np.array([[0.0, 0.0, 0.0, 9.0]]))).all()


@every_architecture
def test_grid_search_over_a_parameter_of_the_architecture(alias):
    X, y = mixed()
    parameters = ARCHITECTURES[alias]().get_params()
    name = next(iter(parameters), None)
    values = [parameters[name]] if name else [ARCHITECTURES[alias]()]
    grid = {f"architecture__{name}" if name else "architecture": values}
    search = GridSearchCV(estimator(alias, tasks=TYPES), grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.best_score_)


@pytest.mark.filterwarnings("ignore::UserWarning:joblib")
def test_row_38_two_jobs_give_the_same_scores():
    X, y = mixed()
    model = MultiTaskMLP((6, 6), tasks=TYPES, max_iter=4, dropout=0.2, random_state=0)
    grid = {"architecture": sorted(ARCHITECTURES)}
    one, two = (
        GridSearchCV(model, grid, cv=2, error_score="raise", n_jobs=n_jobs).fit(X, y)
        for n_jobs in (1, 2)
    )
    scores = [search.cv_results_["mean_test_score"] for search in (one, two)]
    np.testing.assert_array_equal(*scores)


@every_architecture
@pytest.mark.parametrize("form", ["wide", "long"])
def test_dropout_leaves_out_other_units_in_each_layer(alias, form, monkeypatch):
    X, y = mixed()
    options = {"dropout": 0.5, "head_hidden_layer_sizes": (5, 5), "batch_size": 60, "max_iter": 2}
    if form == "long":
        X, y = np.column_stack([X, np.arange(60) % 3]), X[:, 0]
        model = estimator(alias, MultiTaskMLPRegressor, task_feature=4, **options)
    else:
        model = estimator(alias, tasks=TYPES, **options)
    masks, original = [], Dropout.mask

    def mask(self, x):
        found = original(self, x)
        if found is not None and self.probability:
            masks.append(found.numpy().ravel())
        return found

    def leave_out(self, units, slopes):
        found = self.mask(torch.from_numpy(units))
        if found is not None:
            units *= found.numpy()
            slopes *= found.numpy()

    monkeypatch.setattr(Dropout, "mask", mask)
    monkeypatch.setattr(Dropout, "leave_out", leave_out)
    predicted = model.fit(X, y).predict(X)
    # Two hidden layers and two of the heads, in each of two steps.
    assert len(masks) >= 8
    for one in masks:
        assert set(one) == {0.0, 2.0}
        assert abs(one.mean() - 1) < 0.3
    for one, other in combinations(masks, 2):
        size = min(len(one), len(other))
        assert (one[:size] != other[:size]).mean() > 0.3
    # Predictions leave nothing out.
    n_masks = len(masks)
    np.testing.assert_array_equal(model.predict(X), predicted)
    assert len(masks) == n_masks
    without = clone(model).set_params(dropout=0.0).fit(X, y)
    assert (without.predict(X) != predicted).any()
    assert len(masks) == n_masks


@every_architecture
def test_permuted_tasks_give_permuted_results(alias):
    X, y = mixed()
    options = {"tasks": TYPES, "learning_rate_init": 1e-3, "dropout": 0.0}
    model = estimator(alias, **options).fit(X, y)
    order = ["count", "score", "class", "yes"]
    moved = estimator(alias, **options).fit(X, y[order])
    permutation = [list(y).index(name) for name in order]
    raw, moved_raw = model.predict(X), moved.predict(X)
    np.testing.assert_allclose(moved_raw, raw[:, permutation], rtol=1e-6)


@every_architecture
def test_constant_tasks_are_predicted(alias):
    X, y = mixed()
    y["yes"] = y["yes"].mask(y["yes"] == 0)
    with pytest.warns(UserWarning):
        model = estimator(alias, tasks=TYPES).fit(X, y)
    assert (model.predict(X)[:, 1] == 1).all()
    with pytest.warns(UserWarning):
        model = estimator(alias, tasks=["binary"] * 2).fit(X, y[["yes", "yes"]].to_numpy())
    assert (model.predict(X) == 1).all()
