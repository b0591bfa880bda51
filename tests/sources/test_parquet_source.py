"""Parquet files in blocks."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from skmtl import MultiTaskLinear, MultiTaskLinearRegressor, MultiTaskMLPRegressor
from skmtl.sources import ArraySource, ParquetSource

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

NAMES = [f"x{j}" for j in range(6)]


def data(n_rows=240):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 6)).astype(np.float32) + 3
    Y = X[:, :3] + rng.normal(size=(n_rows, 3))
    Y[:120, 0] = Y[:30] = np.nan
    return X, Y, rng.uniform(size=n_rows)


@pytest.fixture
def path(tmp_path):
    X, Y, weights = data()
    columns = dict(zip(NAMES, X.T, strict=True))
    columns |= {f"y{t}": pa.array(Y[:, t], mask=np.isnan(Y[:, t])) for t in range(3)}
    columns |= {"weight": weights, "task": pa.array(["b", "a"] * 120)}
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet", row_group_size=37)
    return tmp_path / "rows.parquet"


@pytest.mark.parametrize("block_rows", [10, 50, None])
def test_the_fit_of_the_arrays(path, block_rows):
    X, Y, weights = data()
    model = MultiTaskLinear("l2", alpha=0.1)
    source = ParquetSource(
        path, ["y0", "y1", "y2"], features=NAMES, sample_weight="weight", block_rows=block_rows
    )
    found = clone(model).fit(source)
    whole = clone(model).fit(X, Y, weights)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-12)
    np.testing.assert_allclose(found.intercept_, whole.intercept_, atol=1e-11)
    assert found.feature_names_in_.tolist() == NAMES
    assert found.task_names_in_.tolist() == ["y0", "y1", "y2"]
    again = clone(model).fit(pickle.loads(pickle.dumps(source)))
    assert (again.coef_ == found.coef_).all()


def test_long_form_and_one_label(path):
    table = pq.read_table(path)
    model = MultiTaskLinear("l2", alpha=0.1, task_feature="task")
    source = ParquetSource(path, "y1", features=[*NAMES, "task"], block_rows=50)
    found = clone(model).fit(source)
    assert found.task_names_in_.tolist() == ["a", "b"]
    whole = clone(model).fit(table.select([*NAMES, "task"]), table.column("y1"))
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-12)
    found = MultiTaskLinearRegressor("l2").fit(ParquetSource(path, "y1", features=NAMES))
    assert found.predict(pq.read_table(path, columns=NAMES)).shape == (240,)


def test_labels_alone_are_those_of_the_blocks(path):
    source = ParquetSource(path, ["y0", "y2"], features=[*NAMES, "task"], block_rows=50)
    labels = [y for _, (y, _) in source.labels()]
    assert pa.concat_tables(labels) == pa.concat_tables([y for _, y, _ in source])


def test_columns_that_hold_no_numbers(path):
    with pytest.raises(ValueError, match="Block 0: Column 'task' of X holds what is no number"):
        MultiTaskLinearRegressor().fit(ParquetSource(path, "y1"))


def test_columns_that_are_not_there(path):
    with pytest.raises(ValueError, match="targets: 'z' is no column of"):
        ParquetSource(path, "z")
    with pytest.raises(ValueError, match="'y0' is among the targets and among the features"):
        ParquetSource(path, ["y0"], features=["x0", "y0"])
    with pytest.raises(ValueError, match="sample_weight names 2 columns; expected one, or one for"):
        ParquetSource(path, ["y0"], sample_weight=["weight", "y1"])
    with pytest.raises(ValueError, match="targets names no column"):
        ParquetSource(path, [])
    with pytest.raises(ValueError, match="block_rows=0; expected a whole number above 0"):
        ParquetSource(path, "y0", block_rows=0)


def test_arrow_tables_in_blocks(path):
    X, Y, _ = data()
    table = pq.read_table(path)
    model = MultiTaskLinear("l2", alpha=0.1)
    source = ArraySource(table.select(NAMES), table.select(["y0", "y1", "y2"]), block_rows=70)
    expected = clone(model).fit(X, Y).coef_
    np.testing.assert_allclose(clone(model).fit(source).coef_, expected, atol=1e-12)
    batches = [
        (batch.select(NAMES), batch.select(["y0", "y1", "y2"]))
        for batch in table.to_batches(max_chunksize=50)
    ]
    found = clone(model).fit(batches)
    np.testing.assert_allclose(found.coef_, expected, atol=1e-12)
    assert found.feature_names_in_.tolist() == NAMES
    np.testing.assert_allclose(found.predict(batches[0][0]), found.predict(X[:37]), atol=1e-12)


def test_whatever_is_a_dataset(path, tmp_path, stays_stored):
    """Text, several files, a filter: the same rows, also where blocks come in another order."""
    csv = pytest.importorskip("pyarrow.csv")
    dataset = pytest.importorskip("pyarrow.dataset")
    table = pq.read_table(path).select([*NAMES, "y0", "y1"])
    csv.write_csv(table, tmp_path / "rows.csv")
    pq.write_table(table[:100], tmp_path / "first.parquet", row_group_size=30)
    pq.write_table(table[100:], tmp_path / "second.parquet", row_group_size=30)
    files = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    given = [
        str(path),
        files,
        dataset.dataset(tmp_path / "rows.csv", format="csv"),
        dataset.dataset(path).filter(dataset.field("x0") > -100),
    ]
    model = MultiTaskLinear("l2", alpha=0.1)
    expected = clone(model).fit(table.select(NAMES), table.select(["y0", "y1"])).coef_
    for some in given:
        source = ParquetSource(some, ["y0", "y1"], features=NAMES, block_rows=50)
        np.testing.assert_allclose(clone(model).fit(source).coef_, expected, atol=1e-5)
        parts = dict(source.shuffled(np.random.default_rng(0)))
        found = pa.concat_tables([parts[start] for start in sorted(parts)])
        np.testing.assert_allclose(np.asarray(found), np.asarray(table.select(NAMES)), rtol=1e-6)


def test_a_network_reads_groups_of_rows_in_any_order(path, stays_stored):
    table = pq.read_table(path)
    y = table.column("x0").to_numpy() ** 2
    table = table.append_column("square", pa.array(np.where(np.arange(240) % 5, y, np.nan)))
    big = pa.concat_tables([table] * 10)
    pq.write_table(big, path, row_group_size=200)
    source = ParquetSource(path, "square", features=NAMES, block_rows=70)
    options = {"hidden_layer_sizes": (16,), "max_iter": 30, "random_state": 0}
    model = MultiTaskMLPRegressor(**options).fit(source)
    assert model.score(table.select(NAMES), y) > 0.9
