"""Gains are those of fits by hand, and say "negative" where sharing does harm."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmtl import (
    IndependentTasks,
    MultiTaskLasso,
    MultiTaskLinear,
    MultiTaskLinearRegressor,
    MultiTaskMLP,
)
from skmtl.compose import PooledTasks
from skmtl.datasets import make_multitask_mixed, make_multitask_regression
from skmtl.inspection import TaskAffinity, TransferGain, task_affinity, transfer_gain
from skmtl.inspection._gain_estimate import estimate_gain, estimate_mean_gain
from skmtl.linear.penalties import L2, Graph
from skmtl.model_selection import MultiTaskKFold, MultiTaskShuffleSplit
from skmtl.tasks import LabelWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
TYPES = ["regression", "binary", "multiclass", "count"]
TRACE = MultiTaskLinearRegressor("trace_norm", intercept_alpha=0.0, alpha=0.1)
FIELDS = ("gain", "interval", "fold_gains", "loss_together", "loss_alone", "n_labels")


@pytest.fixture
def wide():
    return make_multitask_regression(90, 6, n_tasks=3, n_informative=4, noise=0.5, random_state=0)


@pytest.fixture
def gappy(wide):
    X, y = wide
    y = y.copy()
    y[np.random.default_rng(0).random(y.shape) < 0.3] = np.nan
    return X, y


@pytest.fixture
def mixed():
    return make_multitask_mixed(
        120, n_regression=1, n_binary=1, n_multiclass=1, n_count=1, missing=0.2, random_state=0
    )


def folds(n_rows, k=3):
    return list(KFold(k, shuffle=True, random_state=0).split(np.zeros((n_rows, 1))))


def stack(X, y, weight):
    """Long form, sorted by task."""
    tasks, rows = np.nonzero(~np.isnan(y.T))
    return np.column_stack([tasks, X[rows]]), y[rows, tasks], weight[rows]


def equal(one, other, rtol=0.0):
    for name in FIELDS:
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=rtol, atol=rtol, err_msg=name
        )


def test_losses_are_those_of_fits_by_hand(gappy):
    X, y = gappy
    splits = folds(len(X))
    found = transfer_gain(TRACE, X, y, cv=splits)
    for f, (train, test) in enumerate(splits):
        together = clone(TRACE).fit(X[train], y[train]).predict(X[test])
        for t in range(3):
            seen = ~np.isnan(y[test, t])
            alone = clone(TRACE).fit(X[train], y[train][:, [t]]).predict(X[test])[:, 0]
            for losses, guess in (
                (found.loss_together, together[:, t]),
                (found.loss_alone, alone),
            ):
                expected = mean_squared_error(y[test, t][seen], guess[seen])
                np.testing.assert_allclose(losses[f, t], expected, rtol=1e-9)
    assert found.n_labels.tolist() == (~np.isnan(y)).sum(axis=0).tolist()
    assert found.task_names == [0, 1, 2]


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_interval_is_that_of_nadeau_and_bengio(wide, confidence):
    X, y = wide
    splits = list(ShuffleSplit(7, test_size=30, random_state=0).split(X))
    found = transfer_gain(TRACE, X, y, cv=splits, confidence=confidence)
    ratio = found.loss_together.mean(axis=0) / found.loss_alone.mean(axis=0)
    residual = found.loss_together - ratio * found.loss_alone
    error = np.sqrt((1 / 7 + 30 / 60) * residual.var(axis=0, ddof=1))
    half = stats.t.ppf(0.5 + confidence / 2, 6) * error / found.loss_together.mean(axis=0)
    np.testing.assert_allclose(found.gain, 1 - ratio)
    np.testing.assert_allclose(found.interval[:, 0], 1 - ratio * np.exp(half))
    np.testing.assert_allclose(found.interval[:, 1], 1 - ratio * np.exp(-half))
    np.testing.assert_allclose(found.fold_gains, 1 - found.loss_together / found.loss_alone)
    assert found.confidence == confidence


def test_folds_count_by_their_labels(wide):
    X, y = wide
    splits = [(np.arange(30, 90), np.arange(30)), (np.arange(40), np.arange(80, 90))]
    found = transfer_gain(TRACE, X, y, cv=splits)
    alone, together = (
        np.average(losses, axis=0, weights=[30, 10])
        for losses in (found.loss_alone, found.loss_together)
    )
    np.testing.assert_allclose(found.gain, 1 - together / alone)


def test_losses_of_all_types(mixed):
    X, y = mixed
    train, test = folds(len(X))[0]
    model = MultiTaskLinear("l2", alpha=0.1, tasks=TYPES)
    found = transfer_gain(model, X, y, cv=[(train, test), (test, train)])
    fitted = clone(model).fit(X[train], y[train])
    guess, chances = fitted.predict(X[test]), fitted.predict_proba(X[test])
    expected = [
        mean_squared_error(*seen(y[test, 0], guess[:, 0])),
        log_loss(*seen(y[test, 1], chances[1])),
        log_loss(*seen(y[test, 2], chances[2])),
        mean_poisson_deviance(*seen(y[test, 3], guess[:, 3])),
    ]
    np.testing.assert_allclose(found.loss_together[0], expected)


def seen(labels, guess):
    there = ~pd.isna(labels)
    return labels[there].astype(float), guess[there].astype(float)


def test_nothing_is_gained_where_nothing_is_shared(mixed):
    # Types and scales, too, are those of the fit to all tasks.
    X, y = mixed
    model = MultiTaskLinear("l2", alpha=0.1, tasks=TYPES, tol=1e-8)
    found = transfer_gain(model, X, y)
    np.testing.assert_allclose(found.loss_together, found.loss_alone, rtol=1e-3)
    learner = IndependentTasks(regressor=DecisionTreeRegressor(random_state=0))
    found = transfer_gain(learner, X, y)
    np.testing.assert_allclose(found.gain, 0.0, atol=1e-12)
    assert not found.is_negative.any()
    assert not found.is_positive.any()


def test_long_form_says_the_same(gappy):
    X, y = gappy
    row, task = np.nonzero(~np.isnan(y))
    splits = folds(len(X))
    wide = transfer_gain(TRACE, X, y, cv=splits)
    long = transfer_gain(
        clone(TRACE).set_params(task_feature=0),
        np.column_stack([task, X[row]]),
        y[row, task],
        cv=[tuple(np.flatnonzero(np.isin(row, part)) for part in split) for split in splits],
    )
    equal(wide, long, rtol=1e-6)


def test_long_form_of_named_tasks_in_a_pipeline(wide):
    X, y = wide
    frame = pd.DataFrame(X).assign(school=np.resize(["north", "<b>", "south"], len(X)))
    frame.columns = frame.columns.astype(str)
    model = MultiTaskLinearRegressor("mean_deviation", alpha=0.1, task_feature="school")
    found = transfer_gain(model, frame, y[:, 0])
    assert found.task_names == ["<b>", "north", "south"]
    numbered = frame.assign(school=frame["school"].map({"<b>": 0.0, "north": 1.0, "south": 2.0}))
    model.set_params(task_feature=-1)
    pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False), model)
    equal(found, transfer_gain(pipeline, numbered.to_numpy(), y[:, 0]), rtol=1e-9)


def test_tasks_that_are_held_out_cannot_be_evaluated():
    X, y = make_multitask_regression(20, n_tasks=4, form="long", random_state=0)
    cv = MultiTaskKFold(2, task_feature=0, hold_out="tasks")
    model = MultiTaskLinearRegressor("mean_deviation", task_feature=0, unknown_task="shared")
    with pytest.raises(ValueError, match="No fold evaluates a task"):
        transfer_gain(model, X, y, cv=cv)


def test_baseline(wide):
    X, y = wide
    splits = folds(len(X))
    found = transfer_gain(TRACE, X, y, cv=splits, baseline=IndependentTasks(Ridge(3.0)))
    for f, (train, test) in enumerate(splits):
        guess = Ridge(3.0).fit(X[train], y[train]).predict(X[test])
        np.testing.assert_allclose(
            found.loss_alone[f], ((guess - y[test]) ** 2).mean(axis=0), rtol=1e-9
        )


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), TRACE),
        GridSearchCV(TRACE, {"alpha": [0.1, 10.0]}, cv=KFold(2)),
        make_pipeline(StandardScaler(), GridSearchCV(TRACE, {"alpha": [0.1]}, cv=KFold(2))),
        MultiTaskLasso(0.05),
        PooledTasks(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_twin_of_any_estimator_is_its_fit_to_one_column(estimator, gappy):
    X, y = gappy
    train, test = folds(len(X))[0]
    found = transfer_gain(estimator, X, y, cv=[(train, test), (test, train)])
    for t in range(3):
        alone = clone(estimator).fit(X[train], y[train][:, [t]]).predict(X[test]).ravel()
        there = ~np.isnan(y[test, t])
        expected = mean_squared_error(y[test, t][there], alone[there])
        np.testing.assert_allclose(found.loss_alone[0, t], expected, rtol=1e-9)


def test_parameters_that_name_tasks_are_cut(mixed):
    X, y = mixed
    y, types = y[:, [0, 1, 3]], ["regression", "binary", "count"]
    plain = MultiTaskLinear("l2", alpha=0.1, tasks=types, tol=1e-8)
    named = clone(plain).set_params(
        tasks=dict(enumerate(types)),
        task_weight=[1.0, 1.0, 0.0],
        penalty=L2() + Graph(np.ones((3, 3))),
    )
    # Alone there is no neighbour, and a weight of zero has nobody to make room for.
    np.testing.assert_allclose(
        transfer_gain(named, X, y, cv=2).loss_alone,
        transfer_gain(plain, X, y, cv=2).loss_alone,
        rtol=1e-3,
    )


@pytest.mark.parametrize("as_frame", [True, False])
def test_monitor_and_weights_of_a_network_are_cut(as_frame, gappy):
    X, y = gappy
    names = ["a", "b", "c"] if as_frame else [0, 1, 2]
    y = pd.DataFrame(y, columns=names) if as_frame else y
    plain = MultiTaskMLP((4,), max_iter=3, tol=1.0, random_state=0)
    named = clone(plain).set_params(monitor=names[2], task_weight={names[1]: 2.0})
    alone = transfer_gain(named, X, y, cv=2).loss_alone
    # A weight of one task changes the size of its step, and of no other's.
    expected = transfer_gain(plain, X, y, cv=2).loss_alone
    np.testing.assert_array_equal(alone[:, [0, 2]], expected[:, [0, 2]])


def test_parameters_that_cannot_be_cut_say_so(wide):
    X, y = wide
    model = MultiTaskMLP((4,), max_iter=2, balancing=lambda gramian: np.ones(3), random_state=0)
    with pytest.raises(ValueError, match=r"\(3,\)") as caught:
        transfer_gain(model, X, y, cv=2)
    assert "Task 0 should be learned without the others" in caught.value.__notes__[0]
    assert "baseline" in caught.value.__notes__[0]


def test_n_jobs_changes_nothing(gappy):
    X, y = gappy
    model = MultiTaskMLP((4,), max_iter=3, tol=1.0, random_state=0)
    equal(transfer_gain(model, X, y, cv=2), transfer_gain(model, X, y, cv=2, n_jobs=2))


def test_what_is_under_weight_zero_does_not_matter(gappy):
    X, y = gappy
    weight = np.where(np.isnan(y), 0.0, 1.0)
    full = np.where(np.isnan(y), 1e6 * np.arange(3), y)
    kept = X.copy(), full.copy(), weight.copy()
    equal(transfer_gain(TRACE, X, y), transfer_gain(TRACE, X, full, sample_weight=weight))
    for before, after in zip(kept, (X, full, weight), strict=True):
        np.testing.assert_array_equal(before, after)


def test_classes_under_weight_zero_do_not_matter(mixed):
    X, y = mixed
    y = y[:, 1:3].copy()
    weight = np.where(pd.isna(y), 0.0, 1.0)
    other = y.copy()
    other[pd.isna(y)] = 1.0
    model = MultiTaskLinear("l2", alpha=0.1, tasks=TYPES[1:3])
    equal(transfer_gain(model, X, y), transfer_gain(model, X, other, sample_weight=weight))


def test_weights_count_labels(gappy):
    X, y = gappy
    splits = folds(len(X))
    rng = np.random.default_rng(1)
    weight = rng.integers(1, 4, size=len(X))
    rows = np.repeat(np.arange(len(X)), weight)
    repeated = [tuple(np.flatnonzero(np.isin(rows, part)) for part in split) for split in splits]
    one = transfer_gain(TRACE, X, y, cv=splits, sample_weight=weight)
    two = transfer_gain(TRACE, X[rows], y[rows], cv=repeated)
    np.testing.assert_allclose(one.loss_together, two.loss_together, rtol=1e-5)
    np.testing.assert_allclose(one.loss_alone, two.loss_alone, rtol=1e-5)
    np.testing.assert_allclose(one.interval, two.interval, rtol=1e-3)
    same = transfer_gain(TRACE, X, y, cv=splits, sample_weight=np.tile(weight[:, None], 3))
    equal(one, same)


def test_order_of_tasks(gappy):
    X, y = gappy
    splits, order = folds(len(X)), [2, 0, 1]
    one = transfer_gain(TRACE, X, y, cv=splits)
    two = transfer_gain(TRACE, X, y[:, order], cv=splits)
    np.testing.assert_allclose(one.gain[order], two.gain, rtol=1e-3, atol=1e-6)


def containers(X, y):
    names = ["a", "<b>", "c"]
    frame = pd.DataFrame(y, columns=names)
    fields = np.array([tuple(row) for row in y], dtype=[(name, float) for name in names])
    missing = frame.astype(object).where(frame.notna(), None)
    return {
        "lists": (X.tolist(), y.tolist()),
        "pandas": (pd.DataFrame(X).rename(columns=str), frame),
        "nullable": (X, missing.astype("Float64")),
        "polars": (pl.DataFrame(X), pl.DataFrame(missing.to_dict("list"))),
        "masked": (X, np.ma.masked_invalid(y)),
        "fields": (X, fields),
        "sparse": (sparse.coo_array(X), y),
    }


@pytest.mark.parametrize(
    "kind", ["lists", "pandas", "nullable", "polars", "masked", "fields", "sparse"]
)
def test_containers(kind, gappy):
    X, y = gappy
    model = MultiTaskLinearRegressor("l21", alpha=0.1)
    found = transfer_gain(model, *containers(X, y)[kind])
    equal(transfer_gain(model, X, y), found, rtol=1e-6)
    named = kind in {"pandas", "nullable", "polars", "fields"}
    assert found.task_names == (["a", "<b>", "c"] if named else [0, 1, 2])


def test_tasks_that_few_folds_can_evaluate(wide):
    X, y = wide
    y = y.copy()
    y[:, 1] = np.nan
    y[5, 1] = 1.0
    y[:, 2] = np.nan
    y[:60, 2] = X[:60, 0] > 0
    y[:30, 2] = 1.0
    splits = [
        (np.arange(30, 90), np.arange(30)),
        (np.r_[:30, 60:90], np.arange(30, 60)),
        (np.arange(60), np.arange(60, 90)),
    ]
    model = MultiTaskLinear("l2", alpha=0.1, tasks=["regression", "regression", "binary"])
    with pytest.warns(LabelWarning, match="Task 1: no fold has labels to train and to test on"):
        found = transfer_gain(model, X, y, cv=splits)
    assert np.isnan(found.gain).tolist() == [False, True, False]
    # Evaluated once: the second training set has one class, the third test set no label.
    assert np.isnan(found.fold_gains[:, 2]).tolist() == [False, True, True]
    assert np.isnan(found.interval[:, 0]).tolist() == [False, True, True]
    assert not found.is_negative[1:].any()
    assert found.n_labels.tolist() == [90, 1, 60]


def test_labels_of_a_class_that_training_lacks_are_left_out():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.column_stack([X[:, 0], np.digitize(X[:, 1], [0.0])]).astype(float)
    rare = np.arange(40, 45)
    y[rare, 1] = 2.0
    model = MultiTaskLinear("l2", alpha=0.1, tasks=["regression", "multiclass"])
    one = transfer_gain(model, X, y, cv=[(np.arange(40), np.arange(40, 60))] * 2)
    y[rare, 1] = np.nan
    two = transfer_gain(model, X, y, cv=[(np.arange(40), np.arange(40, 60))] * 2)
    np.testing.assert_array_equal(one.loss_together, two.loss_together)
    np.testing.assert_array_equal(one.loss_alone, two.loss_alone)


def test_default_folds_are_two_shuffles_of_five(wide):
    X, y = wide
    found = transfer_gain(TRACE, X, y)
    splits = [
        split
        for seed in range(2)
        for split in MultiTaskKFold(5, shuffle=True, random_state=seed).split(X, y)
    ]
    equal(found, transfer_gain(TRACE, X, y, cv=splits))
    assert found.fold_gains.shape == (10, 3)
    assert transfer_gain(TRACE, X, y, cv=3).fold_gains.shape == (6, 3)


def test_groups_stay_together(wide):
    X, y = wide
    groups = np.repeat(np.arange(30), 3)
    # A label that repeats within its group would be known from the training rows.
    tree = IndependentTasks(DecisionTreeRegressor(random_state=0))
    X, y = np.repeat(X[:30], 3, axis=0), np.repeat(y[:30], 3, axis=0)
    assert np.median(transfer_gain(tree, X, y).loss_alone) == 0.0
    assert transfer_gain(tree, X, y, groups=groups).loss_alone.min() > 0.1


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"y": np.zeros(90)}, ValueError, "y has one task"),
        ({"estimator": Ridge()}, TypeError, r"Ridge\(\) is none of skmtl.*IndependentTasks"),
        ({"confidence": 1.0}, ValueError, "'confidence' parameter of transfer_gain"),
        ({"n_jobs": "all"}, ValueError, "'n_jobs' parameter of transfer_gain"),
        ({"cv": 1}, ValueError, "'cv' parameter of transfer_gain"),
        ({"cv": "five"}, ValueError, "'cv' parameter of transfer_gain"),
        ({"y": np.zeros((80, 2))}, ValueError, "inconsistent numbers of samples"),
        ({"baseline": Ridge()}, TypeError, "none of skmtl"),
        ({"estimator": MultiTaskLinear(alpha=-1.0)}, ValueError, "parameter of MultiTaskLinear"),
        ({"estimator": MultiTaskLinear(task_feature=0)}, ValueError, "y must be 1-D"),
    ],
)
def test_errors(change, error, match, wide):
    X, y = wide
    arguments = {"estimator": TRACE, "X": X, "y": y, **change}
    with pytest.raises(error, match=match):
        transfer_gain(**arguments)


def noise_beside_a_task(seed=0):
    """Two tasks that have features to explain them, and one that is noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 30))
    y = X[:, :3] + 0.3 * rng.normal(size=(120, 3))
    y[:, 2] = rng.normal(size=120)
    return X, y


