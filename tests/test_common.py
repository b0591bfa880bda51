"""What scikit-learn asks of every estimator, and works together with."""

import pickle
import re
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    estimator_checks_generator,
)

import skmtl.compose
import skmtl.linear
import skmtl.neural
import skmtl.uncertainty
from skmtl import (
    MultiTaskLinearClassifier,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    make_multitask_scorer,
    task_scores,
)

from .registry import ANY_TYPES, CHECKED, DEFAULT_SEARCHES, DEFAULTS

every_estimator = pytest.mark.parametrize("name", sorted(ANY_TYPES))
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# Rows of weight 2 and rows that are there twice are other batches, another number of rows for what
# goes by that, and other draws of dropout. Networks without these are checked. What a blend trusts
# few labels with goes by how many they are in effect, which no factor on all weights changes.
# A row that is there twice can be on both sides of the folds that calibration learns from.
# Directions of labels that are fitted with next to no ridge (alpha="auto", more features than rows)
# are known to the digits of a Gram matrix; with a ridge test_reduced_rank checks them.
IN_EXPECTATION = re.compile(
    r"(MultiTaskMLP(?!.*dropout=0\.0)|TaskStacking|CalibratedTasks|ThresholdTasks|ReducedRankRegressor\(\)).*"
    "sample_weight_equivalence",
    re.DOTALL,
)
# These expect the most probable class to be predicted, or class weights to say what is.
OF_MOST_PROBABLE = re.compile(
    r"ThresholdTasks.*(classifiers_train|classifier_multioutput|class_weight_classifiers)",
    re.DOTALL,
)
CHECKS = [
    pytest.param(checked, check, id=name)
    for estimator in DEFAULTS + CHECKED
    for checked, check in estimator_checks_generator(estimator)
    if not IN_EXPECTATION.match(name := f"{estimator}-{check.func.__name__}")
    and not OF_MOST_PROBABLE.match(name)
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_check_estimator(estimator, check):
    check(estimator)


# How a search is built, and what it learns with its default alphas and folds: of the three runs
# of these two checks the plain one, as small searches go through those of other dtypes.
OF_SEARCHES = {
    "check_classifiers_train",
    "check_regressors_train",
    "check_estimator_cloneable",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_valid_tag_types",
    "check_estimators_unfitted",
}


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(checked, check, id=f"{estimator}-{check.func.__name__}")
        for estimator in DEFAULT_SEARCHES
        for checked, check in estimator_checks_generator(estimator)
        if check.func.__name__ in OF_SEARCHES
        and not {"readonly_memmap", "X_dtype"} & set(check.keywords)
    ],
)
def test_check_searches_with_their_defaults(estimator, check):
    check(estimator)


def test_every_public_estimator_is_checked_with_its_defaults():
    public = {
        found
        for room in (skmtl, skmtl.compose, skmtl.linear, skmtl.neural, skmtl.uncertainty)
        for found in (getattr(room, name) for name in room.__all__)
        if isinstance(found, type) and issubclass(found, BaseEstimator) and hasattr(found, "fit")
    }
    assert public == {type(estimator) for estimator in DEFAULTS + DEFAULT_SEARCHES}


@pytest.mark.parametrize("estimator", DEFAULTS + CHECKED, ids=str)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_checks_that_scikit_learn_keeps_to_itself(estimator, check):
    check(type(estimator).__name__, estimator)


@pytest.fixture
def frame():
    """Features of mixed kinds with gaps; two scores, a yes/no and a class, 40 % missing."""
    rng = np.random.default_rng(0)
    n = 120
    X = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(size=n)),
            "city": pd.Categorical(rng.choice(["Rome", "Oslo", "Lima"], n)),
        }
    )
    signal = (X["age"] - 40) / 10 + (X["city"] == "Oslo")
    Y = pd.DataFrame(
        {
            "read": signal + 0.3 * rng.normal(size=n),
            "math": 100 + 20 * signal + 5 * rng.normal(size=n),
            "lunch": np.where(signal + 0.5 * rng.normal(size=n) > 0.3, "yes", "no"),
            "grade": pd.Categorical(pd.cut(signal, 3, labels=["low", "mid", "high"]).astype(str)),
        }
    )
    return X, Y.mask(rng.random(Y.shape) < 0.4)


