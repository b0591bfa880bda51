"""The errors that a problem may get, and why: everything else is an anomaly."""

import re
from dataclasses import dataclass
from typing import Any

from skmtl.linear.penalties import PENALTIES
from tests.fuzz.problem import LINEAR, LINEAR_CV, NETWORKS, NETWORKS_CV


@dataclass(frozen=True)
class Refusal:
    """An error by its message, and the problems that may get it."""

    message: str
    fits: Any


def atoms(problem):
    """Names of the atoms of the penalty."""
    penalty = problem.options.get(
        "penalty", "trace_norm" if problem.name == "linear-trace" else "l21"
    )
    penalty = "l21" if penalty == "auto" else penalty
    penalty = PENALTIES[penalty]() if isinstance(penalty, str) else penalty
    return [atom for part in penalty.parts() for atom in part.atoms()]


def is_linear(problem):
    return problem.name in LINEAR | LINEAR_CV


def has(parameter, *values):
    return lambda problem: problem.options.get(parameter) in values


def compares_tasks(problem):
    options = problem.options
    return is_linear(problem) and (
        options.get("center")
        or options.get("intercept_alpha")
        or any(getattr(atom, "over_tasks", False) for atom in atoms(problem))
    )


def scales_apart(problem):
    """Whether intercepts are pulled together that have units of their own."""
    options = problem.options
    return (
        is_linear(problem)
        and options.get("intercept_alpha")
        and options.get("fit_intercept", True)
        and options.get("scale_targets", "auto")
        and not problem.is_long
        and problem.n_tasks > 1
    )


def n_learned(problem):
    """Tasks with something to learn, those with equal labels left out."""
    if problem.is_long:
        return int((problem.labels_of_tasks > 0).sum())
    return sum(
        len({v for v, c in zip(column, cells, strict=True) if c > 0}) > 1
        for column, cells in zip(problem.labels.T, problem.cells.T, strict=True)
    )


def has_few_rows(problem):
    return problem.n_rows < 5


REFUSALS = [
    Refusal(r"y has no observed label", lambda p: not p.cells.any()),
    Refusal(
        r"is quantile with 3 levels, but|has the absolute loss|is Cox\(\), whose loss is no sum",
        lambda p: p.name not in LINEAR | LINEAR_CV | NETWORKS | NETWORKS_CV,
    ),
    Refusal(
        r"There is nothing to transform: the tasks .* are",
        lambda p: "regression" not in p.declared and p.options,
    ),
    Refusal(
        r"whose loss is not convex: (no linear fit|kernel ridge)",
        lambda p: "focal" in p.declared,
    ),
    Refusal(
        r"conformity_score='quantile' needs predicted quantiles",
        lambda p: p.options.get("conformity_score") == "quantile",
    ),
    Refusal(
        r"compares tasks in rows that have labels of both, which long form has not",
        lambda p: p.options.get("affinity") == "residual_correlation" and p.is_long,
    ),
    Refusal(
        r"order='affinity' needs rows that have labels of several tasks",
        lambda p: p.options.get("order") == "affinity",
    ),
    Refusal(r"no interval can be said to cover it", lambda p: p.name == "conformal"),
    Refusal(r"scoring='\w+' decides nothing", lambda p: p.name == "thresholds"),
    Refusal(r"positive=True (does not go with|needs (one of|alpha > 0))", has("positive", True)),
    Refusal(r"solver='\w+' needs", lambda p: "solver" in p.options and is_linear(p)),
    Refusal(r"compares tasks and needs the same number of outputs", compares_tasks),
    Refusal(r"intercept_alpha=\S+ (pulls|makes) the intercepts", scales_apart),
    Refusal(
        r"Clustered\(n_clusters=2\) for \d tasks; expected 1 <= n_clusters < n_tasks",
        lambda p: any(type(a).__name__ == "Clustered" for a in atoms(p)) and n_learned(p) <= 2,
    ),
    Refusal(
        r"No fold has (a score|labels of the same task)",
        lambda p: "cv" in p.name and p.labels_of_tasks.max() <= 12,
    ),
    Refusal(
        r"has a fold without labels of task",
        lambda p: p.name == "chain" and min(p.labels_of_tasks[p.labels_of_tasks > 0]) <= 10,
    ),
    Refusal(
        r"number of splits n_splits=\d greater than the number of samples|folds are more than the",
        has_few_rows,
    ),
    Refusal(
        r"folds are more than the rows|No fold has labels both to train on and to hold out",
        lambda p: p.name in NETWORKS_CV and p.labels_of_tasks.sum() <= 3,
    ),
    Refusal(
        r"loss of (task|\d tasks).* became infinite, NaN, or a million times the first in epoch 1",
        lambda p: (
            p.name in NETWORKS
            # Steps of SGD have the size of the slopes.
            and (p.options.get("solver") == "sgd" or {"scaled X", "large mean"} & set(p.tags))
        ),
    ),
    Refusal(
        r"loss of networks became infinite or NaN for every candidate",
        lambda p: (
            p.name in NETWORKS_CV and (has_few_rows(p) or {"scaled X", "large mean"} & set(p.tags))
        ),
    ),
    Refusal(
        r"early_stopping=True needs rows for validation",
        lambda p: p.name in NETWORKS and p.options.get("early_stopping"),
    ),
    Refusal(
        r"numeric_embedding=.* needs dense X, but X is sparse",
        lambda p: p.name in NETWORKS and p.options.get("numeric_embedding"),
    ),
    Refusal(
        r"hidden_layer_sizes=\(\): \w+ makes its tokens of a hidden layer",
        lambda p: p.name in NETWORKS and p.options.get("hidden_layer_sizes") == (),
    ),
]


def is_refusal(problem, error):
    """Whether this error is one that the documentation allows for this problem."""
    return isinstance(error, ValueError) and any(
        re.search(refusal.message, str(error)) and refusal.fits(problem) for refusal in REFUSALS
    )
