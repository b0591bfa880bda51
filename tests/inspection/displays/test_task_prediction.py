import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import confusion_matrix, r2_score, roc_auc_score, roc_curve
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskLinearRegressor
from skmtl.datasets import make_multitask_mixed, make_multitask_regression
from skmtl.inspection.displays import TaskPredictionDisplay
from skmtl.inspection.displays._predicted import GRID, predicted_by, predicted_in


@pytest.fixture(scope="module")
def mixed():
    X, y = make_multitask_mixed(
        300, 6, n_informative=6, n_regression=1, n_binary=1, n_multiclass=1, n_count=1,
        missing=0.3, noise=0.5, as_frame=True, random_state=0,
    )  # fmt: skip
    model = MultiTaskLinear("l2", alpha=0.1, tasks={"count0": "count"})
    return model.fit(X[:150], y[:150]), X[150:], y[150:]


def known(y, task):
    return y[task].notna().to_numpy()


def test_numbers_are_drawn_where_they_are_observed(mixed):
    model, X, y = mixed
    display = TaskPredictionDisplay.from_estimator(model, X, y)
    for position, task in ((0, "score0"), (3, "count0")):
        rows = known(y, task)
        points = np.column_stack([model.predict(X)[rows, position], y.loc[rows, task]])
        np.testing.assert_array_equal(display.artists_[task].get_offsets(), points.astype(float))
        score = r2_score(points[:, 1], points[:, 0])
        assert display.axes_[position].get_title() == f"{task}\nR² {score:.2f}"


def test_curves_are_those_of_scikit_learn(mixed):
    model, X, y = mixed
    display = TaskPredictionDisplay.from_estimator(model, X, y)
    proba = model.predict_proba(X)
    rows = known(y, "yes0")
    (line,) = display.artists_["yes0"]
    expected = roc_curve(y.loc[rows, "yes0"] == "yes", proba[1][rows, 1])[:2]
    np.testing.assert_array_equal(line.get_data(), expected)
    area = roc_auc_score(y.loc[rows, "yes0"] == "yes", proba[1][rows, 1])
    assert display.axes_[1].get_title() == f"yes0\nAUC {area:.2f}"

    rows = known(y, "class0")
    labels = y.loc[rows, "class0"].astype(object)
    for k, line in enumerate(display.artists_["class0"]):
        expected = roc_curve(labels == f"label{k}", proba[2][rows, k])[:2]
        np.testing.assert_array_equal(line.get_data(), expected)
    area = roc_auc_score(labels, proba[2][rows], multi_class="ovr")
    assert display.axes_[2].get_title() == f"class0\nAUC {area:.2f}"
    texts = [text.get_text() for text in display.axes_[2].get_legend().get_texts()]
    assert texts == ["label0", "label1", "label2"]


