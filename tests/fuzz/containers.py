"""The containers that X and y come in; y as columns of Python objects, None where missing."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse


def _features(X):
    return [f"x{j}" for j in range(X.shape[1])]


X_CONTAINERS = {
    "array": np.copy,
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "float32": lambda X: X.astype(np.float32),
    "object": lambda X: X.astype(object),
    "list": lambda X: X.tolist(),
    "pandas": lambda X: pd.DataFrame(X, columns=_features(X)),
    "polars": lambda X: pl.DataFrame({c: X[:, j] for j, c in enumerate(_features(X))}),
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "masked": lambda X: np.ma.masked_array(X, mask=np.zeros(X.shape, dtype=bool)),
    "arrow": lambda X: pa.table({c: X[:, j] for j, c in enumerate(_features(X))}),
    # Of whole numbers only.
    "integers": lambda X: X.astype(np.int64),
}
HAVE_NAMES = ("pandas", "polars", "arrow")


def with_task_names(container, X, tasks):
    """A frame with a column "task" of strings, somewhere between the features."""
    frame = X_CONTAINERS[container](X)
    if container == "pandas":
        frame.insert(X.shape[1] // 2, "task", tasks)
        return frame
    if container == "arrow":
        return frame.add_column(X.shape[1] // 2, "task", pa.array(tasks))
    return frame.insert_column(X.shape[1] // 2, pl.Series("task", tasks))


def as_array(labels, names=None):
    """Floats with NaN; strings stay objects."""
    found = np.array(labels, dtype=object if has_text(labels) else float)
    return found[:, 0] if names is None else found


def as_object(labels, names=None):
    return labels[:, 0].copy() if names is None else labels.copy()


def as_list(labels, names=None):
    return as_object(labels, names).tolist()


def as_masked(labels, names=None):
    """Another label of the same column under the mask."""
    mask = np.array([[v is None for v in row] for row in labels])
    fill = [next((v for v in column if v is not None), 0) for column in labels.T]
    filled = np.where(mask, np.array(fill, dtype=object)[None], labels)
    found = np.ma.masked_array(filled.astype(object if has_text(labels) else float), mask=mask)
    return found[:, 0] if names is None else found


def as_structured(labels, names=None):
    found = np.zeros(len(labels), dtype=[(name, float) for name in names])
    for name, column in zip(names, labels.T, strict=True):
        found[name] = column.astype(float)
    return found


def as_frame(labels, names=None):
    """One dtype a column, as pandas finds it."""
    columns = [_series(column) for column in labels.T]
    return columns[0] if names is None else pd.DataFrame(dict(zip(names, columns, strict=True)))


def as_nullable(labels, names=None):
    columns = [_series(column).convert_dtypes() for column in labels.T]
    return columns[0] if names is None else pd.DataFrame(dict(zip(names, columns, strict=True)))


def as_category(labels, names=None):
    """Strings as categories."""
    columns = [
        pd.Series(column, dtype="category") if has_text(column) else _series(column)
        for column in labels.T
    ]
    return columns[0] if names is None else pd.DataFrame(dict(zip(names, columns, strict=True)))


def as_polars(labels, names=None):
    columns = [pl.Series("y", column.tolist(), strict=False) for column in labels.T]
    return columns[0] if names is None else pl.DataFrame(dict(zip(names, columns, strict=True)))


def as_arrow(labels, names=None):
    columns = [pa.array(column.tolist()) for column in labels.T]
    return columns[0] if names is None else pa.table(dict(zip(names, columns, strict=True)))


Y_CONTAINERS = {
    "array": as_array,
    "object": as_object,
    "list": as_list,
    "masked": as_masked,
    "structured": as_structured,
    "frame": as_frame,
    "nullable": as_nullable,
    "category": as_category,
    "polars": as_polars,
    "arrow": as_arrow,
}
NAMED = {"structured", "frame", "nullable", "category", "polars", "arrow"}


def has_text(labels):
    """Whether there is a string among the labels."""
    return any(isinstance(v, str) for v in labels.ravel())


def _series(column):
    return pd.Series(column.tolist(), dtype=object).infer_objects()
