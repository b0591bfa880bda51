"""Class weights of an estimator mean what those of a task type mean."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import skmtl
from skmtl import (
    IndependentTasks,
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearClassifierCV,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPCV,
    PooledTasks,
    TargetScaler,
    TaskChain,
    TaskGrouping,
    TaskStacking,
)
from skmtl.inspection import transfer_gain
from skmtl.tasks import Binary, LabelWarning, Multiclass

LINEAR = MultiTaskLinear("l2", alpha=0.01)
ESTIMATORS = [
    LINEAR,
    MultiTaskLinearCV("l2", alphas=5, cv=3),
    MultiTaskMLP((4,), max_iter=3, random_state=0),
    MultiTaskMLPCV({"alpha": [0.1, 1.0], "max_iter": [3]}, cv=3, random_state=0),
    MultiTaskKernelRidgeCV(("linear",)),
    IndependentTasks(),
    PooledTasks(),
    TaskChain(),
    TaskGrouping(LINEAR, n_groups=1),
    TaskStacking([("linear", LINEAR)], cv=3),
    TargetScaler(LINEAR),
]
WEIGHTS = [
    {"no": 1.0, "yes": 5.0, "a": 2.0, "b": 1.0, "c": 3.0},
    {"kind": {"a": 2.0, "b": 1.0, "c": 3.0}, "ill": "balanced"},
    "balanced",
]


def data(n=90, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    score = X[:, 0] + rng.logistic(size=n)
    ill = np.where(score > 1.5, "yes", "no").astype(object)
    kind = np.array(["a", "b", "c"], dtype=object)[np.digitize(score + X[:, 1], [-1, 2])]
    ill[::7] = None
    return X, {"ill": ill, "kind": kind}


def of_task(class_weight, name):
    if isinstance(class_weight, dict) and name in class_weight:
        return class_weight[name]
    if isinstance(class_weight, dict):
        own = {"ill": ["no", "yes"], "kind": ["a", "b", "c"]}[name]
        return {label: class_weight[label] for label in own}
    return class_weight


def answers(model, X):
    return [p for p in model.predict_proba(X) if p is not None]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("class_weight", WEIGHTS, ids=["classes", "tasks", "balanced"])
def test_they_are_those_of_the_task_types(estimator, class_weight):
    X, y = data()
    types = {
        "ill": Binary(class_weight=of_task(class_weight, "ill")),
        "kind": Multiclass(class_weight=of_task(class_weight, "kind")),
    }
    given = clone(estimator).set_params(class_weight=class_weight).fit(X, y)
    declared = clone(estimator).set_params(tasks=types).fit(X, y)
    plain = clone(estimator).fit(X, y)
    for one, other in zip(answers(given, X), answers(declared, X), strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(
        (one != other).any()
        for one, other in zip(answers(given, X), answers(plain, X), strict=True)
    )


def test_every_estimator_that_takes_classes_has_them():
    named = [getattr(skmtl, name) for name in skmtl.__all__]
    classes = filter(inspect.isclass, named)
    parameters = {cls: set(inspect.signature(cls).parameters) for cls in classes}
    takes = {cls.__name__ for cls, found in parameters.items() if "tasks" in found}
    has = {cls.__name__ for cls, found in parameters.items() if "class_weight" in found}
    # Squared loss only.
    squared = {
        "MultiTaskBayesianLinear",
        "MultiTaskGaussianProcessRegressor",
        "MultiTaskKernelRidge",
        "ReducedRankRegressor",
    }
    assert takes - has == squared


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 4.0}], ids=["balanced", "dict"])
def test_scikit_learn_finds_the_same(class_weight):
    X, y = data()
    y = (y["kind"] == "c").astype(int)
    factor = {"balanced": len(y) / 2 / np.bincount(y)}.get(str(class_weight), [1.0, 4.0])
    # The loss is a weighted mean here, a weighted sum there.
    strength = 0.05 * np.asarray(factor)[y].sum()
    theirs = LogisticRegression(
        C=1.0 / strength, class_weight=class_weight, tol=1e-10, max_iter=1000
    )
    theirs.fit(X, y)
    options = {"alpha": 0.05, "tol": 1e-12, "class_weight": class_weight}
    ours = MultiTaskLinearClassifier("l2", **options).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


def test_a_task_type_with_weights_keeps_them():
    X, y = data()
    types = {"ill": Binary(class_weight={"no": 1.0, "yes": 2.0})}
    model = MultiTaskLinear(tasks=types, class_weight="balanced").fit(X, y)
    assert [task.class_weight for task in model.tasks_] == [{"no": 1.0, "yes": 2.0}, "balanced"]


@pytest.mark.parametrize(
    "estimator",
    [MultiTaskLinearClassifierCV("l2", alphas=3, cv=3), MultiTaskMLPClassifier((4,), max_iter=2)],
    ids=lambda e: type(e).__name__,
)
def test_classifiers_of_one_task(estimator):
    X, y = data()
    y = y["kind"]
    model = estimator.set_params(class_weight={"a": 1.0, "b": 1e-9, "c": 1.0}).fit(X, y)
    assert "b" not in model.predict(X)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"ill": {"no": 1.0, "yse": 2.0}}, "Task 'ill': class_weight names 'yse'; known classes"),
        ({"ill": "even"}, "Task 'ill': class_weight='even'; expected 'balanced'"),
        ({"ill": {"no": -1.0}}, "Task 'ill': class_weight={'no': -1.0}; expected finite"),
        ({"sick": "balanced"}, "class_weight names the task 'sick', which y does not have"),
        ({"size": "balanced"}, "class_weight names the task 'size', which is regression"),
        ("even", "The 'class_weight' parameter of MultiTaskLinear"),
    ],
)
def test_errors_name_task_and_class(class_weight, message):
    X, y = data()
    with pytest.raises(ValueError) as error:
        MultiTaskLinear(class_weight=class_weight).fit(X, {**y, "size": X[:, 0]})
    assert message in str(error.value)


def test_where_there_are_no_classes():
    X, _ = data()
    for estimator in (MultiTaskLinear(), MultiTaskLinearRegressor()):
        with pytest.warns(LabelWarning, match="no task has classes"):
            estimator.set_params(class_weight="balanced").fit(X, X[:, 0])


def test_long_form_has_one_set_of_classes():
    X, y = data()
    X = np.column_stack([X, np.arange(len(X)) % 3])
    model = MultiTaskLinear(task_feature=3, class_weight="balanced").fit(X, y["kind"])
    declared = MultiTaskLinear(task_feature=3, tasks=Multiclass(class_weight="balanced"))
    np.testing.assert_array_equal(model.coef_, declared.fit(X, y["kind"]).coef_)
    with pytest.raises(ValueError, match="class_weight is a dict by task; in long form"):
        MultiTaskLinear(task_feature=3, class_weight={0: "balanced"}).fit(X, y["kind"])


def test_estimators_inside_of_others_leave_them_to_those():
    X, y = data()
    inner = MultiTaskLinear(class_weight="balanced")
    with pytest.raises(ValueError, match="class_weight='balanced' was given to MultiTaskLinear"):
        TaskGrouping(inner, n_groups=1).fit(X, y)


def test_tasks_taken_alone_keep_theirs():
    X, y = data()
    y = {**y, "size": X[:, 0] + X[:, 1] ** 2}
    model = MultiTaskLinear("l2", alpha=0.1, class_weight={"ill": "balanced"})
    assert np.isfinite(transfer_gain(model, X, y, cv=3).loss_alone).all()
