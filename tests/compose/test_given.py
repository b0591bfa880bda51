"""One estimator for all tasks, or one for each kind: which of them learns what."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, StackingRegressor
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskMLP, stack_tasks
from skmtl.compose import PooledTasks, TaskChain, TaskGrouping
from skmtl.inspection import MultiTaskReport, transfer_gain

GIVEN = [IndependentTasks, PooledTasks, TaskChain]
every_estimator = pytest.mark.parametrize("Estimator", GIVEN)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(60, 3))


@pytest.fixture
def numbers(X):
    return pd.DataFrame(X[:, :2] + 0.1, columns=["a", "b"])


@pytest.fixture
def classes(X):
    return pd.DataFrame({"c": np.where(X[:, 0] > 0, "yes", "no"), "d": X[:, 1] > 0})


@pytest.fixture
def mixed(numbers, classes):
    return numbers.join(classes)


def estimators_of(model):
    """Fitted estimators, in one list."""
    found = model.estimators_
    return [part for step in found for part in (step if isinstance(step, list) else [step])]


class Both(BaseEstimator):
    """Says neither that it is a classifier nor that it is a regressor."""

    def fit(self, X, y):
        self.estimator_ = (Ridge() if np.asarray(y).dtype == float else LogisticRegression()).fit(
            X, y
        )
        return self

    def predict(self, X):
        return self.estimator_.predict(X)


class Foreign:
    """Not of scikit-learn: no tags."""

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.full(len(X), 7.0)


@every_estimator
class TestWhoLearnsWhat:
    def test_the_positional_one_learns_classes(self, Estimator, X, classes):
        model = Estimator(DecisionTreeClassifier(max_depth=1)).fit(X, classes)
        assert {type(part) for part in estimators_of(model)} == {DecisionTreeClassifier}

    def test_the_positional_one_learns_numbers(self, Estimator, X, numbers):
        model = Estimator(DecisionTreeRegressor(max_depth=1)).fit(X, numbers)
        assert {type(part) for part in estimators_of(model)} == {DecisionTreeRegressor}

    def test_by_name(self, Estimator, X, mixed):
        model = Estimator(regressor=DecisionTreeRegressor(), classifier=DecisionTreeClassifier())
        found = {type(part) for part in estimators_of(model.fit(X, mixed))}
        assert found == {DecisionTreeRegressor, DecisionTreeClassifier}

    def test_one_name_leaves_the_rest_to_the_positional_one(self, Estimator, X, mixed):
        model = Estimator(DecisionTreeRegressor(), classifier=DecisionTreeClassifier())
        found = {type(part) for part in estimators_of(model.fit(X, mixed))}
        assert found == {DecisionTreeRegressor, DecisionTreeClassifier}

    def test_what_is_not_given_is_linear(self, Estimator, X, mixed):
        model = Estimator(regressor=DecisionTreeRegressor(max_depth=1), tasks={"b": "count"})
        mixed["b"] = np.round(np.abs(mixed["b"]))
        found = {type(part) for part in estimators_of(model.fit(X, mixed))}
        assert found == {DecisionTreeRegressor, LogisticRegression}
        model = Estimator(classifier=DecisionTreeClassifier(max_depth=1), tasks={"b": "count"})
        found = {type(part) for part in estimators_of(model.fit(X, mixed))}
        assert found == {Ridge, PoissonRegressor, DecisionTreeClassifier}

    def test_one_without_a_type_learns_all(self, Estimator, X, mixed):
        model = Estimator(Both()).fit(X, mixed)
        assert {type(part) for part in estimators_of(model)} == {Both}

    def test_of_no_library(self, Estimator, X, numbers):
        assert (
            Estimator(Foreign(), **({"cv": None} if Estimator is TaskChain else {}))
            .fit(X, numbers)
            .predict(X)
            == 7.0
        ).all()

    def test_one_that_predicts_only_when_fitted(self, Estimator, X, numbers):
        stacked = StackingRegressor([("ridge", Ridge())], cv=3)
        assert not hasattr(stacked, "predict")
        options = {"cv": 3} if Estimator is TaskChain else {}
        for given in ({"estimator": stacked}, {"regressor": stacked}):
            model = Estimator(**given, **options).fit(X, numbers)
            assert {type(part) for part in estimators_of(model)} == {StackingRegressor}


def wrapped(estimator):
    """The estimator alone, in a pipeline, in a search."""
    return [
        estimator,
        make_pipeline(StandardScaler(), estimator),
        GridSearchCV(make_pipeline(StandardScaler(), estimator), {}, cv=2),
    ]


@every_estimator
class TestWhatDoesNotFit:
    @pytest.mark.parametrize("given", wrapped(RandomForestClassifier()))
    def test_a_classifier_for_numbers(self, Estimator, given, X, mixed):
        message = (
            rf"{Estimator.__name__}: estimator=.*RandomForestClassifier.* is a classifier, but "
            "task 'a' is regression: give one that learns regression as regressor=, this one as "
            "classifier="
        )
        with pytest.raises(ValueError, match=message):
            Estimator(given).fit(X, mixed)

    @pytest.mark.parametrize("given", wrapped(DecisionTreeRegressor()))
    def test_a_regressor_for_classes(self, Estimator, given, X, mixed):
        message = (
            r"estimator=.* is a regressor, but task 'c' is binary: give one that learns "
            "classification as classifier=, this one as regressor="
        )
        with pytest.raises(ValueError, match=message):
            Estimator(given).fit(X, mixed)

    def test_by_the_wrong_name(self, Estimator, X, mixed):
        with pytest.raises(ValueError, match=r"classifier=Ridge\(\) is a regressor, but task 'c'"):
            Estimator(classifier=Ridge()).fit(X, mixed)
        message = r"regressor=LogisticRegression\(\) is a classifier, but task 'a' is regression"
        with pytest.raises(ValueError, match=message):
            Estimator(regressor=LogisticRegression()).fit(X, mixed)

    def test_in_long_form(self, Estimator, X, numbers):
        X_long, y_long = stack_tasks([X, X], [numbers["a"], numbers["b"]])
        with pytest.raises(ValueError, match=r"Classifier\(\) is a classifier, but task 0 is regr"):
            Estimator(DummyClassifier(), task_feature=0).fit(X_long, y_long)
        with pytest.raises(ValueError, match=r"Regressor\(\) is a regressor, but task 0 is binary"):
            Estimator(DummyRegressor(), task_feature=0).fit(X_long, y_long > 0)

    def test_a_task_without_labels_asks_for_nothing(self, Estimator, X, classes):
        # A column of NaN is read as regression: a fold may have lost the labels of a class.
        y = classes.assign(none=np.nan)
        with pytest.warns(UserWarning, match="Task 'none': no observed label"):
            model = Estimator(KNeighborsClassifier(3)).fit(X, y)
        assert np.isnan(model.predict(X)[:, 2].astype(float)).all()

    def test_an_estimator_for_no_task(self, Estimator, X, numbers):
        model = Estimator(KNeighborsClassifier(), regressor=Ridge())
        message = r"estimator=KNeighborsClassifier\(\) is for none of the tasks: regressor learn"
        with pytest.raises(ValueError, match=message):
            model.fit(X, numbers)

    def test_a_name_for_no_task(self, Estimator, X, numbers, mixed):
        model = Estimator(classifier=KNeighborsClassifier())
        message = r"classifier=KNeighborsClassifier\(\) is for none of the tasks: none is classific"
        with pytest.warns(UserWarning, match=message):
            model.fit(X, numbers)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(X, mixed)

    def test_a_failed_fit_leaves_it_as_it_was(self, Estimator, X, numbers, classes):
        model = Estimator(DecisionTreeRegressor(random_state=0)).fit(X, numbers)
        before = model.predict(X)
        with pytest.raises(ValueError, match="is a regressor, but task 'c'"):
            model.fit(X, classes)
        assert (model.predict(X) == before).all()


class TestInside:
    """Where others read y, they say what the tasks are: no second judgment."""

    def test_groups_of_one_kind(self, X, mixed):
        inside = IndependentTasks(Ridge(), classifier=LogisticRegression())
        groups = TaskGrouping(inside, affinity=np.kron(np.eye(2), np.ones((2, 2))))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = groups.fit(X, mixed)
        assert [group.tolist() for group in model.groups_] == [[0, 1], [2, 3]]
        assert (model.predict(X) == inside.fit(X, mixed).predict(X)).all()

    def test_gain_against_a_forest(self, X, classes):
        forest = RandomForestClassifier(3, random_state=0)
        together = MultiTaskLinear("l2", alpha=0.1)
        found = transfer_gain(together, X, classes, baseline=IndependentTasks(forest), cv=2)
        named = IndependentTasks(classifier=forest)
        expected = transfer_gain(together, X, classes, baseline=named, cv=2)
        assert (found.loss_alone == expected.loss_alone).all()
        linear = transfer_gain(together, X, classes, baseline=IndependentTasks(), cv=2)
        assert (found.loss_alone != linear.loss_alone).all()

    def test_the_report_names_a_baseline_that_does_not_fit(self, X, numbers):
        model, baseline = MultiTaskLinear(alpha=0.1), IndependentTasks(RandomForestClassifier())
        with pytest.raises(
            ValueError, match=r"RandomForestClassifier.* but task 'a' is regression"
        ):
            MultiTaskReport(model, X, numbers, cv=2, baseline=baseline)
        with pytest.raises(
            ValueError, match=r"RandomForestClassifier.* but task 'a' is regression"
        ):
            transfer_gain(model, X, numbers, baseline=baseline)

    def test_an_estimator_of_this_package(self, X, mixed):
        network = MultiTaskMLP((4,), learning_rate="constant", max_iter=2, random_state=0)
        model = IndependentTasks(network)
        with pytest.warns(UserWarning):
            model.fit(X, mixed)
        assert model.predict(X).shape == mixed.shape
