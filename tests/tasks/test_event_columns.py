"""Times and whether their events were seen, in two columns of y: the same in every door."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from skmtl import (
    IndependentTasks,
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLP,
    MultiTaskMLPCV,
    task_scores,
)
from skmtl.compose import PooledTasks, TaskStacking
from skmtl.inspection import MultiTaskReport, task_importance, transfer_gain
from skmtl.metrics import d2_score
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks import Cox, DiscreteHazards, Survival, infer
from tests.tasks.test_predict_survival import draw

DECLARED = {"time": Survival(event="died")}
SIGNED = {"time": "survival"}


def tables(n=80):
    """X, y with two columns for the times, and y with signed times."""
    X, y, _ = draw(n)
    other = np.where(np.arange(n) % 3, X[:, 1], np.nan)
    both = pd.DataFrame({"died": y > 0, "time": np.abs(y), "x": other})
    return X, both, pd.DataFrame({"time": y, "x": other})


ESTIMATORS = {
    "linear": lambda tasks: MultiTaskLinear(tasks=tasks),
    "searched": lambda tasks: MultiTaskLinearCV(alphas=3, cv=3, tasks=tasks),
    "network": lambda tasks: MultiTaskMLP((4,), max_iter=3, random_state=0, tasks=tasks),
    "networks": lambda tasks: MultiTaskMLPCV({"max_iter": [3]}, cv=2, random_state=0, tasks=tasks),
    "kernels": lambda tasks: MultiTaskKernelRidgeCV(cv=3, tasks=tasks),
    "alone": lambda tasks: IndependentTasks(tasks=tasks),
    "stacked": lambda tasks: TaskStacking([("m", MultiTaskLinear())], cv=3, tasks=tasks),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_are_signed_times(name):
    X, both, signed = tables()
    one, other = ESTIMATORS[name](DECLARED).fit(X, both), ESTIMATORS[name](SIGNED).fit(X, signed)
    assert list(one.task_names_in_) == ["time", "x"]
    assert_array_equal(one.predict(X), other.predict(X))
    assert one.score(X, both) == other.score(X, signed)
    assert one.score(X, both[["x", "died", "time"]]) == other.score(X, signed)
    assert task_scores(one, X, both) == task_scores(other, X, signed)
    again = pickle.loads(pickle.dumps(one))
    assert again.score(X, both) == one.score(X, both)
    assert list(one.predict_frame(X).columns) == ["time", "x"]
    # What was declared stays as it was.
    assert one.tasks["time"].event == "died"
    assert clone(one).tasks["time"].event == "died"


TABLES = {
    "dict": lambda frame: {name: frame[name].to_numpy() for name in frame},
    "polars": lambda frame: pl.from_pandas(frame),
    "arrow": lambda frame: pa.Table.from_pandas(frame),
    "ones": lambda frame: frame.assign(died=frame["died"].astype(int)),
    "nullable": lambda frame: frame.assign(died=frame["died"].astype("boolean")),
    "objects": lambda frame: frame.assign(died=frame["died"].astype(object)),
    "last": lambda frame: frame[["x", "time", "died"]],
}


@pytest.mark.parametrize("name", TABLES)
def test_in_any_table(name):
    X, both, signed = tables()
    given = TABLES[name]
    known = MultiTaskLinear(tasks=SIGNED).fit(X, signed)
    model = MultiTaskLinear(tasks=DECLARED).fit(X, given(both))
    order = [list(model.task_names_in_).index(task) for task in ("time", "x")]
    np.testing.assert_allclose(model.coef_[order], known.coef_, rtol=1e-9)
    assert model.score(X, given(both)) == pytest.approx(known.score(X, signed), rel=1e-12)


@pytest.mark.parametrize("declared", [Survival(event="died"), [Survival(event="died")]])
def test_one_task_declared_without_its_name(declared):
    X, both, signed = tables()
    model = MultiTaskLinear(tasks=declared).fit(X, both[["time", "died"]])
    known = MultiTaskLinear(tasks="survival").fit(X, signed[["time"]])
    assert_array_equal(model.coef_, known.coef_)


@pytest.mark.parametrize(
    "task", [Survival("weibull", "died"), DiscreteHazards(event="died"), Cox("died")]
)
def test_two_times_of_one_event_by_every_type(task):
    X, both, _ = tables()
    both["later"] = 2.0 * both["time"]
    model = MultiTaskLinear("l2", tasks=task, alpha=0.1).fit(X, both[["time", "later", "died"]])
    assert list(model.task_names_in_) == ["time", "later"]
    np.testing.assert_allclose(*model.coef_, atol=1e-2)
    assert model.score(X, both[["time", "later", "died"]]) > 0.5


@pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskMLP, PooledTasks])
def test_long_form(Estimator):
    X, both, signed = tables()
    X = np.column_stack([np.arange(len(X)) % 2, X])
    given = {"max_iter": 3, "random_state": 0} if Estimator is MultiTaskMLP else {}
    pair = both[["time", "died"]]
    one = Estimator(tasks=Survival(event="died"), task_feature=0, **given).fit(X, pair)
    other = Estimator(tasks="survival", task_feature=0, **given).fit(X, signed["time"])
    assert_array_equal(one.predict(X), other.predict(X))
    assert one.score(X, pair) == other.score(X, signed["time"])


def test_missing_and_without_weight_is_unobserved():
    X, both, signed = tables()
    gone = np.arange(len(X)) % 4 == 0
    signed.loc[gone, "time"] = np.nan
    known = MultiTaskLinear(tasks=SIGNED).fit(X, signed)
    no_time = both.assign(time=both["time"].mask(gone))
    no_event = both.assign(died=both["died"].astype("boolean").mask(gone))
    wrong = both.assign(time=np.where(gone, -9.0, both["time"]))
    weight = np.column_stack([~gone, np.ones(len(X))]).astype(float)
    for labels, sample_weight in ((no_time, None), (no_event, None), (wrong, weight)):
        found = MultiTaskLinear(tasks=DECLARED).fit(X, labels, sample_weight)
        assert_array_equal(found.coef_, known.coef_)


def test_streams_and_tasks_that_come_later():
    X, both, signed = tables()
    models = []
    for tasks, y in ((DECLARED, both), (SIGNED, signed)):
        model = MultiTaskMLP((4,), random_state=0, tasks=tasks)
        model.partial_fit(X[:40], y[:40]).partial_fit(X[40:], y[40:])
        models.append(model)
    assert_array_equal(models[0].predict(X), models[1].predict(X))
    one = MultiTaskLinear().fit(X, both[["x"]])
    one.add_task(X, both[["time", "died"]], task=Survival(event="died"))
    other = MultiTaskLinear().fit(X, signed[["x"]])
    other.add_task(X, signed["time"], task="survival")
    assert_array_equal(one.predict(X), other.predict(X))
    assert one.score(X, both) == other.score(X, signed)


def test_tools():
    X, both, signed = tables()
    one, other = MultiTaskLinear(tasks=DECLARED), MultiTaskLinear(tasks=SIGNED)
    for cv in (3, MultiTaskKFold(3, tasks=DECLARED)):
        folds = cv if cv == 3 else list(cv.split(X, both))
        assert_array_equal(
            cross_val_score(one, X, both, cv=folds), cross_val_score(other, X, signed, cv=folds)
        )
    grid = {"alpha": [0.1, 1.0]}
    found = [GridSearchCV(m, grid, cv=3).fit(X, y) for m, y in ((one, both), (other, signed))]
    assert found[0].best_score_ == found[1].best_score_
    fitted = one.fit(X, both)
    predicted = fitted.predict_frame(X)
    assert d2_score(both, predicted, tasks=DECLARED) == pytest.approx(fitted.score(X, both))
    assert [task.alias for task in infer(both, DECLARED).tasks] == ["survival", "regression"]


def test_inspection():
    X, both, signed = tables()
    # A row without any label.
    both.loc[0, "time"] = signed.loc[0, "time"] = np.nan
    models = MultiTaskLinear(tasks=DECLARED), MultiTaskLinear(tasks=SIGNED)
    found = [
        (
            transfer_gain(model, X, y, cv=KFold(3)),
            task_importance(model.fit(X, y), X, y, random_state=0),
        )
        for model, y in zip(models, (both, signed), strict=True)
    ]
    for one, other in zip(*found, strict=True):
        for name, value in vars(one).items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f" and "time" not in name:
                np.testing.assert_allclose(value, vars(other)[name], err_msg=name)
    page = MultiTaskReport(models[0], X, both, KFold(3))
    assert "74 events" in page._repr_html_() or "events" in page._repr_html_()


class TestWhatIsWrong:
    X, both, _ = tables(20)

    def fit(self, y, tasks=DECLARED):
        return MultiTaskLinear(tasks=tasks).fit(self.X, y)

    def test_no_such_column(self):
        told = "Task 'time' takes whether its events were seen from column 'died' of y, which y"
        with pytest.raises(ValueError, match=told):
            self.fit(self.both.drop(columns="died"))
        with pytest.raises(ValueError, match="Task 0 takes whether its events were seen"):
            self.fit(self.both["time"].to_numpy(), Survival(event="died"))
        model = self.fit(self.both)
        with pytest.raises(ValueError, match=told):
            model.score(self.X, self.both.drop(columns="died"))

    def test_no_events(self):
        told = r"Column 'died' of y has 2; expected bool, or 1 and 0: whether the event of task"
        with pytest.raises(ValueError, match=told):
            self.fit(self.both.assign(died=2))
        with pytest.raises(ValueError, match="Column 'died' of y has 'yes'; expected bool"):
            self.fit(self.both.assign(died="yes"))

    def test_no_times(self):
        with pytest.raises(ValueError, match="Task 'time' is survival, but has the label 0"):
            self.fit(self.both.assign(time=-1.0))
        with pytest.raises(ValueError, match="Task 'time' has the label 'long'; expected times"):
            self.fit(self.both.assign(time="long"))
        with pytest.raises(ValueError, match="Task 'time' is its own column of events"):
            self.fit(self.both, {"time": Survival(event="time")})
        with pytest.raises(ValueError, match=r"y has events \['died'\], but no column of times"):
            self.fit(self.both[["died"]])

    def test_events_are_no_task(self):
        with pytest.raises(ValueError, match="tasks declares 3 tasks, but y has 2"):
            self.fit(self.both, [Survival(event="died"), "regression", "binary"])
        with pytest.raises(ValueError, match="y does not have; its tasks are"):
            self.fit(self.both, {**DECLARED, "died": "binary"})
