"""A time until an event to predict, by the order in which events come."""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np

from skmtl.tasks._base import Array
from skmtl.tasks._baseline import Baseline
from skmtl.tasks._columns import Column
from skmtl.tasks._logarithms import bounded_exp, times_log, torch_bounded_exp
from skmtl.tasks._partial_likelihood import log_hazard_at_risk
from skmtl.tasks._survival_task import SurvivalTask
from skmtl.tasks._weights import in_range

LOG_2 = float(np.log(2.0))

# Share of the first jump that the hazard is before it, so that it has a logarithm.
NOTHING = 1e-12

# What draws the mean score of a batch to 0, which the order of events leaves open.
OF_MEAN = 0.1


class Cox(SurvivalTask):
    r"""A task whose labels are times until an event, some censored, with proportional hazards.

    A label is the time of an event that was seen, or minus the time up to which it was not; see
    `skmtl.tasks.censored`. Of those still at risk at time t, one with the score f has the event
    then at the rate

    .. math:: \lambda(t \mid x) = \lambda_0(t) \, e^{-f(x)},

    and nothing is assumed of :math:`\lambda_0`. The loss is the negative logarithm of the partial
    likelihood [1]_, of the order in which events came: with weights w, for an event at
    :math:`t_i`

    .. math:: \log \frac{\sum_{t_j \ge t_i} w_j e^{-f_j}}{\sum_{t_j \ge t_i} w_j} + f_i + \log n,

    where j runs over rows that have a label (Breslow's form for equal times), and n is the number
    of labels in `fit`; a censored time has no loss of its own. For networks they are those of the
    batch [2]_: take a ``batch_size`` with some events. The order leaves the mean of the scores
    open, which is drawn to 0. Linear models minimise the loss of all rows, by turns: the partial
    likelihood is the likelihood with the best baseline hazard [3]_, and this is known for given
    scores. After `fit` it is that of Breslow. In long form all tasks have the same.

    Predictions are median times; after the last event that was seen, the hazard goes on as fast as
    before, in the mean. `score` is Somers' D, as of `Survival`.

    Parameters
    ----------
    event : hashable, default=None
        Column of y that says whether the event was seen, bool or 1 and 0, where labels are times
        without a sign: y is a DataFrame, a dict or an Arrow table, and that column is no task.

    Attributes
    ----------
    baseline_ : Baseline
        Different ``times`` of events, and the cumulative hazard of a score of 0 from each on,
        ``hazards``. Of `MultiTaskMLPCV` every network has its own.

    See Also
    --------
    Survival : Distributions of times: smooth curves, and kernels learn them, too.
    DiscreteHazards : No distribution either; in networks no proportional hazards.

    References
    ----------
    .. [1] D. R. Cox, "Partial likelihood", Biometrika 62, 1975, section 4.
    .. [2] J. L. Katzman et al., "DeepSurv: personalized treatment recommender system using a Cox
       proportional hazards deep neural network", BMC Medical Research Methodology 18:24, 2018,
       eq. 4.
    .. [3] S. Johansen, "An extension of Cox's regression model", International Statistical Review
       51, 1983, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.tasks import Cox, censored
    >>> rng = np.random.default_rng(0)
    >>> X, end = rng.normal(size=(300, 2)), rng.exponential(5.0, size=300)
    >>> times = np.exp(X[:, 0] + 0.5 * rng.normal(size=300))
    >>> y = censored(np.minimum(times, end), times < end)
    >>> model = MultiTaskMLP(tasks=Cox(), random_state=0).fit(X, y)
    >>> early, late = model.predict([[-1.0, 0.0], [1.0, 0.0]])
    >>> bool(0.2 < early < 0.6 and 1.7 < late < 5.0)
    True
    """

    alias = "cox"

    _times: Array

    def __init__(self, event: Hashable = None) -> None:
        self.event = event

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check the times; the baseline hazard starts where the labels alone put it.

        Without an event nothing can be learned: the prediction is NaN.
        """
        self._name = name
        return super().fit(column, weight, name)

    def _learn(self, values: Array, weight: Array) -> None:
        """Whether an event was seen, and the hazard of the labels alone."""
        used = weight > 0
        self.n_outputs_ = int(self.has_event(values[used]))
        self._times, self.shape_ = np.ones(1), np.zeros(1)
        if self.n_outputs_:
            self._hold(Baseline.of(values[used], weight[used]))

    @property
    def baseline_(self) -> Baseline:
        """The baseline hazard."""
        return Baseline(self._times, np.exp(self.shape_).cumsum())

    def _hold(self, baseline: Baseline) -> None:
        """Have the logarithms of the jumps of a hazard as shape."""
        self._times = baseline.times
        # Beside those before, a jump may be nothing.
        jumps = np.diff(baseline.hazards, prepend=0.0)
        self.shape_ = np.log(np.maximum(jumps, np.finfo(float).tiny))

    def settled(self, raw: Array, values: Array, weight: Array) -> Self:
        """The task with the baseline hazard of these raw scores (n, 1)."""
        used, found = weight > 0, copy(self)
        if self.n_outputs_ and self.has_event(values[used]):
            found._hold(Baseline.of(values[used], weight[used], raw[used, 0]))
        return found

    @property
    def sees_rows(self) -> bool:
        """Yes: who is at risk."""
        return True

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Of a task alone, whose baseline is its own."""
        return (*super().loss_key, self._name)

    @property
    def pool_key(self) -> tuple[Hashable, ...]:
        """All of this type."""
        return super().loss_key

    def torch_loss_of_rows(self, raw: Any, values: Any, weights: Any) -> Any:
        """Negative logarithm of the partial likelihood of each event, torch."""
        import torch

        score, times = raw[..., 0], values.abs()
        # Rows last.
        among = log_hazard_at_risk(
            *(part.movedim(1, -1) for part in (-score, times, weights))
        ).movedim(-1, 1)
        loss = torch.where(values > 0, among + score + np.log(self.n_labels_), 0.0)
        total = weights.sum(1, keepdim=True).clamp_min(torch.finfo(raw.dtype).tiny)
        mean = (weights * score).sum(1, keepdim=True) / total
        return loss + 0.5 * OF_MEAN * mean**2

    # Given the baseline hazard, an event is a count with the mean Lambda_0(t) e^{-f}: the loss is
    # half the deviance of T. M. Therneau, P. M. Grambsch and T. R. Fleming, "Martingale-based
    # residuals for survival models", Biometrika 77, 1990, section 3.

    def _hazard(self, values: Array) -> Array:
        """Cumulative hazard of a score of 0 at the time of each label."""
        # In float32 times of events are rounded, too.
        baseline = replace(self.baseline_, times=self._times.astype(values.dtype))
        times = np.where(values == 0, 1.0, np.abs(values))
        # An event that `fit` has not seen comes between two others, or before or after them all;
        # without one, nothing is known of what comes after the last.
        until = np.minimum(times, baseline.times[-1])
        hazard = np.where(values > 0, baseline.between(times), baseline.at(until))
        return np.maximum(hazard, NOTHING * baseline.hazards[0])

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Half the deviance for this baseline hazard, and its derivative."""
        hazard, event = self._hazard(values), values > 0
        mean = hazard * bounded_exp(-raw[..., 0])
        loss = mean + event * (raw[..., 0] - np.log(hazard) - 1.0)
        return loss, (event - mean)[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """The mean times the direction."""
        return self._hazard(values)[..., None] * bounded_exp(-raw) * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`v \log v - v \log \Lambda_0 - v + \delta (1 + \log \Lambda_0)`, v = delta - u."""
        hazard, event = self._hazard(values), values > 0
        v: Array = event - dual[..., 0]
        inside = np.maximum(v, 0.0)
        value = times_log(inside) - inside + event + (event - inside) * np.log(hazard)
        return np.where(v >= -1e-12, value, np.inf)

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Half the deviance for this baseline hazard, torch."""
        hazard = raw.new_tensor(self._hazard(values.detach().cpu().numpy()))
        score, event = raw[..., 0], (values > 0).to(raw.dtype)
        return hazard * (-score).exp() + event * (score - hazard.log() - 1.0)

    def torch_average(self, raw: Any) -> Any:
        """The mean of the log-hazards, whatever the baseline is going to be, torch."""
        return raw.mean(0)

    def median(self, raw: Array) -> Array:
        """Times at which the cumulative hazard is log 2."""
        return self.baseline_.time_of(LOG_2 * bounded_exp(raw[..., 0]))

    def torch_median(self, raw: Any) -> Any:
        """`median`, torch."""
        return self.baseline_.torch_time_of(LOG_2 * torch_bounded_exp(raw[..., 0]))

    def _score_of_median(self, times: Array) -> Array:
        return np.log(np.maximum(self.baseline_.between(times), np.finfo(float).tiny) / LOG_2)

    def survival_at(self, raw: Array, times: Array) -> Array:
        r""":math:`\exp(-\Lambda_0(t) e^{-f})`."""
        return np.exp(-self.baseline_.at(times) * bounded_exp(-raw[:, :1]))

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """The best score with this baseline: as many events are expected as were seen."""
        weight = in_range(weight)
        events = max(float(weight @ (values > 0)), np.finfo(float).tiny)
        return np.atleast_1d(np.log(float(weight @ self._hazard(values)) / events))

    def deviance(self, expected: Array, values: Array) -> Array:
        """Twice the loss at the score with this median."""
        return 2.0 * self.loss_and_grad(self._score_of_median(expected)[..., None], values)[0]
