"""Every promise and row on bad input has a test, and every public estimator goes through them."""

import ast

import pytest

import skmtl

from .conftest import ROOT
from .fault_map import PROMISES, ROWS
from .registry import EVERY

ENTRIES = [*PROMISES.items(), *((str(row), tests) for row, (_, tests) in ROWS.items())]


def test_no_row_is_left_out():
    assert sorted(ROWS) == list(range(1, 52))
    assert all(tests for _, tests in ENTRIES)


@pytest.mark.parametrize(("what", "tests"), ENTRIES, ids=[what for what, _ in ENTRIES])
def test_its_tests_are_there(what, tests):
    for test in tests:
        file, name = test.split("::")
        tree = ast.parse((ROOT / "tests" / file).read_text())
        assert name in {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }, test


def test_every_public_estimator_is_in_the_tables():
    public = {
        thing
        for thing in (getattr(skmtl, name) for name in skmtl.__all__)
        if isinstance(thing, type) and hasattr(thing, "fit")
    }
    listed = {type(make()) for make in EVERY.values()}
    assert public - listed == set()
