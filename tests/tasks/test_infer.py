"""The table of tasks before a fit is what a fit reads."""

import pickle

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskLinear
from skmtl.tasks import Ordinal, infer


def mixed(n=12):
    """A frame with a number, classes, an order, and missing labels."""
    return pd.DataFrame(
        {
            "score": np.where(np.arange(n) % 4, np.arange(n) + 0.5, np.nan),
            "answer": np.where(np.arange(n) % 2, "yes", "no"),
            "grade": pd.Categorical(list("cba") * (n // 3), list("cba"), ordered=True),
            "kind": list("xyz") * (n // 3),
        }
    )


def test_is_what_a_fit_reads():
    y = mixed()
    table = infer(y)
    model = MultiTaskLinear().fit(np.arange(12.0)[:, None], y)
    assert [task.alias for task in table.tasks] == [task.alias for task in model.tasks_]
    assert table.names == list(y)
    assert table.n_labels == [9, 12, 12, 12]
    assert table.n_missing == [3, 0, 0, 0]
    assert table.values == ["1.5 to 11.5", "no, yes", "c < b < a", "x, y, z"]


def test_shows_itself():
    lines = repr(infer(mixed())).splitlines()
    assert lines[0].split() == ["task", "type", "labels", "missing", "values"]
    assert lines[3].split() == ["grade", "ordinal", "12", "0", "c", "<", "b", "<", "a"]
    html = infer({"<b>": [1.5, 2.5, 3.5]})._repr_html_()
    assert "<td>&lt;b&gt;</td><td>regression</td><td>3</td><td>0</td><td>1.5 to 3.5</td>" in html
    assert repr(infer(np.arange(80.0).reshape(2, 40) / 7)).endswith("and 10 more tasks")


def test_declared_types_and_weights_are_those_of_a_fit():
    table = infer([1, 2, 3, 1], Ordinal(), sample_weight=[1, 1, 0, 1])
    assert table.values == ["1 < 2"]
    assert (table.n_labels, table.n_missing) == ([3], [1])


def test_warns_and_raises_as_a_fit_does():
    with pytest.warns(UserWarning, match="10 different labels, all of them whole numbers"):
        infer(np.repeat(np.arange(10), 9))
    with pytest.raises(ValueError, match="y has no observed label"):
        infer([None, None])


@pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning")
def test_a_task_without_labels_has_no_values():
    y = pd.DataFrame({"grade": [None] * 3, "kind": [None] * 3, "score": [1.0, 2.5, 3.0]})
    declared = {"grade": Ordinal(classes=["c", "b"]), "kind": "multiclass", "score": "regression"}
    assert infer(y, declared).values == ["", "", "1 to 3"]


def test_tasks_of_a_fitted_estimator_print_as_a_table():
    model = MultiTaskLinear().fit(np.arange(12.0)[:, None], mixed())
    lines = repr(model.tasks_).splitlines()
    assert lines[0].split() == ["task", "type", "labels", "values"]
    assert lines[1].split() == ["score", "regression", "9"]
    assert lines[3].split() == ["grade", "ordinal", "12", "c", "<", "b", "<", "a"]
    assert "<td>kind</td><td>multiclass</td><td>12</td><td>x, y, z</td>" in (
        model.tasks_._repr_html_()
    )
    again = pickle.loads(pickle.dumps(model)).tasks_
    assert repr(again) == repr(model.tasks_)
    assert len(again) == 4 and again[1].alias == model.tasks_[1].alias


def test_long_form_has_a_row_for_each_task():
    X = np.array([[0.0, 3], [1, 3], [2, 5], [3, 5]])
    model = MultiTaskLinear("l2", alpha=1.0, task_feature=1).fit(X, [1.0, 2.5, 3.0, None])
    rows = [line.split() for line in repr(model.tasks_).splitlines()]
    assert rows == [["task", "type", "labels"], ["3", "regression", "2"], ["5", "regression", "1"]]
