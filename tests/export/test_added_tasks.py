"""Graphs of estimators with tasks that were added after `fit`, or dropped."""

import numpy as np
import pytest

from skmtl import (
    MultiTaskBayesianLinear,
    MultiTaskLasso,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLP,
    ReducedRankRegressor,
)
from skmtl.export import to_onnx, to_torch
from skmtl.export._outputs import outputs_of

from .agreement import assert_agree, run

pytestmark = pytest.mark.filterwarnings("ignore")


def same(estimator, X):
    """Whether all of the answers of the graph are those of the estimator, one row too."""
    model = to_onnx(estimator)
    for rows in (X, X[:1]):
        assert_agree(run(model, rows), outputs_of(estimator, ["X"]), estimator, rows)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    Y = X @ rng.normal(size=(4, 3)) + 5.0
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y


@pytest.mark.parametrize(
    "estimator",
    [
        MultiTaskLinear("trace_norm"),
        MultiTaskLinearCV("l21", alphas=3, cv=3),
        MultiTaskLasso(alpha=0.1),
        ReducedRankRegressor(),
        MultiTaskBayesianLinear(),
    ],
)
def test_linear_models(estimator, data):
    X, Y = data
    estimator.fit(X, Y).add_task(X[:20], X[:20, 0] + 1.0, name="later")
    same(estimator, X)
    same(estimator.drop_task(1), X)


@pytest.mark.parametrize("n_epochs", [0, 2])
@pytest.mark.parametrize(
    "architecture",
    ["hard_sharing", "soft_sharing", "mmoe", "independent"],
)
def test_networks(architecture, n_epochs, data):
    X, Y = data
    network = MultiTaskMLP((8,), architecture=architecture, max_iter=3, random_state=0).fit(X, Y)
    counts = np.arange(20.0) % 3
    types = {
        "score": (X[:20, 0], "auto"),
        "answer": (np.where(X[:20, 1] > 0, "yes", "no"), "auto"),
        "count": (counts, "negative_binomial"),
        "class": (np.array(["a", "b", "c"])[counts.astype(int)], "auto"),
    }
    for name, (labels, task) in types.items():
        network.add_task(X[:20], labels, name, task=task, n_epochs=n_epochs)
    same(network, X)
    same(network.drop_task(1).drop_task("answer"), X)
    assert "count" in to_torch(network)(to_torch(network).read(X[:1]))


@pytest.mark.parametrize("estimator", [MultiTaskLinear("mean_deviation"), MultiTaskMLP((8,))])
def test_long_form(estimator, data):
    X, Y = data
    long = np.column_stack([np.repeat(X, 3, axis=0), np.tile([0.0, 1.0, 2.0], 80)])
    y, is_later = np.nan_to_num(Y.ravel()), long[:, -1] == 2
    estimator.set_params(task_feature=4).fit(long[~is_later], y[~is_later])
    estimator.add_task(long[is_later], y[is_later])
    if isinstance(estimator, MultiTaskLinear):
        same(estimator, long)
    else:
        with pytest.raises(ValueError, match="an export of a network in long form has those"):
            to_onnx(estimator)
