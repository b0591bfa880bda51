"""Decisions by thresholds: worth more than the most probable class on new rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, fbeta_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    CalibratedTasks,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    ThresholdTasks,
    make_multitask_scorer,
)
from skmtl.compose import TaskStacking
from skmtl.tasks import Binary, LabelWarning
from skmtl.uncertainty._decision_rules import Rule
from skmtl.uncertainty._decision_scores import _accuracy, _f1, score_of_costs
from skmtl.uncertainty._thresholds import Decided, choose_threshold

LINEAR = MultiTaskLinearClassifier("l2", alpha=1e-3)


def draw(n=600, n_tasks=3, missing=0.3, seed=0):
    """Rare classes, half of whose labels are explained."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    Y = np.where(2 * X[:, [0]] + rng.logistic(size=(n, n_tasks)) > 3 + np.arange(n_tasks), 1.0, 0)
    Y[rng.random(Y.shape) < missing] = np.nan
    return X, Y


@pytest.fixture
def binary():
    return draw()


class TestChoice:
    """The threshold of one task."""

    def rows(self, n=400, seed=0):
        rng = np.random.default_rng(seed)
        p = rng.beta(1, 5, n).round(2)
        codes = (rng.random(n) < p).astype(int)
        return Decided(p, p, codes, rng.integers(1, 4, n).astype(float))

    @pytest.mark.parametrize("score", [_f1, _accuracy, score_of_costs(np.array([[0, 1], [8, 0]]))])
    def test_no_other_is_better(self, score, monkeypatch):
        monkeypatch.setattr("skmtl.uncertainty._thresholds.N_IMAGINED", 0.0)
        from skmtl.uncertainty._decision_scores import Counts

        rows = self.rows()

        def value(threshold):
            cells = np.bincount(2 * rows.codes + (rows.p >= threshold), rows.weights, 4)
            return score(Counts(*cells[:, None]))[0]

        found = choose_threshold(rows, score, most=10**6)
        best = max(value(threshold) for threshold in np.linspace(-0.005, 1.005, 102))
        assert value(found) == pytest.approx(best, rel=1e-12)

    @pytest.mark.parametrize("ratio", [1.0, 4.0, 19.0])
    def test_costs_of_calibrated_probabilities(self, ratio, monkeypatch):
        """Elkan 2001, eq. 2: 1 / (1 + ratio)."""
        monkeypatch.setattr("skmtl.uncertainty._thresholds.N_IMAGINED", np.inf)
        p = np.linspace(0.001, 0.999, 999)
        rows = Decided(p, p, (p > 0.7).astype(int), np.ones(999))
        score = score_of_costs(np.array([[0.0, 1.0], [ratio, 0.0]]))
        found = choose_threshold(rows, score, most=10**6)
        assert found == pytest.approx(1 / (1 + ratio), abs=2e-3)

    def test_f1_of_calibrated_probabilities_is_half_the_best(self, monkeypatch):
        """Lipton et al. 2014, theorem 1."""
        monkeypatch.setattr("skmtl.uncertainty._thresholds.N_IMAGINED", np.inf)
        p = np.random.default_rng(0).beta(0.5, 5, 20000)
        rows = Decided(p, p, (p > 0.5).astype(int), np.ones(len(p)))
        found = choose_threshold(rows, _f1, most=10**6)
        above = p >= found
        best = 2 * p[above].sum() / (above.sum() + p.sum())
        assert found == pytest.approx(0.5 * best, abs=5e-3)

    def test_few_labels_are_drawn_to_the_calibrated_probabilities(self):
        p = np.linspace(0.01, 0.99, 99)
        score = score_of_costs(np.array([[0.0, 1.0], [1.0, 0.0]]))
        few = Decided(p, p, (p > 0.8).astype(int), np.ones(99))
        many = few._replace(weights=np.full(99, 1e6))
        assert choose_threshold(few, score) == pytest.approx(0.5, abs=0.06)
        assert choose_threshold(many, score) == pytest.approx(0.8, abs=0.02)

    def test_none_and_all(self):
        p = np.array([0.0, 0.5, 1.0])
        rows = Decided(p, p, np.array([1, 0, 0]), np.full(3, 1e9))
        none = choose_threshold(rows, score_of_costs(np.array([[0.0, 9.0], [1.0, 0.0]])))
        assert none > 1.0
        everything = choose_threshold(rows, score_of_costs(np.array([[0.0, 1.0], [9.0, 0.0]])))
        assert everything <= 0.0

    def test_rules_are_plain(self):
        assert Rule(None).costs is None


