"""Settings of every test, docstring and page example."""

import os
import sys

import pytest

# SKMTL_WITHOUT names extras that the suite then has to do without.
pytest_plugins = ["tests.without"] if os.environ.get("SKMTL_WITHOUT") else []


@pytest.fixture(autouse=True)
def close_figures():
    """Figures of an example are not left open: pyplot warns of many."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
