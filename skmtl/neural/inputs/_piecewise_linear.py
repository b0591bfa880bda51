"""Where a number lies among the bins of its column."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils._param_validation import Interval, StrOptions

from skmtl.neural.inputs._base import NumericEmbedding

Array = NDArray[Any]

# A linear layer needs no more than the number itself where there is one bin.
MIN_BINS = 2
# Rows per distinct value, on average, below which these are no levels (measured).
ROWS_PER_VALUE = 5


class PiecewiseLinear(NumericEmbedding):
    r"""Each number as how far it has come through each bin of its column [1]_.

    .. math:: e_b(z) = \frac{z - t_{b-1}}{t_b - t_{b-1}}, \quad \text{at least 0 except in the
              first bin, at most 1 except in the last}

    with the limits :math:`t_0 < \ldots < t_B` of the bins. A linear layer on these columns is a
    piecewise linear function of the number: steep slopes and steps cost no depth. Columns with
    a single bin, such as those of 0 and 1, are left out.

    Parameters
    ----------
    n_bins : int, default=12
        Bins per column, at most.
    splits : {"quantile", "tree", "values"}, default="quantile"
        Limits of the bins: "quantile", so that each holds as many rows; "tree", those of a
        regression tree that explains the labels of all tasks by this column alone; "values", the
        values themselves of a column that has few, at most ``n_bins + 1``, with five rows each.
        Other columns have no bins then.

    Attributes
    ----------
    column_ : ndarray of int, shape (n_columns,)
        The column of X of each new column.
    lower_, width_ : ndarray of shape (n_columns,)
        Where its bin begins, and how wide it is.
    least_, most_ : ndarray of shape (n_columns,)
        Limits of its values.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical features in
       tabular deep learning", NeurIPS 2022, eqs. 1 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.inputs import PiecewiseLinear
    >>> Z = np.arange(9.0)[:, None]
    >>> PiecewiseLinear(n_bins=4).fit(Z).transform(np.array([[3.0], [10.0]]))
    array([[1. , 0.5, 0. , 0. ],
           [1. , 1. , 1. , 2. ]])
    """

    alias = "piecewise_linear"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "splits": [StrOptions({"quantile", "tree", "values"})],
    }

    def __init__(self, n_bins: int = 12, *, splits: str = "quantile") -> None:
        self.n_bins = n_bins
        self.splits = splits

    def fit(self, Z: Array, y: Array | None = None) -> Self:
        """Find the bins of every column; see `NumericEmbedding.fit`."""
        self._validate_params()
        if self.splits == "tree" and y is None:
            raise ValueError("PiecewiseLinear(splits='tree') needs labels: fit(Z, y).")
        parts: list[list[Array]] = []
        for j, edges in enumerate(self._edges(Z, y)):
            n_bins = len(edges) - 1
            if n_bins < MIN_BINS:
                continue
            is_first, is_last = np.arange(n_bins) == 0, np.arange(n_bins) == n_bins - 1
            limits = np.where(is_first, -np.inf, 0.0), np.where(is_last, np.inf, 1.0)
            parts.append([np.full(n_bins, j), edges[:-1], np.diff(edges), *limits])
        none = [np.empty(0, dtype=int), *[np.empty(0)] * 4]
        found: list[Array] = [np.concatenate(part) for part in zip(none, *parts, strict=True)]
        self.column_, self.lower_, self.width_, self.least_, self.most_ = found
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.splits == "tree"
        return tags

    def transform(self, Z: Array) -> Array:
        """Positions in all bins (n, n_columns)."""
        found = Z[:, self.column_] - self.lower_
        found /= self.width_
        return np.clip(found, self.least_, self.most_, out=found)

    def _edges(self, Z: Array, y: Array | None) -> list[Array]:
        """Limits of the bins of every column, each larger than the one before."""
        if self.splits == "values":
            most = min(self.n_bins + 1, len(Z) // ROWS_PER_VALUE)
            values = [np.unique(z) for z in Z.T]
            return [_apart(found if len(found) <= most else found[:1]) for found in values]
        if self.splits == "quantile":
            edges = np.quantile(Z, np.linspace(0.0, 1.0, self.n_bins + 1), axis=0).T
            return [_apart(column) for column in edges]
        tree = DecisionTreeRegressor(max_leaf_nodes=self.n_bins, random_state=0)
        found = []
        for z in Z.T:
            nodes = tree.fit(z[:, None], y).tree_
            inner = nodes.threshold[nodes.children_left >= 0]
            found.append(_apart(np.r_[z.min(), np.sort(inner), z.max()]))
        return found


def _apart(edges: Array) -> Array:
    """Limits that are further apart than rounding errors."""
    edges = edges.astype(np.float64)
    gap = 1e-6 * (edges[-1] - edges[0])
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge - kept[-1] > gap:
            kept.append(edge)
    return np.array(kept)
