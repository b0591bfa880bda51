"""A time until an event to predict, of which some were not seen to their end."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._columns import Column, read_column
from skmtl.tasks._concordance import pairs_in_order
from skmtl.tasks._lifetimes import DISTRIBUTIONS
from skmtl.tasks._logarithms import softplus
from skmtl.tasks._number import NumberTask
from skmtl.tasks._weights import in_range

# Times that are predicted to one part in a hundred have no smaller scale: the density is bounded.
LEAST_SCALE = 0.01


class Survival(NumberTask):
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

    def __init__(self, distribution: str = "log_normal") -> None:
        self.distribution = distribution

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
        self.n_outputs_ = int((values[used] > 0).any())
        self.shape_ = np.zeros(1)
        if self.n_outputs_:
            self.shape_ = self._best_constant(values[used], weight[used])[1:]

    def check_labels(self, labels: Array, name: Hashable) -> None:
        """Raise for a time of 0."""
        if (labels == 0).any():
            raise ValueError(
                f"Task {name!r} is survival, but has the label 0; expected the time of an event, "
                "> 0, or minus the time up to which it was not seen."
            )

    def check_expected(self, expected: Array, name: Hashable) -> None:
        """Raise for a time that is not positive."""
        if (expected <= 0).any():
            raise ValueError(f"Task {name!r} is survival, but y_pred has {expected.min():g}.")

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
        family = DISTRIBUTIONS[self.distribution]
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
        family, v = DISTRIBUTIONS[self.distribution], -sigma * u
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
        loss = DISTRIBUTIONS[self.distribution].torch(z, seen)
        return loss + seen * (sigma / LEAST_SCALE).log()

    def torch_average(self, raw: Any) -> Any:
        """Score and scale with the mean of the median times, torch."""
        import torch

        median = DISTRIBUTIONS[self.distribution].median
        if raw.shape[-1] == 1:
            return raw.logsumexp(0) - np.log(len(raw))
        sigma = LEAST_SCALE + torch.nn.functional.softplus(raw[..., 1:])
        log_time = (raw[..., :1] + median * sigma).logsumexp(0) - np.log(len(raw))
        shape = raw[..., 1:].mean(0)
        sigma = LEAST_SCALE + torch.nn.functional.softplus(shape)
        return torch.cat([log_time - median * sigma, shape], dim=-1)

    def inverse_link(self, raw: Array) -> Array:
        """Median times; NaN if no event was seen."""
        if not self.n_labels_ or not self.n_outputs_:
            return self.expected_without_labels(raw.shape[0])
        raw = raw.astype(np.float64)
        return np.exp(raw[..., 0] + DISTRIBUTIONS[self.distribution].median * self._sigmas(raw))

    def survival(self, raw: Array, times: Array) -> Array:
        """Probability (n, n_times) of an event later than each of ``times``."""
        if not self.n_labels_ or not self.n_outputs_:
            return np.full((len(raw), len(times)), np.nan)
        z = (np.log(times) - raw[:, :1]) / np.reshape(self._sigmas(raw), (-1, 1))
        return DISTRIBUTIONS[self.distribution].survival(z)

    def _sigmas(self, raw: Array) -> Array:
        shape = raw[..., 1] if raw.shape[-1] > 1 else self.shape_[0]
        return np.asarray(_sigma(shape))

    def only_expected(self, values: Array) -> Any:
        """NaN where no event was seen."""
        return None if (values > 0).any() else np.nan

    def certain(self, values: Array) -> Array:
        """The times, seen to their end or not."""
        return np.abs(values)

    def prior(self, values: Array, weight: Array) -> Array:
        """Median time of the best constant."""
        return np.asarray(self.inverse_link(self.raw_prior(values, weight)[None])[0])

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
        median = DISTRIBUTIONS[self.distribution].median
        sigma = _sigma(self.shape_)[0]
        score = np.log(np.maximum(expected, np.finfo(np.float64).tiny)) - median * sigma
        return 2.0 * self._losses(*self._apart(score, values, sigma))[0]

    def score(self, expected: Array, values: Array, weight: Array) -> float:
        """Somers' D of the predicted times: twice the concordance, less 1.

        NaN where no order is known.
        """
        used = weight > 0
        data = np.abs(values[used]), values[used] > 0, expected[used], in_range(weight[used])
        known, right = pairs_in_order(*data)
        return 2.0 * right / known - 1.0 if known > 0 else float("nan")

    def residual(self, expected: Array, values: Array) -> Array:
        """Logarithm of time over predicted time (n, 1); 0 where a longer one may be true."""
        apart = np.log(np.abs(values)) - np.log(expected)
        return np.where(values > 0, apart, np.maximum(apart, 0.0))[:, None]


def _sigma(shape: Any) -> Any:
    return LEAST_SCALE + softplus(shape)


def _shape_of(sigma: float) -> float:
    sigma = max(sigma - LEAST_SCALE, 0.1)
    return float(sigma + np.log(-np.expm1(-sigma)))


def censored(times: Any, seen: Any) -> Array:
    """Labels of a `Survival` task: times of events, minus times up to which none was seen.

    Parameters
    ----------
    times : array-like of shape (n_samples,)
        Times > 0; NaN or None where there is no label.
    seen : array-like of shape (n_samples,)
        Whether the event was seen at that time: bool, or 1 and 0.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        ``times`` where ``seen``, ``-times`` elsewhere, NaN where either is missing.

    Raises
    ------
    ValueError
        If the lengths differ, a time is not positive, or ``seen`` is something else.

    Examples
    --------
    >>> from skmtl.tasks import censored
    >>> censored([5.0, 2.0, None], [True, False, True])
    array([ 5., -2., nan])
    """
    columns = read_column(times, "times"), read_column(seen, "seen")
    if len(columns[0].labels) != len(columns[1].labels):
        raise ValueError(
            f"times has {len(columns[0].labels)} entries, seen has {len(columns[1].labels)}."
        )
    observed = columns[0].observed & columns[1].observed
    if columns[0].is_string or (columns[0].labels[observed] <= 0).any():
        wrong = columns[0].labels[observed]
        wrong = wrong[0] if columns[0].is_string else wrong.min()
        raise ValueError(f"times has {wrong!r}; expected numbers > 0.")
    if columns[1].is_string or not np.isin(columns[1].labels[observed], (0, 1)).all():
        raise ValueError("seen must be bool, or 1 and 0: whether the event was seen.")
    signed = np.where(columns[1].labels.astype(bool), 1.0, -1.0) * columns[0].labels
    return np.where(observed, signed, np.nan)
