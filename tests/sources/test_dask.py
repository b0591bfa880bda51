"""Linear models of dask collections are those of rows in memory, and X stays where it is."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from skmtl import (
    IndependentTasks,
    MultiTaskBayesianLinear,
    MultiTaskElasticNet,
    MultiTaskKernelRidge,
    MultiTaskLasso,
    MultiTaskLassoCV,
    MultiTaskLinear,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    MultiTaskMLPRegressor,
    ReducedRankRegressor,
)
from skmtl._dask_rows import with_whole_rows
from skmtl.linear import TaskStatistics
from skmtl.sources import DaskSource

dask = pytest.importorskip("dask", reason="dask is not installed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

N, P = 200, 6
X_NAMES, Y_NAMES = list("abcdef"), list("xyz")
ESTIMATORS = [
    MultiTaskLinear("l21", alpha=0.1, tol=1e-12),
    MultiTaskLinear("l2", alpha=0.1, scale_targets=True),
    MultiTaskLinearRegressor("trace_norm", alpha=0.1, tol=1e-12),
    MultiTaskLasso(0.1, tol=1e-12),
    MultiTaskElasticNet(0.1, tol=1e-12, fit_intercept=False),
    ReducedRankRegressor(2, alpha=0.1),
    MultiTaskBayesianLinear("diag"),
]


def data():
    """Labels of which a block has none, and those of a task come late."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P)) + 3.0
    Y = X @ rng.normal(size=(P, 3)) + rng.normal(size=(N, 3))
    Y[:120, 0] = Y[:60] = Y[70:170:3, 2] = np.nan
    return X, Y, rng.uniform(size=N)


def frame():
    X, Y, weight = data()
    return pd.DataFrame(np.column_stack([X, Y, weight]), columns=[*X_NAMES, *Y_NAMES, "weight"])


def array_parts():
    X, Y, weight = data()
    return da.from_array(X, (70, 2)), da.from_array(Y, (40, 1)), da.from_array(weight, 50)


def memory_beside_dask():
    X, Y, weight = data()
    return da.from_array(X, (70, P)), pd.DataFrame(Y, columns=Y_NAMES), weight.tolist()


def frame_parts():
    rows = dd.from_pandas(frame(), npartitions=4)
    return rows[X_NAMES], rows[Y_NAMES], rows["weight"]


def mixed_parts():
    X, Y, weight = frame_parts()
    return X, Y.to_dask_array(), weight


def parts_without_lengths():
    return tuple(part.to_dask_array() for part in frame_parts())


COLLECTIONS = [array_parts, memory_beside_dask, frame_parts, mixed_parts, parts_without_lengths]


def assert_same_fit(found, whole):
    assert list(found.task_names_in_) == list(whole.task_names_in_)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-11)
    np.testing.assert_allclose(found.intercept_, whole.intercept_, atol=1e-10)