class TestScores:
    """What decisions are worth."""

    def test_f1_of_new_rows_rises(self, binary):
        X_new, Y_new = draw(3000, missing=0.0, seed=1)
        model, plain = ThresholdTasks(LINEAR).fit(*binary), clone(LINEAR).fit(*binary)
        gains = [
            f1_score(Y_new[:, t], model.predict(X_new)[:, t])
            - f1_score(Y_new[:, t], plain.predict(X_new)[:, t])
            for t in range(3)
        ]
        assert min(gains) > 0.0
        assert np.mean(gains) > 0.1
        assert (model.thresholds_ < 0.45).all()

    def test_costs_of_new_rows_fall(self, binary):
        X_new, Y_new = draw(3000, missing=0.0, seed=1)
        costs = np.array([[0.0, 1.0], [10.0, 0.0]])
        model, plain = ThresholdTasks(LINEAR, costs).fit(*binary), clone(LINEAR).fit(*binary)
        for t in range(3):
            y = Y_new[:, t].astype(int)
            paid = [costs[y, m.predict(X_new)[:, t].astype(int)].sum() for m in (model, plain)]
            assert paid[0] < 0.8 * paid[1]
        np.testing.assert_allclose(model.thresholds_, 1 / 11, atol=0.06)

    def test_a_function_and_several_rules(self, binary):
        X, Y = binary
        y = pd.DataFrame(Y, columns=["a", "b", "c"])

        def recall_twice(labels, decided, sample_weight=None):
            return fbeta_score(labels, decided, beta=2, sample_weight=sample_weight)

        model = ThresholdTasks(LINEAR, {"a": recall_twice, "b": [[0, 1], [3, 0]]}).fit(X, y)
        f1 = ThresholdTasks(LINEAR).fit(X, y)
        assert model.thresholds_[0] < f1.thresholds_[0]
        assert model.thresholds_[1] == pytest.approx(0.25, abs=0.1)
        assert np.isnan(model.thresholds_[2])
        plain = clone(LINEAR).fit(X, y).predict(X)
        assert (model.predict(X)[:, 2] == plain[:, 2]).all()

    def test_several_classes_go_by_their_costs(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 3))
        grade = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + rng.normal(size=300), [-1, 1])]
        costs = [[0, 1, 2], [5, 0, 1], [5, 5, 0]]
        estimator = MultiTaskLinearClassifier("l2", alpha=1e-2)
        model = ThresholdTasks(estimator, costs).fit(X, grade)
        p = model.predict_proba(X)
        assert (model.predict(X) == model.classes_[(p @ costs).argmin(axis=1)]).all()
        assert (model.predict(X) != clone(estimator).fit(X, grade).predict(X)).any()
        assert np.isnan(model.thresholds_).all()

    def test_probabilities_and_other_tasks_stay(self):
        X, Y = draw()
        y = pd.DataFrame({"number": X[:, 1], "ill": np.where(Y[:, 0] > 0, "yes", "no")})
        y["level"] = pd.Categorical(np.digitize(X[:, 0], [-1, 1]).astype(str), ordered=True)
        y.loc[::3, "ill"] = None
        estimator = MultiTaskLinear("l2", alpha=1e-3)
        model, plain = ThresholdTasks(estimator).fit(X, y), clone(estimator).fit(X, y)
        for p, q in zip(model.predict_proba(X), plain.predict_proba(X), strict=True):
            assert p is None if q is None else (p == q).all()
        assert (model.predict(X)[:, [0, 2]] == plain.predict(X)[:, [0, 2]]).all()
        above = model.predict_proba(X)[1][:, 1] >= model.thresholds_[1]
        assert (model.predict(X)[:, 1] == np.where(above, "yes", "no")).all()
        assert np.isnan(model.thresholds_).tolist() == [True, False, True]


