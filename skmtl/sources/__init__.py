"""Rows in blocks: more data than memory has room for."""

from skmtl.sources._array_source import ArraySource
from skmtl.sources._base import Source
from skmtl.sources._dask import DaskSource
from skmtl.sources._parquet_source import ParquetSource
from skmtl.sources._predict_blocks import predict_blocks

__all__ = ["ArraySource", "DaskSource", "ParquetSource", "Source", "predict_blocks"]
