"""What must hold of a fit by itself."""

import pickle

import numpy as np

from tests.fuzz.descent import lower_value
from tests.fuzz.labels import LOG_LINKED, TIMES
from tests.fuzz.objective import objective_of
from tests.fuzz.outcome import asked, fitted
from tests.fuzz.problem import LEND_NUMBERS, LINEAR, LINEAR_CV, TWINS, TWINS_CV

WITH_GAP = LINEAR | LINEAR_CV | TWINS | TWINS_CV
ROUNDING = 1e-9


def require(condition, text, *details):
    """Raise with what was found."""
    if not condition:
        raise AssertionError(text.format(*details))


def check_output(outcome):
    """Shapes, dtypes, finite values, probabilities that belong to the predictions."""
    problem, model = outcome.problem, outcome.model
    given = model.predict(problem.given_X)
    one = problem.is_1d or problem.is_long
    shape = (problem.n_rows,) if one else problem.labels.shape
    require(given.shape == shape, "predict has shape {}, expected {}", given.shape, shape)
    for t, probabilities in enumerate(outcome.probabilities):
        column, silent = outcome.predicted[:, t], problem.is_silent[:, t]
        if probabilities is None:
            loud = column[~silent]
            if problem.name in LEND_NUMBERS and problem.declared[t] in LOG_LINKED:
                # e^score of scikit-learn's models, far from labelled rows.
                loud = np.where(loud == np.inf, 0.0, loud)
            require(np.isfinite(loud).all(), "column {} is not finite", t)
            require(np.isnan(column[silent]).all(), "column {} has labels for none", t)
            continue
        require(len(probabilities) == problem.n_rows, "{} probabilities", probabilities.shape)
        require(np.isfinite(probabilities).all(), "probabilities of {} are not finite", t)
        require((probabilities >= 0).all(), "probabilities of {} are negative", t)
        total = probabilities.sum(axis=1)
        require(np.allclose(total, 1.0, atol=1e-6), "probabilities of {} add up to {}", t, total)
        if problem.name == "thresholds" or (problem.name == "calibrated" and problem.is_weighed):
            # What a mistake costs decides, too.
            continue
        likely = probabilities[np.arange(len(column)), column.astype(int)]
        require((likely >= probabilities.max(axis=1)).all(), "column {}: not most likely", t)
    if any(p is None for p in outcome.probabilities):
        # Twins predict in the dtype of X, as theirs do.
        allowed = (np.float64, object, *([np.float32] if problem.x_as == "float32" else []))
        require(given.dtype in allowed, "predict has dtype {}", given.dtype)


def check_score(outcome):
    """A score of at most 1; NaN only where a task has nothing to be scored by."""
    problem = outcome.problem
    score = outcome.model.score(problem.given_X, problem.given_y, **problem.given_weight)
    require(isinstance(score, float), "score is {}", type(score))
    require(not score > 1 + 1e-9, "score is {}", score)
    # The order of times may be unknown: none may be that of an event.
    scored = (problem.labels_of_tasks >= 2).any() and not TIMES & set(problem.declared)
    # Estimators of numbers may expect less than 0 of what is above 0, which is infinitely unlikely.
    is_unfit = "final" in problem.options and LOG_LINKED & set(problem.declared)
    require(np.isfinite(score) or not scored or (is_unfit and score < 0), "score is {}", score)


def check_coefficients(outcome):
    """Predictions are those of coef_ and intercept_, and signs and intercepts as asked."""
    problem, model = outcome.problem, outcome.model
    if problem.name not in WITH_GAP:
        return
    if getattr(model, "positive", False):
        require((model.coef_ >= 0).all(), "coef_ below 0")
    if not model.fit_intercept:
        require(not np.any(model.intercept_), "intercept_ is {}", model.intercept_)
    kinds = {task.alias for task in model.tasks_}
    if kinds != {"regression"}:
        return
    raw = problem.X @ np.atleast_2d(model.coef_).T + model.intercept_
    if problem.is_long:
        raw = raw[np.arange(len(raw)), problem.groups][:, None]
    known = ~problem.is_silent
    tolerance = 1e-9 * (
        np.abs(raw) + np.abs(problem.X).max() * np.abs(model.coef_).max(initial=0.0)
    )
    if problem.x_as == "float32" and problem.name in TWINS | TWINS_CV:
        tolerance = tolerance * 1e4  # coefficients have the dtype of X
    wrong = np.abs(raw - outcome.predicted) > tolerance
    require(not (wrong & known).any(), "predict is not X coef_' + intercept_")


