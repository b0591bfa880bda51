"""Settings of every test, docstring and page example."""

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

# SKMTL_WITHOUT names extras that the suite then has to do without.
pytest_plugins = ["tests.without"] if os.environ.get("SKMTL_WITHOUT") else []
ROOT = Path(__file__).parent


def pytest_collect_file(file_path):
    """Import a module with examples as its users do, before pytest loads it once more.

    Otherwise its classes are there twice, and pickles find the wrong ones.
    """
    if file_path.suffix == ".py" and file_path.is_relative_to(ROOT / "skmtl"):
        name = ".".join(file_path.relative_to(ROOT).with_suffix("").parts)
        # What cannot be imported is reported by pytest.
        with suppress(ImportError):
            importlib.import_module(name.removesuffix(".__init__"))


@pytest.fixture(autouse=True)
def close_figures():
    """Figures of an example are not left open: pyplot warns of many."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


# What the example of a public name needs that not every environment has.
NEEDS = {"Checkpoint": "sklearn.callback"}


@pytest.fixture(autouse=True)
def skip_examples_of_what_is_missing(request):
    """An example that needs a newer scikit-learn is skipped with an older one."""
    if isinstance(request.node, pytest.DoctestItem):
        name = request.node.name.rpartition(".")[2]
        if name in NEEDS:
            pytest.importorskip(NEEDS[name])
