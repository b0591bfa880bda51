"""Trees of neighbours and their distances: made again from points and plain parameters.

Their state is nodes and places in memory, which a file could point anywhere. The same points give
the same tree.
"""

from __future__ import annotations

from typing import Any

TREES = ("sklearn.neighbors._kd_tree.KDTree", "sklearn.neighbors._ball_tree.BallTree")
DISTANCES = tuple(
    f"sklearn.metrics._dist_metrics.{name}Distance"
    for name in (
        "BrayCurtis", "Canberra", "Chebyshev", "Dice", "Euclidean", "Hamming", "Haversine",
        "Jaccard", "Mahalanobis", "Manhattan", "Minkowski", "RogersTanimoto", "RussellRao",
        "SEuclidean", "SokalMichener", "SokalSneath",
    )
)  # fmt: skip
"""Those that are formulas. One that calls a function of the user's is none."""


def arguments_of(thing: Any) -> tuple[Any, ...] | None:
    """What a tree or a distance is made of again; None of anything else."""
    name = f"{type(thing).__module__}.{type(thing).__qualname__}"
    if name.startswith(TREES):
        # Points, places, nodes and bounds; the size of leaves; counts; distance and weights.
        points, _, _, _, leaf_size, *_, distance, weights = thing.__getstate__()
        return points, leaf_size, distance, weights
    if not name.startswith(DISTANCES):
        return None
    power, vector, matrix = thing.__getstate__()[:3]
    kind = name.rpartition(".")[2].partition("Distance")[0]
    return {
        "Minkowski": (power, vector if len(vector) else None),
        "SEuclidean": (vector,),
        "Mahalanobis": (None, matrix),
    }.get(kind, ())