def test_what_is_not_learned_is_not_called_harmed():
    X, y = noise_beside_a_task()
    # Both overfit the noise, one more than the other.
    more, less = (IndependentTasks(Ridge(alpha)) for alpha in (1e-6, 1.0))
    found = transfer_gain(more, X, y, baseline=less, cv=MultiTaskShuffleSplit(30))
    assert found.interval[2, 1] < 0
    assert found.is_learned.tolist() == [True, True, False]
    assert not found.is_negative[2]
    worse = transfer_gain(less, X, y, baseline=more, cv=MultiTaskShuffleSplit(30))
    assert worse.interval[2, 0] > 0
    assert not worse.is_positive[2]
    assert found.to_frame()["is_learned"].tolist() == [True, True, False]


def test_harm_stays_harm_where_learning_alone_beats_the_constant():
    X, y = noise_beside_a_task()
    together = MultiTaskLinearRegressor("mean_deviation", alpha=100.0)
    y = np.column_stack([y[:, 0], y[:, 0] + 0.1, -y[:, 0]])
    found = transfer_gain(together, X, y, baseline=IndependentTasks(Ridge(1.0)), cv=3)
    assert found.loss_together[:, 2].mean() > found.loss_constant[:, 2].mean()
    assert found.is_learned.all()
    assert found.is_negative[2]


