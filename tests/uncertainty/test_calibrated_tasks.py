"""Calibrated probabilities: closer to the labels, in the order of those given."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import (
    CalibratedTasks,
    IndependentTasks,
    MultiTaskKernelRidge,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
)
from skmtl.compose import TaskStacking
from skmtl.metrics import expected_calibration_error
from skmtl.tasks import LabelWarning, Survival
from skmtl.uncertainty._calibration_map import METHODS

LINEAR = MultiTaskLinearClassifier("l2", alpha=1e-2)
every_method = pytest.mark.parametrize("method", METHODS)


def draw(n=400, n_tasks=4, missing=0.4, seed=0):
    """Features that say the same five times, of which naive Bayes is too sure; rare classes."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, 1))
    X = signal + 0.1 * rng.normal(size=(n, 5))
    Y = np.where(signal + rng.logistic(size=(n, n_tasks)) > np.arange(n_tasks), 1.0, 0.0)
    Y[rng.random(Y.shape) < missing] = np.nan
    return X, Y


@pytest.fixture
def binary():
    return draw()


@pytest.fixture
def mixed():
    """A number, a yes or no, ordered and other classes."""
    rng = np.random.default_rng(0)
    X, _ = draw(300)
    signal = X.mean(axis=1) + 0.5 * rng.normal(size=300)
    level = pd.cut(signal, [-9, -1, 1, 9], labels=["low", "mid", "top"])
    Y = pd.DataFrame(
        {
            "number": signal,
            "yes": np.where(signal > 0.3, "yes", "no"),
            "level": level,
            "colour": pd.Categorical(level.astype(str)).rename_categories(["red", "blue", "green"]),
        }
    )
    return X, Y.mask(rng.random(Y.shape) < 0.3)


class TestProbabilities:
    """What they are good for."""

    @every_method
    def test_closer_to_new_labels_in_the_same_order(self, method, binary):
        X_new, Y_new = draw(2000, missing=0.0, seed=1)
        plain = IndependentTasks(classifier=GaussianNB()).fit(*binary)
        model = CalibratedTasks(GaussianNB(), method).fit(*binary)
        before, after = (m.predict_proba(X_new) for m in (plain, model))
        errors = [expected_calibration_error(Y_new, p) for p in (before, after)]
        assert errors[1] < (0.75 if method == "temperature" else 0.5) * errors[0]
        for t in range(4):
            assert log_loss(Y_new[:, t], after[t]) < log_loss(Y_new[:, t], before[t])
            aucs = [roc_auc_score(Y_new[:, t], p[t][:, 1]) for p in (before, after)]
            assert aucs[0] == pytest.approx(aucs[1], abs=1e-12)
        assert (model.temperatures_ > 1.5).all()

    def test_those_that_are_right_stay(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(3000, 2))
        Y = (X @ [[1.0, 0.5, 1.0], [0.0, 0.5, -1.0]] + rng.logistic(size=(3000, 3)) > 0) * 1.0
        plain = MultiTaskLinearClassifier("l2", alpha=1e-4).fit(X, Y)
        model = CalibratedTasks(FrozenEstimator(plain)).fit(X, Y)
        np.testing.assert_allclose(model.temperatures_, 1.0, atol=0.1)
        pairs = zip(plain.predict_proba(X), model.predict_proba(X), strict=True)
        assert max(abs(p - q).max() for p, q in pairs) < 0.06

    @pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
    def test_rare_classes_are_nearer_than_by_each_task_alone(self):
        """Ten tasks with a dozen labels of the rare class in all."""
        errors = np.zeros((5, 2))
        for seed in range(5):
            X, Y = draw(300, 10, 0.7, seed)
            X_new, Y_new = draw(2000, 10, 0.0, 100 + seed)
            pooled = CalibratedTasks(GaussianNB(), "platt").fit(X, Y).predict_proba(X_new)
            for t in range(10):
                known = ~np.isnan(Y[:, t])
                if Y[known, t].sum() < 6:
                    continue
                alone = CalibratedClassifierCV(GaussianNB(), ensemble=False).fit(
                    X[known], Y[known, t]
                )
                found = pooled[t], alone.predict_proba(X_new)
                errors[seed] += [log_loss(Y_new[:, t], p) for p in found]
        assert (errors[:, 0] < errors[:, 1]).all()

    @every_method
    def test_mixed_types(self, method, mixed):
        X, Y = mixed
        estimator = MultiTaskLinear("l2", alpha=0.01)
        model, plain = CalibratedTasks(estimator, method).fit(X, Y), clone(estimator).fit(X, Y)
        assert (model.predict(X)[:, 0] == plain.predict(X)[:, 0]).all()
        assert np.isnan(model.temperatures_).tolist() == [True, False, False, False]
        number, *probabilities = model.predict_proba(X)
        assert number is None
        for p, classes in zip(probabilities, model.classes_[1:], strict=True):
            assert p.shape == (300, len(classes))
            assert (p >= 0).all()
            np.testing.assert_allclose(p.sum(axis=1), 1.0)
        assert set(model.predict(X)[:, 2]) <= {"low", "mid", "top"}
        assert model.score(X, Y) > 0.3

    @every_method
    def test_an_order_of_classes_stays(self, method, mixed):
        X, Y = mixed
        estimator = MultiTaskLinear("l2", alpha=0.01)
        model = CalibratedTasks(estimator, method).fit(X, Y)
        plain = clone(estimator).fit(X, Y)
        for k in (1, 2):  # of low, mid, top
            before, after = (m.predict_proba(X)[2][:, k:].sum(axis=1) for m in (plain, model))
            ranks = np.argsort(before)
            assert (np.diff(after[ranks]) >= -1e-12).all()

    def test_an_estimator_that_has_held_rows_out_is_fitted_once(self, binary):
        X, Y = binary
        stack = TaskStacking([("linear", LINEAR)])
        model = CalibratedTasks(stack, "platt").fit(X, Y)
        inner = clone(stack).fit(X, Y)
        prefit = [p.copy() for p in inner.out_of_fold_]
        for p, q in zip(model.estimator_.out_of_fold_, prefit, strict=True):
            np.testing.assert_array_equal(p, q)
        assert all(np.isfinite(p).all() for p in model.out_of_fold_)

    def test_out_of_fold_is_calibrated_and_unseen(self, binary):
        X, Y = binary
        model = CalibratedTasks(GaussianNB()).fit(X, Y)
        plain = IndependentTasks(classifier=GaussianNB()).fit(X, Y)
        errors = [
            expected_calibration_error(Y, p, n_bins=5)
            for p in (plain.predict_proba(X), model.out_of_fold_)
        ]
        assert errors[1] < 0.6 * errors[0]
        # A label says nothing of itself.
        t, row = 1, int(np.flatnonzero(Y[:, 1] == 0)[0])
        folds = list(KFold(5).split(X))
        first = CalibratedTasks(GaussianNB(), "platt", cv=folds).fit(X, Y)
        Y[row, t] = 1.0
        other = CalibratedTasks(GaussianNB(), "platt", cv=folds).fit(X, Y)
        moved = abs(first.out_of_fold_[t][:, 1] - other.out_of_fold_[t][:, 1])
        assert moved[row] < moved.max()


