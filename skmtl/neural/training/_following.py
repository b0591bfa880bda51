r"""Units of features and labels that follow a stream.

With the half-life h, means and variances are those of rows that count :math:`2^{-k / h}` when k
others have come since,

.. math:: m \leftarrow m + \frac{b}{a + b} (m_{new} - m), \quad
          v \leftarrow \frac{a v + b v_{new}}{a + b} + \frac{a b}{(a + b)^2} (m_{new} - m)^2

for b new rows and the weight a of those before. The network goes on in these units: where those of
the data drift, what it has learned still holds, and nothing leaves the range that it knows.

References
----------
T. Chan, G. Golub and R. LeVeque, "Algorithms for computing the sample variance", The American
Statistician 37, 1983, eq. 2.1. H. van Hasselt et al., "Learning values across many orders of
magnitude", NeurIPS 2016, section 2 (targets whose units adapt).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._rounding import varies
from skmtl.neural.inputs._inputs import Inputs
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Moments:
    """Weights, means and variances of several columns (n_columns,)."""

    weight: Array
    mean: Array
    variance: Array

    @classmethod
    def of(cls, values: Array, weights: Array) -> Self:
        """Those of columns (n_rows, n_columns); what has no weight does not count."""
        total = weights.sum(axis=0)
        shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
        values = np.where(weights > 0, values, 0.0)
        mean = (shares * values).sum(axis=0)
        return cls(total, mean, (shares * (values - mean) ** 2).sum(axis=0))

    def plus(self, new: Self, fade: float) -> Self:
        """With new rows, where those so far count ``fade`` as much."""
        a, b = fade * self.weight, new.weight
        total = a + b
        share = np.divide(b, total, out=np.zeros_like(total), where=total > 0)
        d = new.mean - self.mean
        variance = (1.0 - share) * self.variance + share * new.variance
        # A column without new values is as it was.
        weight = np.where(b > 0, total, self.weight)
        return type(self)(weight, self.mean + share * d, variance + share * (1.0 - share) * d**2)

    @property
    def spread(self) -> Array:
        """Standard deviations; 0 for rounding."""
        spread = np.sqrt(self.variance)
        return np.where(varies(spread, np.abs(self.mean) + spread), spread, 0.0)


@dataclass(frozen=True, eq=False)
class Units:
    """What units follow.

    Attributes
    ----------
    labels : Moments
        Of the tasks, in the units of y.
    features : Moments or None
        Of the numbers among the columns of X; None where they are read as they are.
    first : tuple (center, factor, mean, spread) or None
        Of their scaling in the first chunk, and of the columns there.
    """

    labels: Moments
    features: Moments | None = None
    first: tuple[Array, Array, Array, Array] | None = None


def follow_labels(targets: Targets, units: Units | None, fade: float) -> tuple[Targets, Units]:
    """Labels in the units of the rows of late, and these.

    Of regression tasks that are standardised.
    """
    tasks = targets.tasks
    columns = targets.columns()
    in_units_of_y = np.stack([task.labels(values) for task, values, _ in columns], axis=1)
    weights = np.stack([weights for *_, weights in columns], axis=1)
    moments = Moments.of(in_units_of_y, weights)
    if units is not None:
        moments = units.labels.plus(moments, fade)
    values, known = targets.values.copy(), []
    by_column = values.reshape(len(values), -1)
    for t, task in enumerate(tasks.tasks):
        if task.can_rescale and moments.weight[t] > 0:
            number: Any = copy.copy(task)
            number.location_ = float(moments.mean[t])
            number.scale_ = float(moments.spread[t]) or number.scale_
            of_task = (in_units_of_y[:, t] - number.location_) / number.scale_
            by_column[:, t] = np.where(weights[:, t] > 0, of_task, 0.0)
            task = number
        known.append(task)
    found = replace(targets, tasks=replace(tasks, tasks=tuple(known)), values=values)
    return found, Units(moments) if units is None else replace(units, labels=moments)


def follow_features(inputs: Inputs, X: Any, units: Units, fade: float) -> tuple[Inputs, Units]:
    """What the network reads, scaled by the rows of late as the first ones were by themselves."""
    scaling = inputs.scaling
    if scaling is None or scaling.factor is None or X.ndim != 2:
        return inputs, units
    is_sparse = sparse.issparse(X)
    numbers = slice(None) if inputs.numbers is None else inputs.numbers
    if is_sparse:
        # Nothing is subtracted: what is scaled is the distance from 0.
        n, square = X.shape[0], np.asarray(X.multiply(X).mean(axis=0)).ravel()[numbers]
        new = Moments(np.full(len(square), float(n)), np.zeros(len(square)), square)
    else:
        columns = X[:, numbers].astype(np.float64)
        new = Moments.of(columns, (~np.isnan(columns)).astype(np.float64))
    if units.features is None or units.first is None:
        first = scaling.center, scaling.factor, new.mean, new.spread
        return inputs, replace(units, features=new, first=first)
    moments = units.features.plus(new, fade)
    center, factor, mean, spread = units.first
    # Mean and spread are to be what they were in the first units.
    at, wide = (mean - center) * factor, spread * factor
    at, wide = np.where(wide > 0, at, 0.0), np.where(wide > 0, wide, 1.0)
    now = moments.spread
    factor = np.divide(wide, now, out=scaling.factor.copy(), where=now > 0)
    back = np.divide(at, factor, out=np.zeros_like(at), where=factor > 0)
    center = scaling.center if is_sparse else np.where(now > 0, moments.mean - back, scaling.center)
    followed = replace(inputs, scaling=replace(scaling, center=center, factor=factor))
    return followed, replace(units, features=moments)
