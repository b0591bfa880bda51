import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmtl.linear.penalties import L21, Graph
from skmtl.tasks._by_name import (
    as_floats,
    by_task,
    column_names,
    columns_of,
    find_twice,
    matrix_by_task,
    order_of,
    put_in_order,
    same_names,
)

NAN = float("nan")
NAMES = ["u", "v", "w"]


class TestOrder:
    @pytest.mark.parametrize(
        "names",
        [
            ["a", "b", "c"],
            [0, 1, 2],
            [("a", 1), ("a", 2), ("b", 1)],
            ["a", NAN, None],
            ["", "a.b", 3],
            [np.str_("a"), np.int64(3), 2.5],
        ],
    )
    def test_any_names_in_any_order(self, names):
        # Another NaN, as a pickle or another frame has it.
        found = [float("nan") if name != name else name for name in reversed(names)]
        assert order_of(found, names, "x") == [2, 1, 0]
        assert same_names(found, names)

    def test_missing_and_unknown_names_are_both_said(self):
        message = r"^weights does not have the tasks \['a', 'b'\]: missing \['b'\], not known \[0\]"
        with pytest.raises(ValueError, match=message):
            order_of(["a", 0], ["a", "b"], "weights")

    def test_a_number_is_not_its_text(self):
        with pytest.raises(ValueError, match=r"missing \[0, 1\], not known \['0', '1'\]"):
            order_of(["0", "1"], [0, 1], "x")

    def test_a_name_that_is_there_twice(self):
        with pytest.raises(ValueError, match="x names the task 'b' more"):
            order_of(["a", "b", "b"], ["a", "b"], "x")
        assert len(find_twice([NAN, "a", float("nan")])) == 1
        assert find_twice(["a", 1, None]) == []

    def test_many_names_are_cut_in_the_message(self):
        with pytest.raises(ValueError, match=r"missing \[0, 1, .*, 7\] and 992 more, not known"):
            order_of(["x"], list(range(1000)), "x")


class TestVector:
    @pytest.mark.parametrize(
        "values",
        [
            {"w": 3, "u": 1, "v": 2},
            pd.Series({"w": 3, "u": 1, "v": 2}),
            pd.Series([3, 1, 2], index=pd.Index(["w", "u", "v"]), dtype="Int64"),
        ],
    )
    def test_by_name(self, values):
        assert by_task(values, NAMES, "x") == [1, 2, 3]

    @pytest.mark.parametrize("values", [[1, 2, 3], np.arange(3), pl.Series([1, 2, 3])])
    def test_by_position_where_there_are_no_names(self, values):
        assert by_task(values, NAMES, "x") is values

    def test_only_a_dict_may_name_some(self):
        assert by_task({"v": 2}, NAMES, "x", default=7) == [7, 2, 7]
        with pytest.raises(ValueError, match=r"missing \['u', 'w'\]"):
            by_task(pd.Series({"v": 2}), NAMES, "x", default=7)
        with pytest.raises(ValueError, match="x names the task 'z', which y does not have"):
            by_task({"z": 2}, NAMES, "x", default=7)

    def test_the_default_index_names_unnamed_tasks_only(self):
        series = pd.Series([1, 2, 3])
        assert by_task(series[::-1], [0, 1, 2], "x") == [1, 2, 3]
        with pytest.raises(ValueError, match=r"not known \[0, 1, 2\]"):
            by_task(series, NAMES, "x")


class TestMatrix:
    A = np.arange(9.0).reshape(3, 3)

    def test_rows_and_columns_each_by_their_names(self):
        frame = pd.DataFrame(self.A, index=NAMES, columns=NAMES)
        for given in (
            frame,
            frame.loc[["w", "u", "v"]],
            frame.loc[["v", "w", "u"], ["w", "u", "v"]],
        ):
            np.testing.assert_array_equal(matrix_by_task(given, NAMES, "x"), self.A)

    def test_a_table_without_row_names_has_rows_as_columns(self):
        frame = pl.DataFrame(self.A, schema=NAMES)
        names = ["w", "u", "v"]
        np.testing.assert_array_equal(
            matrix_by_task(frame, names, "x"), self.A[np.ix_([2, 0, 1], [2, 0, 1])]
        )
        structured = np.array([tuple(row) for row in self.A], dtype=[(n, float) for n in NAMES])
        np.testing.assert_array_equal(matrix_by_task(structured, NAMES, "x"), self.A)

    def test_others_stay_as_they_are(self):
        for given in (self.A, self.A.tolist(), None, "mean"):
            assert matrix_by_task(given, NAMES, "x") is given

    @pytest.mark.parametrize(
        "given, message",
        [
            (pd.DataFrame(A, columns=NAMES), r"^The index of x does not have .*known \[0, 1, 2\]"),
            (pd.DataFrame(A, index=NAMES), r"^x does not have the tasks .*known \[0, 1, 2\]"),
            (pd.DataFrame(A[:, :2], NAMES, NAMES[:2]), r"^x does not have .*missing \['w'\]"),
            ({"u": {"v": 1.0}}, "^x is a dict; expected an array or a DataFrame"),
        ],
    )
    def test_refused(self, given, message):
        with pytest.raises(ValueError, match=message):
            matrix_by_task(given, NAMES, "x")


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
        pl.DataFrame({"a": [1, 2], "b": [3, 4]}),
        {"a": [1, 2], "b": (3, 4)},
        np.array([(1, 3), (2, 4)], dtype=[("a", int), ("b", int)]),
    ],
)
def test_tables(table):
    assert column_names(table) == ["a", "b"]
    assert [list(column) for column in columns_of(table)] == [[1, 2], [3, 4]]


def test_what_is_no_table():
    for given in ([[1, 2]], np.eye(2), pd.Series([1]), pl.Series([1]), 3.0, None):
        assert column_names(given) is None


@pytest.mark.parametrize(
    "column", [[1, None], pd.Series([1, pd.NA], dtype="Int64"), pl.Series([1.0, None])]
)
def test_missing_numbers_are_nan(column):
    np.testing.assert_array_equal(as_floats(column), [1.0, np.nan])


class TestParts:
    graph = pd.DataFrame([[0, 1, 2], [1, 0, 3], [2, 3, 0]], NAMES, NAMES)

    def test_parts_of_parts(self):
        shuffled = self.graph.loc[["w", "v", "u"], ["v", "u", "w"]]
        penalty = put_in_order(2 * (L21() + Graph(shuffled, weight=3.0)), NAMES)
        assert penalty.weight == 2 and penalty.right.weight == 3
        np.testing.assert_array_equal(penalty.right.adjacency, self.graph)

    def test_what_has_no_names_is_the_same_object(self):
        for part in (L21(), Graph(self.graph.to_numpy()), "l21", None, L21):
            assert put_in_order(part, NAMES) is part

    def test_cut_to_some_tasks(self):
        cut = put_in_order(Graph(self.graph.to_numpy()), NAMES, [0, 2])
        np.testing.assert_array_equal(cut.adjacency, [[0, 2], [2, 0]])


def test_tables_whose_columns_are_called_as_attributes_are():
    names = ["column_names", "columns", "dtype", "shape", "to_pylist", "name"]
    values = np.arange(12.0).reshape(2, 6)
    records = np.rec.fromarrays(values.T, names=names)
    for table in (pd.DataFrame(values, columns=names), pl.DataFrame(values, schema=names), records):
        assert column_names(table) == names
        assert [list(column) for column in columns_of(table)] == values.T.tolist()
    series = pd.Series(dict.fromkeys(names, 1.0), dtype="Float64")
    assert by_task(series, names[::-1], "x") == [1.0] * 6
