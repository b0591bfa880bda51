"""Records read back from a page make its tables again."""

from functools import partial

import pytest

pytest.importorskip("pandas")
pytest.importorskip("benchmarks", reason="the scripts are not installed")

from benchmarks.accuracy import page, report
from benchmarks.accuracy.command import read_back, with_seconds
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


ON_A_PAGE = {("star", name, "ridge"): {"r2": 0.5, "seconds": 2.0} for name in ("a", "b")}
RUN = {"r2": 0.6, "seconds": 9.0, "cpu": 9.5}


def test_seconds_of_a_page_are_means_that_some_sets_do_not_move():
    again = {("star", "a", "ridge"): RUN}
    some = with_seconds(ON_A_PAGE | again)
    assert [record["seconds"] for record in some.values()] == [2.0, 2.0]
    assert some["star", "a", "ridge"]["r2"] == 0.6
    every = with_seconds(ON_A_PAGE | dict.fromkeys(ON_A_PAGE, RUN))
    assert [record["seconds"] for record in every.values()] == [9.0, 9.0]


def test_a_page_says_how_much_it_has_from_a_page():
    records = ON_A_PAGE | {("star", "a", "network"): RUN, ("star", "b", "ridge"): RUN}
    told = read_back(records, {"star": {"network": None}})
    assert "0 of 1 records of skmtl, 1 of 2 of others" in told
