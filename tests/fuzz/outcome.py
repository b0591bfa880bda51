"""A fit and all it says of its rows, as plain numbers."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.fuzz.problem import Problem


@dataclass
class Outcome:
    """A fitted model, codes or values (n_rows, n_columns), probabilities, and warnings."""

    problem: Problem
    model: Any
    predicted: np.ndarray
    probabilities: list
    caught: list

    @property
    def converged(self):
        return not any("Convergence" in w.category.__name__ for w in self.caught)

    def parts(self, columns=None):
        """Everything as (declared type, whether it is a probability, values of all rows).

        A class is what its probability makes it; where two are alike, rounding decides.
        """
        found = []
        for t in range(self.predicted.shape[1]) if columns is None else columns:
            probabilities, declared = self.probabilities[t], self.problem.declared[t]
            if probabilities is None or self.problem.name == "thresholds":
                found.append((declared, False, self.predicted[:, t]))
            if probabilities is not None:
                found += [(declared, True, of_class) for of_class in probabilities.T]
        return found

    def numbers(self):
        """Everything as one array."""
        return np.array([values for *_, values in self.parts()])


def fitted(problem):
    """Fit, and ask for what can be asked."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = problem.estimator().fit(problem.given_X, problem.given_y, **problem.given_weight)
    return asked(problem, model, caught)


def asked(problem, model, caught=(), X=None):
    """What a fitted model says of the rows of a problem, or of others."""
    caught = list(caught)
    X = problem.given_X if X is None else X
    with warnings.catch_warnings(record=True) as more:
        warnings.simplefilter("always")
        predicted = model.predict(X)
        probabilities = model.predict_proba(X) if hasattr(model, "predict_proba") else None
    n_columns = problem.labels.shape[1]
    if problem.is_1d or problem.is_long:
        predicted, probabilities = predicted[:, None], [probabilities]
        classes = [getattr(model, "classes_", None)]
    else:
        classes = getattr(model, "classes_", [None] * n_columns)
        probabilities = [None] * n_columns if probabilities is None else probabilities
    columns = [
        column.astype(float) if known is None else _codes(known, column)
        for known, column in zip(classes, predicted.T, strict=True)
    ]
    return Outcome(problem, model, np.column_stack(columns), probabilities, [*caught, *more])


def _codes(classes, column):
    """Position of each label among the classes; -1 where it is none of them."""
    where = {label: k for k, label in enumerate(classes.tolist())}
    return np.array([where.get(label, -1) for label in column.tolist()], dtype=float)
