"""Properties of every registered penalty."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import sqrtm
from sklearn.base import clone
from sklearn.linear_model import Lasso

from skmtl import MultiTaskElasticNetCV, MultiTaskLassoCV, MultiTaskLinear, MultiTaskLinearCV
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.penalties import (
    L1,
    L2,
    L21,
    PENALTIES,
    Clustered,
    ElasticNet,
    Fused,
    Graph,
    L1Inf,
    MeanDeviation,
    SparseGroup,
    Split,
    SquaredTraceNorm,
    Sum,
    Temporal,
    TraceNorm,
)
from skmtl.tasks import LabelWarning
from tests.linear.conftest import PIECES

ADJACENCY = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
ROWS = [1.0, 2.0, 0.5, 1.5]
ATOMS = {
    "l1": L1,
    "l1-weighted": lambda weight=1.0: L1(weight, feature_weight=ROWS),
    "l2": L2,
    "l21": L21,
    "l21-weighted": lambda weight=1.0: L21(weight, feature_weight=ROWS),
    "l21-tasks": lambda weight=1.0: L21(weight, axis="tasks"),
    "l1inf": L1Inf,
    "l1inf-weighted": lambda weight=1.0: L1Inf(weight, feature_weight=ROWS),
    "trace_norm": TraceNorm,
    "squared_trace_norm": SquaredTraceNorm,
    "mean_deviation": MeanDeviation,
    "graph": lambda weight=1.0: Graph(ADJACENCY, weight),
    "temporal": Temporal,
    "fused": Fused,
    "clustered": lambda weight=1.0: Clustered(1, eta=0.5, weight=weight),
    "clustered-2": lambda weight=1.0: Clustered(2, eta=2.0, weight=weight),
}
every_atom = pytest.mark.parametrize("name", sorted(ATOMS))
matrices = arrays(np.float64, (4, 3), elements=st.floats(-10, 10, width=32))
steps = st.floats(0.01, 5.0)


@every_atom
def test_rotations_of_features_change_what_sees_single_ones(name):
    rng = np.random.default_rng(0)
    penalty, W = ATOMS[name](weight=0.7), rng.normal(size=(4, 3))
    rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    is_same = np.isclose(penalty.value(rotation @ W), penalty.value(W), rtol=1e-8)
    assert is_same == penalty.is_rotation_invariant


@every_atom
@given(W=matrices, direction=matrices, step=steps)
def test_prox_minimises(name, W, direction, step):
    penalty = ATOMS[name](weight=0.7)

    def objective(V):
        return 0.5 * ((V - W) ** 2).sum() + step * penalty.value(V)

    best = penalty.prox(W, step)
    for size in (1e-3, 0.1, 1.0):
        # The prox objective is 1-strongly convex: moving costs at least half the square.
        moved = objective(best + size * direction) - objective(best)
        assert moved >= 0.5 * size**2 * (direction**2).sum() * (1 - 1e-6) - 1e-9


@every_atom
@given(W=matrices, Z=matrices, alpha=st.floats(0.01, 5.0))
def test_fenchel_young(name, W, Z, alpha):
    penalty = ATOMS[name](weight=0.7)
    Z = penalty.dual_scale(Z, alpha) * Z
    bound = alpha * penalty.value(W) + penalty.conjugate(Z, alpha)
    assert (W * Z).sum() <= bound + 1e-9 * (1 + abs(bound))


@every_atom
@given(W=matrices, step=steps)
def test_conjugate_is_tight(name, W, step):
    # V = prox(W) makes Z = (W - V) / step a subgradient at V: Fenchel-Young with equality.
    penalty = ATOMS[name](weight=0.7)
    V = penalty.prox(W, step)
    Z = (W - V) / step
    assert penalty.dual_scale(Z, 1.0) == pytest.approx(1.0, abs=1e-6)
    assert (V * Z).sum() == pytest.approx(penalty.value(V) + penalty.conjugate(Z, 1.0), abs=1e-5)


@every_atom
@given(W=matrices, factor=st.floats(0.1, 10.0))
def test_weight_is_a_factor(name, W, factor):
    penalty = ATOMS[name]()
    scaled = factor * penalty
    assert scaled.weight == factor == (penalty * factor).weight
    assert scaled.value(W) == pytest.approx(factor * penalty.value(W))
    np.testing.assert_allclose(scaled.prox(W, 0.5), penalty.prox(W, 0.5 * factor), atol=1e-9)


NORMS = [
    "l1",
    "l1-weighted",
    "l1inf",
    "l1inf-weighted",
    "l21",
    "l21-tasks",
    "l21-weighted",
    "trace_norm",
]


@pytest.mark.parametrize("name", NORMS)
def test_alpha_max(name, regression_data):
    X, Y = regression_data
    X = X[:, :4]
    gradient = -(X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0)) / len(X)
    penalty = ATOMS[name]()
    alpha_max = penalty.alpha_max(gradient)
    above = MultiTaskLinear(penalty, alpha=1.001 * alpha_max, tol=1e-12).fit(X, Y)
    below = MultiTaskLinear(penalty, alpha=0.98 * alpha_max, tol=1e-12).fit(X, Y)
    assert (above.coef_ == 0).all()
    assert np.abs(below.coef_).max() > 0


@pytest.mark.parametrize("name", sorted(set(ATOMS) - set(NORMS)))
def test_no_alpha_is_large_enough(name):
    assert ATOMS[name]().alpha_max(np.ones((4, 3))) == np.inf


@pytest.mark.parametrize("alias", sorted(PENALTIES))
def test_searchable_and_cloned(alias, regression_data):
    X, Y = regression_data
    penalty = 0.5 * PENALTIES[alias]()
    model = MultiTaskLinear(penalty, alpha=0.1, tol=1e-10, max_iter=20_000)
    assert clone(model).get_params()["penalty__weight"] == 0.5
    model.set_params(penalty__weight=0.25).fit(X, Y)
    twin = MultiTaskLinear(alias, alpha=0.025, tol=1e-10, max_iter=20_000).fit(X, Y)
    np.testing.assert_allclose(model.coef_, twin.coef_, atol=1e-4)


# -- sums and splits ------------------------------------------------------------------------

SUMS = {
    "l1+l21": L1() + 2 * L21(),
    "l1+l1inf": L1() + L1Inf(),
    "fused+l1": Fused() + 0.5 * L1(),
    "fused+l1+l21": Fused() + L1() + L21(),
    "fused+l21": 2 * Fused() + L21(),
    **{
        name: penalty
        for name, penalty in PIECES.items()
        # A quadratic penalty has no part in the prox of the others.
        if name not in ("split-of-groups", "mean+fused+l1+trace", "l2+l1+trace")
    },
}


@pytest.mark.parametrize("name", sorted(SUMS))
@given(W=matrices, direction=matrices, step=steps)
def test_prox_of_a_sum_minimises(name, W, direction, step):
    penalty = SUMS[name]
    part = PenaltyPart(penalty, 1.0, W.shape, W.shape[1])

    def objective(V):
        return 0.5 * ((V - W) ** 2).sum() + step * penalty.value(V)

    best = part.prox(W, step)
    gap = 0.0
    if part.dykstra and not part._is_shift_invariant:
        # Several pieces: the prox comes from a limited number of sweeps, and the shares bound
        # how far it is from the best (of a 1-strongly convex objective).
        Y, N = part.dual((best - W) / step, best)
        scale = part.dual_scale(N)
        pull = scale * (W - best)
        bound = (W * pull).sum() - 0.5 * (pull**2).sum()
        gap = objective(best) - bound + step * part.conjugate(Y, N, scale)
        assert -1e-9 * (1 + (W**2).sum()) <= gap <= 1e-3 * (1 + (W**2).sum())
        gap = max(gap, 0.0)
    for size in (1e-3, 0.1, 1.0):
        length = size * np.sqrt((direction**2).sum())
        moved = objective(best + size * direction) - objective(best)
        assert moved >= 0.5 * length**2 * (1 - 1e-6) - length * np.sqrt(2 * gap) - gap - 1e-9


@pytest.mark.parametrize("name", sorted(SUMS))
@given(W=matrices, Z=matrices)
def test_fenchel_young_of_a_sum(name, W, Z):
    part = PenaltyPart(SUMS[name], 1.0, W.shape, W.shape[1])
    # With zero labels and Z the gradient, N = -Z, in shares where the sum has several pieces.
    Y, N = part.dual(-Z, np.zeros_like(Z))
    assert np.allclose(Y + N.reshape(-1, *Z.shape).sum(axis=0), Z, atol=1e-12)
    scale = part.dual_scale(N)
    bound = part.chain_value(W) + part.conjugate(Y, N, scale)
    assert scale * (W * (Z - Y)).sum() <= bound + 1e-8 * (1 + bound)


def test_algebra(regression_data):
    X, Y = regression_data
    W = np.arange(6.0).reshape(3, 2)
    assert (L1() + L2()).value(W) == L1().value(W) + L2().value(W)
    assert (3 * (L1() + L2())).value(W) == 3 * (L1().value(W) + L2().value(W))
    assert [a.weight for a in (2 * (L1() + 3 * (L2() + L21()))).atoms()] == [2, 6, 6]
    assert [p.weight for p in (2 * Split(L1(), 3 * Split(L2(), L21()))).parts()] == [2, 6, 6]
    with pytest.raises(ValueError, match=r"add to its parts"):
        MultiTaskLinear(Split(L1(), L2()) + L2()).fit(X, Y)
    with pytest.raises(ValueError, match=r"positive=True does not go with TraceNorm"):
        MultiTaskLinear("trace_norm", positive=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"adjacency has shape \(2, 2\); there are 3 tasks"):
        MultiTaskLinear(Graph(np.zeros((2, 2)))).fit(X, Y)
    with pytest.raises(ValueError, match=r"n_clusters=3.* for 3 tasks"):
        MultiTaskLinear(Clustered(3)).fit(X, Y)
    with pytest.raises(ValueError, match=r"feature_weight has shape \(2,\)"):
        MultiTaskLinear(L21(feature_weight=[1, 2])).fit(X, Y)


@pytest.mark.parametrize("mix", [ElasticNet, SparseGroup])
def test_mixes_have_their_ends(mix, regression_data):
    X, Y = regression_data
    ends = {ElasticNet: ("l2", "l21"), SparseGroup: ("l21", "l1")}[mix]
    for l1_ratio, alias in zip((0.0, 1.0), ends, strict=True):
        mixed = MultiTaskLinear(mix(l1_ratio), alpha=0.1, tol=1e-12).fit(X, Y)
        alone = MultiTaskLinear(alias, alpha=0.1, tol=1e-12).fit(X, Y)
        np.testing.assert_allclose(mixed.coef_, alone.coef_, atol=1e-6)
    with pytest.raises(ValueError, match="not in"):
        MultiTaskLinear(mix(1.5)).fit(X, Y)


def test_a_split_with_one_weight_very_large_is_the_other_penalty(regression_data):
    X, Y = regression_data
    options = {"alpha": 0.1, "tol": 1e-12, "max_iter": 20_000}
    for first, second in ((L21(), L1()), (TraceNorm(), L21(axis="tasks"))):
        alone = MultiTaskLinear(first, **options).fit(X, Y)
        split = MultiTaskLinear(Split(first, 1e6 * second), **options).fit(X, Y)
        np.testing.assert_allclose(split.coef_, alone.coef_, atol=1e-5)
        assert (split.coef_components_[1] == 0).all()


@pytest.mark.parametrize("penalty", ["l1", "l21", "l1inf", "elastic_net", "sparse_group"])
def test_positive(penalty, regression_data):
    X, Y = regression_data
    options = {"alpha": 0.05, "tol": 1e-10, "max_iter": 20_000}
    model = MultiTaskLinear(penalty, positive=True, **options).fit(X, Y)
    assert (model.coef_ >= 0).all()
    assert (MultiTaskLinear(penalty, **options).fit(X, Y).coef_ < 0).any()
    if penalty == "l1":
        for t in range(Y.shape[1]):
            theirs = Lasso(alpha=0.05, positive=True, tol=1e-12).fit(X, Y[:, t])
            np.testing.assert_allclose(model.coef_[t], theirs.coef_, atol=1e-6)


def test_feature_weight_is_a_scale_of_the_feature(regression_data):
    X, Y = regression_data
    weight = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    for make in (L1, L21, L1Inf):
        options = {"alpha": 0.1, "tol": 1e-12, "max_iter": 20_000}
        weighted = MultiTaskLinear(make(feature_weight=weight), **options).fit(X, Y)
        scaled = MultiTaskLinear(make(), **options).fit(X / weight, Y)
        np.testing.assert_allclose(weighted.coef_, scaled.coef_ / weight, atol=1e-6)


# -- covariance of tasks ----------------------------------------------------------------------


def test_task_covariance(regression_data):
    X, Y = regression_data
    model = MultiTaskLinear("squared_trace_norm", alpha=0.1, tol=1e-12).fit(X, Y)
    root = sqrtm(model.coef_ @ model.coef_.T).real
    np.testing.assert_allclose(model.task_covariance_, root / np.trace(root), atol=1e-6)
    # Given the covariance, the model is ridge with it: a fixed point.
    precision = np.linalg.inv(model.task_covariance_)
    value = 0.5 * np.trace(model.coef_.T @ precision @ model.coef_)
    assert SquaredTraceNorm().value(model.coef_.T) == pytest.approx(value, rel=1e-6)
    model = MultiTaskLinear(Clustered(1, eta=0.5), alpha=0.1).fit(X, Y)
    assert np.trace(model.task_covariance_) == pytest.approx(1.0)
    assert np.linalg.eigvalsh(model.task_covariance_).min() > 0
    model = MultiTaskLinear(Graph(ADJACENCY) + 0.5 * L2(), alpha=0.1).fit(X, Y)
    Q = np.diag(ADJACENCY.sum(axis=0)) - ADJACENCY + 0.5 * np.eye(3)
    inverse = np.linalg.inv(Q)
    np.testing.assert_allclose(model.task_covariance_, inverse / np.trace(inverse), atol=1e-12)
    assert not hasattr(MultiTaskLinear("l21").fit(X, Y), "task_covariance_")


def test_graph_over_a_fold_without_labels_of_a_task(regression_data):
    X, Y = regression_data
    Y[:, 1] = np.nan
    with pytest.warns(UserWarning, match="Task 1: no observed label"):
        model = MultiTaskLinear(Graph(ADJACENCY), alpha=0.1).fit(X, Y)
    pair = MultiTaskLinear(Graph(ADJACENCY[np.ix_([0, 2], [0, 2])]), alpha=0.1)
    pair.fit(X, Y[:, [0, 2]])
    np.testing.assert_allclose(model.coef_[[0, 2]], pair.coef_, atol=1e-12)


# -- parameters that make no penalty -------------------------------------------------------------

BAD_WEIGHTS = [-1, -1e-9, np.nan, np.inf, None, "a", np.array([1.0])]
MAKE = {
    **ATOMS,
    "sum": lambda weight: Sum(L1(), L2(), weight=weight),
    "split": lambda weight: Split(L1(), L2(), weight=weight),
    "elastic_net": lambda weight: ElasticNet(weight=weight),
    "sparse_group": lambda weight: SparseGroup(weight=weight),
}
AROUND = {
    "alone": lambda penalty: penalty,
    "in a sum": lambda penalty: Sum(L1(), Sum(L2(), penalty)),
    "in a split": lambda penalty: Split(L1(), Split(penalty, L2())),
}


@pytest.mark.parametrize("name", sorted(MAKE))
@pytest.mark.parametrize("weight", BAD_WEIGHTS, ids=str)
def test_weights_are_finite_and_not_negative(name, weight):
    penalty = MAKE[name](weight=weight)
    message = re.escape(f"{type(penalty).__name__}(weight={weight!r}); expected a finite number")
    with pytest.raises(ValueError, match=message):
        penalty.check(4)
    MAKE[name](weight=0).check(4)


BAD = {
    "l1_ratio": (ElasticNet(1.5), r"ElasticNet\(l1_ratio=1\.5\) is not in \[0, 1\]"),
    "l1_ratio nan": (SparseGroup(np.nan), r"SparseGroup\(l1_ratio=nan\) is not in \[0, 1\]"),
    "l1_ratio none": (ElasticNet(None), r"ElasticNet\(l1_ratio=None\)"),
    "no clusters": (Clustered(0), r"Clustered\(n_clusters=0\); expected an int >= 1"),
    "half a cluster": (Clustered(1.5), r"Clustered\(n_clusters=1\.5\); expected an int >= 1"),
    "eta": (Clustered(1, eta=0.0), r"Clustered\(eta=0\.0\); expected a finite number > 0"),
    "eta nan": (Clustered(1, eta=np.nan), r"Clustered\(eta=nan\)"),
    "eta inf": (Clustered(1, eta=np.inf), r"Clustered\(eta=inf\)"),
    "axis": (L21(axis="rows"), r"L21\(axis='rows'\); expected one of"),
    "axis and features": (L21(axis="tasks", feature_weight=[1] * 4), r"feature_weight goes with"),
    "negative": (L1(feature_weight=[1, 1, -2, 1]), r"L1: feature_weight is -2 for feature 2"),
    "nan": (L1Inf(feature_weight=[1, np.nan, 1, 1]), r"L1Inf: feature_weight is nan for feature 1"),
    "zero": (L21(feature_weight=[0.0, 1, 1, 1]), r"L21: feature_weight is 0\.0 for feature 0"),
    "text": (L21(feature_weight=list("abcd")), r"L21\(feature_weight=\['a'.*expected one number"),
    "too few": (L21(feature_weight=[1.0, 1.0]), r"L21: feature_weight has shape \(2,\); X has 4"),
    "no penalty": (Sum(L1(), "l2"), r"Sum\(right='l2'\); expected a penalty object"),
    "graph": (Graph([[0, -1, 0], [-1, 0, 0], [0, 0, 0]]), r"Graph: .*it has -1 at \(0, 1\)"),
    "one way": (Graph(np.triu(np.ones((3, 3)))), r"it has 1 at \(0, 1\) and 0 at \(1, 0\)"),
}


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 4)), rng.normal(size=(20, 3))


@pytest.mark.parametrize("estimator", [MultiTaskLinear, MultiTaskLinearCV])
@pytest.mark.parametrize("around", sorted(AROUND))
@pytest.mark.parametrize("case", sorted(BAD))
def test_what_makes_no_penalty_is_refused_at_the_door(case, around, estimator, small):
    penalty, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        estimator(AROUND[around](penalty)).fit(*small)


@pytest.mark.parametrize("solver", ["auto", "proximal_gradient"])
def test_a_negative_weight_is_refused_at_the_door(solver, small):
    X, Y = small
    for weight in (-1.0, np.nan, np.inf):
        for name in sorted(MAKE):
            with pytest.raises(ValueError, match=r"expected a finite number >= 0"):
                MultiTaskLinear(MAKE[name](weight=weight), solver=solver).fit(X, Y)
    with pytest.raises(ValueError, match=r"L21\(weight=-1\.0\)"):
        MultiTaskLinearCV("l21", alphas=2, grid={"penalty__weight": [1.0, -1.0]}).fit(X, Y)
    with pytest.raises(ValueError, match=r"alpha=1e\+10 times the weight 1e\+300 of Fused"):
        MultiTaskLinear(1e300 * Fused(), alpha=1e10, solver=solver).fit(X, Y)


@pytest.mark.parametrize("estimator", [MultiTaskLinearCV, MultiTaskLassoCV, MultiTaskElasticNetCV])
@pytest.mark.parametrize(
    ("alphas", "message"),
    [
        ([1.0, np.nan], r"alphas has nan; expected finite numbers"),
        ([np.inf, 1.0], r"alphas has inf; expected finite numbers"),
        ([1.0, -0.5], r"alphas has -0\.5; expected finite numbers, all >= 0"),
        ([], r"alphas=\[\]; expected at least one number"),
        (["a"], r"alphas=\['a'\]; expected at least one number"),
    ],
)
def test_alphas_are_finite_and_not_negative(estimator, alphas, message, small):
    with pytest.raises(ValueError, match=message):
        estimator(alphas=alphas).fit(*small)


@pytest.mark.parametrize("l1_ratio", [[0.5, 2.0], [np.nan], [], -0.1])
def test_l1_ratios_are_shares(l1_ratio, small):
    with pytest.raises(ValueError, match="l1_ratio"):
        MultiTaskElasticNetCV(l1_ratio=l1_ratio).fit(*small)


def test_a_grid_without_a_combination(small):
    with pytest.raises(ValueError, match=r"grid=\[\] has no combination"):
        MultiTaskLinearCV(grid=[]).fit(*small)


def test_as_many_clusters_as_tasks_are_left_is_a_ridge():
    # A task without labels, or a fold without a task, leaves two of three tasks.
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 3))
    Y[:, 1] = np.nan
    clustered = MultiTaskLinear(Clustered(2, eta=0.5, weight=2.0), alpha=0.1, tol=1e-10)
    ridge = MultiTaskLinear("l2", alpha=0.1)
    with pytest.warns(LabelWarning):
        found, expected = (model.fit(X, Y).coef_ for model in (clustered, ridge))
    np.testing.assert_allclose(found, expected, atol=1e-8)
