"""Rows in blocks: more data than memory has room for."""

from skmtl.sources._array_source import ArraySource
from skmtl.sources._base import Source

__all__ = ["ArraySource", "Source"]
