"""Saved and loaded estimators predict the same to the bit, and files execute nothing."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import PoissonRegressor, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import skmtl
from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskMLP
from skmtl._versions import VersionWarning
from skmtl.persistence import TRUSTED_TYPES, load, save
from skmtl.persistence._describe import Described
from skmtl.persistence._restore import Restored

from ..registry import EVERY, kind_of

safetensors = pytest.importorskip("safetensors.numpy")
every_estimator = pytest.mark.parametrize("name", sorted(EVERY))
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    Y = X[:, :2] + 0.1 * rng.normal(size=(40, 2))
    return EVERY[name]().fit(X, Y > 0 if kind_of(name) == "classification" else Y), X


def same(a, b):
    """Whether two objects are of the same types, with arrays equal to the bit."""
    first, second = Described(a), Described(b)
    return (
        (first.root, first.nodes) == (second.root, second.nodes)
        and first.arrays.keys() == second.arrays.keys()
        and all(first.arrays[k].tobytes() == second.arrays[k].tobytes() for k in first.arrays)
    )


@every_estimator
def test_what_is_loaded_is_what_was_saved(name, tmp_path):
    model, X = fitted(name)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert type(again) is type(model)
    assert same(again, model)
    assert same(clone(again), clone(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@every_estimator
def test_what_is_loaded_can_be_fitted_again(name, tmp_path):
    model, X = fitted(name)
    save(model, tmp_path / "model")
    y = model.predict(X)
    again = load(tmp_path / "model").fit(X, y).predict(X)
    np.testing.assert_allclose(again, model.fit(X, y).predict(X), rtol=1e-9)


def table():
    """Features with a category and NaN, and labels of many types, some of them missing."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(60, 3)), columns=["age", "height", "weight"])
    X["town"] = pd.Categorical(rng.choice(["A", "B", "C"], 60))
    X.loc[::7, "age"] = np.nan
    y = pd.DataFrame({"score": X["height"] * 2.0, "visits": rng.poisson(2.0, 60)})
    y["pet"] = np.where(X["weight"] > 0, "yes", "no")
    y["stage"] = pd.Categorical(rng.choice(["I", "II"], 60), ["I", "II"], ordered=True)
    y.loc[::5, "score"] = np.nan
    return X, y


def test_a_raw_table_with_labels_of_many_types(tmp_path):
    X, y = table()
    settings = {"tasks": {"visits": "count"}, "categorical_features": "from_dtype"}
    model = MultiTaskMLP(**settings, max_iter=5, random_state=np.random.RandomState(3)).fit(X, y)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert same(again, model)
    pd = pytest.importorskip("pandas")
    pd.testing.assert_frame_equal(
        skmtl.predict_frame(again, X, output="pandas"),
        skmtl.predict_frame(model, X, output="pandas"),
    )
    for ours, theirs in zip(again.predict_proba(X), model.predict_proba(X), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_equal_fits_give_equal_files(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 3))
    path = tmp_path / "model.safetensors"

    def written():
        save(MultiTaskMLP((2,), max_iter=2, random_state=0).fit(X, X[:, :2]), path)
        return path.read_bytes()

    # Safetensors alone has the metadata in either order, by chance.
    assert len({written() for _ in range(10)}) == 1


def test_pipelines_searches_and_trees_of_scikit_learn(tmp_path):
    X, _ = table()
    X = X.drop(columns="age")
    Y = X[["height", "weight"]].abs().to_numpy()
    columns = make_column_transformer(
        (OneHotEncoder(), ["town"]),
        (FunctionTransformer(np.arctan), ["weight"]),
        remainder=StandardScaler(),
    )
    search = GridSearchCV(MultiTaskLinear(), {"alpha": [0.1, 1.0]}, cv=2)
    # Losses are compiled, some with parameters, and made anew.
    alone = (
        ExtraTreesRegressor(5, random_state=0),
        HistGradientBoostingRegressor(loss="quantile", quantile=0.3, max_iter=3),
        PoissonRegressor(),
        SGDRegressor("epsilon_insensitive", epsilon=0.2, random_state=0),
    )
    for last in (search, *map(IndependentTasks, alone)):
        model = make_pipeline(columns, last).fit(X, Y)
        save(model, tmp_path / "model")
        np.testing.assert_array_equal(load(tmp_path / "model").predict(X), model.predict(X))


