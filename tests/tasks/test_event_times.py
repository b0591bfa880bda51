"""Times until an event as structured arrays: the same labels, whatever reads them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import cross_val_predict, cross_val_score

from skmtl import (
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearCV,
    MultiTaskMLP,
    MultiTaskMLPCV,
)
from skmtl.metrics import d2_score
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks import Regression, Survival, infer
from tests.tasks.test_survival import draw

PAIR = [("event", bool), ("time", float)]


def as_pairs(y):
    pairs = np.zeros(len(y), dtype=PAIR)
    pairs["event"], pairs["time"] = y > 0, np.abs(y)
    return pairs


@pytest.mark.parametrize(
    "Estimator, given",
    [
        (MultiTaskLinear, {}),
        (MultiTaskLinearCV, {"alphas": 3, "cv": 3}),
        (MultiTaskMLP, {"random_state": 0, "max_iter": 3}),
        (MultiTaskMLPCV, {"random_state": 0, "grid": {"max_iter": [3]}, "cv": 2}),
        (MultiTaskKernelRidgeCV, {"cv": 3}),
    ],
)
def test_are_signed_times(Estimator, given):
    X, y = draw(n=80)
    signed = Estimator(tasks="survival", **given).fit(X, y)
    pairs = Estimator(**given).fit(X, as_pairs(y))
    assert_array_equal(pairs.predict(X), signed.predict(X))
    assert pairs.score(X, as_pairs(y)) == signed.score(X, y)
    assert_array_equal(pairs.predict_survival(X, [1.0]), signed.predict_survival(X, [1.0]))


@pytest.mark.parametrize("Estimator", [MultiTaskLinear, MultiTaskLinearCV])
def test_one_column_of_several(Estimator):
    X, y = draw(n=80)
    given = {"alphas": 3, "cv": 3} if Estimator is MultiTaskLinearCV else {}
    number = np.where(np.arange(80) % 3, X[:, 1], np.nan)
    signed = Estimator(tasks={"time": "survival"}, **given)
    signed.fit(X, pd.DataFrame({"time": y, "x": number}))
    pairs = Estimator(**given).fit(X, {"time": as_pairs(y), "x": number})
    assert_array_equal(pairs.coef_, signed.coef_)
    assert [task.alias for task in pairs.tasks_] == ["survival", "regression"]


def test_tools_of_scikit_learn_and_ours():
    X, y = draw(n=80)
    pairs, model = as_pairs(y), MultiTaskLinear(tasks=Survival("weibull"))
    for cv in (3, MultiTaskKFold(3)):
        assert_array_equal(
            cross_val_score(model, X, pairs, cv=cv), cross_val_score(model, X, y, cv=cv)
        )
    found = cross_val_predict(model, X, pairs, cv=3)
    scores = [d2_score(labels, found, tasks="survival") for labels in (y, pairs)]
    assert scores[0] == scores[1] > 0.3
    assert infer(pairs).tasks[0].alias == "survival"


def test_missing_masked_and_without_weight_are_unobserved():
    X, y = draw(n=60)
    gone = np.arange(60) % 3 == 0
    expected = MultiTaskLinear(tasks="survival").fit(X, np.where(gone, np.nan, y)).coef_
    pairs = as_pairs(y)
    pairs["time"][gone] = np.nan
    masked = np.ma.array(as_pairs(y), mask=[(g, False) for g in gone])
    listed = np.empty(60, dtype=object)
    listed[~gone] = as_pairs(y)[~gone]
    for labels, weight in (
        (pairs, None),
        (masked, None),
        ({"t": listed}, None),
        (as_pairs(-y), ~gone * 1.0),
    ):
        if weight is not None:
            labels[~gone] = as_pairs(y)[~gone]
        found = MultiTaskLinear().fit(X, labels, weight).coef_
        assert_array_equal(found, expected)


def test_two_numbers_or_another_order_are_a_table():
    X, y = draw(n=40)
    table = np.zeros(40, dtype=[("time", float), ("event", bool)])
    table["event"], table["time"] = y > 0, np.abs(y)
    model = MultiTaskLinear().fit(X, table)
    assert [task.alias for task in model.tasks_] == ["regression", "binary"]


@pytest.mark.parametrize("time", [0.0, -2.0])
def test_a_time_is_positive(time):
    pairs = np.array([(True, 1.0), (False, time)], dtype=PAIR)
    with pytest.raises(ValueError, match="Task 0 is survival, but has the label 0; expected the"):
        MultiTaskLinear().fit([[0.0], [1.0]], pairs)


def test_other_types_refuse_them():
    X, y = draw(n=40)
    told = "Task 0 is regression, but its labels are pairs of an event .* Declare it 'survival'"
    for tasks in ("regression", Regression()):
        with pytest.raises(ValueError, match=told):
            MultiTaskLinear(tasks=tasks).fit(X, as_pairs(y))
    with pytest.raises(ValueError, match=told):
        MultiTaskLinear().fit(X, y).score(X, as_pairs(y))
    with pytest.raises(ValueError, match="Task 0 is declared survival, but this estimator reads"):
        MultiTaskLinearClassifier().fit(X, as_pairs(y))
    with pytest.raises(ValueError, match="tasks names the task 'event', which y does not have"):
        MultiTaskLinear(tasks={"event": "binary"}).fit(X, as_pairs(y))