class TestFits:
    """Inside and around others, long form, weights."""

    def test_around_calibration(self, binary):
        X, Y = binary
        model = ThresholdTasks(CalibratedTasks(LINEAR)).fit(X, Y)
        inner = model.estimator_
        for p, q in zip(model.out_of_fold_, inner.out_of_fold_, strict=True):
            np.testing.assert_array_equal(p, q)
        for p, q in zip(model.predict_proba(X), inner.predict_proba(X), strict=True):
            np.testing.assert_array_equal(p, q)

    def test_inside_of_calibration(self, binary):
        X, Y = binary
        inner = ThresholdTasks(LINEAR)
        model, alone = CalibratedTasks(inner).fit(X, Y), clone(inner).fit(X, Y)
        assert (model.predict(X) == alone.predict(X)).all()
        argmax = np.column_stack([p.argmax(axis=1) for p in model.predict_proba(X)])
        assert (model.predict(X) != argmax).any()

    def test_long_form(self):
        X, Y = draw(500, 4)
        rows, tasks = np.nonzero(~np.isnan(Y))
        X_long = np.column_stack([X[rows], tasks])
        y = np.where(Y[rows, tasks] > 0, "yes", "no")
        options = {"task_feature": 4, "unknown_task": "shared"}
        model = ThresholdTasks(LINEAR, **options).fit(X_long, y)
        assert model.thresholds_.shape == (4,)
        p = model.predict_proba(X_long)[:, 1]
        expected = np.where(p >= model.thresholds_[tasks], "yes", "no")
        assert (model.predict(X_long) == expected).all()
        new = np.column_stack([X, np.full(500, 9)])
        above = model.predict_proba(new)[:, 1] >= model._common_threshold
        assert (model.predict(new) == np.where(above, "yes", "no")).all()
        assert above.any()
        by_name = ThresholdTasks(LINEAR, {0: "f1", 2: [[0, 1], [9, 0]]}, **options).fit(X_long, y)
        assert np.isnan(by_name.thresholds_).tolist() == [False, True, False, True]
        assert (
            by_name.predict(new) == clone(LINEAR).set_params(**options).fit(X_long, y).predict(new)
        ).all()

    def test_weight_zero_is_no_label(self, binary):
        X, Y = binary
        weight = np.random.default_rng(0).integers(0, 3, Y.shape).astype(float)
        one = ThresholdTasks(LINEAR).fit(X, np.where(weight > 0, Y, np.nan), sample_weight=weight)
        other = np.where(np.isnan(Y) | (weight == 0), 1.0, Y)
        given = np.where(np.isnan(Y), 0.0, weight)
        again = ThresholdTasks(LINEAR).fit(X, other, sample_weight=given)
        np.testing.assert_array_equal(one.thresholds_, again.thresholds_)

    def test_weights_are_repeated_rows(self, binary):
        X, Y = binary
        weight = np.random.default_rng(0).integers(1, 4, len(X))
        model = ThresholdTasks(FrozenEstimator(clone(LINEAR).fit(X, Y)))
        one = clone(model).fit(X, Y, sample_weight=weight).thresholds_
        again = model.fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0)).thresholds_
        np.testing.assert_allclose(one, again, rtol=0.1)

    def test_an_estimator_that_has_held_rows_out(self, binary):
        X, Y = binary
        model = ThresholdTasks(TaskStacking([("linear", LINEAR)])).fit(X, Y)
        for p, q in zip(model.out_of_fold_, model.estimator_.out_of_fold_, strict=True):
            np.testing.assert_array_equal(p, q)

    def test_search_pipeline_pickle(self, binary):
        X, Y = binary
        model = make_pipeline(StandardScaler(), ThresholdTasks(LINEAR, cv=3))
        grid = {"thresholdtasks__scoring": ["accuracy", "f1"]}
        search = GridSearchCV(model, grid, cv=KFold(3), scoring=make_multitask_scorer("f1"))
        search.fit(X, Y)
        assert search.best_params_ == {"thresholdtasks__scoring": "f1"}
        again = pickle.loads(pickle.dumps(search))
        assert (again.predict(X) == search.predict(X)).all()

    def test_scikit_learns_classifier(self, binary):
        X, Y = binary
        model = ThresholdTasks(LogisticRegression()).fit(X, Y)
        assert (model.thresholds_ < 0.5).all()
        assert model.predict(X).shape == Y.shape


