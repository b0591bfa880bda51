"""Every penalty has the properties that fits rely on, and the value that its paper says."""

import re

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.base import clone
from sklearn.linear_model import Lasso

from skmtl import MultiTaskElasticNetCV, MultiTaskLassoCV, MultiTaskLinear, MultiTaskLinearCV
from skmtl.linear import penalties
from skmtl.linear.penalties import (
    L1,
    L2,
    L21,
    PENALTIES,
    Atom,
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
from skmtl.testing import check_penalty
from skmtl.testing._penalty_sums import check_sum
from tests.linear.conftest import PIECES

ADJACENCY = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
ROWS = [1.0, 2.0, 0.5, 1.5]
W = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 0.0], [1.0, -2.0, 2.0], [0.0, 1.0, -1.0]])


def weighted(alias):
    """What makes the penalty of an alias with a weight."""
    return lambda weight: PENALTIES[alias]().set_params(weight=weight)


# The penalty of W, from the formula of the docstring (a sum over its parts, both at W, for a
# split): a row for each alias, and for each class without one.
GOLDEN = {
    "l2": (L2, 18.0),
    "l1": (L1, 14.0),
    "l1-weighted": (lambda weight: L1(weight, feature_weight=ROWS), 12.5),
    "l21": (L21, 8 + np.sqrt(2)),
    "l21-weighted": (
        lambda weight: L21(weight, feature_weight=ROWS),
        6.5 + 1.5 * np.sqrt(2),
    ),
    "l21-tasks": (
        lambda weight: L21(weight, axis="tasks"),
        np.sqrt(10) + np.sqrt(21) + np.sqrt(5),
    ),
    "l1inf": (L1Inf, 7.0),
    "l1inf-weighted": (lambda weight: L1Inf(weight, feature_weight=ROWS), 6.5),
    "trace_norm": (TraceNorm, 8.416218189),
    "squared_trace_norm": (SquaredTraceNorm, 35.4163643023),
    "mean": (MeanDeviation, 29 / 3),
    "mean_deviation": (MeanDeviation, 29 / 3),
    "graph": (lambda weight: Graph(ADJACENCY, weight), 29.0),
    "temporal": (Temporal, 23.5),
    "fused": (Fused, 15.0),
    "clustered": (lambda weight: Clustered(weight=weight), 18.0342556248),
    "clustered-1": (lambda weight: Clustered(1, eta=0.5, weight=weight), 12.5192724229),
    "elastic_net": (lambda weight: ElasticNet(weight=weight), 13 + 0.5 * np.sqrt(2)),
    "sparse_group": (lambda weight: SparseGroup(weight=weight), 11 + 0.5 * np.sqrt(2)),
    "dirty": (weighted("dirty"), 21.0),
    "robust": (weighted("robust"), 19.3951348950),
    "robust_low_rank": (weighted("robust_low_rank"), 18.3971395216),
    "sparse_low_rank": (weighted("sparse_low_rank"), 22.416218189),
    "temporal_group": (weighted("temporal_group"), 49.5 + np.sqrt(2)),
    "fused_sparse_group": (
        weighted("fused_sparse_group"),
        37 + np.sqrt(2),
    ),
}
SUMS = {
    "l1+l21": L1() + 2 * L21(),
    "l1+l1inf": L1() + L1Inf(),
    "fused+l1": Fused() + 0.5 * L1(),
    "fused+l1+l21": Fused() + L1() + L21(),
    "fused+l21": 2 * Fused() + L21(),
    **PIECES,
}


def test_the_table_has_every_penalty():
    assert set(PENALTIES) <= set(GOLDEN)
    made = {
        type(atom) for make, _ in GOLDEN.values() for p in make(1).parts() for atom in p.atoms()
    }
    public = [getattr(penalties, name) for name in penalties.__all__]
    abstract = {kind for kind in public if getattr(kind, "__abstractmethods__", ())}
    assert {kind for kind in public if issubclass(kind, Atom)} - abstract == made


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_golden_value(name):
    make, value = GOLDEN[name]
    found = sum(part.value(W) for part in make(1.0).parts())
    assert found == pytest.approx(value, rel=1e-9)
    if name in PENALTIES:
        alias = sum(part.value(W) for part in PENALTIES[name]().parts())
        assert alias == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_properties(name):
    check_penalty(GOLDEN[name][0](0.7))


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_without_features_there_is_nothing_to_penalise(name):
    nothing = np.zeros((0, 3))
    make = L21 if name.endswith("weighted") else GOLDEN[name][0]
    for part in make(0.7).parts():
        assert part.value(nothing) == 0
        for atom in part.atoms():
            assert atom.prox(nothing, 1.0).shape == (0, 3)
            assert atom.dual_scale(nothing, 1.0) == 1
            assert atom.conjugate(nothing, 1.0) == 0


