"""Parameters of a linear fit: the penalty that is meant, and what has no meaning together."""

import numpy as np
from sklearn.base import clone

from skmtl.linear.penalties import PENALTIES, Quadratic
from skmtl.tasks._by_name import put_in_order
from skmtl.tasks._regression import Regression


def read_penalty(settings, tasks, n_features):
    """The penalty of an estimator, checked; ValueError for parameters that contradict it.

    ``tasks`` is the `TaskSet` of the fit.
    """
    penalty = settings.penalty
    penalty = PENALTIES[penalty]() if isinstance(penalty, str) else clone(penalty)
    penalty = put_in_order(penalty, tasks.names.tolist())
    penalty.check(n_features)
    _check_positive(settings, penalty)
    _check_intercepts(settings, tasks)
    return penalty


def read_alphas(alphas):
    """The alphas a user gives, descending; ValueError for what is no alpha."""
    found = np.asarray(alphas).ravel()
    if found.dtype.kind in "biuf" and len(found):
        bad = found[~(np.isfinite(found) & (found >= 0))]
        if not len(bad):
            return np.sort(found.astype(np.float64))[::-1]
        raise ValueError(f"alphas has {bad[0]:g}; expected finite numbers, all >= 0.")
    raise ValueError(f"alphas={alphas!r}; expected at least one number, all finite and >= 0.")


def _check_positive(settings, penalty):
    """Raise where a bound on what is penalised would not be the bound on the coefficients."""
    if not settings.positive:
        return
    if settings.center:
        raise ValueError(
            "positive=True does not go with center=True: the coefficients are the centre plus "
            "deviations that have either sign. Set one of them to False."
        )
    parts = penalty.parts()
    compare = [a for p in parts for a in p.atoms() if isinstance(a, Quadratic) and a.over_tasks]
    if len(parts) > 1 and compare:
        names = ", ".join(sorted({type(atom).__name__ for atom in compare}))
        raise ValueError(
            f"positive=True does not go with {names} in a Split: the parts would have to be "
            "positive, not only the coefficients. Leave out the Split, or set positive=False."
        )


def _check_intercepts(settings, tasks):
    """Raise where intercepts that are pulled together do not have the same units."""
    alpha = settings.intercept_alpha
    has_labels = tasks.n_labels > 0
    if not settings.fit_intercept or not alpha or tasks.is_long or has_labels.sum() < 2:
        return
    scaled = settings.scale_targets
    if scaled == "auto":
        scaled = tasks.is_mixed
    numbers = [
        name
        for task, name, counts in zip(tasks.tasks, tasks.names.tolist(), has_labels, strict=True)
        if type(task) is Regression and counts
    ]
    if scaled and numbers:
        why = " (there are several task types)" if settings.scale_targets == "auto" else ""
        what = "makes the intercepts one" if np.isinf(alpha) else "pulls the intercepts together"
        raise ValueError(
            f"intercept_alpha={alpha:g} {what}, but scale_targets={settings.scale_targets!r}{why} "
            f"gives tasks such as {numbers[0]!r} a location and a scale of their own, so that "
            "their intercepts have no common units. Set scale_targets=False (and bring the "
            "targets to one scale yourself), or intercept_alpha=0."
        )
