"""Pages of memory maps that were read: given back, as the file has them."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds


def give_back(part: Any, rows: Any = slice(None)) -> None:
    """Let go of the pages of some rows, where ``part`` is a memory map of a file.

    Pages that were read count as memory of the process until the system needs them elsewhere.
    Those of a map whose changes are private stay: they may be all there is of these changes.
    """
    if not isinstance(part, np.memmap) or part.mode == "c" or not hasattr(mmap, "MADV_DONTNEED"):
        return
    pages = getattr(part, "_mmap", None)
    some = part[rows]
    if not isinstance(pages, mmap.mmap) or not some.size:
        return
    first = np.frombuffer(pages, np.uint8, count=1).ctypes.data
    start, stop = (address - first for address in byte_bounds(some))
    if 0 <= start < stop <= len(pages):
        start -= start % mmap.PAGESIZE
        pages.madvise(mmap.MADV_DONTNEED, start, stop - start)
