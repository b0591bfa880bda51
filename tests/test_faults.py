"""What bad input gets, by message, from every estimator: nothing is filled, dropped or guessed."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from skmtl import MultiTaskLinearRegressor, _warnings, task_scores
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks import LabelWarning

from .registry import ANY_TYPES, EVERY, kind_of

every_estimator = pytest.mark.parametrize("name", sorted(ANY_TYPES))
with_task_weight = pytest.mark.parametrize(
    "name", sorted(name for name in ANY_TYPES if hasattr(ANY_TYPES[name](), "task_weight"))
)
# The estimators inside decide of the values of X.
LEAVE_X_TO_OTHERS = {"independent", "pooled", "chain"}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture
def Y(X):
    """A score and a yes/no as floats."""
    return np.column_stack([X[:, 0] * 2 + 5, X[:, 1] > 0])


def make(name, **options):
    return ANY_TYPES[name](**options)


@every_estimator
def test_row_1_nan_in_x(name, X, Y):
    X = pd.DataFrame(X, columns=["age", "b", "c"])
    X.loc[:2, "age"] = np.nan
    X.loc[0, "c"] = np.nan
    if name.startswith("mlp"):
        # It learns a value for what is missing.
        assert np.isfinite(make(name).fit(X, Y).predict(X)).all()
        return
    message = r"X contains NaN in 2 column\(s\).*'age' \(3\), 'c' \(1\).*[Ii]mpute"
    if name in LEAVE_X_TO_OTHERS:
        message = r"(?s)X contains NaN.*Raised by .*task 0"
    with pytest.raises(ValueError, match=message):
        make(name).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        make(name).fit(X.fillna(0), Y).predict(X)


@every_estimator
def test_row_2_infinity(name, X, Y):
    bad = X.copy()
    bad[3, 1] = -np.inf
    message = r"X contains infinity in 1 column.*1 \(1\)"
    if name in LEAVE_X_TO_OTHERS:
        message = r"(?s)X contains infinity.*Raised by .*task 0"
    with pytest.raises(ValueError, match=message):
        make(name).fit(bad, Y)
    with pytest.raises(ValueError, match=r"X contains infinity"):
        make(name).fit(sparse.csr_array(bad), Y)
    Y[4, 0] = np.inf
    with pytest.raises(ValueError, match=r"Task 0: y contains infinity \(1 labels\)"):
        make(name).fit(X, Y)


@every_estimator
def test_row_3_every_way_of_missing_is_the_same(name, X, Y):
    Y[::3, 0] = Y[1::4, 1] = np.nan
    missing = np.isnan(Y)
    as_object = Y.astype(object)
    as_object[missing] = [None, pd.NA, pd.NaT, np.nan] * (missing.sum() // 4) + [None] * (
        missing.sum() % 4
    )
    arrays = [
        as_object,
        as_object.tolist(),
        np.ma.masked_array(np.where(missing, 0.0, Y), mask=missing),
    ]
    columns = {"a": pd.array(Y[:, 0], dtype="Float64"), "b": pd.array(Y[:, 1], dtype="Int64")}
    frames = [
        pd.DataFrame(columns),
        pd.DataFrame(as_object, columns=["a", "b"]),
        pl.DataFrame({c: [None if v is pd.NA else v for v in columns[c]] for c in columns}),
    ]
    for reference, variants in ((Y, arrays), (pd.DataFrame(Y, columns=["a", "b"]), frames)):
        expected = make(name).fit(X, reference).predict(X)
        for variant in variants:
            assert (make(name).fit(X, variant).predict(X) == expected).all()


@every_estimator
def test_row_4_a_task_without_labels(name, X, Y):
    Y = pd.DataFrame({"a": Y[:, 0], "none": np.nan, "b": Y[:, 1]})
    with pytest.warns(UserWarning, match="Task 'none': no observed label"):
        model = make(name).fit(X, Y)
    assert np.isnan(model.predict(X)[:, 1]).all()
    assert np.isfinite(model.score(X, Y))
    with pytest.warns(UserWarning, match="Task 'none': no observed label"):
        model = make(name, tasks={"none": "binary"}).fit(X, Y)
    assert (model.predict_proba(X)[1] == 0.5).all()
    # The others are as if it were not there.
    others = make(name).fit(X, Y[["a", "b"]])
    np.testing.assert_allclose(model.predict(X)[:, [0, 2]], others.predict(X), atol=1e-8)


@every_estimator
def test_row_5_a_task_with_one_label(name, X, Y):
    Y[1:, 0] = np.nan
    with pytest.warns(UserWarning, match="Task 0: one observed label"):
        model = make(name).fit(X, Y)
    assert np.isfinite(model.predict(X).astype(float)).all()


@every_estimator
def test_row_6_a_row_without_labels_has_no_effect(name, X, Y):
    if name == "propensity":
        pytest.skip("it learns which labels are missing, and these are")
    Y[::4] = np.nan
    used = ~np.isnan(Y).all(axis=1)
    model, without = make(name).fit(X, Y), make(name).fit(X[used], Y[used])
    assert (model.predict(X) == without.predict(X)).all()


@every_estimator
def test_row_7_no_label_anywhere(name, X, Y):
    with pytest.raises(ValueError, match="no observed label"):
        make(name).fit(X, Y * np.nan)
    with pytest.raises(ValueError, match="zero for every label"):
        make(name).fit(X, Y, sample_weight=np.zeros(len(X)))


@every_estimator
def test_row_8_one_class(name, X, Y):
    Y = pd.DataFrame({"a": Y[:, 0], "c": ["yes"] * len(X)})
    with pytest.warns(UserWarning, match="Task 'c': one observed class"):
        model = make(name).fit(X, Y)
    assert set(model.predict(X)[:, 1]) == {"yes"}
    assert model.predict_proba(X)[1].shape == (len(X), 1)
    assert np.isfinite(model.score(X, Y))


@every_estimator
def test_row_9_a_class_not_seen_in_fit(name, X, Y):
    labels = pd.DataFrame({"a": Y[:, 0], "c": np.where(Y[:, 1] > 0, "yes", "no")})
    model = make(name).fit(X, labels)
    new = labels.copy()
    new.loc[0, "c"] = "maybe"
    with pytest.raises(ValueError, match=r"Task 'c': label 'maybe' was not seen.*'no', 'yes'"):
        model.score(X, new)
    # A scorer counts it as a miss, so that a fold does not die of it.
    assert task_scores(model, X, new)["c"] < task_scores(model, X, labels)["c"]


@every_estimator
def test_rows_10_to_12_inference_and_1d(name, X):
    whole = np.arange(40) % 3
    model = make(name).fit(X, np.column_stack([whole * 1.0, whole > 0]))
    assert [task.alias for task in model.tasks_] == ["regression", "binary"]
    model = make(name, tasks=["multiclass", "auto"]).fit(X, np.column_stack([whole, whole > 0]))
    assert model.classes_[0].tolist() == [0, 1, 2]
    zero_one = np.where(whole == 2, np.nan, whole)
    model = make(name).fit(X, zero_one)
    assert model.classes_.dtype.kind == "i"
    assert model.predict(X).shape == (40,)
    assert model.predict(X).dtype.kind == "i"
    assert model.predict_proba(X).shape == (40, 2)


@every_estimator
def test_row_13_shapes(name, X, Y):
    for y, message in (
        (Y[:30], r"inconsistent numbers of samples.*\(40, 3\).*30"),
        (Y.T, r"inconsistent.*X has 40 rows, y has \d, of 40 labels each.*give y\.T"),
        ([["a"] * 40, [1.5] * 40], r"X has 40 rows, y has 2, of 40.*give list\(zip\(\*y\)\), or a"),
        (np.zeros((40, 2, 2)), r"shape \(40, 2, 2\)"),
        ([[1.0, 2.0]] * 39 + [[1.0]], r"ragged.*\[1, 2\]"),
        (np.zeros((40, 0)), "zero columns"),
        (sparse.csr_array(Y), "sparse"),
    ):
        with pytest.raises(ValueError, match=message):
            make(name).fit(X, y)


ODD_NAMES = ["", "class", "yield", "a.b", "keys", 7, ("t", 1), "<script>alert(1)</script>", "mean"]


@every_estimator
def test_row_14_task_names(name, X, Y):
    with pytest.raises(ValueError, match=r"Duplicate task name in y: 'a'"):
        make(name).fit(X, pd.DataFrame(Y, columns=["a", "a"]))
    for odd in ODD_NAMES:
        frame = pd.DataFrame({"x": Y[:, 0]})
        frame[odd] = Y[:, 1]
        frame.columns = pd.Index(["x", odd], dtype=object, tupleize_cols=False)
        model = clone(make(name)).fit(X, frame)
        assert model.task_names_in_.tolist() == ["x", odd]
        assert len(task_scores(model, X, frame)) == 4
        assert "<script>alert" not in model._repr_html_()


@every_estimator
def test_row_15_features_of_predict(name, X, Y):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = make(name).fit(frame, Y)
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[["c", "b", "a"]])
    with pytest.raises(ValueError, match="unseen at fit time"):
        model.predict(frame.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="2 features"):
        make(name).fit(X, Y).predict(X[:, :2])


@every_estimator
def test_row_16_y_of_score_is_matched_by_name(name, X, Y):
    frame = pd.DataFrame(Y, columns=["a", "b"])
    model = make(name).fit(X, frame)
    assert model.score(X, frame[["b", "a"]]) == model.score(X, frame)
    assert model.score(X, pl.DataFrame(frame[["b", "a"]].to_dict("list"))) == model.score(X, frame)
    with pytest.raises(ValueError, match=r"missing \['a'\], not known \['z'\]"):
        model.score(X, frame.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="y has 1 tasks, but"):
        model.score(X, Y[:, 0])


@every_estimator
def test_row_17_sample_weight(name, X, Y):
    for weight, message in (
        (np.ones((40, 3)), r"sample_weight has shape \(40, 3\); expected \(40,\) or \(40, 2\)"),
        (np.ones(39), r"sample_weight has shape \(39,\)"),
        (-np.ones(40), "negative"),
        (np.full(40, np.nan), "NaN or infinity"),
        (np.full(40, np.inf), "NaN or infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            make(name).fit(X, Y, sample_weight=weight)
    weight = np.ones((40, 2))
    weight[:, 0] = 0.0
    with pytest.warns(UserWarning, match="Task 0: no observed label"):
        make(name).fit(X, Y, sample_weight=weight)


@every_estimator
def test_row_18_a_weight_on_nothing_is_ignored(name, X, Y):
    Y[::3, 0] = np.nan
    weight = np.ones(Y.shape)
    weight[::3, 0] = 100.0
    model, plain = make(name).fit(X, Y, sample_weight=weight), make(name).fit(X, Y)
    assert (model.predict(X) == plain.predict(X)).all()


@with_task_weight
def test_row_19_task_weight(name, X, Y):
    frame = pd.DataFrame(Y, columns=["a", "b"])
    for weight, message in (
        ({"z": 1.0}, "task_weight names the task 'z'"),
        ([1.0, -1.0], r"task_weight of task 'b' is -1"),
        ([1.0], r"task_weight has shape \(1,\); y has 2 tasks"),
        ([0.0, 0.0], "0 for every task"),
    ):
        with pytest.raises(ValueError, match=message):
            make(name, task_weight=weight).fit(X, frame)
    model = make(name, task_weight={"b": 0.0}).fit(X, frame)
    assert np.isfinite(model.predict(X)).all()


@every_estimator
def test_row_20_constant_target(name, X, Y):
    Y[:, 0] = 3.5
    model = make(name).fit(X, Y)
    predicted = model.predict(X)[:, 0]
    assert np.isfinite(predicted).all()
    if not name.startswith("mlp"):
        np.testing.assert_allclose(predicted, 3.5)


@every_estimator
def test_row_21_labels_that_do_not_fit_their_type(name, X, Y):
    frame = pd.DataFrame({"score": Y[:, 0], "word": np.where(Y[:, 1] > 0, "hi", "lo")})
    for declared, message in (
        ({"score": "binary"}, r"Task 'score' is binary, but has the label \d\.\d+"),
        ({"score": "multiclass"}, r"Task 'score' is multiclass.*continuous"),
        ({"word": "regression"}, r"Task 'word' is regression, but has the label '(hi|lo)'"),
        ({"word": "count"}, r"Task 'word' is count, but has the label '(hi|lo)'"),
        ({"word": "scalar"}, r"Task 'word': unknown task type 'scalar'"),
        ({"nobody": "binary"}, r"tasks names the task 'nobody'"),
        (["regression"], "tasks declares 1 tasks, but y has 2"),
    ):
        with pytest.raises(ValueError, match=message):
            make(name, tasks=declared).fit(X, frame)
    with pytest.raises(ValueError, match=r"Task 0 is a count, but has the label -\d"):
        make(name, tasks=["count", "auto"]).fit(X, Y - 20)
    with pytest.raises(ValueError, match=r"Task 'm': labels mix strings and numbers"):
        make(name).fit(X, pd.DataFrame({"m": ["a", 1.0] * 20}))


@every_estimator
@pytest.mark.parametrize(
    "convert",
    [
        sparse.csr_array,
        sparse.csc_matrix,
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::-2][::-1],
        pd.DataFrame,
        pl.DataFrame,
        lambda X: X.astype(object),
        lambda X: X.tolist(),
    ],
    ids=["csr", "csc", "fortran", "strided", "pandas", "polars", "object", "list"],
)
def test_row_32_containers_of_x(name, convert, X, Y):
    options = {}
    if "numeric_embedding" in make(name).get_params() and sparse.issparse(convert(X)):
        # Sparse columns are not centred, and read as they are.
        options = {"feature_scaling": None, "numeric_embedding": None}
    expected = make(name, **options).fit(X, Y).predict(X)
    found = make(name, **options).fit(convert(X), Y).predict(convert(X))
    np.testing.assert_allclose(found, expected, atol=1e-8)


@every_estimator
def test_row_32_read_only_memory_map(name, X, Y, tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    expected = make(name).fit(X, Y).predict(X)
    np.testing.assert_allclose(make(name).fit(mapped, Y).predict(mapped), expected, atol=1e-12)


def test_row_39_random_state(X, Y):
    def predicted(seed):
        return make("mlp", random_state=seed).fit(X, Y[:, :1]).predict(X)

    assert (predicted(3) == predicted(3)).all()
    assert (predicted(np.random.RandomState(3)) == predicted(np.random.RandomState(3))).all()
    assert (predicted(None) != predicted(None)).any()


# All but scikit-learn's twins and others of one form.
IN_LONG_FORM = [name for name in EVERY if "task_feature" in EVERY[name]().get_params()]


@pytest.mark.parametrize("name", IN_LONG_FORM)
def test_row_46_scores_leave_out_what_fit_did_not_see(name, X):
    long = np.column_stack([np.arange(40) % 4, X])
    y = (X[:, 0] > 0).astype(float) if kind_of(name) == "classification" else X[:, 0]
    seen, new = long[:, 0] < 3, np.arange(40) >= 28
    model = EVERY[name](task_feature=0).fit(long[seen & ~new], y[seen & ~new])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = model.score(long[seen & new], y[seen & new])
        by_task = task_scores(model, long[seen & new], y[seen & new])
    told = r"3 of 12 labels to score \(25.0%\) do not count.*unknown_task='shared'"
    with pytest.warns(LabelWarning, match=told):
        assert model.score(long[new], y[new]) == pytest.approx(expected)
    with pytest.warns(LabelWarning, match=told):
        found = task_scores(model, long[new], y[new])
    assert np.isnan(found.pop("3"))
    assert found == pytest.approx(by_task)
    with pytest.warns(UserWarning, match=r"3 of 3 labels to score \(100.0%\) do not count"):
        assert np.isnan(model.score(long[~seen & new], y[~seen & new]))


def messages_of_a_search(cv, scoring=None, refit=True):
    """What a search over rows that are sorted by task says, with Python's default filters."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(6.0), 10)
    X = np.column_stack([task, rng.normal(size=(60, 3))])
    model = MultiTaskLinearRegressor("mean_deviation", task_feature=0)
    # Python's default is once a line, and this line is met several times.
    _warnings._said.clear()
    with warnings.catch_warnings(record=True) as told:
        warnings.resetwarnings()
        search = GridSearchCV(
            model, {"alpha": [0.1, 1.0, 10.0]}, cv=cv, scoring=scoring, refit=refit
        )
        search.fit(X, X[:, 1] + task + rng.normal(size=60))
    return [str(w.message) for w in told if "do not count" in str(w.message)]


