"""Parquet files, and whatever else pyarrow reads as a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from skmtl._optional import import_optional
from skmtl._shown import shown
from skmtl.sources._array_source import BLOCK_BYTES, check_block_rows
from skmtl.sources._base import Source

PYARROW = "pyarrow.dataset", "ParquetSource", "parquet"


class ParquetSource(Source):
    """Parquet files, of which a block of rows at a time is in memory.

    Parameters
    ----------
    path : str, path, list of these, or pyarrow.dataset.Dataset
        Files, or a folder of them; or what `pyarrow.dataset.dataset` has made of files of other
        formats.
    targets : list of str, or str
        Columns that are labels: a column of y for each. A str, not in a list, makes y 1-D.
    features : list of str, default=None
        Columns of X, with the task feature in long form; by default all others.
    sample_weight : str or list of str, default=None
        Column with the weights of the rows, or a column for each of the targets.
    block_rows : int, default=None
        Least number of rows of a block, all but the last; by default as many as have 32 MiB in
        float64. A file is decoded by its own groups of rows, which had better not be much larger.

    See Also
    --------
    ArraySource : Arrays and memory maps.

    Notes
    -----
    Columns are read as those of a table of pyarrow that is X: names are kept, numbers may be of any
    type, columns of dictionaries are categories for networks, and text, times and (but for
    networks) categories are errors of `fit`. Labels that are null are unobserved.

    Examples
    --------
    >>> import os, tempfile
    >>> import pandas as pd
    >>> from skmtl import MultiTaskLinearRegressor
    >>> from skmtl.sources import ParquetSource
    >>> path = os.path.join(tempfile.mkdtemp(), "rows.parquet")
    >>> x = range(100)
    >>> rows = {"x": x, "half": [0.5 * i for i in x], "odd": [None, *([1.0, 3.0, 5.0] * 33)]}
    >>> pd.DataFrame(rows).to_parquet(path)
    >>> source = ParquetSource(path, targets=["half", "odd"])
    >>> model = MultiTaskLinearRegressor("l2", alpha=0.0).fit(source)
    >>> model.feature_names_in_.tolist(), model.task_names_in_.tolist(), model.coef_[0].round(6)
    (['x'], ['half', 'odd'], array([0.5]))
    """

    def __init__(
        self,
        path: Any,
        targets: str | Sequence[str],
        *,
        features: Sequence[str] | None = None,
        sample_weight: str | Sequence[str] | None = None,
        block_rows: int | None = None,
    ) -> None:
        self.path = path
        self.targets = targets
        self.features = features
        self.sample_weight = sample_weight
        self.block_rows = block_rows
        check_block_rows(block_rows)
        self._find_columns()

    def __repr__(self) -> str:
        return f"ParquetSource({self.path!r})"

    def __iter__(self) -> Iterator[Any]:
        for table in self._tables([*self._features, *self._labels, *self._weights]):
            yield (table.select(self._features), *self._labels_in(table))

    def labels(self) -> Iterator[tuple[int, tuple[Any, Any]]]:
        """As `Source.labels`, without reading the other columns."""
        columns = [*self._labels, *self._weights]
        for number, table in enumerate(self._tables(columns)):
            yield number, self._labels_in(table)

    def read_features(self) -> Iterator[Any]:
        """As `Source.read_features`, without reading the other columns."""
        return self._tables(self._features)

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[int, Any]]:
        """As `Source.shuffled`: groups of rows of the files, in any order."""
        groups = self._groups()
        if len(groups) < 2:
            yield from super().shuffled(rng)
            return
        starts = np.concatenate([[0], np.cumsum([_n_rows(group) for group in groups])])
        for k in rng.permutation(len(groups)):
            start = int(starts[k])
            for table in self._tables(self._features, [groups[k]]):
                yield start, table
                start += table.num_rows

    def _tables(self, columns: list[str], groups: Sequence[Any] | None = None) -> Iterator[Any]:
        """Blocks of some columns: batches as they are decoded, put together where they are small.

        One group of rows after the other is scanned, so that no more than it is read ahead.
        """
        import pyarrow as pa

        size, schema = self._block_rows, self._dataset().schema
        batches: list[Any] = []
        n_rows = 0
        for group in self._groups() if groups is None else groups:
            of_fragment = {} if hasattr(group, "get_fragments") else {"schema": schema}
            scanner = group.scanner(
                columns=list(dict.fromkeys(columns)),
                batch_size=size,
                batch_readahead=1,
                fragment_readahead=1,
                **of_fragment,
                **self._scan_options(),
            )
            for batch in scanner.to_batches():
                if batch.num_rows:
                    batches.append(batch)
                    n_rows += batch.num_rows
                if n_rows >= size:
                    yield pa.Table.from_batches(batches)
                    batches, n_rows = [], 0
        if batches:
            yield pa.Table.from_batches(batches)

    @property
    def _block_rows(self) -> int:
        return self.block_rows or max(1, BLOCK_BYTES // (8 * max(1, len(self._features))))

    def _groups(self) -> list[Any]:
        """Groups of rows of all files; the whole, where it is filtered and has no such parts."""
        dataset = self._dataset()
        try:
            files = list(dataset.get_fragments())
        except ValueError:
            return [dataset]
        return [group for file in files for group in _groups_of(file)]

    def _scan_options(self) -> dict[str, Any]:
        """Read a group of rows when it is its turn, not before."""
        if getattr(self._dataset(), "format", None).__class__.__name__ != "ParquetFileFormat":
            return {}
        options = import_optional(
            "pyarrow.dataset", "ParquetSource", "parquet"
        ).ParquetFragmentScanOptions(pre_buffer=False)
        return {"fragment_scan_options": options}

    def _labels_in(self, table: Any) -> tuple[Any, Any]:
        """y and weights."""
        is_one = isinstance(self.targets, str)
        y = table.column(self.targets) if is_one else table.select(self._labels)
        if not self._weights:
            return y, None
        weights = [np.asarray(table.column(name)) for name in self._weights]
        is_one = isinstance(self.sample_weight, str)
        return y, weights[0] if is_one else np.column_stack(weights)

    def _dataset(self) -> Any:
        dataset = import_optional(*PYARROW)
        if isinstance(self.path, dataset.Dataset):
            return self.path
        paths = self.path
        if isinstance(paths, list | tuple):
            paths = [str(path) for path in paths]
        return dataset.dataset(paths, format="parquet")

    def _find_columns(self) -> None:
        """Names of the columns of X, of y, and of weights; raises where there are none such."""
        names = self._dataset().schema.names
        labels, weights = _listed(self.targets), _listed(self.sample_weight)
        others = [name for name in names if name not in (*labels, *weights)]
        features = others if self.features is None else list(self.features)
        parts = {"targets": labels, "features": features, "sample_weight": weights}
        for what, wanted in parts.items():
            unknown = [name for name in wanted if name not in names]
            if unknown:
                raise ValueError(
                    f"{what}: {unknown[0]!r} is no column of {self.path!r}: {shown(names, 20)}."
                )
        for what in ("targets", "features"):
            if not parts[what]:
                raise ValueError(f"{what} names no column; {self.path!r} has {shown(names, 20)}.")
        both = [name for name in features if name in labels]
        if both:
            raise ValueError(f"Column {both[0]!r} is among the targets and among the features.")
        if len(weights) not in (0, 1, len(labels)):
            raise ValueError(
                f"sample_weight names {len(weights)} columns; expected one, or one for each of the "
                f"{len(labels)} targets."
            )
        self._features, self._labels, self._weights = features, labels, weights


def _groups_of(file: Any) -> list[Any]:
    """Groups of rows of a file, where its format has any."""
    split = getattr(file, "split_by_row_group", None)
    return [file] if split is None else split()


def _n_rows(part: Any) -> int:
    """Rows of a file, or of a group of rows, of which `count_rows` says those of the file."""
    groups = getattr(part, "row_groups", None)
    return int(part.count_rows() if groups is None else sum(group.num_rows for group in groups))


def _listed(names: str | Sequence[str] | None) -> list[str]:
    """Names in a list."""
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)
