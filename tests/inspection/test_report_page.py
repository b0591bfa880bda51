"""The page: well-formed, self-contained, safe whatever things are called, and readable."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskLinearRegressor, stack_tasks
from skmtl.datasets import make_multitask_regression
from skmtl.inspection._words import FORBIDDEN, number, percent, plain
from skmtl.inspection.report import MultiTaskReport
from skmtl.inspection.report._sections import _noise
from tests.inspection.reporting import HOSTILE, hostile_data, linear, mixed_data, network

VOID = {"meta", "input"}
HEADINGS = ("h1", "h2", "h3")


class Document(HTMLParser):
    """Elements with attributes and text; an element that is not closed properly is an error."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.texts = [], [], {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append((tag, len(self.elements) - 1))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, position in self.open:
            self.texts[position] = self.texts.get(position, "") + data

    def all(self, *tags):
        """(attributes, text) of elements of these kinds."""
        return [
            (attributes, self.texts.get(position, ""))
            for position, (tag, attributes) in enumerate(self.elements)
            if tag in tags
        ]


def long_report():
    rng = np.random.default_rng(0)
    X = [pd.DataFrame(rng.normal(size=(12, 2)), columns=["a", "b"]) for _ in range(3)]
    y = [rows["a"] + rng.normal(size=12) for rows in X]
    X, y = stack_tasks(X, y, ["ash", "birch", "<i>cedar"])
    return MultiTaskReport(MultiTaskLinearRegressor(alpha=0.1, task_feature="task"), X, y, cv=3)


REPORTS = {
    "data given": lambda: MultiTaskReport(linear(), *mixed_data(60)),
    "splits": lambda: MultiTaskReport(linear(), *mixed_data(60), cv=2),
    "network": lambda: MultiTaskReport(
        network(early_stopping=True).fit(*mixed_data(60)), *mixed_data(60)
    ),
    "hostile": lambda: MultiTaskReport(linear(), *hostile_data(), cv=2),
    "long": long_report,
    "one task": lambda: MultiTaskReport(linear(), *(d[["age"]] for d in mixed_data(30)[:1] * 2)),
}
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module", params=REPORTS)
def page(request):
    return REPORTS[request.param]().to_html()


@pytest.fixture(scope="module")
def hostile():
    return Document(REPORTS["hostile"]().to_html())


def test_is_well_formed(page):
    document = Document(page)
    assert page.startswith("<!DOCTYPE html>\n")
    assert document.all("html")[0][0] == {"lang": "en"}
    assert len(document.all("title")[0][1]) > 0
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for attributes, _ in document.all("a")]
    assert links
    assert {link[:1] for link in links} == {"#"}
    assert {link[1:] for link in links} <= set(ids)


def test_is_accessible(page):
    document = Document(page)
    levels = [HEADINGS.index(tag) for tag, _ in document.elements if tag in HEADINGS]
    assert levels[0] == 0
    assert levels.count(0) == 1
    assert max(np.diff(levels)) <= 1
    for tag, attributes in document.elements:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"].strip()
        if tag == "th":
            assert attributes["scope"] in ("col", "row")
    assert len(document.all("caption")) == len(document.all("table"))


