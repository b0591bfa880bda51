"""Labels in any container mean the same, and so does every way to leave one out."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skmtl.tasks import Binary, Multiclass, Regression
from skmtl.tasks._columns import match, read_column
from skmtl.tasks._read_targets import read_targets

NUMBERS = [1.5, None, -2.0, 0.25]
NUMBERS_NAN = [1.5, np.nan, -2.0, 0.25]
TRUTHS = [True, None, False, True]
INTEGERS = [3, None, 0, 1]
WORDS = ["b", None, "a", "b"]


def masked(values, mask):
    return np.ma.masked_array(values, mask=mask)


NUMBER_COLUMNS = {
    "list": NUMBERS,
    "tuple": tuple(NUMBERS),
    "ndarray": np.array(NUMBERS_NAN),
    "float32": np.array(NUMBERS_NAN, dtype=np.float32),
    "object": np.array(NUMBERS, dtype=object),
    "object NaN": np.array(NUMBERS_NAN, dtype=object),
    "object NA": np.array([1.5, pd.NA, -2.0, 0.25], dtype=object),
    "object NaT": np.array([1.5, pd.NaT, -2.0, 0.25], dtype=object),
    "object NaT of numpy": np.array([1.5, np.datetime64("NaT"), -2.0, 0.25], dtype=object),
    "masked": masked([1.5, 9.9, -2.0, 0.25], [0, 1, 0, 0]),
    "masked infinity": masked([1.5, np.inf, -2.0, 0.25], [0, 1, 0, 0]),
    "masked and NaN": masked([1.5, np.nan, -2.0, 0.25], [0, 0, 0, 0]),
    "list with masked": [1.5, np.ma.masked, -2.0, 0.25],
    "Series": pd.Series(NUMBERS_NAN, index=[7, 7, 1, 0]),
    "Series object": pd.Series(NUMBERS, dtype=object),
    "Series Float64": pd.Series(NUMBERS, dtype="Float64"),
    "polars": pl.Series(NUMBERS),
    "polars NaN": pl.Series(NUMBERS_NAN),
    "polars object": pl.Series(NUMBERS, dtype=pl.Object),
}
TRUTH_COLUMNS = {
    "list": TRUTHS,
    "object": np.array(TRUTHS, dtype=object),
    "object NaN": np.array([True, np.nan, False, True], dtype=object),
    "masked": masked([True, True, False, True], [0, 1, 0, 0]),
    "Series object": pd.Series(TRUTHS, dtype=object),
    "Series boolean": pd.Series(TRUTHS, dtype="boolean"),
    "polars": pl.Series(TRUTHS),
}
INTEGER_COLUMNS = {
    "list": INTEGERS,
    "masked": masked([3, 9, 0, 1], [0, 1, 0, 0]),
    "Series Int64": pd.Series(INTEGERS, dtype="Int64"),
    "Series UInt8": pd.Series(INTEGERS, dtype="UInt8"),
    "polars": pl.Series(INTEGERS),
}
WORD_COLUMNS = {
    "list": WORDS,
    "object": np.array(WORDS, dtype=object),
    "object NaN": np.array(["b", np.nan, "a", "b"], dtype=object),
    "masked": masked(np.array(["b", "x", "a", "b"]), [0, 1, 0, 0]),
    "masked object": masked(np.array(["b", "x", "a", "b"], dtype=object), [0, 1, 0, 0]),
    "Series object": pd.Series(WORDS, dtype=object),
    "Series str": pd.Series(WORDS, dtype="str"),
    "Series string": pd.Series(WORDS, dtype="string"),
    "Series category": pd.Series(WORDS, dtype="category"),
    "polars": pl.Series(WORDS),
    "polars Categorical": pl.Series(WORDS, dtype=pl.Categorical),
    "polars Enum": pl.Series(WORDS, dtype=pl.Enum(["b", "a"])),
}


def labels_of(column):
    """Labels in the user's terms as a list, None where unobserved."""
    targets = read_targets(column)
    task = targets.tasks.tasks[0]
    labels = task.labels(targets.values).tolist()
    seen = targets.weights > 0
    return task, [v if s else None for v, s in zip(labels, seen, strict=True)]


@pytest.mark.parametrize("container", NUMBER_COLUMNS)
def test_numbers(container):
    task, labels = labels_of(NUMBER_COLUMNS[container])
    assert type(task) is Regression
    assert labels == NUMBERS


@pytest.mark.parametrize("container", TRUTH_COLUMNS)
def test_truths(container):
    task, labels = labels_of(TRUTH_COLUMNS[container])
    assert type(task) is Binary
    assert task.classes_.dtype == bool
    assert labels == TRUTHS


@pytest.mark.parametrize("container", INTEGER_COLUMNS)
def test_integers(container):
    task, labels = labels_of(INTEGER_COLUMNS[container])
    assert type(task) is Regression
    assert labels == INTEGERS


@pytest.mark.parametrize("container", WORD_COLUMNS)
def test_words(container):
    task, labels = labels_of(WORD_COLUMNS[container])
    assert type(task) is Binary
    assert task.classes_.tolist() == ["a", "b"]
    assert labels == WORDS


TABLE = [[1.5, "a", True, 3], [None, "b", None, 0], [-2.0, None, False, None], [0.5, "c", True, 2]]
TABLES = {
    "lists": TABLE,
    "tuples": tuple(tuple(row) for row in TABLE),
    "object": np.array(TABLE, dtype=object),
    "masked object": masked(
        np.array(TABLE, dtype=object), [[v is None for v in row] for row in TABLE]
    ),
    "pandas": pd.DataFrame(TABLE, columns=list("pqrs")),
    "pandas nullable": pd.DataFrame(TABLE, columns=list("pqrs")).convert_dtypes(),
    "pandas category": pd.DataFrame(TABLE, columns=list("pqrs")).astype({"q": "category"}),
    "polars": pl.DataFrame(TABLE, schema=list("pqrs"), orient="row"),
    "structured masked": masked(
        np.array(
            [tuple(0 if v is None else v for v in row) for row in TABLE],
            dtype=[("p", float), ("q", "U1"), ("r", bool), ("s", int)],
        ),
        [tuple(v is None for v in row) for row in TABLE],
    ),
}


