"""PooledTasks equals one estimator fitted to rows that were put below each other by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Lars, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmtl import IndependentTasks, stack_tasks
from skmtl.compose import PooledTasks, _task_columns
from skmtl.datasets import make_multitask_regression
from skmtl.tasks import Binary, Quantile

TASK_COLUMNS = ["onehot", "index", "interactions", None]
TREE = DecisionTreeRegressor(random_state=0)


@pytest.fixture
def numbers():
    """Features, three regression tasks of different level, two fifths of the labels missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = X @ rng.normal(size=(3, 3)) + [0.0, 5.0, -3.0] + 0.1 * rng.normal(size=(60, 3))
    Y[rng.random(Y.shape) < 0.4] = np.nan
    return X, Y


def stacked(X, Y):
    """Rows, task and label of every observed label, task after task."""
    task, row = np.nonzero(~np.isnan(Y.T))
    return X[row], task, Y[row, task]


def with_task(X, task, n_tasks, how):
    """X and what it says of the task, written out."""
    indicator = np.eye(n_tasks)[task]
    if how is None:
        return X
    if how == "onehot":
        return np.hstack([X, indicator])
    if how == "index":
        return np.column_stack([X, task])
    return np.array([np.r_[x, e, np.kron(e, x)] for x, e in zip(X, indicator, strict=True)])


@pytest.mark.parametrize(
    ("estimator", "how"),
    [
        *[(Ridge(solver="sparse_cg", tol=1e-12), how) for how in TASK_COLUMNS],
        *[(TREE, how) for how in ("onehot", "index", None)],
    ],
)
def test_equals_one_estimator_on_stacked_rows(estimator, how, numbers):
    X, Y = numbers
    model = PooledTasks(estimator, task_encoding=how).fit(X, Y)
    rows, task, labels = stacked(X, Y)
    by_hand = clone(estimator).fit(with_task(rows, task, 3, how), labels)
    expected = [by_hand.predict(with_task(X, np.full(60, t), 3, how)) for t in range(3)]
    np.testing.assert_allclose(model.predict(X), np.transpose(expected), atol=1e-8)
    assert len(model.estimators_) == 1
    assert model.pools_[0].tolist() == [0, 1, 2]


def test_without_task_columns_tasks_do_not_differ(numbers):
    X, Y = numbers
    prediction = PooledTasks(task_encoding=None).fit(X, Y).predict(X)
    assert (prediction == prediction[:, :1]).all()


def test_one_task_is_the_estimator_itself(numbers):
    X, Y = numbers
    known = ~np.isnan(Y[:, 0])
    expected = Ridge().fit(X[known], Y[known, 0]).predict(X)
    assert (PooledTasks().fit(X, Y[:, 0]).predict(X) == expected).all()
    labels = np.where(X[:, 0] > 0, "yes", "no")
    expected = LogisticRegression().fit(X, labels).predict_proba(X)
    assert (PooledTasks().fit(X, labels).predict_proba(X) == expected).all()


