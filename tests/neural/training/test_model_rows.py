"""Models with rows of their own, side by side, are models alone."""

import numpy as np
import pytest
import torch

from skmtl import MultiTaskMLP
from skmtl.neural._data import Rows
from skmtl.neural.architectures._units import Dropout
from skmtl.neural.optimizers import OPTIMIZERS
from skmtl.neural.optimizers._schedules import Planned, cosine
from skmtl.neural.training import _early_stopping
from skmtl.neural.training._loop import run_epoch
from skmtl.neural.training._model_rows import HeldOut, ModelRows
from skmtl.neural.training._progress import Progress
from skmtl.neural.training._run import Run
from tests.neural.conftest import CPU, MIXED, PLAIN

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of epochs")

RATES = np.array([0.03, 0.03, 0.01])
DECAYS = np.array([0.5, 0.5, 0.1])
DROPOUT = np.array([0.0, 0.3, 0.3])
STAY = {"tol": 0, "n_iter_no_change": 5}
INDEX = [np.arange(0, 40), np.arange(20, 60), np.setdiff1d(np.arange(60), np.arange(5, 25))]


def run_of(made, index, models, *, batch_size, solver="adamw", n_epochs=3):
    """The models of a run after some epochs."""
    seeds = list(made.seeds)
    for layer in made.module.modules():
        if isinstance(layer, Dropout):
            layer.seed(seeds, CPU)
            layer.probability = DROPOUT[models]
    settings = {"learning_rate": RATES[models], "alpha": DECAYS[models]}
    optimizer = Planned(OPTIMIZERS[solver](made.module, **settings), cosine, 30)
    progress = Progress(made.module, len(models), np.ones(made.tasks.n_tasks), **STAY)
    rngs = [np.random.default_rng(seed) for seed in seeds]
    rows = ModelRows(made.rows, [index[k] for k in models])
    run = Run(made.module, made.step(), optimizer, progress, rngs, model_rows=rows)
    losses = [run_epoch(run, rows, batch_size)[0] for _ in range(n_epochs)]
    return run, np.array(losses)


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("batch_size", [16, 100])
@pytest.mark.parametrize("form", ["wide", "complete", "long"])
def test_a_model_in_a_stack_is_the_model_alone(parts, mixed_data, form, batch_size, solver):
    X, Y = mixed_data
    data, column = (X, Y, MIXED), None
    if form == "long":
        data, column = (X, Y[:, 0], "regression"), np.arange(60) % 3
    if form == "complete":
        data = X, np.column_stack([X[:, 0] * X[:, 1], X[:, 2]])
    seeds = np.array([4, 5, 6])

    def run(models):
        made = parts(*data, task_column=column, seeds=tuple(seeds[models].tolist()))
        run, losses = run_of(made, INDEX, models, batch_size=batch_size, solver=solver)
        return [p[...].detach() for p in run.module.parameters()], losses

    together, losses = run(np.arange(3))
    for k in range(3):
        alone, own = run(np.array([k]))
        np.testing.assert_allclose(own[:, 0], losses[:, k], rtol=1e-9)
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_allclose(a[0], b[k], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", ["wide", "long"])
def test_labels_count_as_if_there_were_no_other_rows(parts, mixed_data, form):
    X, Y = mixed_data
    data, column = (X, Y, MIXED), None
    if form == "long":
        data, column = (X, Y[:, 0], "regression"), np.arange(60) % 3
    made = parts(*data, task_column=column, sample_weight=np.linspace(0.5, 2, 60))
    rows = ModelRows(made.rows, [np.arange(10, 40)])
    (batch,) = rows.epoch([np.random.default_rng(0)], 100)
    own = made.make_rows(X[10:40], made.targets.take(np.arange(10, 40)))
    assert isinstance(own, Rows)
    np.testing.assert_allclose(batch.weights[0], own.weights, rtol=1e-12)


def test_an_epoch_is_one_pass_over_the_most_rows(parts, mixed_data):
    X, _ = mixed_data
    made = parts(X, np.arange(60.0), seeds=(0, 1))
    index = [np.arange(50), np.arange(30, 60)]
    rows = ModelRows(made.rows, index)
    rngs = [np.random.default_rng(k) for k in range(2)]
    picked = list(rows.epoch(rngs, 20))
    assert [b.X.shape[1] for b in picked] == [20, 20, 10]
    values = torch.cat([b.values for b in picked], dim=1)[..., 0]
    assert torch.equal(values[0].sort().values, made.rows.values[:50, 0])
    found, counts = values[1].unique(return_counts=True)
    assert torch.equal(found, made.rows.values[30:, 0])
    assert sorted(counts.tolist()) == [1] * 10 + [2] * 20


@pytest.mark.parametrize("form", ["wide", "long"])
def test_held_out_rows_are_predicted_by_their_models(parts, mixed_data, form, monkeypatch):
    monkeypatch.setattr("skmtl.neural.training._model_rows.CHUNK", 50)
    X, Y = mixed_data
    data, column = (X, Y, MIXED), None
    if form == "long":
        data, column = (X, Y[:, 0], "regression"), np.arange(60) % 3
    made = parts(*data, task_column=column, seeds=(0, 1, 2, 3))
    raw = made.raw()
    held = [np.arange(0), np.arange(25), np.arange(25, 50), np.arange(20, 55)]
    found = HeldOut(made.rows, held, [0, 0, 0, 1]).raw_scores(made.module)
    assert found.shape == (2, *raw.shape[1:])
    np.testing.assert_allclose(found[0, :25], raw[1, :25])
    np.testing.assert_allclose(found[0, 25:50], raw[2, 25:50])
    np.testing.assert_allclose(found[1, 20:55], raw[3, 20:55])
    assert np.isnan(found[0, 50:]).all() and np.isnan(found[1, :20]).all()
    twice = HeldOut(made.rows, held, [0, 0, 0, 0]).raw_scores(made.module)
    np.testing.assert_allclose(twice[0, 30], (raw[2, 30] + raw[3, 30]) / 2)


def problem(n=80):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    return X, np.column_stack([X[:, 0] * X[:, 1] + rng.normal(size=n), X[:, 2]])


@pytest.mark.parametrize("batch_size", [20, 100])
def test_early_stopping_on_few_rows_keeps_the_network_of_all_rows(batch_size):
    X, Y = problem()
    options = {**PLAIN, "batch_size": batch_size, "dropout": 0.2, "random_state": 0}
    stopped = MultiTaskMLP((16,), early_stopping=True, learning_rate_init=0.05, **options)
    stopped.set_params(max_iter=200).fit(X, Y)
    best = int(np.argmin(stopped.history_["validation_loss"].mean(axis=1))) + 1
    assert 1 < best < stopped.n_iter_ < 200
    length = {"max_iter": best, "n_iter_no_change": best}
    alone = MultiTaskMLP((16,), learning_rate_init=0.05, **length, **options)
    alone.fit(X, Y)
    np.testing.assert_allclose(stopped.predict(X), alone.predict(X), rtol=1e-9)
    assert stopped.best_validation_score_ < stopped.score(X, Y)


def test_many_rows_are_split_once():
    X, Y = problem(n=1001)
    fitted = {}
    for fraction in (0.1, 0.0999):
        model = MultiTaskMLP((4,), early_stopping=True, validation_fraction=fraction, max_iter=2)
        fitted[fraction] = model
        seen = []
        original = _early_stopping.hold_out

        def hold_out(*args, seen=seen, original=original):
            seen.append(original(*args))
            return seen[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("skmtl.neural.training._fit.hold_out", hold_out)
            model.fit(X, Y)
        assert len(seen[0].members) == (1 if fraction * 1001 >= _early_stopping.FEW else 5)


def test_a_label_that_is_the_only_one_of_its_class_is_not_held_out():
    X, Y = problem(30)
    classes = np.array(["a", "b"] * 15, dtype=object)
    classes[7] = "c"
    labels = np.column_stack([Y[:, :1].astype(object), classes])
    model = MultiTaskMLP((4,), early_stopping=True, max_iter=3, random_state=0)
    model.fit(X, labels)
    assert np.isfinite(model.history_["validation_loss"]).all()
    assert np.isfinite(model.best_validation_score_)