@pytest.mark.parametrize("container", TABLES)
def test_tables(container):
    targets = read_targets(TABLES[container])
    types = [type(task) for task in targets.tasks.tasks]
    assert types == [Regression, Multiclass, Binary, Regression]
    for t, task in enumerate(targets.tasks.tasks):
        labels = task.labels(targets.values[:, t]).tolist()
        seen = targets.weights[:, t] > 0
        read = [v if s else None for v, s in zip(labels, seen, strict=True)]
        assert read == [row[t] for row in TABLE]
    names = targets.tasks.names
    if container in ("lists", "tuples", "object", "masked object"):
        assert names.tolist() == [0, 1, 2, 3]
        assert names.dtype.kind == "i"
    else:
        assert names.tolist() == ["p", "q", "r", "s"]
        assert names.dtype == object


def test_structured_array_with_nan():
    y = np.array([(1.5, 0), (np.nan, 1), (2.0, 0)], dtype=[("class", float), ("b", int)])
    targets = read_targets(y)
    assert targets.tasks.names.tolist() == ["class", "b"]
    assert targets.weights.tolist() == [[1, 1], [0, 1], [1, 1]]


def test_list_of_masked_rows():
    targets = read_targets([masked([1.5, 2.0], [0, 1]), masked([0.5, 3.5], [0, 0])] * 2)
    assert targets.weights.tolist() == [[1, 0], [1, 1]] * 2


@pytest.mark.parametrize(
    "column, error",
    [
        ([1.0, np.inf], r"y contains infinity \(1 labels\)"),
        ([1.0, -np.inf, None], "A missing label is NaN or None, never infinity"),
        (["a", 1.0], "labels mix strings and numbers, 'a' and 1.0 for example"),
        ([1.0, b"a"], "labels of type bytes are not supported; give numbers, booleans or strings"),
        ([1.0, {}], "labels of type dict are not supported"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "dtype datetime64.* are not supported"),
        (np.array([1j]), "Complex data not supported"),
        (np.zeros((2, 2)), r"labels must be one value a row, got \(2, 2\)"),
    ],
)
def test_what_is_no_label(column, error):
    if isinstance(column, list):
        column = np.array(column, dtype=object)
    with pytest.raises(ValueError, match=f"^Task 'a': .*{error}"):
        read_column(column, "a")


def test_integers_beyond_int64_become_floats():
    big = 2**63 + 2**40
    for column in (np.array([big, 1], dtype=np.uint64), np.array([big, 1], dtype=object)):
        labels = read_column(column, "a").labels
        assert labels.tolist() == [float(big), 1.0]


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=2))
def test_round_trip_of_numbers(labels):
    column = read_column(labels, "a")
    assert column.observed.tolist() == [label is not None for label in labels]
    task = Regression().fit(column, column.observed.astype(float), "a")
    values = task.encode(column, "a")
    assert (values[~column.observed] == 0).all()
    assert [v for v in labels if v is not None] == values[column.observed].tolist()


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=2),
    st.sampled_from([1e-9, 1.0, 1e9]),
)
def test_round_trip_of_standardised_numbers(labels, scale):
    labels = [None if v is None else scale * v for v in labels]
    column = read_column(labels, "a")
    task = Regression().fit(column, column.observed.astype(float), "a", standardize=True)
    values = task.encode(column, "a")
    assert np.isfinite(values).all()
    known = np.array([v for v in labels if v is not None], dtype=float)
    back = task.labels(values[column.observed])
    largest = np.abs(known).max(initial=0.0)
    np.testing.assert_allclose(back, known, rtol=1e-9, atol=1e-12 * largest)
    if task.n_labels_:
        assert (task.inverse_link(values[:, None])[column.observed] == back).all()


TEXT = st.text(st.characters(codec="utf-8"), max_size=4)


@given(
    st.one_of(
        *[st.lists(st.one_of(st.none(), s)) for s in (TEXT, st.booleans(), st.integers(-9, 9))]
    )
)
def test_round_trip_of_classes(labels):
    column = read_column(np.array([*labels, None], dtype=object), "a")
    task = Multiclass().fit(column, column.observed.astype(float), "a")
    values = task.encode(column, "a")
    known = [v for v in labels if v is not None]
    assert task.labels(values)[column.observed].tolist() == known
    if known:
        assert task.classes_.tolist() == sorted(set(known))
    one_hot = np.eye(len(task.classes_))[values.astype(int)]
    assert task.decode(one_hot)[column.observed].tolist() == known


@given(st.sets(st.integers(-50, 50), min_size=1), st.lists(st.integers(-60, 60)))
def test_match_is_the_position_or_minus_one(known, labels):
    known = sorted(known)
    position = match(np.array(known), np.array(labels, dtype=int))
    assert position.tolist() == [known.index(v) if v in known else -1 for v in labels]


def test_match_of_strings_and_numbers_is_nowhere():
    words, numbers = np.array(["a", "b"], dtype=object), np.array([0, 1])
    assert match(words, numbers).tolist() == [-1, -1]
    assert match(numbers, words).tolist() == [-1, -1]
    assert match(np.array([]), numbers).tolist() == [-1, -1]
