import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskLinear, MultiTaskLinearRegressor
from skmtl.inspection.displays import LabelCoverageDisplay
from skmtl.inspection.displays._coverage import label_coverage
from tests.inspection.displays.conftest import make_labels


def heights(bars, n_bars):
    """Heights of bars that are one artist, and the positions of their centres."""
    values, edges, _ = bars.get_data()
    if len(values) == n_bars:
        return values, (edges[:-1] + edges[1:]) / 2
    np.testing.assert_array_equal(values[1::2], 0.0)
    return values[::2], (edges[:-1:2] + edges[1::2]) / 2


@pytest.mark.parametrize("n_tasks", [2, 5, 60, 200])
def test_counts_and_overlap_are_those_of_the_labels(n_tasks):
    y = make_labels(n_tasks)
    observed = ~np.isnan(y)
    display = LabelCoverageDisplay.from_labels(y)
    counts, centres = heights(display.bars_, n_tasks)
    np.testing.assert_array_equal(counts, observed.sum(axis=0))
    np.testing.assert_allclose(centres, np.arange(n_tasks), atol=1e-12)
    both = observed.T.astype(int) @ observed
    np.testing.assert_array_equal(display.overlap_image_.get_array(), both)
    np.testing.assert_array_equal(display.coverage.overlap, both)


@pytest.mark.parametrize(
    ("n_tasks", "missing", "looks"),
    [(3, 0.3, "patterns"), (6, 0.1, "others"), (20, 0.5, "groups")],
)
def test_patterns_add_up_to_the_counts(n_tasks, missing, looks):
    y = make_labels(n_tasks, 500, missing)
    observed = ~np.isnan(y)
    display = LabelCoverageDisplay.from_labels(y)
    found = display.coverage
    np.testing.assert_array_equal(display.pattern_image_.get_array(), found.patterns)
    np.testing.assert_allclose(found.pattern_rows @ found.patterns, observed.sum(axis=0))
    assert found.pattern_rows.sum() == 500
    distinct, counts = np.unique(observed, axis=0, return_counts=True)
    assert found.n_patterns == len(distinct)
    assert found.is_grouped == (looks == "groups")
    whole = {
        "patterns": len(found.patterns),
        "others": len(found.patterns) - 1,
        "groups": 0,
    }[looks]
    known = {tuple(pattern): count for pattern, count in zip(distinct, counts, strict=True)}
    for pattern, count in zip(found.patterns[:whole], found.pattern_rows[:whole], strict=True):
        assert known[tuple(pattern.astype(bool))] == count
    assert (np.diff(found.pattern_rows[:whole]) <= 0).all()
    rows = [label.get_text() for label in display.axes_[1].get_yticklabels()]
    if looks == "others":
        assert rows[-1] == f"others: {found.pattern_rows[-1]}"
    assert len(rows) == (0 if looks == "groups" else len(found.patterns))


