"""More features than rows: the problem in a basis of the rows, exactly.

Where no orthogonal change of the features changes the penalty, the coefficients of an optimum
are combinations of the rows (the representer theorem: Argyriou, Micchelli and Pontil, "When is
there a representer theorem? Vector versus matrix regularizers", JMLR 10, 2009, theorem 5). With
X' = V R, V orthonormal, the rows of R' stand for those of X, and W = V times their coefficients.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from scipy import linalg, sparse

from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._statistics import MAX_GRAM_BYTES, Statistics
from skmtl.linear.objective._variables import Start
from skmtl.linear.penalties import Penalty
from skmtl.sources._stored_rows import StoredRows

Array = NDArray[Any]


def in_row_space(X: Any, penalty: Penalty, options: FitOptions) -> tuple[Any, Array | None]:
    """X in the basis of its rows, and that basis (n_features, n_rows); or X, and None."""
    if isinstance(X, Statistics | StoredRows):
        return X, None
    n_rows, n_features = X.shape
    atoms = [atom for part in penalty.parts() for atom in part.atoms()]
    if (
        n_features <= n_rows
        or options.positive
        or 8 * n_rows * n_features > MAX_GRAM_BYTES
        or not all(atom.is_rotation_invariant for atom in atoms)
    ):
        return X, None
    rows = X.toarray() if sparse.issparse(X) else X
    basis, R = linalg.qr(rows.T, mode="economic", check_finite=False)
    return R.T.copy(), basis


def start_in_basis(warm: Start | None, basis: Array | None) -> Start | None:
    """What a fit starts from, in a basis of the rows (None: the features)."""
    if warm is None or basis is None:
        return warm
    parts = None if warm.parts is None else basis.T @ warm.parts
    return Start(basis.T @ warm.W, warm.b, parts)