class TestPredict:
    """Decisions: the most probable class, or the rule of the estimator."""

    def test_most_probable_class(self, binary):
        X, Y = binary
        model = CalibratedTasks(LINEAR).fit(X, Y)
        for t, p in enumerate(model.predict_proba(X)):
            assert (model.predict(X)[:, t] == model.classes_[t][p.argmax(axis=1)]).all()

    def test_a_threshold_inside_survives(self, binary):
        X, Y = binary
        inner = FixedThresholdClassifier(LogisticRegression(), threshold=0.2)
        plain = IndependentTasks(classifier=inner).fit(X, Y)
        model = CalibratedTasks(inner).fit(X, Y)
        assert (model.predict(X) == plain.predict(X)).all()
        argmax = np.column_stack([p.argmax(axis=1) for p in model.predict_proba(X)])
        assert (model.predict(X) != argmax).any()


class TestFits:
    """What is learned, and from which labels."""

    @pytest.mark.parametrize("method", ["auto", "isotonic"])
    def test_weight_zero_is_no_label(self, method, binary):
        X, Y = binary
        weight = np.random.default_rng(0).integers(0, 3, Y.shape).astype(float)
        filled = np.where(np.isnan(Y), 1.0, Y)
        model, other = (
            CalibratedTasks(LINEAR, method).fit(X, y, sample_weight=w)
            for y, w in (
                (np.where(weight > 0, Y, np.nan), weight),
                (np.where(weight > 0, filled, 1 - filled), np.where(np.isnan(Y), 0.0, weight)),
            )
        )
        for p, q in zip(model.predict_proba(X), other.predict_proba(X), strict=True):
            np.testing.assert_array_equal(p, q)

    def test_weights_are_repeated_rows(self, binary):
        X, Y = binary
        weight = np.random.default_rng(0).integers(1, 4, len(X))
        fitted = clone(LINEAR).fit(X, Y)
        model = CalibratedTasks(FrozenEstimator(fitted), "platt")
        weighted = clone(model).fit(X, Y, sample_weight=weight).predict_proba(X)
        repeated = model.fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0))
        for p, q in zip(weighted, repeated.predict_proba(X), strict=True):
            np.testing.assert_allclose(p, q, atol=1e-7)

    def test_class_weights_do_not_reach_probabilities(self, binary):
        X, Y = binary
        X_new, Y_new = draw(3000, missing=0.0, seed=1)
        model = CalibratedTasks(LINEAR, class_weight="balanced").fit(X, Y)
        inside = model.estimator_.predict_proba(X_new)
        for t, p in enumerate(model.predict_proba(X_new)):
            share = Y_new[:, t].mean()
            assert abs(p[:, 1].mean() - share) < 0.08
            if t == 3:
                assert abs(inside[t][:, 1].mean() - share) > 0.2

    def test_class_weights_are_what_mistakes_cost(self, binary):
        X, Y = binary
        weight = {0: 1.0, 1: 4.0}
        model = CalibratedTasks(LINEAR, class_weight=weight).fit(X, Y)
        for t, p in enumerate(model.predict_proba(X)):
            assert (model.predict(X)[:, t] == (4.0 * p[:, 1] > p[:, 0])).all()

    def test_order_of_rows_and_tasks_does_not_matter(self, binary):
        X, Y = binary
        fitted = clone(LINEAR).fit(X, Y)
        expected = CalibratedTasks(FrozenEstimator(fitted), "platt").fit(X, Y).predict_proba(X)
        rows = np.random.default_rng(0).permutation(len(X))
        found = CalibratedTasks(FrozenEstimator(fitted), "platt").fit(X[rows], Y[rows])
        order = [2, 0, 3, 1]
        other = CalibratedTasks(FrozenEstimator(clone(LINEAR).fit(X, Y[:, order])), "platt")
        other = other.fit(X, Y[:, order]).predict_proba(X)
        for t, p in enumerate(expected):
            np.testing.assert_allclose(found.predict_proba(X)[t], p, atol=1e-7)
            np.testing.assert_allclose(other[order.index(t)], p, atol=1e-4)

    @pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
    def test_long_form(self):
        X, Y = draw(300, 6, 0.5)
        rows, tasks = np.nonzero(~np.isnan(Y))
        X_long = np.column_stack([X[rows], tasks])
        y = np.where(Y[rows, tasks] > 0, "yes", "no")
        options = {"task_feature": 5, "unknown_task": "shared"}
        model = CalibratedTasks(GaussianNB(), **options).fit(X_long, y)
        assert model.temperatures_.shape == (6,)
        assert (model.temperatures_ > 1.5).all()
        plain = IndependentTasks(classifier=GaussianNB(), **options).fit(X_long, y)
        new = np.column_stack([X, np.full(300, 77)])
        before, after = (m.predict_proba(new) for m in (plain, model))
        assert (abs(after - 0.5).mean() < abs(before - 0.5).mean()).all()
        assert set(model.predict(X_long)) == {"no", "yes"}

    def test_frozen_and_prefit_are_one(self, mixed):
        X, Y = mixed
        fitted = MultiTaskLinear("l2", alpha=0.01).fit(X[:150], Y[:150])
        frozen = CalibratedTasks(FrozenEstimator(fitted)).fit(X[150:], Y[150:])
        assert frozen.estimator_ is fitted
        prefit = CalibratedTasks(fitted, cv="prefit").fit(X[150:], Y.iloc[150:, ::-1])
        for p, q in zip(frozen.predict_proba(X), prefit.predict_proba(X), strict=True):
            if p is not None:
                np.testing.assert_array_equal(p, q)
        assert clone(frozen).estimator.estimator is fitted

    def test_search_set_params_pickle(self, binary):
        X, Y = binary
        model = make_pipeline(StandardScaler(), CalibratedTasks(LINEAR, cv=3))
        model.set_params(calibratedtasks__estimator__alpha=0.1)
        grid = {"calibratedtasks__method": ["temperature", "auto"]}
        search = GridSearchCV(model, grid, cv=KFold(2)).fit(X, Y)
        assert search.best_estimator_[-1].estimator_.alpha == 0.1
        again = pickle.loads(pickle.dumps(search))
        for p, q in zip(again.predict_proba(X), search.predict_proba(X), strict=True):
            np.testing.assert_array_equal(p, q)

    def test_around_a_pipeline(self, binary):
        X, Y = binary
        model = CalibratedTasks(make_pipeline(StandardScaler(), LINEAR)).fit(X, Y)
        assert model.estimator_[-1].n_features_in_ == 5

    def test_two_jobs_give_the_same(self, binary):
        X, Y = binary
        one, two = (CalibratedTasks(LINEAR, n_jobs=n).fit(X, Y) for n in (1, 2))
        for p, q in zip(one.predict_proba(X), two.predict_proba(X), strict=True):
            np.testing.assert_array_equal(p, q)

    def test_times_pass_through(self):
        X, Y = draw(150)
        rng = np.random.default_rng(0)
        times = rng.exponential(np.exp(X[:, 0])) * np.where(rng.random(150) < 0.3, -1, 1)
        y = {"time": times, "yes": Y[:, 0]}
        estimator = MultiTaskLinear("l2", alpha=0.01)
        tasks = {"time": Survival()}
        model = CalibratedTasks(estimator, tasks=tasks).fit(X, y)
        plain = clone(estimator).set_params(tasks=tasks).fit(X, y)
        found, nothing = model.predict_survival(X, [1.0, 2.0])
        assert nothing is None
        np.testing.assert_array_equal(found, plain.predict_survival(X, [1.0, 2.0])[0])


