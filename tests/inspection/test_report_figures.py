"""Figures show the numbers given: their coordinates are read back."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmtl import IndependentTasks
from skmtl.inspection import TaskAffinity, TransferGain
from skmtl.inspection._intervals import wilson
from skmtl.inspection.report._affinity_figure import LEVELS, affinity_figure
from skmtl.inspection.report._bars import labels_a_row, share_bar
from skmtl.inspection.report._gain_figures import gain_figure, gain_range
from skmtl.inspection.report._predictions import TaskPredictions
from skmtl.inspection.report._svg import Axes, Scale, dots, line, padded
from skmtl.inspection.report._task_figures import (
    calibration,
    learning_curve,
    predicted_against_observed,
    where_labels_are,
)
from skmtl.metrics import task_calibration_curve


def make_gain(gain, half):
    gain, half = np.asarray(gain, dtype=float), np.asarray(half, dtype=float)
    interval = np.stack([gain - half, gain + half], axis=1)
    nothing = np.zeros((2, len(gain)))
    names = list(range(len(gain)))
    return TransferGain(names, gain, interval, nothing, nothing, nothing, nothing[0], 0.95)


def test_a_scale_is_linear_and_stops_at_its_ends():
    scale = Scale(-1.0, 3.0, 10.0, 50.0)
    assert_allclose(scale([-1.0, 0.0, 3.0, 9.0, -9.0]), [10, 20, 50, 50, 10])


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1), (-3.2, 4.7), (-4.2, 4.1), (1e-9, 3e-9), (1e8, 3e8), (0.0, 1e-300), (120, 121)],
)
@pytest.mark.parametrize("most", [4, 5])
def test_ticks_are_round_numbers_within(low, high, most):
    ticks = Scale(low, high, 0, 100).ticks(most)
    assert 3 <= len(ticks) <= most + 2
    assert (ticks >= low - 1e-9 * abs(low)).all()
    assert (ticks <= high * (1 + 1e-9)).all()
    step = ticks[1] - ticks[0]
    assert_allclose(np.diff(ticks), step)
    assert float(f"{step:.0e}"[0]) in (1, 2, 5)


def test_labels_of_ticks_differ():
    for limits in [(0, 1), (0.1234, 0.1239), (1e6, 9e6), (-5e-9, 5e-9), (0, 40)]:
        axes = Axes(limits, limits)
        labels = re.findall(r"<text[^>]*>([^<]+)</text>", axes.render("", "nothing"))
        n_ticks = len(axes.x.ticks())
        assert len(set(labels[:n_ticks])) == n_ticks


def test_padded_covers_what_is_finite():
    low, high = padded([1.0, np.nan, 3.0, np.inf])
    assert low < 1 < 3 < high < 4
    low, high = padded([2.0, 2.0])
    assert low < 2 < high
    assert padded([]) == (0.0, 1.0)


def test_paths():
    assert line([0, 1, 2, 3], [5, np.nan, 6, 7.25]) == "M0 5M2 6L3 7.2"
    assert dots([0, 1.04], [2, -0.01]) == "M0 2h0M1 0h0"


@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 20, 1000])
def test_wilson_solves_its_equation(share, n):
    # The ends are where the share lies z standard errors away, the error being that of the end.
    z = 1.959963984540054
    for end in wilson(share, n):
        assert_allclose((share - end) ** 2, z**2 * end * (1 - end) / n, atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_calibration_draws_the_curve(n_classes):
    rng = np.random.default_rng(0)
    labels, link = rng.integers(n_classes, size=200), rng.dirichlet(np.ones(n_classes), size=200)
    task = IndependentTasks(tasks="multiclass").fit(link, labels).tasks_[0]
    weight = rng.uniform(1, 2, size=200)
    predictions = TaskPredictions(task, np.arange(200), labels, weight, link, None, None)
    drawn = calibration(SimpleNamespace(key="a", predictions=predictions))
    (curve,) = task_calibration_curve(
        labels, [link], n_bins=8, strategy="quantile", sample_weight=weight
    ).values()
    ((dotted, _),) = re.findall(r'<path d="([^"]+)" class="(dots large)"', drawn)
    points = np.array(re.findall(r"M([\d.]+) ([\d.]+)", dotted), dtype=float)
    _, high = wilson(curve.observed, curve.count / weight.mean())
    top = min(1.0, 1.1 * max(curve.predicted.max(), high.max()))
    axes = Axes((0, top), (0, top))
    assert_allclose(points[:, 0], axes.x(curve.predicted), atol=0.051)
    assert_allclose(points[:, 1], axes.y(curve.observed), atol=0.051)
    assert ("predicted probability of 1" in drawn) == (n_classes == 2)


def test_predictions_are_drawn_from_the_smallest_label_to_the_largest():
    rng = np.random.default_rng(0)
    observed, predicted = rng.normal(size=300), rng.normal(size=300)
    predictions = SimpleNamespace(labels=observed, decided=predicted, interval=None)
    drawn = predicted_against_observed(SimpleNamespace(key="a", predictions=predictions), 50)
    (path,) = re.findall(r'<path d="([^"]+)" class="dots"', drawn)
    points = np.array(re.findall(r"M([\d.]+) ([\d.]+)", path), dtype=float)
    assert len(points) == 50
    both = padded(np.concatenate([observed, predicted]))
    axes, order = Axes(both, both), np.argsort(observed)
    for end, of in ((0, order[0]), (-1, order[-1])):
        assert_allclose(points[end], [axes.x(observed[of]), axes.y(predicted[of])], atol=0.051)


def test_where_labels_are():
    task = SimpleNamespace(key="a", rows=np.arange(50), n_rows=100, coverage=0.5)
    drawn = where_labels_are(task, n_parts=4)
    (path,) = re.findall(r'<path d="([^"]+)" class="area"', drawn)
    axes = Axes((0, 100), (0, 1), height=120)
    heights = [float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]
    assert_allclose(heights[:8], np.repeat(axes.y([1, 1, 0, 0]), 2), atol=0.051)
    assert where_labels_are(SimpleNamespace(coverage=1.0)) == ""


def test_learning_curve_draws_the_losses():
    loss = np.array([4.0, 2.0, 1.0])
    task = SimpleNamespace(key="a", curves={"loss": loss, "validation_loss": loss + 1})
    drawn = learning_curve(task)
    (path,) = re.findall(r'<path d="([^"]+)" class="curve loss"', drawn)
    points = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", path), dtype=float)
    axes = Axes((1, 3), padded(np.concatenate([loss, loss + 1])))
    assert_allclose(points[:, 0], axes.x([1, 2, 3]), atol=0.051)
    assert_allclose(points[:, 1], axes.y(loss), atol=0.051)
    assert 'class="curve validation_loss"' in drawn
    assert learning_curve(SimpleNamespace(key="a", curves={})) == ""


def test_verdicts():
    gain = make_gain([0.3, -0.3, 0.1, np.nan, 0.2], [0.1, 0.1, 0.2, np.nan, np.nan])
    assert gain.verdicts == ["helps", "harms", "unclear", "unknown", "unknown"]
    # None is learned: a constant does as well.
    constant = replace(gain, loss_constant=0.5 * np.fmin(gain.loss_together, gain.loss_alone))
    assert constant.verdicts == ["unlearned", "unlearned", "unlearned", "unknown", "unknown"]


@pytest.mark.parametrize("n_tasks", [5, 60])
def test_gain_figure_sorts_and_marks(n_tasks):
    gains = np.linspace(-0.2, 0.3, n_tasks)
    gains[2] = np.nan
    gain = make_gain(gains, np.full(n_tasks, 0.05))
    drawn = gain_figure(gain, [f"task {t}" for t in range(n_tasks)])
    titles = [int(t) for t in re.findall(r"<title>task (\d+):", drawn)]
    assert titles == [t for t in range(n_tasks)[::-1] if t != 2]
    for kind, is_so in (("helps", gain.is_positive), ("harms", gain.is_negative)):
        assert drawn.count(f'class="mark {kind}"') == is_so.sum()
    assert (">task 4</text>" in drawn) == (n_tasks == 5)
    assert gain_figure(make_gain([np.nan], [np.nan]), ["a"]) == ""


def test_an_odd_gain_does_not_hide_the_others():
    gains = [*np.linspace(-0.05, 0.05, 50), -40.0]
    low, high = gain_range(make_gain(gains, np.full(51, 0.01)))
    assert -1 < low < -0.05
    assert 0.05 < high < 1


def test_what_a_figure_of_gains_does_not_hold_is_marked_and_said():
    gains = [*np.linspace(-0.05, 0.05, 20), -40.0]
    drawn = gain_figure(make_gain(gains, [*np.full(20, 0.01), 0.01]), list(range(21)))
    assert drawn.count(">−4000%</text>") == 1
    (odd,) = re.findall(r"<title>20:.*?</g>", drawn)
    assert len(re.findall(r"l-?4 3", odd)) == 2
    assert not re.search(r"l-?4 3", drawn.replace(odd, ""))


@pytest.mark.parametrize("n_tasks", [6, 45])
def test_heat_map_has_every_pair_in_its_colour(n_tasks):
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, size=(n_tasks, n_tasks))
    values = (values + values.T) / 2
    values[1, 2] = values[2, 1] = np.nan
    drawn, _ = affinity_figure(TaskAffinity([], values, "tag"), list(range(n_tasks)))
    others = values[~np.eye(n_tasks, dtype=bool)]
    largest = np.nanmax(np.abs(others))
    levels = np.rint(others[~np.isnan(others)] / largest * LEVELS).astype(int)
    cell = 22 if n_tasks == 6 else 560 // 45
    found = {}
    for path, name in re.findall(r'<path d="([^"]+)" class="(p\d|n\d|none)"', drawn):
        area = sum(int(width) // cell for width in re.findall(r"M\d+ \d+h(\d+)", path))
        level = 0 if name == "none" else int(name[1]) * (1 if name[0] == "p" else -1)
        found[level] = found.get(level, 0) + area
    assert found == dict(zip(*np.unique(levels, return_counts=True), strict=True))
    assert drawn.count('class="unknown"') == 1
    if n_tasks == 6:
        for i, j, value in re.findall(r"<title>(\d), (\d): ([−\d.]+)</title>", drawn):
            assert float(value.replace("−", "-")) == round(values[int(i), int(j)], 2)
    else:
        row = values[7].copy()
        row[7] = np.nan
        assert f"<title>7: closest {np.nanargmax(row)} (" in drawn


def test_rows_by_number_of_labels():
    tasks = [SimpleNamespace(rows=np.array(rows)) for rows in ([0, 1, 2], [1, 2], [2])]
    drawn = labels_a_row(tasks, 5)
    found = re.findall(r"<title>(\d+) rows with (\d) labels</title>", drawn)
    assert found == [("2", "0"), ("1", "1"), ("1", "2"), ("1", "3")]


def test_share_bar():
    widths = [
        re.findall(r'h([\d.]+)v10h-[\d.]+z" class="bar"', share_bar(s, "")) for s in (0.25, 1)
    ]
    assert widths == [["16"], ["64"]]
