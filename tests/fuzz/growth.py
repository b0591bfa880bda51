"""Rows that come in chunks or blocks, tasks that come later, and searches side by side."""

import contextlib
import pickle
import warnings

import numpy as np
from sklearn.model_selection import GridSearchCV, KFold

from skmtl.model_selection import StackedGridSearchCV
from skmtl.sources import ArraySource
from skmtl.tasks import LabelWarning, UnseenLabelError
from tests.fuzz.checks import require, require_bits
from tests.fuzz.labels import TYPES
from tests.fuzz.outcome import asked
from tests.fuzz.problem import NETWORKS, TWINS
from tests.fuzz.relations import require_same, rng_of, taken

# Whose rows are summed up, so that chunks and blocks are one fit.
SUMMED = {"linear", "linear-trace", "linear-regressor", *TWINS, "reduced-rank", "bayesian-linear"}
# What a chunk or a block may not be, as a fit may not.
REFUSED = (
    "sample_weight is zero for every label",
    "no observed label",
    "does not support early_stopping",
    "whose loss is no sum",
    "who is at risk",
    "of earlier chunks a linear model keeps too little",
    "had no event in the calls before",
    "does not take the chunks of a stream",
    "became infinite, NaN",
    # A task without labels in the first chunk was taken for a number.
    "expected numbers. Declare it",
)


def check_later_task(outcome):
    """A task that is added changes no other, to the bit, and is gone when it is dropped."""
    problem, model = outcome.problem, pickle.loads(pickle.dumps(outcome.model))
    if problem.is_1d or not hasattr(model, "add_task") or problem.is_silent[:, 0].all():
        return False
    used = np.flatnonzero(problem.cells[:, 0] > 0)
    rows = rng_of(problem, 6).choice(used, size=min(len(used), 8), replace=False)
    labels = problem.labels[rows, 0]
    later = problem.changed(
        X=problem.X[rows],
        labels=labels[:, None],
        groups=None if problem.groups is None else np.full(len(rows), problem.n_tasks),
    )
    named = {"name": "later"}
    if problem.is_long:
        named = {}
    elif problem.name not in TWINS and problem.declared[0] != "auto":
        named["task"] = TYPES.get(problem.declared[0], problem.declared[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabelWarning)
        model.add_task(later.given_X, labels.tolist(), **named)
    new = model.predict(later.given_X if problem.is_long else problem.given_X)
    new = new if problem.is_long else new[:, -1]
    if outcome.probabilities[0] is None and not (
        problem.has_times and not any(v > 0 for v in labels)
    ):
        require(np.isfinite(new.astype(float)).all(), "the task that comes later is not finite")
    _require_as_before(outcome, model, "with a task that comes later")
    model.drop_task(f"task {problem.n_tasks}" if problem.names_tasks else _last_name(problem))
    _require_as_before(outcome, model, "without the task that came later")
    return True


def _last_name(problem):
    return problem.n_tasks if problem.is_long else "later"


def _require_as_before(outcome, model, when):
    before = outcome.model.predict(outcome.problem.given_X)
    now = model.predict(outcome.problem.given_X)
    now = now if now.ndim == 1 else now[:, : before.shape[1]]
    is_same = [
        a == b or (a != a and b != b)
        for a, b in zip(before.ravel().tolist(), now.ravel().tolist(), strict=True)
    ]
    require(all(is_same), "other predictions {}", when)


def check_chunks(outcome):
    """Rows in two chunks are one fit where they are summed up, and finite elsewhere."""
    problem = outcome.problem
    model = problem.estimator()
    if not hasattr(model, "partial_fit") or problem.n_rows < 2:
        return False
    cut = int(rng_of(problem, 7).integers(1, problem.n_rows))
    if problem.is_long and len(np.unique(problem.groups[:cut])) < problem.n_tasks:
        # What has an entry for each task is for tasks that are all there from the first.
        by_task = isinstance(problem.task_weight, tuple)
        if by_task or "Graph" in str(problem.options.get("penalty")):
            return False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for rows in (np.arange(cut), np.arange(cut, problem.n_rows)):
            chunk = taken(problem, rows)
            try:
                model.partial_fit(chunk.given_X, chunk.given_y, **chunk.given_weight)
            except UnseenLabelError:
                return False
            except ValueError as error:
                if any(message in str(error) for message in REFUSED):
                    return False
                raise
    found = asked(problem, model, caught)
    _require_loud(outcome, found)
    # Rows of earlier chunks are older, of which fit knows nothing.
    is_one_fit = problem.name in SUMMED and "half_life" not in problem.options
    if is_one_fit and all(t.has_squared_loss for t in outcome.model.tasks_):
        require_same(outcome, found, "in two chunks")
    return True


def _require_loud(outcome, found):
    """Finite wherever one fit is."""
    if found.numbers().shape != outcome.numbers().shape:
        # What "auto" stands for was told by the first chunk.
        return
    wrong = ~np.isfinite(found.numbers()) & np.isfinite(outcome.numbers())
    require(not wrong.any(), "not finite in chunks, where one fit is")


def check_blocks(outcome):
    """Rows in blocks are one fit."""
    problem = outcome.problem
    if problem.name not in SUMMED | NETWORKS or problem.x_as in ("list", "object", "masked"):
        return False
    size = int(rng_of(problem, 8).integers(1, problem.n_rows + 1))
    weight = problem.given_weight.get("sample_weight")
    source = ArraySource(problem.given_X, problem.given_y, weight, block_rows=size)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = problem.estimator().fit(source)
        except ValueError as error:
            if any(message in str(error) for message in REFUSED):
                return False
            raise
    found = asked(problem, model, caught)
    if problem.name in NETWORKS and problem.x_as in ("array", "float32"):
        require_bits(outcome, found, "in blocks")
    elif problem.name in NETWORKS or all(t.has_squared_loss for t in outcome.model.tasks_):
        # The order of the numbers in memory is that of sums.
        require_same(outcome, found, "in blocks")
    _require_loud(outcome, found)
    return True


def check_side_by_side(outcome):
    """A search that trains its candidates side by side finds what scikit-learn's finds."""
    problem = outcome.problem
    if problem.name not in NETWORKS or problem.n_rows < 6 or problem.options.get("early_stopping"):
        return False
    grid = {"alpha": [1e-4, 0.1], "learning_rate_init": [1e-3]}
    searches = []
    for kind in (GridSearchCV, StackedGridSearchCV):
        search = kind(problem.estimator(), grid, cv=KFold(2), error_score=np.nan, refit=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(ValueError):  # of scikit-learn, where all fits fail
                search.fit(problem.given_X, problem.given_y, **problem.given_weight)
        searches.append(getattr(search, "cv_results_", {}).get("mean_test_score", []))
    one, other = searches
    require(
        np.allclose(one, other, rtol=1e-3, atol=1e-3, equal_nan=True),
        "scores {} one after the other, {} side by side",
        one,
        other,
    )
    return True


GROWN = {
    "later task": check_later_task,
    "chunks": check_chunks,
    "blocks": check_blocks,
    "side by side": check_side_by_side,
}