def pipeline(name, **options):
    preprocess = ColumnTransformer(
        [
            ("number", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
            ("city", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ]
    )
    return make_pipeline(preprocess, ANY_TYPES[name](**options))


def step(model):
    return model.steps[-1][0]


# What a search varies, by estimator.
GRID = {
    "independent": ("n_jobs", [None]),
    "mlp": ("alpha", [1e-4, 1e-2]),
    "mlp-cv": ("hidden_layer_sizes", [(4,), (8,)]),
    "kernel-ridge-cv": ("linear_share", [0.0, 0.1]),
    "pooled": ("task_encoding", [None, "onehot"]),
    "chain": ("stacking", [False, True]),
    "grouping": ("estimator__alpha", [1e-3, 1e-1]),
    "scaled": ("estimator__alpha", [1e-3, 1e-1]),
    "stacking": ("together__alpha", [1e-3, 1e-1]),
    "conformal": ("estimator__alpha", [1e-3, 1e-1]),
}
KEYS = ["mean", "read", "math", "lunch", "grade"]


def grid(model, name):
    parameter, values = GRID.get(name, ("alpha", [1e-3, 1e-1]))
    return {f"{step(model)}__{parameter}": values}


@every_estimator
def test_the_main_job(name, frame):
    X, Y = frame
    model = pipeline(name)
    search = GridSearchCV(model, grid(model, name), cv=3, scoring=task_scores, refit="mean")
    search.fit(X, Y)
    for task in KEYS:
        assert np.isfinite(search.cv_results_[f"mean_test_{task}"]).all()
    assert search.best_score_ == max(search.cv_results_["mean_test_mean"])
    predicted = search.predict(X)
    assert predicted.shape == Y.shape
    assert set(predicted[:, 2]) <= {"yes", "no"}
    proba = search.best_estimator_.predict_proba(X)
    assert [p is None for p in proba] == [True, True, False, False]
    assert proba[2].shape == (len(X), 2)
    np.testing.assert_allclose(proba[3].sum(axis=1), 1.0)
    assert (predicted[:, 3] == search.classes_[3][proba[3].argmax(axis=1)]).all()
    again = pickle.loads(pickle.dumps(search))
    assert (again.predict(X) == predicted).all()


@every_estimator
def test_two_jobs_give_the_same_scores(name, frame):
    X, Y = frame
    model = pipeline(name)
    parameters = {key: values[-1:] for key, values in grid(model, name).items()}
    one, two = (
        GridSearchCV(model, parameters, cv=2, scoring=task_scores, refit=False, n_jobs=n).fit(X, Y)
        for n in (1, 2)
    )
    for key in KEYS:
        column = f"split0_test_{key}"
        assert (one.cv_results_[column] == two.cv_results_[column]).all()


@every_estimator
def test_randomized_search(name, frame):
    X, Y = frame
    model = pipeline(name)
    search = RandomizedSearchCV(model, grid(model, name), n_iter=1, random_state=0).fit(X, Y)
    assert np.isfinite(search.best_score_)


@every_estimator
def test_cross_validate_and_learning_curve(name, frame):
    X, Y = frame
    scores = cross_validate(pipeline(name), X, Y, scoring=task_scores, cv=2)
    assert {f"test_{key}" for key in KEYS} <= set(scores)
    _, train, test = learning_curve(
        pipeline(name), X, Y, cv=2, train_sizes=[0.5, 1.0], scoring=make_multitask_scorer("r2")
    )
    assert np.isfinite(train).all()
    assert np.isfinite(test).all()


@every_estimator
def test_permutation_importance(name, frame):
    X, Y = frame
    model = pipeline(name, **({"max_iter": 300} if name == "mlp" else {})).fit(X, Y)
    found = permutation_importance(model, X, Y, n_repeats=2, random_state=0)
    mean = dict(zip(X.columns, found.importances_mean, strict=True))
    assert mean["age"] > mean["income"]


@every_estimator
def test_weights_of_every_label_pass_through_a_search(name, frame):
    X, Y = frame
    model = pipeline(name)
    weight = np.random.default_rng(0).uniform(0.5, 2, Y.shape)
    weight[:30] = 0.0
    fit_weight = {f"{step(model)}__sample_weight": weight}
    search = GridSearchCV(model, grid(model, name), cv=KFold(2)).fit(X, Y, **fit_weight)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    direct = clone(search.best_estimator_).fit(X, Y, **fit_weight)
    assert (direct.predict(X) == search.predict(X)).all()


@every_estimator
def test_clone_pickle_and_another_process(name, frame):
    X, Y = frame
    model = pipeline(name)
    fitted = model.fit(X, Y)
    predicted = fitted.predict(X)
    assert (pickle.loads(pickle.dumps(fitted)).predict(X) == predicted).all()
    assert (clone(fitted).fit(X, Y).predict(X) == predicted).all()
    elsewhere = joblib.Parallel(n_jobs=2)(joblib.delayed(fitted.predict)(X) for _ in range(2))
    assert all((p == predicted).all() for p in elsewhere)
    trained_elsewhere = joblib.Parallel(n_jobs=2)(
        joblib.delayed(clone(fitted).fit)(X, Y) for _ in range(2)
    )
    # What one process has compiled and another has loaded may round the last digit differently.
    for model in trained_elsewhere:
        for one, other in zip(model.predict(X).T, predicted.T, strict=True):
            if isinstance(one[0], str):
                assert (one == other).all()
            else:
                np.testing.assert_allclose(one.astype(float), other.astype(float), rtol=1e-9)


@every_estimator
def test_nan_in_a_plain_array_and_default_score(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = np.column_stack([X[:, 0] + 0.1 * rng.normal(size=60), (X[:, 1] > 0) * 1.0])
    Y[rng.random(Y.shape) < 0.3] = np.nan
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)
    model = ANY_TYPES[name]()
    search = GridSearchCV(model, {"tasks": ["auto"]}, cv=3).fit(X_train, Y_train)
    assert np.isfinite(search.best_score_)
    assert np.isfinite(search.score(X_test, Y_test))


@pytest.mark.parametrize("estimator", [MultiTaskMLPClassifier, MultiTaskLinearClassifier])
@pytest.mark.parametrize("labels", ["numbers", "strings"])
def test_classifiers_with_missing_labels_and_an_explicit_splitter(estimator, labels):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = pd.DataFrame((X[:, :2] > 0).astype(int), columns=["a", "b"])
    if labels == "strings":
        Y = Y.replace({0: "no", 1: "yes"}).astype(object)
    Y = Y.mask(rng.random(Y.shape) < 0.3)
    options = {"max_iter": 30, "random_state": 0} if "MLP" in estimator.__name__ else {}
    search = GridSearchCV(
        estimator(**options), {"alpha": [1e-3, 1e-2]}, cv=KFold(5), error_score="raise"
    ).fit(X, Y)
    assert search.best_score_ > 0.6
    assert search.predict(X).dtype.kind == ("O" if labels == "strings" else "i")


@every_estimator
def test_cross_val_predict(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = (X[:, :2] + rng.normal(size=(60, 2)) > 0) * 1.0
    proba = cross_val_predict(ANY_TYPES[name](tasks="binary"), X, Y, method="predict_proba")
    assert [p.shape for p in proba] == [(60, 2), (60, 2)]
    Y[::4, 1] = np.nan
    assert cross_val_predict(ANY_TYPES[name](), X, Y).shape == (60, 2)
    # scikit-learn makes a class of NaN before fit: a declared type tells, instead of three
    # columns of probabilities for a yes/no task.
    with pytest.raises(ValueError, match=r"Task 1 is declared binary.*encodes a missing label"):
        cross_val_predict(ANY_TYPES[name](tasks="binary"), X, Y, method="predict_proba")


MIXED_LABELS = {
    "mixed": lambda X: np.column_stack([X[:, 0], X[:, 1] > 0]),
    "frame": lambda X: pd.DataFrame({"size": X[:, 0], "ill": np.where(X[:, 1] > 0, "yes", "no")}),
    "missing": lambda X: np.column_stack([X[:, 2] > 0, np.where(X[:, 0] > 1, np.nan, X[:, 1] > 0)]),
}


@every_estimator
@pytest.mark.parametrize("labels", MIXED_LABELS.values(), ids=MIXED_LABELS)
def test_cross_val_predict_says_what_it_does_to_labels(labels, name):
    X = np.random.default_rng(0).normal(size=(60, 3))
    model, Y = ANY_TYPES[name](), labels(X)
    with pytest.raises(ValueError, match=r"no class probabilities of 1 of 2 tasks.*Loop over the"):
        cross_val_predict(model, X, Y, method="predict_proba")
    assert cross_val_predict(model, X, Y).shape == (60, 2)
    # Elsewhere None says that a task has none.
    Y = Y if labels is not MIXED_LABELS["missing"] else np.column_stack([X[:, 0], Y[:, 1]])
    assert model.fit(X, Y).predict_proba(X)[0] is None


def test_cross_val_predict_says_so_where_no_task_is_left_with_classes():
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = np.where(X[:, 0] > 1, np.nan, X[:, 1] > 0)
    with pytest.raises(AttributeError) as raised:
        cross_val_predict(ANY_TYPES["linear"](), X, y, method="predict_proba")
    assert "Loop over the folds" in str(raised.value.__cause__)
    frame = pd.DataFrame({"a": X[:, 0] > 0, "b": X[:, 1] > 0})
    model = ANY_TYPES["linear"](tasks={"a": "binary", "b": "binary"})
    with pytest.raises(ValueError, match="tasks names the task 'a'") as raised:
        cross_val_predict(model, X, frame, method="predict_proba")
    assert "names of tasks are lost" in raised.value.__notes__[0]
    with pytest.raises(AttributeError) as raised:
        ANY_TYPES["linear"]().fit(X, X[:, 0]).predict_proba(X)
    assert "all were read as numbers" in str(raised.value.__cause__)
    assert "cross_val_predict" not in str(raised.value.__cause__)


def test_convergence_is_not_silenced():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = MultiTaskMLP(learning_rate="constant", max_iter=1, random_state=0)
        model.fit(np.eye(4), np.eye(4)[:, :1] + 1)
    assert any(issubclass(w.category, ConvergenceWarning) for w in caught)
