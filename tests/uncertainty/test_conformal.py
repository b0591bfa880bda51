"""ConformalTasks: coverage, the formulas in plain numpy, and what changes nothing."""

import pickle
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import ConformalTasks, IndependentTasks, MultiTaskBayesianLinear, MultiTaskLinear
from skmtl.tasks import Ordinal, Quantile

LINEAR = MultiTaskLinear(alpha=0.01)
METHODS = ["split", "cv+", "jackknife+"]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    Y = np.column_stack([X @ [1.0, 2.0, 0.0], X[:, 1]]) + rng.normal(size=(120, 2)) * [0.3, 2.0]
    return X, Y


@pytest.fixture
def gaps(data):
    X, Y = data
    Y[np.random.default_rng(1).random(Y.shape) < 0.3] = np.nan
    return X, Y


@pytest.fixture
def mixed(gaps):
    X, Y = gaps
    y = pd.DataFrame(Y, columns=["a", "b"])
    y["c"] = np.where(X[:, 0] > 0, "yes", "no")
    y.loc[::5, "c"] = None
    return X, y


def covered(model, X, Y):
    interval = model.predict_interval(X)
    return (interval[..., 0] <= Y) & (interval[..., 1] >= Y)


# Coverage.


@pytest.mark.parametrize("labels", ["numbers", "classes"])
def test_split_covers_exactly_as_often_as_exchangeable_labels_say(labels):
    n_repeats, n_rows, coverage = 300, 24, 0.8
    rng, hits = np.random.default_rng(0), 0
    for _ in range(n_repeats):
        X = rng.normal(size=(n_rows + 1, 1))
        score = X[:, 0] + rng.standard_t(3, size=n_rows + 1)
        folds = [(np.arange(10), np.arange(10, n_rows))]
        if labels == "numbers":
            model = ConformalTasks(Ridge(), "split", coverage=coverage, cv=folds)
            hits += covered(model.fit(X[:-1], score[:-1]), X[-1:], score[-1])[0]
        else:
            y = np.append([0, 1], score[2:] > 0).astype(int)
            model = ConformalTasks(
                LogisticRegression(), "split", coverage=coverage, cv=folds, tasks="binary"
            )
            hits += model.fit(X[:-1], y[:-1]).predict_set(X[-1:])[0, y[-1]]
    # 14 held-out labels: rank 12 of 15.
    assert binom.interval(0.999, n_repeats, 12 / 15)[0] <= hits
    assert hits <= binom.interval(0.999, n_repeats, 12 / 15)[1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("is_even", [True, False], ids=["even", "uneven"])
def test_coverage_of_new_rows_is_near_what_was_asked_for(method, is_even):
    rng = np.random.default_rng(0)
    n_train, found = 99, []
    for _ in range(4 if method == "jackknife+" else 15):
        X = rng.uniform(-1, 1, size=(n_train + 400, 2))
        noise = rng.normal(size=len(X)) * (1.0 if is_even else 0.2 + 2 * np.abs(X[:, 0]))
        y = X @ [1.0, -1.0] + noise
        model = ConformalTasks(Ridge(), method).fit(X[:n_train], y[:n_train])
        found.append(covered(model, X[n_train:], y[n_train:]).mean())
    assert abs(np.mean(found) - 0.9) < 4 * np.std(found) / np.sqrt(len(found)) + 0.01


# The formulas.


def test_split_in_plain_numpy(gaps):
    X, Y = gaps
    train, test = np.arange(80), np.arange(80, 120)
    model = ConformalTasks(LINEAR, "split", cv=[(train, test)], coverage=0.8).fit(X, Y)
    inner = clone(LINEAR).fit(X[train], Y[train])
    np.testing.assert_allclose(model.predict(X), inner.predict(X))
    for t in range(2):
        residual = np.abs(Y[test, t] - inner.predict(X[test])[:, t])
        residual = np.sort(residual[~np.isnan(residual)])
        assert model.n_calibration_[t] == len(residual)
        q = residual[int(np.ceil(0.8 * (len(residual) + 1))) - 1]
        expected = inner.predict(X)[:, [t]] + [-q, q]
        np.testing.assert_allclose(model.predict_interval(X)[:, t], expected, rtol=1e-10)


@pytest.mark.parametrize("method", ["cv+", "jackknife+"])
def test_cross_conformal_in_plain_numpy(data, method):
    X, y = data[0][:40], data[1][:40, 1]
    folds = list(KFold(4 if method == "cv+" else 40).split(X))
    model = ConformalTasks(Ridge(), method, cv=folds, coverage=0.8).fit(X, y)
    assert len(model.fold_estimators_) == len(folds)
    centre, residual = np.empty((40, 40)), np.empty(40)
    for train, test in folds:
        inner = Ridge().fit(X[train], y[train])
        centre[:, test] = inner.predict(X)[:, None]
        residual[test] = np.abs(y[test] - inner.predict(X[test]))
    low = np.sort(centre - residual, axis=1)[:, int(np.floor(0.2 * 41)) - 1]
    high = np.sort(centre + residual, axis=1)[:, int(np.ceil(0.8 * 41)) - 1]
    np.testing.assert_allclose(model.predict_interval(X), np.column_stack([low, high]))
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X, y).predict(X))


