"""Reading y: shapes, names, long form, and what is refused."""

import copy
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmtl.tasks import Binary, Multiclass, Regression
from skmtl.tasks._read_targets import read_targets
from skmtl.tasks._targets import Targets

ODD_NAMES = ["", "class", "yield", "a.b", "keys", 1, "<script>", "mean", ("a", 1), "predict"]


def test_one_dimensional_y():
    targets = read_targets([1.5, None, 2.0])
    assert targets.tasks.is_1d
    assert targets.values.shape == targets.weights.shape == (3,)
    assert targets.tasks.join([np.array([4.0, 5.0])]).tolist() == [4.0, 5.0]


def test_one_column_stays_two_dimensional():
    targets = read_targets([[1.5], [2.0]])
    assert not targets.tasks.is_1d
    assert targets.tasks.join([np.array([4.0, 5.0])]).tolist() == [[4.0], [5.0]]


def test_row_without_label_is_accepted():
    targets = read_targets([[1.5, 2.5], [None, np.nan], [3.0, None], [1.0, 0.5]])
    assert targets.row_is_observed.tolist() == [True, False, True, True]


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_odd_names(container):
    names = ODD_NAMES
    if container == "polars":  # which knows but strings, and renames the empty one
        names = [name for name in ODD_NAMES if name and isinstance(name, str)]
    values = np.random.default_rng(0).normal(size=(4, len(names)))
    if container == "pandas":
        y = pd.DataFrame(values, columns=pd.Index(names, dtype=object, tupleize_cols=False))
    else:
        y = pl.DataFrame(values, schema=names)
    targets = read_targets(y, declared={names[0]: "regression"})
    assert targets.tasks.names.tolist() == names
    assert (targets.values == values).all()
    assert (targets.tasks.read(y[names[::-1]]).values == values).all()


@pytest.mark.parametrize(
    "y, error",
    [
        (np.zeros((3, 2, 2)), r"y has shape \(3, 2, 2\); expected \(n_samples,\) or \(n_samples, "),
        (np.float64(3.0), r"y has shape \(\)"),
        ({"a": [1, 2], "b": [3]}, r"y is ragged: its columns have lengths \[1, 2\]"),
        ([[1, 2], [3]], r"y is ragged: its rows have lengths \[1, 2\]\.$"),
        ([np.array([1, 2]), np.array([3])], r"y is ragged: its rows have lengths \[1, 2\]\.$"),
        (np.zeros((3, 0)), "y has no task: its shape has zero columns"),
        (pd.DataFrame(index=range(3)), "y has no task"),
        (sparse.csr_array(np.eye(2)), "y is sparse; give a dense array"),
        (None, "requires y to be passed, but the target y is None"),
        (pd.DataFrame(np.eye(2), columns=["a", "a"]), "Duplicate task name in y: 'a'"),
        ([None, np.nan], "y has no observed label: every one is missing or has weight zero"),
        (np.ma.masked_all((3, 2)), "y has no observed label"),
        ([[1.0], [np.inf]], "Task 0: y contains infinity"),
        (pd.DataFrame({"a": ["x", 1.0]}), "Task 'a': labels mix strings and numbers"),
    ],
)
def test_refused(y, error):
    with pytest.raises(ValueError, match=error):
        read_targets(y)


def test_refused_by_weight():
    with pytest.raises(ValueError, match="y has no observed label: every one is missing or has w"):
        read_targets([[1.0, np.nan], [2.0, np.nan]], sample_weight=[[0, 1], [0, 1]])


def test_few_labels_warn_by_name():
    y = pd.DataFrame({"full": [1.5, 2.0, 3.0], "one": [1.5, None, None], "none": [None] * 3})
    with pytest.warns(UserWarning) as caught:
        read_targets(y.assign(none=y["none"].astype(float)))
    assert [str(warning.message) for warning in caught] == [
        "Task 'none': no observed label; the prediction is NaN or, for classes, uniform.",
        "Task 'one': one observed label; little can be learned from it.",
    ]


def test_in_long_form_tasks_of_one_row_are_as_expected(recwarn):
    read_targets([1.5, 2.0, 3.0, np.nan], task_column=np.array(["a", "a", "b", "a"]))
    assert not recwarn


