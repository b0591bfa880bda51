"""What carries the names of tasks is matched by them in every estimator and score, or refused."""

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmtl import (
    MultiTaskKernelRidge,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLP,
    make_multitask_scorer,
    task_scores,
)
from skmtl.compose import TargetScaler, TaskChain, TaskGrouping
from skmtl.inspection import MultiTaskReport, TaskAffinity, task_affinity, transfer_gain
from skmtl.linear.penalties import L21, Graph
from skmtl.metrics import average_relative_rmse, d2_score, explained_variance, multitask_score
from skmtl.neural.architectures import Cascade, SoftSharing
from skmtl.neural.balancing import Static

from .registry import EVERY, TWINS, kind_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning"),
]
every_estimator = pytest.mark.parametrize("name", sorted(EVERY))
NAMES, OTHER_ORDER = ["u", "v", "w"], ["w", "u", "v"]
N_ROWS = 40


def wide(name="linear"):
    """X, labels with names, weights with names."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 3))
    Y = X @ rng.normal(size=(3, 3)) + 0.3 * rng.normal(size=(N_ROWS, 3))
    if kind_of(name) == "classification":
        Y = (Y > 0).astype(float)
    W = rng.integers(1, 4, size=Y.shape).astype(float)
    W[rng.random(Y.shape) < 0.1] = 0.0
    return X, pd.DataFrame(Y, columns=NAMES), pd.DataFrame(W, columns=NAMES)


def long(name="linear"):
    X, Y, W = (np.asarray(part) for part in wide(name))
    ids = np.array(NAMES)[np.arange(N_ROWS) % 3]
    return pd.DataFrame({"id": ids, "a": X[:, 0], "b": X[:, 1]}), Y[:, 0], W[:, 0]


def outputs(model, X):
    found = model.predict_proba(X) if hasattr(model, "predict_proba") else None
    found = [model.predict(X)] if found is None else found if isinstance(found, list) else [found]
    return np.concatenate(
        [np.asarray(part, dtype=float).ravel() for part in found if part is not None]
    )


def same(one, other, X):
    np.testing.assert_array_equal(outputs(one, X), outputs(other, X))


def takes(name, parameter):
    return hasattr(EVERY[name](), parameter)


CONTAINERS = {
    "pandas": lambda W: W[OTHER_ORDER],
    "polars": lambda W: pl.DataFrame({name: W[name].to_numpy() for name in OTHER_ORDER}),
    "dict": lambda W: {name: W[name].tolist() for name in OTHER_ORDER},
    "structured": lambda W: W[OTHER_ORDER].to_records(index=False),
}


class TestSampleWeight:
    @every_estimator
    def test_of_fit(self, name):
        X, Y, W = wide(name)
        expected = EVERY[name]().fit(X, Y, sample_weight=W.to_numpy())
        for container in CONTAINERS.values():
            same(EVERY[name]().fit(X, Y, sample_weight=container(W)), expected, X)
        with pytest.raises(ValueError, match=r"sample_weight does not have .*not known \['z'\]"):
            EVERY[name]().fit(X, Y, sample_weight=W.rename(columns={"v": "z"}))

    @every_estimator
    def test_goes_with_y_as_given(self, name):
        """Labels are matched with the tasks of fit, and their weights go with them."""
        X, Y, W = wide(name)
        model = EVERY[name]().fit(X, Y)
        expected = task_scores(model, X, Y, sample_weight=W.to_numpy())
        reordered = W[OTHER_ORDER]
        for weight in (W, reordered, reordered.to_numpy(), *(c(W) for c in CONTAINERS.values())):
            assert task_scores(model, X, Y[OTHER_ORDER], sample_weight=weight) == expected
        assert model.score(X, Y[OTHER_ORDER], W) == model.score(X, Y, W.to_numpy())
        assert model.score(X, Y.to_numpy(), reordered) == model.score(X, Y, W)
        with pytest.raises(ValueError, match="sample_weight does not have the tasks"):
            model.score(X, Y, W.assign(z=1.0))

    @every_estimator
    def test_of_tasks_without_names(self, name):
        X, Y, W = wide(name)
        Y, numbered = Y.to_numpy(), W.set_axis([0, 1, 2], axis=1)
        expected = EVERY[name]().fit(X, Y, sample_weight=W.to_numpy())
        same(EVERY[name]().fit(X, Y, sample_weight=numbered[[2, 0, 1]]), expected, X)
        for bad in (W, numbered.set_axis(["0", "1", "2"], axis=1), numbered.assign(z=0.0)):
            with pytest.raises(ValueError, match=r"sample_weight does not have .*\[0, 1, 2\]"):
                EVERY[name]().fit(X, Y, sample_weight=bad)

    def test_of_scorers(self):
        X, Y, W = wide()
        model = MultiTaskLinear(alpha=0.01).fit(X, Y)
        for metric in ("r2", None):
            scorer = make_multitask_scorer(metric, average=None)
            expected = scorer(model, X, Y, sample_weight=W.to_numpy())
            assert scorer(model, X, Y[OTHER_ORDER], sample_weight=W) == expected

    @pytest.mark.parametrize(
        "metric",
        [
            d2_score,
            explained_variance,
            partial(multitask_score, metric="r2"),
            partial(average_relative_rmse, folds=np.arange(N_ROWS) % 4),
        ],
    )
    def test_of_metrics(self, metric):
        X, Y, W = wide()
        predicted = Y + X
        expected = metric(Y, predicted, sample_weight=W.to_numpy(), average=None)
        found = metric(Y[OTHER_ORDER], predicted, sample_weight=W, average=None)
        assert {name: found[name] for name in NAMES} == expected

    def test_of_inspection(self):
        X, Y, W = wide()
        model = MultiTaskLinear("l2", alpha=0.1)
        expected = transfer_gain(model, X, Y, sample_weight=W.to_numpy(), cv=2)
        found = transfer_gain(model, X, Y, sample_weight=W[OTHER_ORDER], cv=2)
        np.testing.assert_array_equal(found.loss_alone, expected.loss_alone)
        np.testing.assert_array_equal(found.loss_together, expected.loss_together)
        one, other = (
            task_affinity(model, X, Y, method="coef_cosine", sample_weight=weight).affinity
            for weight in (W.to_numpy(), W[OTHER_ORDER])
        )
        np.testing.assert_array_equal(one, other)

    def test_of_partial_fit(self):
        X, Y, W = wide()
        options = {"hidden_layer_sizes": (4,), "random_state": 0}
        one = (
            MultiTaskMLP(**options).partial_fit(X, Y).partial_fit(X, Y, sample_weight=W.to_numpy())
        )
        other = MultiTaskMLP(**options).partial_fit(X, Y)
        other.partial_fit(X, Y[OTHER_ORDER], sample_weight=W)
        np.testing.assert_allclose(outputs(one, X), outputs(other, X), rtol=1e-12)

    @every_estimator
    def test_a_series_goes_by_row(self, name):
        X, Y, W = wide(name)
        weight = W["u"] + 1.0
        expected = EVERY[name]().fit(X, Y, sample_weight=weight.to_numpy())
        shuffled = pd.Series(weight.to_numpy(), index=np.arange(N_ROWS)[::-1])
        for given in (shuffled, pl.Series(weight.to_numpy()), weight.astype("Float64")):
            same(EVERY[name]().fit(X, Y, sample_weight=given), expected, X)


VECTORS = [
    {"w": 3.0, "u": 1.0, "v": 2.0},
    pd.Series({"w": 3.0, "u": 1.0, "v": 2.0}),
    pl.Series([1.0, 2.0, 3.0]),
]


class TestTaskWeight:
    @pytest.mark.parametrize("form", [wide, long])
    @pytest.mark.parametrize("name", [name for name in sorted(EVERY) if takes(name, "task_weight")])
    def test_of_estimators(self, name, form):
        X, y, _ = form(name)
        options = {"task_feature": "id"} if form is long else {}
        if form is long and not takes(name, "task_feature"):
            pytest.skip("no long form")
        expected = EVERY[name](task_weight=[1.0, 2.0, 3.0], **options).fit(X, y)
        for given in VECTORS:
            same(EVERY[name](task_weight=given, **options).fit(X, y), expected, X)
        with pytest.raises(ValueError, match=r"task_weight does not have .*missing \['w'\]"):
            EVERY[name](task_weight=pd.Series({"u": 1, "v": 2}), **options).fit(X, y)
        with pytest.raises(ValueError, match=r"task_weight does not .* \[0, 1, 2\]"):
            EVERY[name](task_weight=pd.Series([1, 2, 3]), **options).fit(X, y)

    def test_of_scores(self):
        X, Y, _ = wide()
        model = MultiTaskLinear(alpha=0.01).fit(X, Y)

        def score(weight):
            return make_multitask_scorer("r2", average="weighted", task_weight=weight)(model, X, Y)

        assert score(VECTORS[1]) == score([1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match="task_weight does not have the tasks"):
            score(pd.Series({"u": 1.0}))

    def test_inside_of_other_estimators(self):
        """Where an estimator sees numbers in the place of names, or some of the tasks."""
        for X, y, options in ((*wide()[:2], {}), (*long()[:2], {"task_feature": "id"})):
            fits = [
                TaskGrouping(
                    MultiTaskLinear(alpha=0.1, task_weight=weight), n_groups=1, **options
                ).fit(X, y)
                for weight in (VECTORS[1], [1.0, 2.0, 3.0])
            ]
            same(*fits, X)


@pytest.mark.parametrize("name", sorted(set(EVERY) - set(TWINS)))
def test_types_of_tasks(name):
    X, Y, _ = wide(name)
    kind = "binary" if kind_of(name) == "classification" else "regression"
    if kind_of(name) == "any":
        Y["v"] = (Y["v"] > 0) + 1.0
        kind = "multiclass"
    expected = EVERY[name](tasks=["auto", kind, "auto"]).fit(X, Y)
    given = pd.Series({"w": "auto", "u": "auto", "v": kind})
    same(EVERY[name](tasks=given).fit(X, Y), expected, X)
    with pytest.raises(ValueError, match="tasks does not have the tasks"):
        EVERY[name](tasks=given.rename({"v": "z"})).fit(X, Y)


# Positive definite, as a kernel is; elsewhere the diagonal does not count.
ADJACENCY = pd.DataFrame([[9, 5, 0.1], [5, 9, 1], [0.1, 1, 9]], NAMES, NAMES)
SHUFFLED = ADJACENCY.loc[OTHER_ORDER, ["v", "u", "w"]]


class TestMatrices:
    MODELS = {
        "graph": lambda A: MultiTaskLinear(Graph(A), alpha=0.1),
        "sum": lambda A: MultiTaskLinear(L21() + 2 * Graph(A), alpha=0.1),
        "cv": lambda A: MultiTaskLinearCV(Graph(A), alphas=[1.0, 0.1], cv=3),
        "cv of statistics": lambda A: MultiTaskLinearCV(
            Graph(A), alphas=[1.0, 0.1], cv=3, scoring="neg_mean_squared_error"
        ),
        "task kernel": lambda A: MultiTaskKernelRidge(alpha=0.1, task_kernel=A),
        "task kernel of a graph": lambda A: MultiTaskKernelRidge(
            alpha=0.1, task_kernel="graph", adjacency=A
        ),
        "soft sharing": lambda A: MultiTaskMLP(
            (4,), architecture=SoftSharing(to=A, strength=0.1), max_iter=5, random_state=0
        ),
        "inside": lambda A: TargetScaler(MultiTaskLinear(Graph(A), alpha=0.1)),
        "grouped": lambda A: TaskGrouping(MultiTaskLinear(Graph(A), alpha=0.1), affinity=A),
        "affinity": lambda A: TaskGrouping(MultiTaskLinear(alpha=0.1), affinity=A),
    }

    @pytest.mark.parametrize("form", [wide, long])
    @pytest.mark.parametrize("model", sorted(MODELS))
    def test_by_name(self, model, form):
        X, y, _ = form()
        fits = []
        table = pl.from_pandas(ADJACENCY.loc[OTHER_ORDER, OTHER_ORDER])
        for given in (ADJACENCY.to_numpy(), SHUFFLED, table):
            estimator = self.MODELS[model](given)
            if form is long:
                estimator.set_params(task_feature="id")
            fits.append(estimator.fit(X, y))
        for other in fits[1:]:
            same(other, fits[0], X)

    @pytest.mark.parametrize("model", sorted(MODELS))
    def test_refused(self, model):
        X, Y, _ = wide()
        for bad in (ADJACENCY.set_axis(["u", "v", "z"]), ADJACENCY.set_axis([0, 1, 2], axis=1)):
            with pytest.raises(ValueError, match="does not have the tasks"):
                self.MODELS[model](bad).fit(X, Y)

    def test_what_a_callable_returns(self):
        X, Y, _ = wide()

        def affinity(estimator, X, y, sample_weight):
            return SHUFFLED

        expected = TaskGrouping(MultiTaskLinear(alpha=0.1), affinity=ADJACENCY.to_numpy())
        found = TaskGrouping(MultiTaskLinear(alpha=0.1), affinity=affinity)
        np.testing.assert_array_equal(found.fit(X, Y).affinity_, expected.fit(X, Y).affinity_)

    def test_the_frame_of_an_affinity(self):
        X, Y, _ = wide()
        measured = TaskAffinity(NAMES, ADJACENCY.to_numpy(), "by hand")
        model = TaskGrouping(MultiTaskLinear(alpha=0.1), affinity=measured.to_frame())
        np.testing.assert_array_equal(
            model.fit(X, Y[OTHER_ORDER]).affinity_, ADJACENCY.loc[OTHER_ORDER, OTHER_ORDER]
        )


def mlp(**options):
    return MultiTaskMLP((4, 3), max_iter=5, random_state=0, **options)


class TestVectorsOfParts:
    @pytest.mark.parametrize("form", [wide, long])
    @pytest.mark.parametrize("given", VECTORS[:2])
    def test_static_balancing(self, given, form):
        X, y, _ = form()
        options = {"task_feature": "id"} if form is long else {}
        same(
            mlp(balancing=Static(given), **options).fit(X, y),
            mlp(balancing=Static([1.0, 2.0, 3.0]), **options).fit(X, y),
            X,
        )

    @pytest.mark.parametrize(
        "cascade",
        [
            Cascade({"w": ["u"], "v": "u"}, layers={"u": 1}),
            Cascade({2: [0], 1: 0}, layers={0: 1}),
            Cascade(
                pd.DataFrame([[0, 1], [0, 0], [0, 1]], ["w", "u", "v"], ["w", "u"]).assign(v=0),
                layers=pd.Series({"w": 2, "v": 2, "u": 1}),
            ),
        ],
    )
    def test_cascade(self, cascade):
        X, Y, _ = wide()
        expected = Cascade([[0, 0, 0], [1, 0, 0], [1, 0, 0]], layers=[1, 2, 2])
        same(mlp(architecture=cascade).fit(X, Y), mlp(architecture=expected).fit(X, Y), X)

    def test_a_cascade_of_unknown_tasks(self):
        X, Y, _ = wide()
        for cascade in (Cascade({"z": ["u"]}), Cascade(layers={"z": 1})):
            with pytest.raises(
                ValueError, match=r"names the task 'z'; the tasks are \['u', 'v', 'w'\]"
            ):
                mlp(architecture=cascade).fit(X, Y)

    @pytest.mark.parametrize(
        "whole, part",
        [
            (
                {"architecture": Cascade({"w": ["u", "v"]}, layers={"u": 1})},
                {"architecture": Cascade([[0, 0], [1, 0]], layers=[1, 2])},
            ),
            (
                {"balancing": Static({"w": 3.0, "v": 9.0, "u": 1.0})},
                {"balancing": Static([1.0, 3.0])},
            ),
            (
                {"architecture": SoftSharing(to=SHUFFLED, strength=1.0)},
                {"architecture": SoftSharing(to=ADJACENCY.to_numpy()[::2, ::2], strength=1.0)},
            ),
        ],
    )
    def test_are_cut_to_a_group(self, whole, part):
        X, Y, _ = wide()
        affinity = np.array([[0.0, 0, 1], [0, 0, 0], [1, 0, 0]])
        model = TaskGrouping(mlp(**whole), affinity=affinity, single_task_affinity=0.0).fit(X, Y)
        assert [group.tolist() for group in model.groups_] == [[0, 2], [1]]
        expected = mlp(**part).fit(X, Y[["u", "w"]])
        np.testing.assert_allclose(model.predict(X)[:, ::2], expected.predict(X), rtol=1e-9)

    def test_what_tasks_do_alone(self):
        X, Y, _ = wide()
        alone = {"v": 9.0, "u": 0.0, "w": 0.0}
        for given in (alone, pd.Series(alone), [0.0, 9.0, 0.0]):
            model = TaskGrouping(
                MultiTaskLinear(alpha=0.1), affinity=np.eye(3), single_task_affinity=given
            )
            assert [group.tolist() for group in model.fit(X, Y).groups_] == [[0, 2], [1]]

    def test_the_order_of_a_chain(self):
        X, Y, _ = wide()
        for order in (OTHER_ORDER, pd.Series(OTHER_ORDER), pl.Series(OTHER_ORDER), [2, 0, 1]):
            assert TaskChain(order=order, cv=None).fit(X, Y).order_.tolist() == [[2, 0, 1]]
        for order in (pd.Series({"u": 1, "v": 2, "w": 0}), {"u": 1, "v": 2, "w": 0}):
            with pytest.raises(ValueError, match=r"order .*labels \['u', 'v', 'w'\]"):
                TaskChain(order=order, cv=None).fit(X, Y)


class TestNamesOfAnyKind:
    NAMES = {
        "tuples": [("a", 1), ("a", 2), ("b", 1)],
        "numbers": [7, 3, 5],
        "NaN": ["a", float("nan"), None],
        "mixed": ["0", 0, 1.5],
        "attributes": ["column_names", "columns", "dtype"],
        "methods": ["to_pylist", "_asdict", "iloc"],
    }

    @pytest.mark.parametrize("names", sorted(NAMES))
    @pytest.mark.parametrize("name", sorted(EVERY))
    def test_fit_and_score(self, name, names):
        X, Y, W = wide(name)
        columns = np.empty(3, dtype=object)
        columns[:] = self.NAMES[names]
        # Frames of their own: no two share the object that is NaN.
        Y = pd.DataFrame(
            Y.to_numpy(), columns=pd.Index(columns, dtype=object, tupleize_cols=names == "tuples")
        )
        expected = EVERY[name]().fit(X, Y, sample_weight=W.to_numpy())
        again = [float("nan") if key != key else key for key in self.NAMES[names]]
        W = pd.DataFrame(W.to_numpy(), columns=pd.Index(again, dtype=object, tupleize_cols=False))
        found = EVERY[name]().fit(X, Y, sample_weight=W.iloc[:, ::-1])
        same(found, expected, X)
        assert found.score(X, Y.iloc[:, ::-1]) == expected.score(X, Y.to_numpy())

    def test_nan_in_parameters(self):
        X, Y, _ = wide()
        nan = float("nan")
        Y = Y.set_axis(["a", nan, 2.5], axis=1)
        again = pd.DataFrame(Y.to_numpy(), columns=["a", nan, 2.5])
        model = MultiTaskMLP((4,), monitor=nan, task_weight={nan: 2.0}, max_iter=3).fit(X, Y)
        assert task_scores(model, X, again.iloc[:, ::-1]) == task_scores(model, X, Y)
        scaled = TargetScaler(MultiTaskLinear(alpha=0.1), transformer={nan: None}).fit(X, Y)
        assert [part is None for part in scaled.transformers_] == [False, True, False]
        assert TaskChain(order=[nan, 2.5, "a"], cv=3).fit(X, Y).order_.tolist() == [[1, 2, 0]]
        page = MultiTaskReport(MultiTaskLinear("l2").fit(X, Y), X, again, cv=2)
        assert page.to_frame().index.tolist() == ["a", "nan", "2.5"]

    def test_nan_twice(self):
        X, Y, _ = wide()
        with pytest.raises(ValueError, match="Duplicate task name in y: nan"):
            MultiTaskLinear().fit(X, Y.set_axis([float("nan"), "a", float("nan")], axis=1))


def test_labels_whose_columns_are_numbered():
    """Tasks without names are called 0, 1, ...: a frame with these names is put in order."""
    X, Y, _ = wide()
    Y = Y.to_numpy()
    model, frame = MultiTaskLinear(alpha=0.01).fit(X, Y), pd.DataFrame(Y)
    assert task_scores(model, X, frame[[2, 0, 1]]) == task_scores(model, X, Y)
    assert d2_score(Y, pd.DataFrame(Y + X)[[2, 0, 1]]) == d2_score(Y, Y + X)


def test_training_labels_of_a_relative_error():
    _, Y, _ = wide()
    train, test = Y[:20], Y[20:]
    expected = average_relative_rmse(test, test * 0.9, y_train=train.to_numpy())
    assert average_relative_rmse(test, test * 0.9, y_train=train[OTHER_ORDER]) == expected
    with pytest.raises(ValueError, match=r"y_train does not have the tasks .*not known \['z'\]"):
        average_relative_rmse(test, test, y_train=train.rename(columns={"u": "z"}))
