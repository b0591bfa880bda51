"""Fits of the estimator to all rows but those that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import chosen_alpha
from skmtl.compose._features import take_rows
from skmtl.compose._stack_fits import Job, Workshop
from skmtl.compose._stack_folds import Fold, make_folds
from skmtl.compose._stack_members import Member, read_members
from skmtl.tasks._counts import numbers_of_labels
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._bands import gives_std_of_any
from skmtl.uncertainty._conformal_models import FittedModels, LevelsAndScore, Model
from skmtl.uncertainty._held_out_labels import hold_out
from skmtl.uncertainty._learned_scale import N_INNER, LearnedScale

Array = NDArray[Any]

ModelAndExpected = tuple[Model, Any]


@dataclass(frozen=True, eq=False)
class Teacher:
    """Fits the estimator that was ``given``, of this package or scikit-learn's."""

    given: Any
    workshop: Workshop
    style: LevelsAndScore

    def fit(
        self, folds: list[Fold], *, is_split: bool
    ) -> tuple[FittedModels, list[ModelAndExpected]]:
        """What predicts and the models of all folds, these also with what they expect there."""
        # With a fold that is the only one, its model is all there is.
        alone: list[Fold | None] = [] if is_split and folds else [None]
        # All rows first: what is wrong with them is said of all.
        fitted = self.fit_folds([*alone, *folds])
        if self.style[1] == "normalized" and not gives_std_of_any(self.given):
            fitted = [
                (self._with_scale(model, fold), expected)
                for (model, expected), fold in zip(fitted, [*alone, *folds], strict=True)
            ]
        of_folds = fitted[len(alone) :]
        return FittedModels(fitted[0][0], [model for model, _ in of_folds]), of_folds

    @property
    def _member(self) -> Member:
        """The estimator as it learns the tasks; one that fails for a task raises."""
        (member,) = read_members([("estimator", self.given)], self.workshop.targets.tasks)
        return replace(member, is_apart=False)

    def fit_folds(self, folds: Sequence[Fold | None]) -> list[ModelAndExpected]:
        """A model for each fold, and what it expects of the test rows; None stands for all rows."""
        member, tasks = self._member, self.workshop.targets.tasks
        jobs = [
            Job(member, member.tasks)
            if fold is None
            else Job(member, np.intersect1d(member.tasks, fold.taught), fold.train, fold.test)
            for fold in folds
        ]
        found = []
        for done in self.workshop.do(jobs):
            if done.error is not None:
                raise done.error
            found.append((Model(tasks, done.job.tasks, done.estimator, self.style), done.expected))
        return found

    def _with_scale(self, model: Model, fold: Fold | None) -> Model:
        """The model with a scale that is learned from the rows that it has seen."""
        everything = self.workshop
        rows = np.arange(len(everything.targets.weights)) if fold is None else fold.train
        X, targets = take_rows(everything.X, rows), everything.targets.take(rows)
        inner = Teacher(
            self.given,
            replace(everything, X=X, targets=targets),
            (self.style[0], "absolute"),
        )
        folds = make_folds(N_INNER, X, None, targets)
        held_out = hold_out(X, targets, folds, inner.fit_folds(folds), numbers_of_labels)
        template = inner._member.template

        def prepare(X: Any, targets: Targets) -> Any:
            return everything.prepare(X, targets, None, template)

        with chosen_alpha():
            return replace(model, scale=LearnedScale.fit(X, targets, held_out, prepare))


def fitted_before(
    fitted: Any, targets: Targets, style: LevelsAndScore
) -> tuple[tuple[FittedModels, list[ModelAndExpected]], list[Fold]]:
    """The same of an estimator that was fitted already: all rows are held out from it."""
    tasks = targets.tasks
    if style[1] == "normalized" and not gives_std_of_any(fitted):
        raise ValueError(
            "conformity_score='normalized' learns a scale from the rows of training, which are "
            f"not known of {type(fitted).__name__}, fitted before. Give it not fitted, or use "
            "conformity_score='absolute'."
        )
    taught = np.flatnonzero(tasks.n_labels > 0)
    model, rows = Model(tasks, taught, fitted, style), np.arange(len(targets.weights))
    return (FittedModels(model, [model]), [(model, None)]), [Fold(rows[:0], rows, taught)]