@pytest.mark.parametrize("is_long", [True, False])
def test_loss_of_the_constant_is_that_of_the_training_labels(is_long, gappy):
    X, y = gappy
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
    model = clone(TRACE)
    if is_long:
        X, y, weight = stack(X, y, weight)
        model.set_params(task_feature=0)
    splits = folds(len(X))
    found = transfer_gain(model, X, y, cv=splits, sample_weight=weight)
    for f, (train, test) in enumerate(splits):
        for t in range(3):
            known = (X[:, 0] == t) if is_long else ~np.isnan(y[:, t])
            labels = y if is_long else y[:, t]
            train_t, test_t = train[known[train]], test[known[test]]
            mean = np.average(labels[train_t], weights=weight[train_t])
            expected = np.average((labels[test_t] - mean) ** 2, weights=weight[test_t])
            assert found.loss_constant[f, t] == pytest.approx(expected)


def test_constants_of_all_types(mixed):
    X, y = mixed
    splits = folds(len(X))
    found = transfer_gain(MultiTaskLinear("l2", alpha=0.1, tasks=TYPES), X, y, cv=splits)
    train, test = splits[0]
    for t, kind in enumerate(TYPES):
        seen, known = y[train, t][~np.isnan(y[train, t])], y[test, t][~np.isnan(y[test, t])]
        if kind == "regression":
            expected = np.mean((known - seen.mean()) ** 2)
        elif kind == "count":
            expected = mean_poisson_deviance(known, np.full(len(known), seen.mean()))
        else:
            classes, counts = np.unique(seen, return_counts=True)
            expected = -np.mean(np.log((counts / len(seen))[np.searchsorted(classes, known)]))
        assert found.loss_constant[0, t] == pytest.approx(expected)


