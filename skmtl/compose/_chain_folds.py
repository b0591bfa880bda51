"""Which labels of a task are held out while the tasks after it in a chain are fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.model_selection._folds import is_number, spread_folds
from skmtl.model_selection._strata import make_strata
from skmtl.tasks._rows import some_rows


class ChainFolds:
    """What ``cv`` means for each task.

    A number makes folds of a task's labelled rows, which a splitter sees as the user gave them;
    ready folds are of all rows.
    """

    def __init__(self, cv: Any, X: Any) -> None:
        # A generator has to last for all tasks.
        self.cv: Any = cv if is_number(cv) or hasattr(cv, "split") else list(cv)
        self.X = X if hasattr(cv, "split") else None
        if isinstance(self.cv, list) and not self.cv:
            raise ValueError("cv has no folds: a generator gives them once. Give a list of them.")

    def __repr__(self) -> str:
        return repr(self.cv)

    def of(self, problem: Any) -> Any:
        """Training and test labels: positions among those of the task."""
        if is_number(self.cv):
            return self._spread(problem)
        if hasattr(self.cv, "split"):
            return self._split(problem)
        rows = problem.rows
        return [tuple(np.flatnonzero(np.isin(rows, part)) for part in fold) for fold in self.cv]

    def _spread(self, problem: Any) -> Any:
        """As many folds as asked for, or as few labels of the task or of a class allow."""
        most, classes = len(problem.rows), None
        if problem.task.is_classification:
            classes = problem.values
            fewest = np.unique(classes, return_counts=True)[1].min()
            most = fewest if fewest > 1 else most
        strata = make_strata([np.ones(len(problem.rows), dtype=bool)], [classes], [problem.name])
        return spread_folds(strata, min(self.cv, most))

    def _split(self, problem: Any) -> Any:
        try:
            return list(self.cv.split(some_rows(self.X, problem.rows), problem.values))
        except ValueError as error:
            text = f"Task {problem.name!r} has {len(problem.rows)} labels: {error}"
            raise ValueError(text) from error
