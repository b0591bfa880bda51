"""The pages are doctests: what they print is what their code prints."""

from pathlib import Path

import pytest

DOCS = Path(__file__).parent

# Written by a build, or no page.
collect_ignore_glob = ["*.py", "_*", "api*", "auto_examples*", "sg_*"]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Files that a page writes are not left behind."""
    monkeypatch.chdir(tmp_path)


def pytest_collection_modifyitems(items):
    """A warning that a page does not speak of is an error."""
    for item in items:
        if DOCS in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error::UserWarning"))