@pytest.mark.parametrize("name", sorted(SUMS))
def test_properties_of_sums(name):
    for part in SUMS[name].parts():
        check_sum(part, 4, 3, np.random.default_rng(0))


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_rotations_of_features_change_what_sees_single_ones(name):
    rng = np.random.default_rng(0)
    W, rotation = rng.normal(size=(4, 3)), np.linalg.qr(rng.normal(size=(4, 4)))[0]
    for part in GOLDEN[name][0](0.7).parts():
        for atom in part.atoms():
            is_same = np.isclose(atom.value(rotation @ W), atom.value(W), rtol=1e-8)
            assert is_same == atom.is_rotation_invariant


def test_orders_are_those_that_norms_of_ones_own_go_by():
    orders = [norm.prox_order for norm in (Fused(), L1(), L21(), L1Inf(), L21(axis="tasks"))]
    assert orders == [0, 1, 2, 2, None]


def test_penalties_that_compare_tasks():
    comparing = {"mean", "mean_deviation", "graph", "temporal", "fused", "clustered", "clustered-1"}
    atoms = {name: make(1.0) for name, (make, _) in GOLDEN.items()}
    found = {name for name, atom in atoms.items() if isinstance(atom, Atom) and atom.over_tasks}
    assert found == comparing | {"l21-tasks"}


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e9])
def test_quadratic_forms_are_finite_on_deviations_from_the_mean_of_any_size(size):
    Z = size * np.random.default_rng(0).normal(size=(4, 3))
    deviations = Z - Z.mean(axis=1, keepdims=True)
    for penalty in (MeanDeviation(), Temporal(), Graph(ADJACENCY)):
        assert penalty.dual_scale(deviations, 1.0) == 1.0
        assert penalty.dual_scale(Z, 1.0) == 0.0


@pytest.mark.parametrize("alias", sorted(PENALTIES))
def test_searchable_and_cloned(alias, regression_data):
    X, Y = regression_data
    penalty = 0.5 * PENALTIES[alias]()
    model = MultiTaskLinear(penalty, alpha=0.1, tol=1e-10, max_iter=20_000)
    assert clone(model).get_params()["penalty__weight"] == 0.5
    model.set_params(penalty__weight=0.25).fit(X, Y)
    twin = MultiTaskLinear(alias, alpha=0.025, tol=1e-10, max_iter=20_000).fit(X, Y)
    np.testing.assert_allclose(model.coef_, twin.coef_, atol=1e-4)


@pytest.mark.parametrize(
    ("old", "new"),
    [("trace", "trace_norm"), ("squared_trace", "squared_trace_norm")],
)
def test_a_part_of_a_name_is_understood(old, new):
    with pytest.raises(ValueError, match=rf"Did you mean '{new}'\?"):
        MultiTaskLinear(old).fit(W, W)


# -- sums and splits ------------------------------------------------------------------------


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


class Numbered(L2):
    """A ridge with a number per task."""

    per_task = {"numbers": lambda value, names, what: np.asarray(value)}

    def __init__(self, weight=1.0, numbers=None):
        super().__init__(weight)
        self.numbers = numbers


def test_parameters_per_task_are_cut_to_the_tasks_that_are_left():
    penalty, kept = Numbered(0.5, [1.0, 2.0, 3.0]), np.array([0, 2])
    for cut in (penalty.for_tasks(kept, 3), (L1() + penalty).for_tasks(kept, 3).right):
        assert (cut.weight, list(cut.numbers)) == (0.5, [1.0, 3.0])
    assert list(penalty.numbers) == [1.0, 2.0, 3.0]
    assert Numbered().for_tasks(kept, 3).numbers is None


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
    assert SquaredTraceNorm().task_covariance(np.zeros((4, 3))) is None


def test_clusters_that_are_not_needed_are_shared_out():
    # W of rank 1, two clusters: M has trace 2, 1 of it along W and 1 / 2 in the other directions.
    covariance = Clustered(2, eta=0.5).task_covariance(np.outer([1.0, 2.0], [1.0, -1.0, 3.0]))
    values = np.linalg.eigvalsh(covariance) * (3 * 0.5 + 2)
    np.testing.assert_allclose(values, [1.0, 1.0, 1.5])


