"""Threads of BLAS, where several of joblib's threads compute at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController


@contextmanager
def divided_by(n_jobs: int | None) -> Iterator[None]:
    """Let each of so many threads have its part of the threads that there are.

    joblib does that for its processes. For its threads it does not, and matrix products would wait
    for each other: twice as many threads as cores took eight times as long
    (`MultiTaskLassoCV` with ``n_jobs=2`` on a busy machine with two).
    """
    n_parts = effective_n_jobs(n_jobs)
    if n_parts == 1:
        yield
        return
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    before = [library.get_num_threads() for library in libraries]
    for library, n_threads in zip(libraries, before, strict=True):
        library.set_num_threads(max(1, n_threads // n_parts))
    try:
        yield
    finally:
        for library, n_threads in zip(libraries, before, strict=True):
            library.set_num_threads(n_threads)
