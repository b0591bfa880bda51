"""Fixtures and settings that every test can rely on."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import settings

# Before scipy is imported: scikit-learn's check of array API input is skipped without it.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

ROOT = Path(__file__).resolve().parents[1]

# Every module whose __all__ is a promise to users.
NAMESPACES = [
    "skmtl",
    "skmtl.tasks",
    "skmtl.linear",
    "skmtl.linear.penalties",
    "skmtl.kernel",
    "skmtl.neural",
    "skmtl.neural.architectures",
    "skmtl.neural.balancing",
    "skmtl.neural.inputs",
    "skmtl.compose",
    "skmtl.uncertainty",
    "skmtl.metrics",
    "skmtl.model_selection",
    "skmtl.inspection",
    "skmtl.datasets",
    "skmtl.sources",
    "skmtl.persistence",
    "skmtl.export",
    "skmtl.testing",
]

# A slow machine must not fail a property, and today's examples are tomorrow's.
settings.register_profile("skmtl", deadline=None, derandomize=True)
settings.load_profile("skmtl")

# The order of a set, and where an object lies in memory, are others in every process.
UNSTABLE = re.compile(r"\{[^:{}]*,[^:{}]*\}| at 0x[0-9a-f]+")


def pytest_collection_modifyitems(items):
    """Refuse tests that have another name in every process: workers could not share them out."""
    if unstable := [item.nodeid for item in items if UNSTABLE.search(item.name)]:
        raise pytest.UsageError(f"{unstable[0]}: the id names a set or an address; say ids=")


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real data sets that the repository does not carry; a skip where it is absent."""
    folder = Path(os.environ.get("SKMTL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no folder of real data sets; SKMTL_DATA names one")
    return folder
