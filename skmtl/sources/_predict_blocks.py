"""Predictions of any estimator, block by block."""

from __future__ import annotations

from typing import Any

from skmtl._dask_answers import answer_lazily
from skmtl._dask_rows import is_dask


def predict_blocks(estimator: Any, X: Any, method: str = "predict", **kwargs: Any) -> Any:
    """Predict a dask collection by any estimator, lazily and block by block.

    The methods of skmtl's estimators do so by themselves. This is for what has them inside, or
    none of them: a :class:`~sklearn.pipeline.Pipeline`, whose steps would bring all rows into
    memory, or an estimator of scikit-learn.

    Parameters
    ----------
    estimator : estimator
        Fitted. It is sent to each worker once, as it is now.
    X : dask array of shape (n_samples, n_features), or dask DataFrame
        Features.
    method : str, default="predict"
        Name of a method that takes X and says something of every row: also "predict_proba",
        "transform", ...
    **kwargs : dict
        Further arguments of the method, the same for all rows.

    Returns
    -------
    prediction : dask array, DataFrame, or list or tuple of them
        Of the structure, dtype and shape that the method returns for rows in memory.

    Raises
    ------
    TypeError
        If X is no dask collection of rows and columns.
    ValueError
        If what is said of a row depends on others.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.sources import predict_blocks
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 4))
    >>> model = make_pipeline(StandardScaler(), MultiTaskLinear()).fit(X, X[:, :2])
    >>> blocks = da.random.default_rng(0).normal(size=(9_000, 4), chunks=(3_000, 4))
    >>> predict_blocks(model, blocks).chunks
    ((3000, 3000, 3000), (2,))
    """
    if not is_dask(X):
        raise TypeError(
            f"predict_blocks is for dask arrays and dataframes, got a {type(X).__name__}; "
            f"estimator.{method}(X) predicts rows in memory."
        )
    return answer_lazily(estimator, method, X, **kwargs)
