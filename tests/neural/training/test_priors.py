"""Heads start at the best constants of their tasks."""

import numpy as np
import pandas as pd
import pytest
import torch

from skmtl import MultiTaskMLP, MultiTaskMLPClassifier
from skmtl.neural.architectures import ARCHITECTURES, NetworkSpec
from skmtl.neural.training._evaluate import task_priors
from skmtl.neural.training._setup import Fit
from skmtl.tasks._read_targets import read_targets
from tests.neural.conftest import MIXED, PLAIN

STILL = {**PLAIN, "learning_rate_init": 1e-30, "max_iter": 1, "random_state": 0}


@pytest.mark.parametrize("name", sorted(ARCHITECTURES.keys() - {"common_head"}))
def test_wide(name):
    rng = np.random.default_rng(0)
    X = np.zeros((200, 3))
    Y = np.column_stack(
        [rng.normal(size=200), rng.random(200) < 0.05, rng.integers(3, size=200), np.full(200, 7)]
    )
    Y[:50, 1], Y[::2, 2] = np.nan, 0
    Y[:20, 3] = 2
    model = MultiTaskMLP((4, 4), architecture=name, tasks=MIXED, **STILL).fit(X, Y)
    fit = Fit(model, X, read_targets(Y, declared=MIXED, standardize=True), 0)
    priors = task_priors(fit.tasks, fit.rows())
    share = np.nanmean(Y[:, 1])
    assert priors[1][0] == pytest.approx(np.log(share / (1 - share)))
    assert priors[3][0] == pytest.approx(np.log(Y[:, 3].mean()))
    found = model._fitted.parameters
    biases = np.concatenate([a.ravel() for name, a in found.items() if name.endswith("bias")])
    for prior in np.concatenate(priors):
        assert np.isclose(biases, prior).any()


def long(n_tasks=40, n_rows=6, between=1.0):
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(n_tasks), n_rows)
    level = between * rng.normal(size=n_tasks)
    return np.column_stack([rng.normal(size=len(task)), task]), level[task] + rng.normal(
        size=len(task)
    )


def priors_of(X, y, tasks="regression", **options):
    targets = read_targets(y, declared=tasks, task_column=X[:, 1], standardize=True, **options)
    fit = Fit(MultiTaskMLP(task_feature=1), X[:, :1], targets, 0)
    return np.array(task_priors(fit.tasks, fit.rows()))[:, 0], fit.targets.values


@pytest.mark.parametrize("between", [0.0, 1.0, 100.0])
def test_long_form_shrinks_to_what_all_have(between):
    X, y = long(between=between)
    priors, values = priors_of(X, y)
    means = values.reshape(40, 6).mean(axis=1)
    # One slope: n / (n + kappa), the same for all, as they have as many labels.
    slope = np.polyfit(means - means.mean(), priors - priors.mean(), 1)[0]
    within = values.reshape(40, 6).var(axis=1, ddof=1).mean()
    kappa = 3 * within / max(means.var(ddof=1) - within / 6, 1e-6)
    np.testing.assert_allclose(slope, 6 / (6 + max(kappa, 0.3)), rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(priors - slope * means, (1 - slope) * means.mean(), atol=1e-9)


@pytest.mark.parametrize("form", ["wide", "long"])
def test_models_with_rows_of_their_own_know_no_others(form):
    X, y = long()
    Y, task = (y, X[:, 1]) if form == "long" else (y.reshape(-1, 2), None)
    some = np.sort(np.random.default_rng(0).permutation(len(Y))[:90])
    other = Y + 1.0
    other[some] = Y[some]
    of_some, of_all = [], []
    for labels in (Y, other):
        fit = Fit(MultiTaskMLP(), X[: len(Y), :1], read_targets(labels, task_column=task), 0)
        found = task_priors(fit.tasks, fit.rows(), [some, np.arange(len(Y))])
        of_some.append([of_task[0] for of_task in found])
        of_all.append([of_task[1] for of_task in found])
        np.testing.assert_array_equal(of_all[-1], task_priors(fit.tasks, fit.rows()))
    np.testing.assert_array_equal(*of_some)
    assert (np.array(of_all[0]) < of_all[1]).any()


def test_rows_without_a_class_or_a_count_begin_as_all():
    y = pd.DataFrame({"n": [0.0, 0, 0, 4], "c": ["a", "a", "b", "c"], "o": [1.0, 1, 2, 3]})
    declared = {"n": "count", "c": "multiclass", "o": "ordinal"}
    fit = Fit(MultiTaskMLP(), np.zeros((4, 1)), read_targets(y, declared=declared), 0)
    rows = [np.arange(2), np.arange(4)]
    for found in task_priors(fit.tasks, fit.rows(), rows):
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_each_model_starts_at_its_own(name):
    X = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    priors = [rng.normal(size=(3, n)) for n in (1, 3, 2)]

    def started(at):
        spec = NetworkSpec(5, (1, 3, 2), (6,), n_models=3)
        module = ARCHITECTURES[name]().build(spec)
        module.initialize([0, 1, 2], [1, 2, 3], "relu")
        module.start_at(at)
        with torch.no_grad():
            return module.eval()(X)

    together = started(priors)
    for k in range(3):
        alone = started([prior[k] for prior in priors])
        torch.testing.assert_close(together[k], alone[k])


def test_labels_of_weight_zero_are_none():
    X, y = long()
    weight = np.arange(len(y)) % 3 > 0
    some, _ = priors_of(X[weight], y[weight])
    targets, _ = priors_of(X, np.where(weight, y, np.nan))
    np.testing.assert_allclose(targets, some, rtol=1e-12)


def test_a_short_fit_of_rare_classes_is_no_worse_than_the_constant():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 20))
    Y = pd.DataFrame(rng.random((600, 5)) < 0.03)
    model = MultiTaskMLPClassifier(max_iter=10, random_state=0).fit(X, Y)
    loss = -np.mean(
        [
            np.log(np.where(Y[t], p[:, 1], p[:, 0])).mean()
            for t, p in enumerate(model.predict_proba(X))
        ]
    )
    share = Y.mean()
    constant = -(share * np.log(share) + (1 - share) * np.log(1 - share)).mean()
    assert loss < 1.05 * constant
