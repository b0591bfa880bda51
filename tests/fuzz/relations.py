"""What must hold between the fits of two problems that say the same."""

import numpy as np

from tests.fuzz.checks import WITH_GAP, certified, check_refit, require, require_bits
from tests.fuzz.containers import NAMED
from tests.fuzz.labels import LOG_LINKED
from tests.fuzz.outcome import asked, fitted
from tests.fuzz.problem import (
    BY_CASE,
    BY_ROW,
    BY_TASK,
    HOLD_OUT,
    LEND_NUMBERS,
    NETWORKS,
    NETWORKS_CV,
)

ORDERED = {"temporal", "fused", "temporal_group", "fused_sparse_group"}
GARBAGE = {"text": ["?", "~"], "number": [999.0, -1e30, 0.5]}


COUNTS = {"bayesian-linear", "gaussian-process", "scaled", "grouping"}
"""Who find out how strong to be, which goes by the number of labels."""
BLENDED = {"scaled", "grouping", "propensity", "stacking", "chain", "pooled", "independent"}
CORNERED = {"quantile", "one_level", "absolute"}
"""Losses that tell how good a prediction is and not what it is, up to a tolerance: problems of
`WITH_GAP` compare the losses."""
FEW = 8
"""Labels of all tasks in long form."""


def rng_of(problem, salt):
    return np.random.default_rng([problem.seed, problem.index, salt])


def check_zero_weight(outcome):
    """A label of weight 0 is a missing one, whatever it says."""
    problem = outcome.problem
    observed = problem.cells > 0
    if observed.all():
        return
    rng = rng_of(problem, 1)
    filled, weight = problem.labels.copy(), np.ones(problem.labels.shape)
    if problem.weight is not None:
        weight = problem.weight.reshape(problem.n_rows, -1) * weight
    for t, column in enumerate(problem.labels.T):
        known = list(column[observed[:, t]])
        pool = known or [v for v in column if v is not None] or [0.0]
        if all(isinstance(v, float) for v in pool):
            pool = [*pool, *GARBAGE["number"]]
        if all(isinstance(v, str) for v in pool):
            pool = [*pool, *GARBAGE["text"]]
        missing = np.flatnonzero(~observed[:, t])
        picked = rng.integers(len(pool), size=len(missing))
        filled[missing, t] = [pool[k] for k in picked]
    weight = np.where(observed, weight, 0.0)
    emptied = np.where(observed, problem.labels, None)
    weight = weight[:, 0] if problem.is_1d or problem.is_long else weight
    # Types are declared: a task without labels has none to tell it by.
    kinds = [task.alias for task in outcome.model.tasks_][: problem.labels.shape[1]]
    can_declare = "tasks" in outcome.model.get_params(deep=False)
    known = {"declared": tuple(kinds)} if can_declare else {}
    a = fitted(problem.changed(labels=emptied, weight=weight, y_as="object", **known))
    b = fitted(problem.changed(labels=filled, weight=weight, y_as="object", **known))
    require_bits(a, b, "with labels of weight 0 in place of missing ones")


def check_container(outcome):
    """Containers say nothing."""
    problem = outcome.problem
    plain_y = "frame" if problem.y_as in NAMED else "object"
    if problem.is_1d or problem.is_long:
        plain_y = "object"
    if problem.y_as == "structured":
        plain_y = "structured"
    # A category knows classes that have no label.
    if problem.y_as != "category" or np.all(problem.labels_of_tasks):
        plain = fitted(problem.changed(y_as=plain_y))
        require_bits(outcome, plain, f"with y as {plain_y} in place of {problem.y_as}")
    if problem.x_as in ("array", "float32"):
        return
    # Trees look at the columns of sparse X in another way.
    if has_ties(problem) and problem.x_as in ("csr", "csc"):
        return
    # Only frames have tasks that are strings, and networks start a task by its name.
    if problem.name in NETWORKS | NETWORKS_CV and problem.names_tasks:
        return
    if problem.has_network and problem.x_as in ("csr", "csc"):
        # They scale sparse X without moving it, and embed no number of it.
        if problem.name not in NETWORKS:
            return
        problem = problem.with_options(feature_scaling=None, numeric_embedding=None)
        outcome = fitted(problem)
    # The order of the numbers in memory is that of sums.
    plain = fitted(problem.changed(x_as="array"))
    require_same(outcome, plain, f"with X as array in place of {problem.x_as}")


