"""Generated data are what their truth says."""

import sys

import numpy as np
import pytest

from skmtl.datasets import (
    make_multitask_classification,
    make_multitask_mixed,
    make_multitask_regression,
)

GENERATORS = [
    make_multitask_regression,
    make_multitask_classification,
    make_multitask_mixed,
]
LONG_GENERATORS = GENERATORS[:2]


@pytest.mark.parametrize("make", GENERATORS)
def test_shapes_and_dtypes(make):
    X, y, truth = make(30, 7, missing=0.5, return_truth=True, random_state=0)
    n_tasks, n_outputs = y.shape[1], len(truth.output_task)
    assert X.shape == (30, 7)
    assert X.dtype == y.dtype == truth.y_complete.dtype == np.float64
    assert y.shape == truth.y_complete.shape
    assert truth.coef.shape == (7, n_outputs)
    assert truth.intercept.shape == (n_outputs,)
    assert truth.scores.shape == (30, n_outputs)
    assert len(truth.task_names) == len(truth.task_types) == len(truth.groups) == n_tasks
    assert len(make(30, 7, random_state=0)) == 2


@pytest.mark.parametrize("make", GENERATORS)
def test_scores_are_the_linear_model(make):
    X, _, truth = make(return_truth=True, random_state=1)
    np.testing.assert_allclose(truth.scores, X @ truth.coef + truth.intercept, atol=1e-12)


@pytest.mark.parametrize("make", LONG_GENERATORS)
def test_long_scores_are_the_linear_model_of_the_own_task(make):
    X, _, truth = make([3, 9, 40], n_tasks=3, form="long", return_truth=True, random_state=1)
    task = X[:, 0].astype(int)
    expected = (X[:, 1:] * truth.coef.T[task]).sum(axis=1) + truth.intercept[task]
    np.testing.assert_allclose(truth.scores, expected, atol=1e-12)


@pytest.mark.parametrize("make", GENERATORS)
def test_features_are_standard_normal(make):
    X = make(20_000, 4, random_state=0)[0]
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(X.T), np.eye(4), atol=0.05)


@pytest.mark.parametrize("make", GENERATORS)
@pytest.mark.parametrize("n_informative", [1, 4, 6, 50])
def test_informative_features_are_the_nonzero_rows(make, n_informative):
    truth = make(n_features=6, n_informative=n_informative, return_truth=True, random_state=0)[2]
    assert len(truth.informative) == min(n_informative, 6)
    np.testing.assert_array_equal(np.flatnonzero(truth.coef.any(axis=1)), truth.informative)


@pytest.mark.parametrize("make", GENERATORS)
@pytest.mark.parametrize("missing", [0.0, 0.13, 0.5, 0.8])
def test_missing_share_is_exact_and_the_rest_untouched(make, missing):
    _, y, truth = make(200, missing=missing, return_truth=True, random_state=0)
    np.testing.assert_array_equal(np.isnan(y).sum(axis=0), round(missing * 200))
    observed = ~np.isnan(y)
    np.testing.assert_array_equal(y[observed], truth.y_complete[observed])
    assert not np.isnan(truth.y_complete).any()


@pytest.mark.parametrize("make", LONG_GENERATORS)
def test_missing_per_task(make):
    X, y = make(n_tasks=3, missing=[0, 0.25, 0.9], form="long", random_state=0)
    for task, share in enumerate([0, 0.25, 0.9]):
        assert np.isnan(y[X[:, 0] == task]).mean() == share


@pytest.mark.parametrize("make", GENERATORS)
def test_everything_missing_leaves_one_label_of_each_task_and_class(make):
    _, y, truth = make(50, missing=1.0, return_truth=True, random_state=0)
    for t, task_type in enumerate(truth.task_types):
        kept = y[~np.isnan(y[:, t]), t]
        if task_type in {"binary", "multiclass"}:
            np.testing.assert_array_equal(np.sort(kept), np.unique(truth.y_complete[:, t]))
        else:
            assert len(kept) == 1


def test_labels_are_missing_completely_at_random():
    _, y, truth = make_multitask_regression(
        20_000, n_tasks=2, missing=0.3, return_truth=True, random_state=0
    )
    gone = np.isnan(y)
    # Independent of the label, and of the other task's gaps.
    assert abs(truth.y_complete[gone[:, 0], 0].mean()) < 4 / np.sqrt(6000)
    assert abs((gone[:, 0] & gone[:, 1]).mean() - 0.09) < 4 * np.sqrt(0.09 * 0.91 / 20_000)


