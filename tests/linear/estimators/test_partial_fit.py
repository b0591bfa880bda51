"""partial_fit: rows in any chunks are the rows of one fit."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skmtl import (
    MultiTaskElasticNet,
    MultiTaskLasso,
    MultiTaskLinear,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    ReducedRankRegressor,
)
from skmtl.linear import TaskStatistics
from skmtl.linear.penalties import PENALTIES
from skmtl.tasks import LabelWarning

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning"),
    pytest.mark.filterwarnings(f"ignore::{LabelWarning.__module__}.LabelWarning"),
]

N, P, T = 120, 5, 4
KINDS = ["wide", "missing", "weights", "label-weights", "long", "sparse"]


def problem(kind):
    """X, y, sample_weight and parameters of a kind; 120 rows of 4 tasks."""
    rng = np.random.default_rng(0)
    X = rng.normal([0, 1, -1, 3, 0], size=(N, P))
    if kind == "sparse":
        X[rng.random(X.shape) < 0.6] = 0.0
    W = rng.normal(size=(P, 1)) + 0.4 * rng.normal(size=(P, T))
    Y = X @ W + [1.0, -2.0, 5.0, 0.0] + 0.7 * rng.normal(size=(N, T))
    if kind == "long":
        task = rng.integers(0, T, N).astype(float)
        y = Y[np.arange(N), task.astype(int)]
        return np.column_stack([X, task]), y, None, {"task_feature": P}
    weight = None
    if kind != "wide":
        Y[rng.random(Y.shape) < 0.25] = np.nan
    if kind == "weights":
        weight = rng.integers(0, 4, N).astype(float)
    if kind == "label-weights":
        weight = rng.uniform(0.2, 2.0, Y.shape)
    return sparse.csr_array(X) if kind == "sparse" else X, Y, weight, {}


def in_chunks(model, X, y, weight=None, *, n_chunks=100, **options):
    """The first chunk is larger, so that there are rows of every task."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = X.shape[0] // min(n_chunks, 8)
        some = np.array_split(np.arange(first, X.shape[0]), n_chunks - 1) if n_chunks > 1 else []
        for rows in [np.arange(first), *some]:
            if weight is None:
                model.partial_fit(X[rows], y[rows], **options)
            elif weight[rows].any():
                model.partial_fit(X[rows], y[rows], sample_weight=weight[rows], **options)
    return model


def same(ours, theirs, rtol=1e-8):
    size = np.abs(theirs.coef_).max()
    for name in ("coef_", "intercept_", "coef_components_", "shared_coef_", "task_covariance_"):
        assert hasattr(ours, name) == hasattr(theirs, name)
        if hasattr(theirs, name):
            np.testing.assert_allclose(
                getattr(ours, name), getattr(theirs, name), rtol=rtol, atol=rtol * size
            )
    for name in ("alpha_", "shared_alpha_", "intercept_alpha_"):
        if hasattr(theirs, name):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=rtol)
    if hasattr(theirs, "dual_gap_"):
        assert abs(ours.dual_gap_ - theirs.dual_gap_) < rtol
    assert ours._task_set.n_labels.tolist() == theirs._task_set.n_labels.tolist()
    assert [t.n_labels_ for t in ours.tasks_] == [t.n_labels_ for t in theirs.tasks_]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("penalty", sorted(PENALTIES))
def test_a_hundred_chunks_are_one_fit(penalty, kind):
    X, y, weight, options = problem(kind)
    options = {"alpha": 0.05, "shared_alpha": 0.1, "tol": 1e-9, **options}
    model = MultiTaskLinearRegressor(penalty, **options)
    whole = clone(model).fit(X, y, weight)
    n_chunks = 100 if penalty in ("l2", "l21", "mean_deviation") else 12
    same(in_chunks(model, X, y, weight, n_chunks=n_chunks), whole)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("penalty", ["l2", "l21", "mean_deviation", "trace_norm", "temporal"])
