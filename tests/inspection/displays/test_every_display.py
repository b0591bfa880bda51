"""What holds for all displays: where they draw, what they leave alone, that they can be read."""

import copy
import subprocess
import sys
import warnings
from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.text import Text

import skmtl.inspection.displays as displays
from skmtl.inspection.displays._labels import literal
from tests.inspection.displays.conftest import DISPLAYS, ODD_NAMES

every_display = pytest.mark.parametrize("kind", sorted(DISPLAYS))


def test_every_display_is_here():
    found = {type(build(3)).__name__ for build in DISPLAYS.values()}
    assert found == {name for name in displays.__all__ if name.endswith("Display")}


@every_display
def test_plot_makes_one_figure(kind, pyplot):
    display = DISPLAYS[kind](3)
    assert display.plot() is display
    assert [pyplot.figure(number) for number in pyplot.get_fignums()] == [display.figure_]
    assert display.ax_ in display.figure_.axes


@every_display
@pytest.mark.parametrize("layout", [None, "constrained", "by hand"])
def test_plot_draws_into_the_axes_that_are_given(kind, layout, pyplot):
    figure = pyplot.figure(figsize=(12, 5), layout=None if layout == "by hand" else layout)
    if layout == "by hand":
        left, right = figure.add_axes([0.1, 0.1, 0.3, 0.8]), figure.add_axes([0.6, 0.1, 0.3, 0.8])
    else:
        left, right = figure.subplots(1, 2)
    display = DISPLAYS[kind](3).plot(right)
    figure.canvas.draw()
    assert display.figure_ is figure
    assert pyplot.get_fignums() == [figure.number]
    # The other half is untouched: its axes are empty, and none was put over them.
    assert not left.has_data()
    assert all(ax is left or ax.bbox.x0 > left.bbox.x1 for ax in figure.axes)


@every_display
def test_plot_changes_no_result(kind):
    display = DISPLAYS[kind](3)
    before = copy.deepcopy(vars(display))
    display.plot()
    for name, value in before.items():
        after = getattr(display, name)
        for part, same in zip(_arrays(value), _arrays(after), strict=True):
            np.testing.assert_array_equal(part, same)


def _arrays(value):
    if isinstance(value, list):
        return [array for part in value for array in _arrays(part)]
    parts = vars(value).values() if hasattr(value, "__dict__") else [value]
    return [part for part in parts if isinstance(part, np.ndarray)]


@every_display
@pytest.mark.parametrize("n_tasks", [1, 3, 100])
def test_figures_can_be_read(kind, n_tasks):
    # Long names, as assays and sensors have them.
    names = [f"{task}: one of a family of many tasks" for task in range(n_tasks)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = DISPLAYS[kind](n_tasks, names).plot().figure_
        figure.canvas.draw()
    assert (figure.get_size_inches() <= (17, 14)).all()
    page = figure.bbox
    texts = [text for text in figure.findobj(Text) if "tasks" in text.get_text()]
    assert texts
    for box in (text.get_window_extent() for text in texts):
        assert min(box.x0, box.y0) >= -1
        assert box.x1 <= page.x1 + 1
        assert box.y1 <= page.y1 + 1
    for axis in figure.findobj(Axis):
        labels = [label for label in axis.get_ticklabels() if label in texts]
        # Slanted labels have boxes that overlap although their letters do not.
        if all(label.get_rotation() in (0, 90) for label in labels):
            ends = f"{axis.axis_name}0", f"{axis.axis_name}1"
            boxes = [label.get_window_extent() for label in labels]
            spans = sorted(tuple(getattr(box, end) for end in ends) for box in boxes)
            assert all(end <= start + 1 for (_, end), (start, _) in pairwise(spans))
    titles = [ax.title.get_window_extent() for ax in figure.axes if ax.title in texts]
    assert not any(first.overlaps(second) for first, second in combinations(titles, 2))


@every_display
def test_odd_names_are_drawn_as_they_are(kind):
    figure = DISPLAYS[kind](len(ODD_NAMES), list(ODD_NAMES)).plot().figure_
    # Raises where matplotlib would read a formula.
    figure.canvas.draw()
    drawn = [text.get_text() for text in figure.findobj(Text)]
    names = ODD_NAMES
    if kind == "path":
        # Only the largest have names.
        names = [name for name in ODD_NAMES if any(literal(name) in text for text in drawn)]
        assert len(names) == 6
    for name in names:
        assert any(literal(name) in text for text in drawn), name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("$x$", r"\$x\$"),
        (r"\$", r"\\$"),
        ("two\nlines\ttab", "two lines tab"),
        ("", "''"),
        (" ", "' '"),
        (3.0, "3"),
        (np.float64(3.0), "3"),
        (2.5, "2.5"),
        (("a", 1), "('a', 1)"),
        ("0123456789", "0123…789"),
    ],
)
def test_literal(name, text):
    assert literal(name, 8 if name == "0123456789" else 28) == text


def test_literal_shortens_before_it_escapes():
    assert literal("$" * 100, 9) == r"\$\$\$\$…\$\$\$\$"


@every_display
def test_without_matplotlib_says_what_to_install(kind, monkeypatch):
    display = DISPLAYS[kind](3)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    name = type(display).__name__
    message = rf'{name}.plot needs matplotlib.*pip install "skmtl\[plot\]"'
    with pytest.raises(ImportError, match=message):
        display.plot()


@pytest.mark.parametrize(
    ("name", "method"),
    [
        (name, method)
        for name in displays.__all__
        for method in ("from_estimator", "from_predictions", "from_labels")
        if hasattr(getattr(displays, name), method)
    ],
)
def test_without_matplotlib_nothing_is_computed(name, method, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    call = getattr(getattr(displays, name), method)
    # Arguments that any computation would stumble over.
    arguments = [None] * (call.__code__.co_argcount - 1 - len(call.__defaults__ or ()))
    with pytest.raises(ImportError, match=rf"{name}.{method} needs matplotlib"):
        call(*arguments)


def test_import_is_light():
    code = "import sys, skmtl.inspection.displays; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False"], done.stderr


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: displays.TaskWeightDisplay(np.ones((2, 3)), task_names=["a"]),
            "task_names has 1 names; expected 3",
        ),
        (
            lambda: displays.CoefficientMapDisplay(np.ones((2, 3)), feature_names=["a"]),
            "feature_names has 1 names; expected 3",
        ),
        (
            lambda: displays.TaskLearningCurveDisplay(np.ones((2, 3))).plot(kind="both"),
            "kind='both'; expected 'auto', 'panels' or 'overlay'",
        ),
        (lambda: displays.TaskPredictionDisplay([]), "no task with predictions"),
    ],
)
def test_bad_input_is_an_error(build, message):
    with pytest.raises(ValueError, match=message):
        build()
