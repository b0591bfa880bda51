"""Graphs of ONNX: names, text, missing values, types of tasks, single precision, errors."""

import json
import warnings

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.gaussian_process.kernels import (
    RBF,
    DotProduct,
    ExpSineSquared,
    Matern,
    PairwiseKernel,
    RationalQuadratic,
    WhiteKernel,
)
from sklearn.linear_model import PoissonRegressor, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor, NeighborhoodComponentsAnalysis
from sklearn.preprocessing import (
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from skmtl import (
    CalibratedTasks,
    IndependentTasks,
    MultiTaskGaussianProcessRegressor,
    MultiTaskKernelRidge,
    MultiTaskKernelRidgeCV,
    MultiTaskLinear,
    MultiTaskMLP,
    MultiTaskMLPCV,
    ThresholdTasks,
)
from skmtl.compose import PooledTasks, TargetScaler, TaskChain, TaskStacking
from skmtl.export import to_onnx, to_torch
from skmtl.export._outputs import outputs_of
from skmtl.tasks import TASK_TYPES, Multiclass, Ordinal, Quantile

from .agreement import assert_agree, run

pytestmark = pytest.mark.filterwarnings("ignore")
ODD_NAMES = ["yield", "class", "a.b", "", "X", "keys", "<script>", "yield_probabilities", 1, "1"]


def same(estimator, X, new=None, **settings):
    """The graph, after all of its answers were compared."""
    model = to_onnx(estimator, **settings)
    inputs = [value.name for value in model.graph.input]
    for rows in (X, X[:1]) if new is None else (new,):
        assert_agree(run(model, rows), outputs_of(estimator, inputs), estimator, rows)
    return model


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, np.column_stack([X[:, 0] * X[:, 1], X[:, 2] ** 2])


@pytest.fixture
def mixed(numbers):
    X, Y = numbers
    label = np.where(X[:, 0] > 0.3, "high", np.where(X[:, 0] < -0.3, "low", "middle"))
    return X, pd.DataFrame({"score": 100 * Y[:, 0], "big": Y[:, 1] > 0.5, "level": label})


@pytest.mark.parametrize("estimator", [MultiTaskLinear(), MultiTaskMLP((4,), max_iter=3)])
def test_any_name_of_a_task(estimator, numbers):
    X, Y = numbers
    Y = pd.DataFrame(np.repeat(Y, 5, axis=1) > 0.2, columns=ODD_NAMES)
    Y["yield"] = X[:, 0]
    model = same(estimator.fit(X, Y), X)
    names = [output.name for output in model.graph.output]
    assert len(set(names)) == len(names) == 19
    assert [value.name for value in model.graph.input] == ["X"]


def test_metadata_tell_names_types_and_classes(mixed, tmp_path):
    X, Y = mixed
    path = tmp_path / "model.onnx"
    to_onnx(MultiTaskLinear().fit(X, Y), path)
    session = onnxruntime.InferenceSession(path)
    about = session.get_modelmeta().custom_metadata_map
    said = json.loads(about["outputs"])
    assert about["estimator"] == "MultiTaskLinear"
    assert [one["name"] for one in said] == [
        "score", "big", "level", "big_probabilities", "level_probabilities",
    ]  # fmt: skip
    assert [one["type"] for one in said[:3]] == ["regression", "binary", "multiclass"]
    assert [one["classes"] for one in said[:3]] == [None, [False, True], ["high", "low", "middle"]]
    opsets = {opset.domain: opset.version for opset in onnx.load(path).opset_import}
    assert opsets == {"": 17}


@pytest.mark.parametrize("alias", TASK_TYPES)
@pytest.mark.parametrize("estimator", [MultiTaskLinear, MultiTaskMLP])
def test_every_task_type(estimator, alias):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    times = rng.exponential(np.exp(X[:, 0]))
    labels = {
        "regression": 1e6 * X[:, 0],
        "binary": X[:, 0] > 0,
        "ordinal": np.digitize(X[:, 0], [-0.5, 0.5]),
        "multiclass": np.digitize(X[:, 0], [-0.5, 0.5]),
        "count": rng.poisson(np.exp(X[:, 0])),
        "gamma": times + 1e-3,
        "tweedie": times,
        "negative_binomial": rng.poisson(np.exp(X[:, 0])),
        "quantile": X[:, 0],
    }.get(alias, np.where(rng.random(80) < 0.2, -1.0, 1.0) * times)
    task = Quantile((0.1, 0.5, 0.9)) if alias == "quantile" else alias
    few = {"max_iter": 5, "random_state": 0} if estimator is MultiTaskMLP else {}
    same(estimator(tasks=task, **few).fit(X, labels), X)


def test_a_task_without_labels_and_one_with_one_class(numbers):
    X, Y = numbers
    Y = pd.DataFrame({"none": np.nan, "one": True, "usual": Y[:, 0]})
    for estimator in (MultiTaskLinear(), MultiTaskMLP((4,), max_iter=3), IndependentTasks()):
        estimator.set_params(tasks={"one": "binary"})
        same(estimator.fit(X, Y), X)


def test_categories_by_name_missing_and_unknown(mixed):
    X, Y = mixed
    rng = np.random.default_rng(0)
    X = pd.DataFrame(X, columns=["a", "b", "X"])
    X["few"] = pd.Categorical(rng.choice(["u", "v", "w"], 60))
    X["many"] = pd.Categorical(rng.integers(0, 12, 60))
    X.loc[::5, "few"] = None
    X.loc[::7, "a"] = np.nan
    estimator = MultiTaskMLP((6,), max_iter=5, random_state=0).fit(X, Y)
    new = X.head(8).astype({"few": object, "many": float})
    new.loc[0, "few"], new.loc[1, "many"], new.loc[2, "few"] = "never seen", 99, None
    model = same(estimator, X)
    same(estimator, X, new)
    assert [value.name for value in model.graph.input] == ["a", "b", "X", "few", "many"]
    module = to_torch(estimator)
    answers = {key: found.numpy() for key, found in module(module.read(new)).items()}
    assert_agree(answers, module.outputs, estimator, new)


@pytest.mark.parametrize("names", [["u", "v", "w"], [3, 5, 900_000_001]])
@pytest.mark.parametrize("estimator", [MultiTaskLinear, MultiTaskMLP, MultiTaskKernelRidgeCV])
def test_long_form_knows_tasks_by_name(estimator, names):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=45), "task": np.tile(names, 15)})
    few = {"max_iter": 3, "random_state": 0} if estimator is MultiTaskMLP else {}
    fitted = estimator(task_feature="task", **few).fit(X, (2.0 * X["a"]).to_numpy())
    model = same(fitted, X)
    unknown = pd.DataFrame({"a": [0.0], "task": ["x" if names[0] == "u" else 4]})
    with pytest.raises(Exception, match=r"out of (data )?bounds|indices"):
        run(model, unknown if names[0] == "u" else unknown.to_numpy(float))
    module = to_torch(fitted)
    with pytest.raises(ValueError, match="Unknown task"):
        module.read(unknown)


