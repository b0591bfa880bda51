"""Numbers of pages are those of the tables they come from, and raw files are read as they say."""

import numpy as np
import pytest

pytest.importorskip("pandas")
pytest.importorskip("benchmarks", reason="the scripts are not installed")
from scipy.io import savemat

from benchmarks.accuracy import evidence
from benchmarks.prepare import molecules, registry, tables
from tests.conftest import ROOT

README = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
WHICH = (ROOT / "docs" / "which_model.rst").read_text(encoding="utf-8")


def test_tables_of_which_model_are_those_of_the_benchmarks():
    assert evidence.rendered(WHICH, README) == WHICH, "run python -m benchmarks.accuracy.evidence"


def test_the_table_of_the_front_page_is_that_of_the_benchmarks():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert evidence.rendered_front(page, README) == page, (
        "run python -m benchmarks.accuracy.evidence"
    )


def test_which_model_would_follow_another_number():
    table = evidence.read_table(evidence.part(README, "regression"), "One of ours")
    old = dict(table)["TaskStacking"]
    cell = old[next(name for name in old if name.startswith("all ("))]
    other = README.replace(f"| {cell} |", "| 8.88 : ridge 1.11, 7.77 |")
    assert "8.88" in evidence.rendered(WHICH, other)


@pytest.mark.parametrize(
    ("method", "column"),
    [
        ("ridge per task", "all labels"),
        ("network per task", "all labels"),
        ("network per task", "math3 with 300"),
        ("shared network", "all labels"),
        ("ridge per task", "math3 with 300"),
        ('shared network, task_weight="labels"', "math3 with 300"),
    ],
)
def test_what_which_model_says_of_star(method, column):
    table = dict(evidence.read_table(evidence.part(README, "star"), "Project STAR"))
    says = WHICH.split("When not to share")[1].split("Compare on your data")[0]
    assert f"{float(table[method][column]):.2f}" in says


ARFF = """\
% a comment
@relation flares
@attribute kind {A, B,C}
@attribute size numeric
@attribute few numeric
@attribute many {0,1}
@data
C, 1.5, 0, 1
A, ?, 2, 0
"""


def test_an_arff_file(tmp_path):
    path = tmp_path / "flares.arff"
    path.write_text(ARFF)
    found = tables.from_arff(path, n_targets=2)
    names = found["feature_names"].tolist()
    assert sorted(names) == ["kind_A", "kind_B", "kind_C", "size"]
    columns = dict(zip(names, found["X"].T, strict=True))
    np.testing.assert_array_equal(columns["size"], [1.5, np.nan])
    np.testing.assert_array_equal(columns["kind_C"], [1, 0])
    np.testing.assert_array_equal(columns["kind_B"], [0, 0])
    np.testing.assert_array_equal(found["Y"], [[0, 1], [2, 0]])


def cells(*arrays):
    found = np.empty((1, len(arrays)), dtype=object)
    found[0] = arrays
    return found


def test_cells_of_matlab(tmp_path):
    X, y = [np.ones((2, 3)), np.zeros((1, 3))], [np.array([[4.0], [5.0]]), np.array([[6.0]])]
    savemat(tmp_path / "mines.mat", {"feature": cells(*X), "label": cells(*y)})
    found = tables.from_cells(tmp_path / "mines.mat", "feature", "label")
    np.testing.assert_array_equal(found["task"], [0, 0, 1])
    np.testing.assert_array_equal(found["X"], np.concatenate(X))
    np.testing.assert_array_equal(found["y"], [4, 5, 6])


def test_computer_has_a_column_per_person(tmp_path):
    ratings = np.arange(40.0).reshape(2, 20)
    stored = {"designMarix": np.eye(20), "likeBuy": ratings, "computerDataZ": np.ones((2, 7))}
    savemat(tmp_path / "computer.mat", stored)
    found = tables.computer(tmp_path / "computer.mat")
    np.testing.assert_array_equal(found["Y"][:, 1], ratings[1])
    assert found["train_rows"].tolist() + found["test_rows"].tolist() == list(range(20))


def test_recordings_of_patients(tmp_path):
    voice = ",".join(f"v{k}" for k in range(16))
    header = f"subject#,age,sex,test_time,motor_UPDRS,total_UPDRS,{voice}"
    row = ",".join(str(k) for k in range(16))
    (tmp_path / "p.data").write_text(f"{header}\n1,70,0,5.5,28,34,{row}\n2,60,1,6.5,20,30,{row}\n")
    found = tables.parkinsons(tmp_path / "p.data")
    assert found["task"].tolist() == [0, 1]
    assert found["Y"].tolist() == [[28, 34], [20, 30]]
    assert found["X"].shape == (2, 19)
    assert found["X"][0, :4].tolist() == [70, 0, 5.5, 0]


def test_whole_scaffolds_stay_together():
    scaffolds = ["a"] * 8 + ["b"] + ["c"]
    parts = molecules.scaffold_split(scaffolds)
    assert parts.tolist() == ["train"] * 8 + ["test", "valid"]


def test_every_set_of_the_folder_has_a_row_that_says_where_it_is_from():
    rows = README.split("## Where the data are from")[1].split("\n## ")[0]
    missing = [name for name in (*registry.FILES, *registry.PACKAGED) if f"`{name}`" not in rows]
    assert missing == []


def test_the_searches_of_school_fit_and_set_what_they_search():
    from benchmarks import school

    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(30) % 3, rng.normal(size=(30, 2))])
    y = X[:, 1] + rng.normal(size=30)
    for search in school.searches(seed=0).values():
        grid = {name: values[:2] for name, values in search.param_grid.items()}
        found = search.set_params(param_grid=grid, error_score="raise").fit(X, y)
        assert found.best_params_.keys() == grid.keys()
        for name, value in found.best_params_.items():
            assert found.best_estimator_.get_params()[name] == value