def test_strengths_that_choose_themselves_are_those_of_one_fit(penalty, center, kind):
    X, y, weight, options = problem(kind)
    model = MultiTaskLinearRegressor(penalty, center=center, tol=1e-9, **options)
    found = in_chunks(clone(model), X, y, weight, n_chunks=12)
    if penalty in ("l21", "trace_norm"):
        # Of norms, fit takes the largest of some alphas, the last of them, or one between.
        whole = clone(model).fit(X, y, weight)
        assert found.alpha_ <= whole.alpha_ * (1 + 1e-9)
        model.set_params(alpha=found.alpha_)
    same(found, model.fit(X, y, weight), rtol=1e-7)


@pytest.mark.parametrize("kind", ["missing", "long", "sparse"])
@pytest.mark.parametrize(
    "options",
    [
        {"fit_intercept": False},
        {"scale_targets": True},
        {"scale_targets": True, "fit_intercept": False},
        {"task_weight": [0.0, 2.0, 1.0, 1.0]},
        {"task_weight": "labels"},
        {"intercept_alpha": 0.3, "scale_targets": False},
        {"positive": True, "penalty": "l21", "alpha": 0.1},
        {"penalty": "l2", "alpha": 0.0},
    ],
    ids=lambda options: "-".join(map(str, options)),
)
def test_options_mean_the_same(options, kind):
    X, y, weight, more = problem(kind)
    model = MultiTaskLinearRegressor(**{"tol": 1e-9, "alpha": 0.05, **options, **more})
    whole = clone(model).fit(X, y, weight)
    same(in_chunks(model, X, y, weight, n_chunks=15), whole, rtol=1e-7)