def test_names_that_single_precision_confuses(numbers):
    X = np.column_stack([numbers[0][:, 0], np.tile([900_000_001.0, 900_000_002.0], 30)])
    estimator = MultiTaskLinear(task_feature=1).fit(X, X[:, 0])
    same(estimator, X)
    with pytest.raises(ValueError, match=r"same in torch.float32: .*double precision"):
        to_onnx(estimator, dtype="float32")


@pytest.mark.parametrize(
    "estimator",
    [MultiTaskLinear(), MultiTaskMLP((8,), max_iter=5, random_state=0), MultiTaskKernelRidgeCV()],
)
def test_single_precision(estimator, mixed):
    X, Y = mixed
    estimator.fit(X, Y)
    model = to_onnx(estimator, dtype="float32")
    answers = run(model, X)
    assert answers["score"].dtype == np.float32
    assert_agree(answers, outputs_of(estimator), estimator, X)


@pytest.mark.parametrize(
    ("kernel", "settings"),
    [
        ("rbf", {}),
        ("laplacian", {"gamma": 0.3}),
        ("linear", {}),
        ("poly", {"degree": 2, "gamma": None}),
        ("sigmoid", {"gamma": 0.1, "coef0": 0.5, "alpha": 10.0}),
        ("cosine", {}),
    ],
)
def test_kernels_by_name(kernel, settings, numbers):
    X, Y = numbers
    X = X + 1e3 if kernel in ("rbf", "linear") else X
    same(MultiTaskKernelRidge(kernel=kernel, **{"alpha": 0.1, **settings}).fit(X, Y), X)


