"""What the estimators learn, and the equivalences they keep."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge

from skmtl import (
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPRegressor,
    stack_tasks,
)
from skmtl.neural.architectures import HardSharing
from skmtl.neural.balancing import Equal
from skmtl.tasks import Regression
from tests.neural.conftest import PLAIN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {**PLAIN, "hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 0}


def mixed(n=900, seed=0, missing=0.4):
    """Two scores, a yes/no, one of three classes and a count of one hidden representation."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    h = np.tanh(X @ np.random.default_rng(99).normal(size=(6, 3)))
    Y = np.column_stack(
        [
            1e6 * (h[:, 0] + 0.1 * rng.normal(size=n)),
            1e-6 * (h[:, 1] - h[:, 2] + 0.1 * rng.normal(size=n)),
            h[:, 0] + h[:, 1] > 0,
            np.digitize(h[:, 2], [-0.5, 0.5]),
            rng.poisson(np.exp(h[:, 1])),
        ]
    )
    Y[rng.random(Y.shape) < missing] = np.nan
    return X, Y


MIXED = ["regression", "regression", "binary", "multiclass", "count"]


def test_learns_all_types_together():
    X, Y = mixed(2700)
    options = {**PLAIN, "early_stopping": True, "max_iter": 200, "learning_rate_init": 3e-3}
    model = MultiTaskMLP((32, 32), tasks=MIXED, random_state=0, **options)
    model.fit(X[:1800], Y[:1800])
    scores = [
        task.score(predicted, values, weight)
        for task, predicted, values, weight, _ in model._scored_columns(X[1800:], Y[1800:])
    ]
    # Noise leaves 0.98 of the variance of the scores and 0.4 of the deviance of the count.
    assert (np.array(scores) > [0.95, 0.95, 0.75, 0.65, 0.25]).all(), scores
    assert model.score(X[1800:], Y[1800:]) == pytest.approx(np.mean(scores))


def test_without_hidden_layers_it_is_ridge():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X @ [1.0, -2.0, 0.5] + 3 + 0.1 * rng.normal(size=80)
    model = MultiTaskMLPRegressor(
        (),
        **PLAIN,
        alpha=0.5,
        batch_size=80,
        max_iter=3000,
        n_iter_no_change=3000,
        random_state=0,
    ).fit(X, y)
    # 1/2 alpha |w|^2 beside 1/(2n) |y - Xw|^2, in units of the standard deviation of y.
    reference = Ridge(alpha=0.5 * 80).fit(X, y)
    np.testing.assert_allclose(model.predict(X), reference.predict(X), rtol=1e-4)


def test_targets_of_any_scale_learn_alike():
    X, Y = mixed(300)
    small, large = (MultiTaskMLPRegressor(**SMALL).fit(X, Y[:, :2] * s) for s in (1e-9, 1e9))
    np.testing.assert_allclose(large.predict(X), small.predict(X) * 1e18, rtol=1e-6)


def test_integer_weights_are_repeated_rows():
    X, Y = mixed(80)
    weight = np.random.default_rng(0).integers(0, 4, size=80)
    options = {**SMALL, "tasks": MIXED, "batch_size": 1000}
    weighted = MultiTaskMLP(**options).fit(X, Y, sample_weight=weight)
    repeated = MultiTaskMLP(**options).fit(
        np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0)
    )
    np.testing.assert_allclose(weighted._raw(X, None), repeated._raw(X, None), rtol=1e-7)


def test_weights_of_one_change_no_bit():
    X, Y = mixed(80)
    plain = MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y)
    for weight in (np.ones(80), np.ones(Y.shape)):
        weighted = MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y, sample_weight=weight)
        assert (weighted._raw(X, None) == plain._raw(X, None)).all()


def test_a_row_without_labels_changes_no_bit():
    X, Y = mixed(250)
    Y[::7] = np.nan
    options = {**SMALL, "tasks": MIXED, "batch_size": 32}
    kept = ~np.isnan(Y).all(axis=1)
    with_rows = MultiTaskMLP(**options).fit(X, Y)
    without = MultiTaskMLP(**options).fit(X[kept], Y[kept])
    assert (with_rows._raw(X, None) == without._raw(X, None)).all()


