"""Sources that are small, and are not read into memory all the same."""

from importlib.util import find_spec

import pytest

from skmtl.sources import _array_source, _read_source, _stored_rows


@pytest.fixture
def stays_stored(monkeypatch):
    """As if there were memory for a few hundred rows."""
    for module in (_array_source, _read_source, _stored_rows):
        monkeypatch.setattr(module, "MOST_BYTES", 1)
        monkeypatch.setattr(module, "FEWEST_ROWS", 300)
    if find_spec("torch"):
        monkeypatch.setattr("skmtl.neural._stored.MIXED_BYTES", 2**14)
