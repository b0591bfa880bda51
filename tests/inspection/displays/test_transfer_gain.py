import numpy as np
import pytest

from skmtl import MultiTaskLinearRegressor
from skmtl.datasets import make_multitask_regression
from skmtl.inspection import TransferGain, transfer_gain
from skmtl.inspection.displays import TransferGainDisplay
from skmtl.inspection.displays._transfer_gain import view
from tests.inspection.displays.conftest import make_gain


def gain_of(gain, half):
    gain, half = np.asarray(gain, dtype=float), np.asarray(half, dtype=float)
    folds = np.tile(gain, (5, 1))
    return TransferGain(
        [f"task {t}" for t in range(len(gain))],
        gain,
        np.column_stack([gain - half, gain + half]),
        folds,
        1 - folds,
        np.ones_like(folds),
        np.full(len(gain), 9),
        0.9,
    )


def drawn_rows(display):
    """Row, gain and ends of the interval of everything that is drawn, by verdict."""
    found = {}
    for verdict, points in display.points_.items():
        segments = np.array(display.intervals_[verdict].get_segments())
        rows = points.get_ydata()
        np.testing.assert_array_equal(segments[:, :, 1], np.column_stack([rows, rows]))
        found[verdict] = np.column_stack([rows, points.get_xdata(), segments[:, :, 0]])
    return found


@pytest.mark.parametrize("sort", [True, False])
def test_gains_and_intervals_are_those_given(sort):
    gain = make_gain(20)
    display = TransferGainDisplay(gain).plot(sort=sort)
    drawn = np.concatenate(list(drawn_rows(display).values()))
    rows = drawn[np.argsort(drawn[:, 0])]
    order = np.argsort(-gain.gain) if sort else np.arange(20)
    np.testing.assert_array_equal(display.order_, order)
    np.testing.assert_array_equal(rows[:, 0], np.arange(20))
    np.testing.assert_array_equal(rows[:, 1], gain.gain[order])
    np.testing.assert_array_equal(rows[:, 2:], gain.interval[order])
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == [str(gain.task_names[t]) for t in order]
    # The largest gain is on top.
    assert display.ax_.yaxis_inverted()


def test_verdicts_are_those_of_the_result():
    gain = make_gain(20)
    gain.gain[4], gain.interval[4] = -0.5, [-0.6, -0.4]
    display = TransferGainDisplay(gain).plot(sort=False)
    rows = {verdict: set(drawn[:, 0]) for verdict, drawn in drawn_rows(display).items()}
    assert rows["helps"] == set(np.flatnonzero(gain.is_positive))
    assert rows["harms"] == set(np.flatnonzero(gain.is_negative))
    assert rows["undecided"] == set(np.flatnonzero(~gain.is_positive & ~gain.is_negative))
    # Told apart by form as well as by colour.
    looks = {(line.get_marker(), line.get_markerfacecolor()) for line in display.points_.values()}
    assert len(looks) == 3
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert f"sharing harms: {gain.is_negative.sum()}" in texts


def test_a_task_that_no_fold_can_evaluate_is_last_and_has_no_point():
    display = TransferGainDisplay(gain_of([np.nan, 0.1, -0.2], [np.nan, 0.05, 0.1])).plot()
    np.testing.assert_array_equal(display.order_, [1, 2, 0])
    drawn = np.concatenate(list(drawn_rows(display).values()))
    np.testing.assert_array_equal(np.sort(drawn[:, 0]), [0, 1])
    (text,) = [text for text in display.ax_.texts if "no fold" in text.get_text()]
    assert text.get_position()[1] == 2


def test_nothing_to_evaluate():
    display = TransferGainDisplay(gain_of([np.nan, np.nan], [np.nan, np.nan])).plot()
    display.figure_.canvas.draw()
    assert display.points_ == {}


def test_an_unbounded_interval_goes_beyond_the_frame():
    display = TransferGainDisplay(gain_of([0.1, 0.2], [np.inf, 0.05])).plot(sort=False)
    low, high = display.ax_.get_xlim()
    drawn = drawn_rows(display)
    assert drawn["undecided"][0, 2] < low < 0.1 < high < drawn["undecided"][0, 3]
    assert np.isfinite(np.concatenate(list(drawn.values()))).all()
    np.testing.assert_allclose(drawn["helps"][0, 2:], [0.15, 0.25])


def test_a_wide_interval_does_not_dwarf_the_others():
    found = gain_of([0.1, 0.2, -0.1, 0.0], [50.0, 0.05, 0.05, 0.1])
    low, high = view(found.gain, found.interval)
    assert -1 < low < -0.15
    assert 0.25 < high < 1
    # All gains, and zero, are always seen.
    low, high = view(np.array([0.5, 0.6]), np.array([[0.4, 0.6], [0.5, 0.7]]))
    assert low < 0 and high > 0.7


def test_from_estimator_draws_what_the_function_finds():
    X, y = make_multitask_regression(60, 5, n_informative=5, n_tasks=3, noise=1.0, random_state=0)
    model = MultiTaskLinearRegressor("trace_norm", alpha=0.1)
    options = {"cv": 3, "confidence": 0.8, "sample_weight": np.arange(1.0, 61.0)}
    display = TransferGainDisplay.from_estimator(model, X, y, sort=False, **options)
    expected = transfer_gain(model, X, y, **options)
    drawn = np.concatenate(list(drawn_rows(display).values()))
    rows = drawn[np.argsort(drawn[:, 0])]
    np.testing.assert_allclose(rows[:, 1], expected.gain)
    np.testing.assert_allclose(rows[:, 2:], expected.interval)
    assert "80 % interval" in display.ax_.get_xlabel()