def test_a_precomputed_kernel(numbers):
    X, Y = numbers
    K = X @ X.T
    same(MultiTaskKernelRidge(kernel="precomputed", alpha=0.1).fit(K, Y), K)


@pytest.mark.parametrize(
    "kernel",
    [
        RBF([1.0, 2.0, 3.0]) + WhiteKernel(),
        0.5 * Matern(nu=0.5) + DotProduct(),
        Matern(nu=1.5) ** 2 * Matern(nu=2.5),
        ExpSineSquared(),
        RationalQuadratic(length_scale=1.5, alpha=0.7) + Matern(nu=np.inf),
    ],
    ids=["rbf", "matern", "products", "periodic", "rational"],
)
def test_kernels_of_scikit_learn(kernel, numbers):
    estimator = MultiTaskGaussianProcessRegressor(kernel=kernel, optimizer=None)
    same(estimator.fit(*numbers), numbers[0])


@pytest.mark.parametrize("kernel", [Matern(nu=0.7), PairwiseKernel()], ids=["matern", "pairwise"])
def test_kernels_without_a_graph(kernel, numbers):
    estimator = MultiTaskGaussianProcessRegressor(kernel=kernel, optimizer=None).fit(*numbers)
    with pytest.raises(ValueError, match=rf"{type(kernel).__name__}\(.* cannot be exported; these"):
        to_onnx(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        IndependentTasks(regressor=KNeighborsRegressor(), classifier=SVC()),
        IndependentTasks(regressor=Ridge(), classifier=LinearSVC()),
        IndependentTasks(regressor=DecisionTreeRegressor(max_depth=3), classifier=GaussianNB()),
        TaskChain(stacking=True, cv=2),
        TaskChain(order="random", n_chains=2, random_state=0),
        PooledTasks(task_encoding="interactions"),
        PooledTasks(task_encoding="index"),
        TaskStacking([("a", MultiTaskLinear()), ("b", IndependentTasks())], cv=2),
    ],
    ids=["neighbors", "linear", "trees", "stack", "chains", "interactions", "index", "stacking"],
)
def test_estimators_inside(estimator, mixed):
    pytest.importorskip("skl2onnx", minversion="1.20")
    same(estimator.fit(*mixed), mixed[0])


def test_estimators_of_counts_and_a_final_estimator(numbers):
    X, Y = numbers
    counts = np.floor(3 * Y**2)
    same(IndependentTasks(regressor=PoissonRegressor(), tasks="count").fit(X, counts), X)
    members = [("a", MultiTaskLinear()), ("b", IndependentTasks())]
    same(TaskStacking(members, final=Ridge(), passthrough=True, cv=2).fit(X, Y), X)


def test_a_quantile_that_a_final_estimator_or_a_later_task_reads(numbers):
    X, Y = numbers
    members = [("a", MultiTaskLinear()), ("b", IndependentTasks())]
    same(TaskStacking(members, final=Ridge(), cv=2, tasks=Quantile(0.3)).fit(X, Y), X)
    same(TaskChain(tasks=Quantile(0.3)).fit(X, Y), X)


@pytest.mark.parametrize("types", ["regression", "binary"])
@pytest.mark.parametrize(
    "estimator",
    [
        MultiTaskMLPCV({"max_iter": [3]}, cv=3, hidden_layer_sizes=(4,), random_state=0),
        TaskStacking([("a", MultiTaskLinear()), ("b", MultiTaskLinear("l2"))], cv=2),
    ],
    ids=["networks", "stacking"],
)
def test_a_blend_for_a_long_task_without_labels(estimator, types, numbers):
    X, Y = numbers
    X = np.column_stack([X, np.repeat([0.0, 1.0, 2.0], 20)])
    y = Y[:, 1] if types == "regression" else (Y[:, 1] > 1.0).astype(float)
    estimator = clone(estimator).set_params(task_feature=3, tasks=types)
    same(estimator.fit(X, np.where(X[:, 3] == 1.0, np.nan, y)), X)


@pytest.mark.parametrize(
    "settings",
    [
        {"func": np.log, "inverse_func": np.exp},
        {"func": np.log1p, "inverse_func": np.expm1},
        {"transformer": PowerTransformer()},
        {"transformer": PowerTransformer("box-cox", standardize=False)},
        {"transformer": MinMaxScaler()},
    ],
)
def test_targets_are_mapped_back(settings, numbers):
    X, Y = numbers
    same(TargetScaler(MultiTaskLinear(), **settings).fit(X, np.abs(Y) + 0.1), X)


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
def test_calibration_of_several_classes_and_of_an_order(method, mixed):
    X, Y = mixed
    tasks = {"score": Ordinal(), "level": Multiclass()}
    Y = Y.assign(score=np.digitize(Y["score"], [-30, 30]))
    estimator = MultiTaskLinear(alpha=0.01)
    same(CalibratedTasks(estimator, method, cv=3, tasks=tasks).fit(X, Y), X)


