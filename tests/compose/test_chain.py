"""TaskChain equals scikit-learn's chains where those can go, and a loop by hand elsewhere."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, QuantileRegressor, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.multioutput import ClassifierChain, RegressorChain
from sklearn.tree import DecisionTreeRegressor

from skmtl import IndependentTasks, stack_tasks, task_scores
from skmtl.compose import TaskChain
from skmtl.compose._chain_folds import ChainFolds
from skmtl.compose._chain_order import residual_correlation
from skmtl.compose._task_labels import TaskLabels
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks import Binary, Multiclass, Quantile, Regression

TREE = DecisionTreeRegressor(max_depth=4, random_state=0)
FOREST = RandomForestRegressor(n_estimators=4, random_state=0)
ORDERS = [None, [2, 0, 3, 1]]


@pytest.fixture
def complete():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = X @ rng.normal(size=(3, 4)) + X[:, :1] * X[:, 1:2] + 0.3 * rng.normal(size=(60, 4))
    return X, Y


@pytest.fixture
def gaps(complete):
    X, Y = complete
    Y[np.random.default_rng(1).random(Y.shape) < 0.4] = np.nan
    return X, Y


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("first", [Quantile(0.3), Quantile([0.3])])
def test_a_quantile_tells_what_a_number_would(first, cv, complete):
    X, Y = complete
    one, other = (
        TaskChain(QuantileRegressor(quantile=0.3, alpha=0.0), cv=cv, tasks=[task, "regression"])
        .fit(X, Y[:, :2])
        .predict(X)
        for task in (first, "regression")
    )
    np.testing.assert_allclose(one, other, rtol=1e-10)


class TestAgainstScikitLearn:
    """Complete labels of one type: the same bits."""

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("cv", [None, KFold(3), KFold(4, shuffle=True, random_state=0)])
    @pytest.mark.parametrize("estimator", [Ridge(), TREE, FOREST])
    def test_regressor_chain(self, estimator, cv, order, complete):
        X, Y = complete
        expected = RegressorChain(estimator, order=order, cv=cv).fit(X, Y).predict(X)
        assert (TaskChain(estimator, order=order, cv=cv).fit(X, Y).predict(X) == expected).all()

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize(
        "cv", [None, StratifiedKFold(3), StratifiedKFold(4, shuffle=True, random_state=0)]
    )
    @pytest.mark.parametrize(
        "estimator", [LogisticRegression(), RandomForestClassifier(4, random_state=0)]
    )
    def test_classifier_chain(self, estimator, cv, order, complete):
        X, Y = complete
        Y = (Y > 0) * 1.0
        expected = ClassifierChain(estimator, order=order, cv=cv, chain_method="predict_proba")
        expected.fit(X, Y)
        model = TaskChain(classifier=estimator, order=order, cv=cv).fit(X, Y)
        assert (model.predict(X) == expected.predict(X)).all()
        positive = np.column_stack([p[:, 1] for p in model.predict_proba(X)])
        assert (positive == expected.predict_proba(X)).all()

    def test_sparse_features(self, complete):
        X, Y = complete
        X = sparse.csr_array(np.where(X > 0, X, 0.0))
        for cv in (None, KFold(3)):
            expected = RegressorChain(TREE, cv=cv).fit(X, Y).predict(X)
            assert (TaskChain(TREE, cv=cv).fit(X, Y).predict(X) == expected).all()

    def test_weights(self, complete):
        X, Y = complete
        weight = np.random.default_rng(0).uniform(0.5, 2, 60)
        expected = RegressorChain(Ridge()).fit(X, Y, sample_weight=weight).predict(X)
        model = TaskChain(Ridge(), cv=None).fit(X, Y, sample_weight=weight)
        assert (model.predict(X) == expected).all()


def spread(n_splits):
    """What a number means."""
    return MultiTaskKFold(n_splits, shuffle=True, random_state=0)


def chain_by_hand(X, Y, X_new, order, cv):
    """A chain of trees, numbers only: what the docstring says, step by step."""
    A, A_new, predicted = X, X_new, np.empty((len(X_new), Y.shape[1]))
    for t in order:
        known = ~np.isnan(Y[:, t])
        tree = clone(TREE).fit(A[known], Y[known, t])
        predicted[:, t] = tree.predict(A_new)
        told = tree.predict(A)
        if cv is None:
            told[known] = Y[known, t]
        else:
            told[known] = cross_val_predict(TREE, A[known], Y[known, t], cv=spread(cv))
        A, A_new = np.column_stack([A, told]), np.column_stack([A_new, predicted[:, t]])
    return predicted


class TestMissingLabels:
    """Features of a row without a label are predictions, never a filled label."""

    @pytest.mark.parametrize("cv", [None, 3, 5])
    def test_chain(self, cv, gaps):
        X, Y = gaps
        X_new = np.random.default_rng(2).normal(size=(20, 3))
        model = TaskChain(TREE, order=[3, 1, 0, 2], cv=cv).fit(X, Y)
        expected = chain_by_hand(X, Y, X_new, [3, 1, 0, 2], cv)
        np.testing.assert_allclose(model.predict(X_new), expected, rtol=1e-12)

    def test_stacking(self, gaps):
        X, Y = gaps
        model = TaskChain(TREE, stacking=True, cv=3).fit(X, Y)
        first, told = [], []
        for t in range(4):
            known = ~np.isnan(Y[:, t])
            first.append(clone(TREE).fit(X[known], Y[known, t]))
            told.append(first[-1].predict(X))
            told[-1][known] = cross_val_predict(TREE, X[known], Y[known, t], cv=spread(3))
        A = np.column_stack([X, *told])
        A_new = np.column_stack([X, *(tree.predict(X) for tree in first)])
        for t in range(4):
            known = ~np.isnan(Y[:, t])
            expected = clone(TREE).fit(A[known], Y[known, t]).predict(A_new)
            np.testing.assert_allclose(model.predict(X)[:, t], expected, rtol=1e-12)
        assert [len(level) for level in model.estimators_] == [4, 4]
        assert not hasattr(model, "order_")

    def test_ensemble_is_the_mean_of_its_chains(self, gaps):
        X, Y = gaps
        model = TaskChain(TREE, order="random", n_chains=4, random_state=3).fit(X, Y)
        assert model.order_.shape == (4, 4)
        chains = [TaskChain(TREE, order=order).fit(X, Y).predict(X) for order in model.order_]
        np.testing.assert_allclose(model.predict(X), np.mean(chains, axis=0), rtol=1e-12)

    def test_one_task_is_the_estimator_alone(self, gaps):
        X, Y = gaps
        alone = IndependentTasks(TREE).fit(X, Y[:, 0]).predict(X)
        assert (TaskChain(TREE).fit(X, Y[:, 0]).predict(X) == alone).all()

    def test_a_chain_helps_a_task_with_few_labels(self):
        forest = RandomForestRegressor(10, random_state=0)
        for seed in range(3):
            rng = np.random.default_rng(seed)
            X = rng.normal(size=(900, 4))
            hidden = np.sin(2 * X[:, 0]) + np.abs(X[:, 1])
            Y = np.column_stack([2 * hidden, hidden + 0.2 * rng.normal(size=900)])
            Y_gaps = Y.copy()
            Y_gaps[40:, 1] = np.nan
            chain, stacking, alone = (
                task_scores(model.fit(X[:600], Y_gaps[:600]), X[600:], Y[600:])["1"]
                for model in (
                    TaskChain(forest),
                    TaskChain(forest, stacking=True),
                    IndependentTasks(forest),
                )
            )
            assert min(chain, stacking) > alone + 0.1


@pytest.fixture
def mixed():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(90, 3))
    y = pd.DataFrame(
        {
            "length": X[:, 0],
            "ill": np.where(X[:, 1] + rng.normal(size=90) > 0, "yes", "no"),
            "kind": np.array(["a", "b", "c"])[np.digitize(X[:, 2], [-0.5, 0.5])],
            "visits": rng.poisson(np.exp(X[:, 1])).astype(float),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.3)


class TestMixedTypes:
    """A number is one feature, two classes one probability, more classes one each."""

    def test_number_of_features(self, mixed):
        X, y = mixed
        model = TaskChain(tasks={"visits": "count"}).fit(X, y)
        assert [e.n_features_in_ for e in model.estimators_[0]] == [3, 4, 5, 8]
        model = TaskChain(tasks={"visits": "count"}, stacking=True).fit(X, y)
        assert [e.n_features_in_ for e in model.estimators_[1]] == [9, 9, 9, 9]

    def test_labels_in_training_where_cv_is_none(self, mixed):
        X, y = mixed
        y = y[["kind", "length"]].copy()
        y.loc[0, "kind"], y.loc[1, "kind"] = "c", None
        model = TaskChain(regressor=TREE, cv=None).fit(X, y)
        known = y["kind"].notna().to_numpy()
        told = LogisticRegression().fit(X[known], y["kind"][known]).predict_proba(X)
        told[known] = pd.get_dummies(y["kind"][known]).to_numpy(dtype=float)
        assert told[0].tolist() == [0.0, 0.0, 1.0]
        assert 0 < told[1].max() < 1
        rows = y["length"].notna().to_numpy()
        by_hand = clone(TREE).fit(np.hstack([X, told])[rows], y["length"][rows])
        assert (model.estimators_[0][1].tree_.threshold == by_hand.tree_.threshold).all()

    def test_tasks_of_which_nothing_can_be_learned_tell_nothing(self, mixed):
        X, y = mixed
        y = y.assign(
            none=np.nan, one=np.where(np.arange(90) == 3, 2.5, np.nan), single=["same"] * 90
        )
        y = y[["none", "one", "single", "length"]]
        with pytest.warns(UserWarning):
            model = TaskChain().fit(X, y)
        assert [e is None for e in model.estimators_[0]] == [True, False, True, False]
        assert model.estimators_[0][3].n_features_in_ == 3
        assert np.isnan(model.predict(X)[:, 0].astype(float)).all()
        with pytest.warns(UserWarning):
            stacked = TaskChain(stacking=True).fit(X, y)
        assert stacked.estimators_[1][3].n_features_in_ == 4

    def test_rare_classes_have_fewer_folds(self, mixed):
        X, y = mixed
        rare = np.where(np.arange(90) < 3, "rare", "common")
        once = np.where(np.arange(90) < 1, "once", "often")
        frame = pd.DataFrame({"rare": rare, "once": once, "length": y["length"]})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = TaskChain().fit(X, frame)
        assert np.isfinite(model.predict_proba(X)[0]).all()
        assert model.estimators_[0][2].n_features_in_ == 5


class TestOrder:
    """By name, by position, at random, by affinity."""

    def test_names_come_before_positions(self, gaps):
        X, Y = gaps
        by_position = TaskChain(order=[2, 3, 1, 0]).fit(X, pd.DataFrame(Y, columns=list("abcd")))
        assert by_position.order_.tolist() == [[2, 3, 1, 0]]
        by_name = TaskChain(order=["c", "d", "b", "a"])
        by_name.fit(X, pd.DataFrame(Y, columns=list("abcd")))
        assert by_name.order_.tolist() == [[2, 3, 1, 0]]
        numbered = TaskChain(order=[2, 3, 1, 0]).fit(X, pd.DataFrame(Y, columns=[3, 2, 1, 0]))
        assert numbered.order_.tolist() == [[1, 0, 2, 3]]

    @pytest.mark.parametrize("order", [[0, 1, 2], [0, 1, 2, 2], ["a", "b", "c", "z"], []])
    def test_order_has_each_task_once(self, order, gaps):
        X, Y = gaps
        with pytest.raises(ValueError, match=r"order=.*each task once.*\['a', 'b', 'c', 'd'\]"):
            TaskChain(order=order).fit(X, pd.DataFrame(Y, columns=list("abcd")))

    def test_random_orders_differ_and_repeat(self, gaps):
        X, Y = gaps
        model = TaskChain(order="random", n_chains=10, random_state=0, cv=None)
        orders = model.fit(X, Y).order_
        assert len({tuple(order) for order in orders.tolist()}) == 10
        assert (model.fit(X, Y).order_ == orders).all()
        every = TaskChain(order="random", n_chains=50, cv=None).fit(X, Y[:, :3]).order_
        assert len(every) == 6

    @pytest.mark.parametrize("n_chains", [1, 3])
    @pytest.mark.parametrize("place", [0, 2, 4])
    def test_a_task_without_labels_changes_no_order(self, place, n_chains, gaps):
        X, Y = gaps
        options = {"order": "random", "n_chains": n_chains, "random_state": 0, "cv": 3}
        alone = TaskChain(**options).fit(X, Y)
        with pytest.warns(UserWarning, match=f"Task {place}: no observed label"):
            model = TaskChain(**options).fit(X, np.insert(Y, place, np.nan, axis=1))
        assert (np.delete(model.predict(X), place, axis=1) == alone.predict(X)).all()
        others = [[t - (t > place) for t in order if t != place] for order in model.order_]
        assert others == alone.order_.tolist()

    def test_fresh_seeds_leave_the_global_generator_alone(self, gaps):
        X, Y = gaps
        np.random.seed(0)
        before = np.random.get_state()[1].tolist()
        orders = [TaskChain(order="random", cv=None).fit(X, Y).order_ for _ in range(8)]
        assert np.random.get_state()[1].tolist() == before
        assert len({tuple(order[0]) for order in orders}) > 1

    def test_affinity_starts_with_the_task_that_has_most_in_common(self):
        rng = np.random.default_rng(0)
        X, noise = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
        Y = X[:, :1] + np.column_stack(
            [rng.normal(size=300), noise[:, 0], noise.sum(axis=1), noise[:, 1]]
        )
        Y[rng.random(Y.shape) < 0.3] = np.nan
        order = TaskChain(order="affinity").fit(X, Y).order_[0].tolist()
        assert order[0] == 2
        assert order[3] == 0

    def test_affinity_needs_rows_in_common(self, complete):
        X, Y = complete
        Y = np.where(np.arange(60)[:, None] % 4 == np.arange(4), Y, np.nan)
        with pytest.raises(ValueError, match="order='affinity' needs rows that have labels of sev"):
            TaskChain(order="affinity").fit(X, Y)
        assert TaskChain(order="affinity").fit(X, Y[:, 0]).order_.tolist() == [[0]]


class TestResidualCorrelation:
    """An absolute correlation, for numbers; also between vectors."""

    @staticmethod
    def problem(task, rows, weights=None):
        weights = np.ones(len(rows)) if weights is None else weights
        return TaskLabels(task, "t", rows, np.zeros(len(rows)), weights)

    def test_of_numbers(self):
        rng = np.random.default_rng(0)
        A = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 2))
        rows = [np.arange(0, 25), np.arange(5, 30)]
        problems = [self.problem(Regression(), r) for r in rows]
        found = residual_correlation(problems, [A[r][:, [t]] for t, r in enumerate(rows)])
        expected = abs(np.corrcoef(A[5:25], rowvar=False)[0, 1])
        np.testing.assert_allclose(found, [[0, expected], [expected, 0]], rtol=1e-12)

    def test_integer_weights_are_repeated_rows(self):
        rng = np.random.default_rng(0)
        A, weight = rng.normal(size=(12, 2)), rng.integers(1, 4, 12)
        once = [self.problem(Regression(), np.arange(12), weight.astype(float))] * 2
        n_rows = weight.sum()
        often = [self.problem(Regression(), np.arange(n_rows))] * 2
        repeated = np.repeat(A, weight, axis=0)
        np.testing.assert_allclose(
            residual_correlation(once, list(A.T[..., None])),
            residual_correlation(often, list(repeated.T[..., None])),
        )

    def test_of_vectors_no_rotation_matters(self):
        rng = np.random.default_rng(0)
        A, B = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
        Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        problems = [self.problem(kind(), np.arange(30)) for kind in (Multiclass, Binary)]
        plain = residual_correlation(problems, [A, B])[0, 1]
        assert residual_correlation(problems, [A @ Q, 5 * B])[0, 1] == pytest.approx(plain)
        assert 0 < plain < 1
        assert residual_correlation(problems, [A, A @ Q])[0, 1] == pytest.approx(1.0)

    def test_unknown(self):
        rows = [np.arange(10), np.arange(8, 18), np.arange(3)]
        problems = [self.problem(Regression(), r) for r in rows]
        found = residual_correlation(problems, [np.ones((10, 1)), np.arange(10.0)[:, None], None])
        assert np.isnan(found[0, 1])
        assert (found[2] == 0).all()


class TestErrors:
    """What does not fit together says so."""

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"stacking": True, "cv": None}, "stacking=True needs cv"),
            (
                {"stacking": True, "order": "random"},
                "stacking=True has no order: got 'random'|orde",
            ),
            ({"n_chains": 3}, "n_chains=3 chains of one order would be equal; set order='random'"),
            ({"cv": ShuffleSplit(3, random_state=0)}, "not exactly once; expected test folds"),
            ({"cv": KFold(50)}, r"Task 0 has \d+ labels: Cannot have number of splits n_splits=50"),
            ({"cv": [(np.arange(60), np.arange(60))] * 2}, "not exactly once"),
            ({"cv": [([], np.arange(60))]}, "has a fold without labels of task 0"),
        ],
    )
    def test_message(self, options, message, gaps):
        X, Y = gaps
        with pytest.raises(ValueError, match=message):
            TaskChain(**options).fit(X, Y)


def test_an_iterable_of_folds_speaks_of_rows(gaps):
    X, Y = gaps
    groups = np.arange(60) // 6
    folds = list(GroupKFold(5).split(X, groups=groups))
    model = TaskChain(TREE, order=[1, 0, 2, 3], cv=folds).fit(X, Y)
    known = ~np.isnan(Y[:, 1])
    inside = list(GroupKFold(5).split(X[known], groups=groups[known]))
    assert len(inside) == 5
    told = clone(TREE).fit(X[known], Y[known, 1]).predict(X)
    for train, test in folds:
        used = train[known[train]]
        rows = test[known[test]]
        told[rows] = clone(TREE).fit(X[used], Y[used, 1]).predict(X[rows])
    first = ~np.isnan(Y[:, 0])
    by_hand = clone(TREE).fit(np.column_stack([X, told])[first], Y[first, 0])
    assert (model.estimators_[0][0].tree_.threshold == by_hand.tree_.threshold).all()


def test_sorted_labels_are_not_held_out_as_blocks(complete):
    X, _ = complete
    y = np.sort(X[:, 0])
    told = []
    for cv in (5, KFold(5)):
        folds = ChainFolds(cv, X)
        problem = TaskLabels(Regression(), "t", np.arange(60), y, 0 * y + 1)
        told.append([np.ptp(y[test]) for _, test in folds.of(problem)])
    assert min(told[0]) > 2 * max(told[1])


def test_a_splitter_finds_the_task_feature():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    frame["store"] = np.repeat(["s1", "s2", "s3"], 20)
    y = frame["a"] + rng.normal(size=60)
    options = {"stacking": True, "task_feature": "store"}
    splitter = MultiTaskKFold(4, shuffle=True, random_state=0, task_feature="store")
    by_splitter = TaskChain(TREE, cv=splitter, **options).fit(frame, y)
    by_number = TaskChain(TREE, cv=4, **options).fit(frame, y)
    assert (by_splitter.predict(frame) == by_number.predict(frame)).all()
    assert not [name for name in vars(by_splitter) if name == "_X_given"]


@pytest.mark.parametrize(
    "options", [{}, {"stacking": True}, {"order": "random", "n_chains": 3}, {"order": "affinity"}]
)
def test_a_generator_of_folds_is_read_once(options, gaps):
    X, Y = gaps
    folds = list(KFold(4).split(X))
    expected = TaskChain(cv=folds, random_state=0, **options).fit(X, Y).predict(X)
    model = TaskChain(cv=iter(folds), random_state=0, **options)
    assert (model.fit(X, Y).predict(X) == expected).all()
    with pytest.raises(ValueError, match="cv has no folds: a generator gives them once"):
        model.fit(X, Y)
    assert (model.predict(X) == expected).all()


def test_leave_one_out(complete):
    X, Y = complete
    expected = RegressorChain(Ridge(), cv=LeaveOneOut()).fit(X, Y).predict(X)
    assert (TaskChain(cv=LeaveOneOut()).fit(X, Y).predict(X) == expected).all()


@pytest.mark.parametrize("options", [{"stacking": True}, {"order": "random", "n_chains": 3}])
def test_n_jobs_changes_nothing(options, mixed):
    X, y = mixed
    one, two = (
        TaskChain(regressor=FOREST, random_state=0, n_jobs=n, **options).fit(X, y).predict(X)
        for n in (None, 2)
    )
    assert (one == two).all()


def test_parameters_are_searched(gaps):
    X, Y = gaps
    grid = {"estimator__max_depth": [1, 4], "cv": [None, 3], "order": ["affinity", [3, 2, 1, 0]]}
    search = GridSearchCV(TaskChain(TREE), grid, cv=3).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_new_fit_forgets_the_structure_of_the_old(gaps):
    X, Y = gaps
    model = TaskChain().fit(X, Y)
    assert not hasattr(model.set_params(stacking=True).fit(X, Y), "order_")
    assert hasattr(model.set_params(stacking=False).fit(X, Y), "order_")


class TestLongForm:
    """A row has the label of its task; the models of the others see it as a new row."""

    @pytest.fixture
    def schools(self, complete):
        X, Y = complete
        parts = [np.arange(0, 25), np.arange(25, 45), np.arange(45, 60)]
        return stack_tasks([X[p] for p in parts], [Y[p, t] for t, p in enumerate(parts)], [3, 1, 2])

    def test_chain(self, schools):
        X, y = schools
        model = TaskChain(TREE, order=[2, 3, 1], task_feature=0).fit(X, y)
        A = X[:, 1:]
        for task in (2, 3, 1):
            own = X[:, 0] == task
            tree = clone(TREE).fit(A[own], y[own])
            assert (model.predict(X)[own] == tree.predict(A[own])).all()
            A = np.column_stack([A, tree.predict(A)])
        # Names are sorted: task 2 is at position 1.
        assert model.order_.tolist() == [[1, 2, 0]]

    def test_equals_wide_form(self, schools):
        X, y = schools
        wide = np.where(X[:, :1] == [1, 2, 3], y[:, None], np.nan)
        for options in ({"order": [2, 0, 1], "cv": 4}, {"stacking": True}):
            found = TaskChain(TREE, task_feature=0, **options).fit(X, y).predict(X)
            expected = TaskChain(TREE, **options).fit(X[:, 1:], wide).predict(X[:, 1:])
            column = X[:, 0].astype(int) - 1
            assert (found == expected[np.arange(60), column]).all()

    def test_unknown_tasks_are_predicted_from_all_rows(self, schools):
        X, y = schools
        new = X.copy()
        new[:, 0] = 9
        for stacking in (False, True):
            model = TaskChain(TREE, stacking=stacking, task_feature=0, unknown_task="shared")
            expected = clone(TREE).fit(X[:, 1:], y).predict(X[:, 1:])
            assert (model.fit(X, y).predict(new) == expected).all()
        assert not hasattr(model.set_params(unknown_task="error").fit(X, y), "pooled_estimator_")

    def test_classes(self, schools):
        X, y = schools
        labels = np.where(y > np.median(y), "high", "low")
        proba = TaskChain(task_feature=0).fit(X, labels).predict_proba(X)
        assert proba.shape == (60, 2)
        np.testing.assert_allclose(proba.sum(axis=1), 1.0)
        first = LogisticRegression().fit(X[X[:, 0] == 1, 1:], labels[X[:, 0] == 1])
        expected = first.predict_proba(X[X[:, 0] == 1, 1:])
        np.testing.assert_allclose(proba[X[:, 0] == 1], expected, rtol=1e-12)

    def test_affinity_is_not_known(self, schools):
        X, y = schools
        with pytest.raises(ValueError, match="order='affinity' needs rows"):
            TaskChain(order="affinity", task_feature=0).fit(X, y)


def test_predictions_that_are_no_numbers_are_inputs_of_the_next_model():
    # e^score of a row far from all others is infinite.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    Y = np.column_stack([rng.poisson(np.exp(X[:, 0])), X[:, 1], X[:, 0] > 0])
    for dtype in (np.float64, np.float32):
        model = TaskChain(tasks=["count", "regression", "binary"]).fit(X.astype(dtype), Y)
        found = model.predict(np.array([[1e4, 0.0], [0.0, 0.0]], dtype=dtype))
        assert found[0, 0] == np.inf
        assert np.isfinite(found[:, 1:]).all()
