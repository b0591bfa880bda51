"""An ensemble predicts the mean of what its members predict."""

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from skmtl import MultiTaskMLP
from skmtl.neural.architectures import Ensemble
from skmtl.neural.networks._network import build, set_state
from skmtl.tasks import Binary, Count, Multiclass, Regression
from tests.neural.conftest import CPU, MIXED, PLAIN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {
    **PLAIN,
    "hidden_layer_sizes": (8,),
    "max_iter": 5,
    "batch_size": 20,
    "learning_rate_init": 0.05,
}
LINKS = {
    Regression(): lambda raw: raw,
    Binary(): expit,
    Multiclass(): lambda raw: softmax(raw, axis=-1),
    Count(): np.exp,
}


@pytest.mark.parametrize("task", LINKS, ids=lambda task: task.alias)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 700.0])
def test_averages_of_scores(task, scale):
    link = LINKS[task]
    raw = scale * np.random.default_rng(0).uniform(-1, 1, size=(5, 7, 3))
    average = task.torch_average(torch.from_numpy(raw)).numpy()
    np.testing.assert_allclose(link(average), link(raw).mean(axis=0), rtol=1e-9)


def test_members_that_are_sure_of_the_opposite():
    raw = torch.tensor([[[1e4]], [[-1e4]]], dtype=torch.float64)
    assert Binary().torch_average(raw).item() == pytest.approx(0, abs=1e-9)
    sure = torch.full((3, 1, 1), -1e4, dtype=torch.float64)
    assert Binary().torch_average(sure).item() == pytest.approx(-1e4)


def members_of(model, X, task_index=None):
    """Expected values of each member, (n_members, ..) per task."""
    module = build(model._fitted.description, X.dtype, CPU)
    set_state(module, model._fitted.parameters)
    index = None if task_index is None else torch.from_numpy(task_index)[None]
    with torch.no_grad():
        raw = module.train()(torch.from_numpy(X)[None], index)[0]
    raw = raw.reshape(module.n_members, len(X), -1).numpy()
    links = [model._task_set.inverse_link(scores, task_index) for scores in raw]
    return [np.array(of_task) for of_task in zip(*links, strict=True)]


def test_predictions_of_mixed_tasks(mixed_data):
    X, Y = mixed_data
    options = {**SMALL, "architecture": Ensemble(n_members=3), "random_state": 0}
    model = MultiTaskMLP(tasks=MIXED, **options).fit(X, Y)
    for link, members in zip(model._expected(X, None), members_of(model, X), strict=True):
        np.testing.assert_allclose(link, members.mean(axis=0), rtol=1e-9)
        assert (members[0] != members[1]).any()


@pytest.mark.parametrize("kind", ["binary", "multiclass", "count", "regression"])
def test_predictions_in_long_form(mixed_data, kind):
    X, Y = mixed_data
    column = MIXED.index(kind)
    index = np.random.default_rng(0).integers(3, size=60)
    options = {**SMALL, "architecture": Ensemble(n_members=3), "random_state": 0}
    model = MultiTaskMLP(
        tasks=kind, task_feature=4, unknown_task="shared", head_hidden_layer_sizes=(4,), **options
    ).fit(np.column_stack([X, index]), Y[:, column])
    (link,), (members,) = model._expected(X, index), members_of(model, X, index)
    np.testing.assert_allclose(link, members.mean(axis=0), rtol=1e-9)
    # Of a task that was not there: what the tasks share.
    (shared,) = model._expected(X, np.full(60, -1))
    assert np.isfinite(shared).all()


def test_early_stopping_judges_the_mean_prediction(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED, architecture="ensemble")
    made.module.read_as(made.tasks)
    members = made.module.train()(made.rows.all(1).X).unflatten(1, (32, -1))[0]
    average = made.tasks.torch_average(members)[None]
    losses = made.objective(average, made.rows.all(1))
    made.module.eval()
    torch.testing.assert_close(made.losses(), losses)
    # Convex losses: no more than the mean loss of the members.
    assert (losses < made.objective(members.flatten(0, 1)[None], made.rows.all(1))).all()


def test_a_constant_task_stays_constant(mixed_data):
    X, Y = mixed_data
    Y = np.column_stack([Y[:, 0], np.ones(60), Y[:, 2]])
    options = {**SMALL, "architecture": Ensemble(n_members=3), "random_state": 0}
    with pytest.warns(UserWarning, match="one observed class"):
        model = MultiTaskMLP(tasks=["regression", "binary", "multiclass"], **options).fit(X, Y)
    assert (model.predict(X)[:, 1] == 1).all()