@pytest.mark.parametrize("name", ["linear-regressor", "mlp-regressor"])
def test_a_stream_goes_on_as_if_nothing_had_happened(name, tmp_path):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 3))
    Y = X[:, :2] + 0.1 * rng.normal(size=(60, 2))
    model = EVERY[name]().partial_fit(X[:30], Y[:30])
    save(model, tmp_path / "model")
    again = load(tmp_path / "model").partial_fit(X[30:], Y[30:])
    np.testing.assert_array_equal(again.predict(X), model.partial_fit(X[30:], Y[30:]).predict(X))


def test_the_same_object_twice_stays_one_and_may_contain_itself():
    shared = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    thing = {"a": shared, "b": [shared, (shared,)], 3: {np.float32(2.5), None}, "c": float("-inf")}
    thing["itself"] = thing
    described = Described(thing)
    again = Restored(described.root, described.nodes, described.arrays).thing
    assert again["itself"] is again
    assert again["a"] is again["b"][0] is again["b"][1][0]
    assert again["a"].flags.f_contiguous
    assert again[3] == {np.float32(2.5), None}
    assert again["c"] == float("-inf")


@pytest.mark.parametrize(
    "array",
    [
        np.array(["one", "three"]),
        np.array([("a", 1.5)], dtype=[("name", "U3"), ("value", "f8", (1,))]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.array([1.5, np.nan], dtype=">f8"),
        np.array([1 + 2j]),
        np.array(["x", None, 3.5], dtype=object),
        np.zeros((0, 3)),
        np.array(2.5),
        np.arange(12.0).reshape(3, 4)[:, ::2],
    ],
    ids=lambda array: array.dtype.kind + str(array.ndim),
)
def test_arrays_of_any_kind(array):
    described = Described(array)
    again = Restored(described.root, described.nodes, described.arrays).thing
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def restored(thing):
    """The thing, described and made anew."""
    described = Described(thing)
    return Restored(described.root, described.nodes, described.arrays).thing


@pytest.mark.parametrize(
    "thing",
    [
        slice(1, None, 2),
        b"\x00\xff",
        np.dtype([("name", "U3"), ("value", "f8", (2,))]),
        np.float32(2.5),
        np.datetime64("2026-01-01"),
        pytest.param(frozenset({1, "a"}), id="frozenset"),
        np.log1p,
        StandardScaler,
    ],
    ids=str,
)
def test_parts_of_any_kind(thing):
    again = restored(thing)
    assert type(again) is type(thing)
    assert again == thing


def test_equal_sets_are_described_alike():
    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other)
    assert Described(one).nodes == Described(other).nodes == [["set", [0, 8]]]


def test_masks_stay():
    masked = np.ma.MaskedArray([1.0, 2.0, 3.0], [False, True, False], fill_value=-9.0)
    again = restored(masked)
    np.testing.assert_array_equal(again.mask, masked.mask)
    np.testing.assert_array_equal(again.filled(), [1.0, -9.0, 3.0])


def test_tensors_stay():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6.0).reshape(2, 3)
    assert torch.equal(restored(tensor), tensor)


@pytest.mark.parametrize(
    "source",
    [
        np.random.RandomState(3),
        np.random.default_rng(3),
        np.random.Generator(np.random.Philox(3)),
        np.random.Generator(np.random.MT19937(3)),
    ],
    ids=["state", "pcg64", "philox", "mt19937"],
)
def test_random_numbers_go_on(source):
    # An odd number of normal draws, of which one may be kept for the next time.
    source.normal(size=7)
    again = restored(source)
    np.testing.assert_array_equal(again.normal(size=5), source.normal(size=5))


