"""Compiled functions: numba's decorator with a cache that is never stale and never needed.

numba keeps compiled code beside the source, in ``NUMBA_CACHE_DIR``, or in the user's cache
folder, and takes it for fresh while the file of the function itself is unchanged. Functions
inlined from other files count here too. Where none of these places can be written, code is
compiled in every process.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import logging
import math
from collections.abc import Callable
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any

import numpy as np

try:
    from llvmlite import ir
    from numba import carray, config, njit, types
    from numba.extending import intrinsic
except ImportError as error:
    raise ImportError(
        "The compiled parts of skmtl need numba, which cannot be imported: "
        f"{error}. Install it with `pip install numba` or `conda install numba`."
    ) from error

MARK = b"@compiled"
"""What the files with compiled functions have in common."""

logger = logging.getLogger("skmtl")
_reasons: list[str] = []
_compiled: list[str] = []


def compiler(**options: Any) -> Callable[[Any], Any]:
    """A decorator as `numba.njit` with these options, and the cache described above."""

    def compiled(function: Any) -> Any:
        # What C code would call takes time to compile, and nothing calls it.
        dispatcher = njit(**{"no_cfunc_wrapper": True} | options)(function)
        if hasattr(dispatcher, "_cache"):  # A plain function where NUMBA_DISABLE_JIT is set.
            _set_up(dispatcher, function)
        return dispatcher

    return compiled


def _uncollected(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """The function without runs of the garbage collector: a fifth of the time it takes."""

    @wraps(compile_)
    def without_collector(*arguments: Any) -> Any:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            return compile_(*arguments)
        finally:
            if was_enabled:
                gc.enable()

    return without_collector


def _set_up(dispatcher: Any, function: Any) -> None:
    dispatcher.compile = _uncollected(dispatcher.compile)
    try:
        dispatcher._cache = _kernel_cache()(function)
    except (RuntimeError, OSError) as error:
        _say_once(str(error))


def _say_once(reason: str) -> None:
    if not _reasons:
        logger.info("Compiled code is not kept for the next process: %s", reason)
    _reasons.append(reason)


def _say_what_takes_time(name: str, path: str) -> None:
    if not _compiled:
        logger.info(
            "Compiling %s and what else is needed, which takes seconds; kept in %s.", name, path
        )
    _compiled.append(name)


@cache
def _kernel_cache() -> Any:
    from numba.core.caching import FunctionCache

    class KernelCache(FunctionCache):
        """The cache of numba with a stamp of all files that may be inlined into a function."""

        def __init__(self, function: Any) -> None:
            super().__init__(function)
            file = self._cache_file
            file._source_stamp = file._source_stamp, digest_of_sources()

        def load_overload(self, *arguments: Any) -> Any:
            found = super().load_overload(*arguments)
            if found is None:
                _say_what_takes_time(self._py_func.__name__, self.cache_path)
            return found

        @contextmanager
        def _guard_against_spurious_io_errors(self) -> Any:
            # A full disk, or a folder taken away, is no reason not to compute.
            try:
                yield
            except OSError as error:
                _say_once(str(error))

    return KernelCache


@cache
def digest_of_sources(root: Path = Path(__file__).parent) -> str:
    """Digest of all files of the package that have compiled functions."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(root.rglob("*.py")):
        source = path.read_bytes()
        if MARK in source:
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(source)
    return digest.hexdigest()


def _bitcast(given: Any, wanted: Any, kind: Any) -> Any:
    """An instruction that takes the bits of a number for those of another type."""
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return lambda x: np.asarray(x, given.name).view(wanted.name)[()]

    def signature_and_code(context: Any, x: Any) -> Any:
        return wanted(given), lambda _, builder, __, args: builder.bitcast(args[0], kind)

    return intrinsic(signature_and_code)


# For compiled functions: the bits of a float64 as int64, and back; of a float32 as int32.
bits_of = _bitcast(types.float64, types.int64, ir.IntType(64))
of_bits = _bitcast(types.int64, types.float64, ir.DoubleType())
bits_of_single = _bitcast(types.float32, types.int32, ir.IntType(32))
of_bits_single = _bitcast(types.int32, types.float32, ir.FloatType())


def _memory_at(typing: Any, address: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), code


def _view_of_memory(address: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """The array with this address, where nothing is compiled."""
    memory = (ctypes.c_char * (math.prod(shape) * dtype.itemsize)).from_address(address)
    return np.frombuffer(memory, dtype).reshape(shape)


# For compiled functions: the pointer with an address, and the array that is there.
memory_at: Any = intrinsic(_memory_at)
array_at: Any = carray
if config.DISABLE_JIT:  # type: ignore[attr-defined]
    memory_at, array_at = int, _view_of_memory