@pytest.mark.parametrize("heads", [(), (3,)])
def test_p7_permuted_tasks_permute_predictions(heads):
    X, Y = mixed(150)
    Y = pd.DataFrame(Y, columns=list("abcde"))
    options = {**SMALL, "tasks": dict(zip("abcde", MIXED, strict=True)), "batch_size": 32}
    options["head_hidden_layer_sizes"] = heads
    order = [3, 0, 4, 1, 2]
    plain = MultiTaskMLP(**options).fit(X, Y).predict(X)
    moved = MultiTaskMLP(**options).fit(X, Y.iloc[:, order]).predict(X)
    np.testing.assert_allclose(moved, plain[:, order], rtol=1e-6)


@pytest.mark.parametrize("heads", [(), (3,)])
def test_wide_and_long_say_the_same(heads):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    Y = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    options = {**SMALL, "head_hidden_layer_sizes": heads, "batch_size": 1000}
    options["architecture"] = "hard_sharing"
    wide = MultiTaskMLPRegressor(**options).fit(X, Y)
    X_long, y_long = stack_tasks([X] * 3, list(Y.T))
    long = MultiTaskMLPRegressor(**options, task_feature=0).fit(X_long, y_long)
    expected = wide.predict(X).T.ravel()
    np.testing.assert_allclose(long.predict(X_long), expected, rtol=1e-5, atol=1e-8)


def test_an_unknown_task_gets_the_mean_of_those_with_labels():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(60) % 4, rng.normal(size=(60, 2))])
    y = X[:, 1] * X[:, 0] + 0.1 * rng.normal(size=60)
    y[X[:, 0] == 2] = np.nan
    model = MultiTaskMLPRegressor(
        **SMALL, head_hidden_layer_sizes=(3,), task_feature=0, unknown_task="shared"
    )
    with pytest.warns(UserWarning, match=r"Task 2: no observed label"):
        model.fit(X, y)
    of_task = [model.predict(np.column_stack([np.full(60, t), X[:, 1:]])) for t in (0, 1, 3)]
    new = model.predict(np.column_stack([np.full(60, 9), X[:, 1:]]))
    np.testing.assert_allclose(new, np.mean(of_task, axis=0), rtol=1e-10)
    assert np.isnan(model.predict(X)[X[:, 0] == 2]).all()


def test_many_tasks_of_few_rows_take_little_memory():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(6000) // 3, rng.normal(size=(6000, 4))])
    model = MultiTaskMLPRegressor(**{**SMALL, "max_iter": 2}, task_feature=0)
    model.fit(X, X[:, 1] + rng.normal(size=6000))
    assert model.loss_curve_.shape == (2, 2000)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_rows_are_dense_rows(make):
    X, Y = mixed(250)
    X[np.abs(X) < 0.5] = 0.0
    options = {**SMALL, "tasks": MIXED, "batch_size": 32, "early_stopping": True}
    dense = MultiTaskMLP(**options).fit(X, Y)
    thin = MultiTaskMLP(**options).fit(make(X), Y)
    assert (thin._raw(make(X).tocsr(), None) == dense._raw(X, None)).all()


def test_float32_trains_in_float32_and_predicts_float64(architecture):
    X, Y = mixed(100)
    options = {**SMALL, "tasks": MIXED, "architecture": architecture}
    model = MultiTaskMLP(**options).fit(X.astype(np.float32), Y)
    assert {a.dtype for a in model._fitted.parameters.values()} == {np.dtype(np.float32)}
    assert model.predict(X).dtype == np.float64
    double = MultiTaskMLP(**options).fit(X, Y)
    assert {a.dtype for a in double._fitted.parameters.values()} == {np.dtype(np.float64)}
    np.testing.assert_allclose(model._raw(X, None), double._raw(X, None), rtol=1e-2, atol=1e-4)


def test_pickle_holds_arrays_and_no_module():
    X, Y = mixed(100)
    model = MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y)
    model.predict(X)
    data = pickle.dumps(model)
    assert b"torch" not in data
    assert all(isinstance(array, np.ndarray) for array in model._fitted.parameters.values())
    assert (pickle.loads(data).predict(X) == model.predict(X)).all()


