"""Labels of one class, of some tasks or of all: constant predictions, in every linear model."""

import pickle

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold

from skmtl import MultiTaskLinear, make_multitask_scorer
from tests.registry import EVERY, kind_of

CLASSIFYING = sorted(
    name for name in EVERY if name.startswith("linear") and kind_of(name) != "regression"
)
N_ROWS, N_TASKS = 24, 3
pytestmark = pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
every_linear = pytest.mark.parametrize("name", CLASSIFYING)
every_type = pytest.mark.parametrize("tasks", ["binary", "multiclass"])


@pytest.fixture
def rows():
    """X (24, 3), the task of every row, and labels that a feature explains but for noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 3))
    labels = (X[:, 0] + 0.5 * rng.normal(size=N_ROWS) > 0).astype(int)
    return X, np.arange(N_ROWS) % N_TASKS, labels


def few_alphas(name):
    return {"alphas": [0.3, 0.1, 0.03]} if "cv" in name else {}


def long_form(X, task):
    return np.column_stack([task, X])


def agree(model, X, y):
    """Labels, probabilities and score of a fit, and of its pickle."""
    predicted, proba = model.predict(X), model.predict_proba(X)
    assert (pickle.loads(pickle.dumps(model)).predict(X) == predicted).all()
    for task, p in enumerate([proba] if predicted.ndim == 1 else proba):
        classes = model.classes_ if predicted.ndim == 1 else model.classes_[task]
        column = predicted if predicted.ndim == 1 else predicted[:, task]
        assert p.shape == (len(predicted), len(classes))
        np.testing.assert_allclose(p.sum(axis=1), 1.0)
        assert (classes[p.argmax(axis=1)] == column).all()
    if model._kind == "classification":
        assert model.score(X, y) == pytest.approx((predicted == y).mean())
    return predicted, proba


@every_linear
@every_type
@pytest.mark.parametrize("label", [0, "yes", True])
def test_long_form_with_one_class(name, tasks, label, rows):
    X, task, _ = rows
    X, y = long_form(X, task), np.full(N_ROWS, label, dtype=object)
    model = EVERY[name](task_feature=0, tasks=tasks, unknown_task="shared").fit(X, y)
    predicted, proba = agree(model, X, y)
    assert (predicted == label).all()
    assert (proba == 1.0).all()
    assert (model.predict(X[:1]) == label).all()
    assert model.score(X, y) == 1.0
    assert model.classes_.tolist() == [label]
    assert model.coef_.shape == model.shared_coef_.shape == (0, 3)
    # A task first met now has that class too.
    X[:, 0] = 9
    assert (model.predict(X) == label).all()
    assert model.predict_proba(X).shape == (N_ROWS, 1)
    with pytest.raises(ValueError, match="Unknown task 9"):
        model.set_params(unknown_task="error").predict(X)


@every_linear
@every_type
@pytest.mark.parametrize("unknown_task", ["error", "shared"])
def test_long_form_where_one_task_has_one_class(name, tasks, unknown_task, rows):
    X, task, y = rows
    y = np.where(task == 1, 1, y)
    options = {"task_feature": 0, "tasks": tasks, "unknown_task": unknown_task, **few_alphas(name)}
    model = EVERY[name](**options).fit(long_form(X, task), y)
    _, proba = agree(model, long_form(X, task), y)
    assert proba.shape == (N_ROWS, 2)
    # The others help: but for noise it is always 1.
    assert proba[task == 1, 1].mean() > proba[task != 1, 1].mean()


@every_linear
@every_type
@pytest.mark.parametrize("constant", [[0], [0, 1, 2]])
def test_wide_tasks_of_one_class(name, tasks, constant, rows):
    X, _, y = rows
    Y = np.column_stack([y, 1 - y, y])
    Y[:, constant] = 1
    options = {"tasks": tasks, **few_alphas(name)}
    model = EVERY[name](**options).fit(X, Y)
    predicted, proba = agree(model, X, Y)
    for t in range(N_TASKS):
        assert proba[t].shape == (N_ROWS, 1 if t in constant else 2)
        assert (predicted[:, t] == 1).all() or t not in constant
    others = [t for t in range(N_TASKS) if t not in constant]
    if others:
        alone = EVERY[name](**options).fit(X, Y[:, others])
        np.testing.assert_allclose(model.coef_, alone.coef_, atol=1e-10)


@every_linear
@pytest.mark.parametrize("form", ["wide", "long"])
def test_a_fold_that_is_left_with_one_class(name, form, rows):
    X, task, y = rows
    # All of class 1 are in the first of three folds: it trains on class 0 alone.
    y = np.where(np.arange(N_ROWS) < 8, np.arange(N_ROWS) % 2, 0)
    options = {"tasks": "binary"}
    if form == "long":
        X, options = long_form(X, task), {**options, "task_feature": 0}
    else:
        y = np.column_stack([y, rows[2]])
    if "cv" in name:
        options["cv"] = KFold(3)
        model = EVERY[name](**options).fit(X, y)
        assert np.isfinite(model.score_path_).all()
        assert model.coef_.shape == (3 if form == "long" else 2, 3)
        return
    grid, scoring = {"alpha": [0.1, 0.01]}, make_multitask_scorer("accuracy")
    search = GridSearchCV(EVERY[name](**options), grid, cv=KFold(3), scoring=scoring)
    found = search.fit(X, y).cv_results_
    assert all(np.isfinite(found[f"split{k}_test_score"]).all() for k in range(3))
    if form == "long":
        # Half of the labels of the first fold are 0; an unseen class is a miss.
        assert (found["split0_test_score"] == 0.5).all()


def test_one_class_under_every_parameter(rows):
    X, task, _ = rows
    X = long_form(X, task)
    for options in (
        {"center": True},
        {"penalty": "mean_deviation"},
        {"penalty": "dirty"},
        {"fit_intercept": False},
        {"intercept_alpha": np.inf},
        {"warm_start": True},
        {"task_weight": "labels"},
    ):
        model = MultiTaskLinear(task_feature=0, tasks="binary", **options)
        for _ in range(2):
            assert (model.fit(X, np.ones(N_ROWS)).predict(X) == 1).all()
