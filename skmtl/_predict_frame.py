"""Predictions of pipelines and searches as a table."""

from __future__ import annotations

from typing import Any

from skmtl._dask_rows import is_dask
from skmtl._frames import frame_of
from skmtl._innermost import knows_tasks, unwrap


def predict_frame(estimator: Any, X: Any, *, output: str | None = None) -> Any:
    """Predict the labels of every task, as a DataFrame with their names.

    For what has no method of this name: a :class:`~sklearn.pipeline.Pipeline` or a search, to
    which X is given as it is. Rows keep the index of X, whatever the steps do with it.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator of this package; also as the last step of a pipeline, or in a fitted
        search.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Features.
    output : {"pandas", "polars"}, default=None
        Library of the result; by default that of X, pandas where X is of neither.

    Returns
    -------
    frame : DataFrame of shape (n_samples, n_tasks)
        A column per task, in the dtype of its labels. A 1-D y has one column, named as y was or
        "prediction"; in long form the task of the row stands before it.

    Raises
    ------
    TypeError
        If the estimator is none of this package.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmtl import MultiTaskLinear, predict_frame
    >>> X = pd.DataFrame({"age": [1.0, 2.0, 3.0, 4.0]}, index=["a", "b", "c", "d"])
    >>> y = pd.DataFrame({"size": [1.1, 2.0, 2.9, 4.0], "adult": ["no", "no", "yes", None]})
    >>> model = make_pipeline(StandardScaler(), MultiTaskLinear(alpha=0.01)).fit(X, y)
    >>> predict_frame(model, X[-1:]).round(1)
       size adult
    d   3.9   yes
    """
    if is_dask(X):
        from skmtl._dask_answers import answer_lazily

        return answer_lazily(estimator, predict_frame, X, output=output)
    final, inner = unwrap(estimator, X)
    if not knows_tasks(final):
        raise TypeError(
            f"predict_frame needs an estimator of skmtl, got {type(final).__name__}; "
            "IndependentTasks makes one of any scikit-learn estimator."
        )
    return frame_of(final, inner, X, output)