def test_costs(mixed):
    X, Y = mixed
    costs = {"level": [[0, 1, 5], [1, 0, 1], [9, 1, 0]], "big": [[0, 1], [3, 0]]}
    same(ThresholdTasks(MultiTaskLinear(), costs, cv=3).fit(X, Y[["big", "level"]]), X)


def test_embeddings_of_numbers(mixed):
    X, Y = mixed
    for embedding in ("periodic", "piecewise_linear"):
        estimator = MultiTaskMLP((4,), numeric_embedding=embedding, max_iter=3, random_state=0)
        same(estimator.fit(X, Y), X)


@pytest.mark.parametrize("normalization", ["layer", "batch"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "silu", "gelu", "identity"])
def test_activations_and_normalizations(activation, normalization, numbers):
    settings = {"activation": activation, "normalization": normalization, "dropout": 0.2}
    same(MultiTaskMLP((6,), max_iter=3, random_state=0, **settings).fit(*numbers), numbers[0])


def test_what_cannot_be_exported_is_named(numbers, mixed):
    X, Y = numbers

    def of_mine(x, z):
        return float(x @ z)

    with pytest.raises(ValueError, match=r"kernel=<function .*of_mine.* cannot be exported; these"):
        to_onnx(MultiTaskKernelRidge(kernel=of_mine).fit(X, Y))
    doubled = TargetScaler(MultiTaskLinear(), func=lambda x: 2 * x, inverse_func=lambda x: x / 2)
    with pytest.raises(ValueError, match=r"Task 0: FunctionTransformer.* cannot be exported"):
        to_onnx(doubled.fit(X, Y))
    with pytest.raises(ValueError, match=r"Task 1: QuantileTransformer.* cannot be exported"):
        named = {1: QuantileTransformer(n_quantiles=10)}
        to_onnx(TargetScaler(MultiTaskLinear(), transformer={0: None, **named}).fit(X, Y))
    with pytest.raises(ValueError, match="Task 0: DecisionTreeRegressor cannot be a torch module"):
        to_torch(IndependentTasks(DecisionTreeRegressor()).fit(X, Y))
    with pytest.raises(ValueError, match="NeighborhoodComponentsAnalysis is no estimator of skmtl"):
        to_onnx(NeighborhoodComponentsAnalysis())
    grown = MultiTaskKernelRidgeCV().fit(X, Y).add_task(X, X[:, 0], name="new")
    with pytest.raises(ValueError, match="and an export of MultiTaskKernelRidgeCV has those"):
        to_onnx(grown)
    with pytest.raises(ValueError, match=r"dtype='float16'; expected one of"):
        to_onnx(MultiTaskLinear().fit(X, Y), dtype="float16")


def test_read_only_rows_do_not_warn(numbers):
    X, Y = numbers
    module = to_torch(MultiTaskLinear().fit(X, Y))
    X.flags.writeable = False
    was = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert module.read(X).shape == X.shape
    finally:
        torch.set_warn_always(was)


def test_a_graph_that_says_something_else_is_no_graph(mixed, monkeypatch):
    X, Y = mixed
    estimator = MultiTaskLinear().fit(X, Y)
    plain = type(estimator)._expected
    monkeypatch.setattr(
        type(estimator), "_expected", lambda *given: [1.01 * e for e in plain(*given)]
    )
    with pytest.raises(ValueError, match="Task 'score': the graph of MultiTaskLinear has other"):
        to_onnx(estimator)


def test_nan_is_no_class(numbers, mixed):
    X = np.vstack([numbers[0][:2], [[np.nan, 0.0, 0.0]]])
    answers = run(to_onnx(MultiTaskLinear().fit(*numbers)), X)
    assert np.isnan(answers["0"]).tolist() == [False, False, True]
    model = to_onnx(MultiTaskLinear().fit(*mixed))
    with pytest.raises(Exception, match=r"out of (data )?bounds"):
        run(model, X)
