"""Settings of every test, docstring and page example."""

import sys

import pytest


@pytest.fixture(autouse=True)
def close_figures():
    """Figures of an example are not left open: pyplot warns of many."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
