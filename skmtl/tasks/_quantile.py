"""Quantiles of a number to predict."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import copy
from typing import Any, Self

import numpy as np

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._columns import Column
from skmtl.tasks._number import NumberTask
from skmtl.tasks._weights import in_range

ROUNDING = 1e-12
"""What a slope may lie beyond its bounds, or a share of labels beside a level."""


class Quantile(NumberTask):
    r"""A task whose labels are numbers, and whose predictions are quantiles of them.

    There is one raw score :math:`f_k` for each of K levels :math:`\tau_k`. The loss is the mean
    of the pinball losses [1]_ of the levels,

    .. math:: \frac1K \sum_k \rho_k(y - f_k), \qquad
              \rho_k(r) = \max(\tau_k r, (\tau_k - 1) r)

    Predicted quantiles never cross: the raw scores of a row are sorted [2]_, which lowers the
    loss of every label. ``predict`` gives the quantile whose level is nearest to 1/2, and
    ``predict_quantiles`` all of them. `score` is the share of the pinball loss that is explained,
    against the quantiles of the labels themselves.

    Parameters
    ----------
    levels : float or sequence of float, default=(0.1, 0.5, 0.9)
        Levels between 0 and 1, increasing.

    Attributes
    ----------
    levels_ : ndarray of shape (n_levels,)
        The levels.

    References
    ----------
    .. [1] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978, eq. 3.1.
    .. [2] V. Chernozhukov, I. Fernandez-Val and A. Galichon, "Quantile and probability curves
       without crossing", Econometrica 78, 2010, section 2.1.

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import Quantile
    >>> X, y = [[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]], [1.0, 2.0, 5.0, 2.0, 4.0, 9.0]
    >>> model = MultiTaskLinear(alpha=0, tasks=Quantile([0.25, 0.5, 0.75])).fit(X, y)
    >>> model.predict_quantiles([[0.0], [1.0]]).round(2)
    array([[1., 2., 5.],
           [2., 4., 9.]])
    """

    alias = "quantile"

    levels_: Array
    # Share of the loss that a level has, and the smoothing of `by_output`.
    _share: float
    _smoothing = 0.0

    def __init__(self, levels: float | Sequence[float] = (0.1, 0.5, 0.9)) -> None:
        self.levels = levels

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check levels and labels; learn location and scale over the observed ones."""
        self.levels_ = _read_levels(self.levels, name)
        self._share = 1.0 / len(self.levels_)
        super().fit(column, weight, name, standardize=standardize)
        self.n_outputs_ = len(self.levels_)
        return self

    @property
    def can_rescale(self) -> bool:
        """Yes, unless a subclass has a loss of its own."""
        return self._keeps(Quantile, *LOSS)

    @property
    def is_smooth(self) -> bool:
        """Only what `by_output` makes smooth."""
        return self._smoothing > 0

    @property
    def has_linear_tails(self) -> bool:
        """Yes."""
        return True

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Levels."""
        is_ours = self._keeps(Quantile, *LOSS)
        return (type(self), tuple(self.levels_)) if is_ours else super().loss_key

    @property
    def expected_shape(self) -> tuple[int, ...]:
        """(n_levels,)."""
        return (len(self.levels_),)

    def fitted(self, share: float) -> Self:
        """Fitted to labels whose units are those of the loss, ``share`` times the pinball loss."""
        self.levels_, self._share = _read_levels(self.levels, "y"), share
        self.location_, self.scale_, self.n_outputs_ = 0.0, 1.0, len(self.levels_)
        return self

    def by_output(self, smoothing: float = 0.0) -> list[Self]:
        r"""A task for each level, with :math:`\max_{\tau - 1 \le u \le \tau} u r - \mu u^2 / 2`.

        Of :math:`\mu` = ``smoothing`` = 0 that is the pinball loss, of another a smooth one that
        is smaller by at most :math:`\mu / 2`.
        """
        found = []
        for k in range(len(self.levels_)):
            task = copy(self)
            task.levels_, task.n_outputs_ = self.levels_[k : k + 1], 1
            task._smoothing = smoothing
            found.append(task)
        return found

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Mean pinball loss and its slope; 0, one of its slopes, where the label is met."""
        rest = values[..., None] - raw
        u = self._slope(rest)
        loss = u * (rest - 0.5 * self._smoothing * u)
        return self._share * loss.sum(axis=-1), -self._share * u

    def _slope(self, rest: Array) -> Array:
        """The u of the largest value."""
        if self._smoothing:
            return np.clip(rest / self._smoothing, self.levels_ - 1.0, self.levels_)
        return np.where(rest > 0, self.levels_, self.levels_ - 1.0) * (rest != 0)

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """Where the loss is quadratic one over the smoothing, 0 where it is linear."""
        if not self._smoothing:
            return np.zeros_like(direction)
        u = (values[..., None] - raw) / self._smoothing
        is_between = (self.levels_ - 1.0 < u) & (u < self.levels_)
        return np.where(is_between, direction * (self._share / self._smoothing), 0.0)

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`\sum_k v_k y + K \mu v_k^2 / 2` within the slopes of the loss."""
        u = -dual / self._share
        inside = (u >= self.levels_ - 1.0 - ROUNDING) & (u <= self.levels_ + ROUNDING)
        value = dual * (values[..., None] + 0.5 * self._smoothing * dual / self._share)
        return np.where(inside.all(axis=-1), value.sum(axis=-1), np.inf)

    def augmented(self, values: Array, dual: Array) -> Array:
        r"""Labels that put ``dual`` v in the middle of the smoothing: :math:`y - K \mu v`.

        The conjugate then is that of the pinball loss plus :math:`K \mu (v' - v)^2 / 2` at v', up
        to a constant.
        """
        return values - self._smoothing / self._share * dual[..., 0]

    def dual_scale(self, dual: Array) -> float:
        """Largest s <= 1 for which `conjugate` is finite at s times ``dual``."""
        u = -dual / self._share
        beyond = np.maximum(u / self.levels_, u / (self.levels_ - 1.0))
        return 1.0 / max(1.0, float(beyond.max(initial=0.0)))

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Mean pinball loss, torch."""
        rest = values[..., None] - raw
        levels = raw.new_tensor(self.levels_)
        return self._share * (levels * rest).maximum((levels - 1.0) * rest).sum(-1)

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Mean pinball loss and its slope, torch."""
        rest = values[..., None] - raw
        u = raw.new_tensor(self.levels_) - (rest < 0).to(raw.dtype)
        return self._share * (u * rest).sum(-1), -self._share * u

    def torch_average(self, raw: Any) -> Any:
        """Mean quantiles, torch."""
        return raw.sort(-1).values.mean(0)

    def inverse_link(self, raw: Array) -> Array:
        """Quantiles (n, n_levels) in the units of y, sorted; NaN if no label was seen."""
        if not self.n_labels_:
            return self.expected_without_labels(raw.shape[0])
        return self.labels(np.sort(raw.astype(np.float64), axis=-1))

    def torch_inverse_link(self, raw: Any) -> Any:
        """Quantiles in the units of y, sorted; NaN if no label was seen, torch."""
        if not self.n_labels_:
            return raw.new_full((raw.shape[0], len(self.levels_)), float("nan"))
        return self.labels(raw.sort(-1).values)

    def decode(self, expected: Array) -> Array:
        """The quantile whose level is nearest to 1/2."""
        return expected[..., np.abs(self.levels_ - 0.5).argmin()]

    def expected_without_labels(self, n_rows: int) -> Array:
        """NaN."""
        return np.full((n_rows, len(self.levels_)), np.nan)

    def only_expected(self, values: Array) -> Any:
        """NaN where there is no label."""
        return None if len(values) else self.expected_without_labels(1)[0]

    def certain(self, values: Array) -> Array:
        """The labels themselves at every level."""
        return np.repeat(self.labels(values)[..., None], len(self.levels_), axis=-1)

    def prior(self, values: Array, weight: Array) -> Array:
        """Weighted quantiles of the labels, in the units of y."""
        return self.labels(self.raw_prior(values, weight))

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Weighted quantiles of the labels, in the units of the loss."""
        return _quantiles(values, weight, self.levels_)

    def deviance(self, expected: Array, values: Array) -> Array:
        """Mean pinball loss in the units of y."""
        rest = self.labels(values)[..., None] - expected
        loss = np.maximum(self.levels_ * rest, (self.levels_ - 1.0) * rest)
        return np.asarray(loss.mean(axis=-1))

    def residual(self, expected: Array, values: Array) -> Array:
        """Labels less the quantile whose level is nearest to 1/2, (n, 1)."""
        return (self.labels(values) - self.decode(expected))[:, None]

    def default_estimator(self) -> Any:
        """Quantile regression, for the level nearest to 1/2."""
        from sklearn.linear_model import QuantileRegressor

        level = float(self.decode(self.levels_[None])[0])
        return QuantileRegressor(quantile=level, alpha=0.0)


def _read_levels(levels: Any, name: Hashable) -> Array:
    """Levels as an array; ValueError for what are none."""
    try:
        found = np.atleast_1d(np.asarray(levels, dtype=np.float64))
    except (TypeError, ValueError):
        found = np.zeros(0)
    is_right = found.ndim == 1 and len(found) > 0 and ((found > 0) & (found < 1)).all()
    if not is_right or (np.diff(found) <= 0).any():
        raise ValueError(
            f"Task {name!r}: Quantile(levels={levels!r}); expected increasing numbers between 0 "
            "and 1, both excluded, such as [0.05, 0.5, 0.95]."
        )
    return found


def _quantiles(values: Array, weight: Array, levels: Array) -> Array:
    """Where the weighted share of smaller labels passes the levels, between two if it meets one."""
    order = np.argsort(values, kind="stable")
    share = in_range(weight)[order].cumsum()
    share /= share[-1]
    low, high = (
        values[order][np.searchsorted(share, levels + sign * ROUNDING).clip(max=len(share) - 1)]
        for sign in (-1.0, 1.0)
    )
    return 0.5 * (low + high)