def test_what_cannot_be_saved_is_named_and_the_old_file_stays(tmp_path):
    model, _ = fitted("linear")
    save(model, tmp_path / "model")
    other = make_pipeline(FunctionTransformer(lambda X: X), model)
    with pytest.raises(ValueError, match=r"Pipeline\.steps\[0\]\[1\]\.func holds .*<lambda>"):
        save(other, tmp_path / "model")
    assert os.listdir(tmp_path) == ["model"]
    assert same(load(tmp_path / "model"), model)


def test_a_damaged_file_is_told(tmp_path):
    model, _ = fitted("mlp")
    path = tmp_path / "model"
    save(model, path)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for end in (0, 4, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="model"):
            load(path)
    for place in rng.integers(len(data), size=60):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(ValueError, match="damaged"):
            load(path)


def rewritten(path, change):
    """Write the file again with another description, and a digest that fits."""
    from skmtl.persistence import _file

    header, arrays = _file._read(path)
    change(header)
    text = json.dumps(header)
    metadata = {_file.KEY: text, _file.DIGEST: _file._digest(text, arrays)}
    path.write_bytes(safetensors.save(arrays, metadata=metadata))


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "builtins:eval",
        "subprocess:Popen",
        "skmtl._lazy:import_module",
        "sklearn.utils.fixes:parse_version",
        "skmtl.persistence:load.__globals__",
        "numpy:load",
        "skmtl.no_such_room:Thing",
    ],
)
def test_names_of_anything_else_are_refused(name, tmp_path):
    model, _ = fitted("linear")
    path = tmp_path / "model"
    save(model, path)

    def with_name(header):
        header["nodes"].append(["object", name, ["echo"], None, [], []])
        header["root"] = {"#": len(header["nodes"]) - 1}

    rewritten(path, with_name)
    with pytest.raises(ValueError, match="model: .*" + name.partition(".__")[0]):
        load(path)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (["lambda", "x"], "the file describes a 'lambda', which is not known here"),
        (["object", "skmtl:show_versions", [], None, [], []], "skmtl.*show_versions is no"),
        (["random_state", {"#": 1}], "'os' is no bit generator of numpy"),
    ],
)
def test_nodes_of_anything_else_are_refused(node, message):
    nodes = [node, ["dict", [["bit_generator", "os"]]]]
    with pytest.raises(ValueError, match=message):
        Restored({"#": 0}, nodes, {})


def test_a_newer_format_and_another_version(tmp_path):
    model, _ = fitted("linear")
    path = tmp_path / "model"
    save(model, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(skmtl, "__version__", "9.8.7")
        with pytest.warns(VersionWarning, match="MultiTaskLinear was saved by skmtl"):
            load(path)
    rewritten(path, lambda header: header.update(format=2))
    with pytest.raises(ValueError, match=r"has format 2, written by skmtl .* reads format 1"):
        load(path)


@every_estimator
def test_skops_reads_and_writes_them(name, tmp_path):
    skops = pytest.importorskip("skops.io")
    model, X = fitted(name)
    data = skops.dumps(model)
    assert set(skops.get_untrusted_types(data=data)) <= set(TRUSTED_TYPES)
    again = skops.loads(data, trusted=list(TRUSTED_TYPES))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_a_process_without_torch_is_not_made_to_load_it_by_linear_models(tmp_path):
    model, _ = fitted("linear")
    save(model, tmp_path / "model")
    code = (
        "import sys\n"
        "from skmtl.persistence import load\n"
        f"found = load({str(tmp_path / 'model')!r}).predict([[1.0, 2.0, 3.0]])[0].tolist()\n"
        "print([found, 'torch' in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = model.predict([[1.0, 2.0, 3.0]])[0].tolist()
    assert found.stdout.strip() == str([expected, False])