def check_empty_rows(outcome):
    """Rows without a label change nothing."""
    problem = outcome.problem
    if problem.name in BY_ROW - NETWORKS or "affinity" in str(problem.options):
        return
    rng = rng_of(problem, 2)
    rows = np.concatenate([np.arange(problem.n_rows), rng.integers(problem.n_rows, size=3)])
    labels = problem.labels[rows]
    labels[problem.n_rows :] = None
    more = problem.changed(
        X=problem.X[rows],
        labels=labels,
        groups=None if problem.groups is None else problem.groups[rows],
        weight=None if problem.weight is None else problem.weight[rows],
        x_as="array",
        y_as="object",
    )
    a, b = fitted(problem.changed(x_as="array", y_as="object")), fitted(more)
    b = asked(a.problem, b.model, b.caught)
    require = require_bits if problem.name in NETWORKS else require_same
    require(a, b, "with rows without labels")


def check_rows(outcome):
    """The order of the rows says nothing."""
    problem = outcome.problem
    if problem.name in BY_ROW or has_ties(problem) or "n_landmarks" in problem.options:
        return
    order = rng_of(problem, 3).permutation(problem.n_rows)
    other = fitted(taken(problem, order))
    back = asked(problem, other.model, other.caught)
    require_same(outcome, back, "with rows in another order")


def is_lent_counts(problem):
    """Whether logarithms of expected values are those of scikit-learn's estimators."""
    return problem.name in LEND_NUMBERS and LOG_LINKED & set(problem.declared)


def check_repeated(outcome):
    """Whole weights are repeated rows."""
    problem = outcome.problem
    if problem.name in BY_ROW | BY_CASE or has_ties(problem):
        return
    n_labels = sum(label is not None for label in problem.labels.ravel())
    if problem.is_long and n_labels < FEW:
        # The likeliest strengths go by how many labels there are, and of so few by little else.
        return
    if is_lent_counts(problem) and "large mean" in problem.tags:
        # L-BFGS of scikit-learn's models ends early where columns are nearly constant.
        return
    times = rng_of(problem, 4).integers(1, 4, size=problem.n_rows)
    if problem.name in COUNTS:
        # How many labels there are decides; only proportions of weights say so, with one of 1.
        if problem.weight is not None:
            return
        for column in (problem.cells > 0).T:
            groups = np.zeros(problem.n_rows) if problem.groups is None else problem.groups
            times[[np.flatnonzero(column & (groups == g))[0] for g in set(groups[column])]] = 1
    weight = np.ones(problem.n_rows) if problem.weight is None else problem.weight
    weight = (weight.T * times).T
    a = fitted(problem.changed(weight=weight))
    repeated = fitted(taken(problem, np.repeat(np.arange(problem.n_rows), times)))
    b = asked(a.problem, repeated.model, repeated.caught)
    require_same(a, b, "with repeated rows in place of weights")


def check_tasks(outcome):
    """The order of the tasks says nothing."""
    problem, options = outcome.problem, outcome.problem.options
    n = problem.labels.shape[1]
    is_fair = not _needs_order(options.get("penalty"))
    if n < 2 or not is_fair or problem.name in BY_TASK:
        return
    if problem.around_network:
        return
    if problem.name in NETWORKS:
        if not is_named_and_fair(problem):
            return
        # Units that belong to a task are left out by its position, and rows held out that say how
        # strong alpha is, and how far the network can be believed, are spread over tasks in turn.
        problem = problem.with_options(dropout=0.0, alpha=0.01, early_stopping=False)
        outcome = fitted(problem)
    if options.get("task_encoding") == "index":
        return
    # Columns of an array are named by their place, and by names go the folds of rare classes of
    # which there are as many labels.
    if problem.name in HOLD_OUT and problem.y_as not in NAMED:
        return
    # A gap says little of what the model inside expects of rows that have no label.
    if problem.name == "calibrated" and not problem.cells.all():
        return
    # Pooled rows are in the order of the tasks.
    if problem.name == "pooled" and has_ties(problem):
        return
    order = rng_of(problem, 5).permutation(n)
    weight, task_weight = problem.weight, problem.task_weight
    other = fitted(
        problem.changed(
            labels=problem.labels[:, order],
            declared=tuple(problem.declared[t] for t in order),
            names=tuple(problem.names[t] for t in order),
            weight=weight if weight is None or weight.ndim == 1 else weight[:, order],
            task_weight=tuple(task_weight[t] for t in order)
            if isinstance(task_weight, tuple)
            else task_weight,
        )
    )
    require_same(outcome, other, "with tasks in another order", np.argsort(order))


