"""The data of a search, as given and as validated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from numpy.typing import NDArray

from skmtl.tasks._rows import some_rows
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

GIVEN = ("X_given", "y", "task_column", "sample_weight")


@dataclass(frozen=True)
class SearchData:
    """All rows of a search, or those of one side of a fold.

    Attributes
    ----------
    X_given : array-like or None
        Features as given, where a scorer wants them.
    X : ndarray or sparse matrix
        Features as validated.
    y, task_column, sample_weight : array-like or None
        As given.
    observed : ndarray of bool, shape (n_samples,)
        Rows with a label.
    names : list
        Names of all tasks.
    """

    X_given: Any
    X: Any
    y: Any
    task_column: Any
    sample_weight: Any
    observed: Array
    names: list[Any]

    def take(self, rows: Array) -> Self:
        """Some of the rows."""
        given = {name: getattr(self, name) for name in GIVEN}
        taken: dict[str, Any] = {
            name: None if part is None else some_rows(part, rows) for name, part in given.items()
        }
        return replace(self, X=self.X[rows], observed=self.observed[rows], **taken)

    def targets(self, model: Any) -> Targets:
        """Labels as ``model`` reads them."""
        return model._read_y(self.X, self.y, self.task_column, self.sample_weight)


def with_features_of(fitted: Any, model: Any) -> Any:
    """The model, that knows the number and names of the features of another."""
    for name in ("n_features_in_", "feature_names_in_", "_origin"):
        if hasattr(fitted, name):
            setattr(model, name, getattr(fitted, name))
    return model
