r"""Where a path goes on beyond its last alpha: while that is the best, and not for nothing.

The ends of a grid are a guess. Where features are nearly the same, signals lie in their small
differences, and a norm lets them in only far below the alpha at which nothing is left. So a path
whose last alpha scores best goes on by another decade, unless the last one has brought nothing: as
`_stopping` says, less than a share :math:`\delta` of what was gained before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.cross_validation._score_paths import ScorePaths
from skmtl.linear.cross_validation._selection import mean_over_folds
from skmtl.linear.cross_validation._stopping import DECADE, FLAT

Array = NDArray[Any]

STEPS = 10
"""Alphas of a decade."""

MOST_DECADES = 4
"""Beyond the grid. Solvers get there, and features that differ by less differ by rounding."""


def extended(found: ScorePaths, score: Callable[[list[int], Array], ScorePaths]) -> ScorePaths:
    """Scores of the paths with those of the decades beyond.

    ``score`` gives those of some models (their positions) along alphas (n_models, n_alphas).
    """
    for _ in range(MOST_DECADES):
        means = mean_over_folds(found.to_maximise)
        further = [k for k, path in enumerate(means) if goes_on(found.alphas[k], path)]
        if not further:
            break
        alphas = found.alphas[:, -1:] * np.logspace(0.0, -1.0, STEPS + 1)[1:]
        found = found.followed_by(alphas, score(further, alphas[further]), further)
    return found


def goes_on(alphas: Array, scores: Array) -> bool:
    """Whether to try smaller alphas than these, descending, with mean scores ``scores``."""
    if not np.isfinite(scores).all() or np.argmax(scores) < len(alphas) - 1:
        return False
    before = alphas >= DECADE * alphas[-1] * (1.0 - 1e-9)
    if not before.any():
        return False
    rise, gain = scores[-1] - scores[before].max(), scores[-1] - scores[0]
    return bool(rise > FLAT * gain)
