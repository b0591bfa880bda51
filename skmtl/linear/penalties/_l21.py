"""The same few features for all tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.linear.penalties._base import Array
from skmtl.linear.penalties._row_norm import RowNorm

AXES = ("features", "tasks")


class L21(RowNorm):
    r"""Sum of the row norms of W: a feature is used by all tasks or by none.

    .. math:: \Omega(W) = \sum_j \|W_{j \cdot}\|_2

    With ``axis="tasks"`` the sum of the column norms, :math:`\sum_t \|W_{\cdot t}\|_2`: a task
    is an outlier or not, in `Split`.

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty.
    axis : {"features", "tasks"}, default="features"
        What a group is: the coefficients of a feature, or those of a task.
    feature_weight : array-like of shape (n_features,), default=None
        Factor on each feature's norm; 1 by default. Only with ``axis="features"``.

    References
    ----------
    Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace selection for
    multiple classification problems", Statistics and Computing 20, 2010, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import L21
    >>> L21().prox(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0)
    array([[2.4, 3.2],
           [0. , 0. ]])
    """

    alias = "l21"

    def __init__(
        self, weight: float = 1.0, *, axis: str = "features", feature_weight: Any = None
    ) -> None:
        self.weight = weight
        self.axis = axis
        self.feature_weight = feature_weight

    def check(self, n_features: int | None = None) -> None:
        super().check(n_features)
        if self.over_tasks and self.feature_weight is not None:
            raise ValueError(
                "L21(axis='tasks') has one norm per task, in which features have no weights of "
                "their own: feature_weight goes with axis='features'."
            )

    @property
    def prox_order(self) -> int | None:  # type: ignore[override]
        """Groups of rows have a joint prox with other row-wise norms, groups of columns do not."""
        return None if self.over_tasks else 2

    @property
    def over_tasks(self) -> bool:  # type: ignore[override]
        """Whether the groups are tasks."""
        if self.axis not in AXES:
            raise ValueError(f"L21(axis={self.axis!r}); expected one of {AXES}.")
        return self.axis == "tasks"

    @property
    def is_rotation_invariant(self) -> bool:  # type: ignore[override]
        """Norms of columns are."""
        return self.over_tasks

    def _sizes(self, W: Array) -> tuple[Array, Any]:
        """Norm and weight of each group, shaped to broadcast with W."""
        if self.over_tasks:
            return np.linalg.norm(W, axis=0, keepdims=True), self.weight
        return np.linalg.norm(W, axis=1, keepdims=True), self.row_weights(W)

    def value(self, W: Array) -> float:
        norms, weights = self._sizes(W)
        return float((weights * norms).sum())

    def prox(self, W: Array, step: float) -> Array:
        norms, weights = self._sizes(W)
        # Where a norm is 0 the factor does not matter; 1 avoids 0 / 0.
        return W * np.maximum(1.0 - step * weights / np.where(norms > 0, norms, 1.0), 0.0)

    def dual_norm(self, Z: Array) -> float:
        norms, _ = self._sizes(Z)
        if self.over_tasks:
            return float(norms.max(initial=0.0))
        return self.largest_ratio(norms[:, 0])