def test_types_by_task_in_long_form():
    told = r"tasks=\{.sales.: .count.\} names tasks. In long form .* as in tasks=.count.\."
    with pytest.raises(ValueError, match=told):
        read_targets([1.0, 2.0], task_column=np.array(["a", "b"]), declared={"sales": "count"})


@pytest.mark.parametrize(
    ("labels", "warns"),
    [
        ([-1.0, 0.0, 1.0, np.nan], True),
        ([-1, 1, 1, -1], True),
        ([-1.0, 0.0, 0.5, 1.0], False),
        ([-1, 0, 1, 2], False),
        ([0, 1, 1, 0], False),
        ([-1.0, -1.0, -1.0, np.nan], False),
    ],
)
@pytest.mark.parametrize("n_before", [0, 60])
def test_minus_one_is_often_no_number(labels, warns, n_before, recwarn):
    y = pd.DataFrame({"assay": labels[-1:] * n_before + labels, "size": 1.5})
    read_targets(y)
    told = [str(warning.message) for warning in recwarn]
    expected = "Task .assay.: every label is -1, 0 or 1, .*NaN .*{.assay.: .multiclass.}"
    assert len(told) == warns and all(re.match(expected, text) for text in told)
    read_targets(y, declared={"assay": "regression"})
    assert len(recwarn) == len(told)


ZIPS = [f"{10000 + v % 25}" for v in range(120)]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([f"{v:.2f}" for v in np.linspace(-1, 1, 60)], "60 different .*numbers, .*to_numeric"),
        ([str(v) for v in np.arange(120) % 25], "25 different .*numbers, .*to_numeric"),
        ([f"id{v}" for v in range(30)], "30 different .*'id0' and 'id9', of fewer than two rows"),
        ([f"kind {v}" for v in np.arange(120) % 25], None),
        (["1", "2", "3", None] * 20, None),
    ],
)
def test_text_that_is_no_class(labels, told, recwarn):
    y = pd.DataFrame({"t": labels, "size": 1.5})
    read_targets(y, declared={"t": "multiclass"})
    assert not recwarn
    read_targets(y)
    texts = [str(warning.message) for warning in recwarn]
    assert len(texts) == (told is not None)
    assert all(re.match(f"Task 't': {told}", text) for text in texts)


@pytest.mark.parametrize(
    ("y", "meant"),
    [
        (pd.DataFrame({"zip": ZIPS, "size": 1.5}), {"zip": "multiclass"}),
        (np.column_stack([np.array(ZIPS, dtype=object), np.full(120, 1.5)]), {0: "multiclass"}),
        (pd.Series(ZIPS, name="zip"), "multiclass"),
        (np.array(ZIPS), "multiclass"),
    ],
)
def test_what_is_told_of_numbers_as_text_silences_it(y, meant, recwarn):
    read_targets(y)
    (warning,) = recwarn
    assert f"with pandas.to_numeric. tasks={meant!r} says" in str(warning.message)
    read_targets(y, declared=meant)
    assert len(recwarn) == 1


def test_many_warnings_are_one():
    y = np.full((4, 30), np.nan)
    y[:, 0] = [1.5, 2.0, 3.0, 0.0]
    with pytest.warns(UserWarning) as caught:
        read_targets(y)
    assert len(caught) == 1
    assert "29 tasks (1, 2, 3, 4, 5, 6, 7, 8 and 21 more): no observed" in str(caught[0].message)


def test_no_warning_of_complete_labels(recwarn):
    read_targets([[1.5, 0, "a"], [2.0, 1, "b"], [3.0, 1, "c"]])
    assert not recwarn


def test_a_task_without_labels_changes_no_other():
    y = np.array([[1.5, 0.0], [np.nan, 1.0], [3.0, 1.0]])
    alone = read_targets(y)
    with pytest.warns(UserWarning, match="Task 2: no observed label"):
        beside = read_targets(np.column_stack([y, [np.nan] * 3]))
    assert (beside.values[:, :2] == alone.values).all()
    assert (beside.weights[:, :2] == alone.weights).all()


