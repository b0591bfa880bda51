"""TargetScaler equals scikit-learn's TransformedTargetRegressor, task by task on its labels."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from skmtl import (
    IndependentTasks,
    MultiTaskLasso,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressor,
    MultiTaskMLP,
    task_scores,
)
from skmtl.compose import PooledTasks, TargetScaler, TaskGrouping

LINEAR = MultiTaskLinearRegressor("trace_norm", alpha=0.05, tol=1e-10)


@pytest.fixture
def numbers():
    """Three positive tasks of very different scale."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    Y = np.exp(0.5 * X @ rng.normal(size=(4, 3)) + 0.1 * rng.normal(size=(60, 3)))
    return X, Y * [1.0, 1e4, 1e-4]


@pytest.fixture
def gaps(numbers):
    X, Y = numbers
    Y[np.random.default_rng(1).random(Y.shape) < 0.4] = np.nan
    return X, Y


class TestAgainstScikitLearn:
    """Where labels are complete both do the same."""

    @pytest.mark.parametrize(
        ("transformer", "options"),
        [
            (StandardScaler(), {}),
            (MinMaxScaler(), {"transformer": MinMaxScaler()}),
            (PowerTransformer(), {"transformer": PowerTransformer()}),
            (
                FunctionTransformer(np.log, np.exp),
                {"func": np.log, "inverse_func": np.exp},
            ),
        ],
    )
    def test_equals_transformed_target_regressor(self, transformer, options, numbers):
        X, Y = numbers
        expected = TransformedTargetRegressor(LINEAR, transformer=transformer).fit(X, Y).predict(X)
        model = TargetScaler(LINEAR, **options).fit(X, Y)
        np.testing.assert_allclose(model.predict(X), expected, rtol=1e-9)

    def test_one_dimensional_y(self, numbers):
        X, Y = numbers
        scaler = QuantileTransformer(n_quantiles=20, output_distribution="normal")
        expected = TransformedTargetRegressor(Ridge(), transformer=scaler).fit(X, Y[:, 0])
        model = TargetScaler(IndependentTasks(Ridge()), scaler).fit(X, Y[:, 0])
        np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-12)
        assert len(model.transformers_) == 1


