"""The table of tasks before a fit is what a fit reads."""

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
