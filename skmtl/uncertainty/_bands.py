r"""What a model says of the labels of a row: between which numbers, on which scale.

The score of a label y is how far it lies outside of the band, in its scale,

.. math:: s(x, y) = \max(l(x) - y, \, y - h(x)) \, / \, \sigma(x),

so that the labels with a score of at most q are the interval
:math:`[l(x) - q \sigma(x), \, h(x) + q \sigma(x)]`. With :math:`l = h` what is expected and
:math:`\sigma = 1` it is the absolute residual; with another :math:`\sigma` a normalised one [1]_;
with quantiles l and h that of conformalized quantile regression [2]_.

References
----------
.. [1] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman, "Distribution-free
   predictive inference for regression", JASA 113, 2018, section 5.2.
.. [2] Y. Romano, E. Patterson and E. J. Candes, "Conformalized quantile regression", NeurIPS 2019,
   eq. 6.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._innermost import final_estimator, last_step, unwrap
from skmtl.compose import IndependentTasks
from skmtl.compose._features import take_rows
from skmtl.tasks import Quantile, Task
from skmtl.tasks._log_link import LogLink
from skmtl.tasks._rows import rows_by_task

Array = NDArray[Any]


SCORES = "absolute", "normalized", "quantile"


@dataclass(frozen=True, eq=False)
class Band:
    """Bands (n,) of n rows: ``low``, ``high`` and ``scale``."""

    low: Array
    high: Array
    scale: Array

    @property
    def centre(self) -> Array:
        """Middle of the band."""
        return 0.5 * (self.low + self.high)

    def scores(self, y: Array) -> Array:
        """How far labels, in the units of y, are outside."""
        return np.maximum(self.low - y, y - self.high) / self.scale

    def take(self, rows: Any) -> Self:
        """Some of the rows."""
        return type(self)(self.low[rows], self.high[rows], self.scale[rows])

    def times(self, factor: Any) -> Self:
        """On a scale that is larger by a factor."""
        return type(self)(self.low, self.high, self.scale * factor)


FIELDS = "low", "high", "scale"


def some_rows(said: Any, rows: Array) -> Any:
    """What is said of some of the rows: a `Band`, or probabilities."""
    return said.take(rows) if isinstance(said, Band) else said[rows]


def band_of(task: Task, expected: Array, scale: Array | None, coverage: float, score: str) -> Band:
    """The band that is expected of a task of numbers.

    Of a `Quantile` task it is that between the levels nearest to those of the ``coverage``, unless
    ``score`` asks for residuals.
    """
    scale = np.ones(len(expected)) if scale is None else scale
    if isinstance(task, Quantile) and score in ("auto", "quantile"):
        low, high = (
            expected[:, np.abs(task.levels_ - level).argmin()]
            for level in (0.5 - 0.5 * coverage, 0.5 + 0.5 * coverage)
        )
        return Band(low, high, scale)
    centre = np.asarray(task.decode(expected), dtype=np.float64)
    return Band(centre, centre, scale)


def possible(task: Task, ends: Array) -> Array:
    """Intervals (n, 2) of labels that the task can have, lower ends first.

    Predicted quantiles that are too far apart are moved inwards, perhaps past each other: what is
    left is the middle.
    """
    crossed = ends[:, 0] > ends[:, 1]
    ends[crossed] = ends[crossed].mean(axis=1, keepdims=True)
    return np.maximum(ends, 0.0) if isinstance(task, LogLink) else ends


def gives_std(estimator: Any) -> bool:
    """Whether a fitted or unfitted estimator predicts standard deviations of labels."""
    try:
        return "return_std" in inspect.signature(final_estimator(estimator).predict).parameters
    except (AttributeError, TypeError, ValueError):
        return False


def gives_std_of_any(estimator: Any) -> bool:
    """The same of an estimator, not fitted, or of those that it holds for one task each."""
    held = [estimator, *(getattr(estimator, name, None) for name in ("estimator", "regressor"))]
    return any(one is not None and gives_std(last_step(one)) for one in held)


def scale_of(fitted: Any, X: Any, n_columns: int, score: str) -> list[Array | None]:
    """Standard deviations (n,) of each column of y, where the estimator has them, as scales."""
    if score in ("auto", "normalized"):
        if isinstance(fitted, IndependentTasks):
            return [_positive(std) for std in _std_of_each(fitted, X)]
        if gives_std(fitted):
            return [_positive(std) for std in _std(fitted, X, n_columns)]
    return [None] * n_columns


def _std(fitted: Any, X: Any, n_columns: int) -> list[Array]:
    final, X = unwrap(fitted, X)
    std = np.asarray(final.predict(X, return_std=True)[1], dtype=np.float64)
    return list(std.reshape(-1, n_columns).T)


def _std_of_each(fitted: IndependentTasks, X: Any) -> list[Array | None]:
    """Those of estimators of one task each."""
    X, task_index = fitted._read_new(X)
    singles = [single if gives_std(single) else None for single in fitted.estimators_]
    if task_index is None:
        return [None if single is None else _std(single, X, 1)[0] for single in singles]
    if all(single is None for single in singles):
        return [None]
    std = np.full(X.shape[0], np.nan)
    for single, rows in zip(singles, rows_by_task(task_index, len(singles)), strict=True):
        if len(rows) and single is not None:
            std[rows] = _std(single, take_rows(X, rows), 1)[0]
    return [std]


LEAST = 1e-150
"""Of a standard deviation, which divides residuals: nothing is divided by 0."""


def _positive(std: Array | None) -> Array | None:
    """A scale that can be divided by; 1 where none is known."""
    return None if std is None else np.where(np.isnan(std), 1.0, np.maximum(std, LEAST))