class TestLittleData:
    """Few rows, few labels, few classes."""

    @every_method
    def test_three_rows(self, method):
        X = np.array([[0.0], [1.0], [2.0]])
        model = CalibratedTasks(LogisticRegression(), method, cv=3).fit(X, ["a", "b", "b"])
        p = model.predict_proba(X)
        assert ((p > 0) & (p < 1)).all()
        np.testing.assert_allclose(p.sum(axis=1), 1.0)

    def test_one_class_and_no_label(self, binary):
        X, Y = binary
        Y[:, 1] = np.where(np.isnan(Y[:, 1]), np.nan, 0.0)
        Y[:, 2] = np.nan
        with pytest.warns(LabelWarning) as caught:
            model = CalibratedTasks(LINEAR).fit(X, Y)
        assert len(caught) == 2
        assert np.isnan(model.temperatures_).tolist() == [False, True, True, False]
        _, one, none, _ = model.predict_proba(X)
        assert (one == 1.0).all()
        assert (none == 0.5).all()

    def test_declared_classes_of_which_one_is_there(self, binary):
        X, Y = binary
        Y = Y[:, :2].astype(object)
        Y[:, 1] = "a"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabelWarning)
            model = CalibratedTasks(LINEAR, tasks={1: _declared("a", "b")}).fit(X, Y)
        assert np.isnan(model.temperatures_[1])

    def test_a_task_of_two_labels_is_calibrated_by_the_others(self):
        X, Y = draw(300, 5)
        few = np.flatnonzero(~np.isnan(Y[:, 0]))
        keep = [few[Y[few, 0] == 0][0], few[Y[few, 0] == 1][0]]
        Y[np.setdiff1d(few, keep), 0] = np.nan
        model = CalibratedTasks(LINEAR, "platt").fit(X, Y)
        # Neither label is of a model that knew of both classes.
        common = model._calibration.pools[0].map.scaling.mean
        assert model.temperatures_[0] == pytest.approx(np.exp(-common[0]))
        assert model.temperatures_.max() < 1.5 * model.temperatures_.min()


