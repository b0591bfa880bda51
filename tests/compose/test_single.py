"""What is learned of one task: labels for any estimator, and the estimator's own predictions."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from skmtl import IndependentTasks, make_multitask_scorer, task_scores
from skmtl.compose import PooledTasks, TargetScaler, TaskChain, TaskGrouping
from skmtl.inspection import MultiTaskReport
from skmtl.tasks import Multiclass

HOLDERS = {
    "independent": IndependentTasks,
    "pooled": PooledTasks,
    "chain": lambda estimator, **kw: TaskChain(estimator, cv=3, **kw),
    "stacking": lambda estimator, **kw: TaskChain(estimator, cv=3, stacking=True, **kw),
    "grouping": lambda estimator, **kw: TaskGrouping(IndependentTasks(estimator), 1, **kw),
    "scaled": lambda estimator, **kw: TargetScaler(IndependentTasks(estimator), **kw),
}
every_holder = pytest.mark.parametrize("hold", list(HOLDERS.values()), ids=list(HOLDERS))


class WantsCodes(ClassifierMixin, BaseEstimator):
    """Classes have to be 0, 1, ..., as XGBClassifier wants them; a column of predictions."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if (
            self.classes_.dtype.kind not in "iu"
            or (self.classes_ != np.arange(len(self.classes_))).any()
        ):
            raise ValueError(f"Invalid classes inferred from unique values of `y`: {self.classes_}")
        self.model_ = GaussianNB().fit(X, y)
        return self

    def predict(self, X):
        check_is_fitted(self)
        return self.model_.predict(X)[:, None]

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(90, 3))


def labels_of(X, classes):
    """Three classes, or two, a tenth missing."""
    codes = np.digitize(X[:, 0] + 0.3 * X[:, 1], [-0.5, 0.5][: len(classes) - 1])
    labels = np.array(classes, dtype=object)[codes]
    labels[::10] = None
    return labels


CLASSES = {
    "strings": ["a", "b", "c"],
    "two strings": ["no", "yes"],
    "gap": [0, 2],
    "gaps": [-1, 4, 7],
    "bools": [False, True],
    "codes": [0, 1, 2],
}


