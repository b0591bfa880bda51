"""Whether a graph says what the estimator says, on rows like those of its fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl._innermost import final_estimator, unwrap
from skmtl.export._columns import are_numbers, task_position
from skmtl.tasks._base import Array

N_ROWS = 32
"""Rows that are compared."""
TOL = 1e-4
"""Difference, over the largest value of a task: networks compute in single precision."""
TOL_SINGLE = 2e-3
"""The same for graphs in single precision, in which trees have their thresholds, too."""
WHY = {
    True: "A part of your own may have an inverse_link without the same torch_inverse_link; else "
    "please report this.",
    False: "It needs double precision: dtype='float64'.",
}


def example_rows(estimator: Any, n_rows: int = N_ROWS) -> Any:
    """Rows as `predict` takes them: normal numbers on the scale of the fit, categories at random.

    Long form has every task in turn.
    """
    rng, p = np.random.default_rng(0), estimator.n_features_in_
    shape = getattr(getattr(getattr(estimator, "_fitted", None), "inputs", None), "row_shape", ())
    if len(shape) > 1:
        return rng.normal(size=(n_rows, *shape))
    tasks, names = estimator._task_set, getattr(estimator, "feature_names_in_", None)
    task_column = task_position(estimator)
    others = [j for j in range(p) if j != task_column]
    center, spread = _scale_of(estimator, len(others))
    columns: list[Any] = [None] * p
    categories = vars(estimator).get("_categories", {})
    for k, j in enumerate(others):
        if k in categories:
            columns[j] = rng.choice(categories[k], n_rows)
        else:
            columns[j] = center[k] + spread[k] * rng.normal(size=n_rows)
    if task_column is not None:
        columns[task_column] = tasks.names[np.arange(n_rows) % tasks.n_tasks]
    if names is None and all(map(are_numbers, columns)):
        return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    import pandas as pd

    return pd.DataFrame(dict(enumerate(columns))).set_axis(
        list(range(p)) if names is None else names.tolist(), axis=1
    )


def _scale_of(estimator: Any, n_features: int) -> tuple[Array, Array]:
    """Where the features of the fit are, and how far they spread, as far as that is known."""
    found: Any = None
    for inner in _inside(estimator):
        X = getattr(inner, "X_fit_", None)
        if X is not None:
            X = X.toarray() if hasattr(X, "toarray") else X
            found = X.mean(axis=0), X.std(axis=0)
        scaling = getattr(inner, "_scaling", None) or getattr(
            getattr(inner, "_blend", None), "scaling", None
        )
        if scaling is not None:
            factor = np.where(scaling.factor > 0, scaling.factor, 1.0)
            found = scaling.shift, 1.0 / factor
        inputs = getattr(getattr(inner, "_fitted", None), "inputs", None)
        if inputs is not None and inputs.scaling is not None and inputs.scaling.factor is not None:
            center, spread = np.zeros(n_features), np.ones(n_features)
            numbers = slice(None) if inputs.numbers is None else inputs.numbers
            factor = np.where(inputs.scaling.factor > 0, inputs.scaling.factor, 1.0)
            center[numbers], spread[numbers] = inputs.scaling.center, 1.0 / factor
            found = center, spread
        if found is not None and len(found[0]) == n_features:
            return found
    return np.zeros(n_features), np.ones(n_features)


def _inside(estimator: Any) -> Any:
    yield estimator
    inner = getattr(estimator, "estimator_", None)
    if inner is not None:
        yield from _inside(final_estimator(inner))


def check_answers(
    estimator: Any, outputs: Any, answers: list[Array], X: Any, tol: float = TOL
) -> None:
    """Raise, naming the task, where answers are not those of the estimator, or pipeline.

    ``answers`` are in the order of ``outputs``; classes by position.
    """
    estimator, X = unwrap(estimator, X)
    X, index = estimator._read_new(X)
    expected = estimator._expected(X, index)
    decided = estimator._decisions(X, index, expected)
    for output, found in zip(outputs, answers, strict=True):
        wanted: Any = expected[output.column]
        if output.kind != "prediction":
            is_same = _is_close(found, wanted, tol)
        elif output.classes is None:
            is_same = _is_close(found, decided[output.column], tol)
        else:
            # Classes as probable as each other may be told apart by rounding.
            rows = np.arange(len(found))
            at = {label: k for k, label in enumerate(output.classes.tolist())}
            own = np.array([at[label] for label in decided[output.column].tolist()])
            is_same = (own == found) | (np.abs(wanted[rows, own] - wanted[rows, found]) < tol)
        if not np.all(is_same):
            row = int(np.argmin(np.reshape(is_same, (len(found), -1)).all(axis=1)))
            raise ValueError(
                f"Task {output.task!r}: the graph of {type(estimator).__name__} has other "
                f"{output.kind} than the estimator, in row {row} of {len(found)} rows "
                f"{found[row]} in place of {np.asarray(wanted)[row]}. {WHY[tol == TOL]}"
            )


def _is_close(found: Array, wanted: Array, tol: float) -> Array:
    finite = np.abs(wanted[np.isfinite(wanted)])
    scale = float(finite.max(initial=0.0))
    with np.errstate(invalid="ignore"):
        near = np.abs(found - wanted) <= tol * scale + 1e-12
    same: Array = near | (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    return same