class TestColumns:
    """`Targets.columns`: one (task, values, weights) per column of y."""

    def test_wide(self):
        targets = read_targets([[1.5, 0], [2.0, None]])
        tasks, values, weights = zip(*targets.columns(), strict=True)
        assert tasks == targets.tasks.tasks
        assert [v.tolist() for v in values] == [[1.5, 2.0], [0.0, 0.0]]
        assert [w.tolist() for w in weights] == [[1.0, 1.0], [1.0, 0.0]]

    def test_long_form_is_one_column(self):
        targets = read_targets([1.5, 2.0, 3.0], task_column=np.array([4, 7, 4]))
        ((task, values, weights),) = targets.columns()
        assert task is targets.tasks.tasks[0]
        assert values is targets.values and weights is targets.weights

    @pytest.mark.parametrize("shape", [(5,), (5, 3)])
    def test_a_label_may_be_several_numbers(self, shape):
        tasks = read_targets(np.full(shape, 1.5)).tasks
        targets = Targets(tasks, np.random.default_rng(0).random((*shape, 2)), np.ones(shape))
        columns = targets.columns()
        assert [column.values.shape for column in columns] == [(5, 2)] * len(tasks.tasks)
        assert (targets.select(np.array([0])).values[:, 0] == columns[0].values).all()
        assert targets.take(np.array([1, 3])).values.shape == (2, *shape[1:], 2)


class TestNewLabels:
    """`TaskSet.read`: labels to score."""

    Y = pd.DataFrame({"a": [1.5, 2.0, 0.5], "b": ["x", "y", "x"], "c": [0, 1, None]})

    def test_matched_by_name(self):
        tasks = read_targets(self.Y).tasks
        expected = tasks.read(self.Y).values
        assert (tasks.read(self.Y[["c", "a", "b"]]).values == expected).all()

    def test_an_array_is_matched_by_position(self):
        tasks = read_targets(self.Y).tasks
        assert (tasks.read(self.Y.to_numpy()).values == tasks.read(self.Y).values).all()

    def test_fitted_without_names(self):
        tasks = read_targets(self.Y.to_numpy()).tasks
        assert (tasks.read(self.Y).values == tasks.read(self.Y.to_numpy()).values).all()

    @pytest.mark.parametrize(
        "change, error",
        [
            (
                lambda y: y[["a", "b"]],
                r"y does not have the tasks \['a', 'b', 'c'\]: missing \['c'\], not kn",
            ),
            (lambda y: y.assign(d=1), r"missing \[\], not known \['d'\]"),
            (lambda y: y.to_numpy()[:, :2], "y has 2 tasks, but the estimator was fitted with 3"),
            (lambda y: y["a"], "y has 1 tasks, but the estimator was fitted with 3"),
            (lambda y: y.set_axis(["a", "a", "b"], axis=1), "Duplicate task name in y: 'a'"),
            (lambda y: y.assign(b="z"), r"Task 'b': label 'z' was not seen in fit; known classes:"),
            (lambda y: y.assign(b=1.5), "Task 'b': label 1.5 was not seen in fit"),
            (lambda y: y.assign(a="z"), "Task 'a' is regression, but has the label 'z'"),
            (lambda y: y.assign(c=2), "Task 'c': label 2 was not seen in fit"),
        ],
    )
    def test_errors(self, change, error):
        with pytest.raises(ValueError, match=error):
            read_targets(self.Y).tasks.read(change(self.Y))

    def test_unseen_class_without_weight(self):
        tasks = read_targets(self.Y).tasks
        new = self.Y.assign(b=["x", "z", "y"])
        assert tasks.read(new, sample_weight=[1, 0, 1]).values[:, 1].tolist() == [0, 0, 1]

    def test_standardised_as_in_fit(self):
        tasks = read_targets([1.0, 3.0], standardize=True).tasks
        assert tasks.read([1.0, 3.0, 5.0, None]).values.tolist() == [-1.0, 1.0, 3.0, 0.0]


