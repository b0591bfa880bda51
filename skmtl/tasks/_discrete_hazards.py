"""A time until an event to predict, by the probability of an event in each of some intervals."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from scipy.special import expit

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._columns import Column
from skmtl.tasks._intervals import Intervals, root_of
from skmtl.tasks._logarithms import logistic_curvature, softplus
from skmtl.tasks._survival_task import SurvivalTask

# Share of an interval's rows that have no event in it, or have one: log-odds are finite.
LEAST_SHARE = 1e-3
LOG_2 = float(np.log(2.0))


class DiscreteHazards(SurvivalTask):
    r"""A task whose labels are times until an event, some censored, with hazards by interval.

    A label is the time of an event that was seen, or minus the time up to which it was not; see
    `skmtl.tasks.censored`. Who has no event up to :math:`c_{k-1}` has none up to :math:`c_k`
    either with probability [1]_

    .. math:: P(t > c_k \mid t > c_{k-1}) = \sigma(f - \theta_k), \qquad
        0 = c_0 < c_1 < \dots < c_K, \quad \theta_1 = 0,

    where the intervals end at quantiles of the times of events. The loss is the negative
    log-likelihood: of an event in its interval, or of none up to a time within one, between whose
    ends the rate of events is constant. One raw score orders the rows; the :math:`\theta_k`, the
    same for all rows in linear models and kernel ridge, are learned with it. In networks they are
    raw scores, too [2]_: hazards need not be proportional, and no distribution is assumed.

    Predictions are median times, as if events spread evenly over their interval. After the last
    event that was seen, the rate of the last interval goes on. `score` is Somers' D, as of
    `Survival`.

    Parameters
    ----------
    n_intervals : int, default=10
        Number of intervals; fewer where there are not as many different times of events.
    event : hashable, default=None
        Column of y that says whether the event was seen, bool or 1 and 0, where labels are times
        without a sign: y is a DataFrame, a dict or an Arrow table, and that column is no task.

    Attributes
    ----------
    ends_ : ndarray of shape (n_intervals,)
        :math:`c_1, c_2, \dots`

    See Also
    --------
    Survival : Distributions with one or two parameters; better with few events.

    References
    ----------
    .. [1] D. R. Cox, "Regression models and life-tables", Journal of the Royal Statistical Society
       B 34, 1972, section 6.
    .. [2] M. F. Gensheimer and B. Narasimhan, "A scalable discrete-time survival model for neural
       networks", PeerJ 7:e6257, 2019, eq. 3.

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import DiscreteHazards
    >>> X = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]
    >>> y = [1.0, 2.1, -2.5, 7.5, 17.0, 30.0]  # longer than 2.5
    >>> model = MultiTaskLinear(alpha=0.1, tasks=DiscreteHazards(n_intervals=3)).fit(X, y)
    >>> model.predict_survival([[0.0], [5.0]], [2.0, 20.0]).round(1)
    array([[0.1, 0. ],
           [1. , 0.6]])
    """

    alias = "discrete_hazards"

    def __init__(self, n_intervals: int = 10, event: Hashable = None) -> None:
        self.n_intervals = n_intervals
        self.event = event

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check the times; intervals and their hazards start where the labels alone put them.

        Without an event nothing can be learned: the prediction is NaN.
        """
        if not isinstance(self.n_intervals, int | np.integer) or self.n_intervals < 1:
            raise ValueError(
                f"Task {name!r}: DiscreteHazards(n_intervals={self.n_intervals!r}); expected a "
                "whole number > 0."
            )
        self._name = name
        return super().fit(column, weight, name)

    def _learn(self, values: Array, weight: Array) -> None:
        """The intervals, and the hazards of the labels alone."""
        used = weight > 0
        self.n_outputs_ = int(self.has_event(values[used]))
        self.shape_ = np.zeros(0)
        self._intervals = Intervals(np.ones(1))
        if self.n_outputs_:
            seen = used & (values > 0)
            self._intervals = Intervals.of(values[seen], weight[seen], self.n_intervals)
            self.shape_ = self._life_table(values[used], weight[used])[1:]

    @property
    def ends_(self) -> Array:
        """Ends of the intervals."""
        return self._intervals.ends

    @property
    def n_shapes(self) -> int:
        """The thresholds but for the first."""
        return len(self.ends_) - 1 if self.n_outputs_ else 0

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Of a task alone, whose intervals are its own."""
        return (*super().loss_key, tuple(self.ends_.tolist()), self._name)

    @property
    def pool_key(self) -> tuple[Hashable, ...]:
        """All of one number of intervals."""
        is_ours = self._keeps(DiscreteHazards, *LOSS)
        return (type(self), self.n_intervals) if is_ours else super().loss_key

    def _apart(self, raw: Array) -> Array:
        """f - theta (..., n_intervals)."""
        shape = raw[..., 1:] if raw.shape[-1] > 1 else self.shape_
        zero = np.zeros((*shape.shape[:-1], 1))
        return raw[..., :1] - np.concatenate([zero, shape], axis=-1)

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Logistic losses of the intervals that a row has been through, and their derivative."""
        apart = self._apart(raw[..., :1])
        without, event = self._intervals.watched(values)
        loss = without * softplus(-apart) + event * softplus(apart)
        return loss.sum(axis=-1), self._slope(apart, without, event)[..., None]

    @staticmethod
    def _slope(apart: Array, without: Array, event: Array) -> Array:
        slope: Array = (event * expit(apart) - without * expit(-apart)).sum(axis=-1)
        return slope

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """The direction times p (1 - p) of these intervals."""
        without, event = self._intervals.watched(values)
        bend = (without + event) * logistic_curvature(self._apart(raw[..., :1]))
        return bend.sum(axis=-1)[..., None] * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        """At the score with this slope, which lies between those of the ends."""
        u = dual[..., 0]
        without, event = self._intervals.watched(values)

        def slope(f: Array) -> tuple[Array, Array]:
            apart = self._apart(f[..., None])
            bend = (without + event) * logistic_curvature(apart)
            return self._slope(apart, without, event) - u, bend.sum(axis=-1)

        theta = -self._apart(np.zeros(1))
        f = root_of(slope, theta.min() - FARTHEST, theta.max() + FARTHEST, u.shape)
        value = u * f - self.loss_and_grad(f[..., None], values)[0]
        inside = (u <= event.sum(axis=-1) + 1e-12) & (u >= -without.sum(axis=-1) - 1e-12)
        return np.where(inside, value, np.inf)

    def shape_slope(self, raw: Array, values: Array) -> Array:
        """Derivatives of the loss with respect to the thresholds behind the first."""
        apart = self._apart(raw[..., :1])
        without, event = self._intervals.watched(values)
        of_threshold: Array = without * expit(-apart) - event * expit(apart)
        return of_threshold[..., 1:]

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Logistic losses of the intervals that a row has been through, torch."""
        import torch

        shape = raw[..., 1:] if raw.shape[-1] > 1 else raw.new_tensor(self.shape_)
        shape = shape.expand(*raw.shape[:-1], -1)
        apart = raw[..., :1] - torch.cat([torch.zeros_like(raw[..., :1]), shape], dim=-1)
        without, event = self._intervals.torch_watched(values)
        softplus = torch.nn.functional.softplus
        return (without * softplus(-apart) + event * softplus(apart)).sum(-1)

    def torch_average(self, raw: Any) -> Any:
        """Score and mean thresholds with the mean of the median times, torch."""
        members = raw.detach().cpu().numpy().astype(np.float64)
        flat = members.reshape(len(members), -1, members.shape[-1])
        times = np.mean([self.median(one) for one in flat], axis=0)
        shape = flat.mean(axis=0)[:, 1:]
        theta = -self._apart(np.hstack([np.zeros((len(shape), 1)), shape]))
        score = self._score_of_median(times, theta)
        average = np.hstack([score[:, None], shape]).reshape(members.shape[1:])
        return raw.new_tensor(average)

    def median(self, raw: Array) -> Array:
        r"""Times at which the cumulative hazard is log 2."""
        return self._intervals.time_of(softplus(-self._apart(raw)), LOG_2)

    def torch_median(self, raw: Any) -> Any:
        """`median`, torch."""
        import torch

        shape = raw[:, 1:] if raw.shape[-1] > 1 else raw.new_tensor(self.shape_)[None]
        apart = raw[:, :1] - torch.nn.functional.pad(shape, (1, 0))
        return self._intervals.torch_time_of(torch.nn.functional.softplus(-apart), LOG_2)

    def survival_at(self, raw: Array, times: Array) -> Array:
        r""":math:`e^{- \Lambda(t)}` of the cumulative hazard."""
        hazards = softplus(-self._apart(raw))[:, None]
        return np.exp(-self._intervals.hazard_at(hazards, times)[0])

    def _score_of_median(self, times: Array, theta: Array) -> Array:
        """Scores f at which the cumulative hazard is log 2 at times (n,): it falls with f."""

        def excess(f: Array) -> tuple[Array, Array]:
            apart = f[:, None] - theta
            total, place, slope = self._intervals.hazard_at(softplus(-apart), times)
            bends = expit(-apart)
            own = np.take_along_axis(bends, place[:, None], -1)[:, 0]
            before = np.take_along_axis(bends.cumsum(axis=-1), place[:, None], -1)[:, 0] - own
            return LOG_2 - total, before + own * slope

        theta = np.broadcast_to(theta, (len(times), len(self.ends_)))
        return root_of(excess, theta.min() - FARTHEST, theta.max() + FARTHEST, times.shape)

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """The best score with these thresholds, which stand behind it where they are scores."""
        share = weight / weight.sum()

        def slope(f: Array) -> tuple[Array, Array]:
            raw = np.broadcast_to(f, (len(values), 1))
            bend = self.curvature(raw, values, np.ones_like(raw))[:, 0]
            return share @ self.loss_and_grad(raw, values)[1], np.array([share @ bend])

        theta = -self._apart(np.zeros(1))
        f = root_of(slope, theta.min() - FARTHEST, theta.max() + FARTHEST, (1,))
        return np.concatenate([f, self.shape_])[: self.n_outputs_]

    def _life_table(self, values: Array, weight: Array) -> Array:
        """Score and thresholds of the share of rows without an event in each interval."""
        without, event = (weight @ part for part in self._intervals.watched(values))
        share = np.clip(without / (without + event), LEAST_SHARE, 1.0 - LEAST_SHARE)
        score = np.log(share / (1.0 - share))
        return np.concatenate([score[:1], score[0] - score[1:]])

    def deviance(self, expected: Array, values: Array) -> Array:
        """Twice the loss, less the least for these thresholds."""
        times = np.maximum(expected, np.finfo(float).tiny)
        score = self._score_of_median(times, -self._apart(np.zeros(1)))[:, None]
        least = -self.conjugate(np.zeros_like(score), values)
        return 2.0 * (self.loss_and_grad(score, values)[0] - least)


# Beyond the thresholds a logistic loss has no curvature left.
FARTHEST, ROOT_STEPS = 40.0, 100
