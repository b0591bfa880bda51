"""Networks of several sets of rows, trained at once: each is what its fit alone would be."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone

from skmtl import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from skmtl.inspection import transfer_gain
from skmtl.neural.training import _side_by_side
from skmtl.neural.training._side_by_side import fit_all

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FAST = {"hidden_layer_sizes": (6,), "max_iter": 8, "batch_size": 16, "random_state": 0}


def sets_of_rows(n_sets=3, n=60, n_columns=1, noise=0.3):
    """Other features, other labels, as many rows."""
    rng = np.random.default_rng(0)
    for k in range(n_sets):
        X = rng.normal(size=(n, 4)) * (k + 1.0)
        signal = np.tanh(X @ rng.normal(size=(4, n_columns)))
        yield X, signal + noise * rng.normal(size=signal.shape)


@pytest.fixture
def together(monkeypatch):
    """How many sets of rows were trained at once, each time."""
    found, train = [], _side_by_side.train_side_by_side

    def spy(parts):
        found.append(len(parts))
        return train(parts)

    monkeypatch.setattr(_side_by_side, "train_side_by_side", spy)
    return found


def assert_as_alone(models, sets, weight=None):
    pairs = list(zip(models, sets, strict=True))
    found = fit_all([([clone(model)], X, y, weight) for model, (X, y) in pairs])
    for [fitted], (model, (X, y)) in zip(found, pairs, strict=True):
        alone = clone(model).fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(fitted.predict(X), alone.predict(X), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(fitted.loss_curve_, alone.loss_curve_, rtol=1e-5, atol=1e-7)
        assert fitted.n_iter_ == alone.n_iter_
        assert fitted.task_names_in_.tolist() == alone.task_names_in_.tolist()
        assert (fitted._fitted.shrinkage is None) == (alone._fitted.shrinkage is None)


SETTINGS = {
    "plain": {},
    "defaults": {"max_iter": "auto", "batch_size": "auto"},
    "constant rate": {"learning_rate": "constant", "n_iter_no_change": 1, "tol": 0.1},
    "plateau": {"solver": "sgd", "learning_rate": "plateau", "tol": 0.5, "n_iter_no_change": 2},
    "dropout": {"dropout": 0.4},
    "clipped": {"max_grad_norm": 0.1},
    "normalised": {"normalization": "batch"},
    "one batch": {"batch_size": 100},
    "experts": {"architecture": "mmoe"},
    "trained embedding": {"numeric_embedding": "periodic"},
    "early stopping": {"early_stopping": True},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_rows_of_their_own(setting, together):
    sets = list(sets_of_rows())
    models = [MultiTaskMLPRegressor(**(FAST | SETTINGS[setting])) for _ in sets]
    assert_as_alone(models, sets)
    alone = setting in {"trained embedding", "early stopping"}
    assert together == ([1, 1, 1] if alone else [3])


def test_networks_that_are_not_sure_of_themselves(together):
    """Each has others beside it, that do without some of its rows."""
    sets = list(sets_of_rows(noise=20.0))
    model = MultiTaskMLPRegressor(**(FAST | {"max_iter": 5}))
    assert_as_alone([model] * 3, sets)
    assert together == [3]
    assert clone(model).fit(*sets[0])._fitted.shrinkage is not None


def test_weights_and_several_tasks(together):
    sets = list(sets_of_rows(n_columns=3))
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=(60, 3))
    weight[::7, 1] = 0.0
    assert_as_alone([MultiTaskMLPRegressor(**FAST)] * 3, sets, weight)
    assert together == [3]


def test_rates_and_seeds_differ(together):
    sets = list(sets_of_rows())
    models = [MultiTaskMLPRegressor(**FAST).set_params(alpha=0.01) for _ in sets]
    for k, model in enumerate(models):
        model.set_params(learning_rate_init=10.0**-k, random_state=k)
    assert_as_alone(models, sets)
    assert together == [3]


def test_what_has_another_shape_waits(together):
    """Missing labels take rows away, and classes have another loss."""
    (X, y), (X2, y2), (X3, y3) = sets_of_rows()
    y2 = np.where(np.arange(60)[:, None] % 4, y2, np.nan)
    models = [MultiTaskMLP(**FAST), MultiTaskMLP(**FAST), MultiTaskMLP(**FAST)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_as_alone(models, [(X, y), (X2, y2), (X3, y3 > 0)])
    assert together == [1, 1, 1]


def test_one_that_cannot_be_fitted(together):
    (X, y), (X2, y2), (X3, y3) = sets_of_rows()
    model = MultiTaskMLPClassifier(**FAST)
    [[one], [broken], [other]] = fit_all(
        [
            ([clone(model)], X, y > 0, None),
            ([clone(model)], X2 * np.nan, y2 > 0, np.full(60, np.inf)),
            ([clone(model)], X3, y3 > 0, None),
        ]
    )
    assert isinstance(broken, ValueError)
    assert "infinity" in str(broken)
    assert (one.predict(X) == clone(model).fit(X, y > 0).predict(X)).all()
    assert (other.predict(X3) == clone(model).fit(X3, y3 > 0).predict(X3)).all()
    assert together == [2]


def test_single_task_twins_train_at_once(together, monkeypatch):
    [(X, Y)] = sets_of_rows(1, n_columns=3)
    model = MultiTaskMLPRegressor(**FAST)
    at_once = transfer_gain(model, X, Y, cv=3)
    # Six folds: all tasks, and three times one; sixteen at a time.
    assert together == [6, 16, 2]
    monkeypatch.setattr("skmtl.inspection._cross_validate.is_network", lambda estimator: False)
    one_by_one = transfer_gain(model, X, Y, cv=3)
    np.testing.assert_allclose(at_once.fold_gains, one_by_one.fold_gains, rtol=1e-6, atol=1e-9)