@pytest.mark.parametrize("make", GENERATORS)
def test_one_seed_one_data_set(make):
    def drawn(seed):
        X, y, truth = make(missing=0.3, return_truth=True, random_state=seed)
        return X, y, truth.y_complete, truth.coef, truth.intercept, truth.scores

    for a, b, c in zip(drawn(3), drawn(3), drawn(np.random.RandomState(3)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    assert not np.array_equal(drawn(3)[0], drawn(4)[0])
    assert not np.array_equal(drawn(None)[0], drawn(None)[0])


@pytest.mark.parametrize("make", GENERATORS)
@pytest.mark.parametrize("seed", [None, 0])
def test_global_generator_is_left_alone(make, seed):
    before = np.random.get_state()
    make(missing=0.3, random_state=seed)
    after = np.random.get_state()
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize("make", GENERATORS)
def test_frame_and_array_hold_the_same(make):
    pytest.importorskip("pandas")
    params = {"missing": 0.3, "return_truth": True, "random_state": 0}
    X, y, truth = make(**params)
    X_frame, y_frame, truth_frame = make(as_frame=True, **params)
    np.testing.assert_array_equal(X_frame.to_numpy(), X)
    assert list(X_frame.columns[:2]) == ["x0", "x1"]
    assert list(y_frame.columns) == truth.task_names == truth_frame.task_names
    for t, (name, column) in enumerate(y_frame.items()):
        np.testing.assert_array_equal(column.isna(), np.isnan(y[:, t]))
        complete = truth_frame.y_complete[name]
        if column.dtype == "category":
            codes = np.where(column.isna(), np.nan, column.cat.codes)
            np.testing.assert_array_equal(codes, y[:, t])
            labels = column.cat.categories.tolist()
            assert labels == sorted(labels)
            np.testing.assert_array_equal(complete.cat.codes, truth.y_complete[:, t])
        else:
            np.testing.assert_array_equal(column, y[:, t])


def test_frame_labels_by_type():
    pytest.importorskip("pandas")
    y = make_multitask_mixed(300, n_classes=12, as_frame=True, random_state=0)[1]
    assert [str(dtype) for dtype in y.dtypes] == [
        "float64", "float64", "category", "category", "category", "float64",
    ]  # fmt: skip
    assert y["yes0"].cat.categories.tolist() == ["no", "yes"]
    assert y["class0"].cat.categories[[0, 11]].tolist() == ["label00", "label11"]


@pytest.mark.parametrize("make", LONG_GENERATORS)
def test_long_frame(make):
    pytest.importorskip("pandas")
    params = {"n_tasks": 3, "form": "long", "missing": 0.2, "random_state": 0}
    X, y = make(**params)
    X_frame, y_frame = make(as_frame=True, **params)
    assert X_frame.columns[0] == "task"
    np.testing.assert_array_equal(X_frame["task"].cat.codes, X[:, 0])
    np.testing.assert_array_equal(X_frame.iloc[:, 1:].to_numpy(), X[:, 1:])
    np.testing.assert_array_equal(y_frame.isna(), np.isnan(y))


def test_frame_without_pandas_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'as_frame=True needs pandas.*"skmtl\[datasets\]"'):
        make_multitask_regression(as_frame=True)


@pytest.mark.parametrize(
    ("make", "params", "message"),
    [
        (make, params, message)
        for make in GENERATORS
        for params, message in [
            ({"n_samples": 0}, "'n_samples' parameter of make_multitask"),
            ({"relatedness": 1.1}, r"'relatedness' .* in the range \[0.0, 1.0\]"),
            ({"n_informative": 0}, "'n_informative' parameter"),
            ({"missing": 1.5}, "'missing' parameter"),
            ({"missing": [0.1, 0.2]}, r"missing must .* one per task, shape \(\d,\); got .*\(2,\)"),
            ({"rank": 0}, "'rank' parameter"),
            ({"n_groups": 11}, r"n_groups=11 must be at most the number of tasks \(\d\)"),
            ({"random_state": "seed"}, "'random_state' parameter"),
        ]
    ]
    + [
        (make, params, message)
        for make in LONG_GENERATORS
        for params, message in [
            ({"form": "tall"}, "'form' parameter of make_multitask"),
            ({"n_samples": [10] * 5}, "n_samples must be an int with form='wide'"),
            ({"n_samples": [10, 0], "n_tasks": 2, "form": "long"}, "2 positive ints, one per task"),
            ({"n_samples": [10], "n_tasks": 2, "form": "long"}, "2 positive ints, one per task"),
            ({"missing": [0.1] * 4 + [np.nan]}, r"missing must be finite and in \[0, 1\]"),
        ]
    ]
    + [
        (make_multitask_regression, params, message)
        for params, message in [
            ({"noise": -1.0}, "'noise' parameter"),
            ({"noise": [0, 0, 0, 0, -1]}, r"noise must be finite and in \[0, inf\]"),
            ({"bias": [1, 2]}, r"bias must .* shape \(5,\); got shape \(2,\)"),
        ]
    ]
    + [
        (make_multitask_classification, params, message)
        for params, message in [
            ({"n_classes": 1}, "'n_classes' parameter"),
            ({"n_classes": [2, 3]}, "n_classes must be an int or hold 5 ints"),
            ({"n_classes": [2, 2, 2, 2, 1]}, "all at least 2"),
            ({"n_tasks": 2, "n_classes": [2, 3], "form": "long"}, "needs the same n_classes"),
            ({"weights": [0.5, 0.4]}, "weights of task 0 must be 2 positive shares of sum 1"),
            ({"weights": [1.0, 0.0]}, "weights of task 0 must be 2 positive shares of sum 1"),
            ({"weights": [None, None]}, r"weights must hold one entry per task \(5\); got 2"),
            ({"flip_y": 2.0}, "'flip_y' parameter"),
        ]
    ]
    + [
        (make_multitask_mixed, params, message)
        for params, message in [
            ({"n_classes": 2}, "'n_classes' parameter"),
            ({"mean_count": 0.0}, "'mean_count' parameter"),
            ({"positive_share": 1.0}, "'positive_share' parameter"),
            (
                {"n_regression": 0, "n_binary": 0, "n_multiclass": 0, "n_count": 0},
                "At least one of n_regression, n_binary, n_multiclass and n_count",
            ),
        ]
    ],
)  # fmt: skip
def test_invalid_parameters(make, params, message):
    with pytest.raises(ValueError, match=message):
        make(**params)
