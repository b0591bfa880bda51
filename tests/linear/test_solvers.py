"""Every solver finds the same optimum, certifies it, and says what it cannot take."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmtl import MultiTaskLinear
from skmtl.linear._choose import NEEDS, SOLVERS
from skmtl.linear.penalties import L1, L2, L21, PENALTIES, Graph, MeanDeviation, Split, TraceNorm
from skmtl.tasks import Regression

from .conftest import MIXED

ADJACENCY = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
EXTRA = {
    "graph": Graph(ADJACENCY),
    "graph+l2": Graph(ADJACENCY) + 0.5 * L2(),
    "mean+l2": MeanDeviation() + 0.5 * L2(),
    "l21+l1+l2": L21() + 0.3 * L1() + 0.2 * L2(),
    "mean+l1": MeanDeviation() + 0.3 * L1(),
    "l21-weighted": L21(feature_weight=[1, 2, 3, 1, 2]),
    "split-of-sums": Split(L21() + 0.5 * L2(), TraceNorm()),
}
every_penalty = pytest.mark.parametrize("penalty", sorted({*PENALTIES, *EXTRA}))
every_solver = pytest.mark.parametrize("solver", sorted(NEEDS))
TIGHT = {"tol": 1e-11, "max_iter": 50_000}


def fit_with(solver, penalty, X, Y, **options):
    """A fit with this solver, or None if it says that it does not fit."""
    options = {"alpha": 0.1, **TIGHT, **options}
    model = MultiTaskLinear(EXTRA.get(penalty, penalty), solver=solver, **options)
    try:
        return model.fit(X, Y)
    except ValueError as error:
        assert f"solver='{solver}' needs" in str(error)
        assert "what fits: " in str(error)
        return None


@every_penalty
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("center", [False, True])
def test_solvers_agree(penalty, missing, center, regression_data):
    X, Y = regression_data
    if missing:
        Y[::3, 0] = Y[1::4, 2] = np.nan
    reference = fit_with("proximal_gradient", penalty, X, Y, center=center)
    assert reference.dual_gap_ <= 1e-8
    for solver in NEEDS:
        model = fit_with(solver, penalty, X, Y, center=center)
        if model is not None:
            np.testing.assert_allclose(model.predict(X), reference.predict(X), atol=2e-4)
            assert model.dual_gap_ <= 1e-8


def test_every_solver_is_met(regression_data):
    X, Y = regression_data
    fits = {
        solver: [p for p in {*PENALTIES, *EXTRA} if fit_with(solver, p, X, Y) is not None]
        for solver in NEEDS
    }
    assert set(SOLVERS) == {"auto", *NEEDS}
    assert sorted(fits["block_descent"]) == [
        "elastic_net", "l1", "l21", "l21+l1+l2", "l21-weighted", "sparse_group",
    ]  # fmt: skip
    assert sorted(fits["closed_form"]) == ["graph", "graph+l2", "l2", "mean", "mean+l2", "temporal"]
    assert set(EXTRA) | set(PENALTIES) == set(fits["proximal_gradient"])
    assert set(fits["admm"]) == set(fits["proximal_gradient"]) - {"mean+l1", "temporal_group"}


@every_solver
@pytest.mark.parametrize("container", [sparse.csr_array, np.float32, np.asfortranarray])
def test_containers(solver, container, regression_data):
    X, Y = regression_data
    X = X.astype(np.float32).astype(np.float64)
    penalty = "l2" if solver == "closed_form" else "l21"
    reference = fit_with(solver, penalty, X, Y)
    model = fit_with(solver, penalty, container(X), Y)
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-8)


@every_solver
def test_more_features_than_rows_collinear_and_constant(solver, regression_data):
    X, Y = regression_data
    X = np.hstack([X, X[:, :2], np.ones((len(X), 1)), 1e6 + X[:, :1]])[:7]
    penalty = "l2" if solver == "closed_form" else "l21"
    model = fit_with(solver, penalty, X, Y[:7], tol=1e-9)
    assert np.isfinite(model.coef_).all()
    assert model.dual_gap_ <= 1e-7
    assert np.abs(model.coef_[:, 7]).max() <= 1e-9  # the constant column


@pytest.mark.parametrize("solver", sorted(set(NEEDS) - {"closed_form"}))
def test_huge_alpha_gives_exact_zeros(solver, regression_data):
    X, Y = regression_data
    model = fit_with(solver, "l21", X, Y, alpha=1e5)
    assert (model.coef_ == 0).all()
    np.testing.assert_allclose(model.predict(X[:1])[0], Y.mean(axis=0))


@pytest.mark.parametrize("solver", sorted(set(NEEDS) - {"closed_form"}))
def test_max_iter_is_a_warning(solver, regression_data):
    X, Y = regression_data
    model = MultiTaskLinear("l21", alpha=0.01, solver=solver, max_iter=1, tol=1e-13)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=1 .* duality gap of \S+; tol=1e-13"):
        model.fit(X, Y)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("solver", sorted(set(NEEDS) - {"closed_form"}))
def test_weights_are_repeated_rows(solver, regression_data):
    X, Y = regression_data
    repeats = np.random.default_rng(0).integers(0, 3, len(X))
    options = {"alpha": 0.1, "solver": solver, "tol": 1e-6}
    weighted = MultiTaskLinear("l21", **options).fit(X, Y, sample_weight=repeats)
    repeated = MultiTaskLinear("l21", **options)
    repeated.fit(np.repeat(X, repeats, axis=0), np.repeat(Y, repeats, axis=0))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-9)


def test_what_a_solver_needs(regression_data, mixed_data):
    X, Y = regression_data
    gaps = Y.copy()
    gaps[0, 0] = np.nan
    for options, data, message in (
        ({"solver": "admm", "intercept_alpha": 1.0}, (X, Y), r"intercept_alpha=0, but got 1"),
        ({"solver": "block_descent"}, (X, gaps), r"same rows with the same weights.*'admm'"),
        ({"solver": "block_descent", "penalty": "trace"}, (X, Y), r"L1, L21 and L2.*TraceNorm"),
        ({"solver": "admm", "penalty": EXTRA["mean+l1"]}, (X, Y), r"a penalty with a prox"),
        ({"solver": "admm", "tasks": MIXED}, mixed_data, r"squared loss.*'proximal_gradient'"),
        ({"solver": "admm", "tasks": Regression("huber")}, (X, Y), r"squared loss"),
    ):
        with pytest.raises(ValueError, match=message):
            MultiTaskLinear(**options).fit(*data)


def test_rows_and_grams_agree(regression_data, monkeypatch):
    X, Y = regression_data
    X = np.hstack([X, X**2, np.sin(3 * X), np.abs(X)])[:15]
    Y = Y[:15]
    for container in (np.asarray, sparse.csr_array):
        grams = fit_with("block_descent", "l21", container(X), Y)
        with monkeypatch.context() as patch:
            patch.setattr("skmtl.linear._blocks.FEW_FEATURES", 0)
            rows = fit_with("block_descent", "l21", container(X), Y)
        np.testing.assert_allclose(rows.coef_, grams.coef_, atol=1e-4)
        np.testing.assert_allclose(rows.intercept_, grams.intercept_, atol=1e-3)


# A Split is not added to.
ADDABLE = sorted(alias for alias, make in PENALTIES.items() if not isinstance(make(), Split))


@pytest.mark.parametrize("first", ADDABLE)
def test_a_weight_of_zero_is_not_there(first, regression_data):
    X, Y = regression_data
    alone = MultiTaskLinear(first, alpha=0.1, **TIGHT).fit(X, Y)
    for second in ("l1", "l2", "mean", "trace", "fused"):
        both = PENALTIES[first]() + 0.0 * PENALTIES[second]()
        model = MultiTaskLinear(both, alpha=0.1, **TIGHT).fit(X, Y)
        np.testing.assert_allclose(model.coef_, alone.coef_, atol=1e-5)


@every_penalty
def test_permuted_tasks(penalty, regression_data):
    X, Y = regression_data
    in_order = {"temporal", "fused", "temporal_group", "fused_sparse_group", "graph", "graph+l2"}
    # Where tasks have an order, it can only be turned round; this graph stays the same then but
    # for its weights.
    order = [2, 1, 0] if penalty in in_order else [1, 2, 0]
    turned = EXTRA.get(penalty, penalty)
    if penalty.startswith("graph"):
        turned = Graph(ADJACENCY[::-1, ::-1]) + (0.5 * L2() if "l2" in penalty else 0.0 * L2())
    a = MultiTaskLinear(EXTRA.get(penalty, penalty), alpha=0.1, **TIGHT).fit(X, Y)
    b = MultiTaskLinear(turned, alpha=0.1, **TIGHT).fit(X, Y[:, order])
    np.testing.assert_allclose(b.predict(X), a.predict(X)[:, order], atol=2e-4)
