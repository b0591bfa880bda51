"""Networks are believed as far as rows say that another one has not seen."""

import pickle

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from skmtl import MultiTaskMLP
from skmtl.neural.networks._shrinkage import Shrinkage
from skmtl.neural.training import _shrink


def problem(signal=0.5, n=120, p=30, n_tasks=2):
    """Binary labels, mostly noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    score = signal * X[:, :2] @ rng.normal(size=(2, n_tasks))
    return X, (rng.random((n, n_tasks)) < 1 / (1 + np.exp(-score))).astype(float)


def test_between_a_constant_and_the_network():
    raw = np.random.default_rng(0).normal(size=(1, 4, 3))
    origin = [np.array([1.0, 2.0]), np.array([3.0])]
    found = Shrinkage(origin, np.array([0.5, 0.0])).apply(raw)
    np.testing.assert_allclose(found[..., :2], (raw[..., :2] + [1.0, 2.0]) / 2)
    np.testing.assert_array_equal(found[..., 2], 3.0)


def test_in_long_form_each_row_by_its_task_and_unknown_ones_by_the_mean():
    raw = np.ones((1, 3, 1))
    shrinkage = Shrinkage([np.array([0.0]), np.array([4.0]), np.array([9.0])], np.full(3, 0.25))
    found = shrinkage.apply(raw, np.array([0, 1, -1]), np.array([True, True, False]))
    np.testing.assert_allclose(found[0, :, 0], [0.25, 3.25, 1.75])


def test_the_factor_has_the_least_loss_on_rows_held_out(monkeypatch):
    seen = {}
    original = _shrink.shrinkage

    def spy(fit, run, validation):
        seen.update(raw=validation.raw(run)[0, :, 0], y=validation.rows.values[:, 0].numpy())
        return original(fit, run, validation)

    monkeypatch.setattr("skmtl.neural.training._results.shrinkage", spy)
    X, Y = problem(n_tasks=1)
    model = MultiTaskMLP(tasks="binary", random_state=0).fit(X, Y)
    [prior], [factor] = model._fitted.shrinkage.origin, model._fitted.shrinkage.factor

    def loss(k):
        return log_loss(seen["y"], 1 / (1 + np.exp(-prior - k * (seen["raw"] - prior))))

    best = minimize_scalar(loss, bounds=(0.05, 1.0), method="bounded").x
    assert len(seen["y"]) == len(Y)
    assert factor == pytest.approx(best, abs=0.05)
    assert prior == pytest.approx(np.log(Y.mean() / (1 - Y.mean())))


def test_with_its_shape_a_likelihood_is_best_on_rows_held_out(monkeypatch):
    seen = {}
    original = _shrink._with_shape

    def spy(task, start, apart, t, rows, factor, common):
        found = original(task, start, apart, t, rows, factor, common)
        y = rows.values[:, 0].numpy()
        seen.update(task=task, start=start, apart=apart, y=y, common=common, found=found)
        return found

    monkeypatch.setattr(_shrink, "_with_shape", spy)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 10))
    times = np.exp(0.5 * X[:, 0] + rng.logistic(size=150))
    y = np.where(times < 3.0, times, -3.0)
    model = MultiTaskMLP(tasks="survival", random_state=0).fit(X, y)
    n, prior = len(seen["y"]), seen["start"][0]

    def loss(k, move):
        raw = seen["start"] + k * seen["apart"]
        raw[:, 1] += (1.0 - k) * move
        of_labels = seen["task"].torch_loss(torch.tensor(raw), torch.tensor(seen["y"])).numpy()
        return n * of_labels.mean() + 0.5 * ((k - seen["common"]) / 0.2) ** 2 + 0.5 * move**2

    factor, (move,) = seen["found"]
    best = loss(factor, move)
    assert best < loss(seen["common"], 0.0)
    for k, d in ((0.02, 0.0), (-0.02, 0.0), (0.0, 0.1), (0.0, -0.1)):
        assert best <= loss(min(factor + k, 1.0), move + d)
    shrinkage = model._fitted.shrinkage
    assert shrinkage.factor == [factor]
    np.testing.assert_allclose(shrinkage.origin[0], prior + np.array([0.0, move]))


def test_noise_is_not_believed_and_signal_is():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 60))
    noise = MultiTaskMLP(random_state=0).fit(X, rng.normal(size=200))
    assert noise._fitted.shrinkage.factor[0] < 0.5
    assert MultiTaskMLP(random_state=0).fit(X, X[:, 0])._fitted.shrinkage is None


def test_a_task_of_noise_does_not_cost_another_its_signal():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 20))
    Y = np.column_stack([X[:, 0] + 0.1 * rng.normal(size=400), *rng.normal(size=(9, 400))])
    factor = MultiTaskMLP(random_state=0).fit(X, Y)._fitted.shrinkage.factor
    assert factor[0] == 1.0 > factor[1:].max()


def test_the_network_is_the_one_that_trains_alone(monkeypatch):
    X, Y = problem()
    shrunk = MultiTaskMLP(tasks="binary", random_state=0, max_iter=60).fit(X, Y)
    monkeypatch.setattr(_shrink, "NOISY", np.inf)
    alone = MultiTaskMLP(tasks="binary", random_state=0, max_iter=60).fit(X, Y)
    assert shrunk._fitted.shrinkage is not None
    assert alone._fitted.shrinkage is None
    for name, array in alone._fitted.parameters.items():
        np.testing.assert_allclose(shrunk._fitted.parameters[name], array, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(shrunk.loss_curve_, alone.loss_curve_, rtol=1e-5)
    assert shrunk.history_.keys() == alone.history_.keys()
    # Shrinking changes no order.
    for one, other in zip(shrunk.predict_proba(X), alone.predict_proba(X), strict=True):
        assert (np.argsort(one[:, 1]) == np.argsort(other[:, 1])).all()


def test_it_is_pickled_and_gone_on_with():
    X, Y = problem()
    model = MultiTaskMLP(tasks="binary", random_state=0, max_iter=100, warm_start=True).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    for one, other in zip(again.predict_proba(X), model.predict_proba(X), strict=True):
        np.testing.assert_array_equal(one, other)
    factor = model._fitted.shrinkage.factor
    assert (model.fit(X, Y)._fitted.shrinkage.factor == factor).all()
    assert (model.partial_fit(X, Y)._fitted.shrinkage.factor == factor).all()


@pytest.mark.filterwarnings("ignore:Maximum number of epochs")
@pytest.mark.parametrize(
    "given",
    [{"alpha": 1.0}, {"solver": "adam"}, {"learning_rate": "constant"}],
    ids=lambda given: next(iter(given)),
)
def test_who_says_how_training_goes_has_one_network(given):
    X, Y = problem()
    model = MultiTaskMLP(tasks="binary", random_state=0, max_iter=5, **given).fit(X, Y)
    assert model._fitted.shrinkage is None


def test_with_early_stopping_the_rows_held_out_decide():
    X, Y = problem(signal=0.0)
    model = MultiTaskMLP(tasks="binary", random_state=0, max_iter=20, early_stopping=True)
    assert model.fit(X, Y)._fitted.shrinkage is not None
    assert np.isfinite(model.best_validation_score_)


def test_a_row_without_labels_changes_no_bit():
    X, Y = problem()
    kept = np.ones(len(X), dtype=bool)
    kept[::7] = False
    Y[~kept] = np.nan
    model = MultiTaskMLP(tasks="binary", random_state=0, max_iter=5)
    with_rows = model.fit(X, Y).predict_proba(X)
    without = model.fit(X[kept], Y[kept]).predict_proba(X)
    for one, other in zip(with_rows, without, strict=True):
        np.testing.assert_array_equal(one, other)
