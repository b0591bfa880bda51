"""Coefficients of low rank for every alpha, from what the rows add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from skmtl.linear.objective._statistics import Statistics
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._reduced_rank import LowRank


class LowRankPath:
    """What `PathProblem` is for penalties, for a bound on the rank.

    Parameters
    ----------
    find : callable
        From statistics and alpha to `LowRank`.
    statistics : Statistics
        Of the rows.
    """

    def __init__(self, find: Callable[[Statistics, float], LowRank], statistics: Any) -> None:
        self.find, self.statistics = find, statistics

    def solutions(self, alphas: Any) -> Iterator[LinearFit]:
        """`LinearFit` for each alpha."""
        stats = self.statistics
        for alpha in np.asarray(alphas, dtype=np.float64).tolist():
            found = self.find(stats, alpha)
            b = stats.intercepts(found.W)
            yield LinearFit(found.W, b, None, gap=np.nan, n_iter=len(found.objective))
