r"""Where a path of alphas ends: once smaller alphas have brought nothing for long.

Of the scores s of the alphas tried so far, means over the folds, let best(k) be the largest of
the first k. The path ends at the first k with

.. math:: \mathrm{best}(k) - \mathrm{best}(j) \le \delta \, (\mathrm{best}(k) - s_1),

j the last alpha that is ten times as large as alpha k, and ten steps before it: in the last
decade the best score has risen by less than a share :math:`\delta` of all it has risen by. Both
the score that is maximised and the share of deviance explained have to be flat in this sense:
accuracy stays where it is for long while probabilities still change, and may rise while they get
worse. Scores that converge as alpha vanishes approach their limit by a factor in each decade, so
that what lies beyond is less than what the last decade brought.

`glmnet` ends a path where the deviance of the training data is flat (Friedman, Hastie and
Tibshirani, "Regularization paths for generalized linear models via coordinate descent", Journal
of Statistical Software 33, 2010, section 2.5 and its ``fdev``). Here there are held-out labels:
they also tell where a path has passed its best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._scored_columns import mean_scores
from skmtl.linear.cross_validation._held_out import FoldScores

Array = NDArray[Any]

FLAT = 1e-4
"""Share of what was gained, below which a decade of alphas has brought nothing."""

DECADE, STEPS = 10.0, 10
"""How far, and in how many alphas at least, a path goes on without a gain."""


def path_end(alphas: Array, scores: Sequence[FoldScores]) -> int | None:
    """Number of alphas after which the path ends, of the first ones; None if it goes on.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        All alphas, descending.
    scores : list of FoldScores
        Of every fold, the scores of the first alphas.
    """
    n_tried = len(scores[0].mean)
    before = _before(alphas[:n_tried])
    is_flat = before >= 0
    for name in ("mean", "explained"):
        by_fold = np.array([getattr(of_fold, name) for of_fold in scores])
        mean = mean_scores(by_fold)
        best = np.fmax.accumulate(mean)
        with np.errstate(invalid="ignore"):
            is_flat &= best - best[np.maximum(before, 0)] <= FLAT * (best - mean[0])
    return int(np.argmax(is_flat)) + 1 if is_flat.any() else None


def _before(alphas: Array) -> Array:
    """Position of the alpha to compare each with; negative where there is none yet."""
    # Up to the rounding of the grid.
    larger = np.searchsorted(-alphas, -DECADE * alphas * (1.0 - 1e-9), side="right") - 1
    return np.minimum(larger, np.arange(len(alphas)) - STEPS)
