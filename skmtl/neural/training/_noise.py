"""How much of the labels is noise: decides how strongly weights decay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.distance import pdist, squareform

from skmtl.neural.inputs._inputs import Inputs
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

# Rows and columns of y that tell enough.
N_ROWS, N_COLUMNS = 400, 8
# Strengths of ridge, in units of the mean eigenvalue.
STRENGTHS = np.logspace(-5, 3, 17)
# Where there is hardly any signal, its share is not known by more than this.
MOST = 0.98
# A row that decides on its own prediction says nothing of that of others.
SMALL = 1e-6


def noise_to_signal(inputs: Inputs, X: Any, targets: Targets) -> float:
    r"""Variance that kernel ridge regression leaves over the variance that it explains.

    .. math:: \frac{u}{1 - u}, \qquad
        u = \min_{k, \lambda} \frac{\sum_i (y_i - \hat y_{-i})^2}{\sum_i (y_i - \bar y_{-i})^2},
        \qquad y_i - \hat y_{-i} = \frac{y_i - \hat y_i}{1 - h_i}

    in the mean of u over tasks, each label predicted by the others in closed form [1]_, with the
    linear kernel and with that of Laplace in the sum of absolute differences, whose width is the
    median of these. Classes are read as columns of 0 and 1. In long form tasks are pooled.

    Parameters
    ----------
    inputs : Inputs
        What the network reads of X.
    X : ndarray or sparse array of shape (n, ...)
        Features.
    targets : Targets
        Labels of these rows.

    References
    ----------
    .. [1] D. M. Allen, "The relationship between variable selection and data augmentation and a
       method for prediction", Technometrics 16, 1974.
    """
    columns = list(targets.columns())
    picked = np.unique(np.linspace(0, len(columns) - 1, N_COLUMNS).astype(int))
    found: dict[bytes, list[Array]] = {}
    for task, values, weights in (columns[k] for k in picked):
        labels = values.astype(float)[:, None]
        if task.is_classification:
            labels = (labels == np.arange(len(task.classes_))).astype(float)
        rows = _some(np.flatnonzero(weights > 0))
        # Columns with the same rows share a decomposition.
        found.setdefault(rows.tobytes(), []).append(labels[rows])
    shares = []
    for key, labels in found.items():
        rows = np.frombuffer(key, dtype=np.intp)
        shares.extend(_left(inputs.transform(X, rows, np.float64), labels))
    u = np.mean(shares) if shares else 0.5
    u = min(u, MOST)
    return float(u / (1.0 - u))


def _some(rows: Array) -> Array:
    if len(rows) <= N_ROWS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, N_ROWS, replace=False))


def _left(X: Any, labels: list[Array]) -> list[float]:
    """The share u of each of some arrays of labels (n, n_columns)."""
    n_rows = X.shape[0]
    if n_rows < 3:
        return []
    centred = [Y - Y.mean(axis=0) for Y in labels]
    centred = [Y for Y in centred if Y.any()]
    # Each row predicted by the mean of the others.
    constants = [(n_rows / (n_rows - 1.0)) ** 2 * (Y**2).sum() for Y in centred]
    best = list(constants)
    for U, eigenvalues in _decompositions(X):
        for strength in STRENGTHS * max(eigenvalues.mean(), np.finfo(float).tiny):
            f = eigenvalues / (eigenvalues + strength)
            left = np.maximum(1.0 - 1.0 / n_rows - (U**2) @ f, SMALL)[:, None]
            for k, Y in enumerate(centred):
                residual = (Y - U @ (f[:, None] * (U.T @ Y))) / left
                best[k] = min(best[k], (residual**2).sum())
    return [float(one / constant) for one, constant in zip(best, constants, strict=True)]


def _decompositions(X: Any) -> Iterator[tuple[Array, Array]]:
    """Eigenvectors and eigenvalues of the centred kernels."""
    X = np.asarray(X.toarray() if sparse.issparse(X) else X).reshape(X.shape[0], -1)
    X = X - X.mean(axis=0)
    if X.shape[0] > X.shape[1]:
        U, s, _ = np.linalg.svd(X, full_matrices=False)
        yield U, s**2
    else:
        yield _eigen(X @ X.T)
    distances = pdist(X, "cityblock")
    width = np.median(distances)
    if width > 0:
        K = np.exp(-squareform(distances) / width)
        K -= K.mean(axis=0)
        yield _eigen(K - K.mean(axis=1, keepdims=True))


def _eigen(K: Array) -> tuple[Array, Array]:
    eigenvalues, U = np.linalg.eigh(K)
    return U, np.maximum(eigenvalues, 0.0)
