"""TaskStacking: held-out predictions as a loop by hand makes them, and what is made of them."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, StackingRegressor
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskLinearRegressor
from skmtl._blending import before_a_constant, blend_weights
from skmtl.compose import TaskStacking
from skmtl.tasks import Quantile, censored
from skmtl.tasks._read_targets import read_targets

TREE = DecisionTreeRegressor(max_depth=3, random_state=0)
CLASS_TREE = DecisionTreeClassifier(max_depth=3, random_state=0)


def pair(**kw):
    return TaskStacking([("ridge", Ridge()), ("tree", TREE)], **kw)


@pytest.fixture
def complete():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    Y = np.column_stack([X @ [1.0, 2.0, 0.0], np.abs(X[:, 0]), X[:, 1] + np.abs(X[:, 2])])
    return X, Y + 0.3 * rng.normal(size=Y.shape)


@pytest.fixture
def gaps(complete):
    X, Y = complete
    Y[np.random.default_rng(1).random(Y.shape) < 0.4] = np.nan
    return X, Y


@pytest.fixture
def mixed(complete):
    X, Y = complete
    rng = np.random.default_rng(2)
    y = pd.DataFrame(
        {
            "size": Y[:, 0],
            "visits": rng.poisson(np.exp(0.5 * X[:, 1])),
            "ill": np.where(Y[:, 1] > 0.8, "yes", "no"),
            "kind": np.digitize(Y[:, 2], [0.0, 1.0]).astype(str),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.2)


MIXED = [
    ("together", MultiTaskLinear("l2", alpha=0.01)),
    ("numbers", TREE),
    ("classes", CLASS_TREE),
]
TYPES = {"visits": "count"}


class TestByHand:
    def test_weights_and_predictions(self, complete):
        X, Y = complete
        cv = KFold(4, shuffle=True, random_state=3)
        members = [Ridge(), TREE]
        said = [cross_val_predict(m, X, Y, cv=cv) for m in members[:1]]
        said.append(np.column_stack([cross_val_predict(clone(TREE), X, y, cv=cv) for y in Y.T]))
        constant = np.empty_like(Y)
        for train, test in cv.split(X):
            constant[test] = Y[train].mean(axis=0)

        def weigh(rows):
            members = [list(p[rows].T) for p in [*said, constant]]
            return blend_weights(members, read_targets(Y[rows]), centre=before_a_constant(3))

        weights = weigh(np.arange(len(Y)))
        model = pair(cv=cv).fit(X, Y)
        np.testing.assert_allclose(list(model.weights_.values()), weights, atol=1e-9)
        assert list(model.weights_) == ["ridge", "tree", "constant"]
        by_hand = np.empty_like(Y)
        for train, test in cv.split(X):
            of_others = zip(weigh(train), [*said, constant], strict=True)
            by_hand[test] = sum(w * p[test] for w, p in of_others)
        np.testing.assert_allclose(np.column_stack(model.out_of_fold_), by_hand)
        tree = np.column_stack([clone(TREE).fit(X, y).predict(X) for y in Y.T])
        expected = (
            weights[0] * Ridge().fit(X, Y).predict(X)
            + weights[1] * tree
            + weights[2] * Y.mean(axis=0)
        )
        np.testing.assert_allclose(model.predict(X), expected)

    def test_one_task_and_a_final_estimator_is_scikit_learns(self, complete):
        X, Y = complete
        for passthrough in (False, True):
            options = {"cv": KFold(3), "passthrough": passthrough}
            given = [("ridge", Ridge()), ("tree", TREE)]
            expected = StackingRegressor(given, Ridge(), **options).fit(X, Y[:, 0])
            model = TaskStacking(given, final=Ridge(), **options).fit(X, Y[:, 0])
            # There X comes after the predictions.
            np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-9)

    def test_the_best_estimator_differs_between_tasks(self, complete):
        X, Y = complete
        weights = pair().fit(X, Y).weights_
        assert weights["ridge"][0] > 0.9
        assert weights["tree"][1] > 0.8
        table = pd.DataFrame(weights, index=["a", "b", "c"])
        np.testing.assert_allclose(table.sum(axis=1), 1.0)
        assert (table.to_numpy() >= 0).all()


class TestMembers:
    def test_it_is_no_worse_than_the_best_of_them(self, gaps):
        X, Y = gaps
        given = [("ridge", Ridge()), ("tree", TREE)]
        alone = [cross_val_score(IndependentTasks(m), X, Y, cv=KFold(3)).mean() for _, m in given]
        assert cross_val_score(pair(), X, Y, cv=KFold(3)).mean() > max(alone) - 0.01

    def test_noise_is_predicted_by_its_mean(self):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(200, 10)), rng.normal(size=(200, 4))
        model = pair().fit(X, Y)
        assert model.weights_["constant"].mean() > 0.5
        new = rng.normal(size=(200, 10))
        assert np.square(model.predict(new)).mean() < 0.1

    def test_types_are_mixed_and_each_estimator_learns_its_kind(self, mixed):
        X, y = mixed
        model = TaskStacking(MIXED, tasks=TYPES).fit(X, y)
        assert (model.weights_["numbers"][2:] == 0).all()
        assert (model.weights_["classes"][:2] == 0).all()
        assert (sum(model.weights_.values()) > 0.999).all()
        proba = model.predict_proba(X)
        assert [p is None for p in proba] == [True, True, False, False]
        np.testing.assert_allclose(proba[3].sum(axis=1), 1.0)
        assert model.score(X, y) > 0.3
        assert set(model.predict(X)[:, 2]) <= {"yes", "no"}

    def test_mixed_types_with_final_estimators(self, mixed):
        X, y = mixed
        model = TaskStacking(MIXED, tasks=TYPES, final=LogisticRegression(), passthrough=True)
        model.fit(pd.DataFrame(X, columns=list("abc")), y)
        assert [f is None for f in model.final_estimators_] == [True, True, False, False]
        assert np.isnan(model.weights_["together"]).tolist() == [False, False, True, True]
        final = model.final_estimators_[3]
        assert final.feature_names_in_[3:].tolist() == [
            f"prediction of {name}: {label}" for name in ("together", "classes") for label in "012"
        ]
        proba = model.predict_proba(pd.DataFrame(X, columns=list("abc")))
        np.testing.assert_allclose(proba[2].sum(axis=1), 1.0)

    def test_names_reach_the_estimators(self):
        model = pair()
        model.set_params(tree__max_depth=1, ridge=LinearRegression(), cv=3)
        assert model.get_params()["tree__max_depth"] == 1
        assert isinstance(dict(model.estimators)["ridge"], LinearRegression)
        assert TREE.max_depth == 3 or model.estimators[1][1] is TREE
        TREE.set_params(max_depth=3)
        with pytest.raises(ValueError, match="Invalid parameter 'forest'"):
            model.set_params(forest__max_depth=1)
        assert clone(model).get_params()["cv"] == 3

    def test_a_search_over_a_member(self, gaps):
        X, Y = gaps
        grid = {"ridge__alpha": [0.1, 1e6], "tree": [clone(TREE), DummyRegressor()]}
        search = GridSearchCV(pair(cv=2), grid, cv=KFold(2)).fit(X, Y)
        assert search.best_params_["ridge__alpha"] == 0.1

    @pytest.mark.parametrize(
        ("estimators", "message"),
        [
            ([], "expected a list of"),
            ([Ridge()], "expected a list of"),
            ([("a", Ridge()), ("a", Ridge())], "the name 'a'"),
            ([("a__b", Ridge())], "the name 'a__b'"),
            ([("cv", Ridge())], "the name 'cv'"),
            ([("constant", Ridge())], "'constant' is that of the best constant"),
            ([("a", Ridge)], "expected an object with fit"),
            ([("a", LogisticRegression())], r"'a', LogisticRegression\(\), learns classification"),
            ([("a", MultiTaskLinear(task_feature=0))], "task_feature=0 was given to"),
        ],
    )
    def test_what_is_no_list_of_estimators(self, estimators, message, complete):
        with pytest.raises(ValueError, match=message):
            TaskStacking(estimators).fit(*complete)

    def test_a_task_that_no_estimator_learns(self, mixed):
        with pytest.raises(ValueError, match=r"Task 'ill' is binary, which none of .*\['tree'\]"):
            TaskStacking([("tree", TREE)], tasks=TYPES).fit(*mixed)

    def test_passthrough_is_for_a_final_estimator(self, complete):
        with pytest.raises(ValueError, match="passthrough=True is for a final estimator"):
            pair(passthrough=True).fit(*complete)


class Failing(RegressorMixin, BaseEstimator):
    """Refuses labels beyond a limit."""

    def __init__(self, most=np.inf, fewest_rows=0):
        self.most = most
        self.fewest_rows = fewest_rows

    def fit(self, X, y):
        if np.abs(y).max() > self.most or len(y) < self.fewest_rows:
            raise ValueError("cannot")
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class TestFailures:
    def test_for_one_task(self, complete):
        X, Y = complete
        Y[:, 1] *= 1e3
        model = TaskStacking([("ridge", Ridge()), ("odd", Failing(most=100.0))])
        with pytest.warns(UserWarning, match="Task 1: 'odd' failed and has no weight there: Value"):
            model.fit(X, Y)
        assert model.weights_["odd"][1] == 0.0
        assert len(model.estimators_["odd"]) == 2
        without = TaskStacking([("ridge", Ridge()), ("mean", DummyRegressor())]).fit(X, Y)
        np.testing.assert_allclose(model.predict(X), without.predict(X), rtol=0.1, atol=0.05)

    def test_for_all_tasks(self, complete):
        model = TaskStacking([("ridge", Ridge()), ("odd", Failing(most=0.0))])
        with pytest.warns(UserWarning, match="3 tasks .*: 'odd' failed and has no weight"):
            model.fit(*complete)
        assert model.estimators_["odd"] is None
        alone = TaskStacking([("ridge", Ridge())]).fit(*complete)
        np.testing.assert_allclose(model.predict(complete[0]), alone.predict(complete[0]))
        with pytest.raises(ValueError, match="cannot") as raised:
            TaskStacking([("odd", Failing(most=0.0))]).fit(*complete)
        assert "It is 'odd' of the estimators" in raised.value.__notes__[-1]

    def test_an_impossible_parameter_raises(self, complete):
        with pytest.raises(ValueError, match="'alpha' parameter of Ridge"):
            TaskStacking([("tree", TREE), ("odd", Ridge(alpha=-1.0))]).fit(*complete)

    def test_in_folds(self, complete):
        model = TaskStacking([("ridge", Ridge()), ("odd", Failing(fewest_rows=80))])
        with pytest.warns(UserWarning, match="3 tasks .*'odd' failed in a fold"):
            model.fit(*complete)
        assert (model.weights_["odd"] == 0).all()

    def test_impossible_predictions(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(80, 2))
        y = rng.poisson(np.exp(X[:, 0]))
        model = TaskStacking([("poisson", PoissonRegressor()), ("line", Ridge())], tasks="count")
        with pytest.warns(UserWarning, match="'line' has no weight in a task: .* is a count"):
            model.fit(X, y)
        assert model.weights_["line"][0] == 0
        assert model.score(X, y) > 0.3

    def test_a_class_that_a_fold_lacks(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(40, 2))
        Y = np.column_stack([X[:, 0] > 0, np.arange(40) == 7]) * 1.0
        model = TaskStacking([("svm", SVC()), ("line", LogisticRegression())])
        model.fit(X, Y)
        assert np.isfinite(model.score(X, Y))


class TestFolds:
    def test_one_that_holds_rows_out_itself_is_not_fitted_again(self, complete):
        X, Y = complete
        inner = pair(cv=3)
        fits = []

        class Counting(TaskStacking):
            def fit(self, X, y, sample_weight=None):
                fits.append(len(X))
                return super().fit(X, y, sample_weight)

        outer = TaskStacking([("own", Counting(**inner.get_params(deep=False))), ("tree", TREE)])
        outer.fit(X, Y)
        assert fits == [90]
        clone(outer).set_params(cv=KFold(3)).fit(X, Y)
        assert len(fits) == 5

    def test_labels_that_are_never_held_out_do_not_count(self, complete):
        X, Y = complete
        fold = [(np.arange(45), np.arange(45, 90))]
        model = pair(cv=fold).fit(X, Y)
        assert np.isnan(np.column_stack(model.out_of_fold_)[:45]).all()
        assert np.isfinite(np.column_stack(model.out_of_fold_)[45:]).all()
        repeated = pair(cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)).fit(X, Y)
        assert np.isfinite(np.column_stack(repeated.out_of_fold_)).all()
        assert pair(cv=ShuffleSplit(2, random_state=0)).fit(X, Y).score(X, Y) > 0.3

    @pytest.mark.parametrize("n_rows", [1, 2, 3, 4])
    def test_few_rows(self, n_rows, complete):
        X, Y = complete
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = pair().fit(X[:n_rows], Y[:n_rows])
        assert np.isfinite(model.predict(X)).all()
        np.testing.assert_allclose(sum(model.weights_.values()), 1.0)

    def test_a_task_of_one_label_or_none(self, gaps):
        X, Y = gaps
        Y[1:, 0] = np.nan
        Y[0, 0] = 1.5
        Y[:, 2] = np.nan
        with pytest.warns(UserWarning):
            model = pair().fit(X, Y)
        assert np.isnan(model.weights_["ridge"]).tolist() == [False, False, True]
        predicted = model.predict(X)
        np.testing.assert_allclose(predicted[:, 0], 1.5)
        assert np.isnan(predicted[:, 2]).all()
        alone = pair().fit(X, Y[:, 1])
        np.testing.assert_allclose(predicted[:, 1], alone.predict(X), atol=0.2)

    def test_weights_of_labels(self, complete):
        X, Y = complete
        hidden = np.random.default_rng(0).random(Y.shape) < 0.3
        weighted = pair().fit(X, Y + 1e3 * hidden, sample_weight=1.0 * ~hidden)
        missing = pair().fit(X, np.where(hidden, np.nan, Y))
        assert (weighted.predict(X) == missing.predict(X)).all()
        doubled = pair().fit(X, Y, sample_weight=np.full(90, 2.0))
        np.testing.assert_allclose(doubled.predict(X), pair().fit(X, Y).predict(X), atol=0.02)

    def test_jobs_and_pickle_change_nothing(self, gaps):
        X, Y = gaps
        model = pair().fit(X, Y)
        predicted = model.predict(X)
        assert (pair(n_jobs=2).fit(X, Y).predict(X) == predicted).all()
        assert (pickle.loads(pickle.dumps(model)).predict(X) == predicted).all()


class TestX:
    def test_sparse(self, complete):
        X, Y = complete
        X = np.where(X > 0.3, X, 0.0)
        dense, thin = (pair().fit(A, Y).predict(A) for A in (X, sparse.csr_array(X)))
        np.testing.assert_allclose(dense, thin, atol=1e-6)
        model = pair(final=Ridge(), passthrough=True).fit(sparse.csr_array(X), Y)
        assert model.score(sparse.csr_array(X), Y) > 0.3

    def test_names_and_gaps_reach_the_estimators(self, complete):
        X, Y = complete
        frame = pd.DataFrame(X, columns=list("abc"))
        frame.loc[::5, "a"] = np.nan
        frame["d"] = "text"
        numbers = make_pipeline(ColumnsABC(), StandardScaler(), TREE)
        model = TaskStacking([("tree", numbers)]).fit(frame, Y)
        assert model.feature_names_in_.tolist() == list("abcd")
        assert np.isfinite(model.predict(frame)).all()


class ColumnsABC(BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[list("abc")]


class TestLong:
    @pytest.fixture
    def long(self):
        rng = np.random.default_rng(0)
        t = np.repeat(["a", "b", "c", "few"], [50, 40, 30, 3])
        X = pd.DataFrame(rng.normal(size=(123, 2)), columns=["u", "v"])
        y = np.where(t == "a", X["u"], np.abs(X["v"])) + 0.2 * rng.normal(size=123)
        return X.assign(task=t), y

    @pytest.mark.parametrize("final", ["blend", Ridge()])
    def test_fit_and_unknown_tasks(self, final, long):
        X, y = long
        given = [("line", MultiTaskLinear("mean_deviation", alpha=0.1)), ("tree", TREE)]
        model = TaskStacking(given, final=final, task_feature="task", unknown_task="shared")
        model.fit(X, y)
        assert model.score(X, y) > 0.3
        assert model.weights_["line"].shape == (4,)
        new = X.assign(task="new")
        assert np.isfinite(model.predict(new)).all()
        shuffled = np.random.default_rng(0).permutation(123)
        assert (model.predict(X.iloc[shuffled]) == model.predict(X)[shuffled]).all()
        with pytest.raises(ValueError, match="Unknown task new"):
            clone(model).set_params(unknown_task="error").fit(X, y).predict(new)

    def test_passthrough_leaves_the_task_out(self, long):
        X, y = long
        given = [("tree", TREE)]
        model = TaskStacking(given, final=Ridge(), passthrough=True, task_feature="task").fit(X, y)
        assert model.final_estimators_[0].feature_names_in_.tolist() == [
            "u",
            "v",
            "prediction of tree",
        ]

    def test_the_weights_of_a_task_are_its_own(self, long):
        X, y = long
        given = [("line", LinearRegression()), ("tree", TREE)]
        weights = TaskStacking(given, task_feature="task").fit(X, y).weights_
        assert weights["line"][0] > weights["line"][1] + 0.3

    def test_a_task_of_one_row(self, long):
        X, y = long
        X.loc[122, "task"] = "one"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = TaskStacking([("tree", TREE)], task_feature="task").fit(X, y)
        assert np.isnan(model.out_of_fold_[0]).sum() == 1
        assert np.isfinite(model.predict(X)).all()

    def test_classes(self, long):
        X, y = long
        labels = np.where(y > 0.5, "high", "low")
        given = [("line", LogisticRegression()), ("tree", CLASS_TREE)]
        model = TaskStacking(given, task_feature="task").fit(X, labels)
        proba = model.predict_proba(X)
        np.testing.assert_allclose(proba.sum(axis=1), 1.0)
        assert model.score(X, labels) > 0.2


def test_regressors_of_this_package_learn_the_numbers_only(mixed):
    X, y = mixed
    given = [
        ("together", MultiTaskLinearRegressor("l2", alpha=0.01)),
        ("numbers", ExtraTreesRegressor(5, random_state=0)),
        ("classes", ExtraTreesClassifier(5, random_state=0)),
    ]
    model = TaskStacking(given).fit(X, y)
    assert (model.weights_["together"][2:] == 0).all()
    assert model.estimators_["together"].task_names_in_.tolist() == ["size", "visits"]


def test_inside_cross_val_predict_the_members_count(complete):
    X, Y = complete
    Y[:, 1] = Y[:, 1] > 0.8
    model = TaskStacking([("tree", TREE), ("classes", CLASS_TREE)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y)
        with pytest.raises(ValueError, match="no class probabilities of 2 of 3"):
            cross_val_predict(model, X, Y, method="predict_proba")


def test_a_fold_without_labels_of_a_kind(mixed):
    X, y = mixed
    y = y.assign(ill=np.nan, kind=np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = TaskStacking(MIXED, tasks={**TYPES, "ill": "binary", "kind": "binary"}).fit(X, y)
    assert model.estimators_["classes"] is None
    np.testing.assert_array_equal(model.weights_["classes"], [0.0, 0.0, np.nan, np.nan])
    np.testing.assert_allclose(model.predict_proba(X)[2], 0.5)


class TestDefaults:
    @pytest.mark.parametrize("n_rows", [2, 5, 30])
    def test_any_number_of_rows(self, n_rows, complete):
        X, Y = complete
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = TaskStacking(random_state=0).fit(X[:n_rows], Y[:n_rows])
        assert list(model.weights_) == ["network", "kernel", "linear", "trees", "constant"]
        assert np.isfinite(model.predict(X)).all()
        np.testing.assert_allclose(sum(model.weights_.values()), 1.0)

    def test_long_form(self, complete):
        X, Y = complete
        long = np.column_stack([np.arange(90) % 3, X])
        model = TaskStacking(task_feature=0, random_state=0).fit(long, Y[:, 0])
        assert model.score(long, Y[:, 0]) > 0.7


@pytest.mark.parametrize("passthrough", [False, True])
def test_a_final_estimator_says_nothing_of_a_long_task_without_labels(passthrough):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([0, 1, 2], 20), rng.normal(size=(60, 2))])
    y = X[:, 1] + 0.1 * rng.normal(size=60)
    known = X[:, 0] < 2
    members = [("linear", MultiTaskLinear())]
    options = {"final": Ridge(), "passthrough": passthrough, "cv": 2, "task_feature": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = TaskStacking(members, **options).fit(X, np.where(known, y, np.nan))
    found = model.predict(X)
    np.testing.assert_array_equal(np.isnan(found), ~known)
    np.testing.assert_allclose(model.predict(X[known]), found[known])
    assert np.isnan(model.predict(X[~known])).all()


@pytest.mark.parametrize("is_long", [False, True])
def test_a_final_estimator_of_a_quantile_learns_what_it_would_of_a_number(is_long, complete):
    X, Y = complete
    if is_long:
        X, Y = np.column_stack([np.arange(90) % 3, X]), Y[:, 0]
    members = [("low", QuantileRegressor(quantile=0.2, alpha=0.0)), ("tree", TREE)]
    options = {"final": Ridge(), "cv": 3, "task_feature": 0 if is_long else None}
    found, of_number = (
        TaskStacking(members, tasks=types, **options).fit(X, Y)
        for types in (Quantile(0.2), "regression")
    )
    np.testing.assert_allclose(found.predict(X), of_number.predict(X), rtol=1e-12)
    quantiles = found.predict_quantiles(X)
    quantiles = quantiles if is_long else np.hstack(quantiles)
    np.testing.assert_array_equal(quantiles.reshape(Y.shape), found.predict(X))


@pytest.mark.filterwarnings("ignore:Task 1. no observed label")
def test_the_constant_says_nothing_of_times_of_a_long_task_without_labels():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([0, 1, 2], 20), rng.normal(size=(60, 2))])
    y = censored(np.exp(rng.normal(size=60)), rng.random(60) < 0.7)
    known = X[:, 0] != 1
    model = TaskStacking([("linear", MultiTaskLinear())], cv=3, tasks="survival", task_feature=0)
    model.fit(X, y, sample_weight=known.astype(float))
    # As where no member is better than it.
    model._blend.shares[:] = [[0.0], [1.0]]
    for found in (model.predict(X), model.predict_survival(X, [1.0])[:, 0]):
        np.testing.assert_array_equal(np.isnan(found), ~known)