@pytest.mark.parametrize("find", ["gain", "affinity"])
def test_folds_that_hold_tasks_out_say_so(find, gappy):
    X, y, _ = stack(*gappy, np.ones(len(gappy[0])))
    model = clone(TRACE).set_params(task_feature=0)

    def run(cv):
        if find == "gain":
            return transfer_gain(model, X, y, cv=cv)
        return task_affinity(model, X, y, method="pairwise", cv=cv)

    cut, advice = np.searchsorted(X[:, 0], np.arange(4)), r"sorted by task.*MultiTaskKFold\(5, ta"
    everything = np.arange(len(y))
    blocks = [everything[cut[t] : cut[t + 1]] for t in range(3)]
    whole = [(np.setdiff1d(everything, block), block) for block in blocks]
    with pytest.raises(ValueError, match=rf"No fold evaluates a task.*{advice}"):
        run(whole)
    wide = [np.unique(np.append(block, everything[::9])) for block in blocks]
    part = [(np.setdiff1d(everything, block), block) for block in wide]
    with pytest.warns(UserWarning, match=rf"Scores rest on \d+ of \d+ held-out labels.*{advice}"):
        run(part)


def test_frame(wide):
    X, y = wide
    found = transfer_gain(TRACE, X, pd.DataFrame(y, columns=["a", "b", "c"]))
    frame = found.to_frame()
    assert frame.index.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(frame["gain"], found.gain)
    np.testing.assert_array_equal(frame[["lower", "upper"]], found.interval)
    assert frame["is_positive"].tolist() == (found.interval[:, 0] > 0).tolist()