def null_value(found):
    """The objective of the predictions that fits start from: means, or 0 without intercepts."""
    b = np.zeros(found.shape[1])
    if found.fit_intercept:
        priors = []
        for column in found.columns:
            if column.kind in ("regression", "huber"):
                priors.append([column.cells @ column.values / column.cells.sum()])
            else:
                priors.append(np.zeros(column.n_outputs))
        # In long form the labels of all tasks have one mean.
        b = np.resize(np.concatenate(priors), found.shape[1])
    return found.loss(np.zeros(found.shape), b)


def certified(outcome):
    """(objective, parameters, value, gap, rounding) of a linear fit; None if there is none."""
    problem, model = outcome.problem, outcome.model
    if problem.name not in WITH_GAP or (problem.x_as == "float32" and "net" in problem.name):
        return None
    found = objective_of(outcome)
    if found is None:
        return None
    objective, parameters = found
    value = objective.value(*parameters)
    squares = sum(float(c.cells @ c.values**2) for c in objective.columns)
    rounding = ROUNDING * (abs(value) + null_value(objective)) + 1e-14 * squares
    return objective, parameters, value, float(model.dual_gap_), rounding


def check_gap(outcome):
    """The gap is at least 0, as small as asked, and no objective lies below what it leaves."""
    gap = getattr(outcome.model, "dual_gap_", 0.0)
    # There may be no optimum (classes that can be separated), or many: both are said.
    is_said = not outcome.converged or any("not unique" in str(w.message) for w in outcome.caught)
    require(gap >= 0 and (np.isfinite(gap) or is_said), "dual_gap_ is {}", gap)
    found = certified(outcome)
    if found is None:
        return None
    objective, parameters, value, gap, rounding = found
    require(np.isfinite(value), "the objective is {}", value)
    if outcome.problem.name in LINEAR | LINEAR_CV:
        allowed = 1.01 * outcome.model.tol * null_value(objective) + rounding
        require(gap <= allowed or is_said, "dual_gap_ is {}, asked for {}", gap, allowed)
    lower = lower_value(objective, *parameters)
    if lower is None:
        return None
    require(
        lower >= value - gap - rounding,
        "objective {:.12g}, gap {:.3g}, but {:.12g} was found",
        value,
        gap,
        lower,
    )
    return "optimum"


def check_pickle(outcome):
    """The same bits after a round trip."""
    again = pickle.loads(pickle.dumps(outcome.model))
    require_bits(outcome, asked(outcome.problem, again), "after pickle")


def check_refit(outcome):
    """The same bits from another fit, or from a fit of the same object."""
    problem = outcome.problem
    if problem.index % 2 == 0:
        require_bits(outcome, fitted(problem), "in another fit")
    elif not getattr(outcome.model, "warm_start", False):
        model = pickle.loads(pickle.dumps(outcome.model))
        model.fit(problem.given_X, problem.given_y, **problem.given_weight)
        require_bits(outcome, asked(problem, model), "in a second fit of one object")


def require_bits(one, other, when):
    a, b = one.numbers(), other.numbers()
    require(a.shape == b.shape, "{}: shapes {} and {}", when, a.shape, b.shape)
    if not np.array_equal(a, b, equal_nan=True):
        largest = np.nanmax(np.abs(a - b)) if np.isfinite(a - b).any() else np.nan
        raise AssertionError(f"other bits {when}: they differ by up to {largest:.3g}")


ALONE = {
    "output": check_output,
    "score": check_score,
    "coefficients": check_coefficients,
    "gap": check_gap,
    "pickle": check_pickle,
}