def test_from_predictions_draws_what_from_estimator_draws(mixed):
    model, X, y = mixed
    weight = np.random.default_rng(0).integers(0, 3, y.shape).astype(float)
    predicted, proba = model.predict(X), model.predict_proba(X)
    predictions = [predicted[:, t] if p is None else p for t, p in enumerate(proba)]
    first = TaskPredictionDisplay.from_estimator(model, X, y, sample_weight=weight)
    second = TaskPredictionDisplay.from_predictions(
        y, predictions, tasks=model.tasks_, sample_weight=weight
    )
    for one, other in zip(first.predicted, second.predicted, strict=True):
        assert one.name == other.name
        assert one.score == other.score
        for name in ("labels", "predicted", "weight"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_weights_count_in_scores_and_curves(mixed):
    model, X, y = mixed
    weight = np.random.default_rng(0).integers(0, 4, y.shape)
    weighted = predicted_by(model, X, y, weight.astype(float))
    for t, task in enumerate(weighted):
        times = weight[:, t]
        repeated = predicted_by(model, X.loc[X.index.repeat(times)], y.loc[y.index.repeat(times)])[
            t
        ]
        np.testing.assert_allclose(task.score, repeated.score)
        if task.family == "curves":
            np.testing.assert_allclose(task.mean_curve(), repeated.mean_curve())


def test_an_unobserved_label_is_not_drawn(mixed):
    model, X, y = mixed
    weight = np.ones(y.shape)
    weight[::2] = 0.0
    hidden = y.copy()
    hidden.iloc[::2] = np.nan
    one = TaskPredictionDisplay.from_estimator(model, X, y, sample_weight=weight)
    other = TaskPredictionDisplay.from_estimator(model, X, hidden)
    offsets = [display.artists_["score0"].get_offsets() for display in (one, other)]
    np.testing.assert_array_equal(*offsets)
    lines = [display.artists_["yes0"][0].get_data() for display in (one, other)]
    np.testing.assert_array_equal(*lines)


def test_labels_without_probabilities_are_a_confusion_matrix(mixed):
    model, X, y = mixed
    predicted = model.predict(X)
    display = TaskPredictionDisplay.from_predictions(y, predicted, tasks=model.tasks_)
    for position, task in ((1, "yes0"), (2, "class0")):
        rows = known(y, task)
        labels = y.loc[rows, task].astype(str), predicted[rows, position].astype(str)
        expected = confusion_matrix(*labels, normalize="true")
        image = display.artists_[task]
        np.testing.assert_allclose(image.get_array(), expected)
        panel = display.axes_[position]
        classes = sorted(set(labels[0]))
        assert [label.get_text() for label in panel.get_xticklabels()] == classes
        assert [label.get_text() for label in panel.get_yticklabels()] == classes
        accuracy = np.mean(labels[0] == labels[1])
        assert panel.get_title() == f"{task}\naccuracy {accuracy:.2f}"


def test_classes_with_an_order_are_drawn_in_it():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    rank = np.digitize(X[:, 0] + rng.normal(size=200), [-0.5, 0.5])
    order = ["none", "some", "much"]
    y = pd.DataFrame({"trust": pd.Categorical.from_codes(rank, order, ordered=True)})
    model = MultiTaskLinear().fit(X, y)
    (probability,) = model.predict_proba(X)
    for display in (
        TaskPredictionDisplay.from_estimator(model, X, y),
        TaskPredictionDisplay.from_predictions(y, [probability], tasks=model.tasks_),
    ):
        legend = display.ax_.get_legend().get_texts()
        assert [text.get_text() for text in legend] == order
        for line, label in zip(display.artists_["trust"], order, strict=True):
            column = probability[:, model.classes_[0].tolist().index(label)]
            *rates, _ = roc_curve(y["trust"] == label, column)
            np.testing.assert_array_equal(line.get_data(), rates)
    display = TaskPredictionDisplay.from_predictions(y, model.predict(X), tasks=model.tasks_)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == order
    expected = confusion_matrix(y["trust"], model.predict(X)[:, 0], labels=order, normalize="true")
    np.testing.assert_allclose(display.artists_["trust"].get_array(), expected)


def test_scores_of_a_binary_task():
    rng = np.random.default_rng(0)
    y, scores = rng.integers(0, 2, 50), rng.normal(size=50)
    (task,) = predicted_in(y, scores)
    assert task.score == roc_auc_score(y, scores)
    (task,) = predicted_in(y, (scores > 0).astype(float))
    assert task.family == "labels"
    assert task.score == np.mean(y == (scores > 0))


def test_a_class_that_fit_did_not_see_counts_as_a_miss():
    X = np.linspace(0, 1, 8).reshape(-1, 1)
    model = IndependentTasks(tasks="multiclass").fit(X, np.array(list("aabbbabb"), dtype=object))
    y = np.array(list("abcabcab"), dtype=object)
    (task,) = predicted_by(model, X, y)
    assert set(task.labels) == {"a", "b", "c"}
    drawn = TaskPredictionDisplay([task]).plot().artists_[task.name]
    expected = roc_curve(y == "b", model.predict_proba(X)[:, 1])[:2]
    np.testing.assert_array_equal(drawn[0].get_data(), expected)


def test_nothing_to_draw_is_said():
    y = np.full((6, 3), np.nan)
    y[:, 0] = np.arange(6) / 4
    y[:, 1] = 1
    display = TaskPredictionDisplay.from_predictions(
        y, [np.arange(6.0), np.full(6, 0.5), np.arange(6.0)]
    )
    texts = [[text.get_text() for text in ax.texts] for ax in display.axes_]
    assert texts == [[], ["one class only"], ["no label"]]
    assert [display.artists_[t] is None for t in range(3)] == [False, True, True]


def test_long_form():
    X, y = make_multitask_regression(
        40, 3, n_tasks=4, n_informative=3, form="long", as_frame=True, random_state=0
    )
    task = next(name for name in X.columns if not name.startswith("x"))
    model = MultiTaskLinearRegressor("mean_deviation", alpha=0.1, task_feature=task).fit(X, y)
    display = TaskPredictionDisplay.from_estimator(model, X, y)
    names = X[task].to_numpy()
    assert list(display.artists_) == sorted(set(names))
    for name, points in display.artists_.items():
        expected = np.column_stack([model.predict(X), y])[names == name]
        np.testing.assert_array_equal(points.get_offsets(), expected)
    same = TaskPredictionDisplay.from_predictions(y, model.predict(X), task_ids=X[task])
    for one, other in zip(display.predicted, same.predicted, strict=True):
        np.testing.assert_array_equal(one.predicted, other.predicted)


def test_estimators_of_scikit_learn(mixed):
    _, X, _ = mixed
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(150, 2))
    forest = RandomForestRegressor(5, random_state=0).fit(X, numbers)
    display = TaskPredictionDisplay.from_estimator(forest, X, numbers)
    expected = np.column_stack([forest.predict(X)[:, 1], numbers[:, 1]])
    np.testing.assert_array_equal(display.artists_[1].get_offsets(), expected)
    classes = rng.integers(0, 2, (150, 2))
    tree = MultiOutputClassifier(DecisionTreeClassifier(max_depth=2)).fit(X, classes)
    display = TaskPredictionDisplay.from_estimator(tree, X, classes)
    expected = roc_curve(classes[:, 0], tree.predict_proba(X)[0][:, 1])[:2]
    np.testing.assert_array_equal(display.artists_[0][0].get_data(), expected)


