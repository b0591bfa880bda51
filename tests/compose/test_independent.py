"""IndependentTasks equals what a loop over the tasks gives."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import is_classifier, is_regressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Lars, LogisticRegression, PoissonRegressor, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmtl import IndependentTasks, stack_tasks
from skmtl.tasks import Binary, Multiclass

TYPES = ["regression", "binary", "multiclass", "count"]


@pytest.fixture
def mixed():
    """Features and one task of each type, a fifth of the labels missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    y = pd.DataFrame(
        {
            "length": 3 + X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * rng.normal(size=80),
            "ill": pd.array(X[:, 0] + rng.normal(size=80) > 0, dtype="boolean"),
            "kind": np.array(["a", "b", "c"])[np.digitize(X[:, 1], [-0.4, 0.4])],
            "visits": rng.poisson(np.exp(0.5 * X[:, 2])).astype(float),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.2)


@parametrize_with_checks([IndependentTasks(), IndependentTasks(regressor=Ridge())])
@pytest.mark.filterwarnings("ignore:.*is for none of the tasks")
def test_sklearn_checks(estimator, check):
    check(estimator)


def test_equals_one_estimator_a_task(mixed):
    X, y = mixed
    model = IndependentTasks(tasks=TYPES).fit(X, y)
    expected = [Ridge(), LogisticRegression(), LogisticRegression(), PoissonRegressor()]
    prediction = model.predict(X)
    for t, estimator in enumerate(expected):
        rows = y.iloc[:, t].notna().to_numpy()
        labels = y.iloc[:, t][rows].to_list()
        estimator.fit(X[rows], labels)
        assert (estimator.predict(X) == prediction[:, t]).all()
        if is_classifier(estimator):
            assert (estimator.predict_proba(X) == model.predict_proba(X)[t]).all()
    assert model.task_names_in_.tolist() == list(y.columns)
    assert [type(estimator) for estimator in model.estimators_] == [type(e) for e in expected]
    assert model.classes_[1].tolist() == [False, True]
    assert model.classes_[3] is None
    assert model.predict_proba(X)[0] is None


def test_is_neither_classifier_nor_regressor():
    assert not is_classifier(IndependentTasks())
    assert not is_regressor(IndependentTasks())


def test_score_is_the_mean_of_the_tasks(mixed):
    X, y = mixed
    whole = IndependentTasks(tasks=TYPES).fit(X, y).score(X, y)
    parts = [
        IndependentTasks(tasks=[TYPES[t]]).fit(X, y.iloc[:, [t]]).score(X, y.iloc[:, [t]])
        for t in range(4)
    ]
    assert whole == pytest.approx(np.mean(parts), rel=1e-12)


def test_given_regressor_also_fits_counts(mixed):
    X, y = mixed
    model = IndependentTasks(regressor=Ridge(alpha=3.0), tasks=TYPES).fit(X, y)
    assert repr(model.estimators_[3]) == "Ridge(alpha=3.0)"


def test_missing_is_weight_zero(mixed):
    X, y = mixed
    weight = np.ones(y.shape)
    weight[::4, 0] = 0
    gaps = y.copy()
    gaps.iloc[::4, 0] = np.nan
    weighted = IndependentTasks(tasks=TYPES).fit(X, y, sample_weight=weight)
    missing = IndependentTasks(tasks=TYPES).fit(X, gaps)
    assert (weighted.predict(X) == missing.predict(X)).all()


def test_weights_reach_the_estimator(mixed):
    X, y = mixed
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=len(X))
    model = IndependentTasks(tasks=TYPES).fit(X, y, sample_weight=weight)
    rows = y["length"].notna().to_numpy()
    expected = Ridge().fit(X[rows], y["length"][rows], weight[rows])
    assert (model.predict(X)[:, 0] == expected.predict(X)).all()


@pytest.mark.parametrize(
    "regressor",
    [
        make_pipeline(StandardScaler(), Ridge()),
        GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2),
        GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 1.0]}, cv=2),
    ],
)
def test_weights_reach_the_last_step(regressor, mixed):
    X, y = mixed
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=len(X))
    y = y[["length"]]
    plain = IndependentTasks(regressor).fit(X, y).predict(X)
    weighted = IndependentTasks(regressor).fit(X, y, sample_weight=weight).predict(X)
    assert not np.allclose(plain, weighted)


def test_weights_for_an_estimator_that_takes_none(mixed):
    X, y = mixed
    y = y[["length"]]
    weight = np.where(np.arange(len(X)) % 2, 1.0, 0.0)
    IndependentTasks(Lars()).fit(X, y, sample_weight=weight)
    with pytest.raises(ValueError, match="Task 'length' has labels of different weight, but Lars"):
        IndependentTasks(Lars()).fit(X, y, sample_weight=weight + 1)


