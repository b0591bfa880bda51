"""Quantile tasks: certified linear quantile regression, and quantiles of networks."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import QuantileRegressor, Ridge
from sklearn.preprocessing import FunctionTransformer

from skmtl import (
    IndependentTasks,
    MultiTaskKernelRidge,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLP,
    TargetScaler,
    TaskChain,
    TaskGrouping,
    TaskStacking,
)
from skmtl.inspection import transfer_gain
from skmtl.inspection.displays._predicted import predicted_by
from skmtl.linear.objective._alpha_max import alpha_max
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.penalties import L1, L21
from skmtl.tasks import Quantile, Regression
from skmtl.tasks._quantile import _quantiles
from skmtl.tasks._read_targets import read_targets

LEVELS = [0.1, 0.5, 0.9]


def data(n=120, p=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    spread = 1.0 + 0.5 * np.abs(X[:, 0])
    return X, X[:, 0] - 2.0 * X[:, 1] + spread * rng.standard_t(4, size=n)


@pytest.mark.parametrize("alpha", [0.0, 0.03])
def test_scikit_learn_finds_the_same(alpha):
    X, y = data()
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    # The loss is the mean over the levels.
    ours = MultiTaskLinear("l1", alpha=alpha / 3, tasks=Quantile(LEVELS), tol=1e-9)
    ours.fit(X, y, sample_weight=weight)
    for k, level in enumerate(LEVELS):
        theirs = QuantileRegressor(quantile=level, alpha=alpha).fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(ours.coef_[k], theirs.coef_, atol=1e-4)
        np.testing.assert_allclose(ours.intercept_[k], theirs.intercept_, atol=1e-4)


PENALTIES = ["l1", "l2", "l21", "mean_deviation", "trace_norm", "sparse_group", "fused", "dirty"]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_certificate_bounds_the_objective_of_any_coefficients(penalty):
    X, y = data()
    Y = np.column_stack([y, 2.0 * y + X[:, 2]])
    options = {"alpha": 0.02, "shared_alpha": 0.0, "tasks": Quantile(LEVELS)}
    exact = MultiTaskLinear(penalty, tol=1e-7, max_iter=20000, **options).fit(X, Y)
    rough = MultiTaskLinear(penalty, tol=1e-3, **options).fit(X, Y)
    # The loss of constants is about 1, and so is the tolerance.
    assert exact.dual_gap_ <= 2e-7 * 3
    if penalty in ("l1", "l21"):
        atom = {"l1": L1(), "l21": L21()}[penalty]

        def objective(model):
            found = model.predict_quantiles(X)
            loss = 0.0
            for t in range(2):
                rest = Y[:, t, None] - found[t]
                loss += np.maximum(LEVELS * rest, (np.array(LEVELS) - 1) * rest).mean()
            return loss + 0.02 * atom.value(model.coef_.T)

        # Sorted quantiles are never worse than the raw scores that are certified.
        assert objective(rough) <= objective(exact) + rough.dual_gap_ + 1e-6


def test_quantiles_never_cross_and_the_middle_is_predicted():
    X, y = data(n=25, p=6)
    model = MultiTaskLinear("l2", alpha=0.0, tasks=Quantile([0.2, 0.4, 0.6])).fit(X, y)
    far = 5.0 * np.random.default_rng(2).normal(size=(200, 6))
    raw = far @ model.coef_.T + model.intercept_
    assert (np.diff(raw, axis=1) < 0).any()
    found = model.predict_quantiles(far)
    assert (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_array_equal(model.predict(far), found[:, 1])
    np.testing.assert_allclose(np.sort(raw, axis=1), found)


def test_missing_labels_are_weights_of_zero_and_weights_are_repeated_rows():
    X, y = data(n=60)
    Y = np.column_stack([y, y + X[:, 2]])
    weight = np.random.default_rng(3).integers(0, 3, size=Y.shape).astype(float)
    options = {"alpha": 0.02, "tasks": Quantile(LEVELS), "tol": 1e-8}
    model = MultiTaskLinear("l1", **options).fit(X, Y, sample_weight=weight)
    gone = MultiTaskLinear("l1", **options).fit(
        X, np.where(weight > 0, Y, np.nan), sample_weight=np.maximum(weight, 0.5)
    )
    np.testing.assert_array_equal(model.coef_, gone.coef_)
    junk = np.where(weight > 0, Y, 1e9)
    again = MultiTaskLinear("l1", **options).fit(X, junk, sample_weight=weight)
    np.testing.assert_array_equal(model.coef_, again.coef_)
    rows = np.repeat(np.arange(len(X)), weight[:, 0].astype(int))
    alone = MultiTaskLinear("l1", **options).fit(X[rows], y[rows])
    np.testing.assert_allclose(alone.coef_, model.coef_[:3], atol=1e-5)


def test_tasks_of_other_types_stand_beside():
    X, y = data()
    Y = np.column_stack([y, X[:, 1] > 0, y + 1.0])
    Y[::3, 0] = np.nan
    model = MultiTaskLinear(tasks=[Quantile(LEVELS), "binary", "regression"]).fit(X, Y)
    quantiles = model.predict_quantiles(X)
    assert quantiles[0].shape == (len(X), 3)
    assert quantiles[1:] == [None, None]
    np.testing.assert_array_equal(model.predict(X)[:, 0], quantiles[0][:, 1])
    assert model.predict_proba(X)[0] is None


def test_long_form_without_coupling_is_one_fit_per_task():
    X, y = data(n=90)
    task = np.arange(90) % 3
    options = {"tasks": Quantile(LEVELS), "tol": 1e-9}
    long = MultiTaskLinear("l1", alpha=0.02, intercept_alpha=0, task_feature=4, **options)
    long.fit(np.column_stack([X, task]), y)
    for t in range(3):
        rows = task == t
        alone = MultiTaskLinear("l1", alpha=0.02, **options).fit(X[rows], y[rows])
        np.testing.assert_allclose(long.coef_[3 * t : 3 * t + 3], alone.coef_, atol=1e-5)


@pytest.mark.parametrize("penalty", [L1(), L21()])
def test_the_largest_alpha_leaves_nothing(penalty):
    X, y = data()
    targets = read_targets(np.column_stack([y, y**2]), declared=Quantile(LEVELS))
    weights = targets.label_weights()
    largest, _ = alpha_max(X, targets, weights, penalty, FitOptions())
    for factor, is_zero in ((1.001, True), (0.98, False)):
        model = MultiTaskLinear(penalty, alpha=factor * largest, tasks=Quantile(LEVELS), tol=1e-9)
        with pytest.warns(UserWarning) if is_zero else np.errstate():
            model.fit(X, np.column_stack([y, y**2]))
        assert (not model.coef_.any()) == is_zero


def test_alphas_are_chosen_and_scale_with_the_labels():
    X, y = data()
    found = [
        MultiTaskLinearCV("l1", tasks=Quantile(LEVELS), cv=3).fit(X, scale * y)
        for scale in (1.0, 1024.0)
    ]
    np.testing.assert_allclose(found[0].alpha_, found[1].alpha_, rtol=1e-6)
    np.testing.assert_allclose(1024.0 * found[0].coef_, found[1].coef_, rtol=1e-2, atol=1.0)
    assert found[0].score(X, y) > 0.3
    auto = MultiTaskLinear("l2", tasks=Quantile(LEVELS))
    ratio = auto.fit(X, y).alpha_ / auto.fit(X, 1024.0 * y).alpha_
    np.testing.assert_allclose(ratio, 1024.0, rtol=1e-6)


def test_constant_quantiles_have_the_least_loss():
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 40):
        values, weight = rng.integers(0, 6, size=n) * 1.0, rng.integers(1, 4, size=n) * 1.0
        for level, found in zip(LEVELS, _quantiles(values, weight, np.array(LEVELS)), strict=True):

            def loss(q, level=level, values=values, weight=weight):
                rest = values - q
                return weight @ np.maximum(level * rest, (level - 1.0) * rest)

            assert loss(found) <= min(loss(q) for q in values) + 1e-12


def test_networks_find_quantiles():
    X, y = data(n=300)
    model = MultiTaskMLP(tasks=["quantile", "regression"], random_state=0).fit(
        X, np.column_stack([y, y])
    )
    found, none = model.predict_quantiles(X)
    assert none is None
    assert (np.diff(found, axis=1) >= 0).all()
    np.testing.assert_allclose((y[:, None] <= found).mean(axis=0), LEVELS, atol=0.06)


def test_networks_find_a_spread_that_depends_on_the_features():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(1500, 2))
    y = np.exp(X[:, 0]) * rng.normal(size=1500)
    model = MultiTaskMLP(tasks=Quantile(LEVELS), random_state=0).fit(X, y)
    low, high = model.predict_quantiles([[-0.8, 0.0], [0.8, 0.0]])
    # The truth is exp(1.6) = 5, half of which is not found by chance.
    assert high[2] - high[0] > 2.5 * (low[2] - low[0])


@pytest.mark.parametrize("levels", [[], 0.0, 1.0, [0.5, 0.5], [0.9, 0.1], "half", [[0.5]]])
def test_wrong_levels(levels):
    with pytest.raises(ValueError, match=r"Task 0: Quantile\(levels=.*increasing numbers between"):
        MultiTaskLinear(tasks=Quantile(levels)).fit([[0.0], [1.0]], [1.0, 2.0])


def test_who_takes_no_quantiles_says_so():
    X, y = data(n=30)
    with pytest.raises(ValueError, match=r"Task 0 is Quantile\(\); MultiTaskKernelRidge fits"):
        MultiTaskKernelRidge(tasks="quantile").fit(X, y)
    for estimator in (TaskChain(tasks="quantile"), TaskStacking(tasks="quantile")):
        with pytest.raises(ValueError, match="Task 0 is quantile with 3 levels, but"):
            estimator.fit(X, y)
    with pytest.raises(AttributeError, match="no attribute"):
        MultiTaskLinear().fit(X, y).predict_quantiles(X)


def test_one_level_is_learned_by_scikit_learns_estimator():
    X, y = data()
    model = IndependentTasks(tasks=Quantile(0.8)).fit(X, y)
    theirs = QuantileRegressor(quantile=0.8, alpha=0.0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), theirs.predict(X))
    np.testing.assert_allclose(model.predict_quantiles(X), theirs.predict(X)[:, None])
    ours = MultiTaskLinear("l2", alpha=0, tasks=Quantile(0.8), tol=1e-9).fit(X, y)
    np.testing.assert_allclose(ours.score(X, y), model.score(X, y), rtol=1e-6)


@pytest.mark.parametrize("penalty", ["l1", "l2", "mean_deviation"])
def test_absolute_loss_is_twice_that_of_the_median(penalty):
    X, y = data()
    Y = np.column_stack([y, 2.0 * y + X[:, 2]])
    options = {"tol": 1e-11, "shared_alpha": 0.0}
    model = MultiTaskLinear(penalty, alpha=0.02, tasks=Regression("absolute"), **options).fit(X, Y)
    median = MultiTaskLinear(penalty, alpha=0.01, tasks=Quantile(0.5), **options).fit(X, Y)
    # What is as good within the gaps is as close.
    np.testing.assert_allclose(model.coef_, median.coef_, atol=2e-4)
    np.testing.assert_allclose(model.predict(X), median.predict(X), atol=1e-3)
    assert model.dual_gap_ <= 1e-8 * np.abs(Y - np.median(Y, axis=0)).mean(axis=0).sum()


def test_absolute_loss_beside_other_tasks():
    X, y = data()
    Y = np.column_stack([y, X[:, 1] > 0])
    model = MultiTaskLinear(tasks=[Regression("absolute"), "binary"]).fit(X, Y)
    assert model.score(X, Y) > 0.3
    assert MultiTaskLinearCV(tasks=Regression("absolute"), alphas=5, cv=3).fit(X, y).alpha_ > 0


def test_scikit_learns_estimators_learn_a_level_each():
    X, y = data()
    Y = np.column_stack([y, X[:, 1] > 0])
    tasks = [Quantile(LEVELS), "binary"]
    model = IndependentTasks(tasks=tasks).fit(X, Y)
    exact = MultiTaskLinear("l2", alpha=0, tasks=Quantile(LEVELS), tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.predict_quantiles(X)[0], exact.predict_quantiles(X), atol=1e-4)
    np.testing.assert_allclose(model.predict(X)[:, 0], exact.predict(X), atol=1e-4)
    trees = HistGradientBoostingRegressor(max_iter=20, random_state=0)
    found = IndependentTasks(regressor=trees, tasks=tasks).fit(X, Y).predict_quantiles(X)[0]
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found[:, 0] < y).mean() > 0.8
    with pytest.raises(ValueError, match="Task 0 is quantile with 3 levels, but Ridge has no"):
        IndependentTasks(regressor=Ridge(), tasks=tasks).fit(X, Y)


def test_around_other_estimators():
    X, y = data()
    Y = np.column_stack([y, y + X[:, 2]])
    inner = MultiTaskLinear("l1", alpha=0.01, tol=1e-9)
    plain = clone(inner).set_params(tasks="quantile").fit(X, Y).predict_quantiles(X)
    grouped = TaskGrouping(inner, n_groups=1, tasks="quantile").fit(X, Y)
    scaled = TargetScaler(
        inner, FunctionTransformer(np.negative, np.negative), tasks="quantile"
    ).fit(X, Y)
    for other in (grouped, scaled):
        # The default levels are symmetric, and so is what is learned of -y.
        np.testing.assert_allclose(other.predict_quantiles(X), plain, atol=1e-4)
        np.testing.assert_allclose(other.predict(X)[:, 0], plain[0][:, 1], atol=1e-4)


def test_gains_displays_and_chunks():
    X, y = data()
    Y = np.column_stack([y, X[:, 1] > 0])
    model = MultiTaskLinear("l2", alpha=0.01, tasks=[Quantile(LEVELS), "binary"])
    assert np.isfinite(transfer_gain(model, X, Y, cv=3).loss_constant).all()
    predicted = predicted_by(model.fit(X, Y), X, Y)[0]
    np.testing.assert_array_equal(predicted.predicted, model.predict(X)[:, 0])
    with pytest.raises(ValueError, match=r"Task 0 is Quantile.*loss with corners"):
        model.partial_fit(X, Y)


def test_fits_that_start_at_the_optimum_stay_there():
    model = MultiTaskLinear("l2", center=True, alpha=1e-4, tasks=Regression("absolute"))
    X = np.array([[1.0, 2.0], [0.5, 0.0]])
    model.set_params(penalty=L1() + L21(), task_feature=None).fit(X[:1], [-0.1])
    assert model.dual_gap_ == 0.0
    np.testing.assert_allclose(model.predict(X[:1]), [-0.1])