def test_quantiles_are_moved_as_romano_et_al_move_them(data):
    X, Y = data
    train, test = np.arange(60), np.arange(60, 120)
    inner = MultiTaskLinear("l2", alpha=1e-3, tasks=Quantile([0.05, 0.5, 0.95]))
    model = ConformalTasks(
        clone(inner).set_params(tasks="auto"),
        "split",
        tasks=Quantile([0.05, 0.5, 0.95]),
        cv=[(train, test)],
    ).fit(X, Y)
    inner.fit(X[train], Y[train])
    for t, q in enumerate(inner.predict_quantiles(X)):
        score = np.maximum(q[test, 0] - Y[test, t], Y[test, t] - q[test, 2])
        reach = np.sort(score)[int(np.ceil(0.9 * 61)) - 1]
        expected = np.column_stack([q[:, 0] - reach, q[:, 2] + reach])
        np.testing.assert_allclose(model.predict_interval(X)[:, t], expected, rtol=1e-6)


@pytest.mark.parametrize("form", ["ours", "each", "pipeline"])
def test_standard_deviations_are_scales(data, form):
    X, Y = data
    train, test = np.arange(60), np.arange(60, 120)
    given = {
        "ours": MultiTaskBayesianLinear(),
        "each": GaussianProcessRegressor(RBF() + WhiteKernel(), optimizer=None, normalize_y=True),
        "pipeline": make_pipeline(StandardScaler(), MultiTaskBayesianLinear()),
    }[form]
    model = ConformalTasks(given, "split", cv=[(train, test)]).fit(X, Y)
    if form == "each":
        found = [clone(given).fit(X[train], y[train]).predict(X, return_std=True) for y in Y.T]
        mean, std = (np.column_stack(part) for part in zip(*found, strict=True))
    else:
        mean, std = clone(given).fit(X[train], Y[train]).predict(X, return_std=True)
    q = np.sort(np.abs(Y[test] - mean[test]) / std[test], axis=0)[int(np.ceil(0.9 * 61)) - 1]
    expected = np.stack([mean - q * std, mean + q * std], axis=2)
    np.testing.assert_allclose(model.predict_interval(X), expected, rtol=1e-6)
    plain = clone(model).set_params(conformity_score="absolute").fit(X, Y)
    assert np.ptp(np.diff(plain.predict_interval(X))[:, 0]) < 1e-8


@pytest.mark.parametrize("method", ["split", "cv+"])
def test_sets_in_plain_numpy(data, method):
    X, Y = data
    y = np.digitize(Y[:, 1], [-1.0, 1.0])
    folds = list(KFold(3).split(X))[: 1 if method == "split" else 3]
    forest = RandomForestClassifier(5, random_state=0)
    model = ConformalTasks(forest, method, cv=folds, tasks="multiclass", coverage=0.8).fit(X, y)
    beaten, m = np.zeros((120, 3)), 0
    for train, test in folds:
        p = clone(forest).fit(X[train], y[train]).predict_proba(X)
        own = 1 - p[test, y[test]]
        beaten += (own[:, None, None] < 1 - p).sum(axis=0)
        m += len(test)
    assert (model.predict_set(X) == (beaten < 0.8 * (m + 1))).all()


# What changes nothing.