def _declared(*classes):
    from skmtl.tasks import Binary

    return Binary(classes=list(classes))


class TestErrors:
    """By message."""

    def test_numbers_only(self, binary):
        X, _ = binary
        with pytest.raises(ValueError, match="task 'a' is regression, as are all others: only"):
            CalibratedTasks(MultiTaskLinear()).fit(X, pd.DataFrame(X[:, :2], columns=["a", "b"]))

    def test_a_regressor(self, binary):
        with pytest.raises(ValueError, match="reads task 0, as all others, as regression: only"):
            CalibratedTasks(MultiTaskKernelRidge()).fit(*binary)

    def test_tasks_belong_outside(self, binary):
        with pytest.raises(ValueError, match="give it to CalibratedTasks"):
            CalibratedTasks(MultiTaskLinear(tasks="binary")).fit(*binary)

    def test_an_estimator_that_fails_in_a_fold(self, binary):
        class Fails(LogisticRegression):
            def fit(self, X, y, sample_weight=None):
                if len(X) < 200:
                    raise RuntimeError("too few")
                return super().fit(X, y, sample_weight)

        X, Y = binary
        with pytest.raises(RuntimeError, match="too few"):
            CalibratedTasks(Fails()).fit(X[:210], np.nan_to_num(Y[:210]))

    def test_prefit(self, binary):
        X, Y = binary
        with pytest.raises(NotFittedError):
            CalibratedTasks(clone(LINEAR), cv="prefit").fit(X, Y)
        fitted = clone(LINEAR).fit(X, Y)
        with pytest.raises(ValueError, match="tasks='binary' has no effect"):
            CalibratedTasks(fitted, cv="prefit", tasks="binary").fit(X, Y)
        with pytest.raises(ValueError, match="task_feature=0, but"):
            CalibratedTasks(fitted, cv="prefit", task_feature=0).fit(X, Y[:, 0])
        with pytest.raises(TypeError, match="is none of skmtl"):
            CalibratedTasks(FrozenEstimator(GaussianNB().fit(X, X[:, 0] > 0))).fit(X, X[:, 0] > 0)
        with pytest.raises(ValueError, match="no observed label"):
            CalibratedTasks(fitted, cv="prefit").fit(X, np.full(Y.shape, np.nan))
