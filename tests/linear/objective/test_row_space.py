"""With more features than rows, fits in a basis of the rows are the fits."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import LinAlgWarning

from skmtl import MultiTaskLinear, MultiTaskLinearRegressor, MultiTaskLinearRegressorCV
from skmtl.linear.cross_validation import _path
from skmtl.linear.objective._row_space import in_row_space
from skmtl.linear.penalties import L1, L2, L21, Split, Temporal, TraceNorm
from skmtl.linear.solvers import _fit, _stacked_rows

INVARIANT = [
    "l2", "mean_deviation", "trace_norm", "squared_trace_norm", "clustered",
    "temporal", "robust_low_rank", L21(axis="tasks"), 0.1 * L2() + Temporal(), L2() + TraceNorm(),
]  # fmt: skip
TIGHT = {"tol": 1e-10, "max_iter": 20_000}


@pytest.fixture
def data():
    """X (15, 40), three tasks, a quarter of the labels missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(1.0, size=(15, 40))
    Y = X[:, :3] @ rng.normal(size=(3, 3)) + 0.3 * rng.normal(size=(15, 3)) + 2.0
    return X, np.where(rng.random(Y.shape) < 0.25, np.nan, Y)


@pytest.fixture
def in_features(monkeypatch):
    """Turns the basis off."""

    def off():
        for module in (_fit, _path):
            monkeypatch.setattr(module, "in_row_space", lambda X, penalty, options: (X, None))

    return off


def test_the_basis_is_one_of_the_rows(data):
    X = data[0]
    small, basis = in_row_space(X, L2(), MultiTaskLinear())
    assert small.shape == (15, 15)
    np.testing.assert_allclose(basis.T @ basis, np.eye(15), atol=1e-12)
    np.testing.assert_allclose(small @ basis.T, X, atol=1e-12)


@pytest.mark.parametrize(
    ("penalty", "options"),
    [
        (L1(), MultiTaskLinear()),
        (L2() + L21(), MultiTaskLinear()),
        (Split(TraceNorm(), L1()), MultiTaskLinear()),
        (L2(), MultiTaskLinear(positive=True)),
    ],
)
def test_what_sees_single_features_keeps_them(penalty, options, data):
    X, basis = in_row_space(data[0], penalty, options)
    assert X is data[0]
    assert basis is None


@pytest.mark.parametrize("penalty", INVARIANT, ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"fit_intercept": False}, {"intercept_alpha": 1.0}], ids=str
)
def test_fits_are_the_same(penalty, options, data, in_features):
    X, Y = data
    model = MultiTaskLinearRegressor(penalty, alpha=0.1, **options, **TIGHT)
    small = model.fit(X, Y)
    coef, intercept, gap = small.coef_, small.intercept_, small.dual_gap_
    components = getattr(small, "coef_components_", None)
    in_features()
    model.fit(X, Y)
    np.testing.assert_allclose(coef, model.coef_, atol=2e-4)
    np.testing.assert_allclose(intercept, model.intercept_, atol=2e-4)
    assert gap <= 1e-10 * np.nanvar(Y) * 3
    if components is not None:
        np.testing.assert_allclose(components.sum(axis=0), coef, atol=1e-10)


def test_other_losses_and_sparse_features(data, in_features):
    X, Y = data
    X = sparse.csr_array(np.where(X > 1.0, X, 0.0))
    Y = np.where(np.isnan(Y), np.nan, np.nan_to_num(Y) > 2.0)
    model = MultiTaskLinear("l2", alpha=0.1, **TIGHT)
    coef = model.fit(X, Y).coef_
    in_features()
    np.testing.assert_allclose(coef, model.fit(X, Y).coef_, atol=1e-4)


@pytest.mark.parametrize("penalty", ["l2", "trace_norm"])
def test_paths_and_warm_starts(penalty, data, in_features):
    X, Y = data
    alphas = [1.0, 0.3, 0.1]
    search = MultiTaskLinearRegressorCV(penalty, alphas=alphas, cv=3, **TIGHT)
    scores = search.fit(X, Y).score_path_
    warm = MultiTaskLinearRegressor(penalty, alpha=0.3, warm_start=True, **TIGHT).fit(X, Y)
    warm.set_params(alpha=0.1).fit(X, Y)
    in_features()
    np.testing.assert_allclose(scores, search.fit(X, Y).score_path_, atol=1e-6)
    cold = MultiTaskLinearRegressor(penalty, alpha=0.1, **TIGHT).fit(X, Y)
    np.testing.assert_allclose(warm.coef_, cold.coef_, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"penalty": "mean_deviation"}, {"penalty": "l2", "center": True}]
)
@pytest.mark.parametrize("seed", range(5))
def test_one_intercept_beside_coefficients_that_can_be_it(options, seed):
    # The mean of the tasks is not penalised, and 5 rows of 8 features have 1 in their span.
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(5, 8)), rng.normal(size=(5, 3)) + 3.0
    Y[0, 0] = np.nan
    model = MultiTaskLinear(alpha=0.1, shared_alpha=0.0, intercept_alpha=np.inf, **options)
    with pytest.warns(LinAlgWarning, match="not unique"):
        model.fit(X, Y)
    assert np.isfinite(model.coef_).all()
    assert np.ptp(model.intercept_) == 0.0
    assert 0.0 <= model.dual_gap_ <= 1e-12


@pytest.mark.parametrize("has_rows", [True, False])
@pytest.mark.parametrize("alpha", [1e-3, 1e-15])
@pytest.mark.parametrize("seed", range(10))
def test_a_closed_form_that_is_not_certified_says_so(seed, alpha, has_rows, monkeypatch):
    monkeypatch.setattr(_stacked_rows, "MAX_UNKNOWN", 1000 * has_rows)
    # Shrunk intercepts beside an unpenalised mean that can be them: nearly singular systems.
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(5, 10)), rng.normal(size=(5, 3))
    Y[0, 0] = np.nan
    model = MultiTaskLinearRegressor("mean_deviation", alpha=alpha, intercept_alpha=0.5, tol=1e-6)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y)
    constant = 0.5 * np.nanvar(Y, axis=0).sum()
    is_told = any("is certified to a duality gap of" in str(w.message) for w in caught)
    assert is_told == (model.dual_gap_ > 1e-6 * constant)
    # Rows have the digits that their Gram matrices have not.
    assert is_told == (alpha == 1e-15 and not has_rows)