@pytest.mark.parametrize("kind", ["wide", "missing", "weights"])
@pytest.mark.parametrize(
    "model",
    [
        MultiTaskLasso(alpha=0.1, tol=1e-10),
        MultiTaskElasticNet(alpha=0.1, l1_ratio=0.4, tol=1e-10),
        MultiTaskElasticNet(alpha=0.1, l1_ratio=0.0, fit_intercept=False),
        ReducedRankRegressor(2, tol=1e-13),
        ReducedRankRegressor(2, alpha=0.1, fit_intercept=False, tol=1e-13),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_estimators(model, kind):
    X, y, weight, _ = problem(kind)
    whole = clone(model).fit(X, y, weight)
    found = in_chunks(clone(model), X, y, weight, n_chunks=20)
    np.testing.assert_allclose(found.coef_, whole.coef_, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(found.intercept_, whole.intercept_, rtol=1e-7, atol=1e-8)
    assert found.history_["deviance"].shape[1] == T


def test_far_from_zero():
    X, y, _, _ = problem("missing")
    X = X + np.array([1e6, -1e6, 0.0, 1e3, 0.0])
    model = MultiTaskLinearRegressor("l2", alpha=0.1)
    whole = clone(model).fit(X, y)
    found = in_chunks(model, X, y)
    np.testing.assert_allclose(found.coef_, whole.coef_, rtol=1e-7)
    np.testing.assert_allclose(found.predict(X), whole.predict(X), atol=1e-6)


@pytest.mark.parametrize("n_chunks", [1, 7, 100])
@pytest.mark.parametrize("kind", ["missing", "long", "label-weights"])
def test_half_life_is_a_weight_by_age_in_any_chunks(kind, n_chunks):
    X, y, weight, options = problem(kind)
    penalty = "l2" if kind == "missing" else "mean_deviation"
    options = {"center": True, **options} if kind == "missing" else options
    model = MultiTaskLinearRegressor(penalty, tol=1e-9, half_life=25.0, **options)
    found = in_chunks(clone(model), X, y, weight, n_chunks=n_chunks)
    age = np.exp2(-np.arange(N)[::-1] / 25.0)
    weight = age if weight is None else (weight.T * age).T
    same(found, model.fit(X, y, weight), rtol=1e-7)


def test_a_task_without_further_labels_keeps_what_it_knew():
    X, y, _, _ = problem("wide")
    model = MultiTaskLinearRegressor("l2", alpha=0.1, half_life=0.1)
    model.partial_fit(X, y)
    before = model.coef_.copy()
    y[:, 1] = np.nan
    for _ in range(20):
        model.partial_fit(X, y)
    np.testing.assert_allclose(model.coef_[1], before[1], rtol=1e-10)
    y[:, 1] = 7.0
    # ... until they come.
    assert abs(model.partial_fit(X, y).predict(X)[:, 1] - 7.0).max() < 1e-6


def test_tasks_that_come_later():
    X, y, _, options = problem("long")
    order = np.argsort(X[:, P], kind="stable")
    X, y = X[order], y[order]
    model = MultiTaskLinearRegressor("mean_deviation", **options)
    whole = clone(model).fit(X, y)
    found = in_chunks(model, X, y, n_chunks=10)
    same(found, whole, rtol=1e-7)
    # Not known before its first rows.
    first = np.isnan(found.history_["deviance"]).argmin(axis=0)
    assert found.history_["deviance"].shape == (10, T) and (np.diff(first) > 0).all()
    X, y, _, _ = problem("wide")
    y[:60, 2] = np.nan
    late = MultiTaskLinearRegressor("l21", alpha=0.05, tol=1e-10)
    same(in_chunks(clone(late), X, y, n_chunks=10), late.fit(X, y))


def test_a_chunk_without_labels_does_not_bring_tasks():
    X, y, _, options = problem("long")
    order = np.argsort(X[:, P], kind="stable")
    X, y = X[order], y[order]
    model = MultiTaskLinearRegressor("mean_deviation", **options).partial_fit(X[:40], y[:40])
    n_tasks = len(model.task_names_in_)
    model.partial_fit(X, np.full(N, np.nan))
    assert len(model.task_names_in_) == n_tasks < T
    model.partial_fit(X[40:], y[40:])
    same(model, MultiTaskLinearRegressor("mean_deviation", **options).fit(X, y), rtol=1e-7)
    assert model.history_["n_labels"].sum(axis=1).tolist() == [40, 0, N - 40]


def test_names_of_tasks_that_come_later_are_sorted():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"task": list("cab") * 20, "x": rng.normal(size=60)})
    y = X["x"] * X["task"].map({"a": 1.0, "b": 2.0, "c": 3.0})
    model = MultiTaskLinearRegressor("l2", alpha=0.0, intercept_alpha=0, task_feature="task")
    for task in "cab":
        rows = X["task"] == task
        model.partial_fit(X[rows], y[rows])
    assert model.task_names_in_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(model.coef_.ravel(), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="write all of them as numbers, or as strings"):
        model.partial_fit(X.assign(task=1), y)


def test_labels_are_predicted_before_they_are_learned():
    X, y, _, _ = problem("missing")
    model = MultiTaskLinearRegressor("l2", alpha=0.1).partial_fit(X[:60], y[:60])
    expected = model.predict(X[60:]) - y[60:]
    score = model.score(X[60:], y[60:])
    history = model.partial_fit(X[60:], y[60:]).history_
    np.testing.assert_allclose(history["deviance"][1], np.nanmean(expected**2, axis=0))
    np.testing.assert_allclose(history["score"][1].mean(), score)
    assert np.isnan(history["deviance"][0]).all()
    assert history["n_rows"].tolist() == [60, 60]
    np.testing.assert_array_equal(history["n_labels"].sum(axis=0), (~np.isnan(y)).sum(axis=0))


def test_a_first_chunk_with_constant_columns():
    X, y, _, _ = problem("wide")
    X[:40, 1], y[:40, 2] = 4.0, 1.0
    for penalty, alpha in (("l2", "auto"), ("l21", 0.02)):
        model = MultiTaskLinearRegressor(penalty, alpha=alpha, tol=1e-10)
        whole = clone(model).fit(X, y)
        found = model.partial_fit(X[:40], y[:40])
        assert np.isfinite(found.coef_).all()
        same(found.partial_fit(X[40:], y[40:]), whole, rtol=1e-7)


def test_chunks_without_labels_say_nothing():
    X, y, _, _ = problem("missing")
    model = MultiTaskLinearRegressor("l2").partial_fit(X[:50], y[:50])
    before = model.coef_.copy()
    model.partial_fit(X[50:], np.full((70, T), np.nan))
    np.testing.assert_array_equal(model.coef_, before)
    same(model.partial_fit(X[50:], y[50:]), MultiTaskLinearRegressor("l2").fit(X, y))
    with pytest.raises(ValueError, match="y has no observed label"):
        MultiTaskLinearRegressor().partial_fit(X, np.full((N, T), np.nan))


def test_unobserved_labels_have_no_influence():
    X, y, _, _ = problem("wide")
    weight = np.ones_like(y)
    weight[::3, 1] = 0.0
    other = np.where(weight > 0, y, 1e9)
    missing = np.where(weight > 0, y, np.nan)
    one = in_chunks(MultiTaskLinearRegressor("l21"), X, y, weight, n_chunks=5)
    two = in_chunks(MultiTaskLinearRegressor("l21"), X, other, weight, n_chunks=5)
    three = in_chunks(MultiTaskLinearRegressor("l21"), X, missing, n_chunks=5)
    np.testing.assert_array_equal(one.coef_, two.coef_)
    np.testing.assert_array_equal(one.coef_, three.coef_)


def test_a_pickle_between_chunks_goes_on_to_the_bit():
    X, y, _, _ = problem("missing")
    model = MultiTaskLinearRegressor("l21", half_life=50.0).partial_fit(X[:60], y[:60])
    other = pickle.loads(pickle.dumps(model)).partial_fit(X[60:], y[60:])
    model.partial_fit(X[60:], y[60:])
    np.testing.assert_array_equal(model.coef_, other.coef_)
    np.testing.assert_array_equal(model.history_["deviance"], other.history_["deviance"])


def test_tasks_that_were_added_by_hand():
    X, y, _, _ = problem("wide")
    model = MultiTaskLinearRegressor("l2").partial_fit(X, y)
    model.drop_task(0)
    with pytest.raises(ValueError, match="of which the stream knows nothing"):
        model.partial_fit(X, y)


def test_fit_forgets_and_keeps_nothing_to_go_on_from():
    X, y, _, _ = problem("missing")
    model = MultiTaskLinearRegressor("l21").partial_fit(X + 1, 2 * y)
    assert not hasattr(clone(model), "statistics_")
    np.testing.assert_array_equal(
        model.fit(X, y).coef_, MultiTaskLinearRegressor("l21").fit(X, y).coef_
    )
    assert not hasattr(model, "history_")
    with pytest.warns(UserWarning, match="partial_fit begins anew: fit keeps nothing"):
        model.partial_fit(X[:60], y[:60])
    expected = MultiTaskLinearRegressor("l21").partial_fit(X[:60], y[:60])
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert np.isnan(model.history_["deviance"]).all()


def test_a_chunk_that_fails_leaves_nothing_behind():
    X, y, _, _ = problem("missing")
    model = MultiTaskLinearRegressor("l21").partial_fit(X[:60], y[:60])
    before = pickle.dumps(vars(model))
    for bad_X, bad_y, message in (
        (X[:, :3], y, "X has 3 features, but"),
        (X, y[:, :2], "y has 2 tasks, but the estimator was fitted with 4"),
        (X[:5], y, "inconsistent numbers of samples"),
        (np.where(X > 2, np.nan, X), y, "Input X contains NaN"),
        (X, np.where(y > 2, np.inf, y), "y contains infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(bad_X, bad_y)
        assert pickle.dumps(vars(model)) == before


def test_columns_are_matched_by_name():
    X, y, _, _ = problem("missing")
    X, y = pd.DataFrame(X).add_prefix("x"), pd.DataFrame(y).add_prefix("t")
    model = MultiTaskLinearRegressor("l2", alpha=0.1).partial_fit(X[:60], y[:60])
    other = clone(model).partial_fit(X[:60], y[:60])
    model.partial_fit(X[60:], y[60:])
    other.partial_fit(X[60:], y.loc[60:, ["t3", "t0", "t2", "t1"]])
    np.testing.assert_allclose(model.coef_, other.coef_, rtol=1e-12)
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(X[["x1", "x0", "x2", "x3", "x4"]], y)


def test_one_task_in_one_dimension():
    X, y, _, _ = problem("wide")
    found = in_chunks(MultiTaskLinearRegressor("l2"), X, y[:, 0], n_chunks=9)
    same(found, MultiTaskLinearRegressor("l2").fit(X, y[:, 0]))
    assert found.predict(X).shape == (N,)


def test_more_features_than_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 30))
    y = X[:, :3] + 0.1 * rng.normal(size=(20, 3))
    for penalty in ("l2", "l21", "trace_norm"):
        model = MultiTaskLinearRegressor(penalty, alpha=0.1, tol=1e-11)
        whole = clone(model).fit(X, y)
        same(in_chunks(model, X, y, n_chunks=4), whole, rtol=1e-6)


def test_strengths_of_what_is_shared_that_cannot_be_known():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 3)), rng.normal(size=(300, 80))
    Y[rng.random(Y.shape) < 0.5] = np.nan
    model = MultiTaskLinearRegressor("mean_deviation")
    with pytest.raises(ValueError, match="Give alpha and shared_alpha as numbers"):
        model.partial_fit(X, Y)
    model.set_params(alpha=0.1, shared_alpha=0.1).partial_fit(X, Y)


