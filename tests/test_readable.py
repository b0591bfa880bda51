"""What stands where nothing counts is not read, and what is read stays exact."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmtl import MultiTaskLinear, MultiTaskMLP, make_multitask_scorer, task_scores
from skmtl.compose import TargetScaler, TaskGrouping
from skmtl.inspection import transfer_gain
from skmtl.metrics import d2_score, multitask_score
from skmtl.tasks import LabelWarning

from .registry import ANY_TYPES, EVERY, TWINS, kind_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning"),
]
every_estimator = pytest.mark.parametrize("name", sorted(EVERY))
any_types = pytest.mark.parametrize("name", sorted(ANY_TYPES))
LONG = sorted(set(EVERY) - set(TWINS))
N_ROWS = 36


def problem(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 3))
    Y = X[:, :2] + 0.3 * rng.normal(size=(N_ROWS, 2))
    return X, (Y > 0).astype(float) if kind_of(name) == "classification" else Y


def predicted(model, X):
    return np.asarray(model.predict(X), dtype=float)


class TestWeightZero:
    """It is as good as missing also for what could not be read."""

    ODD = {
        "infinity": np.inf,
        "text": "unknown",
        "object": object(),
        "another class": 77,
    }

    def hidden(self, name, odd):
        X, Y = problem(name)
        weight = np.ones(Y.shape)
        weight[::7, 0] = weight[3, 1] = 0.0
        hidden = Y.astype(object)
        hidden[weight == 0] = self.ODD[odd]
        return X, np.where(weight > 0, Y, np.nan), hidden, weight

    @pytest.mark.parametrize("odd", sorted(ODD))
    @every_estimator
    def test_fit_and_score(self, name, odd):
        X, missing, hidden, weight = self.hidden(name, odd)
        expected = EVERY[name]().fit(X, missing)
        model = EVERY[name]().fit(X, hidden, sample_weight=weight)
        np.testing.assert_array_equal(predicted(model, X), predicted(expected, X))
        assert model.score(X, hidden, weight) == expected.score(X, missing)
        assert task_scores(model, X, hidden, weight) == task_scores(expected, X, missing)

    @pytest.mark.parametrize("odd", sorted(ODD))
    @pytest.mark.parametrize("name", LONG)
    def test_long_form(self, name, odd):
        X, missing, hidden, weight = self.hidden(name, odd)
        X = np.column_stack([np.arange(N_ROWS) % 2, X])
        missing, hidden, weight = missing[:, 0], hidden[:, 0], weight[:, 0]
        expected = EVERY[name](task_feature=0).fit(X, missing)
        model = EVERY[name](task_feature=0).fit(X, hidden, sample_weight=weight)
        np.testing.assert_array_equal(predicted(model, X), predicted(expected, X))
        assert task_scores(model, X, hidden, weight) == task_scores(expected, X, missing)

    def test_metrics_and_inspection(self):
        X, missing, hidden, weight = self.hidden("linear", "text")
        pred = X[:, :2]
        assert d2_score(hidden, pred, sample_weight=weight) == d2_score(missing, pred)
        found = multitask_score(hidden, pred, "r2", sample_weight=weight)
        assert found == multitask_score(missing, pred, "r2")
        model = MultiTaskLinear("l2", alpha=0.1)
        one = transfer_gain(model, X, hidden, sample_weight=weight, cv=2)
        other = transfer_gain(model, X, missing, cv=2)
        np.testing.assert_allclose(one.loss_alone, other.loss_alone, rtol=1e-9)
        scorer = make_multitask_scorer("r2")
        fitted = model.fit(X, missing)
        assert scorer(fitted, X, hidden, sample_weight=weight) == scorer(fitted, X, missing)

    def test_partial_fit(self):
        X, missing, hidden, weight = self.hidden("mlp", "text")
        one = MultiTaskMLP((4,), random_state=0).partial_fit(X, missing).partial_fit(X, missing)
        other = MultiTaskMLP((4,), random_state=0).partial_fit(X, hidden, sample_weight=weight)
        other.partial_fit(X, hidden, sample_weight=weight)
        np.testing.assert_array_equal(predicted(one, X), predicted(other, X))

    @pytest.mark.parametrize("name", sorted(set(EVERY) - set(TWINS)))
    def test_a_task_of_text_without_labels_in_fit(self, name):
        X, Y = problem(name)
        text = np.where(X[:, 2] > 0, "yes", "no").astype(object)
        first = pd.DataFrame({"a": Y[:, 0], "b": Y[:, 1], "c": np.full(N_ROWS, None)})
        if kind_of(name) == "regression":
            text = X[:, 2]
        model = EVERY[name]().fit(X, first)
        scores = task_scores(model, X, first.assign(c=text))
        assert np.isnan(scores["c"]) and np.isfinite(scores["a"])
        assert model.score(X, first.assign(c=text)) == model.score(X, first)


class TestLargeTaskNumbers:
    FIRST = 1500000000000000001

    def data(self, dtype):
        X = np.random.default_rng(0).normal(size=(N_ROWS, 2))
        offset = 2**63 if dtype == "uint64" else 0
        ids = [self.FIRST + offset + i % 3 for i in range(N_ROWS)]
        y = X[:, 0] + 10.0 * (np.arange(N_ROWS) % 3)
        return X, np.array(ids, dtype=dtype), y

    def forms(self, X, ids):
        yield pd.DataFrame({"id": ids, "a": X[:, 0], "b": X[:, 1]}), "id"
        yield pl.DataFrame({"id": ids, "a": X[:, 0], "b": X[:, 1]}), "id"
        whole = (100 * X).round().astype(ids.dtype if ids.dtype.kind == "i" else np.int64)
        yield np.column_stack([ids, np.abs(whole).astype(ids.dtype)]), 0
        yield [[int(i), *row] for i, row in zip(ids, X.tolist(), strict=True)], 0

    @pytest.mark.parametrize("dtype", ["int64", "uint64"])
    @pytest.mark.parametrize("name", LONG)
    def test_stay_apart(self, name, dtype):
        X, ids, y = self.data(dtype)
        if kind_of(name) == "classification":
            y = (y > 10.5) * 1.0
        for table, feature in self.forms(X, ids):
            model = EVERY[name](task_feature=feature).fit(table, y)
            assert model.task_names_in_.tolist() == np.unique(ids).tolist()
            small = EVERY[name](task_feature=feature)
            if isinstance(table, list):
                renumbered = [[row[0] - int(ids[0]), *row[1:]] for row in table]
            elif isinstance(table, np.ndarray):
                renumbered = table.copy()
                renumbered[:, 0] -= ids[0]
            elif isinstance(table, pd.DataFrame):
                renumbered = table.assign(id=ids - ids[0])
            else:
                renumbered = table.with_columns(pl.Series("id", ids - ids[0]))
            small.fit(renumbered, y)
            if not name.startswith("mlp"):
                # Networks draw their seeds by the names of tasks.
                found = predicted(model, table)
                np.testing.assert_allclose(found, predicted(small, renumbered), rtol=1e-6)
            unknown = pd.DataFrame({"id": [ids[0] + np.array(3, dtype)], "a": 0.0, "b": 0.0})
            if isinstance(table, pd.DataFrame):
                with pytest.raises(ValueError, match=f"Unknown task {int(ids[0]) + 3}"):
                    model.predict(unknown)

    @any_types
    def test_floats_cannot_tell_them_apart(self, name):
        X, ids, y = self.data("int64")
        message = "task feature holds 1500000000000000000 as a float"
        with pytest.raises(ValueError, match=message):
            ANY_TYPES[name](task_feature=0).fit(np.column_stack([ids.astype(float), X]), y)
        model = ANY_TYPES[name](task_feature=0).fit(np.column_stack([ids, ids]) % 10**6, y)
        with pytest.raises(ValueError, match=message):
            model.predict(np.column_stack([ids.astype(float), X[:, 0]]))

    def test_inside_of_other_estimators(self):
        X, ids, y = self.data("int64")
        table = pd.DataFrame({"id": ids, "a": X[:, 0], "b": X[:, 1]})
        inner = MultiTaskLinear("mean_deviation", alpha=0.1)
        expected = MultiTaskLinear("mean_deviation", alpha=0.1, task_feature="id").fit(table, y)
        for model in (TaskGrouping(inner, n_groups=1, task_feature="id"),):
            np.testing.assert_allclose(model.fit(table, y).predict(table), expected.predict(table))
        scaled = TargetScaler(inner, task_feature="id").fit(table, y)
        assert scaled.task_names_in_.tolist() == [self.FIRST, self.FIRST + 1, self.FIRST + 2]


class TestLargeClasses:
    @pytest.mark.parametrize("offset", [2**53, 2**62, 2**63])
    @any_types
    def test_are_predicted_exactly(self, name, offset):
        X, Y = problem(name)
        classes = [offset + 1, offset + 2]
        labels = np.array([classes[int(x > 0)] for x in X[:, 0]], dtype=np.uint64)
        labels = labels.astype(np.int64) if offset < 2**63 else labels
        frame = pd.DataFrame({"class": labels, "number": Y[:, 0]})
        model = ANY_TYPES[name](tasks={"class": "binary"}).fit(X, frame)
        found = model.predict(X)
        assert model.classes_[0].tolist() == classes
        assert set(found[:, 0].tolist()) <= set(classes)
        assert np.isfinite(found[:, 1].astype(float)).all()
        assert task_scores(model, X, frame)["class"] > 0.1
        with pytest.raises(ValueError, match=f"label ({offset + 3}|{offset + 4}) was not"):
            model.score(X, frame.assign(**{"class": labels + np.array(2, labels.dtype)}))

    def test_small_ones_are_floats_beside_numbers(self):
        X, Y = problem("linear")
        frame = pd.DataFrame({"class": (X[:, 0] > 0) + 5, "number": Y[:, 0]})
        model = MultiTaskLinear(alpha=0.01, tasks={"class": "binary"}).fit(X, frame)
        assert model.predict(X).dtype == np.float64

    def test_floats_cannot_tell_them_apart(self):
        X, _ = problem("linear")
        labels = np.where(X[:, 0] > 0, 2.0**53, 2.0**53 + 2)
        with pytest.raises(ValueError, match="Task 0 has classes, but the label 9007199254740992"):
            MultiTaskLinear(tasks="binary").fit(X, labels)


def nan_message(name):
    """What is said of a NaN in column 1 of X; those that hold other estimators leave it to them."""
    if name in ("chain", "independent", "pooled"):
        return r"(?s)Input X contains NaN.*Raised by Ridge\(\)"
    return r"X contains NaN in 1 column.*: 1 \(1\)"


class TestMasks:
    @every_estimator
    def test_of_x_are_missing_values(self, name):
        X, Y = problem(name)
        masked = np.ma.array(X, mask=np.zeros(X.shape, dtype=bool))
        expected = EVERY[name]().fit(X, Y)
        np.testing.assert_array_equal(
            predicted(EVERY[name]().fit(masked, Y), X), predicted(expected, X)
        )
        masked[2, 1] = 999.0
        masked[2, 1] = np.ma.masked
        if name.startswith("mlp"):
            filled = masked.filled(np.nan)
            model, same = EVERY[name]().fit(masked, Y), EVERY[name]().fit(filled, Y)
            np.testing.assert_array_equal(predicted(model, masked), predicted(same, filled))
            return
        for given in (masked, list(masked), (masked * 10).astype(int)):
            with pytest.raises(ValueError, match=nan_message(name)):
                EVERY[name]().fit(given, Y)
            with pytest.raises(ValueError, match=nan_message(name)):
                expected.predict(given)

    @pytest.mark.parametrize("name", LONG)
    def test_of_the_task_column(self, name):
        X, Y = problem(name)
        X = np.ma.array(np.column_stack([np.arange(N_ROWS) % 2, X]))
        X.mask = np.zeros(X.shape, dtype=bool)
        model = EVERY[name](task_feature=0).fit(X, Y[:, 0])
        X[4, 0] = np.ma.masked
        with pytest.raises(ValueError, match="task feature is missing in 1 rows"):
            EVERY[name](task_feature=0).fit(X, Y[:, 0])
        with pytest.raises(ValueError, match="Unknown task missing in 1 rows"):
            model.predict(X)
        if name.startswith("mlp"):
            return
        X[4, 0] = 0
        X[5, 2] = np.ma.masked
        with pytest.raises(ValueError, match=nan_message(name)):
            EVERY[name](task_feature=0).fit(X, Y[:, 0])

    @every_estimator
    def test_of_weights_are_refused(self, name):
        X, Y = problem(name)
        model = EVERY[name]().fit(X, Y)
        for shape in (N_ROWS, Y.shape):
            weight = np.ma.array(np.ones(shape))
            weight[3] = np.ma.masked
            with pytest.raises(ValueError, match=r"sample_weight has [12] masked entries"):
                EVERY[name]().fit(X, Y, sample_weight=weight)
            with pytest.raises(ValueError, match=r"sample_weight has [12] masked entries"):
                model.score(X, Y, weight)


class TestSizeOfWeights:
    @pytest.mark.parametrize("factor", [1e300, 1e-300, 2.0**1020])
    @every_estimator
    def test_only_proportions_count(self, name, factor):
        X, Y = problem(name)
        weight = np.random.default_rng(1).uniform(0.5, 1.5, size=Y.shape)
        weight[::5, 0] = 0.0
        # Estimators of scikit-learn know absolute weights; these are the ones that reach them.
        given = weight * factor
        equal = np.ldexp(given, 1 - np.frexp(given.max())[1])  # The largest in [1, 2).
        model, expected = (EVERY[name]().fit(X, Y, sample_weight=w) for w in (given, equal))
        np.testing.assert_array_equal(predicted(model, X), predicted(expected, X))
        if name not in ("independent", "pooled", "chain", "stacking"):
            expected = EVERY[name]().fit(X, Y, sample_weight=weight)
            found, wanted = predicted(model, X), predicted(expected, X)
            # A likelihood is flat where it is largest: weights that differ by rounding end apart.
            is_likely = name == "gaussian-process"
            rtol, atol = (1e-3, 1e-4) if is_likely else (1e-6, 1e-9)
            np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol)
        np.testing.assert_allclose(model.score(X, Y, given), model.score(X, Y, weight), rtol=1e-9)

    def test_tasks_of_very_different_weight(self):
        X, Y = problem("linear")
        weight = np.ones(Y.shape)
        expected = MultiTaskLinear("l2", alpha=0.1).fit(X, Y)
        for column in (1e-310, 1e-200, 1e200):
            weight[:, 1] = column
            model = MultiTaskLinear("l2", alpha=0.1).fit(X, Y, sample_weight=weight)
            np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-6)

    def test_averages(self):
        _, Y = problem("linear")
        predicted = 0.9 * Y + 0.1
        expected = d2_score(Y, predicted, average="weighted", task_weight=[1, 3])
        for factor in (5e307, 1e-310):
            weight = [factor, 3 * factor]
            found = d2_score(Y, predicted, average="weighted", task_weight=weight)
            np.testing.assert_allclose(found, expected, rtol=1e-6)


class TestWholeNumbers:
    """Labels 0 to 9 in a 1-D y are numbers by the rule, and classes by intention."""

    @pytest.mark.parametrize("form", ["wide", "long"])
    @any_types
    def test_warns(self, name, form):
        X, _ = problem(name)
        y, options = np.arange(N_ROWS) % 3, {}
        if form == "long":
            X, options = np.column_stack([np.arange(N_ROWS) % 2, X]), {"task_feature": 0}
        message = "y has 3 different labels, all of them whole .* tasks='multiclass'.*Classifier"
        for labels in (y, y.astype(float), np.where(y == 0, -1.0, y)):
            with pytest.warns(UserWarning, match=message):
                ANY_TYPES[name](**options).fit(X, labels)

    @any_types
    def test_is_silent(self, name):
        X, Y = problem(name)
        y = np.arange(N_ROWS) % 3
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="y has .* different labels")
            for tasks in ("regression", "multiclass", "count", ["regression"]):
                ANY_TYPES[name](tasks=tasks).fit(X, y)
            for labels in (
                np.column_stack([y, y]),
                pd.DataFrame({"a": y}),
                y % 2,
                y.astype(str),
                Y[:, 0],
                np.arange(N_ROWS),
                y + 0.5,
                np.arange(N_ROWS) // 2 * 1.0,
            ):
                ANY_TYPES[name]().fit(X, labels)

    @pytest.mark.parametrize("name", sorted(set(EVERY) - set(ANY_TYPES) - set(TWINS)))
    def test_estimators_of_one_kind_ask_nothing(self, name):
        X, _ = problem(name)
        if kind_of(name) == "any":
            pytest.skip("for any types")
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="y has .* different labels")
            # A metric decides between two classes.
            EVERY[name]().fit(X, np.arange(N_ROWS) % (2 if name == "thresholds" else 3))


class TestNamesInWarnings:
    def test_one_class_in_long_form(self):
        X = pd.DataFrame({"id": ["a", "b", "c"] * 12, "x": np.arange(36.0)})
        y = np.where(X["id"] == "c", np.nan, 1.0)
        with pytest.warns(LabelWarning, match=r"^2 tasks \('a', 'b'\): one observed class"):
            MultiTaskLinear(task_feature="id").fit(X, y)

    def test_a_series_is_called_by_its_name(self):
        X, _ = problem("linear")
        for y in (pd.Series(np.ones(N_ROWS), name="sick"), pl.Series("sick", np.ones(N_ROWS))):
            with pytest.warns(LabelWarning, match="^Task 'sick': one observed class"):
                MultiTaskLinear().fit(X, y)
        with pytest.raises(ValueError, match="Task 'sick': y contains infinity"):
            MultiTaskLinear().fit(X, pd.Series(np.full(N_ROWS, np.inf), name="sick"))
        with pytest.warns(LabelWarning, match="^Task 0: one observed class"):
            MultiTaskLinear().fit(X, np.ones(N_ROWS))
