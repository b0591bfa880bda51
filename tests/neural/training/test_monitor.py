"""The loss that decides: of all tasks, of the worst, of one."""

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.training._progress import Progress
from skmtl.neural.training._validation import Monitor
from tests.neural.conftest import PLAIN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {
    **PLAIN,
    "hidden_layer_sizes": (6,),
    "max_iter": 25,
    "learning_rate_init": 0.05,
    "random_state": 0,
}
LOSSES = np.array([[3.0, np.nan, 1.0, 9.0], [0.5, 7.0, 2.0, 9.0]])
COUNTS = np.array([1.0, 1.0, 3.0, 0.0])


def test_one_loss_from_those_of_the_tasks():
    assert Monitor(COUNTS)(LOSSES).tolist() == [(3 + 3 * 1) / 4, (0.5 + 7 + 3 * 2) / 5]
    assert Monitor(COUNTS, takes_worst=True)(LOSSES).tolist() == [3.0, 7.0]
    assert Monitor(np.eye(4)[2])(LOSSES).tolist() == [1.0, 2.0]


def test_it_decides_on_stopping_and_a_task_apart_on_divergence(parts, mixed_data):
    made = parts(*mixed_data, ["regression", "binary", "multiclass", "count"])
    options = {"tol": 0.0, "n_iter_no_change": 1, "monitor": Monitor(np.eye(4)[1])}
    progress = Progress(made.module, 1, np.ones(4), **options)
    # The mean falls throughout; the second task stands still.
    for epoch in range(3):
        progress.end_epoch(np.array([[5.0 - epoch, 2.0, 1.0, 1.0]]), None)
    assert progress.has_converged[0]
    assert progress.best_loss[0] == 2.0
    progress = Progress(made.module, 1, np.ones(4), **options)
    progress.end_epoch(np.array([[1.0, 2.0, 1.0, 1.0]]), None)
    progress.end_epoch(np.array([[1.0, 1.0, 1e8, 1.0]]), None)
    assert progress.diverged_task[0] == 2


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    y = np.column_stack([X[:, 0] + rng.normal(size=80), X[:, 1] + 0.1 * rng.normal(size=80)])
    return X, pd.DataFrame(y, columns=["noisy", "clean"])


@pytest.mark.parametrize("monitor", ["mean", "worst", "noisy", "clean"])
def test_the_best_epoch_by_validation_is_kept(data, monitor):
    X, y = data
    options = {**SMALL, "early_stopping": True, "n_iter_no_change": 25, "max_iter": 200}
    options["validation_fraction"] = 0.3
    model = MultiTaskMLPRegressor(**options, monitor=monitor).fit(X, y)
    losses = model.history_["validation_loss"]
    column = {"noisy": losses[:, 0], "clean": losses[:, 1]}.get(monitor)
    judged = {"mean": losses.mean(axis=1), "worst": losses.max(axis=1)}.get(monitor, column)
    assert model.best_loss_ == pytest.approx(judged.min(), rel=1e-12)
    # Training up to that epoch and no further gives the same network.
    n_epochs = int(judged.argmin()) + 1
    assert n_epochs < len(losses)
    until = MultiTaskMLPRegressor(**{**options, "max_iter": n_epochs}, monitor=monitor).fit(X, y)
    assert (until.predict(X) == model.predict(X)).all()


def test_names_are_those_of_the_tasks(data):
    X, y = data
    model = MultiTaskMLPRegressor(**SMALL, monitor=1).fit(X, y.to_numpy())
    assert model.best_loss_ == model.loss_curve_[:, 1].min()
    long = np.column_stack([np.arange(80) % 3 + 4.0, X])
    model = MultiTaskMLPRegressor(**SMALL, task_feature=0, monitor=5).fit(long, X[:, 1])
    assert model.best_loss_ == model.loss_curve_[:, 1].min()


def test_errors_name_the_tasks(data):
    X, y = data
    model = MultiTaskMLP(**SMALL, monitor="dirty")
    message = r"monitor='dirty'; expected 'mean', 'worst' or .*\['noisy', 'clean'\]"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    y["empty"], y["one class"] = np.nan, "yes"
    for task in ("empty", "one class"):
        message = (
            rf"monitor='{task}': this task has no label in y, or one class.*\['noisy', 'clean'\]"
        )
        with pytest.warns(UserWarning), pytest.raises(ValueError, match=message):
            model.set_params(monitor=task).fit(X, y)
    long = np.column_stack([np.arange(80) % 30, X])
    with pytest.raises(ValueError, match=r"3, 4, 5, 6, 7, 8, 9.* and 20 more"):
        MultiTaskMLPRegressor(**SMALL, task_feature=0, monitor="a").fit(long, X[:, 1])


def test_a_task_with_its_only_label_in_training_cannot_judge(data):
    X, y = data
    y["rare"] = np.where(np.arange(80) == 3, 1.0, np.nan)
    model = MultiTaskMLPRegressor(**SMALL, early_stopping=True, monitor="rare")
    message = "monitor='rare': this task has no label among the rows held out"
    with pytest.warns(UserWarning), pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_partial_fit_does_not_judge(data):
    X, y = data
    y.loc[:40, "clean"] = np.nan
    with pytest.warns(UserWarning, match="no observed label"):
        MultiTaskMLPRegressor(**SMALL, monitor="clean").partial_fit(X[:40], y[:40])
