"""What the settings of the suite refuse."""

from types import SimpleNamespace

import pytest

from tests.conftest import pytest_collection_modifyitems


def collected(thing):
    """A test whose id is the text of this thing."""
    name = f"test_it[{thing}]"
    return SimpleNamespace(name=name, nodeid=f"tests/test_x.py::{name}")


@pytest.mark.parametrize(
    "thing",
    [{1, "a"}, frozenset({"a", "b"}), [{"a", "b"}], object(), lambda: None],
    ids=["set", "frozenset", "inside", "object", "function"],
)
def test_an_id_that_another_process_would_not_give(thing):
    stable = collected(1)
    with pytest.raises(pytest.UsageError, match=r"tests/test_x\.py::.*a set or an address"):
        pytest_collection_modifyitems([stable, collected(thing)])


@pytest.mark.parametrize("thing", [{}, {"a": 1, "b": 2}, [1, 2], {1}, "at 0x", "L2(weight=0.1)"])
def test_an_id_that_every_process_gives(thing):
    pytest_collection_modifyitems([collected(thing)])
