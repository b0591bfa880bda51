"""The page in a real browser: sorting, themes, links, names, narrow screens, and silence."""

import json
import os
from itertools import pairwise

import numpy as np
import pytest

from skmtl.inspection.report import MultiTaskReport
from tests.inspection.chromium import Page, find_chromium, start_chromium
from tests.inspection.reporting import HOSTILE, hostile_data, linear, mixed_data

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(17, 22, 27)"
GROUND = "getComputedStyle(document.body).backgroundColor"
OPENED = "[...document.querySelectorAll('details.task')].map(d => d.open)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = find_chromium()
    if path is None:
        if os.environ.get("SKMTL_BROWSER") == "required":
            pytest.fail("SKMTL_BROWSER=required, but there is no Chromium")
        pytest.skip("no Chromium: install Debian's chromium, or name one with SKMTL_CHROMIUM")
    running = start_chromium(path, lambda: tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def report():
    """Hostile names and twelve tasks, one of them without a score."""
    X, y = hostile_data()
    for t in range(3):
        y[f"task {t}"] = X.iloc[:, t].to_numpy() + np.arange(len(y)) % (t + 2)
    y.iloc[1:, 2] = np.nan
    return MultiTaskReport(linear(), X, y, cv=2)


@pytest.fixture(scope="module")
def path(report, tmp_path_factory):
    file = tmp_path_factory.mktemp("pages") / "report.html"
    report.to_html(file)
    return file


def column(page, position):
    """What the cells of a column are sorted by, from top to bottom."""
    return page.run(
        "[...document.querySelectorAll('#tasks-table tbody tr')]"
        f".map(row => row.cells[{position}].dataset.value)"
    )


# What the heads say of the order.
SORTS = "[...document.querySelectorAll('#tasks-table thead th')].map(h => h.ariaSort)"


def assert_sorted(page, position, direction):
    expected = [None] * len(page.run(SORTS))
    expected[position] = direction
    page.becomes(SORTS, expected)
    values = column(page, position)
    is_text = page.run(
        f"document.querySelectorAll('#tasks-table thead th')[{position}].dataset.sort"
    )
    if is_text == "text":
        order = page.run(
            "(values => [...values].sort(new Intl.Collator('en', {numeric: true}).compare))"
            f"({values})"
        )
        assert values == (order if direction == "ascending" else order[::-1])
        return
    n_known = sum(value != "" for value in values)
    assert all(value == "" for value in values[n_known:])
    numbers = [float(value) for value in values[:n_known]]
    if direction == "descending":
        numbers.reverse()
    assert all(a <= b for a, b in pairwise(numbers))


def head(position):
    return f"#tasks-table thead th:nth-child({position + 1}) button"


def test_sorting_by_click(browser, path, report):
    page = Page(browser).open(path)
    keys = report.to_frame().index.to_list()
    assert len(column(page, 0)) == len(keys) == 12
    heads = page.run(SORTS)
    assert heads == [None] * 8
    for position in range(len(heads)):
        for direction in ("ascending", "descending", "ascending"):
            page.click(head(position))
            assert_sorted(page, position, direction)
            assert len(set(column(page, 0))) == 12
    assert page.complaints == []


@pytest.mark.parametrize("key", ["Enter", " "])
def test_sorting_by_keyboard(browser, path, key):
    page = Page(browser).open(path)
    # From the first link on, Tab goes to every head in turn.
    for position in range(8):
        while not page.run(f"document.activeElement.matches({head(position)!r})"):
            before = page.run("document.activeElement.outerHTML")
            page.press("Tab")
            page.becomes(f"document.activeElement.outerHTML !== {json.dumps(before)}", True)
        page.becomes("getComputedStyle(document.activeElement).outlineStyle", "solid")
        page.press(key)
        assert_sorted(page, position, "ascending")
        page.press(key)
        assert_sorted(page, position, "descending")


def test_theme_follows_the_system_until_the_button_says_otherwise(browser, path):
    page = Page(browser, scheme="light").open(path)
    pressed = "document.querySelector('#theme').ariaPressed"
    assert (page.run(GROUND), page.run(pressed)) == (LIGHT, "false")
    look = f"[{GROUND}, {pressed}]"
    page.prefer("dark")
    page.becomes(look, [DARK, "true"])
    page.click("#theme")
    page.becomes(look, [LIGHT, "false"])
    page.prefer("light")
    page.becomes("matchMedia('(prefers-color-scheme: light)').matches", True)
    page.click("#theme")
    page.becomes(look, [DARK, "true"])
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_asks_for_nothing_and_says_nothing(browser, path, scheme):
    page = Page(browser, scheme=scheme).open(path)
    page.click("#all button")
    page.click(head(3))
    assert page.requests == [path.as_uri()]
    assert page.complaints == []


def test_the_policy_forbids_requests(browser, path):
    page = Page(browser).open(path)
    page.run("document.body.append(Object.assign(new Image(), {src: 'https://example.org/x.png'}))")
    page.run("fetch('https://example.org/').catch(() => 0)")
    page.wait_until(lambda: len(page.complaints) >= 2)
    said = [event["entry"]["text"] for event in page.complaints]
    assert all("Content Security Policy" in text for text in said)


def test_names_do_not_run(browser, path):
    page = Page(browser).open(path)
    page.click("#all button")
    page.becomes(f"{OPENED}.every(Boolean)", True)
    assert page.run("window.hostile") is None
    assert page.run("document.scripts.length") == 1
    assert page.run("document.images.length") == 0
    names = column(page, 0)
    assert names[:6] == HOSTILE[:6]
    shown = page.run("[...document.querySelectorAll('h3')].map(h => h.textContent)")
    assert shown[:6] == HOSTILE[:6]


@pytest.mark.parametrize("width", [320, 380, 1200])
def test_nothing_is_wider_than_the_screen(browser, path, width):
    page = Page(browser, width=width).open(path)
    page.click("#all button")
    page.becomes(f"{OPENED}.every(Boolean)", True)
    assert page.run("document.documentElement.scrollWidth") <= width
    is_reachable = (
        "[...document.querySelectorAll('.scroll')].every(s => s.tabIndex === 0 && s.ariaLabel)"
    )
    assert page.run(is_reachable)


def test_a_link_opens_the_part_of_its_task(browser, path):
    page = Page(browser).open(path)
    assert page.run(OPENED) == [False] * 12
    page.click("#tasks-table tbody tr:nth-child(5) a")
    page.becomes(OPENED, [t == 4 for t in range(12)])
    page.becomes("document.activeElement.id", "task-5")
    page.click("#all button:nth-child(2)")
    page.becomes(OPENED, [False] * 12)
    page.click("#all button")
    page.becomes(OPENED, [True] * 12)


def test_filter(browser, path):
    page = Page(browser).open(path)
    page.click("#filter input")
    page.type("TASK ")
    shown = "[...document.querySelectorAll('#tasks-table tbody tr')].filter(r => !r.hidden).length"
    page.becomes(shown, 3)
    page.becomes("document.querySelector('[role=status]').textContent", "3 of 12 tasks")


def test_readable_without_script(browser, path):
    page = Page(browser, script=False).open(path)
    box = page.call("DOM.getDocument", depth=-1)
    text = page.call("DOM.getOuterHTML", nodeId=box["root"]["nodeId"])["outerHTML"]
    assert "<button" in text
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if not node["ignored"]]
    assert "button" not in roles
    assert roles.count("columnheader") == 8
    assert roles.count("rowheader") == 12