def test_searches_have_none():
    assert not hasattr(MultiTaskLinearRegressorCV(), "partial_fit")
    assert not hasattr(MultiTaskLinearRegressorCV(), "fit_statistics")
    assert "half_life" not in MultiTaskLinearRegressorCV().get_params()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_statistics_add_up_in_any_order(seed, kind):
    X, y, weight, options = problem(kind)
    rng = np.random.default_rng(seed)
    chunks = np.array_split(rng.permutation(N), 7)
    feature = {k: v for k, v in options.items() if k == "task_feature"}
    parts = [
        TaskStatistics(**feature).update(X[c], y[c], None if weight is None else weight[c])
        for c in chunks
    ]
    while len(parts) > 1:
        one, other = (parts.pop(rng.integers(len(parts))) for _ in range(2))
        parts.append(pickle.loads(pickle.dumps(one)) + other)
    model = MultiTaskLinearRegressor("l21", alpha=0.05, tol=1e-9, **options)
    same(clone(model).fit_statistics(parts[0]), model.fit(X, y, weight), rtol=1e-7)


def test_adding_changes_neither():
    X, y, _, _ = problem("missing")
    one, other = TaskStatistics().update(X[:50], y[:50]), TaskStatistics().update(X[50:], y[50:])
    before = pickle.dumps(vars(one)), pickle.dumps(vars(other))
    whole = one + other
    assert (pickle.dumps(vars(one)), pickle.dumps(vars(other))) == before
    np.testing.assert_array_equal(whole.n_labels_, (~np.isnan(y)).sum(axis=0))
    # An empty one adds nothing, from either side.
    for sums in (TaskStatistics() + one, one + TaskStatistics()):
        np.testing.assert_array_equal(sums._sums.gram, one._sums.gram)
    assert one.merge(other) is one


