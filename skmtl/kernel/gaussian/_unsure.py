r"""What the uncertainty of hyper-parameters adds to that of predictions.

The mean for the most likely parameters varies with them, and its variance V, that of new labels,
is estimated too low on average by as much as this adds: what they are chosen to be likely for is
closer to them than the truth. With differences :math:`d_k` of the mean a standard error away in
direction k, variances are

.. math:: V + 2 \sum_k d_k^2

(restricted likelihood; N. Prasad and J. Rao, "The estimation of the mean squared error of
small-area estimators", Journal of the American Statistical Association 85, 1990, eq. 5.13; D.
Harville and D. Jeske, "Mean squared error of estimation or prediction under a general linear
model", same journal 87, 1992, section 3). V itself varies with them like that of normal labels
with

.. math:: \nu = 2 \,\big/ \sum_k (\Delta_k \log V)^2

degrees of freedom (F. Satterthwaite, "An approximate distribution of estimates of variance
components", Biometrics Bulletin 2, 1946; M. Kenward and J. Roger, "Small sample inference for
fixed effects from restricted maximum likelihood", Biometrics 53, 1997, section 3.2), of a label
that is predicted by all others, in the mean over the labels of a task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel.gaussian._hyper_parameters import Likelihood
from skmtl.kernel.gaussian._standard_errors import Around, standard_errors

Array = NDArray[Any]

ADDED = 2.0
"""Once for the mean, once for the variance around it."""

UNKNOWN = 1e-10
"""Of a label, in units of that of its noise: less is rounding. All others say nothing of a label
that is alone with its mean, and its variance is as unsure as that of its noise."""


@dataclass(frozen=True, eq=False)
class Unsure:
    """Predictions for hyper-parameters a standard error away.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
        Rows that predictions are made of.
    kernels : list of kernel
        The most likely one, and one for each point.
    weights, means : ndarray of shape (n_points + 1, n_rows, n_tasks) or (..., n_tasks)
        For each of these.
    shares : ndarray of shape (n_points,)
        Of squares of differences, in their sum.
    spread : ndarray of shape (n_tasks,)
        Variances of the logarithms of the variances of labels.
    """

    X: Array
    kernels: list[Any]
    weights: Array
    means: Array
    shares: Array
    spread: Array

    @classmethod
    def of(cls, likelihood: Likelihood, theta: Array) -> Unsure:
        """Around the most likely parameters."""
        around = Around(likelihood, theta)
        near = standard_errors(around)
        points = [around.best, *near]
        shares = np.array([point.share for point in near])
        cells, weights, means, logs = likelihood.system.cells, [], [], []
        for point in points:
            assert point.evidence is not None
            B, noise = likelihood.of_tasks(point.theta[around.n_kernel :])
            posterior = likelihood.system.posterior(point.decomposed, B, noise)
            weights.append(posterior.weights @ B)
            means.append(posterior.means)
            least = UNKNOWN * cells.counts / noise[cells.tasks]
            logs.append(np.log(np.maximum(point.evidence.precision(), least)))
        spread = shares @ np.square(np.array(logs[1:]) - logs[0]) if near else 0.0 * logs[0]
        tasks, n_tasks = cells.tasks, cells.shape[1]
        spread = np.bincount(tasks, spread, n_tasks) / np.bincount(tasks, minlength=n_tasks)
        kernels = [point.kernel for point in points]
        return cls(likelihood.X, kernels, np.array(weights), np.array(means), shares, spread)

    def changes(self, X: Array) -> Array:
        """Roots of what is added to variances: (n, n_tasks, n_points)."""
        K, theta = self.kernels[0](X, self.X), self.kernels[0].theta
        found = np.empty((len(self.kernels), len(X), self.means.shape[1]))
        for j, kernel in enumerate(self.kernels):
            is_other = (kernel.theta != theta).any()
            of_rows = kernel(X, self.X) if is_other else K
            found[j] = of_rows @ self.weights[j] + self.means[j]
        return np.einsum("jnt,j->ntj", found[1:] - found[0], np.sqrt(ADDED * self.shares))
