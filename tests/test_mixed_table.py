"""One table with labels of every kind: fitted, searched, cross-validated, pickled, reported."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_validate

from skmtl import MultiTaskMLP, MultiTaskMLPCV, make_multitask_scorer, task_scores
from skmtl.inspection import MultiTaskReport, TaskPredictionDisplay
from skmtl.tasks import Quantile, censored

TYPES = {
    "income": "regression",
    "visits": "count",
    "smokes": "binary",
    "pain": "ordinal",
    "relapse": "survival",
    "cost": "quantile",
}
DECLARED = {"visits": "count", "relapse": "survival", "cost": Quantile([0.1, 0.5, 0.9])}


def draw(n=240):
    """Features with categories and NaN; labels of which 40 % are missing."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["age", "dose", "weight"])
    X["clinic"] = pd.Categorical(rng.choice(["north", "south", "west"], n))
    z = X["age"] + (X["clinic"] == "north") - 0.5 * X["dose"]
    time, end = np.exp(z + 0.5 * rng.normal(size=n)), rng.exponential(4.0, n)
    pain = pd.cut(
        z + 0.5 * rng.logistic(size=n),
        [-np.inf, -1.0, 1.0, np.inf],
        labels=["none", "some", "much"],
    )
    y = pd.DataFrame(
        {
            "income": 40.0 + 10.0 * z + rng.normal(size=n),
            "visits": rng.poisson(np.exp(0.5 * z)).astype(float),
            "smokes": np.where(z + 0.5 * rng.logistic(size=n) > 0, "yes", "no"),
            "pain": pain,
            "relapse": censored(np.minimum(time, end), time < end),
            "cost": np.exp(0.5 * z + 0.3 * rng.normal(size=n)),
        }
    )
    for name in y:
        y.loc[rng.random(n) < 0.4, name] = np.nan
    X.loc[rng.random(n) < 0.1, "weight"] = np.nan
    X.loc[rng.random(n) < 0.1, "clinic"] = np.nan
    return X, y


@pytest.fixture(scope="module")
def model():
    X, y = draw()
    return MultiTaskMLP(tasks=DECLARED, random_state=0).fit(X, y)


def test_every_task_is_learned(model):
    X, y = draw()
    assert {n: t.alias for n, t in zip(model.task_names_in_, model.tasks_, strict=True)} == TYPES
    scores = task_scores(model, X, y)
    assert min(scores.values()) > 0.1
    predicted = model.predict_frame(X)
    assert set(predicted["smokes"]) == {"yes", "no"}
    assert set(predicted["pain"]) <= {"none", "some", "much"}
    assert (predicted["relapse"] > 0).all()
    probabilities = model.predict_proba(X)
    assert [p is None for p in probabilities] == [True, True, False, False, True, True]
    *_, quantiles = model.predict_quantiles(X)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    later = model.predict_survival(X, [1.0, 2.0])
    assert [p is None for p in later] == [True, True, True, True, False, True]


def test_unobserved_labels_have_no_say(model):
    """Whatever stands under weight 0: the same bits."""
    X, y = draw()
    weight = y.notna().astype(float)
    filled = y.copy()
    filled["pain"] = filled["pain"].fillna("much")
    filled["smokes"] = filled["smokes"].fillna("no")
    filled = filled.fillna({"income": 1e6, "visits": 99.0, "relapse": -0.01, "cost": -1e9})
    again = MultiTaskMLP(tasks=DECLARED, random_state=0).fit(X, filled, sample_weight=weight)
    assert_array_equal(again.predict_frame(X).to_numpy(), model.predict_frame(X).to_numpy())


def test_pickled(model):
    X, _ = draw()
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_frame(X).to_numpy(), model.predict_frame(X).to_numpy())
    assert_array_equal(again.predict_survival(X, [1.0])[4], model.predict_survival(X, [1.0])[4])


def test_cross_validated_and_searched():
    X, y = draw()
    model = MultiTaskMLP(tasks=DECLARED, max_iter=10, random_state=0)
    found = cross_validate(model, X, y, cv=3, scoring=task_scores)
    assert all(np.isfinite(found[f"test_{name}"]).all() for name in TYPES)
    by_type = {"regression": "r2", "binary": "roc_auc"}
    scorer = make_multitask_scorer(by_type, average=None)
    search = GridSearchCV(model, {"dropout": [0.0, 0.2]}, cv=3, scoring=scorer, refit="mean")
    scored = {name for name in TYPES if f"mean_test_{name}" in search.fit(X, y).cv_results_}
    # Of a task with classes the keys stay, whichever of them a fold has.
    assert scored == {"income", "visits", "smokes", "pain", "cost"}
    blend = MultiTaskMLPCV({"max_iter": [10]}, cv=3, tasks=DECLARED, random_state=0).fit(X, y)
    assert (blend.task_scores_ > 0).all()


def test_reported(model):
    X, y = draw()
    report = MultiTaskReport(MultiTaskMLP(tasks=DECLARED, max_iter=10, random_state=0), X, y, cv=3)
    frame = report.to_frame()
    assert frame["type"].to_dict() == TYPES
    assert np.isfinite(frame[["score", "cv_score", "gain"]]).all(axis=None)
    page = report.to_html()
    events = int((y["relapse"] > 0).sum())
    assert f"{events} events, {y['relapse'].notna().sum() - events} times without one" in page
    assert "&gt; " in page


def test_drawn(model):
    pytest.importorskip("matplotlib")
    X, y = draw()
    display = TaskPredictionDisplay.from_estimator(model, X, y)
    titles = dict(zip(TYPES, [ax.get_title() for ax in display.axes_], strict=True))
    expected = {task.name: task.score for task in display.predicted}
    assert titles["relapse"] == f"relapse\nconcordance {expected['relapse']:.2f}"
    assert expected["relapse"] == pytest.approx(0.5 + 0.5 * task_scores(model, X, y)["relapse"])
    together = TaskPredictionDisplay.from_estimator(model, X, y, kind="overlay")
    assert set(together.artists_) == {"numbers", "times", "curves"}