class TestDecode:
    def test_dtype(self):
        numbers = read_targets([[1.5, 0], [2.0, 1]]).tasks
        predicted = [np.array([1.5, 2.5]), np.array([[0.9, 0.1], [0.2, 0.8]])]
        decoded = numbers.join(
            [t.decode(predicted) for t, predicted in zip(numbers.tasks, predicted, strict=True)]
        )
        assert decoded.dtype == np.float64
        assert decoded.tolist() == [[1.5, 0.0], [2.5, 1.0]]
        strings = read_targets([[1.5, "no"], [2.0, "yes"]]).tasks
        decoded = strings.join(
            [t.decode(predicted) for t, predicted in zip(strings.tasks, predicted, strict=True)]
        )
        assert decoded.dtype == object
        assert decoded.tolist() == [[1.5, "no"], [2.5, "yes"]]

    def test_links_of_raw_scores(self):
        y = [[1.0, "a", 0], [3.0, "b", 1], [5.0, "c", 1]]
        tasks = read_targets(y, standardize=True).tasks
        assert tasks.n_outputs == 5
        assert [(s.start, s.stop) for s in tasks.slices] == [(0, 1), (1, 4), (4, 5)]
        raw = np.array([[0.0, 0.0, np.log(2), 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, np.log(3)]])
        predicted = tasks.inverse_link(raw)
        np.testing.assert_allclose(predicted[0], [3.0, 3.0 + np.std([1, 3, 5])])
        np.testing.assert_allclose(predicted[1][0], [0.25, 0.5, 0.25])
        np.testing.assert_allclose(predicted[2], [[0.5, 0.5], [0.25, 0.75]])
        assert tasks.probabilities(predicted)[0] is None

    def test_float32_scores_give_float64(self):
        tasks = read_targets([[1.5, 0], [2.5, 1]]).tasks
        for predicted in tasks.inverse_link(np.zeros((3, 2), dtype=np.float32)):
            assert predicted.dtype == np.float64

    def test_blocks_group_tasks_with_one_loss(self):
        y = [[1.0, 0, 2.5, "a", 1], [3.0, 1, 0.5, "b", 0], [5.0, 1, 1.5, "c", 1]]
        tasks = read_targets(y, declared=["regression", "auto", Regression("huber"), *["auto"] * 2])
        blocks = tasks.tasks.blocks
        assert [block.tasks.tolist() for block in blocks] == [[0], [1, 4], [2], [3]]
        assert [block.outputs.tolist() for block in blocks] == [[0], [1, 6], [2], [3, 4, 5]]


FEW = pytest.mark.filterwarnings("ignore:.*(one|no) observed (label|class)")


@FEW
class TestLongForm:
    def test_tasks_are_the_sorted_values(self):
        targets = read_targets([1.5, 2.0, None, 0.5], task_column=np.array([7, 3, 5, 3]))
        assert targets.tasks.is_long
        assert targets.tasks.names.tolist() == [3, 5, 7]
        assert targets.task_index.tolist() == [2, 0, 1, 0]
        assert targets.tasks.n_labels.tolist() == [2, 0, 1]
        assert len(targets.tasks.tasks) == 1

    @pytest.mark.parametrize(
        "column",
        [
            pd.Series(["s", "n", "s"], dtype="category"),
            pl.Series(["s", "n", "s"], dtype=pl.Categorical),
            np.array(["s", "n", "s"]),
        ],
    )
    def test_named_tasks(self, column):
        targets = read_targets([1.5, 2.0, 0.5], task_column=column)
        assert targets.tasks.names.tolist() == ["n", "s"]
        assert targets.task_index.tolist() == [1, 0, 1]

    def test_silent_tasks_predict_nothing(self):
        column = np.array([0, 1, 0])
        with pytest.warns(UserWarning, match="Task 1: no observed label"):
            tasks = read_targets([1.5, None, 0.5], task_column=column).tasks
        index = np.array([0, 1, -1])
        assert np.isnan(tasks.inverse_link(np.zeros((3, 1)), index)[0]).tolist() == [
            False,
            True,
            False,
        ]
        with pytest.warns(UserWarning, match="Task 1: no observed label"):
            tasks = read_targets(["a", None, "b"], task_column=column).tasks
        predicted = tasks.inverse_link(np.ones((3, 1)), index)[0]
        assert (predicted[1] == 0.5).all()
        assert (predicted[[0, 2], 1] > 0.5).all()

    def test_rows_of_unknown_or_missing_tasks(self):
        tasks = read_targets([1.5, 2.0], task_column=np.array([0.0, 1.0])).tasks
        read = tasks.read([1.0, 2.0, 3.0], task_column=np.array([1.0, 9.0, np.nan]))
        assert read.task_index.tolist() == [1, -1, -1]

    @pytest.mark.parametrize(
        "y, column, error",
        [
            ([[1.0, 2.0]], [0], r"With task_feature, y must be 1-D \(one label per row\), got 2"),
            ([1.0, 2.0], [0, np.nan], "The task feature is missing in 1 rows of X"),
            ([1.0, 2.0], ["a", 1], "Task 'task feature': labels mix strings and numbers"),
        ],
    )
    def test_errors(self, y, column, error):
        with pytest.raises(ValueError, match=error):
            read_targets(y, task_column=np.array(column, dtype=object))

    def test_take(self):
        targets = read_targets([1.5, 2.0, 0.5], task_column=np.array([7, 3, 7]))
        part = targets.take(np.array([2, 1]))
        assert part.values.tolist() == [0.5, 2.0]
        assert part.task_index.tolist() == [1, 0]


