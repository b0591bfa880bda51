"""partial_fit of losses that are not squared: close to fit, and the first chunk is fit."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from skmtl import MultiTaskLinear, MultiTaskLinearClassifier
from skmtl.tasks import Regression

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N, P = 800, 5
TYPES = ["regression", "binary", "count", "multiclass"]
CLASSES = {1: [0, 1], 3: [0, 1, 2]}
KINDS = ["wide", "missing", "weights", "long", "long-classes", "sparse"]


def problem(kind):
    """X, y, sample_weight and parameters of a kind: a score, a yes/no, a count and a class."""
    rng = np.random.default_rng(0)
    X = rng.normal([0, 1, -1, 3, 0], size=(N, P))
    if kind == "sparse":
        X[rng.random(X.shape) < 0.6] = 0.0
    Z = (X - X.mean(axis=0)) @ rng.normal(size=(P, 4)) * 0.7
    if kind.startswith("long"):
        task = rng.integers(0, 4, N)
        y = (rng.random(N) < 1 / (1 + np.exp(-Z[np.arange(N), task]))).astype(float)
        types = "binary"
        if kind == "long-classes":
            y, types = y + (X[:, 1] > 1.5), "multiclass"
        return np.column_stack([X, task]), y, None, {"task_feature": P, "tasks": types}
    classes = np.column_stack([Z[:, 3], Z[:, 0], 0 * Z[:, 0]]) + rng.gumbel(size=(N, 3))
    Y = np.column_stack(
        [
            Z[:, 0] + rng.normal(size=N),
            rng.random(N) < 1 / (1 + np.exp(-Z[:, 1])),
            rng.poisson(np.exp(np.clip(0.5 * Z[:, 2], -3, 3))),
            classes.argmax(axis=1),
        ]
    ).astype(float)
    if kind != "wide":
        Y[rng.random(Y.shape) < 0.25] = np.nan
    weight = rng.uniform(0.2, 2.0, N) if kind == "weights" else None
    X = sparse.csr_array(X) if kind == "sparse" else X
    return X, Y, weight, {"tasks": TYPES}


def in_chunks(model, X, y, weight=None, n_chunks=20):
    """Classes are told of where there are several tasks, or rows of several."""
    classes = np.unique(y) if np.ndim(y) == 1 else CLASSES if y.shape[1] == 4 else None
    for rows in np.array_split(np.arange(X.shape[0]), n_chunks):
        some = None if weight is None else weight[rows]
        model.partial_fit(X[rows], y[rows], classes=classes, sample_weight=some)
    return model


def distance(one, other):
    return np.linalg.norm(one.coef_ - other.coef_) / np.linalg.norm(other.coef_)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("penalty", ["l2", "l21", "trace_norm"])
def test_one_chunk_is_fit(penalty, kind):
    X, y, weight, options = problem(kind)
    model = MultiTaskLinear(penalty, tol=1e-9, **options)
    whole = clone(model).fit(X, y, weight)
    found = in_chunks(model, X, y, weight, n_chunks=1)
    np.testing.assert_allclose(found.alpha_, whole.alpha_, rtol=1e-6)
    np.testing.assert_allclose(found.intercept_alpha_, whole.intercept_alpha_, rtol=1e-6)
    np.testing.assert_allclose(found.coef_, whole.coef_, rtol=2e-3, atol=2e-3)
    ours, theirs = found.intercept_, whole.intercept_
    if kind == "long-classes":
        # A number that all classes of a task have more changes no probability.
        ours, theirs = (b.reshape(4, 3) - b.reshape(4, 3)[:, :1] for b in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=5e-3)
    assert found.dual_gap_ <= 1e-8 * N


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("penalty", ["l2", "l21", "trace_norm"])
def test_one_pass_over_twenty_chunks_is_close_to_fit(penalty, kind):
    X, y, weight, options = problem(kind)
    model = MultiTaskLinear(penalty, tol=1e-5, **options)
    whole = clone(model).fit(X, y, weight)
    found = in_chunks(clone(model), X, y, weight)
    assert found._task_set.n_labels.tolist() == whole._task_set.n_labels.tolist()
    # Far less than another sample would be; in long form a task has ten rows of a chunk, and a
    # class three.
    largest, worse = {"long": (0.1, 0.01), "long-classes": (0.15, 0.01)}.get(kind, (0.05, 0.002))
    assert distance(found, whole) < largest
    half = None if weight is None else weight[::2]
    of_half = distance(clone(model).fit(X[::2], y[::2], half), whole)
    assert distance(found, whole) < (0.6 if kind == "long-classes" else 0.4) * of_half
    assert found.score(X, y) > whole.score(X, y) - worse
    np.testing.assert_allclose(found.alpha_, whole.alpha_, rtol=0.25)


@pytest.mark.parametrize("kind", ["missing", "long", "long-classes"])
def test_strengths_of_classes_are_those_of_all_rows(kind):
    X, y, _, options = problem(kind)
    y, options = (y, options) if kind.startswith("long") else (y[:, [1, 1]], {"tasks": "binary"})
    for penalty in ("l2", "l21"):
        model = MultiTaskLinear(penalty, intercept_alpha=0.0, **options)
        whole = clone(model).fit(X, y)
        found = model
        for rows in np.array_split(np.arange(N), 10):
            found.partial_fit(X[rows], y[rows], classes=np.unique(y[y == y]))
        np.testing.assert_allclose(found.alpha_, whole.alpha_, rtol=1e-6)


@pytest.mark.parametrize("penalty", ["l2", "l21", "mean_deviation", "squared_trace_norm"])
def test_a_squared_loss_among_others_is_exact(penalty):
    X, y, _, _ = problem("missing")
    # Huber's loss with a far turn is squared, and does not know it.
    types = [Regression(loss="huber", delta=1e6)] * 2
    options = {"alpha": 0.1, "shared_alpha": 0.1, "tol": 1e-10}
    whole = MultiTaskLinear(penalty, tasks="regression", **options).fit(X, y[:, :2])
    found = in_chunks(MultiTaskLinear(penalty, tasks=types, **options), X, y[:, :2])
    np.testing.assert_allclose(found.coef_, whole.coef_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.intercept_, whole.intercept_, rtol=1e-3, atol=1e-3)


def test_outliers_of_huber():
    X, y, _, _ = problem("missing")
    y = y[:, :1]
    y[::40] += 100.0
    model = MultiTaskLinear("l2", alpha=0.01, tasks=Regression(loss="huber"))
    whole = clone(model).fit(X, y)
    assert distance(in_chunks(model, X, y), whole) < 0.1


def test_half_life_is_close_to_weights_by_age():
    X, y, _, options = problem("missing")
    model = MultiTaskLinear("l21", half_life=150.0, **options)
    age = np.exp2(-np.arange(N)[::-1] / 150.0)
    whole = clone(model).fit(X, y, np.repeat(age[:, None], 4, axis=1))
    assert distance(in_chunks(model, X, y), whole) < 0.1


def test_tasks_and_classes_that_come_later():
    X, y, _, options = problem("missing")
    late = y.copy()
    late[:400, 1] = np.nan
    late[:200, 3] = np.where(late[:200, 3] == 2, np.nan, late[:200, 3])
    model = MultiTaskLinear("l21", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = in_chunks(clone(model), X, late)
    assert distance(found, clone(model).fit(X, late)) < 0.08
    with pytest.raises(
        ValueError, match=r"label 2.0 was not seen in fit.*declare all classes there"
    ):
        for rows in (slice(0, 200), slice(200, N)):
            model.partial_fit(X[rows], late[rows], classes={1: [0, 1]})


def test_long_tasks_that_come_later():
    X, y, _, options = problem("long")
    order = np.argsort(X[:, P], kind="stable")
    X, y = X[order], y[order]
    model = MultiTaskLinear("mean_deviation", alpha=0.05, shared_alpha=0.1, **options)
    found = in_chunks(clone(model), X, y)
    assert distance(found, model.fit(X, y)) < 0.08
    assert found.history_["deviance"].shape == (20, 4)


@pytest.mark.parametrize("penalty", ["l2", "l21", "mean_deviation"])
def test_tasks_of_several_classes_that_come_later(penalty):
    X, y, _, options = problem("long-classes")
    order = np.argsort(X[:, P] == 2, kind="stable")
    X, y = X[order], y[order]
    model = MultiTaskLinear(penalty, **options)
    found = in_chunks(clone(model), X, y)
    whole = model.fit(X, y)
    np.testing.assert_allclose(found.alpha_, whole.alpha_, rtol=0.25)
    assert distance(found, whole) < 0.15
    assert found.score(X, y) > whole.score(X, y) - 0.02


def test_far_from_zero():
    X, y, _, options = problem("missing")
    model = MultiTaskLinear("l2", alpha=0.01, **options)
    near = in_chunks(clone(model), X, y)
    far = in_chunks(clone(model), X + 1e5, y)
    np.testing.assert_allclose(far.coef_, near.coef_, atol=1e-3)


def test_no_intercepts():
    X, y, _, options = problem("missing")
    model = MultiTaskLinear("l21", fit_intercept=False, **options)
    whole = clone(model).fit(X, y)
    found = in_chunks(model, X, y)
    assert distance(found, whole) < 0.05
    assert not found.intercept_.any()


def test_a_pickle_between_chunks_goes_on_to_the_bit():
    X, y, _, options = problem("missing")
    model = in_chunks(MultiTaskLinear("l21", **options), X[:400], y[:400], n_chunks=2)
    other = pickle.loads(pickle.dumps(model)).partial_fit(X[400:], y[400:])
    np.testing.assert_array_equal(model.partial_fit(X[400:], y[400:]).coef_, other.coef_)


def test_unobserved_labels_have_no_influence():
    X, y, _, options = problem("wide")
    weight = np.ones_like(y)
    weight[::3, 1] = weight[::4, 3] = 0.0
    one = in_chunks(MultiTaskLinear("l21", **options), X, np.where(weight > 0, y, np.nan), None, 4)
    other = in_chunks(MultiTaskLinear("l21", **options), X, np.where(weight > 0, y, 1), weight, 4)
    np.testing.assert_array_equal(one.coef_, other.coef_)


def test_memory_does_not_depend_on_rows():
    X, y, _, options = problem("missing")
    model, sizes = MultiTaskLinear("l2", **options), []
    for _ in range(3):
        model = in_chunks(model, X, y, n_chunks=1) if not sizes else model.partial_fit(X, y)
        sizes.append(len(pickle.dumps(model._losses.past)))
    assert max(sizes) - min(sizes) < 100


def test_balanced_classes_and_strings():
    X, y, _, _ = problem("wide")
    labels = np.where(y[:, 1] > 0, "yes", "no")
    model = MultiTaskLinearClassifier("l2", alpha=0.01)
    found = in_chunks_of_strings(model, X, labels)
    assert distance(found, MultiTaskLinearClassifier("l2", alpha=0.01).fit(X, labels)) < 0.05
    assert set(found.predict(X)) == {"no", "yes"}


def in_chunks_of_strings(model, X, labels):
    for rows in np.array_split(np.arange(N), 10):
        model.partial_fit(X[rows], labels[rows], classes=["no", "yes"])
    return model


def test_what_cannot_be():
    X, y, _, _ = problem("wide")
    for tasks, why in (("ordinal", "thresholds or a scale"), ("quantile", "a loss with corners")):
        with pytest.raises(ValueError, match=f"{why}.*of earlier chunks a linear model keeps"):
            MultiTaskLinear(tasks=tasks).partial_fit(X, y[:, 3:])
    with pytest.raises(ValueError, match="solver='newton' does not take the chunks of a stream"):
        MultiTaskLinear("l2", tasks="binary", solver="newton").partial_fit(X, y[:, 1:2])
    classes = {"tasks": "multiclass", "solver": "quadratic_models"}
    with pytest.raises(ValueError, match="solver='quadratic_models' needs tasks with one output"):
        MultiTaskLinear("l2", alpha=0.1, **classes).partial_fit(X, y[:, [3, 3]])
    with pytest.raises(ValueError, match="Give alpha and shared_alpha as numbers"):
        MultiTaskLinear("l2", tasks="multiclass", center=True).partial_fit(X, y[:, [3, 3]])