@every_holder
class TestAnEstimatorThatWantsCodes:
    @pytest.mark.parametrize("classes", CLASSES.values(), ids=CLASSES)
    def test_equals_one_that_takes_labels(self, hold, classes, X):
        y = pd.DataFrame({"u": labels_of(X, classes), "v": labels_of(-X, classes)})
        coded = hold(WantsCodes(), tasks="multiclass").fit(X, y)
        plain = hold(GaussianNB(), tasks="multiclass").fit(X, y)
        assert (coded.predict(X) == plain.predict(X)).all()
        for found, expected in zip(coded.predict_proba(X), plain.predict_proba(X), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert [c.tolist() for c in coded.classes_] == [classes, classes]
        assert coded.score(X, y) == pytest.approx(plain.score(X, y))

    def test_in_pipelines_and_searches(self, hold, X):
        y = labels_of(X, ["a", "b", "c"])
        step = make_pipeline(StandardScaler(), WantsCodes())
        for inside in (step, GridSearchCV(step, {}, cv=2)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = hold(inside).fit(X, y[:, None])
            assert set(model.predict(X)[:, 0]) == {"a", "b", "c"}

    def test_a_fold_without_a_class_does_not_die(self, hold, X):
        # One row of class "b": the folds that test it have not seen it.
        y = np.where(X[:, 0] > 0, "c", "a").astype(object)
        y[5] = "b"
        y = np.column_stack([y, labels_of(X, ["a", "b", "c"])])
        scores = cross_val_score(hold(WantsCodes()), X, y, cv=3, scoring=task_scores_mean)
        assert np.isfinite(scores).all()

    def test_in_long_form(self, hold, X):
        y = labels_of(X, ["no", "yes"])
        task = np.repeat([0, 1, 2], 30)
        rows = np.column_stack([task, X])
        # Task 2 lacks nothing, task 0 has one class only.
        y[(task == 0)] = "yes"
        options = {"task_feature": 0, "tasks": "binary"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            coded = hold(WantsCodes(), **options).fit(rows, y)
            plain = hold(GaussianNB(), **options).fit(rows, y)
        assert (coded.predict(rows) == plain.predict(rows)).all()
        np.testing.assert_allclose(coded.predict_proba(rows), plain.predict_proba(rows), rtol=1e-9)


def task_scores_mean(estimator, X, y):
    return task_scores(estimator, X, y)["mean"]


def test_a_class_without_labels_has_probability_zero(X):
    y = np.where(X[:, 0] > 0, "c", "a")
    model = IndependentTasks(WantsCodes(), tasks=[Multiclass(classes=["a", "b", "c"])])
    model.fit(X, y[:, None])
    probability = model.predict_proba(X)[0]
    assert (probability[:, 1] == 0).all()
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    assert model.estimators_[0].classes_.tolist() == [0, 1]


def test_labels_stay_where_they_are_taken(X):
    y = labels_of(X, ["no", "yes"])[:, None]
    assert IndependentTasks(GaussianNB()).fit(X, y).estimators_[0].classes_.tolist() == [
        "no",
        "yes",
    ]


def test_the_first_error_is_raised_and_says_what_the_second_was(X):
    y = labels_of(X, ["no", "yes"])[:, None]
    X[0] = np.nan
    with pytest.raises(
        ValueError, match=r"(?s)Invalid classes.*in place of.*NaN.*task 0"
    ) as caught:
        IndependentTasks(WantsCodes()).fit(np.where(np.arange(90)[:, None] == 3, np.nan, X), y)
    assert len(caught.value.__notes__) == 2


def test_classes_that_it_was_not_fitted_to(X):
    class Elsewhere(WantsCodes):
        def predict(self, X):
            return np.full(len(X), 9)

    model = IndependentTasks(Elsewhere()).fit(X, labels_of(X, ["no", "yes"])[:, None])
    with pytest.raises(ValueError, match=r"Task 0: Elsewhere speaks of the class 9; .*\[0, 1\]"):
        model.predict(X)


STRICT = FixedThresholdClassifier(LogisticRegression(), threshold=0.8, pos_label="yes")


@every_holder
class TestDecisions:
    """A threshold of its own, which few rows pass."""

    def make(self, hold, X):
        y = pd.DataFrame({"u": labels_of(X, ["no", "yes"]), "v": labels_of(-X, ["no", "yes"])})
        return hold(STRICT).fit(X, y), y

    def test_predict(self, hold, X):
        model, _ = self.make(hold, X)
        found, probability = model.predict(X), model.predict_proba(X)
        for t in range(2):
            assert (found[:, t] == np.where(probability[t][:, 1] >= 0.8, "yes", "no")).all()
            assert (found[:, t] != np.where(probability[t][:, 1] >= 0.5, "yes", "no")).any()

    def test_metrics_follow(self, hold, X):
        model, y = self.make(hold, X)
        for metric, function in (
            ("accuracy", accuracy_score),
            ("f1", lambda a, b: f1_score(a, b, pos_label="yes")),
        ):
            scores = make_multitask_scorer(metric, average=None)(model, X, y)
            for t, name in enumerate(["u", "v"]):
                known = y[name].notna().to_numpy()
                expected = function(y[name][known].tolist(), model.predict(X)[known, t].tolist())
                assert scores[name] == pytest.approx(expected)

    def test_long_form(self, hold, X):
        rows = np.column_stack([np.repeat([0, 1], 45), X])
        y = labels_of(X, ["no", "yes"])
        model = hold(STRICT, task_feature=0).fit(rows, y)
        found, probability = model.predict(rows), model.predict_proba(rows)
        assert (found == np.where(probability[:, 1] >= 0.8, "yes", "no")).all()
        known = y != None  # noqa: E711
        scores = make_multitask_scorer("accuracy", average=None)(model, rows, y)
        for t in (0, 1):
            own = known & (rows[:, 0] == t)
            assert scores[str(t)] == pytest.approx(np.mean(found[own] == y[own]))

    def test_tuned_with_labels_that_it_cannot_order(self, hold, X):
        # Without pos_label it takes 0 and 1 only: it sees codes.
        y = labels_of(X, ["no", "yes"])[:, None]
        tuned = TunedThresholdClassifierCV(LogisticRegression(), scoring="f1", cv=3)
        model = hold(tuned).fit(X, y)
        known = y[:, 0] != None  # noqa: E711
        expected = clone(tuned).fit(X[known], (y[known, 0] == "yes").astype(int)).predict(X)
        assert set(model.predict(X)[:, 0]) == {"yes", "no"}
        if hold is not HOLDERS["stacking"]:  # sees one feature more
            assert (model.predict(X)[:, 0] == np.where(expected == 1, "yes", "no")).all()


def test_unknown_tasks_and_means_decide_by_probability(X):
    rows = np.column_stack([np.repeat([0, 1], 45), X])
    y = labels_of(X, ["no", "yes"])
    options = {"task_feature": 0, "unknown_task": "shared"}
    new = np.column_stack([rows[:, 0] + 5, X])
    shared = IndependentTasks(STRICT, **options).fit(rows, y)
    assert (shared.predict(new) == shared.pooled_estimator_.predict(X)).all()
    chain = TaskChain(STRICT, **options).fit(rows, y)
    assert (chain.predict(new) == chain.pooled_estimator_.predict(X)).all()
    groups = TaskGrouping(IndependentTasks(STRICT), 1, **options).fit(rows, y)
    mean = groups.predict_proba(new)[:, 1]
    assert (groups.predict(new) == np.where(mean > 0.5, "yes", "no")).all()
    several = TaskChain(STRICT, order="random", n_chains=2, random_state=0)
    Y = np.column_stack([y, labels_of(-X, ["no", "yes"])])
    several.fit(X, Y)
    for t, probability in enumerate(several.predict_proba(X)):
        assert (several.predict(X)[:, t] == np.where(probability[:, 1] > 0.5, "yes", "no")).all()


def test_a_pool_decides_among_the_classes_of_the_task(X):
    class FirstOfAll(GaussianNB):
        """Predicts the first class, whatever is likely."""

        def predict(self, X):
            return np.repeat(self.classes_[:1], len(X))

    y = pd.DataFrame({"u": labels_of(X, ["a", "b"]), "v": labels_of(X, ["b", "c"])})
    model = PooledTasks(FirstOfAll()).fit(X, y)
    found, probability = model.predict(X), model.predict_proba(X)
    assert (found[:, 0] == "a").all()
    # "a" is no class of v: its most probable one.
    assert (found[:, 1] == np.array(["b", "c"])[probability[1].argmax(axis=1)]).all()


def test_without_probabilities_but_classes(X):
    y = labels_of(X, ["no", "yes"])[:, None]

    class Silent(LogisticRegression):
        predict_proba = property()

    model = IndependentTasks(Silent()).fit(X, y)
    assert set(np.unique(model.predict_proba(X)[0])) == {0.0, 1.0}
    known = y[:, 0] != None  # noqa: E711
    assert (
        model.predict(X)[:, 0]
        == LogisticRegression().fit(X[known], y[known, 0].tolist()).predict(X)
    ).all()


def test_the_report_shows_decisions(X):
    y = pd.DataFrame({"u": labels_of(X, ["no", "yes"]), "n": X[:, 2]})
    model = IndependentTasks(Ridge(), classifier=STRICT)
    report = MultiTaskReport(model, X, y, affinity=None)
    predictions = next(task.predictions for task in report._findings.tasks if task.key == "u")
    expected = model.fit(X, y).predict(X)[predictions.rows, 0]
    assert (predictions.decided == expected).all()