def test_memory_does_not_depend_on_rows():
    rng = np.random.default_rng(0)
    stats = TaskStatistics()
    sizes = []
    for _ in range(3):
        X, Y = rng.normal(size=(5000, 8)), rng.normal(size=(5000, 3))
        Y[rng.random(Y.shape) < 0.3] = np.nan
        sizes.append(len(pickle.dumps(stats.update(X, Y))))
    assert max(sizes) - min(sizes) < 100
    assert stats.n_grams_ == 3
    assert TaskStatistics().update(X, X).n_grams_ == 1


@pytest.mark.parametrize("kind", ["wide", "long"])
def test_more_memory_than_there_is(kind, monkeypatch):
    X, y, _, options = problem(kind)
    monkeypatch.setattr("skmtl.linear.objective._stream_statistics.MAX_GRAM_BYTES", 100)
    with pytest.raises(ValueError, match=r"have \d Gram matrices of \d features: 0.0 GiB, the"):
        MultiTaskLinearRegressor("l2", **options).partial_fit(X, y)


def test_decay_of_statistics():
    X, y, _, _ = problem("missing")
    faded = TaskStatistics().update(X[:60], y[:60]).decay(0.25).update(X[60:], y[60:])
    weight = np.repeat([0.25, 1.0], 60)
    model = MultiTaskLinearRegressor("l2", alpha=0.1)
    same(clone(model).fit_statistics(faded), model.fit(X, y, weight))
    with pytest.raises(ValueError, match="factor=2; expected a number above 0, and 1 at most"):
        faded.decay(2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X[:, :2], y), r"other columns of X cannot be merged: 2 and 5"),
        (lambda X, y: (X, y[:, :2]), r"other tasks cannot be merged: \[0, 1\] and \[0, 1, 2, 3\]"),
        (
            lambda X, y: (pd.DataFrame(X).add_prefix("x"), y),
            r"other names of columns of X cannot be merged: \['x0', 'x1', 'x2', 'x3', 'x4'\] and",
        ),
    ],
)
def test_statistics_of_other_columns(change, message):
    X, y, _, _ = problem("missing")
    with pytest.raises(ValueError, match=message):
        TaskStatistics().update(*change(X, y)).merge(TaskStatistics().update(X, y))


