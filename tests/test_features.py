"""What is not finite is found in X of any layout, and large numbers are no infinity."""

import numpy as np
import pytest
from scipy import sparse

from skmtl._features import check_finite

LAYOUTS = {
    "rows": np.array,
    "columns": np.asfortranarray,
    "some columns": lambda X: np.hstack([X, X])[:, : X.shape[1]],
    "float32": lambda X: X.astype(np.float32),
    "sparse": sparse.csr_array,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("bad", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "inf")])
def test_what_is_not_finite_is_named(layout, bad, word):
    X = np.random.default_rng(0).normal(size=(20, 4))
    check_finite(LAYOUTS[layout](X), None)
    X[3, 2] = bad
    with pytest.raises(ValueError, match=rf"Input X contains {word}.*: 2 \(1\)"):
        check_finite(LAYOUTS[layout](X), None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_numbers_whose_squares_are_too_large_are_finite(layout):
    size = 1e30 if layout == "float32" else 1e300
    check_finite(LAYOUTS[layout](np.full((20, 4), size)), None)
