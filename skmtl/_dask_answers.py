"""What a fitted estimator says of a dask collection: lazy arrays, a block for each block."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from skmtl._dask_rows import delayed_rows, first_rows, is_frame, row_counts, with_whole_rows
from skmtl.tasks._features import find_task_feature

BY_ROW = "sample_weight"
"""What methods take beside X that has an entry per row."""


def answer_lazily(estimator: Any, method: str | Callable[..., Any], X: Any, **kwargs: Any) -> Any:
    """What a method of an estimator returns for X, of dask's arrays instead of numpy's.

    Two rows are answered at once, to know dtypes and shapes, and to say what is wrong with X;
    everything else when the result is computed. The estimator, as it is now, goes to each worker
    once.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    method : str or callable
        Name of a method that takes X first, and says something of every row; or a function of the
        estimator and X that does.
    X : dask array or DataFrame
        Features.
    **kwargs
        Further arguments of the method.

    Returns
    -------
    answer : dask array, DataFrame, or list or tuple of them
        In the structure of what the method returns for rows in memory.

    Raises
    ------
    ValueError
        If what is said of a row depends on others.
    """
    from dask import delayed

    check_is_fitted(estimator)
    X = with_whole_rows(X)
    weight = kwargs.pop(BY_ROW, None)
    # A later fit of the same estimator is not meant.
    model = copy.copy(estimator)
    ask = partial(_answer, method=method, kwargs=kwargs)
    example = _example(model, X, partial(ask, 0, weight=None, nothing=None, model=model))
    ask = partial(ask, nothing=_first(example, 0))
    answers = delayed_rows(ask, X, weight, model=delayed(model, traverse=False))
    return _collected(example, answers, X, method if isinstance(method, str) else method.__name__)


def _answer(
    number: int | None,
    X: Any,
    weight: Any,
    *,
    method: Any,
    kwargs: Any,
    nothing: Any,
    model: Any,
) -> Any:
    """What is said of a block."""
    if X.shape[0] == 0:
        return nothing
    if weight is not None:
        kwargs = {**kwargs, BY_ROW: weight}
    if callable(method):
        return method(model, X, **kwargs)
    return getattr(model, method)(X, **kwargs)


def _example(model: Any, X: Any, ask: Any) -> Any:
    """What is said of two rows like those of X: made up, or, where they will not do, the first."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = _rows_like(model, X)
            example = ask(X=rows)
            alone = ask(X=rows[:1])
    except (AttributeError, TypeError, ValueError) as error:
        rows = first_rows(X)
        if rows is None:
            raise error
        example = ask(X=rows)
        alone = ask(X=rows[:1])
    if _shapes(example, rows.shape[0]) != _shapes(alone, 1):
        raise ValueError(
            "What is asked for depends on all rows at once, which a dask collection does not "
            "have in one place: ask for rows in memory."
        )
    return example


def _rows_like(model: Any, X: Any) -> Any:
    """Two rows as those of X are, of a task that is known."""
    task_feature = getattr(model, "task_feature", None)
    tasks = getattr(model, "_task_set", None)
    if is_frame(X):
        rows = X._meta_nonempty.iloc[:2].copy()
    elif sparse.issparse(X._meta):
        rows = sparse.csr_matrix((2, X.shape[1]), dtype=X.dtype)
    else:
        rows = np.zeros_like(X._meta, shape=(2, *X.shape[1:]))
    if task_feature is None or tasks is None or sparse.issparse(rows):
        return rows
    position = find_task_feature(rows, task_feature)
    if is_frame(X):
        rows[rows.columns[position]] = [tasks.names[0]] * len(rows)
    else:
        rows[:, position] = tasks.names[0]
    return rows


def _shapes(answer: Any, n_rows: int) -> Any:
    """Shapes of the parts, that of a part but for its rows."""
    if isinstance(answer, list | tuple):
        return [_shapes(part, n_rows) for part in answer]
    shape = np.shape(answer)
    return (shape[0] == n_rows, shape[1:]) if shape else ()


def _first(answer: Any, n: int) -> Any:
    """The first rows of an answer."""
    if answer is None:
        return None
    if isinstance(answer, list | tuple):
        return type(answer)(_first(part, n) for part in answer)
    return answer.iloc[:n] if hasattr(answer, "iloc") else answer[:n]


def _part(answer: Any, place: int) -> Any:
    return answer[place]


def _collected(example: Any, answers: list[Any], X: Any, method: str) -> Any:
    """The answers to all blocks, in the structure of the example."""
    from dask import delayed

    if example is None:
        return None
    if isinstance(example, list | tuple):
        take = delayed(_part, pure=False)
        return type(example)(
            _collected(part, [take(answer, place) for answer in answers], X, method)
            for place, part in enumerate(example)
        )
    if isinstance(example, np.ndarray):
        return _array(example, answers, X)
    if hasattr(example, "iloc") and is_frame(X):
        import dask
        import dask.dataframe as dd

        # Text of the dtype that it has in memory: with pandas before 3, dask would make it another.
        with dask.config.set({"dataframe.convert-string": False}):
            # Of frames of two rows, without a value of them.
            return dd.from_delayed(
                answers, meta=example.iloc[:0], divisions=X.divisions, verify_meta=False
            )
    raise TypeError(
        f"{method} of a dask {type(X).__name__} would be a {type(example).__name__} in blocks, "
        "which dask does not have: give X as a dask DataFrame, or ask for rows in memory."
    )


def _array(example: Any, answers: list[Any], X: Any) -> Any:
    """One array of the answers."""
    import dask.array as da

    nothing = example[:0]
    parts = [
        da.from_delayed(answer, (n_rows, *example.shape[1:]), meta=nothing)
        for answer, n_rows in zip(answers, row_counts(X), strict=True)
    ]
    return da.concatenate(parts, axis=0, allow_unknown_chunksizes=True)
