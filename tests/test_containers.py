"""The same numbers in another container give the same fit."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmtl import MultiTaskLinear, MultiTaskLinearCV, MultiTaskMLP, task_scores
from skmtl.inspection import MultiTaskReport, transfer_gain
from skmtl.metrics import d2_score
from skmtl.tasks import stack_tasks, unstack_tasks

from .registry import ANY_TYPES, EVERY, TWINS, kind_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning"),
]
every_estimator = pytest.mark.parametrize("name", sorted(EVERY))
any_types = pytest.mark.parametrize("name", sorted(ANY_TYPES))
N_ROWS = 40


def frames(name):
    """X and y as DataFrames, labels missing; y with a task of text where that is allowed."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(N_ROWS, 3)), columns=["a", "b", "c"])
    Y = pd.DataFrame({"u": X["a"] + rng.normal(size=N_ROWS), "v": X["b"]})
    if kind_of(name) == "classification":
        Y = (Y > 0).astype(float)
    Y.loc[::5, "u"] = np.nan
    if kind_of(name) == "any":
        Y["w"] = np.where(X["c"] > 0, "yes", "no")
        Y["w"] = Y["w"].astype(object).where(np.arange(N_ROWS) % 7 > 0, None)
    return X, Y


def same(found, expected):
    """Equal predictions up to rounding: tables of another library have another memory layout."""
    found, expected = (part.reshape(N_ROWS, -1).T for part in (found, expected))
    for column, other in zip(found, expected, strict=True):
        if isinstance(column[0], str):
            assert column.tolist() == other.tolist()
        else:
            column, other = column.astype(float), other.astype(float)
            np.testing.assert_allclose(column, other, rtol=1e-6, atol=1e-9)


class TestArrow:
    @every_estimator
    def test_wide(self, name):
        pa = pytest.importorskip("pyarrow")
        X, Y = frames(name)
        expected = EVERY[name]().fit(X, Y)
        X_arrow, Y_arrow = (pa.Table.from_pandas(part) for part in (X, Y))
        model = EVERY[name]().fit(X_arrow, Y_arrow)
        same(model.predict(X), expected.predict(X))
        same(model.predict(X_arrow), expected.predict(X))
        assert model.task_names_in_.tolist() == Y.columns.tolist()
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
        expected_scores = task_scores(model, X, Y)
        reordered = Y_arrow.select(list(reversed(Y_arrow.column_names)))
        assert task_scores(model, X, reordered) == expected_scores

    @pytest.mark.parametrize("name", sorted(set(EVERY) - set(TWINS)))
    def test_long(self, name):
        pa = pytest.importorskip("pyarrow")
        X, Y = frames(name)
        X.insert(1, "id", np.array(["n", "s"])[np.arange(N_ROWS) % 2])
        expected = EVERY[name](task_feature="id").fit(X, Y["u"])
        X_arrow = pa.Table.from_pandas(X)
        for y in (pa.array(Y["u"], from_pandas=True), pa.chunked_array([Y["u"][:9], Y["u"][9:]])):
            model = EVERY[name](task_feature="id").fit(X_arrow, y)
            same(model.predict(X_arrow), expected.predict(X))

    def test_types_of_columns(self):
        pa = pytest.importorskip("pyarrow")
        X, _ = frames("linear")
        columns = {
            "yes": pa.array([None, *(X["a"] > 0)][:N_ROWS]),
            "kind": pa.array(["x", "y", None, "z"] * 10).dictionary_encode(),
            "level": pa.array([1, 2, 3, None] * 10).dictionary_encode(),
            "count": pa.array([3, None] * 20),
        }
        model = MultiTaskLinear(alpha=0.01).fit(X, pa.table(columns))
        found = [None if c is None else c.tolist() for c in model.classes_]
        assert found == [[False, True], ["x", "y", "z"], [1, 2, 3], None]

    def test_inspection(self):
        pa = pytest.importorskip("pyarrow")
        X, Y = frames("linear")
        model = MultiTaskLinear("l2", alpha=0.1)
        expected = transfer_gain(model, X, Y, cv=2)
        found = transfer_gain(model, X, pa.Table.from_pandas(Y), cv=2)
        np.testing.assert_allclose(found.gain, expected.gain, rtol=1e-9)
        assert d2_score(pa.table({"u": [1.0, 2.0, 4.0]}), pa.table({"u": [1.0, 2.0, 4.0]})) == 1.0


