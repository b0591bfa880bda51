"""One kernel on the labels of all tasks: what held-out rows say of it, and its functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl._spectrum import Spectrum
from skmtl.kernel._landmarks import nystroem_map
from skmtl.kernel._pairs import Candidate, Pairs

Array = NDArray[Any]

REACH = 2.0
"""Decades between the alpha of a task and the one that is best for all together."""
TIE = 1e-6
"""Errors that differ by no larger a share are the same, but for rounding."""


class Fold(NamedTuple):
    """Rows that a fit does without, and those of them that it predicts."""

    left_out: Array
    test: Array

    @classmethod
    def of(cls, folds: Sequence[tuple[Array, Array]], n_rows: int) -> list[Fold]:
        """From (train, test) rows."""
        found = []
        for train, test in folds:
            is_left_out = np.ones(n_rows, dtype=bool)
            is_left_out[train] = False
            if not is_left_out[test].all():
                raise ValueError(
                    f"{int((~is_left_out[test]).sum())} rows of a fold are both in training and "
                    "held out; cv has to keep them apart."
                )
            found.append(cls(np.flatnonzero(is_left_out), np.asarray(test)))
        return found

    def within(self, rows: Array, n_rows: int) -> Fold:
        """Positions among some of the rows."""
        position = np.full(n_rows, -1)
        position[rows] = np.arange(len(rows))
        return Fold(*(found[found >= 0] for found in (position[part] for part in self)))


class Pattern(NamedTuple):
    """Outputs whose labels are those of the same rows, with the same shares."""

    rows: Array
    share: Array
    outputs: Array


@dataclass(frozen=True, eq=False)
class Responses:
    """What kernels are fitted to.

    ``values`` and ``share`` are (n_rows, n_outputs); the shares of an output sum to 1, 0 where
    unobserved. ``column`` (n_outputs,) is the column of y that an output belongs to.
    """

    values: Array
    share: Array
    column: Array

    def take(self, rows: Array) -> Responses:
        """Some of the rows."""
        share = self.share[rows]
        total = share.sum(axis=0)
        share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        return Responses(self.values[rows], share, self.column)

    def patterns(self) -> list[Pattern]:
        """Outputs grouped by their shares, those without any left out."""
        groups: dict[bytes, list[int]] = {}
        for k, share in enumerate(self.share.T):
            if share.any():
                groups.setdefault(share.tobytes(), []).append(k)
        found = []
        for outputs in groups.values():
            share = self.share[:, outputs[0]]
            rows = np.flatnonzero(share)
            found.append(Pattern(rows, share[rows], np.array(outputs)))
        return found

    def only(self, patterns: list[Pattern]) -> Responses:
        """The outputs of some patterns."""
        outputs = np.sort(np.concatenate([pattern.outputs for pattern in patterns]))
        return Responses(self.values[:, outputs], self.share[:, outputs], self.column[outputs])


@dataclass(frozen=True, eq=False)
class Trial:
    """A kernel whose alphas are chosen.

    ``error`` is the root mean squared error of held-out rows in units of the spread, in the mean
    of the columns of y, ``alphas`` are (n_columns,). ``coef`` (n_anchors, n_outputs) and
    ``intercept`` (n_outputs,) are the functions, ``held_out`` (n_rows, n_outputs) what fits
    without a row say of it, NaN where it has no label. ``errors_elsewhere`` (n_parts,) are errors
    without each part of the rows, and ``left_out`` is ``held_out`` with alphas that these choose.
    """

    candidate: Candidate
    error: float
    alphas: Array
    coef: Array
    intercept: Array
    held_out: Array
    errors_elsewhere: Array
    left_out: Array

    def is_better(self, other: Trial) -> bool:
        """Whether the error is smaller, not only by rounding."""
        return self.error < (1.0 - TIE) * other.error


@dataclass(frozen=True, eq=False)
class Ground:
    """Rows and labels that kernels are tried on.

    ``pairs`` are all rows with the anchors of the functions: with themselves, or with landmarks,
    which ``landmarks`` are pairs of. ``part`` (n_rows,) is that of `parts_of`.
    """

    pairs: Pairs
    responses: Responses
    alphas: Array
    part: Array
    folds: Sequence[Fold] | None = None
    landmarks: Pairs | None = None

    def attempt(self, candidate: Candidate) -> Trial:
        """Alphas, errors and functions of a kernel."""
        z, n_outputs = self.responses.values, len(self.responses.column)
        residuals = np.full((len(self.alphas), *z.shape), np.nan)
        counted = [self.part >= -1, *(self.part != k for k in range(self.part.max() + 1))]
        errors = np.full((len(counted), len(self.alphas), n_outputs), np.nan)
        features, to_anchors = self._features(candidate)
        spectra = []
        for pattern in self.responses.patterns():
            rows, share, outputs = pattern
            spectrum = self._spectrum(features, pattern)
            of_pattern = z[np.ix_(rows, outputs)]
            found = spectrum.held_out(of_pattern, self.alphas, self._folds_of(rows))
            residuals[:, rows[:, None], outputs] = found
            for some, of_rows in zip(errors, counted, strict=True):
                some[:, outputs] = _relative_errors(found, of_pattern, share * of_rows[rows])
            spectra.append((pattern, spectrum))
        choice, error = self._choose(errors[0])
        chosen = choice[self.responses.column]
        coef = np.zeros((self.pairs.right.n_rows, n_outputs))
        intercept = np.zeros(n_outputs)
        for (rows, _, outputs), spectrum in spectra:
            of_pattern = z[np.ix_(rows, outputs)]
            found, intercept[outputs] = spectrum.coefficients(
                of_pattern, self.alphas[chosen[outputs]]
            )
            if to_anchors is None:
                coef[np.ix_(rows, outputs)] = found
            else:
                coef[:, outputs] = to_anchors @ found
        every = np.arange(n_outputs)
        held_out = z - residuals[chosen, :, every].T
        elsewhere, left_out = np.empty(len(errors) - 1), np.full_like(z, np.nan)
        for k, of_others in enumerate(errors[1:]):
            of_part, elsewhere[k] = self._choose(of_others)
            rows = np.flatnonzero(self.part == k)
            found = residuals[of_part[self.responses.column][:, None], rows, every[:, None]]
            left_out[rows] = z[rows] - found.T
        alphas = self.alphas[choice]
        return Trial(candidate, error, alphas, coef, intercept, held_out, elsewhere, left_out)

    def _features(self, candidate: Candidate) -> tuple[Array, Array | None]:
        """The kernel; where there are landmarks, features, and what makes anchors of them."""
        K = self.pairs.kernel(candidate)
        if self.landmarks is None:
            return K, None
        to_anchors = nystroem_map(self.landmarks.kernel(candidate))
        return K @ to_anchors, to_anchors

    def _spectrum(self, features: Array, pattern: Pattern) -> Spectrum:
        rows = pattern.rows
        if self.landmarks is not None:
            return Spectrum.of_features(features[rows], pattern.share)
        if len(rows) < len(features):
            features = features[np.ix_(rows, rows)]
        return Spectrum.of_kernel(features, pattern.share)

    def _folds_of(self, rows: Array) -> list[Fold] | None:
        if self.folds is None:
            return None
        return [fold.within(rows, len(self.responses.values)) for fold in self.folds]

    def _choose(self, errors: Array) -> tuple[Array, float]:
        """Position of the alpha of each column, and the error with them."""
        columns = self.responses.column
        n_columns = int(columns.max()) + 1
        by_column = np.full((len(errors), n_columns), np.nan)
        is_known = np.isfinite(errors).all(axis=0)
        for column in np.unique(columns[is_known]):
            by_column[:, column] = errors[:, is_known & (columns == column)].mean(axis=1)
        known = np.flatnonzero(np.isfinite(by_column).all(axis=0))
        choice = np.zeros(n_columns, dtype=np.intp)
        if not len(known):
            return choice, 0.0
        best = int(_first_least(by_column[:, known].mean(axis=1)))
        far = np.abs(np.log10(self.alphas / self.alphas[best])) > REACH + 1e-9
        choice[:] = best
        choice[known] = _first_least(np.where(far[:, None], np.inf, by_column[:, known]))
        return choice, float(np.sqrt(by_column[choice[known], known]).mean())


def _first_least(errors: Array) -> Any:
    """Position of the first of the least along the first axis: of alphas the largest."""
    return (errors <= (1.0 + TIE) * errors.min(axis=0)).argmax(axis=0)


def _relative_errors(residuals: Array, z: Array, share: Array) -> Array:
    """Mean squares (n_alphas, n_outputs) over the variance; NaN for constants, or no residual."""
    share = share / (share.sum() or 1.0)
    variance = share @ np.square(z - share @ z)
    known: Array = np.isfinite(residuals[0]).all(axis=1) & (share > 0)
    if not known.any():
        return np.full((len(residuals), z.shape[1]), np.nan)
    squares = np.einsum("i,aik->ak", share[known], np.square(residuals[:, known]))
    nothing = np.full_like(squares, np.nan)
    return np.divide(squares, variance * share[known].sum(), out=nothing, where=variance > 0)