def test_statistics_that_do_not_fit_the_estimator():
    X, y, _, _ = problem("missing")
    stats = TaskStatistics().update(X, y)
    with pytest.raises(ValueError, match="fit_statistics takes TaskStatistics with rows"):
        MultiTaskLinearRegressor().fit_statistics(TaskStatistics())
    with pytest.raises(ValueError, match="The statistics have task_feature=None, the estimator 0"):
        MultiTaskLinearRegressor(task_feature=0).fit_statistics(stats)
    with pytest.raises(ValueError, match="Task 0 is Count"):
        MultiTaskLinear(tasks="count").fit_statistics(stats)
    with pytest.raises(TypeError, match="Expected TaskStatistics to merge with, got dict"):
        stats.merge({})
    with pytest.raises(TypeError):
        stats + 1
    with pytest.raises(ValueError, match="has the label 'a'; expected numbers"):
        TaskStatistics().update(X, np.full(N, "a"))


def test_partial_fit_goes_on_from_statistics():
    X, y, _, _ = problem("missing")
    model = MultiTaskLinearRegressor("l2")
    model.fit_statistics(TaskStatistics().update(X[:60], y[:60])).partial_fit(X[60:], y[60:])
    same(model, MultiTaskLinearRegressor("l2").fit(X, y))
    assert model.history_["n_rows"].tolist() == [60]


def drift(is_sudden, n_rows=2000, seed=0):
    """X and y of three tasks whose coefficients change, in the middle or little by little."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 6))
    W, V = rng.normal(size=(2, 6, 3))
    share = np.linspace(0, 1, n_rows) if not is_sudden else np.arange(n_rows) >= n_rows // 2
    y = (X @ W) * (1 - share)[:, None] + (X @ V) * share[:, None]
    return X, y + 0.5 * rng.normal(size=y.shape)


def errors_of(half_life, X, y, chunk=25):
    """Squared errors of labels that were not learned yet."""
    model = MultiTaskLinearRegressor("l2", half_life=half_life)
    for start in range(0, len(X), chunk):
        model.partial_fit(X[start : start + chunk], y[start : start + chunk])
    return model.history_["deviance"].mean(axis=1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("half_life", [50, 100, 200])
def test_forgetting_follows_a_drift_within_a_half_life(half_life, seed):
    X, y = drift(True, seed=seed)
    kept, forgot = errors_of(None, X, y), errors_of(half_life, X, y)
    after = 40 + np.arange(40)
    # Nothing is known of the drift before its first chunk.
    assert kept[40] > 5 * kept[39] and forgot[40] > 5 * forgot[39]
    # From a half-life of rows on it is better; after eight, bias is gone and noise is .25.
    assert (forgot[after] < kept[after])[half_life // 25 :].all()
    late = after[: 8 * half_life // 25 + 1][-1]
    assert forgot[min(late, 76) :].mean() < 0.35 < 3.0 * kept[76:].mean()
    # Where nothing drifts, forgetting costs little.
    assert forgot[20:40].mean() < kept[20:40].mean() * (1.0 + 10.0 / half_life)


def test_forgetting_follows_a_slow_drift():
    X, y = drift(False)
    assert errors_of(100, X, y)[40:].mean() < 0.5 * errors_of(None, X, y)[40:].mean()
