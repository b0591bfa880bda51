"""A task type outside the package: positive numbers whose deviation grows with their mean."""

import numpy as np
from scipy.special import xlogy
from sklearn.linear_model import GammaRegressor

from skmtl.tasks import NumberTask


class Gamma(NumberTask):
    r"""Gamma likelihood with a log link.

    The mean is :math:`\mu = e^f` and the loss :math:`f + y e^{-f} - \log y - 1`, half the Gamma
    deviance (McCullagh and Nelder, "Generalized Linear Models", 2nd ed., 1989, ch. 8).
    """

    alias = "gamma"

    def check_labels(self, labels, name):
        if (labels <= 0).any():
            raise ValueError(f"Task {name!r} is gamma, but has the label {labels.min():g}.")

    def mean(self, score):
        return np.exp(score)

    def loss_and_grad(self, raw, values):
        score, ratio = raw[..., 0], values * np.exp(-raw[..., 0])
        return score + ratio - _log(values) - 1.0, (1.0 - ratio)[..., None]

    def curvature(self, raw, values, direction):
        return values[..., None] * np.exp(-raw) * direction

    def conjugate(self, dual, values):
        u = dual[..., 0]
        rest = np.maximum(1.0 - u, 0.0)
        return np.where(u <= 1.0, xlogy(rest, rest) + u * (1.0 + _log(values)), np.inf)

    def torch_loss(self, raw, values):
        score = raw[..., 0]
        least = values.where(values > 0, values.new_ones(())).log() + 1.0
        return score + values * (-score).exp() - least

    def torch_average(self, raw):
        return raw.logsumexp(0) - np.log(len(raw))

    def raw_prior(self, values, weight):
        return np.atleast_1d(np.log(self.prior(values, weight)))

    def deviance(self, expected, values):
        return 2.0 * (values / expected - 1.0 - np.log(values / expected))

    def default_estimator(self):
        return GammaRegressor()


def _log(values):
    # An unobserved label is 0, and counts for nothing.
    return np.log(np.where(values > 0, values, 1.0))
