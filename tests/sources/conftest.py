"""Sources that are small, and are not read into memory all the same."""

import pytest

from skmtl.neural import _stored
from skmtl.sources import _array_source, _read_source, _stored_rows


@pytest.fixture
def stays_stored(monkeypatch):
    """As if there were memory for a few hundred rows."""
    for module in (_array_source, _read_source, _stored_rows):
        monkeypatch.setattr(module, "MOST_BYTES", 1)
        monkeypatch.setattr(module, "FEWEST_ROWS", 300)
    monkeypatch.setattr(_stored, "MIXED_BYTES", 2**14)