def check_empty_task(outcome):
    """A task without labels changes no other."""
    problem, options = outcome.problem, outcome.problem.options
    has_graph = "Graph" in str(options.get("penalty")) or "adjacency" in options
    if problem.is_long or has_graph or problem.name == "grouping":
        return
    n, columns = problem.n_rows, problem.labels.shape[1]
    weight, task_weight = problem.weight, problem.task_weight
    alone = fitted(problem.changed(is_1d=False, y_as="frame"))
    other = fitted(
        problem.changed(
            labels=np.column_stack([problem.labels, np.full(n, None)]),
            # Beside quantiles a number would have both brought to one scale.
            declared=(*problem.declared, "quantile" if "quantile" in problem.declared else "auto"),
            names=(*problem.names, "empty"),
            weight=weight
            if weight is None or weight.ndim == 1
            else np.column_stack([weight, np.ones(n)]),
            task_weight=(*task_weight, 1.0) if isinstance(task_weight, tuple) else task_weight,
            is_1d=False,
            y_as="frame",
        )
    )
    require_same(alone, other, "with a task without labels", np.arange(columns))


def is_named_and_fair(problem):
    """Whether a network starts each task by its name, and no draw goes by its position."""
    options = problem.options
    return (
        problem.y_as in NAMED
        and options.get("balancing") not in {"pcgrad", "gradvac", "graddrop", "random_weights"}
        and options.get("architecture") != "cascade"
        # The gradient of a bias before it is rounding alone, of which Adam makes whole steps.
        and not (options.get("normalization") == "batch" and problem.x_as == "float32")
    )


def has_several_modes(problem):
    """Whether several covariances are as likely: where tasks or labels are few."""
    covariance = problem.options.get("covariance")
    labels = problem.labels_of_tasks
    # Coefficients that go through all labels are as likely at any smaller noise.
    is_few = labels.sum() < 2 * problem.X.shape[1] * np.count_nonzero(labels)
    return covariance in ("full", 1) or (problem.name == "bayesian-linear" and is_few)


def has_ties(problem):
    """Trees choose between equally good splits by the last bit."""
    return "regressor" in problem.options


def taken(problem, rows):
    """The problem of some of the rows."""
    return problem.changed(
        X=problem.X[rows],
        labels=problem.labels[rows],
        groups=None if problem.groups is None else problem.groups[rows],
        weight=None if problem.weight is None else problem.weight[rows],
    )


def _needs_order(penalty):
    return (
        penalty in ORDERED
        if isinstance(penalty, str)
        else "Temporal" in repr(penalty) or ("Graph" in repr(penalty))
    )


def require_same(one, other, when, columns=None):
    """Equal up to what the fits promise: their gaps, or the rounding of a direct solution."""
    if not (one.converged and other.converged):
        return
    if has_several_modes(one.problem):
        return
    if one.problem.name in WITH_GAP:
        _require_objective(one, other, when)
        return
    if one.problem.name == "grouping" and _has_other_groups(one, other):
        return
    labels = [abs(v) for v in one.problem.labels.ravel() if isinstance(v, int | float)]
    numbers = [a for _, is_share, a in one.parts() if not is_share]
    largest = np.nanmax(np.abs([*labels, *np.ravel(numbers), 1e-300]).astype(float))
    for (declared, is_share, a), (*_, b) in zip(one.parts(), other.parts(columns), strict=True):
        scale = 1.0 if is_share else largest
        if declared in CORNERED and one.problem.name in BLENDED:
            continue
        wrong = _differ(one, other, a, b, scale)
        if declared in LOG_LINKED and not one.problem.has_network:
            # What is found are their logarithms, which say little of what is as good as 0.
            logs = [np.log(np.maximum(v, np.finfo(float).tiny)) for v in (a, b)]
            wrong &= _differ(one, other, *logs, np.nanmax(np.abs(logs), initial=1.0))
        require(not wrong.any(), "{}: {} and {}", when, a[wrong][:3], b[wrong][:3])


