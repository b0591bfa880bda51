"""Every solver finds the same optimum, certifies it, and says what it cannot take."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skmtl import MultiTaskLinear
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.penalties import L1, L2, L21, PENALTIES, Graph, MeanDeviation, Split, TraceNorm
from skmtl.linear.solvers import SOLVERS
from skmtl.tasks import Regression
from skmtl.testing import check_solver
from tests.linear.conftest import BY_ROWS, MIXED, PIECES, QUADRATIC

NAMES = [solver.name for solver in SOLVERS]
ADJACENCY = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
EXTRA = {
    "graph": Graph(ADJACENCY),
    "graph+l2": Graph(ADJACENCY) + 0.5 * L2(),
    "mean+l2": MeanDeviation() + 0.5 * L2(),
    "l21+l1+l2": L21() + 0.3 * L1() + 0.2 * L2(),
    "mean+l1": MeanDeviation() + 0.3 * L1(),
    "l21-weighted": L21(feature_weight=[1, 2, 3, 1, 2]),
    "split-of-sums": Split(L21() + 0.5 * L2(), TraceNorm()),
    **PIECES,
}


def made(name):
    """The penalty of this name."""
    return EXTRA[name] if name in EXTRA else PENALTIES[name]()


# What the solvers take that do not take "l21" and numbers: a penalty, and labels.
TAKEN = {
    "closed_form": ("l2", lambda Y: Y),
    "newton": ("l2", lambda Y: (np.median(Y, axis=0) < Y) * 1.0),
    "proximal_newton": ("l21", lambda Y: (np.median(Y, axis=0) < Y) * 1.0),
    "quadratic_models": ("trace_norm", lambda Y: (np.median(Y, axis=0) < Y) * 1.0),
}
EXACT_ZEROS = sorted(set(NAMES) - set(TAKEN))


def taken(solver, Y):
    """A penalty that a solver takes, and labels made of Y."""
    penalty, labels = TAKEN.get(solver, ("l21", lambda Y: Y))
    return penalty, labels(Y)


every_penalty = pytest.mark.parametrize("penalty", sorted({*PENALTIES, *EXTRA}))
every_solver = pytest.mark.parametrize("solver", NAMES)
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
    for solver in NAMES:
        model = fit_with(solver, penalty, X, Y, center=center)
        if model is not None:
            np.testing.assert_allclose(model.predict(X), reference.predict(X), atol=2e-4)
            assert model.dual_gap_ <= 1e-8


@pytest.mark.parametrize(
    "penalty", ["l21", "trace_norm", "fused", "mean+l1", "l21+l1+l2", "robust", "l1+trace"]
)
@pytest.mark.parametrize("intercept_alpha", [1e-3, 0.5, np.inf])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("center", [False, True])
def test_solvers_agree_on_shrunk_intercepts(
    penalty, intercept_alpha, missing, center, regression_data
):
    X, Y = regression_data
    if missing:
        Y[::3, 0] = Y[1::4, 2] = np.nan
    a, b = (
        fit_with(solver, penalty, X, Y, center=center, intercept_alpha=intercept_alpha)
        for solver in ("proximal_gradient", "admm")
    )
    assert max(a.dual_gap_, b.dual_gap_) <= 1e-8
    np.testing.assert_allclose(a.predict(X), b.predict(X), atol=2e-4)
    np.testing.assert_allclose(a.intercept_, b.intercept_, atol=1e-3)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_properties(solver):
    check_solver(solver)


def test_every_solver_is_met(regression_data):
    X, Y = regression_data
    fits = {
        solver: [p for p in {*PENALTIES, *EXTRA} if fit_with(solver, p, X, Y) is not None]
        for solver in NAMES
    }
    assert sorted(fits["block_descent"]) == sorted([*BY_ROWS, "l21+l1+l2", "l21-weighted"])
    assert sorted(fits["closed_form"]) == sorted([*QUADRATIC, "graph", "graph+l2", "mean+l2"])
    assert set(EXTRA) | set(PENALTIES) == set(fits["proximal_gradient"]) == set(fits["admm"])


@every_solver
@pytest.mark.parametrize("container", [sparse.csr_array, np.float32, np.asfortranarray])
def test_containers(solver, container, regression_data):
    X, Y = regression_data
    X = X.astype(np.float32).astype(np.float64)
    penalty, Y = taken(solver, Y)
    reference = fit_with(solver, penalty, X, Y)
    model = fit_with(solver, penalty, container(X), Y)
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-8)


@every_solver
def test_more_features_than_rows_collinear_and_constant(solver, regression_data):
    X, Y = regression_data
    X = np.hstack([X, X[:, :2], np.ones((len(X), 1)), 1e6 + X[:, :1]])[:7]
    penalty, Y = taken(solver, Y[:7])
    model = fit_with(solver, penalty, X, Y, tol=1e-9)
    assert np.isfinite(model.coef_).all()
    assert model.dual_gap_ <= 1e-7
    assert np.abs(model.coef_[:, 7]).max() <= 1e-9  # the constant column


@pytest.mark.parametrize("solver", ["admm", "proximal_gradient"])
@pytest.mark.parametrize("intercept_alpha", [0.0, 1.0])
def test_directions_without_penalty_or_curvature_stay_small(
    solver, intercept_alpha, regression_data
):
    X, Y = regression_data
    X, y = np.hstack([X, X])[:7], Y[:7, :1]
    # The centre of one task is the task: nothing is penalised, and the fit is exact.
    options = {"center": True, "shared_alpha": 0.0, "intercept_alpha": intercept_alpha}
    options |= {"solver": solver, "alpha": 0.1, "tol": 1e-7, "max_iter": 20_000}
    model = MultiTaskLinear("trace_norm", **options).fit(X, y)
    least = np.linalg.pinv(X - X.mean(axis=0)) @ (y - y.mean(axis=0))
    np.testing.assert_allclose(model.coef_.T, least, atol=0.05 * np.abs(least).max())


@pytest.mark.parametrize("solver", EXACT_ZEROS)
def test_huge_alpha_gives_exact_zeros(solver, regression_data):
    X, Y = regression_data
    model = fit_with(solver, "l21", X, Y, alpha=1e5)
    assert (model.coef_ == 0).all()
    np.testing.assert_allclose(model.predict(X[:1])[0], Y.mean(axis=0))


@pytest.mark.parametrize("solver", sorted(set(NAMES) - {"closed_form"}))
def test_max_iter_is_a_warning(solver, regression_data):
    X, Y = regression_data
    penalty, Y = taken(solver, Y)
    model = MultiTaskLinear(penalty, alpha=0.01, solver=solver, max_iter=1, tol=1e-13)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=1 .* duality gap of \S+; tol=1e-13"):
        model.fit(X, Y)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("solver", sorted(set(NAMES) - {"closed_form"}))
def test_weights_are_repeated_rows(solver, regression_data):
    X, Y = regression_data
    penalty, Y = taken(solver, Y)
    repeats = np.random.default_rng(0).integers(0, 3, len(X))
    options = {"alpha": 0.1, "solver": solver, "tol": 1e-6}
    weighted = MultiTaskLinear(penalty, **options).fit(X, Y, sample_weight=repeats)
    repeated = MultiTaskLinear(penalty, **options)
    repeated.fit(np.repeat(X, repeats, axis=0), np.repeat(Y, repeats, axis=0))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-9)


def test_what_a_solver_needs(regression_data, mixed_data):
    X, Y = regression_data
    gaps = Y.copy()
    gaps[0, 0] = np.nan
    for options, data, message in (
        ({"solver": "block_descent", "center": True}, (X, gaps), r"center=False.*'admm'"),
        (
            {"solver": "block_descent", "penalty": "trace_norm"},
            (X, Y),
            r"L1, L21 and L2.*TraceNorm",
        ),
        ({"solver": "admm", "tasks": MIXED}, mixed_data, r"squared loss.*'proximal_gradient'"),
        ({"solver": "admm", "tasks": Regression("huber")}, (X, Y), r"squared loss"),
    ):
        with pytest.raises(ValueError, match=message):
            MultiTaskLinear(**options).fit(*data)


@pytest.mark.parametrize(
    ("solver", "limit", "options", "message"),
    [
        ("closed_form", "_needs.MAX_GRAM_BYTES", {}, "Gram matrices of .* would take 0.0 GiB"),
        ("block_descent", "_needs.MAX_GRAM_BYTES", {}, "Gram matrices of .* would take 0.0 GiB"),
        ("closed_form", "_closed_form.MAX_UNKNOWN", {}, r"at most 3 coefficients .* but got 18"),
        ("admm", "_admm.MAX_EIGEN_WORK", {}, r"fewer features: 3 matrices of 5 features"),
        (
            "quadratic_models",
            "_quadratic_models.MAX_GRAM_BYTES",
            {"tasks": Regression("huber")},
            r"Gram matrices of at most .* GiB",
        ),
    ],
)
def test_what_would_take_too_much(solver, limit, options, message, regression_data, monkeypatch):
    X, Y = regression_data
    Y[0, 0] = Y[1, 1] = np.nan
    monkeypatch.setattr(f"skmtl.linear.solvers.{limit}", 3)
    penalty = Graph(ADJACENCY) if "UNKNOWN" in limit else "l2"
    with pytest.raises(ValueError, match=rf"solver='{solver}' needs {message}"):
        MultiTaskLinear(penalty, alpha=0.1, solver=solver, **options).fit(X, Y)


def test_rows_and_grams_agree(regression_data, monkeypatch):
    X, Y = regression_data
    X = np.hstack([X, X**2, np.sin(3 * X), np.abs(X)])[:15]
    Y = Y[:15]
    for container in (np.asarray, sparse.csr_array):
        grams = fit_with("block_descent", "l21", container(X), Y)
        with monkeypatch.context() as patch:
            patch.setattr("skmtl.linear.solvers._block_descent.FEW_FEATURES", 0)
            rows = fit_with("block_descent", "l21", container(X), Y)
        np.testing.assert_allclose(rows.coef_, grams.coef_, atol=1e-4)
        np.testing.assert_allclose(rows.intercept_, grams.intercept_, atol=1e-3)


SPLITS = sorted(name for name in {*PENALTIES, *EXTRA} if isinstance(made(name), Split))


STRENGTHS = {"shared_alpha": 0.02, "intercept_alpha": 0.0}


@pytest.fixture(params=["complete", "missing", "long"])
def many_tasks(request):
    """X, Y, options: 20 features and 10 tasks that share some, one of them an outlier."""
    rng = np.random.default_rng(0)
    W = np.zeros((20, 10))
    W[:5] = rng.normal(size=(5, 10))
    W[:, -1] += rng.normal(size=20)
    if request.param == "long":
        index = rng.integers(10, size=500).astype(float)
        X = rng.normal(size=(500, 20))
        y = (X * W.T[index.astype(int)]).sum(axis=1) + rng.normal(size=500)
        return np.column_stack([index, X]), y, {"task_feature": 0, **STRENGTHS}
    X = rng.normal(size=(200, 20)) @ (np.eye(20) + 0.2 * rng.normal(size=(20, 20)))
    Y = X @ W + 1.0 + rng.normal(size=(200, 10))
    if request.param == "missing":
        Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y, STRENGTHS


@pytest.mark.parametrize("alpha", [1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("penalty", sorted({*SPLITS, *PIECES} - {"clustered+l1"}))
def test_admm_is_as_fast_at_any_alpha(penalty, alpha, many_tasks):
    # The step size finds the scale that alpha sets; at a fixed one this takes thousands.
    X, Y, options = many_tasks
    model = MultiTaskLinear(made(penalty), alpha=alpha, solver="admm", tol=1e-6, **options)
    assert model.fit(X, Y).n_iter_ <= 300


@pytest.mark.parametrize("penalty", sorted({*SPLITS} - {*PIECES}))
@pytest.mark.parametrize("solver", ["admm", "proximal_gradient"])
def test_a_warm_start_carries_the_parts(penalty, solver, regression_data):
    X, Y = regression_data
    # Units that are not those of the fit: the parts are put into them too.
    Y = [1.0, 1e3, 1e-3] * Y
    model = MultiTaskLinear(
        made(penalty), alpha=0.02, solver=solver, warm_start=True, scale_targets=True, **TIGHT
    ).fit(X, Y)
    parts, n_iter = model.coef_components_, model.n_iter_
    model.set_params(tol=1e-9).fit(X, Y)
    assert model.n_iter_ <= 10 < n_iter  # the first evaluation of the gap
    np.testing.assert_allclose(model.coef_components_, parts, atol=1e-4 * np.abs(parts).max())


@pytest.mark.parametrize("penalty", [*SPLITS, "trace_norm"])
@pytest.mark.parametrize("center", [False, True])
def test_a_path_is_warm_and_ends_where_cold_fits_do(penalty, center, many_tasks):
    X, Y, options = many_tasks
    model = MultiTaskLinear(made(penalty), center=center, tol=1e-7, **options)
    alphas = np.geomspace(0.1, 0.01, 10)
    targets = clone(model).set_params(max_iter=1, tol=1.0).fit(X, Y)
    X_only, column = targets._read_X(X, reset=False)
    labels = targets._read_y(X_only, Y, column, None)
    problem = PathProblem.of_rows(PathModel.of(model), X_only, labels)
    warm = list(problem.solutions(alphas))
    cold = [clone(model).set_params(alpha=alpha).fit(X, Y) for alpha in alphas]
    assert sum(fit.n_iter for fit in warm) <= sum(fit.n_iter_ for fit in cold)
    for a, b in zip(warm, cold, strict=True):
        np.testing.assert_allclose(X_only @ a.W, X_only @ b.coef_.T, atol=0.05)
        if a.parts is not None and not center:
            np.testing.assert_allclose(a.parts.sum(axis=0), a.W, atol=1e-12)


# A Split is not added to.
ADDABLE = sorted(alias for alias, make in PENALTIES.items() if not isinstance(make(), Split))


@pytest.mark.parametrize("first", ADDABLE)
def test_a_weight_of_zero_is_not_there(first, regression_data):
    X, Y = regression_data
    alone = MultiTaskLinear(first, alpha=0.1, **TIGHT).fit(X, Y)
    for second in ("l1", "l2", "mean_deviation", "trace_norm", "fused"):
        both = PENALTIES[first]() + 0.0 * PENALTIES[second]()
        model = MultiTaskLinear(both, alpha=0.1, **TIGHT).fit(X, Y)
        np.testing.assert_allclose(model.coef_, alone.coef_, atol=1e-5)


@every_penalty
def test_permuted_tasks(penalty, regression_data):
    X, Y = regression_data
    in_order = {
        *("temporal", "temporal_group", "graph", "graph+l2"),
        *(name for name in {*PENALTIES, *EXTRA} if "fused" in name),
    }
    # Where tasks have an order, it can only be turned round; this graph stays the same then but
    # for its weights.
    order = [2, 1, 0] if penalty in in_order else [1, 2, 0]
    turned = EXTRA.get(penalty, penalty)
    if penalty.startswith("graph"):
        turned = Graph(ADJACENCY[::-1, ::-1]) + (0.5 * L2() if "l2" in penalty else 0.0 * L2())
    a = MultiTaskLinear(EXTRA.get(penalty, penalty), alpha=0.1, **TIGHT).fit(X, Y)
    b = MultiTaskLinear(turned, alpha=0.1, **TIGHT).fit(X, Y[:, order])
    np.testing.assert_allclose(b.predict(X), a.predict(X)[:, order], atol=2e-4)


@pytest.mark.parametrize("intercept_alpha", [0.0, 0.3, np.inf])
@pytest.mark.parametrize("is_collinear", [True, False])
def test_a_mean_that_is_not_unique_is_told(is_collinear, intercept_alpha, regression_data):
    X, Y = regression_data
    X = np.column_stack([X, X[:, 0] if is_collinear else X[:, 0] ** 2])
    options = {"alpha": 0.1, "shared_alpha": 0.0, "intercept_alpha": intercept_alpha}
    model = MultiTaskLinear("mean_deviation", **options)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        model.fit(X, Y)
    told = [str(each.message) for each in found if issubclass(each.category, LinAlgWarning)]
    assert [("not unique" in message) for message in told] == [True] * is_collinear
    # Of minimum norm: equal features have equal coefficients.
    if is_collinear:
        np.testing.assert_allclose(model.coef_[:, 0], model.coef_[:, -1], atol=1e-8)