class TestPartialFitClasses:
    def test_handed_to_the_tasks(self):
        y = [["a", 1.5, 0, 3], ["b", 0.5, 0, 4]]
        classes = [["a", "b", "c"], None, [0, 1], [3, 4, 5]]
        tasks = read_targets(y, classes=classes).tasks.tasks
        assert [type(task) for task in tasks] == [Multiclass, Regression, Binary, Multiclass]
        assert [task.classes_.tolist() for task in tasks if task.is_classification] == [
            ["a", "b", "c"],
            [0, 1],
            [3, 4, 5],
        ]

    def test_a_declared_type_stands(self):
        with pytest.raises(ValueError, match="Task 0 is declared binary, but has 3 labels"):
            read_targets([0, 1], declared="binary", classes=[0, 1, 2])

    def test_of_one_task(self):
        for classes in ([0, 1], [[0, 1]]):
            task = read_targets([0, 0, 0], declared="binary", classes=classes).tasks.tasks[0]
            assert task.classes_.tolist() == [0, 1]

    def test_wrong_number(self):
        with pytest.raises(ValueError, match="classes has 1 entries, but y has 2 tasks"):
            read_targets([[0, 1], [1, 0]], classes=[[0, 1]])


def read_and_score(y):
    targets = read_targets(y, standardize=True)
    targets.values[:], targets.weights[:] = 7.0, 7.0
    targets.tasks.read(y).values[:] = 7.0


@FEW
@pytest.mark.parametrize(
    "y",
    [
        np.array([[1.5, 0.0], [np.nan, 1.0], [2.5, 1.0]]),
        np.array([[1.5, "a"], [None, "b"], [2.0, None]], dtype=object),
        np.array([1.5, np.nan, 2.0]),
        np.ma.masked_array([[1.5, 0.0], [2.0, 1.0], [0.5, 1.0]], mask=[[0, 1], [0, 0], [0, 0]]),
        pd.DataFrame({"a": [1.5, None, 2.0], "b": pd.Categorical(["x", "y", None])}),
        pd.DataFrame({"a": [1, None, 2], "b": [True, None, False]}).convert_dtypes(),
        [[1.5, "a"], [None, "b"], [2.0, None]],
    ],
)
def test_y_is_not_modified(y):
    before = copy.deepcopy(y)
    read_and_score(y)
    if isinstance(y, pd.DataFrame):
        pd.testing.assert_frame_equal(y, before)
    elif isinstance(y, np.ma.MaskedArray):
        assert (np.ma.getmaskarray(y) == np.ma.getmaskarray(before)).all()
        assert (y.data == before.data).all()
    elif isinstance(y, np.ndarray) and y.dtype.kind == "f":
        np.testing.assert_array_equal(y, before)
    else:
        assert np.array(y, dtype=object).tolist() == np.array(before, dtype=object).tolist()


def test_read_only_y():
    y = np.array([[1.5, 0.0], [np.nan, 1.0], [2.5, 1.0]])
    y.flags.writeable = False
    read_and_score(y)
