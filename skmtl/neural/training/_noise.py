"""How much of the labels is noise: decides how strongly weights decay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.distance import pdist, squareform

from skmtl._spectrum import Spectrum
from skmtl.neural.inputs._inputs import Inputs
from skmtl.tasks._targets import LabelColumn, Targets

Array = NDArray[Any]

# Rows and columns of y that tell enough.
N_ROWS, N_COLUMNS = 400, 8
# Strengths of ridge, in units of the mean eigenvalue.
STRENGTHS = np.logspace(-5, 3, 17)
# Where there is hardly any signal, its share is not known by more than this.
MOST = 0.98


class Unexplained(NamedTuple):
    """Shares of the variance that kernel ridge regression leaves, in the mean over tasks.

    The least of both kernels, for each task; that of the linear kernel; that of Laplace's. And the
    strength of ridge with which the linear kernel leaves least, in units of the mean eigenvalue:
    the geometric mean over tasks.
    """

    least: float
    linear: float
    laplace: float
    strength: float = 1.0

    @property
    def noise_to_signal(self) -> float:
        """What is left over what is explained."""
        u = min(self.least, MOST)
        return u / (1.0 - u)

    @property
    def bends(self) -> float:
        """What a curved function leaves over what a linear one does, at least 1."""
        return max(1.0, self.laplace / self.linear) if self.linear else 1.0


def unexplained(inputs: Inputs, X: Any, targets: Targets) -> Unexplained:
    r"""What kernel ridge regression leaves of the labels of rows that it has not seen.

    .. math:: u_k = \min_{\alpha}
        \frac{\sum_i (y_i - \hat y_{-i})^2}{\sum_i (y_i - \bar y_{-i})^2}

    in the mean over tasks, each label predicted by the others (`Spectrum.held_out`), with the
    linear kernel and with that of Laplace in the sum of absolute differences, whose width is the
    median of these. Classes are read as columns of 0 and 1, and so are quantiles: whether a label
    is above them. In long form tasks are pooled.

    Parameters
    ----------
    inputs : Inputs
        What the network reads of X.
    X : ndarray or sparse array of shape (n, ...)
        Features.
    targets : Targets
        Labels of these rows.
    """
    found: dict[bytes, list[Array]] = {}
    for (task, values, weights), rows in zip(
        _picked(targets), rows_with_noise(targets), strict=True
    ):
        if not len(rows):
            continue
        labels = task.as_numbers(values, weights)[:, None]
        if task.is_classification:
            labels = (labels == np.arange(len(task.classes_))).astype(float)
        elif task.expected_shape:
            used = weights > 0
            labels = (labels > task.raw_prior(values[used], weights[used])).astype(float)
        # Columns with the same rows share a decomposition.
        found.setdefault(rows.tobytes(), []).append(labels[rows])
    shares: list[Array] = []
    for key, columns in found.items():
        rows = np.frombuffer(key, dtype=np.intp)
        shares.extend(_left(inputs.one_hot.transform(X, rows, np.float64), columns))
    if not shares:
        return Unexplained(0.5, 0.5, 0.5)
    of_tasks = np.array(shares)
    linear, laplace = of_tasks[:, :2].mean(axis=0).tolist()
    strength = float(np.exp(np.log(of_tasks[:, 2]).mean()))
    return Unexplained(float(of_tasks[:, :2].min(axis=1).mean()), linear, laplace, strength)


def _picked(targets: Targets) -> list[LabelColumn]:
    """Columns of y that tell enough."""
    columns = list(targets.columns())
    return [columns[k] for k in np.unique(np.linspace(0, len(columns) - 1, N_COLUMNS).astype(int))]


def rows_with_noise(targets: Targets) -> list[Array]:
    """For each of the columns that tell enough, the rows that do."""
    return [_some(np.flatnonzero(column.weights > 0)) for column in _picked(targets)]


def _some(rows: Array) -> Array:
    if len(rows) <= N_ROWS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, N_ROWS, replace=False))


def _left(X: Any, labels: list[Array]) -> list[Array]:
    """The shares by both kernels, and the strength with the linear one, of arrays of labels."""
    n_rows = X.shape[0]
    if n_rows < 3:
        return []
    centred = [Y - Y.mean(axis=0) for Y in labels]
    centred = [Y for Y in centred if Y.any()]
    # Each row predicted by the mean of the others.
    constants = [(n_rows / (n_rows - 1.0)) ** 2 * (Y**2).sum() for Y in centred]
    left = np.ones((len(centred), 3))
    for kernel, spectrum in enumerate(_spectra(X)):
        alphas = STRENGTHS * (spectrum.values.mean() if len(spectrum.values) else 1.0)
        for task, (Y, constant) in enumerate(zip(centred, constants, strict=True)):
            errors = np.square(spectrum.held_out(Y, alphas, None)).sum(axis=(1, 2))
            left[task, kernel] = min(1.0, errors.min() / constant)
            if not kernel:
                left[task, 2] = STRENGTHS[errors.argmin()]
    return list(left)


def _spectra(X: Any) -> Iterator[Spectrum]:
    """Of both kernels, all rows counting alike."""
    X = np.asarray(X.toarray() if sparse.issparse(X) else X).reshape(X.shape[0], -1)
    share = np.full(len(X), 1.0 / len(X))
    if len(X) > X.shape[1]:
        yield Spectrum.of_features(X, share)
    else:
        centred = X - X.mean(axis=0)
        yield Spectrum.of_kernel(centred @ centred.T, share)
    distances = pdist(X, "cityblock")
    width = np.median(distances)
    if width > 0:
        yield Spectrum.of_kernel(np.exp(-squareform(distances) / width), share)