@pytest.mark.parametrize("parts", COLLECTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_the_fit_of_rows_in_memory(estimator, parts):
    X, Y, weight = data()
    given_X, given_y, given_weight = parts()
    has_names = not hasattr(given_y, "chunks")
    Y = pd.DataFrame(Y, columns=Y_NAMES) if has_names else Y
    whole = clone(estimator).fit(X, Y, weight)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = clone(estimator).fit(given_X, given_y, given_weight)
    assert_same_fit(found, whole)
    if hasattr(given_X, "columns"):
        assert found.feature_names_in_.tolist() == X_NAMES
    assert_same_fit(clone(estimator).fit(given_X, given_y), clone(estimator).fit(X, Y))


def long_data():
    rng = np.random.default_rng(1)
    X, y, weight = rng.normal(size=(N, 3)), rng.normal(size=N), rng.uniform(size=N)
    # Tasks that only some blocks have.
    task = np.sort(rng.integers(7, 12, N))
    y += X[:, 0] * task
    y[::7] = np.nan
    return pd.DataFrame(X, columns=list("abc")).assign(task=task, y=y, weight=weight)


@pytest.mark.parametrize("has_names", [True, False])
@pytest.mark.parametrize(
    "estimator",
    [MultiTaskLinear("mean_deviation", alpha=0.1), MultiTaskBayesianLinear("diag")],
    ids=lambda e: type(e).__name__,
)
def test_long_form(estimator, has_names):
    rows = long_data()
    blocks = dd.from_pandas(rows, npartitions=3)
    names = ["a", "b", "c", "task"]
    estimator = clone(estimator).set_params(task_feature="task" if has_names else 3)
    X, of_dask = rows[names], blocks[names]
    if not has_names:
        X, of_dask = X.to_numpy(), of_dask.to_dask_array(lengths=True)
    whole = clone(estimator).fit(X, rows["y"], rows["weight"])
    found = clone(estimator).fit(of_dask, blocks["y"], blocks["weight"])
    assert_same_fit(found, whole)


def test_narrow_blocks_of_many_rows_are_cut():
    """Whole rows of a block that has a column of all of them would be all of X."""
    X = da.zeros((100_000, 100), chunks=(100_000, 1))
    with dask.config.set({"array.chunk-size": "8MiB"}):
        (columns,) = {block.shape[1] for block in with_whole_rows(X).blocks}
        rows = with_whole_rows(X).chunks[0]
    assert columns == 100
    assert max(rows) * 100 * 8 <= 2**23
    assert sum(rows) == 100_000


def test_text_as_names_of_tasks():
    rows = long_data().assign(task=lambda rows: "town " + rows["task"].astype(str))
    blocks = dd.from_pandas(rows, npartitions=3)
    names = ["a", "b", "c", "task"]
    model = MultiTaskLinear("l2", alpha=0.1, task_feature="task")
    whole = clone(model).fit(rows[names], rows["y"])
    assert_same_fit(model.fit(blocks[names], blocks["y"]), whole)
    assert model.task_names_in_[0] == "town 10"


def test_a_series_is_one_task_with_its_name():
    rows = frame()
    blocks = dd.from_pandas(rows, npartitions=3)
    model = MultiTaskLinearRegressor("l2", alpha=0.1).fit(blocks[X_NAMES], blocks["y"])
    whole = MultiTaskLinearRegressor("l2", alpha=0.1).fit(rows[X_NAMES], rows["y"])
    np.testing.assert_allclose(model.predict(rows[X_NAMES]), whole.predict(rows[X_NAMES]))
    assert model.predict_frame(rows[X_NAMES]).columns.tolist() == ["y"]
    assert model.predict(blocks[X_NAMES]).ndim == 1


def test_a_table_is_read_once():
    reads = []

    def read(number):
        reads.append(number)
        return frame()[50 * number : 50 * (number + 1)]

    rows = dd.from_map(read, range(4), meta=frame()[:0])
    reads.clear()
    MultiTaskLasso(0.1).fit(rows[X_NAMES], rows[Y_NAMES], rows["weight"])
    # Once to see that labels are numbers would be the second time: the class reads numbers.
    assert sorted(reads) == [0, 1, 2, 3]


class Counting:
    """A scheduler that counts the bytes of what it hands back."""

    def __init__(self):
        self.n_bytes = self.largest = 0

    def __call__(self, graph, keys, **kwargs):
        found = dask.get(graph, keys, **kwargs)
        n_bytes = len(pickle.dumps(found))
        self.n_bytes, self.largest = self.n_bytes + n_bytes, max(self.largest, n_bytes)
        return found


def test_rows_stay_where_they_are():
    rng = da.random.default_rng(0)
    X = rng.normal(size=(20_000, 10), chunks=(1_000, 10))
    Y = X[:, :2] + rng.normal(size=(20_000, 2), chunks=(1_000, 2))
    scheduler = Counting()
    with dask.config.set(scheduler=scheduler):
        model = MultiTaskLinearRegressor("l2", alpha=0.1).fit(X, Y)
        assert 0 < scheduler.n_bytes < X.nbytes / 100
        prediction = model.predict(X)
        score = model.score(X, Y)
        assert scheduler.n_bytes < X.nbytes
    assert score == pytest.approx(model.score(*dask.compute(X, Y)), rel=1e-12)
    assert prediction.shape == (20_000, 2)


def test_the_model_is_in_the_graph_once():
    X = da.zeros((100, 400), chunks=(1, 400))
    model = MultiTaskLinearRegressor("l2", alpha=0.1)
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(50, 400)), rng.normal(size=(50, 30)))
    graph = dict(model.predict(X).__dask_graph__())
    assert len(pickle.dumps(graph)) < 2 * len(pickle.dumps(model))


@st.composite
def trees(draw, n_blocks):
    """An order of blocks, and which neighbours are put together first."""
    order = draw(st.permutations(range(n_blocks)))
    return order, [draw(st.integers(0, n - 2)) for n in range(n_blocks, 1, -1)]