@pytest.fixture
def mixed():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(90, 3))
    y = pd.DataFrame(
        {
            "length": X[:, 0],
            "visits": rng.poisson(np.exp(X[:, 1])).astype(float),
            "yes": np.where(X[:, 1] + rng.normal(size=90) > 0, "y", "n"),
            "width": X[:, 0] + 1,
            "flag": X[:, 2] > 0,
            "kind": np.array(["a", "b", "n"])[rng.integers(0, 3, 90)],
            "zero_one": (X[:, 2] + rng.normal(size=90) > 0).astype(int),
            "size": np.array(["s", "m", "l"])[np.digitize(X[:, 0], [-0.5, 0.5])],
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.3)


class TestMixedTypes:
    """One estimator a type; classes are pooled where tasks share some."""

    def test_pools(self, mixed):
        X, y = mixed
        model = PooledTasks(tasks={"visits": "count"}).fit(X, y)
        names = [[y.columns[t] for t in pool] for pool in model.pools_]
        assert names == [
            ["length", "width"],
            ["visits"],
            ["yes", "kind"],
            ["flag", "zero_one"],
            ["size"],
        ]
        kinds = [type(estimator) for estimator in model.estimators_]
        assert kinds == [Ridge, PoissonRegressor] + 3 * [LogisticRegression]

    def test_classes_of_one_task_given_those_of_all(self, mixed):
        X, y = mixed
        model = PooledTasks(task_encoding=None).fit(X, y[["yes", "kind"]])
        whole = model.estimators_[0]
        assert whole.classes_.tolist() == ["a", "b", "n", "y"]
        everywhere = whole.predict_proba(X)
        yes, kind = model.predict_proba(X)
        for found, columns in ((yes, [2, 3]), (kind, [0, 1, 2])):
            part = everywhere[:, columns]
            np.testing.assert_allclose(found, part / part.sum(axis=1, keepdims=True), rtol=1e-12)
        assert set(model.predict(X)[:, 0]) <= {"y", "n"}

    def test_where_no_class_of_the_task_is_likely_its_shares_are_predicted(self):
        # Task 0 has labels where x is 0, task 1 where it is 1; they share "b".
        X = np.repeat([[0.0], [1.0]], 6, axis=0)
        y = np.full((12, 2), None, dtype=object)
        y[:6, 0], y[6:, 1] = list("abbbab"), list("cccccc")
        y[0, 1] = "b"
        tree = DecisionTreeClassifier(random_state=0)
        model = PooledTasks(classifier=tree, task_encoding=None).fit(X, y)
        assert model.estimators_[0].predict_proba([[1.0]]).tolist() == [[0.0, 0.0, 1.0]]
        assert model.predict_proba([[1.0]])[0].tolist() == [[2 / 6, 4 / 6]]
        assert model.predict_proba([[0.0]])[1].tolist() == [[1.0, 0.0]]

    def test_booleans_and_zero_one_keep_their_type(self, mixed):
        X, y = mixed
        prediction = PooledTasks().fit(X, y[["flag", "yes"]]).predict(X)
        assert set(prediction[:, 0]) == {True, False}
        assert PooledTasks().fit(X, y[["flag"]].astype("boolean")).predict(X).dtype == bool

    def test_classes_of_a_constant_pool(self, mixed):
        X, y = mixed
        tasks = {"b": Binary(classes=["no", "yes"])}
        frame = pd.DataFrame({"a": y["length"], "b": ["yes"] * 90})
        with pytest.warns(UserWarning, match="Task 'b': one observed class; the prediction is"):
            model = PooledTasks(tasks=tasks).fit(X, frame)
        assert model.estimators_[1] is None
        assert (model.predict_proba(X)[1] == [0.0, 1.0]).all()

    def test_a_task_without_labels_is_in_no_pool(self, mixed):
        X, y = mixed
        y = y[["length", "width"]].assign(nothing=np.nan)
        with pytest.warns(UserWarning, match="Task 'nothing': no observed label"):
            model = PooledTasks().fit(X, y)
        assert model.pools_[0].tolist() == [0, 1]
        assert np.isnan(model.predict(X)[:, 2]).all()
        without = PooledTasks().fit(X, y[["length", "width"]])
        assert (without.predict(X) == model.predict(X)[:, :2]).all()


def test_weights_reach_the_estimator(numbers):
    X, Y = numbers
    weight = np.random.default_rng(0).uniform(0.5, 2, size=Y.shape)
    model = PooledTasks().fit(X, Y, sample_weight=weight)
    rows, task, labels = stacked(X, Y)
    stacked_weight = weight.T[~np.isnan(Y.T)]
    by_hand = Ridge().fit(with_task(rows, task, 3, "onehot"), labels, stacked_weight)
    np.testing.assert_allclose(model.estimators_[0].coef_, by_hand.coef_, rtol=1e-12)
    with pytest.raises(ValueError, match="'all tasks together' has labels of different weight"):
        PooledTasks(Lars()).fit(X, Y, sample_weight=weight)


def test_sparse_features_give_the_same(numbers):
    X, Y = numbers
    ridge = Ridge(solver="sparse_cg", tol=1e-12)
    for how in TASK_COLUMNS:
        dense, scarce = (
            PooledTasks(ridge, task_encoding=how).fit(A, Y).predict(A)
            for A in (X, sparse.csr_array(X))
        )
        np.testing.assert_allclose(dense, scarce, atol=1e-7)


@pytest.mark.parametrize("how", ["onehot", "interactions"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_tree_takes_what_tells_tasks_apart(how, container):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    Y = np.column_stack([X[:, 0] > 0, X[:, 0] < 0]) * 1.0 + 2.0
    Y[::3, 0] = np.nan
    tree = DecisionTreeRegressor(random_state=0)
    model = PooledTasks(tree, task_encoding=how).fit(container(X), Y)
    assert model.score(container(X), Y) == 1.0


def test_interactions_with_ridge_lie_between_the_two_baselines():
    X, Y, truth = make_multitask_regression(
        60, 15, n_tasks=6, relatedness=0.6, noise=0.3, return_truth=True, random_state=0
    )
    X_new = np.random.default_rng(0).normal(size=(500, 15))
    Y_new = X_new @ truth.coef
    apart, same, between = (
        model.fit(X[:20], Y[:20]).score(X_new, Y_new)
        for model in (
            IndependentTasks(Ridge(3.0)),
            PooledTasks(Ridge(3.0)),
            PooledTasks(Ridge(3.0), task_encoding="interactions"),
        )
    )
    assert between > max(apart, same)


def test_n_jobs_changes_nothing(mixed):
    X, y = mixed
    forest = RandomForestRegressor(n_estimators=3, random_state=0)
    one, two = (
        PooledTasks(regressor=forest, tasks={"visits": "count"}, n_jobs=n).fit(X, y).predict(X)
        for n in (None, 2)
    )
    assert (one == two).all()


def test_parameters_are_searched(numbers):
    X, Y = numbers
    grid = {"estimator__alpha": [1e-3, 1e5], "task_encoding": [None, "onehot"]}
    search = GridSearchCV(PooledTasks(Ridge()), grid, cv=3).fit(X, Y)
    assert search.best_params_ == {"estimator__alpha": 1e-3, "task_encoding": "onehot"}


class TestLongForm:
    """A row has one label, and says its task."""

    @pytest.fixture
    def schools(self):
        X, y = make_multitask_regression(
            [12, 25, 8], 4, n_tasks=3, bias=[0, 5, 9], noise=0.1, form="long", random_state=0
        )
        X[:, 0] = np.array([7, 3, 20])[X[:, 0].astype(int)]
        return X, y

    @pytest.mark.parametrize("how", ["onehot", "index", None])
    def test_equals_the_estimator(self, how, schools):
        X, y = schools
        model = PooledTasks(TREE, task_encoding=how, task_feature=0).fit(X, y)
        task = np.searchsorted([3, 7, 20], X[:, 0])
        # Rows task by task, as in wide form.
        order = np.argsort(task, kind="stable")
        A = with_task(X[:, 1:], task, 3, how)
        assert (model.predict(X) == clone(TREE).fit(A[order], y[order]).predict(A)).all()

    def test_equals_wide_form(self, numbers):
        X, Y = numbers
        known = [~np.isnan(Y[:, t]) for t in range(3)]
        X_long, y_long = stack_tasks([X[k] for k in known], [Y[k, t] for t, k in enumerate(known)])
        long = PooledTasks(task_feature=0).fit(X_long, y_long)
        wide = PooledTasks().fit(X, Y)
        assert (long.estimators_[0].coef_ == wide.estimators_[0].coef_).all()

    def test_unknown_tasks_have_no_columns(self, schools):
        X, y = schools
        new = X.copy()
        new[:, 0] = 1000
        for how, columns in (("onehot", np.zeros((45, 3))), ("index", -np.ones((45, 1)))):
            model = PooledTasks(task_encoding=how, task_feature=0, unknown_task="shared")
            found = model.fit(X, y).predict(np.vstack([new, X]))
            expected = model.estimators_[0].predict(np.hstack([new[:, 1:], columns]))
            np.testing.assert_allclose(found[:45], expected, rtol=1e-12)
            np.testing.assert_allclose(found[45:], model.predict(X), rtol=1e-12)

    def test_a_task_without_labels(self, schools):
        X, y = schools
        y[X[:, 0] == 7] = np.nan
        with pytest.warns(UserWarning, match="Task 7: no observed label"):
            model = PooledTasks(task_feature=0).fit(X, y)
        assert (np.isnan(model.predict(X)) == (X[:, 0] == 7)).all()
        labels = np.where(np.isnan(y), None, np.where(X[:, 1] > 0, "high", "low"))
        with pytest.warns(UserWarning, match="Task 7: no observed label"):
            model = PooledTasks(task_feature=0).fit(X, labels)
        assert (model.predict_proba(X)[X[:, 0] == 7] == 0.5).all()

    def test_many_tasks_stay_sparse(self):
        rng = np.random.default_rng(0)
        X = sparse.hstack(
            [np.arange(3000)[:, None] % 1500, sparse.csr_array(rng.normal(size=(3000, 2)))], "csr"
        )
        y = rng.normal(size=3000)
        for how, width in (("onehot", 1502), ("interactions", 4502)):
            model = PooledTasks(task_encoding=how, task_feature=0).fit(X, y)
            assert model.estimators_[0].n_features_in_ == width


class TestManyTasks:
    """Indicators are sparse where a dense table of them would be large."""

    EXACT = Ridge(solver="sparse_cg", tol=1e-14)

    @pytest.fixture
    def many(self):
        rng = np.random.default_rng(0)
        X = np.column_stack([np.arange(400) % 50, rng.normal(size=(400, 3))])
        return X, X[:, 1] + X[:, 0] / 10 + 0.1 * rng.normal(size=400)

    @pytest.mark.parametrize("container", [np.asarray, pd.DataFrame])
    def test_equals_dense(self, container, many, monkeypatch):
        X, y = many
        X = container(X)
        dense = PooledTasks(self.EXACT, task_feature=0).fit(X, y)
        monkeypatch.setattr(_task_columns, "MOST_DENSE", 8 * 400 * 50 - 1)
        seen = PooledTasks(self.EXACT, task_feature=0).fit(X, y)
        assert seen._pools[0].columns.are_sparse
        assert not dense._pools[0].columns.are_sparse
        np.testing.assert_allclose(seen.predict(X), dense.predict(X), rtol=1e-8)
        np.testing.assert_allclose(seen.estimators_[0].coef_, dense.estimators_[0].coef_, atol=1e-9)

    def test_up_to_the_limit_they_are_dense(self, many, monkeypatch):
        X, y = many
        monkeypatch.setattr(_task_columns, "MOST_DENSE", 8 * 400 * 50)
        assert not PooledTasks(task_feature=0).fit(X, y)._pools[0].columns.are_sparse

    def test_an_estimator_that_takes_no_sparse_X(self, many, monkeypatch):
        X, y = many
        boost = HistGradientBoostingRegressor(max_iter=2)
        monkeypatch.setattr(_task_columns, "MOST_DENSE", 0)
        assert not PooledTasks(boost, task_feature=0).fit(X, y)._pools[0].columns.are_sparse
        monkeypatch.setattr(_task_columns, "MOST_DENSE_AT_ALL", 2**16)
        message = (
            r"'onehot' makes 50 columns of 400 rows, 0\.00015 GiB, and HistG.* no sparse X; set"
        )
        with pytest.raises(ValueError, match=message + " task_encoding='index'"):
            PooledTasks(boost, task_feature=0).fit(X, y)
        PooledTasks(boost, task_encoding="index", task_feature=0).fit(X, y)

    def test_a_hundred_thousand(self):
        n = 100_000
        X = np.column_stack([np.arange(n), np.linspace(-1, 1, n)])
        model = PooledTasks(Ridge(solver="lsqr", max_iter=3), task_feature=0)
        model.fit(X, X[:, 1])
        assert model.estimators_[0].n_features_in_ == n + 1
        assert np.isfinite(model.predict(X[:10])).all()


def test_what_tasks_have_in_common_is_the_sum_of_what_they_have_alone(numbers):
    """Optimality of ridge on interactions: each part is its gradient over alpha."""
    X, Y = numbers
    ridge = Ridge(2.0, solver="sparse_cg", tol=1e-13, fit_intercept=False)
    coef = PooledTasks(ridge, task_encoding="interactions").fit(X, Y).estimators_[0].coef_
    common, own = coef[:3], coef[6:].reshape(3, 3)
    np.testing.assert_allclose(common, own.sum(axis=0), atol=1e-6)


@pytest.mark.parametrize("levels", [0.3, (0.3,)])
def test_one_quantile_is_a_number_to_each_task(levels):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    model = PooledTasks(tasks=[Quantile(levels), "regression"]).fit(X, Y)
    assert model.predict(X).shape == (30, 2)
    np.testing.assert_array_equal(model.predict_frame(X).to_numpy(), model.predict(X))
