"""Importances are scikit-learn's, task by task, and labels that are missing have no say."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import (
    IndependentTasks,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    MultiTaskMLP,
    make_multitask_scorer,
    task_scores,
)
from skmtl.inspection import TaskImportanceDisplay, task_importance

N_ROWS = 80
NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def mixed():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(N_ROWS, 4)), columns=NAMES)
    y = pd.DataFrame(
        {
            "score": X["a"] + 0.1 * rng.normal(size=N_ROWS),
            "ill": np.where(X["b"] > 0, "yes", "no"),
            "grade": np.digitize(X["c"], [-0.5, 0.5]).astype(str),
            "visits": rng.poisson(np.exp(X["d"])),
        }
    )
    return X, y


TYPES = {"visits": "count"}


def model_of(y, **kw):
    return IndependentTasks(tasks={name: t for name, t in TYPES.items() if name in y}, **kw)


def test_complete_labels_have_the_numbers_of_scikit_learn(mixed):
    X, y = mixed
    model = model_of(y).fit(X, y)
    found = task_importance(model, X, y, n_repeats=4, random_state=3)
    assert found.task_names == list(y)
    assert found.feature_names == NAMES
    scores = task_scores(model, X, y)
    for t, name in enumerate(y):
        scorer = make_multitask_scorer(task=name)
        theirs = permutation_importance(model, X, y, scoring=scorer, n_repeats=4, random_state=3)
        np.testing.assert_allclose(found.repeats[:, :, t].T, theirs.importances, atol=1e-12)
        np.testing.assert_allclose(found.importance[:, t], theirs.importances_mean, atol=1e-12)
        assert found.score[t] == scores[name]
    assert found.is_important.diagonal().all()
    assert found.importance.argmax(axis=0).tolist() == [0, 1, 2, 3]


def test_intervals_are_those_of_student(mixed):
    X, y = mixed
    model = model_of(y).fit(X, y)
    found = task_importance(model, X, y, n_repeats=6, confidence=0.9, random_state=0)
    low, high = stats.t.interval(
        0.9, 5, loc=found.repeats.mean(axis=0), scale=stats.sem(found.repeats, axis=0)
    )
    varies = found.repeats.std(axis=0) > 0
    np.testing.assert_allclose(found.interval[varies], np.stack([low, high], -1)[varies])
    once = task_importance(model, X, y, n_repeats=1, random_state=0)
    np.testing.assert_allclose(once.importance, found.repeats[0])
    assert np.isnan(once.interval).all()
    assert not once.is_important.any()


def test_what_is_unobserved_has_no_say(mixed):
    X, y = mixed
    model = model_of(y).fit(X, y)
    weight = np.ones(y.shape)
    weight[np.random.default_rng(1).random(y.shape) < 0.4] = 0
    weight[::5] = 0
    gappy, other = y.mask(weight == 0), y.copy()
    for name in y:
        other.loc[weight[:, list(y).index(name)] == 0, name] = y[name].iloc[0]
    expected = task_importance(model, X, gappy, n_repeats=3, random_state=0)
    found = task_importance(model, X, other, sample_weight=weight, n_repeats=3, random_state=0)
    assert (found.repeats == expected.repeats).all()
    assert found.n_labels.tolist() == (weight > 0).sum(axis=0).tolist()
    # Rows without any label are as good as absent.
    some = (weight > 0).any(axis=1)
    fewer = task_importance(model, X[some], gappy[some], n_repeats=3, random_state=0)
    assert (fewer.repeats == expected.repeats).all()


def test_a_task_without_labels_to_score_is_nan(mixed):
    X, y = mixed
    model = model_of(y).fit(X, y)
    found = task_importance(model, X, y.assign(score=np.nan), n_repeats=2, random_state=0)
    assert np.isnan(found.importance[:, 0]).all()
    assert np.isfinite(found.importance[:, 1:]).all()
    assert not found.is_important[:, 0].any()
    with pytest.raises(ValueError, match="y has no label to score"):
        task_importance(model, X, y.map(lambda _: np.nan))


def test_metrics_of_scikit_learn(mixed):
    X, y = mixed
    model = model_of(y).fit(X, y)
    found = task_importance(model, X, y, scoring="roc_auc_ovr", n_repeats=2, random_state=0)
    assert found.task_names == ["ill", "grade"]
    scorer = make_multitask_scorer({"binary": "roc_auc", "regression": "r2"}, average=None)
    both = task_importance(model, X, y, scoring=scorer, n_repeats=2, random_state=0)
    assert {"score", "ill"} <= set(both.task_names)
    ill = both.task_names.index("ill")
    np.testing.assert_allclose(both.repeats[..., ill], found.repeats[..., 0])


def test_long_form_permutes_within_tasks(mixed):
    X, _ = mixed
    rng = np.random.default_rng(2)
    parts = [X.to_numpy() + shift for shift in (0.0, 100.0)]
    labels = [part @ [1.0, shift, 0.0, 0.0] for part, shift in zip(parts, (0.0, 1.0), strict=True)]
    order = rng.permutation(2 * N_ROWS)
    names = np.repeat(["north", "south"], N_ROWS).astype(object)
    X_long = np.column_stack([names, np.vstack(parts).astype(object)])[order]
    y_long = np.concatenate(labels)[order]
    model = IndependentTasks(task_feature=0).fit(X_long, y_long)
    found = task_importance(model, X_long, y_long, n_repeats=3, random_state=1)
    assert found.task_names == ["north", "south"]
    assert found.feature_names == [1, 2, 3, 4]
    assert found.is_important.tolist() == [[True, True], [False, True], [False] * 2, [False] * 2]
    for t, name in enumerate(found.task_names):
        own = X_long[:, 0] == name
        theirs = permutation_importance(
            model, X_long[own], y_long[own], scoring="r2", n_repeats=3, random_state=1
        )
        np.testing.assert_allclose(found.repeats[:, :, t].T, theirs.importances[1:], atol=1e-9)
    with pytest.raises(ValueError, match="which task a row belongs to"):
        task_importance(model, X_long, y_long, features=[0])


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_the_task_feature_of_a_pipeline_is_no_feature(mixed, output):
    X, y = mixed
    X = X.assign(site=["n", "s", "s", "n"] * (N_ROWS // 4))[["a", "site", "b", "c"]]
    steps = make_column_transformer((StandardScaler(), ["a", "b", "c"]), ("passthrough", ["site"]))
    options = {"n_repeats": 2, "random_state": 0}
    found = []
    for task_feature in (-1,) if output == "default" else (-1, "site"):
        model = MultiTaskLinear("mean_deviation", task_feature=task_feature)
        model = make_pipeline(steps.set_output(transform=output), model).fit(X, y["score"])
        found.append(task_importance(model, X, y["score"], **options))
        assert found[-1].feature_names == ["a", "b", "c"]
        assert found[-1].task_names == ["n", "s"]
        assert (found[-1].repeats == found[0].repeats).all()
        with pytest.raises(ValueError, match="features='site' has the column that says"):
            task_importance(model, X, y["score"], features=["site"])


def test_a_task_feature_that_is_sparse(mixed):
    X, y = mixed
    X = sparse.csr_array(np.column_stack([X, np.arange(N_ROWS) % 3]))
    model = MultiTaskLinear("mean_deviation", task_feature=4).fit(X, y["score"])
    assert task_importance(model, X, y["score"], n_repeats=1).feature_names == [0, 1, 2, 3]


CONTAINERS = {
    "array": lambda X: X.to_numpy(),
    "list": lambda X: X.to_numpy().tolist(),
    "polars": pl.DataFrame,
    "arrow": pa.Table.from_pandas,
    "csr": lambda X: sparse.csr_array(X.to_numpy()),
    "csc": lambda X: sparse.csc_matrix(X.to_numpy()),
    "fortran": lambda X: np.asfortranarray(X.to_numpy()),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(mixed, container):
    X, y = mixed
    X = X.where(X.abs() > 0.3, 0.0)
    data = CONTAINERS[container](X)
    before = data.copy() if hasattr(data, "copy") else data
    options = {"n_repeats": 2, "random_state": 0}
    model = MultiTaskLinear(alpha=0.01, tol=1e-10)
    expected = task_importance(clone(model).fit(X, y), X, y, **options)
    found = task_importance(model.fit(data, y), data, y, **options)
    np.testing.assert_allclose(found.repeats, expected.repeats, atol=1e-6, rtol=1e-5)
    if hasattr(data, "copy"):
        same = data != before
        assert not (same.nnz if sparse.issparse(same) else np.any(same))


def test_groups_of_columns_of_a_table_before_a_pipeline(mixed):
    X, y = mixed
    X["ward"] = pd.Categorical(np.where(X["a"] > 0, "east", "west"))
    X["copy"] = X["a"]
    before = X.copy()
    numbers = (StandardScaler(), [*NAMES, "copy"])
    steps = make_column_transformer((OneHotEncoder(), ["ward"]), numbers)
    model = make_pipeline(steps, MultiTaskLinearRegressor("l2", alpha=0.01))
    model.fit(X, y[["score"]])
    groups = {"twins": ["a", "copy"], "place": "ward", "b": ["b"]}
    found = task_importance(model, X, y[["score"]], features=groups, random_state=0)
    assert found.feature_names == list(groups)
    assert found.is_important[0]
    alone = task_importance(model, X, y[["score"]], features=["a", "copy"], random_state=0)
    assert found.importance[0, 0] > 2 * alone.importance.max()
    pd.testing.assert_frame_equal(X, before)
    search = GridSearchCV(model, {"multitasklinearregressor__alpha": [0.01]}, cv=2)
    again = task_importance(search.fit(X, y[["score"]]), X, y[["score"]], random_state=0)
    assert again.feature_names == list(X)
    with pytest.raises(ValueError, match=r"'coyp', which is no column of X.*Did you mean 'copy'"):
        task_importance(model, X, y[["score"]], features=["coyp"])
    with pytest.raises(ValueError, match="features='none' has no columns"):
        task_importance(model, X, y[["score"]], features={"none": []})


def test_the_same_seed_and_any_n_jobs(mixed):
    X, y = mixed
    model = MultiTaskMLP((4,), max_iter=3, random_state=0).fit(X, y)
    one, two = (
        task_importance(model, X, y, n_repeats=2, random_state=0, n_jobs=jobs) for jobs in (None, 2)
    )
    assert (one.repeats == two.repeats).all()
    assert (task_importance(model, X, y, n_repeats=2, random_state=1).repeats != one.repeats).any()


def test_classifiers_lose_accuracy(mixed):
    X, y = mixed
    y = y[["ill", "grade"]]
    model = MultiTaskLinearClassifier(alpha=0.001).fit(X, y)
    found = task_importance(model, X, y, random_state=0)
    assert found.score.tolist() == list(task_scores(model, X, y).values())[2:]
    assert found.to_frame().idxmax().to_dict() == {"ill": "b", "grade": "c"}


def test_others_are_refused(mixed):
    X, y = mixed
    with pytest.raises(TypeError, match="got DummyRegressor; IndependentTasks makes one"):
        task_importance(DummyRegressor().fit(X, y[["score"]]), X, y[["score"]])


def test_the_display_draws_what_it_is_given(mixed):
    X, y = mixed
    model = model_of(y).fit(X, y)
    found = task_importance(model, X, y, n_repeats=2, random_state=0)
    display = TaskImportanceDisplay.from_importance(found, max_features=2)
    assert set(display.points_) == set(y)
    worth = found.importance.mean(axis=1)
    assert display.order_.tolist() == np.argsort(-worth)[:2].tolist()
    for t, points in enumerate(display.points_.values()):
        np.testing.assert_allclose(points.get_offsets()[:, 0], found.importance[display.order_, t])
    in_order = TaskImportanceDisplay(found).plot(sort=False, max_features=None)
    assert in_order.order_.tolist() == [0, 1, 2, 3]
    assert display.image_ is None


def test_the_text_has_the_features_that_matter_most_in_front(mixed):
    X, y = mixed
    found = task_importance(model_of(y).fit(X, y), X, y, n_repeats=2, random_state=0)
    sentence, heads, *lines = repr(found).splitlines()
    assert sentence == "Importance of 4 features for 4 tasks: how much a score falls without it."
    assert heads.split() == ["feature", "mean", "fall", "most", "for", "fall", "there"]
    order = np.argsort(-found.importance.mean(axis=1))
    assert [line.split()[0] for line in lines] == [NAMES[j] for j in order]
    assert [line.split()[2] for line in lines] == [list(y)[j] for j in order]
    table = found._repr_html_()
    assert table.startswith(f"<p>{sentence}</p><table>") and table.count("<tr>") == 5


def test_a_frame_without_pandas_says_what_to_install(mixed, monkeypatch):
    X, y = mixed
    found = task_importance(model_of(y).fit(X, y), X, y, n_repeats=2, random_state=0)
    assert found.to_frame().loc["a", "score"] == found.importance[0, 0]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame needs pandas: pip install pandas"):
        found.to_frame()
