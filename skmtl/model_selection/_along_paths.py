"""Linear candidates in a fold: those that differ in alpha are fitted along one path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_method_params

from skmtl.model_selection._side_by_side import Scores, same_steps, steps_before, with_steps
from skmtl.tasks._rows import some_rows

Array = NDArray[Any]


@dataclass(frozen=True)
class FoldRows:
    """Rows of a search, and which of them are in a fold.

    Attributes
    ----------
    X, y, params, score_params
        All rows, and parameters of the fits and of the scores.
    train : ndarray
        Rows to fit to.
    scored : list of ndarray or None
        Sets of rows whose scores are all that is asked for; None where fits are.
    sums : list of FoldSums or None
        What stands for these rows.
    """

    X: Any
    y: Any
    params: dict[str, Any]
    score_params: dict[str, Any]
    train: Array
    scored: list[Array] | None
    sums: Any = None

    def results(self, models: Sequence[Any]) -> list[Any]:
        """For each model its `Scores`, or itself, fitted; or what its fit has raised."""
        found: list[Any] = [None] * len(models)
        for positions in same_steps(models):
            some = [models[i] for i in positions]
            for i, result in zip(positions, self._of_same_steps(some), strict=True):
                found[i] = result
        return found

    def _of_same_steps(self, models: list[Any]) -> list[Any]:
        from skmtl.linear.cross_validation._candidates import Fold

        params = _check_method_params(self.X, self.params, indices=self.train)
        # All candidates learn from what the steps make of the rows.
        X, y = self._take(self.train) if has_steps(models[0]) else (None, None)
        before, (lasts, X, y, own) = steps_before(models, X, y, params)
        if isinstance(X, Exception):
            return [X] * len(models)
        train = partial(self._take, self.train) if before is None else lambda: (X, y)
        scored = [partial(self._after, before, rows) for rows in self.scored or ()]
        fold = Fold(train, own, scored, self.sums)
        if self.scored is None:
            results = fold.fitted(lasts)
            return [
                last if isinstance(last, Exception) else with_steps(model, before, last)
                for model, last in zip(models, results, strict=True)
            ]
        return [
            found if isinstance(found, Exception) else Scores(found) for found in fold.scores(lasts)
        ]

    def _take(self, rows: Array) -> tuple[Any, Any]:
        return some_rows(self.X, rows), some_rows(self.y, rows)

    def _after(self, before: Pipeline | None, rows: Array) -> tuple[Any, Any, dict[str, Any]]:
        """Rows to score, as the last step is given them."""
        X, y = self._take(rows)
        params = _check_method_params(self.X, self.score_params, indices=rows)
        return X if before is None else before.transform(X), y, params


def has_steps(model: Any) -> bool:
    """Whether there are steps before the last."""
    return isinstance(model, Pipeline) and len(model.steps) > 1


def sums_of(
    models: Sequence[Any], X: Any, y: Any, params: dict[str, Any], folds: Any, **options: Any
) -> list[Any]:
    """What stands for the rows of each fold; None where steps before change them."""
    if any(map(has_steps, models)):
        return [None] * len(folds)
    from skmtl.linear.cross_validation._sums_of_folds import sums_of_folds

    # Without steps, only the names of the parameters change.
    _, (lasts, *_, own) = steps_before(models, X, y, params)
    found: list[Any] = sums_of_folds(lasts, X, y, own, folds, **options)
    return found