def test_more_clusters_than_tasks_have_no_value():
    for method in (Clustered(3).value, lambda Z: Clustered(3).conjugate(Z, 1.0)):
        with pytest.raises(ValueError, match=r"n_clusters=3\) for 3 tasks; expected 1 <= n_cl"):
            method(W)


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
    **{name: make for name, (make, _) in GOLDEN.items()},
    "sum": lambda weight: Sum(L1(), L2(), weight=weight),
    "split": lambda weight: Split(L1(), L2(), weight=weight),
}
AROUND = {
    "alone": lambda penalty: penalty,
    "in a sum": lambda penalty: Sum(L1(), Sum(L2(), penalty)),
    "in a split": lambda penalty: Split(L1(), Split(penalty, L2())),
}


@pytest.mark.parametrize("name", sorted(MAKE))
def test_weights_are_finite_and_not_negative(name):
    for weight in BAD_WEIGHTS:
        penalty = MAKE[name](weight=weight)
        message = f"{type(penalty).__name__}(weight={weight!r}); expected a finite number"
        with pytest.raises(ValueError, match=re.escape(message)):
            penalty.check(4)
    MAKE[name](weight=0).check(4)


BAD = {
    "l1_ratio": (ElasticNet(1.5), r"ElasticNet\(l1_ratio=1\.5\) is not in \[0, 1\]"),
    "l1_ratio negative": (ElasticNet(-0.5), r"ElasticNet\(l1_ratio=-0\.5\) is not in \[0, 1\]"),
    "l1_ratio nan": (SparseGroup(np.nan), r"SparseGroup\(l1_ratio=nan\) is not in \[0, 1\]"),
    "l1_ratio none": (ElasticNet(None), r"ElasticNet\(l1_ratio=None\)"),
    "no clusters": (Clustered(0), r"Clustered\(n_clusters=0\); expected an int >= 1"),
    "half a cluster": (Clustered(1.5), r"Clustered\(n_clusters=1\.5\); expected an int >= 1"),
    "eta": (Clustered(1, eta=0.0), r"Clustered\(eta=0\.0\); expected a finite number > 0"),
    "eta nan": (Clustered(1, eta=np.nan), r"Clustered\(eta=nan\)"),
    "eta inf": (Clustered(1, eta=np.inf), r"Clustered\(eta=inf\)"),
    "axis": (L21(axis="rows"), r"L21\(axis='rows'\); expected one of"),
    "axis and features": (L21(axis="tasks", feature_weight=[1] * 4), r"feature_weight goes with"),
    "negative": (L1(feature_weight=[1, 1, -2, -3]), r"L1: feature_weight is -2 for feature 2"),
    "nan": (L1Inf(feature_weight=[1, np.nan, 1, 1]), r"L1Inf: feature_weight is nan for feature 1"),
    "zero": (L21(feature_weight=[0.0, 1, 1, 1]), r"L21: feature_weight is 0\.0 for feature 0"),
    "text": (L21(feature_weight=list("abcd")), r"L21\(feature_weight=\['a'.*expected one number"),
    "too few": (
        L21(feature_weight=[1.0, 1.0]),
        r"L21: feature_weight has shape \(2,\); X has 4 features",
    ),
    "no penalty": (Sum(L1(), "l2"), r"Sum\(right='l2'\); expected a penalty object"),
    "graph": (Graph([[0, -1, 0], [-1, 0, 0], [0, 0, 0]]), r"Graph: .*it has -1 at \(0, 1\)"),
    "one way": (Graph(np.triu(np.ones((3, 3)))), r"it has 1 at \(0, 1\) and 0 at \(1, 0\)"),
}


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 4)), rng.normal(size=(20, 3))


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_makes_no_penalty_is_refused_at_the_door(case, small):
    penalty, message = BAD[case]
    for estimator in (MultiTaskLinear, MultiTaskLinearCV):
        for around in AROUND.values():
            with pytest.raises(ValueError, match=message):
                estimator(around(penalty)).fit(*small)


@pytest.mark.parametrize("solver", ["auto", "proximal_gradient"])
def test_a_negative_weight_is_refused_at_the_door(solver, small):
    X, Y = small
    for weight in (-1.0, np.nan, np.inf):
        for name in ("l2", "l1inf", "clustered", "elastic_net", "dirty", "temporal_group"):
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