@pytest.mark.parametrize(("scoring", "refit"), [(None, True), (task_scores, "mean")])
def test_row_46_a_search_by_blocks_says_so_once(scoring, refit):
    (text,) = messages_of_a_search(KFold(5), scoring, refit)
    assert "Where rows are sorted by task" in text
    assert "cv=MultiTaskKFold(5, task_feature=0)" in text
    assert not messages_of_a_search(MultiTaskKFold(5, task_feature=0), scoring, refit)


@every_estimator
def test_row_42_unknown_task(name, X):
    long = np.column_stack([np.arange(40) % 3, X])
    y = X[:, 0]
    new = np.array([[5.0, 0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match=r"Unknown task 5\S* in 1 rows"):
        make(name, task_feature=0).fit(long, y).predict(new)
    model = make(name, task_feature=0, unknown_task="shared").fit(long, y)
    assert np.isfinite(model.predict(new)).all()
    with pytest.raises(ValueError, match="task feature is missing in 1 rows"):
        make(name, task_feature=0).fit(np.vstack([[np.nan, 0, 0, 0], long[1:]]), y)
    with pytest.raises(
        ValueError, match="inconsistent numbers of samples: X has 40 rows, y has 39"
    ):
        make(name, task_feature=0).fit(long, y[:39])
    with pytest.raises(ValueError, match="y must be 1-D"):
        make(name, task_feature=0).fit(long, np.column_stack([y, y]))