class TestMissingLabels:
    """Each transformer sees the labels of its task that are there."""

    def test_equals_one_task_at_a_time(self, gaps):
        X, Y = gaps
        model = TargetScaler(IndependentTasks(Ridge()), PowerTransformer()).fit(X, Y)
        for t in range(3):
            known = ~np.isnan(Y[:, t])
            alone = TransformedTargetRegressor(Ridge(), transformer=PowerTransformer())
            expected = alone.fit(X[known], Y[known, t]).predict(X)
            np.testing.assert_allclose(model.predict(X)[:, t], expected, rtol=1e-9)

    def test_standardising_counts_weights(self, gaps):
        X, Y = gaps
        weight = np.random.default_rng(0).integers(0, 4, Y.shape).astype(float)
        model = TargetScaler(LINEAR).fit(X, Y, sample_weight=weight)
        for t, transformer in enumerate(model.transformers_):
            known = ~np.isnan(Y[:, t])
            repeated = np.repeat(Y[known, t], weight[known, t].astype(int))
            assert transformer.mean_[0] == pytest.approx(repeated.mean(), rel=1e-12)
            assert transformer.scale_[0] == pytest.approx(repeated.std(), rel=1e-12)
        inside = (Y - [t.mean_[0] for t in model.transformers_]) / [
            t.scale_[0] for t in model.transformers_
        ]
        expected = MultiTaskLinearRegressor("trace_norm", alpha=0.05, tol=1e-10)
        expected.fit(X, inside, sample_weight=weight)
        np.testing.assert_allclose(model.estimator_.coef_, expected.coef_, atol=1e-7)

    @pytest.mark.parametrize("routing", [False, True])
    def test_weights_reach_the_last_step_of_a_pipeline(self, routing, gaps):
        X, Y = gaps
        weight = np.random.default_rng(0).uniform(0.1, 3, len(X))
        steps = make_pipeline(FunctionTransformer(np.negative, np.negative), StandardScaler())
        with sklearn.config_context(enable_metadata_routing=routing):
            model = TargetScaler(LINEAR, steps).fit(X, Y, sample_weight=weight)
        known = ~np.isnan(Y[:, 0])
        mean = np.average(-Y[known, 0], weights=weight[known])
        np.testing.assert_allclose(model.transformers_[0][-1].mean_, mean)

    def test_transformers_without_weights_count_labels_alike(self, gaps):
        X, Y = gaps
        weight = np.random.default_rng(0).uniform(0.5, 2, 60)
        scaler = MinMaxScaler()
        plain, weighted = (
            TargetScaler(LINEAR, scaler).fit(X, Y, sample_weight=w) for w in (None, weight)
        )
        for one, other in zip(plain.transformers_, weighted.transformers_, strict=True):
            assert one.data_min_ == other.data_min_
        assert (plain.predict(X) != weighted.predict(X)).any()

    def test_a_task_without_labels(self, gaps):
        X, Y = gaps
        Y[:, 1] = np.nan
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = TargetScaler(LINEAR).fit(X, Y)
        assert [str(w.message)[:26] for w in caught] == ["Task 1: no observed label;"]
        assert model.transformers_[1] is None
        assert np.isnan(model.predict(X)).all(axis=0).tolist() == [False, True, False]


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_scale_of_targets_does_not_matter(scale, gaps):
    X, Y = gaps
    shift = np.array([0.0, 3.0, -5.0])
    plain = TargetScaler(LINEAR).fit(X, Y).predict(X)
    scaled = TargetScaler(LINEAR).fit(X, scale * (Y + shift)).predict(X)
    np.testing.assert_allclose(scaled / scale - shift, plain, rtol=1e-6, atol=1e-9)


def test_what_the_penalty_shrinks_is_no_matter_of_units(gaps):
    """As they are, the coefficients of the task with the small numbers all vanish."""
    X, Y = gaps
    plain = clone(LINEAR).set_params(penalty="l1").fit(X, Y)
    assert (plain.coef_[2] == 0).all()
    scaled = TargetScaler(plain).fit(X, Y)
    assert task_scores(plain, X, Y)["2"] < 0.01
    assert task_scores(scaled, X, Y)["2"] > 0.5


