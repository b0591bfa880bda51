"""Protocols of published experiments: who sees what, and what is averaged."""

import numpy as np
import pytest

pytest.importorskip("pandas")
pytest.importorskip("benchmarks", reason="the scripts are not installed")

from benchmarks.accuracy.data import Long, Wide
from benchmarks.accuracy.evidence import part, read_table
from benchmarks.published import evidence, multi_target, papers, report, sarcos
from benchmarks.published.experiment import regression, rows_per_task, standardised
from benchmarks.published.registry import EXPERIMENTS
from tests.conftest import ROOT

README = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_papers_report_has_a_column_and_a_source(name):
    study = EXPERIMENTS[name]
    assert set(study.published) == set(study.tables)
    for title, rows in study.published.items():
        for row in rows:
            assert set(row.found) <= set(study.tables[title])
            assert row.source.how in (papers.READ, papers.SECOND_HAND, papers.RECALLED)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_columns_and_restrictions_name_what_there_is(name):
    study = EXPERIMENTS[name]
    places = [p for columns in study.tables.values() for p in columns.values() if p]
    assert {setting for setting, _ in places} == set(study.sets)
    assert set(study.only) <= set(study.methods)
    assert {s for settings in study.only.values() for s in settings} <= set(study.sets)


def test_rows_of_every_task_in_training():
    task = np.repeat([0, 1, 2], [10, 3, 30])
    train, test = rows_per_task(task, 5, np.random.default_rng(0))
    assert np.bincount(task[train]).tolist() == [5, 2, 5]
    assert sorted([*train, *test]) == list(range(43))


def test_every_joint_has_labels_of_its_own():
    Y = np.random.default_rng(0).normal(size=(200, 7))
    train, test, chosen = sarcos.draw(Y, 20, seed=0)
    assert chosen.sum(0).tolist() == [20] * 7
    assert not chosen[test].any()
    assert len(train) > 20
    ((part, rest),) = standardised(Wide(np.ones((200, 1)), Y), [(train, test, chosen)])
    assert (~np.isnan(part.Y)).sum(0).tolist() == [20] * 7
    np.testing.assert_array_equal(rest.Y, Y[test])


def test_a_task_number_is_not_scaled():
    data = Long(np.column_stack([np.repeat([0.0, 7.0], 4), np.arange(8.0)]), np.arange(8.0))
    ((train, test),) = standardised(data, [(np.arange(0, 8, 2), np.arange(1, 8, 2))])
    assert train.X[:, 0].tolist() == [0, 0, 7, 7]
    assert train.X[:, 1].mean() == 0
    assert test.y.tolist() == [1, 3, 5, 7]


class Halfway:
    """Predicts half a standard deviation above the mean, if labels come standardised."""

    def fit(self, X, Y):
        np.testing.assert_allclose(Y.mean(0), 0, atol=1e-12)
        np.testing.assert_allclose(Y.std(0), 1)
        self.n_tasks = Y.shape[1]
        return self

    def predict(self, X):
        return np.full((len(X), self.n_tasks), 0.5)


def test_relative_errors_are_summed_over_folds_or_averaged():
    train = Wide(np.zeros((2, 1)), np.array([[-1.0, 8.0], [1.0, 12.0]]))
    near = Wide(np.zeros((1, 1)), np.array([[0.5, 12.0]]))
    far = Wide(np.zeros((1, 1)), np.array([[2.0, 10.0]]))
    measure = regression(multi_target.score, multi_target.summary)
    found = measure(lambda part: Halfway(), [(train, near), (train, far)])
    # Squared errors of the mean: .25 and 4 in the first task, 4 and 0 in the second.
    first, second = np.sqrt((0 + 2.25) / 4.25), np.sqrt((1 + 1) / 4)
    assert found["pooled"] == pytest.approx(50 * (first + second))
    # The second task's last fold has nothing to explain and is left out.
    assert found["by_fold"] == pytest.approx(100 * np.mean([0, 0.75, 0.5]))


RECORDS = {
    ("computer", "8 profiles", "pooled ridge"): {"rmse": 2.5, "rmse sd": 0.0, "seconds": 0.1},
    ("computer", "8 profiles", "MultiTaskLinear"): {"rmse": 2.0, "rmse sd": 0.25, "seconds": 0.2},
}


def test_the_best_that_was_run_is_marked(capsys):
    report.report("computer", RECORDS, markdown=True)
    printed = capsys.readouterr().out
    assert "| pooled ridge | peer | - | 2.500 | - | 0.1 |" in printed
    assert "| MultiTaskLinear | skmtl | - | **2.000 ± 0.250** | - | 0.2 |" in printed
    assert "| single tasks | [1] read | 2.381 | - | - | - |" in printed


def test_the_best_of_each_group_is_told():
    table = [
        ("a", {"from": "[1] recalled", "x": "1.5 ± 0.2"}),
        ("b", {"from": "[1] recalled", "x": "-"}),
        ("c", {"from": "peer", "x": "3.0"}),
        ("d", {"from": "peer", "x": "2.0"}),
    ]
    of_papers, of_peers, of_ours = evidence.GROUPS
    assert evidence.best(table, "x", of_papers, larger=True) == "1.5 ± 0.2 (a; recalled)"
    assert evidence.best(table, "x", of_peers, larger=False) == "2.0 (d)"
    assert evidence.best(table, "x", of_peers, larger=True) == "3.0 (c)"
    assert evidence.best(table, "x", of_ours, larger=True) == ""
    name = 'MultiTaskLinearRegressorCV("trace_norm", center=True)'
    assert evidence.short(name) == "LinearRegressorCV, trace_norm"


def test_the_page_of_published_results_has_the_numbers_of_the_benchmarks():
    page = (ROOT / "docs" / "published.rst").read_text(encoding="utf-8")
    assert evidence.rendered(page, README) == page, "run python -m benchmarks.published.evidence"


# (experiment, table, column): docs/published.rst says that skmtl is behind there.
BEHIND = [
    ("computer", "Computer", "8 profiles", "peer"),
    ("multi_target", "Multi-target sets: aRRMSE, %, mean over folds", "oes97", "peer"),
    ("molecules", "Molecules", "tox21, random", "peer"),
    ("molecules", "Molecules", "tox21, index", "read"),
    ("molecules", "Molecules", "tox21, random", "read"),
]


@pytest.mark.parametrize(("name", "title", "column", "source"), BEHIND)
def test_where_the_page_says_that_others_are_ahead(name, title, column, source):
    table = read_table(part(README, f"published {name}"), title)
    sign = 1 if name == "molecules" else -1
    numbers = [(row["from"], evidence.number(row[column])) for _, row in table]
    theirs = [sign * v for kind, v in numbers if kind.endswith(source) and v is not None]
    ours = [sign * v for kind, v in numbers if kind == "skmtl" and v is not None]
    assert max(theirs) > max(ours)


def test_what_the_page_says_of_thresholds():
    table = dict(read_table(part(README, "published multi_label"), "Yeast"))
    of_labels = {method: evidence.number(row["macro F1"]) for method, row in table.items()}
    kept = [of_labels[m] for m, row in table.items() if row["from"] == "skmtl" and "(" not in m]
    neighbours, chosen = of_labels["kNN per label"], of_labels["ThresholdTasks(MultiTaskMLP)"]
    assert max(kept) < neighbours < chosen
