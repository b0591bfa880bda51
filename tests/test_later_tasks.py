"""Tasks that come after `fit`, and tasks that go: what holds for every estimator that has them."""

import pickle
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skmtl import (
    MultiTaskBayesianLinear,
    MultiTaskGaussianProcessRegressor,
    MultiTaskKernelRidge,
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPCV,
    ReducedRankRegressor,
)
from skmtl.linear import (
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
)
from skmtl.tasks import Binary

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skmtl._warnings.LabelWarning"),
]

FEW = 20
NETWORK = {"hidden_layer_sizes": (16,), "max_iter": 30, "random_state": 0}
SEARCH = {"grid": {"max_iter": [20]}, "cv": 2, "hidden_layer_sizes": (16,), "random_state": 0}
NUMBERS = {
    "linear": MultiTaskLinear(),
    "mean": MultiTaskLinear("mean_deviation"),
    "trace-norm": MultiTaskLinear("trace_norm"),
    "dirty": MultiTaskLinear("dirty", alpha=0.01),
    "linear-cv": MultiTaskLinearCV(alphas=3, cv=2),
    "reduced-rank": ReducedRankRegressor(2),
    "bayesian": MultiTaskBayesianLinear(),
    "lasso": MultiTaskLasso(0.01),
    "elastic-net": MultiTaskElasticNet(0.01, fit_intercept=False),
    "lasso-cv": MultiTaskLassoCV(cv=2),
    "elastic-net-cv": MultiTaskElasticNetCV(cv=2),
    "gaussian-process": MultiTaskGaussianProcessRegressor(),
    "kernel": MultiTaskKernelRidge(),
    "kernel-cv": MultiTaskKernelRidgeCV(),
    "mlp": MultiTaskMLP(**NETWORK),
    "mmoe": MultiTaskMLP(**NETWORK, architecture="mmoe"),
    "mlp-cv": MultiTaskMLPCV(**SEARCH),
}
CLASSES = {
    name: NUMBERS[name] for name in ("linear", "mean", "trace-norm", "kernel-cv", "mlp", "mlp-cv")
}
LONG = {
    name: clone(estimator).set_params(task_feature=0)
    for name, estimator in NUMBERS.items()
    if "task_feature" in estimator.get_params()
} | {"unknown": MultiTaskLinear(task_feature=0, unknown_task="shared")}

numbers = pytest.mark.parametrize("name", sorted(NUMBERS))
classes = pytest.mark.parametrize("name", sorted(CLASSES))
long = pytest.mark.parametrize("name", sorted(LONG))