@given(
    st.lists(st.integers(1, N - 1), min_size=4, max_size=4, unique=True).map(sorted),
    trees(5),
    st.booleans(),
)
def test_any_blocks_and_any_order_of_putting_together(ends, tree, is_long):
    X, Y, weight = data()
    feature = None
    if is_long:
        feature, rows = 3, long_data()
        X, Y, weight = rows[["a", "b", "c", "task"]].to_numpy(), rows["y"], rows["weight"]
    order, joins = tree
    bounds = [0, *ends, N]
    blocks = [slice(*bounds[k : k + 2]) for k in order]
    parts = []
    for block in blocks:
        part = TaskStatistics(task_feature=feature)
        part.update(X[block], Y[block], weight[block])
        parts.append(pickle.loads(pickle.dumps(part)))
    before = [part.n_labels_.sum() for part in parts]
    for k in joins:
        parts[k : k + 2] = [parts[k] + parts[k + 1]]
    assert parts[0].n_labels_.sum() == sum(before)
    model = MultiTaskLinearRegressor("l2", alpha=0.01, task_feature=feature)
    whole = clone(model).fit(X, Y, weight)
    assert_same_fit(model.fit_statistics(parts[0]), whole)


CLASSES_AND_SEARCHES = {
    "classes": MultiTaskLinear("l2", alpha=0.01, tol=1e-10),
    "sparse-classes": MultiTaskLinear("l21", alpha=0.01, tol=1e-8),
    "alpha-of-classes": MultiTaskLinear("l2", tol=1e-10),
    "alpha": MultiTaskLinearRegressor(tol=1e-10),
    "alpha-of-lasso": MultiTaskLinearRegressor("l21", tol=1e-10),
    "search": MultiTaskLinearRegressorCV("l21", alphas=4, cv=3, tol=1e-10),
    "lasso-cv": MultiTaskLassoCV(alphas=4, cv=3, tol=1e-10),
}


@pytest.mark.parametrize("parts", [array_parts, frame_parts], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", CLASSES_AND_SEARCHES)
def test_what_takes_several_passes(name, parts):
    """Newton steps, alphas that choose themselves and folds, all of them without fetching rows."""
    estimator = CLASSES_AND_SEARCHES[name]
    X, Y, weight = data()
    given_X, given_y, given_weight = parts()
    if "classes" in name:
        middle = np.nanmedian(Y, axis=0)
        Y = np.where(np.isnan(Y), np.nan, middle < Y)
        given_y = (
            da.where(da.isnan(given_y), np.nan, given_y > middle)
            if hasattr(given_y, "chunks")
            else given_y.map_partitions(lambda y: y.gt(middle).astype(float).where(y.notna()))
        )
    if hasattr(given_y, "columns"):
        Y = pd.DataFrame(Y, columns=Y_NAMES)
    whole = clone(estimator).fit(X, Y, weight)
    found = clone(estimator).fit(given_X, given_y, given_weight)
    assert found.alpha_ == pytest.approx(whole.alpha_, rel=1e-8)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-4)
    assert found.task_names_in_.tolist() == whole.task_names_in_.tolist()


def test_classes_in_long_form():
    rows = long_data()
    rows["y"] = np.where(rows["y"] > 0, "yes", "no")
    rows.loc[::7, "y"] = None
    blocks = dd.from_pandas(rows, npartitions=3)
    names = ["a", "b", "c", "task"]
    model = MultiTaskLinear("mean_deviation", alpha=0.1, task_feature="task", tol=1e-10)
    whole = clone(model).fit(rows[names], rows["y"])
    found = clone(model).fit(blocks[names], blocks["y"])
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-4)
    assert found.predict(rows[names]).tolist() == whole.predict(rows[names]).tolist()


def test_rows_of_classes_stay_where_they_are():
    rng = da.random.default_rng(0)
    X = rng.normal(size=(20_000, 40), chunks=(2_000, 40))
    y = (X[:, 0] + rng.normal(size=20_000, chunks=2_000) > 0).astype(float)
    scheduler = Counting()
    with dask.config.set(scheduler=scheduler):
        model = MultiTaskLinear("l2", alpha=0.1, tasks="binary", tol=1e-10).fit(X, y)
    # A few numbers for each label, in a few passes.
    assert 0 < scheduler.n_bytes < X.nbytes / 2
    assert scheduler.largest < 5 * y.nbytes
    whole = MultiTaskLinear("l2", alpha=0.1, tasks="binary", tol=1e-10).fit(*dask.compute(X, y))
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-4)