def test_paper_is_white_and_shows_closed_parts(browser, path):
    page = Page(browser).open(path)
    is_shown = "document.querySelector('.part').checkVisibility()"
    page.click("#theme")
    assert not page.run(is_shown)
    page.becomes(GROUND, DARK)
    page.prefer("light", media="print")
    page.becomes("matchMedia('print').matches", True)
    page.becomes(is_shown, True)
    page.becomes(GROUND, LIGHT)
    assert page.run("document.querySelector('#theme').offsetHeight") == 0


def test_two_reports_in_a_notebook(browser, tmp_path):
    X, y = mixed_data(40)
    frames = [MultiTaskReport(linear(), X, y[[name]])._repr_html_() for name in y.columns[:2]]
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!DOCTYPE html><p id='theme'>{''.join(frames)}", encoding="utf-8")
    page = Page(browser).open(notebook)
    assert page.run("document.querySelectorAll('[id]').length") == 1
    inner = page.frames()
    assert len(inner) == 2
    titles = [frame("document.querySelector('h3').textContent") for frame in inner]
    assert sorted(titles) == ["pressure", "relapse"]
    first = inner[0]
    first("document.querySelector('#theme').click()")
    page.wait_until(lambda: [frame(GROUND) for frame in inner] == [DARK, LIGHT])
    first("document.querySelector('#tasks-table tbody a').click()")
    page.wait_until(lambda: first("document.querySelector('details.task').open"))
    assert not inner[1]("document.querySelector('details.task').open")
    assert page.complaints == []
