"""The loop: models side by side, when it stops, what it keeps."""

import numpy as np
import pytest
import torch

from skmtl.neural.architectures._units import Dropout
from skmtl.neural.optimizers import Adam
from skmtl.neural.training._evaluate import mean_losses
from skmtl.neural.training._loop import batches, train
from skmtl.neural.training._progress import Progress
from skmtl.neural.training._run import Run
from tests.neural.conftest import CPU, MIXED

DATA_SEED = 2


def fit(made, *, max_iter=30, tol=1e-4, patience=10, batch_size=16, lr=1e-2, **options):
    n_models = len(made.seeds)
    for layer in made.module.modules():
        if isinstance(layer, Dropout):
            layer.seed(list(made.seeds), CPU)
    progress = Progress(
        made.module,
        n_models,
        made.rows.task_has_label.astype(float),
        tol=tol,
        n_iter_no_change=patience,
    )
    optimizer = Adam(made.module, learning_rate=lr, alpha=1e-3)
    rngs = [np.random.default_rng([seed, DATA_SEED]) for seed in made.seeds]
    run = Run(made.module, made.step(), optimizer, progress, rngs)
    train(run, made.rows, batch_size=batch_size, max_iter=max_iter, **options)
    return progress


def judge(rows):
    return lambda run: mean_losses(run, rows)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("form", ["wide", "long"])
def test_models_side_by_side_are_fits_alone(parts, mixed_data, early_stopping, dropout, form):
    X, Y = mixed_data
    seeds, data = (4, 5, 6), (X, Y, MIXED)
    column = None
    if form == "long":
        data, column = (X, Y[:, 0], "regression"), np.arange(60) % 3

    def make(seeds):
        made = parts(*data, task_column=column, seeds=seeds, dropout=dropout)
        options = {"tol": 2e-2, "patience": 2, "max_iter": 60}
        if early_stopping:
            held = made.targets.take(np.arange(0, 60, 4))
            options["judge"] = judge(made.make_rows(X[::4], held))
        return made, fit(made, **options)

    together, progress = make(seeds)
    for k, seed in enumerate(seeds):
        alone, own = make((seed,))
        assert own.n_iter[0] == progress.n_iter[k]
        np.testing.assert_allclose(own.best_loss[0], progress.best_loss[k], rtol=1e-9)
        for a, b in zip(alone.module.parameters(), together.module.parameters(), strict=True):
            np.testing.assert_allclose(a[0].detach(), b[k].detach(), rtol=1e-7, atol=1e-10)
    if not dropout:
        assert len(set(progress.n_iter)) > 1, "all stop together: the test says little"


def test_batches_are_a_shuffled_partition(parts, mixed_data):
    X, _ = mixed_data
    made = parts(X, np.arange(60.0), seeds=(0, 1))
    picked = list(batches(made.rows, [np.random.default_rng(s) for s in (0, 1)], 25))
    assert [b.X.shape[1] for b in picked] == [25, 25, 10]
    values = torch.cat([b.values for b in picked], dim=1)[..., 0]
    for k in range(2):
        assert torch.equal(values[k].sort().values, made.rows.values[:, 0])
    assert not torch.equal(values[0], values[1])
    (whole,) = batches(made.rows, [None], 60)
    assert torch.equal(whole.X[0], made.rows.X)


def test_the_mark_moves_only_by_tol(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED)
    progress = Progress(made.module, 1, np.ones(4), tol=0.1, n_iter_no_change=2)
    epochs = []
    for loss in [1.0, 0.95, 0.89, 0.85, 0.81, 0.8, 0.79]:
        progress.end_epoch(np.full((1, 4), loss), np.ones((1, 4)))
        epochs.append(bool(progress.is_active[0]))
    # 0.89 is a step from 1; then 0.79 would be the next, and three epochs pass before it.
    assert epochs == [True, True, True, True, True, False, False]
    assert progress.has_converged[0]
    assert progress.n_iter[0] == 6


def test_early_stopping_keeps_the_best_epoch(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED)
    held = made.make_rows(X[:15], made.targets.take(np.arange(15)))
    seen = []

    class Observer:
        def begin_epoch(self):
            pass

        def end_epoch(self, progress):
            seen.append({k: v.clone() for k, v in made.module.state_dict().items()})

    progress = fit(made, max_iter=60, lr=0.05, patience=60, judge=judge(held), observer=Observer())
    mean = np.array([losses[0].mean() for losses in progress.validation_losses])
    assert 0 < mean.argmin() < len(mean) - 1
    for name, value in made.module.state_dict().items():
        assert torch.equal(value, seen[mean.argmin()][name])
    found = mean_losses(Run(made.module, made.step(), None, None, [None]), held)
    np.testing.assert_allclose(found.mean(), mean.min(), rtol=1e-12)
    assert progress.best_loss[0] == mean.min()


def test_a_task_without_validation_labels_is_not_judged(parts, mixed_data):
    X, Y = mixed_data
    Y[:15, 2] = np.nan
    made = parts(X, Y, MIXED)
    held = made.make_rows(X[:15], made.targets.take(np.arange(15)))
    losses = mean_losses(Run(made.module, made.step(), None, None, [None]), held)
    assert np.isnan(losses[0]).tolist() == [False, False, True, False]
    progress = fit(made, max_iter=3, judge=judge(held))
    np.testing.assert_allclose(progress.judged_loss[0], np.nanmean(progress.validation_losses[-1]))


def test_rows_without_labels_make_no_step(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED)
    made.rows.weights[20:] = 0.0
    made.rows.all_rows_count = False
    before = [p.detach().clone() for p in made.module.parameters()]
    order = iter([np.arange(60)])

    class InOrder:
        def permutation(self, n):
            return next(order)

    steps = []
    optimizer = Adam(made.module, learning_rate=0.1, alpha=1.0)
    optimizer.step = steps.append
    progress = Progress(made.module, 1, np.ones(4), tol=0, n_iter_no_change=5)
    run = Run(made.module, made.step(), optimizer, progress, [InOrder()])
    train(run, made.rows, batch_size=20, max_iter=1)
    assert len(steps) == 1
    assert all(torch.equal(a, b) for a, b in zip(before, made.module.parameters(), strict=True))


def test_one_model_may_diverge_while_others_train(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED, seeds=(0, 1))
    with torch.no_grad():
        made.module.trunk.layers[0].weight[0] = torch.nan
    progress = fit(made, max_iter=5)
    assert progress.diverged_task.tolist() == [0, -1]
    assert progress.n_iter.tolist() == [0, 5]
    alone = parts(X, Y, MIXED, seeds=(1,))
    fit(alone, max_iter=5)
    for a, b in zip(alone.module.parameters(), made.module.parameters(), strict=True):
        np.testing.assert_allclose(a[0].detach(), b[1].detach(), rtol=1e-9, atol=1e-12)
