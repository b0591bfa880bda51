"""Tasks with one class only: a constant prediction, whatever the network is to be."""

import numpy as np
import pytest

from skmtl import MultiTaskMLP, MultiTaskMLPClassifier
from skmtl.neural.balancing import BALANCING

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning"),
    pytest.mark.filterwarnings("ignore:.*share no parameters"),
]

heads = pytest.mark.parametrize("head_hidden_layer_sizes", [(), (3,)], ids=str)
X = np.random.default_rng(0).normal(size=(30, 4))
LONG = np.column_stack([X[:, :3], np.arange(30) % 3])


def network(**options):
    settings = {"max_iter": 2, "batch_size": 16, "random_state": 0}
    return MultiTaskMLPClassifier((4,), **{**settings, **options})


def assert_constant(model, X, y):
    """The label "yes" for all, with certainty."""
    assert (model.predict(X) == "yes").all()
    probabilities = model.predict_proba(X)
    for p in probabilities if isinstance(probabilities, list) else [probabilities]:
        np.testing.assert_array_equal(p, np.ones((len(X), 1)))
    assert model.score(X, y) == 1.0


@heads
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_tasks", [1, 2])
def test_wide(architecture, head_hidden_layer_sizes, early_stopping, n_tasks):
    y = np.full((30, n_tasks), "yes")
    y = y[:, 0] if n_tasks == 1 else y
    options = {"architecture": architecture, "early_stopping": early_stopping}
    model = network(head_hidden_layer_sizes=head_hidden_layer_sizes, **options)
    assert_constant(model.fit(X, y), X, y)


@heads
@pytest.mark.parametrize("unknown_task", ["error", "shared"])
def test_long(architecture, head_hidden_layer_sizes, unknown_task):
    y = np.full(30, "yes")
    options = {"architecture": architecture, "task_feature": 3, "unknown_task": unknown_task}
    model = network(head_hidden_layer_sizes=head_hidden_layer_sizes, **options).fit(LONG, y)
    assert_constant(model, LONG, y)
    if unknown_task == "shared":
        new = np.column_stack([X[:, :3], np.full(30, 7)])
        assert_constant(model, new, y)
        assert_constant(model, np.vstack([new, LONG]), np.full(60, "yes"))


@heads
@pytest.mark.parametrize("form", ["one task", "two tasks", "long"])
@pytest.mark.parametrize("balancing", sorted(BALANCING))
def test_every_balancing_method(balancing, head_hidden_layer_sizes, form):
    options = {"balancing": balancing, "head_hidden_layer_sizes": head_hidden_layer_sizes}
    y = np.full((30, 2), "yes")
    rows = X
    if form != "two tasks":
        y = y[:, 0]
    if form == "long":
        rows, options["task_feature"] = LONG, 3
    model = network(**options)
    assert_constant(model.fit(rows, y), rows, y)
    model = network(**options)
    assert_constant(model.partial_fit(rows, y).partial_fit(rows, y), rows, y)


@heads
def test_beside_a_task_without_labels(architecture, head_hidden_layer_sizes):
    y = np.column_stack([np.full(30, "yes"), np.full(30, None)])
    options = {"architecture": architecture, "head_hidden_layer_sizes": head_hidden_layer_sizes}
    model = network(**options, tasks=["binary", "binary"])
    assert (model.fit(X, y).predict(X)[:, 0] == "yes").all()


@heads
@pytest.mark.parametrize("balancing", ["equal", "pcgrad", "graddrop"])
def test_a_pass_over_one_class_beside_another_task(
    architecture, head_hidden_layer_sizes, balancing
):
    y = np.column_stack([np.ones(30), X[:, 0]])
    options = {"architecture": architecture, "balancing": balancing, "random_state": 0}
    model = MultiTaskMLP(
        (4,),
        tasks=["binary", "regression"],
        head_hidden_layer_sizes=head_hidden_layer_sizes,
        **options,
    )
    predicted = model.partial_fit(X, y).partial_fit(X, y).predict(X)
    assert (predicted[:, 0] == 1).all()
    assert np.isfinite(predicted).all()
