r"""Variances of the noise of many tasks, each from its own labels and from all.

With :math:`s_t^2` from :math:`d_t` degrees of freedom, and variances over tasks that follow
:math:`\sigma_t^2 \sim d_0 s_0^2 / \chi^2_{d_0}`, the variance of a task given its labels is

.. math:: \tilde s_t^2 = \frac{d_0 s_0^2 + d_t s_t^2}{d_0 + d_t},

with :math:`d_0 + d_t` degrees of freedom. The two numbers are those of the moments of
:math:`e_t = \log s_t^2 - \psi(d_t / 2) + \log(d_t / 2)`,

.. math:: \psi'(d_0 / 2) = \mathrm{Var}(e) - \overline{\psi'(d_t / 2)}, \qquad
    \log s_0^2 = \bar e + \psi(d_0 / 2) - \log(d_0 / 2),

and where tasks differ by no more than chance, :math:`d_0 = \infty`: one variance for all.

References
----------
G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in
microarray experiments", Statistical Applications in Genetics and Molecular Biology 3, 2004,
section 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

Array = NDArray[Any]

LEAST = 1.0
"""Degrees of freedom below which the variance of a task says nothing of those of others."""

FEWEST = 3
"""Tasks from which a variance between tasks can be told."""

RANGE = 1e-3, 1e6
"""Of :math:`d_0 / 2`; above, there is one variance."""


def moderated(errors: Array, freedom: Array) -> tuple[Array, Array] | None:
    """Variances and degrees of freedom of every task; None where one variance serves all.

    Parameters
    ----------
    errors : ndarray of shape (n_tasks,)
        Sums of squared residuals, :math:`d_t s_t^2`.
    freedom : ndarray of shape (n_tasks,)
        Degrees of freedom, :math:`d_t`.
    """
    prior = prior_of_variances(errors, freedom)
    if prior is None or np.isinf(prior[0]):
        return None
    d_0, variance = prior
    total = d_0 + np.maximum(freedom, 0.0)
    return (d_0 * variance + errors) / total, total


def prior_of_variances(errors: Array, freedom: Array) -> tuple[float, float] | None:
    """:math:`d_0`, infinite where variances differ by chance alone, and :math:`s_0^2`.

    None where too few tasks tell.
    """
    used = (freedom >= LEAST) & (errors > 0)
    if np.count_nonzero(used) < FEWEST:
        return None
    half = 0.5 * freedom[used]
    e = np.log(errors[used] / (2.0 * half)) - digamma(half) + np.log(half)
    excess = float(e.var(ddof=1) - polygamma(1, half).mean())
    if excess <= polygamma(1, RANGE[1]):
        return np.inf, float(np.exp(e.mean()))
    half_0 = RANGE[0]
    if excess < polygamma(1, RANGE[0]):
        half_0 = brentq(lambda x: polygamma(1, x) - excess, *RANGE)
    return 2.0 * half_0, float(np.exp(e.mean() + digamma(half_0) - np.log(half_0)))
