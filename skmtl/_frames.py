"""Predictions as a table: a column per task, with its name and its own dtype."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from importlib import import_module
from typing import Any

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmtl._by_blocks import by_blocks
from skmtl.tasks._by_name import column_names
from skmtl.tasks._features import as_table, find_task_feature, read_task_column, split_task_feature

Array = NDArray[Any]

LIBRARIES = ("pandas", "polars")
PREDICTION, TASK = "prediction", "task"


class PredictsFrames:
    """Mixin for estimators that know the names of their tasks."""

    _task_set: Any
    _decisions: Any
    _read_new: Any
    task_feature: Any

    @by_blocks
    def predict_frame(self, X: Any, *, output: str | None = None) -> Any:
        """Predict the labels of every task, as a DataFrame with their names.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, with the task feature in long form.
        output : {"pandas", "polars"}, default=None
            Library of the result; by default that of X, pandas where X is of neither.

        Returns
        -------
        frame : DataFrame of shape (n_samples, n_tasks)
            The predictions of `predict`, where every task has the dtype of its labels: float for
            numbers, that of its classes for others. Rows have the index of X, columns the names
            in ``task_names_in_`` (as strings in polars). A 1-D y has one column, named as y was
            or "prediction"; in long form the task of the row stands before it.
        """
        return frame_of(self, X, X, output)

    def _titles(self) -> Sequence[Hashable]:
        """Names of the columns of predictions."""
        if not (self._task_set.is_1d or self._task_set.is_long):
            return list(self._task_set.names.tolist())
        name = getattr(self, "_name_of_y", None)
        return [PREDICTION if name is None or name == "" else name]


def frame_of(estimator: Any, X: Any, given: Any, output: str | None) -> Any:
    """Predictions for X, as a table like the X that was ``given``."""
    check_is_fitted(estimator)
    library = _library(given, output)
    columns = dict(
        zip(estimator._titles(), estimator._decisions(*estimator._read_new(X)), strict=True)
    )
    if estimator._task_set.is_long:
        columns = {**_tasks_of_rows(estimator, X, columns), **columns}
    # From lists a library makes its own dtypes for text.
    parts = [part.tolist() if part.dtype.kind == "O" else part for part in columns.values()]
    if library == "polars":
        names = _as_text(list(columns))
        return import_module("polars").DataFrame(dict(zip(names, parts, strict=True)))
    pandas = import_module("pandas")
    index = given.index if hasattr(given, "iloc") else None
    frame = pandas.concat([pandas.Series(part, index=index) for part in parts], axis=1)
    frame.columns = pandas.Index(list(columns), tupleize_cols=False)
    return frame


def _library(X: Any, output: str | None) -> str:
    if output is not None and output not in LIBRARIES:
        raise ValueError(f"output={output!r}; expected 'pandas', 'polars' or None.")
    home = output or type(X).__module__.partition(".")[0]
    library = home if home in LIBRARIES else "pandas"
    try:
        import_module(library)
    except ImportError as error:
        raise ImportError(f"predict_frame needs {library}: pip install {library}") from error
    return library


def _tasks_of_rows(estimator: Any, X: Any, taken: Any) -> dict[Hashable, Array]:
    """The task of each row, by the name of the task feature."""
    X = as_table(X)
    names, feature = column_names(X), estimator.task_feature
    # A name that a step before has made longer is not what the user calls it.
    name: Hashable = feature if isinstance(feature, str) else TASK
    if not isinstance(feature, str) and names is not None:
        name = names[find_task_feature(X, feature)]
    labels = read_task_column(split_task_feature(X, feature)[1]).labels
    return {name if name not in taken else f"{name} (task)": labels}


def _as_text(names: Sequence[Hashable]) -> list[str]:
    """Names as strings that differ."""
    texts = [str(name) for name in names]
    return texts if len(set(texts)) == len(texts) else [repr(name) for name in names]