@pytest.mark.parametrize("method", METHODS)
def test_weight_0_is_unobserved(gaps, method):
    X, Y = gaps[0][:50], gaps[1][:50]
    seen = ~np.isnan(Y)
    by_weight = ConformalTasks(LINEAR, method).fit(X, np.where(seen, Y, 1e6), seen * 1.0)
    by_nan = ConformalTasks(LINEAR, method).fit(X, Y)
    assert (by_weight.predict_interval(X) == by_nan.predict_interval(X)).all()


@pytest.mark.parametrize("method", ["split", "cv+"])
def test_scale_and_place_of_y(gaps, method):
    X, Y = gaps
    model = ConformalTasks(MultiTaskLinear("l2", alpha=0.0), method)
    once = model.fit(X, Y).predict_interval(X)
    again = model.fit(X, 1e6 * Y + 3.0).predict_interval(X)
    np.testing.assert_allclose(again, 1e6 * once + 3.0, rtol=1e-6)


def test_order_of_rows_and_tasks(gaps):
    X, Y = gaps
    folds = list(KFold(4).split(X))
    once = ConformalTasks(LINEAR, "cv+", cv=folds).fit(X, Y).predict_interval(X)
    order = np.random.default_rng(0).permutation(len(X))
    place = np.argsort(order)
    moved = [(place[train], place[test]) for train, test in folds]
    again = ConformalTasks(LINEAR, "cv+", cv=moved).fit(X[order], Y[order])
    np.testing.assert_allclose(again.predict_interval(X), once, rtol=1e-6)
    turned = ConformalTasks(LINEAR, "cv+", cv=folds).fit(X, Y[:, ::-1]).predict_interval(X)
    np.testing.assert_allclose(turned[:, ::-1], once, rtol=1e-6)


def test_an_interval_of_higher_coverage_holds_that_of_lower(gaps):
    X, Y = gaps
    for method in METHODS[:2]:
        model = ConformalTasks(LINEAR, method).fit(X, Y)
        inner, outer = (model.predict_interval(X, coverage) for coverage in (0.5, 0.95))
        assert (outer[..., 0] <= inner[..., 0]).all()
        assert (outer[..., 1] >= inner[..., 1]).all()


def test_weights_of_classes_are_for_learning(data):
    X, Y = data
    y = (Y[:, 1] > 1).astype(int)
    model = ConformalTasks(LINEAR, "split", tasks="binary", class_weight="balanced").fit(X, y)
    assert (model._calibration.ranked[0].weights == 1.0).all()


def test_any_labels_go_through(mixed):
    X, y = mixed
    for estimator in (LINEAR, IndependentTasks()):
        model = ConformalTasks(estimator).fit(X, y)
        interval, sets = model.predict_interval(X), model.predict_set(X)
        assert interval.shape == (120, 3, 2)
        assert np.isnan(interval[:, 2]).all()
        assert np.isfinite(interval[:, :2]).all()
        assert sets[:2] == [None, None]
        assert sets[2].shape == (120, 2)
        np.testing.assert_array_equal(
            model.predict(X), clone(estimator).fit(X, y).predict(X).astype(object)
        )
        again = pickle.loads(pickle.dumps(model))
        assert (again.predict_interval(X)[:, :2] == interval[:, :2]).all()
        assert (again.predict_set(X)[2] == sets[2]).all()


def test_searches_and_scores(gaps):
    X, Y = gaps
    grid = {"estimator__alpha": [1e-3, 10.0]}
    search = GridSearchCV(ConformalTasks(LINEAR, cv=2), grid, cv=3).fit(X, Y)
    assert search.best_params_ == {"estimator__alpha": 1e-3}
    assert search.best_estimator_.predict_interval(X).shape == (120, 2, 2)
    scores = cross_validate(ConformalTasks(LINEAR, cv=2), X, Y, cv=3)["test_score"]
    assert np.isfinite(scores).all()


def test_two_jobs_find_the_same(gaps):
    X, Y = gaps
    one, two = (ConformalTasks(LINEAR, "cv+", n_jobs=n).fit(X, Y) for n in (1, 2))
    assert (one.predict_interval(X) == two.predict_interval(X)).all()


def test_counts_have_no_negative_ends():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = rng.poisson(np.exp(X[:, 0]))
    for method in ("split", "cv+"):
        model = ConformalTasks(LINEAR, method, tasks="count").fit(X[:200], y[:200])
        ends = model.predict_interval(X)
        assert ends.min() == 0.0
    assert 0.84 < covered(model, X[200:], y[200:]).mean() < 0.96


