"""What a fit borrows from the process: a device, threads, modes of torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

from skmtl._warnings import warn

# Multiplications a step from which a second thread pays; below, threads wait for each other.
WORTH_THREADS = 10**8


@cache
def _libraries() -> list[tuple[Callable[[], int], Callable[[int], None]]]:
    """(get, set) the number of threads of each library that computes: torch, numpy's BLAS."""
    blas = ThreadpoolController().select(user_api="blas").lib_controllers
    found = [(library.get_num_threads, library.set_num_threads) for library in blas]
    return [(torch.get_num_threads, torch.set_num_threads), *found]


class _Threads:
    """The fits of this process that run now, and the numbers of threads before the first."""

    def __init__(self, is_forked: bool = False) -> None:
        self.lock = threading.Lock()
        self.limits: list[int] = []
        self.before: list[int] = []
        self.is_forked = is_forked

    def enter(self, limit: int) -> None:
        with self.lock:
            if not self.limits:
                self.before = [get() for get, _ in _libraries()]
            self.limits.append(limit)
            self._apply()

    def leave(self, limit: int) -> None:
        with self.lock:
            self.limits.remove(limit)
            self._apply()

    def available(self) -> int:
        """Threads that torch has where no fit runs."""
        with self.lock:
            return self.before[0] if self.limits else torch.get_num_threads()

    def _apply(self) -> None:
        for (get, put), before in zip(_libraries(), self.before, strict=True):
            n_threads = min(before, *self.limits) if self.limits else before
            if get() != n_threads:
                put(n_threads)


_threads = _Threads()


def _after_fork() -> None:
    global _threads
    _threads = _Threads(is_forked=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_forked() -> bool:
    """Whether this process is a copy of one in which torch has run."""
    return _threads.is_forked


def read_device(device: str) -> torch.device:
    """The torch device of that name, or a ValueError that says what is there."""
    try:
        found = torch.device(device)
        if found.type != "cpu":
            # There and back: a device may exist by name and hold no data.
            torch.zeros(1, device=found).cpu()
    except (RuntimeError, AssertionError, TypeError, ImportError) as error:
        has_cuda = "is" if torch.cuda.is_available() else "is not"
        raise ValueError(
            f"device={device!r} cannot be used: {str(error).splitlines()[0]} "
            f"(CUDA {has_cuda} available here; 'cpu' always is.)"
        ) from error
    return found


@contextmanager
def limited_threads(n_threads: int | None, work: int = 0) -> Iterator[None]:
    """Compute with at most so many threads, and leave the number as it was.

    None means one thread where a step is small. The number is never raised: a worker of
    joblib has been given its share. As the number belongs to the process, fits that run in
    threads side by side agree on the smallest, and the last one out restores it.
    """
    wanted = n_threads or (_threads.available() if work > WORTH_THREADS else 1)
    if _threads.is_forked and wanted > 1:
        warn(
            "This process was forked, and torch can hang in a forked process that uses more "
            "than one thread; using one. Start processes by 'spawn' or joblib's 'loky'.",
            RuntimeWarning,
        )
        wanted = 1
    _threads.enter(wanted)
    try:
        yield
    finally:
        _threads.leave(wanted)


@contextmanager
def safe_after_fork() -> Iterator[None]:
    """In a forked process even making a large tensor could wait for a thread that is not there."""
    if not _threads.is_forked:
        yield
        return
    _threads.enter(1)
    try:
        yield
    finally:
        _threads.leave(1)


@contextmanager
def recording_gradients() -> Iterator[None]:
    """Record gradients whatever mode the caller is in."""
    with torch.inference_mode(False), torch.enable_grad(), full_precision():
        yield


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute in the dtype of the data, even where the caller has switched autocast on."""
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        yield


def mixed_precision(device: torch.device) -> torch.autocast:
    """Compute products of matrices in bfloat16 on a device; what is added up stays as it is.

    bfloat16 has the range of float32, so that no gradient is lost to underflow and losses need
    no scaling, as they would in float16.
    """
    # What is cached would outlive the step that changes it.
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)


@contextmanager
def memory_hint(batch_size: int) -> Iterator[None]:
    """Say what helps when a device runs out of memory."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        error.add_note(f"A smaller batch_size (now {batch_size}) or network takes less memory.")
        raise
