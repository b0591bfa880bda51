"""Proximal Newton where there are few raw scores: a step is a handful of compiled calls.

The steps are those of `_newton_steps`, with the rows of X (p, n) features less their means. Sweeps
are not accelerated, which would take longer to compile: where they do not end, and whatever else is
not certified here, goes on there.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._label_block import LabelBlock
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._problem import NEARLY_FREE
from skmtl.linear.objective._setup import StatedLoss
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Stopping
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers.compiled._label_sweeps import rows_value
from skmtl.linear.solvers.compiled._row import dual_scale
from skmtl.linear.solvers.compiled._row_models import room_for_rows, step_of_rows
from skmtl.linear.solvers.proximal_newton._few_labels import FewClassLabels, FewLabels
from skmtl.linear.solvers.proximal_newton._label_model import LabelGrams
from skmtl.linear.solvers.proximal_newton._newton_steps import (
    FLAT,
    HALVINGS,
    MAX_SWEEPS,
    NEAR,
    NOTHING,
    ROUNDING,
    SHORT,
    SUFFICIENT,
    terms_of,
)

Array = NDArray[Any]

FEW_SCORES, FEW_FEATURES = 2**16, 128
"""Raw scores, counting pairs of them, and features up to which there are few."""


class FewScores:
    """Fits of a loss with a penalty on each row of W.

    Parameters
    ----------
    stated : StatedLoss
        Loss.
    part : PenaltyPart
        Penalty, to be multiplied by alpha.
    options : FitOptions
        When to stop.
    """

    @classmethod
    def of(cls, stated: StatedLoss, part: PenaltyPart, options: FitOptions) -> Self | None:
        """Those of a loss with compiled functions and few raw scores; else None."""
        loss = stated.loss
        assert isinstance(loss, DataLoss)
        X, n_scores = loss.design.X, 0
        for block in loss.blocks:
            n_outputs = block.task.n_outputs_
            n_scores += block.values.size * n_outputs * (n_outputs + 1) // 2
        if (
            loss.task_index is not None
            or sparse.issparse(X)
            or n_scores > FEW_SCORES
            or X.shape[1] > FEW_FEATURES
            or any(block.task.compiled_loss is None for block in loss.blocks)
            # Intercepts that have no end are warned of.
            or loss.has_constant_labels
        ):
            return None
        return cls(stated, part, options)

    def __init__(self, stated: StatedLoss, part: PenaltyPart, options: FitOptions) -> None:
        loss = stated.loss
        assert isinstance(loss, DataLoss)
        self.stated, self.options = stated, options
        self.free = stated.intercept_alpha is not None
        self.start_b, self.positive = stated.start_b, part.positive
        features = (loss.design.X - loss.design.offset).T
        # Intercepts are the coefficients of a last feature, 1, that nothing penalises.
        ones = np.ones((int(self.free), loss.n_samples))
        self.X = np.ascontiguousarray(np.vstack([features, ones]))
        ridge, *of_rows = terms_of(part)
        self.terms = np.zeros((4, len(self.X)))
        self.terms[:, : len(features)] = np.full(len(features), ridge), *of_rows
        self.order = np.concatenate(
            [np.arange(len(self.start_b))[block.outputs] for block in loss.blocks]
        )
        self._read(loss.blocks)

    def _read(self, blocks: list[LabelBlock]) -> None:
        """Labels, and the columns of the tasks they belong to."""
        self.blocks: list[FewLabels] = []
        first, second, group, start, n_weights = [], [], [], 0, len(self.order)
        for block in blocks:
            make = FewClassLabels if block.task.n_outputs_ > 1 else FewLabels
            labels = make(block, start, n_weights)
            self.blocks.append(labels)
            begin = np.arange(start, labels.columns.stop, labels.K)[:, None]
            first.append((begin + labels.first).ravel())
            second.append((begin + labels.second).ravel())
            group.append(np.repeat(begin, labels.K))
            start, n_weights = labels.columns.stop, labels.pairs.stop
        self.first, self.second = np.concatenate(first), np.concatenate(second)
        columns = np.concatenate(group)
        self.group = np.concatenate([columns, columns[self.first]])
        self.weights = np.concatenate([labels.column_weights for labels in self.blocks])
        self.inverse = np.divide(
            1.0, self.weights, out=np.zeros_like(self.weights), where=self.weights > 0
        )
        self.slope = np.empty_like(self.weights)
        self.bend = np.empty((n_weights, self.X.shape[1]))
        self.room = room_for_rows(len(self.X), len(self.order), *self.bend.shape)

    def fit(self, alpha: float, warm: Start | None) -> LinearFit | None:
        """Fit with the penalty times alpha; None where that is not finite."""
        stated, p = self.stated, len(self.X) - self.free
        terms = alpha * self.terms
        if not np.isfinite(terms[::3]).all() or not np.isfinite(terms[2]).all():
            return None
        W = np.zeros((len(self.X), len(self.start_b)))
        if warm is not None:
            W[:p] = np.maximum(warm.W, 0.0) if self.positive else warm.W
        if self.free:
            W[p] = self.start_b if warm is None else warm.b + stated.centers(warm.W)
        max_gap = self.options.margin * self.options.tol * stated.null_loss
        found, gap, n_iter = self._descend(
            np.ascontiguousarray(W[:, self.order]), terms, Stopping(max_gap, self.options.max_iter)
        )
        W[:, self.order] = found
        coef = W[:p]
        b = (W[p] if self.free else self.start_b) - stated.centers(coef)
        return LinearFit(coef, np.asarray(b), None, gap, n_iter)

    def _descend(self, W: Array, terms: Array, stopping: Stopping) -> tuple[Array, float, int]:
        """(W, gap, steps) at the end, from W with the intercepts in its last row."""
        F = W.T @ self.X
        loss, penalty = self._loss(F), rows_value(W, *terms)
        promise, damping, n_iter, ended = np.inf, FLAT, 0, True
        while True:
            for labels in self.blocks:
                labels.derivatives(F, self.slope, self.bend)
            H = -(self.X @ self.slope.T)
            is_last = n_iter == stopping.max_iter or not ended
            if is_last or promise <= NEAR * stopping.max_gap:
                gap = max(loss + penalty - self._bound(W, terms, loss, -H[-1]), 0.0)
                if is_last or gap <= stopping.max_gap:
                    return W, gap, n_iter
            self._raise_curvatures(damping, loss)
            dW = np.empty_like(W)
            ended = step_of_rows(
                self.X, self.first, self.second, self.group, self.free, self.bend, H, W, *terms,
                LabelGrams.share, MAX_SWEEPS, *self.room, dW,
            )  # fmt: skip
            along, value, length = dW.T @ self.X, loss + penalty, 1.0
            new = W + dW, F + along
            after = rows_value(new[0], *terms)
            promise = float(np.vdot(H, dW)) + penalty - after
            for _ in range(HALVINGS):
                loss = self._loss(new[1])
                least = SUFFICIENT * length * promise - ROUNDING * abs(value)
                if loss + after <= value - least:
                    break
                length *= 0.5
                new = W + length * dW, F + length * along
                after = rows_value(new[0], *terms)
            (W, F), penalty = new, after
            damping = max(FLAT, 0.1 * damping if length > SHORT else damping / length)
            ended = ended and promise > NOTHING * abs(loss + penalty)
            n_iter += 1

    def _loss(self, F: Array) -> float:
        return sum(labels.value(F) for labels in self.blocks)

    def _raise_curvatures(self, damping: float, loss: float) -> None:
        """Give labels where the loss is flat some of a parabola's: see `NewtonSteps._bend`."""
        parabola = float(np.vdot(self.slope * self.inverse, self.slope)) / (2.0 * abs(loss) or 1.0)
        own = self.bend[: len(self.slope)]
        np.maximum(own, damping * parabola * self.weights, out=own)

    def _bound(self, W: Array, terms: Array, loss: float, sums: Array) -> float:
        """Of the optimum, at least 0: see `Problem.gap`."""
        U = self._orthogonal_slope(loss, sums) if self.free else self.slope
        if U is None:
            return 0.0
        p = len(W) - self.free
        W, ridge, of_rows = W[:p], terms[0, 0], terms[1:, :p]
        scale = dual_scale(-(self.X[:p] @ U.T), W, ridge, *of_rows)
        bound = -sum(labels.conjugate(scale * U) for labels in self.blocks)
        bound -= 0.5 * ridge * scale**2 * float(np.vdot(W, W))
        return max(bound, 0.0) if np.isfinite(bound) else 0.0

    def _orthogonal_slope(self, loss: float, sums: Array) -> Array | None:
        """The slope after a Newton step of intercepts, with sums of 0; None where these fail."""
        h, n_columns = self.bend.sum(axis=1), len(sums)
        z = np.empty_like(sums)
        try:
            left = np.concatenate([labels.intercept_step(sums, h, z) for labels in self.blocks])
        except np.linalg.LinAlgError:
            return None
        inverse = 1.0 / np.where(h[:n_columns] > 0, h[:n_columns], 1.0)
        size = float(inverse @ sums**2) + 1e-4 * abs(loss)
        if not (float(inverse @ left**2) <= NEARLY_FREE**2 * size < np.inf):
            return None
        U = self.slope - z[:, None] * self.bend[:n_columns]
        for c, d, bend in zip(self.first, self.second, self.bend[n_columns:], strict=True):
            U[c] -= z[d] * bend
            U[d] -= z[c] * bend
        return U