def test_curves_and_history():
    X, Y = mixed(200)
    model = MultiTaskMLP(**SMALL, tasks=MIXED, task_weight=[1, 2, 0, 1, 1], early_stopping=True)
    model.fit(X, Y)
    assert model.n_iter_ == 30
    assert model.loss_curve_.shape == (30, 5)
    assert (model.loss_curve_[-1, [0, 1, 3]] < model.loss_curve_[0, [0, 1, 3]]).all()
    assert set(model.history_) == {"loss", "task_weight", "validation_loss"}
    assert (model.history_["task_weight"] == [1, 2, 0, 1, 1]).all()
    mean = model.history_["validation_loss"] @ [1, 2, 0, 1, 1] / 5
    assert model.best_loss_ == pytest.approx(mean.min())
    assert np.isfinite(model.best_validation_score_)
    assert not model.diverged_
    assert not model.interrupted_


def test_stops_when_nothing_improves():
    X, Y = mixed(100)
    model = MultiTaskMLP((4,), tasks=MIXED, tol=10.0, n_iter_no_change=3, random_state=0)
    # A fit on a curve has its epochs, which are 500 steps: two in each.
    assert model.fit(X, Y).n_iter_ == 250
    # The first epoch sets the mark; the fourth without a step of tol is one too many.
    assert model.set_params(learning_rate="constant").fit(X, Y).n_iter_ == 5


def test_max_iter_warns():
    X, Y = mixed(100)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=30.*tol=0\.0001"):
        MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y)


def test_verbose_prints_every_nth_epoch(capsys):
    X, Y = mixed(100)
    MultiTaskMLP(**SMALL, tasks=MIXED, verbose=10).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Epoch 10", "Epoch 20", "Epoch 30"]
    MultiTaskMLP(**{**SMALL, "max_iter": 2}, tasks=MIXED, verbose=True, early_stopping=True).fit(
        X, Y
    )
    assert capsys.readouterr().out.count("validation loss") == 2
    MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y)
    assert capsys.readouterr().out == ""


def test_objects_are_the_same_as_their_aliases():
    X, Y = mixed(100)
    alias = MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y)
    objects = MultiTaskMLP(**SMALL, tasks=MIXED, architecture=HardSharing(), balancing=Equal())
    assert (objects.fit(X, Y).predict(X) == alias.predict(X)).all()


def test_regressor_and_classifier():
    X, Y = mixed(300)
    regressor = MultiTaskMLPRegressor(
        (16,), tasks=Regression(loss="huber"), learning_rate_init=0.02, random_state=0
    ).fit(X, Y[:, :2])
    assert regressor.score(X, Y[:, :2]) > 0.8
    assert not hasattr(regressor, "classes_")
    classifier = MultiTaskMLPClassifier((16,), learning_rate_init=0.02, random_state=0)
    classifier.fit(X, Y[:, 2:4])
    assert classifier.score(X, Y[:, 2:4]) > 0.8
    assert [c.tolist() for c in classifier.classes_] == [[0, 1], [0, 1, 2]]
    with pytest.raises(ValueError, match="Task 1 is declared binary"):
        MultiTaskMLPRegressor(tasks=["regression", "binary"]).fit(X, Y[:, [0, 2]])


def test_large_counts_have_losses_above_zero():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = rng.poisson(np.exp(2 + 0.3 * X[:, 0]))
    model = MultiTaskMLP((8,), tasks="count", max_iter=50, learning_rate_init=0.02, random_state=0)
    model.fit(X, y)
    first, last = model.loss_curve_[[0, -1], 0]
    assert 0 < last < first
    assert not model.diverged_
    model.set_params(warm_start=True).fit(X, y)
    assert model.loss_curve_[0, 0] < first
    assert not model.diverged_
    assert model.score(X, y) > 0.3


@pytest.mark.parametrize("form", ["wide", "heads", "long", "shared"])
def test_predictions_do_not_depend_on_chunks(form, monkeypatch):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(60) % 4, rng.normal(size=(60, 3))])
    options = {"task_feature": 0, "unknown_task": "shared"} if form in ("long", "shared") else {}
    y = X[:, 1] if options else np.column_stack([X[:, 1], X[:, 2], X[:, 1] > 0])
    heads = (3,) if form == "heads" else ()
    model = MultiTaskMLP(**SMALL, head_hidden_layer_sizes=heads, **options).fit(X, y)
    if form == "shared":
        X[::2, 0] = 9
    whole = model.predict(X)
    monkeypatch.setattr("skmtl.neural.networks._predict.CHUNK", 50)
    np.testing.assert_allclose(model.predict(X), whole, rtol=1e-10, atol=1e-14)