def test_class_weight_is_a_weight(mixed):
    X, y = mixed
    rows = y["kind"].notna().to_numpy()
    model = IndependentTasks(tasks=[Multiclass(class_weight="balanced")]).fit(X, y[["kind"]])
    expected = LogisticRegression(class_weight="balanced").fit(X[rows], y["kind"][rows])
    np.testing.assert_allclose(model.predict_proba(X)[0], expected.predict_proba(X), atol=1e-3)


def test_classifier_without_probabilities(mixed):
    X, y = mixed
    model = IndependentTasks(classifier=RidgeClassifier()).fit(X, y[["kind"]])
    rows = y["kind"].notna().to_numpy()
    expected = RidgeClassifier().fit(X[rows], y["kind"][rows]).predict(X)
    assert (model.predict(X)[:, 0] == expected).all()
    proba = model.predict_proba(X)[0]
    assert set(np.unique(proba)) == {0.0, 1.0}
    assert (proba.sum(axis=1) == 1).all()


def test_nothing_to_learn(mixed):
    X, _ = mixed
    y = np.zeros((len(X), 6))
    y[:, 0] = X[:, 0]
    y[:, [1, 2]] = np.nan
    y[1:, 3] = np.nan
    tasks = ["regression", "regression", "binary", "regression", Binary(classes=[0, 1]), "count"]
    with pytest.warns(UserWarning) as caught:
        model = IndependentTasks(tasks=tasks).fit(X, y)
    assert [str(warning.message) for warning in caught] == [
        "2 tasks (1, 2): no observed label; the prediction is NaN or, for classes, uniform.",
        "Task 3: one observed label; little can be learned from it.",
        "Task 4: one observed class; the prediction is constant.",
    ]
    assert {warning.filename for warning in caught} == {__file__}
    assert [estimator is None for estimator in model.estimators_] == [0, 1, 1, 0, 1, 1]
    prediction = model.predict(X)
    assert np.isnan(prediction[:, 1]).all()
    assert (model.predict_proba(X)[2] == 0.5).all()
    assert (prediction[:, 3:] == 0).all()
    assert (model.predict_proba(X)[4] == [1.0, 0.0]).all()
    alone = IndependentTasks(tasks=["regression"]).fit(X, y[:, [0]])
    assert (alone.predict(X)[:, 0] == prediction[:, 0]).all()


def test_declared_classes_without_labels_have_probability_zero(mixed):
    X, y = mixed
    model = IndependentTasks(tasks=[Multiclass(classes=["a", "b", "c", "d"])]).fit(X, y[["kind"]])
    proba = model.predict_proba(X)[0]
    assert (proba[:, 3] == 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)


def test_one_dimensional_y(mixed):
    X, y = mixed
    labels = y["kind"].fillna("b").to_numpy()
    model = IndependentTasks().fit(X, labels)
    assert model.predict(X).shape == (80,)
    assert model.predict_proba(X).shape == (80, 3)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert (model.predict(X) == LogisticRegression().fit(X, labels).predict(X)).all()


@pytest.mark.parametrize("n_jobs", [2, -1])
def test_n_jobs_changes_nothing(n_jobs, mixed):
    X, y = mixed
    forest = RandomForestRegressor(n_estimators=5, random_state=0)
    one = IndependentTasks(regressor=forest, tasks=TYPES).fit(X, y)
    many = IndependentTasks(regressor=forest, tasks=TYPES, n_jobs=n_jobs).fit(X, y)
    assert (one.predict(X) == many.predict(X)).all()


def test_nested_parameters_are_searched(mixed):
    X, y = mixed
    search = GridSearchCV(
        IndependentTasks(regressor=Ridge(), classifier=DecisionTreeClassifier(random_state=0)),
        {"regressor__alpha": [0.1, 1e6], "classifier__max_depth": [1, 2]},
        cv=3,
    ).fit(X, y)
    assert search.best_params_["regressor__alpha"] == 0.1
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert np.isfinite(cross_val_score(make_pipeline(StandardScaler(), search), X, y, cv=2)).all()


def test_permuting_tasks_permutes_predictions(mixed):
    X, y = mixed
    order = [2, 0, 3, 1]
    types = dict(zip(y.columns, TYPES, strict=True))
    first = IndependentTasks(tasks=types).fit(X, y).predict(X)
    second = IndependentTasks(tasks=types).fit(X, y.iloc[:, order]).predict(X)
    assert (first[:, order] == second).all()


def test_sparse_and_pickle(mixed):
    X, y = mixed
    y = y[["length", "kind"]]
    dense = IndependentTasks().fit(X, y)
    scarce = pickle.loads(pickle.dumps(IndependentTasks().fit(sparse.csr_array(X), y)))
    assert np.allclose(
        dense.predict(X)[:, 0].astype(float),
        scarce.predict(sparse.csr_array(X))[:, 0].astype(float),
        atol=1e-3,
    )


def test_takes_sparse_X_where_its_parts_do():
    assert get_tags(IndependentTasks()).input_tags.sparse
    assert get_tags(IndependentTasks(Ridge())).input_tags.sparse
    assert not get_tags(IndependentTasks(GaussianProcessRegressor())).input_tags.sparse