def test_quantiles_that_are_too_far_apart_do_not_cross():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 1)), rng.uniform(-1, 1, size=200)
    wide = Quantile([0.001, 0.999])
    model = ConformalTasks(MultiTaskLinear("l2", alpha=1e-3), "split", tasks=wide, coverage=0.05)
    ends = model.fit(X, y).predict_interval(X)
    assert (ends[:, 0] <= ends[:, 1]).all()


def test_ordinal_sets_are_neighbours():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = np.array(["b", "d", "a", "c"])[np.digitize(X[:, 0] + rng.normal(size=200), [-1, 0, 1])]
    model = ConformalTasks(LINEAR, tasks=Ordinal(classes=["b", "d", "a", "c"])).fit(X, y)
    sets = model.predict_set(X)[:, [1, 3, 0, 2]]
    assert (np.abs(np.diff(np.pad(sets, ((0, 0), (1, 1))).astype(int))).sum(axis=1) == 2).all()
    assert 0.85 < model.predict_set(X)[np.arange(200), np.searchsorted(list("abcd"), y)].mean() < 1


# Long form, and tasks with few labels.


@pytest.fixture
def schools():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(12), [60] * 9 + [6, 2, 1])
    X = np.column_stack([rng.normal(size=(len(task), 2)), task])
    y = X[:, 0] + 0.2 * task + rng.normal(size=len(task)) * (0.5 + 0.1 * task)
    return X, y


@pytest.mark.parametrize("method", ["split", "cv+"])
def test_long_form_calibrates_each_task(schools, method):
    X, y = schools
    inner = MultiTaskLinear("mean_deviation", alpha=0.01)
    model = ConformalTasks(inner, method, task_feature=2).fit(X, y)
    length = np.diff(model.predict_interval(X))[:, 0]
    by_task = [np.median(length[X[:, 2] == t]) for t in range(12)]
    assert np.isfinite(by_task).all()
    if method == "cv+":
        assert (model.borrowed_[:9] == 0).all()
        assert by_task[8] > 1.5 * by_task[0]
    assert model.borrowed_[11] == 1.0
    alone = clone(model).set_params(borrow=False)
    tells = pytest.warns(UserWarning, match="no label was held out")
    with tells if method == "split" else nullcontext():
        alone.fit(X, y)
    assert np.isinf(alone.predict_interval(X[X[:, 2] == 9])).all()


def test_wide_and_long_calibrate_alike():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.column_stack([X[:, 0], X[:, 1]]) + rng.normal(size=(60, 2)) * [1.0, 2.0]
    wide = ConformalTasks(
        IndependentTasks(DummyRegressor()), "split", cv=[(np.arange(20), np.arange(20, 60))]
    ).fit(X, y)
    rows = np.vstack([np.column_stack([X, np.full(60, t)]) for t in (0, 1)])
    train = np.r_[np.arange(20), 60 + np.arange(20)]
    folds = [(train, np.setdiff1d(np.arange(120), train))]
    long = ConformalTasks(IndependentTasks(DummyRegressor()), "split", cv=folds, task_feature=2)
    found = long.fit(rows, y.T.ravel()).predict_interval(rows)
    np.testing.assert_allclose(found.reshape(2, 60, 2).swapaxes(0, 1), wide.predict_interval(X))


def test_a_task_without_labels_or_with_one(gaps):
    X, Y = gaps
    Y = np.column_stack([Y, np.full(120, np.nan), np.where(np.arange(120) == 3, 1.5, np.nan)])
    with pytest.warns(UserWarning):
        model = ConformalTasks(LINEAR).fit(X, Y)
    interval = model.predict_interval(X)
    assert np.isnan(interval[:, 2]).all()
    assert np.isinf(interval[:, 3]).all()
    assert np.isfinite(interval[:, :2]).all()


@pytest.mark.parametrize("borrow", [True, False])
def test_long_tasks_without_labels_or_with_one(borrow):
    rng = np.random.default_rng(0)
    X, task = rng.normal(size=(40, 2)), np.repeat(np.arange(4), 40)
    Y = X @ rng.normal(size=(2, 2)) + rng.normal(size=(40, 2))
    only = np.where(np.arange(40) == 3, 1.5, np.nan)
    rows, y = np.column_stack([task, np.tile(X, (4, 1))]), [*Y.T, only, np.full(40, np.nan)]
    with pytest.warns(UserWarning):
        model = ConformalTasks(MultiTaskLinear(), borrow=borrow, task_feature=0)
        model.fit(rows, np.concatenate(y))
    # The model that holds out the label does not know the task: it says nothing of the ends.
    interval = model.predict_interval(rows)
    assert np.isnan(interval[task == 3]).all()
    assert not np.isnan(interval[task < 3]).any()


