"""Callbacks of scikit-learn see every epoch, and can stop a fit."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.metrics import make_multitask_scorer, task_scores
from tests.neural.conftest import MIXED, PLAIN

callback = pytest.importorskip("sklearn.callback")
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
SMALL = {**PLAIN, "hidden_layer_sizes": (6,), "max_iter": 4, "random_state": 0}


class Recorder:
    """Notes what it is called with; stops or raises where told."""

    def __init__(self, stop_at=None, error=None, task="epoch"):
        self.stop_at, self.error, self.task = stop_at, error, task
        self.events, self.scores = [], []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.events.append(f"end {context.task_name}")
        if self.error and context.task_name == self.task:
            raise self.error
        if context.task_name == "epoch":
            self.scores.append(fitted_estimator.score(X, y))
            return len(self.scores) == self.stop_at
        return False


def test_one_subtask_an_epoch(mixed_data):
    X, Y = mixed_data
    recorder = Recorder()
    model = MultiTaskMLP(**SMALL, tasks=MIXED).set_callbacks(recorder).fit(X, Y)
    epochs = ["begin epoch", "end epoch"] * 4
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert recorder.scores[-1] == model.score(X, Y)
    assert len(set(recorder.scores)) == 4
    plain = MultiTaskMLP(**SMALL, tasks=MIXED).fit(X, Y)
    assert (plain.predict(X) == model.predict(X)).all()
    assert not [key for key in vars(model) if "callback" in key and key != "_skl_callbacks"]


def test_true_stops(mixed_data, recwarn):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED).set_callbacks(Recorder(stop_at=2)).fit(X, Y)
    assert model.n_iter_ == 2
    assert not [w for w in recwarn if "Maximum number" in str(w.message)]


@pytest.mark.parametrize("task", ["epoch", "fit"])
def test_row_25_an_exception_propagates_and_nothing_changes(mixed_data, architecture, task):
    X, Y = mixed_data
    model = MultiTaskMLP(**SMALL, tasks=MIXED, architecture=architecture).fit(X, Y)
    recorder = Recorder(error=OSError("disk full"), task=task)
    model.set_callbacks(recorder)
    before = dict(vars(model))
    with pytest.raises(OSError, match="disk full"):
        model.fit(X[:30], Y[:30])
    assert vars(model) == before
    assert recorder.events[-1] == "teardown"


def test_long_form_hands_on_the_task_feature():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(60) % 3, rng.normal(size=(60, 2))])
    recorder = Recorder()
    model = MultiTaskMLPRegressor(**SMALL, task_feature=0).set_callbacks(recorder)
    model.fit(X, X[:, 1])
    assert recorder.scores[-1] == model.score(X, X[:, 1])


def test_scoring_monitor(mixed_data):
    X, Y = mixed_data
    monitor = callback.ScoringMonitor(scoring=task_scores)
    model = MultiTaskMLP(**SMALL, tasks=MIXED).set_callbacks(monitor).fit(X, Y)
    log = monitor.get_logs().data
    assert [row["task_name"] for row in log] == ["fit"] + ["epoch"] * 4
    assert log[0]["mean"] == log[-1]["mean"] == model.score(X, Y)
    assert len({row["mean"] for row in log}) == 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_in_a_search(mixed_data, n_jobs, capsys):
    pytest.importorskip("rich")
    X, Y = mixed_data
    monitor = callback.ScoringMonitor(scoring={"r2": make_multitask_scorer("r2")})
    model = MultiTaskMLP(**SMALL, tasks=MIXED).set_callbacks(monitor)
    search = GridSearchCV(model, {"alpha": [0.1, 0.2]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=2))
    search.fit(X, Y)
    assert search.best_estimator_.n_iter_ == 4
    epochs = [
        row for log in monitor.get_logs("all") for row in log.data if row["task_name"] == "epoch"
    ]
    # Four fits of the search and the last one.
    assert len(epochs) == 5 * 4
    assert "MultiTaskMLP" in capsys.readouterr().out