def planted(seed, n_unrelated):
    """Six tasks of which the last are unrelated to the others and to each other."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    own = rng.normal(size=(6, 10)) / np.sqrt(10)
    coef = np.sqrt(0.95) * basis[0] + np.sqrt(0.05) * own
    coef[6 - n_unrelated :] = basis[6 - n_unrelated : 6]
    X = rng.normal(size=(300, 10))
    y = X @ coef.T + 0.5 * rng.normal(size=(300, 6))
    y[rng.random(y.shape) < 0.3] = np.nan
    return X, y


def test_planted_negative_transfer_is_found():
    model = MultiTaskLinearRegressor("mean_deviation", alpha=1.0)
    found = [transfer_gain(model, *planted(seed, 2)) for seed in range(10)]
    assert sum(gains.is_negative[4:].all() for gains in found) >= 9


def test_none_is_found_where_there_is_none():
    model = MultiTaskLinearRegressor("mean_deviation", alpha=1.0)
    found = [transfer_gain(model, *planted(seed, 0)) for seed in range(10)]
    assert sum(not gains.is_negative.any() for gains in found) >= 9


def test_equal_learners_are_called_equal():
    # Each sees half of the features, which explain as much: at 95 %, 1 in 20 may be flagged.
    first, second = (
        make_pipeline(FunctionTransformer(lambda X, s=s: X[:, s]), IndependentTasks())
        for s in (slice(0, 5), slice(5, 10))
    )
    flags = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, coef = rng.normal(size=(100, 10)), rng.normal(size=(5, 2, 5))
        coef /= np.linalg.norm(coef, axis=2, keepdims=True)
        y = X @ coef.reshape(5, 10).T + rng.normal(size=(100, 5))
        gains = transfer_gain(first, X, y, baseline=second)
        flags.append(gains.is_negative | gains.is_positive)
    assert np.mean(flags) <= 0.05


def test_no_warning_is_repeated_for_every_fold(wide):
    X, y = wide
    y = y.copy()
    y[2:, 0] = np.nan
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        transfer_gain(TRACE, X, y, cv=folds(len(X)))
    assert len([w for w in caught if issubclass(w.category, LabelWarning)]) <= 1


@pytest.mark.parametrize(
    "estimator", [MultiTaskLinear("l21", alpha=0.1), MultiTaskMLP(max_iter=2, random_state=0)]
)
def test_folds_without_a_task_that_has_a_weight(estimator):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(31, 3)), columns=list("xyz"))
    X["task"], y = ["a"] * 15 + ["b"] * 15 + ["c"], rng.normal(size=31)
    # The last task has one row, so that either it is held out or not evaluated.
    cv = [(np.arange(0, 30, 2), np.arange(1, 30, 2)), (np.arange(16), np.arange(16, 30))]
    weights = [2.0, 3.0, 5.0], {"a": 2.0, "b": 3.0, "c": 5.0}, pd.Series({"c": 5, "b": 3, "a": 2})
    estimator = clone(estimator).set_params(task_feature="task")
    gains = [
        transfer_gain(clone(estimator).set_params(task_weight=weight), X, y, cv=cv).loss_together
        for weight in (*weights, {"a": 2.0, "b": 3.0})
    ]
    assert np.isfinite(gains[0]).sum() == 3
    for other in gains[1:]:
        np.testing.assert_array_equal(gains[0], other)
    with pytest.raises(ValueError, match="'d', which y does not have"):
        transfer_gain(estimator.set_params(task_weight={"d": 1.0}), X, y, cv=cv)


@pytest.mark.parametrize("gain", [-2.0, 0.0, 0.9])
def test_intervals_hold_the_gain_as_often_as_they_say(gain):
    """Folds that have no rows in common, some of them hard for both ways of learning."""
    rng = np.random.default_rng(0)
    n_folds, n_repeats = 5, 4000
    hard, of_together, of_alone = rng.gamma(5, 0.2, size=(3, n_folds, n_repeats))
    losses = np.stack([(1 - gain) * (0.7 * hard + 0.3 * of_together), 0.7 * hard + 0.3 * of_alone])
    tested, trained = np.ones((n_folds, n_repeats)), np.full((n_folds, n_repeats), 1e9)
    low, high = estimate_gain(losses, tested, trained, confidence=0.9)[1].T
    assert (high <= 1).all()
    assert np.mean(high < gain) == pytest.approx(0.05, abs=0.01)
    assert np.mean(low > gain) == pytest.approx(0.05, abs=0.01)


def test_a_perfect_and_a_hopeless_way_of_learning():
    """Losses of 0 are no error: of both, of the one, of the other."""
    losses = np.array([[[0.0, 0.0, 2.0]] * 4, [[0.0, 3.0, 0.0]] * 4])
    gain, interval = estimate_gain(losses, np.ones((4, 3)), np.full((4, 3), 3.0))
    assert gain.tolist() == [0.0, 1.0, -np.inf]
    np.testing.assert_allclose(interval[:2], [[0.0, 0.0], [1.0, 1.0]], atol=1e-8)
    assert not np.isfinite(interval[2]).any()


def test_the_mean_gain_is_as_sure_as_folds_agree():
    """Tasks whose folds vary by themselves average out; tasks that vary together do not."""
    rng = np.random.default_rng(0)
    n_folds, n_tasks = 10, 40
    tested, trained = np.full((n_folds, n_tasks), 10.0), np.full((n_folds, n_tasks), 90.0)
    alone, widths = np.ones((n_folds, n_tasks)), []
    for noise in (rng.normal(size=(n_folds, n_tasks)), rng.normal(size=(n_folds, 1))):
        losses = np.stack([alone - 0.1 + 0.05 * noise, alone])
        gain, _ = estimate_gain(losses, tested, trained)
        low, high = estimate_mean_gain(losses, tested, trained)
        assert (low + high) / 2 == pytest.approx(gain.mean(), rel=1e-12)
        each = [
            estimate_mean_gain(losses[:, :, [t]], tested[:, [t]], trained[:, [t]])
            for t in range(n_tasks)
        ]
        widths.append((high - low) / np.mean(np.diff(each)))
    assert widths[0] < 0.3
    assert widths[1] == pytest.approx(1.0, rel=1e-12)
    # One task is its own mean, whatever its folds weigh.
    tested[:, 0] = rng.integers(1, 20, size=n_folds)
    gain, interval = estimate_gain(losses[:, :, :1], tested[:, :1], trained[:, :1])
    mean = estimate_mean_gain(losses[:, :, :1], tested[:, :1], trained[:, :1])
    half = -(1 - gain) * np.log((1 - interval[0]) / (1 - gain))
    np.testing.assert_allclose(mean - gain, half, rtol=0.05)


@pytest.mark.parametrize("side", [1, -1])
def test_verdict_of_all(side):
    interval = side * np.array([[0.05, 0.2], [-0.1, 0.3], [np.nan, np.nan]])
    gain = TransferGain(
        ["a", "b", "c"],
        side * np.array([0.1, 0.1, np.nan]),
        np.sort(interval, axis=1),
        *np.zeros((3, 2, 3)),
        np.zeros(3),
        0.95,
        mean_interval=np.sort(side * np.array([0.02, 0.18])),
    )
    assert gain.verdict == ("helps" if side > 0 else "harms")
    assert gain.mean_gain == pytest.approx(side * 0.1)
    assert gain.verdicts == [gain.verdict, "unclear", "unknown"]
    first, *lines = repr(gain).splitlines()
    assert first.startswith(f"Sharing {gain.verdict}: over 2 tasks it")
    assert [line.split()[0] for line in lines] == ["task", "a", "b", "c"]
    assert replace(gain, mean_interval=None).verdict == "unknown"


def test_nothing_learned_has_no_verdict():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 20)), rng.normal(size=(60, 3))
    gain = transfer_gain(MultiTaskLinearRegressor("l2", alpha=1e-3), X, y, cv=3)
    assert gain.verdict == "unlearned"
    assert np.isnan(gain.mean_gain)
    assert repr(gain).startswith("Nothing can be said of sharing: no task is predicted better")
    assert "<table>" in gain._repr_html_()


def test_results_are_short_and_escaped():
    names = [f"<b>{t}</b>" for t in range(500)]
    affinity = TaskAffinity(names, np.eye(500), "by hand")
    assert len(repr(affinity).splitlines()) < 20
    assert "<b>" not in affinity._repr_html_()
    assert "&lt;b&gt;" in affinity._repr_html_()
