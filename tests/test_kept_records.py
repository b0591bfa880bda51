"""Records read back from a page make its tables again."""

from functools import partial

import pytest

pytest.importorskip("pandas")
pytest.importorskip("benchmarks", reason="the scripts are not installed")

from benchmarks.accuracy import page, report
from benchmarks.accuracy.evidence import part
from benchmarks.accuracy.kept import BY_METHOD, BY_SET, kept
from benchmarks.accuracy.results import STUDIES, counts
from benchmarks.published import kept as published
from benchmarks.published.registry import EXPERIMENTS
from benchmarks.published.report import report as report_published
from tests.conftest import ROOT

README = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


def rows_of(text, heading):
    """Of the table under a heading."""
    return text.split(f"#### {heading}")[1].split("\n\n")[1].splitlines()


@pytest.mark.parametrize(("study", "heading"), [(s, h) for s, of in BY_SET.items() for h in of])
def test_a_row_per_set_is_made_again(study, heading):
    again = page.printed(partial(report.REPORTS[study], study, kept(README), True))
    assert rows_of(again, heading) == rows_of(part(README, study), heading)


@pytest.mark.parametrize("study", BY_METHOD)
def test_a_row_per_method_is_kept_whole(study):
    records = kept(README)
    title, measure = BY_METHOD[study]
    for line in rows_of(part(README, study), title)[2:]:
        method, *cells = line.strip("| ").split(" | ")
        places = zip(cells[:-2], STUDIES[study].sets, strict=True)
        for cell, name in places:
            record = records[study, name, method]
            assert record == {measure: float(cell), "seconds": float(cells[-1])}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_published_experiments_are_printed_again_to_the_letter(name):
    records = published.kept(README)
    again = page.printed(partial(report_published, name, records, True))
    assert again == part(README, f"published {name}").strip()


def test_what_a_page_says_of_ours_is_not_of_this_very_code():
    records = kept(README)
    of_a_peer, of_ours = ("regression", "slump", "ridge"), ("regression", "slump", "MultiTaskMLP")
    assert counts(of_a_peer, records, current=True)
    assert counts(of_ours, records, current=False)
    assert not counts(of_ours, records, current=True)
