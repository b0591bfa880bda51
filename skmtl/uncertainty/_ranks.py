r"""Ends of intervals and sets, by the rank of scores among those of labels that were held out.

A score says how far a label is from what a model that did not see it expects. Of m scores with
weights w, and one of a new row with weight :math:`w_0`, the quantile of the finite sample [1]_
[2]_ is

.. math:: Q = \min \{s : \textstyle\sum_{i: s_i \le s} w_i \ge c \, (w_0 + \sum_i w_i)\},

for weights of 1 the score of rank :math:`\lceil c (m + 1) \rceil`, and infinite where there is
none. With several models, each of which did not see the labels of one fold, the scores are taken
at what each label's own model says of the new row (CV+) [3]_.

References
----------
.. [1] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman, "Distribution-free
   predictive inference for regression", JASA 113, 2018, algorithm 2.
.. [2] R. J. Tibshirani, R. Foygel Barber, E. J. Candes and A. Ramdas, "Conformal prediction under
   covariate shift", NeurIPS 2019, corollary 1.
.. [3] R. Foygel Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, "Predictive inference with
   the jackknife+", Annals of Statistics 49, 2021, eq. 2.6 and 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

Array = NDArray[Any]

ROUNDING = 1e-9
"""Share of the weights by which a sum may miss what it has to reach: 0.9 * 10 is 9."""

CELLS = 2**22
"""Numbers of a batch: rows times labels."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Held-out scores of one task, with their weights and the model that each is of."""

    scores: Array
    weights: Array
    models: Array

    @classmethod
    def join(cls, parts: list[Self]) -> Self:
        """All of them."""
        fields = ("scores", "weights", "models")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))

    def take(self, rows: Array) -> Self:
        """Some of them."""
        return type(self)(self.scores[rows], self.weights[rows], self.models[rows])

    def needed(self, coverage: float, weight: Array | float) -> Any:
        """Sum of weights that the ranks have to reach, for new rows of this weight."""
        total = self.weights.sum() + np.asarray(weight, dtype=np.float64)
        return coverage * total - ROUNDING * total

    def ends(self, bands: Any, coverage: float, weight: Array | float = 1.0) -> Array:
        """Intervals (n, 2) from what the models say of n rows: ``bands``, one for each model."""
        n_rows = len(bands[0].low)
        needed = np.broadcast_to(self.needed(coverage, weight), n_rows)
        if len(np.unique(self.models)) <= 1:
            band = bands[self.models[0]] if len(self.models) else bands[0]
            reach = _quantiles_of_one(self.scores, self.weights, needed) * band.scale
            return np.column_stack([band.low - reach, band.high + reach])
        low, high, scale = (
            np.column_stack([getattr(band, name) for band in bands])
            for name in ("low", "high", "scale")
        )
        ends = np.empty((n_rows, 2))
        for rows in gen_batches(n_rows, max(1, CELLS // len(self.scores))):
            reach = scale[rows][:, self.models] * self.scores
            for k, at in enumerate((reach - low[rows][:, self.models], None)):
                at = reach + high[rows][:, self.models] if at is None else at
                ends[rows, k] = (-1.0, 1.0)[k] * _quantiles(at, self.weights, needed[rows])
        return ends

    def is_within(self, scores: Any, coverage: float, weight: Array | float = 1.0) -> Array:
        """Where fewer labels than needed have a lower score than new ones have.

        ``scores`` is (n, n_classes) for each model.
        """
        below: Any = 0.0
        for model, of_model in enumerate(scores):
            own = self.take(np.flatnonzero(self.models == model))
            order = np.argsort(own.scores, kind="stable")
            total = np.append(0.0, own.weights[order].cumsum())
            below = below + total[np.searchsorted(own.scores[order], of_model, side="left")]
        needed = np.broadcast_to(self.needed(coverage, weight), len(scores[0]))
        return np.asarray(below < needed[:, None])


def _quantiles_of_one(scores: Array, weights: Array, needed: Array) -> Array:
    """Quantile of the same scores for each row; inf where the weights do not reach."""
    order = np.argsort(scores, kind="stable")
    rank = np.searchsorted(weights[order].cumsum(), needed, side="left")
    return np.append(scores[order], np.inf)[rank]


def _quantiles(values: Array, weights: Array, needed: Array) -> Array:
    """Quantile of each row of ``values``; inf where the weights do not reach."""
    if (weights == 1.0).all() and (needed == needed[0]).all():
        rank = int(np.ceil(needed[0])) - 1
        if rank >= values.shape[1]:
            return np.full(len(values), np.inf)
        return np.asarray(np.partition(values, rank, axis=1)[:, rank])
    order = np.argsort(values, axis=1, kind="stable")
    reached = weights[order].cumsum(axis=1) >= needed[:, None]
    found = np.take_along_axis(values, order, axis=1)[np.arange(len(values)), reached.argmax(1)]
    return np.where(reached[:, -1], found, np.inf)