@pytest.mark.parametrize(
    "estimator",
    [MultiTaskMLPRegressor(), MultiTaskKernelRidge(), IndependentTasks()],
    ids=lambda e: type(e).__name__,
)
def test_what_needs_rows_in_memory_says_so(estimator):
    X, Y, _ = array_parts()
    with pytest.raises(ValueError, match=r"X is a dask collection.*DaskSource\(X, y\)"):
        estimator.fit(X, Y)
    assert not hasattr(estimator, "n_features_in_")


def test_blocks_can_be_fetched_one_after_the_other():
    X, Y, weight = data()
    source = DaskSource(*array_parts())
    blocks = list(source)
    assert [len(block[0]) for block in blocks] == [70, 70, 60]
    for k, part in enumerate((X, Y, weight)):
        np.testing.assert_array_equal(np.concatenate([block[k] for block in blocks]), part)


class TestErrors:
    def test_a_block_with_nan(self):
        X, Y, _ = data()
        X[150, 3] = np.nan
        with pytest.raises(ValueError, match="Block 2: Input X contains NaN in 1 column"):
            MultiTaskLasso().fit(da.from_array(X, (70, P)), Y)

    def test_other_rows(self):
        X, Y, weight = array_parts()
        with pytest.raises(ValueError, match="X has 200 rows, others of the same rows 199"):
            MultiTaskLasso().fit(X, Y[:-1])
        with pytest.raises(ValueError, match="X has 200 rows, others of the same rows 150"):
            MultiTaskLasso().fit(X, Y, weight[:150])
        with pytest.raises(ValueError, match="X has 200 rows, others of the same rows 3"):
            MultiTaskLasso().fit(X, Y.compute()[:3])

    def test_other_rows_of_partitions(self):
        """As many partitions, of other rows: each block is looked at."""
        X, Y, _ = frame_parts()
        with pytest.raises(ValueError, match=r"Block \d: .*inconsistent numbers of samples"):
            MultiTaskLasso().fit(X, Y.map_partitions(lambda part: part[1:]))

    def test_other_partitions(self):
        X, Y, _ = frame_parts()
        with pytest.raises(ValueError, match=r"X has 4 partitions of rows, .* rows \[3\]"):
            MultiTaskLasso().fit(X, Y.repartition(npartitions=3))
        with pytest.raises(ValueError, match=r"X has 4 blocks of rows, .* rows \[5\]"):
            MultiTaskLasso().fit(X, array_parts()[1])

    def test_memory_beside_unknown_lengths(self):
        X, _, _ = frame_parts()
        with pytest.raises(ValueError, match="a ndarray in memory cannot be cut like it"):
            MultiTaskLasso().fit(X, data()[1])

    def test_labels_alone_are_of_dask(self):
        X, Y, _ = data()
        with pytest.raises(ValueError, match="y is a dask Array, but X a ndarray"):
            MultiTaskLasso().fit(X, da.from_array(Y))
        with pytest.raises(ValueError, match="sample_weight is a dask Array, but X a DataFrame"):
            MultiTaskLasso().fit(frame()[X_NAMES], Y, da.ones(N))

    def test_no_labels(self):
        X, Y, _ = array_parts()
        with pytest.raises(ValueError, match="y has no observed label"):
            MultiTaskLasso().fit(X, Y * np.nan)
        with pytest.raises(ValueError, match="y is None"):
            MultiTaskLasso().fit(X)

    def test_a_task_without_labels_is_named_once(self):
        X, Y, _ = data()
        Y[:, 1] = np.nan
        with pytest.warns(UserWarning, match="Task 1: no observed label") as said:
            MultiTaskLasso(0.1).fit(da.from_array(X, (70, P)), Y)
        assert len(said) == 1

    def test_no_table(self):
        with pytest.raises(TypeError, match=r"X is a dask Array of shape \(200,\)"):
            MultiTaskLasso().fit(da.ones(200), da.ones((200, 2)))
        empty = dd.from_pandas(frame()[:0], npartitions=1)
        with pytest.raises(ValueError, match="X has no rows"):
            MultiTaskLasso().fit(empty[X_NAMES], empty[Y_NAMES])
