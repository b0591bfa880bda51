"""X reaches the estimators inside as it came."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

from skmtl import IndependentTasks, MultiTaskLinear
from skmtl.compose import PooledTasks, TargetScaler, TaskChain, TaskGrouping
from skmtl.compose._features import append_columns, read_features

BOOST = HistGradientBoostingRegressor(max_iter=5, categorical_features="from_dtype")
BOOST_CLASSES = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
AFFINITY = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0.0]])

# Each holds these two, one for numbers and one for classes.
HOLDERS = {
    "independent": lambda r, c, **kw: IndependentTasks(regressor=r, classifier=c, **kw),
    "pooled": lambda r, c, **kw: PooledTasks(regressor=r, classifier=c, **kw),
    "pooled-index": lambda r, c, **kw: PooledTasks(
        regressor=r, classifier=c, task_encoding="index", **kw
    ),
    "chain": lambda r, c, **kw: TaskChain(regressor=r, classifier=c, cv=2, **kw),
    "stacking": lambda r, c, **kw: TaskChain(regressor=r, classifier=c, cv=2, stacking=True, **kw),
    "grouping": lambda r, c, **kw: TaskGrouping(
        IndependentTasks(regressor=r, classifier=c), affinity=AFFINITY, **kw
    ),
    "scaled": lambda r, c, **kw: TargetScaler(IndependentTasks(regressor=r, classifier=c), **kw),
}
# Where the first task is learned from X without further columns.
SEE_X_ALONE = [HOLDERS[name] for name in ("independent", "chain", "grouping")]
every_holder = pytest.mark.parametrize("hold", list(HOLDERS.values()), ids=list(HOLDERS))


@pytest.fixture
def frame():
    """Numbers with gaps, a category with gaps, strings, text."""
    rng = np.random.default_rng(0)
    n = 60
    return pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "city": pd.Categorical(rng.choice(["Rome", "Oslo", None], n)),
            "flag": rng.choice(["on", "off"], n),
            "text": rng.choice(["a good day", "a bad day", "no day"], n),
            "size": rng.normal(size=n),
        },
        index=rng.permutation(n) + 100,
    )


@pytest.fixture
def numeric(frame):
    """What boosting takes: numbers and the category."""
    return frame.drop(columns=["flag", "text"])


def as_polars(frame):
    frame = frame.astype(object).where(frame.notna(), None)
    found = pl.DataFrame({name: frame[name].to_list() for name in frame})
    return found.with_columns(pl.col("city").cast(pl.Categorical))


@pytest.fixture
def Y(frame):
    """Two numbers and a yes/no, some missing."""
    signal = frame["size"].to_numpy() + frame["age"].fillna(1.0).to_numpy()
    Y = pd.DataFrame({"a": signal, "b": 2 - signal, "c": np.where(signal > 0, "yes", "no")})
    return Y.mask(np.random.default_rng(1).random(Y.shape) < 0.2)


def to_long(frame, Y):
    """The two numbers in long form, the task in the middle; rows without a label left out."""
    parts = [frame.assign(task=name)[Y[name].notna().to_numpy()] for name in ("a", "b")]
    X = pd.concat(parts)[["age", "task", "city", "flag", "text", "size"]]
    return X, np.concatenate([Y[name].dropna() for name in ("a", "b")]).astype(float)


class Spy(RegressorMixin, BaseEstimator):
    """Remembers what it was given."""

    def fit(self, X, y):
        self.seen_ = X
        return self

    def predict(self, X):
        self.asked_ = X
        return np.zeros(X.shape[0])


class TestAsItCame:
    def test_frame(self, frame, Y):
        model = IndependentTasks(Spy()).fit(frame, Y[["a", "b"]])
        model.predict(frame)
        for name, spy in zip("ab", model.estimators_, strict=True):
            pd.testing.assert_frame_equal(spy.seen_, frame[Y[name].notna().to_numpy()])
            pd.testing.assert_frame_equal(spy.asked_, frame)
        assert model.feature_names_in_.tolist() == list(frame)
        assert model.n_features_in_ == 5

    def test_long_frame_without_the_task(self, frame, Y):
        X, y = to_long(frame, Y)
        model = IndependentTasks(Spy(), task_feature="task").fit(X, y)
        model.predict(X)
        for name, spy in zip("ab", model.estimators_, strict=True):
            expected = frame[Y[name].notna().to_numpy()]
            pd.testing.assert_frame_equal(spy.seen_, expected)
            pd.testing.assert_frame_equal(spy.asked_, expected)

    def test_polars(self, frame, Y):
        X = as_polars(frame)
        model = IndependentTasks(Spy()).fit(X, Y[["a", "b"]])
        for name, spy in zip("ab", model.estimators_, strict=True):
            assert spy.seen_.equals(X.filter(Y[name].notna().to_numpy()))
        chain = TaskChain(Spy(), cv=None).fit(X, Y[["a", "b"]])
        assert chain.estimators_[0][1].seen_.columns == [*frame, "prediction of a"]
        pool = PooledTasks(Spy()).fit(X, Y[["a", "b"]]).estimators_[0].seen_
        assert pool.columns == [*frame, "task a", "task b"]
        assert pool["city"].dtype == X["city"].dtype

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool, object, "U3"])
    def test_array(self, dtype):
        X = np.array([[1, 0], [0, 1], [1, 1], [0, 0]]).astype(dtype)
        y = np.array([[1.0, 2.5], [2, np.nan], [3.5, 4], [np.nan, 5]])
        first, second = IndependentTasks(Spy()).fit(X, y).estimators_
        assert first.seen_.dtype == X.dtype
        assert (first.seen_ == X[:3]).all()
        assert (second.seen_ == X[[0, 2, 3]]).all()

    def test_three_axes(self):
        X, y = np.zeros((4, 2, 3)), np.array([[1.0, 2.5], [2, np.nan], [3.5, 4], [np.nan, 5]])
        assert IndependentTasks(Spy()).fit(X, y).estimators_[0].seen_.shape == (3, 2, 3)
        for model in (PooledTasks(Spy()), TaskChain(Spy(), cv=None)):
            with pytest.raises(ValueError, match=r"two axes; got shape \(\d, 2, 3\)"):
                model.fit(X, y)

    def test_texts(self):
        texts, y = ["good day", "bad day", "good", "bad"] * 3, np.arange(24.0).reshape(12, 2)
        y[::5, 0] = np.nan
        text_model = make_pipeline(TfidfVectorizer(), Ridge())
        for X in (texts, np.array(texts), pd.Series(texts), pl.Series(texts)):
            model = IndependentTasks(text_model).fit(X, y)
            known = ~np.isnan(y[:, 0])
            expected = text_model.fit(np.array(texts)[known], y[known, 0]).predict(texts)
            np.testing.assert_allclose(model.predict(X)[:, 0], expected)
            assert not hasattr(model, "n_features_in_")

    def test_list_of_rows(self):
        rows, y = [["a", 1.5], ["b", 2.5], ["a", 3.5], ["b", 0.0]], np.arange(8.0).reshape(4, 2)
        seen = IndependentTasks(Spy()).fit(rows, y).estimators_[0].seen_
        assert seen.tolist() == rows
        assert read_features([[1, 2], [3, 4]]).dtype == np.int64

    def test_sparse(self):
        X, y = sparse.coo_array(np.eye(6)[:, :4]), np.arange(12.0).reshape(6, 2)
        y[0, 0] = np.nan
        seen = IndependentTasks(Spy()).fit(X, y).estimators_[0].seen_
        assert seen.format == "csr"
        assert (seen.toarray() == X.toarray()[1:]).all()

    def test_masked(self):
        X = np.ma.array([[1.0, 2], [3, 999], [5, 6]], mask=[[0, 0], [0, 1], [0, 0]])
        seen = IndependentTasks(Spy()).fit(X, np.arange(6.0).reshape(3, 2)).estimators_[0].seen_
        np.testing.assert_array_equal(seen, [[1, 2], [3, np.nan], [5, 6]])
        with pytest.raises(ValueError, match="contains NaN"):
            IndependentTasks().fit(X, np.arange(6.0).reshape(3, 2))

    @every_holder
    def test_is_not_changed(self, hold, numeric, Y):
        before = numeric.copy(deep=True)
        hold(BOOST, BOOST_CLASSES).fit(numeric, Y).predict(numeric)
        pd.testing.assert_frame_equal(numeric, before)

    @every_holder
    def test_names_and_numbers_of_columns_are_checked(self, hold, numeric, Y):
        model = hold(BOOST, BOOST_CLASSES).fit(numeric, Y)
        with pytest.raises(ValueError, match="same order"):
            model.predict(numeric[numeric.columns[::-1]])
        with pytest.raises(ValueError, match="seen at fit time, yet now missing"):
            model.predict(numeric.drop(columns="age"))
        with (
            pytest.warns(UserWarning, match="valid feature names"),
            pytest.raises(ValueError, match="has 2 features"),
        ):
            model.predict(numeric.to_numpy()[:, :2])


@every_holder
class TestWhatTheyCanLearn:
    """What learns from one task learns from it here."""

    def test_boosting_with_gaps_and_categories(self, hold, numeric, Y):
        X = numeric
        model = hold(BOOST, BOOST_CLASSES).fit(X, Y)
        assert np.isfinite(model.predict(X)[:, :2].astype(float)).all()
        assert np.isfinite(model.score(X, Y))
        if hold in SEE_X_ALONE:
            known = Y["a"].notna().to_numpy()
            alone = BOOST.fit(X[known], Y["a"][known].astype(float))
            assert (model.predict(X)[:, 0] == alone.predict(X)).all()

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_columns_by_name(self, hold, library, frame, Y):
        steps = make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "size"]),
            (OneHotEncoder(handle_unknown="ignore"), ["flag"]),
            (TfidfVectorizer(), "text"),
        )
        X = frame if library == "pandas" else as_polars(frame)
        model = hold(make_pipeline(steps, Ridge()), make_pipeline(steps, LogisticRegression()))
        predicted = model.fit(X, Y).predict(X)
        # Columns that are chosen by name leave out those that are appended: each task sees X.
        known = Y["b"].notna().to_numpy()
        alone = make_pipeline(steps, Ridge()).fit(frame[known], Y["b"][known].astype(float))
        if not isinstance(model, PooledTasks):
            np.testing.assert_allclose(
                predicted[:, 1].astype(float), alone.predict(frame), rtol=1e-8
            )
        assert np.isfinite(predicted[:, :2].astype(float)).all()

    def test_imputing_inside(self, hold, Y):
        X = np.random.default_rng(0).normal(size=(60, 3))
        X[::4, 1] = np.nan
        parts = [make_pipeline(SimpleImputer(), part) for part in (Ridge(), LogisticRegression())]
        assert np.isfinite(hold(*parts).fit(X, Y).predict(X)[:, :2].astype(float)).all()

    def test_long_form(self, hold, frame, Y):
        X, y = to_long(frame, Y)
        X = X.drop(columns=["flag", "text"])
        known = X["task"] == "a"
        model = hold(BOOST, None, task_feature="task")
        if hold is HOLDERS["grouping"]:
            model.set_params(affinity=AFFINITY[:2, :2], n_groups=1)
        found = model.fit(X, y).predict(X)
        assert np.isfinite(found).all()
        if hold in SEE_X_ALONE:
            alone = BOOST.fit(X[known].drop(columns="task"), y[known])
            assert (found[known] == alone.predict(X[known].drop(columns="task"))).all()

    def test_the_error_names_the_task(self, hold, Y):
        X = np.zeros((60, 2))
        X[:8, 1] = np.nan
        with pytest.raises(ValueError, match=r"(?s)X contains NaN.*Raised by .*('a'|together)"):
            hold(Ridge(), LogisticRegression()).fit(X, Y)
        model = hold(Ridge(), LogisticRegression()).fit(np.nan_to_num(X), Y)
        with pytest.raises(ValueError, match=r"(?s)X contains NaN.*Raised by .*('a'|together)"):
            model.predict(X)

    def test_tags(self, hold, frame):
        tags = get_tags(hold(BOOST, BOOST_CLASSES)).input_tags
        assert tags.allow_nan
        assert not tags.sparse
        assert get_tags(hold(Ridge(), LogisticRegression())).input_tags.sparse
        tags = get_tags(hold(BOOST, LogisticRegression())).input_tags
        assert not tags.allow_nan


def test_equals_multi_output_regressor(numeric, Y):
    X, y = numeric, Y[["a", "b"]].fillna(0.0).astype(float)
    expected = MultiOutputRegressor(BOOST).fit(X, y).predict(X)
    assert (IndependentTasks(BOOST).fit(X, y).predict(X) == expected).all()


class TestColumnsOfTasks:
    def test_of_a_frame(self, frame, Y):
        numbers = Y[["a", "b"]]
        seen = PooledTasks(Spy()).fit(frame, numbers).estimators_[0].seen_
        assert list(seen) == [*frame, "task a", "task b"]
        assert seen["city"].dtype == frame["city"].dtype
        n_first = int(numbers["a"].notna().sum())
        assert (seen["task a"].to_numpy() == (np.arange(len(seen)) < n_first)).all()
        index = PooledTasks(Spy(), task_encoding="index").fit(frame, numbers)
        assert (index.estimators_[0].seen_["task"] == (np.arange(len(seen)) >= n_first)).all()

    def test_of_a_chain(self, numeric, Y):
        frame = numeric
        y = Y.assign(d=np.where(Y["a"].isna(), None, np.digitize(Y["a"].astype(float), [-1, 1])))
        options = {"cv": None, "order": ["c", "d", "a", "b"], "tasks": {"d": "multiclass"}}
        model = TaskChain(regressor=Spy(), classifier=BOOST_CLASSES, **options)
        seen = model.fit(frame, y).estimators_[0][1].seen_
        added = ["c: yes", "d: 0", "d: 1", "d: 2", "a"]
        assert list(seen) == [*frame, *(f"prediction of {name}" for name in added)]
        model.predict(frame)
        assert list(model.estimators_[0][1].asked_) == list(seen)

    def test_names_that_are_taken_and_numbers(self, frame):
        more = append_columns(frame.rename(columns={"age": "x"}), np.zeros((60, 1)), ["x"])
        assert list(more)[-1] == "x_"
        numbered = pd.DataFrame(np.zeros((3, 2)))
        assert list(append_columns(numbered, np.ones((3, 2)), ["x", "y"])) == [0, 1, 2, 3]
        numbered.columns = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])
        more = append_columns(numbered, np.ones((3, 1)), ["x"])
        assert list(more) == [("a", 1), ("a", 2), 0]
        y = np.array([[1.0, 2.5], [2, 3], [3.5, 4]])
        PooledTasks(Ridge()).fit(numbered, y).predict(numbered)

    def test_whole_numbers_do_not_cut_predictions(self):
        X = np.arange(40).reshape(20, 2)
        y = np.column_stack([X[:, 0] * 0.3, X[:, 1] * 0.7])
        whole, real = (TaskChain(cv=4).fit(X.astype(t), y) for t in (np.int64, np.float64))
        np.testing.assert_allclose(whole.predict(X), real.predict(X), rtol=1e-12)
        assert PooledTasks(Spy()).fit(X, y).estimators_[0].seen_.dtype == np.float64

    def test_interactions_need_numbers(self, frame, Y):
        model = PooledTasks(task_encoding="interactions")
        with pytest.raises(ValueError, match=r"(?s)could not convert.*matrix of numbers"):
            model.fit(frame, Y[["a", "b"]])


class TestTaskFeature:
    """In long form what is held by TaskGrouping and TargetScaler sees the names of the tasks."""

    def inner(self, model):
        return model.estimators_[0] if isinstance(model, TaskGrouping) else model.estimator_

    @pytest.mark.parametrize("Holder", [TaskGrouping, TargetScaler])
    @pytest.mark.parametrize("named", [True, False])
    def test_names(self, Holder, named):
        rng = np.random.default_rng(0)
        parts = [rng.normal(size=(12, 2)) for _ in range(3)]
        names = ["x", "y", "z"] if named else [3, 20, 7]
        X = pd.DataFrame(np.vstack(parts), columns=["u", "v"])
        X.insert(1, "task", np.repeat(names, 12))
        y = X["u"].to_numpy()
        options = {"n_groups": 1} if Holder is TaskGrouping else {}
        direct = MultiTaskLinear("mean_deviation", alpha=0.1, task_feature="task").fit(X, y)
        model = Holder(MultiTaskLinear("mean_deviation", alpha=0.1), task_feature="task", **options)
        inner = self.inner(model.fit(X, y))
        assert inner.task_names_in_.tolist() == direct.task_names_in_.tolist() == sorted(names)
        assert inner.feature_names_in_.tolist() == ["u", "task", "v"]
        if Holder is TaskGrouping:
            np.testing.assert_allclose(model.predict(X), direct.predict(X), rtol=1e-10)

    def test_columns_that_are_numbered_in_another_order(self):
        rng = np.random.default_rng(0)
        X = pd.DataFrame({1: np.repeat([0, 1], 10), 0: rng.normal(size=20)})
        y = X[0] * 2 + X[1]
        model = TargetScaler(MultiTaskLinear("mean_deviation", alpha=1e-6), task_feature=1).fit(
            X, y
        )
        assert model.estimator_.task_names_in_.tolist() == [0, 1]
        np.testing.assert_allclose(model.predict(X), y, atol=1e-2)


class TestNotes:
    """Errors of the estimators inside keep their type and text."""

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_of_a_task(self, n_jobs):
        X, y = np.eye(6), np.arange(12.0).reshape(6, 2)
        X[2, 3], y[2, 0] = np.nan, np.nan
        with pytest.raises(ValueError, match="Input X contains NaN") as caught:
            IndependentTasks(n_jobs=n_jobs).fit(X, pd.DataFrame(y, columns=["a", "b"]))
        assert caught.value.__notes__ == ["Raised by Ridge(), fitted to task 'b'."]

    def test_of_a_group(self):
        X, y = np.eye(6), np.arange(18.0).reshape(6, 3)
        X[2, 3] = np.nan
        options = {"affinity": AFFINITY, "single_task_affinity": 0.0}
        model = TaskGrouping(MultiTaskLinear(), **options)
        with pytest.raises(ValueError, match=r"X contains NaN in 1 column\(s\)") as caught:
            model.fit(X, pd.DataFrame(y, columns=["a", "b", "c"]))
        (note,) = caught.value.__notes__
        assert note.startswith("Raised by MultiTaskLinear(tasks=")
        assert note.endswith("fitted to 2 tasks ('a', 'b').")