def test_inputs_are_not_modified(mixed):
    X, y = mixed
    before = X.copy(), y.copy()
    IndependentTasks(tasks=TYPES).fit(X, y).score(X, y)
    assert (before[0] == X).all()
    pd.testing.assert_frame_equal(y, before[1])


def test_a_failed_fit_leaves_the_estimator_as_it_was(mixed):
    X, y = mixed
    model = IndependentTasks().fit(X, y[["length"]])
    before = model.predict(X)
    model.set_params(regressor=Lars(fit_path=True))
    with pytest.raises(ValueError, match="takes no sample_weight"):
        model.fit(X[:, :2], y[["length"]], sample_weight=np.full(80, 2.0))
    assert (model.predict(X) == before).all()


class TestLongForm:
    """One estimator per task value."""

    @pytest.fixture
    def schools(self):
        rng = np.random.default_rng(0)
        X_list = [rng.normal(size=(n, 3)) for n in (30, 5, 20)]
        y_list = [X @ rng.normal(size=3) + t for t, X in enumerate(X_list)]
        return X_list, y_list

    def test_equals_a_loop(self, schools):
        X_list, y_list = schools
        X, y = stack_tasks(X_list, y_list, names=[7, 3, 5])
        shuffled = np.random.default_rng(1).permutation(len(X))
        model = IndependentTasks(task_feature=0).fit(X[shuffled], y[shuffled])
        assert model.task_names_in_.tolist() == [3, 5, 7]
        prediction = model.predict(X)
        for name, X_t, y_t in zip([7, 3, 5], X_list, y_list, strict=True):
            expected = Ridge().fit(X_t, y_t).predict(X_t)
            np.testing.assert_allclose(prediction[X[:, 0] == name], expected, rtol=1e-10)
        assert len(model.estimators_) == 3
        assert not hasattr(model, "pooled_estimator_")

    def test_by_name(self, schools):
        X_list, y_list = schools
        frames = [pd.DataFrame(X, columns=["a", "b", "c"]) for X in X_list]
        X, y = stack_tasks(frames, y_list, names=["north", "south", "east"])
        X = X[["a", "task", "b", "c"]]
        model = IndependentTasks(task_feature="task").fit(X, y)
        expected = Ridge().fit(X_list[1], y_list[1]).predict(X_list[1])
        south = (X["task"] == "south").to_numpy()
        np.testing.assert_allclose(model.predict(X[south]), expected, rtol=1e-10)

    def test_unknown_task(self, schools):
        X, y = stack_tasks(*schools)
        new = X[:4].copy()
        new[:, 0] = 9
        with pytest.raises(ValueError, match=r"Unknown task 9(\.0)? in 4 rows of X"):
            IndependentTasks(task_feature=0).fit(X, y).predict(new)
        model = IndependentTasks(task_feature=0, unknown_task="shared").fit(X, y)
        expected = Ridge().fit(X[:, 1:], y).predict(new[:, 1:])
        np.testing.assert_allclose(model.predict(new), expected, rtol=1e-12)
        both = np.vstack([X[:4], new])
        expected = np.r_[model.predict(X[:4]), expected]
        np.testing.assert_allclose(model.predict(both), expected, rtol=1e-12)

    def test_refit_without_shared_forgets_the_pooled_estimator(self, schools):
        X, y = stack_tasks(*schools)
        model = IndependentTasks(task_feature=0, unknown_task="shared").fit(X, y)
        assert not hasattr(model.set_params(unknown_task="error").fit(X, y), "pooled_estimator_")

    def test_classes_of_one_task(self):
        X = np.column_stack([np.repeat([0, 1, 2, 3], 6), np.tile(np.arange(6.0), 4)])
        y = np.array(["a", "b", "c"] * 2 + ["b"] * 6 + ["a", "c"] * 3 + [None] * 6, dtype=object)
        with pytest.warns(UserWarning) as caught:
            model = IndependentTasks(task_feature=0).fit(X, y)
        assert [str(warning.message) for warning in caught] == [
            "Task 3: no observed label; the prediction is NaN or, for classes, uniform.",
            "Task 1: one observed class; the prediction is constant.",
        ]
        assert [estimator is None for estimator in model.estimators_] == [0, 1, 0, 1]
        proba = model.predict_proba(X)
        assert (proba[6:12] == [0, 1, 0]).all()
        assert (proba[12:18, 1] == 0).all()
        assert (proba[18:] == 1 / 3).all()

    def test_a_task_without_labels_predicts_nan(self, schools):
        X, y = stack_tasks(*schools)
        y[X[:, 0] == 1] = np.nan
        with pytest.warns(UserWarning, match="Task 1: no observed label"):
            model = IndependentTasks(task_feature=0, unknown_task="shared").fit(X, y)
        assert (np.isnan(model.predict(X)) == (X[:, 0] == 1)).all()


def test_no_warning_of_its_own(mixed):
    X, y = mixed
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        IndependentTasks(tasks=TYPES).fit(X, y).predict(X)