def test_three_rows():
    X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.5])
    for method in METHODS:
        model = ConformalTasks(Ridge(), method).fit(X, y)
        assert np.isinf(model.predict_interval(X)).all()
        assert np.isfinite(model.predict_interval(X, 0.3 if method == "split" else 0.5)).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_row_that_has_all_the_labels(method):
    # No model is left that could speak of it.
    X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.3, 1.5], [np.nan] * 2, [np.nan] * 2])
    with pytest.warns(UserWarning):
        model = ConformalTasks(LINEAR, method).fit(X, Y)
    assert np.isinf(model.predict_interval(X)).all()


def test_rows_that_all_teach_a_task():
    # Each row has the only label of a task: none can be held out of a single model.
    Y = np.where(np.eye(3, dtype=bool), [1.5, 2.0, -1.0], np.nan)
    with pytest.warns(UserWarning):
        model = ConformalTasks(LINEAR, "split").fit(np.array([[0.0], [1.0], [2.0]]), Y)
    assert np.isinf(model.predict_interval([[0.5]])).all()


# What is refused.


def test_what_is_refused(data, mixed):
    X, Y = data
    times = np.array([(True, 1.0 + i) for i in range(120)], dtype="?,f8")
    with pytest.raises(ValueError, match=r"Task .* is survival: the residual of a time"):
        ConformalTasks(LINEAR, tasks="survival").fit(X, times)
    with pytest.raises(ValueError, match=r"Task 0 is regression.*declare Quantile"):
        ConformalTasks(LINEAR, conformity_score="quantile").fit(X, Y)
    with pytest.raises(ValueError, match="rows more than once"):
        ConformalTasks(LINEAR, "cv+", cv=ShuffleSplit(3)).fit(X, Y)
    model = ConformalTasks(LINEAR).fit(X, Y)
    with pytest.raises(ValueError, match=r"between 0 and 1, got 90"):
        model.predict_interval(X, 90)
    with pytest.raises(AttributeError) as raised:
        model.predict_set(X)
    assert "No task has classes" in str(raised.value.__cause__)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\)"):
        model.predict_interval(X, sample_weight=np.ones(3))


# Fitted before, learned scales, weights.


@pytest.mark.parametrize("how", ["prefit", "frozen"])
def test_an_estimator_that_is_fitted_already(mixed, how):
    X, y = mixed
    inner = clone(LINEAR).fit(X[:60], y[:60])
    given = {"estimator": inner, "cv": "prefit"}
    if how == "frozen":
        given = {"estimator": FrozenEstimator(inner)}
    model = ConformalTasks(**given).fit(X[60:], y[60:])
    folds = [(np.arange(60), np.arange(60, 120))]
    again = ConformalTasks(LINEAR, "split", cv=folds).fit(X, y)
    np.testing.assert_allclose(
        model.predict_interval(X)[:, :2], again.predict_interval(X)[:, :2], rtol=1e-6
    )
    assert (model.predict_set(X)[2] == again.predict_set(X)[2]).all()
    assert (model.predict(X) == inner.predict(X)).all()
    assert model.estimator_ is inner
    with pytest.raises(ValueError, match="rows of training, which are not known"):
        ConformalTasks(**given, conformity_score="normalized").fit(X, y)


def uneven(n, rng):
    X = rng.uniform(-1, 1, size=(n, 2))
    noise = np.exp(1.5 * X[:, 0])
    return X, X.sum(axis=1) + noise * rng.normal(size=n), noise