class TestDict:
    @every_estimator
    def test_of_columns(self, name):
        X, Y = frames(name)
        expected = EVERY[name]().fit(X, Y)
        model = EVERY[name]().fit(X, {key: Y[key].tolist() for key in Y})
        np.testing.assert_array_equal(model.predict(X), expected.predict(X))
        assert model.task_names_in_.tolist() == Y.columns.tolist()
        reordered = {key: Y[key] for key in reversed(Y.columns)}
        assert task_scores(model, X, reordered) == task_scores(expected, X, Y)
        with pytest.raises(ValueError, match=r"y does not have the tasks .*missing \['u'\]"):
            model.score(X, {key: Y[key] for key in Y if key != "u"})

    def test_inspection(self):
        X, Y = frames("linear")
        model = MultiTaskLinear("l2", alpha=0.1)
        expected = transfer_gain(model, X, Y, cv=2)
        columns = {key: Y[key].to_numpy() for key in Y}
        columns["u"] = np.ma.masked_invalid(columns["u"])
        columns["u"].data[columns["u"].mask] = 999.0
        found = transfer_gain(model, X, columns, cv=2)
        np.testing.assert_allclose(found.gain, expected.gain, rtol=1e-9)

    @pytest.mark.parametrize(
        "y, message",
        [
            ({"u": [1.0, 2.0], "v": [1.0]}, r"y is ragged: its columns have lengths \[1, 2\]"),
            ({}, "y has no task"),
            ({"u": 3.0, "v": [1.0, 2.0]}, "y has 3.0 as labels of task 'u'; expected a column"),
        ],
    )
    def test_refused(self, y, message):
        with pytest.raises(ValueError, match=message):
            MultiTaskLinear().fit([[1.0], [2.0]], y)


class TestListsOfDataSets:
    """As RMTL and others take them: an X and a y for each task."""

    @every_estimator
    def test_are_told_the_way(self, name):
        rng = np.random.default_rng(0)
        for sizes in ((9, 5), (6, 6)):
            X = [rng.normal(size=(size, 2)) for size in sizes]
            y = [part[:, 0] for part in X]
            frames = [pd.DataFrame(part) for part in X]
            for given in (X, tuple(X), frames, [part.tolist() for part in X]):
                message = r"list of 2 tables of shapes \[\(.*stack_tasks\(X, y\)"
                with pytest.raises(ValueError, match=message):
                    EVERY[name]().fit(given, y)

    def test_the_way_leads_there(self):
        rng = np.random.default_rng(0)
        X, y = stack_tasks(
            [rng.normal(size=(9, 2)), rng.normal(size=(5, 2))], [np.ones(9), np.ones(5)]
        )
        MultiTaskLinear(task_feature=0).fit(X, y)


class TestStacking:
    X = [pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), pl.DataFrame({"a": [3.0], "b": ["z"]})]

    @pytest.mark.parametrize(
        "names", [["north", "south"], [1500000000000000001, 1500000000000000002]]
    )
    def test_polars(self, names):
        X, y = stack_tasks(self.X, [[1, 2], [3]], names=names)
        assert X.columns == ["task", "a", "b"]
        assert X["task"].to_list() == [names[0], names[0], names[1]]
        assert y.tolist() == [1, 2, 3]
        X_list, y_list, found = unstack_tasks(X, y)
        assert found.tolist() == names
        assert [part.to_dict(as_series=False) for part in X_list] == [
            part.to_dict(as_series=False) for part in self.X
        ]
        assert [part.tolist() for part in y_list] == [[1, 2], [3]]

    def test_fits(self):
        X = [part.select("a") for part in self.X]
        X, y = stack_tasks(X, [pl.Series([1.0, 2.0]), pl.Series([3.0])], names=["north", "south"])
        model = MultiTaskLinear("l2", task_feature="task").fit(X, y)
        assert model.task_names_in_.tolist() == ["north", "south"]

    def test_errors(self):
        with pytest.raises(ValueError, match="The tasks have different features"):
            stack_tasks([self.X[0], self.X[1].rename({"a": "c"})], [[1, 2], [3]])
        with pytest.raises(ValueError, match="X has a column 'task' already"):
            stack_tasks([part.rename({"a": "task"}) for part in self.X], [[1, 2], [3]])
        with pytest.raises(ValueError, match="too large to be a column of floats"):
            stack_tasks([[[1.0]], [[2.0]]], [[1], [2]], names=[2**53 + 1, 2**53 + 2])


