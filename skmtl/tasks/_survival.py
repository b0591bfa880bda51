"""A time until an event to predict, of which some were not seen to their end."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._columns import Column
from skmtl.tasks._lifetimes import DISTRIBUTIONS, LogLogistic, LogNormal, Weibull
from skmtl.tasks._logarithms import bounded_exp, softplus, torch_bounded_exp
from skmtl.tasks._survival_task import SurvivalTask
from skmtl.tasks._weights import in_range

# Times that are predicted to one part in a hundred have no smaller scale: the density is bounded.
LEAST_SCALE = 0.01


class Survival(SurvivalTask):
    r"""A task whose labels are times until an event, some of them censored.

    A label is the time of an event that was seen, or minus the time up to which it was not. An
    accelerated failure time model [1]_: with a standard distribution of z,

    .. math:: \log t = f + \sigma z, \qquad \sigma = 0.01 + \log(1 + e^s)

    and the loss is the negative log-likelihood: of the density of :math:`\log t` relative to the
    largest that any such sigma allows, or of the probability of a longer time. The scale
    :math:`\sigma` is learned, one for all rows in linear models and kernel ridge, as a second raw
    score in networks. Predictions are median times.

    `score` is Somers' D, :math:`2 C - 1` with the concordance C [2]_ of the predictions: 1 if all
    pairs whose order is known are predicted in that order, 0 for a constant.

    Parameters
    ----------
    distribution : {"log_normal", "log_logistic", "weibull"}, default="log_normal"
        That of the times: z is normal, logistic, or the logarithm of an exponential variable.
    event : hashable, default=None
        Column of y that says whether the event was seen, bool or 1 and 0, where labels are times
        without a sign: y is a DataFrame, a dict or an Arrow table, and that column is no task.

    Attributes
    ----------
    sigma_ : float
        The scale, where it is the same for all rows.

    See Also
    --------
    censored : Labels from times and whether their events were seen.

    References
    ----------
    .. [1] J. D. Kalbfleisch and R. L. Prentice, "The Statistical Analysis of Failure Time Data",
       2nd ed., 2002, section 2.3.3.
    .. [2] F. E. Harrell, K. L. Lee and D. B. Mark, "Multivariable prognostic models", Statistics
       in Medicine 15, 1996, section 5.5.

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import Survival
    >>> X = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]
    >>> y = [1.0, 2.1, -2.5, 7.5, 17.0, 30.0]  # longer than 2.5
    >>> model = MultiTaskLinear(alpha=0, tasks=Survival()).fit(X, y)
    >>> model.predict([[3.0]]).round()
    array([8.])
    """

    alias = "survival"

    def __init__(self, distribution: str = "log_normal", event: Hashable = None) -> None:
        self.distribution = distribution
        self.event = event

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check distribution and times; the scale starts where the labels alone put it.

        Without an event nothing can be learned: the prediction is NaN.
        """
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(
                f"Task {name!r}: Survival(distribution={self.distribution!r}); expected one of "
                f"{list(DISTRIBUTIONS)}."
            )
        self._name = name
        return super().fit(column, weight, name)

    def _learn(self, values: Array, weight: Array) -> None:
        """Whether an event was seen, and the scale of the labels alone."""
        used = weight > 0
        self.n_outputs_ = int(self.has_event(values[used]))
        self.shape_ = np.zeros(1)
        if self.n_outputs_:
            self.shape_ = self._best_constant(values[used], weight[used])[1:]

    @property
    def n_shapes(self) -> int:
        """The scale."""
        return 1 if self.n_outputs_ else 0

    @property
    def sigma_(self) -> float:
        """The scale."""
        if self.n_outputs_ > 1:
            raise AttributeError("The scale depends on the features in this model.")
        return float(_sigma(self.shape_)[0])

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Of a task alone where its scale is its own, by distribution elsewhere."""
        key = (type(self), self.distribution) if self._keeps(Survival, *LOSS) else super().loss_key
        return (*key, self.n_outputs_, *((self._name,) if self.n_outputs_ == 1 else ()))

    @property
    def pool_key(self) -> tuple[Hashable, ...]:
        """All of one distribution."""
        is_ours = self._keeps(Survival, *LOSS)
        return (type(self), self.distribution) if is_ours else super().loss_key

    def _apart(self, score: Any, values: Array, sigma: Any) -> tuple[Array, Array]:
        """z of each label, and whether its event was seen."""
        times = np.abs(np.where(values == 0, 1.0, values))
        return (np.log(times) - score) / sigma, values > 0

    def _losses(self, z: Array, seen: Array) -> list[Array]:
        """Loss, slope and curvature in z."""
        family = self._family
        pairs = zip(family.seen(z), family.unseen(z), strict=True)
        return [np.where(seen, one, other) for one, other in pairs]

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Negative log-likelihood and its derivative."""
        sigma = _sigma(self.shape_)[0]
        z, seen = self._apart(raw[..., 0], values, sigma)
        loss, slope, _ = self._losses(z, seen)
        return loss + np.where(seen, np.log(sigma / LEAST_SCALE), 0.0), (-slope / sigma)[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """Second derivative times the direction."""
        sigma = _sigma(self.shape_)[0]
        bend = self._losses(*self._apart(raw[..., 0], values, sigma))[2]
        return (bend / sigma**2)[..., None] * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`u \log t + \ell^*(- \sigma u)` less what the loss has beside z."""
        sigma, u = _sigma(self.shape_)[0], dual[..., 0]
        log_time, seen = self._apart(0.0, values, 1.0)
        family, v = self._family, -sigma * u
        seen_value = family.conjugate_seen(v) - np.log(sigma / LEAST_SCALE)
        return u * log_time + np.where(seen, seen_value, family.conjugate_unseen(v))

    def shape_slope(self, raw: Array, values: Array) -> Array:
        """Derivative of the loss with respect to s."""
        sigma = _sigma(self.shape_)[0]
        z, seen = self._apart(raw[..., 0], values, sigma)
        of_sigma = (seen - z * self._losses(z, seen)[1]) / sigma
        return (of_sigma * expit(self.shape_[0]))[..., None]

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Negative log-likelihood, torch."""
        import torch

        shape = raw[..., 1] if raw.shape[-1] > 1 else raw.new_tensor(self.shape_)[0]
        sigma = LEAST_SCALE + torch.nn.functional.softplus(shape)
        times = values.abs().where(values != 0, values.new_ones(()))
        z, seen = (times.log() - raw[..., 0]) / sigma, values > 0
        loss = self._family.torch(z, seen)
        return loss + seen * (sigma / LEAST_SCALE).log()

    def torch_average(self, raw: Any) -> Any:
        """Score and scale with the mean of the median times, torch."""
        import torch

        median = self._family.median
        if raw.shape[-1] == 1:
            return raw.logsumexp(0) - np.log(len(raw))
        sigma = LEAST_SCALE + torch.nn.functional.softplus(raw[..., 1:])
        log_time = (raw[..., :1] + median * sigma).logsumexp(0) - np.log(len(raw))
        shape = raw[..., 1:].mean(0)
        sigma = LEAST_SCALE + torch.nn.functional.softplus(shape)
        return torch.cat([log_time - median * sigma, shape], dim=-1)

    def median(self, raw: Array) -> Array:
        """Times whose z is the median of the distribution."""
        return bounded_exp(raw[..., 0] + self._family.median * self._sigmas(raw))

    def torch_median(self, raw: Any) -> Any:
        """`median`, torch."""
        import torch

        shape = raw[..., 1] if raw.shape[-1] > 1 else raw.new_tensor(self.shape_[:1])
        sigma = LEAST_SCALE + torch.nn.functional.softplus(shape)
        return torch_bounded_exp(raw[..., 0] + self._family.median * sigma)

    def survival_at(self, raw: Array, times: Array) -> Array:
        """Probability of a larger z than that of each time."""
        z = (np.log(times) - raw[:, :1]) / np.reshape(self._sigmas(raw), (-1, 1))
        return self._family.survival(z)

    def _sigmas(self, raw: Array) -> Array:
        shape = raw[..., 1] if raw.shape[-1] > 1 else self.shape_[0]
        return np.asarray(_sigma(shape))

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """The best score with this scale, which stands behind it where it is a score, too."""
        return self._best_constant(values, weight, shape=self.shape_)[: self.n_outputs_]

    def _best_constant(self, values: Array, weight: Array, shape: Array | None = None) -> Array:
        """Score and s of the largest likelihood, or the score for a given s."""
        share = in_range(weight) / in_range(weight).sum()
        log_times = np.log(np.abs(values))
        mean = float(share @ log_times)
        spread = float(np.sqrt(share @ (log_times - mean) ** 2))
        rescue = self.shape_

        def loss(theta: Array) -> tuple[float, Array]:
            self.shape_ = theta[1:] if shape is None else shape
            raw = np.full((len(values), 1), theta[0])
            loss, slope = self.loss_and_grad(raw, values)
            slopes = [share @ slope, share @ self.shape_slope(raw, values)]
            return float(share @ loss), np.concatenate(slopes[: len(theta)])

        start = np.array([mean, _shape_of(spread)]) if shape is None else np.array([mean])
        found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-12}).x
        self.shape_ = rescue
        return found if shape is None else np.concatenate([found, shape])

    def deviance(self, expected: Array, values: Array) -> Array:
        """Twice the loss, less the least for this scale."""
        median = self._family.median
        sigma = _sigma(self.shape_)[0]
        score = np.log(np.maximum(expected, np.finfo(np.float64).tiny)) - median * sigma
        return 2.0 * self._losses(*self._apart(score, values, sigma))[0]

    @property
    def _family(self) -> LogNormal | LogLogistic | Weibull:
        return DISTRIBUTIONS[self.distribution]


def _sigma(shape: Any) -> Any:
    return LEAST_SCALE + softplus(shape)


def _shape_of(sigma: float) -> float:
    sigma = max(sigma - LEAST_SCALE, 0.1)
    return float(sigma + np.log(-np.expm1(-sigma)))
