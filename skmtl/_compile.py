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
    from numba.core import cgutils
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.errors import TypingError
    from numba.core.sigutils import normalize_signature
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


def _quickly(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """The function in three quarters of the time it takes.

    Without runs of the garbage collector, and optimised a little less: what is compiled is as fast.
    """

    @wraps(compile_)
    def compile_quickly(*arguments: Any) -> Any:
        # The lock of numba's own compiler: another thread finds and leaves these as they were.
        with global_compiler_lock:
            was_enabled, level = gc.isenabled(), config.OPT  # type: ignore[attr-defined]
            gc.disable()
            config.OPT = type(level)(min(level, 2))  # type: ignore[attr-defined]
            try:
                return compile_(*arguments)
            finally:
                config.OPT = level  # type: ignore[attr-defined]
                if was_enabled:
                    gc.enable()

    return compile_quickly


def _set_up(dispatcher: Any, function: Any) -> None:
    dispatcher.compile = _quickly(dispatcher.compile)
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


def _chosen(choose: Any, relation: str) -> Any:
    """An instruction for `min` or `max` of two numbers: what numba has for these compiles first."""
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return choose

    def signature_and_code(context: Any, x: Any, y: Any) -> Any:
        kind = context.unify_types(types.unliteral(x), types.unliteral(y))
        is_float = isinstance(kind, types.Float)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            compare = builder.fcmp_ordered if is_float else builder.icmp_signed
            return builder.select(compare(relation, args[1], args[0]), args[1], args[0])

        return kind(kind, kind), code

    return intrinsic(signature_and_code)


# For compiled functions: the smaller and the larger of two numbers, as `min` and `max`.
smaller, larger = _chosen(min, "<"), _chosen(max, ">")


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


def called_by_address(signature: str) -> Any:
    """An instruction that calls the function at an address, with a tuple of its arguments.

    What a compiled function calls in the usual way is optimised with it once more, which takes as
    long as the first time. ``signature`` is that of the function; arrays may also be read-only.
    """
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return lambda function, arguments: function(*arguments)
    kinds, returned = normalize_signature(signature)

    def call(typing: Any, address: Any, arguments: Any) -> Any:
        given = tuple(
            kind.copy(readonly=False) if isinstance(kind, types.Array) else kind
            for kind in arguments
        )
        if given != kinds:
            raise TypingError(f"Arguments of types {given}, not {kinds}.")

        def code(context: Any, builder: Any, _: Any, values: Any) -> Any:
            convention = context.call_conv
            pointer = convention.get_function_type(returned, kinds).as_pointer()
            function = builder.inttoptr(values[0], pointer)
            unpacked = cgutils.unpack_tuple(builder, values[1])
            status, result = convention.call_function(builder, function, returned, kinds, unpacked)
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            return result

        return returned(address, arguments), code

    return intrinsic(call)


def address_of(function: Any, signature: str) -> Any:
    """What `called_by_address` calls a compiled function by; it is compiled where it is not."""
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    function.compile(signature)
    compiled = function.overloads[normalize_signature(signature)[0]]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
