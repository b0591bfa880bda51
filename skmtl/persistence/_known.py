"""Which classes and functions a file may name: a file chooses among them, and brings none along."""

from __future__ import annotations

import inspect
import pkgutil
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from skmtl.persistence._neighbors import DISTANCES, TREES

# Of these, instances are made without a call of their own code: `__new__`, then their attributes.
OBJECTS = ("skmtl", "sklearn", "scipy.sparse")
# Compiled classes, whose constructors take sizes, parameters of a loss, or points of a tree.
CONSTRUCTED = (
    "sklearn.tree._tree.Tree",
    "sklearn._loss._loss.Cy",
    "sklearn.linear_model._sgd_fast.",
    *TREES,
    *DISTANCES,
)
# Where compiled classes are that say something else of it, as in scikit-learn 1.6.
HOMES = {"_loss": "sklearn._loss._loss"}
# Our functions may be named (never called while a file is read), and numpy's of single numbers.
FUNCTIONS = ("skmtl",)


class UnknownTypeError(ValueError):
    """A file, or an estimator, holds what is neither plain data nor of a known package."""


def name_of(thing: Any) -> str:
    """Where a class or a function is found again, ``"module:name"``."""
    if isinstance(thing, np.ufunc):
        home = "numpy" if getattr(np, thing.__name__, None) is thing else "scipy.special"
        return f"{home}:{thing.__name__}"
    return f"{_home(thing)}:{thing.__qualname__}"


def find(name: str) -> Any:
    """The class or function of that name.

    Raises
    ------
    UnknownTypeError
        If it is of no known package, or is not where its name says.
    ImportError
        If what it needs is not installed.
    """
    module, _, qualified = name.partition(":")
    if not _is_known(module):
        raise UnknownTypeError(f"{name} is not of a package that is read: {', '.join(OBJECTS)}.")
    try:
        found: Any = import_module(module)
        for part in qualified.split("."):
            found = inspect.getattr_static(found, part)
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and not f"{module}.".startswith(f"{error.name}."):
            raise
        raise UnknownTypeError(f"{name} is not known to the installed version.") from error
    # What a module has only imported is not its own.
    if not is_known(found) or name_of(found) != name:
        raise UnknownTypeError(f"{name} is nothing that may be read from a file.")
    return found


def is_known(thing: Any) -> bool:
    """Whether a class or a function may be named in a file."""
    if isinstance(thing, np.ufunc):
        return True
    module = _home(thing)
    if not isinstance(module, str) or "<" in getattr(thing, "__qualname__", "<"):
        return False
    if isinstance(thing, type):
        return _is_known(module)
    return inspect.isfunction(thing) and _is_of(module, FUNCTIONS)


def is_constructed(kind: type) -> bool:
    """Whether instances of a compiled class are made by calling it."""
    return f"{_home(kind)}.{kind.__qualname__}".startswith(CONSTRUCTED)


@cache
def trusted_types() -> tuple[str, ...]:
    """Names of all classes of skmtl, for ``skops.io.load(file, trusted=...)``.

    With them the kernels of scikit-learn that a Gaussian process is made of.
    """
    from sklearn.gaussian_process import kernels

    import skmtl

    names = {
        f"{kernels.__name__}.{name}"
        for name, found in vars(kernels).items()
        if isinstance(found, type) and issubclass(found, kernels.Kernel)
    }
    for module in pkgutil.walk_packages(skmtl.__path__, "skmtl."):
        if module.name.startswith("skmtl.testing"):
            continue
        loaded = import_module(module.name)
        names |= {
            f"{module.name}.{name}"
            for name, found in vars(loaded).items()
            if isinstance(found, type) and found.__module__ == module.name
        }
    return tuple(sorted(names))


def _home(thing: Any) -> Any:
    """Module from which a class or a function can be imported."""
    module = getattr(thing, "__module__", None)
    return HOMES.get(module, module) if isinstance(module, str) else module


def _is_known(module: str) -> bool:
    return _is_of(module, OBJECTS) or module in ("numpy", "scipy.special")


def _is_of(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