def draw(n_rows=400, n_tasks=6, seed=0):
    """Tasks in two directions of five features: any of them resembles the others."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(5, 2)) @ rng.normal(size=(2, n_tasks))
    X = rng.normal(size=(n_rows, 5))
    return X, X @ W + 0.5 * rng.normal(size=(n_rows, n_tasks)), X @ W


def fitted(estimator, Y, n_rows=200):
    X = draw()[0]
    return clone(estimator).fit(X[:n_rows], Y[:n_rows])


def long_form(X, Y, names):
    rows = [np.column_stack([np.full(len(X), name), X]) for name in names]
    return np.vstack(rows), Y.T.ravel()


@numbers
def test_numbers_of_a_new_task(name):
    X, Y, truth = draw()
    model = fitted(NUMBERS[name], Y[:, :5])
    before = model.predict(X)
    assert model.add_task(X[:FEW], Y[:FEW, 5]) is model
    found = model.predict(X)
    assert (found[:, :5] == before).all()
    own = clone(NUMBERS[name]).fit(X[:FEW], Y[:FEW, 5:]).predict(X)[:, 0]
    error, error_of_own = (np.mean((p - truth[:, 5])[FEW:] ** 2) for p in (found[:, 5], own))
    assert error < error_of_own


@classes
def test_classes_of_a_new_task(name):
    X, Y, _ = draw()
    labels = np.where(Y > 0, "yes", "no").astype(object)
    model = fitted(CLASSES[name], labels[:, :5])
    before = model.predict_proba(X)
    model.add_task(X[:FEW], labels[:FEW, 5], "new")
    found = model.predict_proba(X)
    for ours, theirs in zip(found, before, strict=False):
        assert (ours == theirs).all()
    assert model.classes_[5].tolist() == ["no", "yes"]
    np.testing.assert_allclose(found[5].sum(axis=1), 1.0)
    right = (model.predict(X)[:, 5] == labels[:, 5])[FEW:].mean()
    own = clone(CLASSES[name]).fit(X[:FEW], labels[:FEW, 5])
    assert right > max((own.predict(X) == labels[:, 5])[FEW:].mean(), 0.8)


@numbers
def test_attributes_agree(name):
    X, Y, _ = draw()
    model = fitted(NUMBERS[name], Y[:, :4])
    model.add_task(X[:FEW], Y[:FEW, 4]).add_task(X[:FEW], Y[:FEW, 5], "last").drop_task(1)
    assert model.task_names_in_.tolist() == [0, 2, 3, 4, "last"]
    assert [task.n_labels_ for task in model.tasks_] == [200, 200, 200, FEW, FEW]
    assert model.predict(X).shape == (len(X), 5)
    if hasattr(model, "coef_"):
        raw = X @ model.coef_.T + model.intercept_
        np.testing.assert_allclose(raw, model.predict(X), atol=1e-10)
    if hasattr(model, "loadings_"):
        np.testing.assert_allclose(model.loadings_ @ model.components_, model.coef_, atol=1e-10)
    if hasattr(model, "coef_components_"):
        np.testing.assert_allclose(model.coef_components_.sum(axis=0), model.coef_, atol=1e-10)
    assert np.isfinite(model.score(X, Y[:, [0, 2, 3, 4, 5]]))


@numbers
def test_kept_by_pickle_and_forgotten_by_fit(name):
    X, Y, _ = draw()
    model = fitted(NUMBERS[name], Y[:, :5])
    before = model.predict(X)
    model.add_task(X[:FEW], Y[:FEW, 5])
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()
    assert not hasattr(clone(model), "task_names_in_")
    model.fit(X[:200], Y[:200, :5])
    assert model.predict(X).shape == before.shape


@numbers
def test_missing_labels_and_weights_of_zero_do_not_count(name):
    X, Y, _ = draw()
    model = fitted(NUMBERS[name], Y[:, :5])
    expected = pickle.loads(pickle.dumps(model)).add_task(X[:FEW], Y[:FEW, 5]).predict(X)
    y = np.where(np.arange(100) < FEW, Y[:100, 5], np.nan)
    missing = pickle.loads(pickle.dumps(model)).add_task(X[:100], y).predict(X)
    assert (missing == expected).all()
    weight = np.where(np.arange(100) < FEW, 1.0, 0.0)
    weighted = pickle.loads(pickle.dumps(model)).add_task(
        X[:100], np.where(weight > 0, Y[:100, 5], 1e6), sample_weight=weight
    )
    assert (weighted.predict(X) == expected).all()


@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_a_weight_of_two_is_a_row_twice(kind):
    X, Y, _ = draw()
    Y = Y if kind == "numbers" else Y > 0
    model = fitted(MultiTaskLinear(), Y[:, :5])
    twice = np.r_[np.arange(FEW), np.arange(5)]
    weight = np.where(np.arange(FEW) < 5, 2.0, 1.0)
    ours = pickle.loads(pickle.dumps(model)).add_task(X[:FEW], Y[:FEW, 5], sample_weight=weight)
    theirs = model.add_task(X[twice], Y[twice, 5])
    np.testing.assert_allclose(ours.coef_[5], theirs.coef_[5], rtol=1e-6, atol=1e-8)


@long
def test_long_form(name):
    X, Y, truth = draw(120)
    XL, yL = long_form(X[:60], Y[:60, :5], [10, 20, 30, 40, 60])
    model = clone(LONG[name]).fit(XL, yL)
    before = model.predict(XL)
    X_new = np.column_stack([np.full(120, 50.0), X])
    model.add_task(X[:FEW], Y[:FEW, 5], name=50)
    assert (model.predict(XL) == before).all()
    assert model.task_names_in_.tolist() == [10, 20, 30, 40, 50, 60]
    found = model.predict(X_new)
    both = model.predict(np.vstack([XL, X_new]))
    np.testing.assert_allclose(both, np.r_[before, found], atol=1e-10)
    assert np.corrcoef(found[FEW:], truth[FEW:, 5])[0, 1] > 0.7
    # With the column it is the same.
    model.drop_task(50).add_task(X_new[:FEW], Y[:FEW, 5])
    np.testing.assert_allclose(model.predict(X_new), found, atol=1e-10)
    model.drop_task(10)
    if model.unknown_task == "error":
        with pytest.raises(ValueError, match="Unknown task 10"):
            model.predict(XL)


def test_long_form_of_classes_has_their_mean():
    X, Y, _ = draw(300)
    y = np.digitize(Y, [-0.5, 0.5])
    XL, yL = long_form(X[:200], y[:200, :5], [1, 2, 3, 4, 5])
    model = MultiTaskLinear(task_feature=0, tasks="multiclass").fit(XL, yL)
    model.add_task(X[:FEW], y[:FEW, 5], name=6)
    assert model.coef_.shape == (18, 5)
    proba = model.predict_proba(np.column_stack([np.full(300, 6), X]))
    assert proba.shape == (300, 3)


def test_a_table_with_names():
    X, Y, _ = draw()
    names = ["a", "b", "c", "d", "e", "f"]
    X, Y = pd.DataFrame(X, columns=list("vwxyz")), pd.DataFrame(Y, columns=names)
    model = MultiTaskLinear().fit(X[:200], Y[names[:5]][:200])
    model.add_task(X[:FEW], Y[["f"]][:FEW])
    assert model.task_names_in_.tolist() == names
    assert model.score(X, Y[names[::-1]]) == pytest.approx(model.score(X, Y))
    model.drop_task("f").add_task(X[:FEW], Y["f"][:FEW])
    assert model.task_names_in_.tolist() == names
    with pytest.raises(ValueError, match="There is a task 'f' already"):
        model.add_task(X[:FEW], Y["f"][:FEW])
    with pytest.raises(ValueError, match="The new task has no name"):
        model.add_task(X[:FEW], Y["f"][:FEW].to_numpy())
    with pytest.raises(ValueError, match="feature names"):
        model.add_task(X[list("zyxwv")][:FEW], Y["f"][:FEW], "g")


def test_long_table_with_names():
    X, Y, _ = draw(60)
    XL, yL = long_form(X, Y[:, :3], [0, 1, 2])
    table = pd.DataFrame(XL, columns=["school", *"vwxyz"])
    table["school"] = table["school"].map({0.0: "north", 1.0: "east", 2.0: "south"})
    model = MultiTaskLinear(task_feature="school").fit(table, yL)
    new = pd.DataFrame(X, columns=list("vwxyz"))
    model.add_task(new[:FEW], Y[:FEW, 5], name="west")
    assert model.task_names_in_.tolist() == ["east", "north", "south", "west"]
    new.insert(0, "school", "west")
    assert model.predict(new).shape == (60,)
    with pytest.raises(ValueError, match="another kind"):
        model.add_task(new[list("vwxyz")], Y[:, 5], name=7)
    with pytest.raises(ValueError, match="no column of the task feature"):
        model.add_task(new[list("vwxyz")], Y[:, 5])


def test_types_come_from_the_estimator_or_are_given():
    X, Y, _ = draw()
    counts = np.random.default_rng(0).poisson(np.exp(0.3 * Y))
    model = MultiTaskLinear(tasks={"a": "regression"})
    model.fit(X[:200], pd.DataFrame({"a": Y[:200, 0], "b": Y[:200, 1] > 0}))
    model.add_task(X[:50], Y[:50, 2], "c")
    model.add_task(X[:50], counts[:50, 3], "d", task="count")
    model.add_task(X[:50], (Y[:50, 4] > 0).astype(int), "e", task=Binary(class_weight="balanced"))
    found = ["regression", "binary", "regression", "count", "binary"]
    assert [task.alias for task in model.tasks_] == found
    assert (model.predict(X)[:, 3] > 0).all()
    regressor = MultiTaskLinearRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="reads every task as regression"):
        regressor.add_task(X, Y[:, 0] > 0, task="binary")


@pytest.mark.parametrize("alias", ["count", "ordinal", "survival", "gamma", "negative_binomial"])
@pytest.mark.parametrize(
    "estimator", [MultiTaskLinear(), MultiTaskMLP(**NETWORK)], ids=lambda e: type(e).__name__
)
def test_other_likelihoods(alias, estimator):
    rng = np.random.default_rng(0)
    X, Y, truth = draw()
    labels = {
        "count": rng.poisson(np.exp(0.3 * truth)),
        "ordinal": np.digitize(Y, [-1.0, 0.0, 1.0]),
        "survival": np.exp(0.3 * Y),
        "gamma": np.exp(0.3 * truth) * rng.gamma(3.0, 1 / 3, size=Y.shape),
        "negative_binomial": rng.poisson(np.exp(0.3 * truth)),
    }[alias]
    model = clone(estimator).set_params(tasks=alias).fit(X[:200], labels[:200, :5])
    model.add_task(X[:50], labels[:50, 5])
    found = model.predict(X)[50:, 5].astype(float)
    assert np.corrcoef(found, truth[50:, 5])[0, 1] > 0.6
    assert np.isfinite(model.score(X, labels))


@pytest.mark.parametrize(
    "estimator", [MultiTaskLinear(), MultiTaskMLP(**NETWORK)], ids=lambda e: type(e).__name__
)
def test_many_labels_need_no_other_task(estimator):
    X, Y, _ = draw(1500)
    rng = np.random.default_rng(1)
    w = rng.normal(size=5)
    y = X @ w + 0.3 * rng.normal(size=1500)
    model = clone(estimator).fit(X[:300], Y[:300, :3])
    model.add_task(X[:1000], y[:1000])
    assert np.corrcoef(model.predict(X)[1000:, 3], (X @ w)[1000:])[0, 1] > 0.99
    model.add_task(X[:1000], y[:1000] > 0, task="binary")
    assert (model.predict(X)[1000:, 4] == (y[1000:] > 0)).mean() > 0.9


def test_trace_norm_and_low_rank_stay_in_their_directions():
    X, Y, _ = draw()
    y = np.random.default_rng(1).normal(size=FEW)
    for model in (ReducedRankRegressor(1), MultiTaskLinear("trace_norm", alpha=0.5)):
        model.fit(X, Y[:, :5])
        rank = np.linalg.matrix_rank(model.coef_, tol=1e-6)
        model.add_task(X[:FEW], y)
        assert np.linalg.matrix_rank(model.coef_, tol=1e-6) == rank < 5


def test_l21_keeps_to_its_features():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 30))
    Y = X[:, :2] @ rng.normal(size=(2, 4)) + 0.1 * rng.normal(size=(200, 4))
    model = MultiTaskLinear("l21", alpha=0.3).fit(X, Y)
    unused = ~model.coef_.any(axis=0)
    assert unused.sum() > 20
    model.add_task(X[:FEW], X[:FEW, 0] - X[:FEW, 5])
    assert not model.coef_[4, unused].any()


def test_sparse_features():
    X, Y, _ = draw()
    X[np.abs(X) < 0.5] = 0.0
    of_dense, of_sparse = (
        MultiTaskLinear().fit(A[:200], Y[:200, :5]).add_task(A[:FEW], Y[:FEW, 5])
        for A in (X, sparse.csr_matrix(X))
    )
    np.testing.assert_allclose(of_sparse.coef_, of_dense.coef_, atol=1e-6)
    long = sparse.csr_matrix(np.column_stack([np.arange(400) % 4, X]))
    model = MultiTaskLinear(task_feature=0).fit(long, Y[:, 0])
    model.add_task(sparse.csr_matrix(X[:FEW]), Y[:FEW, 0], name=7)
    assert model.task_names_in_.tolist() == [0, 1, 2, 3, 7]


def test_three_rows_one_class_and_constants():
    X, Y, _ = draw()
    model = MultiTaskMLP(**NETWORK).fit(X[:200], np.column_stack([Y[:200, 0], Y[:200, 1] > 0]))
    model.add_task(X[:3], Y[:3, 2])
    model.add_task(X[:1], Y[:1, 2])
    model.add_task(X[:9], np.full(9, 5.0))
    model.add_task(X[:9], ["only"] * 9)
    found = model.predict(X)
    assert np.isfinite(found[:, 2:5].astype(float)).all()
    np.testing.assert_allclose(found[:, 4].astype(float), 5.0)
    assert (found[:, 5] == "only").all()


def test_opposite_of_all_others():
    X, Y, truth = draw()
    same = np.column_stack([Y[:, 0] + 0.1 * k for k in range(4)])
    for estimator in (MultiTaskLinear(), MultiTaskMLP(**NETWORK)):
        model = clone(estimator).fit(X[:200], same[:200]).add_task(X[:FEW], -Y[:FEW, 0])
        assert np.corrcoef(model.predict(X)[:, 4], -truth[:, 0])[0, 1] > 0.9


def test_what_is_wrong_is_said_and_changes_nothing():
    X, Y, _ = draw()
    model = MultiTaskLinear().fit(X, Y)
    with pytest.raises(NotFittedError):
        MultiTaskLinear().add_task(X, Y[:, 0])
    with pytest.raises(NotFittedError):
        MultiTaskLinear().drop_task(0)
    for wrong, message in (
        ((X, Y[:, 0], 3), "There is a task 3 already"),
        ((X, np.full(len(X), np.nan)), "Task 6 has no observed label"),
        ((X, Y), "y has 6 columns; expected one"),
        ((X[:, :3], Y[:, 0]), "X has 3 features, but MultiTaskLinear is expecting 5"),
        ((X[:5], Y[:, 0]), "inconsistent numbers of samples"),
        ((np.full_like(X, np.nan), Y[:, 0]), "contains NaN"),
        ((X, None), "y is None"),
    ):
        with pytest.raises(ValueError, match=message):
            model.add_task(*wrong)
    with pytest.raises(ValueError, match=r"There is no task 'x'; the tasks are \[0, 1"):
        model.drop_task("x")
    assert model.task_names_in_.tolist() == [0, 1, 2, 3, 4, 5]
    one = MultiTaskLinear().fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="is the only one"):
        one.drop_task(0)


def test_what_is_wrong_in_long_form_is_said():
    X, Y, _ = draw()
    task = np.arange(len(X)) % 4 * 10.0
    rows = np.column_stack([X, task])
    model = MultiTaskLinear(task_feature=5).fit(rows, Y[np.arange(len(X)), np.arange(len(X)) % 4])
    new, y = np.column_stack([X, np.full(len(X), 50.0)]), Y[:, 4]
    two = new.copy()
    two[::2, 5] = 60.0
    for given, message in (
        ((new, y, 7), "name=7, but the task feature of X is 50"),
        ((two, y), "name 2 tasks in the task feature; expected one: add_task adds a task at"),
        ((new[:5], y), "inconsistent numbers of samples: X has 5 rows, y has "),
    ):
        with pytest.raises(ValueError, match=message):
            model.add_task(*given)
    with pytest.raises(ValueError, match="In long form all tasks have one type: leave out task="):
        model.add_task(new, y, task="regression")
    assert model.task_names_in_.tolist() == [0, 10, 20, 30]
    expected = model.add_task(new, y).predict(new)
    # Without the column a name is put there, in sparse rows as well.
    for container in (np.asarray, sparse.csr_array):
        again = model.drop_task(50).add_task(container(X), y, name=50)
        np.testing.assert_allclose(again.predict(container(new)), expected, atol=1e-10)


def test_networks_do_not_train_on_beneath_added_heads():
    X, Y, _ = draw()
    model = MultiTaskMLPClassifier(**NETWORK, warm_start=True).fit(X, Y > 0)
    model.add_task(X[:FEW], Y[:FEW, 0] > 0)
    for again in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="training on would change the trunk"):
            again(X, Y > 0)


def test_one_task_becomes_two():
    X, Y, _ = draw()
    model = MultiTaskLinearClassifier().fit(X, Y[:, 0] > 0).add_task(X[:FEW], Y[:FEW, 1] > 0)
    assert model.predict(X).shape == (len(X), 2)
    assert [c.tolist() for c in model.classes_] == [[False, True]] * 2


@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("architecture", ["hard_sharing", "mmoe"])
def test_a_trunk_of_its_own(form, architecture):
    X, Y, _ = draw(1200)
    y = np.sin(2 * X[:, 0]) * X[:, 1]
    model = MultiTaskMLP(**NETWORK, architecture=architecture, learning_rate_init=0.05)
    X_new = X
    if form == "wide":
        X_old, Y_old = X[:300], Y[:300, :3]
    else:
        X_old, Y_old = long_form(X[:100], Y[:100, :3], [1, 2, 3])
        X_new = np.column_stack([np.full(1200, 7), X])
        model.set_params(task_feature=0)
    model.fit(X_old, Y_old)
    before, frozen = model.predict(X_old), pickle.loads(pickle.dumps(model))
    model.add_task(X_new[:800], y[:800], name=7, n_epochs=40)
    frozen.add_task(X_new[:800], y[:800], name=7)
    after = model.predict(X_old)
    assert ((after if form == "long" else after[:, :3]) == before).all()
    errors = []
    for each in (model, frozen):
        found = each.predict(X_new)
        found = found[:, -1] if form == "wide" else found
        errors.append(np.mean((found - y)[800:] ** 2))
    assert errors[0] < 0.8 * errors[1]
    assert (pickle.loads(pickle.dumps(model)).predict(X_new) == model.predict(X_new)).all()
    again = frozen.drop_task(7).add_task(X_new[:800], y[:800], name=7, n_epochs=40)
    assert (again.predict(X_new) == model.predict(X_new)).all()
    with pytest.raises(ValueError, match="n_epochs=-1; expected"):
        model.add_task(X_new, y, n_epochs=-1)


def test_no_epoch_is_the_frozen_trunk_and_few_labels_move_little():
    X, Y, truth = draw()
    model = fitted(MultiTaskMLP(**NETWORK), Y[:, :5])
    frozen = pickle.loads(pickle.dumps(model)).add_task(X[:FEW], Y[:FEW, 5]).predict(X)
    tuned = model.add_task(X[:FEW], Y[:FEW, 5], n_epochs=3).predict(X)
    np.testing.assert_allclose(tuned[:, 5], frozen[:, 5], atol=0.3 * np.std(truth[:, 5]))
    assert (tuned[:, 5] != frozen[:, 5]).any()


OF_MANY = {
    "linear": lambda **kw: MultiTaskLinear("mean_deviation", **kw),
    "mlp": lambda **kw: MultiTaskMLP(max_iter=30, random_state=0, **kw),
    "kernel": lambda **kw: MultiTaskKernelRidge(**kw),
}


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [*product(["regression", "count", "binary"], ["linear", "mlp"]), ("regression", "kernel")],
)
def test_few_labels_of_one_more_of_many_do_no_harm(kind, estimator):
    """Rows that are nearly the same, a level of its own: not worse than what the tasks share."""
    rng = np.random.default_rng(0)
    n_known, n_new, n_rows = 40, 20, 40
    W = 0.5 + 0.15 * rng.normal(size=(n_known + n_new, 3))
    level = 1.0 + 0.3 * rng.normal(size=n_known + n_new)
    task = np.repeat(np.arange(n_known + n_new), n_rows)
    X = rng.normal(size=(len(task), 3))
    X[:, 0] = 0.05 * np.tile(np.arange(n_rows), n_known + n_new) - 1.0  # weeks
    raw = (X * W[task]).sum(axis=1) + level[task]
    draws = {
        "regression": lambda: raw + rng.normal(size=len(raw)),
        "count": lambda: rng.poisson(np.exp(raw)).astype(float),
        "binary": lambda: (rng.random(len(raw)) < 1 / (1 + np.exp(-raw))).astype(float),
    }
    y, Z = draws[kind](), np.column_stack([task, X])
    known = task < n_known
    model = OF_MANY[estimator](task_feature=0, unknown_task="shared", tasks=kind)
    model.fit(Z[known], y[known])

    def error():
        expected = {"regression": raw, "count": np.exp(raw), "binary": 1 / (1 + np.exp(-raw))}[kind]
        rest = ~known & (np.tile(np.arange(n_rows), n_known + n_new) >= 5)
        found = model.predict_proba(Z[rest])[:, 1] if kind == "binary" else model.predict(Z[rest])
        return np.abs(found - expected[rest]).mean()

    before = error()
    for new in range(n_known, n_known + n_new):
        first = np.flatnonzero(task == new)[:5]
        model.add_task(Z[first], y[first])
    assert error() < {"regression": 1.05, "count": 0.9, "binary": 1.05}[kind] * before
