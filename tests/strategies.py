"""Tables as people have them, for hypothesis: mixed columns, gaps, weights, tasks in long form.

What matters is drawn, and shrinks: dtypes, gaps, weights, names. The numbers come from a seed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st

NUMBERS = ("float64", "float32", "Float64", "Int64", "object")
CLASSES = ("bool", "boolean", "str", "string", "category", "object")
NAMES = ("a", "", "class", "b.c", "<i>", "0", "größe")
TASK_IDS = ("int64", "Int64", "float64", "str", "category", "object")
KINDS = {
    "any": [("number", d) for d in NUMBERS] + [("class", d) for d in CLASSES],
    "regression": [("number", d) for d in NUMBERS],
    "classification": [("class", d) for d in CLASSES],
}


@dataclass
class Table:
    """Wide: X, y with a column per task, and which labels are there."""

    X: np.ndarray
    y: Any
    observed: np.ndarray
    kinds: tuple[str, ...]
    names: tuple[str, ...]


@st.composite
def masks(draw, n_rows, n_tasks):
    """Which labels are there (n_rows, n_tasks): any pattern that has one at least."""
    row = st.lists(st.booleans(), min_size=n_tasks, max_size=n_tasks)
    observed = np.array(draw(st.lists(row, min_size=n_rows, max_size=n_rows)), dtype=bool)
    for t in range(n_tasks):
        found = draw(st.sampled_from(["as drawn", "all", "one", "none"]))
        if found != "as drawn":
            observed[:, t] = found == "all"
            observed[draw(st.integers(0, n_rows - 1)), t] |= found == "one"
    if not observed.any():
        observed[0, 0] = True
    return observed


def column(kind, dtype, signal, observed):
    """Labels that follow a signal, in a dtype that can say which are missing."""
    if kind == "number":
        values = signal if "Int" not in dtype else np.round(10 * signal).astype(int)
    elif dtype in ("bool", "boolean"):
        values = signal > 0
    else:
        values = np.array(["low", "mid", "top"])[np.digitize(signal, [-0.5, 0.5])]
    labels = [v if seen else None for v, seen in zip(values.tolist(), observed, strict=True)]
    if dtype == "bool" and not observed.all():
        dtype = "object"
    if dtype == "str":
        dtype = "object"
    return pd.Series(labels, dtype=dtype)


@st.composite
def tables(draw, kind="any", library=None):
    """A `Table` of 6 to 14 rows and up to three tasks whose types are told by their dtypes."""
    n_rows, n_tasks = draw(st.integers(6, 14)), draw(st.integers(1, 3))
    names = tuple(
        draw(st.lists(st.sampled_from(NAMES), min_size=n_tasks, max_size=n_tasks, unique=True))
    )
    observed = draw(masks(n_rows, n_tasks))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    X = rng.normal(size=(n_rows, 3))
    kinds, columns = [], {}
    for t, name in enumerate(names):
        of_task, dtype = draw(st.sampled_from(KINDS[kind]))
        signal = X @ rng.normal(size=3) + 0.3 * rng.normal(size=n_rows)
        kinds.append(of_task)
        columns[name] = column(of_task, dtype, signal, observed[:, t])
    y = pd.DataFrame(columns)
    library = draw(st.sampled_from(["pandas", "polars"])) if library is None else library
    return Table(X, y if library == "pandas" else as_polars(y), observed, tuple(kinds), names)


def as_polars(frame):
    """A polars frame with the same labels."""
    columns = {}
    for name in frame:
        labels = [None if pd.isna(v) else v for v in frame[name].tolist()]
        columns[name] = pl.Series(labels, strict=False)
    return pl.DataFrame(columns)


@st.composite
def weights(draw, table):
    """Weights of rows or of labels, some 0 but not of all labels: an array, and as given."""
    n_rows, n_tasks = table.observed.shape
    number = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0])
    if draw(st.booleans()):
        found = np.array(draw(st.lists(number, min_size=n_rows, max_size=n_rows)))
    else:
        row = st.lists(number, min_size=n_tasks, max_size=n_tasks)
        found = np.array(draw(st.lists(row, min_size=n_rows, max_size=n_rows)))
    if not (table.observed * found.reshape(n_rows, -1)).any():
        found[table.observed.any(axis=1)] = 1.0
    return found, draw(containers_of_weights(found, table.names))


@st.composite
def containers_of_weights(draw, weight, names):
    """The same weights as an array, a Series, or a DataFrame with its columns in any order."""
    if weight.ndim == 1:
        return draw(st.sampled_from([weight, weight.tolist(), pd.Series(weight)]))
    order = list(draw(st.permutations(range(len(names)))))
    frame = pd.DataFrame(weight[:, order], columns=[names[t] for t in order])
    return draw(st.sampled_from([weight, frame, pl.from_pandas(frame)]))


@dataclass
class LongTable:
    """Long: X with a column "task", labels, and which of them are there."""

    X: pd.DataFrame
    y: np.ndarray
    ids: list
    dtype: str

    def of_task(self, ids):
        """Rows like these of other tasks."""
        return self.X.head(len(ids)).assign(task=pd.Series(ids, dtype=self.dtype))


@st.composite
def long_tables(draw):
    """A `LongTable` of tasks with a row or more each, named in any dtype."""
    dtype = draw(st.sampled_from(TASK_IDS))
    counts = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    ids = [f"school {t}" if dtype in ("str", "category", "object") else 3 * t for t in range(9)]
    order = draw(st.permutations(np.repeat(np.arange(len(counts)), counts).tolist()))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    X = pd.DataFrame(rng.normal(size=(len(order), 2)), columns=["age", "dose"])
    y = X["age"].to_numpy() + np.array(order) + 0.1 * rng.normal(size=len(order))
    observed = np.array(draw(st.lists(st.booleans(), min_size=len(y), max_size=len(y))))
    observed[0] = True
    dtype = "object" if dtype == "str" else dtype
    X.insert(1, "task", pd.Series([ids[t] for t in order], dtype=dtype))
    return LongTable(X, np.where(observed, y, np.nan), ids[: len(counts)], dtype)
