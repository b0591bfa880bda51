"""Displays of pairs of tasks: affinity and conflict, and the order of their rows."""

import numpy as np
import pytest

from skmtl import MultiTaskLinearRegressor, MultiTaskMLP
from skmtl.datasets import make_multitask_regression
from skmtl.inspection import GradientConflict, TaskAffinity, gradient_conflict, task_affinity
from skmtl.inspection.displays import GradientConflictDisplay, TaskAffinityDisplay
from skmtl.inspection.displays._colours import diverging
from skmtl.inspection.displays._heat_map import cluster_order, draw_matrix, two_digits
from tests.inspection.displays.conftest import make_affinity, make_conflict, make_cosines


def drawn_in(image, order):
    """What an image shows, back in the order of the tasks; NaN where it is grey."""
    shown = image.get_array().filled(np.nan)
    back = np.argsort(order)
    return shown[np.ix_(back, back)]


def without_diagonal(values):
    return np.where(np.eye(len(values), dtype=bool), np.nan, values)


@pytest.mark.parametrize("cluster", [True, False])
def test_affinity_is_what_was_given(cluster):
    affinity = make_affinity(12)
    display = TaskAffinityDisplay(affinity).plot(cluster=cluster)
    drawn = drawn_in(display.image_, display.order_)
    np.testing.assert_array_equal(drawn, without_diagonal(affinity.affinity))
    for labels in (display.ax_.get_yticklabels(), display.ax_.get_xticklabels()):
        assert [label.get_text() for label in labels] == [str(t) for t in display.order_]
    if not cluster:
        np.testing.assert_array_equal(display.order_, np.arange(12))


@pytest.mark.parametrize("seed", range(5))
def test_groups_stand_together(seed):
    rng = np.random.default_rng(seed)
    similarity = make_cosines(20, n_groups=4, seed=seed)
    # What a task does for another need not be what the other does for it.
    similarity += 0.2 * rng.normal(size=similarity.shape)
    order = cluster_order(similarity)
    assert sorted(order) == list(range(20))
    changes = np.count_nonzero(np.diff(order % 4))
    assert changes == 3


def test_order_does_not_depend_on_the_diagonal():
    similarity = make_cosines(8)
    order = cluster_order(similarity)
    np.fill_diagonal(similarity, -100.0)
    np.testing.assert_array_equal(cluster_order(similarity), order)


def test_unknown_affinities_are_grey_and_do_not_disturb_the_order():
    affinity = make_affinity(7).affinity.copy()
    affinity[3], affinity[:, 3] = np.nan, np.nan
    display = TaskAffinityDisplay(TaskAffinity(list("abcdefg"), affinity, "pairwise")).plot()
    assert np.isnan(drawn_in(display.image_, display.order_)[3]).all()
    groups = np.array([t % 3 for t in display.order_ if t != 3])
    assert np.count_nonzero(np.diff(groups)) == 2
    nothing = TaskAffinity(list("abc"), np.full((3, 3), np.nan), "tag")
    np.testing.assert_array_equal(TaskAffinityDisplay(nothing).plot().order_, [0, 1, 2])


def test_white_is_zero_except_where_zero_means_nothing():
    cosine = TaskAffinityDisplay(make_affinity(6)).plot().image_.norm
    assert cosine.vmin == -cosine.vmax
    tag = TaskAffinityDisplay(make_affinity(6, method="tag")).plot().image_
    shown = tag.get_array().compressed()
    assert (tag.norm.vmin, tag.norm.vmax) == (shown.min(), shown.max())


def test_one_huge_value_does_not_take_all_the_colours(pyplot):
    values = np.linspace(-1, 1, 400).reshape(20, 20)
    assert diverging(values)[1].vmax == 1
    values[3, 4] = 50.0
    cmap, norm = diverging(values)
    assert 1 <= norm.vmax < 2 and norm.vmin == -norm.vmax
    # The colour bar says that there is more.
    _, ax = pyplot.subplots()
    image = draw_matrix(ax, values, (cmap, norm), rows=(), columns=(), bar="value")
    assert image.get_array().max() == 50
    assert image.colorbar.extend == "max"
    assert diverging(np.zeros((2, 2)))[1].vmax == 1


@pytest.mark.parametrize(
    ("values", "text"),
    [([0.63, -0.1], "-0.10"), ([0.013, 0.002], "0.002"), ([120.0, 3.4], "3"), ([0.0], "0")],
)
def test_numbers_have_two_digits_of_the_largest(values, text):
    assert format(values[-1], two_digits(np.array(values))) == text


def test_directions_are_named_only_where_they_differ():
    assert TaskAffinityDisplay(make_affinity(4)).plot().ax_.get_ylabel() == ""
    lopsided = make_cosines(4)
    lopsided[0, 1] += 0.1
    display = TaskAffinityDisplay(TaskAffinity(list("abcd"), lopsided, "tag")).plot()
    # A row says what its task does for the others.
    assert "this task does" in display.ax_.get_ylabel()


def test_affinity_from_estimator():
    X, y = make_multitask_regression(50, 6, n_tasks=4, n_informative=6, random_state=0)
    model = MultiTaskLinearRegressor("l2", alpha=0.1)
    display = TaskAffinityDisplay.from_estimator(model, X, y, method="coef_cosine")
    expected = task_affinity(model, X, y, method="coef_cosine").affinity
    drawn = drawn_in(display.image_, display.order_)
    np.testing.assert_allclose(drawn, without_diagonal(expected))
    fitted = TaskAffinityDisplay.from_estimator(model.fit(X, y), method="coef_cosine")
    assert fitted.affinity.affinity.shape == (4, 4)


def test_conflict_is_what_was_given():
    conflict = make_conflict(8)
    display = GradientConflictDisplay(conflict).plot()
    np.testing.assert_array_equal(display.line_.get_xdata(), conflict.epochs)
    np.testing.assert_array_equal(display.line_.get_ydata(), conflict.share)
    drawn = drawn_in(display.image_, display.order_)
    np.testing.assert_allclose(drawn, without_diagonal(conflict.cosine.mean(axis=0)))
    assert display.axes_[0].get_title() == "pairs of tasks in conflict"
    assert display.ax_ is display.axes_[0]


def test_epochs_without_a_label_do_not_count():
    cosine = np.full((3, 2, 2), np.nan)
    cosine[:, 0, 1] = cosine[:, 1, 0] = [0.5, np.nan, -0.1]
    conflict = GradientConflict(["a", "b"], np.arange(1, 4), cosine)
    display = GradientConflictDisplay(conflict).plot()
    np.testing.assert_array_equal(display.line_.get_ydata(), [0.0, np.nan, 1.0])
    np.testing.assert_allclose(drawn_in(display.image_, display.order_)[0, 1], 0.2)


def test_conflict_from_estimator():
    X, y = make_multitask_regression(80, 4, n_tasks=3, n_informative=4, random_state=0)
    network = MultiTaskMLP((8,), max_iter=20, tol=1.0, random_state=0)
    display = GradientConflictDisplay.from_estimator(network, X, y, every=1)
    expected = gradient_conflict(network, X, y, every=1)
    np.testing.assert_array_equal(display.conflict.cosine, expected.cosine)
    assert not hasattr(network, "history_")