@pytest.mark.parametrize("method", ["split", "cv+"])
@pytest.mark.parametrize("form", ["one", "wide", "long", "each"])
def test_a_learned_scale_finds_out_which_rows_are_noisy(method, form):
    X, y, noise = uneven(600, np.random.default_rng(0))
    inner = {"each": Ridge()}.get(form, MultiTaskLinear("l2", alpha=1e-3))
    options = {"conformity_score": "normalized"}
    if form == "long":
        X, options = np.column_stack([X, np.arange(600) % 2]), {**options, "task_feature": 2}
    Y = y if form in ("one", "long") else np.column_stack([y, np.where(X[:, 1] > 0.5, np.nan, -y)])
    model = ConformalTasks(inner, method, **options).fit(X, Y)
    length = np.diff(model.predict_interval(X)).reshape(600, -1)
    for of_task in length.T:
        assert np.corrcoef(np.log(of_task), np.log(noise))[0, 1] > 0.95
        assert 0.6 < np.polyfit(np.log(noise), np.log(of_task), 1)[0] < 1.4


def test_a_learned_scale_of_long_tasks_of_which_no_residual_is_known(gaps):
    X, Y = gaps
    rows = np.column_stack([np.repeat([0, 1, 2], 120), np.tile(X, (3, 1))])
    y = np.concatenate([*Y.T, np.where(np.arange(120) < 2, X[:, 0], np.nan)])
    options = {"conformity_score": "normalized", "task_feature": 0, "borrow": False}
    # Of its two labels one is held out, and no model of inner folds knows the task of the other.
    model = ConformalTasks(MultiTaskLinear(), "split", **options).fit(rows, y)
    assert not np.isnan(model.predict_interval(rows)).any()


def test_a_learned_scale_is_not_there_for_classes_or_three_rows(mixed):
    X, y = mixed
    model = ConformalTasks(LINEAR, conformity_score="normalized").fit(X, y)
    assert np.ptp(np.diff(model.predict_interval(X))[:, 0]) > 0
    few = ConformalTasks(Ridge(), "split", conformity_score="normalized")
    few.fit(X[:3], np.array([1.0, 2.0, 4.0]))
    assert np.isinf(few.predict_interval(X)).all()


def test_weights_of_inverse_probabilities_cover_labels_that_are_missing_by_x():
    rng, found = np.random.default_rng(0), []
    for _ in range(40):
        X, y, _ = uneven(1400, rng)
        # Labels of noisy rows are seldom seen.
        seen = 1 / (1 + np.exp(2 * X[:, 0]))
        labels = np.where(rng.random(1400) < seen, y, np.nan)[:1000]
        plain = ConformalTasks(Ridge(), "split").fit(X[:1000], labels)
        weighted = ConformalTasks(Ridge(), "split").fit(
            X[:1000], labels, sample_weight=1 / seen[:1000]
        )
        ends = weighted.predict_interval(X[1000:], sample_weight=1 / seen[1000:])
        inside = (ends[:, 0] <= y[1000:]) & (y[1000:] <= ends[:, 1])
        found.append([covered(plain, X[1000:], y[1000:]).mean(), inside.mean()])
    plain, weighted = np.mean(found, axis=0)
    assert plain < 0.86
    assert abs(weighted - 0.9) < 0.03


def test_weights_of_new_rows_go_by_name(gaps):
    X, Y = gaps
    frame = pd.DataFrame(Y, columns=["a", "b"])
    weights = np.random.default_rng(0).uniform(1, 9, size=Y.shape)
    model = ConformalTasks(LINEAR, "split").fit(X, frame, weights)
    expected = model.predict_interval(X, 0.8, weights)
    named = pd.DataFrame(weights, columns=["a", "b"])[["b", "a"]]
    assert (model.predict_interval(X, 0.8, named) == expected).all()
    assert (model.predict_interval(X, 0.8, dict(named)) == expected).all()
    with pytest.raises(ValueError, match="sample_weight"):
        model.predict_interval(X, 0.8, named.rename(columns={"a": "c"}))


def test_a_factor_on_all_weights_changes_nothing(gaps):
    X, Y = gaps
    weights = np.random.default_rng(0).uniform(0.5, 2.0, size=Y.shape)
    once, thrice = (
        ConformalTasks(LINEAR, "cv+").fit(X, Y, sample_weight=factor * weights)
        for factor in (1.0, 3.0)
    )
    kept = once.predict_interval(X[:5], sample_weight=weights[:5])
    again = thrice.predict_interval(X[:5], sample_weight=3 * weights[:5])
    np.testing.assert_allclose(again, kept, rtol=1e-6)


