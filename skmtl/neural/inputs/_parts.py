"""What stands to the right of the scaled numbers.

Each part says how many columns it has, and writes them: from the rows of X as they came, and from
the numbers among them, scaled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

# Inputs of their own have at most so many categories of a column (Holzmueller et al., "Better by
# default", NeurIPS 2024, table A.1; measured: with 12, 25 and 400 categories a table is better).
MANY = 8
# A column of an embedding that spreads no more is constant.
TINY = 1e-9
# Columns of an embedding count so much less than those of X (measured: with many bins beside
# each number, the numbers themselves must not go down).
SHARE = 2.0**-0.5


class Part(ABC):
    """Some columns of what a network reads."""

    n_columns: int

    @abstractmethod
    def write(self, X: Array, Z: Array, out: Array) -> None:
        """Its columns (n, n_columns), of rows X and their numbers Z, into ``out``."""


@dataclass(frozen=True, eq=False)
class Missing(Part):
    """1 where a number is missing, for columns in which `fit` has seen that.

    With the number in the middle, 0, the weight in the first layer is the value that is learnt.
    """

    columns: Array

    @property
    def n_columns(self) -> int:  # type: ignore[override]
        return len(self.columns)

    def write(self, X: Array, Z: Array, out: Array) -> None:
        out[:] = np.isnan(X[:, self.columns])


@dataclass(frozen=True, eq=False)
class OneHot(Part):
    """1 for the category of a column, one column for each that `fit` has seen with labels.

    The last is for what is missing, if `fit` has seen that; a category that it has not seen counts
    as missing. A linear layer that reads them is an embedding as wide as the layer.

    Parameters
    ----------
    column : int
        Of X, with the number of a category, or NaN.
    place : ndarray of int, shape (n_categories + 1,)
        The column of each category and, in the end, of what is missing; -1 for none.
    """

    column: int
    place: Array

    @property
    def n_columns(self) -> int:  # type: ignore[override]
        return int(self.place.max(initial=-1)) + 1

    def positions(self, X: Array) -> Array:
        """The column of each row; -1 for none."""
        codes = X[:, self.column]
        return self.place[np.where(np.isnan(codes), len(self.place) - 1, codes).astype(int)]

    def write(self, X: Array, Z: Array, out: Array) -> None:
        out[:] = self.positions(X)[:, None] == np.arange(self.n_columns)


@dataclass(frozen=True, eq=False)
class Codes(OneHot):
    """The number of the category: the row of a table, which is trained with the network.

    The last row is for what is missing or unknown where `fit` has seen none.
    """

    @property
    def n_columns(self) -> int:  # type: ignore[override]
        return 1

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return int(self.place.max(initial=-1)) + 2

    def write(self, X: Array, Z: Array, out: Array) -> None:
        position = self.positions(X)
        out[:, 0] = np.where(position < 0, self.n_rows - 1, position)


@dataclass(frozen=True, eq=False)
class Embedded(Part):
    """Columns that a transformer makes of the numbers, standardised.

    Parameters
    ----------
    embedding : transformer
        Fitted.
    center, factor : ndarray of shape (n_columns,)
        What is subtracted, and then multiplied with.
    """

    embedding: Any
    center: Array
    factor: Array

    @property
    def n_columns(self) -> int:  # type: ignore[override]
        return len(self.center)

    def write(self, X: Array, Z: Array, out: Array) -> None:
        np.subtract(_columns(self.embedding, Z), self.center, out=out, casting="same_kind")
        out *= self.factor


def fit_categories(X: Array, categories: Mapping[int, int]) -> list[OneHot]:
    """For each column of categories, given how many `fit` knows: those that rows X have.

    `Codes`, of columns with many, come last.
    """
    parts: list[OneHot] = []
    for column, n_categories in categories.items():
        codes = X[:, column]
        is_missing = np.isnan(codes)
        known = np.unique(codes[~is_missing]).astype(int)
        place = np.full(n_categories + 1, -1)
        place[known] = np.arange(len(known))
        # Where `fit` has seen none missing, there is no such column.
        missing = len(known) if is_missing.any() else -1
        place[place < 0] = missing
        parts.append((OneHot if len(known) <= MANY else Codes)(column, place))
    return sorted(parts, key=lambda part: isinstance(part, Codes))


def fit_embedded(embedding: Any, Z: Array, y: Array | None) -> Embedded:
    """A transformer, not fitted yet, for numbers like these."""
    fitted = embedding.fit(Z, y)
    columns = _columns(fitted, Z)
    center, spread = columns.mean(axis=0), columns.std(axis=0)
    factor = np.divide(SHARE, spread, out=np.zeros_like(spread), where=spread > TINY)
    return Embedded(fitted, center, factor)


def _columns(embedding: Any, Z: Array) -> Array:
    """Columns of a fitted transformer, dense."""
    columns = embedding.transform(Z)
    return np.asarray(columns.toarray() if sparse.issparse(columns) else columns)