class TestCategoriesThatAreFloats:
    def data(self, form):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 3))
        values = np.array([1.5, 2.5, 4.0])[np.digitize(X[:, 0], [-0.5, 0.5])]
        y = pd.Series(values).astype("category")
        y[::9] = np.nan
        if form == "long":
            return np.column_stack([np.arange(60) % 2, X]), y, {"task_feature": 0}
        return X, pd.DataFrame({"grade": y, "other": X[:, 1]}), {}

    @pytest.mark.parametrize("form", ["wide", "long"])
    @any_types
    def test_are_classes(self, name, form):
        X, y, options = self.data(form)
        model = ANY_TYPES[name](**options).fit(X, y)
        classes = model.classes_ if form == "long" else model.classes_[0]
        assert classes.tolist() == [1.5, 2.5, 4.0]
        found = model.predict(X) if form == "long" else model.predict(X)[:, 0]
        assert set(found.tolist()) <= {1.5, 2.5, 4.0}
        assert name.startswith("mlp") or list(task_scores(model, X, y).values())[2] > 0.2

    def test_text_of_polars(self):
        X, y, _ = self.data("wide")
        for dtype in (pl.Categorical, pl.Enum(["1.5", "2.5", "4.0"])):
            text = y["grade"].astype(object).map(str, na_action="ignore").tolist()
            text = [None if t != t else t for t in text]
            frame = pl.DataFrame({"grade": pl.Series(text).cast(dtype), "other": X[:, 1]})
            model = MultiTaskLinear(alpha=0.01).fit(X, frame)
            assert model.classes_[0].tolist() == ["1.5", "2.5", "4.0"]


class TestClassesOfPartialFit:
    X = np.random.default_rng(0).normal(size=(30, 3))
    Y = (X[:, :2] > 0).astype(int)

    def classes(self, y, classes, **options):
        model = MultiTaskMLP((4,), random_state=0, **options)
        found = model.partial_fit(self.X[: len(y)], y, classes=classes).classes_
        return [
            c if c is None else c.tolist() for c in (found if isinstance(found, list) else [found])
        ]

    @pytest.mark.parametrize(
        "classes",
        [
            [0, 1],
            np.array([0, 1]),
            (1, 0),
            range(2),
            {0: [0, 1], 1: [0, 1]},
            [[0, 1], [0, 1]],
            [np.array([0, 1]), np.array([1, 0])],
            np.array([[0, 1], [0, 1]]),
            [[0, 1], None],
            {1: (0, 1)},
            pd.Series({1: [0, 1], 0: [0, 1]}),
            pd.Index([0, 1]),
        ],
    )
    def test_of_two_tasks_with_two_classes(self, classes):
        assert self.classes(self.Y, classes) == [[0, 1], [0, 1]]

    @pytest.mark.parametrize("n_tasks", [1, 2, 3])
    @pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"], ["no", "so", "yes"]])
    def test_a_flat_list_holds_for_all(self, n_tasks, labels):
        y = np.array(labels, dtype=object)[np.arange(30)[:, None] % np.full(n_tasks, 2)]
        found = self.classes(y, labels)
        assert found == [labels] * n_tasks
        if n_tasks == 1:
            assert self.classes(y[:, 0], labels) == [labels]
            assert self.classes(y, [labels]) == [labels]
            assert self.classes(y[:, 0], {0: labels}) == [labels]

    def test_by_name(self):
        y = pd.DataFrame({"grade": [0, 1] * 15, "size": self.X[:, 0], "ok": ["y", "n"] * 15})
        classes = {"ok": ["n", "y", "?"], "grade": [0, 1, 2, 3]}
        assert self.classes(y, classes) == [[0, 1, 2, 3], None, ["?", "n", "y"]]
        assert self.classes(y, [[0, 1, 2, 3], None, ["?", "n", "y"]])[1] is None
        with pytest.raises(ValueError, match="classes names the task 'z', which y does not have"):
            self.classes(y, {"z": [0, 1]})

    def test_long_form(self):
        model = MultiTaskMLP((4,), task_feature=0, random_state=0)
        X = np.column_stack([np.arange(30) % 3, self.X])
        model.partial_fit(X, self.Y[:, 0], classes=[0, 1, 2])
        assert model.classes_.tolist() == [0, 1, 2]
        model.partial_fit(X, self.Y[:, 0] * 2)

    @pytest.mark.parametrize(
        "classes, message",
        [
            ("ab", "classes='ab'; expected a list of classes"),
            ([[0, 1]], "classes has 1 entries, but y has 2 tasks"),
            ([[0, 1], 3], "Task 1: classes=3; expected a list, or None"),
            ({0: "01"}, "Task 0: classes='01'; expected a list, or None"),
            ([0, 2], "Task 0: label 1 is not among the declared classes"),
        ],
    )
    def test_errors(self, classes, message):
        with pytest.raises(ValueError, match=message):
            self.classes(self.Y, classes)


def test_cross_validation_of_dicts_and_reports():
    X, Y = frames("linear")
    columns = {key: Y[key].to_numpy() for key in ("u", "v")}
    expected = MultiTaskLinearCV(alphas=3, cv=3).fit(X, Y[["u", "v"]])
    assert MultiTaskLinearCV(alphas=3, cv=3).fit(X, columns).alpha_ == expected.alpha_
    found = MultiTaskReport(MultiTaskLinear("l2", alpha=0.1).fit(X, columns), X, columns, cv=2)
    assert found.to_frame().index.tolist() == ["u", "v"]
