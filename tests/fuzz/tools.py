"""Files, and scikit-learn's tools: a clone, a pipeline, a search."""

import contextlib
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmtl.persistence import load, save
from skmtl.persistence._known import UnknownTypeError
from tests.fuzz.checks import require_bits
from tests.fuzz.outcome import asked


def check_file(outcome):
    """A file gives back an estimator that says the same, to the bit."""
    problem = outcome.problem
    if "func" in problem.options:
        return False  # code, which files do not hold
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        try:
            save(outcome.model, path)
        except UnknownTypeError as error:
            if "sklearn._loss" in str(error):
                return False  # scikit-learn's estimators of counts keep compiled code
            raise
        again = load(path)
    require_bits(outcome, asked(problem, again), "after a file")
    return True


def check_clone(outcome):
    """A clone of a fitted model is fitted to the same."""
    problem = outcome.problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = clone(outcome.model)
        model.fit(problem.given_X, problem.given_y, **problem.given_weight)
    require_bits(outcome, asked(problem, model), "of a clone")
    return True


def check_pipeline(outcome):
    """At the end of a pipeline it is what it is alone."""
    problem = outcome.problem
    pipeline = make_pipeline(FunctionTransformer(), problem.estimator())
    step = pipeline.steps[-1][0]
    weight = {f"{step}__{name}": value for name, value in problem.given_weight.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(problem.given_X, problem.given_y, **weight)
    require_bits(outcome, asked(problem, pipeline), "in a pipeline")
    return True


def check_search(outcome):
    """What a search of one candidate refits is what the candidate is alone."""
    problem = outcome.problem
    if problem.n_rows < 6 or problem.y_as in ("polars", "arrow") or problem.x_as == "arrow":
        return False  # scikit-learn takes rows of other containers
    grid = {"unknown_task": [problem.options.get("unknown_task", "error")]}
    if "unknown_task" not in outcome.model.get_params():
        grid = {"fit_intercept": [outcome.model.fit_intercept]}
    search = GridSearchCV(problem.estimator(), grid, cv=KFold(2), error_score=np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(ValueError):  # where no fold could be fitted
            search.fit(problem.given_X, problem.given_y, **problem.given_weight)
    if not hasattr(search, "best_estimator_"):
        return False
    require_bits(outcome, asked(problem, search.best_estimator_), "in a search")
    return True


TOOLS = {
    "file": check_file,
    "clone": check_clone,
    "pipeline": check_pipeline,
    "search": check_search,
}