def test_asks_for_nothing(page):
    document = Document(page)
    for tag, attributes in document.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "image", "use")
        assert not {"src", "srcset", "style", "xlink:href"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    style = document.all("style")[0][1]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(a["content"] for a, _ in document.all("meta") if "http-equiv" in a)
    assert policy.startswith("default-src 'none';")
    for kind in ("style", "script"):
        ((_, text),) = document.all(kind)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_names_stand_as_they_are(hostile):
    names = [*map(plain, HOSTILE), "classes"]
    heads = [text for attributes, text in hostile.all("th") if "data-value" in attributes]
    values = [a["data-value"] for a, _ in hostile.all("th") if "data-value" in a]
    assert values == names
    for name, head in zip(names, heads, strict=True):
        assert (name if name.strip() else "(no name)") in head
    assert [text for _, text in hostile.all("h3")] == [name or "(no name)" for name in names]
    texts = " ".join(text for _, text in hostile.all("p", "dd", "td", "th"))
    for name in HOSTILE:
        assert plain(name) in texts  # as a class, a feature or a row


def test_names_make_no_markup(hostile):
    harmless = Document(REPORTS["splits"]().to_html())
    kinds = {tag for tag, _ in hostile.elements}
    assert kinds == {tag for tag, _ in harmless.elements}
    assert len(hostile.all("script")) == len(hostile.all("style")) == 1
    page = REPORTS["hostile"]().to_html()
    assert "<script>window" not in page
    assert not set(page) & set(map(chr, FORBIDDEN))


def test_half_of_a_surrogate_pair_can_be_written(tmp_path):
    X, y = mixed_data(40)
    y = y[["pressure", "visits"]]
    # Where Arrow is installed, pandas has no room for it in names that are all strings.
    y.columns = pd.Index(["pressure", "half \ud800"], dtype=object)
    MultiTaskReport(linear(), X, y).to_html(tmp_path / "page.html")
    assert "half \N{REPLACEMENT CHARACTER}" in (tmp_path / "page.html").read_text("utf-8")


def test_same_input_same_bytes(tmp_path):
    report = REPORTS["splits"]()
    assert report.to_html(tmp_path / "page.html") is None
    assert (tmp_path / "page.html").read_bytes() == REPORTS["splits"]().to_html().encode()


def test_size_for_twenty_tasks():
    X, y = make_multitask_regression(300, 30, n_tasks=20, missing=0.2, random_state=0)
    page = MultiTaskReport(MultiTaskLinearRegressor("l2", alpha=0.1), X, y, cv=2).to_html()
    assert page.count('<details class="task">') == 20
    assert len(page.encode()) < 300_000


def test_worst_rows():
    X, y = mixed_data(60)
    model = linear().fit(X, y)
    document = Document(MultiTaskReport(model, X, y).to_html())
    residual = (y["pressure"] - model.predict(X)[:, 0].astype(float)) ** 2
    worst = residual.nlargest(5)
    heads = [text for _, text in document.all("th") if text.startswith("patient")]
    assert heads[:5] == worst.index.to_list()
    losses = [text for _, text in document.all("td") if text == f"{worst.iloc[0]:.4g}"]
    assert len(losses) == 1


def test_says_where_scores_come_from():
    X, y = mixed_data(60)
    fitted, unfitted = linear().fit(X, y), linear()
    assert "optimistic if it was trained on these rows" in MultiTaskReport(fitted, X, y).to_html()
    assert "was trained on these very rows" in MultiTaskReport(unfitted, X, y).to_html()
    page = MultiTaskReport(unfitted, X, y, cv=2).to_html()
    assert "optimistic" not in page
    assert "models that have not seen them" in page


def test_says_that_affinities_are_hints_and_gains_evidence():
    page = REPORTS["splits"]().to_html()
    assert "a hint which tasks to learn together, no evidence" in page
    assert "only where one lies wholly on one side of zero there is evidence" in page
    assert "Nothing is known yet" in REPORTS["data given"]().to_html()


def test_says_where_labels_are_too_few():
    X, y = mixed_data(60)
    y.iloc[5:, 0] = np.nan
    page = MultiTaskReport(linear(), X, y).to_html()
    assert page.count("Fewer than 20 labels") == 1


def test_notebook_shows_the_page_in_a_frame_of_its_own():
    report = REPORTS["hostile"]()
    document = Document(report._repr_html_())
    ((frame, _),) = document.all("iframe")
    assert frame["srcdoc"] == report.to_html()
    assert frame["sandbox"] == "allow-scripts"
    assert "id" not in frame


# Contrast, WCAG 2.2: 4.5 for text, 3 for what a figure says by colour.
TEXT = [
    ("ink", "paper"), ("ink", "panel"), ("muted", "paper"), ("muted", "panel"),
    ("accent", "paper"), ("accent", "panel"), ("helps", "paper"), ("harms", "paper"),
    ("helps", "panel"), ("harms", "panel"), ("notice-ink", "notice"), ("paper", "accent"),
]  # fmt: skip


def luminance(colour):
    channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear_channels = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    return float(linear_channels @ [0.2126, 0.7152, 0.0722])


def themes():
    style = (
        Path(MultiTaskReport.to_html.__code__.co_filename).with_name("style.css").read_text("utf-8")
    )
    blocks = re.findall(r"color-scheme: (light|dark);([^}]*)}", style)
    return [
        (kind, dict(re.findall(r"--([\w-]+): (#\w{6});", block))) for kind, block in blocks if block
    ]


def test_contrast():
    found = [(kind, colours) for kind, colours in themes() if colours]
    assert [kind for kind, _ in found] == ["light", "dark", "dark"]
    assert found[1] == found[2]
    for _, colours in found:
        for ink, ground in TEXT:
            bright, dark = sorted(map(luminance, (colours[ink], colours[ground])), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_numbers_as_text():
    assert number(0.12345) == "0.123"
    assert number(-1.5) == "−1.500"
    assert number(1e-7) == "1e−07"
    assert number(float("nan")) == "–"
    assert percent(-0.0321, sign=True) == "−3.2%"
    assert percent(1.0) == "100%"
    assert plain(3.0) == "3"


def test_noise_that_is_small_is_no_zero():
    is_clear = np.array([[True, False, True], [False, True, True], [True, True, True]])
    told = _noise(SimpleNamespace(noise=0.0012, affinity=np.eye(3), is_clear=is_clear))
    assert "colour (0.0024, from two halves of the rows): 2 of 3 pairs." in told