def test_pipelines_and_searches():
    X, y = make_multitask_regression(40, 3, n_tasks=2, n_informative=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), MultiTaskLinear("l2"))
    search = GridSearchCV(pipeline, {"multitasklinear__alpha": [0.01]}, cv=2).fit(X, y)
    display = TaskPredictionDisplay.from_estimator(search, X, y)
    expected = np.column_stack([search.predict(X)[:, 0], y[:, 0]])
    np.testing.assert_allclose(display.artists_[0].get_offsets(), expected)


def test_points_are_thinned_evenly():
    y = np.arange(5000.0)
    display = TaskPredictionDisplay.from_predictions(y, y + 1)
    np.testing.assert_array_equal(display.artists_[0].get_offsets()[:, 1], y[::3])


def many_tasks(n_each=10, n_rows=80):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(n_rows, 3 * n_each))
    y[:, n_each : 2 * n_each] = y[:, n_each : 2 * n_each] > 0
    y[:, 2 * n_each :] = rng.integers(0, 3, (n_rows, n_each))
    y[rng.random(y.shape) < 0.3] = np.nan
    predictions = [
        *(rng.normal(size=n_rows) for _ in range(n_each)),
        *(rng.random(n_rows) for _ in range(n_each)),
        *(rng.integers(0, 3, n_rows) for _ in range(n_each)),
    ]
    frame = pd.DataFrame(y, columns=[f"t{t}" for t in range(3 * n_each)])
    types = ["regression"] * n_each + ["binary"] * n_each + ["multiclass"] * n_each
    return frame, predictions, types