def test_groups_show_blocks_of_missing_labels():
    # Two laboratories with ten assays each, a few labels lost here and there.
    rng = np.random.default_rng(0)
    site = rng.integers(0, 2, 400)
    observed = (np.arange(20)[None] // 10 == site[:, None]) & (rng.random((400, 20)) < 0.8)
    found = label_coverage(np.where(observed, 1.5, np.nan))
    assert found.is_grouped
    left, right = found.patterns[:, :10].mean(axis=1), found.patterns[:, 10:].mean(axis=1)
    # Groups are of one site each, but for the one in which the sites meet.
    assert (np.minimum(left, right) > 0).sum() <= 1
    assert np.count_nonzero(np.diff(left > right)) == 1


def test_the_rarest_class_is_counted():
    y = pd.DataFrame(
        {
            "yes": [1, 0, 0, None, 0, 0],
            "grade": pd.Series(["a", "b", "b", None, "c", "c"], dtype="category"),
            "number": [0.5, 1.5, None, 2.5, 3.5, 4.5],
            "constant": [1, 1, None, None, 1, 1],
        }
    )
    display = LabelCoverageDisplay.from_labels(y)
    np.testing.assert_array_equal(display.coverage.n_rarest, [1, 1, np.nan, 0])
    np.testing.assert_array_equal(heights(display.rarest_bars_, 4)[0], [1, 1, 0, 0])
    declared = LabelCoverageDisplay.from_labels(y[["yes"]], tasks="regression")
    assert declared.rarest_bars_ is None


def test_a_weight_of_zero_is_as_good_as_missing():
    y = make_labels(4)
    weight = np.random.default_rng(1).integers(0, 2, y.shape).astype(float)
    found = label_coverage(y, sample_weight=weight)
    expected = label_coverage(np.where(weight > 0, y, np.nan))
    np.testing.assert_array_equal(found.overlap, expected.overlap)
    np.testing.assert_array_equal(found.n_rarest, expected.n_rarest)
    np.testing.assert_array_equal(found.patterns, expected.patterns)


def test_containers_and_ways_of_writing_missing():
    y = make_labels(3)
    expected = label_coverage(y).overlap
    masked = np.ma.masked_invalid(y)
    masked.data[masked.mask] = 7.0
    frame = pd.DataFrame(y).astype(object).where(~np.isnan(y), None)
    for same in (masked, frame, y.tolist()):
        np.testing.assert_array_equal(label_coverage(same).overlap, expected)


def test_long_form_counts_the_rows_of_each_task():
    rng = np.random.default_rng(0)
    schools = np.array([f"school {k:02d}" for k in rng.integers(0, 30, 500)], dtype=object)
    y = np.where(rng.random(500) < 0.2, np.nan, rng.integers(0, 2, 500))
    y[schools == "school 07"] = np.nan
    display = LabelCoverageDisplay.from_labels(y, task_ids=schools)
    counts = pd.Series(y).groupby(schools).count()
    values, _ = heights(display.bars_, 30)
    names = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert names == [display.coverage.task_names[t] for t in display.order_]
    np.testing.assert_array_equal(values, counts[names])
    assert (np.diff(values) <= 0).all()
    rarest = pd.Series(y).groupby(schools).agg(lambda labels: labels.value_counts().min())
    rarest = rarest.fillna(0)
    np.testing.assert_array_equal(heights(display.rarest_bars_, 30)[0], rarest[names])
    assert display.overlap_image_ is None and len(display.axes_) == 1
    with pytest.raises(ValueError, match="task_ids has 499 rows, but y has 500"):
        LabelCoverageDisplay.from_labels(y, task_ids=schools[1:])


def test_from_estimator_reads_y_as_the_estimator_does():
    y = make_labels(3)
    X = np.zeros((len(y), 2))
    mixed = LabelCoverageDisplay.from_estimator(MultiTaskLinear(), X, y)
    np.testing.assert_array_equal(np.isnan(mixed.coverage.n_rarest), [True, False, True])
    numbers = LabelCoverageDisplay.from_estimator(
        make_pipeline(StandardScaler(), MultiTaskLinearRegressor()), X, y
    )
    assert numbers.rarest_bars_ is None
    frame = pd.DataFrame({"x": 0.0, "site": ["a", "b"] * 100})
    model = MultiTaskLinearRegressor(task_feature="site")
    long = LabelCoverageDisplay.from_estimator(model, frame, y[:, 0])
    assert long.coverage.task_names == ["a", "b"]
    counts = [(~np.isnan(y[start::2, 0])).sum() for start in (0, 1)]
    np.testing.assert_array_equal(long.coverage.n_labels, counts)


@pytest.mark.parametrize("y", [make_labels(1), make_labels(1)[:, 0], make_labels(2) * np.nan])
def test_one_task_and_no_labels(y):
    display = LabelCoverageDisplay.from_labels(y)
    display.figure_.canvas.draw()
    np.testing.assert_array_equal(
        display.coverage.n_labels, (~np.isnan(y.reshape(200, -1))).sum(axis=0)
    )