class TestLittleData:
    """Few rows, few labels, few classes."""

    def test_three_rows(self):
        model = ThresholdTasks(LogisticRegression(), cv=3).fit([[0.0], [1.0], [2.0]], list("abb"))
        assert set(model.predict([[0.0], [1.0], [2.0]])) <= {"a", "b"}

    def test_one_class_and_no_label(self, binary):
        X, Y = binary
        Y[:, 1] = np.where(np.isnan(Y[:, 1]), np.nan, 0.0)
        Y[:, 2] = np.nan
        with pytest.warns(LabelWarning):
            model = ThresholdTasks(LINEAR).fit(X, Y)
        assert np.isnan(model.thresholds_).tolist() == [False, True, True]
        assert (model.predict(X)[:, 1] == 0).all()


class TestErrors:
    """By message."""

    @pytest.mark.parametrize(
        ("scoring", "message"),
        [
            ("roc_auc", "is of .*, which no threshold changes; give a metric of predicted labels"),
            ("f2", "is no metric of scikit-learn|not a valid scoring value|'f2'"),
            ({"d": "f1"}, "metric names 'd', which is no task"),
            ({"d": [[0, 1], [1, 0]]}, "scoring names the task 'd', which y does not have"),
            (
                {"a": [[0, 1, 2], [1, 0, 2], [1, 2, 0]]},
                r"Task 'a': expected costs of shape \(2, 2\)",
            ),
            ({"a": [[0, 1], [np.inf, 0]]}, "Task 'a': expected costs .* all finite"),
            ({"a": [[1, 0], [1, 0]]}, "Task 'a': in a row of costs that of the true class"),
            ("r2", "for none of the task types"),
        ],
    )
    def test_scoring(self, scoring, message, binary):
        X, Y = binary
        with pytest.raises(ValueError, match=message):
            ThresholdTasks(LINEAR, scoring).fit(X, pd.DataFrame(Y, columns=list("abc")))

    def test_costs_of_a_number(self, binary):
        X, Y = binary
        y = pd.DataFrame({"n": X[:, 0], "a": Y[:, 0]})
        with pytest.raises(ValueError, match="Task 'n' is regression: costs are for tasks with"):
            ThresholdTasks(MultiTaskLinear(), {"n": [[0, 1], [1, 0]]}).fit(X, y)

    def test_nothing_to_decide(self, binary):
        X, _ = binary
        grade = np.digitize(X[:, 0], [-1, 1])
        with pytest.raises(ValueError, match=r"decides nothing: the tasks are 0 \(multiclass\)\."):
            ThresholdTasks(LINEAR).fit(X, grade)
        for scoring, n_classes in (({"g": "f1_macro"}, 3), ({"n": "r2", "g": [[0]]}, "no")):
            y = pd.DataFrame({"n": X[:, 1], "g": grade.astype(str)})
            with pytest.raises(ValueError, match=f"has {n_classes} classes, but its metric is to"):
                ThresholdTasks(MultiTaskLinear(), scoring).fit(X, y)
        with pytest.raises(ValueError, match="only classes have thresholds"):
            ThresholdTasks(MultiTaskLinear()).fit(X, X[:, :2])

    def test_declared_classes_of_which_one_is_there(self, binary):
        X, Y = binary
        Y[:, 0] = 0.0
        model = ThresholdTasks(LINEAR, tasks={0: Binary(classes=[0, 1])}).fit(X, Y)
        assert np.isnan(model.thresholds_[0])