def test_many_tasks_are_drawn_together_by_family():
    y, predictions, types = many_tasks()
    display = TaskPredictionDisplay.from_predictions(y, predictions, tasks=types)
    assert list(display.artists_) == ["numbers", "curves", "labels"]
    # Every observed number is in one of the hexagons.
    assert display.artists_["numbers"].get_array().sum() == y.iloc[:, :10].count().sum()
    curves = [task for task in display.predicted if task.family == "curves"]
    lines = display.artists_["curves"]
    assert len(lines) == 10
    for task, line in zip(curves, lines, strict=True):
        np.testing.assert_array_equal(line.get_data(), [GRID, task.mean_curve()])
    labels = [task for task in display.predicted if task.family == "labels"]
    points = display.artists_["labels"].get_offsets()
    most = [pd.Series(task.labels).value_counts(normalize=True).max() for task in labels]
    np.testing.assert_allclose(points, np.column_stack([most, [task.score for task in labels]]))


def test_nothing_to_draw_together_is_said():
    rng = np.random.default_rng(0)
    y = np.full((30, 8), np.nan)
    # Two of each family: of the curves there is one class, of the others no label or no event.
    y[:, 4:6] = 1.0
    y[:, 2:4] = -1.0
    predictions = [*rng.random((6, 30)), *rng.integers(0, 3, (2, 30))]
    types = ["regression"] * 2 + ["cox"] * 2 + ["binary"] * 2 + ["multiclass"] * 2
    display = TaskPredictionDisplay.from_predictions(y, predictions, tasks=types, kind="overlay")
    assert list(display.artists_) == ["numbers", "times", "curves", "labels"]
    texts = [[text.get_text() for text in ax.texts] for ax in display.axes_]
    assert texts == [["no label"], ["no event"], ["one class only"], ["no label"]]
    assert [ax.get_title() for ax in display.axes_] == [
        "2 tasks: numbers", "2 tasks: times", "2 tasks: classes", "2 tasks: labels"
    ]  # fmt: skip
    assert set(display.artists_.values()) == {None}


def test_the_worst_tasks_are_named():
    y, predictions, types = many_tasks()
    display = TaskPredictionDisplay.from_predictions(y, predictions, tasks=types)
    for panel, family in zip(display.axes_, display.artists_, strict=True):
        tasks = [task for task in display.predicted if task.family == family]
        worst = sorted(tasks, key=lambda task: task.score)[:3]
        texts = [text.get_text() for text in panel.texts]
        if panel.get_legend() is not None:
            texts += [text.get_text() for text in panel.get_legend().get_texts()]
        for task in worst:
            assert f"{task.name}: {task.score:.2f}" in "\n".join(texts)


def test_kind_overrides_the_number_of_tasks():
    y, predictions, types = many_tasks(n_each=5)
    assert len(TaskPredictionDisplay.from_predictions(y, predictions, tasks=types).axes_) == 3
    panels = TaskPredictionDisplay.from_predictions(y, predictions, tasks=types, kind="panels")
    assert len(panels.axes_) == 15
    few = TaskPredictionDisplay.from_predictions(
        y.iloc[:, :2], predictions[:2], tasks=types[:2], kind="overlay"
    )
    assert list(few.artists_) == ["numbers"]


def test_mean_curve_of_one_curve_is_that_curve():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    scores = y + rng.normal(size=4000)
    (task,) = predicted_in(y, scores)
    # The area below it, to the width of the grid.
    np.testing.assert_allclose(trapezoid(task.mean_curve(), GRID), task.score, atol=2e-3)
    assert task.mean_curve()[-1] == 1.0


def test_predictions_that_are_left_out():
    y = np.column_stack([np.arange(5.0), np.arange(5.0)])
    display = TaskPredictionDisplay.from_predictions(y, [None, np.arange(5.0)])
    assert list(display.artists_) == [1]
    model = LinearRegression().fit(y[:, :1], y[:, 1])
    assert model.predict(y[:, :1]).shape == (5,)