@pytest.fixture
def mixed(numbers):
    X, Y = numbers
    rng = np.random.default_rng(2)
    y = pd.DataFrame(
        {
            "price": Y[:, 1],
            "ill": np.where(X[:, 0] > 0, "yes", "no"),
            "visits": rng.poisson(np.exp(X[:, 1])).astype(float),
            "length": Y[:, 2],
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.2)


class TestMixedTypes:
    """Numbers are transformed; classes and counts are left alone."""

    tasks = {"visits": "count"}
    estimator = MultiTaskLinear("l2", alpha=0.1, scale_targets=False, tol=1e-8)

    def test_equals_the_estimator_on_transformed_numbers(self, mixed):
        X, y = mixed
        model = TargetScaler(self.estimator, tasks=self.tasks).fit(X, y)
        kinds = [type(transformer).__name__ for transformer in model.transformers_]
        assert kinds == ["StandardScaler", "NoneType", "NoneType", "StandardScaler"]
        inside = y.copy()
        for name in ("price", "length"):
            inside[name] = (y[name] - y[name].mean()) / y[name].std(ddof=0)
        expected = MultiTaskLinear("l2", alpha=0.1, scale_targets=False, tol=1e-8)
        expected.set_params(tasks=["regression", "binary", "count", "regression"]).fit(X, inside)
        np.testing.assert_allclose(model.estimator_.coef_, expected.coef_, atol=1e-6)
        assert (model.predict_proba(X)[1] == model.estimator_.predict_proba(X)[1]).all()
        found, plain = model.predict(X), expected.predict(X)
        assert set(found[:, 1]) == {"yes", "no"}
        np.testing.assert_allclose(found[:, 2].astype(float), plain[:, 2].astype(float), rtol=1e-6)
        price = plain[:, 0].astype(float) * y["price"].std(ddof=0) + y["price"].mean()
        np.testing.assert_allclose(found[:, 0].astype(float), price, rtol=1e-6)
        aliases = [task.alias for task in model.tasks_]
        assert aliases == ["regression", "binary", "count", "regression"]

    def test_by_name(self, mixed):
        X, y = mixed
        logarithm = FunctionTransformer(np.log1p, np.expm1)
        estimator = clone(self.estimator).set_params(tol=1e-12)
        named = {"price": None, "visits": logarithm}
        model = TargetScaler(estimator, named, tasks=self.tasks).fit(X, y)
        kinds = [type(transformer).__name__ for transformer in model.transformers_]
        assert kinds == ["NoneType", "NoneType", "FunctionTransformer", "StandardScaler"]
        # A count whose logarithm is learned is a number to the estimator, and a count outside.
        assert model.estimator_.tasks_[2].alias == "regression"
        assert model.tasks_[2].alias == "count"
        known = y["visits"].notna().to_numpy()
        by_hand = MultiTaskLinear("l2", alpha=0.1, tasks="regression")
        by_hand.fit(X[known], np.log1p(y[["visits"]][known]))
        expected = np.expm1(by_hand.predict(X)[:, 0])
        np.testing.assert_allclose(model.predict(X)[:, 2].astype(float), expected, atol=1e-5)

    def test_a_number_that_becomes_zero_stays_a_number(self):
        X, y = np.random.default_rng(0).normal(size=(20, 2)), np.full((20, 2), 3.5)
        y[:, 1] = X[:, 0]
        model = TargetScaler(MultiTaskLinear()).fit(X, y)
        assert model.estimator_.tasks_[0].alias == "regression"
        np.testing.assert_allclose(model.predict(X)[:, 0], 3.5)


class HalfOf(TransformerMixin, BaseEstimator):
    """Forgets the sign."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.abs(X)

    def inverse_transform(self, X):
        return X


class TestWhatGoesWrong:
    """Messages name the task."""

    def frame(self, Y):
        return pd.DataFrame(Y, columns=["a", "b", "c"])

    @pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"func": np.log, "inverse_func": np.exp},
                r"Task 'b': the transformer makes nan of the label -2 \(1 such labels\)",
            ),
            ({"func": np.log}, "func and inverse_func belong together"),
            (
                {"transformer": StandardScaler(), "func": np.log, "inverse_func": np.exp},
                "transformer, or func and inverse_func, not both",
            ),
            ({"transformer": {"z": None}}, r"names the task 'z'.*its tasks are \['a', 'b', 'c'\]"),
            (
                {"transformer": {"a": StandardScaler()}, "tasks": {"a": "binary"}},
                r"Task 'a' is binary: only numbers can be transformed, got StandardScaler\(\)",
            ),
            (
                {"transformer": MinMaxScaler(), "tasks": "binary"},
                r"nothing to transform: the tasks \['a', 'b', 'c'\] are \['binary'\]",
            ),
            (
                {"transformer": PolynomialFeatures()},
                "'transformer' parameter of TargetScaler must be .*'inverse_transform'",
            ),
        ],
    )
    def test_messages(self, options, message, numbers):
        (X, Y), options = numbers, dict(options)
        Y[3, 1] = -2.0
        declared = options.get("tasks")
        if declared is not None:
            binary = slice(None) if declared == "binary" else 0
            Y[:, binary] = np.greater(Y, np.median(Y, axis=0))[:, binary]
        with pytest.raises(ValueError, match=message):
            TargetScaler(MultiTaskLinear(), **options).fit(X, self.frame(Y))

    def test_the_way_back_is_tried(self, numbers):
        X, Y = numbers
        Y[:, 0] *= -1
        with pytest.warns(UserWarning) as caught:
            TargetScaler(LINEAR, HalfOf()).fit(X, self.frame(Y))
        assert len(caught) == 1
        text = str(caught[0].message)
        assert text.startswith("Task 'a': inverting the transformer does not give the labels back")
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            TargetScaler(LINEAR, HalfOf(), check_inverse=False).fit(X, self.frame(Y))
            TargetScaler(LINEAR, PowerTransformer()).fit(X, self.frame(Y))
            small = MultiTaskLinear(alpha=1e-15)
            tiny = TargetScaler(small, func=np.negative, inverse_func=np.negative)
            tiny.fit(X, 1e-12 * Y)

    def test_a_prediction_that_cannot_be_mapped_back(self, numbers):
        X, Y = numbers
        squares = TargetScaler(LINEAR, func=np.square, inverse_func=np.sqrt).fit(X, self.frame(Y))
        with (
            np.errstate(invalid="ignore"),
            pytest.warns(
                UserWarning, match=r"Task 'a': .* cannot map back \d+ pred.* nearest label"
            ),
        ):
            predicted = squares.predict(20 * X)[:, 0]
        squared = squares.estimator_.predict(20 * X)[:, 0]
        expected = np.sqrt(np.where(squared < 0, (Y[:, 0] ** 2).min(), squared))
        np.testing.assert_allclose(predicted, expected)

    def test_labels_that_have_no_way_back(self, numbers):
        X, Y = numbers
        nowhere = TargetScaler(
            LINEAR, func=np.square, inverse_func=lambda y: np.full_like(y, np.nan)
        )
        with pytest.raises(ValueError, match=r"Task 'a': the transformer cannot map back \d+ pred"):
            nowhere.fit(X, self.frame(Y))

    @pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
    def test_a_power_is_mapped_back_row_by_row(self, method, numbers):
        X = numbers[0]
        y = np.exp(3 * X[:, 0] + X[:, 1])
        model = TargetScaler(LINEAR, PowerTransformer(method)).fit(X, y)
        far = 20 * X
        with pytest.warns(UserWarning, match="nearest label"):
            together = model.predict(far)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = [model.predict(row[None])[0] for row in far]
        np.testing.assert_allclose(alone, together, rtol=1e-12)
        assert np.isfinite(together).all()
        raw, transformer = model.estimator_.predict(far), model.transformers_[0]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lost = ~np.isfinite(transformer.inverse_transform(raw[:, None])[:, 0])
        nearest = np.where(raw[lost] > 0, y.max(), y.min())
        assert lost.any()
        np.testing.assert_allclose(together[lost], nearest)

    def test_more_columns_than_one(self, numbers):
        X, Y = numbers

        def twice(y):
            return np.hstack([y, y])

        with pytest.raises(ValueError, match=r"Task 0: the transformer makes shape \(60, 2\) of"):
            TargetScaler(LINEAR, func=twice, inverse_func=np.abs).fit(X, Y)


class TestTogetherWithOthers:
    """Inside of others, and around them."""

    def test_kind(self, numbers):
        X, Y = numbers
        assert is_regressor(TargetScaler(LINEAR))
        assert not is_regressor(TargetScaler(MultiTaskLinear()))
        classes = TargetScaler(MultiTaskLinearClassifier())
        assert is_classifier(classes)
        labels = np.greater(Y, np.median(Y, axis=0)) * 1
        expected = MultiTaskLinearClassifier().fit(X, labels).predict(X)
        assert (classes.fit(X, labels).predict(X) == expected).all()

    def test_search(self, gaps):
        X, Y = gaps
        grid = {"estimator__alpha": [1e-3, 10.0], "transformer": [None, MinMaxScaler()]}
        search = GridSearchCV(TargetScaler(LINEAR), grid, cv=3).fit(X, Y)
        assert search.best_params_["estimator__alpha"] == 1e-3
        nested = TargetScaler(GridSearchCV(make_pipeline(StandardScaler(), LINEAR), {}, cv=3))
        assert np.isfinite(nested.fit(X, Y).score(X, Y))
        fixed = {"transformer__output_distribution": ["normal", "uniform"]}
        GridSearchCV(TargetScaler(LINEAR, QuantileTransformer(n_quantiles=9)), fixed, cv=3).fit(
            X, Y
        )

    def test_pooling_needs_one_scale(self, numbers):
        X, _ = numbers
        Y = X[:, :1] * [1.0, 1e3, 1e-3] + [0.0, 5e3, 0.0]
        pooled = PooledTasks(task_encoding=None)
        assert pooled.fit(X, Y).score(X, Y) < 0.5
        assert TargetScaler(pooled).fit(X, Y).score(X, Y) > 0.99

    def test_grouping_inside_and_outside(self, gaps):
        X, Y = gaps
        affinity = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0.0]])
        inside = TargetScaler(TaskGrouping(LINEAR, affinity=affinity)).fit(X, Y)
        outside = TaskGrouping(TargetScaler(LINEAR), affinity=affinity).fit(X, Y)
        np.testing.assert_allclose(inside.predict(X), outside.predict(X), rtol=1e-10)

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_logarithms_for_a_network(self, gaps):
        X, Y = gaps
        network = MultiTaskMLP((8,), max_iter=10, random_state=0)
        model = TargetScaler(network, func=np.log, inverse_func=np.exp).fit(X, Y)
        expected = np.exp(network.fit(X, np.log(Y)).predict(X))
        np.testing.assert_allclose(model.predict(X), expected, rtol=1e-6)
        assert (model.predict(X) > 0).all()


class TestLongForm:
    """One transformer for all tasks."""

    def test_equals_the_estimator_on_transformed_labels(self, numbers):
        X, Y = numbers
        y = Y[:, 0]
        y[::7] = np.nan
        X = np.column_stack([X[:, :2], np.arange(60) % 3 + 5, X[:, 2:]])
        model = TargetScaler(LINEAR, func=np.log, inverse_func=np.exp, task_feature=2)
        model.set_params(unknown_task="shared").fit(X, y)
        inside = MultiTaskLinearRegressor("trace_norm", alpha=0.05, tol=1e-10, task_feature=2)
        inside.set_params(unknown_task="shared").fit(X, np.log(y))
        X[0, 2] = 99
        np.testing.assert_allclose(model.predict(X), np.exp(inside.predict(X)), rtol=1e-9)
        assert len(model.transformers_) == 1
        assert model.task_names_in_.tolist() == [5, 6, 7]

    def test_no_transformers_by_name(self, numbers):
        X, Y = numbers
        X[:, 0] = np.arange(60) % 2
        with pytest.raises(ValueError, match="In long form one transformer serves all tasks"):
            TargetScaler(LINEAR, {0: None}, task_feature=0).fit(X, Y[:, 0])


class TestClassesOfScikitLearn:
    def test_they_learn_columns_of_numbers(self):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
        Y[::3, 0] = np.nan
        inner = MultiTaskLasso(alpha=0.01)
        scaled = TargetScaler(inner).fit(X, Y)
        mean, std = np.nanmean(Y, axis=0), np.nanstd(Y, axis=0)
        expected = inner.fit(X, (Y - mean) / std).predict(X) * std + mean
        np.testing.assert_allclose(scaled.predict(X), expected)

    def test_they_learn_nothing_else(self):
        X, Y = np.eye(6), np.arange(12.0).reshape(6, 2)
        with pytest.raises(ValueError, match="MultiTaskLasso learns columns of numbers only"):
            TargetScaler(MultiTaskLasso(), task_feature=0).fit(X, Y[:, 0])
        with pytest.raises(ValueError, match="not tasks of type 'count'"):
            TargetScaler(MultiTaskLasso(), tasks=["regression", "count"]).fit(X, Y)
