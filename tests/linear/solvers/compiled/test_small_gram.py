import numpy as np
import pytest

pytest.importorskip("numba")

from skmtl.linear.solvers.compiled._small_gram import add_gram


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("with_ones", [False, True])
def test_any_number_of_rows_adds_their_gram(n, with_ones):
    rng = np.random.default_rng(n)
    X, offset, h = rng.normal(size=(n, 3)), rng.normal(size=3), rng.normal(size=n)
    Z = np.column_stack([X - offset, np.ones((n, int(with_ones)))])
    q = Z.shape[1]
    G = np.eye(q)
    add_gram(X, offset, h, np.ones((4, q)), G)
    np.testing.assert_allclose(G, np.eye(q) + Z.T @ (h[:, None] * Z), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(G, G.T)
