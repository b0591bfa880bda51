"""Parameters of a linear fit: the penalty that is meant, and what has no meaning together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl.linear.objective._options import FitOptions
from skmtl.linear.penalties import PENALTIES, Penalty, Quadratic
from skmtl.tasks._by_name import put_in_order
from skmtl.tasks._task_set import TaskSet


def read_penalty(estimator: Any, tasks: TaskSet, n_features: int) -> Penalty:
    """The penalty of an estimator, checked; ValueError for parameters that contradict it.

    ``tasks`` is the `TaskSet` of the fit.
    """
    penalty = penalty_meant(estimator)
    penalty = PENALTIES[penalty]() if isinstance(penalty, str) else clone(penalty)
    penalty = put_in_order(penalty, tasks.names.tolist())
    penalty.check(n_features)
    _check_positive(estimator, penalty)
    _check_intercepts(estimator, tasks)
    return penalty


def penalty_meant(estimator: Any) -> str | Penalty:
    """The penalty, or its alias, that "auto" stands for; others as they are.

    Tasks with rows of their own share what their coefficients are about; columns of y which
    features count.
    """
    penalty = estimator.penalty
    if not (isinstance(penalty, str) and penalty == "auto"):
        return penalty
    is_long = estimator.task_feature is not None
    return "mean_deviation" if is_long and not (estimator.center or estimator.positive) else "l21"


def read_alphas(alphas: Any) -> NDArray[Any]:
    """The alphas a user gives, descending; ValueError for what is no alpha."""
    found = np.asarray(alphas).ravel()
    if found.dtype.kind in "biuf" and len(found):
        bad = found[~(np.isfinite(found) & (found >= 0))]
        if not len(bad):
            return np.sort(found.astype(np.float64))[::-1]
        raise ValueError(f"alphas has {bad[0]:g}; expected finite numbers, all >= 0.")
    raise ValueError(f"alphas={alphas!r}; expected at least one number, all finite and >= 0.")


def _check_positive(estimator: Any, penalty: Penalty) -> None:
    """Raise where a bound on what is penalised would not be the bound on the coefficients."""
    if not estimator.positive:
        return
    if estimator.center:
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


def _check_intercepts(estimator: Any, tasks: TaskSet) -> None:
    """Raise where intercepts that are pulled together do not have the same units."""
    alpha = estimator.intercept_alpha
    if isinstance(alpha, str):
        return
    has_labels = tasks.n_labels > 0
    if not estimator.fit_intercept or not alpha or tasks.is_long or has_labels.sum() < 2:
        return
    scaled = estimator.scale_targets
    if scaled == "auto":
        scaled = tasks.is_mixed
    numbers = [
        name
        for task, name, counts in zip(tasks.tasks, tasks.names.tolist(), has_labels, strict=True)
        if task.can_rescale and counts
    ]
    if scaled and numbers:
        why = " (there are several task types)" if estimator.scale_targets == "auto" else ""
        what = "makes the intercepts one" if np.isinf(alpha) else "pulls the intercepts together"
        raise ValueError(
            f"intercept_alpha={alpha:g} {what}, but scale_targets={estimator.scale_targets!r}{why} "
            f"gives tasks such as {numbers[0]!r} a location and a scale of their own, so that "
            "their intercepts have no common units. Set scale_targets=False (and bring the "
            "targets to one scale yourself), or intercept_alpha=0."
        )


def check_smooth(tasks: TaskSet) -> None:
    """Raise for a loss that no solver takes."""
    for t, task in enumerate(tasks.tasks):
        if not task.is_convex:
            name = tasks.names.tolist()[t]
            raise ValueError(
                f"Task {name!r} is {task}, whose loss is not convex: no linear fit would be "
                "certified. Leave focal at 0 (label_smoothing is convex); the neural estimators "
                "take both."
            )
        if not task.is_smooth and task.by_output() is None:
            loss, name = getattr(task, "loss", task.alias), tasks.names.tolist()[t]
            raise ValueError(
                f"Task {name!r} has the {loss} loss, which is not smooth: no linear solver takes "
                "it. The neural estimators do."
            )


def compares_tasks(penalty: Penalty) -> bool:
    """Whether a term of the penalty has to do with tasks as a whole."""
    return any(atom.over_tasks for part in penalty.parts() for atom in part.atoms())


def check_comparable(tasks: TaskSet, penalty: Penalty, options: FitOptions) -> None:
    """What compares tasks needs the same outputs in each; "auto" does not compare others."""
    if len({task.n_outputs_ for task in tasks.tasks}) == 1:
        return
    sizes = {
        name: task.n_outputs_ for name, task in zip(tasks.names.tolist(), tasks.tasks, strict=False)
    }
    for compares, what in (
        (compares_tasks(penalty), f"penalty {penalty!r}"),
        (options.center, "center=True"),
        (options.fit_intercept and options.intercept_alpha not in (0.0, "auto"), "intercept_alpha"),
    ):
        if compares:
            raise ValueError(
                f"{what} compares tasks and needs the same number of outputs in each; got {sizes}."
            )