# From MAPIE 1.6.0 and scikit-learn 1.9.1, of the data of the test:
# SplitConformalRegressor(Ridge(), confidence_level=0.8, prefit=False).fit(X[:40], y[:40]), then
# .conformalize(X[40:], y[40:]) and
# .predict_interval(new)[1][..., 0]; CrossConformalRegressor(Ridge(), confidence_level=0.8,
# cv=KFold(5)).fit_conformalize(X, y), and cv=LeaveOneOut(); the classifiers of these names around
# LogisticRegression(), .predict_set(new)[1][..., 0], with agg_scores="crossval" for folds.
MAPIE = {
    "split": [-0.88160, 1.96891, -1.29925, 1.55127, -1.57173, 1.27878, -2.90246, -0.05195],
    "cv+": [-0.80096, 1.98923, -1.24792, 1.68729, -1.46779, 1.33772, -2.66623, 0.04658],
    "jackknife+": [-0.83266, 1.95593, -1.20693, 1.56286, -1.44853, 1.30558, -2.66015, 0.13136],
}
MAPIE_SETS = [[False, True, True], [False, True, False], [False, True, False], [True, True, False]]


@pytest.mark.parametrize("method", METHODS)
def test_mapie_finds_the_same(method):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 2))
    y = X[:, 0] + rng.normal(size=64)
    new, X, y = X[60:], X[:60], y[:60]
    cv = [(np.arange(40), np.arange(40, 60))] if method == "split" else KFold(5)
    model = ConformalTasks(Ridge(), method, cv=cv, coverage=0.8).fit(X, y)
    np.testing.assert_allclose(model.predict_interval(new).ravel(), MAPIE[method], atol=1e-5)
    if method != "jackknife+":
        classes = np.digitize(y, [-0.7, 0.7])
        model = ConformalTasks(
            LogisticRegression(), method, cv=cv, coverage=0.8, tasks="multiclass"
        ).fit(X, classes)
        assert model.predict_set(new).tolist() == MAPIE_SETS


# Rows of tasks that are not known.


def grouped(n_tasks, rng, *, n_rows=12, is_class=False):
    """Tasks that differ by a constant of their own."""
    task = np.repeat(np.arange(n_tasks), n_rows)
    X = np.column_stack([rng.normal(size=len(task)), task])
    y = X[:, 0] + 2.0 * rng.normal(size=n_tasks)[task] + rng.normal(size=len(task))
    return X, (y > 0).astype(int) if is_class else y


@pytest.mark.parametrize("is_class", [False, True])
def test_rows_of_new_tasks_are_covered_by_tasks_that_were_left_out(is_class):
    rng, found = np.random.default_rng(0), []
    for _ in range(12):
        X, y = grouped(100, rng, is_class=is_class)
        known = X[:, 1] < 40
        model = ConformalTasks(
            MultiTaskLinear("mean_deviation", alpha=0.1),
            "split",
            task_feature=1,
            unknown_task="shared",
            tasks="binary" if is_class else "auto",
        ).fit(X[known], y[known])
        if is_class:
            found.append(model.predict_set(X[~known])[np.arange((~known).sum()), y[~known]].mean())
        else:
            found.append(covered(model, X[~known], y[~known]).mean())
            new, old = (np.diff(model.predict_interval(X[rows])).mean() for rows in (~known, known))
            # The constant of a new task is not known.
            assert new > 1.5 * old
    error = 3 * np.std(found) / np.sqrt(12)
    assert 0.9 - error < np.mean(found) < 0.9 + error + 0.04


def test_new_tasks_beside_few_known_ones():
    X, y = grouped(8, np.random.default_rng(0))
    inner = MultiTaskLinear("mean_deviation", alpha=0.1)
    model = ConformalTasks(inner, task_feature=1, unknown_task="shared").fit(X, y)
    new = np.array([[0.0, 99.0]])
    assert np.isinf(model.predict_interval(new)).all()
    # 8 tasks of 9 are enough for 80 %.
    assert np.isfinite(model.predict_interval(new, 0.8)).all()
    assert np.isfinite(model.predict_interval(X)).all()
    frozen = FrozenEstimator(
        clone(inner).set_params(task_feature=1, unknown_task="shared").fit(X, y)
    )
    model = ConformalTasks(frozen, task_feature=1, unknown_task="shared").fit(X, y)
    assert np.isinf(model.predict_interval(new, 0.8)).all()
    with pytest.raises(ValueError, match="Unknown task 99"):
        ConformalTasks(inner, task_feature=1).fit(X, y).predict_interval(new)