def _differ(one, other, a, b, scale):
    allowed = tolerance_of(one) * scale + off_by_gap(one, scale) + off_by_gap(other, scale)
    with np.errstate(invalid="ignore"):
        return ~((np.abs(a - b) <= allowed) | (a == b) | (np.isnan(a) & np.isnan(b)))


def _has_other_groups(one, other):
    """Whether close affinities, of coefficients known up to tol, made other groups."""
    if tolerance_of(one) < 1e-2 or one.model.affinity_.shape != other.model.affinity_.shape:
        return False
    a, b = ([sorted(g.tolist()) for g in outcome.model.groups_] for outcome in (one, other))
    return sorted(a) != sorted(b) and np.allclose(
        one.model.affinity_, other.model.affinity_, atol=0.1, equal_nan=True
    )


def tolerance_of(outcome):
    """Iterations stop early, scikit-learn's and those of all losses but the squared one."""
    iterates = any(not task.has_squared_loss for task in outcome.model.tasks_)
    # Ridge iterates where its X is sparse.
    iterates |= outcome.problem.options.get("task_encoding") == "interactions"
    # The iterations of kernel ridge stop at a residual of tol=1e-4, variances where the likelihood
    # is flat.
    direct = (
        1e-3
        if outcome.problem.name in {"kernel-ridge", "bayesian-linear", "gaussian-process"}
        else 1e-5
    )
    return max(1e-2 if iterates else direct, _rounding_of_ridge(outcome.problem))


def off_by_gap(outcome, scale):
    """What predictions may be off by the gaps of linear models inside.

    The mean square of that is at most twice the gap, over labels that count a third to three
    times the mean; targets that are scaled are not larger than ``scale``.
    """
    inside = getattr(outcome.model, "estimators_", [getattr(outcome.model, "estimator_", None)])
    gap = max((getattr(model, "dual_gap_", 0.0) for model in inside), default=0.0)
    unit = scale if outcome.problem.name == "scaled" else 1.0
    return unit * np.sqrt(6.0 * outcome.problem.n_rows * gap)


def _rounding_of_ridge(problem):
    """Rounding times the condition of the Gram matrices plus alpha that reduced rank inverts."""
    if problem.name != "reduced-rank":
        return 0.0
    weights = problem.task_weight if isinstance(problem.task_weight, tuple) else (1.0,)
    largest = max(weights) * (problem.X**2).sum(axis=1).max()
    return np.finfo(float).eps * largest / problem.options["alpha"]


def _require_objective(one, other, when):
    a, b = certified(one), certified(other)
    if a is None or b is None:
        return
    strengths = ("alpha", "shared_alpha", "intercept_alpha")
    pairs = ((getattr(found[0], name) for found in (a, b)) for name in strengths)
    if any(s != t and abs(s - t) > 1e-9 * s for s, t in pairs):
        return
    allowed = max(a[3], b[3]) + a[4] + b[4]
    require(
        abs(a[2] - b[2]) <= allowed,
        "{}: objectives {:.12g} and {:.12g}, gaps {:.3g} and {:.3g}",
        when,
        a[2],
        b[2],
        a[3],
        b[3],
    )


BETWEEN = {
    "refit": check_refit,
    "zero weight": check_zero_weight,
    "container": check_container,
    "empty rows": check_empty_rows,
    "row order": check_rows,
    "repeated rows": check_repeated,
    "task order": check_tasks,
    "empty task": check_empty_task,
}
